/*
 * tests/tee/test_csv_cert.c - lib/tee/csv_cert.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/tee/csv_kit.h"

#include "tests/faults.h"

static struct csv_kit kit;
static coco_error *err;

static int
setup(void **state)
{
    return csv_kit_set_up(&kit, state);
}

static void
certificates_and_their_bytes_are_the_same_thing(void **state)
{
    uint8_t bytes[COCO_CSV_CERT_SIZE];
    uint8_t back[COCO_CSV_CERT_SIZE];
    struct coco_csv_ca ca;
    struct coco_csv_cert cert;

    (void)state;
    coco_csv_ca_format(&kit.hsk, bytes);
    for (size_t bit = 0; bit < 8 * COCO_CSV_CA_SIZE; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (coco_csv_ca_parse(bytes, COCO_CSV_CA_SIZE, &ca, NULL) == COCO_OK) {
            coco_csv_ca_format(&ca, back);
            assert_memory_equal(back, bytes, COCO_CSV_CA_SIZE);
        }
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    coco_csv_cert_format(&kit.pek, bytes);
    for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (coco_csv_cert_parse(bytes, sizeof(bytes), &cert, NULL) == COCO_OK) {
            coco_csv_cert_format(&cert, back);
            assert_memory_equal(back, bytes, sizeof(bytes));
        }
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

static void
hostile_bytes_are_refused(void **state)
{
    static const size_t ca_holes[] = {40, 63, 468, 575, 720, 831};
    static const size_t cert_holes[] = {6, 7, 436, 1043, 1196, 1563, 1716, 2083};
    uint8_t bytes[COCO_CSV_CERT_SIZE + 1] = {0};
    struct coco_csv_ca ca;
    struct coco_csv_cert cert;

    (void)state;
    coco_csv_ca_format(&kit.hsk, bytes);
    for (size_t len = 0; len <= COCO_CSV_CA_SIZE + 1; len += len == COCO_CSV_CA_SIZE - 1 ? 2 : 1)
        assert_int_equal(coco_csv_ca_parse(bytes, len, &ca, NULL), COCO_ERR_PROTO);
    for (size_t i = 0; i < sizeof(ca_holes) / sizeof(ca_holes[0]); i++) {
        bytes[ca_holes[i]] = 1;
        assert_fails(coco_csv_ca_parse(bytes, COCO_CSV_CA_SIZE, &ca, &err), err, COCO_ERR_PROTO,
                     "where nothing is known to be");
        bytes[ca_holes[i]] = 0;
    }
    bytes[212] = 255; /* of an id of 254 bytes */
    assert_fails(coco_csv_ca_parse(bytes, COCO_CSV_CA_SIZE, &ca, &err), err, COCO_ERR_PROTO,
                 "id of 255 bytes");

    coco_csv_cert_format(&kit.pek, bytes);
    for (size_t len = 0; len < COCO_CSV_CERT_SIZE; len += 59)
        assert_int_equal(coco_csv_cert_parse(bytes, len, &cert, NULL), COCO_ERR_PROTO);
    assert_int_equal(coco_csv_cert_parse(bytes, sizeof(bytes), &cert, NULL), COCO_ERR_PROTO);
    for (size_t i = 0; i < sizeof(cert_holes) / sizeof(cert_holes[0]); i++) {
        bytes[cert_holes[i]] = 1;
        assert_fails(coco_csv_cert_parse(bytes, COCO_CSV_CERT_SIZE, &cert, &err), err,
                     COCO_ERR_PROTO, "where nothing is known to be");
        bytes[cert_holes[i]] = 0;
    }
    bytes[165] = 1;
    assert_fails(coco_csv_cert_parse(bytes, COCO_CSV_CERT_SIZE, &cert, &err), err, COCO_ERR_PROTO,
                 "id of 269 bytes");
}

static void
json_is_read_as_it_was_written(void **state)
{
    _cleanup_json_ cJSON *ca = NULL;
    _cleanup_json_ cJSON *cert = NULL;
    struct coco_csv_ca read_ca;
    struct coco_csv_cert read_cert;
    uint8_t want[COCO_CSV_CERT_SIZE];
    uint8_t got[COCO_CSV_CERT_SIZE];

    (void)state;
    assert_ok(coco_json_new_object(&ca, &err), err);
    assert_ok(coco_json_new_object(&cert, &err), err);
    assert_ok(coco_csv_ca_to_json(&kit.hsk, ca, &err), err);
    assert_ok(coco_csv_cert_to_json(&kit.cek, cert, &err), err);
    assert_ok(coco_csv_ca_from_json(ca, &read_ca, &err), err);
    assert_ok(coco_csv_cert_from_json(cert, &read_cert, &err), err);
    coco_csv_ca_format(&kit.hsk, want);
    coco_csv_ca_format(&read_ca, got);
    assert_memory_equal(got, want, COCO_CSV_CA_SIZE);
    coco_csv_cert_format(&kit.cek, want);
    coco_csv_cert_format(&read_cert, got);
    assert_memory_equal(got, want, sizeof(got));

    cJSON *sigs = cJSON_GetObjectItemCaseSensitive(cert, "sigs");
    cJSON_DeleteItemFromArray(sigs, 1);
    assert_fails(coco_csv_cert_from_json(cert, &read_cert, &err), err, COCO_ERR_PROTO,
                 "is not two objects");
    cJSON_DeleteItemFromObjectCaseSensitive(cert, "sigs");
    assert_fails(coco_csv_cert_from_json(cert, &read_cert, &err), err, COCO_ERR_PROTO,
                 "'sigs' is missing");
    cJSON_DeleteItemFromObjectCaseSensitive(ca, "signature");
    assert_fails(coco_csv_ca_from_json(ca, &read_ca, &err), err, COCO_ERR_PROTO,
                 "'signature' is missing");
    cJSON_DeleteItemFromObjectCaseSensitive(ca, "body");
    assert_fails(coco_csv_ca_from_json(ca, &read_ca, &err), err, COCO_ERR_PROTO,
                 "'body' is missing");
}

static void
signatures_are_of_their_keys(void **state)
{
    struct coco_csv_cert pek = kit.pek;
    struct coco_csv_key key = kit.cek.key;
    struct coco_csv_ca hsk = kit.hsk;

    (void)state;
    assert_ok(coco_csv_ca_check(&kit.hrk, &kit.hrk, &err), err);
    assert_ok(coco_csv_ca_check(&kit.hsk, &kit.hrk, &err), err);
    assert_ok(coco_csv_cert_check(&kit.cek, COCO_CSV_HSK, &kit.hsk.key, &err), err);
    assert_ok(coco_csv_cert_check(&kit.pek, COCO_CSV_CEK, &kit.cek.key, &err), err);
    assert_fails(coco_csv_ca_check(&kit.hrk, &kit.hsk, &err), err, COCO_ERR_VERIFY, "by another");
    assert_fails(coco_csv_cert_check(&pek, COCO_CSV_CEK, &kit.hsk.key, &err), err, COCO_ERR_VERIFY,
                 "does not fit");
    assert_fails(coco_csv_cert_check(&pek, COCO_CSV_HSK, &kit.hsk.key, &err), err, COCO_ERR_VERIFY,
                 "no signature of a key for 0x13");
    key.id[0]++; /* whose it is goes into what it signs */
    assert_fails(coco_csv_cert_check(&pek, COCO_CSV_CEK, &key, &err), err, COCO_ERR_VERIFY,
                 "does not fit");
    key.id_len = 0;
    assert_fails(coco_csv_cert_check(&pek, COCO_CSV_CEK, &key, &err), err, COCO_ERR_PROTO,
                 "0 bytes");
    key = kit.cek.key;
    key.curve = 2;
    assert_fails(coco_csv_cert_check(&pek, COCO_CSV_CEK, &key, &err), err, COCO_ERR_VERIFY,
                 "on curve 2");
    key = kit.cek.key;
    key.x[71] = 1;
    assert_fails(coco_csv_cert_check(&pek, COCO_CSV_CEK, &key, &err), err, COCO_ERR_VERIFY,
                 "key is too large");
    pek.signatures[0].signature.s[32] = 1;
    assert_fails(coco_csv_cert_check(&pek, COCO_CSV_CEK, &kit.cek.key, &err), err, COCO_ERR_VERIFY,
                 "signature is too large");
    pek = kit.pek;
    pek.signatures[0].algo = 2;
    assert_fails(coco_csv_cert_check(&pek, COCO_CSV_CEK, &kit.cek.key, &err), err, COCO_ERR_VERIFY,
                 "signature of algorithm 2");
    hsk.usage ^= 1;
    assert_fails(coco_csv_ca_check(&hsk, &kit.hrk, &err), err, COCO_ERR_VERIFY, "does not fit");
}

/* ---- what was recorded ---- */

static void
recorded_certificates_are_a_chain(void **state)
{
    size_t len = 0;
    _cleanup_free_ char *hrk_bytes = read_fixture("csv/hrk.cert", &len);
    _cleanup_free_ char *both = read_fixture("csv/csvrs_hsk_cek.cert", &len);
    struct coco_csv_ca hrk;
    struct coco_csv_ca hsk;
    struct coco_csv_cert cek;
    uint8_t back[COCO_CSV_CERT_SIZE];

    (void)state;
    assert_ok(coco_csv_ca_parse(hrk_bytes, COCO_CSV_CA_SIZE, &hrk, &err), err);
    assert_int_equal(len, COCO_CSV_CA_SIZE + COCO_CSV_CERT_SIZE);
    assert_ok(coco_csv_ca_parse(both, COCO_CSV_CA_SIZE, &hsk, &err), err);
    assert_ok(coco_csv_cert_parse(both + COCO_CSV_CA_SIZE, COCO_CSV_CERT_SIZE, &cek, &err), err);
    coco_csv_cert_format(&cek, back);
    assert_memory_equal(back, both + COCO_CSV_CA_SIZE, sizeof(back));
    assert_ok(coco_csv_ca_check(&hrk, &hrk, &err), err);
    assert_ok(coco_csv_ca_check(&hsk, &hrk, &err), err);
    assert_ok(coco_csv_cert_check(&cek, COCO_CSV_HSK, &hsk.key, &err), err);
    for (size_t i = 0; i < COCO_CSV_CERT_BODY_SIZE; i++) {
        struct coco_csv_cert flipped;

        back[i] ^= (uint8_t)(1U << i % 8);
        if (coco_csv_cert_parse(back, sizeof(back), &flipped, NULL) == COCO_OK)
            assert_int_not_equal(coco_csv_cert_check(&flipped, COCO_CSV_HSK, &hsk.key, NULL),
                                 COCO_OK);
        back[i] ^= (uint8_t)(1U << i % 8);
    }
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_json_ cJSON *object = NULL;
        struct coco_csv_cert cert;

        coco_status status = coco_json_new_object(&object, &err);
        if (status == COCO_OK)
            status = coco_csv_cert_to_json(&kit.pek, object, &err);
        if (status == COCO_OK)
            status = coco_csv_cert_from_json(object, &cert, &err);
        if (status == COCO_OK)
            status = coco_csv_cert_check(&cert, COCO_CSV_CEK, &kit.cek.key, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_and_their_bytes_are_the_same_thing),
        cmocka_unit_test(hostile_bytes_are_refused),
        cmocka_unit_test(json_is_read_as_it_was_written),
        cmocka_unit_test(signatures_are_of_their_keys),
        cmocka_unit_test(recorded_certificates_are_a_chain),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/csv_cert", tests, setup, csv_kit_tear_down);
}
