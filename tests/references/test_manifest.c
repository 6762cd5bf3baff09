/*
 * tests/references/test_manifest.c - lib/references/manifest.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"
#include "crypto/key.h"
#include "references/references.h"
#include "tee/corim.h"

#include "tests/faults.h"

#include <string.h>

#define TEXT(text) ((struct coco_cbor_string){(const uint8_t *)(text), strlen(text)})
#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "ff23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define VALUES                                                                                     \
    "{\"mr_td\":[\"" HEX64 "\",\"" OTHER "\"],\"one\":\"" HEX64 "\",\"n\":7,\"list\":[\"00\"],"    \
    "\"none\":[],\"mixed\":[\"" HEX64 "\",7],\"b\":true,\"o\":{\"x\":[1.5]}}"

static coco_error *err;
static struct coco_buf owner, owner_public, stranger_public;

static void
make_key(struct coco_buf *private, struct coco_buf *public)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
    if (private)
        assert_ok(coco_key_private_pem(key, private, &err), err);
    assert_ok(coco_key_public_pem(key, public, &err), err);
}

static int
setup(void **state)
{
    (void)state;
    owner.limit = owner_public.limit = stranger_public.limit = 4096;
    make_key(&owner, &owner_public);
    make_key(NULL, &stranger_public);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coco_buf_done(&owner);
    coco_buf_done(&owner_public);
    coco_buf_done(&stranger_public);
    return 0;
}

static coco_references *
set_of(const char *text)
{
    coco_references *references = NULL;

    assert_ok(coco_references_parse((const uint8_t *)text, strlen(text), &references, &err), err);
    return references;
}

static coco_bytes *
signed_of(const coco_references *references)
{
    coco_bytes *bytes = NULL;

    assert_ok(coco_references_sign(references, owner.data, owner.len, "Ann", &bytes, &err), err);
    return bytes;
}

static coco_status
open_as(const uint8_t *data, size_t len, const struct coco_buf *key, coco_references **ret,
        coco_error **failure)
{
    return coco_references_open(data, len, key->data, key->len, ret, failure);
}

static void
assert_same(const coco_references *a, const coco_references *b)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    assert_ok(coco_references_diff(a, b, &bytes, &err), err);
    assert_string_equal((const char *)coco_bytes_data(bytes), "[]");
}

static void
nothing_is_lost_in_a_manifest(void **state)
{
    _cleanup_references_ coco_references *values = set_of(VALUES);
    _cleanup_references_ coco_references *plain = NULL;
    _cleanup_references_ coco_references *opened = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *corim = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *sealed = signed_of(values);

    (void)state;
    assert_ok(coco_references_format(values, "corim", &corim, &err), err);
    assert_ok(coco_references_parse(coco_bytes_data(corim), coco_bytes_size(corim), &plain, &err),
              err);
    assert_same(values, plain);
    assert_null(coco_references_signer(plain));
    assert_ok(
        open_as(coco_bytes_data(sealed), coco_bytes_size(sealed), &owner_public, &opened, &err),
        err);
    assert_same(values, opened);
    assert_string_equal(coco_references_signer(opened), "Ann");
}

static void
digests_are_digests_of_the_format(void **state)
{
    _cleanup_references_ coco_references *values = set_of(VALUES);
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_corim_ struct coco_corim corim = {0};

    (void)state;
    assert_ok(coco_references_format(values, "corim", &bytes, &err), err);
    assert_ok(coco_corim_parse(coco_bytes_data(bytes), coco_bytes_size(bytes), &corim, &err), err);
    assert_int_equal(corim.n_values, 9);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(corim.values[i].n_digests, 1);
        assert_int_equal(corim.values[i].digests[0].alg, COCO_SHA256);
        assert_true(coco_cbor_string_is(corim.values[i].key.string, "mr_td"));
    }
    assert_int_equal(corim.values[2].n_digests, 0);
    assert_true(coco_cbor_string_is(corim.values[3].raw, "7"));
}

static void
a_manifest_ends_with_the_value_that_ends_first(void **state)
{
    _cleanup_references_ coco_references *values = set_of("{\"c\":1}");
    _cleanup_references_ coco_references *opened = NULL;

    (void)state;
    assert_ok(coco_references_add(values, "a", "1", 3000, false, &err), err);
    assert_ok(coco_references_add(values, "b", "1", 2000, false, &err), err);
    _cleanup_(coco_bytes_freep) coco_bytes *sealed = signed_of(values);
    assert_ok(
        open_as(coco_bytes_data(sealed), coco_bytes_size(sealed), &owner_public, &opened, &err),
        err);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(coco_references_expires(opened, i), 2000);
    assert_fails(coco_references_check(opened, 2001, &err), err, COCO_ERR_VERIFY, "ended at");
}

static void
only_what_the_owner_signed_is_opened(void **state)
{
    _cleanup_references_ coco_references *values = set_of("{\"a\":1}");
    _cleanup_references_ coco_references *none = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *corim = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *sealed = signed_of(values);

    (void)state;
    assert_ok(coco_references_format(values, "corim", &corim, &err), err);
    assert_fails(
        open_as(coco_bytes_data(sealed), coco_bytes_size(sealed), &stranger_public, &none, &err),
        err, COCO_ERR_VERIFY, "reference values");
    assert_fails(
        open_as(coco_bytes_data(corim), coco_bytes_size(corim), &owner_public, &none, &err), err,
        COCO_ERR_PROTO, "reference values");
    assert_fails(
        coco_references_parse(coco_bytes_data(sealed), coco_bytes_size(sealed), &none, &err), err,
        COCO_ERR_INVALID, "say whose key did");
    assert_fails(coco_references_open(coco_bytes_data(sealed), coco_bytes_size(sealed),
                                      (const uint8_t *)"x", 1, &none, &err),
                 err, COCO_ERR_PROTO, "");
    assert_null(none);
}

static void
no_byte_of_what_is_signed_can_be_changed(void **state)
{
    _cleanup_references_ coco_references *values = set_of("{\"a\":[\"" HEX64 "\"],\"b\":7}");
    _cleanup_(coco_bytes_freep) coco_bytes *sealed = signed_of(values);
    size_t len = coco_bytes_size(sealed);
    _cleanup_free_ uint8_t *copy = malloc(len + 1);

    (void)state;
    assert_non_null(copy);
    for (size_t i = 0; i < len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            _cleanup_references_ coco_references *none = NULL;

            memcpy(copy, coco_bytes_data(sealed), len);
            copy[i] ^= (uint8_t)(1U << bit);
            assert_int_not_equal(open_as(copy, len, &owner_public, &none, NULL), COCO_OK);
            assert_null(none);
        }
    copy[len] = 0;
    _cleanup_references_ coco_references *none = NULL;
    memcpy(copy, coco_bytes_data(sealed), len);
    assert_int_not_equal(open_as(copy, len + 1, &owner_public, &none, NULL), COCO_OK);
    assert_int_not_equal(open_as(copy, len - 1, &owner_public, &none, NULL), COCO_OK);
}

static coco_status
read_corim(struct coco_corim_value *values, size_t n, coco_references **ret, coco_error **failure)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 65536};
    const struct coco_corim corim = {
        .id = {.kind = COCO_CORIM_TEXT, .string = TEXT("x")},
        .tag = {.kind = COCO_CORIM_TEXT, .string = TEXT("x")},
        .values = values,
        .n_values = n,
    };

    assert_ok(coco_corim_format(&corim, &buf, &err), err);
    return coco_references_parse(buf.data, buf.len, ret, failure);
}

/* Trustee, rvps/src/extractors/corim. */
static void
values_of_others_have_the_names_of_trustee(void **state)
{
    static const uint8_t uuid[16] = {0x31, 0xfb, 0x5a, 0xbf, 0x02, 0x3e, 0x49, 0x92,
                                     0xaa, 0x4e, 0x95, 0xf9, 0xc1, 0x50, 0x3b, 0xfa};
    const struct coco_corim_class acme = {.vendor = TEXT("ACME"), .model = TEXT("RoadRunner")};
    struct coco_corim_value values[] = {
        {.environment = acme,
         .key = {.kind = COCO_CORIM_UUID, .string = {uuid, 16}},
         .digests = {{.alg = COCO_SHA256, .bytes = {1}}},
         .n_digests = 1},
        {.environment = acme,
         .key = {.kind = COCO_CORIM_UUID, .string = {uuid, 16}},
         .digests = {{.alg = COCO_SHA256, .bytes = {2}}},
         .n_digests = 1},
        {.environment = acme,
         .key = {.kind = COCO_CORIM_NUMBER, .number = 3},
         .raw = TEXT("\x01\xff"),
         .name = TEXT("boot")},
        {.environment = {.vendor = TEXT("confidential-containers")},
         .key = {.kind = COCO_CORIM_TEXT, .string = TEXT("k")},
         .raw = TEXT("\x01")},
    };
    _cleanup_references_ coco_references *references = NULL;

    (void)state;
    assert_ok(read_corim(values, 4, &references, &err), err);
    assert_string_equal(coco_references_name(references, 0),
                        "ACME/RoadRunner/31fb5abf-023e-4992-aa4e-95f9c1503bfa/digests");
    assert_string_equal(coco_references_value(references, 0),
                        "[\"0100000000000000000000000000000000000000000000000000000000000000\","
                        "\"0200000000000000000000000000000000000000000000000000000000000000\"]");
    assert_string_equal(coco_references_name(references, 1),
                        "ACME/RoadRunner/claim3/boot/raw_bytes");
    assert_string_equal(coco_references_value(references, 1), "\"01ff\"");
    assert_string_equal(coco_references_name(references, 2), "confidential-containers/k/raw_bytes");
    assert_null(coco_references_name(references, 3));
}

static void
what_would_be_dropped_is_refused(void **state)
{
    const struct coco_corim_class acme = {.vendor = TEXT("ACME")};
    const struct coco_corim_name key = {.kind = COCO_CORIM_TEXT, .string = TEXT("k")};
    struct coco_corim_value values[] = {
        {.environment = {.id = {.kind = COCO_CORIM_BYTES, .string = TEXT("i")}}, .raw = TEXT("r")},
        {.environment = {.vendor = TEXT("ACME"), .has_layer = true}, .raw = TEXT("r")},
        {.environment = {.vendor = TEXT("ACME"), .has_index = true}, .raw = TEXT("r")},
        {.environment = acme, .key = key, .raw = TEXT("r"), .mask = TEXT("m")},
        {.environment = acme, .key = key, .raw = TEXT("r"), .version = TEXT("1")},
        {.environment = acme, .key = key, .raw = TEXT("r"), .has_svn = true},
        {.environment = acme,
         .key = key,
         .raw = TEXT("r"),
         .digests = {{.alg = COCO_SHA256}},
         .n_digests = 1},
        {.environment = acme,
         .key = {.kind = COCO_CORIM_OID, .string = TEXT("\x2a\x03")},
         .raw = TEXT("r")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        _cleanup_references_ coco_references *none = NULL;

        coco_status status = read_corim(&values[i], 1, &none, &err);
        if (status != COCO_ERR_NOTSUP)
            fail_msg("case %zu: %s", i, coco_error_message(err));
        coco_error_free(err);
        err = NULL;
    }
    /* JSON that is none, null, and of a name that is there. */
    struct coco_corim_value twice[2];
    for (size_t i = 0; i < 2; i++)
        twice[i] = (struct coco_corim_value){
            .environment = {.vendor = TEXT("confidential-containers")},
            .key = key,
            .raw = TEXT("7"),
            .name = TEXT("json"),
        };
    _cleanup_references_ coco_references *none = NULL;
    assert_fails(read_corim(twice, 2, &none, &err), err, COCO_ERR_PROTO, "two values called 'k'");
    twice[0].raw = TEXT("{");
    assert_fails(read_corim(twice, 1, &none, &err), err, COCO_ERR_PROTO, "value 0");
    twice[0].raw = TEXT("null");
    assert_fails(read_corim(twice, 1, &none, &err), err, COCO_ERR_INVALID, "value 0");
}

static void
who_signs_has_a_name_and_a_key(void **state)
{
    _cleanup_references_ coco_references *values = set_of("{\"a\":1}");
    _cleanup_references_ coco_references *empty = set_of("{}");
    _cleanup_(coco_bytes_freep) coco_bytes *none = NULL;

    (void)state;
    assert_fails(coco_references_sign(values, owner.data, owner.len, "", &none, &err), err,
                 COCO_ERR_INVALID, "who signs");
    assert_fails(coco_references_sign(values, owner.data, owner.len, "\xff", &none, &err), err,
                 COCO_ERR_INVALID, "who signs");
    assert_fails(
        coco_references_sign(values, owner_public.data, owner_public.len, "Ann", &none, &err), err,
        COCO_ERR_PROTO, "");
    assert_fails(coco_references_sign(empty, owner.data, owner.len, "Ann", &none, &err), err,
                 COCO_ERR_INVALID, "no reference values");
}

static void
a_failed_allocation_is_reported(void **state)
{
    _cleanup_references_ coco_references *values = set_of("{\"a\":[\"" HEX64 "\"],\"b\":7}");

    (void)state;
    for_each_fault()
    {
        _cleanup_references_ coco_references *opened = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
        coco_error *failure = NULL;

        coco_status status =
            coco_references_sign(values, owner.data, owner.len, "Ann", &bytes, &failure);
        if (status == COCO_OK)
            status = open_as(coco_bytes_data(bytes), coco_bytes_size(bytes), &owner_public, &opened,
                             &failure);
        fault_expect(status, failure);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_in_a_manifest),
        cmocka_unit_test(digests_are_digests_of_the_format),
        cmocka_unit_test(a_manifest_ends_with_the_value_that_ends_first),
        cmocka_unit_test(only_what_the_owner_signed_is_opened),
        cmocka_unit_test(no_byte_of_what_is_signed_can_be_changed),
        cmocka_unit_test(values_of_others_have_the_names_of_trustee),
        cmocka_unit_test(what_would_be_dropped_is_refused),
        cmocka_unit_test(who_signs_has_a_name_and_a_key),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
