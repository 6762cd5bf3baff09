/*
 * tests/fakeimage.c - an image of three layers, and a source that has it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/fakeimage.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAYER "application/vnd.oci.image.layer.v1.tar"
#define CONFIG "application/vnd.oci.image.config.v1+json"
#define MANIFEST "application/vnd.oci.image.manifest.v1+json"

/* Calls of lib/base are not linked into this library of tests; the tests have them. */
static coco_error *err;

static coco_status
give_manifest(void *self, coco_ctx *ctx, const struct coco_digest *digest, struct coco_buf *body,
              struct coco_buf *media_type, coco_error **error)
{
    struct fake_image *image = self;

    (void)ctx;
    (void)digest;
    coco_status status = coco_buf_append_text(media_type, MANIFEST, error);
    return status == COCO_OK ? coco_buf_append_text(body, image->manifest, error) : status;
}

static size_t
layer_of(const struct fake_image *image, const struct coco_descriptor *blob)
{
    for (size_t i = 0; i < FAKE_LAYERS; i++)
        if (coco_digest_equal(&image->layers[i].digest, &blob->digest))
            return i;
    return FAKE_LAYERS;
}

static coco_status
give_blob(void *self, coco_ctx *ctx, const struct coco_descriptor *blob,
          const struct coco_sink *sink, coco_error **error)
{
    struct fake_image *image = self;
    size_t i = layer_of(image, blob);

    (void)ctx;
    if (i == FAKE_LAYERS)
        return coco_sink_write(sink, image->config, strlen(image->config), error);
    image->asked++;
    if (i == 1 && image->lies > 0) {
        static const char lie[] = "something else";
        return coco_sink_write(sink, lie, strlen(lie), error);
    }
    return coco_sink_write(sink, image->tars[i].data, image->tars[i].len, error);
}

static bool
have_another(void *self, coco_ctx *ctx, const struct coco_descriptor *blob)
{
    struct fake_image *image = self;

    (void)ctx;
    (void)blob;
    return image->lies-- > 0;
}

static void
make_layers(struct fake_image *image)
{
    tarball_add(&image->tars[0], '5', "etc", "", "", 0);
    tarball_add(&image->tars[0], '0', "etc/motd", "", "one", 3);
    tarball_add(&image->tars[0], '0', "keep", "", "kept", 4);
    tarball_add(&image->tars[0], '1', "keep2", "keep", "", 0);
    tarball_add(&image->tars[0], '2', "link", "keep2", "", 0);
    tarball_add(&image->tars[0], '6', "fifo", "", "", 0);
    tarball_add(&image->tars[1], '0', "etc/motd", "", "two", 3);
    tarball_add(&image->tars[2], '0', ".wh.keep", "", "", 0);
    tarball_add(&image->tars[2], '0', "top", "", "top", 3);
    for (size_t i = 0; i < FAKE_LAYERS; i++)
        tarball_end(&image->tars[i]);
}

static void
add(char *text, size_t size, const char *more)
{
    size_t len = strlen(text);

    (void)snprintf(text + len, size - len, "%s", more);
}

void
fake_image_make(struct fake_image *image, size_t n_layers)
{
    struct coco_digest config = {0};
    char digest[COCO_DIGEST_TEXT_SIZE];
    char part[300];

    const char *user = image->user;

    memset(image, 0, sizeof(*image));
    image->user = user;
    make_layers(image);
    (void)snprintf(image->config, sizeof(image->config),
                   "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{\"User\":\"%s\"},"
                   "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
                   user ? user : "");
    for (size_t i = 0; i < FAKE_LAYERS; i++) {
        struct coco_descriptor *layer = &image->layers[i];

        (void)snprintf(image->media_types[i], sizeof(image->media_types[i]), LAYER);
        layer->media_type = image->media_types[i];
        layer->size = image->tars[i].len;
        assert_ok(coco_digest_of(COCO_SHA256, image->tars[i].data, image->tars[i].len,
                                 &layer->digest, &err),
                  err);
        image->diff_ids[i] = layer->digest;
        coco_digest_format(&layer->digest, digest);
        (void)snprintf(part, sizeof(part), "%s\"%s\"", i ? "," : "", digest);
        if (i < n_layers)
            add(image->config, sizeof(image->config), part);
    }
    add(image->config, sizeof(image->config), "]}}");
    assert_ok(coco_digest_of(COCO_SHA256, image->config, strlen(image->config), &config, &err),
              err);
    coco_digest_format(&config, digest);
    (void)snprintf(image->manifest, sizeof(image->manifest),
                   "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST "\",\"config\":{\"mediaType\":"
                   "\"" CONFIG "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[",
                   digest, strlen(image->config));
    for (size_t i = 0; i < n_layers; i++) {
        coco_digest_format(&image->layers[i].digest, digest);
        (void)snprintf(part, sizeof(part),
                       "%s{\"mediaType\":\"" LAYER "\",\"digest\":\"%s\",\"size\":%zu}",
                       i ? "," : "", digest, image->tars[i].len);
        add(image->manifest, sizeof(image->manifest), part);
    }
    add(image->manifest, sizeof(image->manifest), "]}");
    image->source = (struct coco_source){
        .manifest = give_manifest,
        .blob = give_blob,
        .wrong = have_another,
        .self = image,
    };
}

void
assert_fake_tree(const char *dir, const char *rootfs, size_t n_layers)
{
    char root[300];
    char path[400];
    char target[16];
    struct stat st;
    struct stat other;

    (void)snprintf(root, sizeof(root), "%s%s%s", dir, rootfs ? "/" : "", rootfs ? rootfs : "");
    assert_file(root, "etc/motd", n_layers > 1 ? "two" : "one");
    assert_file(root, "keep2", "kept");
    (void)snprintf(path, sizeof(path), "%s/link", root);
    assert_int_equal(readlink(path, target, sizeof(target)), 5);
    (void)snprintf(path, sizeof(path), "%s/fifo", root);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    assert_int_equal(st.st_mtim.tv_sec, 1500000000);
    (void)snprintf(path, sizeof(path), "%s/keep2", root);
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_uid, 1);
    assert_int_equal(st.st_gid, 2);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(st.st_mtim.tv_sec, 1500000000);
    (void)snprintf(path, sizeof(path), "%s/etc", root);
    assert_int_equal(lstat(path, &other), 0);
    assert_int_equal(other.st_mtim.tv_sec, 1500000000);
    if (n_layers < FAKE_LAYERS) {
        (void)snprintf(path, sizeof(path), "%s/keep", root);
        assert_int_equal(lstat(path, &other), 0);
        assert_int_equal(other.st_ino, st.st_ino);
        assert_no_file(root, "top");
    } else {
        assert_no_file(root, "keep");
        assert_file(root, "top", "top");
    }
}
