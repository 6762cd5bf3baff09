/*
 * crypto/pkcs11.c - a token of PKCS#11: keys that stay in it, and data
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/pkcs11_use.h"

#include "base/fail.h"
#include "base/fd.h"
#include "crypto/aead.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <string.h>

#define SLOTS_MAX 256
#define VALUE_MAX ((size_t)1 << 20)
/* Objects of one label that are looked at: two are one too many. */
#define FOUND_MAX 2

coco_status
coco_pkcs11_fail(coco_error **err, CK_RV rv, const char *what)
{
    coco_status status = COCO_ERR_IO;

    switch (rv) {
    case CKR_HOST_MEMORY:
        return coco_fail_nomem(err);
    case CKR_PIN_INCORRECT:
    case CKR_PIN_LOCKED:
    case CKR_PIN_LEN_RANGE:
    case CKR_PIN_INVALID:
    case CKR_PIN_EXPIRED:
    case CKR_KEY_FUNCTION_NOT_PERMITTED:
    case CKR_ATTRIBUTE_SENSITIVE:
    case CKR_USER_NOT_LOGGED_IN:
    case CKR_TOKEN_WRITE_PROTECTED:
        status = COCO_ERR_DENIED;
        break;
    case CKR_TOKEN_NOT_PRESENT:
        status = COCO_ERR_NOTFOUND;
        break;
    case CKR_MECHANISM_INVALID:
        status = COCO_ERR_NOTSUP;
        break;
    default:
        break;
    }
    return coco_fail(err, status, "%s fails in the token: 0x%08lx", what, (unsigned long)rv);
}

/* ---- opening ---- */

static coco_status
load(const char *path, CK_FUNCTION_LIST **ret, coco_error **err)
{
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    CK_C_GetFunctionList get = NULL;
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!module)
        return coco_fail(err, COCO_ERR_NOTFOUND, "module %s cannot be loaded", path);
    /* POSIX, dlsym(): a pointer to data stands for one to a function. */
    *(void **)(void *)&get = dlsym(module, "C_GetFunctionList");
    CK_FUNCTION_LIST *functions = NULL;
    if (!get || get(&functions) != CKR_OK || !functions) {
        (void)dlclose(module);
        return coco_fail(err, COCO_ERR_NOTSUP, "%s is no module of PKCS#11", path);
    }
    *ret = functions;
    CK_RV rv = functions->C_Initialize(&args);
    return rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED
               ? COCO_OK
               : coco_pkcs11_fail(err, rv, "C_Initialize");
}

/* Whether a field, which is filled up with blanks, holds text; "" is anything. */
static bool
field_is(const CK_UTF8CHAR *field, size_t size, const char *text)
{
    size_t len = strlen(text);

    if (len == 0)
        return true;
    if (len > size || strncmp((const char *)field, text, len) != 0)
        return false;
    for (size_t i = len; i < size; i++)
        if (field[i] != ' ')
            return false;
    return true;
}

static bool
is_meant(const struct coco_pkcs11_uri *uri, CK_SLOT_ID slot, const CK_TOKEN_INFO *info)
{
    return (!uri->has_slot_id || uri->slot_id == slot)
           && field_is(info->label, sizeof(info->label), uri->token)
           && field_is(info->serialNumber, sizeof(info->serialNumber), uri->serial)
           && field_is(info->manufacturerID, sizeof(info->manufacturerID), uri->manufacturer)
           && field_is(info->model, sizeof(info->model), uri->model)
           && (info->flags & CKF_TOKEN_INITIALIZED) != 0;
}

static coco_status
find_slot(CK_FUNCTION_LIST *functions, const struct coco_pkcs11_uri *uri, CK_SLOT_ID *ret,
          coco_error **err)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG n = 0;
    unsigned found = 0;

    /* Without a buffer the module looks anew what there is (PKCS#11 3.0 section 5.5). */
    CK_RV rv = functions->C_GetSlotList(CK_TRUE, NULL, &n);
    n = SLOTS_MAX;
    if (rv == CKR_OK)
        rv = functions->C_GetSlotList(CK_TRUE, slots, &n);
    if (rv != CKR_OK)
        return coco_pkcs11_fail(err, rv, "C_GetSlotList");
    for (CK_ULONG i = 0; i < n && i < SLOTS_MAX; i++) {
        CK_TOKEN_INFO info;

        if (functions->C_GetTokenInfo(slots[i], &info) != CKR_OK || !is_meant(uri, slots[i], &info))
            continue;
        *ret = slots[i];
        found++;
    }
    if (found == 0)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no such token");
    if (found > 1)
        return coco_fail(err, COCO_ERR_INVALID, "%u tokens are meant", found);
    return COCO_OK;
}

static coco_status
log_in(const struct coco_pkcs11 *token, void *pin, size_t len, coco_error **err)
{
    CK_RV rv = token->functions->C_Login(token->session, CKU_USER, pin, len);

    return rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN ? COCO_OK
                                                            : coco_pkcs11_fail(err, rv, "C_Login");
}

coco_status
coco_pkcs11_read_pin(const char *file, struct coco_buf *ret, size_t *len, coco_error **err)
{
    coco_status status = coco_file_read(file, ret, err);

    *len = strcspn(coco_buf_text(ret), "\r\n");
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "PIN in %s", file);
}

static coco_status
log_in_from(const struct coco_pkcs11 *token, const char *file, coco_error **err)
{
    _cleanup_buf_ struct coco_buf pin = {.limit = COCO_PKCS11_PIN_MAX};
    size_t len = 0;

    coco_status status = coco_pkcs11_read_pin(file, &pin, &len, err);
    return status == COCO_OK ? log_in(token, pin.data, len, err) : status;
}

static coco_status
open_session(struct coco_pkcs11 *token, coco_error **err)
{
    CK_RV rv = token->functions->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL, NULL,
                                               &token->session);

    return rv == CKR_OK ? COCO_OK : coco_pkcs11_fail(err, rv, "C_OpenSession");
}

/* The token, open and without a login. */
static coco_status
open_token(const struct coco_pkcs11_uri *uri, struct coco_pkcs11 *token, coco_error **err)
{
    coco_status status = load(uri->module_path, &token->functions, err);

    if (status == COCO_OK)
        status = find_slot(token->functions, uri, &token->slot, err);
    if (status == COCO_OK)
        status = open_session(token, err);
    return status;
}

/* Gives out an open token if what it was asked for came to status. */
static coco_status
finish_opening(coco_status status, struct coco_pkcs11 *token, struct coco_pkcs11 *ret)
{
    if (status == COCO_OK)
        *ret = *token;
    else
        coco_pkcs11_close(token);
    return status;
}

coco_status
coco_pkcs11_open(const struct coco_pkcs11_uri *uri, struct coco_pkcs11 *ret, coco_error **err)
{
    struct coco_pkcs11 token = {0};

    coco_status status = open_token(uri, &token, err);
    if (status != COCO_OK)
        return status;
    if (uri->pin_file[0] != '\0')
        status = log_in_from(&token, uri->pin_file, err);
    return finish_opening(status, &token, ret);
}

coco_status
coco_pkcs11_open_with(const struct coco_pkcs11_uri *uri, const char *pin, size_t len,
                      struct coco_pkcs11 *ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret copy = {0};
    struct coco_pkcs11 token = {0};

    coco_status status = coco_secret_copy(pin, len, &copy, err);
    if (status == COCO_OK)
        status = open_token(uri, &token, err);
    if (status != COCO_OK)
        return status;
    if (len > 0)
        status = log_in(&token, copy.data, copy.len, err);
    return finish_opening(status, &token, ret);
}

coco_status
coco_pkcs11_open_slot(const char *module, uint64_t index, const struct coco_secret *pin,
                      struct coco_pkcs11 *ret, coco_error **err)
{
    struct coco_pkcs11 token = {0};
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG n = SLOTS_MAX;

    coco_status status = load(module, &token.functions, err);
    if (status != COCO_OK)
        return status;
    CK_RV rv = token.functions->C_GetSlotList(CK_TRUE, slots, &n);
    if (rv != CKR_OK)
        return coco_pkcs11_fail(err, rv, "C_GetSlotList");
    if (index >= n)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no slot %" PRIu64 " with a token", index);
    token.slot = slots[index];
    status = open_session(&token, err);
    if (status != COCO_OK)
        return status;
    status = log_in(&token, pin->data, pin->len, err);
    if (status != COCO_OK) {
        coco_pkcs11_close(&token);
        return status;
    }
    *ret = token;
    return COCO_OK;
}

coco_status
coco_pkcs11_open_key(const struct coco_pkcs11_key_uri *uri, struct coco_pkcs11 *ret,
                     struct coco_pkcs11_object *key, coco_error **err)
{
    *key = (struct coco_pkcs11_object){uri->object, uri->id, uri->id_len};
    if (uri->token.pin_file[0] != '\0')
        return coco_pkcs11_open(&uri->token, ret, err);
    return coco_pkcs11_open_with(&uri->token, uri->pin, strlen(uri->pin), ret, err);
}

void
coco_pkcs11_close(struct coco_pkcs11 *token)
{
    if (token->functions)
        (void)token->functions->C_CloseSession(token->session);
    *token = (struct coco_pkcs11){0};
}

/* ---- using ---- */

void
coco_pkcs11_use_done(struct coco_pkcs11_use *use)
{
    if (use->functions)
        (void)use->functions->C_CloseSession(use->session);
}

coco_status
coco_pkcs11_use_begin(const struct coco_pkcs11 *token, CK_FLAGS flags, struct coco_pkcs11_use *ret,
                      coco_error **err)
{
    CK_SESSION_HANDLE session = 0;

    CK_RV rv = token->functions->C_OpenSession(token->slot, CKF_SERIAL_SESSION | flags, NULL, NULL,
                                               &session);
    if (rv != CKR_OK)
        return coco_pkcs11_fail(err, rv, "C_OpenSession");
    *ret = (struct coco_pkcs11_use){.functions = token->functions, .session = session};
    return COCO_OK;
}

/* Up to max objects that have all of wanted. */
static coco_status
find_all(const struct coco_pkcs11_use *use, CK_ATTRIBUTE *wanted, CK_ULONG n_wanted,
         CK_OBJECT_HANDLE *ret, CK_ULONG max, CK_ULONG *n, coco_error **err)
{
    CK_RV rv = use->functions->C_FindObjectsInit(use->session, wanted, n_wanted);

    if (rv == CKR_OK) {
        rv = use->functions->C_FindObjects(use->session, ret, max, n);
        (void)use->functions->C_FindObjectsFinal(use->session);
    }
    return rv == CKR_OK ? COCO_OK : coco_pkcs11_fail(err, rv, "C_FindObjects");
}

/* PKCS#11 wants what it only reads as if it wrote there. */
static coco_status
copy_label(const char *label, char copy[COCO_PKCS11_LABEL_MAX], CK_ATTRIBUTE *ret, coco_error **err)
{
    size_t len = strlen(label);

    if (len == 0 || len > COCO_PKCS11_LABEL_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "label of an object is not 1 to %d bytes",
                         COCO_PKCS11_LABEL_MAX);
    memcpy(copy, label, len);
    *ret = (CK_ATTRIBUTE){CKA_LABEL, copy, len};
    return COCO_OK;
}

coco_status
coco_pkcs11_find(const struct coco_pkcs11_use *use, const CK_OBJECT_CLASS *class, const char *label,
                 CK_OBJECT_HANDLE *ret, CK_ULONG max, CK_ULONG *n, coco_error **err)
{
    char copy[COCO_PKCS11_LABEL_MAX];
    CK_OBJECT_CLASS of = class ? *class : 0;
    CK_ATTRIBUTE wanted[] = {{0}, {CKA_CLASS, &of, sizeof(of)}};

    coco_status status = copy_label(label, copy, &wanted[0], err);
    if (status == COCO_OK)
        status = find_all(use, wanted, class ? 2 : 1, ret, max, n, err);
    return status;
}

static coco_status
take_one(const CK_OBJECT_HANDLE *found, CK_ULONG n, CK_OBJECT_HANDLE *ret, coco_error **err)
{
    if (n == 0)
        return coco_fail(err, COCO_ERR_NOTFOUND, "the token has no such object");
    if (n > 1)
        return coco_fail(err, COCO_ERR_INVALID, "the token has several of this label");
    *ret = found[0];
    return COCO_OK;
}

coco_status
coco_pkcs11_find_one(const struct coco_pkcs11_use *use, CK_OBJECT_CLASS class, const char *label,
                     CK_OBJECT_HANDLE *ret, coco_error **err)
{
    CK_OBJECT_HANDLE found[FOUND_MAX];
    CK_ULONG n = 0;

    coco_status status = coco_pkcs11_find(use, &class, label, found, FOUND_MAX, &n, err);
    return status == COCO_OK ? take_one(found, n, ret, err) : status;
}

coco_status
coco_pkcs11_find_object(const struct coco_pkcs11_use *use, CK_OBJECT_CLASS class,
                        const struct coco_pkcs11_object *object, CK_OBJECT_HANDLE *ret,
                        coco_error **err)
{
    char label[COCO_PKCS11_LABEL_MAX];
    uint8_t id[COCO_PKCS11_ID_MAX];
    CK_OBJECT_HANDLE found[FOUND_MAX];
    CK_ATTRIBUTE wanted[3] = {{CKA_CLASS, &class, sizeof(class)}};
    CK_ULONG n_wanted = 1;
    CK_ULONG n = 0;
    coco_status status = COCO_OK;

    if (object->id_len > sizeof(id))
        return coco_fail(err, COCO_ERR_INVALID, "id of an object is too long");
    if (object->id_len > 0) {
        memcpy(id, object->id, object->id_len);
        wanted[n_wanted++] = (CK_ATTRIBUTE){CKA_ID, id, object->id_len};
    }
    /* Without either, the label is told to be too short. */
    if (object->id_len == 0 || (object->label && object->label[0] != '\0'))
        status = copy_label(object->label ? object->label : "", label, &wanted[n_wanted++], err);
    if (status == COCO_OK)
        status = find_all(use, wanted, n_wanted, found, FOUND_MAX, &n, err);
    return status == COCO_OK ? take_one(found, n, ret, err) : status;
}

coco_status
coco_pkcs11_value(const struct coco_pkcs11_use *use, CK_OBJECT_HANDLE object,
                  struct coco_secret *ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret value = {0};
    CK_ATTRIBUTE attribute = {CKA_VALUE, NULL, 0};

    CK_RV rv = use->functions->C_GetAttributeValue(use->session, object, &attribute, 1);
    if (rv != CKR_OK)
        return coco_pkcs11_fail(err, rv, "C_GetAttributeValue");
    if (attribute.ulValueLen > VALUE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "object of more than %zu bytes", VALUE_MAX);
    coco_status status = coco_secret_alloc(attribute.ulValueLen, &value, err);
    if (status != COCO_OK)
        return status;
    attribute.pValue = value.data;
    rv = use->functions->C_GetAttributeValue(use->session, object, &attribute, 1);
    if (rv != CKR_OK || attribute.ulValueLen > value.len)
        return coco_pkcs11_fail(err, rv, "C_GetAttributeValue");
    value.len = attribute.ulValueLen;
    *ret = coco_secret_steal(&value);
    return COCO_OK;
}

coco_status
coco_pkcs11_read(const struct coco_pkcs11 *token, const char *label, struct coco_secret *ret,
                 coco_error **err)
{
    _cleanup_use_ struct coco_pkcs11_use use = {0};
    CK_OBJECT_HANDLE object = 0;

    coco_status status = coco_pkcs11_use_begin(token, 0, &use, err);
    if (status == COCO_OK)
        status = coco_pkcs11_find_one(&use, CKO_DATA, label, &object, err);
    if (status == COCO_OK)
        status = coco_pkcs11_value(&use, object, ret, err);
    return status;
}

/* PKCS#11 3.0 section 2.10.1 */
static CK_GCM_PARAMS
gcm_params(uint8_t iv[COCO_AEAD_IV_SIZE])
{
    return (CK_GCM_PARAMS){
        .pIv = iv,
        .ulIvLen = COCO_AEAD_IV_SIZE,
        .ulIvBits = (CK_ULONG)COCO_AEAD_IV_SIZE * 8,
        .ulTagBits = (CK_ULONG)COCO_AEAD_TAG_SIZE * 8,
    };
}

coco_status
coco_pkcs11_wrap(const struct coco_pkcs11 *token, const char *label, const void *data, size_t len,
                 struct coco_buf *buf, coco_error **err)
{
    _cleanup_use_ struct coco_pkcs11_use use = {0};
    _cleanup_secret_ struct coco_secret in = {0};
    _cleanup_secret_ struct coco_secret out = {0};
    uint8_t iv[COCO_AEAD_IV_SIZE];
    CK_GCM_PARAMS params = gcm_params(iv);
    CK_MECHANISM mechanism = {CKM_AES_GCM, &params, sizeof(params)};
    CK_OBJECT_HANDLE key = 0;

    coco_status status = coco_pkcs11_use_begin(token, 0, &use, err);
    if (status == COCO_OK)
        status = coco_pkcs11_find_one(&use, CKO_SECRET_KEY, label, &key, err);
    if (status == COCO_OK)
        status = coco_random(iv, sizeof(iv), err);
    if (status == COCO_OK)
        status = coco_secret_copy(data, len, &in, err);
    if (status == COCO_OK)
        status = coco_secret_alloc(len + COCO_AEAD_TAG_SIZE, &out, err);
    if (status != COCO_OK)
        return status;
    CK_ULONG n = out.len;
    CK_RV rv = use.functions->C_EncryptInit(use.session, &mechanism, key);
    if (rv == CKR_OK)
        rv = use.functions->C_Encrypt(use.session, in.data, in.len, out.data, &n);
    if (rv != CKR_OK || n != out.len)
        return coco_pkcs11_fail(err, rv, "C_Encrypt");
    status = coco_buf_append(buf, iv, sizeof(iv), err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, out.data, out.len, err);
    return status;
}

/* What does not open does so for one reason, whatever that is (T37). */
static coco_status
decrypt(const struct coco_pkcs11_use *use, CK_OBJECT_HANDLE key, uint8_t iv[COCO_AEAD_IV_SIZE],
        struct coco_secret *in, struct coco_secret *out, coco_error **err)
{
    CK_GCM_PARAMS params = gcm_params(iv);
    CK_MECHANISM mechanism = {CKM_AES_GCM, &params, sizeof(params)};
    CK_ULONG n = out->len;

    CK_RV rv = use->functions->C_DecryptInit(use->session, &mechanism, key);
    if (rv != CKR_OK)
        return coco_pkcs11_fail(err, rv, "C_DecryptInit");
    rv = use->functions->C_Decrypt(use->session, in->data, in->len, out->data, &n);
    if (rv == CKR_HOST_MEMORY || rv == CKR_DEVICE_REMOVED || rv == CKR_DEVICE_MEMORY)
        return coco_pkcs11_fail(err, rv, "C_Decrypt");
    if (rv != CKR_OK || n > out->len)
        return coco_fail(err, COCO_ERR_VERIFY, "authentication failed");
    out->len = n;
    return COCO_OK;
}

coco_status
coco_pkcs11_unwrap(const struct coco_pkcs11 *token, const char *label, const void *data, size_t len,
                   struct coco_secret *ret, coco_error **err)
{
    _cleanup_use_ struct coco_pkcs11_use use = {0};
    _cleanup_secret_ struct coco_secret in = {0};
    _cleanup_secret_ struct coco_secret out = {0};
    uint8_t iv[COCO_AEAD_IV_SIZE];
    CK_OBJECT_HANDLE key = 0;

    if (len < COCO_AEAD_IV_SIZE + COCO_AEAD_TAG_SIZE)
        return coco_fail(err, COCO_ERR_VERIFY, "authentication failed");
    memcpy(iv, data, sizeof(iv));
    coco_status status = coco_pkcs11_use_begin(token, 0, &use, err);
    if (status == COCO_OK)
        status = coco_pkcs11_find_one(&use, CKO_SECRET_KEY, label, &key, err);
    if (status == COCO_OK)
        status = coco_secret_copy((const uint8_t *)data + sizeof(iv), len - sizeof(iv), &in, err);
    if (status == COCO_OK)
        status = coco_secret_alloc(in.len, &out, err);
    if (status == COCO_OK)
        status = decrypt(&use, key, iv, &in, &out, err);
    if (status == COCO_OK)
        *ret = coco_secret_steal(&out);
    return status;
}
