/*
 * tests/verifier/test_boot_claims.c - lib/verifier/boot_claims.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/boot_claims.h"

#include "base/text.h"
#include "tests/faults.h"
#include "tests/tee/logs.h"

#include <string.h>

static const uint16_t sha256[] = {COCO_TCG_SHA256};

#define IMAGE "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define KERNEL_FILE IMAGE "\x16\0\0\0\0\0\0\0\4\4\x12\0k\0e\0r\0n\0e\0l\0\0\0\x7f\xff\4\0"
#define OTHER_FILE IMAGE "\x0e\0\0\0\0\0\0\0\4\4\x0a\0k\0e\0\0\0\x7f\xff\4\0"
#define OPTIONS "\xed\x22;\x8f\x1a\0\0\0LOADED_IMAGE::LoadOptions"
#define INITRD "\xec\x22;\x8f\x0d\0\0\0Linux initrd"
#define HEX(digit)                                                                                 \
    digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit

/* An event of a log: its digest is 32 times fill, or that of measured. */
struct logged {
    uint32_t type;
    uint8_t fill;
    const char *data;
    size_t len;
    const char *measured;
    size_t measured_len;
};

#define LABEL(type, fill, data)                                                                    \
    {                                                                                              \
        type, fill, data, sizeof(data), NULL, 0                                                    \
    }
#define MEASURED(type, data, measured)                                                             \
    {                                                                                              \
        type, 0, data, sizeof(data), measured, sizeof(measured) - 1                                \
    }

static void
add_logged(struct coco_buf *log, const struct logged *logged)
{
    uint8_t digest[COCO_TCG_HASH_SIZE_MAX];
    struct coco_event event = {.index = 1,
                               .type = logged->type,
                               .digest_count = 1,
                               .digests = {{.alg = COCO_TCG_SHA256, .bytes = digest}},
                               .data = (const uint8_t *)logged->data,
                               .len = logged->len};
    coco_error *err = NULL;

    memset(digest, logged->fill, sizeof(digest));
    if (logged->measured)
        assert_ok(
            coco_tcg_hash(COCO_TCG_SHA256, logged->measured, logged->measured_len, digest, &err),
            err);
    assert_ok(coco_eventlog_format_event(&event, log, &err), err);
}

static const struct {
    struct logged events[5];
    const char *want;
} cases[] = {
    {{{0}}, "{}"},
    /* QEMU's -kernel and Linux's EFI stub */
    {{LABEL(0x80000003, 0x11, KERNEL_FILE), LABEL(6, 0x22, OPTIONS), LABEL(6, 0x33, INITRD)},
     "{\"kernel\":\"" HEX("1111") "\",\"cmdline\":\"" HEX("2222") "\",\"initrd\":\"" HEX(
         "3333") "\"}"},
    {{LABEL(0x80000003, 0x11, OTHER_FILE), LABEL(6, 0x22, "LEAA\3\0\0\0a b")}, "{}"},
    /* GRUB */
    {{LABEL(0xd, 0x11, "grub_linuxefi Kernel"), LABEL(0xd, 0x33, "grub_linuxefi Initrd"),
      LABEL(0xd, 0x22, "grub_kernel_cmdline /vmlinuz ro"), LABEL(0xd, 0x44, "grub_cmd linux x")},
     "{\"kernel\":\"" HEX("1111") "\",\"cmdline\":\"" HEX("2222") "\",\"initrd\":\"" HEX(
         "3333") "\"}"},
    {{MEASURED(0xd, "kernel_cmdline: /vmlinuz ro", "/vmlinuz ro")},
     "{\"cmdline\":\"88f6834659fb6de5142cd02629faa0f2949242a583976c0b50b793ec53f1a3f0\",\"cmdline_"
     "text\":\"/vmlinuz ro\"}"},
    {{MEASURED(0xd, "kernel_cmdline: /vmlinuz rw", "/vmlinuz ro")},
     "{\"cmdline\":\"88f6834659fb6de5142cd02629faa0f2949242a583976c0b50b793ec53f1a3f0\"}"},
    /* systemd-stub */
    {{MEASURED(0xd, ".\0l\0i\0n\0u\0x\0\0", ".linux\0"), LABEL(0xd, 0x11, ".\0l\0i\0n\0u\0x\0\0"),
      LABEL(0xd, 0x22, ".\0c\0m\0d\0l\0i\0n\0e\0\0"), LABEL(0xd, 0x33, ".\0i\0n\0i\0t\0r\0d\0\0"),
      LABEL(0xd, 0x44, ".\0s\0b\0a\0t\0\0")},
     "{\"kernel\":\"" HEX("1111") "\",\"cmdline\":\"" HEX("2222") "\",\"initrd\":\"" HEX(
         "3333") "\"}"},
    /* TD shim */
    {{LABEL(0x8000000a, 0x11, "\x0btd_payload"),
      MEASURED(0xa, "td_payload_info\0\4\0\0\0ro", "ro\0")},
     "{\"kernel\":\"" HEX("1111") "\",\"cmdline\":"
                                  "\"720189d072271f0d400b25d2c5152a77b08f58d6f5f94eec45951382d7f3c7"
                                  "72\",\"cmdline_text\":\"ro\"}"},
    /* two kernels are none */
    {{LABEL(0x80000003, 0x11, KERNEL_FILE), LABEL(0xd, 0x12, "grub_linuxefi Kernel"),
      LABEL(6, 0x33, INITRD)},
     "{\"initrd\":\"" HEX("3333") "\"}"},
    /* what is cut is nothing */
    {{LABEL(0x80000003, 0x11, IMAGE), LABEL(6, 0x22, "\xed\x22;\x8f\x1b\0\0\0LOADED"),
      LABEL(0xd, 0x33, ".\0"), LABEL(0x8000000a, 0x44, ""), LABEL(0xa, 0x55, "td_payload")},
     "{}"},
};

static void
parts_are_found_as_each_loader_calls_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf bytes = {.limit = 8192};
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};
        _cleanup_json_ cJSON *claims = NULL;
        struct coco_eventlog log;
        coco_error *err = NULL;

        add_head(&bytes, sha256, 1);
        for (size_t e = 0; e < 5 && cases[i].events[e].data; e++)
            add_logged(&bytes, &cases[i].events[e]);
        assert_ok(coco_eventlog_parse(bytes.data, bytes.len, &log, &err), err);
        assert_ok(coco_json_new_object(&claims, &err), err);
        assert_ok(coco_claim_boot(claims, &log, &err), err);
        assert_ok(
            coco_json_write(cJSON_GetObjectItem(claims, "boot"), COCO_JSON_COMPACT, &text, &err),
            err);
        if (strcmp(coco_buf_text(&text), cases[i].want) != 0)
            fail_msg("case %zu gives %s", i, coco_buf_text(&text));
    }
}

static void
claiming_survives_every_failing_allocation(void **state)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = 8192};
    struct coco_eventlog log;
    coco_error *parse_err = NULL;

    (void)state;
    add_head(&bytes, sha256, 1);
    for (size_t i = 1; i < 5; i++)
        for (size_t e = 0; e < 5 && cases[i].events[e].data; e++)
            add_logged(&bytes, &cases[i].events[e]);
    assert_ok(coco_eventlog_parse(bytes.data, bytes.len, &log, &parse_err), parse_err);
    for_each_fault()
    {
        _cleanup_json_ cJSON *claims = NULL;
        coco_error *err = NULL;

        coco_status status = coco_json_new_object(&claims, &err);
        if (status == COCO_OK)
            status = coco_claim_boot(claims, &log, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_found_as_each_loader_calls_them),
        cmocka_unit_test(claiming_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests_name("verifier/boot_claims", tests, NULL, NULL);
}
