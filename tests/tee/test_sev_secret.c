/*
 * tests/tee/test_sev_secret.c - lib/tee/sev_secret.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/sev_secret.h"

#include "base/base64.h"
#include "tests/canary.h"
#include "tests/faults.h"

#include <string.h>

#define GUID1 "736869e5-84f0-4973-92ec-06879ce3da0b"
#define GUID2 "736869e5-aaaa-4973-92ec-06879ce3da0b"

static coco_error *err;
static uint8_t tek[COCO_SEV_KEY_SIZE] = {1};
static uint8_t tik[COCO_SEV_KEY_SIZE] = {2};
static const struct coco_sev_keys keys = {{tek, sizeof(tek)}, {tik, sizeof(tik)}};
static const uint8_t measure[COCO_SEV_MAC_SIZE] = {3};
static const uint8_t iv[COCO_SEV_BLOCK_SIZE] = {4};

static void
add(struct coco_sev_secrets *secrets, const char *guid, const void *data, size_t len)
{
    uint8_t bytes[COCO_GUID_SIZE];

    assert_true(coco_guid_parse(guid, bytes));
    assert_ok(coco_sev_secrets_add(secrets, bytes, data, len, &err), err);
}

static void
a_table_is_read_as_it_was_written(void **state)
{
    _cleanup_sev_secrets_ struct coco_sev_secrets secrets = {0};
    _cleanup_sev_secrets_ struct coco_sev_secrets back = {0};
    _cleanup_secret_ struct coco_secret table = {0};

    (void)state;
    add(&secrets, GUID1, "eleven byte", 11);
    assert_ok(coco_sev_secrets_format(&secrets, &table, &err), err);
    /* simple-kbs, payload_table test. */
    assert_int_equal(table.len, 64);
    assert_int_equal(table.data[16], 51);
    assert_int_equal(table.data[20 + 16], 31);
    add(&secrets, GUID2, NULL, 0);
    coco_secret_done(&table);
    assert_ok(coco_sev_secrets_format(&secrets, &table, &err), err);
    assert_ok(coco_sev_secrets_parse(table.data, table.len, &back, &err), err);
    assert_int_equal(back.n, 2);
    assert_memory_equal(back.list[0].guid, secrets.list[0].guid, COCO_GUID_SIZE);
    assert_true(coco_secret_equal(&back.list[0].data, "eleven byte", 11));
    assert_int_equal(back.list[1].data.len, 0);
}

static void
hostile_tables_are_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t byte;
        const char *why;
    } cases[] = {
        {0, 0, "not a table"},    {16, 19, "an entry of 19 bytes"}, {16, 0, "an entry of 0 bytes"},
        {16, 65, "ends after"},   {16, 50, "ends after"},           {16, 39, "ends after"},
        {19, 0xff, "ends after"}, {36, 19, "an entry of 19 bytes"}, {36, 32, "ends after"},
        {36, 30, "ends after"},   {39, 0xff, "ends after"},
    };
    _cleanup_sev_secrets_ struct coco_sev_secrets secrets = {0};
    _cleanup_secret_ struct coco_secret table = {0};
    struct coco_sev_secrets none = {0};

    (void)state;
    add(&secrets, GUID1, "eleven byte", 11);
    assert_ok(coco_sev_secrets_format(&secrets, &table, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t kept = table.data[cases[i].at];

        table.data[cases[i].at] = cases[i].byte;
        assert_fails(coco_sev_secrets_parse(table.data, table.len, &none, &err), err,
                     COCO_ERR_PROTO, cases[i].why);
        table.data[cases[i].at] = kept;
    }
    for (size_t len = 0; len < 51; len++)
        assert_fails(coco_sev_secrets_parse(table.data, len, &none, &err), err, COCO_ERR_PROTO,
                     "ends after");
}

static void
tables_are_bounded(void **state)
{
    static const uint8_t large[COCO_SEV_SECRET_TABLE_MAX + 1];
    _cleanup_sev_secrets_ struct coco_sev_secrets secrets = {0};
    uint8_t guid[COCO_GUID_SIZE] = {0};
    struct coco_secret none = {0};

    (void)state;
    assert_fails(coco_sev_secrets_add(&secrets, guid, large, sizeof(large), &err), err,
                 COCO_ERR_LIMIT, "65537 bytes");
    assert_ok(coco_sev_secrets_add(&secrets, guid, large, COCO_SEV_SECRET_TABLE_MAX, &err), err);
    assert_fails(coco_sev_secrets_format(&secrets, &none, &err), err, COCO_ERR_LIMIT, "secrets of");
    while (secrets.n < COCO_SEV_SECRETS_MAX)
        assert_ok(coco_sev_secrets_add(&secrets, guid, "", 0, &err), err);
    assert_fails(coco_sev_secrets_add(&secrets, guid, "", 0, &err), err, COCO_ERR_LIMIT,
                 "more than 64");
}

static void
no_bit_of_a_packet_can_be_flipped(void **state)
{
    _cleanup_sev_secrets_ struct coco_sev_secrets secrets = {0};
    _cleanup_secret_ struct coco_secret table = {0};
    _cleanup_secret_ struct coco_secret back = {0};
    struct coco_secret none = {0};
    struct coco_sev_packet packet;

    (void)state;
    add(&secrets, GUID1, "a secret", 8);
    assert_ok(coco_sev_secrets_format(&secrets, &table, &err), err);
    assert_ok(coco_sev_packet_seal(&keys, measure, iv, &table, &packet, &err), err);
    assert_null(memmem(packet.payload.data, packet.payload.len, "a secret", 8));
    assert_ok(coco_sev_packet_open(&keys, measure, &packet, &back, &err), err);
    assert_true(coco_secret_equal(&back, table.data, table.len));
    for (size_t bit = 0; bit < 8 * (sizeof(packet.header) + packet.payload.len); bit++) {
        size_t at = bit / 8;
        uint8_t *byte = at < sizeof(packet.header)
                            ? &packet.header[at]
                            : &packet.payload.data[at - sizeof(packet.header)];

        *byte ^= (uint8_t)(1U << bit % 8);
        assert_fails(coco_sev_packet_open(&keys, measure, &packet, &none, &err), err,
                     COCO_ERR_VERIFY, "not for this launch");
        *byte ^= (uint8_t)(1U << bit % 8);
    }
    static const uint8_t other[COCO_SEV_MAC_SIZE] = {9};
    assert_fails(coco_sev_packet_open(&keys, other, &packet, &none, &err), err, COCO_ERR_VERIFY,
                 "not for this launch");
    coco_buf_done(&packet.payload);
    assert_fails(coco_sev_packet_open(&keys, measure, &packet, &none, &err), err, COCO_ERR_PROTO,
                 "packet of 0 bytes");
    table.len--;
    assert_fails(coco_sev_packet_seal(&keys, measure, iv, &table, &packet, &err), err,
                 COCO_ERR_INVALID, "secrets of 47 bytes");
    table.len++;
}

static void
secrets_are_wiped(void **state)
{
    static const uint8_t bytes[] = "a secret of more than sixteen bytes";
    struct coco_sev_secrets secrets = {0};
    struct coco_sev_secrets back = {0};
    struct coco_secret table = {0};
    struct coco_secret opened = {0};
    struct coco_sev_packet packet;

    (void)state;
    canary_begin(bytes, sizeof(bytes));
    add(&secrets, GUID1, bytes, sizeof(bytes));
    assert_ok(coco_sev_secrets_format(&secrets, &table, &err), err);
    assert_ok(coco_sev_packet_seal(&keys, measure, iv, &table, &packet, &err), err);
    assert_ok(coco_sev_packet_open(&keys, measure, &packet, &opened, &err), err);
    assert_ok(coco_sev_secrets_parse(opened.data, opened.len, &back, &err), err);
    coco_sev_secrets_done(&secrets);
    coco_sev_secrets_done(&back);
    coco_secret_done(&table);
    coco_secret_done(&opened);
    coco_buf_done(&packet.payload);
    assert_int_equal(canary_end(), 0);
}

/* ---- sevctl's vectors (tests/test_secret_build.py of virtee/sevctl) ---- */

static void
decode(const char *text, struct coco_buf *ret)
{
    assert_ok(coco_base64_decode(COCO_BASE64, text, strlen(text), ret, &err), err);
}

static void
assert_packet(const struct coco_sev_secrets *secrets, const char *header, const char *payload)
{
    size_t len = 0;
    _cleanup_free_ char *tek1 = read_fixture("sev/sevctl/secret/tek1.bin", &len);
    _cleanup_free_ char *tik1 = read_fixture("sev/sevctl/secret/tik1.bin", &len);
    const struct coco_sev_keys recorded = {{(uint8_t *)tek1, len}, {(uint8_t *)tik1, len}};
    _cleanup_buf_ struct coco_buf want_header = {.limit = 1024};
    _cleanup_buf_ struct coco_buf want_payload = {.limit = 1024};
    _cleanup_buf_ struct coco_buf blob = {.limit = 1024};
    _cleanup_buf_ struct coco_buf recorded_iv = {.limit = 1024};
    _cleanup_secret_ struct coco_secret table = {0};
    struct coco_sev_packet packet;

    decode(header, &want_header);
    decode(payload, &want_payload);
    decode("TLeA7607lZQntLjRY1/i+sbtdSZ+75zxpz4Px9hzpBLwItF5Q2o4prA++3ZZv9ZS", &blob);
    decode("rFR07U3TLH2YnsUj2SVZ7A==", &recorded_iv);
    assert_ok(coco_sev_secrets_format(secrets, &table, &err), err);
    assert_ok(coco_sev_packet_seal(&recorded, blob.data, recorded_iv.data, &table, &packet, &err),
              err);
    assert_int_equal(want_header.len, sizeof(packet.header));
    assert_memory_equal(packet.header, want_header.data, sizeof(packet.header));
    assert_int_equal(packet.payload.len, want_payload.len);
    assert_memory_equal(packet.payload.data, want_payload.data, want_payload.len);
    coco_buf_done(&packet.payload);
}

static void
recorded_packets_come_out(void **state)
{
    size_t len1 = 0;
    size_t len2 = 0;
    _cleanup_free_ char *secret1 = read_fixture("sev/sevctl/secret/secret1.txt", &len1);
    _cleanup_free_ char *secret2 = read_fixture("sev/sevctl/secret/secret2.txt", &len2);
    _cleanup_sev_secrets_ struct coco_sev_secrets secrets = {0};

    (void)state;
    add(&secrets, GUID1, secret1, len1);
    assert_packet(&secrets,
                  "AAAAAKxUdO1N0yx9mJ7FI9klWey8FSzeYQ4X8K71VzNKLU/KQsIsQxLjtbhaPUewqshX5Q==",
                  "0U3e5PcXv0UW+H4tSBFKOdCYfKE1+j38Bc2fuO16mYiyI+sWx7INfn+lgYj56GL12yyinDa+"
                  "lVfCCwD/2w5cPA==");
    add(&secrets, GUID2, secret2, len2);
    assert_packet(&secrets,
                  "AAAAAKxUdO1N0yx9mJ7FI9klWeyZ3r0dOEKHUOhIRqzGYYvTJgdMtBPL1nK6GD9aGET7Ng==",
                  "0U3e5PcXv0UW+H4tSBFKObWYfKE1+j38Bc2fuO16mYiyI+sWx7INfn+lgYj56GL12yyinDa+"
                  "lVfCC+WWs332lpLNUX1ZI3YK7vYgtys4X+uGxEIlkIQ90v8/w8ZFmQMe");
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    uint8_t guid[COCO_GUID_SIZE] = {0};

    (void)state;
    for_each_fault()
    {
        _cleanup_sev_secrets_ struct coco_sev_secrets secrets = {0};
        _cleanup_sev_secrets_ struct coco_sev_secrets back = {0};
        _cleanup_secret_ struct coco_secret table = {0};
        _cleanup_secret_ struct coco_secret opened = {0};
        struct coco_sev_packet packet = {{0}, {0}};

        coco_status status = coco_sev_secrets_add(&secrets, guid, "secret", 6, &err);
        if (status == COCO_OK)
            status = coco_sev_secrets_format(&secrets, &table, &err);
        if (status == COCO_OK)
            status = coco_sev_packet_seal(&keys, measure, iv, &table, &packet, &err);
        if (status == COCO_OK)
            status = coco_sev_packet_open(&keys, measure, &packet, &opened, &err);
        if (status == COCO_OK)
            status = coco_sev_secrets_parse(opened.data, opened.len, &back, &err);
        coco_buf_done(&packet.payload);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_read_as_it_was_written),
        cmocka_unit_test(hostile_tables_are_refused),
        cmocka_unit_test(tables_are_bounded),
        cmocka_unit_test(no_bit_of_a_packet_can_be_flipped),
        cmocka_unit_test(secrets_are_wiped),
        cmocka_unit_test(recorded_packets_come_out),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/sev_secret", tests, NULL, NULL);
}
