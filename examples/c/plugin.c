/*
 * examples/c/plugin.c - a key broker client of one's own: secrets in files
 *
 *     plugin DIRECTORY kbs:///default/key/1     writes DIRECTORY/default/key/1
 *
 * What is made with coco_kbc_new_plugin() goes wherever a KBC goes, such as to
 * coco_image_client_set_kbc().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <coco/coco.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MAX 65536

/* path is "<repository>/<type>/<tag>" of harmless characters: it leads nowhere else. */
static void
get_resource(void *user, coco_ctx *ctx, const char *path, coco_kbc_answer *answer)
{
    char name[4096];
    uint8_t *secret = malloc(SECRET_MAX);

    (void)ctx;
    (void)snprintf(name, sizeof(name), "%s/%s", (const char *)user, path);
    FILE *file = secret ? fopen(name, "rbe") : NULL;
    if (!file) {
        coco_status status = errno == ENOENT ? COCO_ERR_NOTFOUND : COCO_ERR_IO;
        coco_kbc_answer_fail(answer, secret ? status : COCO_ERR_NOMEM, "the file cannot be opened");
        free(secret);
        return;
    }
    size_t len = fread(secret, 1, SECRET_MAX, file);
    if (ferror(file))
        coco_kbc_answer_fail(answer, COCO_ERR_IO, "the file cannot be read");
    else if (len == SECRET_MAX)
        coco_kbc_answer_fail(answer, COCO_ERR_LIMIT, "the secret is too large");
    else
        coco_kbc_answer_give(answer, secret, len);
    (void)fclose(file);
    explicit_bzero(secret, SECRET_MAX);
    free(secret);
}

int
main(int argc, char **argv)
{
    const coco_kbc_plugin plugin = {
        .size = sizeof(plugin),
        .name = "directory_kbc",
        .get_resource = get_resource,
    };
    coco_error *err = NULL;
    coco_ctx *ctx = NULL;
    coco_kbc *kbc = NULL;
    coco_bytes *secret = NULL;

    if (argc != 3)
        return 2;
    if (coco_ctx_new(&ctx, &err) == COCO_OK
        && coco_kbc_new_plugin(&plugin, argv[1], &kbc, &err) == COCO_OK
        && coco_kbc_get_resource(kbc, ctx, argv[2], &secret, &err) == COCO_OK)
        (void)fwrite(coco_bytes_data(secret), 1, coco_bytes_size(secret), stdout);
    else
        (void)fprintf(stderr, "plugin: %s\n", coco_error_message(err));

    int failed = err != NULL;
    coco_bytes_free(secret);
    coco_kbc_free(kbc);
    coco_ctx_free(ctx);
    coco_error_free(err);
    return failed;
}
