/*
 * tests/crypto/test_openpgp_crypt.c - lib/crypto/openpgp_crypt.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/openpgp_rnp.h"

#include "tests/canary.h"
#include "tests/crypto/gpgkit.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <string.h>

#define DATA "the private options of a layer"
#define CANNOT "cannot decrypt with this key"

struct fixture {
    struct coco_pgp_ring *ring;
    struct coco_buf message;
    struct coco_secret back;
    coco_error *err;
};

static int
begin(void **state)
{
    (void)gpg_set_up(state);
    gpg_write(&gpg, "data", DATA, strlen(DATA));
    return 0;
}

static int
set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.message = {.limit = COCO_PGP_MESSAGE_MAX}};
    assert_ok(coco_pgp_ring_new(&fixture.ring, &fixture.err), fixture.err);
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    coco_pgp_ring_free(f->ring);
    coco_buf_done(&f->message);
    coco_secret_done(&f->back);
    return 0;
}

static coco_status
decrypt(struct fixture *f)
{
    coco_secret_done(&f->back);
    return coco_pgp_decrypt(f->ring, f->message.data, f->message.len, &f->back, &f->err);
}

static void
assert_opens(struct fixture *f)
{
    assert_ok(decrypt(f), f->err);
    assert_true(coco_secret_equal(&f->back, DATA, strlen(DATA)));
}

static void
assert_does_not_open(struct fixture *f)
{
    assert_fails(decrypt(f), f->err, COCO_ERR_VERIFY, CANNOT);
    assert_null(f->back.data);
}

static coco_status
encrypt(struct fixture *f, const char *who)
{
    coco_buf_reset(&f->message);
    return coco_pgp_encrypt(f->ring, &who, 1, DATA, strlen(DATA), &f->message, &f->err);
}

#define encrypt_by_gpg(f, ...)                                                                     \
    do {                                                                                           \
        gpg_run(&gpg, __VA_ARGS__);                                                                \
        gpg_read(&gpg, "encrypted", &(f)->message);                                                \
    } while (0)

static void
what_gpg_encrypts_opens(void **state)
{
    struct fixture *f = *state;
    static const char *const how[] = {
        "-r alice@example.org",
        "-r bob@example.org",
        "-r alice@example.org -r bob@example.org -r eve@example.org",
        "-r alice@example.org --armor",
        "-r alice@example.org -z 0",
        "-r alice@example.org --sign",
    };

    gpg_load(&gpg, "alice.sec", f->ring);
    gpg_load(&gpg, "bob.sec", f->ring);
    for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
        encrypt_by_gpg(f, "%s --output encrypted --encrypt data", how[i]);
        assert_opens(f);
    }
}

static void
gpg_and_we_open_what_we_encrypt(void **state)
{
    struct fixture *f = *state;
    const char *const both[] = {"alice@example.org", "Bob"};

    gpg_load(&gpg, "alice.pub", f->ring);
    gpg_load(&gpg, "bob.pub", f->ring);
    assert_ok(coco_pgp_encrypt(f->ring, both, 2, DATA, strlen(DATA), &f->message, &f->err), f->err);
    assert_does_not_open(f);
    gpg_write(&gpg, "ours", f->message.data, f->message.len);
    for (size_t i = 0; i < 2; i++) {
        _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *ring = NULL;

        assert_ok(coco_pgp_ring_new(&ring, &f->err), f->err);
        gpg_load(&gpg, i == 0 ? "alice.sec" : "bob.sec", ring);
        assert_ok(coco_pgp_decrypt(ring, f->message.data, f->message.len, &f->back, &f->err),
                  f->err);
        assert_true(coco_secret_equal(&f->back, DATA, strlen(DATA)));
        coco_secret_done(&f->back);
    }
    gpg_run(&gpg, "--output back --decrypt ours && cmp back data");
    /* AES-256, a code against changes, and nothing compressed or named. */
    gpg_run(&gpg, "--show-session-key --decrypt ours 2>&1 | grep -q \"session key: .9:\"");
    gpg_run(&gpg, "--list-packets ours >packets && grep -q 'mdc_method: 2' packets && "
                  "! grep -q compressed packets && grep -q 'name=\"\"' packets");
}

static void
who_is_no_recipient_is_told(void **state)
{
    struct fixture *f = *state;
    const char *many[COCO_PGP_RECIPIENTS_MAX + 1];

    gpg_load(&gpg, "alice.pub", f->ring);
    gpg_load(&gpg, "carol.pub", f->ring);
    gpg_load(&gpg, "dave.pub", f->ring);
    assert_fails(encrypt(f, "bob@example.org"), f->err, COCO_ERR_NOTFOUND, "bob@example.org");
    assert_fails(encrypt(f, "carol@example.org"), f->err, COCO_ERR_DENIED, "carol@example.org");
    assert_fails(encrypt(f, "dave@example.org"), f->err, COCO_ERR_DENIED, "expired");
    assert_fails(coco_pgp_check_recipient(f->ring, "dave@example.org", &f->err), f->err,
                 COCO_ERR_DENIED, "expired");
    assert_ok(coco_pgp_check_recipient(f->ring, "Alice", &f->err), f->err);
    assert_fails(coco_pgp_encrypt(f->ring, NULL, 0, DATA, 1, &f->message, &f->err), f->err,
                 COCO_ERR_INVALID, "no key");
    for (size_t i = 0; i <= COCO_PGP_RECIPIENTS_MAX; i++)
        many[i] = "Alice";
    assert_fails(
        coco_pgp_encrypt(f->ring, many, COCO_PGP_RECIPIENTS_MAX + 1, DATA, 1, &f->message, &f->err),
        f->err, COCO_ERR_INVALID, "16 keys");
    assert_fails(
        coco_pgp_encrypt(f->ring, many, 1, DATA, COCO_PGP_MESSAGE_MAX + 1, &f->message, &f->err),
        f->err, COCO_ERR_LIMIT, "4194304");
    assert_int_equal(f->message.len, 0);
}

static void
a_password_opens_the_key(void **state)
{
    struct fixture *f = *state;

    gpg_load(&gpg, "eve.sec", f->ring);
    gpg_load(&gpg, "carol.sec", f->ring);
    assert_ok(encrypt(f, "eve@example.org"), f->err);
    assert_does_not_open(f);
    assert_ok(coco_pgp_ring_add_password(f->ring, "wrong", 5, &f->err), f->err);
    assert_does_not_open(f);
    assert_ok(coco_pgp_ring_add_password(f->ring, GPG_PASSWORD, strlen(GPG_PASSWORD), &f->err),
              f->err);
    assert_opens(f);
}

/* One text, whoever it is for and whatever it is. */
static void
what_does_not_open_does_so_with_one_text(void **state)
{
    struct fixture *f = *state;
    static const char *const other[] = {
        "-r bob@example.org --output encrypted --encrypt data",
        "--output encrypted --store data",
        "-u alice@example.org --output encrypted --sign data",
        "-u alice@example.org --output encrypted --clear-sign data",
        "-r alice@example.org --rfc2440 --cipher-algo AES256 --output encrypted --encrypt data",
        "--export alice@example.org >encrypted",
        "--export-secret-keys alice@example.org >encrypted",
        "--list-keys >encrypted",
        "--version >/dev/null; :>encrypted",
    };

    gpg_load(&gpg, "alice.sec", f->ring);
    assert_ok(coco_pgp_ring_add_password(f->ring, "", 0, &f->err), f->err);
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        encrypt_by_gpg(f, "%s", other[i]);
        assert_does_not_open(f);
    }
    gpg_shell(&gpg, GPG "--passphrase x -r alice@example.org --output encrypted --symmetric "
                        "--encrypt data");
    gpg_read(&gpg, "encrypted", &f->message);
    assert_ok(coco_pgp_ring_add_password(f->ring, "x", 1, &f->err), f->err);
    assert_does_not_open(f);
    assert_fails(coco_pgp_decrypt(f->ring, "", COCO_PGP_MESSAGE_MAX + 1, &f->back, &f->err), f->err,
                 COCO_ERR_VERIFY, CANNOT);
}

static void
no_changed_bit_is_believed(void **state)
{
    struct fixture *f = *state;

    gpg_load(&gpg, "alice.sec", f->ring);
    assert_ok(encrypt(f, "alice@example.org"), f->err);
    for (size_t i = 0; i < f->message.len; i++) {
        f->message.data[i] ^= (uint8_t)(1 << i % 8);
        coco_status status = decrypt(f);
        if (status != COCO_OK)
            assert_fails(status, f->err, COCO_ERR_VERIFY, CANNOT);
        else if (!coco_secret_equal(&f->back, DATA, strlen(DATA)))
            fail_msg("byte %zu", i);
        f->message.data[i] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t len = 0; len < f->message.len; len += 5) {
        assert_fails(coco_pgp_decrypt(f->ring, f->message.data, len, &f->back, &f->err), f->err,
                     COCO_ERR_VERIFY, CANNOT);
    }
}

/* RNP has memory of its own; in ours nothing is left. */
static void
what_is_opened_and_closed_is_wiped(void **state)
{
    struct fixture *f = *state;
    char text[] = DATA;

    gpg_load(&gpg, "bob.sec", f->ring);
    canary_begin(text, strlen(text));
    assert_ok(encrypt(f, "bob@example.org"), f->err);
    assert_opens(f);
    coco_secret_done(&f->back);
    assert_int_equal(canary_end(), 0);
}

static void
everything_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    const char *const who = "bob@example.org";

    gpg_load(&gpg, "bob.sec", f->ring);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf message = {.limit = 1 << 16};
        _cleanup_secret_ struct coco_secret back = {0};
        coco_error *err = NULL;

        coco_status status = coco_pgp_encrypt(f->ring, &who, 1, DATA, strlen(DATA), &message, &err);
        if (status == COCO_OK)
            status = coco_pgp_decrypt(f->ring, message.data, message.len, &back, &err);
        fault_expect(status, err);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_gpg_encrypts_opens),
        test(gpg_and_we_open_what_we_encrypt),
        test(who_is_no_recipient_is_told),
        test(a_password_opens_the_key),
        test(what_does_not_open_does_so_with_one_text),
        test(no_changed_bit_is_believed),
        test(what_is_opened_and_closed_is_wiped),
        test(everything_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, begin, gpg_tear_down);
}
