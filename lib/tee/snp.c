/*
 * tee/snp.c - attestation reports of AMD SEV-SNP
 *
 * One table has for each field where it is in the report, in the structure and in
 * JSON, so that the four ways between them cannot differ.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/snp.h"

#include "base/fail.h"
#include "base/reader.h"
#include "tee/serde.h"

#include <assert.h>
#include <string.h>

#define VERSION_MIN 2
#define VERSION_CPUID 3
#define VERSION_MITIGATIONS 5

enum kind {
    NUMBER, /* little-endian, of 1, 4 or 8 bytes */
    BYTES,
    TCB,
    FIRMWARE,
};

struct field {
    const char *name; /* in JSON (sev crate 6.3.1) */
    size_t at;        /* in the report */
    size_t size;
    size_t member; /* in the structure */
    enum kind kind;
    uint32_t since;
};

#define TCB_SIZE ((size_t)8)
#define FIRMWARE_SIZE ((size_t)3)

#define MEMBER(m) offsetof(struct coco_snp_report, m)
#define MEMBER_SIZE(m) sizeof(((struct coco_snp_report *)0)->m)
#define SINCE(name, kind, at, m, since)                                                            \
    {                                                                                              \
        name, at, MEMBER_SIZE(m), MEMBER(m), kind, since                                           \
    }
#define FIELD(name, kind, at, m) SINCE(name, kind, at, m, VERSION_MIN)
#define TCB_FIELD(name, at, m)                                                                     \
    {                                                                                              \
        name, at, TCB_SIZE, MEMBER(m), TCB, VERSION_MIN                                            \
    }
#define FIRMWARE_FIELD(name, at, m)                                                                \
    {                                                                                              \
        name, at, FIRMWARE_SIZE, MEMBER(m), FIRMWARE, VERSION_MIN                                  \
    }

/* By place; what is between two of them is reserved. */
static const struct field fields[] = {
    FIELD("version", NUMBER, 0x000, version),
    FIELD("guest_svn", NUMBER, 0x004, guest_svn),
    FIELD("policy", NUMBER, 0x008, policy),
    FIELD("family_id", BYTES, 0x010, family_id),
    FIELD("image_id", BYTES, 0x020, image_id),
    FIELD("vmpl", NUMBER, 0x030, vmpl),
    FIELD("sig_algo", NUMBER, 0x034, signature_algo),
    TCB_FIELD("current_tcb", 0x038, current_tcb),
    FIELD("plat_info", NUMBER, 0x040, platform_info),
    FIELD("key_info", NUMBER, 0x048, key_info),
    FIELD("report_data", BYTES, 0x050, report_data),
    FIELD("measurement", BYTES, 0x090, measurement),
    FIELD("host_data", BYTES, 0x0c0, host_data),
    FIELD("id_key_digest", BYTES, 0x0e0, id_key_digest),
    FIELD("author_key_digest", BYTES, 0x110, author_key_digest),
    FIELD("report_id", BYTES, 0x140, report_id),
    FIELD("report_id_ma", BYTES, 0x160, report_id_ma),
    TCB_FIELD("reported_tcb", 0x180, reported_tcb),
    SINCE("cpuid_fam_id", NUMBER, 0x188, cpu_family, VERSION_CPUID),
    SINCE("cpuid_mod_id", NUMBER, 0x189, cpu_model, VERSION_CPUID),
    SINCE("cpuid_step", NUMBER, 0x18a, cpu_stepping, VERSION_CPUID),
    FIELD("chip_id", BYTES, 0x1a0, chip_id),
    TCB_FIELD("committed_tcb", 0x1e0, committed_tcb),
    FIRMWARE_FIELD("current", 0x1e8, current),
    FIRMWARE_FIELD("committed", 0x1ec, committed),
    TCB_FIELD("launch_tcb", 0x1f0, launch_tcb),
    SINCE("launch_mit_vector", NUMBER, 0x1f8, launch_mitigations, VERSION_MITIGATIONS),
    SINCE("current_mit_vector", NUMBER, 0x200, current_mitigations, VERSION_MITIGATIONS),
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))
#define R_AT COCO_SNP_SIGNED_SIZE
#define S_AT (R_AT + COCO_SNP_NUMBER_SIZE)

/* ---- products ---- */

/* AMD, "Versioned Chip Endorsement Key (VCEK) Certificate and KDS Interface" (57230), table 7. */
static const struct {
    uint8_t family;
    uint8_t from;
    uint8_t to;
    enum coco_snp_product product;
} models[] = {
    {0x19, 0x00, 0x0f, COCO_SNP_MILAN},
    {0x19, 0x10, 0x1f, COCO_SNP_GENOA},
    {0x19, 0xa0, 0xaf, COCO_SNP_GENOA}, /* Bergamo, Siena */
    {0x1a, 0x00, 0x11, COCO_SNP_TURIN},
};

static const char *const product_names[] = {
    [COCO_SNP_UNKNOWN] = "unknown",
    [COCO_SNP_MILAN] = "Milan",
    [COCO_SNP_GENOA] = "Genoa",
    [COCO_SNP_TURIN] = "Turin",
};

enum coco_snp_product
coco_snp_product_of(const struct coco_snp_report *report)
{
    if (report->version < VERSION_CPUID)
        return COCO_SNP_UNKNOWN;
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        if (models[i].family == report->cpu_family && report->cpu_model >= models[i].from
            && report->cpu_model <= models[i].to)
            return models[i].product;
    return COCO_SNP_UNKNOWN;
}

const char *
coco_snp_product_name(enum coco_snp_product product)
{
    return product_names[product];
}

enum coco_snp_product
coco_snp_product_parse(const char *name, size_t len)
{
    for (enum coco_snp_product i = COCO_SNP_MILAN; i <= COCO_SNP_TURIN; i++) {
        size_t n = strlen(product_names[i]);

        if (len >= n && strncmp(name, product_names[i], n) == 0 && (len == n || name[n] == '-'))
            return i;
    }
    return COCO_SNP_UNKNOWN;
}

enum coco_snp_signer
coco_snp_signer_of(const struct coco_snp_report *report)
{
    return (enum coco_snp_signer)(report->key_info >> 2 & 7);
}

bool
coco_snp_chip_id_is_masked(const struct coco_snp_report *report)
{
    struct coco_reader r = coco_reader_of(report->chip_id, sizeof(report->chip_id));

    return coco_read_zeros(&r, sizeof(report->chip_id));
}

/* ---- members of the structure ---- */

static bool
is_turin(const struct coco_snp_report *report)
{
    return coco_snp_product_of(report) == COCO_SNP_TURIN;
}

static void *
member_of(struct coco_snp_report *report, const struct field *field)
{
    return (uint8_t *)report + field->member;
}

static const void *
const_member_of(const struct coco_snp_report *report, const struct field *field)
{
    return (const uint8_t *)report + field->member;
}

static uint64_t
number_of(const struct coco_snp_report *report, const struct field *field)
{
    const void *member = const_member_of(report, field);
    uint32_t u32 = 0;
    uint64_t u64 = 0;

    switch (field->size) {
    case sizeof(uint8_t):
        return *(const uint8_t *)member;
    case sizeof(u32):
        memcpy(&u32, member, sizeof(u32));
        return u32;
    default:
        memcpy(&u64, member, sizeof(u64));
        return u64;
    }
}

static void
set_number(struct coco_snp_report *report, const struct field *field, uint64_t value)
{
    void *member = member_of(report, field);
    uint32_t u32 = (uint32_t)value;

    if (field->size == sizeof(uint8_t))
        *(uint8_t *)member = (uint8_t)value;
    else if (field->size == sizeof(u32))
        memcpy(member, &u32, sizeof(u32));
    else
        memcpy(member, &value, sizeof(value));
}

static uint64_t
max_of(const struct field *field)
{
    return UINT64_MAX >> (64 - 8 * field->size);
}

/* ---- bytes ---- */

/* Table "TCB_VERSION": Turin puts a part before the others. */
static bool
read_tcb(struct coco_reader *r, bool turin, struct coco_snp_tcb *ret)
{
    bool zeros = true;

    if (turin)
        ret->fmc = coco_read_u8(r);
    ret->bootloader = coco_read_u8(r);
    ret->tee = coco_read_u8(r);
    if (!turin)
        zeros = coco_read_zeros(r, 4);
    ret->snp = coco_read_u8(r);
    if (turin)
        zeros = coco_read_zeros(r, 3);
    ret->microcode = coco_read_u8(r);
    return zeros;
}

static void
write_tcb(const struct coco_snp_tcb *tcb, bool turin, uint8_t ret[TCB_SIZE])
{
    if (turin) {
        const uint8_t bytes[] = {tcb->fmc, tcb->bootloader, tcb->tee, tcb->snp};

        memcpy(ret, bytes, sizeof(bytes));
    } else {
        ret[0] = tcb->bootloader;
        ret[1] = tcb->tee;
        ret[6] = tcb->snp;
    }
    ret[7] = tcb->microcode;
}

static uint64_t
read_number(struct coco_reader *r, size_t size)
{
    switch (size) {
    case sizeof(uint8_t):
        return coco_read_u8(r);
    case sizeof(uint32_t):
        return coco_read_u32le(r);
    default:
        return coco_read_u64le(r);
    }
}

/* False if what is reserved within it is not zero. */
static bool
read_field(struct coco_reader *r, const struct field *field, bool turin,
           struct coco_snp_report *ret)
{
    struct coco_snp_firmware *firmware;

    if (field->since > ret->version)
        return coco_read_zeros(r, field->size);
    switch (field->kind) {
    case NUMBER:
        set_number(ret, field, read_number(r, field->size));
        return true;
    case BYTES:
        coco_read_bytes(r, member_of(ret, field), field->size);
        return true;
    case TCB:
        return read_tcb(r, turin, member_of(ret, field));
    case FIRMWARE:
        firmware = member_of(ret, field);
        firmware->build = coco_read_u8(r);
        firmware->minor = coco_read_u8(r);
        firmware->major = coco_read_u8(r);
        return true;
    }
    return false;
}

/* How the first of the versions is written hangs on the product, which comes after it. */
static bool
peek_turin(const uint8_t *data)
{
    struct coco_reader r = coco_reader_of(data, COCO_SNP_REPORT_SIZE);
    struct coco_snp_report report = {.version = coco_read_u32le(&r)};

    coco_read_skip(&r, 0x188 - sizeof(report.version));
    report.cpu_family = coco_read_u8(&r);
    report.cpu_model = coco_read_u8(&r);
    return is_turin(&report);
}

coco_status
coco_snp_report_parse(const void *data, size_t len, struct coco_snp_report *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_snp_report report = {.version = VERSION_MIN};
    bool zeros = true;

    if (len != COCO_SNP_REPORT_SIZE)
        return coco_fail(err, COCO_ERR_PROTO, "report of %zu bytes, not %zu", len,
                         COCO_SNP_REPORT_SIZE);
    bool turin = peek_turin(data);
    for (size_t i = 0; i < FIELDS; i++) {
        zeros = coco_read_zeros(&r, fields[i].at - r.at) && zeros;
        zeros = read_field(&r, &fields[i], turin, &report) && zeros;
    }
    zeros = coco_read_zeros(&r, R_AT - r.at) && zeros;
    coco_read_bytes(&r, report.r, sizeof(report.r));
    coco_read_bytes(&r, report.s, sizeof(report.s));
    zeros = coco_read_zeros(&r, r.len) && zeros;

    if (report.version < VERSION_MIN)
        return coco_fail(err, COCO_ERR_NOTSUP, "report of version %u", report.version);
    if (!zeros)
        return coco_fail(err, COCO_ERR_PROTO, "report has something where nothing is known to be");
    *ret = report;
    return COCO_OK;
}

static void
write_field(const struct coco_snp_report *report, const struct field *field, bool turin,
            uint8_t *ret)
{
    const struct coco_snp_firmware *firmware;

    switch (field->kind) {
    case NUMBER:
        for (size_t i = 0; i < field->size; i++)
            ret[i] = (uint8_t)(number_of(report, field) >> (8 * i));
        return;
    case BYTES:
        memcpy(ret, const_member_of(report, field), field->size);
        return;
    case TCB:
        write_tcb(const_member_of(report, field), turin, ret);
        return;
    case FIRMWARE:
        firmware = const_member_of(report, field);
        ret[0] = firmware->build;
        ret[1] = firmware->minor;
        ret[2] = firmware->major;
        return;
    }
}

void
coco_snp_report_format(const struct coco_snp_report *report, uint8_t ret[COCO_SNP_REPORT_SIZE])
{
    memset(ret, 0, COCO_SNP_REPORT_SIZE);
    for (size_t i = 0; i < FIELDS; i++)
        if (fields[i].since <= report->version)
            write_field(report, &fields[i], is_turin(report), ret + fields[i].at);
    memcpy(ret + R_AT, report->r, sizeof(report->r));
    memcpy(ret + S_AT, report->s, sizeof(report->s));
}

/* ---- JSON ---- */

static coco_status
get_part(const cJSON *object, const char *name, uint8_t *ret, coco_error **err)
{
    uint64_t value = 0;

    coco_status status = coco_serde_get_number(object, name, UINT8_MAX, &value, err);
    if (status == COCO_OK)
        *ret = (uint8_t)value;
    return status;
}

static coco_status
get_tcb(const cJSON *object, const char *name, bool turin, struct coco_snp_tcb *ret,
        coco_error **err)
{
    const cJSON *tcb = NULL;

    coco_status status = coco_json_get_object(object, name, &tcb, err);
    if (status != COCO_OK)
        return status;
    status = get_part(tcb, "bootloader", &ret->bootloader, err);
    if (status == COCO_OK)
        status = get_part(tcb, "tee", &ret->tee, err);
    if (status == COCO_OK)
        status = get_part(tcb, "snp", &ret->snp, err);
    if (status == COCO_OK)
        status = get_part(tcb, "microcode", &ret->microcode, err);
    if (status == COCO_OK && turin)
        status = get_part(tcb, "fmc", &ret->fmc, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%s", name);
}

static coco_status
get_firmware(const cJSON *object, const char *name, struct coco_snp_firmware *ret, coco_error **err)
{
    const cJSON *firmware = NULL;

    coco_status status = coco_json_get_object(object, name, &firmware, err);
    if (status != COCO_OK)
        return status;
    status = get_part(firmware, "major", &ret->major, err);
    if (status == COCO_OK)
        status = get_part(firmware, "minor", &ret->minor, err);
    if (status == COCO_OK)
        status = get_part(firmware, "build", &ret->build, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%s", name);
}

static coco_status
get_field(const cJSON *object, const struct field *field, struct coco_snp_report *ret,
          coco_error **err)
{
    uint64_t value = 0;
    coco_status status;

    if (field->since > ret->version)
        return COCO_OK;
    switch (field->kind) {
    case NUMBER:
        /* Older writers do not know what newer reports have. */
        status = field->since > VERSION_MIN
                     ? coco_serde_get_number_opt(object, field->name, max_of(field), &value, err)
                     : coco_serde_get_number(object, field->name, max_of(field), &value, err);
        if (status == COCO_OK)
            set_number(ret, field, value);
        return status;
    case BYTES:
        return coco_serde_get_bytes(object, field->name, member_of(ret, field), field->size, err);
    case TCB:
        return COCO_OK; /* when it is known what product it is of */
    case FIRMWARE:
        return get_firmware(object, field->name, member_of(ret, field), err);
    }
    return COCO_OK;
}

coco_status
coco_snp_report_from_json(const cJSON *object, struct coco_snp_report *ret, coco_error **err)
{
    struct coco_snp_report report = {.version = VERSION_MIN};
    const cJSON *signature = NULL;
    coco_status status = COCO_OK;

    for (size_t i = 0; i < FIELDS && status == COCO_OK; i++)
        status = get_field(object, &fields[i], &report, err);
    for (size_t i = 0; i < FIELDS && status == COCO_OK; i++)
        if (fields[i].kind == TCB)
            status = get_tcb(object, fields[i].name, is_turin(&report),
                             member_of(&report, &fields[i]), err);
    if (status == COCO_OK)
        status = coco_json_get_object(object, "signature", &signature, err);
    if (status == COCO_OK)
        status = coco_serde_get_bytes(signature, "r", report.r, sizeof(report.r), err);
    if (status == COCO_OK)
        status = coco_serde_get_bytes(signature, "s", report.s, sizeof(report.s), err);
    if (status != COCO_OK)
        return status;
    if (report.version < VERSION_MIN)
        return coco_fail(err, COCO_ERR_NOTSUP, "report of version %u", report.version);
    *ret = report;
    return COCO_OK;
}

static coco_status
add_tcb(cJSON *object, const char *name, bool turin, const struct coco_snp_tcb *tcb,
        coco_error **err)
{
    cJSON *inner = NULL;

    coco_status status = coco_json_add_object(object, name, &inner, err);
    if (status == COCO_OK)
        status = turin ? coco_json_add_u64(inner, "fmc", tcb->fmc, err)
                       : coco_json_add_null(inner, "fmc", err);
    if (status == COCO_OK)
        status = coco_json_add_u64(inner, "bootloader", tcb->bootloader, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(inner, "tee", tcb->tee, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(inner, "snp", tcb->snp, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(inner, "microcode", tcb->microcode, err);
    return status;
}

static coco_status
add_firmware(cJSON *object, const char *name, const struct coco_snp_firmware *firmware,
             coco_error **err)
{
    cJSON *inner = NULL;

    coco_status status = coco_json_add_object(object, name, &inner, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(inner, "major", firmware->major, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(inner, "minor", firmware->minor, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(inner, "build", firmware->build, err);
    return status;
}

static coco_status
add_field(cJSON *object, const struct coco_snp_report *report, const struct field *field,
          coco_error **err)
{
    if (field->since > report->version)
        return coco_json_add_null(object, field->name, err);
    switch (field->kind) {
    case NUMBER:
        return coco_json_add_u64(object, field->name, number_of(report, field), err);
    case BYTES:
        return coco_serde_add_bytes(object, field->name, const_member_of(report, field),
                                    field->size, err);
    case TCB:
        return add_tcb(object, field->name, is_turin(report), const_member_of(report, field), err);
    case FIRMWARE:
        return add_firmware(object, field->name, const_member_of(report, field), err);
    }
    return COCO_OK;
}

coco_status
coco_snp_report_to_json(const struct coco_snp_report *report, cJSON *object, coco_error **err)
{
    cJSON *signature = NULL;
    coco_status status = COCO_OK;

    for (size_t i = 0; i < FIELDS && status == COCO_OK; i++)
        status = add_field(object, report, &fields[i], err);
    if (status == COCO_OK)
        status = coco_json_add_object(object, "signature", &signature, err);
    if (status == COCO_OK)
        status = coco_serde_add_bytes(signature, "r", report->r, sizeof(report->r), err);
    if (status == COCO_OK)
        status = coco_serde_add_bytes(signature, "s", report->s, sizeof(report->s), err);
    return status;
}
