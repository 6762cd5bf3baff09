/*
 * cli/image_verify.c - coco image verify
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

static const char *
text_of(const cJSON *json, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

    return text ? text : "";
}

static bool
is_true(const cJSON *json, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static void
print_line(int indent, const char *what, const char *text, const char *more)
{
    (void)printf("%*s%s ", indent, "", what);
    cli_print(text);
    if (more[0]) {
        (void)printf(": ");
        cli_print(more);
    }
    (void)printf("\n");
}

static void
print_signature(const cJSON *signature)
{
    const cJSON *check;

    print_line(4, "signature", text_of(signature, "where"), "");
    cJSON_ArrayForEach(check, cJSON_GetObjectItemCaseSensitive(signature, "checks"))
        print_line(6, is_true(check, "ok") ? "ok    " : "not ok", text_of(check, "check"),
                   text_of(check, "detail"));
}

static void
print_requirement(const cJSON *requirement)
{
    const cJSON *signature;

    print_line(2, is_true(requirement, "accepted") ? "ok    " : "not ok",
               text_of(requirement, "type"), text_of(requirement, "reason"));
    cJSON_ArrayForEach(signature, cJSON_GetObjectItemCaseSensitive(requirement, "signatures"))
        print_signature(signature);
}

static void
print_verdict(const cJSON *verdict)
{
    const cJSON *scope;
    const cJSON *requirement;

    print_line(0, is_true(verdict, "accepted") ? "accepted" : "refused",
               text_of(verdict, "reference"), text_of(verdict, "digest"));
    cJSON_ArrayForEach(scope, cJSON_GetObjectItemCaseSensitive(verdict, "scopes")) {
        print_line(0, "scope", text_of(scope, "scope"), "");
        cJSON_ArrayForEach(requirement, cJSON_GetObjectItemCaseSensitive(scope, "requirements"))
            print_requirement(requirement);
    }
}

static int
report(struct cli *cli, const coco_bytes *bytes)
{
    const char *text = (const char *)coco_bytes_data(bytes);
    _cleanup_(cJSON_Deletep) cJSON *verdict = NULL;

    int rc = cli_parse(cli, bytes, &verdict);
    if (rc != CLI_DONE)
        return rc;
    if (cli->json) {
        rc = cli_write_stdout(cli, text, coco_bytes_size(bytes));
        if (rc == CLI_DONE)
            rc = cli_write_stdout(cli, "\n", 1);
    } else {
        print_verdict(verdict);
    }
    if (rc == CLI_DONE && !is_true(verdict, "accepted"))
        rc = cli_fail(cli, COCO_ERR_DENIED, "%s%s", text_of(verdict, "reason"),
                      cli_get(&cli->args, OPT_POLICY)
                          ? ""
                          : "; a policy is set with --policy FILE, see containers-policy.json(5)");
    return rc;
}

int
cli_image_verify(struct cli *cli)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_image_client_freep) coco_image_client *client = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    coco_image_options options;

    int rc = cli_parse_ref(cli, cli->args.operands[0], &ref);
    if (rc == CLI_DONE)
        rc = cli_image_options(cli, &options);
    if (rc == CLI_DONE)
        rc = cli_open_kbc(cli, &kbc);
    if (rc == CLI_DONE)
        rc = cli_open_images(cli, kbc, &client);
    if (rc == CLI_DONE)
        rc = cli_set_policy(cli, client);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_image_judge(client, cli->ctx, ref, &options, &bytes, &cli->err));
    return rc == CLI_DONE ? report(cli, bytes) : rc;
}
