/*
 * tests/image/test_download.c - lib/image/download.c, by registries with one fault each
 *
 * An image is pulled whole from a registry that is honest but for what a row of
 * the table says. The row says, too, what must come of it: the bundle, or which
 * error. Nothing else may be there afterwards. No row waits between tries.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/registry.h"

#include "base/context.h"
#include "base/fail.h"
#include "tests/faults.h"
#include "tests/image/faulty.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define RETRIES 3

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

static const struct row rows[] = {
    {.name = "no fault", .where = LAYER, .asked = 1},

    /* Bodies. */
    {.name = "layer cut once", .where = LAYER, FAULTS({.cut = 5000}), .asked = 2},
    {.name = "layer cut three times",
     .where = LAYER,
     FAULTS({.cut = 5000}, {.cut = 1}, {.cut = 60000}),
     .asked = 4},
    {.name = "layer cut at every 9000 bytes",
     .where = LAYER,
     .always = true,
     FAULTS({.cut = 9000}),
     .asked = 12},
    {.name = "layer cut before its first byte, always",
     .where = LAYER,
     .always = true,
     FAULTS({.cut = 0, .say = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"}),
     .want = COCO_ERR_VERIFY,
     .why = "5000 bytes instead of",
     .asked = 1},
    {.name = "layer reset in its middle",
     .where = LAYER,
     .asked = 2,
     FAULTS({.cut = 5000, .ending = RESET})},
    {.name = "layer cut in its head",
     .where = LAYER,
     FAULTS({.say = "HTTP/1.1 200 OK\r\nContent-Le"}),
     .asked = 2},
    {.name = "manifest cut once", .where = MANIFEST, FAULTS({.cut = 100}), .asked = 2},
    {.name = "manifest reset once",
     .where = MANIFEST,
     .asked = 2,
     FAULTS({.cut = 100, .ending = RESET})},
    {.name = "manifest cut always",
     .where = MANIFEST,
     .always = true,
     FAULTS({.cut = 100}),
     .want = COCO_ERR_NET,
     .why = "",
     .asked = 1 + RETRIES},
    {.name = "config cut once", .where = CONFIG, FAULTS({.cut = 50}), .asked = 2},
    {.name = "config cut at every byte", /* the last may be lost only with what comes behind */
     .where = CONFIG,
     .always = true,
     FAULTS({.cut = 1}),
     .want = COCO_ERR_NET,
     .why = "",
     .asked = 1 + COCO_RETRY_TOTAL},
    {.name = "connections reset before an answer",
     .where = LAYER,
     FAULTS({.silent = true, .ending = RESET}, {.silent = true, .ending = RESET}),
     .asked = 3},
    {.name = "connections closed before an answer",
     .where = MANIFEST,
     FAULTS({.silent = true}, {.silent = true}, {.silent = true}),
     .asked = 4},
    {.name = "connections closed before any answer",
     .where = MANIFEST,
     .always = true,
     FAULTS({.silent = true}),
     .want = COCO_ERR_NET,
     .why = "mpty reply",
     .asked = 1 + RETRIES},
    {.name = "connection closed between requests",
     .where = MANIFEST,
     .asked = 1,
     FAULTS({.closes = true})},
    {.name = "length one more",
     .where = LAYER,
     FAULTS({.length = 1, .more = 1}),
     .want = COCO_ERR_VERIFY,
     .why = "bytes instead of",
     .asked = 1},
    {.name = "length one less",
     .where = LAYER,
     FAULTS({.length = -1}),
     .want = COCO_ERR_VERIFY,
     .why = "bytes instead of",
     .asked = 1},
    {.name = "length of nothing",
     .where = LAYER,
     FAULTS({.say = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}),
     .want = COCO_ERR_VERIFY,
     .why = "0 bytes instead of",
     .asked = 1},
    {.name = "length that is none",
     .where = LAYER,
     FAULTS({.say = "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"}),
     .want = COCO_ERR_PROTO,
     .why = "Content-Length",
     .asked = 1},
    {.name = "length missing", .where = LAYER, .asked = 1, FAULTS({.framing = NO_LENGTH})},
    {.name = "length missing, and cut",
     .where = LAYER,
     FAULTS({.framing = NO_LENGTH, .cut = 5000}),
     .asked = 2},
    {.name = "length missing, and too much",
     .where = LAYER,
     FAULTS({.framing = NO_LENGTH, .more = 1}),
     .want = COCO_ERR_VERIFY,
     .why = "more than the",
     .asked = 1},
    {.name = "length missing of a manifest",
     .where = MANIFEST,
     .asked = 1,
     FAULTS({.framing = NO_LENGTH})},
    {.name = "chunked", .where = LAYER, .asked = 1, FAULTS({.framing = CHUNKED})},
    {.name = "chunked, and cut",
     .where = LAYER,
     .asked = 2,
     FAULTS({.framing = CHUNKED, .cut = 5000})},
    {.name = "chunked, all there but the end",
     .where = LAYER,
     FAULTS({.framing = CHUNKED, .cut = SIZE_MAX}),
     .asked = 1},
    {.name = "chunked, and too much",
     .where = LAYER,
     FAULTS({.framing = CHUNKED, .more = 10}),
     .want = COCO_ERR_VERIFY,
     .why = "more than the",
     .asked = 1},
    {.name = "chunks that are broken",
     .where = LAYER,
     .asked = 2,
     FAULTS({.framing = BAD_CHUNKS, .cut = 5000})},
    {.name = "chunks that are broken, always",
     .where = MANIFEST,
     .always = true,
     FAULTS({.framing = BAD_CHUNKS, .cut = 10}),
     .want = COCO_ERR_NET,
     .why = "",
     .asked = 1 + RETRIES},
    {.name = "chunks without an end",
     .where = LAYER,
     FAULTS({.framing = ENDLESS}),
     .want = COCO_ERR_VERIFY,
     .why = "more than the",
     .asked = 1},
    {.name = "manifest without an end",
     .where = MANIFEST,
     FAULTS({.framing = ENDLESS}),
     .want = COCO_ERR_LIMIT,
     .why = "4194304 bytes",
     .asked = 1},
    {.name = "bytes behind the end", .where = LAYER, .asked = 1, FAULTS({.more = 7})},
    {.name = "content encoding that is not there",
     .where = LAYER,
     FAULTS({.headers = "Content-Encoding: gzip\r\n"}),
     .asked = 1},
    {.name = "content encoding that is there",
     .where = LAYER,
     FAULTS({.say = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n"
                    "\x1f\x8b\x08"}),
     .want = COCO_ERR_VERIFY,
     .why = "20 bytes instead of",
     .asked = 1},
    {.name = "a byte changed",
     .where = LAYER,
     FAULTS({.flip = 60000}),
     .want = COCO_ERR_VERIFY,
     .why = "want sha256",
     .asked = 1},
    {.name = "a byte changed in the config",
     .where = CONFIG,
     FAULTS({.flip = 20}),
     .want = COCO_ERR_VERIFY,
     .why = "want sha256",
     .asked = 1},
    {.name = "a layer of another size than the manifest says",
     .where = LAYER,
     .size = -512,
     .want = COCO_ERR_VERIFY,
     .why = "bytes instead of",
     .asked = 1},

    /* Resuming. */
    {.name = "Range ignored", .where = LAYER, .asked = 2, THEN({.whole = true})},
    {.name = "Range ignored, and cut before and behind",
     .where = LAYER,
     .asked = 4,
     THEN({.whole = true, .cut = 3000}, {.whole = true, .cut = 9000}, {.whole = true})},
    {.name = "Range ignored, and never past the cut",
     .where = LAYER,
     .always = true,
     FAULTS({.whole = true, .cut = 5000}),
     .want = COCO_ERR_NET,
     .why = "",
     .asked = 1 + RETRIES},
    {.name = "Range ignored, chunked",
     .where = LAYER,
     .asked = 2,
     THEN({.whole = true, .framing = CHUNKED})},
    {.name = "Range ignored, and another blob",
     .where = LAYER,
     THEN({.whole = true, .flip = 60000}),
     .want = COCO_ERR_VERIFY,
     .why = "want sha256",
     .asked = 2},
    {.name = "Range ignored, and another length",
     .where = LAYER,
     THEN({.whole = true, .length = 3}),
     .want = COCO_ERR_VERIFY,
     .why = "bytes instead of",
     .asked = 2},
    {.name = "part that begins earlier", .where = LAYER, .asked = 2, THEN({.shift = -1000})},
    {.name = "part that begins at 0", .where = LAYER, .asked = 2, THEN({.shift = -5000})},
    {.name = "part that begins later",
     .where = LAYER,
     THEN({.shift = 1000}),
     .want = COCO_ERR_PROTO,
     .why = "asked for all from 5000 on",
     .asked = 2},
    {.name = "part that ends early",
     .where = LAYER,
     .asked = 4,
     THEN({.most = 10}, {.most = 20000})},
    {.name = "part of one byte, always",
     .where = CONFIG,
     .always = true,
     FAULTS({.cut = 5}, {.most = 1}),
     .want = COCO_ERR_NET,
     .why = "it ends after 10",
     .asked = 1 + COCO_RETRY_TOTAL},
    {.name = "part that is cut", .where = LAYER, .asked = 3, THEN({.cut = 5000})},
    {.name = "part that is chunked", .where = LAYER, .asked = 2, THEN({.framing = CHUNKED})},
    {.name = "part that is too long",
     .where = LAYER,
     THEN({.framing = CHUNKED, .more = 9}),
     .want = COCO_ERR_VERIFY,
     .why = "more than the",
     .asked = 2},
    {.name = "part with another length than its range",
     .where = LAYER,
     THEN({.length = 2}),
     .want = COCO_ERR_VERIFY,
     .why = "bytes instead of",
     .asked = 2},
    {.name = "part of another total",
     .where = LAYER,
     THEN({.range = "bytes 5000-9999/10000"}),
     .want = COCO_ERR_VERIFY,
     .why = "10000 bytes instead of",
     .asked = 2},
    {.name = "part of an unknown total",
     .where = LAYER,
     .asked = 3,
     THEN({.range = "bytes 5000-9999/*", .cut = 5000, .length = -200000})},
    {.name = "part past the end",
     .where = LAYER,
     THEN({.range = "bytes 5000-99999999/*"}),
     .want = COCO_ERR_PROTO,
     .why = "bytes 5000 to 99999999",
     .asked = 2},
    {.name = "part without a range",
     .where = LAYER,
     THEN({.range = ""}),
     .want = COCO_ERR_PROTO,
     .why = "not which one",
     .asked = 2},
    {.name = "part with a range that is none",
     .where = LAYER,
     THEN({.range = "bytes 5000-/"}),
     .want = COCO_ERR_PROTO,
     .why = "not which one",
     .asked = 2},
    {.name = "part that is not satisfied",
     .where = LAYER,
     THEN({.range = "bytes */9999"}),
     .want = COCO_ERR_PROTO,
     .why = "not which one",
     .asked = 2},
    {.name = "multipart/byteranges",
     .where = LAYER,
     THEN({.range = "", .headers = "Content-Type: multipart/byteranges; boundary=x\r\n"}),
     .want = COCO_ERR_PROTO,
     .why = "not which one",
     .asked = 2},
    {.name = "part that nobody asked for",
     .where = LAYER,
     FAULTS({.part = true}),
     .want = COCO_ERR_PROTO,
     .why = "asked for all of it",
     .asked = 1},
    {.name = "416, and then all of it",
     .where = LAYER,
     .asked = 3,
     THEN({.status = "416 Range Not Satisfiable", .headers = "Content-Range: bytes */3\r\n"})},
    {.name = "416, and then a part",
     .where = LAYER,
     THEN({.status = "416 Range Not Satisfiable"}, {.part = true}),
     .want = COCO_ERR_PROTO,
     .why = "asked for all of it",
     .asked = 3},
    {.name = "416 always",
     .where = LAYER,
     .always = true,
     THEN({.status = "416 Range Not Satisfiable"}),
     .want = COCO_ERR_NET,
     .why = "416",
     .asked = 3},
    {.name = "416 at once",
     .where = LAYER,
     .always = true,
     FAULTS({.status = "416 Range Not Satisfiable"}),
     .want = COCO_ERR_NET,
     .why = "416",
     .asked = 1},
    {.name = "ETag that changes with the bytes as they were",
     .where = LAYER,
     .asked = 2,
     THEN({.etag = "\"v2\""})},
    {.name = "ETag that changes with other bytes",
     .where = LAYER,
     THEN({.etag = "\"v2\"", .flip = 60000}),
     .want = COCO_ERR_VERIFY,
     .why = "want sha256",
     .asked = 2},
    {.name = "ETag that is weak",
     .where = LAYER,
     FAULTS({.cut = 5000, .etag = "W/\"v1\""}, {.etag = "W/\"v1\""}),
     .asked = 2},
    {.name = "ETag that is none",
     .where = LAYER,
     FAULTS({.cut = 5000, .etag = "v1 v2"}, {.etag = "v1 v2"}),
     .asked = 2},
    {.name = "404 for what was there",
     .where = LAYER,
     THEN({.status = "404 Not Found"}),
     .want = COCO_ERR_NOTFOUND,
     .why = "404",
     .asked = 2},
    {.name = "busy in the middle",
     .where = LAYER,
     .asked = 4,
     THEN({.status = "503 Busy", .headers = "Retry-After: 1\r\n"}, {.status = "500 Oops"})},

    /* Statuses. */
    ONE_STATUS("408 Late", ""),
    ONE_STATUS("429 Slow", ""),
    ONE_STATUS("500 Oops", ""),
    ONE_STATUS("502 Bad", ""),
    ONE_STATUS("503 Busy", ""),
    ONE_STATUS("504 Late", ""),
    ONE_STATUS("429 Slow", "Retry-After: 5\r\n"),
    ONE_STATUS("429 Slow", "Retry-After: 0\r\n"),
    ONE_STATUS("429 Slow", "Retry-After: 31536000\r\n"),
    ONE_STATUS("429 Slow", "Retry-After: 99999999999999999999999\r\n"),
    ONE_STATUS("429 Slow", "Retry-After: -1\r\n"),
    ONE_STATUS("429 Slow", "Retry-After: soon\r\n"),
    ONE_STATUS("429 Slow", "Retry-After:\r\n"),
    ONE_STATUS("429 Slow", "Retry-After: 1\r\nRetry-After: 2\r\n"),
    ONE_STATUS("503 Busy", "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"),
    ONE_STATUS("503 Busy", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n"),
    ONE_STATUS("503 Busy", "Retry-After: Sunday, 06-Nov-94 08:49:37 GMT\r\n"),
    ONE_STATUS("503 Busy", "Retry-After: Sun, 06 Nov 1994 08:49:61 GMT\r\n"),
    ALL_STATUS("503", COCO_ERR_NET, 1 + RETRIES),
    ALL_STATUS("429", COCO_ERR_NET, 1 + RETRIES),
    ALL_STATUS("400", COCO_ERR_NET, 1),
    ALL_STATUS("403", COCO_ERR_DENIED, 1),
    ALL_STATUS("404", COCO_ERR_NOTFOUND, 1),
    ALL_STATUS("410", COCO_ERR_NET, 1),
    ALL_STATUS("501", COCO_ERR_NET, 1),
    ALL_STATUS("204", COCO_ERR_NET, 1),
    ALL_STATUS("304", COCO_ERR_NET, 1),
    {.name = "manifest busy twice",
     .where = MANIFEST,
     .asked = 3,
     FAULTS({.status = "503 Busy"}, {.status = "502 Bad"})},
    {.name = "config busy twice",
     .where = CONFIG,
     .asked = 3,
     FAULTS({.status = "503 Busy"}, {.status = "502 Bad"})},

    /* Stalls, which end after a second: libcurl forgets what came before them within six. */
    {.name = "stall before the head",
     .where = LAYER,
     .asked = 2,
     FAULTS({.silent = true, .ending = HANG})},
    {.name = "stall in the body", .where = LAYER, .asked = 2, FAULTS({.cut = 100, .ending = HANG})},
    {.name = "drip in the body", .where = LAYER, .asked = 2, FAULTS({.cut = 100, .ending = DRIP})},
    {.name = "stall of the manifest",
     .where = MANIFEST,
     .asked = 2,
     FAULTS({.cut = 10, .ending = HANG})},

    /* Heads. */
    {.name = "interim answers",
     .where = MANIFEST,
     FAULTS({.say = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 503 Busy\r\n"
                    "Content-Length: 0\r\n\r\n"}),
     .asked = 2},
    {.name = "a head that is none",
     .where = LAYER,
     FAULTS({.say = "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"}),
     .want = COCO_ERR_PROTO,
     .why = "",
     .asked = 1},
    {.name = "control bytes in the head",
     .where = LAYER,
     FAULTS({.headers = "X: \033[2J\r\n"}),
     .want = COCO_ERR_PROTO,
     .why = "control bytes",
     .asked = 1},
    {.name = "HTTP/0.9",
     .where = LAYER,
     FAULTS({.say = "hello\r\n"}),
     .want = COCO_ERR_PROTO,
     .why = "",
     .asked = 1},

    /* Tokens. */
    {.name = "token", .where = TOKEN, .auth = true, .asked = 1},
    {.name = "token that expires before the layer",
     .where = CONFIG,
     .auth = true,
     .asked = 1,
     FAULTS({.expires = true})},
    {.name = "token that expires while the layer is cut",
     .where = LAYER,
     .auth = true,
     .asked = 2,
     FAULTS({.cut = 5000, .expires = true})},
    {.name = "token that expires at every cut",
     .where = LAYER,
     .auth = true,
     .always = true,
     .asked = 12,
     FAULTS({.cut = 9000, .expires = true})},
    {.name = "token server in trouble once",
     .where = TOKEN,
     .auth = true,
     .asked = 2,
     FAULTS({.status = "500 Oops"})},
    {.name = "token server slow",
     .where = TOKEN,
     .auth = true,
     .asked = 2,
     FAULTS({.status = "429 Slow", .headers = "Retry-After: 3\r\n"})},
    {.name = "token server cut", .where = TOKEN, .auth = true, .asked = 2, FAULTS({.cut = 3})},
    {.name = "token server gone once",
     .where = TOKEN,
     .auth = true,
     .asked = 2,
     FAULTS({.silent = true})},
    {.name = "token server in trouble",
     .where = TOKEN,
     .auth = true,
     .always = true,
     FAULTS({.status = "500 Oops"}),
     .want = COCO_ERR_NET,
     .why = "token server answers 500",
     .asked = 1 + RETRIES},
    {.name = "token server refuses",
     .where = TOKEN,
     .auth = true,
     FAULTS({.status = "401 No"}),
     .want = COCO_ERR_DENIED,
     .why = "refuses the credentials",
     .asked = 1},
    {.name = "token without expiry",
     .where = TOKEN,
     .auth = true,
     .asked = 1,
     FAULTS({.body = "{\"access_token\":\"t1\"}"})},
    {.name = "token in JSON that is none",
     .where = TOKEN,
     .auth = true,
     FAULTS({.body = "{\"token\":\"t1\""}),
     .want = COCO_ERR_PROTO,
     .why = "token",
     .asked = 1},
    {.name = "token in a page",
     .where = TOKEN,
     .auth = true,
     FAULTS({.body = "<html><body>Please log in</body></html>"}),
     .want = COCO_ERR_PROTO,
     .why = "token",
     .asked = 1},
    {.name = "token of two lines",
     .where = TOKEN,
     .auth = true,
     FAULTS({.body = "{\"token\":\"t1\\r\\nX: y\"}"}),
     .want = COCO_ERR_PROTO,
     .why = "no token",
     .asked = 1},
    {.name = "token that is no good",
     .where = TOKEN,
     .auth = true,
     .always = true,
     FAULTS({.body = "{\"token\":\"other\"}"}),
     .want = COCO_ERR_DENIED,
     .why = "401",
     .asked = 1},
    {.name = "realm of a file",
     .where = TOKEN,
     .auth = true,
     .realm = "file:///etc/passwd",
     .want = COCO_ERR_PROTO,
     .why = "token server"},
    {.name = "realm without TLS",
     .where = TOKEN,
     .auth = true,
     .tls = GOOD,
     .realm = "http://127.0.0.1:1/token",
     .want = COCO_ERR_PROTO,
     .why = "not at a URL of https"},
    {.name = "realm where nobody is",
     .where = TOKEN,
     .auth = true,
     .realm = "http://127.0.0.1:1/token",
     .want = COCO_ERR_NET,
     .why = "token"},

    /* Redirects. */
    {.name = "redirect",
     .where = LAYER,
     .asked = 1,
     FAULTS({.status = "307 Away", .headers = "Location: @/hop/0\r\n"})},
    {.name = "redirect that is relative",
     .where = LAYER,
     .asked = 1,
     FAULTS({.status = "302 Away", .headers = "Location: ../../../../hop/0\r\n"})},
    {.name = "redirect 5 deep",
     .where = LAYER,
     .asked = 1,
     FAULTS({.status = "302 Away", .headers = "Location: /hop/4\r\n"})},
    {.name = "redirect 6 deep",
     .where = LAYER,
     FAULTS({.status = "302 Away", .headers = "Location: /hop/5\r\n"}),
     .want = COCO_ERR_LIMIT,
     .why = "more than 5 redirects",
     .asked = 1},
    {.name = "redirect in a circle",
     .where = LAYER,
     FAULTS({.status = "302 Away", .headers = "Location: /circle\r\n"}),
     .want = COCO_ERR_LIMIT,
     .why = "more than 5 redirects",
     .asked = 1},
    {.name = "redirect to a file",
     .where = LAYER,
     FAULTS({.status = "302 Away", .headers = "Location: file:///etc/passwd\r\n"}),
     .want = COCO_ERR_PROTO,
     .why = "redirect",
     .asked = 1},
    {.name = "redirect out of TLS",
     .where = LAYER,
     .tls = GOOD,
     FAULTS({.status = "302 Away", .headers = "Location: ~/cdn\r\n"}),
     .want = COCO_ERR_PROTO,
     .why = "from https to http",
     .asked = 1},
    {.name = "redirect with a password",
     .where = LAYER,
     FAULTS({.status = "302 Away", .headers = "Location: http://a:b@127.0.0.1/\r\n"}),
     .want = COCO_ERR_PROTO,
     .why = "redirect",
     .asked = 1},
    {.name = "redirect to nowhere",
     .where = LAYER,
     FAULTS({.status = "302 Away"}),
     .want = COCO_ERR_NET,
     .why = "302",
     .asked = 1},
    {.name = "redirect to another host",
     .where = LAYER,
     .auth = true,
     .asked = 1,
     FAULTS({.status = "307 Away", .headers = "Location: ~/cdn\r\n"})},
    {.name = "redirect to another host that cuts",
     .where = LAYER,
     .auth = true,
     .asked = 2,
     FAULTS({.status = "307 Away", .headers = "Location: ~/cut\r\n"},
            {.status = "307 Away", .headers = "Location: ~/cdn\r\n"})},
    {.name = "redirect to a host that is down, once",
     .where = LAYER,
     .asked = 2,
     FAULTS({.status = "307 Away", .headers = "Location: http://127.0.0.1:1/\r\n"})},
    {.name = "redirect to a host that wants a password",
     .where = LAYER,
     .auth = true,
     .asked = 1,
     FAULTS({.status = "307 Away", .headers = "Location: ~/login\r\n"}),
     .want = COCO_ERR_DENIED,
     .why = "401"},

    /* TLS. */
    {.name = "TLS", .where = LAYER, .tls = GOOD, .asked = 1},
    {.name = "TLS, and cut", .where = LAYER, .tls = GOOD, .asked = 2, FAULTS({.cut = 5000})},
    {.name = "TLS, and reset",
     .where = LAYER,
     .tls = GOOD,
     .asked = 2,
     FAULTS({.cut = 5000, .ending = RESET})},
    {.name = "certificate of its own",
     .where = MANIFEST,
     .tls = SELF_SIGNED,
     .want = COCO_ERR_VERIFY,
     .why = "certificate"},
    {.name = "certificate of another host",
     .where = MANIFEST,
     .tls = OTHER_HOST,
     .want = COCO_ERR_VERIFY,
     .why = ""},
    {.name = "certificate that expired",
     .where = MANIFEST,
     .tls = EXPIRED,
     .want = COCO_ERR_VERIFY,
     .why = "expired"},
    {.name = "TLS 1.1", .where = MANIFEST, .tls = OLD, .want = COCO_ERR_NET, .why = ""},
    {.name = "no TLS where TLS should be",
     .where = MANIFEST,
     .tls = NONE_BEHIND_HTTPS,
     .want = COCO_ERR_NET,
     .why = ""},

    /* Manifests. */
    {.name = "manifest of another digest than it is said to have",
     .where = MANIFEST,
     FAULTS({.headers = "Docker-Content-Digest: sha256:"
                        "0000000000000000000000000000000000000000000000000000000000000000\r\n"}),
     .want = COCO_ERR_VERIFY,
     .why = "Docker-Content-Digest",
     .asked = 1},
    {.name = "manifest with a digest that is none",
     .where = MANIFEST,
     .asked = 1,
     FAULTS({.headers = "Docker-Content-Digest: latest\r\n"})},
    {.name = "manifest of another digest than was asked for",
     .where = MANIFEST,
     .pinned = true,
     .want = COCO_ERR_VERIFY,
     .why = "want sha256:0000",
     .asked = 1},
    {.name = "manifest called something else",
     .where = MANIFEST,
     FAULTS({.status = "200 OK",
             .headers = "Content-Type: application/vnd.oci.image.index.v1+json\r\n",
             .body = "{\"schemaVersion\":2,\"mediaType\":"
                     "\"application/vnd.oci.image.manifest.v1+json\"}"}),
     .want = COCO_ERR_PROTO,
     .why = "",
     .asked = 1},
    {.name = "manifest that is a page",
     .where = MANIFEST,
     FAULTS({.status = "200 OK",
             .headers = "Content-Type: text/html\r\n",
             .body = "<html><body>Welcome to the hotel</body></html>"}),
     .want = COCO_ERR_PROTO,
     .why = "",
     .asked = 1},
    {.name = "manifest of half its JSON",
     .where = MANIFEST,
     FAULTS({.body = "{\"schemaVersion\":2,\"config\":{"}),
     .want = COCO_ERR_PROTO,
     .why = "",
     .asked = 1},
    {.name = "manifest of nothing",
     .where = MANIFEST,
     FAULTS({.body = ""}),
     .want = COCO_ERR_PROTO,
     .why = "",
     .asked = 1},
    {.name = "manifest as a part",
     .where = MANIFEST,
     FAULTS({.part = true}),
     .want = COCO_ERR_NET,
     .why = "206",
     .asked = 1},
    {.name = "index", .where = MANIFEST, .indexes = 1, .asked = 2},
    {.name = "index, and cut",
     .where = MANIFEST,
     .indexes = 1,
     .asked = 4,
     FAULTS({.cut = 10}, {.cut = 20})},
    {.name = "indexes 4 deep", .where = MANIFEST, .indexes = COCO_INDEX_DEPTH_MAX, .asked = 5},
    {.name = "indexes 5 deep",
     .where = MANIFEST,
     .indexes = COCO_INDEX_DEPTH_MAX + 1,
     .want = COCO_ERR_LIMIT,
     .why = "indexes within each other"},
    {.name = "index of other machines",
     .where = MANIFEST,
     .indexes = 1,
     .arch = "s390x",
     .want = COCO_ERR_NOTFOUND,
     .why = "",
     .asked = 1},
};

_Static_assert(COUNT(rows) >= 100, "faults went missing");

static SSL_CTX *
make_tls(const struct pki_cert *issuer, const char *host, int days)
{
    struct pki_cert cert = {0};

    pki_make(&cert, issuer, host, days);
    SSL_CTX *tls = pki_server(&cert, NULL);
    pki_done(&cert);
    return tls;
}

static int
begin(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    make_temp_dir(w->top, sizeof(w->top));
    (void)snprintf(w->dir, sizeof(w->dir), "%s/bundle", w->top);
    fake_clock_begin(&w->clock);
    assert_ok(coco_ctx_new(&w->ctx, &w->err), w->err);
    assert_ok(coco_image_client_new(&w->client, &w->err), w->err);
    assert_ok(coco_image_client_set_platform(w->client, "linux/amd64", &w->err), w->err);
    assert_ok(coco_image_options_set(&w->limits, NULL, 0, &w->err), w->err);
    memset(w->big, 'x', sizeof(w->big));
    w->layer.len = 0;
    tarball_add(&w->layer, '0', "small", "", "one", 3);
    tarball_add(&w->layer, '0', "big", "", w->big, sizeof(w->big));
    tarball_end(&w->layer);
    digest_text(w, w->layer.data, w->layer.len, w->layer_digest);
    (void)snprintf(w->config, sizeof(w->config),
                   "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{},"
                   "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
                   w->layer_digest);
    digest_text(w, w->config, strlen(w->config), w->config_digest);
    pki_make(&w->ca, NULL, NULL, 30);
    w->ca_pem = pki_pem(&w->ca);
    w->tls[GOOD] = make_tls(&w->ca, "127.0.0.1", 30);
    w->tls[SELF_SIGNED] = make_tls(NULL, "127.0.0.1", 30);
    w->tls[OTHER_HOST] = make_tls(&w->ca, "other.test", 30);
    w->tls[EXPIRED] = make_tls(&w->ca, "127.0.0.1", -1);
    w->tls[OLD] = make_tls(&w->ca, "127.0.0.1", 30);
    (void)SSL_CTX_set_max_proto_version(w->tls[OLD], TLS1_1_VERSION);
    *state = w;
    return 0;
}

static int
end(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < COUNT(w->tls); i++)
        SSL_CTX_free(w->tls[i]);
    OPENSSL_free(w->ca_pem);
    pki_done(&w->ca);
    coco_auth_done(&w->auth);
    coco_image_client_free(w->client);
    coco_ctx_free(w->ctx);
    coco_error_free(w->err);
    remove_temp_dir(w->top);
    free(w);
    return 0;
}

/* What is asked for in the row. */
static coco_status
make_ref(const struct world *w, const struct row *row, coco_image_ref **ret, coco_error **err)
{
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    char text[256];

    (void)snprintf(text, sizeof(text), "127.0.0.1:%d/acme/app%s%s", w->httpd.port,
                   row->pinned ? "@sha256:" : ":1", row->pinned ? zeros : "");
    return coco_image_ref_parse(text, ret, err);
}

static coco_status
open_source(struct world *w, const struct row *row, uint32_t retries, struct coco_source *ret,
            coco_error **err)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    bool secure = row->tls != PLAIN;
    char text[256];
    const struct coco_registry_options opts = {
        .plain_http = !secure,
        .tls_ca = secure ? w->ca_pem : NULL,
        .tls_ca_len = secure ? strlen(w->ca_pem) : 0,
        .auth = &w->auth,
        .stall_timeout = 1,
        .retry = {.retries = retries, .clock = &w->clock.clock},
    };

    int n =
        snprintf(text, sizeof(text),
                 "{\"auths\":{\"127.0.0.1:%d\":{\"auth\":\"YWxpY2U6czNjcmV0\"}}}", w->httpd.port);
    coco_auth_done(&w->auth);
    coco_status status = coco_auth_add(&w->auth, text, (size_t)n, err);
    if (status == COCO_OK)
        status = make_ref(w, row, &ref, err);
    if (status == COCO_OK)
        status = coco_registry_source(&opts, ref, ret, err);
    return status;
}

/* The image of the registry that follows the row. */
static coco_status
pull(struct world *w, const struct row *row, uint32_t retries, coco_error **err)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_(coco_image_freep) coco_image *image = NULL;
    _cleanup_source_ struct coco_source source = {0};

    coco_status status = open_source(w, row, retries, &source, err);
    if (status == COCO_OK)
        status = make_ref(w, row, &ref, err);
    const struct coco_pull_order order = {w->client, &source, ref, w->dir, w->limits, false};
    if (status == COCO_OK)
        status = coco_pull_from(&order, w->ctx, &image, err);
    return status;
}

static void
start(struct world *w, const struct row *row)
{
    describe(w, row);
    w->row = row;
    memset(w->asked, 0, sizeof(w->asked));
    w->tokens = w->expired = 0;
    w->leaked = w->weak_if_range = false;
    fake_clock_begin(&w->clock);
    httpd_start(&w->cdn, answer_elsewhere, w, NULL);
    httpd_start(&w->httpd, answer, w, row->tls == NONE_BEHIND_HTTPS ? NULL : w->tls[row->tls]);
}

static void
stop(struct world *w)
{
    httpd_stop(&w->httpd);
    httpd_stop(&w->cdn);
}

/* The bundle and nothing beside it, or nothing at all. */
static void
assert_all_or_nothing(const struct world *w, bool all)
{
    char path[160];
    struct stat st;
    size_t n = 0;
    const struct dirent *entry;
    DIR *stream = opendir(w->top);

    assert_non_null(stream);
    while ((entry = readdir(stream)))
        n += entry->d_name[0] != '.' || strlen(entry->d_name) > 2 ? 1 : 0;
    (void)closedir(stream);
    assert_int_equal(n, all ? 1 : 0);
    if (!all)
        return;
    (void)snprintf(path, sizeof(path), "%s/rootfs", w->dir);
    assert_file(path, "small", "one");
    (void)snprintf(path, sizeof(path), "%s/rootfs/big", w->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, BIG);
    (void)snprintf(path, sizeof(path), "%s/config.json", w->dir);
    assert_int_equal(stat(path, &st), 0);
}

static void
check_row(struct world *w, const struct row *row)
{
    coco_error *err = NULL;
    char why[300];

    start(w, row);
    coco_status status = pull(w, row, RETRIES, &err);
    stop(w);
    (void)snprintf(why, sizeof(why), "%.280s", err ? coco_error_message(err) : "");
    print_message("# %.*s: %s %s (%u times)\n", (int)strcspn(row->name, "\r"), row->name,
                  coco_status_name(status), why, w->asked[row->where]);
    assert_string_equal(coco_status_name(status), coco_status_name(row->want));
    assert_int_equal(err != NULL, row->want != COCO_OK);
    if (row->want != COCO_OK)
        assert_contains(coco_error_message(err), row->why);
    if (row->asked > 0)
        assert_int_equal(w->asked[row->where], row->asked);
    assert_false(w->leaked);
    assert_false(w->weak_if_range);
    assert_all_or_nothing(w, row->want == COCO_OK);
    if (row->want == COCO_OK)
        remove_temp_dir(w->dir);
    coco_error_free(err);
}

static void
faults_are_got_over_or_told_for_what_they_are(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < COUNT(rows); i++)
        check_row(w, &rows[i]);
}

/* Whoever wants no second try gets none, and the first one's error. */
static void
without_retries_one_try_is_all(void **state)
{
    const struct row cut = {.name = "", .where = LAYER, FAULTS({.cut = 5000})};
    const struct row busy = {.name = "", .where = MANIFEST, FAULTS({.status = "503 Busy"})};
    struct world *w = *state;
    coco_error *err = NULL;

    start(w, &cut);
    coco_status first = pull(w, &cut, COCO_RETRIES_NONE, &err);
    stop(w);
    assert_fails(first, err, COCO_ERR_NET, "");
    assert_int_equal(w->asked[LAYER], 1);
    start(w, &busy);
    coco_status second = pull(w, &busy, COCO_RETRIES_NONE, &err);
    stop(w);
    assert_fails(second, err, COCO_ERR_NET, "503");
    assert_int_equal(w->asked[MANIFEST], 1);
    assert_int_equal(w->clock.all, 0);
}

static coco_status
take_some(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    size_t *left = self;

    (void)data;
    if (len > *left)
        return coco_fail(err, COCO_ERR_NET, "the other end is full");
    *left -= len;
    return COCO_OK;
}

/* Not even when it says that it was the network, as an upload would. */
static void
a_sink_that_fails_is_not_fed_again(void **state)
{
    const struct row row = {.name = "", .where = LAYER, FAULTS({.cut = 5000})};
    struct world *w = *state;
    _cleanup_source_ struct coco_source source = {0};
    struct coco_descriptor blob = {.size = w->layer.len};
    size_t left = 6000;
    const struct coco_sink sink = {.write = take_some, .self = &left};
    coco_error *err = NULL;

    assert_ok(coco_digest_parse(w->layer_digest, &blob.digest, &w->err), w->err);
    start(w, &row);
    coco_status status = open_source(w, &row, RETRIES, &source, &err);
    if (status == COCO_OK)
        status = source.blob(source.self, w->ctx, &blob, &sink, &err);
    stop(w);
    assert_fails(status, err, COCO_ERR_NET, "the other end is full");
    assert_int_equal(w->asked[LAYER], 2);
}

/* Canceled while it waits for a registry that is busy. */
static void
a_wait_is_canceled(void **state)
{
    const struct row busy = {
        .name = "",
        .where = LAYER,
        .always = true,
        FAULTS({.cut = 5000}, {.status = "503 Busy", .headers = "Retry-After: 60\r\n"})};
    struct world *w = *state;
    coco_error *err = NULL;

    start(w, &busy);
    w->clock.cancel_at = 2;
    coco_status status = pull(w, &busy, RETRIES, &err);
    stop(w);
    coco_ctx_free(w->ctx);
    w->ctx = NULL;
    assert_ok(coco_ctx_new(&w->ctx, &w->err), w->err);
    assert_fails(status, err, COCO_ERR_CANCELED, "canceled");
    assert_int_equal(w->asked[LAYER], 2);
    assert_all_or_nothing(w, false);
}

static coco_status
count(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    (void)data;
    (void)err;
    *(size_t *)self += len;
    return COCO_OK;
}

static void
a_resumed_blob_survives_any_failed_allocation(void **state)
{
    const struct row row = {
        .name = "", .where = LAYER, .auth = true, .always = true, FAULTS({.cut = 40000})};
    struct world *w = *state;
    struct coco_descriptor blob = {.size = w->layer.len};
    unsigned n_failed = 0;

    assert_ok(coco_digest_parse(w->layer_digest, &blob.digest, &w->err), w->err);
    start(w, &row);
    for_each_fault()
    {
        _cleanup_source_ struct coco_source source = {0};
        coco_error *err = NULL;
        size_t got = 0;
        const struct coco_sink sink = {.write = count, .self = &got};

        faults_pause();
        coco_status status = open_source(w, &row, RETRIES, &source, &err);
        faults_resume();
        w->tokens = w->expired = 0;
        if (status == COCO_OK)
            status = source.blob(source.self, w->ctx, &blob, &sink, &err);
        /* What went into the message of an error that was got over is not missed. */
        if (status != COCO_OK)
            fault_expect(status, err);
        else
            assert_int_equal(got, blob.size);
        n_failed += status != COCO_OK ? 1 : 0;
        coco_error_free(err);
    }
    stop(w);
    assert_true(n_failed > 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_got_over_or_told_for_what_they_are),
        cmocka_unit_test(without_retries_one_try_is_all),
        cmocka_unit_test(a_sink_that_fails_is_not_fed_again),
        cmocka_unit_test(a_wait_is_canceled),
        cmocka_unit_test(a_resumed_blob_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/download", tests, begin, end);
}
