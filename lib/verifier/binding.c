/*
 * verifier/binding.c - what evidence must be bound to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/binding.h"

#include "base/fail.h"
#include "verifier/driver.h"

#include <string.h>

coco_status
coco_binding_new(coco_binding **ret, coco_error **err)
{
    coco_binding *binding = calloc(1, sizeof(*binding));
    if (!binding)
        return coco_fail_nomem(err);

    *ret = binding;
    return COCO_OK;
}

void
coco_binding_free(coco_binding *binding)
{
    free(binding);
}

coco_status
coco_binding_set_report_data(coco_binding *binding, const uint8_t *report_data, size_t len,
                             coco_error **err)
{
    if (len == 0 || len > COCO_REPORT_DATA_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "report data of %zu bytes, not 1 to %d", len,
                         COCO_REPORT_DATA_MAX);
    memset(binding->report_data, 0, sizeof(binding->report_data));
    memcpy(binding->report_data, report_data, len);
    binding->report_data_len = len;
    return COCO_OK;
}

coco_status
coco_binding_set_init_data(coco_binding *binding, const uint8_t *digest, size_t len,
                           coco_error **err)
{
    if (len == 0 || len > COCO_INIT_DATA_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "digest of init data of %zu bytes, not 1 to %d",
                         len, COCO_INIT_DATA_MAX);
    memset(binding->init_data, 0, sizeof(binding->init_data));
    memcpy(binding->init_data, digest, len);
    binding->init_data_len = len;
    return COCO_OK;
}

coco_status
coco_check_report_data(const struct coco_verification *verification, coco_verdict *verdict,
                       const uint8_t *field, size_t len, coco_error **err)
{
    const coco_binding *binding = verification->binding;

    if (binding->report_data_len == 0)
        return coco_verdict_add(verdict, "report-data", false, "what nobody said",
                                "some report data", err);
    return coco_verdict_add_bytes(verdict, "report-data", binding->report_data,
                                  binding->report_data_len, field, len, err);
}

/* kbs-protocol A.5: what the verifiers of upstream call to regularize. */
coco_status
coco_check_init_data(const struct coco_verification *verification, coco_verdict *verdict,
                     const uint8_t *field, size_t len, coco_error **err)
{
    const coco_binding *binding = verification->binding;
    size_t want = binding->init_data_len < len ? binding->init_data_len : len;

    if (binding->init_data_len == 0)
        return COCO_OK;
    return coco_verdict_add_bytes(verdict, "init-data", binding->init_data, want, field, len, err);
}
