/*
 * tests/crypto/test_openpgp_sign.c - lib/crypto/openpgp_sign.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/openpgp_rnp.h"

#include "tests/canary.h"
#include "tests/crypto/gpgkit.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <string.h>
#include <time.h>

#define DATA "{\"critical\":{\"identity\":{}}}"
/* Inside of Dave's year, and of the far future. */
#define IN_2020 1590000000U
#define IN_2060 2840140800U

struct fixture {
    struct coco_pgp_ring *ring; /* public keys of all but Eve */
    struct coco_buf message;
    struct coco_buf payload;
    struct coco_pgp_signature signature;
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

    fixture = (struct fixture){
        .message = {.limit = COCO_PGP_MESSAGE_MAX},
        .payload = {.limit = 1 << 16},
    };
    assert_ok(coco_pgp_ring_new(&fixture.ring, &fixture.err), fixture.err);
    gpg_load(&gpg, "alice.pub", fixture.ring);
    gpg_load(&gpg, "bob.pub", fixture.ring);
    gpg_load(&gpg, "carol.pub", fixture.ring);
    gpg_load(&gpg, "dave.pub", fixture.ring);
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    coco_pgp_ring_free(f->ring);
    coco_buf_done(&f->message);
    coco_buf_done(&f->payload);
    return 0;
}

static coco_status
verify_at(struct fixture *f, uint64_t now)
{
    coco_buf_reset(&f->payload);
    f->signature = (struct coco_pgp_signature){0};
    return coco_pgp_verify(f->ring, f->message.data, f->message.len, now, &f->payload,
                           &f->signature, &f->err);
}

static coco_status
verify(struct fixture *f)
{
    return verify_at(f, 0);
}

static void
assert_refused(struct fixture *f, coco_status status, coco_status want, const char *text)
{
    assert_fails(status, f->err, want, text);
    assert_int_equal(f->payload.len, 0);
    assert_string_equal(f->signature.primary, "");
}

/* What of the file gpg made is verified. */
#define sign(f, ...)                                                                               \
    do {                                                                                           \
        gpg_run(&gpg, __VA_ARGS__);                                                                \
        gpg_read(&gpg, "signed", &(f)->message);                                                   \
    } while (0)

static void
what_gpg_signs_is_verified(void **state)
{
    struct fixture *f = *state;
    static const char *const how[] = {
        "",        "-z 0",       "--compress-algo zlib", "--compress-algo bzip2",
        "--armor", "--textmode", "--digest-algo SHA512"};
    static const char *const who[] = {"alice", "bob"};

    for (size_t i = 0; i < 2 * sizeof(how) / sizeof(how[0]); i++) {
        sign(f, "-u %s@example.org %s --output signed --sign data", who[i % 2], how[i / 2]);
        assert_ok(verify(f), f->err);
        assert_string_equal(coco_buf_text(&f->payload), DATA);
        assert_true(coco_pgp_ring_has(f->ring, f->signature.primary));
        assert_string_equal(f->signature.signer, f->signature.primary);
        assert_true(f->signature.created > 1700000000);
        assert_true(f->signature.created <= (uint64_t)time(NULL));
        assert_true(f->signature.expires == 0);
    }
}

static void
a_subkey_signs_for_its_key(void **state)
{
    struct fixture *f = *state;

    sign(f, "-u carol@example.org --output signed --sign data");
    assert_ok(verify(f), f->err);
    assert_true(coco_pgp_ring_has(f->ring, f->signature.primary));
    assert_false(coco_pgp_ring_has(f->ring, f->signature.signer));
    assert_int_equal(strlen(f->signature.signer), 40);
}

static void
what_others_sign_is_refused(void **state)
{
    struct fixture *f = *state;

    gpg_shell(&gpg,
              GPG "--passphrase '" GPG_PASSWORD "' -u eve@example.org --output signed --sign data");
    gpg_read(&gpg, "signed", &f->message);
    assert_refused(f, verify(f), COCO_ERR_VERIFY, "by no key that is trusted");
}

static void
keys_and_signatures_that_have_expired_are_refused(void **state)
{
    struct fixture *f = *state;

    sign(f, "--faked-system-time 20200601T000000 -u dave@example.org --output signed --sign data");
    assert_refused(f, verify(f), COCO_ERR_VERIFY, "expired or is revoked");
    sign(f, "-u alice@example.org --default-sig-expire 1d --output signed --sign data");
    assert_ok(verify(f), f->err);
    assert_int_equal(f->signature.expires, f->signature.created + 86400);
    assert_refused(f, verify_at(f, IN_2060), COCO_ERR_VERIFY, "expired");
}

/* By a clock that is given: another than that by which the keys were read. */
static void
the_time_is_what_is_told(void **state)
{
    struct fixture *f = *state;

    sign(f, "--faked-system-time 20200201T000000 -u dave@example.org --output signed --sign data");
    assert_ok(verify_at(f, IN_2020), f->err);
    assert_refused(f, verify_at(f, IN_2060), COCO_ERR_VERIFY, "expired or is revoked");
    sign(f, "-u alice@example.org --output signed --sign data");
    assert_refused(f, verify_at(f, IN_2020), COCO_ERR_VERIFY, "of the future");
    assert_ok(verify(f), f->err);
}

/* A guest's clock may be behind the signer's, and an image is often pulled once it is signed. */
static void
clocks_may_differ_a_little(void **state)
{
    struct fixture *f = *state;

    sign(f, "-u alice@example.org --output signed --sign data");
    assert_ok(verify_at(f, (uint64_t)time(NULL) - 200), f->err);
    assert_refused(f, verify_at(f, (uint64_t)time(NULL) - 1000), COCO_ERR_VERIFY, "of the future");
}

static void
keys_that_are_revoked_are_refused(void **state)
{
    struct fixture *f = *state;

    gpg_run(&gpg, "--quick-gen-key 'Mallory <mallory@example.org>' ed25519 default never");
    gpg_export(&gpg, "mallory");
    sign(f, "-u mallory@example.org --output signed --sign data");
    gpg_load(&gpg, "mallory.pub", f->ring);
    assert_ok(verify(f), f->err);
    char fingerprint[COCO_PGP_FINGERPRINT_SIZE];
    memcpy(fingerprint, f->signature.primary, sizeof(fingerprint));
    gpg_shell(&gpg, "sed 's/^:---/---/' openpgp-revocs.d/%s.rev | " GPG "--import", fingerprint);
    gpg_export(&gpg, "mallory");
    gpg_load(&gpg, "mallory.pub", f->ring);
    assert_fails(verify(f), f->err, COCO_ERR_VERIFY, "expired or is revoked");
    assert_int_equal(f->payload.len, 0);
}

/* A key that decrypts, which more people may have, makes signatures that look like any other. */
static void
keys_that_are_not_for_signing_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const cases[][3] = {
        {"frank", "sign,cert", "change-usage\\nS\\nQ\\nsave\\n"},
        {"grace", "cert", "key 1\\nchange-usage\\nS\\nE\\nQ\\nsave\\n"},
    };

    for (size_t i = 0; i < 2; i++) {
        const char *who = cases[i][0];
        char file[16];

        gpg_run(&gpg, "--quick-gen-key '%s <%s@example.org>' rsa2048 %s never", who, who,
                cases[i][1]);
        if (strcmp(cases[i][1], "cert") == 0)
            gpg_shell(&gpg,
                      GPG "--passphrase '' --quick-add-key $(" GPG
                          "--with-colons -k %s | sed -n 's/^fpr:*\\([^:]*\\):/\\1/p' | head -1) "
                          "rsa2048 sign never",
                      who);
        (void)snprintf(file, sizeof(file), "%s.pub", who);
        gpg_export(&gpg, who);
        gpg_load(&gpg, file, f->ring);
        sign(f, "-u %s@example.org --output signed --sign data", who);
        assert_ok(verify(f), f->err);
        gpg_shell(&gpg,
                  "printf '%s' | gpg --yes --no-tty --expert --pinentry-mode loopback "
                  "--passphrase '' --command-fd 0 --edit-key %s@example.org",
                  cases[i][2], who);
        gpg_export(&gpg, who);
        gpg_load(&gpg, file, f->ring);
        assert_fails(verify(f), f->err, COCO_ERR_VERIFY, "not for signing");
        assert_int_equal(f->payload.len, 0);
    }
}

static void
weak_digests_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const weak[] = {"SHA1", "RIPEMD160"};

    for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
        sign(f,
             "--allow-weak-digest-algos --digest-algo %s -u alice@example.org -z 0 "
             "--output signed --sign data",
             weak[i]);
        assert_refused(f, verify(f), COCO_ERR_VERIFY, "which is weak");
    }
}

/* ---- what is no message that is signed in itself ---- */

static void
messages_of_other_kinds_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const other[] = {
        "--output signed --clear-sign data",
        "--output signed --detach-sign data",
        "--output signed --store data",
        "-r alice@example.org --output signed --sign --encrypt data",
        "-r alice@example.org --output signed --encrypt data",
        "-z 0 -u alice@example.org -u bob@example.org --output signed --sign data",
        "--export alice@example.org >signed",
        "--export-secret-keys --armor alice@example.org >signed",
    };

    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        sign(f, "%s", other[i]);
        coco_status status = verify(f);
        if (status != COCO_ERR_PROTO && status != COCO_ERR_VERIFY)
            fail_msg("%s: %s", other[i], coco_status_name(status));
        assert_refused(f, status, status, "");
    }
}

/* By compression, so that the frame does not show it. */
static void
two_signatures_are_refused_though_both_hold(void **state)
{
    struct fixture *f = *state;

    sign(f, "-u alice@example.org -u bob@example.org --output signed --sign data");
    assert_refused(f, verify(f), COCO_ERR_VERIFY, "2 signatures");
}

/* Appends what a packet of compression, by a block of Deflate that compresses nothing, holds. */
static void
compress(struct coco_buf *to, const struct coco_buf *inside)
{
    uint8_t head[] = {0xa3, 1, 1, 0, 0, 0, 0};
    coco_error *err = NULL;

    assert_true(inside->len < 65536);
    head[3] = (uint8_t)inside->len;
    head[4] = (uint8_t)(inside->len >> 8);
    head[5] = (uint8_t)~head[3];
    head[6] = (uint8_t)~head[4];
    coco_buf_reset(to);
    assert_ok(coco_buf_append(to, head, sizeof(head), &err), err);
    assert_ok(coco_buf_append(to, inside->data, inside->len, &err), err);
}

/* What is not signed beside what is: before, behind, around it; and twice what is. */
static void
nothing_that_is_not_signed_comes_along(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf good = {.limit = 1 << 16};
    _cleanup_buf_ struct coco_buf plain = {.limit = 1 << 16};
    _cleanup_buf_ struct coco_buf both = {.limit = 1 << 16};

    gpg_run(&gpg, "-z 0 -u alice@example.org --output good --sign data");
    gpg_run(&gpg, "-z 0 --output plain --store log");
    gpg_read(&gpg, "good", &good);
    gpg_read(&gpg, "plain", &plain);
    compress(&f->message, &good);
    assert_ok(verify(f), f->err);
    for (unsigned i = 0; i < 6; i++) {
        const struct coco_buf *first = i % 3 == 0 ? &plain : &good;
        const struct coco_buf *second = i % 3 == 1 ? &plain : &good;

        coco_buf_reset(&both);
        assert_ok(coco_buf_append(&both, first->data, first->len, &f->err), f->err);
        assert_ok(coco_buf_append(&both, second->data, second->len, &f->err), f->err);
        if (i < 3) {
            coco_buf_reset(&f->message);
            assert_ok(coco_buf_append(&f->message, both.data, both.len, &f->err), f->err);
        } else {
            compress(&f->message, &both);
        }
        coco_status status = verify(f);
        /* Within compression RNP reads no more than the first message. */
        if (status == COCO_OK && i >= 3 && first == &good)
            assert_string_equal(coco_buf_text(&f->payload), DATA);
        else
            assert_refused(f, status, status == COCO_OK ? COCO_ERR_VERIFY : status, "");
    }
}

static void
no_changed_bit_is_believed(void **state)
{
    struct fixture *f = *state;

    sign(f, "-z 0 -u bob@example.org --output signed --sign data");
    for (size_t i = 0; i < f->message.len; i++) {
        f->message.data[i] ^= (uint8_t)(1 << i % 8);
        /* What is not signed of it: name and time of the file, hints about the signer. */
        if (verify(f) == COCO_OK && strcmp(coco_buf_text(&f->payload), DATA) != 0)
            fail_msg("byte %zu", i);
        coco_error_free(f->err);
        f->err = NULL;
        f->message.data[i] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t len = 0; len < f->message.len; len++) {
        size_t all = f->message.len;

        f->message.len = len;
        assert_fails(verify(f), f->err, COCO_ERR_PROTO, "");
        f->message.len = all;
    }
}

static void
what_is_too_much_is_not_read(void **state)
{
    struct fixture *f = *state;

    gpg_shell(&gpg, "head -c 1000000 /dev/zero >zeros");
    sign(f, "-u alice@example.org --output signed --sign zeros");
    assert_true(f->message.len < 65536);
    assert_refused(f, verify(f), COCO_ERR_LIMIT, "more than is read");
    f->payload.limit = 0;
    assert_refused(f, verify(f), COCO_ERR_LIMIT, "more than is read");
    f->payload.limit = strlen(DATA);
    sign(f, "-u alice@example.org --output signed --sign data");
    assert_ok(verify(f), f->err);
    f->payload.limit = strlen(DATA) - 1;
    assert_refused(f, verify(f), COCO_ERR_LIMIT, "more than is read");
    assert_fails(coco_pgp_verify(f->ring, "", COCO_PGP_MESSAGE_MAX + 1, 0, &f->payload,
                                 &f->signature, &f->err),
                 f->err, COCO_ERR_LIMIT, "4194304");
}

/* ---- signing ---- */

static void
sign_by(struct fixture *f, struct coco_pgp_ring *ring, const char *who)
{
    coco_buf_reset(&f->message);
    assert_ok(coco_pgp_sign(ring, who, DATA, strlen(DATA), &f->message, &f->err), f->err);
}

static void
gpg_and_we_verify_what_we_sign(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"alice", "bob", "carol"};

    for (size_t i = 0; i < 3; i++) {
        _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *ring = NULL;
        char file[16];

        (void)snprintf(file, sizeof(file), "%s.sec", names[i]);
        assert_ok(coco_pgp_ring_new(&ring, &f->err), f->err);
        gpg_load(&gpg, file, ring);
        sign_by(f, ring, NULL);
        assert_ok(verify(f), f->err);
        assert_string_equal(coco_buf_text(&f->payload), DATA);
        gpg_write(&gpg, "ours", f->message.data, f->message.len);
        gpg_run(&gpg, "--output back --decrypt ours && cmp back data");
    }
}

static void
the_key_that_signs_is_named(void **state)
{
    struct fixture *f = *state;

    assert_fails(coco_pgp_sign(f->ring, NULL, "x", 1, &f->message, &f->err), f->err,
                 COCO_ERR_NOTFOUND, "no secret key");
    gpg_load(&gpg, "alice.sec", f->ring);
    gpg_load(&gpg, "bob.sec", f->ring);
    assert_fails(coco_pgp_sign(f->ring, NULL, "x", 1, &f->message, &f->err), f->err,
                 COCO_ERR_INVALID, "2 secret keys");
    assert_fails(coco_pgp_sign(f->ring, "carol@example.org", "x", 1, &f->message, &f->err), f->err,
                 COCO_ERR_NOTFOUND, "carol@example.org");
    sign_by(f, f->ring, "bob@example.org");
    assert_ok(verify(f), f->err);
    sign_by(f, f->ring, f->signature.primary);
    sign_by(f, f->ring, "Alice");
    assert_ok(verify(f), f->err);
    gpg_load(&gpg, "dave.sec", f->ring);
    assert_fails(coco_pgp_sign(f->ring, "dave@example.org", "x", 1, &f->message, &f->err), f->err,
                 COCO_ERR_DENIED, "expired");
    assert_fails(
        coco_pgp_sign(f->ring, "Alice", "", COCO_PGP_MESSAGE_MAX + 1, &f->message, &f->err), f->err,
        COCO_ERR_LIMIT, "4194304");
}

static void
a_password_opens_the_key(void **state)
{
    struct fixture *f = *state;

    gpg_load(&gpg, "eve.sec", f->ring);
    assert_fails(coco_pgp_sign(f->ring, NULL, "x", 1, &f->message, &f->err), f->err,
                 COCO_ERR_DENIED, "no password");
    assert_ok(coco_pgp_ring_add_password(f->ring, "wrong", 5, &f->err), f->err);
    assert_fails(coco_pgp_sign(f->ring, NULL, "x", 1, &f->message, &f->err), f->err,
                 COCO_ERR_DENIED, "no password");
    assert_ok(coco_pgp_ring_add_password(f->ring, GPG_PASSWORD, strlen(GPG_PASSWORD), &f->err),
              f->err);
    sign_by(f, f->ring, NULL);
    assert_ok(verify(f), f->err);
}

static void
everything_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    gpg_load(&gpg, "bob.sec", f->ring);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf message = {.limit = 1 << 16};
        _cleanup_buf_ struct coco_buf payload = {.limit = 1 << 16};
        struct coco_pgp_signature signature;
        coco_error *err = NULL;

        coco_status status = coco_pgp_sign(f->ring, NULL, DATA, strlen(DATA), &message, &err);
        if (status == COCO_OK)
            status =
                coco_pgp_verify(f->ring, message.data, message.len, 0, &payload, &signature, &err);
        fault_expect(status, err);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_gpg_signs_is_verified),
        test(a_subkey_signs_for_its_key),
        test(what_others_sign_is_refused),
        test(keys_and_signatures_that_have_expired_are_refused),
        test(the_time_is_what_is_told),
        test(clocks_may_differ_a_little),
        test(keys_that_are_revoked_are_refused),
        test(keys_that_are_not_for_signing_are_refused),
        test(weak_digests_are_refused),
        test(messages_of_other_kinds_are_refused),
        test(two_signatures_are_refused_though_both_hold),
        test(nothing_that_is_not_signed_comes_along),
        test(no_changed_bit_is_believed),
        test(what_is_too_much_is_not_read),
        test(gpg_and_we_verify_what_we_sign),
        test(the_key_that_signs_is_named),
        test(a_password_opens_the_key),
        test(everything_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, begin, gpg_tear_down);
}
