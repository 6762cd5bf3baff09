/*
 * cli/token_verify.c - coco token verify
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include "verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_MAX ((size_t)4 << 20)

static coco_status
set_keys(void *verifier, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_token_verifier_set_keys(verifier, data, len, err);
}

static coco_status
set_roots(void *verifier, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_token_verifier_set_roots(verifier, data, len, err);
}

static coco_status
set_tls_ca(void *verifier, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_token_verifier_set_tls_ca(verifier, data, len, err);
}

static int
set_files(struct cli *cli, coco_token_verifier *verifier)
{
    int rc = cli_set_file(cli, cli_get(&cli->args, OPT_JWKS), set_keys, verifier);

    if (rc == CLI_DONE)
        rc = cli_set_file(cli, cli_get(&cli->args, OPT_CA), set_roots, verifier);
    if (rc == CLI_DONE)
        rc = cli_set_file(cli, cli_get(&cli->args, OPT_TLS_CA), set_tls_ca, verifier);
    return rc;
}

static int
set_up(struct cli *cli, coco_token_verifier *verifier)
{
    const char *accept = cli_get(&cli->args, OPT_ACCEPT);
    const char *at = cli_get(&cli->args, OPT_AT);
    int64_t now = 0;

    if (!cli_get(&cli->args, OPT_JWKS) && !cli_get(&cli->args, OPT_CA)
        && !cli_get(&cli->args, OPT_ISSUER))
        return cli_usage(cli, "whose tokens are good? needs --jwks, --ca or --issuer");
    if (at && !cli_parse_time(at, &now))
        return cli_usage(cli, "--at is a time such as 2026-01-31T12:00:00Z");
    coco_token_verifier_set_time(verifier, now);
    int rc = set_files(cli, verifier);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_token_verifier_set_issuer(
                                verifier, cli_get(&cli->args, OPT_ISSUER), &cli->err));
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_token_verifier_set_audience(
                                verifier, cli_get(&cli->args, OPT_AUDIENCE), &cli->err));
    if (rc == CLI_DONE && accept)
        rc = cli_check(cli, coco_token_verifier_accept(verifier, accept, &cli->err));
    return rc;
}

/* As it stands in a file: a newline at its end is none of its own. */
static int
read_token(struct cli *cli, struct cli_bytes *ret)
{
    const char *path = cli->args.n_operands > 0 ? cli->args.operands[0] : "-";

    int rc = cli_read_text(cli, path, TOKEN_MAX, ret);
    while (rc == CLI_DONE && ret->len > 0 && strchr(" \t\r\n", ret->data[ret->len - 1]))
        ret->len--;
    return rc;
}

static void
print_text(const char *name, const cJSON *value)
{
    if (!cJSON_IsString(value))
        return;
    (void)printf("%-9s ", name);
    cli_print(value->valuestring);
    (void)printf("\n");
}

static void
print_audience(const cJSON *claims)
{
    const cJSON *audience = cJSON_GetObjectItemCaseSensitive(claims, "aud");
    const cJSON *one = NULL;

    print_text("audience", audience);
    if (cJSON_IsArray(audience))
        cJSON_ArrayForEach(one, audience)
            print_text("audience", one);
}

static void
print_parts(const cJSON *claims)
{
    const cJSON *part = NULL;

    cJSON_ArrayForEach(part, cJSON_GetObjectItemCaseSensitive(claims, "submods")) {
        const cJSON *status = cJSON_GetObjectItemCaseSensitive(part, "ear.status");

        cli_print(part->string);
        (void)printf(" is ");
        if (cJSON_IsNumber(status))
            (void)printf("%.0f\n", status->valuedouble);
        else
            (void)printf("%s\n", cJSON_GetStringValue(status));
    }
}

/*
 * As they were signed, for a number may have more digits than cJSON keeps. In one line:
 * where JSON has a newline, a space is as good.
 */
static int
write_claims(struct cli *cli, const coco_bytes *text)
{
    const size_t len = coco_bytes_size(text);
    _cleanup_free_ char *line = malloc(len + 1);

    if (!line)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    memcpy(line, coco_bytes_data(text), len);
    for (size_t i = 0; i < len; i++)
        if (line[i] == '\n' || line[i] == '\r')
            line[i] = ' ';
    line[len] = '\n';
    return cli_write_stdout(cli, line, len + 1);
}

/* What it comes to; all that it says is for --json. */
static int
print_claims(struct cli *cli, const coco_bytes *text)
{
    _cleanup_(cJSON_Deletep) cJSON *claims = NULL;
    char until[32];

    if (cli->json)
        return write_claims(cli, text);
    int rc = cli_parse(cli, text, &claims);
    if (rc != CLI_DONE)
        return rc;
    const cJSON *expires = cJSON_GetObjectItemCaseSensitive(claims, "exp");
    print_text("issuer", cJSON_GetObjectItemCaseSensitive(claims, "iss"));
    print_audience(claims);
    (void)printf("%-9s %s\n", "until",
                 cli_time_text((int64_t)cJSON_GetNumberValue(expires), until, sizeof(until)));
    print_parts(claims);
    return CLI_DONE;
}

int
cli_token_verify(struct cli *cli)
{
    _cleanup_(coco_token_verifier_freep) coco_token_verifier *verifier = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *claims = NULL;
    _cleanup_bytes_ struct cli_bytes token = {0};

    int rc = cli_check(cli, coco_token_verifier_new(&verifier, &cli->err));
    if (rc == CLI_DONE)
        rc = set_up(cli, verifier);
    if (rc == CLI_DONE)
        rc = read_token(cli, &token);
    if (rc == CLI_DONE)
        rc = cli_check(
            cli, coco_token_verify(verifier, cli->ctx, token.data, token.len, &claims, &cli->err));
    return rc == CLI_DONE ? print_claims(cli, claims) : rc;
}
