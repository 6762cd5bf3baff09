/*
 * tests/base/test_digest.c - lib/base/digest.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/digest.h"

#include "tests/faults.h"

#include <openssl/evp.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

#define HEX16 "0123456789abcdef"
#define HEX64 HEX16 HEX16 HEX16 HEX16
#define HEX96 HEX64 HEX16 HEX16
#define HEX128 HEX64 HEX64

static void
digests_are_those_of_fips_180(void **state)
{
    /* "abc", FIPS 180-2 appendices B.1, C.1, D.1 */
    static const struct {
        enum coco_hash_alg alg;
        size_t size;
        const char *name, *want;
    } cases[] = {
        {COCO_SHA256, 32, "sha256",
         "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {COCO_SHA384, 48, "sha384",
         "sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
         "8086072ba1e7cc2358baeca134c825a7"},
        {COCO_SHA512, 64, "sha512",
         "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
         "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        struct coco_digest digest = {0};
        char text[COCO_DIGEST_TEXT_SIZE];
        coco_error *err = NULL;

        assert_int_equal(coco_hash_size(cases[i].alg), cases[i].size);
        assert_string_equal(coco_hash_name(cases[i].alg), cases[i].name);
        assert_int_equal(EVP_MD_get_size(coco_hash_md(cases[i].alg)), cases[i].size);
        assert_ok(coco_digest_of(cases[i].alg, "abc", 3, &digest, &err), err);
        coco_digest_format(&digest, text);
        assert_string_equal(text, cases[i].want);
    }
}

static void
digest_in_parts_is_that_of_the_whole(void **state)
{
    _cleanup_hash_ struct coco_hash hash = {0};
    struct coco_digest parts = {0};
    struct coco_digest whole = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_hash_begin(&hash, COCO_SHA256, &err), err);
    assert_ok(coco_hash_add(&hash, "a", 1, &err), err);
    assert_ok(coco_hash_add(&hash, "", 0, &err), err);
    assert_ok(coco_hash_add(&hash, "bc", 2, &err), err);
    assert_ok(coco_hash_end(&hash, &parts, &err), err);
    assert_ok(coco_digest_of(COCO_SHA256, "abc", 3, &whole, &err), err);
    assert_true(coco_digest_equal(&parts, &whole));
}

static void
parse_takes_what_format_gives(void **state)
{
    static const char *const cases[] = {"sha256:" HEX64, "sha384:" HEX96, "sha512:" HEX128};

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        struct coco_digest digest = {0};
        char text[COCO_DIGEST_TEXT_SIZE];
        coco_error *err = NULL;

        assert_ok(coco_digest_parse(cases[i], &digest, &err), err);
        coco_digest_format(&digest, text);
        assert_string_equal(text, cases[i]);
    }
}

static void
parse_refuses(void **state)
{
    static const char *const cases[] = {
        "",
        ":",
        "sha256",
        "sha256:",
        "sha256:" HEX16,
        "sha256:" HEX64 "0",
        "sha256:" HEX64 "00",
        "sha256:" HEX64 " ",
        "sha256:" HEX64 "\n",
        " sha256:" HEX64,
        "sha256: " HEX64,
        "SHA256:" HEX64,
        "Sha256:" HEX64,
        "sha256:0123456789ABCDEF" HEX16 HEX16 HEX16,
        "sha256:0123456789abcdeF" HEX16 HEX16 HEX16,
        "sha256:0123456789abcdeg" HEX16 HEX16 HEX16,
        "sha256:0x23456789abcdef" HEX16 HEX16 HEX16,
        "sha256:" HEX96,
        "sha384:" HEX64,
        "sha384:" HEX128,
        "sha512:" HEX96,
        "sha512:" HEX128 "00",
        "sha1:0123456789abcdef0123456789abcdef01234567",
        "md5:" HEX16 HEX16,
        "sha224:" HEX64,
        "sha256-" HEX64,
        "sha256;" HEX64,
        "sha256::" HEX64,
        "sha256+b64:" HEX64,
        HEX64,
        "sha256:../../../../etc/passwd",
        "sha256:/" HEX64,
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        struct coco_digest digest = {0};
        coco_error *err = NULL;

        if (coco_digest_parse(cases[i], &digest, &err) == COCO_OK)
            fail_msg("'%s' is accepted", cases[i]);
        assert_fails(coco_error_status(err), err, COCO_ERR_PROTO, "is not a digest");
        assert_int_equal(digest.alg, 0);
    }
}

static void
alg_parse_knows_three_names(void **state)
{
    static const char *const others[] = {"", "sha", "SHA256", "sha-256", "sha256 ", "sha1", "sm3"};
    enum coco_hash_alg alg = 0;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_hash_alg_parse("sha256", &alg, &err), err);
    assert_int_equal(alg, COCO_SHA256);
    assert_ok(coco_hash_alg_parse("sha384", &alg, &err), err);
    assert_int_equal(alg, COCO_SHA384);
    assert_ok(coco_hash_alg_parse("sha512", &alg, &err), err);
    assert_int_equal(alg, COCO_SHA512);
    for (size_t i = 0; i < N(others); i++)
        assert_fails(coco_hash_alg_parse(others[i], &alg, &err), err, COCO_ERR_NOTSUP,
                     "is not sha256");
    assert_int_equal(alg, COCO_SHA512);
}

static void
equal_looks_at_algorithm_and_every_byte(void **state)
{
    struct coco_digest a = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_digest_parse("sha512:" HEX128, &a, &err), err);
    for (size_t i = 0; i < COCO_DIGEST_SIZE_MAX; i++) {
        struct coco_digest b = a;

        assert_true(coco_digest_equal(&a, &b));
        b.bytes[i] ^= 1;
        assert_false(coco_digest_equal(&a, &b));
    }
    struct coco_digest other = a;
    other.alg = COCO_SHA384;
    assert_false(coco_digest_equal(&a, &other));
}

static void
check_names_both_digests(void **state)
{
    struct coco_digest a = {0};
    struct coco_digest b = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_digest_of(COCO_SHA256, "a", 1, &a, &err), err);
    assert_ok(coco_digest_of(COCO_SHA256, "b", 1, &b, &err), err);
    assert_ok(coco_digest_check(&a, &a, &err), err);
    assert_fails(coco_digest_check(&a, &b, &err), err, COCO_ERR_VERIFY,
                 "want sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d, "
                 "got sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_fips_180),
        cmocka_unit_test(digest_in_parts_is_that_of_the_whole),
        cmocka_unit_test(parse_takes_what_format_gives),
        cmocka_unit_test(parse_refuses),
        cmocka_unit_test(alg_parse_knows_three_names),
        cmocka_unit_test(equal_looks_at_algorithm_and_every_byte),
        cmocka_unit_test(check_names_both_digests),
    };

    return cmocka_run_group_tests_name("base/digest", tests, NULL, NULL);
}
