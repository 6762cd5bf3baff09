/*
 * kbs/se.c - challenges of guests of IBM Secure Execution
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/se.h"

#include "base/fail.h"
#include "base/fd.h"
#include "crypto/cert.h"
#include "verifier/se.h"

#include <string.h>

/* A header has 640 bytes and 80 more for each host; images are files of their own. */
#define HEADER_MAX ((size_t)64 << 10)

struct coco_kbs_se {
    X509 *hosts[COCO_SE_SLOTS_MAX];
    size_t n_hosts;
    struct coco_se_tags tags;
};

static coco_status
add_host(struct coco_kbs_se *se, const char *pem, coco_error **err)
{
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};

    coco_status status = coco_cert_chain_parse(pem, strlen(pem), &chain, err);
    if (status == COCO_OK && chain.n != 1)
        status = coco_fail(err, COCO_ERR_PROTO, "%zu certificates, not one", chain.n);
    if (status != COCO_OK)
        return coco_wrap(err, status, "host_keys: document %zu", se->n_hosts);
    se->hosts[se->n_hosts++] = coco_steal(&chain.certs[0]);
    return COCO_OK;
}

static coco_status
read_hosts(struct coco_kbs_se *se, const struct coco_kbs_texts *pems, coco_error **err)
{
    coco_status status = COCO_OK;

    if (pems->n > COCO_SE_SLOTS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "host_keys: more than %d", COCO_SE_SLOTS_MAX);
    for (size_t i = 0; i < pems->n && status == COCO_OK; i++)
        status = add_host(se, pems->items[i], err);
    return status;
}

static coco_status
read_header(struct coco_kbs_se *se, const char *path, coco_error **err)
{
    _cleanup_buf_ struct coco_buf header = {.limit = HEADER_MAX};

    coco_status status = coco_file_read(path, &header, err);
    if (status == COCO_OK)
        status = coco_se_tags_of_header(header.data, header.len, &se->tags, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "image_header");
}

coco_status
coco_kbs_se_new(const struct coco_kbs_config *config, coco_verifier *verifier,
                struct coco_kbs_se **ret, coco_error **err)
{
    const struct coco_kbs_se_config *from = &config->attestation.se;
    _cleanup_(coco_kbs_se_freep) struct coco_kbs_se *se = NULL;

    if (!from->private_key)
        return COCO_OK;
    se = calloc(1, sizeof(*se));
    if (!se)
        return coco_fail_nomem(err);
    coco_status status = read_hosts(se, &from->host_keys, err);
    if (status == COCO_OK)
        status = read_header(se, from->image_header, err);
    if (status == COCO_OK)
        status = coco_verifier_set_private_key(verifier, COCO_KBS_SE_TEE,
                                               (const uint8_t *)from->private_key,
                                               strlen(from->private_key), err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "se_verifier");
    *ret = coco_steal(&se);
    return COCO_OK;
}

void
coco_kbs_se_free(struct coco_kbs_se *se)
{
    if (!se)
        return;
    for (size_t i = 0; i < se->n_hosts; i++)
        X509_free(se->hosts[i]);
    free(se);
}

coco_status
coco_kbs_se_ask(const struct coco_kbs_se *se, const coco_verifier *verifier, struct coco_buf *nonce,
                coco_error **err)
{
    return coco_se_request_make(verifier, se->hosts, se->n_hosts, &se->tags, nonce, err);
}
