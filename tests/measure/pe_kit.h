/*
 * tests/measure/pe_kit.h - a program of UEFI to measure
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_MEASURE_PE_KIT_H
#define COCO_TESTS_MEASURE_PE_KIT_H

#include <stdint.h>
#include <string.h>

/* Headers, two sections that the table has in the other order, 16 bytes more, signatures. */
#define PE_SIZE 1320
#define PE_HEADERS 512
#define PE_AT_MAGIC 64
#define PE_AT_SECTIONS_N 70
#define PE_AT_OPTIONAL_SIZE 84
#define PE_AT_OPTIONAL 88
#define PE_AT_HEADERS_SIZE (PE_AT_OPTIONAL + 60)
#define PE_AT_CHECKSUM (PE_AT_OPTIONAL + 64)
#define PE_AT_DIRECTORIES_N (PE_AT_OPTIONAL + 108)
#define PE_AT_SIGNATURES (PE_AT_OPTIONAL + 112 + 32)
#define PE_AT_SECTIONS (PE_AT_OPTIONAL + 240)
#define PE_SIGNATURES 24

static inline void
pe_put(uint8_t *p, size_t n, uint64_t value)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

static inline void
pe_make(uint8_t image[PE_SIZE])
{
    for (size_t i = 0; i < PE_SIZE; i++)
        image[i] = (uint8_t)(i * 11 + i / 256);
    memcpy(image, "MZ", 2);
    pe_put(image + 0x3c, 4, PE_AT_MAGIC);
    memcpy(image + PE_AT_MAGIC, "PE\0", 4);
    pe_put(image + PE_AT_SECTIONS_N, 2, 3);
    pe_put(image + PE_AT_OPTIONAL_SIZE, 2, 240);
    pe_put(image + PE_AT_OPTIONAL, 2, 0x20b);
    pe_put(image + PE_AT_HEADERS_SIZE, 4, PE_HEADERS);
    pe_put(image + PE_AT_DIRECTORIES_N, 4, 16);
    pe_put(image + PE_AT_SIGNATURES, 4, PE_SIZE - PE_SIGNATURES);
    pe_put(image + PE_AT_SIGNATURES + 4, 4, PE_SIGNATURES);
    pe_put(image + PE_AT_SECTIONS + 16, 4, 256);
    pe_put(image + PE_AT_SECTIONS + 20, 4, 1024);
    pe_put(image + PE_AT_SECTIONS + 56, 4, 512);
    pe_put(image + PE_AT_SECTIONS + 60, 4, 512);
    pe_put(image + PE_AT_SECTIONS + 96, 4, 0); /* what has nothing in the file */
}

#endif
