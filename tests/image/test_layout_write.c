/*
 * tests/image/test_layout_write.c - lib/image/layout_write.c
 *
 * Some of the system's calls are this test's own, so that it sees in which order
 * they come, and can do what another process might do meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/layout.h"

#include "base/context.h"
#include "base/fd.h"
#include "image/layout_dir.h"
#include "tests/faults.h"
#include "tests/layout.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define VERSION "{\"imageLayoutVersion\":\"1.0.0\"}"
#define EMPTY "{\"schemaVersion\":2,\"mediaType\":\"" COCO_MEDIA_OCI_INDEX "\",\"manifests\":[]}"
#define HELLO_HEX "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define OTHER_HEX "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
#define TAGGED(hex, tag)                                                                           \
    "{\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST "\",\"digest\":\"sha256:" hex                      \
    "\",\"size\":5,\"annotations\":{\"" COCO_LAYOUT_REF_NAME "\":\"" tag "\"}}"
#define UNTAGGED(hex)                                                                              \
    "{\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST "\",\"digest\":\"sha256:" hex "\",\"size\":5}"
#define INDEX_OF(entries)                                                                          \
    "{\"schemaVersion\":2,\"mediaType\":\"" COCO_MEDIA_OCI_INDEX "\",\"manifests\":[" entries "]}"
#define THREADS 8
#define ROUNDS 6
#define EVENTS_MAX 64

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

/* What was synced and renamed, in order, while watching is set. */
static struct {
    char what[8];
    char name[300];
} events[EVENTS_MAX];
static size_t n_events;
static bool watching;

static void
note(const char *what, const char *name)
{
    if (!watching || n_events == EVENTS_MAX)
        return;
    (void)snprintf(events[n_events].what, sizeof(events[n_events].what), "%s", what);
    (void)snprintf(events[n_events].name, sizeof(events[n_events].name), "%s", name);
    n_events++;
}

int
fsync(int fd)
{
    char link[64];
    char name[300] = "";

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, name, sizeof(name) - 1);
    name[n < 0 ? 0 : n] = '\0';
    note("sync", name);
    return (int)syscall(SYS_fsync, fd);
}

int
rename(const char *from, const char *to)
{
    note("rename", to);
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    note("rename", to);
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

/* What happens just before the n-th lock is taken; false: a signal instead. */
static bool (*before_lock)(unsigned n);
static unsigned n_locks;
static unsigned n_blocking;

int
flock(int fd, int operation)
{
    if (before_lock && !(operation & LOCK_UN)) {
        n_blocking += !(operation & LOCK_NB);
        if (!before_lock(n_locks++)) {
            errno = EINTR;
            return -1;
        }
        operation |= LOCK_NB; /* a test that fails rather than one that hangs */
    }
    return (int)syscall(SYS_flock, fd, operation);
}

struct fixture {
    char dir[64];
    coco_ctx *ctx;
    struct coco_digest hello; /* of "hello" */
    coco_error *err;
    int lock; /* another's, or -1 */
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    f->lock = -1;
    n_events = 0;
    n_locks = 0;
    n_blocking = 0;
    (void)umask(022);
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_digest_parse("sha256:" HELLO_HEX, &f->hello, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    before_lock = NULL;
    watching = false;
    if (f->lock >= 0)
        (void)close(f->lock);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->dir);
    return 0;
}

static coco_status
open_at(const char *dir, const char *name, coco_ctx *ctx, struct coco_destination *ret,
        coco_error **err)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    char text[300];

    (void)snprintf(text, sizeof(text), "oci:%s/%s", dir, name);
    coco_status status = coco_image_ref_parse(text, &ref, err);
    if (status == COCO_OK)
        status = coco_layout_destination(ctx, ref, ret, err);
    return status;
}

static coco_status
open_layout(struct fixture *f, const char *name, struct coco_destination *ret)
{
    return open_at(f->dir, name, f->ctx, ret, &f->err);
}

/* "hello" as a blob, up to where it would be committed. */
static coco_status
write_hello(const struct coco_destination *to, coco_ctx *ctx, coco_error **err)
{
    struct coco_sink sink = {0};

    coco_status status = to->begin_blob(to->self, ctx, &sink, err);
    if (status == COCO_OK)
        status = coco_sink_write(&sink, "hel", 3, err);
    if (status == COCO_OK)
        status = coco_sink_write(&sink, "lo", 2, err);
    if (status == COCO_OK)
        status = coco_sink_end(&sink, err);
    return status;
}

/* "hello" as if it were a manifest: what it is made of is not looked at here. */
static coco_status
put_hello(const struct coco_destination *to, coco_ctx *ctx, coco_error **err)
{
    struct coco_digest digest;

    assert_int_equal(coco_digest_parse("sha256:" HELLO_HEX, &digest, NULL), COCO_OK);
    return to->put_manifest(to->self, ctx, COCO_MEDIA_OCI_MANIFEST, "hello", 5, &digest, err);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define assert_whole(dir, layout)                                                                  \
    assert_names_in(dir, layout, NAMES("blobs", "index.json", "oci-layout"))

static void
assert_mode(const struct fixture *f, const char *name, mode_t want)
{
    char path[300];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_mode, want);
}

static void
a_layout_that_cannot_be_made_is_refused(void **state)
{
    struct fixture *f = *state;
    struct coco_destination to = {0};
    char path[128];

    assert_fails(open_layout(f, "none/l", &to), f->err, COCO_ERR_IO, "none/l': No such file");
    (void)snprintf(path, sizeof(path), "%s/file", f->dir);
    assert_ok(coco_file_write(path, "x", 1, 0600, &f->err), f->err);
    assert_fails(open_layout(f, "file", &to), f->err, COCO_ERR_IO, "Not a directory");
    assert_fails(open_layout(f, "file/l", &to), f->err, COCO_ERR_IO, "Not a directory");
    (void)snprintf(path, sizeof(path), "%s/link", f->dir);
    assert_int_equal(symlink("none", path), 0);
    assert_fails(open_layout(f, "link", &to), f->err, COCO_ERR_IO, "No such file");
    assert_null(to.self);
    assert_names_in(f->dir, "", NAMES("file", "link"));
    assert_file(f->dir, "file", "x");
}

/* It may be anything: what is not known is not to be added to. */
static void
a_layout_of_another_version_is_left_alone(void **state)
{
    static const struct {
        const char *text;
        coco_status want;
        const char *why;
    } cases[] = {
        {"{\"imageLayoutVersion\":\"2.0.0\"}", COCO_ERR_NOTSUP, "version '2.0.0'"},
        {"{\"imageLayoutVersion\":1}", COCO_ERR_PROTO, "not a string"},
        {"", COCO_ERR_PROTO, "not JSON"},
    };
    struct fixture *f = *state;
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/l", f->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_destination to = {0};

        layout_write_file(f->dir, "l", "oci-layout", cases[i].text);
        assert_fails(open_layout(f, "l", &to), f->err, cases[i].want, cases[i].why);
        assert_null(to.self);
        assert_names_in(f->dir, "l", NAMES("oci-layout"));
        assert_file(f->dir, "l/oci-layout", cases[i].text);
    }
    (void)snprintf(path, sizeof(path), "%s/l/oci-layout", f->dir);
    assert_int_equal(unlink(path) | mkdir(path, 0700), 0);
    struct coco_destination to = {0};
    assert_fails(open_layout(f, "l", &to), f->err, COCO_ERR_PROTO, "not a file");
    assert_names_in(f->dir, "l", NAMES("oci-layout"));
}

static void
what_stands_in_the_way_of_a_blob_is_told(void **state)
{
    struct fixture *f = *state;
    _cleanup_destination_ struct coco_destination to = {0};
    struct coco_sink sink = {0};
    char path[300];

    assert_ok(open_layout(f, "l", &to), f->err);
    (void)snprintf(path, sizeof(path), "%s/l/blobs", f->dir);
    assert_int_equal(rmdir(path), 0);
    assert_fails(to.begin_blob(to.self, f->ctx, &sink, &f->err), f->err, COCO_ERR_IO,
                 "No such file");
    layout_write_file(f->dir, "l", "blobs", "x");
    assert_fails(to.begin_blob(to.self, f->ctx, &sink, &f->err), f->err, COCO_ERR_IO,
                 "Not a directory");
    assert_int_equal(unlink(path) | mkdir(path, 0700), 0);

    /* A file where the folder belongs, and a folder where the blob does */
    layout_write_file(f->dir, "l", "blobs/sha256", "x");
    assert_ok(write_hello(&to, f->ctx, &f->err), f->err);
    assert_fails(to.commit_blob(to.self, f->ctx, &f->hello, 5, &f->err), f->err, COCO_ERR_IO,
                 "blobs/sha256");
    to.abort_blob(to.self);
    assert_names_in(f->dir, "l/blobs", NAMES("sha256"));
    (void)snprintf(path, sizeof(path), "%s/l/blobs/sha256", f->dir);
    assert_int_equal(unlink(path) | mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/l/blobs/sha256/" HELLO_HEX, f->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_ok(write_hello(&to, f->ctx, &f->err), f->err);
    assert_fails(to.commit_blob(to.self, f->ctx, &f->hello, 5, &f->err), f->err, COCO_ERR_IO,
                 "write 'blobs/sha256/" HELLO_HEX "'");
    to.abort_blob(to.self);
    assert_names_in(f->dir, "l/blobs", NAMES("sha256"));
    assert_fails(put_hello(&to, f->ctx, &f->err), f->err, COCO_ERR_IO, HELLO_HEX);
    assert_names_in(f->dir, "l/blobs", NAMES("sha256"));
    assert_file(f->dir, "l/index.json", EMPTY);
}

/* What cannot be read again, or was not understood, is left as it was. */
static void
an_index_that_is_not_understood_stays_as_it_was(void **state)
{
    static const struct {
        const char *text;
        coco_status want;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_PROTO, "index.json: not JSON"},
        {"{}", COCO_ERR_PROTO, "index.json: member 'schemaVersion'"},
        {"{\"schemaVersion\":1,\"manifests\":[]}", COCO_ERR_PROTO, "schema 1"},
        {"{\"schemaVersion\":2,\"manifests\":{}}", COCO_ERR_PROTO, "not an array"},
        {"{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", COCO_ERR_PROTO, "'layers'"},
        {"{\"schemaVersion\":2,\"manifests\":[1]}", COCO_ERR_PROTO, "manifest 0"},
        {"{\"schemaVersion\":2,\"mediaType\":\"a/b\",\"manifests\":[]}", COCO_ERR_NOTSUP, "a/b"},
        {"{\"schemaVersion\":2,\"manifests\":[]}x", COCO_ERR_PROTO, "index.json: not JSON"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_destination_ struct coco_destination to = {0};

        assert_ok(open_layout(f, "l:v1", &to), f->err);
        layout_write_file(f->dir, "l", "index.json", cases[i].text);
        assert_fails(put_hello(&to, f->ctx, &f->err), f->err, cases[i].want, cases[i].why);
        assert_file(f->dir, "l/index.json", cases[i].text);
        assert_whole(f->dir, "l");
        assert_names_in(f->dir, "l/blobs", NAMES("sha256"));
    }
}

/* An index of n entries with tags t0 and so on. */
static void
write_long_index(struct fixture *f, size_t n)
{
    _cleanup_buf_ struct coco_buf text = {.limit = (size_t)1 << 20};

    assert_ok(coco_buf_append_text(&text, "{\"schemaVersion\":2,\"manifests\":[", &f->err), f->err);
    for (size_t i = 0; i < n; i++)
        assert_ok(coco_buf_printf(&text, &f->err, "%s" TAGGED(HELLO_HEX, "t%zu"), i ? "," : "", i),
                  f->err);
    assert_ok(coco_buf_append_text(&text, "]}", &f->err), f->err);
    layout_write_file(f->dir, "l", "index.json", coco_buf_text(&text));
}

/* The content of index.json. */
static void
read_index(struct fixture *f, struct coco_buf *text)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/l/index.json", f->dir);
    coco_buf_reset(text);
    assert_ok(coco_file_read(path, text, &f->err), f->err);
}

/* Or nobody could use the layout, and take an image out of it, ever again. */
static void
an_index_never_grows_past_what_can_be_read(void **state)
{
    struct fixture *f = *state;
    _cleanup_destination_ struct coco_destination more = {0};
    _cleanup_destination_ struct coco_destination same = {0};
    _cleanup_buf_ struct coco_buf before = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_buf_ struct coco_buf after = {.limit = COCO_MANIFEST_SIZE_MAX};

    assert_ok(open_layout(f, "l:more", &more), f->err);
    assert_ok(open_layout(f, "l:t7", &same), f->err);
    write_long_index(f, 1023);
    assert_ok(put_hello(&more, f->ctx, &f->err), f->err);

    write_long_index(f, 1024);
    read_index(f, &before);
    assert_fails(put_hello(&more, f->ctx, &f->err), f->err, COCO_ERR_LIMIT,
                 "1025 manifests, of which 1024 are allowed");
    read_index(f, &after);
    assert_string_equal(coco_buf_text(&before), coco_buf_text(&after));
    assert_whole(f->dir, "l");
    assert_ok(put_hello(&same, f->ctx, &f->err), f->err);

    /* The same in bytes */
    coco_buf_reset(&before);
    assert_ok(coco_buf_append_text(&before, "{\"schemaVersion\":2,\"x\":\"", &f->err), f->err);
    while (before.len < COCO_MANIFEST_SIZE_MAX - 100)
        assert_ok(coco_buf_append(&before, "x", 1, &f->err), f->err);
    assert_ok(coco_buf_append_text(&before, "\",\"manifests\":[]}", &f->err), f->err);
    layout_write_file(f->dir, "l", "index.json", coco_buf_text(&before));
    assert_fails(put_hello(&more, f->ctx, &f->err), f->err, COCO_ERR_LIMIT, "4194304 bytes");
    read_index(f, &after);
    assert_string_equal(coco_buf_text(&before), coco_buf_text(&after));
}

static void
a_new_layout_is_whole_and_empty(void **state)
{
    struct fixture *f = *state;
    _cleanup_destination_ struct coco_destination to = {0};

    assert_ok(open_layout(f, "l:v1", &to), f->err);
    assert_whole(f->dir, "l");
    assert_names_in(f->dir, "l/blobs", (const char *const[]){NULL});
    assert_file(f->dir, "l/oci-layout", VERSION);
    assert_file(f->dir, "l/index.json", EMPTY);
    assert_mode(f, "l", S_IFDIR | 0755);
    assert_mode(f, "l/blobs", S_IFDIR | 0755);
    assert_mode(f, "l/oci-layout", S_IFREG | 0644);
    assert_mode(f, "l/index.json", S_IFREG | 0644);
}

static void
a_layout_that_is_there_stays_as_it_is(void **state)
{
    static const char index[] = " { \"manifests\" : [ ], \"schemaVersion\" : 2 } ";
    struct fixture *f = *state;
    _cleanup_destination_ struct coco_destination to = {0};
    char path[128];

    layout_begin(f->dir, "l");
    layout_write_file(f->dir, "l", "index.json", index);
    layout_write_file(f->dir, "l", "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\",\"x\":1}");
    layout_write_file(f->dir, "l", "blobs/sha256/" HELLO_HEX, "hello");
    assert_ok(open_layout(f, "l:v1", &to), f->err);
    coco_destination_done(&to);
    assert_whole(f->dir, "l");
    assert_names_in(f->dir, "l/blobs/sha256", NAMES(HELLO_HEX));
    assert_file(f->dir, "l/index.json", index);
    assert_file(f->dir, "l/oci-layout", "{\"imageLayoutVersion\":\"1.0.0\",\"x\":1}");

    /* One that somebody did not finish is finished, and what it has stays. */
    (void)snprintf(path, sizeof(path), "%s/l/oci-layout", f->dir);
    assert_int_equal(unlink(path), 0);
    assert_ok(open_layout(f, "l:v1", &to), f->err);
    assert_whole(f->dir, "l");
    assert_file(f->dir, "l/index.json", index);
    assert_file(f->dir, "l/oci-layout", VERSION);
}

static void
a_blob_is_seen_when_it_is_whole(void **state)
{
    static const char *const digests[] = {
        "sha256:" HELLO_HEX,
        "sha512:9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c"
        "7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043",
    };
    struct fixture *f = *state;
    _cleanup_destination_ struct coco_destination to = {0};

    assert_ok(open_layout(f, "l:v1", &to), f->err);
    for (size_t i = 0; i < COUNT(digests); i++) {
        struct coco_digest digest;
        char path[COCO_LAYOUT_PATH_SIZE];
        char name[COCO_LAYOUT_PATH_SIZE + 2];
        bool there = true;

        assert_ok(coco_digest_parse(digests[i], &digest, &f->err), f->err);
        coco_layout_blob_path(&digest, path);
        (void)snprintf(name, sizeof(name), "l/%s", path);
        assert_ok(write_hello(&to, f->ctx, &f->err), f->err);
        assert_no_file(f->dir, name);
        assert_ok(to.has_blob(to.self, f->ctx, &digest, &there, &f->err), f->err);
        assert_false(there);
        assert_ok(to.commit_blob(to.self, f->ctx, &digest, 5, &f->err), f->err);
        to.abort_blob(to.self); /* nothing any more */
        assert_file(f->dir, name, "hello");
        assert_mode(f, name, S_IFREG | 0644);
        assert_ok(to.has_blob(to.self, f->ctx, &digest, &there, &f->err), f->err);
        assert_true(there);
    }
    assert_names_in(f->dir, "l/blobs", NAMES("sha256", "sha512"));
    assert_file(f->dir, "l/index.json", EMPTY);
}

static void
only_a_file_is_a_blob(void **state)
{
    struct fixture *f = *state;
    _cleanup_destination_ struct coco_destination to = {0};
    bool there = true;
    char path[300];

    layout_begin(f->dir, "l");
    assert_ok(open_layout(f, "l", &to), f->err);
    (void)snprintf(path, sizeof(path), "%s/l/blobs/sha256/" HELLO_HEX, f->dir);
    for (int kind = 0; kind < 3; kind++) {
        if (kind == 0)
            assert_int_equal(mkdir(path, 0700), 0);
        else if (kind == 1)
            assert_int_equal(rmdir(path) | mkfifo(path, 0600), 0);
        else
            assert_int_equal(unlink(path) | symlink("none", path), 0);
        assert_ok(to.has_blob(to.self, f->ctx, &f->hello, &there, &f->err), f->err);
        assert_false(there);
    }
    /* A link that leads nowhere is replaced. */
    assert_ok(write_hello(&to, f->ctx, &f->err), f->err);
    assert_ok(to.commit_blob(to.self, f->ctx, &f->hello, 5, &f->err), f->err);
    assert_mode(f, "l/blobs/sha256/" HELLO_HEX, S_IFREG | 0644);
}

static void
a_blob_given_up_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct coco_destination to = {0};

    assert_ok(open_layout(f, "l", &to), f->err);
    to.abort_blob(to.self); /* nothing yet */
    assert_ok(write_hello(&to, f->ctx, &f->err), f->err);
    to.abort_blob(to.self);
    to.abort_blob(to.self);
    assert_names_in(f->dir, "l/blobs", (const char *const[]){NULL});

    /* So does one after which another begins, or the destination goes. */
    assert_ok(write_hello(&to, f->ctx, &f->err), f->err);
    assert_ok(write_hello(&to, f->ctx, &f->err), f->err);
    assert_ok(to.commit_blob(to.self, f->ctx, &f->hello, 5, &f->err), f->err);
    assert_names_in(f->dir, "l/blobs", NAMES("sha256"));
    assert_file(f->dir, "l/blobs/sha256/" HELLO_HEX, "hello");
    assert_ok(write_hello(&to, f->ctx, &f->err), f->err);
    coco_destination_done(&to);
    assert_names_in(f->dir, "l/blobs", NAMES("sha256"));
    assert_file(f->dir, "l/index.json", EMPTY);
}

static void
limit_files_to(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A full disk, as far as a process can have one of its own. */
static void
a_disk_that_is_full_leaves_nothing_half(void **state)
{
    struct fixture *f = *state;
    _cleanup_destination_ struct coco_destination to = {0};
    struct coco_sink sink = {0};
    char bytes[2000] = "";

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_ok(open_layout(f, "l:v1", &to), f->err);
    limit_files_to(1000);
    coco_status first = to.begin_blob(to.self, f->ctx, &sink, &f->err);
    coco_status second = first ? first : coco_sink_write(&sink, bytes, sizeof(bytes), &f->err);
    to.abort_blob(to.self);
    limit_files_to(RLIM_INFINITY);
    assert_int_equal(first, COCO_OK);
    assert_fails(second, f->err, COCO_ERR_IO, "File too large");
    assert_names_in(f->dir, "l/blobs", (const char *const[]){NULL});

    /* Room for the manifest, and none for the index */
    limit_files_to(100);
    first = put_hello(&to, f->ctx, &f->err);
    limit_files_to(RLIM_INFINITY);
    assert_fails(first, f->err, COCO_ERR_IO, "index.json");
    assert_file(f->dir, "l/index.json", EMPTY);
    assert_whole(f->dir, "l");
    assert_names_in(f->dir, "l/blobs", NAMES("sha256"));
    assert_ok(put_hello(&to, f->ctx, &f->err), f->err);
    assert_file(f->dir, "l/index.json", INDEX_OF(TAGGED(HELLO_HEX, "v1")));
}

static void
a_manifest_takes_the_place_of_its_tag_alone(void **state)
{
    static const struct {
        const char *name, *before, *after;
    } cases[] = {
        {"l:v1", INDEX_OF(""), INDEX_OF(TAGGED(HELLO_HEX, "v1"))},
        {"l", INDEX_OF(""), INDEX_OF(UNTAGGED(HELLO_HEX))},
        {"l@sha256:" HELLO_HEX, INDEX_OF(""), INDEX_OF(UNTAGGED(HELLO_HEX))},
        {"l:v1@sha256:" HELLO_HEX, INDEX_OF(""), INDEX_OF(TAGGED(HELLO_HEX, "v1"))},
        /* The tag moves, ... */
        {"l:v1", INDEX_OF(TAGGED(OTHER_HEX, "v1")), INDEX_OF(TAGGED(HELLO_HEX, "v1"))},
        {"l:v1", INDEX_OF(TAGGED(HELLO_HEX, "v1")), INDEX_OF(TAGGED(HELLO_HEX, "v1"))},
        {"l:v2",
         INDEX_OF(TAGGED(OTHER_HEX, "v1") "," TAGGED(OTHER_HEX, "v2") "," TAGGED(OTHER_HEX, "v3")),
         INDEX_OF(TAGGED(OTHER_HEX, "v1") "," TAGGED(OTHER_HEX, "v3") "," TAGGED(HELLO_HEX, "v2"))},
        /* ... from all that have it; ... */
        {"l:v1",
         INDEX_OF(TAGGED(OTHER_HEX, "v1") "," UNTAGGED(OTHER_HEX) "," TAGGED(OTHER_HEX, "v1")),
         INDEX_OF(UNTAGGED(OTHER_HEX) "," TAGGED(HELLO_HEX, "v1"))},
        /* ... others of the same digest, and those without a tag, stay. */
        {"l:v1", INDEX_OF(TAGGED(HELLO_HEX, "v2") "," UNTAGGED(HELLO_HEX)),
         INDEX_OF(TAGGED(HELLO_HEX, "v2") "," UNTAGGED(HELLO_HEX) "," TAGGED(HELLO_HEX, "v1"))},
        {"l:v1", INDEX_OF(TAGGED(OTHER_HEX, "v11") "," TAGGED(OTHER_HEX, "V1")),
         INDEX_OF(
             TAGGED(OTHER_HEX, "v11") "," TAGGED(OTHER_HEX, "V1") "," TAGGED(HELLO_HEX, "v1"))},
        /* Without a tag only the same takes the place. */
        {"l", INDEX_OF(UNTAGGED(OTHER_HEX) "," UNTAGGED(HELLO_HEX) "," TAGGED(HELLO_HEX, "v1")),
         INDEX_OF(UNTAGGED(OTHER_HEX) "," TAGGED(HELLO_HEX, "v1") "," UNTAGGED(HELLO_HEX))},
        /* What is not known here is kept, numbers to the last digit. */
        {"l:v1",
         "{\"manifests\":[{\"mediaType\":\"a/b\",\"digest\":\"sha256:" OTHER_HEX "\",\"size\":1,"
         "\"platform\":{\"os\":\"linux\"},\"urls\":[\"u\"],\"data\":\"AA==\"}],"
         "\"annotations\":{\"a\":\"\\u00fc\"},\"x\":[18446744073709551617,1.0,1e5,null,true],"
         "\"schemaVersion\":2,\"subject\":{}}",
         "{\"schemaVersion\":2,"
         "\"annotations\":{\"a\":\"\xc3\xbc\"},\"x\":[18446744073709551617,1.0,1e5,null,true],"
         "\"subject\":{},"
         "\"manifests\":[{\"mediaType\":\"a/b\",\"digest\":\"sha256:" OTHER_HEX "\",\"size\":1,"
         "\"platform\":{\"os\":\"linux\"},\"urls\":[\"u\"],\"data\":\"AA==\"}," TAGGED(HELLO_HEX,
                                                                                       "v1") "]}"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_destination_ struct coco_destination to = {0};

        print_message("# case %zu\n", i);
        assert_ok(open_layout(f, cases[i].name, &to), f->err);
        layout_write_file(f->dir, "l", "index.json", cases[i].before);
        for (int again = 0; again < 2; again++) {
            assert_ok(put_hello(&to, f->ctx, &f->err), f->err);
            assert_file(f->dir, "l/index.json", cases[i].after);
            assert_file(f->dir, "l/blobs/sha256/" HELLO_HEX, "hello");
        }
        assert_whole(f->dir, "l");
        assert_names_in(f->dir, "l/blobs", NAMES("sha256"));
    }
}

#define REFERRER                                                                                   \
    "{\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST "\",\"digest\":\"sha256:" HELLO_HEX                \
    "\",\"size\":5,\"artifactType\":\"a/b\"}"

/* "hello" as what refers to an image. */
static coco_status
refer_hello(const struct coco_destination *to, coco_ctx *ctx, coco_error **err)
{
    _cleanup_json_ cJSON *entry = NULL;
    struct coco_digest digest;

    assert_int_equal(coco_digest_parse("sha256:" HELLO_HEX, &digest, NULL), COCO_OK);
    coco_status status = coco_json_parse(REFERRER, strlen(REFERRER), &entry, err);
    if (status == COCO_OK)
        status = to->put_referrer(to->self, ctx, entry, "hello", 5, &digest, err);
    return status;
}

/* Whatever image the layout was opened for, none loses its tag. */
static void
what_refers_to_an_image_takes_no_place_but_its_own(void **state)
{
    static const struct {
        const char *before, *after;
    } cases[] = {
        {INDEX_OF(""), INDEX_OF(REFERRER)},
        {INDEX_OF(TAGGED(OTHER_HEX, "v1")), INDEX_OF(TAGGED(OTHER_HEX, "v1") "," REFERRER)},
        {INDEX_OF(TAGGED(HELLO_HEX, "v1")), INDEX_OF(TAGGED(HELLO_HEX, "v1") "," REFERRER)},
        {INDEX_OF(UNTAGGED(OTHER_HEX)), INDEX_OF(UNTAGGED(OTHER_HEX) "," REFERRER)},
        {INDEX_OF(UNTAGGED(HELLO_HEX) "," TAGGED(OTHER_HEX, "v1")),
         INDEX_OF(TAGGED(OTHER_HEX, "v1") "," REFERRER)},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_destination_ struct coco_destination to = {0};

        print_message("# case %zu\n", i);
        assert_ok(open_layout(f, "l:v1", &to), f->err);
        layout_write_file(f->dir, "l", "index.json", cases[i].before);
        for (int again = 0; again < 2; again++) {
            assert_ok(refer_hello(&to, f->ctx, &f->err), f->err);
            assert_file(f->dir, "l/index.json", cases[i].after);
        }
        assert_whole(f->dir, "l");
    }
}

/* A path is walked once: who swaps the directory then does not get the image. */
static void
a_layout_is_written_where_it_was_opened(void **state)
{
    struct fixture *f = *state;
    _cleanup_destination_ struct coco_destination to = {0};
    char path[128];
    char moved[128];

    assert_ok(open_layout(f, "l:v1", &to), f->err);
    (void)snprintf(path, sizeof(path), "%s/l", f->dir);
    (void)snprintf(moved, sizeof(moved), "%s/moved", f->dir);
    assert_int_equal(rename(path, moved), 0);
    layout_begin(f->dir, "l");
    layout_write_file(f->dir, "l", "index.json", EMPTY);
    assert_ok(put_hello(&to, f->ctx, &f->err), f->err);
    assert_file(f->dir, "moved/index.json", INDEX_OF(TAGGED(HELLO_HEX, "v1")));
    assert_file(f->dir, "moved/blobs/sha256/" HELLO_HEX, "hello");
    assert_file(f->dir, "l/index.json", EMPTY);
}

/* Where the event is, from the given one on. */
static size_t
find_event(size_t from, const char *what, const char *end)
{
    for (size_t i = from; i < n_events; i++) {
        size_t len = strlen(events[i].name);

        if (strcmp(events[i].what, what) == 0 && len >= strlen(end)
            && strcmp(events[i].name + len - strlen(end), end) == 0)
            return i;
    }
    for (size_t i = 0; i < n_events; i++)
        print_message("# %s %s\n", events[i].what, events[i].name);
    fail_msg("no %s of %s from %zu on", what, end, from);
    return n_events;
}

/* Or power that fails leaves an index that names what is not there. */
static void
all_is_on_disk_before_the_index_names_it(void **state)
{
    struct fixture *f = *state;
    _cleanup_destination_ struct coco_destination to = {0};

    watching = true;
    assert_ok(open_layout(f, "l:v1", &to), f->err);
    (void)find_event(0, "sync", f->dir);
    (void)find_event(find_event(0, "rename", "oci-layout"), "sync", "/l");
    n_events = 0;
    assert_ok(write_hello(&to, f->ctx, &f->err), f->err);
    assert_ok(to.commit_blob(to.self, f->ctx, &f->hello, 5, &f->err), f->err);
    size_t blob = find_event(0, "rename", HELLO_HEX);
    assert_non_null(strstr(events[blob - 1].name, "/l/blobs/."));
    assert_string_equal(events[blob - 1].what, "sync");
    (void)find_event(blob, "sync", "/l/blobs/sha256");
    (void)find_event(blob, "sync", "/l/blobs");

    n_events = 0;
    assert_ok(put_hello(&to, f->ctx, &f->err), f->err);
    watching = false;
    size_t manifest = find_event(0, "rename", HELLO_HEX);
    size_t folder = find_event(manifest, "sync", "/l/blobs/sha256");
    size_t index = find_event(folder, "rename", "index.json");
    assert_non_null(strstr(events[index - 1].name, "/l/index.json"));
    assert_string_equal(events[index - 1].what, "sync");
    (void)find_event(index, "sync", "/l");
}

static void
lock_for_another(struct fixture *f)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/l", f->dir);
    f->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(f->lock >= 0);
    assert_int_equal(syscall(SYS_flock, f->lock, LOCK_EX), 0);
}

static bool
cancel_at_the_third(unsigned n)
{
    if (n == 2)
        coco_ctx_cancel(fixture.ctx);
    return true;
}

static bool
unlock_at_the_third(unsigned n)
{
    if (n == 2)
        (void)syscall(SYS_flock, fixture.lock, LOCK_UN);
    return true;
}

static bool
interrupt_once(unsigned n)
{
    return n != 0;
}

static void
a_cancel_ends_the_wait_for_another(void **state)
{
    struct fixture *f = *state;
    _cleanup_destination_ struct coco_destination to = {0};

    assert_ok(open_layout(f, "l:v1", &to), f->err);
    lock_for_another(f);
    before_lock = cancel_at_the_third;
    assert_fails(put_hello(&to, f->ctx, &f->err), f->err, COCO_ERR_CANCELED, "canceled");
    assert_int_equal(n_blocking, 0);
    assert_file(f->dir, "l/index.json", EMPTY);
    assert_names_in(f->dir, "l/blobs", NAMES("sha256"));
}

static void
who_waits_goes_on_when_the_other_is_done(void **state)
{
    struct fixture *f = *state;
    _cleanup_destination_ struct coco_destination to = {0};

    assert_ok(open_layout(f, "l:v1", &to), f->err);
    lock_for_another(f);
    before_lock = unlock_at_the_third;
    assert_ok(put_hello(&to, f->ctx, &f->err), f->err);
    assert_int_equal(n_locks, 3);
    assert_file(f->dir, "l/index.json", INDEX_OF(TAGGED(HELLO_HEX, "v1")));

    /* And holds nobody up: not while a blob is written, not when all is done. */
    before_lock = NULL;
    assert_ok(write_hello(&to, f->ctx, &f->err), f->err);
    assert_int_equal(syscall(SYS_flock, f->lock, LOCK_EX | LOCK_NB), 0);
}

static void
a_signal_does_not_end_the_wait(void **state)
{
    struct fixture *f = *state;
    _cleanup_destination_ struct coco_destination to = {0};

    assert_ok(open_layout(f, "l:v1", &to), f->err);
    before_lock = interrupt_once;
    assert_ok(put_hello(&to, f->ctx, &f->err), f->err);
    assert_int_equal(n_locks, 2);
}

struct writer {
    pthread_t thread;
    pthread_barrier_t *start;
    coco_ctx *ctx;
    const char *dir;
    char name[32];
    coco_status status;
    coco_error *err;
};

static void *
write_one(void *user)
{
    struct writer *writer = user;
    struct coco_destination to = {0};

    (void)pthread_barrier_wait(writer->start);
    writer->status = open_at(writer->dir, writer->name, writer->ctx, &to, &writer->err);
    if (writer->status == COCO_OK)
        writer->status = put_hello(&to, writer->ctx, &writer->err);
    coco_destination_done(&to);
    return NULL;
}

/* Neither in a layout that is there, nor in one that all of them find missing. */
static void
no_image_is_lost_when_many_write(void **state)
{
    struct fixture *f = *state;
    struct writer writers[THREADS];
    pthread_barrier_t start;

    assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (int round = 0; round < ROUNDS; round++) {
        char path[128];
        _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
        _cleanup_manifest_ struct coco_manifest index = {0};

        for (int i = 0; i < THREADS; i++) {
            writers[i] = (struct writer){.start = &start, .ctx = f->ctx, .dir = f->dir};
            (void)snprintf(writers[i].name, sizeof(writers[i].name), "l%d:t%d", round / 2,
                           round % 2 * THREADS + i);
            assert_int_equal(pthread_create(&writers[i].thread, NULL, write_one, &writers[i]), 0);
        }
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
        for (int i = 0; i < THREADS; i++)
            assert_ok(writers[i].status, writers[i].err);
        (void)snprintf(path, sizeof(path), "l%d", round / 2);
        assert_whole(f->dir, path);
        (void)snprintf(path, sizeof(path), "%s/l%d", f->dir, round / 2);
        _cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(dir >= 0);
        struct coco_folder folder = {.dir = dir, .what = "OCI layout"};
        const struct coco_files files = coco_folder_files(&folder);
        assert_ok(coco_layout_read_index(&files, &text, &index, &f->err), f->err);
        assert_int_equal(index.n_layers, (round % 2 + 1) * THREADS);
    }
    assert_int_equal(pthread_barrier_destroy(&start), 0);
}

static void
a_canceled_context_writes_nothing(void **state)
{
    struct fixture *f = *state;
    _cleanup_destination_ struct coco_destination to = {0};
    struct coco_sink sink = {0};
    bool there = true;

    assert_ok(open_layout(f, "l:v1", &to), f->err);
    assert_ok(write_hello(&to, f->ctx, &f->err), f->err);
    coco_ctx_cancel(f->ctx);
    assert_fails(to.commit_blob(to.self, f->ctx, &f->hello, 5, &f->err), f->err, COCO_ERR_CANCELED,
                 "canceled");
    to.abort_blob(to.self);
    assert_fails(to.has_blob(to.self, f->ctx, &f->hello, &there, &f->err), f->err,
                 COCO_ERR_CANCELED, "canceled");
    assert_true(there);
    assert_fails(to.begin_blob(to.self, f->ctx, &sink, &f->err), f->err, COCO_ERR_CANCELED,
                 "canceled");
    assert_null(sink.self);
    assert_fails(put_hello(&to, f->ctx, &f->err), f->err, COCO_ERR_CANCELED, "canceled");
    assert_names_in(f->dir, "l/blobs", (const char *const[]){NULL});
    assert_file(f->dir, "l/index.json", EMPTY);
    coco_destination_done(&to);
    assert_fails(open_layout(f, "other", &to), f->err, COCO_ERR_CANCELED, "canceled");
    assert_no_file(f->dir, "other");
}

static void
writing_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    char text[128];

    (void)snprintf(text, sizeof(text), "oci:%s/l:v1", f->dir);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    for_each_fault()
    {
        struct coco_destination to = {0};
        coco_error *err = NULL;
        bool there = false;

        coco_status status = coco_layout_destination(f->ctx, ref, &to, &err);
        bool open = status == COCO_OK;
        assert_int_equal(open, to.self != NULL);
        if (status == COCO_OK)
            status = to.has_blob(to.self, f->ctx, &f->hello, &there, &err);
        if (status == COCO_OK)
            status = write_hello(&to, f->ctx, &err);
        if (status == COCO_OK)
            status = to.commit_blob(to.self, f->ctx, &f->hello, 5, &err);
        if (status == COCO_OK)
            status = to.put_manifest(to.self, f->ctx, COCO_MEDIA_OCI_MANIFEST, "hello", 5,
                                     &f->hello, &err);
        coco_destination_done(&to);
        fault_expect(status, err);
        if (!open)
            continue;
        /* The image is there, or nothing of it is to be seen. */
        assert_whole(f->dir, "l");
        assert_file(f->dir, "l/index.json",
                    status == COCO_OK ? INDEX_OF(TAGGED(HELLO_HEX, "v1")) : EMPTY);
    }
    assert_names_in(f->dir, "l/blobs", NAMES("sha256"));
    assert_names_in(f->dir, "l/blobs/sha256", NAMES(HELLO_HEX));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_layout_that_cannot_be_made_is_refused),
        TEST(a_layout_of_another_version_is_left_alone),
        TEST(what_stands_in_the_way_of_a_blob_is_told),
        TEST(an_index_that_is_not_understood_stays_as_it_was),
        TEST(an_index_never_grows_past_what_can_be_read),
        TEST(a_new_layout_is_whole_and_empty),
        TEST(a_layout_that_is_there_stays_as_it_is),
        TEST(a_blob_is_seen_when_it_is_whole),
        TEST(only_a_file_is_a_blob),
        TEST(a_blob_given_up_leaves_nothing),
        TEST(a_disk_that_is_full_leaves_nothing_half),
        TEST(a_manifest_takes_the_place_of_its_tag_alone),
        TEST(what_refers_to_an_image_takes_no_place_but_its_own),
        TEST(a_layout_is_written_where_it_was_opened),
        TEST(all_is_on_disk_before_the_index_names_it),
        TEST(a_cancel_ends_the_wait_for_another),
        TEST(who_waits_goes_on_when_the_other_is_done),
        TEST(a_signal_does_not_end_the_wait),
        TEST(no_image_is_lost_when_many_write),
        TEST(a_canceled_context_writes_nothing),
        TEST(writing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/layout_write", tests, NULL, NULL);
}
