/*
 * signature/identity.c - which image a signature is for ("signedIdentity")
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/identity.h"

#include "base/fail.h"

#include <stdio.h>
#include <string.h>

/* Both sides of the comparison. The first is lent by whoever asked, the other was read. */
struct match {
    const char *name; /* wanted: host/repository */
    const char *tag;
    const char *digest;
    const struct coco_signed_name *got;
    bool may_be_bare; /* cosign signs names without a tag */
};

typedef coco_status match_fn(const cJSON *identity, const struct coco_signature_source *source,
                             const struct match *match, bool *ret, coco_error **err);

static bool
same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool
agree(const char *a, const char *b)
{
    return a || b ? same(a, b) : true;
}

/* A name alone says of no image that it is meant, and is never exact. */
static bool
is_whole(const struct coco_signed_name *name)
{
    return name->tag || name->digest;
}

/* To the letter, as containers/image compares them. */
static bool
is_same(const struct match *match)
{
    return is_whole(match->got) && same(match->name, match->got->name)
           && agree(match->tag, match->got->tag) && agree(match->digest, match->got->digest);
}

/* Of a name with a tag and a digest the tag is what says which image was meant. */
static bool
is_exact(const struct match *match)
{
    struct match by_tag = *match;

    if (match->tag && !match->got->digest)
        by_tag.digest = NULL;
    return is_same(&by_tag);
}

/* A digest says more about an image than a tag: with one it is the repository that counts. */
static bool
is_digest_or_exact(const struct match *match)
{
    if (!match->digest)
        return is_exact(match);
    return (is_whole(match->got) || match->may_be_bare) && same(match->name, match->got->name);
}

static coco_status
match_exact(const cJSON *identity, const struct coco_signature_source *source,
            const struct match *match, bool *ret, coco_error **err)
{
    (void)identity;
    (void)source;
    (void)err;
    *ret = is_exact(match);
    return COCO_OK;
}

static coco_status
match_digest_or_exact(const cJSON *identity, const struct coco_signature_source *source,
                      const struct match *match, bool *ret, coco_error **err)
{
    (void)identity;
    (void)source;
    (void)err;
    *ret = is_digest_or_exact(match);
    return COCO_OK;
}

static coco_status
match_repository(const cJSON *identity, const struct coco_signature_source *source,
                 const struct match *match, bool *ret, coco_error **err)
{
    (void)identity;
    (void)source;
    (void)err;
    *ret = same(match->name, match->got->name);
    return COCO_OK;
}

/* The name in a member of the policy, whatever was asked for. */
static coco_status
read_member(const cJSON *identity, const char *member, const struct coco_signature_source *source,
            struct coco_signed_name *ret, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(identity, member, &text, err);
    if (status == COCO_OK)
        status = source->read_name(text, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%s", member);
}

static coco_status
match_reference(const cJSON *identity, const struct coco_signature_source *source,
                const struct match *match, bool *ret, coco_error **err)
{
    _cleanup_signed_name_ struct coco_signed_name wanted = {0};

    coco_status status = read_member(identity, "dockerReference", source, &wanted, err);
    if (status == COCO_OK)
        *ret = is_same(&(struct match){wanted.name, wanted.tag, wanted.digest, match->got, false});
    return status;
}

static coco_status
match_other_repository(const cJSON *identity, const struct coco_signature_source *source,
                       const struct match *match, bool *ret, coco_error **err)
{
    _cleanup_signed_name_ struct coco_signed_name wanted = {0};

    coco_status status = read_member(identity, "dockerRepository", source, &wanted, err);
    if (status == COCO_OK && (wanted.tag || wanted.digest))
        status = coco_fail(err, COCO_ERR_INVALID, "dockerRepository is no repository alone");
    if (status == COCO_OK)
        *ret = same(wanted.name, match->got->name);
    return status;
}

/* Whole components only: "a.test/b" is no prefix of "a.test/bc" (guest-protocols 10, no. 6). */
static coco_status
match_remapped(const cJSON *identity, const struct coco_signature_source *source,
               const struct match *match, bool *ret, coco_error **err)
{
    const char *prefix = NULL;
    const char *to = NULL;
    _cleanup_free_ char *remapped = NULL;
    struct match other = *match;

    (void)source;
    coco_status status = coco_json_get_string(identity, "prefix", &prefix, err);
    if (status == COCO_OK)
        status = coco_json_get_string(identity, "signedPrefix", &to, err);
    if (status != COCO_OK)
        return status;
    size_t len = strlen(prefix);
    bool covered = strncmp(match->name, prefix, len) == 0
                   && (match->name[len] == '\0' || match->name[len] == '/');
    if (covered && asprintf(&remapped, "%s%s", to, match->name + len) < 0) {
        remapped = NULL;
        return coco_fail_nomem(err);
    }
    if (remapped)
        other.name = remapped;
    *ret = is_digest_or_exact(&other);
    return COCO_OK;
}

static coco_status
match_cosign(const cJSON *identity, const struct coco_signature_source *source,
             const struct match *match, bool *ret, coco_error **err)
{
    const struct coco_signed_name *got = match->got;

    (void)identity;
    (void)source;
    (void)err;
    *ret = is_whole(got) ? is_digest_or_exact(match) : same(match->name, got->name);
    return COCO_OK;
}

static const struct {
    const char *type;
    match_fn *fn;
    bool needs_name; /* of what was asked for */
} matches[] = {
    {"matchExact", match_exact, true},
    {"matchRepoDigestOrExact", match_digest_or_exact, true},
    {"matchRepository", match_repository, true},
    {"exactReference", match_reference, false},
    {"exactRepository", match_other_repository, false},
    {"remapIdentity", match_remapped, true},
    {"no signedIdentity", match_cosign, true},
};

#define N_MATCHES (sizeof(matches) / sizeof(matches[0]))
#define MATCH_DEFAULT 1
#define MATCH_COSIGN (N_MATCHES - 1)

static coco_status
find_type(const cJSON *identity, enum coco_identity_default otherwise, size_t *ret,
          coco_error **err)
{
    const char *type = NULL;

    *ret = otherwise == COCO_IDENTITY_COSIGN ? MATCH_COSIGN : MATCH_DEFAULT;
    if (!identity)
        return COCO_OK;
    coco_status status = coco_json_get_string(identity, "type", &type, err);
    if (status != COCO_OK)
        return status;
    for (*ret = 0; *ret < MATCH_COSIGN; ++*ret)
        if (strcmp(type, matches[*ret].type) == 0)
            return COCO_OK;
    return coco_fail(err, COCO_ERR_NOTSUP, "signedIdentity of type '%.100s'", type);
}

coco_status
coco_identity_check(const cJSON *requirement, enum coco_identity_default otherwise,
                    const struct coco_policy_image *asked, const char *reference,
                    const struct coco_signature_source *source, coco_error **err)
{
    _cleanup_signed_name_ struct coco_signed_name got = {0};
    const cJSON *identity = NULL;
    const struct match match = {asked->name, asked->tag, asked->digest, &got,
                                otherwise == COCO_IDENTITY_COSIGN};
    bool is_docker = strcmp(asked->transport, "docker") == 0;
    bool fits = false;
    size_t at = 0;

    coco_status status = coco_json_get_object_opt(requirement, "signedIdentity", &identity, err);
    if (status == COCO_OK)
        status = find_type(identity, otherwise, &at, err);
    if (status == COCO_OK)
        status = source->read_name(reference, &got, err);
    if (status != COCO_OK)
        return status;
    if (matches[at].needs_name && !is_docker)
        return coco_fail(err, COCO_ERR_VERIFY,
                         "%s: an image of '%s:' has no name that it is signed under; "
                         "exactReference or exactRepository can say which is wanted",
                         matches[at].type, asked->transport);
    status = matches[at].fn(identity, source, &match, &fits, err);
    if (status != COCO_OK || fits)
        return status;
    return matches[at].needs_name
               ? coco_fail(err, COCO_ERR_VERIFY,
                           "%s: it is signed as '%.300s', not as '%.300s%s%s%s%s'",
                           matches[at].type, reference, asked->name, asked->tag ? ":" : "",
                           asked->tag ? asked->tag : "", asked->digest ? "@" : "",
                           asked->digest ? asked->digest : "")
               : coco_fail(err, COCO_ERR_VERIFY,
                           "%s: it is signed as '%.300s', which is not what the policy wants",
                           matches[at].type, reference);
}
