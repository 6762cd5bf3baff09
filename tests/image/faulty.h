/*
 * tests/image/faulty.h - a registry that is honest but for what a row of a table says
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_IMAGE_FAULTY_H
#define COCO_TESTS_IMAGE_FAULTY_H

#include "image/pull.h"
#include "image/registry.h"
#include "tests/fakeclock.h"
#include "tests/httpd.h"
#include "tests/pki.h"
#include "tests/tarball.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BIG 100000 /* bytes of the one file */
#define INDEXES_MAX (COCO_INDEX_DEPTH_MAX + 1)

enum where { MANIFEST, CONFIG, LAYER, TOKEN, WHERES };

enum framing { LENGTH, NO_LENGTH, CHUNKED, BAD_CHUNKS, ENDLESS };

/* What comes after the last byte of an answer that is not whole. */
enum ending { CLOSE, RESET, HANG, DRIP };

/* How one answer differs from an honest one. In texts @ is the registry's URL, ~ another host's. */
struct fault {
    const char *say;     /* this, as it is, and no more */
    const char *status;  /* this, with headers and body, and nothing of the honest answer */
    const char *headers; /* more lines of them */
    const char *body;    /* instead of the honest one */
    const char *range;   /* the whole field Content-Range; "": none */
    const char *etag;    /* "\"v1\"" otherwise */
    size_t cut;          /* bytes of the body, then comes the ending */
    size_t most;         /* bytes of a part, which is called so */
    long shift;          /* how much later a part begins than it was asked for */
    long length;         /* is added to Content-Length */
    size_t more;         /* bytes behind the end */
    size_t flip;         /* this byte is another one */
    enum framing framing;
    enum ending ending;
    bool silent;  /* the ending, and nothing before */
    bool whole;   /* does not know what a Range is */
    bool part;    /* says 206 though nobody asked for it */
    bool closes;  /* at the end, though it did not say so */
    bool expires; /* the token is good for no more than this answer */
};

enum tls { PLAIN, GOOD, SELF_SIGNED, OTHER_HOST, EXPIRED, OLD, NONE_BEHIND_HTTPS };

struct row {
    const char *name;
    enum where where;
    const struct fault *faults; /* of one answer after the other; then it is honest */
    size_t n_faults;
    bool always; /* the last fault is for ever */
    enum tls tls;
    bool auth;         /* wants a token */
    const char *realm; /* where from, if not from itself */
    int indexes;       /* around the manifest */
    const char *arch;  /* that the indexes tell */
    bool pinned;       /* by a digest that is another image's */
    long size;         /* is added to the layer's in the manifest */
    coco_status want;
    const char *why;
    unsigned asked; /* how often for where; 0: that does not matter */
};

#define FAULTS(...)                                                                                \
    .faults = (const struct fault[]){__VA_ARGS__},                                                 \
    .n_faults = COUNT(((const struct fault[]){__VA_ARGS__}))

/* Once, and then it is well. */
#define ONE_STATUS(text, headers_)                                                                 \
    {                                                                                              \
        .name = "status " text " once, " headers_, .where = LAYER, .asked = 2,                     \
        FAULTS({.status = text, .headers = headers_}),                                             \
    }
/* For ever; tried is how often it must be asked for. */
#define ALL_STATUS(text, want_, tried)                                                             \
    {                                                                                              \
        .name = "status " text " always", .where = LAYER, .always = true, .want = want_,           \
        .why = text, .asked = tried, FAULTS({.status = text}),                                     \
    }
/* After a cut at byte 5000 comes this. */
#define THEN(...) FAULTS({.cut = 5000}, __VA_ARGS__)

/* The registry, what it has, and what was asked of it. */
struct world {
    char top[64];
    char dir[128];
    coco_ctx *ctx;
    coco_image_client *client;
    coco_image_options limits;
    struct coco_auth auth; /* for the registry of the row */
    struct fake_clock clock;

    struct tarball layer;
    char config[1024];
    char manifests[1 + INDEXES_MAX][1024]; /* the image's, and indexes around it */
    char digests[1 + INDEXES_MAX][COCO_DIGEST_TEXT_SIZE];
    char config_digest[COCO_DIGEST_TEXT_SIZE];
    char layer_digest[COCO_DIGEST_TEXT_SIZE];
    char big[BIG];

    struct pki_cert ca;
    SSL_CTX *tls[NONE_BEHIND_HTTPS];
    char *ca_pem;

    struct httpd httpd;
    struct httpd cdn; /* another host, without TLS */
    const struct row *row;
    unsigned asked[WHERES];
    unsigned tokens;    /* given so far: t1, t2, ... */
    unsigned expired;   /* those up to this one */
    bool leaked;        /* the other host saw credentials */
    bool weak_if_range; /* If-Range held what it may not */
    coco_error *err;
};

/* Text with the two URLs in the places of @ and ~. */
static const char *
expand(const struct world *w, const char *text, char *buf, size_t size)
{
    size_t len = 0;

    buf[0] = '\0';
    for (const char *p = text ? text : ""; *p && len < size - 1; p++) {
        if (*p == '@' || *p == '~')
            len += (size_t)snprintf(buf + len, size - len, "%s",
                                    *p == '@' ? w->httpd.url : w->cdn.url);
        else
            buf[len++] = *p;
        buf[len] = '\0';
    }
    return buf;
}

/* Something to be had: its type and bytes. */
struct thing {
    const char *type;
    const void *data;
    size_t len;
};

/* Where a body begins that answers the request. */
static inline size_t
asked_from(struct world *w, const struct httpd_request *request, const char *etag)
{
    char range[64];
    char if_range[64];

    httpd_header(request, "Range", range, sizeof(range));
    httpd_header(request, "If-Range", if_range, sizeof(if_range));
    if (*if_range && *if_range != '"')
        w->weak_if_range = true;
    if (strncmp(range, "bytes=", 6) != 0 || (*if_range && strcmp(if_range, etag) != 0))
        return 0;
    return strtoul(range + 6, NULL, 10);
}

/* Ends an answer of which these bytes are missing. */
static inline bool
finish(const struct httpd_request *request, enum ending ending, const void *missing, size_t len)
{
    struct httpd *httpd = request->httpd;
    const struct linger at_once = {.l_onoff = 1};

    if (ending == RESET)
        (void)setsockopt(httpd->open[httpd->current].fd, SOL_SOCKET, SO_LINGER, &at_once,
                         sizeof(at_once));
    if (ending == HANG)
        httpd_hang(httpd);
    if (ending == DRIP)
        httpd_drip(httpd, missing, len, 50);
    return false;
}

static inline void
send_body(const struct httpd_request *request, const struct fault *fault, const uint8_t *data,
          size_t len)
{
    struct httpd *httpd = request->httpd;
    char size[32];

    if (fault->framing == CHUNKED || fault->framing == BAD_CHUNKS) {
        (void)snprintf(size, sizeof(size), "%zx\r\n", len);
        (void)httpd_say(httpd, size);
    }
    if (fault->flip > 0) {
        uint8_t other = data[fault->flip] ^ 1;

        (void)httpd_send(httpd, data, fault->flip);
        (void)httpd_send(httpd, &other, 1);
        (void)httpd_send(httpd, data + fault->flip + 1, len - fault->flip - 1);
    } else {
        (void)httpd_send(httpd, data, len);
    }
    if (fault->framing == CHUNKED)
        (void)httpd_say(httpd, "\r\n");
    if (fault->framing == BAD_CHUNKS)
        (void)httpd_say(httpd, "\r\nten\r\n0123456789\r\n");
}

static inline void
send_head(const struct world *w, const struct httpd_request *request, const struct fault *fault,
          const struct thing *thing, bool part, size_t from, size_t n)
{
    const char *etag = fault->etag ? fault->etag : "\"v1\"";
    char range[128] = "";
    char more[512];
    char head[1200];

    if (part && !fault->range)
        (void)snprintf(range, sizeof(range), "Content-Range: bytes %zu-%zu/%zu\r\n", from,
                       from + n - 1, thing->len);
    else if (fault->range && *fault->range)
        (void)snprintf(range, sizeof(range), "Content-Range: %s\r\n", fault->range);
    (void)snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Type: %s\r\nETag: %s\r\n%s%s",
                   part ? "206 Partial Content" : "200 OK", thing->type, etag, range,
                   expand(w, fault->headers, more, sizeof(more)));
    (void)httpd_say(request->httpd, head);
    if (fault->framing == LENGTH && !(fault->range && fault->length))
        (void)snprintf(head, sizeof(head), "Content-Length: %ld\r\n\r\n", (long)n + fault->length);
    else
        (void)snprintf(head, sizeof(head), "%s\r\n",
                       fault->framing == LENGTH || fault->framing == NO_LENGTH
                           ? ""
                           : "Transfer-Encoding: chunked\r\n");
    (void)httpd_say(request->httpd, head);
}

/* More of what is wanted than there is. */
static inline void
send_endless(const struct httpd_request *request)
{
    static const char zeros[(64 << 10) + 1] = "";

    while (httpd_say(request->httpd, "10000\r\n") && httpd_send(request->httpd, zeros, 64 << 10)
           && httpd_say(request->httpd, "\r\n"))
        continue;
}

static inline bool
give(struct world *w, const struct httpd_request *request, const struct fault *fault,
     const struct thing *thing)
{
    size_t from = fault->whole ? 0 : asked_from(w, request, fault->etag ? fault->etag : "\"v1\"");
    bool part = from > 0 || fault->part;

    from = (size_t)((long)from + (from > 0 ? fault->shift : 0));
    size_t n = thing->len - from;
    n = fault->most && part && fault->most < n ? fault->most : n;
    struct fault now = *fault;
    now.flip = fault->flip >= from ? fault->flip - from : 0;
    send_head(w, request, fault, thing, part, from, n);
    if (fault->framing == ENDLESS) {
        send_endless(request);
        return false;
    }
    size_t sent = fault->cut && fault->cut < n ? fault->cut : n;
    send_body(request, &now, (const uint8_t *)thing->data + from, sent);
    if (fault->cut)
        return finish(request, fault->ending, (const uint8_t *)thing->data + from + sent, n - sent);
    if (fault->more > 0)
        send_body(request, &(struct fault){.framing = fault->framing},
                  (const uint8_t *)"more than there is", fault->more);
    if (fault->framing == CHUNKED)
        (void)httpd_say(request->httpd, "0\r\n\r\n");
    return !fault->closes && fault->framing != NO_LENGTH && fault->more == 0 && fault->length == 0;
}

/* The honest answer, or one with a fault. */
static inline bool
answer_with(struct world *w, const struct httpd_request *request, const struct fault *fault,
            struct thing thing)
{
    char headers[512];

    if (fault->expires)
        w->expired = w->tokens;
    if (fault->silent)
        return finish(request, fault->ending, NULL, 0);
    if (fault->say) {
        (void)httpd_say(request->httpd, fault->say);
        return false;
    }
    if (fault->status)
        return httpd_reply(request->httpd, fault->status,
                           expand(w, fault->headers, headers, sizeof(headers)),
                           fault->body ? fault->body : "");
    if (fault->body)
        thing = (struct thing){thing.type, fault->body, strlen(fault->body)};
    return give(w, request, fault, &thing);
}

static inline struct thing
layer_of(const struct world *w)
{
    return (struct thing){"application/octet-stream", w->layer.data, w->layer.len};
}

/* What is asked for, and where it belongs in the table. */
static inline bool
find(struct world *w, const char *target, enum where *where, struct thing *thing)
{
    static char token[64];

    *where = MANIFEST;
    if (strncmp(target, "/token", 6) == 0) {
        *where = TOKEN;
        w->tokens++;
        (void)snprintf(token, sizeof(token), "{\"token\":\"t%u\",\"expires_in\":300}", w->tokens);
        *thing = (struct thing){"application/json", token, strlen(token)};
        return true;
    }
    if (strstr(target, w->config_digest)) {
        *where = CONFIG;
        *thing = (struct thing){"application/octet-stream", w->config, strlen(w->config)};
        return true;
    }
    if (strstr(target, w->layer_digest)) {
        *where = LAYER;
        *thing = layer_of(w);
        return true;
    }
    if (!strstr(target, "/manifests/"))
        return false;
    int which = w->row->indexes;
    for (int i = 0; i < w->row->indexes; i++)
        if (strstr(target, w->digests[i]))
            which = i;
    *thing = (struct thing){which == 0 ? COCO_MEDIA_OCI_MANIFEST : COCO_MEDIA_OCI_INDEX,
                            w->manifests[which], strlen(w->manifests[which])};
    return true;
}

static inline bool
may_enter(struct world *w, const struct httpd_request *request)
{
    char authorization[100];
    char good[32];

    (void)snprintf(good, sizeof(good), "Bearer t%u", w->tokens);
    httpd_header(request, "Authorization", authorization, sizeof(authorization));
    return strcmp(authorization, good) == 0 && w->tokens > w->expired;
}

static inline bool
challenge(struct world *w, const struct httpd_request *request)
{
    char realm[100];
    char header[200];

    (void)snprintf(header, sizeof(header), "WWW-Authenticate: Bearer realm=\"%s\"\r\n",
                   expand(w, w->row->realm ? w->row->realm : "@/token", realm, sizeof(realm)));
    return httpd_reply(request->httpd, "401 Who", header, "");
}

static inline bool
answer(void *user, const struct httpd_request *request)
{
    static const struct fault none = {0};
    struct world *w = user;
    const struct row *row = w->row;
    const struct fault *fault = &none;
    enum where where = MANIFEST;
    struct thing thing = {0};
    char location[64] = "Location: /circle\r\n";

    if (strcmp(request->target, "/hop/0") == 0)
        return answer_with(w, request, &none, layer_of(w));
    if (strncmp(request->target, "/hop/", 5) == 0)
        (void)snprintf(location, sizeof(location), "Location: /hop/%c\r\n", request->target[5] - 1);
    if (strncmp(request->target, "/v2/", 4) != 0 && strncmp(request->target, "/token", 6) != 0)
        return httpd_reply(request->httpd, "302 Away", location, "");
    if (!find(w, request->target, &where, &thing))
        return httpd_reply(request->httpd, "404 Not Found", "", "");
    if (row->auth && where != TOKEN && !may_enter(w, request))
        return challenge(w, request);
    unsigned i = w->asked[where]++;
    if (where == row->where && i < row->n_faults)
        fault = &row->faults[i];
    else if (where == row->where && row->always)
        fault = &row->faults[row->n_faults - 1];
    return answer_with(w, request, fault, thing);
}

/* The other host must not see who asks. */
static inline bool
answer_elsewhere(void *user, const struct httpd_request *request)
{
    static const struct fault none = {0};
    static const struct fault cut = {.cut = 5000};
    struct world *w = user;
    char authorization[100];

    httpd_header(request, "Authorization", authorization, sizeof(authorization));
    if (*authorization)
        w->leaked = true;
    if (strcmp(request->target, "/login") == 0)
        return httpd_reply(request->httpd, "401 Who", "WWW-Authenticate: Basic realm=\"x\"\r\n",
                           "");
    return answer_with(w, request, strcmp(request->target, "/cut") == 0 ? &cut : &none,
                       layer_of(w));
}

static inline void
digest_text(struct world *w, const void *data, size_t len, char *text)
{
    struct coco_digest digest;

    assert_ok(coco_digest_of(COCO_SHA256, data, len, &digest, &w->err), w->err);
    coco_digest_format(&digest, text);
}

/* Makes manifest and indexes as the row wants them. */
static inline void
describe(struct world *w, const struct row *row)
{
    (void)snprintf(w->manifests[0], sizeof(w->manifests[0]),
                   "{\"schemaVersion\":2,\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST
                   "\",\"config\":{\"mediaType\":\"" COCO_MEDIA_OCI_CONFIG
                   "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":"
                   "\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\",\"size\":%ld}]}",
                   w->config_digest, strlen(w->config), w->layer_digest,
                   (long)w->layer.len + row->size);
    digest_text(w, w->manifests[0], strlen(w->manifests[0]), w->digests[0]);
    for (int i = 1; i <= row->indexes; i++) {
        char inner[COCO_DIGEST_TEXT_SIZE];

        memcpy(inner, w->digests[i - 1], sizeof(inner));
        (void)snprintf(w->manifests[i], sizeof(w->manifests[i]),
                       "{\"schemaVersion\":2,\"mediaType\":\"" COCO_MEDIA_OCI_INDEX
                       "\",\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,"
                       "\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}}]}",
                       i == 1 ? COCO_MEDIA_OCI_MANIFEST : COCO_MEDIA_OCI_INDEX, inner,
                       strlen(w->manifests[i - 1]), row->arch ? row->arch : "amd64");
        digest_text(w, w->manifests[i], strlen(w->manifests[i]), w->digests[i]);
    }
}

#endif
