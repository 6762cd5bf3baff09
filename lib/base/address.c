/*
 * base/address.c - where a server listens, and where one that is near is met
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/address.h"

#include "base/fail.h"

#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#define HOST_MAX 64

/* A whole number in decimal, at most max. */
static bool
parse_number(const char *text, size_t len, uint64_t max, uint64_t *ret)
{
    uint64_t number = 0;

    if (len == 0 || len > 10 || strspn(text, "0123456789") < len || (len > 1 && text[0] == '0'))
        return false;
    for (size_t i = 0; i < len; i++)
        number = number * 10 + (uint64_t)(text[i] - '0');
    *ret = number;
    return number <= max;
}

static bool
parse_host(const char *host, bool v6, in_port_t port, struct coco_address *ret)
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

static bool
parse_tcp(const char *text, struct coco_address *ret)
{
    const char *colon = strrchr(text, ':');
    char host[HOST_MAX];
    uint64_t port;

    bool v6 = text[0] == '[';
    const char *start = text + v6;
    const char *end = v6 ? strchr(text, ']') : colon;
    if (!colon || !end || end < start || (v6 && colon != end + 1)
        || (size_t)(end - start) >= sizeof(host))
        return false;
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';
    return parse_number(colon + 1, strlen(colon + 1), UINT16_MAX, &port)
           && parse_host(host, v6, htons((uint16_t)port), ret);
}

/* With a NUL behind it, which some systems want and none forbids. */
static bool
parse_unix(const char *path, struct coco_address *ret)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t len = strlen(path);

    if (path[0] != '/' || len < 2 || len >= sizeof(un.sun_path))
        return false;
    memcpy(un.sun_path, path, len);
    memcpy(&ret->data, &un, sizeof(un));
    ret->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    return true;
}

static bool
parse_vsock(const char *text, struct coco_address *ret)
{
    const char *colon = strchr(text, ':');
    const unsigned any_cid = VMADDR_CID_ANY;
    uint64_t cid = any_cid;
    uint64_t port;

    if (!colon || !parse_number(colon + 1, strlen(colon + 1), VMADDR_PORT_ANY - 1, &port))
        return false;
    size_t len = (size_t)(colon - text);
    bool any = len == 3 && strncmp(text, "any", 3) == 0;
    if (!any && !parse_number(text, len, VMADDR_CID_ANY - 1, &cid))
        return false;
    const struct sockaddr_vm vm = {
        .svm_family = AF_VSOCK,
        .svm_cid = (unsigned)cid,
        .svm_port = (unsigned)port,
    };
    memcpy(&ret->data, &vm, sizeof(vm));
    ret->len = sizeof(vm);
    return true;
}

coco_status
coco_address_parse(const char *text, struct coco_address *ret, coco_error **err)
{
    static const struct {
        const char *prefix;
        bool (*parse)(const char *text, struct coco_address *ret);
    } families[] = {
        {"unix:", parse_unix},
        {"vsock:", parse_vsock},
        {"tcp:", parse_tcp},
        {"", parse_tcp},
    };
    struct coco_address address = {0};
    size_t i = 0;

    while (strncmp(text, families[i].prefix, strlen(families[i].prefix)) != 0)
        i++;
    if (!families[i].parse(text + strlen(families[i].prefix), &address))
        return coco_fail(err, COCO_ERR_INVALID,
                         "'%.120s' is not ADDRESS:PORT, unix:/PATH or vsock:CID:PORT", text);
    *ret = address;
    return COCO_OK;
}

bool
coco_address_is_local(const struct coco_address *address)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;

    if (address->data.ss_family == AF_UNIX || address->data.ss_family == AF_VSOCK)
        return true;
    if (address->data.ss_family == AF_INET6) {
        memcpy(&in6, &address->data, sizeof(in6));
        return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
    }
    memcpy(&in4, &address->data, sizeof(in4));
    return ntohl(in4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

bool
coco_address_is_one(const struct coco_address *address)
{
    struct sockaddr_vm vm;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;

    switch (address->data.ss_family) {
    case AF_UNIX:
        return true;
    case AF_VSOCK:
        memcpy(&vm, &address->data, sizeof(vm));
        return vm.svm_cid != VMADDR_CID_ANY;
    case AF_INET6:
        memcpy(&in6, &address->data, sizeof(in6));
        return in6.sin6_port != 0 && !IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr);
    default:
        memcpy(&in4, &address->data, sizeof(in4));
        return in4.sin_port != 0 && in4.sin_addr.s_addr != htonl(INADDR_ANY);
    }
}

const char *
coco_address_path(const struct coco_address *address)
{
    if (address->data.ss_family != AF_UNIX)
        return NULL;
    return (const char *)&address->data + offsetof(struct sockaddr_un, sun_path);
}

static coco_status
format_vsock(const struct coco_address *address, struct coco_buf *buf, coco_error **err)
{
    struct sockaddr_vm vm;

    memcpy(&vm, &address->data, sizeof(vm));
    if (vm.svm_cid == VMADDR_CID_ANY)
        return coco_buf_printf(buf, err, "vsock:any:%u", vm.svm_port);
    return coco_buf_printf(buf, err, "vsock:%u:%u", vm.svm_cid, vm.svm_port);
}

coco_status
coco_address_format(const struct coco_address *address, struct coco_buf *buf, coco_error **err)
{
    char host[INET6_ADDRSTRLEN];
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;

    if (address->data.ss_family == AF_UNIX)
        return coco_buf_printf(buf, err, "unix:%s", coco_address_path(address));
    if (address->data.ss_family == AF_VSOCK)
        return format_vsock(address, buf, err);
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
