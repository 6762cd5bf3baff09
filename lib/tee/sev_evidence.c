/*
 * tee/sev_evidence.c - evidence of the launch of a guest on AMD SEV or SEV-ES
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/sev_evidence.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/reader.h"
#include "tee/serde.h"

#include <string.h>

#define PLATFORM_CERTS 4
#define CHAIN_MAX (PLATFORM_CERTS * COCO_SEV_CERT_SIZE + 2 * COCO_SEV_CA_SIZE_4096)

/* ---- the chain ---- */

coco_status
coco_sev_cas_parse(const void *data, size_t len, struct coco_sev_ca *ask, struct coco_sev_ca *ark,
                   coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    size_t size = 0;

    coco_status status = coco_sev_ca_parse(r.data, r.len, ask, &size, err);
    if (status == COCO_OK) {
        coco_read_skip(&r, size);
        status = coco_sev_ca_parse(r.data, r.len, ark, &size, err);
    }
    if (status == COCO_OK) {
        coco_read_skip(&r, size);
        status = coco_reader_finish(&r, "certificates of AMD", err);
    }
    return status;
}

coco_status
coco_sev_chain_parse(const void *data, size_t len, struct coco_sev_chain *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_sev_chain chain = {0};
    struct coco_sev_cert *const certs[PLATFORM_CERTS] = {&chain.pdh, &chain.pek, &chain.oca,
                                                         &chain.cek};
    coco_status status = COCO_OK;

    for (size_t i = 0; i < PLATFORM_CERTS && status == COCO_OK; i++) {
        const uint8_t *piece = coco_read_piece(&r, COCO_SEV_CERT_SIZE);

        status = coco_reader_check(&r, "chain of SEV", err);
        if (status == COCO_OK)
            status = coco_sev_cert_parse(piece, COCO_SEV_CERT_SIZE, certs[i], err);
    }
    if (status == COCO_OK && r.len > 0) {
        chain.has_cas = true;
        status = coco_sev_cas_parse(r.data, r.len, &chain.ask, &chain.ark, err);
    }
    if (status == COCO_OK)
        *ret = chain;
    return status;
}

coco_status
coco_sev_chain_format(const struct coco_sev_chain *chain, struct coco_buf *buf, coco_error **err)
{
    const struct coco_sev_cert *const certs[PLATFORM_CERTS] = {&chain->pdh, &chain->pek,
                                                               &chain->oca, &chain->cek};
    coco_status status = COCO_OK;

    for (size_t i = 0; i < PLATFORM_CERTS && status == COCO_OK; i++) {
        uint8_t bytes[COCO_SEV_CERT_SIZE];

        coco_sev_cert_format(certs[i], bytes);
        status = coco_buf_append(buf, bytes, sizeof(bytes), err);
    }
    if (status == COCO_OK && chain->has_cas)
        status = coco_sev_ca_format(&chain->ask, buf, err);
    if (status == COCO_OK && chain->has_cas)
        status = coco_sev_ca_format(&chain->ark, buf, err);
    return status;
}

/* ---- JSON ---- */

static coco_status
get_base64(const cJSON *object, const char *name, struct coco_buf *ret, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(object, name, &text, err);
    if (status != COCO_OK)
        return status;
    status = coco_base64_decode(COCO_BASE64, text, strlen(text), ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%s", name);
}

/* The same, of exactly len bytes. */
static coco_status
get_bytes(const cJSON *object, const char *name, uint8_t *ret, size_t len, coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = len};

    coco_status status = get_base64(object, name, &buf, err);
    if (status != COCO_OK)
        return status;
    if (buf.len != len)
        return coco_fail(err, COCO_ERR_PROTO, "%s has %zu bytes, not %zu", name, buf.len, len);
    memcpy(ret, buf.data, len);
    return COCO_OK;
}

static coco_status
get_chain(const cJSON *object, struct coco_sev_chain *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = CHAIN_MAX};

    coco_status status = get_base64(object, "certificate_chain", &buf, err);
    return status == COCO_OK ? coco_sev_chain_parse(buf.data, buf.len, ret, err) : status;
}

static coco_status
get_launch(const cJSON *object, struct coco_sev_launch *ret, coco_error **err)
{
    const struct {
        const char *name;
        uint8_t *value;
    } versions[] = {
        {"api_major", &ret->api_major},
        {"api_minor", &ret->api_minor},
        {"build_id", &ret->build},
    };
    uint64_t value = 0;

    coco_status status = coco_serde_get_number(object, "policy", UINT32_MAX, &value, err);
    ret->policy = (uint32_t)value;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]) && status == COCO_OK; i++) {
        status = coco_serde_get_number(object, versions[i].name, UINT8_MAX, &value, err);
        *versions[i].value = (uint8_t)value;
    }
    if (status == COCO_OK)
        status = get_bytes(object, "launch_digest", ret->digest, sizeof(ret->digest), err);
    return status;
}

coco_status
coco_sev_evidence_parse(const cJSON *object, struct coco_sev_evidence *ret, coco_error **err)
{
    struct coco_sev_evidence evidence = {0};
    uint8_t session[COCO_SEV_SESSION_SIZE];
    uint8_t measurement[COCO_SEV_MEASUREMENT_SIZE];

    coco_status status = get_chain(object, &evidence.chain, err);
    if (status == COCO_OK)
        status = get_bytes(object, "session", session, sizeof(session), err);
    if (status == COCO_OK)
        status = coco_sev_session_parse(session, sizeof(session), &evidence.session, err);
    if (status == COCO_OK)
        status = get_bytes(object, "measurement", measurement, sizeof(measurement), err);
    if (status == COCO_OK)
        status = get_launch(object, &evidence.launch, err);
    if (status != COCO_OK)
        return status;
    memcpy(evidence.mac, measurement, sizeof(evidence.mac));
    memcpy(evidence.launch.mnonce, measurement + sizeof(evidence.mac),
           sizeof(evidence.launch.mnonce));
    *ret = evidence;
    return COCO_OK;
}

static coco_status
add_launch(cJSON *object, const struct coco_sev_launch *launch, coco_error **err)
{
    coco_status status =
        coco_json_add_base64(object, "launch_digest", launch->digest, sizeof(launch->digest), err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "policy", launch->policy, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "api_major", launch->api_major, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "api_minor", launch->api_minor, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "build_id", launch->build, err);
    return status;
}

coco_status
coco_sev_evidence_format(const struct coco_sev_evidence *evidence, struct coco_buf *buf,
                         coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_buf_ struct coco_buf chain = {.limit = CHAIN_MAX};
    uint8_t session[COCO_SEV_SESSION_SIZE];
    uint8_t measurement[COCO_SEV_MEASUREMENT_SIZE];

    coco_sev_session_format(&evidence->session, session);
    memcpy(measurement, evidence->mac, sizeof(evidence->mac));
    memcpy(measurement + sizeof(evidence->mac), evidence->launch.mnonce,
           sizeof(evidence->launch.mnonce));
    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_sev_chain_format(&evidence->chain, &chain, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(object, "certificate_chain", chain.data, chain.len, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(object, "session", session, sizeof(session), err);
    if (status == COCO_OK)
        status = coco_json_add_base64(object, "measurement", measurement, sizeof(measurement), err);
    if (status == COCO_OK)
        status = add_launch(object, &evidence->launch, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, buf, err);
    return status;
}
