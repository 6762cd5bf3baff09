/*
 * base/text.h - text from outside
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_TEXT_H
#define COCO_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Length of the UTF-8 sequence at p (1 to 4), or 0 if there is none within len
 * bytes. Overlong forms, surrogates and values past U+10FFFF are none (RFC 3629).
 */
size_t coco_utf8_len(const uint8_t *p, size_t len);

/* Writes the UTF-8 of code, which is at most U+10FFFF and no surrogate; gives its length. */
size_t coco_utf8_put(uint32_t code, char buf[4]);

bool coco_utf8_valid(const void *data, size_t len);

/*
 * Copies foreign text so that a terminal and a log file are safe from it, and whoever
 * reads them: control bytes, DEL, C1 controls, invalid UTF-8, and characters that are not
 * seen but turn other text about or hide in it, become \xNN, byte by byte. What does not
 * fit into size is cut. The result is always NUL-terminated; size must not be 0.
 */
void coco_text_escape(const char *text, size_t len, char *buf, size_t size);

/* Whether text of 1 to max bytes consists of bytes of allowed only. */
bool coco_text_is_all(const char *text, const char *allowed, size_t max);

/* Lower-case hex of data; buf holds 2 * len + 1 bytes. */
void coco_hex(const void *data, size_t len, char *buf);

/* Of one hex digit, in either case; -1 if c is none. */
int coco_hex_value(char c);

/* Reads exactly 2 * len hex digits; false, with data unspecified, if text is anything else. */
bool coco_unhex(const char *text, size_t text_len, void *data, size_t len);

#endif
