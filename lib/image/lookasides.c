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

static coco_status
check_place(const cJSON *place, coco_error **err)
{
    static const char *const members[] = {
        "lookaside",        "lookaside-staging",        "sigstore",
        "sigstore-staging", "use-sigstore-attachments", NULL,
    };
    const cJSON *member = NULL;

    if (!cJSON_IsObject(place))
        return coco_fail(err, COCO_ERR_PROTO, "not a mapping");
    coco_status status = coco_json_check_members(place, members, err);
    cJSON_ArrayForEach(member, place) {
        bool flag = strcmp(member->string, "use-sigstore-attachments") == 0;

        if (status == COCO_OK
            && (!cJSON_IsString(member)
                || (flag && strcmp(member->valuestring, "true") != 0
                    && strcmp(member->valuestring, "false") != 0)))
            status = coco_fail(err, COCO_ERR_PROTO, "'%s' is malformed", member->string);
    }
    return status;
}

static coco_status
add_place(cJSON *to, const char *name, const cJSON *place, coco_error **err)
{
    coco_status status = check_place(place, err);

    if (status == COCO_OK && cJSON_GetObjectItemCaseSensitive(to, name))
        status = coco_fail(err, COCO_ERR_PROTO, "it is said twice");
    if (status == COCO_OK)
        status = coco_json_add_copy(to, name, place, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "'%.300s'", name);
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
    if (status == COCO_OK && !lookasides->docker)
        status = coco_json_new_object(&lookasides->docker, err);
    if (status == COCO_OK && !lookasides->fallback)
        status = coco_json_new_object(&lookasides->fallback, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(root, "docker", &docker, err);
    cJSON_ArrayForEach(place, docker) {
        if (status == COCO_OK)
            status = add_place(lookasides->docker, place->string, place, err);
    }
    place = cJSON_GetObjectItemCaseSensitive(root, "default-docker");
    if (status == COCO_OK && place && !cJSON_IsNull(place))
        status = add_place(lookasides->fallback, "default-docker", place, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "registries.d");
}

void
coco_lookasides_done(struct coco_lookasides *lookasides)
{
    coco_json_free(lookasides->docker);
    coco_json_free(lookasides->fallback);
    *lookasides = (struct coco_lookasides){0};
}

static const char *
text_in(const cJSON *place, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(place, name));
}

/* The most specific scope that says it, for each may say something else. */
static const char *
say(const struct coco_lookasides *lookasides, const cJSON *place, const char *name)
{
    const cJSON *otherwise =
        cJSON_GetObjectItemCaseSensitive(lookasides->fallback, "default-docker");
    const char *text = text_in(place, name);

    return text || place ? text : text_in(otherwise, name);
}

/* The most specific scope for ref; NULL where there is none. */
static coco_status
find_place(const struct coco_lookasides *lookasides, const coco_image_ref *ref, const cJSON **ret,
           coco_error **err)
{
    const char *digest = coco_image_ref_digest(ref);
    const char *tag = coco_image_ref_tag(ref);
    struct coco_scope scope = {0};
    char name[512];
    char suffix[COCO_DIGEST_TEXT_SIZE + 1];

    (void)snprintf(name, sizeof(name), "%s/%s", coco_image_ref_registry(ref),
                   coco_image_ref_repository(ref));
    (void)snprintf(suffix, sizeof(suffix), "%c%s", digest ? '@' : ':', digest ? digest : tag);
    coco_status status = coco_scope_find(lookasides->docker, name, suffix, true, &scope, err);
    *ret = scope.requirements;
    coco_scope_done(&scope);
    return status;
}

/* What is said by the first of these names that says anything. */
static const char *
say_first(const struct coco_lookasides *lookasides, const cJSON *place, const char *const *names)
{
    const char *text = NULL;

    for (; !text && *names; names++)
        text = say(lookasides, place, *names);
    return text;
}

coco_status
coco_lookasides_find(const struct coco_lookasides *lookasides, const coco_image_ref *ref,
                     const char **url, bool *attachments, coco_error **err)
{
    static const char *const names[] = {"lookaside", "sigstore", NULL};
    const cJSON *place = NULL;

    *url = NULL;
    *attachments = true;
    if (!lookasides->docker || !coco_image_ref_registry(ref))
        return COCO_OK;
    coco_status status = find_place(lookasides, ref, &place, err);
    if (status != COCO_OK)
        return status;
    *url = say_first(lookasides, place, names);
    const char *attached = say(lookasides, place, "use-sigstore-attachments");
    *attachments = attached && strcmp(attached, "true") == 0;
    return COCO_OK;
}

coco_status
coco_lookasides_find_staging(const struct coco_lookasides *lookasides, const coco_image_ref *ref,
                             const char **url, coco_error **err)
{
    static const char *const names[] = {"lookaside-staging", "sigstore-staging", "lookaside",
                                        "sigstore", NULL};
    const cJSON *place = NULL;

    *url = NULL;
    if (!lookasides->docker || !coco_image_ref_registry(ref))
        return COCO_OK;
    coco_status status = find_place(lookasides, ref, &place, err);
    if (status == COCO_OK)
        *url = say_first(lookasides, place, names);
    return status;
}
