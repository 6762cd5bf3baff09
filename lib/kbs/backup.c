/*
 * kbs/backup.c - all that a KBS keeps, in one file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/backup.h"

#include "base/bytes.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/text.h"
#include "crypto/mac.h"
#include "kbs/audit_note.h"
#include "kbs/core.h"
#include "kbs/database.h"
#include "kbs/storage.h"
#include "kbs/table.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define VERSION 1
#define NAME "backup"
#define MAC_PURPOSE "libcoco KBS backup"
#define HEADER_MAX ((size_t)1024)
#define DATA_MAX (COCO_KBS_VALUE_MAX + COCO_KBS_SEAL_OVERHEAD)

/* ---- what it says of itself ---- */

static coco_status
parse_hex(const cJSON *object, const char *name, struct coco_digest *ret, coco_error **err)
{
    const char *hex = NULL;

    coco_status status = coco_json_get_string(object, name, &hex, err);
    if (status != COCO_OK)
        return status;
    *ret = (struct coco_digest){.alg = COCO_SHA256};
    if (strlen(hex) != 2 * coco_hash_size(COCO_SHA256)
        || !coco_unhex(hex, strlen(hex), ret->bytes, coco_hash_size(COCO_SHA256)))
        return coco_fail(err, COCO_ERR_PROTO, "%s is no SHA-256", name);
    return COCO_OK;
}

coco_status
coco_kbs_backup_parse(const char *text, size_t len, struct coco_kbs_backup *ret, coco_error **err)
{
    static const char *const known[] = {"version", "time", "rows", "sealed", "digest", "mac", NULL};
    _cleanup_json_ cJSON *object = NULL;
    struct coco_kbs_backup backup = {0};
    uint64_t version = 0;
    uint64_t when = 0;

    coco_status status = coco_json_parse_object(text, len, &object, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(object, "version", &version, err);
    if (status == COCO_OK && version != VERSION)
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "backup: has version %" PRIu64 ", this program knows %d", version,
                         VERSION);
    if (status == COCO_OK)
        status = coco_json_check_members(object, known, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(object, "time", &when, err);
    if (status == COCO_OK && when > INT64_MAX)
        status = coco_fail(err, COCO_ERR_PROTO, "time is none");
    if (status == COCO_OK)
        status = coco_json_get_u64(object, "rows", &backup.rows, err);
    if (status == COCO_OK)
        status = coco_json_get_bool_opt(object, "sealed", false, &backup.sealed, err);
    if (status == COCO_OK)
        status = parse_hex(object, "digest", &backup.digest, err);
    if (status == COCO_OK && backup.sealed)
        status = parse_hex(object, "mac", &backup.mac, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "backup");
    backup.time = (int64_t)when;
    *ret = backup;
    return COCO_OK;
}

static coco_status
add_hex(cJSON *object, const char *name, const struct coco_digest *digest, coco_error **err)
{
    char hex[2 * COCO_DIGEST_SIZE_MAX + 1];

    coco_hex(digest->bytes, coco_hash_size(digest->alg), hex);
    return coco_json_add_string(object, name, hex, err);
}

/* What everybody may know of it; made before it is too late to fail. */
static coco_status
tell(const struct coco_kbs_backup *backup, coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = HEADER_MAX};
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_i64(object, "time", backup->time, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "rows", backup->rows, err);
    if (status == COCO_OK)
        status = coco_json_add_bool(object, "sealed", backup->sealed, err);
    if (status == COCO_OK)
        status = add_hex(object, "digest", &backup->digest, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, &text, err);
    return status == COCO_OK ? coco_bytes_take(&text, ret, err) : status;
}

static coco_status
write_header(const struct coco_kbs_backup *backup, struct coco_buf *ret, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "version", VERSION, err);
    if (status == COCO_OK)
        status = coco_json_add_i64(object, "time", backup->time, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "rows", backup->rows, err);
    if (status == COCO_OK)
        status = coco_json_add_bool(object, "sealed", backup->sealed, err);
    if (status == COCO_OK)
        status = add_hex(object, "digest", &backup->digest, err);
    if (status == COCO_OK && backup->sealed)
        status = add_hex(object, "mac", &backup->mac, err);
    return status == COCO_OK ? coco_json_write(object, COCO_JSON_COMPACT, ret, err) : status;
}

static coco_status
make_mac(const struct coco_secret *master, const struct coco_digest *digest,
         struct coco_digest *ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret key = {0};

    *ret = (struct coco_digest){.alg = COCO_SHA256};
    coco_status status = coco_hkdf(master, MAC_PURPOSE, COCO_AEAD_KEY_SIZE, &key, err);
    return status == COCO_OK ? coco_hmac(EVP_sha256(), &key, digest->bytes,
                                         coco_hash_size(digest->alg), ret->bytes, err)
                             : status;
}

/* On record, which backup it is: by its digest, and the time that it says of itself. */
static coco_status
note(const struct coco_kbs_config *config, enum coco_kbs_audit_deed deed,
     const struct coco_kbs_backup *backup, coco_error **err)
{
    char hex[2 * COCO_DIGEST_SIZE_MAX + 1];
    char what[COCO_KBS_NOTE_SIZE];

    coco_hex(backup->digest.bytes, coco_hash_size(backup->digest.alg), hex);
    (void)snprintf(what, sizeof(what), "SHA-256 %s, %" PRIu64 " rows of %" PRId64, hex,
                   backup->rows, backup->time);
    return coco_kbs_audit_note_leave(config, deed, what, err);
}

/* ---- rows, one after the other ---- */

/* Of a row. */
struct key {
    char tenant[COCO_KBS_TENANT_MAX + 1];
    int64_t kind;
    char name[COCO_KBS_NAME_MAX + 1];
    int64_t version;
};

struct copying {
    struct coco_database *from;
    struct coco_database *to;
    const struct coco_secret *master; /* that the store is sealed with; NULL: it is not */
    struct coco_hash hash;
    uint64_t rows;
    unsigned got; /* rows of this page */
    struct key last;
};

enum column {
    TENANT,
    KIND,
    ROW_NAME,
    ROW_VERSION,
    TIME,
    SEAL,
    DATA,
    COLUMNS,
};

static coco_status
add_number(struct coco_hash *hash, uint64_t number, coco_error **err)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    return coco_hash_add(hash, bytes, sizeof(bytes), err);
}

/* So that no two rows that differ give the same: each value with what it is, and its length. */
static coco_status
add_value(struct coco_hash *hash, const struct coco_sql_value *value, coco_error **err)
{
    const bool is_null = value->type == COCO_SQL_BYTES && !value->data;

    coco_status status = add_number(hash, is_null ? UINT64_MAX : (uint64_t)value->type, err);
    if (status != COCO_OK || is_null)
        return status;
    if (value->type == COCO_SQL_NUMBER)
        return add_number(hash, (uint64_t)value->number, err);
    status = add_number(hash, value->len, err);
    return status == COCO_OK ? coco_hash_add(hash, value->data, value->len, err) : status;
}

static bool
is_text(const struct coco_sql_value *value, size_t most)
{
    return value->type == COCO_SQL_TEXT && value->len <= most && strlen(value->data) == value->len;
}

static bool
is_number(const struct coco_sql_value *value, int64_t least)
{
    return value->type == COCO_SQL_NUMBER && value->number >= least;
}

/* What a store can hold; a file can hold anything. */
static coco_status
check_row(const struct coco_sql_value *row, coco_error **err)
{
    if (!is_text(&row[TENANT], COCO_KBS_TENANT_MAX) || !is_number(&row[KIND], COCO_KBS_BACKUP)
        || !is_text(&row[ROW_NAME], COCO_KBS_NAME_MAX) || !is_number(&row[ROW_VERSION], 1)
        || !is_number(&row[TIME], 0) || !is_number(&row[SEAL], 0)
        || row[DATA].type != COCO_SQL_BYTES || row[DATA].len > DATA_MAX
        || row[KIND].number > INT32_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "a row is none of a store");
    const char *tenant = row[TENANT].data;
    coco_status status = *tenant ? coco_kbs_tenant_check(tenant, err) : COCO_OK;
    return status == COCO_OK ? coco_kbs_store_check_name(row[ROW_NAME].data, err) : status;
}

/* Keys of seals must be sealed with the master, and all else with one of them: or nothing is. */
static coco_status
check_seal(const struct copying *copying, const struct coco_sql_value *row, coco_error **err)
{
    const struct coco_kbs_label label = {row[TENANT].data, COCO_KBS_SEAL_KEY, row[ROW_NAME].data};
    _cleanup_secret_ struct coco_secret key = {0};
    const bool is_key = row[KIND].number == COCO_KBS_SEAL_KEY;
    const bool is_sealed = is_key || row[SEAL].number != 0;

    if (!row[DATA].data)
        return COCO_OK;
    if (is_sealed && !copying->master)
        return coco_fail(err, COCO_ERR_DENIED,
                         "values are sealed, and the configuration names no key for it");
    if (!is_sealed && copying->master)
        return coco_fail(err, COCO_ERR_DENIED,
                         "values are not sealed, and the configuration names a key for it");
    if (!is_key)
        return COCO_OK;
    coco_status status =
        coco_kbs_unseal(copying->master, &label, row[DATA].data, row[DATA].len, &key, err);
    return status == COCO_OK ? status
                             : coco_wrap(err, status, "values are sealed with another key");
}

static coco_status
import(struct coco_database *to, const struct coco_sql_value *row, coco_error **err)
{
    const struct coco_sql_query query = {COCO_KBS_SQL_IMPORT, row, COLUMNS, NULL, NULL};

    return to->ops->run(to, &query, err);
}

/* Its texts were looked at: they fit. */
static void
note_key(const struct coco_sql_value *row, struct key *ret)
{
    (void)snprintf(ret->tenant, sizeof(ret->tenant), "%s", (const char *)row[TENANT].data);
    ret->kind = row[KIND].number;
    (void)snprintf(ret->name, sizeof(ret->name), "%s", (const char *)row[ROW_NAME].data);
    ret->version = row[ROW_VERSION].number;
}

static bool
is_header(const struct key *key)
{
    return !*key->tenant && strcmp(key->name, NAME) == 0 && key->version == 1;
}

static coco_status
copy_row(void *arg, const struct coco_sql_value *row, coco_error **err)
{
    struct copying *copying = arg;

    copying->got++;
    coco_status status = check_row(row, err);
    if (status != COCO_OK)
        return status;
    note_key(row, &copying->last);
    /* It is about this store alone, and is soon gone from there. */
    if (row[KIND].number == COCO_KBS_NOTE)
        return COCO_OK;
    if (row[KIND].number == COCO_KBS_BACKUP)
        return is_header(&copying->last) ? COCO_OK
                                         : coco_fail(err, COCO_ERR_PROTO, "a row is of no kind");
    status = check_seal(copying, row, err);
    for (size_t i = 0; i < COLUMNS && status == COCO_OK; i++)
        status = add_value(&copying->hash, &row[i], err);
    if (status == COCO_OK)
        status = import(copying->to, row, err);
    copying->rows++;
    return status;
}

/* All of them, a few at a time, and their digest. */
static coco_status
copy_rows(struct copying *copying, int64_t when, struct coco_digest *ret, coco_error **err)
{
    coco_status status = coco_hash_begin(&copying->hash, COCO_SHA256, err);

    if (status == COCO_OK)
        status = add_number(&copying->hash, (uint64_t)when, err);
    copying->last.kind = INT64_MIN; /* before all that a file can hold */
    copying->last.version = INT64_MIN;
    do {
        const struct key last = copying->last; /* which changes while the rows behind it are read */
        const struct coco_sql_value behind[] = {
            COCO_SQL_OF_TEXT(last.tenant),
            COCO_SQL_OF_NUMBER(last.kind),
            COCO_SQL_OF_TEXT(last.name),
            COCO_SQL_OF_NUMBER(last.version),
        };
        const struct coco_sql_query query = {COCO_KBS_SQL_EXPORT, behind, 4, copy_row, copying};

        copying->got = 0;
        if (status == COCO_OK)
            status = copying->from->ops->run(copying->from, &query, err);
    } while (status == COCO_OK && copying->got > 0);
    if (status == COCO_OK)
        status = add_number(&copying->hash, copying->rows, err);
    return status == COCO_OK ? coco_hash_end(&copying->hash, ret, err) : status;
}

/* ---- made ---- */

static coco_status
put_header(struct coco_database *to, const struct coco_kbs_backup *backup, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = HEADER_MAX};

    coco_status status = write_header(backup, &text, err);
    const struct coco_sql_value row[COLUMNS] = {
        COCO_SQL_OF_TEXT(""),
        COCO_SQL_OF_NUMBER(COCO_KBS_BACKUP),
        COCO_SQL_OF_TEXT(NAME),
        COCO_SQL_OF_NUMBER(1),
        COCO_SQL_OF_NUMBER(backup->time),
        COCO_SQL_OF_NUMBER(0),
        COCO_SQL_OF_BYTES(text.data, text.len),
    };
    return status == COCO_OK ? import(to, row, err) : status;
}

/* One that is made. */
struct making {
    const struct coco_kbs_config *config;
    const struct coco_secret *master; /* NULL: it is not sealed */
    struct coco_database *from;
    struct coco_kbs_backup backup;
};

static coco_status
copy_out(struct making *making, struct coco_database *to, coco_bytes **ret, coco_error **err)
{
    struct copying copying = {.from = making->from, .to = to, .master = making->master};
    struct coco_kbs_backup *backup = &making->backup;

    *backup =
        (struct coco_kbs_backup){.time = (int64_t)time(NULL), .sealed = making->master != NULL};
    coco_status status = copy_rows(&copying, backup->time, &backup->digest, err);
    coco_hash_done(&copying.hash);
    backup->rows = copying.rows;
    if (status == COCO_OK && making->master)
        status = make_mac(making->master, &backup->digest, &backup->mac, err);
    if (status == COCO_OK)
        status = put_header(to, backup, err);
    return status == COCO_OK ? tell(backup, ret, err) : status;
}

/* Writes it to path, which is not its name yet. */
static coco_status
write_file(struct making *making, const char *path, coco_bytes **ret, coco_error **err)
{
    _cleanup_(coco_database_closep) struct coco_database *to = NULL;
    struct coco_database *from = making->from;

    coco_status status = coco_database_make_backup(path, &to, err);
    if (status != COCO_OK)
        return status;
    status = to->ops->begin(to, err);
    if (status == COCO_OK)
        status = from->ops->snapshot(from, err);
    if (status == COCO_OK) {
        status = copy_out(making, to, ret, err);
        from->ops->rollback(from);
    }
    return status == COCO_OK ? to->ops->commit(to, err) : status;
}

static coco_status
sync_at(int dir, const char *name, int flags, coco_error **err)
{
    _cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | flags);

    if (fd < 0 || fsync(fd) != 0)
        return coco_fail_errno(err, errno, "backup: sync");
    return COCO_OK;
}

/* A link, and no renaming: a file that is there stays. */
static coco_status
give_name(int dir, const char *temporary, const char *name, coco_error **err)
{
    coco_status status = sync_at(dir, temporary, O_NOFOLLOW, err);

    if (status == COCO_OK && linkat(dir, temporary, dir, name, 0) != 0)
        status = errno == EEXIST ? coco_fail(err, COCO_ERR_INVALID, "%s is there already", name)
                                 : coco_fail_errno(err, errno, "%s", name);
    return status == COCO_OK ? sync_at(dir, ".", O_DIRECTORY, err) : status;
}

static coco_status
make_file(struct making *making, const char *path, coco_bytes **ret, coco_error **err)
{
    _cleanup_(coco_bytes_freep) coco_bytes *told = NULL;
    _cleanup_close_ int dir = -1;
    _cleanup_buf_ struct coco_buf temporary = {.limit = (size_t)8 << 10};
    const char *name = NULL;
    uint8_t random[8];
    char hex[2 * sizeof(random) + 1];

    coco_status status = coco_file_open_parent(path, &dir, &name, err);
    if (status == COCO_OK && faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return coco_fail(err, COCO_ERR_INVALID, "%s is there already", path);
    if (status == COCO_OK)
        status = coco_random(random, sizeof(random), err);
    if (status != COCO_OK)
        return status;
    coco_hex(random, sizeof(random), hex);
    status = coco_buf_append(&temporary, path, (size_t)(name - path), err);
    if (status == COCO_OK)
        status = coco_buf_printf(&temporary, err, ".%s.coco-%s", name, hex);
    if (status != COCO_OK)
        return status;
    const char *made = coco_buf_text(&temporary) + (name - path);
    status = write_file(making, coco_buf_text(&temporary), &told, err);
    /* Before anybody has it. */
    if (status == COCO_OK)
        status = note(making->config, COCO_KBS_BACKED_UP, &making->backup, err);
    if (status == COCO_OK)
        status = give_name(dir, made, name, err);
    (void)unlinkat(dir, made, 0);
    if (status == COCO_OK)
        *ret = coco_steal(&told);
    return status;
}

coco_status
coco_kbs_backup_make(const struct coco_kbs_config *config, const char *path, bool plain,
                     coco_bytes **ret, coco_error **err)
{
    _cleanup_(coco_database_closep) struct coco_database *from = NULL;
    _cleanup_secret_ struct coco_secret master = {0};

    coco_status status = coco_kbs_storage_seal_key(config, &master, err);
    if (status == COCO_OK && master.len == 0 && !plain)
        return coco_fail(
            err, COCO_ERR_DENIED,
            "the store is not sealed: all secrets would lie in the backup as they are");
    if (status == COCO_OK)
        status = coco_kbs_storage_open_database(config, &from, err);
    struct making making = {
        .config = config,
        .master = master.len ? &master : NULL,
        .from = from,
    };
    if (status == COCO_OK)
        status = make_file(&making, path, ret, err);
    return status;
}

/* ---- restored ---- */

static coco_status
take_header(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    struct coco_buf *text = arg;

    if (values[2].type != COCO_SQL_BYTES || !values[2].data)
        return coco_fail(err, COCO_ERR_PROTO, "backup: says nothing of itself");
    if (values[2].len > HEADER_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "backup: says too much of itself");
    return coco_buf_append(text, values[2].data, values[2].len, err);
}

static coco_status
read_header(struct coco_database *from, struct coco_kbs_backup *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = HEADER_MAX};
    const struct coco_sql_value key[] = {
        COCO_SQL_OF_TEXT(""),
        COCO_SQL_OF_NUMBER(COCO_KBS_BACKUP),
        COCO_SQL_OF_TEXT(NAME),
    };
    const struct coco_sql_query query = {COCO_KBS_SQL_GET, key, 3, take_header, &text};

    coco_status status = from->ops->run(from, &query, err);
    if (status == COCO_OK && text.len == 0)
        status = coco_fail(err, COCO_ERR_PROTO, "backup: is a store, and no backup");
    return status == COCO_OK ? coco_kbs_backup_parse(coco_buf_text(&text), text.len, ret, err)
                             : status;
}

/* Before any of it is believed. */
static coco_status
check_header(const struct coco_kbs_backup *backup, const struct coco_secret *master,
             const struct coco_digest *digest, coco_error **err)
{
    struct coco_digest mac;

    if (digest && !coco_digest_equal(&backup->digest, digest))
        return coco_fail(err, COCO_ERR_VERIFY, "backup: is another one than that of this digest");
    if (backup->sealed != (master != NULL))
        return coco_fail(err, COCO_ERR_DENIED,
                         "backup: is %ssealed, and the configuration names "
                         "%s key ([storage_backend.seal])",
                         backup->sealed ? "" : "not ", master ? "a" : "no");
    if (!master)
        return COCO_OK;
    coco_status status = make_mac(master, &backup->digest, &mac, err);
    if (status == COCO_OK && CRYPTO_memcmp(mac.bytes, backup->mac.bytes, sizeof(mac.bytes)) != 0)
        status = coco_fail(err, COCO_ERR_VERIFY, "backup: was not made with this key");
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

static coco_status
make_room(struct coco_database *to, bool force, coco_error **err)
{
    bool any = false;
    const struct coco_sql_query look = {COCO_KBS_SQL_ANY, NULL, 0, note_row, &any};
    const struct coco_sql_query clear = {COCO_KBS_SQL_CLEAR, NULL, 0, NULL, NULL};

    coco_status status = to->ops->run(to, &look, err);
    if (status == COCO_OK && any && !force)
        return coco_fail(err, COCO_ERR_DENIED, "the store is not empty");
    return status == COCO_OK && any ? to->ops->run(to, &clear, err) : status;
}

static coco_status
copy_in(struct coco_database *from, struct coco_database *to, const struct coco_secret *master,
        const struct coco_kbs_backup *backup, coco_error **err)
{
    struct copying copying = {.from = from, .to = to, .master = master};
    struct coco_digest digest;

    coco_status status = copy_rows(&copying, backup->time, &digest, err);
    coco_hash_done(&copying.hash);
    if (status != COCO_OK)
        return coco_wrap(err, status, "backup");
    if (copying.rows != backup->rows)
        return coco_fail(err, COCO_ERR_VERIFY, "backup: has %" PRIu64 " rows instead of %" PRIu64,
                         copying.rows, backup->rows);
    if (!coco_digest_equal(&digest, &backup->digest))
        return coco_fail(err, COCO_ERR_VERIFY, "backup: was changed");
    return COCO_OK;
}

static coco_status
replace(struct coco_database *from, struct coco_database *to, const struct coco_secret *master,
        const struct coco_kbs_backup *backup, bool force, coco_error **err)
{
    coco_status status = to->ops->begin(to, err);

    if (status != COCO_OK)
        return status;
    status = make_room(to, force, err);
    if (status == COCO_OK)
        status = copy_in(from, to, master, backup, err);
    if (status == COCO_OK)
        status = to->ops->commit(to, err);
    if (status != COCO_OK)
        to->ops->rollback(to);
    return status;
}

coco_status
coco_kbs_backup_read(const char *path, const struct coco_kbs_restoring *how, coco_bytes **ret,
                     coco_error **err)
{
    _cleanup_(coco_database_closep) struct coco_database *from = NULL;
    _cleanup_(coco_database_closep) struct coco_database *to = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *told = NULL;
    struct coco_kbs_backup backup;

    coco_status status = coco_database_open_backup(path, &from, err);
    if (status == COCO_OK)
        status = read_header(from, &backup, err);
    if (status == COCO_OK)
        status = check_header(&backup, how->master, how->digest, err);
    if (status == COCO_OK)
        status = tell(&backup, &told, err);
    if (status == COCO_OK)
        status = how->config ? coco_kbs_storage_open_database(how->config, &to, err)
                             : coco_database_open_sqlite(NULL, &to, err);
    if (status == COCO_OK)
        status = replace(from, to, how->master, &backup, how->force, err);
    if (status == COCO_OK && how->config) {
        status = note(how->config, COCO_KBS_RESTORED, &backup, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "it is restored, but not on record");
    }
    if (status == COCO_OK)
        *ret = coco_steal(&told);
    return status;
}

coco_status
coco_kbs_backup_restore(const struct coco_kbs_config *config, const char *path,
                        const struct coco_digest *digest, bool force, coco_bytes **ret,
                        coco_error **err)
{
    _cleanup_secret_ struct coco_secret master = {0};

    coco_status status = coco_kbs_storage_seal_key(config, &master, err);
    const struct coco_kbs_restoring how = {
        .config = config,
        .master = master.len ? &master : NULL,
        .digest = digest,
        .force = force,
    };
    return status == COCO_OK ? coco_kbs_backup_read(path, &how, ret, err) : status;
}
