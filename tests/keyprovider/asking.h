/*
 * tests/keyprovider/asking.h - asking a key provider, and opening what it answers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_KEYPROVIDER_ASKING_H
#define COCO_TESTS_KEYPROVIDER_ASKING_H

#include "keyprovider/provider.h"
#include "ocicrypt/packet.h"
#include "ocicrypt/provider_json.h"
#include "tests/support.h"

#include <string.h>

#define OPTIONS "{\"symkey\":\"the private options of a layer\"}"

/* What ocicrypt asks with this parameter; NULL for none. */
static inline void
write_request(const char *parameter, bool wrap, struct coco_buf *text)
{
    struct coco_buf data = {.limit = 1024};
    coco_error *err = NULL;

    assert_ok(coco_buf_append_text(&data, OPTIONS, &err), err);
    assert_ok(
        coco_provider_request_write(COCO_KEYPROVIDER_NAME, parameter, wrap, &data, text, &err),
        err);
    coco_buf_done(&data);
}

/* The packet of a reply. */
static inline void
read_reply(const struct coco_buf *reply, struct coco_buf *packet)
{
    struct coco_secret annotation = {0};
    coco_error *err = NULL;

    assert_ok(coco_provider_reply_read(coco_buf_text(reply), reply->len, true, &annotation, &err),
              err);
    assert_ok(coco_buf_append(packet, annotation.data, annotation.len, &err), err);
    coco_secret_done(&annotation);
}

#endif
