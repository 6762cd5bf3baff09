/*
 * cli/measure.c - coco measure
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)1 << 30) /* the library has limits of its own below */
#define RVPS_VERSION "0.1.0"

/* ---- what is launched, and how ---- */

typedef coco_status set_file(coco_launch *launch, const uint8_t *data, size_t len,
                             coco_error **err);

static int
set_part(struct cli *cli, coco_launch *launch, enum cli_opt opt, set_file *set)
{
    const char *path = cli_get(&cli->args, opt);
    _cleanup_bytes_ struct cli_bytes bytes = {0};

    if (!path)
        return CLI_DONE;
    int rc = cli_read_file(cli, path, FILE_MAX, &bytes);
    return rc == CLI_DONE ? cli_check(cli, set(launch, bytes.data, bytes.len, &cli->err)) : rc;
}

static int
read_launch(struct cli *cli, coco_launch *launch)
{
    const char *cmdline = cli_get(&cli->args, OPT_CMDLINE);

    int rc = set_part(cli, launch, OPT_FIRMWARE, coco_launch_set_firmware);
    if (rc == CLI_DONE)
        rc = set_part(cli, launch, OPT_KERNEL, coco_launch_set_kernel);
    if (rc == CLI_DONE)
        rc = set_part(cli, launch, OPT_INITRD, coco_launch_set_initrd);
    if (rc == CLI_DONE && cmdline)
        rc = cli_check(cli, coco_launch_set_cmdline(launch, cmdline, &cli->err));
    return rc;
}

static int
read_number(struct cli *cli, enum cli_opt opt, uint64_t least, uint64_t most, uint32_t *ret)
{
    uint64_t value = 0;

    int rc = cli_get_number(cli, opt, least, most, &value);
    if (rc == CLI_DONE)
        *ret = (uint32_t)value;
    return rc;
}

/* The words of --vmm and --tdx-order are those of the tables in options.c. */
static int
read_options(struct cli *cli, coco_measure_options *ret)
{
    const char *vmm = cli_get(&cli->args, OPT_VMM);
    const char *order = cli_get(&cli->args, OPT_TDX_ORDER);
    const char *cpu = cli_get(&cli->args, OPT_CPU);

    if (vmm && strcmp(vmm, "ec2") == 0)
        ret->vmm = COCO_VMM_EC2;
    if (vmm && strcmp(vmm, "gce") == 0)
        ret->vmm = COCO_VMM_GCE;
    if (order && strcmp(order, "section") == 0)
        ret->tdx_order = COCO_TDX_BY_SECTION;
    if (cli_given(&cli->args, OPT_SEV_ES))
        ret->flags |= COCO_MEASURE_SEV_ES;
    if (cpu) {
        ret->cpu_signature = coco_cpu_signature_of(cpu);
        if (ret->cpu_signature == 0)
            return cli_usage(cli, "--cpu is a type of QEMU's such as EPYC-Milan, or 25-1-1");
    }
    int rc = read_number(cli, OPT_VCPUS, 1, 4096, &ret->vcpus);
    if (rc == CLI_DONE)
        rc = read_number(cli, OPT_EDK2, 201801, 209912, &ret->edk2);
    if (rc == CLI_DONE)
        rc = cli_get_number(cli, OPT_GUEST_FEATURES, 1, UINT64_MAX, &ret->guest_features);
    return rc;
}

/* ---- what it came to ---- */

static void
add_text(cJSON *object, const char *name, const char *text)
{
    cJSON_AddItemToObject(object, name, text ? cJSON_CreateString(text) : cJSON_CreateNull());
}

/* {"tee", "values": [{"name", "claim", "value", "note", "single"}]}; null for what there is not. */
static cJSON *
json_of(const char *tee, const coco_measurement *measurement)
{
    cJSON *object = cJSON_CreateObject();
    cJSON *values = cJSON_AddArrayToObject(object, "values");
    const char *name;

    cJSON_AddStringToObject(object, "tee", tee);
    for (size_t i = 0; (name = coco_measurement_name(measurement, i)); i++) {
        cJSON *value = cJSON_CreateObject();

        cJSON_AddStringToObject(value, "name", name);
        add_text(value, "claim", coco_measurement_claim(measurement, i));
        add_text(value, "value", coco_measurement_value(measurement, i));
        add_text(value, "note", coco_measurement_note(measurement, i));
        cJSON_AddBoolToObject(value, "single", coco_measurement_single(measurement, i));
        cJSON_AddItemToArray(values, value);
    }
    return object;
}

/* What is known, {name: [value]}, and the value itself where policies want that. */
static cJSON *
values_of(const coco_measurement *measurement)
{
    cJSON *object = cJSON_CreateObject();
    const char *name;

    for (size_t i = 0; (name = coco_measurement_name(measurement, i)); i++) {
        const char *value = coco_measurement_value(measurement, i);

        if (!value)
            continue;
        if (coco_measurement_single(measurement, i))
            cJSON_AddStringToObject(object, name, value);
        else
            cJSON_AddItemToArray(cJSON_AddArrayToObject(object, name), cJSON_CreateString(value));
    }
    return object;
}

/* kbs-protocol C.3: the values in base64, as type "sample". */
static cJSON *
message_of(const cJSON *values)
{
    _cleanup_free_ char *text = cJSON_PrintUnformatted(values);
    size_t len = text ? strlen(text) : 0; /* some values of 96 digits */
    _cleanup_free_ char *payload = malloc((len + 2) / 3 * 4 + 1);
    cJSON *message = cJSON_CreateObject();

    if (!text || !payload)
        return message;
    (void)EVP_EncodeBlock((unsigned char *)payload, (const unsigned char *)text, (int)len);
    cJSON_AddStringToObject(message, "version", RVPS_VERSION);
    cJSON_AddStringToObject(message, "type", "sample");
    cJSON_AddStringToObject(message, "payload", payload);
    return message;
}

static int
write_text(struct cli *cli, const cJSON *object)
{
    const char *output = cli_get(&cli->args, OPT_OUTPUT);
    _cleanup_free_ char *text = cJSON_Print(object);

    if (!text)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    if (output)
        return cli_write_file(cli, output, text, strlen(text));
    int rc = cli_write_stdout(cli, text, strlen(text));
    return rc == CLI_DONE ? cli_write_stdout(cli, "\n", 1) : rc;
}

static void
print(const coco_measurement *measurement)
{
    const char *name;

    for (size_t i = 0; (name = coco_measurement_name(measurement, i)); i++) {
        const char *value = coco_measurement_value(measurement, i);

        (void)printf("%-24s %s\n    %s\n", name, value ? value : "not known",
                     coco_measurement_note(measurement, i));
    }
}

static int
report(struct cli *cli, const char *tee, const coco_measurement *measurement)
{
    const char *form = cli_get(&cli->args, OPT_FORM);
    _cleanup_(cJSON_Deletep) cJSON *values = NULL;
    _cleanup_(cJSON_Deletep) cJSON *message = NULL;

    if (form) {
        values = values_of(measurement);
        message = strcmp(form, "rvps") == 0 ? message_of(values) : NULL;
        return write_text(cli, message ? message : values);
    }
    if (cli_get(&cli->args, OPT_OUTPUT)) {
        values = json_of(tee, measurement);
        return write_text(cli, values);
    }
    if (cli->json)
        return cli_event(cli, json_of(tee, measurement));
    print(measurement);
    return CLI_DONE;
}

int
cli_measure(struct cli *cli)
{
    const char *tee = cli_get(&cli->args, OPT_TEE);
    _cleanup_(coco_launch_freep) coco_launch *launch = NULL;
    _cleanup_(coco_measurement_freep) coco_measurement *measurement = NULL;
    coco_measure_options opts = {.size = sizeof(opts)};

    if (!tee)
        return cli_usage(cli, "needs --tee snp, sev, tdx, tpm or software");
    int rc = read_options(cli, &opts);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_launch_new(&launch, &cli->err));
    if (rc == CLI_DONE)
        rc = read_launch(cli, launch);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_measure(launch, tee, &opts, &measurement, &cli->err));
    return rc == CLI_DONE ? report(cli, tee, measurement) : rc;
}
