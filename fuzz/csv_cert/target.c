/*
 * fuzz/csv_cert/target.c - certificates of Hygon CSV, in Hygon's own format
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/csv_cert.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct coco_csv_ca ca;
    struct coco_csv_cert cert;
    uint8_t back[COCO_CSV_CERT_SIZE];

    if (coco_csv_ca_parse(data, len, &ca, NULL) == COCO_OK) {
        coco_csv_ca_format(&ca, back);
        if (memcmp(back, data, COCO_CSV_CA_SIZE) != 0)
            abort();
        (void)coco_csv_ca_check(&ca, &ca, NULL);
    }
    if (coco_csv_cert_parse(data, len, &cert, NULL) == COCO_OK) {
        coco_csv_cert_format(&cert, back);
        if (memcmp(back, data, sizeof(back)) != 0)
            abort();
        (void)coco_csv_cert_check(&cert, cert.signatures[0].usage, &cert.key, NULL);
    }
    return 0;
}
