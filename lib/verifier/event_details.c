/*
 * verifier/event_details.c - what an event says of itself
 *
 * Names and forms are those of Trustee's deps/eventlog, which its policies read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/event_details.h"

#include "base/fail.h"
#include "base/reader.h"
#include "base/text.h"
#include "tee/aael.h"
#include "tee/devicepath.h"
#include "tee/utf16.h"

#include <stdbool.h>
#include <string.h>

#define TEXT_MAX ((size_t)4 << 20) /* what is escaped may be thrice its data */
#define GUID_SIZE 16
#define CONTENT_DEPTH_MAX 32 /* of COCO_JSON_DEPTH_MAX, with the token around it */

/* ---- texts ---- */

static coco_status
unreadable(coco_error **err)
{
    return coco_fail(err, COCO_ERR_PROTO, "data of an event cannot be read");
}

/* No text here can hold a NUL. */
static coco_status
append_utf8(const uint8_t *data, size_t len, struct coco_buf *text, coco_error **err)
{
    if (len > 0 && (memchr(data, 0, len) || !coco_utf8_valid(data, len)))
        return unreadable(err);
    return coco_buf_append(text, data, len, err);
}

static coco_status
add_text(cJSON *details, const struct coco_buf *text, coco_error **err)
{
    return coco_json_add_string(details, "string", coco_buf_text(text), err);
}

static coco_status
add_simple(const struct coco_event *event, cJSON *details, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};

    coco_status status = append_utf8(event->data, event->len, &text, err);
    return status == COCO_OK ? add_text(details, &text, err) : status;
}

/* Upstream counts the byte that says how long the text is as one of it. */
static coco_status
add_described(const struct coco_event *event, cJSON *details, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};

    if (event->len == 0 || event->data[0] == 0 || event->data[0] > event->len)
        return unreadable(err);
    coco_status status = append_utf8(event->data + 1, (size_t)event->data[0] - 1, &text, err);
    return status == COCO_OK ? add_text(details, &text, err) : status;
}

/* Unicode's class Cc: C0, DEL and C1, the last with a byte 0xc2 in front. */
static size_t
control_len(const uint8_t *data, size_t len)
{
    if (data[0] < 0x20 || data[0] == 0x7f)
        return 1;
    return len > 1 && data[0] == 0xc2 && data[1] < 0xa0 ? 2 : 0;
}

static coco_status
add_flags(const struct coco_event *event, cJSON *details, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};
    size_t len = coco_utf8_valid(event->data, event->len) ? event->len : 0;
    coco_status status = COCO_OK;

    for (size_t i = 0; i < len && status == COCO_OK;) {
        size_t skip = control_len(event->data + i, len - i);

        if (event->data[i] == 0x10)
            status = coco_buf_append(&text, " ", 1, err);
        else if (skip == 0)
            status = coco_buf_append(&text, event->data + i, 1, err);
        i += skip > 0 ? skip : 1;
    }
    return status == COCO_OK ? add_text(details, &text, err) : status;
}

/* ---- EV_IPL ---- */

coco_status
coco_event_ipl_text(const struct coco_event *event, struct coco_buf *text, coco_error **err)
{
    const uint8_t *data = event->data;
    size_t len = event->len;

    if (len < 2)
        return unreadable(err);
    /* systemd-stub: the name of a section, in UTF-16 with two bytes behind. */
    if (data[0] == '.' && data[1] == 0) {
        if (len < 4 || len % 2 != 0)
            return unreadable(err);
        return coco_utf16_to_utf8(data + 2, len - 4, true, text, err);
    }
    const uint8_t *end = memchr(data, 0, len);
    size_t text_len = end ? (size_t)(end - data) : len;
    if (coco_utf8_valid(data, text_len))
        return coco_buf_append(text, data, text_len, err);
    return coco_buf_append_hex(text, data, len, err);
}

static coco_status
add_ipl(const struct coco_event *event, cJSON *details, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};

    coco_status status = coco_event_ipl_text(event, &text, err);
    return status == COCO_OK ? add_text(details, &text, err) : status;
}

/* ---- EV_EVENT_TAG ---- */

/* As Rust's String::from_utf8_lossy() has it: one U+FFFD for each part that is none. */
static size_t
invalid_len(const uint8_t *data, size_t len)
{
    static const struct {
        uint8_t from, to, second_from, second_to, more;
    } leads[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 1}, {0xe0, 0xe0, 0xa0, 0xbf, 2}, {0xe1, 0xec, 0x80, 0xbf, 2},
        {0xed, 0xed, 0x80, 0x9f, 2}, {0xee, 0xef, 0x80, 0xbf, 2}, {0xf0, 0xf0, 0x90, 0xbf, 3},
        {0xf1, 0xf3, 0x80, 0xbf, 3}, {0xf4, 0xf4, 0x80, 0x8f, 3},
    };

    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        size_t n = 1;

        if (data[0] < leads[i].from || data[0] > leads[i].to)
            continue;
        if (len < 2 || data[1] < leads[i].second_from || data[1] > leads[i].second_to)
            return 1;
        for (n = 2; n <= leads[i].more && n < len && (data[n] & 0xc0) == 0x80; n++)
            ;
        return n;
    }
    return 1;
}

static coco_status
append_lossy(const uint8_t *data, size_t len, struct coco_buf *text, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < len && status == COCO_OK;) {
        size_t n = coco_utf8_len(data + i, len - i);

        if (n == 0) {
            status = coco_buf_append_text(text, "\xef\xbf\xbd", err);
            i += invalid_len(data + i, len - i);
            continue;
        }
        if (data[i] != 0)
            status = coco_buf_append(text, data + i, n, err);
        i += n;
    }
    return status;
}

static bool
is_deeper(const cJSON *value, int levels)
{
    const cJSON *child;

    if (levels == 0)
        return true;
    cJSON_ArrayForEach(child, value) {
        if (is_deeper(child, levels - 1))
            return true;
    }
    return false;
}

/* Content is JSON if it can be read as that, and text if not, or if no token could hold it. */
static coco_status
add_content(const char *content, cJSON *data, coco_error **err)
{
    _cleanup_json_ cJSON *value = NULL;
    coco_error *why = NULL;

    coco_status status = coco_json_parse(content, strlen(content), &value, &why);
    if (status != COCO_OK)
        status = coco_pass_over(why, err);
    if (status != COCO_OK)
        return status;
    if (value && !is_deeper(value, CONTENT_DEPTH_MAX))
        return coco_json_add_item(data, "content", coco_steal(&value), err);
    return coco_json_add_string(data, "content", content, err);
}

static coco_status
add_aael(const uint8_t *text, size_t len, cJSON *details, coco_error **err)
{
    _cleanup_aael_text_ struct coco_aael_text read = {0};
    cJSON *data = NULL;

    coco_status status = coco_aael_parse_text(text, len, &read, err);
    if (status == COCO_OK)
        status = coco_json_add_string(details, "unicode_name", "AAEL", err);
    if (status == COCO_OK)
        status = coco_json_add_object(details, "data", &data, err);
    if (status == COCO_OK)
        status = coco_json_add_string(data, "domain", read.event.domain, err);
    if (status == COCO_OK)
        status = coco_json_add_string(data, "operation", read.event.operation, err);
    if (status == COCO_OK)
        status = add_content(read.event.content, data, err);
    return status;
}

static coco_status
add_tagged(const struct coco_event *event, cJSON *details, coco_error **err)
{
    _cleanup_buf_ struct coco_buf shown = {.limit = TEXT_MAX};
    const uint8_t *text = NULL;
    uint32_t tag = 0;
    size_t len = 0;

    coco_status status = coco_tagged_event_parse(event->data, event->len, &tag, &text, &len, err);
    if (status == COCO_OK)
        status = append_lossy(text, len, &shown, err);
    if (status == COCO_OK && tag == COCO_AAEL_TAG)
        status = add_aael(text, len, details, err);
    return status == COCO_OK ? add_text(details, &shown, err) : status;
}

/* ---- variables and images of UEFI ---- */

/* Byte by byte, not as a GUID is written: upstream's form. */
static coco_status
append_guid(const uint8_t *guid, struct coco_buf *text, coco_error **err)
{
    static const uint8_t parts[] = {4, 2, 2, 2, 6};
    coco_status status = COCO_OK;

    for (size_t i = 0; i < sizeof(parts) && status == COCO_OK; guid += parts[i++]) {
        if (i > 0)
            status = coco_buf_append_text(text, "-", err);
        if (status == COCO_OK)
            status = coco_buf_append_hex(text, guid, parts[i], err);
    }
    return status;
}

/* UEFI_VARIABLE_DATA, PC Client PFP section 10.2.6. */
static coco_status
add_variable(const struct coco_event *event, cJSON *details, coco_error **err)
{
    _cleanup_buf_ struct coco_buf name = {.limit = TEXT_MAX};
    _cleanup_buf_ struct coco_buf guid_text = {.limit = 64};
    struct coco_reader r = coco_reader_of(event->data, event->len);
    const uint8_t *guid = coco_read_piece(&r, GUID_SIZE);
    uint64_t name_len = coco_read_u64le(&r);
    uint64_t data_len = coco_read_u64le(&r);

    if (!guid || name_len > event->len / 2 || data_len > event->len)
        return unreadable(err);
    const uint8_t *name_data = coco_read_piece(&r, 2 * (size_t)name_len);
    const uint8_t *data = coco_read_piece(&r, (size_t)data_len);
    if (r.exhausted)
        return unreadable(err);

    coco_status status = coco_utf16_to_utf8(name_data, 2 * (size_t)name_len, false, &name, err);
    if (status == COCO_OK)
        status = append_guid(guid, &guid_text, err);
    if (status == COCO_OK)
        status = coco_json_add_string(details, "unicode_name", coco_buf_text(&name), err);
    if (status == COCO_OK)
        status = coco_json_add_u64(details, "unicode_name_length", name_len, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(details, "variable_data", data, (size_t)data_len, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(details, "variable_data_length", data_len, err);
    if (status == COCO_OK)
        status = coco_json_add_string(details, "variable_name", coco_buf_text(&guid_text), err);
    return status;
}

static coco_status
add_paths(struct coco_reader *r, cJSON *paths, coco_error **err)
{
    coco_status status = COCO_OK;

    while (status == COCO_OK && r->len > 0) {
        _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};
        struct coco_device_node node;

        status = coco_device_node_read(r, &node, err);
        if (status == COCO_OK)
            status = coco_device_node_format(&node, &text, err);
        if (status == COCO_OK)
            status = coco_json_add_string(paths, NULL, coco_buf_text(&text), err);
    }
    return status;
}

/* UEFI_IMAGE_LOAD_EVENT, PC Client PFP section 10.2.3; the last node, which ends it, is left out.
 */
coco_status
coco_event_image_path(const struct coco_event *event, struct coco_reader *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(event->data, event->len);

    coco_read_skip(&r, 24); /* where it was, how long, and where it was linked to be */
    uint64_t len = coco_read_u64le(&r);
    if (r.exhausted || (len > 0 && len < 8) || len > event->len)
        return unreadable(err);
    struct coco_reader path = coco_read_part(&r, len > 0 ? (size_t)len - 4 : 0);
    if (path.exhausted)
        return unreadable(err);
    *ret = path;
    return COCO_OK;
}

static coco_status
add_image(const struct coco_event *event, cJSON *details, coco_error **err)
{
    struct coco_reader path;
    cJSON *paths = NULL;

    coco_status status = coco_event_image_path(event, &path, err);
    if (status != COCO_OK || path.len == 0)
        return status;
    status = coco_json_add_array(details, "device_paths", &paths, err);
    return status == COCO_OK ? add_paths(&path, paths, err) : status;
}

/* ---- all of them ---- */

static const struct {
    uint32_t type;
    coco_status (*add)(const struct coco_event *event, cJSON *details, coco_error **err);
} readers[] = {
    {0x00000001, add_simple},    /* EV_POST_CODE */
    {0x00000005, add_simple},    /* EV_ACTION */
    {0x00000006, add_tagged},    /* EV_EVENT_TAG */
    {0x0000000a, add_flags},     /* EV_PLATFORM_CONFIG_FLAGS */
    {0x0000000c, add_simple},    /* EV_COMPACT_HASH */
    {0x0000000d, add_ipl},       /* EV_IPL */
    {0x00000012, add_simple},    /* EV_OMIT_BOOT_DEVICE_EVENTS */
    {0x80000001, add_variable},  /* EV_EFI_VARIABLE_DRIVER_CONFIG */
    {0x80000002, add_variable},  /* EV_EFI_VARIABLE_BOOT */
    {0x80000003, add_image},     /* EV_EFI_BOOT_SERVICES_APPLICATION */
    {0x80000007, add_simple},    /* EV_EFI_ACTION */
    {0x8000000a, add_described}, /* EV_EFI_PLATFORM_FIRMWARE_BLOB2 */
    {0x8000000b, add_described}, /* EV_EFI_HANDOFF_TABLES2 */
    {0x8000000c, add_variable},  /* EV_EFI_VARIABLE_BOOT2 */
    {0x800000e0, add_variable},  /* EV_EFI_VARIABLE_AUTHORITY */
};

static void
clear(cJSON *details)
{
    while (details->child)
        coco_json_free(cJSON_DetachItemViaPointer(details, details->child));
}

coco_status
coco_event_details(const struct coco_event *event, cJSON *details, coco_error **err)
{
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        coco_error *why = NULL;

        if (readers[i].type != event->type)
            continue;
        if (readers[i].add(event, details, &why) == COCO_OK)
            return COCO_OK;
        clear(details);
        return coco_pass_over(why, err);
    }
    return COCO_OK;
}
