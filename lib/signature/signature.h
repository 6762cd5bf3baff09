/*
 * signature/signature.h - signatures of images, from wherever they are kept
 *
 * Nothing here does I/O: who has a registry, a directory and a key broker is a
 * coco_signature_source, and what it brings is hostile until a judge of
 * signature/judge.h has found otherwise.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_SIGNATURE_H
#define COCO_SIGNATURE_SIGNATURE_H

#include "base/digest.h"
#include "base/json.h"

/*
 * Of one image and family: cosign adds one each time that it signs, also where a build signs the
 * same image each night, and reads a thousand. Files of an image are as many as containers/image
 * takes.
 */
#define COCO_SIGNATURES_MAX 1000
#define COCO_SIGNATURE_FILES_MAX 128
#define COCO_SIGNATURE_SIZE_MAX ((size_t)4 << 20)

/* What a requirement asks for; each is kept in places of its own. */
enum coco_signature_family {
    COCO_FAMILY_SIMPLE,      /* OpenPGP: lookaside, X-Registry-Supports-Signatures */
    COCO_FAMILY_SIGSTORE,    /* cosign: the tag sha256-….sig, referrers */
    COCO_FAMILY_NOTATION,    /* referrers */
    COCO_FAMILY_ATTESTATION, /* statements of in-toto: the tag sha256-….att, referrers */
};
#define COCO_FAMILIES 4

enum coco_signature_form {
    COCO_FORM_OPENPGP, /* a message that holds what it signs */
    COCO_FORM_PAYLOAD, /* what is signed; the rest is in the annotations, as cosign has it */
    COCO_FORM_DSSE,    /* an envelope; the rest is in the annotations */
    COCO_FORM_BUNDLE,  /* a Sigstore bundle */
    COCO_FORM_JWS,     /* an envelope of Notation */
    COCO_FORM_COSE,    /* the same */
};

struct coco_signature {
    enum coco_signature_form form;
    char *where;  /* where it was found, for people */
    char *unread; /* why there is nothing of it, and it counts for none; or NULL */
    struct coco_buf data;
    cJSON *annotations; /* strings by name, or NULL */
};

/* The list is never NULL once something was added. */
struct coco_signatures {
    struct coco_signature *list;
    size_t n;
};

/* Appends an empty signature, lent: COCO_ERR_LIMIT past COCO_SIGNATURES_MAX. */
coco_status coco_signatures_add(struct coco_signatures *signatures, enum coco_signature_form form,
                                const char *where, struct coco_signature **ret, coco_error **err);
void coco_signature_done(struct coco_signature *signature);
void coco_signatures_done(struct coco_signatures *signatures);
#define _cleanup_signatures_ _cleanup_(coco_signatures_done)

/*
 * Takes why a signature could not be got, and has it count for none: others that are there may do.
 * Out of memory, no network and a call that was canceled are given on.
 */
coco_status coco_signature_leave(struct coco_signature *signature, coco_status status,
                                 coco_error *cause, coco_error **err);

/* An annotation, or NULL. Lent. */
const char *coco_signature_annotation(const struct coco_signature *signature, const char *name);

/*
 * Appends what a file "signature-N" holds (containers/image, internal/signature): an
 * OpenPGP message, or 0x00, "simple-signing" or "sigstore-json", a line feed, and that.
 * COCO_ERR_PROTO for neither, COCO_ERR_NOTSUP for another format.
 */
coco_status coco_signature_parse_file(const void *data, size_t len, const char *where,
                                      struct coco_signatures *ret, coco_error **err);

/* The name of an image that a signature is for, in full. */
struct coco_signed_name {
    char *name;   /* host/repository */
    char *tag;    /* or NULL if there was none */
    char *digest; /* or NULL */
};

void coco_signed_name_done(struct coco_signed_name *name);
#define _cleanup_signed_name_ _cleanup_(coco_signed_name_done)

/* Reads the name of an image in a registry. COCO_ERR_INVALID. */
typedef coco_status coco_read_name_fn(const char *text, struct coco_signed_name *ret,
                                      coco_error **err);

/* Where the signatures of one image are, and what is needed to judge them. */
struct coco_signature_source {
    /* All signatures of that family; none is no error. Lent by the source. */
    coco_status (*list)(void *self, enum coco_signature_family family,
                        const struct coco_signatures **ret, coco_error **err);
    /* Appends what a policy names: a file, or kbs:///…, a resource of a key broker. */
    coco_status (*material)(void *self, const char *where, struct coco_buf *ret, coco_error **err);
    coco_read_name_fn *read_name;
    void *self;
};

#endif
