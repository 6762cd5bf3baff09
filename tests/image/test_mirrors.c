/*
 * tests/image/test_mirrors.c - lib/image/mirrors.c, with mirrors that lie or are gone
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/mirrors.h"

#include "base/context.h"
#include "base/fail.h"
#include "tests/faults.h"
#include "tests/httpd.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MANIFEST "{\"schemaVersion\":2}"
#define BIG ((size_t)5 << 20) /* more than is held back */

static char big[BIG];
static char other[BIG];

/* A registry that gives everybody the same manifest, and one blob. */
struct plan {
    const char *status; /* of all answers */
    const char *manifest;
    const char *blob;
    size_t blob_len;
    size_t cut_at; /* the connection is closed behind so much of the blob; 0: never */
    unsigned n;
    char target[200]; /* of the last request */
    bool credential;  /* was shown to it */
};

static bool
answer(void *user, const struct httpd_request *request)
{
    struct plan *plan = user;
    char head[200];

    plan->n++;
    (void)snprintf(plan->target, sizeof(plan->target), "%s", request->target);
    httpd_header(request, "Authorization", head, sizeof(head));
    plan->credential = plan->credential || head[0] != '\0';
    if (strstr(request->target, "/manifests/") || strcmp(plan->status, "200 OK") != 0)
        return httpd_reply(request->httpd, plan->status,
                           "Content-Type: a/b\r\nWWW-Authenticate: Basic realm=\"x\"\r\n",
                           plan->manifest);
    (void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                   plan->blob_len);
    size_t n = plan->cut_at ? plan->cut_at : plan->blob_len;
    return httpd_say(request->httpd, head) && httpd_send(request->httpd, plan->blob, n)
           && !plan->cut_at;
}

#define SERVERS 3

struct fixture {
    struct httpd httpd[SERVERS];
    struct plan plan[SERVERS];
    struct coco_places places;
    struct coco_source source;
    struct coco_digest digest;
    struct coco_buf body;
    struct coco_buf type;
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    static const struct plan honest = {
        .status = "200 OK", .manifest = MANIFEST, .blob = "blob", .blob_len = 4};
    struct fixture *f = &fixture;

    memset(f, 0, sizeof(*f));
    f->body.limit = BIG;
    f->type.limit = 100;
    for (int i = 0; i < SERVERS; i++)
        f->plan[i] = honest;
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)(i * 7 + i / 251);
    memset(other, 'o', BIG);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_source_done(&f->source);
    coco_places_done(&f->places);
    coco_buf_done(&f->body);
    coco_buf_done(&f->type);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    return 0;
}

static void
add_place(struct fixture *f, int port, const char *behind)
{
    char text[200];

    (void)snprintf(text, sizeof(text), "127.0.0.1:%d/acme/app%s", port, behind);
    struct coco_place *place = &f->places.list[f->places.n];
    assert_ok(coco_image_ref_parse(text, &place->ref, &f->err), f->err);
    place->insecure = true;
    f->places.n++;
}

/* Starts the servers, and opens the image in all of them; behind is its tag or digest. */
static void
begin(struct fixture *f, const char *behind)
{
    const struct coco_registry_options opts = {.retry.retries = COCO_RETRIES_NONE};

    for (int i = 0; i < SERVERS; i++) {
        httpd_start(&f->httpd[i], answer, &f->plan[i], NULL);
        add_place(f, f->httpd[i].port, behind);
    }
    assert_ok(coco_mirrors_source(&opts, &f->places, &f->source, &f->err), f->err);
    assert_int_equal(f->places.n, 0);
}

static void
end(struct fixture *f)
{
    coco_source_done(&f->source);
    for (int i = 0; i < SERVERS; i++)
        httpd_stop(&f->httpd[i]);
}

static coco_status
get_manifest(struct fixture *f, const struct coco_digest *digest)
{
    return f->source.manifest(f->source.self, f->ctx, digest, &f->body, &f->type, &f->err);
}

/* The blob with these bytes, as those who want one ask for it. */
static coco_status
get_blob(struct fixture *f, const char *data, size_t len)
{
    const struct coco_sink sink = coco_sink_to_buf(&f->body);
    struct coco_descriptor blob = {.size = len};
    char media_type[] = "a/b";

    blob.media_type = media_type;
    assert_ok(coco_digest_of(COCO_SHA256, data, len, &blob.digest, &f->err), f->err);
    return f->source.blob(f->source.self, f->ctx, &blob, &sink, &f->err);
}

static void
when_all_fail_each_reason_is_told(void **state)
{
    struct fixture *f = *state;
    char want[100];

    f->plan[0].status = "404 Not Found";
    f->plan[1].manifest = "<html>log in</html>";
    f->plan[2].status = "403 Forbidden";
    begin(f, ":1");
    coco_status status = get_manifest(f, NULL);
    print_message("# %s\n", coco_error_message(f->err));
    for (int i = 0; i < SERVERS; i++) {
        (void)snprintf(want, sizeof(want), "127.0.0.1:%d/acme/app:1: ", f->httpd[i].port);
        assert_contains(coco_error_message(f->err), want);
    }
    end(f);
    assert_contains(coco_error_message(f->err), "404");
    assert_contains(coco_error_message(f->err), "not JSON");
    /* The last one knows best. */
    assert_fails(status, f->err, COCO_ERR_DENIED, "403");
}

static void
mirrors_are_asked_in_their_order(void **state)
{
    struct fixture *f = *state;

    begin(f, ":1");
    coco_status status = get_manifest(f, NULL);
    end(f);
    assert_ok(status, f->err);
    assert_string_equal(coco_buf_text(&f->body), MANIFEST);
    assert_string_equal(coco_buf_text(&f->type), "a/b");
    assert_int_equal(f->plan[0].n, 1);
    assert_int_equal(f->plan[1].n + f->plan[2].n, 0);
}

static void
one_that_fails_is_not_asked_again(void **state)
{
    struct fixture *f = *state;

    f->plan[0].status = "404 Not Found";
    begin(f, ":1");
    coco_status first = get_manifest(f, NULL);
    coco_status second = first == COCO_OK ? get_manifest(f, NULL) : first;
    end(f);
    assert_ok(second, f->err);
    assert_int_equal(f->plan[0].n, 1);
    assert_int_equal(f->plan[1].n, 2);
}

static void
a_clone_knows_which_have_failed(void **state)
{
    struct fixture *f = *state;
    struct coco_source clone = {0};

    f->plan[0].status = "404 Not Found";
    begin(f, ":1");
    coco_status first = get_manifest(f, NULL);
    assert_ok(f->source.clone(f->source.self, &clone, &f->err), f->err);
    coco_source_done(&f->source);
    f->source = clone;
    f->plan[1].status = f->plan[2].status = "410 Gone";
    coco_status second = get_manifest(f, NULL);
    end(f);
    assert_int_equal(first, COCO_OK);
    assert_int_equal(f->plan[0].n, 1);
    assert_int_equal(f->plan[1].n, 2);
    assert_contains(coco_error_message(f->err), "404");
    assert_fails(second, f->err, COCO_ERR_NET, "410");
}

static void
one_that_is_not_there_is_passed_by(void **state)
{
    struct fixture *f = *state;
    const struct coco_registry_options opts = {.retry.retries = COCO_RETRIES_NONE};

    add_place(f, 1, ":1");
    httpd_start(&f->httpd[0], answer, &f->plan[0], NULL);
    add_place(f, f->httpd[0].port, ":1");
    assert_ok(coco_mirrors_source(&opts, &f->places, &f->source, &f->err), f->err);
    coco_status status = get_manifest(f, NULL);
    httpd_stop(&f->httpd[0]);
    assert_ok(status, f->err);
    assert_string_equal(coco_buf_text(&f->body), MANIFEST);
}

/* "@sha256:…" of the manifest. */
static void
pin(struct fixture *f, char behind[COCO_DIGEST_TEXT_SIZE + 1])
{
    assert_ok(coco_digest_of(COCO_SHA256, MANIFEST, strlen(MANIFEST), &f->digest, &f->err), f->err);
    behind[0] = '@';
    coco_digest_format(&f->digest, behind + 1);
}

/* The first server as a cache of the host, before the second as a registry. */
static void
begin_with_cache(struct fixture *f, struct coco_address *cache, const struct coco_auth *auth,
                 const char *behind)
{
    const struct coco_registry_options opts = {.retry.retries = COCO_RETRIES_NONE, .auth = auth};
    char text[64];

    for (int i = 0; i < 2; i++)
        httpd_start(&f->httpd[i], answer, &f->plan[i], NULL);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d", f->httpd[0].port);
    assert_ok(coco_address_parse(text, cache, &f->err), f->err);
    add_place(f, f->httpd[1].port, behind);
    assert_ok(coco_places_add_cache(&f->places, f->places.list[0].ref, cache, &f->err), f->err);
    assert_ok(coco_mirrors_source(&opts, &f->places, &f->source, &f->err), f->err);
}

static void
end_with_cache(struct fixture *f)
{
    coco_source_done(&f->source);
    for (int i = 0; i < 2; i++)
        httpd_stop(&f->httpd[i]);
}

/* It might remember what the tag was when there was a hole in it. */
static void
a_cache_is_not_asked_what_a_tag_means(void **state)
{
    struct fixture *f = *state;
    struct coco_address cache;
    char want[200];
    char digest[COCO_DIGEST_TEXT_SIZE];

    begin_with_cache(f, &cache, NULL, ":1");
    coco_status status = get_manifest(f, NULL);
    assert_int_equal(f->plan[0].n, 0);
    assert_int_equal(f->plan[1].n, 1);
    assert_ok(coco_digest_of(COCO_SHA256, MANIFEST, strlen(MANIFEST), &f->digest, &f->err), f->err);
    if (status == COCO_OK)
        status = get_manifest(f, &f->digest);
    coco_digest_format(&f->digest, digest);
    (void)snprintf(want, sizeof(want), "/v2/acme/app/manifests/%s?ns=127.0.0.1:%d", digest,
                   f->httpd[1].port);
    assert_string_equal(f->plan[0].target, want);
    coco_buf_reset(&f->body);
    if (status == COCO_OK)
        status = get_blob(f, "blob", 4);
    end_with_cache(f);
    assert_ok(status, f->err);
    assert_int_equal(f->plan[0].n, 2);
    assert_int_equal(f->plan[1].n, 1);
}

static void
a_cache_that_is_of_no_use_is_passed_by(void **state)
{
    static const struct plan useless[] = {
        {.status = "403 Forbidden", .manifest = ""},
        {.status = "401 Unauthorized", .manifest = ""},
        {.status = "302 Found", .manifest = ""},
        {.status = "500 Internal Server Error", .manifest = ""},
        {.status = "200 OK", .manifest = "{\"schemaVersion\":2 }", .blob = "bl0b", .blob_len = 4},
    };

    for (size_t i = 0; i < COUNT(useless); i++) {
        struct fixture *f = *state;
        struct coco_address cache;
        char behind[COCO_DIGEST_TEXT_SIZE + 1];

        pin(f, behind);
        f->plan[0] = useless[i];
        begin_with_cache(f, &cache, NULL, behind);
        coco_status status = get_manifest(f, NULL);
        assert_string_equal(coco_buf_text(&f->body), MANIFEST);
        coco_buf_reset(&f->body);
        if (status == COCO_OK)
            status = get_blob(f, "blob", 4);
        end_with_cache(f);
        assert_ok(status, f->err);
        assert_int_equal(f->plan[0].n, 1);
        assert_int_equal(f->plan[1].n, 2);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
    }
}

static void
a_cache_is_shown_no_credential(void **state)
{
    static const char json[] = "{\"auths\":{\"127.0.0.1:%d\":{\"auth\":\"bWU6cHc=\"},"
                               "\"127.0.0.1\":{\"auth\":\"bWU6cHc=\"}}}";
    struct fixture *f = *state;
    struct coco_auth auth = {0};
    struct coco_address cache;
    char behind[COCO_DIGEST_TEXT_SIZE + 1];
    char text[200];

    pin(f, behind);
    f->plan[0].status = f->plan[1].status = "401 Unauthorized";
    begin_with_cache(f, &cache, &auth, behind);
    (void)snprintf(text, sizeof(text), json, f->httpd[1].port);
    assert_ok(coco_auth_add(&auth, (const uint8_t *)text, strlen(text), &f->err), f->err);
    coco_status status = get_manifest(f, NULL);
    end_with_cache(f);
    coco_auth_done(&auth);
    assert_fails(status, f->err, COCO_ERR_DENIED, "401");
    assert_int_equal(f->plan[0].n, 1);
    assert_false(f->plan[0].credential);
    assert_true(f->plan[1].credential);
}

static void
a_manifest_of_another_digest_is_none(void **state)
{
    struct fixture *f = *state;
    char behind[COCO_DIGEST_TEXT_SIZE + 1];

    pin(f, behind);
    f->plan[0].manifest = "{\"schemaVersion\":2 }";
    begin(f, behind);
    /* By the reference's own digest, and by one that an index names. */
    coco_status first = get_manifest(f, NULL);
    coco_status second = first == COCO_OK ? get_manifest(f, &f->digest) : first;
    end(f);
    assert_ok(second, f->err);
    assert_string_equal(coco_buf_text(&f->body), MANIFEST);
    assert_int_equal(f->plan[0].n, 1);
    assert_int_equal(f->plan[1].n, 2);
}

static void
short_blobs_that_are_wrong_are_asked_for_elsewhere(void **state)
{
    static const struct {
        const char *blob;
        size_t len;
    } lies[] = {{"bl0b", 4}, {"blo", 3}, {"blobs", 5}, {"", 0}};

    for (size_t i = 0; i < COUNT(lies); i++) {
        struct fixture *f = *state;

        f->plan[0].blob = lies[i].blob;
        f->plan[0].blob_len = lies[i].len;
        f->plan[1].status = "404 Not Found";
        begin(f, ":1");
        coco_status status = get_blob(f, "blob", 4);
        end(f);
        assert_ok(status, f->err);
        /* What was wrong has reached nobody. */
        assert_string_equal(coco_buf_text(&f->body), "blob");
        assert_int_equal(f->plan[2].n, 1);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
    }
}

static void
a_long_blob_goes_on_where_another_was_cut(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < SERVERS; i++) {
        f->plan[i].blob = big;
        f->plan[i].blob_len = BIG;
    }
    f->plan[1].cut_at = 3 << 20;
    f->plan[0].status = "404 Not Found";
    begin(f, ":1");
    coco_status status = get_blob(f, big, BIG);
    end(f);
    assert_ok(status, f->err);
    assert_int_equal(f->body.len, BIG);
    assert_memory_equal(f->body.data, big, BIG);
    assert_int_equal(f->plan[2].n, 1);
}

/* Tells the source that the blob was wrong, as whoever has checked it does. */
static bool
get_another(struct fixture *f)
{
    struct coco_descriptor blob = {.size = BIG};

    assert_ok(coco_digest_of(COCO_SHA256, big, BIG, &blob.digest, &f->err), f->err);
    return f->source.wrong(f->source.self, f->ctx, &blob);
}

static void
a_place_whose_long_blob_was_wrong_is_left(void **state)
{
    struct fixture *f = *state;
    unsigned lies = 0;

    for (int i = 0; i < SERVERS; i++) {
        f->plan[i].blob = i < SERVERS - 1 ? other : big;
        f->plan[i].blob_len = BIG;
    }
    begin(f, ":1");
    for (;; lies++) {
        coco_buf_reset(&f->body);
        if (get_blob(f, big, BIG) != COCO_OK || memcmp(f->body.data, big, BIG) == 0
            || !get_another(f))
            break;
    }
    end(f);
    assert_null(f->err);
    assert_memory_equal(f->body.data, big, BIG);
    assert_int_equal(lies, 2);
    for (int i = 0; i < SERVERS; i++)
        assert_int_equal(f->plan[i].n, 1);
}

/* Half of a lie and half of the truth: the truth alone is worth a try, and one is enough. */
static void
the_last_place_may_begin_anew_behind_others(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < SERVERS; i++) {
        f->plan[i].blob = i == 0 ? other : big;
        f->plan[i].blob_len = BIG;
    }
    f->plan[0].cut_at = 3 << 20;
    f->plan[1].status = "404 Not Found";
    begin(f, ":1");
    coco_status first = get_blob(f, big, BIG);
    bool again = first == COCO_OK && memcmp(f->body.data, big, BIG) != 0 && get_another(f);
    coco_buf_reset(&f->body);
    coco_status second = again ? get_blob(f, big, BIG) : first;
    bool more = second == COCO_OK && get_another(f);
    end(f);
    assert_ok(second, f->err);
    assert_true(again);
    assert_false(more);
    assert_memory_equal(f->body.data, big, BIG);
    assert_int_equal(f->plan[0].n, 1);
    assert_int_equal(f->plan[2].n, 2);
}

static coco_status
refuse(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    (void)self;
    (void)data;
    (void)len;
    return coco_fail(err, COCO_ERR_IO, "the disk is full");
}

static void
what_the_receiver_refuses_is_not_asked_for_again(void **state)
{
    struct fixture *f = *state;
    const struct coco_sink sink = {.write = refuse};
    struct coco_descriptor blob = {.size = BIG};

    f->plan[0].blob = big;
    f->plan[0].blob_len = BIG;
    assert_ok(coco_digest_of(COCO_SHA256, big, BIG, &blob.digest, &f->err), f->err);
    begin(f, ":1");
    coco_status status = f->source.blob(f->source.self, f->ctx, &blob, &sink, &f->err);
    end(f);
    assert_fails(status, f->err, COCO_ERR_IO, "the disk is full");
    assert_int_equal(f->plan[1].n + f->plan[2].n, 0);
}

static void
a_cancel_ends_it_at_once(void **state)
{
    struct fixture *f = *state;

    begin(f, ":1");
    coco_ctx_cancel(f->ctx);
    coco_status manifest = get_manifest(f, NULL);
    coco_error_free(f->err);
    f->err = NULL;
    coco_status blob = get_blob(f, "blob", 4);
    end(f);
    assert_int_equal(manifest, COCO_ERR_CANCELED);
    assert_fails(blob, f->err, COCO_ERR_CANCELED, "cancel");
    assert_int_equal(f->plan[1].n + f->plan[2].n, 0);
}

static void
mirrors_survive_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    char behind[COCO_DIGEST_TEXT_SIZE + 1];

    pin(f, behind);
    f->plan[0].manifest = "{}";
    for (int i = 0; i < SERVERS; i++)
        httpd_start(&f->httpd[i], answer, &f->plan[i], NULL);
    for_each_fault()
    {
        const struct coco_registry_options opts = {.retry.retries = COCO_RETRIES_NONE};

        faults_pause();
        for (int i = 0; i < SERVERS; i++)
            add_place(f, f->httpd[i].port, behind);
        faults_resume();
        coco_status status = coco_mirrors_source(&opts, &f->places, &f->source, &f->err);
        if (status == COCO_OK)
            status = get_manifest(f, NULL);
        coco_buf_reset(&f->body);
        if (status == COCO_OK) {
            struct coco_source clone = {0};

            status = f->source.clone(f->source.self, &clone, &f->err);
            coco_source_done(&clone);
        }
        if (status == COCO_OK) {
            const struct coco_sink sink = coco_sink_to_buf(&f->body);
            struct coco_descriptor blob = {.size = 4};

            status = coco_digest_of(COCO_SHA256, "blob", 4, &blob.digest, &f->err);
            if (status == COCO_OK)
                status = f->source.blob(f->source.self, f->ctx, &blob, &sink, &f->err);
        }
        fault_expect(status, f->err);
        coco_source_done(&f->source);
        coco_places_done(&f->places);
        coco_buf_reset(&f->body);
    }
    for (int i = 0; i < SERVERS; i++)
        httpd_stop(&f->httpd[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(when_all_fail_each_reason_is_told),
        TEST(mirrors_are_asked_in_their_order),
        TEST(one_that_fails_is_not_asked_again),
        TEST(a_clone_knows_which_have_failed),
        TEST(a_cache_is_not_asked_what_a_tag_means),
        TEST(a_cache_that_is_of_no_use_is_passed_by),
        TEST(a_cache_is_shown_no_credential),
        TEST(one_that_is_not_there_is_passed_by),
        TEST(a_manifest_of_another_digest_is_none),
        TEST(short_blobs_that_are_wrong_are_asked_for_elsewhere),
        TEST(a_long_blob_goes_on_where_another_was_cut),
        TEST(a_place_whose_long_blob_was_wrong_is_left),
        TEST(the_last_place_may_begin_anew_behind_others),
        TEST(what_the_receiver_refuses_is_not_asked_for_again),
        TEST(a_cancel_ends_it_at_once),
        TEST(mirrors_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/mirrors", tests, NULL, NULL);
}
