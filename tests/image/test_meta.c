/*
 * tests/image/test_meta.c - lib/image/meta.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/meta.h"

#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define NOBODY 65534

static coco_error *err;
static char top[64];
static int dir;
static uid_t was;
static struct coco_ids ids;

static int
begin(void **state)
{
    (void)state;
    make_temp_dir(top, sizeof(top));
    dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    was = geteuid();
    ids = (struct coco_ids){0};
    return 0;
}

/* From here on to the end of the test, root is somebody else. */
static void
drop_privileges(void)
{
    if (was != 0)
        return;
    assert_int_equal(fchown(dir, NOBODY, NOBODY), 0);
    assert_int_equal(setegid(NOBODY), 0);
    assert_int_equal(seteuid(NOBODY), 0);
}

static int
end(void **state)
{
    (void)state;
    if (was == 0) {
        assert_int_equal(seteuid(0), 0);
        assert_int_equal(setegid(0), 0);
    }
    (void)close(dir);
    remove_temp_dir(top);
    return 0;
}

static struct coco_tar_entry
entry_of(enum coco_tar_type type, uint32_t mode)
{
    return (struct coco_tar_entry){
        .type = type,
        .name = "f",
        .mode = mode,
        .uid = 1234,
        .gid = 5678,
        .mtime = {.tv_sec = 1500000000, .tv_nsec = 123456789},
        .atime = {.tv_sec = 1400000000, .tv_nsec = 1},
    };
}

static int
make_file(void)
{
    int fd = openat(dir, "f", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    return fd;
}

static void
a_file_gets_all_that_its_entry_says(void **state)
{
    static const uint8_t cap[20] = {1, 0, 0, 2, 0, 0x20};
    const struct coco_xattr xattrs[] = {
        {"security.capability", cap, sizeof(cap)},
        {"user.a", (const uint8_t *)"1", 1},
    };
    struct coco_tar_entry entry = entry_of(COCO_TAR_FILE, 06755);
    uint8_t value[32];
    struct stat st;

    (void)state;
    if (geteuid() != 0)
        skip();
    int fd = make_file();
    entry.xattrs = xattrs;
    entry.n_xattrs = 2;
    assert_ok(coco_meta_apply(fd, &entry, &ids, &err), err);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 06755);
    assert_int_equal(st.st_uid, 1234);
    assert_int_equal(st.st_gid, 5678);
    assert_int_equal(st.st_mtim.tv_sec, 1500000000);
    assert_int_equal(st.st_mtim.tv_nsec, 123456789);
    assert_int_equal(st.st_atim.tv_sec, 1400000000);
    assert_int_equal(fgetxattr(fd, "security.capability", value, sizeof(value)), 20);
    (void)close(fd);
}

static void
attributes_that_are_not_allowed_are_left_out(void **state)
{
    static const char *const names[] = {
        "trusted.overlay.opaque",
        "trusted.x",
        "user.overlay.opaque",
        "user.overlay.whiteout",
        "security.selinux",
        "security.ima",
        "system.nfs4_acl",
        "user.",
        "user",
        "nonsense",
    };
    char list[256];

    (void)state;
    int fd = make_file();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct coco_xattr xattr = {names[i], (const uint8_t *)"y", 1};
        struct coco_tar_entry entry = entry_of(COCO_TAR_FILE, 0644);

        entry.xattrs = &xattr;
        entry.n_xattrs = 1;
        ids.ignore = true;
        assert_ok(coco_meta_apply(fd, &entry, &ids, &err), err);
        assert_int_equal(flistxattr(fd, list, sizeof(list)), 0);
    }
    (void)close(fd);
}

/* <linux/posix_acl_xattr.h>: version 2; tag, permissions and id of each entry */
#define ACE(tag, perm, id)                                                                         \
    (tag), 0, (perm), 0, (uint8_t)(id), (uint8_t)((id) >> 8), (uint8_t)((id) >> 16),               \
        (uint8_t)((id) >> 24)
static const uint8_t list_of_1[] = {
    2,
    0,
    0,
    0,
    ACE(0x01, 6, 0xffffffffU),
    ACE(0x02, 7, 1U),
    ACE(0x04, 4, 0xffffffffU),
    ACE(0x10, 7, 0xffffffffU),
    ACE(0x20, 4, 0xffffffffU),
};

static void
an_access_control_list_comes_with_its_mode(void **state)
{
    const struct coco_xattr xattr = {COCO_ACL_ACCESS, list_of_1, sizeof(list_of_1)};
    struct coco_tar_entry entry = entry_of(COCO_TAR_FILE, 0674);
    uint8_t value[64];
    struct stat st;

    (void)state;
    ids.ignore = true; /* of owners: this may be run by anybody */
    entry.xattrs = &xattr;
    entry.n_xattrs = 1;
    int fd = make_file();
    assert_ok(coco_meta_apply(fd, &entry, &ids, &err), err);
    if (ids.ignored > 0 && geteuid() == 0)
        skip(); /* not on this file system */
    assert_int_equal(fgetxattr(fd, COCO_ACL_ACCESS, value, sizeof(value)), sizeof(list_of_1));
    assert_memory_equal(value, list_of_1, sizeof(list_of_1));
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0674);
    (void)close(fd);

    entry.type = COCO_TAR_FIFO;
    assert_int_equal(mkfifoat(dir, "p", 0600), 0);
    assert_ok(coco_meta_apply_at(dir, "p", &entry, &ids, &err), err);
    assert_int_equal(fstatat(dir, "p", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mode, S_IFIFO | 0674);
}

/* Its mode would give the group what the list gives to one user. */
static void
a_list_that_is_left_out_leaves_nothing_for_the_group(void **state)
{
    const struct coco_xattr xattr = {COCO_ACL_ACCESS, list_of_1, sizeof(list_of_1) - 1};
    struct coco_tar_entry entry = entry_of(COCO_TAR_FILE, 0674);
    struct stat st;

    (void)state;
    drop_privileges();
    entry.uid = geteuid();
    entry.gid = getegid();
    entry.xattrs = &xattr;
    entry.n_xattrs = 1;
    int fd = make_file();
    assert_fails(coco_meta_apply(fd, &entry, &ids, &err), err, COCO_ERR_PROTO,
                 "an access control list that cannot be");
    ids.ignore = true;
    assert_ok(coco_meta_apply(fd, &entry, &ids, &err), err);
    assert_int_equal(ids.ignored, 1);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0604);
    (void)close(fd);
}

static void
owners_that_cannot_be_set_are_refused(void **state)
{
    struct coco_tar_entry entry = entry_of(COCO_TAR_FILE, 06755);

    (void)state;
    drop_privileges();
    int fd = make_file();
    assert_fails(coco_meta_apply(fd, &entry, &ids, &err), err, COCO_ERR_NOTSUP,
                 "the owner 1234:5678 without privileges; COCO_IMAGE_IGNORE_CHOWN");
    assert_int_equal(symlinkat("f", dir, "l"), 0);
    entry.type = COCO_TAR_SYMLINK;
    assert_fails(coco_meta_apply_at(dir, "l", &entry, &ids, &err), err, COCO_ERR_NOTSUP,
                 "--ignore-chown");
    assert_int_equal(ids.ignored, 0);
    (void)close(fd);
}

static void
capabilities_that_cannot_be_set_are_refused(void **state)
{
    static const uint8_t cap[20] = {1, 0, 0, 2, 0, 0x20};
    const struct coco_xattr xattr = {"security.capability", cap, sizeof(cap)};
    struct coco_tar_entry entry = entry_of(COCO_TAR_FILE, 0755);

    (void)state;
    drop_privileges();
    int fd = make_file();
    entry.uid = geteuid();
    entry.gid = getegid();
    entry.xattrs = &xattr;
    entry.n_xattrs = 1;
    assert_fails(coco_meta_apply(fd, &entry, &ids, &err), err, COCO_ERR_NOTSUP, "a capability");
    ids.ignore = true;
    assert_ok(coco_meta_apply(fd, &entry, &ids, &err), err);
    assert_int_equal(ids.ignored, 1);
    (void)close(fd);
}

static void
what_is_ignored_is_the_callers_and_counted(void **state)
{
    const struct coco_xattr xattr = {"user.a", (const uint8_t *)"1", 1};
    struct coco_tar_entry entry = entry_of(COCO_TAR_FILE, 06555);
    struct stat st;

    (void)state;
    drop_privileges();
    ids.ignore = true;
    int fd = make_file();
    entry.xattrs = &xattr;
    entry.n_xattrs = 1;
    assert_ok(coco_meta_apply(fd, &entry, &ids, &err), err);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0555);
    assert_int_equal(st.st_uid, geteuid());
    assert_int_equal(st.st_mtim.tv_sec, 1500000000);
    (void)close(fd);

    entry = entry_of(COCO_TAR_DIR, 0555);
    assert_ok(coco_meta_apply(dir, &entry, &ids, &err), err);
    assert_int_equal(fstat(dir, &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0755);
    assert_int_equal(ids.ignored, 2);
}

static void
what_is_the_callers_anyway_is_as_the_entry_says(void **state)
{
    struct coco_tar_entry entry = entry_of(COCO_TAR_FILE, 04755);
    struct stat st;

    (void)state;
    drop_privileges();
    int fd = make_file();
    entry.uid = geteuid();
    entry.gid = getegid();
    assert_ok(coco_meta_apply(fd, &entry, &ids, &err), err);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 04755);
    assert_int_equal(ids.ignored, 0);
    (void)close(fd);
}

static void
a_directory_loses_what_a_lower_layer_gave_it(void **state)
{
    struct coco_tar_entry entry = entry_of(COCO_TAR_DIR, 0755);
    char list[64];

    (void)state;
    if (fsetxattr(dir, "user.old", "x", 1, 0) < 0)
        skip(); /* not on this file system */
    ids.ignore = true;
    assert_ok(coco_meta_apply(dir, &entry, &ids, &err), err);
    assert_int_equal(flistxattr(dir, list, sizeof(list)), 0);
}

static void
what_no_layer_speaks_of_is_the_same_everywhere(void **state)
{
    char list[64];
    struct stat st;

    (void)state;
    if (geteuid() == 0)
        assert_int_equal(fchown(dir, 12, 34), 0);
    assert_int_equal(fchmod(dir, 03700), 0);
    (void)fsetxattr(dir, "user.old", "x", 1, 0);
    assert_ok(coco_meta_imply(dir, &err), err);
    assert_int_equal(fstat(dir, &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0755);
    assert_int_equal(st.st_uid, geteuid());
    assert_int_equal(st.st_gid, getegid());
    assert_int_equal(st.st_mtim.tv_sec, 0);
    assert_int_equal(st.st_mtim.tv_nsec, 0);
    assert_true(flistxattr(dir, list, sizeof(list)) <= 0);
}

static void
a_link_gets_its_own_times_and_not_its_targets(void **state)
{
    struct coco_tar_entry entry = entry_of(COCO_TAR_SYMLINK, 0777);
    struct stat st;

    (void)state;
    int fd = make_file();
    ids.ignore = true;
    assert_int_equal(symlinkat("f", dir, "l"), 0);
    assert_ok(coco_meta_apply_at(dir, "l", &entry, &ids, &err), err);
    assert_int_equal(fstatat(dir, "l", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mtim.tv_sec, 1500000000);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_not_equal(st.st_mtim.tv_sec, 1500000000);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    assert_int_not_equal(st.st_uid, 1234);
    (void)close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_gets_all_that_its_entry_says, begin, end),
        cmocka_unit_test_setup_teardown(attributes_that_are_not_allowed_are_left_out, begin, end),
        cmocka_unit_test_setup_teardown(an_access_control_list_comes_with_its_mode, begin, end),
        cmocka_unit_test_setup_teardown(a_list_that_is_left_out_leaves_nothing_for_the_group, begin,
                                        end),
        cmocka_unit_test_setup_teardown(owners_that_cannot_be_set_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(capabilities_that_cannot_be_set_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(what_is_ignored_is_the_callers_and_counted, begin, end),
        cmocka_unit_test_setup_teardown(what_is_the_callers_anyway_is_as_the_entry_says, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_directory_loses_what_a_lower_layer_gave_it, begin, end),
        cmocka_unit_test_setup_teardown(what_no_layer_speaks_of_is_the_same_everywhere, begin, end),
        cmocka_unit_test_setup_teardown(a_link_gets_its_own_times_and_not_its_targets, begin, end),
    };

    return cmocka_run_group_tests_name("image/meta", tests, NULL, NULL);
}
