/*
 * tests/measure/test_pe.c - lib/measure/pe.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/pe.h"

#include "tests/faults.h"
#include "tests/measure/pe_kit.h"

#include <stdlib.h>

#define DIGEST_SIZE 32

static coco_error *err;

static void
digest_of(const uint8_t *image, size_t len, uint8_t ret[DIGEST_SIZE])
{
    assert_ok(coco_pe_digest(COCO_TCG_SHA256, image, len, ret, &err), err);
}

static void
a_program_is_measured_without_its_signature(void **state)
{
    uint8_t image[PE_SIZE];
    uint8_t plain[PE_SIZE];
    uint8_t want[DIGEST_SIZE];
    uint8_t got[DIGEST_SIZE];
    size_t n = PE_AT_CHECKSUM;
    size_t rest = PE_AT_SIGNATURES - PE_AT_CHECKSUM - 4;

    (void)state;
    pe_make(image);
    memcpy(plain, image, n);
    memcpy(plain + n, image + PE_AT_CHECKSUM + 4, rest);
    n += rest;
    rest = PE_SIZE - PE_SIGNATURES - PE_AT_SIGNATURES - 8;
    memcpy(plain + n, image + PE_AT_SIGNATURES + 8, rest);
    assert_ok(coco_tcg_hash(COCO_TCG_SHA256, plain, n + rest, want, &err), err);
    digest_of(image, PE_SIZE, got);
    assert_memory_equal(got, want, sizeof(got));
}

/* A bit is in the checksum or in signatures, or it is measured, or the program is refused. */
static void
every_bit_counts_that_is_no_signature(void **state)
{
    uint8_t image[PE_SIZE];
    uint8_t want[DIGEST_SIZE];

    (void)state;
    pe_make(image);
    digest_of(image, PE_SIZE, want);
    for (size_t bit = 0; bit < (size_t)8 * PE_SIZE; bit++) {
        size_t at = bit / 8;
        bool free_to_change = (at >= PE_AT_CHECKSUM && at < PE_AT_CHECKSUM + 4)
                              || (at >= PE_AT_SIGNATURES && at < PE_AT_SIGNATURES + 4)
                              || at >= PE_SIZE - PE_SIGNATURES;
        uint8_t got[DIGEST_SIZE];

        image[at] ^= (uint8_t)(1U << bit % 8);
        coco_status status = coco_pe_digest(COCO_TCG_SHA256, image, PE_SIZE, got, NULL);
        assert_true(status == COCO_OK || !free_to_change);
        if (status == COCO_OK)
            assert_int_equal(memcmp(got, want, sizeof(got)) == 0, free_to_change);
        image[at] ^= (uint8_t)(1U << bit % 8);
    }
}

static void
a_program_without_signatures_is_measured_whole(void **state)
{
    uint8_t image[PE_SIZE];
    uint8_t want[DIGEST_SIZE];
    uint8_t got[DIGEST_SIZE];

    (void)state;
    pe_make(image);
    pe_put(image + PE_AT_DIRECTORIES_N, 4, 4);
    digest_of(image, PE_SIZE, want);
    image[PE_AT_SIGNATURES] ^= 1;
    digest_of(image, PE_SIZE, got);
    assert_memory_not_equal(got, want, sizeof(got));
    image[PE_AT_CHECKSUM] ^= 1;
    digest_of(image, PE_SIZE, want);
    assert_memory_equal(got, want, sizeof(got));
}

static void
what_is_no_program_is_refused(void **state)
{
    static const struct {
        size_t at;
        size_t n;
        uint64_t value;
        coco_status status;
        const char *says;
    } cases[] = {
        {0, 1, 'N', COCO_ERR_PROTO, "no header of one"},
        {0x3c, 4, 0xffffffff, COCO_ERR_PROTO, "no header of one"},
        {0x3c, 4, PE_SIZE - 4, COCO_ERR_PROTO, "no header of one"},
        {PE_AT_MAGIC, 1, 'Q', COCO_ERR_PROTO, "no header of one"},
        {PE_AT_SECTIONS_N, 2, 97, COCO_ERR_LIMIT, "97 sections"},
        {PE_AT_SECTIONS_N, 2, 96, COCO_ERR_PROTO, "ends after"},
        {PE_AT_OPTIONAL_SIZE, 2, 0, COCO_ERR_PROTO, "neither PE32"},
        {PE_AT_OPTIONAL_SIZE, 2, 64, COCO_ERR_PROTO, "optional header: ends after"},
        {PE_AT_OPTIONAL_SIZE, 2, 0xffff, COCO_ERR_PROTO, "neither PE32"},
        {PE_AT_OPTIONAL, 2, 0x107, COCO_ERR_PROTO, "neither PE32"},
        {PE_AT_HEADERS_SIZE, 4, 0, COCO_ERR_PROTO, "headers are not where"},
        {PE_AT_HEADERS_SIZE, 4, PE_SIZE + 1, COCO_ERR_PROTO, "headers are not where"},
        {PE_AT_HEADERS_SIZE, 4, 511, COCO_ERR_PROTO, "do not follow one another"},
        {PE_AT_SECTIONS + 16, 4, 0xffffffff, COCO_ERR_PROTO, "do not follow one another"},
        {PE_AT_SECTIONS + 20, 4, 512, COCO_ERR_PROTO, "do not follow one another"},
        {PE_AT_SIGNATURES + 4, 4, 41, COCO_ERR_PROTO, "not behind its sections"},
    };
    uint8_t image[PE_SIZE];
    uint8_t digest[DIGEST_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pe_make(image);
        pe_put(image + cases[i].at, cases[i].n, cases[i].value);
        assert_fails(coco_pe_digest(COCO_TCG_SHA256, image, PE_SIZE, digest, &err), err,
                     cases[i].status, cases[i].says);
    }
    pe_make(image);
    for (size_t len = 0; len < PE_SIZE - 40; len++) {
        uint8_t *cut = malloc(len + 1);

        assert_non_null(cut);
        memcpy(cut, image, len);
        assert_int_equal(coco_pe_digest(COCO_TCG_SHA256, cut, len, digest, NULL), COCO_ERR_PROTO);
        free(cut);
    }
}

static void
a_failed_allocation_is_reported(void **state)
{
    uint8_t image[PE_SIZE];
    uint8_t digest[DIGEST_SIZE];

    (void)state;
    pe_make(image);
    for_each_fault()
    {
        coco_error *failure = NULL;
        coco_status status = coco_pe_digest(COCO_TCG_SHA256, image, PE_SIZE, digest, &failure);

        fault_expect(status, failure);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_is_measured_without_its_signature),
        cmocka_unit_test(every_bit_counts_that_is_no_signature),
        cmocka_unit_test(a_program_without_signatures_is_measured_whole),
        cmocka_unit_test(what_is_no_program_is_refused),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
