/*
 * tests/sealed/test_unsealer.c - lib/sealed/unsealer.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/sealed/kit.h"

#include "tests/canary.h"
#include "tests/faults.h"

/* A guest with a broker that has the owner's key and a secret; and the owner. */
struct world {
    EVP_PKEY *key;
    char *jwk;
    struct kit_provider provider;
    coco_kbc *kbc;
    coco_ctx *ctx;
    coco_sealer *sealer;
    coco_unsealer *unsealer;
};

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    coco_error *err = NULL;

    assert_non_null(w);
    w->key = kit_key(COCO_KEY_P256);
    w->jwk = kit_jwk(w->key);
    w->provider = (struct kit_provider){.key = w->jwk, .secret = SECRET, .key_id = "kek"};
    w->kbc = kit_kbc(&w->provider);
    w->sealer = kit_sealer(w->key, KEY_URI);
    assert_ok(coco_ctx_new(&w->ctx, &err), err);
    assert_ok(coco_sealer_set_provider(w->sealer, "kit", w->kbc, &err), err);
    assert_ok(coco_unsealer_new(&w->unsealer, &err), err);
    assert_ok(coco_unsealer_set_provider(w->unsealer, "kbs", w->kbc, &err), err);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;

    coco_unsealer_free(w->unsealer);
    coco_sealer_free(w->sealer);
    coco_ctx_free(w->ctx);
    coco_kbc_free(w->kbc);
    free(w->jwk);
    EVP_PKEY_free(w->key);
    free(w);
    return 0;
}

static char *
seal_name(const coco_sealer *sealer, const char *provider, const char *name)
{
    _cleanup_(coco_bytes_freep) coco_bytes *text = NULL;
    coco_error *err = NULL;

    assert_ok(coco_sealer_seal_name(sealer, provider, name, &text, &err), err);
    char *copy = strdup((const char *)coco_bytes_data(text));
    assert_non_null(copy);
    return copy;
}

static char *
seal_data(const struct world *w)
{
    _cleanup_(coco_bytes_freep) coco_bytes *text = NULL;
    coco_error *err = NULL;

    assert_ok(coco_sealer_seal_data(w->sealer, w->ctx, "kek", (const uint8_t *)SECRET,
                                    strlen(SECRET), &text, &err),
              err);
    char *copy = strdup((const char *)coco_bytes_data(text));
    assert_non_null(copy);
    return copy;
}

static coco_status
unseal(const struct world *w, const char *text, coco_bytes **ret, coco_error **err)
{
    return coco_unsealer_unseal(w->unsealer, w->ctx, text, ret, err);
}

static void
assert_unseals(const struct world *w, const char *text)
{
    _cleanup_(coco_bytes_freep) coco_bytes *secret = NULL;
    coco_error *err = NULL;

    assert_ok(unseal(w, text, &secret, &err), err);
    assert_string_equal((const char *)coco_bytes_data(secret), SECRET);
}

#define assert_refused(w, text, status, why)                                                       \
    do {                                                                                           \
        coco_bytes *secret_ = NULL;                                                                \
        coco_error *err_ = NULL;                                                                   \
        assert_fails(unseal(w, text, &secret_, &err_), err_, status, why);                         \
        assert_null(secret_);                                                                      \
    } while (0)

static void
the_broker_has_the_key_and_the_secret(void **state)
{
    struct world *w = *state;
    _cleanup_free_ char *text = seal_name(w->sealer, "kbs", SECRET_URI);

    assert_unseals(w, text);
    assert_int_equal(w->provider.asked, 2);
}

static void
an_envelope_is_opened_by_whoever_wrapped_its_key(void **state)
{
    struct world *w = *state;
    _cleanup_free_ char *text = seal_data(w);
    coco_error *err = NULL;

    assert_refused(w, text, COCO_ERR_NOTSUP, "provider 'kit', which is not set up");
    assert_ok(coco_unsealer_set_provider(w->unsealer, "kit", w->kbc, &err), err);
    assert_unseals(w, text);

    w->provider.cut = 1;
    assert_refused(w, text, COCO_ERR_VERIFY, "kit: envelope: authentication failed");
    w->provider.cut = 0;
    w->provider.key_id = "another";
    assert_refused(w, text, COCO_ERR_NOTFOUND, "no such key");
}

/* A provider that is no broker is asked for what is sealed, as it is called. */
static void
a_name_for_another_provider_is_its_own(void **state)
{
    struct world *w = *state;
    _cleanup_free_ char *text = seal_name(w->sealer, "kit", SECRET_PATH);
    _cleanup_free_ char *uri = seal_name(w->sealer, "kit", SECRET_URI);
    _cleanup_free_ char *other = seal_name(w->sealer, "kit", "my-secret");
    coco_error *err = NULL;

    assert_ok(coco_unsealer_set_provider(w->unsealer, "kit", w->kbc, &err), err);
    assert_unseals(w, text);
    assert_unseals(w, uri);
    assert_refused(w, other, COCO_ERR_INVALID, "my-secret");
}

static void
what_another_signed_is_refused(void **state)
{
    struct world *w = *state;
    _cleanup_pkey_ EVP_PKEY *other = kit_key(COCO_KEY_P256);
    _cleanup_(coco_sealer_freep) coco_sealer *sealer = kit_sealer(other, KEY_URI);
    _cleanup_(coco_sealer_freep) coco_sealer *nobody = kit_sealer(other, "kbs:///a/b/c");
    _cleanup_(coco_sealer_freep) coco_sealer *local = kit_sealer(other, "test-key");
    _cleanup_free_ char *text = seal_name(sealer, "kbs", SECRET_URI);
    _cleanup_free_ char *lost = seal_name(nobody, "kbs", SECRET_URI);
    _cleanup_free_ char *unknown = seal_name(local, "kbs", SECRET_URI);

    assert_refused(w, text, COCO_ERR_VERIFY, "signature");
    assert_int_equal(w->provider.asked, 1);
    assert_refused(w, lost, COCO_ERR_NOTFOUND, "key that verifies");
    assert_refused(w, unknown, COCO_ERR_NOTFOUND, "nobody has the key 'test-key'");
}

/* What the resource is that a kid names is the broker's; a secret there verifies nothing. */
static void
what_is_no_key_on_p256_verifies_nothing(void **state)
{
    struct world *w = *state;
    _cleanup_pkey_ EVP_PKEY *larger = kit_key(COCO_KEY_P384);
    _cleanup_pkey_ EVP_PKEY *rsa = kit_key(COCO_KEY_RSA);
    _cleanup_free_ char *larger_jwk = kit_jwk(larger);
    _cleanup_free_ char *rsa_jwk = kit_jwk(rsa);
    _cleanup_free_ char *text = seal_name(w->sealer, "kbs", SECRET_URI);

    w->provider.key = SECRET;
    assert_refused(w, text, COCO_ERR_PROTO, "key that verifies");
    w->provider.key = "{\"kty\":\"oct\",\"k\":\"AAAA\"}";
    assert_refused(w, text, COCO_ERR_NOTSUP, "key that verifies");
    w->provider.key = larger_jwk;
    assert_refused(w, text, COCO_ERR_NOTSUP, "P-256");
    w->provider.key = rsa_jwk;
    assert_refused(w, text, COCO_ERR_NOTSUP, "P-256");
}

static void
without_a_signature_it_must_be_allowed(void **state)
{
    struct world *w = *state;
    _cleanup_free_ char *text = kit_unsigned(VAULT(SECRET_URI));
    _cleanup_pkey_ EVP_PKEY *other = kit_key(COCO_KEY_P256);
    _cleanup_(coco_sealer_freep) coco_sealer *sealer = kit_sealer(other, KEY_URI);
    _cleanup_free_ char *wrong = seal_name(sealer, "kbs", SECRET_URI);

    assert_refused(w, text, COCO_ERR_DENIED, "nobody signed");
    assert_int_equal(w->provider.asked, 0);
    coco_unsealer_set_allow_unsigned(w->unsealer, true);
    assert_unseals(w, text);
    /* A signature that is there must hold all the same. */
    assert_refused(w, wrong, COCO_ERR_VERIFY, "signature");
    coco_unsealer_set_allow_unsigned(w->unsealer, false);
    assert_refused(w, text, COCO_ERR_DENIED, "nobody signed");
}

static void
a_key_that_is_given_is_not_asked_for(void **state)
{
    struct world *w = *state;
    _cleanup_(coco_sealer_freep) coco_sealer *local = kit_sealer(w->key, "test-key");
    _cleanup_free_ char *text = seal_name(local, "kbs", SECRET_URI);
    _cleanup_free_ char *other = seal_name(w->sealer, "kbs", SECRET_URI);
    const uint8_t *jwk = (const uint8_t *)w->jwk;
    coco_error *err = NULL;

    assert_ok(coco_unsealer_trust_key(w->unsealer, "test-key", jwk, strlen(w->jwk), &err), err);
    assert_unseals(w, text);
    assert_int_equal(w->provider.asked, 1);
    assert_unseals(w, other);
    assert_int_equal(w->provider.asked, 3);
}

/* Whoever may write resources chooses no key any more. */
static void
a_key_without_a_name_is_the_only_one(void **state)
{
    struct world *w = *state;
    _cleanup_pkey_ EVP_PKEY *owner = kit_key(COCO_KEY_P256);
    _cleanup_free_ char *jwk = kit_jwk(owner);
    _cleanup_(coco_sealer_freep) coco_sealer *sealer = kit_sealer(owner, "kbs:///x/y/z");
    _cleanup_(coco_sealer_freep) coco_sealer *named = kit_sealer(w->key, "named");
    _cleanup_free_ char *text = seal_name(sealer, "kbs", SECRET_URI);
    _cleanup_free_ char *brokers = seal_name(w->sealer, "kbs", SECRET_URI);
    _cleanup_free_ char *others = seal_name(named, "kbs", SECRET_URI);
    coco_error *err = NULL;

    assert_ok(coco_unsealer_trust_key(w->unsealer, "named", (const uint8_t *)w->jwk, strlen(w->jwk),
                                      &err),
              err);
    assert_ok(coco_unsealer_trust_key(w->unsealer, NULL, (const uint8_t *)jwk, strlen(jwk), &err),
              err);
    assert_unseals(w, text);
    assert_unseals(w, others);
    assert_refused(w, brokers, COCO_ERR_VERIFY, "not signed by a key that is trusted");
}

static void
keys_outside_of_the_prefix_are_not_asked_for(void **state)
{
    struct world *w = *state;
    _cleanup_free_ char *text = seal_name(w->sealer, "kbs", SECRET_URI);
    coco_error *err = NULL;

    assert_fails(coco_unsealer_set_key_prefix(w->unsealer, "kbs:///a", &err), err, COCO_ERR_INVALID,
                 "kbs:///a");
    assert_ok(coco_unsealer_set_key_prefix(w->unsealer, "kbs:///default/keys/", &err), err);
    assert_refused(w, text, COCO_ERR_DENIED, "is not under kbs:///default/keys/");
    assert_int_equal(w->provider.asked, 0);
    assert_ok(coco_unsealer_set_key_prefix(w->unsealer, "kbs:///default/sealed-secret/", &err),
              err);
    assert_unseals(w, text);
}

static void
providers_and_keys_are_bounded(void **state)
{
    struct world *w = *state;
    char name[16];
    coco_error *err = NULL;

    for (unsigned i = 1; i < 16; i++) {
        (void)snprintf(name, sizeof(name), "p%u", i);
        assert_ok(coco_unsealer_set_provider(w->unsealer, name, w->kbc, &err), err);
    }
    assert_ok(coco_unsealer_set_provider(w->unsealer, "p15", w->kbc, &err), err);
    assert_fails(coco_unsealer_set_provider(w->unsealer, "p16", w->kbc, &err), err, COCO_ERR_LIMIT,
                 "16 providers");
    assert_fails(coco_unsealer_set_provider(w->unsealer, "P", w->kbc, &err), err, COCO_ERR_INVALID,
                 "provider");
    for (unsigned i = 0; i < 64; i++)
        assert_ok(coco_unsealer_trust_key(w->unsealer, "k", (const uint8_t *)w->jwk, strlen(w->jwk),
                                          &err),
                  err);
    assert_fails(
        coco_unsealer_trust_key(w->unsealer, "k", (const uint8_t *)w->jwk, strlen(w->jwk), &err),
        err, COCO_ERR_LIMIT, "64 keys");
    assert_fails(
        coco_unsealer_trust_key(w->unsealer, "", (const uint8_t *)w->jwk, strlen(w->jwk), &err),
        err, COCO_ERR_INVALID, "name of a key");
}

static void
a_canceled_context_asks_nobody(void **state)
{
    struct world *w = *state;
    _cleanup_free_ char *text = seal_name(w->sealer, "kbs", SECRET_URI);

    coco_ctx_cancel(w->ctx);
    assert_refused(w, text, COCO_ERR_CANCELED, "");
    assert_int_equal(w->provider.asked, 0);
}

static void
unsealing_survives_any_failed_allocation(void **state)
{
    struct world *w = *state;
    _cleanup_free_ char *name = seal_name(w->sealer, "kbs", SECRET_URI);
    _cleanup_free_ char *data = seal_data(w);
    coco_error *err = NULL;

    for_each_fault()
    {
        _cleanup_(coco_unsealer_freep) coco_unsealer *unsealer = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *first = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *second = NULL;

        coco_status status = coco_unsealer_new(&unsealer, &err);
        if (status == COCO_OK)
            status = coco_unsealer_set_provider(unsealer, "kbs", w->kbc, &err);
        if (status == COCO_OK)
            status = coco_unsealer_set_provider(unsealer, "kit", w->kbc, &err);
        if (status == COCO_OK)
            status = coco_unsealer_unseal(unsealer, w->ctx, name, &first, &err);
        if (status == COCO_OK)
            status = coco_unsealer_trust_key(unsealer, NULL, (const uint8_t *)w->jwk,
                                             strlen(w->jwk), &err);
        if (status == COCO_OK)
            status = coco_unsealer_unseal(unsealer, w->ctx, data, &second, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

static void
what_was_unsealed_is_wiped(void **state)
{
    struct world *w = *state;
    _cleanup_free_ char *name = seal_name(w->sealer, "kbs", SECRET_URI);
    _cleanup_free_ char *data = seal_data(w);
    coco_error *err = NULL;

    assert_ok(coco_unsealer_set_provider(w->unsealer, "kit", w->kbc, &err), err);
    canary_begin(SECRET, strlen(SECRET));
    assert_unseals(w, name);
    assert_unseals(w, data);
    w->provider.cut = 1;
    assert_refused(w, data, COCO_ERR_VERIFY, "");
    assert_int_equal(canary_end(), 0);
}

/* ---- recorded: fixtures/sealed-secret ---- */

static char *
read_text(const char *name)
{
    char path[128];
    size_t len = 0;

    (void)snprintf(path, sizeof(path), "sealed-secret/%s", name);
    return read_fixture(path, &len);
}

static void
trust_recorded(const struct world *w, const char *kid, const char *file)
{
    _cleanup_free_ char *jwk = read_text(file);
    coco_error *err = NULL;

    assert_ok(coco_unsealer_trust_key(w->unsealer, kid, (const uint8_t *)jwk, strlen(jwk), &err),
              err);
}

/* Signed over upstream's own texts by upstream's own key, by another program. */
static void
recorded_secrets_are_unsealed_or_refused_as_upstream_does(void **state)
{
    static const struct {
        const char *file;
        coco_status want;
    } cases[] = {
        /* to kbs:///one/2/trois, which this broker does not have */
        {"vault-es256-localkid.txt", COCO_ERR_NOTFOUND},
        {"vault-es256-kbskid.txt", COCO_ERR_NOTFOUND},
        {"vault-es256-wrongkey.txt", COCO_ERR_VERIFY},
        {"vault-es256-tamper50.txt", COCO_ERR_VERIFY},
        {"vault-es256-tamper200.txt", COCO_ERR_VERIFY},
        {"vault-es256-tamper250.txt", COCO_ERR_VERIFY},
        {"vault-unsigned-fake.txt", COCO_ERR_DENIED},
        {"vault-badversion.txt", COCO_ERR_NOTSUP},
        /* for aliyun, and its texts are no base64 */
        {"envelope-es256.txt", COCO_ERR_NOTSUP},
    };
    struct world *w = *state;

    trust_recorded(w, "test-key", "test-key.json");
    trust_recorded(w, "kbs:///default/sealed-secret/test-key", "test-key.json");
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_free_ char *text = read_text(cases[i].file);
        coco_bytes *secret = NULL;

        coco_status status = unseal(w, text, &secret, NULL);
        if (status != cases[i].want
            && !(cases[i].want == COCO_ERR_VERIFY && status == COCO_ERR_PROTO))
            fail_msg("%s gives %s", cases[i].file, coco_status_name(status));
    }
    coco_unsealer_set_allow_unsigned(w->unsealer, true);
    _cleanup_free_ char *fake = read_text("vault-unsigned-fake.txt");
    assert_refused(w, fake, COCO_ERR_NOTFOUND, "kbs:///one/2/trois");
}

int
main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(the_broker_has_the_key_and_the_secret),
        IN_WORLD(an_envelope_is_opened_by_whoever_wrapped_its_key),
        IN_WORLD(a_name_for_another_provider_is_its_own),
        IN_WORLD(what_another_signed_is_refused),
        IN_WORLD(what_is_no_key_on_p256_verifies_nothing),
        IN_WORLD(without_a_signature_it_must_be_allowed),
        IN_WORLD(a_key_that_is_given_is_not_asked_for),
        IN_WORLD(a_key_without_a_name_is_the_only_one),
        IN_WORLD(keys_outside_of_the_prefix_are_not_asked_for),
        IN_WORLD(providers_and_keys_are_bounded),
        IN_WORLD(a_canceled_context_asks_nobody),
        IN_WORLD(unsealing_survives_any_failed_allocation),
        IN_WORLD(what_was_unsealed_is_wiped),
        IN_WORLD(recorded_secrets_are_unsealed_or_refused_as_upstream_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
