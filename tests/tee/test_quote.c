/*
 * tests/tee/test_quote.c - lib/tee/quote.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/quote.h"

#include "base/digest.h"
#include "tests/faults.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static coco_error *err;

/* Every byte of each part is another number. */
static struct coco_quote
some_quote(uint16_t version, enum coco_quote_body body)
{
    static const uint8_t auth[32] = {0xa0, 0xa1};
    static const uint8_t chain[] = "certificates";
    struct coco_quote quote = {
        .header = coco_quote_header_of(version, body),
        .body = body,
        .auth = auth,
        .auth_len = sizeof(auth),
        .certification = COCO_CERTIFICATION_PCK_CHAIN,
        .certification_data = chain,
        .certification_len = sizeof(chain),
    };

    memset(&quote.sgx, 0x11, sizeof(quote.sgx));
    memset(&quote.td, 0x22, sizeof(quote.td));
    memset(quote.td.tcb_svn2, 0x33, sizeof(quote.td.tcb_svn2));
    memset(quote.signature, 0x44, sizeof(quote.signature));
    memset(quote.key, 0x55, sizeof(quote.key));
    memset(&quote.qe_report, 0x66, sizeof(quote.qe_report));
    memset(quote.qe_signature, 0x77, sizeof(quote.qe_signature));
    return quote;
}

static const struct {
    uint16_t version;
    enum coco_quote_body body;
    size_t signature_at; /* its length */
} kinds[] = {
    {3, COCO_QUOTE_SGX, 432},
    {4, COCO_QUOTE_TD10, 632},
    {5, COCO_QUOTE_TD10, 638},
    {5, COCO_QUOTE_TD15, 702},
};

static struct coco_buf
format(const struct coco_quote *quote)
{
    struct coco_buf buf = {.limit = COCO_QUOTE_SIZE_MAX};

    assert_ok(coco_quote_format(quote, &buf, &err), err);
    return buf;
}

/* Against the table of the specification, not against themselves. */
static void
fields_are_at_their_places(void **state)
{
    static const struct {
        size_t got;
        size_t want;
    } cases[] = {
        {offsetof(struct coco_quote_header, tee_type), 4},
        {offsetof(struct coco_quote_header, vendor_id), 12},
        {offsetof(struct coco_quote_header, user_data), 28},
        {offsetof(struct coco_td_report, mrsigner_seam), 64},
        {offsetof(struct coco_td_report, seam_attributes), 112},
        {offsetof(struct coco_td_report, td_attributes), 120},
        {offsetof(struct coco_td_report, mr_td), 136},
        {offsetof(struct coco_td_report, mr_config_id), 184},
        {offsetof(struct coco_td_report, mr_owner_config), 280},
        {offsetof(struct coco_td_report, rtmr), 328},
        {offsetof(struct coco_td_report, report_data), 520},
        {offsetof(struct coco_td_report, mr_servicetd), 600},
        {offsetof(struct coco_sgx_report, isv_ext_prod_id), 32},
        {offsetof(struct coco_sgx_report, flags), 48},
        {offsetof(struct coco_sgx_report, mr_enclave), 64},
        {offsetof(struct coco_sgx_report, mr_signer), 128},
        {offsetof(struct coco_sgx_report, config_id), 192},
        {offsetof(struct coco_sgx_report, isv_prod_id), 256},
        {offsetof(struct coco_sgx_report, isv_svn), 258},
        {offsetof(struct coco_sgx_report, isv_family_id), 304},
        {offsetof(struct coco_sgx_report, report_data), 320},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(cases[i].got, cases[i].want);
}

static void
a_quote_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct coco_quote quote = some_quote(kinds[i].version, kinds[i].body);
        _cleanup_buf_ struct coco_buf bytes = format(&quote);
        _cleanup_buf_ struct coco_buf again = {.limit = COCO_QUOTE_SIZE_MAX};
        struct coco_quote read = {0};

        assert_ok(coco_quote_parse(bytes.data, bytes.len, &read, &err), err);
        assert_int_equal(read.len, bytes.len);
        assert_int_equal(read.signed_len, kinds[i].signature_at);
        assert_ptr_equal(read.signed_data, bytes.data);
        assert_int_equal(read.body, kinds[i].body);
        assert_int_equal(read.certification, COCO_CERTIFICATION_PCK_CHAIN);
        assert_string_equal((const char *)read.certification_data, "certificates");
        assert_memory_equal(&read.qe_report, &quote.qe_report, sizeof(quote.qe_report));
        if (kinds[i].body == COCO_QUOTE_TD15)
            assert_int_equal(read.td.tcb_svn2[15], 0x33);
        else
            assert_int_equal(read.td.tcb_svn2[15], 0);
        assert_ok(coco_quote_format(&read, &again, &err), err);
        assert_int_equal(again.len, bytes.len);
        assert_memory_equal(again.data, bytes.data, bytes.len);
    }
}

static void
what_follows_a_quote_is_no_part_of_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct coco_quote quote = some_quote(kinds[i].version, kinds[i].body);
        _cleanup_buf_ struct coco_buf bytes = format(&quote);
        size_t len = bytes.len;
        struct coco_quote read = {0};

        assert_ok(coco_buf_append(&bytes, "\0\0\0more", 7, &err), err);
        assert_ok(coco_quote_parse(bytes.data, bytes.len, &read, &err), err);
        assert_int_equal(read.len, len);
    }
}

static void
a_quote_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct coco_quote quote = some_quote(kinds[i].version, kinds[i].body);
        _cleanup_buf_ struct coco_buf bytes = format(&quote);
        struct coco_quote read = {0};

        for (size_t len = 0; len < bytes.len; len++)
            assert_fails(coco_quote_parse(bytes.data, len, &read, &err), err, COCO_ERR_PROTO,
                         "ends after");
    }
}

/* One byte of a good quote is another. */
static void
what_is_not_understood_is_refused(void **state)
{
    const struct {
        size_t kind;
        size_t at;
        uint8_t byte;
        coco_status status;
        const char *why;
    } cases[] = {
        {0, 0, 2, COCO_ERR_NOTSUP, "version 2"},
        {0, 0, 4, COCO_ERR_NOTSUP, "TEE type 0x0"},
        {1, 0, 3, COCO_ERR_NOTSUP, "TEE type 0x81"},
        {1, 0, 6, COCO_ERR_NOTSUP, "version 6"},
        {1, 1, 1, COCO_ERR_NOTSUP, "version 260"},
        {1, 2, 3, COCO_ERR_NOTSUP, "attestation key of type 3"},
        {0, 2, 0, COCO_ERR_NOTSUP, "attestation key of type 0"},
        {1, 4, 0x80, COCO_ERR_NOTSUP, "TEE type 0x80"},
        {0, 7, 1, COCO_ERR_NOTSUP, "TEE type 0x1000000"},
        {1, 12, 0, COCO_ERR_NOTSUP, "not Intel's"},
        {2, 48, 1, COCO_ERR_NOTSUP, "body of type 1"},
        {2, 48, 4, COCO_ERR_NOTSUP, "body of type 4"},
        {2, 48, 3, COCO_ERR_PROTO, "body of 584 bytes"},
        {3, 48, 2, COCO_ERR_PROTO, "body of 648 bytes"},
        {3, 53, 1, COCO_ERR_PROTO, "body of 16777864 bytes"},
        {0, 435, 0xff, COCO_ERR_PROTO, "ends after"},
        {1, 635, 0xff, COCO_ERR_PROTO, "ends after"},
        {1, 636 + 128, 5, COCO_ERR_NOTSUP, "certified by type 5"},
        {1, 636 + 128 + 5, 1, COCO_ERR_PROTO, "signature of a quote: ends after"},
        {1, 636 + 134 + 448 + 1, 0xff, COCO_ERR_PROTO, "certification of a quote: ends after"},
        {1, 636 + 134 + 448 + 34, 0, COCO_ERR_PROTO, "certification data of type 0"},
        {1, 636 + 134 + 448 + 34, 6, COCO_ERR_PROTO, "certification data of type 6"},
        {1, 636 + 134 + 448 + 34, 8, COCO_ERR_PROTO, "certification data of type 8"},
        {0, 436 + 128 + 448 + 34, 6, COCO_ERR_PROTO, "certification data of type 6"},
        {0, 436 + 128 + 448 + 36, 12, COCO_ERR_PROTO, "1 bytes too many"},
        {0, 436 + 128 + 448 + 36, 14, COCO_ERR_PROTO, "ends after"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_quote quote =
            some_quote(kinds[cases[i].kind].version, kinds[cases[i].kind].body);
        _cleanup_buf_ struct coco_buf bytes = format(&quote);
        struct coco_quote read = {0};

        bytes.data[cases[i].at] = cases[i].byte;
        assert_fails(coco_quote_parse(bytes.data, bytes.len, &read, &err), err, cases[i].status,
                     cases[i].why);
    }
}

/* A longer signature, with bytes behind its last part, that the quote's own length allows. */
static void
a_signature_holds_nothing_but_its_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct coco_quote quote = some_quote(kinds[i].version, kinds[i].body);
        _cleanup_buf_ struct coco_buf bytes = format(&quote);
        struct coco_quote read = {0};

        assert_ok(coco_buf_append(&bytes, "more", 4, &err), err);
        bytes.data[kinds[i].signature_at] += 4;
        assert_fails(coco_quote_parse(bytes.data, bytes.len, &read, &err), err, COCO_ERR_PROTO,
                     "4 bytes too many");
    }
}

static void
large_quotes_are_refused(void **state)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = 2 * COCO_QUOTE_SIZE_MAX};
    static const uint8_t large[COCO_QUOTE_SIZE_MAX + 1];
    struct coco_quote quote = some_quote(4, COCO_QUOTE_TD10);
    struct coco_quote read = {0};

    (void)state;
    assert_fails(coco_quote_parse(large, sizeof(large), &read, &err), err, COCO_ERR_LIMIT,
                 "more than 65536");
    quote.certification_data = large;
    quote.certification_len = sizeof(large);
    assert_fails(coco_quote_format(&quote, &bytes, &err), err, COCO_ERR_LIMIT, "more than 65536");
    quote.certification_len = 0;
    quote.auth = large;
    quote.auth_len = UINT16_MAX + (size_t)1;
    assert_fails(coco_quote_format(&quote, &bytes, &err), err, COCO_ERR_LIMIT, "more than 65536");
}

static void
quotes_without_auth_or_certificates_are_read(void **state)
{
    struct coco_quote quote = some_quote(3, COCO_QUOTE_SGX);
    struct coco_quote read = {0};

    (void)state;
    quote.auth_len = 0;
    quote.certification = COCO_CERTIFICATION_PPID;
    quote.certification_len = 0;
    _cleanup_buf_ struct coco_buf bytes = format(&quote);
    assert_ok(coco_quote_parse(bytes.data, bytes.len, &read, &err), err);
    assert_int_equal(read.auth_len, 0);
    assert_int_equal(read.certification, COCO_CERTIFICATION_PPID);
    assert_string_equal(coco_certification_name(read.certification), "PPID");
    assert_string_equal(coco_certification_name((enum coco_certification)0), "unknown");
    assert_string_equal(coco_certification_name((enum coco_certification)8), "unknown");
}

static void
the_hash_is_of_the_key_and_what_it_is_named_with(void **state)
{
    struct coco_quote quote = some_quote(4, COCO_QUOTE_TD10);
    uint8_t both[COCO_QUOTE_KEY_SIZE + 32];
    struct coco_digest want = {0};
    uint8_t got[32];

    (void)state;
    memcpy(both, quote.key, sizeof(quote.key));
    memcpy(both + sizeof(quote.key), quote.auth, quote.auth_len);
    assert_ok(coco_digest_of(COCO_SHA256, both, sizeof(both), &want, &err), err);
    assert_ok(coco_quote_key_hash(&quote, got, &err), err);
    assert_memory_equal(got, want.bytes, sizeof(got));
}

static void
recorded_quotes_are_written_as_they_were(void **state)
{
    static const struct {
        const char *name;
        size_t behind; /* bytes that are no part of it */
    } cases[] = {
        {"tdx/tdx_quote_4.dat", 0},           {"tdx/tdx_quote_5.dat", 0},
        {"tdx/tdx_quote_6.dat", 70},          {"tdx/gotdx_prod_quote_v4.dat", 39},
        {"tdx/gotdx_quote_v5_sample.dat", 0}, {"tdx/gotdx_cos113_quote.dat", 3065},
        {"tdx/dcapqvl_tdx_quote", 70},        {"tdx/dcapqvl_tdx_quote_outdated", 0},
        {"tdx/intelqvl/quote.dat", 0},        {"sgx/occlum_quote.dat", 0},
        {"sgx/dcapqvl_sgx_quote", 0},         {"sgx/intelqvl/quote.dat", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf again = {.limit = COCO_QUOTE_SIZE_MAX};
        struct coco_quote quote = {0};
        size_t len = 0;

        _cleanup_free_ char *bytes = read_fixture(cases[i].name, &len);
        assert_ok(coco_quote_parse(bytes, len, &quote, &err), err);
        assert_int_equal(len - quote.len, cases[i].behind);
        assert_ok(coco_quote_format(&quote, &again, &err), err);
        assert_int_equal(again.len, quote.len);
        assert_memory_equal(again.data, bytes, quote.len);
    }
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    struct coco_quote quote = some_quote(5, COCO_QUOTE_TD15);

    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf bytes = {.limit = COCO_QUOTE_SIZE_MAX};
        struct coco_quote read = {0};
        uint8_t hash[32];

        coco_status status = coco_quote_format(&quote, &bytes, &err);
        if (status == COCO_OK)
            status = coco_quote_parse(bytes.data, bytes.len, &read, &err);
        if (status == COCO_OK)
            status = coco_quote_key_hash(&read, hash, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_at_their_places),
        cmocka_unit_test(a_quote_is_read_as_it_was_written),
        cmocka_unit_test(what_follows_a_quote_is_no_part_of_it),
        cmocka_unit_test(a_quote_cut_anywhere_is_refused),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(a_signature_holds_nothing_but_its_parts),
        cmocka_unit_test(large_quotes_are_refused),
        cmocka_unit_test(quotes_without_auth_or_certificates_are_read),
        cmocka_unit_test(the_hash_is_of_the_key_and_what_it_is_named_with),
        cmocka_unit_test(recorded_quotes_are_written_as_they_were),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/quote", tests, NULL, NULL);
}
