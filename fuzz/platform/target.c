/*
 * fuzz/platform/target.c - platforms, and which of them runs which
 *
 * Input: two lines, a machine and what an image says it is for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
same(const struct coco_platform *a, const struct coco_platform *b)
{
    return strcmp(a->os, b->os) == 0 && strcmp(a->architecture, b->architecture) == 0
           && strcmp(a->variant, b->variant) == 0;
}

static coco_status
parse(const char *text, struct coco_platform *ret)
{
    coco_error *err = NULL;

    coco_status status = coco_platform_parse(text, ret, &err);
    coco_error_free(err);
    if (status != COCO_OK && status != COCO_ERR_INVALID)
        abort();
    return status;
}

static void
check_round_trip(const struct coco_platform *want)
{
    struct coco_platform got;
    char text[sizeof(*want) + 3];

    if (!*want->os || !*want->architecture)
        abort();
    (void)snprintf(text, sizeof(text), "%s/%s%s%s", want->os, want->architecture,
                   *want->variant ? "/" : "", want->variant);
    if (parse(text, &got) != COCO_OK || !same(&got, want))
        abort();
}

static unsigned
rank(const struct coco_platform *machine, const struct coco_platform *image)
{
    return coco_platform_rank(machine, image->os, image->architecture, image->variant);
}

/* A machine runs its own images, better than any other does, and none of another system. */
static void
check_ranks(const struct coco_platform *machine, const struct coco_platform *image)
{
    unsigned own = rank(machine, machine);
    unsigned there = rank(machine, image);
    unsigned back = rank(image, machine);

    if (own == 0 || there > own)
        abort();
    if (there
        && (strcmp(machine->os, image->os) != 0
            || strcmp(machine->architecture, image->architecture) != 0))
        abort();
    /* Each runs the other: neither has more, and they are equally good. */
    if (there && back && (there != own || back != own))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct coco_platform machine;
    struct coco_platform image;
    _cleanup_free_ char *text = strndup((const char *)data, len);
    char *second = text ? strchr(text, '\n') : NULL;

    if (!second)
        return 0;
    *second++ = '\0';
    if (parse(text, &machine) != COCO_OK)
        return 0;
    check_round_trip(&machine);
    if (parse(second, &image) != COCO_OK)
        return 0;
    check_ranks(&machine, &image);
    check_ranks(&image, &machine);
    return 0;
}
