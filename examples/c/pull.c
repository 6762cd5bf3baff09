/*
 * examples/c/pull.c - pull an image whose keys a key broker has into an OCI bundle
 *
 *     pull cc_kbc::https://kbs.example:8080 ghcr.io/acme/app@sha256:… bundle
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <coco/coco.h>

#include <stdio.h>

int
main(int argc, char **argv)
{
    coco_error *err = NULL;
    coco_ctx *ctx = NULL;
    coco_kbc *kbc = NULL;
    coco_image_client *client = NULL;
    coco_image_ref *ref = NULL;
    coco_image *image = NULL;

    if (argc != 4)
        return 2;
    if (coco_ctx_new(&ctx, &err) == COCO_OK && coco_kbc_new(argv[1], &kbc, &err) == COCO_OK
        && coco_image_client_new(&client, &err) == COCO_OK
        && coco_image_ref_parse(argv[2], &ref, &err) == COCO_OK) {
        coco_image_client_set_kbc(client, kbc);
        if (coco_image_pull(client, ctx, ref, argv[3], NULL, &image, &err) == COCO_OK)
            (void)puts(coco_image_digest(image));
    }
    if (err)
        (void)fprintf(stderr, "pull: %s\n", coco_error_message(err));

    int failed = err != NULL;
    coco_image_free(image);
    coco_image_ref_free(ref);
    coco_image_client_free(client);
    coco_kbc_free(kbc);
    coco_ctx_free(ctx);
    coco_error_free(err);
    return failed;
}
