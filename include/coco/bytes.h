/*
 * coco/bytes.h - bytes that a call gives
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BYTES_H
#define COCO_BYTES_H

#include <coco/error.h>
#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Results made of bytes: secrets, tokens, evidence, JSON text.
 *
 * A coco_bytes never changes after it was made and may be shared between
 * threads. Its memory is wiped when it is freed, whatever it held.
 */

/** First byte; a NUL byte follows the last. Valid as long as @p bytes. */
COCO_API const uint8_t *coco_bytes_data(const coco_bytes *bytes);

/** Number of bytes, without the NUL that follows them. */
COCO_API size_t coco_bytes_size(const coco_bytes *bytes);

/** Wipes and frees @p bytes; NULL is fine. */
COCO_API void coco_bytes_free(coco_bytes *bytes);

#ifdef __cplusplus
}
#endif

#endif
