/*
 * tests/kbc/test_simple_kbs.c - lib/kbc/simple_kbs.c
 *
 * The server is simple_kbs.py, which was written from the reference sheet alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/simple_kbs.h"

#include "base/context.h"
#include "base/fail.h"
#include "crypto/keywrap.h"
#include "tee/sev_evidence.h"
#include "tee/sev_secret.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/peer.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CONNECTION                                                                                 \
    "{\"client_id\":\"3ffd3bd5-19c7-4ac2-a4fc-3b1b0b2d6c7e\","                                     \
    "\"key\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"}"
#define GUID "e6f5a162-d67f-4750-a67c-5d065f2a9910"
#define OTHER_GUID "1ee27366-0c87-43a6-af48-28543eaf7cb0"

struct fixture {
    char dir[64];
    struct peer peer;
    struct coco_simple_kbs kbs;
    struct coco_simple_kbs_connection connection;
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    memset(f, 0, sizeof(*f));
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(
        coco_simple_kbs_connection_parse(CONNECTION, strlen(CONNECTION), &f->connection, &f->err),
        f->err);
    f->kbs.policy.retries = COCO_RETRIES_NONE;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    peer_stop(&f->peer);
    coco_simple_kbs_connection_done(&f->connection);
    coco_ctx_free(f->ctx);
    remove_temp_dir(f->dir);
    return 0;
}

static void
serve(struct fixture *f)
{
    char address[128];
    const char *const args[] = {address, CONNECTION, NULL};

    (void)snprintf(address, sizeof(address), "unix:%s/socket", f->dir);
    peer_start(&f->peer, "kbc/simple_kbs.py", args);
    assert_ok(coco_target_parse(address, &f->kbs.grpc.target, &f->err), f->err);
}

static coco_status
get(struct fixture *f, const char *type, const char *id, struct coco_secret *ret)
{
    return coco_simple_kbs_get_online(&f->kbs, f->ctx, &f->connection, type, id, ret, &f->err);
}

static void
secrets_of_each_type_are_got(void **state)
{
    static const struct {
        const char *type, *id, *want;
    } cases[] = {
        {"key", "default/key/1", "0123456789abcdef0123456789abcdef"},
        {"resource", "default/policy/1", "{\"default\":[]}"},
        {"resource", "empty/empty/1", ""},
        {"bundle", "KEYSET-1",
         "{\"default/key/1\": \"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\""},
        {"report", "any", "\"signature\": \""},
        {"connection", "", "\"client_id\": \""},
    };
    struct fixture *f = *state;

    serve(f);
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_secret_ struct coco_secret secret = {0};
        char text[1024];

        assert_ok(get(f, cases[i].type, cases[i].id, &secret), f->err);
        (void)snprintf(text, sizeof(text), "%.*s", (int)secret.len, (const char *)secret.data);
        assert_contains(text, cases[i].want);
    }
}

static void
what_it_refuses_is_told_apart(void **state)
{
    struct fixture *f = *state;
    struct coco_secret secret = {0};

    serve(f);
    assert_fails(get(f, "key", "default/key/none", &secret), f->err, COCO_ERR_NOTFOUND,
                 "Cannot fulfill secret request");
    assert_fails(get(f, "resource", "default/key/1", &secret), f->err, COCO_ERR_NOTFOUND, "");
    assert_fails(get(f, "key", "guarded", &secret), f->err, COCO_ERR_DENIED,
                 "Policy validation failed");
    assert_fails(get(f, "other", "default/key/1", &secret), f->err, COCO_ERR_INVALID,
                 "Unknown Secret Type");
    f->connection.client_id[0] = '4';
    assert_fails(get(f, "key", "default/key/1", &secret), f->err, COCO_ERR_DENIED,
                 "Connection not found");
    f->connection.client_id[0] = 'x';
    assert_fails(get(f, "key", "default/key/1", &secret), f->err, COCO_ERR_INVALID,
                 "Malformed Client ID");
    assert_null(secret.data);
}

static void
wrong_answers_are_refused(void **state)
{
    static const struct {
        const char *id;
        coco_status status;
        const char *why;
    } cases[] = {
        {"odd-key/x/y", COCO_ERR_VERIFY, "authentication failed"},
        {"odd-guid/x/y", COCO_ERR_PROTO, "not the one that was asked for"},
        {"odd-two/x/y", COCO_ERR_PROTO, "not the one that was asked for"},
        {"odd-none/x/y", COCO_ERR_PROTO, "ends after"},
        {"odd-cut/x/y", COCO_ERR_PROTO, "5 bytes instead of 6"},
        {"odd-long/x/y", COCO_ERR_PROTO, "7 bytes instead of 6"},
        {"odd-empty/x/y", COCO_ERR_PROTO, "ends after 0 bytes"},
        {"odd-iv/x/y", COCO_ERR_LIMIT, ""},
        {"odd-short/x/y", COCO_ERR_PROTO, "5 bytes under"},
        {"odd-base64/x/y", COCO_ERR_PROTO, "base64"},
        {"odd-nothing/x/y", COCO_ERR_PROTO, "0 bytes under"},
        {"odd-bytes/x/y", COCO_ERR_PROTO, "not a keybroker.OnlineSecretResponse"},
    };
    struct fixture *f = *state;
    struct coco_secret secret = {0};

    serve(f);
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(get(f, "key", cases[i].id, &secret), f->err, cases[i].status, cases[i].why);
    assert_null(secret.data);
}

static void
connections_are_read_strictly(void **state)
{
    static const char *const cases[] = {
        "",
        "{}",
        "[]",
        "{\"client_id\":\"3ffd3bd5-19c7-4ac2-a4fc-3b1b0b2d6c7e\"}",
        "{\"key\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"}",
        "{\"client_id\":\"3ffd3bd5-19c7-4ac2-a4fc-3b1b0b2d6c7\","
        "\"key\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"}",
        "{\"client_id\":\"3ffd3bd5x19c7-4ac2-a4fc-3b1b0b2d6c7e\","
        "\"key\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"}",
        "{\"client_id\":\"3ffd3bd5-19c7-4ac2-a4fc-3b1b0b2d6c7e\",\"key\":\"AAECAw==\"}",
        "{\"client_id\":\"3ffd3bd5-19c7-4ac2-a4fc-3b1b0b2d6c7e\",\"key\":\"*\"}",
        "{\"client_id\":7,\"key\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"}",
    };
    struct coco_simple_kbs_connection connection = {0};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(
            coco_simple_kbs_connection_parse(cases[i], strlen(cases[i]), &connection, &err), err,
            COCO_ERR_PROTO, "connection with simple-kbs");
    assert_null(connection.key.data);
}

/* ---- a launch: the firmware is the test ---- */

/* A platform's certificates, of which simple_kbs.py reads the first; and the key of its PDH. */
static void
make_platform(struct coco_buf *chain, EVP_PKEY **pdh)
{
    struct coco_sev_cert cert = {.api_major = 1};
    uint8_t bytes[COCO_SEV_CERT_SIZE];
    coco_error *err = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P384, pdh, &err), err);
    assert_ok(coco_sev_cert_set_key(&cert, *pdh, COCO_SEV_PDH, COCO_SEV_ECDH_SHA384, &err), err);
    for (size_t i = 0; i < COCO_SEV_CERT_SIGNATURES; i++)
        cert.signatures[i].usage = COCO_SEV_NONE;
    coco_sev_cert_format(&cert, bytes);
    for (int i = 0; i < 4; i++)
        assert_ok(coco_buf_append(chain, bytes, sizeof(bytes), &err), err);
}

/* What LAUNCH_START makes of a bundle. */
static void
start(const struct coco_simple_kbs_bundle *bundle, EVP_PKEY *pdh, uint32_t policy,
      struct coco_sev_keys *keys)
{
    _cleanup_secret_ struct coco_secret z = {0};
    _cleanup_pkey_ EVP_PKEY *owner = NULL;
    struct coco_sev_cert cert;
    struct coco_sev_session session;
    coco_error *err = NULL;

    assert_ok(coco_sev_cert_parse(bundle->owner_key.data, bundle->owner_key.len, &cert, &err), err);
    assert_int_equal(cert.usage, COCO_SEV_PDH);
    assert_ok(coco_sev_cert_key(&cert, &owner, &err), err);
    assert_ok(coco_sev_session_parse(bundle->session.data, bundle->session.len, &session, &err),
              err);
    assert_ok(coco_ecdh(pdh, owner, &z, &err), err);
    assert_ok(coco_sev_session_unwrap(&z, &session, policy, keys, &err), err);
}

/* And LAUNCH_MEASURE. */
static void
measure(const struct coco_simple_kbs_launch *launch, const struct coco_sev_keys *keys,
        uint8_t ret[48])
{
    struct coco_sev_launch of = {.api_major = (uint8_t)launch->api_major,
                                 .api_minor = (uint8_t)launch->api_minor,
                                 .build = (uint8_t)launch->build_id,
                                 .policy = launch->policy};
    coco_error *err = NULL;

    memcpy(of.digest, launch->digest, sizeof(of.digest));
    memset(of.mnonce, 0x5a, sizeof(of.mnonce));
    memcpy(ret + 32, of.mnonce, sizeof(of.mnonce));
    assert_ok(coco_sev_launch_measure(&of, &keys->tik, ret, &err), err);
}

struct launch {
    struct coco_buf chain;
    EVP_PKEY *pdh;
    struct coco_simple_kbs_bundle bundle;
    struct coco_sev_keys keys;
    uint8_t measurement[48];
    uint8_t digest[32];
    struct coco_simple_kbs_launch of;
};

static const struct coco_simple_kbs_request wanted[] = {
    {GUID, "json", "bundle", "KEYSET-1"},
    {OTHER_GUID, "binary", "connection", ""},
};

static void
begin(struct fixture *f, struct launch *l)
{
    *l = (struct launch){.chain.limit = 64 << 10};
    make_platform(&l->chain, &l->pdh);
    assert_ok(coco_simple_kbs_get_bundle(&f->kbs, f->ctx, &l->chain, 5, &l->bundle, &f->err),
              f->err);
    start(&l->bundle, l->pdh, 5, &l->keys);
    memset(l->digest, 7, sizeof(l->digest));
    l->of = (struct coco_simple_kbs_launch){
        .launch_id = l->bundle.launch_id,
        .policy = 5,
        .api_major = 1,
        .api_minor = 49,
        .build_id = 6,
        .measurement = l->measurement,
        .digest = l->digest,
        .description = "a test",
        .requests = wanted,
        .n_requests = COUNT(wanted),
    };
    measure(&l->of, &l->keys, l->measurement);
}

static void
end(struct launch *l)
{
    coco_buf_done(&l->chain);
    EVP_PKEY_free(l->pdh);
    coco_simple_kbs_bundle_done(&l->bundle);
    coco_sev_keys_done(&l->keys);
}

static coco_status
get_packet(struct fixture *f, const struct launch *l, struct coco_sev_packet *packet)
{
    _cleanup_buf_ struct coco_buf header = {.limit = 128};

    coco_status status =
        coco_simple_kbs_get_secret(&f->kbs, f->ctx, &l->of, &header, &packet->payload, &f->err);
    if (status == COCO_OK) {
        assert_int_equal(header.len, sizeof(packet->header));
        memcpy(packet->header, header.data, header.len);
    }
    return status;
}

/* From the bundle to what the guest then asks for online. */
static void
a_launch_gets_its_secrets_and_the_guest_more_of_them(void **state)
{
    struct fixture *f = *state;
    struct coco_sev_packet packet = {.payload.limit = 64 << 10};
    _cleanup_sev_secrets_ struct coco_sev_secrets secrets = {0};
    _cleanup_secret_ struct coco_secret table = {0};
    _cleanup_secret_ struct coco_secret key = {0};
    struct coco_simple_kbs_connection connection = {0};
    struct launch l;

    serve(f);
    begin(f, &l);
    assert_ok(get_packet(f, &l, &packet), f->err);
    assert_ok(coco_sev_packet_open(&l.keys, l.measurement, &packet, &table, &f->err), f->err);
    assert_ok(coco_sev_secrets_parse(table.data, table.len, &secrets, &f->err), f->err);
    assert_int_equal(secrets.n, 2);
    assert_ok(coco_simple_kbs_connection_parse((const char *)secrets.list[1].data.data,
                                               secrets.list[1].data.len, &connection, &f->err),
              f->err);
    assert_ok(coco_simple_kbs_get_online(&f->kbs, f->ctx, &connection, "key", "default/key/2", &key,
                                         &f->err),
              f->err);
    assert_true(coco_secret_equal(&key, "another key of thirty-two bytes!", 32));
    coco_simple_kbs_connection_done(&connection);
    coco_buf_done(&packet.payload);
    end(&l);
}

static void
a_launch_that_is_another_gets_nothing(void **state)
{
    static const struct coco_simple_kbs_request missing[] = {{GUID, "binary", "key", "none"}};
    static const struct coco_simple_kbs_request guarded[] = {{GUID, "binary", "key", "guarded"}};
    struct fixture *f = *state;
    struct coco_sev_packet packet = {.payload.limit = 64 << 10};
    struct launch l;

    serve(f);
    begin(f, &l);
    l.measurement[0] ^= 1;
    assert_fails(get_packet(f, &l, &packet), f->err, COCO_ERR_DENIED,
                 "Measurement Verification Failed");
    /* One measurement is looked at for each bundle. */
    l.measurement[0] ^= 1;
    assert_fails(get_packet(f, &l, &packet), f->err, COCO_ERR_DENIED, "Launch ID not found");
    l.of.launch_id = "x";
    assert_fails(get_packet(f, &l, &packet), f->err, COCO_ERR_INVALID, "Malformed Launch ID");
    end(&l);
    begin(f, &l);
    l.of.requests = missing;
    l.of.n_requests = 1;
    assert_fails(get_packet(f, &l, &packet), f->err, COCO_ERR_NOTFOUND, "Cannot fulfill");
    end(&l);
    begin(f, &l);
    l.of.requests = guarded;
    l.of.n_requests = 1;
    assert_fails(get_packet(f, &l, &packet), f->err, COCO_ERR_DENIED, "fw api major not valid");
    l.of.n_requests = 0;
    assert_fails(get_packet(f, &l, &packet), f->err, COCO_ERR_INVALID, "0 secrets");
    l.of.n_requests = 65;
    assert_fails(get_packet(f, &l, &packet), f->err, COCO_ERR_INVALID, "65 secrets");
    end(&l);
    assert_int_equal(packet.payload.len, 0);
}

static void
a_bundle_that_is_none_is_refused(void **state)
{
    struct fixture *f = *state;
    struct coco_simple_kbs_bundle bundle = {0};
    struct coco_buf chain = {.limit = 1 << 20};
    EVP_PKEY *pdh = NULL;

    serve(f);
    assert_fails(coco_simple_kbs_get_bundle(&f->kbs, f->ctx, &chain, 5, &bundle, &f->err), f->err,
                 COCO_ERR_INVALID, "Failed to generate launch bundle");
    make_platform(&chain, &pdh);
    assert_fails(coco_simple_kbs_get_bundle(&f->kbs, f->ctx, &chain, 0xbad, &bundle, &f->err),
                 f->err, COCO_ERR_PROTO, "no UUID");
    EVP_PKEY_free(pdh);
    static uint8_t much[65537];
    assert_ok(coco_buf_append(&chain, much, sizeof(much), &f->err), f->err);
    assert_fails(coco_simple_kbs_get_bundle(&f->kbs, f->ctx, &chain, 5, &bundle, &f->err), f->err,
                 COCO_ERR_LIMIT, "certificates of");
    coco_buf_done(&chain);
    assert_null(bundle.session.data);
}

static void
secrets_are_wiped(void **state)
{
    static const char secret[] = "0123456789abcdef0123456789abcdef";
    struct fixture *f = *state;
    struct coco_secret key = {0};

    serve(f);
    canary_begin(secret, strlen(secret));
    assert_ok(get(f, "key", "default/key/1", &key), f->err);
    coco_secret_done(&key);
    assert_int_equal(canary_end(), 0);
}

static void
getting_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    serve(f);
    for_each_fault()
    {
        struct coco_simple_kbs_connection connection = {0};
        struct coco_secret key = {0};

        coco_status status =
            coco_simple_kbs_connection_parse(CONNECTION, strlen(CONNECTION), &connection, &f->err);
        if (status == COCO_OK)
            status = coco_simple_kbs_get_online(&f->kbs, f->ctx, &connection, "key",
                                                "default/key/1", &key, &f->err);
        fault_expect(status, f->err);
        coco_secret_done(&key);
        coco_simple_kbs_connection_done(&connection);
    }
}

static void
a_launch_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    struct coco_buf chain = {.limit = 64 << 10};
    EVP_PKEY *pdh = NULL;

    serve(f);
    make_platform(&chain, &pdh);
    for_each_fault()
    {
        struct coco_simple_kbs_bundle bundle = {0};
        struct coco_sev_packet packet = {.payload.limit = 64 << 10};
        struct coco_sev_keys keys = {0};
        struct launch l = {.digest = {1}};

        coco_status status =
            coco_simple_kbs_get_bundle(&f->kbs, f->ctx, &chain, 5, &bundle, &f->err);
        if (status == COCO_OK) {
            l.of = (struct coco_simple_kbs_launch){.launch_id = bundle.launch_id,
                                                   .policy = 5,
                                                   .measurement = l.measurement,
                                                   .digest = l.digest,
                                                   .description = "",
                                                   .requests = wanted,
                                                   .n_requests = 1};
            faults_pause();
            start(&bundle, pdh, 5, &keys);
            measure(&l.of, &keys, l.measurement);
            faults_resume();
            status = get_packet(f, &l, &packet);
        }
        fault_expect(status, f->err);
        coco_simple_kbs_bundle_done(&bundle);
        coco_sev_keys_done(&keys);
        coco_buf_done(&packet.payload);
    }
    coco_buf_done(&chain);
    EVP_PKEY_free(pdh);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(secrets_of_each_type_are_got),
        TEST(what_it_refuses_is_told_apart),
        TEST(wrong_answers_are_refused),
        TEST(connections_are_read_strictly),
        TEST(a_launch_gets_its_secrets_and_the_guest_more_of_them),
        TEST(a_launch_that_is_another_gets_nothing),
        TEST(a_bundle_that_is_none_is_refused),
        TEST(secrets_are_wiped),
        TEST(getting_survives_any_failed_allocation),
        TEST(a_launch_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
