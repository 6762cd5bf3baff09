/*
 * tests/canary.c - find secrets in memory that was given back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/canary.h"

#include <cjson/cJSON.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const void *canary;
static size_t canary_len;
static atomic_uint leaks; /* code under test may have threads */

void *__real_malloc(size_t size);
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

static void *
openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return __real_malloc(size);
}

/* Never in place: what is left behind is looked at. */
static void *
openssl_realloc(void *p, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    void *grown = __real_malloc(size);
    if (!grown || !p)
        return grown;
    size_t old = malloc_usable_size(p);
    memcpy(grown, p, old < size ? old : size);
    __wrap_free(p);
    return grown;
}

static void
openssl_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    __wrap_free(p);
}

void
canary_watch_openssl(void)
{
    assert_int_equal(CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free), 1);
}
