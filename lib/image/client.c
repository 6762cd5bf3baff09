/*
 * image/client.c - how images are reached and opened
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/client.h"

#include "base/fail.h"
#include "base/options.h"
#include "base/resource.h"
#include "image/dir.h"
#include "image/docker_archive.h"
#include "image/helper.h"
#include "image/keys.h"
#include "image/layout.h"
#include "image/mirrors.h"
#include "image/oci_archive.h"
#include "image/pipeline.h"
#include "image/ref.h"
#include "image/registry.h"
#include "image/signatures.h"

#include <string.h>

#define DEFAULT_BYTES ((uint64_t)16 << 30)
#define DEFAULT_CONTENT ((uint64_t)64 << 30)
#define DEFAULT_ENTRIES ((uint64_t)4 << 20)
#define DEFAULT_LAYERS 128
#define DEFAULT_RATIO 1100
#define DEFAULT_STALL_S 60
#define DEFAULT_MEMORY ((uint64_t)16 << 20)

coco_status
coco_image_client_new(coco_image_client **ret, coco_error **err)
{
    coco_image_client *client = calloc(1, sizeof(*client));

    if (!client)
        return coco_fail_nomem(err);
    client->tls_ca.limit = COCO_PEER_PEM_MAX;
    client->auth.resource = &client->auth_resource;
    coco_platform_host(&client->platform);
    *ret = client;
    return COCO_OK;
}

void
coco_image_client_free(coco_image_client *client)
{
    if (!client)
        return;
    coco_buf_done(&client->tls_ca);
    coco_certs_done(&client->certs);
    coco_proxies_done(&client->proxies);
    coco_auth_done(&client->auth);
    coco_auth_resource_done(&client->auth_resource);
    free(client->helpers);
    coco_registries_done(&client->registries);
    coco_policy_free(client->policy);
    coco_lookasides_done(&client->lookasides);
    coco_client_keys_done(client);
    free(client);
}

void
coco_image_client_set_plain_http(coco_image_client *client, bool on)
{
    client->plain_http = on;
}

coco_status
coco_image_client_set_tls_ca(coco_image_client *client, const uint8_t *pem, size_t len,
                             coco_error **err)
{
    _cleanup_(coco_certificates_freep) STACK_OF(X509) *certs = NULL;
    struct coco_buf copy = {.limit = COCO_PEER_PEM_MAX};

    /* What cannot be used is told now, not when an image is pulled. */
    coco_status status = coco_certificates_parse(pem, len, &certs, err);
    if (status == COCO_OK)
        status = coco_buf_append(&copy, pem, len, err);
    if (status != COCO_OK)
        return status;
    coco_buf_done(&client->tls_ca);
    client->tls_ca = copy;
    return COCO_OK;
}

coco_status
coco_image_client_set_certs_dir(coco_image_client *client, const char *dir, coco_error **err)
{
    return coco_certs_set_dir(&client->certs, dir, err);
}

coco_status
coco_image_client_add_certs_tree(coco_image_client *client, const char *dir, coco_error **err)
{
    return coco_certs_add_tree(&client->certs, dir, err);
}

coco_status
coco_image_client_set_proxy(coco_image_client *client, const char *url, const char *no_proxy,
                            coco_error **err)
{
    coco_status status = coco_proxies_choose(url, no_proxy, &client->proxies, err);
    if (status == COCO_OK)
        client->has_proxies = true;
    return status;
}

coco_status
coco_image_client_set_cache(coco_image_client *client, const char *address, coco_error **err)
{
    struct coco_address cache;

    coco_status status = coco_address_parse(address, &cache, err);
    if (status != COCO_OK)
        return status;
    if (!coco_address_is_one(&cache))
        return coco_fail(err, COCO_ERR_INVALID, "'%.120s' is not the address of one server",
                         address);
    client->cache = cache;
    client->has_cache = true;
    return COCO_OK;
}

coco_status
coco_image_client_set_auth(coco_image_client *client, const uint8_t *json, size_t len,
                           coco_error **err)
{
    struct coco_auth auth = {.helpers = client->helpers, .resource = &client->auth_resource};

    coco_status status = coco_auth_add(&auth, json, len, err);
    if (status != COCO_OK)
        return status;
    coco_auth_done(&client->auth);
    client->auth = auth;
    return COCO_OK;
}

coco_status
coco_image_client_add_auth(coco_image_client *client, const uint8_t *json, size_t len,
                           coco_error **err)
{
    return coco_auth_add(&client->auth, json, len, err);
}

coco_status
coco_image_client_set_auth_resource(coco_image_client *client, const char *uri, coco_error **err)
{
    return coco_auth_resource_set(&client->auth_resource, uri, &client->kbc, err);
}

coco_status
coco_image_client_set_helpers(coco_image_client *client, const char *path, coco_error **err)
{
    coco_status status = path ? coco_helper_check_path(path, err) : COCO_OK;
    if (status != COCO_OK)
        return status;
    char *copy = path ? strdup(path) : NULL;
    if (path && !copy)
        return coco_fail_nomem(err);
    free(client->helpers);
    client->helpers = copy;
    client->auth.helpers = copy;
    return COCO_OK;
}

coco_status
coco_image_client_set_registries(coco_image_client *client, const uint8_t *toml, size_t len,
                                 coco_error **err)
{
    struct coco_registries registries = {0};

    coco_status status = coco_registries_parse(toml, len, &registries, err);
    if (status != COCO_OK)
        return status;
    coco_registries_done(&client->registries);
    client->registries = registries;
    return COCO_OK;
}

coco_status
coco_image_client_set_policy(coco_image_client *client, const uint8_t *json, size_t len,
                             coco_error **err)
{
    _cleanup_(coco_policy_freep) struct coco_policy *policy = NULL;

    coco_status status = coco_policy_parse(json, len, &policy, err);
    if (status == COCO_OK)
        status = coco_policy_check_names(policy, coco_signatures_read_name, err);
    if (status != COCO_OK)
        return status;
    coco_policy_free(client->policy);
    client->policy = coco_steal(&policy);
    return COCO_OK;
}

coco_status
coco_image_client_add_lookaside(coco_image_client *client, const uint8_t *yaml, size_t len,
                                coco_error **err)
{
    return coco_lookasides_add(&client->lookasides, yaml, len, err);
}

coco_status
coco_image_client_set_platform(coco_image_client *client, const char *platform, coco_error **err)
{
    return coco_platform_parse(platform, &client->platform, err);
}

void
coco_image_client_set_kbc(coco_image_client *client, coco_kbc *kbc)
{
    client->kbc = kbc;
}

coco_status
coco_image_client_set_kek_prefix(coco_image_client *client, const char *prefix, coco_error **err)
{
    return coco_resource_prefix_parse(prefix, &client->kek_prefix, err);
}

void
coco_image_client_set_require_encryption(coco_image_client *client, bool on)
{
    client->require_encryption = on;
}

void
coco_image_client_set_store(coco_image_client *client, coco_store *store)
{
    client->store = store;
}

static struct coco_registry_options
registry_options(const coco_image_client *client, const coco_image_options *opts)
{
    return (struct coco_registry_options){
        .plain_http = client->plain_http,
        .tls_ca = client->tls_ca.data,
        .tls_ca_len = client->tls_ca.len,
        .certs = &client->certs,
        .proxies = client->has_proxies ? &client->proxies : NULL,
        .auth = &client->auth,
        .stall_timeout = opts->stall_seconds,
        .retry = {.retries = opts->retries},
    };
}

/* Images on this machine, for which no setting of a client counts; of a registry, nothing. */
static const struct local {
    coco_status (*source)(const coco_image_ref *ref, struct coco_source *ret, coco_error **err);
    coco_status (*destination)(coco_ctx *ctx, const coco_image_ref *ref,
                               struct coco_destination *ret, coco_error **err);
} locals[] = {
    [COCO_TRANSPORT_DOCKER] = {NULL, NULL},
    [COCO_TRANSPORT_OCI] = {coco_layout_source, coco_layout_destination},
    [COCO_TRANSPORT_DIR] = {coco_dir_source, coco_dir_destination},
    [COCO_TRANSPORT_OCI_ARCHIVE] = {coco_oci_archive_source, coco_oci_archive_destination},
    [COCO_TRANSPORT_DOCKER_ARCHIVE] = {coco_docker_archive_source, coco_docker_archive_destination},
};

/* The image in its registry, or in whichever the configuration has for it. */
static coco_status
registry_source(const coco_image_client *client, const coco_image_options *set,
                const coco_image_ref *ref, struct coco_source *ret, coco_error **err)
{
    _cleanup_places_ struct coco_places places = {0};
    struct coco_registry_options opts = registry_options(client, set);

    coco_status status = coco_registries_find(&client->registries, ref, &places, err);
    if (status != COCO_OK)
        return status;
    if (client->has_cache)
        status = coco_places_add_cache(&places, ref, &client->cache, err);
    if (status != COCO_OK)
        return status;
    if (places.n > 1)
        return coco_mirrors_source(&opts, &places, ret, err);
    opts.plain_http = opts.plain_http || places.list[0].insecure;
    return coco_registry_source(&opts, places.list[0].ref, ret, err);
}

static coco_status
registry_destination(const coco_image_client *client, const coco_image_options *set,
                     const coco_image_ref *ref, struct coco_destination *ret, coco_error **err)
{
    struct coco_registry_options opts = registry_options(client, set);
    bool insecure = false;

    coco_status status = coco_registries_find_own(&client->registries, ref, &insecure, err);
    if (status != COCO_OK)
        return status;
    opts.plain_http = opts.plain_http || insecure;
    return coco_registry_destination(&opts, ref, ret, err);
}

coco_status
coco_client_registry(const coco_image_client *client, const coco_image_options *set,
                     const coco_image_ref *ref, struct coco_registry *ret, coco_error **err)
{
    struct coco_registry_options opts = registry_options(client, set);
    bool insecure = false;

    coco_status status = coco_registries_find_own(&client->registries, ref, &insecure, err);
    if (status != COCO_OK)
        return status;
    opts.plain_http = opts.plain_http || insecure;
    return coco_registry_open(&opts, ref, "pull", ret, err);
}

coco_status
coco_client_source(const coco_image_client *client, const coco_image_options *set,
                   const coco_image_ref *ref, struct coco_source *ret, coco_error **err)
{
    const struct local *local = &locals[coco_image_ref_kind(ref)];

    return local->source ? local->source(ref, ret, err)
                         : registry_source(client, set, ref, ret, err);
}

coco_status
coco_client_own_source(const coco_image_client *client, const coco_image_options *set,
                       const coco_image_ref *ref, struct coco_source *ret, coco_error **err)
{
    struct coco_registry_options opts = registry_options(client, set);
    bool insecure = false;

    if (locals[coco_image_ref_kind(ref)].source)
        return locals[coco_image_ref_kind(ref)].source(ref, ret, err);
    coco_status status = coco_registries_find_own(&client->registries, ref, &insecure, err);
    if (status != COCO_OK)
        return status;
    opts.plain_http = opts.plain_http || insecure;
    return coco_registry_source(&opts, ref, ret, err);
}

coco_status
coco_client_destination(const coco_image_client *client, const coco_image_options *set,
                        coco_ctx *ctx, const coco_image_ref *ref, struct coco_destination *ret,
                        coco_error **err)
{
    const struct local *local = &locals[coco_image_ref_kind(ref)];

    return local->destination ? local->destination(ctx, ref, ret, err)
                              : registry_destination(client, set, ref, ret, err);
}

coco_status
coco_image_options_set(coco_image_options *ret, const coco_image_options *opts, uint32_t flags,
                       coco_error **err)
{
    coco_image_options set = {.size = sizeof(set)};

    coco_status status =
        coco_options_copy(&set, sizeof(set), offsetof(coco_image_options, retries), opts, err);
    if (status != COCO_OK)
        return status;
    if ((set.flags & ~flags) != 0 || set.reserved != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "image options: flags this library does not know");
    if (set.max_memory != 0 && set.max_memory < COCO_PIPELINE_MEMORY_MIN)
        return coco_fail(err, COCO_ERR_INVALID, "image options: max_memory of less than %llu bytes",
                         (unsigned long long)COCO_PIPELINE_MEMORY_MIN);
    set.size = sizeof(set);
    set.max_bytes = set.max_bytes ? set.max_bytes : DEFAULT_BYTES;
    set.max_content = set.max_content ? set.max_content : DEFAULT_CONTENT;
    set.max_entries = set.max_entries ? set.max_entries : DEFAULT_ENTRIES;
    set.max_layers = set.max_layers ? set.max_layers : DEFAULT_LAYERS;
    set.max_ratio = set.max_ratio ? set.max_ratio : DEFAULT_RATIO;
    set.retries = set.retries ? set.retries : COCO_RETRIES_DEFAULT;
    set.stall_seconds = set.stall_seconds ? set.stall_seconds : DEFAULT_STALL_S;
    set.max_memory = set.max_memory ? set.max_memory : DEFAULT_MEMORY;
    *ret = set;
    return COCO_OK;
}

void
coco_image_free(coco_image *image)
{
    free(image);
}

const char *
coco_image_digest(const coco_image *image)
{
    return image->digest_text;
}

size_t
coco_image_layer_count(const coco_image *image)
{
    return image->n_layers;
}

uint64_t
coco_image_bytes_read(const coco_image *image)
{
    return image->bytes_read;
}

uint64_t
coco_image_ids_ignored(const coco_image *image)
{
    return image->ids_ignored;
}

uint64_t
coco_image_bytes_written(const coco_image *image)
{
    return image->bytes_written;
}
