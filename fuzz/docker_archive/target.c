/*
 * fuzz/docker_archive/target.c - what is made of an archive of docker is a manifest
 *
 * The input is what manifest.json holds, then a config and a layer, with a NUL
 * between; a fuzzer that had to write headers of tar would not get that far.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/docker_archive.h"

#include "base/context.h"
#include "image/tarfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LAYERS_MAX ((size_t)16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

/* Which of the images is asked for does not depend on the input. */
static const char *const tails[] = {"", ":@0", ":@1", ":app", ":host.test/app:1"};

static coco_status
make_archive(int fd, const uint8_t *data, size_t len)
{
    static const char *const names[] = {"manifest.json", "c", "l"};
    struct coco_tarfile file = {.fd = fd};
    coco_status status = COCO_OK;

    for (size_t i = 0; i < 3 && status == COCO_OK; i++) {
        const uint8_t *nul = i < 2 && len > 0 ? memchr(data, 0, len) : NULL;
        size_t n = nul ? (size_t)(nul - data) : len;

        status = coco_tarfile_add(&file, names[i], data, n, NULL);
        data += nul ? n + 1 : n;
        len -= nul ? n + 1 : n;
    }
    if (status == COCO_OK)
        status = coco_tarfile_end(&file, NULL);
    return status;
}

static void
read_layers(const struct coco_source *source, coco_ctx *ctx, const struct coco_resolved *found)
{
    for (size_t i = 0; i < found->manifest.n_layers; i++) {
        _cleanup_buf_ struct coco_buf body = {.limit = (size_t)1 << 20};
        struct coco_digest got = {0};

        coco_status status =
            coco_source_small_blob(source, ctx, &found->manifest.layers[i], &body, NULL);
        if (status == COCO_ERR_VERIFY || status == COCO_ERR_LIMIT)
            continue;
        if (status != COCO_OK
            || coco_digest_of(found->manifest.layers[i].digest.alg, coco_buf_text(&body), body.len,
                              &got, NULL)
                   != COCO_OK
            || !coco_digest_equal(&got, &found->manifest.layers[i].digest))
            abort();
    }
}

static void
read_image(int fd, const char *tail)
{
    static const struct coco_platform platform = {.os = "linux", .architecture = "amd64"};
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_resolved_ struct coco_resolved found = {0};
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    char text[100];

    (void)snprintf(text, sizeof(text), "docker-archive:/proc/self/fd/%d%s", fd, tail);
    if (coco_image_ref_parse(text, &ref, NULL) != COCO_OK
        || coco_docker_archive_source(ref, &source, NULL) != COCO_OK
        || coco_ctx_new(&ctx, NULL) != COCO_OK)
        abort();
    coco_status status =
        coco_source_resolve(&source, ctx, ref, &platform, LAYERS_MAX, &found, NULL);
    if (status != COCO_OK)
        return;
    if (found.manifest.is_index || found.manifest.n_layers > LAYERS_MAX
        || strcmp(found.manifest.media_type, COCO_MEDIA_OCI_MANIFEST) != 0)
        abort();
    read_layers(&source, ctx, &found);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    int fd = memfd_create("archive", MFD_CLOEXEC);

    if (fd < 0)
        return 0;
    if (make_archive(fd, data, len) == COCO_OK)
        for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++)
            read_image(fd, tails[i]);
    (void)close(fd);
    return 0;
}
