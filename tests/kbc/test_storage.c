/*
 * tests/kbc/test_storage.c - lib/kbc/storage.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/storage.h"

#include "tests/faults.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What the machine of the test says of any file. */
static struct {
    long type;
    unsigned major;
    unsigned minor;
    mode_t mode; /* 0: of a regular file */
    int error;
} file;

static int
fake_fstat(int fd, struct stat *ret)
{
    (void)fd;
    *ret = (struct stat){
        .st_dev = makedev(file.major, file.minor),
        .st_mode = file.mode ? file.mode : S_IFREG | 0600,
    };
    return 0;
}

static int
fake_fstatfs(int fd, struct statfs *ret)
{
    (void)fd;
    *ret = (struct statfs){.f_type = (__fsword_t)file.type};
    errno = file.error;
    return file.error ? -1 : 0;
}

struct fixture {
    char devices[64];
    struct coco_storage storage;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    make_temp_dir(f->devices, sizeof(f->devices));
    f->storage = (struct coco_storage){
        .fstat = fake_fstat,
        .fstatfs = fake_fstatfs,
        .devices = f->devices,
    };
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    remove_temp_dir(f->devices);
    return 0;
}

static void
put(const struct fixture *f, const char *name, const char *text)
{
    write_text_under(f->devices, name, text);
}

static coco_status
check(struct fixture *f, long type, unsigned device_major, unsigned device_minor)
{
    file.type = type;
    file.major = device_major;
    file.minor = device_minor;
    file.error = 0;
    return coco_storage_check(&f->storage, -1, &f->err);
}

static void
memory_is_the_guests(void **state)
{
    struct fixture *f = *state;

    assert_ok(check(f, TMPFS_MAGIC, 0, 0x21), f->err);
    assert_ok(check(f, RAMFS_MAGIC, 0, 0x02), f->err);
    assert_ok(check(f, EXT4_SUPER_MAGIC, 1, 0), f->err); /* /dev/ram0 */
}

/* The node of a disk of the host's lies in memory, and so does a pipe. */
static void
what_is_no_regular_file_is_anybodys(void **state)
{
    static const mode_t modes[] = {S_IFBLK, S_IFCHR, S_IFIFO, S_IFSOCK, S_IFDIR};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(modes); i++) {
        file.mode = modes[i] | 0600;
        assert_fails(check(f, TMPFS_MAGIC, 0, 0x06), f->err, COCO_ERR_DENIED, "regular");
    }
    file.mode = 0;
}

static void
what_the_host_shares_is_not(void **state)
{
    static const long types[] = {V9FS_MAGIC,
                                 FUSE_SUPER_MAGIC,
                                 NFS_SUPER_MAGIC,
                                 SMB2_SUPER_MAGIC,
                                 OVERLAYFS_SUPER_MAGIC,
                                 BTRFS_SUPER_MAGIC,
                                 PROC_SUPER_MAGIC,
                                 0};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(types); i++)
        assert_fails(check(f, types[i], 0, 0x21), f->err, COCO_ERR_DENIED, "file system");
}

static void
a_mapped_device_is_told_by_its_uuid(void **state)
{
    static const struct {
        const char *uuid;
        bool good;
    } cases[] = {
        {"CRYPT-VERITY-0123456789abcdef0123456789abcdef-root\n", true},
        {"CRYPT-LUKS1-0123456789abcdef0123456789abcdef-root\n", true},
        {"CRYPT-LUKS2-0123456789abcdef0123456789abcdef-root\n", true},
        {"CRYPT-PLAIN-root\n", true},
        {"CRYPT-INTEGRITY-root\n", false},
        {"CRYPT-SUBDEV-x\n", false},
        {"CRYPT-VERITY", false},
        {"crypt-verity-0123\n", false},
        {"LVM-CRYPT-VERITY-\n", false},
        {" CRYPT-VERITY-x\n", false},
        {"LVM-abcdef\n", false},
        {"\n", false},
        {"", false},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        put(f, "253:0/dm/uuid", cases[i].uuid);
        if (cases[i].good)
            assert_ok(check(f, SQUASHFS_MAGIC, 253, 0), f->err);
        else
            assert_fails(check(f, SQUASHFS_MAGIC, 253, 0), f->err, COCO_ERR_DENIED, "253:0");
    }
}

static void
a_plain_device_is_the_hosts(void **state)
{
    struct fixture *f = *state;

    put(f, "8:1/dev", "8:1\n");
    assert_fails(check(f, EXT4_SUPER_MAGIC, 8, 1), f->err, COCO_ERR_DENIED, "8:1");
    assert_fails(check(f, EXT4_SUPER_MAGIC, 259, 3), f->err, COCO_ERR_DENIED, "259:3");
}

static void
a_device_of_others_is_what_all_of_them_are(void **state)
{
    struct fixture *f = *state;

    put(f, "253:2/dm/uuid", "LVM-root\n");
    put(f, "253:2/slaves/dm-0/dev", "253:0\n");
    put(f, "253:2/slaves/dm-1/dev", "253:1\n");
    put(f, "253:0/dm/uuid", "CRYPT-LUKS2-a\n");
    put(f, "253:1/dm/uuid", "CRYPT-LUKS2-b\n");
    assert_ok(check(f, XFS_SUPER_MAGIC, 253, 2), f->err);
    put(f, "253:2/slaves/sdb/dev", "8:16\n");
    assert_fails(check(f, XFS_SUPER_MAGIC, 253, 2), f->err, COCO_ERR_DENIED, "8:16");
}

static void
an_empty_list_of_others_protects_nothing(void **state)
{
    struct fixture *f = *state;

    put(f, "9:0/slaves/.keep", "");
    assert_fails(check(f, XFS_SUPER_MAGIC, 9, 0), f->err, COCO_ERR_DENIED, "9:0");
}

static void
chains_without_end_and_strange_numbers_are_refused(void **state)
{
    static const char *const numbers[] = {"", "\n", "../8:1\n", "a:b\n",
                                          "1111111111:2222222222222222222222222222222222222\n"};
    struct fixture *f = *state;

    put(f, "9:0/slaves/md0/dev", "9:0\n");
    assert_fails(check(f, XFS_SUPER_MAGIC, 9, 0), f->err, COCO_ERR_LIMIT, "upon the other");
    for (size_t i = 0; i < COUNT(numbers); i++) {
        put(f, "9:0/slaves/md0/dev", numbers[i]);
        coco_status status = check(f, XFS_SUPER_MAGIC, 9, 0);
        assert_true(status == COCO_ERR_PROTO || status == COCO_ERR_LIMIT);
        coco_error_free(f->err);
        f->err = NULL;
    }
    for (int i = 0; i < 65; i++) {
        char name[64];

        (void)snprintf(name, sizeof(name), "253:7/slaves/d%d/dev", i);
        put(f, name, "253:0\n");
    }
    put(f, "253:0/dm/uuid", "CRYPT-LUKS2-a\n");
    assert_fails(check(f, XFS_SUPER_MAGIC, 253, 7), f->err, COCO_ERR_LIMIT, "more than 64");
}

static void
what_cannot_be_asked_is_refused(void **state)
{
    struct fixture *f = *state;

    file.type = TMPFS_MAGIC;
    file.error = EACCES;
    assert_fails(coco_storage_check(&f->storage, -1, &f->err), f->err, COCO_ERR_IO, "stat");
    assert_fails(coco_storage_check(&coco_storage, -1, &f->err), f->err, COCO_ERR_IO, "stat");
    put(f, "253:0/dm/uuid/x", "");
    assert_fails(check(f, XFS_SUPER_MAGIC, 253, 0), f->err, COCO_ERR_IO, "uuid");
}

static void
the_kernel_itself_is_asked(void **state)
{
    struct fixture *f = *state;
    _cleanup_close_ int memory = memfd_create("storage", MFD_CLOEXEC);
    _cleanup_close_ int kernels = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

    assert_true(memory >= 0 && kernels >= 0);
    assert_ok(coco_storage_check(&coco_storage, memory, &f->err), f->err);
    assert_fails(coco_storage_check(&coco_storage, kernels, &f->err), f->err, COCO_ERR_DENIED,
                 "file system");
}

static void
checking_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    put(f, "253:2/dm/uuid", "LVM-root\n");
    put(f, "253:2/slaves/dm-0/dev", "253:0\n");
    put(f, "253:0/dm/uuid", "CRYPT-LUKS2-a\n");
    for_each_fault()
    {
        coco_status status = check(f, XFS_SUPER_MAGIC, 253, 2);
        fault_expect(status, f->err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(memory_is_the_guests),
        TEST(what_is_no_regular_file_is_anybodys),
        TEST(what_the_host_shares_is_not),
        TEST(a_mapped_device_is_told_by_its_uuid),
        TEST(a_plain_device_is_the_hosts),
        TEST(a_device_of_others_is_what_all_of_them_are),
        TEST(an_empty_list_of_others_protects_nothing),
        TEST(chains_without_end_and_strange_numbers_are_refused),
        TEST(what_cannot_be_asked_is_refused),
        TEST(the_kernel_itself_is_asked),
        TEST(checking_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
