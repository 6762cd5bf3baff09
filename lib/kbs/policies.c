/*
 * kbs/policies.c - the policies of one KBS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/policies.h"

#include "base/clock.h"
#include "base/fail.h"
#include "base/text.h"
#include "default-policies.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* Ids are "resource-policy", one for each class of device, and those of paths: a few. */
#define CACHE_SIZE 16
#define NAME_LENGTH_MAX 63 /* of an id that is not a path's */
#define LEASE "lease"      /* a rule of ours: upstream's policies have none of that name */
#define OF_PATH COCO_KBS_RESOURCE_POLICY "/"

struct cached {
    char id[COCO_KBS_POLICY_ID_SIZE];
    struct coco_policy *policy;
    uint64_t generation; /* of the store, in which this is its text */
};

/* What is known holds in one generation of the store, which each decision asks for. */
struct coco_kbs_policies {
    struct coco_kbs_store *store; /* lent */
    struct coco_policy_engine *engine;
    _Atomic uint64_t rests_until; /* none is set before, of coco_clock_ms() */
    pthread_mutex_t lock;         /* of all that follows */
    cJSON *ids;                   /* of those in the store, or NULL */
    uint64_t generation;          /* of ids */
    struct cached cache[CACHE_SIZE];
    size_t next; /* whose place the next one takes */
};

static const struct {
    const char *id, *text;
} defaults[] = {
    {COCO_KBS_RESOURCE_POLICY, default_resource},
    {"default_cpu", default_cpu},
    {"default_gpu", default_gpu},
};

coco_status
coco_kbs_policies_new(struct coco_kbs_store *store, struct coco_policy_engine *engine,
                      struct coco_kbs_policies **ret, coco_error **err)
{
    struct coco_kbs_policies *policies = calloc(1, sizeof(*policies));

    if (!policies)
        return coco_fail_nomem(err);
    policies->store = store;
    policies->engine = coco_policy_engine_ref(engine);
    (void)pthread_mutex_init(&policies->lock, NULL);
    *ret = policies;
    return COCO_OK;
}

void
coco_kbs_policies_free(struct coco_kbs_policies *policies)
{
    if (!policies)
        return;
    for (size_t i = 0; i < CACHE_SIZE; i++)
        coco_policy_unref(policies->cache[i].policy);
    coco_json_free(policies->ids);
    coco_policy_engine_unref(policies->engine);
    (void)pthread_mutex_destroy(&policies->lock);
    free(policies);
}

/* What follows "resource-policy/", or NULL. */
static const char *
path_of(const char *id)
{
    return strncmp(id, OF_PATH, strlen(OF_PATH)) == 0 ? id + strlen(OF_PATH) : NULL;
}

bool
coco_kbs_policy_is_of_resources(const char *id)
{
    return strcmp(id, COCO_KBS_RESOURCE_POLICY) == 0 || path_of(id);
}

static coco_status
check_id(const char *id, coco_error **err)
{
    if (path_of(id))
        return coco_resource_parts_check(path_of(id), err);
    if (!coco_text_is_all(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.",
                          NAME_LENGTH_MAX))
        return coco_fail(err, COCO_ERR_INVALID, "policy id is not 1 to %d of [A-Za-z0-9_.-]",
                         NAME_LENGTH_MAX);
    return COCO_OK;
}

/* Ours, whoever has set it: what it takes is known. */
static bool
is_ours(const char *rego)
{
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
        if (strcmp(defaults[i].text, rego) == 0)
            return true;
    return false;
}

static coco_status
compile(const struct coco_kbs_policies *policies, const char *rego, struct coco_policy **ret,
        coco_error **err)
{
    return coco_policy_new(is_ours(rego) ? NULL : policies->engine, rego, ret, err);
}

/* Who sets a policy is told that nothing here could evaluate it; guests are told nothing of it. */
static coco_status
compile_to_set(const struct coco_kbs_policies *policies, const char *rego, struct coco_policy **ret,
               coco_error **err)
{
    coco_error *why = NULL;

    coco_status status = compile(policies, rego, ret, &why);
    if (status != COCO_ERR_IO) {
        coco_error_give(err, why);
        return status;
    }
    status = coco_fail(err, COCO_ERR_NOTSUP, "policies of owners cannot be evaluated here: %s",
                       coco_error_message(why));
    coco_error_free(why);
    return status;
}

static const char *
default_text(const char *id)
{
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
        if (strcmp(defaults[i].id, id) == 0)
            return defaults[i].text;
    return NULL;
}

/* What is evaluated without any evidence: a policy that fails even there is refused when set. */
static coco_status
eval_without_evidence(struct coco_policy *policy, const char *id, coco_error **err)
{
    const char *rule = coco_kbs_policy_is_of_resources(id) ? "allow" : "trust_claims";
    _cleanup_json_ cJSON *nothing = NULL;
    _cleanup_json_ cJSON *result = NULL;

    coco_status status = coco_json_new_object(&nothing, err);
    if (status == COCO_OK)
        status = coco_policy_eval(policy, rule, nothing, nothing, NULL, &result, err);
    if (status == COCO_ERR_DENIED)
        return coco_wrap(err, status, "evaluation of %s", rule);
    return status;
}

/* One after the other, an owner could keep the server busy with those that take long. */
static coco_status
try_out(struct coco_kbs_policies *policies, const char *id, const char *rego, coco_error **err)
{
    _cleanup_policy_ struct coco_policy *policy = NULL;
    uint64_t until = atomic_load(&policies->rests_until);
    uint64_t begin = coco_clock_ms();

    if (begin < until)
        return coco_fail(err, COCO_ERR_LIMIT,
                         "the last policy took too long: set one in %" PRIu64 " s",
                         (until - begin) / 1000 + 1);
    coco_status status = compile_to_set(policies, rego, &policy, err);
    if (status == COCO_OK)
        status = eval_without_evidence(policy, id, err);
    uint64_t took = coco_clock_ms() - begin;
    if (status != COCO_OK && took >= COCO_POLICY_LONG_MS)
        atomic_store(&policies->rests_until, begin + took * COCO_POLICY_REST_FACTOR);
    return status;
}

coco_status
coco_kbs_policies_set(struct coco_kbs_policies *policies, const char *id, const char *rego,
                      coco_error **err)
{
    coco_status status = check_id(id, err);
    if (status == COCO_OK)
        status = try_out(policies, id, rego, err);
    if (status != COCO_OK)
        return status;
    return coco_kbs_store_put(policies->store, COCO_KBS_POLICY, id, rego, strlen(rego), err);
}

coco_status
coco_kbs_policies_remove(struct coco_kbs_policies *policies, const char *id, coco_error **err)
{
    return coco_kbs_store_delete(policies->store, COCO_KBS_POLICY, id, err);
}

coco_status
coco_kbs_policies_list(struct coco_kbs_policies *policies, cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *ids = NULL;
    cJSON *id;
    cJSON *next;
    bool is_set = false;

    coco_status status = coco_kbs_store_names(policies->store, COCO_KBS_POLICY, &ids, err);
    if (status != COCO_OK)
        return status;
    for (id = ids->child; id; id = next) {
        next = id->next;
        is_set = is_set || strcmp(id->valuestring, COCO_KBS_RESOURCE_POLICY) == 0;
        if (!coco_kbs_policy_is_of_resources(id->valuestring))
            coco_json_free(cJSON_DetachItemViaPointer(ids, id));
    }
    /* It is there even if nobody has set it, and goes first. */
    if (!is_set)
        status = coco_json_add_string(ids, NULL, COCO_KBS_RESOURCE_POLICY, err);
    if (status != COCO_OK)
        return status;
    if (!is_set && ids->child->next)
        (void)cJSON_InsertItemInArray(ids, 0,
                                      cJSON_DetachItemFromArray(ids, cJSON_GetArraySize(ids) - 1));
    *ret = coco_steal(&ids);
    return COCO_OK;
}

static coco_status
add_policy(cJSON *list, const char *id, const cJSON *entry, coco_error **err)
{
    const cJSON *time = cJSON_GetObjectItemCaseSensitive(entry, "time");
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(entry, "size");
    cJSON *policy = NULL;

    coco_status status = coco_json_add_object(list, NULL, &policy, err);
    if (status == COCO_OK)
        status = coco_json_add_string(policy, "id", id, err);
    if (status == COCO_OK)
        status = coco_json_add_string(
            policy, "about", coco_kbs_policy_is_of_resources(id) ? "resources" : "evidence", err);
    if (status == COCO_OK && time)
        status = coco_json_add_copy(policy, "time", time, err);
    if (status == COCO_OK && size)
        status = coco_json_add_copy(policy, "size", size, err);
    return status;
}

static const char *
name_of(const cJSON *entry)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "name"));
}

static bool
is_among(const cJSON *entries, const char *id)
{
    const cJSON *entry;

    cJSON_ArrayForEach(entry, entries)
        if (strcmp(name_of(entry), id) == 0)
            return true;
    return false;
}

coco_status
coco_kbs_policies_describe(struct coco_kbs_policies *policies, cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    _cleanup_json_ cJSON *entries = NULL;
    const cJSON *entry;

    if (!list)
        return coco_fail_nomem(err);
    coco_status status = coco_kbs_store_entries(policies->store, COCO_KBS_POLICY, &entries, err);
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]) && status == COCO_OK; i++)
        if (!is_among(entries, defaults[i].id))
            status = add_policy(list, defaults[i].id, NULL, err);
    cJSON_ArrayForEach(entry, entries)
        if (status == COCO_OK)
            status = add_policy(list, name_of(entry), entry, err);
    if (status == COCO_OK)
        *ret = coco_steal(&list);
    return status;
}

/* Whether path is covered, the whole of it or its first parts. */
static bool
is_covered(const char *path, const char *by)
{
    size_t len = strlen(by);

    return strncmp(path, by, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static coco_status
choose_among(const cJSON *ids, const char *path, char id[COCO_KBS_POLICY_ID_SIZE], coco_error **err)
{
    const cJSON *each;
    const char *best = COCO_KBS_RESOURCE_POLICY;

    cJSON_ArrayForEach(each, ids) {
        const char *of = path_of(each->valuestring);

        if (of && is_covered(path, of) && strlen(each->valuestring) > strlen(best))
            best = each->valuestring;
    }
    if (strlen(best) >= COCO_KBS_POLICY_ID_SIZE)
        return coco_fail(err, COCO_ERR_IO, "policy of a path that is too long");
    (void)snprintf(id, COCO_KBS_POLICY_ID_SIZE, "%s", best);
    return COCO_OK;
}

/* The lock is held: that the ids are read takes no longer than that somebody else reads them. */
static coco_status
choose(struct coco_kbs_policies *policies, uint64_t generation, const char *path,
       char id[COCO_KBS_POLICY_ID_SIZE], coco_error **err)
{
    if (policies->generation != generation) {
        cJSON *ids = NULL;
        coco_status status = coco_kbs_store_names(policies->store, COCO_KBS_POLICY, &ids, err);

        if (status != COCO_OK)
            return status;
        coco_json_free(policies->ids);
        policies->ids = ids;
        policies->generation = generation;
    }
    return choose_among(policies->ids, path, id, err);
}

/* Which of them decides about path in this generation of the store. */
static coco_status
choose_in(struct coco_kbs_policies *policies, uint64_t generation, const char *path,
          char id[COCO_KBS_POLICY_ID_SIZE], coco_error **err)
{
    (void)pthread_mutex_lock(&policies->lock);
    coco_status status = choose(policies, generation, path, id, err);
    (void)pthread_mutex_unlock(&policies->lock);
    return status;
}

/* The text of policy id, NUL-terminated. */
static coco_status
read_text(struct coco_kbs_policies *policies, const char *id, struct coco_buf *ret,
          coco_error **err)
{
    _cleanup_secret_ struct coco_secret stored = {0};
    coco_error *why = NULL;

    coco_status status =
        coco_kbs_store_get(policies->store, COCO_KBS_POLICY, id, &stored, NULL, &why);
    if (status == COCO_OK)
        return coco_buf_append(ret, stored.data, stored.len, err);
    const char *text = default_text(id);
    if (status == COCO_ERR_NOTFOUND && text) {
        coco_error_free(why);
        return coco_buf_append_text(ret, text, err);
    }
    if (err)
        *err = why;
    else
        coco_error_free(why);
    return coco_wrap(err, status, "policy");
}

/*
 * The cached policy with this id that is current in generation, or has this text, and so
 * is current from now on; text may be NULL.
 */
static struct coco_policy *
find_cached(struct coco_kbs_policies *policies, const char *id, uint64_t generation,
            const char *text)
{
    struct coco_policy *found = NULL;

    (void)pthread_mutex_lock(&policies->lock);
    for (size_t i = 0; i < CACHE_SIZE && !found; i++) {
        struct cached *cached = &policies->cache[i];

        if (!cached->policy || strcmp(cached->id, id) != 0)
            continue;
        if (text && strcmp(coco_policy_text(cached->policy), text) == 0)
            cached->generation = generation;
        if (cached->generation == generation)
            found = coco_policy_ref(cached->policy);
    }
    (void)pthread_mutex_unlock(&policies->lock);
    return found;
}

static void
remember(struct coco_kbs_policies *policies, const char *id, uint64_t generation,
         struct coco_policy *policy)
{
    (void)pthread_mutex_lock(&policies->lock);
    size_t at = policies->next;

    for (size_t i = 0; i < CACHE_SIZE; i++)
        if (policies->cache[i].policy && strcmp(policies->cache[i].id, id) == 0)
            at = i;
    if (at == policies->next)
        policies->next = (policies->next + 1) % CACHE_SIZE;
    coco_policy_unref(policies->cache[at].policy);
    (void)snprintf(policies->cache[at].id, sizeof(policies->cache[at].id), "%s", id);
    policies->cache[at].policy = coco_policy_ref(policy);
    policies->cache[at].generation = generation;
    (void)pthread_mutex_unlock(&policies->lock);
}

/* The policy id, as it is in this generation of the store. */
static coco_status
get_in(struct coco_kbs_policies *policies, uint64_t generation, const char *id,
       struct coco_policy **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_POLICY_SIZE_MAX};
    struct coco_policy *policy = find_cached(policies, id, generation, NULL);

    if (!policy) {
        coco_status status = read_text(policies, id, &text, err);

        if (status != COCO_OK)
            return status;
        policy = find_cached(policies, id, generation, coco_buf_text(&text));
    }
    if (!policy) {
        coco_status status = compile(policies, coco_buf_text(&text), &policy, err);

        if (status != COCO_OK)
            return status;
        remember(policies, id, generation, policy);
    }
    *ret = policy;
    return COCO_OK;
}

coco_status
coco_kbs_policies_get(struct coco_kbs_policies *policies, const char *id, struct coco_policy **ret,
                      coco_error **err)
{
    uint64_t generation = 0;

    coco_status status = check_id(id, err);
    if (status == COCO_OK)
        status = coco_kbs_store_generation(policies->store, &generation, err);
    return status == COCO_OK ? get_in(policies, generation, id, ret, err) : status;
}

/*
 * What default_resource.rego says, for a build that cannot read it, and for those that can:
 * whoever sets no other policy need not wait for an engine to find that out.
 */
static bool
all_affirming(const cJSON *claims, const cJSON *data)
{
    const cJSON *submods = cJSON_GetObjectItemCaseSensitive(claims, "submods");
    const cJSON *plugin = cJSON_GetObjectItemCaseSensitive(data, "plugin");
    const cJSON *submod;

    if (!cJSON_IsString(plugin) || strcmp(plugin->valuestring, "resource") != 0)
        return false;
    if ((!cJSON_IsObject(submods) && !cJSON_IsArray(submods)) || !submods->child)
        return false;
    cJSON_ArrayForEach(submod, submods) {
        const cJSON *status = cJSON_GetObjectItemCaseSensitive(submod, "ear.status");

        if (!cJSON_IsString(status) || strcmp(status->valuestring, "affirming") != 0)
            return false;
    }
    return true;
}

/* Most policies do not say: what they cannot have is not asked for at each request. */
static const char *
rules_of(const struct coco_policy *policy)
{
    return strstr(coco_policy_text(policy), LEASE) ? "allow " LEASE : "allow";
}

static coco_status
read_ruling(const cJSON *result, struct coco_kbs_decision *ret, coco_error **err)
{
    const cJSON *lease = cJSON_GetObjectItemCaseSensitive(result, LEASE);
    uint64_t seconds = 0;

    if (lease && (coco_json_u64(lease, &seconds, NULL) != COCO_OK || seconds == 0))
        return coco_fail(err, COCO_ERR_DENIED, "policy: lease is no whole number of seconds");
    ret->allowed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(result, "allow"));
    ret->lease = seconds;
    return COCO_OK;
}

coco_status
coco_kbs_policies_choose(struct coco_kbs_policies *policies, const char *path,
                         struct coco_kbs_chosen *ret, coco_error **err)
{
    struct coco_kbs_chosen chosen = {0};

    coco_status status = coco_kbs_store_generation(policies->store, &chosen.generation, err);
    if (status == COCO_OK)
        status = choose_in(policies, chosen.generation, path, chosen.id, err);
    if (status == COCO_OK)
        *ret = chosen;
    return status;
}

coco_status
coco_kbs_policies_allow(struct coco_kbs_policies *policies, const struct coco_kbs_chosen *chosen,
                        const cJSON *claims, const cJSON *data, struct coco_kbs_decision *ret,
                        coco_error **err)
{
    _cleanup_policy_ struct coco_policy *policy = NULL;
    _cleanup_json_ cJSON *result = NULL;

    if (!coco_policy_supported()) {
        *ret = (struct coco_kbs_decision){.allowed = all_affirming(claims, data)};
        return COCO_OK;
    }
    coco_status status = get_in(policies, chosen->generation, chosen->id, &policy, err);
    if (status == COCO_OK && strcmp(coco_policy_text(policy), default_resource) == 0) {
        *ret = (struct coco_kbs_decision){.allowed = all_affirming(claims, data)};
        return COCO_OK;
    }
    if (status == COCO_OK)
        status = coco_policy_eval(policy, rules_of(policy), claims, data, NULL, &result, err);
    if (status == COCO_OK)
        status = read_ruling(result, ret, err);
    return status;
}
