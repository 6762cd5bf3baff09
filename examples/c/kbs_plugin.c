/*
 * examples/c/kbs_plugin.c - a key broker service with a plug-in of one's own
 *
 *     kbs_plugin FILE     serves with the configuration in FILE until its input ends
 *
 * An attested guest asks what the KBS knows of it: coco resource get kbs+whoami:///claims
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <coco/coco.h>
#include <coco/kbs_plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_MAX 65536

static const char policy[] = "package policy\nimport rego.v1\ndefault allow := false\n"
                             "allow if data.plugin == \"whoami\"\n";

/* Without `access`, guests may GET: who gets here has attested, and the policy has let it in. */
static void
handle(void *user, coco_ctx *ctx, const coco_kbs_request *request, coco_kbs_reply *reply)
{
    (void)user;
    (void)ctx;
    if (strcmp(request->path, "claims") != 0 || !request->claims)
        coco_kbs_reply_fail(reply, COCO_ERR_NOTFOUND, "there are claims, and nothing else");
    else
        /* Encrypted to the key that the guest's evidence is bound to. */
        coco_kbs_reply_give(reply, (const uint8_t *)request->claims, strlen(request->claims));
}

static int
read_config(const char *name, char config[CONFIG_MAX])
{
    FILE *file = fopen(name, "re");
    size_t len = file ? fread(config, 1, CONFIG_MAX - 1, file) : 0;

    config[len] = '\0';
    if (file)
        (void)fclose(file);
    return file && len < CONFIG_MAX - 1;
}

int
main(int argc, char **argv)
{
    static char config[CONFIG_MAX];
    const coco_kbs_plugin plugin = {
        .size = sizeof(plugin),
        .name = "whoami",
        .handle = handle,
    };
    coco_error *err = NULL;
    coco_ctx *ctx = NULL;
    coco_kbs *kbs = NULL;

    if (argc != 2 || !read_config(argv[1], config))
        return 2;
    if (coco_ctx_new(&ctx, &err) == COCO_OK && coco_kbs_new(ctx, config, &kbs, &err) == COCO_OK
        && coco_kbs_add_plugin(kbs, &plugin, NULL, &err) == COCO_OK
        && coco_kbs_set_resource_policy(kbs, policy, &err) == COCO_OK
        && coco_kbs_start(kbs, &err) == COCO_OK) {
        (void)printf("%s\n", coco_kbs_url(kbs));
        (void)fflush(stdout);
        while (getchar() != EOF)
            continue;
    }
    if (err)
        (void)fprintf(stderr, "kbs_plugin: %s\n", coco_error_message(err));

    int failed = err != NULL;
    coco_kbs_free(kbs);
    coco_ctx_free(ctx);
    coco_error_free(err);
    return failed;
}
