/*
 * tests/signature/test_log_entry.c - lib/signature/log_entry.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "goldenkit.h"

#define ID "0000000000000000000000000000000000000000000000000000000000000000"
#define PAYLOAD(more)                                                                              \
    "{\"SignedEntryTimestamp\":\"AA==\",\"Payload\":{\"body\":\"e30=\",\"integratedTime\":1,"      \
    "\"logIndex\":2,\"logID\":\"" ID "\"" more "}}"

static void
annotations_are_read_strictly(void **state)
{
    static const char *const wrong[] = {
        "",
        "{}",
        "[]",
        "{\"SignedEntryTimestamp\":\"AA==\"}",
        "{\"SignedEntryTimestamp\":\"*\",\"Payload\":{}}",
        PAYLOAD(",\"more\":1"),
        PAYLOAD("") "x",
        "{\"SignedEntryTimestamp\":\"AA==\",\"Payload\":{\"body\":\"e30=\",\"integratedTime\":1,"
        "\"logIndex\":2,\"logID\":\"00\"}}",
        "{\"SignedEntryTimestamp\":\"AA==\",\"Payload\":{\"body\":{},\"integratedTime\":1,"
        "\"logIndex\":2,\"logID\":\"" ID "\"}}",
        "{\"SignedEntryTimestamp\":\"AA==\",\"Payload\":{\"body\":\"e30=\",\"integratedTime\":1.5,"
        "\"logIndex\":2,\"logID\":\"" ID "\"}}",
        "{\"SignedEntryTimestamp\":\"AA==\",\"Payload\":{\"body\":\"e30=\",\"integratedTime\":-1,"
        "\"logIndex\":2,\"logID\":\"" ID "\"}}",
    };
    _cleanup_log_entry_ struct coco_log_entry entry = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_log_entry_parse_annotation(PAYLOAD(""), strlen(PAYLOAD("")), &entry, &err), err);
    assert_int_equal(entry.time, 1);
    assert_int_equal(entry.index, 2);
    assert_string_equal(coco_buf_text(&entry.body), "{}");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct coco_log_entry other = {0};

        assert_fails(coco_log_entry_parse_annotation(wrong[i], strlen(wrong[i]), &other, &err), err,
                     COCO_ERR_PROTO, "");
        assert_null(other.body.data);
    }
}

static void
entries_of_bundles_are_read(void **state)
{
    static const struct {
        const char *object, *name, *value;
    } wrong[] = {
        {"", "logId", NULL},
        {"", "logId", "{\"keyId\":\"AA==\"}"},
        {"", "canonicalizedBody", NULL},
        {"", "canonicalizedBody", "\"*\""},
        {"", "logIndex", "\"-1\""},
        {"", "logIndex", "\"\""},
        {"", "logIndex", "\"1234567890123456789\""},
        {"", "integratedTime", "{}"},
        {"", "inclusionPromise", "1"},
        {"", "inclusionPromise", "{}"},
        {"", "inclusionProof", "[]"},
        {"/inclusionProof", "checkpoint", NULL},
        {"/inclusionProof", "checkpoint", "{}"},
        {"/inclusionProof", "treeSize", "\"x\""},
        {"/inclusionProof", "hashes", "[1]"},
        {"/inclusionProof", "hashes", "[\"AA==\"]"},
    };
    _cleanup_json_ cJSON *json = golden_json(golden_bundle);
    _cleanup_log_entry_ struct coco_log_entry entry = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_log_entry_parse(golden_entry(json), &entry, &err), err);
    assert_int_equal(entry.index, 4711);
    assert_true(entry.has_proof);
    assert_int_equal(entry.proof_size, 5);
    assert_int_equal(entry.n_hashes, 3);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        _cleanup_json_ cJSON *copy = cJSON_Duplicate(golden_entry(json), true);
        struct coco_log_entry other = {0};

        golden_set(copy, wrong[i].object, wrong[i].name,
                   wrong[i].value ? golden_json(wrong[i].value) : NULL);
        assert_fails(coco_log_entry_parse(copy, &other, &err), err, COCO_ERR_PROTO,
                     "entry of a log");
        assert_null(other.body.data);
    }
}

static void
reading_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        struct coco_log_entry entry = {0};
        coco_error *err = NULL;

        coco_status status =
            coco_log_entry_parse_annotation(PAYLOAD(""), strlen(PAYLOAD("")), &entry, &err);
        fault_expect(status, err);
        coco_log_entry_done(&entry);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(annotations_are_read_strictly),
        cmocka_unit_test(entries_of_bundles_are_read),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/log_entry", tests, NULL, NULL);
}
