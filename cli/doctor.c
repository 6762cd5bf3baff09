/*
 * cli/doctor.c - coco doctor
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"
#include "process.h"

#include <coco/kbs.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CA_BUNDLE "/etc/ssl/certs/ca-certificates.crt"
/* No clock of a machine that runs this shows an earlier time: 2025-01-01. */
#define SANE_TIME 1735689600

CLI_DEFINE_CLEANUP(coco_kbs, coco_kbs_free);

/* What a check found: remedy is what to type or do if it is not ok. */
struct finding {
    bool ok;
    char text[512];
    const char *remedy;
};

typedef void check_fn(struct cli *cli, struct finding *f);

static void
check_clock(struct cli *cli, struct finding *f)
{
    (void)cli;
    f->ok = time(NULL) >= SANE_TIME;
    (void)snprintf(f->text, sizeof(f->text), "%s",
                   f->ok ? "plausible" : "before 2025: certificates and tokens look invalid");
    f->remedy = "set the clock: timedatectl set-ntp true";
}

static void
check_ca(struct cli *cli, struct finding *f)
{
    (void)cli;
    f->ok = access(CA_BUNDLE, R_OK) == 0;
    (void)snprintf(f->text, sizeof(f->text), "%s", f->ok ? CA_BUNDLE : "no " CA_BUNDLE);
    f->remedy = "apt-get install ca-certificates, or name your CAs with --tls-ca and --kbs-ca";
}

static void
check_tee(struct cli *cli, struct finding *f)
{
    const char *named = cli_get(&cli->args, OPT_TEE);
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
    _cleanup_(coco_error_freep) coco_error *err = NULL;

    f->ok = coco_attester_new(named, &attester, &err) == COCO_OK;
    (void)snprintf(f->text, sizeof(f->text), "%s",
                   f->ok ? coco_attester_tee(attester) : coco_error_message(err));
    f->remedy = "owners need none; guests run this in the confidential VM; for tests: "
                "export COCO_TEE=sample";
}

static void
check_policy_engine(struct cli *cli, struct finding *f)
{
    _cleanup_(coco_kbs_freep) coco_kbs *kbs = NULL;
    _cleanup_(coco_error_freep) coco_error *err = NULL;

    f->ok = coco_kbs_new(cli->ctx, "", &kbs, &err) == COCO_OK
            && coco_kbs_set_resource_policy(kbs, "package policy\ndefault allow = false\n", &err)
                   == COCO_OK;
    (void)snprintf(f->text, sizeof(f->text), "%s", f->ok ? "Rego" : coco_error_message(err));
    f->remedy = "build with cargo 1.82 or newer: apt-get install cargo-web rustc-web";
}

static void
check_isal(struct cli *cli, struct finding *f)
{
    (void)cli;
    f->ok = coco_supports("isal");
    (void)snprintf(f->text, sizeof(f->text), "%s", f->ok ? "ISA-L" : "zlib only, which is slower");
    f->remedy = "apt-get install libisal-dev, then build again";
}

static void
check_program(const char *name, const char *remedy, struct finding *f)
{
    _cleanup_free_ char *path = cli_find_program(name);

    f->ok = path != NULL;
    (void)snprintf(f->text, sizeof(f->text), "%s", path ? path : "not installed");
    f->remedy = remedy;
}

static void
check_registry(struct cli *cli, struct finding *f)
{
    (void)cli;
    check_program("docker-registry", "for coco try: apt-get install docker-registry", f);
}

static void
check_busybox(struct cli *cli, struct finding *f)
{
    (void)cli;
    check_program("busybox", "for coco try: apt-get install busybox-static", f);
}

static void
check_crun(struct cli *cli, struct finding *f)
{
    (void)cli;
    check_program("crun", "for coco try: apt-get install crun", f);
}

static void
check_temporary(struct cli *cli, struct finding *f)
{
    const char *dir = cli_env("TMPDIR");

    (void)cli;
    dir = dir ? dir : "/tmp";
    f->ok = access(dir, W_OK | X_OK) == 0;
    (void)snprintf(f->text, sizeof(f->text), "%.400s%s", dir, f->ok ? "" : " cannot be written");
    f->remedy = "export TMPDIR=DIR with a directory of your own";
}

static void
check_broker(struct cli *cli, struct finding *f)
{
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *token = NULL;
    _cleanup_(coco_error_freep) coco_error *err = NULL;

    f->remedy = "see the reason; the broker's owner finds more under the id in it";
    if (cli_open_kbc(cli, &kbc) != CLI_DONE) {
        (void)snprintf(f->text, sizeof(f->text), "cannot be used");
        return;
    }
    f->ok = coco_kbc_attest(kbc, cli->ctx, &token, &err) == COCO_OK;
    (void)snprintf(f->text, sizeof(f->text), "%s", f->ok ? "attested" : coco_error_message(err));
}

static int
write_finding(struct cli *cli, const char *name, const struct finding *f)
{
    if (cli->json) {
        cJSON *object = cJSON_CreateObject();

        cJSON_AddStringToObject(object, "check", name);
        cJSON_AddBoolToObject(object, "ok", f->ok);
        cJSON_AddStringToObject(object, "found", f->text);
        if (!f->ok)
            cJSON_AddStringToObject(object, "remedy", f->remedy);
        return cli_event(cli, object);
    }
    (void)printf("%-7s %-14s %s\n", f->ok ? "ok" : "not ok", name, f->text);
    if (!f->ok)
        (void)printf("%22s -> %s\n", "", f->remedy);
    return CLI_DONE;
}

int
cli_doctor(struct cli *cli)
{
    static const struct {
        const char *name;
        check_fn *check;
    } checks[] = {
        {"clock", check_clock},
        {"certificates", check_ca},
        {"TEE", check_tee},
        {"temporary dir", check_temporary},
        {"policy engine", check_policy_engine},
        {"gzip", check_isal},
        {"registry", check_registry},
        {"busybox", check_busybox},
        {"crun", check_crun},
        {"key broker", check_broker},
    };
    unsigned failed = 0;
    int rc = CLI_DONE;

    for (size_t i = 0; rc == CLI_DONE && i < sizeof(checks) / sizeof(checks[0]); i++) {
        struct finding finding = {0};

        if (checks[i].check == check_broker && !cli_get(&cli->args, OPT_KBS))
            continue;
        checks[i].check(cli, &finding);
        failed += !finding.ok;
        rc = write_finding(cli, checks[i].name, &finding);
    }
    if (rc == CLI_DONE && failed > 0)
        rc = cli_fail(cli, COCO_ERR_NOTSUP, "%u checks are not ok", failed);
    return rc;
}
