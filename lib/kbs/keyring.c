/*
 * kbs/keyring.c - the keys of a KBS, and those before and after them
 *
 * store: "token" and "session", and then "keys.1", "keys.2", … each put once
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/keyring.h"

#include "base/base64.h"
#include "base/fail.h"
#include "crypto/aead.h"
#include "crypto/jwk.h"
#include "crypto/jws.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_TOKEN "token"
#define FIRST_SEAL "session"
#define PREFIX "keys."
#define TAG_PURPOSE "libcoco KBS entity tags"
#define NAME_SIZE 32
#define RECORD_MAX 4096

struct coco_kbs_keyring {
    struct coco_kbs_store *store; /* lent */
    int64_t lifetime;
    struct coco_kbs_token_key first; /* of all, which is kept for the audit log */
    struct coco_secret tag_key;      /* made of the first sealing key, which is kept, too */

    pthread_mutex_t lock;                                      /* of what follows */
    struct coco_kbs_generation generations[COCO_KBS_KEYS_MAX]; /* the oldest first */
    size_t n;
    int64_t looked; /* when the store was asked for new ones */
};

void
coco_kbs_token_keys_done(struct coco_kbs_token_keys *keys)
{
    for (size_t i = 0; i < keys->n; i++)
        EVP_PKEY_free(keys->keys[i].key);
    *keys = (struct coco_kbs_token_keys){0};
}

void
coco_kbs_generation_done(struct coco_kbs_generation *generation)
{
    EVP_PKEY_free(generation->token.key);
    coco_secret_done(&generation->seal);
    *generation = (struct coco_kbs_generation){0};
}

/* ---- one generation ---- */

/* With the key itself, as upstream has it, and its name. */
static coco_status
set_header(struct coco_kbs_token_key *to, const EVP_PKEY *key, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = sizeof(to->header) - 1};
    _cleanup_json_ cJSON *header = NULL;
    const char *alg = NULL;
    cJSON *jwk = NULL;

    coco_status status = coco_json_new_object(&header, err);
    if (status == COCO_OK)
        status = coco_jws_alg_of(key, &alg, err);
    if (status == COCO_OK)
        status = coco_jwk_public(key, alg, &jwk, err);
    if (status == COCO_OK)
        status = coco_json_add_item(header, "jwk", jwk, err);
    if (status == COCO_OK)
        status = coco_json_add_string(header, "kid", to->kid, err);
    if (status == COCO_OK)
        status = coco_jws_header(key, "JWT", header, &text, err);
    if (status == COCO_OK)
        memcpy(to->header, coco_buf_text(&text), text.len + 1);
    return status;
}

/* Takes key in any case. */
static coco_status
take_token_key(struct coco_kbs_token_key *to, EVP_PKEY *taken, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = taken;
    _cleanup_buf_ struct coco_buf kid = {.limit = COCO_KBS_KID_SIZE - 1};
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(key, &kind, err);
    if (status == COCO_OK && kind != COCO_KEY_P256)
        status = coco_fail(err, COCO_ERR_PROTO, "is not of P-256");
    if (status == COCO_OK)
        status = coco_jwk_thumbprint(key, &kid, err);
    if (status == COCO_OK) {
        memcpy(to->kid, coco_buf_text(&kid), kid.len + 1);
        status = set_header(to, key, err);
    }
    if (status != COCO_OK)
        return coco_wrap(err, status, "token key");
    to->key = coco_steal(&key);
    return COCO_OK;
}

/* A JWK, or PEM, which it was before. */
static coco_status
set_token_key(struct coco_kbs_token_key *to, const void *text, size_t len, coco_error **err)
{
    EVP_PKEY *key = NULL;

    coco_status status = coco_key_parse_private(text, len, &key, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "token key");
    return take_token_key(to, key, err);
}

static coco_status
make_token_key(EVP_PKEY **ret, struct coco_buf *text, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_json_ cJSON *jwk = NULL;

    coco_status status = coco_key_generate(COCO_KEY_P256, &key, err);
    if (status == COCO_OK)
        status = coco_jwk_private(key, &jwk, err);
    if (status == COCO_OK)
        status = coco_json_write(jwk, COCO_JSON_COMPACT, text, err);
    if (status == COCO_OK)
        *ret = coco_steal(&key);
    return status;
}

static coco_status
set_seal_key(struct coco_secret *to, const char *text, coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = COCO_KBS_SEAL_KEY_SIZE};

    coco_status status = coco_base64_decode(COCO_BASE64URL, text, strlen(text), &bytes, err);
    if (status == COCO_OK && bytes.len != COCO_KBS_SEAL_KEY_SIZE)
        status = coco_fail(err, COCO_ERR_PROTO, "has not %d bytes", COCO_KBS_SEAL_KEY_SIZE);
    if (status == COCO_OK)
        status = coco_secret_copy(bytes.data, bytes.len, to, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "sealing key");
}

coco_status
coco_kbs_generation_parse(const char *text, size_t len, struct coco_kbs_generation *ret,
                          coco_error **err)
{
    static const char *const members[] = {"from", "token", "seal", NULL};
    _cleanup_generation_ struct coco_kbs_generation made = {0};
    _cleanup_json_ cJSON *record = NULL;
    const char *token = NULL;
    const char *seal = NULL;

    coco_status status = coco_json_parse_object(text, len, &record, err);
    if (status == COCO_OK)
        status = coco_json_check_members(record, members, err);
    if (status == COCO_OK)
        status = coco_json_i64(cJSON_GetObjectItemCaseSensitive(record, "from"), &made.from, err);
    if (status == COCO_OK)
        status = coco_json_get_string(record, "token", &token, err);
    if (status == COCO_OK)
        status = coco_json_get_string(record, "seal", &seal, err);
    if (status == COCO_OK)
        status = set_token_key(&made.token, token, strlen(token), err);
    if (status == COCO_OK)
        status = set_seal_key(&made.seal, seal, err);
    if (status != COCO_OK)
        return status;
    *ret = made;
    made = (struct coco_kbs_generation){0};
    return COCO_OK;
}

/* A record with fresh keys. */
static coco_status
make_record(int64_t from, struct coco_buf *buf, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = RECORD_MAX};
    _cleanup_secret_ struct coco_secret seal = {0};
    _cleanup_json_ cJSON *record = NULL;

    coco_status status = make_token_key(&key, &text, err);
    if (status == COCO_OK)
        status = coco_secret_random(COCO_KBS_SEAL_KEY_SIZE, &seal, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&record, err);
    if (status == COCO_OK)
        status = coco_json_add_i64(record, "from", from, err);
    if (status == COCO_OK)
        status = coco_json_add_string(record, "token", coco_buf_text(&text), err);
    if (status == COCO_OK)
        status = coco_json_add_base64url(record, "seal", seal.data, seal.len, err);
    if (status == COCO_OK)
        status = coco_json_write(record, COCO_JSON_COMPACT, buf, err);
    return status;
}

static void
name_of(uint64_t number, char name[NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, PREFIX "%" PRIu64, number);
}

/* ---- those that are known; the lock is held from here on ---- */

/* Until when what was made with a generation is good: its successor begins, and that time. */
static bool
is_over(const struct coco_kbs_keyring *keyring, size_t i, int64_t now)
{
    return i + 1 < keyring->n && now - keyring->generations[i + 1].from >= keyring->lifetime;
}

static size_t
current(const struct coco_kbs_keyring *keyring, int64_t now)
{
    size_t at = 0;

    for (size_t i = 1; i < keyring->n; i++)
        if (keyring->generations[i].from <= now)
            at = i;
    return at;
}

/* Takes generation. */
static coco_status
add(struct coco_kbs_keyring *keyring, struct coco_kbs_generation *generation, int64_t now,
    coco_error **err)
{
    while (keyring->n > 0 && keyring->n == COCO_KBS_KEYS_MAX && is_over(keyring, 0, now)) {
        coco_kbs_generation_done(&keyring->generations[0]);
        memmove(&keyring->generations[0], &keyring->generations[1],
                (keyring->n - 1) * sizeof(keyring->generations[0]));
        keyring->n--;
    }
    if (keyring->n == COCO_KBS_KEYS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d generations of keys are in use",
                         COCO_KBS_KEYS_MAX);
    keyring->generations[keyring->n++] = *generation;
    *generation = (struct coco_kbs_generation){0};
    return COCO_OK;
}

static coco_status
load(struct coco_kbs_keyring *keyring, uint64_t number, int64_t now, coco_error **err)
{
    _cleanup_generation_ struct coco_kbs_generation made = {0};
    _cleanup_secret_ struct coco_secret record = {0};
    char name[NAME_SIZE];

    name_of(number, name);
    coco_status status = coco_kbs_store_get(keyring->store, COCO_KBS_KEY, name, &record, NULL, err);
    if (status == COCO_OK)
        status = coco_kbs_generation_parse((const char *)record.data, record.len, &made, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", name);
    made.number = number;
    return add(keyring, &made, now, err);
}

/*
 * The least number above after that is there; 0 if there is none. Those between may have
 * been purged while nobody asked this process for anything.
 */
static coco_status
find_next(struct coco_kbs_store *store, uint64_t after, uint64_t *ret, coco_error **err)
{
    _cleanup_json_ cJSON *names = NULL;
    const cJSON *item;

    *ret = 0;
    coco_status status = coco_kbs_store_names(store, COCO_KBS_KEY, &names, err);
    cJSON_ArrayForEach(item, names) {
        char name[NAME_SIZE];

        if (strncmp(item->valuestring, PREFIX, strlen(PREFIX)) != 0)
            continue;
        uint64_t number = strtoull(item->valuestring + strlen(PREFIX), NULL, 10);
        if (number <= after)
            continue;
        name_of(number, name);
        if (strcmp(name, item->valuestring) == 0 && (*ret == 0 || number < *ret))
            *ret = number;
    }
    return status;
}

/* All that follow the last one. */
static coco_status
load_new(struct coco_kbs_keyring *keyring, int64_t now, coco_error **err)
{
    uint64_t next = 0;
    coco_status status = COCO_OK;

    do {
        uint64_t last = keyring->n > 0 ? keyring->generations[keyring->n - 1].number : 0;

        status = find_next(keyring->store, last, &next, err);
        if (status == COCO_OK && next > 0)
            status = load(keyring, next, now, err);
    } while (status == COCO_OK && next > 0);
    return status;
}

static coco_status
set_sessions(struct coco_kbs_keyring *keyring, int64_t now, struct coco_kbs_sessions *sessions,
             coco_error **err)
{
    const struct coco_secret *keys[COCO_KBS_KEYS_MAX];
    size_t at = current(keyring, now);
    size_t n = 0;

    keys[n++] = &keyring->generations[at].seal;
    for (size_t i = keyring->n; i-- > 0;)
        if (i != at && !is_over(keyring, i, now))
            keys[n++] = &keyring->generations[i].seal;
    return coco_kbs_sessions_set_keys(sessions, keys, n, err);
}

/* ---- for everybody ---- */

coco_status
coco_kbs_keyring_look(struct coco_kbs_keyring *keyring, int64_t now,
                      struct coco_kbs_sessions *sessions, coco_error **err)
{
    coco_status status = COCO_OK;

    (void)pthread_mutex_lock(&keyring->lock);
    /* A clock that was set back is no reason to wait. */
    if (now < keyring->looked || now - keyring->looked >= COCO_KBS_KEYS_LOOK) {
        status = load_new(keyring, now, err);
        if (status == COCO_OK)
            status = set_sessions(keyring, now, sessions, err);
        if (status == COCO_OK)
            keyring->looked = now;
    }
    (void)pthread_mutex_unlock(&keyring->lock);
    return status;
}

static coco_status
give(const struct coco_kbs_token_key *from, struct coco_kbs_token_keys *to, coco_error **err)
{
    if (EVP_PKEY_up_ref(from->key) != 1)
        return coco_fail_nomem(err);
    to->keys[to->n++] = *from;
    return COCO_OK;
}

coco_status
coco_kbs_keyring_tokens(struct coco_kbs_keyring *keyring, int64_t now,
                        struct coco_kbs_token_keys *ret, coco_error **err)
{
    _cleanup_token_keys_ struct coco_kbs_token_keys keys = {0};

    (void)pthread_mutex_lock(&keyring->lock);
    size_t at = current(keyring, now);
    coco_status status = give(&keyring->generations[at].token, &keys, err);
    for (size_t i = keyring->n; i-- > 0 && status == COCO_OK;)
        if (i != at && !is_over(keyring, i, now))
            status = give(&keyring->generations[i].token, &keys, err);
    (void)pthread_mutex_unlock(&keyring->lock);
    if (status != COCO_OK)
        return status;
    *ret = keys;
    keys = (struct coco_kbs_token_keys){0};
    return COCO_OK;
}

/* The first ones stay: the audit log is signed with them. */
static coco_status
purge(struct coco_kbs_keyring *keyring, int64_t now, coco_error **err)
{
    char name[NAME_SIZE];

    for (size_t i = 0; i < keyring->n; i++) {
        coco_error *why = NULL;
        bool gone = false;

        if (keyring->generations[i].number == 0 || !is_over(keyring, i, now))
            continue;
        name_of(keyring->generations[i].number, name);
        if (coco_kbs_store_purge(keyring->store, COCO_KBS_KEY, name, &why) != COCO_OK) {
            coco_status status = coco_forgive(why, COCO_ERR_NOTFOUND, &gone, err);

            if (status != COCO_OK)
                return status;
        }
    }
    return COCO_OK;
}

static coco_status
rotate(struct coco_kbs_keyring *keyring, int64_t now, coco_error **err)
{
    _cleanup_buf_ struct coco_buf record = {.limit = RECORD_MAX};
    _cleanup_secret_ struct coco_secret stored = {0};
    char name[NAME_SIZE];

    coco_status status = load_new(keyring, now, err);
    if (status != COCO_OK || keyring->generations[keyring->n - 1].from > now)
        return status;
    if (keyring->n == COCO_KBS_KEYS_MAX && !is_over(keyring, 0, now))
        return coco_fail(err, COCO_ERR_LIMIT, "%d generations of keys are in use: rotate later",
                         COCO_KBS_KEYS_MAX);
    name_of(keyring->generations[keyring->n - 1].number + 1, name);
    status = make_record(now + COCO_KBS_KEYS_AHEAD, &record, err);
    /* Of two that rotate at once one has its keys, and the other takes them. */
    if (status == COCO_OK)
        status = coco_kbs_store_put_new(keyring->store, COCO_KBS_KEY, name, record.data, record.len,
                                        &stored, err);
    if (status == COCO_OK)
        status = load_new(keyring, now, err);
    return status == COCO_OK ? purge(keyring, now, err) : status;
}

coco_status
coco_kbs_keyring_rotate(struct coco_kbs_keyring *keyring, int64_t now, char kid[COCO_KBS_KID_SIZE],
                        int64_t *from, coco_error **err)
{
    (void)pthread_mutex_lock(&keyring->lock);
    coco_status status = rotate(keyring, now, err);
    const struct coco_kbs_generation *last = &keyring->generations[keyring->n - 1];
    if (status == COCO_OK) {
        memcpy(kid, last->token.kid, COCO_KBS_KID_SIZE);
        *from = last->from;
    }
    keyring->looked = INT64_MAX; /* sessions get it with the next request */
    (void)pthread_mutex_unlock(&keyring->lock);
    return status;
}

/* ---- opening ---- */

static coco_status
open_token_key(struct coco_kbs_store *store, struct coco_kbs_token_key *to, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *fresh = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = RECORD_MAX};
    _cleanup_secret_ struct coco_secret stored = {0};

    coco_status status = make_token_key(&fresh, &text, err);
    if (status == COCO_OK)
        status = coco_kbs_store_put_new(store, COCO_KBS_KEY, FIRST_TOKEN, text.data, text.len,
                                        &stored, err);
    if (status != COCO_OK)
        return status;
    if (coco_secret_equal(&stored, text.data, text.len))
        return take_token_key(to, coco_steal(&fresh), err);
    return set_token_key(to, stored.data, stored.len, err);
}

static coco_status
open_seal_key(struct coco_kbs_store *store, struct coco_secret *to, coco_error **err)
{
    _cleanup_secret_ struct coco_secret fresh = {0};

    coco_status status = coco_secret_random(COCO_KBS_SEAL_KEY_SIZE, &fresh, err);
    if (status == COCO_OK)
        status =
            coco_kbs_store_put_new(store, COCO_KBS_KEY, FIRST_SEAL, fresh.data, fresh.len, to, err);
    if (status == COCO_OK && to->len != COCO_KBS_SEAL_KEY_SIZE)
        status =
            coco_fail(err, COCO_ERR_PROTO, "session key has not %d bytes", COCO_KBS_SEAL_KEY_SIZE);
    return status;
}

coco_status
coco_kbs_keyring_open(struct coco_kbs_store *store, int64_t lifetime, int64_t now,
                      struct coco_kbs_keyring **ret, coco_error **err)
{
    struct coco_kbs_keyring *made = calloc(1, sizeof(*made));
    _cleanup_generation_ struct coco_kbs_generation first = {0};
    uint64_t oldest = 0;

    if (!made)
        return coco_fail_nomem(err);
    (void)pthread_mutex_init(&made->lock, NULL);
    made->store = store;
    made->lifetime = lifetime;
    made->looked = INT64_MAX; /* never */
    _cleanup_(coco_kbs_keyring_closep) struct coco_kbs_keyring *keyring = made;

    coco_status status = open_token_key(store, &first.token, err);
    if (status == COCO_OK)
        status = open_seal_key(store, &first.seal, err);
    if (status == COCO_OK)
        status = find_next(store, 0, &oldest, err);
    if (status == COCO_OK && EVP_PKEY_up_ref(first.token.key) == 1)
        keyring->first = first.token;
    if (status == COCO_OK)
        status =
            coco_hkdf(&first.seal, TAG_PURPOSE, COCO_KBS_SEAL_KEY_SIZE, &keyring->tag_key, err);
    /* Where the one after it is gone, it was over long before. */
    if (status == COCO_OK && oldest <= 1)
        status = add(keyring, &first, now, err);
    if (status == COCO_OK)
        status = load_new(keyring, now, err);
    if (status == COCO_OK)
        *ret = coco_steal(&keyring);
    return status;
}

void
coco_kbs_keyring_close(struct coco_kbs_keyring *keyring)
{
    if (!keyring)
        return;
    for (size_t i = 0; i < keyring->n; i++)
        coco_kbs_generation_done(&keyring->generations[i]);
    EVP_PKEY_free(keyring->first.key);
    coco_secret_done(&keyring->tag_key);
    (void)pthread_mutex_destroy(&keyring->lock);
    free(keyring);
}

const struct coco_kbs_token_key *
coco_kbs_keyring_first(const struct coco_kbs_keyring *keyring)
{
    return &keyring->first;
}

const struct coco_secret *
coco_kbs_keyring_tag_key(const struct coco_kbs_keyring *keyring)
{
    return &keyring->tag_key;
}
