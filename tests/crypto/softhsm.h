/*
 * tests/crypto/softhsm.h - SoftHSM with one token for a test program
 *
 *     return softhsm_run(tests, softhsm_set_up);
 *     ... hsm.uri names its token "coco", the PIN in a file ...
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_CRYPTO_SOFTHSM_H
#define COCO_TESTS_CRYPTO_SOFTHSM_H

#include "crypto/pkcs11.h"
#include "tests/support.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOFTHSM_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define SOFTHSM_PIN "4711-0815"
#define SOFTHSM_KEY "kek"
#define SOFTHSM_DATA "default/key/1"
#define SOFTHSM_SECRET "a secret in hardware"

struct softhsm {
    char dir[64];
    char pin_file[128];
    char uri[512];
    CK_FUNCTION_LIST *functions;
    CK_SLOT_ID slot;
};

/* The last slot has no token yet; what is made of it gets another number. */
static inline void
softhsm_make_token(struct softhsm *hsm, const char *name)
{
    CK_UTF8CHAR label[32];
    CK_UTF8CHAR pin[] = SOFTHSM_PIN;
    CK_SLOT_ID slots[16];
    CK_ULONG n = 0;
    CK_SESSION_HANDLE session = 0;

    memset(label, ' ', sizeof(label));
    memcpy(label, name, strlen(name));
    assert_int_equal(hsm->functions->C_GetSlotList(CK_FALSE, NULL, &n), CKR_OK);
    n = 16;
    assert_int_equal(hsm->functions->C_GetSlotList(CK_FALSE, slots, &n), CKR_OK);
    hsm->slot = slots[n - 1];
    assert_int_equal(hsm->functions->C_InitToken(hsm->slot, pin, sizeof(pin) - 1, label), CKR_OK);
    assert_int_equal(hsm->functions->C_OpenSession(hsm->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                                   NULL, NULL, &session),
                     CKR_OK);
    assert_int_equal(hsm->functions->C_Login(session, CKU_SO, pin, sizeof(pin) - 1), CKR_OK);
    assert_int_equal(hsm->functions->C_InitPIN(session, pin, sizeof(pin) - 1), CKR_OK);
    assert_int_equal(hsm->functions->C_CloseSession(session), CKR_OK);
}

static inline void
softhsm_make_key(const struct softhsm *hsm, CK_SESSION_HANDLE session, const char *name)
{
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG size = 32;
    CK_BBOOL yes = CK_TRUE;
    char label[32];
    CK_ATTRIBUTE key[] = {
        {CKA_TOKEN, &yes, sizeof(yes)},     {CKA_PRIVATE, &yes, sizeof(yes)},
        {CKA_ENCRYPT, &yes, sizeof(yes)},   {CKA_DECRYPT, &yes, sizeof(yes)},
        {CKA_SENSITIVE, &yes, sizeof(yes)}, {CKA_VALUE_LEN, &size, sizeof(size)},
        {CKA_LABEL, label, strlen(name)},
    };
    CK_OBJECT_HANDLE made = 0;

    (void)snprintf(label, sizeof(label), "%s", name);
    assert_int_equal(hsm->functions->C_GenerateKey(session, &mechanism, key,
                                                   sizeof(key) / sizeof(key[0]), &made),
                     CKR_OK);
}

static inline void
softhsm_make_data(const struct softhsm *hsm, CK_SESSION_HANDLE session, const char *name)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    char value[] = SOFTHSM_SECRET;
    char label[32];
    CK_ATTRIBUTE data[] = {
        {CKA_CLASS, &class, sizeof(class)},    {CKA_TOKEN, &yes, sizeof(yes)},
        {CKA_PRIVATE, &yes, sizeof(yes)},      {CKA_LABEL, label, strlen(name)},
        {CKA_VALUE, value, sizeof(value) - 1},
    };
    CK_OBJECT_HANDLE made = 0;

    (void)snprintf(label, sizeof(label), "%s", name);
    assert_int_equal(
        hsm->functions->C_CreateObject(session, data, sizeof(data) / sizeof(data[0]), &made),
        CKR_OK);
}

/* A session in which objects may be made. */
static inline CK_SESSION_HANDLE
softhsm_write_begin(const struct softhsm *hsm)
{
    CK_UTF8CHAR pin[] = SOFTHSM_PIN;
    CK_SESSION_HANDLE session = 0;

    assert_int_equal(hsm->functions->C_OpenSession(hsm->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                                   NULL, NULL, &session),
                     CKR_OK);
    CK_RV rv = hsm->functions->C_Login(session, CKU_USER, pin, sizeof(pin) - 1);
    assert_true(rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN);
    return session;
}

/* A key pair of RSA that en- and decrypts. */
static inline void
softhsm_make_pair(const struct softhsm *hsm, const char *name)
{
    CK_SESSION_HANDLE session = softhsm_write_begin(hsm);
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG bits = 2048;
    CK_BYTE exponent[] = {1, 0, 1};
    CK_BBOOL yes = CK_TRUE;
    char label[32];
    CK_ATTRIBUTE public[] = {
        {CKA_TOKEN, &yes, sizeof(yes)},          {CKA_ENCRYPT, &yes, sizeof(yes)},
        {CKA_MODULUS_BITS, &bits, sizeof(bits)}, {CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)},
        {CKA_LABEL, label, strlen(name)},
    };
    CK_ATTRIBUTE private[] = {
        {CKA_TOKEN, &yes, sizeof(yes)},   {CKA_PRIVATE, &yes, sizeof(yes)},
        {CKA_DECRYPT, &yes, sizeof(yes)}, {CKA_SENSITIVE, &yes, sizeof(yes)},
        {CKA_LABEL, label, strlen(name)},
    };
    CK_OBJECT_HANDLE a = 0;
    CK_OBJECT_HANDLE b = 0;

    (void)snprintf(label, sizeof(label), "%s", name);
    assert_int_equal(
        hsm->functions->C_GenerateKeyPair(session, &mechanism, public, 5, private, 5, &a, &b),
        CKR_OK);
    assert_int_equal(hsm->functions->C_CloseSession(session), CKR_OK);
}

/*
 * A key pair that signs: of RSA with 2048 bits, or EC on the curve whose OID is given as DER. One
 * called "always" wants the PIN for each signature.
 */
static inline void
softhsm_make_signer(const struct softhsm *hsm, const char *name, const void *curve, size_t len)
{
    CK_SESSION_HANDLE session = softhsm_write_begin(hsm);
    CK_MECHANISM mechanism = {curve ? CKM_EC_KEY_PAIR_GEN : CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG bits = 2048;
    CK_BBOOL yes = CK_TRUE;
    char label[32];
    uint8_t params[16];
    CK_ATTRIBUTE public[] = {
        {CKA_TOKEN, &yes, sizeof(yes)},
        {CKA_VERIFY, &yes, sizeof(yes)},
        {CKA_LABEL, label, strlen(name)},
        {CKA_MODULUS_BITS, &bits, sizeof(bits)},
    };
    CK_BBOOL always = strcmp(name, "always") == 0 ? CK_TRUE : CK_FALSE;
    CK_ATTRIBUTE private[] = {
        {CKA_TOKEN, &yes, sizeof(yes)},   {CKA_PRIVATE, &yes, sizeof(yes)},
        {CKA_SIGN, &yes, sizeof(yes)},    {CKA_SENSITIVE, &yes, sizeof(yes)},
        {CKA_LABEL, label, strlen(name)}, {CKA_ALWAYS_AUTHENTICATE, &always, sizeof(always)},
    };
    CK_OBJECT_HANDLE a = 0;
    CK_OBJECT_HANDLE b = 0;

    (void)snprintf(label, sizeof(label), "%s", name);
    if (curve) {
        assert_true(len <= sizeof(params));
        memcpy(params, curve, len);
        public[3] = (CK_ATTRIBUTE){CKA_EC_PARAMS, params, len};
    }
    assert_int_equal(
        hsm->functions->C_GenerateKeyPair(session, &mechanism, public, 4, private, 6, &a, &b),
        CKR_OK);
    assert_int_equal(hsm->functions->C_CloseSession(session), CKR_OK);
}

/* Of a key pair the public half goes, and a certificate is there in its place unless der is NULL.
 */
static inline void
softhsm_replace_public(const struct softhsm *hsm, const char *name, const void *der, size_t len)
{
    CK_SESSION_HANDLE session = softhsm_write_begin(hsm);
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_BBOOL yes = CK_TRUE;
    char label[32];
    uint8_t subject[] = {0x30, 0x00};
    _cleanup_free_ uint8_t *copy = malloc(len ? len : 1);
    CK_ATTRIBUTE cert[] = {
        {CKA_CLASS, &class, sizeof(class)},      {CKA_LABEL, label, strlen(name)},
        {CKA_TOKEN, &yes, sizeof(yes)},          {CKA_CERTIFICATE_TYPE, &type, sizeof(type)},
        {CKA_SUBJECT, subject, sizeof(subject)}, {CKA_VALUE, copy, len},
    };
    CK_OBJECT_HANDLE object = 0;
    CK_ULONG n = 0;

    assert_non_null(copy);
    (void)snprintf(label, sizeof(label), "%s", name);
    assert_int_equal(hsm->functions->C_FindObjectsInit(session, cert, 2), CKR_OK);
    assert_int_equal(hsm->functions->C_FindObjects(session, &object, 1, &n), CKR_OK);
    assert_int_equal(hsm->functions->C_FindObjectsFinal(session), CKR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(hsm->functions->C_DestroyObject(session, object), CKR_OK);
    if (der) {
        class = CKO_CERTIFICATE;
        memcpy(copy, der, len);
        assert_int_equal(hsm->functions->C_CreateObject(session, cert, 6, &object), CKR_OK);
    }
    assert_int_equal(hsm->functions->C_CloseSession(session), CKR_OK);
}

/* How many secret keys of this label the token keeps. */
static inline unsigned
softhsm_count(const struct softhsm *hsm, const char *name)
{
    CK_SESSION_HANDLE session = softhsm_write_begin(hsm);
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_BBOOL yes = CK_TRUE;
    char label[64];
    CK_OBJECT_HANDLE found[32];
    CK_ULONG n = 0;

    (void)snprintf(label, sizeof(label), "%s", name);
    CK_ATTRIBUTE wanted[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_TOKEN, &yes, sizeof(yes)},
        {CKA_LABEL, label, strlen(name)},
    };
    assert_int_equal(hsm->functions->C_FindObjectsInit(session, wanted, 3), CKR_OK);
    assert_int_equal(hsm->functions->C_FindObjects(session, found, 32, &n), CKR_OK);
    assert_int_equal(hsm->functions->C_FindObjectsFinal(session), CKR_OK);
    assert_int_equal(hsm->functions->C_CloseSession(session), CKR_OK);
    return (unsigned)n;
}

static inline void
softhsm_fill(const struct softhsm *hsm)
{
    CK_UTF8CHAR pin[] = SOFTHSM_PIN;
    CK_SESSION_HANDLE session = 0;

    assert_int_equal(hsm->functions->C_OpenSession(hsm->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                                   NULL, NULL, &session),
                     CKR_OK);
    assert_int_equal(hsm->functions->C_Login(session, CKU_USER, pin, sizeof(pin) - 1), CKR_OK);
    softhsm_make_key(hsm, session, SOFTHSM_KEY);
    softhsm_make_key(hsm, session, "twice");
    softhsm_make_key(hsm, session, "twice");
    softhsm_make_data(hsm, session, SOFTHSM_DATA);
    assert_int_equal(hsm->functions->C_CloseSession(session), CKR_OK);
}

/* Once in a program: its module stays loaded. */
static inline void
softhsm_begin(struct softhsm *hsm)
{
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    CK_C_GetFunctionList get = NULL;
    char text[256];

    *hsm = (struct softhsm){0};
    make_temp_dir(hsm->dir, sizeof(hsm->dir));
    (void)snprintf(text, sizeof(text), "directories.tokendir = %s\nlog.level = ERROR\n", hsm->dir);
    write_text_under(hsm->dir, "conf", text);
    write_text_under(hsm->dir, "pin", SOFTHSM_PIN "\n");
    (void)snprintf(text, sizeof(text), "%s/conf", hsm->dir);
    assert_int_equal(setenv("SOFTHSM2_CONF", text, 1), 0);
    (void)snprintf(hsm->pin_file, sizeof(hsm->pin_file), "%s/pin", hsm->dir);
    (void)snprintf(hsm->uri, sizeof(hsm->uri), "pkcs11:token=coco?module-path=%s&pin-source=%s",
                   SOFTHSM_MODULE, hsm->pin_file);

    void *module = dlopen(SOFTHSM_MODULE, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(module);
    *(void **)(void *)&get = dlsym(module, "C_GetFunctionList");
    assert_non_null(get);
    assert_int_equal(get(&hsm->functions), CKR_OK);
    assert_int_equal(hsm->functions->C_Initialize(&args), CKR_OK);
    softhsm_make_token(hsm, "another");
    softhsm_make_token(hsm, "coco");
    softhsm_fill(hsm);
}

static inline void
softhsm_end(struct softhsm *hsm)
{
    if (hsm->functions)
        (void)hsm->functions->C_Finalize(NULL);
    remove_temp_dir(hsm->dir);
}

/* The one of a test program: a group's setup and teardown. */
static struct softhsm hsm;

static inline int
softhsm_set_up(void **state)
{
    (void)state;
    softhsm_begin(&hsm);
    return 0;
}

static inline int
softhsm_tear_down(void **state)
{
    (void)state;
    softhsm_end(&hsm);
    return 0;
}

static inline void
softhsm_open(struct coco_pkcs11 *token)
{
    struct coco_pkcs11_uri uri;
    coco_error *err = NULL;

    assert_ok(coco_pkcs11_uri_parse(hsm.uri, &uri, &err), err);
    assert_ok(coco_pkcs11_open(&uri, token, &err), err);
}

/* Says that there is none, if so, for the whole program. */
static inline bool
softhsm_is_there(void)
{
    bool is_there = access(SOFTHSM_MODULE, R_OK) == 0;

    if (!is_there)
        print_message("1..0 # SKIP no SoftHSM on this machine\n");
    return is_there;
}

/* What main() comes to. */
#define softhsm_run(tests, set_up)                                                                 \
    (softhsm_is_there() ? cmocka_run_group_tests(tests, set_up, softhsm_tear_down) : 0)

#endif
