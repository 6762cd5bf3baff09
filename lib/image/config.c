/*
 * image/config.c - the configuration of an image
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/manifest.h"

#include "base/fail.h"
#include "image/platform.h"

#include <string.h>

/* What the config says, or NULL: crane writes "" of an image that was made from nothing. */
static coco_status
get_said(const cJSON *json, const char *name, const char **ret, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string_opt(json, name, &text, err);
    if (status == COCO_OK)
        *ret = text && *text ? text : NULL;
    return status;
}

static coco_status
check_platform(const cJSON *json, const struct coco_platform *platform, coco_error **err)
{
    const char *os = NULL;
    const char *architecture = NULL;
    const char *variant = NULL;

    coco_status status = get_said(json, "os", &os, err);
    if (status == COCO_OK)
        status = get_said(json, "architecture", &architecture, err);
    if (status == COCO_OK)
        status = get_said(json, "variant", &variant, err);
    if (status != COCO_OK)
        return status;
    if (os && strcmp(os, "linux") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "an image for the system '%.64s'", os);
    if (coco_platform_rank(platform, os ? os : platform->os,
                           architecture ? architecture : platform->architecture,
                           variant ? variant : "")
        == 0)
        return coco_fail(err, COCO_ERR_VERIFY, "the image is for %.64s%s%.64s, not for %s/%s%s%s",
                         architecture ? architecture : "any", variant ? "/" : "",
                         variant ? variant : "", platform->os, platform->architecture,
                         platform->variant[0] ? "/" : "", platform->variant);
    return COCO_OK;
}

static coco_status
parse_diff_ids(const cJSON *json, struct coco_image_config *config, coco_error **err)
{
    const cJSON *rootfs = NULL;
    const cJSON *list = NULL;
    const cJSON *item = NULL;
    const char *type = NULL;

    coco_status status = coco_json_get_object(json, "rootfs", &rootfs, err);
    if (status == COCO_OK)
        status = coco_json_get_string(rootfs, "type", &type, err);
    if (status == COCO_OK && strcmp(type, "layers") != 0)
        status = coco_fail(err, COCO_ERR_PROTO, "a rootfs of type '%.64s'", type);
    if (status == COCO_OK)
        status = coco_json_get_list(rootfs, "diff_ids", &list, err);
    if (status != COCO_OK)
        return status;

    config->diff_ids = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof(*config->diff_ids));
    if (!config->diff_ids)
        return coco_fail_nomem(err);
    cJSON_ArrayForEach(item, list) {
        if (!cJSON_IsString(item))
            return coco_fail(err, COCO_ERR_PROTO, "diff_id %zu is not a string",
                             config->n_diff_ids);
        status = coco_digest_parse(item->valuestring, &config->diff_ids[config->n_diff_ids], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "diff_id %zu", config->n_diff_ids);
        config->n_diff_ids++;
    }
    return COCO_OK;
}

coco_status
coco_image_config_parse(const void *data, size_t len, const struct coco_platform *platform,
                        struct coco_image_config *ret, coco_error **err)
{
    _cleanup_image_config_ struct coco_image_config config = {0};

    coco_status status = coco_json_parse_object(data, len, &config.json, err);
    if (status == COCO_OK)
        status = platform ? check_platform(config.json, platform, err) : COCO_OK;
    if (status == COCO_OK)
        status = parse_diff_ids(config.json, &config, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(config.json, "config", &config.config, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "image config");
    *ret = config;
    config = (struct coco_image_config){0};
    return COCO_OK;
}

coco_status
coco_image_config_fits(const struct coco_image_config *config, size_t n_layers, coco_error **err)
{
    if (config->n_diff_ids == n_layers)
        return COCO_OK;
    return coco_fail(err, COCO_ERR_PROTO, "%zu layers, but %zu diff_ids", n_layers,
                     config->n_diff_ids);
}

void
coco_image_config_done(struct coco_image_config *config)
{
    coco_json_free(config->json);
    free(config->diff_ids);
    *config = (struct coco_image_config){0};
}
