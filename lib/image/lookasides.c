/*
 * image/lookasides.c - where signatures are kept, as registries.d says it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/lookaside.h"

#include "base/fail.h"
#include "base/yaml.h"
#include "signature/scope.h"

#include <stdio.h>
#include <string.h>

/*
 * What a scope can say, and by which members: the first that is there counts. Each is looked for in
 * a scope of its own, as containers/image does it, for one scope may say this and another that
 * (docker/registries_d.go, signatureTopLevel() and useSigstoreAttachments()).
 */
enum said {
    SAID_READ,
    SAID_WRITE,
    SAID_ATTACHED,
};

static const char *const members_of[COCO_LOOKASIDES][5] = {
    [SAID_READ] = {"lookaside", "sigstore"},
    [SAID_WRITE] = {"lookaside-staging", "sigstore-staging", "lookaside", "sigstore"},
    [SAID_ATTACHED] = {"use-sigstore-attachments"},
};

static bool
is_one_of(const char *text, const char *const *list)
{
    while (*list && strcmp(text, *list) != 0)
        list++;
    return *list != NULL;
}

/* Booleans of YAML 1.1, all of which containers/image takes. */
static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "YES",
                                  "on",   "On",   "ON",   "y",   "Y",   NULL};
static const char *const no[] = {"false", "False", "FALSE", "no", "No", "NO",
                                 "off",   "Off",   "OFF",   "n",  "N",  NULL};

static coco_status
check_place(const cJSON *place, coco_error **err)
{
    static const char *const members[] = {
        "lookaside",        "lookaside-staging",        "sigstore",
        "sigstore-staging", "use-sigstore-attachments", NULL,
    };
    const cJSON *member = NULL;

    /* A scope with nothing below it, and a member with nothing behind it, say nothing. */
    if (cJSON_IsNull(place))
        return COCO_OK;
    if (!cJSON_IsObject(place))
        return coco_fail(err, COCO_ERR_PROTO, "not a mapping");
    coco_status status = coco_json_check_members(place, members, err);
    cJSON_ArrayForEach(member, place) {
        bool flag = strcmp(member->string, members_of[SAID_ATTACHED][0]) == 0;

        if (cJSON_IsNull(member))
            continue;
        if (status == COCO_OK && !cJSON_IsString(member))
            status = coco_fail(err, COCO_ERR_PROTO, "'%s' is no text", member->string);
        if (status == COCO_OK && flag && !is_one_of(member->valuestring, yes)
            && !is_one_of(member->valuestring, no))
            status =
                coco_fail(err, COCO_ERR_PROTO, "'%s' is neither true nor false", member->string);
    }
    return status;
}

static const char *
text_in(const cJSON *place, const char *const *names)
{
    const char *text = NULL;

    for (; (!text || !*text) && *names; names++)
        text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(place, *names));
    return text && *text ? text : NULL;
}

/* Under the name "" for "default-docker", which is no scope's. */
static coco_status
add_place(struct coco_lookasides *lookasides, const char *name, const cJSON *place,
          coco_error **err)
{
    coco_status status = check_place(place, err);

    if (status == COCO_OK && cJSON_GetObjectItemCaseSensitive(lookasides->seen, name))
        status = coco_fail(err, COCO_ERR_PROTO, "it is said twice");
    if (status == COCO_OK)
        status = coco_json_add_null(lookasides->seen, name, err);
    for (size_t i = 0; status == COCO_OK && i < COCO_LOOKASIDES; i++) {
        const char *text = text_in(place, members_of[i]);

        if (text)
            status = coco_json_add_string(lookasides->by_scope[i], name, text, err);
    }
    return status == COCO_OK ? COCO_OK
                             : coco_wrap(err, status, "'%.300s'", *name ? name : "default-docker");
}

static coco_status
begin(struct coco_lookasides *lookasides, coco_error **err)
{
    coco_status status = lookasides->seen ? COCO_OK : coco_json_new_object(&lookasides->seen, err);

    for (size_t i = 0; status == COCO_OK && i < COCO_LOOKASIDES; i++)
        if (!lookasides->by_scope[i])
            status = coco_json_new_object(&lookasides->by_scope[i], err);
    return status;
}

coco_status
coco_lookasides_add(struct coco_lookasides *lookasides, const void *yaml, size_t len,
                    coco_error **err)
{
    static const char *const members[] = {"docker", "default-docker", NULL};
    _cleanup_json_ cJSON *root = NULL;
    const cJSON *docker = NULL;
    const cJSON *place = NULL;

    coco_status status = coco_yaml_parse(yaml, len, &root, err);
    if (status == COCO_OK)
        status = coco_json_check_members(root, members, err);
    if (status == COCO_OK)
        status = begin(lookasides, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(root, "docker", &docker, err);
    cJSON_ArrayForEach(place, docker) {
        if (status == COCO_OK && !place->string[0])
            status = coco_fail(err, COCO_ERR_PROTO, "'docker' has a scope without a name");
        if (status == COCO_OK)
            status = add_place(lookasides, place->string, place, err);
    }
    place = cJSON_GetObjectItemCaseSensitive(root, "default-docker");
    if (status == COCO_OK && place && !cJSON_IsNull(place))
        status = add_place(lookasides, "", place, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "registries.d");
}

void
coco_lookasides_done(struct coco_lookasides *lookasides)
{
    coco_json_free(lookasides->seen);
    for (size_t i = 0; i < COCO_LOOKASIDES; i++)
        coco_json_free(lookasides->by_scope[i]);
    *lookasides = (struct coco_lookasides){0};
}

/* What the most specific scope that says it has for ref; NULL where none does. */
static coco_status
say(const struct coco_lookasides *lookasides, const coco_image_ref *ref, enum said what,
    const char **ret, coco_error **err)
{
    const cJSON *scopes = lookasides->by_scope[what];
    const char *digest = coco_image_ref_digest(ref);
    const char *tag = coco_image_ref_tag(ref);
    struct coco_scope scope = {0};
    char name[512];
    char suffix[COCO_DIGEST_TEXT_SIZE + 1];

    (void)snprintf(name, sizeof(name), "%s/%s", coco_image_ref_registry(ref),
                   coco_image_ref_repository(ref));
    (void)snprintf(suffix, sizeof(suffix), "%c%s", digest ? '@' : ':', digest ? digest : tag);
    coco_status status = coco_scope_find(scopes, name, suffix, true, &scope, err);
    if (status == COCO_OK)
        *ret = cJSON_GetStringValue(
            scope.requirements ? scope.requirements : cJSON_GetObjectItemCaseSensitive(scopes, ""));
    coco_scope_done(&scope);
    return status;
}

coco_status
coco_lookasides_find(const struct coco_lookasides *lookasides, const coco_image_ref *ref,
                     const char **url, bool *attachments, coco_error **err)
{
    const char *attached = NULL;

    *url = NULL;
    *attachments = true;
    if (!lookasides->seen || !coco_image_ref_registry(ref))
        return COCO_OK;
    coco_status status = say(lookasides, ref, SAID_READ, url, err);
    if (status == COCO_OK)
        status = say(lookasides, ref, SAID_ATTACHED, &attached, err);
    *attachments = attached && is_one_of(attached, yes);
    return status;
}

coco_status
coco_lookasides_find_staging(const struct coco_lookasides *lookasides, const coco_image_ref *ref,
                             const char **url, coco_error **err)
{
    *url = NULL;
    if (!lookasides->seen || !coco_image_ref_registry(ref))
        return COCO_OK;
    return say(lookasides, ref, SAID_WRITE, url, err);
}
