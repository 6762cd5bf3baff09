/*
 * collateral/service.c - collateral from the services of the makers
 *
 * name -> request -> [there and good] or [a flight: HTTP -> answer -> items -> files]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/service.h"

#include "base/context.h"
#include "base/fail.h"
#include "collateral/expiry.h"
#include "collateral/fetcher.h"
#include "collateral/flights.h"
#include "collateral/folder.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* A file from so far in the future may still be of now. */
#define CLOCKS_DIFFER_S 300

struct service {
    struct coco_fetcher fetcher;
    struct coco_flights flights;
    bool early;
    coco_collateral *files; /* what is in the cache; NULL without */
    int cache;              /* the same directory, or -1 */

    pthread_mutex_t lock; /* of what follows */
    struct coco_items items;
    uint64_t uses;
};

/* ---- what is there; the lock is held ---- */

static bool
has_ended(const struct coco_item *item, int64_t now)
{
    return item->expires != 0 && item->expires <= now;
}

static bool
ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t n = strlen(end);

    return len >= n && strcmp(text + len - n, end) == 0;
}

/* A chip's certificate for one TCB never becomes another. */
static int64_t
fresh_for(const char *name)
{
    if (ends_with(name, ".der"))
        return INT64_MAX;
    return ends_with(name, "/chain.pem") ? COCO_SERVICE_FRESH_CHAIN : COCO_SERVICE_FRESH;
}

static bool
is_good(const struct coco_item *item, int64_t now)
{
    int64_t age = now - item->fetched;

    return !has_ended(item, now) && age >= -CLOCKS_DIFFER_S && age < fresh_for(item->name);
}

/* A cache that fails is none: that goes to the log, unless memory is short. */
static coco_status
pass_over(const struct service *service, coco_status status, coco_error *why, coco_error **err)
{
    if (status == COCO_ERR_NOMEM) {
        coco_error_give(err, why);
        return status;
    }
    if (status != COCO_OK)
        coco_ctx_log(service->fetcher.ctx, COCO_LOG_WARN, "cache: %s", coco_error_message(why));
    coco_error_free(why);
    return COCO_OK;
}

/* Makes room by dropping what was not used for longest. */
static coco_status
keep(struct service *service, const struct coco_item *from, coco_error **err)
{
    struct coco_items *items = &service->items;
    struct coco_item *item = NULL;

    while (items->n > 0 && !coco_items_find(items, from->name)
           && (items->n == COCO_COLLATERAL_ITEMS_MAX
               || items->bytes + from->data.len > COCO_ITEMS_BYTES_MAX)) {
        struct coco_item *oldest = &items->list[0];

        for (size_t i = 1; i < items->n; i++)
            if (items->list[i].used < oldest->used)
                oldest = &items->list[i];
        coco_items_remove(items, oldest);
    }
    coco_status status =
        coco_items_put(items, from->name, coco_buf_text(&from->data), from->data.len, &item, err);
    if (status == COCO_OK) {
        item->fetched = from->fetched;
        item->expires = from->expires;
        item->used = ++service->uses;
    }
    return status;
}

/* Takes name from the files; what is none of its kind is as if it were not there. */
static coco_status
load(struct service *service, const char *name, coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_COLLATERAL_MAX};
    _cleanup_free_ char *copy = NULL;
    struct coco_item item = {0};
    coco_error *why = NULL;

    if (service->cache < 0 || coco_items_find(&service->items, name)
        || faccessat(service->cache, name, F_OK, 0) != 0)
        return COCO_OK;
    item.name = copy = strdup(name);
    if (!copy)
        return coco_fail_nomem(err);
    coco_status status = coco_collateral_read(service->files, &buf, &why, "%s", name);
    if (status == COCO_OK)
        status = coco_collateral_fetched(service->files, name, &item.fetched, &why);
    if (status == COCO_OK)
        status = coco_collateral_expiry(name, buf.data, buf.len, &item.expires, &why);
    item.data = buf; /* lent */
    if (status == COCO_OK)
        status = keep(service, &item, &why);
    return pass_over(service, status, why, err);
}

/* ---- what is asked for ---- */

struct errand {
    struct service *service;
    const char *name;
    struct coco_request request;
};

/* Whether what was just got is there: whoever asked before us may have got it meanwhile. */
static bool
is_there(struct service *service, const char *name)
{
    (void)pthread_mutex_lock(&service->lock);
    const struct coco_item *item = coco_items_find(&service->items, name);
    bool good = item && is_good(item, coco_flights_now(&service->flights));
    (void)pthread_mutex_unlock(&service->lock);
    return good;
}

/* What has ended already is not taken: our clock is wrong, or theirs is. */
static coco_status
date(struct service *service, struct coco_items *items, coco_error **err)
{
    int64_t now = coco_flights_now(&service->flights);

    for (size_t i = 0; i < items->n; i++) {
        items->list[i].fetched = now;
        if (has_ended(&items->list[i], now))
            return coco_fail(err, COCO_ERR_PROTO, "%s has expired already, or the clock is wrong",
                             items->list[i].name);
    }
    return COCO_OK;
}

static coco_status
save(const struct service *service, const struct coco_items *items, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < items->n && status == COCO_OK && service->cache >= 0; i++) {
        const struct coco_item *item = &items->list[i];
        coco_error *why = NULL;

        status = coco_folder_put(service->cache, item->name, coco_buf_text(&item->data),
                                 item->data.len, item->fetched, &why);
        status = pass_over(service, status, why, err);
    }
    return status;
}

static coco_status
run_errand(void *user, coco_error **err)
{
    const struct errand *errand = user;
    struct service *service = errand->service;
    _cleanup_items_ struct coco_items items = {0};

    if (is_there(service, errand->name))
        return COCO_OK;
    coco_status status = coco_fetcher_get(&service->fetcher, &errand->request, &items, err);
    if (status == COCO_OK)
        status = date(service, &items, err);
    if (status == COCO_OK)
        status = save(service, &items, err);
    if (status != COCO_OK)
        return status;
    (void)pthread_mutex_lock(&service->lock);
    for (size_t i = 0; i < items.n && status == COCO_OK; i++)
        status = keep(service, &items.list[i], err);
    (void)pthread_mutex_unlock(&service->lock);
    return status;
}

/* Gives what is there, if it is good, or at least if it has not ended; whether it was given. */
static coco_status
give(struct service *service, const char *name, bool must_be_good, struct coco_buf *ret,
     bool *given, coco_error **err)
{
    (void)pthread_mutex_lock(&service->lock);
    coco_status status = load(service, name, err);
    int64_t now = coco_flights_now(&service->flights);
    struct coco_item *item = coco_items_find(&service->items, name);
    *given =
        status == COCO_OK && item && (must_be_good ? is_good(item, now) : !has_ended(item, now));
    if (*given) {
        item->used = ++service->uses;
        status = coco_buf_append(ret, item->data.data, item->data.len, err);
    }
    (void)pthread_mutex_unlock(&service->lock);
    return status;
}

/* Nothing takes back what its maker signed: a PCCS says 404 when it cannot reach the PCS. */
static bool
may_be_old(coco_status status)
{
    return status == COCO_ERR_NET || status == COCO_ERR_NOTFOUND || status == COCO_ERR_PROTO
           || status == COCO_ERR_VERIFY || status == COCO_ERR_LIMIT;
}

static coco_status
service_get(void *self, const char *name, struct coco_buf *ret, coco_error **err)
{
    struct service *service = self;
    struct errand errand = {.service = service, .name = name};
    coco_error *why = NULL;
    bool given = false;

    coco_status status = coco_request_for(name, service->early, &errand.request, err);
    if (status != COCO_OK)
        return status;
    status = give(service, name, true, ret, &given, err);
    if (status != COCO_OK || given)
        return status;
    coco_status asked =
        coco_flights_run(&service->flights, errand.request.body, run_errand, &errand, &why);
    if (asked == COCO_OK || may_be_old(asked))
        status = give(service, name, false, ret, &given, err);
    if (status == COCO_OK && given && asked != COCO_OK)
        coco_ctx_log(service->fetcher.ctx, COCO_LOG_WARN, "%s: %s; what is there is used", name,
                     coco_error_message(why));
    if (status == COCO_OK && !given) {
        status = asked == COCO_OK ? coco_fail(&why, COCO_ERR_NOTFOUND, "has ended") : asked;
        coco_error_give(err, coco_steal(&why));
    }
    coco_error_free(why);
    return status;
}

static coco_status
service_fetched(void *self, const char *name, int64_t *ret, coco_error **err)
{
    struct service *service = self;

    (void)pthread_mutex_lock(&service->lock);
    coco_status status = load(service, name, err);
    if (status == COCO_OK)
        status = coco_items_fetched(&service->items, name, ret, err);
    (void)pthread_mutex_unlock(&service->lock);
    return status;
}

static coco_status
put_name(void *user, const char *name, coco_error **err)
{
    return coco_items_put(user, name, "", 0, NULL, err);
}

static coco_status
service_each(void *self, coco_collateral_each_fn *fn, void *user, coco_error **err)
{
    struct service *service = self;
    _cleanup_items_ struct coco_items names = {0};

    (void)pthread_mutex_lock(&service->lock);
    coco_status status = coco_items_each(&service->items, put_name, &names, err);
    (void)pthread_mutex_unlock(&service->lock);
    if (status == COCO_OK && service->files)
        status = coco_collateral_each(service->files, put_name, &names, err);
    return status == COCO_OK ? coco_items_each(&names, fn, user, err) : status;
}

static void
service_free(void *self)
{
    struct service *service = self;

    coco_fetcher_done(&service->fetcher);
    coco_flights_done(&service->flights);
    coco_items_done(&service->items);
    coco_collateral_free(service->files);
    coco_closep(&service->cache);
    (void)pthread_mutex_destroy(&service->lock);
    free(service);
}

static const struct coco_collateral_driver service_driver = {
    .get = service_get,
    .fetched = service_fetched,
    .each = service_each,
    .free = service_free,
};

/* ---- setting it up ---- */

coco_status
coco_collateral_new_http(coco_ctx *ctx, const char *intel, const char *amd, coco_collateral **ret,
                         coco_error **err)
{
    struct service *service = calloc(1, sizeof(*service));

    if (!service)
        return coco_fail_nomem(err);
    service->cache = -1;
    (void)pthread_mutex_init(&service->lock, NULL);
    coco_flights_init(&service->flights);
    coco_status status = coco_fetcher_init(&service->fetcher, ctx, intel, amd, err);
    if (status == COCO_OK)
        status = coco_collateral_wrap(&service_driver, service, ret, err);
    if (status != COCO_OK)
        service_free(service);
    return status;
}

static coco_status
find_service(const coco_collateral *collateral, struct service **ret, coco_error **err)
{
    *ret = coco_collateral_self(collateral, &service_driver);
    return *ret ? COCO_OK
                : coco_fail(err, COCO_ERR_NOTSUP, "this source of collateral asks no server");
}

coco_status
coco_collateral_set_tls_ca(coco_collateral *collateral, const uint8_t *pem, size_t len,
                           coco_error **err)
{
    _cleanup_(coco_certificates_freep) STACK_OF(X509) *certs = NULL;
    struct coco_buf copy = {.limit = COCO_PEER_PEM_MAX};
    struct service *service = NULL;

    coco_status status = find_service(collateral, &service, err);
    if (status == COCO_OK)
        status = coco_certificates_parse(pem, len, &certs, err);
    if (status == COCO_OK)
        status = coco_buf_append(&copy, pem, len, err);
    if (status != COCO_OK)
        return status;
    coco_buf_done(&service->fetcher.ca);
    service->fetcher.ca = copy;
    return COCO_OK;
}

coco_status
coco_collateral_set_proxy(coco_collateral *collateral, const char *url, const char *no_proxy,
                          coco_error **err)
{
    struct coco_proxies proxies = {0};
    struct service *service = NULL;

    coco_status status = find_service(collateral, &service, err);
    if (status == COCO_OK)
        status = url ? coco_proxies_set(url, no_proxy, &proxies, err)
                     : coco_proxies_from_env(no_proxy, &proxies, err);
    if (status != COCO_OK)
        return status;
    coco_proxies_done(&service->fetcher.proxies);
    service->fetcher.proxies = proxies;
    service->fetcher.has_proxies = true;
    return COCO_OK;
}

coco_status
coco_collateral_set_cache(coco_collateral *collateral, const char *dir, coco_error **err)
{
    _cleanup_(coco_collateral_freep) coco_collateral *files = NULL;
    struct service *service = NULL;

    coco_status status = find_service(collateral, &service, err);
    if (status != COCO_OK)
        return status;
    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        return coco_fail_errno(err, errno, "cannot make %s", dir);
    _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return coco_fail_errno(err, errno, "cannot open %s", dir);
    status = coco_collateral_new_dir(dir, &files, err);
    if (status != COCO_OK)
        return status;
    coco_collateral_free(service->files);
    coco_closep(&service->cache);
    service->files = coco_steal(&files);
    service->cache = fd;
    fd = -1;
    return COCO_OK;
}

coco_status
coco_collateral_set_early(coco_collateral *collateral, bool early, coco_error **err)
{
    struct service *service = NULL;

    coco_status status = find_service(collateral, &service, err);
    if (status == COCO_OK)
        service->early = early;
    return status;
}

void
coco_service_set_clock(coco_collateral *collateral, const struct coco_clock *clock)
{
    struct service *service = coco_collateral_self(collateral, &service_driver);

    if (!service)
        return;
    service->fetcher.clock = clock;
    service->flights.clock = clock;
}
