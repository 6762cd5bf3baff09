/*
 * bench/guests.h - guests of three TEEs, and the makers of their machines
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BENCH_GUESTS_H
#define COCO_BENCH_GUESTS_H

#define AMD_RSA_BITS 4096 /* as AMD's */
#include "base/json.h"
#include "tee/eventlog.h"
#include "tee/tcghash.h"
#include "tests/verifier/amd.h"
#include "tests/verifier/intel.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A guest that was booted by grub has about as many, most of them lines of its configuration. */
#define GUEST_EVENTS 100

struct makers {
    struct amd amd;
    X509_CRL *crl;
    struct intel intel;
    struct coco_buf log;  /* of a guest of TDX */
    pthread_mutex_t lock; /* of intel.quote */
};

/* ---- the makers ---- */

static inline void
makers_root(X509 *root, char text[COCO_DIGEST_TEXT_SIZE])
{
    struct coco_digest fingerprint;

    assert_int_equal(coco_cert_fingerprint(root, &fingerprint, NULL), COCO_OK);
    coco_digest_format(&fingerprint, text);
}

static inline void
makers_add_event(struct makers *makers, uint32_t index, const char *text)
{
    static const uint16_t alg = COCO_TCG_SHA384;
    struct coco_event_digests digests;
    struct coco_event event = {.index = index,
                               .type = COCO_EV_IPL,
                               .data = (const uint8_t *)text,
                               .len = strlen(text) + 1};

    assert_int_equal(coco_event_measure(&event, &alg, 1, &digests, NULL), COCO_OK);
    assert_int_equal(coco_eventlog_format_event(&event, &makers->log, NULL), COCO_OK);
}

static inline void
makers_write_log(struct makers *makers)
{
    static const uint16_t alg = COCO_TCG_SHA384;
    struct coco_eventlog log = {0};

    makers->log.limit = COCO_EVENTLOG_MAX;
    assert_int_equal(coco_eventlog_format_head(&alg, 1, &makers->log, NULL), COCO_OK);
    for (uint32_t i = 0; i < GUEST_EVENTS; i++) {
        char line[80];

        (void)snprintf(line, sizeof(line), "grub_cmd: menuentry %u --class gnu-linux --class os",
                       i);
        makers_add_event(makers, 1 + i % 3, line);
    }
    assert_int_equal(coco_eventlog_format_end(&makers->log, NULL), COCO_OK);
    assert_int_equal(coco_eventlog_parse(makers->log.data, makers->log.len, &log, NULL), COCO_OK);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(
            coco_eventlog_replay(&log, i + 1, alg, makers->intel.quote.td.rtmr[i], NULL), COCO_OK);
}

static inline void
makers_begin(struct makers *makers)
{
    const struct coco_snp_report chip = amd_report(0x19, 0x01);

    amd_make(&makers->amd, &chip);
    makers->crl = amd_make_crl(&makers->amd.ark, NULL, 5);
    intel_begin(&makers->intel, 4, COCO_QUOTE_TD10);
    makers_write_log(makers);
    assert_int_equal(pthread_mutex_init(&makers->lock, NULL), 0);
}

static inline void
makers_end(struct makers *makers)
{
    X509_CRL_free(makers->crl);
    amd_done(&makers->amd);
    intel_end(&makers->intel);
    coco_buf_done(&makers->log);
    (void)pthread_mutex_destroy(&makers->lock);
}

/* Intel's collateral, as files beneath dir. */
static inline void
makers_publish(const struct makers *makers, const char *dir)
{
    const struct intel_documents *documents = &makers->intel.documents;

    for (size_t i = 0; i < documents->n; i++) {
        const struct coco_buf *content = &documents->document[i].content;
        char path[512];

        int len = snprintf(path, sizeof(path), "%s/%s", dir, documents->document[i].name);
        assert_in_range(len, 1, sizeof(path) - 1);
        for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
            *slash = '\0';
            (void)mkdir(path, 0700);
            *slash = '/';
        }
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_int_equal(fwrite(content->data, 1, content->len, file), content->len);
        assert_int_equal(fclose(file), 0);
    }
}

/* ---- the guests ---- */

struct guest {
    const char *request; /* of /auth */
    cJSON *(*evidence)(struct makers *makers, const struct coco_digest *report_data);
};

static inline cJSON *
guest_sample_evidence(struct makers *makers, const struct coco_digest *report_data)
{
    cJSON *evidence = NULL;

    (void)makers;
    assert_int_equal(coco_json_new_object(&evidence, NULL), COCO_OK);
    assert_int_equal(coco_json_add_string(evidence, "svn", "1", NULL), COCO_OK);
    assert_int_equal(coco_json_add_base64(evidence, "report_data", report_data->bytes, 48, NULL),
                     COCO_OK);
    return evidence;
}

static inline cJSON *
guest_parse(const struct coco_buf *text)
{
    cJSON *evidence = NULL;

    assert_int_equal(coco_json_parse(coco_buf_text(text), text->len, &evidence, NULL), COCO_OK);
    return evidence;
}

/* Of one chip, with its chain and the list of what its maker revoked. */
static inline cJSON *
guest_snp_evidence(struct makers *makers, const struct coco_digest *report_data)
{
    _cleanup_snp_evidence_ struct coco_snp_evidence evidence = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = (size_t)1 << 20};

    evidence.report = amd_report(0x19, 0x01);
    memcpy(evidence.report.report_data, report_data->bytes, 48);
    amd_sign(&evidence.report, makers->amd.vcek.key);
    amd_add_cert(&evidence.certs, COCO_SNP_CERT_VCEK, makers->amd.vcek.cert);
    amd_add_cert(&evidence.certs, COCO_SNP_CERT_ASK, makers->amd.ask.cert);
    amd_add_cert(&evidence.certs, COCO_SNP_CERT_ARK, makers->amd.ark.cert);
    amd_add_crl(&evidence.certs, makers->crl);
    assert_int_equal(coco_snp_evidence_format(&evidence, &text, NULL), COCO_OK);
    return guest_parse(&text);
}

/* Of one machine, with the log of what booted. */
static inline cJSON *
guest_tdx_evidence(struct makers *makers, const struct coco_digest *report_data)
{
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX};
    _cleanup_buf_ struct coco_buf text = {.limit = (size_t)1 << 20};
    uint8_t *place = makers->intel.quote.td.report_data;

    (void)pthread_mutex_lock(&makers->lock);
    memset(place, 0, sizeof(makers->intel.quote.td.report_data));
    memcpy(place, report_data->bytes, 48);
    intel_quote(&makers->intel, &(struct intel_signers){0}, &quote);
    (void)pthread_mutex_unlock(&makers->lock);
    intel_evidence_with(&quote, &makers->log, &text);
    return guest_parse(&text);
}

static const struct guest guest_sample = {
    "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":{}}", guest_sample_evidence};
static const struct guest guest_snp = {
    "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":{}}", guest_snp_evidence};
static const struct guest guest_tdx = {
    "{\"version\":\"0.4.0\",\"tee\":\"tdx\",\"extra-params\":{}}", guest_tdx_evidence};

#endif
