/*
 * tests/kbc/test_params.c - lib/kbc/params.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/params.h"

#include "tests/fakekernel.h"
#include "tests/faults.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NOTHING "offline_fs_kbc::"
#define CC "cc_kbc::http://127.0.0.1:8080"
#define WORD "agent.aa_kbc_params="

static int
setup(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("AA_KBC_PARAMS"), 0);
    return 0;
}

/* A kernel with this command line, or without any. */
static void
boot(struct fake_kernel *fake, const char *line)
{
    fake_kernel_init(fake);
    if (line)
        fake->files[0] = (struct fake_file){
            .path = "/proc/cmdline", .data = (const uint8_t *)line, .len = strlen(line)};
}

static void
assert_found(const struct fake_kernel *fake, const char *want)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_KBC_PARAMS_MAX};
    coco_error *err = NULL;

    assert_ok(coco_kbc_params_find(&fake->table, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), want);
}

static void
the_command_line_tells(void **state)
{
    static const struct {
        const char *line;
        const char *want;
    } cases[] = {
        {NULL, NOTHING},
        {"", NOTHING},
        {"\n", NOTHING},
        {"console=ttyS0 quiet\n", NOTHING},
        {WORD CC, CC},
        {WORD CC "\n", CC},
        {"a b " WORD CC " c=d\n", CC},
        {"\t" WORD CC "\t" WORD "sample_kbc::\n", "sample_kbc::"},
        {"x" WORD CC "\n", NOTHING},
        {"x=\" " WORD CC "\"\n", NOTHING},
        {WORD "\"" CC "\" quiet\n", CC},
        {"\"" WORD CC "\" quiet\n", CC},
        {WORD "\n", ""},
        {WORD "\"cc_kbc::http://a b\"\n", "cc_kbc::http://a b"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fake_kernel fake;

        boot(&fake, cases[i].line);
        assert_found(&fake, cases[i].want);
    }
}

static void
the_environment_goes_first(void **state)
{
    struct fake_kernel fake;

    (void)state;
    boot(&fake, WORD CC "\n");
    assert_int_equal(setenv("AA_KBC_PARAMS", "sample_kbc::", 1), 0);
    assert_found(&fake, "sample_kbc::");
    assert_int_equal(setenv("AA_KBC_PARAMS", "", 1), 0);
    assert_found(&fake, CC);
    assert_int_equal(unsetenv("AA_KBC_PARAMS"), 0);
}

static void
what_cannot_be_read_is_not_taken_for_nothing(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_KBC_PARAMS_MAX};
    static char line[128 << 10];
    struct fake_kernel fake;
    coco_error *err = NULL;

    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    boot(&fake, line);
    assert_fails(coco_kbc_params_find(&fake.table, &buf, &err), err, COCO_ERR_LIMIT, "");
    memcpy(line, WORD, strlen(WORD));
    line[8 << 10] = '\0';
    boot(&fake, line);
    assert_fails(coco_kbc_params_find(&fake.table, &buf, &err), err, COCO_ERR_LIMIT, "");
}

static void
finding_survives_any_failed_allocation(void **state)
{
    struct fake_kernel fake;
    coco_error *err = NULL;

    (void)state;
    boot(&fake, "quiet " WORD CC "\n");
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = COCO_KBC_PARAMS_MAX};

        coco_status status = coco_kbc_params_find(&fake.table, &buf, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_command_line_tells),
        cmocka_unit_test(the_environment_goes_first),
        cmocka_unit_test(what_cannot_be_read_is_not_taken_for_nothing),
        cmocka_unit_test(finding_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
