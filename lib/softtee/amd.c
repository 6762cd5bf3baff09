/*
 * softtee/amd.c - an AMD that is nobody's: reports, and its word on them
 *
 * ARK -> ASK -> VCEK -> report, as with the real one, but for the length of RSA keys:
 * those of 2048 bits are made in no time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/amd.h"

#include "base/fail.h"
#include "crypto/ecdsa.h"
#include "tee/snp_certs.h"

#include <string.h>

#define PEM_MAX ((size_t)16 << 10)
#define P384_SIZE 48

/* The one chip there is: a Genoa, and its firmware. */
#define PRODUCT "Genoa"
#define CPU_FAMILY 0x19
#define CPU_MODEL 0x11
static const struct coco_snp_tcb tcb = {.bootloader = 9, .tee = 0, .snp = 21, .microcode = 72};
static const uint8_t chip_id[COCO_SNP_CHIP_ID_SIZE] = {0x50, 0xf7, 0x7e, 0xe0};

void
coco_amd_done(struct coco_amd *amd)
{
    coco_pki_done(&amd->ark);
    coco_pki_done(&amd->ask);
    coco_pki_done(&amd->vcek);
}

#define OID "1.3.6.1.4.1.3704.1."

static coco_status
open_vcek(const char *dir, struct coco_amd *amd, coco_error **err)
{
    static const uint8_t product[] = {0x16, 5, 'G', 'e', 'n', 'o', 'a'};
    const uint8_t parts[4][3] = {
        {2, 1, tcb.bootloader}, {2, 1, tcb.tee}, {2, 1, tcb.snp}, {2, 1, tcb.microcode}};
    const struct coco_pki_extension extensions[] = {
        {OID "2", product, sizeof(product)},
        {OID "3.1", parts[0], 3},
        {OID "3.2", parts[1], 3},
        {OID "3.3", parts[2], 3},
        {OID "3.8", parts[3], 3},
        {OID "4", chip_id, sizeof(chip_id)},
    };
    const struct coco_pki_want want = {
        .name = "SEV-VCEK",
        .kind = COCO_KEY_P384,
        .issuer = &amd->ask,
        .extensions = extensions,
        .n_extensions = sizeof(extensions) / sizeof(extensions[0]),
    };

    return coco_pki_keep(dir, "amd/vcek.pem", &want, &amd->vcek, err);
}

coco_status
coco_amd_open(const char *dir, struct coco_amd *ret, coco_error **err)
{
    struct coco_amd amd = {0};
    struct coco_pki_want want = {.name = "ARK-" PRODUCT, .kind = COCO_KEY_RSA, .is_ca = true};

    coco_status status = coco_pki_keep(dir, "amd/ark.pem", &want, &amd.ark, err);
    want.name = "SEV-" PRODUCT;
    want.issuer = &amd.ark;
    if (status == COCO_OK)
        status = coco_pki_keep(dir, "amd/ask.pem", &want, &amd.ask, err);
    if (status == COCO_OK)
        status = open_vcek(dir, &amd, err);
    if (status != COCO_OK) {
        coco_amd_done(&amd);
        return status;
    }
    *ret = amd;
    return COCO_OK;
}

coco_status
coco_amd_publish(const struct coco_amd *amd, const char *dir, coco_error **err)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = PEM_MAX};
    _cleanup_buf_ struct coco_buf crl = {.limit = PEM_MAX};

    coco_status status = coco_pki_pem(&amd->ask, &pem, err);
    if (status == COCO_OK)
        status = coco_pki_pem(&amd->ark, &pem, err);
    if (status == COCO_OK)
        status = coco_pki_write(dir, COCO_AMD_MAKER "/vcek/chain.pem", pem.data, pem.len, err);
    if (status == COCO_OK)
        status = coco_pki_crl(&amd->ark, &crl, err);
    if (status == COCO_OK)
        status = coco_pki_write(dir, COCO_AMD_MAKER "/vcek.crl", crl.data, crl.len, err);
    return status;
}

static void
reverse(uint8_t ret[COCO_SNP_NUMBER_SIZE], const uint8_t number[P384_SIZE])
{
    for (size_t i = 0; i < P384_SIZE; i++)
        ret[i] = number[P384_SIZE - 1 - i];
}

coco_status
coco_amd_report(const struct coco_amd *amd, const struct coco_softtee_guest *guest,
                const uint8_t report_data[COCO_SNP_REPORT_DATA_SIZE], uint32_t vmpl,
                struct coco_buf *ret, coco_error **err)
{
    struct coco_snp_report report = {
        .version = 3,
        .policy = 0x30000, /* SMT, and a bit that is always set */
        .vmpl = vmpl,
        .signature_algo = COCO_SNP_SIGNATURE_ECDSA_P384,
        .platform_info = COCO_SNP_PLATFORM_SMT,
        .current_tcb = tcb,
        .reported_tcb = tcb,
        .committed_tcb = tcb,
        .launch_tcb = tcb,
        .cpu_family = CPU_FAMILY,
        .cpu_model = CPU_MODEL,
        .cpu_stepping = 1,
    };
    uint8_t bytes[COCO_SNP_REPORT_SIZE];
    _cleanup_buf_ struct coco_buf signature = {.limit = 2 * COCO_EC_SIZE_MAX};

    memcpy(report.chip_id, chip_id, sizeof(chip_id));
    memcpy(report.report_data, report_data, sizeof(report.report_data));
    memcpy(report.measurement, guest->measurement, sizeof(report.measurement));
    memcpy(report.host_data, guest->host_data, sizeof(report.host_data));
    memset(report.report_id_ma, 0xff, sizeof(report.report_id_ma)); /* no migration agent */
    coco_snp_report_format(&report, bytes);
    coco_status status =
        coco_ecdsa_sign(amd->vcek.key, bytes, COCO_SNP_SIGNED_SIZE, &signature, err);
    if (status != COCO_OK)
        return status;
    reverse(report.r, signature.data);
    reverse(report.s, signature.data + P384_SIZE);
    coco_snp_report_format(&report, bytes);
    return coco_buf_append(ret, bytes, sizeof(bytes), err);
}

static coco_status
add_cert(struct coco_snp_certs *certs, enum coco_snp_cert_kind kind, const struct coco_pki *pki,
         coco_error **err)
{
    _cleanup_buf_ struct coco_buf der = {.limit = PEM_MAX};

    coco_status status = coco_pki_der(pki, &der, err);
    if (status == COCO_OK)
        status = coco_snp_certs_add(certs, kind, der.data, der.len, err);
    return status;
}

coco_status
coco_amd_table(const struct coco_amd *amd, struct coco_buf *ret, coco_error **err)
{
    _cleanup_snp_certs_ struct coco_snp_certs certs = {0};

    coco_status status = add_cert(&certs, COCO_SNP_CERT_ARK, &amd->ark, err);
    if (status == COCO_OK)
        status = add_cert(&certs, COCO_SNP_CERT_ASK, &amd->ask, err);
    if (status == COCO_OK)
        status = add_cert(&certs, COCO_SNP_CERT_VCEK, &amd->vcek, err);
    if (status == COCO_OK)
        status = coco_snp_certs_format(&certs, ret, err);
    return status;
}
