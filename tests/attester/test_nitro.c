/*
 * tests/attester/test_nitro.c - lib/attester/nitro.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/nitro.h"

#include "base/cbor.h"
#include "tests/attester/evidence.h"
#include "tests/fakemachine.h"

#include <stdlib.h>
#include <string.h>

/* {"Attestation":{"document":'doc'}}, and refusals. */
#define DOCUMENT                                                                                   \
    "\xa1\x6b"                                                                                     \
    "Attestation"                                                                                  \
    "\xa1\x68"                                                                                     \
    "document"                                                                                     \
    "\x43"                                                                                         \
    "doc"
#define REFUSAL                                                                                    \
    "\xa1\x65"                                                                                     \
    "Error"                                                                                        \
    "\x6c"                                                                                         \
    "InputTooLong"

struct fixture {
    struct fake_kernel fake;
    coco_ctx *ctx;
    coco_attester *attester;
    coco_error *err;
    struct coco_buf asked;
    const char *response;
    size_t len;
};

static int
module(struct fake_kernel *fake, unsigned long request, void *arg)
{
    struct fixture *f = fake->user;
    struct coco_nsm_message *message = arg;

    if (request != COCO_NSM_RAW || message->response_len != COCO_NSM_RESPONSE_MAX)
        return EINVAL;
    faults_pause();
    coco_buf_reset(&f->asked);
    assert_ok(coco_buf_append(&f->asked, fake_memory_at(message->request_addr),
                              (size_t)message->request_len, &f->err),
              f->err);
    faults_resume();
    if (f->len <= COCO_NSM_RESPONSE_MAX)
        memcpy(fake_memory_at(message->response_addr), f->response, f->len);
    message->response_len = f->len;
    return 0;
}

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    *f = (struct fixture){
        .asked = {.limit = 4096}, .response = DOCUMENT, .len = sizeof(DOCUMENT) - 1};
    fake_kernel_init(&f->fake);
    f->fake.user = f;
    f->fake.ioctl = module;
    f->fake.files[0].path = "/dev/nsm";
    fake_machine_begin(&f->fake, &coco_nitro_attester, &f->ctx, &f->attester);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    fake_machine_end(&f->fake, f->ctx, f->attester);
    coco_buf_done(&f->asked);
    return 0;
}

static coco_status
collect(struct fixture *f, coco_bytes **ret)
{
    return coco_attester_collect(f->attester, f->ctx, (const uint8_t *)"bound", 5, ret, &f->err);
}

static void
a_document_is_asked_for_with_the_nonce(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    struct coco_cbor request;
    struct coco_cbor item;
    struct coco_cbor_string nonce;

    assert_ok(collect(f, &evidence), f->err);
    assert_string_equal((const char *)coco_bytes_data(evidence), "{\"document\":\"ZG9j\"}");
    assert_ok(coco_cbor_parse(f->asked.data, f->asked.len, "request", &request, &f->err), f->err);
    assert_true(coco_cbor_find_text(request, "Attestation", &request));
    assert_true(coco_cbor_find_text(request, "nonce", &item));
    assert_ok(coco_cbor_bytes(item, &nonce, &f->err), f->err);
    assert_true(coco_cbor_string_is(nonce, "bound"));
    assert_true(coco_cbor_find_text(request, "user_data", &item) && coco_cbor_is_null(item));
    assert_true(coco_cbor_find_text(request, "public_key", &item) && coco_cbor_is_null(item));
}

static void
other_responses_are_refused(void **state)
{
    static const struct {
        const char *response;
        size_t len;
        coco_status status;
        const char *why;
    } cases[] = {
        {REFUSAL, sizeof(REFUSAL) - 1, COCO_ERR_IO, "the NSM says: InputTooLong"},
        {"", 0, COCO_ERR_PROTO, "response of the NSM"},
        {"\xa0", 1, COCO_ERR_PROTO, "no document"},
        {"\xf6", 1, COCO_ERR_PROTO, "no document"},
        {DOCUMENT, sizeof(DOCUMENT) - 2, COCO_ERR_PROTO, "response of the NSM"},
        {DOCUMENT "\x00", sizeof(DOCUMENT), COCO_ERR_PROTO, "response of the NSM"},
        {"", COCO_NSM_RESPONSE_MAX + 1, COCO_ERR_IO, "more than there is room for"},
    };
    struct fixture *f = *state;
    coco_bytes *evidence = NULL;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        f->response = cases[i].response;
        f->len = cases[i].len;
        assert_fails(collect(f, &evidence), f->err, cases[i].status, cases[i].why);
    }
    f->fake.files[0].path = NULL;
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_NOTSUP, "no device '/dev/nsm'");
    assert_null(evidence);
}

static void
collecting_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    assert_collecting_survives_faults(f->attester, f->ctx);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_document_is_asked_for_with_the_nonce),
        TEST(other_responses_are_refused),
        TEST(collecting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
