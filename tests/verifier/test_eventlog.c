/*
 * tests/verifier/test_eventlog.c - lib/verifier/eventlog.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/eventlog.h"

#include "tests/faults.h"
#include "tests/tee/logs.h"
#include "verifier/verdict.h"

#include <stdio.h>
#include <string.h>

static const uint16_t algs[] = {COCO_TCG_SHA384};

/* A log of a machine, and the registers of its quote. */
struct machine {
    struct coco_buf bytes;
    struct coco_eventlog log;
    uint8_t values[4][48];
    struct coco_log_register registers[4];
};

static void
read_log(struct machine *m)
{
    coco_error *err = NULL;

    assert_ok(coco_eventlog_parse(m->bytes.data, m->bytes.len, &m->log, &err), err);
}

static struct machine
some_machine(void)
{
    static const char *const names[] = {"RTMR0", "RTMR1", "RTMR2", "RTMR3"};
    struct machine m = {.bytes = {.limit = 1 << 16}};
    coco_error *err = NULL;

    add_head(&m.bytes, algs, 1);
    add_labelled(&m.bytes, 0, COCO_EV_NO_ACTION, COCO_TCG_SHA384, 0, "maker", 5);
    add_event(&m.bytes, 1, COCO_EV_SEPARATOR, COCO_TCG_SHA384, "\0\0\0\0", 4);
    add_event(&m.bytes, 2, COCO_EV_SEPARATOR, COCO_TCG_SHA384, "\0\0\0\0", 4);
    add_labelled(&m.bytes, 2, COCO_EV_IPL, COCO_TCG_SHA384, 0x11, "grub_linuxefi Kernel", 20);
    add_event(&m.bytes, 4, COCO_EV_EVENT_TAG, COCO_TCG_SHA384, "LEAA\5\0\0\0d o c", 13);
    read_log(&m);
    for (uint32_t i = 0; i < 4; i++) {
        assert_ok(coco_eventlog_replay(&m.log, i + 1, COCO_TCG_SHA384, m.values[i], &err), err);
        m.registers[i] = (struct coco_log_register){names[i], i + 1, NULL};
    }
    return m;
}

static coco_status
check(struct machine *m, coco_verdict *verdict, coco_error **err)
{
    for (size_t i = 0; i < 4; i++)
        m->registers[i].value = m->values[i];
    return coco_check_eventlog(verdict, &m->log, COCO_TCG_SHA384, m->registers, 4, err);
}

static void
assert_check(struct machine *m, bool ok, const char *want, const char *got)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = calloc(1, sizeof(*verdict));
    coco_error *err = NULL;

    assert_non_null(verdict);
    assert_ok(check(m, verdict, &err), err);
    assert_int_equal(coco_verdict_check_count(verdict), 1);
    assert_string_equal(coco_verdict_check_name(verdict, 0), "event-log");
    if (coco_verdict_check_ok(verdict, 0) != ok)
        fail_msg("got %s", coco_verdict_check_got(verdict, 0));
    assert_contains(coco_verdict_check_want(verdict, 0), want);
    assert_contains(coco_verdict_check_got(verdict, 0), got);
    assert_int_equal(coco_verdict_valid(verdict), ok);
}

static void
a_log_that_gives_the_registers_holds(void **state)
{
    struct machine m = some_machine();

    (void)state;
    assert_check(&m, true, "RTMR0, RTMR1, RTMR2, RTMR3", "RTMR0, RTMR1, RTMR2, RTMR3");
    coco_buf_done(&m.bytes);
}

/* Property: of each register any bit, of the log any bit of a digest. */
static void
the_register_that_differs_is_named(void **state)
{
    static const char *const names[] = {"RTMR0 ", "RTMR1 ", "RTMR2 ", "RTMR3 "};
    struct machine m = some_machine();

    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (size_t bit = 0; bit < 8 * (size_t)48; bit++) {
            m.values[i][bit / 8] ^= (uint8_t)(1U << bit % 8);
            assert_check(&m, false, names[i], names[i]);
            m.values[i][bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    coco_buf_done(&m.bytes);
}

static void
any_bit_of_a_measured_digest_is_seen(void **state)
{
    static const char *const names[] = {"", "RTMR0 ", "RTMR1 ", "RTMR2 ", "RTMR3 "};
    struct machine m = some_machine();
    struct coco_event event;

    (void)state;
    for (size_t at = 0; coco_eventlog_next(&m.log, &at, &event);) {
        uint8_t *digest = m.bytes.data + (event.digests[0].bytes - m.log.data);

        if (event.type == COCO_EV_NO_ACTION)
            continue;
        for (size_t bit = 0; bit < 8 * (size_t)48; bit++) {
            digest[bit / 8] ^= (uint8_t)(1U << bit % 8);
            assert_check(&m, false, names[event.index], names[event.index]);
            digest[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    }
    coco_buf_done(&m.bytes);
}

static void
several_registers_that_differ_are_all_named(void **state)
{
    struct machine m = some_machine();

    (void)state;
    m.values[0][0] ^= 1;
    m.values[2][0] ^= 1;
    m.values[3][0] ^= 1;
    assert_check(&m, false, ", RTMR2 01", ", RTMR2 00");
    assert_check(&m, false, ", RTMR3 ", ", RTMR3 ");
    coco_buf_done(&m.bytes);
}

/* Nothing vouches for what was not measured: it may say what it likes. */
static void
an_event_of_no_register_is_refused(void **state)
{
    static const uint32_t others[] = {0, 5, 17, 0xffffffff};

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct machine m = some_machine();
        char got[64];

        add_event(&m.bytes, others[i], COCO_EV_EVENT_TAG, COCO_TCG_SHA384, "LEAA\5\0\0\0d o c", 13);
        read_log(&m);
        (void)snprintf(got, sizeof(got), "event 5, of register %u,", others[i]);
        assert_check(&m, false, "RTMR0, RTMR1", got);
        coco_buf_done(&m.bytes);
    }
}

static void
an_event_without_a_digest_of_the_registers_is_refused(void **state)
{
    static const uint16_t both[] = {COCO_TCG_SHA384, COCO_TCG_SHA256};
    struct machine m = some_machine();

    (void)state;
    coco_buf_reset(&m.bytes);
    add_head(&m.bytes, both, 2);
    add_event(&m.bytes, 1, COCO_EV_SEPARATOR, COCO_TCG_SHA256, "", 0);
    read_log(&m);
    assert_check(&m, false, "RTMR0", "event 0 has no SHA-384 digest");
    coco_buf_done(&m.bytes);
}

static void
too_many_registers_are_a_mistake(void **state)
{
    struct machine m = some_machine();
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = calloc(1, sizeof(*verdict));
    coco_error *err = NULL;

    (void)state;
    assert_non_null(verdict);
    assert_fails(coco_check_eventlog(verdict, &m.log, COCO_TCG_SHA384, m.registers,
                                     COCO_LOG_REGISTERS_MAX + 1, &err),
                 err, COCO_ERR_INVALID, "25 registers");
    coco_buf_done(&m.bytes);
}

/* ---- claims ---- */

static void
each_event_is_claimed_as_upstream_does(void **state)
{
    struct machine m = some_machine();
    _cleanup_buf_ struct coco_buf text = {.limit = 8192};
    _cleanup_json_ cJSON *claims = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_json_new_object(&claims, &err), err);
    assert_ok(coco_claim_eventlog(claims, &m.log, &err), err);
    assert_ok(coco_json_write(claims, COCO_JSON_COMPACT, &text, &err), err);
    assert_contains(coco_buf_text(&text),
                    "{\"uefi_event_logs\":[{\"details\":{},\"digest_matches_event\":false,"
                    "\"digests\":[{\"alg\":\"SHA-384\",\"digest\":\"000000");
    assert_contains(coco_buf_text(&text),
                    "],\"event\":\"bWFrZXI=\",\"index\":0,\"type_name\":\"EV_NO_ACTION\"}");
    assert_contains(coco_buf_text(&text), "{\"details\":{},\"digest_matches_event\":true,");
    assert_contains(coco_buf_text(&text), "\"data\":{\"domain\":\"d\",\"operation\":\"o\"");
    assert_contains(coco_buf_text(&text), "\"boot\":{\"kernel\":\"1111");
    coco_buf_done(&m.bytes);
}

static void
a_type_without_a_name_is_refused(void **state)
{
    struct machine m = some_machine();
    _cleanup_json_ cJSON *claims = NULL;
    coco_error *err = NULL;

    (void)state;
    add_event(&m.bytes, 1, 0x80000099, COCO_TCG_SHA384, "", 0);
    read_log(&m);
    assert_ok(coco_json_new_object(&claims, &err), err);
    assert_fails(coco_claim_eventlog(claims, &m.log, &err), err, COCO_ERR_PROTO,
                 "event 5 is of type 0x80000099");
    coco_buf_done(&m.bytes);
}

static void
checking_and_claiming_survive_every_failing_allocation(void **state)
{
    struct machine m = some_machine();

    (void)state;
    m.values[3][47] ^= 1;
    for_each_fault()
    {
        struct coco_verdict verdict = {.claims = {.limit = 64}};
        _cleanup_json_ cJSON *claims = NULL;
        coco_error *err = NULL;

        coco_status status = check(&m, &verdict, &err);
        if (status == COCO_OK)
            status = coco_json_new_object(&claims, &err);
        if (status == COCO_OK)
            status = coco_claim_eventlog(claims, &m.log, &err);
        for (size_t i = 0; i < verdict.n_checks; i++) {
            free(verdict.checks[i].want);
            free(verdict.checks[i].got);
        }
        fault_expect(status, err);
    }
    coco_buf_done(&m.bytes);
}

/* Of two algorithms the registers have one: the other digest is whatever the sender likes. */
static void
a_digest_that_no_register_is_made_of_is_refused(void **state)
{
    static const uint16_t both[] = {COCO_TCG_SHA384, COCO_TCG_SHA256};
    struct machine m = {.bytes = {.limit = 1 << 12}};
    uint8_t measured[48] = {0};
    uint8_t forged[32] = {0};
    struct coco_event event = {.index = 2,
                               .type = COCO_EV_IPL,
                               .digest_count = 2,
                               .digests = {{.alg = COCO_TCG_SHA384, .bytes = measured},
                                           {.alg = COCO_TCG_SHA256, .bytes = forged}},
                               .data = (const uint8_t *)"grub_linuxefi Kernel",
                               .len = 20};
    coco_error *err = NULL;

    (void)state;
    for (int again = 0; again < 2; again++) {
        coco_buf_reset(&m.bytes);
        add_head(&m.bytes, both, 2);
        assert_ok(coco_eventlog_format_event(&event, &m.bytes, &err), err);
        read_log(&m);
        for (uint32_t i = 0; i < 4; i++) {
            assert_ok(coco_eventlog_replay(&m.log, i + 1, COCO_TCG_SHA384, m.values[i], &err), err);
            m.registers[i] = (struct coco_log_register){"RTMR", i + 1, NULL};
        }
        assert_check(&m, again > 0, "RTMR", again > 0 ? "RTMR" : "event 0, of a SHA-256 digest");
        event.digest_count = 1; /* that the log could have others is nothing against it */
    }
    coco_buf_done(&m.bytes);
}

/* ---- recordings ---- */

static void
claims_of_recorded_logs_are_upstreams(void **state)
{
    static const struct {
        const char *log, *claims;
    } pairs[] = {
        {"eventlog/CCEL_data.trim", "eventlog/CCEL_data_out.json"},
        {"eventlog/CCEL_data_ovmf.trim", "eventlog/CCEL_data_ovmf_out.json"},
        {"eventlog/CCEL_data_grub.trim", "eventlog/CCEL_data_grub_out.json"},
        {"eventlog/CCEL_data_grub_gke.trim", "eventlog/CCEL_data_grub_gke_out.json"},
        {"eventlog/CCEL_AAEL_alibabacloud", "eventlog/CCEL_AAEL_alibabacloud_out.json"},
        {"eventlog/CCEL_data_csv.trim", "eventlog/CCEL_data_csv_out.json"},
        {"eventlog/CCEL_data.trim", "tdx/parse_tdx_claims_expected.json"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        size_t len = 0;
        size_t want_len = 0;
        _cleanup_free_ char *bytes = read_fixture(pairs[i].log, &len);
        _cleanup_free_ char *text = read_fixture(pairs[i].claims, &want_len);
        _cleanup_json_ cJSON *want = NULL;
        _cleanup_json_ cJSON *claims = NULL;
        struct coco_eventlog log;
        coco_error *err = NULL;

        assert_ok(coco_json_parse_object(text, want_len, &want, &err), err);
        assert_ok(coco_eventlog_parse(bytes, len, &log, &err), err);
        assert_ok(coco_json_new_object(&claims, &err), err);
        assert_ok(coco_claim_eventlog(claims, &log, &err), err);
        const cJSON *got_events = cJSON_GetObjectItem(claims, "uefi_event_logs");
        const cJSON *want_events = cJSON_GetObjectItem(want, "uefi_event_logs");
        assert_int_equal(cJSON_GetArraySize(got_events), cJSON_GetArraySize(want_events));
        for (int e = 0; e < cJSON_GetArraySize(want_events); e++)
            if (!coco_json_equal(cJSON_GetArrayItem(got_events, e),
                                 cJSON_GetArrayItem(want_events, e)))
                fail_msg("%s: event %d differs", pairs[i].log, e);
    }
}

static void
parts_of_recorded_logs_are_found(void **state)
{
    static const struct {
        const char *log, *members;
    } cases[] = {
        {"eventlog/CCEL_data.trim", "kernel cmdline cmdline_text "},
        {"eventlog/CCEL_data_ovmf.trim", "kernel cmdline initrd "},
        {"eventlog/CCEL_data_grub.trim", "cmdline initrd "},
        {"eventlog/CCEL_data_grub_gke.trim", "kernel cmdline initrd "},
        {"eventlog/CCEL_AAEL_alibabacloud", "kernel cmdline initrd cmdline_text "},
        {"eventlog/CCEL_data_csv.trim", "kernel cmdline initrd cmdline_text "},
        {"eventlog/tpm_ubuntu2404_sevsnp.bin", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = 0;
        _cleanup_free_ char *bytes = read_fixture(cases[i].log, &len);
        _cleanup_json_ cJSON *claims = NULL;
        struct coco_eventlog log;
        char members[128] = "";
        const cJSON *member;
        coco_error *err = NULL;

        assert_ok(coco_eventlog_parse(bytes, len, &log, &err), err);
        assert_ok(coco_json_new_object(&claims, &err), err);
        assert_ok(coco_claim_eventlog(claims, &log, &err), err);
        cJSON_ArrayForEach(member, cJSON_GetObjectItem(claims, "boot")) {
            (void)strncat(members, member->string, 32);
            (void)strncat(members, " ", 2);
        }
        if (strcmp(members, cases[i].members) != 0)
            fail_msg("%s: %s", cases[i].log, members);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_that_gives_the_registers_holds),
        cmocka_unit_test(the_register_that_differs_is_named),
        cmocka_unit_test(any_bit_of_a_measured_digest_is_seen),
        cmocka_unit_test(several_registers_that_differ_are_all_named),
        cmocka_unit_test(an_event_of_no_register_is_refused),
        cmocka_unit_test(an_event_without_a_digest_of_the_registers_is_refused),
        cmocka_unit_test(too_many_registers_are_a_mistake),
        cmocka_unit_test(each_event_is_claimed_as_upstream_does),
        cmocka_unit_test(a_type_without_a_name_is_refused),
        cmocka_unit_test(checking_and_claiming_survive_every_failing_allocation),
        cmocka_unit_test(a_digest_that_no_register_is_made_of_is_refused),
        cmocka_unit_test(claims_of_recorded_logs_are_upstreams),
        cmocka_unit_test(parts_of_recorded_logs_are_found),
    };

    return cmocka_run_group_tests_name("verifier/eventlog", tests, NULL, NULL);
}
