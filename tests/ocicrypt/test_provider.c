/*
 * tests/ocicrypt/test_provider.c - lib/ocicrypt/provider.c, with a provider in Python
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/provider.h"

#include "base/context.h"

#include "tests/faults.h"
#include "tests/peer.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

#define DATA "private options"

struct fixture {
    struct coco_providers providers;
    struct coco_provider_use use;
    struct coco_wrapper wrapper;
    struct coco_buf blob;
    coco_ctx *ctx;
    coco_error *err;
};

static int
set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.blob = {.limit = COCO_BLOB_MAX}};
    assert_ok(coco_ctx_new(&fixture.ctx, &fixture.err), fixture.err);
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    coco_providers_done(&f->providers);
    coco_buf_done(&f->blob);
    coco_ctx_free(f->ctx);
    return 0;
}

static void
use(struct fixture *f, const char *form, const char *parameter)
{
    char text[1024];
    char path[512];

    peer_path("ocicrypt/provider_peer.py", path, sizeof(path));
    (void)snprintf(text, sizeof(text),
                   "{\"key-providers\":{\"acme\":{\"cmd\":{\"path\":\"/usr/bin/python3\",\"args\":["
                   "\"%s\",\"cmd\",\"%s\"]}}}}",
                   path, form);
    coco_providers_done(&f->providers);
    assert_ok(coco_providers_parse(text, strlen(text), &f->providers, &f->err), f->err);
    f->use = (struct coco_provider_use){.parameter = parameter};
    assert_ok(coco_providers_find(&f->providers, "acme", &f->use.provider, &f->err), f->err);
    f->wrapper = coco_provider_wrapper(&f->use);
    assert_string_equal(f->wrapper.scheme, "provider.acme");
}

static coco_status
wrap(struct fixture *f)
{
    char data[] = DATA;
    const struct coco_buf options = {.data = (uint8_t *)data, .len = strlen(data)};

    coco_buf_reset(&f->blob);
    return f->wrapper.wrap(f->wrapper.self, f->ctx, &options, &f->blob, &f->err);
}

static coco_status
unwrap(struct fixture *f, struct coco_secret *ret)
{
    return f->wrapper.unwrap(f->wrapper.self, f->ctx, &f->blob, ret, &f->err);
}

static void
a_command_wraps_and_unwraps(void **state)
{
    static const char *const forms[] = {"strings", "numbers"};
    static const char *const parameters[] = {"for acme", NULL};
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        _cleanup_secret_ struct coco_secret back = {0};

        use(f, forms[i], parameters[i]);
        assert_ok(wrap(f), f->err);
        assert_ok(unwrap(f, &back), f->err);
        assert_true(coco_secret_equal(&back, DATA, strlen(DATA)));
    }
}

static void
what_a_command_says_of_its_failure_is_told(void **state)
{
    struct fixture *f = *state;
    struct coco_secret back = {0};

    use(f, "strings", "one");
    assert_ok(wrap(f), f->err);
    use(f, "strings", "another");
    assert_fails(unwrap(f, &back), f->err, COCO_ERR_DENIED,
                 "key provider acme: exit code 1: not mine");
    use(f, "fail", NULL);
    assert_fails(wrap(f), f->err, COCO_ERR_DENIED,
                 "key provider acme: exit code 1: no key for you\\x0aat all");
    use(f, "nothing", NULL);
    assert_fails(wrap(f), f->err, COCO_ERR_PROTO, "key provider acme: reply of a key provider");
    assert_null(back.data);
}

static void
what_cannot_be_asked_is_told(void **state)
{
    static const struct {
        const char *way;
        coco_status status;
        const char *why;
    } cases[] = {
        {"{\"cmd\":{\"path\":\"/nowhere/at/all\"}}", COCO_ERR_NOTFOUND, "/nowhere/at/all"},
        {"{\"native\":\"attestation-agent\"}", COCO_ERR_NOTSUP, "in this process"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];

        (void)snprintf(text, sizeof(text), "{\"key-providers\":{\"p\":%s}}", cases[i].way);
        coco_providers_done(&f->providers);
        assert_ok(coco_providers_parse(text, strlen(text), &f->providers, &f->err), f->err);
        f->use.provider = &f->providers.list[0];
        f->wrapper = coco_provider_wrapper(&f->use);
        assert_fails(wrap(f), f->err, cases[i].status, cases[i].why);
    }
}

static void
a_command_is_canceled_with_the_context(void **state)
{
    static const char text[] = "{\"key-providers\":{\"p\":{\"cmd\":{\"path\":\"/bin/"
                               "sh\",\"args\":[\"-c\",\"cat; cat\"]}}}}";
    struct fixture *f = *state;

    assert_ok(coco_providers_parse(text, strlen(text), &f->providers, &f->err), f->err);
    f->use.provider = &f->providers.list[0];
    f->wrapper = coco_provider_wrapper(&f->use);
    coco_ctx_cancel(f->ctx);
    assert_fails(wrap(f), f->err, COCO_ERR_CANCELED, "");
}

static void
asking_survives_any_failed_allocation(void **state)
{
    static const char text[] =
        "{\"key-providers\":{\"p\":{\"cmd\":{\"path\":\"/bin/sh\",\"args\":[\"-c\","
        "\"cat >/dev/null; echo '{\\\"keywrapresults\\\":{\\\"annotation\\\":[1]}}'\"]}}}}";
    struct fixture *f = *state;

    assert_ok(coco_providers_parse(text, strlen(text), &f->providers, &f->err), f->err);
    f->use.provider = &f->providers.list[0];
    f->wrapper = coco_provider_wrapper(&f->use);
    for_each_fault()
    {
        coco_status status = wrap(f);
        fault_expect(status, f->err);
        coco_error_free(f->err);
        f->err = NULL;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_command_wraps_and_unwraps),
        TEST(what_a_command_says_of_its_failure_is_told),
        TEST(what_cannot_be_asked_is_told),
        TEST(a_command_is_canceled_with_the_context),
        TEST(asking_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
