/*
 * signature/provenance.c - "inTotoAttested": what others say of how an image came to be
 *
 * A requirement of our own, beside those of containers-policy.json(5): whom to trust is said as for
 * sigstoreSigned, and what must have been said by predicateType, and for SLSA by builderId and
 * sourceURI.
 *
 * Sources: slsa.dev/provenance/v0.2 and /v1; cosign's specs/ATTESTATION_SPEC.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/judge.h"

#include "base/fail.h"
#include "signature/sigstore.h"

#include <string.h>

struct look {
    struct coco_sigstore_look sigstore;
    struct coco_statement statement;
};

static void
look_done(struct look *look)
{
    coco_statement_done(&look->statement);
    coco_sigstore_look_done(&look->sigstore);
}

static coco_status
check_statement(void *self, struct coco_buf *detail, coco_error **err)
{
    struct look *look = self;
    const struct coco_buf *payload = &look->sigstore.bundle.envelope.payload;
    const char *wanted = NULL;

    if (look->sigstore.bundle.is_message)
        return coco_fail(err, COCO_ERR_VERIFY, "it is a signature, no statement");
    coco_status status =
        coco_json_get_string(look->sigstore.demand->requirement, "predicateType", &wanted, err);
    if (status == COCO_OK)
        status = coco_statement_parse(coco_buf_text(payload), payload->len, &look->statement, err);
    if (status == COCO_OK && strcmp(look->statement.predicate_type, wanted) != 0)
        status = coco_fail(err, COCO_ERR_VERIFY, "a statement of '%.200s', not '%.200s'",
                           look->statement.predicate_type, wanted);
    return status == COCO_OK ? coco_buf_printf(detail, err, "%.200s", wanted) : status;
}

static coco_status
check_image(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct look *look = self;

    (void)detail;
    return coco_judged_is_stated(look->sigstore.demand->image, &look->statement, err);
}

/* Where SLSA says it, in its versions; workflows of GitHub, slsa-github-generator, BuildKit. */
static const char *const builders[] = {"/runDetails/builder/id", "/builder/id", NULL};
static const char *const sources[] = {
    "/buildDefinition/externalParameters/workflow/repository",
    "/buildDefinition/externalParameters/source/uri",
    "/buildDefinition/externalParameters/source",
    "/buildDefinition/externalParameters/configSource/uri",
    "/invocation/configSource/uri",
    NULL,
};

/* The first that is there. */
static const char *
find(const cJSON *predicate, const char *const *pointers)
{
    const char *text = NULL;

    for (; !text && *pointers; pointers++)
        text = cJSON_GetStringValue(coco_json_at(predicate, *pointers));
    return text;
}

/*
 * A source may have a revision behind it that is not wanted: "git+https://…@refs/heads/main", or
 * "https://….git#refs/tags/v1" of BuildKit.
 */
static bool
covers(const char *wanted, const char *said, bool may_go_on)
{
    size_t len = strlen(wanted);

    return strncmp(said, wanted, len) == 0
           && (said[len] == '\0' || (may_go_on && strchr("@#", said[len])));
}

static coco_status
check_member(const struct look *look, const char *member, const char *const *pointers,
             bool may_go_on, struct coco_buf *detail, coco_error **err)
{
    const char *wanted = NULL;

    coco_status status =
        coco_json_get_string_opt(look->sigstore.demand->requirement, member, &wanted, err);
    if (status != COCO_OK || !wanted)
        return status;
    const char *said = find(look->statement.predicate, pointers);
    if (!said)
        return coco_fail(err, COCO_ERR_VERIFY, "the statement says no %s", member);
    if (!covers(wanted, said, may_go_on))
        return coco_fail(err, COCO_ERR_VERIFY, "%s is '%.300s', not '%.300s'", member, said,
                         wanted);
    return coco_buf_printf(detail, err, "%s%.300s", detail->len ? ", " : "", said);
}

static coco_status
check_provenance(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct look *look = self;

    coco_status status = check_member(look, "builderId", builders, false, detail, err);
    return status == COCO_OK ? check_member(look, "sourceURI", sources, true, detail, err) : status;
}

static coco_status
judge_one(void *self, const struct coco_signature *signature, cJSON *verdict, bool *accepted,
          struct coco_buf *reason, coco_error **err)
{
    static const struct coco_check own[] = {
        {"statement", check_statement},
        {"image", check_image},
        {"provenance", check_provenance},
    };
    _cleanup_(look_done) struct look look = {
        .sigstore.demand = self,
        .sigstore.signature = signature,
    };

    return coco_sigstore_run(&look.sigstore, own, sizeof(own) / sizeof(own[0]), verdict, accepted,
                             reason, err);
}

coco_status
coco_judge_in_toto_attested(const struct coco_judged_image *image, const cJSON *requirement,
                            cJSON *verdict, bool *accepted, struct coco_buf *reason,
                            coco_error **err)
{
    static const struct coco_sigstore_kind kind = {COCO_FAMILY_ATTESTATION, judge_one};

    return coco_sigstore_judge(&kind, image, requirement, verdict, accepted, reason, err);
}
