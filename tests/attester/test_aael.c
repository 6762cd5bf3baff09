/*
 * tests/attester/test_aael.c - lib/attester/aael.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/driver.h"
#include "attester/paths.h"
#include "base/fail.h"
#include "tee/aael.h"
#include "tee/ccel.h"
#include "tee/eventlog.h"
#include "tests/faults.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 48

/* A TEE in memory, which can stop before or after it has extended a register. */
static struct {
    uint8_t registers[5][SIZE]; /* by their index in the log */
    bool stops_before, stops_after;
    char root[64];
} machine;

static uint32_t
index_of(unsigned pcr)
{
    return coco_ccmr_of_pcr(pcr);
}

static coco_status
extend(void *self, unsigned pcr, const uint8_t *digest, coco_error **err)
{
    (void)self;
    if (!machine.stops_before) {
        coco_status status =
            coco_tcg_extend(COCO_TCG_SHA384, machine.registers[index_of(pcr)], digest, err);
        if (status != COCO_OK)
            return status;
    }
    if (machine.stops_before || machine.stops_after) {
        machine.stops_before = machine.stops_after = false;
        return coco_fail(err, COCO_ERR_IO, "stopped");
    }
    return COCO_OK;
}

static coco_status
read_register(void *self, unsigned pcr, uint8_t *ret, coco_error **err)
{
    (void)self;
    (void)err;
    memcpy(ret, machine.registers[index_of(pcr)], SIZE);
    return COCO_OK;
}

static const struct coco_attester_driver driver = {
    .tee = "memory",
    .register_alg = "sha384",
    .register_size = SIZE,
    .extend = extend,
    .read_register = read_register,
    .log_index = coco_ccmr_of_pcr,
};
static const struct coco_attester_driver bare = {.tee = "bare"};

static coco_attester *attester;
static coco_error *err;

static int
setup(void **state)
{
    char path[128];

    (void)state;
    memset(&machine, 0, sizeof(machine));
    make_temp_dir(machine.root, sizeof(machine.root));
    (void)snprintf(path, sizeof(path), "%s/run", machine.root);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(setenv(COCO_TEE_ROOT_VARIABLE, machine.root, 1), 0);
    assert_ok(coco_attester_wrap(&driver, NULL, &attester, &err), err);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coco_attester_free(attester);
    attester = NULL;
    remove_temp_dir(machine.root);
    return unsetenv(COCO_TEE_ROOT_VARIABLE);
}

static coco_status
measure(unsigned pcr, const char *content, coco_error **ret)
{
    return coco_attester_measure(attester, pcr, "domain", "operation", content, ret);
}

static void
path_of(const char *name, char path[128])
{
    (void)snprintf(path, 128, "%s/run/attestation-agent/%s", machine.root, name);
}

static size_t
read_file(const char *name, uint8_t *data, size_t size)
{
    char path[128];

    path_of(name, path);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    size_t n = fread(data, 1, size, f);
    (void)fclose(f);
    return n;
}

static void
write_file(const char *name, const void *data, size_t len)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "run/attestation-agent/%s", name);
    write_under(machine.root, path, data, len);
}

/* The log holds these contents, in this order, and gives the registers. */
static void
assert_log(const char *const *contents, size_t n)
{
    uint8_t bytes[8192];
    struct coco_buf aael = {.data = bytes, .len = read_file("eventlog", bytes, sizeof(bytes))};
    _cleanup_buf_ struct coco_buf joined = {.limit = 16384};
    struct coco_eventlog log;
    struct coco_event event;
    size_t seen = 0;

    assert_ok(coco_eventlog_join(NULL, &aael, &joined, &err), err);
    assert_ok(coco_eventlog_parse(joined.data, joined.len, &log, &err), err);
    for (size_t at = 0; coco_eventlog_next(&log, &at, &event); seen++) {
        _cleanup_aael_text_ struct coco_aael_text text = {0};

        assert_true(seen < n);
        assert_int_equal(event.type, COCO_EV_EVENT_TAG);
        assert_ok(coco_aael_parse_text(event.data + 8, event.len - 8, &text, &err), err);
        assert_string_equal(text.event.content, contents[seen]);
    }
    assert_int_equal(seen, n);
    for (uint32_t i = 1; i < 5; i++) {
        uint8_t value[COCO_TCG_HASH_SIZE_MAX];

        assert_ok(coco_eventlog_replay(&log, i, COCO_TCG_SHA384, value, &err), err);
        assert_memory_equal(value, machine.registers[i], SIZE);
    }
    assert_int_equal(read_file(".wal_event_entry", bytes, sizeof(bytes)), 0);
}

static void
events_are_logged_and_extend_their_register(void **state)
{
    static const char *const contents[] = {"one", "two", "three"};

    (void)state;
    assert_ok(measure(17, "one", &err), err);
    assert_ok(measure(17, "two", &err), err);
    assert_ok(measure(8, "three", &err), err);
    assert_log(contents, 3);
}

/* Upstream's test has the same text, and the same digest. */
static void
the_first_event_has_upstreams_bytes(void **state)
{
    uint8_t bytes[256];

    (void)state;
    assert_ok(measure(17, "content", &err), err);
    assert_int_equal(read_file("eventlog", bytes, sizeof(bytes)), 14 + SIZE + 4 + 32);
    assert_memory_equal(bytes, "\4\0\0\0\6\0\0\0\1\0\0\0\x0c\0\xda\xd5\xf0\xe2\x26", 19);
    assert_memory_equal(bytes + 14 + SIZE, "\x20\0\0\0LEAA\x18\0\0\0domain operation content", 36);
}

/* Each state that a process can be stopped in, and what is left of its work. */
static void
what_was_stopped_is_ended_by_the_next(void **state)
{
    static const char *const contents[] = {"one", "stopped", "two"};

    for (int after = 0; after < 2; after++) {
        assert_ok(measure(17, "one", &err), err);
        machine.stops_before = !after;
        machine.stops_after = after;
        assert_fails(measure(9, "stopped", &err), err, COCO_ERR_IO, "stopped");
        assert_ok(measure(17, "two", &err), err);
        assert_log(contents, 3);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
    }
}

/* The entry was written in part, or whole, before the process was stopped. */
static void
an_entry_that_is_there_in_part_is_written_again(void **state)
{
    static const char *const contents[] = {"one", "stopped", "two"};
    uint8_t whole[512];
    uint8_t ahead[128];

    for (size_t cut = 0; cut <= 98; cut += 14) {
        char path[128];

        machine.stops_after = true;
        assert_ok(measure(17, "one", &err) == COCO_ERR_IO ? COCO_OK : COCO_ERR_IO, NULL);
        coco_error_free(err);
        err = NULL;
        assert_ok(measure(17, "stopped", &err), err);
        size_t first = read_file("eventlog", whole, sizeof(whole)) - 98;
        size_t n = 0;

        /* Back to where the second was written ahead, extended, and begun. */
        for (size_t i = 0; i < 8; i++)
            ahead[n++] = (uint8_t)((uint64_t)first >> (56 - 8 * i));
        memcpy(ahead + n, machine.registers[4], SIZE);
        n += SIZE;
        memcpy(ahead + n, "domain operation stopped", 24);
        write_file(".wal_event_entry", ahead, n + 24);
        path_of("eventlog", path);
        assert_int_equal(truncate(path, (off_t)(first + cut)), 0);

        assert_ok(measure(17, "two", &err), err);
        assert_log(contents, 3);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
    }
}

static void
what_cannot_be_ended_is_an_error(void **state)
{
    static const uint8_t ahead[8 + SIZE + 24] = {0};
    uint8_t digest[SIZE] = {1};

    (void)state;
    /* The register was extended by somebody else meanwhile. */
    machine.stops_before = true;
    assert_fails(measure(17, "stopped", &err), err, COCO_ERR_IO, "stopped");
    assert_ok(coco_attester_extend(attester, 17, digest, SIZE, &err), err);
    assert_fails(measure(17, "two", &err), err, COCO_ERR_VERIFY, "extended since");
    assert_int_equal(teardown(state), 0);
    assert_int_equal(setup(state), 0);

    /* The log is shorter than it was, or longer. */
    machine.stops_after = true;
    assert_fails(measure(17, "stopped", &err), err, COCO_ERR_IO, "stopped");
    write_file("eventlog", ahead, sizeof(ahead));
    write_file("eventlog", digest, 0);
    assert_ok(measure(17, "two", &err), err);
    machine.stops_after = true;
    assert_fails(measure(17, "stopped", &err), err, COCO_ERR_IO, "stopped");
    write_file("eventlog", digest, 1);
    assert_fails(measure(17, "three", &err), err, COCO_ERR_PROTO, "somebody else has written");
}

static void
what_was_written_ahead_in_part_is_an_error(void **state)
{
    uint8_t ahead[8 + SIZE + 24] = {0};

    (void)state;
    assert_ok(measure(17, "one", &err), err);
    for (size_t len = 0; len < 8 + SIZE; len += 7) {
        write_file(".wal_event_entry", ahead, len);
        assert_fails(measure(17, "two", &err), err, COCO_ERR_PROTO, ".wal_event_entry: ends after");
    }
    write_file(".wal_event_entry", ahead, sizeof(ahead));
    assert_fails(measure(17, "two", &err), err, COCO_ERR_VERIFY, "extended since");
}

static void
what_cannot_be_measured_changes_nothing(void **state)
{
    uint8_t bytes[64];
    coco_attester *none = NULL;

    (void)state;
    assert_fails(measure(24, "x", &err), err, COCO_ERR_INVALID, "no PCR 24");
    assert_fails(measure(17, "two\nlines", &err), err, COCO_ERR_INVALID, "one line");
    assert_fails(coco_attester_measure(attester, 17, "a b", "c", "d", &err), err, COCO_ERR_INVALID,
                 "domain");
    assert_fails(coco_attester_measure(attester, 17, "a", "", "d", &err), err, COCO_ERR_INVALID,
                 "operation");
    assert_ok(coco_attester_wrap(&bare, NULL, &none, &err), err);
    assert_fails(coco_attester_measure(none, 17, "a", "b", "c", &err), err, COCO_ERR_NOTSUP,
                 "bare has no registers");
    coco_attester_free(none);
    assert_int_equal(read_file("eventlog", bytes, sizeof(bytes)), 0);
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(machine.registers[4][i], 0);
}

/* T30: oversized, sparse, or a link to elsewhere. */
static void
other_logs_are_refused(void **state)
{
    char path[128];
    char target[128];

    (void)state;
    assert_ok(measure(17, "one", &err), err);
    path_of("eventlog", path);
    assert_int_equal(truncate(path, COCO_EVENTLOG_MAX), 0);
    assert_fails(measure(17, "two", &err), err, COCO_ERR_LIMIT, "is full");
    assert_int_equal(truncate(path, (off_t)1 << 40), 0);
    assert_fails(measure(17, "two", &err), err, COCO_ERR_LIMIT, "no log of at most");
    assert_int_equal(unlink(path), 0);
    path_of("elsewhere", target);
    write_file("elsewhere", "", 0);
    assert_int_equal(symlink(target, path), 0);
    assert_fails(measure(17, "two", &err), err, COCO_ERR_IO, "open");
}

/* Whatever fails, nothing is lost, nor there twice: the log always gives the registers. */
static void
measuring_survives_every_failing_allocation(void **state)
{
    uint8_t bytes[16384];
    struct coco_eventlog log;

    (void)state;
    for_each_fault()
    {
        coco_error *fault = NULL;

        coco_status status = measure(17, "content", &fault);
        fault_expect(status, fault);
    }
    assert_ok(measure(17, "last", &err), err);
    struct coco_buf aael = {.data = bytes, .len = read_file("eventlog", bytes, sizeof(bytes))};
    _cleanup_buf_ struct coco_buf joined = {.limit = 32768};
    uint8_t value[COCO_TCG_HASH_SIZE_MAX];
    assert_ok(coco_eventlog_join(NULL, &aael, &joined, &err), err);
    assert_ok(coco_eventlog_parse(joined.data, joined.len, &log, &err), err);
    assert_ok(coco_eventlog_replay(&log, 4, COCO_TCG_SHA384, value, &err), err);
    assert_memory_equal(value, machine.registers[4], SIZE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(events_are_logged_and_extend_their_register),
        TEST(the_first_event_has_upstreams_bytes),
        TEST(what_was_stopped_is_ended_by_the_next),
        TEST(an_entry_that_is_there_in_part_is_written_again),
        TEST(what_cannot_be_ended_is_an_error),
        TEST(what_was_written_ahead_in_part_is_an_error),
        TEST(what_cannot_be_measured_changes_nothing),
        TEST(other_logs_are_refused),
        TEST(measuring_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests_name("attester/aael", tests, NULL, NULL);
}
