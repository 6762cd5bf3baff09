/*
 * tests/uploads.c - a registry that takes blobs and manifests, and fails as a test wants it to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/uploads.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define UPLOADS_PATH "/blobs/uploads/"
#define UNKNOWN "{\"errors\":[{\"code\":\"BLOB_UPLOAD_UNKNOWN\",\"message\":\"gone\"}]}"

static enum upload_stage
stage_of(const struct httpd_request *request)
{
    bool upload = strstr(request->target, UPLOADS_PATH) != NULL;

    if (strcmp(request->method, "POST") == 0)
        return ON_POST;
    if (strcmp(request->method, "PATCH") == 0)
        return ON_PATCH;
    if (strcmp(request->method, "PUT") == 0)
        return upload ? ON_PUT : ON_MANIFEST;
    return strcmp(request->method, "HEAD") == 0 ? ON_HEAD : ON_STATUS;
}

static bool
is_harmed(const struct uploads *uploads, enum upload_stage stage)
{
    const struct upload_fault *fault = uploads->fault;

    return fault && fault->harm != NO_HARM && fault->stage == stage
           && uploads->asked[stage] > fault->skip
           && uploads->asked[stage] - fault->skip <= (fault->times ? fault->times : 1);
}

static void
keep(struct uploads *uploads, const void *data, size_t len)
{
    if (len > HTTPD_BODY_MAX - uploads->len)
        len = HTTPD_BODY_MAX - uploads->len;
    memcpy(uploads->data + uploads->len, data, len);
    uploads->len += len;
}

/* What has come of a PATCH that is cut before its end, as the fault has it. */
static void
keep_some(struct uploads *uploads)
{
    const struct upload_fault *fault = uploads->fault;
    size_t left = uploads->content_len - uploads->len;

    uploads->open = !fault->forgotten;
    if (uploads->len > uploads->content_len)
        return;
    keep(uploads, uploads->content + uploads->len, fault->had < left ? fault->had : left);
    if (fault->spoilt && uploads->len > 0)
        uploads->data[uploads->len - 1] ^= 1;
}

static void
see_patch(struct uploads *uploads, const struct httpd_request *request)
{
    unsigned i = uploads->n_patches++;

    if (i >= UPLOADS_PATCHES_MAX)
        return;
    httpd_header(request, "Content-Range", uploads->patches[i].range,
                 sizeof(uploads->patches[i].range));
    httpd_header(request, "Content-Length", uploads->patches[i].length,
                 sizeof(uploads->patches[i].length));
}

/* Before the body: what is done then is all that is done. */
static bool
look(void *user, const struct httpd_request *request)
{
    struct uploads *uploads = user;
    const struct upload_fault *fault = uploads->fault;
    enum upload_stage stage = stage_of(request);

    uploads->asked[stage]++;
    if (stage == ON_PATCH)
        see_patch(uploads, request);
    if (!is_harmed(uploads, stage)
        || (fault->harm != CUT && fault->harm != SAY && fault->harm != STALL))
        return true;
    if (stage == ON_PATCH)
        keep_some(uploads);
    if (fault->harm == SAY) {
        char headers[200];

        (void)snprintf(headers, sizeof(headers), "Connection: close\r\n%s",
                       fault->headers ? fault->headers : "");
        (void)httpd_reply(request->httpd, fault->status, headers, "");
    }
    /* What is still on its way must be read, or it would destroy the answer. */
    if (fault->harm != CUT)
        httpd_hang(request->httpd);
    return false;
}

static bool
say_upload(struct uploads *uploads, struct httpd *httpd, const char *status, bool known)
{
    const struct upload_fault *fault = uploads->fault;
    char range[128];
    char headers[512];
    bool lies = fault && known;

    (void)snprintf(range, sizeof(range), "Range: 0-%zu\r\n",
                   uploads->len > 0 ? uploads->len - 1 : 0);
    if (lies && fault->range)
        (void)snprintf(range, sizeof(range), "%s%s%s", *fault->range ? "Range: " : "", fault->range,
                       *fault->range ? "\r\n" : "");
    (void)snprintf(headers, sizeof(headers), "Location: /v2/acme/app" UPLOADS_PATH "%u?s=%zu\r\n%s",
                   uploads->id, uploads->len, range);
    if (lies && fault->location)
        (void)snprintf(headers, sizeof(headers), "%s%s%s%s", *fault->location ? "Location: " : "",
                       fault->location, *fault->location ? "\r\n" : "", range);
    return httpd_reply(httpd, status, headers, "");
}

/* Whether the request names the upload that there is. */
static bool
is_known(const struct uploads *uploads, const struct httpd_request *request)
{
    const char *at = strstr(request->target, UPLOADS_PATH);

    return uploads->open && at && strtoul(at + strlen(UPLOADS_PATH), NULL, 10) == uploads->id;
}

/* A range must begin where the upload ends, and be as long as the body (distribution-spec). */
static bool
fits(const struct uploads *uploads, const struct httpd_request *request)
{
    char range[64];
    uint64_t first = 0;
    uint64_t last = 0;

    httpd_header(request, "Content-Range", range, sizeof(range));
    if (!*range)
        return true;
    return sscanf(range, "%" SCNu64 "-%" SCNu64, &first, &last) == 2 && first == uploads->len
           && last - first + 1 == request->body_len;
}

static bool
take_patch(struct uploads *uploads, const struct httpd_request *request, bool keeps)
{
    unsigned i = uploads->n_patches - 1;

    if (i < UPLOADS_PATCHES_MAX) {
        size_t n = sizeof(uploads->patches[i].start);

        uploads->patches[i].body_len = request->body_len;
        memcpy(uploads->patches[i].start, request->body,
               request->body_len < n ? request->body_len : n);
    }
    if (!is_known(uploads, request) || !fits(uploads, request))
        return false;
    if (keeps)
        keep(uploads, request->body, request->body_len);
    return true;
}

static bool
say_patch(struct uploads *uploads, const struct httpd_request *request, bool keeps, bool silent)
{
    char authorization[100];

    httpd_header(request, "Authorization", authorization, sizeof(authorization));
    if (uploads->authorization && uploads->n_patches > 1
        && strcmp(authorization, uploads->authorization) != 0)
        return httpd_reply(request->httpd, "401 Unauthorized", "", "");
    bool known = is_known(uploads, request);
    bool taken = take_patch(uploads, request, keeps);

    if (silent)
        return false;
    if (!known)
        return httpd_reply(request->httpd, "404 Not Found", "", UNKNOWN);
    return taken ? say_upload(uploads, request->httpd, "202 Accepted", false)
                 : httpd_reply(request->httpd, "416 Range Not Satisfiable", "", "");
}

static void
digest_of(const struct uploads *uploads, char text[80])
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    (void)EVP_Digest(uploads->data, uploads->len, md, &n, EVP_sha256(), NULL);
    (void)snprintf(text, 80, "sha256:");
    for (unsigned i = 0; i < n; i++)
        (void)snprintf(text + 7 + 2 * (size_t)i, 3, "%02x", md[i]);
}

static bool
say_put(struct uploads *uploads, const struct httpd_request *request, bool silent)
{
    const char *wanted = strstr(request->target, "digest=");
    char digest[80];

    if (!is_known(uploads, request))
        return httpd_reply(request->httpd, "404 Not Found", "", UNKNOWN);
    digest_of(uploads, digest);
    if (!wanted || strcmp(wanted + strlen("digest="), digest) != 0)
        return httpd_reply(request->httpd, "400 Bad Request", "",
                           "{\"errors\":[{\"code\":\"DIGEST_INVALID\",\"message\":\"other\"}]}");
    uploads->open = false;
    if (uploads->n_blobs < UPLOADS_BLOBS_MAX)
        (void)snprintf(uploads->blobs[uploads->n_blobs++], sizeof(digest), "%s", digest);
    return !silent && httpd_reply(request->httpd, "201 Created", "", "");
}

static bool
say_post(struct uploads *uploads, const struct httpd_request *request)
{
    uploads->open = true;
    uploads->id++;
    uploads->len = 0;
    return say_upload(uploads, request->httpd, "202 Accepted", false);
}

static bool
answer(void *user, const struct httpd_request *request)
{
    struct uploads *uploads = user;
    const struct upload_fault *fault = uploads->fault;
    struct httpd *httpd = request->httpd;
    enum upload_stage stage = stage_of(request);
    enum upload_harm harm = is_harmed(uploads, stage) ? fault->harm : NO_HARM;
    const char *digest = strstr(request->target, "sha256:");

    if (stage == ON_PATCH && harm != NO_HARM)
        (void)say_patch(uploads, request, harm != SAY_INSTEAD && harm != CUT_INSTEAD, true);
    if (stage == ON_PATCH && harm != NO_HARM)
        uploads->open = uploads->open && !fault->forgotten;
    if (stage == ON_PUT && harm == CUT_AFTER)
        (void)say_put(uploads, request, true);
    if (stage == ON_MANIFEST && harm == CUT_AFTER)
        uploads->manifests++;
    if (harm == CUT_AFTER || harm == CUT_INSTEAD)
        return false;
    if (harm != NO_HARM)
        return httpd_reply(httpd, fault->status, fault->headers ? fault->headers : "", "");

    switch (stage) {
    case ON_POST:
        return say_post(uploads, request);
    case ON_PATCH:
        return say_patch(uploads, request, true, false);
    case ON_PUT:
        return say_put(uploads, request, false);
    case ON_MANIFEST:
        uploads->manifests++;
        (void)snprintf(uploads->manifest, sizeof(uploads->manifest), "%s", request->body);
        return httpd_reply(httpd, "201 Created", "", "");
    case ON_STATUS:
        return is_known(uploads, request) ? say_upload(uploads, httpd, "204 No Content", true)
                                          : httpd_reply(httpd, "404 Not Found", "", UNKNOWN);
    default:
        return httpd_reply(httpd, digest && uploads_have(uploads, digest) ? "200 OK" : "404 No", "",
                           "");
    }
}

bool
uploads_have(const struct uploads *uploads, const char *digest)
{
    for (size_t i = 0; i < uploads->n_blobs; i++)
        if (strcmp(uploads->blobs[i], digest) == 0)
            return true;
    return false;
}

void
uploads_start(struct uploads *uploads, const struct upload_fault *fault, const void *content,
              size_t len)
{
    memset(uploads, 0, sizeof(*uploads));
    uploads->fault = fault;
    uploads->content = content;
    uploads->content_len = len;
    uploads->data =
        mmap(NULL, HTTPD_BODY_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(uploads->data != MAP_FAILED);
    uploads->httpd.look = look;
    httpd_start(&uploads->httpd, answer, uploads, NULL);
}

void
uploads_stop(struct uploads *uploads)
{
    httpd_stop(&uploads->httpd);
    (void)munmap(uploads->data, HTTPD_BODY_MAX);
    uploads->data = NULL;
}
