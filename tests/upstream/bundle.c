/*
 * tests/upstream/bundle.c - judges a Sigstore bundle as a guest does that of an image
 *
 *     bundle BUNDLE ARTIFACT REQUIREMENT
 *
 * The artifact stands for the manifest. REQUIREMENT is sigstoreSigned, of which a bundle with a
 * statement makes inTotoAttested with the predicate's type that it has. Says why not, and fails.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/bundle.h"
#include "base/fail.h"
#include "base/fd.h"
#include "signature/judge.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define FILE_MAX ((size_t)4 << 20)

static coco_status
list(void *self, enum coco_signature_family family, const struct coco_signatures **ret,
     coco_error **err)
{
    (void)family;
    (void)err;
    *ret = self;
    return COCO_OK;
}

static coco_status
material(void *self, const char *where, struct coco_buf *ret, coco_error **err)
{
    (void)self;
    return coco_file_read(where, ret, err);
}

static coco_status
read_name(const char *text, struct coco_signed_name *ret, coco_error **err)
{
    (void)ret;
    return coco_fail(err, COCO_ERR_INVALID, "'%s': there are no names here", text);
}

/* Whether it has a statement, whose type the requirement then demands. */
static coco_status
demand_statement(const struct coco_buf *data, cJSON *requirement, coco_judge_fn **ret,
                 coco_error **err)
{
    _cleanup_sigstore_bundle_ struct coco_sigstore_bundle bundle = {0};
    _cleanup_statement_ struct coco_statement statement = {0};

    *ret = coco_judge_sigstore_signed;
    /* What cannot be read is for the judge to refuse. */
    if (coco_sigstore_bundle_parse(coco_buf_text(data), data->len, &bundle, NULL) != COCO_OK
        || bundle.is_message
        || coco_statement_parse(coco_buf_text(&bundle.envelope.payload),
                                bundle.envelope.payload.len, &statement, NULL)
               != COCO_OK)
        return COCO_OK;
    *ret = coco_judge_in_toto_attested;
    return coco_json_add_string(requirement, "predicateType", statement.predicate_type, err);
}

static coco_status
judge(char *const *argv, bool *accepted, struct coco_buf *reason, coco_error **err)
{
    _cleanup_buf_ struct coco_buf artifact = {.limit = FILE_MAX};
    _cleanup_signatures_ struct coco_signatures signatures = {0};
    _cleanup_json_ cJSON *requirement = NULL;
    _cleanup_json_ cJSON *verdict = NULL;
    struct coco_signature *bundle = NULL;
    struct coco_digest digest = {0};
    const struct coco_signature_source source = {list, material, read_name, &signatures};
    const struct coco_judged_image image = {
        .asked = {"docker", "registry.test/artifact", "latest", NULL},
        .digests = &digest,
        .n_digests = 1,
        .source = &source,
        .now = (int64_t)time(NULL),
    };
    coco_judge_fn *fn = NULL;

    coco_status status = coco_signatures_add(&signatures, COCO_FORM_BUNDLE, argv[1], &bundle, err);
    if (status == COCO_OK)
        status = coco_file_read(argv[1], &bundle->data, err);
    if (status == COCO_OK)
        status = coco_file_read(argv[2], &artifact, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, artifact.data, artifact.len, &digest, err);
    if (status == COCO_OK)
        status = coco_json_parse_object(argv[3], strlen(argv[3]), &requirement, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&verdict, err);
    if (status == COCO_OK)
        status = demand_statement(&bundle->data, requirement, &fn, err);
    return status == COCO_OK ? fn(&image, requirement, verdict, accepted, reason, err) : status;
}

int
main(int argc, char **argv)
{
    _cleanup_buf_ struct coco_buf reason = {.limit = COCO_REASON_MAX};
    coco_error *err = NULL;
    bool accepted = false;

    if (argc != 4)
        return 2;
    if (judge(argv, &accepted, &reason, &err) != COCO_OK)
        (void)printf("%s\n", coco_error_message(err));
    else if (!accepted)
        (void)printf("%s\n", coco_buf_text(&reason));
    coco_error_free(err);
    return accepted ? 0 : 1;
}
