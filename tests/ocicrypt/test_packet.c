/*
 * tests/ocicrypt/test_packet.c - lib/ocicrypt/packet.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/packet.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "ocicrypt/layer.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

#define URI "kbs:///default/test-key/1"
#define OPTIONS "private options"

/* Hard-coded in upstream's coco_keyprovider for its samples. */
#define SAMPLE_KEK "d99b7705b0ba7a168295b3a3367270b0dd9b371bf514ca8b9ba7f0a33711daea"

/* A KBS with one key. */
struct kbs {
    struct coco_secret kek;
    coco_status status; /* what it answers with */
    char asked[64];     /* the last URI */
    unsigned requests;
};

static coco_status
kbs_get(void *self, coco_ctx *ctx, const char *uri, struct coco_secret *ret, coco_error **err)
{
    struct kbs *kbs = self;

    (void)ctx;
    kbs->requests++;
    (void)snprintf(kbs->asked, sizeof(kbs->asked), "%s", uri);
    if (kbs->status != COCO_OK)
        return coco_fail(err, kbs->status, "the KBS says no");
    return coco_secret_copy(kbs->kek.data, kbs->kek.len, ret, err);
}

static void
kbs_init(struct kbs *kbs)
{
    coco_error *err = NULL;

    *kbs = (struct kbs){0};
    assert_ok(coco_secret_alloc(COCO_LAYER_KEY_SIZE, &kbs->kek, &err), err);
    assert_true(coco_unhex(SAMPLE_KEK, strlen(SAMPLE_KEK), kbs->kek.data, kbs->kek.len));
}

/* A packet that wraps text with the KBS's key, with other members than usual. */
static void
make_packet(const struct kbs *kbs, const char *text, const char *members, struct coco_buf *packet)
{
    const uint8_t iv[COCO_AEAD_IV_SIZE] = {0};
    struct coco_buf wrapped = {.limit = 1 << 12};
    uint8_t tag[COCO_AEAD_TAG_SIZE];
    coco_error *err = NULL;

    assert_ok(coco_aead_seal(kbs->kek.data, iv, NULL, text, strlen(text), &wrapped, tag, &err),
              err);
    assert_ok(coco_buf_append(&wrapped, tag, sizeof(tag), &err), err);
    assert_ok(coco_buf_printf(packet, &err, "{%s,\"wrapped_data\":\"", members), err);
    assert_ok(coco_base64_encode(COCO_BASE64, wrapped.data, wrapped.len, packet, &err), err);
    assert_ok(coco_buf_append_text(packet, "\"}", &err), err);
    coco_buf_done(&wrapped);
}

#define KID "\"kid\":\"" URI "\""
#define IV "\"iv\":\"AAAAAAAAAAAAAAAA\""
#define GCM "\"wrap_type\":\"A256GCM\""
static coco_status
open_packet(struct kbs *kbs, const char *members, struct coco_secret *ret, coco_error **err)
{
    const struct coco_kek_source source = {kbs_get, kbs};
    const struct coco_wrapper opener = coco_kek_opener(&source);
    _cleanup_buf_ struct coco_buf packet = {.limit = 1 << 14};

    make_packet(kbs, OPTIONS, members, &packet);
    return opener.unwrap(opener.self, NULL, &packet, ret, err);
}

static void
open_reads_packets_of_both_versions(void **state)
{
    static const struct {
        const char *members, *asked;
    } cases[] = {
        {KID "," IV "," GCM, URI},
        {KID "," IV "," GCM ",\"version\":\"0.1.0\",\"provider\":\"kbs\","
             "\"provider_settings\":{},\"annotations\":{}",
         URI},
        {KID "," IV "," GCM ",\"version\":null,\"provider\":null", URI},
        /* Whoever is named there is not asked: the guest has its own KBS (T20). */
        {"\"kid\":\"kbs://evil.test:80/default/test-key/1\"," IV "," GCM, URI},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_secret back = {0};
        struct kbs kbs;

        kbs_init(&kbs);
        assert_ok(open_packet(&kbs, cases[i].members, &back, &err), err);
        assert_string_equal(kbs.asked, cases[i].asked);
        assert_true(coco_secret_equal(&back, OPTIONS, strlen(OPTIONS)));
        coco_secret_done(&back);
        coco_secret_done(&kbs.kek);
    }
}

/* None of them may cost a request either. */
static void
open_refuses_hostile_packets(void **state)
{
    static const struct {
        const char *members;
        coco_status status;
    } cases[] = {
        {IV "," GCM, COCO_ERR_PROTO},
        {KID "," GCM, COCO_ERR_PROTO},
        {KID "," IV, COCO_ERR_PROTO},
        {KID "," IV "," GCM ",\"wrapped_data\":\"AA==\"", COCO_ERR_PROTO}, /* twice */
        {KID "," IV ",\"wrap_type\":\"A256CTR\"", COCO_ERR_NOTSUP},
        {KID ",\"iv\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"wrap_type\":\"A256CTR\"", COCO_ERR_NOTSUP},
        {KID "," IV ",\"wrap_type\":\"a256gcm\"", COCO_ERR_NOTSUP},
        {KID "," IV ",\"wrap_type\":null", COCO_ERR_PROTO},
        {KID ",\"iv\":\"AAAAAAAAAAAAAAAAAAAAAA==\"," GCM, COCO_ERR_PROTO},
        {KID ",\"iv\":\"\"," GCM, COCO_ERR_PROTO},
        {KID "," IV "," GCM ",\"version\":\"0.2.0\"", COCO_ERR_NOTSUP},
        {KID "," IV "," GCM ",\"version\":1", COCO_ERR_PROTO},
        {KID "," IV "," GCM ",\"provider\":\"aliyun\"", COCO_ERR_NOTSUP},
        {KID "," IV "," GCM ",\"provider\":\"\"", COCO_ERR_NOTSUP},
        {"\"kid\":\"\"," IV "," GCM, COCO_ERR_PROTO},
        {"\"kid\":\"default/test-key/1\"," IV "," GCM, COCO_ERR_PROTO},
        {"\"kid\":\"kbs:///kbs:///default/key/1\"," IV "," GCM, COCO_ERR_PROTO},
        {"\"kid\":\"kbs:///default/../1\"," IV "," GCM, COCO_ERR_PROTO},
        {"\"kid\":\"kbs:///default/test-key/1/2\"," IV "," GCM, COCO_ERR_PROTO},
        {"\"kid\":\"kbs:///default/test-key/1?x=y\"," IV "," GCM, COCO_ERR_PROTO},
        {"\"kid\":\"kbs:///default/test-key/%31\"," IV "," GCM, COCO_ERR_PROTO},
        {"\"kid\":\"kbs+pkcs11:///default/test-key/1\"," IV "," GCM, COCO_ERR_PROTO},
        {"\"kid\":\"http://evil.test/default/test-key/1\"," IV "," GCM, COCO_ERR_PROTO},
        {"\"kid\":[\"" URI "\"]," IV "," GCM, COCO_ERR_PROTO},
    };
    struct kbs kbs;

    (void)state;
    kbs_init(&kbs);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_secret back = {0};
        coco_error *err = NULL;

        coco_status status = open_packet(&kbs, cases[i].members, &back, &err);
        if (status != cases[i].status)
            fail_msg("case %zu: %s: %s", i, coco_status_name(status), coco_error_message(err));
        coco_error_free(err);
        assert_null(back.data);
    }
    assert_int_equal(kbs.requests, 0);
    coco_secret_done(&kbs.kek);
}

static void
what_the_kbs_answers_is_told(void **state)
{
    static const coco_status answers[] = {COCO_ERR_DENIED, COCO_ERR_NET, COCO_ERR_NOTFOUND,
                                          COCO_ERR_CANCELED, COCO_ERR_NOMEM};
    struct coco_secret back = {0};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct kbs kbs;

        kbs_init(&kbs);
        kbs.status = answers[i];
        assert_fails(open_packet(&kbs, KID "," IV "," GCM, &back, &err), err, answers[i],
                     "the KBS says no");
        coco_secret_done(&kbs.kek);
    }
}

/* T21: a resource that is no key, and one that is another. */
static void
a_wrong_key_opens_nothing(void **state)
{
    _cleanup_buf_ struct coco_buf packet = {.limit = 1 << 14};
    struct coco_secret back = {0};
    struct kbs kbs;
    const struct coco_kek_source source = {kbs_get, &kbs};
    const struct coco_wrapper opener = coco_kek_opener(&source);
    coco_error *err = NULL;

    (void)state;
    kbs_init(&kbs);
    make_packet(&kbs, OPTIONS, KID "," IV "," GCM, &packet);
    kbs.kek.len = 31;
    assert_fails(opener.unwrap(opener.self, NULL, &packet, &back, &err), err, COCO_ERR_VERIFY,
                 COCO_NO_KEY_OPENS);
    kbs.kek.len = 32;
    kbs.kek.data[0] ^= 1;
    assert_fails(opener.unwrap(opener.self, NULL, &packet, &back, &err), err, COCO_ERR_VERIFY,
                 COCO_NO_KEY_OPENS);
    coco_secret_done(&kbs.kek);
}

/* Version 1, which every released guest reads. */
static void
what_is_written_has_upstreams_members_and_opens(void **state)
{
    struct kbs kbs;
    const struct coco_kek_source source = {kbs_get, &kbs};
    const struct coco_wrapper opener = coco_kek_opener(&source);
    char data[] = OPTIONS;
    const struct coco_buf options = {.data = (uint8_t *)data, .len = strlen(data)};
    _cleanup_buf_ struct coco_buf packet = {.limit = 1 << 14};
    _cleanup_buf_ struct coco_buf kid = {.limit = 1 << 10};
    _cleanup_secret_ struct coco_secret back = {0};
    _cleanup_json_ cJSON *json = NULL;
    const cJSON *item = NULL;
    const char *const names[] = {"kid", "wrapped_data", "iv", "wrap_type"};
    size_t n = 0;
    coco_error *err = NULL;

    (void)state;
    kbs_init(&kbs);
    const struct coco_kek kek = {URI, &kbs.kek};
    const struct coco_wrapper recipient = coco_kek_recipient(&kek);
    assert_string_equal(recipient.scheme, opener.scheme);
    assert_ok(recipient.wrap(recipient.self, NULL, &options, &packet, &err), err);
    assert_ok(coco_json_parse_object(coco_buf_text(&packet), packet.len, &json, &err), err);
    cJSON_ArrayForEach(item, json) {
        assert_true(n < 4);
        assert_string_equal(item->string, names[n++]);
    }
    assert_int_equal(n, 4);
    assert_ok(coco_packet_kid(&packet, &kid, &err), err);
    assert_string_equal(coco_buf_text(&kid), URI);
    assert_ok(opener.unwrap(opener.self, NULL, &packet, &back, &err), err);
    assert_true(coco_secret_equal(&back, OPTIONS, strlen(OPTIONS)));
    coco_buf_reset(&packet);
    assert_ok(coco_buf_append_text(&packet, "{}", &err), err);
    assert_fails(coco_packet_kid(&packet, &kid, &err), err, COCO_ERR_PROTO, "key provider packet");
    coco_secret_done(&kbs.kek);
}

static void
everything_survives_any_failed_allocation(void **state)
{
    struct kbs kbs;
    const struct coco_kek_source source = {kbs_get, &kbs};
    const struct coco_wrapper opener = coco_kek_opener(&source);
    char data[] = OPTIONS;
    const struct coco_buf options = {.data = (uint8_t *)data, .len = strlen(data)};

    (void)state;
    kbs_init(&kbs);
    const struct coco_kek kek = {URI, &kbs.kek};
    const struct coco_wrapper recipient = coco_kek_recipient(&kek);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf packet = {.limit = 1 << 14};
        _cleanup_secret_ struct coco_secret back = {0};
        coco_error *err = NULL;

        coco_status status = recipient.wrap(recipient.self, NULL, &options, &packet, &err);
        if (status == COCO_OK)
            status = opener.unwrap(opener.self, NULL, &packet, &back, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
    coco_secret_done(&kbs.kek);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_reads_packets_of_both_versions),
        cmocka_unit_test(open_refuses_hostile_packets),
        cmocka_unit_test(what_the_kbs_answers_is_told),
        cmocka_unit_test(a_wrong_key_opens_nothing),
        cmocka_unit_test(what_is_written_has_upstreams_members_and_opens),
        cmocka_unit_test(everything_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
