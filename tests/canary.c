/*
 * tests/canary.c - find secrets in memory that was given back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/canary.h"

#include <cjson/cJSON.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static const void *canary;
static size_t canary_len;
static unsigned leaks;

void __real_free(void *p);
void __wrap_free(void *p);

void
canary_look_at(void *block)
{
    if (block && canary && memmem(block, malloc_usable_size(block), canary, canary_len))
        leaks++;
}

void
__wrap_free(void *p)
{
    canary_look_at(p);
    __real_free(p);
}

void
canary_begin(const void *bytes, size_t len)
{
    static cJSON_Hooks hooks = {.malloc_fn = malloc, .free_fn = __wrap_free};

    cJSON_InitHooks(&hooks);
    canary = bytes;
    canary_len = len;
    leaks = 0;
}

unsigned
canary_end(void)
{
    canary = NULL;
    cJSON_InitHooks(NULL);
    return leaks;
}
