/*
 * kbs/tls.h - the server's side of TLS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_TLS_H
#define COCO_KBS_TLS_H

#include "kbs/config.h"

#include <openssl/ssl.h>

COCO_DEFINE_CLEANUP(SSL_CTX *, SSL_CTX_free);

/*
 * TLS with the configured key and certificate, 1.2 and later ("intermediate") or
 * 1.3 alone ("modern"); *ret stays NULL when there is no certificate.
 */
coco_status coco_kbs_tls_new(const struct coco_kbs_config *config, SSL_CTX **ret, coco_error **err);

#endif
