/*
 * tests/collateral/test_fetcher.c - lib/collateral/fetcher.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/fetcher.h"

#include "base/context.h"
#include "tests/collateral/kit.h"
#include "tests/httpd.h"

static struct httpd httpd;
static struct pki_cert ca;
static struct coco_fetcher fetcher;
static coco_ctx *ctx;
static unsigned waits;
static coco_error *err;

/* What the server says, and what it was asked. */
static const char *status_line;
static const char *headers;
static const char *body;
static char target[512];

static int64_t
fake_now(void *self)
{
    (void)self;
    return 1790000000;
}

static coco_status
fake_wait(void *self, coco_ctx *of, uint64_t ms, coco_error **e)
{
    (void)self;
    (void)ms;
    waits++;
    return coco_ctx_check(of, e);
}

static const struct coco_clock fake_clock = {.now = fake_now, .wait = fake_wait};

static bool
answer(void *user, const struct httpd_request *request)
{
    (void)user;
    (void)snprintf(target, sizeof(target), "%s", request->target);
    return httpd_reply(request->httpd, status_line, headers, body);
}

static int
setup(void **state)
{
    (void)state;
    pki_make_ca(&ca, NULL, "CA");
    status_line = "200 OK";
    headers = "";
    body = "";
    waits = 0;
    httpd_start(&httpd, answer, NULL, NULL);
    assert_ok(coco_ctx_new(&ctx, &err), err);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coco_fetcher_done(&fetcher);
    coco_ctx_free(ctx);
    httpd_stop(&httpd);
    pki_done(&ca);
    return 0;
}

static void
open_at(const char *intel, const char *amd)
{
    assert_ok(coco_fetcher_init(&fetcher, ctx, intel, amd, &err), err);
    fetcher.clock = &fake_clock;
    fetcher.has_proxies = true; /* none */
}

static coco_status
get(const char *name, struct coco_items *ret)
{
    struct coco_request request;

    assert_ok(coco_request_for(name, false, &request, &err), err);
    return coco_fetcher_get(&fetcher, &request, ret, &err);
}

static void
addresses_are_taken_as_upstream_writes_them(void **state)
{
    static const char *const ends[] = {"", "/", "/sgx/certification/v4", "/sgx/certification/v4/"};
    char url[128];

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct coco_fetcher f;

        (void)snprintf(url, sizeof(url), "https://pccs.test:8081%s", ends[i]);
        assert_ok(coco_fetcher_init(&f, ctx, url, "", &err), err);
        assert_string_equal(f.intel, "https://pccs.test:8081");
        assert_null(f.amd);
        coco_fetcher_done(&f);
    }
    open_at(NULL, NULL);
    assert_string_equal(fetcher.intel, COCO_INTEL_URL);
    assert_string_equal(fetcher.amd, COCO_AMD_URL);
}

static void
addresses_that_are_none_are_refused(void **state)
{
    static const char *const urls[] = {"ftp://a.test", "a.test", "https://a.test/?x=y",
                                       "https://me:secret@a.test"};

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct coco_fetcher f;

        assert_fails(coco_fetcher_init(&f, ctx, urls[i], NULL, &err), err, COCO_ERR_INVALID, "");
        coco_fetcher_done(&f);
    }
    open_at("", "");
}

static void
answers_become_items(void **state)
{
    _cleanup_items_ struct coco_items items = {0};
    char chain[8192];
    char encoded[12288];
    char header[12400];
    char text[256];

    (void)state;
    open_at(httpd.url, "");
    kit_chain(&ca, &ca, chain, sizeof(chain));
    kit_header(chain, encoded, sizeof(encoded));
    kit_answer("tcbInfo", 1791000000, "", text, sizeof(text));
    (void)snprintf(header, sizeof(header), "TCB-Info-Issuer-Chain: %s\r\n", encoded);
    headers = header;
    body = text;
    assert_ok(get("intel/tdx/tcb-info/00a06d080000.pem", &items), err);
    assert_string_equal(target, "/tdx/certification/v4/tcb?fmspc=00A06D080000&update=standard");
    assert_string_equal(
        coco_buf_text(&coco_items_find(&items, "intel/tdx/tcb-info/00a06d080000.json")->data),
        text);
    assert_string_equal(
        coco_buf_text(&coco_items_find(&items, "intel/tdx/tcb-info/00a06d080000.pem")->data),
        chain);
}

static void
what_a_server_has_not_is_not_found(void **state)
{
    struct coco_items items = {0};

    (void)state;
    open_at("", httpd.url);
    status_line = "404 Not Found";
    assert_fails(get("amd/Milan/vcek.crl", &items), err, COCO_ERR_NOTFOUND, "answered 404");
    assert_string_equal(target, "/vcek/v1/Milan/crl");
    status_line = "400 Bad Request";
    assert_fails(get("amd/Milan/vcek.crl", &items), err, COCO_ERR_NOTFOUND, "answered 400");
    assert_fails(get("intel/root-ca.crl", &items), err, COCO_ERR_NOTFOUND, "nobody is to be asked");
    assert_int_equal(waits, 0);
}

static void
what_passes_is_tried_again(void **state)
{
    struct coco_items items = {0};

    (void)state;
    open_at("", httpd.url);
    status_line = "429 Too Many Requests";
    assert_fails(get("amd/Milan/vcek.crl", &items), err, COCO_ERR_NET, "answered 429");
    assert_int_equal(waits, 3);
}

static void
hostile_answers_are_refused(void **state)
{
    struct coco_items items = {0};
    char *large = malloc((3 << 20) + 1);

    (void)state;
    open_at(httpd.url, httpd.url);
    memset(large, '0', 3 << 20);
    large[3 << 20] = '\0';
    body = large;
    assert_fails(get("amd/Milan/vcek.crl", &items), err, COCO_ERR_LIMIT, "bytes");
    body = "<html>";
    assert_fails(get("amd/Milan/vcek.crl", &items), err, COCO_ERR_PROTO, "/vcek/v1/Milan/crl");
    assert_fails(get("intel/tdx/qe-identity.json", &items), err, COCO_ERR_PROTO, "");
    status_line = "302 Found";
    headers = "Location: file:///etc/passwd\r\n";
    assert_fails(get("amd/Milan/vcek.crl", &items), err, COCO_ERR_PROTO, "redirect");
    assert_int_equal(items.n, 0);
    free(large);
}

static void
a_canceled_context_ends_it(void **state)
{
    struct coco_items items = {0};

    (void)state;
    open_at("", httpd.url);
    coco_ctx_cancel(ctx);
    assert_fails(get("amd/Milan/vcek.crl", &items), err, COCO_ERR_CANCELED, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(addresses_are_taken_as_upstream_writes_them, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(addresses_that_are_none_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_become_items, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_server_has_not_is_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(what_passes_is_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_answers_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_canceled_context_ends_it, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
