/*
 * fuzz/pax/target.c - extended headers, and the numbers in them
 *
 * What was read, written down anew, is read as the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/pax.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const names[COCO_PAX_N_KEYS] = {
    [COCO_PAX_PATH] = "path",
    [COCO_PAX_LINKPATH] = "linkpath",
    [COCO_PAX_SIZE] = "size",
    [COCO_PAX_UID] = "uid",
    [COCO_PAX_GID] = "gid",
    [COCO_PAX_MTIME] = "mtime",
    [COCO_PAX_ATIME] = "atime",
    [COCO_PAX_SPARSE_MAJOR] = "GNU.sparse.major",
    [COCO_PAX_SPARSE_MINOR] = "GNU.sparse.minor",
    [COCO_PAX_SPARSE_NAME] = "GNU.sparse.name",
    [COCO_PAX_SPARSE_REALSIZE] = "GNU.sparse.size",
    [COCO_PAX_SPARSE_NUMBLOCKS] = "GNU.sparse.numblocks",
    [COCO_PAX_SPARSE_MAP] = "GNU.sparse.map",
};

static void
append(struct coco_buf *buf, const void *data, size_t len)
{
    if (coco_buf_append(buf, data, len, NULL) != COCO_OK)
        abort();
}

/* The length counts its own digits. */
static void
add_record(struct coco_buf *buf, const char *prefix, const char *name, const void *value,
           size_t len)
{
    size_t rest = strlen(prefix) + strlen(name) + len + strlen(" =\n");
    size_t total = rest + 1;
    char head[32];

    while (rest + (size_t)snprintf(head, sizeof(head), "%zu", total) != total)
        total++;
    append(buf, head, strlen(head));
    append(buf, " ", 1);
    append(buf, prefix, strlen(prefix));
    append(buf, name, strlen(name));
    append(buf, "=", 1);
    append(buf, value, len);
    append(buf, "\n", 1);
}

static void
write_anew(const struct coco_pax *pax, struct coco_buf *buf)
{
    char number[32];

    for (size_t i = pax->n_xattrs; i-- > 0;)
        add_record(buf, "SCHILY.xattr.", pax->xattrs[i].name, pax->xattrs[i].value,
                   pax->xattrs[i].len);
    for (size_t i = 0; i < COCO_PAX_N_KEYS; i++)
        if (pax->values[i])
            add_record(buf, "", names[i], pax->values[i], strlen(pax->values[i]));
    for (size_t i = 0; i < pax->sparse.n; i++) {
        (void)snprintf(number, sizeof(number), "%llu",
                       (unsigned long long)pax->sparse.runs[i].offset);
        add_record(buf, "GNU.sparse.", "offset", number, strlen(number));
        (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)pax->sparse.runs[i].len);
        add_record(buf, "GNU.sparse.", "numbytes", number, strlen(number));
    }
}

static void
check_sparse(const struct coco_sparse *sparse)
{
    for (size_t i = 0; i < sparse->n; i++) {
        const struct coco_sparse_run *run = &sparse->runs[i];

        if (run->len > UINT64_MAX - run->offset)
            abort();
        if (i > 0 && run->offset < run[-1].offset + run[-1].len)
            abort();
    }
}

static void
compare(const struct coco_pax *a, const struct coco_pax *b)
{
    if (a->n_xattrs != b->n_xattrs || a->sparse.n != b->sparse.n)
        abort();
    for (size_t i = 0; i < a->n_xattrs; i++) {
        const struct coco_xattr *other = &b->xattrs[a->n_xattrs - 1 - i];

        if (strcmp(a->xattrs[i].name, other->name) != 0 || a->xattrs[i].len != other->len
            || memcmp(a->xattrs[i].value, other->value, other->len) != 0)
            abort();
    }
    for (size_t i = 0; i < COCO_PAX_N_KEYS; i++)
        if (!a->values[i] != !b->values[i]
            || (a->values[i] && strcmp(a->values[i], b->values[i]) != 0))
            abort();
    for (size_t i = 0; i < a->sparse.n; i++)
        if (a->sparse.runs[i].offset != b->sparse.runs[i].offset
            || a->sparse.runs[i].len != b->sparse.runs[i].len)
            abort();
}

static void
check_u64(const char *text)
{
    uint64_t value = 0;
    char again[32];

    if (coco_pax_u64(text, &value, NULL) != COCO_OK)
        return;
    (void)snprintf(again, sizeof(again), "%llu", (unsigned long long)value);
    if (value > INT64_MAX || strcmp(again, text) != 0)
        abort();
}

static void
check_time(const char *text)
{
    struct timespec want;
    struct timespec got;
    char again[64];

    if (coco_pax_time(text, &want, NULL) != COCO_OK)
        return;
    if (want.tv_nsec < 0 || want.tv_nsec > 999999999)
        abort();
    if (want.tv_sec < 0 && want.tv_nsec > 0)
        (void)snprintf(again, sizeof(again), "-%lld.%09ld", -((long long)want.tv_sec + 1),
                       1000000000L - want.tv_nsec);
    else
        (void)snprintf(again, sizeof(again), "%lld.%09ld", (long long)want.tv_sec, want.tv_nsec);
    if (coco_pax_time(again, &got, NULL) != COCO_OK || got.tv_sec != want.tv_sec
        || got.tv_nsec != want.tv_nsec)
        abort();
}

static void
check_map(const char *text)
{
    struct coco_sparse sparse = {0};
    _cleanup_buf_ struct coco_buf again = {.limit = SIZE_MAX};
    coco_error *err = NULL;

    coco_status status = coco_pax_sparse_map(text, &sparse, &err);
    coco_error_free(err);
    check_sparse(&sparse);
    for (size_t i = 0; i < sparse.n && status == COCO_OK; i++)
        if (coco_buf_printf(&again, NULL, "%s%llu,%llu", i ? "," : "",
                            (unsigned long long)sparse.runs[i].offset,
                            (unsigned long long)sparse.runs[i].len)
            != COCO_OK)
            abort();
    if (status == COCO_OK && strcmp(coco_buf_text(&again), text) != 0)
        abort();
    coco_sparse_done(&sparse);
}

/* Whether all of it lies within the text it was read from. */
static void
check_within(const struct coco_pax *pax, const char *text, size_t len)
{
    for (size_t i = 0; i < COCO_PAX_N_KEYS; i++) {
        const char *value = pax->values[i];

        if (value && (value < text || value + strlen(value) >= text + len))
            abort();
        if (!value)
            continue;
        check_u64(value);
        check_time(value);
        check_map(value);
    }
    for (size_t i = 0; i < pax->n_xattrs; i++) {
        const struct coco_xattr *xattr = &pax->xattrs[i];
        const char *value = (const char *)xattr->value;

        if (!*xattr->name || xattr->len == 0 || xattr->name < text
            || xattr->name + strlen(xattr->name) >= value || value + xattr->len >= text + len)
            abort();
    }
}

static void
check(const uint8_t *data, size_t len, bool global)
{
    _cleanup_buf_ struct coco_buf again = {.limit = SIZE_MAX};
    struct coco_pax pax = {0};
    struct coco_pax other = {0};
    coco_error *err = NULL;

    /* Room for one byte behind, and none for more. */
    _cleanup_free_ char *text = malloc(len + 1);
    if (!text)
        return;
    if (len)
        memcpy(text, data, len);
    text[len] = '\0';
    coco_status status = coco_pax_parse(text, len, global, &pax, &err);
    coco_error_free(err);
    if (status == COCO_OK) {
        check_within(&pax, text, len);
        check_sparse(&pax.sparse);
        write_anew(&pax, &again);
        if (coco_pax_parse((char *)again.data, again.len, global, &other, NULL) != COCO_OK)
            abort();
        compare(&pax, &other);
    }
    coco_pax_done(&pax);
    coco_pax_done(&other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    check(data, len, false);
    check(data, len, true);
    return 0;
}
