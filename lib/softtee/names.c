/*
 * softtee/names.c - names of what /sys has in a TEE that is software
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/names.h"

#include <string.h>

#define REGISTERS "/devices/virtual/misc/tdx_guest/measurements"

#define TDX (1U << COCO_SOFTTEE_TDX)
#define SNP (1U << COCO_SOFTTEE_SNP)
#define TPM (1U << COCO_SOFTTEE_TPM)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct coco_softtee_node nodes[] = {
    {"", COCO_NODE_DIR, TDX | SNP | TPM, 0755},
    {"/kernel", COCO_NODE_DIR, TDX | SNP | TPM, 0755},
    {"/kernel/config", COCO_NODE_DIR, TDX | SNP, 0755},
    {"/kernel/config/tsm", COCO_NODE_DIR, TDX | SNP, 0755},
    {COCO_SOFTTEE_REPORT, COCO_NODE_ENTRIES, TDX | SNP, 0755},
    {"/kernel/security", COCO_NODE_DIR, TPM, 0755},
    {"/kernel/security/tpm0", COCO_NODE_DIR, TPM, 0755},
    {"/kernel/security/tpm0/binary_bios_measurements", COCO_NODE_TPM_LOG, TPM, 0440},
    {"/devices", COCO_NODE_DIR, TDX | SNP, 0755},
    {"/devices/platform", COCO_NODE_DIR, SNP, 0755},
    {"/devices/platform/sev-guest", COCO_NODE_DIR, SNP, 0755},
    {"/devices/virtual", COCO_NODE_DIR, TDX, 0755},
    {"/devices/virtual/misc", COCO_NODE_DIR, TDX, 0755},
    {"/devices/virtual/misc/tdx_guest", COCO_NODE_DIR, TDX, 0755},
    {REGISTERS, COCO_NODE_DIR, TDX, 0755},
    {REGISTERS "/mrconfigid", COCO_NODE_MRCONFIGID, TDX, 0444},
    {REGISTERS "/mrtd:sha384", COCO_NODE_MRTD, TDX, 0444},
    {REGISTERS "/rtmr0:sha384", COCO_NODE_RTMR0, TDX, 0444},
    {REGISTERS "/rtmr1:sha384", COCO_NODE_RTMR0 + 1, TDX, 0444},
    {REGISTERS "/rtmr2:sha384", COCO_NODE_RTMR0 + 2, TDX, 0644},
    {REGISTERS "/rtmr3:sha384", COCO_NODE_RTMR3, TDX, 0644},
    {"/firmware", COCO_NODE_DIR, TDX, 0755},
    {"/firmware/acpi", COCO_NODE_DIR, TDX, 0755},
    {"/firmware/acpi/tables", COCO_NODE_DIR, TDX, 0755},
    {"/firmware/acpi/tables/CCEL", COCO_NODE_CCEL_TABLE, TDX, 0444},
    {"/firmware/acpi/tables/data", COCO_NODE_DIR, TDX, 0755},
    {"/firmware/acpi/tables/data/CCEL", COCO_NODE_CCEL, TDX, 0444},
};

static const struct coco_softtee_node in_entries[] = {
    {"provider", COCO_NODE_PROVIDER, TDX | SNP, 0444},
    {"generation", COCO_NODE_GENERATION, TDX | SNP, 0444},
    {"inblob", COCO_NODE_INBLOB, TDX | SNP, 0200},
    {"outblob", COCO_NODE_OUTBLOB, TDX | SNP, 0444},
    {"auxblob", COCO_NODE_AUXBLOB, SNP, 0444},
    {"privlevel", COCO_NODE_PRIVLEVEL, SNP, 0200},
    {"privlevel_floor", COCO_NODE_PRIVLEVEL_FLOOR, SNP, 0444},
};

static const struct coco_softtee_node *
find(const struct coco_softtee_node *table, size_t n, enum coco_softtee_kind kind, const char *path)
{
    for (size_t i = 0; i < n; i++)
        if ((table[i].kinds & (1U << kind)) && strcmp(table[i].path, path) == 0)
            return &table[i];
    return NULL;
}

const struct coco_softtee_node *
coco_softtee_find(enum coco_softtee_kind kind, const char *path)
{
    return find(nodes, COUNT(nodes), kind, strcmp(path, "/") == 0 ? "" : path);
}

const struct coco_softtee_node *
coco_softtee_find_in_entry(enum coco_softtee_kind kind, const char *name)
{
    return find(in_entries, COUNT(in_entries), kind, name);
}

const char *
coco_softtee_child_of(const char *path, const char *dir)
{
    size_t len = strlen(dir);

    if (strncmp(path, dir, len) != 0 || path[len] != '/' || path[len + 1] == '\0'
        || strchr(path + len + 1, '/'))
        return NULL;
    return path + len + 1;
}

const char *
coco_softtee_name_at(enum coco_softtee_kind kind, const struct coco_softtee_node *dir, size_t index)
{
    bool in_entry = dir->type == COCO_NODE_ENTRY;
    const struct coco_softtee_node *table = in_entry ? in_entries : nodes;
    size_t n = in_entry ? COUNT(in_entries) : COUNT(nodes);

    for (size_t i = 0; i < n; i++) {
        const char *name =
            in_entry ? table[i].path : coco_softtee_child_of(table[i].path, dir->path);

        if (name && (table[i].kinds & (1U << kind)) && index-- == 0)
            return name;
    }
    return NULL;
}
