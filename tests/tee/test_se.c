/*
 * tests/tee/test_se.c - lib/tee/se.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/se.h"

#include "base/text.h"
#include "tests/faults.h"

#include <string.h>

static coco_error *err;

/* s390-tools, rust/pv, tests of the measurement: three of its four parts may be missing. */
static void
measurements_are_those_of_ibm(void **state)
{
    static const struct {
        bool user;
        bool nonce;
        bool additional;
        const char *want;
    } cases[] = {
        {true, true, true,
         "88794c62cce7bcf26216deb3f48f13fea6374b6d7e35bcc5c2ce68121db6f45d"
         "fc8c171856463549408bf8e7d1aca11efad0a878af97dc9e21a1fc2a32f3a675"},
        {true, false, true,
         "fbd4f738a390edd947cd4f11af3a2f3bab2fdf8bf89bf81beb495117f4382cf4"
         "2f0730c8c7d9e3ca27fb25adfceb21224f57fdb398dcf41a83c146e6a23db760"},
        {false, false, true,
         "63671fbf295036eb1023ea71f7182e7d6343dc7b2da584e824d0a7d198ab9cde"
         "d756c93b39050ffb764555b01f88cb82017a6a15c7e0bafc6005f1e4f78aa124"},
        {false, false, false,
         "c5c34c93835d1ec23f5c2d778dfa20129b11b305601742cb2f38e0ed9894dcdb"
         "73fc8695ab6a8dbad0744073ddc81a5eaafa52e4a15af8deb8d761091922847f"},
    };
    uint8_t key[COCO_SE_KEY_SIZE];
    const struct coco_secret secret = {.data = key, .len = sizeof(key)};
    struct coco_se_tags tags;
    uint8_t cuid[COCO_SE_CUID_SIZE];
    uint8_t user[256];
    uint8_t nonce[COCO_SE_NONCE_SIZE];
    uint8_t additional[128];

    (void)state;
    memset(key, 0x41, sizeof(key));
    memset(tags.pld, 1, sizeof(tags.pld));
    memset(tags.ald, 2, sizeof(tags.ald));
    memset(tags.tld, 3, sizeof(tags.tld));
    memset(tags.tag, 4, sizeof(tags.tag));
    memset(cuid, 5, sizeof(cuid));
    memset(user, 7, sizeof(user));
    memset(nonce, 8, sizeof(nonce));
    memset(additional, 9, sizeof(additional));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct coco_se_measured measured = {
            .tags = &tags,
            .cuid = cuid,
            .user = user,
            .user_len = cases[i].user ? sizeof(user) : 0,
            .nonce = cases[i].nonce ? nonce : NULL,
            .additional = additional,
            .additional_len = cases[i].additional ? sizeof(additional) : 0,
        };
        uint8_t got[COCO_SE_MEASUREMENT_SIZE];
        char hex[2 * sizeof(got) + 1];

        assert_ok(coco_se_measure(&secret, &measured, got, &err), err);
        coco_hex(got, sizeof(got), hex);
        assert_string_equal(hex, cases[i].want);
    }
    const struct coco_se_measured large = {.tags = &tags, .cuid = cuid, .user_len = 257};
    uint8_t got[COCO_SE_MEASUREMENT_SIZE];
    assert_fails(coco_se_measure(&secret, &large, got, &err), err, COCO_ERR_LIMIT, "too long");
}

/* A header with one key slot and no more encrypted than it must. */
static void
make_header(uint8_t header[640])
{
    memset(header, 0, 640);
    memcpy(header, "IBMSecEx\0\0\1\0\0\0\2\x80", 16);
    memset(header + 224, 1, 64);
    memset(header + 288, 2, 64);
    memset(header + 352, 3, 64);
    memset(header + 624, 4, 16);
}

static void
tags_are_those_of_the_header(void **state)
{
    static const struct {
        size_t at;
        uint8_t byte;
        const char *why;
    } cases[] = {
        {0, 'i', "not an image"}, {10, 2, "not an image"},  {12, 1, "has 16777856 bytes"},
        {14, 0, "has 128 bytes"}, {15, 0x81, "ends after"},
    };
    uint8_t header[640];
    uint8_t bytes[COCO_SE_TAGS_SIZE];
    struct coco_se_tags tags;
    struct coco_se_tags read;

    (void)state;
    make_header(header);
    assert_ok(coco_se_tags_of_header(header, sizeof(header), &tags, &err), err);
    coco_se_tags_format(&tags, bytes);
    for (size_t i = 0; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], i / 64 + 1);
    assert_ok(coco_se_tags_parse(bytes, sizeof(bytes), &read, &err), err);
    assert_memory_equal(&read, &tags, sizeof(read));
    for (size_t len = 0; len < sizeof(bytes); len++)
        assert_fails(coco_se_tags_parse(bytes, len, &read, &err), err, COCO_ERR_PROTO, "ends");
    for (size_t len = 0; len < sizeof(header); len++)
        assert_int_equal(coco_se_tags_of_header(header, len, &read, NULL), COCO_ERR_PROTO);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t kept = header[cases[i].at];

        header[cases[i].at] = cases[i].byte;
        assert_fails(coco_se_tags_of_header(header, sizeof(header), &read, &err), err,
                     COCO_ERR_PROTO, cases[i].why);
        header[cases[i].at] = kept;
    }
}

static void
recorded_headers_have_tags(void **state)
{
    size_t len = 0;
    _cleanup_free_ char *header = read_fixture("se/exp/secure_guest.hdr", &len);
    struct coco_se_tags tags;

    (void)state;
    assert_ok(coco_se_tags_of_header(header, len, &tags, &err), err);
    assert_memory_equal(tags.tag, header + len - 16, 16);
    assert_memory_equal(tags.pld, "\xbe\x94\xb5\xea", 4);
}

static void
fill(struct coco_buf *buf, size_t len, char c)
{
    buf->limit = 4096;
    for (size_t i = 0; i < len; i++)
        assert_ok(coco_buf_append(buf, &c, 1, &err), err);
}

static void
requests_are_read_as_they_were_written(void **state)
{
    _cleanup_se_request_ struct coco_se_request made = {
        .measurement_size = 64, .additional_size = 64, .tags = {{1}, {2}, {3}, {4}}};
    _cleanup_se_request_ struct coco_se_request read = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    _cleanup_buf_ struct coco_buf again = {.limit = 1 << 16};
    _cleanup_json_ cJSON *object = NULL;

    (void)state;
    fill(&made.control_block, 400, 'b');
    fill(&made.key, 512, 'k');
    fill(&made.nonce, 512, 'n');
    assert_ok(coco_se_request_format(&made, &text, &err), err);
    assert_contains(coco_buf_text(&text), "\"measurement_size\":64,\"additional_size\":64,");
    assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err), err);
    assert_ok(coco_se_request_parse(object, &read, &err), err);
    assert_ok(coco_se_request_format(&read, &again, &err), err);
    assert_string_equal(coco_buf_text(&again), coco_buf_text(&text));
    cJSON_DeleteItemFromObjectCaseSensitive(object, "image_hdr_tags");
    struct coco_se_request none = {0};
    assert_fails(coco_se_request_parse(object, &none, &err), err, COCO_ERR_PROTO,
                 "'image_hdr_tags' is missing");
}

static void
make_evidence(struct coco_se_evidence *ret)
{
    *ret = (struct coco_se_evidence){.cuid = {5}, .tags = {{1}, {2}, {3}, {4}}};
    fill(&ret->measurement, 64, 'm');
    fill(&ret->additional, 64, 'a');
    fill(&ret->user, 64, 'u');
    fill(&ret->key, 512, 'k');
    fill(&ret->nonce, 512, 'n');
}

static void
evidence_is_read_as_it_was_written(void **state)
{
    _cleanup_se_evidence_ struct coco_se_evidence made;
    _cleanup_se_evidence_ struct coco_se_evidence read = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    _cleanup_buf_ struct coco_buf again = {.limit = 1 << 16};
    _cleanup_json_ cJSON *object = NULL;

    (void)state;
    make_evidence(&made);
    assert_ok(coco_se_evidence_format(&made, &text, &err), err);
    assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err), err);
    assert_ok(coco_se_evidence_parse(object, &read, &err), err);
    assert_ok(coco_se_evidence_format(&read, &again, &err), err);
    assert_string_equal(coco_buf_text(&again), coco_buf_text(&text));
}

static void
malformed_evidence_is_refused(void **state)
{
    static const struct {
        const char *name;
        const char *value;
        coco_status status;
        const char *why;
    } cases[] = {
        {"cuid", "AAAA", COCO_ERR_PROTO, "cuid has 3 bytes, not 16"},
        {"cuid", "?", COCO_ERR_PROTO, "cuid"},
        {"image_hdr_tags", "AAAA", COCO_ERR_PROTO, "tags of an image: ends"},
        {"measurement", NULL, COCO_ERR_LIMIT, "measurement"},
        {"user_data", NULL, COCO_ERR_LIMIT, "user_data"},
        {"encr_measurement_key", NULL, COCO_ERR_LIMIT, "encr_measurement_key"},
    };
    _cleanup_se_evidence_ struct coco_se_evidence made;
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    struct coco_se_evidence none = {0};
    char large[4001];

    (void)state;
    memset(large, 'A', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    make_evidence(&made);
    assert_ok(coco_se_evidence_format(&made, &text, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *object = NULL;

        assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err), err);
        assert_true(cJSON_ReplaceItemInObjectCaseSensitive(
            object, cases[i].name, cJSON_CreateString(cases[i].value ? cases[i].value : large)));
        assert_fails(coco_se_evidence_parse(object, &none, &err), err, cases[i].status,
                     cases[i].why);
    }
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    _cleanup_se_evidence_ struct coco_se_evidence made;

    (void)state;
    make_evidence(&made);
    for_each_fault()
    {
        _cleanup_se_evidence_ struct coco_se_evidence read = {0};
        _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
        _cleanup_json_ cJSON *object = NULL;

        coco_status status = coco_se_evidence_format(&made, &text, &err);
        if (status == COCO_OK)
            status = coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err);
        if (status == COCO_OK)
            status = coco_se_evidence_parse(object, &read, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measurements_are_those_of_ibm),
        cmocka_unit_test(tags_are_those_of_the_header),
        cmocka_unit_test(recorded_headers_have_tags),
        cmocka_unit_test(requests_are_read_as_they_were_written),
        cmocka_unit_test(evidence_is_read_as_it_was_written),
        cmocka_unit_test(malformed_evidence_is_refused),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/se", tests, NULL, NULL);
}
