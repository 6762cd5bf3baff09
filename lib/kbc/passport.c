/*
 * kbc/passport.c - a token, with the key that it is for, to be shown elsewhere
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/passport.h"

#include "base/fail.h"
#include "base/json.h"
#include "crypto/jws.h"
#include "rcar/tee_key.h"

#include <string.h>
#include <time.h>

#define KEY_PEM_MAX ((size_t)16 << 10)

coco_status
coco_passport_check(const struct coco_session *session, coco_error **err)
{
    const char *token = (const char *)session->token.data;
    _cleanup_jws_ struct coco_jws jws = {0};

    coco_status status = coco_jws_parse(token, strlen(token), &jws, err);
    if (status == COCO_OK)
        status = coco_jwt_check_times(jws.payload, (int64_t)time(NULL), err);
    return status;
}

coco_status
coco_passport_write(const struct coco_session *session, struct coco_buf *buf, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_buf_ struct coco_buf pem = {.limit = KEY_PEM_MAX};

    coco_status status = coco_key_private_pem(session->key, &pem, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "token", (const char *)session->token.data, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "tee_keypair", coco_buf_text(&pem), err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, buf, err);
    return status;
}

static coco_status
read_into(const uint8_t *text, size_t len, struct coco_session *session, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_json_ cJSON *jwk = NULL;
    const char *token = NULL;
    const char *pem = NULL;

    if (len > COCO_PASSPORT_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "of more than %zu bytes", COCO_PASSPORT_MAX);
    coco_status status = coco_json_parse_object((const char *)text, len, &object, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "token", &token, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "tee_keypair", &pem, err);
    if (status == COCO_OK)
        status = coco_secret_copy(token, strlen(token) + 1, &session->token, err);
    if (status == COCO_OK)
        status = coco_passport_check(session, err);
    if (status == COCO_OK)
        status = coco_key_parse_private(pem, strlen(pem), &session->key, err);
    if (status == COCO_OK) /* of a kind that secrets are encrypted to */
        status = coco_rcar_tee_key_build(session->version, session->key, &jwk, err);
    return status;
}

coco_status
coco_passport_read(const uint8_t *text, size_t len, struct coco_session **ret, coco_error **err)
{
    _cleanup_(coco_session_unrefp) struct coco_session *session = NULL;

    coco_status status = coco_session_new(&session, err);
    if (status != COCO_OK)
        return status;
    session->version = COCO_RCAR_NEWEST;
    status = read_into(text, len, session, err);
    if (status == COCO_OK)
        *ret = coco_steal(&session);
    return status;
}
