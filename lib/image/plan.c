/*
 * image/plan.c - what a pull would take
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/chain.h"
#include "image/client.h"
#include "image/pipeline.h"
#include "image/unpack.h"

#include "base/bytes.h"
#include "base/context.h"
#include "base/fail.h"

#include <inttypes.h>
#include <stdio.h>

#define TEXT_MAX ((size_t)16 << 20)

struct plan {
    const coco_image_client *client;
    coco_ctx *ctx;
    coco_image_options limits;
    struct coco_source source;
    struct coco_resolved found;
    struct coco_image_config config;
    struct coco_digest *chains; /* of the layers, if there are any */
    uint64_t fetch, content, unknown, window;
};

/* What is known of one layer. */
struct outlook {
    bool here;
    bool content_known, window_known;
    uint64_t content, window;
};

static void
plan_done(struct plan *plan)
{
    free(plan->chains);
    coco_image_config_done(&plan->config);
    coco_resolved_done(&plan->found);
    coco_source_done(&plan->source);
}

static coco_status
open_plan(struct plan *plan, const coco_image_ref *ref, coco_error **err)
{
    const struct coco_platform *platform = &plan->client->platform;
    size_t n = 0;

    coco_status status = coco_client_source(plan->client, &plan->limits, ref, &plan->source, err);
    if (status == COCO_OK)
        status = coco_source_resolve(&plan->source, plan->ctx, ref, platform,
                                     plan->limits.max_layers, &plan->found, err);
    if (status == COCO_OK)
        status = coco_source_config(&plan->source, plan->ctx, &plan->found.manifest, platform,
                                    &plan->config, err);
    if (status == COCO_OK)
        status = coco_image_config_fits(&plan->config, plan->found.manifest.n_layers, err);
    if (status != COCO_OK)
        return status;
    n = plan->found.manifest.n_layers;
    plan->chains = calloc(n + 1, sizeof(*plan->chains));
    if (!plan->chains)
        return coco_fail_nomem(err);
    return coco_chain_ids(plan->config.diff_ids, n, plan->chains, err);
}

static coco_status
look_into_store(const struct plan *plan, size_t i, struct outlook *ret, coco_error **err)
{
    _cleanup_tree_ struct coco_tree tree = COCO_TREE_NONE;
    char name[COCO_STORE_NAME_SIZE];

    if (!plan->client->store)
        return COCO_OK;
    coco_store_name(&plan->chains[i], name);
    if (!coco_store_has(plan->client->store->trees, name))
        return COCO_OK;
    coco_status status = coco_store_open_tree(plan->client->store, &plan->chains[i], &tree, err);
    if (status == COCO_OK)
        *ret = (struct outlook){.here = true, .content_known = true, .content = tree.content};
    return status;
}

/* Where parts cannot be had, or are none, nothing is known: that is no reason to fail. */
static coco_status
look_at_ends(const struct plan *plan, const struct coco_descriptor *layer,
             enum coco_compression compression, struct outlook *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf ends = {.limit = COCO_INFLATE_HEAD + COCO_INFLATE_TAIL};
    const struct coco_source *source = &plan->source;
    struct coco_inflate_guess guess;
    coco_error *cause = NULL;

    if (!source->part || layer->size < COCO_INFLATE_HEAD)
        return COCO_OK;
    coco_status status =
        source->part(source->self, plan->ctx, layer, 0, COCO_INFLATE_HEAD, &ends, &cause);
    if (status == COCO_OK)
        status = source->part(source->self, plan->ctx, layer, layer->size - COCO_INFLATE_TAIL,
                              COCO_INFLATE_TAIL, &ends, &cause);
    if (status == COCO_ERR_NOTSUP && coco_error_status(cause) != COCO_ERR_NOMEM) {
        coco_error_free(cause);
        return COCO_OK;
    }
    coco_error_give(err, cause);
    if (status != COCO_OK)
        return status;
    coco_inflate_guess(compression, ends.data, ends.data + COCO_INFLATE_HEAD, &guess);
    ret->content_known = guess.known;
    ret->content = guess.content;
    ret->window_known = guess.window > 0;
    ret->window = guess.window;
    return COCO_OK;
}

static coco_status
look_at(const struct plan *plan, size_t i, struct outlook *ret, coco_error **err)
{
    const struct coco_descriptor *layer = &plan->found.manifest.layers[i];
    enum coco_compression compression;
    bool encrypted;

    *ret = (struct outlook){0};
    coco_status status = coco_ctx_check(plan->ctx, err);
    if (status == COCO_OK)
        status = look_into_store(plan, i, ret, err);
    if (status == COCO_OK)
        status = coco_layer_media_type(layer->media_type, &compression, &encrypted, err);
    if (status != COCO_OK || ret->here || encrypted)
        return status;
    if (compression != COCO_UNCOMPRESSED)
        return look_at_ends(plan, layer, compression, ret, err);
    ret->content_known = ret->window_known = true;
    ret->content = layer->size;
    return COCO_OK;
}

static coco_status
add_number(cJSON *to, const char *name, bool known, uint64_t value, coco_error **err)
{
    return known ? coco_json_add_u64(to, name, value, err) : coco_json_add_null(to, name, err);
}

/* Sizes are what somebody says they are. */
static uint64_t
sum(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

static coco_status
add_layer(struct plan *plan, size_t i, cJSON *layers, coco_error **err)
{
    const struct coco_descriptor *layer = &plan->found.manifest.layers[i];
    struct outlook outlook;
    cJSON *json = NULL;

    coco_status status = look_at(plan, i, &outlook, err);
    if (status == COCO_OK)
        status = coco_descriptor_add(layers, NULL, layer->media_type, &layer->digest, layer->size,
                                     &json, err);
    if (status == COCO_OK)
        status = coco_json_add_bool(json, "encrypted", coco_media_type_encrypted(layer->media_type),
                                    err);
    if (status == COCO_OK)
        status = coco_json_add_bool(json, "here", outlook.here, err);
    if (status == COCO_OK)
        status = add_number(json, "content", outlook.content_known, outlook.content, err);
    if (status == COCO_OK)
        status = add_number(json, "window", outlook.window_known, outlook.window, err);
    plan->fetch = sum(plan->fetch, outlook.here ? 0 : layer->size);
    plan->content = sum(plan->content, outlook.content);
    plan->unknown += outlook.content_known ? 0 : 1;
    plan->window = outlook.window > plan->window ? outlook.window : plan->window;
    return status;
}

static coco_status
add_limits(const struct plan *plan, uint64_t memory, cJSON *json, coco_error **err)
{
    const coco_image_options *limits = &plan->limits;
    char why[160];

    if (plan->fetch > limits->max_bytes)
        (void)snprintf(why, sizeof(why), "layers of %" PRIu64 " bytes, and max_bytes is %" PRIu64,
                       plan->fetch, limits->max_bytes);
    else if (plan->content > limits->max_content)
        (void)snprintf(why, sizeof(why), "files of %" PRIu64 " bytes, and max_content is %" PRIu64,
                       plan->content, limits->max_content);
    else if (memory > limits->max_memory)
        (void)snprintf(why, sizeof(why), "it takes a max_memory of %" PRIu64, memory);
    else
        return coco_json_add_null(json, "limits", err);
    return coco_json_add_string(json, "limits", why, err);
}

static coco_status
describe(struct plan *plan, const coco_image_ref *ref, cJSON *json, coco_error **err)
{
    char digest[COCO_DIGEST_TEXT_SIZE];
    cJSON *layers = NULL;

    coco_digest_format(&plan->found.digest, digest);
    coco_status status = coco_json_add_string(json, "reference", coco_image_ref_text(ref), err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "digest", digest, err);
    if (status == COCO_OK)
        status = coco_json_add_array(json, "layers", &layers, err);
    for (size_t i = 0; status == COCO_OK && i < plan->found.manifest.n_layers; i++) {
        status = add_layer(plan, i, layers, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
    }
    uint64_t memory = coco_pipeline_memory(plan->window);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "fetch", plan->fetch, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "content", plan->content, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "content_unknown", plan->unknown, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "memory", memory, err);
    return status == COCO_OK ? add_limits(plan, memory, json, err) : status;
}

coco_status
coco_image_plan(coco_image_client *client, coco_ctx *ctx, const coco_image_ref *ref,
                const coco_image_options *opts, coco_bytes **ret, coco_error **err)
{
    _cleanup_(plan_done) struct plan plan = {.client = client, .ctx = ctx};
    _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};
    _cleanup_json_ cJSON *json = NULL;

    coco_status status = coco_image_options_set(&plan.limits, opts,
                                                COCO_IMAGE_IGNORE_CHOWN | COCO_IMAGE_OVERLAY, err);
    if (status == COCO_OK)
        status = open_plan(&plan, ref, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&json, err);
    if (status == COCO_OK)
        status = describe(&plan, ref, json, err);
    if (status == COCO_OK)
        status = coco_json_write(json, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = coco_bytes_take(&text, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%.300s", coco_image_ref_text(ref));
}
