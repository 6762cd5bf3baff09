/*
 * tests/image/test_referrers_write.c - lib/image/referrers_write.c, with a real registry, which
 * lists nothing by itself
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/referrers.h"

#include "signer.h"

/* A manifest without layers that refers to the image, and says text of itself. */
static coco_status
put(struct fixture *f, const struct coco_signee *image, const char *text, struct coco_digest *ret)
{
    _cleanup_destination_ struct coco_destination to = {0};
    _cleanup_json_ cJSON *json = NULL;
    cJSON *layers = NULL;
    cJSON *subject = NULL;
    cJSON *annotations = NULL;

    assert_ok(coco_referrers_destination(image, &to, &f->err), f->err);
    /* The image's own config, which is there. */
    assert_ok(coco_manifest_begin(&image->found.manifest.config.digest,
                                  image->found.manifest.config.size, &json, &layers, &f->err),
              f->err);
    assert_ok(coco_json_add_string(json, "artifactType", "text/plain", &f->err), f->err);
    assert_ok(coco_json_add_object(json, "annotations", &annotations, &f->err), f->err);
    assert_ok(coco_json_add_string(annotations, "text", text, &f->err), f->err);
    assert_ok(coco_descriptor_add(json, "subject", COCO_MEDIA_OCI_MANIFEST, &image->digest,
                                  image->found.text.len, &subject, &f->err),
              f->err);
    return coco_referrers_put(image, &to, json, ret, &f->err);
}

static void
list(struct fixture *f, const struct coco_signee *image, struct coco_manifest *ret)
{
    assert_ok(coco_referrers_list(f->client, f->ctx, &image->set, image->ref, &image->digest, ret,
                                  &f->err),
              f->err);
}

static void
what_refers_to_an_image_is_listed_once(void **state)
{
    struct fixture *f = *state;
    struct signer s;
    _cleanup_signee_ struct coco_signee image = {0};
    struct coco_digest digests[3] = {0};

    begin_registry(f, &s);
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, s.name);
    assert_ok(coco_signee_find(f->client, f->ctx, ref, &image, &f->err), f->err);
    assert_ok(put(f, &image, "a", &digests[0]), f->err);
    assert_ok(put(f, &image, "b", &digests[1]), f->err);
    assert_ok(put(f, &image, "a", &digests[2]), f->err);
    assert_true(coco_digest_equal(&digests[0], &digests[2]));
    _cleanup_manifest_ struct coco_manifest index = {0};
    list(f, &image, &index);
    assert_int_equal(index.n_layers, 2);
    assert_true(coco_digest_equal(&index.layers[0].digest, &digests[1]));
    assert_true(coco_digest_equal(&index.layers[1].digest, &digests[0]));
    assert_string_equal(coco_referrers_type(&index, 1), "text/plain");
    assert_string_equal(
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(index.layers[1].annotations, "text")),
        "a");
    end_registry(&s);
}

/* Whatever the tag means, it is not taken away. */
static void
what_is_no_list_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct signer s;
    _cleanup_signee_ struct coco_signee image = {0};
    struct coco_digest digest = {0};
    char tag[256];

    begin_registry(f, &s);
    (void)snprintf(tag, sizeof(tag), "%s/acme/app:sha256-%s", s.registry.host,
                   coco_image_digest(f->image) + strlen("sha256:"));
    assert_ok(copy(f, coco_image_push, "oci:%/plain", tag, NULL), f->err);
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, s.name);
    assert_ok(coco_signee_find(f->client, f->ctx, ref, &image, &f->err), f->err);
    assert_fails(put(f, &image, "a", &digest), f->err, COCO_ERR_PROTO, "list of referrers");
    end_registry(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_refers_to_an_image_is_listed_once),
        TEST(what_is_no_list_is_left_alone),
    };

    return cmocka_run_group_tests_name("image/referrers_write", tests, NULL, NULL);
}
