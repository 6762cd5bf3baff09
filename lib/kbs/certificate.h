/*
 * kbs/certificate.h - administrators that TLS knows by their certificates
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_CERTIFICATE_H
#define COCO_KBS_CERTIFICATE_H

#include "kbs/config.h"

#include <openssl/x509.h>

/*
 * The role that the configuration gives to cert, which TLS has verified by its CA. Lent
 * by the configuration. COCO_ERR_VERIFY if it gives none, or cert has ended since the
 * connection began.
 */
coco_status coco_kbs_certificate_role(const struct coco_kbs_config *config, X509 *cert, int64_t now,
                                      const char **ret, coco_error **err);

#endif
