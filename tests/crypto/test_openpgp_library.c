/*
 * tests/crypto/test_openpgp_library.c - lib/crypto/openpgp_library.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/openpgp_rnp.h"

#include "tests/support.h"

#include <dlfcn.h>

/* Its cryptography is another's, and C++: who asks for no key of OpenPGP has none of it. */
static void
it_is_not_there_before_it_is_asked_for(void **state)
{
    (void)state;
    assert_null(dlopen("librnp.so.0", RTLD_NOW | RTLD_NOLOAD));
    assert_null(dlopen("libbotan-2.so.19", RTLD_NOW | RTLD_NOLOAD));
}

static void
it_is_loaded_with_all_functions_and_stays(void **state)
{
    struct coco_rnp rnp = {0};
    coco_error *err = NULL;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_ok(coco_rnp_load(&rnp, &err), err);
#define CHECK(name) assert_non_null(rnp.name);
        COCO_RNP_FUNCTIONS(CHECK)
#undef CHECK
    }
    void *library = dlopen("librnp.so.0", RTLD_NOW | RTLD_NOLOAD);
    assert_non_null(library);
    assert_int_equal(dlclose(library), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_not_there_before_it_is_asked_for),
        cmocka_unit_test(it_is_loaded_with_all_functions_and_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
