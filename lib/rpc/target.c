/*
 * rpc/target.c - whom to call: a name, an address or a socket, and whether through TLS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/target.h"

#include "base/fail.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
#define PORT_MAX 65535

static bool
skip(const char **text, const char *prefix)
{
    if (strncmp(*text, prefix, strlen(prefix)) != 0)
        return false;
    *text += strlen(prefix);
    return true;
}

/* A socket that is near, which base/address.h writes without slashes. */
static coco_status
parse_near(const char *scheme, const char *rest, struct coco_target *ret, coco_error **err)
{
    char text[160];

    (void)skip(&rest, "//");
    int n = snprintf(text, sizeof(text), "%s%s", scheme, rest);
    if (n < 0 || (size_t)n >= sizeof(text))
        return coco_fail(err, COCO_ERR_INVALID, "'%.100s' is too long", rest);
    coco_status status = coco_address_parse(text, &ret->near, err);
    if (status == COCO_OK && !coco_address_is_one(&ret->near))
        status = coco_fail(err, COCO_ERR_INVALID, "'%.100s' is not one address", text);
    ret->is_near = true;
    /* What gRPC calls a server that has no name; its certificate has to be for that. */
    (void)snprintf(ret->authority, sizeof(ret->authority), "localhost");
    (void)snprintf(ret->server, sizeof(ret->server), "localhost");
    return status;
}

static bool
parse_port(const char *text, size_t len, struct coco_target *ret)
{
    unsigned port = 0;

    if (len == 0 || len >= sizeof(ret->port) || text[0] == '0')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    memcpy(ret->port, text, len);
    ret->port[len] = '\0';
    return port <= PORT_MAX;
}

static bool
parse_host(const char *text, size_t len, char ret[COCO_TARGET_HOST_MAX + 1])
{
    struct in6_addr v6;
    bool bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';

    text += bracketed;
    len -= bracketed ? 2 : 0;
    if (len == 0 || len > COCO_TARGET_HOST_MAX)
        return false;
    memcpy(ret, text, len);
    ret[len] = '\0';
    return bracketed
               ? inet_pton(AF_INET6, ret, &v6) == 1
               : coco_text_is_all(ret, NAME_CHARS, COCO_TARGET_HOST_MAX) && strspn(ret, ".") < len;
}

coco_status
coco_target_parse(const char *text, struct coco_target *ret, coco_error **err)
{
    struct coco_target target = {0};
    const char *rest = text;
    coco_status status = COCO_OK;

    if (skip(&rest, "unix:") || skip(&rest, "vsock:")) {
        status = parse_near(text[0] == 'u' ? "unix:" : "vsock:", rest, &target, err);
    } else {
        target.tls = skip(&rest, "https://");
        if (!target.tls && !skip(&rest, "http://"))
            (void)skip(&rest, "tcp://");
        size_t len = strlen(rest);
        len -= len > 0 && rest != text && rest[len - 1] == '/';
        const char *colon = memrchr(rest, ':', len);
        if (!colon || !parse_host(rest, (size_t)(colon - rest), target.host)
            || !parse_port(colon + 1, len - (size_t)(colon + 1 - rest), &target))
            return coco_fail(err, COCO_ERR_INVALID, "'%.100s' is no [http[s]://]<host>:<port>",
                             text);
        bool v6 = strchr(target.host, ':') != NULL;
        memcpy(target.server, target.host, sizeof(target.server));
        (void)snprintf(target.authority, sizeof(target.authority), v6 ? "[%s]:%s" : "%s:%s",
                       target.host, target.port);
    }
    if (status == COCO_OK)
        *ret = target;
    return status;
}

coco_status
coco_target_set_tls(struct coco_target *target, const char *server, coco_error **err)
{
    char name[COCO_TARGET_HOST_MAX + 1];

    target->tls = true;
    if (!server)
        return COCO_OK;
    if (!parse_host(server, strlen(server), name))
        return coco_fail(err, COCO_ERR_INVALID, "'%.100s' is no name of a server", server);
    memcpy(target->server, name, sizeof(name));
    (void)snprintf(target->authority, sizeof(target->authority), "%s", server);
    return COCO_OK;
}
