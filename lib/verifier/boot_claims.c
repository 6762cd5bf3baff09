/*
 * verifier/boot_claims.c - kernel, command line and initrd, by what a log calls them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/boot_claims.h"

#include "base/fail.h"
#include "base/reader.h"
#include "base/text.h"
#include "tee/aael.h"
#include "tee/devicepath.h"
#include "verifier/event_details.h"

#include <string.h>

#define TEXT_MAX ((size_t)4 << 20)

enum part {
    KERNEL,
    CMDLINE,
    INITRD,
    PARTS,
};

static const char *const names[PARTS] = {"kernel", "cmdline", "initrd"};

/* An event that is called a part, and where in its data the text of that may be. */
struct found {
    size_t count;
    struct coco_event event;
    const uint8_t *text;
    size_t text_len;
};

/* Linux, drivers/firmware/efi/libstub: the two things that it measures. */
#define TAG_INITRD 0x8f3b22ecU
#define TAG_OPTIONS 0x8f3b22edU

static bool
starts_with(const struct coco_event *event, size_t at, const char *text)
{
    size_t len = strlen(text);

    return event->len >= at && event->len - at >= len && memcmp(event->data + at, text, len) == 0;
}

static void
find(struct found *found, const struct coco_event *event, size_t text_at)
{
    found->count++;
    found->event = *event;
    found->text = text_at > 0 && text_at <= event->len ? event->data + text_at : NULL;
    found->text_len = found->text ? event->len - text_at : 0;
}

/* QEMU's -kernel is a file of that name, on a medium that its firmware makes up. */
static coco_status
is_kernel_file(const struct coco_event *event, bool *ret, coco_error **err)
{
    struct coco_reader path;

    coco_status status = coco_event_image_path(event, &path, err);
    while (status == COCO_OK && path.len > 0) {
        _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};
        struct coco_device_node node;

        status = coco_device_node_read(&path, &node, err);
        if (status == COCO_OK)
            status = coco_device_node_format(&node, &text, err);
        if (status == COCO_OK && strcmp(coco_buf_text(&text), "File(kernel)") == 0)
            *ret = true;
    }
    return status;
}

static coco_status
find_image(const struct coco_event *event, struct found *found, coco_error **err)
{
    bool is_kernel = false;
    coco_error *why = NULL;

    if (is_kernel_file(event, &is_kernel, &why) != COCO_OK)
        return coco_pass_over(why, err);
    if (is_kernel)
        find(&found[KERNEL], event, 0);
    return COCO_OK;
}

static coco_status
find_tagged(const struct coco_event *event, struct found *found, coco_error **err)
{
    const uint8_t *text = NULL;
    coco_error *why = NULL;
    uint32_t tag = 0;
    size_t len = 0;

    if (coco_tagged_event_parse(event->data, event->len, &tag, &text, &len, &why) != COCO_OK)
        return coco_pass_over(why, err);
    if (tag == TAG_INITRD)
        find(&found[INITRD], event, 0);
    if (tag == TAG_OPTIONS)
        find(&found[CMDLINE], event, 0);
    return COCO_OK;
}

/*
 * systemd-stub measures the name of each section of its image and then the section,
 * and calls both alike: ".linux" in UTF-16.
 */
static coco_status
find_section(const struct coco_event *event, struct found *found, coco_error **err)
{
    static const struct {
        const char *name;
        enum part part;
    } sections[] = {{".linux", KERNEL}, {".cmdline", CMDLINE}, {".initrd", INITRD}};
    _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};
    coco_error *why = NULL;
    bool is_name = false;

    if (coco_event_ipl_text(event, &text, &why) != COCO_OK)
        return coco_pass_over(why, err);
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        if (strcmp(coco_buf_text(&text), sections[i].name + 1) != 0)
            continue;
        coco_status status = coco_event_matches(event, sections[i].name,
                                                strlen(sections[i].name) + 1, &is_name, err);
        if (status != COCO_OK)
            return status;
        if (!is_name)
            find(&found[sections[i].part], event, 0);
    }
    return COCO_OK;
}

/* GRUB's own, and as distributions of TDX and CSV have patched it. */
static coco_status
find_ipl(const struct coco_event *event, struct found *found, coco_error **err)
{
    static const struct {
        const char *name;
        enum part part;
        bool with_text;
    } labels[] = {
        {"grub_linuxefi Kernel", KERNEL, false},  {"grub_linuxefi Initrd", INITRD, false},
        {"grub_kernel_cmdline ", CMDLINE, true},  {"kernel_cmdline: ", CMDLINE, true},
        {"grub_kernel_cmdline: ", CMDLINE, true},
    };

    if (starts_with(event, 0, ".") && event->len > 1 && event->data[1] == 0)
        return find_section(event, found, err);
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
        if (starts_with(event, 0, labels[i].name))
            find(&found[labels[i].part], event, labels[i].with_text ? strlen(labels[i].name) : 0);
    return COCO_OK;
}

static coco_status
find_parts(const struct coco_event *event, struct found *found, coco_error **err)
{
    switch (event->type) {
    case COCO_EV_EFI_BOOT_SERVICES_APPLICATION:
        return find_image(event, found, err);
    case COCO_EV_IPL:
        return find_ipl(event, found, err);
    case COCO_EV_EVENT_TAG:
        return find_tagged(event, found, err);
    case COCO_EV_EFI_PLATFORM_FIRMWARE_BLOB2: /* TD shim specification, section 4.3 */
        if (starts_with(event, 1, "td_payload"))
            find(&found[KERNEL], event, 0);
        return COCO_OK;
    case COCO_EV_PLATFORM_CONFIG_FLAGS: /* 16 bytes of name, 4 of length, and what is measured */
        if (starts_with(event, 0, "td_payload_info"))
            find(&found[CMDLINE], event, 20);
        return COCO_OK;
    default:
        return COCO_OK;
    }
}

/* The text, if that is what was measured: with or without the zeros behind it. */
static coco_status
add_cmdline_text(cJSON *boot, const struct found *found, coco_error **err)
{
    size_t len = found->text ? strnlen((const char *)found->text, found->text_len) : 0;
    bool matches = false;

    if (!found->text || !coco_utf8_valid(found->text, len))
        return COCO_OK;
    coco_status status =
        coco_event_matches(&found->event, found->text, found->text_len, &matches, err);
    if (status == COCO_OK && !matches)
        status = coco_event_matches(&found->event, found->text, len, &matches, err);
    if (status != COCO_OK || !matches)
        return status;
    _cleanup_free_ char *text = strndup((const char *)found->text, len);
    return text ? coco_json_add_string(boot, "cmdline_text", text, err) : coco_fail_nomem(err);
}

static coco_status
add_digest(cJSON *boot, const char *name, const struct coco_event *event, coco_error **err)
{
    const struct coco_event_digest *digest = &event->digests[event->digest_count - 1];
    char hex[2 * COCO_TCG_HASH_SIZE_MAX + 1];

    coco_hex(digest->bytes, coco_tcg_hash_size(digest->alg), hex);
    return coco_json_add_string(boot, name, hex, err);
}

coco_status
coco_claim_boot(cJSON *claims, const struct coco_eventlog *log, coco_error **err)
{
    struct found found[PARTS] = {{0}};
    struct coco_event event;
    cJSON *boot = NULL;

    coco_status status = coco_json_add_object(claims, "boot", &boot, err);
    for (size_t at = 0; status == COCO_OK && coco_eventlog_next(log, &at, &event);)
        status = find_parts(&event, found, err);
    for (size_t i = 0; i < PARTS && status == COCO_OK; i++)
        if (found[i].count == 1)
            status = add_digest(boot, names[i], &found[i].event, err);
    if (status == COCO_OK && found[CMDLINE].count == 1)
        status = add_cmdline_text(boot, &found[CMDLINE], err);
    return status;
}
