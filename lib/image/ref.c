/*
 * image/ref.c - image references
 *
 * The grammar is distribution-spec's (1.1, "Pulling manifests"); which part is
 * the host, and what is filled in for docker.io, is what everybody does
 * (guest-protocols 6.2). Upper case in a repository, which some take, is refused:
 * no registry has such names.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/ref.h"

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/fail.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define TAG_FIRST UPPER LOWER DIGITS "_"
#define TAG_CHARS TAG_FIRST ".-"
#define TAG_MAX 128
#define NAME_MAX_LEN 255 /* host, slash and repository together */
#define LABEL_MAX 63
#define TEXT_MAX 4096 /* an OCI layout's path may be as long as a path can be */

struct coco_image_ref {
    enum coco_transport transport;
    bool is_short;  /* the registry was not spelled */
    char *registry; /* NULL for a path */
    char *repository;
    char *tag;
    char *digest;
    char *text;
};

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

static coco_status
fail_ref(coco_error **err, const char *text, const char *why)
{
    return coco_fail(err, COCO_ERR_INVALID, "reference '%.300s': %s", text, why);
}

static coco_status
copy(const char *text, size_t len, char **ret, coco_error **err)
{
    *ret = strndup(text, len);
    return *ret ? COCO_OK : coco_fail_nomem(err);
}

static size_t
span_in(const char *text, size_t len, const char *allowed)
{
    size_t n = strspn(text, allowed);

    return n < len ? n : len;
}

static bool
is_tag(const char *text, size_t len)
{
    return len > 0 && len <= TAG_MAX && span_in(text, 1, TAG_FIRST) == 1
           && span_in(text, len, TAG_CHARS) == len;
}

/* RFC 1123 section 2.1; an IP address (version 4) is of this form too. */
static bool
is_host(const char *text, size_t len)
{
    const char *end = text + len;

    for (const char *p = text;; p++) {
        size_t n = span_in(p, (size_t)(end - p), UPPER LOWER DIGITS "-");

        if (n == 0 || n > LABEL_MAX || p[0] == '-' || p[n - 1] == '-')
            return false;
        p += n;
        if (p == end)
            return true;
        if (*p != '.')
            return false;
    }
}

static bool
is_port(const char *text, size_t len)
{
    return len > 0 && len <= 5 && span_in(text, len, DIGITS) == len
           && strtoul(text, NULL, 10) - 1 < UINT16_MAX;
}

/* RFC 4291 section 2.2, and no zone: that is of one machine. */
static bool
is_ipv6(const char *text, size_t len)
{
    struct in6_addr address;
    char own[INET6_ADDRSTRLEN];

    if (len >= sizeof(own))
        return false;
    memcpy(own, text, len);
    own[len] = '\0';
    return inet_pton(AF_INET6, own, &address) == 1;
}

/* host, host:port, [IPv6] or [IPv6]:port */
static bool
is_registry(const char *text, size_t len)
{
    const char *end = text + len;
    const char *bracket = text[0] == '[' ? memchr(text, ']', len) : NULL;
    const char *host_end = bracket ? bracket + 1 : memchr(text, ':', len);

    if (!host_end)
        host_end = end;
    if (bracket ? !is_ipv6(text + 1, (size_t)(bracket - text - 1))
                : !is_host(text, (size_t)(host_end - text)))
        return false;
    return host_end == end
           || (*host_end == ':' && is_port(host_end + 1, (size_t)(end - host_end - 1)));
}

/* distribution-spec: [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* between slashes. */
static bool
is_repository(const char *text, size_t len)
{
    const char *end = text + len;

    for (const char *p = text;;) {
        size_t n = span_in(p, (size_t)(end - p), LOWER DIGITS);
        if (n == 0)
            return false;
        p += n;
        if (p == end)
            return true;
        size_t dashes = span_in(p, (size_t)(end - p), "-");
        if (dashes > 0)
            p += dashes;
        else if (p[0] == '_' && p + 1 < end && p[1] == '_')
            p += 2;
        else if (p[0] == '.' || p[0] == '_' || p[0] == '/')
            p++;
        else
            return false;
    }
}

/*
 * image-spec, annotations.md, "org.opencontainers.image.ref.name": more than a tag, for skopeo,
 * podman and buildah have the whole name of an image there.
 */
static bool
is_ref_name(const char *text, size_t len)
{
    const char *end = text + len;

    for (const char *p = text;;) {
        size_t n = span_in(p, (size_t)(end - p), UPPER LOWER DIGITS);
        if (n == 0)
            return false;
        p += n;
        if (p == end)
            return true;
        if (span_in(p, (size_t)(end - p), "-") == 2)
            p += 2;
        else if (strchr("-._:@+/", *p))
            p++;
        else
            return false;
    }
}

/* Takes "@sha256:…" off the end of text, whose new length is *len. */
static coco_status
take_digest(coco_image_ref *ref, const char *text, size_t *len, coco_error **err)
{
    struct coco_digest digest = {0};
    const char *at = strrchr(text, '@');

    if (!at)
        return COCO_OK;
    if (coco_digest_parse(at + 1, &digest, NULL) != COCO_OK)
        return ref->transport == COCO_TRANSPORT_DOCKER
                   ? fail_ref(err, text, "what follows '@' is no digest")
                   : COCO_OK;
    *len = (size_t)(at - text);
    return copy(at + 1, strlen(at + 1), &ref->digest, err);
}

/* The part before the first slash, if it is a registry and not the first part of a name. */
static size_t
registry_len(const char *text, size_t len)
{
    const char *slash = memchr(text, '/', len);
    size_t n = slash ? (size_t)(slash - text) : 0;

    if (memchr(text, '.', n) || memchr(text, ':', n))
        return n;
    return n == strlen("localhost") && strncmp(text, "localhost", n) == 0 ? n : 0;
}

static bool
is_docker_hub(const char *text, size_t len)
{
    static const char *const names[] = {"docker.io", "index.docker.io"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (len == strlen(names[i]) && strncmp(text, names[i], len) == 0)
            return true;
    return len == 0;
}

static coco_status
set_name(coco_image_ref *ref, const char *host, size_t host_len, const char *name, size_t name_len,
         coco_error **err)
{
    bool hub = is_docker_hub(host, host_len);
    const char *prefix = hub && !memchr(name, '/', name_len) ? "library/" : "";

    coco_status status = hub ? copy("docker.io", strlen("docker.io"), &ref->registry, err)
                             : copy(host, host_len, &ref->registry, err);
    if (status != COCO_OK)
        return status;
    if (asprintf(&ref->repository, "%s%.*s", prefix, (int)name_len, name) < 0) {
        ref->repository = NULL;
        return coco_fail_nomem(err);
    }
    return COCO_OK;
}

/* [host/]name[:tag][@digest] */
static coco_status
parse_docker(coco_image_ref *ref, const char *text, coco_error **err)
{
    size_t len = strlen(text);

    coco_status status = take_digest(ref, text, &len, err);
    if (status != COCO_OK)
        return status;

    size_t host_len = registry_len(text, len);
    ref->is_short = host_len == 0;
    const char *name = text + (host_len ? host_len + 1 : 0);
    const char *end = text + len;
    const char *colon = memchr(name, ':', (size_t)(end - name));
    const char *name_end = colon ? colon : end;

    if (host_len && !is_registry(text, host_len))
        return fail_ref(err, text, "no such host name or port");
    if (!is_repository(name, (size_t)(name_end - name)))
        return fail_ref(err, text, "not a repository name");
    if (colon && !is_tag(colon + 1, (size_t)(end - colon - 1)))
        return fail_ref(err, text, "not a tag");

    status = set_name(ref, text, host_len, name, (size_t)(name_end - name), err);
    /* With what was filled in, or its own full form would be refused. */
    if (status == COCO_OK && strlen(ref->registry) + 1 + strlen(ref->repository) > NAME_MAX_LEN)
        return fail_ref(err, text, "more than 255 characters in the name");
    if (status == COCO_OK && colon)
        status = copy(colon + 1, (size_t)(end - colon - 1), &ref->tag, err);
    if (status == COCO_OK && !colon && !ref->digest)
        status = copy("latest", strlen("latest"), &ref->tag, err);
    return status;
}

/* PATH[:TAG][@digest]; the first colon ends the path, as for everybody else. */
static coco_status
parse_oci(coco_image_ref *ref, const char *text, coco_error **err)
{
    size_t len = strlen(text);

    coco_status status = take_digest(ref, text, &len, err);
    if (status != COCO_OK)
        return status;

    const char *colon = memchr(text, ':', len);
    size_t path_len = colon ? (size_t)(colon - text) : len;
    size_t tag_len = colon ? len - path_len - 1 : 0;

    if (path_len == 0)
        return fail_ref(err, text, "no path");
    if (colon && !is_tag(colon + 1, tag_len) && !is_ref_name(colon + 1, tag_len))
        return fail_ref(err, text, "not a tag, nor another name in an OCI layout");
    status = copy(text, path_len, &ref->repository, err);
    if (status == COCO_OK && colon)
        status = copy(colon + 1, tag_len, &ref->tag, err);
    return status;
}

/* PATH[@digest]: nothing in it is set apart by a colon. */
static coco_status
parse_dir(coco_image_ref *ref, const char *text, coco_error **err)
{
    size_t len = strlen(text);

    coco_status status = take_digest(ref, text, &len, err);
    if (status == COCO_OK && len == 0)
        status = fail_ref(err, text, "no path");
    if (status == COCO_OK)
        status = copy(text, len, &ref->repository, err);
    return status;
}

/* "@0", "@1" …: which of the images of an archive. */
static bool
is_index(const char *text, size_t len)
{
    return len >= 2 && len <= 5 && text[0] == '@' && span_in(text + 1, len - 1, DIGITS) == len - 1
           && (text[1] != '0' || len == 2);
}

/* The name of an image in full, with its tag and no digest, as the tag of ref. */
static coco_status
parse_name(coco_image_ref *ref, const char *text, size_t len, coco_error **err)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *name = calloc(1, sizeof(*name));
    _cleanup_free_ char *own = strndup(text, len);

    if (!name || !own)
        return coco_fail_nomem(err);
    name->transport = COCO_TRANSPORT_DOCKER;
    coco_status status = parse_docker(name, own, err);
    if (status == COCO_OK && name->digest)
        status = fail_ref(err, own, "two digests");
    if (status != COCO_OK)
        return status;
    if (asprintf(&ref->tag, "%s/%s:%s", name->registry, name->repository, name->tag) < 0) {
        ref->tag = NULL;
        return coco_fail_nomem(err);
    }
    return COCO_OK;
}

/* PATH[:name[:tag]|:@index][@digest] */
static coco_status
parse_docker_archive(coco_image_ref *ref, const char *text, coco_error **err)
{
    size_t len = strlen(text);

    coco_status status = take_digest(ref, text, &len, err);
    if (status != COCO_OK)
        return status;

    const char *colon = memchr(text, ':', len);
    size_t path_len = colon ? (size_t)(colon - text) : len;
    size_t name_len = colon ? len - path_len - 1 : 0;

    if (path_len == 0)
        return fail_ref(err, text, "no path");
    status = copy(text, path_len, &ref->repository, err);
    if (status != COCO_OK || !colon)
        return status;
    return is_index(colon + 1, name_len) ? copy(colon + 1, name_len, &ref->tag, err)
                                         : parse_name(ref, colon + 1, name_len, err);
}

static const struct transport {
    const char *name;
    const char *prefix;
    coco_status (*parse)(coco_image_ref *ref, const char *text, coco_error **err);
} transports[] = {
    [COCO_TRANSPORT_DOCKER] = {"docker", "docker://", parse_docker},
    [COCO_TRANSPORT_OCI] = {"oci", "oci:", parse_oci},
    [COCO_TRANSPORT_DIR] = {"dir", "dir:", parse_dir},
    [COCO_TRANSPORT_OCI_ARCHIVE] = {"oci-archive", "oci-archive:", parse_oci},
    [COCO_TRANSPORT_DOCKER_ARCHIVE] = {"docker-archive", "docker-archive:", parse_docker_archive},
};

#define N_TRANSPORTS (sizeof(transports) / sizeof(transports[0]))

/* The transport whose prefix text begins with; that of a registry need not be spelled. */
static enum coco_transport
find_transport(const char *text)
{
    for (size_t i = 0; i < N_TRANSPORTS; i++)
        if (strncmp(text, transports[i].prefix, strlen(transports[i].prefix)) == 0)
            return (enum coco_transport)i;
    return COCO_TRANSPORT_DOCKER;
}

/*
 * The transport of containers-transports(5) that text begins with, if it is none of ours, or NULL:
 * as names in docker.io they would be others' images.
 */
static const char *
foreign_transport(const char *text)
{
    static const char *const names[] = {
        "atomic", "containers-storage", "docker-daemon", "ostree", "sif", "tarball"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t len = strlen(names[i]);

        if (strncmp(text, names[i], len) == 0 && text[len] == ':')
            return names[i];
    }
    return NULL;
}

/* A registry "oci:5000" needs its transport, or the text would mean a layout. */
static coco_status
set_text(coco_image_ref *ref, coco_error **err)
{
    bool local = !ref->registry;
    bool spelled = local || find_transport(ref->registry) != COCO_TRANSPORT_DOCKER
                   || foreign_transport(ref->registry);
    const char *tag = ref->tag;
    const char *digest = ref->digest;

    if (asprintf(&ref->text, "%s%s%s%s%s%s%s%s", spelled ? transports[ref->transport].prefix : "",
                 local ? "" : ref->registry, local ? "" : "/", ref->repository, tag ? ":" : "",
                 tag ? tag : "", digest ? "@" : "", digest ? digest : "")
        < 0) {
        ref->text = NULL;
        return coco_fail_nomem(err);
    }
    return COCO_OK;
}

coco_status
coco_image_ref_parse(const char *text, coco_image_ref **ret, coco_error **err)
{
    if (strlen(text) > TEXT_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "a reference of more than %d bytes", TEXT_MAX);
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = calloc(1, sizeof(*ref));
    if (!ref)
        return coco_fail_nomem(err);

    ref->transport = find_transport(text);
    const struct transport *transport = &transports[ref->transport];
    bool spelled = strncmp(text, transport->prefix, strlen(transport->prefix)) == 0;
    const char *foreign = spelled ? NULL : foreign_transport(text);
    if (foreign)
        return coco_fail(err, COCO_ERR_INVALID,
                         "reference '%.300s': transport '%s' is not supported; a registry's image "
                         "of this name is docker://%.300s",
                         text, foreign, text);
    coco_status status =
        transport->parse(ref, text + (spelled ? strlen(transport->prefix) : 0), err);
    if (status == COCO_OK)
        status = set_text(ref, err);
    if (status == COCO_OK)
        *ret = coco_steal(&ref);
    return status;
}

void
coco_image_ref_free(coco_image_ref *ref)
{
    if (!ref)
        return;
    free(ref->registry);
    free(ref->repository);
    free(ref->tag);
    free(ref->digest);
    free(ref->text);
    free(ref);
}

bool
coco_image_ref_is_short(const coco_image_ref *ref)
{
    return ref->is_short;
}

const char *
coco_image_ref_transport(const coco_image_ref *ref)
{
    return transports[ref->transport].name;
}

enum coco_transport
coco_image_ref_kind(const coco_image_ref *ref)
{
    return ref->transport;
}

const char *
coco_image_ref_registry(const coco_image_ref *ref)
{
    return ref->registry;
}

const char *
coco_image_ref_repository(const coco_image_ref *ref)
{
    return ref->repository;
}

const char *
coco_image_ref_tag(const coco_image_ref *ref)
{
    return ref->tag;
}

const char *
coco_image_ref_digest(const coco_image_ref *ref)
{
    return ref->digest;
}

const char *
coco_image_ref_text(const coco_image_ref *ref)
{
    return ref->text;
}
