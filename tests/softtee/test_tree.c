/*
 * tests/softtee/test_tree.c - lib/softtee/tree.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/tree.h"

#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define ENTRY "/kernel/config/tsm/report/x"
#define RTMR "/devices/virtual/misc/tdx_guest/measurements/rtmr2:sha384"

struct fixture {
    char dir[64];
    struct coco_softtee *tee;
    coco_error *err;
};

static struct fixture fixture;

static int
boot(void **state, enum coco_softtee_kind kind)
{
    const struct coco_softtee_launch launch = {.kernel = {.cmdline = ""}};
    struct fixture *f = &fixture;

    f->err = NULL;
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_softtee_boot(f->dir, kind, &launch, &f->tee, &f->err), f->err);
    *state = f;
    return 0;
}

static int
boot_tdx(void **state)
{
    return boot(state, COCO_SOFTTEE_TDX);
}

static int
boot_snp(void **state)
{
    return boot(state, COCO_SOFTTEE_SNP);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_softtee_free(f->tee);
    remove_temp_dir(f->dir);
    return 0;
}

/* What a file says, or the error of reading it. */
static ssize_t
read_file(struct fixture *f, const char *path, char *buf, size_t size)
{
    int handle = coco_softtee_open(f->tee, path, O_RDONLY);
    ssize_t n = handle < 0 ? handle : coco_softtee_read(f->tee, handle, buf, size - 1, 0);

    if (handle >= 0)
        coco_softtee_close(f->tee, handle);
    buf[n > 0 ? n : 0] = '\0';
    return n;
}

static ssize_t
write_file(struct fixture *f, const char *path, const void *data, size_t len)
{
    int handle = coco_softtee_open(f->tee, path, O_WRONLY);
    ssize_t n = handle < 0 ? handle : coco_softtee_write(f->tee, handle, data, len, 0);

    if (handle >= 0)
        coco_softtee_close(f->tee, handle);
    return n;
}

static void
an_entry_is_a_directory_that_comes_and_goes(void **state)
{
    struct fixture *f = *state;
    struct coco_softtee_stat st;
    char text[64];

    assert_int_equal(coco_softtee_mkdir(f->tee, "/kernel/x"), -EPERM);
    assert_int_equal(coco_softtee_mkdir(f->tee, ENTRY "/y"), -EPERM);
    assert_int_equal(coco_softtee_rmdir(f->tee, "/kernel"), -EPERM);
    assert_int_equal(coco_softtee_rmdir(f->tee, ENTRY), -ENOENT);
    assert_int_equal(coco_softtee_mkdir(f->tee, ENTRY), 0);
    assert_int_equal(coco_softtee_mkdir(f->tee, ENTRY), -EEXIST);
    assert_int_equal(coco_softtee_stat(f->tee, ENTRY "/inblob", &st), 0);
    assert_int_equal(st.mode, 0200);
    assert_int_equal(coco_softtee_stat(f->tee, ENTRY "/auxblob", &st), -ENOENT);
    assert_int_equal(read_file(f, ENTRY "/provider", text, sizeof(text)), 10);
    assert_string_equal(text, "tdx_guest\n");
    assert_int_equal(coco_softtee_rmdir(f->tee, ENTRY), 0);
    assert_int_equal(read_file(f, ENTRY "/provider", text, sizeof(text)), -ENOENT);
}

/* Whoever has them open gets nothing more of them, nor of the next entry in their place. */
static void
files_are_gone_with_their_entry(void **state)
{
    static const uint8_t inblob[64];
    struct fixture *f = *state;
    char text[64];

    assert_int_equal(coco_softtee_mkdir(f->tee, ENTRY), 0);
    int reader = coco_softtee_open(f->tee, ENTRY "/provider", O_RDONLY);
    int writer = coco_softtee_open(f->tee, ENTRY "/inblob", O_WRONLY);
    assert_int_equal(coco_softtee_write(f->tee, writer, inblob, 32, 0), 32);
    assert_int_equal(coco_softtee_rmdir(f->tee, ENTRY), 0);
    assert_int_equal(coco_softtee_mkdir(f->tee, ENTRY), 0);
    assert_int_equal(coco_softtee_read(f->tee, reader, text, sizeof(text), 0), -ENOENT);
    assert_int_equal(coco_softtee_write(f->tee, writer, inblob, 32, 32), -ENOENT);
    coco_softtee_close(f->tee, reader);
    coco_softtee_close(f->tee, writer);
    assert_int_equal(read_file(f, ENTRY "/generation", text, sizeof(text)), 2);
    assert_string_equal(text, "0\n");
}

static void
what_is_written_counts_when_it_is_closed(void **state)
{
    static const uint8_t inblob[65];
    struct fixture *f = *state;
    char text[8192];

    assert_int_equal(coco_softtee_mkdir(f->tee, ENTRY), 0);
    assert_int_equal(read_file(f, ENTRY "/outblob", text, sizeof(text)), -EINVAL);
    int handle = coco_softtee_open(f->tee, ENTRY "/inblob", O_WRONLY);
    assert_int_equal(coco_softtee_write(f->tee, handle, inblob, 64, 0), 64);
    assert_int_equal(read_file(f, ENTRY "/generation", text, sizeof(text)), 2);
    assert_string_equal(text, "0\n");
    assert_int_equal(read_file(f, ENTRY "/outblob", text, sizeof(text)), -EINVAL);
    coco_softtee_close(f->tee, handle);
    assert_int_equal(read_file(f, ENTRY "/generation", text, sizeof(text)), 2);
    assert_string_equal(text, "1\n");
    assert_true(read_file(f, ENTRY "/outblob", text, sizeof(text)) > 1000);

    assert_int_equal(write_file(f, ENTRY "/inblob", inblob, 65), -EFBIG);
    assert_int_equal(write_file(f, ENTRY "/inblob", inblob, 63), 63);
    assert_int_equal(read_file(f, ENTRY "/outblob", text, sizeof(text)), -EINVAL);
}

static void
files_are_read_or_written_and_not_both(void **state)
{
    struct fixture *f = *state;
    char text[8];

    assert_int_equal(coco_softtee_mkdir(f->tee, ENTRY), 0);
    assert_int_equal(coco_softtee_open(f->tee, ENTRY "/inblob", O_RDONLY), -EACCES);
    assert_int_equal(coco_softtee_open(f->tee, ENTRY "/outblob", O_WRONLY), -EACCES);
    assert_int_equal(coco_softtee_open(f->tee, RTMR, O_RDWR), -ETXTBSY);
    assert_int_equal(coco_softtee_open(f->tee, ENTRY, O_RDONLY), -EISDIR);
    assert_int_equal(coco_softtee_open(f->tee, "/none", O_RDONLY), -ENOENT);
    assert_int_equal(coco_softtee_read(f->tee, 0, text, sizeof(text), 0), -EBADF);
    assert_int_equal(coco_softtee_read(f->tee, 1 << 20, text, sizeof(text), 0), -EBADF);
}

static void
a_register_is_extended_by_a_whole_digest(void **state)
{
    static const uint8_t digest[49];
    struct fixture *f = *state;
    char before[64];
    char after[64];

    assert_int_equal(read_file(f, RTMR, before, sizeof(before)), 48);
    assert_int_equal(write_file(f, RTMR, digest, 47), -EINVAL);
    assert_int_equal(write_file(f, RTMR, digest, 49), -EINVAL);
    assert_int_equal(read_file(f, RTMR, after, sizeof(after)), 48);
    assert_memory_equal(before, after, 48);
    assert_int_equal(write_file(f, RTMR, digest, 48), 48);
    assert_int_equal(read_file(f, RTMR, after, sizeof(after)), 48);
    assert_memory_not_equal(before, after, 48);
}

static void
a_guest_of_snp_has_certificates_and_a_level(void **state)
{
    static const char *const bad[] = {"", "4", "-1", "02", "x", "0\n\n"};
    static const uint8_t inblob[64];
    struct fixture *f = *state;
    char text[8192];

    assert_int_equal(coco_softtee_mkdir(f->tee, ENTRY), 0);
    assert_int_equal(read_file(f, ENTRY "/privlevel_floor", text, sizeof(text)), 2);
    assert_string_equal(text, "0\n");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(write_file(f, ENTRY "/privlevel", bad[i], strlen(bad[i]) + (i == 0)),
                         -EINVAL);
    assert_int_equal(write_file(f, ENTRY "/privlevel", "2\n", 2), 2);
    assert_int_equal(write_file(f, ENTRY "/inblob", inblob, 64), 64);
    assert_int_equal(read_file(f, ENTRY "/generation", text, sizeof(text)), 2);
    assert_string_equal(text, "2\n");
    assert_int_equal(read_file(f, ENTRY "/outblob", text, sizeof(text)), COCO_SNP_REPORT_SIZE);
    assert_int_equal(text[0x30], 2); /* its level */
    assert_true(read_file(f, ENTRY "/auxblob", text, sizeof(text)) > 1000);
    assert_int_equal(read_file(f, RTMR, text, sizeof(text)), -ENOENT);
}

static void
count_name(void *user, const char *name)
{
    unsigned *n = user;

    assert_true(name[0] != '\0' && !strchr(name, '/'));
    ++*n;
}

/* Every name that a directory lists is there. */
static void
directories_list_what_they_have(void **state)
{
    static const struct {
        const char *path;
        unsigned n;
    } cases[] = {
        {"/", 3}, {"/kernel/config/tsm/report", 1}, {ENTRY, 4}, {"/firmware/acpi/tables", 2}};
    struct fixture *f = *state;

    assert_int_equal(coco_softtee_mkdir(f->tee, ENTRY), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned n = 0;

        assert_int_equal(coco_softtee_list(f->tee, cases[i].path, count_name, &n), 0);
        assert_int_equal(n, cases[i].n);
    }
    assert_int_equal(coco_softtee_list(f->tee, RTMR, count_name, NULL), -ENOTDIR);
    assert_int_equal(coco_softtee_list(f->tee, "/none", count_name, NULL), -ENOENT);
}

static void
entries_and_handles_are_bounded(void **state)
{
    struct fixture *f = *state;
    char path[128];
    int error = 0;
    int n = 0;

    while (error == 0 && n < 1000) {
        (void)snprintf(path, sizeof(path), "/kernel/config/tsm/report/%d", n++);
        error = coco_softtee_mkdir(f->tee, path);
    }
    assert_int_equal(error, -ENOSPC);
    for (n = 0, error = 0; error >= 0 && n < 1000; n++)
        error = coco_softtee_open(f->tee, RTMR, O_RDONLY);
    assert_int_equal(error, -ENFILE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, boot_tdx, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_entry_is_a_directory_that_comes_and_goes),
        TEST(files_are_gone_with_their_entry),
        TEST(what_is_written_counts_when_it_is_closed),
        TEST(files_are_read_or_written_and_not_both),
        TEST(a_register_is_extended_by_a_whole_digest),
        cmocka_unit_test_setup_teardown(a_guest_of_snp_has_certificates_and_a_level, boot_snp,
                                        teardown),
        TEST(directories_list_what_they_have),
        TEST(entries_and_handles_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
