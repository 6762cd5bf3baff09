/*
 * tests/image/test_pull.c - lib/image/pull.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/pull.h"

#include "base/context.h"
#include "base/fail.h"
#include "tests/faults.h"
#include "tests/tarball.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LAYER "application/vnd.oci.image.layer.v1.tar"
#define CONFIG "application/vnd.oci.image.config.v1+json"
#define MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define N_LAYERS 2

/* A registry with one image of two layers, and what is wrong with it. */
struct fixture {
    char top[64];
    char dir[128];
    coco_ctx *ctx;
    coco_image_client *client;
    coco_image_ref *ref;
    coco_image_options opts;
    struct coco_source source;
    struct tarball layers[N_LAYERS];
    char diff_ids[N_LAYERS][COCO_DIGEST_TEXT_SIZE];
    const char *media_type; /* of layer 1 */
    const char *user;
    size_t n_diff_ids;
    char config[1024];
    char manifest[2048];
    size_t flip;        /* byte of layer 1 that is changed on the way, if not 0 */
    bool cancel;        /* during layer 1 */
    struct tarball lie; /* what comes instead of layer 1, so often */
    unsigned lies_left;
    unsigned blobs_asked; /* of layers */
};

static coco_error *err;

static void
digest_text(const void *data, size_t len, char *text)
{
    struct coco_digest digest;

    assert_ok(coco_digest_of(COCO_SHA256, data, len, &digest, &err), err);
    coco_digest_format(&digest, text);
}

/* Makes config and manifest fit the layers. */
static void
describe(struct fixture *f)
{
    char digests[N_LAYERS][COCO_DIGEST_TEXT_SIZE];
    char config_digest[COCO_DIGEST_TEXT_SIZE];

    for (size_t i = 0; i < N_LAYERS; i++)
        digest_text(f->layers[i].data, f->layers[i].len, digests[i]);
    (void)snprintf(f->config, sizeof(f->config),
                   "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{\"User\":\"%s\"},"
                   "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"%s%s%s]}}",
                   f->user, f->diff_ids[0], f->n_diff_ids > 1 ? ",\"" : "",
                   f->n_diff_ids > 1 ? f->diff_ids[1] : "", f->n_diff_ids > 1 ? "\"" : "");
    digest_text(f->config, strlen(f->config), config_digest);
    (void)snprintf(f->manifest, sizeof(f->manifest),
                   "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST "\",\"config\":{\"mediaType\":"
                   "\"" CONFIG "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":["
                   "{\"mediaType\":\"" LAYER "\",\"digest\":\"%s\",\"size\":%zu},"
                   "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}]}",
                   config_digest, strlen(f->config), digests[0], f->layers[0].len, f->media_type,
                   digests[1], f->layers[1].len);
}

static coco_status
give_manifest(void *self, coco_ctx *ctx, const struct coco_digest *digest, struct coco_buf *body,
              struct coco_buf *media_type, coco_error **error)
{
    struct fixture *f = self;

    (void)ctx;
    (void)digest;
    coco_status status = coco_buf_append_text(media_type, MANIFEST, error);
    if (status == COCO_OK)
        status = coco_buf_append_text(body, f->manifest, error);
    return status;
}

static coco_status
give_blob(void *self, coco_ctx *ctx, const struct coco_descriptor *blob,
          const struct coco_sink *sink, coco_error **error)
{
    struct fixture *f = self;

    if (strcmp(blob->media_type, CONFIG) == 0)
        return coco_sink_write(sink, f->config, strlen(f->config), error);
    struct tarball *layer = &f->layers[f->blobs_asked++ % N_LAYERS];
    bool second = layer == &f->layers[1];
    (void)ctx; /* is not the caller's */
    if (second && f->cancel)
        coco_ctx_cancel(f->ctx);
    if (second && f->flip > 0)
        layer->data[f->flip] ^= 1;
    if (second && f->lies_left > 0)
        return coco_sink_write(sink, f->lie.data, f->lie.len, error);
    return coco_sink_write(sink, layer->data, layer->len, error);
}

/* There is somewhere else as long as there is a lie left, and it is the truth behind the last. */
static bool
lose_patience(void *self, coco_ctx *ctx, const struct coco_descriptor *blob)
{
    struct fixture *f = self;

    (void)ctx;
    assert_string_equal(blob->media_type, LAYER);
    if (f->lies_left == 0)
        return false;
    f->lies_left--;
    return true;
}

static void
give_nothing_back(void *self)
{
    (void)self;
}

static int
begin(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    make_temp_dir(f->top, sizeof(f->top));
    (void)snprintf(f->dir, sizeof(f->dir), "%s/bundle", f->top);
    assert_ok(coco_ctx_new(&f->ctx, &err), err);
    assert_ok(coco_image_client_new(&f->client, &err), err);
    assert_ok(coco_image_client_set_platform(f->client, "linux/amd64", &err), err);
    assert_ok(coco_image_ref_parse("registry.test/image:tag", &f->ref, &err), err);
    assert_ok(coco_image_options_set(&f->opts, NULL, 0, &err), err);
    f->source = (struct coco_source){
        .manifest = give_manifest,
        .blob = give_blob,
        .wrong = lose_patience,
        .free = give_nothing_back,
        .self = f,
    };
    f->media_type = LAYER;
    f->user = "";
    f->n_diff_ids = N_LAYERS;
    tarball_add(&f->layers[0], '0', "first", "", "one", 3);
    tarball_add(&f->layers[0], '0', "both", "", "old", 3);
    tarball_add(&f->layers[1], '0', "both", "", "new", 3);
    for (size_t i = 0; i < N_LAYERS; i++) {
        tarball_end(&f->layers[i]);
        digest_text(f->layers[i].data, f->layers[i].len, f->diff_ids[i]);
    }
    describe(f);
    *state = f;
    return 0;
}

static int
end(void **state)
{
    struct fixture *f = *state;

    coco_image_ref_free(f->ref);
    coco_image_client_free(f->client);
    coco_ctx_free(f->ctx);
    remove_temp_dir(f->top);
    free(f);
    return 0;
}

static coco_status
pull(struct fixture *f, coco_image **image)
{
    const struct coco_pull_order order = {f->client, &f->source, f->ref, f->dir, f->opts, false};

    return coco_pull_from(&order, f->ctx, image, &err);
}

/* Nothing is left: neither the bundle nor what was staged for it. */
static void
assert_nothing_left(const struct fixture *f)
{
    DIR *stream = opendir(f->top);
    const struct dirent *entry;

    assert_non_null(stream);
    while ((entry = readdir(stream)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            fail_msg("'%s' is left behind", entry->d_name);
    (void)closedir(stream);
}

static void
assert_pull_fails(struct fixture *f, coco_status status, const char *want)
{
    coco_image *image = NULL;

    assert_fails(pull(f, &image), err, status, want);
    assert_null(image);
    assert_nothing_left(f);
}

static void
pull_makes_a_bundle_of_all_layers(void **state)
{
    struct fixture *f = *state;
    coco_image *image = NULL;
    char digest[COCO_DIGEST_TEXT_SIZE];
    char rootfs[160];

    assert_ok(pull(f, &image), err);
    (void)snprintf(rootfs, sizeof(rootfs), "%s/rootfs", f->dir);
    assert_file(rootfs, "first", "one");
    assert_file(rootfs, "both", "new");
    assert_int_equal(access(f->dir, R_OK), 0);
    digest_text(f->manifest, strlen(f->manifest), digest);
    assert_string_equal(coco_image_digest(image), digest);
    assert_int_equal(coco_image_layer_count(image), 2);
    assert_int_equal(coco_image_bytes_written(image), 9);
    assert_int_equal(coco_image_bytes_read(image),
                     strlen(f->manifest) + strlen(f->config) + f->layers[0].len + f->layers[1].len);
    coco_image_free(image);
}

/* Not even the time of day: two pulls are alike. */
static void
a_root_no_layer_speaks_of_is_the_same_everywhere(void **state)
{
    struct fixture *f = *state;
    coco_image *image = NULL;
    char rootfs[160];
    struct stat st;

    assert_ok(pull(f, &image), err);
    coco_image_free(image);
    (void)snprintf(rootfs, sizeof(rootfs), "%s/rootfs", f->dir);
    assert_int_equal(stat(rootfs, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_int_equal(st.st_mtim.tv_sec, 0);
    assert_int_equal(st.st_mtim.tv_nsec, 0);
}

static void
pull_refuses_a_layer_that_was_changed(void **state)
{
    struct fixture *f = *state;

    f->flip = 512; /* the content: the tar stays well-formed */
    assert_pull_fails(f, COCO_ERR_VERIFY, "layer 1: ");
    f->flip = 10; /* the header: it does not, and still it is the digest that counts */
    f->blobs_asked = 0;
    assert_pull_fails(f, COCO_ERR_VERIFY, "layer 1: ");
}

/* What a mirror put there goes with it, also from the layers below. */
static void
a_wrong_layer_is_got_from_elsewhere(void **state)
{
    struct fixture *f = *state;
    coco_image *image = NULL;
    char evil[160];
    char rootfs[140];

    /* As many entries as there may be, of which a wrong layer takes none away. */
    f->opts.max_entries = 3;
    tarball_add(&f->lie, '0', "evil", "", "bad", 3);
    tarball_end(&f->lie);
    f->lies_left = 3;
    assert_ok(pull(f, &image), err);
    (void)snprintf(rootfs, sizeof(rootfs), "%s/rootfs", f->dir);
    assert_file(rootfs, "first", "one");
    assert_file(rootfs, "both", "new");
    (void)snprintf(evil, sizeof(evil), "%s/evil", rootfs);
    assert_int_equal(access(evil, F_OK), -1);
    assert_int_equal(f->blobs_asked, 8);
    assert_int_equal(coco_image_bytes_written(image), 9);
    coco_image_free(image);
}

static void
pull_refuses_a_layer_with_another_diff_id(void **state)
{
    struct fixture *f = *state;

    f->diff_ids[1][10] = f->diff_ids[1][10] == '0' ? '1' : '0';
    describe(f);
    assert_pull_fails(f, COCO_ERR_VERIFY, "layer 1: want sha256:");
}

static void
pull_refuses_another_number_of_diff_ids(void **state)
{
    struct fixture *f = *state;

    f->n_diff_ids = 1;
    describe(f);
    assert_pull_fails(f, COCO_ERR_PROTO, "2 layers, but 1 diff_ids");
    assert_int_equal(f->blobs_asked, 0);
}

static void
pull_refuses_what_it_does_not_understand(void **state)
{
    struct fixture *f = *state;

    f->media_type = "application/x-unknown";
    describe(f);
    assert_pull_fails(f, COCO_ERR_NOTSUP, "application/x-unknown");
    f->media_type = LAYER "+gzip";
    f->blobs_asked = 0;
    describe(f);
    assert_pull_fails(f, COCO_ERR_PROTO, "gzip: not a gzip stream");
    f->media_type = LAYER "+encrypted";
    f->blobs_asked = 0;
    describe(f);
    assert_pull_fails(f, COCO_ERR_PROTO, "layer 1: ");
}

static void
pull_refuses_more_than_allowed(void **state)
{
    struct fixture *f = *state;
    const coco_image_options opts = f->opts;

    f->opts.max_bytes = f->layers[0].len + f->layers[1].len - 1;
    assert_pull_fails(f, COCO_ERR_LIMIT, "layers of more than");
    assert_int_equal(f->blobs_asked, 0);
    f->opts = opts;
    f->opts.max_layers = 1;
    assert_pull_fails(f, COCO_ERR_LIMIT, "layers");
    f->opts = opts;
    f->opts.max_content = 8;
    assert_pull_fails(f, COCO_ERR_LIMIT, "layer 1: ");
    f->blobs_asked = 0;
    f->opts = opts;
    f->opts.max_entries = 2;
    assert_pull_fails(f, COCO_ERR_LIMIT, "more files than allowed");
}

static void
pull_refuses_an_image_whose_user_is_unknown(void **state)
{
    struct fixture *f = *state;

    f->user = "nobody-here";
    describe(f);
    assert_pull_fails(f, COCO_ERR_NOTFOUND, "no user 'nobody-here'");
}

static void
a_canceled_pull_leaves_nothing(void **state)
{
    struct fixture *f = *state;

    f->cancel = true;
    assert_pull_fails(f, COCO_ERR_CANCELED, "");
}

static void
pull_refuses_a_place_that_is_taken(void **state)
{
    struct fixture *f = *state;
    coco_image *image = NULL;

    assert_ok(pull(f, &image), err);
    coco_image_free(image);
    f->blobs_asked = 0;
    assert_fails(pull(f, &image), err, COCO_ERR_INVALID, "is not empty");
    assert_int_equal(f->blobs_asked, 0);
}

static void
without_a_policy_a_tag_is_not_enough(void **state)
{
    struct fixture *f = *state;
    coco_image *image = NULL;

    assert_fails(coco_image_pull(f->client, f->ctx, f->ref, f->dir, NULL, &image, &err), err,
                 COCO_ERR_DENIED, "registry.test/image:tag: ");
    assert_nothing_left(f);
}

static void
pull_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        coco_image *image = NULL;

        f->blobs_asked = 0;
        coco_status status = pull(f, &image);
        fault_expect(status, err);
        coco_image_free(image);
        if (status != COCO_OK)
            assert_nothing_left(f);
    }
}

static void
a_plain_layer_is_not_even_asked_for_when_all_must_be_encrypted(void **state)
{
    struct fixture *f = *state;
    coco_image *image = NULL;

    coco_image_client_set_require_encryption(f->client, true);
    assert_fails(pull(f, &image), err, COCO_ERR_VERIFY, "layer 0: it is not encrypted");
    f->media_type = LAYER "+encrypted";
    describe(f);
    assert_fails(pull(f, &image), err, COCO_ERR_VERIFY, "layer 0: it is not encrypted");
    assert_int_equal(f->blobs_asked, 0);
    assert_nothing_left(f);

    f->media_type = LAYER;
    describe(f);
    coco_image_client_set_require_encryption(f->client, false);
    assert_ok(pull(f, &image), err);
    coco_image_free(image);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pull_makes_a_bundle_of_all_layers, begin, end),
        cmocka_unit_test_setup_teardown(a_root_no_layer_speaks_of_is_the_same_everywhere, begin,
                                        end),
        cmocka_unit_test_setup_teardown(pull_refuses_a_layer_that_was_changed, begin, end),
        cmocka_unit_test_setup_teardown(a_wrong_layer_is_got_from_elsewhere, begin, end),
        cmocka_unit_test_setup_teardown(pull_refuses_a_layer_with_another_diff_id, begin, end),
        cmocka_unit_test_setup_teardown(
            a_plain_layer_is_not_even_asked_for_when_all_must_be_encrypted, begin, end),
        cmocka_unit_test_setup_teardown(pull_refuses_another_number_of_diff_ids, begin, end),
        cmocka_unit_test_setup_teardown(pull_refuses_what_it_does_not_understand, begin, end),
        cmocka_unit_test_setup_teardown(pull_refuses_more_than_allowed, begin, end),
        cmocka_unit_test_setup_teardown(pull_refuses_an_image_whose_user_is_unknown, begin, end),
        cmocka_unit_test_setup_teardown(a_canceled_pull_leaves_nothing, begin, end),
        cmocka_unit_test_setup_teardown(pull_refuses_a_place_that_is_taken, begin, end),
        cmocka_unit_test_setup_teardown(without_a_policy_a_tag_is_not_enough, begin, end),
        cmocka_unit_test_setup_teardown(pull_survives_any_failed_allocation, begin, end),
    };

    return cmocka_run_group_tests_name("image/pull", tests, NULL, NULL);
}
