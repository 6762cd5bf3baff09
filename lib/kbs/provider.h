/*
 * kbs/provider.h - the keys of identity providers, and when they are got anew
 *
 * A set of keys is got in the background, for the one thread that serves all may not
 * wait: at the start, when it is COCO_KBS_PROVIDER_FRESH old, and when a token names a
 * key that is not in it, so that a provider that rotates its keys is followed without
 * a restart. Strangers can name any key: however many do, there are
 * COCO_KBS_PROVIDER_PAUSE seconds between two requests. Keys of before are good until
 * they are COCO_KBS_PROVIDER_ENDED old: who keeps the provider out of reach does not
 * keep alive what it has withdrawn.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_PROVIDER_H
#define COCO_KBS_PROVIDER_H

#include "kbs/config.h"

#include <coco/context.h>

/* Seconds. */
#define COCO_KBS_PROVIDER_FRESH 300
#define COCO_KBS_PROVIDER_PAUSE 30
#define COCO_KBS_PROVIDER_FILE_PAUSE 1
#define COCO_KBS_PROVIDER_ENDED 3600

struct coco_kbs_providers;

/*
 * All that are configured, which are lent, as is ctx, for the log. Files are read at
 * once: COCO_ERR_PROTO, COCO_ERR_NOTFOUND or COCO_ERR_IO if one is none.
 */
coco_status coco_kbs_providers_new(coco_ctx *ctx, const struct coco_kbs_provider *list, size_t n,
                                   int64_t now, struct coco_kbs_providers **ret, coco_error **err);
void coco_kbs_providers_free(struct coco_kbs_providers *providers);
COCO_DEFINE_CLEANUP(struct coco_kbs_providers *, coco_kbs_providers_free);

/*
 * The key of the provider with this index that a token names by kid, or NULL. A
 * reference. COCO_ERR_VERIFY if there is none, COCO_ERR_NET (coco_fail_again) while the
 * set is being got that may have it. Any thread.
 */
coco_status coco_kbs_providers_key(struct coco_kbs_providers *providers, size_t index,
                                   const char *kid, int64_t now, EVP_PKEY **ret, coco_error **err);

/* Waits until no request is under way. */
void coco_kbs_providers_settle(struct coco_kbs_providers *providers);

#endif
