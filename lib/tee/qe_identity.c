/*
 * tee/qe_identity.c - which quoting enclaves are Intel's and up to date
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/qe_identity.h"

#include "base/fail.h"
#include "base/text.h"

#include <string.h>

void
coco_qe_identity_done(struct coco_qe_identity *identity)
{
    coco_pcs_levels_done(&identity->levels);
    coco_json_free(identity->json);
    *identity = (struct coco_qe_identity){0};
}

/* The members that are hex, in the order in which the PCS has them. */
struct member {
    const char *name;
    size_t at;
    size_t len;
};

#define MEMBER(name, field)                                                                        \
    {                                                                                              \
        name, offsetof(struct coco_qe_identity, field),                                            \
            sizeof(((struct coco_qe_identity *)0)->field)                                          \
    }

static const struct member members[] = {
    MEMBER("miscselect", misc_select), MEMBER("miscselectMask", misc_select_mask),
    MEMBER("attributes", attributes),  MEMBER("attributesMask", attributes_mask),
    MEMBER("mrsigner", mr_signer),
};

#define MEMBERS (sizeof(members) / sizeof(members[0]))

static coco_status
parse_kind(struct coco_qe_identity *identity, coco_error **err)
{
    const char *id = NULL;
    uint64_t version = 0;

    coco_status status = coco_json_get_u64(identity->json, "version", &version, err);
    if (status == COCO_OK)
        status = coco_json_get_string(identity->json, "id", &id, err);
    if (status != COCO_OK)
        return status;
    if (version != 2)
        return coco_fail(err, COCO_ERR_NOTSUP, "identity of version %llu",
                         (unsigned long long)version);
    if (strcmp(id, "QE") != 0 && strcmp(id, "TD_QE") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "identity of '%.20s', no quoting enclave", id);
    identity->tdx = id[0] == 'T';
    return COCO_OK;
}

static coco_status
parse_members(struct coco_qe_identity *identity, coco_error **err)
{
    uint64_t evaluation = 0;
    uint64_t product = 0;

    coco_status status = coco_pcs_get_time(identity->json, "issueDate", &identity->issue_date, err);
    if (status == COCO_OK)
        status = coco_pcs_get_time(identity->json, "nextUpdate", &identity->next_update, err);
    if (status == COCO_OK)
        status = coco_pcs_get_number(identity->json, "tcbEvaluationDataNumber", UINT32_MAX,
                                     &evaluation, err);
    for (size_t i = 0; i < MEMBERS && status == COCO_OK; i++)
        status = coco_pcs_get_hex(identity->json, members[i].name,
                                  (uint8_t *)identity + members[i].at, members[i].len, err);
    if (status == COCO_OK)
        status = coco_pcs_get_number(identity->json, "isvprodid", UINT16_MAX, &product, err);
    identity->evaluation = (uint32_t)evaluation;
    identity->isv_prod_id = (uint16_t)product;
    return status;
}

coco_status
coco_qe_identity_parse(const char *text, size_t len, struct coco_qe_identity *ret, coco_error **err)
{
    _cleanup_qe_identity_ struct coco_qe_identity identity = {0};

    coco_status status = coco_json_parse_object(text, len, &identity.json, err);
    if (status == COCO_OK)
        status = parse_kind(&identity, err);
    if (status == COCO_OK)
        status = parse_members(&identity, err);
    if (status == COCO_OK)
        status = coco_pcs_levels_parse(identity.json, &identity.levels, err);
    if (status != COCO_OK)
        return status;
    *ret = identity;
    identity = (struct coco_qe_identity){0};
    return COCO_OK;
}

static coco_status
add_members(const struct coco_qe_identity *identity, cJSON *object, coco_error **err)
{
    coco_status status = coco_json_add_string(object, "id", identity->tdx ? "TD_QE" : "QE", err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "version", 2, err);
    if (status == COCO_OK)
        status = coco_pcs_add_time(object, "issueDate", identity->issue_date, err);
    if (status == COCO_OK)
        status = coco_pcs_add_time(object, "nextUpdate", identity->next_update, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "tcbEvaluationDataNumber", identity->evaluation, err);
    for (size_t i = 0; i < MEMBERS && status == COCO_OK; i++)
        status = coco_pcs_add_hex(object, members[i].name,
                                  (const uint8_t *)identity + members[i].at, members[i].len, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "isvprodid", identity->isv_prod_id, err);
    return status;
}

coco_status
coco_qe_identity_format(const struct coco_qe_identity *identity, struct coco_buf *buf,
                        coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = add_members(identity, object, err);
    if (status == COCO_OK)
        status = coco_pcs_levels_format(&identity->levels, object, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, buf, err);
    return status;
}

static bool
matches(const uint8_t *got, const uint8_t *mask, const uint8_t *want, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((got[i] & mask[i]) != want[i])
            return false;
    return true;
}

coco_status
coco_qe_identity_check(const struct coco_qe_identity *identity,
                       const struct coco_sgx_report *report, coco_error **err)
{
    char hex[2 * sizeof(report->mr_signer) + 1];
    uint8_t attributes[sizeof(identity->attributes)];

    memcpy(attributes, report->flags, sizeof(report->flags));
    memcpy(attributes + sizeof(report->flags), report->xfrm, sizeof(report->xfrm));
    if (memcmp(report->mr_signer, identity->mr_signer, sizeof(report->mr_signer)) != 0) {
        coco_hex(report->mr_signer, sizeof(report->mr_signer), hex);
        return coco_fail(err, COCO_ERR_VERIFY, "quoting enclave of another signer, %s", hex);
    }
    if (coco_quote_u16(report->isv_prod_id) != identity->isv_prod_id)
        return coco_fail(err, COCO_ERR_VERIFY, "enclave of product %u, not %u",
                         coco_quote_u16(report->isv_prod_id), identity->isv_prod_id);
    if (!matches(report->misc_select, identity->misc_select_mask, identity->misc_select,
                 sizeof(identity->misc_select)))
        return coco_fail(err, COCO_ERR_VERIFY, "quoting enclave with another MISCSELECT");
    if (!matches(attributes, identity->attributes_mask, identity->attributes, sizeof(attributes)))
        return coco_fail(err, COCO_ERR_VERIFY, "quoting enclave with other attributes");
    return COCO_OK;
}
