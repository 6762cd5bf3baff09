/*
 * tests/tee/test_qe_identity.c - lib/tee/qe_identity.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/qe_identity.h"

#include "tests/faults.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static coco_error *err;

#define ZERO8 "00000000"
#define ONES8 "FFFFFFFF"
#define GOOD                                                                                       \
    "{\"id\":\"TD_QE\",\"version\":2,\"issueDate\":\"2025-10-28T06:45:09Z\","                      \
    "\"nextUpdate\":\"2025-11-27T06:45:09Z\",\"tcbEvaluationDataNumber\":17,"                      \
    "\"miscselect\":\"" ZERO8 "\",\"miscselectMask\":\"" ONES8 "\","                               \
    "\"attributes\":\"11000000" ZERO8 ZERO8 ZERO8                                                  \
    "\",\"attributesMask\":\"FBFFFFFF" ONES8 ZERO8 ZERO8                                           \
    "\",\"mrsigner\":\"DC9E2A7C6F948F17474E34A7FC43ED030F7C1563F1BABDDF6340C82E0E54A8C5\","        \
    "\"isvprodid\":2,\"tcbLevels\":[{\"tcb\":{\"isvsvn\":4},\"tcbDate\":\"2024-03-13T00:00:00Z\"," \
    "\"tcbStatus\":\"UpToDate\"}]}"

static coco_status
parse(const char *text, struct coco_qe_identity *ret, coco_error **e)
{
    return coco_qe_identity_parse(text, strlen(text), ret, e);
}

static void
an_identity_is_written_as_the_pcs_does(void **state)
{
    _cleanup_qe_identity_ struct coco_qe_identity identity = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};

    (void)state;
    assert_ok(parse(GOOD, &identity, &err), err);
    assert_true(identity.tdx);
    assert_int_equal(identity.isv_prod_id, 2);
    assert_int_equal(identity.evaluation, 17);
    assert_int_equal(identity.attributes[0], 0x11);
    assert_int_equal(identity.levels.n, 1);
    assert_ok(coco_qe_identity_format(&identity, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), GOOD);
}

static void
what_is_not_understood_is_refused(void **state)
{
    static const struct {
        const char *from;
        const char *to;
        coco_status status;
        const char *why;
    } cases[] = {
        {"{\"id\"", "[\"id\"", COCO_ERR_PROTO, "not JSON"},
        {"\"TD_QE\"", "\"QVE\"", COCO_ERR_NOTSUP, "of 'QVE'"},
        {"\"id\"", "\"ID\"", COCO_ERR_PROTO, "'id'"},
        {"\"version\":2", "\"version\":1", COCO_ERR_NOTSUP, "version 1"},
        {"\"version\":2", "\"version\":3", COCO_ERR_NOTSUP, "version 3"},
        {"06:45:09Z", "06:45:09", COCO_ERR_PROTO, "issueDate"},
        {"\"miscselect\":\"00", "\"miscselect\":\"", COCO_ERR_PROTO, "'miscselect'"},
        {"\"attributes\":\"1", "\"attributes\":\"x", COCO_ERR_PROTO, "'attributes'"},
        {"\"mrsigner\":\"DC", "\"mrsigner\":\"DCDC", COCO_ERR_PROTO, "32 bytes"},
        {"\"isvprodid\":2", "\"isvprodid\":65536", COCO_ERR_PROTO, "isvprodid"},
        {"\"tcbLevels\":[{", "\"tcbLevels\":[],\"x\":[{", COCO_ERR_LIMIT, "0 TCB levels"},
        {"\"UpToDate\"", "\"ConfigurationNeeded\"", COCO_ERR_PROTO, "only machines"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_free_ char *text = text_with(GOOD, cases[i].from, cases[i].to);
        struct coco_qe_identity identity = {0};

        assert_fails(parse(text, &identity, &err), err, cases[i].status, cases[i].why);
    }
}

static void
an_enclave_must_be_that_one(void **state)
{
    _cleanup_qe_identity_ struct coco_qe_identity identity = {0};
    struct coco_sgx_report good = {
        .flags = {0x15}, /* the bit 0x04 is not looked at */
        .xfrm = {0xe7},  /* nor this */
        .isv_prod_id = {2},
    };
    const struct {
        size_t at;
        const char *why;
    } cases[] = {
        {offsetof(struct coco_sgx_report, mr_signer) + 31, "another signer"},
        {offsetof(struct coco_sgx_report, isv_prod_id) + 1, "product 258"},
        {offsetof(struct coco_sgx_report, misc_select) + 3, "MISCSELECT"},
        {offsetof(struct coco_sgx_report, flags) + 7, "attributes"},
    };

    (void)state;
    assert_ok(parse(GOOD, &identity, &err), err);
    memcpy(good.mr_signer, identity.mr_signer, sizeof(good.mr_signer));
    assert_ok(coco_qe_identity_check(&identity, &good, &err), err);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_sgx_report report = good;

        ((uint8_t *)&report)[cases[i].at] ^= 1;
        assert_fails(coco_qe_identity_check(&identity, &report, &err), err, COCO_ERR_VERIFY,
                     cases[i].why);
    }
    /* An enclave for debugging. */
    good.flags[0] |= 0x02;
    assert_fails(coco_qe_identity_check(&identity, &good, &err), err, COCO_ERR_VERIFY,
                 "attributes");
}

static void
recorded_identities_are_read(void **state)
{
    static const struct {
        const char *name;
        bool tdx;
        uint16_t product;
    } cases[] = {
        {"tdx/enclaveIdentity.json", true, 2},
        {"tdx/gotdx_qeidentity.json", true, 2},
        {"tdx/intelqvl/qeIdentity.json", true, 29854},
        {"sgx/intelqvl/qeIdentity.json", false, 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_qe_identity_ struct coco_qe_identity identity = {0};
        struct coco_pcs_answer answer = {0};
        size_t len = 0;

        _cleanup_free_ char *text = read_fixture(cases[i].name, &len);
        assert_ok(coco_pcs_answer_parse(text, len, "enclaveIdentity", &answer, &err), err);
        assert_ok(coco_qe_identity_parse(answer.value, answer.value_len, &identity, &err), err);
        assert_int_equal(identity.tdx, cases[i].tdx);
        assert_int_equal(identity.isv_prod_id, cases[i].product);
    }
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_qe_identity_ struct coco_qe_identity identity = {0};
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};

        coco_status status = parse(GOOD, &identity, &err);
        if (status == COCO_OK)
            status = coco_qe_identity_format(&identity, &text, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_identity_is_written_as_the_pcs_does),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(an_enclave_must_be_that_one),
        cmocka_unit_test(recorded_identities_are_read),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/qe_identity", tests, NULL, NULL);
}
