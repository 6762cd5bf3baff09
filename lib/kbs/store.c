/*
 * kbs/store.c - what a KBS keeps
 *
 * SQLite copies values through memory that it does not wipe. In memory, where no
 * file is to be read by others, it sees them sealed only (T36 in doc/threats.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/store.h"

#include "base/fail.h"
#include "kbs/database.h"
#include "kbs/seal.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#define NO_TENANT ""

struct coco_kbs_store {
    struct coco_database *db;
    pthread_mutex_t lock; /* db's */
    uint64_t versions;
    struct coco_secret key; /* of the values; none: they are not sealed */
    uint64_t key_number;    /* 0: none */
};

/* A value that somebody asks about. */
struct value {
    struct coco_kbs_store *store;
    enum coco_kbs_kind kind;
    const char *name;
    const struct coco_buf *sealed; /* what is put of it */
    struct coco_secret *ret;       /* where it goes */
    uint64_t wanted;               /* version to be put again; 0: the newest before */
    uint64_t version;              /* 0: none was found */
    bool deleted;
    const cJSON *values; /* that are put */
    cJSON *list;         /* that is filled */
};

typedef coco_status work_fn(struct value *value, coco_error **err);

coco_status
coco_kbs_store_open(const struct coco_kbs_store_options *options, struct coco_kbs_store **ret,
                    coco_error **err)
{
    struct coco_kbs_store *made = calloc(1, sizeof(*made));

    if (!made)
        return coco_fail_nomem(err);
    (void)pthread_mutex_init(&made->lock, NULL);
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = made;
    store->versions = options->versions ? options->versions : 1;
    coco_status status = coco_database_open_sqlite(options->path, &store->db, err);
    if (status == COCO_OK && !options->path) {
        store->key_number = 1;
        status = coco_secret_random(COCO_AEAD_KEY_SIZE, &store->key, err);
    }
    if (status == COCO_OK)
        *ret = coco_steal(&store);
    return status;
}

void
coco_kbs_store_close(struct coco_kbs_store *store)
{
    if (!store)
        return;
    coco_database_close(store->db);
    coco_secret_done(&store->key);
    (void)pthread_mutex_destroy(&store->lock);
    free(store);
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

/* The versions that are kept of a value. */
static uint64_t
history_of(const struct coco_kbs_store *store, enum coco_kbs_kind kind)
{
    return kind == COCO_KBS_RESOURCE ? store->versions : 1;
}

static coco_status
fail_missing(const char *name, coco_error **err)
{
    return coco_fail(err, COCO_ERR_NOTFOUND, "%s is not there", name);
}

/* Appends what the database gets to see of a value. */
static coco_status
seal(const struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
     const void *data, size_t len, struct coco_buf *ret, coco_error **err)
{
    const struct coco_kbs_label label = {.tenant = NO_TENANT, .kind = (int)kind, .name = name};

    if (len > COCO_KBS_VALUE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "value of %zu bytes, %zu are possible", len,
                         COCO_KBS_VALUE_MAX);
    ret->limit = len + COCO_KBS_SEAL_OVERHEAD;
    return store->key_number ? coco_kbs_seal(&store->key, &label, data, len, ret, err)
                             : coco_buf_append(ret, data, len, err);
}

/* A value of the database, and the number of the key that it is sealed with. */
static coco_status
unseal(const struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
       const struct coco_sql_value *number, const struct coco_sql_value *data,
       struct coco_secret *ret, coco_error **err)
{
    const struct coco_kbs_label label = {.tenant = NO_TENANT, .kind = (int)kind, .name = name};

    if (number->number < 0 || (uint64_t)number->number != store->key_number)
        return coco_fail(err, COCO_ERR_VERIFY, "store: %s is sealed with another key", name);
    return store->key_number ? coco_kbs_unseal(&store->key, &label, data->data, data->len, ret, err)
                             : coco_secret_copy(data->data, data->len, ret, err);
}

/* Runs a statement that takes tenant, kind, name if there is one, and up to three more. */
static coco_status
run(const struct value *value, enum coco_kbs_statement statement, const struct coco_sql_value *more,
    size_t n, coco_sql_row *row, void *arg, coco_error **err)
{
    struct coco_database *db = value->store->db;
    struct coco_sql_value parameters[6] = {
        COCO_SQL_OF_TEXT(NO_TENANT),
        COCO_SQL_OF_NUMBER(value->kind),
    };
    struct coco_sql_query query = {statement, parameters, 2, row, arg};

    if (value->name)
        parameters[query.n++] = (struct coco_sql_value)COCO_SQL_OF_TEXT(value->name);
    for (size_t i = 0; i < n; i++)
        parameters[query.n++] = more[i];
    return db->ops->run(db, &query, err);
}

static coco_status
take_version(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    struct value *value = arg;

    (void)err;
    value->version = (uint64_t)values[0].number;
    return COCO_OK;
}

static coco_status
take_value(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    struct value *value = arg;

    value->version = (uint64_t)values[0].number;
    value->deleted = values[2].data == NULL;
    if (value->deleted || !value->ret)
        return COCO_OK;
    return unseal(value->store, value->kind, value->name, &values[1], &values[2], value->ret, err);
}

/* Stores what there is of it, which may be nothing. */
static coco_status
look_up(struct value *value, coco_error **err)
{
    value->version = 0;
    value->deleted = false;
    return run(value, COCO_KBS_SQL_GET, NULL, 0, take_value, value, err);
}

static coco_status
prune(struct value *value, coco_error **err)
{
    uint64_t kept = history_of(value->store, value->kind);

    if (value->version <= kept)
        return COCO_OK;
    const struct coco_sql_value last = COCO_SQL_OF_NUMBER(value->version - kept);
    return run(value, COCO_KBS_SQL_PRUNE, &last, 1, NULL, NULL, err);
}

/* Puts value->sealed, or without it that the value was deleted. */
static coco_status
put(struct value *value, coco_error **err)
{
    const struct coco_buf *sealed = value->sealed;
    const struct coco_sql_value more[] = {
        COCO_SQL_OF_NUMBER(time(NULL)),
        COCO_SQL_OF_NUMBER(sealed ? value->store->key_number : 0),
        /* An empty value is a value, not NULL: so never a NULL pointer. */
        COCO_SQL_OF_BYTES(sealed ? coco_buf_text(sealed) : NULL, sealed ? sealed->len : 0),
    };

    coco_status status = run(value, COCO_KBS_SQL_PUT, more, 3, take_version, value, err);
    return status == COCO_OK ? prune(value, err) : status;
}

static coco_status
put_new(struct value *value, coco_error **err)
{
    coco_status status = look_up(value, err);

    if (status != COCO_OK || (value->version && !value->deleted))
        return status;
    status = put(value, err);
    return status == COCO_OK ? look_up(value, err) : status;
}

static coco_status
purge(struct value *value, coco_error **err)
{
    value->version = 0;
    coco_status status = run(value, COCO_KBS_SQL_PURGE, NULL, 0, take_version, value, err);
    return status == COCO_OK && !value->version ? fail_missing(value->name, err) : status;
}

static coco_status delete (struct value *value, coco_error **err)
{
    coco_status status = look_up(value, err);

    if (status == COCO_OK && (!value->version || value->deleted))
        status = fail_missing(value->name, err);
    if (status != COCO_OK)
        return status;
    return history_of(value->store, value->kind) > 1 ? put(value, err) : purge(value, err);
}

/* One transaction; the lock is held. */
static coco_status
transact(struct coco_database *db, work_fn *work, struct value *value, coco_error **err)
{
    coco_status status = db->ops->begin(db, err);

    if (status != COCO_OK)
        return status;
    status = work(value, err);
    if (status == COCO_OK)
        status = db->ops->commit(db, err);
    if (status != COCO_OK)
        db->ops->rollback(db);
    return status;
}

/* Reads alone need no transaction. */
static coco_status
look(struct coco_database *db, work_fn *work, struct value *value, coco_error **err)
{
    (void)db;
    return work(value, err);
}

/*
 * Does work, and once more when the connection was lost meanwhile: nobody knows then
 * whether it was done, and twice does no harm.
 */
static coco_status
locked(coco_status (*how)(struct coco_database *db, work_fn *work, struct value *value,
                          coco_error **err),
       work_fn *work, struct value *value, coco_error **err)
{
    struct coco_kbs_store *store = value->store;
    coco_error *why = NULL;

    (void)pthread_mutex_lock(&store->lock);
    coco_status status = how(store->db, work, value, &why);
    if (status == COCO_ERR_IO && store->db->ops->reconnect(store->db)) {
        coco_error_free(why);
        why = NULL;
        status = how(store->db, work, value, &why);
    }
    (void)pthread_mutex_unlock(&store->lock);
    if (status != COCO_OK)
        coco_error_give(err, why);
    return status;
}

coco_status
coco_kbs_store_put(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                   const void *data, size_t len, coco_error **err)
{
    _cleanup_buf_ struct coco_buf sealed = {0};
    struct value value = {.store = store, .kind = kind, .name = name, .sealed = &sealed};

    coco_status status = coco_kbs_store_check_name(name, err);
    if (status == COCO_OK)
        status = seal(store, kind, name, data, len, &sealed, err);
    return status == COCO_OK ? locked(transact, put, &value, err) : status;
}

static coco_status
put_json(struct coco_kbs_store *store, enum coco_kbs_kind kind, const cJSON *json, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_KBS_VALUE_MAX};
    _cleanup_buf_ struct coco_buf sealed = {0};
    struct value value = {.store = store, .kind = kind, .name = json->string, .sealed = &sealed};

    coco_status status = coco_kbs_store_check_name(json->string, err);
    if (status == COCO_OK)
        status = coco_json_write(json, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = seal(store, kind, json->string, text.data, text.len, &sealed, err);
    return status == COCO_OK ? put(&value, err) : status;
}

static coco_status
put_values(struct value *value, coco_error **err)
{
    coco_status status = COCO_OK;
    const cJSON *json;

    cJSON_ArrayForEach(json, value->values)
        if (status == COCO_OK)
            status = put_json(value->store, value->kind, json, err);
    return status;
}

coco_status
coco_kbs_store_put_values(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                          const cJSON *values, coco_error **err)
{
    struct value value = {.store = store, .kind = kind, .values = values};

    return locked(transact, put_values, &value, err);
}

coco_status
coco_kbs_store_put_new(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                       const void *data, size_t len, struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf sealed = {0};
    struct value value = {
        .store = store, .kind = kind, .name = name, .sealed = &sealed, .ret = ret};

    coco_status status = coco_kbs_store_check_name(name, err);
    if (status == COCO_OK)
        status = seal(store, kind, name, data, len, &sealed, err);
    return status == COCO_OK ? locked(transact, put_new, &value, err) : status;
}

coco_status
coco_kbs_store_get(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                   struct coco_secret *ret, uint64_t *version, coco_error **err)
{
    struct value value = {.store = store, .kind = kind, .name = name, .ret = ret};

    coco_status status = locked(look, look_up, &value, err);
    if (status == COCO_OK && (!value.version || value.deleted))
        status = fail_missing(name, err);
    if (status == COCO_OK && version)
        *version = value.version;
    return status;
}

coco_status
coco_kbs_store_delete(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                      coco_error **err)
{
    struct value value = {.store = store, .kind = kind, .name = name};

    return locked(transact, delete, &value, err);
}

coco_status
coco_kbs_store_purge(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                     coco_error **err)
{
    struct value value = {.store = store, .kind = kind, .name = name};

    return locked(transact, purge, &value, err);
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
restore(struct value *value, coco_error **err)
{
    struct search search = {.found = value->wanted, .first = true};
    coco_status status = COCO_OK;

    if (!search.found)
        status = run(value, COCO_KBS_SQL_VERSIONS, NULL, 0, take_restorable, &search, err);
    if (status != COCO_OK)
        return status;
    const struct coco_sql_value more[] = {
        COCO_SQL_OF_NUMBER(time(NULL)),
        COCO_SQL_OF_NUMBER(search.found),
    };
    value->version = 0;
    status = run(value, COCO_KBS_SQL_RESTORE, more, 2, take_version, value, err);
    if (status == COCO_OK && !value->version)
        return coco_fail(err, COCO_ERR_NOTFOUND, "there is no such version of %s", value->name);
    return status == COCO_OK ? prune(value, err) : status;
}

coco_status
coco_kbs_store_restore(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                       uint64_t version, uint64_t *ret, coco_error **err)
{
    struct value value = {.store = store, .kind = kind, .name = name, .wanted = version};

    if (version > INT64_MAX)
        return coco_fail(err, COCO_ERR_NOTFOUND, "there is no such version of %s", name);
    coco_status status = locked(transact, restore, &value, err);
    if (status == COCO_OK)
        *ret = value.version;
    return status;
}

static coco_status
add_version(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    const struct value *value = arg;
    const bool is_data = values[3].type == COCO_SQL_NUMBER;
    uint64_t size = (uint64_t)values[3].number;
    cJSON *version = NULL;

    if (values[2].number && size >= COCO_KBS_SEAL_OVERHEAD)
        size -= COCO_KBS_SEAL_OVERHEAD;
    coco_status status = coco_json_add_object(value->list, NULL, &version, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(version, "version", (uint64_t)values[0].number, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(version, "time", (uint64_t)values[1].number, err);
    if (status == COCO_OK)
        status = is_data ? coco_json_add_u64(version, "size", size, err)
                         : coco_json_add_bool(version, "deleted", true, err);
    return status;
}

static coco_status
list_versions(struct value *value, coco_error **err)
{
    return run(value, COCO_KBS_SQL_VERSIONS, NULL, 0, add_version, value, err);
}

/* Fills value->list and gives it to *ret. */
static coco_status
list(work_fn *work, struct value *value, cJSON **ret, coco_error **err)
{
    coco_status status = value->list ? locked(look, work, value, err) : coco_fail_nomem(err);

    if (status == COCO_OK)
        *ret = coco_steal(&value->list);
    coco_json_free(value->list);
    return status;
}

coco_status
coco_kbs_store_versions(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                        cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *versions = NULL;
    struct value value = {.store = store, .kind = kind, .name = name, .list = cJSON_CreateArray()};

    coco_status status = list(list_versions, &value, &versions, err);
    if (status == COCO_OK && cJSON_GetArraySize(versions) == 0)
        status = fail_missing(name, err);
    if (status == COCO_OK)
        *ret = coco_steal(&versions);
    return status;
}

static coco_status
add_name(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    const struct value *value = arg;

    return coco_json_add_string(value->list, NULL, values[0].data, err);
}

static coco_status
list_names(struct value *value, coco_error **err)
{
    return run(value, COCO_KBS_SQL_NAMES, NULL, 0, add_name, value, err);
}

coco_status
coco_kbs_store_names(struct coco_kbs_store *store, enum coco_kbs_kind kind, cJSON **ret,
                     coco_error **err)
{
    struct value value = {.store = store, .kind = kind, .list = cJSON_CreateArray()};

    return list(list_names, &value, ret, err);
}

static coco_status
add_value(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    const struct value *value = arg;
    const char *name = values[0].data;
    _cleanup_secret_ struct coco_secret text = {0};
    cJSON *json = NULL;

    coco_status status =
        unseal(value->store, value->kind, name, &values[1], &values[2], &text, err);
    if (status == COCO_OK)
        status = coco_json_parse((const char *)text.data, text.len, &json, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "stored value %s", name);
    return coco_json_add_item(value->list, name, json, err);
}

static coco_status
list_values(struct value *value, coco_error **err)
{
    return run(value, COCO_KBS_SQL_VALUES, NULL, 0, add_value, value, err);
}

coco_status
coco_kbs_store_values(struct coco_kbs_store *store, enum coco_kbs_kind kind, cJSON **ret,
                      coco_error **err)
{
    struct value value = {.store = store, .kind = kind};

    coco_status status = coco_json_new_object(&value.list, err);
    return status == COCO_OK ? list(list_values, &value, ret, err) : status;
}
