/*
 * tests/verifier/test_cca_anchors.c - lib/verifier/cca_anchors.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/cca_anchors.h"

#include "tests/faults.h"
#include "verifier/driver.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The base point of P-256 (FIPS 186-4 appendix D.1.2.3): a key that everybody has. */
#define JWK                                                                                        \
    "{\"kty\":\"EC\",\"crv\":\"P-256\","                                                           \
    "\"x\":\"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY\","                                       \
    "\"y\":\"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU\"}"
#define HEX8 "0011223344556677"
#define ID32 HEX8 HEX8 HEX8 HEX8
#define ANCHOR(key, implementation, instance)                                                      \
    "{\"pkey\":" key ",\"implementation-id\":\"" implementation "\",\"instance-id\":\"" instance   \
    "\"}"
#define GOOD ANCHOR(JWK, ID32, "01" ID32)

static coco_verifier *verifier;
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    assert_ok(coco_verifier_new(&verifier, &err), err);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coco_verifier_free(verifier);
    return 0;
}

static coco_status
trust(const char *text, coco_error **e)
{
    return coco_verifier_trust_key(verifier, "cca", (const uint8_t *)text, strlen(text), e);
}

static void
each_key_is_of_its_instance(void **state)
{
    (void)state;
    assert_ok(
        trust(" \n[" GOOD "," ANCHOR(JWK, ID32, "0122" HEX8 HEX8 HEX8 "AABBCCDDEEFF00") "]", &err),
        err);
    assert_ok(trust(JWK, &err), err);
    assert_int_equal(coco_verifier_key_id(verifier, "cca", 0)->len, COCO_CCA_INSTANCE_SIZE);
    assert_memory_equal(coco_verifier_key_id(verifier, "cca", 0)->data, "\x01\x00\x11\x22", 4);
    assert_memory_equal(coco_verifier_key_id(verifier, "cca", 1)->data, "\x01\x22\x00\x11", 4);
    assert_int_equal(coco_verifier_key_id(verifier, "cca", 2)->len, 0);
    assert_null(coco_verifier_key_id(verifier, "cca", 3));
    assert_null(coco_verifier_key(verifier, "cca", 3));
    assert_int_equal(coco_verifier_key(verifier, "cca", 0)->len,
                     coco_verifier_key(verifier, "cca", 2)->len);
}

static void
stores_are_refused_whole(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"[", "not JSON"},
        {"[]", "no list of trust anchors"},
        {"[1]", "no object"},
        {"[" GOOD ",null]", "no object"},
        {"[{}]", "instance-id"},
        {"[" GOOD "]]", "not JSON"},
        {"[" GOOD "," ANCHOR(JWK, ID32, ID32) "]", "anchor 1: instance-id is not 33 bytes"},
        {"[" ANCHOR(JWK, ID32, "01" ID32 "00") "]", "instance-id is not 33 bytes"},
        {"[" ANCHOR(JWK, ID32, "0g" ID32) "]", "instance-id is not 33 bytes"},
        {"[" ANCHOR(JWK, "01" ID32, "01" ID32) "]", "implementation-id is not 32 bytes"},
        {"[" ANCHOR("1", ID32, "01" ID32) "]", "pkey"},
        {"[" GOOD "," ANCHOR("{}", ID32, "01" ID32) "]", "trust anchor 1"},
        {"[{\"pkey\":" JWK ",\"instance-id\":\"01" ID32 "\"}]", "implementation-id"},
        {"[{\"pkey\":" JWK ",\"instance-id\":\"01" ID32 "\",\"more\":1}]", "more"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_fails(trust(cases[i].text, &err), err, COCO_ERR_PROTO, cases[i].why);
        assert_null(coco_verifier_key(verifier, "cca", 0));
    }
}

/* x of one key and y of another: a point of nothing. */
static void
a_key_that_is_not_on_its_curve_is_refused(void **state)
{
    size_t len = 0;
    _cleanup_free_ char *recorded = read_fixture("cca/rust/ta-02-bad.json", &len);

    (void)state;
    assert_fails(trust(recorded, &err), err, COCO_ERR_PROTO, "trust anchor 0");
    assert_null(coco_verifier_key(verifier, "cca", 0));
}

static void
recorded_stores_are_read(void **state)
{
    static const char *const names[] = {
        "cca/tastore.json",
        "cca/rust/ta.json",
        "cca/rust/ta-02-ok.json",
        "cca/rust/ta-tfa.json",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        size_t len = 0;
        _cleanup_free_ char *recorded = read_fixture(names[i], &len);

        assert_ok(trust(recorded, &err), err);
        assert_int_equal(coco_verifier_key_id(verifier, "cca", i)->len, COCO_CCA_INSTANCE_SIZE);
    }
}

static void
trusting_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_(coco_verifier_freep) coco_verifier *other = NULL;
        coco_error *e = NULL;

        coco_status status = coco_verifier_new(&other, &e);
        if (status == COCO_OK)
            status = coco_verifier_trust_key(other, "cca", (const uint8_t *)"[" GOOD "," GOOD "]",
                                             strlen("[" GOOD "," GOOD "]"), &e);
        fault_expect(status, e);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_key_is_of_its_instance),
        TEST(stores_are_refused_whole),
        TEST(a_key_that_is_not_on_its_curve_is_refused),
        TEST(recorded_stores_are_read),
        TEST(trusting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("verifier/cca_anchors", tests, NULL, NULL);
}
