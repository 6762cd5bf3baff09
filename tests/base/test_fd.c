/*
 * tests/base/test_fd.c - lib/base/fd.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fd.h"

#include "tests/faults.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct fixture {
    char dir[64];
    char path[128];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    make_temp_dir(f->dir, sizeof(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/file", f->dir);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    remove_temp_dir(f->dir);
    free(f);
    return 0;
}

static unsigned
count_entries(const char *dir)
{
    unsigned n = 0;
    DIR *d = opendir(dir);

    assert_non_null(d);
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n - 2; /* . and .. */
}

static void
what_is_written_is_read(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf buf = {.limit = 64};
    coco_error *err = NULL;
    struct stat st;

    assert_ok(coco_file_write(f->path, "a\0b\n", 4, 0640, &err), err);
    assert_ok(coco_file_read(f->path, &buf, &err), err);
    assert_int_equal(buf.len, 4);
    assert_memory_equal(buf.data, "a\0b\n", 4);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(count_entries(f->dir), 1);
}

static void
write_replaces_the_name_not_the_content(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf buf = {.limit = 64};
    coco_error *err = NULL;

    assert_ok(coco_file_write(f->path, "old", 3, 0644, &err), err);
    _cleanup_close_ int old = open(f->path, O_RDONLY | O_CLOEXEC);
    assert_ok(coco_file_write(f->path, "new", 3, 0600, &err), err);

    /* Whoever had opened it goes on reading the old one whole. */
    assert_ok(coco_fd_read_all(old, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), "old");
    assert_file(f->dir, "file", "new");
    assert_int_equal(count_entries(f->dir), 1);
}

static void
write_replaces_a_link_not_what_it_points_to(void **state)
{
    struct fixture *f = *state;
    char target[128];
    coco_error *err = NULL;
    struct stat st;

    (void)snprintf(target, sizeof(target), "%s/target", f->dir);
    assert_ok(coco_file_write(target, "keep", 4, 0600, &err), err);
    assert_int_equal(symlink(target, f->path), 0);
    assert_ok(coco_file_write(f->path, "new", 3, 0600, &err), err);
    assert_file(f->dir, "target", "keep");
    assert_int_equal(lstat(f->path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
}

static void
failed_write_leaves_everything_as_it_was(void **state)
{
    struct fixture *f = *state;
    char path[128];
    coco_error *err = NULL;

    /* A directory that is not empty cannot be renamed over. */
    assert_int_equal(mkdir(f->path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/file/inner", f->dir);
    assert_ok(coco_file_write(path, "x", 1, 0600, &err), err);
    assert_fails(coco_file_write(f->path, "new", 3, 0600, &err), err, COCO_ERR_IO, "rename");
    assert_file(f->dir, "file/inner", "x");
    assert_int_equal(count_entries(f->dir), 1);

    (void)snprintf(path, sizeof(path), "%s/none/file", f->dir);
    assert_fails(coco_file_write(path, "x", 1, 0600, &err), err, COCO_ERR_IO, "none/file");
}

static void
names_that_new_files_have_are_known(void **state)
{
    static const char *const others[] = {
        "",  "file", "file.0123456789abcde",   ".0123456789abcdef", "file.0123456789abcdeg",
        ".", "..",   "file.0123456789abcdef0", "0123456789abcdef",  "file.0123456789abcdef.x",
    };

    (void)state;
    assert_true(coco_file_is_temporary("file.0123456789abcdef"));
    assert_true(coco_file_is_temporary("a.json.fedcba9876543210"));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(coco_file_is_temporary(others[i]));
}

static void
read_tells_what_is_missing_from_what_fails(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf buf = {.limit = 64};
    coco_error *err = NULL;

    assert_fails(coco_file_read(f->path, &buf, &err), err, COCO_ERR_NOTFOUND, f->path);
    assert_fails(coco_file_read(f->dir, &buf, &err), err, COCO_ERR_IO, "Is a directory");
    assert_int_equal(coco_file_read(f->dir, &buf, &err), COCO_ERR_IO);
    assert_int_equal(coco_error_errno(err), EISDIR);
    coco_error_free(err);
}

static void
read_stops_at_the_limit(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf exact = {.limit = 5};
    _cleanup_buf_ struct coco_buf small = {.limit = 4};
    coco_error *err = NULL;

    assert_ok(coco_file_write(f->path, "12345", 5, 0600, &err), err);
    assert_ok(coco_file_read(f->path, &exact, &err), err);
    assert_fails(coco_file_read(f->path, &small, &err), err, COCO_ERR_LIMIT, "more than 4 bytes");
    /* Endless, and of size 0. */
    assert_fails(coco_file_read("/dev/zero", &small, &err), err, COCO_ERR_LIMIT, "/dev/zero");
}

static void
a_named_pipe_without_a_writer_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf buf = {.limit = 64};
    coco_error *err = NULL;

    assert_int_equal(mkfifo(f->path, 0600), 0);
    assert_ok(coco_file_read(f->path, &buf, &err), err);
    assert_int_equal(buf.len, 0);
}

/* A pipe that somebody holds open has no end, and a device may be more than something to read. */
static void
where_others_name_it_only_a_file_is_read(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf buf = {.limit = 5};
    _cleanup_close_ int held = -1;
    char link[128];
    coco_error *err = NULL;

    (void)snprintf(link, sizeof(link), "%s/link", f->dir);
    assert_int_equal(symlink("file", link), 0);
    assert_fails(coco_file_read_regular(link, &buf, &err), err, COCO_ERR_NOTFOUND, link);
    assert_int_equal(mkfifo(f->path, 0600), 0);
    held = open(f->path, O_RDWR | O_CLOEXEC);
    assert_true(held >= 0);
    assert_fails(coco_file_read_regular(link, &buf, &err), err, COCO_ERR_INVALID, link);
    assert_fails(coco_file_read_regular(f->dir, &buf, &err), err, COCO_ERR_INVALID, f->dir);
    assert_fails(coco_file_read_regular("/dev/ptmx", &buf, &err), err, COCO_ERR_INVALID,
                 "no regular file");
    assert_ok(coco_file_write(f->path, "12345", 5, 0600, &err), err);
    assert_ok(coco_file_read_regular(link, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), "12345");
    assert_fails(coco_file_read_regular(link, &buf, &err), err, COCO_ERR_LIMIT, link);
}

#define PIPED ((size_t)1 << 20)

static void *
drain(void *arg)
{
    struct coco_buf *buf = arg;
    int fd = *(int *)buf->data;

    buf->len = 0;
    (void)!coco_fd_read_all(fd, buf, NULL);
    return NULL;
}

static void
write_all_writes_all_of_it(void **state)
{
    _cleanup_free_ uint8_t *data = malloc(PIPED);
    _cleanup_buf_ struct coco_buf got = {.limit = PIPED};
    coco_error *err = NULL;
    pthread_t thread;
    int fds[2];

    (void)state;
    for (size_t i = 0; i < PIPED; i++)
        data[i] = (uint8_t)(i * 31 >> 3);
    assert_int_equal(pipe(fds), 0);
    assert_ok(coco_buf_append(&got, &fds[0], sizeof(fds[0]), &err), err);
    assert_int_equal(pthread_create(&thread, NULL, drain, &got), 0);
    assert_ok(coco_fd_write_all(fds[1], data, PIPED, &err), err);
    (void)close(fds[1]);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)close(fds[0]);
    assert_int_equal(got.len, PIPED);
    assert_memory_equal(got.data, data, PIPED);
}

static void
write_all_says_why_it_failed(void **state)
{
    _cleanup_close_ int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_fd_write_all(full, "x", 1, &err), err, COCO_ERR_IO, "No space left");
    assert_fails(coco_fd_write_all(-1, "x", 1, &err), err, COCO_ERR_IO, "Bad file descriptor");
    assert_ok(coco_fd_write_all(-1, "", 0, &err), err);
}

/* A name in a directory that has another name by now, or the name of another. */
static void
write_at_goes_where_the_directory_went(void **state)
{
    struct fixture *f = *state;
    coco_error *err = NULL;
    char place[128];
    char moved[128];
    struct stat st;

    (void)snprintf(place, sizeof(place), "%s/place", f->dir);
    (void)snprintf(moved, sizeof(moved), "%s/moved", f->dir);
    assert_int_equal(mkdir(place, 0700), 0);
    _cleanup_close_ int dir = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(rename(place, moved), 0);
    assert_int_equal(mkdir(place, 0700), 0);
    assert_ok(coco_file_write_at(dir, "file", "old", 3, 0600, &err), err);
    assert_ok(coco_file_write_at(dir, "file", "new", 3, 0640, &err), err);
    assert_file(moved, "file", "new");
    assert_int_equal(fstatat(dir, "file", &st, 0), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0640);
    assert_int_equal(count_entries(moved), 1);
    assert_int_equal(count_entries(place), 0);

    assert_fails(coco_file_write_at(dir, "none/file", "x", 1, 0600, &err), err, COCO_ERR_IO,
                 "none/file");
    assert_int_equal(mkdirat(dir, "full", 0700) | mkdirat(dir, "full/x", 0700), 0);
    assert_fails(coco_file_write_at(dir, "full", "x", 1, 0600, &err), err, COCO_ERR_IO, "rename");
    assert_int_equal(count_entries(moved), 2);
}

static void
the_parent_of_a_path_is_opened_and_its_name_told(void **state)
{
    struct fixture *f = *state;
    coco_error *err = NULL;
    const char *name = NULL;
    struct stat want;
    struct stat got;
    int dir = -1;

    assert_fails(coco_file_open_parent("/none/x", &dir, &name, &err), err, COCO_ERR_IO,
                 "make '/none/x': No such file");
    assert_int_equal(dir, -1);
    assert_ok(coco_file_open_parent(f->path, &dir, &name, &err), err);
    assert_string_equal(name, "file");
    assert_int_equal(stat(f->dir, &want) | fstat(dir, &got), 0);
    assert_int_equal(got.st_ino, want.st_ino);
    (void)close(dir);
    assert_ok(coco_file_open_parent("/x", &dir, &name, &err), err);
    assert_string_equal(name, "x");
    assert_int_equal(stat("/", &want) | fstat(dir, &got), 0);
    assert_int_equal(got.st_ino, want.st_ino);
    (void)close(dir);
    assert_ok(coco_file_open_parent("x", &dir, &name, &err), err);
    assert_string_equal(name, "x");
    assert_int_equal(stat(".", &want) | fstat(dir, &got), 0);
    assert_int_equal(got.st_ino, want.st_ino);
    (void)close(dir);
}

static void
files_survive_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        coco_error *err = NULL;

        faults_pause();
        assert_ok(coco_file_write(f->path, "old", 3, 0600, &err), err);
        faults_resume();
        coco_status written = coco_file_write(f->path, "new", 3, 0600, &err);
        coco_status status = written;
        if (status == COCO_OK) {
            _cleanup_buf_ struct coco_buf buf = {.limit = 64};
            status = coco_file_read(f->path, &buf, &err);
        }
        fault_expect(status, err);
        coco_error_free(err);
        assert_file(f->dir, "file", written == COCO_OK ? "new" : "old");
        assert_int_equal(count_entries(f->dir), 1);
    }
}

static void
a_path_is_made_or_none(void **state)
{
    (void)state;
    for_each_fault()
    {
        static char left[] = "left";
        char *path = left;
        coco_error *err = NULL;

        coco_status status = coco_path_in("/a", "b", &path, &err);
        fault_expect(status, err);
        if (status == COCO_OK)
            assert_string_equal(path, "/a/b");
        else
            assert_null(path);
        free(path);
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(write_replaces_the_name_not_the_content, setup, teardown),
        cmocka_unit_test_setup_teardown(write_replaces_a_link_not_what_it_points_to, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(failed_write_leaves_everything_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(write_at_goes_where_the_directory_went, setup, teardown),
        cmocka_unit_test(names_that_new_files_have_are_known),
        cmocka_unit_test_setup_teardown(read_tells_what_is_missing_from_what_fails, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(read_stops_at_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(a_named_pipe_without_a_writer_is_not_waited_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(where_others_name_it_only_a_file_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(the_parent_of_a_path_is_opened_and_its_name_told, setup,
                                        teardown),
        cmocka_unit_test(write_all_writes_all_of_it),
        cmocka_unit_test(write_all_says_why_it_failed),
        cmocka_unit_test_setup_teardown(files_survive_any_failed_allocation, setup, teardown),
        cmocka_unit_test(a_path_is_made_or_none),
    };

    return cmocka_run_group_tests_name("base/fd", tests, NULL, NULL);
}
