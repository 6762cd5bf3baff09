/*
 * cli/try_tamper.c - coco try --tamper: what can go wrong, and who notices
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "try.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID_LEN 32

static const struct {
    const char *word;
    const char *text;
    try_step *step;
    coco_status status;
} tampers[] = {
    [TRY_HONEST] = {"", NULL, NULL, COCO_OK},
    [TRY_MEASUREMENT] = {"measurement", "boot another kernel", try_attest, COCO_ERR_DENIED},
    [TRY_LAYER] = {"layer", "flip a bit of the layer in the registry", try_pull, COCO_ERR_VERIFY},
    [TRY_KEY] = {"key", "put another key into the broker", try_pull, COCO_ERR_VERIFY},
    [TRY_POLICY] = {"policy", "demand TDX hardware in the policy", try_attest, COCO_ERR_DENIED},
};

enum try_tamper
try_tamper_parse(const char *word)
{
    for (size_t i = 1; word && i < sizeof(tampers) / sizeof(tampers[0]); i++)
        if (strcmp(tampers[i].word, word) == 0)
            return (enum try_tamper)i;
    return TRY_HONEST;
}

const char *
try_tamper_text(enum try_tamper tamper)
{
    return tampers[tamper].text;
}

bool
try_must_refuse(enum try_tamper tamper, try_step *step, coco_status status)
{
    return tamper != TRY_HONEST && tampers[tamper].step == step && tampers[tamper].status == status;
}

/* Where docker-registry keeps the blob of the layer; its disk is the attacker's. */
static coco_status
flip_bit(struct try *t)
{
    char name[256];
    uint8_t byte;

    (void)snprintf(name, sizeof(name), "registry/docker/registry/v2/blobs/sha256/%.2s/%s/data",
                   t->layer, t->layer);
    _cleanup_free_ char *path = try_path(t, name);
    if (!path)
        return try_fail(t, COCO_ERR_NOMEM, "out of memory");
    _cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
    off_t middle = fd < 0 ? -1 : lseek(fd, 0, SEEK_END) / 2;
    if (middle < 0 || pread(fd, &byte, 1, middle) != 1)
        return try_fail_errno(t, errno, path);
    byte ^= 1;
    if (pwrite(fd, &byte, 1, middle) != 1)
        return try_fail_errno(t, errno, path);
    (void)snprintf(t->detail, sizeof(t->detail), "byte %lld", (long long)middle);
    return COCO_OK;
}

static coco_status
swap_key(struct try *t)
{
    uint8_t other[TRY_KEY_SIZE];

    memcpy(other, t->key, sizeof(other));
    other[0] ^= 1;
    coco_status status = coco_kbs_put_resource(t->kbs, TRY_RESOURCE, other, sizeof(other), &t->err);
    explicit_bzero(other, sizeof(other));
    return status;
}

coco_status
try_tamper_with(struct try *t)
{
    switch (t->tamper) {
    case TRY_MEASUREMENT:
        return try_launch(t, "coco try: another kernel, initrd, command line");
    case TRY_LAYER:
        return flip_bit(t);
    case TRY_KEY:
        return swap_key(t);
    case TRY_POLICY:
        return try_set_policy(t, "tdx");
    case TRY_HONEST:
        break;
    }
    return COCO_OK;
}

/* The id of a decision in message: 32 hex digits. */
static bool
find_id(const char *message, char id[ID_LEN + 1])
{
    while (*message) {
        size_t n = strspn(message, "0123456789abcdef");

        if (n == ID_LEN) {
            memcpy(id, message, ID_LEN);
            id[ID_LEN] = '\0';
            return true;
        }
        message += n > 0 ? n : 1;
    }
    return false;
}

static void
write_member(const cJSON *trace, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(trace, name);

    if (cJSON_IsString(value))
        (void)printf("    %-14s %s\n", name, value->valuestring);
}

/* Reference values and checks that do not hold: what was expected and what was got. */
static void
write_mismatches(const cJSON *list)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list) {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(item, "name");
        _cleanup_free_ char *want =
            cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(item, "expected"));
        _cleanup_free_ char *got =
            cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(item, "got"));

        if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "ok")) || !cJSON_IsString(name))
            continue;
        (void)printf("    %-14s expected %.40s…\n", name->valuestring, want ? want : "");
        (void)printf("    %-14s got      %.40s…\n", "", got ? got : "");
    }
}

/* What kind of evidence each part was: the member of its claims that no other kind has. */
static void
write_kind(const cJSON *trace)
{
    const cJSON *submod;
    const char *tee;

    cJSON_ArrayForEach(submod, cJSON_GetObjectItemCaseSensitive(trace, "claims")) {
        const cJSON *evidence =
            cJSON_GetObjectItemCaseSensitive(submod, "ear.veraison.annotated-evidence");
        const cJSON *status = cJSON_GetObjectItemCaseSensitive(submod, "ear.status");

        for (size_t i = 0; (tee = coco_tee_name(i)); i++)
            if (cJSON_GetObjectItemCaseSensitive(evidence, tee))
                (void)printf("    %-14s evidence of %s, appraised as %s\n", submod->string, tee,
                             cJSON_IsString(status) ? status->valuestring : "?");
    }
}

void
try_explain(const struct try *t, const char *message)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    char id[ID_LEN + 1];

    if (!find_id(message, id) || coco_kbs_explain(t->kbs, id, &bytes, NULL) != COCO_OK)
        return;
    _cleanup_(cJSON_Deletep) cJSON *trace = cJSON_Parse((const char *)coco_bytes_data(bytes));
    (void)printf("  What the owner reads under that id:\n");
    write_member(trace, "decision");
    write_member(trace, "resource");
    write_member(trace, "rule");
    write_member(trace, "reason");
    write_kind(trace);
    write_mismatches(cJSON_GetObjectItemCaseSensitive(trace, "checks"));
    write_mismatches(cJSON_GetObjectItemCaseSensitive(trace, "reference_values"));
}
