/*
 * collateral/service.c - collateral from the services of the makers
 *
 * name -> request -> [on the shelf and good] or [a flight: HTTP -> answer -> items -> shelf]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/service.h"

#include "base/context.h"
#include "base/crew.h"
#include "base/fail.h"
#include "collateral/fetcher.h"
#include "collateral/flights.h"
#include "collateral/shelf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct service {
    struct coco_fetcher fetcher;
    struct coco_flights flights;
    struct coco_shelf shelf;
    bool early;

    /* In the background: a context of its own, so that requests end with the source. */
    coco_ctx *own; /* NULL: whoever asks waits */
    struct coco_crew crew;
};

struct errand {
    struct service *service;
    const char *name;
    struct coco_request request;
    char copy[COCO_COLLATERAL_NAME_SIZE]; /* of name, in the background */
    struct coco_flight *flight;           /* the same */
};

static coco_status
run_errand(void *user, coco_error **err)
{
    const struct errand *errand = user;
    struct service *service = errand->service;
    _cleanup_items_ struct coco_items items = {0};

    /* Whoever asked before us may have got it meanwhile. */
    if (coco_shelf_has(&service->shelf, errand->name))
        return COCO_OK;
    coco_status status = coco_fetcher_get(&service->fetcher, &errand->request, &items, err);
    return status == COCO_OK ? coco_shelf_put(&service->shelf, &items, err) : status;
}

/* Nothing takes back what its maker signed: a PCCS says 404 when it cannot reach the PCS. */
static bool
may_be_old(coco_status status)
{
    return status == COCO_ERR_NET || status == COCO_ERR_NOTFOUND || status == COCO_ERR_PROTO
           || status == COCO_ERR_VERIFY || status == COCO_ERR_LIMIT;
}

/* ---- for who waits ---- */

static coco_status
get_patiently(struct service *service, const char *name, struct errand *errand,
              struct coco_buf *ret, coco_error **err)
{
    coco_error *why = NULL;
    bool given = false;
    coco_status status = COCO_OK;

    coco_status asked =
        coco_flights_run(&service->flights, errand->request.body, run_errand, errand, &why);
    if (asked == COCO_OK || may_be_old(asked))
        status = coco_shelf_give(&service->shelf, name, false, ret, &given, err);
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

/* ---- for who does not ---- */

static void
run_in_background(void *self)
{
    _cleanup_free_ struct errand *errand = self;
    struct service *service = errand->service;
    coco_error *why = NULL;

    coco_status status = run_errand(errand, &why);
    if (status != COCO_OK)
        coco_ctx_log(service->fetcher.ctx, COCO_LOG_WARN, "%s: %s", errand->name,
                     coco_error_message(why));
    coco_flights_end(&service->flights, errand->flight, status, why);
}

/* Sees to it that a thread is at it; COCO_OK if one is. */
static coco_status
send_for(struct service *service, const struct errand *wanted, coco_error **err)
{
    _cleanup_free_ struct errand *errand = malloc(sizeof(*errand));

    if (!errand)
        return coco_fail_nomem(err);
    *errand = *wanted;
    (void)snprintf(errand->copy, sizeof(errand->copy), "%s", wanted->name);
    errand->name = errand->copy;
    coco_status status =
        coco_flights_begin(&service->flights, errand->request.body, &errand->flight, err);
    if (status != COCO_OK || !errand->flight)
        return status;
    status = coco_crew_start(&service->crew, run_in_background, errand, err);
    if (status == COCO_OK)
        errand = NULL;
    else
        coco_flights_end(&service->flights, errand->flight, status, NULL);
    return status;
}

__attribute__((format(printf, 2, 3))) static void
send_for_also(struct service *service, const char *fmt, ...)
{
    struct errand errand = {.service = service};
    char name[COCO_COLLATERAL_NAME_SIZE];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(name, sizeof(name), fmt, args);
    va_end(args);
    errand.name = name;
    if (coco_request_for(name, service->early, &errand.request, NULL) == COCO_OK
        && !coco_shelf_has(&service->shelf, errand.request.body))
        (void)send_for(service, &errand, NULL);
}

/* What is needed beside the thing called name is asked for next: all at once is sooner. */
static void
send_for_companions(struct service *service, const char *name)
{
    const char *of = strchr(name, '/') + 1; /* "tdx", "Milan": coco_request_for() knows it */
    int len = (int)strcspn(of, "/");

    if (strncmp(name, "amd/", strlen("amd/")) == 0) {
        send_for_also(service, "amd/%.*s/%s/chain.pem", len, of,
                      strstr(name, "/vlek/") ? "vlek" : "vcek");
        send_for_also(service, "amd/%.*s/vcek.crl", len, of);
        return;
    }
    send_for_also(service, "intel/root-ca.crl");
    send_for_also(service, "intel/pck-crl/platform.crl");
    send_for_also(service, "intel/pck-crl/processor.crl");
    send_for_also(service, "intel/%.*s/qe-identity.json", len, of);
}

static coco_status
get_at_once(struct service *service, const char *name, const struct errand *errand,
            struct coco_buf *ret, coco_error **err)
{
    coco_error *why = NULL;
    bool given = false;

    coco_status sent = send_for(service, errand, &why);
    send_for_companions(service, name);
    coco_status status = coco_shelf_give(&service->shelf, name, false, ret, &given, err);
    if (status == COCO_OK && !given) {
        status = sent == COCO_OK ? coco_fail_again(&why, "is being fetched: ask again") : sent;
        coco_error_give(err, coco_steal(&why));
    }
    coco_error_free(why);
    return status;
}

static coco_status
service_get(void *self, const char *name, struct coco_buf *ret, coco_error **err)
{
    struct service *service = self;
    struct errand errand = {.service = service, .name = name};
    bool given = false;

    coco_status status = coco_request_for(name, service->early, &errand.request, err);
    if (status != COCO_OK)
        return status;
    status = coco_shelf_give(&service->shelf, name, true, ret, &given, err);
    if (status != COCO_OK || given)
        return status;
    return service->own ? get_at_once(service, name, &errand, ret, err)
                        : get_patiently(service, name, &errand, ret, err);
}

static coco_status
service_fetched(void *self, const char *name, int64_t *ret, coco_error **err)
{
    struct service *service = self;

    return coco_shelf_fetched(&service->shelf, name, ret, err);
}

static coco_status
service_each(void *self, coco_collateral_each_fn *fn, void *user, coco_error **err)
{
    struct service *service = self;

    return coco_shelf_each(&service->shelf, fn, user, err);
}

static void
service_free(void *self)
{
    struct service *service = self;

    if (service->own)
        coco_ctx_cancel(service->own);
    coco_crew_done(&service->crew);
    coco_fetcher_done(&service->fetcher);
    coco_flights_done(&service->flights);
    coco_shelf_done(&service->shelf);
    coco_ctx_free(service->own);
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
    coco_crew_init(&service->crew);
    coco_flights_init(&service->flights);
    coco_shelf_init(&service->shelf, ctx);
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
    struct service *service = NULL;

    coco_status status = find_service(collateral, &service, err);
    if (status == COCO_OK)
        status = coco_proxies_choose(url, no_proxy, &service->fetcher.proxies, err);
    if (status == COCO_OK)
        service->fetcher.has_proxies = true;
    return status;
}

coco_status
coco_collateral_set_cache(coco_collateral *collateral, const char *dir, coco_error **err)
{
    struct service *service = NULL;

    coco_status status = find_service(collateral, &service, err);
    return status == COCO_OK ? coco_shelf_set_cache(&service->shelf, dir, err) : status;
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

coco_status
coco_service_set_background(coco_collateral *collateral, coco_error **err)
{
    struct service *service = coco_collateral_self(collateral, &service_driver);

    if (!service || service->own)
        return COCO_OK;
    coco_status status = coco_ctx_new(&service->own, err);
    if (status != COCO_OK)
        return status;
    coco_ctx_log_to(service->own, service->fetcher.ctx);
    service->fetcher.ctx = service->shelf.ctx = service->own;
    return COCO_OK;
}

void
coco_service_set_clock(coco_collateral *collateral, const struct coco_clock *clock)
{
    struct service *service = coco_collateral_self(collateral, &service_driver);

    if (!service)
        return;
    service->fetcher.clock = clock;
    service->flights.clock = clock;
    service->shelf.clock = clock;
}
