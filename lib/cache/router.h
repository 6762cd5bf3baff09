/*
 * cache/router.h - from requests to replies
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CACHE_ROUTER_H
#define COCO_CACHE_ROUTER_H

#include "cache/core.h"

/* Answers request, come what may, perhaps later; reply is {0}. */
void coco_cache_handle(struct coco_cache_core *core, const struct coco_httpd_request *request,
                       struct coco_httpd_reply *reply);

/* Fills in an error as distribution-spec has them ("Error Codes"), for reply's status. */
void coco_cache_refuse(const char *message, struct coco_httpd_reply *reply);

#endif
