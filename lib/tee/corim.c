/*
 * tee/corim.c - reference values in CoRIM (draft-ietf-rats-corim)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/corim.h"

#include "base/fail.h"

#include <inttypes.h>
#include <string.h>

#define UUID_SIZE 16
#define ROOM_FIRST 16 /* values, before there are more */

static const struct {
    uint64_t number;
    enum coco_hash_alg alg;
    char name[8];
} hashes[] = {
    {1, COCO_SHA256, "sha-256"},
    {7, COCO_SHA384, "sha-384"},
    {8, COCO_SHA512, "sha-512"},
};

uint64_t
coco_corim_hash_number(enum coco_hash_alg alg)
{
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
        if (hashes[i].alg == alg)
            return hashes[i].number;
    return 0;
}

void
coco_corim_done(struct coco_corim *corim)
{
    free(corim->values);
    corim->values = NULL;
    corim->n_values = 0;
}

/* ---- parts that are used in several places ---- */

/* Refuses keys of map that are not in known: they may change what the others mean. */
static coco_status
check_keys(struct coco_cbor map, const int64_t *known, size_t n, const char *what, coco_error **err)
{
    struct coco_cbor_items items;
    struct coco_cbor value;

    coco_status status = coco_cbor_map(map, &items, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", what);
    for (struct coco_cbor key; coco_cbor_next_pair(&items, &key, &value);) {
        int64_t number = 0;
        bool found = false;

        if (!coco_cbor_is_int(key, &number))
            return coco_fail(err, COCO_ERR_NOTSUP, "%s: member that is no number", what);
        for (size_t i = 0; i < n; i++)
            found = found || known[i] == number;
        if (!found)
            return coco_fail(err, COCO_ERR_NOTSUP, "%s: member %" PRId64, what, number);
    }
    return COCO_OK;
}

/* Text as it may be shown; a NUL would end it early. */
static coco_status
read_text(struct coco_cbor item, struct coco_cbor_string *ret, coco_error **err)
{
    coco_status status = coco_cbor_text(item, ret, err);
    if (status == COCO_OK && (ret->len == 0 || memchr(ret->data, '\0', ret->len)))
        return coco_fail(err, COCO_ERR_PROTO, "text that is empty or has a NUL");
    return status;
}

static coco_status
read_text_opt(struct coco_cbor map, int64_t key, struct coco_cbor_string *ret, coco_error **err)
{
    struct coco_cbor value;

    if (!coco_cbor_find(map, key, &value))
        return COCO_OK;
    coco_status status = read_text(value, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%" PRId64, key);
    return COCO_OK;
}

static coco_status
read_number_opt(struct coco_cbor map, int64_t key, bool *has, uint64_t *ret, coco_error **err)
{
    struct coco_cbor value;

    *has = coco_cbor_find(map, key, &value);
    if (!*has)
        return COCO_OK;
    coco_status status = coco_cbor_u64(value, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%" PRId64, key);
    return COCO_OK;
}

/* An OID, a UUID or bytes: what has a tag. */
static coco_status
read_tagged(uint64_t tag, struct coco_cbor content, struct coco_corim_name *ret, coco_error **err)
{
    if (tag == COCO_CORIM_TAG_OID)
        ret->kind = COCO_CORIM_OID;
    else if (tag == COCO_CORIM_TAG_UUID)
        ret->kind = COCO_CORIM_UUID;
    else if (tag == COCO_CORIM_TAG_BYTES)
        ret->kind = COCO_CORIM_BYTES;
    else
        return coco_fail(err, COCO_ERR_NOTSUP, "name with the tag %" PRIu64, tag);
    coco_status status = coco_cbor_bytes(content, &ret->string, err);
    if (status != COCO_OK)
        return status;
    if (ret->string.len == 0 || (ret->kind == COCO_CORIM_UUID && ret->string.len != UUID_SIZE))
        return coco_fail(err, COCO_ERR_PROTO, "name of %zu bytes", ret->string.len);
    return COCO_OK;
}

/* class-id-type-choice has tags; measured-element-type-choice text and numbers besides. */
static coco_status
read_name(struct coco_cbor item, bool is_class, struct coco_corim_name *ret, coco_error **err)
{
    struct coco_cbor content;
    int64_t number = 0;
    uint64_t tag = 0;

    if (coco_cbor_tag(item, &tag, &content)) {
        if (!is_class && tag == COCO_CORIM_TAG_BYTES)
            return coco_fail(err, COCO_ERR_NOTSUP, "name with the tag %" PRIu64, tag);
        return read_tagged(tag, content, ret, err);
    }
    if (is_class)
        return coco_fail(err, COCO_ERR_PROTO, "class without a tag");
    if (coco_cbor_is_int(item, &number) && number >= 0) {
        *ret = (struct coco_corim_name){.kind = COCO_CORIM_NUMBER, .number = (uint64_t)number};
        return COCO_OK;
    }
    ret->kind = COCO_CORIM_TEXT;
    return read_text(item, &ret->string, err);
}

/* Text, or 16 bytes without a tag: corim-id and tag-id. */
static coco_status
read_id(struct coco_cbor item, struct coco_corim_name *ret, coco_error **err)
{
    ret->kind = COCO_CORIM_UUID;
    if (coco_cbor_is_bytes(item, &ret->string)) {
        if (ret->string.len != UUID_SIZE)
            return coco_fail(err, COCO_ERR_PROTO, "id of %zu bytes", ret->string.len);
        return COCO_OK;
    }
    ret->kind = COCO_CORIM_TEXT;
    return read_text(item, &ret->string, err);
}

/* ---- dates ---- */

static coco_status
read_time(struct coco_cbor item, int64_t *ret, coco_error **err)
{
    coco_status status = coco_cbor_untag(item, COCO_CORIM_TAG_TIME, &item, err);
    if (status == COCO_OK)
        status = coco_cbor_i64(item, ret, err);
    if (status == COCO_OK && *ret <= 0)
        return coco_fail(err, COCO_ERR_PROTO, "time before 1970");
    return status;
}

/* What is later begins it, what is earlier ends it. */
static void
narrow(struct coco_corim *corim, int64_t not_before, int64_t not_after)
{
    if (not_before > corim->not_before)
        corim->not_before = not_before;
    if (not_after != 0 && (corim->not_after == 0 || not_after < corim->not_after))
        corim->not_after = not_after;
}

static coco_status
read_validity(struct coco_cbor map, struct coco_corim *ret, coco_error **err)
{
    static const int64_t known[] = {COCO_CORIM_NOT_BEFORE, COCO_CORIM_NOT_AFTER};
    struct coco_cbor value;
    int64_t not_before = 0;
    int64_t not_after = 0;

    coco_status status = check_keys(map, known, 2, "validity", err);
    if (status == COCO_OK)
        status = coco_cbor_get(map, COCO_CORIM_NOT_AFTER, &value, err);
    if (status == COCO_OK)
        status = read_time(value, &not_after, err);
    if (status == COCO_OK && coco_cbor_find(map, COCO_CORIM_NOT_BEFORE, &value))
        status = read_time(value, &not_before, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "validity");
    narrow(ret, not_before, not_after);
    return COCO_OK;
}

coco_status
coco_corim_check_dates(const struct coco_corim *corim, int64_t now, coco_error **err)
{
    if (now < corim->not_before)
        return coco_fail(err, COCO_ERR_VERIFY, "manifest is not valid yet");
    if (corim->not_after != 0 && now > corim->not_after)
        return coco_fail(err, COCO_ERR_VERIFY, "manifest is not valid any more");
    return COCO_OK;
}

/* ---- values ---- */

static coco_status
read_digest(struct coco_cbor item, struct coco_digest *ret, coco_error **err)
{
    struct coco_cbor parts[2] = {{0}};
    struct coco_cbor_string bytes;
    struct coco_cbor_string name = {0};
    struct coco_cbor_items items;
    int64_t number = 0;

    coco_status status = coco_cbor_array_of(item, 2, &items, err);
    if (status != COCO_OK)
        return status;
    (void)coco_cbor_next(&items, &parts[0]);
    (void)coco_cbor_next(&items, &parts[1]);
    if (!coco_cbor_is_int(parts[0], &number))
        status = coco_cbor_text(parts[0], &name, err);
    if (status == COCO_OK)
        status = coco_cbor_bytes(parts[1], &bytes, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
        if ((number > 0 && hashes[i].number == (uint64_t)number)
            || coco_cbor_string_is(name, hashes[i].name))
            ret->alg = hashes[i].alg;
    if (ret->alg == 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "unknown algorithm");
    if (bytes.len != coco_hash_size(ret->alg))
        return coco_fail(err, COCO_ERR_PROTO, "has %zu bytes", bytes.len);
    memcpy(ret->bytes, bytes.data, bytes.len);
    return COCO_OK;
}

/* One of an algorithm: two could both be meant, and only one be met. */
static coco_status
read_digests(struct coco_cbor list, struct coco_corim_value *ret, coco_error **err)
{
    struct coco_cbor_items items;

    coco_status status = coco_cbor_array(list, &items, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "digests");
    if (items.left == 0)
        return coco_fail(err, COCO_ERR_PROTO, "digests: none");
    for (struct coco_cbor item; coco_cbor_next(&items, &item);) {
        struct coco_digest digest = {0};

        status = read_digest(item, &digest, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "digest");
        for (size_t i = 0; i < ret->n_digests; i++)
            if (ret->digests[i].alg == digest.alg)
                return coco_fail(err, COCO_ERR_PROTO, "digests: two of one algorithm");
        ret->digests[ret->n_digests++] = digest;
    }
    return COCO_OK;
}

static coco_status
read_svn(struct coco_cbor item, struct coco_corim_value *ret, coco_error **err)
{
    uint64_t tag = 0;

    if (coco_cbor_tag(item, &tag, &item)) {
        if (tag != COCO_CORIM_TAG_SVN && tag != COCO_CORIM_TAG_MIN_SVN)
            return coco_fail(err, COCO_ERR_NOTSUP, "svn with the tag %" PRIu64, tag);
        ret->svn_is_least = tag == COCO_CORIM_TAG_MIN_SVN;
    }
    coco_status status = coco_cbor_u64(item, &ret->svn, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "svn");
    ret->has_svn = true;
    return COCO_OK;
}

/* With a mask in itself (tag 563), or, as it was before, beside it. */
static coco_status
read_raw(struct coco_cbor map, struct coco_cbor item, struct coco_corim_value *ret,
         coco_error **err)
{
    struct coco_cbor parts[2] = {{0}};
    struct coco_cbor_items items;
    struct coco_cbor mask = {0};
    uint64_t tag = 0;

    if (!coco_cbor_tag(item, &tag, &item)
        || (tag != COCO_CORIM_TAG_BYTES && tag != COCO_CORIM_TAG_MASKED))
        return coco_fail(err, COCO_ERR_NOTSUP, "raw value of an unknown kind");
    bool beside = coco_cbor_find(map, COCO_CORIM_RAW_MASK, &mask);
    if (tag == COCO_CORIM_TAG_MASKED) {
        coco_status status = coco_cbor_array_of(item, 2, &items, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "raw value");
        if (beside)
            return coco_fail(err, COCO_ERR_PROTO, "raw value with two masks");
        (void)coco_cbor_next(&items, &parts[0]);
        (void)coco_cbor_next(&items, &mask);
        item = parts[0];
    }
    coco_status status = coco_cbor_bytes(item, &ret->raw, err);
    if (status == COCO_OK && mask.len > 0)
        status = coco_cbor_bytes(mask, &ret->mask, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "raw value");
    if (ret->raw.len == 0 || (mask.len > 0 && ret->mask.len != ret->raw.len))
        return coco_fail(err, COCO_ERR_PROTO,
                         "raw value that is empty, or not as long as its mask");
    return COCO_OK;
}

/* A scheme says how versions are ordered, and here they are only equal or not. */
static coco_status
read_version(struct coco_cbor map, struct coco_cbor_string *ret, coco_error **err)
{
    static const int64_t known[] = {0, 1};
    struct coco_cbor text;

    coco_status status = check_keys(map, known, 2, "version", err);
    if (status == COCO_OK)
        status = coco_cbor_get(map, 0, &text, err);
    if (status == COCO_OK)
        status = read_text(text, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "version");
    return COCO_OK;
}

static coco_status
read_mval(struct coco_cbor map, struct coco_corim_value *ret, coco_error **err)
{
    static const int64_t known[] = {COCO_CORIM_VERSION, COCO_CORIM_SVN,      COCO_CORIM_DIGESTS,
                                    COCO_CORIM_RAW,     COCO_CORIM_RAW_MASK, COCO_CORIM_NAME};
    struct coco_cbor value;

    coco_status status =
        check_keys(map, known, sizeof(known) / sizeof(known[0]), "measured value", err);
    if (status == COCO_OK && coco_cbor_find(map, COCO_CORIM_VERSION, &value))
        status = read_version(value, &ret->version, err);
    if (status == COCO_OK && coco_cbor_find(map, COCO_CORIM_SVN, &value))
        status = read_svn(value, ret, err);
    if (status == COCO_OK && coco_cbor_find(map, COCO_CORIM_DIGESTS, &value))
        status = read_digests(value, ret, err);
    if (status == COCO_OK && coco_cbor_find(map, COCO_CORIM_RAW, &value))
        status = read_raw(map, value, ret, err);
    if (status == COCO_OK)
        status = read_text_opt(map, COCO_CORIM_NAME, &ret->name, err);
    if (status == COCO_OK && ret->version.len == 0 && !ret->has_svn && ret->n_digests == 0
        && ret->raw.len == 0)
        return coco_fail(err, COCO_ERR_PROTO, "measured value that says nothing");
    return status;
}

static coco_status
read_measurement(struct coco_cbor map, struct coco_corim_value *ret, coco_error **err)
{
    static const int64_t known[] = {COCO_CORIM_MKEY, COCO_CORIM_MVAL};
    struct coco_cbor value;

    coco_status status = check_keys(map, known, 2, "measurement", err);
    if (status == COCO_OK && coco_cbor_find(map, COCO_CORIM_MKEY, &value))
        status = read_name(value, false, &ret->key, err);
    if (status == COCO_OK)
        status = coco_cbor_get(map, COCO_CORIM_MVAL, &value, err);
    if (status == COCO_OK)
        status = read_mval(value, ret, err);
    return status;
}

static coco_status
read_class(struct coco_cbor environment, struct coco_corim_class *ret, coco_error **err)
{
    static const int64_t outer[] = {COCO_CORIM_CLASS};
    static const int64_t known[] = {COCO_CORIM_CLASS_ID, COCO_CORIM_VENDOR, COCO_CORIM_MODEL,
                                    COCO_CORIM_LAYER, COCO_CORIM_INDEX};
    struct coco_cbor map = {0};
    struct coco_cbor value;

    coco_status status = check_keys(environment, outer, 1, "environment", err);
    if (status == COCO_OK)
        status = coco_cbor_get(environment, COCO_CORIM_CLASS, &map, err);
    if (status == COCO_OK)
        status = check_keys(map, known, sizeof(known) / sizeof(known[0]), "class", err);
    if (status == COCO_OK && coco_cbor_find(map, COCO_CORIM_CLASS_ID, &value))
        status = read_name(value, true, &ret->id, err);
    if (status == COCO_OK)
        status = read_text_opt(map, COCO_CORIM_VENDOR, &ret->vendor, err);
    if (status == COCO_OK)
        status = read_text_opt(map, COCO_CORIM_MODEL, &ret->model, err);
    if (status == COCO_OK)
        status = read_number_opt(map, COCO_CORIM_LAYER, &ret->has_layer, &ret->layer, err);
    if (status == COCO_OK)
        status = read_number_opt(map, COCO_CORIM_INDEX, &ret->has_index, &ret->index, err);
    if (status == COCO_OK && ret->id.kind == COCO_CORIM_NONE && ret->vendor.len == 0
        && ret->model.len == 0 && !ret->has_layer && !ret->has_index)
        return coco_fail(err, COCO_ERR_PROTO, "class of anything");
    return status;
}

/* ---- the manifest ---- */

/* Room for one more value; how many there are grows by what was read, not by what was said. */
static coco_status
add_value(struct coco_corim *corim, size_t *room, const struct coco_corim_value *value,
          coco_error **err)
{
    if (corim->n_values == COCO_CORIM_VALUES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d values", COCO_CORIM_VALUES_MAX);
    if (corim->n_values == *room) {
        size_t more = *room == 0 ? ROOM_FIRST : 2 * *room;
        struct coco_corim_value *grown = realloc(corim->values, more * sizeof(*grown));

        if (!grown)
            return coco_fail_nomem(err);
        corim->values = grown;
        *room = more;
    }
    corim->values[corim->n_values++] = *value;
    return COCO_OK;
}

static coco_status
read_triple(struct coco_cbor triple, struct coco_corim *ret, size_t *room, coco_error **err)
{
    struct coco_corim_class environment = {0};
    struct coco_cbor parts[2] = {{0}};
    struct coco_cbor_items items;

    coco_status status = coco_cbor_array_of(triple, 2, &items, err);
    if (status != COCO_OK)
        return status;
    (void)coco_cbor_next(&items, &parts[0]);
    (void)coco_cbor_next(&items, &parts[1]);
    status = read_class(parts[0], &environment, err);
    if (status == COCO_OK)
        status = coco_cbor_array(parts[1], &items, err);
    if (status == COCO_OK && items.left == 0)
        return coco_fail(err, COCO_ERR_PROTO, "no measurements");
    for (struct coco_cbor item; status == COCO_OK && coco_cbor_next(&items, &item);) {
        struct coco_corim_value value = {.environment = environment};

        status = read_measurement(item, &value, err);
        if (status == COCO_OK)
            status = add_value(ret, room, &value, err);
    }
    return status;
}

static coco_status
read_triples(struct coco_cbor triples, struct coco_corim *ret, size_t *room, coco_error **err)
{
    struct coco_cbor_items items;
    struct coco_cbor list;

    coco_status status = coco_cbor_map(triples, &items, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "triples");
    if (!coco_cbor_find(triples, COCO_CORIM_REFERENCES, &list))
        return COCO_OK;
    status = coco_cbor_array(list, &items, err);
    for (struct coco_cbor item; status == COCO_OK && coco_cbor_next(&items, &item);)
        status = read_triple(item, ret, room, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "reference triple");
    return COCO_OK;
}

/* A CoMID is CBOR in a byte string. */
static coco_status
read_comid(struct coco_cbor tag, struct coco_corim *ret, size_t *room, coco_error **err)
{
    struct coco_corim_name id = {0};
    struct coco_cbor_string bytes;
    struct coco_cbor identity;
    struct coco_cbor triples = {0};
    struct coco_cbor map = {0};
    struct coco_cbor value;

    if (coco_cbor_untag(tag, COCO_CORIM_TAG_COMID, &tag, NULL) != COCO_OK)
        return coco_fail(err, COCO_ERR_NOTSUP, "tag that is no CoMID");
    coco_status status = coco_cbor_bytes(tag, &bytes, err);
    if (status == COCO_OK)
        status = coco_cbor_parse(bytes.data, bytes.len, "CoMID", &map, err);
    if (status == COCO_OK)
        status = coco_cbor_get(map, COCO_CORIM_TAG_IDENTITY, &identity, err);
    if (status == COCO_OK)
        status = coco_cbor_get(identity, 0, &value, err);
    if (status == COCO_OK)
        status = read_id(value, &id, err);
    if (status == COCO_OK)
        status = coco_cbor_get(map, COCO_CORIM_TRIPLES, &triples, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "CoMID");
    /* One that replaces another says that the other's values are no longer good. */
    if (coco_cbor_find(map, COCO_CORIM_LINKED_TAGS, &value))
        return coco_fail(err, COCO_ERR_NOTSUP, "CoMID that is linked to others");
    return read_triples(triples, ret, room, err);
}

static coco_status
read_manifest(struct coco_cbor map, struct coco_corim *ret, coco_error **err)
{
    struct coco_cbor_items items;
    struct coco_cbor value;
    size_t room = 0;

    coco_status status = coco_cbor_get(map, COCO_CORIM_ID, &value, err);
    if (status == COCO_OK)
        status = read_id(value, &ret->id, err);
    if (status != COCO_OK)
        return status;
    /* Section 4.1: who does not know the profile must reject the manifest. */
    if (coco_cbor_find(map, COCO_CORIM_PROFILE, &value))
        return coco_fail(err, COCO_ERR_NOTSUP, "has a profile");
    if (coco_cbor_find(map, COCO_CORIM_VALIDITY, &value))
        status = read_validity(value, ret, err);
    if (status == COCO_OK)
        status = coco_cbor_get(map, COCO_CORIM_TAGS, &value, err);
    if (status == COCO_OK)
        status = coco_cbor_array(value, &items, err);
    for (struct coco_cbor item; status == COCO_OK && coco_cbor_next(&items, &item);)
        status = read_comid(item, ret, &room, err);
    return status;
}

coco_status
coco_corim_parse(const void *data, size_t len, struct coco_corim *ret, coco_error **err)
{
    _cleanup_corim_ struct coco_corim corim = {0};
    struct coco_cbor item = {0};

    coco_status status = coco_cbor_parse(data, len, "CoRIM", &item, err);
    if (status != COCO_OK)
        return status;
    status = coco_cbor_untag(item, COCO_CORIM_TAG_MANIFEST, &item, err);
    if (status == COCO_OK)
        status = read_manifest(item, &corim, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "CoRIM");
    *ret = corim;
    corim.values = NULL;
    return COCO_OK;
}

/* ---- signed ---- */

static coco_status
read_meta(struct coco_cbor header, struct coco_corim *dates, struct coco_cbor_string *signer,
          coco_error **err)
{
    struct coco_cbor_string bytes;
    struct coco_cbor map = {0};
    struct coco_cbor value = {0};

    coco_status status = coco_cbor_bytes(header, &bytes, err);
    if (status == COCO_OK)
        status = coco_cbor_parse(bytes.data, bytes.len, "meta", &map, err);
    if (status == COCO_OK)
        status = coco_cbor_get(map, COCO_CORIM_META_SIGNER, &value, err);
    if (status == COCO_OK)
        status = coco_cbor_get(value, COCO_CORIM_SIGNER_NAME, &value, err);
    if (status == COCO_OK)
        status = read_text(value, signer, err);
    if (status == COCO_OK && coco_cbor_find(map, COCO_CORIM_META_VALIDITY, &value))
        status = read_validity(value, dates, err);
    return status;
}

static coco_status
read_cwt_time(struct coco_cbor claims, int64_t claim, int64_t *ret, coco_error **err)
{
    struct coco_cbor value;

    if (!coco_cbor_find(claims, claim, &value))
        return COCO_OK;
    if (!coco_cbor_is_int(value, ret) || *ret <= 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "time that is no number of seconds");
    return COCO_OK;
}

static coco_status
read_cwt_claims(struct coco_cbor claims, struct coco_corim *dates, struct coco_cbor_string *issuer,
                coco_error **err)
{
    struct coco_cbor value;
    int64_t not_before = 0;
    int64_t not_after = 0;

    coco_status status = coco_cbor_get(claims, COCO_CORIM_CWT_ISSUER, &value, err);
    if (status == COCO_OK)
        status = read_text(value, issuer, err);
    if (status == COCO_OK)
        status = read_cwt_time(claims, COCO_CORIM_CWT_NOT_BEFORE, &not_before, err);
    if (status == COCO_OK)
        status = read_cwt_time(claims, COCO_CORIM_CWT_EXPIRES, &not_after, err);
    if (status == COCO_OK)
        narrow(dates, not_before, not_after);
    return status;
}

/* Section 4.2.1: one of meta and CWT claims must be there, both may. */
static coco_status
read_headers(const struct coco_cose_sign1 *message, struct coco_corim *dates,
             struct coco_cbor_string *signer, coco_error **err)
{
    struct coco_cbor_string type;
    struct coco_cbor value;
    bool named = false;

    coco_status status = coco_cbor_get_text(message->protected, COCO_COSE_CONTENT_TYPE, &type, err);
    if (status != COCO_OK)
        return status;
    if (!coco_cbor_string_is(type, COCO_CORIM_TYPE))
        return coco_fail(err, COCO_ERR_PROTO, "content is not " COCO_CORIM_TYPE);
    if (coco_cbor_find(message->protected, COCO_CORIM_CWT_CLAIMS, &value)) {
        status = read_cwt_claims(value, dates, signer, err);
        named = true;
    }
    if (status == COCO_OK && coco_cbor_find(message->protected, COCO_CORIM_META, &value)) {
        status = read_meta(value, dates, signer, err);
        named = true;
    }
    if (status == COCO_OK && !named)
        return coco_fail(err, COCO_ERR_PROTO, "nobody says who signed it");
    return status;
}

coco_status
coco_corim_open(const void *data, size_t len, EVP_PKEY *key, struct coco_corim *ret,
                struct coco_cbor_string *signer, coco_error **err)
{
    _cleanup_corim_ struct coco_corim corim = {0};
    struct coco_cose_sign1 message;
    struct coco_cbor_string name = {0};
    struct coco_corim dates = {0};

    coco_status status = coco_cose_sign1_parse(data, len, &message, err);
    if (status == COCO_OK)
        status = coco_cose_sign1_verify(&message, key, NULL, err);
    if (status == COCO_OK)
        status = read_headers(&message, &dates, &name, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "signed CoRIM");
    status = coco_corim_parse(message.payload.data, message.payload.len, &corim, err);
    if (status != COCO_OK)
        return status;
    narrow(&corim, dates.not_before, dates.not_after);
    *ret = corim;
    *signer = name;
    corim.values = NULL;
    return COCO_OK;
}
