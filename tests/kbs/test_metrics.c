/*
 * tests/kbs/test_metrics.c - lib/kbs/metrics.c, and what kbs/router.c counts
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/metrics.h"

#include "tests/faults.h"
#include "tests/kbs/world.h"

#include <coco/version.h>

#include <stdint.h>

static struct coco_kbs_metrics *
make(void)
{
    struct coco_kbs_metrics *metrics = NULL;
    coco_error *err = NULL;

    assert_ok(coco_kbs_metrics_new(&metrics, &err), err);
    return metrics;
}

static void
write_all(struct coco_kbs_metrics *metrics, struct coco_buf *buf)
{
    coco_error *err = NULL;

    coco_buf_reset(buf);
    assert_ok(coco_kbs_metrics_write(metrics, buf, &err), err);
}

/* Fails unless text has the line "series value". */
static void
assert_value(const char *text, const char *series, const char *value)
{
    char line[256];

    (void)snprintf(line, sizeof(line), "\n%s %s\n", series, value);
    if (!strstr(text, line)) {
        const char *at = strstr(text, series);
        fail_msg("not %.*s but %.60s", (int)strlen(line) - 2, line + 1, at ? at : "nothing");
    }
}

static void
every_request_is_counted_by_what_became_of_it(void **state)
{
    static const struct {
        struct coco_kbs_event event;
        const char *series; /* that is 1, and was 0 */
    } cases[] = {
        {{.operation = COCO_KBS_OTHER, .status = 204}, "kbs_http_requests_total"},
        {{.operation = COCO_KBS_OTHER, .status = 204}, "kbs_http_responses_total{class=\"2xx\"}"},
        {{.operation = COCO_KBS_OTHER, .status = 404}, "kbs_http_responses_total{class=\"4xx\"}"},
        {{.operation = COCO_KBS_OTHER, .status = 500}, "kbs_http_responses_total{class=\"5xx\"}"},
        {{.operation = COCO_KBS_AUTH, .status = 400}, "kbs_auth_requests_total"},
        {{.operation = COCO_KBS_AUTH, .status = 200}, "kbs_auth_successes_total"},
        {{.operation = COCO_KBS_AUTH, .status = 400}, "kbs_auth_errors_total"},
        {{.operation = COCO_KBS_AUTH, .status = 429}, "kbs_requests_limited_total"},
        {{.operation = COCO_KBS_ATTEST, .status = 400}, "kbs_attestation_requests_total"},
        {{.operation = COCO_KBS_ATTEST, .status = 400}, "kbs_attestation_errors_total"},
        {{.operation = COCO_KBS_ATTEST, .status = 401}, "kbs_attestation_errors_total"},
        {{.operation = COCO_KBS_ATTEST, .status = 503, .tee = "snp"},
         "kbs_attestation_errors_total"},
        {{.operation = COCO_KBS_ATTEST, .status = 200, .tee = "nobody's"},
         "kbs_attestation_errors_total"},
        {{.operation = COCO_KBS_ATTEST, .status = 200, .tee = "snp"},
         "kbs_attestation_successes_total{tee_type=\"snp\"}"},
        {{.operation = COCO_KBS_ATTEST, .status = 401, .tee = "tdx"},
         "kbs_attestation_failures_total{tee_type=\"tdx\"}"},
        {{.operation = COCO_KBS_READ, .status = 200}, "kbs_resource_reads_total"},
        {{.operation = COCO_KBS_WRITE, .status = 200}, "kbs_resource_writes_total"},
        {{.operation = COCO_KBS_READ, .status = 403, .ruling = COCO_KBS_FORBIDDEN},
         "kbs_policy_evaluations_total"},
        {{.operation = COCO_KBS_READ, .status = 403, .ruling = COCO_KBS_FORBIDDEN},
         "kbs_policy_violations_total"},
        {{.operation = COCO_KBS_READ, .status = 403, .ruling = COCO_KBS_FAILED},
         "kbs_policy_errors_total"},
        {{.operation = COCO_KBS_READ, .status = 404, .ruling = COCO_KBS_ALLOWED},
         "kbs_policy_approvals_total"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(coco_kbs_metrics_freep) struct coco_kbs_metrics *metrics = make();
        _cleanup_buf_ struct coco_buf buf = {.limit = 65536};

        write_all(metrics, &buf);
        assert_value(coco_buf_text(&buf), cases[i].series, "0");
        coco_kbs_metrics_count(metrics, &cases[i].event);
        write_all(metrics, &buf);
        assert_value(coco_buf_text(&buf), cases[i].series, "1");
        assert_value(coco_buf_text(&buf), "kbs_http_requests_total", "1");
    }
}

static void
what_was_not_given_is_no_read(void **state)
{
    static const int refusals[] = {401, 403, 404, 500};
    _cleanup_(coco_kbs_metrics_freep) struct coco_kbs_metrics *metrics = make();
    _cleanup_buf_ struct coco_buf buf = {.limit = 65536};

    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        for (int what = COCO_KBS_READ; what <= COCO_KBS_WRITE; what++) {
            const struct coco_kbs_event event = {
                .operation = (enum coco_kbs_operation)what,
                .status = refusals[i],
            };
            coco_kbs_metrics_count(metrics, &event);
        }
    write_all(metrics, &buf);
    assert_value(coco_buf_text(&buf), "kbs_resource_reads_total", "0");
    assert_value(coco_buf_text(&buf), "kbs_resource_writes_total", "0");
    assert_value(coco_buf_text(&buf), "kbs_http_requests_total", "8");
}

static void
buckets_hold_what_is_not_above_them(void **state)
{
    static const struct {
        uint64_t ns, size;
    } seen[] = {{500000, 32}, {500001, 33}, {1500000000, 9000}};
    static const char *const want[][2] = {
        {"kbs_http_request_duration_seconds_bucket{le=\"0.0005\"}", "1"},
        {"kbs_http_request_duration_seconds_bucket{le=\"0.001\"}", "2"},
        {"kbs_http_request_duration_seconds_bucket{le=\"1.0\"}", "2"},
        {"kbs_http_request_duration_seconds_bucket{le=\"+Inf\"}", "3"},
        {"kbs_http_request_duration_seconds_sum", "1.501000001"},
        {"kbs_http_request_duration_seconds_count", "3"},
        {"kbs_http_request_size_bytes_bucket{le=\"32\"}", "1"},
        {"kbs_http_request_size_bytes_bucket{le=\"128\"}", "2"},
        {"kbs_http_request_size_bytes_bucket{le=\"8192\"}", "2"},
        {"kbs_http_request_size_bytes_bucket{le=\"+Inf\"}", "3"},
        {"kbs_http_request_size_bytes_sum", "9065"},
        {"kbs_http_response_size_bytes_sum", "18130"},
        {"kbs_http_response_size_bytes_count", "3"},
    };
    _cleanup_(coco_kbs_metrics_freep) struct coco_kbs_metrics *metrics = make();
    _cleanup_buf_ struct coco_buf buf = {.limit = 65536};

    (void)state;
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
        const struct coco_kbs_event event = {
            .operation = COCO_KBS_OTHER,
            .status = 200,
            .duration_ns = seen[i].ns,
            .request_size = seen[i].size,
            .reply_size = 2 * seen[i].size,
        };
        coco_kbs_metrics_count(metrics, &event);
    }
    write_all(metrics, &buf);
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        assert_value(coco_buf_text(&buf), want[i][0], want[i][1]);
}

/* Exposition formats, text: HELP and TYPE before the samples of a metric, each metric once. */
static void
the_page_is_what_prometheus_reads(void **state)
{
    _cleanup_(coco_kbs_metrics_freep) struct coco_kbs_metrics *metrics = make();
    _cleanup_buf_ struct coco_buf buf = {.limit = 65536};
    char type[128] = "";
    char name[64];
    size_t types = 0;

    (void)state;
    write_all(metrics, &buf);
    assert_int_equal(buf.data[buf.len - 1], '\n');
    _cleanup_free_ char *copy = strdup(coco_buf_text(&buf));
    assert_non_null(copy);
    char *rest = copy;
    for (char *line; (line = strsep(&rest, "\n")) && *line;) {
        if (strncmp(line, "# HELP ", 7) == 0)
            continue;
        if (sscanf(line, "# TYPE %63s", name) == 1) {
            const char *first = strstr(coco_buf_text(&buf), line);
            (void)snprintf(type, sizeof(type), "%s", name);
            assert_null(strstr(first + 1, line));
            types++;
            continue;
        }
        if (strncmp(line, type, strlen(type)) != 0)
            fail_msg("%s is not of %s", line, type);
        assert_int_equal(strspn(strrchr(line, ' ') + 1, "0123456789."),
                         strlen(strrchr(line, ' ') + 1));
    }
    assert_int_equal(types, 20);
    (void)snprintf(type, sizeof(type), "kbs_build_info{version=\"%s\"}", coco_version());
    assert_value(coco_buf_text(&buf), type, "1");
}

static void
a_server_tells_what_it_did_and_no_names(void **state)
{
    static const char *const want[][2] = {
        {"kbs_auth_requests_total", "4"},
        {"kbs_auth_successes_total", "3"},
        {"kbs_auth_errors_total", "1"},
        {"kbs_attestation_requests_total", "4"},
        {"kbs_attestation_successes_total{tee_type=\"sample\"}", "2"},
        {"kbs_attestation_failures_total{tee_type=\"sample\"}", "1"},
        {"kbs_attestation_errors_total", "1"},
        {"kbs_policy_evaluations_total", "2"},
        {"kbs_policy_approvals_total", "1"},
        {"kbs_policy_violations_total", "1"},
        {"kbs_resource_reads_total", "1"},
        {"kbs_resource_writes_total", "1"},
        {"kbs_http_requests_total", "12"},
        {"kbs_http_responses_total{class=\"2xx\"}", "7"},
        {"kbs_http_responses_total{class=\"4xx\"}", "5"},
        {"kbs_http_request_duration_seconds_count", "12"},
    };
    const struct attestation forged = {.nonce = "bm9uY2U="};
    struct world w;

    (void)state;
    world_begin(&w, "");
    assert_int_equal(ask_as_owner(&w, "POST", "/kbs/v0/resource/vault/key/canary", "secret"), 200);
    assert_int_equal(ask(&w, "POST", "/kbs/v0/auth", NULL, NULL, "{}"), 400);
    assert_int_equal(ask(&w, "POST", "/kbs/v0/attest", NULL, NULL, "{}"), 401);
    assert_int_equal(attest_how(&w, &forged), 401);
    assert_int_equal(attest(&w), 200);
    assert_int_equal(ask(&w, "GET", "/kbs/v0/resource/vault/key/canary", w.cookie, NULL, ""), 403);
    add_references(&w);
    assert_int_equal(attest(&w), 200);
    assert_int_equal(ask(&w, "GET", "/kbs/v0/resource/vault/key/canary", w.cookie, NULL, ""), 200);
    assert_int_equal(ask(&w, "GET", "/canary", NULL, NULL, ""), 404);
    assert_int_equal(ask(&w, "GET", "/healthz", NULL, NULL, ""), 200);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(ask(&w, "GET", "/metrics", NULL, NULL, ""), 200);
        assert_string_equal(w.reply.type, "text/plain; version=0.0.4; charset=utf-8");
        for (size_t j = 0; j < sizeof(want) / sizeof(want[0]); j++)
            assert_value(said(&w), want[j][0], want[j][1]);
        assert_null(strstr(said(&w), "vault"));
        assert_null(strstr(said(&w), "canary"));
    }
    world_end(&w);
}

static void
who_wants_no_page_has_none(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "[metrics]\nenabled = false\n");
    assert_int_equal(ask(&w, "GET", "/healthz", NULL, NULL, ""), 200);
    assert_int_equal(ask(&w, "GET", "/metrics", NULL, NULL, ""), 404);
    assert_says_no(&w, "PluginNotFound");
    world_end(&w);
}

static void
writing_survives_failed_allocations(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_(coco_kbs_metrics_freep) struct coco_kbs_metrics *metrics = NULL;
        _cleanup_buf_ struct coco_buf buf = {.limit = 65536};
        coco_error *err = NULL;

        coco_status status = coco_kbs_metrics_new(&metrics, &err);
        if (status == COCO_OK)
            status = coco_kbs_metrics_write(metrics, &buf, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_is_counted_by_what_became_of_it),
        cmocka_unit_test(what_was_not_given_is_no_read),
        cmocka_unit_test(buckets_hold_what_is_not_above_them),
        cmocka_unit_test(the_page_is_what_prometheus_reads),
        cmocka_unit_test(a_server_tells_what_it_did_and_no_names),
        cmocka_unit_test(who_wants_no_page_has_none),
        cmocka_unit_test(writing_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/metrics", tests, NULL, NULL);
}
