/*
 * tests/tee/test_tcb_info.c - lib/tee/tcb_info.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/tcb_info.h"

#include "tests/faults.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static coco_error *err;

/* Two levels, the module without a version, and that of version 1 with two levels of its own. */
static const struct coco_tcb_info *
some_info(void)
{
    static struct coco_tcb_level levels[2] = {
        {.sgx = {5, 5, 2}, .tdx = {4, 0, 6}, .pce_svn = 13, .date = 1710288000},
        {.sgx = {5, 5, 2},
         .tdx = {3, 0, 5},
         .pce_svn = 5,
         .date = 1514764800,
         .status = COCO_TCB_OUT_OF_DATE | COCO_TCB_CONFIGURATION_NEEDED},
    };
    static struct coco_pcs_level module_levels[2] = {
        {.svn = 4, .date = 1710288000},
        {.svn = 2, .date = 1691539200, .status = COCO_TCB_OUT_OF_DATE},
    };
    static struct coco_tcb_module modules[2] = {
        {.attributes_mask = {0xff, 0xff}},
        {.version = 1, .mrsigner = {0xab}, .levels = {.levels = module_levels, .n = 2}},
    };
    static const struct coco_tcb_info info = {
        .tdx = true,
        .version = 3,
        .issue_date = 1750330571,
        .next_update = 1752922571,
        .fmspc = {0x50, 0x80, 0x6f},
        .pce_id = {0, 1},
        .evaluation = 17,
        .levels = levels,
        .n_levels = 2,
        .modules = modules,
        .n_modules = 2,
    };

    return &info;
}

static coco_status
parse(const char *text, struct coco_tcb_info *ret, coco_error **e)
{
    return coco_tcb_info_parse(text, strlen(text), ret, e);
}

static void
tcb_info_is_read_as_it_was_written(void **state)
{
    const struct coco_tcb_info *info = some_info();
    _cleanup_tcb_info_ struct coco_tcb_info read = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    _cleanup_buf_ struct coco_buf again = {.limit = 1 << 16};

    (void)state;
    assert_ok(coco_tcb_info_format(info, &text, &err), err);
    assert_contains(coco_buf_text(&text),
                    "{\"id\":\"TDX\",\"version\":3,\"issueDate\":\"2025-06-19T10:56:11Z\","
                    "\"nextUpdate\":\"2025-07-19T10:56:11Z\",\"fmspc\":\"50806F000000\","
                    "\"pceId\":\"0001\",\"tcbType\":0,\"tcbEvaluationDataNumber\":17,"
                    "\"tdxModule\":{\"mrsigner\":\"000000");
    assert_ok(parse(coco_buf_text(&text), &read, &err), err);
    assert_true(read.tdx);
    assert_memory_equal(read.fmspc, info->fmspc, sizeof(read.fmspc));
    assert_int_equal(read.n_levels, 2);
    assert_memory_equal(read.levels[1].tdx, info->levels[1].tdx, COCO_TCB_COMPONENTS);
    assert_int_equal(read.levels[1].status, info->levels[1].status);
    assert_null(coco_tcb_info_module(&read, 2));
    assert_int_equal(coco_tcb_info_module(&read, 1)->mrsigner[0], 0xab);
    assert_int_equal(coco_tcb_info_module(&read, 1)->levels.levels[1].svn, 2);
    assert_int_equal(coco_tcb_info_module(&read, 0)->attributes_mask[1], 0xff);
    assert_ok(coco_tcb_info_format(&read, &again, &err), err);
    assert_string_equal(coco_buf_text(&again), coco_buf_text(&text));
}

#define COMPONENTS                                                                                 \
    "[{\"svn\":1},{\"svn\":2},{\"svn\":3},{\"svn\":4},{\"svn\":5},{\"svn\":6},{\"svn\":7},"        \
    "{\"svn\":8},{\"svn\":9},{\"svn\":10},{\"svn\":11},{\"svn\":12},{\"svn\":13},{\"svn\":14},"    \
    "{\"svn\":15},{\"svn\":255}]"
#define HEAD                                                                                       \
    "{\"id\":\"SGX\",\"version\":3,\"issueDate\":\"2025-06-19T10:56:11Z\","                        \
    "\"nextUpdate\":\"2025-07-19T10:56:11Z\",\"fmspc\":\"00A067110000\",\"pceId\":\"0000\","       \
    "\"tcbType\":0,\"tcbEvaluationDataNumber\":17,\"tcbLevels\":[{"
#define TAIL "\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]}"
#define GOOD HEAD "\"tcb\":{\"sgxtcbcomponents\":" COMPONENTS ",\"pcesvn\":13}," TAIL

static void
that_of_sgx_has_no_modules(void **state)
{
    _cleanup_tcb_info_ struct coco_tcb_info info = {0};

    (void)state;
    assert_ok(parse(GOOD, &info, &err), err);
    assert_false(info.tdx);
    assert_int_equal(info.n_modules, 0);
    assert_int_equal(info.levels[0].sgx[0], 1);
    assert_int_equal(info.levels[0].sgx[15], 255);
    assert_null(coco_tcb_info_module(&info, 0));
}

/* Version 2 named each component. */
static void
version_2_is_read_too(void **state)
{
    _cleanup_tcb_info_ struct coco_tcb_info info = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};

    (void)state;
    assert_ok(coco_buf_append_text(&text,
                                   "{\"version\":2,\"issueDate\":\"2019-09-05T07:47:07Z\","
                                   "\"nextUpdate\":\"2029-09-05T07:47:07Z\",\"fmspc\":"
                                   "\"00707F000000\",\"pceId\":\"0000\",\"tcbType\":0,"
                                   "\"tcbEvaluationDataNumber\":3,\"tcbLevels\":[{\"tcb\":{",
                                   &err),
              err);
    for (int i = 1; i <= COCO_TCB_COMPONENTS; i++)
        assert_ok(coco_buf_printf(&text, &err, "\"sgxtcbcomp%02dsvn\":%d,", i, i), err);
    assert_ok(coco_buf_append_text(&text, "\"pcesvn\":3}," TAIL, &err), err);
    assert_ok(parse(coco_buf_text(&text), &info, &err), err);
    assert_int_equal(info.version, 2);
    assert_false(info.tdx);
    assert_int_equal(info.levels[0].sgx[15], 16);
    assert_int_equal(info.levels[0].pce_svn, 3);
}

/* The good one with one part of it replaced. */
static void
what_is_not_understood_is_refused(void **state)
{
    static const struct {
        const char *from;
        const char *to;
        coco_status status;
        const char *why;
    } cases[] = {
        {"{\"id\"", "[\"id\"", COCO_ERR_PROTO, "not JSON"},
        {"\"SGX\"", "\"QE\"", COCO_ERR_NOTSUP, "of 'QE'"},
        {"\"SGX\"", "\"TDX\"", COCO_ERR_PROTO, "tdxtcbcomponents"},
        {"\"id\"", "\"Id\"", COCO_ERR_PROTO, "'id'"},
        {"\"version\":3", "\"version\":1", COCO_ERR_NOTSUP, "version 1"},
        {"\"version\":3", "\"version\":4", COCO_ERR_NOTSUP, "version 4"},
        {"\"version\":3", "\"version\":2", COCO_ERR_PROTO, "sgxtcbcomp01svn"},
        {"2025-06-19T", "2025-06-19t", COCO_ERR_PROTO, "issueDate"},
        {"2025-07-19T", "2025-06-31T", COCO_ERR_PROTO, "nextUpdate"},
        {"00A067110000", "00A06711000", COCO_ERR_PROTO, "6 bytes"},
        {"00A067110000", "00A06711000G", COCO_ERR_PROTO, "6 bytes"},
        {"\"pceId\":\"0000\"", "\"pceId\":0", COCO_ERR_PROTO, "pceId"},
        {"\"tcbType\":0", "\"tcbType\":1", COCO_ERR_PROTO, "tcbType"},
        {"Number\":17", "Number\":4294967296", COCO_ERR_PROTO, "tcbEvaluationDataNumber"},
        {"{\"svn\":1},", "", COCO_ERR_PROTO, "not of 16"},
        {"{\"svn\":1},", "{\"svn\":1},{\"svn\":1},", COCO_ERR_PROTO, "not of 16"},
        {"{\"svn\":1},", "{},", COCO_ERR_PROTO, "svn"},
        {"{\"svn\":1},", "1,", COCO_ERR_PROTO, "svn"},
        {"\"svn\":255", "\"svn\":256", COCO_ERR_PROTO, "svn' is 256"},
        {"\"svn\":255", "\"svn\":-1", COCO_ERR_PROTO, "svn"},
        {"\"pcesvn\":13", "\"pcesvn\":65536", COCO_ERR_PROTO, "pcesvn"},
        {"\"UpToDate\"", "\"TDRelaunchAdvised\"", COCO_ERR_PROTO, "TDRelaunchAdvised"},
        {"\"tcb\"", "\"tcp\"", COCO_ERR_PROTO, "TCB level 0"},
        {"\"tcbLevels\":[{", "\"tcbLevels\":[],\"x\":[{", COCO_ERR_LIMIT, "0 TCB levels"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_free_ char *text = text_with(GOOD, cases[i].from, cases[i].to);
        struct coco_tcb_info info = {0};

        assert_fails(parse(text, &info, &err), err, cases[i].status, cases[i].why);
    }
}

/* That of TDX, with its modules changed. */
static void
modules_that_are_not_understood_are_refused(void **state)
{
    static const struct {
        const char *from;
        const char *to;
        const char *why;
    } cases[] = {
        {"\"tdxModule\"", "\"tdxmodule\"", "tdxModule"},
        {"\"attributesMask\"", "\"attributesMasc\"", "attributesMask"},
        {"TDX_01", "TDX_00", "id 'TDX_00'"},
        {"TDX_01", "TDX_1", "id 'TDX_1'"},
        {"TDX_01", "TDX-01", "id 'TDX-01'"},
        {"TDX_01", "TDX_011", "id 'TDX_011'"},
        {"\"mrsigner\":\"AB00", "\"mrsigner\":\"AB", "TDX module 1"},
        {"\"isvsvn\":4", "\"isvsvn\":x", "not JSON"},
    };
    _cleanup_buf_ struct coco_buf good = {.limit = 1 << 16};

    (void)state;
    assert_ok(coco_tcb_info_format(some_info(), &good, &err), err);
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_free_ char *text = text_with(coco_buf_text(&good), cases[i].from, cases[i].to);
        struct coco_tcb_info info = {0};

        assert_fails(parse(text, &info, &err), err, COCO_ERR_PROTO, cases[i].why);
    }
}

static void
a_module_is_there_once(void **state)
{
    struct coco_tcb_info info = *some_info();
    struct coco_tcb_module modules[3] = {info.modules[0], info.modules[1], info.modules[1]};
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    struct coco_tcb_info read = {0};

    (void)state;
    info.modules = modules;
    info.n_modules = 3;
    assert_ok(coco_tcb_info_format(&info, &text, &err), err);
    assert_fails(parse(coco_buf_text(&text), &read, &err), err, COCO_ERR_PROTO, "id 'TDX_01'");
    info.n_modules = 0;
    assert_fails(coco_tcb_info_format(&info, &text, &err), err, COCO_ERR_INVALID, "without");
}

static void
recorded_tcb_info_is_read(void **state)
{
    static const struct {
        const char *name;
        const char *fmspc;
        size_t levels;
        size_t modules;
    } cases[] = {
        {"tdx/tcbInfo.json", "\x00\xa0\x6d\x08\x00\x00", 2, 3},
        {"tdx/gotdx_tcbinfo.json", "\x50\x80\x6f\x00\x00\x00", 2, 1},
        {"tdx/gotdx_tcbinfo_v5.json", "\x90\xc0\x6f\x00\x00\x00", 3, 3},
        {"sgx/intelqvl/tcbInfo.json", "\x00\x70\x7f\x00\x00\x00", 6, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_tcb_info_ struct coco_tcb_info info = {0};
        struct coco_pcs_answer answer = {0};
        size_t len = 0;

        _cleanup_free_ char *text = read_fixture(cases[i].name, &len);
        assert_ok(coco_pcs_answer_parse(text, len, "tcbInfo", &answer, &err), err);
        assert_ok(coco_tcb_info_parse(answer.value, answer.value_len, &info, &err), err);
        assert_memory_equal(info.fmspc, cases[i].fmspc, sizeof(info.fmspc));
        assert_int_equal(info.n_levels, cases[i].levels);
        assert_int_equal(info.n_modules, cases[i].modules);
    }
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_tcb_info_ struct coco_tcb_info read = {0};
        _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};

        coco_status status = coco_tcb_info_format(some_info(), &text, &err);
        if (status == COCO_OK)
            status = parse(coco_buf_text(&text), &read, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcb_info_is_read_as_it_was_written),
        cmocka_unit_test(that_of_sgx_has_no_modules),
        cmocka_unit_test(version_2_is_read_too),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(modules_that_are_not_understood_are_refused),
        cmocka_unit_test(a_module_is_there_once),
        cmocka_unit_test(recorded_tcb_info_is_read),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/tcb_info", tests, NULL, NULL);
}
