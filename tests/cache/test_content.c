/*
 * tests/cache/test_content.c - lib/cache/content.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/content.h"

#include "base/context.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct coco_cache_counters counters;

static struct coco_cache_key
key_of(const char *text)
{
    struct coco_cache_key key = {.kind = COCO_CACHE_KIND_BLOB};

    assert_int_equal(coco_digest_of(COCO_SHA256, text, strlen(text), &key.digest, NULL), COCO_OK);
    return key;
}

static struct coco_cache_content *
coming(const char *text, uint64_t size)
{
    const struct coco_cache_key key = key_of(text);
    struct coco_cache_content *content = NULL;
    coco_error *err = NULL;
    int fd = memfd_create("blob", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_ok(coco_cache_content_coming(&key, fd, size, &content, &err), err);
    (void)close(fd);
    return content;
}

static struct coco_httpd_stream
stream_of(struct coco_cache_content *content, uint64_t first, uint64_t len)
{
    struct coco_httpd_stream stream = {0};
    coco_error *err = NULL;

    assert_ok(coco_cache_content_stream(content, first, len, &counters, &stream, &err), err);
    assert_true(stream.sized);
    assert_int_equal(stream.size, len);
    return stream;
}

/* Reads until there is no more for now; what comes then. */
static enum coco_httpd_more
read_all(const struct coco_httpd_stream *stream, size_t room, char *buf, size_t *len)
{
    for (;;) {
        size_t n = 0;
        enum coco_httpd_more more = stream->read(stream->self, (uint8_t *)buf + *len, room, &n);

        if (more != COCO_HTTPD_DATA)
            return more;
        assert_in_range(n, 1, room);
        *len += n;
        buf[*len] = '\0';
    }
}

static void
what_comes_is_read_as_it_comes_and_its_end_when_it_was_checked(void **state)
{
    struct coco_cache_content *content = coming("hello", 5);
    struct coco_httpd_stream all = stream_of(content, 0, 5);
    struct coco_httpd_stream part = stream_of(content, 1, 3);
    char buf[16] = "";
    char other[16] = "";
    size_t len = 0;
    size_t n = 0;
    coco_error *err = NULL;

    (void)state;
    assert_int_equal(read_all(&all, 8, buf, &len), COCO_HTTPD_WAIT);
    assert_ok(coco_cache_content_write(content, "he", 2, &err), err);
    assert_int_equal(read_all(&all, 8, buf, &len), COCO_HTTPD_WAIT);
    assert_string_equal(buf, "he");
    assert_ok(coco_cache_content_write(content, "llo", 3, &err), err);
    assert_int_equal(read_all(&all, 1, buf, &len), COCO_HTTPD_WAIT);
    assert_string_equal(buf, "hell"); /* whoever has this has not all of it */
    assert_int_equal(read_all(&part, 8, other, &n), COCO_HTTPD_END);
    assert_string_equal(other, "ell");
    coco_cache_content_end(content, true);
    assert_int_equal(read_all(&all, 8, buf, &len), COCO_HTTPD_END);
    assert_string_equal(buf, "hello");
    all.free(all.self);
    coco_cache_content_unref(content);
    part.free(part.self);
}

static void
what_turns_out_to_be_wrong_is_cut(void **state)
{
    struct coco_cache_content *content = coming("hello", 5);
    struct coco_httpd_stream all = stream_of(content, 0, 5);
    char buf[16] = "";
    size_t len = 0;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_cache_content_write(content, "hullo", 5, &err), err);
    assert_int_equal(read_all(&all, 8, buf, &len), COCO_HTTPD_WAIT);
    assert_int_equal(len, 4);
    coco_cache_content_end(content, false);
    assert_int_equal(read_all(&all, 8, buf, &len), COCO_HTTPD_CUT);
    assert_int_equal(len, 4);
    all.free(all.self);
    coco_cache_content_unref(content);
}

static void
no_more_is_taken_than_was_announced(void **state)
{
    struct coco_cache_content *content = coming("hello", 5);
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_cache_content_write(content, "hello!", 6, &err), err, COCO_ERR_VERIFY,
                 "longer");
    assert_ok(coco_cache_content_write(content, "hello", 5, &err), err);
    assert_fails(coco_cache_content_write(content, "!", 1, &err), err, COCO_ERR_VERIFY, "longer");
    coco_cache_content_unref(content);
    coco_cache_content_unref(NULL);
}

static void
what_is_empty_has_an_end(void **state)
{
    struct coco_cache_content *content = coming("", 0);
    struct coco_httpd_stream all = stream_of(content, 0, 0);
    char buf[16] = "";
    size_t len = 0;

    (void)state;
    assert_int_equal(read_all(&all, 8, buf, &len), COCO_HTTPD_END);
    all.free(all.self);
    coco_cache_content_unref(content);
}

/* ---- what is in a directory ---- */

struct fixture {
    char dir[64];
    coco_ctx *ctx;
    struct coco_cache_store *store;
};

/* "hello" is in the store as text; it is looked at if doubt. */
static struct coco_cache_content *
begin(struct fixture *f, const char *text, bool doubt)
{
    const struct coco_cache_key key = key_of("hello");
    struct coco_cache_content *content = NULL;
    struct coco_cache_temp *temp = NULL;
    struct coco_cache_entry entry;
    coco_error *err = NULL;

    counters = (struct coco_cache_counters){0};
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &err), err);
    assert_ok(coco_cache_store_open(f->dir, 1 << 20, f->ctx, &counters, &f->store, &err), err);
    assert_ok(coco_cache_store_begin(f->store, 5, &temp, &err), err);
    assert_int_equal(write(coco_cache_temp_fd(temp), text, strlen(text)), (ssize_t)strlen(text));
    assert_ok(coco_cache_temp_keep(temp, "public", &key, &err), err);
    coco_cache_temp_free(temp);
    assert_true(coco_cache_store_find(f->store, "public", &key, &entry));
    assert_ok(coco_cache_content_of_entry(&key, &entry, &content, &err), err);
    if (doubt)
        assert_ok(coco_cache_content_doubt(content, f->store, "public", &err), err);
    return content;
}

static void
end(struct fixture *f, struct coco_cache_content *content)
{
    coco_cache_content_unref(content);
    coco_cache_store_close(f->store);
    coco_ctx_free(f->ctx);
    remove_temp_dir(f->dir);
}

static void
an_entry_that_is_not_what_it_was_is_cut_and_removed(void **state)
{
    static const char *const texts[] = {"hullo", "hell", "hello!", "h"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const struct coco_cache_key key = key_of("hello");
        struct fixture f;
        struct coco_cache_content *content = begin(&f, texts[i], true);
        struct coco_cache_entry entry;
        char buf[16] = "";
        size_t len = 0;

        if (strlen(texts[i]) == 1) /* it was longer when it was opened */
            content->entry.size = 5;
        struct coco_httpd_stream all = stream_of(content, 0, content->entry.size);
        assert_int_equal(read_all(&all, 2, buf, &len), COCO_HTTPD_CUT);
        all.free(all.self);
        assert_false(coco_cache_store_find(f.store, "public", &key, &entry));
        assert_int_equal(counters.values[COCO_CACHE_BAD_ENTRIES], 1);
        end(&f, content);
    }
}

static void
an_entry_that_is_right_is_served_and_so_are_its_parts(void **state)
{
    struct fixture f;
    struct coco_cache_content *content = begin(&f, "hello", true);
    struct coco_httpd_stream all = stream_of(content, 0, 5);
    struct coco_httpd_stream part = stream_of(content, 3, 2);
    char buf[16] = "";
    size_t len = 0;

    (void)state;
    assert_int_equal(read_all(&all, 2, buf, &len), COCO_HTTPD_END);
    assert_string_equal(buf, "hello");
    len = 0;
    assert_int_equal(read_all(&part, 8, buf, &len), COCO_HTTPD_END);
    assert_string_equal(buf, "lo");
    assert_int_equal(counters.values[COCO_CACHE_BYTES_SERVED], 7);
    all.free(all.self);
    part.free(part.self);
    end(&f, content);
}

static void
without_doubt_nobody_looks(void **state)
{
    struct fixture f;
    struct coco_cache_content *content = begin(&f, "hullo", false);
    struct coco_httpd_stream all = stream_of(content, 0, 5);
    char buf[16] = "";
    size_t len = 0;

    (void)state;
    assert_int_equal(read_all(&all, 8, buf, &len), COCO_HTTPD_END);
    assert_string_equal(buf, "hullo");
    all.free(all.self);
    end(&f, content);
}

static void
text_is_served_from_memory(void **state)
{
    const struct coco_cache_key key = key_of("hello");
    struct coco_cache_content *content = NULL;
    struct coco_buf text = {.limit = 16};
    char buf[16] = "";
    char junk[200];
    size_t len = 0;
    coco_error *err = NULL;

    (void)state;
    memset(junk, 'x', sizeof(junk) - 1);
    junk[sizeof(junk) - 1] = '\0';
    assert_ok(coco_buf_append_text(&text, "hello", &err), err);
    assert_fails(coco_cache_content_of_text(&key, junk, &text, &content, &err), err, COCO_ERR_PROTO,
                 "media type");
    assert_ok(coco_cache_content_of_text(&key, "a/b", &text, &content, &err), err);
    assert_null(text.data);
    assert_string_equal(content->entry.type, "a/b");
    struct coco_httpd_stream part = stream_of(content, 1, 4);
    assert_int_equal(read_all(&part, 3, buf, &len), COCO_HTTPD_END);
    assert_string_equal(buf, "ello");
    part.free(part.self);
    coco_cache_content_unref(content);
}

/* ---- one writes, others read ---- */

enum { LONG = 1 << 20 };

static void *
write_long(void *arg)
{
    struct coco_cache_content *content = arg;
    uint8_t data[4096];

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)i;
    for (size_t done = 0; done < LONG; done += sizeof(data))
        if (coco_cache_content_write(content, data, sizeof(data), NULL) != COCO_OK)
            break;
    coco_cache_content_end(content, true);
    return NULL;
}

static void
readers_see_what_was_written_and_nothing_else(void **state)
{
    struct coco_cache_content *content = coming("x", LONG);
    struct coco_httpd_stream all = stream_of(content, 0, LONG);
    uint8_t data[5000];
    size_t done = 0;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, write_long, content), 0);
    while (done < LONG) {
        size_t n = 0;
        enum coco_httpd_more more = all.read(all.self, data, sizeof(data), &n);

        assert_true(more == COCO_HTTPD_DATA || more == COCO_HTTPD_WAIT);
        for (size_t i = 0; i < n; i++, done++)
            if (data[i] != (uint8_t)(done % 4096))
                fail_msg("byte %zu", done);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    all.free(all.self);
    coco_cache_content_unref(content);
}

static void
it_survives_any_failed_allocation(void **state)
{
    struct coco_cache_content *content = coming("hello", 5);

    (void)state;
    content->store = (struct coco_cache_store *)content; /* to be looked at, not used */
    for_each_fault()
    {
        struct coco_httpd_stream stream = {0};
        coco_error *err = NULL;

        coco_status status = coco_cache_content_stream(content, 0, 5, &counters, &stream, &err);
        if (status == COCO_OK)
            stream.free(stream.self);
        fault_expect(status, err);
        coco_error_free(err);
    }
    coco_cache_content_unref(content);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_turns_out_to_be_wrong_is_cut),
        cmocka_unit_test(no_more_is_taken_than_was_announced),
        cmocka_unit_test(an_entry_that_is_not_what_it_was_is_cut_and_removed),
        cmocka_unit_test(what_comes_is_read_as_it_comes_and_its_end_when_it_was_checked),
        cmocka_unit_test(what_is_empty_has_an_end),
        cmocka_unit_test(an_entry_that_is_right_is_served_and_so_are_its_parts),
        cmocka_unit_test(without_doubt_nobody_looks),
        cmocka_unit_test(text_is_served_from_memory),
        cmocka_unit_test(readers_see_what_was_written_and_nothing_else),
        cmocka_unit_test(it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("cache/content", tests, NULL, NULL);
}
