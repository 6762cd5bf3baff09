/*
 * kbs/table.c - the rows in which a store keeps values
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/table.h"

#include "base/fail.h"

#include <inttypes.h>
#include <string.h>

/* One transaction; the lock is held. */
static coco_status
transact(struct coco_kbs_value *value, coco_kbs_work *work, coco_error **err)
{
    struct coco_database *db = value->table->db;

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

static coco_status
look(struct coco_kbs_value *value, coco_kbs_work *work, coco_error **err)
{
    return work(value, err);
}

/* Whether the reason for which work failed is no more. */
static bool
is_mended(struct coco_kbs_table *table, coco_status status)
{
    if (status == COCO_ERR_IO)
        return table->db->ops->reconnect(table->db);
    if (!table->is_stale)
        return false;
    table->is_stale = false;
    return coco_kbs_table_read_ring(table, NULL) == COCO_OK;
}

/* Nobody knows whether what was lost was done: twice does no harm. */
static coco_status
locked(coco_status (*how)(struct coco_kbs_value *value, coco_kbs_work *work, coco_error **err),
       struct coco_kbs_value *value, coco_kbs_work *work, coco_error **err)
{
    struct coco_kbs_table *table = value->table;
    coco_error *why = NULL;

    (void)pthread_mutex_lock(&table->lock);
    table->is_stale = false;
    coco_status status = how(value, work, &why);
    if (status != COCO_OK && is_mended(table, status)) {
        coco_error_free(why);
        why = NULL;
        status = how(value, work, &why);
    }
    (void)pthread_mutex_unlock(&table->lock);
    if (status != COCO_OK)
        coco_error_give(err, why);
    return status;
}

coco_status
coco_kbs_table_read(struct coco_kbs_value *value, coco_kbs_work *work, coco_error **err)
{
    return locked(look, value, work, err);
}

coco_status
coco_kbs_table_write(struct coco_kbs_value *value, coco_kbs_work *work, coco_error **err)
{
    return locked(transact, value, work, err);
}

coco_status
coco_kbs_table_run(const struct coco_kbs_value *value, enum coco_kbs_statement statement,
                   const struct coco_sql_value *more, size_t n, coco_sql_row *row, void *arg,
                   coco_error **err)
{
    struct coco_database *db = value->table->db;
    struct coco_sql_value parameters[6] = {
        COCO_SQL_OF_TEXT(value->tenant),
        COCO_SQL_OF_NUMBER(value->kind),
    };
    struct coco_sql_query query = {statement, parameters, 2, row, arg};

    if (value->name)
        parameters[query.n++] = (struct coco_sql_value)COCO_SQL_OF_TEXT(value->name);
    for (size_t i = 0; i < n; i++)
        parameters[query.n++] = more[i];
    return db->ops->run(db, &query, err);
}

coco_status
coco_kbs_table_seal(const struct coco_kbs_value *value, const void *data, size_t len,
                    struct coco_buf *ret, uint64_t *number, coco_error **err)
{
    const struct coco_kbs_label label = {value->tenant, value->kind, value->name};
    const struct coco_kbs_ring *ring = &value->table->ring;

    if (len > COCO_KBS_VALUE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "value of %zu bytes, %zu are possible", len,
                         COCO_KBS_VALUE_MAX);
    ret->limit = len + COCO_KBS_SEAL_OVERHEAD;
    *number = coco_kbs_ring_newest(ring);
    if (*number == 0 && value->table->master.len > 0)
        return coco_fail(err, COCO_ERR_VERIFY, "store: there is no key to seal with");
    return *number ? coco_kbs_seal(coco_kbs_ring_find(ring, *number), &label, data, len, ret, err)
                   : coco_buf_append(ret, data, len, err);
}

coco_status
coco_kbs_table_unseal(const struct coco_kbs_value *value, const char *name,
                      const struct coco_sql_value *number, const struct coco_sql_value *data,
                      struct coco_secret *ret, coco_error **err)
{
    const struct coco_kbs_label label = {value->tenant, value->kind, name};
    const struct coco_kbs_ring *ring = &value->table->ring;

    /* Where values are sealed, one that is not was put there by somebody else. */
    if (number->number == 0 && value->table->master.len > 0)
        return coco_fail(err, COCO_ERR_VERIFY, "store: %s is not sealed", name);
    if (number->number == 0)
        return coco_secret_copy(data->data, data->len, ret, err);
    const struct coco_secret *key = coco_kbs_ring_find(ring, (uint64_t)number->number);
    if (!key) {
        value->table->is_stale = true;
        return coco_fail(err, COCO_ERR_VERIFY,
                         "store: %s is sealed with key %" PRId64 ", which is not there", name,
                         number->number);
    }
    return coco_kbs_unseal(key, &label, data->data, data->len, ret, err);
}
