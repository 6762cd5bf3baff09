/*
 * references/manifest.c - reference values in CoRIM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"
#include "base/fail.h"
#include "base/text.h"
#include "crypto/key.h"
#include "references/references.h"
#include "tee/corim.h"
#include "tee/guid.h"

#include <inttypes.h>
#include <string.h>

/* Who names values as policies do: a manifest of ours has nothing else in its class. */
#define VENDOR "confidential-containers"
#define ID "reference-values"

/* What is no list of digests is a raw value, its JSON, and is called so. */
#define JSON "json"

static struct coco_cbor_string
string_of(const char *text)
{
    return (struct coco_cbor_string){(const uint8_t *)text, strlen(text)};
}

/* ---- read ---- */

static coco_status
append_string(struct coco_buf *path, struct coco_cbor_string string, coco_error **err)
{
    if (string.len == 0)
        return COCO_OK;
    coco_status status = path->len > 0 ? coco_buf_append_text(path, "/", err) : COCO_OK;

    return status == COCO_OK ? coco_buf_append(path, string.data, string.len, err) : status;
}

static coco_status
append_key(struct coco_buf *path, const struct coco_corim_name *key, coco_error **err)
{
    char text[COCO_GUID_LEN + 1];

    switch (key->kind) {
    case COCO_CORIM_NONE:
        return COCO_OK;
    case COCO_CORIM_TEXT:
        return append_string(path, key->string, err);
    case COCO_CORIM_NUMBER:
        return coco_buf_printf(path, err, "%sclaim%" PRIu64, path->len > 0 ? "/" : "", key->number);
    case COCO_CORIM_UUID:
        coco_guid_format(key->string.data, text);
        return append_string(path, string_of(text), err);
    default:
        return coco_fail(err, COCO_ERR_NOTSUP, "what is measured has no name that can be kept");
    }
}

/* Whatever would be dropped would let the value pass for more than it is. */
static coco_status
check_value(const struct coco_corim_value *value, coco_error **err)
{
    const struct coco_corim_class *class = &value->environment;

    if (class->id.kind != COCO_CORIM_NONE || class->has_layer || class->has_index)
        return coco_fail(err, COCO_ERR_NOTSUP, "value for a class, layer or index alone");
    if (value->has_svn || value->version.len > 0 || value->mask.len > 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "value with a version, an SVN or a mask");
    if ((value->n_digests > 0) == (value->raw.len > 0))
        return coco_fail(err, COCO_ERR_NOTSUP, "value that is not either digests or bytes");
    return COCO_OK;
}

/* The name that Trustee's RVPS gives it (rvps/src/extractors/corim). */
static coco_status
name_value(const struct coco_corim_value *value, struct coco_buf *ret, coco_error **err)
{
    coco_status status = append_string(ret, value->environment.vendor, err);

    if (status == COCO_OK)
        status = append_string(ret, value->environment.model, err);
    if (status == COCO_OK)
        status = append_key(ret, &value->key, err);
    if (status == COCO_OK)
        status = append_string(ret, value->name, err);
    if (status == COCO_OK)
        status = append_string(ret, string_of(value->n_digests > 0 ? "digests" : "raw_bytes"), err);
    return status;
}

static coco_status
add_hex(coco_references *ret, const char *name, const void *data, size_t len, bool list,
        int64_t expires, coco_error **err)
{
    _cleanup_buf_ struct coco_buf hex = {.limit = 2 * COCO_REFERENCE_VALUE_MAX};

    coco_status status = coco_buf_append_hex(&hex, data, len, err);
    if (status != COCO_OK)
        return status;
    cJSON *item = cJSON_CreateString(coco_buf_text(&hex));
    if (!item)
        return coco_fail_nomem(err);
    return list ? coco_references_append(ret, name, item, expires, err)
                : coco_references_put(ret, name, item, expires, err);
}

static coco_status
add_digests(coco_references *ret, const char *name, const struct coco_corim_value *value,
            int64_t expires, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < value->n_digests && status == COCO_OK; i++)
        status = add_hex(ret, name, value->digests[i].bytes, coco_hash_size(value->digests[i].alg),
                         true, expires, err);
    return status;
}

static coco_status
read_value(const struct coco_corim_value *value, int64_t expires, coco_references *ret,
           coco_error **err)
{
    bool ours = coco_cbor_string_is(value->environment.vendor, VENDOR)
                && value->environment.model.len == 0 && value->key.kind == COCO_CORIM_TEXT;
    bool json = ours && value->raw.len > 0 && coco_cbor_string_is(value->name, JSON);
    _cleanup_buf_ struct coco_buf name = {.limit = COCO_REFERENCE_NAME_MAX};
    cJSON *parsed = NULL;

    coco_status status = check_value(value, err);
    if (status != COCO_OK)
        return status;
    if (json || (ours && value->n_digests > 0 && value->name.len == 0))
        status = append_string(&name, value->key.string, err);
    else
        status = name_value(value, &name, err);
    if (status != COCO_OK)
        return status;
    if (strlen(coco_buf_text(&name)) != name.len)
        return coco_fail(err, COCO_ERR_PROTO, "name with a NUL");
    if (value->n_digests > 0)
        return add_digests(ret, coco_buf_text(&name), value, expires, err);
    if (!json)
        return add_hex(ret, coco_buf_text(&name), value->raw.data, value->raw.len, false, expires,
                       err);
    status = coco_json_parse((const char *)value->raw.data, value->raw.len, &parsed, err);
    if (status == COCO_OK)
        status = coco_references_put(ret, coco_buf_text(&name), parsed, expires, err);
    return status;
}

static coco_status
read_values(const struct coco_corim *corim, coco_references *ret, coco_error **err)
{
    for (size_t i = 0; i < corim->n_values; i++) {
        coco_status status = read_value(&corim->values[i], corim->not_after, ret, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "value %zu", i);
    }
    ret->not_before = corim->not_before;
    return COCO_OK;
}

coco_status
coco_references_read_corim(const void *data, size_t len, coco_references *ret, coco_error **err)
{
    _cleanup_corim_ struct coco_corim corim = {0};

    coco_status status = coco_corim_parse(data, len, &corim, err);
    return status == COCO_OK ? read_values(&corim, ret, err) : status;
}

coco_status
coco_references_open(const uint8_t *data, size_t len, const uint8_t *key, size_t key_len,
                     coco_references **ret, coco_error **err)
{
    _cleanup_references_ coco_references *references = NULL;
    _cleanup_corim_ struct coco_corim corim = {0};
    _cleanup_pkey_ EVP_PKEY *owner = NULL;
    struct coco_cbor_string signer = {0};

    coco_status status = coco_key_parse_public(key, key_len, &owner, err);
    if (status == COCO_OK)
        status = coco_corim_open(data, len, owner, &corim, &signer, err);
    if (status == COCO_OK)
        status = coco_references_new(&references, err);
    if (status == COCO_OK)
        status = read_values(&corim, references, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "reference values");
    references->signer = strndup((const char *)signer.data, signer.len);
    if (!references->signer)
        return coco_fail_nomem(err);
    *ret = coco_steal(&references);
    return COCO_OK;
}

/* ---- written ---- */

/* Lower-case hex of as many bytes as a SHA-2 has. */
static bool
read_digest(const cJSON *item, struct coco_digest *ret)
{
    static const enum coco_hash_alg algs[] = {COCO_SHA256, COCO_SHA384, COCO_SHA512};
    size_t len = cJSON_IsString(item) ? strlen(item->valuestring) : 0;

    if (len == 0 || strspn(item->valuestring, "0123456789abcdef") != len)
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (2 * coco_hash_size(algs[i]) != len)
            continue;
        *ret = (struct coco_digest){.alg = algs[i]};
        return coco_unhex(item->valuestring, len, ret->bytes, len / 2);
    }
    return false;
}

/* How many values of a manifest it takes. */
static size_t
count(const struct coco_reference *reference, bool *digests)
{
    struct coco_digest digest;
    const cJSON *item;
    size_t n = 0;

    *digests = cJSON_IsArray(reference->value) && reference->value->child;
    if (!*digests)
        return 1;
    cJSON_ArrayForEach(item, reference->value) {
        *digests = *digests && read_digest(item, &digest);
        n++;
    }
    return *digests ? n : 1;
}

/* Fills in what reference takes; all of it is lent. */
static size_t
fill(const struct coco_reference *reference, struct coco_corim_value *ret)
{
    struct coco_corim_value blank = {
        .environment = {.vendor = string_of(VENDOR)},
        .key = {.kind = COCO_CORIM_TEXT, .string = string_of(reference->name)},
    };
    bool digests = false;
    size_t n = count(reference, &digests);
    const cJSON *item = digests ? reference->value->child : NULL;

    for (size_t i = 0; i < n; i++) {
        ret[i] = blank;
        if (item) {
            ret[i].n_digests = 1;
            (void)read_digest(item, &ret[i].digests[0]);
            item = item->next;
        } else {
            ret[i].raw = string_of(reference->text);
            ret[i].name = string_of(JSON);
        }
    }
    return n;
}

static coco_status
make_corim(const coco_references *references, struct coco_corim *ret, coco_error **err)
{
    _cleanup_corim_ struct coco_corim corim = {
        .id = {.kind = COCO_CORIM_TEXT, .string = string_of(ID)},
        .tag = {.kind = COCO_CORIM_TEXT, .string = string_of(ID)},
    };
    size_t n = 0;
    bool digests = false;

    for (size_t i = 0; i < references->n; i++)
        n += count(&references->values[i], &digests);
    if (n == 0)
        return coco_fail(err, COCO_ERR_INVALID, "manifest of no reference values");
    if (n > COCO_CORIM_VALUES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d values", COCO_CORIM_VALUES_MAX);
    corim.values = calloc(n, sizeof(*corim.values));
    if (!corim.values)
        return coco_fail_nomem(err);
    for (size_t i = 0; i < references->n; i++) {
        int64_t expires = references->values[i].expires;

        corim.n_values += fill(&references->values[i], corim.values + corim.n_values);
        if (expires != 0 && (corim.not_after == 0 || expires < corim.not_after))
            corim.not_after = expires;
    }
    *ret = corim;
    corim.values = NULL;
    return COCO_OK;
}

coco_status
coco_references_write_corim(const coco_references *references, struct coco_buf *buf,
                            coco_error **err)
{
    _cleanup_corim_ struct coco_corim corim = {0};

    coco_status status = make_corim(references, &corim, err);
    return status == COCO_OK ? coco_corim_format(&corim, buf, err) : status;
}

coco_status
coco_references_sign(const coco_references *references, const uint8_t *key, size_t key_len,
                     const char *signer, coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_REFERENCES_FILE_MAX};
    _cleanup_corim_ struct coco_corim corim = {0};
    _cleanup_pkey_ EVP_PKEY *owner = NULL;

    if (signer[0] == '\0' || strlen(signer) > COCO_REFERENCE_NAME_MAX
        || !coco_utf8_valid(signer, strlen(signer)))
        return coco_fail(err, COCO_ERR_INVALID, "name of who signs: 1 to %d bytes of UTF-8",
                         COCO_REFERENCE_NAME_MAX);
    coco_status status = coco_key_parse_private(key, key_len, &owner, err);
    if (status == COCO_OK)
        status = make_corim(references, &corim, err);
    if (status == COCO_OK)
        status = coco_corim_seal(owner, signer, &corim, &buf, err);
    return status == COCO_OK ? coco_bytes_take(&buf, ret, err) : status;
}
