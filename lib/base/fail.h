/*
 * base/fail.h - filling a coco_error
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_FAIL_H
#define COCO_BASE_FAIL_H

#include <coco/error.h>

#include <stdbool.h>

/*
 * Each of these stores an error in *err, if err is not NULL, and returns its
 * status, so that failing is one statement:
 *
 *     return coco_fail(err, COCO_ERR_PROTO, "manifest has no layers");
 *
 * Messages are one line, lower case, without a full stop, and name the thing
 * that failed, not the function. They never hold secrets.
 */
coco_status coco_fail(coco_error **err, coco_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for COCO_ERR_NOMEM, without an allocation. */
coco_status coco_fail_nomem(coco_error **err);

/* The same for COCO_ERR_IO; ": " and strerror(errnum) are appended. */
coco_status coco_fail_errno(coco_error **err, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* COCO_ERR_NET with EAGAIN as its errno: what was asked for is under way, ask again. */
coco_status coco_fail_again(coco_error **err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Puts "context: " before the message already in *err and returns its status. Without the memory
 * for that *err says so, as where there was none for the message.
 */
coco_status coco_wrap(coco_error **err, coco_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Stores an error that was kept, which is taken. */
void coco_error_give(coco_error **err, coco_error *kept);

/* The same for one of several who are told of it: it stays, and what is stored says the same. */
void coco_error_repeat(coco_error **err, const coco_error *kept);

/*
 * Takes an error that was kept, or NULL, and gives COCO_OK if it is one of status;
 * *forgiven says that it was. Any other is given on, also that there was no memory to
 * say which it is.
 */
coco_status coco_forgive(coco_error *kept, coco_status status, bool *forgiven, coco_error **err);

/*
 * Takes an error that was kept, or NULL, and gives COCO_OK if it says that data from
 * outside cannot be read (COCO_ERR_PROTO, COCO_ERR_LIMIT) where that is no failure. Any
 * other is given on, that of a message for which there was no memory, too.
 */
coco_status coco_pass_over(coco_error *kept, coco_error **err);

/*
 * An analyser reads one file at a time and would think that these may succeed,
 * and that the caller then goes on without its result.
 */
#if defined(__clang_analyzer__) || defined(COCO_ANALYSE)
#define coco_fail(err, status, ...) ((void)coco_fail(err, status, __VA_ARGS__), (status))
#define coco_fail_nomem(err) ((void)coco_fail_nomem(err), COCO_ERR_NOMEM)
#define coco_fail_errno(err, errnum, ...)                                                          \
    ((void)coco_fail_errno(err, errnum, __VA_ARGS__), COCO_ERR_IO)
#define coco_fail_again(err, ...) ((void)coco_fail_again(err, __VA_ARGS__), COCO_ERR_NET)
#define coco_wrap(err, status, ...) ((void)coco_wrap(err, status, __VA_ARGS__), (status))
#endif

#endif
