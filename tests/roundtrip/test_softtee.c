/*
 * tests/roundtrip/test_softtee.c - attester -> JSON -> verifier, with a TEE of software between
 *
 * The attesters are those of hardware; what answers them is lib/softtee in the kernel's
 * place. Whatever is swapped is refused, by the check that is for it (T23, T24, T30).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/driver.h"
#include "attester/kernel.h"
#include "attester/paths.h"
#include "attester/snp.h"
#include "attester/tdx.h"
#include "base/bytes.h"
#include "base/context.h"
#include "base/digest.h"
#include "base/json.h"
#include "softtee/tree.h"
#include "tee/eventlog.h"
#include "tests/softtee/launchkit.h"
#include "tests/support.h"
#include "tests/verifier/failing.h"
#include "verifier/driver.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS 64
#define REAL 1024 /* descriptors from here on are of real files: the log of an agent */

struct fixture {
    char dir[64];
    char root[80]; /* COCO_TEE_ROOT */
    struct launch_kit kit;
    struct coco_softtee *tee;
    struct coco_kernel kernel;
    off_t at[DESCRIPTORS];
    coco_ctx *ctx;
    coco_attester *attester;
    coco_verifier *verifier;
    const char *tee_name;
    coco_error *err;
};

static struct fixture fixture;

/* ---- lib/softtee in the kernel's place ---- */

static int
answer(int got)
{
    if (got >= 0)
        return got;
    errno = -got;
    return -1;
}

/* Behind /sys below the root; what is elsewhere is not there. */
static const char *
in_sys(const struct fixture *f, const char *path)
{
    size_t len = strlen(f->root);

    return strncmp(path, f->root, len) == 0 && strncmp(path + len, "/sys/", 5) == 0 ? path + len + 4
                                                                                    : "/none";
}

static int
tree_mkdir(void *user, const char *path)
{
    struct fixture *f = user;

    return answer(coco_softtee_mkdir(f->tee, in_sys(f, path)));
}

static int
tree_rmdir(void *user, const char *path)
{
    struct fixture *f = user;

    return answer(coco_softtee_rmdir(f->tee, in_sys(f, path)));
}

static int
tree_open(void *user, const char *path, int flags)
{
    struct fixture *f = user;

    if (strstr(path, "/run/")) {
        int fd = open(path, flags);

        return fd < 0 ? fd : fd + REAL;
    }
    int handle = answer(coco_softtee_open(f->tee, in_sys(f, path), flags));
    if (handle >= 0)
        f->at[handle] = 0;
    return handle;
}

static ssize_t
tree_read(void *user, int fd, void *buf, size_t size)
{
    struct fixture *f = user;

    if (fd >= REAL)
        return read(fd - REAL, buf, size);
    ssize_t n = coco_softtee_read(f->tee, fd, buf, size, f->at[fd]);

    f->at[fd] += n > 0 ? n : 0;
    return answer((int)n);
}

static ssize_t
tree_write(void *user, int fd, const void *data, size_t size)
{
    struct fixture *f = user;
    ssize_t n = coco_softtee_write(f->tee, fd, data, size, f->at[fd]);

    f->at[fd] += n > 0 ? n : 0;
    return answer((int)n);
}

static int
tree_ioctl(void *user, int fd, unsigned long request, void *arg)
{
    (void)user;
    (void)fd;
    (void)request;
    (void)arg;
    return answer(-ENOTTY);
}

static int
tree_close(void *user, int fd)
{
    struct fixture *f = user;

    if (fd >= REAL)
        return close(fd - REAL);
    coco_softtee_close(f->tee, fd);
    return 0;
}

/* ---- machines ---- */

static void
boot(struct fixture *f)
{
    const struct coco_softtee_launch launch = launch_kit_of(&f->kit);
    bool is_tdx = strcmp(f->tee_name, "tdx") == 0;
    void *self = NULL;

    coco_attester_free(f->attester);
    coco_softtee_free(f->tee);
    assert_ok(coco_softtee_boot(f->dir, is_tdx ? COCO_SOFTTEE_TDX : COCO_SOFTTEE_SNP, &launch,
                                &f->tee, &f->err),
              f->err);
    assert_ok(coco_machine_new(&f->kernel, &self, &f->err), f->err);
    assert_ok(coco_attester_wrap(is_tdx ? &coco_tdx_attester : &coco_snp_attester, self,
                                 &f->attester, &f->err),
              f->err);
}

/* Trusts what the state directory says of its maker. */
static void
trust(struct fixture *f, coco_verifier *verifier)
{
    const char *maker = strcmp(f->tee_name, "tdx") == 0 ? "intel" : "amd/Genoa";
    _cleanup_free_ char *path = NULL;
    coco_collateral *collateral = NULL;
    char fingerprint[128] = "";

    assert_true(asprintf(&path, "%s/roots/%s", f->dir, maker) > 0);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(fingerprint, sizeof(fingerprint), file));
    assert_int_equal(fclose(file), 0);
    fingerprint[strcspn(fingerprint, "\n")] = '\0';
    assert_ok(coco_verifier_trust_root(verifier, maker, fingerprint, &f->err), f->err);
    free(path);
    assert_true(asprintf(&path, "%s/collateral", f->dir) > 0);
    assert_ok(coco_collateral_new_dir(path, &collateral, &f->err), f->err);
    coco_verifier_set_collateral(verifier, collateral);
}

static void
make_dir_in(const struct fixture *f, const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s%s", f->root, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static int
setup_as(void **state, const char *tee)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){.tee_name = tee};
    f->kernel = (struct coco_kernel){f,         tree_mkdir, tree_rmdir, tree_open,
                                     tree_read, tree_write, tree_ioctl, tree_close};
    launch_kit_make(&f->kit);
    make_temp_dir(f->dir, sizeof(f->dir));
    (void)snprintf(f->root, sizeof(f->root), "%.63s/root", f->dir);
    make_dir_in(f, "");
    make_dir_in(f, "/run");
    assert_int_equal(setenv(COCO_TEE_ROOT_VARIABLE, f->root, 1), 0);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_verifier_new(&f->verifier, &f->err), f->err);
    boot(f);
    trust(f, f->verifier);
    *state = f;
    return unsetenv("AAEL_PATH");
}

static int
setup_tdx(void **state)
{
    return setup_as(state, "tdx");
}

static int
setup_snp(void **state)
{
    return setup_as(state, "snp");
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_attester_free(f->attester);
    coco_softtee_free(f->tee);
    coco_verifier_free(f->verifier);
    coco_ctx_free(f->ctx);
    remove_temp_dir(f->dir);
    return unsetenv(COCO_TEE_ROOT_VARIABLE);
}

/* ---- there and back ---- */

static coco_verdict *
verify(struct fixture *f, const coco_verifier *verifier, const char *nonce, const char *init_data)
{
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    coco_binding *binding = NULL;
    coco_verdict *verdict = NULL;
    struct coco_digest digest = {0};

    assert_ok(coco_attester_collect(f->attester, f->ctx, (const uint8_t *)"nonce and key", 13,
                                    &evidence, &f->err),
              f->err);
    assert_ok(coco_binding_new(&binding, &f->err), f->err);
    assert_ok(coco_binding_set_report_data(binding, (const uint8_t *)nonce, strlen(nonce), &f->err),
              f->err);
    assert_ok(coco_digest_of(COCO_SHA384, init_data, strlen(init_data), &digest, &f->err), f->err);
    assert_ok(coco_binding_set_init_data(binding, digest.bytes, 48, &f->err), f->err);
    assert_ok(coco_verify(verifier, f->tee_name, (const char *)coco_bytes_data(evidence), binding,
                          &verdict, &f->err),
              f->err);
    coco_binding_free(binding);
    return verdict;
}

/* The names of the checks that do not hold, with a space behind each. */
static void
assert_failing(struct fixture *f, const coco_verifier *verifier, const char *nonce,
               const char *init_data, const char *names)
{
    coco_verdict *verdict = verify(f, verifier, nonce, init_data);

    assert_failing_checks(verdict, names);
    coco_verdict_free(verdict);
}

static void
evidence_of_this_machine_is_valid(void **state)
{
    struct fixture *f = *state;

    assert_failing(f, f->verifier, "nonce and key", KIT_INIT_DATA, "");
}

static void
what_is_swapped_is_refused_by_its_check(void **state)
{
    struct fixture *f = *state;

    assert_failing(f, f->verifier, "other and key", KIT_INIT_DATA, "report-data ");
    assert_failing(f, f->verifier, "nonce and kez", KIT_INIT_DATA, "report-data ");
    assert_failing(f, f->verifier, "nonce and key", "other", "init-data ");
    assert_failing(f, f->verifier, "x", "x", "report-data init-data ");
}

static void
a_maker_nobody_trusts_is_none(void **state)
{
    struct fixture *f = *state;
    coco_verifier *verifier = NULL;

    assert_ok(coco_verifier_new(&verifier, &f->err), f->err);
    coco_verdict *verdict = verify(f, verifier, "nonce and key", KIT_INIT_DATA);
    assert_false(coco_verdict_valid(verdict));
    coco_verdict_free(verdict);
    coco_verifier_free(verifier);
}

static cJSON *
claims_of(struct fixture *f)
{
    coco_verdict *verdict = verify(f, f->verifier, "nonce and key", KIT_INIT_DATA);
    cJSON *claims = NULL;

    assert_true(coco_verdict_valid(verdict));
    const char *text = coco_verdict_claims(verdict);
    assert_ok(coco_json_parse_object(text, strlen(text), &claims, &f->err), f->err);
    coco_verdict_free(verdict);
    return claims;
}

static const char *
claim(const cJSON *claims, const char *name)
{
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(claims, "quote");
    object = object ? cJSON_GetObjectItemCaseSensitive(object, "body") : claims;
    const char *text = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_get_string(object, name, &text, &err), err);
    return text;
}

/* Another bit in what was launched is another claim, the one that is for it. */
static void
one_bit_of_what_was_launched_is_seen(void **state)
{
    static const char *const tdx_claims[] = {"mr_td", "rtmr_1", "rtmr_2", "rtmr_2"};
    struct fixture *f = *state;
    _cleanup_json_ cJSON *before = claims_of(f);

    for (enum launch_part i = PART_FIRMWARE; i <= PART_CMDLINE; i++) {
        launch_kit_flip(&f->kit, i);
        boot(f);
        launch_kit_flip(&f->kit, i);
        const char *name = strcmp(f->tee_name, "tdx") == 0 ? tdx_claims[i] : "measurement";
        _cleanup_json_ cJSON *after = claims_of(f);
        assert_string_not_equal(claim(before, name), claim(after, name));
    }
}

static void
init_data_is_bound_to_the_launch(void **state)
{
    struct fixture *f = *state;
    struct coco_digest digest = {0};

    assert_ok(coco_digest_of(COCO_SHA384, KIT_INIT_DATA, strlen(KIT_INIT_DATA), &digest, &f->err),
              f->err);
    if (strcmp(f->tee_name, "snp") == 0)
        assert_ok(coco_attester_bind_init_data(f->attester, digest.bytes, 32, &f->err), f->err);
    assert_ok(coco_attester_bind_init_data(f->attester, digest.bytes, 48, &f->err), f->err);
    digest.bytes[0] ^= 1;
    assert_fails(coco_attester_bind_init_data(f->attester, digest.bytes, 48, &f->err), f->err,
                 COCO_ERR_VERIFY, "other init data");
}

/* What is measured at run time is in the quote, and the log must say so. */
static void
a_register_that_no_log_explains_is_refused(void **state)
{
    static const uint16_t algs[] = {COCO_TCG_SHA384};
    struct fixture *f = *state;
    struct coco_event event = {
        .index = 4, .type = COCO_EV_EVENT_TAG, .data = (const uint8_t *)"event", .len = 5};
    struct coco_event_digests digests;
    _cleanup_(coco_bytes_freep) coco_bytes *value = NULL;

    assert_string_equal(coco_attester_register_alg(f->attester), "sha384");
    assert_ok(coco_event_measure(&event, algs, 1, &digests, &f->err), f->err);
    assert_ok(coco_attester_extend(f->attester, 17, digests.bytes[0], 48, &f->err), f->err);
    assert_failing(f, f->verifier, "nonce and key", KIT_INIT_DATA, "event-log ");

    assert_ok(coco_attester_read_register(f->attester, 17, &value, &f->err), f->err);
    uint8_t want[48] = {0};
    assert_ok(coco_tcg_extend(COCO_TCG_SHA384, want, digests.bytes[0], &f->err), f->err);
    assert_memory_equal(coco_bytes_data(value), want, 48);
}

/* The event that the agent appends explains the register, and is in the claims. */
static void
what_is_measured_as_it_runs_is_in_the_claims(void **state)
{
    struct fixture *f = *state;
    _cleanup_json_ cJSON *before = claims_of(f);

    assert_ok(coco_attester_measure(f->attester, 17, "example.com", "Started", "app", &f->err),
              f->err);
    _cleanup_json_ cJSON *after = claims_of(f);
    for (unsigned i = 0; i < COCO_SOFTTEE_REGISTERS; i++) {
        char name[8];

        (void)snprintf(name, sizeof(name), "rtmr_%u", i);
        assert_int_equal(strcmp(claim(before, name), claim(after, name)) != 0, i == 3);
    }
    const cJSON *events = cJSON_GetObjectItemCaseSensitive(after, "uefi_event_logs");
    char *last = cJSON_PrintUnformatted(cJSON_GetArrayItem(events, cJSON_GetArraySize(events) - 1));
    assert_contains(last, "Started");
    cJSON_free(last);
}

#define TDX(name)                                                                                  \
    {                                                                                              \
        "tdx: " #name, name, setup_tdx, teardown, NULL                                             \
    }
#define SNP(name)                                                                                  \
    {                                                                                              \
        "snp: " #name, name, setup_snp, teardown, NULL                                             \
    }

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TDX(evidence_of_this_machine_is_valid),
        TDX(what_is_swapped_is_refused_by_its_check),
        TDX(a_maker_nobody_trusts_is_none),
        TDX(one_bit_of_what_was_launched_is_seen),
        TDX(init_data_is_bound_to_the_launch),
        TDX(a_register_that_no_log_explains_is_refused),
        TDX(what_is_measured_as_it_runs_is_in_the_claims),
        SNP(evidence_of_this_machine_is_valid),
        SNP(what_is_swapped_is_refused_by_its_check),
        SNP(a_maker_nobody_trusts_is_none),
        SNP(one_bit_of_what_was_launched_is_seen),
        SNP(init_data_is_bound_to_the_launch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
