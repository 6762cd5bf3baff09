/*
 * tests/attester/test_kernel.c - lib/attester/kernel.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/kernel.h"

#include "base/fail.h"
#include "tests/fakekernel.h"
#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct fixture {
    char dir[64];
    char path[128];
};

static int
setup(void **state)
{
    static struct fixture fixture;

    make_temp_dir(fixture.dir, sizeof(fixture.dir));
    (void)snprintf(fixture.path, sizeof(fixture.path), "%s/file", fixture.dir);
    *state = &fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    remove_temp_dir(f->dir);
    return 0;
}

static void
a_file_is_written_only_if_it_is_there(void **state)
{
    struct fixture *f = *state;
    coco_error *err = NULL;

    assert_fails(coco_kernel_write(&coco_kernel, f->path, "text\n", 5, &err), err,
                 COCO_ERR_NOTFOUND, f->path);
    assert_no_file(f->dir, "file");
    int fd = open(f->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_ok(coco_kernel_write(&coco_kernel, f->path, "text\n", 5, &err), err);
    assert_file(f->dir, "file", "text\n");
}

static void
a_line_is_read_without_its_newline(void **state)
{
    static const struct {
        const char *content;
        const char *line;
    } cases[] = {
        {"text\n", "text"}, {"text", "text"}, {"text\n\n", "text\n"}, {"\n", ""}, {"", ""}};
    struct fake_kernel fake;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf line = {.limit = 16};

        fake_kernel_init(&fake);
        fake.files[0] = (struct fake_file){.path = "/file",
                                           .data = (const uint8_t *)cases[i].content,
                                           .len = strlen(cases[i].content)};
        assert_ok(coco_kernel_read_line(&fake.table, "/file", &line, &err), err);
        assert_string_equal(coco_buf_text(&line), cases[i].line);
        assert_int_equal(line.len, strlen(cases[i].line));
    }
}

static void
what_is_not_there_or_too_long_is_refused(void **state)
{
    struct fixture *f = *state;
    struct fake_kernel fake;
    _cleanup_buf_ struct coco_buf buf = {.limit = 4};
    coco_error *err = NULL;

    assert_fails(coco_kernel_read(&coco_kernel, f->path, &buf, &err), err, COCO_ERR_NOTFOUND,
                 f->path);
    assert_fails(coco_kernel_read(&coco_kernel, f->dir, &buf, &err), err, COCO_ERR_IO, f->dir);
    fake_kernel_init(&fake);
    fake.files[0] = (struct fake_file){.path = "/file", .data = (const uint8_t *)"12345", .len = 5};
    assert_fails(coco_kernel_read(&fake.table, "/file", &buf, &err), err, COCO_ERR_LIMIT, "/file");
    assert_int_equal(fake_kernel_open(&fake), 0);
}

static int
answer(struct fake_kernel *fake, unsigned long request, void *arg)
{
    (void)fake;
    if (request != 7)
        return ENOTTY;
    *(int *)arg = 42;
    return 0;
}

static void
a_device_is_asked_and_closed(void **state)
{
    struct fake_kernel fake;
    coco_error *err = NULL;
    int value = 0;

    (void)state;
    fake_kernel_init(&fake);
    fake.ioctl = answer;
    assert_fails(coco_kernel_ask(&fake.table, "/dev/x", 7, &value, &err), err, COCO_ERR_NOTSUP,
                 "no device '/dev/x'");
    fake.files[0] = (struct fake_file){.path = "/dev/x"};
    assert_ok(coco_kernel_ask(&fake.table, "/dev/x", 7, &value, &err), err);
    assert_int_equal(value, 42);
    assert_fails(coco_kernel_ask(&fake.table, "/dev/x", 8, &value, &err), err, COCO_ERR_IO,
                 "/dev/x");
    fake.fails = "x";
    fake.fails_with = EACCES;
    assert_fails(coco_kernel_ask(&fake.table, "/dev/x", 7, &value, &err), err, COCO_ERR_IO,
                 "/dev/x");
    assert_int_equal(fake_kernel_open(&fake), 0);
    /* And of the kernel itself, one that is no device. */
    assert_fails(coco_kernel_ask(&coco_kernel, "/dev/null", 0, NULL, &err), err, COCO_ERR_IO,
                 "/dev/null");
}

static void
a_machine_survives_a_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        void *machine = NULL;
        coco_error *err = NULL;

        coco_status status = coco_machine_open(&machine, &err);
        fault_expect(status, err);
        coco_machine_close(machine);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_written_only_if_it_is_there),    TEST(a_line_is_read_without_its_newline),
        TEST(what_is_not_there_or_too_long_is_refused), TEST(a_device_is_asked_and_closed),
        TEST(a_machine_survives_a_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
