/*
 * tests/initdata/test_field.c - lib/initdata/field.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"
#include "base/text.h"
#include "initdata/initdata.h"
#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

#define DOCUMENT "version = \"0.1.0\"\nalgorithm = \"%s\"\n[data]\na = \"b\"\n"

/* Computed by Python's hashlib. */
static const struct {
    const char *alg, *tee, *want;
} fields[] = {
    {"sha256", "cca",
     "987bd665e66fde117becc64dba90e9c785d7710fba460db1e220afe88e8bae9b"
     "0000000000000000000000000000000000000000000000000000000000000000"},
    {"sha256", "sgx",
     "987bd665e66fde117becc64dba90e9c785d7710fba460db1e220afe88e8bae9b"
     "0000000000000000000000000000000000000000000000000000000000000000"},
    {"sha256", "snp", "987bd665e66fde117becc64dba90e9c785d7710fba460db1e220afe88e8bae9b"},
    {"sha256", "software",
     "987bd665e66fde117becc64dba90e9c785d7710fba460db1e220afe88e8bae9b"
     "00000000000000000000000000000000"},
    {"sha256", "tdx",
     "987bd665e66fde117becc64dba90e9c785d7710fba460db1e220afe88e8bae9b"
     "00000000000000000000000000000000"},
    {"sha384", "cca",
     "a19a33e75e7aeea2aff91f639aba3d600d2c1243414cad675533866355f7448e"
     "bb7b0a89309ac780d5a926c7770643d700000000000000000000000000000000"},
    {"sha384", "sgx",
     "a19a33e75e7aeea2aff91f639aba3d600d2c1243414cad675533866355f7448e"
     "bb7b0a89309ac780d5a926c7770643d700000000000000000000000000000000"},
    {"sha384", "snp", "a19a33e75e7aeea2aff91f639aba3d600d2c1243414cad675533866355f7448e"},
    {"sha384", "software",
     "a19a33e75e7aeea2aff91f639aba3d600d2c1243414cad675533866355f7448e"
     "bb7b0a89309ac780d5a926c7770643d7"},
    {"sha384", "tdx",
     "a19a33e75e7aeea2aff91f639aba3d600d2c1243414cad675533866355f7448e"
     "bb7b0a89309ac780d5a926c7770643d7"},
    {"sha512", "cca",
     "0f4ab578cbd5f58101c5788508d4dd8a642486f0b494498f09daea73514faa04"
     "97392bb4a862a1952a664e70c9180a8c277c77297ab80188b798f2fd081b6309"},
    {"sha512", "sgx",
     "0f4ab578cbd5f58101c5788508d4dd8a642486f0b494498f09daea73514faa04"
     "97392bb4a862a1952a664e70c9180a8c277c77297ab80188b798f2fd081b6309"},
    {"sha512", "snp", "0f4ab578cbd5f58101c5788508d4dd8a642486f0b494498f09daea73514faa04"},
    {"sha512", "software",
     "0f4ab578cbd5f58101c5788508d4dd8a642486f0b494498f09daea73514faa04"
     "97392bb4a862a1952a664e70c9180a8c"},
    {"sha512", "tdx",
     "0f4ab578cbd5f58101c5788508d4dd8a642486f0b494498f09daea73514faa04"
     "97392bb4a862a1952a664e70c9180a8c"},
    {"sha256", "az-snp-vtpm", "a882f8e68d5827b723e36bb361cbfe02c4b801a990c8427b3ac86ba562466f22"},
    {"sha256", "az-tdx-vtpm", "a882f8e68d5827b723e36bb361cbfe02c4b801a990c8427b3ac86ba562466f22"},
    {"sha256", "tpm", "a882f8e68d5827b723e36bb361cbfe02c4b801a990c8427b3ac86ba562466f22"},
    {"sha384", "tpm", "bea353a7d29ace07b0f031cd860a032196d309a4be467987b7f8e16a851ddfb7"},
    {"sha512", "se",
     "0f4ab578cbd5f58101c5788508d4dd8a642486f0b494498f09daea73514faa04"
     "97392bb4a862a1952a664e70c9180a8c277c77297ab80188b798f2fd081b6309"
     "0000000000000000000000000000000000000000000000000000000000000000"
     "0000000000000000000000000000000000000000000000000000000000000000"
     "0000000000000000000000000000000000000000000000000000000000000000"
     "0000000000000000000000000000000000000000000000000000000000000000"
     "0000000000000000000000000000000000000000000000000000000000000000"
     "0000000000000000000000000000000000000000000000000000000000000000"},
};

static coco_initdata *
some_document(const char *alg)
{
    coco_initdata *initdata = NULL;
    char text[128];
    coco_error *err = NULL;

    (void)snprintf(text, sizeof(text), DOCUMENT, alg);
    assert_ok(coco_initdata_parse(text, &initdata, &err), err);
    return initdata;
}

static void
each_tee_has_its_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        _cleanup_initdata_ coco_initdata *initdata = some_document(fields[i].alg);
        _cleanup_(coco_bytes_freep) coco_bytes *field = NULL;
        char hex[513];
        coco_error *err = NULL;

        assert_ok(coco_initdata_field(initdata, fields[i].tee, &field, &err), err);
        assert_true(coco_bytes_size(field) <= 256);
        coco_hex(coco_bytes_data(field), coco_bytes_size(field), hex);
        assert_string_equal(hex, fields[i].want);
        assert_ok(coco_initdata_check(initdata, fields[i].tee, coco_bytes_data(field),
                                      coco_bytes_size(field), &err),
                  err);
    }
}

/* Property: any bit, one byte less, one more. */
static void
another_field_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        _cleanup_initdata_ coco_initdata *initdata = some_document(fields[i].alg);
        uint8_t field[257] = {0};
        size_t len = strlen(fields[i].want) / 2;
        coco_error *err = NULL;

        assert_true(coco_unhex(fields[i].want, 2 * len, field, len));
        for (size_t bit = 0; bit < 8 * len; bit++) {
            field[bit / 8] ^= (uint8_t)(1U << bit % 8);
            assert_fails(coco_initdata_check(initdata, fields[i].tee, field, len, &err), err,
                         COCO_ERR_VERIFY, coco_initdata_place(fields[i].tee));
            field[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        assert_int_equal(coco_initdata_check(initdata, fields[i].tee, field, len - 1, NULL),
                         COCO_ERR_VERIFY);
        assert_int_equal(coco_initdata_check(initdata, fields[i].tee, field, len + 1, NULL),
                         COCO_ERR_VERIFY);
    }
}

static void
what_a_tee_does_not_take_is_said(void **state)
{
    static const struct {
        const char *alg, *tee, *why;
    } cases[] = {
        {"sha256", "csv", "'csv' has no place"},
        {"sha256", "", "'' has no place"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_initdata_ coco_initdata *initdata = some_document(cases[i].alg);
        _cleanup_(coco_bytes_freep) coco_bytes *field = NULL;
        uint8_t bytes[32] = {0};
        coco_error *err = NULL;

        assert_fails(coco_initdata_field(initdata, cases[i].tee, &field, &err), err,
                     COCO_ERR_NOTSUP, cases[i].why);
        assert_fails(coco_initdata_check(initdata, cases[i].tee, bytes, 32, &err), err,
                     COCO_ERR_NOTSUP, cases[i].why);
    }
}

static void
the_tees_are_listed(void **state)
{
    size_t n = 0;

    (void)state;
    for (; coco_initdata_tee(n); n++)
        assert_non_null(coco_initdata_place(coco_initdata_tee(n)));
    assert_int_equal(n, 9);
    assert_string_equal(coco_initdata_place("tdx"), "MRCONFIGID");
    assert_null(coco_initdata_place("csv"));
}

static void
computing_survives_every_failing_allocation(void **state)
{
    _cleanup_initdata_ coco_initdata *initdata = some_document("sha256");

    (void)state;
    for_each_fault()
    {
        _cleanup_(coco_bytes_freep) coco_bytes *field = NULL;
        coco_error *err = NULL;

        coco_status status = coco_initdata_field(initdata, "tdx", &field, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_tee_has_its_field),
        cmocka_unit_test(another_field_is_refused),
        cmocka_unit_test(what_a_tee_does_not_take_is_said),
        cmocka_unit_test(the_tees_are_listed),
        cmocka_unit_test(computing_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests_name("initdata/field", tests, NULL, NULL);
}
