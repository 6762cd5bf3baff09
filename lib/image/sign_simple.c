/*
 * image/sign_simple.c - simple signing: a message of OpenPGP in a lookaside
 *
 * Who verifies looks for signatures of the image of one platform alone, as containers/image does,
 * or of the index as well: of an index all that it names are signed, and then itself.
 *
 * Sources: containers-registries.d(5), container-signature(5).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/signatures.h"

#include "base/context.h"
#include "base/fail.h"
#include "image/ref.h"
#include "image/signee.h"
#include "signature/payload.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define MESSAGE_MAX ((size_t)64 << 10)

/* One image's signatures on their way. */
struct simple {
    struct coco_signee image;
    struct coco_pgp_ring *ring; /* lent by the client */
    const char *who;            /* NULL for the only secret key */
    const char *url;            /* lent by the client */
    char *name;                 /* that is signed */
    char *where;                /* the last signature */
    bool already;               /* whether it was there */
};

static void
simple_done(struct simple *simple)
{
    free(simple->name);
    free(simple->where);
    coco_signee_done(&simple->image);
}

/* The name as it was spelled: by a tag, unless there is only a digest. */
static coco_status
make_name(struct simple *simple, coco_error **err)
{
    const coco_image_ref *ref = simple->image.ref;
    const char *tag = coco_image_ref_tag(ref);
    _cleanup_free_ char *name = NULL;

    coco_status status = coco_signatures_name_of(ref, &name, err);
    if (status != COCO_OK)
        return status;
    if (asprintf(&simple->name, "%s%c%s", name, tag ? ':' : '@',
                 tag ? tag : coco_image_ref_digest(ref))
        < 0) {
        simple->name = NULL;
        return coco_fail_nomem(err);
    }
    return COCO_OK;
}

/* ---- what is there ---- */

/* Whether a message is a signature of the same by the same. */
static coco_status
is_own(const struct simple *simple, const struct coco_signature *signature,
       const struct coco_digest *digest, const char *primary, bool *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = MESSAGE_MAX};
    _cleanup_payload_ struct coco_payload payload = {0};
    struct coco_pgp_signature by = {0};
    coco_error *cause = NULL;

    *ret = false;
    if (signature->form != COCO_FORM_OPENPGP)
        return COCO_OK;
    coco_status status = coco_pgp_verify(simple->ring, signature->data.data, signature->data.len, 0,
                                         &text, &by, &cause);
    if (status == COCO_OK)
        status = coco_payload_parse(text.data, text.len, COCO_PAYLOAD_ATOMIC, &payload, &cause);
    if (status == COCO_OK) {
        *ret = strcmp(by.primary, primary) == 0 && coco_digest_equal(&payload.digest, digest)
               && strcmp(payload.reference, simple->name) == 0;
        return COCO_OK;
    }
    /* Whatever is wrong with it: it is no signature of ours. */
    if (status == COCO_ERR_NOMEM) {
        coco_error_give(err, cause);
        return status;
    }
    coco_error_free(cause);
    return COCO_OK;
}

static coco_status
look_for_own(struct simple *simple, const struct coco_digest *digest, const char *primary,
             coco_error **err)
{
    const struct coco_signee *image = &simple->image;
    const struct coco_found_image found = {image->client, image->ref, &image->set, &image->found};
    _cleanup_signatures_ struct coco_signatures there = {0};

    coco_status status =
        coco_lookaside_list_at(&found, image->ctx, simple->url, digest, &there, err);
    for (size_t i = 0; status == COCO_OK && !simple->already && i < there.n; i++) {
        status = is_own(simple, &there.list[i], digest, primary, &simple->already, err);
        if (status != COCO_OK || !simple->already)
            continue;
        simple->where = strdup(there.list[i].where);
        if (!simple->where)
            status = coco_fail_nomem(err);
    }
    return status;
}

/* ---- what is written ---- */

/* A message, and whose it is: what a verifier will find. */
static coco_status
make_message(const struct simple *simple, const struct coco_digest *digest,
             struct coco_buf *message, struct coco_pgp_signature *by, coco_error **err)
{
    _cleanup_buf_ struct coco_buf payload = {.limit = MESSAGE_MAX};
    _cleanup_buf_ struct coco_buf again = {.limit = MESSAGE_MAX};

    coco_status status =
        coco_payload_write_atomic(simple->name, digest, (uint64_t)time(NULL), &payload, err);
    if (status == COCO_OK)
        status = coco_pgp_sign(simple->ring, simple->who, payload.data, payload.len, message, err);
    if (status == COCO_OK)
        status = coco_pgp_verify(simple->ring, message->data, message->len, 0, &again, by, err);
    return status;
}

static coco_status
sign_one(struct simple *simple, const struct coco_digest *digest, coco_error **err)
{
    _cleanup_buf_ struct coco_buf message = {.limit = MESSAGE_MAX};
    struct coco_pgp_signature by = {0};

    free(coco_steal(&simple->where));
    simple->already = false;
    coco_status status = coco_ctx_check(simple->image.ctx, err);
    if (status == COCO_OK)
        status = make_message(simple, digest, &message, &by, err);
    if (status == COCO_OK)
        status = look_for_own(simple, digest, by.primary, err);
    if (status == COCO_OK && !simple->already)
        status = coco_lookaside_put(simple->url, simple->image.ref, digest, &message,
                                    &simple->where, err);
    return status;
}

static coco_status
sign_all(struct simple *simple, coco_error **err)
{
    const struct coco_manifest *manifest = &simple->image.found.manifest;
    coco_status status = COCO_OK;

    for (size_t i = 0; status == COCO_OK && manifest->is_index && i < manifest->n_layers; i++)
        status = sign_one(simple, &manifest->layers[i].digest, err);
    if (status == COCO_OK)
        status = sign_one(simple, &simple->image.digest, err);
    return status;
}

static coco_status
find_place(struct simple *simple, const coco_image_client *client, const coco_image_ref *ref,
           coco_error **err)
{
    coco_status status = coco_lookasides_find_staging(&client->lookasides, ref, &simple->url, err);

    if (status == COCO_OK && !simple->url)
        status = coco_fail(err, COCO_ERR_INVALID,
                           "no registries.d says where to write signatures: lookaside-staging");
    if (status == COCO_OK)
        status = coco_lookaside_check_writable(simple->url, err);
    return status;
}

coco_status
coco_image_sign_pgp(coco_image_client *client, coco_ctx *ctx, const coco_image_ref *ref,
                    const char *who, coco_bytes **ret, coco_error **err)
{
    _cleanup_(simple_done) struct simple simple = {.ring = client->pgp.ring, .who = who};

    if (!simple.ring)
        return coco_fail(err, COCO_ERR_NOTFOUND, "there are no keys of OpenPGP");
    if (coco_image_ref_kind(ref) != COCO_TRANSPORT_DOCKER)
        return coco_fail(err, COCO_ERR_NOTSUP, "images are signed in registries, under their name");
    coco_status status = coco_signee_find(client, ctx, ref, &simple.image, err);
    if (status == COCO_OK)
        status = find_place(&simple, client, ref, err);
    if (status == COCO_OK)
        status = make_name(&simple, err);
    if (status == COCO_OK)
        status = sign_all(&simple, err);
    if (status == COCO_OK)
        status = coco_signee_describe(&simple.image, simple.where, simple.already, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%.300s", coco_image_ref_text(ref));
}
