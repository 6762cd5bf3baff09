/*
 * tests/attester/test_sgx.c - lib/attester/sgx.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/sgx.h"

#include "attester/paths.h"
#include "tee/quote.h"
#include "tests/attester/evidence.h"
#include "tests/fakemachine.h"
#include "tests/faults.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
    struct fake_kernel fake;
    coco_ctx *ctx;
    coco_attester *attester;
    coco_error *err;
    struct coco_buf quote;
    struct coco_buf written;
    uint32_t promised; /* bytes of a quote; 0: as many as it has */
};

static void
make_quote(struct fixture *f, const void *report_data, size_t len)
{
    struct coco_quote quote = {
        .header = coco_quote_header_of(3, COCO_QUOTE_SGX),
        .body = COCO_QUOTE_SGX,
        .auth = (const uint8_t *)"auth",
        .auth_len = 4,
        .certification = COCO_CERTIFICATION_PCK_CHAIN,
        .certification_data = (const uint8_t *)"pem",
        .certification_len = 3,
    };

    memcpy(quote.sgx.report_data, report_data, len);
    coco_buf_reset(&f->quote);
    assert_ok(coco_quote_format(&quote, &f->quote, &f->err), f->err);
    f->fake.files[1].data = f->quote.data;
    f->fake.files[1].len = f->quote.len;
}

static int
occlum(struct fake_kernel *fake, unsigned long request, void *arg)
{
    struct fixture *f = fake->user;
    uint32_t size = f->promised ? f->promised : (uint32_t)f->quote.len;

    if (request == COCO_OCCLUM_QUOTE_SIZE) {
        *(uint32_t *)arg = size;
        return 0;
    }
    if (request != COCO_OCCLUM_QUOTE)
        return EINVAL;
    const struct coco_occlum_quote_request *asked = arg;
    assert_memory_equal(fake_memory_at(asked->report_data), "bound\0", 6);
    uint32_t *room = fake_memory_at(asked->quote_len);
    if (*room >= f->quote.len)
        memcpy(fake_memory_at(asked->quote), f->quote.data, f->quote.len);
    *room = (uint32_t)f->quote.len;
    return 0;
}

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    *f = (struct fixture){.quote = {.limit = COCO_QUOTE_SIZE_MAX}, .written = {.limit = 64}};
    fake_kernel_init(&f->fake);
    f->fake.user = f;
    f->fake.ioctl = occlum;
    f->fake.files[0] =
        (struct fake_file){.path = "/dev/attestation/user_report_data", .written = &f->written};
    f->fake.files[1].path = "/dev/attestation/quote";
    f->fake.files[2].path = "/dev/sgx";
    make_quote(f, "bound", 5);
    fake_machine_begin(&f->fake, &coco_sgx_attester, &f->ctx, &f->attester);
    *state = f;
    return unsetenv("OCCLUM");
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    fake_machine_end(&f->fake, f->ctx, f->attester);
    coco_buf_done(&f->quote);
    coco_buf_done(&f->written);
    return unsetenv("OCCLUM");
}

static coco_status
collect(struct fixture *f, coco_bytes **ret)
{
    coco_buf_reset(&f->written);
    return coco_attester_collect(f->attester, f->ctx, (const uint8_t *)"bound", 5, ret, &f->err);
}

static void
assert_is_the_quote(struct fixture *f)
{
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    _cleanup_json_ cJSON *object = NULL;

    assert_ok(collect(f, &evidence), f->err);
    object = evidence_object(evidence);
    assert_int_equal(cJSON_GetArraySize(object), 1);
    assert_member(object, "quote", f->quote.data, f->quote.len);
}

static void
gramine_has_files(void **state)
{
    struct fixture *f = *state;

    assert_is_the_quote(f);
    assert_int_equal(f->written.len, 64);
    assert_memory_equal(f->written.data, "bound\0", 6);
}

static void
occlum_has_a_device(void **state)
{
    struct fixture *f = *state;
    coco_bytes *evidence = NULL;

    assert_int_equal(setenv("OCCLUM", "yes", 1), 0);
    assert_is_the_quote(f);
    f->promised = 100;
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_IO, "where 100 were promised");
    f->promised = COCO_QUOTE_SIZE_MAX + 1;
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_LIMIT, "a quote of");
    assert_null(evidence);
}

static void
a_quote_of_something_else_is_no_evidence(void **state)
{
    struct fixture *f = *state;
    coco_bytes *evidence = NULL;

    make_quote(f, "bounc", 5);
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_VERIFY, "other report data");
    f->fake.files[1].len = 100;
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_PROTO, "quote of the enclave");
    f->fake.files[0].path = "/elsewhere";
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_NOTFOUND, "user_report_data");
    assert_null(evidence);
}

static void
an_enclave_is_told_by_its_library_os(void **state)
{
    static const struct {
        const char *type;
        bool is;
    } cases[] = {{"dcap", true}, {"dcap\n", true}, {"none", false}, {"epid", false}, {"", false}};
    char root[64];

    (void)state;
    make_temp_dir(root, sizeof(root));
    assert_int_equal(setenv(COCO_TEE_ROOT_VARIABLE, root, 1), 0);
    assert_false(coco_tee_detected("sgx"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_text_under(root, "dev/attestation/attestation_type", cases[i].type);
        assert_int_equal(coco_tee_detected("sgx"), cases[i].is);
    }
    remove_temp_dir(root);
    assert_int_equal(setenv("OCCLUM", "yes", 1), 0);
    assert_true(coco_tee_detected("sgx"));
}

static void
collecting_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        for_each_fault()
        {
            coco_bytes *evidence = NULL;

            coco_status status = collect(f, &evidence);
            fault_expect(status, f->err);
            coco_bytes_free(evidence);
        }
        assert_int_equal(setenv("OCCLUM", "yes", 1), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gramine_has_files),
        TEST(occlum_has_a_device),
        TEST(a_quote_of_something_else_is_no_evidence),
        TEST(an_enclave_is_told_by_its_library_os),
        TEST(collecting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
