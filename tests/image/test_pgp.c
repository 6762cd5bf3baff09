/*
 * tests/image/test_pgp.c - lib/image/pgp.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/pgp.h"

#include "image/keys.h"
#include "tests/canary.h"
#include "tests/crypto/gpgkit.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <string.h>

struct fixture {
    coco_image_client *client;
    struct coco_buf buf;
    coco_error *err;
};

static int
set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.buf = {.limit = 1 << 20}};
    assert_ok(coco_image_client_new(&fixture.client, &fixture.err), fixture.err);
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    coco_image_client_free(f->client);
    coco_buf_done(&f->buf);
    return 0;
}

static void
add(struct fixture *f, const char *file)
{
    gpg_read(&gpg, file, &f->buf);
    assert_ok(coco_image_client_add_pgp_keys(f->client, f->buf.data, f->buf.len, &f->err), f->err);
}

static void
secret_keys_open_and_public_ones_do_not(void **state)
{
    struct fixture *f = *state;
    struct coco_client_openers openers;

    add(f, "alice.pub");
    coco_client_openers(f->client, &openers);
    assert_int_equal(openers.n, 0);
    add(f, "bob.sec");
    add(f, "carol.pub");
    coco_client_openers(f->client, &openers);
    assert_int_equal(openers.n, 1);
    assert_string_equal(openers.list[0].scheme, "pgp");
}

static void
recipients_need_keys_that_are_good(void **state)
{
    struct fixture *f = *state;
    struct coco_client_recipients to;

    assert_fails(coco_image_client_add_pgp_recipient(f->client, "Alice", &f->err), f->err,
                 COCO_ERR_NOTFOUND, "Alice");
    add(f, "alice.pub");
    add(f, "dave.pub");
    assert_fails(coco_image_client_add_pgp_recipient(f->client, "Bob", &f->err), f->err,
                 COCO_ERR_NOTFOUND, "Bob");
    assert_fails(coco_image_client_add_pgp_recipient(f->client, "Dave", &f->err), f->err,
                 COCO_ERR_DENIED, "expired");
    coco_client_recipients(f->client, &to);
    assert_int_equal(to.n, 0);
    for (size_t i = 0; i < COCO_PGP_RECIPIENTS_MAX; i++)
        assert_ok(coco_image_client_add_pgp_recipient(f->client, "Alice", &f->err), f->err);
    assert_fails(coco_image_client_add_pgp_recipient(f->client, "Alice", &f->err), f->err,
                 COCO_ERR_LIMIT, "16");
    coco_client_recipients(f->client, &to);
    assert_int_equal(to.n, 1);
    assert_string_equal(to.list[0].scheme, "pgp");
}

/* Whether a password comes before the keys or after them. */
static void
passwords_open_keys_that_are_there_or_will_be(void **state)
{
    struct fixture *f = *state;
    const uint8_t *password = (const uint8_t *)GPG_PASSWORD;

    for (unsigned first = 0; first < 2; first++) {
        struct coco_client_openers openers;
        struct coco_client_recipients to;
        _cleanup_buf_ struct coco_buf options = {.limit = 64};
        _cleanup_buf_ struct coco_buf blob = {.limit = COCO_BLOB_MAX};
        _cleanup_secret_ struct coco_secret back = {0};

        coco_image_client_free(f->client);
        assert_ok(coco_image_client_new(&f->client, &f->err), f->err);
        if (first)
            assert_ok(
                coco_image_client_add_password(f->client, password, strlen(GPG_PASSWORD), &f->err),
                f->err);
        add(f, "eve.sec");
        if (!first)
            assert_ok(
                coco_image_client_add_password(f->client, password, strlen(GPG_PASSWORD), &f->err),
                f->err);
        assert_ok(coco_image_client_add_pgp_recipient(f->client, "Eve", &f->err), f->err);
        coco_client_recipients(f->client, &to);
        coco_client_openers(f->client, &openers);
        assert_ok(coco_buf_append_text(&options, "options", &f->err), f->err);
        assert_ok(to.list[0].wrap(to.list[0].self, NULL, &options, &blob, &f->err), f->err);
        assert_ok(openers.list[0].unwrap(openers.list[0].self, NULL, &blob, &back, &f->err),
                  f->err);
        assert_true(coco_secret_equal(&back, "options", 7));
    }
}

static void
what_is_no_key_is_refused(void **state)
{
    struct fixture *f = *state;
    static const uint8_t text[] = "no key";

    assert_fails(coco_image_client_add_pgp_keys(f->client, text, 0, &f->err), f->err,
                 COCO_ERR_PROTO, "no keys of OpenPGP");
    assert_fails(coco_image_client_add_pgp_keys(f->client, text, sizeof(text) - 1, &f->err), f->err,
                 COCO_ERR_PROTO, "no keys of OpenPGP");
    assert_fails(coco_image_client_add_pgp_keys(f->client, text, COCO_PGP_KEYS_MAX + 1, &f->err),
                 f->err, COCO_ERR_LIMIT, "4194304");
}

static void
adding_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    gpg_read(&gpg, "bob.sec", &f->buf);
    for_each_fault()
    {
        coco_image_client *client = NULL;
        coco_error *err = NULL;

        coco_status status = coco_image_client_new(&client, &err);
        if (status == COCO_OK)
            status = coco_image_client_add_password(client, (const uint8_t *)"x", 1, &err);
        if (status == COCO_OK)
            status = coco_image_client_add_pgp_keys(client, f->buf.data, f->buf.len, &err);
        if (status == COCO_OK)
            status = coco_image_client_add_password(client, (const uint8_t *)"y", 1, &err);
        if (status == COCO_OK)
            status = coco_image_client_add_pgp_recipient(client, "Bob", &err);
        fault_expect(status, err);
        coco_image_client_free(client);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(secret_keys_open_and_public_ones_do_not),
        TEST(recipients_need_keys_that_are_good),
        TEST(passwords_open_keys_that_are_there_or_will_be),
        TEST(what_is_no_key_is_refused),
        TEST(adding_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, gpg_set_up, gpg_tear_down);
}
