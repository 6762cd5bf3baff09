/*
 * tee/software.c - the evidence of the software TEE
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/software.h"

#include "base/base64.h"
#include "base/fail.h"
#include "tee/eventlog.h"

#include <string.h>

#define MAGIC "COCOSWTE"
#define ENDORSEMENT_MAGIC "COCOSWTE key\n"
#define VERSION 1
#define VERSION_EXTENDED 2 /* of reports */
#define FLAG_DEBUG 1U

enum offset {
    AT_MAGIC = 0,
    AT_VERSION = 8,
    AT_FLAGS = 12,
    AT_SVN = 16,
    AT_ZERO = 20,
    AT_REPORT_DATA = 32,
    AT_LAUNCH_DIGEST = 96,
    AT_INIT_DATA = 144,
    AT_REGISTER = 192,
};

#define KEY_MAX 128       /* a P-256 SubjectPublicKeyInfo has 91 bytes */
#define SIGNATURE_MAX 128 /* a DER P-256 signature at most 72 */

static void
put_u32(uint8_t *p, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t
get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void
coco_software_report_format(const struct coco_software_report *report,
                            uint8_t ret[COCO_SOFTWARE_REPORT_SIZE])
{
    memset(ret, 0, COCO_SOFTWARE_REPORT_SIZE);
    memcpy(ret + AT_MAGIC, MAGIC, strlen(MAGIC));
    put_u32(ret + AT_VERSION, report->extended ? VERSION_EXTENDED : VERSION);
    put_u32(ret + AT_FLAGS, report->debug ? FLAG_DEBUG : 0);
    put_u32(ret + AT_SVN, report->svn);
    memcpy(ret + AT_REPORT_DATA, report->report_data, sizeof(report->report_data));
    memcpy(ret + AT_LAUNCH_DIGEST, report->launch_digest, sizeof(report->launch_digest));
    memcpy(ret + AT_INIT_DATA, report->init_data, sizeof(report->init_data));
}

coco_status
coco_software_report_parse(const void *data, size_t len, struct coco_software_report *ret,
                           coco_error **err)
{
    static const uint8_t zero[AT_REPORT_DATA - AT_ZERO];
    const uint8_t *p = data;
    bool extended = len == COCO_SOFTWARE_REPORT_MAX;

    if ((len != COCO_SOFTWARE_REPORT_SIZE && !extended)
        || memcmp(p + AT_MAGIC, MAGIC, strlen(MAGIC)) != 0)
        return coco_fail(err, COCO_ERR_PROTO, "no report of a software TEE");
    if (get_u32(p + AT_VERSION) != (extended ? VERSION_EXTENDED : VERSION))
        return coco_fail(err, COCO_ERR_NOTSUP, "software TEE report of version %u",
                         get_u32(p + AT_VERSION));
    if ((get_u32(p + AT_FLAGS) & ~FLAG_DEBUG) != 0 || memcmp(p + AT_ZERO, zero, sizeof(zero)) != 0)
        return coco_fail(err, COCO_ERR_PROTO, "software TEE report has unknown flags");

    struct coco_software_report report = {
        .debug = (get_u32(p + AT_FLAGS) & FLAG_DEBUG) != 0,
        .svn = get_u32(p + AT_SVN),
        .extended = extended,
    };
    memcpy(report.report_data, p + AT_REPORT_DATA, sizeof(report.report_data));
    memcpy(report.launch_digest, p + AT_LAUNCH_DIGEST, sizeof(report.launch_digest));
    memcpy(report.init_data, p + AT_INIT_DATA, sizeof(report.init_data));
    if (extended)
        memcpy(report.value, p + AT_REGISTER, sizeof(report.value));
    *ret = report;
    return COCO_OK;
}

static const struct {
    const char *name;
    size_t max;
} parts[COCO_SOFTWARE_PARTS] = {
    [COCO_SOFTWARE_REPORT] = {"report", COCO_SOFTWARE_REPORT_MAX},
    [COCO_SOFTWARE_SIGNATURE] = {"signature", SIGNATURE_MAX},
    [COCO_SOFTWARE_KEY] = {"key", KEY_MAX},
    [COCO_SOFTWARE_ENDORSEMENT] = {"endorsement", SIGNATURE_MAX},
    [COCO_SOFTWARE_ROOT] = {"root", KEY_MAX},
};

struct coco_software_evidence
coco_software_evidence_empty(void)
{
    struct coco_software_evidence evidence = {0};

    for (size_t i = 0; i < COCO_SOFTWARE_PARTS; i++)
        evidence.part[i].limit = parts[i].max;
    evidence.eventlog.limit = COCO_EVENTLOG_MAX;
    return evidence;
}

void
coco_software_evidence_done(struct coco_software_evidence *evidence)
{
    for (size_t i = 0; i < COCO_SOFTWARE_PARTS; i++)
        coco_buf_done(&evidence->part[i]);
    coco_buf_done(&evidence->eventlog);
}

coco_status
coco_software_evidence_format(const struct coco_software_evidence *evidence, struct coco_buf *buf,
                              coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "version", VERSION, err);
    for (size_t i = 0; i < COCO_SOFTWARE_PARTS && status == COCO_OK; i++)
        status = coco_json_add_base64(object, parts[i].name, evidence->part[i].data,
                                      evidence->part[i].len, err);
    if (status == COCO_OK && evidence->eventlog.len > 0)
        status = coco_json_add_base64(object, "eventlog", evidence->eventlog.data,
                                      evidence->eventlog.len, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, buf, err);
    return status;
}

static coco_status
get_part(const cJSON *object, const char *name, struct coco_buf *ret, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(object, name, &text, err);
    if (status != COCO_OK)
        return status;
    status = coco_base64_decode(COCO_BASE64, text, strlen(text), ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", name);
    return COCO_OK;
}

coco_status
coco_software_evidence_parse(const cJSON *object, struct coco_software_evidence *ret,
                             coco_error **err)
{
    static const char *const names[] = {
        "version", "report", "signature", "key", "endorsement", "root", "eventlog", NULL,
    };
    _cleanup_software_evidence_ struct coco_software_evidence evidence =
        coco_software_evidence_empty();
    uint64_t version = 0;

    coco_status status = coco_json_get_u64(object, "version", &version, err);
    if (status != COCO_OK)
        return status;
    if (version != VERSION)
        return coco_fail(err, COCO_ERR_NOTSUP, "software TEE evidence of version %llu",
                         (unsigned long long)version);
    status = coco_json_check_members(object, names, err);
    for (size_t i = 0; i < COCO_SOFTWARE_PARTS && status == COCO_OK; i++)
        status = get_part(object, parts[i].name, &evidence.part[i], err);
    if (status == COCO_OK && cJSON_GetObjectItemCaseSensitive(object, "eventlog"))
        status = get_part(object, "eventlog", &evidence.eventlog, err);
    if (status != COCO_OK)
        return status;

    *ret = evidence;
    evidence = (struct coco_software_evidence){0};
    return COCO_OK;
}

coco_status
coco_software_endorsed(const struct coco_buf *key, struct coco_buf *buf, coco_error **err)
{
    coco_status status = coco_buf_append_text(buf, ENDORSEMENT_MAGIC, err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, key->data, key->len, err);
    return status;
}
