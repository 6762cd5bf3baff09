/*
 * tests/signature/test_policy_names.c - lib/signature/policy_names.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/policy.h"

#include "tests/signkit.h"

#include <stdio.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define REFERENCE(ref) "{\"type\":\"exactReference\",\"dockerReference\":\"" ref "\"}"
#define REPOSITORY(ref) "{\"type\":\"exactRepository\",\"dockerRepository\":\"" ref "\"}"
#define REMAP(from, to)                                                                            \
    "{\"type\":\"remapIdentity\",\"prefix\":\"" from "\",\"signedPrefix\":\"" to "\"}"
#define REQUIREMENT                                                                                \
    "{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/key\",\"signedIdentity\":%s}"
#define BY_DEFAULT "{\"default\":[" REQUIREMENT "]}"
#define BY_SCOPE                                                                                   \
    "{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"dir\":{},"                             \
    "\"docker\":{\"\":[{\"type\":\"reject\"}],\"a.test\":[{\"type\":\"reject\"}," REQUIREMENT      \
    "]}}}"

static coco_status
check(bool by_scope, const char *identity, coco_read_name_fn *read, coco_error **err)
{
    _cleanup_(coco_policy_freep) struct coco_policy *policy = NULL;
    char json[1024];

    if (by_scope)
        (void)snprintf(json, sizeof(json), BY_SCOPE, identity);
    else
        (void)snprintf(json, sizeof(json), BY_DEFAULT, identity);
    coco_status status = coco_policy_parse(json, strlen(json), &policy, err);
    return status == COCO_OK ? coco_policy_check_names(policy, read, err) : status;
}

static void
names_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *identity;
        const char *why; /* NULL: it is accepted */
    } cases[] = {
        {"{\"type\":\"matchExact\"}", NULL},
        {REFERENCE("a.test/b:1"), NULL},
        {REFERENCE("a.test/b@" KIT_DIGEST), NULL},
        {REFERENCE("a.test/b"), "dockerReference: 'a.test/b' has neither a tag nor a digest"},
        {REFERENCE("nothing"), "dockerReference: 'nothing' is no name"},
        {REPOSITORY("a.test/b"), NULL},
        {REPOSITORY("a.test/b:1"), "dockerRepository: 'a.test/b:1' is more than a repository"},
        {REPOSITORY("a.test/b@" KIT_DIGEST), "is more than a repository"},
        {REPOSITORY("nothing"), "dockerRepository: 'nothing' is no name"},
        {REMAP("a.test", "b.test:5000"), NULL},
        {REMAP("a.test/b", "b.test/c/d"), NULL},
        {REMAP("a.test/b:1", "b.test"), "prefix: 'a.test/b:1' is more than a repository"},
        {REMAP("a.test", "b.test/b@" KIT_DIGEST), "signedPrefix: 'b.test/b@"},
    };
    struct signkit kit;

    (void)state;
    signkit_begin(&kit);
    for (size_t i = 0; i < 2 * N(cases); i++) {
        const char *why = cases[i / 2].why;
        coco_error *err = NULL;

        coco_status status = check(i % 2 == 1, cases[i / 2].identity, kit.source.read_name, &err);
        if (status != (why ? COCO_ERR_PROTO : COCO_OK)
            || (why && !strstr(coco_error_message(err), why)))
            fail_msg("%s: %s", cases[i / 2].identity, coco_error_message(err));
        if (why)
            assert_non_null(strstr(coco_error_message(err),
                                   i % 2
                                       ? "policy: transport 'docker', scope 'a.test': requirement "
                                         "1: signedIdentity: "
                                       : "policy: default: requirement 0: signedIdentity: "));
        coco_error_free(err);
    }
    signkit_end(&kit);
}

static void
checking_names_survives_any_failed_allocation(void **state)
{
    struct signkit kit;

    (void)state;
    signkit_begin(&kit);
    for_each_fault()
    {
        coco_error *err = NULL;

        coco_status status = check(true, REMAP("a.test", "b.test"), kit.source.read_name, &err);
        fault_expect(status, err);
    }
    signkit_end(&kit);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_none_are_refused),
        cmocka_unit_test(checking_names_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/policy_names", tests, NULL, NULL);
}
