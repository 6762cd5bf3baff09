/*
 * crypto/secretbox.c - XSalsa20 with Poly1305, which NaCl calls a secret box
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/secretbox.h"

#include "base/fail.h"

#include "config.h"

#if COCO_HAVE_SODIUM

#include <dlfcn.h>
#include <sodium.h>

/* The name is part of its ABI. */
#define LIBRARY "libsodium.so.23"

struct sodium {
    __typeof__(&sodium_init) init;
    __typeof__(&crypto_secretbox_open_easy) open;
};

/* It stays: what it has set up is the process's. */
static coco_status
load(struct sodium *ret, coco_error **err)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

    if (!library)
        return coco_fail(err, COCO_ERR_NOTSUP, "%s cannot be loaded", LIBRARY);
    /* POSIX, dlsym(): a pointer to data stands for one to a function. */
    *(void **)(void *)&ret->init = dlsym(library, "sodium_init");
    *(void **)(void *)&ret->open = dlsym(library, "crypto_secretbox_open_easy");
    (void)dlclose(library);
    if (!ret->init || !ret->open)
        return coco_fail(err, COCO_ERR_NOTSUP, "%s is another library", LIBRARY);
    return ret->init() < 0 ? coco_fail(err, COCO_ERR_IO, "%s does not start", LIBRARY) : COCO_OK;
}

coco_status
coco_secretbox_open(const uint8_t key[COCO_SECRETBOX_KEY_SIZE],
                    const uint8_t nonce[COCO_SECRETBOX_NONCE_SIZE], const void *box, size_t len,
                    struct coco_secret *ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret opened = {0};
    struct sodium sodium = {0};

    coco_status status = load(&sodium, err);
    if (status == COCO_OK && len < COCO_SECRETBOX_TAG_SIZE)
        status = coco_fail(err, COCO_ERR_VERIFY, "the box is too short");
    if (status == COCO_OK)
        status = coco_secret_alloc(len - COCO_SECRETBOX_TAG_SIZE, &opened, err);
    if (status != COCO_OK)
        return status;
    if (sodium.open(opened.data, box, len, nonce, key) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "the box does not open");
    *ret = coco_secret_steal(&opened);
    return COCO_OK;
}

#else

coco_status
coco_secretbox_open(const uint8_t key[COCO_SECRETBOX_KEY_SIZE],
                    const uint8_t nonce[COCO_SECRETBOX_NONCE_SIZE], const void *box, size_t len,
                    struct coco_secret *ret, coco_error **err)
{
    (void)key;
    (void)nonce;
    (void)box;
    (void)len;
    (void)ret;
    return coco_fail(err, COCO_ERR_NOTSUP, "this build has no libsodium");
}

#endif
