/*
 * cli/evidence_record.c - coco evidence record and replay
 *
 * A record is one JSON object: the evidence as it came, what it had to be bound to,
 * the time, the collateral that verifying took, and what it came to. Nothing in it
 * is trusted when it is replayed: what is to be trusted or let through beyond the
 * makers' own is said again on the command line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FORMAT "coco-evidence-record"
#define VERSION 1
#define RECORD_MAX ((size_t)128 << 20)
#define TIME_LAST 1e15 /* which a double has to the second */

/* ---- writing ---- */

static void
add_hex(cJSON *object, const char *name, const uint8_t *data, size_t len)
{
    char hex[2 * CLI_REPORT_DATA_MAX + 1] = "";

    for (size_t i = 0; i < len; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", data[i]);
    if (len > 0)
        cJSON_AddStringToObject(object, name, hex);
    else
        cJSON_AddNullToObject(object, name);
}

static void
add_options(cJSON *object, const struct cli *cli, enum cli_opt opt, const char *name)
{
    cJSON *list = cJSON_AddArrayToObject(object, name);
    const char *value;

    for (unsigned i = 0; (value = cli_get_nth(&cli->args, opt, i)); i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(value));
}

static int
add_item(struct cli *cli, cJSON *list, coco_collateral *recorder, const cJSON *item)
{
    const char *name = cJSON_GetObjectItemCaseSensitive(item, "name")->valuestring;
    const cJSON *fetched = cJSON_GetObjectItemCaseSensitive(item, "fetched");
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    int rc = cli_check(cli, coco_collateral_get(recorder, name, &bytes, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    size_t len = coco_bytes_size(bytes); /* 1 MiB at most */
    _cleanup_free_ char *text = malloc((len + 2) / 3 * 4 + 1);
    if (!text)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    (void)EVP_EncodeBlock((unsigned char *)text, coco_bytes_data(bytes), (int)len);
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "name", name);
    cJSON_AddItemToObject(entry, "fetched", cJSON_Duplicate(fetched, true));
    cJSON_AddStringToObject(entry, "data", text);
    cJSON_AddItemToArray(list, entry);
    return CLI_DONE;
}

static int
add_collateral(struct cli *cli, cJSON *object, coco_collateral *recorder)
{
    cJSON *list = cJSON_AddArrayToObject(object, "collateral");
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_(cJSON_Deletep) cJSON *items = NULL;
    const cJSON *item;

    if (!recorder)
        return CLI_DONE;
    int rc = cli_check(cli, coco_collateral_list(recorder, &bytes, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    items = cJSON_ParseWithLength((const char *)coco_bytes_data(bytes), coco_bytes_size(bytes));
    cJSON_ArrayForEach(item, items) {
        if (rc == CLI_DONE)
            rc = add_item(cli, list, recorder, item);
    }
    return rc;
}

static int
write_record(struct cli *cli, const struct cli_evidence *evidence, const coco_verdict *verdict,
             coco_collateral *recorder)
{
    const char *output = cli_get(&cli->args, OPT_OUTPUT);
    _cleanup_(cJSON_Deletep) cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "format", FORMAT);
    cJSON_AddNumberToObject(object, "version", VERSION);
    cJSON_AddNumberToObject(object, "time", (double)evidence->time);
    cJSON_AddStringToObject(object, "tee", evidence->tee);
    add_hex(object, "report_data", evidence->report_data, evidence->report_data_len);
    add_hex(object, "init_data", evidence->init_data, evidence->init_data_len);
    add_options(object, cli, OPT_ALLOW, "allow");
    add_options(object, cli, OPT_TRUST_ROOT, "trust_root");
    cJSON_AddStringToObject(object, "evidence", (const char *)evidence->text.data);
    cJSON_AddItemToObject(object, "verdict", cli_verdict_json(evidence, verdict));
    int rc = add_collateral(cli, object, recorder);
    if (rc != CLI_DONE)
        return rc;
    _cleanup_free_ char *text = cJSON_PrintUnformatted(object);
    if (!text)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    if (output)
        return cli_write_file(cli, output, text, strlen(text));
    rc = cli_write_stdout(cli, text, strlen(text));
    return rc == CLI_DONE ? cli_write_stdout(cli, "\n", 1) : rc;
}

int
cli_evidence_record(struct cli *cli)
{
    _cleanup_(coco_collateral_freep) coco_collateral *recorder = NULL;
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    struct cli_evidence evidence = {0};
    coco_collateral *source = NULL;
    coco_collateral *shared = NULL;

    int rc =
        cli_read_evidence(cli, cli->args.n_operands > 0 ? cli->args.operands[0] : "-", &evidence);
    if (evidence.time == 0)
        evidence.time = (int64_t)time(NULL);
    if (rc == CLI_DONE)
        rc = cli_open_collateral(cli, &source);
    if (rc == CLI_DONE && source)
        rc = cli_check(cli, coco_collateral_new_recorder(source, &recorder, &cli->err));
    if (rc == CLI_DONE && recorder)
        rc = cli_check(cli, coco_collateral_share(recorder, &shared, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_make_verifier(cli, &evidence, shared, &verifier);
    if (rc == CLI_DONE)
        rc = cli_verify(cli, verifier, &evidence, &verdict);
    if (rc == CLI_DONE)
        rc = write_record(cli, &evidence, verdict, recorder);
    cli_bytes_done(&evidence.text);
    return rc;
}

/* ---- replaying ---- */

static int
malformed(struct cli *cli, const char *what)
{
    return cli_fail(cli, COCO_ERR_PROTO, "is no record of evidence: %s", what);
}

static const char *
text_of(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* A member that is hex, or null for nothing. */
static bool
read_hex(const cJSON *object, const char *name, uint8_t *ret, size_t max, size_t *len)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNull(value)
           || (cJSON_IsString(value) && cli_unhex(value->valuestring, ret, max, len));
}

static int
read_record(struct cli *cli, const cJSON *record, struct cli_evidence *ret)
{
    const char *format = text_of(record, "format");
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(record, "version");
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(record, "time");
    const char *evidence = text_of(record, "evidence");

    if (!format || strcmp(format, FORMAT) != 0 || !cJSON_IsNumber(version))
        return malformed(cli, "its format is another");
    if (version->valueint != VERSION)
        return cli_fail(cli, COCO_ERR_NOTSUP, "records of version %d are not known here",
                        version->valueint);
    ret->tee = text_of(record, "tee");
    if (!ret->tee || !evidence || !cJSON_IsNumber(at) || at->valuedouble < 1
        || at->valuedouble > TIME_LAST)
        return malformed(cli, "tee, evidence or time is missing");
    if (!read_hex(record, "report_data", ret->report_data, CLI_REPORT_DATA_MAX,
                  &ret->report_data_len)
        || !read_hex(record, "init_data", ret->init_data, CLI_INIT_DATA_MAX, &ret->init_data_len))
        return malformed(cli, "report_data or init_data is no hex");
    ret->time = (int64_t)at->valuedouble;
    ret->text.data = (uint8_t *)strdup(evidence);
    ret->text.len = strlen(evidence);
    return ret->text.data ? CLI_DONE : cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
}

static int
read_item(struct cli *cli, const cJSON *item, coco_collateral *memory)
{
    const cJSON *fetched = cJSON_GetObjectItemCaseSensitive(item, "fetched");
    const char *name = text_of(item, "name");
    const char *text = text_of(item, "data");
    size_t len = text ? strlen(text) : 0;

    if (!name || !text || len % 4 != 0 || len > ((size_t)2 << 20))
        return malformed(cli, "collateral without a name or data");
    _cleanup_free_ uint8_t *data = malloc(len / 4 * 3 + 1);
    if (!data)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    int n = len > 0 ? EVP_DecodeBlock(data, (const unsigned char *)text, (int)len) : 0;
    if (n < 0)
        return malformed(cli, "data of collateral is no base64");
    size_t padding = len > 0 ? (size_t)(text[len - 1] == '=') + (size_t)(text[len - 2] == '=') : 0;
    double said = cJSON_IsNumber(fetched) ? fetched->valuedouble : 0;
    int64_t when = said >= 1 && said <= TIME_LAST ? (int64_t)said : 0;
    return cli_check(cli,
                     coco_collateral_add(memory, name, data, (size_t)n - padding, when, &cli->err));
}

static int
read_collateral(struct cli *cli, const cJSON *record, coco_collateral **ret)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(record, "collateral");
    _cleanup_(coco_collateral_freep) coco_collateral *memory = NULL;
    const cJSON *item;

    if (!cJSON_IsArray(list))
        return malformed(cli, "collateral is no list");
    int rc = cli_check(cli, coco_collateral_new_memory(&memory, &cli->err));
    cJSON_ArrayForEach(item, list) {
        if (rc == CLI_DONE)
            rc = read_item(cli, item, memory);
    }
    if (rc == CLI_DONE)
        *ret = cli_steal(&memory);
    return rc;
}

/* The first check that comes out otherwise than it did, or that claims do; or NULL. */
static const char *
difference(const cJSON *then, const cJSON *now)
{
    const cJSON *before = cJSON_GetObjectItemCaseSensitive(then, "checks");
    const cJSON *after = cJSON_GetObjectItemCaseSensitive(now, "checks");
    int n = cJSON_GetArraySize(after);

    for (int i = 0; i < n; i++) {
        const cJSON *a = cJSON_GetArrayItem(before, i);
        const cJSON *b = cJSON_GetArrayItem(after, i);

        if (!cJSON_Compare(cJSON_GetObjectItemCaseSensitive(a, "name"),
                           cJSON_GetObjectItemCaseSensitive(b, "name"), true)
            || !cJSON_Compare(cJSON_GetObjectItemCaseSensitive(a, "ok"),
                              cJSON_GetObjectItemCaseSensitive(b, "ok"), true))
            return text_of(b, "name");
    }
    if (cJSON_GetArraySize(before) != n)
        return "one that is not made any more";
    return cJSON_Compare(cJSON_GetObjectItemCaseSensitive(then, "claims"),
                         cJSON_GetObjectItemCaseSensitive(now, "claims"), true)
               ? NULL
               : "its claims";
}

static int
judge(struct cli *cli, const cJSON *record, const struct cli_evidence *evidence,
      const coco_verdict *verdict)
{
    const cJSON *then = cJSON_GetObjectItemCaseSensitive(record, "verdict");
    _cleanup_(cJSON_Deletep) cJSON *now = cli_verdict_json(evidence, verdict);
    const char *differs = difference(then, now);
    char message[160];
    int rc = CLI_DONE;

    (void)snprintf(message, sizeof(message), "%s", differs ? differs : "");
    if (cli->json)
        rc = cli_event(cli, cli_steal(&now));
    else
        cli_verdict_print(evidence, verdict, true);
    if (rc == CLI_DONE && differs)
        rc = cli_fail(cli, COCO_ERR_VERIFY, "this is not what it came to when it was recorded: %s",
                      message);
    if (rc == CLI_DONE && !cli_verdict_holds(evidence, verdict))
        rc = cli_fail(cli, COCO_ERR_VERIFY, "the evidence does not hold, as when it was recorded%s",
                      cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(then, "valid"))
                          ? " with more allowed: say so again"
                          : "");
    return rc;
}

int
cli_evidence_replay(struct cli *cli)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_(cJSON_Deletep) cJSON *record = NULL;
    _cleanup_bytes_ struct cli_bytes text = {0};
    struct cli_evidence evidence = {0};
    coco_collateral *collateral = NULL;

    int rc = cli_read_file(cli, cli->args.operands[0], RECORD_MAX, &text);
    if (rc != CLI_DONE)
        return rc;
    record = cJSON_ParseWithLengthOpts((const char *)text.data, text.len + 1, NULL, true);
    if (!cJSON_IsObject(record))
        return malformed(cli, "no JSON object");
    rc = read_record(cli, record, &evidence);
    if (rc == CLI_DONE)
        rc = read_collateral(cli, record, &collateral);
    if (rc == CLI_DONE)
        rc = cli_make_verifier(cli, &evidence, collateral, &verifier);
    if (rc == CLI_DONE)
        rc = cli_verify(cli, verifier, &evidence, &verdict);
    if (rc == CLI_DONE)
        rc = judge(cli, record, &evidence, verdict);
    cli_bytes_done(&evidence.text);
    return rc;
}
