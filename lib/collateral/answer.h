/*
 * collateral/answer.h - what the makers' services answer
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_COLLATERAL_ANSWER_H
#define COCO_COLLATERAL_ANSWER_H

#include "collateral/items.h"
#include "collateral/request.h"

/*
 * The items that body is, and the header that request wants, or NULL; expires of each
 * is when it ends. They are what their names say, but nobody has verified them.
 * COCO_ERR_PROTO or COCO_ERR_LIMIT, of the peer's doing.
 */
coco_status coco_answer_parse(const struct coco_request *request, const char *header,
                              const void *body, size_t len, struct coco_items *ret,
                              coco_error **err);

/* A chain as it stands in a header: PEM, encoded as in a URL. */
coco_status coco_answer_decode(const char *text, struct coco_buf *pem, coco_error **err);

#endif
