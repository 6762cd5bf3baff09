/*
 * image/helper.h - programs that keep credentials
 *
 * Source: docker's credential-helpers, "Development": docker-credential-NAME get
 * reads a server's name from stdin and writes {"ServerURL","Username","Secret"}.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_HELPER_H
#define COCO_IMAGE_HELPER_H

#include "image/credentials.h"

#include <coco/context.h>

/* A list of absolute directories with ":" between; COCO_ERR_INVALID for anything else. */
coco_status coco_helper_check_path(const char *path, coco_error **err);

/* COCO_ERR_PROTO unless name is a word: it becomes part of a file's name. */
coco_status coco_helper_check_name(const char *name, coco_error **err);

/*
 * Asks the helper name, from the first directory of path that has it, for the
 * credentials of server. Empty ones, and COCO_OK, when it says that it has none.
 *
 * Its environment is path and those few variables that helpers find their store by.
 * COCO_ERR_NOTFOUND when there is no such helper, COCO_ERR_IO when it fails,
 * COCO_ERR_PROTO when what it says is no answer; errors of coco_program_run()
 * besides. What it wrote to stderr is in the message, what may be a secret is not.
 */
coco_status coco_helper_get(const char *path, coco_ctx *ctx, const char *name, const char *server,
                            struct coco_credentials *ret, coco_error **err);

#endif
