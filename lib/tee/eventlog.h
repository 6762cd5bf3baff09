/*
 * tee/eventlog.h - what was measured into which register
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_EVENTLOG_H
#define COCO_TEE_EVENTLOG_H

#include "base/buf.h"
#include "tee/tcghash.h"

#include <stdbool.h>

/*
 * Event logs in the crypto-agile form of TCG PC Client Platform Firmware Profile
 * 1.06, section 10.2.2: those of TPMs, the CCEL of TDX and CSV, and what the
 * guest measures as it runs (AAEL), which is appended to that.
 *
 *     u32 index  u32 type  u32 count  count x {u16 alg, digest}  u32 size  data
 *
 * all little-endian, behind one record in the older form that names the
 * algorithms. A log ends at the end of the file, or where the next eight bytes
 * are all ones or all zero; the area of memory it was in may follow.
 *
 * A log proves nothing: whoever sends it may have written it. What is true is
 * the order of digests in a register that a quote holds, and only if replaying
 * the log gives that register. The bytes of an event are true if they have its
 * digest, which for most types they need not: labels are hearsay.
 */
#define COCO_EVENTLOG_MAX ((size_t)1 << 20)
#define COCO_EVENTLOG_EVENTS_MAX 8192

/* Section 10.4.1, table 27; all that somebody asks for here. */
#define COCO_EV_NO_ACTION 0x00000003U
#define COCO_EV_SEPARATOR 0x00000004U
#define COCO_EV_EVENT_TAG 0x00000006U
#define COCO_EV_PLATFORM_CONFIG_FLAGS 0x0000000aU
#define COCO_EV_IPL 0x0000000dU
#define COCO_EV_EFI_BOOT_SERVICES_APPLICATION 0x80000003U
#define COCO_EV_EFI_ACTION 0x80000007U
#define COCO_EV_EFI_PLATFORM_FIRMWARE_BLOB2 0x8000000aU

/* "EV_SEPARATOR"; NULL for a type that the specification does not have. */
const char *coco_event_type_name(uint32_t type);

struct coco_event_digest {
    uint16_t alg; /* enum coco_tcg_hash */
    const uint8_t *bytes;
};

/* One event; all it points to is lent by the log. */
struct coco_event {
    uint32_t index; /* the register: a PCR, or with CCEL 0 MRTD, 1 to 4 RTMR0 to RTMR3 */
    uint32_t type;
    size_t digest_count;
    struct coco_event_digest digests[COCO_TCG_HASHES];
    const uint8_t *data;
    size_t len;
};

/* A log that was read; it lends the bytes, and {0} has no events. */
struct coco_eventlog {
    const uint8_t *data;
    size_t start; /* of the first event */
    size_t end;   /* of the last */
    size_t event_count;
    size_t alg_count;
    uint16_t algs[COCO_TCG_HASHES]; /* enum coco_tcg_hash */
};

/*
 * Reads all of it. COCO_ERR_PROTO for what the form does not allow: logs that know
 * only SHA-1 (TPM 1.2), algorithms without name or with another size, events
 * without a digest or with two of one algorithm, and anything but filling behind the
 * end. COCO_ERR_LIMIT past the limits above.
 */
coco_status coco_eventlog_parse(const void *data, size_t len, struct coco_eventlog *ret,
                                coco_error **err);

/*
 * The events one after the other:
 *
 *     for (size_t at = 0; coco_eventlog_next(&log, &at, &event);)
 */
bool coco_eventlog_next(const struct coco_eventlog *log, size_t *at, struct coco_event *ret);

/* The digest of an event; NULL if it has none of that algorithm. */
const uint8_t *coco_event_digest(const struct coco_event *event, uint16_t alg);

/* Whether data is what all digests of event are of. COCO_ERR_NOTSUP without the algorithm. */
coco_status coco_event_matches(const struct coco_event *event, const void *data, size_t len,
                               bool *ret, coco_error **err);

/*
 * The value that register index has after all its events, coco_tcg_hash_size(alg)
 * bytes: zeros without any. EV_NO_ACTION is not measured; the one that names the
 * locality of start-up (section 10.4.5.3) says what PCR 0 began with.
 *
 * COCO_ERR_PROTO for an event of that register that has no digest of alg: nothing
 * would vouch for it.
 */
coco_status coco_eventlog_replay(const struct coco_eventlog *log, uint32_t index, uint16_t alg,
                                 uint8_t *ret, coco_error **err);

/* ---- writing ---- */

/* Appends the record that a log starts with (section 10.4.5.1). */
coco_status coco_eventlog_format_head(const uint16_t *algs, size_t count, struct coco_buf *buf,
                                      coco_error **err);

/* Appends an event as it is. */
coco_status coco_eventlog_format_event(const struct coco_event *event, struct coco_buf *buf,
                                       coco_error **err);

/* Room for the digests of one event. */
struct coco_event_digests {
    uint8_t bytes[COCO_TCG_HASHES][COCO_TCG_HASH_SIZE_MAX];
};

/* Makes the digests of event those of its data; they stay in digests. */
coco_status coco_event_measure(struct coco_event *event, const uint16_t *algs, size_t count,
                               struct coco_event_digests *digests, coco_error **err);

/* Appends what a log ends with. */
coco_status coco_eventlog_format_end(struct coco_buf *buf, coco_error **err);

/*
 * Appends what a guest sends as its log, as upstream makes it: its CCEL up to the
 * end, its AAEL, an end. NULL for what it does not have: nothing is appended without
 * both, and a head stands in for a CCEL. COCO_ERR_PROTO, COCO_ERR_LIMIT as above,
 * but whatever fills the area behind the CCEL is left out unseen.
 */
coco_status coco_eventlog_join(const struct coco_buf *ccel, const struct coco_buf *aael,
                               struct coco_buf *buf, coco_error **err);

#endif
