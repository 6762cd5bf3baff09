/*
 * tee/corim_write.c - reference values in CoRIM, written
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/corim.h"

#include "base/fail.h"

#include <string.h>

#define META_MAX ((size_t)4096)

static bool
same_string(struct coco_cbor_string a, struct coco_cbor_string b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static bool
same_class(const struct coco_corim_class *a, const struct coco_corim_class *b)
{
    return a->id.kind == b->id.kind && same_string(a->id.string, b->id.string)
           && same_string(a->vendor, b->vendor) && same_string(a->model, b->model)
           && a->has_layer == b->has_layer && a->layer == b->layer && a->has_index == b->has_index
           && a->index == b->index;
}

/* ---- parts ---- */

static void
put_text(struct coco_cbor_writer *w, int64_t key, struct coco_cbor_string text)
{
    if (text.len == 0)
        return;
    coco_cbor_put_int(w, key);
    coco_cbor_put_text(w, text.data, text.len);
}

static void
put_name(struct coco_cbor_writer *w, const struct coco_corim_name *name)
{
    if (name->kind == COCO_CORIM_NUMBER) {
        coco_cbor_put_u64(w, name->number);
        return;
    }
    if (name->kind == COCO_CORIM_TEXT) {
        coco_cbor_put_text(w, name->string.data, name->string.len);
        return;
    }
    coco_cbor_put_tag(w, name->kind == COCO_CORIM_OID    ? COCO_CORIM_TAG_OID
                         : name->kind == COCO_CORIM_UUID ? COCO_CORIM_TAG_UUID
                                                         : COCO_CORIM_TAG_BYTES);
    coco_cbor_put_bytes(w, name->string.data, name->string.len);
}

static void
put_id(struct coco_cbor_writer *w, const struct coco_corim_name *id)
{
    if (id->kind == COCO_CORIM_UUID)
        coco_cbor_put_bytes(w, id->string.data, id->string.len);
    else
        coco_cbor_put_text(w, id->string.data, id->string.len);
}

static void
put_validity(struct coco_cbor_writer *w, const struct coco_corim *corim)
{
    coco_cbor_put_map(w, corim->not_before != 0 ? 2 : 1);
    if (corim->not_before != 0) {
        coco_cbor_put_int(w, COCO_CORIM_NOT_BEFORE);
        coco_cbor_put_tag(w, COCO_CORIM_TAG_TIME);
        coco_cbor_put_int(w, corim->not_before);
    }
    coco_cbor_put_int(w, COCO_CORIM_NOT_AFTER);
    coco_cbor_put_tag(w, COCO_CORIM_TAG_TIME);
    coco_cbor_put_int(w, corim->not_after);
}

static void
put_environment(struct coco_cbor_writer *w, const struct coco_corim_class *class)
{
    size_t n = 0;

    n += class->id.kind != COCO_CORIM_NONE;
    n += class->vendor.len > 0;
    n += class->model.len > 0;
    n += class->has_layer;
    n += class->has_index;
    coco_cbor_put_map(w, 1);
    coco_cbor_put_int(w, COCO_CORIM_CLASS);
    coco_cbor_put_map(w, n);
    if (class->id.kind != COCO_CORIM_NONE) {
        coco_cbor_put_int(w, COCO_CORIM_CLASS_ID);
        put_name(w, &class->id);
    }
    put_text(w, COCO_CORIM_VENDOR, class->vendor);
    put_text(w, COCO_CORIM_MODEL, class->model);
    if (class->has_layer) {
        coco_cbor_put_int(w, COCO_CORIM_LAYER);
        coco_cbor_put_u64(w, class->layer);
    }
    if (class->has_index) {
        coco_cbor_put_int(w, COCO_CORIM_INDEX);
        coco_cbor_put_u64(w, class->index);
    }
}

/* ---- values ---- */

static void
put_digests(struct coco_cbor_writer *w, const struct coco_corim_value *value)
{
    coco_cbor_put_int(w, COCO_CORIM_DIGESTS);
    coco_cbor_put_array(w, value->n_digests);
    for (size_t i = 0; i < value->n_digests; i++) {
        const struct coco_digest *digest = &value->digests[i];

        coco_cbor_put_array(w, 2);
        coco_cbor_put_u64(w, coco_corim_hash_number(digest->alg));
        coco_cbor_put_bytes(w, digest->bytes, coco_hash_size(digest->alg));
    }
}

static void
put_raw(struct coco_cbor_writer *w, const struct coco_corim_value *value)
{
    coco_cbor_put_int(w, COCO_CORIM_RAW);
    if (value->mask.len == 0) {
        coco_cbor_put_tag(w, COCO_CORIM_TAG_BYTES);
        coco_cbor_put_bytes(w, value->raw.data, value->raw.len);
        return;
    }
    coco_cbor_put_tag(w, COCO_CORIM_TAG_MASKED);
    coco_cbor_put_array(w, 2);
    coco_cbor_put_bytes(w, value->raw.data, value->raw.len);
    coco_cbor_put_bytes(w, value->mask.data, value->mask.len);
}

static void
put_mval(struct coco_cbor_writer *w, const struct coco_corim_value *value)
{
    size_t n = 0;

    n += value->version.len > 0;
    n += value->has_svn;
    n += value->n_digests > 0;
    n += value->raw.len > 0;
    n += value->name.len > 0;
    coco_cbor_put_map(w, n);
    if (value->version.len > 0) {
        coco_cbor_put_int(w, COCO_CORIM_VERSION);
        coco_cbor_put_map(w, 1);
        put_text(w, 0, value->version);
    }
    if (value->has_svn) {
        coco_cbor_put_int(w, COCO_CORIM_SVN);
        coco_cbor_put_tag(w, value->svn_is_least ? COCO_CORIM_TAG_MIN_SVN : COCO_CORIM_TAG_SVN);
        coco_cbor_put_u64(w, value->svn);
    }
    if (value->n_digests > 0)
        put_digests(w, value);
    if (value->raw.len > 0)
        put_raw(w, value);
    put_text(w, COCO_CORIM_NAME, value->name);
}

static void
put_measurement(struct coco_cbor_writer *w, const struct coco_corim_value *value)
{
    coco_cbor_put_map(w, value->key.kind == COCO_CORIM_NONE ? 1 : 2);
    if (value->key.kind != COCO_CORIM_NONE) {
        coco_cbor_put_int(w, COCO_CORIM_MKEY);
        put_name(w, &value->key);
    }
    coco_cbor_put_int(w, COCO_CORIM_MVAL);
    put_mval(w, value);
}

/* How many of the values from first on are of one class. */
static size_t
run_of(const struct coco_corim *corim, size_t first)
{
    size_t end = first;

    while (end < corim->n_values
           && same_class(&corim->values[first].environment, &corim->values[end].environment))
        end++;
    return end - first;
}

static void
put_references(struct coco_cbor_writer *w, const struct coco_corim *corim)
{
    size_t triples = 0;

    for (size_t i = 0; i < corim->n_values; i += run_of(corim, i))
        triples++;
    coco_cbor_put_array(w, triples);
    for (size_t i = 0; i < corim->n_values;) {
        size_t end = i + run_of(corim, i);

        coco_cbor_put_array(w, 2);
        put_environment(w, &corim->values[i].environment);
        coco_cbor_put_array(w, end - i);
        for (; i < end; i++)
            put_measurement(w, &corim->values[i]);
    }
}

static coco_status
format_comid(const struct coco_corim *corim, struct coco_buf *buf, coco_error **err)
{
    struct coco_cbor_writer w = coco_cbor_writer_of(buf, err);

    coco_cbor_put_map(&w, 2);
    coco_cbor_put_int(&w, COCO_CORIM_TAG_IDENTITY);
    coco_cbor_put_map(&w, 1);
    coco_cbor_put_int(&w, 0);
    put_id(&w, &corim->tag);
    coco_cbor_put_int(&w, COCO_CORIM_TRIPLES);
    coco_cbor_put_map(&w, 1);
    coco_cbor_put_int(&w, COCO_CORIM_REFERENCES);
    put_references(&w, corim);
    return w.status;
}

/* ---- the manifest ---- */

/* What would be written and not be read again. */
static coco_status
check(const struct coco_corim *corim, coco_error **err)
{
    if (corim->n_values == 0)
        return coco_fail(err, COCO_ERR_INVALID, "CoRIM without values");
    if (corim->n_values > COCO_CORIM_VALUES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d values", COCO_CORIM_VALUES_MAX);
    if (corim->id.string.len == 0 || corim->tag.string.len == 0)
        return coco_fail(err, COCO_ERR_INVALID, "CoRIM without an id");
    if (corim->not_before != 0 && corim->not_after == 0)
        return coco_fail(err, COCO_ERR_INVALID, "CoRIM that begins and does not end");
    return COCO_OK;
}

coco_status
coco_corim_format(const struct coco_corim *corim, struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf comid = {.limit = COCO_CBOR_SIZE_MAX};

    coco_status status = check(corim, err);
    if (status == COCO_OK)
        status = format_comid(corim, &comid, err);
    if (status != COCO_OK)
        return status;

    struct coco_cbor_writer w = coco_cbor_writer_of(buf, err);
    coco_cbor_put_tag(&w, COCO_CORIM_TAG_MANIFEST);
    coco_cbor_put_map(&w, corim->not_after != 0 ? 3 : 2);
    coco_cbor_put_int(&w, COCO_CORIM_ID);
    put_id(&w, &corim->id);
    coco_cbor_put_int(&w, COCO_CORIM_TAGS);
    coco_cbor_put_array(&w, 1);
    coco_cbor_put_tag(&w, COCO_CORIM_TAG_COMID);
    coco_cbor_put_bytes(&w, comid.data, comid.len);
    if (corim->not_after != 0) {
        coco_cbor_put_int(&w, COCO_CORIM_VALIDITY);
        put_validity(&w, corim);
    }
    return w.status;
}

static coco_status
format_headers(const char *signer, struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf meta = {.limit = META_MAX};
    struct coco_cbor_writer w = coco_cbor_writer_of(&meta, err);

    coco_cbor_put_map(&w, 1);
    coco_cbor_put_int(&w, COCO_CORIM_META_SIGNER);
    coco_cbor_put_map(&w, 1);
    coco_cbor_put_int(&w, COCO_CORIM_SIGNER_NAME);
    coco_cbor_put_string(&w, signer);
    if (w.status != COCO_OK)
        return w.status;

    w = coco_cbor_writer_of(buf, err);
    coco_cbor_put_map(&w, 2);
    coco_cbor_put_int(&w, COCO_COSE_CONTENT_TYPE);
    coco_cbor_put_string(&w, COCO_CORIM_TYPE);
    coco_cbor_put_int(&w, COCO_CORIM_META);
    coco_cbor_put_bytes(&w, meta.data, meta.len);
    return w.status;
}

coco_status
coco_corim_seal(EVP_PKEY *key, const char *signer, const struct coco_corim *corim,
                struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf manifest = {.limit = COCO_CBOR_SIZE_MAX};
    _cleanup_buf_ struct coco_buf headers = {.limit = META_MAX};

    coco_status status = coco_corim_format(corim, &manifest, err);
    if (status == COCO_OK)
        status = format_headers(signer, &headers, err);
    if (status != COCO_OK)
        return status;
    struct coco_cose_content content = {
        .protected = {headers.data, headers.len},
        .payload = {manifest.data, manifest.len},
        .tagged = true,
    };
    return coco_cose_sign1_sign(key, &content, buf, err);
}
