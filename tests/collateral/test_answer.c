/*
 * tests/collateral/test_answer.c - lib/collateral/answer.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/answer.h"

#include "base/text.h"
#include "tests/collateral/kit.h"
#include "tests/faults.h"

#include <openssl/pem.h>

#define INFO "intel/tdx/tcb-info/00a06d080000"

static struct pki_cert ca;
static struct pki_cert leaf;
static char chain[8192];
static char header[16384];
static char info[256];
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    pki_make_ca(&ca, NULL, "CA");
    pki_make(&leaf, &ca, "leaf.test", 10);
    kit_chain(&leaf, &ca, chain, sizeof(chain));
    kit_header(chain, header, sizeof(header));
    kit_answer("tcbInfo", 1790000000, "", info, sizeof(info));
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    pki_done(&ca);
    pki_done(&leaf);
    return 0;
}

static coco_status
parse(const char *name, const char *with, const void *body, size_t len, struct coco_items *ret)
{
    struct coco_request request;

    assert_ok(coco_request_for(name, false, &request, &err), err);
    return coco_answer_parse(&request, with, body, len, ret, &err);
}

static void
a_signed_answer_comes_with_its_chain(void **state)
{
    _cleanup_items_ struct coco_items items = {0};

    (void)state;
    assert_ok(parse(INFO ".json", header, info, strlen(info), &items), err);
    assert_int_equal(items.n, 2);
    assert_string_equal(coco_buf_text(&coco_items_find(&items, INFO ".json")->data), info);
    assert_int_equal(coco_items_find(&items, INFO ".json")->expires, 1790000000);
    assert_string_equal(coco_buf_text(&coco_items_find(&items, INFO ".pem")->data), chain);
}

static void
lists_are_der_whatever_they_came_as(void **state)
{
    uint8_t der[4096];
    char hex[8193];
    size_t len = kit_crl(&ca, 5, der, sizeof(der));
    const unsigned char *at = der;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)len);
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;

    (void)state;
    coco_hex(der, len, hex);
    assert_int_equal(PEM_write_bio_X509_CRL(bio, crl), 1);
    long pem_len = BIO_get_mem_data(bio, &pem);
    const struct {
        const void *data;
        size_t len;
    } forms[] = {{der, len}, {hex, strlen(hex)}, {pem, (size_t)pem_len}};
    for (size_t i = 0; i < 3; i++) {
        _cleanup_items_ struct coco_items items = {0};

        assert_ok(parse("intel/root-ca.crl", NULL, forms[i].data, forms[i].len, &items), err);
        assert_int_equal(items.n, 1);
        assert_int_equal(items.list[0].data.len, len);
        assert_memory_equal(items.list[0].data.data, der, len);
    }
    BIO_free(bio);
    X509_CRL_free(crl);
}

static void
hostile_answers_are_refused(void **state)
{
    static char endless[40 << 10];
    memset(endless, 'a', sizeof(endless) - 1);
    const struct {
        const char *name, *with, *body;
        coco_status status;
    } cases[] = {
        {INFO ".json", NULL, info, COCO_ERR_PROTO},
        {INFO ".json", "", info, COCO_ERR_PROTO},
        {INFO ".json", "%", info, COCO_ERR_PROTO},
        {INFO ".json", "%0", info, COCO_ERR_PROTO},
        {INFO ".json", "%0x", info, COCO_ERR_PROTO},
        {INFO ".json", "%00", info, COCO_ERR_PROTO},
        {INFO ".json", "no chain", info, COCO_ERR_PROTO},
        {INFO ".json", endless, info, COCO_ERR_LIMIT},
        {INFO ".json", header, "", COCO_ERR_PROTO},
        {INFO ".json", header, "{}", COCO_ERR_PROTO},
        {INFO ".json", header, "<html>", COCO_ERR_PROTO},
        {"intel/root-ca.crl", NULL, "", COCO_ERR_PROTO},
        {"intel/root-ca.crl", NULL, "00", COCO_ERR_PROTO},
        {"intel/root-ca.crl", NULL, "0", COCO_ERR_PROTO},
        {"amd/Milan/vcek.crl", NULL, "<html>", COCO_ERR_PROTO},
        {"amd/Milan/vcek/chain.pem", NULL, "<html>", COCO_ERR_PROTO},
    };
    struct coco_items items = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_fails(
            parse(cases[i].name, cases[i].with, cases[i].body, strlen(cases[i].body), &items), err,
            cases[i].status, "");
    assert_int_equal(items.n, 0);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    uint8_t der[4096];
    size_t len = kit_crl(&ca, 5, der, sizeof(der));

    (void)state;
    for_each_fault()
    {
        _cleanup_items_ struct coco_items items = {0};
        _cleanup_items_ struct coco_items list = {0};

        coco_status status = parse(INFO ".json", header, info, strlen(info), &items);
        if (status == COCO_OK)
            status = parse("intel/root-ca.crl", NULL, der, len, &list);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_answer_comes_with_its_chain),
        cmocka_unit_test(lists_are_der_whatever_they_came_as),
        cmocka_unit_test(hostile_answers_are_refused),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
