/*
 * tests/tee/test_corim_write.c - lib/tee/corim_write.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/corim.h"

#include "base/text.h"
#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TEXT(text) ((struct coco_cbor_string){(const uint8_t *)(text), strlen(text)})
#define MANIFEST_MAX ((size_t)1 << 20)

static coco_error *err;
static const uint8_t uuid[16] = {0xaa, 0xbb};

static struct coco_corim_name
text_name(const char *text)
{
    return (struct coco_corim_name){.kind = COCO_CORIM_TEXT, .string = TEXT(text)};
}

/* Each kind of value and name once. */
static void
fill(struct coco_corim_value values[4])
{
    const struct coco_corim_class tdx = {
        .id = {.kind = COCO_CORIM_UUID, .string = {uuid, 16}},
        .vendor = TEXT("Example"),
        .model = TEXT("TDX"),
        .has_layer = true,
        .layer = 0,
        .has_index = true,
        .index = 7,
    };
    const struct coco_corim_class snp = {.vendor = TEXT("Example"), .model = TEXT("SNP")};

    values[0] = (struct coco_corim_value){
        .environment = tdx,
        .key = text_name("mrtd"),
        .digests = {{.alg = COCO_SHA384, .bytes = {0x38}}, {.alg = COCO_SHA256, .bytes = {0x25}}},
        .n_digests = 2,
        .name = TEXT("firmware"),
        .version = TEXT("1.0"),
    };
    values[1] = (struct coco_corim_value){
        .environment = tdx,
        .key = {.kind = COCO_CORIM_NUMBER, .number = 3},
        .raw = {uuid, 16},
        .mask = {uuid, 16},
    };
    values[2] = (struct coco_corim_value){
        .environment = snp,
        .raw = TEXT("raw"),
        .has_svn = true,
        .svn_is_least = true,
        .svn = 9,
    };
    values[3] = (struct coco_corim_value){
        .environment = tdx,
        .key = {.kind = COCO_CORIM_OID, .string = TEXT("\x2a\x03")},
        .digests = {{.alg = COCO_SHA512, .bytes = {0x51}}},
        .n_digests = 1,
        .has_svn = true,
        .svn = 1,
    };
}

static struct coco_corim
manifest_of(struct coco_corim_value *values, size_t n)
{
    return (struct coco_corim){
        .id = text_name("example"),
        .tag = {.kind = COCO_CORIM_UUID, .string = {uuid, 16}},
        .values = values,
        .n_values = n,
    };
}

static bool
same(struct coco_cbor_string a, struct coco_cbor_string b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static void
assert_same_value(const struct coco_corim_value *a, const struct coco_corim_value *b)
{
    assert_int_equal(a->environment.id.kind, b->environment.id.kind);
    assert_true(same(a->environment.id.string, b->environment.id.string));
    assert_true(same(a->environment.vendor, b->environment.vendor));
    assert_true(same(a->environment.model, b->environment.model));
    assert_int_equal(a->environment.has_layer, b->environment.has_layer);
    assert_int_equal(a->environment.layer, b->environment.layer);
    assert_int_equal(a->environment.has_index, b->environment.has_index);
    assert_int_equal(a->environment.index, b->environment.index);
    assert_int_equal(a->key.kind, b->key.kind);
    assert_int_equal(a->key.number, b->key.number);
    assert_true(same(a->key.string, b->key.string));
    assert_int_equal(a->n_digests, b->n_digests);
    for (size_t i = 0; i < a->n_digests; i++)
        assert_true(coco_digest_equal(&a->digests[i], &b->digests[i]));
    assert_true(same(a->name, b->name));
    assert_true(same(a->version, b->version));
    assert_true(same(a->raw, b->raw));
    assert_true(same(a->mask, b->mask));
    assert_int_equal(a->has_svn, b->has_svn);
    assert_int_equal(a->svn_is_least, b->svn_is_least);
    assert_int_equal(a->svn, b->svn);
}

static void
values_are_read_as_they_were_written(void **state)
{
    struct coco_corim_value values[4];
    _cleanup_buf_ struct coco_buf buf = {.limit = MANIFEST_MAX};
    _cleanup_corim_ struct coco_corim read = {0};

    (void)state;
    fill(values);
    struct coco_corim corim = manifest_of(values, COUNT(values));
    corim.not_before = 100;
    corim.not_after = 200;
    assert_ok(coco_corim_format(&corim, &buf, &err), err);
    assert_ok(coco_corim_parse(buf.data, buf.len, &read, &err), err);
    assert_int_equal(read.id.kind, COCO_CORIM_TEXT);
    assert_true(coco_cbor_string_is(read.id.string, "example"));
    assert_int_equal(read.not_before, 100);
    assert_int_equal(read.not_after, 200);
    assert_int_equal(read.n_values, COUNT(values));
    for (size_t i = 0; i < COUNT(values); i++)
        assert_same_value(&read.values[i], &values[i]);
}

/* Byte for byte what the draft says, written out by hand. */
static void
the_form_is_that_of_the_draft(void **state)
{
    static const char want[] = "d901f5" /* 501(corim-map) */
                               "a2"
                               "00"
                               "6474657374" /* id: "test" */
                               "01"
                               "81"
                               "d901fa" /* tags: [506(bytes)] */
                               "5843"
                               "a2"
                               "01"
                               "a1"
                               "00"
                               "63746167" /* tag-identity: {0: "tag"} */
                               "04"
                               "a1"
                               "00" /* triples: {reference-triples: ...} */
                               "81"
                               "82"
                               "a1"
                               "00"
                               "a1"
                               "02"
                               "63534e50" /* {class: {model: "SNP"}} */
                               "81"
                               "a2"
                               "00"
                               "626d64" /* mkey: "md" */
                               "01"
                               "a1"
                               "02"
                               "81"
                               "82"
                               "01" /* mval: {digests: [[sha-256, ...]]} */
                               "5820";
    struct coco_corim_value value = {
        .environment = {.model = TEXT("SNP")},
        .key = text_name("md"),
        .digests = {{.alg = COCO_SHA256}},
        .n_digests = 1,
    };
    _cleanup_buf_ struct coco_buf buf = {.limit = MANIFEST_MAX};
    struct coco_corim corim = manifest_of(&value, 1);
    char got[512];

    (void)state;
    corim.id = text_name("test");
    corim.tag = text_name("tag");
    assert_ok(coco_corim_format(&corim, &buf, &err), err);
    coco_hex(buf.data, buf.len, got);
    assert_memory_equal(got, want, strlen(want));
    assert_int_equal(strlen(got), strlen(want) + 64);
    assert_int_equal(strspn(got + strlen(want), "0"), 64);
}

/* Values of one class share a triple only where they follow each other. */
static void
values_keep_their_order(void **state)
{
    struct coco_corim_value values[4];
    _cleanup_buf_ struct coco_buf buf = {.limit = MANIFEST_MAX};
    static const uint8_t three[] = {0x04, 0xa1, 0x00, 0x83};

    (void)state;
    fill(values);
    struct coco_corim corim = manifest_of(values, COUNT(values));
    assert_ok(coco_corim_format(&corim, &buf, &err), err);
    assert_non_null(memmem(buf.data, buf.len, three, sizeof(three)));
}

static void
what_would_not_be_read_again_is_not_written(void **state)
{
    struct coco_corim_value values[4];
    _cleanup_buf_ struct coco_buf buf = {.limit = MANIFEST_MAX};

    (void)state;
    fill(values);
    struct coco_corim corim = manifest_of(values, 0);
    assert_fails(coco_corim_format(&corim, &buf, &err), err, COCO_ERR_INVALID, "without values");
    corim = manifest_of(values, COCO_CORIM_VALUES_MAX + 1);
    assert_fails(coco_corim_format(&corim, &buf, &err), err, COCO_ERR_LIMIT, "more than 4096");
    corim = manifest_of(values, 4);
    corim.id = (struct coco_corim_name){0};
    assert_fails(coco_corim_format(&corim, &buf, &err), err, COCO_ERR_INVALID, "without an id");
    corim = manifest_of(values, 4);
    corim.not_before = 1;
    assert_fails(coco_corim_format(&corim, &buf, &err), err, COCO_ERR_INVALID, "does not end");
    corim = manifest_of(values, 4);
    values[3].name = TEXT("\xff");
    assert_fails(coco_corim_format(&corim, &buf, &err), err, COCO_ERR_INVALID, "not UTF-8");
    assert_int_equal(buf.len, 0);
}

static coco_status
seal_and_open(EVP_PKEY *key, EVP_PKEY *by, struct coco_corim *ret, struct coco_cbor_string *signer,
              struct coco_buf *buf, coco_error **e)
{
    struct coco_corim_value values[4];

    fill(values);
    struct coco_corim corim = manifest_of(values, COUNT(values));
    coco_status status = coco_corim_seal(key, "Example Ltd.", &corim, buf, e);
    if (status == COCO_OK)
        status = coco_corim_open(buf->data, buf->len, by, ret, signer, e);
    return status;
}

static void
what_is_sealed_can_be_opened_by_the_key_alone(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_P384, COCO_KEY_ED25519};
    _cleanup_pkey_ EVP_PKEY *other = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P256, &other, &err), err);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = MANIFEST_MAX};
        _cleanup_corim_ struct coco_corim read = {0};
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        struct coco_cbor_string signer = {0};

        assert_ok(coco_key_generate(kinds[i], &key, &err), err);
        assert_ok(seal_and_open(key, key, &read, &signer, &buf, &err), err);
        assert_true(coco_cbor_string_is(signer, "Example Ltd."));
        assert_int_equal(read.n_values, 4);
        coco_corim_done(&read);
        assert_fails(coco_corim_open(buf.data, buf.len, other, &read, &signer, &err), err,
                     COCO_ERR_VERIFY, "signed CoRIM: ");
        assert_null(read.values);
    }
}

static void
no_byte_of_what_is_sealed_can_be_changed(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = MANIFEST_MAX};
    _cleanup_corim_ struct coco_corim read = {0};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    struct coco_cbor_string signer = {0};

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
    assert_ok(seal_and_open(key, key, &read, &signer, &buf, &err), err);
    coco_corim_done(&read);
    for (size_t bit = 0; bit < 8 * buf.len; bit++) {
        buf.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (coco_corim_open(buf.data, buf.len, key, &read, &signer, NULL) == COCO_OK)
            fail_msg("bit %zu can be flipped", bit);
        buf.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

static void
sealing_and_opening_survive_any_failed_allocation(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = MANIFEST_MAX};
        _cleanup_corim_ struct coco_corim read = {0};
        struct coco_cbor_string signer = {0};
        coco_error *e = NULL;

        coco_status status = seal_and_open(key, key, &read, &signer, &buf, &e);
        fault_expect(status, e);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_as_they_were_written),
        cmocka_unit_test(the_form_is_that_of_the_draft),
        cmocka_unit_test(values_keep_their_order),
        cmocka_unit_test(what_would_not_be_read_again_is_not_written),
        cmocka_unit_test(what_is_sealed_can_be_opened_by_the_key_alone),
        cmocka_unit_test(no_byte_of_what_is_sealed_can_be_changed),
        cmocka_unit_test(sealing_and_opening_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/corim_write", tests, NULL, NULL);
}
