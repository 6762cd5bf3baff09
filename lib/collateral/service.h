/*
 * collateral/service.h - collateral from the services of the makers
 *
 * Whoever asks for what is not there, or no longer good, makes the request, and
 * others who want the same meanwhile wait for it: one request, however many threads.
 * What came is kept in memory and, if there is a cache, in files. It is good for a
 * day, or until it ends itself; afterwards it is asked for again, and if that fails
 * it is still given while it has not ended. What failed is not tried again at once,
 * for hostile evidence may name what there is not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_COLLATERAL_SERVICE_H
#define COCO_COLLATERAL_SERVICE_H

#include "net/retry.h"
#include "verifier/collateral.h"

/* Of a source of coco_collateral_new_http(): goes by this clock, which is lent. */
void coco_service_set_clock(coco_collateral *collateral, const struct coco_clock *clock);

/*
 * Of the same, before it is used; nothing for other sources: whoever asks for what is not
 * there does not wait for it. A thread makes the request, and until it is done there is a
 * COCO_ERR_NET. What is there is given while it has not ended, and got anew meanwhile. For
 * servers whose one thread serves all.
 */
coco_status coco_service_set_background(coco_collateral *collateral, coco_error **err);

#endif
