/*
 * httpd/address.c - where a server listens
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/address.h"

#include "base/fail.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define HOST_MAX 64

static bool
parse_port(const char *text, in_port_t *ret)
{
    unsigned port = 0;
    size_t len = strlen(text);

    if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
        return false;
    for (; *text; text++)
        port = port * 10 + (unsigned)(*text - '0');
    *ret = htons((uint16_t)port);
    return port <= UINT16_MAX;
}

static bool
parse_host(const char *host, bool v6, in_port_t port, struct coco_httpd_address *ret)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = port};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = port};

    if (v6) {
        if (inet_pton(AF_INET6, host, &in6.sin6_addr) != 1)
            return false;
        memcpy(&ret->data, &in6, sizeof(in6));
        ret->len = sizeof(in6);
        return true;
    }
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (inet_pton(AF_INET, host, &in4.sin_addr) != 1)
        return false;
    memcpy(&ret->data, &in4, sizeof(in4));
    ret->len = sizeof(in4);
    return true;
}

coco_status
coco_httpd_address_parse(const char *text, struct coco_httpd_address *ret, coco_error **err)
{
    const char *colon = strrchr(text, ':');
    struct coco_httpd_address address = {0};
    char host[HOST_MAX];
    in_port_t port;

    bool v6 = text[0] == '[';
    const char *start = text + v6;
    const char *end = v6 ? strchr(text, ']') : colon;
    if (!colon || !end || end < start || (v6 && colon != end + 1)
        || (size_t)(end - start) >= sizeof(host))
        return coco_fail(err, COCO_ERR_INVALID, "'%.80s' is not ADDRESS:PORT", text);
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';
    if (!parse_port(colon + 1, &port) || !parse_host(host, v6, port, &address))
        return coco_fail(err, COCO_ERR_INVALID, "'%.80s' is not ADDRESS:PORT", text);
    *ret = address;
    return COCO_OK;
}

bool
coco_httpd_address_is_loopback(const struct coco_httpd_address *address)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;

    if (address->data.ss_family == AF_INET6) {
        memcpy(&in6, &address->data, sizeof(in6));
        return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
    }
    memcpy(&in4, &address->data, sizeof(in4));
    return ntohl(in4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

coco_status
coco_httpd_address_format(const struct coco_httpd_address *address, struct coco_buf *buf,
                          coco_error **err)
{
    char host[INET6_ADDRSTRLEN];
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;

    if (address->data.ss_family == AF_INET6) {
        memcpy(&in6, &address->data, sizeof(in6));
        if (!inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof(host)))
            return coco_fail_errno(err, errno, "address");
        return coco_buf_printf(buf, err, "[%s]:%u", host, (unsigned)ntohs(in6.sin6_port));
    }
    memcpy(&in4, &address->data, sizeof(in4));
    if (!inet_ntop(AF_INET, &in4.sin_addr, host, sizeof(host)))
        return coco_fail_errno(err, errno, "address");
    return coco_buf_printf(buf, err, "%s:%u", host, (unsigned)ntohs(in4.sin_port));
}
