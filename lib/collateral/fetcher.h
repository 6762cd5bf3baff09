/*
 * collateral/fetcher.h - requests to the services of the makers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_COLLATERAL_FETCHER_H
#define COCO_COLLATERAL_FETCHER_H

#include "collateral/answer.h"
#include "net/http.h"

#include <pthread.h>

#define COCO_FETCHER_IDLE_MAX 4

struct coco_fetcher {
    coco_ctx *ctx; /* lent */
    char *intel;   /* "https://host[/path]", or NULL: nobody is asked */
    char *amd;
    struct coco_buf ca; /* PEM; empty: the system's */
    struct coco_proxies proxies;
    bool has_proxies;               /* else those of the environment */
    const struct coco_clock *clock; /* lent; NULL: the machine's */

    pthread_mutex_t lock; /* of what follows */
    struct coco_http *idle[COCO_FETCHER_IDLE_MAX];
    size_t n_idle;
};

/* The addresses of the services; NULL for the makers' own, "" for none. Then done() is due. */
coco_status coco_fetcher_init(struct coco_fetcher *fetcher, coco_ctx *ctx, const char *intel,
                              const char *amd, coco_error **err);
void coco_fetcher_done(struct coco_fetcher *fetcher);

/*
 * The items that the answer to request is; COCO_ERR_NOTFOUND if the server has none, or
 * there is no server. Any thread.
 */
coco_status coco_fetcher_get(struct coco_fetcher *fetcher, const struct coco_request *request,
                             struct coco_items *ret, coco_error **err);

#endif
