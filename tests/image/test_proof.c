/*
 * tests/image/test_proof.c - lib/image/proof.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/proof.h"

#include "image/keys.h"

#include "tests/faults.h"
#include "tests/layout.h"

#include "copying.h"

#include <stdio.h>
#include <string.h>

#define KEK "0123456789abcdef0123456789abcdef"

/* What encryption has done, told anew: the image in the layout, and the key of its layer. */
struct told {
    struct coco_transfer t;
    coco_image_ref *to;
    struct coco_digest digest;
    struct coco_proof proof;
};

static void
told_done(struct told *told)
{
    coco_layer_key_done(&told->proof.key);
    coco_image_ref_free(told->to);
}

/* Encrypts, and reads from what there is then which key it was. */
static void
encrypt(struct fixture *f, struct told *told)
{
    struct coco_client_openers openers;
    const coco_image_options opts = {.size = sizeof(opts), .flags = COCO_IMAGE_UNPROVED};
    const cJSON *layers = NULL;
    const cJSON *annotations = NULL;
    char text[128];

    *told = (struct told){.t = {.client = f->client, .ctx = f->ctx}, .proof = {.encrypted = true}};
    assert_ok(copy(f, coco_image_encrypt, "oci:%/plain", "oci:%/sealed:v1", &opts), f->err);
    told->digest = f->image->digest;
    assert_ok(coco_image_options_set(&told->t.opts, &opts, COCO_IMAGE_UNPROVED, &f->err), f->err);
    (void)snprintf(text, sizeof(text), "oci:%s/sealed:v1", f->dir);
    assert_ok(coco_image_ref_parse(text, &told->to, &f->err), f->err);
    _cleanup_json_ cJSON *manifest = layout_read_manifest(f->dir, "sealed");
    assert_ok(coco_json_get_array(manifest, "layers", &layers, &f->err), f->err);
    assert_ok(coco_json_get_object(layers->child, "annotations", &annotations, &f->err), f->err);
    coco_client_own_openers(f->client, &openers);
    assert_ok(coco_annotations_open(annotations, openers.list, openers.n, f->ctx, &told->proof.key,
                                    &f->err),
              f->err);
}

static void
add_pair(struct fixture *f, const char *name)
{
    char path[128];
    size_t len = 0;

    add_recipient(f, COCO_KEY_P256, name);
    (void)snprintf(path, sizeof(path), "%s/%s.pem", f->dir, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    uint8_t pem[4096];
    len = fread(pem, 1, sizeof(pem), file);
    assert_int_equal(fclose(file), 0);
    assert_ok(coco_image_client_add_key(f->client, pem, len, &f->err), f->err);
}

static coco_status
check(struct fixture *f, const struct told *told)
{
    return coco_proof_check(&told->t, told->to, &told->digest, &told->proof, 1, &f->err);
}

static void
what_was_encrypted_is_proved(void **state)
{
    struct fixture *f = *state;
    _cleanup_(told_done) struct told told;

    add_pair(f, "ec");
    encrypt(f, &told);
    assert_ok(check(f, &told), f->err);
}

/* Also without a key that opens it: it is enough to have encrypted it. */
static void
it_takes_no_key_of_the_recipients(void **state)
{
    struct fixture *f = *state;
    _cleanup_(told_done) struct told told;
    coco_image_client *other = NULL;

    add_pair(f, "ec");
    encrypt(f, &told);
    assert_ok(coco_image_client_new(&other, &f->err), f->err);
    told.t.client = other;
    assert_ok(check(f, &told), f->err);
    coco_image_client_free(other);
}

static void
what_opens_to_another_key_is_no_proof(void **state)
{
    struct fixture *f = *state;
    _cleanup_(told_done) struct told told;

    add_pair(f, "ec");
    encrypt(f, &told);
    told.proof.key.key.data[0] ^= 1;
    assert_fails(check(f, &told), f->err, COCO_ERR_VERIFY,
                 "read again: layer 0: its recipients have another key");
    told.proof.key.key.data[0] ^= 1;
    told.proof.key.mac[31] ^= 1;
    assert_fails(check(f, &told), f->err, COCO_ERR_VERIFY, "another key");
}

/* A broker's key is at hand, for it was made here. */
static void
what_is_wrapped_for_a_broker_is_opened_by_the_key_that_was_made(void **state)
{
    struct fixture *f = *state;
    _cleanup_(told_done) struct told told;

    add_pair(f, "ec");
    assert_ok(coco_image_client_add_kbs_recipient(f->client, "kbs:///a/b/c", (const uint8_t *)KEK,
                                                  32, &f->err),
              f->err);
    encrypt(f, &told);
    assert_ok(check(f, &told), f->err);
    f->client->n_keys = 0;
    told.proof.key.key.data[0] ^= 1;
    assert_fails(check(f, &told), f->err, COCO_ERR_VERIFY, "another key");
    f->client->n_keys = 1;
}

static void
other_images_are_no_proof(void **state)
{
    struct fixture *f = *state;
    _cleanup_(told_done) struct told told;
    struct coco_proof two[2] = {{.encrypted = true}};

    add_pair(f, "ec");
    encrypt(f, &told);
    assert_fails(coco_proof_check(&told.t, told.to, &told.digest, two, 2, &f->err), f->err,
                 COCO_ERR_VERIFY, "it has 1 layers, not 2");
    told.digest.bytes[0] ^= 1;
    assert_fails(check(f, &told), f->err, COCO_ERR_NOTFOUND, "read again");
    told.digest.bytes[0] ^= 1;
    /* The plain one in its place. */
    assert_ok(copy(f, coco_image_push, "oci:%/plain", "oci:%/sealed:v1", NULL), f->err);
    told.digest = f->image->digest;
    assert_fails(check(f, &told), f->err, COCO_ERR_VERIFY, "layer 0: it is not encrypted");
}

static void
a_layer_that_is_changed_is_no_proof(void **state)
{
    struct fixture *f = *state;
    _cleanup_(told_done) struct told told;
    _cleanup_json_ cJSON *manifest = NULL;
    const cJSON *layers = NULL;
    const char *digest = NULL;
    char path[256];

    add_pair(f, "ec");
    encrypt(f, &told);
    manifest = layout_read_manifest(f->dir, "sealed");
    assert_ok(coco_json_get_array(manifest, "layers", &layers, &f->err), f->err);
    assert_ok(coco_json_get_string(layers->child, "digest", &digest, &f->err), f->err);
    (void)snprintf(path, sizeof(path), "%s/sealed/blobs/sha256/%s", f->dir,
                   digest + strlen("sha256:"));
    FILE *file = fopen(path, "r+e");
    assert_non_null(file);
    assert_int_equal(fputc('x', file), 'x');
    assert_int_equal(fclose(file), 0);
    assert_fails(check(f, &told), f->err, COCO_ERR_VERIFY, "layer 0");
}

static void
checking_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    _cleanup_(told_done) struct told told;

    add_pair(f, "ec");
    encrypt(f, &told);
    for_each_fault()
    {
        coco_error *err = NULL;

        coco_status status = coco_proof_check(&told.t, told.to, &told.digest, &told.proof, 1, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_encrypted_is_proved),
        TEST(it_takes_no_key_of_the_recipients),
        TEST(what_opens_to_another_key_is_no_proof),
        TEST(what_is_wrapped_for_a_broker_is_opened_by_the_key_that_was_made),
        TEST(other_images_are_no_proof),
        TEST(a_layer_that_is_changed_is_no_proof),
        TEST(checking_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
