/*
 * softtee/bootlog.c - the log that firmware leaves of a boot
 *
 * The digests are of measure/boot.h. What stands beside them in an event proves nothing,
 * but is what a verifier finds kernel, command line and initrd by.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/bootlog.h"

#include "base/fail.h"
#include "tee/eventlog.h"

#include <string.h>

#define TAG_INITRD 0x8f3b22ecU
#define TAG_OPTIONS 0x8f3b22edU
#define PCR_SEPARATORS 8

struct bootlog {
    struct coco_buf *buf;
    uint16_t alg;
};

/* Little-endian. */
static void
put(uint8_t *p, size_t size, uint64_t value)
{
    for (size_t i = 0; i < size; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t
index_of(enum coco_boot_register reg)
{
    static const uint32_t indices[] = {
        [COCO_BOOT_PCR4] = 4, [COCO_BOOT_PCR9] = 9, [COCO_BOOT_RTMR1] = 2, [COCO_BOOT_RTMR2] = 3};

    return indices[reg];
}

static coco_status
add(const struct bootlog *log, uint32_t index, uint32_t type, const uint8_t *digest,
    const void *data, size_t len, coco_error **err)
{
    const struct coco_event event = {
        .index = index,
        .type = type,
        .digest_count = 1,
        .digests = {{log->alg, digest}},
        .data = data,
        .len = len,
    };

    return coco_eventlog_format_event(&event, log->buf, err);
}

static const uint8_t zeros[4]; /* what a separator is */

static coco_status
add_separator(const struct bootlog *log, uint32_t index, coco_error **err)
{
    uint8_t digest[COCO_TCG_HASH_SIZE_MAX];

    coco_status status = coco_tcg_hash(log->alg, zeros, sizeof(zeros), digest, err);
    if (status == COCO_OK)
        status = add(log, index, COCO_EV_SEPARATOR, digest, zeros, sizeof(zeros), err);
    return status;
}

/*
 * UEFI_IMAGE_LOAD_EVENT of QEMU's -kernel: a file of that name, on a medium that the
 * firmware makes up.
 */
static coco_status
add_kernel(const struct bootlog *log, const struct coco_boot_event *event, size_t kernel_len,
           coco_error **err)
{
    static const uint8_t path[] = {
        4, 4, 18, 0, 'k', 0, 'e', 0, 'r', 0, 'n', 0, 'e', 0, 'l', 0, 0, 0, 0x7f, 0xff, 4, 0,
    };
    uint8_t data[32 + sizeof(path)] = {0};

    put(data + 8, 8, kernel_len);
    put(data + 24, 8, sizeof(path));
    memcpy(data + 32, path, sizeof(path));
    return add(log, index_of(event->reg), COCO_EV_EFI_BOOT_SERVICES_APPLICATION, event->digest,
               data, sizeof(data), err);
}

/* Linux's stub: a tag, and the name with its NUL. */
static coco_status
add_tagged(const struct bootlog *log, const struct coco_boot_event *event, uint32_t tag,
           coco_error **err)
{
    uint8_t data[64] = {0};
    size_t size = strlen(event->what) + 1;

    put(data, 4, tag);
    put(data + 4, 4, size);
    memcpy(data + 8, event->what, size);
    return add(log, index_of(event->reg), COCO_EV_EVENT_TAG, event->digest, data, 8 + size, err);
}

static coco_status
add_event(const struct bootlog *log, const struct coco_boot_event *event, size_t kernel_len,
          coco_error **err)
{
    if (strcmp(event->what, COCO_BOOT_KERNEL) == 0)
        return add_kernel(log, event, kernel_len, err);
    if (strcmp(event->what, "separator") == 0)
        return add(log, index_of(event->reg), COCO_EV_SEPARATOR, event->digest, zeros,
                   sizeof(zeros), err);
    if (strcmp(event->what, "Linux initrd") == 0)
        return add_tagged(log, event, TAG_INITRD, err);
    if (strcmp(event->what, COCO_BOOT_OPTIONS) == 0)
        return add_tagged(log, event, TAG_OPTIONS, err);
    return add(log, index_of(event->reg), COCO_EV_EFI_ACTION, event->digest, event->what,
               strlen(event->what), err);
}

static coco_status
add_events(const struct bootlog *log, const struct coco_boot_log *boot, size_t kernel_len,
           coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < boot->n && status == COCO_OK; i++)
        status = add_event(log, &boot->events[i], kernel_len, err);
    if (status == COCO_OK)
        status = coco_eventlog_format_end(log->buf, err);
    return status;
}

coco_status
coco_bootlog_tdx(const struct coco_sev_kernel *kernel, struct coco_buf *ret, coco_error **err)
{
    const struct bootlog log = {ret, COCO_TCG_SHA384};
    const struct coco_boot boot = {kernel, COCO_EDK2_NEWEST};
    struct coco_boot_log events = {.alg = log.alg};

    coco_status status = coco_eventlog_format_head(&log.alg, 1, ret, err);
    if (status == COCO_OK && kernel)
        status = coco_boot_measure_tdx(&boot, &events, err);
    if (status == COCO_OK)
        status = add_separator(&log, 1, err);
    if (status == COCO_OK)
        status = add_events(&log, &events, kernel ? kernel->kernel.len : 0, err);
    return status;
}

coco_status
coco_bootlog_tpm(const struct coco_sev_kernel *kernel, struct coco_buf *ret, coco_error **err)
{
    const struct bootlog log = {ret, COCO_TCG_SHA256};
    const struct coco_boot boot = {kernel, COCO_EDK2_NEWEST};
    struct coco_boot_log events = {.alg = log.alg};

    coco_status status = coco_eventlog_format_head(&log.alg, 1, ret, err);
    if (status == COCO_OK && kernel)
        status = coco_boot_measure_tpm(&boot, log.alg, &events, err);
    /* What is booted has its own in PCR 4. */
    for (uint32_t pcr = 0; pcr < PCR_SEPARATORS && status == COCO_OK; pcr++)
        if (pcr != 4 || !kernel)
            status = add_separator(&log, pcr, err);
    if (status == COCO_OK)
        status = add_events(&log, &events, kernel ? kernel->kernel.len : 0, err);
    return status;
}
