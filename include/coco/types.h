/*
 * coco/types.h - words shared by every libcoco header
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TYPES_H
#define COCO_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) && !defined(SWIG)
#define COCO_API __attribute__((visibility("default")))
#define COCO_MUST_CHECK __attribute__((warn_unused_result))
#else
#define COCO_API
#define COCO_MUST_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Context: log sink, progress sink, cancellation. See coco/context.h. */
typedef struct coco_ctx coco_ctx;

/** Why a call failed. See coco/error.h. */
typedef struct coco_error coco_error;

/** Bytes that a call gives. See coco/bytes.h. */
typedef struct coco_bytes coco_bytes;

/** Releases @p user when the library drops a callback; may be NULL. */
typedef void coco_destroy_fn(void *user);

#ifdef __cplusplus
}
#endif

#endif
