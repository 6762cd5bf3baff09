/*
 * initdata/initdata.c - documents of init data
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "initdata/initdata.h"

#include "base/bytes.h"
#include "base/fail.h"
#include "base/text.h"
#include "base/toml.h"

#include <string.h>
#include <strings.h>

/* ---- reading ---- */

static coco_status
check_data(const cJSON *data, coco_error **err)
{
    const cJSON *file;

    cJSON_ArrayForEach(file, data) {
        if (!cJSON_IsString(file))
            return coco_fail(err, COCO_ERR_PROTO, "init data: data holds more than texts");
    }
    return COCO_OK;
}

/* kbs-protocol A.5 */
static coco_status
read_document(coco_initdata *initdata, coco_error **err)
{
    _cleanup_json_ cJSON *document = NULL;
    const char *version = NULL;
    const char *algorithm = NULL;
    const cJSON *data = NULL;

    coco_status status =
        coco_toml_parse(coco_buf_text(&initdata->text), initdata->text.len, &document, err);
    if (status == COCO_OK)
        status = coco_json_get_string(document, "version", &version, err);
    if (status == COCO_OK)
        status = coco_json_get_string(document, "algorithm", &algorithm, err);
    if (status == COCO_OK && strcmp(version, COCO_INITDATA_VERSION) != 0)
        status = coco_fail(err, COCO_ERR_PROTO, "version is not " COCO_INITDATA_VERSION);
    if (status == COCO_OK)
        status = coco_hash_alg_parse(algorithm, &initdata->alg, err);
    if (status == COCO_OK)
        status = coco_json_get_object(document, "data", &data, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "init data");
    status = check_data(data, err);
    if (status == COCO_OK)
        initdata->data = cJSON_DetachItemFromObjectCaseSensitive(document, "data");
    return status;
}

static coco_status
new_empty(coco_initdata **ret, coco_error **err)
{
    coco_initdata *initdata = calloc(1, sizeof(*initdata));

    if (!initdata)
        return coco_fail_nomem(err);
    initdata->text.limit = COCO_INITDATA_MAX;
    *ret = initdata;
    return COCO_OK;
}

coco_status
coco_initdata_read(const char *toml, coco_initdata **ret, coco_error **err)
{
    _cleanup_initdata_ coco_initdata *initdata = NULL;

    coco_status status = new_empty(&initdata, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(&initdata->text, toml, err);
    if (status == COCO_OK)
        status = read_document(initdata, err);
    if (status == COCO_OK)
        *ret = coco_steal(&initdata);
    return status;
}

coco_status
coco_initdata_parse(const char *text, coco_initdata **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf unpacked = {.limit = COCO_INITDATA_MAX};

    if (!coco_initdata_is_packed(text))
        return coco_initdata_read(text, ret, err);
    coco_status status = coco_initdata_unpack(text, &unpacked, err);
    if (status == COCO_OK && strlen(coco_buf_text(&unpacked)) != unpacked.len)
        status = coco_fail(err, COCO_ERR_PROTO, "init data holds a NUL byte");
    if (status == COCO_OK)
        status = coco_initdata_read(coco_buf_text(&unpacked), ret, err);
    return status;
}

void
coco_initdata_free(coco_initdata *initdata)
{
    if (!initdata)
        return;
    coco_json_free(initdata->data);
    coco_buf_done(&initdata->text);
    free(initdata);
}

/* ---- writing ---- */

/* TOML 1.0, "Basic strings". */
static coco_status
append_basic(const char *text, struct coco_buf *buf, coco_error **err)
{
    coco_status status = coco_buf_append_text(buf, "\"", err);

    for (const char *p = text; *p && status == COCO_OK; p++) {
        unsigned char c = (unsigned char)*p;

        if (c == '"' || c == '\\')
            status = coco_buf_printf(buf, err, "\\%c", c);
        else if (c == '\n')
            status = coco_buf_append_text(buf, "\\n", err);
        else if (c < ' ' || c == 0x7f)
            status = coco_buf_printf(buf, err, "\\u%04X", (unsigned)c);
        else
            status = coco_buf_append(buf, p, 1, err);
    }
    return status == COCO_OK ? coco_buf_append_text(buf, "\"", err) : status;
}

/* Whether a text may stand between ''' as it is. A reader may change the ends of lines. */
static bool
is_literal(const char *text)
{
    for (const char *p = text; *p; p++)
        if (((unsigned char)*p < ' ' && *p != '\n' && *p != '\t') || *p == 0x7f)
            return false;
    return !strstr(text, "'''") && (text[0] == '\0' || text[strlen(text) - 1] != '\'');
}

static coco_status
append_file(const cJSON *file, struct coco_buf *buf, coco_error **err)
{
    coco_status status = append_basic(file->string, buf, err);

    if (status == COCO_OK)
        status = coco_buf_append_text(buf, " = ", err);
    if (status != COCO_OK)
        return status;
    /* The first end of line behind ''' is none of the text. */
    status = is_literal(file->valuestring)
                 ? coco_buf_printf(buf, err, "'''\n%s'''", file->valuestring)
                 : append_basic(file->valuestring, buf, err);
    return status == COCO_OK ? coco_buf_append_text(buf, "\n", err) : status;
}

coco_status
coco_initdata_format(enum coco_hash_alg alg, const cJSON *data, struct coco_buf *buf,
                     coco_error **err)
{
    const cJSON *file;

    coco_status status = coco_buf_printf(
        buf, err, "version = \"" COCO_INITDATA_VERSION "\"\nalgorithm = \"%s\"\n\n[data]\n",
        coco_hash_name(alg));
    cJSON_ArrayForEach(file, data) {
        if (status == COCO_OK)
            status = append_file(file, buf, err);
    }
    return status;
}

static coco_status
format_again(coco_initdata *initdata, coco_error **err)
{
    coco_buf_reset(&initdata->text);
    return coco_initdata_format(initdata->alg, initdata->data, &initdata->text, err);
}

coco_status
coco_initdata_new(const char *algorithm, coco_initdata **ret, coco_error **err)
{
    _cleanup_initdata_ coco_initdata *initdata = NULL;

    coco_status status = new_empty(&initdata, err);
    if (status == COCO_OK)
        status = coco_hash_alg_parse(algorithm, &initdata->alg, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&initdata->data, err);
    if (status == COCO_OK)
        status = format_again(initdata, err);
    if (status != COCO_OK)
        return status;
    initdata->built = true;
    *ret = coco_steal(&initdata);
    return COCO_OK;
}

/* As claims of a token, two names that differ in case alone are one. */
static bool
has_name(const cJSON *data, const char *name)
{
    const cJSON *file;

    cJSON_ArrayForEach(file, data) {
        if (strcasecmp(file->string, name) == 0)
            return true;
    }
    return false;
}

coco_status
coco_initdata_add(coco_initdata *initdata, const char *name, const char *content, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_INITDATA_MAX};

    if (!initdata->built)
        return coco_fail(err, COCO_ERR_INVALID, "init data that was read cannot be added to");
    if (name[0] == '\0' || !coco_utf8_valid(name, strlen(name)))
        return coco_fail(err, COCO_ERR_INVALID, "init data: '%.80s' is no name", name);
    if (!coco_utf8_valid(content, strlen(content)))
        return coco_fail(err, COCO_ERR_INVALID, "init data: %.80s is not UTF-8", name);
    if (has_name(initdata->data, name))
        return coco_fail(err, COCO_ERR_INVALID, "init data: %.80s is there already", name);
    coco_status status = coco_json_add_string(initdata->data, name, content, err);
    if (status != COCO_OK)
        return status;
    status = coco_initdata_format(initdata->alg, initdata->data, &text, err);
    if (status != COCO_OK) {
        coco_json_free(cJSON_DetachItemFromObjectCaseSensitive(initdata->data, name));
        return status;
    }
    coco_buf_done(&initdata->text);
    initdata->text = text;
    text = (struct coco_buf){0};
    return COCO_OK;
}

/* ---- what it is ---- */

const char *
coco_initdata_text(const coco_initdata *initdata)
{
    return coco_buf_text(&initdata->text);
}

const char *
coco_initdata_algorithm(const coco_initdata *initdata)
{
    return coco_hash_name(initdata->alg);
}

static const cJSON *
file_at(const coco_initdata *initdata, size_t index)
{
    const cJSON *file;

    cJSON_ArrayForEach(file, initdata->data) {
        if (index-- == 0)
            return file;
    }
    return NULL;
}

const char *
coco_initdata_name(const coco_initdata *initdata, size_t index)
{
    const cJSON *file = file_at(initdata, index);

    return file ? file->string : NULL;
}

const char *
coco_initdata_content(const coco_initdata *initdata, size_t index)
{
    const cJSON *file = file_at(initdata, index);

    return file ? file->valuestring : NULL;
}

coco_status
coco_initdata_digest_of(const coco_initdata *initdata, struct coco_digest *ret, coco_error **err)
{
    return coco_digest_of(initdata->alg, coco_buf_text(&initdata->text), initdata->text.len, ret,
                          err);
}

coco_status
coco_initdata_digest(const coco_initdata *initdata, coco_bytes **ret, coco_error **err)
{
    struct coco_digest digest;

    coco_status status = coco_initdata_digest_of(initdata, &digest, err);
    if (status == COCO_OK)
        status = coco_bytes_new(digest.bytes, coco_hash_size(digest.alg), ret, err);
    return status;
}
