/*
 * tests/crypto/test_cosign_key.c - lib/crypto/cosign_key.c, and keys of cosign in lib/crypto/key.c
 *
 * The key was made by "cosign generate-key-pair" of version 2.6.5.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/cosign_key.h"

#include "crypto/key.h"
#include "tests/canary.h"
#include "tests/faults.h"

#include "config.h"

#include <dlfcn.h>
#include <string.h>

#define PASSWORD "correct horse"

static const char pem[] = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"
                          "eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6\n"
                          "OCwicCI6MX0sInNhbHQiOiJMUytPc3lMbEVubERsTXQ1MmNwQkJhdmFXUE85SGhU\n"
                          "NURkL3JrSm9TYWo4PSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94\n"
                          "Iiwibm9uY2UiOiJrSi9GWTgyc084aHYvQ0tYK0V4MEkvY1FldkhHa0tUVyJ9LCJj\n"
                          "aXBoZXJ0ZXh0IjoiWjhpY29rU2trUE8yZmJJWHNHZUZtL0hHODFvbWFvc1haNGhi\n"
                          "cXRVK1VnSnM5TkNOS1EvSURtOS9BT0VzTW95VS8vczE5V3FBQWdIdWxVbVFrUWE1\n"
                          "Tnk1L2pxWEdVUHg4MlhPZnlyczBQNjloc2g3QTJyYUluaGxqNGlkdGtoZEJuZFJM\n"
                          "QldmdG9Na05zVE0xK1hEcUlUcHY1Y0oybTEwbFViM2FxUlh2WEVRWlJGWUZrUWRs\n"
                          "Vk5GcDJRd3RkUHY5K29VMGltcUk0WVhuUHc9PSJ9\n"
                          "-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n";

static const char public[] = "-----BEGIN PUBLIC KEY-----\n"
                             "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEK8xt/kZ+iULDIER3CnyuUgDuClNn\n"
                             "JtQy87bi/ycoTsYfFSOd4gydZH2BZjJ4TaUZgACX/TC9n23MVsHBIAlxOA==\n"
                             "-----END PUBLIC KEY-----\n";

#define SALT "LS+OsyLlEnlDlMt52cpBBavaWPO9HhT5Dd/rkJoSaj8="
#define NONCE "kJ/FY82sO8hv/CKX+Ex0I/cQevHGkKTW"
#define BOX                                                                                        \
    "Z8icokSkkPO2fbIXsGeFm/HG81omaosXZ4hbqtU+UgJs9NCNKQ/IDm9/AOEsMoyU//s19W"                       \
    "qAAgHulUmQkQa5Ny5/jqXGUPx82XOfyrs0P69hsh7A2raInhlj4idtkhdBndRLBWftoMkN"                       \
    "sTM1+XDqITpv5cJ2m10lUb3aqRXvXEQZRFYFkQdlVNFp2QwtdPv9+oU0imqI4YXnPw=="
#define KEY(kdf, params, salt, cipher, nonce, box)                                                 \
    "{\"kdf\":{\"name\":\"" kdf "\",\"params\":" params ",\"salt\":\"" salt                        \
    "\"},\"cipher\":{\"name\":\"" cipher "\",\"nonce\":\"" nonce "\"},\"ciphertext\":\"" box "\"}"
#define STANDARD "{\"N\":65536,\"r\":8,\"p\":1}"
#define SCRYPT "scrypt"
#define SECRETBOX "nacl/secretbox"

static const char json[] = KEY(SCRYPT, STANDARD, SALT, SECRETBOX, NONCE, BOX);

static void
need_sodium(void)
{
    void *library = dlopen("libsodium.so.23", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

    if (!COCO_HAVE_SODIUM || !library)
        skip();
    assert_int_equal(dlclose(library), 0);
}

static struct coco_secret
secret_of(const char *text)
{
    struct coco_secret secret = {0};

    assert_int_equal(coco_secret_copy(text, strlen(text), &secret, NULL), COCO_OK);
    return secret;
}

static void
what_cosign_made_opens_with_its_password(void **state)
{
    struct coco_secret list[] = {secret_of("another"), secret_of(PASSWORD)};
    const struct coco_key_passwords passwords = {list, 2};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_pkey_ EVP_PKEY *of_cosign = NULL;
    _cleanup_pkey_ EVP_PKEY *other = NULL;
    _cleanup_buf_ struct coco_buf old = {.limit = 4096};
    const char *at = pem;
    const char *found;
    coco_error *err = NULL;

    (void)state;
    need_sodium();
    assert_ok(coco_key_parse_locked(pem, strlen(pem), &passwords, &key, &err), err);
    assert_ok(coco_key_parse_public(public, strlen(public), &other, &err), err);
    assert_int_equal(EVP_PKEY_eq(key, other), 1);

    /* Its older name. */
    while ((found = strstr(at, "SIGSTORE"))) {
        assert_ok(coco_buf_append(&old, at, (size_t)(found - at), &err), err);
        assert_ok(coco_buf_append(&old, "COSIGN", 6, &err), err);
        at = found + strlen("SIGSTORE");
    }
    assert_ok(coco_buf_append_text(&old, at, &err), err);
    assert_ok(coco_key_parse_locked(old.data, old.len, &passwords, &of_cosign, &err), err);
    assert_int_equal(EVP_PKEY_eq(key, of_cosign), 1);
    coco_secret_done(&list[0]);
    coco_secret_done(&list[1]);
}

static void
without_its_password_it_is_refused(void **state)
{
    struct coco_secret wrong = secret_of("another");
    const struct coco_key_passwords passwords = {&wrong, 1};
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_key_parse_private(pem, strlen(pem), &key, &err), err, COCO_ERR_NOTSUP,
                 "encrypted");
    need_sodium();
    assert_fails(coco_key_parse_locked(pem, strlen(pem), &passwords, &key, &err), err,
                 COCO_ERR_DENIED, "password");
    assert_null(key);
    coco_secret_done(&wrong);
}

static void
anything_else_is_refused(void **state)
{
#define LONG "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    static const struct {
        const char *json;
        coco_status status;
        const char *part;
    } rows[] = {
        {"", COCO_ERR_PROTO, "key of cosign"},
        {"[]", COCO_ERR_PROTO, ""},
        {"{}", COCO_ERR_PROTO, "kdf"},
        {"{\"kdf\":\"scrypt\"}", COCO_ERR_PROTO, "kdf"},
        {KEY("argon2", STANDARD, SALT, SECRETBOX, NONCE, BOX), COCO_ERR_NOTSUP, "argon2"},
        {KEY(SCRYPT, STANDARD, SALT, "aes", NONCE, BOX), COCO_ERR_NOTSUP, "aes"},
        {KEY(SCRYPT, "{\"N\":1048576,\"r\":8,\"p\":1}", SALT, SECRETBOX, NONCE, BOX),
         COCO_ERR_NOTSUP, "strength"},
        {KEY(SCRYPT, "{\"N\":16384,\"r\":8,\"p\":1}", SALT, SECRETBOX, NONCE, BOX), COCO_ERR_NOTSUP,
         "strength"},
        {KEY(SCRYPT, "{\"N\":32769,\"r\":8,\"p\":1}", SALT, SECRETBOX, NONCE, BOX), COCO_ERR_NOTSUP,
         "strength"},
        {KEY(SCRYPT, "{\"N\":65536,\"r\":1024,\"p\":1}", SALT, SECRETBOX, NONCE, BOX),
         COCO_ERR_NOTSUP, "strength"},
        {KEY(SCRYPT, "{\"N\":65536,\"r\":8,\"p\":16}", SALT, SECRETBOX, NONCE, BOX),
         COCO_ERR_NOTSUP, "strength"},
        {KEY(SCRYPT, "{\"N\":-65536,\"r\":8,\"p\":1}", SALT, SECRETBOX, NONCE, BOX), COCO_ERR_PROTO,
         "N"},
        {KEY(SCRYPT, "{\"N\":\"65536\",\"r\":8,\"p\":1}", SALT, SECRETBOX, NONCE, BOX),
         COCO_ERR_PROTO, "N"},
        {KEY(SCRYPT, "{\"r\":8,\"p\":1}", SALT, SECRETBOX, NONCE, BOX), COCO_ERR_PROTO, "N"},
        {KEY(SCRYPT, "[]", SALT, SECRETBOX, NONCE, BOX), COCO_ERR_PROTO, "params"},
        {KEY(SCRYPT, STANDARD, "?", SECRETBOX, NONCE, BOX), COCO_ERR_PROTO, "salt"},
        {KEY(SCRYPT, STANDARD, LONG LONG, SECRETBOX, NONCE, BOX), COCO_ERR_LIMIT, "salt"},
        {KEY(SCRYPT, STANDARD, SALT, SECRETBOX, "AAAA", BOX), COCO_ERR_PROTO, "nonce"},
        {KEY(SCRYPT, STANDARD, SALT, SECRETBOX, LONG, BOX), COCO_ERR_PROTO, "nonce"},
        {KEY(SCRYPT, STANDARD, SALT, SECRETBOX, NONCE, "?"), COCO_ERR_PROTO, "ciphertext"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct coco_cosign_key key = {0};
        coco_error *err = NULL;

        assert_fails(coco_cosign_key_parse(rows[i].json, strlen(rows[i].json), &key, &err), err,
                     rows[i].status, rows[i].part);
        assert_null(key.box.data);
    }
}

static void
a_box_is_bounded(void **state)
{
    static char text[2 * COCO_COSIGN_BOX_MAX];
    struct coco_cosign_key key = {0};
    coco_error *err = NULL;
    size_t head = (size_t)(strstr(json, BOX) - json);
    size_t len = head + 4 * (COCO_COSIGN_BOX_MAX / 3 + 1);

    (void)state;
    memset(text, 'A', sizeof(text));
    memcpy(text, json, head);
    memcpy(text + len, "\"}", 2);
    assert_fails(coco_cosign_key_parse(text, len + 2, &key, &err), err, COCO_ERR_LIMIT,
                 "ciphertext");
}

static void
an_empty_box_is_refused(void **state)
{
    static const char other[] = KEY(SCRYPT, STANDARD, SALT, SECRETBOX, NONCE, "");
    struct coco_secret password = secret_of(PASSWORD);
    struct coco_cosign_key key = {0};
    struct coco_secret der = {0};
    coco_error *err = NULL;

    (void)state;
    need_sodium();
    assert_ok(coco_cosign_key_parse(other, strlen(other), &key, &err), err);
    assert_fails(coco_cosign_key_open(&key, &password, &der, &err), err, COCO_ERR_VERIFY,
                 "too short");
    coco_cosign_key_done(&key);
    coco_secret_done(&password);
}

static void
reading_survives_any_failed_allocation(void **state)
{
    struct coco_secret password = secret_of(PASSWORD);

    (void)state;
    need_sodium();
    for_each_fault()
    {
        struct coco_cosign_key key = {0};
        struct coco_secret der = {0};
        coco_error *err = NULL;

        coco_status status = coco_cosign_key_parse(json, strlen(json), &key, &err);
        if (status == COCO_OK)
            status = coco_cosign_key_open(&key, &password, &der, &err);
        fault_expect(status, err);
        coco_cosign_key_done(&key);
        coco_secret_done(&der);
    }
    coco_secret_done(&password);
}

static void
the_key_is_wiped(void **state)
{
    struct coco_secret password = secret_of(PASSWORD);
    const struct coco_key_passwords passwords = {&password, 1};
    struct coco_cosign_key box = {0};
    struct coco_secret der = {0};
    EVP_PKEY *key = NULL;
    uint8_t number[32];
    coco_error *err = NULL;

    (void)state;
    need_sodium();
    assert_ok(coco_cosign_key_parse(json, strlen(json), &box, &err), err);
    assert_ok(coco_cosign_key_open(&box, &password, &der, &err), err);
    /* RFC 5915, in a PKCS#8 of P-256: the private number stands there. */
    assert_true(der.len > 68);
    memcpy(number, der.data + 36, sizeof(number));
    canary_begin(number, sizeof(number));
    coco_secret_done(&der);
    coco_cosign_key_done(&box);
    assert_ok(coco_key_parse_locked(pem, strlen(pem), &passwords, &key, &err), err);
    EVP_PKEY_free(key);
    assert_int_equal(canary_end(), 0);
    coco_secret_done(&password);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cosign_made_opens_with_its_password),
        cmocka_unit_test(without_its_password_it_is_refused),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(a_box_is_bounded),
        cmocka_unit_test(an_empty_box_is_refused),
        cmocka_unit_test(reading_survives_any_failed_allocation),
        cmocka_unit_test(the_key_is_wiped),
    };

    return cmocka_run_group_tests_name("crypto/cosign_key", tests, NULL, NULL);
}
