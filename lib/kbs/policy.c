/*
 * kbs/policy.c - the policies that decide about guests
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/policy.h"

#include "base/clock.h"
#include "base/fail.h"
#include "base/text.h"
#include "kbs/policy_wire.h"
#include "kbs/rego.h"

#include <config.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct coco_policy {
    atomic_uint refs;
    char *text;
    uint64_t number;
    struct coco_policy_engine *engine; /* NULL: it is evaluated here */
    struct coco_rego *rego;            /* NULL: it is not */
    pthread_mutex_t lock;              /* rego's */
    _Atomic uint64_t rests_until;      /* of coco_clock_ms() */
};

struct coco_policy_values {
    atomic_uint refs;
    cJSON *json;
    uint64_t number;
    struct coco_rego_values *rego; /* NULL without an engine */
};

#if COCO_HAVE_REGO

#define INPUT_MAX COCO_JSON_SIZE_MAX

/* What the engine says may quote the policy: escaped, and on one line. */
static coco_status
say(coco_error **err, coco_status status, char *why)
{
    char text[512] = "out of memory";

    if (why)
        coco_text_escape(why, strlen(why), text, sizeof(text));
    coco_rego_text_free(why);
    return coco_fail(err, status, "%s", text);
}

bool
coco_policy_supported(void)
{
    return true;
}

/* Whether rego is a policy, and where it is one of ours the policy itself. */
static coco_status
read_policy(struct coco_policy *policy, const char *rego, coco_error **err)
{
    _cleanup_buf_ struct coco_buf nothing = {.limit = INPUT_MAX};
    uint32_t cost_ms = 0;
    char *why = NULL;

    if (policy->engine)
        return coco_policy_engine_ask(
            policy->engine,
            &(struct coco_policy_question){.policy = policy->number, .text = policy->text},
            &nothing, &cost_ms, err);
    if (coco_rego_new(rego, strlen(rego), COCO_POLICY_WAIT_MS, &policy->rego, &why) != 0)
        return say(err, COCO_ERR_PROTO, why);
    return COCO_OK;
}

coco_status
coco_policy_new(struct coco_policy_engine *engine, const char *rego, struct coco_policy **ret,
                coco_error **err)
{
    if (strlen(rego) > COCO_POLICY_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "policy is longer than %zu bytes",
                         COCO_POLICY_SIZE_MAX);

    struct coco_policy *made = calloc(1, sizeof(*made));
    if (!made)
        return coco_fail_nomem(err);
    atomic_init(&made->refs, 1);
    (void)pthread_mutex_init(&made->lock, NULL);
    if (engine)
        made->engine = coco_policy_engine_ref(engine);
    made->number = coco_policy_engine_number();
    _cleanup_policy_ struct coco_policy *policy = made;

    policy->text = strdup(rego);
    if (!policy->text)
        return coco_fail_nomem(err);
    coco_status status = read_policy(policy, rego, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "policy");
    *ret = coco_steal(&policy);
    return COCO_OK;
}

/* *text is what buf then holds, or NULL where there is no value. */
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

static size_t
length(const char *text)
{
    return text ? strlen(text) : 0;
}

/* In this process. */
static coco_status
ask_here(struct coco_policy *policy, const struct coco_policy_question *q,
         const struct coco_policy_values *references, struct coco_buf *ret, coco_error **err)
{
    const struct coco_rego_question question = {
        .rules = q->rules,
        .rules_len = strlen(q->rules),
        .input = q->input,
        .input_len = length(q->input),
        .data = q->data,
        .data_len = length(q->data),
        .references = references ? references->rego : NULL,
    };
    char *text = NULL;
    char *why = NULL;

    (void)pthread_mutex_lock(&policy->lock);
    int failed = coco_rego_eval(policy->rego, &question, &text, &why);
    (void)pthread_mutex_unlock(&policy->lock);
    if (failed)
        return say(err, COCO_ERR_DENIED, why);
    if (!text)
        return coco_fail_nomem(err);
    coco_status status = coco_buf_append_text(ret, text, err);
    coco_rego_text_free(text);
    return status;
}

static coco_status
write_values(const void *arg, struct coco_buf *buf, coco_error **err)
{
    const struct coco_policy_values *values = arg;

    return coco_json_write(values->json, COCO_JSON_COMPACT, buf, err);
}

/* It was a policy when it was made: what the engine cannot do with it now is no answer. */
static coco_status
deny(coco_status status, coco_error *why, coco_error **err)
{
    if (status != COCO_ERR_LIMIT && status != COCO_ERR_PROTO) {
        coco_error_give(err, why);
        return status;
    }
    status = coco_fail(err, COCO_ERR_DENIED, "%s", coco_error_message(why));
    coco_error_free(why);
    return status;
}

/* Where the engine is; a question that it takes too long for is the last one for a while. */
static coco_status
ask_engine(struct coco_policy *policy, struct coco_policy_question *q,
           const struct coco_policy_values *references, struct coco_buf *ret, coco_error **err)
{
    uint64_t until = atomic_load(&policy->rests_until);
    uint64_t now = coco_clock_ms();
    uint32_t cost_ms = 0;
    coco_error *why = NULL;

    if (now < until)
        return coco_fail(err, COCO_ERR_DENIED,
                         "it took too long, and is not evaluated again for %" PRIu64 " ms",
                         until - now);
    q->policy = policy->number;
    q->text = policy->text;
    if (references) {
        q->values = references->number;
        q->write_values = write_values;
        q->arg = references;
    }
    coco_status status = coco_policy_engine_ask(policy->engine, q, ret, &cost_ms, &why);
    if (cost_ms >= COCO_POLICY_LONG_MS)
        atomic_store(&policy->rests_until,
                     coco_clock_ms() + (uint64_t)cost_ms * COCO_POLICY_REST_FACTOR);
    if (status != COCO_OK)
        status = deny(status, why, err);
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
        status = say(err, COCO_ERR_PROTO, why);
    return status == COCO_OK ? status : coco_wrap(err, status, "reference values");
}

coco_status
coco_policy_eval(struct coco_policy *policy, const char *rules, const cJSON *input,
                 const cJSON *data, const struct coco_policy_values *references, cJSON **ret,
                 coco_error **err)
{
    _cleanup_buf_ struct coco_buf input_text = {.limit = INPUT_MAX};
    _cleanup_buf_ struct coco_buf data_text = {.limit = INPUT_MAX};
    _cleanup_buf_ struct coco_buf answer = {.limit = INPUT_MAX};
    struct coco_policy_question q = {.rules = rules};

    coco_status status = write_opt(input, &input_text, &q.input, err);
    if (status == COCO_OK)
        status = write_opt(data, &data_text, &q.data, err);
    if (status != COCO_OK)
        return status;
    if (policy->engine)
        status = ask_engine(policy, &q, references, &answer, err);
    else
        status = ask_here(policy, &q, references, &answer, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "policy");
    return coco_json_parse_object(coco_buf_text(&answer), answer.len, ret, err);
}

#else

bool
coco_policy_supported(void)
{
    return false;
}

coco_status
coco_policy_new(struct coco_policy_engine *engine, const char *rego, struct coco_policy **ret,
                coco_error **err)
{
    (void)engine;
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
    made->number = coco_policy_engine_number();
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
    coco_policy_engine_unref(policy->engine);
    (void)pthread_mutex_destroy(&policy->lock);
    free(policy->text);
    free(policy);
}
