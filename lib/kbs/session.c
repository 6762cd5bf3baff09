/*
 * kbs/session.c - what joins the requests of one guest
 *
 * cookie = base64url( salt[16] iv[12] tag[16] AES-256-GCM( expires[8] state ) )
 *
 * state is JSON, deflated if it is long: the first byte, of an object or of zlib, tells.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/session.h"

#include "base/base64.h"
#include "base/digest.h"
#include "base/fail.h"
#include "crypto/aead.h"
#include "crypto/mac.h"
#include "rcar/messages.h"

#include <pthread.h>
#include <string.h>
#include <zlib.h>

/*
 * Random IVs of 96 bits run out after 2^32 messages (NIST SP 800-38D section
 * 8.3), which a busy KBS seals in days: every cookie has a key of its own.
 */
#define LABEL "kbs-session "
#define SALT_SIZE 16
#define EXPIRES_SIZE 8
#define HEAD_SIZE (SALT_SIZE + COCO_AEAD_IV_SIZE + COCO_AEAD_TAG_SIZE)
#define STATE_MAX ((size_t)1 << 20)

/* What need not be deflated: with it a cookie has 4096 bytes, which all take (RFC 6265
 * section 6.1). */
#define PLAIN_MAX ((size_t)3000)
/* Of texts as short as most are: a third of what zlib would take otherwise, and clear, for each. */
#define SHORT_BITS 13
#define MEMORY_LEVEL 7

/* Nonces remembered at once; 16 bytes of a hash each. */
#define NONCES_MAX ((size_t)1 << 20)
#define NONCES_MIN ((size_t)1 << 10)

struct nonce {
    uint8_t hash[16]; /* all 0: free */
};

/* An open hash table; full at three quarters. */
struct nonces {
    struct nonce *slots;
    size_t room; /* a power of 2 */
    size_t n;
    int64_t last; /* when the last of them expires */
};

struct coco_kbs_sessions {
    pthread_mutex_t lock; /* of all that follows */
    struct coco_secret keys[COCO_KBS_SEAL_KEYS_MAX];
    size_t n_keys;
    uint64_t epoch;               /* counts the sets of keys that there were */
    struct nonces generations[2]; /* the newer one is [0] */
};

/* Whether these are the keys that there are already; the lock is held. */
static bool
are_keys(const struct coco_kbs_sessions *sessions, const struct coco_secret *keys, size_t n)
{
    if (n != sessions->n_keys)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!coco_secret_equal(&sessions->keys[i], keys[i].data, keys[i].len))
            return false;
    return true;
}

uint64_t
coco_kbs_sessions_epoch(struct coco_kbs_sessions *sessions)
{
    (void)pthread_mutex_lock(&sessions->lock);
    uint64_t epoch = sessions->epoch;
    (void)pthread_mutex_unlock(&sessions->lock);
    return epoch;
}

coco_status
coco_kbs_sessions_set_keys(struct coco_kbs_sessions *sessions,
                           const struct coco_secret *const *keys, size_t n, coco_error **err)
{
    struct coco_secret copies[COCO_KBS_SEAL_KEYS_MAX] = {{0}};
    coco_status status = COCO_OK;

    if (n == 0 || n > COCO_KBS_SEAL_KEYS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "%zu sealing keys", n);
    for (size_t i = 0; i < n && status == COCO_OK; i++) {
        if (keys[i]->len != COCO_KBS_SEAL_KEY_SIZE)
            status = coco_fail(err, COCO_ERR_INVALID, "sealing key of %zu bytes", keys[i]->len);
        else
            status = coco_secret_copy(keys[i]->data, keys[i]->len, &copies[i], err);
    }
    if (status == COCO_OK) {
        (void)pthread_mutex_lock(&sessions->lock);
        sessions->epoch += !are_keys(sessions, copies, n);
        for (size_t i = 0; i < COCO_KBS_SEAL_KEYS_MAX; i++) {
            struct coco_secret old = sessions->keys[i];

            sessions->keys[i] = copies[i];
            copies[i] = old;
        }
        sessions->n_keys = n;
        (void)pthread_mutex_unlock(&sessions->lock);
    }
    for (size_t i = 0; i < COCO_KBS_SEAL_KEYS_MAX; i++)
        coco_secret_done(&copies[i]);
    return status;
}

coco_status
coco_kbs_sessions_new(const struct coco_secret *key, struct coco_kbs_sessions **ret,
                      coco_error **err)
{
    struct coco_kbs_sessions *made = calloc(1, sizeof(*made));

    if (!made)
        return coco_fail_nomem(err);
    (void)pthread_mutex_init(&made->lock, NULL);
    _cleanup_(coco_kbs_sessions_freep) struct coco_kbs_sessions *sessions = made;

    coco_status status = coco_kbs_sessions_set_keys(sessions, &key, 1, err);
    if (status == COCO_OK)
        *ret = coco_steal(&sessions);
    return status;
}

void
coco_kbs_sessions_free(struct coco_kbs_sessions *sessions)
{
    if (!sessions)
        return;
    for (size_t i = 0; i < sessions->n_keys; i++)
        coco_secret_done(&sessions->keys[i]);
    free(sessions->generations[0].slots);
    free(sessions->generations[1].slots);
    (void)pthread_mutex_destroy(&sessions->lock);
    free(sessions);
}

/*
 * The key of one cookie, from the sealing key with this index: COCO_ERR_NOTFOUND past the last.
 * Sealing keys are as random as keys can be, so that one step of HMAC derives it (NIST SP 800-56C
 * rev. 2 section 4, option 2, of one block).
 */
static coco_status
cookie_key(struct coco_kbs_sessions *sessions, size_t index, const uint8_t salt[SALT_SIZE],
           struct coco_secret *ret, coco_error **err)
{
    uint8_t info[sizeof(LABEL) - 1 + SALT_SIZE] = LABEL;
    _cleanup_secret_ struct coco_secret key = {0};

    memcpy(info + sizeof(LABEL) - 1, salt, SALT_SIZE);
    coco_status status = coco_secret_alloc(COCO_AEAD_KEY_SIZE, &key, err);
    if (status != COCO_OK)
        return status;
    (void)pthread_mutex_lock(&sessions->lock);
    status = index < sessions->n_keys ? coco_hmac(EVP_sha256(), &sessions->keys[index], info,
                                                  sizeof(info), key.data, err)
                                      : coco_fail(err, COCO_ERR_NOTFOUND, "no such key");
    (void)pthread_mutex_unlock(&sessions->lock);
    if (status == COCO_OK)
        *ret = coco_secret_steal(&key);
    return status;
}

/* Claims repeat their words: a third of the size is what makes them fit into a cookie. */
static coco_status
append_deflated(const struct coco_buf *text, struct coco_buf *buf, coco_error **err)
{
    z_stream stream = {.next_in = text->data, .avail_in = (uInt)text->len};
    _cleanup_secret_ struct coco_secret packed = {0};

    int window_bits = text->len <= (size_t)1 << SHORT_BITS ? SHORT_BITS : MAX_WBITS;

    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, window_bits, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY)
        != Z_OK)
        return coco_fail_nomem(err);
    coco_status status = coco_secret_alloc(deflateBound(&stream, text->len), &packed, err);
    if (status == COCO_OK) {
        stream.next_out = packed.data;
        stream.avail_out = (uInt)packed.len;
        if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
            status = coco_fail_nomem(err);
    }
    if (status == COCO_OK)
        status = coco_buf_append(buf, packed.data, stream.total_out, err);
    (void)deflateEnd(&stream);
    return status;
}

static coco_status
append_state(const struct coco_buf *text, struct coco_buf *buf, coco_error **err)
{
    return text->len <= PLAIN_MAX ? coco_buf_append(buf, text->data, text->len, err)
                                  : append_deflated(text, buf, err);
}

static coco_status
inflate_text(const uint8_t *data, size_t len, struct coco_buf *buf, coco_error **err)
{
    uint8_t chunk[4096];
    z_stream stream = {.avail_in = (uInt)len};
    coco_status status = COCO_OK;
    int code = Z_OK;

    /* zlib does not write through next_in, whatever its type says. */
    memcpy(&stream.next_in, &data, sizeof(data));
    if (inflateInit(&stream) != Z_OK)
        return coco_fail_nomem(err);
    while (status == COCO_OK && code == Z_OK) {
        stream.next_out = chunk;
        stream.avail_out = sizeof(chunk);
        code = inflate(&stream, Z_NO_FLUSH);
        if (code == Z_OK || code == Z_STREAM_END)
            status = coco_buf_append(buf, chunk, sizeof(chunk) - stream.avail_out, err);
    }
    (void)inflateEnd(&stream);
    if (status == COCO_OK && code != Z_STREAM_END)
        status = coco_fail(err, COCO_ERR_VERIFY, "session is damaged");
    return status;
}

static coco_status
parse_state(const uint8_t *data, size_t len, cJSON **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = STATE_MAX};

    if (len > 0 && data[0] == '{')
        return coco_json_parse_object((const char *)data, len, ret, err);
    coco_status status = inflate_text(data, len, &text, err);
    if (status == COCO_OK)
        status = coco_json_parse_object(coco_buf_text(&text), text.len, ret, err);
    return status;
}

static void
put_time(int64_t when, uint8_t buf[EXPIRES_SIZE])
{
    for (size_t i = 0; i < EXPIRES_SIZE; i++)
        buf[i] = (uint8_t)((uint64_t)when >> (8U * (EXPIRES_SIZE - 1 - i)));
}

static int64_t
get_time(const uint8_t buf[EXPIRES_SIZE])
{
    uint64_t when = 0;

    for (size_t i = 0; i < EXPIRES_SIZE; i++)
        when = when << 8 | buf[i];
    return (int64_t)when;
}

static coco_status
seal(struct coco_kbs_sessions *sessions, const struct coco_buf *plain, struct coco_buf *box,
     coco_error **err)
{
    uint8_t head[HEAD_SIZE];
    _cleanup_secret_ struct coco_secret key = {0};
    _cleanup_buf_ struct coco_buf sealed = {.limit = STATE_MAX};
    struct coco_buf none = {0};

    coco_status status = coco_random(head, SALT_SIZE + COCO_AEAD_IV_SIZE, err);
    if (status == COCO_OK)
        status = cookie_key(sessions, 0, head, &key, err);
    if (status == COCO_OK)
        status = coco_aead_seal(key.data, head + SALT_SIZE, &none, plain->data, plain->len, &sealed,
                                head + SALT_SIZE + COCO_AEAD_IV_SIZE, err);
    if (status == COCO_OK)
        status = coco_buf_append(box, head, sizeof(head), err);
    if (status == COCO_OK)
        status = coco_buf_append(box, sealed.data, sealed.len, err);
    return status;
}

coco_status
coco_kbs_session_seal(struct coco_kbs_sessions *sessions, const cJSON *state, int64_t expires,
                      struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = STATE_MAX};

    coco_status status = coco_json_write(state, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = coco_kbs_session_seal_text(sessions, &text, expires, buf, err);
    return status;
}

coco_status
coco_kbs_session_seal_text(struct coco_kbs_sessions *sessions, const struct coco_buf *state,
                           int64_t expires, struct coco_buf *buf, coco_error **err)
{
    uint8_t when[EXPIRES_SIZE];
    _cleanup_buf_ struct coco_buf plain = {.limit = STATE_MAX};
    _cleanup_buf_ struct coco_buf box = {.limit = COCO_KBS_COOKIE_MAX / 4 * 3};

    if (state->len > STATE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "session of more than %zu bytes", STATE_MAX);
    put_time(expires, when);
    coco_status status = coco_buf_append(&plain, when, sizeof(when), err);
    if (status == COCO_OK)
        status = append_state(state, &plain, err);
    if (status == COCO_OK)
        status = seal(sessions, &plain, &box, err);
    if (status == COCO_OK)
        status = coco_base64_encode(COCO_BASE64URL, box.data, box.len, buf, err);
    return status;
}

/* The value of our cookie in a Cookie header (RFC 6265 section 4.2.1). */
const char *
coco_kbs_session_find(const char *header, size_t *len)
{
    const size_t name_len = strlen(COCO_RCAR_COOKIE);

    *len = 0;
    while (header) {
        header += strspn(header, " \t;");
        if (strncmp(header, COCO_RCAR_COOKIE, name_len) == 0 && header[name_len] == '=') {
            header += name_len + 1;
            *len = strcspn(header, "; \t");
            return header;
        }
        header = strchr(header, ';');
    }
    return NULL;
}

static coco_status
unseal_with(struct coco_kbs_sessions *sessions, size_t index, const struct coco_buf *box,
            struct coco_secret *ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret key = {0};
    const struct coco_buf none = {0};
    const uint8_t *iv = box->data + SALT_SIZE;
    const uint8_t *tag = iv + COCO_AEAD_IV_SIZE;

    coco_status status = cookie_key(sessions, index, box->data, &key, err);
    if (status == COCO_OK)
        status = coco_aead_open(key.data, iv, &none, box->data + HEAD_SIZE, box->len - HEAD_SIZE,
                                tag, ret, err);
    return status;
}

/* With the key that seals, or those of before and after it. */
static coco_status
unseal(struct coco_kbs_sessions *sessions, const struct coco_buf *box, struct coco_secret *ret,
       coco_error **err)
{
    coco_error *why = NULL;
    coco_status status = COCO_ERR_VERIFY;

    if (box->len < HEAD_SIZE + EXPIRES_SIZE)
        return coco_fail(err, COCO_ERR_VERIFY, "session is none of ours");
    for (size_t i = 0; status == COCO_ERR_VERIFY; i++) {
        coco_error_free(why);
        why = NULL;
        status = unseal_with(sessions, i, box, ret, &why);
    }
    if (status == COCO_ERR_NOTFOUND)
        status = coco_fail(err, COCO_ERR_VERIFY, "session is none of ours");
    else if (status != COCO_OK)
        coco_error_give(err, coco_steal(&why));
    coco_error_free(why);
    return status;
}

coco_status
coco_kbs_session_open(struct coco_kbs_sessions *sessions, const char *header, int64_t now,
                      cJSON **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf box = {.limit = COCO_KBS_COOKIE_MAX};
    _cleanup_secret_ struct coco_secret plain = {0};
    size_t len = 0;

    const char *cookie = coco_kbs_session_find(header, &len);
    if (!cookie || len == 0)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no session");
    coco_status status = coco_base64_decode(COCO_BASE64URL, cookie, len, &box, NULL);
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (status != COCO_OK)
        return coco_fail(err, COCO_ERR_VERIFY, "session is none of ours");
    status = unseal(sessions, &box, &plain, err);
    if (status != COCO_OK)
        return status;
    if (plain.len < EXPIRES_SIZE || get_time(plain.data) <= now)
        return coco_fail(err, COCO_ERR_VERIFY, "session has expired");
    return parse_state(plain.data + EXPIRES_SIZE, plain.len - EXPIRES_SIZE, ret, err);
}

/* The slot of nonce, or the free one where it belongs; there is room. */
static struct nonce *
find_nonce(const struct nonces *nonces, const struct nonce *nonce)
{
    size_t at = 0;

    memcpy(&at, nonce->hash, sizeof(at));
    for (;; at++) {
        struct nonce *slot = &nonces->slots[at & (nonces->room - 1)];
        static const struct nonce nobody;

        if (memcmp(slot, nonce, sizeof(*slot)) == 0 || memcmp(slot, &nobody, sizeof(*slot)) == 0)
            return slot;
    }
}

static bool
knows(const struct nonces *nonces, const struct nonce *nonce)
{
    return nonces->room && memcmp(find_nonce(nonces, nonce), nonce, sizeof(*nonce)) == 0;
}

static coco_status
make_room(struct nonces *nonces, coco_error **err)
{
    struct nonces grown = {
        .room = nonces->room ? nonces->room * 2 : NONCES_MIN, .n = nonces->n, .last = nonces->last};
    static const struct nonce nobody;

    if (nonces->n + 1 <= nonces->room / 4 * 3)
        return COCO_OK;
    if (nonces->n >= NONCES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %zu guests attested at once", NONCES_MAX);
    grown.slots = calloc(grown.room, sizeof(*grown.slots));
    if (!grown.slots)
        return coco_fail_nomem(err);
    for (size_t i = 0; i < nonces->room; i++)
        if (memcmp(&nonces->slots[i], &nobody, sizeof(nobody)) != 0)
            *find_nonce(&grown, &nonces->slots[i]) = nonces->slots[i];
    free(nonces->slots);
    *nonces = grown;
    return COCO_OK;
}

/* Forgets a generation when all of it has expired; a new one starts when the other is gone. */
static void
age(struct coco_kbs_sessions *sessions, int64_t now)
{
    struct nonces *newer = &sessions->generations[0];
    struct nonces *older = &sessions->generations[1];

    if (older->slots && older->last > now)
        return;
    free(older->slots);
    *older = *newer;
    *newer = (struct nonces){0};
}

static coco_status
use_locked(struct coco_kbs_sessions *sessions, const struct nonce *nonce, int64_t expires,
           int64_t now, coco_error **err)
{
    age(sessions, now);

    struct nonces *newer = &sessions->generations[0];
    if (knows(newer, nonce) || knows(&sessions->generations[1], nonce))
        return coco_fail(err, COCO_ERR_DENIED, "the nonce was used before");
    coco_status status = make_room(newer, err);
    if (status != COCO_OK)
        return status;
    *find_nonce(newer, nonce) = *nonce;
    newer->n++;
    if (expires > newer->last)
        newer->last = expires;
    return COCO_OK;
}

coco_status
coco_kbs_nonce_use(struct coco_kbs_sessions *sessions, const char *nonce, int64_t expires,
                   int64_t now, coco_error **err)
{
    struct coco_digest digest;
    struct nonce hash;

    coco_status status = coco_digest_of(COCO_SHA256, nonce, strlen(nonce), &digest, err);
    if (status != COCO_OK)
        return status;
    memcpy(hash.hash, digest.bytes, sizeof(hash.hash));
    (void)pthread_mutex_lock(&sessions->lock);
    status = use_locked(sessions, &hash, expires, now, err);
    (void)pthread_mutex_unlock(&sessions->lock);
    return status;
}
