/*
 * cli/collateral.c - coco collateral export, import and show
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define HOUR ((int64_t)3600)
#define DAY (24 * HOUR)

const char *
cli_time_text(int64_t at, char *buf, size_t size)
{
    time_t seconds = (time_t)at;
    struct tm tm;

    if (!gmtime_r(&seconds, &tm) || strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        (void)snprintf(buf, size, "%" PRId64, at);
    return buf;
}

bool
cli_parse_time(const char *text, int64_t *ret)
{
    char back[32];
    struct tm tm = {0};
    char *end = NULL;

    if (text[0] != '\0' && strspn(text, "0123456789") == strlen(text)) {
        errno = 0;
        *ret = strtoimax(text, &end, 10);
        return errno == 0 && *ret > 0;
    }
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (!rest || *rest != '\0')
        return false;
    *ret = timegm(&tm);
    /* strptime() takes a 31st of February. */
    return *ret > 0 && strcmp(cli_time_text(*ret, back, sizeof(back)), text) == 0;
}

/* ---- opening sources ---- */

static coco_status
set_ca(void *collateral, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_collateral_set_tls_ca(collateral, data, len, err);
}

/* Only what asks servers has settings for it. */
static int
set_up(struct cli *cli, coco_collateral *source)
{
    const char *cache = cli_get(&cli->args, OPT_COLLATERAL_CACHE);
    const char *proxy = cli_get(&cli->args, OPT_PROXY);
    const char *no_proxy = cli_get(&cli->args, OPT_NO_PROXY);
    coco_error *probe = NULL;

    coco_status asks = coco_collateral_set_early(source, false, &probe);
    coco_error_free(probe);
    if (asks != COCO_OK)
        return CLI_DONE;
    int rc = CLI_DONE;
    if (cache)
        rc = cli_check(cli, coco_collateral_set_cache(source, cache, &cli->err));
    if (rc == CLI_DONE && (proxy || no_proxy))
        rc = cli_check(cli, coco_collateral_set_proxy(source, proxy, no_proxy, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_set_file(cli, cli_get(&cli->args, OPT_TLS_CA), set_ca, source);
    return rc;
}

int
cli_open_source(struct cli *cli, const char *source, coco_collateral **ret)
{
    const char *key_file = cli_get(&cli->args, OPT_COLLATERAL_KEY);
    _cleanup_(coco_collateral_freep) coco_collateral *opened = NULL;
    _cleanup_bytes_ struct cli_bytes key = {0};

    int rc = key_file ? cli_read_file(cli, key_file, CLI_PEM_MAX, &key) : CLI_DONE;
    if (rc != CLI_DONE)
        return rc;
    coco_status status =
        coco_collateral_open(cli->ctx, source, key.data, key.len, false, &opened, &cli->err);
    rc = cli_check_hint(
        cli, status,
        status == COCO_ERR_INVALID && !key_file ? "the key of a bundle is --collateral-key" : NULL);
    if (rc == CLI_DONE)
        rc = set_up(cli, opened);
    if (rc == CLI_DONE)
        *ret = cli_steal(&opened);
    return rc;
}

int
cli_open_collateral(struct cli *cli, coco_collateral **ret)
{
    _cleanup_(coco_collateral_freep) coco_collateral *all = NULL;
    const char *source = cli_get(&cli->args, OPT_COLLATERAL);
    int rc = CLI_DONE;

    for (unsigned i = 0; rc == CLI_DONE && source; i++) {
        coco_collateral *one = NULL;

        rc = cli_open_source(cli, source, &one);
        if (rc == CLI_DONE && all)
            rc = cli_check(cli, coco_collateral_new_either(cli_steal(&all), one, &all, &cli->err));
        else if (rc == CLI_DONE)
            all = one;
        source = cli_get_nth(&cli->args, OPT_COLLATERAL, i + 1);
    }
    if (rc == CLI_DONE)
        *ret = cli_steal(&all);
    return rc;
}

/* ---- show ---- */

/* "3 days ago" or "in 3 days". */
static const char *
distance(int64_t from, int64_t to, char *buf, size_t size)
{
    int64_t seconds = to <= from ? from - to : to - from;
    int64_t n = seconds / 60;
    const char *unit = "minutes";

    if (seconds >= 2 * DAY) {
        n = seconds / DAY;
        unit = "days";
    } else if (seconds >= 2 * HOUR) {
        n = seconds / HOUR;
        unit = "hours";
    }
    (void)snprintf(buf, size, to <= from ? "%" PRId64 " %s ago" : "in %" PRId64 " %s", n, unit);
    return buf;
}

static int64_t
time_of(const cJSON *item, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, name);

    return cJSON_IsNumber(value) ? (int64_t)value->valuedouble : 0;
}

/* Whether it is what its name says, and has not ended. */
static bool
is_good(const cJSON *item, int64_t now)
{
    int64_t expires = time_of(item, "expires");

    return !cJSON_GetObjectItemCaseSensitive(item, "problem") && (expires == 0 || expires > now);
}

static void
print_item(const cJSON *item, int64_t now)
{
    const cJSON *problem = cJSON_GetObjectItemCaseSensitive(item, "problem");
    int64_t fetched = time_of(item, "fetched");
    int64_t expires = time_of(item, "expires");
    char date[32];
    char away[48];

    cli_print(cJSON_GetObjectItemCaseSensitive(item, "name")->valuestring);
    (void)putchar('\n');
    if (fetched != 0)
        (void)printf("  fetched %s, %s\n", cli_time_text(fetched, date, sizeof(date)),
                     distance(now, fetched, away, sizeof(away)));
    if (expires != 0)
        (void)printf("  %s %s, %s\n", expires > now ? "expires" : "EXPIRED",
                     cli_time_text(expires, date, sizeof(date)),
                     distance(now, expires, away, sizeof(away)));
    if (problem)
        (void)printf("  BAD: %s\n", cJSON_GetStringValue(problem));
}

/* The lines, or with --json the list; then an error if something is of no use any more. */
static int
show_list(struct cli *cli, cJSON *list, int64_t now)
{
    const cJSON *item;
    const char *first = NULL;
    unsigned bad = 0;
    char name[128] = "";

    cJSON_ArrayForEach(item, list) {
        if (!is_good(item, now) && bad++ == 0)
            first = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "name"));
        if (!cli->json)
            print_item(item, now);
    }
    (void)snprintf(name, sizeof(name), "%s", first ? first : "");
    int rc = CLI_DONE;
    if (cli->json)
        rc = cli_event(cli, list);
    else
        cJSON_Delete(list);
    if (rc == CLI_DONE && bad > 0)
        rc = cli_fail(cli, COCO_ERR_VERIFY, "%u of no use, of which %s: fetch them again", bad,
                      name);
    return rc;
}

int
cli_collateral_show(struct cli *cli)
{
    const char *at = cli_get(&cli->args, OPT_AT);
    _cleanup_(coco_collateral_freep) coco_collateral *source = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    int64_t now = (int64_t)time(NULL);

    if (at && !cli_parse_time(at, &now))
        return cli_usage(cli, "--at is a time such as 2026-01-31T12:00:00Z");
    int rc = cli_open_source(cli, cli->args.operands[0], &source);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_collateral_list(source, &bytes, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    cJSON *list =
        cJSON_ParseWithLength((const char *)coco_bytes_data(bytes), coco_bytes_size(bytes));
    return list ? show_list(cli, list, now) : cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
}

/* ---- import ---- */

int
cli_collateral_import(struct cli *cli)
{
    const char *dir = cli->args.operands[1];
    _cleanup_(coco_collateral_freep) coco_collateral *source = NULL;

    int rc = cli_open_source(cli, cli->args.operands[0], &source);
    if (rc == CLI_DONE && mkdir(dir, 0755) != 0 && errno != EEXIST)
        rc = cli_fail_errno(cli, errno, dir);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_collateral_write_dir(source, dir, &cli->err));
    return rc == CLI_DONE ? cli_result(cli, "imported", dir) : rc;
}

/* ---- export ---- */

/*
 * Verifies the evidence in a file, whatever comes of it, so that what that takes is
 * remembered. Collateral that nobody has is missing from the bundle, too.
 */
static int
go_through(struct cli *cli, const char *path, coco_collateral *recorder)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    struct cli_evidence evidence = {.tee = cli_get(&cli->args, OPT_TEE)};
    coco_collateral *shared = NULL;

    int rc = cli_read_evidence(cli, path, &evidence);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_collateral_share(recorder, &shared, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_make_verifier(cli, &evidence, shared, &verifier);
    if (rc == CLI_DONE)
        rc = cli_verify(cli, verifier, &evidence, &verdict);
    cli_bytes_done(&evidence.text);
    return rc;
}

static int
write_bundle(struct cli *cli, coco_collateral *source, const struct cli_bytes *key)
{
    const char *output = cli_get(&cli->args, OPT_OUTPUT);
    _cleanup_(coco_bytes_freep) coco_bytes *bundle = NULL;

    int rc =
        cli_check(cli, coco_collateral_export(source, key->data, key->len, &bundle, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    if (!output)
        return cli_write_stdout(cli, coco_bytes_data(bundle), coco_bytes_size(bundle));
    return cli_write_file(cli, output, coco_bytes_data(bundle), coco_bytes_size(bundle));
}

int
cli_collateral_export(struct cli *cli)
{
    const char *key_file = cli_get(&cli->args, OPT_SIGN_KEY);
    _cleanup_(coco_collateral_freep) coco_collateral *source = NULL;
    _cleanup_(coco_collateral_freep) coco_collateral *recorder = NULL;
    _cleanup_bytes_ struct cli_bytes key = {0};

    if (!key_file || !cli_get(&cli->args, OPT_COLLATERAL))
        return cli_usage(cli, "needs --sign-key FILE and --collateral SOURCE");
    int rc = cli_read_file(cli, key_file, CLI_PEM_MAX, &key);
    if (rc == CLI_DONE)
        rc = cli_open_collateral(cli, &source);
    if (rc == CLI_DONE && cli->args.n_operands > 0)
        rc = cli_check(cli, coco_collateral_new_recorder(cli_steal(&source), &recorder, &cli->err));
    for (unsigned i = 0; i < cli->args.n_operands && rc == CLI_DONE; i++)
        rc = go_through(cli, cli->args.operands[i], recorder);
    return rc == CLI_DONE ? write_bundle(cli, recorder ? recorder : source, &key) : rc;
}
