/*
 * attester/software.c - a machine without a chip, in a directory
 *
 *     root.pem      the maker's key; made at the first launch, as the next one
 *     key.pem       the machine's key, endorsed by the maker's
 *     machine.json  the endorsement, and what the last launch measured
 *     register      what was measured since
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/software.h"
#include "attester/driver.h"
#include "attester/paths.h"
#include "attester/software_register.h"
#include "base/base64.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "base/entries.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/key.h"
#include "tee/eventlog.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DIR_VARIABLE "COCO_SOFTWARE_TEE"
#define ROOT_FILE "root.pem"
#define KEY_FILE "key.pem"
#define MACHINE_FILE "machine.json"
#define FILE_MAX ((size_t)16 << 10)

struct machine {
    char *dir;
    EVP_PKEY *key;
    struct coco_software_report report;        /* all but the report data */
    struct coco_software_evidence endorsement; /* key, endorsement and root; no report */
};

static void
machine_free(void *self)
{
    struct machine *machine = self;

    if (!machine)
        return;
    free(machine->dir);
    EVP_PKEY_free(machine->key);
    coco_software_evidence_done(&machine->endorsement);
    free(machine);
}

COCO_DEFINE_CLEANUP(struct machine *, machine_free);

static coco_status
read_in(const char *dir, const char *name, struct coco_buf *buf, coco_error **err)
{
    _cleanup_free_ char *path = NULL;

    coco_status status = coco_path_in(dir, name, &path, err);
    if (status != COCO_OK)
        return status;
    return coco_file_read(path, buf, err);
}

static coco_status
write_in(const char *dir, const char *name, const struct coco_buf *buf, coco_error **err)
{
    _cleanup_free_ char *path = NULL;

    coco_status status = coco_path_in(dir, name, &path, err);
    if (status != COCO_OK)
        return status;
    return coco_file_write(path, buf->data, buf->len, 0600, err);
}

static coco_status
read_key(const char *dir, const char *name, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = FILE_MAX};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    enum coco_key_kind kind = 0;

    coco_status status = read_in(dir, name, &pem, err);
    if (status != COCO_OK)
        return status;
    status = coco_key_parse_private(pem.data, pem.len, &key, err);
    if (status == COCO_OK)
        status = coco_key_kind_of(key, &kind, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "'%s/%s'", dir, name);
    if (kind != COCO_KEY_P256)
        return coco_fail(err, COCO_ERR_PROTO, "'%s/%s' is no P-256 key", dir, name);

    *ret = coco_steal(&key);
    return COCO_OK;
}

static coco_status
make_key(const char *dir, const char *name, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = FILE_MAX};
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    coco_status status = coco_key_generate(COCO_KEY_P256, &key, err);
    if (status == COCO_OK)
        status = coco_key_private_pem(key, &pem, err);
    if (status == COCO_OK)
        status = write_in(dir, name, &pem, err);
    if (status != COCO_OK)
        return status;

    *ret = coco_steal(&key);
    return COCO_OK;
}

static coco_status
read_or_make_key(const char *dir, const char *name, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_free_ char *path = NULL;

    coco_status status = coco_path_in(dir, name, &path, err);
    if (status != COCO_OK)
        return status;
    return access(path, F_OK) == 0 ? read_key(dir, name, ret, err) : make_key(dir, name, ret, err);
}

/* ---- Launching ---- */

/* Also what a write of ours that was cut short left behind. */
static bool
is_ours(const char *name)
{
    static const char *const ours[] = {ROOT_FILE, KEY_FILE, MACHINE_FILE,
                                       COCO_SOFTWARE_REGISTER_FILE};

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (strncmp(name, ours[i], strlen(ours[i])) == 0)
            return true;
    return false;
}

/* A directory that is used for anything else is left alone, and so are its permissions. */
static coco_status
check_entries(const char *dir, coco_error **err)
{
    _cleanup_entries_ struct coco_entries entries = {0};
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *name;

    if (fd < 0)
        return coco_fail_errno(err, errno, "open '%s'", dir);
    coco_status status = coco_entries_take(fd, &entries, err);
    while (status == COCO_OK && (name = coco_entries_next(&entries)))
        if (!is_ours(name))
            return coco_fail(err, COCO_ERR_INVALID, "'%s' is no software TEE: it holds '%.80s'",
                             dir, name);
    return status == COCO_OK ? coco_entries_end(&entries, err) : status;
}

static coco_status
prepare_dir(const char *dir, coco_error **err)
{
    coco_status status = check_entries(dir, err);
    if (status != COCO_OK)
        return status;

    _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, 0700) < 0)
        return coco_fail_errno(err, errno, "make '%s' private", dir);
    return COCO_OK;
}

static coco_status
measure(const uint8_t *data, size_t len, uint8_t ret[COCO_SOFTWARE_MEASUREMENT_SIZE],
        coco_error **err)
{
    struct coco_digest digest = {0};

    coco_status status = coco_digest_of(COCO_SHA384, data, len, &digest, err);
    if (status == COCO_OK)
        memcpy(ret, digest.bytes, COCO_SOFTWARE_MEASUREMENT_SIZE);
    return status;
}

static coco_status
endorse(EVP_PKEY *root, const EVP_PKEY *key, struct coco_software_evidence *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = FILE_MAX};

    coco_status status = coco_key_public_der(root, &ret->part[COCO_SOFTWARE_ROOT], err);
    if (status == COCO_OK)
        status = coco_key_public_der(key, &ret->part[COCO_SOFTWARE_KEY], err);
    if (status == COCO_OK)
        status = coco_software_endorsed(&ret->part[COCO_SOFTWARE_KEY], &text, err);
    if (status == COCO_OK)
        status =
            coco_key_sign(root, text.data, text.len, &ret->part[COCO_SOFTWARE_ENDORSEMENT], err);
    return status;
}

static coco_status
add_measurement(cJSON *object, const char *name,
                const uint8_t measurement[COCO_SOFTWARE_MEASUREMENT_SIZE], coco_error **err)
{
    char hex[2 * COCO_SOFTWARE_MEASUREMENT_SIZE + 1];

    coco_hex(measurement, COCO_SOFTWARE_MEASUREMENT_SIZE, hex);
    return coco_json_add_string(object, name, hex, err);
}

static coco_status
add_part(cJSON *object, const char *name, const struct coco_buf *part, coco_error **err)
{
    return coco_json_add_base64(object, name, part->data, part->len, err);
}

static coco_status
write_machine(const char *dir, const struct coco_software_report *report,
              const struct coco_software_evidence *endorsement, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = FILE_MAX};
    const struct coco_buf *part = endorsement->part;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "version", 1, err);
    if (status == COCO_OK)
        status = add_measurement(object, "launch_digest", report->launch_digest, err);
    if (status == COCO_OK)
        status = add_measurement(object, "init_data", report->init_data, err);
    if (status == COCO_OK)
        status = add_part(object, "key", &part[COCO_SOFTWARE_KEY], err);
    if (status == COCO_OK)
        status = add_part(object, "endorsement", &part[COCO_SOFTWARE_ENDORSEMENT], err);
    if (status == COCO_OK)
        status = add_part(object, "root", &part[COCO_SOFTWARE_ROOT], err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_PRETTY, &text, err);
    if (status == COCO_OK)
        status = write_in(dir, MACHINE_FILE, &text, err);
    return status;
}

coco_status
coco_software_tee_launch(const char *dir, const uint8_t *launch, size_t len,
                         const uint8_t *init_data, size_t init_len, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *root = NULL;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_software_evidence_ struct coco_software_evidence endorsement =
        coco_software_evidence_empty();
    struct coco_software_report report = {0};

    coco_status status = prepare_dir(dir, err);
    if (status == COCO_OK)
        status = measure(launch, len, report.launch_digest, err);
    if (status == COCO_OK && init_data)
        status = measure(init_data, init_len, report.init_data, err);
    if (status == COCO_OK)
        status = read_or_make_key(dir, ROOT_FILE, &root, err);
    if (status == COCO_OK)
        status = read_or_make_key(dir, KEY_FILE, &key, err);
    if (status == COCO_OK)
        status = endorse(root, key, &endorsement, err);
    if (status == COCO_OK)
        status = coco_software_register_reset(dir, err);
    if (status == COCO_OK)
        status = write_machine(dir, &report, &endorsement, err);
    return status;
}

/* ---- Attesting ---- */

static coco_status
get_measurement(const cJSON *object, const char *name, uint8_t ret[COCO_SOFTWARE_MEASUREMENT_SIZE],
                coco_error **err)
{
    const char *hex = NULL;

    coco_status status = coco_json_get_string(object, name, &hex, err);
    if (status != COCO_OK)
        return status;
    if (!coco_unhex(hex, strlen(hex), ret, COCO_SOFTWARE_MEASUREMENT_SIZE))
        return coco_fail(err, COCO_ERR_PROTO, "%s is no SHA-384 digest", name);
    return COCO_OK;
}

static coco_status
get_part(const cJSON *object, const char *name, struct coco_buf *ret, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(object, name, &text, err);
    if (status != COCO_OK)
        return status;
    return coco_base64_decode(COCO_BASE64, text, strlen(text), ret, err);
}

static coco_status
parse_machine(const struct coco_buf *text, struct machine *ret, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    struct coco_buf *part = ret->endorsement.part;
    uint64_t version = 0;

    coco_status status = coco_json_parse_object(coco_buf_text(text), text->len, &object, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(object, "version", &version, err);
    if (status == COCO_OK && version != 1)
        status = coco_fail(err, COCO_ERR_NOTSUP, "version %llu", (unsigned long long)version);
    if (status == COCO_OK)
        status = get_measurement(object, "launch_digest", ret->report.launch_digest, err);
    if (status == COCO_OK)
        status = get_measurement(object, "init_data", ret->report.init_data, err);
    if (status == COCO_OK)
        status = get_part(object, "key", &part[COCO_SOFTWARE_KEY], err);
    if (status == COCO_OK)
        status = get_part(object, "endorsement", &part[COCO_SOFTWARE_ENDORSEMENT], err);
    if (status == COCO_OK)
        status = get_part(object, "root", &part[COCO_SOFTWARE_ROOT], err);
    return status;
}

static coco_status
machine_read(const char *dir, struct machine **ret, coco_error **err)
{
    _cleanup_(machine_freep) struct machine *machine = calloc(1, sizeof(*machine));
    _cleanup_buf_ struct coco_buf text = {.limit = FILE_MAX};

    if (!machine)
        return coco_fail_nomem(err);
    machine->endorsement = coco_software_evidence_empty();
    machine->report.svn = COCO_SOFTWARE_SVN;
    machine->dir = strdup(dir);
    if (!machine->dir)
        return coco_fail_nomem(err);

    coco_status status = read_in(dir, MACHINE_FILE, &text, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "software TEE");
    status = parse_machine(&text, machine, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "'%s/" MACHINE_FILE "'", dir);

    *ret = coco_steal(&machine);
    return COCO_OK;
}

static coco_status
machine_open(const char *dir, struct machine **ret, coco_error **err)
{
    _cleanup_(machine_freep) struct machine *machine = NULL;

    coco_status status = machine_read(dir, &machine, err);
    if (status == COCO_OK)
        status = read_key(dir, KEY_FILE, &machine->key, err);
    if (status != COCO_OK)
        return status;

    *ret = coco_steal(&machine);
    return COCO_OK;
}

/* What was measured; a register may be extended without a log. */
static coco_status
read_log(struct coco_buf *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf aael = {.limit = COCO_EVENTLOG_MAX};
    _cleanup_free_ char *path = NULL;
    coco_error *why = NULL;

    coco_status status = coco_path_get(COCO_PATH_AAEL, NULL, &path, err);
    if (status != COCO_OK)
        return status;
    status = coco_file_read(path, &aael, &why);
    if (coco_error_status(why) == COCO_ERR_NOTFOUND) {
        coco_error_free(why);
        return COCO_OK;
    }
    if (status != COCO_OK) {
        status = coco_error_status(why);
        coco_error_give(err, why);
        return status;
    }
    return coco_eventlog_join(NULL, &aael, ret, err);
}

static coco_status
sign_report(const struct machine *machine, const struct coco_evidence_request *request,
            struct coco_software_evidence *ret, coco_error **err)
{
    struct coco_software_report report = machine->report;
    struct coco_buf *buf = &ret->part[COCO_SOFTWARE_REPORT];
    uint8_t bytes[COCO_SOFTWARE_REPORT_SIZE];

    memcpy(report.report_data, request->report_data, request->len);
    coco_status status =
        coco_software_register_read(machine->dir, report.value, &report.extended, err);
    if (status != COCO_OK)
        return status;
    coco_software_report_format(&report, bytes);
    status = coco_buf_append(buf, bytes, sizeof(bytes), err);
    if (status == COCO_OK && report.extended)
        status = coco_buf_append(buf, report.value, sizeof(report.value), err);
    if (status == COCO_OK)
        status = coco_key_sign(machine->key, buf->data, buf->len,
                               &ret->part[COCO_SOFTWARE_SIGNATURE], err);
    if (status == COCO_OK && report.extended)
        status = read_log(&ret->eventlog, err);
    return status;
}

static coco_status
collect(void *self, coco_ctx *ctx, const struct coco_evidence_request *request,
        struct coco_buf *evidence, coco_error **err)
{
    static const enum coco_software_part copied[] = {
        COCO_SOFTWARE_KEY,
        COCO_SOFTWARE_ENDORSEMENT,
        COCO_SOFTWARE_ROOT,
    };
    const struct machine *machine = self;
    _cleanup_software_evidence_ struct coco_software_evidence parts =
        coco_software_evidence_empty();

    (void)ctx;
    coco_status status = sign_report(machine, request, &parts, err);
    for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]) && status == COCO_OK; i++) {
        const struct coco_buf *part = &machine->endorsement.part[copied[i]];
        status = coco_buf_append(&parts.part[copied[i]], part->data, part->len, err);
    }
    if (status == COCO_OK)
        status = coco_software_evidence_format(&parts, evidence, err);
    return status;
}

/* There is one register, whatever its PCR. */
static coco_status
extend(void *self, unsigned pcr, const uint8_t *digest, coco_error **err)
{
    const struct machine *machine = self;

    (void)pcr;
    return coco_software_register_extend(machine->dir, digest, err);
}

static coco_status
read_register(void *self, unsigned pcr, uint8_t *ret, coco_error **err)
{
    const struct machine *machine = self;
    bool extended = false;

    (void)pcr;
    return coco_software_register_read(machine->dir, ret, &extended, err);
}

static uint32_t
log_index(unsigned pcr)
{
    (void)pcr;
    return COCO_SOFTWARE_LOG_INDEX;
}

static coco_status
bind_init_data(void *self, const uint8_t *digest, size_t len, coco_error **err)
{
    const struct machine *machine = self;
    uint8_t want[COCO_SOFTWARE_MEASUREMENT_SIZE] = {0};

    memcpy(want, digest, len < sizeof(want) ? len : sizeof(want));
    if (memcmp(want, machine->report.init_data, sizeof(want)) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "the machine was started with other init data");
    return COCO_OK;
}

/* ---- The public side ---- */

static bool
detect(void)
{
    const char *dir = secure_getenv(DIR_VARIABLE);
    _cleanup_free_ char *path = NULL;

    return dir && dir[0] != '\0' && coco_path_in(dir, MACHINE_FILE, &path, NULL) == COCO_OK
           && access(path, R_OK) == 0;
}

static coco_status
open_from_environment(void **ret, coco_error **err)
{
    const char *dir = secure_getenv(DIR_VARIABLE);
    struct machine *machine = NULL;

    if (!dir || dir[0] == '\0')
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "no software TEE: " DIR_VARIABLE " does not name its directory");
    coco_status status = machine_open(dir, &machine, err);
    if (status == COCO_OK)
        *ret = machine;
    return status;
}

const struct coco_attester_driver coco_software_attester = {
    .tee = "software",
    .detect = detect,
    .open = open_from_environment,
    .close = machine_free,
    .collect = collect,
    .register_alg = "sha384",
    .register_size = COCO_SOFTWARE_MEASUREMENT_SIZE,
    .extend = extend,
    .read_register = read_register,
    .log_index = log_index,
    .bind_init_data = bind_init_data,
};

coco_status
coco_attester_new_software(const char *dir, coco_attester **ret, coco_error **err)
{
    _cleanup_(machine_freep) struct machine *machine = NULL;

    coco_status status = machine_open(dir, &machine, err);
    if (status == COCO_OK)
        status = coco_attester_wrap(&coco_software_attester, machine, ret, err);
    if (status == COCO_OK)
        machine = NULL;
    return status;
}

coco_status
coco_software_tee_root(const char *dir, coco_bytes **ret, coco_error **err)
{
    _cleanup_(machine_freep) struct machine *machine = NULL;
    _cleanup_pkey_ EVP_PKEY *root = NULL;
    _cleanup_buf_ struct coco_buf pem = {.limit = FILE_MAX};

    coco_status status = machine_read(dir, &machine, err);
    if (status == COCO_OK)
        status =
            coco_key_parse_public(machine->endorsement.part[COCO_SOFTWARE_ROOT].data,
                                  machine->endorsement.part[COCO_SOFTWARE_ROOT].len, &root, err);
    if (status == COCO_OK)
        status = coco_key_public_pem(root, &pem, err);
    if (status == COCO_OK)
        status = coco_bytes_take(&pem, ret, err);
    return status;
}
