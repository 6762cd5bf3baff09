/*
 * tests/kbs/test_policy_engine.c - lib/kbs/policy_engine.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/policy_engine.h"

#include "base/fd.h"
#include "kbs/policy_wire.h"
#include "tests/faults.h"
#include "tests/kbs/engine.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define POLICY "package policy\nx := input.n\ny := query_reference_value(\"a\")"

static coco_status
write_values(const void *arg, struct coco_buf *buf, coco_error **err)
{
    return coco_buf_append_text(buf, arg, err);
}

static coco_status
ask(struct coco_policy_engine *engine, uint64_t policy, uint64_t values, struct coco_buf *text,
    coco_error **err)
{
    uint32_t cost_ms = 0;
    char references[64];

    (void)snprintf(references, sizeof(references), "{\"a\":%u}", (unsigned)values);
    const struct coco_policy_question question = {
        .policy = policy,
        .text = POLICY,
        .rules = "x y",
        .input = "{\"n\":7}",
        .values = values,
        .write_values = write_values,
        .arg = references,
    };
    coco_buf_reset(text);
    return coco_policy_engine_ask(engine, &question, text, &cost_ms, err);
}

/* More than it keeps, and again what it has forgotten. */
static void
what_is_forgotten_is_told_again(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    if (!have_engine())
        return;
    _cleanup_policy_engine_ struct coco_policy_engine *engine = new_engine();
    for (uint64_t i = 0; i < 200; i++) {
        char want[64];

        (void)snprintf(want, sizeof(want), "{\"x\":7,\"y\":%u}", (unsigned)(i % 37 + 1));
        assert_ok(ask(engine, i % 41 + 1, i % 37 + 1, &text, &err), err);
        assert_string_equal(coco_buf_text(&text), want);
    }
    assert_ok(ask(engine, 1, 0, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), "{\"x\":7,\"y\":null}");
}

/* A program that is this script. */
static void
use_script(const char *dir, const char *script)
{
    char path[128];
    coco_error *err = NULL;

    (void)snprintf(path, sizeof(path), "%s/program", dir);
    assert_ok(coco_file_write(path, script, strlen(script), 0700, &err), err);
    assert_int_equal(setenv("COCO_POLICY_ENGINE", path, 1), 0);
}

static pid_t
read_pid(const char *dir)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 64};
    char path[128];
    coco_error *err = NULL;

    (void)snprintf(path, sizeof(path), "%s/pid", dir);
    assert_ok(coco_file_read(path, &text, &err), err);
    assert_int_equal(unlink(path), 0);
    return (pid_t)strtol(coco_buf_text(&text), NULL, 10);
}

/* The program itself, with the pid of each that is started in a file. */
static void
use_program(const char *dir, const char *program)
{
    char script[512];

    (void)snprintf(script, sizeof(script), "#!/bin/sh\necho $$ >%s/pid\nexec %s\n", dir, program);
    use_script(dir, script);
}

static void
who_was_killed_is_started_again(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    _cleanup_free_ char *program = strdup(getenv("COCO_POLICY_ENGINE"));
    char dir[64];
    pid_t pid = 0;
    coco_error *err = NULL;

    (void)state;
    if (!have_engine())
        return;
    make_temp_dir(dir, sizeof(dir));
    use_program(dir, program);
    _cleanup_policy_engine_ struct coco_policy_engine *engine = new_engine();
    for (unsigned i = 0; i < 5; i++) {
        assert_ok(ask(engine, 1, 2, &text, &err), err);
        assert_string_equal(coco_buf_text(&text), "{\"x\":7,\"y\":2}");
        pid = read_pid(dir);
        assert_int_equal(kill(pid, SIGKILL), 0);
    }
    assert_ok(ask(engine, 1, 2, &text, &err), err);
    pid = read_pid(dir);
    coco_policy_engine_unref(coco_steal(&engine));
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(setenv("COCO_POLICY_ENGINE", program, 1), 0);
}

/* Answers after n steps. */
struct slow {
    struct coco_policy_engine *engine;
    unsigned n;
    uint32_t cost_ms;
    coco_status status;
    coco_error *err;
};

static void *
ask_slowly(void *arg)
{
    struct slow *slow = arg;
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    char policy[128];

    (void)snprintf(policy, sizeof(policy),
                   "package policy\nx := count([i | some i in numbers.range(1, %u); i %% 7 == 0])",
                   slow->n);
    const struct coco_policy_question question = {
        .policy = slow->n,
        .text = policy,
        .rules = "x",
        .input = "{}",
    };
    slow->status =
        coco_policy_engine_ask(slow->engine, &question, &text, &slow->cost_ms, &slow->err);
    return NULL;
}

static uint64_t
now_ms(clockid_t clock)
{
    struct timespec now = {0};

    assert_int_equal(clock_gettime(clock, &now), 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The machine has something else to do for longer than a policy may take. */
static void
who_is_held_up_is_not_late(void **state)
{
    struct slow slow = {.n = 1000};
    const struct timespec held = {.tv_sec = COCO_POLICY_KILL_MS / 1000, .tv_nsec = 100000000};
    _cleanup_free_ char *program = strdup(getenv("COCO_POLICY_ENGINE"));
    char dir[64];
    pthread_t thread;
    clockid_t cpu = 0;

    (void)state;
    if (!have_engine())
        return;
    make_temp_dir(dir, sizeof(dir));
    use_program(dir, program);
    _cleanup_policy_engine_ struct coco_policy_engine *engine = new_engine();
    slow.engine = engine;
    while (slow.cost_ms < 50) {
        slow.n *= 2;
        (void)ask_slowly(&slow);
        assert_ok(slow.status, slow.err);
    }
    pid_t pid = read_pid(dir);
    assert_int_equal(clock_getcpuclockid(pid, &cpu), 0);
    uint64_t before = now_ms(cpu);
    assert_int_equal(pthread_create(&thread, NULL, ask_slowly, &slow), 0);
    while (now_ms(cpu) - before < 10)
        (void)sched_yield();
    assert_int_equal(kill(pid, SIGSTOP), 0);
    assert_int_equal(clock_nanosleep(CLOCK_MONOTONIC, 0, &held, NULL), 0);
    assert_int_equal(kill(pid, SIGCONT), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_ok(slow.status, slow.err);
    assert_int_equal(setenv("COCO_POLICY_ENGINE", program, 1), 0);
}

static void
another_program_is_none(void **state)
{
    static const struct {
        const char *script;
        coco_status status;
        const char *words;
    } cases[] = {
        {"#!/bin/sh\nexit 0\n", COCO_ERR_IO, "does not start"},
        {"#!/bin/sh\nprintf '\\1\\0\\0\\0\\2\\0\\0\\0\\0\\0\\0\\0' >&0\n", COCO_ERR_NOTSUP,
         "another version"},
        /* A reply that is longer than any may be, and one that ends early. */
        {"#!/bin/sh\nprintf '\\1\\0\\0\\0\\1\\0\\0\\0\\0\\0\\0\\0' >&0\n"
         "printf '\\1\\0\\0\\0\\377\\377\\377\\377\\0\\0\\0\\0' >&0\ncat /dev/zero >&0\n",
         COCO_ERR_LIMIT, ""},
        {"#!/bin/sh\nprintf '\\1\\0\\0\\0\\1\\0\\0\\0\\0\\0\\0\\0' >&0\nprintf '\\1\\0\\0' >&0\n",
         COCO_ERR_LIMIT, "ended"},
        {"#!/bin/sh\nprintf '\\1\\0\\0\\0\\1\\0\\0\\0\\0\\0\\0\\0' >&0\n"
         "printf '\\11\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' >&0\ncat >/dev/null\n",
         COCO_ERR_DENIED, ""},
    };
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    _cleanup_free_ char *program = strdup(getenv("COCO_POLICY_ENGINE"));
    char dir[64];
    coco_error *err = NULL;

    (void)state;
    if (!have_engine())
        return;
    make_temp_dir(dir, sizeof(dir));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_policy_engine_ struct coco_policy_engine *engine = new_engine();

        use_script(dir, cases[i].script);
        coco_status status = ask(engine, 1, 2, &text, &err);
        print_message("# %s\n", err ? coco_error_message(err) : "");
        assert_fails(status, err, cases[i].status, cases[i].words);
    }
    _cleanup_policy_engine_ struct coco_policy_engine *engine = new_engine();
    assert_int_equal(setenv("COCO_POLICY_ENGINE", "/nowhere/program", 1), 0);
    assert_fails(ask(engine, 1, 2, &text, &err), err, COCO_ERR_IO, "/nowhere/program");
    assert_int_equal(setenv("COCO_POLICY_ENGINE", program, 1), 0);
    assert_ok(ask(engine, 1, 2, &text, &err), err);
}

static void
every_allocation_may_fail(void **state)
{
    _cleanup_policy_engine_ struct coco_policy_engine *engine = NULL;

    (void)state;
    if (!have_engine())
        return;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};
        coco_error *err = NULL;
        coco_status status = COCO_OK;

        coco_policy_engine_unref(coco_steal(&engine));
        status = coco_policy_engine_new(&engine, &err);
        if (status == COCO_OK)
            status = ask(engine, 1, 2, &text, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_forgotten_is_told_again),
        cmocka_unit_test(who_was_killed_is_started_again),
        cmocka_unit_test(who_is_held_up_is_not_late),
        cmocka_unit_test(another_program_is_none),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests_name("kbs/policy_engine", tests, NULL, NULL);
}
