/*
 * tests/tee/test_tcghash.c - lib/tee/tcghash.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/tcghash.h"

#include "base/text.h"
#include "tests/faults.h"

#include <string.h>

/* Digests of "abc": FIPS 180-4's examples, and appendix A.1 of GB/T 32905-2016. */
static const struct {
    uint16_t alg;
    size_t size;
    const char *name, *abc;
} hashes[] = {
    {0x0004, 20, "SHA-1", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {0x000b, 32, "SHA-256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {0x000c, 48, "SHA-384",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
     "8086072ba1e7cc2358baeca134c825a7"},
    {0x000d, 64, "SHA-512",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    {0x0012, 32, "SM3", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"},
};

static void
each_algorithm_has_its_number_name_and_digest(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        uint8_t digest[COCO_TCG_HASH_SIZE_MAX];
        char hex[2 * COCO_TCG_HASH_SIZE_MAX + 1];
        coco_error *err = NULL;

        assert_int_equal(coco_tcg_hash_size(hashes[i].alg), hashes[i].size);
        assert_string_equal(coco_tcg_hash_name(hashes[i].alg), hashes[i].name);
        assert_ok(coco_tcg_hash(hashes[i].alg, "abc", 3, digest, &err), err);
        coco_hex(digest, hashes[i].size, hex);
        assert_string_equal(hex, hashes[i].abc);
    }
}

static void
extending_hashes_the_register_and_the_digest(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        uint8_t both[2 * COCO_TCG_HASH_SIZE_MAX] = {0};
        uint8_t want[COCO_TCG_HASH_SIZE_MAX];
        uint8_t reg[COCO_TCG_HASH_SIZE_MAX] = {0};
        coco_error *err = NULL;

        memset(both + hashes[i].size, 0xab, hashes[i].size);
        assert_ok(coco_tcg_hash(hashes[i].alg, both, 2 * hashes[i].size, want, &err), err);
        assert_ok(coco_tcg_extend(hashes[i].alg, reg, both + hashes[i].size, &err), err);
        assert_memory_equal(reg, want, hashes[i].size);
    }
}

static void
other_numbers_are_no_algorithm(void **state)
{
    static const uint16_t algs[] = {0, 0x0001, 0x0005, 0x000a, 0x000e, 0x0010, 0x0027, 0xffff};
    uint8_t digest[COCO_TCG_HASH_SIZE_MAX] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        coco_error *err = NULL;

        assert_int_equal(coco_tcg_hash_size(algs[i]), 0);
        assert_null(coco_tcg_hash_name(algs[i]));
        assert_fails(coco_tcg_hash(algs[i], "abc", 3, digest, &err), err, COCO_ERR_NOTSUP,
                     "hash algorithm");
        assert_fails(coco_tcg_extend(algs[i], digest, digest, &err), err, COCO_ERR_NOTSUP,
                     "hash algorithm");
    }
}

static void
algorithms_are_found_by_their_names(void **state)
{
    static const char *const words[] = {"sha1", "sha256", "sha384", "sha512", "sm3"};

    (void)state;
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
        assert_int_equal(coco_tcg_hash_parse(words[i]), hashes[i].alg);
    assert_int_equal(coco_tcg_hash_parse("SHA-384"), 0);
    assert_int_equal(coco_tcg_hash_parse(""), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_algorithm_has_its_number_name_and_digest),
        cmocka_unit_test(extending_hashes_the_register_and_the_digest),
        cmocka_unit_test(algorithms_are_found_by_their_names),
        cmocka_unit_test(other_numbers_are_no_algorithm),
    };

    return cmocka_run_group_tests_name("tee/tcghash", tests, NULL, NULL);
}
