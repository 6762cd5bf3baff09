/*
 * attester/csv.h - what is said to the kernel of a Hygon CSV guest
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_CSV_H
#define COCO_ATTESTER_CSV_H

#include "attester/driver.h"
#include "attester/kernel.h"
#include "tee/csv_page.h"

/* Linux (of OpenAnolis and Hygon), drivers/virt/coco/csv-guest/csv-guest.h */
struct coco_csv_guest_report {
    uint64_t addr; /* of the page that has the request, and then the answer */
    uint32_t len;
};

#define COCO_CSV_GET_REPORT 0xc0104401UL /* _IOWR('D', 1, struct coco_csv_guest_report) */

#define COCO_CSV_REGISTER_SIZE ((size_t)32) /* SM3 */

enum coco_csv_rtmr_command {
    COCO_CSV_RTMR_STATUS = 1,
    COCO_CSV_RTMR_START = 2,
    COCO_CSV_RTMR_READ = 3,
    COCO_CSV_RTMR_EXTEND = 4,
};

struct coco_csv_guest_rtmr {
    uint64_t addr; /* of what the command is about, below */
    uint64_t len;
    uint16_t command;
    uint16_t reserved;
    uint32_t firmware_error; /* 0 for none */
} __attribute__((packed));

#define COCO_CSV_RTMR_REQ 0xc0184402UL /* _IOWR('D', 2, struct coco_csv_guest_rtmr) */

struct coco_csv_rtmr_status {
    uint16_t version;
    uint8_t state;
} __attribute__((packed));

struct coco_csv_rtmr_read {
    uint32_t bitmap; /* which; here always one */
    uint8_t value[COCO_CSV_REGISTER_SIZE];
} __attribute__((packed));

struct coco_csv_rtmr_extend {
    uint8_t index;
    uint8_t reserved;
    uint16_t len;
    uint8_t digest[COCO_CSV_REGISTER_SIZE];
} __attribute__((packed));

_Static_assert(sizeof(struct coco_csv_guest_report) == 16
                   && sizeof(struct coco_csv_guest_rtmr) == 24
                   && sizeof(struct coco_csv_rtmr_status) == 3
                   && sizeof(struct coco_csv_rtmr_read) == 36
                   && sizeof(struct coco_csv_rtmr_extend) == 36,
               "as the kernel has them");

extern const struct coco_attester_driver coco_csv_attester;

#endif
