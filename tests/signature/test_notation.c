/*
 * tests/signature/test_notation.c - lib/signature/notation.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/notation.h"

#include "goldenkit.h"

#define ACME "x509.subject: C=DE, ST=BE, O=Acme"
#define SIGNED_WITH(identity, more)                                                                \
    "{\"type\":\"notationSigned\",\"trustedIdentities\":[\"" identity "\"]" more "}"
#define CA ",\"caPath\":\"root\""
#define SIGNED(identity) SIGNED_WITH(identity, CA)
#define LEVEL(text) ",\"signatureVerification\":{\"level\":\"" text "\"}"
#define STAMPED ",\"timestampAuthorityPath\":\"stampers\""

/* What of golden.h it is: in both forms. */
enum golden { PLAIN, WITH_STAMP, BY_AUTHORITY };
static const char *
golden_of(enum golden which, bool cose)
{
    if (which == WITH_STAMP)
        return cose ? golden_stamped_cose : golden_stamped_jws;
    if (which == BY_AUTHORITY)
        return cose ? golden_authority_cose : golden_authority_jws;
    return cose ? golden_cose : golden_jws;
}

static void
begin_with(struct signkit *kit, enum golden which, bool cose)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = 1 << 16};
    const char *text = golden_of(which, cose);

    signkit_begin(kit);
    kit->image.now = GOLDEN_NOTATION_TIME;
    signkit_add_file(kit, "root", golden_notation_root, strlen(golden_notation_root));
    signkit_add_file(kit, "stampers", golden_stampers, strlen(golden_stampers));
    if (cose)
        assert_int_equal(coco_base64_decode(COCO_BASE64, text, strlen(text), &bytes, NULL),
                         COCO_OK);
    else
        assert_int_equal(coco_buf_append_text(&bytes, text, NULL), COCO_OK);
    signkit_add(kit, COCO_FAMILY_NOTATION, cose ? COCO_FORM_COSE : COCO_FORM_JWS, bytes.data,
                bytes.len);
}

static void
begin(struct signkit *kit, bool cose)
{
    begin_with(kit, PLAIN, cose);
}

static void
golden_envelopes_are_accepted(void **state)
{
    struct signkit kit;

    (void)state;
    for (int cose = 0; cose < 2; cose++) {
        begin(&kit, cose);
        signkit_accepts(&kit, coco_judge_notation_signed, SIGNED(ACME));
        signkit_accepts(&kit, coco_judge_notation_signed, SIGNED("*"));
        signkit_refuses(&kit, coco_judge_notation_signed, SIGNED(ACME "x"), "identity: ");
        kit.image.now += 3600;
        signkit_refuses(&kit, coco_judge_notation_signed, SIGNED(ACME), "expired");
        kit.image.now -= 7200;
        signkit_refuses(&kit, coco_judge_notation_signed, SIGNED(ACME), "not yet valid");
        kit.image.now += 3600;
        assert_int_equal(coco_digest_parse(KIT_OTHER, &kit.digests[0], NULL), COCO_OK);
        signkit_refuses(&kit, coco_judge_notation_signed, SIGNED(ACME), "image: it is of another");
        signkit_end(&kit);
    }
}

/* A certificate that has expired since is saved by it. */
static void
stamped_envelopes_last(void **state)
{
    static const char stamped[] = SIGNED_WITH(ACME, CA STAMPED);
    struct signkit kit;

    (void)state;
    for (int cose = 0; cose < 2; cose++) {
        begin_with(&kit, WITH_STAMP, cose);
        signkit_accepts(&kit, coco_judge_notation_signed, stamped);
        kit.image.now += 3600;
        signkit_accepts(&kit, coco_judge_notation_signed, stamped);
        signkit_refuses(&kit, coco_judge_notation_signed, SIGNED(ACME), "timestamp: ");
        signkit_end(&kit);
        begin_with(&kit, PLAIN, cose);
        signkit_refuses(&kit, coco_judge_notation_signed, stamped,
                        "timestamp: there is no time stamp with it");
        signkit_end(&kit);
    }
}

static void
authorities_are_trusted_on_their_own(void **state)
{
    static const char by_authority[] = SIGNED_WITH(ACME, ",\"signingAuthorityPath\":\"root\"");
    struct signkit kit;

    (void)state;
    for (int cose = 0; cose < 2; cose++) {
        begin_with(&kit, BY_AUTHORITY, cose);
        signkit_accepts(&kit, coco_judge_notation_signed, by_authority);
        kit.image.now += 3600;
        signkit_accepts(&kit, coco_judge_notation_signed, by_authority);
        signkit_refuses(&kit, coco_judge_notation_signed, SIGNED(ACME),
                        "nobody is trusted for its signing scheme: no signingAuthority");
        signkit_end(&kit);
        begin_with(&kit, PLAIN, cose);
        signkit_refuses(&kit, coco_judge_notation_signed, by_authority,
                        "nobody is trusted for its signing scheme: no ca");
        signkit_end(&kit);
    }
}

/* What is not enforced is told: that the signature is unaltered and of the image always is. */
static void
levels_say_what_refuses(void **state)
{
    struct signkit kit;

    (void)state;
    begin_with(&kit, PLAIN, false);
    kit.image.now += 3600;
    signkit_accepts(&kit, coco_judge_notation_signed, SIGNED_WITH(ACME, CA LEVEL("permissive")));
    signkit_refuses(&kit, coco_judge_notation_signed, SIGNED_WITH(ACME "x", CA LEVEL("permissive")),
                    "identity: ");
    signkit_accepts(&kit, coco_judge_notation_signed, SIGNED_WITH(ACME "x", CA LEVEL("audit")));
    signkit_refuses(&kit, coco_judge_notation_signed, SIGNED_WITH(ACME, CA LEVEL("strict")),
                    "whether certificates were revoked");
    assert_int_equal(coco_digest_parse(KIT_OTHER, &kit.digests[0], NULL), COCO_OK);
    signkit_refuses(&kit, coco_judge_notation_signed, SIGNED_WITH("*", CA LEVEL("audit")),
                    "image: ");
    struct coco_signature *signature = &kit.lists[COCO_FAMILY_NOTATION].list[0];
    signature->data.data[signature->data.len / 2] ^= 1;
    signkit_refuses(&kit, coco_judge_notation_signed, SIGNED_WITH("*", CA LEVEL("audit")), ": ");
    signkit_end(&kit);
}

static void
what_the_wrong_place_signed_is_refused(void **state)
{
    struct signkit kit;

    (void)state;
    begin(&kit, false);
    coco_buf_reset(&kit.files[0].data);
    signkit_refuses(&kit, coco_judge_notation_signed, SIGNED(ACME),
                    "no certificate in the PEM text");
    coco_signatures_done(&kit.lists[COCO_FAMILY_NOTATION]);
    signkit_end(&kit);
}

static void
payloads_name_one_digest(void **state)
{
    static const struct {
        const char *payload;
        bool fine;
    } cases[] = {
        {"{\"targetArtifact\":{\"digest\":\"" KIT_DIGEST "\",\"size\":1,\"mediaType\":\"a/b\"}}",
         true},
        {"{\"targetArtifact\":{\"digest\":\"sha256:00\"}}", false},
        {"{\"targetArtifact\":{}}", false},
        {"{\"targetArtifact\":{\"digest\":\"" KIT_DIGEST "\"},\"more\":1}", false},
        {"{}", false},
        {"[]", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_notation_ struct coco_notation notation = {.payload.limit = 1024};
        struct coco_digest digest = {0};
        coco_error *err = NULL;

        assert_ok(coco_buf_append_text(&notation.payload, cases[i].payload, &err), err);
        if (cases[i].fine)
            assert_ok(coco_notation_target(&notation, &digest, &err), err);
        else
            assert_fails(coco_notation_target(&notation, &digest, &err), err, COCO_ERR_PROTO, "");
    }
}

static void
judging_survives_any_failed_allocation(void **state)
{
    struct signkit kit;

    (void)state;
    begin(&kit, true);
    signkit_survives_faults(&kit, coco_judge_notation_signed, SIGNED(ACME));
    signkit_end(&kit);
    begin_with(&kit, WITH_STAMP, false);
    kit.image.now += 3600;
    signkit_survives_faults(&kit, coco_judge_notation_signed, SIGNED_WITH(ACME, CA STAMPED));
    signkit_survives_faults(&kit, coco_judge_notation_signed,
                            SIGNED_WITH(ACME "x", CA LEVEL("audit")));
    signkit_end(&kit);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_envelopes_are_accepted),
        cmocka_unit_test(stamped_envelopes_last),
        cmocka_unit_test(authorities_are_trusted_on_their_own),
        cmocka_unit_test(levels_say_what_refuses),
        cmocka_unit_test(what_the_wrong_place_signed_is_refused),
        cmocka_unit_test(payloads_name_one_digest),
        cmocka_unit_test(judging_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/notation", tests, NULL, NULL);
}
