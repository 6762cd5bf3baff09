/*
 * tee/devicepath.c - UEFI's names of devices and files, as text
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/devicepath.h"

#include "base/fail.h"
#include "base/text.h"
#include "tee/utf16.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define NODE_HEAD 4
#define NODE_TEXT_MAX ((size_t)1 << 18) /* twice the longest node, and more */
#define GUID_SIZE 16

coco_status
coco_device_node_read(struct coco_reader *r, struct coco_device_node *ret, coco_error **err)
{
    struct coco_device_node node = {.type = coco_read_u8(r)};

    node.subtype = coco_read_u8(r);
    uint16_t len = coco_read_u16le(r);
    if (!r->exhausted && len < NODE_HEAD)
        return coco_fail(err, COCO_ERR_PROTO, "device path: node of %u bytes", (unsigned)len);
    node.len = r->exhausted ? 0 : (size_t)len - NODE_HEAD;
    node.data = coco_read_piece(r, node.len);
    coco_status status = coco_reader_check(r, "device path", err);
    if (status == COCO_OK)
        *ret = node;
    return status;
}

/*
 * Each appends the text of one kind of node, or fails with COCO_ERR_PROTO for one
 * that is not as the specification has it, which is then told in general.
 */
typedef coco_status format_fn(struct coco_reader *r, struct coco_buf *buf, coco_error **err);

static coco_status
format_pci(struct coco_reader *r, struct coco_buf *buf, coco_error **err)
{
    unsigned function = coco_read_u8(r);
    unsigned device = coco_read_u8(r);

    return coco_buf_printf(buf, err, "Pci(%u,%u)", function, device);
}

/* Section 10.3.3: three letters of five bits each, and a number, as EISA had it. */
static coco_status
format_acpi(struct coco_reader *r, struct coco_buf *buf, coco_error **err)
{
    uint32_t hid = coco_read_u32le(r);
    uint32_t uid = coco_read_u32le(r);

    return coco_buf_printf(buf, err, "ACPI(%c%c%c%04X,%u)", '@' + (int)(hid >> 10 & 0x1f),
                           '@' + (int)(hid >> 5 & 0x1f), '@' + (int)(hid & 0x1f), hid >> 16, uid);
}

static coco_status
format_usb(struct coco_reader *r, struct coco_buf *buf, coco_error **err)
{
    unsigned port = coco_read_u8(r);
    unsigned interface = coco_read_u8(r);

    return coco_buf_printf(buf, err, "USB(%u,%u)", port, interface);
}

/* Upstream has upper case, without all zeros at the end, those of the address among them. */
static coco_status
format_mac(struct coco_reader *r, struct coco_buf *buf, coco_error **err)
{
    const uint8_t *address = coco_read_piece(r, 32);
    unsigned type = coco_read_u8(r);
    char hex[2 * 31 + 1];

    if (!address || r->exhausted || r->len > 0)
        return coco_fail(err, COCO_ERR_PROTO, "no MAC address");
    coco_hex(address, 31, hex);
    for (size_t i = strlen(hex); i > 0 && hex[i - 1] == '0'; i--)
        hex[i - 1] = '\0';
    for (char *p = hex; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return coco_buf_printf(buf, err, "Mac(%s,0x%02x)", hex, type);
}

static coco_status
format_ipv4(struct coco_reader *r, struct coco_buf *buf, coco_error **err)
{
    uint32_t local = coco_read_u32le(r);
    uint32_t remote = coco_read_u32le(r);

    coco_read_skip(r, 4); /* ports */
    uint16_t protocol = coco_read_u16le(r);
    uint8_t origin = coco_read_u8(r);
    uint32_t gateway = coco_read_u32le(r);
    uint32_t mask = coco_read_u32le(r);
    coco_status status =
        coco_buf_printf(buf, err, "IPv4(%u.%u.%u.%u,%s,%s,%u.%u.%u.%u", remote >> 24,
                        remote >> 16 & 0xff, remote >> 8 & 0xff, remote & 0xff,
                        protocol == 6    ? "TCP"
                        : protocol == 17 ? "UDP"
                                         : "",
                        origin == 0   ? "DHCP"
                        : origin == 1 ? "Static"
                                      : "",
                        local >> 24, local >> 16 & 0xff, local >> 8 & 0xff, local & 0xff);
    if (status == COCO_OK && (gateway || mask))
        status = coco_buf_printf(buf, err, ",%u,%u", gateway, mask);
    if (status == COCO_OK)
        status = coco_buf_append_text(buf, ")", err);
    return status;
}

static coco_status
format_fibre(struct coco_reader *r, struct coco_buf *buf, coco_error **err)
{
    uint8_t bytes[16];
    char name[17];
    char unit[17];

    coco_read_bytes(r, bytes, sizeof(bytes));
    coco_hex(bytes, 8, name);
    coco_hex(bytes + 8, 8, unit);
    return coco_buf_printf(buf, err, "FibreEx(0x%s,0x%s)", name, unit);
}

/* RFC 4122's text of a GUID, whose first three parts UEFI keeps little-endian. */
static coco_status
append_guid(struct coco_reader *r, struct coco_buf *buf, coco_error **err)
{
    uint32_t first = coco_read_u32le(r);
    unsigned second = coco_read_u16le(r);
    unsigned third = coco_read_u16le(r);
    uint8_t rest[8];

    coco_read_bytes(r, rest, sizeof(rest));
    return coco_buf_printf(buf, err, "%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X", first,
                           second, third, rest[0], rest[1], rest[2], rest[3], rest[4], rest[5],
                           rest[6], rest[7]);
}

static coco_status
format_disk(struct coco_reader *r, struct coco_buf *buf, coco_error **err)
{
    uint32_t partition = coco_read_u32le(r);
    uint64_t start = coco_read_u64le(r);
    uint64_t size = coco_read_u64le(r);
    struct coco_reader signature = coco_read_part(r, GUID_SIZE);
    uint8_t format = coco_read_u8(r);

    coco_read_skip(r, 1); /* type of the signature, which follows from the format */
    if (r->exhausted || (format != 1 && format != 2))
        return coco_fail(err, COCO_ERR_PROTO, "partition of format %u", (unsigned)format);
    coco_status status =
        coco_buf_printf(buf, err, "HD(%u,%s,", partition, format == 1 ? "MBR" : "GPT");
    if (status == COCO_OK && format == 1)
        status = coco_buf_printf(buf, err, "0x%08x", coco_read_u32le(&signature));
    else if (status == COCO_OK)
        status = append_guid(&signature, buf, err);
    if (status == COCO_OK && partition != 0)
        status = coco_buf_printf(buf, err, ",0x%llx,0x%llx", (unsigned long long)start,
                                 (unsigned long long)size);
    if (status == COCO_OK)
        status = coco_buf_append_text(buf, ")", err);
    return status;
}

static coco_status
format_vendor(struct coco_reader *r, struct coco_buf *buf, coco_error **err)
{
    coco_status status = coco_buf_append_text(buf, "VenMedia(", err);

    if (status == COCO_OK)
        status = append_guid(r, buf, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(buf, ",", err);
    if (status == COCO_OK)
        status = coco_buf_append_hex(buf, r->data, r->len, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(buf, ")", err);
    return status;
}

/* UTF-16 with a NUL behind it, of which upstream looks at its place alone. */
static coco_status
format_file(struct coco_reader *r, struct coco_buf *buf, coco_error **err)
{
    if (r->len == 0 || r->len % 2 != 0)
        return coco_fail(err, COCO_ERR_PROTO, "no path of a file");
    coco_status status = coco_buf_append_text(buf, "File(", err);
    if (status == COCO_OK)
        status = coco_utf16_to_utf8(r->data, r->len - 2, true, buf, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(buf, ")", err);
    return status;
}

static coco_status
format_bbs(struct coco_reader *r, struct coco_buf *buf, coco_error **err)
{
    static const struct {
        uint16_t type;
        const char *name;
    } types[] = {
        {0x01, "FLOPPY"}, {0x02, "HARD_DRIVE"},       {0x03, "CDROM"}, {0x04, "PCMCIA"},
        {0x05, "USB"},    {0x06, "EMBEDDED_NETWORK"}, {0x80, "DEV"},   {0xff, "UNKNOWN"},
    };
    uint16_t type = coco_read_u16le(r);
    uint16_t flags = coco_read_u16le(r);
    const uint8_t *end = r->len > 0 ? memchr(r->data, 0, r->len) : NULL;
    size_t len = end ? (size_t)(end - r->data) : r->len;
    const char *name = NULL;

    if (r->exhausted || !coco_utf8_valid(r->data, len))
        return coco_fail(err, COCO_ERR_PROTO, "no BIOS boot device");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].type == type)
            name = types[i].name;
    coco_status status = name ? coco_buf_printf(buf, err, "BBS(%s,", name)
                              : coco_buf_printf(buf, err, "BBS(%u,", (unsigned)type);
    if (status == COCO_OK)
        status = coco_buf_append(buf, r->data, len, err);
    if (status == COCO_OK)
        status = coco_buf_printf(buf, err, ",%u)", (unsigned)flags);
    return status;
}

/* Sections 10.3.2 to 10.3.6. */
static const struct {
    uint8_t type;
    uint8_t subtype;
    format_fn *format;
} formats[] = {
    {1, 0x01, format_pci},  {2, 0x01, format_acpi},   {3, 0x05, format_usb},
    {3, 0x0b, format_mac},  {3, 0x0c, format_ipv4},   {3, 0x15, format_fibre},
    {4, 0x01, format_disk}, {4, 0x03, format_vendor}, {4, 0x04, format_file},
    {5, 0x01, format_bbs},
};

static coco_status
format_known(const struct coco_device_node *node, struct coco_buf *buf, coco_error **err)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct coco_reader r = coco_reader_of(node->data, node->len);

        if (formats[i].type != node->type || formats[i].subtype != node->subtype)
            continue;
        coco_status status = formats[i].format(&r, buf, err);
        return status == COCO_OK ? coco_reader_check(&r, "node", err) : status;
    }
    return coco_fail(err, COCO_ERR_PROTO, "another node");
}

coco_status
coco_device_node_format(const struct coco_device_node *node, struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = NODE_TEXT_MAX};
    coco_error *why = NULL;

    if (format_known(node, &text, &why) == COCO_OK)
        return coco_buf_append(buf, text.data, text.len, err);
    coco_status status = coco_pass_over(why, err);
    if (status != COCO_OK)
        return status;
    status =
        coco_buf_printf(buf, err, "Path(%u,%u,", (unsigned)node->type, (unsigned)node->subtype);
    if (status == COCO_OK)
        status = coco_buf_append_hex(buf, node->data, node->len, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(buf, ")", err);
    return status;
}
