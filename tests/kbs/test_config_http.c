/*
 * tests/kbs/test_config_http.c - lib/kbs/config_http.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config_section.h"

#include "tests/kbs/configs.h"

static void
what_is_not_understood_is_refused(void **state)
{
    static const struct refused_config cases[] = {
        {COCO_ERR_PROTO, "[http_server]\nsocket = []", "sockets"},
        {COCO_ERR_PROTO, "[http_server]\nsockets = []", "sockets is empty"},
        {COCO_ERR_PROTO, "[http_server]\nsockets = [1]", "list of texts"},
        {COCO_ERR_PROTO, "[http_server]\nsockets = \"a\"", "list"},
        {COCO_ERR_PROTO, "[http_server]\ninsecure_http = \"yes\"", "insecure_http"},
        {COCO_ERR_PROTO, "[http_server]\npayload_request_size = 0", "from 1 to 64"},
        {COCO_ERR_PROTO, "[http_server]\npayload_total_size = 1", "less than payload_request_size"},
        {COCO_ERR_PROTO, "[http_server]\npayload_request_size = -1", "from 1 to 64"},
        {COCO_ERR_PROTO, "[http_server]\npayload_request_size = 2.0", "from 1 to 64"},
        {COCO_ERR_PROTO, "[http_server]\ncertificate = \"-----BEGIN B\"", "go together"},
        {COCO_ERR_NOTFOUND, "[http_server]\ncertificate = \"/no/such\"", "/no/such"},
        {COCO_ERR_PROTO, "[http_server]\ntls_profile = \"old\"", "tls_profile"},
        {COCO_ERR_NOTSUP, "[http_server]\nworker_count = 4", "worker_count"},
    };

    (void)state;
    ASSERT_CONFIGS_REFUSED(cases);
}

static void
reading_survives_failed_allocations(void **state)
{
    (void)state;
    assert_config_survives_faults(
        "[http_server]\nsockets = [\"a:1\", \"b:2\"]\ntls_profile = \"modern\"\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(reading_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/config_http", tests, NULL, NULL);
}
