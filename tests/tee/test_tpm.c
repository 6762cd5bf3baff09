/*
 * tests/tee/test_tpm.c - lib/tee/tpm.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/tpm.h"

#include "base/text.h"
#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A TPMS_ATTEST as part 2 of the specification has it, field by field. */
#define HEAD "\xff\x54\x43\x47\x80\x18"
#define SIGNER "\x00\x04\x00\x0b\x11\x22"
#define EXTRA "\x00\x05nonce"
#define CLOCK "\x00\x00\x00\x00\x00\x00\x01\x02\x00\x00\x00\x03\x00\x00\x00\x04\x01"
#define FIRMWARE "\x20\x19\x10\x23\x00\x16\x36\x36"
#define ONE "\x00\x00\x00\x01"
#define ALL "\x00\x0b\x03\xff\xff\xff"
#define DIGEST "\x00\x02\xaa\xbb"
#define GOOD HEAD SIGNER EXTRA CLOCK FIRMWARE ONE ALL DIGEST

#define BYTES(text) (text), sizeof(text) - 1

static void
a_quote_is_read_field_by_field(void **state)
{
    struct coco_tpm_attest attest;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_tpm_attest_parse(BYTES(GOOD), &attest, &err), err);
    assert_int_equal(attest.signer.len, 4);
    assert_memory_equal(attest.signer.bytes, "\x00\x0b\x11\x22", 4);
    assert_int_equal(attest.extra.len, 5);
    assert_memory_equal(attest.extra.bytes, "nonce", 5);
    assert_int_equal(attest.clock, 0x102);
    assert_int_equal(attest.resets, 3);
    assert_int_equal(attest.restarts, 4);
    assert_true(attest.safe);
    assert_true(attest.firmware == 0x2019102300163636ULL);
    assert_int_equal(attest.n_selections, 1);
    assert_int_equal(attest.selections[0].hash, COCO_TPM_ALG_SHA256);
    assert_int_equal(attest.selections[0].pcrs, COCO_TPM_PCRS_ALL);
    assert_int_equal(attest.digest.len, 2);
    assert_memory_equal(attest.digest.bytes, "\xaa\xbb", 2);
    assert_true(coco_tpm_attest_is_of_all(&attest));
}

static void
a_quote_is_written_as_it_was_read(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_TPM_MESSAGE_MAX};
    struct coco_tpm_attest attest;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_tpm_attest_parse(BYTES(GOOD), &attest, &err), err);
    assert_ok(coco_tpm_attest_format(&attest, &buf, &err), err);
    assert_int_equal(buf.len, sizeof(GOOD) - 1);
    assert_memory_equal(buf.data, GOOD, sizeof(GOOD) - 1);
}

static void
hostile_quotes_are_refused(void **state)
{
    static const struct {
        const char *data;
        size_t len;
        const char *why;
    } cases[] = {
        {BYTES(""), "not made inside a TPM"},
        {BYTES("\xff\x54\x43"), "not made inside a TPM"},
        {BYTES("\xff\x54\x43\x48\x80\x18" SIGNER EXTRA CLOCK FIRMWARE ONE ALL DIGEST),
         "not made inside a TPM"},
        /* TPM_ST_ATTEST_CERTIFY, by the same key. */
        {BYTES("\xff\x54\x43\x47\x80\x17" SIGNER EXTRA CLOCK FIRMWARE ONE ALL DIGEST), "0x8017"},
        {BYTES(HEAD "\x00\x43"), "signer of 67 bytes"},
        {BYTES(HEAD "\xff\xff"), "signer of 65535 bytes"},
        {BYTES(HEAD SIGNER "\x00\x43"), "qualifying data of 67 bytes"},
        {BYTES(HEAD SIGNER EXTRA "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02" FIRMWARE ONE ALL DIGEST),
         "neither safe nor unsafe"},
        {BYTES(HEAD SIGNER EXTRA CLOCK FIRMWARE "\x00\x00\x00\x11"), "17 selections"},
        {BYTES(HEAD SIGNER EXTRA CLOCK FIRMWARE "\xff\xff\xff\xff"), "selections"},
        {BYTES(HEAD SIGNER EXTRA CLOCK FIRMWARE ONE "\x00\x0b\x05\xff\xff\xff\xff\xff" DIGEST),
         "selection of 5 bytes"},
        {BYTES(HEAD SIGNER EXTRA CLOCK FIRMWARE ONE ALL "\x00\x43"), "digest of 67 bytes"},
        {BYTES(HEAD SIGNER EXTRA CLOCK FIRMWARE ONE ALL "\x00\x03\xaa\xbb"), "ends after"},
        {BYTES(GOOD "\x00"), "1 byte"},
    };
    struct coco_tpm_attest attest;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(coco_tpm_attest_parse(cases[i].data, cases[i].len, &attest, &err), err,
                     COCO_ERR_PROTO, cases[i].why);
    for (size_t len = 0; len < sizeof(GOOD) - 1; len++)
        assert_int_equal(coco_tpm_attest_parse(GOOD, len, &attest, NULL), COCO_ERR_PROTO);
}

/* 16 PCRs of SHA-384 have as many bytes as 24 of SHA-256. */
static void
only_the_whole_bank_of_sha256_is_all(void **state)
{
    static const struct {
        const char *data;
        size_t len;
    } cases[] = {
        {BYTES(HEAD SIGNER EXTRA CLOCK FIRMWARE "\x00\x00\x00\x00" DIGEST)},
        {BYTES(HEAD SIGNER EXTRA CLOCK FIRMWARE ONE "\x00\x0c\x03\xff\xff\x00" DIGEST)},
        {BYTES(HEAD SIGNER EXTRA CLOCK FIRMWARE ONE "\x00\x0c\x03\xff\xff\xff" DIGEST)},
        {BYTES(HEAD SIGNER EXTRA CLOCK FIRMWARE ONE "\x00\x0b\x03\xff\xff\x7f" DIGEST)},
        {BYTES(HEAD SIGNER EXTRA CLOCK FIRMWARE ONE "\x00\x0b\x04\xff\xff\xff\x01" DIGEST)},
        {BYTES(HEAD SIGNER EXTRA CLOCK FIRMWARE ONE "\x00\x0b\x00" DIGEST)},
        {BYTES(HEAD SIGNER EXTRA CLOCK FIRMWARE "\x00\x00\x00\x02" ALL ALL DIGEST)},
        {BYTES(HEAD SIGNER EXTRA CLOCK FIRMWARE "\x00\x00\x00\x02" ALL "\x00\x04\x00" DIGEST)},
    };
    struct coco_tpm_attest attest;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_ok(coco_tpm_attest_parse(cases[i].data, cases[i].len, &attest, &err), err);
        assert_false(coco_tpm_attest_is_of_all(&attest));
    }
}

static void
a_signature_is_taken_out_of_what_is_around_it(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 64};
    const uint8_t *bytes = NULL;
    size_t len = 0;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_tpm_signature_format(BYTES("abc"), &buf, &err), err);
    assert_int_equal(buf.len, 9);
    assert_memory_equal(buf.data,
                        "\x00\x14\x00\x0b\x00\x03"
                        "abc",
                        9);
    assert_ok(coco_tpm_signature_parse(buf.data, buf.len, &bytes, &len, &err), err);
    assert_int_equal(len, 3);
    assert_memory_equal(bytes, "abc", 3);
}

static void
hostile_signatures_are_refused(void **state)
{
    static const struct {
        const char *data;
        size_t len;
        coco_status status;
        const char *why;
    } cases[] = {
        {BYTES(""), COCO_ERR_PROTO, "ends after 0"},
        {BYTES("\x00\x14\x00\x0b\x00"), COCO_ERR_PROTO, "ends after"},
        {BYTES("\x00\x14\x00\x0b\x00\x04"
               "abc"),
         COCO_ERR_PROTO, "ends after"},
        {BYTES("\x00\x14\x00\x0b\xff\xff"
               "abc"),
         COCO_ERR_PROTO, "ends after"},
        {BYTES("\x00\x14\x00\x0b\x00\x02"
               "abc"),
         COCO_ERR_PROTO, "1 byte"},
        /* RSAPSS, ECDSA, HMAC, RSASSA with SHA-1, none at all. */
        {BYTES("\x00\x16\x00\x0b\x00\x03"
               "abc"),
         COCO_ERR_NOTSUP, "0x0016"},
        {BYTES("\x00\x18\x00\x0b\x00\x03"
               "abc"),
         COCO_ERR_NOTSUP, "0x0018"},
        {BYTES("\x00\x05\x00\x0b\x00\x03"
               "abc"),
         COCO_ERR_NOTSUP, "0x0005"},
        {BYTES("\x00\x14\x00\x04\x00\x03"
               "abc"),
         COCO_ERR_NOTSUP, "0x0004"},
        {BYTES("\x00\x10\x00\x00\x00\x00"), COCO_ERR_NOTSUP, "0x0010"},
    };
    const uint8_t *bytes = NULL;
    size_t len = 0;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(coco_tpm_signature_parse(cases[i].data, cases[i].len, &bytes, &len, &err), err,
                     cases[i].status, cases[i].why);
}

/* sha256(64 zero bytes), from `head -c 64 /dev/zero | sha256sum`. */
static void
extending_is_hashing_both(void **state)
{
    static const uint8_t zero[COCO_TPM_PCR_SIZE];
    uint8_t pcr[COCO_TPM_PCR_SIZE] = {0};
    char hex[2 * COCO_TPM_PCR_SIZE + 1];
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_tpm_extend(pcr, zero, &err), err);
    coco_hex(pcr, sizeof(pcr), hex);
    assert_string_equal(hex, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b");
}

static void
the_digest_of_init_data_is_cut_or_filled(void **state)
{
    uint8_t digest[64];
    uint8_t value[COCO_TPM_PCR_SIZE];

    (void)state;
    memset(digest, 0xaa, sizeof(digest));
    coco_tpm_init_data(digest, 64, value);
    assert_memory_equal(value, digest, sizeof(value));
    coco_tpm_init_data(digest, 20, value);
    assert_memory_equal(value, digest, 20);
    for (size_t i = 20; i < sizeof(value); i++)
        assert_int_equal(value[i], 0);
}

static coco_status
format(struct coco_buf *buf, coco_error **err)
{
    _cleanup_tpm_evidence_ struct coco_tpm_evidence evidence = coco_tpm_evidence_empty();

    for (size_t i = 0; i < COCO_TPM_PCRS; i++)
        memset(evidence.quote.pcrs[i], (int)i, COCO_TPM_PCR_SIZE);
    coco_status status = coco_buf_append_text(&evidence.quote.message, "message", err);
    if (status == COCO_OK)
        status = coco_buf_append_text(&evidence.quote.signature, "signature", err);
    if (status == COCO_OK)
        status = coco_buf_append_text(&evidence.ak, "key", err);
    if (status == COCO_OK)
        status = coco_tpm_evidence_format(&evidence, buf, err);
    return status;
}

static coco_status
parse(const char *text, struct coco_tpm_evidence *ret, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_parse_object(text, strlen(text), &object, err);
    if (status == COCO_OK)
        status = coco_tpm_evidence_parse(object, ret, err);
    return status;
}

static void
evidence_travels_as_upstreams_json(void **state)
{
    _cleanup_tpm_evidence_ struct coco_tpm_evidence evidence = {0};
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    assert_ok(format(&buf, &err), err);
    const char *text = coco_buf_text(&buf);
    assert_contains(text, "{\"tpm_quote\":{\"signature\":\"ABQACwAJc2lnbmF0dXJl\","
                          "\"message\":\"bWVzc2FnZQ==\",\"pcrs\":[\"00000000");
    assert_contains(text, "1717\"]},\"ak_public\":\"a2V5\"}");
    assert_ok(parse(text, &evidence, &err), err);
    assert_string_equal(coco_buf_text(&evidence.quote.message), "message");
    assert_string_equal(coco_buf_text(&evidence.quote.signature), "signature");
    assert_string_equal(coco_buf_text(&evidence.ak), "key");
    for (size_t i = 0; i < COCO_TPM_PCRS; i++)
        assert_int_equal(evidence.quote.pcrs[i][31], i);
}

#define PCR "\"0000000000000000000000000000000000000000000000000000000000000000\""
#define PCRS_5 PCR "," PCR "," PCR "," PCR "," PCR
#define PCRS_23 PCRS_5 "," PCRS_5 "," PCRS_5 "," PCRS_5 "," PCR "," PCR "," PCR
#define QUOTE(signature, message, pcrs)                                                            \
    "{\"tpm_quote\":{\"signature\":" signature ",\"message\":" message ",\"pcrs\":" pcrs           \
    "},\"ak_public\":\"a2V5\"}"
#define SIGNATURE "\"ABQACwADYWJj\""

static void
hostile_evidence_is_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
        const char *why;
    } cases[] = {
        {"{}", COCO_ERR_PROTO, "tpm_quote"},
        {"{\"tpm_quote\":[]}", COCO_ERR_PROTO, "tpm_quote"},
        {"{\"tpm_quote\":{}}", COCO_ERR_PROTO, "signature"},
        {"{\"tpm_quote\":{},\"svn\":1}", COCO_ERR_PROTO, "svn"},
        {QUOTE("1", "\"\"", "[]"), COCO_ERR_PROTO, "signature"},
        {QUOTE("\"AA\"", "\"\"", "[]"), COCO_ERR_PROTO, "signature"},
        {QUOTE("\"AAAA\"", "\"\"", "[]"), COCO_ERR_PROTO, "TPM signature"},
        {QUOTE(SIGNATURE, "null", "[]"), COCO_ERR_PROTO, "message"},
        {QUOTE(SIGNATURE, "\"_w==\"", "[]"), COCO_ERR_PROTO, "message"},
        {QUOTE(SIGNATURE, "\"\"", "{}"), COCO_ERR_PROTO, "pcrs"},
        {QUOTE(SIGNATURE, "\"\"", "[]"), COCO_ERR_PROTO, "pcrs: are not 24"},
        {QUOTE(SIGNATURE, "\"\"", "[" PCRS_23 "]"), COCO_ERR_PROTO, "pcrs: are not 24"},
        {QUOTE(SIGNATURE, "\"\"", "[" PCRS_23 "," PCR "," PCR "]"), COCO_ERR_PROTO, "are not 24"},
        {QUOTE(SIGNATURE, "\"\"", "[" PCRS_23 ",\"00\"]"), COCO_ERR_PROTO, "pcrs[23]"},
        {QUOTE(SIGNATURE, "\"\"", "[" PCRS_23 ",0]"), COCO_ERR_PROTO, "pcrs[23]"},
        {"{\"tpm_quote\":{\"signature\":" SIGNATURE ",\"message\":\"\",\"pcrs\":[" PCRS_23 "," PCR
         "]}}",
         COCO_ERR_PROTO, "ak_public"},
        {"{\"tpm_quote\":{\"signature\":" SIGNATURE ",\"message\":\"\",\"pcrs\":[" PCRS_23 "," PCR
         "],\"clock\":1},\"ak_public\":\"a2V5\"}",
         COCO_ERR_PROTO, "clock"},
    };
    _cleanup_tpm_evidence_ struct coco_tpm_evidence good = {0};
    struct coco_tpm_evidence evidence;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(parse(cases[i].text, &evidence, &err), err, cases[i].status, cases[i].why);
    assert_ok(parse(QUOTE(SIGNATURE, "\"\"", "[" PCRS_23 "," PCR "]"), &good, &err), err);
}

static void
parts_larger_than_any_are_refused(void **state)
{
    static const char *const names[] = {"signature", "message", "ak_public"};
    coco_error *err = NULL;

    (void)state;
    for (size_t large = 0; large < COUNT(names); large++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 16384};
        struct coco_tpm_evidence evidence;

        assert_ok(coco_buf_printf(&text, &err,
                                  "{\"tpm_quote\":{\"signature\":\"ABQACwAD%0*d\","
                                  "\"message\":\"%0*d\",\"pcrs\":[" PCRS_23 "," PCR
                                  "]},\"ak_public\":\"%0*d\"}",
                                  large == 0 ? 4000 : 4, 0, large == 1 ? 4000 : 4, 0,
                                  large == 2 ? 4000 : 4, 0),
                  err);
        assert_fails(parse(coco_buf_text(&text), &evidence, &err), err, COCO_ERR_LIMIT, "");
    }
}

static void
evidence_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_tpm_evidence_ struct coco_tpm_evidence evidence = {0};
        _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
        coco_error *err = NULL;

        coco_status status = format(&buf, &err);
        if (status == COCO_OK)
            status = parse(coco_buf_text(&buf), &evidence, &err);
        fault_expect(status, err);
    }
}

static void
quotes_survive_any_failed_allocation(void **state)
{
    struct coco_tpm_attest attest;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_tpm_attest_parse(BYTES(GOOD), &attest, &err), err);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
        uint8_t pcr[COCO_TPM_PCR_SIZE] = {0};

        coco_status status = coco_tpm_attest_format(&attest, &buf, &err);
        if (status == COCO_OK)
            status = coco_tpm_attest_parse(buf.data, buf.len, &attest, &err);
        if (status == COCO_OK)
            status = coco_tpm_extend(pcr, pcr, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quote_is_read_field_by_field),
        cmocka_unit_test(a_quote_is_written_as_it_was_read),
        cmocka_unit_test(hostile_quotes_are_refused),
        cmocka_unit_test(only_the_whole_bank_of_sha256_is_all),
        cmocka_unit_test(a_signature_is_taken_out_of_what_is_around_it),
        cmocka_unit_test(hostile_signatures_are_refused),
        cmocka_unit_test(extending_is_hashing_both),
        cmocka_unit_test(the_digest_of_init_data_is_cut_or_filled),
        cmocka_unit_test(evidence_travels_as_upstreams_json),
        cmocka_unit_test(hostile_evidence_is_refused),
        cmocka_unit_test(parts_larger_than_any_are_refused),
        cmocka_unit_test(evidence_survives_any_failed_allocation),
        cmocka_unit_test(quotes_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
