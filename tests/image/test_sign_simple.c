/*
 * tests/image/test_sign_simple.c - lib/image/sign_simple.c, with a real registry and GnuPG's keys
 *
 * What skopeo makes of it is in tests/cli/test_simple_signing.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/client.h"

#include "base/bytes.h"
#include "tests/canary.h"
#include "tests/crypto/gpgkit.h"
#include "tests/registry.h"

#include "signing.h"

#include <errno.h>
#include <unistd.h>

struct place {
    struct registry registry;
    char name[128];
};

/* An image in a registry, and a lookaside for it. */
static void
begin_place(struct fixture *f, struct place *p)
{
    char yaml[256];

    *p = (struct place){0};
    registry_start(&p->registry, f->dir, "", "");
    (void)snprintf(p->name, sizeof(p->name), "%s/acme/app:1", p->registry.host);
    assert_ok(copy(f, coco_image_push, "oci:%/plain", p->name, NULL), f->err);
    (void)snprintf(yaml, sizeof(yaml),
                   "default-docker:\n  lookaside: https://a.test/s\n"
                   "  lookaside-staging: file://%s/s\n",
                   f->dir);
    assert_ok(
        coco_image_client_add_lookaside(f->client, (const uint8_t *)yaml, strlen(yaml), &f->err),
        f->err);
}

static void
add_keys(struct fixture *f, const char *file)
{
    _cleanup_buf_ struct coco_buf keys = {.limit = 1 << 20};

    gpg_read(&gpg, file, &keys);
    assert_ok(coco_image_client_add_pgp_keys(f->client, keys.data, keys.len, &f->err), f->err);
}

/* What it comes to, and the number of the signature's file. */
static coco_status
sign(struct fixture *f, const char *name, const char *who, bool *already, int *n)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, name);
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_json_ cJSON *told = NULL;
    const char *where = NULL;

    coco_status status = coco_image_sign_pgp(f->client, f->ctx, ref, who, &bytes, &f->err);
    if (status != COCO_OK)
        return status;
    assert_ok(coco_json_parse((const char *)coco_bytes_data(bytes), coco_bytes_size(bytes), &told,
                              &f->err),
              f->err);
    *already = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(told, "already"));
    where = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(told, "signature"));
    assert_non_null(where);
    assert_int_equal(strncmp(where, "file://", 7), 0);
    assert_int_equal(access(where + 7, R_OK), 0);
    *n = (int)strtol(strrchr(where, '-') + 1, NULL, 10);
    return COCO_OK;
}

static void
each_key_signs_once(void **state)
{
    struct fixture *f = *state;
    struct place p;
    bool already = true;
    int n = 0;

    begin_place(f, &p);
    add_keys(f, "alice.sec");
    assert_ok(sign(f, p.name, NULL, &already, &n), f->err);
    assert_false(already);
    assert_int_equal(n, 1);
    add_keys(f, "carol.sec"); /* whose subkey signs */
    assert_ok(sign(f, p.name, "carol@example.org", &already, &n), f->err);
    assert_false(already);
    assert_int_equal(n, 2);
    assert_ok(sign(f, p.name, "alice@example.org", &already, &n), f->err);
    assert_true(already);
    assert_int_equal(n, 1);
    assert_ok(sign(f, p.name, "Carol", &already, &n), f->err);
    assert_true(already);
    assert_int_equal(n, 2);
    registry_stop(&p.registry);
}

/* The name is signed, too. */
static void
another_tag_is_another_signature(void **state)
{
    struct fixture *f = *state;
    struct place p;
    char other[256];
    bool already = true;
    int n = 0;

    begin_place(f, &p);
    add_keys(f, "alice.sec");
    assert_ok(sign(f, p.name, NULL, &already, &n), f->err);
    (void)snprintf(other, sizeof(other), "%s/acme/app@%s", p.registry.host,
                   coco_image_digest(f->image));
    assert_ok(sign(f, other, NULL, &already, &n), f->err);
    assert_false(already);
    assert_int_equal(n, 2);
    (void)snprintf(other, sizeof(other), "%s/acme/app:2", p.registry.host);
    assert_ok(copy(f, coco_image_push, "oci:%/plain", other, NULL), f->err);
    assert_ok(sign(f, other, NULL, &already, &n), f->err);
    assert_false(already);
    assert_int_equal(n, 3);
    registry_stop(&p.registry);
}

static void
what_cannot_sign_is_refused(void **state)
{
    struct fixture *f = *state;
    struct place p;
    bool already = false;
    char other[256];
    int n = 0;

    assert_fails(sign(f, "a.test/x:1", NULL, &already, &n), f->err, COCO_ERR_NOTFOUND, "no keys");
    begin_place(f, &p);
    add_keys(f, "alice.pub");
    assert_fails(sign(f, p.name, NULL, &already, &n), f->err, COCO_ERR_NOTFOUND, "no secret key");
    add_keys(f, "dave.sec"); /* which has expired */
    assert_fails(sign(f, p.name, NULL, &already, &n), f->err, COCO_ERR_DENIED, "expired");
    add_keys(f, "eve.sec"); /* which is under a password */
    assert_fails(sign(f, p.name, "eve@example.org", &already, &n), f->err, COCO_ERR_DENIED,
                 "password");
    add_keys(f, "bob.sec");
    assert_fails(sign(f, p.name, NULL, &already, &n), f->err, COCO_ERR_INVALID, "could sign");
    (void)snprintf(other, sizeof(other), "%s2", p.name);
    assert_fails(sign(f, other, "Bob (at work)", &already, &n), f->err, COCO_ERR_NOTFOUND, "");
    assert_fails(sign(f, "oci:%/plain", "bob@example.org", &already, &n), f->err, COCO_ERR_NOTSUP,
                 "in registries");
    coco_lookasides_done(&f->client->lookasides);
    assert_fails(sign(f, p.name, "bob@example.org", &already, &n), f->err, COCO_ERR_INVALID,
                 "lookaside-staging");
    registry_stop(&p.registry);
}

static void
a_password_opens_the_key(void **state)
{
    struct fixture *f = *state;
    struct place p;
    static const char password[] = GPG_PASSWORD;
    bool already = true;
    int n = 0;

    begin_place(f, &p);
    add_keys(f, "eve.sec");
    assert_ok(coco_image_client_add_password(f->client, (const uint8_t *)password, strlen(password),
                                             &f->err),
              f->err);
    canary_begin(password, strlen(password));
    assert_ok(sign(f, p.name, NULL, &already, &n), f->err);
    assert_int_equal(canary_end(), 0);
    assert_false(already);
    registry_stop(&p.registry);
}

/* Others may write there, too: what is no signature of this key is passed over. */
static void
what_others_left_there_is_passed_over(void **state)
{
    static const char *const junk[] = {"\xa3junk", "\0simple-signing\nx"};
    struct fixture *f = *state;
    struct place p;
    char path[512];
    bool already = true;
    int n = 0;

    begin_place(f, &p);
    add_keys(f, "alice.sec");
    (void)snprintf(path, sizeof(path), "mkdir -p '%s/s/acme/app@sha256=%s'", f->dir,
                   coco_image_digest(f->image) + 7);
    assert_int_equal(system(path), 0); /* NOLINT(cert-env33-c): the line is ours */
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/s/acme/app@sha256=%s/signature-%u", f->dir,
                       coco_image_digest(f->image) + 7, i + 1);
        assert_ok(coco_file_write(path, junk[i], i == 0 ? 5 : 17, 0644, &f->err), f->err);
    }
    coco_status status = sign(f, p.name, NULL, &already, &n);
    assert_ok(status, f->err);
    assert_int_equal(n, 3);
    registry_stop(&p.registry);
}

/* Of a message that is dropped a part may have been lost: nothing else may be different then. */
static void
signing_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    struct place p;
    char path[512];

    begin_place(f, &p);
    add_keys(f, "alice.sec");
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, p.name);
    (void)snprintf(path, sizeof(path), "%s/s/acme/app@sha256=%s/signature-1", f->dir,
                   coco_image_digest(f->image) + 7);
    for_each_fault()
    {
        _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

        coco_status status = coco_image_sign_pgp(f->client, f->ctx, ref, NULL, &bytes, &f->err);
        assert_int_equal(coco_error_status(f->err), status);
        coco_error_free(f->err);
        f->err = NULL;
        if (status != COCO_OK)
            assert_int_equal(status, COCO_ERR_NOMEM);
        else
            assert_non_null(memmem(coco_bytes_data(bytes), coco_bytes_size(bytes),
                                   "signature-1\",\"already\":false}", 29));
        assert_true(unlink(path) == 0 || errno == ENOENT);
    }
    registry_stop(&p.registry);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_key_signs_once),
        TEST(another_tag_is_another_signature),
        TEST(what_cannot_sign_is_refused),
        TEST(a_password_opens_the_key),
        TEST(what_others_left_there_is_passed_over),
        TEST(signing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/sign_simple", tests, gpg_set_up, gpg_tear_down);
}
