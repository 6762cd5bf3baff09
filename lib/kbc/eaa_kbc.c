/*
 * kbc/eaa_kbc.c - secrets of Verdictd, over TLS that attests (RATS-TLS)
 *
 * The guest's certificate holds its evidence. Verdictd's own is made anew each time that it
 * starts, and signed by nobody else: upstream's client takes any. Here a CA must vouch for it,
 * unless the parameters begin with "unverified:", for then whoever is on the way may hand out
 * secrets of their own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/eaa_kbc.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/json.h"
#include "kbc/verdictd.h"
#include "net/peer.h"
#include "net/retry.h"

#include <pthread.h>
#include <string.h>

#define UNVERIFIED "unverified:"
#define TIMEOUT_MS ((uint64_t)60 * 1000)

struct eaa_kbc {
    struct coco_target target;
    struct coco_tls_options tls;
    struct coco_retry_policy policy;
    coco_attester *attester;
    struct coco_rats_source source;
    pthread_mutex_t lock; /* of tls.own and tls.own_key */
};

static void
eaa_close(void *self)
{
    struct eaa_kbc *kbc = self;

    if (!kbc)
        return;
    coco_certificates_free(kbc->tls.roots);
    X509_free(kbc->tls.own);
    EVP_PKEY_free(kbc->tls.own_key);
    coco_attester_free(kbc->attester);
    (void)pthread_mutex_destroy(&kbc->lock);
    free(kbc);
}

COCO_DEFINE_CLEANUP(struct eaa_kbc *, eaa_close);

static coco_status
trust_anybody(void *self, X509 *peer, coco_error **err)
{
    (void)self, (void)peer, (void)err;
    return COCO_OK;
}

/* The raw quote in what the attester says, which is JSON. */
static coco_status
read_quote(const coco_bytes *evidence, struct coco_buf *quote, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    const char *text = NULL;

    coco_status status = coco_json_parse_object((const char *)coco_bytes_data(evidence),
                                                coco_bytes_size(evidence), &object, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "quote", &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, text, strlen(text), quote, err);
    return status;
}

static coco_status
quote_of_attester(void *self, coco_ctx *ctx, const uint8_t report_data[COCO_RATS_REPORT_DATA_SIZE],
                  struct coco_buf *quote, const char **tee, coco_error **err)
{
    struct eaa_kbc *kbc = self;
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    coco_status status = COCO_OK;

    if (!kbc->attester)
        status = coco_attester_new(NULL, &kbc->attester, err);
    if (status != COCO_OK)
        return status;
    *tee = coco_attester_tee(kbc->attester);
    if (strcmp(*tee, "sgx") != 0 && strcmp(*tee, "tdx") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "eaa_kbc attests SGX and TDX, not %s", *tee);
    status = coco_attester_collect(kbc->attester, ctx, report_data, COCO_RATS_REPORT_DATA_SIZE,
                                   &evidence, err);
    if (status == COCO_OK)
        status = read_quote(evidence, quote, err);
    return status;
}

coco_status
coco_eaa_kbc_open(const struct coco_rats_source *source, const char *uri, void **ret,
                  coco_error **err)
{
    struct eaa_kbc *made = calloc(1, sizeof(*made));
    bool unverified = strncmp(uri, UNVERIFIED, strlen(UNVERIFIED)) == 0;

    if (!made)
        return coco_fail_nomem(err);
    (void)pthread_mutex_init(&made->lock, NULL);
    _cleanup_(eaa_closep) struct eaa_kbc *kbc = made;
    if (unverified) {
        uri += strlen(UNVERIFIED);
        kbc->tls.trust = trust_anybody;
    }
    kbc->source = source ? *source : (struct coco_rats_source){quote_of_attester, kbc};
    coco_status status = coco_target_parse(uri, &kbc->target, err);
    if (status == COCO_OK && kbc->target.is_near)
        status = coco_fail(err, COCO_ERR_INVALID, "'%.100s' is no <host>:<port>", uri);
    if (status != COCO_OK)
        return status;
    kbc->target.tls = true;
    *ret = coco_steal(&kbc);
    return COCO_OK;
}

static coco_status
eaa_open(const char *uri, void **ret, coco_error **err)
{
    return coco_eaa_kbc_open(NULL, uri, ret, err);
}

/* The certificate is made once: nothing in it is of one connection. */
static coco_status
have_certificate(struct eaa_kbc *kbc, coco_ctx *ctx, coco_error **err)
{
    coco_status status = COCO_OK;

    (void)pthread_mutex_lock(&kbc->lock);
    if (!kbc->tls.own)
        status = coco_rats_cert_make(&kbc->source, ctx, &kbc->tls.own, &kbc->tls.own_key, err);
    (void)pthread_mutex_unlock(&kbc->lock);
    return status;
}

/* A key by its path, or a resource: the likelier first, and a connection for each. */
static coco_status
get_once(const struct eaa_kbc *kbc, coco_ctx *ctx, const char *path, bool key,
         struct coco_secret *ret, coco_error **err)
{
    const struct coco_stream_options opts = {.tls = kbc->tls, .timeout_ms = TIMEOUT_MS};
    _cleanup_(coco_stream_freep) struct coco_stream *stream = NULL;

    coco_status status = coco_stream_open(&kbc->target, &opts, ctx, &stream, err);
    if (status == COCO_OK)
        status = coco_verdictd_greet(stream, err);
    if (status == COCO_OK)
        status = key ? coco_verdictd_get_key(stream, path, ret, err)
                     : coco_verdictd_get_resource(stream, path, ret, err);
    return status;
}

static coco_status
get_insisting(const struct eaa_kbc *kbc, coco_ctx *ctx, const char *path, bool key,
              struct coco_secret *ret, coco_error **err)
{
    struct coco_retry retry = {.policy = kbc->policy};

    for (;;) {
        coco_error *why = NULL;
        bool again = false;

        coco_status status = get_once(kbc, ctx, path, key, ret, &why);
        if (status == COCO_ERR_NET) {
            status = coco_retry_wait(&retry, ctx, NULL, coco_error_message(why), &again, err);
            if (status == COCO_OK && again) {
                coco_error_free(why);
                continue;
            }
            if (status != COCO_OK) {
                coco_error_free(why);
                return status;
            }
            status = COCO_ERR_NET;
        }
        if (status != COCO_OK)
            coco_error_give(err, why);
        return status;
    }
}

static coco_status
eaa_get(void *self, coco_ctx *ctx, const struct coco_resource_path *path, coco_bytes **ret,
        coco_error **err)
{
    struct eaa_kbc *kbc = self;
    _cleanup_secret_ struct coco_secret secret = {0};
    bool key = strcmp(path->type, "key") == 0;
    bool missing = false;
    coco_error *why = NULL;

    coco_status status = have_certificate(kbc, ctx, err);
    if (status != COCO_OK)
        return status;
    (void)get_insisting(kbc, ctx, path->text, key, &secret, &why);
    status = coco_forgive(why, COCO_ERR_NOTFOUND, &missing, err);
    if (status == COCO_OK && missing)
        status = get_insisting(kbc, ctx, path->text, !key, &secret, err);
    if (status == COCO_OK)
        status = coco_bytes_new(secret.data, secret.len, ret, err);
    return status;
}

static void
set_attester(void *self, coco_attester *attester)
{
    struct eaa_kbc *kbc = self;

    coco_attester_free(kbc->attester);
    kbc->attester = attester;
}

static coco_status
set_tls_ca(void *self, const uint8_t *pem, size_t len, coco_error **err)
{
    struct eaa_kbc *kbc = self;
    STACK_OF(X509) *roots = NULL;

    coco_status status = coco_certificates_parse(pem, len, &roots, err);
    if (status != COCO_OK)
        return status;
    coco_certificates_free(kbc->tls.roots);
    kbc->tls.roots = roots;
    return COCO_OK;
}

static coco_status
set_proxy(void *self, const char *url, const char *no_proxy, coco_error **err)
{
    (void)self, (void)no_proxy;
    if (url && *url != '\0')
        return coco_fail(err, COCO_ERR_NOTSUP, "eaa_kbc goes through no proxy");
    return COCO_OK;
}

static void
set_retries(void *self, uint32_t retries)
{
    struct eaa_kbc *kbc = self;

    kbc->policy.retries = coco_retries(retries);
}

const struct coco_kbc_driver coco_eaa_kbc = {
    .name = "eaa_kbc",
    .open = eaa_open,
    .close = eaa_close,
    .get = eaa_get,
    .set_attester = set_attester,
    .set_proxy = set_proxy,
    .set_retries = set_retries,
    .set_tls_ca = set_tls_ca,
};
