/*
 * tests/tarball.h - tar archives, good and bad, block by block
 *
 *     struct tarball tar = {0};
 *     tarball_pax(&tar, 'x', (const char *const[]){"path=a", NULL});
 *     tarball_add(&tar, '0', "name", "", "data", 4);
 *     tarball_end(&tar);
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_TARBALL_H
#define COCO_TESTS_TARBALL_H

#include "tests/support.h"

#define TARBALL_BLOCK ((size_t)512)

struct tarball {
    uint8_t data[(size_t)256 << 10];
    size_t len;
};

/* A header of mode 0644, owner 1:2, time 1500000000, with size in it; lent for changes. */
uint8_t *tarball_header(struct tarball *tar, char type, const char *name, const char *link,
                        size_t size);
/* The checksum, after changes. */
void tarball_sum(uint8_t *block);
/* Sets a field to text as it is and the checksum to what it is then. */
void tarball_set(uint8_t *block, size_t at, const void *text, size_t len);
/* Data and its padding. */
void tarball_data(struct tarball *tar, const void *data, size_t len);
void tarball_add(struct tarball *tar, char type, const char *name, const char *link,
                 const void *data, size_t len);
/* An extended header of the records "key=value", which NULL ends. */
void tarball_pax(struct tarball *tar, char type, const char *const *records);
void tarball_end(struct tarball *tar);

#endif
