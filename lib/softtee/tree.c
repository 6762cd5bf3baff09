/*
 * softtee/tree.c - what /sys has in a TEE that is software
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/tree.h"

#include "base/fail.h"
#include "softtee/names.h"
#include "softtee/swtpm.h"
#include "tee/ccel.h"

#include <fcntl.h>
#include <string.h>

#define ENTRIES 16
#define NAME_SIZE 64
#define HANDLES 64
#define VMPL_MAX 3
#define CONTENT_MAX ((size_t)1 << 20)

struct entry {
    char name[NAME_SIZE]; /* "": none */
    uint8_t inblob[COCO_SOFTTEE_REPORT_DATA_SIZE];
    size_t inblob_len;
    uint32_t vmpl;
    unsigned generation;
};

struct handle {
    bool used;
    bool filled; /* content is there */
    bool writes;
    bool gone; /* with its entry */
    enum coco_softtee_node_type type;
    size_t entry;
    struct coco_buf content; /* to be read, or what was written */
};

struct coco_softtee {
    struct coco_softtee_machine machine;
    struct entry entries[ENTRIES];
    struct handle handles[HANDLES];
};

coco_status
coco_softtee_boot(const char *state, enum coco_softtee_kind kind,
                  const struct coco_softtee_launch *launch, struct coco_softtee **ret,
                  coco_error **err)
{
    _cleanup_(coco_softtee_freep) struct coco_softtee *tee = calloc(1, sizeof(*tee));

    if (!tee)
        return coco_fail_nomem(err);
    coco_status status = coco_softtee_machine_boot(state, kind, launch, &tee->machine, err);
    if (status == COCO_OK)
        *ret = coco_steal(&tee);
    return status;
}

coco_status
coco_softtee_boot_tpm(struct coco_softtee *tee, const char *tcti, coco_error **err)
{
    return coco_swtpm_boot(tcti, &tee->machine.tpm, &tee->machine.vtpm, err);
}

void
coco_softtee_free(struct coco_softtee *tee)
{
    if (!tee)
        return;
    for (size_t i = 0; i < HANDLES; i++)
        coco_buf_done(&tee->handles[i].content);
    coco_softtee_machine_done(&tee->machine);
    free(tee);
}

/* ---- names ---- */

static int
find_entry(const struct coco_softtee *tee, const char *name, size_t len)
{
    for (int i = 0; i < ENTRIES; i++)
        if (len > 0 && strlen(tee->entries[i].name) == len
            && strncmp(tee->entries[i].name, name, len) == 0)
            return i;
    return -ENOENT;
}

/* The node of path, and which entry that is of; NULL: nothing is there. */
static const struct coco_softtee_node *
find(const struct coco_softtee *tee, const char *path, size_t *entry)
{
    static const struct coco_softtee_node directory = {"", COCO_NODE_ENTRY, 0, 0755};
    const size_t prefix = strlen(COCO_SOFTTEE_REPORT "/");

    if (strncmp(path, COCO_SOFTTEE_REPORT "/", prefix) != 0)
        return coco_softtee_find(tee->machine.kind, path);
    const char *name = path + prefix;
    size_t len = strcspn(name, "/");
    int found = find_entry(tee, name, len);

    if (found < 0)
        return NULL;
    *entry = (size_t)found;
    return name[len] == '\0' ? &directory
                             : coco_softtee_find_in_entry(tee->machine.kind, name + len + 1);
}

static bool
is_dir(const struct coco_softtee_node *node)
{
    return node->type <= COCO_NODE_ENTRY;
}

int
coco_softtee_stat(const struct coco_softtee *tee, const char *path, struct coco_softtee_stat *ret)
{
    size_t entry = 0;
    const struct coco_softtee_node *node = find(tee, path, &entry);

    if (!node)
        return -ENOENT;
    /* As the kernel's, whose files say nothing of what can be read. */
    *ret = (struct coco_softtee_stat){
        .is_dir = is_dir(node), .mode = node->mode, .size = is_dir(node) ? 0 : 4096};
    return 0;
}

int
coco_softtee_list(const struct coco_softtee *tee, const char *path, coco_softtee_name *each,
                  void *user)
{
    size_t entry = 0;
    const struct coco_softtee_node *node = find(tee, path, &entry);
    const char *name;

    if (!node)
        return -ENOENT;
    if (!is_dir(node))
        return -ENOTDIR;
    if (node->type != COCO_NODE_ENTRIES) {
        for (size_t i = 0; (name = coco_softtee_name_at(tee->machine.kind, node, i)); i++)
            each(user, name);
        return 0;
    }
    for (size_t i = 0; i < ENTRIES; i++)
        if (tee->entries[i].name[0] != '\0')
            each(user, tee->entries[i].name);
    return 0;
}

int
coco_softtee_mkdir(struct coco_softtee *tee, const char *path)
{
    const char *name = coco_softtee_child_of(path, COCO_SOFTTEE_REPORT);
    size_t entry = 0;

    if (find(tee, path, &entry))
        return -EEXIST;
    if (!name)
        return -EPERM;
    if (strlen(name) >= NAME_SIZE)
        return -ENAMETOOLONG;
    for (size_t i = 0; i < ENTRIES; i++)
        if (tee->entries[i].name[0] == '\0') {
            tee->entries[i] = (struct entry){0};
            memcpy(tee->entries[i].name, name, strlen(name) + 1);
            return 0;
        }
    return -ENOSPC;
}

int
coco_softtee_rmdir(struct coco_softtee *tee, const char *path)
{
    size_t entry = 0;
    const struct coco_softtee_node *node = find(tee, path, &entry);

    if (!node)
        return -ENOENT;
    if (node->type != COCO_NODE_ENTRY)
        return -EPERM;
    for (size_t i = 0; i < HANDLES; i++)
        if (tee->handles[i].type >= COCO_NODE_PROVIDER && tee->handles[i].entry == entry)
            tee->handles[i].gone = true;
    tee->entries[entry] = (struct entry){0};
    return 0;
}

/* ---- content ---- */

static coco_status
table_of_log(const struct coco_softtee_machine *machine, struct coco_buf *ret, coco_error **err)
{
    const struct coco_ccel table = {.type = COCO_CC_TDX, .log_size = machine->td.log.len};
    uint8_t bytes[COCO_CCEL_SIZE];

    coco_ccel_format(&table, bytes);
    return coco_buf_append(ret, bytes, sizeof(bytes), err);
}

static coco_status
fill(const struct coco_softtee *tee, const struct handle *handle, struct coco_buf *ret,
     coco_error **err)
{
    const struct coco_softtee_machine *machine = &tee->machine;
    const struct entry *entry = &tee->entries[handle->entry];

    switch (handle->type) {
    case COCO_NODE_MRTD:
        return coco_buf_append(ret, machine->td.mr_td, sizeof(machine->td.mr_td), err);
    case COCO_NODE_MRCONFIGID:
        return coco_buf_append(ret, machine->td.mr_config_id, sizeof(machine->td.mr_config_id),
                               err);
    case COCO_NODE_CCEL:
        return coco_buf_append(ret, machine->td.log.data, machine->td.log.len, err);
    case COCO_NODE_CCEL_TABLE:
        return table_of_log(machine, ret, err);
    case COCO_NODE_TPM_LOG:
        return coco_buf_append(ret, machine->vtpm.log.data, machine->vtpm.log.len, err);
    case COCO_NODE_PROVIDER:
        return coco_buf_append_text(
            ret, machine->kind == COCO_SOFTTEE_TDX ? "tdx_guest\n" : "sev_guest\n", err);
    case COCO_NODE_GENERATION:
        return coco_buf_printf(ret, err, "%u\n", entry->generation);
    case COCO_NODE_PRIVLEVEL_FLOOR:
        return coco_buf_append_text(ret, "0\n", err);
    case COCO_NODE_OUTBLOB:
        return coco_softtee_machine_quote(machine, entry->inblob, entry->vmpl, ret, err);
    case COCO_NODE_AUXBLOB:
        return coco_amd_table(&machine->amd, ret, err);
    default:
        return coco_buf_append(ret, machine->td.rtmr[handle->type - COCO_NODE_RTMR0],
                               COCO_SOFTTEE_REGISTER_SIZE, err);
    }
}

static struct handle *
handle_of(struct coco_softtee *tee, int handle)
{
    return handle >= 0 && handle < HANDLES && tee->handles[handle].used ? &tee->handles[handle]
                                                                        : NULL;
}

int
coco_softtee_open(struct coco_softtee *tee, const char *path, int flags)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    bool reads = (flags & O_ACCMODE) != O_WRONLY;
    size_t entry = 0;
    const struct coco_softtee_node *node = find(tee, path, &entry);

    if (!node)
        return -ENOENT;
    if (is_dir(node))
        return -EISDIR;
    if ((writes && !(node->mode & 0200)) || (reads && !(node->mode & 0444)))
        return -EACCES;
    /* fs/configfs/file.c: a binary file is read or written, not both. */
    if (writes && reads)
        return -ETXTBSY;
    for (int i = 0; i < HANDLES; i++)
        if (!tee->handles[i].used) {
            tee->handles[i] = (struct handle){
                .used = true,
                .writes = writes,
                .type = node->type,
                .entry = entry,
                .content = {.limit = writes ? COCO_SOFTTEE_REPORT_DATA_SIZE : CONTENT_MAX},
            };
            return i;
        }
    return -ENFILE;
}

ssize_t
coco_softtee_read(struct coco_softtee *tee, int handle, void *buf, size_t size, off_t at)
{
    struct handle *h = handle_of(tee, handle);

    if (!h || h->writes || at < 0)
        return -EBADF;
    if (h->gone)
        return -ENOENT;
    if ((h->type == COCO_NODE_OUTBLOB || h->type == COCO_NODE_AUXBLOB)
        && tee->entries[h->entry].inblob_len != COCO_SOFTTEE_REPORT_DATA_SIZE)
        return -EINVAL;
    if (!h->filled && fill(tee, h, &h->content, NULL) != COCO_OK)
        return -EIO;
    h->filled = true;
    if ((size_t)at >= h->content.len)
        return 0;
    size_t n = h->content.len - (size_t)at;
    n = n < size ? n : size;
    memcpy(buf, h->content.data + at, n);
    return (ssize_t)n;
}

static ssize_t
extend(struct coco_softtee *tee, const struct handle *h, const void *data, size_t size, off_t at)
{
    if (size != COCO_SOFTTEE_REGISTER_SIZE || at != 0)
        return -EINVAL;
    if (coco_softtee_machine_extend(&tee->machine, h->type - COCO_NODE_RTMR0, data, NULL)
        != COCO_OK)
        return -EIO;
    return (ssize_t)size;
}

/* A number from the floor, which is 0, to 3. */
static ssize_t
set_level(struct entry *entry, const char *text, size_t size)
{
    size_t len = size > 0 && text[size - 1] == '\n' ? size - 1 : size;

    if (len != 1 || text[0] < '0' || text[0] > '0' + VMPL_MAX)
        return -EINVAL;
    entry->vmpl = (uint32_t)(text[0] - '0');
    entry->generation++;
    return (ssize_t)size;
}

ssize_t
coco_softtee_write(struct coco_softtee *tee, int handle, const void *data, size_t size, off_t at)
{
    struct handle *h = handle_of(tee, handle);

    if (!h || !h->writes)
        return -EBADF;
    if (h->gone)
        return -ENOENT;
    if (h->type >= COCO_NODE_RTMR0 && h->type <= COCO_NODE_RTMR3)
        return extend(tee, h, data, size, at);
    if (h->type == COCO_NODE_PRIVLEVEL)
        return set_level(&tee->entries[h->entry], data, size);
    if (at != (off_t)h->content.len)
        return -EINVAL;
    if (coco_buf_append(&h->content, data, size, NULL) != COCO_OK)
        return -EFBIG;
    return (ssize_t)size;
}

void
coco_softtee_flush(struct coco_softtee *tee, int handle)
{
    struct handle *h = handle_of(tee, handle);

    if (!h || h->gone || h->type != COCO_NODE_INBLOB || h->content.len == 0)
        return;
    struct entry *entry = &tee->entries[h->entry];

    memcpy(entry->inblob, h->content.data, h->content.len);
    entry->inblob_len = h->content.len;
    entry->generation++;
    coco_buf_reset(&h->content);
}

void
coco_softtee_close(struct coco_softtee *tee, int handle)
{
    struct handle *h = handle_of(tee, handle);

    coco_softtee_flush(tee, handle);
    if (h) {
        coco_buf_done(&h->content);
        *h = (struct handle){0};
    }
}
