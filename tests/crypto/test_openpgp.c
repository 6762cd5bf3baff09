/*
 * tests/crypto/test_openpgp.c - lib/crypto/openpgp.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/openpgp_rnp.h"

#include "tests/canary.h"
#include "tests/crypto/gpgkit.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <string.h>

struct fixture {
    struct coco_pgp_ring *ring;
    struct coco_buf buf;
    coco_error *err;
};

static int
set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.buf = {.limit = COCO_PGP_KEYS_MAX}};
    assert_ok(coco_pgp_ring_new(&fixture.ring, &fixture.err), fixture.err);
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    coco_pgp_ring_free(f->ring);
    coco_buf_done(&f->buf);
    return 0;
}

static void
assert_count(struct fixture *f, size_t keys, size_t secret)
{
    struct coco_pgp_count count = {0};

    assert_ok(coco_pgp_ring_count(f->ring, &count, &f->err), f->err);
    assert_int_equal(count.keys, keys);
    assert_int_equal(count.secret, secret);
}

static void
keys_are_read_binary_and_armored_and_completed(void **state)
{
    struct fixture *f = *state;

    assert_count(f, 0, 0);
    gpg_load(&gpg, "alice.pub", f->ring);
    assert_count(f, 1, 0);
    gpg_run(&gpg, "--armor --export bob@example.org carol@example.org >two.asc");
    gpg_load(&gpg, "two.asc", f->ring);
    assert_count(f, 3, 0);
    gpg_load(&gpg, "alice.sec", f->ring);
    assert_count(f, 3, 1);
    gpg_load(&gpg, "alice.sec", f->ring);
    assert_count(f, 3, 1);
    gpg_run(&gpg, "--armor --export-secret-keys carol@example.org >carol.asc");
    gpg_load(&gpg, "carol.asc", f->ring);
    assert_count(f, 3, 2);
}

static void
load_recorded(struct fixture *f, const char *name)
{
    size_t len = 0;
    _cleanup_free_ char *keys = read_fixture(name, &len);

    assert_ok(coco_pgp_ring_add(f->ring, keys, len, &f->err), f->err);
}

/* Recorded: the rings of ocicrypt's own tests. */
static void
rings_of_ocicrypt_are_read(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"ocicrypt/pgp/gpgPubKeyRing.gpg",
                                        "ocicrypt/pgp/gpgPrivKey1.gpg",
                                        "ocicrypt/pgp/gpgPrivKey2.gpg"};

    for (size_t i = 0; i < 3; i++)
        load_recorded(f, names[i]);
    assert_count(f, 2, 2);
    assert_true(coco_pgp_ring_has(f->ring, "41F77CFF32124D9AFBB5D3E707B12F8D543CDE8B"));
    assert_true(coco_pgp_ring_has(f->ring, "800DCA69B8AC32D66C84A29E79E0AA4A49EF8031"));
    assert_false(coco_pgp_ring_has(f->ring, "800DCA69B8AC32D66C84A29E79E0AA4A49EF8032"));
    assert_false(coco_pgp_ring_has(f->ring, "79E0AA4A49EF8031"));
    assert_false(coco_pgp_ring_has(f->ring, ""));
}

static void
what_is_no_key_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        "",
        "x",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n=twTO\n-----END PGP PUBLIC KEY BLOCK-----\n",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==\n-----END PGP PUBLIC KEY BLOCK-----\n",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n",
        "\x99\x01\x0d\x04",
        "\xc6\xff\xff\xff\xff\xff",
        "\xb4\x05" /* a user ID */,
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_fails(coco_pgp_ring_add(f->ring, texts[i], strlen(texts[i]), &f->err), f->err,
                     COCO_ERR_PROTO, "no keys of OpenPGP");
    assert_count(f, 0, 0);
    gpg_run(&gpg, "--output signed --sign log");
    gpg_read(&gpg, "signed", &f->buf);
    assert_fails(coco_pgp_ring_add(f->ring, f->buf.data, f->buf.len, &f->err), f->err,
                 COCO_ERR_PROTO, "no keys of OpenPGP");
    assert_fails(coco_pgp_ring_add(f->ring, "", COCO_PGP_KEYS_MAX + 1, &f->err), f->err,
                 COCO_ERR_LIMIT, "more than 4194304 bytes");
}

/* A ring cut anywhere has some of its keys or none, and none that it had not. */
static void
a_ring_that_is_cut_has_no_other_keys(void **state)
{
    struct fixture *f = *state;

    gpg_run(&gpg, "--export alice@example.org bob@example.org >both.pub");
    gpg_read(&gpg, "both.pub", &f->buf);
    for (size_t len = 0; len < f->buf.len; len += 7) {
        _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *ring = NULL;
        struct coco_pgp_count count = {0};

        assert_ok(coco_pgp_ring_new(&ring, &f->err), f->err);
        coco_status status = coco_pgp_ring_add(ring, f->buf.data, len, NULL);
        assert_ok(coco_pgp_ring_count(ring, &count, &f->err), f->err);
        assert_true(status == COCO_OK ? count.keys <= 2 : status == COCO_ERR_PROTO);
    }
}

struct name_case {
    const char *who;
    const char *file;
    bool found;
};

static const struct name_case names[] = {
    {"alice@example.org", "alice.pub", true},
    {"Alice", "alice.pub", true},
    {"alice", "alice.pub", false},
    {"Alice ", "alice.pub", false},
    {"Alice <alice@example.org>", "alice.pub", false},
    {"<alice@example.org>", "alice.pub", false},
    {"example.org", "alice.pub", false},
    {"", "alice.pub", false},
    {"bob@example.org", "bob.pub", true},
    {"Bob", "bob.pub", true},
    {"Bob (at work)", "bob.pub", true},
    {"at work", "bob.pub", false},
};

/* As ocicrypt reads user IDs: all of the address or all of the name. */
static void
keys_have_the_names_of_their_user_ids(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *ring = NULL;

        assert_ok(coco_pgp_ring_new(&ring, &f->err), f->err);
        gpg_load(&gpg, names[i].file, ring);
        coco_status status = coco_pgp_check_recipient(ring, names[i].who, &f->err);
        if ((status == COCO_OK) != names[i].found)
            fail_msg("%s", names[i].who);
        if (status != COCO_OK)
            assert_fails(status, f->err, COCO_ERR_NOTFOUND, "no key of OpenPGP");
    }
}

static void
fingerprints_are_names_in_either_case(void **state)
{
    struct fixture *f = *state;

    load_recorded(f, "ocicrypt/pgp/gpgPubKeyRing.gpg");
    assert_ok(
        coco_pgp_check_recipient(f->ring, "41f77cff32124d9afbb5d3e707b12f8d543cde8b", &f->err),
        f->err);
    assert_fails(coco_pgp_check_recipient(f->ring, "07B12F8D543CDE8B", &f->err), f->err,
                 COCO_ERR_NOTFOUND, "07B12F8D543CDE8B");
}

static void
passwords_are_bounded_and_wiped(void **state)
{
    struct fixture *f = *state;
    char text[] = "a password of somebody";
    char longest[COCO_PGP_PASSWORD_MAX + 1] = {0};

    assert_fails(coco_pgp_ring_add_password(f->ring, "a\0b", 3, &f->err), f->err, COCO_ERR_INVALID,
                 "NUL");
    memset(longest, 'x', sizeof(longest));
    assert_fails(coco_pgp_ring_add_password(f->ring, longest, sizeof(longest), &f->err), f->err,
                 COCO_ERR_LIMIT, "255 bytes");
    canary_begin(text, strlen(text));
    for (size_t i = 0; i < COCO_PGP_PASSWORDS_MAX; i++)
        assert_ok(coco_pgp_ring_add_password(f->ring, text, strlen(text), &f->err), f->err);
    assert_fails(coco_pgp_ring_add_password(f->ring, text, strlen(text), &f->err), f->err,
                 COCO_ERR_LIMIT, "16 passwords");
    coco_pgp_ring_free(f->ring);
    f->ring = NULL;
    assert_int_equal(canary_end(), 0);
}

static void
rings_survive_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    gpg_read(&gpg, "alice.sec", &f->buf);
    for_each_fault()
    {
        _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *ring = NULL;
        struct coco_pgp_count count = {0};
        coco_error *err = NULL;

        coco_status status = coco_pgp_ring_new(&ring, &err);
        if (status == COCO_OK)
            status = coco_pgp_ring_add(ring, f->buf.data, f->buf.len, &err);
        if (status == COCO_OK)
            status = coco_pgp_ring_add_password(ring, "x", 1, &err);
        if (status == COCO_OK)
            status = coco_pgp_ring_count(ring, &count, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_are_read_binary_and_armored_and_completed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(rings_of_ocicrypt_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_key_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_ring_that_is_cut_has_no_other_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_have_the_names_of_their_user_ids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fingerprints_are_names_in_either_case, set_up, tear_down),
        cmocka_unit_test_setup_teardown(passwords_are_bounded_and_wiped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rings_survive_any_failed_allocation, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, gpg_set_up, gpg_tear_down);
}
