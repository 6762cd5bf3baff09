/*
 * tests/image/writing.h - a folder, and a place in it that an image is written to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_IMAGE_WRITING_H
#define COCO_TESTS_IMAGE_WRITING_H

#include "base/context.h"
#include "image/archive.h"
#include "image/source.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

/* Of "hello" and of "hello\n". */
#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define OTHER "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
#define BLOB(type, hex, size)                                                                      \
    "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" hex "\",\"size\":" size "}"
#define LAYER "application/vnd.oci.image.layer.v1.tar"

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

struct fixture {
    char dir[64];
    char path[256]; /* see path_of() */
    coco_ctx *ctx;
    coco_image_ref *ref;
    struct coco_destination to;
    coco_error *err;
};

static struct fixture fixture;

static inline int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){0};
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

static inline int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_destination_done(&f->to);
    coco_image_ref_free(f->ref);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->dir);
    return 0;
}

static inline const char *
path_of(struct fixture *f, const char *name)
{
    (void)snprintf(f->path, sizeof(f->path), "%.63s/%.160s", f->dir, name);
    return f->path;
}

static inline void
digest_of(const char *hex, struct coco_digest *ret)
{
    char text[COCO_DIGEST_TEXT_SIZE];

    (void)snprintf(text, sizeof(text), "sha256:%s", hex);
    assert_int_equal(coco_digest_parse(text, ret, NULL), COCO_OK);
}

static inline coco_status
write_blob(const struct coco_destination *to, coco_ctx *ctx, const char *text, coco_error **err)
{
    struct coco_sink sink = {0};

    coco_status status = to->begin_blob(to->self, ctx, &sink, err);
    if (status == COCO_OK)
        status = coco_sink_write(&sink, text, strlen(text), err);
    if (status == COCO_OK)
        status = coco_sink_end(&sink, err);
    return status;
}

static inline coco_status
put_blob(const struct coco_destination *to, coco_ctx *ctx, const char *hex, const char *text,
         coco_error **err)
{
    struct coco_digest digest;

    digest_of(hex, &digest);
    coco_status status = write_blob(to, ctx, text, err);
    if (status == COCO_OK)
        status = to->commit_blob(to->self, ctx, &digest, strlen(text), err);
    return status;
}

/* What the archive at path has of that name. */
static inline void
assert_member(struct fixture *f, const char *path, const char *name, const char *want)
{
    _cleanup_(coco_archive_freep) struct coco_archive *archive = NULL;
    _cleanup_buf_ struct coco_buf buf = {.limit = 2000};
    const struct coco_member *member = NULL;

    assert_ok(coco_archive_open(path, &archive, &f->err), f->err);
    assert_ok(coco_archive_find(archive, name, &member, &f->err), f->err);
    assert_ok(coco_archive_read(archive, member, &buf, &f->err), f->err);
    assert_string_equal(coco_buf_text(&buf), want);
}

#endif
