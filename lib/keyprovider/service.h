/*
 * keyprovider/service.h - the key provider as a service of gRPC and ttrpc
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KEYPROVIDER_SERVICE_H
#define COCO_KEYPROVIDER_SERVICE_H

#include "keyprovider/provider.h"
#include "rpc/service.h"

/* provider is lent for as long as the service is used. */
struct coco_rpc_service coco_keyprovider_service(struct coco_keyprovider *provider);

#endif
