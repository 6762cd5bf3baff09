/*
 * cli/tee_run.c - coco tee run
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"
#include "process.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "coco-tee"
#define WORDS_MAX 4096

/* Beside this program, or in PATH; NULL if it is nowhere. */
static char *
find_helper(void)
{
    char self[PATH_MAX];
    char *beside = NULL;
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (len > 0) {
        self[len] = '\0';
        *(strrchr(self, '/') + 1) = '\0';
        if (asprintf(&beside, "%s" PROGRAM, self) >= 0 && access(beside, X_OK) == 0)
            return beside;
        free(beside);
    }
    return cli_find_program(PROGRAM);
}

/* The helper's command line, in words that are lent. */
static int
write_line(struct cli *cli, const char *helper, const char **words)
{
    static const enum cli_opt passed[] = {OPT_AS,     OPT_STATE,   OPT_FIRMWARE,  OPT_KERNEL,
                                          OPT_INITRD, OPT_CMDLINE, OPT_INIT_DATA, OPT_VCPUS};
    static const char *const names[] = {"--as",     "--state",   "--firmware",  "--kernel",
                                        "--initrd", "--cmdline", "--init-data", "--vcpus"};
    size_t n = 0;

    words[n++] = helper;
    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
        const char *value = cli_get(&cli->args, passed[i]);

        if (!value)
            continue;
        words[n++] = names[i];
        words[n++] = value;
    }
    words[n++] = "--";
    for (char **word = cli->args.rest; *word; word++) {
        if (n == WORDS_MAX - 1)
            return cli_fail(cli, COCO_ERR_LIMIT, "a command of more than %zu words", n);
        words[n++] = *word;
    }
    words[n] = NULL;
    return CLI_DONE;
}

/* Becomes the helper, whose exit code is the command's. */
static int
become(struct cli *cli, const char *helper, const char *const *words)
{
    union {
        const char *const *in;
        char *const *out; /* execv() changes nothing */
    } argv = {.in = words};
    sigset_t none;

    (void)sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)execv(helper, argv.out);
    return cli_fail_errno(cli, errno, helper);
}

int
cli_tee_run(struct cli *cli)
{
    static const char *words[WORDS_MAX];

    if (!cli_get(&cli->args, OPT_AS) || !cli_get(&cli->args, OPT_STATE))
        return cli_usage(cli, "needs --as TEE and --state DIR");
    if (!cli->args.rest || !cli->args.rest[0])
        return cli_usage(cli, "needs a command behind --");
    _cleanup_free_ char *helper = find_helper();
    if (!helper)
        return cli_fail(cli, COCO_ERR_NOTSUP,
                        "the program " PROGRAM " is not there: this build has no FUSE, or it is "
                        "not in PATH");
    int rc = write_line(cli, helper, words);
    return rc == CLI_DONE ? become(cli, helper, words) : rc;
}
