/*
 * rcar/messages.h - the messages of the KBS protocol
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RCAR_MESSAGES_H
#define COCO_RCAR_MESSAGES_H

#include "base/digest.h"
#include "base/json.h"
#include "crypto/key.h"
#include "rcar/version.h"

/*
 * Request, Challenge, Attestation, Response: what a guest and a key broker
 * service say to each other. Client and server build and read them with the
 * same functions; nothing here sends or receives.
 *
 *     client                              server
 *     request_build        ->  /auth      request_parse
 *     challenge_parse      <-             challenge_build
 *     tee_key_build, report_data
 *     attestation_build    ->  /attest    attestation_parse, tee_key_parse, report_data
 *     token_parse          <-             token_build
 *     response_open        <-  /resource  response_build
 *     error_parse          <-             error_build, whenever it says no
 *
 * The version of the first holds for all that follow it. The guest's key is in
 * rcar/tee_key.h, what is encrypted to it in rcar/response.h. Facts: kbs-protocol A.
 */

/* In front of every path, for every version of the protocol. */
#define COCO_RCAR_PREFIX "/kbs/v0"

/* The cookie that joins /auth, /attest and what follows (A.2). */
#define COCO_RCAR_COOKIE "kbs-session-id"

#define COCO_RCAR_TEE_MAX 31
#define COCO_RCAR_DEVICES_MAX 16
#define COCO_RCAR_NONCE_MAX ((size_t)16 << 10) /* for "se" it is a JSON document (A.3) */
#define COCO_RCAR_TOKEN_MAX ((size_t)1 << 20)  /* a token holds the claims of every device */
#define COCO_RCAR_BODY_MAX ((size_t)2 << 20)   /* of any message; upstream's payload_request_size */
#define COCO_RCAR_AUDIENCE_MAX 255

/* ---- Request: who wants to attest ---- */

struct coco_rcar_request {
    enum coco_rcar_version version;
    char tee[COCO_RCAR_TEE_MAX + 1];           /* [a-z0-9-]+, not necessarily one we know */
    char audience[COCO_RCAR_AUDIENCE_MAX + 1]; /* whom the token is for; "": this server */
    bool lists_algs;                           /* it says which hashes it can bind evidence with, */
    bool lists_sha512;                         /* and this is one of them */
};

/* COCO_ERR_INVALID unless text may be the "aud" of a token: printable ASCII, as of a URI. */
coco_status coco_rcar_audience_check(const char *text, coco_error **err);

/*
 * audience, NULL for none, goes into extra-params, where upstream's servers overlook it;
 * COCO_ERR_NOTSUP in 0.1.0, which has no place for it.
 */
coco_status coco_rcar_request_build(enum coco_rcar_version version, const char *tee,
                                    const char *audience, struct coco_buf *buf, coco_error **err);

/* COCO_ERR_NOTSUP, with upstream's words, for an unknown version; COCO_ERR_PROTO for malformed. */
coco_status coco_rcar_request_parse(const void *text, size_t len, struct coco_rcar_request *ret,
                                    coco_error **err);

/* ---- Challenge: what the evidence must be bound to ---- */

struct coco_rcar_challenge {
    char *nonce;            /* never empty */
    enum coco_hash_alg alg; /* COCO_SHA384 unless the server selected COCO_SHA512 */
};

/* 32 random bytes in base64, as a server sends them. */
coco_status coco_rcar_nonce_new(struct coco_buf *buf, coco_error **err);

/* alg COCO_SHA384, which goes without saying, or COCO_SHA512. */
coco_status coco_rcar_challenge_build(const char *nonce, enum coco_hash_alg alg,
                                      struct coco_buf *buf, coco_error **err);

/*
 * extra-params may be missing or of any type; a selected-hash-algorithm in it
 * that is weaker than SHA-384 is COCO_ERR_DENIED: the peer must not choose the
 * strength of what binds our evidence (T25 in doc/threats.md).
 */
coco_status coco_rcar_challenge_parse(const void *text, size_t len, struct coco_rcar_challenge *ret,
                                      coco_error **err);
void coco_rcar_challenge_done(struct coco_rcar_challenge *challenge);
#define _cleanup_challenge_ _cleanup_(coco_rcar_challenge_done)

/* ---- Attestation: the evidence ---- */

struct coco_rcar_attestation {
    const char *nonce;
    const char *init_data;  /* the TOML text, or NULL */
    const char *additional; /* JSON text {"<tee>": <evidence>, …}, or "" */
    const cJSON *tee_pubkey;
    const cJSON *evidence; /* of the TEE named in the request: any JSON value, its bytes packed */
    cJSON *tree;           /* what was parsed, which the others point into; or NULL */
    EVP_PKEY *key;         /* tee_pubkey of what was parsed; or NULL */
};

/*
 * additional NULL is "". COCO_ERR_NOTSUP for what this version cannot send: no
 * init-data before 0.4.0, no devices before 0.3.0.
 */
coco_status coco_rcar_attestation_build(enum coco_rcar_version version,
                                        const struct coco_rcar_attestation *attestation,
                                        struct coco_buf *buf, coco_error **err);

/*
 * tee_pubkey is an object that coco_rcar_tee_key_parse() takes; evidence is as
 * hostile as it came. nonce is NULL before 0.4.0: what the server remembers is
 * the only one there is.
 */
coco_status coco_rcar_attestation_parse(enum coco_rcar_version version, const void *text,
                                        size_t len, struct coco_rcar_attestation *ret,
                                        coco_error **err);
/* The same for who reads many, with a key to take the curve from: coco_jwk_parse_like(). */
coco_status coco_rcar_attestation_parse_like(enum coco_rcar_version version, const void *text,
                                             size_t len, const EVP_PKEY *like,
                                             struct coco_rcar_attestation *ret, coco_error **err);
void coco_rcar_attestation_done(struct coco_rcar_attestation *attestation);
#define _cleanup_attestation_ _cleanup_(coco_rcar_attestation_done)

/* What evidence is bound to. */
struct coco_rcar_binding {
    enum coco_rcar_version version;
    enum coco_hash_alg alg;
    const char *nonce;
    const cJSON *tee_pubkey;
    const char *additional; /* evidence of devices; NULL is "" */
};

/*
 * What primary evidence is bound to: alg over the RFC 8785 text of
 * {"additional-evidence","nonce","tee-pubkey"} (A.4), of which the first is there
 * from 0.3.0 on.
 */
coco_status coco_rcar_report_data(const struct coco_rcar_binding *binding, struct coco_digest *ret,
                                  coco_error **err);

/* What evidence of an additional device is bound to: the same over {"nonce","tee-pubkey"}. */
coco_status coco_rcar_device_report_data(const struct coco_rcar_binding *binding,
                                         struct coco_digest *ret, coco_error **err);

/* The object that primary evidence is bound to: the runtime_data_claims of a token. */
coco_status coco_rcar_runtime_data(const struct coco_rcar_binding *binding, cJSON **ret,
                                   coco_error **err);

/* ---- Response: the token ---- */

coco_status coco_rcar_token_build(const char *token, struct coco_buf *buf, coco_error **err);

/* Appends the token, a compact JWS by its characters; nothing in it is verified. */
coco_status coco_rcar_token_parse(const void *text, size_t len, struct coco_buf *token,
                                  coco_error **err);

/* ---- ErrorInformation: no ---- */

#define COCO_RCAR_ERROR_TYPE "https://github.com/confidential-containers/kbs/errors/"

/* Upstream's member names and one of our own, "id", that the owner finds in the log. */
struct coco_rcar_error {
    char name[64];    /* "PolicyDeny", without COCO_RCAR_ERROR_TYPE; "" if unknown */
    char detail[512]; /* printable: escaped and cut */
    char id[64];      /* [A-Za-z0-9-]*; "" if there is none */
};

/* id may be NULL. */
coco_status coco_rcar_error_build(const char *name, const char *detail, const char *id,
                                  const char *trace, struct coco_buf *buf, coco_error **err);
/* COCO_ERR_PROTO if it is no ErrorInformation: proxies have error pages of their own. */
coco_status coco_rcar_error_parse(const void *text, size_t len, struct coco_rcar_error *ret,
                                  coco_error **err);

#endif
