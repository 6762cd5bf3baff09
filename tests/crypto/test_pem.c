/*
 * tests/crypto/test_pem.c - lib/crypto/pem.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/pem.h"

#include "tests/faults.h"

#include <openssl/err.h>
#include <string.h>

#define BLOCK(label, text) "-----BEGIN " label "-----\n" text "\n-----END " label "-----\n"

static void
blocks_are_read_one_by_one(void **state)
{
    static const char text[] = "in front\n" BLOCK("A", "aGk=") "between\n" BLOCK(
        "RSA KEY", "Proc-Type: 4,ENCRYPTED\nX: y\n\naG8=") "behind\n";
    _cleanup_pem_reader_ struct coco_pem_reader reader = {0};
    _cleanup_pem_block_ struct coco_pem_block first = {0};
    _cleanup_pem_block_ struct coco_pem_block second = {0};
    struct coco_pem_block none = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_pem_begin(text, strlen(text), &reader, &err), err);
    assert_true(coco_pem_next(&reader, &first));
    assert_string_equal(first.label, "A");
    assert_string_equal(first.header, "");
    assert_int_equal(first.len, 2);
    assert_memory_equal(first.der, "hi", 2);
    assert_true(coco_pem_next(&reader, &second));
    assert_string_equal(second.label, "RSA KEY");
    assert_string_equal(second.header, "Proc-Type: 4,ENCRYPTED\nX: y\n");
    assert_memory_equal(second.der, "ho", 2);
    assert_false(coco_pem_next(&reader, &none));
    assert_null(none.label);
    assert_int_equal(ERR_peek_error(), 0);
}

static void
what_is_none_is_not_read(void **state)
{
    static const char *const texts[] = {
        "",
        "-----BEGIN A-----\n",
        "-----BEGIN A-----\naGk=\n",
        "-----BEGIN A-----\naGk=\n-----END B-----\n",
        "-----BEGIN A-----\n*\n-----END A-----\n",
        "-----BEGIN A----\naGk=\n-----END A-----\n",
        "----BEGIN A-----\naGk=\n-----END A-----\n",
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        _cleanup_pem_reader_ struct coco_pem_reader reader = {0};
        struct coco_pem_block block = {0};

        assert_ok(coco_pem_begin(texts[i], strlen(texts[i]), &reader, &err), err);
        assert_false(coco_pem_next(&reader, &block));
        assert_null(block.label);
        assert_null(block.der);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static void
what_is_behind_the_last_is_seen(void **state)
{
    static const struct {
        const char *text;
        bool is_over;
    } cases[] = {
        {BLOCK("A", "aGk="), true},
        {BLOCK("A", "aGk=") " \t\r\n\n", true},
        {BLOCK("A", "aGk=") "x", false},
        {BLOCK("A", "aGk=") "\n\nx\n", false},
        {BLOCK("A", "aGk=") BLOCK("B", "aGk="), false},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_pem_reader_ struct coco_pem_reader reader = {0};
        _cleanup_pem_block_ struct coco_pem_block block = {0};

        assert_ok(coco_pem_begin(cases[i].text, strlen(cases[i].text), &reader, &err), err);
        assert_true(coco_pem_next(&reader, &block));
        assert_true(coco_pem_is_over(&reader) == cases[i].is_over);
    }
}

static void
reading_survives_any_failed_allocation(void **state)
{
    static const char text[] = BLOCK("A", "aGk=");

    (void)state;
    for_each_fault()
    {
        _cleanup_pem_reader_ struct coco_pem_reader reader = {0};
        _cleanup_pem_block_ struct coco_pem_block block = {0};
        coco_error *err = NULL;

        coco_status status = coco_pem_begin(text, strlen(text), &reader, &err);
        assert_true((status == COCO_OK) == (err == NULL));
        if (status == COCO_OK)
            assert_true(coco_pem_next(&reader, &block) == (block.der != NULL));
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_read_one_by_one),
        cmocka_unit_test(what_is_none_is_not_read),
        cmocka_unit_test(what_is_behind_the_last_is_seen),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    faults_of_openssl();
    return cmocka_run_group_tests_name("crypto/pem", tests, NULL, NULL);
}
