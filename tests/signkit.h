/*
 * tests/signkit.h - signatures without a registry: a source of them that is a table
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_SIGNKIT_H
#define COCO_TESTS_SIGNKIT_H

#include "base/base64.h"
#include "base/fail.h"
#include "crypto/key.h"
#include "signature/judge.h"
#include "tests/faults.h"

#include <string.h>

#define KIT_FILES 8
#define KIT_DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define KIT_OTHER "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

/* Lists of signatures, and files that policies name. */
struct signkit {
    struct coco_signatures lists[COCO_FAMILIES];
    struct {
        const char *name;
        struct coco_buf data;
    } files[KIT_FILES];
    struct coco_digest digests[2];
    struct coco_signature_source source;
    struct coco_judged_image image;
    coco_status fails; /* what asking for signatures comes to */
};

static coco_status
signkit_list(void *self, enum coco_signature_family family, const struct coco_signatures **ret,
             coco_error **err)
{
    struct signkit *kit = self;

    if (kit->fails != COCO_OK)
        return coco_fail(err, kit->fails, "no answer");
    *ret = &kit->lists[family];
    return COCO_OK;
}

static coco_status
signkit_material(void *self, const char *where, struct coco_buf *ret, coco_error **err)
{
    struct signkit *kit = self;

    for (size_t i = 0; i < KIT_FILES && kit->files[i].name; i++)
        if (strcmp(kit->files[i].name, where) == 0)
            return coco_buf_append(ret, kit->files[i].data.data, kit->files[i].data.len, err);
    return coco_fail(err, COCO_ERR_NOTFOUND, "no such file");
}

/* host/name[:tag][@digest], as it is. */
static coco_status
signkit_read_name(const char *text, struct coco_signed_name *ret, coco_error **err)
{
    size_t len = strcspn(text, "@");
    size_t end = len;
    _cleanup_signed_name_ struct coco_signed_name name = {0};

    for (size_t i = len; i > 0 && text[i - 1] != '/'; i--)
        if (text[i - 1] == ':')
            end = i - 1;
    if (!memchr(text, '/', end))
        return coco_fail(err, COCO_ERR_INVALID, "'%.60s' is no name", text);
    name.name = strndup(text, end);
    name.tag = end < len ? strndup(text + end + 1, len - end - 1) : NULL;
    name.digest = text[len] ? strdup(text + len + 1) : NULL;
    if (!name.name || (end < len && !name.tag) || (text[len] && !name.digest))
        return coco_fail_nomem(err);
    *ret = name;
    name = (struct coco_signed_name){0};
    return COCO_OK;
}

/* An image docker://a.test/app:v1 whose manifest is KIT_DIGEST. */
static inline void
signkit_begin(struct signkit *kit)
{
    *kit = (struct signkit){0};
    assert_int_equal(coco_digest_parse(KIT_DIGEST, &kit->digests[0], NULL), COCO_OK);
    kit->source =
        (struct coco_signature_source){signkit_list, signkit_material, signkit_read_name, kit};
    kit->image = (struct coco_judged_image){
        .asked = {"docker", "a.test/app", "v1", NULL},
        .digests = kit->digests,
        .n_digests = 1,
        .source = &kit->source,
        .now = 1800000000,
    };
}

static inline void
signkit_end(struct signkit *kit)
{
    for (size_t i = 0; i < COCO_FAMILIES; i++)
        coco_signatures_done(&kit->lists[i]);
    for (size_t i = 0; i < KIT_FILES; i++)
        coco_buf_done(&kit->files[i].data);
}

static inline void
signkit_add_file(struct signkit *kit, const char *name, const void *data, size_t len)
{
    size_t i = 0;

    while (kit->files[i].name)
        i++;
    assert_true(i < KIT_FILES);
    kit->files[i].name = name;
    kit->files[i].data.limit = SIZE_MAX;
    assert_int_equal(coco_buf_append(&kit->files[i].data, data, len, NULL), COCO_OK);
}

static inline void
signkit_add_key(struct signkit *kit, const char *name, const EVP_PKEY *key)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = SIZE_MAX};

    assert_int_equal(coco_key_public_pem(key, &pem, NULL), COCO_OK);
    signkit_add_file(kit, name, pem.data, pem.len);
}

static inline struct coco_signature *
signkit_add(struct signkit *kit, enum coco_signature_family family, enum coco_signature_form form,
            const void *data, size_t len)
{
    struct coco_signature *added = NULL;

    assert_int_equal(coco_signatures_add(&kit->lists[family], form, "there", &added, NULL),
                     COCO_OK);
    assert_int_equal(coco_buf_append(&added->data, data, len, NULL), COCO_OK);
    return added;
}

static inline void
signkit_annotate(struct coco_signature *signature, const char *name, const char *text)
{
    if (!signature->annotations)
        signature->annotations = cJSON_CreateObject();
    cJSON_DeleteItemFromObjectCaseSensitive(signature->annotations, name);
    assert_non_null(cJSON_AddStringToObject(signature->annotations, name, text));
}

/* A signature of text by key in cosign's annotation. */
static inline struct coco_signature *
signkit_add_cosign(struct signkit *kit, EVP_PKEY *key, const char *text)
{
    _cleanup_buf_ struct coco_buf raw = {.limit = SIZE_MAX};
    _cleanup_buf_ struct coco_buf coded = {.limit = SIZE_MAX};
    struct coco_signature *added =
        signkit_add(kit, COCO_FAMILY_SIGSTORE, COCO_FORM_PAYLOAD, text, strlen(text));

    assert_int_equal(coco_key_sign(key, text, strlen(text), &raw, NULL), COCO_OK);
    assert_int_equal(coco_base64_encode(COCO_BASE64, raw.data, raw.len, &coded, NULL), COCO_OK);
    signkit_annotate(added, "dev.cosignproject.cosign/signature", coco_buf_text(&coded));
    return added;
}

static inline cJSON *
signkit_parse(const char *json)
{
    cJSON *ret = NULL;

    if (coco_json_parse(json, strlen(json), &ret, NULL) != COCO_OK)
        fail_msg("no JSON: %s", json);
    return ret;
}

/* What requirement, JSON, comes to; the reason is given if it is refused, to be freed. */
static inline char *
signkit_judge(struct signkit *kit, coco_judge_fn *judge, const char *requirement, coco_status *ret)
{
    _cleanup_json_ cJSON *json = signkit_parse(requirement);
    _cleanup_json_ cJSON *verdict = cJSON_CreateObject();
    struct coco_buf reason = {.limit = COCO_REASON_MAX};
    coco_error *err = NULL;
    bool accepted = false;

    *ret = judge(&kit->image, json, verdict, &accepted, &reason, &err);
    if (*ret != COCO_OK) {
        assert_false(accepted);
        coco_buf_reset(&reason);
        assert_int_equal(coco_buf_append_text(&reason, coco_error_message(err), NULL), COCO_OK);
    }
    coco_error_free(err);
    if (accepted) {
        coco_buf_done(&reason);
        return NULL;
    }
    assert_int_equal(coco_buf_append_text(&reason, "", NULL), COCO_OK);
    return (char *)reason.data;
}

static inline void
signkit_accepts(struct signkit *kit, coco_judge_fn *judge, const char *requirement)
{
    coco_status status = COCO_OK;
    _cleanup_free_ char *why = signkit_judge(kit, judge, requirement, &status);

    if (why)
        fail_msg("%s: %s", requirement, why);
}

static inline void
signkit_refuses(struct signkit *kit, coco_judge_fn *judge, const char *requirement,
                const char *part)
{
    coco_status status = COCO_OK;
    _cleanup_free_ char *why = signkit_judge(kit, judge, requirement, &status);

    if (!why)
        fail_msg("%s: accepted, not '%s'", requirement, part);
    assert_contains(why, part);
}

/* The same, with each of its allocations failing in turn. */
static inline void
signkit_survives_faults(struct signkit *kit, coco_judge_fn *judge, const char *text)
{
    for_each_fault()
    {
        struct coco_buf reason = {.limit = COCO_REASON_MAX};
        coco_error *err = NULL;
        bool accepted = false;

        faults_pause();
        cJSON *requirement = signkit_parse(text);
        cJSON *verdict = cJSON_CreateObject();
        faults_resume();
        coco_status status = judge(&kit->image, requirement, verdict, &accepted, &reason, &err);
        fault_expect(status, err);
        assert_true(accepted || status != COCO_OK);
        coco_buf_done(&reason);
        coco_json_free(verdict);
        coco_json_free(requirement);
    }
}

#endif
