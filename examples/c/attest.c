/*
 * examples/c/attest.c - attest this machine to a key broker and print its token
 *
 *     attest cc_kbc::https://kbs.example:8080
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
    coco_bytes *token = NULL;

    if (argc != 2)
        return 2;
    if (coco_ctx_new(&ctx, &err) == COCO_OK && coco_kbc_new(argv[1], &kbc, &err) == COCO_OK
        && coco_kbc_attest(kbc, ctx, &token, &err) == COCO_OK)
        (void)puts((const char *)coco_bytes_data(token));
    else
        (void)fprintf(stderr, "attest: %s\n", coco_error_message(err));

    int failed = err != NULL;
    coco_bytes_free(token);
    coco_kbc_free(kbc);
    coco_ctx_free(ctx);
    coco_error_free(err);
    return failed;
}
