/*
 * net/hop_tls.c - TLS of one exchange, inside of net/http.c: what is asked of libcurl, and heard
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/hop_tls.h"

#include <openssl/ssl.h>

/*
 * libcurl has one callback for the connection with a peer and the one with a proxy that
 * speaks TLS itself, and does not say which is meant: coco_hop_set_proxy_tls() leaves a mark.
 */
#define PROXY_TLS_MAX CURL_SSLVERSION_MAX_TLSv1_3
#define PROXY_TLS_MARK TLS1_3_VERSION

static bool
is_with_proxy(SSL_CTX *tls)
{
    return SSL_CTX_get_max_proto_version(tls) == PROXY_TLS_MARK;
}

/* libcurl tells some certificates that do not verify from other failures of TLS, not all. */
static int
on_verify(int ok, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct coco_http *http = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (!ok) {
        http->distrust = X509_STORE_CTX_get_error(store);
        http->of_proxy = is_with_proxy(SSL_get_SSL_CTX(ssl));
    }
    return ok;
}

/* Alerts about the certificate that we showed, or did not (RFC 8446 section 6.2). */
static bool
is_about_certificates(int alert)
{
    return (alert >= SSL_AD_BAD_CERTIFICATE && alert <= SSL_AD_CERTIFICATE_UNKNOWN)
           || alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_ACCESS_DENIED
           || alert == SSL_AD_CERTIFICATE_REQUIRED;
}

static void
on_tls_message(int sent, int version, int type, const void *data, size_t len, SSL *ssl, void *user)
{
    struct coco_http *http = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const uint8_t *bytes = data;

    (void)version, (void)user;
    http->heard = http->heard || !sent;
    if (!sent && type == SSL3_RT_HANDSHAKE && len > 0 && bytes[0] == SSL3_MT_CERTIFICATE_REQUEST)
        http->asked = true;
    if (!sent && type == SSL3_RT_ALERT && len == 2 && is_about_certificates(bytes[1]))
        http->refusal = bytes[1];
}

/* A connection outlives its first hop, and says a word when it is closed: http outlives both. */
static CURLcode
on_tls(CURL *easy, void *tls, void *user)
{
    struct coco_hop *hop = user;

    (void)easy;
    SSL_CTX_set_app_data(tls, hop->http);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, on_verify);
    SSL_CTX_set_msg_callback(tls, on_tls_message);
    /* What the owner gave is where trust begins, be it a root or the peer's own certificate. */
    if (hop->http->ca.len > 0)
        (void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(tls), X509_V_FLAG_PARTIAL_CHAIN);
    if (!is_with_proxy(tls))
        hop->status = coco_peers_use(&hop->http->peers, hop->url->origin, tls, hop->err);
    return hop->status == COCO_OK ? CURLE_OK : CURLE_ABORTED_BY_CALLBACK;
}

void
coco_hop_set_tls(struct coco_hop *hop, CURLcode *rc)
{
    struct coco_http *http = hop->http;
    struct curl_blob ca = {.data = http->ca.data, .len = http->ca.len};
    CURL *easy = http->easy;

    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, hop));
    /* A store that is shared by connections would have the CAs of one peer trusted for all. */
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L));
    if (ca.len == 0)
        return;
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca));
    /* The blob takes the place of the system's file only, not of its directory. */
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_CAPATH, NULL));
}

void
coco_hop_set_proxy_tls(const struct coco_hop *hop, CURLcode *rc)
{
    struct curl_blob ca = {.data = hop->http->ca.data, .len = hop->http->ca.len};
    CURL *easy = hop->http->easy;

    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION,
                                       (long)(CURL_SSLVERSION_TLSv1_2 | PROXY_TLS_MAX)));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 1L));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 2L));
    if (ca.len == 0)
        return;
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO_BLOB, &ca));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL));
}
