/*
 * tests/tee/test_nitro.c - lib/tee/nitro.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/nitro.h"

#include "tests/faults.h"
#include "tests/pki.h"
#include "tests/tee/nitro_sample.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PAYLOAD_MAX ((size_t)1 << 17)

static EVP_PKEY *key; /* of no certificate: what is read is not verified here */
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P384, &key, &err), err);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

static struct coco_cbor_string
string_of(const struct coco_buf *buf)
{
    return (struct coco_cbor_string){buf->data, buf->len};
}

/* Appends a document of payload. */
static coco_status
sign(EVP_PKEY *by, const struct coco_buf *payload, struct coco_buf *ret, coco_error **e)
{
    struct coco_cose_content content = {.payload = string_of(payload)};

    return coco_cose_sign1_sign(by, &content, ret, e);
}

/* Reads the document of a payload; what is lent is gone. */
static coco_status
read_payload(const struct coco_buf *payload, coco_error **e)
{
    _cleanup_buf_ struct coco_buf text = {.limit = PAYLOAD_MAX};
    struct coco_nitro_document read;

    coco_status status = sign(key, payload, &text, e);
    if (status == COCO_OK)
        status = coco_nitro_document_parse(text.data, text.len, &read, e);
    return status;
}

static coco_status
read_document(const struct coco_nitro_document *document, coco_error **e)
{
    _cleanup_buf_ struct coco_buf payload = {.limit = PAYLOAD_MAX};

    coco_status status = coco_nitro_payload_format(document, &payload, e);
    if (status == COCO_OK)
        status = read_payload(&payload, e);
    return status;
}

static bool
same(struct coco_cbor_string a, struct coco_cbor_string b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static void
a_document_is_read_as_it_was_written(void **state)
{
    struct coco_nitro_document document = nitro_sample();
    _cleanup_buf_ struct coco_buf payload = {.limit = PAYLOAD_MAX};
    _cleanup_buf_ struct coco_buf text = {.limit = PAYLOAD_MAX};
    struct coco_nitro_document read;

    (void)state;
    assert_ok(coco_nitro_payload_format(&document, &payload, &err), err);
    assert_ok(sign(key, &payload, &text, &err), err);
    assert_memory_equal(text.data, "\x84\x44\xa1\x01\x38\x22\xa0\x59", 8);
    assert_ok(coco_nitro_document_parse(text.data, text.len, &read, &err), err);
    assert_ok(coco_cose_sign1_verify(&read.message, key, NULL, &err), err);
    assert_true(same(read.module_id, document.module_id));
    assert_true(read.timestamp == document.timestamp);
    for (size_t i = 0; i < COCO_NITRO_PCRS; i++)
        assert_true(same(read.pcrs[i], document.pcrs[i]));
    assert_true(same(read.certificate, document.certificate));
    assert_int_equal(read.n_cabundle, 2);
    assert_true(same(read.cabundle[0], document.cabundle[0]));
    assert_true(same(read.cabundle[1], document.cabundle[1]));
    assert_true(same(read.public_key, document.public_key));
    assert_true(same(read.user_data, document.user_data));
    assert_true(same(read.nonce, document.nonce));
}

static void
members_of_another_size_are_refused(void **state)
{
    static const uint8_t long_field[COCO_NITRO_FIELD_MAX + 1];
    static const uint8_t long_cert[COCO_CERT_SIZE_MAX + 1];
    struct coco_nitro_document d = nitro_sample();

    (void)state;
    assert_ok(read_document(&d, &err), err);
    d.module_id = NITRO_TEXT("");
    assert_fails(read_document(&d, &err), err, COCO_ERR_PROTO, "module_id: has 0 bytes");
    d.module_id = (struct coco_cbor_string){long_field, 257};
    assert_fails(read_document(&d, &err), err, COCO_ERR_PROTO, "module_id: has a NUL");
    d = nitro_sample();
    d.pcrs[7] = (struct coco_cbor_string){long_field, 32};
    assert_fails(read_document(&d, &err), err, COCO_ERR_PROTO, "pcrs: has 32 bytes");
    for (size_t i = 0; i < 3; i++) {
        d = nitro_sample();
        d.pcrs[i] = (struct coco_cbor_string){0};
        assert_fails(read_document(&d, &err), err, COCO_ERR_PROTO, "pcrs: no");
    }
    d = nitro_sample();
    d.certificate = NITRO_TEXT("");
    assert_fails(read_document(&d, &err), err, COCO_ERR_PROTO, "certificate: has 0 bytes");
    d.certificate = NITRO_BYTES(long_cert);
    assert_fails(read_document(&d, &err), err, COCO_ERR_PROTO, "certificate: has 16385 bytes");
    d = nitro_sample();
    d.cabundle[1] = NITRO_TEXT("");
    assert_fails(read_document(&d, &err), err, COCO_ERR_PROTO, "cabundle: has 0 bytes");
    d.n_cabundle = 0;
    assert_fails(read_document(&d, &err), err, COCO_ERR_PROTO, "cabundle: is empty");
    d = nitro_sample();
    d.nonce = (struct coco_cbor_string){long_field, COCO_NITRO_FIELD_MAX};
    assert_ok(read_document(&d, &err), err);
    d.nonce = NITRO_BYTES(long_field);
    assert_fails(read_document(&d, &err), err, COCO_ERR_PROTO, "nonce: has 1025 bytes");
    d = nitro_sample();
    d.user_data = NITRO_BYTES(long_field);
    assert_fails(read_document(&d, &err), err, COCO_ERR_PROTO, "user_data: has 1025 bytes");
    d = nitro_sample();
    d.public_key = NITRO_BYTES(long_field);
    assert_fails(read_document(&d, &err), err, COCO_ERR_PROTO, "public_key: has 1025 bytes");
}

/* The payload of the sample with the value of one member, or with one member more. */
static void
with(const char *name, struct coco_cbor value, struct coco_buf *ret)
{
    struct coco_nitro_document document = nitro_sample();
    _cleanup_buf_ struct coco_buf whole = {.limit = PAYLOAD_MAX};
    struct coco_cbor_items items;
    struct coco_cbor_string text;
    struct coco_cbor map;
    struct coco_cbor key_item;
    struct coco_cbor old;
    bool known;

    assert_ok(coco_nitro_payload_format(&document, &whole, &err), err);
    assert_ok(coco_cbor_parse(whole.data, whole.len, "sample", &map, &err), err);
    known = coco_cbor_find_text(map, name, &old);
    assert_ok(coco_cbor_map(map, &items, &err), err);
    struct coco_cbor_writer w = coco_cbor_writer_of(ret, &err);
    coco_cbor_put_map(&w, !known ? 10U : value.len == 0 ? 8U : 9U);
    while (coco_cbor_next_pair(&items, &key_item, &old)) {
        assert_ok(coco_cbor_text(key_item, &text, &err), err);
        bool is_it = coco_cbor_string_is(text, name);
        if (is_it && value.len == 0)
            continue;
        coco_cbor_put_item(&w, key_item);
        coco_cbor_put_item(&w, is_it ? value : old);
    }
    if (!known) {
        coco_cbor_put_string(&w, name);
        coco_cbor_put_item(&w, value);
    }
    assert_ok(w.status, err);
}

#define ITEM(bytes)                                                                                \
    {                                                                                              \
        (const uint8_t *)(bytes), sizeof(bytes) - 1                                                \
    }

static void
members_that_are_missing_or_of_another_type_are_refused(void **state)
{
    static const struct {
        const char *name;
        struct coco_cbor value; /* none: left out */
        coco_status status;
        const char *why;
    } cases[] = {
        {"module_id", {0}, COCO_ERR_PROTO, "has no module_id"},
        {"digest", {0}, COCO_ERR_PROTO, "has no digest"},
        {"timestamp", {0}, COCO_ERR_PROTO, "has no timestamp"},
        {"pcrs", {0}, COCO_ERR_PROTO, "has no pcrs"},
        {"certificate", {0}, COCO_ERR_PROTO, "has no certificate"},
        {"cabundle", {0}, COCO_ERR_PROTO, "has no cabundle"},
        {"module_id", ITEM("\x41\x61"), COCO_ERR_PROTO, "module_id: is no text"},
        {"digest", ITEM("\x46SHA384"), COCO_ERR_PROTO, "digest: is no text"},
        {"digest", ITEM("\x66SHA256"), COCO_ERR_NOTSUP, "digest is not SHA384"},
        {"digest", ITEM("\x66sha384"), COCO_ERR_NOTSUP, "digest is not SHA384"},
        {"timestamp", ITEM("\x20"), COCO_ERR_PROTO, "timestamp: is no unsigned integer"},
        {"pcrs", ITEM("\x80"), COCO_ERR_PROTO, "pcrs: is no map"},
        {"pcrs", ITEM("\xa0"), COCO_ERR_PROTO, "pcrs: no 0"},
        {"pcrs", ITEM("\xa1\x18\x20\x40"), COCO_ERR_PROTO, "one that is not 0 to 31"},
        {"pcrs", ITEM("\xa1\x20\x40"), COCO_ERR_PROTO, "one that is not 0 to 31"},
        {"pcrs", ITEM("\xa1\x61\x30\x40"), COCO_ERR_PROTO, "one that is not 0 to 31"},
        {"pcrs", ITEM("\xa1\x00\x60"), COCO_ERR_PROTO, "pcrs: is no byte string"},
        {"certificate", ITEM("\x61\x61"), COCO_ERR_PROTO, "certificate: is no byte string"},
        {"certificate", ITEM("\xf6"), COCO_ERR_PROTO, "certificate: is no byte string"},
        {"cabundle", ITEM("\x41\x61"), COCO_ERR_PROTO, "cabundle: is no array"},
        {"cabundle", ITEM("\x81\x61\x61"), COCO_ERR_PROTO, "cabundle: is no byte string"},
        {"cabundle", ITEM("\x86\x41\x61\x41\x61\x41\x61\x41\x61\x41\x61\x41\x61"), COCO_ERR_LIMIT,
         "more than 5 certificates"},
        {"nonce", ITEM("\x61\x61"), COCO_ERR_PROTO, "nonce: is no byte string"},
        {"nonce", ITEM("\xf4"), COCO_ERR_PROTO, "nonce: is no byte string"},
        {"user_data", ITEM("\x00"), COCO_ERR_PROTO, "user_data: is no byte string"},
        {"public_key", ITEM("\x80"), COCO_ERR_PROTO, "public_key: is no byte string"},
        {"debug", ITEM("\xf5"), COCO_ERR_PROTO, "unknown member 'debug'"},
        {"Nonce", ITEM("\x41\x61"), COCO_ERR_PROTO, "unknown member 'Nonce'"},
        {"", ITEM("\xf6"), COCO_ERR_PROTO, "unknown member ''"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf payload = {.limit = PAYLOAD_MAX};

        with(cases[i].name, cases[i].value, &payload);
        assert_fails(read_payload(&payload, &err), err, cases[i].status, cases[i].why);
    }
}

/* What the enclave gave may be null, empty, or not there at all. */
static void
fields_may_be_missing(void **state)
{
    static const char *const names[] = {"public_key", "user_data", "nonce"};
    static const struct coco_cbor values[] = {{0}, ITEM("\xf6"), ITEM("\x40")};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        for (size_t j = 0; j < COUNT(values); j++) {
            _cleanup_buf_ struct coco_buf payload = {.limit = PAYLOAD_MAX};

            with(names[i], values[j], &payload);
            assert_ok(read_payload(&payload, &err), err);
        }
}

/* Modules of today leave the length of the map open; only that of this one may be. */
static void
the_map_may_be_open(void **state)
{
    struct coco_nitro_document document = nitro_sample();
    _cleanup_buf_ struct coco_buf payload = {.limit = PAYLOAD_MAX};
    uint8_t *inner;

    (void)state;
    assert_ok(coco_nitro_payload_format(&document, &payload, &err), err);
    payload.data[0] = 0xbf;
    assert_fails(read_payload(&payload, &err), err, COCO_ERR_PROTO, "ends after");
    assert_ok(coco_buf_append(&payload, "\xff", 1, &err), err);
    assert_ok(read_payload(&payload, &err), err);

    inner = memmem(payload.data, payload.len, "pcrs", 4);
    assert_non_null(inner);
    inner[4] = 0xbf;
    assert_fails(read_payload(&payload, &err), err, COCO_ERR_PROTO, "open or unknown length");
}

static void
what_no_document_is_is_refused(void **state)
{
    static const uint8_t huge[COCO_NITRO_DOCUMENT_MAX + 1];
    _cleanup_pkey_ EVP_PKEY *p256 = NULL;
    struct coco_nitro_document document = nitro_sample();
    _cleanup_buf_ struct coco_buf payload = {.limit = PAYLOAD_MAX};
    _cleanup_buf_ struct coco_buf text = {.limit = PAYLOAD_MAX};
    struct coco_nitro_document read;

    (void)state;
    assert_fails(coco_nitro_document_parse(huge, sizeof(huge), &read, &err), err, COCO_ERR_LIMIT,
                 "more than 65536 bytes");
    assert_fails(coco_nitro_document_parse("", 0, &read, &err), err, COCO_ERR_PROTO,
                 "Nitro document: ");
    assert_ok(coco_buf_append(&payload, "\x80", 1, &err), err);
    assert_fails(read_payload(&payload, &err), err, COCO_ERR_PROTO, "is no map");
    coco_buf_reset(&payload);
    assert_ok(coco_buf_append(&payload, "\xa1\x00\x00", 3, &err), err);
    assert_fails(read_payload(&payload, &err), err, COCO_ERR_PROTO, "name of a member: is no text");

    coco_buf_reset(&payload);
    assert_ok(coco_nitro_payload_format(&document, &payload, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &p256, &err), err);
    assert_ok(sign(p256, &payload, &text, &err), err);
    assert_fails(coco_nitro_document_parse(text.data, text.len, &read, &err), err, COCO_ERR_NOTSUP,
                 "alg -7 is not ES384");
}

static void
the_chain_is_leaf_first(void **state)
{
    struct coco_nitro_document document = nitro_sample();
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    struct pki_cert certs[3] = {{0}};
    struct coco_cbor_string ders[3];
    unsigned char *allocated[3] = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        pki_make_ca(&certs[i], i > 0 ? &certs[i - 1] : NULL, "CA");
        int len = i2d_X509(certs[i].cert, &allocated[i]);
        assert_true(len > 0);
        ders[i] = (struct coco_cbor_string){allocated[i], (size_t)len};
    }
    document.cabundle[0] = ders[0];
    document.cabundle[1] = ders[1];
    document.certificate = ders[2];
    assert_ok(coco_nitro_chain(&document, &chain, &err), err);
    assert_int_equal(chain.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(X509_cmp(chain.certs[i], certs[2 - i].cert), 0);

    coco_cert_chain_done(&chain);
    document.cabundle[0] = NITRO_TEXT("root");
    assert_fails(coco_nitro_chain(&document, &chain, &err), err, COCO_ERR_PROTO,
                 "certificate 0 of cabundle");
    coco_cert_chain_done(&chain);
    document.certificate = NITRO_TEXT("leaf");
    assert_fails(coco_nitro_chain(&document, &chain, &err), err, COCO_ERR_PROTO, "certificate: ");
    for (size_t i = 0; i < 3; i++) {
        pki_done(&certs[i]);
        OPENSSL_free(allocated[i]);
    }
}

static coco_status
parse_evidence(const char *json, struct coco_buf *ret, coco_error **e)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_parse_object(json, strlen(json), &object, e);
    if (status == COCO_OK)
        status = coco_nitro_evidence_parse(object, ret, e);
    return status;
}

static void
evidence_is_base64_and_nothing_else(void **state)
{
    static const char *const bad[] = {
        "{}",
        "{\"document\":1}",
        "{\"document\":\"hES\"}",
        "{\"document\":\"-_==\"}",
        "{\"document\":\"\",\"more\":1}",
    };
    _cleanup_buf_ struct coco_buf json = {.limit = 256};
    _cleanup_buf_ struct coco_buf bytes = {.limit = 8};

    (void)state;
    assert_ok(coco_nitro_evidence_format(NITRO_TEXT("\x84\x44"), &json, &err), err);
    assert_string_equal(coco_buf_text(&json), "{\"document\":\"hEQ=\"}");
    assert_ok(parse_evidence(coco_buf_text(&json), &bytes, &err), err);
    assert_int_equal(bytes.len, 2);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(parse_evidence(bad[i], &bytes, &err), err, COCO_ERR_PROTO, "");
    assert_fails(parse_evidence("{\"document\":\"AAAAAAAAAAAA\"}", &bytes, &err), err,
                 COCO_ERR_LIMIT, "8 bytes");
}

static void
reading_and_writing_survive_any_failed_allocation(void **state)
{
    struct coco_nitro_document document = nitro_sample();

    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf json = {.limit = PAYLOAD_MAX};
        coco_error *e = NULL;

        coco_status status = read_document(&document, &e);
        if (status == COCO_OK)
            status = coco_nitro_evidence_format(NITRO_TEXT("text"), &json, &e);
        fault_expect(status, e);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_document_is_read_as_it_was_written),
        TEST(members_of_another_size_are_refused),
        TEST(members_that_are_missing_or_of_another_type_are_refused),
        TEST(fields_may_be_missing),
        TEST(the_map_may_be_open),
        TEST(what_no_document_is_is_refused),
        TEST(the_chain_is_leaf_first),
        TEST(evidence_is_base64_and_nothing_else),
        TEST(reading_and_writing_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/nitro", tests, NULL, NULL);
}
