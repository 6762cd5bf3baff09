/*
 * tests/fakekernel.h - a kernel of a TEE, in memory
 *
 * It has configfs-tsm by the rules of the real one: an entry is a directory that
 * is made and removed, what is written to inblob counts when it is closed, every
 * accepted write adds one to the generation, outblob is EINVAL before there was
 * an inblob. Besides it has files and devices that a test gives it, and faults.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_FAKEKERNEL_H
#define COCO_TESTS_FAKEKERNEL_H

#include "attester/kernel.h"

#define FAKE_FILES 16
#define FAKE_DESCRIPTORS 8
#define FAKE_INBLOB_MAX 4096

struct fake_file {
    const char *path; /* NULL: no more of them */
    const uint8_t *data;
    size_t len;
    struct coco_buf *written; /* what is written to it, whole writes; NULL: it cannot be */
};

struct fake_descriptor {
    int kind; /* 0: free */
    size_t at;
    const uint8_t *data;
    size_t len;
    struct coco_buf *written;
    uint8_t staged[FAKE_INBLOB_MAX];
    size_t staged_len;
};

struct fake_kernel {
    struct coco_kernel table; /* what attesters get */

    /* configfs-tsm */
    const char *provider;                     /* as the file has it, with its newline; NULL: none */
    void (*answer)(struct fake_kernel *fake); /* sets out and aux from inblob; or NULL */
    const uint8_t *out;
    size_t out_len;
    const uint8_t *aux; /* NULL: no auxblob */
    size_t aux_len;
    size_t inblob_len;
    uint8_t inblob[FAKE_INBLOB_MAX];
    const char *floor; /* as privlevel_floor has it; NULL: no such file */
    char privlevel[16];
    unsigned generation;
    unsigned entries; /* directories that are there */

    struct fake_file files[FAKE_FILES];
    int (*ioctl)(struct fake_kernel *fake, unsigned long request, void *arg); /* 0, or an errno */
    void *user;                                                               /* the test's */

    /* faults */
    size_t chunk;         /* bytes a read or write moves at most; 0: all */
    bool interrupted;     /* every second read and write is interrupted */
    const char *race;     /* somebody writes when the file of this name is opened */
    unsigned race_at;     /* for the how manieth time, from 1 */
    const char *fails;    /* opening the file of this name fails */
    int fails_with;       /* with this */
    int close_fails_with; /* closing inblob does */
    int mkdir_fails_with;

    unsigned calls;
    unsigned raced;
    char line[32];
    struct fake_descriptor descriptors[FAKE_DESCRIPTORS];
};

/* {0} but for the table. */
void fake_kernel_init(struct fake_kernel *fake);

/* How many descriptors are open. */
unsigned fake_kernel_open(const struct fake_kernel *fake);

#endif
