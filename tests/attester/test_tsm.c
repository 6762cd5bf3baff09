/*
 * tests/attester/test_tsm.c - lib/attester/tsm.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/tsm.h"

#include "attester/paths.h"
#include "tests/fakekernel.h"
#include "tests/faults.h"
#include "tests/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const uint8_t question[64] = "what was asked";
static uint8_t blob[COCO_TSM_OUTBLOB_MAX + 1];

static int
setup(void **state)
{
    static struct fake_kernel fake;

    fake_kernel_init(&fake);
    fake.provider = "tdx_guest\n";
    fake.out = (const uint8_t *)"a quote";
    fake.out_len = 7;
    *state = &fake;
    return unsetenv(COCO_TEE_ROOT_VARIABLE);
}

static int
nothing_is_left(void **state)
{
    struct fake_kernel *fake = *state;

    assert_int_equal(fake->entries, 0);
    assert_int_equal(fake_kernel_open(fake), 0);
    return unsetenv(COCO_TEE_ROOT_VARIABLE);
}

static coco_status
ask(struct fake_kernel *fake, struct coco_buf *out, struct coco_buf *aux, coco_error **err)
{
    const struct coco_tsm_request request = {
        .provider = COCO_TSM_TDX,
        .inblob = question,
        .len = sizeof(question),
    };

    return coco_tsm_ask(&fake->table, &request, out, aux, err);
}

static void
the_answer_is_read_whole(void **state)
{
    struct fake_kernel *fake = *state;
    _cleanup_buf_ struct coco_buf out = {.limit = COCO_TSM_OUTBLOB_MAX};
    _cleanup_buf_ struct coco_buf aux = {.limit = COCO_TSM_AUXBLOB_MAX};
    coco_error *err = NULL;

    fake->aux = (const uint8_t *)"certificates";
    fake->aux_len = 12;
    assert_ok(ask(fake, &out, &aux, &err), err);
    assert_memory_equal(fake->inblob, question, sizeof(question));
    assert_int_equal(fake->inblob_len, sizeof(question));
    assert_string_equal(coco_buf_text(&out), "a quote");
    assert_string_equal(coco_buf_text(&aux), "certificates");
}

static void
an_auxblob_may_be_missing(void **state)
{
    static const int errors[] = {0, ENOENT, EINVAL, ENODEV};
    struct fake_kernel *fake = *state;

    for (size_t i = 0; i < COUNT(errors); i++) {
        _cleanup_buf_ struct coco_buf out = {.limit = COCO_TSM_OUTBLOB_MAX};
        _cleanup_buf_ struct coco_buf aux = {.limit = COCO_TSM_AUXBLOB_MAX};
        coco_error *err = NULL;

        fake->fails = errors[i] ? "auxblob" : NULL;
        fake->fails_with = errors[i];
        assert_ok(ask(fake, &out, &aux, &err), err);
        assert_string_equal(coco_buf_text(&out), "a quote");
        assert_int_equal(aux.len, 0);
    }
}

/* Pieces of one byte, and a signal before each. */
static void
short_and_interrupted_reads_and_writes_are_gone_on_with(void **state)
{
    struct fake_kernel *fake = *state;
    _cleanup_buf_ struct coco_buf out = {.limit = COCO_TSM_OUTBLOB_MAX};
    coco_error *err = NULL;

    fake->chunk = 1;
    fake->interrupted = true;
    assert_ok(ask(fake, &out, NULL, &err), err);
    assert_memory_equal(fake->inblob, question, sizeof(question));
    assert_string_equal(coco_buf_text(&out), "a quote");
}

/* A level that must not be written leaves the kernel's. */
static void
the_privilege_level_is_text_and_the_floor(void **state)
{
    static const struct {
        const char *floor;
        const char *written;
        unsigned generation;
    } cases[] = {{NULL, "", 1}, {"0\n", "", 1}, {"2\n", "2", 2}};
    struct fake_kernel *fake = *state;
    const struct coco_tsm_request request = {
        .provider = COCO_TSM_SEV,
        .inblob = question,
        .len = sizeof(question),
        .at_floor = true,
    };

    fake->provider = "sev_guest\n";
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf out = {.limit = COCO_TSM_OUTBLOB_MAX};
        coco_error *err = NULL;

        fake->floor = cases[i].floor;
        assert_ok(coco_tsm_ask(&fake->table, &request, &out, NULL, &err), err);
        assert_string_equal(fake->privlevel, cases[i].written);
        assert_int_equal(fake->generation, cases[i].generation);
    }
    _cleanup_buf_ struct coco_buf out = {.limit = COCO_TSM_OUTBLOB_MAX};
    coco_error *err = NULL;

    fake->floor = "two\n"; /* the kernel throws it away without a word */
    assert_fails(coco_tsm_ask(&fake->table, &request, &out, NULL, &err), err, COCO_ERR_VERIFY,
                 "generation '1', not 2");
    fake->fails = "privlevel_floor";
    fake->fails_with = EIO;
    assert_fails(coco_tsm_ask(&fake->table, &request, &out, NULL, &err), err, COCO_ERR_IO,
                 "privlevel_floor");
}

static void
who_reports_is_compared(void **state)
{
    static const char *const others[] = {
        "sev_guest\n", "tdx_guest2\n", "tdx_gues\n", "\n", "", "tdx_guest\n\n", "TDX_GUEST\n",
    };
    struct fake_kernel *fake = *state;

    for (size_t i = 0; i < COUNT(others); i++) {
        _cleanup_buf_ struct coco_buf out = {.limit = COCO_TSM_OUTBLOB_MAX};
        coco_error *err = NULL;

        fake->provider = others[i];
        assert_fails(ask(fake, &out, NULL, &err), err, COCO_ERR_NOTSUP, "not tdx_guest");
        assert_int_equal(fake->inblob_len, 0);
        assert_int_equal(fake->entries, 0);
    }
}

/* T30: another process that can write to our entry. */
static void
a_write_by_somebody_else_is_seen_whenever_it_comes(void **state)
{
    static const struct {
        const char *file;
        unsigned at;
    } races[] = {
        {"provider", 1}, {"inblob", 1},  {"generation", 1},
        {"outblob", 1},  {"auxblob", 1}, {"generation", 2},
    };
    struct fake_kernel *fake = *state;

    fake->aux = (const uint8_t *)"certificates";
    fake->aux_len = 12;
    for (size_t i = 0; i < COUNT(races); i++) {
        _cleanup_buf_ struct coco_buf out = {.limit = COCO_TSM_OUTBLOB_MAX};
        _cleanup_buf_ struct coco_buf aux = {.limit = COCO_TSM_AUXBLOB_MAX};
        coco_error *err = NULL;

        fake->race = races[i].file;
        fake->race_at = races[i].at;
        fake->raced = 0;
        assert_fails(ask(fake, &out, &aux, &err), err, COCO_ERR_VERIFY, "generation '2', not 1");
        assert_int_equal(fake->entries, 0);
    }
}

static void
an_answer_is_bounded(void **state)
{
    struct fake_kernel *fake = *state;
    _cleanup_buf_ struct coco_buf out = {.limit = COCO_TSM_OUTBLOB_MAX};
    coco_error *err = NULL;

    fake->out = blob;
    fake->out_len = sizeof(blob);
    assert_fails(ask(fake, &out, NULL, &err), err, COCO_ERR_LIMIT, "outblob");
    fake->out_len = sizeof(blob) - 1;
    coco_buf_reset(&out);
    assert_ok(ask(fake, &out, NULL, &err), err);
    assert_int_equal(out.len, COCO_TSM_OUTBLOB_MAX);

    _cleanup_buf_ struct coco_buf again = {.limit = COCO_TSM_OUTBLOB_MAX};
    _cleanup_buf_ struct coco_buf aux = {.limit = COCO_TSM_AUXBLOB_MAX};
    fake->aux = blob;
    fake->aux_len = sizeof(blob);
    assert_fails(ask(fake, &again, &aux, &err), err, COCO_ERR_LIMIT, "auxblob");
}

static void
no_answer_is_no_evidence(void **state)
{
    struct fake_kernel *fake = *state;
    _cleanup_buf_ struct coco_buf out = {.limit = COCO_TSM_OUTBLOB_MAX};
    coco_error *err = NULL;

    fake->out_len = 0;
    assert_fails(ask(fake, &out, NULL, &err), err, COCO_ERR_IO, "is empty");
    fake->fails = "outblob";
    fake->fails_with = EBUSY;
    assert_fails(ask(fake, &out, NULL, &err), err, COCO_ERR_IO, "outblob");
    fake->fails = "inblob";
    fake->fails_with = EACCES;
    assert_fails(ask(fake, &out, NULL, &err), err, COCO_ERR_IO, "inblob");
    fake->fails = NULL;
    fake->close_fails_with = EIO;
    assert_fails(ask(fake, &out, NULL, &err), err, COCO_ERR_IO, "close");
}

static void
a_kernel_without_it_is_not_supported(void **state)
{
    static const struct {
        int error;
        coco_status status;
        const char *why;
    } cases[] = {
        {ENOENT, COCO_ERR_NOTSUP, "no configfs-tsm"},
        {ENXIO, COCO_ERR_NOTSUP, "nobody who reports"},
        {EACCES, COCO_ERR_IO, "make '/sys/kernel/config/tsm/report/coco-"},
    };
    struct fake_kernel *fake = *state;
    _cleanup_buf_ struct coco_buf out = {.limit = COCO_TSM_OUTBLOB_MAX};
    coco_error *err = NULL;

    for (size_t i = 0; i < COUNT(cases); i++) {
        fake->mkdir_fails_with = cases[i].error;
        assert_fails(ask(fake, &out, NULL, &err), err, cases[i].status, cases[i].why);
    }
}

static void
a_question_has_1_to_64_bytes(void **state)
{
    static const uint8_t data[65];
    struct fake_kernel *fake = *state;
    _cleanup_buf_ struct coco_buf out = {.limit = COCO_TSM_OUTBLOB_MAX};
    coco_error *err = NULL;

    for (size_t len = 0; len <= 65; len += 65)
        assert_fails(coco_tsm_ask(&fake->table,
                                  &(struct coco_tsm_request){COCO_TSM_TDX, data, len, false}, &out,
                                  NULL, &err),
                     err, COCO_ERR_INVALID, "1 to 64");
}

static void
it_is_detected_by_who_reports(void **state)
{
    struct fake_kernel *fake = *state;
    char root[64];
    char path[256];
    static const char *const parts[] = {"sys", "kernel", "config", "tsm", "report"};

    make_temp_dir(root, sizeof(root));
    assert_int_equal(setenv(COCO_TEE_ROOT_VARIABLE, root, 1), 0);
    assert_false(coco_tsm_detect(&fake->table, COCO_TSM_TDX));
    (void)snprintf(path, sizeof(path), "%s", root);
    for (size_t i = 0; i < COUNT(parts); i++) {
        (void)snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s", parts[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    assert_true(coco_tsm_detect(&fake->table, COCO_TSM_TDX));
    assert_false(coco_tsm_detect(&fake->table, COCO_TSM_CCA));
    fake->provider = NULL;
    assert_false(coco_tsm_detect(&fake->table, COCO_TSM_TDX));
    remove_temp_dir(root);
}

static void
asking_survives_any_failed_allocation(void **state)
{
    struct fake_kernel *fake = *state;

    fake->aux = (const uint8_t *)"certificates";
    fake->aux_len = 12;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf out = {.limit = COCO_TSM_OUTBLOB_MAX};
        _cleanup_buf_ struct coco_buf aux = {.limit = COCO_TSM_AUXBLOB_MAX};
        coco_error *err = NULL;

        coco_status status = ask(fake, &out, &aux, &err);
        fault_expect(status, err);
        assert_int_equal(fake->entries, 0);
    }
}

/* Its name is nobody else's: without random bytes there is none. */
static void
nothing_is_asked_without_random_bytes(void **state)
{
    struct fake_kernel *fake = *state;

    for_each_rng_fault()
    {
        _cleanup_buf_ struct coco_buf out = {.limit = COCO_TSM_OUTBLOB_MAX};
        coco_error *err = NULL;

        rng_expect(ask(fake, &out, NULL, &err), err);
        coco_error_free(err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, nothing_is_left)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_answer_is_read_whole),
        TEST(an_auxblob_may_be_missing),
        TEST(short_and_interrupted_reads_and_writes_are_gone_on_with),
        TEST(the_privilege_level_is_text_and_the_floor),
        TEST(who_reports_is_compared),
        TEST(a_write_by_somebody_else_is_seen_whenever_it_comes),
        TEST(an_answer_is_bounded),
        TEST(no_answer_is_no_evidence),
        TEST(a_kernel_without_it_is_not_supported),
        TEST(a_question_has_1_to_64_bytes),
        TEST(it_is_detected_by_who_reports),
        TEST(asking_survives_any_failed_allocation),
        TEST(nothing_is_asked_without_random_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
