/*
 * tests/image/test_push.c - lib/image/push.c, with layouts, a real registry and skopeo
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/client.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"
#include "tests/httpd.h"
#include "tests/layout.h"
#include "tests/registry.h"
#include "tests/uploads.h"

#include "copying.h"

#include <coco/attester.h>
#include <coco/kbc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
push_copies_a_layout_as_it_is(void **state)
{
    struct fixture *f = *state;
    const char *digest = NULL;

    assert_ok(copy(f, coco_image_push, "oci:%/plain", "oci:%/copy:v1", NULL), f->err);
    assert_int_equal(coco_image_layer_count(f->image), 1);
    assert_true(coco_image_bytes_read(f->image) > LAYER_SIZE);
    assert_layer(f, "copy", f->layer, true);
    digest = coco_image_digest(f->image);
    assert_int_equal(strncmp(digest, "sha256:", 7), 0);

    /* Once more, and nothing needs to be sent. */
    assert_ok(copy(f, coco_image_push, "oci:%/plain", "oci:%/copy:v1", NULL), f->err);
    assert_int_equal(coco_image_bytes_read(f->image), 0);
}

static void
push_to_a_registry_and_back(void **state)
{
    struct fixture *f = *state;
    struct registry registry = {0};
    char name[256];

    registry_start(&registry, f->dir, "", "");
    (void)snprintf(name, sizeof(name), "%s/acme/app:1", registry.host);
    assert_ok(copy(f, coco_image_push, "oci:%/plain", name, NULL), f->err);
    assert_true(coco_image_bytes_written(f->image) > LAYER_SIZE);
    assert_ok(copy(f, coco_image_push, "oci:%/plain", name, NULL), f->err);
    assert_int_equal(coco_image_bytes_written(f->image), 0);
    assert_ok(copy(f, coco_image_push, name, "oci:%/back:1", NULL), f->err);
    (void)snprintf(name, sizeof(name), "%s/acme/app@%s", registry.host,
                   coco_image_digest(f->image));
    assert_ok(copy(f, coco_image_push, name, "oci:%/pinned:1", NULL), f->err);
    (void)snprintf(name, sizeof(name), "%s/acme/app:2", registry.host);
    coco_status missing = copy(f, coco_image_push, name, "oci:%/none", NULL);
    registry_stop(&registry);
    assert_fails(missing, f->err, COCO_ERR_NOTFOUND, "MANIFEST_UNKNOWN");
    assert_no_file(f->dir, "none");
    assert_layer(f, "back", f->layer, true);
    assert_layer(f, "pinned", f->layer, true);
}

static void
push_refuses(void **state)
{
    static const char other[] =
        "oci:%/x@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    struct fixture *f = *state;
    coco_image_options opts = {.size = sizeof(opts), .max_bytes = LAYER_SIZE - 1};

    assert_fails(copy(f, coco_image_push, "oci:%/plain", "oci:%/x", &opts), f->err, COCO_ERR_LIMIT,
                 "layers of more than");
    opts = (coco_image_options){.size = sizeof(opts), .flags = 1};
    assert_fails(copy(f, coco_image_push, "oci:%/plain", "oci:%/x", &opts), f->err, COCO_ERR_NOTSUP,
                 "flags");
    assert_fails(copy(f, coco_image_push, "oci:%/plain", other, NULL), f->err, COCO_ERR_INVALID,
                 "does not have the digest");
    assert_fails(copy(f, coco_image_push, "oci:%/plain:v9", "oci:%/x", NULL), f->err,
                 COCO_ERR_NOTFOUND, "v9");
    opts = (coco_image_options){.size = sizeof(opts), .retries = UINT32_MAX};
    assert_fails(copy(f, coco_image_push, "127.0.0.1:1/a:1", "oci:%/x", &opts), f->err,
                 COCO_ERR_NET, "127.0.0.1");
    coco_image_client_set_plain_http(f->client, false);
    assert_fails(copy(f, coco_image_push, "127.0.0.1:1/a:1", "oci:%/x", &opts), f->err,
                 COCO_ERR_NET, "https://127.0.0.1");
    coco_ctx_cancel(f->ctx);
    assert_fails(copy(f, coco_image_push, "oci:%/plain", "oci:%/x", NULL), f->err,
                 COCO_ERR_CANCELED, "canceled");
    assert_no_file(f->dir, "x");
}

/* A layer that is not what the manifest says must not appear at the other end. */
static void
push_and_encrypt_refuse_a_tampered_layer(void **state)
{
    static copy_image *const hows[] = {coco_image_push, coco_image_encrypt};
    struct fixture *f = *state;
    char path[512];
    char digest[COCO_DIGEST_TEXT_SIZE];
    struct coco_digest of = {0};

    add_recipient(f, COCO_KEY_P256, "ec");
    assert_ok(coco_digest_of(COCO_SHA256, f->layer, LAYER_SIZE, &of, &f->err), f->err);
    coco_digest_format(&of, digest);
    (void)snprintf(path, sizeof(path), "%s/plain/blobs/sha256/%s", f->dir, strchr(digest, ':') + 1);
    for (size_t extra = 0; extra < 3; extra++) {
        f->layer[LAYER_SIZE / 2] ^= extra == 0;
        assert_ok(coco_file_write(path, f->layer, LAYER_SIZE - (extra == 1), 0600, &f->err),
                  f->err);
        f->layer[LAYER_SIZE / 2] ^= extra == 0;
        if (extra == 2)
            assert_ok(coco_file_write(path, f->layer, 0, 0600, &f->err), f->err);
        for (size_t i = 0; i < COUNT(hows); i++) {
            char to[64];

            (void)snprintf(to, sizeof(to), "oci:%%/bad%zu%zu", extra, i);
            assert_fails(copy(f, hows[i], "oci:%/plain", to, NULL), f->err, COCO_ERR_VERIFY,
                         "layer 0");
            (void)snprintf(to, sizeof(to), "bad%zu%zu/index.json", extra, i);
            assert_file(f->dir, to,
                        "{\"schemaVersion\":2,\"mediaType\":\"" COCO_MEDIA_OCI_INDEX
                        "\",\"manifests\":[]}");
        }
    }
}

/* A broker that has nothing, and counts who asks. */
static bool
have_nothing(void *user, const struct httpd_request *request)
{
    (void)user;
    return httpd_reply(request->httpd, "404 Not Found", "", "{}");
}

/* The annotations of a layer name the resource; they are the registry's to write. */
static void
a_key_outside_of_the_prefix_is_not_asked_for(void **state)
{
    static const struct {
        const char *prefix;
        bool asks;
    } cases[] = {
        {"kbs:///other/", false},
        {"kbs:///acme/other/", false},
        {"kbs:///acme/ke/", false},
        {"kbs:///acme/key/", true},
        {"kbs:///acme/", true},
        {"kbs:///", true},
        {NULL, true},
    };
    static const char policy[] = "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}";
    static const uint8_t kek[32] = {1};
    struct fixture *f = *state;
    char text[128];

    assert_ok(
        coco_image_client_add_kbs_recipient(f->client, "kbs:///acme/key/app", kek, 32, &f->err),
        f->err);
    assert_ok(copy(f, coco_image_encrypt, "oci:%/plain", "oci:%/out:1", NULL), f->err);
    for (size_t i = 0; i < COUNT(cases); i++) {
        static struct httpd httpd;
        _cleanup_(coco_image_client_freep) coco_image_client *guest = NULL;
        _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
        coco_attester *attester = NULL;
        coco_kbc *kbc = NULL;

        httpd_start(&httpd, have_nothing, NULL, NULL);
        (void)snprintf(text, sizeof(text), "cc_kbc::%s", httpd.url);
        assert_ok(coco_kbc_new(text, &kbc, &f->err), f->err);
        assert_ok(coco_attester_new("sample", &attester, &f->err), f->err);
        assert_ok(coco_kbc_set_attester(kbc, attester, &f->err), f->err);
        assert_ok(coco_image_client_new(&guest, &f->err), f->err);
        assert_ok(coco_image_client_set_platform(guest, "linux/amd64", &f->err), f->err);
        assert_ok(
            coco_image_client_set_policy(guest, (const uint8_t *)policy, strlen(policy), &f->err),
            f->err);
        coco_image_client_set_kbc(guest, kbc);
        coco_image_client_set_require_encryption(guest, true);
        if (cases[i].prefix)
            assert_ok(coco_image_client_set_kek_prefix(guest, cases[i].prefix, &f->err), f->err);
        /* What is no prefix leaves the one that is there. */
        assert_fails(coco_image_client_set_kek_prefix(guest, "kbs:///acme/key", &f->err), f->err,
                     COCO_ERR_INVALID, "'kbs:///acme/key' is not");
        (void)snprintf(text, sizeof(text), "oci:%s/out:1", f->dir);
        assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
        (void)snprintf(text, sizeof(text), "%s/bundle", f->dir);
        coco_status status = coco_image_pull(guest, f->ctx, ref, text, NULL, &f->image, &f->err);
        assert_int_not_equal(status, COCO_OK);
        if (!cases[i].asks)
            assert_contains(coco_error_message(f->err),
                            "layer 0: kbs:///acme/key/app is not under kbs:///");
        assert_int_equal(status == COCO_ERR_DENIED, !cases[i].asks);
        coco_error_free(f->err);
        f->err = NULL;
        httpd_stop(&httpd);
        assert_int_equal(httpd.requests > 0, cases[i].asks);
        coco_kbc_free(kbc);
    }
}

/* Copies to a registry that harms the PATCH of the layer, which is the second one. */
static coco_status
copy_to_faulty(struct fixture *f, copy_image *how, struct uploads *uploads,
               const struct upload_fault *fault, const coco_image_options *opts)
{
    char to[100];

    uploads_start(uploads, fault, f->layer, sizeof(f->layer));
    (void)snprintf(to, sizeof(to), "127.0.0.1:%d/acme/app:1", uploads->httpd.port);
    coco_status status = copy(f, how, "oci:%/plain", to, opts);
    uploads_stop(uploads);
    return status;
}

static void
a_layer_that_was_cut_is_gone_on_with(void **state)
{
    static const struct upload_fault fault = {
        .name = "cut", .stage = ON_PATCH, .harm = CUT, .skip = 1, .had = 100000};
    struct fixture *f = *state;
    struct uploads *uploads = calloc(1, sizeof(*uploads));
    const coco_image_options never = {.size = sizeof(never), .retries = UINT32_MAX};

    assert_non_null(uploads);
    assert_fails(copy_to_faulty(f, coco_image_push, uploads, &fault, &never), f->err, COCO_ERR_NET,
                 "layer 0: ");
    assert_int_equal(uploads->manifests, 0);
    assert_ok(copy_to_faulty(f, coco_image_push, uploads, &fault, NULL), f->err);
    assert_int_equal(uploads->n_patches, 3);
    assert_int_equal(uploads->asked[ON_POST], 2);
    assert_string_equal(uploads->patches[2].range, "100000-299999");
    assert_int_equal(uploads->n_blobs, 2);
    assert_int_equal(uploads->manifests, 1);
    assert_contains(uploads->manifest, uploads->blobs[1]);
    /* Of which no byte counts twice. */
    assert_in_range(coco_image_bytes_written(f->image), LAYER_SIZE, LAYER_SIZE + 1000);
    free(uploads);
}

/*
 * A registry that cuts the connection, and keeps what it got, must not see the same
 * stream of the cipher twice: nothing of the first try is gone on with, and nothing is
 * the same in the second.
 */
static void
an_encrypted_layer_is_begun_again_under_a_fresh_key(void **state)
{
    static const struct upload_fault faults[] = {
        {.name = "cut", .stage = ON_PATCH, .harm = CUT_AFTER, .skip = 1, .times = 2},
        {.name = "503",
         .stage = ON_PATCH,
         .harm = SAY_AFTER,
         .skip = 1,
         .times = 2,
         .status = "503 No"},
        {.name = "lost",
         .stage = ON_PATCH,
         .harm = SAY_AFTER,
         .skip = 1,
         .times = 2,
         .status = "404 No",
         .forgotten = true},
    };
    struct fixture *f = *state;
    /* What it takes it does not give. */
    const coco_image_options opts = {.size = sizeof(opts), .flags = COCO_IMAGE_UNPROVED};
    struct uploads *uploads = calloc(1, sizeof(*uploads));

    assert_non_null(uploads);
    add_recipient(f, COCO_KEY_P256, "ec");
    for (size_t i = 0; i < COUNT(faults); i++) {
        assert_ok(copy_to_faulty(f, coco_image_encrypt, uploads, &faults[i], &opts), f->err);
        print_message("# %s\n", faults[i].name);
        assert_int_equal(uploads->n_patches, 4);
        assert_int_equal(uploads->asked[ON_POST], 4);
        for (size_t j = 1; j < 4; j++) {
            const uint8_t *start = uploads->patches[j].start;

            assert_string_equal(uploads->patches[j].range, "");
            assert_int_equal(uploads->patches[j].body_len, LAYER_SIZE);
            assert_memory_not_equal(start, f->layer, 64);
            for (size_t k = 1; k < j; k++)
                assert_memory_not_equal(start, uploads->patches[k].start, 64);
        }
        assert_int_equal(uploads->n_blobs, 2);
        assert_contains(uploads->manifest, uploads->blobs[1]);
    }
    free(uploads);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(push_copies_a_layout_as_it_is),
        TEST(push_to_a_registry_and_back),
        TEST(a_key_outside_of_the_prefix_is_not_asked_for),
        TEST(push_refuses),
        TEST(push_and_encrypt_refuse_a_tampered_layer),
        TEST(a_layer_that_was_cut_is_gone_on_with),
        TEST(an_encrypted_layer_is_begun_again_under_a_fresh_key),
    };

    return cmocka_run_group_tests_name("image/push", tests, NULL, NULL);
}
