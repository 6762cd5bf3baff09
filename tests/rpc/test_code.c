/*
 * tests/rpc/test_code.c - lib/rpc/code.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/code.h"

#include "tests/support.h"

static void
codes_have_names(void **state)
{
    (void)state;
    assert_string_equal(coco_rpc_code_name(COCO_RPC_OK), "OK");
    assert_string_equal(coco_rpc_code_name(COCO_RPC_UNAUTHENTICATED), "UNAUTHENTICATED");
    assert_string_equal(coco_rpc_code_name(17), "UNKNOWN");
    assert_string_equal(coco_rpc_code_name(UINT32_MAX), "UNKNOWN");
}

static void
no_code_is_a_success_when_it_fails(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for (uint32_t code = 0; code < 40; code++)
        assert_fails(coco_rpc_code_fail(code, "why", &err), err, coco_rpc_code_fail(code, "", NULL),
                     "why");
    assert_fails(coco_rpc_code_fail(COCO_RPC_OK, "\033[2J", &err), err, COCO_ERR_PROTO, "\\x1b[2J");
    assert_fails(coco_rpc_code_fail(UINT32_MAX, "", &err), err, COCO_ERR_PROTO, "UNKNOWN");
}

/* What was told to a peer means the same when the peer tells it. */
static void
what_a_program_can_act_on_comes_through(void **state)
{
    static const coco_status kept[] = {COCO_ERR_INVALID, COCO_ERR_NOTFOUND, COCO_ERR_NOTSUP,
                                       COCO_ERR_NET,     COCO_ERR_LIMIT,    COCO_ERR_DENIED};

    (void)state;
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        assert_int_equal(coco_rpc_code_fail(coco_rpc_code_of(kept[i]), "", NULL), kept[i]);
    for (int status = COCO_ERR_CANCELED; status < COCO_OK; status++)
        assert_int_not_equal(coco_rpc_code_of((coco_status)status), COCO_RPC_OK);
    assert_int_equal(coco_rpc_code_of(COCO_OK), COCO_RPC_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_names),
        cmocka_unit_test(no_code_is_a_success_when_it_fails),
        cmocka_unit_test(what_a_program_can_act_on_comes_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
