/*
 * tests/kbc/test_online_sev_kbc.c - lib/kbc/online_sev_kbc.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "base/context.h"
#include "base/fd.h"
#include "tests/faults.h"
#include "tests/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define GUID "1ee27366-0c87-43a6-af48-28543eaf7cb0"
#define CLIENT_ID "3ffd3bd5-19c7-4ac2-a4fc-3b1b0b2d6c7e"
#define CONNECTION                                                                                 \
    "{\"client_id\":\"" CLIENT_ID "\",\"key\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"}"

struct fixture {
    char root[64];
    char params[128];
    struct peer peer;
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

static void
put(const struct fixture *f, const char *content)
{
    static const char *const parts[] = {"sys", "kernel", "security", "secrets", "coco"};
    char path[256];
    coco_error *err = NULL;

    (void)snprintf(path, sizeof(path), "%s", f->root);
    for (size_t i = 0; i < COUNT(parts); i++) {
        (void)snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s", parts[i]);
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
    }
    (void)snprintf(path + strlen(path), sizeof(path) - strlen(path), "/" GUID);
    assert_ok(coco_file_write(path, content, strlen(content), 0600, &err), err);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    memset(f, 0, sizeof(*f));
    make_temp_dir(f->root, sizeof(f->root));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    (void)snprintf(f->params, sizeof(f->params), "online_sev_kbc::unix:%.60s/socket", f->root);
    *state = f;
    return setenv("COCO_TEE_ROOT", f->root, 1);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    peer_stop(&f->peer);
    coco_ctx_free(f->ctx);
    remove_temp_dir(f->root);
    return unsetenv("COCO_TEE_ROOT");
}

static void
serve(struct fixture *f)
{
    const char *const args[] = {strstr(f->params, "unix:"), CONNECTION, NULL};

    peer_start(&f->peer, "kbc/simple_kbs.py", args);
    put(f, CONNECTION);
}

static coco_status
get(struct fixture *f, const char *uri, coco_bytes **ret)
{
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;

    coco_status status = coco_kbc_new(f->params, &kbc, &f->err);
    if (status == COCO_OK)
        coco_kbc_set_retries(kbc, 0);
    if (status == COCO_OK)
        status = coco_kbc_get_resource(kbc, f->ctx, uri, ret, &f->err);
    return status;
}

/* Keys and resources alike, whatever their paths suggest. */
static void
secrets_are_got(void **state)
{
    static const struct {
        const char *uri, *want;
    } cases[] = {
        {"kbs:///default/key/1", "0123456789abcdef0123456789abcdef"},
        {"kbs:///default/policy/1", "{\"default\":[]}"},
        {"kbs:///default/key/resource", "not a key"},
        {"kbs://elsewhere:1/default/key/2", "another key of thirty-two bytes!"},
        {"kbs:///any/client-id/any", CLIENT_ID},
        {"kbs:///empty/empty/1", ""},
    };
    struct fixture *f = *state;

    serve(f);
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_(coco_bytes_freep) coco_bytes *secret = NULL;

        assert_ok(get(f, cases[i].uri, &secret), f->err);
        assert_int_equal(coco_bytes_size(secret), strlen(cases[i].want));
        assert_memory_equal(coco_bytes_data(secret), cases[i].want, strlen(cases[i].want));
    }
}

static void
what_it_has_not_is_not_found(void **state)
{
    struct fixture *f = *state;
    coco_bytes *secret = NULL;

    serve(f);
    assert_fails(get(f, "kbs:///default/key/9", &secret), f->err, COCO_ERR_NOTFOUND,
                 "kbs:///default/key/9");
    assert_fails(get(f, "kbs:///odd-key/x/y", &secret), f->err, COCO_ERR_VERIFY, "");
    assert_null(secret);
}

static void
a_guest_without_a_connection_has_no_broker(void **state)
{
    struct fixture *f = *state;
    coco_bytes *secret = NULL;

    assert_fails(get(f, "kbs:///default/key/1", &secret), f->err, COCO_ERR_NOTFOUND, GUID);
    put(f, "{}");
    assert_fails(get(f, "kbs:///default/key/1", &secret), f->err, COCO_ERR_PROTO, "client_id");
    put(f, CONNECTION);
    assert_fails(get(f, "kbs:///default/key/1", &secret), f->err, COCO_ERR_NET, "connect to");
    assert_null(secret);
}

static void
addresses_are_read_strictly(void **state)
{
    static const char *const cases[] = {"", "kbs.test", "kbs.test:0", "http://kbs.test/x:1",
                                        "ftp://kbs.test:1"};
    struct fixture *f = *state;
    coco_kbc *kbc = NULL;

    put(f, CONNECTION);
    for (size_t i = 0; i < COUNT(cases); i++) {
        (void)snprintf(f->params, sizeof(f->params), "online_sev_kbc::%s", cases[i]);
        assert_fails(coco_kbc_new(f->params, &kbc, &f->err), f->err, COCO_ERR_INVALID, "");
    }
    assert_ok(coco_kbc_new("online_sev_kbc::https://kbs.test:44444", &kbc, &f->err), f->err);
    assert_ok(coco_kbc_set_proxy(kbc, NULL, NULL, &f->err), f->err);
    assert_ok(coco_kbc_set_proxy(kbc, "", NULL, &f->err), f->err);
    assert_fails(coco_kbc_set_proxy(kbc, "http://proxy.test", NULL, &f->err), f->err,
                 COCO_ERR_NOTSUP, "no proxy");
    assert_fails(coco_kbc_set_tls_ca(kbc, (const uint8_t *)"x", 1, &f->err), f->err, COCO_ERR_PROTO,
                 "");
    coco_kbc_free(kbc);
}

static void
getting_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    serve(f);
    for_each_fault()
    {
        coco_bytes *secret = NULL;

        coco_status status = get(f, "kbs:///default/key/1", &secret);
        fault_expect(status, f->err);
        coco_bytes_free(secret);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(secrets_are_got),
        TEST(what_it_has_not_is_not_found),
        TEST(a_guest_without_a_connection_has_no_broker),
        TEST(addresses_are_read_strictly),
        TEST(getting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
