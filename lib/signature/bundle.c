/*
 * signature/bundle.c - Sigstore bundles: a signature and all that verifying it takes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/bundle.h"

#include "base/fail.h"
#include "signature/protojson.h"

#include <string.h>

void
coco_sigstore_bundle_done(struct coco_sigstore_bundle *bundle)
{
    coco_signer_done(&bundle->signer);
    coco_dsse_done(&bundle->envelope);
    coco_blob_signature_done(&bundle->message);
}

static const struct version {
    const char *type;
    bool has_chain; /* in the place of the certificate */
    bool is_proved; /* that its entry is in the tree; before, that it will be was enough */
} versions[] = {
    {COCO_MEDIA_BUNDLE, false, true},
    {"application/vnd.dev.sigstore.bundle+json;version=0.3", false, true},
    {"application/vnd.dev.sigstore.bundle+json;version=0.2", true, true},
    {"application/vnd.dev.sigstore.bundle+json;version=0.1", true, false},
};

static const struct version *
find_version(const char *media_type)
{
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
        if (strcmp(media_type, versions[i].type) == 0)
            return &versions[i];
    return NULL;
}

bool
coco_sigstore_bundle_is(const char *media_type)
{
    return find_version(media_type) != NULL;
}

static coco_status
read_cert(const cJSON *json, X509 **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf der = {.limit = COCO_CERT_SIZE_MAX};

    coco_status status = coco_protojson_bytes(json, "rawBytes", &der, err);
    return status == COCO_OK ? coco_cert_parse(der.data, der.len, ret, err) : status;
}

/* Before 0.3 there was a chain. A root in it is not looked at: it is trusted elsewhere or not. */
static coco_status
read_chain(const cJSON *json, struct coco_signer *ret, coco_error **err)
{
    const cJSON *list = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_get_array(json, "certificates", &list, err);
    cJSON_ArrayForEach(item, list) {
        _cleanup_cert_ X509 *cert = NULL;

        if (status == COCO_OK)
            status = read_cert(item, &cert, err);
        if (status != COCO_OK)
            return status;
        if (!ret->cert)
            ret->cert = coco_steal(&cert);
        else
            status = coco_cert_chain_add(&ret->chain, &cert, err);
    }
    return status;
}

static coco_status
read_entries(const cJSON *material, const struct version *version, struct coco_signer *ret,
             coco_error **err)
{
    const cJSON *list = NULL;
    const cJSON *item = NULL;
    bool proved = false;

    coco_status status = coco_json_get_array_opt(material, "tlogEntries", &list, err);
    cJSON_ArrayForEach(item, list) {
        if (ret->n_entries == COCO_SIGNER_ENTRIES_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "more than %d entries of logs",
                             COCO_SIGNER_ENTRIES_MAX);
        status = coco_log_entry_parse(item, &ret->entries[ret->n_entries], err);
        if (status != COCO_OK)
            return status;
        const struct coco_log_entry *entry = &ret->entries[ret->n_entries++];
        proved = proved || (version->is_proved ? entry->has_proof : entry->promise.len > 0);
    }
    if (status == COCO_OK && ret->n_entries > 0 && !proved)
        status = coco_fail(err, COCO_ERR_PROTO, "entries of logs without %s",
                           version->is_proved ? "an inclusion proof" : "a promise");
    return status;
}

static coco_status
read_stamps(const cJSON *material, struct coco_signer *ret, coco_error **err)
{
    const cJSON *data = NULL;
    const cJSON *list = NULL;
    const cJSON *item = NULL;

    coco_status status =
        coco_json_get_object_opt(material, "timestampVerificationData", &data, err);
    if (status == COCO_OK && data)
        status = coco_json_get_array_opt(data, "rfc3161Timestamps", &list, err);
    cJSON_ArrayForEach(item, list) {
        const char *text = NULL;

        if (status == COCO_OK)
            status = coco_json_get_string(item, "signedTimestamp", &text, err);
        if (status == COCO_OK)
            status = coco_signer_add_stamp(ret, text, err);
    }
    return status;
}

static coco_status
read_material(const cJSON *material, const struct version *version, struct coco_signer *ret,
              coco_error **err)
{
    const cJSON *cert = NULL;
    const cJSON *chain = NULL;

    coco_status status = coco_json_get_object_opt(material, "certificate", &cert, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(material, "x509CertificateChain", &chain, err);
    if (status == COCO_OK && cert && chain)
        status = coco_fail(err, COCO_ERR_PROTO, "a certificate and a chain");
    if (status == COCO_OK && chain && !version->has_chain)
        status = coco_fail(err, COCO_ERR_PROTO, "a chain, where its version has a certificate");
    if (status == COCO_OK && cert)
        status = read_cert(cert, &ret->cert, err);
    if (status == COCO_OK && chain)
        status = read_chain(chain, ret, err);
    if (status == COCO_OK)
        status = read_entries(material, version, ret, err);
    return status == COCO_OK ? read_stamps(material, ret, err) : status;
}

/* Either what is signed, or a digest of it. */
static coco_status
read_content(const cJSON *json, struct coco_sigstore_bundle *ret, coco_error **err)
{
    const cJSON *envelope = NULL;
    const cJSON *message = NULL;

    coco_status status = coco_json_get_object_opt(json, "dsseEnvelope", &envelope, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(json, "messageSignature", &message, err);
    if (status == COCO_OK && !envelope == !message)
        status = coco_fail(err, COCO_ERR_PROTO, "not one of an envelope and a signature of bytes");
    if (status != COCO_OK)
        return status;
    ret->is_message = message != NULL;
    return message ? coco_blob_signature_parse(message, &ret->message, err)
                   : coco_dsse_parse(envelope, COCO_IN_TOTO_TYPE, &ret->envelope, err);
}

coco_status
coco_sigstore_bundle_parse(const void *data, size_t len, struct coco_sigstore_bundle *ret,
                           coco_error **err)
{
    _cleanup_sigstore_bundle_ struct coco_sigstore_bundle bundle = {0};
    _cleanup_json_ cJSON *json = NULL;
    const cJSON *material = NULL;
    const struct version *version = NULL;
    const char *type = NULL;

    coco_status status = coco_json_parse_object(data, len, &json, err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "mediaType", &type, err);
    if (status == COCO_OK)
        version = find_version(type);
    if (status == COCO_OK && !version)
        status = coco_fail(err, COCO_ERR_NOTSUP, "'%.100s' is no bundle that is known", type);
    if (status == COCO_OK)
        status = coco_json_get_object(json, "verificationMaterial", &material, err);
    if (status == COCO_OK)
        status = read_material(material, version, &bundle.signer, err);
    if (status == COCO_OK)
        status = read_content(json, &bundle, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "bundle");
    *ret = bundle;
    bundle = (struct coco_sigstore_bundle){0};
    return COCO_OK;
}
