/*
 * kbs/limits.h - what one peer can take of a KBS
 *
 * T44 in doc/threats.md. The defaults of what the configuration may change, and
 * what it may not: all of them are here, and all of them hold together. A byte
 * now and then moves none of the deadlines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_LIMITS_H
#define COCO_KBS_LIMITS_H

#include <stddef.h>

/* Connections of a server; those above are closed at once. [http_server] max_connections */
#define COCO_KBS_CONNECTIONS 1024

/* Request line and headers together. */
#define COCO_KBS_HEAD_MAX ((size_t)16 << 10)

/* MiB of a body. [http_server] payload_request_size */
#define COCO_KBS_BODY_MIB 2

/* Seconds from the connection, or the first byte of a later request, to the end of its head and
 * of the TLS handshake before it. [http_server] head_timeout */
#define COCO_KBS_HEAD_SECONDS 15

/* Seconds for a body. [http_server] body_timeout */
#define COCO_KBS_BODY_SECONDS 60

/* Seconds for a peer to take its reply. [http_server] write_timeout */
#define COCO_KBS_WRITE_SECONDS 60

/* Seconds between two requests. [http_server] idle_timeout */
#define COCO_KBS_IDLE_SECONDS 60

/* The longest that any of them can be set to. */
#define COCO_KBS_SECONDS_MAX 3600

/* Seconds that replies under way may take once the server stops. */
#define COCO_KBS_STOP_SECONDS 5

/* Milliseconds without new connections when the process has no descriptor left for one. */
#define COCO_KBS_PAUSE_MS 100

#endif
