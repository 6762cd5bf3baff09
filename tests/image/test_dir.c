/*
 * tests/image/test_dir.c - lib/image/dir.c, with directories of all kinds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/dir.h"

#include "base/context.h"
#include "base/fd.h"
#include "tests/faults.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* Of "hello". */
#define HEX "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define MANIFEST                                                                                   \
    "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" COCO_MEDIA_OCI_CONFIG                      \
    "\",\"digest\":\"sha256:" HEX "\",\"size\":5},\"layers\":[]}"

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

static const struct coco_platform platform = {.os = "linux", .architecture = "amd64"};

/* The directory dir/d with an image. */
struct fixture {
    char dir[64];
    char path[256];
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

static const char *
path_of(struct fixture *f, const char *name)
{
    (void)snprintf(f->path, sizeof(f->path), "%.63s/d/%.160s", f->dir, name);
    return f->path;
}

static void
write_text(struct fixture *f, const char *name, const char *text)
{
    assert_ok(coco_file_write(path_of(f, name), text, strlen(text), 0600, &f->err), f->err);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_int_equal(mkdir(path_of(f, ""), 0700), 0);
    write_text(f, "version", COCO_DIR_VERSION);
    write_text(f, "manifest.json", MANIFEST);
    write_text(f, HEX, "hello");
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->dir);
    return 0;
}

static coco_status
open_dir(struct fixture *f, const char *name, coco_image_ref **ref, struct coco_source *ret)
{
    char text[300];

    (void)snprintf(text, sizeof(text), "dir:%s/%s", f->dir, name);
    coco_image_ref_free(*ref);
    *ref = NULL;
    assert_ok(coco_image_ref_parse(text, ref, &f->err), f->err);
    return coco_dir_source(*ref, ret, &f->err);
}

static coco_status
resolve(struct fixture *f, const char *name, struct coco_resolved *found)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_source_ struct coco_source source = {0};

    coco_status status = open_dir(f, name, &ref, &source);
    if (status == COCO_OK)
        status = coco_source_resolve(&source, f->ctx, ref, &platform, 1, found, &f->err);
    return status;
}

static void
a_directory_without_an_image_is_refused(void **state)
{
    static const struct {
        const char *version;
        coco_status want;
        const char *why;
    } cases[] = {
        {NULL, COCO_ERR_NOTFOUND, "image directory: no 'version'"},
        {"", COCO_ERR_NOTSUP, "version ''"},
        {"Directory Transport Version: 1.1", COCO_ERR_NOTSUP, "Version: 1.1'"},
        {"Directory Transport Version: 1.1\n\n", COCO_ERR_NOTSUP, "version '"},
        {"Directory Transport Version: 1.0\n", COCO_ERR_NOTSUP, "Version: 1.0"},
        {"Directory Transport Version: 2.1\n", COCO_ERR_NOTSUP, "Version: 2.1"},
        {"\033[2J", COCO_ERR_NOTSUP, "version '\\x1b[2J'"},
    };
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    struct coco_source source = {0};

    assert_fails(open_dir(f, "none", &ref, &source), f->err, COCO_ERR_NOTFOUND,
                 "no image directory '");
    assert_fails(open_dir(f, "d/version", &ref, &source), f->err, COCO_ERR_IO, "Not a directory");
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (cases[i].version)
            write_text(f, "version", cases[i].version);
        else
            assert_int_equal(unlink(path_of(f, "version")), 0);
        print_message("# case %zu\n", i);
        assert_fails(open_dir(f, "d", &ref, &source), f->err, cases[i].want, cases[i].why);
    }
    assert_null(source.self);
}

/* It would lead to files that are not the image's. */
static void
links_are_not_followed(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_resolved_ struct coco_resolved found = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 100};
    struct coco_descriptor blob = {.size = 5};
    char target[300];

    assert_ok(open_dir(f, "d", &ref, &source), f->err);
    (void)snprintf(target, sizeof(target), "%s/elsewhere", f->dir);
    assert_int_equal(rename(path_of(f, HEX), target), 0);
    assert_int_equal(symlink(target, path_of(f, HEX)), 0);
    assert_ok(coco_digest_parse("sha256:" HEX, &blob.digest, &f->err), f->err);
    assert_fails(coco_source_small_blob(&source, f->ctx, &blob, &body, &f->err), f->err,
                 COCO_ERR_IO, "symbolic links");
    assert_int_equal(unlink(path_of(f, "manifest.json")), 0);
    assert_int_equal(symlink("/dev/zero", path_of(f, "manifest.json")), 0);
    assert_fails(resolve(f, "d", &found), f->err, COCO_ERR_IO, "symbolic links");
    assert_int_equal(unlink(path_of(f, "version")), 0);
    assert_int_equal(mkfifo(path_of(f, "version"), 0600), 0);
    assert_fails(resolve(f, "d", &found), f->err, COCO_ERR_PROTO, "'version' is not a file");
}

static void
what_lies_there_is_checked(void **state)
{
    static const struct {
        const char *name, *text;
        coco_status want;
        const char *why;
    } cases[] = {
        {"manifest.json", "", COCO_ERR_PROTO, "not JSON"},
        {"manifest.json", "{\"schemaVersion\":1}", COCO_ERR_PROTO, "schema 1"},
        {"manifest.json", "{\"schemaVersion\":2,\"layers\":[]}", COCO_ERR_PROTO, "config"},
    };
    struct fixture *f = *state;
    _cleanup_resolved_ struct coco_resolved found = {0};
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 100};
    struct coco_descriptor blob = {.size = 5};

    assert_ok(coco_digest_parse("sha256:" HEX, &blob.digest, &f->err), f->err);
    assert_ok(open_dir(f, "d", &ref, &source), f->err);
    write_text(f, HEX, "hullo");
    assert_fails(coco_source_small_blob(&source, f->ctx, &blob, &body, &f->err), f->err,
                 COCO_ERR_VERIFY, "sha256:");
    assert_int_equal(unlink(path_of(f, HEX)), 0);
    assert_fails(coco_source_small_blob(&source, f->ctx, &blob, &body, &f->err), f->err,
                 COCO_ERR_NOTFOUND, "no '" HEX "'");
    assert_fails(resolve(f, "d@sha256:" HEX, &found), f->err, COCO_ERR_VERIFY, "sha256:");
    for (size_t i = 0; i < COUNT(cases); i++) {
        write_text(f, cases[i].name, cases[i].text);
        assert_fails(resolve(f, "d", &found), f->err, cases[i].want, cases[i].why);
    }
    assert_int_equal(unlink(path_of(f, "manifest.json")), 0);
    assert_fails(resolve(f, "d", &found), f->err, COCO_ERR_NOTFOUND, "no 'manifest.json'");
}

static void
an_image_is_read(void **state)
{
    struct fixture *f = *state;
    _cleanup_resolved_ struct coco_resolved found = {0};
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 100};

    assert_ok(resolve(f, "d", &found), f->err);
    assert_string_equal(coco_buf_text(&found.text), MANIFEST);
    assert_ok(open_dir(f, "d", &ref, &source), f->err);
    assert_ok(coco_source_small_blob(&source, f->ctx, &found.manifest.config, &body, &f->err),
              f->err);
    assert_string_equal(coco_buf_text(&body), "hello");

    coco_ctx_cancel(f->ctx);
    assert_fails(resolve(f, "d", &found), f->err, COCO_ERR_CANCELED, "canceled");
}

/* By its digest, too, although that is no name of a file. */
static void
a_manifest_has_a_digest(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_buf_ struct coco_buf type = {.limit = 100};
    struct coco_digest digest;

    assert_ok(open_dir(f, "d", &ref, &source), f->err);
    assert_ok(coco_digest_of(COCO_SHA256, MANIFEST, strlen(MANIFEST), &digest, &f->err), f->err);
    assert_ok(source.manifest(source.self, f->ctx, &digest, &body, &type, &f->err), f->err);
    assert_string_equal(coco_buf_text(&body), MANIFEST);
    coco_buf_reset(&body);
    digest.bytes[0] ^= 1;
    assert_fails(source.manifest(source.self, f->ctx, &digest, &body, &type, &f->err), f->err,
                 COCO_ERR_NOTFOUND, ".manifest.json'");
    assert_int_equal(body.len, 0);
}

/* skopeo copy --all */
static void
an_index_leads_to_the_manifest_beside_it(void **state)
{
    static const char index[] = "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" //
        COCO_MEDIA_OCI_MANIFEST "\",\"digest\":\"%s\",\"size\":%zu,\"platform\":{\"os\":\"linux\","
                                "\"architecture\":\"amd64\"}}]}";
    struct fixture *f = *state;
    _cleanup_resolved_ struct coco_resolved found = {0};
    struct coco_digest digest;
    char text[COCO_DIGEST_TEXT_SIZE];
    char name[COCO_DIR_NAME_SIZE];
    char json[500];

    assert_ok(coco_digest_of(COCO_SHA256, MANIFEST, strlen(MANIFEST), &digest, &f->err), f->err);
    coco_digest_format(&digest, text);
    (void)snprintf(json, sizeof(json), index, text, strlen(MANIFEST));
    write_text(f, "manifest.json", json);
    assert_fails(resolve(f, "d", &found), f->err, COCO_ERR_NOTFOUND, ".manifest.json'");
    coco_dir_name(&digest, ".manifest.json", name);
    write_text(f, name, "{}");
    assert_fails(resolve(f, "d", &found), f->err, COCO_ERR_VERIFY, text);
    write_text(f, name, MANIFEST);
    assert_ok(resolve(f, "d", &found), f->err);
    assert_true(coco_digest_equal(&found.digest, &digest));
}

static void
reading_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    struct coco_descriptor blob = {.size = 5};
    char text[100];

    (void)snprintf(text, sizeof(text), "dir:%s/d", f->dir);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    assert_ok(coco_digest_parse("sha256:" HEX, &blob.digest, &f->err), f->err);
    for_each_fault()
    {
        _cleanup_resolved_ struct coco_resolved found = {0};
        _cleanup_source_ struct coco_source source = {0};
        _cleanup_buf_ struct coco_buf body = {.limit = 100};
        coco_error *err = NULL;

        coco_status status = coco_dir_source(ref, &source, &err);
        if (status == COCO_OK)
            status = coco_source_resolve(&source, f->ctx, ref, &platform, 1, &found, &err);
        if (status == COCO_OK)
            status = coco_source_small_blob(&source, f->ctx, &blob, &body, &err);
        fault_expect(status, err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_directory_without_an_image_is_refused),
        TEST(links_are_not_followed),
        TEST(what_lies_there_is_checked),
        TEST(an_image_is_read),
        TEST(a_manifest_has_a_digest),
        TEST(an_index_leads_to_the_manifest_beside_it),
        TEST(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
