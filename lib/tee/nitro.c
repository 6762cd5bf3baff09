/*
 * tee/nitro.c - attestation documents of AWS Nitro Enclaves
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/nitro.h"

#include "base/base64.h"
#include "base/fail.h"

#include <inttypes.h>
#include <string.h>

#define MODULE_ID_MAX 256

/* ---- members ---- */

static coco_status
get(struct coco_cbor map, const char *name, struct coco_cbor *ret, coco_error **err)
{
    if (!coco_cbor_find_text(map, name, ret))
        return coco_fail(err, COCO_ERR_PROTO, "has no %s", name);
    return COCO_OK;
}

static coco_status
check_size(const char *name, struct coco_cbor_string bytes, size_t min, size_t max,
           coco_error **err)
{
    if (bytes.len < min || bytes.len > max)
        return coco_fail(err, COCO_ERR_PROTO, "%s: has %zu bytes", name, bytes.len);
    return COCO_OK;
}

static coco_status
read_bytes(const char *name, struct coco_cbor item, size_t min, size_t max,
           struct coco_cbor_string *ret, coco_error **err)
{
    coco_status status = coco_cbor_bytes(item, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", name);
    return check_size(name, *ret, min, max, err);
}

/* What the enclave gave: null if that was nothing. */
static coco_status
get_field(struct coco_cbor map, const char *name, struct coco_cbor_string *ret, coco_error **err)
{
    struct coco_cbor value;

    if (!coco_cbor_find_text(map, name, &value) || coco_cbor_is_null(value))
        return COCO_OK;
    return read_bytes(name, value, 0, COCO_NITRO_FIELD_MAX, ret, err);
}

static coco_status
get_module_id(struct coco_cbor map, struct coco_cbor_string *ret, coco_error **err)
{
    struct coco_cbor value;

    coco_status status = get(map, "module_id", &value, err);
    if (status == COCO_OK)
        status = coco_cbor_text(value, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "module_id");
    /* It becomes a text of C. */
    if (memchr(ret->data, '\0', ret->len))
        return coco_fail(err, COCO_ERR_PROTO, "module_id: has a NUL");
    return check_size("module_id", *ret, 1, MODULE_ID_MAX, err);
}

static coco_status
check_digest(struct coco_cbor map, coco_error **err)
{
    struct coco_cbor_string text;
    struct coco_cbor value;

    coco_status status = get(map, "digest", &value, err);
    if (status == COCO_OK)
        status = coco_cbor_text(value, &text, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "digest");
    if (!coco_cbor_string_is(text, COCO_NITRO_DIGEST))
        return coco_fail(err, COCO_ERR_NOTSUP, "digest is not " COCO_NITRO_DIGEST);
    return COCO_OK;
}

static coco_status
get_timestamp(struct coco_cbor map, uint64_t *ret, coco_error **err)
{
    struct coco_cbor value;

    coco_status status = get(map, "timestamp", &value, err);
    if (status == COCO_OK)
        status = coco_cbor_u64(value, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "timestamp");
    return COCO_OK;
}

static coco_status
get_pcrs(struct coco_cbor map, struct coco_nitro_document *ret, coco_error **err)
{
    struct coco_cbor_items items;
    struct coco_cbor pcrs;
    struct coco_cbor value;

    coco_status status = get(map, "pcrs", &pcrs, err);
    if (status == COCO_OK)
        status = coco_cbor_map(pcrs, &items, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "pcrs");
    for (struct coco_cbor key; coco_cbor_next_pair(&items, &key, &value);) {
        int64_t index = 0;

        if (!coco_cbor_is_int(key, &index) || index < 0 || index >= COCO_NITRO_PCRS)
            return coco_fail(err, COCO_ERR_PROTO, "pcrs: one that is not 0 to %d",
                             COCO_NITRO_PCRS - 1);
        status = read_bytes("pcrs", value, COCO_NITRO_PCR_SIZE, COCO_NITRO_PCR_SIZE,
                            &ret->pcrs[index], err);
        if (status != COCO_OK)
            return status;
    }
    /* Image, kernel and application: without them nothing says what runs. */
    for (size_t i = 0; i < 3; i++)
        if (ret->pcrs[i].len == 0)
            return coco_fail(err, COCO_ERR_PROTO, "pcrs: no %zu", i);
    return COCO_OK;
}

static coco_status
get_cabundle(struct coco_cbor map, struct coco_nitro_document *ret, coco_error **err)
{
    struct coco_cbor_items items;
    struct coco_cbor list;

    coco_status status = get(map, "cabundle", &list, err);
    if (status == COCO_OK)
        status = coco_cbor_array(list, &items, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "cabundle");
    if (items.left == 0)
        return coco_fail(err, COCO_ERR_PROTO, "cabundle: is empty");
    if (items.left > COCO_NITRO_BUNDLE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "cabundle: more than %d certificates",
                         COCO_NITRO_BUNDLE_MAX);
    for (struct coco_cbor item; coco_cbor_next(&items, &item); ret->n_cabundle++) {
        status = read_bytes("cabundle", item, 1, COCO_CERT_SIZE_MAX,
                            &ret->cabundle[ret->n_cabundle], err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

/* The specification is closed: what is not in it may change what the rest means. */
static coco_status
check_members(struct coco_cbor map, coco_error **err)
{
    static const char *const names[] = {
        "module_id", "digest",     "timestamp", "pcrs",  "certificate",
        "cabundle",  "public_key", "user_data", "nonce",
    };
    struct coco_cbor_items items;
    struct coco_cbor value;

    coco_status status = coco_cbor_map(map, &items, err);
    if (status != COCO_OK)
        return status;
    for (struct coco_cbor key; coco_cbor_next_pair(&items, &key, &value);) {
        struct coco_cbor_string text;
        bool known = false;

        status = coco_cbor_text(key, &text, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "name of a member");
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            known = known || coco_cbor_string_is(text, names[i]);
        if (!known)
            return coco_fail(err, COCO_ERR_PROTO, "unknown member '%.*s'",
                             (int)(text.len < 40 ? text.len : 40), (const char *)text.data);
    }
    return COCO_OK;
}

/* ---- the document ---- */

static coco_status
parse_payload(struct coco_cbor map, struct coco_nitro_document *ret, coco_error **err)
{
    struct coco_cbor certificate = {0};

    coco_status status = check_members(map, err);
    if (status == COCO_OK)
        status = get_module_id(map, &ret->module_id, err);
    if (status == COCO_OK)
        status = check_digest(map, err);
    if (status == COCO_OK)
        status = get_timestamp(map, &ret->timestamp, err);
    if (status == COCO_OK)
        status = get_pcrs(map, ret, err);
    if (status == COCO_OK)
        status = get(map, "certificate", &certificate, err);
    if (status == COCO_OK)
        status =
            read_bytes("certificate", certificate, 1, COCO_CERT_SIZE_MAX, &ret->certificate, err);
    if (status == COCO_OK)
        status = get_cabundle(map, ret, err);
    if (status == COCO_OK)
        status = get_field(map, "public_key", &ret->public_key, err);
    if (status == COCO_OK)
        status = get_field(map, "user_data", &ret->user_data, err);
    if (status == COCO_OK)
        status = get_field(map, "nonce", &ret->nonce, err);
    return status;
}

coco_status
coco_nitro_document_parse(const void *data, size_t len, struct coco_nitro_document *ret,
                          coco_error **err)
{
    struct coco_nitro_document document = {0};
    struct coco_cose_sign1 *message = &document.message;
    struct coco_cbor map = {0};

    if (len > COCO_NITRO_DOCUMENT_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "Nitro document of more than %zu bytes",
                         COCO_NITRO_DOCUMENT_MAX);
    coco_status status = coco_cose_sign1_parse(data, len, message, err);
    if (status == COCO_OK && message->alg != COCO_COSE_ES384)
        status = coco_fail(err, COCO_ERR_NOTSUP, "alg %" PRId64 " is not ES384", message->alg);
    if (status == COCO_OK)
        status = coco_cbor_parse_open_map(message->payload.data, message->payload.len, "payload",
                                          &map, err);
    if (status == COCO_OK)
        status = parse_payload(map, &document, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "Nitro document");
    *ret = document;
    return COCO_OK;
}

static coco_status
add_certificate(struct coco_cbor_string der, struct coco_cert_chain *chain, coco_error **err)
{
    _cleanup_cert_ X509 *cert = NULL;

    coco_status status = coco_cert_parse(der.data, der.len, &cert, err);
    if (status == COCO_OK)
        status = coco_cert_chain_add(chain, &cert, err);
    return status;
}

coco_status
coco_nitro_chain(const struct coco_nitro_document *document, struct coco_cert_chain *ret,
                 coco_error **err)
{
    coco_status status = add_certificate(document->certificate, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "certificate");
    for (size_t i = document->n_cabundle; i-- > 0;) {
        status = add_certificate(document->cabundle[i], ret, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "certificate %zu of cabundle", i);
    }
    return COCO_OK;
}

/* ---- writing ---- */

static void
put_bytes(struct coco_cbor_writer *w, const char *name, struct coco_cbor_string bytes)
{
    coco_cbor_put_string(w, name);
    coco_cbor_put_bytes(w, bytes.data, bytes.len);
}

static void
put_field(struct coco_cbor_writer *w, const char *name, struct coco_cbor_string bytes)
{
    coco_cbor_put_string(w, name);
    if (bytes.len > 0)
        coco_cbor_put_bytes(w, bytes.data, bytes.len);
    else
        coco_cbor_put_null(w);
}

static void
put_pcrs(struct coco_cbor_writer *w, const struct coco_cbor_string *pcrs)
{
    size_t n = 0;

    for (size_t i = 0; i < COCO_NITRO_PCRS; i++)
        n += pcrs[i].len > 0;
    coco_cbor_put_string(w, "pcrs");
    coco_cbor_put_map(w, n);
    for (size_t i = 0; i < COCO_NITRO_PCRS; i++) {
        if (pcrs[i].len == 0)
            continue;
        coco_cbor_put_u64(w, i);
        coco_cbor_put_bytes(w, pcrs[i].data, pcrs[i].len);
    }
}

coco_status
coco_nitro_payload_format(const struct coco_nitro_document *document, struct coco_buf *buf,
                          coco_error **err)
{
    struct coco_cbor_writer w = coco_cbor_writer_of(buf, err);

    coco_cbor_put_map(&w, 9);
    coco_cbor_put_string(&w, "module_id");
    coco_cbor_put_text(&w, document->module_id.data, document->module_id.len);
    coco_cbor_put_string(&w, "digest");
    coco_cbor_put_string(&w, COCO_NITRO_DIGEST);
    coco_cbor_put_string(&w, "timestamp");
    coco_cbor_put_u64(&w, document->timestamp);
    put_pcrs(&w, document->pcrs);
    put_bytes(&w, "certificate", document->certificate);
    coco_cbor_put_string(&w, "cabundle");
    coco_cbor_put_array(&w, document->n_cabundle);
    for (size_t i = 0; i < document->n_cabundle; i++)
        coco_cbor_put_bytes(&w, document->cabundle[i].data, document->cabundle[i].len);
    put_field(&w, "public_key", document->public_key);
    put_field(&w, "user_data", document->user_data);
    put_field(&w, "nonce", document->nonce);
    return w.status;
}

coco_status
coco_nitro_evidence_format(struct coco_cbor_string document, struct coco_buf *buf, coco_error **err)
{
    _cleanup_json_ cJSON *evidence = NULL;

    coco_status status = coco_json_new_object(&evidence, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(evidence, "document", document.data, document.len, err);
    if (status == COCO_OK)
        status = coco_json_write(evidence, COCO_JSON_COMPACT, buf, err);
    return status;
}

coco_status
coco_nitro_evidence_parse(const cJSON *evidence, struct coco_buf *document, coco_error **err)
{
    static const char *const names[] = {"document", NULL};
    const char *text = NULL;

    coco_status status = coco_json_check_members(evidence, names, err);
    if (status == COCO_OK)
        status = coco_json_get_string(evidence, "document", &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, text, strlen(text), document, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "document");
    return COCO_OK;
}
