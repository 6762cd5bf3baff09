/*
 * kbs/seal_key.c - the key in whose hands a store is
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/seal_key.h"

#include "base/fail.h"
#include "base/fd.h"
#include "base/text.h"
#include "crypto/aead.h"

#include <config.h>
#if COCO_HAVE_PKCS11
#include "crypto/pkcs11.h"
#endif
#if COCO_HAVE_TPM
#include "kbs/seal_tpm.h"
#endif
#include <fcntl.h>
#include <sys/stat.h>

#define HEX_SIZE ((size_t)2 * COCO_AEAD_KEY_SIZE)
#define WRAPPED_MAX ((size_t)1 << 10) /* a TPM adds some 200 bytes */

/* Links are followed: that is how orchestrators mount secrets. */
static coco_status
open_file(const char *path, int *ret, coco_error **err)
{
    struct stat st;

    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return coco_fail_errno(err, errno, "seal key %s", path);
    if (fstat(fd, &st) != 0)
        return coco_fail_errno(err, errno, "seal key %s", path);
    if (!S_ISREG(st.st_mode))
        return coco_fail(err, COCO_ERR_INVALID, "seal key %s is not a file", path);
    if (st.st_mode & 007)
        return coco_fail(err, COCO_ERR_DENIED,
                         "seal key %s may be read by everybody (mode %04o): chmod 600 it", path,
                         (unsigned)st.st_mode & 07777U);
    *ret = fd;
    fd = -1;
    return COCO_OK;
}

/* Bytes, or hex digits with at most one end of line. */
static coco_status
parse(const char *what, const void *data, size_t len, struct coco_secret *ret, coco_error **err)
{
    const char *text = data;
    _cleanup_secret_ struct coco_secret key = {0};

    if (len == COCO_AEAD_KEY_SIZE)
        return coco_secret_copy(data, len, ret, err);
    if (len > 0 && text[len - 1] == '\n')
        len--;
    coco_status status = coco_secret_alloc(COCO_AEAD_KEY_SIZE, &key, err);
    if (status != COCO_OK)
        return status;
    if (len != HEX_SIZE || !coco_unhex(text, len, key.data, key.len))
        return coco_fail(err, COCO_ERR_PROTO, "seal key %s is neither %d bytes nor %zu hex digits",
                         what, COCO_AEAD_KEY_SIZE, HEX_SIZE);
    *ret = coco_secret_steal(&key);
    return COCO_OK;
}

/* ---- in a token ---- */

#if COCO_HAVE_PKCS11

static coco_status
open_token(const struct coco_kbs_seal_source *source, struct coco_pkcs11 *ret, coco_error **err)
{
    struct coco_pkcs11_uri uri;

    coco_status status = coco_pkcs11_uri_parse(source->pkcs11, &uri, err);
    return status == COCO_OK ? coco_pkcs11_open(&uri, ret, err) : status;
}

static coco_status
unwrap_in_token(const struct coco_kbs_seal_source *source, const struct coco_buf *wrapped,
                struct coco_secret *ret, coco_error **err)
{
    struct coco_pkcs11 token = {0};

    coco_status status = open_token(source, &token, err);
    if (status != COCO_OK)
        return status;
    status = coco_pkcs11_unwrap(&token, source->pkcs11_key, wrapped->data, wrapped->len, ret, err);
    coco_pkcs11_close(&token);
    return status;
}

static coco_status
wrap_in_token(const struct coco_kbs_seal_source *source, const struct coco_secret *key,
              struct coco_buf *ret, coco_error **err)
{
    struct coco_pkcs11 token = {0};

    coco_status status = open_token(source, &token, err);
    if (status != COCO_OK)
        return status;
    status = coco_pkcs11_wrap(&token, source->pkcs11_key, key->data, key->len, ret, err);
    coco_pkcs11_close(&token);
    return status;
}

#else

static coco_status
unwrap_in_token(const struct coco_kbs_seal_source *source, const struct coco_buf *wrapped,
                struct coco_secret *ret, coco_error **err)
{
    (void)source;
    (void)wrapped;
    (void)ret;
    return coco_fail(err, COCO_ERR_NOTSUP, "this build has no PKCS#11");
}

static coco_status
wrap_in_token(const struct coco_kbs_seal_source *source, const struct coco_secret *key,
              struct coco_buf *ret, coco_error **err)
{
    (void)source;
    (void)key;
    (void)ret;
    return coco_fail(err, COCO_ERR_NOTSUP, "this build has no PKCS#11");
}

#endif

/* ---- in a TPM ---- */

#if COCO_HAVE_TPM

static coco_status
unwrap_in_tpm(const struct coco_kbs_seal_source *source, const struct coco_buf *wrapped,
              struct coco_secret *ret, coco_error **err)
{
    return coco_seal_tpm_unwrap(source->tpm, wrapped->data, wrapped->len, ret, err);
}

static coco_status
wrap_in_tpm(const struct coco_kbs_seal_source *source, const struct coco_secret *key,
            struct coco_buf *ret, coco_error **err)
{
    uint32_t pcrs = 0;

    coco_status status = coco_seal_tpm_pcrs(source->tpm_pcrs, &pcrs, err);
    return status == COCO_OK ? coco_seal_tpm_wrap(source->tpm, pcrs, key->data, key->len, ret, err)
                             : status;
}

#else

static coco_status
unwrap_in_tpm(const struct coco_kbs_seal_source *source, const struct coco_buf *wrapped,
              struct coco_secret *ret, coco_error **err)
{
    (void)source;
    (void)wrapped;
    (void)ret;
    return coco_fail(err, COCO_ERR_NOTSUP, "this build has no TPM");
}

static coco_status
wrap_in_tpm(const struct coco_kbs_seal_source *source, const struct coco_secret *key,
            struct coco_buf *ret, coco_error **err)
{
    (void)source;
    (void)key;
    (void)ret;
    return coco_fail(err, COCO_ERR_NOTSUP, "this build has no TPM");
}

#endif

/* ---- files ---- */

static coco_status
unwrap(const struct coco_kbs_seal_source *source, const struct coco_buf *wrapped,
       struct coco_secret *ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret key = {0};

    coco_status status = source->tpm ? unwrap_in_tpm(source, wrapped, &key, err)
                                     : unwrap_in_token(source, wrapped, &key, err);
    if (status == COCO_OK && key.len != COCO_AEAD_KEY_SIZE)
        status = coco_fail(err, COCO_ERR_PROTO, "what is wrapped is no key of %d bytes",
                           COCO_AEAD_KEY_SIZE);
    if (status == COCO_OK)
        *ret = coco_secret_steal(&key);
    return status;
}

coco_status
coco_kbs_seal_key_read(const struct coco_kbs_seal_source *source, struct coco_secret *ret,
                       coco_error **err)
{
    _cleanup_close_ int fd = -1;
    const bool wrapped = source->pkcs11 || source->tpm;
    _cleanup_buf_ struct coco_buf text = {.limit = wrapped ? WRAPPED_MAX : HEX_SIZE + 2};

    coco_status status = open_file(source->file, &fd, err);
    if (status == COCO_OK)
        status = coco_fd_read_all(fd, &text, err);
    if (status == COCO_ERR_LIMIT)
        return coco_wrap(err, status, "seal key %s", source->file);
    if (status != COCO_OK)
        return status;
    if (!wrapped)
        return parse(source->file, coco_buf_text(&text), text.len, ret, err);
    status = unwrap(source, &text, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "seal key %s", source->file);
}

coco_status
coco_kbs_seal_key_wrap(const struct coco_kbs_seal_source *source, const void *key, size_t len,
                       struct coco_buf *ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret plain = {0};

    if (!source->pkcs11 && !source->tpm)
        return coco_fail(err, COCO_ERR_INVALID,
                         "the configuration names no token and no TPM: [storage_backend.seal] "
                         "pkcs11, tpm");
    coco_status status = key ? parse("that was given", key, len, &plain, err)
                             : coco_secret_alloc(COCO_AEAD_KEY_SIZE, &plain, err);
    if (status == COCO_OK && !key)
        status = coco_random(plain.data, plain.len, err);
    if (status != COCO_OK)
        return status;
    return source->tpm ? wrap_in_tpm(source, &plain, ret, err)
                       : wrap_in_token(source, &plain, ret, err);
}
