/*
 * tests/signature/test_simple.c - lib/signature/simple.c, with signatures of containers/image's
 * tests
 *
 * What gpg and skopeo sign now is in tests/cli/test_simple_signing.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/signkit.h"

#include "crypto/openpgp.h"

#include <stdio.h>

#define TOP "signature/cimage/"
#define SIGNED_DIGEST "sha256:20bf21ed457b390829cdbeec8795a7bea1626991fda603e0d01b4e7f60427e55"
#define REQUIREMENT                                                                                \
    "{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"ring\",\"signedIdentity\":{"     \
    "\"type\":\"exactRepository\",\"dockerRepository\":\"docker.io/testing/manifest\"}}"

/* A name as everybody fills it in: of the hub where no registry is spelled. */
static coco_status
read_name(const char *text, struct coco_signed_name *ret, coco_error **err)
{
    char full[300];

    (void)snprintf(full, sizeof(full), "%s%.200s",
                   strncmp(text, "docker.io/", 10) == 0 ? "" : "docker.io/", text);
    return signkit_read_name(full, ret, err);
}

static void
begin(struct signkit *kit, const char *ring)
{
    char path[128];
    size_t len = 0;

    (void)snprintf(path, sizeof(path), TOP "%s", ring);
    _cleanup_free_ char *keys = read_fixture(path, &len);
    signkit_begin(kit);
    kit->source.read_name = read_name;
    assert_int_equal(coco_digest_parse(SIGNED_DIGEST, &kit->digests[0], NULL), COCO_OK);
    signkit_add_file(kit, "ring", keys, len);
}

static void
recorded_signatures_come_to_what_they_should(void **state)
{
    static const struct {
        const char *ring, *file, *why; /* NULL: accepted */
    } cases[] = {
        {"public-key.gpg", "image.signature", NULL},
        {"public-key.gpg", "no-optional-fields.signature", NULL},
        {"public-key-with-subkey.gpg", "subkey.signature", NULL},
        {"public-key.gpg", "corrupt.signature", "signature: "},
        {"public-key.gpg", "corrupt.signature-v3", "signature: "},
        {"public-key.gpg", "expired.signature", "signature: "},
        {"public-key.gpg", "invalid-blob.signature", "payload: "},
        {"public-key.gpg", "invalid-reference.signature", "identity: "},
        {"public-key.gpg", "unknown-key.signature", "signature: "},
        {"public-key.gpg", "unknown-key.signature-v3", "signature: "},
        {"public-key.gpg", "unsigned-encrypted.signature", "signature: "},
        {"public-key.gpg", "unsigned-literal.signature", "signature: "},
        {"public-key.gpg", "subkey.signature", "signature: "},
        {"public-key-with-revoked-subkey.gpg", "subkey-revoked.signature", "signature: "},
    };
    struct coco_pgp_ring *ring = NULL;
    coco_error *err = NULL;

    (void)state;
    if (coco_pgp_ring_new(&ring, &err) != COCO_OK) {
        coco_error_free(err);
        print_message("# this build has no OpenPGP\n");
        skip();
    }
    coco_pgp_ring_free(ring);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct signkit kit;
        char path[128];
        size_t len = 0;

        print_message("# %s\n", cases[i].file);
        begin(&kit, cases[i].ring);
        (void)snprintf(path, sizeof(path), TOP "%s", cases[i].file);
        _cleanup_free_ char *data = read_fixture(path, &len);
        signkit_add(&kit, COCO_FAMILY_SIMPLE, COCO_FORM_OPENPGP, data, len);
        if (cases[i].why)
            signkit_refuses(&kit, coco_judge_signed_by, REQUIREMENT, cases[i].why);
        else
            signkit_accepts(&kit, coco_judge_signed_by, REQUIREMENT);
        /* Of another image it is refused whatever else it is. */
        assert_int_equal(coco_digest_parse(KIT_OTHER, &kit.digests[0], NULL), COCO_OK);
        signkit_refuses(&kit, coco_judge_signed_by, REQUIREMENT, "");
        signkit_end(&kit);
    }
}

static void
no_signature_is_a_refusal(void **state)
{
    struct coco_pgp_ring *ring = NULL;
    coco_error *err = NULL;
    struct signkit kit;

    (void)state;
    begin(&kit, "public-key.gpg");
    if (coco_pgp_ring_new(&ring, &err) == COCO_OK) {
        signkit_refuses(&kit, coco_judge_signed_by, REQUIREMENT, "there is no signature");
        signkit_add(&kit, COCO_FAMILY_SIMPLE, COCO_FORM_OPENPGP, "junk", 4);
        signkit_refuses(&kit, coco_judge_signed_by, REQUIREMENT, "signature: ");
    } else {
        signkit_refuses(&kit, coco_judge_signed_by, REQUIREMENT, coco_error_message(err));
    }
    coco_error_free(err);
    coco_pgp_ring_free(ring);
    signkit_end(&kit);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_signatures_come_to_what_they_should),
        cmocka_unit_test(no_signature_is_a_refusal),
    };

    return cmocka_run_group_tests_name("signature/simple", tests, NULL, NULL);
}
