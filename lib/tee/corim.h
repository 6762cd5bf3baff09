/*
 * tee/corim.h - reference values in CoRIM (draft-ietf-rats-corim)
 *
 * Of the draft, what reference values need: one manifest of CoMIDs, in them
 * reference triples of a class of environment and what is measured of it. Whatever
 * would say more of a value than is read here - a profile, an instance, flags - is
 * refused, for a value must not pass for more than it is. Other triples than those
 * of references say nothing of them and are passed over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_CORIM_H
#define COCO_TEE_CORIM_H

#include "base/digest.h"
#include "crypto/cose.h"

#define COCO_CORIM_VALUES_MAX 4096
#define COCO_CORIM_DIGESTS_MAX 3 /* of one value: one of each algorithm */
#define COCO_CORIM_TYPE "application/rim+cbor"

/* A name of a class or of what is measured: one of several kinds. */
enum coco_corim_kind {
    COCO_CORIM_NONE = 0,
    COCO_CORIM_OID,   /* DER, without its tag and length */
    COCO_CORIM_UUID,  /* 16 bytes */
    COCO_CORIM_BYTES, /* a class alone has these */
    COCO_CORIM_TEXT,  /* what is measured alone has the last two */
    COCO_CORIM_NUMBER,
};

struct coco_corim_name {
    enum coco_corim_kind kind;
    struct coco_cbor_string string;
    uint64_t number; /* of COCO_CORIM_NUMBER */
};

/* Which environments a value is for. Strings without bytes, and numbers not set, are any. */
struct coco_corim_class {
    struct coco_corim_name id;
    struct coco_cbor_string vendor;
    struct coco_cbor_string model;
    bool has_layer;
    bool has_index;
    uint64_t layer;
    uint64_t index;
};

/* What is measured of it must be: all that is said here. */
struct coco_corim_value {
    struct coco_corim_class environment;
    struct coco_corim_name key; /* "launch_digest", or the number of a register */
    struct coco_digest digests[COCO_CORIM_DIGESTS_MAX];
    size_t n_digests;
    struct coco_cbor_string name; /* for people */
    struct coco_cbor_string version;
    struct coco_cbor_string raw;
    struct coco_cbor_string mask; /* as long as raw; none: every bit counts */
    bool has_svn;
    bool svn_is_least; /* svn or more */
    uint64_t svn;
};

struct coco_corim {
    struct coco_corim_name id;  /* text or UUID */
    struct coco_corim_name tag; /* of the CoMID that is written; not read */
    int64_t not_before;         /* seconds since 1970; 0: no such end */
    int64_t not_after;
    struct coco_corim_value *values; /* in the order of the manifest */
    size_t n_values;
};

/* Frees the list of values; what they hold is lent. */
void coco_corim_done(struct coco_corim *corim);
#define _cleanup_corim_ _cleanup_(coco_corim_done)

/*
 * Reads a manifest that nobody signed, or whose signature was looked at. COCO_ERR_PROTO,
 * COCO_ERR_LIMIT; COCO_ERR_NOTSUP for what would change the meaning of a value.
 */
coco_status coco_corim_parse(const void *data, size_t len, struct coco_corim *ret,
                             coco_error **err);

/*
 * Reads a manifest in a COSE_Sign1: COCO_ERR_VERIFY unless key signed it. Its dates are
 * those of manifest and signature together. The signer's name, as he gives it, is lent.
 */
coco_status coco_corim_open(const void *data, size_t len, EVP_PKEY *key, struct coco_corim *ret,
                            struct coco_cbor_string *signer, coco_error **err);

/* COCO_ERR_VERIFY unless now, seconds since 1970, is within its dates. */
coco_status coco_corim_check_dates(const struct coco_corim *corim, int64_t now, coco_error **err);

/* Appends the manifest; values of one class that follow each other become one triple. */
coco_status coco_corim_format(const struct coco_corim *corim, struct coco_buf *buf,
                              coco_error **err);

/* Appends the same signed by key, in the name of signer, UTF-8. */
coco_status coco_corim_seal(EVP_PKEY *key, const char *signer, const struct coco_corim *corim,
                            struct coco_buf *buf, coco_error **err);

/* Numbers of the format, for reader and writer alike. */
enum coco_corim_label {
    COCO_CORIM_ID = 0, /* of a corim-map */
    COCO_CORIM_TAGS = 1,
    COCO_CORIM_PROFILE = 3,
    COCO_CORIM_VALIDITY = 4,
    COCO_CORIM_NOT_BEFORE = 0, /* of a validity-map */
    COCO_CORIM_NOT_AFTER = 1,
    COCO_CORIM_TAG_IDENTITY = 1, /* of a concise-mid-tag */
    COCO_CORIM_LINKED_TAGS = 3,
    COCO_CORIM_TRIPLES = 4,
    COCO_CORIM_REFERENCES = 0, /* of a triples-map */
    COCO_CORIM_CLASS = 0,      /* of an environment-map */
    COCO_CORIM_CLASS_ID = 0,
    COCO_CORIM_VENDOR = 1,
    COCO_CORIM_MODEL = 2,
    COCO_CORIM_LAYER = 3,
    COCO_CORIM_INDEX = 4,
    COCO_CORIM_MKEY = 0, /* of a measurement-map */
    COCO_CORIM_MVAL = 1,
    COCO_CORIM_VERSION = 0, /* of a measurement-values-map */
    COCO_CORIM_SVN = 1,
    COCO_CORIM_DIGESTS = 2,
    COCO_CORIM_RAW = 4,
    COCO_CORIM_RAW_MASK = 5,
    COCO_CORIM_NAME = 11,
    COCO_CORIM_META = 8, /* of the protected headers */
    COCO_CORIM_CWT_CLAIMS = 15,
    COCO_CORIM_META_SIGNER = 0, /* of a corim-meta-map */
    COCO_CORIM_META_VALIDITY = 1,
    COCO_CORIM_SIGNER_NAME = 0,
    COCO_CORIM_CWT_ISSUER = 1, /* RFC 8392 */
    COCO_CORIM_CWT_EXPIRES = 4,
    COCO_CORIM_CWT_NOT_BEFORE = 5,
};

enum coco_corim_tag {
    COCO_CORIM_TAG_TIME = 1,
    COCO_CORIM_TAG_UUID = 37,
    COCO_CORIM_TAG_OID = 111,
    COCO_CORIM_TAG_MANIFEST = 501,
    COCO_CORIM_TAG_COMID = 506,
    COCO_CORIM_TAG_SVN = 552,
    COCO_CORIM_TAG_MIN_SVN = 553,
    COCO_CORIM_TAG_BYTES = 560,
    COCO_CORIM_TAG_MASKED = 563,
};

/* Of the IANA registry "Named Information Hash Algorithm"; 0 for others. */
uint64_t coco_corim_hash_number(enum coco_hash_alg alg);

#endif
