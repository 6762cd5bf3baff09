/*
 * cli/main.c - coco: confidential containers from the command line
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Keys are in this memory: no core file, and no other process of the user looks at it. */
static void
hide_memory(void)
{
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* LeakSanitizer looks at it as a debugger does */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

/*
 * Started without one of the three, it would have a file or a socket in its place, and what is said
 * to the user in there. Reading and writing there fails as before.
 */
static bool
hold_standard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0
            && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}

/* Also of a line that cannot be understood. */
static bool
asks_for_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

/* As programs hand traces on to those they start; what is none is no reason to fail. */
static void
join_trace(coco_ctx *ctx)
{
    const char *traceparent = cli_env("TRACEPARENT");
    coco_error *err = NULL;

    if (traceparent && coco_ctx_set_traceparent(ctx, traceparent, &err) != COCO_OK)
        coco_error_free(err);
}

/* Runs the command; signals cancel it. */
static int
run(struct cli *cli)
{
    struct cli_signals signals = {.canceled_fd = -1};

    if (coco_ctx_new(&cli->ctx, &cli->err) != COCO_OK)
        return cli_check(cli, coco_error_status(cli->err));
    join_trace(cli->ctx);
    int rc = cli_report_begin(cli);
    if (rc == CLI_DONE) {
        int error = cli_signals_begin(&signals, cli->ctx);

        cli->canceled_fd = signals.canceled_fd;
        rc = error == 0 ? cli->args.command->run(cli) : cli_fail_errno(cli, error, "signals");
    }
    cli_progress_end(cli);
    cli_signals_end(&signals);
    coco_ctx_free(cli->ctx);
    return rc;
}

static int
dispatch(struct cli *cli)
{
    const struct cli_args *args = &cli->args;

    if (args->help && args->command)
        cli_help(stdout, args->command);
    else if (args->help)
        cli_help_all(stdout, args->group);
    else if (args->command)
        return run(cli);
    else
        return cli_usage(cli, "which command%s%s?", args->group ? " of " : "",
                         args->group ? args->group : "");
    return CLI_DONE;
}

int
main(int argc, char **argv)
{
    struct cli cli = {.canceled_fd = -1};
    char problem[256] = "";

    hide_memory();
    if (!hold_standard())
        return EXIT_FAILURE;
    (void)signal(SIGPIPE, SIG_IGN); /* writing to a closed pipe is an error like any other */
    (void)pthread_mutex_init(&cli.lock, NULL);
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        argv[1] += strlen("--");
    cli.json = asks_for_json(argc, argv);

    int rc = cli_args_parse(argc, argv, &cli.args, problem, sizeof(problem))
                 ? dispatch(&cli)
                 : cli_usage(&cli, "%s", problem);
    if (rc == CLI_DONE && fflush(stdout) != 0)
        rc = cli_fail_errno(&cli, errno, "stdout");
    coco_error_free(cli.err);
    (void)pthread_mutex_destroy(&cli.lock);
    return rc;
}
