/*
 * tests/attester/hcl.h - what is below a confidential VM of Azure, for one test
 *
 * A TPM, the HCL that lays reports into it, and the metadata service.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_ATTESTER_HCL_H
#define COCO_TESTS_ATTESTER_HCL_H

#include "base/digest.h"
#include "base/text.h"
#include "crypto/jwk.h"
#include "tee/hcl.h"
#include "tests/attester/swtpm.h"
#include "tests/httpd.h"

#include <pthread.h>

#define HCL_NV_REPORT 0x01400001U
#define HCL_NV_REPORT_DATA 0x01400002U
#define HCL_AK 0x81000003U
#define HCL_SPACE 2048 /* as much as an NV index of swtpm holds; Azure has 2600 */
#define HCL_LOOK_AGAIN_MS 10

/* How it behaves. */
enum hcl_way {
    HCL_RENEWS, /* makes a report whenever there are other report data */
    HCL_STALE,  /* made one, and no more */
    HCL_NONE,   /* never made one */
};

struct hcl {
    struct swtpm tpm;
    struct httpd httpd;
    enum coco_hcl_hardware hardware;
    char jwk[1024];                         /* of the attestation key */
    uint8_t first[COCO_HCL_USER_DATA_SIZE]; /* report data of the first report */
    uint8_t user_data[COCO_HCL_USER_DATA_SIZE];
    int stop[2]; /* a pipe that is closed to stop the thread; 0 without one */
    pthread_t thread;
    char asked[2048];            /* the body of the last request to the service */
    struct coco_buf certificate; /* what the service says for SNP, JSON */
    struct coco_buf quote;       /* ... and for TDX */

    /* Makes the hardware's report of a hash, of the size that hardware's have; NULL: any bytes. */
    void (*make)(struct hcl *hcl, const uint8_t hash[32], uint8_t *report);
    void *user;
};

static inline bool
hcl_answer(void *user, const struct httpd_request *request)
{
    struct hcl *hcl = user;
    bool snp = strcmp(request->target, "/metadata/THIM/amd/certification") == 0;

    (void)snprintf(hcl->asked, sizeof(hcl->asked), "%s", request->body);
    return httpd_reply(request->httpd, "200 OK", "",
                       coco_buf_text(snp ? &hcl->certificate : &hcl->quote));
}

static inline void
hcl_read_key(struct hcl *hcl, struct coco_tpm_device *device)
{
    _cleanup_buf_ struct coco_buf der = {.limit = COCO_TPM_AK_MAX};
    _cleanup_buf_ struct coco_buf text = {.limit = sizeof(hcl->jwk) - 1};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_json_ cJSON *jwk = NULL;
    coco_error *err = NULL;

    assert_ok(coco_tpm_device_key(device, HCL_AK, &der, &err), err);
    assert_ok(coco_key_parse_public(der.data, der.len, &key, &err), err);
    assert_ok(coco_jwk_public(key, NULL, &jwk, &err), err);
    assert_ok(coco_json_add_string(jwk, "kid", "HCLAkPub", &err), err);
    assert_ok(coco_json_write(jwk, COCO_JSON_COMPACT, &text, &err), err);
    (void)snprintf(hcl->jwk, sizeof(hcl->jwk), "%s", coco_buf_text(&text));
}

/* Lays out a report with hcl->user_data. On any thread: without assertions. */
static inline bool
hcl_lay(struct hcl *hcl, struct coco_tpm_device *device)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = HCL_SPACE};
    char hex[2 * COCO_HCL_USER_DATA_SIZE + 1];
    char runtime[1280];
    uint8_t hardware[COCO_HCL_SNP_SIZE];
    struct coco_digest hash = {0};

    coco_hex(hcl->user_data, sizeof(hcl->user_data), hex);
    int len =
        snprintf(runtime, sizeof(runtime), "{\"keys\":[%s],\"user-data\":\"%s\"}", hcl->jwk, hex);
    if (len < 0 || (size_t)len >= sizeof(runtime)
        || coco_digest_of(COCO_SHA256, runtime, (size_t)len, &hash, NULL) != COCO_OK)
        return false;
    memset(hardware, 0x5a, sizeof(hardware));
    if (hcl->make)
        hcl->make(hcl, hash.bytes, hardware);

    const struct coco_hcl_report report = {
        .hardware = hcl->hardware,
        .report = hardware,
        .runtime = (const uint8_t *)runtime,
        .runtime_len = (size_t)len,
    };
    static const uint8_t zeros[HCL_SPACE];
    return coco_hcl_report_format(&report, &buf, NULL) == COCO_OK
           && coco_buf_append(&buf, zeros, HCL_SPACE - buf.len, NULL) == COCO_OK
           && coco_tpm_device_nv_write(device, HCL_NV_REPORT, buf.data, buf.len, NULL) == COCO_OK;
}

/* Lays out a new one if there are other report data than those of the last. */
static inline void
hcl_look(struct hcl *hcl)
{
    _cleanup_(coco_tpm_device_closep) struct coco_tpm_device *device = NULL;
    _cleanup_buf_ struct coco_buf data = {.limit = COCO_HCL_USER_DATA_SIZE};
    uint8_t user_data[COCO_HCL_USER_DATA_SIZE] = {0};

    if (coco_tpm_device_open(&device, NULL) != COCO_OK
        || coco_tpm_device_nv_read(device, HCL_NV_REPORT_DATA, &data, NULL) != COCO_OK
        || data.len == 0)
        return;
    memcpy(user_data, data.data, data.len);
    if (memcmp(user_data, hcl->user_data, sizeof(user_data)) == 0)
        return;
    memcpy(hcl->user_data, user_data, sizeof(user_data));
    (void)hcl_lay(hcl, device);
}

static inline void *
hcl_run(void *user)
{
    struct hcl *hcl = user;
    struct pollfd stop = {.fd = hcl->stop[0], .events = POLLIN};

    while (poll(&stop, 1, HCL_LOOK_AGAIN_MS) == 0)
        hcl_look(hcl);
    return NULL;
}

/* What the service says of the chip from then on. */
static inline coco_status
hcl_say_certificate(struct hcl *hcl, const char *pem, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "vcekCert", pem, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, &hcl->certificate, err);
    return status;
}

/* hcl is zero but for first, make and user. Skips the test where there is no swtpm. */
static inline void
hcl_start(struct hcl *hcl, enum coco_hcl_hardware hardware, enum hcl_way way)
{
    struct coco_tpm_device *device = NULL;
    coco_error *err = NULL;

    hcl->hardware = hardware;
    memcpy(hcl->user_data, hcl->first, sizeof(hcl->user_data));
    swtpm_start(&hcl->tpm);
    swtpm_make_key(&hcl->tpm, HCL_AK);
    assert_ok(coco_tpm_device_open(&device, &err), err);
    hcl_read_key(hcl, device);
    assert_true(way == HCL_NONE || hcl_lay(hcl, device));
    coco_tpm_device_close(device);

    hcl->certificate.limit = 16384;
    hcl->quote.limit = 16384;
    httpd_start(&hcl->httpd, hcl_answer, hcl, NULL);
    assert_int_equal(setenv("COCO_AZURE_IMDS", hcl->httpd.url, 1), 0);
    if (way == HCL_RENEWS) {
        assert_int_equal(pipe2(hcl->stop, O_CLOEXEC), 0);
        assert_int_equal(pthread_create(&hcl->thread, NULL, hcl_run, hcl), 0);
    }
}

static inline void
hcl_stop(struct hcl *hcl)
{
    if (hcl->tpm.dir[0] == '\0')
        return;
    if (hcl->stop[1] > 0) {
        assert_int_equal(close(hcl->stop[1]), 0);
        assert_int_equal(pthread_join(hcl->thread, NULL), 0);
        assert_int_equal(close(hcl->stop[0]), 0);
        hcl->stop[1] = 0;
    }
    httpd_stop(&hcl->httpd);
    swtpm_stop(&hcl->tpm);
    coco_buf_done(&hcl->certificate);
    coco_buf_done(&hcl->quote);
    (void)unsetenv("COCO_AZURE_IMDS");
}

#endif
