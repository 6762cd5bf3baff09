/*
 * collateral/expiry.c - until when collateral is good
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/expiry.h"

#include "base/fail.h"
#include "base/json.h"
#include "crypto/cert.h"

#include <string.h>
#include <time.h>

static coco_status
of_asn1(const ASN1_TIME *time, int64_t *ret, coco_error **err)
{
    struct tm tm = {0};

    if (ASN1_TIME_to_tm(time, &tm) != 1)
        return coco_fail(err, COCO_ERR_PROTO, "has a date that is none");
    *ret = timegm(&tm);
    return COCO_OK;
}

static coco_status
of_cert(const void *data, size_t len, int64_t *ret, coco_error **err)
{
    _cleanup_cert_ X509 *cert = NULL;

    coco_status status = coco_cert_parse(data, len, &cert, err);
    return status == COCO_OK ? of_asn1(X509_get0_notAfter(cert), ret, err) : status;
}

/* A chain ends with the first of its certificates that does. */
static coco_status
of_chain(const void *data, size_t len, int64_t *ret, coco_error **err)
{
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    int64_t first = INT64_MAX;

    coco_status status = coco_cert_chain_parse(data, len, &chain, err);
    for (size_t i = 0; i < chain.n && status == COCO_OK; i++) {
        int64_t end = 0;

        status = of_asn1(X509_get0_notAfter(chain.certs[i]), &end, err);
        first = end < first ? end : first;
    }
    if (status == COCO_OK)
        *ret = first;
    return status;
}

static coco_status
of_crl(const void *data, size_t len, int64_t *ret, coco_error **err)
{
    _cleanup_crl_ X509_CRL *crl = NULL;

    coco_status status = coco_crl_parse(data, len, &crl, err);
    if (status != COCO_OK)
        return status;
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    if (next)
        return of_asn1(next, ret, err);
    *ret = 0;
    return COCO_OK;
}

/* "2026-02-18T10:58:51Z", the one form of RFC 3339 that the PCS uses. */
static coco_status
of_rfc3339(const char *text, int64_t *ret, coco_error **err)
{
    static const char shape[] = "0000-00-00T00:00:00Z";
    int number[6] = {0};
    size_t field = 0;

    if (strlen(text) != strlen(shape))
        return coco_fail(err, COCO_ERR_PROTO, "nextUpdate is no date");
    for (size_t i = 0; shape[i]; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';

        if (shape[i] == '0' ? !digit : text[i] != shape[i])
            return coco_fail(err, COCO_ERR_PROTO, "nextUpdate is no date");
        if (digit)
            number[field] = number[field] * 10 + (text[i] - '0');
        else if (field < 5)
            field++;
    }
    struct tm tm = {
        .tm_year = number[0] - 1900,
        .tm_mon = number[1] - 1,
        .tm_mday = number[2],
        .tm_hour = number[3],
        .tm_min = number[4],
        .tm_sec = number[5],
    };
    const struct tm asked = tm;
    int64_t end = timegm(&tm);
    /* timegm() takes a 31st of February to be one of March. */
    if (tm.tm_mon != asked.tm_mon || tm.tm_mday != asked.tm_mday || tm.tm_hour != asked.tm_hour
        || tm.tm_min != asked.tm_min)
        return coco_fail(err, COCO_ERR_PROTO, "nextUpdate is no date");
    *ret = end;
    return COCO_OK;
}

/* Intel PCS API v4: what is signed is a member beside its signature. */
static coco_status
of_answer(const void *data, size_t len, int64_t *ret, coco_error **err)
{
    _cleanup_json_ cJSON *answer = NULL;
    const cJSON *body = NULL;
    const char *next = NULL;

    coco_status status = coco_json_parse_object(data, len, &answer, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(answer, "tcbInfo", &body, err);
    if (status == COCO_OK && !body)
        status = coco_json_get_object(answer, "enclaveIdentity", &body, err);
    if (status == COCO_OK)
        status = coco_json_get_string(body, "nextUpdate", &next, err);
    return status == COCO_OK ? of_rfc3339(next, ret, err) : status;
}

/* AMD's and Hygon's own certificates have no dates. */
static coco_status
of_own_format(const void *data, size_t len, int64_t *ret, coco_error **err)
{
    (void)data;
    if (len == 0)
        return coco_fail(err, COCO_ERR_PROTO, "is empty");
    *ret = 0;
    return COCO_OK;
}

static const struct {
    const char *ending;
    coco_status (*read)(const void *data, size_t len, int64_t *ret, coco_error **err);
} kinds[] = {
    {".cert", of_own_format}, {".crl", of_crl},   {".der", of_cert},
    {".json", of_answer},     {".pem", of_chain},
};

coco_status
coco_collateral_expiry(const char *name, const void *data, size_t len, int64_t *ret,
                       coco_error **err)
{
    const char *ending = strrchr(name, '.');

    for (size_t i = 0; ending && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].ending, ending) == 0)
            return kinds[i].read(data, len, ret, err);
    return coco_fail(err, COCO_ERR_PROTO, "nothing is called so");
}
