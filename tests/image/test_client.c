/*
 * tests/image/test_client.c - lib/image/client.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/client.h"

#include "base/context.h"
#include "base/fd.h"
#include "crypto/jwe.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/httpd.h"
#include "tests/layout.h"
#include "tests/pki.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define KEYS_MAX 1024
#define URI "kbs:///default/key/1"
/* alice:s3cret */
#define ENCODED "YWxpY2U6czNjcmV0"
#define AUTH "{\"auths\":{\"127.0.0.1\":{\"auth\":\"" ENCODED "\"}}}"
/* RFC 7517 appendix A.2 */
#define JWK_D "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"
#define JWK_PUBLIC                                                                                 \
    "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","      \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\""
#define JWK "{" JWK_PUBLIC ",\"d\":\"" JWK_D "\"}"
/* The y of another point */
#define JWK_OFF_CURVE                                                                              \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","     \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyI\",\"d\":\"" JWK_D "\"}"
#define ACCEPT "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}"
#define MIRRORS "[[registry]]\nlocation='h.test'\n[[registry.mirror]]\nlocation='m.test'\n"
#define REJECT "{\"default\":[{\"type\":\"reject\"}]}"

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

struct fixture {
    struct httpd httpd;
    char authorization[100]; /* as the server saw it last */
    bool wants_password;
    char dir[64];
    coco_ctx *ctx;
    coco_image_client *client;
    coco_error *err;
};

static struct fixture fixture;

/* Nothing here gets better by waiting. */
static const coco_image_options once = {.size = sizeof(once), .retries = UINT32_MAX};

static const uint8_t kek[COCO_LAYER_KEY_SIZE] = "a key of thirty-two bytes, or so";

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    f->wants_password = false;
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_image_client_new(&f->client, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_image_client_free(f->client);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->dir);
    return 0;
}

static const uint8_t *
bytes_of(const char *text)
{
    return (const uint8_t *)text;
}

static coco_status
set_ca(struct fixture *f, const char *pem)
{
    return coco_image_client_set_tls_ca(f->client, bytes_of(pem), strlen(pem), &f->err);
}

static coco_status
set_auth(struct fixture *f, const char *json)
{
    return coco_image_client_set_auth(f->client, bytes_of(json), strlen(json), &f->err);
}

static coco_status
set_policy(struct fixture *f, const char *json)
{
    return coco_image_client_set_policy(f->client, bytes_of(json), strlen(json), &f->err);
}

static coco_status
add_key(struct fixture *f, const char *text)
{
    return coco_image_client_add_key(f->client, bytes_of(text), strlen(text), &f->err);
}

static coco_status
add_recipient(struct fixture *f, const char *text)
{
    return coco_image_client_add_recipient(f->client, bytes_of(text), strlen(text), &f->err);
}

static void
a_new_client_knows_nothing(void **state)
{
    struct fixture *f = *state;
    const coco_image_client *client = f->client;
    struct coco_platform host;

    coco_platform_host(&host);
    assert_false(client->plain_http);
    assert_int_equal(client->tls_ca.len, 0);
    assert_int_equal(client->auth.n_files, 0);
    assert_null(client->auth.helpers);
    assert_null(client->policy);
    assert_null(client->kbc);
    assert_int_equal(client->n_keys + client->n_recipients + client->n_kbs_recipients, 0);
    assert_string_equal(client->platform.os, host.os);
    assert_string_equal(client->platform.architecture, host.architecture);
    assert_string_equal(client->platform.variant, host.variant);
    coco_image_client_free(NULL);
    coco_image_free(NULL);
}

/* Both halves of a key of that kind. */
static void
new_key(enum coco_key_kind kind, struct coco_buf *private, struct coco_buf *public)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_generate(kind, &key, &err), err);
    assert_ok(coco_key_private_pem(key, private, &err), err);
    assert_ok(coco_key_public_pem(key, public, &err), err);
}

/* One that OpenSSL makes and this library does not; under a password, if there is one. */
static void
odd_key(EVP_PKEY *key, const char *password, struct coco_buf *private, struct coco_buf *public)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    coco_error *err = NULL;

    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, password ? EVP_aes_256_cbc() : NULL,
                                                   password, password ? (int)strlen(password) : 0,
                                                   NULL, NULL),
                     1);
    long len = BIO_get_mem_data(bio, &text);
    assert_ok(coco_buf_append(private, text, (size_t)len, &err), err);
    BIO_free(bio);
    assert_ok(coco_key_public_pem(key, public, &err), err);
    EVP_PKEY_free(key);
}

static void
keys_that_open_nothing_are_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf private = {.limit = 8192};
    _cleanup_buf_ struct coco_buf public = {.limit = 8192};
    _cleanup_buf_ struct coco_buf sign_private = {.limit = 8192};
    _cleanup_buf_ struct coco_buf sign_public = {.limit = 8192};
    _cleanup_buf_ struct coco_buf weak_private = {.limit = 8192};
    _cleanup_buf_ struct coco_buf weak_public = {.limit = 8192};
    _cleanup_buf_ struct coco_buf curve_private = {.limit = 8192};
    _cleanup_buf_ struct coco_buf curve_public = {.limit = 8192};
    _cleanup_buf_ struct coco_buf locked = {.limit = 8192};
    _cleanup_buf_ struct coco_buf unlocked = {.limit = 8192};
    static char endless[(256 << 10) + 2];

    new_key(COCO_KEY_P256, &private, &public);
    new_key(COCO_KEY_ED25519, &sign_private, &sign_public);
    odd_key(EVP_RSA_gen(1024), NULL, &weak_private, &weak_public);
    odd_key(EVP_EC_gen("secp256k1"), NULL, &curve_private, &curve_public);
    odd_key(EVP_EC_gen("P-256"), "password", &locked, &unlocked);
    memset(endless, 'A', sizeof(endless) - 1);
    const struct {
        bool is_private;
        const char *text;
        coco_status want;
        const char *why;
    } cases[] = {
        {true, "", COCO_ERR_PROTO, "there is nothing"},
        {true, "x", COCO_ERR_PROTO, "not a private key"},
        {true, "{}", COCO_ERR_PROTO, "JWK"},
        {true, "{" JWK_PUBLIC "}", COCO_ERR_PROTO, "not a private key"},
        {true, JWK_OFF_CURVE, COCO_ERR_PROTO, ""},
        {true, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", COCO_ERR_PROTO,
         "not a private key"},
        {true, coco_buf_text(&public), COCO_ERR_PROTO, "no PRIVATE KEY in the PEM text"},
        {true, coco_buf_text(&locked), COCO_ERR_NOTSUP, "private key is encrypted"},
        {true, coco_buf_text(&weak_private), COCO_ERR_NOTSUP, "RSA key of 1024 bits"},
        {true, coco_buf_text(&curve_private), COCO_ERR_NOTSUP, "curve of the key"},
        {true, coco_buf_text(&sign_private), COCO_ERR_NOTSUP, "Ed25519 keys only sign"},
        {true, endless, COCO_ERR_LIMIT, "key is longer than"},
        {false, "", COCO_ERR_PROTO, "there is nothing"},
        {false, "x", COCO_ERR_PROTO, "not a public key"},
        {false, "[]", COCO_ERR_PROTO, "not a public key"},
        {false, JWK_OFF_CURVE, COCO_ERR_PROTO, ""},
        {false, coco_buf_text(&private), COCO_ERR_PROTO, "no PUBLIC KEY in the PEM text"},
        {false, coco_buf_text(&weak_public), COCO_ERR_NOTSUP, "RSA key of 1024 bits"},
        {false, coco_buf_text(&curve_public), COCO_ERR_NOTSUP, "curve of the key"},
        {false, coco_buf_text(&sign_public), COCO_ERR_NOTSUP, "Ed25519 keys only sign"},
        {false, endless, COCO_ERR_LIMIT, "key is longer than"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        coco_status status =
            cases[i].is_private ? add_key(f, cases[i].text) : add_recipient(f, cases[i].text);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_fails(status, f->err, cases[i].want, cases[i].why);
    }
    assert_int_equal(f->client->n_keys, 0);
    assert_int_equal(f->client->n_recipients, 0);
}

static void
keys_of_every_kind_that_wraps_are_taken(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_P384, COCO_KEY_P521,
                                               COCO_KEY_RSA};
    struct fixture *f = *state;
    struct pki_cert cert = {0};

    for (size_t i = 0; i < COUNT(kinds); i++) {
        _cleanup_buf_ struct coco_buf private = {.limit = 8192};
        _cleanup_buf_ struct coco_buf public = {.limit = 8192};

        new_key(kinds[i], &private, &public);
        assert_ok(add_key(f, coco_buf_text(&private)), f->err);
        assert_ok(add_recipient(f, coco_buf_text(&public)), f->err);
        assert_int_equal(EVP_PKEY_eq(f->client->keys[i], f->client->recipients[i]), 1);
    }
    assert_ok(add_key(f, JWK), f->err);
    assert_ok(add_recipient(f, "{" JWK_PUBLIC "}"), f->err);
    pki_make(&cert, NULL, "a.test", 1);
    char *pem = pki_pem(&cert);
    assert_ok(add_recipient(f, pem), f->err);
    OPENSSL_free(pem);
    pki_done(&cert);
    assert_int_equal(f->client->n_keys, 5);
    assert_int_equal(f->client->n_recipients, 6);
}

static void
recipients_in_a_kbs_must_have_a_name_and_a_key(void **state)
{
    static const struct {
        const char *uri;
        size_t len;
        const char *why;
    } cases[] = {
        {"", 32, "kbs://"},
        {"default/key/1", 32, "kbs://"},
        {"http://a.test/default/key/1", 32, "kbs://"},
        {"KBS:///default/key/1", 32, "kbs://"},
        {"kbs://", 32, "not kbs:///"},
        {"kbs:///", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key/1/2", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default//1", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key/", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///../key/1", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/../1", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key/..", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key/.hidden", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key/1?x=y", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key/1#x", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key/%2e%2e", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key/1\n", 32, "not <repository>/<type>/<tag>"},
        {"kbs://a b/default/key/1", 32, "not kbs:///"},
        {"kbs://a@b/default/key/1", 32, "not kbs:///"},
        {URI, 0, "a key of 0 bytes, not 32"},
        {URI, 16, "a key of 16 bytes, not 32"},
        {URI, 31, "a key of 31 bytes, not 32"},
        {URI, 33, "a key of 33 bytes, not 32"},
    };
    struct fixture *f = *state;
    uint8_t key[64] = {0};

    for (size_t i = 0; i < COUNT(cases); i++) {
        coco_status status = coco_image_client_add_kbs_recipient(f->client, cases[i].uri, key,
                                                                 cases[i].len, &f->err);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_fails(status, f->err, COCO_ERR_INVALID, cases[i].why);
    }
    assert_int_equal(f->client->n_kbs_recipients, 0);
    assert_ok(coco_image_client_add_kbs_recipient(f->client, URI, kek, sizeof(kek), &f->err),
              f->err);
    assert_int_equal(f->client->n_kbs_recipients, 1);
    assert_string_equal(f->client->kbs_recipients[0].uri, URI);
    assert_true(coco_secret_equal(&f->client->kbs_recipients[0].key, kek, sizeof(kek)));
}

/* What an image could not be encrypted for is told before it is begun. */
static void
the_number_of_keys_is_bounded(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < KEYS_MAX; i++)
        assert_ok(add_key(f, JWK), f->err);
    assert_fails(add_key(f, JWK), f->err, COCO_ERR_LIMIT, "more than 1024 keys");
    assert_int_equal(f->client->n_keys, KEYS_MAX);
    for (size_t i = 0; i < COCO_JWE_RECIPIENTS_MAX; i++)
        assert_ok(add_recipient(f, JWK), f->err);
    assert_fails(add_recipient(f, JWK), f->err, COCO_ERR_LIMIT, "more than 16 keys");
    assert_int_equal(f->client->n_recipients, COCO_JWE_RECIPIENTS_MAX);
    for (size_t i = 0; i < COCO_BLOBS_MAX; i++)
        assert_ok(coco_image_client_add_kbs_recipient(f->client, URI, kek, sizeof(kek), &f->err),
                  f->err);
    assert_fails(coco_image_client_add_kbs_recipient(f->client, URI, kek, sizeof(kek), &f->err),
                 f->err, COCO_ERR_LIMIT, "more than 16 keys");
    assert_int_equal(f->client->n_kbs_recipients, COCO_BLOBS_MAX);
}

/* As many as are allowed work, too. */
static void
an_image_is_encrypted_for_all_that_were_taken(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *from = NULL;
    _cleanup_(coco_image_ref_freep) coco_image_ref *to = NULL;
    _cleanup_(coco_image_freep) coco_image *image = NULL;
    char text[128];

    assert_ok(coco_image_client_set_platform(f->client, "linux/amd64", &f->err), f->err);
    for (size_t i = 0; i < COCO_JWE_RECIPIENTS_MAX; i++)
        assert_ok(add_recipient(f, JWK), f->err);
    for (size_t i = 0; i < COCO_BLOBS_MAX; i++)
        assert_ok(coco_image_client_add_kbs_recipient(f->client, URI, kek, sizeof(kek), &f->err),
                  f->err);
    layout_make(f->dir, "plain", "hello", 5, NULL);
    (void)snprintf(text, sizeof(text), "oci:%s/plain", f->dir);
    assert_ok(coco_image_ref_parse(text, &from, &f->err), f->err);
    (void)snprintf(text, sizeof(text), "oci:%s/sealed", f->dir);
    assert_ok(coco_image_ref_parse(text, &to, &f->err), f->err);
    assert_ok(coco_image_encrypt(f->client, f->ctx, from, to, NULL, &image, &f->err), f->err);

    _cleanup_json_ cJSON *manifest = layout_read_manifest(f->dir, "sealed");
    _cleanup_json_ cJSON *list = NULL;
    const cJSON *layers = NULL;
    assert_ok(coco_json_get_array(manifest, "layers", &layers, &f->err), f->err);
    assert_ok(coco_json_parse("[]", 2, &list, &f->err), f->err);
    assert_ok(coco_annotations_list(cJSON_GetObjectItemCaseSensitive(layers->child, "annotations"),
                                    list, &f->err),
              f->err);
    assert_int_equal(cJSON_GetArraySize(list), 1 + COCO_BLOBS_MAX);
}

static void
certificates_that_are_none_are_refused(void **state)
{
    struct fixture *f = *state;
    struct pki_cert ca = {0};
    _cleanup_buf_ struct coco_buf private = {.limit = 8192};
    _cleanup_buf_ struct coco_buf public = {.limit = 8192};
    _cleanup_buf_ struct coco_buf broken = {.limit = 8192};
    _cleanup_free_ char *endless = calloc(1, ((size_t)4 << 20) + 2);

    pki_make(&ca, NULL, NULL, 30);
    char *pem = pki_pem(&ca);
    new_key(COCO_KEY_P256, &private, &public);
    assert_ok(coco_buf_printf(&broken, &f->err,
                              "%s-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                              pem),
              f->err);
    memset(endless, '\n', ((size_t)4 << 20) + 1);
    const char *const cases[] = {
        "",
        "x",
        "-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        coco_buf_text(&private),
        coco_buf_text(&public),
        coco_buf_text(&broken),
    };

    assert_ok(set_ca(f, pem), f->err);
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(set_ca(f, cases[i]), f->err, COCO_ERR_PROTO, "not a list of certificates");
    assert_fails(set_ca(f, endless), f->err, COCO_ERR_LIMIT, "more than 4194304 bytes");
    /* What was set before is still set. */
    assert_string_equal(coco_buf_text(&f->client->tls_ca), pem);
    OPENSSL_free(pem);
    pki_done(&ca);
}

static void
credentials_that_are_none_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "[]",
        "{\"auths\":[]}",
        "{\"auths\":{\"h\":1}}",
        "{\"auths\":{\"h\":{\"auth\":1}}}",
        "{\"auths\":{\"h\":{\"auth\":\"s3cret!\"}}}",
        "{\"auths\":{\"h\":{\"auth\":\"czNjcmV0\"}}}", /* s3cret, and no colon */
        "{\"auths\":{\"h\":{\"auth\":\"" ENCODED "\"}}}x",
        "{\"auths\":{\"h\":{\"auth\":\"" ENCODED "\"},\"H\":{}}}",
        "{\"credHelpers\":[]}",
    };
    struct fixture *f = *state;

    assert_ok(set_auth(f, AUTH), f->err);
    const cJSON *before = f->client->auth.files[0];
    for (size_t i = 0; i < COUNT(cases); i++) {
        coco_status status = set_auth(f, cases[i]);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_null(strstr(coco_error_message(f->err), "s3cret"));
        assert_null(strstr(coco_error_message(f->err), ENCODED));
        assert_fails(status, f->err, COCO_ERR_PROTO, "auth.json");
        assert_ptr_equal(f->client->auth.files[0], before);
    }
    assert_ok(set_auth(f, "{}"), f->err);
    assert_ptr_not_equal(f->client->auth.files[0], before);
}

static void
policies_that_are_none_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "[]",
        "{}",
        "{\"default\":[]}",
        "{\"default\":[{}]}",
        "{\"default\":[{\"type\":\"accept\"}]}",
        "{\"default\":[{\"type\":\"insecureAcceptAnything\",\"x\":1}]}",
        "{\"default\":[{\"type\":\"reject\"}],\"Default\":[]}",
        ACCEPT "x",
    };
    static const struct coco_policy_image image = {
        .transport = "docker", .name = "a.test/b", .tag = "1"};
    struct fixture *f = *state;

    assert_ok(set_policy(f, REJECT), f->err);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_fails(set_policy(f, cases[i]), f->err, COCO_ERR_PROTO, "");
        assert_fails(coco_policy_check(f->client->policy, &image, &f->err), f->err, COCO_ERR_DENIED,
                     "");
    }
    assert_ok(set_policy(f, ACCEPT), f->err);
    assert_ok(coco_policy_check(f->client->policy, &image, &f->err), f->err);
}

static void
platforms_that_are_none_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "linux",
        "linux/",
        "/amd64",
        "linux/amd64/",
        "linux/arm64/v8/x",
        "l i/a",
        "LINUX/amd64",
        "linux/amd64\n",
        "linux/\x1b[2J",
        "linux/a-name-of-more-than-thirty-one-bytes",
    };
    struct fixture *f = *state;

    assert_ok(coco_image_client_set_platform(f->client, "linux/arm/v6", &f->err), f->err);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_fails(coco_image_client_set_platform(f->client, cases[i], &f->err), f->err,
                     COCO_ERR_INVALID, "is not os/architecture[/variant]");
        assert_string_equal(f->client->platform.os, "linux");
        assert_string_equal(f->client->platform.architecture, "arm");
        assert_string_equal(f->client->platform.variant, "v6");
    }
    assert_ok(coco_image_client_set_platform(f->client, "linux/amd64", &f->err), f->err);
    assert_string_equal(f->client->platform.variant, "");
}

/* Options of a caller that knows more than this library: a member behind the last one. */
struct newer_options {
    coco_image_options known;
    uint64_t more;
};

static void
options_that_are_not_known_are_refused(void **state)
{
    struct fixture *f = *state;
    struct newer_options newer = {.known.size = sizeof(newer), .more = 1};
    coco_image_options opts = {.size = sizeof(opts), .flags = 4};
    coco_image_options set = {.max_bytes = 12345};

    assert_fails(coco_image_options_set(&set, &opts, 3, &f->err), f->err, COCO_ERR_NOTSUP, "flags");
    opts = (coco_image_options){.size = sizeof(opts), .flags = UINT32_MAX};
    assert_fails(coco_image_options_set(&set, &opts, 3, &f->err), f->err, COCO_ERR_NOTSUP, "flags");
    opts = (coco_image_options){.size = sizeof(opts), .reserved = 1};
    assert_fails(coco_image_options_set(&set, &opts, 3, &f->err), f->err, COCO_ERR_NOTSUP, "flags");
    opts = (coco_image_options){.size = 0};
    assert_fails(coco_image_options_set(&set, &opts, 3, &f->err), f->err, COCO_ERR_INVALID,
                 "size 0");
    opts = (coco_image_options){.size = offsetof(coco_image_options, retries) - 1};
    assert_fails(coco_image_options_set(&set, &opts, 3, &f->err), f->err, COCO_ERR_INVALID, "size");
    opts = (coco_image_options){.size = SIZE_MAX};
    assert_fails(coco_image_options_set(&set, &opts, 3, &f->err), f->err, COCO_ERR_INVALID, "size");
    assert_fails(coco_image_options_set(&set, &newer.known, 3, &f->err), f->err, COCO_ERR_NOTSUP,
                 "newer");
    assert_int_equal(set.max_bytes, 12345);

    /* Whoever was built before there were retries has the default of them. */
    opts = (coco_image_options){.size = offsetof(coco_image_options, retries), .retries = 9};
    assert_ok(coco_image_options_set(&set, &opts, 3, &f->err), f->err);
    assert_int_equal(set.retries, 4);

    newer.more = 0;
    newer.known.max_layers = 7;
    assert_ok(coco_image_options_set(&set, &newer.known, 3, &f->err), f->err);
    assert_int_equal(set.size, sizeof(set));
    assert_int_equal(set.max_layers, 7);
}

static void
what_is_0_in_the_options_is_the_default(void **state)
{
    struct fixture *f = *state;
    const coco_image_options zero = {.size = sizeof(zero)};
    const coco_image_options all = {.size = sizeof(all),
                                    .max_bytes = 1,
                                    .max_content = 2,
                                    .max_entries = 3,
                                    .max_layers = 4,
                                    .max_ratio = 5,
                                    .flags = COCO_IMAGE_IGNORE_CHOWN,
                                    .retries = 6,
                                    .stall_seconds = 7,
                                    .max_memory = 8 << 20};
    const coco_image_options little = {.size = sizeof(little), .max_memory = (1 << 20) - 1};
    const coco_image_options *const none[] = {NULL, &zero};
    coco_image_options set = {0};

    for (size_t i = 0; i < COUNT(none); i++) {
        assert_ok(coco_image_options_set(&set, none[i], 3, &f->err), f->err);
        /* As coco/image.h has them. */
        assert_int_equal(set.max_bytes, (uint64_t)16 << 30);
        assert_int_equal(set.max_content, (uint64_t)64 << 30);
        assert_int_equal(set.max_entries, 4 << 20);
        assert_int_equal(set.max_layers, 128);
        assert_int_equal(set.max_ratio, 1100);
        assert_int_equal(set.retries, 4);
        assert_int_equal(set.stall_seconds, 60);
        assert_int_equal(set.max_memory, 16 << 20);
    }
    assert_ok(coco_image_options_set(&set, &all, 3, &f->err), f->err);
    assert_memory_equal(&set, &all, sizeof(all));
    assert_fails(coco_image_options_set(&set, &little, 3, &f->err), f->err, COCO_ERR_INVALID,
                 "max_memory of less than 1048576 bytes");
}

/* A registry that has nothing, and says so to whoever has the password. */
static bool
answer(void *user, const struct httpd_request *request)
{
    struct fixture *f = user;

    httpd_header(request, "Authorization", f->authorization, sizeof(f->authorization));
    if (f->wants_password && strcmp(f->authorization, "Basic " ENCODED) != 0)
        return httpd_reply(request->httpd, "401 Unauthorized",
                           "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
    return httpd_reply(request->httpd, "404 Not Found", "", "");
}

/* Asks the server for a manifest, as a source, or for a blob, as a destination. */
static coco_status
ask(struct fixture *f, bool as_source)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_destination_ struct coco_destination to = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 100};
    _cleanup_buf_ struct coco_buf type = {.limit = 100};
    const struct coco_digest digest = {.alg = COCO_SHA256};
    bool there = true;
    char text[128];

    f->authorization[0] = '\0';
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d/acme/app:1", f->httpd.port);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    if (as_source) {
        assert_ok(coco_client_source(f->client, &once, ref, &source, &f->err), f->err);
        return source.manifest(source.self, f->ctx, NULL, &body, &type, &f->err);
    }
    assert_ok(coco_client_destination(f->client, &once, f->ctx, ref, &to, &f->err), f->err);
    coco_status status = to.has_blob(to.self, f->ctx, &digest, &there, &f->err);
    return status == COCO_OK && !there ? COCO_ERR_NOTFOUND : status;
}

static void
settings_reach_the_registry(void **state)
{
    struct fixture *f = *state;
    struct pki_cert ca = {0};
    struct pki_cert other_ca = {0};
    struct pki_cert cert = {0};

    pki_make(&ca, NULL, NULL, 30);
    pki_make(&other_ca, NULL, NULL, 30);
    pki_make(&cert, &ca, "127.0.0.1", 30);
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(tls, cert.cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls, cert.key), 1);
    char *pem = pki_pem(&ca);
    char *other_pem = pki_pem(&other_ca);
    for (int as_source = 0; as_source < 2; as_source++) {
        coco_image_client_free(f->client);
        assert_ok(coco_image_client_new(&f->client, &f->err), f->err);

        /* The system's CAs, another one, and the right one; credentials once they are asked for */
        httpd_start(&f->httpd, answer, f, tls);
        f->wants_password = true;
        char auth[200];
        (void)snprintf(auth, sizeof(auth),
                       "{\"auths\":{\"127.0.0.1:%d\":{\"auth\":\"" ENCODED "\"}}}", f->httpd.port);
        assert_fails(ask(f, as_source), f->err, COCO_ERR_VERIFY, "certificate");
        assert_ok(set_ca(f, other_pem), f->err);
        assert_fails(ask(f, as_source), f->err, COCO_ERR_VERIFY, "certificate");
        assert_ok(set_ca(f, pem), f->err);
        assert_fails(ask(f, as_source), f->err, COCO_ERR_DENIED, "401");
        assert_string_equal(f->authorization, "");
        assert_ok(set_auth(f, auth), f->err);
        assert_int_equal(ask(f, as_source), COCO_ERR_NOTFOUND);
        coco_error_free(f->err);
        f->err = NULL;
        assert_string_equal(f->authorization, "Basic " ENCODED);
        httpd_stop(&f->httpd);

        /* No plain HTTP unless it was asked for */
        httpd_start(&f->httpd, answer, f, NULL);
        f->wants_password = false;
        assert_fails(ask(f, as_source), f->err, COCO_ERR_NET, "https://127.0.0.1");
        coco_image_client_set_plain_http(f->client, true);
        assert_int_equal(ask(f, as_source), COCO_ERR_NOTFOUND);
        coco_error_free(f->err);
        f->err = NULL;
        coco_image_client_set_plain_http(f->client, false);
        assert_fails(ask(f, as_source), f->err, COCO_ERR_NET, "https://127.0.0.1");
        httpd_stop(&f->httpd);
    }
    OPENSSL_free(pem);
    OPENSSL_free(other_pem);
    SSL_CTX_free(tls);
    pki_done(&cert);
    pki_done(&ca);
    pki_done(&other_ca);
}

/* Sends whoever asks for a manifest to the URL that user is. */
static bool
lead_away(void *user, const struct httpd_request *request)
{
    char headers[200];

    (void)snprintf(headers, sizeof(headers), "Location: %s/manifest\r\n", (const char *)user);
    return httpd_reply(request->httpd, "307 Temporary Redirect", headers, "");
}

/* The body is no manifest, and its type tells whether a certificate was shown. */
static bool
say_who(void *user, const struct httpd_request *request)
{
    X509 *cert = SSL_get1_peer_certificate(request->httpd->open[request->httpd->current].ssl);
    bool *shown = user;

    *shown = cert != NULL;
    X509_free(cert);
    return httpd_reply(request->httpd, "404 Not Found", "", "");
}

/* Writes what containers-certs.d(5) wants below the fixture's directory, at "<name>/". */
static void
put_certs(struct fixture *f, const char *name, const struct pki_cert *ca,
          const struct pki_cert *client)
{
    const struct {
        const char *file;
        char *text;
    } files[] = {
        {"ca.crt", pki_pem(ca)},
        {"client.cert", pki_pem(client)},
        {"client.key", pki_key_pem(client)},
    };
    char path[600];

    (void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < COUNT(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s/%s", f->dir, name, files[i].file);
        assert_ok(coco_file_write(path, files[i].text, strlen(files[i].text), 0600, &f->err),
                  f->err);
        OPENSSL_free(files[i].text);
    }
}

/*
 * A registry that lets in only whom its CA knows sends us to another server. What
 * all registries have is not for that one; a tree may have something for it, too.
 */
static void
certificates_are_for_the_server_they_are_named_for(void **state)
{
    struct fixture *f = *state;
    struct pki_cert ca = {0};
    struct pki_cert cert = {0};
    struct pki_cert client = {0};
    char path[600];
    char name[64];
    bool shown = false;

    pki_make(&ca, NULL, NULL, 30);
    pki_make(&cert, &ca, "127.0.0.1", 30);
    pki_make(&client, &ca, "client", 30);
    SSL_CTX *strict = pki_server(&cert, &ca);
    SSL_CTX *lax = pki_server(&cert, &ca);
    SSL_CTX_set_verify(lax, SSL_VERIFY_PEER, NULL);
    struct httpd *other = calloc(1, sizeof(*other));
    assert_non_null(other);
    httpd_start(other, say_who, &shown, lax);
    httpd_start(&f->httpd, lead_away, other->url, strict);

    put_certs(f, "all", &ca, &client);
    (void)snprintf(path, sizeof(path), "%s/all", f->dir);
    assert_ok(coco_image_client_set_certs_dir(f->client, path, &f->err), f->err);
    assert_fails(ask(f, true), f->err, COCO_ERR_VERIFY, "certificate");
    assert_ok(coco_image_client_set_certs_dir(f->client, NULL, &f->err), f->err);
    assert_fails(ask(f, true), f->err, COCO_ERR_VERIFY, "certificate");

    assert_ok(coco_image_client_add_certs_tree(f->client, f->dir, &f->err), f->err);
    (void)snprintf(name, sizeof(name), "127.0.0.1:%d", f->httpd.port);
    put_certs(f, name, &ca, &client);
    assert_fails(ask(f, true), f->err, COCO_ERR_VERIFY, "certificate");
    (void)snprintf(name, sizeof(name), "127.0.0.1:%d", other->port);
    put_certs(f, name, &ca, &client);
    (void)snprintf(path, sizeof(path), "%s/%s/client.cert", f->dir, name);
    assert_int_equal(unlink(path), 0);
    assert_fails(ask(f, true), f->err, COCO_ERR_INVALID, "there is no 'client.cert' with it");
    (void)snprintf(path, sizeof(path), "%s/%s/client.key", f->dir, name);
    assert_int_equal(unlink(path), 0);
    assert_fails(ask(f, true), f->err, COCO_ERR_NOTFOUND, "404");
    assert_false(shown);

    httpd_stop(&f->httpd);
    httpd_stop(other);
    assert_int_equal(other->requests, 1);
    free(other);
    SSL_CTX_free(strict);
    SSL_CTX_free(lax);
    pki_done(&ca);
    pki_done(&cert);
    pki_done(&client);
}

static void
a_proxy_is_that_of_the_client(void **state)
{
    struct fixture *f = *state;
    char url[100];

    httpd_start(&f->httpd, answer, f, NULL);
    coco_image_client_set_plain_http(f->client, true);
    (void)snprintf(url, sizeof(url), "http://me:pw@127.0.0.1:1");
    assert_int_equal(setenv("http_proxy", url, 1), 0);
    assert_fails(ask(f, true), f->err, COCO_ERR_NET, "127.0.0.1 port 1 ");
    assert_fails(coco_image_client_set_proxy(f->client, "gopher://h", NULL, &f->err), f->err,
                 COCO_ERR_INVALID, "a proxy is not of the form");
    assert_fails(ask(f, true), f->err, COCO_ERR_NET, "127.0.0.1 port 1 ");
    assert_ok(coco_image_client_set_proxy(f->client, "", NULL, &f->err), f->err);
    assert_int_equal(ask(f, true), COCO_ERR_NOTFOUND);
    coco_error_free(f->err);
    f->err = NULL;
    assert_ok(coco_image_client_set_proxy(f->client, NULL, NULL, &f->err), f->err);
    assert_fails(ask(f, false), f->err, COCO_ERR_NET, "127.0.0.1 port 1 ");
    assert_ok(coco_image_client_set_proxy(f->client, NULL, "127.0.0.1", &f->err), f->err);
    assert_int_equal(ask(f, false), COCO_ERR_NOTFOUND);
    coco_error_free(f->err);
    f->err = NULL;
    assert_int_equal(unsetenv("http_proxy"), 0);
    httpd_stop(&f->httpd);
    /* What the environment says wrongly is told where it counts. */
    assert_int_equal(setenv("http_proxy", "http://me:pw@h/path", 1), 0);
    assert_fails(coco_image_client_set_proxy(f->client, NULL, NULL, &f->err), f->err,
                 COCO_ERR_INVALID, "$http_proxy: ");
    assert_int_equal(unsetenv("http_proxy"), 0);
}

static void
credentials_that_cannot_be_used_are_told(void **state)
{
    struct fixture *f = *state;
    char auth[200];

    httpd_start(&f->httpd, answer, f, NULL);
    coco_image_client_set_plain_http(f->client, true);
    (void)snprintf(auth, sizeof(auth), "{\"credHelpers\":{\"127.0.0.1:%d\":\"none\"}}",
                   f->httpd.port);
    assert_ok(set_auth(f, auth), f->err);
    for (int as_source = 0; as_source < 2; as_source++) {
        /* Who does not ask for them does not learn of it. */
        f->wants_password = false;
        assert_int_equal(ask(f, as_source), COCO_ERR_NOTFOUND);
        coco_error_free(f->err);
        f->err = NULL;

        f->wants_password = true;
        assert_ok(coco_image_client_set_helpers(f->client, NULL, &f->err), f->err);
        assert_fails(ask(f, as_source), f->err, COCO_ERR_NOTSUP, "'none' for 127.0.0.1");
        assert_ok(coco_image_client_set_helpers(f->client, f->dir, &f->err), f->err);
        assert_fails(ask(f, as_source), f->err, COCO_ERR_NOTFOUND, "no docker-credential-none");
    }
    (void)snprintf(auth, sizeof(auth),
                   "{\"auths\":{\"127.0.0.1:%d\":{\"identitytoken\":\"t0ken\"}}}", f->httpd.port);
    assert_ok(set_auth(f, auth), f->err);
    assert_fails(ask(f, true), f->err, COCO_ERR_DENIED, "but an identity token");
    httpd_stop(&f->httpd);
}

static void
registries_that_are_none_are_refused(void **state)
{
    struct fixture *f = *state;

    assert_ok(
        coco_image_client_set_registries(f->client, bytes_of(MIRRORS), strlen(MIRRORS), &f->err),
        f->err);
    const cJSON *before = f->client->registries.json;
    assert_fails(coco_image_client_set_registries(f->client, bytes_of("x=1"), 3, &f->err), f->err,
                 COCO_ERR_PROTO, "registries.conf");
    assert_ptr_equal(f->client->registries.json, before);
    assert_ok(coco_image_client_set_registries(f->client, bytes_of(""), 0, &f->err), f->err);
}

/* "a.test" is what was asked for, and the server where it is got from; the other way nothing is
 * put. */
static void
registries_lead_to_where_an_image_is(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_buf_ struct coco_buf body = {.limit = 100};
    _cleanup_buf_ struct coco_buf type = {.limit = 100};
    char text[400];

    assert_ok(coco_image_ref_parse("a.test/acme/app:1", &ref, &f->err), f->err);
    for (int mirrored = 0; mirrored < 2; mirrored++) {
        _cleanup_source_ struct coco_source source = {0};

        f->wants_password = true;
        f->authorization[0] = '\0';
        httpd_start(&f->httpd, answer, f, NULL);
        (void)snprintf(text, sizeof(text),
                       "[[registry]]\nprefix='a.test'\nlocation='127.0.0.1:%d'\ninsecure=true\n%s",
                       f->httpd.port,
                       mirrored ? "[[registry.mirror]]\nlocation='127.0.0.1:1'\ninsecure=true\n"
                                : "");
        assert_ok(
            coco_image_client_set_registries(f->client, bytes_of(text), strlen(text), &f->err),
            f->err);
        /* The credentials of the one that is asked, not of the one that is meant */
        (void)snprintf(text, sizeof(text),
                       "{\"auths\":{\"127.0.0.1:%d\":{\"auth\":\"" ENCODED "\"},"
                       "\"a.test\":{\"auth\":\"YTox\"}}}",
                       f->httpd.port);
        assert_ok(set_auth(f, text), f->err);
        assert_ok(coco_client_source(f->client, &once, ref, &source, &f->err), f->err);
        assert_fails(source.manifest(source.self, f->ctx, NULL, &body, &type, &f->err), f->err,
                     COCO_ERR_NOTFOUND, "404");
        httpd_stop(&f->httpd);
        assert_string_equal(f->authorization, "Basic " ENCODED);
    }
}

static void
blocked_registries_are_neither_read_nor_written(void **state)
{
    static const char text[] = "[[registry]]\nprefix='a.test'\nblocked=true\n";
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    struct coco_source source = {0};
    struct coco_destination to = {0};

    assert_ok(coco_image_client_set_registries(f->client, bytes_of(text), strlen(text), &f->err),
              f->err);
    assert_ok(coco_image_ref_parse("a.test/acme/app:1", &ref, &f->err), f->err);
    assert_fails(coco_client_source(f->client, &once, ref, &source, &f->err), f->err,
                 COCO_ERR_DENIED, "blocks 'a.test'");
    assert_fails(coco_client_destination(f->client, &once, f->ctx, ref, &to, &f->err), f->err,
                 COCO_ERR_DENIED, "blocks 'a.test'");
    assert_null(source.self);
    assert_null(to.self);
}

static void
helpers_outlive_the_credentials(void **state)
{
    struct fixture *f = *state;
    char path[128];

    assert_fails(coco_image_client_set_helpers(f->client, "bin", &f->err), f->err, COCO_ERR_INVALID,
                 "no list of absolute directories");
    assert_null(f->client->auth.helpers);
    (void)snprintf(path, sizeof(path), "%s", f->dir);
    assert_ok(coco_image_client_set_helpers(f->client, path, &f->err), f->err);
    path[0] = 'x';
    assert_fails(coco_image_client_set_helpers(f->client, "", &f->err), f->err, COCO_ERR_INVALID,
                 "no list of absolute directories");
    assert_ok(set_auth(f, AUTH), f->err);
    assert_ok(set_auth(f, AUTH), f->err);
    assert_string_equal(f->client->auth.helpers, f->dir);
    assert_int_equal(f->client->auth.n_files, 1);
    assert_ok(coco_image_client_set_helpers(f->client, NULL, &f->err), f->err);
    assert_null(f->client->auth.helpers);
}

static void
credentials_are_added_behind_those_there_are(void **state)
{
    struct fixture *f = *state;

    assert_ok(coco_image_client_add_auth(f->client, bytes_of(AUTH), strlen(AUTH), &f->err), f->err);
    assert_ok(coco_image_client_add_auth(f->client, bytes_of("{}"), 2, &f->err), f->err);
    assert_fails(coco_image_client_add_auth(f->client, bytes_of("[]"), 2, &f->err), f->err,
                 COCO_ERR_PROTO, "auth.json");
    assert_int_equal(f->client->auth.n_files, 2);
    assert_ok(set_auth(f, "{}"), f->err);
    assert_int_equal(f->client->auth.n_files, 1);
}

static void
a_layout_is_opened_by_its_path(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_destination_ struct coco_destination to = {0};
    char text[128];

    (void)snprintf(text, sizeof(text), "oci:%s/l:v1", f->dir);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    assert_fails(coco_client_source(f->client, &once, ref, &source, &f->err), f->err,
                 COCO_ERR_NOTFOUND, "no OCI layout");
    assert_no_file(f->dir, "l");
    assert_ok(coco_client_destination(f->client, &once, f->ctx, ref, &to, &f->err), f->err);
    assert_ok(coco_client_source(f->client, &once, ref, &source, &f->err), f->err);
    assert_file(f->dir, "l/oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
}

static void
a_key_broker_is_lent(void **state)
{
    struct fixture *f = *state;
    coco_kbc *kbc = NULL;

    assert_ok(coco_kbc_new("cc_kbc::http://127.0.0.1:1", &kbc, &f->err), f->err);
    coco_image_client_set_kbc(f->client, kbc);
    assert_ptr_equal(f->client->kbc, kbc);
    coco_image_client_set_kbc(f->client, NULL);
    assert_null(f->client->kbc);
    coco_image_client_set_kbc(f->client, kbc);
    coco_image_client_free(f->client);
    f->client = NULL;
    coco_kbc_free(kbc); /* the second time, had it not been lent */
}

static void
an_image_tells_what_it_came_to(void **state)
{
    coco_image image = {.digest_text = "sha256:…",
                        .n_layers = 3,
                        .bytes_read = UINT64_MAX,
                        .bytes_written = (uint64_t)1 << 40,
                        .ids_ignored = 7};

    (void)state;
    assert_string_equal(coco_image_digest(&image), "sha256:…");
    assert_int_equal(coco_image_layer_count(&image), 3);
    assert_int_equal(coco_image_bytes_read(&image), UINT64_MAX);
    assert_int_equal(coco_image_bytes_written(&image), (uint64_t)1 << 40);
    assert_int_equal(coco_image_ids_ignored(&image), 7);
}

/* JWK_D, as bytes and as the limbs of a big number that is little-endian. */
static void
private_bytes(uint8_t bytes[32], uint8_t limbs[32])
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    BIGNUM *d = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_parse_private(JWK, strlen(JWK), &key, &err), err);
    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
    assert_int_equal(BN_bn2binpad(d, bytes, 32), 32);
    assert_int_equal(BN_bn2lebinpad(d, limbs, 32), 32);
    BN_clear_free(d);
}

static void
secrets_are_wiped_wherever_they_were(void **state)
{
    uint8_t bytes[32];
    uint8_t limbs[32];
    const struct {
        const void *data;
        size_t len;
    } canaries[] = {
        {kek, sizeof(kek)}, {JWK_D, strlen(JWK_D)},     {bytes, 32},
        {limbs, 32},        {ENCODED, strlen(ENCODED)}, {"alice:s3cret", strlen("alice:s3cret")},
    };
    struct fixture *f = *state;

    private_bytes(bytes, limbs);
    for (size_t i = 0; i < COUNT(canaries); i++) {
        coco_image_client_free(f->client);
        f->client = NULL;
        canary_begin(canaries[i].data, canaries[i].len);
        assert_ok(coco_image_client_new(&f->client, &f->err), f->err);
        /* Often enough for each list to move, and what was set to be set again */
        for (int n = 0; n < 10; n++) {
            assert_ok(add_key(f, JWK), f->err);
            assert_ok(
                coco_image_client_add_kbs_recipient(f->client, URI, kek, sizeof(kek), &f->err),
                f->err);
            assert_ok(set_auth(f, AUTH), f->err);
        }
        /* Also where they are refused */
        assert_fails(add_key(f, JWK_OFF_CURVE), f->err, COCO_ERR_PROTO, "");
        assert_fails(set_auth(f, "{\"auths\":{\"h\":{\"auth\":\"" ENCODED "\"},\"i\":1}}"), f->err,
                     COCO_ERR_PROTO, "not an object");
        coco_image_client_free(f->client);
        f->client = NULL;
        print_message("# canary %zu\n", i);
        assert_int_equal(canary_end(), 0);
    }
}

static void
everything_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    struct pki_cert ca = {0};

    pki_make(&ca, NULL, NULL, 30);
    char *pem = pki_pem(&ca);
    for_each_fault()
    {
        coco_image_client *client = NULL;
        coco_error *err = NULL;

        coco_status status = coco_image_client_new(&client, &err);
        assert_int_equal(status == COCO_OK, client != NULL);
        if (status == COCO_OK)
            status = coco_image_client_set_tls_ca(client, bytes_of(pem), strlen(pem), &err);
        if (status == COCO_OK)
            status = coco_image_client_set_auth(client, bytes_of(AUTH), strlen(AUTH), &err);
        if (status == COCO_OK)
            status = coco_image_client_add_auth(client, bytes_of(AUTH), strlen(AUTH), &err);
        if (status == COCO_OK)
            status = coco_image_client_set_helpers(client, "/usr/bin", &err);
        if (status == COCO_OK)
            status = coco_image_client_set_certs_dir(client, f->dir, &err);
        if (status == COCO_OK)
            status = coco_image_client_add_certs_tree(client, f->dir, &err);
        for (int i = 0; i < 2 && status == COCO_OK; i++)
            status = coco_image_client_set_auth_resource(client, URI, &err);
        for (int i = 0; i < 2 && status == COCO_OK; i++)
            status = coco_image_client_set_proxy(client, "http://me:pw@h", "x", &err);
        if (status == COCO_OK)
            status = coco_image_client_set_proxy(client, NULL, "x", &err);
        if (status == COCO_OK)
            status =
                coco_image_client_set_registries(client, bytes_of(MIRRORS), strlen(MIRRORS), &err);
        if (status == COCO_OK)
            status = coco_image_client_set_policy(client, bytes_of(ACCEPT), strlen(ACCEPT), &err);
        if (status == COCO_OK)
            status = coco_image_client_set_platform(client, "linux/amd64", &err);
        for (int i = 0; i < 2 && status == COCO_OK; i++)
            status = coco_image_client_set_kek_prefix(client, "kbs:///default/keys/", &err);
        for (int i = 0; i < 2 && status == COCO_OK; i++)
            status = coco_image_client_add_key(client, bytes_of(JWK), strlen(JWK), &err);
        for (int i = 0; i < 2 && status == COCO_OK; i++)
            status = coco_image_client_add_recipient(client, bytes_of(JWK), strlen(JWK), &err);
        for (int i = 0; i < 2 && status == COCO_OK; i++)
            status = coco_image_client_add_kbs_recipient(client, URI, kek, sizeof(kek), &err);
        fault_expect(status, err);
        coco_image_client_free(client);
    }
    OPENSSL_free(pem);
    pki_done(&ca);
    assert_null(f->err);
}

static void
opening_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    char layout[128];

    (void)snprintf(layout, sizeof(layout), "oci:%s/l:v1", f->dir);
    const char *const texts[] = {"127.0.0.1/acme/app:1", layout};
    assert_ok(set_auth(f, AUTH), f->err);
    for (size_t i = 0; i < COUNT(texts); i++) {
        _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;

        assert_ok(coco_image_ref_parse(texts[i], &ref, &f->err), f->err);
        for_each_fault()
        {
            struct coco_source source = {0};
            struct coco_destination to = {0};
            coco_error *err = NULL;

            coco_status status = coco_client_destination(f->client, &once, f->ctx, ref, &to, &err);
            assert_int_equal(status == COCO_OK, to.self != NULL);
            if (status == COCO_OK) {
                status = coco_client_source(f->client, &once, ref, &source, &err);
                assert_int_equal(status == COCO_OK, source.self != NULL);
            }
            fault_expect(status, err);
            coco_source_done(&source);
            coco_destination_done(&to);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_client_knows_nothing),
        TEST(keys_that_open_nothing_are_refused),
        TEST(keys_of_every_kind_that_wraps_are_taken),
        TEST(recipients_in_a_kbs_must_have_a_name_and_a_key),
        TEST(the_number_of_keys_is_bounded),
        TEST(an_image_is_encrypted_for_all_that_were_taken),
        TEST(certificates_that_are_none_are_refused),
        TEST(credentials_that_are_none_are_refused),
        TEST(policies_that_are_none_are_refused),
        TEST(platforms_that_are_none_are_refused),
        TEST(options_that_are_not_known_are_refused),
        TEST(what_is_0_in_the_options_is_the_default),
        TEST(settings_reach_the_registry),
        TEST(certificates_are_for_the_server_they_are_named_for),
        TEST(a_proxy_is_that_of_the_client),
        TEST(credentials_that_cannot_be_used_are_told),
        TEST(registries_that_are_none_are_refused),
        TEST(registries_lead_to_where_an_image_is),
        TEST(blocked_registries_are_neither_read_nor_written),
        TEST(helpers_outlive_the_credentials),
        TEST(credentials_are_added_behind_those_there_are),
        TEST(a_layout_is_opened_by_its_path),
        TEST(a_key_broker_is_lent),
        TEST(an_image_tells_what_it_came_to),
        TEST(secrets_are_wiped_wherever_they_were),
        TEST(everything_survives_any_failed_allocation),
        TEST(opening_survives_any_failed_allocation),
    };

    canary_watch_openssl();
    return cmocka_run_group_tests_name("image/client", tests, NULL, NULL);
}
