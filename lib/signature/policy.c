/*
 * signature/policy.c - containers policy.json
 *
 * Parsing checks the whole document, so that a mistake shows at once and not
 * with the first image it concerns; the tree is kept and looked up as it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/scope.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/json.h"
#include "signature/notation.h"

#include <string.h>

#define PEM_BEGIN "-----BEGIN "

/* ---- parsing ---- */

typedef coco_status check_fn(const cJSON *object, coco_error **err);

/* An object with a "type": which members may stand beside it, and how they go together. */
struct shape {
    const char *type;
    const char *members[24];
    check_fn *check;
};

static const char *
nonempty_text(const cJSON *item)
{
    return cJSON_IsString(item) && item->valuestring[0] ? item->valuestring : NULL;
}

/* Base64, which may have line ends, or the key itself in PEM, as image-rs reads it. */
static bool
is_data(const cJSON *item)
{
    const char *text = nonempty_text(item);
    if (!text)
        return false;

    _cleanup_buf_ struct coco_buf data = {.limit = strlen(text)};
    return strncmp(text, PEM_BEGIN, strlen(PEM_BEGIN)) == 0
           || (coco_base64_decode_lines(text, strlen(text), &data, NULL) == COCO_OK
               && data.len > 0);
}

static bool
ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);

    return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

static bool
is_object_by_name(const char *name)
{
    return strcmp(name, "fulcio") == 0 || strcmp(name, "pki") == 0
           || strcmp(name, "signedIdentity") == 0 || strcmp(name, "signatureVerification") == 0;
}

/* The member's name tells what it holds: key material in ...Data, one or more in ...Datas,
 * ...Paths. */
static bool
is_well_formed(const cJSON *member)
{
    const char *name = member->string;
    bool data = ends_with(name, "Data") || ends_with(name, "Datas");
    const cJSON *item = NULL;

    if (is_object_by_name(name))
        return cJSON_IsObject(member);
    if (!ends_with(name, "Datas") && !ends_with(name, "Paths") && !ends_with(name, "Identities"))
        return data ? is_data(member) : nonempty_text(member) != NULL;
    if (!cJSON_IsArray(member))
        return false;
    cJSON_ArrayForEach(item, member) {
        if (data ? !is_data(item) : !nonempty_text(item))
            return false;
    }
    return member->child != NULL;
}

static coco_status
check_well_formed(const cJSON *object, coco_error **err)
{
    const cJSON *member = NULL;

    cJSON_ArrayForEach(member, object) {
        if (!is_well_formed(member))
            return coco_fail(err, COCO_ERR_PROTO, "member '%s' is malformed", member->string);
    }
    return COCO_OK;
}

static bool
has(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name) != NULL;
}

static unsigned
count_present(const cJSON *object, const char *const *names)
{
    unsigned n = 0;

    for (; *names; names++)
        n += has(object, *names);
    return n;
}

static coco_status
check_count(const cJSON *object, const char *const *names, unsigned least, unsigned most,
            coco_error **err)
{
    unsigned n = count_present(object, names);

    if (n < least)
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' or one of its kind is missing",
                         names[0]);
    if (n > most)
        return coco_fail(err, COCO_ERR_PROTO, "members of the kind of '%s' exclude each other",
                         names[0]);
    return COCO_OK;
}

/* Checks object against the one of shapes, which {NULL} ends, that has its type. */
static coco_status
check_shape(const cJSON *object, const struct shape *shapes, coco_error **err)
{
    const char *type = NULL;

    coco_status status = coco_json_get_string(object, "type", &type, err);
    if (status != COCO_OK)
        return status;
    while (shapes->type && strcmp(shapes->type, type) != 0)
        shapes++;
    if (!shapes->type)
        return coco_fail(err, COCO_ERR_PROTO, "there is no type '%.100s'", type);

    status = coco_json_check_members(object, shapes->members, err);
    if (status == COCO_OK)
        status = check_well_formed(object, err);
    if (status == COCO_OK && shapes->check)
        status = shapes->check(object, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%s", shapes->type);
}

static coco_status
check_exact_reference(const cJSON *identity, coco_error **err)
{
    static const char *const names[] = {"dockerReference", NULL};

    return check_count(identity, names, 1, 1, err);
}

static coco_status
check_exact_repository(const cJSON *identity, coco_error **err)
{
    static const char *const names[] = {"dockerRepository", NULL};

    return check_count(identity, names, 1, 1, err);
}

static coco_status
check_remap(const cJSON *identity, coco_error **err)
{
    static const char *const names[] = {"prefix", "signedPrefix", NULL};

    return check_count(identity, names, 2, 2, err);
}

static coco_status
check_identity(const cJSON *requirement, coco_error **err)
{
    static const struct shape shapes[] = {
        {"matchExact", {"type"}, NULL},
        {"matchRepoDigestOrExact", {"type"}, NULL},
        {"matchRepository", {"type"}, NULL},
        {"exactReference", {"type", "dockerReference"}, check_exact_reference},
        {"exactRepository", {"type", "dockerRepository"}, check_exact_repository},
        {"remapIdentity", {"type", "prefix", "signedPrefix"}, check_remap},
        {0},
    };
    const cJSON *identity = NULL;

    if (!has(requirement, "signedIdentity"))
        return COCO_OK;
    coco_status status = coco_json_get_object(requirement, "signedIdentity", &identity, err);
    return status == COCO_OK ? check_shape(identity, shapes, err) : status;
}

static coco_status
check_signed_by(const cJSON *requirement, coco_error **err)
{
    static const char *const keys[] = {"keyPath", "keyPaths", "keyData", NULL};
    const char *type = NULL;

    coco_status status = coco_json_get_string(requirement, "keyType", &type, err);
    if (status == COCO_OK && strcmp(type, "GPGKeys") != 0)
        status = coco_fail(err, COCO_ERR_PROTO, "there is no keyType '%.100s'", type);
    if (status == COCO_OK)
        status = check_count(requirement, keys, 1, 1, err);
    return status == COCO_OK ? check_identity(requirement, err) : status;
}

static bool
has_trusted_root(const cJSON *requirement)
{
    return has(requirement, "trustedRootPath") || has(requirement, "trustedRootData");
}

static coco_status
check_fulcio(const cJSON *requirement, coco_error **err)
{
    static const char *const members[] = {
        "caPath",
        "caData",
        "oidcIssuer",
        "subjectEmail",
        "subjectURI",
        "ctfePublicKeyPath",
        "ctfePublicKeyPaths",
        "ctfePublicKeyData",
        "ctfePublicKeyDatas",
        NULL,
    };
    static const char *const authorities[] = {"caPath", "caData", NULL};
    static const char *const logs[] = {"ctfePublicKeyPath", "ctfePublicKeyPaths",
                                       "ctfePublicKeyData", "ctfePublicKeyDatas", NULL};
    static const char *const issuer[] = {"oidcIssuer", NULL};
    static const char *const subject[] = {"subjectEmail", "subjectURI", NULL};
    const cJSON *fulcio = NULL;
    unsigned own = has_trusted_root(requirement) ? 0 : 1;

    coco_status status = coco_json_get_object(requirement, "fulcio", &fulcio, err);
    if (status == COCO_OK)
        status = coco_json_check_members(fulcio, members, err);
    if (status == COCO_OK)
        status = check_well_formed(fulcio, err);
    if (status == COCO_OK)
        status = check_count(fulcio, authorities, own, own, err);
    if (status == COCO_OK)
        status = check_count(fulcio, logs, 0, own, err);
    if (status == COCO_OK)
        status = check_count(fulcio, issuer, 1, 1, err);
    if (status == COCO_OK)
        status = check_count(fulcio, subject, 1, 1, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "fulcio");
}

static coco_status
check_pki(const cJSON *requirement, coco_error **err)
{
    static const char *const members[] = {
        "caRootsPath",
        "caRootsData",
        "caIntermediatesPath",
        "caIntermediatesData",
        "subjectEmail",
        "subjectHostname",
        NULL,
    };
    static const char *const roots[] = {"caRootsPath", "caRootsData", NULL};
    static const char *const between[] = {"caIntermediatesPath", "caIntermediatesData", NULL};
    static const char *const subject[] = {"subjectEmail", "subjectHostname", NULL};
    const cJSON *pki = NULL;

    coco_status status = coco_json_get_object(requirement, "pki", &pki, err);
    if (status == COCO_OK)
        status = coco_json_check_members(pki, members, err);
    if (status == COCO_OK)
        status = check_well_formed(pki, err);
    if (status == COCO_OK)
        status = check_count(pki, roots, 1, 1, err);
    if (status == COCO_OK)
        status = check_count(pki, between, 0, 1, err);
    if (status == COCO_OK)
        status = check_count(pki, subject, 1, 2, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "pki");
}

/*
 * A certificate of Fulcio is valid for minutes: only a log, or a time-stamping authority, proves
 * when it was used. Of what a trusted root has, nothing else is given besides.
 */
static coco_status
check_sigstore_signed(const cJSON *requirement, coco_error **err)
{
    static const char *const keys[] = {
        "keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "pki", NULL,
    };
    static const char *const logs[] = {
        "rekorPublicKeyPath",
        "rekorPublicKeyPaths",
        "rekorPublicKeyData",
        "rekorPublicKeyDatas",
        "trustedRootPath",
        "trustedRootData",
        NULL,
    };
    static const char *const stampers[] = {
        "timestampAuthorityPath",
        "timestampAuthorityData",
        "trustedRootPath",
        "trustedRootData",
        NULL,
    };
    static const char *const times[] = {
        "rekorPublicKeyPath",  "rekorPublicKeyPaths",    "rekorPublicKeyData",
        "rekorPublicKeyDatas", "timestampAuthorityPath", "timestampAuthorityData",
        "trustedRootPath",     "trustedRootData",        NULL,
    };
    bool fulcio = has(requirement, "fulcio");
    bool pki = has(requirement, "pki");

    coco_status status = check_count(requirement, keys, 1, 1, err);
    if (status == COCO_OK)
        status = check_count(requirement, logs, 0, pki ? 0 : 1, err);
    if (status == COCO_OK)
        status = check_count(requirement, stampers, 0, pki ? 0 : 1, err);
    if (status == COCO_OK)
        status = check_count(requirement, times, fulcio ? 1 : 0, pki ? 0 : 2, err);
    if (status == COCO_OK && fulcio)
        status = check_fulcio(requirement, err);
    if (status == COCO_OK && pki)
        status = check_pki(requirement, err);
    return status == COCO_OK ? check_identity(requirement, err) : status;
}

/* Ours: containers/image refuses a policy that has it. */
static coco_status
check_in_toto_attested(const cJSON *requirement, coco_error **err)
{
    static const char *const type[] = {"predicateType", NULL};

    coco_status status = check_count(requirement, type, 1, 1, err);
    return status == COCO_OK ? check_sigstore_signed(requirement, err) : status;
}

static coco_status
check_notation_signed(const cJSON *requirement, coco_error **err)
{
    static const char *const signers[] = {"caPath", "caPaths", "caData", "caDatas", NULL};
    static const char *const authorities[] = {"signingAuthorityPath", "signingAuthorityPaths",
                                              "signingAuthorityData", "signingAuthorityDatas",
                                              NULL};
    static const char *const stampers[] = {"timestampAuthorityPath", "timestampAuthorityData",
                                           NULL};
    static const char *const identities[] = {"trustedIdentities", NULL};

    struct coco_notation_level level = {0};
    unsigned n = count_present(requirement, authorities);

    coco_status status = check_count(requirement, signers, n > 0 ? 0 : 1, 1, err);
    if (status == COCO_OK)
        status = check_count(requirement, authorities, 0, 1, err);
    if (status == COCO_OK)
        status = check_count(requirement, stampers, 0, 1, err);
    if (status == COCO_OK)
        status = check_count(requirement, identities, 1, 1, err);
    return status == COCO_OK ? coco_notation_level_read(requirement, &level, err) : status;
}

static coco_status
check_requirement(const cJSON *requirement, coco_error **err)
{
    static const struct shape shapes[] = {
        {"insecureAcceptAnything", {"type"}, NULL},
        {"reject", {"type"}, NULL},
        {"signedBy",
         {"type", "keyType", "keyPath", "keyPaths", "keyData", "signedIdentity"},
         check_signed_by},
        {"sigstoreSigned",
         {"type", "keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "pki",
          "rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas",
          "trustedRootPath", "trustedRootData", "timestampAuthorityPath", "timestampAuthorityData",
          "signedIdentity"},
         check_sigstore_signed},
        {"inTotoAttested",
         {"type", "predicateType", "builderId", "sourceURI", "keyPath", "keyPaths", "keyData",
          "keyDatas", "fulcio", "pki", "rekorPublicKeyPath", "rekorPublicKeyPaths",
          "rekorPublicKeyData", "rekorPublicKeyDatas", "trustedRootPath", "trustedRootData",
          "timestampAuthorityPath", "timestampAuthorityData"},
         check_in_toto_attested},
        {"notationSigned",
         {"type", "caPath", "caPaths", "caData", "caDatas", "signingAuthorityPath",
          "signingAuthorityPaths", "signingAuthorityData", "signingAuthorityDatas",
          "trustedIdentities", "timestampAuthorityPath", "timestampAuthorityData",
          "signatureVerification"},
         check_notation_signed},
        {0},
    };

    if (!cJSON_IsObject(requirement))
        return coco_fail(err, COCO_ERR_PROTO, "not an object");
    return check_shape(requirement, shapes, err);
}

static coco_status
check_requirements(const cJSON *list, coco_error **err)
{
    const cJSON *requirement = NULL;
    unsigned n = 0;

    if (!cJSON_IsArray(list) || !list->child)
        return coco_fail(err, COCO_ERR_PROTO, "not a list of requirements, or an empty one");
    cJSON_ArrayForEach(requirement, list) {
        coco_status status = check_requirement(requirement, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "requirement %u", n);
        n++;
    }
    return COCO_OK;
}

/* Transports whose images are files: scopes are paths (containers-policy.json(5), "dir:"). */
static bool
has_paths(const char *transport)
{
    static const char *const names[] = {"oci", "dir", "oci-archive"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(transport, names[i]) == 0)
            return true;
    return false;
}

static coco_status
check_scopes(const cJSON *transport, coco_error **err)
{
    const cJSON *scope = NULL;
    bool paths = has_paths(transport->string);
    bool only_default = strcmp(transport->string, "docker-archive") == 0;

    if (!cJSON_IsObject(transport))
        return coco_fail(err, COCO_ERR_PROTO, "transport '%.100s' is not an object",
                         transport->string);
    cJSON_ArrayForEach(scope, transport) {
        coco_status status = COCO_OK;
        if (paths && scope->string[0] && !coco_scope_is_path(scope->string))
            status = coco_fail(err, COCO_ERR_PROTO, "not an absolute path in its shortest form");
        if (only_default && scope->string[0])
            status = coco_fail(err, COCO_ERR_PROTO, "it has no scope but \"\"");
        if (status == COCO_OK)
            status = check_requirements(scope, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "transport '%.100s', scope '%.300s'", transport->string,
                             scope->string);
    }
    return COCO_OK;
}

static coco_status
check_policy(const cJSON *root, coco_error **err)
{
    static const char *const members[] = {"default", "transports", NULL};
    const cJSON *fallback = NULL;
    const cJSON *transports = NULL;
    const cJSON *transport = NULL;

    coco_status status = coco_json_check_members(root, members, err);
    if (status == COCO_OK)
        status = coco_json_get_any(root, "default", &fallback, err);
    if (status != COCO_OK)
        return status;
    status = check_requirements(fallback, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "default");

    if (!has(root, "transports"))
        return COCO_OK;
    status = coco_json_get_object(root, "transports", &transports, err);
    if (status != COCO_OK)
        return status;
    cJSON_ArrayForEach(transport, transports) {
        status = check_scopes(transport, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

coco_status
coco_policy_parse(const void *json, size_t len, struct coco_policy **ret, coco_error **err)
{
    _cleanup_json_ cJSON *root = NULL;

    coco_status status = coco_json_parse_object(json, len, &root, err);
    if (status == COCO_OK)
        status = check_policy(root, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "policy");

    struct coco_policy *policy = malloc(sizeof(*policy));
    if (!policy)
        return coco_fail_nomem(err);
    policy->root = coco_steal(&root);
    *ret = policy;
    return COCO_OK;
}

void
coco_policy_free(struct coco_policy *policy)
{
    if (!policy)
        return;
    coco_json_free(policy->root);
    free(policy);
}
