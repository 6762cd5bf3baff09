/*
 * tests/signature/test_identity.c - lib/signature/identity.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/identity.h"

#include "tests/signkit.h"

#include <stdio.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define A "a.test/b/app"
#define DIGEST KIT_DIGEST
#define OTHER KIT_OTHER
#define TAGGED                                                                                     \
    {                                                                                              \
        "docker", A, "v1", NULL                                                                    \
    }
#define PINNED                                                                                     \
    {                                                                                              \
        "docker", A, NULL, DIGEST                                                                  \
    }
#define BOTH                                                                                       \
    {                                                                                              \
        "docker", A, "v1", DIGEST                                                                  \
    }
#define EXACT "\"type\":\"matchExact\""
#define DIGEST_OR_EXACT "\"type\":\"matchRepoDigestOrExact\""
#define REPOSITORY "\"type\":\"matchRepository\""
#define REFERENCE(ref) "\"type\":\"exactReference\",\"dockerReference\":\"" ref "\""
#define OTHER_REPOSITORY(ref) "\"type\":\"exactRepository\",\"dockerRepository\":\"" ref "\""
#define REMAP(from, to)                                                                            \
    "\"type\":\"remapIdentity\",\"prefix\":\"" from "\",\"signedPrefix\":\"" to "\""

static const struct {
    struct coco_policy_image asked;
    const char *identity; /* NULL: none, and the default of simple signing; "": of cosign */
    const char *reference;
    coco_status status;
} cases[] = {
    {TAGGED, EXACT, A ":v1", COCO_OK},
    {TAGGED, EXACT, A ":v2", COCO_ERR_VERIFY},
    {TAGGED, EXACT, A, COCO_ERR_VERIFY},
    {TAGGED, EXACT, "a.test/b/app2:v1", COCO_ERR_VERIFY},
    {PINNED, EXACT, A ":v1", COCO_ERR_VERIFY},
    {PINNED, EXACT, A "@" DIGEST, COCO_OK},
    {PINNED, EXACT, A "@" OTHER, COCO_ERR_VERIFY},
    {BOTH, EXACT, A ":v1", COCO_OK},
    {BOTH, EXACT, A "@" DIGEST, COCO_ERR_VERIFY},
    {BOTH, EXACT, A ":v1@" DIGEST, COCO_OK},
    {BOTH, EXACT, A ":v1@" OTHER, COCO_ERR_VERIFY},
    {TAGGED, EXACT, A ":v1@" DIGEST, COCO_ERR_VERIFY},
    {PINNED, EXACT, A ":v1@" DIGEST, COCO_ERR_VERIFY},
    {PINNED, EXACT, A, COCO_ERR_VERIFY},
    {TAGGED, EXACT, "no-name", COCO_ERR_INVALID},
    {TAGGED, DIGEST_OR_EXACT, A ":v1", COCO_OK},
    {TAGGED, DIGEST_OR_EXACT, A ":v2", COCO_ERR_VERIFY},
    {TAGGED, DIGEST_OR_EXACT, A, COCO_ERR_VERIFY},
    {PINNED, DIGEST_OR_EXACT, A ":v2", COCO_OK},
    {TAGGED, DIGEST_OR_EXACT, A ":v1@" OTHER, COCO_ERR_VERIFY},
    {PINNED, DIGEST_OR_EXACT, A ":v1@" DIGEST, COCO_OK},
    {PINNED, DIGEST_OR_EXACT, A, COCO_ERR_VERIFY},
    {BOTH, DIGEST_OR_EXACT, A ":v2", COCO_OK},
    {BOTH, DIGEST_OR_EXACT, A, COCO_ERR_VERIFY},
    {PINNED, DIGEST_OR_EXACT, "a.test/b", COCO_ERR_VERIFY},
    {TAGGED, NULL, A ":v1", COCO_OK},
    {TAGGED, NULL, A, COCO_ERR_VERIFY},
    {TAGGED, NULL, A ":v2", COCO_ERR_VERIFY},
    {PINNED, NULL, A, COCO_ERR_VERIFY},
    {PINNED, "", A, COCO_OK},
    {TAGGED, "", A, COCO_OK},
    {TAGGED, "", A ":v1", COCO_OK},
    {TAGGED, "", A ":v2", COCO_ERR_VERIFY},
    {TAGGED, "", "a.test/b", COCO_ERR_VERIFY},
    {TAGGED, "", "b.test/b/app", COCO_ERR_VERIFY},
    {TAGGED, REPOSITORY, A ":v2", COCO_OK},
    {TAGGED, REPOSITORY, A, COCO_OK},
    {TAGGED, REPOSITORY, "a.test/b/app2", COCO_ERR_VERIFY},
    {TAGGED, REFERENCE("b.test/c:x"), "b.test/c:x", COCO_OK},
    {TAGGED, REFERENCE("b.test/c:x"), A ":v1", COCO_ERR_VERIFY},
    {TAGGED, REFERENCE("b.test/c:x@" DIGEST), "b.test/c:x@" DIGEST, COCO_OK},
    {TAGGED, REFERENCE("b.test/c:x@" DIGEST), "b.test/c:x", COCO_ERR_VERIFY},
    {TAGGED, REFERENCE("b.test/c:x"), "b.test/c:x@" DIGEST, COCO_ERR_VERIFY},
    {TAGGED, REFERENCE("b.test/c@" DIGEST), "b.test/c:x@" DIGEST, COCO_ERR_VERIFY},
    {TAGGED, REFERENCE("b.test/c"), "b.test/c", COCO_ERR_VERIFY},
    {TAGGED, REFERENCE("nothing"), A ":v1", COCO_ERR_INVALID},
    {TAGGED, OTHER_REPOSITORY("b.test/c"), "b.test/c:any", COCO_OK},
    {TAGGED, OTHER_REPOSITORY("b.test/c"), "b.test/cc", COCO_ERR_VERIFY},
    {TAGGED, OTHER_REPOSITORY("b.test/c:x"), "b.test/c:x", COCO_ERR_INVALID},
    {TAGGED, REMAP("a.test", "b.test"), "b.test/b/app:v1", COCO_OK},
    {TAGGED, REMAP("a.test/b", "b.test/x"), "b.test/x/app:v1", COCO_OK},
    {TAGGED, REMAP(A, "b.test/x"), "b.test/x:v1", COCO_OK},
    {TAGGED, REMAP(A, "b.test/x"), "b.test/x:v2", COCO_ERR_VERIFY},
    {PINNED, REMAP(A, "b.test/x"), "b.test/x:v2", COCO_OK},
    {PINNED, REMAP(A, "b.test/x"), "b.test/x", COCO_ERR_VERIFY},
    /* Whole components only, and what is not covered keeps its name. */
    {TAGGED, REMAP("a.test/b/ap", "b.test/x"), "b.test/xp:v1", COCO_ERR_VERIFY},
    {TAGGED, REMAP("c.test", "b.test"), A ":v1", COCO_OK},
    {TAGGED, "\"type\":\"anything\"", A ":v1", COCO_ERR_NOTSUP},
    {TAGGED, "\"type\":\"no signedIdentity\"", A, COCO_ERR_NOTSUP},
    {TAGGED, "\"x\":1", A, COCO_ERR_PROTO},
    {{"dir", "/a", NULL, NULL}, NULL, A, COCO_ERR_VERIFY},
    {{"dir", "/a", NULL, NULL}, "", A, COCO_ERR_VERIFY},
    {{"oci", "/a", "v1", NULL}, REPOSITORY, A, COCO_ERR_VERIFY},
    {{"dir", "/a", NULL, NULL}, OTHER_REPOSITORY(A), A ":v1", COCO_OK},
    {{"dir", "/a", NULL, NULL}, REFERENCE(A ":v1"), A ":v1", COCO_OK},
};

static cJSON *
requirement_of(const char *identity)
{
    char text[512];

    if (!identity || !*identity)
        return signkit_parse("{}");
    (void)snprintf(text, sizeof(text), "{\"signedIdentity\":{%s}}", identity);
    return signkit_parse(text);
}

static void
names_are_compared_as_the_policy_says(void **state)
{
    struct signkit kit;

    (void)state;
    signkit_begin(&kit);
    for (size_t i = 0; i < N(cases); i++) {
        const char *identity = cases[i].identity;
        _cleanup_json_ cJSON *requirement = requirement_of(identity);
        coco_error *err = NULL;

        bool is_cosign = identity && !*identity;
        coco_status status = coco_identity_check(
            requirement, is_cosign ? COCO_IDENTITY_COSIGN : COCO_IDENTITY_DEFAULT, &cases[i].asked,
            cases[i].reference, &kit.source, &err);
        if (status != cases[i].status)
            fail_msg("%zu: %s: %s", i, coco_status_name(status), coco_error_message(err));
        coco_error_free(err);
    }
    signkit_end(&kit);
}

static void
names_that_cosign_signs_may_have_no_tag(void **state)
{
    static const struct {
        struct coco_policy_image asked;
        const char *identity, *reference;
        coco_status status;
    } bare[] = {
        {PINNED, REMAP(A, "b.test/x"), "b.test/x", COCO_OK}, {PINNED, DIGEST_OR_EXACT, A, COCO_OK},
        {TAGGED, DIGEST_OR_EXACT, A, COCO_ERR_VERIFY},       {PINNED, EXACT, A, COCO_ERR_VERIFY},
        {PINNED, REFERENCE(A), A, COCO_ERR_VERIFY},
    };
    struct signkit kit;

    (void)state;
    signkit_begin(&kit);
    for (size_t i = 0; i < N(bare); i++) {
        _cleanup_json_ cJSON *requirement = requirement_of(bare[i].identity);
        coco_error *err = NULL;

        coco_status status = coco_identity_check(requirement, COCO_IDENTITY_COSIGN, &bare[i].asked,
                                                 bare[i].reference, &kit.source, &err);
        if (status != bare[i].status)
            fail_msg("%zu: %s: %s", i, coco_status_name(status), coco_error_message(err));
        coco_error_free(err);
    }
    signkit_end(&kit);
}

static void
identity_survives_any_failed_allocation(void **state)
{
    static const struct coco_policy_image asked = TAGGED;
    _cleanup_json_ cJSON *requirement = requirement_of(REMAP("a.test", "b.test"));
    struct signkit kit;

    (void)state;
    signkit_begin(&kit);
    for_each_fault()
    {
        coco_error *err = NULL;

        coco_status status = coco_identity_check(requirement, COCO_IDENTITY_DEFAULT, &asked,
                                                 "b.test/b/app:v1", &kit.source, &err);
        fault_expect(status, err);
    }
    signkit_end(&kit);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_compared_as_the_policy_says),
        cmocka_unit_test(names_that_cosign_signs_may_have_no_tag),
        cmocka_unit_test(identity_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/identity", tests, NULL, NULL);
}
