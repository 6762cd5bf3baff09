/*
 * tee/hcl.c - the report that Azure's confidential VMs find in their TPM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/hcl.h"

#include "base/fail.h"
#include "base/reader.h"
#include "base/text.h"

#include <string.h>

#define SIGNATURE 0x414c4348U /* "HCLA" */
#define VERSION_MIN 1
#define VERSION_MAX 2
#define REQUEST_TYPE 2
#define RESERVED_SIZE 12
#define HEAD_SIZE 32
#define HARDWARE_SIZE 1184 /* the larger of the two */
#define RUNTIME_VERSION 1
#define RUNTIME_HEAD_SIZE 20
#define HASH_SHA256 1

#define KEY_ID "HCLAkPub"
#define KEYS_MAX 8

/* ---- the report ---- */

static size_t
hardware_size(enum coco_hcl_hardware hardware)
{
    return hardware == COCO_HCL_SNP ? COCO_HCL_SNP_SIZE : COCO_HCL_TDX_SIZE;
}

/* Returns how long the header says the report is. */
static coco_status
read_head(struct coco_reader *r, size_t *ret, coco_error **err)
{
    if (coco_read_u32le(r) != SIGNATURE)
        return coco_fail(err, COCO_ERR_PROTO, "no HCL report");
    uint32_t version = coco_read_u32le(r);
    size_t size = coco_read_u32le(r);
    uint32_t request = coco_read_u32le(r);
    uint32_t state = coco_read_u32le(r);
    bool zeros = coco_read_zeros(r, RESERVED_SIZE);

    coco_status status = coco_reader_check(r, "HCL report", err);
    if (status != COCO_OK)
        return status;
    if (version < VERSION_MIN || version > VERSION_MAX)
        return coco_fail(err, COCO_ERR_NOTSUP, "HCL report of version %u", version);
    if (request != REQUEST_TYPE || state != 0 || !zeros)
        return coco_fail(err, COCO_ERR_PROTO, "HCL report: request %u of status %u", request,
                         state);
    *ret = size;
    return COCO_OK;
}

static coco_status
check_hardware(uint32_t hardware, uint32_t hash, coco_error **err)
{
    if (hardware != COCO_HCL_SNP && hardware != COCO_HCL_TDX)
        return coco_fail(err, COCO_ERR_NOTSUP, "HCL report of hardware %u", hardware);
    if (hash != HASH_SHA256)
        return coco_fail(err, COCO_ERR_NOTSUP, "HCL report with hash %u", hash);
    return COCO_OK;
}

coco_status
coco_hcl_report_parse(const void *data, size_t len, struct coco_hcl_report *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_hcl_report report = {0};
    size_t size = 0;

    if (len > COCO_HCL_REPORT_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "HCL report of %zu bytes", len);
    coco_status status = read_head(&r, &size, err);
    if (status != COCO_OK)
        return status;

    struct coco_reader field = coco_read_part(&r, HARDWARE_SIZE);
    size_t data_size = coco_read_u32le(&r);
    uint32_t version = coco_read_u32le(&r);
    uint32_t hardware = coco_read_u32le(&r);
    uint32_t hash = coco_read_u32le(&r);
    report.runtime_len = coco_read_u32le(&r);
    report.runtime = coco_read_piece(&r, report.runtime_len);

    status = coco_reader_check(&r, "HCL report", err);
    if (status == COCO_OK)
        status = check_hardware(hardware, hash, err);
    if (status != COCO_OK)
        return status;
    report.hardware = (enum coco_hcl_hardware)hardware;
    report.report = coco_read_piece(&field, hardware_size(report.hardware));

    if (version != RUNTIME_VERSION || data_size != RUNTIME_HEAD_SIZE + report.runtime_len
        || size != HEAD_SIZE + HARDWARE_SIZE + data_size)
        return coco_fail(err, COCO_ERR_PROTO, "HCL report: its sizes do not fit");
    if (!coco_read_zeros(&field, field.len) || !coco_read_zeros(&r, r.len))
        return coco_fail(err, COCO_ERR_PROTO, "HCL report: is filled up with other than zeros");

    *ret = report;
    return COCO_OK;
}

static coco_status
put_u32(struct coco_buf *buf, size_t value, coco_error **err)
{
    uint8_t bytes[4];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    return coco_buf_append(buf, bytes, sizeof(bytes), err);
}

static coco_status
put_head(struct coco_buf *buf, size_t size, coco_error **err)
{
    const size_t numbers[] = {SIGNATURE, VERSION_MAX, size, REQUEST_TYPE, 0, 0, 0, 0};
    coco_status status = COCO_OK;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && status == COCO_OK; i++)
        status = put_u32(buf, numbers[i], err);
    return status;
}

static coco_status
put_runtime_head(struct coco_buf *buf, const struct coco_hcl_report *report, coco_error **err)
{
    const size_t numbers[] = {RUNTIME_HEAD_SIZE + report->runtime_len, RUNTIME_VERSION,
                              report->hardware, HASH_SHA256, report->runtime_len};
    coco_status status = COCO_OK;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && status == COCO_OK; i++)
        status = put_u32(buf, numbers[i], err);
    return status;
}

coco_status
coco_hcl_report_format(const struct coco_hcl_report *report, struct coco_buf *buf, coco_error **err)
{
    static const uint8_t zeros[HARDWARE_SIZE - COCO_HCL_TDX_SIZE];
    size_t size = hardware_size(report->hardware);

    coco_status status =
        put_head(buf, HEAD_SIZE + HARDWARE_SIZE + RUNTIME_HEAD_SIZE + report->runtime_len, err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, report->report, size, err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, zeros, HARDWARE_SIZE - size, err);
    if (status == COCO_OK)
        status = put_runtime_head(buf, report, err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, report->runtime, report->runtime_len, err);
    return status;
}

/* ---- runtime data ---- */

void
coco_hcl_runtime_done(struct coco_hcl_runtime *runtime)
{
    coco_json_free(runtime->object);
}

/* The one key that has the id. */
static coco_status
find_ak(const cJSON *object, const cJSON **ret, coco_error **err)
{
    const cJSON *keys = NULL;
    const cJSON *found = NULL;
    const cJSON *key;

    coco_status status = coco_json_get_array(object, "keys", &keys, err);
    if (status != COCO_OK)
        return status;
    if (cJSON_GetArraySize(keys) > KEYS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d keys", KEYS_MAX);
    cJSON_ArrayForEach(key, keys) {
        const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(key, "kid"));

        if (!id || strcmp(id, KEY_ID) != 0)
            continue;
        if (found)
            return coco_fail(err, COCO_ERR_PROTO, "two keys " KEY_ID);
        found = key;
    }
    if (!found)
        return coco_fail(err, COCO_ERR_PROTO, "no key " KEY_ID);
    *ret = found;
    return COCO_OK;
}

static coco_status
get_user_data(struct coco_hcl_runtime *runtime, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string_opt(runtime->object, "user-data", &text, err);
    if (status != COCO_OK || !text)
        return status;
    if (!coco_unhex(text, strlen(text), runtime->user_data, sizeof(runtime->user_data)))
        return coco_fail(err, COCO_ERR_PROTO, "user-data: is not %d bytes in hex",
                         COCO_HCL_USER_DATA_SIZE);
    runtime->user_data_len = sizeof(runtime->user_data);
    return COCO_OK;
}

coco_status
coco_hcl_runtime_parse(const struct coco_hcl_report *report, struct coco_hcl_runtime *ret,
                       coco_error **err)
{
    _cleanup_hcl_runtime_ struct coco_hcl_runtime runtime = {0};

    coco_status status = coco_json_parse_object((const char *)report->runtime, report->runtime_len,
                                                &runtime.object, err);
    if (status == COCO_OK)
        status = find_ak(runtime.object, &runtime.ak, err);
    if (status == COCO_OK)
        status = get_user_data(&runtime, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "runtime data of the HCL");

    *ret = runtime;
    runtime = (struct coco_hcl_runtime){0};
    return COCO_OK;
}
