/*
 * tests/signature/test_payload.c - lib/signature/payload.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/payload.h"

#include "tests/faults.h"

#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define TYPE "\"type\":\"cosign container image signature\""
#define IMAGE "\"image\":{\"docker-manifest-digest\":\"" DIGEST "\"}"
#define IDENTITY "\"identity\":{\"docker-reference\":\"a.test/b\"}"
#define CRITICAL "\"critical\":{" TYPE "," IMAGE "," IDENTITY "}"

static coco_status
parse(const char *text, struct coco_payload *ret, coco_error **err)
{
    return coco_payload_parse(text, strlen(text), COCO_PAYLOAD_COSIGN, ret, err);
}

static void
payloads_are_read(void **state)
{
    static const char *const cases[] = {
        "{" CRITICAL ",\"optional\":null}",
        "{" CRITICAL ",\"optional\":{}}",
        " {\"optional\":{\"creator\":\"x\",\"timestamp\":1,\"more\":[]}," CRITICAL "}\n",
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_payload_ struct coco_payload payload = {0};
        coco_error *err = NULL;
        char text[COCO_DIGEST_TEXT_SIZE];

        assert_ok(parse(cases[i], &payload, &err), err);
        coco_digest_format(&payload.digest, text);
        assert_string_equal(text, DIGEST);
        assert_string_equal(payload.reference, "a.test/b");
    }
}

static void
what_is_written_is_read(void **state)
{
    _cleanup_payload_ struct coco_payload payload = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    struct coco_digest digest = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_digest_parse(DIGEST, &digest, &err), err);
    assert_ok(coco_payload_write("a.test/b", &digest, &text, &err), err);
    /* As cosign does, byte by byte (payload.Cosign of sigstore/sigstore). */
    assert_string_equal(coco_buf_text(&text),
                        "{\"critical\":{" IDENTITY "," IMAGE "," TYPE "},\"optional\":null}");
    assert_ok(parse(coco_buf_text(&text), &payload, &err), err);
    assert_true(coco_digest_equal(&payload.digest, &digest));
}

static void
what_is_written_for_simple_signing_is_read(void **state)
{
    _cleanup_payload_ struct coco_payload payload = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    struct coco_digest digest = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_digest_parse(DIGEST, &digest, &err), err);
    assert_ok(coco_payload_write_atomic("a.test/b:1", &digest, 1800000000, &text, &err), err);
    assert_non_null(strstr(coco_buf_text(&text), ",\"timestamp\":1800000000}}"));
    assert_ok(coco_payload_parse(text.data, text.len, COCO_PAYLOAD_ATOMIC, &payload, &err), err);
    assert_true(coco_digest_equal(&payload.digest, &digest));
    assert_string_equal(payload.reference, "a.test/b:1");
}

static void
anything_else_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "null",
        "[]",
        "{}",
        "{" CRITICAL "}",
        "{\"optional\":null}",
        "{" CRITICAL ",\"optional\":null} x",
        "{" CRITICAL ",\"optional\":null,\"more\":1}",
        "{" CRITICAL ",\"Optional\":null}",
        "{" CRITICAL "," CRITICAL ",\"optional\":null}",
        "{" CRITICAL ",\"optional\":[]}",
        "{" CRITICAL ",\"optional\":\"\"}",
        "{" CRITICAL ",\"optional\":{\"creator\":1}}",
        "{" CRITICAL ",\"optional\":{\"timestamp\":\"1\"}}",
        "{" CRITICAL ",\"optional\":{\"timestamp\":1.5}}",
        "{\"critical\":{" TYPE "," IMAGE "},\"optional\":null}",
        "{\"critical\":{" TYPE "," IDENTITY "},\"optional\":null}",
        "{\"critical\":{" IMAGE "," IDENTITY "},\"optional\":null}",
        /* What is critical must be understood. */
        "{\"critical\":{" TYPE "," IMAGE "," IDENTITY ",\"expiry\":1},\"optional\":null}",
        "{\"critical\":{" TYPE "," IDENTITY ",\"image\":{\"docker-manifest-digest\":\"" DIGEST
        "\",\"x\":1}},\"optional\":null}",
        "{\"critical\":{" TYPE "," IMAGE
        ",\"identity\":{\"docker-reference\":\"a.test/b\",\"x\":1}},\"optional\":null}",
        "{\"critical\":{" TYPE "," IMAGE
        ",\"identity\":{\"docker-reference\":1}},\"optional\":null}",
        "{\"critical\":{" TYPE "," IDENTITY
        ",\"image\":{\"docker-manifest-digest\":\"sha256:e3b0\"}}"
        ",\"optional\":null}",
        "{\"critical\":{\"type\":\"atomic container signature\"," IMAGE "," IDENTITY
        "},\"optional\":null}",
        "{\"critical\":{\"type\":\"\"," IMAGE "," IDENTITY "},\"optional\":null}",
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        struct coco_payload payload = {0};
        coco_error *err = NULL;

        if (parse(cases[i], &payload, &err) != COCO_ERR_PROTO)
            fail_msg("%s", cases[i]);
        assert_null(payload.json);
        coco_error_free(err);
    }
}

static void
payload_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        struct coco_payload payload = {0};
        coco_error *err = NULL;

        coco_status status = parse("{" CRITICAL ",\"optional\":null}", &payload, &err);
        fault_expect(status, err);
        coco_payload_done(&payload);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_are_read),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_is_written_for_simple_signing_is_read),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(payload_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/payload", tests, NULL, NULL);
}
