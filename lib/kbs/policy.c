/*
 * kbs/policy.c - the policies that decide about guests
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/policy.h"

#include "base/fail.h"
#include "base/text.h"
#include "kbs/rego.h"

#include <config.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct coco_policy {
    atomic_uint refs;
    char *text;
    struct coco_rego *rego;
    pthread_mutex_t lock; /* rego's */
};

struct coco_policy_values {
    atomic_uint refs;
    cJSON *json;
    struct coco_rego_values *rego; /* NULL without an engine */
};

#if COCO_HAVE_REGO

#define INPUT_MAX COCO_JSON_SIZE_MAX

/* Of brackets in a policy; upstream's go to 6. */
#define NESTING_MAX 14

/* What the engine says may quote the policy: escaped, and on one line. */
static coco_status
say(coco_error **err, coco_status status, const char *what, char *why)
{
    char text[512] = "out of memory";

    if (why)
        coco_text_escape(why, strlen(why), text, sizeof(text));
    coco_rego_text_free(why);
    return coco_fail(err, status, "%s: %s", what, text);
}

bool
coco_policy_supported(void)
{
    return true;
}

/* Past the end of a text that starts at p: "…" with escapes, or `…` without. */
static const char *
skip_text(const char *p)
{
    char quote = *p++;

    for (; *p && *p != quote; p++)
        if (quote == '"' && *p == '\\' && p[1])
            p++;
    return *p ? p + 1 : p;
}

/*
 * The engine's parser tries what a bracket may begin one after the other, each
 * time with all that is inside: the time doubles with every level.
 */
static bool
nests_too_deep(const char *rego)
{
    unsigned depth = 0;

    while (*rego) {
        if (*rego == '"' || *rego == '`') {
            rego = skip_text(rego);
            continue;
        }
        if (*rego == '#')
            rego += strcspn(rego, "\n");
        else if (strchr("([{", *rego) && ++depth > NESTING_MAX)
            return true;
        else if (strchr(")]}", *rego) && depth > 0)
            depth--;
        rego += *rego != '\0';
    }
    return false;
}

coco_status
coco_policy_new(const char *rego, struct coco_policy **ret, coco_error **err)
{
    size_t len = strlen(rego);
    char *why = NULL;

    if (len > COCO_POLICY_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "policy is longer than %zu bytes",
                         COCO_POLICY_SIZE_MAX);

    if (nests_too_deep(rego))
        return coco_fail(err, COCO_ERR_LIMIT, "policy nests brackets deeper than %d", NESTING_MAX);

    struct coco_policy *made = calloc(1, sizeof(*made));
    if (!made)
        return coco_fail_nomem(err);
    atomic_init(&made->refs, 1);
    (void)pthread_mutex_init(&made->lock, NULL);
    _cleanup_policy_ struct coco_policy *policy = made;

    policy->text = strdup(rego);
    if (!policy->text)
        return coco_fail_nomem(err);
    if (coco_rego_new(rego, len, COCO_POLICY_LIMIT_MS, &policy->rego, &why) != 0)
        return say(err, COCO_ERR_PROTO, "policy", why);
    *ret = coco_steal(&policy);
    return COCO_OK;
}

static coco_status
write_opt(const cJSON *value, struct coco_buf *buf, const char **text, coco_error **err)
{
    if (!value)
        return COCO_OK;

    coco_status status = coco_json_write(value, COCO_JSON_COMPACT, buf, err);
    if (status == COCO_OK)
        *text = coco_buf_text(buf);
    return status;
}

static coco_status
ask(struct coco_policy *policy, const struct coco_rego_question *question, cJSON **ret,
    coco_error **err)
{
    char *text = NULL;
    char *why = NULL;

    (void)pthread_mutex_lock(&policy->lock);
    int failed = coco_rego_eval(policy->rego, question, &text, &why);
    (void)pthread_mutex_unlock(&policy->lock);
    if (failed)
        return say(err, COCO_ERR_DENIED, "policy", why);
    if (!text)
        return coco_fail_nomem(err);

    coco_status status = coco_json_parse_object(text, strlen(text), ret, err);
    coco_rego_text_free(text);
    return status;
}

static coco_status
read_values(struct coco_policy_values *values, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = INPUT_MAX};
    char *why = NULL;

    coco_status status = coco_json_write(values->json, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK
        && coco_rego_values_new(coco_buf_text(&text), text.len, &values->rego, &why) != 0)
        status = say(err, COCO_ERR_PROTO, "reference values", why);
    return status;
}

coco_status
coco_policy_eval(struct coco_policy *policy, const char *rules, const cJSON *input,
                 const cJSON *data, const struct coco_policy_values *references, cJSON **ret,
                 coco_error **err)
{
    _cleanup_buf_ struct coco_buf input_text = {.limit = INPUT_MAX};
    _cleanup_buf_ struct coco_buf data_text = {.limit = INPUT_MAX};
    struct coco_rego_question q = {
        .rules = rules,
        .rules_len = strlen(rules),
        .references = references ? references->rego : NULL,
    };

    coco_status status = write_opt(input, &input_text, &q.input, err);
    if (status == COCO_OK)
        status = write_opt(data, &data_text, &q.data, err);
    if (status != COCO_OK)
        return status;
    q.input_len = input_text.len;
    q.data_len = data_text.len;
    return ask(policy, &q, ret, err);
}

#else

bool
coco_policy_supported(void)
{
    return false;
}

coco_status
coco_policy_new(const char *rego, struct coco_policy **ret, coco_error **err)
{
    (void)rego;
    (void)ret;
    return coco_fail(err, COCO_ERR_NOTSUP, "this build has no policy engine");
}

static coco_status
read_values(struct coco_policy_values *values, coco_error **err)
{
    (void)values;
    (void)err;
    return COCO_OK;
}

coco_status
coco_policy_eval(struct coco_policy *policy, const char *rules, const cJSON *input,
                 const cJSON *data, const struct coco_policy_values *references, cJSON **ret,
                 coco_error **err)
{
    (void)policy;
    (void)rules;
    (void)input;
    (void)data;
    (void)references;
    (void)ret;
    return coco_fail(err, COCO_ERR_DENIED, "this build has no policy engine");
}

#endif

coco_status
coco_policy_values_new(cJSON *json, struct coco_policy_values **ret, coco_error **err)
{
    struct coco_policy_values *made = calloc(1, sizeof(*made));

    if (!made) {
        coco_json_free(json);
        return coco_fail_nomem(err);
    }
    atomic_init(&made->refs, 1);
    made->json = json;
    _cleanup_policy_values_ struct coco_policy_values *values = made;
    if (!cJSON_IsObject(json))
        return coco_fail(err, COCO_ERR_PROTO, "reference values are no object");
    coco_status status = read_values(values, err);
    if (status == COCO_OK)
        *ret = coco_steal(&values);
    return status;
}

struct coco_policy_values *
coco_policy_values_ref(struct coco_policy_values *values)
{
    (void)atomic_fetch_add(&values->refs, 1);
    return values;
}

void
coco_policy_values_unref(struct coco_policy_values *values)
{
    if (!values || atomic_fetch_sub(&values->refs, 1) != 1)
        return;
#if COCO_HAVE_REGO
    coco_rego_values_free(values->rego);
#endif
    coco_json_free(values->json);
    free(values);
}

const cJSON *
coco_policy_values_json(const struct coco_policy_values *values)
{
    return values ? values->json : NULL;
}

const char *
coco_policy_text(const struct coco_policy *policy)
{
    return policy->text;
}

struct coco_policy *
coco_policy_ref(struct coco_policy *policy)
{
    if (policy)
        (void)atomic_fetch_add(&policy->refs, 1);
    return policy;
}

void
coco_policy_unref(struct coco_policy *policy)
{
    if (!policy || atomic_fetch_sub(&policy->refs, 1) != 1)
        return;
#if COCO_HAVE_REGO
    coco_rego_free(policy->rego);
#endif
    (void)pthread_mutex_destroy(&policy->lock);
    free(policy->text);
    free(policy);
}
