/*
 * daemons/tee_room.c - the directory in which a command finds its TEE
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee_room.h"

#include "base/fail.h"
#include "tee_swtpm.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEPTH 16 /* descriptors for the way down */

/* ---- the keeper ---- */

/* Nobody waits for what we inherited, which may be a pipe of somebody's, but for alive. */
static void
let_go(int alive)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    sigset_t all;

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)setsid();
    for (int fd = 0; fd < 3; fd++)
        (void)dup2(null, fd);
    (void)close_range(3, (unsigned)alive - 1, 0);
    (void)close_range((unsigned)alive + 1, ~0U, 0);
}

/* Still mounted only if nobody could do it in order. */
static void
unmount(const char *path)
{
    if (umount2(path, MNT_DETACH) == 0 || errno != EPERM)
        return;
    pid_t pid = fork();
    if (pid == 0) {
        (void)execlp("fusermount3", "fusermount3", "-u", "-z", "-q", path, (char *)NULL);
        _exit(1);
    }
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    (void)remove(path);
    return 0;
}

static void
remove_all(const struct tee_room *room)
{
    (void)nftw(room->path, remove_one, DEPTH, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* Before anything is removed that it may write to. */
static void
end_tpm(pid_t pid)
{
    if (pid <= 0)
        return;
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static void
keep(const struct tee_room *room, const char *tpm, struct tee_swtpm *swtpm, int alive)
{
    pid_t pid = tpm ? tee_swtpm_start(tpm, swtpm) : 0;
    char byte;

    let_go(alive);
    while (read(alive, &byte, 1) < 0 && errno == EINTR)
        ;
    end_tpm(pid);
    unmount(room->sys);
    remove_all(room);
    _exit(0);
}

/* tpm: the directory of its TPM, or NULL. */
static coco_status
start_keeper(struct tee_room *room, const char *tpm, struct tee_swtpm *swtpm, coco_error **err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return coco_fail_errno(err, errno, "make a pipe");
    room->keeper = fork();
    if (room->keeper == 0) {
        (void)close(ends[1]);
        keep(room, tpm, swtpm, ends[0]);
    }
    int error = errno;
    (void)close(ends[0]);
    if (room->keeper < 0) {
        (void)close(ends[1]);
        return coco_fail_errno(err, error, "start a process");
    }
    room->alive = ends[1];
    return COCO_OK;
}

/* ---- the directory ---- */

static coco_status
make_in(const struct tee_room *room, const char *name, coco_error **err)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", room->path, name);
    return mkdir(path, 0700) == 0 ? COCO_OK : coco_fail_errno(err, errno, "make '%s'", path);
}

static coco_status
make_dirs(const struct tee_room *room, coco_error **err)
{
    static const char *const dirs[] = {"sys", "dev", "run", "run/attestation-agent", "tpm"};
    coco_status status = COCO_OK;

    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && status == COCO_OK; i++)
        status = make_in(room, dirs[i], err);
    return status;
}

/* In /tmp, for the path of a socket has to be short. */
coco_status
tee_room_make(bool with_tpm, struct tee_room *ret, coco_error **err)
{
    struct tee_room room = {.path = "/tmp/coco-tee.XXXXXX"};
    struct tee_swtpm swtpm = {-1, -1};
    char tpm[80];

    if (!mkdtemp(room.path))
        return coco_fail_errno(err, errno, "make a directory in /tmp");
    (void)snprintf(room.sys, sizeof(room.sys), "%s/sys", room.path);
    (void)snprintf(tpm, sizeof(tpm), "%s/tpm", room.path);
    coco_status status = make_dirs(&room, err);
    if (status == COCO_OK && with_tpm) {
        (void)snprintf(room.tcti, sizeof(room.tcti), "swtpm:path=%.70s/" TEE_SWTPM_SOCKET, tpm);
        status = tee_swtpm_listen(tpm, &swtpm, err);
    }
    if (status == COCO_OK)
        status = start_keeper(&room, with_tpm ? tpm : NULL, &swtpm, err);
    tee_swtpm_close(&swtpm);
    if (status != COCO_OK) {
        remove_all(&room);
        return status;
    }
    *ret = room;
    return COCO_OK;
}

void
tee_room_end(struct tee_room *room)
{
    if (room->keeper <= 0)
        return;
    (void)close(room->alive);
    while (waitpid(room->keeper, NULL, 0) < 0 && errno == EINTR)
        ;
    *room = (struct tee_room){0};
}
