/*
 * kbs/table_ring.c - the keys that values are sealed with
 *
 * They lie in the table like other values, sealed by the master alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/table.h"

#include "base/fail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAME_SIZE 24 /* of a number, and a NUL */

struct reading {
    const struct coco_kbs_table *table;
    struct coco_kbs_ring ring;
};

static coco_status
add_key(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    struct reading *reading = arg;
    const struct coco_kbs_table *table = reading->table;
    const char *name = values[0].data;
    const struct coco_kbs_label label = {"", COCO_KBS_SEAL_KEY, name};
    _cleanup_secret_ struct coco_secret key = {0};

    if (table->master.len == 0)
        return coco_fail(err, COCO_ERR_DENIED,
                         "the store is sealed: [storage_backend.seal] must say with which key");
    coco_status status =
        coco_kbs_unseal(&table->master, &label, values[2].data, values[2].len, &key, err);
    if (status == COCO_ERR_VERIFY)
        return coco_wrap(err, status, "the store is sealed with another key");
    if (status == COCO_OK)
        status = coco_kbs_ring_add(&reading->ring, strtoull(name, NULL, 10), &key, err);
    return status;
}

coco_status
coco_kbs_table_read_ring(struct coco_kbs_table *table, coco_error **err)
{
    const struct coco_kbs_value all = {.table = table, .tenant = "", .kind = COCO_KBS_SEAL_KEY};
    struct reading reading = {.table = table};

    coco_status status =
        coco_kbs_table_run(&all, COCO_KBS_SQL_VALUES, NULL, 0, add_key, &reading, err);
    /* Keys that were there do not go: somebody who can write the database took them away. */
    if (status == COCO_OK && reading.ring.n == 0 && table->ring.n > 0 && table->master.len > 0)
        status = coco_fail(err, COCO_ERR_VERIFY, "store: the keys of its seals are gone");
    if (status != COCO_OK) {
        coco_kbs_ring_done(&reading.ring);
        return status;
    }
    coco_kbs_ring_done(&table->ring);
    table->ring = reading.ring;
    return COCO_OK;
}

static coco_status
put_key(struct coco_kbs_table *table, const struct coco_secret *master, const char *name,
        const struct coco_secret *key, coco_error **err)
{
    const struct coco_kbs_label label = {"", COCO_KBS_SEAL_KEY, name};
    const struct coco_kbs_value value = {
        .table = table, .tenant = "", .kind = COCO_KBS_SEAL_KEY, .name = name};
    _cleanup_buf_ struct coco_buf sealed = {.limit = key->len + COCO_KBS_SEAL_OVERHEAD};

    coco_status status = coco_kbs_seal(master, &label, key->data, key->len, &sealed, err);
    if (status != COCO_OK)
        return status;
    const struct coco_sql_value more[] = {
        COCO_SQL_OF_NUMBER(time(NULL)),
        COCO_SQL_OF_NUMBER(0),
        COCO_SQL_OF_BYTES(sealed.data, sealed.len),
    };
    return coco_kbs_table_run(&value, COCO_KBS_SQL_PUT, more, 3, NULL, NULL, err);
}

static void
name_key(uint64_t number, char name[NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, "%" PRIu64, number);
}

static coco_status
put_ring(struct coco_kbs_table *table, const struct coco_secret *master,
         const struct coco_kbs_ring *ring, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < ring->n && status == COCO_OK; i++) {
        char name[NAME_SIZE];

        name_key(ring->keys[i].number, name);
        status = put_key(table, master, name, &ring->keys[i].key, err);
    }
    return status;
}

static coco_status
note_row(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    bool *any = arg;

    (void)values;
    (void)err;
    *any = true;
    return COCO_OK;
}

/* Values that are not sealed with key number, and are no keys themselves. */
static coco_status
run_others(struct coco_kbs_table *table, uint64_t number, coco_sql_row *row, void *arg,
           coco_error **err)
{
    const struct coco_sql_value parameters[] = {
        COCO_SQL_OF_NUMBER(number),
        COCO_SQL_OF_NUMBER(COCO_KBS_SEAL_KEY),
    };
    const struct coco_sql_query query = {COCO_KBS_SQL_OTHERS, parameters, 2, row, arg};

    return table->db->ops->run(table->db, &query, err);
}

static coco_status
open_ring(struct coco_kbs_value *value, coco_error **err)
{
    struct coco_kbs_table *table = value->table;
    bool any = false;

    coco_status status = coco_kbs_table_read_ring(table, err);
    if (status != COCO_OK || table->master.len == 0 || table->ring.n > 0)
        return status;
    status = run_others(table, INT64_MAX, note_row, &any, err);
    if (status == COCO_OK && any)
        return coco_fail(err, COCO_ERR_DENIED,
                         "the store holds what is not sealed: 'coco kbs reseal' seals it");
    if (status == COCO_OK)
        status = coco_kbs_ring_renew(&table->ring, err);
    return status == COCO_OK ? put_ring(table, &table->master, &table->ring, err) : status;
}

coco_status
coco_kbs_table_open_ring(struct coco_kbs_table *table, coco_error **err)
{
    struct coco_kbs_value all = {.table = table, .tenant = "", .kind = COCO_KBS_SEAL_KEY};

    return coco_kbs_table_write(&all, open_ring, err);
}

/* What is sealed anew. */
struct resealing {
    struct coco_kbs_table *table; /* with the keys of before */
    uint64_t number;              /* 0: no key any more */
    const struct coco_secret *key;
    size_t n; /* values so far */
};

/* Of tenant, kind, name, version, seal, data. */
static coco_status
reseal_row(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    struct resealing *resealing = arg;
    struct coco_database *db = resealing->table->db;
    const struct coco_kbs_label label = {values[0].data, (int)values[1].number, values[2].data};
    const struct coco_kbs_value value = {resealing->table, label.tenant, label.kind, label.name,
                                         NULL};
    _cleanup_secret_ struct coco_secret text = {0};
    _cleanup_buf_ struct coco_buf sealed = {.limit = COCO_KBS_VALUE_MAX + COCO_KBS_SEAL_OVERHEAD};

    coco_status status =
        coco_kbs_table_unseal(&value, label.name, &values[4], &values[5], &text, err);
    if (status == COCO_OK)
        status = resealing->number
                     ? coco_kbs_seal(resealing->key, &label, text.data, text.len, &sealed, err)
                     : coco_buf_append(&sealed, text.data, text.len, err);
    if (status != COCO_OK)
        return status;
    const struct coco_sql_value parameters[] = {
        values[0],
        values[1],
        values[2],
        values[3],
        COCO_SQL_OF_NUMBER(resealing->number),
        COCO_SQL_OF_BYTES(coco_buf_text(&sealed), sealed.len),
    };
    const struct coco_sql_query query = {COCO_KBS_SQL_RESEAL, parameters, 6, NULL, NULL};
    resealing->n++;
    return db->ops->run(db, &query, err);
}

static coco_status
reseal_values(struct resealing *resealing, coco_error **err)
{
    coco_status status = COCO_OK;
    size_t before;

    do {
        before = resealing->n;
        status = run_others(resealing->table, resealing->number, reseal_row, resealing, err);
    } while (status == COCO_OK && resealing->n > before);
    return status;
}

/* Removes the keys that are there. */
static coco_status
purge_keys(struct coco_kbs_table *table, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < table->ring.n && status == COCO_OK; i++) {
        char name[NAME_SIZE];
        const struct coco_kbs_value value = {table, "", COCO_KBS_SEAL_KEY, name, NULL};

        name_key(table->ring.keys[i].number, name);
        status = coco_kbs_table_run(&value, COCO_KBS_SQL_PURGE, NULL, 0, NULL, NULL, err);
    }
    return status;
}

/* The keys of before stay beside the new one: a replica may be putting values with them. */
static coco_status
copy_ring(const struct coco_kbs_ring *from, struct coco_kbs_ring *to, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < from->n && status == COCO_OK; i++) {
        _cleanup_secret_ struct coco_secret key = {0};

        status = coco_secret_copy(from->keys[i].key.data, from->keys[i].key.len, &key, err);
        if (status == COCO_OK)
            status = coco_kbs_ring_add(to, from->keys[i].number, &key, err);
    }
    return status;
}

/* value->arg is the master to come. */
static coco_status
reseal(struct coco_kbs_value *value, coco_error **err)
{
    struct coco_kbs_table *table = value->table;
    const struct coco_secret *master = value->arg;
    struct resealing resealing = {.table = table};
    _cleanup_ring_ struct coco_kbs_ring next = {0};

    coco_status status = coco_kbs_table_read_ring(table, err);
    if (status == COCO_OK && master->len > 0)
        status = copy_ring(&table->ring, &next, err);
    if (status == COCO_OK && master->len > 0)
        status = coco_kbs_ring_renew(&next, err);
    if (status != COCO_OK)
        return status;
    resealing.number = coco_kbs_ring_newest(&next);
    resealing.key = coco_kbs_ring_find(&next, resealing.number);
    status = reseal_values(&resealing, err);
    if (status == COCO_OK)
        status = purge_keys(table, err);
    if (status == COCO_OK)
        status = put_ring(table, master, &next, err);
    return status;
}

coco_status
coco_kbs_table_reseal(struct coco_kbs_table *table, struct coco_secret *master, coco_error **err)
{
    struct coco_kbs_value all = {
        .table = table, .tenant = "", .kind = COCO_KBS_SEAL_KEY, .arg = master};

    coco_status status = coco_kbs_table_write(&all, reseal, err);
    if (status != COCO_OK)
        return status;
    (void)pthread_mutex_lock(&table->lock);
    coco_secret_done(&table->master);
    table->master = coco_secret_steal(master);
    status = coco_kbs_table_read_ring(table, err);
    (void)pthread_mutex_unlock(&table->lock);
    return status;
}
