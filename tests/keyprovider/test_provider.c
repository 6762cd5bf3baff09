/*
 * tests/keyprovider/test_provider.c - lib/keyprovider/provider.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keyprovider/provider.h"

#include "ocicrypt/options.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/keyprovider/asking.h"
#include "tests/rng.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define KEK "0123456789abcdef0123456789abcdef"

struct fixture {
    char dir[64];
    struct coco_keyprovider provider; /* without a KBS: tests/cli/test_keyprovider.py has one */
    struct coco_buf request;
    struct coco_buf reply;
    struct coco_buf packet;
    coco_error *err;
};

static int
set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){
        .request = {.limit = COCO_PROVIDER_JSON_MAX},
        .reply = {.limit = COCO_PROVIDER_JSON_MAX},
        .packet = {.limit = COCO_BLOB_MAX},
    };
    make_temp_dir(fixture.dir, sizeof(fixture.dir));
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    coco_buf_done(&f->request);
    coco_buf_done(&f->reply);
    coco_buf_done(&f->packet);
    remove_temp_dir(f->dir);
    return 0;
}

static void
write_key(const struct fixture *f, const char *name, size_t len)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(KEK KEK, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* A '%' in the parameter stands for the test's directory. */
static coco_status
ask(struct fixture *f, const char *parameter)
{
    char text[512];
    size_t head = parameter ? strcspn(parameter, "%") : 0;
    bool there = parameter && parameter[head] != '\0';

    if (parameter)
        (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)head, parameter, there ? f->dir : "",
                       there ? parameter + head + 1 : "");
    coco_buf_reset(&f->request);
    coco_buf_reset(&f->reply);
    coco_buf_reset(&f->packet);
    write_request(parameter ? text : NULL, true, &f->request);
    return coco_keyprovider_answer(&f->provider, NULL, coco_buf_text(&f->request), f->request.len,
                                   &f->reply, &f->err);
}

static coco_status
get_kek(void *self, coco_ctx *ctx, const char *uri, struct coco_secret *ret, coco_error **err)
{
    (void)ctx;
    assert_string_equal(uri, "kbs:///a/b/c");
    return coco_secret_copy(self, 32, ret, err);
}

static void
a_key_of_a_file_wraps_what_a_guest_opens(void **state)
{
    struct fixture *f = *state;
    char kek[] = KEK;
    const struct coco_kek_source source = {.get = get_kek, .self = kek};
    const struct coco_wrapper opener = coco_kek_opener(&source);
    _cleanup_secret_ struct coco_secret back = {0};

    write_key(f, "key", 32);
    assert_ok(ask(f, "keypath=%/key::keyid=kbs:///a/b/c::algorithm=A256GCM"), f->err);
    read_reply(&f->reply, &f->packet);
    assert_contains(coco_buf_text(&f->packet), "\"kid\":\"kbs:///a/b/c\"");
    assert_contains(coco_buf_text(&f->packet), "\"wrap_type\":\"A256GCM\"");
    assert_ok(opener.unwrap(opener.self, NULL, &f->packet, &back, &f->err), f->err);
    assert_true(coco_secret_equal(&back, OPTIONS, strlen(OPTIONS)));
}

static void
keys_have_the_names_that_upstream_gives_them(void **state)
{
    struct fixture *f = *state;

    write_key(f, "key", 32);
    assert_ok(ask(f, "keypath=%/key"), f->err);
    read_reply(&f->reply, &f->packet);
    assert_contains(coco_buf_text(&f->packet), "\"kid\":\"kbs:///default/image-kek/");
    assert_ok(ask(f, "sample=true"), f->err);
    read_reply(&f->reply, &f->packet);
    assert_contains(coco_buf_text(&f->packet), "\"kid\":\"kbs:///default/test-key/1\"");
    assert_ok(ask(f, "sample=true::keyid=h/a/b/c"), f->err);
    read_reply(&f->reply, &f->packet);
    assert_contains(coco_buf_text(&f->packet), "\"kid\":\"kbs://h/a/b/c\"");
}

/* Upstream's would encrypt by a key that nobody ever sees again. */
static void
a_key_that_would_be_nowhere_is_not_made(void **state)
{
    struct fixture *f = *state;

    assert_fails(ask(f, NULL), f->err, COCO_ERR_INVALID, "would be nowhere");
    assert_fails(ask(f, "keyid=/a/b/c"), f->err, COCO_ERR_INVALID, "would be nowhere");
    assert_int_equal(f->reply.len, 0);
}

static void
what_is_no_key_or_no_request_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"", "{}", "[]", "{\"op\":\"keywrap\"}", "{\"op\":\"x\"}"};
    char pipe[128];

    (void)snprintf(pipe, sizeof(pipe), "%s/pipe", f->dir);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    write_key(f, "short", 31);
    write_key(f, "long", 33);
    assert_fails(ask(f, "keypath=%/short"), f->err, COCO_ERR_INVALID, "32 bytes");
    assert_fails(ask(f, "keypath=%/long"), f->err, COCO_ERR_INVALID, "32 bytes");
    assert_fails(ask(f, "keypath=%/none"), f->err, COCO_ERR_NOTFOUND, "none");
    assert_fails(ask(f, "keypath=none"), f->err, COCO_ERR_INVALID, "absolute");
    assert_fails(ask(f, "keypath=%/pipe"), f->err, COCO_ERR_INVALID, "no regular file");
    assert_fails(ask(f, "keypath=/dev/null"), f->err, COCO_ERR_INVALID, "no regular file");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_fails(coco_keyprovider_answer(&f->provider, NULL, texts[i], strlen(texts[i]),
                                             &f->reply, &f->err),
                     f->err, COCO_ERR_PROTO, "request to a key provider");
    coco_buf_reset(&f->request);
    write_request("sample=true", false, &f->request);
    assert_fails(coco_keyprovider_answer(&f->provider, NULL, coco_buf_text(&f->request),
                                         f->request.len, &f->reply, &f->err),
                 f->err, COCO_ERR_NOTSUP, "in guests");
    assert_int_equal(f->reply.len, 0);
}

static void
without_random_bytes_nothing_is_wrapped(void **state)
{
    struct fixture *f = *state;

    coco_buf_reset(&f->request);
    write_request("sample=true", true, &f->request);
    for_each_rng_fault()
    {
        coco_error *err = NULL;

        coco_buf_reset(&f->reply);
        rng_expect(coco_keyprovider_answer(&f->provider, NULL, coco_buf_text(&f->request),
                                           f->request.len, &f->reply, &err),
                   err);
        coco_error_free(err);
    }
}

static void
answering_survives_failed_allocations_and_leaves_no_key(void **state)
{
    struct fixture *f = *state;
    char text[256];
    char kek[] = KEK;

    write_key(f, "key", 32);
    (void)snprintf(text, sizeof(text), "keypath=%s/key::keyid=/a/b/c", f->dir);
    write_request(text, true, &f->request);
    canary_begin(kek, 32);
    for_each_fault()
    {
        coco_error *err = NULL;

        coco_buf_reset(&f->reply);
        coco_status status = coco_keyprovider_answer(&f->provider, NULL, coco_buf_text(&f->request),
                                                     f->request.len, &f->reply, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
    assert_int_equal(canary_end(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_of_a_file_wraps_what_a_guest_opens),
        TEST(keys_have_the_names_that_upstream_gives_them),
        TEST(a_key_that_would_be_nowhere_is_not_made),
        TEST(what_is_no_key_or_no_request_is_refused),
        TEST(without_random_bytes_nothing_is_wrapped),
        TEST(answering_survives_failed_allocations_and_leaves_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
