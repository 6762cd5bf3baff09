/*
 * tests/verifier/test_se.c - lib/verifier/se.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/se.h"

#include "crypto/rsa.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/verifier/bound.h"
#include "tests/verifier/failing.h"
#include "tests/verifier/se_kit.h"
#include "verifier/verdict.h"

#define EVIDENCE_MAX ((size_t)1 << 16)
#define NONCE "nonce"

static struct ibm ibm;
static EVP_PKEY *rsa;
static char dir[64];
static coco_verifier *verifier;
static coco_error *err;
static const uint8_t user[64] = NONCE;
static const struct coco_se_tags tags = {{1}, {2}, {3}, {0xaa, 0xbb}};

static int
setup(void **state)
{
    (void)state;
    ibm_setup(&ibm);
    make_temp_dir(dir, sizeof(dir));
    ibm_write_collateral(dir, &ibm);
    verifier = ibm_verifier(dir, ibm.root.cert);
    assert_ok(coco_key_generate(COCO_KEY_RSA, &rsa, &err), err);
    se_kit_set_key(verifier, rsa);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coco_verifier_free(verifier);
    EVP_PKEY_free(rsa);
    remove_temp_dir(dir);
    ibm_done(&ibm);
    return 0;
}

static void
make_request(const coco_verifier *with, struct coco_se_request *ret)
{
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
    _cleanup_json_ cJSON *object = NULL;

    assert_ok(coco_se_request_make(with, &ibm.host.cert, 1, &tags, &text, &err), err);
    assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err), err);
    assert_ok(coco_se_request_parse(object, ret, &err), err);
}

static void
good(struct coco_se_evidence *ret)
{
    _cleanup_se_request_ struct coco_se_request request = {0};
    _cleanup_se_secrets_ struct coco_se_secrets secrets = {{0}, {0}, {0}};

    make_request(verifier, &request);
    se_kit_answer(&ibm.host, &request, user, ret, &secrets);
}

static coco_status
try_verify(const coco_verifier *with, const struct coco_se_evidence *evidence, coco_verdict **ret)
{
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};

    assert_ok(coco_se_evidence_format(evidence, &text, &err), err);
    return verify_bound(with, "se", coco_buf_text(&text), NONCE, strlen(NONCE), ret, &err);
}

/* The names of the checks that do not hold, with a space behind each. */
static void
assert_verdict(const coco_verifier *with, const struct coco_se_evidence *evidence,
               const char *names)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_ok(try_verify(with, evidence, &verdict), err);
    assert_failing_checks(verdict, names);
}

static void
an_answer_to_a_request_is_valid(void **state)
{
    _cleanup_se_evidence_ struct coco_se_evidence evidence;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    good(&evidence);
    assert_verdict(verifier, &evidence, "");
    assert_ok(try_verify(verifier, &evidence, &verdict), err);
    assert_contains(coco_verdict_claims(verdict),
                    "{\"cuid\":\"c1000000000000000000000000000000\",\"report_data\":"
                    "\"6e6f6e636500");
    assert_contains(coco_verdict_claims(verdict), "\"version\":256,\"image_phkh\":\"adad");
    assert_contains(coco_verdict_claims(verdict), "\"tag\":\"aabb0000000000000000000000000000\"}");
}

static void
everything_that_is_measured_is_checked(void **state)
{
    (void)state;
    for (int i = 0; i < 7; i++) {
        _cleanup_se_evidence_ struct coco_se_evidence evidence;

        good(&evidence);
        uint8_t *const places[] = {
            evidence.tags.pld,        evidence.tags.ald, evidence.tags.tld,
            evidence.tags.tag,        evidence.cuid,     evidence.additional.data,
            evidence.measurement.data};
        places[i][0] ^= 1;
        assert_verdict(verifier, &evidence, "measurement ");
    }
    _cleanup_se_evidence_ struct coco_se_evidence evidence;
    good(&evidence);
    evidence.user.data[0] ^= 1;
    assert_verdict(verifier, &evidence, "measurement report-data ");
    evidence.measurement.len--;
    evidence.user.data[0] ^= 1;
    assert_verdict(verifier, &evidence, "measurement ");
}

/* Upstream takes any key that comes back encrypted to it, which anybody can make up. */
static void
answers_that_anybody_can_make_up_are_refused(void **state)
{
    _cleanup_se_evidence_ struct coco_se_evidence evidence;
    _cleanup_se_secrets_ struct coco_se_secrets made_up = {{0}, {0}, {0}};

    (void)state;
    good(&evidence);
    assert_ok(coco_secret_random(COCO_SE_KEY_SIZE, &made_up.measurement_key, &err), err);
    assert_ok(coco_secret_random(COCO_SE_NONCE_SIZE, &made_up.nonce, &err), err);
    coco_buf_reset(&evidence.key);
    coco_buf_reset(&evidence.nonce);
    assert_ok(coco_rsa_pkcs1_wrap(rsa, &made_up.measurement_key, &evidence.key, &err), err);
    assert_ok(coco_rsa_pkcs1_wrap(rsa, &made_up.nonce, &evidence.nonce, &err), err);
    se_kit_measure(&evidence, &made_up);
    assert_verdict(verifier, &evidence, "request measurement ");
}

static void
answers_to_another_request_are_refused(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *other = ibm_verifier(dir, ibm.root.cert);
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_se_evidence_ struct coco_se_evidence evidence;
    _cleanup_se_evidence_ struct coco_se_evidence second;

    (void)state;
    good(&evidence);
    good(&second);
    assert_verdict(other, &evidence, "request measurement ");
    assert_ok(coco_key_generate(COCO_KEY_RSA, &key, &err), err);
    se_kit_set_key(other, key);
    assert_verdict(other, &evidence, "request measurement ");
    /* The key of one with the nonce of another. */
    coco_buf_reset(&evidence.nonce);
    se_kit_append(&evidence.nonce, second.nonce.data, second.nonce.len);
    assert_verdict(verifier, &evidence, "request measurement ");
    evidence.key.data[9] ^= 1;
    assert_verdict(verifier, &evidence, "request measurement ");
}

static void
malformed_answers_are_refused(void **state)
{
    _cleanup_se_evidence_ struct coco_se_evidence evidence;
    coco_verdict *none = NULL;

    (void)state;
    good(&evidence);
    evidence.additional.len--;
    assert_fails(try_verify(verifier, &evidence, &none), err, COCO_ERR_PROTO,
                 "additional_data has 63 bytes, not 64");
}

static void
init_data_cannot_be_demanded(void **state)
{
    _cleanup_se_evidence_ struct coco_se_evidence evidence;
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    good(&evidence);
    assert_ok(coco_se_evidence_format(&evidence, &text, &err), err);
    assert_ok(coco_binding_new(&binding, &err), err);
    assert_ok(coco_binding_set_report_data(binding, (const uint8_t *)NONCE, strlen(NONCE), &err),
              err);
    assert_ok(coco_binding_set_init_data(binding, (const uint8_t *)NONCE, strlen(NONCE), &err),
              err);
    assert_ok(coco_verify(verifier, "se", coco_buf_text(&text), binding, &verdict, &err), err);
    assert_false(coco_verdict_valid(verdict));
}

static void
requests_go_to_machines_of_ibm_alone(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *keyless = ibm_verifier(dir, ibm.root.cert);
    _cleanup_(coco_verifier_freep) coco_verifier *strict = ibm_verifier(dir, NULL);
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};

    (void)state;
    assert_fails(coco_se_request_make(keyless, &ibm.host.cert, 1, &tags, &text, &err), err,
                 COCO_ERR_INVALID, "no private key");
    se_kit_set_key(strict, rsa);
    assert_fails(coco_se_request_make(strict, &ibm.host.cert, 1, &tags, &text, &err), err,
                 COCO_ERR_VERIFY, "host key document 0: ");
    assert_fails(coco_se_request_make(verifier, &ibm.host.cert, 0, &tags, &text, &err), err,
                 COCO_ERR_INVALID, "to 0 hosts");
}

static void
the_keys_of_a_request_are_wiped(void **state)
{
    _cleanup_se_request_ struct coco_se_request request = {0};
    _cleanup_se_secrets_ struct coco_se_secrets secrets = {{0}, {0}, {0}};
    _cleanup_se_evidence_ struct coco_se_evidence evidence;

    (void)state;
    make_request(verifier, &request);
    se_kit_answer(&ibm.host, &request, user, &evidence, &secrets);
    canary_begin(secrets.measurement_key.data, secrets.measurement_key.len);
    coco_verdict *verdict = NULL;
    assert_ok(try_verify(verifier, &evidence, &verdict), err);
    assert_true(coco_verdict_valid(verdict));
    coco_verdict_free(verdict);
    assert_int_equal(canary_end(), 0);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    _cleanup_se_evidence_ struct coco_se_evidence evidence;
    _cleanup_buf_ struct coco_buf answer_text = {.limit = EVIDENCE_MAX};

    (void)state;
    good(&evidence);
    assert_ok(coco_se_evidence_format(&evidence, &answer_text, &err), err);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
        coco_verdict *verdict = NULL;

        coco_status status = coco_se_request_make(verifier, &ibm.host.cert, 1, &tags, &text, &err);
        if (status == COCO_OK)
            status = verify_bound(verifier, "se", coco_buf_text(&answer_text), NONCE, strlen(NONCE),
                                  &verdict, &err);
        fault_expect(status, err);
        coco_verdict_free(verdict);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_to_a_request_is_valid),
        cmocka_unit_test(everything_that_is_measured_is_checked),
        cmocka_unit_test(answers_that_anybody_can_make_up_are_refused),
        cmocka_unit_test(answers_to_another_request_are_refused),
        cmocka_unit_test(malformed_answers_are_refused),
        cmocka_unit_test(init_data_cannot_be_demanded),
        cmocka_unit_test(requests_go_to_machines_of_ibm_alone),
        cmocka_unit_test(the_keys_of_a_request_are_wiped),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    canary_watch_openssl();
    return cmocka_run_group_tests_name("verifier/se", tests, setup, teardown);
}
