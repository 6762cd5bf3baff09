/*
 * softtee/fs.c - a TEE of software as a file system
 *
 * One thread serves all requests, one after the other. Nothing is cached by the
 * kernel, for each read of a file may have another answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define FUSE_USE_VERSION 31

#include "softtee/fs.h"

#include "base/fail.h"

#include <fcntl.h>
#include <fuse.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

struct coco_softtee_fs {
    struct fuse *fuse;
    pthread_t thread;
    int end[2]; /* a pipe; closing its second half ends the thread */
};

static struct coco_softtee *
tee_of_request(void)
{
    return fuse_get_context()->private_data;
}

static void *
begin(struct fuse_conn_info *connection, struct fuse_config *config)
{
    (void)connection;
    config->direct_io = 1;
    config->attr_timeout = 0;
    config->entry_timeout = 0;
    config->negative_timeout = 0;
    config->nullpath_ok = 0;
    return fuse_get_context()->private_data;
}

static int
get_attributes(const char *path, struct stat *ret, struct fuse_file_info *info)
{
    struct coco_softtee_stat found;
    int error = coco_softtee_stat(tee_of_request(), path, &found);

    (void)info;
    if (error < 0)
        return error;
    *ret = (struct stat){
        .st_mode = (found.is_dir ? S_IFDIR : S_IFREG) | found.mode,
        .st_nlink = found.is_dir ? 2 : 1,
        .st_size = (off_t)found.size,
        .st_uid = getuid(),
        .st_gid = getgid(),
    };
    return 0;
}

struct listing {
    void *buf;
    fuse_fill_dir_t fill;
};

static void
add_name(void *user, const char *name)
{
    const struct listing *listing = user;

    (void)listing->fill(listing->buf, name, NULL, 0, 0);
}

static int
read_dir(const char *path, void *buf, fuse_fill_dir_t fill, off_t at, struct fuse_file_info *info,
         enum fuse_readdir_flags flags)
{
    struct listing listing = {buf, fill};

    (void)at;
    (void)info;
    (void)flags;
    add_name(&listing, ".");
    add_name(&listing, "..");
    return coco_softtee_list(tee_of_request(), path, add_name, &listing);
}

static int
make_dir(const char *path, mode_t mode)
{
    (void)mode;
    return coco_softtee_mkdir(tee_of_request(), path);
}

static int
remove_dir(const char *path)
{
    return coco_softtee_rmdir(tee_of_request(), path);
}

/* A shell's ">" truncates, which means nothing here. */
static int
truncate_file(const char *path, off_t size, struct fuse_file_info *info)
{
    struct coco_softtee_stat found;

    (void)info;
    return size == 0 ? coco_softtee_stat(tee_of_request(), path, &found) : -EPERM;
}

static int
open_file(const char *path, struct fuse_file_info *info)
{
    int handle = coco_softtee_open(tee_of_request(), path, info->flags);

    if (handle < 0)
        return handle;
    info->fh = (uint64_t)handle;
    return 0;
}

static int
read_file(const char *path, char *buf, size_t size, off_t at, struct fuse_file_info *info)
{
    (void)path;
    return (int)coco_softtee_read(tee_of_request(), (int)info->fh, buf, size, at);
}

static int
write_file(const char *path, const char *data, size_t size, off_t at, struct fuse_file_info *info)
{
    (void)path;
    return (int)coco_softtee_write(tee_of_request(), (int)info->fh, data, size, at);
}

/* close(2) waits for this one, and not for the release. */
static int
flush_file(const char *path, struct fuse_file_info *info)
{
    (void)path;
    coco_softtee_flush(tee_of_request(), (int)info->fh);
    return 0;
}

static int
release_file(const char *path, struct fuse_file_info *info)
{
    (void)path;
    coco_softtee_close(tee_of_request(), (int)info->fh);
    return 0;
}

static const struct fuse_operations operations = {
    .init = begin,
    .getattr = get_attributes,
    .readdir = read_dir,
    .mkdir = make_dir,
    .rmdir = remove_dir,
    .truncate = truncate_file,
    .open = open_file,
    .read = read_file,
    .write = write_file,
    .flush = flush_file,
    .release = release_file,
};

/* The next request, if there is one; false: there will be none. */
static bool
serve_one(struct fuse_session *session, struct fuse_buf *buf)
{
    int n = fuse_session_receive_buf(session, buf);

    if (n > 0)
        fuse_session_process_buf(session, buf);
    return n > 0 || n == -EAGAIN || n == -EINTR;
}

/* fuse_loop() would wait for a last request, which never comes while somebody else is in there. */
static void *
serve(void *user)
{
    struct coco_softtee_fs *fs = user;
    struct fuse_session *session = fuse_get_session(fs->fuse);
    struct pollfd fds[] = {{.fd = fuse_session_fd(session), .events = POLLIN},
                           {.fd = fs->end[0], .events = POLLIN}};
    struct fuse_buf buf = {.mem = NULL};

    while (!fuse_session_exited(session)) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            break;
        if (fds[1].revents != 0 || (fds[0].revents != 0 && !serve_one(session, &buf)))
            break;
    }
    free(buf.mem);
    return NULL;
}

/* Signals are for the thread that waits for the end. */
static coco_status
begin_thread(struct coco_softtee_fs *fs, coco_error **err)
{
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&fs->thread, NULL, serve, fs);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0 ? COCO_OK : coco_fail_errno(err, error, "start a thread");
}

static void
destroy(struct coco_softtee_fs *fs)
{
    if (fs->fuse)
        fuse_destroy(fs->fuse);
    for (size_t i = 0; i < 2; i++)
        if (fs->end[i] >= 0)
            (void)close(fs->end[i]);
    free(fs);
}

static coco_status
mount_at(struct coco_softtee_fs *fs, struct coco_softtee *tee, const char *dir, coco_error **err)
{
    char *argv[] = {(char[]){"coco-tee"}, (char[]){"-ofsname=coco-tee"}, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(2, argv);

    if (access("/dev/fuse", F_OK) < 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "this system has no /dev/fuse");
    fs->fuse = fuse_new(&args, &operations, sizeof(operations), tee);
    fuse_opt_free_args(&args);
    if (!fs->fuse || fuse_mount(fs->fuse, dir) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "FUSE cannot mount at '%s'", dir);
    return COCO_OK;
}

coco_status
coco_softtee_fs_begin(struct coco_softtee *tee, const char *dir, struct coco_softtee_fs **ret,
                      coco_error **err)
{
    struct coco_softtee_fs *fs = calloc(1, sizeof(*fs));

    if (!fs)
        return coco_fail_nomem(err);
    fs->end[0] = fs->end[1] = -1;
    coco_status status = mount_at(fs, tee, dir, err);
    if (status != COCO_OK) {
        destroy(fs);
        return status;
    }
    /* A request may be taken back between poll() and read(). */
    if (pipe2(fs->end, O_CLOEXEC) < 0
        || fcntl(fuse_session_fd(fuse_get_session(fs->fuse)), F_SETFL, O_NONBLOCK) < 0)
        status = coco_fail_errno(err, errno, "prepare for requests");
    else
        status = begin_thread(fs, err);
    if (status != COCO_OK) {
        fuse_unmount(fs->fuse);
        destroy(fs);
        return status;
    }
    *ret = fs;
    return COCO_OK;
}

void
coco_softtee_fs_end(struct coco_softtee_fs *fs)
{
    if (!fs)
        return;
    (void)close(fs->end[1]);
    fs->end[1] = -1;
    (void)pthread_join(fs->thread, NULL);
    fuse_unmount(fs->fuse);
    destroy(fs);
}
