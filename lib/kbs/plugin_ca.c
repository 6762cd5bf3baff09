/*
 * kbs/plugin_ca.c - the plug-in "ca": short-lived certificates for attested guests
 *
 *     POST /kbs/v0/ca/certificate   a guest's PKCS#10 -> its certificate, and those above it
 *     GET  /kbs/v0/ca/bundle        the root, for everybody
 *
 * A token is shown by whoever has it. Who has stolen one gets a certificate for a key of his
 * own, encrypted to the key of the guest that it was stolen from.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/plugin_builtin.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/secret.h"
#include "base/text.h"
#include "crypto/csr.h"
#include "kbs/ca.h"
#include "kbs/config_field.h"
#include "kbs/spiffe.h"
#include "rcar/tee_key.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define CHAIN_MAX ((size_t)256 << 10)
#define SUBMODS_MAX ((size_t)4 << 20)
#define TEE_KEY_ID_SIZE 43
#define LIFETIME_MIN UINT64_C(60)
#define LIFETIME_MIN_MAX UINT64_C(10080) /* a week */

struct plugin_ca {
    const struct coco_kbs_core *core;
    struct coco_ca ca;
    char *trust_domain;
    char *path; /* a template */
    uint64_t duration_min;
};

static void
plugin_ca_free(void *user)
{
    struct plugin_ca *self = user;

    coco_ca_done(&self->ca);
    free(self->trust_domain);
    free(self->path);
    free(self);
}

static coco_status
plugin_ca_make(const struct coco_kbs_core *core, void **ret, coco_error **err)
{
    struct plugin_ca *self = calloc(1, sizeof(*self));

    if (!self)
        return coco_fail_nomem(err);
    self->core = core;
    self->duration_min = LIFETIME_MIN;
    *ret = self;
    return COCO_OK;
}

/* ---- configuration ---- */

/* Texts that are read and then no more needed. */
struct texts {
    char *certificate;
    char *private_key;
};

static void
texts_done(struct texts *texts)
{
    free(texts->certificate);
    if (texts->private_key)
        OPENSSL_cleanse(texts->private_key, strlen(texts->private_key));
    free(texts->private_key);
}

static coco_status
configure(struct plugin_ca *self, const char *config, coco_error **err)
{
    _cleanup_(texts_done) struct texts texts = {0};
    _cleanup_json_ cJSON *object = NULL;
    const struct coco_kbs_field fields[] = {
        {"certificate", COCO_FIELD_PEM, &texts.certificate, 0, 0, NULL},
        {"private_key", COCO_FIELD_PEM, &texts.private_key, 0, 0, NULL},
        {"trust_domain", COCO_FIELD_TEXT, &self->trust_domain, 0, 0, NULL},
        {"path", COCO_FIELD_TEXT, &self->path, 0, 0, NULL},
        {"duration_min", COCO_FIELD_NUMBER, &self->duration_min, 1, LIFETIME_MIN_MAX, NULL},
    };

    coco_status status = coco_json_parse_object(config, strlen(config), &object, err);
    if (status == COCO_OK)
        status = COCO_KBS_READ(object, fields, err);
    if (status != COCO_OK)
        return status;
    if (!texts.certificate || !texts.private_key || !self->trust_domain || !self->path)
        return coco_fail(err, COCO_ERR_PROTO,
                         "needs certificate, private_key, trust_domain and path");
    status = coco_spiffe_check_domain(self->trust_domain, err);
    if (status == COCO_OK)
        status = coco_spiffe_check_template(self->path, err);
    if (status == COCO_OK)
        status = coco_ca_read(texts.certificate, texts.private_key, &self->ca, err);
    return status;
}

/* ---- certificates ---- */

/* What is known about a guest. */
struct facts {
    cJSON *claims;
    struct coco_digest evidence; /* SHA-256 of the claims about its devices, as RFC 8785 has them */
    char evidence_text[2 * COCO_DIGEST_SIZE_MAX + 1];
    struct coco_buf tee_key; /* its thumbprint */
    struct coco_buf tee_key_text;
};

static void
facts_done(struct facts *facts)
{
    coco_json_free(facts->claims);
    coco_buf_done(&facts->tee_key);
    coco_buf_done(&facts->tee_key_text);
}

static coco_status
digest_evidence(struct facts *facts, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = SUBMODS_MAX};
    const cJSON *submods = NULL;

    coco_status status = coco_json_get_object(facts->claims, "submods", &submods, err);
    if (status == COCO_OK)
        status = coco_json_write(submods, COCO_JSON_CANONICAL, &text, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, text.data, text.len, &facts->evidence, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "evidence");
    coco_hex(facts->evidence.bytes, coco_hash_size(COCO_SHA256), facts->evidence_text);
    return COCO_OK;
}

static coco_status
read_facts(const char *claims, struct facts *facts, coco_error **err)
{
    const cJSON *jwk = NULL;

    coco_status status = coco_json_parse_object(claims, strlen(claims), &facts->claims, err);
    if (status == COCO_OK)
        status = digest_evidence(facts, err);
    if (status == COCO_OK)
        status = coco_rcar_tee_key_of_token(facts->claims, NULL, &jwk, err);
    if (status == COCO_OK)
        status = coco_rcar_tee_key_id(jwk, &facts->tee_key_text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64URL, coco_buf_text(&facts->tee_key_text),
                                    facts->tee_key_text.len, &facts->tee_key, err);
    return status;
}

/* Before it is given: what is not on record is not given. */
static void
put_on_record(coco_kbs_reply *reply, const uint8_t serial[COCO_CA_SERIAL_SIZE], const char *uri)
{
    char hex[2 * COCO_CA_SERIAL_SIZE + 1];
    char note[COCO_KBS_NOTE_SIZE];

    coco_hex(serial, COCO_CA_SERIAL_SIZE, hex);
    (void)snprintf(note, sizeof(note), "serial %s of %s", hex, uri);
    coco_kbs_reply_note(reply, note);
}

static coco_status
issue(const struct plugin_ca *self, const coco_kbs_request *request, coco_kbs_reply *reply,
      coco_error **err)
{
    _cleanup_(facts_done) struct facts facts = {
        .tee_key = {.limit = COCO_DIGEST_SIZE_MAX},
        .tee_key_text = {.limit = TEE_KEY_ID_SIZE},
    };
    _cleanup_buf_ struct coco_buf uri = {.limit = COCO_SPIFFE_ID_MAX};
    _cleanup_buf_ struct coco_buf chain = {.limit = CHAIN_MAX};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_cert_ X509 *cert = NULL;
    uint8_t serial[COCO_CA_SERIAL_SIZE];

    coco_status status = coco_csr_parse(request->body, request->len, &key, err);
    if (status == COCO_OK)
        status = read_facts(request->claims, &facts, err);
    if (status != COCO_OK)
        return status;
    const struct coco_spiffe_facts known = {
        .claims = facts.claims,
        .tee_key = coco_buf_text(&facts.tee_key_text),
        .evidence = facts.evidence_text,
    };
    status = coco_spiffe_id(self->trust_domain, self->path, &known, &uri, err);
    const struct coco_ca_order order = {
        .key = key,
        .uri = coco_buf_text(&uri),
        .evidence = facts.evidence.bytes,
        .tee_key = facts.tee_key.data,
        .now = self->core->now(),
        .lifetime = 60 * (int64_t)self->duration_min,
    };
    if (status == COCO_OK)
        status = coco_ca_issue(&self->ca, &order, &cert, serial, err);
    if (status == COCO_OK)
        status = coco_ca_append_chain(&self->ca, cert, &chain, err);
    if (status != COCO_OK)
        return status;
    put_on_record(reply, serial, order.uri);
    coco_kbs_reply_give(reply, chain.data, chain.len);
    return COCO_OK;
}

static coco_status
give_root(const struct plugin_ca *self, coco_kbs_reply *reply, coco_error **err)
{
    _cleanup_buf_ struct coco_buf root = {.limit = CHAIN_MAX};

    coco_status status = coco_ca_append_root(&self->ca, &root, err);
    if (status == COCO_OK)
        /* RFC 8555 section 9.1 */
        coco_kbs_reply_give_public(reply, "application/pem-certificate-chain", root.data, root.len);
    return status;
}

/* ---- as a plug-in ---- */

static bool
is(const coco_kbs_request *request, const char *method, const char *path)
{
    return strcmp(request->method, method) == 0 && strcmp(request->path, path) == 0;
}

static coco_kbs_access
plugin_ca_access(void *user, const coco_kbs_request *request)
{
    (void)user;
    if (is(request, "POST", "certificate"))
        return COCO_KBS_ACCESS_GUEST;
    return is(request, "GET", "bundle") ? COCO_KBS_ACCESS_PUBLIC : COCO_KBS_ACCESS_NONE;
}

static void
fail(coco_kbs_reply *reply, coco_status status, coco_error *err)
{
    coco_kbs_reply_fail(reply, status, coco_error_message(err));
    coco_error_free(err);
}

static void
plugin_ca_handle(void *user, coco_ctx *ctx, const coco_kbs_request *request, coco_kbs_reply *reply)
{
    coco_error *err = NULL;

    (void)ctx;
    coco_status status = strcmp(request->method, "POST") == 0 ? issue(user, request, reply, &err)
                                                              : give_root(user, reply, &err);
    if (status != COCO_OK)
        fail(reply, status, err);
}

static void
plugin_ca_configure(void *user, coco_ctx *ctx, const char *config, coco_kbs_reply *reply)
{
    coco_error *err = NULL;

    (void)ctx;
    coco_status status = configure(user, config, &err);
    if (status != COCO_OK)
        fail(reply, status, err);
}

const struct coco_kbs_builtin coco_kbs_plugin_ca = {
    .functions =
        {
            .size = sizeof(coco_kbs_plugin),
            .name = "ca",
            .handle = plugin_ca_handle,
            .access = plugin_ca_access,
            .configure = plugin_ca_configure,
            .destroy = plugin_ca_free,
        },
    .make = plugin_ca_make,
};
