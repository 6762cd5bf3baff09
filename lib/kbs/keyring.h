/*
 * kbs/keyring.h - the keys of a KBS, and those before and after them
 *
 * A generation is a key that signs tokens and one that seals cookies. A new one is put
 * into the store COCO_KBS_KEYS_AHEAD seconds before it is used, and each process looks
 * for it every COCO_KBS_KEYS_LOOK: when the first replica signs with it, all others know
 * it, and so do those who have the public keys from us. What the one before has made is
 * good for as long as it would have been. Nothing has to be restarted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_KEYRING_H
#define COCO_KBS_KEYRING_H

#include "crypto/key.h"
#include "kbs/session.h"
#include "kbs/store.h"

/* Seconds. */
#define COCO_KBS_KEYS_AHEAD 60
#define COCO_KBS_KEYS_LOOK 5

/* Generations that something may still have been made with. */
#define COCO_KBS_KEYS_MAX COCO_KBS_SEAL_KEYS_MAX

#define COCO_KBS_KID_SIZE 44     /* a thumbprint (RFC 7638) and a NUL */
#define COCO_KBS_HEADER_SIZE 384 /* "jwk" and "kid" in base64url, and a NUL */

/* A key that tokens may be signed with. */
struct coco_kbs_token_key {
    EVP_PKEY *key; /* P-256 */
    char kid[COCO_KBS_KID_SIZE];
    char header[COCO_KBS_HEADER_SIZE]; /* that its tokens begin with */
};

struct coco_kbs_token_keys {
    struct coco_kbs_token_key keys[COCO_KBS_KEYS_MAX];
    size_t n;
};

void coco_kbs_token_keys_done(struct coco_kbs_token_keys *keys);
#define _cleanup_token_keys_ _cleanup_(coco_kbs_token_keys_done)

/* One generation as it lies in the store. */
struct coco_kbs_generation {
    uint64_t number;
    int64_t from; /* when it is used */
    struct coco_kbs_token_key token;
    struct coco_secret seal; /* COCO_KBS_SEAL_KEY_SIZE bytes */
};

void coco_kbs_generation_done(struct coco_kbs_generation *generation);
#define _cleanup_generation_ _cleanup_(coco_kbs_generation_done)

/* {"from","token","seal"}: COCO_ERR_PROTO unless it is one. */
coco_status coco_kbs_generation_parse(const char *text, size_t len, struct coco_kbs_generation *ret,
                                      coco_error **err);

/* Any thread. */
struct coco_kbs_keyring;

/*
 * Those of the store, which is lent, or the first ones. lifetime, in seconds, is how long
 * at most what was made with a key is good.
 */
coco_status coco_kbs_keyring_open(struct coco_kbs_store *store, int64_t lifetime, int64_t now,
                                  struct coco_kbs_keyring **ret, coco_error **err);
void coco_kbs_keyring_close(struct coco_kbs_keyring *keyring);
COCO_DEFINE_CLEANUP(struct coco_kbs_keyring *, coco_kbs_keyring_close);

/* The first of all, whatever came after it: the audit log is signed with it. Lent. */
const struct coco_kbs_token_key *coco_kbs_keyring_first(const struct coco_kbs_keyring *keyring);

/* What entity tags are made with, the same for good and for all who share the store. Lent. */
const struct coco_secret *coco_kbs_keyring_tag_key(const struct coco_kbs_keyring *keyring);

/*
 * Looks for new keys if it is time to, and gives sessions those that count now. What is
 * known stays so if the store fails.
 */
coco_status coco_kbs_keyring_look(struct coco_kbs_keyring *keyring, int64_t now,
                                  struct coco_kbs_sessions *sessions, coco_error **err);

/*
 * References to those whose tokens are good at now, or will be: the first signs. Never none.
 */
coco_status coco_kbs_keyring_tokens(struct coco_kbs_keyring *keyring, int64_t now,
                                    struct coco_kbs_token_keys *ret, coco_error **err);

/*
 * Makes the next generation, or finds that there is one which is not used yet: its kid and
 * when it will be. Keys that nothing can have been made with any more are purged.
 * COCO_ERR_LIMIT if too many are still good for something.
 */
coco_status coco_kbs_keyring_rotate(struct coco_kbs_keyring *keyring, int64_t now,
                                    char kid[COCO_KBS_KID_SIZE], int64_t *from, coco_error **err);

#endif
