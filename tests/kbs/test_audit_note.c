/*
 * tests/kbs/test_audit_note.c - lib/kbs/audit_note.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/audit_note.h"

#include "base/fd.h"
#include "kbs/storage.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct fixture {
    char dir[64];
    char log[96];
    struct coco_kbs_config config;
    struct coco_kbs_store *store;
    struct coco_kbs_audit *audit;
    EVP_PKEY *key;
    coco_error *err;
};

static struct fixture fixture;

static int64_t
now(void)
{
    return 1800000000;
}

static void
configure(struct fixture *f, bool audited, struct coco_kbs_config *ret)
{
    char text[512];

    (void)snprintf(text, sizeof(text),
                   "%s%s%s[storage_backend]\nstorage_type = \"Sqlite\"\n"
                   "[storage_backend.backends.sqlite]\npath = \"%s/db\"\n",
                   audited ? "[audit]\npath = \"" : "", audited ? f->log : "",
                   audited ? "\"\n" : "", f->dir);
    assert_ok(coco_kbs_config_parse(text, strlen(text), ret, &f->err), f->err);
}

static int
begin(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){0};
    make_temp_dir(f->dir, sizeof(f->dir));
    (void)snprintf(f->log, sizeof(f->log), "%.63s/audit", f->dir);
    configure(f, true, &f->config);
    assert_ok(coco_kbs_storage_open(&f->config, &f->store, &f->err), f->err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &f->key, &f->err), f->err);
    const struct coco_kbs_audit_options options = {.path = f->log, .key = f->key, .now = now};
    assert_ok(coco_kbs_audit_open(&options, &f->audit, &f->err), f->err);
    *state = f;
    return 0;
}

static int
end(void **state)
{
    struct fixture *f = *state;

    coco_kbs_audit_close(f->audit);
    coco_kbs_store_close(f->store);
    coco_kbs_config_done(&f->config);
    EVP_PKEY_free(f->key);
    remove_temp_dir(f->dir);
    return 0;
}

static unsigned
count_notes(struct fixture *f)
{
    _cleanup_json_ cJSON *names = NULL;

    assert_ok(coco_kbs_store_names(f->store, COCO_KBS_NOTE, &names, &f->err), f->err);
    return (unsigned)cJSON_GetArraySize(names);
}

static uint64_t
count_entries(struct fixture *f)
{
    struct coco_kbs_audit_report report;

    assert_ok(coco_kbs_audit_read(f->log, f->key, &report, &f->err), f->err);
    return report.entries;
}

static void
what_was_done_beside_the_kbs_is_on_record_once(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf log = {.limit = 1 << 16};

    assert_ok(coco_kbs_audit_note_leave(&f->config, COCO_KBS_BACKED_UP, "one", &f->err), f->err);
    assert_ok(coco_kbs_audit_note_leave(&f->config, COCO_KBS_RESTORED, "t\033wo\n", &f->err),
              f->err);
    assert_int_equal(count_notes(f), 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(coco_kbs_audit_note_take(f->store, f->audit, &f->err), f->err);
        assert_int_equal(count_notes(f), 0);
        assert_int_equal(count_entries(f), 3);
    }
    assert_ok(coco_file_read(f->log, &log, &f->err), f->err);
    assert_contains(coco_buf_text(&log), "\"event\":\"backup\",\"note\":\"one\"");
    assert_contains(coco_buf_text(&log), "\"event\":\"restore\",\"note\":\"t\\\\x1bwo");
}

static void
without_an_audit_log_there_is_no_note(void **state)
{
    struct fixture *f = *state;
    _cleanup_config_ struct coco_kbs_config config = {0};

    configure(f, false, &config);
    assert_ok(coco_kbs_audit_note_leave(&config, COCO_KBS_BACKED_UP, "x", &f->err), f->err);
    assert_int_equal(count_notes(f), 0);
}

/* Of no event that is one of ours nothing is said: it could be said to be a resource's. */
static void
a_note_says_nothing_else(void **state)
{
    static const char *const names[] = {"resource.x", "backup", "backups.x", "x", "checkpoint.1"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_ok(coco_kbs_store_put(f->store, COCO_KBS_NOTE, names[i], "x", 1, &f->err), f->err);
    assert_ok(coco_kbs_audit_note_take(f->store, f->audit, &f->err), f->err);
    assert_int_equal(count_notes(f), 0);
    assert_int_equal(count_entries(f), 1);
}

static void
a_note_stays_until_it_is_on_record(void **state)
{
    struct fixture *f = *state;
    struct rlimit was;

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_ok(coco_kbs_audit_note_leave(&f->config, COCO_KBS_BACKED_UP, "x", &f->err), f->err);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    const struct rlimit full = {.rlim_cur = 1, .rlim_max = was.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    coco_status status = coco_kbs_audit_note_take(f->store, f->audit, &f->err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_fails(status, f->err, COCO_ERR_IO, "audit log");
    assert_int_equal(count_notes(f), 1);
    assert_ok(coco_kbs_audit_note_take(f->store, f->audit, &f->err), f->err);
    assert_int_equal(count_notes(f), 0);
    assert_int_equal(count_entries(f), 2);
}

static void
notes_survive_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        f->err = NULL;
        coco_status status =
            coco_kbs_audit_note_leave(&f->config, COCO_KBS_BACKED_UP, "x", &f->err);
        if (status == COCO_OK)
            status = coco_kbs_audit_note_take(f->store, f->audit, &f->err);
        fault_expect(status, f->err);
        coco_error_free(f->err);
        f->err = NULL;
        /* Or each round would have more to do than the one before. */
        faults_pause();
        assert_ok(coco_kbs_audit_note_take(f->store, f->audit, &f->err), f->err);
        faults_resume();
    }
    assert_int_equal(count_notes(f), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_done_beside_the_kbs_is_on_record_once),
        TEST(without_an_audit_log_there_is_no_note),
        TEST(a_note_says_nothing_else),
        TEST(a_note_stays_until_it_is_on_record),
        TEST(notes_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("kbs/audit_note", tests, NULL, NULL);
}
