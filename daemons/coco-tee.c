/*
 * daemons/coco-tee.c - a command inside a TEE that is software
 *
 * Boots a machine, shows it as the kernel of a TEE would, below a directory of its own,
 * and runs a command that looks there. For development and tests: `coco tee run` is this.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"
#include "base/fd.h"
#include "softtee/fs.h"
#include "standard.h"
#include "tee_room.h"

#include <coco/coco.h>

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define ROOT_VARIABLE "COCO_TEE_ROOT"
#define PART_MAX ((size_t)1 << 30)

/* As the coco program has them. */
enum {
    EXIT_OTHER = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_FOUND = 6,
    EXIT_NOT_SUPPORTED = 7,
    EXIT_LIMIT = 8,
    EXIT_NO_COMMAND = 127,
};

static const char usage[] =
    "usage: coco-tee --as tdx|snp|tpm --state DIR [OPTION]... -- COMMAND [ARGUMENT]...\n"
    "       coco-tee --version\n"
    "\n"
    "  --state DIR       where the maker's keys are kept; a verifier needs what is in\n"
    "                    DIR/roots and DIR/collateral, or DIR/keys of a TPM\n"
    "  --firmware FILE   an image as OVMF's; the machine brings one along otherwise\n"
    "  --kernel FILE     a program of UEFI, as Linux is\n"
    "  --initrd FILE\n"
    "  --cmdline TEXT\n"
    "  --vcpus N         which SEV-SNP measures; 1 otherwise\n"
    "  --init-data FILE  an initdata document that the machine is bound to\n";

enum part { FIRMWARE, KERNEL, INITRD, INIT_DATA, PARTS };

struct program {
    bool chosen;
    enum coco_softtee_kind kind;
    const char *state;
    const char *files[PARTS];
    const char *cmdline;
    uint32_t vcpus;
    char **command;
};

static int
misused(const char *why)
{
    (void)fprintf(stderr, "coco-tee: %s\n%s", why, usage);
    return EXIT_USAGE;
}

static int
failed(coco_status status, coco_error *err)
{
    (void)fprintf(stderr, "coco-tee: %s\n", coco_error_message(err));
    coco_error_free(err);
    switch (status) {
    case COCO_ERR_INVALID:
        return EXIT_USAGE;
    case COCO_ERR_NOTFOUND:
        return EXIT_NOT_FOUND;
    case COCO_ERR_NOTSUP:
        return EXIT_NOT_SUPPORTED;
    case COCO_ERR_LIMIT:
        return EXIT_LIMIT;
    default:
        return EXIT_OTHER;
    }
}

/* ---- what boots ---- */

/* An empty file is one, too. */
static struct coco_sev_part
part_of(const struct coco_buf *content)
{
    return (struct coco_sev_part){coco_buf_text(content), content->len};
}

static coco_status
boot_with(const struct program *program, const struct coco_buf *contents, struct coco_softtee **ret,
          coco_error **err)
{
    struct coco_softtee_launch launch = {
        .has_kernel = program->files[KERNEL] != NULL,
        .kernel = {.cmdline = program->cmdline ? program->cmdline : ""},
        .vcpus = program->vcpus,
    };

    if (program->files[FIRMWARE])
        launch.firmware = part_of(&contents[FIRMWARE]);
    if (program->files[KERNEL])
        launch.kernel.kernel = part_of(&contents[KERNEL]);
    if (program->files[INITRD])
        launch.kernel.initrd = part_of(&contents[INITRD]);
    if (program->files[INIT_DATA])
        launch.init_data = coco_buf_text(&contents[INIT_DATA]);
    return coco_softtee_boot(program->state, program->kind, &launch, ret, err);
}

static coco_status
boot(const struct program *program, struct coco_softtee **ret, coco_error **err)
{
    struct coco_buf contents[PARTS] = {{0}};
    coco_status status = COCO_OK;

    for (size_t i = 0; i < PARTS && status == COCO_OK; i++) {
        contents[i].limit = PART_MAX;
        if (program->files[i])
            status = coco_file_read(program->files[i], &contents[i], err);
    }
    if (status == COCO_OK)
        status = boot_with(program, contents, ret, err);
    for (size_t i = 0; i < PARTS; i++)
        coco_buf_done(&contents[i]);
    return status;
}

/* ---- the command ---- */

static volatile sig_atomic_t command_pid;

static void
pass_on(int signal_number)
{
    if (command_pid > 0)
        (void)kill((pid_t)command_pid, signal_number);
}

/* Ctrl-C is the command's to handle, which has it from the terminal; others are passed on. */
static void
handle_signals(bool pass)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    const struct sigaction passing = {.sa_handler = pass_on};

    (void)sigaction(SIGINT, pass ? &ignore : &usual, NULL);
    (void)sigaction(SIGQUIT, pass ? &ignore : &usual, NULL);
    (void)sigaction(SIGTERM, pass ? &passing : &usual, NULL);
    (void)sigaction(SIGHUP, pass ? &passing : &usual, NULL);
}

/* What tells attesters, and tools of tpm2-tools, where to look: nowhere else. */
static bool
show(const struct tee_room *room)
{
    bool ok = setenv(ROOT_VARIABLE, room->path, 1) == 0;

    if (room->tcti[0] == '\0')
        return ok;
    return ok && unsetenv("AA_TPM_DEVICE") == 0 && unsetenv("AA_TPM_AK_HANDLE") == 0
           && setenv("COCO_TPM_TCTI", room->tcti, 1) == 0
           && setenv("TPM2TOOLS_TCTI", room->tcti, 1) == 0;
}

/* In a machine that is switched off nothing runs. */
static void
become(const struct program *program, const struct tee_room *room, pid_t parent,
       const sigset_t *mask)
{
    handle_signals(false);
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(EXIT_OTHER);
    if (show(room))
        (void)execvp(program->command[0], program->command);
    (void)fprintf(stderr, "coco-tee: cannot run '%s': %s\n", program->command[0], strerror(errno));
    _exit(EXIT_NO_COMMAND);
}

static int
run_command(const struct program *program, const struct tee_room *room)
{
    pid_t self = getpid();
    sigset_t all;
    sigset_t mask;
    int status = 0;
    pid_t got;

    /* A signal that comes before there is somebody to pass it on to waits. */
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &mask);
    handle_signals(true);
    pid_t pid = fork();
    if (pid == 0)
        become(program, room, self, &mask);
    command_pid = pid;
    (void)sigprocmask(SIG_SETMASK, &mask, NULL);
    if (pid < 0) {
        (void)fprintf(stderr, "coco-tee: %s\n", strerror(errno));
        return EXIT_OTHER;
    }
    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    command_pid = 0;
    if (got < 0)
        return EXIT_OTHER;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int
run(const struct program *program)
{
    _cleanup_(coco_softtee_freep) struct coco_softtee *tee = NULL;
    struct coco_softtee_fs *fs = NULL;
    struct tee_room room = {.path = ""};
    coco_error *err = NULL;

    coco_status status = boot(program, &tee, &err);
    if (status == COCO_OK)
        status = tee_room_make(program->kind == COCO_SOFTTEE_TPM, &room, &err);
    if (status == COCO_OK && room.tcti[0] != '\0')
        status = coco_softtee_boot_tpm(tee, room.tcti, &err);
    if (status == COCO_OK)
        status = coco_softtee_fs_begin(tee, room.sys, &fs, &err);
    int rc = status == COCO_OK ? run_command(program, &room) : failed(status, err);
    coco_softtee_fs_end(fs);
    tee_room_end(&room);
    return rc;
}

/* ---- the command line ---- */

static bool
take_kind(struct program *program, const char *name)
{
    static const char *const names[] = {
        [COCO_SOFTTEE_TDX] = "tdx", [COCO_SOFTTEE_SNP] = "snp", [COCO_SOFTTEE_TPM] = "tpm"};

    for (enum coco_softtee_kind kind = COCO_SOFTTEE_TDX; kind <= COCO_SOFTTEE_TPM; kind++)
        if (strcmp(names[kind], name) == 0) {
            program->chosen = true;
            program->kind = kind;
            return true;
        }
    return false;
}

static bool
take_number(const char *text, uint32_t *ret)
{
    char *end = NULL;

    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    *ret = (uint32_t)number;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && number > 0
           && number <= UINT32_MAX;
}

/* -1 to go on, else what to exit with. */
static int
take_option(struct program *program, int option, const char *value)
{
    switch (option) {
    case 'a':
        return take_kind(program, value) ? -1 : misused("--as is tdx, snp or tpm");
    case 's':
        program->state = value;
        return -1;
    case 'c':
        program->cmdline = value;
        return -1;
    case 'n':
        return take_number(value, &program->vcpus) ? -1 : misused("--vcpus is a number");
    case 'f':
    case 'f' + KERNEL:
    case 'f' + INITRD:
    case 'f' + INIT_DATA:
        program->files[option - 'f'] = value;
        return -1;
    case 'V':
        (void)printf("coco-tee %s\n", coco_version());
        return EXIT_SUCCESS;
    case 'H':
        (void)fputs(usage, stdout);
        return EXIT_SUCCESS;
    default:
        return misused("what is that?");
    }
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        {"as", required_argument, NULL, 'a'},
        {"state", required_argument, NULL, 's'},
        {"firmware", required_argument, NULL, 'f' + FIRMWARE},
        {"kernel", required_argument, NULL, 'f' + KERNEL},
        {"initrd", required_argument, NULL, 'f' + INITRD},
        {"init-data", required_argument, NULL, 'f' + INIT_DATA},
        {"cmdline", required_argument, NULL, 'c'},
        {"vcpus", required_argument, NULL, 'n'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'H'},
        {NULL, 0, NULL, 0},
    };
    struct program program = {0};
    int option;

    if (!standard_hold())
        return EXIT_OTHER;
    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        int rc = take_option(&program, option, optarg);

        if (rc >= 0)
            return rc;
    }
    if (!program.chosen || !program.state)
        return misused("--as and --state are needed");
    if (optind == argc)
        return misused("which command?");
    program.command = argv + optind;
    return run(&program);
}
