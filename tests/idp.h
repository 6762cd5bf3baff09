/*
 * tests/idp.h - an identity provider of a test: keys and what it says of itself, by https
 *
 *     idp_start(&idp);            idp.issuer is "https://127.0.0.1:<port>"
 *     idp_add(&idp, COCO_KEY_P256, "a");
 *     ... idp_token(&idp, 0, claims, …) ...
 *     idp_stop(&idp);
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_IDP_H
#define COCO_TESTS_IDP_H

#include "base/json.h"
#include "crypto/jwk.h"
#include "crypto/jws.h"

#include "tests/httpd.h"
#include "tests/pki.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define IDP_KEYS_MAX 5

struct idp {
    struct httpd httpd;
    struct pki_cert ca, cert;
    char *ca_pem;
    SSL_CTX *tls;
    char issuer[64];
    EVP_PKEY *keys[IDP_KEYS_MAX];
    char kids[IDP_KEYS_MAX][8];
    size_t n;

    pthread_mutex_t lock; /* of what it says */
    const char *status;   /* of /jwks */
    char jwks[8192];
    char about[512];
    unsigned asked; /* for /jwks */
};

static inline bool
idp_answer(void *user, const struct httpd_request *request)
{
    struct idp *idp = user;
    bool open = false;

    (void)pthread_mutex_lock(&idp->lock);
    if (strcmp(request->target, "/jwks") == 0) {
        idp->asked++;
        open = httpd_reply(request->httpd, idp->status, "", idp->jwks);
    } else if (strcmp(request->target, "/.well-known/openid-configuration") == 0) {
        open = httpd_reply(request->httpd, "200 OK", "", idp->about);
    } else {
        open = httpd_reply(request->httpd, "404 Not Found", "", "<html>");
    }
    (void)pthread_mutex_unlock(&idp->lock);
    return open;
}

static inline void
idp_say(struct idp *idp, const char *status, const char *jwks, const char *about)
{
    (void)pthread_mutex_lock(&idp->lock);
    idp->status = status;
    if (jwks)
        (void)snprintf(idp->jwks, sizeof(idp->jwks), "%s", jwks);
    if (about)
        (void)snprintf(idp->about, sizeof(idp->about), "%s", about);
    (void)pthread_mutex_unlock(&idp->lock);
}

static inline unsigned
idp_asked(struct idp *idp)
{
    (void)pthread_mutex_lock(&idp->lock);
    unsigned asked = idp->asked;
    (void)pthread_mutex_unlock(&idp->lock);
    return asked;
}

/* Says the keys from the one with index first on. */
static inline void
idp_publish(struct idp *idp, size_t first)
{
    _cleanup_json_ cJSON *set = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = sizeof(idp->jwks)};
    cJSON *list = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_new_object(&set, &err), err);
    assert_ok(coco_json_add_array(set, "keys", &list, &err), err);
    for (size_t i = first; i < idp->n; i++) {
        cJSON *jwk = NULL;

        assert_ok(coco_jwk_public(idp->keys[i], NULL, &jwk, &err), err);
        assert_ok(coco_json_add_string(jwk, "kid", idp->kids[i], &err), err);
        assert_ok(coco_json_add_item(list, NULL, jwk, &err), err);
    }
    assert_ok(coco_json_write(set, COCO_JSON_COMPACT, &text, &err), err);
    idp_say(idp, "200 OK", coco_buf_text(&text), NULL);
}

static inline void
idp_add(struct idp *idp, enum coco_key_kind kind, const char *kid)
{
    coco_error *err = NULL;

    assert_true(idp->n < IDP_KEYS_MAX);
    assert_ok(coco_key_generate(kind, &idp->keys[idp->n], &err), err);
    (void)snprintf(idp->kids[idp->n], sizeof(idp->kids[0]), "%s", kid);
    idp->n++;
    idp_publish(idp, 0);
}

static inline void
idp_start(struct idp *idp)
{
    char about[256];

    *idp = (struct idp){.status = "200 OK", .jwks = "{\"keys\":[]}"};
    (void)pthread_mutex_init(&idp->lock, NULL);
    pki_make(&idp->ca, NULL, NULL, 30);
    pki_make(&idp->cert, &idp->ca, "127.0.0.1", 30);
    idp->ca_pem = pki_pem(&idp->ca);
    idp->tls = pki_server(&idp->cert, NULL);
    httpd_start(&idp->httpd, idp_answer, idp, idp->tls);
    (void)snprintf(idp->issuer, sizeof(idp->issuer), "https://127.0.0.1:%d", idp->httpd.port);
    (void)snprintf(about, sizeof(about), "{\"issuer\":\"%s\",\"jwks_uri\":\"%s/jwks\"}",
                   idp->issuer, idp->issuer);
    idp_say(idp, "200 OK", NULL, about);
}

static inline void
idp_stop(struct idp *idp)
{
    httpd_stop(&idp->httpd);
    SSL_CTX_free(idp->tls);
    OPENSSL_free(idp->ca_pem);
    pki_done(&idp->cert);
    pki_done(&idp->ca);
    for (size_t i = 0; i < idp->n; i++)
        EVP_PKEY_free(idp->keys[i]);
    (void)pthread_mutex_destroy(&idp->lock);
}

/* "Bearer <JWT>" of these claims, signed with the key, which has kid in its header unless NULL. */
static inline void
idp_sign(EVP_PKEY *key, const char *kid, const char *claims, char *buf, size_t size)
{
    _cleanup_json_ cJSON *payload = NULL;
    _cleanup_json_ cJSON *header = NULL;
    _cleanup_buf_ struct coco_buf token = {.limit = 8192};
    coco_error *err = NULL;

    assert_ok(coco_json_parse_object(claims, strlen(claims), &payload, &err), err);
    assert_ok(coco_json_new_object(&header, &err), err);
    if (kid)
        assert_ok(coco_json_add_string(header, "kid", kid, &err), err);
    assert_ok(coco_buf_append_text(&token, "Bearer ", &err), err);
    assert_ok(coco_jws_sign(key, header, payload, &token, &err), err);
    assert_true(token.len < size);
    memcpy(buf, coco_buf_text(&token), token.len + 1);
}

#endif
