/*
 * tests/ocicrypt/test_provider_json.c - lib/ocicrypt/provider_json.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/provider_json.h"

#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <string.h>

#define NAME "attestation-agent"

static coco_status
read_request(const char *text, struct coco_provider_request *ret, coco_error **err)
{
    return coco_provider_request_read(text, strlen(text), NAME, ret, err);
}

/* What ocicrypt's Go module wrote is read, and written again to the byte. */
static void
recorded_requests_are_read_and_written_alike(void **state)
{
    static const struct {
        const char *name, *parameter;
        bool wrap;
    } cases[] = {
        {"ocicrypt/generated/keyprovider_keywrap_request.json", "sample=true", true},
        {"ocicrypt/generated/keyprovider_keyunwrap_request.json", "x", false},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        _cleanup_(coco_provider_request_done) struct coco_provider_request request = {0};
        _cleanup_buf_ struct coco_buf text = {.limit = COCO_PROVIDER_JSON_MAX};
        size_t len = 0;
        _cleanup_free_ char *recorded = read_fixture(cases[i].name, &len);

        assert_ok(coco_provider_request_read(recorded, len, NAME, &request, &err), err);
        assert_int_equal(request.wrap, cases[i].wrap);
        assert_int_equal(request.n_parameters, 1);
        assert_true(coco_secret_equal(&request.parameters[0], cases[i].parameter,
                                      strlen(cases[i].parameter)));
        assert_int_equal(request.data.data[0], '{');
        const struct coco_buf data = {.data = request.data.data, .len = request.data.len};
        assert_ok(coco_provider_request_write(NAME, cases[i].parameter, cases[i].wrap, &data, &text,
                                              &err),
                  err);
        while (len > 0 && recorded[len - 1] == '\n')
            recorded[--len] = '\0';
        assert_string_equal(coco_buf_text(&text), recorded);
    }
}

/* ocicrypt-rs asks with the text as it is, Go with base64, and who knows with numbers. */
static void
requests_of_others_are_read(void **state)
{
    static const char *const cases[] = {
        "{\"op\":\"keywrap\",\"keywrapparams\":{\"ec\":null,\"optsdata\":\"{\\\"a\\\":1}\"}}",
        "{\"op\":\"keywrap\",\"keywrapparams\":{\"ec\":{\"Parameters\":null},"
        "\"optsdata\":\"eyJhIjoxfQ==\"},\"keyunwrapparams\":null}",
        "{\"op\":\"keywrap\",\"keywrapparams\":{\"ec\":{\"Parameters\":{\"other\":[\"eA==\"]}},"
        "\"optsdata\":[123,34,97,34,58,49,125]}}",
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(coco_provider_request_done) struct coco_provider_request request = {0};

        assert_ok(read_request(cases[i], &request, &err), err);
        assert_int_equal(request.n_parameters, 0);
        assert_true(coco_secret_equal(&request.data, "{\"a\":1}", 7));
    }
}

static void
what_is_no_request_is_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
    } cases[] = {
        {"", COCO_ERR_PROTO},
        {"[]", COCO_ERR_PROTO},
        {"{}", COCO_ERR_PROTO},
        {"{\"op\":\"wrap\"}", COCO_ERR_PROTO},
        {"{\"op\":\"keywrap\"}", COCO_ERR_PROTO},
        {"{\"op\":\"keywrap\",\"keywrapparams\":{}}", COCO_ERR_PROTO},
        {"{\"op\":\"keywrap\",\"keywrapparams\":{\"optsdata\":null}}", COCO_ERR_PROTO},
        {"{\"op\":\"keywrap\",\"keywrapparams\":{\"optsdata\":\"\"}}", COCO_ERR_PROTO},
        {"{\"op\":\"keywrap\",\"keywrapparams\":{\"optsdata\":[]}}", COCO_ERR_PROTO},
        {"{\"op\":\"keywrap\",\"keywrapparams\":{\"optsdata\":[256]}}", COCO_ERR_PROTO},
        {"{\"op\":\"keywrap\",\"keywrapparams\":{\"optsdata\":[-1]}}", COCO_ERR_PROTO},
        {"{\"op\":\"keywrap\",\"keywrapparams\":{\"optsdata\":[1.5]}}", COCO_ERR_PROTO},
        {"{\"op\":\"keywrap\",\"keywrapparams\":{\"optsdata\":[\"1\"]}}", COCO_ERR_PROTO},
        {"{\"op\":\"keywrap\",\"keywrapparams\":{\"optsdata\":\"a\"}}", COCO_ERR_PROTO},
        {"{\"op\":\"keyunwrap\",\"keyunwrapparams\":{\"annotation\":null}}", COCO_ERR_PROTO},
        {"{\"op\":\"keyunwrap\",\"keyunwrapparams\":{\"dc\":1,\"annotation\":\"eA==\"}}",
         COCO_ERR_PROTO},
        {"{\"op\":\"keyunwrap\",\"keyunwrapparams\":{\"dc\":{\"Parameters\":{\"" NAME
         "\":\"eA==\"}},\"annotation\":\"eA==\"}}",
         COCO_ERR_PROTO},
        {"{\"op\":\"keyunwrap\",\"keyunwrapparams\":{\"dc\":{\"Parameters\":{\"" NAME
         "\":[\"=\"]}},\"annotation\":\"eA==\"}}",
         COCO_ERR_PROTO},
        {"{\"op\":\"keyunwrap\",\"keyunwrapparams\":{\"dc\":{\"Parameters\":{\"" NAME
         "\":[\"eA==\",\"eA==\",\"eA==\",\"eA==\",\"eA==\",\"eA==\",\"eA==\",\"eA==\","
         "\"eA==\",\"eA==\",\"eA==\",\"eA==\",\"eA==\",\"eA==\",\"eA==\",\"eA==\",\"eA==\"]}},"
         "\"annotation\":\"eA==\"}}",
         COCO_ERR_LIMIT},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_provider_request request = {0};

        coco_status status = read_request(cases[i].text, &request, &err);
        if (status != cases[i].status)
            fail_msg("case %zu: %s: %s", i, coco_status_name(status), coco_error_message(err));
        coco_error_free(err);
        err = NULL;
        assert_null(request.data.data);
        assert_int_equal(request.n_parameters, 0);
    }
}

static void
replies_are_numbers_and_read_in_both_forms(void **state)
{
    static const char *const good[] = {
        "{\"keywrapresults\":{\"annotation\":[97,98]},\"keyunwrapresults\":null}",
        "{\"keywrapresults\":{\"annotation\":\"YWI=\"}}",
        "{\"keyunwrapresults\":{\"optsdata\":null},\"keywrapresults\":{\"annotation\":\"YWI=\"}}",
    };
    static const char *const bad[] = {
        "",
        "{}",
        "{\"keyunwrapresults\":{\"optsdata\":\"YWI=\"}}",
        "{\"keywrapresults\":{}}",
        "{\"keywrapresults\":{\"annotation\":null}}",
        "{\"keywrapresults\":{\"annotation\":{}}}",
        "{\"keywrapresults\":{\"annotation\":[]}}",
        "{\"keywrapresults\":{\"annotation\":\"YWI\"}}",
        "{\"keywrapresults\":\"YWI=\"}",
    };
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_provider_reply_write(true, "ab", 2, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), "{\"keywrapresults\":{\"annotation\":[97,98]}}");
    coco_buf_reset(&text);
    assert_ok(coco_provider_reply_write(false, "ab", 2, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), "{\"keyunwrapresults\":{\"optsdata\":[97,98]}}");
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        _cleanup_secret_ struct coco_secret back = {0};

        assert_ok(coco_provider_reply_read(good[i], strlen(good[i]), true, &back, &err), err);
        assert_true(coco_secret_equal(&back, "ab", 2));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct coco_secret back = {0};

        assert_fails(coco_provider_reply_read(bad[i], strlen(bad[i]), true, &back, &err), err,
                     COCO_ERR_PROTO, "reply of a key provider");
    }
}

static void
private_options_leave_nothing_behind(void **state)
{
    char data[] = "{\"symkey\":\"the key of a layer\"}";
    const struct coco_buf options = {.data = (uint8_t *)data, .len = strlen(data)};
    coco_error *err = NULL;

    (void)state;
    canary_begin(data, strlen(data));
    {
        _cleanup_buf_ struct coco_buf text = {.limit = COCO_PROVIDER_JSON_MAX};
        _cleanup_buf_ struct coco_buf reply = {.limit = COCO_PROVIDER_JSON_MAX};
        _cleanup_(coco_provider_request_done) struct coco_provider_request request = {0};
        _cleanup_secret_ struct coco_secret back = {0};

        assert_ok(coco_provider_request_write(NAME, NULL, true, &options, &text, &err), err);
        assert_ok(coco_provider_request_read(coco_buf_text(&text), text.len, NAME, &request, &err),
                  err);
        assert_true(coco_secret_equal(&request.parameters[0], "Enabled", 7));
        assert_ok(
            coco_provider_reply_write(false, request.data.data, request.data.len, &reply, &err),
            err);
        assert_ok(coco_provider_reply_read(coco_buf_text(&reply), reply.len, false, &back, &err),
                  err);
        assert_true(coco_secret_equal(&back, data, strlen(data)));
    }
    assert_int_equal(canary_end(), 0);
}

static void
everything_survives_any_failed_allocation(void **state)
{
    char data[] = "{}";
    const struct coco_buf options = {.data = (uint8_t *)data, .len = 2};

    (void)state;
    for (int wrap = 0; wrap < 2; wrap++) {
        for_each_fault()
        {
            _cleanup_buf_ struct coco_buf text = {.limit = COCO_PROVIDER_JSON_MAX};
            _cleanup_buf_ struct coco_buf reply = {.limit = COCO_PROVIDER_JSON_MAX};
            _cleanup_(coco_provider_request_done) struct coco_provider_request request = {0};
            _cleanup_secret_ struct coco_secret back = {0};
            coco_error *err = NULL;

            coco_status status =
                coco_provider_request_write(NAME, "p", wrap, &options, &text, &err);
            if (status == COCO_OK)
                status = coco_provider_request_read(coco_buf_text(&text), text.len, NAME, &request,
                                                    &err);
            if (status == COCO_OK)
                status = coco_provider_reply_write(wrap, "ab", 2, &reply, &err);
            if (status == COCO_OK)
                status =
                    coco_provider_reply_read(coco_buf_text(&reply), reply.len, wrap, &back, &err);
            fault_expect(status, err);
            coco_error_free(err);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_requests_are_read_and_written_alike),
        cmocka_unit_test(requests_of_others_are_read),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(replies_are_numbers_and_read_in_both_forms),
        cmocka_unit_test(private_options_leave_nothing_behind),
        cmocka_unit_test(everything_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
