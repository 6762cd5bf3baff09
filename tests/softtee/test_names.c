/*
 * tests/softtee/test_names.c - lib/softtee/names.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/names.h"

#include "tests/support.h"

#include <stdio.h>
#include <string.h>

static void
what_attesters_look_at_is_there(void **state)
{
    static const struct {
        const char *path;
        unsigned kinds;
    } cases[] = {
        {"/", 7},
        {COCO_SOFTTEE_REPORT, 3},
        {"/devices/virtual/misc/tdx_guest/measurements", 1},
        {"/firmware/acpi/tables/CCEL", 1},
        {"/firmware/acpi/tables/data/CCEL", 1},
        {"/devices/platform/sev-guest", 2},
        {"/kernel/security/tpm0/binary_bios_measurements", 4},
        {"/kernel/", 0},
        {"kernel", 0},
        {COCO_SOFTTEE_REPORT "/x", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (enum coco_softtee_kind kind = COCO_SOFTTEE_TDX; kind <= COCO_SOFTTEE_TPM; kind++)
            assert_int_equal(coco_softtee_find(kind, cases[i].path) != NULL,
                             (cases[i].kinds & 1U << kind) != 0);
}

/* All directories down from the root; counts what is no directory. */
static unsigned
count_files(enum coco_softtee_kind kind, const char *dir)
{
    const struct coco_softtee_node *node = coco_softtee_find(kind, dir);
    const char *name;
    unsigned n = 0;

    assert_non_null(node);
    if (node->type > COCO_NODE_ENTRY)
        return 1;
    for (size_t i = 0; (name = coco_softtee_name_at(kind, node, i)); i++) {
        char path[128];

        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        n += count_files(kind, path);
    }
    return n;
}

static void
every_name_is_found_from_the_root(void **state)
{
    (void)state;
    assert_int_equal(count_files(COCO_SOFTTEE_TDX, ""), 8);
    assert_int_equal(count_files(COCO_SOFTTEE_SNP, ""), 0);
    assert_int_equal(count_files(COCO_SOFTTEE_TPM, ""), 1);
}

static void
an_entry_has_the_files_of_its_provider(void **state)
{
    static const struct coco_softtee_node entry = {.path = "", .type = COCO_NODE_ENTRY};

    (void)state;
    assert_null(coco_softtee_find_in_entry(COCO_SOFTTEE_TDX, "auxblob"));
    assert_int_equal(coco_softtee_find_in_entry(COCO_SOFTTEE_SNP, "auxblob")->type,
                     COCO_NODE_AUXBLOB);
    assert_null(coco_softtee_find_in_entry(COCO_SOFTTEE_SNP, ""));
    assert_null(coco_softtee_name_at(COCO_SOFTTEE_TDX, &entry, 4));
    assert_non_null(coco_softtee_name_at(COCO_SOFTTEE_SNP, &entry, 6));
    assert_null(coco_softtee_name_at(COCO_SOFTTEE_SNP, &entry, 7));
}

static void
a_child_is_directly_in_its_directory(void **state)
{
    (void)state;
    assert_string_equal(coco_softtee_child_of("/a/b", "/a"), "b");
    assert_string_equal(coco_softtee_child_of("/a", ""), "a");
    assert_null(coco_softtee_child_of("/a/b/c", "/a"));
    assert_null(coco_softtee_child_of("/ab", "/a"));
    assert_null(coco_softtee_child_of("/a/", "/a"));
    assert_null(coco_softtee_child_of("/a", "/a"));
    assert_null(coco_softtee_child_of("/b/c", "/a"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_attesters_look_at_is_there),
        cmocka_unit_test(every_name_is_found_from_the_root),
        cmocka_unit_test(an_entry_has_the_files_of_its_provider),
        cmocka_unit_test(a_child_is_directly_in_its_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
