/*
 * examples/c/secret.c - get a secret from a key broker and write it to stdout
 *
 *     secret cc_kbc::https://kbs.example:8080 kbs:///default/key/1
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
    coco_bytes *secret = NULL;

    if (argc != 3)
        return 2;
    if (coco_ctx_new(&ctx, &err) == COCO_OK && coco_kbc_new(argv[1], &kbc, &err) == COCO_OK
        && coco_kbc_get_resource(kbc, ctx, argv[2], &secret, &err) == COCO_OK)
        (void)fwrite(coco_bytes_data(secret), 1, coco_bytes_size(secret), stdout);
    else
        (void)fprintf(stderr, "secret: %s\n", coco_error_message(err));

    int failed = err != NULL;
    coco_bytes_free(secret);
    coco_kbc_free(kbc);
    coco_ctx_free(ctx);
    coco_error_free(err);
    return failed;
}
