/*
 * tests/base/test_program.c - lib/base/program.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/program.h"

#include "base/context.h"
#include "tests/faults.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct fixture {
    coco_ctx *ctx;
    coco_error *err;
    struct coco_buf output;
    struct coco_buf errors;
    int code;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){.output.limit = 1 << 20, .errors.limit = 100, .code = -2};
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    coco_buf_done(&f->output);
    coco_buf_done(&f->errors);
    return 0;
}

/* Runs a line of shell: the shell is the program that is tried, not a part of what runs it. */
static coco_status
run(struct fixture *f, const char *script, unsigned timeout)
{
    const char *const argv[] = {"script", "-c", script, NULL};
    const char *const env[] = {"PATH=/usr/bin:/bin", "WORD=a b", NULL};
    const struct coco_program program = {
        .path = "/bin/sh",
        .argv = argv,
        .env = env,
        .input = "typed\n",
        .input_len = strlen("typed\n"),
        .timeout = timeout,
    };

    coco_buf_reset(&f->output);
    coco_buf_reset(&f->errors);
    return coco_program_run(&program, f->ctx, &f->output, &f->errors, &f->code, &f->err);
}

static void
programs_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *path;
        coco_status want;
        const char *why;
    } cases[] = {
        {"/nowhere/at-all", COCO_ERR_NOTFOUND, "no file '/nowhere/at-all'"},
        {"/etc", COCO_ERR_IO, "run '/etc': "},
        {"/etc/passwd", COCO_ERR_IO, "run '/etc/passwd': "},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *const argv[] = {"name", NULL};
        const char *const env[] = {NULL};
        const struct coco_program program = {
            .path = cases[i].path, .argv = argv, .env = env, .timeout = 10};

        assert_fails(coco_program_run(&program, f->ctx, &f->output, &f->errors, &f->code, &f->err),
                     f->err, cases[i].want, cases[i].why);
    }
    assert_int_equal(f->code, -2);
}

static void
more_output_than_there_is_room_for_is_refused(void **state)
{
    struct fixture *f = *state;

    /* It would never end by itself. */
    f->output.limit = 100000;
    assert_fails(run(f, "exec cat /dev/zero", 60), f->err, COCO_ERR_LIMIT, "'script': ");
}

static void
more_errors_than_there_is_room_for_are_cut(void **state)
{
    struct fixture *f = *state;

    assert_ok(run(f, "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo done", 60), f->err);
    assert_string_equal(coco_buf_text(&f->output), "done\n");
    assert_int_equal(f->errors.len, 100);
}

static void
a_program_that_does_not_end_is_killed_with_its_children(void **state)
{
    struct fixture *f = *state;
    char path[64];
    char line[256] = "";
    pid_t child = 0;

    assert_fails(run(f, "cat /dev/zero >/dev/null & echo $!; wait", 1), f->err, COCO_ERR_IO,
                 "'script': it does not end in time");
    assert_int_equal(sscanf(coco_buf_text(&f->output), "%d", &child), 1);
    /* Whoever becomes its parent may not have waited for it yet, but it does not run. */
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
    for (int tries = 0; tries < 1000; tries++) {
        FILE *file = fopen(path, "r");

        if (!file)
            return;
        (void)!fgets(line, sizeof(line), file);
        (void)fclose(file);
        if (strstr(line, ") Z ") || strstr(line, ") X "))
            return;
        (void)poll(NULL, 0, 10);
    }
    fail_msg("it lives: %s", line);
}

static void *
cancel(void *ctx)
{
    coco_ctx_cancel(ctx);
    return NULL;
}

static void
a_cancel_ends_it_at_once(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, cancel, f->ctx), 0);
    coco_status status = run(f, "exec cat /dev/zero >/dev/null", 3600);
    (void)pthread_join(thread, NULL);
    assert_fails(status, f->err, COCO_ERR_CANCELED, "cancel");
    assert_fails(run(f, "exit 0", 10), f->err, COCO_ERR_CANCELED, "cancel");
}

static void
it_gets_its_input_and_gives_its_output(void **state)
{
    struct fixture *f = *state;

    assert_ok(run(f, "read line; echo \"<$line>\"; echo why >&2; exit 3", 60), f->err);
    assert_string_equal(coco_buf_text(&f->output), "<typed>\n");
    assert_string_equal(coco_buf_text(&f->errors), "why\n");
    assert_int_equal(f->code, 3);
    assert_ok(run(f, "kill -9 $$", 60), f->err);
    assert_int_equal(f->code, 128 + SIGKILL);
    /* Who does not read what it is given is no error. */
    assert_ok(run(f, "exec <&-; exit 0", 60), f->err);
    assert_int_equal(f->code, 0);
}

static void
it_sees_no_environment_but_what_it_is_given(void **state)
{
    struct fixture *f = *state;

    assert_ok(run(f, "exec env", 60), f->err);
    assert_contains(coco_buf_text(&f->output), "WORD=a b\n");
    assert_contains(coco_buf_text(&f->output), "PATH=/usr/bin:/bin\n");
    assert_null(strstr(coco_buf_text(&f->output), "HOME="));
    assert_null(strstr(coco_buf_text(&f->output), "CMOCKA"));
}

static void
it_has_no_terminal_and_no_descriptor_of_ours(void **state)
{
    struct fixture *f = *state;
    int leak[2];

    /* Made without O_CLOEXEC, as a careless program would. */
    assert_int_equal(pipe(leak), 0);
    coco_status status = run(f, "ls /proc/self/fd; ps -o tty= -p $$", 60);
    (void)close(leak[0]);
    (void)close(leak[1]);
    assert_ok(status, f->err);
    /* 3 is ls's own, of the directory. */
    assert_int_equal(strncmp(coco_buf_text(&f->output), "0\n1\n2\n3\n", 8), 0);
    assert_string_equal(coco_buf_text(&f->output) + 8, "?\n");
}

static void
it_ends_though_a_child_stays_in_the_background(void **state)
{
    struct fixture *f = *state;

    /* The child keeps both pipes open until the group is killed here. */
    assert_ok(run(f, "cat /dev/zero | cat >/dev/null & echo $!", 60), f->err);
    pid_t child = 0;
    assert_int_equal(sscanf(coco_buf_text(&f->output), "%d", &child), 1);
    assert_int_equal(kill(child, SIGKILL), 0);
}

static void
signals_are_as_in_a_fresh_process(void **state)
{
    struct fixture *f = *state;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction old;
    sigset_t set;
    sigset_t old_set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    assert_int_equal(sigaction(SIGPIPE, &ignore, &old), 0);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &old_set), 0);
    coco_status status = run(f, "grep -E '^Sig(Blk|Ign)' /proc/self/status", 60);
    (void)sigaction(SIGPIPE, &old, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &old_set, NULL);
    assert_ok(status, f->err);
    unsigned long long blocked = 0;
    unsigned long long ignored = 0;
    assert_int_equal(
        sscanf(coco_buf_text(&f->output), "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
    assert_int_equal(blocked, 0);
    /* Signals 32 and 33 are the C library's own, which it turns off. */
    assert_int_equal(ignored & ~(3ULL << 31), 0);
}

static void
a_process_that_ignores_its_children_gets_the_output_all_the_same(void **state)
{
    struct fixture *f = *state;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction old;

    assert_int_equal(sigaction(SIGCHLD, &ignore, &old), 0);
    coco_status status = run(f, "echo here", 60);
    (void)sigaction(SIGCHLD, &old, NULL);
    assert_ok(status, f->err);
    assert_string_equal(coco_buf_text(&f->output), "here\n");
    assert_int_equal(f->code, COCO_PROGRAM_UNKNOWN);
}

static void
it_runs_in_a_process_without_stdio(void **state)
{
    struct fixture *f = *state;
    int code = 0;

    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(0);
        (void)close(1);
        (void)close(2);
        coco_status status = run(f, "read line; echo \"<$line>\"; echo why >&2", 60);
        _exit(status == COCO_OK && strcmp(coco_buf_text(&f->output), "<typed>\n") == 0
                      && strcmp(coco_buf_text(&f->errors), "why\n") == 0
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(pid, &code, 0), pid);
    assert_int_equal(code, 0);
}

static void
run_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        coco_status status = run(f, "echo a; echo b >&2", 60);

        fault_expect(status, f->err);
        coco_error_free(f->err);
        f->err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(programs_that_are_none_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(more_output_than_there_is_room_for_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(more_errors_than_there_is_room_for_are_cut, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_program_that_does_not_end_is_killed_with_its_children,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_cancel_ends_it_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(it_gets_its_input_and_gives_its_output, setup, teardown),
        cmocka_unit_test_setup_teardown(it_sees_no_environment_but_what_it_is_given, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(it_has_no_terminal_and_no_descriptor_of_ours, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(it_ends_though_a_child_stays_in_the_background, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(signals_are_as_in_a_fresh_process, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_process_that_ignores_its_children_gets_the_output_all_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(it_runs_in_a_process_without_stdio, setup, teardown),
        cmocka_unit_test_setup_teardown(run_survives_any_failed_allocation, setup, teardown),
    };

    return cmocka_run_group_tests_name("base/program", tests, NULL, NULL);
}
