/*
 * image/registries.c - where images are got from instead (containers-registries.conf(5))
 *
 * Other than elsewhere, "insecure" means no TLS at all: TLS that nobody verifies keeps
 * out those only who do not try. A prefix that ends in a host's name does not mean the
 * same host at another port.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/registries.h"

#include "base/fail.h"
#include "base/toml.h"

#include <stdio.h>
#include <string.h>

#define DOCKER "docker://"
#define NAME_MAX_LEN ((size_t)512)

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

static const char *const top_keys[] = {
    "registry", "unqualified-search-registries", "short-name-mode", "aliases", "credential-helpers",
    NULL,
};
static const char *const registry_keys[] = {
    "prefix", "location", "insecure", "blocked", "mirror-by-digest-only", "mirror", NULL,
};
static const char *const mirror_keys[] = {"location", "insecure", "pull-from-mirror", NULL};

/* The text of a member that was checked; "" if there is none. */
static const char *
text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text ? text : "";
}

static bool
is_on(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static bool
is_wildcard(const char *prefix)
{
    return strncmp(prefix, "*.", 2) == 0;
}

/* What names of images may start with: what a name with something behind it would be. */
static coco_status
check_name(const char *name, coco_error **err)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    char text[NAME_MAX_LEN];
    const char *slash = strchr(name, '/');
    bool is_whole = slash && strpbrk(slash, ":@");

    int n = snprintf(text, sizeof(text), DOCKER "%s%s", name, is_whole ? "" : "/x");
    coco_status status = n > 0 && (size_t)n < sizeof(text)
                             ? coco_image_ref_parse(text, &ref, err)
                             : coco_fail(err, COCO_ERR_PROTO, "too long");
    if (status == COCO_ERR_NOMEM)
        return status;
    if (status == COCO_OK && !coco_image_ref_is_short(ref))
        return COCO_OK;
    if (err && status != COCO_OK) {
        coco_error_free(*err);
        *err = NULL;
    }
    return coco_fail(err, COCO_ERR_PROTO, "'%.200s' is not host[:port][/name]", name);
}

static coco_status
check_prefix(const char *prefix, coco_error **err)
{
    if (!is_wildcard(prefix))
        return check_name(prefix, err);
    if (strpbrk(prefix, "/:@") || strchr(prefix + 1, '*'))
        return coco_fail(err, COCO_ERR_PROTO, "'%.200s' is not *.host", prefix);
    return check_name(prefix + strlen("*."), err);
}

static coco_status
check_mirror(const cJSON *mirror, bool digest_only, coco_error **err)
{
    static const char *const uses[] = {"all", "digest-only", "tag-only"};
    const char *location = NULL;
    const char *use = NULL;
    bool insecure = false;
    bool known = false;

    if (!cJSON_IsObject(mirror))
        return coco_fail(err, COCO_ERR_PROTO, "not a table");
    coco_status status = coco_json_check_members(mirror, mirror_keys, err);
    if (status == COCO_OK)
        status = coco_json_get_string(mirror, "location", &location, err);
    if (status == COCO_OK)
        status = check_name(location, err);
    if (status == COCO_OK)
        status = coco_json_get_bool_opt(mirror, "insecure", false, &insecure, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(mirror, "pull-from-mirror", &use, err);
    if (status != COCO_OK || !use)
        return status;
    for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
        known = known || strcmp(use, uses[i]) == 0;
    if (!known)
        return coco_fail(err, COCO_ERR_PROTO,
                         "pull-from-mirror is all, digest-only or tag-only, not '%.50s'", use);
    if (digest_only)
        return coco_fail(err, COCO_ERR_PROTO,
                         "pull-from-mirror and the registry's mirror-by-digest-only");
    return COCO_OK;
}

static coco_status
check_mirrors(const cJSON *registry, coco_error **err)
{
    const cJSON *mirrors = NULL;
    const cJSON *mirror = NULL;
    bool digest_only = false;
    int i = 0;

    coco_status status =
        coco_json_get_bool_opt(registry, "mirror-by-digest-only", false, &digest_only, err);
    if (status == COCO_OK)
        status = coco_json_get_array_opt(registry, "mirror", &mirrors, err);
    if (status != COCO_OK)
        return status;
    if (cJSON_GetArraySize(mirrors) > COCO_MIRRORS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d mirrors", COCO_MIRRORS_MAX);
    cJSON_ArrayForEach(mirror, mirrors) {
        status = check_mirror(mirror, digest_only, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "mirror %d", i + 1);
        i++;
    }
    return COCO_OK;
}

/* The prefix of a [[registry]], which is its location when it has none. */
static const char *
prefix_of(const cJSON *registry)
{
    const char *prefix = text_of(registry, "prefix");

    return *prefix ? prefix : text_of(registry, "location");
}

static coco_status
check_registry(const cJSON *registry, coco_error **err)
{
    const char *prefix = NULL;
    const char *location = NULL;
    bool flag = false;

    if (!cJSON_IsObject(registry))
        return coco_fail(err, COCO_ERR_PROTO, "not a table");
    coco_status status = coco_json_check_members(registry, registry_keys, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(registry, "prefix", &prefix, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(registry, "location", &location, err);
    if (status == COCO_OK)
        status = coco_json_get_bool_opt(registry, "insecure", false, &flag, err);
    if (status == COCO_OK)
        status = coco_json_get_bool_opt(registry, "blocked", false, &flag, err);
    if (status == COCO_OK && (!prefix || !*prefix) && (!location || !*location))
        status = coco_fail(err, COCO_ERR_PROTO, "neither prefix nor location");
    if (status == COCO_OK)
        status = check_prefix(prefix_of(registry), err);
    if (status == COCO_OK && location && *location)
        status = check_name(location, err);
    if (status == COCO_OK)
        status = check_mirrors(registry, err);
    return status;
}

static coco_status
check_registry_list(const cJSON *json, coco_error **err)
{
    const cJSON *list = NULL;
    const cJSON *registry = NULL;
    const cJSON *other = NULL;
    int i = 0;

    coco_status status = coco_json_get_array_opt(json, "registry", &list, err);
    if (status != COCO_OK)
        return status;
    cJSON_ArrayForEach(registry, list) {
        status = check_registry(registry, err);
        cJSON_ArrayForEach(other, list) {
            if (other == registry || status != COCO_OK)
                break;
            if (strcmp(prefix_of(other), prefix_of(registry)) == 0)
                status = coco_fail(err, COCO_ERR_PROTO, "prefix '%.200s' twice", prefix_of(other));
        }
        if (status != COCO_OK)
            return coco_wrap(err, status, "registry %d", i + 1);
        i++;
    }
    return COCO_OK;
}

static coco_status
check_short_names(const cJSON *json, coco_error **err)
{
    const cJSON *search = NULL;
    const cJSON *aliases = NULL;
    const cJSON *item = NULL;
    const char *mode = NULL;

    coco_status status =
        coco_json_get_array_opt(json, "unqualified-search-registries", &search, err);
    cJSON_ArrayForEach(item, search) {
        const char *name = cJSON_GetStringValue(item);

        if (status == COCO_OK)
            status = name ? check_name(name, err)
                          : coco_fail(err, COCO_ERR_PROTO, "what is not a string");
    }
    if (status != COCO_OK)
        return coco_wrap(err, status, "unqualified-search-registries");
    status = coco_json_get_string_opt(json, "short-name-mode", &mode, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(json, "aliases", &aliases, err);
    cJSON_ArrayForEach(item, aliases) {
        const char *name = cJSON_GetStringValue(item);

        if (status != COCO_OK)
            break;
        status = name ? check_name(name, err) : coco_fail(err, COCO_ERR_PROTO, "not a string");
        if (status != COCO_OK)
            return coco_wrap(err, status, "aliases: '%.100s'", item->string);
    }
    return status;
}

static coco_status
check(const cJSON *json, coco_error **err)
{
    const cJSON *helpers = NULL;
    const cJSON *item = NULL;

    if (cJSON_GetObjectItemCaseSensitive(json, "registries"))
        return coco_fail(err, COCO_ERR_NOTSUP, "it is of version 1, with [registries.…]");
    coco_status status = coco_json_check_members(json, top_keys, err);
    if (status == COCO_OK)
        status = coco_json_get_array_opt(json, "credential-helpers", &helpers, err);
    cJSON_ArrayForEach(item, helpers) {
        const char *name = cJSON_GetStringValue(item);

        if (!name || strcmp(name, "containers-auth.json") != 0)
            return coco_fail(err, COCO_ERR_NOTSUP,
                             "credential-helpers: name helpers in auth.json instead");
    }
    if (status == COCO_OK)
        status = check_short_names(json, err);
    if (status == COCO_OK)
        status = check_registry_list(json, err);
    return status;
}

coco_status
coco_registries_parse(const void *toml, size_t len, struct coco_registries *ret, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;

    coco_status status = coco_toml_parse(toml, len, &json, err);
    if (status == COCO_OK)
        status = check(json, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "registries.conf");
    ret->json = coco_steal(&json);
    return COCO_OK;
}

void
coco_registries_done(struct coco_registries *registries)
{
    coco_json_free(registries->json);
    *registries = (struct coco_registries){0};
}

void
coco_places_done(struct coco_places *places)
{
    for (size_t i = 0; i < places->n; i++)
        coco_image_ref_free(places->list[i].ref);
    *places = (struct coco_places){0};
}

/* How much of the image's full text the prefix is, at a boundary; 0 if it is not its prefix. */
static size_t
match(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);

    if (is_wildcard(prefix)) {
        size_t host_len = strcspn(text, "/");
        size_t name_len = strcspn(text, ":/");
        const char *suffix = prefix + 1;

        return name_len >= len && strncmp(text + name_len - (len - 1), suffix, len - 1) == 0
                   ? host_len
                   : 0;
    }
    if (strncmp(text, prefix, len) != 0)
        return 0;
    if (text[len] == '\0' || text[len] == '/')
        return len;
    return strchr(prefix, '/') && (text[len] == ':' || text[len] == '@') ? len : 0;
}

/* The [[registry]] with the longest prefix of text, or NULL; *matched gets how much it is. */
static const cJSON *
find(const struct coco_registries *registries, const char *text, size_t *matched)
{
    const cJSON *registry = NULL;
    const cJSON *best = NULL;
    size_t best_len = 0;

    *matched = 0;
    cJSON_ArrayForEach(registry, cJSON_GetObjectItemCaseSensitive(registries->json, "registry")) {
        const char *prefix = prefix_of(registry);
        size_t n = match(text, prefix);
        size_t len = strlen(prefix);

        /* "x.a.test" goes before "*.a.test". */
        if (n == 0 || len < best_len || (len == best_len && is_wildcard(prefix)))
            continue;
        best = registry;
        best_len = len;
        *matched = n;
    }
    return best;
}

/* Adds location in the place of the matched part of text; "" keeps that. */
static coco_status
add_place(struct coco_places *places, const char *location, const char *text, size_t matched,
          bool insecure, coco_error **err)
{
    _cleanup_free_ char *full = NULL;
    struct coco_place *place = &places->list[places->n];

    if (asprintf(&full, DOCKER "%s%s", location, text + (*location ? matched : 0)) < 0) {
        full = NULL;
        return coco_fail_nomem(err);
    }
    coco_status status = coco_image_ref_parse(full, &place->ref, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "registries.conf: location '%.200s'", location);
    place->insecure = insecure;
    places->n++;
    return COCO_OK;
}

static bool
is_used(const cJSON *registry, const cJSON *mirror, bool has_digest)
{
    const char *use = text_of(mirror, "pull-from-mirror");

    if (is_on(registry, "mirror-by-digest-only") || strcmp(use, "digest-only") == 0)
        return has_digest;
    return strcmp(use, "tag-only") != 0 || !has_digest;
}

static coco_status
fail_short(const coco_image_ref *ref, const char *elsewhere, coco_error **err)
{
    return coco_fail(err, COCO_ERR_INVALID,
                     "a short name would mean %.300s, but registries.conf looks for it in %.300s: "
                     "spell its registry out",
                     coco_image_ref_text(ref), elsewhere);
}

/* A short name is good if the file looks for it where the reference does, and nowhere else. */
static coco_status
check_short(const struct coco_registries *registries, const coco_image_ref *ref, coco_error **err)
{
    const cJSON *search =
        cJSON_GetObjectItemCaseSensitive(registries->json, "unqualified-search-registries");
    const cJSON *aliases = cJSON_GetObjectItemCaseSensitive(registries->json, "aliases");
    const char *name = coco_image_ref_repository(ref);
    _cleanup_buf_ struct coco_buf seen = {.limit = NAME_MAX_LEN};
    const cJSON *item = NULL;
    bool same = true;

    if (!coco_image_ref_is_short(ref))
        return COCO_OK;
    if (strncmp(name, "library/", strlen("library/")) == 0)
        name += strlen("library/");
    item = cJSON_GetObjectItemCaseSensitive(aliases, name);
    if (item)
        return fail_short(ref, item->valuestring, err);
    if (!search)
        return COCO_OK;
    cJSON_ArrayForEach(item, search) {
        same = same && strcmp(item->valuestring, "docker.io") == 0;
        /* For a message: what no longer fits is left out. */
        if (coco_buf_printf(&seen, NULL, "%s%s", seen.len ? ", " : "", item->valuestring)
            == COCO_ERR_NOMEM)
            return coco_fail_nomem(err);
    }
    if (same && seen.len > 0)
        return COCO_OK;
    return fail_short(ref, seen.len ? coco_buf_text(&seen) : "no registry", err);
}

/* The image's text without transport, what it falls under, and whether that is allowed. */
static coco_status
judge(const struct coco_registries *registries, const coco_image_ref *ref, char **text,
      const cJSON **registry, size_t *matched, coco_error **err)
{
    const char *full = coco_image_ref_text(ref);

    coco_status status = check_short(registries, ref, err);
    if (status != COCO_OK)
        return status;
    if (strncmp(full, DOCKER, strlen(DOCKER)) == 0)
        full += strlen(DOCKER);
    *text = strdup(full);
    if (!*text)
        return coco_fail_nomem(err);
    *registry = find(registries, *text, matched);
    if (*registry && is_on(*registry, "blocked"))
        return coco_fail(err, COCO_ERR_DENIED, "registries.conf blocks '%.200s'",
                         prefix_of(*registry));
    return COCO_OK;
}

coco_status
coco_registries_find(const struct coco_registries *registries, const coco_image_ref *ref,
                     struct coco_places *ret, coco_error **err)
{
    _cleanup_places_ struct coco_places places = {0};
    _cleanup_free_ char *text = NULL;
    const cJSON *registry = NULL;
    const cJSON *mirror = NULL;
    size_t matched = 0;

    coco_status status = judge(registries, ref, &text, &registry, &matched, err);
    if (status != COCO_OK)
        return status;
    cJSON_ArrayForEach(mirror, cJSON_GetObjectItemCaseSensitive(registry, "mirror"))
        if (status == COCO_OK && is_used(registry, mirror, coco_image_ref_digest(ref)))
            status = add_place(&places, text_of(mirror, "location"), text, matched,
                               is_on(mirror, "insecure"), err);
    if (status == COCO_OK)
        status = add_place(&places, text_of(registry, "location"), text, matched,
                           is_on(registry, "insecure"), err);
    if (status != COCO_OK)
        return status;
    *ret = places;
    places = (struct coco_places){0};
    return COCO_OK;
}

coco_status
coco_places_add_cache(struct coco_places *places, const coco_image_ref *ref,
                      const struct coco_address *cache, coco_error **err)
{
    coco_image_ref *copy = NULL;

    coco_status status = coco_image_ref_parse(coco_image_ref_text(ref), &copy, err);
    if (status != COCO_OK)
        return status;
    memmove(&places->list[1], &places->list[0], places->n * sizeof(places->list[0]));
    places->list[0] = (struct coco_place){.ref = copy, .cache = cache};
    places->n++;
    return COCO_OK;
}

coco_status
coco_registries_find_own(const struct coco_registries *registries, const coco_image_ref *ref,
                         bool *insecure, coco_error **err)
{
    _cleanup_free_ char *text = NULL;
    const cJSON *registry = NULL;
    size_t matched = 0;

    coco_status status = judge(registries, ref, &text, &registry, &matched, err);
    if (status == COCO_OK)
        *insecure = is_on(registry, "insecure");
    return status;
}
