/*
 * tests/softtee/test_pki.c - lib/softtee/pki.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/pki.h"

#include "crypto/cert.h"
#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

struct fixture {
    char dir[64];
    coco_error *err;
};

static int
setup(void **state)
{
    static struct fixture fixture;

    fixture.err = NULL;
    make_temp_dir(fixture.dir, sizeof(fixture.dir));
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

static const struct coco_pki_want want = {.name = "Root", .kind = COCO_KEY_P256, .is_ca = true};

static void
what_is_made_is_kept(void **state)
{
    struct fixture *f = *state;
    struct coco_pki first = {0};
    struct coco_pki second = {0};
    char path[128];
    struct stat st;

    assert_ok(coco_pki_keep(f->dir, "a/b/root.pem", &want, &first, &f->err), f->err);
    assert_ok(coco_pki_keep(f->dir, "a/b/root.pem", &want, &second, &f->err), f->err);
    assert_int_equal(X509_cmp(first.cert, second.cert), 0);
    assert_int_equal(EVP_PKEY_eq(first.key, second.key), 1);
    (void)snprintf(path, sizeof(path), "%s/a/b/root.pem", f->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    coco_pki_done(&first);
    coco_pki_done(&second);
}

static void
chains_and_lists_verify(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_RSA};
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        struct coco_pki root = {0};
        struct coco_pki leaf = {0};
        char name[32];
        struct coco_pki_want how = {.name = "Root", .kind = kinds[i], .is_ca = true};
        _cleanup_buf_ struct coco_buf pem = {.limit = 1 << 14};
        _cleanup_buf_ struct coco_buf der = {.limit = 1 << 14};
        _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
        _cleanup_crl_ X509_CRL *crl = NULL;

        (void)snprintf(name, sizeof(name), "root%zu.pem", i);
        assert_ok(coco_pki_keep(f->dir, name, &how, &root, &f->err), f->err);
        how = (struct coco_pki_want){.name = "Leaf", .kind = COCO_KEY_P384, .issuer = &root};
        (void)snprintf(name, sizeof(name), "leaf%zu.pem", i);
        assert_ok(coco_pki_keep(f->dir, name, &how, &leaf, &f->err), f->err);
        assert_ok(coco_pki_pem(&leaf, &pem, &f->err), f->err);
        assert_ok(coco_pki_pem(&root, &pem, &f->err), f->err);
        assert_ok(coco_cert_chain_parse(pem.data, pem.len, &chain, &f->err), f->err);
        assert_ok(coco_cert_chain_check_links(&chain, &f->err), f->err);
        assert_ok(coco_cert_chain_check_dates(&chain, (int64_t)time(NULL), &f->err), f->err);
        assert_ok(coco_pki_crl(&root, &der, &f->err), f->err);
        assert_ok(coco_crl_parse(der.data, der.len, &crl, &f->err), f->err);
        assert_ok(coco_crl_check_issuer(crl, root.cert, &f->err), f->err);
        assert_ok(coco_crl_check_dates(crl, (int64_t)time(NULL), &f->err), f->err);
        assert_ok(coco_crl_check_cert(crl, leaf.cert, &f->err), f->err);
        coco_pki_done(&root);
        coco_pki_done(&leaf);
    }
}

static void
a_file_of_something_else_is_left_alone(void **state)
{
    static const char *const contents[] = {
        "", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    struct fixture *f = *state;
    struct coco_pki pki = {0};

    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        assert_ok(coco_pki_write(f->dir, "root.pem", contents[i], strlen(contents[i]), &f->err),
                  f->err);
        assert_fails(coco_pki_keep(f->dir, "root.pem", &want, &pki, &f->err), f->err,
                     COCO_ERR_PROTO, "root.pem");
        assert_file(f->dir, "root.pem", contents[i]);
    }
    assert_null(pki.key);
}

/* Two who make keys would mix them up. */
static void
one_at_a_time_has_it_locked(void **state)
{
    struct fixture *f = *state;
    char path[128];
    int lock = -1;

    (void)snprintf(path, sizeof(path), "%s/new/state", f->dir);
    assert_ok(coco_pki_lock(path, &lock, &f->err), f->err);
    int other = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(other >= 0);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
    assert_int_equal(close(lock), 0);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(close(other), 0);
    assert_fails(coco_pki_lock("/proc/none/x", &lock, &f->err), f->err, COCO_ERR_IO, "/proc/none");
}

static void
a_directory_that_cannot_be_made_is_an_error(void **state)
{
    struct fixture *f = *state;

    assert_fails(coco_pki_write("/proc/none", "a/b", "x", 1, &f->err), f->err, COCO_ERR_IO,
                 "/proc/none");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_made_is_kept),
        TEST(chains_and_lists_verify),
        TEST(a_file_of_something_else_is_left_alone),
        TEST(one_at_a_time_has_it_locked),
        TEST(a_directory_that_cannot_be_made_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
