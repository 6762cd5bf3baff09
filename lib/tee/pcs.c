/*
 * tee/pcs.c - what Intel's provisioning certification service (PCS) signs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/pcs.h"

#include "base/fail.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ADVISORIES_MAX 64
#define LAST_TIME INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define HEX_MAX 128

/* ---- answers ---- */

/* What is left of the text. */
struct cursor {
    const char *p;
    size_t len;
};

static void
skip_space(struct cursor *c)
{
    while (c->len > 0 && memchr(" \t\r\n", *c->p, 4)) {
        c->p++;
        c->len--;
    }
}

/* Passes over text, which comes next; false if it does not. */
static bool
take(struct cursor *c, const char *text)
{
    size_t len = strlen(text);

    if (c->len < len || memcmp(c->p, text, len) != 0)
        return false;
    c->p += len;
    c->len -= len;
    return true;
}

/* The same for one of JSON's signs, and the space around it. */
static bool
take_sign(struct cursor *c, const char *sign)
{
    skip_space(c);
    if (!take(c, sign))
        return false;
    skip_space(c);
    return true;
}

static bool
take_name(struct cursor *c, const char *name)
{
    return take(c, "\"") && take(c, name) && take(c, "\"") && take_sign(c, ":");
}

/* Length of the object that the text begins with, its brackets counted outside of strings; or 0. */
static size_t
object_len(const struct cursor *c)
{
    size_t depth = 0;
    bool in_string = false;

    if (c->len == 0 || *c->p != '{')
        return 0;
    for (size_t i = 0; i < c->len; i++) {
        char byte = c->p[i];

        if (in_string && byte == '\\')
            i++;
        else if (byte == '"')
            in_string = !in_string;
        else if (!in_string && (byte == '{' || byte == '['))
            depth++;
        else if (!in_string && (byte == '}' || byte == ']') && --depth == 0)
            return i + 1;
    }
    return 0;
}

coco_status
coco_pcs_answer_parse(const char *text, size_t len, const char *member, struct coco_pcs_answer *ret,
                      coco_error **err)
{
    struct cursor c = {.p = text, .len = len};
    struct coco_pcs_answer answer = {0};
    const size_t hex_len = 2 * sizeof(answer.signature);

    if (!take_sign(&c, "{") || !take_name(&c, member))
        return coco_fail(err, COCO_ERR_PROTO, "does not begin with '%s'", member);
    answer.value = c.p;
    answer.value_len = object_len(&c);
    if (answer.value_len == 0)
        return coco_fail(err, COCO_ERR_PROTO, "'%s' is no object", member);
    c.p += answer.value_len;
    c.len -= answer.value_len;
    if (!take_sign(&c, ",") || !take_name(&c, "signature") || !take(&c, "\"") || c.len < hex_len
        || !coco_unhex(c.p, hex_len, answer.signature, sizeof(answer.signature)))
        return coco_fail(err, COCO_ERR_PROTO, "has no signature");
    c.p += hex_len;
    c.len -= hex_len;
    if (!take(&c, "\"") || !take_sign(&c, "}") || c.len > 0)
        return coco_fail(err, COCO_ERR_PROTO, "has something behind its signature");
    *ret = answer;
    return COCO_OK;
}

coco_status
coco_pcs_answer_format(const struct coco_pcs_answer *answer, const char *member,
                       struct coco_buf *buf, coco_error **err)
{
    char hex[2 * COCO_PCS_SIGNATURE_SIZE + 1];

    coco_hex(answer->signature, sizeof(answer->signature), hex);
    coco_status status = coco_buf_printf(buf, err, "{\"%s\":", member);
    if (status == COCO_OK)
        status = coco_buf_append(buf, answer->value, answer->value_len, err);
    if (status == COCO_OK)
        status = coco_buf_printf(buf, err, ",\"signature\":\"%s\"}", hex);
    return status;
}

/* ---- statuses ---- */

static const struct {
    const char *name;
    unsigned status;
} statuses[] = {
    {"UpToDate", COCO_TCB_UP_TO_DATE},
    {"SWHardeningNeeded", COCO_TCB_SW_HARDENING_NEEDED},
    {"ConfigurationNeeded", COCO_TCB_CONFIGURATION_NEEDED},
    {"ConfigurationAndSWHardeningNeeded",
     COCO_TCB_CONFIGURATION_NEEDED | COCO_TCB_SW_HARDENING_NEEDED},
    {"OutOfDate", COCO_TCB_OUT_OF_DATE},
    {"OutOfDateConfigurationNeeded", COCO_TCB_OUT_OF_DATE | COCO_TCB_CONFIGURATION_NEEDED},
    {"Revoked", COCO_TCB_REVOKED},
    {"TDRelaunchAdvised", COCO_TCB_RELAUNCH_ADVISED},
    {"TDRelaunchAdvisedConfigurationNeeded",
     COCO_TCB_RELAUNCH_ADVISED | COCO_TCB_CONFIGURATION_NEEDED},
};

const char *
coco_tcb_status_name(unsigned status)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].status == status)
            return statuses[i].name;
    return NULL;
}

coco_status
coco_tcb_status_parse(const char *name, unsigned *ret, coco_error **err)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (strcmp(statuses[i].name, name) == 0
            && !(statuses[i].status & COCO_TCB_RELAUNCH_ADVISED)) {
            *ret = statuses[i].status;
            return COCO_OK;
        }
    return coco_fail(err, COCO_ERR_PROTO, "there is no TCB status '%.40s'", name);
}

/* ---- times ---- */

/* The number at text, whose digits end before the byte end; -1 if they do not. */
static int
read_digits(const char *text, size_t n, char end)
{
    int value = 0;

    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return text[n] == end ? value : -1;
}

coco_status
coco_pcs_time_parse(const char *text, int64_t *ret, coco_error **err)
{
    if (strlen(text) != COCO_PCS_TIME_SIZE - 1)
        return coco_fail(err, COCO_ERR_PROTO, "'%.40s' is no time", text);
    const struct tm want = {
        .tm_year = read_digits(text, 4, '-') - 1900,
        .tm_mon = read_digits(text + 5, 2, '-') - 1,
        .tm_mday = read_digits(text + 8, 2, 'T'),
        .tm_hour = read_digits(text + 11, 2, ':'),
        .tm_min = read_digits(text + 14, 2, ':'),
        .tm_sec = read_digits(text + 17, 2, 'Z'),
    };
    struct tm got = want;
    time_t time = timegm(&got);

    /* timegm() makes 1 March of 29 February, and so on: what it changes was no date. */
    if (want.tm_year < -1900 || got.tm_year != want.tm_year || got.tm_mon != want.tm_mon
        || got.tm_mday != want.tm_mday || got.tm_hour != want.tm_hour || got.tm_min != want.tm_min
        || got.tm_sec != want.tm_sec)
        return coco_fail(err, COCO_ERR_PROTO, "'%.40s' is no time", text);
    *ret = (int64_t)time;
    return COCO_OK;
}

void
coco_pcs_time_format(int64_t time, char buf[COCO_PCS_TIME_SIZE])
{
    time_t clamped = (time_t)(time < 0 ? 0 : time > LAST_TIME ? LAST_TIME : time);
    struct tm tm = {0};

    (void)gmtime_r(&clamped, &tm);
    (void)strftime(buf, COCO_PCS_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* ---- members ---- */

coco_status
coco_pcs_get_hex(const cJSON *object, const char *name, uint8_t *ret, size_t len, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(object, name, &text, err);
    if (status == COCO_OK && !coco_unhex(text, strlen(text), ret, len))
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' is not the hex of %zu bytes", name, len);
    return status;
}

/* The PCS writes capitals. */
coco_status
coco_pcs_add_hex(cJSON *object, const char *name, const uint8_t *data, size_t len, coco_error **err)
{
    char hex[2 * HEX_MAX + 1];

    if (len > HEX_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "member '%s' of %zu bytes", name, len);
    coco_hex(data, len, hex);
    for (char *p = hex; *p; p++)
        if (*p >= 'a')
            *p = (char)(*p - 'a' + 'A');
    return coco_json_add_string(object, name, hex, err);
}

coco_status
coco_pcs_get_time(const cJSON *object, const char *name, int64_t *ret, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(object, name, &text, err);
    if (status == COCO_OK)
        status = coco_pcs_time_parse(text, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%s", name);
}

coco_status
coco_pcs_add_time(cJSON *object, const char *name, int64_t time, coco_error **err)
{
    char text[COCO_PCS_TIME_SIZE];

    coco_pcs_time_format(time, text);
    return coco_json_add_string(object, name, text, err);
}

coco_status
coco_pcs_get_number(const cJSON *object, const char *name, uint64_t max, uint64_t *ret,
                    coco_error **err)
{
    uint64_t value = 0;

    coco_status status = coco_json_get_u64(object, name, &value, err);
    if (status != COCO_OK)
        return status;
    if (value > max)
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' is %llu, more than %llu", name,
                         (unsigned long long)value, (unsigned long long)max);
    *ret = value;
    return COCO_OK;
}

static coco_status
check_advisories(const cJSON *advisories, coco_error **err)
{
    const cJSON *item = NULL;
    size_t n = 0;

    cJSON_ArrayForEach(item, advisories) {
        if (!cJSON_IsString(item))
            return coco_fail(err, COCO_ERR_PROTO, "member 'advisoryIDs' is not of strings");
        if (++n > ADVISORIES_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "more than %d advisories", ADVISORIES_MAX);
    }
    return COCO_OK;
}

coco_status
coco_pcs_get_judgement(const cJSON *level, int64_t *date, unsigned *status,
                       const cJSON **advisories, coco_error **err)
{
    const char *name = NULL;

    coco_status result = coco_pcs_get_time(level, "tcbDate", date, err);
    if (result == COCO_OK)
        result = coco_json_get_string(level, "tcbStatus", &name, err);
    if (result == COCO_OK)
        result = coco_tcb_status_parse(name, status, err);
    if (result == COCO_OK)
        result = coco_json_get_array_opt(level, "advisoryIDs", advisories, err);
    if (result == COCO_OK)
        result = check_advisories(*advisories, err);
    return result;
}

static coco_status
add_judgement(cJSON *level, const struct coco_pcs_judgement *judgement, coco_error **err)
{
    const char *name = coco_tcb_status_name(judgement->status);

    if (!name)
        return coco_fail(err, COCO_ERR_INVALID, "there is no TCB status %u", judgement->status);
    coco_status status = coco_pcs_add_time(level, "tcbDate", judgement->date, err);
    if (status == COCO_OK)
        status = coco_json_add_string(level, "tcbStatus", name, err);
    if (status == COCO_OK && judgement->advisories)
        status = coco_json_add_copy(level, "advisoryIDs", judgement->advisories, err);
    return status;
}

coco_status
coco_pcs_add_level(cJSON *levels, const struct coco_pcs_judgement *judgement, cJSON **tcb,
                   coco_error **err)
{
    cJSON *level = NULL;

    coco_status status = coco_json_add_object(levels, NULL, &level, err);
    if (status == COCO_OK)
        status = coco_json_add_object(level, "tcb", tcb, err);
    if (status == COCO_OK)
        status = add_judgement(level, judgement, err);
    return status;
}

/* ---- levels of one number ---- */

void
coco_pcs_levels_done(struct coco_pcs_levels *levels)
{
    free(levels->levels);
    *levels = (struct coco_pcs_levels){0};
}

static coco_status
parse_level(const cJSON *item, struct coco_pcs_level *ret, coco_error **err)
{
    const cJSON *tcb = NULL;
    uint64_t svn = 0;

    coco_status status = coco_json_get_object(item, "tcb", &tcb, err);
    if (status == COCO_OK)
        status = coco_pcs_get_number(tcb, "isvsvn", UINT16_MAX, &svn, err);
    if (status == COCO_OK)
        status = coco_pcs_get_judgement(item, &ret->date, &ret->status, &ret->advisories, err);
    if (status == COCO_OK && ret->status & ~(unsigned)(COCO_TCB_OUT_OF_DATE | COCO_TCB_REVOKED))
        return coco_fail(err, COCO_ERR_PROTO, "has a status that only machines have");
    ret->svn = (uint16_t)svn;
    return status;
}

coco_status
coco_pcs_levels_parse(const cJSON *object, struct coco_pcs_levels *ret, coco_error **err)
{
    __attribute__((cleanup(coco_pcs_levels_done))) struct coco_pcs_levels levels = {0};
    const cJSON *array = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_get_array(object, "tcbLevels", &array, err);
    if (status != COCO_OK)
        return status;
    size_t n = (size_t)cJSON_GetArraySize(array);
    if (n == 0 || n > COCO_PCS_LEVELS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "%zu TCB levels, not 1 to %d", n,
                         COCO_PCS_LEVELS_MAX);
    levels.levels = calloc(n, sizeof(*levels.levels));
    if (!levels.levels)
        return coco_fail_nomem(err);
    cJSON_ArrayForEach(item, array) {
        status = parse_level(item, &levels.levels[levels.n], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "TCB level %zu", levels.n);
        levels.n++;
    }
    *ret = levels;
    levels = (struct coco_pcs_levels){0};
    return COCO_OK;
}

coco_status
coco_pcs_levels_format(const struct coco_pcs_levels *levels, cJSON *object, coco_error **err)
{
    cJSON *array = NULL;

    coco_status status = coco_json_add_array(object, "tcbLevels", &array, err);
    for (size_t i = 0; i < levels->n && status == COCO_OK; i++) {
        const struct coco_pcs_level *level = &levels->levels[i];
        const struct coco_pcs_judgement judgement = {level->date, level->status, level->advisories};
        cJSON *tcb = NULL;

        status = coco_pcs_add_level(array, &judgement, &tcb, err);
        if (status == COCO_OK)
            status = coco_json_add_u64(tcb, "isvsvn", level->svn, err);
    }
    return status;
}

const struct coco_pcs_level *
coco_pcs_levels_find(const struct coco_pcs_levels *levels, uint16_t svn)
{
    for (size_t i = 0; i < levels->n; i++)
        if (svn >= levels->levels[i].svn)
            return &levels->levels[i];
    return NULL;
}
