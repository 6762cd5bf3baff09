/*
 * tests/attester/test_software.c - lib/attester/software.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/driver.h"
#include "base/bytes.h"
#include "base/context.h"
#include "base/digest.h"
#include "base/json.h"
#include "crypto/key.h"
#include "tee/software.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/rng.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BYTES(text) (const uint8_t *)(text), strlen(text)

struct fixture {
    char dir[64];
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    remove_temp_dir(f->dir);
    coco_ctx_free(f->ctx);
    return unsetenv("COCO_SOFTWARE_TEE");
}

static coco_status
launch(struct fixture *f, const char *what, const char *init_data)
{
    return coco_software_tee_launch(f->dir, BYTES(what), (const uint8_t *)init_data,
                                    init_data ? strlen(init_data) : 0, &f->err);
}

/* The report inside of fresh evidence. */
static struct coco_software_report
attest(struct fixture *f, const char *report_data)
{
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_software_evidence_ struct coco_software_evidence parts = {0};
    struct coco_software_report report;

    assert_ok(coco_attester_new_software(f->dir, &attester, &f->err), f->err);
    assert_ok(coco_attester_collect(attester, f->ctx, BYTES(report_data), &evidence, &f->err),
              f->err);
    assert_ok(coco_json_parse((const char *)coco_bytes_data(evidence), coco_bytes_size(evidence),
                              &object, &f->err),
              f->err);
    assert_ok(coco_software_evidence_parse(object, &parts, &f->err), f->err);
    assert_ok(coco_software_report_parse(parts.part[COCO_SOFTWARE_REPORT].data,
                                         parts.part[COCO_SOFTWARE_REPORT].len, &report, &f->err),
              f->err);
    return report;
}

static void
evidence_holds_what_was_launched(void **state)
{
    static const uint8_t zero[COCO_SOFTWARE_REPORT_DATA_SIZE];
    struct fixture *f = *state;
    struct coco_digest digest;

    assert_ok(launch(f, "kernel", "init"), f->err);
    struct coco_software_report report = attest(f, "nonce");

    assert_ok(coco_digest_of(COCO_SHA384, "kernel", 6, &digest, &f->err), f->err);
    assert_memory_equal(report.launch_digest, digest.bytes, 48);
    assert_ok(coco_digest_of(COCO_SHA384, "init", 4, &digest, &f->err), f->err);
    assert_memory_equal(report.init_data, digest.bytes, 48);
    assert_memory_equal(report.report_data, "nonce", 5);
    assert_memory_equal(report.report_data + 5, zero, sizeof(zero) - 5);
    assert_int_equal(report.svn, COCO_SOFTWARE_SVN);
    assert_false(report.debug);
}

static void
the_measurement_changes_with_what_boots(void **state)
{
    static const uint8_t zero[COCO_SOFTWARE_MEASUREMENT_SIZE];
    struct fixture *f = *state;

    assert_ok(launch(f, "kernel", "init"), f->err);
    struct coco_software_report first = attest(f, "nonce");
    assert_ok(launch(f, "kernem", NULL), f->err);
    struct coco_software_report second = attest(f, "nonce");

    assert_memory_not_equal(first.launch_digest, second.launch_digest, 48);
    assert_memory_equal(second.init_data, zero, sizeof(zero));
}

static void
a_machine_keeps_its_root_from_launch_to_launch(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_bytes_freep) coco_bytes *first = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *second = NULL;

    assert_ok(launch(f, "kernel", NULL), f->err);
    assert_ok(coco_software_tee_root(f->dir, &first, &f->err), f->err);
    assert_ok(launch(f, "kernem", NULL), f->err);
    assert_ok(coco_software_tee_root(f->dir, &second, &f->err), f->err);
    assert_string_equal((const char *)coco_bytes_data(first),
                        (const char *)coco_bytes_data(second));
    assert_contains((const char *)coco_bytes_data(first), "-----BEGIN PUBLIC KEY-----");
}

static void
nobody_else_can_read_the_machine(void **state)
{
    static const char *const files[] = {"root.pem", "key.pem", "machine.json"};
    struct fixture *f = *state;
    struct stat st;
    char path[128];

    assert_int_equal(chmod(f->dir, 0755), 0);
    mode_t mask = umask(0);
    assert_ok(launch(f, "kernel", NULL), f->err);
    (void)umask(mask);
    assert_int_equal(stat(f->dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", f->dir, files[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
}

static void
a_directory_of_something_else_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/passwd", f->dir);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(chmod(f->dir, 0755), 0);

    assert_fails(launch(f, "kernel", NULL), f->err, COCO_ERR_INVALID, "passwd");
    assert_no_file(f->dir, "root.pem");
    assert_int_equal(stat(f->dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
}

static void
a_machine_that_never_launched_is_not_found(void **state)
{
    struct fixture *f = *state;
    coco_attester *attester = NULL;
    coco_bytes *root = NULL;

    assert_fails(coco_attester_new_software(f->dir, &attester, &f->err), f->err, COCO_ERR_NOTFOUND,
                 "machine.json");
    assert_fails(coco_software_tee_root(f->dir, &root, &f->err), f->err, COCO_ERR_NOTFOUND,
                 "machine.json");
    assert_fails(coco_software_tee_launch("/nonexistent/dir", BYTES("x"), NULL, 0, &f->err), f->err,
                 COCO_ERR_IO, "/nonexistent/dir");
}

static void
the_environment_names_the_machine(void **state)
{
    struct fixture *f = *state;
    coco_attester *attester = NULL;

    assert_false(coco_tee_detected("software"));
    assert_fails(coco_attester_new("software", &attester, &f->err), f->err, COCO_ERR_NOTSUP,
                 "COCO_SOFTWARE_TEE");
    assert_int_equal(setenv("COCO_SOFTWARE_TEE", f->dir, 1), 0);
    assert_false(coco_tee_detected("software"));
    assert_fails(coco_attester_new("software", &attester, &f->err), f->err, COCO_ERR_NOTFOUND,
                 "machine.json");

    assert_ok(launch(f, "kernel", NULL), f->err);
    assert_true(coco_tee_detected("software"));
    assert_ok(coco_attester_new(NULL, &attester, &f->err), f->err);
    assert_string_equal(coco_attester_tee(attester), "software");
    coco_attester_free(attester);
}

static void
init_data_is_compared_with_what_was_measured(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
    struct coco_digest digest = {0};

    assert_ok(launch(f, "kernel", "init"), f->err);
    assert_ok(coco_attester_new_software(f->dir, &attester, &f->err), f->err);
    assert_ok(coco_digest_of(COCO_SHA384, "init", 4, &digest, &f->err), f->err);
    assert_ok(coco_attester_bind_init_data(attester, digest.bytes, 48, &f->err), f->err);
    assert_ok(coco_attester_bind_init_data(attester, digest.bytes, 64, &f->err), f->err);
    assert_fails(coco_attester_bind_init_data(attester, digest.bytes, 47, &f->err), f->err,
                 COCO_ERR_VERIFY, "other init data");
    digest.bytes[47] ^= 1;
    assert_fails(coco_attester_bind_init_data(attester, digest.bytes, 48, &f->err), f->err,
                 COCO_ERR_VERIFY, "other init data");
}

static void
what_is_measured_goes_into_the_register_and_the_log(void **state)
{
    static const uint8_t zero[COCO_SOFTWARE_MEASUREMENT_SIZE];
    struct fixture *f = *state;
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *value = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    char root[64];
    char run[80];

    make_temp_dir(root, sizeof(root));
    (void)snprintf(run, sizeof(run), "%s/run", root);
    assert_int_equal(mkdir(run, 0700), 0);
    assert_int_equal(setenv("COCO_TEE_ROOT", root, 1), 0);
    assert_ok(launch(f, "kernel", NULL), f->err);
    assert_false(attest(f, "nonce").extended);
    assert_ok(coco_attester_new_software(f->dir, &attester, &f->err), f->err);
    assert_string_equal(coco_attester_register_alg(attester), "sha384");
    assert_ok(coco_attester_measure(attester, 17, "domain", "operation", "content", &f->err),
              f->err);
    struct coco_software_report report = attest(f, "nonce");
    assert_true(report.extended);
    assert_memory_not_equal(report.value, zero, sizeof(zero));
    assert_ok(coco_attester_read_register(attester, 8, &value, &f->err), f->err);
    assert_memory_equal(coco_bytes_data(value), report.value, sizeof(zero));
    assert_ok(coco_attester_collect(attester, f->ctx, BYTES("nonce"), &evidence, &f->err), f->err);
    assert_contains((const char *)coco_bytes_data(evidence), "\"eventlog\":\"");

    /* Another start, and nothing was measured yet. */
    assert_ok(launch(f, "kernel", NULL), f->err);
    assert_false(attest(f, "nonce").extended);
    assert_int_equal(unsetenv("COCO_TEE_ROOT"), 0);
    remove_temp_dir(root);
}

static void
a_damaged_machine_is_refused(void **state)
{
    static const struct {
        const char *file;
        const char *content;
        coco_status status;
    } cases[] = {
        {"machine.json", "", COCO_ERR_PROTO},
        {"machine.json", "[]", COCO_ERR_PROTO},
        {"machine.json", "{\"version\":2}", COCO_ERR_NOTSUP},
        {"machine.json", "{\"version\":1,\"launch_digest\":\"ab\"}", COCO_ERR_PROTO},
        {"machine.json", "{\"version\":1,\"launch_digest\":1}", COCO_ERR_PROTO},
        {"key.pem", "", COCO_ERR_PROTO},
        {"key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
         COCO_ERR_PROTO},
    };
    struct fixture *f = *state;
    coco_attester *attester = NULL;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[128];

        assert_ok(launch(f, "kernel", NULL), f->err);
        (void)snprintf(path, sizeof(path), "%s/%s", f->dir, cases[i].file);
        write_text_under(f->dir, cases[i].file, cases[i].content);
        assert_fails(coco_attester_new_software(f->dir, &attester, &f->err), f->err,
                     cases[i].status, cases[i].file);
        assert_int_equal(unlink(path), 0);
    }
}

static void
a_root_of_another_kind_is_not_used(void **state)
{
    struct fixture *f = *state;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};

    assert_ok(coco_key_generate(COCO_KEY_ED25519, &key, &f->err), f->err);
    assert_ok(coco_key_private_pem(key, &pem, &f->err), f->err);
    write_under(f->dir, "root.pem", pem.data, pem.len);
    assert_fails(launch(f, "kernel", NULL), f->err, COCO_ERR_PROTO, "no P-256 key");
}

static void
launching_and_attesting_survive_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;

        coco_status status = launch(f, "kernel", "init");
        if (status == COCO_OK)
            status = coco_attester_new_software(f->dir, &attester, &f->err);
        if (status == COCO_OK)
            status = coco_attester_collect(attester, f->ctx, BYTES("nonce"), &evidence, &f->err);
        fault_expect(status, f->err);
    }
}

static void
no_copy_of_a_key_is_left_behind(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
    char path[128];
    char pem[1024];

    assert_ok(launch(f, "kernel", NULL), f->err);
    (void)snprintf(path, sizeof(path), "%s/key.pem", f->dir);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t len = fread(pem, 1, sizeof(pem), file);
    (void)fclose(file);
    assert_true(len > 120);

    /* A line of the PEM in the middle of the key. */
    canary_begin(pem + 60, 32);
    assert_ok(coco_attester_new_software(f->dir, &attester, &f->err), f->err);
    assert_ok(launch(f, "kernel", NULL), f->err);
    assert_int_equal(canary_end(), 0);
}

static void
nothing_is_launched_without_random_bytes(void **state)
{
    struct fixture *f = *state;

    for_each_rng_fault()
    {
        rng_expect(launch(f, "kernel", "init"), f->err);
        coco_error_free(f->err);
        f->err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(evidence_holds_what_was_launched, setup, teardown),
        cmocka_unit_test_setup_teardown(the_measurement_changes_with_what_boots, setup, teardown),
        cmocka_unit_test_setup_teardown(a_machine_keeps_its_root_from_launch_to_launch, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nobody_else_can_read_the_machine, setup, teardown),
        cmocka_unit_test_setup_teardown(a_directory_of_something_else_is_left_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_machine_that_never_launched_is_not_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_environment_names_the_machine, setup, teardown),
        cmocka_unit_test_setup_teardown(init_data_is_compared_with_what_was_measured, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_measured_goes_into_the_register_and_the_log, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_damaged_machine_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_root_of_another_kind_is_not_used, setup, teardown),
        cmocka_unit_test_setup_teardown(launching_and_attesting_survive_any_failed_allocation,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_launched_without_random_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(no_copy_of_a_key_is_left_behind, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
