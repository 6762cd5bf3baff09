/*
 * kbs/store.c - what a KBS keeps
 *
 * SQLite copies values through memory that it does not wipe. In memory, where no
 * file is to be read by others, it sees them sealed only (T36 in doc/threats.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/store_task.h"

#include "base/fail.h"
#include "base/text.h"
#include "kbs/database.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Between two looks for what has expired. */
#define SWEEP_SECONDS 10

static coco_status
open_table(const struct coco_kbs_store_options *options, struct coco_kbs_table *table,
           coco_error **err)
{
    const struct coco_secret *key = options->key;

    coco_status status = options->postgres
                             ? coco_database_open_postgres(options->postgres, &table->db, err)
                             : coco_database_open_sqlite(options->path, &table->db, err);
    if (status == COCO_OK && key)
        status = coco_secret_copy(key->data, key->len, &table->master, err);
    if (status == COCO_OK && !options->postgres && !options->path)
        status = coco_secret_random(COCO_AEAD_KEY_SIZE, &table->master, err);
    return status == COCO_OK ? coco_kbs_table_open_ring(table, err) : status;
}

static void
close_table(struct coco_kbs_table *table)
{
    coco_database_close(table->db);
    coco_kbs_ring_done(&table->ring);
    coco_secret_done(&table->master);
    (void)pthread_mutex_destroy(&table->lock);
    free(table);
}

coco_status
coco_kbs_store_open(const struct coco_kbs_store_options *options, struct coco_kbs_store **ret,
                    coco_error **err)
{
    struct coco_kbs_table *table = calloc(1, sizeof(*table));
    struct coco_kbs_store *made = calloc(1, sizeof(*made));

    if (!table || !made) {
        free(table);
        free(made);
        return coco_fail_nomem(err);
    }
    (void)pthread_mutex_init(&table->lock, NULL);
    made->table = table;
    made->is_owner = true;
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = made;
    store->versions = options->versions ? options->versions : 1;
    coco_status status = open_table(options, store->table, err);
    if (status == COCO_OK)
        *ret = coco_steal(&store);
    return status;
}

coco_status
coco_kbs_tenant_check(const char *tenant, coco_error **err)
{
    if (!coco_text_is_all(tenant, "abcdefghijklmnopqrstuvwxyz0123456789-", COCO_KBS_TENANT_MAX))
        return coco_fail(err, COCO_ERR_INVALID, "tenant is not 1 to %d of [a-z0-9-]",
                         COCO_KBS_TENANT_MAX);
    return COCO_OK;
}

coco_status
coco_kbs_store_of(struct coco_kbs_store *store, const char *tenant,
                  const struct coco_kbs_quota *quota, struct coco_kbs_store **ret, coco_error **err)
{
    coco_status status = coco_kbs_tenant_check(tenant, err);

    if (status != COCO_OK)
        return status;
    struct coco_kbs_store *of = calloc(1, sizeof(*of));
    if (!of)
        return coco_fail_nomem(err);
    of->table = store->table;
    of->versions = store->versions;
    of->quota = *quota;
    (void)snprintf(of->tenant, sizeof(of->tenant), "%s", tenant);
    *ret = of;
    return COCO_OK;
}

void
coco_kbs_store_close(struct coco_kbs_store *store)
{
    if (!store)
        return;
    if (store->is_owner)
        close_table(store->table);
    free(store);
}

coco_status
coco_kbs_store_reseal(struct coco_kbs_store *store, const struct coco_secret *key, coco_error **err)
{
    _cleanup_secret_ struct coco_secret master = {0};

    coco_status status = key ? coco_secret_copy(key->data, key->len, &master, err) : COCO_OK;
    return status == COCO_OK ? coco_kbs_table_reseal(store->table, &master, err) : status;
}

coco_status
coco_kbs_store_check_name(const char *name, coco_error **err)
{
    size_t len = strlen(name);

    if (len == 0 || len > COCO_KBS_NAME_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "name of %zu bytes, 1 to %d are possible", len,
                         COCO_KBS_NAME_MAX);
    return COCO_OK;
}

static coco_status
take_version(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    struct coco_kbs_task *task = arg;

    (void)err;
    task->version = (uint64_t)values[0].number;
    return COCO_OK;
}

static coco_status
take_value(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    const struct coco_kbs_value *value = arg;
    struct coco_kbs_task *task = value->arg;

    task->version = (uint64_t)values[0].number;
    task->deleted = values[2].data == NULL;
    if (task->deleted || !task->ret)
        return COCO_OK;
    return coco_kbs_table_unseal(value, value->name, &values[1], &values[2], task->ret, err);
}

/* Stores what there is of it, which may be nothing. */
static coco_status
look_up(struct coco_kbs_value *value, coco_error **err)
{
    struct coco_kbs_task *task = value->arg;

    task->version = 0;
    task->deleted = false;
    return coco_kbs_table_run(value, COCO_KBS_SQL_GET, NULL, 0, take_value, value, err);
}

static coco_status
prune(const struct coco_kbs_value *value, coco_error **err)
{
    const struct coco_kbs_task *task = value->arg;

    if (task->version <= task->kept)
        return COCO_OK;
    const struct coco_sql_value last = COCO_SQL_OF_NUMBER(task->version - task->kept);
    return coco_kbs_table_run(value, COCO_KBS_SQL_PRUNE, &last, 1, NULL, NULL, err);
}

/* How much there may be of something. */
struct bound {
    const char *names; /* what those are */
    const char *bytes; /* what those are of */
    struct coco_kbs_quota most;
};

/* Of one kind, whoever it is of: each decision looks at all that there is of it. */
static const struct {
    enum coco_kbs_kind kind;
    struct bound bound;
} bounds[] = {
    {COCO_KBS_POLICY, {.names = "policies", .most = {.names = COCO_KBS_POLICIES_MAX}}},
    {COCO_KBS_REFERENCE, {.bytes = "reference values", .most = {.bytes = COCO_KBS_REFERENCES_MAX}}},
};

static coco_status
check_usage(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    const struct bound *bound = arg;
    const struct coco_kbs_quota *most = &bound->most;

    if (most->names && (uint64_t)values[0].number > most->names)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %" PRIu64 " %s", most->names,
                         bound->names);
    if (most->bytes && (uint64_t)values[1].number > most->bytes)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %" PRIu64 " bytes of %s", most->bytes,
                         bound->bytes);
    return COCO_OK;
}

/* What was put is undone with its transaction if it was too much. */
static coco_status
check_quota(const struct coco_kbs_value *value, coco_error **err)
{
    const struct coco_kbs_task *task = value->arg;
    struct coco_kbs_value all = *value;
    struct bound of_tenant = {
        .names = "resources",
        .bytes = "resources, their versions, policies and reference values",
        .most = task->quota,
    };
    coco_status status = COCO_OK;

    all.name = NULL;
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]) && status == COCO_OK; i++) {
        struct bound bound = bounds[i].bound;

        if (value->kind == (int)bounds[i].kind)
            status = coco_kbs_table_run(&all, COCO_KBS_SQL_USAGE_OF_KIND, NULL, 0, check_usage,
                                        &bound, err);
    }
    if (status != COCO_OK || (!task->quota.names && !task->quota.bytes))
        return status;
    all.kind = COCO_KBS_RESOURCE;
    return coco_kbs_table_run(&all, COCO_KBS_SQL_USAGE, NULL, 0, check_usage, &of_tenant, err);
}

static coco_status
put(struct coco_kbs_value *value, coco_error **err)
{
    struct coco_kbs_task *task = value->arg;
    _cleanup_buf_ struct coco_buf sealed = {0};
    uint64_t key = 0;

    coco_status status = task->data
                             ? coco_kbs_table_seal(value, task->data, task->len, &sealed, &key, err)
                             : COCO_OK;
    if (status != COCO_OK)
        return status;
    const struct coco_sql_value more[] = {
        COCO_SQL_OF_NUMBER(time(NULL)),
        COCO_SQL_OF_NUMBER(key),
        /* An empty value is a value, not NULL: so never a NULL pointer. */
        COCO_SQL_OF_BYTES(task->data ? coco_buf_text(&sealed) : NULL, sealed.len),
    };
    status = coco_kbs_table_run(value, COCO_KBS_SQL_PUT, more, 3, take_version, task, err);
    if (status == COCO_OK)
        status = prune(value, err);
    return status;
}

static coco_status
put_within_quota(struct coco_kbs_value *value, coco_error **err)
{
    coco_status status = put(value, err);

    return status == COCO_OK ? check_quota(value, err) : status;
}

static coco_status
put_new(struct coco_kbs_value *value, coco_error **err)
{
    const struct coco_kbs_task *task = value->arg;

    coco_status status = look_up(value, err);
    if (status != COCO_OK || (task->version && !task->deleted))
        return status;
    status = put(value, err);
    return status == COCO_OK ? look_up(value, err) : status;
}

static coco_status
purge(struct coco_kbs_value *value, coco_error **err)
{
    struct coco_kbs_task *task = value->arg;

    task->version = 0;
    coco_status status =
        coco_kbs_table_run(value, COCO_KBS_SQL_PURGE, NULL, 0, take_version, task, err);
    return status == COCO_OK && !task->version ? coco_kbs_store_fail_missing(value->name, err)
                                               : status;
}

static coco_status delete (struct coco_kbs_value *value, coco_error **err)
{
    const struct coco_kbs_task *task = value->arg;

    coco_status status = look_up(value, err);
    if (status == COCO_OK && (!task->version || task->deleted))
        status = coco_kbs_store_fail_missing(value->name, err);
    if (status != COCO_OK)
        return status;
    return task->kept > 1 ? put(value, err) : purge(value, err);
}

static coco_status
ask_generation(struct coco_kbs_value *value, coco_error **err)
{
    struct coco_database *db = value->table->db;

    return db->ops->generation(db, value->arg, err);
}

coco_status /* NOLINTNEXTLINE(readability-non-const-parameter): by value, it is written to */
coco_kbs_store_generation(struct coco_kbs_store *store, uint64_t *ret, coco_error **err)
{
    struct coco_kbs_value value = {.table = store->table, .arg = ret};

    return coco_kbs_table_read(&value, ask_generation, err);
}

/* A nonce that is used. */
struct use {
    struct coco_kbs_store *store;
    int64_t expires;
    int64_t now;
    bool used; /* before */
};

static coco_status
note_use(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    struct use *use = arg;

    (void)values;
    (void)err;
    use->used = true;
    return COCO_OK;
}

/* Now and then: to look for what has expired is to look at all of them. */
static coco_status
sweep(const struct coco_kbs_value *value, struct use *use, coco_error **err)
{
    const struct coco_sql_value before = COCO_SQL_OF_NUMBER(use->now);
    struct coco_kbs_value all = *value;

    if (use->now - use->store->swept < SWEEP_SECONDS && use->now >= use->store->swept)
        return COCO_OK;
    all.name = NULL;
    use->store->swept = use->now;
    return coco_kbs_table_run(&all, COCO_KBS_SQL_EXPIRE, &before, 1, NULL, NULL, err);
}

static coco_status
use_once(struct coco_kbs_value *value, coco_error **err)
{
    struct use *use = value->arg;
    const struct coco_sql_value more[] = {
        COCO_SQL_OF_NUMBER(use->expires),
        COCO_SQL_OF_NUMBER(0),
        COCO_SQL_OF_BYTES(NULL, 0),
    };

    use->used = false;
    coco_status status = sweep(value, use, err);
    if (status == COCO_OK)
        status = coco_kbs_table_run(value, COCO_KBS_SQL_GET, NULL, 0, note_use, use, err);
    if (status == COCO_OK && use->used)
        status = coco_fail(err, COCO_ERR_DENIED, "the nonce was used before");
    if (status == COCO_OK)
        status = coco_kbs_table_run(value, COCO_KBS_SQL_PUT, more, 3, NULL, NULL, err);
    return status;
}

coco_status
coco_kbs_store_use_once(struct coco_kbs_store *store, const char *name, int64_t expires,
                        int64_t now, coco_error **err)
{
    struct use use = {.store = store, .expires = expires, .now = now};
    struct coco_kbs_value value = {
        .table = store->table,
        .tenant = store->tenant,
        .kind = COCO_KBS_NONCE,
        .name = name,
        .arg = &use,
    };

    coco_status status = coco_kbs_store_check_name(name, err);
    return status == COCO_OK ? coco_kbs_table_write(&value, use_once, err) : status;
}

coco_status
coco_kbs_store_put(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                   const void *data, size_t len, coco_error **err)
{
    struct coco_kbs_task task = {.data = data ? data : "", .len = len};
    struct coco_kbs_value value = coco_kbs_store_value(store, kind, name, &task);

    coco_status status = coco_kbs_store_check_name(name, err);
    return status == COCO_OK ? coco_kbs_table_write(&value, put_within_quota, err) : status;
}

/* One of several values, which are counted when all are there. */
static coco_status
put_json(struct coco_kbs_value value, const cJSON *json, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_KBS_VALUE_MAX};

    coco_status status = coco_kbs_store_check_name(json->string, err);
    if (status == COCO_OK)
        status = coco_json_write(json, COCO_JSON_COMPACT, &text, err);
    if (status != COCO_OK)
        return status;
    struct coco_kbs_task task = {.data = text.data, .len = text.len, .kept = 1};
    value.name = json->string;
    value.arg = &task;
    return put(&value, err);
}

static coco_status
put_sets(struct coco_kbs_value *value, coco_error **err)
{
    const struct coco_kbs_task *task = value->arg;
    coco_status status = COCO_OK;
    const cJSON *json;

    for (size_t i = 0; i < task->n_sets; i++) {
        struct coco_kbs_value one = *value;

        one.kind = (int)task->sets[i].kind;
        cJSON_ArrayForEach(json, task->sets[i].values)
            if (status == COCO_OK)
                status = put_json(one, json, err);
        if (status == COCO_OK)
            status = check_quota(&one, err);
    }
    return status;
}

coco_status
coco_kbs_store_put_sets(struct coco_kbs_store *store, const struct coco_kbs_set *sets, size_t n,
                        coco_error **err)
{
    struct coco_kbs_task task = {.sets = sets, .n_sets = n};
    struct coco_kbs_value value = coco_kbs_store_value(store, sets[0].kind, NULL, &task);

    return coco_kbs_table_write(&value, put_sets, err);
}

coco_status
coco_kbs_store_put_new(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                       const void *data, size_t len, struct coco_secret *ret, coco_error **err)
{
    struct coco_kbs_task task = {.data = data ? data : "", .len = len, .ret = ret};
    struct coco_kbs_value value = coco_kbs_store_value(store, kind, name, &task);

    coco_status status = coco_kbs_store_check_name(name, err);
    return status == COCO_OK ? coco_kbs_table_write(&value, put_new, err) : status;
}

coco_status
coco_kbs_store_get(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                   struct coco_secret *ret, uint64_t *version, coco_error **err)
{
    struct coco_kbs_task task = {.ret = ret};
    struct coco_kbs_value value = coco_kbs_store_value(store, kind, name, &task);

    coco_status status = coco_kbs_table_read(&value, look_up, err);
    if (status == COCO_OK && (!task.version || task.deleted))
        status = coco_kbs_store_fail_missing(name, err);
    if (status == COCO_OK && version)
        *version = task.version;
    return status;
}

coco_status
coco_kbs_store_delete(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                      coco_error **err)
{
    struct coco_kbs_task task = {0};
    struct coco_kbs_value value = coco_kbs_store_value(store, kind, name, &task);

    return coco_kbs_table_write(&value, delete, err);
}

coco_status
coco_kbs_store_purge(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                     coco_error **err)
{
    struct coco_kbs_task task = {0};
    struct coco_kbs_value value = coco_kbs_store_value(store, kind, name, &task);

    return coco_kbs_table_write(&value, purge, err);
}

/* What restore() looks for: the newest that can come back. */
struct search {
    uint64_t found; /* 0: none yet */
    bool first;     /* no row was looked at yet */
};

static coco_status
take_restorable(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    struct search *search = arg;
    const bool is_data = values[3].type == COCO_SQL_NUMBER;

    (void)err;
    /* That which is there now, if anything is, need not come back. */
    if (is_data && !search->first && !search->found)
        search->found = (uint64_t)values[0].number;
    search->first = false;
    return COCO_OK;
}

static coco_status
restore(struct coco_kbs_value *value, coco_error **err)
{
    struct coco_kbs_task *task = value->arg;
    struct search search = {.found = task->wanted, .first = true};
    coco_status status = COCO_OK;

    if (!search.found)
        status = coco_kbs_table_run(value, COCO_KBS_SQL_VERSIONS, NULL, 0, take_restorable, &search,
                                    err);
    if (status != COCO_OK)
        return status;
    const struct coco_sql_value more[] = {
        COCO_SQL_OF_NUMBER(time(NULL)),
        COCO_SQL_OF_NUMBER(search.found),
    };
    task->version = 0;
    status = coco_kbs_table_run(value, COCO_KBS_SQL_RESTORE, more, 2, take_version, task, err);
    if (status == COCO_OK && !task->version)
        return coco_fail(err, COCO_ERR_NOTFOUND, "there is no such version of %s", value->name);
    if (status == COCO_OK)
        status = prune(value, err);
    return status == COCO_OK ? check_quota(value, err) : status;
}

coco_status
coco_kbs_store_restore(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                       uint64_t version, uint64_t *ret, coco_error **err)
{
    struct coco_kbs_task task = {.wanted = version};
    struct coco_kbs_value value = coco_kbs_store_value(store, kind, name, &task);

    if (version > INT64_MAX)
        return coco_fail(err, COCO_ERR_NOTFOUND, "there is no such version of %s", name);
    coco_status status = coco_kbs_table_write(&value, restore, err);
    if (status == COCO_OK)
        *ret = task.version;
    return status;
}
