/*
 * tests/cache/test_counters.c - lib/cache/counters.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/counters.h"

#include "tests/support.h"

#include <string.h>

static void
they_are_written_as_prometheus_reads_them(void **state)
{
    struct coco_cache_counters counters = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = 65536};
    coco_error *err = NULL;

    (void)state;
    coco_cache_count(&counters, COCO_CACHE_HITS, 1);
    coco_cache_count(&counters, COCO_CACHE_HITS, UINT64_MAX - 1);
    assert_ok(coco_cache_counters_format(&counters, 5, 7, &text, &err), err);
    assert_contains(coco_buf_text(&text), "# TYPE coco_cache_hits_total counter\n"
                                          "coco_cache_hits_total 18446744073709551615\n");
    assert_contains(coco_buf_text(&text), "coco_cache_misses_total 0\n");
    assert_contains(coco_buf_text(&text), "# TYPE coco_cache_store_bytes gauge\n"
                                          "coco_cache_store_bytes 5\n");
    assert_contains(coco_buf_text(&text), "coco_cache_store_max_bytes 7\n");
    assert_null(strstr(coco_buf_text(&text), "(null)"));
}

static void
what_does_not_fit_is_an_error(void **state)
{
    struct coco_cache_counters counters = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = 300};

    (void)state;
    assert_int_equal(coco_cache_counters_format(&counters, 5, 7, &text, NULL), COCO_ERR_LIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_written_as_prometheus_reads_them),
        cmocka_unit_test(what_does_not_fit_is_an_error),
    };

    return cmocka_run_group_tests_name("cache/counters", tests, NULL, NULL);
}
