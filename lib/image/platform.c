/*
 * image/platform.c - which image a machine can run
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/platform.h"

#include "base/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789._-"
/* Of an entry that says nothing of its platform; its config still has to fit. */
#define RANK_UNSTATED 1
#define RANK_OTHER_VARIANT 2
#define LISTED_MAX 512

static const struct {
    const char *machine, *architecture, *variant;
} machines[] = {
    {"aarch64", "arm64", ""}, {"armv6l", "arm", "v6"}, {"armv7l", "arm", "v7"},
    {"i686", "386", ""},      {"x86_64", "amd64", ""},
};

/* What an architecture means when it names no variant: each runs what lies below. */
static const struct {
    const char *architecture;
    unsigned level;
} base_levels[] = {
    {"amd64", 1}, /* x86-64-v1 */
    {"arm", 7},
    {"arm64", 8},
};

static bool
take_part(const char **text, char part[32])
{
    size_t n = strspn(*text, NAME_CHARS);

    if (n == 0 || n >= 32)
        return false;
    memcpy(part, *text, n);
    part[n] = '\0';
    *text += n;
    return true;
}

coco_status
coco_platform_parse(const char *text, struct coco_platform *ret, coco_error **err)
{
    struct coco_platform platform = {0};
    const char *p = text;
    bool good = take_part(&p, platform.os) && *p++ == '/' && take_part(&p, platform.architecture);

    if (good && *p == '/') {
        p++;
        good = take_part(&p, platform.variant);
    }
    if (!good || *p != '\0')
        return coco_fail(err, COCO_ERR_INVALID,
                         "platform '%.100s' is not os/architecture[/variant]", text);
    *ret = platform;
    return COCO_OK;
}

void
coco_platform_host(struct coco_platform *ret)
{
    struct utsname name = {0};

    *ret = (struct coco_platform){.os = "linux"};
    (void)uname(&name); /* cannot fail with a good pointer */
    (void)snprintf(ret->architecture, sizeof(ret->architecture), "%.31s", name.machine);
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        if (strcmp(name.machine, machines[i].machine) != 0)
            continue;
        (void)snprintf(ret->architecture, sizeof(ret->architecture), "%s",
                       machines[i].architecture);
        (void)snprintf(ret->variant, sizeof(ret->variant), "%s", machines[i].variant);
    }
}

/* 8 for "v8", and for "" on arm64; 0 for a variant that is no level. */
static unsigned
level_of(const char *architecture, const char *variant)
{
    for (size_t i = 0; i < sizeof(base_levels) / sizeof(base_levels[0]); i++)
        if (strcmp(base_levels[i].architecture, architecture) == 0 && *variant == '\0')
            return base_levels[i].level;
    if (variant[0] == 'v' && variant[1] >= '1' && variant[1] <= '9' && variant[2] == '\0')
        return (unsigned)(variant[1] - '0');
    return 0;
}

unsigned
coco_platform_rank(const struct coco_platform *machine, const char *os, const char *architecture,
                   const char *variant)
{
    unsigned have = level_of(machine->architecture, machine->variant);
    unsigned want = level_of(architecture, variant);

    if (strcmp(os, machine->os) != 0 || strcmp(architecture, machine->architecture) != 0)
        return 0;
    if (have && want)
        return want <= have ? RANK_OTHER_VARIANT + want : 0;
    return strcmp(variant, machine->variant) == 0 ? RANK_OTHER_VARIANT : 0;
}

/* The rank of an index's entry, and its platform as text behind what is in seen. */
static coco_status
rank_entry(const cJSON *entry, const struct coco_platform *machine, struct coco_buf *seen,
           unsigned *ret, coco_error **err)
{
    const cJSON *platform = NULL;
    const char *os = NULL;
    const char *architecture = NULL;
    const char *variant = NULL;

    coco_status status = coco_json_get_object_opt(entry, "platform", &platform, err);
    if (status != COCO_OK)
        return status;
    if (!platform) {
        *ret = RANK_UNSTATED;
        return COCO_OK;
    }
    status = coco_json_get_string(platform, "os", &os, err);
    if (status == COCO_OK)
        status = coco_json_get_string(platform, "architecture", &architecture, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(platform, "variant", &variant, err);
    if (status != COCO_OK)
        return status;
    /* As crane writes it of an image whose config says nothing either. */
    if (*os == '\0' && *architecture == '\0') {
        *ret = RANK_UNSTATED;
        return COCO_OK;
    }
    if (!variant)
        variant = "";
    /* For a message: what no longer fits is left out. */
    if (strcmp(os, "unknown") != 0)
        status = coco_buf_printf(seen, NULL, "%s%.31s/%.31s%s%.31s", seen->len ? ", " : "", os,
                                 architecture, *variant ? "/" : "", variant);
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    *ret = coco_platform_rank(machine, os, architecture, variant);
    return COCO_OK;
}

coco_status
coco_index_choose(const struct coco_manifest *index, const struct coco_platform *platform,
                  const struct coco_descriptor **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf seen = {.limit = LISTED_MAX};
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(index->json, "manifests");
    const struct coco_descriptor *best = NULL;
    const cJSON *entry = NULL;
    unsigned best_rank = 0;
    size_t i = 0;

    cJSON_ArrayForEach(entry, list) {
        unsigned rank = 0;

        coco_status status = rank_entry(entry, platform, &seen, &rank, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "manifest %zu", i);
        if (rank > best_rank) {
            best_rank = rank;
            best = &index->layers[i];
        }
        i++;
    }
    if (!best)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no image for %s/%s%s%s, but for: %s",
                         platform->os, platform->architecture, platform->variant[0] ? "/" : "",
                         platform->variant, seen.len ? coco_buf_text(&seen) : "nothing");
    *ret = best;
    return COCO_OK;
}
