/*
 * tests/tee/csv_kit.h - a Hygon of one test: its root, and a chip
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_TEE_CSV_KIT_H
#define COCO_TESTS_TEE_CSV_KIT_H

#include "crypto/mac.h"
#include "tee/csv_page.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

struct csv_kit {
    EVP_PKEY *hrk_key;
    EVP_PKEY *hsk_key;
    EVP_PKEY *cek_key;
    EVP_PKEY *pek_key;
    struct coco_csv_ca hrk;
    struct coco_csv_ca hsk;
    struct coco_csv_cert cek;
    struct coco_csv_cert pek;
};

static inline void
csv_kit_make_ca(struct coco_csv_ca *ret, EVP_PKEY **key, uint32_t usage, const char *id,
                const struct coco_csv_ca *signer, EVP_PKEY *signer_key)
{
    uint8_t bytes[COCO_CSV_CA_SIZE];

    *ret = (struct coco_csv_ca){.version = 1, .usage = usage};
    assert_int_equal(coco_sm2_generate(key, NULL), COCO_OK);
    assert_int_equal(coco_csv_key_set(&ret->key, *key, id, NULL), COCO_OK);
    memset(ret->key_id, 0x20 + (int)usage, sizeof(ret->key_id));
    memcpy(ret->signer_id, signer ? signer->key_id : ret->key_id, sizeof(ret->signer_id));
    coco_csv_ca_format(ret, bytes);
    assert_int_equal(coco_csv_sign(signer ? signer_key : *key, signer ? &signer->key : &ret->key,
                                   bytes, COCO_CSV_CA_BODY_SIZE, &ret->signature, NULL),
                     COCO_OK);
}

static inline void
csv_kit_make_cert(struct coco_csv_cert *ret, EVP_PKEY **key, uint32_t usage, const char *id,
                  uint32_t signer_usage, const struct coco_csv_key *signer, EVP_PKEY *signer_key)
{
    uint8_t bytes[COCO_CSV_CERT_SIZE];

    *ret = (struct coco_csv_cert){
        .version = 1, .api_major = 1, .api_minor = 3, .usage = usage, .algo = COCO_CSV_SM2};
    assert_int_equal(coco_sm2_generate(key, NULL), COCO_OK);
    assert_int_equal(coco_csv_key_set(&ret->key, *key, id, NULL), COCO_OK);
    ret->signatures[0].usage = signer_usage;
    ret->signatures[0].algo = COCO_CSV_SM2;
    ret->signatures[1].usage = COCO_CSV_NONE;
    coco_csv_cert_format(ret, bytes);
    assert_int_equal(coco_csv_sign(signer_key, signer, bytes, COCO_CSV_CERT_BODY_SIZE,
                                   &ret->signatures[0].signature, NULL),
                     COCO_OK);
}

static inline void
csv_kit_make(struct csv_kit *kit)
{
    csv_kit_make_ca(&kit->hrk, &kit->hrk_key, COCO_CSV_HRK, "HYGON-SSD-HRK", NULL, NULL);
    csv_kit_make_ca(&kit->hsk, &kit->hsk_key, COCO_CSV_HSK, "HYGON-SSD-HSK", &kit->hrk,
                    kit->hrk_key);
    csv_kit_make_cert(&kit->cek, &kit->cek_key, COCO_CSV_CEK, "HYGON-SSD-CEK", COCO_CSV_HSK,
                      &kit->hsk.key, kit->hsk_key);
    csv_kit_make_cert(&kit->pek, &kit->pek_key, COCO_CSV_PEK, "HYGON-SSD-PEK", COCO_CSV_CEK,
                      &kit->cek.key, kit->cek_key);
}

static inline void
csv_kit_done(struct csv_kit *kit)
{
    EVP_PKEY_free(kit->hrk_key);
    EVP_PKEY_free(kit->hsk_key);
    EVP_PKEY_free(kit->cek_key);
    EVP_PKEY_free(kit->pek_key);
}

/* A test's fixture. */
static inline int
csv_kit_set_up(struct csv_kit *kit, void **state)
{
    csv_kit_make(kit);
    *state = kit;
    return 0;
}

static inline int
csv_kit_tear_down(void **state)
{
    csv_kit_done(*state);
    return 0;
}

/* Of collateral in a directory, as coco_collateral_new_dir() reads it. */
static inline void
csv_kit_write_file(const char *in, const char *name, const void *data, size_t len)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "hygon/%s", name);
    write_under(in, path, data, len);
}

/* What Hygon has for the chip of that number. */
static inline void
csv_kit_write(const struct csv_kit *kit, const char *in, const char *serial)
{
    uint8_t hrk[COCO_CSV_CA_SIZE];
    uint8_t both[COCO_CSV_CA_SIZE + COCO_CSV_CERT_SIZE];
    char name[128];

    coco_csv_ca_format(&kit->hrk, hrk);
    csv_kit_write_file(in, "hrk.cert", hrk, sizeof(hrk));
    coco_csv_ca_format(&kit->hsk, both);
    coco_csv_cert_format(&kit->cek, both + COCO_CSV_CA_SIZE);
    (void)snprintf(name, sizeof(name), "hsk_cek/%s.cert", serial);
    csv_kit_write_file(in, name, both, sizeof(both));
}

/* A report of a guest that cannot be debugged, not signed yet. */
static inline struct coco_csv_report
csv_kit_report(uint32_t version)
{
    struct coco_csv_report report = {
        .version = version,
        .policy = 0x01020001 | 0x40,
        .sig_usage = COCO_CSV_PEK,
        .sig_algo = COCO_CSV_SM2,
        .anonce = version == 1 ? 0x8badf00d : 0,
        .build = version == 2 ? 77 : 0,
        .rtmr_version = version == 2 ? 1 : 0,
    };

    memset(report.measure, 0x5a, sizeof(report.measure));
    return report;
}

static inline void
csv_kit_sign(const struct csv_kit *kit, struct coco_csv_report *report)
{
    uint8_t body[COCO_CSV_BODY_V2_SIZE];

    (void)coco_csv_report_format(report, body);
    assert_int_equal(coco_csv_sign(kit->pek_key, &kit->pek.key, body,
                                   coco_csv_report_signed_size(report), &report->signature, NULL),
                     COCO_OK);
}

/*
 * What the firmware makes of a page with a request: the answer, in the version that was asked
 * for. registers: of a report of version 2, or NULL.
 */
static inline void
csv_kit_answer(const struct csv_kit *kit, const char *serial, const uint8_t (*registers)[32],
               uint8_t page[COCO_CSV_REPORT_SIZE])
{
    struct coco_csv_report report = csv_kit_report(page[112] == 'A' ? 2 : 1);
    uint8_t hash[COCO_SM3_SIZE];
    size_t n = 0;

    assert_int_equal(EVP_Q_digest(NULL, "SM3", NULL, page, 80, hash, &n), 1);
    assert_memory_equal(page + 80, hash, sizeof(hash));
    memcpy(report.report_data, page, 64);
    memcpy(report.mnonce, page + 64, 16);
    if (registers && report.version == 2)
        memcpy(report.rtmr, registers, sizeof(report.rtmr));
    const struct coco_secret mac_key = {.data = report.mnonce, .len = sizeof(report.mnonce)};
    csv_kit_sign(kit, &report);
    memset(page, 0, COCO_CSV_REPORT_SIZE);
    uint8_t *signer = page + coco_csv_report_format(&report, page);
    coco_csv_cert_format(&kit->pek, signer);
    memcpy(signer + COCO_CSV_CERT_SIZE, serial, strlen(serial));
    coco_csv_mask(signer, COCO_CSV_CERT_SIZE, report.anonce);
    coco_csv_mask(signer + COCO_CSV_CERT_SIZE, COCO_CSV_SERIAL_SIZE + 32, report.anonce);
    assert_int_equal(coco_hmac(EVP_sm3(), &mac_key, signer, COCO_CSV_CERT_SIZE + 64 + 32,
                               signer + COCO_CSV_CERT_SIZE + 64 + 32, NULL),
                     COCO_OK);
}

#endif
