/*
 * tests/kbs/test_page.c - lib/kbs/page.c
 *
 * What the page does in a browser is in tests/cli/test_page.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/page.h"

#include "tests/faults.h"
#include "tests/kbs/world.h"

static int
begin(void **state)
{
    static struct world w;

    world_begin(&w, "");
    w.core->config.admin_page = true;
    *state = &w;
    return 0;
}

static int
end(void **state)
{
    world_end(*state);
    return 0;
}

static void
it_is_not_there_unless_it_is_asked_for(void **state)
{
    static const char *const paths[] = {"/admin", "/admin/", "/admin/page.js"};
    struct world *w = *state;

    w->core->config.admin_page = false;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(ask_as_owner(w, "GET", paths[i], ""), 404);
        assert_says_no(w, "PluginNotFound");
    }
}

static void
its_files_load_nothing_from_elsewhere(void **state)
{
    static const char *const files[][3] = {
        {"/admin/", "text/html; charset=utf-8", "<!DOCTYPE html>"},
        {"/admin/page.css", "text/css; charset=utf-8", "body {"},
        {"/admin/page.js", "text/javascript; charset=utf-8", "\"use strict\""},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        assert_int_equal(ask(w, "GET", files[i][0], NULL, NULL, ""), 200);
        assert_string_equal(w->reply.type, files[i][1]);
        assert_contains(said(w), files[i][2]);
        assert_null(strstr(said(w), "://"));
        assert_null(strstr(said(w), "innerHTML"));
        assert_int_equal(w->reply.cookie.len, 0);
        const char *fields = coco_buf_text(&w->reply.fields);
        assert_contains(fields, "Content-Security-Policy: default-src 'none'; script-src 'self'; "
                                "style-src 'self'; connect-src 'self'; base-uri 'none'; "
                                "form-action 'none'; frame-ancestors 'none'");
        assert_contains(fields, "Referrer-Policy: no-referrer\r\n");
    }
}

static void
other_files_are_not_found(void **state)
{
    static const char *const paths[] = {
        "/admin/index.html", "/admin//",           "/admin/page.js/",
        "/admin/PAGE.JS",    "/admin/../page.js",  "/admin/%2e%2e/etc/passwd",
        "/admin/page",       "/admin/page.js%00x", "/administrator",
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (ask(w, "GET", paths[i], NULL, NULL, "") != 404)
            fail_msg("%s gives %d", paths[i], w->reply.status);
    assert_int_equal(ask(w, "POST", "/admin/", NULL, NULL, ""), 405);
}

static void
without_its_slash_it_says_where_it_is(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask(w, "GET", "/admin", NULL, NULL, ""), 308);
    assert_string_equal(coco_buf_text(&w->reply.fields), "Location: admin/\r\n");
}

static void
a_page_survives_failed_allocations(void **state)
{
    struct world *w = *state;

    for_each_fault()
    {
        struct coco_httpd_request request = {.method = "GET", .path = "/admin/"};
        _cleanup_reply_ struct coco_httpd_reply reply = {.body.limit = 1 << 20};
        struct coco_kbs_call call = {
            .core = w->core, .root = w->core, .request = &request, .rest = "", .reply = &reply};
        coco_error *err = NULL;

        coco_status status = coco_kbs_page(&call, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_not_there_unless_it_is_asked_for),
        cmocka_unit_test(its_files_load_nothing_from_elsewhere),
        cmocka_unit_test(other_files_are_not_found),
        cmocka_unit_test(without_its_slash_it_says_where_it_is),
        cmocka_unit_test(a_page_survives_failed_allocations),
    };
    struct CMUnitTest with_world[sizeof(tests) / sizeof(tests[0])];

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        with_world[i] = tests[i];
        with_world[i].setup_func = begin;
        with_world[i].teardown_func = end;
    }
    return cmocka_run_group_tests_name("kbs/page", with_world, NULL, NULL);
}
