/*
 * tests/signature/test_signature.c - lib/signature/signature.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/signkit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define SIMPLE "\"mimeType\":\"application/vnd.dev.cosign.simplesigning.v1+json\""

/* A file, which may begin with a NUL. */
#define FILE_OF(text)                                                                              \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

struct file {
    const char *data;
    size_t len;
};

static void
files_of_each_format_are_read(void **state)
{
    static const struct {
        struct file file;
        enum coco_signature_form form;
        const char *data;
        size_t n;
    } cases[] = {
        {FILE_OF("\xa3\x01"
                 "x"),
         COCO_FORM_OPENPGP,
         "\xa3\x01"
         "x",
         1},
        {FILE_OF("\0simple-signing\nabc"), COCO_FORM_OPENPGP, "abc", 1},
        {FILE_OF("\0sigstore-json\n{" SIMPLE
                 ",\"payload\":\"YWI=\",\"annotations\":{\"a\":\"b\"}}"),
         COCO_FORM_PAYLOAD, "ab", 1},
        {FILE_OF("\0sigstore-json\n{" SIMPLE ",\"payload\":\"YWI=\"}"), COCO_FORM_PAYLOAD, "ab", 1},
        {FILE_OF("\0sigstore-json\n{" SIMPLE ",\"payload\":\"YWI=\",\"more\":1}"),
         COCO_FORM_PAYLOAD, "ab", 1},
        /* Attached, but no signature. */
        {FILE_OF("\0sigstore-json\n{\"mimeType\":\"text/plain\",\"payload\":null}"), 0, NULL, 0},
        {FILE_OF("\0sigstore-json\n{\"mimeType\":\"text/plain\",\"payload\":\"YWI=\"}"), 0, NULL,
         0},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_signatures_ struct coco_signatures list = {0};
        coco_error *err = NULL;

        assert_ok(
            coco_signature_parse_file(cases[i].file.data, cases[i].file.len, "f", &list, &err),
            err);
        assert_int_equal(list.n, cases[i].n);
        if (list.n == 0)
            continue;
        assert_int_equal(list.list[0].form, cases[i].form);
        assert_string_equal(coco_buf_text(&list.list[0].data), cases[i].data);
        assert_string_equal(list.list[0].where, "f");
        assert_null(coco_signature_annotation(&list.list[0], "b"));
    }
}

static void
other_files_are_refused(void **state)
{
    static const struct {
        struct file file;
        coco_status status;
    } cases[] = {
        {FILE_OF(""), COCO_ERR_PROTO},
        {FILE_OF("{}"), COCO_ERR_PROTO},
        {FILE_OF("\0"), COCO_ERR_PROTO},
        {FILE_OF("\0simple-signing"), COCO_ERR_PROTO},
        {FILE_OF("\0\nabc"), COCO_ERR_NOTSUP},
        {FILE_OF("\0simple-signin\nabc"), COCO_ERR_NOTSUP},
        {FILE_OF("\0simple-signings\nabc"), COCO_ERR_NOTSUP},
        {FILE_OF("\0sigstore-json\n"), COCO_ERR_PROTO},
        {FILE_OF("\0sigstore-json\n[]"), COCO_ERR_PROTO},
        {FILE_OF("\0sigstore-json\n{" SIMPLE "}"), COCO_ERR_PROTO},
        {FILE_OF("\0sigstore-json\n{" SIMPLE ",\"payload\":\"YWI\"}"), COCO_ERR_PROTO},
        {FILE_OF("\0sigstore-json\n{" SIMPLE ",\"payload\":\"\",\"annotations\":{\"a\":1}}"),
         COCO_ERR_PROTO},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_signatures_ struct coco_signatures list = {0};
        coco_error *err = NULL;

        assert_fails(
            coco_signature_parse_file(cases[i].file.data, cases[i].file.len, "f", &list, &err), err,
            cases[i].status, "");
    }
}

static void
their_number_is_bounded(void **state)
{
    _cleanup_signatures_ struct coco_signatures list = {0};
    struct coco_signature *added = NULL;
    coco_error *err = NULL;

    (void)state;
    for (int i = 0; i < COCO_SIGNATURES_MAX; i++)
        assert_ok(coco_signatures_add(&list, COCO_FORM_JWS, "f", &added, &err), err);
    assert_fails(coco_signatures_add(&list, COCO_FORM_JWS, "f", &added, &err), err, COCO_ERR_LIMIT,
                 "more than 1000");
}

static void
reading_survives_any_failed_allocation(void **state)
{
    static const char file[] =
        "\0sigstore-json\n{" SIMPLE ",\"payload\":\"YWI=\",\"annotations\":{\"a\":\"b\"}}";

    (void)state;
    for_each_fault()
    {
        struct coco_signatures list = {0};
        coco_error *err = NULL;

        coco_status status = coco_signature_parse_file(file, sizeof(file) - 1, "f", &list, &err);
        fault_expect(status, err);
        coco_signatures_done(&list);
    }
}

/* What no call could have got has its reason, and what ends a call ends it. */
static void
what_could_not_be_got_says_why(void **state)
{
    static const coco_status ends[] = {COCO_ERR_NOMEM, COCO_ERR_CANCELED, COCO_ERR_NET};
    static const coco_status reasons[] = {COCO_ERR_NOTFOUND, COCO_ERR_LIMIT, COCO_ERR_VERIFY,
                                          COCO_ERR_PROTO};

    (void)state;
    for (size_t i = 0; i < N(ends) + N(reasons); i++) {
        _cleanup_signatures_ struct coco_signatures list = {0};
        struct coco_signature *added = NULL;
        coco_error *cause = NULL;
        coco_error *err = NULL;
        coco_status given = i < N(ends) ? ends[i] : reasons[i - N(ends)];

        assert_ok(coco_signatures_add(&list, COCO_FORM_BUNDLE, "there", &added, &err), err);
        (void)coco_fail(&cause, given, "it is gone");
        assert_int_equal(coco_signature_leave(added, given, cause, &err),
                         i < N(ends) ? given : COCO_OK);
        if (i < N(ends))
            assert_null(added->unread);
        else
            assert_string_equal(added->unread, "it is gone");
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_could_not_be_got_says_why),
        cmocka_unit_test(files_of_each_format_are_read),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(their_number_is_bounded),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/signature", tests, NULL, NULL);
}
