/*
 * image/signatures.c - the signatures of an image, where registries and directories keep them
 *
 *     registry, layout   the tag sha256-<hex>.sig, as cosign has it
 *     dir:               signature-1, signature-2, … as skopeo has it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/signatures.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/text.h"
#include "image/dir.h"
#include "image/ref.h"
#include "image/referrers.h"
#include "signature/bundle.h"
#include "signature/notation.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* What all signatures of one family may have together. */
#define TOTAL_MAX ((size_t)8 << 20)

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);
COCO_DEFINE_CLEANUP(coco_bytes *, coco_bytes_free);

/* Those of one image, got when they are first asked for. */
struct signatures {
    const struct coco_found_image *image;
    coco_ctx *ctx;
    struct coco_signatures lists[COCO_FAMILIES];
    bool have[COCO_FAMILIES];
    size_t total;
    struct {
        const struct coco_signatures *list; /* NULL: there is none */
        size_t at;
        struct coco_digest digest;
    } last; /* that was read of a layer */
};

static void
signatures_done(struct signatures *signatures)
{
    for (size_t i = 0; i < COCO_FAMILIES; i++)
        coco_signatures_done(&signatures->lists[i]);
}

/* ---- names ---- */

/* Whether the tag was spelled, for the parser fills one in. */
static bool
has_tag(const char *text, const char *tag)
{
    const char *end = strchrnul(text, '@');
    size_t len = strlen(tag);

    return (size_t)(end - text) > len && end[-(ptrdiff_t)len - 1] == ':'
           && strncmp(end - len, tag, len) == 0;
}

static coco_status
copy(const char *text, char **ret, coco_error **err)
{
    *ret = text ? strdup(text) : NULL;
    return text && !*ret ? coco_fail_nomem(err) : COCO_OK;
}

coco_status
coco_signatures_read_name(const char *text, struct coco_signed_name *ret, coco_error **err)
{
    _cleanup_signed_name_ struct coco_signed_name name = {0};
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_free_ char *spelled = NULL;

    if (asprintf(&spelled, "docker://%.1000s", text) < 0) {
        spelled = NULL;
        return coco_fail_nomem(err);
    }
    coco_status status = coco_image_ref_parse(spelled, &ref, err);
    if (status == COCO_OK)
        status = coco_signatures_name_of(ref, &name.name, err);
    if (status == COCO_OK && coco_image_ref_tag(ref) && has_tag(text, coco_image_ref_tag(ref)))
        status = copy(coco_image_ref_tag(ref), &name.tag, err);
    if (status == COCO_OK)
        status = copy(coco_image_ref_digest(ref), &name.digest, err);
    if (status != COCO_OK)
        return status;
    *ret = name;
    name = (struct coco_signed_name){0};
    return COCO_OK;
}

coco_status
coco_signatures_name_of(const coco_image_ref *ref, char **ret, coco_error **err)
{
    const char *registry = coco_image_ref_registry(ref);
    const char *repository = coco_image_ref_repository(ref);

    if (registry) {
        if (asprintf(ret, "%s/%s", registry, repository) >= 0)
            return COCO_OK;
        *ret = NULL;
        return coco_fail_nomem(err);
    }
    *ret = realpath(repository, NULL);
    if (*ret)
        return COCO_OK;
    if (errno == ENOENT)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no image '%s'", repository);
    return coco_fail_errno(err, errno, "'%s'", repository);
}

/* ---- attached by a tag ---- */

coco_status
coco_signatures_tag_beside(const coco_image_ref *to, const char *tag, coco_image_ref **ret,
                           coco_error **err)
{
    const char *registry = coco_image_ref_registry(to);
    enum coco_transport kind = coco_image_ref_kind(to);
    _cleanup_free_ char *text = NULL;

    if (!registry && kind != COCO_TRANSPORT_OCI && kind != COCO_TRANSPORT_OCI_ARCHIVE)
        return COCO_OK;
    if (asprintf(&text, "%s%s%s%s:%s", registry ? "docker://" : "",
                 registry ? registry : coco_image_ref_transport(to), registry ? "/" : ":",
                 coco_image_ref_repository(to), tag)
        < 0) {
        text = NULL;
        return coco_fail_nomem(err);
    }
    return coco_image_ref_parse(text, ret, err);
}

coco_status
coco_signatures_attached_ref(const coco_image_ref *to, const struct coco_digest *digest,
                             const char *suffix, coco_image_ref **ret, coco_error **err)
{
    char hex[2 * COCO_DIGEST_SIZE_MAX + 1];
    char tag[128];

    if (digest->alg != COCO_SHA256)
        return COCO_OK;
    coco_hex(digest->bytes, coco_hash_size(digest->alg), hex);
    (void)snprintf(tag, sizeof(tag), "sha256-%.64s.%s", hex, suffix);
    return coco_signatures_tag_beside(to, tag, ret, err);
}

/* All signatures of cosign for an image are of the same bytes, which need to be got once. */
static coco_status
read_bytes(struct signatures *s, const struct coco_source *source,
           const struct coco_descriptor *layer, const struct coco_signatures *list,
           struct coco_buf *ret, coco_error **err)
{
    if (layer->size > TOTAL_MAX - s->total)
        return coco_fail(err, COCO_ERR_LIMIT, "signatures of more than %zu bytes", TOTAL_MAX);
    if (s->last.list == list && coco_digest_equal(&s->last.digest, &layer->digest)) {
        const struct coco_buf *same = &list->list[s->last.at].data;
        return coco_buf_append(ret, same->data, same->len, err);
    }
    return coco_source_small_blob(source, s->ctx, layer, ret, err);
}

static coco_status
read_layer(struct signatures *s, const struct coco_source *source,
           const struct coco_descriptor *layer, const struct coco_signatures *list,
           struct coco_signature *to, coco_error **err)
{
    coco_status status = read_bytes(s, source, layer, list, &to->data, err);

    s->total += to->data.len;
    if (status != COCO_OK)
        return status;
    s->last.list = list;
    s->last.at = list->n - 1;
    s->last.digest = layer->digest;
    if (!layer->annotations)
        return COCO_OK;
    to->annotations = cJSON_Duplicate(layer->annotations, true);
    return to->annotations ? COCO_OK : coco_fail_nomem(err);
}

/*
 * A layer that is a signature. Whoever may attach something to an image, and who cleans up behind
 * them, could keep it from being pulled otherwise: lists of packages of many MiB are signed, too.
 */
static coco_status
add_layer(struct signatures *s, const struct coco_source *source,
          const struct coco_descriptor *layer, enum coco_signature_form form, const char *where,
          struct coco_signatures *ret, coco_error **err)
{
    struct coco_signature *added = NULL;
    coco_error *cause = NULL;

    coco_status status = coco_signatures_add(ret, form, where, &added, err);
    if (status != COCO_OK)
        return status;
    status = read_layer(s, source, layer, ret, added, &cause);
    return status == COCO_OK ? COCO_OK : coco_signature_leave(added, status, cause, err);
}

/* The manifest that ref names, if there is one. */
static coco_status
get_attached(struct signatures *s, const struct coco_source *source, struct coco_manifest *ret,
             bool *there, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_buf_ struct coco_buf type = {.limit = 1024};
    coco_error *cause = NULL;
    bool missing = false;

    coco_status status = source->manifest(source->self, s->ctx, NULL, &text, &type, &cause);
    if (status != COCO_OK) {
        status = coco_forgive(cause, COCO_ERR_NOTFOUND, &missing, err);
        *there = false;
        return status;
    }
    *there = true;
    return coco_artifact_parse(coco_buf_text(&text), text.len, coco_buf_text(&type),
                               COCO_SIGNATURES_MAX, ret, err);
}

/* What cosign attaches by a tag. */
static const struct attachment {
    enum coco_signature_family family;
    const char *suffix, *media_type;
    enum coco_signature_form form;
} attachments[] = {
    {COCO_FAMILY_SIGSTORE, "sig", COCO_MEDIA_SIMPLE_SIGNING, COCO_FORM_PAYLOAD},
    {COCO_FAMILY_ATTESTATION, "att", "application/vnd.dsse.envelope.v1+json", COCO_FORM_DSSE},
};

#define N_ATTACHMENTS (sizeof(attachments) / sizeof(attachments[0]))

static coco_status
add_attached(struct signatures *s, const struct coco_digest *digest, const struct attachment *of,
             struct coco_signatures *ret, coco_error **err)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_manifest_ struct coco_manifest manifest = {0};
    bool there = false;

    coco_status status = coco_signatures_attached_ref(s->image->ref, digest, of->suffix, &ref, err);
    if (status != COCO_OK || !ref)
        return status;
    status = coco_client_source(s->image->client, s->image->set, ref, &source, err);
    if (status == COCO_OK)
        status = get_attached(s, &source, &manifest, &there, err);
    for (size_t i = 0; status == COCO_OK && there && i < manifest.n_layers; i++)
        if (strcmp(manifest.layers[i].media_type, of->media_type) == 0)
            status = add_layer(s, &source, &manifest.layers[i], of->form, coco_image_ref_text(ref),
                               ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%s", coco_image_ref_text(ref));
}

/* ---- referrers ---- */

/* What a statement says of itself: a hint, so that provenance is not read for a signature. */
static bool
may_be_of(const cJSON *annotations, enum coco_signature_family family)
{
    const char *said = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(annotations, "dev.sigstore.bundle.predicateType"));
    bool is_signature = said && strcmp(said, COCO_PREDICATE_SIGN) == 0;

    return !said || is_signature == (family == COCO_FAMILY_SIGSTORE);
}

static bool
is_cosign(const char *type)
{
    return strcmp(type, COCO_ARTIFACT_COSIGN) == 0;
}

static bool
is_payload(const char *media_type)
{
    return strcmp(media_type, COCO_MEDIA_SIMPLE_SIGNING) == 0;
}

static bool
is_notation(const char *type)
{
    return strcmp(type, COCO_NOTATION_ARTIFACT) == 0;
}

static bool
is_jws(const char *media_type)
{
    return strcmp(media_type, COCO_NOTATION_JWS) == 0;
}

static bool
is_cose(const char *media_type)
{
    return strcmp(media_type, COCO_NOTATION_COSE) == 0;
}

/* Which layers of which referrers are signatures of a family, and in which form. */
static const struct referrer {
    enum coco_signature_family family;
    enum coco_signature_form form;
    bool (*is_type)(const char *type);
    bool (*is_layer)(const char *media_type);
} referrers[] = {
    {COCO_FAMILY_SIGSTORE, COCO_FORM_BUNDLE, coco_sigstore_bundle_is, coco_sigstore_bundle_is},
    {COCO_FAMILY_SIGSTORE, COCO_FORM_PAYLOAD, is_cosign, is_payload},
    {COCO_FAMILY_ATTESTATION, COCO_FORM_BUNDLE, coco_sigstore_bundle_is, coco_sigstore_bundle_is},
    {COCO_FAMILY_NOTATION, COCO_FORM_JWS, is_notation, is_jws},
    {COCO_FAMILY_NOTATION, COCO_FORM_COSE, is_notation, is_cose},
};

#define N_REFERRERS (sizeof(referrers) / sizeof(referrers[0]))

static bool
is_worth_a_look(const struct coco_manifest *index, size_t i, enum coco_signature_family family)
{
    const char *type = coco_referrers_type(index, i);
    bool fits = coco_referrers_is_vague(type);

    for (size_t j = 0; j < N_REFERRERS; j++)
        fits = fits || (referrers[j].family == family && referrers[j].is_type(type));
    return fits && may_be_of(index->layers[i].annotations, family);
}

/* All layers of one that are signatures of the family. */
static coco_status
add_layers(struct signatures *s, const struct coco_source *source,
           const struct coco_manifest *manifest, const char *where,
           enum coco_signature_family family, struct coco_signatures *ret, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; status == COCO_OK && i < manifest->n_layers; i++)
        for (size_t j = 0; status == COCO_OK && j < N_REFERRERS; j++)
            if (referrers[j].family == family
                && referrers[j].is_layer(manifest->layers[i].media_type))
                status =
                    add_layer(s, source, &manifest->layers[i], referrers[j].form, where, ret, err);
    return status;
}

static enum coco_signature_form
form_of(enum coco_signature_family family)
{
    size_t i = 0;

    while (i + 1 < N_REFERRERS && referrers[i].family != family)
        i++;
    return referrers[i].form;
}

/* What is listed may be gone: registries without a list of their own are told by nobody. */
static coco_status
add_referrer(struct signatures *s, const struct coco_source *source,
             const struct coco_descriptor *entry, enum coco_signature_family family,
             struct coco_signatures *ret, coco_error **err)
{
    _cleanup_manifest_ struct coco_manifest manifest = {0};
    struct coco_signature *added = NULL;
    coco_error *cause = NULL;
    char where[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(&entry->digest, where);
    coco_status status = coco_referrers_manifest(source, s->ctx, entry, &manifest, &cause);
    if (status != COCO_OK) {
        coco_status got = status;

        status = coco_signatures_add(ret, form_of(family), where, &added, err);
        if (status == COCO_OK)
            return coco_signature_leave(added, got, cause, err);
        coco_error_free(cause);
        return status;
    }
    if (!may_be_of(cJSON_GetObjectItemCaseSensitive(manifest.json, "annotations"), family))
        return COCO_OK;
    status = add_layers(s, source, &manifest, where, family, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%s", where);
}

static coco_status
add_referrers(struct signatures *s, const struct coco_digest *digest,
              enum coco_signature_family family, struct coco_signatures *ret, coco_error **err)
{
    _cleanup_manifest_ struct coco_manifest index = {0};
    _cleanup_source_ struct coco_source source = {0};
    size_t looked = 0;

    coco_status status = coco_referrers_list(s->image->client, s->ctx, s->image->set, s->image->ref,
                                             digest, &index, err);
    if (status == COCO_OK && index.n_layers > 0)
        status = coco_client_source(s->image->client, s->image->set, s->image->ref, &source, err);
    for (size_t i = 0; status == COCO_OK && i < index.n_layers; i++) {
        if (!is_worth_a_look(&index, i, family))
            continue;
        if (looked++ == COCO_SIGNATURES_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "more than %d referrers", COCO_SIGNATURES_MAX);
        status = add_referrer(s, &source, &index.layers[i], family, ret, err);
    }
    return status;
}

/* ---- files of a directory ---- */

static coco_status
add_file(struct signatures *s, const struct coco_files *files, unsigned i, bool *there,
         struct coco_signatures *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf data = {.limit = TOTAL_MAX - s->total};
    coco_error *cause = NULL;
    bool missing = false;
    char name[32];

    (void)snprintf(name, sizeof(name), "signature-%u", i);
    coco_status status = files->read(files->self, name, &data, &cause);
    if (status != COCO_OK)
        return coco_forgive(cause, COCO_ERR_NOTFOUND, &missing, err);
    *there = true;
    s->total += data.len;
    status = coco_signature_parse_file(coco_buf_text(&data), data.len, name, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%s", name);
}

static bool
is_of(enum coco_signature_form form, enum coco_signature_family family)
{
    return (family == COCO_FAMILY_SIMPLE) == (form == COCO_FORM_OPENPGP);
}

/* Drops those of another family, which lie among them. */
static void
keep(struct coco_signatures *list, enum coco_signature_family family)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->n; i++) {
        struct coco_signature one = list->list[i];

        if (is_of(one.form, family))
            list->list[kept++] = one;
        else
            coco_signature_done(&one);
    }
    list->n = kept;
}

static coco_status
add_files(struct signatures *s, enum coco_signature_family family, struct coco_signatures *ret,
          coco_error **err)
{
    _cleanup_files_ struct coco_files files = {0};
    bool there = true;

    if (family != COCO_FAMILY_SIMPLE && family != COCO_FAMILY_SIGSTORE)
        return COCO_OK;
    coco_status status = coco_folder_open(coco_image_ref_repository(s->image->ref),
                                          "image directory", O_NOFOLLOW, &files, err);
    for (unsigned i = 1; status == COCO_OK && there && i <= COCO_SIGNATURE_FILES_MAX; i++) {
        there = false;
        status = add_file(s, &files, i, &there, ret, err);
    }
    if (status == COCO_OK)
        keep(ret, family);
    return status;
}

/* ---- a source of signatures ---- */

/* Whether signatures of a family may be elsewhere; those of Sigstore only where it was said. */
static bool
is_aside(const struct signatures *s, enum coco_signature_family family, const char *url)
{
    if (coco_image_ref_kind(s->image->ref) != COCO_TRANSPORT_DOCKER)
        return false;
    return family == COCO_FAMILY_SIMPLE || (family == COCO_FAMILY_SIGSTORE && url);
}

static coco_status
get_list(struct signatures *s, enum coco_signature_family family, struct coco_signatures *ret,
         coco_error **err)
{
    coco_status status = COCO_OK;
    const char *url = NULL;
    bool attached = true;

    if (coco_image_ref_kind(s->image->ref) == COCO_TRANSPORT_DIR)
        return add_files(s, family, ret, err);
    if (coco_image_ref_kind(s->image->ref) == COCO_TRANSPORT_DOCKER)
        status = coco_lookasides_find(&s->image->client->lookasides, s->image->ref, &url, &attached,
                                      err);
    for (size_t i = 0; status == COCO_OK && i < s->image->found->n_digests; i++) {
        const struct coco_digest *digest = &s->image->found->digests[i];

        if (is_aside(s, family, url))
            status = coco_lookaside_list(s->image, s->ctx, digest, ret, err);
        for (size_t j = 0; status == COCO_OK && attached && j < N_ATTACHMENTS; j++)
            if (attachments[j].family == family)
                status = add_attached(s, digest, &attachments[j], ret, err);
        if (status == COCO_OK && family != COCO_FAMILY_SIMPLE && attached)
            status = add_referrers(s, digest, family, ret, err);
    }
    if (status == COCO_OK)
        keep(ret, family);
    return status;
}

static coco_status
list(void *self, enum coco_signature_family family, const struct coco_signatures **ret,
     coco_error **err)
{
    struct signatures *s = self;

    if (!s->have[family]) {
        coco_status status = coco_ctx_check(s->ctx, err);
        if (status == COCO_OK)
            status = get_list(s, family, &s->lists[family], err);
        if (status != COCO_OK)
            return status;
        s->have[family] = true;
    }
    *ret = &s->lists[family];
    return COCO_OK;
}

static coco_status
get_resource(const struct signatures *s, const char *uri, struct coco_buf *ret, coco_error **err)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    if (!s->image->client->kbc)
        return coco_fail(err, COCO_ERR_INVALID, "there is no key broker to get it from");
    coco_status status = coco_kbc_get_resource(s->image->client->kbc, s->ctx, uri, &bytes, err);
    if (status == COCO_OK)
        status = coco_buf_append(ret, coco_bytes_data(bytes), coco_bytes_size(bytes), err);
    return status;
}

/* As image-rs reads it: a resource, or a file, whose path may be a URL. */
static coco_status
material(void *self, const char *where, struct coco_buf *ret, coco_error **err)
{
    if (strncmp(where, "kbs://", strlen("kbs://")) == 0)
        return get_resource(self, where, ret, err);
    return coco_file_read(
        strncmp(where, "file://", strlen("file://")) == 0 ? where + strlen("file://") : where, ret,
        err);
}

coco_status
coco_signatures_explain(const struct coco_found_image *image, coco_ctx *ctx, cJSON *verdict,
                        bool *accepted, struct coco_buf *why, coco_error **err)
{
    _cleanup_(signatures_done) struct signatures signatures = {.image = image, .ctx = ctx};
    const struct coco_signature_source source = {list, material, coco_signatures_read_name,
                                                 &signatures};
    const coco_image_ref *ref = image->ref;
    _cleanup_free_ char *name = NULL;

    coco_status status = coco_signatures_name_of(ref, &name, err);
    if (status != COCO_OK)
        return status;
    const struct coco_judged_image judged = {
        .asked = {coco_image_ref_transport(ref), name, coco_image_ref_tag(ref),
                  coco_image_ref_digest(ref)},
        .digests = image->found->digests,
        .n_digests = image->found->n_digests,
        .source = &source,
        .now = (int64_t)time(NULL),
    };
    return coco_policy_judge(image->client->policy, &judged, verdict, accepted, why, err);
}

coco_status
coco_signatures_judge(const struct coco_found_image *image, coco_ctx *ctx, coco_error **err)
{
    _cleanup_buf_ struct coco_buf why = {.limit = 2 * COCO_REASON_MAX};
    _cleanup_json_ cJSON *verdict = cJSON_CreateArray();
    bool accepted = false;

    if (!verdict)
        return coco_fail_nomem(err);
    coco_status status = coco_signatures_explain(image, ctx, verdict, &accepted, &why, err);
    if (status != COCO_OK || accepted)
        return status;
    return coco_fail(err, COCO_ERR_DENIED, "%s", coco_buf_text(&why));
}
