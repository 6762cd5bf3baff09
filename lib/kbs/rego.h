/*
 * kbs/rego.h - Rego policies, as lib/kbs/rego/src/lib.rs evaluates them
 *
 * Only policy.c and the program coco-policy include this; everybody else uses kbs/policy.h. The
 * engine has fewer functions in the library, where only policies of ours are evaluated.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_REGO_H
#define COCO_KBS_REGO_H

#include <stddef.h>
#include <stdint.h>

/* A parsed policy. One thread at a time. */
struct coco_rego;

/* What query_reference_value() answers from. Any number of threads. */
struct coco_rego_values;

/* What an evaluation is given: UTF-8 texts, not NUL-terminated. */
struct coco_rego_question {
    const char *rules; /* names of rules of package policy, with spaces between them */
    size_t rules_len;
    const char *input; /* JSON: what policies see as input */
    size_t input_len;
    const char *data; /* JSON object: what they see as data, or NULL */
    size_t data_len;
    const struct coco_rego_values *references; /* or NULL */
};

/*
 * All return 0, or -1 with the reason in *error. Texts that they give are freed
 * with coco_rego_text_free(). An evaluation that takes longer than limit_ms for
 * one rule fails.
 */
int coco_rego_new(const char *text, size_t len, uint32_t limit_ms, struct coco_rego **ret,
                  char **error);

/* *ret is a JSON object whose members are those of the rules that are defined. */
int coco_rego_eval(const struct coco_rego *policy, const struct coco_rego_question *question,
                   char **ret, char **error);

/* From a JSON object. */
int coco_rego_values_new(const char *text, size_t len, struct coco_rego_values **ret, char **error);
void coco_rego_values_free(struct coco_rego_values *values);

void coco_rego_free(struct coco_rego *policy);
void coco_rego_text_free(char *text);

#endif
