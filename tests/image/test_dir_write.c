/*
 * tests/image/test_dir_write.c - lib/image/dir_write.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/dir.h"

#include "base/context.h"
#include "base/fd.h"
#include "tests/faults.h"
#include "tests/image/writing.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define OLD                                                                                        \
    "{\"schemaVersion\":2,\"config\":" BLOB(COCO_MEDIA_OCI_CONFIG, HELLO,                          \
                                            "5") ",\"layers\":[" BLOB(LAYER, OTHER, "6") "]}"
#define NEW                                                                                        \
    "{\"schemaVersion\":2,\"config\":" BLOB(COCO_MEDIA_OCI_CONFIG, HELLO, "5") ",\"layers\":[]}"

static int
set_up(void **state)
{
    struct fixture *f = &fixture;
    char text[500];

    int ret = setup(state);
    (void)snprintf(text, sizeof(text), "dir:%s/d", f->dir);
    assert_ok(coco_image_ref_parse(text, &f->ref, &f->err), f->err);
    return ret;
}

static void
write_text(struct fixture *f, const char *name, const char *text)
{
    assert_ok(coco_file_write(path_of(f, name), text, strlen(text), 0600, &f->err), f->err);
}

static coco_status
open_dir(struct fixture *f)
{
    return coco_dir_destination(f->ctx, f->ref, &f->to, &f->err);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static coco_status
put_or_give_up(const struct coco_destination *to, coco_ctx *ctx, const char *hex, const char *text,
               coco_error **err)
{
    coco_status status = put_blob(to, ctx, hex, text, err);

    if (status != COCO_OK)
        to->abort_blob(to->self);
    return status;
}

static coco_status
put_manifest(const struct coco_destination *to, coco_ctx *ctx, const char *text, coco_error **err)
{
    struct coco_digest digest;

    assert_int_equal(coco_digest_of(COCO_SHA256, text, strlen(text), &digest, NULL), COCO_OK);
    return to->put_manifest(to->self, ctx, COCO_MEDIA_OCI_MANIFEST, text, strlen(text), &digest,
                            err);
}

static coco_status
put_old(struct fixture *f)
{
    coco_status status = put_or_give_up(&f->to, f->ctx, HELLO, "hello", &f->err);

    if (status == COCO_OK)
        status = put_or_give_up(&f->to, f->ctx, OTHER, "hello\n", &f->err);
    if (status == COCO_OK)
        status = put_manifest(&f->to, f->ctx, OLD, &f->err);
    return status;
}

static void
what_is_no_image_is_left_alone(void **state)
{
    static const struct {
        const char *name, *text;
        coco_status want;
        const char *why;
    } cases[] = {
        {"d/file", "mine", COCO_ERR_INVALID, "not empty and holds no image"},
        {"d/manifest.json", "{}", COCO_ERR_INVALID, "not empty and holds no image"},
        {"d/version", "Directory Transport Version: 2.0\n", COCO_ERR_NOTSUP, "Version: 2.0"},
        {"d/version", "mine", COCO_ERR_NOTSUP, "version 'mine'"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(mkdir(path_of(f, "d"), 0700), 0);
        write_text(f, cases[i].name, cases[i].text);
        assert_fails(open_dir(f), f->err, cases[i].want, cases[i].why);
        assert_null(f->to.self);
        assert_names_in(f->dir, "d", NAMES(cases[i].name + 2));
        assert_file(f->dir, cases[i].name, cases[i].text);
        assert_int_equal(unlink(path_of(f, cases[i].name)), 0);
        assert_int_equal(rmdir(path_of(f, "d")), 0);
    }
    write_text(f, "d", "a file");
    assert_fails(open_dir(f), f->err, COCO_ERR_IO, "Not a directory");
    assert_int_equal(unlink(path_of(f, "d")), 0);
    assert_int_equal(symlink("none", path_of(f, "d")), 0);
    assert_fails(open_dir(f), f->err, COCO_ERR_IO, "No such file");
    assert_int_equal(unlink(path_of(f, "d")), 0);
    assert_int_equal(mkdir(path_of(f, "d"), 0700), 0);
    assert_int_equal(symlink("/dev/zero", path_of(f, "d/version")), 0);
    assert_fails(open_dir(f), f->err, COCO_ERR_IO, "symbolic links");
}

/* There is room for one image, and two at once would be a mixture. */
static void
only_one_writes_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct coco_destination second = {0};

    assert_ok(open_dir(f), f->err);
    assert_fails(coco_dir_destination(f->ctx, f->ref, &second, &f->err), f->err, COCO_ERR_INVALID,
                 "another is writing there");
    coco_destination_done(&f->to);
    assert_ok(coco_dir_destination(f->ctx, f->ref, &second, &f->err), f->err);
    coco_destination_done(&second);
}

static void
an_image_is_there_when_its_manifest_is(void **state)
{
    struct fixture *f = *state;
    struct coco_digest hello;
    struct coco_sink sink = {0};
    bool there = true;

    assert_ok(coco_digest_parse("sha256:" HELLO, &hello, &f->err), f->err);
    assert_ok(open_dir(f), f->err);
    assert_names_in(f->dir, "d", NAMES("version"));
    assert_file(f->dir, "d/version", COCO_DIR_VERSION);
    assert_ok(f->to.has_blob(f->to.self, f->ctx, &hello, &there, &f->err), f->err);
    assert_false(there);
    assert_ok(f->to.begin_blob(f->to.self, f->ctx, &sink, &f->err), f->err);
    f->to.abort_blob(f->to.self);
    assert_names_in(f->dir, "d", NAMES("version"));
    assert_ok(put_or_give_up(&f->to, f->ctx, HELLO, "hello", &f->err), f->err);
    assert_ok(f->to.has_blob(f->to.self, f->ctx, &hello, &there, &f->err), f->err);
    assert_true(there);
    assert_ok(put_or_give_up(&f->to, f->ctx, OTHER, "hello\n", &f->err), f->err);
    assert_names_in(f->dir, "d", NAMES("version", HELLO, OTHER));
    assert_ok(put_manifest(&f->to, f->ctx, OLD, &f->err), f->err);
    assert_names_in(f->dir, "d", NAMES("version", HELLO, OTHER, "manifest.json"));
    assert_file(f->dir, "d/manifest.json", OLD);
    assert_file(f->dir, "d/" HELLO, "hello");
}

/* A link would be written through, or taken for what it leads to. */
static void
only_a_file_is_a_blob(void **state)
{
    struct fixture *f = *state;
    struct coco_digest hello;
    bool there = true;

    assert_ok(coco_digest_parse("sha256:" HELLO, &hello, &f->err), f->err);
    assert_ok(open_dir(f), f->err);
    write_text(f, "elsewhere", "hello");
    assert_int_equal(symlink("../elsewhere", path_of(f, "d/" HELLO)), 0);
    assert_ok(f->to.has_blob(f->to.self, f->ctx, &hello, &there, &f->err), f->err);
    assert_false(there);
    assert_ok(put_or_give_up(&f->to, f->ctx, HELLO, "hello", &f->err), f->err);
    assert_int_equal(readlink(path_of(f, "d/" HELLO), (char[8]){0}, 8), -1);
}

static void
a_manifest_that_is_none_leaves_the_old_image(void **state)
{
    struct fixture *f = *state;

    assert_ok(open_dir(f), f->err);
    assert_ok(put_old(f), f->err);
    assert_fails(put_manifest(&f->to, f->ctx, "{}", &f->err), f->err, COCO_ERR_PROTO,
                 "schemaVersion");
    assert_names_in(f->dir, "d", NAMES("version", HELLO, OTHER, "manifest.json"));
    assert_file(f->dir, "d/manifest.json", OLD);
}

static void
an_image_takes_the_place_of_another_and_of_nothing_else(void **state)
{
    static const char *const old[] = {
        "signature-1",
        "signature-23",
        OTHER ".manifest.json",
        ".0123456789abcdef",
    };
    static const char *const strange[] = {
        "signature-", "signature-1x", OTHER ".json", ".0123456789abcde", "notes", "abc", OTHER "0",
    };
    struct fixture *f = *state;
    char name[200];

    assert_ok(open_dir(f), f->err);
    assert_ok(put_old(f), f->err);
    coco_destination_done(&f->to);
    for (size_t i = 0; i < COUNT(old) + COUNT(strange); i++) {
        (void)snprintf(name, sizeof(name), "d/%s",
                       i < COUNT(old) ? old[i] : strange[i - COUNT(old)]);
        write_text(f, name, "x");
    }
    assert_int_equal(mkdir(path_of(f, "d/" HELLO ".manifest.json"), 0700), 0);

    assert_ok(open_dir(f), f->err);
    assert_file(f->dir, "d/manifest.json", OLD);
    assert_ok(put_manifest(&f->to, f->ctx, NEW, &f->err), f->err);
    assert_file(f->dir, "d/manifest.json", NEW);
    assert_names_in(f->dir, "d",
                    NAMES("version", "manifest.json", HELLO, HELLO ".manifest.json", strange[0],
                          strange[1], strange[2], strange[3], strange[4], strange[5], strange[6]));
}

static void
a_canceled_context_writes_nothing(void **state)
{
    struct fixture *f = *state;
    struct coco_sink sink = {0};
    struct coco_digest hello;
    bool there = false;

    assert_ok(coco_digest_parse("sha256:" HELLO, &hello, &f->err), f->err);
    assert_ok(open_dir(f), f->err);
    coco_ctx_cancel(f->ctx);
    assert_fails(f->to.has_blob(f->to.self, f->ctx, &hello, &there, &f->err), f->err,
                 COCO_ERR_CANCELED, "canceled");
    assert_fails(f->to.begin_blob(f->to.self, f->ctx, &sink, &f->err), f->err, COCO_ERR_CANCELED,
                 "canceled");
    assert_fails(f->to.commit_blob(f->to.self, f->ctx, &hello, 5, &f->err), f->err,
                 COCO_ERR_CANCELED, "canceled");
    assert_fails(put_manifest(&f->to, f->ctx, NEW, &f->err), f->err, COCO_ERR_CANCELED, "canceled");
    assert_names_in(f->dir, "d", NAMES("version"));
    coco_destination_done(&f->to);
    assert_fails(open_dir(f), f->err, COCO_ERR_CANCELED, "canceled");
}

static void
writing_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        struct coco_destination to = {0};
        coco_error *err = NULL;

        coco_status status = coco_dir_destination(f->ctx, f->ref, &to, &err);
        bool open = status == COCO_OK;
        assert_int_equal(open, to.self != NULL);
        if (status == COCO_OK)
            status = put_or_give_up(&to, f->ctx, HELLO, "hello", &err);
        if (status == COCO_OK)
            status = put_manifest(&to, f->ctx, NEW, &err);
        coco_destination_done(&to);
        fault_expect(status, err);
        if (status != COCO_OK)
            assert_no_file(f->dir, "d/manifest.json");
    }
    assert_names_in(f->dir, "d", NAMES("version", HELLO, "manifest.json"));
    assert_file(f->dir, "d/manifest.json", NEW);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_image_is_left_alone),
        TEST(only_one_writes_at_a_time),
        TEST(an_image_is_there_when_its_manifest_is),
        TEST(only_a_file_is_a_blob),
        TEST(a_manifest_that_is_none_leaves_the_old_image),
        TEST(an_image_takes_the_place_of_another_and_of_nothing_else),
        TEST(a_canceled_context_writes_nothing),
        TEST(writing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
