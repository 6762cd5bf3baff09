/*
 * coco/coco.h - all of libcoco
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_COCO_H
#define COCO_COCO_H

/**
 * @file
 * All of libcoco, and what it asks of the program that it is in.
 *
 * It leaves alone what belongs to the process: signals, their handlers and masks, locale,
 * umask, working directory, standard streams; and the environment, but for what
 * coco_image_client_add_pkcs11_key() says. Its own threads take no signals, and a peer that
 * goes away raises no SIGPIPE. It does not need a terminal, a home or /proc, but where a
 * function says so.
 *
 * Of the program it asks:
 *
 * - A child of fork() neither uses nor frees what was made before: it has not the threads,
 *   and shares the sockets and what wakes a call, so that what it cancels, stops or frees
 *   ends in the parent. It may make objects of its own, or run another program; connections
 *   are closed there.
 * - No thread changes the environment while another is in a call, as with all that uses
 *   getenv().
 * - Helpers for credentials, key providers and the engine of policies are children of this
 *   process. SIGCHLD may be ignored. A handler that waits for whichever child it is takes
 *   the exit code of ours, too, and what they printed counts alone then.
 * - A thread that makes calls has 128 KiB of stack.
 * - What it does to OpenSSL's default library context, its providers, properties such as
 *   `fips=yes` and configuration, it does to the library.
 */

#include <coco/admin.h>
#include <coco/attester.h>
#include <coco/bytes.h>
#include <coco/collateral.h>
#include <coco/context.h>
#include <coco/error.h>
#include <coco/image.h>
#include <coco/image_access.h>
#include <coco/image_owner.h>
#include <coco/initdata.h>
#include <coco/kbc.h>
#include <coco/measure.h>
#include <coco/references.h>
#include <coco/sealed.h>
#include <coco/sev.h>
#include <coco/store.h>
#include <coco/token.h>
#include <coco/types.h>
#include <coco/verifier.h>
#include <coco/version.h>

#endif
