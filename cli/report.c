/*
 * cli/report.c - what coco says: errors, results, the log
 *
 *     stdout  the result; with --json one object a line, events and then the result
 *     stderr  errors, one line or object; the log; progress bars if it is a terminal
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct {
    coco_status status;
    enum cli_exit code;
    const char *id;
} kinds[] = {
    {COCO_OK, CLI_DONE, "ok"},
    {COCO_ERR_NOMEM, CLI_OTHER, "no-memory"},
    {COCO_ERR_INVALID, CLI_USAGE, "invalid"},
    {COCO_ERR_NOTFOUND, CLI_NOT_FOUND, "not-found"},
    {COCO_ERR_NOTSUP, CLI_NOT_SUPPORTED, "not-supported"},
    {COCO_ERR_IO, CLI_OTHER, "io"},
    {COCO_ERR_NET, CLI_NETWORK, "network"},
    {COCO_ERR_PROTO, CLI_OTHER, "malformed"},
    {COCO_ERR_LIMIT, CLI_LIMIT, "limit"},
    {COCO_ERR_VERIFY, CLI_NOT_TRUSTED, "not-trusted"},
    {COCO_ERR_DENIED, CLI_DENIED, "denied"},
    {COCO_ERR_CANCELED, CLI_CANCELED, "canceled"},
};

const struct cli_exit_text cli_exit_texts[] = {
    {CLI_DONE, "done"},
    {CLI_OTHER, "anything else: the system failed, input is malformed"},
    {CLI_USAGE, "the command line is wrong"},
    {CLI_DENIED, "a policy or the other side said no"},
    {CLI_NOT_TRUSTED, "a signature, digest, HMAC or evidence does not hold"},
    {CLI_NETWORK, "the other side cannot be reached"},
    {CLI_NOT_FOUND, "no such image, resource or file"},
    {CLI_NOT_SUPPORTED, "not supported by this build or machine"},
    {CLI_LIMIT, "more than allowed"},
    {CLI_CANCELED, "interrupted"},
    {0, NULL},
};

enum cli_exit
cli_exit_code(coco_status status)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].status == status)
            return kinds[i].code;
    return CLI_OTHER;
}

const char *
cli_status_id(coco_status status)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].status == status)
            return kinds[i].id;
    return "other";
}

uint64_t
cli_now_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

const char *
cli_size_text(uint64_t bytes, char *buf, size_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(buf, size, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return buf;
}

/* The command's name, for "coco: <what> : <why>". */
static const char *
what(const struct cli *cli)
{
    if (cli->args.command)
        return cli->args.command->name;
    return cli->args.group ? cli->args.group : "command line";
}

static void
write_error(struct cli *cli, const char *id, const char *status, int code, const char *message)
{
    _cleanup_(cJSON_Deletep) cJSON *object = cli->json ? cJSON_CreateObject() : NULL;
    _cleanup_free_ char *text = NULL;

    cli_progress_end(cli);
    if (object && cJSON_AddStringToObject(object, "id", id)
        && cJSON_AddStringToObject(object, "status", status)
        && cJSON_AddStringToObject(object, "what", what(cli))
        && cJSON_AddStringToObject(object, "message", message)
        && cJSON_AddNumberToObject(object, "exit_code", code))
        text = cJSON_PrintUnformatted(object);
    if (text)
        (void)fprintf(stderr, "%s\n", text);
    else
        (void)fprintf(stderr, "coco: %s : %s\n", what(cli), message);
}

int
cli_fail(struct cli *cli, coco_status status, const char *fmt, ...)
{
    char message[1024];
    int code = (int)cli_exit_code(status);
    va_list list;

    va_start(list, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, list);
    va_end(list);
    write_error(cli, cli_status_id(status), coco_status_name(status), code, message);
    return code;
}

int
cli_fail_errno(struct cli *cli, int error, const char *name)
{
    coco_status status = COCO_ERR_IO;

    if (error == ENOMEM)
        status = COCO_ERR_NOMEM;
    if (error == ENOENT)
        status = COCO_ERR_NOTFOUND;
    if (error == ECANCELED)
        status = COCO_ERR_CANCELED;
    return cli_fail(cli, status, "%s: %s", name, strerrordesc_np(error));
}

int
cli_check_hint(struct cli *cli, coco_status status, const char *hint)
{
    if (status == COCO_OK)
        return CLI_DONE;
    return cli_fail(cli, status, "%s%s%s", coco_error_message(cli->err), hint ? "; " : "",
                    hint ? hint : "");
}

int
cli_check(struct cli *cli, coco_status status)
{
    return cli_check_hint(cli, status, NULL);
}

int
cli_usage(struct cli *cli, const char *fmt, ...)
{
    char message[1024];
    va_list list;

    va_start(list, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, list);
    va_end(list);
    write_error(cli, "usage", coco_status_name(COCO_ERR_INVALID), CLI_USAGE, message);
    bool known = cli->args.command || cli->args.group;
    if (!cli->json)
        (void)fprintf(stderr, "Try: coco %s%s--help\n", known ? what(cli) : "", known ? " " : "");
    return CLI_USAGE;
}

static int
write_line(struct cli *cli, const char *text)
{
    if (fprintf(stdout, "%s\n", text) < 0 || fflush(stdout) != 0)
        return cli_fail_errno(cli, errno, "stdout");
    return CLI_DONE;
}

/* The character at text, and how many bytes it has; not UTF-8 is U+FFFF of one byte. */
static uint32_t
read_character(const char *text, size_t *size)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t n = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    uint32_t code = n == 1 ? at[0] : at[0] & (0x7fU >> n);
    bool valid = at[0] < 0x80 || (at[0] >= 0xc2 && at[0] < 0xf5);

    for (size_t i = 1; i < n && valid; i++) {
        valid = (at[i] & 0xc0) == 0x80; /* the NUL at the end is none */
        code = code << 6 | (at[i] & 0x3fU);
    }
    *size = valid ? n : 1;
    return valid ? code : 0xffff;
}

/* What a terminal obeys, or nobody sees while it turns other text about or hides in it. */
static bool
is_unseen(uint32_t code)
{
    /* As lib/base/text.c has them, by which messages are escaped already. */
    static const struct {
        uint32_t first, last;
    } unseen[] = {
        {0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},       {0x61c, 0x61c},   {0x180e, 0x180e},
        {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f}, {0xfeff, 0xfeff},
        {0xfff9, 0xfffb}, {0xffff, 0xffff}, {0xe0000, 0xe007f},
    };

    for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
        if (code >= unseen[i].first && code <= unseen[i].last)
            return true;
    return false;
}

size_t
cli_put(const char *text)
{
    size_t size = 0;
    bool unseen = is_unseen(read_character(text, &size));

    for (size_t i = 0; i < size; i++)
        (void)printf(unseen ? "\\x%02x" : "%c", (unsigned char)text[i]);
    return size;
}

void
cli_print(const char *text)
{
    while (*text)
        text += cli_put(text);
}

int
cli_event(struct cli *cli, cJSON *object)
{
    _cleanup_(cJSON_Deletep) cJSON *owned = object;
    _cleanup_free_ char *text = owned ? cJSON_PrintUnformatted(owned) : NULL;

    if (!text)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    return write_line(cli, text);
}

int
cli_parse(struct cli *cli, const coco_bytes *bytes, cJSON **ret)
{
    *ret = cJSON_ParseWithLength((const char *)coco_bytes_data(bytes), coco_bytes_size(bytes));
    return *ret ? CLI_DONE : cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
}

int
cli_result(struct cli *cli, const char *name, const char *text)
{
    if (!cli->json)
        return write_line(cli, text);
    _cleanup_(cJSON_Deletep) cJSON *object = cJSON_CreateObject();
    if (!object || !cJSON_AddStringToObject(object, name, text))
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    return cli_event(cli, cli_steal(&object));
}

static void
on_log(void *user, coco_log_level level, const char *message)
{
    static const char *const names[] = {"debug", "info", "warn"};
    struct cli *cli = user;
    const char *name = names[level <= COCO_LOG_WARN ? level : COCO_LOG_WARN];
    _cleanup_(cJSON_Deletep) cJSON *object = cli->json ? cJSON_CreateObject() : NULL;
    _cleanup_free_ char *text = NULL;

    if (object && cJSON_AddStringToObject(object, "event", "log")
        && cJSON_AddStringToObject(object, "level", name)
        && cJSON_AddStringToObject(object, "message", message))
        text = cJSON_PrintUnformatted(object);
    (void)pthread_mutex_lock(&cli->lock);
    cli_progress_clear(cli);
    if (text)
        (void)fprintf(stderr, "%s\n", text);
    else
        (void)fprintf(stderr, "coco: %s: %s\n", name, message);
    (void)pthread_mutex_unlock(&cli->lock);
}

int
cli_report_begin(struct cli *cli)
{
    static const struct {
        const char *name;
        coco_log_level level;
    } levels[] = {{"debug", COCO_LOG_DEBUG}, {"info", COCO_LOG_INFO}, {"warn", COCO_LOG_WARN}};
    const char *name = cli_get(&cli->args, OPT_LOG);

    bool events = cli->json ? !cli->args.command->data : isatty(STDERR_FILENO) != 0;

    if (events)
        coco_ctx_set_progress(cli->ctx, cli_progress_show, cli, NULL);
    if (!name)
        return CLI_DONE;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (strcmp(levels[i].name, name) == 0) {
            coco_ctx_set_log(cli->ctx, levels[i].level, on_log, cli, NULL);
            return CLI_DONE;
        }
    return cli_usage(cli, "COCO_LOG can be: %s", cli_option(OPT_LOG)->choices);
}
