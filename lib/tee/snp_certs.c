/*
 * tee/snp_certs.c - the certificates that a host gives along with SNP reports
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/snp_certs.h"

#include "base/fail.h"
#include "base/reader.h"
#include "tee/serde.h"

#include <string.h>

#define ENTRY_SIZE ((size_t)24)

static const struct {
    const char *name; /* in upstream's JSON */
    uint8_t guid[COCO_GUID_SIZE];
} kinds[] = {
    [COCO_SNP_CERT_ARK] = {"ARK",
                           {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6,
                            0x01, 0x4c, 0xd0, 0xae}},
    [COCO_SNP_CERT_ASK] = {"ASK",
                           {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae,
                            0xf3, 0x27, 0xc7, 0x82}},
    [COCO_SNP_CERT_VCEK] = {"VCEK",
                            {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9,
                             0x3b, 0xe8, 0xac, 0xcd}},
    [COCO_SNP_CERT_VLEK] = {"VLEK",
                            {0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0,
                             0x45, 0xa0, 0xb8, 0xa1}},
    [COCO_SNP_CERT_CRL] = {"CRL",
                           {0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d, 0x97, 0xff, 0xd1, 0x9f,
                            0x88, 0xdc, 0x67, 0xea}},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

void
coco_snp_certs_done(struct coco_snp_certs *certs)
{
    for (size_t i = 0; i < certs->n; i++)
        coco_buf_done(&certs->list[i].data);
    certs->n = 0;
}

static enum coco_snp_cert_kind
kind_of(const uint8_t guid[COCO_GUID_SIZE])
{
    for (size_t i = 0; i < KINDS; i++)
        if (memcmp(kinds[i].guid, guid, COCO_GUID_SIZE) == 0)
            return (enum coco_snp_cert_kind)i;
    return COCO_SNP_CERT_OTHER;
}

/* The next place in the list, with nothing in it yet. */
static coco_status
next(struct coco_snp_certs *certs, const uint8_t guid[COCO_GUID_SIZE], struct coco_snp_cert **ret,
     coco_error **err)
{
    if (certs->n == COCO_SNP_CERTS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d certificates", COCO_SNP_CERTS_MAX);
    struct coco_snp_cert *cert = &certs->list[certs->n++];
    *cert = (struct coco_snp_cert){
        .kind = kind_of(guid),
        .data = {.limit = COCO_SNP_CERT_SIZE_MAX},
    };
    memcpy(cert->guid, guid, sizeof(cert->guid));
    *ret = cert;
    return COCO_OK;
}

coco_status
coco_snp_certs_add(struct coco_snp_certs *certs, enum coco_snp_cert_kind kind, const void *data,
                   size_t len, coco_error **err)
{
    struct coco_snp_cert *cert = NULL;

    if (kind >= KINDS)
        return coco_fail(err, COCO_ERR_INVALID, "certificate of no kind");
    coco_status status = next(certs, kinds[kind].guid, &cert, err);
    if (status == COCO_OK)
        status = coco_buf_append(&cert->data, data, len, err);
    return status;
}

const struct coco_buf *
coco_snp_certs_find(const struct coco_snp_certs *certs, enum coco_snp_cert_kind kind)
{
    for (size_t i = 0; i < certs->n; i++)
        if (certs->list[i].kind == kind)
            return &certs->list[i].data;
    return NULL;
}

/* ---- the table ---- */

static bool
is_end(const uint8_t guid[COCO_GUID_SIZE], uint32_t offset, uint32_t len)
{
    struct coco_reader r = coco_reader_of(guid, COCO_GUID_SIZE);

    return coco_read_zeros(&r, COCO_GUID_SIZE) && offset == 0 && len == 0;
}

/* The certificate of an entry, which must not be within the table itself. */
static coco_status
add_entry(const struct coco_reader *whole, size_t table, const uint8_t guid[COCO_GUID_SIZE],
          uint32_t offset, uint32_t len, struct coco_snp_certs *certs, coco_error **err)
{
    struct coco_reader r = *whole;
    struct coco_snp_cert *cert = NULL;

    coco_read_skip(&r, offset);
    const uint8_t *data = coco_read_piece(&r, len);
    coco_status status = coco_reader_check(&r, "certificate table", err);
    if (status == COCO_OK && offset < table)
        status = coco_fail(err, COCO_ERR_PROTO, "certificate table: an entry is of the table");
    if (status == COCO_OK)
        status = next(certs, guid, &cert, err);
    if (status == COCO_OK)
        status = coco_buf_append(&cert->data, data, len, err);
    return status;
}

/* Bytes of the table, with the entry that ends it. */
static coco_status
measure_table(struct coco_reader r, size_t *ret, coco_error **err)
{
    bool end = false;

    while (!end && !r.exhausted) {
        uint8_t guid[COCO_GUID_SIZE];

        coco_read_bytes(&r, guid, sizeof(guid));
        uint32_t offset = coco_read_u32le(&r);
        uint32_t len = coco_read_u32le(&r);
        end = is_end(guid, offset, len);
    }
    coco_status status = coco_reader_check(&r, "certificate table", err);
    if (status == COCO_OK)
        *ret = r.at;
    return status;
}

coco_status
coco_snp_certs_parse(const void *data, size_t len, struct coco_snp_certs *ret, coco_error **err)
{
    _cleanup_snp_certs_ struct coco_snp_certs certs = {0};
    const struct coco_reader whole = coco_reader_of(data, len);
    struct coco_reader r = whole;
    size_t table = 0;

    if (len > COCO_SNP_CERT_TABLE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "certificate table of %zu bytes", len);
    coco_status status = len > 0 ? measure_table(whole, &table, err) : COCO_OK;
    while (status == COCO_OK && r.at + ENTRY_SIZE < table) {
        uint8_t guid[COCO_GUID_SIZE];

        coco_read_bytes(&r, guid, sizeof(guid));
        uint32_t offset = coco_read_u32le(&r);
        uint32_t size = coco_read_u32le(&r);
        status = add_entry(&whole, table, guid, offset, size, &certs, err);
    }
    if (status != COCO_OK)
        return status;

    *ret = certs;
    certs.n = 0;
    return COCO_OK;
}

static void
put_u32(uint8_t *p, size_t value)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

coco_status
coco_snp_certs_format(const struct coco_snp_certs *certs, struct coco_buf *buf, coco_error **err)
{
    static const uint8_t end[ENTRY_SIZE];
    size_t offset = (certs->n + 1) * ENTRY_SIZE;
    coco_status status = COCO_OK;

    for (size_t i = 0; i < certs->n && status == COCO_OK; i++) {
        const struct coco_snp_cert *cert = &certs->list[i];
        uint8_t entry[ENTRY_SIZE];

        memcpy(entry, cert->guid, COCO_GUID_SIZE);
        put_u32(entry + 16, offset);
        put_u32(entry + 20, cert->data.len);
        offset += cert->data.len;
        status = coco_buf_append(buf, entry, sizeof(entry), err);
    }
    if (status == COCO_OK)
        status = coco_buf_append(buf, end, sizeof(end), err);
    for (size_t i = 0; i < certs->n && status == COCO_OK; i++)
        status = coco_buf_append(buf, certs->list[i].data.data, certs->list[i].data.len, err);
    return status;
}

/* ---- JSON ---- */

/* "VCEK", or {"OTHER":"<uuid>"}; "Empty" is what ended a table. */
static coco_status
get_kind(const cJSON *entry, uint8_t ret[COCO_GUID_SIZE], coco_error **err)
{
    const cJSON *type = NULL;
    const char *text = NULL;

    coco_status status = coco_json_get_any(entry, "cert_type", &type, err);
    if (status != COCO_OK)
        return status;
    if (cJSON_IsObject(type)) {
        status = coco_json_get_string(type, "OTHER", &text, err);
        if (status == COCO_OK && !coco_guid_parse(text, ret))
            status = coco_fail(err, COCO_ERR_PROTO, "'OTHER' is no UUID");
        return status;
    }
    memset(ret, 0, COCO_GUID_SIZE);
    if (!cJSON_IsString(type))
        return coco_fail(err, COCO_ERR_PROTO, "member 'cert_type' is of no type");
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(type->valuestring, kinds[i].name) == 0)
            memcpy(ret, kinds[i].guid, COCO_GUID_SIZE);
    return COCO_OK;
}

static coco_status
get_certs(const cJSON *object, struct coco_snp_certs *certs, coco_error **err)
{
    const cJSON *array = NULL;
    const cJSON *entry;

    coco_status status = coco_json_get_array_opt(object, "cert_chain", &array, err);
    cJSON_ArrayForEach(entry, array) {
        uint8_t guid[COCO_GUID_SIZE];
        struct coco_snp_cert *cert = NULL;

        if (status == COCO_OK && !cJSON_IsObject(entry))
            status = coco_fail(err, COCO_ERR_PROTO, "member 'cert_chain' has what is no object");
        if (status == COCO_OK)
            status = get_kind(entry, guid, err);
        if (status == COCO_OK)
            status = next(certs, guid, &cert, err);
        if (status == COCO_OK)
            status = coco_serde_get_buf(entry, "data", &cert->data, err);
        if (status != COCO_OK)
            return status;
    }
    return status;
}

void
coco_snp_evidence_done(struct coco_snp_evidence *evidence)
{
    coco_snp_certs_done(&evidence->certs);
}

coco_status
coco_snp_evidence_parse(const cJSON *object, struct coco_snp_evidence *ret, coco_error **err)
{
    _cleanup_snp_evidence_ struct coco_snp_evidence evidence = {0};
    const cJSON *report = NULL;

    coco_status status = coco_json_get_object(object, "attestation_report", &report, err);
    if (status == COCO_OK)
        status = coco_snp_report_from_json(report, &evidence.report, err);
    if (status == COCO_OK)
        status = get_certs(object, &evidence.certs, err);
    if (status != COCO_OK)
        return status;

    *ret = evidence;
    evidence.certs.n = 0;
    return COCO_OK;
}

static coco_status
add_cert(cJSON *array, const struct coco_snp_cert *cert, coco_error **err)
{
    char uuid[COCO_GUID_LEN + 1];
    cJSON *entry = NULL;
    cJSON *type = NULL;

    coco_status status = coco_json_add_object(array, NULL, &entry, err);
    if (status != COCO_OK)
        return status;
    if (cert->kind != COCO_SNP_CERT_OTHER) {
        status = coco_json_add_string(entry, "cert_type", kinds[cert->kind].name, err);
    } else {
        coco_guid_format(cert->guid, uuid);
        status = coco_json_add_object(entry, "cert_type", &type, err);
        if (status == COCO_OK)
            status = coco_json_add_string(type, "OTHER", uuid, err);
    }
    if (status == COCO_OK)
        status = coco_serde_add_bytes(entry, "data", cert->data.data, cert->data.len, err);
    return status;
}

static coco_status
add_certs(cJSON *object, const struct coco_snp_certs *certs, coco_error **err)
{
    cJSON *array = NULL;

    if (certs->n == 0)
        return coco_json_add_null(object, "cert_chain", err);
    coco_status status = coco_json_add_array(object, "cert_chain", &array, err);
    for (size_t i = 0; i < certs->n && status == COCO_OK; i++)
        status = add_cert(array, &certs->list[i], err);
    return status;
}

coco_status
coco_snp_evidence_format(const struct coco_snp_evidence *evidence, struct coco_buf *buf,
                         coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    cJSON *report = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_object(object, "attestation_report", &report, err);
    if (status == COCO_OK)
        status = coco_snp_report_to_json(&evidence->report, report, err);
    if (status == COCO_OK)
        status = add_certs(object, &evidence->certs, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, buf, err);
    return status;
}
