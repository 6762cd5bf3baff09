/*
 * tests/signature/goldenkit.h - golden.h taken apart, and whole requirements about it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_SIGNATURE_GOLDENKIT_H
#define COCO_TESTS_SIGNATURE_GOLDENKIT_H

#include "signature/bundle.h"

#include "golden.h"
#include "tests/signkit.h"

#define WHO "\"oidcIssuer\":\"https://issuer.test\",\"subjectEmail\":\"dev@example.test\""
#define ROOTED(who)                                                                                \
    "{\"type\":\"sigstoreSigned\",\"fulcio\":{" who "},\"trustedRootPath\":\"root\"}"

static inline cJSON *
golden_json(const char *text)
{
    return signkit_parse(text);
}

/* The only entry of the log in golden_bundle; lent by json. */
static inline cJSON *
golden_entry(const cJSON *json)
{
    const cJSON *list = coco_json_at(json, "/verificationMaterial/tlogEntries");

    assert_int_equal(cJSON_GetArraySize(list), 1);
    return list->child;
}

static inline void
golden_trust(struct coco_trust *trust)
{
    *trust = (struct coco_trust){0};
    assert_int_equal(coco_trusted_root_parse(golden_root, strlen(golden_root), trust, NULL),
                     COCO_OK);
    trust->by_certificate = true;
    trust->issuer = "https://issuer.test";
    trust->email = "dev@example.test";
}

/* What an entry of a log must be about, of a bundle by a certificate. */
static inline void
golden_subject(const struct coco_sigstore_bundle *bundle, struct coco_log_subject *ret)
{
    const struct coco_dsse *dsse = &bundle->envelope;
    const struct coco_buf *signature =
        bundle->is_message ? &bundle->message.signature : &dsse->signature;

    *ret = (struct coco_log_subject){
        .signed_data = dsse->signed_data.data,
        .signed_len = dsse->signed_data.len,
        .digest = bundle->is_message ? &bundle->message.digest : NULL,
        .signature = signature->data,
        .signature_len = signature->len,
        .signature_text = dsse->signature_text,
        .payload = dsse->payload.data,
        .payload_len = dsse->payload.len,
        .cert = bundle->signer.cert,
    };
}

/* golden_bundle, whose signature, log and stamps hold: what is left is the certificate. */
static inline void
golden_signer_of(struct coco_sigstore_bundle *bundle, const struct coco_trust *trust)
{
    const struct coco_dsse *dsse = &bundle->envelope;
    struct coco_log_subject subject = {0};
    _cleanup_buf_ struct coco_buf detail = {.limit = 1024};
    coco_error *err = NULL;

    *bundle = (struct coco_sigstore_bundle){0};
    assert_ok(coco_sigstore_bundle_parse(golden_bundle, strlen(golden_bundle), bundle, &err), err);
    assert_ok(coco_signer_check_signature(&bundle->signer, trust, &dsse->signed_data,
                                          &dsse->signature, &detail, &err),
              err);
    golden_subject(bundle, &subject);
    assert_ok(coco_signer_check_log(&bundle->signer, trust, &subject, &detail, &err), err);
    assert_ok(coco_signer_check_stamps(&bundle->signer, trust, dsse->signature.data,
                                       dsse->signature.len, &detail, &err),
              err);
    assert_int_equal(bundle->signer.n_times, 2);
}

/* Replaces the text at a pointer's object. */
static inline void
golden_set(cJSON *json, const char *object, const char *name, cJSON *value)
{
    cJSON *at = (cJSON *)(uintptr_t)coco_json_at(json, object);

    assert_non_null(at);
    cJSON_DeleteItemFromObjectCaseSensitive(at, name);
    if (value)
        assert_true(cJSON_AddItemToObject(at, name, value));
}

static inline char *
golden_text(const cJSON *json)
{
    struct coco_buf text = {.limit = 1 << 20};

    assert_int_equal(coco_json_write(json, COCO_JSON_COMPACT, &text, NULL), COCO_OK);
    return (char *)text.data;
}

#endif
