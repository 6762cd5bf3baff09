/*
 * ocicrypt/annotations.c - from a layer's annotations to its key, and back
 *
 * Reading: pubopts (cipher, MAC) and, for each opener, each blob of its keys.*
 * annotation: unwrap -> private options (key, nonce, digest); then the list of
 * chunks, if there is one. Source of the formats: containers/ocicrypt encryption.go and keywrap/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/annotations.h"

#include "base/base64.h"
#include "base/context.h"
#include "base/fail.h"
#include "ocicrypt/options.h"
#include "ocicrypt/packet.h"

#include <stdio.h>
#include <string.h>

#define ENC "org.opencontainers.image.enc."
#define PUBOPTS ENC "pubopts"
#define KEYS ENC "keys."
#define CHUNKS ENC "libcoco.chunks"
#define SUFFIX "+encrypted"

/* "org.opencontainers.image.enc.keys.", the scheme and the name of a key provider */
#define NAME_MAX_LEN ((size_t)256)

/* A search for the private options, blob by blob. */
struct search {
    const struct coco_wrapper *opener;
    coco_ctx *ctx;
    struct coco_secret options; /* found when data is not NULL */
    bool known;                 /* some way was of a kind we know */
    coco_error *why;            /* the first failure that tells more than "does not open" */
};

typedef coco_status blob_fn(void *user, const struct coco_buf *blob, coco_error **err);

static void
search_done(struct search *search)
{
    coco_secret_done(&search->options);
    coco_error_free(search->why);
}

bool
coco_media_type_encrypted(const char *media_type)
{
    size_t len = strlen(media_type);

    return len > strlen(SUFFIX) && strcmp(media_type + len - strlen(SUFFIX), SUFFIX) == 0;
}

static size_t
count_blobs(const char *value)
{
    size_t n = value[0] != '\0';

    for (; *value; value++)
        n += *value == ',';
    return n;
}

/* Calls fn for each of the comma-separated base64 blobs, of which there are not too many. */
static coco_status
for_each_blob(const char *name, const char *value, blob_fn *fn, void *user, coco_error **err)
{
    if (count_blobs(value) > COCO_BLOBS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "annotation %s has more than %d keys", name,
                         COCO_BLOBS_MAX);
    for (;;) {
        _cleanup_buf_ struct coco_buf blob = {.limit = COCO_BLOB_MAX};
        size_t len = strcspn(value, ",");

        coco_status status = coco_base64_decode(COCO_BASE64, value, len, &blob, err);
        if (status == COCO_OK && blob.len == 0)
            status = coco_fail(err, COCO_ERR_PROTO, "empty key");
        if (status != COCO_OK)
            return coco_wrap(err, status, "annotation %s", name);
        status = fn(user, &blob, err);
        if (status != COCO_OK || value[len] == '\0')
            return status;
        value += len + 1;
    }
}

static coco_status
read_public_options(const cJSON *annotations, uint8_t mac[COCO_LAYER_MAC_SIZE], coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_LAYER_OPTIONS_MAX};
    const char *value = NULL;

    coco_status status = coco_json_get_string(annotations, PUBOPTS, &value, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, value, strlen(value), &text, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "public options of the layer");
    return coco_public_options_read(coco_buf_text(&text), text.len, mac, err);
}

coco_status
coco_annotations_chunks(const cJSON *annotations, struct coco_chunks *ret, coco_error **err)
{
    const char *value = NULL;

    coco_status status = coco_json_get_string_opt(annotations, CHUNKS, &value, err);
    return status == COCO_OK && value ? coco_chunks_read(value, ret, err) : status;
}

static coco_status
write_chunks(const struct coco_chunks *chunks, cJSON *annotations, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};

    if (chunks->size == 0)
        return COCO_OK;
    coco_status status = coco_chunks_write(chunks, &text, err);
    if (status == COCO_OK)
        status = coco_json_add_string(annotations, CHUNKS, coco_buf_text(&text), err);
    return status;
}

/*
 * A way that failed is no reason to give up, unless memory or patience ended.
 * What failed for another reason than a key that does not fit is worth telling.
 */
static coco_status
note_failure(struct search *search, coco_status status, coco_error *why, coco_error **err)
{
    if (status == COCO_ERR_NOMEM || status == COCO_ERR_CANCELED) {
        coco_error_give(err, why);
        return status;
    }
    if (status != COCO_ERR_VERIFY && !search->why)
        search->why = why;
    else
        coco_error_free(why);
    return COCO_OK;
}

static coco_status
try_blob(void *user, const struct coco_buf *blob, coco_error **err)
{
    struct search *search = user;
    const struct coco_wrapper *opener = search->opener;
    coco_error *why = NULL;

    if (search->options.data)
        return COCO_OK;
    coco_status status = opener->unwrap(opener->self, search->ctx, blob, &search->options, &why);
    return status == COCO_OK ? COCO_OK : note_failure(search, status, why, err);
}

static coco_status
name_of(const struct coco_wrapper *wrapper, char name[NAME_MAX_LEN], coco_error **err)
{
    int len = snprintf(name, NAME_MAX_LEN, KEYS "%s", wrapper->scheme);

    if (len < 0 || (size_t)len >= NAME_MAX_LEN)
        return coco_fail(err, COCO_ERR_LIMIT, "name of a key provider is too long");
    return COCO_OK;
}

/* Tries all blobs of one scheme, if the layer has it. What is wrong with one hides no other. */
static coco_status
try_opener(struct search *search, const cJSON *annotations, coco_error **err)
{
    char name[NAME_MAX_LEN];
    const char *value = NULL;
    coco_error *why = NULL;

    coco_status status = name_of(search->opener, name, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(annotations, name, &value, err);
    if (status != COCO_OK || !value)
        return status;
    search->known = true;
    status = for_each_blob(name, value, try_blob, search, &why);
    return status == COCO_OK ? COCO_OK : note_failure(search, status, why, err);
}

/* What is known to be a way, though nobody here goes it. */
static bool
has_known_scheme(const cJSON *annotations)
{
    static const char *const names[] = {
        KEYS "jwe",
        KEYS "pkcs7",
    };

    const cJSON *item = NULL;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (cJSON_GetObjectItemCaseSensitive(annotations, names[i]))
            return true;
    cJSON_ArrayForEach(item, annotations) {
        if (strncmp(item->string, KEYS "provider.", strlen(KEYS "provider.")) == 0)
            return true;
    }
    return false;
}

static coco_status
not_found(struct search *search, const cJSON *annotations, size_t n, coco_error **err)
{
    if (!search->known && !has_known_scheme(annotations))
        return coco_fail(err, COCO_ERR_NOTSUP, "layer has no key in a form known here");
    if (n == 0)
        return coco_fail(err, COCO_ERR_NOTFOUND, "layer is encrypted, and no key was given");
    if (!search->why)
        return coco_fail(err, COCO_ERR_VERIFY, COCO_NO_KEY_OPENS);
    coco_status status = coco_error_status(search->why);
    if (err)
        *err = coco_steal(&search->why);
    return status;
}

coco_status
coco_annotations_open(const cJSON *annotations, const struct coco_wrapper *openers, size_t n,
                      coco_ctx *ctx, struct coco_layer_key *ret, coco_error **err)
{
    _cleanup_(search_done) struct search search = {.ctx = ctx};
    _cleanup_layer_key_ struct coco_layer_key key = {0};

    coco_status status = read_public_options(annotations, key.mac, err);
    for (size_t i = 0; i < n && status == COCO_OK && !search.options.data; i++) {
        search.opener = &openers[i];
        status = try_opener(&search, annotations, err);
    }
    if (status == COCO_OK && !search.options.data)
        status = not_found(&search, annotations, n, err);
    if (status == COCO_OK)
        status = coco_private_options_read(&search.options, &key, err);
    if (status == COCO_OK)
        status = coco_annotations_chunks(annotations, &key.chunks, err);
    if (status != COCO_OK)
        return status;
    *ret = key;
    key = (struct coco_layer_key){0};
    return COCO_OK;
}

/* Makes, in made, the annotation that a recipient's blob is the last of. */
static coco_status
add_blob(const cJSON *annotations, cJSON *made, const char *name, const struct coco_buf *blob,
         coco_error **err)
{
    _cleanup_buf_ struct coco_buf value = {.limit = COCO_JSON_SIZE_MAX};
    const char *before = NULL;

    coco_status status = coco_json_get_string_opt(made, name, &before, err);
    if (status == COCO_OK && !before)
        status = coco_json_get_string_opt(annotations, name, &before, err);
    if (status == COCO_OK && before && count_blobs(before) >= COCO_BLOBS_MAX)
        status = coco_fail(err, COCO_ERR_LIMIT, "more than %d keys in annotation %s",
                           COCO_BLOBS_MAX, name);
    if (status == COCO_OK && before)
        status = coco_buf_printf(&value, err, "%s,", before);
    if (status == COCO_OK)
        status = coco_base64_encode(COCO_BASE64, blob->data, blob->len, &value, err);
    if (status == COCO_OK && before)
        coco_json_free(cJSON_DetachItemFromObjectCaseSensitive(made, name));
    if (status == COCO_OK)
        status = coco_json_add_string(made, name, coco_buf_text(&value), err);
    return status;
}

static coco_status
add_recipient(const cJSON *annotations, cJSON *made, const struct coco_wrapper *recipient,
              coco_ctx *ctx, const struct coco_buf *options, coco_error **err)
{
    _cleanup_buf_ struct coco_buf blob = {.limit = COCO_BLOB_MAX};
    char name[NAME_MAX_LEN];

    coco_status status = name_of(recipient, name, err);
    if (status == COCO_OK)
        status = recipient->wrap(recipient->self, ctx, options, &blob, err);
    if (status == COCO_OK)
        status = add_blob(annotations, made, name, &blob, err);
    return status;
}

/* Moves what was made to the annotations, in the place of what stands there. */
static coco_status
move_all(cJSON *made, cJSON *annotations, coco_error **err)
{
    coco_status status = COCO_OK;

    while (made->child && status == COCO_OK) {
        _cleanup_free_ char *name = strdup(made->child->string);

        if (!name)
            return coco_fail_nomem(err);
        cJSON *item = cJSON_DetachItemViaPointer(made, made->child);
        coco_json_free(cJSON_DetachItemFromObjectCaseSensitive(annotations, name));
        status = coco_json_add_item(annotations, name, item, err);
    }
    return status;
}

static coco_status
wrap_for_all(const cJSON *annotations, cJSON *made, const struct coco_layer_key *key,
             const struct coco_wrapper *recipients, size_t n, coco_ctx *ctx, coco_error **err)
{
    _cleanup_buf_ struct coco_buf options = {.limit = COCO_LAYER_OPTIONS_MAX};

    if (n == 0)
        return coco_fail(err, COCO_ERR_INVALID, "nobody to encrypt to");
    coco_status status = coco_private_options_write(key, &options, err);
    for (size_t i = 0; i < n && status == COCO_OK; i++)
        status = add_recipient(annotations, made, &recipients[i], ctx, &options, err);
    return status;
}

static bool
is_enc(const cJSON *item)
{
    return strncmp(item->string, ENC, strlen(ENC)) == 0;
}

coco_status
coco_annotations_add(cJSON *annotations, const struct coco_layer_key *key,
                     const struct coco_wrapper *recipients, size_t n, coco_ctx *ctx,
                     coco_error **err)
{
    _cleanup_buf_ struct coco_buf options = {.limit = COCO_LAYER_OPTIONS_MAX};
    _cleanup_json_ cJSON *made = NULL;
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, annotations) {
        if (is_enc(item))
            return coco_fail(err, COCO_ERR_INVALID, "layer is encrypted already");
    }
    coco_status status = coco_json_new_object(&made, err);
    if (status == COCO_OK)
        status = wrap_for_all(annotations, made, key, recipients, n, ctx, err);
    if (status == COCO_OK)
        status = coco_public_options_write(key, &options, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(made, PUBOPTS, options.data, options.len, err);
    if (status == COCO_OK)
        status = write_chunks(&key->chunks, made, err);
    if (status == COCO_OK)
        status = move_all(made, annotations, err);
    if (status != COCO_OK)
        coco_annotations_strip(annotations);
    return status;
}

coco_status
coco_annotations_add_recipients(cJSON *annotations, const struct coco_layer_key *key,
                                const struct coco_wrapper *recipients, size_t n, coco_ctx *ctx,
                                coco_error **err)
{
    _cleanup_json_ cJSON *made = NULL;

    if (!cJSON_GetObjectItemCaseSensitive(annotations, PUBOPTS))
        return coco_fail(err, COCO_ERR_INVALID, "layer is not encrypted");
    coco_status status = coco_json_new_object(&made, err);
    if (status == COCO_OK)
        status = wrap_for_all(annotations, made, key, recipients, n, ctx, err);
    if (status == COCO_OK)
        status = move_all(made, annotations, err);
    return status;
}

void
coco_annotations_strip(cJSON *annotations)
{
    cJSON *item = annotations ? annotations->child : NULL;

    while (item) {
        cJSON *next = item->next;

        if (is_enc(item))
            coco_json_free(cJSON_DetachItemViaPointer(annotations, item));
        item = next;
    }
}

/* What coco_annotations_list() adds to, and for which scheme. */
struct listing {
    cJSON *array;
    const char *scheme;
};

static coco_status
list_blob(void *user, const struct coco_buf *blob, coco_error **err)
{
    const struct listing *listing = user;
    _cleanup_buf_ struct coco_buf kid = {.limit = COCO_BLOB_MAX};
    cJSON *object = NULL;

    coco_status status = coco_json_add_object(listing->array, NULL, &object, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "scheme", listing->scheme, err);
    if (status != COCO_OK || strcmp(listing->scheme, COCO_PACKET_SCHEME) != 0)
        return status;
    status = coco_packet_kid(blob, &kid, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "kid", coco_buf_text(&kid), err);
    return status;
}

coco_status
coco_annotations_list(const cJSON *annotations, cJSON *array, coco_error **err)
{
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, annotations) {
        if (strncmp(item->string, KEYS, strlen(KEYS)) != 0)
            continue;
        if (!cJSON_IsString(item))
            return coco_fail(err, COCO_ERR_PROTO, "annotation %s is no string", item->string);
        struct listing listing = {array, item->string + strlen(KEYS)};
        coco_status status =
            for_each_blob(item->string, item->valuestring, list_blob, &listing, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}
