/*
 * tee/cca_write.c - tokens of Arm CCA, written
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/cca.h"

#include "tee/serde.h"

static void
put_claim_bytes(struct coco_cbor_writer *w, int64_t label, struct coco_cbor_string bytes)
{
    coco_cbor_put_int(w, label);
    coco_cbor_put_bytes(w, bytes.data, bytes.len);
}

/* Nothing for a text that is not there. */
static void
put_claim_text(struct coco_cbor_writer *w, int64_t label, struct coco_cbor_string text)
{
    if (text.len == 0)
        return;
    coco_cbor_put_int(w, label);
    coco_cbor_put_text(w, text.data, text.len);
}

static void
put_component(struct coco_cbor_writer *w, const struct coco_cca_component *component)
{
    size_t n = 2;

    n += component->type.len > 0;
    n += component->version.len > 0;
    n += component->hash_alg.len > 0;
    coco_cbor_put_map(w, n);
    put_claim_text(w, COCO_CCA_COMPONENT_TYPE, component->type);
    put_claim_bytes(w, COCO_CCA_COMPONENT_VALUE, component->value);
    put_claim_text(w, COCO_CCA_COMPONENT_VERSION, component->version);
    put_claim_bytes(w, COCO_CCA_COMPONENT_SIGNER_ID, component->signer_id);
    put_claim_text(w, COCO_CCA_COMPONENT_HASH_ALG, component->hash_alg);
}

coco_status
coco_cca_platform_format(const struct coco_cca_platform *platform, struct coco_buf *buf,
                         coco_error **err)
{
    struct coco_cbor_writer w = coco_cbor_writer_of(buf, err);

    coco_cbor_put_map(&w, (size_t)8 + (platform->service.len > 0) + (platform->client_id != 0));
    put_claim_bytes(&w, COCO_CCA_CLAIM_CHALLENGE, platform->challenge);
    put_claim_bytes(&w, COCO_CCA_CLAIM_INSTANCE_ID, platform->instance_id);
    put_claim_text(&w, COCO_CCA_CLAIM_PROFILE, platform->profile);
    coco_cbor_put_int(&w, COCO_CCA_CLAIM_LIFECYCLE);
    coco_cbor_put_u64(&w, platform->lifecycle);
    put_claim_bytes(&w, COCO_CCA_CLAIM_IMPLEMENTATION_ID, platform->implementation_id);
    coco_cbor_put_int(&w, COCO_CCA_CLAIM_COMPONENTS);
    coco_cbor_put_array(&w, platform->n_components);
    for (size_t i = 0; i < platform->n_components; i++)
        put_component(&w, &platform->components[i]);
    put_claim_text(&w, COCO_CCA_CLAIM_SERVICE, platform->service);
    put_claim_bytes(&w, COCO_CCA_CLAIM_CONFIG, platform->config);
    put_claim_text(&w, COCO_CCA_CLAIM_HASH_ALG, platform->hash_alg);
    if (platform->client_id != 0) {
        coco_cbor_put_int(&w, COCO_CCA_CLAIM_CLIENT_ID);
        coco_cbor_put_int(&w, platform->client_id);
    }
    return w.status;
}

coco_status
coco_cca_realm_format(const struct coco_cca_realm *realm, struct coco_buf *buf, coco_error **err)
{
    struct coco_cbor_writer w = coco_cbor_writer_of(buf, err);

    coco_cbor_put_map(&w, realm->profile.len > 0 ? 8 : 7);
    put_claim_bytes(&w, COCO_CCA_CLAIM_CHALLENGE, realm->challenge);
    put_claim_text(&w, COCO_CCA_CLAIM_PROFILE, realm->profile);
    put_claim_bytes(&w, COCO_CCA_CLAIM_REALM_PERSONALIZATION, realm->personalization);
    put_claim_text(&w, COCO_CCA_CLAIM_REALM_HASH_ALG, realm->hash_alg);
    put_claim_bytes(&w, COCO_CCA_CLAIM_REALM_KEY, realm->key);
    put_claim_bytes(&w, COCO_CCA_CLAIM_REALM_INITIAL, realm->initial);
    coco_cbor_put_int(&w, COCO_CCA_CLAIM_REALM_EXTENSIBLE);
    coco_cbor_put_array(&w, COCO_CCA_MEASUREMENTS);
    for (size_t i = 0; i < COCO_CCA_MEASUREMENTS; i++)
        coco_cbor_put_bytes(&w, realm->extensible[i].data, realm->extensible[i].len);
    put_claim_text(&w, COCO_CCA_CLAIM_REALM_KEY_HASH_ALG, realm->key_hash_alg);
    return w.status;
}

coco_status
coco_cca_token_format(struct coco_cbor_string platform, struct coco_cbor_string realm,
                      struct coco_buf *buf, coco_error **err)
{
    struct coco_cbor_writer w = coco_cbor_writer_of(buf, err);

    coco_cbor_put_tag(&w, COCO_CCA_TOKEN_TAG);
    coco_cbor_put_map(&w, 2);
    put_claim_bytes(&w, COCO_CCA_TOKEN_PLATFORM, platform);
    put_claim_bytes(&w, COCO_CCA_TOKEN_REALM, realm);
    return w.status;
}

static void
put_wrapped(struct coco_cbor_writer *w, int64_t label, struct coco_cbor_string token)
{
    coco_cbor_put_int(w, label);
    coco_cbor_put_array(w, 2);
    coco_cbor_put_u64(w, COCO_CCA_EAT_CWT);
    coco_cbor_put_bytes(w, token.data, token.len);
}

coco_status
coco_cca_token_format_cmw(struct coco_cbor_string platform, struct coco_cbor_string realm,
                          struct coco_buf *buf, coco_error **err)
{
    struct coco_cbor_writer w = coco_cbor_writer_of(buf, err);

    coco_cbor_put_tag(&w, COCO_CCA_TOKEN_CMW_TAG);
    coco_cbor_put_map(&w, 2);
    put_wrapped(&w, COCO_CCA_TOKEN_PLATFORM, platform);
    put_wrapped(&w, COCO_CCA_TOKEN_REALM, realm);
    return w.status;
}

coco_status
coco_cca_evidence_format(struct coco_cbor_string token, struct coco_buf *buf, coco_error **err)
{
    _cleanup_json_ cJSON *evidence = NULL;

    coco_status status = coco_json_new_object(&evidence, err);
    if (status == COCO_OK)
        status = coco_serde_add_bytes(evidence, "token", token.data, token.len, err);
    if (status == COCO_OK)
        status = coco_json_write(evidence, COCO_JSON_COMPACT, buf, err);
    return status;
}
