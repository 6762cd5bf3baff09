/*
 * tee/se.c - requests for attestation to IBM Secure Execution, and the answers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/se.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/reader.h"
#include "crypto/mac.h"
#include "tee/serde.h"

#include <string.h>

#define WRAPPED_MAX ((size_t)1024) /* RSA of 8192 bits */
#define CONTROL_BLOCK_MAX ((size_t)1 << 20)

/* ---- tags ---- */

static void
read_tags(struct coco_reader *r, struct coco_se_tags *ret)
{
    coco_read_bytes(r, ret->pld, sizeof(ret->pld));
    coco_read_bytes(r, ret->ald, sizeof(ret->ald));
    coco_read_bytes(r, ret->tld, sizeof(ret->tld));
}

coco_status
coco_se_tags_parse(const void *data, size_t len, struct coco_se_tags *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_se_tags tags;

    read_tags(&r, &tags);
    coco_read_bytes(&r, tags.tag, sizeof(tags.tag));
    coco_status status = coco_reader_finish(&r, "tags of an image", err);
    if (status == COCO_OK)
        *ret = tags;
    return status;
}

void
coco_se_tags_format(const struct coco_se_tags *tags, uint8_t ret[COCO_SE_TAGS_SIZE])
{
    memcpy(ret, tags->pld, 64);
    memcpy(ret + 64, tags->ald, 64);
    memcpy(ret + 128, tags->tld, 64);
    memcpy(ret + 192, tags->tag, 16);
}

#define HEADER_MAGIC "IBMSecEx"
#define HEADER_FIXED ((size_t)416) /* up to the key slots; the digests end it */
#define HEADER_MAX ((size_t)1 << 20)

coco_status
coco_se_tags_of_header(const void *data, size_t len, struct coco_se_tags *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_se_tags tags;
    uint8_t magic[8];

    coco_read_bytes(&r, magic, sizeof(magic));
    uint32_t version = coco_read_u32be(&r);
    uint32_t size = coco_read_u32be(&r);
    coco_status status = coco_reader_check(&r, "header of an image", err);
    if (status != COCO_OK)
        return status;
    if (memcmp(magic, HEADER_MAGIC, sizeof(magic)) != 0 || version != COCO_SE_VERSION)
        return coco_fail(err, COCO_ERR_PROTO, "not an image for Secure Execution");
    if (size < HEADER_FIXED + sizeof(tags.tag) || size > HEADER_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "header of an image: has %u bytes", size);
    /* From the fourth digest's end backwards: what is between it and the tag is encrypted. */
    coco_read_skip(&r, HEADER_FIXED - 3 * sizeof(tags.pld) - r.at);
    read_tags(&r, &tags);
    coco_read_skip(&r, size - HEADER_FIXED - sizeof(tags.tag));
    coco_read_bytes(&r, tags.tag, sizeof(tags.tag));
    status = coco_reader_check(&r, "header of an image", err);
    if (status == COCO_OK)
        *ret = tags;
    return status;
}

/* ---- the measurement ---- */

static void
put_be(uint8_t *p, size_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        p[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

coco_status
coco_se_measure(const struct coco_secret *key, const struct coco_se_measured *measured,
                uint8_t ret[COCO_SE_MEASUREMENT_SIZE], coco_error **err)
{
    _cleanup_buf_ struct coco_buf input = {.limit = 1024 + COCO_SE_ADDITIONAL_MAX};
    uint8_t tags[COCO_SE_TAGS_SIZE];
    uint8_t lengths[8] = {0}; /* of user data, two bytes of zeros, of additional data */

    if (measured->user_len > COCO_SE_USER_DATA_MAX
        || measured->additional_len > COCO_SE_ADDITIONAL_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "user data or additional data are too long");
    coco_se_tags_format(measured->tags, tags);
    put_be(lengths, measured->user_len, 2);
    put_be(lengths + 4, measured->additional_len, 4);
    const struct {
        const void *data;
        size_t len;
    } parts[] = {
        {tags, sizeof(tags)},
        {measured->cuid, COCO_SE_CUID_SIZE},
        {lengths, sizeof(lengths)},
        {measured->user, measured->user_len},
        {measured->nonce, measured->nonce ? COCO_SE_NONCE_SIZE : 0},
        {measured->additional, measured->additional_len},
    };
    coco_status status = COCO_OK;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && status == COCO_OK; i++)
        if (parts[i].len > 0)
            status = coco_buf_append(&input, parts[i].data, parts[i].len, err);
    if (status == COCO_OK)
        status = coco_hmac(EVP_sha512(), key, input.data, input.len, ret, err);
    return status;
}

/* ---- JSON ---- */

static coco_status
get_buf(const cJSON *object, const char *name, size_t max, struct coco_buf *ret, coco_error **err)
{
    const char *text = NULL;

    ret->limit = max;
    coco_status status = coco_json_get_string(object, name, &text, err);
    if (status != COCO_OK)
        return status;
    status = coco_base64_decode(COCO_BASE64, text, strlen(text), ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%s", name);
}

static coco_status
get_tags(const cJSON *object, struct coco_se_tags *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {0};

    coco_status status = get_buf(object, "image_hdr_tags", COCO_SE_TAGS_SIZE, &buf, err);
    return status == COCO_OK ? coco_se_tags_parse(buf.data, buf.len, ret, err) : status;
}

static coco_status
add_buf(cJSON *object, const char *name, const struct coco_buf *buf, coco_error **err)
{
    return coco_json_add_base64(object, name, buf->data, buf->len, err);
}

static coco_status
add_tags(cJSON *object, const struct coco_se_tags *tags, coco_error **err)
{
    uint8_t bytes[COCO_SE_TAGS_SIZE];

    coco_se_tags_format(tags, bytes);
    return coco_json_add_base64(object, "image_hdr_tags", bytes, sizeof(bytes), err);
}

void
coco_se_request_done(struct coco_se_request *request)
{
    coco_buf_done(&request->control_block);
    coco_buf_done(&request->key);
    coco_buf_done(&request->nonce);
}

coco_status
coco_se_request_parse(const cJSON *object, struct coco_se_request *ret, coco_error **err)
{
    _cleanup_se_request_ struct coco_se_request request = {0};
    uint64_t measurement_size = 0;
    uint64_t additional_size = 0;

    coco_status status =
        get_buf(object, "request_blob", CONTROL_BLOCK_MAX, &request.control_block, err);
    if (status == COCO_OK)
        status = coco_serde_get_number(object, "measurement_size", COCO_SE_ADDITIONAL_MAX,
                                       &measurement_size, err);
    if (status == COCO_OK)
        status = coco_serde_get_number(object, "additional_size", COCO_SE_ADDITIONAL_MAX,
                                       &additional_size, err);
    if (status == COCO_OK)
        status = get_buf(object, "encr_measurement_key", WRAPPED_MAX, &request.key, err);
    if (status == COCO_OK)
        status = get_buf(object, "encr_request_nonce", WRAPPED_MAX, &request.nonce, err);
    if (status == COCO_OK)
        status = get_tags(object, &request.tags, err);
    if (status != COCO_OK)
        return status;
    request.measurement_size = (uint32_t)measurement_size;
    request.additional_size = (uint32_t)additional_size;
    *ret = request;
    request = (struct coco_se_request){0};
    return COCO_OK;
}

coco_status
coco_se_request_format(const struct coco_se_request *request, struct coco_buf *buf,
                       coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = add_buf(object, "request_blob", &request->control_block, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "measurement_size", request->measurement_size, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "additional_size", request->additional_size, err);
    if (status == COCO_OK)
        status = add_buf(object, "encr_measurement_key", &request->key, err);
    if (status == COCO_OK)
        status = add_buf(object, "encr_request_nonce", &request->nonce, err);
    if (status == COCO_OK)
        status = add_tags(object, &request->tags, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, buf, err);
    return status;
}

void
coco_se_evidence_done(struct coco_se_evidence *evidence)
{
    coco_buf_done(&evidence->measurement);
    coco_buf_done(&evidence->additional);
    coco_buf_done(&evidence->user);
    coco_buf_done(&evidence->key);
    coco_buf_done(&evidence->nonce);
}

static coco_status
get_cuid(const cJSON *object, uint8_t ret[COCO_SE_CUID_SIZE], coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {0};

    coco_status status = get_buf(object, "cuid", COCO_SE_CUID_SIZE, &buf, err);
    if (status != COCO_OK)
        return status;
    if (buf.len != COCO_SE_CUID_SIZE)
        return coco_fail(err, COCO_ERR_PROTO, "cuid has %zu bytes, not %zu", buf.len,
                         COCO_SE_CUID_SIZE);
    memcpy(ret, buf.data, buf.len);
    return COCO_OK;
}

coco_status
coco_se_evidence_parse(const cJSON *object, struct coco_se_evidence *ret, coco_error **err)
{
    _cleanup_se_evidence_ struct coco_se_evidence evidence = {0};
    const struct {
        const char *name;
        size_t max;
        struct coco_buf *buf;
    } parts[] = {
        {"measurement", COCO_SE_MEASUREMENT_SIZE, &evidence.measurement},
        {"additional_data", COCO_SE_ADDITIONAL_MAX, &evidence.additional},
        {"user_data", COCO_SE_USER_DATA_MAX, &evidence.user},
        {"encr_measurement_key", WRAPPED_MAX, &evidence.key},
        {"encr_request_nonce", WRAPPED_MAX, &evidence.nonce},
    };
    coco_status status = get_cuid(object, evidence.cuid, err);

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && status == COCO_OK; i++)
        status = get_buf(object, parts[i].name, parts[i].max, parts[i].buf, err);
    if (status == COCO_OK)
        status = get_tags(object, &evidence.tags, err);
    if (status != COCO_OK)
        return status;
    *ret = evidence;
    evidence = (struct coco_se_evidence){0};
    return COCO_OK;
}

coco_status
coco_se_evidence_format(const struct coco_se_evidence *evidence, struct coco_buf *buf,
                        coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = add_buf(object, "measurement", &evidence->measurement, err);
    if (status == COCO_OK)
        status = add_buf(object, "additional_data", &evidence->additional, err);
    if (status == COCO_OK)
        status = add_buf(object, "user_data", &evidence->user, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(object, "cuid", evidence->cuid, sizeof(evidence->cuid), err);
    if (status == COCO_OK)
        status = add_buf(object, "encr_measurement_key", &evidence->key, err);
    if (status == COCO_OK)
        status = add_buf(object, "encr_request_nonce", &evidence->nonce, err);
    if (status == COCO_OK)
        status = add_tags(object, &evidence->tags, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, buf, err);
    return status;
}
