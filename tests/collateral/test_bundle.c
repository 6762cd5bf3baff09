/*
 * tests/collateral/test_bundle.c - lib/collateral/bundle.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/bundle.h"

#include "base/base64.h"
#include "crypto/ecdsa.h"
#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEAD "{\"format\":\"coco-collateral-bundle\",\"version\":1,\"created\":5,\"items\":"

static EVP_PKEY *key;
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

static void
fill(struct coco_items *items)
{
    struct coco_item *item = NULL;

    assert_ok(coco_items_put(items, "intel/root-ca.crl", "first", 5, &item, &err), err);
    item->fetched = 1790000000;
    assert_ok(coco_items_put(items, "amd/Milan/vcek.crl", "\0\n\xff", 3, &item, &err), err);
    assert_ok(coco_items_put(items, "z", "", 0, &item, &err), err);
}

static void
what_was_signed_comes_back(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_ED25519};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};
        _cleanup_items_ struct coco_items items = {0};
        _cleanup_items_ struct coco_items back = {0};
        _cleanup_pkey_ EVP_PKEY *by = NULL;
        int64_t created = 0;

        fill(&items);
        assert_ok(coco_key_generate(kinds[i], &by, &err), err);
        assert_ok(coco_bundle_write(&items, by, 1790000001, &text, &err), err);
        assert_true(coco_bundle_is(text.data, text.len));
        assert_ok(coco_bundle_parse(text.data, text.len, by, &back, &created, &err), err);
        assert_int_equal(created, 1790000001);
        assert_int_equal(back.n, 3);
        assert_int_equal(coco_items_find(&back, "intel/root-ca.crl")->fetched, 1790000000);
        const struct coco_item *item = coco_items_find(&back, "amd/Milan/vcek.crl");
        assert_int_equal(item->data.len, 3);
        assert_memory_equal(item->data.data, "\0\n\xff", 3);
        assert_int_equal(coco_items_find(&back, "z")->data.len, 0);
    }
}

static void
no_bit_of_it_can_be_changed(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    _cleanup_items_ struct coco_items items = {0};
    _cleanup_items_ struct coco_items back = {0};

    (void)state;
    fill(&items);
    assert_ok(coco_bundle_write(&items, key, 0, &text, &err), err);
    for (size_t i = 0; i < text.len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            text.data[i] ^= (uint8_t)(1U << bit);
            coco_status status = coco_bundle_parse(text.data, text.len, key, &back, NULL, NULL);
            assert_true(status == COCO_ERR_VERIFY || status == COCO_ERR_PROTO);
            text.data[i] ^= (uint8_t)(1U << bit);
        }
    for (size_t len = 0; len < text.len; len++) {
        coco_status status = coco_bundle_parse(text.data, len, key, &back, NULL, NULL);
        assert_true(status == COCO_ERR_VERIFY || status == COCO_ERR_PROTO);
    }
    assert_int_equal(back.n, 0);
    assert_ok(coco_buf_append_text(&text, "x", &err), err);
    assert_fails(coco_bundle_parse(text.data, text.len, key, &back, NULL, &err), err,
                 COCO_ERR_PROTO, "1 bytes behind");
}

static void
another_key_is_not_the_owners(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    _cleanup_items_ struct coco_items items = {0};
    _cleanup_pkey_ EVP_PKEY *other = NULL;
    _cleanup_pkey_ EVP_PKEY *ed = NULL;
    _cleanup_pkey_ EVP_PKEY *rsa = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P256, &other, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_ED25519, &ed, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_RSA, &rsa, &err), err);
    assert_ok(coco_bundle_write(&items, key, 0, &text, &err), err);
    assert_fails(coco_bundle_parse(text.data, text.len, other, &items, NULL, &err), err,
                 COCO_ERR_VERIFY, "not signed by this key");
    assert_fails(coco_bundle_parse(text.data, text.len, ed, &items, NULL, &err), err,
                 COCO_ERR_VERIFY, "not signed by this key");
    assert_fails(coco_bundle_parse(text.data, text.len, rsa, &items, NULL, &err), err,
                 COCO_ERR_NOTSUP, "P-256 or Ed25519");
    assert_fails(coco_bundle_write(&items, rsa, 0, &text, &err), err, COCO_ERR_NOTSUP, "P-256");
}

/* What its owner signed, but should not have. */
static coco_status
parse_signed(const char *index, const char *content, struct coco_items *ret)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    _cleanup_buf_ struct coco_buf sig = {.limit = 64};

    assert_ok(coco_ecdsa_sign(key, index, strlen(index), &sig, &err), err);
    assert_ok(coco_buf_printf(&text, &err, "%s\n", index), err);
    assert_ok(coco_base64_encode(COCO_BASE64URL, sig.data, sig.len, &text, &err), err);
    assert_ok(coco_buf_printf(&text, &err, "\n%s", content), err);
    return coco_bundle_parse(text.data, text.len, key, ret, NULL, &err);
}

static void
hostile_indexes_are_refused_however_signed(void **state)
{
#define ITEM(name, size)                                                                           \
    "{\"name\":\"" name "\",\"fetched\":0,\"size\":" size ",\"sha256\":\"" EMPTY_SHA256 "\"}"
    static const struct {
        const char *index, *content;
        coco_status status;
        const char *why;
    } cases[] = {
        {HEAD "[" ITEM("../a", "0") "]}", "", COCO_ERR_INVALID, "cannot be called"},
        {HEAD "[" ITEM("b", "0") "," ITEM("a", "0") "]}", "", COCO_ERR_PROTO, "sorted"},
        {HEAD "[" ITEM("a", "0") "," ITEM("a", "0") "]}", "", COCO_ERR_PROTO, "sorted"},
        {HEAD "[" ITEM("a", "1") "]}", "", COCO_ERR_PROTO, "not all there"},
        {HEAD "[" ITEM("a", "1") "]}", "x", COCO_ERR_VERIFY, "not what was signed"},
        {HEAD "[" ITEM("a", "-1") "]}", "", COCO_ERR_PROTO, "size"},
        {HEAD "[" ITEM("a", "18446744073709551615") "]}", "", COCO_ERR_PROTO, "not all there"},
        {HEAD "[" ITEM("a", "18446744073709551616") "]}", "", COCO_ERR_PROTO, "size"},
        {HEAD "[]}", "x", COCO_ERR_PROTO, "behind its last"},
        {HEAD "[1]}", "", COCO_ERR_PROTO, "no object"},
        {HEAD "[{}]}", "", COCO_ERR_PROTO, "name"},
        {HEAD "[{\"name\":\"a\",\"fetched\":0,\"size\":0,\"sha256\":\"00\"}]}", "", COCO_ERR_PROTO,
         "64 hex digits"},
        {HEAD "[{\"name\":\"a\",\"size\":0,\"sha256\":\"" EMPTY_SHA256 "\"}]}", "", COCO_ERR_PROTO,
         ""},
        {HEAD "[{\"nmae\":\"a\"}]}", "", COCO_ERR_PROTO, "nmae"},
        {HEAD "{}}", "", COCO_ERR_PROTO, "items"},
        {HEAD "[],\"more\":1}", "", COCO_ERR_PROTO, "more"},
        {HEAD "[]", "", COCO_ERR_PROTO, ""},
        {"{\"format\":\"coco-collateral-bundle\",\"version\":2,\"created\":5,\"items\":[]}", "",
         COCO_ERR_NOTSUP, "version 2"},
        {"{\"format\":\"coco-collateral-bundle\",\"version\":1,\"items\":[]}", "", COCO_ERR_PROTO,
         ""},
    };
    struct coco_items items = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_fails(parse_signed(cases[i].index, cases[i].content, &items), err, cases[i].status,
                     cases[i].why);
    assert_int_equal(items.n, 0);
    assert_ok(parse_signed(HEAD "[]}", "", &items), err);
}

static void
what_is_no_bundle_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "{",
        "{\"format\":\"coco-collateral\"}",
        HEAD "[]}",
        HEAD "[]}\n",
        HEAD "[]}\nAAAA",
        HEAD "[]}\nAAAA\n",
        HEAD
        "[]}\n"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
    };
    struct coco_items items = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_fails(coco_bundle_parse(cases[i], strlen(cases[i]), key, &items, NULL, &err), err,
                     COCO_ERR_PROTO, "bundle");
    assert_fails(coco_bundle_parse(cases[0], COCO_BUNDLE_MAX + 1, key, &items, NULL, &err), err,
                 COCO_ERR_LIMIT, "bytes");
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    _cleanup_items_ struct coco_items items = {0};

    (void)state;
    fill(&items);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};
        _cleanup_items_ struct coco_items back = {0};

        coco_status status = coco_bundle_write(&items, key, 0, &text, &err);
        if (status == COCO_OK)
            status = coco_bundle_parse(text.data, text.len, key, &back, NULL, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_signed_comes_back),
        cmocka_unit_test(no_bit_of_it_can_be_changed),
        cmocka_unit_test(another_key_is_not_the_owners),
        cmocka_unit_test(hostile_indexes_are_refused_however_signed),
        cmocka_unit_test(what_is_no_bundle_is_refused),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
