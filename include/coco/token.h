/*
 * coco/token.h - attestation tokens, for whoever relies on them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TOKEN_H
#define COCO_TOKEN_H

#include <coco/bytes.h>
#include <coco/context.h>
#include <coco/error.h>
#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * A guest that has attested to a broker, coco_kbc_attest() or coco_kbc_attest_for(), has a
 * token of it: a JWT (RFC 7519) whose claims are an attestation result (EAR,
 * draft-ietf-rats-ear). It may show that to a third party, which believes the broker and
 * needs neither evidence nor collateral:
 *
 *     token -> signature, by a key that is trusted -> times, issuer, audience
 *           -> what each part of the guest came to -> claims
 *
 * Tokens of Trustee and of the broker of this library are alike in this.
 *
 * Threads: a verifier is set up by one thread; any number of them may then verify, each
 * with a context of its own.
 */

/** Somebody who relies on tokens. */
typedef struct coco_token_verifier coco_token_verifier;

/**
 * Creates one who trusts nobody yet, and accepts guests that are `affirming`.
 *
 * @param ret  the verifier; free with coco_token_verifier_free()
 * @param err  ::COCO_ERR_NOMEM
 */
COCO_API COCO_MUST_CHECK coco_status coco_token_verifier_new(coco_token_verifier **ret,
                                                             coco_error **err);

/** Frees @p verifier; NULL is fine. */
COCO_API void coco_token_verifier_free(coco_token_verifier *verifier);

/**
 * Trusts what is signed by one of the keys of a set, instead of those set before. A token
 * names its key by `kid`; where it names none, the set must be of one key alone.
 *
 * @param verifier  whose
 * @param json      a JWK set (RFC 7517 section 5): at most 64 keys in 256 KiB
 * @param len       number of its bytes
 * @param err       ::COCO_ERR_PROTO for what is none, ::COCO_ERR_LIMIT for a larger one
 */
COCO_API COCO_MUST_CHECK coco_status coco_token_verifier_set_keys(coco_token_verifier *verifier,
                                                                  const uint8_t *json, size_t len,
                                                                  coco_error **err);

/**
 * Trusts what is signed by whom a certificate below one of these names, instead of those
 * set before. A token brings its chain along as `x5c`, in its header (RFC 7515 section
 * 4.1.6) or, as Trustee has it, in the header's `jwk`. One that says what its key is for must
 * say that it signs.
 *
 * @param verifier  whose
 * @param pem       at most 6 certificates
 * @param len       number of its bytes
 * @param err       ::COCO_ERR_PROTO for what is none, ::COCO_ERR_LIMIT for more
 */
COCO_API COCO_MUST_CHECK coco_status coco_token_verifier_set_roots(coco_token_verifier *verifier,
                                                                   const uint8_t *pem, size_t len,
                                                                   coco_error **err);

/**
 * Demands tokens of one issuer: their `iss`. Where neither keys nor roots are set, its keys
 * are got from itself (OpenID Connect Discovery 1.0 section 4), when a token is verified
 * and again when they are 5 minutes old or one that is not among them is named, at most
 * every 30 seconds, or 5 where they could not be had; it must then be an address of https.
 *
 * @param verifier  whose
 * @param issuer    such as `https://kbs.example`; NULL: any
 * @param err       ::COCO_ERR_INVALID for an empty one, and for an address that has a user, a
 *                  query or a fragment
 */
COCO_API COCO_MUST_CHECK coco_status coco_token_verifier_set_issuer(coco_token_verifier *verifier,
                                                                    const char *issuer,
                                                                    coco_error **err);

/**
 * Trusts, when keys are got from an issuer, servers with a certificate below one of these
 * instead of the system's.
 *
 * @param verifier  whose
 * @param pem       certificates
 * @param len       number of its bytes
 * @param err       ::COCO_ERR_PROTO for what is none
 */
COCO_API COCO_MUST_CHECK coco_status coco_token_verifier_set_tls_ca(coco_token_verifier *verifier,
                                                                    const uint8_t *pem, size_t len,
                                                                    coco_error **err);

/**
 * Demands tokens that are for @p audience: one of their `aud`. Without one, a token that is
 * for anybody in particular is refused (RFC 7519 section 4.1.3).
 *
 * @param verifier  whose
 * @param audience  who relies on the token, such as `https://bank.example`; NULL: nobody
 * @param err       ::COCO_ERR_INVALID for an empty one
 */
COCO_API COCO_MUST_CHECK coco_status coco_token_verifier_set_audience(coco_token_verifier *verifier,
                                                                      const char *audience,
                                                                      coco_error **err);

/**
 * Sets what the worst part of a guest, `ear.status` of each of `submods`, may have come to.
 *
 * @param verifier  whose
 * @param status    `affirming`; `warning`: that or affirming; `contraindicated`: any verdict,
 *                  be it as bad as it may; `none`: all, also what nothing is known of
 * @param err       ::COCO_ERR_INVALID for another word
 */
COCO_API COCO_MUST_CHECK coco_status coco_token_verifier_accept(coco_token_verifier *verifier,
                                                                const char *status,
                                                                coco_error **err);

/** Verifies as of @p now, seconds since 1970, in place of the time of each call. */
COCO_API void coco_token_verifier_set_time(coco_token_verifier *verifier, int64_t now);

/**
 * Verifies a token. Its clock may differ from this machine's by a minute. The key that a
 * token itself holds is never trusted for that.
 *
 * @param verifier  who relies on it
 * @param ctx       cancellation
 * @param token     the text: three parts in base64url, with "." between them
 * @param len       number of its bytes; at most 4 MiB
 * @param ret       its claims, the JSON as it was signed; free with coco_bytes_free()
 * @param err       ::COCO_ERR_INVALID where @p verifier trusts nobody; ::COCO_ERR_PROTO for
 *                  what is no such token; ::COCO_ERR_VERIFY for one that is not of whom is
 *                  trusted, not for the audience, or not of now; ::COCO_ERR_DENIED for a
 *                  guest that is not accepted; ::COCO_ERR_NET and ::COCO_ERR_NOTFOUND where
 *                  the issuer's keys cannot be had; ::COCO_ERR_LIMIT, ::COCO_ERR_CANCELED
 */
COCO_API COCO_MUST_CHECK coco_status coco_token_verify(coco_token_verifier *verifier, coco_ctx *ctx,
                                                       const uint8_t *token, size_t len,
                                                       coco_bytes **ret, coco_error **err);

#ifdef __cplusplus
}
#endif

#endif
