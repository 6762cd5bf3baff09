/*
 * tests/faults.c - make the n-th allocation fail
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/faults.h"

#include "tests/canary.h"

#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Code under test may have threads. */
static long round_no;         /* which allocation fails this time; 0 is none */
static atomic_long countdown; /* allocations until it does; none when it is not above 0 */
static atomic_bool hit;       /* whether it has */
static atomic_bool paused;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_vasprintf(char **ret, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));
int __wrap_asprintf(char **ret, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int __wrap___vasprintf_chk(char **ret, int flag, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));
int __wrap___asprintf_chk(char **ret, int flag, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static bool
fails(void)
{
    if (paused || atomic_fetch_sub(&countdown, 1) != 1)
        return false;
    hit = true;
    return true;
}

void *
__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
    if (fails())
        return NULL;
    canary_look_at(p); /* it may move and leave its content behind */
    return __real_realloc(p, size);
}

char *
__wrap_strdup(const char *s)
{
    return fails() ? NULL : __real_strdup(s);
}

char *
__wrap_strndup(const char *s, size_t n)
{
    return fails() ? NULL : __real_strndup(s, n);
}

/* Leaves garbage behind on failure, as the manual page says it may. */
__attribute__((format(printf, 2, 0))) static int
format(char **ret, const char *fmt, va_list args)
{
    static char garbage[1];
    va_list again;

    *ret = garbage;
    if (fails())
        return -1;

    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        return -1;
    char *text = __real_malloc((size_t)n + 1);
    if (!text)
        return -1;
    *ret = text;
    return vsnprintf(text, (size_t)n + 1, fmt, args);
}

int
__wrap_vasprintf(char **ret, const char *fmt, va_list args)
{
    return format(ret, fmt, args);
}

int
__wrap___vasprintf_chk(char **ret, int flag, const char *fmt, va_list args)
{
    (void)flag;
    return format(ret, fmt, args);
}

int
__wrap_asprintf(char **ret, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = format(ret, fmt, args);
    va_end(args);
    return n;
}

int
__wrap___asprintf_chk(char **ret, int flag, const char *fmt, ...)
{
    va_list args;

    (void)flag;
    va_start(args, fmt);
    int n = format(ret, fmt, args);
    va_end(args);
    return n;
}

static void *
openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : __real_malloc(size);
}

static void *
openssl_realloc(void *p, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : __real_realloc(p, size);
}

static void
openssl_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

void
faults_of_openssl(void)
{
    assert_int_equal(CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free), 1);
}

void
faults_begin(void)
{
    static cJSON_Hooks hooks = {.malloc_fn = __wrap_malloc, .free_fn = free};

    cJSON_InitHooks(&hooks);
    round_no = 0;
    hit = true;
    paused = false;
}

bool
faults_next(void)
{
    countdown = 0;
    if (!hit) {
        print_message("# survived %ld failed allocations\n", round_no - 1);
        return false;
    }
    hit = false;
    countdown = ++round_no;
    return true;
}

void
fault_check(coco_status status, const coco_error *err)
{
    countdown = 0;
    if (hit && status == COCO_OK)
        fail_msg("allocation %ld failed unnoticed", round_no);
    assert_string_equal(coco_status_name(status), hit ? "COCO_ERR_NOMEM" : "COCO_OK");
    assert_int_equal(coco_error_status(err), status);
}

void
faults_pause(void)
{
    paused = true;
}

void
faults_resume(void)
{
    paused = false;
}
