/*
 * tests/attester/test_se.c - lib/attester/se.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/se.h"

#include "attester/paths.h"
#include "base/base64.h"
#include "base/json.h"
#include "tests/attester/evidence.h"
#include "tests/fakemachine.h"
#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define KEY "a2V5"
#define NONCE "bm9uY2U="
#define BLOCK "Y29udHJvbCBibG9jaw=="

struct fixture {
    struct fake_kernel fake;
    coco_ctx *ctx;
    coco_attester *attester;
    coco_error *err;
    char tags[300]; /* 208 bytes in base64 */
    uint16_t rc;
    uint32_t measured; /* bytes of the measurement; 0: as many as were asked for */
    uint8_t asked[256];
    char block[32];
};

/* The ultravisor: measures with 'M', adds 'A', and is machine 'C'. */
static int
ultravisor(struct fake_kernel *fake, unsigned long request, void *arg)
{
    struct fixture *f = fake->user;
    struct coco_uv_block *block = arg;

    if (request != COCO_UV_ATTEST || block->argument_len != sizeof(struct coco_uv_attest))
        return EINVAL;
    struct coco_uv_attest *attest = fake_memory_at(block->argument_addr);
    block->rc = f->rc;
    block->rrc = 0x17;
    if (f->rc != COCO_UV_DONE)
        return 0;
    memcpy(f->asked, attest->user_data, sizeof(f->asked));
    assert_true(attest->arcb_len < sizeof(f->block));
    memcpy(f->block, fake_memory_at(attest->arcb_addr), attest->arcb_len);
    memset(fake_memory_at(attest->meas_addr), 'M', attest->meas_len);
    memset(fake_memory_at(attest->add_data_addr), 'A', 3);
    memset(attest->config_uid, 'C', sizeof(attest->config_uid));
    attest->add_data_len = 3;
    if (f->measured)
        attest->meas_len = f->measured;
    return 0;
}

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    uint8_t tags[208];
    _cleanup_buf_ struct coco_buf text = {.limit = sizeof(f->tags)};

    *f = (struct fixture){.rc = COCO_UV_DONE};
    memset(tags, 'T', sizeof(tags));
    assert_ok(coco_base64_encode(COCO_BASE64, tags, sizeof(tags), &text, &f->err), f->err);
    (void)snprintf(f->tags, sizeof(f->tags), "%s", coco_buf_text(&text));
    fake_kernel_init(&f->fake);
    f->fake.user = f;
    f->fake.ioctl = ultravisor;
    f->fake.files[0].path = "/dev/uv";
    fake_machine_begin(&f->fake, &coco_se_attester, &f->ctx, &f->attester);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    fake_machine_end(&f->fake, f->ctx, f->attester);
    return 0;
}

/* The request with the tags where '@' is. */
static void
write_request(struct fixture *f, const char *request, char *buf, size_t size)
{
    const char *at = strchrnul(request, '@');
    int n = snprintf(buf, size, "%.*s%s%s", (int)(at - request), request, *at ? f->tags : "",
                     *at ? at + 1 : "");

    assert_in_range(n, 1, size - 1);
}

#define REQUEST REQUEST_OF("64", "64")
#define REQUEST_OF(measurement, additional)                                                        \
    "{\"request_blob\":\"" BLOCK "\",\"measurement_size\":" measurement                            \
    ",\"additional_size\":" additional ","                                                         \
    "\"encr_measurement_key\":\"" KEY "\",\"encr_request_nonce\":\"" NONCE                         \
    "\",\"image_hdr_tags\":\"@\"}"

static coco_status
collect(struct fixture *f, const char *nonce, coco_bytes **ret)
{
    const struct coco_evidence_request request = {
        .report_data = (const uint8_t *)"report data",
        .len = 11,
        .nonce = nonce,
    };

    return coco_attester_answer(f->attester, f->ctx, &request, ret, &f->err);
}

static void
evidence_answers_the_request(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    _cleanup_json_ cJSON *object = NULL;
    char nonce[1024];
    char user[64] = "report data";
    char many[208];

    write_request(f, REQUEST, nonce, sizeof(nonce));
    assert_ok(collect(f, nonce, &evidence), f->err);
    assert_memory_equal(f->asked, user, sizeof(user));
    assert_string_equal(f->block, "control block");
    object = evidence_object(evidence);
    assert_int_equal(cJSON_GetArraySize(object), 7);
    memset(many, 'M', sizeof(many));
    assert_member(object, "measurement", many, 64);
    assert_member(object, "additional_data", "AAA", 3);
    assert_member(object, "user_data", user, 64);
    memset(many, 'C', sizeof(many));
    assert_member(object, "cuid", many, 16);
    assert_member(object, "encr_measurement_key", "key", 3);
    assert_member(object, "encr_request_nonce", "nonce", 5);
    memset(many, 'T', sizeof(many));
    assert_member(object, "image_hdr_tags", many, 208);
}

static void
without_a_request_there_is_nothing_to_answer(void **state)
{
    struct fixture *f = *state;
    coco_bytes *evidence = NULL;

    assert_fails(
        coco_attester_collect(f->attester, f->ctx, (const uint8_t *)"x", 1, &evidence, &f->err),
        f->err, COCO_ERR_INVALID, "request of a KBS");
    assert_null(evidence);
}

static void
hostile_requests_are_refused(void **state)
{
    static const struct {
        const char *request;
        coco_status status;
        const char *why;
    } cases[] = {
        {"bm9uY2U=", COCO_ERR_PROTO, "request of the KBS"},
        {"{}", COCO_ERR_PROTO, "request_blob"},
        {"{\"request_blob\":\"?\"}", COCO_ERR_PROTO, "request_blob"},
        {REQUEST_OF("0", "64"), COCO_ERR_LIMIT, "measurement_size is 0"},
        {REQUEST_OF("64", "0"), COCO_ERR_LIMIT, "additional_size is 0"},
        {"{\"request_blob\":\"\",\"measurement_size\":32769}", COCO_ERR_PROTO, "measurement_size"},
        {"{\"request_blob\":\"\",\"measurement_size\":-1}", COCO_ERR_PROTO, "measurement_size"},
        {"{\"request_blob\":\"\",\"measurement_size\":64,\"additional_size\":4294967296}",
         COCO_ERR_PROTO, "additional_size"},
        {"{\"request_blob\":\"\",\"measurement_size\":64,\"additional_size\":1,"
         "\"encr_measurement_key\":\"\",\"encr_request_nonce\":\"\",\"image_hdr_tags\":\"AAAA\"}",
         COCO_ERR_PROTO, "tags of an image: ends after 3 bytes"},
        {"{\"request_blob\":\"\",\"measurement_size\":64,\"additional_size\":1,"
         "\"encr_measurement_key\":\"\",\"encr_request_nonce\":\"\",\"image_hdr_tags\":\"@AAAA\"}",
         COCO_ERR_PROTO, "image_hdr_tags"},
    };
    struct fixture *f = *state;
    coco_bytes *evidence = NULL;

    for (size_t i = 0; i < COUNT(cases); i++) {
        char nonce[1024];

        write_request(f, cases[i].request, nonce, sizeof(nonce));
        assert_fails(collect(f, nonce, &evidence), f->err, cases[i].status, cases[i].why);
        assert_null(evidence);
    }
}

static void
an_ultravisor_that_does_not_answer_is_an_error(void **state)
{
    struct fixture *f = *state;
    coco_bytes *evidence = NULL;
    char nonce[1024];

    write_request(f, REQUEST, nonce, sizeof(nonce));
    f->rc = 0x0108;
    assert_fails(collect(f, nonce, &evidence), f->err, COCO_ERR_IO, "0x0108, reason 0x0017");
    f->rc = COCO_UV_DONE;
    f->measured = 65;
    assert_fails(collect(f, nonce, &evidence), f->err, COCO_ERR_IO, "does not answer");
    f->fake.files[0].path = NULL;
    assert_fails(collect(f, nonce, &evidence), f->err, COCO_ERR_NOTSUP, "no device '/dev/uv'");
}

static void
a_guest_is_told_by_the_firmware(void **state)
{
    static const struct {
        const char *content;
        bool is;
    } cases[] = {{"1\n", true}, {"1", true}, {"0\n", false}, {"", false}, {"11\n", false}};
    char root[64];

    (void)state;
    make_temp_dir(root, sizeof(root));
    assert_int_equal(setenv(COCO_TEE_ROOT_VARIABLE, root, 1), 0);
    assert_false(coco_tee_detected("se"));
    for (size_t i = 0; i < COUNT(cases); i++) {
        write_text_under(root, "sys/firmware/uv/prot_virt_guest", cases[i].content);
        assert_int_equal(coco_tee_detected("se"), cases[i].is);
    }
    remove_temp_dir(root);
}

static void
answering_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    char nonce[1024];

    write_request(f, REQUEST, nonce, sizeof(nonce));
    for_each_fault()
    {
        coco_bytes *evidence = NULL;

        coco_status status = collect(f, nonce, &evidence);
        fault_expect(status, f->err);
        coco_bytes_free(evidence);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(evidence_answers_the_request),    TEST(without_a_request_there_is_nothing_to_answer),
        TEST(hostile_requests_are_refused),    TEST(an_ultravisor_that_does_not_answer_is_an_error),
        TEST(a_guest_is_told_by_the_firmware), TEST(answering_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
