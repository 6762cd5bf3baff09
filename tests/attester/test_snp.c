/*
 * tests/attester/test_snp.c - lib/attester/snp.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/snp.h"

#include "base/json.h"
#include "tee/snp_certs.h"
#include "tests/attester/evidence.h"
#include "tests/fakemachine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct fixture {
    struct fake_kernel fake;
    coco_ctx *ctx;
    coco_attester *attester;
    coco_error *err;
    struct coco_snp_report report;
    uint8_t bytes[COCO_SNP_REPORT_SIZE];
    struct coco_buf table;
    bool other;        /* the report is of other report data */
    uint32_t busy;     /* how often the host is */
    uint32_t vmm_err;  /* what the host says otherwise; 0: nothing */
    uint32_t status;   /* of the firmware */
    uint32_t asked_at; /* VMPL */
    unsigned calls;
};

static void
make_report(struct fixture *f, const uint8_t report_data[64])
{
    memcpy(f->report.report_data, report_data, 64);
    f->report.report_data[0] ^= f->other;
    coco_snp_report_format(&f->report, f->bytes);
}

static void
answer(struct fake_kernel *fake)
{
    struct fixture *f = fake->user;

    make_report(f, fake->inblob);
    fake->out = f->bytes;
    fake->out_len = sizeof(f->bytes);
    fake->aux = f->table.data;
    fake->aux_len = f->table.len;
}

static int
device(struct fake_kernel *fake, unsigned long request, void *arg)
{
    struct fixture *f = fake->user;
    struct coco_sev_request *call = arg;

    f->calls++;
    if (request != COCO_SEV_GET_EXT_REPORT || call->msg_version != 1)
        return EINVAL;
    const struct coco_sev_ext_report_request *asked = fake_memory_at(call->req_data);
    if (asked->certs_address % 4096 != 0 || asked->certs_len % 4096 != 0)
        return EINVAL;
    if (f->busy > 0 || f->vmm_err) {
        call->vmm_err = f->busy > 0 ? COCO_SEV_VMM_BUSY : f->vmm_err;
        f->busy -= f->busy > 0;
        return EIO;
    }
    const uint8_t head[8] = {(uint8_t)f->status, 0, 0, 0, 0xa0, 0x04, 0, 0};
    make_report(f, asked->data.user_data);
    memcpy(fake_memory_at(call->resp_data), head, sizeof(head));
    memcpy((uint8_t *)fake_memory_at(call->resp_data) + 32, f->bytes, sizeof(f->bytes));
    if (f->table.len > 0)
        memcpy(fake_memory_at(asked->certs_address), f->table.data, f->table.len);
    f->asked_at = asked->data.vmpl;
    return 0;
}

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    _cleanup_snp_certs_ struct coco_snp_certs certs = {0};

    *f = (struct fixture){.table = {.limit = 8192}};
    f->report.version = 3;
    f->report.signature_algo = COCO_SNP_SIGNATURE_ECDSA_P384;
    memset(f->report.host_data, 0x44, sizeof(f->report.host_data));
    assert_ok(coco_snp_certs_add(&certs, COCO_SNP_CERT_VCEK, "leaf", 4, &f->err), f->err);
    assert_ok(coco_snp_certs_format(&certs, &f->table, &f->err), f->err);
    fake_kernel_init(&f->fake);
    f->fake.user = f;
    f->fake.provider = "sev_guest\n";
    f->fake.answer = answer;
    f->fake.ioctl = device;
    fake_machine_begin(&f->fake, &coco_snp_attester, &f->ctx, &f->attester);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    fake_machine_end(&f->fake, f->ctx, f->attester);
    coco_buf_done(&f->table);
    return 0;
}

static void
only_the_device(struct fixture *f)
{
    f->fake.provider = NULL;
    f->fake.files[0].path = "/dev/sev-guest";
}

static coco_status
collect(struct fixture *f, coco_bytes **ret)
{
    return coco_attester_collect(f->attester, f->ctx, (const uint8_t *)"bound", 5, ret, &f->err);
}

/* Report and certificates come out as they went in. */
static void
assert_collects(struct fixture *f, size_t certs)
{
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_snp_evidence_ struct coco_snp_evidence parsed = {0};
    uint8_t bytes[COCO_SNP_REPORT_SIZE];

    assert_ok(collect(f, &evidence), f->err);
    object = evidence_object(evidence);
    assert_ok(coco_snp_evidence_parse(object, &parsed, &f->err), f->err);
    assert_memory_equal(parsed.report.report_data, "bound\0", 6);
    coco_snp_report_format(&parsed.report, bytes);
    assert_memory_equal(bytes, f->bytes, sizeof(bytes));
    assert_int_equal(parsed.certs.n, certs);
    if (certs > 0)
        assert_memory_equal(coco_snp_certs_find(&parsed.certs, COCO_SNP_CERT_VCEK)->data, "leaf",
                            4);
}

static void
evidence_comes_by_configfs(void **state)
{
    struct fixture *f = *state;

    assert_collects(f, 1);
    assert_int_equal(f->calls, 0);
    coco_buf_reset(&f->table);
    assert_collects(f, 0);
}

static void
evidence_comes_by_the_device_of_older_kernels(void **state)
{
    struct fixture *f = *state;

    only_the_device(f);
    assert_collects(f, 1);
    assert_int_equal(f->calls, 1);
    assert_int_equal(f->asked_at, 0);
    coco_buf_reset(&f->table);
    assert_collects(f, 0);
}

/* Below an SVSM the kernel is not at VMPL 0, and must not say it is. */
static void
the_level_is_the_kernels(void **state)
{
    struct fixture *f = *state;
    coco_bytes *evidence = NULL;

    f->fake.floor = "2\n";
    assert_collects(f, 1);
    assert_string_equal(f->fake.privlevel, "2");
    only_the_device(f);
    f->fake.files[1] = (struct fake_file){
        .path = "/sys/devices/system/cpu/sev/vmpl", .data = (const uint8_t *)"2\n", .len = 2};
    assert_collects(f, 1);
    assert_int_equal(f->asked_at, 2);
    f->fake.files[1].data = (const uint8_t *)"4\n";
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_IO, "no VMPL");
}

static void
a_busy_host_is_asked_again(void **state)
{
    struct fixture *f = *state;
    coco_bytes *evidence = NULL;

    only_the_device(f);
    f->busy = 2;
    assert_collects(f, 1);
    assert_int_equal(f->calls, 3);
    f->busy = 1000;
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_IO, "host 0x2");
    assert_int_equal(f->calls, 6);
    f->busy = 0;
    f->vmm_err = COCO_SEV_VMM_INVALID_LEN;
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_IO, "host 0x1");
    assert_int_equal(f->calls, 7);
    assert_null(evidence);
}

static void
a_report_of_something_else_is_no_evidence(void **state)
{
    struct fixture *f = *state;
    coco_bytes *evidence = NULL;

    f->other = true;
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_VERIFY, "other report data");
    only_the_device(f);
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_VERIFY, "other report data");
    f->other = false;
    f->status = 0x16;
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_IO, "status 0x16");
    f->fake.files[0].path = NULL;
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_NOTSUP, "no device '/dev/sev-guest'");
    f->fake.provider = "sev_guest\n";
    f->fake.answer = NULL;
    f->fake.out = f->bytes;
    f->fake.out_len = sizeof(f->bytes) - 1;
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_PROTO, "report of the kernel");
    assert_null(evidence);
}

static void
init_data_is_compared_with_host_data(void **state)
{
    struct fixture *f = *state;
    uint8_t digest[48];

    memset(digest, 0x44, sizeof(digest));
    assert_ok(coco_attester_bind_init_data(f->attester, digest, 48, &f->err), f->err);
    assert_ok(coco_attester_bind_init_data(f->attester, digest, 32, &f->err), f->err);
    assert_fails(coco_attester_bind_init_data(f->attester, digest, 31, &f->err), f->err,
                 COCO_ERR_VERIFY, "HOST_DATA");
    digest[0] ^= 1;
    assert_fails(coco_attester_bind_init_data(f->attester, digest, 48, &f->err), f->err,
                 COCO_ERR_VERIFY, "HOST_DATA");
}

static void
collecting_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        assert_collecting_survives_faults(f->attester, f->ctx);
        only_the_device(f);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(evidence_comes_by_configfs),
        TEST(evidence_comes_by_the_device_of_older_kernels),
        TEST(the_level_is_the_kernels),
        TEST(a_busy_host_is_asked_again),
        TEST(a_report_of_something_else_is_no_evidence),
        TEST(init_data_is_compared_with_host_data),
        TEST(collecting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
