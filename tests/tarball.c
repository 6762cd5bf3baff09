/*
 * tests/tarball.c - tar archives, good and bad, block by block
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/tarball.h"

#include <stdio.h>
#include <string.h>

void
tarball_sum(uint8_t *block)
{
    unsigned sum = 0;

    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < TARBALL_BLOCK; i++)
        sum += block[i];
    (void)snprintf((char *)block + 148, 8, "%06o", sum);
}

void
tarball_set(uint8_t *block, size_t at, const void *text, size_t len)
{
    memcpy(block + at, text, len);
    tarball_sum(block);
}

uint8_t *
tarball_header(struct tarball *tar, char type, const char *name, const char *link, size_t size)
{
    uint8_t *block = tar->data + tar->len;

    assert_true(tar->len + TARBALL_BLOCK <= sizeof(tar->data));
    tar->len += TARBALL_BLOCK;
    memset(block, 0, TARBALL_BLOCK);
    memcpy(block, name, strnlen(name, 100));
    memcpy(block + 100, "0000644", 8);
    memcpy(block + 108, "0000001", 8);
    memcpy(block + 116, "0000002", 8);
    (void)snprintf((char *)block + 124, 12, "%011zo", size);
    (void)snprintf((char *)block + 136, 12, "%011o", 1500000000U);
    block[156] = (uint8_t)type;
    memcpy(block + 157, link, strnlen(link, 100));
    memcpy(block + 257, "ustar\00000", 8);
    tarball_sum(block);
    return block;
}

void
tarball_data(struct tarball *tar, const void *data, size_t len)
{
    size_t padded = (len + TARBALL_BLOCK - 1) / TARBALL_BLOCK * TARBALL_BLOCK;

    assert_true(tar->len + padded <= sizeof(tar->data));
    memset(tar->data + tar->len, 0, padded);
    memcpy(tar->data + tar->len, data, len);
    tar->len += padded;
}

void
tarball_add(struct tarball *tar, char type, const char *name, const char *link, const void *data,
            size_t len)
{
    (void)tarball_header(tar, type, name, link, len);
    tarball_data(tar, data, len);
}

void
tarball_pax(struct tarball *tar, char type, const char *const *records)
{
    char text[TARBALL_BLOCK * 16];
    size_t len = 0;

    for (; *records; records++) {
        size_t rest = strlen(*records) + 2; /* space and newline */
        size_t whole = rest + 1;

        while ((size_t)snprintf(NULL, 0, "%zu", whole) + rest > whole)
            whole++;
        assert_true(len + whole < sizeof(text));
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%zu %s\n", whole, *records);
    }
    tarball_add(tar, type, "pax", "", text, len);
}

void
tarball_end(struct tarball *tar)
{
    assert_true(tar->len + 2 * TARBALL_BLOCK <= sizeof(tar->data));
    memset(tar->data + tar->len, 0, 2 * TARBALL_BLOCK);
    tar->len += 2 * TARBALL_BLOCK;
}
