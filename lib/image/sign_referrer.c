/*
 * image/sign_referrer.c - a signature that refers to its image
 *
 *     manifest {artifactType, config, layers: the signature, subject: the image}
 *
 * Sources: what cosign 2.6 writes with --registry-referrers-mode=oci-1-1 and with
 * --new-bundle-format (pkg/oci/remote/write.go).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/sign.h"

#include "base/fail.h"
#include "image/ref.h"
#include "image/referrers.h"
#include "image/signatures.h"
#include "signature/bundle.h"
#include "signature/bundle_write.h"
#include "signature/verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A manifest that is being made; json owns the rest. */
struct making {
    struct coco_signing *signing;
    cJSON *json;
    cJSON *layers;
};

static coco_status
begin(struct making *m, const char *type, const char *config_type, const struct coco_buf *config,
      coco_error **err)
{
    struct coco_digest digest = {0};
    cJSON *json = NULL;

    coco_status status = coco_signing_put_blob(m->signing, config, &digest, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&m->json, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(m->json, "schemaVersion", 2, err);
    if (status == COCO_OK)
        status = coco_json_add_string(m->json, "mediaType", COCO_MEDIA_OCI_MANIFEST, err);
    if (status == COCO_OK)
        status = coco_json_add_string(m->json, "artifactType", type, err);
    if (status == COCO_OK)
        status =
            coco_descriptor_add(m->json, "config", config_type, &digest, config->len, &json, err);
    if (status == COCO_OK)
        status = coco_json_add_array(m->json, "layers", &m->layers, err);
    return status;
}

/* Where verifiers read which statement is in a bundle, before they get it. */
static coco_status
annotate(struct making *m, coco_error **err)
{
    cJSON *annotations = NULL;
    char created[32];
    struct tm tm;
    time_t now = time(NULL);

    if (!gmtime_r(&now, &tm) || strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        return coco_fail(err, COCO_ERR_IO, "there is no time");
    coco_status status = coco_json_add_object(m->json, "annotations", &annotations, err);
    if (status == COCO_OK)
        status =
            coco_json_add_string(annotations, "org.opencontainers.image.created", created, err);
    if (status == COCO_OK)
        status =
            coco_json_add_string(annotations, "dev.sigstore.bundle.content", "dsse-envelope", err);
    if (status == COCO_OK)
        status = coco_json_add_string(annotations, "dev.sigstore.bundle.predicateType",
                                      COCO_PREDICATE_SIGN, err);
    return status;
}

/* What cannot be read, or is there no more, is no signature of ours. */
static coco_status
pass_over(coco_status status, coco_error *cause, coco_error **err)
{
    _cleanup_buf_ struct coco_buf why = {.limit = COCO_REASON_MAX};

    return coco_refusal(status, cause, &why, err);
}

/* ---- artifacts of cosign's ---- */

static coco_status
is_own_payload(const struct coco_signing *signing, const struct coco_source *source,
               const struct coco_descriptor *layer, bool *ret, coco_error **err)
{
    _cleanup_sign_payload_ struct coco_sign_payload payload = {0};

    (void)source; /* the signature stands in the manifest */
    coco_status status = coco_sign_payload_make(&signing->image, &payload, err);
    if (status == COCO_OK)
        status = coco_sign_payload_is_in(&payload, layer, signing->key.key, ret, err);
    return status;
}

static coco_status
make_payload(struct making *m, coco_error **err)
{
    static const struct coco_manifest nothing;
    _cleanup_sign_payload_ struct coco_sign_payload payload = {0};
    _cleanup_buf_ struct coco_buf config = {.limit = COCO_SIGNEE_TEXT_MAX};
    struct coco_digest digest = {0};

    coco_status status = coco_sign_payload_make(&m->signing->image, &payload, err);
    if (status == COCO_OK)
        status = coco_signing_put_blob(m->signing, &payload.text, &digest, err);
    if (status == COCO_OK)
        status = coco_sign_payload_write_config(&payload, &nothing, &config, err);
    if (status == COCO_OK)
        status = begin(m, COCO_ARTIFACT_COSIGN, COCO_ARTIFACT_COSIGN, &config, err);
    if (status == COCO_OK)
        status = coco_sign_payload_add(&payload, &m->signing->key, m->layers, err);
    return status;
}

/* ---- bundles ---- */

static coco_status
is_own_bundle(const struct coco_signing *signing, const struct coco_source *source,
              const struct coco_descriptor *layer, bool *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf bundle = {.limit = COCO_SIGNATURE_SIZE_MAX};
    coco_error *cause = NULL;

    *ret = false;
    coco_status status = coco_source_small_blob(source, signing->image.ctx, layer, &bundle, &cause);
    if (status != COCO_OK)
        return pass_over(status, cause, err);
    return coco_sigstore_bundle_is_by(&bundle, signing->key.key, &signing->image.digest, ret, err);
}

static coco_status
sign_statement(const struct coco_signing *signing, struct coco_buf *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf statement = {.limit = COCO_SIGNEE_TEXT_MAX};
    _cleanup_buf_ struct coco_buf encoded = {.limit = COCO_SIGNEE_TEXT_MAX};
    _cleanup_buf_ struct coco_buf signature = {.limit = COCO_SIGNEE_TEXT_MAX};

    coco_status status = coco_sign_statement_write(&signing->image.digest, &statement, err);
    if (status == COCO_OK)
        status = coco_dsse_encode(COCO_IN_TOTO_TYPE, &statement, &encoded, err);
    if (status == COCO_OK)
        status = coco_sign_key_sign(&signing->key, encoded.data, encoded.len, &signature, err);
    if (status == COCO_OK)
        status = coco_sigstore_bundle_write(signing->key.key, &statement, &signature, ret, err);
    return status;
}

static coco_status
make_bundle(struct making *m, coco_error **err)
{
    _cleanup_buf_ struct coco_buf bundle = {.limit = COCO_SIGNEE_TEXT_MAX};
    _cleanup_buf_ struct coco_buf empty = {.limit = 2};
    struct coco_digest digest = {0};
    cJSON *layer = NULL;

    coco_status status = sign_statement(m->signing, &bundle, err);
    if (status == COCO_OK)
        status = coco_signing_put_blob(m->signing, &bundle, &digest, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(&empty, "{}", err);
    if (status == COCO_OK)
        status = begin(m, COCO_MEDIA_BUNDLE, COCO_MEDIA_EMPTY, &empty, err);
    if (status == COCO_OK)
        status = coco_descriptor_add(m->layers, NULL, COCO_MEDIA_BUNDLE, &digest, bundle.len,
                                     &layer, err);
    if (status == COCO_OK)
        status = annotate(m, err);
    return status;
}

/* ---- both ---- */

static const struct form {
    const char *artifact_type;
    const char *layer_type;
    coco_status (*is_own)(const struct coco_signing *signing, const struct coco_source *source,
                          const struct coco_descriptor *layer, bool *ret, coco_error **err);
    coco_status (*make)(struct making *m, coco_error **err);
} forms[] = {
    [COCO_SIGN_BY_TAG] = {NULL, NULL, NULL, NULL},
    [COCO_SIGN_BY_REFERRER] = {COCO_ARTIFACT_COSIGN, COCO_MEDIA_SIMPLE_SIGNING, is_own_payload,
                               make_payload},
    [COCO_SIGN_BY_BUNDLE] = {COCO_MEDIA_BUNDLE, COCO_MEDIA_BUNDLE, is_own_bundle, make_bundle},
};

/* Where a referrer is: the image's name with its digest. */
static coco_status
name_it(struct coco_signing *signing, const struct coco_digest *digest, coco_error **err)
{
    const coco_image_ref *ref = signing->image.ref;
    const char *registry = coco_image_ref_registry(ref);
    char text[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(digest, text);
    if (asprintf(&signing->where, "%s%s%s@%s", registry ? registry : coco_image_ref_transport(ref),
                 registry ? "/" : ":", coco_image_ref_repository(ref), text)
        >= 0)
        return COCO_OK;
    signing->where = NULL;
    return coco_fail_nomem(err);
}

static coco_status
look_at(struct coco_signing *signing, const struct form *form, const struct coco_source *source,
        const struct coco_descriptor *entry, coco_error **err)
{
    _cleanup_manifest_ struct coco_manifest manifest = {0};
    coco_error *cause = NULL;

    coco_status status =
        coco_referrers_manifest(source, signing->image.ctx, entry, &manifest, &cause);
    if (status != COCO_OK)
        return pass_over(status, cause, err);
    for (size_t i = 0; status == COCO_OK && !signing->already && i < manifest.n_layers; i++)
        if (strcmp(manifest.layers[i].media_type, form->layer_type) == 0)
            status = form->is_own(signing, source, &manifest.layers[i], &signing->already, err);
    if (status == COCO_OK && signing->already)
        status = name_it(signing, &entry->digest, err);
    return status;
}

/* Signing the same once more makes no second signature of it. */
static coco_status
look_for_own(struct coco_signing *signing, const struct form *form, coco_error **err)
{
    const struct coco_signee *image = &signing->image;
    _cleanup_manifest_ struct coco_manifest index = {0};
    _cleanup_source_ struct coco_source source = {0};
    size_t looked = 0;

    coco_status status = coco_referrers_list(image->client, image->ctx, &image->set, image->ref,
                                             &image->digest, &index, err);
    if (status == COCO_OK)
        status = coco_client_source(image->client, &image->set, image->ref, &source, err);
    for (size_t i = 0; status == COCO_OK && !signing->already && i < index.n_layers; i++) {
        const char *type = coco_referrers_type(&index, i);

        if (strcmp(type, form->artifact_type) != 0 && !coco_referrers_is_vague(type))
            continue;
        if (looked++ == COCO_SIGNATURES_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "more than %d signatures", COCO_SIGNATURES_MAX);
        status = look_at(signing, form, &source, &index.layers[i], err);
    }
    return status;
}

static coco_status
put(struct making *m, const struct form *form, coco_error **err)
{
    const struct coco_signee *image = &m->signing->image;
    struct coco_digest digest = {0};
    cJSON *subject = NULL;

    coco_status status = coco_referrers_destination(image, &m->signing->destination, err);
    if (status == COCO_OK)
        status = form->make(m, err);
    if (status == COCO_OK)
        status = coco_descriptor_add(m->json, "subject", image->found.manifest.media_type,
                                     &image->digest, image->found.text.len, &subject, err);
    if (status == COCO_OK)
        status = coco_referrers_put(image, &m->signing->destination, m->json, &digest, err);
    return status == COCO_OK ? name_it(m->signing, &digest, err) : status;
}

coco_status
coco_signing_refer(struct coco_signing *signing, coco_error **err)
{
    const struct form *form = &forms[signing->image.client->sign_by];
    struct making m = {.signing = signing};

    coco_status status = look_for_own(signing, form, err);
    if (status == COCO_OK && !signing->already)
        status = put(&m, form, err);
    coco_json_free(m.json);
    return status;
}
