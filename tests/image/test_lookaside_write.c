/*
 * tests/image/test_lookaside_write.c - lib/image/lookaside_write.c
 *
 * What skopeo makes of it is in tests/cli/test_simple_signing.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/lookaside.h"

#include "base/fd.h"

#include "signing.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Puts text as a signature of a.test/ns/app below url, in which a '%' is the test's directory. */
static coco_status
put(struct fixture *f, const char *url, const char *text, char **where)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, "a.test/ns/app:1");
    _cleanup_buf_ struct coco_buf data = {.limit = 100};
    struct coco_digest digest = {0};
    char spelled[256];
    size_t head = strcspn(url, "%");

    (void)snprintf(spelled, sizeof(spelled), "%.*s%s%s", (int)head, url, url[head] ? f->dir : "",
                   url[head] ? url + head + 1 : "");
    assert_int_equal(coco_digest_parse("sha256:" HEX, &digest, NULL), COCO_OK);
    assert_int_equal(coco_buf_append_text(&data, text, NULL), COCO_OK);
    return coco_lookaside_put(spelled, ref, &digest, &data, where, &f->err);
}

static void
folder_of(const struct fixture *f, const char *base, char ret[256])
{
    (void)snprintf(ret, 256, "%s/%s/ns/app@sha256=" HEX, f->dir, base);
}

/* How many names there are in the folder of signatures. */
static unsigned
count(const struct fixture *f, const char *base)
{
    char folder[256];
    unsigned n = 0;
    struct dirent *entry;

    folder_of(f, base, folder);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while ((entry = readdir(dir)))
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    assert_int_equal(closedir(dir), 0);
    return n;
}

static void
signatures_stand_behind_each_other(void **state)
{
    struct fixture *f = *state;
    char folder[256];
    char want[320];
    char path[300];
    struct stat st;

    for (unsigned i = 1; i <= 3; i++) {
        _cleanup_free_ char *where = NULL;
        _cleanup_buf_ struct coco_buf got = {.limit = 100};
        char text[2] = {(char)('a' + i), '\0'};

        assert_ok(put(f, "file://%/deep/er//", text, &where), f->err);
        folder_of(f, "deep/er", folder);
        (void)snprintf(path, sizeof(path), "%s/signature-%u", folder, i);
        (void)snprintf(want, sizeof(want), "file://%s", path);
        assert_string_equal(where, want);
        assert_ok(coco_file_read(path, &got, &f->err), f->err);
        assert_string_equal(coco_buf_text(&got), text);
        /* As containers/image has it: others are to read it. */
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0644);
    }
    assert_int_equal(count(f, "deep/er"), 3);
}

static void
what_is_there_is_left_alone(void **state)
{
    struct fixture *f = *state;
    _cleanup_free_ char *where = NULL;
    _cleanup_free_ char *more = NULL;
    char folder[256];
    char path[300];

    assert_ok(put(f, "file://%/s", "a", &where), f->err);
    folder_of(f, "s", folder);
    (void)snprintf(path, sizeof(path), "%s/signature-2", folder);
    assert_int_equal(symlink("/nowhere", path), 0);
    assert_ok(put(f, "file://%/s", "b", &more), f->err);
    assert_non_null(strstr(more, "/signature-3"));
    assert_int_equal(access("/nowhere", F_OK), -1);
    assert_int_equal(count(f, "s"), 3);
}

static void
what_cannot_be_written_is_refused(void **state)
{
    struct fixture *f = *state;
    char *where = NULL;
    char path[128];

    static const char *const urls[] = {"https://a.test/s", "http://a.test/s", "file://s", "/s", ""};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        assert_fails(put(f, urls[i], "a", &where), f->err, COCO_ERR_NOTSUP, "file:///");
    (void)snprintf(path, sizeof(path), "%s/file", f->dir);
    assert_ok(coco_file_write(path, "x", 1, 0600, &f->err), f->err);
    assert_fails(put(f, "file://%/file/s", "a", &where), f->err, COCO_ERR_IO, "file/s");
    assert_null(where);
}

static void
their_number_is_bounded(void **state)
{
    struct fixture *f = *state;
    char *where = NULL;

    for (unsigned i = 0; i < COCO_SIGNATURE_FILES_MAX; i++) {
        assert_ok(put(f, "file://%/s", "a", &where), f->err);
        free(coco_steal(&where));
    }
    assert_fails(put(f, "file://%/s", "a", &where), f->err, COCO_ERR_LIMIT, "128");
    assert_int_equal(count(f, "s"), COCO_SIGNATURE_FILES_MAX);
}

static void
writing_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, "a.test/ns/app:1");
    const struct coco_buf data = {.data = (uint8_t *)f->layer, .len = 10};
    struct coco_digest digest = {.alg = COCO_SHA256};
    char url[128];

    (void)snprintf(url, sizeof(url), "file://%s/s", f->dir);
    for_each_fault()
    {
        char *where = NULL;

        coco_status status = coco_lookaside_put(url, ref, &digest, &data, &where, &f->err);
        fault_expect(status, f->err);
        free(where);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(signatures_stand_behind_each_other),     TEST(what_is_there_is_left_alone),
        TEST(what_cannot_be_written_is_refused),      TEST(their_number_is_bounded),
        TEST(writing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/lookaside_write", tests, NULL, NULL);
}
