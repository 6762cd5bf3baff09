/*
 * kbs/issuer.h - what third parties need to verify tokens of a KBS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_ISSUER_H
#define COCO_KBS_ISSUER_H

#include "kbs/core.h"

#define COCO_KBS_JWKS_PATH "/.well-known/jwks.json"
#define COCO_KBS_DISCOVERY_PATH "/.well-known/openid-configuration"

/* The keys that sign tokens, as a JWK set (RFC 7517 section 5); "kid" is that of the tokens. */
coco_kbs_handler coco_kbs_jwks;

/*
 * Where they are (OpenID Connect Discovery 1.0 section 3). Only of an issuer whose
 * name is an address of https: what is found elsewhere would be for another one.
 */
coco_kbs_handler coco_kbs_discovery;

#endif
