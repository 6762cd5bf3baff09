/*
 * image/tar.c - reading a tar archive as it arrives
 *
 * header -> [extended headers -> header] -> [sparse map] -> data -> padding -> header … -> zeros
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/tar.h"

#include "base/fail.h"
#include "image/tarhead.h"

#include <string.h>

/* Writers fill up to a record, which nobody makes larger than 1 MiB. */
#define ZEROS_MAX ((uint64_t)16 << 20)

enum state {
    HEADER,   /* a block: a header, or the first zeros */
    EXTENDED, /* the text of an extended header or a GNU long name */
    RUNS,     /* a block with more runs of an old GNU sparse file */
    MAP,      /* a block of the map of a sparse file, GNU's format 1.0 */
    DATA,
    PADDING, /* up to the next block */
    ZEROS,   /* the archive has ended */
};

/* The map of GNU's sparse format 1.0, decimal numbers on lines of their own. */
struct map {
    uint64_t count; /* of runs, once known */
    uint64_t seen;  /* numbers so far */
    uint64_t value; /* of the number that is being read */
    uint64_t offset;
    bool digits; /* whether it has any */
};

struct coco_tar {
    struct coco_tar_handler handler;
    enum state state;
    uint8_t block[COCO_TAR_BLOCK];
    size_t have;    /* bytes of block */
    uint64_t left;  /* bytes of EXTENDED or DATA to come */
    size_t padding; /* bytes after them */
    uint64_t at;    /* bytes seen, for messages */
    uint64_t zeros;

    char extended;        /* type of the extended header that is read */
    struct coco_buf text; /* its text */
    bool pending;         /* an extended header waits for its entry */
    struct coco_buf local_text, global_text;
    struct coco_pax local, global;
    struct coco_buf long_name, long_link;

    struct coco_tarhead head;
    struct coco_tar_entry entry;
    bool is_sparse;
    struct coco_sparse sparse;
    struct map map;
    uint64_t offset; /* of the next byte of a file that is not sparse */
};

/* What an entry took with it goes with it; global headers stay. */
static void
forget_entry(struct coco_tar *tar)
{
    coco_pax_done(&tar->local);
    coco_buf_done(&tar->local_text);
    coco_buf_done(&tar->long_name);
    coco_buf_done(&tar->long_link);
    coco_sparse_done(&tar->sparse);
    tar->entry = (struct coco_tar_entry){0};
    tar->map = (struct map){0};
    tar->is_sparse = false;
    tar->pending = false;
    tar->offset = 0;
}

void
coco_tar_free(struct coco_tar *tar)
{
    if (!tar)
        return;
    forget_entry(tar);
    coco_pax_done(&tar->global);
    coco_buf_done(&tar->global_text);
    coco_buf_done(&tar->text);
    free(tar);
}

coco_status
coco_tar_new(const struct coco_tar_handler *handler, struct coco_tar **ret, coco_error **err)
{
    struct coco_tar *tar = calloc(1, sizeof(*tar));

    if (!tar)
        return coco_fail_nomem(err);
    tar->handler = *handler;
    *ret = tar;
    return COCO_OK;
}

static size_t
padding_of(uint64_t size)
{
    return (size_t)(-size % COCO_TAR_BLOCK);
}

/* The value that counts: the entry's own, or the global one, or NULL for the header's. */
static const char *
pax_value(const struct coco_tar *tar, enum coco_pax_key key)
{
    const char *value = tar->local.values[key] ? tar->local.values[key] : tar->global.values[key];

    return value && *value != '\0' ? value : NULL;
}

/* One name out of the three places it can stand in. Two of them at once are one too many. */
static coco_status
choose_name(const char *pax, const struct coco_buf *gnu, const char *head, const char **ret,
            coco_error **err)
{
    if (pax && gnu->data)
        return coco_fail(err, COCO_ERR_PROTO, "a name by pax and by GNU at once");
    const char *name = pax ? pax : gnu->data ? coco_buf_text(gnu) : head;
    if (strlen(name) > COCO_TAR_NAME_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "a name of more than %zu bytes", COCO_TAR_NAME_MAX);
    *ret = name;
    return COCO_OK;
}

static coco_status
set_names(struct coco_tar *tar, coco_error **err)
{
    const char *path = pax_value(tar, COCO_PAX_PATH);
    const char *real_path = pax_value(tar, COCO_PAX_SPARSE_NAME);
    bool linked = tar->entry.type == COCO_TAR_LINK || tar->entry.type == COCO_TAR_SYMLINK;
    const char *link;

    coco_status status = choose_name(real_path ? real_path : path, &tar->long_name, tar->head.name,
                                     &tar->entry.name, err);
    if (status == COCO_OK)
        status = choose_name(pax_value(tar, COCO_PAX_LINKPATH), &tar->long_link, tar->head.link,
                             &link, err);
    if (status != COCO_OK)
        return status;
    if (*tar->entry.name == '\0')
        return coco_fail(err, COCO_ERR_PROTO, "an entry without a name");
    if (linked && *link == '\0')
        return coco_fail(err, COCO_ERR_PROTO, "a link without a target");
    tar->entry.link = linked ? link : "";
    return COCO_OK;
}

static coco_status
set_id(const char *pax, uint64_t head, const char *what, uint32_t *ret, coco_error **err)
{
    uint64_t id = head;

    if (pax) {
        coco_status status = coco_pax_u64(pax, &id, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "%s", what);
    }
    /* chown() takes -1 for "leave it as it is" (T4). */
    if (id >= UINT32_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "%s is out of range", what);
    *ret = (uint32_t)id;
    return COCO_OK;
}

static coco_status
set_times(struct coco_tar *tar, coco_error **err)
{
    const char *mtime = pax_value(tar, COCO_PAX_MTIME);
    const char *atime = pax_value(tar, COCO_PAX_ATIME);
    coco_status status = COCO_OK;

    tar->entry.mtime.tv_sec = tar->head.mtime;
    if (mtime)
        status = coco_pax_time(mtime, &tar->entry.mtime, err);
    tar->entry.atime = tar->entry.mtime;
    if (status == COCO_OK && atime)
        status = coco_pax_time(atime, &tar->entry.atime, err);
    return status;
}

static coco_status
set_type(struct coco_tar *tar, coco_error **err)
{
    static const struct {
        char flag;
        enum coco_tar_type type;
    } types[] = {
        {'0', COCO_TAR_FILE}, {'1', COCO_TAR_LINK},         {'2', COCO_TAR_SYMLINK},
        {'3', COCO_TAR_CHAR}, {'4', COCO_TAR_BLOCK_DEVICE}, {'5', COCO_TAR_DIR},
        {'6', COCO_TAR_FIFO}, {'7', COCO_TAR_FILE}, /* "contiguous": POSIX lets it be a plain file
                                                     */
        {'S', COCO_TAR_FILE},
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (tar->head.type != types[i].flag)
            continue;
        tar->entry.type = types[i].type;
        return COCO_OK;
    }
    return coco_fail(err, COCO_ERR_NOTSUP, "an entry of type 0x%02x", (uint8_t)tar->head.type);
}

/* A file whose name ends in a slash is a directory in archives of old, and a riddle in others. */
static coco_status
check_slash(struct coco_tar *tar, coco_error **err)
{
    const char *name = tar->entry.name;

    if (tar->entry.type != COCO_TAR_FILE || name[strlen(name) - 1] != '/')
        return COCO_OK;
    if (!tar->head.old)
        return coco_fail(err, COCO_ERR_PROTO, "a file whose name ends in a slash");
    tar->entry.type = COCO_TAR_DIR;
    return COCO_OK;
}

/* Sets entry.size and left, the bytes that the archive holds of it. */
static coco_status
set_size(struct coco_tar *tar, coco_error **err)
{
    const char *pax = pax_value(tar, COCO_PAX_SIZE);
    uint64_t size = tar->head.size;

    if (pax) {
        coco_status status = coco_pax_u64(pax, &size, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "size");
    }
    /* Some would skip data here and some would read on. */
    if (size > 0 && tar->entry.type != COCO_TAR_FILE)
        return coco_fail(err, COCO_ERR_PROTO, "data where there can be none");
    tar->entry.size = size;
    tar->left = size;
    tar->padding = padding_of(size);
    return COCO_OK;
}

static coco_status
real_size(struct coco_tar *tar, coco_error **err)
{
    const char *text = pax_value(tar, COCO_PAX_SPARSE_REALSIZE);

    if (!text)
        return coco_fail(err, COCO_ERR_PROTO, "a sparse file without its size");
    return coco_pax_u64(text, &tar->entry.size, err);
}

/* GNU's sparse formats 0.0 and 0.1 state how many runs there are; 1.0 states its version. */
static coco_status
set_sparse_pax(struct coco_tar *tar, coco_error **err)
{
    const char *major_text = pax_value(tar, COCO_PAX_SPARSE_MAJOR);
    const char *minor_text = pax_value(tar, COCO_PAX_SPARSE_MINOR);
    const char *map = pax_value(tar, COCO_PAX_SPARSE_MAP);
    const char *count_text = pax_value(tar, COCO_PAX_SPARSE_NUMBLOCKS);
    uint64_t count;

    coco_status status = real_size(tar, err);
    if (status != COCO_OK)
        return status;
    if (major_text || minor_text) {
        if (!major_text || !minor_text || strcmp(major_text, "1") != 0
            || strcmp(minor_text, "0") != 0 || map || count_text || tar->local.sparse.n > 0)
            return coco_fail(err, COCO_ERR_NOTSUP, "an unknown kind of sparse file");
        tar->state = MAP;
        return COCO_OK;
    }
    if (!count_text || (map && tar->local.sparse.n > 0))
        return coco_fail(err, COCO_ERR_PROTO, "a sparse file without its runs");
    if (map)
        status = coco_pax_sparse_map(map, &tar->sparse, err);
    else {
        tar->sparse = tar->local.sparse;
        tar->local.sparse = (struct coco_sparse){0};
    }
    if (status == COCO_OK)
        status = coco_pax_u64(count_text, &count, err);
    if (status == COCO_OK && count != tar->sparse.n)
        status = coco_fail(err, COCO_ERR_PROTO, "another number of sparse runs than stated");
    return status;
}

/* Sets state to what comes before the data, or to DATA. */
static coco_status
set_sparse(struct coco_tar *tar, coco_error **err)
{
    bool by_pax = tar->local.sparse.n > 0;

    for (size_t key = COCO_PAX_SPARSE_MAJOR; key <= COCO_PAX_SPARSE_MAP; key++)
        by_pax = by_pax || pax_value(tar, (enum coco_pax_key)key);

    tar->state = DATA;
    tar->is_sparse = by_pax || tar->head.type == 'S';
    if (!tar->is_sparse)
        return COCO_OK;
    if (tar->entry.type != COCO_TAR_FILE || (by_pax && tar->head.type == 'S'))
        return coco_fail(err, COCO_ERR_PROTO, "a sparse file that is none");
    if (by_pax)
        return set_sparse_pax(tar, err);

    bool more;
    coco_status status =
        coco_tarhead_sparse(tar->block, &tar->sparse, &tar->entry.size, &more, err);
    if (status == COCO_OK && more)
        tar->state = RUNS;
    return status;
}

static coco_status
finish_entry(struct coco_tar *tar, coco_error **err)
{
    coco_status status = tar->handler.done(tar->handler.self, err);

    if (status != COCO_OK)
        return status;
    forget_entry(tar);
    tar->state = tar->padding > 0 ? PADDING : HEADER;
    return COCO_OK;
}

/* All of the entry is known but its data. */
static coco_status
begin_data(struct coco_tar *tar, coco_error **err)
{
    coco_status status = COCO_OK;

    if (tar->is_sparse)
        status = coco_sparse_check(&tar->sparse, tar->entry.size, tar->left, err);
    if (status == COCO_OK)
        status = tar->handler.entry(tar->handler.self, &tar->entry, err);
    if (status != COCO_OK)
        return status;
    tar->state = DATA;
    return tar->left == 0 ? finish_entry(tar, err) : COCO_OK;
}

static coco_status
begin_entry(struct coco_tar *tar, coco_error **err)
{
    coco_status status = set_type(tar, err);

    if (status == COCO_OK)
        status = set_names(tar, err);
    if (status == COCO_OK)
        status = check_slash(tar, err);
    if (status == COCO_OK)
        status = set_size(tar, err);
    if (status == COCO_OK)
        status = set_id(pax_value(tar, COCO_PAX_UID), tar->head.uid, "uid", &tar->entry.uid, err);
    if (status == COCO_OK)
        status = set_id(pax_value(tar, COCO_PAX_GID), tar->head.gid, "gid", &tar->entry.gid, err);
    if (status == COCO_OK)
        status = set_times(tar, err);
    if (status == COCO_OK)
        status = set_sparse(tar, err);
    if (status != COCO_OK)
        return status;
    tar->entry.mode = tar->head.mode;
    tar->entry.dev_major = tar->head.dev_major;
    tar->entry.dev_minor = tar->head.dev_minor;
    tar->entry.xattrs = tar->local.xattrs;
    tar->entry.n_xattrs = tar->local.n_xattrs;
    return tar->state == DATA ? begin_data(tar, err) : COCO_OK;
}

/* x and g are POSIX's extended headers, L and K GNU's long names. */
static coco_status
begin_extended(struct coco_tar *tar, coco_error **err)
{
    char type = tar->head.type;
    size_t limit = type == 'x' || type == 'g' ? COCO_PAX_SIZE_MAX : COCO_TAR_NAME_MAX + 1;

    if (tar->head.size > limit)
        return coco_fail(err, COCO_ERR_LIMIT, "an extended header of more than %zu bytes", limit);
    if (type == 'g' && tar->pending)
        return coco_fail(err, COCO_ERR_PROTO, "a global header between a header and its entry");
    tar->text = (struct coco_buf){.limit = limit};
    tar->extended = type;
    tar->left = tar->head.size;
    tar->padding = padding_of(tar->head.size);
    tar->state = EXTENDED;
    return COCO_OK;
}

/* Takes over the text for one extended header, which may stand there once an entry. */
static coco_status
parse_pax(struct coco_tar *tar, struct coco_buf *text, struct coco_pax *pax, bool global,
          coco_error **err)
{
    if (text->limit > 0)
        return coco_fail(err, COCO_ERR_PROTO, "two extended headers for one entry");
    *text = tar->text;
    tar->text = (struct coco_buf){0};
    return coco_pax_parse((char *)text->data, text->len, global, pax, err);
}

/* A later global header overrules what it names and leaves the rest; both texts must stay. */
static coco_status
parse_global(struct coco_tar *tar, coco_error **err)
{
    struct coco_pax later = {0};
    struct coco_buf *kept = &tar->global_text;

    coco_status status = coco_pax_parse((char *)tar->text.data, tar->text.len, true, &later, err);
    if (status != COCO_OK)
        return status;

    /* The few values that count are copied, so that memory does not grow with their number. */
    _cleanup_buf_ struct coco_buf merged = {.limit = 2 * COCO_PAX_SIZE_MAX};
    size_t starts[COCO_PAX_N_KEYS] = {0};
    bool named[COCO_PAX_N_KEYS] = {0};
    for (size_t i = 0; i < COCO_PAX_N_KEYS && status == COCO_OK; i++) {
        const char *value = later.values[i] ? later.values[i] : tar->global.values[i];

        if (!value)
            continue;
        named[i] = true;
        starts[i] = merged.len;
        status = coco_buf_append(&merged, value, strlen(value) + 1, err);
    }
    if (status != COCO_OK)
        return status;
    coco_buf_done(kept);
    *kept = merged;
    merged = (struct coco_buf){0};
    for (size_t i = 0; i < COCO_PAX_N_KEYS; i++)
        tar->global.values[i] = named[i] ? (char *)kept->data + starts[i] : NULL;
    coco_buf_done(&tar->text);
    return COCO_OK;
}

/* A name and one NUL; GNU writes it, others leave it out. */
static coco_status
take_long_name(struct coco_tar *tar, struct coco_buf *name, coco_error **err)
{
    if (name->data)
        return coco_fail(err, COCO_ERR_PROTO, "two long names for one entry");
    size_t len = strlen(coco_buf_text(&tar->text));
    if (len == 0)
        return coco_fail(err, COCO_ERR_PROTO, "a long name that is empty");
    for (size_t i = len; i < tar->text.len; i++)
        if (tar->text.data[i] != 0)
            return coco_fail(err, COCO_ERR_PROTO, "a long name with a NUL");
    *name = tar->text;
    tar->text = (struct coco_buf){0};
    return COCO_OK;
}

static coco_status
finish_extended(struct coco_tar *tar, coco_error **err)
{
    coco_status status;

    switch (tar->extended) {
    case 'x':
        status = parse_pax(tar, &tar->local_text, &tar->local, false, err);
        break;
    case 'g':
        status = parse_global(tar, err);
        break;
    case 'L':
        status = take_long_name(tar, &tar->long_name, err);
        break;
    default:
        status = take_long_name(tar, &tar->long_link, err);
        break;
    }
    if (status != COCO_OK)
        return status;
    tar->pending = tar->pending || tar->extended != 'g';
    tar->state = tar->padding > 0 ? PADDING : HEADER;
    return COCO_OK;
}

static coco_status
take_header(struct coco_tar *tar, coco_error **err)
{
    if (coco_tarhead_is_zero(tar->block)) {
        if (tar->pending)
            return coco_fail(err, COCO_ERR_PROTO, "an extended header without its entry");
        tar->state = ZEROS;
        return COCO_OK;
    }
    coco_status status = coco_tarhead_parse(tar->block, &tar->head, err);
    if (status != COCO_OK)
        return status;
    if (memchr("xgLK", tar->head.type, 4)) {
        status = begin_extended(tar, err);
        return status == COCO_OK && tar->left == 0 ? finish_extended(tar, err) : status;
    }
    return begin_entry(tar, err);
}

static coco_status
take_runs(struct coco_tar *tar, coco_error **err)
{
    bool more;

    coco_status status = coco_tarhead_more_sparse(tar->block, &tar->sparse, &more, err);
    if (status == COCO_OK && !more)
        status = begin_data(tar, err);
    return status;
}

/* A number of the map is complete: the count, then offset and length by turns. */
static coco_status
take_map_number(struct coco_tar *tar, coco_error **err)
{
    struct map *map = &tar->map;
    coco_status status = COCO_OK;

    if (!map->digits)
        return coco_fail(err, COCO_ERR_PROTO, "a sparse map that is none");
    if (map->seen == 0 && map->value > COCO_SPARSE_RUNS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %zu runs in a sparse file",
                         COCO_SPARSE_RUNS_MAX);
    if (map->seen == 0)
        map->count = map->value;
    else if (map->seen % 2 == 1)
        map->offset = map->value;
    else
        status = coco_sparse_add(&tar->sparse, map->offset, map->value, err);
    map->seen++;
    map->value = 0;
    map->digits = false;
    return status;
}

static coco_status
take_map(struct coco_tar *tar, coco_error **err)
{
    struct map *map = &tar->map;
    coco_status status = COCO_OK;

    if (tar->left < COCO_TAR_BLOCK)
        return coco_fail(err, COCO_ERR_PROTO, "a sparse map without an end");
    tar->left -= COCO_TAR_BLOCK;
    for (size_t i = 0; i < COCO_TAR_BLOCK && status == COCO_OK; i++) {
        uint8_t byte = tar->block[i];

        if (map->seen > 0 && map->seen == 1 + 2 * map->count)
            break;
        if (byte == '\n') {
            status = take_map_number(tar, err);
            continue;
        }
        if (byte < '0' || byte > '9' || map->value > (INT64_MAX - 9) / 10)
            return coco_fail(err, COCO_ERR_PROTO, "a sparse map that is none");
        map->value = map->value * 10 + (byte - '0');
        map->digits = true;
    }
    if (status == COCO_OK && map->seen > 0 && map->seen == 1 + 2 * map->count)
        status = begin_data(tar, err);
    return status;
}

static coco_status
take_block(struct coco_tar *tar, const uint8_t *data, size_t len, size_t *used, coco_error **err)
{
    size_t n = COCO_TAR_BLOCK - tar->have;

    if (n > len)
        n = len;
    memcpy(tar->block + tar->have, data, n);
    tar->have += n;
    *used = n;
    if (tar->have < COCO_TAR_BLOCK)
        return COCO_OK;
    tar->have = 0;
    if (tar->state == RUNS)
        return take_runs(tar, err);
    if (tar->state == MAP)
        return take_map(tar, err);
    return take_header(tar, err);
}

static coco_status
take_extended(struct coco_tar *tar, const uint8_t *data, size_t len, size_t *used, coco_error **err)
{
    size_t n = len < tar->left ? len : (size_t)tar->left;

    coco_status status = coco_buf_append(&tar->text, data, n, err);
    if (status != COCO_OK)
        return status;
    tar->left -= n;
    *used = n;
    return tar->left == 0 ? finish_extended(tar, err) : COCO_OK;
}

static coco_status
take_data(struct coco_tar *tar, const uint8_t *data, size_t len, size_t *used, coco_error **err)
{
    uint64_t offset = tar->offset;
    uint64_t room = tar->is_sparse ? coco_sparse_next(&tar->sparse, &offset) : tar->left;
    size_t n = len < room ? len : (size_t)room;

    coco_status status = tar->handler.data(tar->handler.self, offset, data, n, err);
    if (status != COCO_OK)
        return status;
    if (tar->is_sparse)
        coco_sparse_advance(&tar->sparse, n);
    tar->offset += n;
    tar->left -= n;
    *used = n;
    return tar->left == 0 ? finish_entry(tar, err) : COCO_OK;
}

/* Padding is skipped unseen, as everywhere: some writers leave old bytes in it. */
static size_t
take_padding(struct coco_tar *tar, size_t len)
{
    size_t n = len < tar->padding ? len : tar->padding;

    tar->padding -= n;
    if (tar->padding == 0)
        tar->state = HEADER;
    return n;
}

/* A second archive behind the first is seen by some readers and not by others. */
static coco_status
take_zeros(struct coco_tar *tar, const uint8_t *data, size_t len, coco_error **err)
{
    if (data[0] != 0 || memcmp(data, data + 1, len - 1) != 0)
        return coco_fail(err, COCO_ERR_PROTO, "bytes after the end of the archive");
    if (len > ZEROS_MAX - tar->zeros)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %llu zero bytes after the archive",
                         (unsigned long long)ZEROS_MAX);
    tar->zeros += len;
    return COCO_OK;
}

static coco_status
take(struct coco_tar *tar, const uint8_t *data, size_t len, size_t *used, coco_error **err)
{
    *used = len;
    switch (tar->state) {
    case EXTENDED:
        return take_extended(tar, data, len, used, err);
    case DATA:
        return take_data(tar, data, len, used, err);
    case PADDING:
        *used = take_padding(tar, len);
        return COCO_OK;
    case ZEROS:
        return take_zeros(tar, data, len, err);
    default:
        return take_block(tar, data, len, used, err);
    }
}

uint64_t
coco_tar_data_left(const struct coco_tar *tar)
{
    return tar->state == DATA && !tar->is_sparse ? tar->left : 0;
}

coco_status
coco_tar_skip(struct coco_tar *tar, uint64_t n, coco_error **err)
{
    if (n > coco_tar_data_left(tar))
        return coco_fail(err, COCO_ERR_INVALID, "tar: there is less to skip");
    tar->offset += n;
    tar->left -= n;
    tar->at += n;
    return n > 0 && tar->left == 0 ? finish_entry(tar, err) : COCO_OK;
}

static coco_status
tar_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct coco_tar *tar = self;

    while (len > 0) {
        size_t used;

        coco_status status = take(tar, data, len, &used, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "tar at byte %llu", (unsigned long long)tar->at);
        data += used;
        len -= used;
        tar->at += used;
    }
    return COCO_OK;
}

static coco_status
tar_end(void *self, coco_error **err)
{
    struct coco_tar *tar = self;
    bool whole = tar->state == ZEROS ? tar->zeros % COCO_TAR_BLOCK == 0
                                     : tar->state == HEADER && tar->have == 0 && !tar->pending;

    if (!whole)
        return coco_fail(err, COCO_ERR_PROTO, "tar ends within an entry");
    return tar->handler.end(tar->handler.self, err);
}

struct coco_sink
coco_tar_sink(struct coco_tar *tar)
{
    return (struct coco_sink){.write = tar_write, .end = tar_end, .self = tar};
}
