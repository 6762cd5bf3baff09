/*
 * httpd/limits.h - what one peer can take of a server
 *
 * T44 in doc/threats.md. The defaults of what the configuration may change, and
 * what it may not: all of them are here, and all of them hold together. A byte
 * now and then moves none of the deadlines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_HTTPD_LIMITS_H
#define COCO_HTTPD_LIMITS_H

#include <stddef.h>

/* Sockets of a server. */
#define COCO_HTTPD_SOCKETS_MAX 64

/* Connections of a server; for more, those that wait longest are closed. */
#define COCO_HTTPD_CONNECTIONS 1024

/*
 * Request line and headers together, as much as upstream's server takes: a token holds all
 * events of a boot. Those that are longer than most share memory with the bodies.
 */
#define COCO_HTTPD_HEAD_MAX ((size_t)128 << 10)
#define COCO_HTTPD_HEAD_SMALL ((size_t)16 << 10)

/* Accept headers of a request. */
#define COCO_HTTPD_ACCEPTS_MAX 32

/* MiB of a body. */
#define COCO_HTTPD_BODY_MIB 2

/*
 * MiB of all bodies together that are longer than COCO_HTTPD_BODY_SMALL, and of heads that are
 * longer than COCO_HTTPD_HEAD_SMALL. Those below are let in always, or a few peers with long ones
 * could keep all others out.
 */
#define COCO_HTTPD_BODIES_MIB 64
#define COCO_HTTPD_BODY_SMALL ((size_t)64 << 10)

/* Seconds from the connection, or the first byte of a later request, to the end of its head and of
 * the TLS handshake before it. */
#define COCO_HTTPD_HEAD_SECONDS 15

/*
 * Bytes of all extensions and trailers together of a body in chunks, which nobody looks at. Its
 * length counts as that of another body does, chunk by chunk as they are announced.
 */
#define COCO_HTTPD_CHUNK_EXTRA ((size_t)4 << 10)

/* Seconds for a body. */
#define COCO_HTTPD_BODY_SECONDS 60

/* Bytes of a body made bit by bit that are kept for a peer which has not taken them. */
#define COCO_HTTPD_CHUNK ((size_t)64 << 10)

/* Seconds for a peer to take its reply, or one chunk of it. */
#define COCO_HTTPD_WRITE_SECONDS 60

/* Seconds between two requests. */
#define COCO_HTTPD_IDLE_SECONDS 60

/* The longest that any of them can be set to. */
#define COCO_HTTPD_SECONDS_MAX 3600

/*
 * After a last reply the peer is still listened to, for what was not read makes the
 * system drop the reply, too: for so many seconds, and so many bytes.
 */
#define COCO_HTTPD_LINGER_SECONDS 2
#define COCO_HTTPD_LINGER_BYTES ((size_t)4 << 20)

/* Seconds that replies under way may take once the server stops. */
#define COCO_HTTPD_STOP_SECONDS 5

/* Milliseconds without new connections when the process has no descriptor left for one. */
#define COCO_HTTPD_PAUSE_MS 100

#endif
