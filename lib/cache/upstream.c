/*
 * cache/upstream.c - asking registries
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/upstream.h"

#include "base/fail.h"
#include "base/text.h"
#include "net/field.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Conversations that wait for the next who asks. */
#define IDLE_MAX 64
#define MANIFEST_MAX ((size_t)4 << 20)
/* Of fields that are handed on to clients. */
#define FIELD_MAX ((size_t)2 << 10)

struct coco_cache_upstreams {
    const struct coco_cache_config *config;
    pthread_mutex_t lock; /* of what follows */
    struct coco_cache_lease *idle[IDLE_MAX];
    size_t n_idle; /* the one that waits longest first */
};

static void
free_lease(struct coco_cache_lease *lease)
{
    if (!lease)
        return;
    coco_registry_done(&lease->registry);
    free(lease->name);
    free(lease);
}
COCO_DEFINE_CLEANUP(struct coco_cache_lease *, free_lease);

coco_status
coco_cache_upstreams_new(const struct coco_cache_config *config, struct coco_cache_upstreams **ret,
                         coco_error **err)
{
    struct coco_cache_upstreams *upstreams = calloc(1, sizeof(*upstreams));

    if (!upstreams)
        return coco_fail_nomem(err);
    upstreams->config = config;
    (void)pthread_mutex_init(&upstreams->lock, NULL);
    *ret = upstreams;
    return COCO_OK;
}

void
coco_cache_upstreams_free(struct coco_cache_upstreams *upstreams)
{
    if (!upstreams)
        return;
    for (size_t i = 0; i < upstreams->n_idle; i++)
        free_lease(upstreams->idle[i]);
    (void)pthread_mutex_destroy(&upstreams->lock);
    free(upstreams);
}

/* Takes number i out of those that wait; the lock is held. */
static struct coco_cache_lease *
take_idle(struct coco_cache_upstreams *upstreams, size_t i)
{
    struct coco_cache_lease *lease = upstreams->idle[i];

    upstreams->n_idle--;
    for (; i < upstreams->n_idle; i++)
        upstreams->idle[i] = upstreams->idle[i + 1];
    return lease;
}

static struct coco_cache_lease *
find_idle(struct coco_cache_upstreams *upstreams, const char *name)
{
    struct coco_cache_lease *found = NULL;

    (void)pthread_mutex_lock(&upstreams->lock);
    /* The one that was used last has the freshest connection. */
    for (size_t i = upstreams->n_idle; i > 0 && !found; i--)
        if (strcmp(upstreams->idle[i - 1]->name, name) == 0)
            found = take_idle(upstreams, i - 1);
    (void)pthread_mutex_unlock(&upstreams->lock);
    return found;
}

static coco_status
open_lease(const struct coco_cache_config *config, const struct coco_cache_upstream *upstream,
           const coco_image_ref *ref, const char *authorization, struct coco_cache_lease *lease,
           coco_error **err)
{
    const struct coco_registry_options opts = {
        .plain_http = upstream->plain_http,
        .tls_ca = upstream->ca.len ? upstream->ca.data : NULL,
        .tls_ca_len = upstream->ca.len,
        .auth = upstream->shared && !authorization ? &upstream->auth : NULL,
        .stall_timeout = (uint32_t)config->stall_seconds,
        .retry = {.retries = config->retries ? (uint32_t)config->retries : COCO_RETRIES_NONE},
    };

    coco_status status = coco_registry_open(&opts, ref, "pull", &lease->registry, err);
    if (status == COCO_OK && authorization)
        status = coco_buf_append_text(&lease->registry.authorization, authorization, err);
    return status;
}

coco_status
coco_cache_upstreams_take(struct coco_cache_upstreams *upstreams,
                          const struct coco_cache_upstream *upstream, const coco_image_ref *ref,
                          const char *authorization, struct coco_cache_lease **ret,
                          coco_error **err)
{
    _cleanup_free_ char *name = NULL;

    if (asprintf(&name, "%s/%s", upstream->name, coco_image_ref_repository(ref)) < 0) {
        name = NULL;
        return coco_fail_nomem(err);
    }
    struct coco_cache_lease *idle = authorization ? NULL : find_idle(upstreams, name);
    if (idle) {
        *ret = idle;
        return COCO_OK;
    }
    _cleanup_(free_leasep) struct coco_cache_lease *lease = calloc(1, sizeof(*lease));
    if (!lease)
        return coco_fail_nomem(err);
    coco_status status = open_lease(upstreams->config, upstream, ref, authorization, lease, err);
    if (status != COCO_OK)
        return status;
    if (!authorization)
        lease->name = coco_steal(&name);
    *ret = coco_steal(&lease);
    return COCO_OK;
}

void
coco_cache_upstreams_give(struct coco_cache_upstreams *upstreams, struct coco_cache_lease *lease)
{
    struct coco_cache_lease *drop = lease;

    if (lease && lease->name) {
        (void)pthread_mutex_lock(&upstreams->lock);
        drop = upstreams->n_idle == IDLE_MAX ? take_idle(upstreams, 0) : NULL;
        upstreams->idle[upstreams->n_idle++] = lease;
        (void)pthread_mutex_unlock(&upstreams->lock);
    }
    free_lease(drop);
}

void
coco_cache_answer_done(struct coco_cache_answer *answer)
{
    free(answer->challenge);
    free(answer->retry_after);
    coco_buf_done(&answer->text);
    *answer = (struct coco_cache_answer){0};
}

static int
status_for(long status)
{
    switch (status) {
    case 200:
    case 401:
    case 403:
    case 404:
    case 429:
        return (int)status;
    case 400: /* some say that of names they do not have */
    case 410:
        return 404;
    default:
        return 502;
    }
}

/* A field that a client is to see, unless it is one that makes no sense. */
static coco_status
hand_on(const struct coco_http_response *response, const char *name, char **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf value = {.limit = FIELD_MAX};

    coco_status status = coco_http_header_all(response, name, &value, err);
    if (status == COCO_ERR_LIMIT) {
        coco_error_free(err ? coco_steal(err) : NULL);
        return COCO_OK;
    }
    if (status != COCO_OK || value.len == 0)
        return status;
    *ret = strdup(coco_buf_text(&value));
    return *ret ? COCO_OK : coco_fail_nomem(err);
}

static coco_status
read_type(const struct coco_http_response *response, struct coco_cache_answer *answer,
          coco_error **err)
{
    _cleanup_free_ char *type = NULL;

    coco_status status = coco_http_header(response, "content-type", &type, err);
    if (status != COCO_OK || !type)
        return status;
    for (const char *at = type; *at; at++)
        if (*at < ' ' || *at > '~')
            return coco_fail(err, COCO_ERR_PROTO, "a Content-Type that is none");
    if (strlen(type) >= sizeof(answer->type) - 1)
        return coco_fail(err, COCO_ERR_PROTO, "a Content-Type that is none");
    (void)stpcpy(answer->type, type);
    return COCO_OK;
}

static coco_status
read_head(const struct coco_http_response *response, struct coco_cache_answer *answer,
          coco_error **err)
{
    _cleanup_free_ char *length = NULL;
    _cleanup_free_ char *digest = NULL;

    answer->status = status_for(response->status);
    coco_status status = hand_on(response, "www-authenticate", &answer->challenge, err);
    if (status == COCO_OK)
        status = hand_on(response, "retry-after", &answer->retry_after, err);
    if (status == COCO_OK)
        status = read_type(response, answer, err);
    if (status == COCO_OK)
        status = coco_http_header(response, "content-length", &length, err);
    if (status == COCO_OK && length)
        answer->sized = coco_content_length_parse(length, &answer->size);
    if (status == COCO_OK)
        status = coco_http_header(response, "docker-content-digest", &digest, err);
    if (status == COCO_OK && digest
        && coco_digest_parse(digest, &answer->digest, NULL) == COCO_ERR_NOMEM)
        status = coco_fail_nomem(err);
    return status;
}

/* What the registry itself says to who has no token, after its server of tokens gave none. */
static coco_status
ask_without_token(struct coco_cache_lease *lease, coco_ctx *ctx,
                  const struct coco_http_request *request, struct coco_http_response *ret,
                  coco_error **err)
{
    coco_status status = coco_http_do(lease->registry.http, ctx, request, ret, err);

    if (status == COCO_OK && ret->status != 401)
        ret->status = 403;
    return status;
}

coco_status
coco_cache_lease_ask(struct coco_cache_lease *lease, coco_ctx *ctx,
                     const struct coco_cache_question *question, struct coco_cache_answer *ret,
                     coco_error **err)
{
    _cleanup_cache_answer_ struct coco_cache_answer answer = {0};
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_free_ char *url = NULL;
    const struct coco_http_header accept = {"Accept", question->accept};
    bool manifest = question->kind == COCO_CACHE_KIND_MANIFEST;
    coco_error *cause = NULL;

    coco_status status = coco_registry_url(&lease->registry, manifest ? "manifests/" : "blobs/",
                                           question->reference, &url, err);
    if (status != COCO_OK)
        return status;
    const struct coco_http_request request = {
        .method = question->head ? "HEAD" : "GET",
        .url = url,
        .headers = &accept,
        .n_headers = question->accept ? 1 : 0,
        .only_status = 200,
        .max_body = MANIFEST_MAX,
    };
    status = coco_registry_do(&lease->registry, ctx, &request, &response, &cause);
    if (status == COCO_ERR_DENIED) {
        coco_error_free(coco_steal(&cause));
        status = ask_without_token(lease, ctx, &request, &response, &cause);
    }
    if (status == COCO_OK)
        status = read_head(&response, &answer, &cause);
    /* The limits of the cache itself are told to clients in another way: it is full. */
    if (status == COCO_ERR_LIMIT)
        status = coco_wrap(&cause, COCO_ERR_PROTO, "what the registry sends");
    if (status != COCO_OK) {
        if (err)
            *err = cause;
        else
            coco_error_free(cause);
        return status;
    }
    if (answer.status == 200 && !question->head) {
        answer.text = response.body;
        response.body = (struct coco_buf){0};
    }
    *ret = answer;
    answer = (struct coco_cache_answer){0};
    return COCO_OK;
}
