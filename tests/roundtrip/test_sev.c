/*
 * tests/roundtrip/test_sev.c - from the launch of an SEV guest to the secret in it
 *
 * The owner makes a session; what stands for the firmware launches, with its own half of
 * the session's keys, and answers; the owner verifies, and seals a secret for that launch;
 * the firmware opens it, and the guest reads it where its kernel shows it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/efi_secret.h"
#include "attester/paths.h"
#include "base/digest.h"
#include "base/fd.h"
#include "crypto/keywrap.h"
#include "measure/launch.h"
#include "measure/measurement.h"
#include "tee/guid.h"
#include "tee/sev_secret.h"
#include "tests/fakekernel.h"
#include "tests/measure/firmware_kit.h"
#include "tests/tee/sev_kit.h"
#include "tests/verifier/bound.h"
#include "tests/verifier/failing.h"
#include "tests/verifier/trust.h"
#include "verifier/sev.h"

#include <coco/kbc.h>
#include <coco/sev.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define GUID "e6f5a162-d67f-4750-a67c-5d065f2a9910"
#define SECRET "the secret of the owner"
#define EVIDENCE_MAX ((size_t)1 << 16)

struct fixture {
    struct sev_kit platform;
    EVP_PKEY *owner;
    coco_verifier *verifier;
    struct firmware_kit firmware;
    struct coco_sev_kernel kernel;
    coco_error *err;
};

static struct fixture fixture;

/* A launch: what the owner knows, what the firmware knows, and its answer. */
struct launched {
    struct coco_sev_keys of_owner;
    struct coco_sev_keys of_firmware;
    struct coco_sev_evidence evidence;
};

static void
launched_done(struct launched *l)
{
    coco_sev_keys_done(&l->of_owner);
    coco_sev_keys_done(&l->of_firmware);
}
#define _cleanup_launched_ _cleanup_(launched_done)

static void
trust(struct fixture *f)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};

    trust_ark(f->verifier, "amd/Rome", &f->platform.ark);
    assert_ok(coco_key_private_pem(f->owner, &pem, &f->err), f->err);
    assert_ok(coco_verifier_set_private_key(f->verifier, "sev", pem.data, pem.len, &f->err),
              f->err);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){.kernel = {{"kernel", 6}, {"initrd", 6}, "quiet"}};
    sev_kit_make(&f->platform);
    kit_open(&f->firmware);
    kit_add_sev(&f->firmware, true);
    assert_ok(coco_key_generate(COCO_KEY_P384, &f->owner, &f->err), f->err);
    assert_ok(coco_verifier_new(&f->verifier, &f->err), f->err);
    trust(f);
    *state = f;
    return unsetenv(COCO_TEE_ROOT_VARIABLE);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_verifier_free(f->verifier);
    EVP_PKEY_free(f->owner);
    sev_kit_done(&f->platform);
    return 0;
}

/* What the firmware makes of the owner's session, and of what it launches. */
static void
answer(struct fixture *f, struct launched *l)
{
    const struct coco_sev_guest guest = {
        .firmware = {f->firmware.image, KIT_SIZE},
        .kernel = &f->kernel,
    };
    struct coco_sev_evidence *evidence = &l->evidence;
    _cleanup_secret_ struct coco_secret z = {0};

    assert_ok(coco_ecdh(f->platform.pdh_key, f->owner, &z, &f->err), f->err);
    assert_ok(coco_sev_session_unwrap(&z, &evidence->session, evidence->launch.policy,
                                      &l->of_firmware, &f->err),
              f->err);
    assert_ok(coco_sev_launch_digest(&guest, evidence->launch.digest, &f->err), f->err);
    assert_ok(coco_random(evidence->launch.mnonce, COCO_SEV_MNONCE_SIZE, &f->err), f->err);
    assert_ok(
        coco_sev_launch_measure(&evidence->launch, &l->of_firmware.tik, evidence->mac, &f->err),
        f->err);
}

static struct launched
launch(struct fixture *f)
{
    struct sev_kit *platform = &f->platform;
    struct launched l = {
        .evidence =
            {
                .chain = {.pdh = platform->pdh,
                          .pek = platform->pek,
                          .oca = platform->oca,
                          .cek = platform->cek,
                          .has_cas = true,
                          .ask = platform->ask,
                          .ark = platform->ark},
                .launch =
                    {.api_major = 1, .api_minor = 55, .build = 24, .policy = COCO_SEV_POLICY_NODBG},
            },
    };

    assert_ok(coco_sev_keys_generate(&l.of_owner, &f->err), f->err);
    assert_ok(coco_sev_session_make(f->owner, platform->pdh_key, l.evidence.launch.policy,
                                    &l.of_owner, &l.evidence.session, &f->err),
              f->err);
    answer(f, &l);
    return l;
}

static struct coco_digest
digest_of(const struct coco_sev_session *session)
{
    uint8_t bytes[COCO_SEV_SESSION_SIZE];
    struct coco_digest digest;
    coco_error *err = NULL;

    coco_sev_session_format(session, bytes);
    assert_ok(coco_digest_of(COCO_SHA256, bytes, sizeof(bytes), &digest, &err), err);
    return digest;
}

/* The verdict on evidence, as bound to a session. */
static coco_verdict *
verify(struct fixture *f, const struct launched *l, const struct coco_sev_session *session)
{
    _cleanup_buf_ struct coco_buf json = {.limit = EVIDENCE_MAX};
    struct coco_digest digest = digest_of(session);
    coco_verdict *verdict = NULL;

    assert_ok(coco_sev_evidence_format(&l->evidence, &json, &f->err), f->err);
    assert_ok(
        verify_bound(f->verifier, "sev", coco_buf_text(&json), digest.bytes, 32, &verdict, &f->err),
        f->err);
    return verdict;
}

static void
assert_failing(struct fixture *f, const struct launched *l, const struct coco_sev_session *session,
               const char *names)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(f, l, session);

    assert_failing_checks(verdict, names);
}

/* What the owner computed ahead is what the firmware measured. */
static void
a_launch_measures_as_computed_ahead(void **state)
{
    struct fixture *f = *state;
    _cleanup_launched_ struct launched l = launch(f);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(f, &l, &l.evidence.session);
    _cleanup_(coco_measurement_freep) coco_measurement *ahead = NULL;
    _cleanup_(coco_launch_freep) coco_launch *files = NULL;

    assert_ok(coco_launch_new(&files, &f->err), f->err);
    assert_ok(coco_launch_set_firmware(files, f->firmware.image, KIT_SIZE, &f->err), f->err);
    assert_ok(coco_launch_set_kernel(files, f->kernel.kernel.data, 6, &f->err), f->err);
    assert_ok(coco_launch_set_initrd(files, f->kernel.initrd.data, 6, &f->err), f->err);
    assert_ok(coco_launch_set_cmdline(files, f->kernel.cmdline, &f->err), f->err);
    assert_ok(coco_measure(files, "sev", NULL, &ahead, &f->err), f->err);
    assert_true(coco_verdict_valid(verdict));
    assert_contains(coco_verdict_claims(verdict), coco_measurement_value(ahead, 0));

    f->firmware.image[0] ^= 1;
    _cleanup_launched_ struct launched other = launch(f);
    _cleanup_(coco_verdict_freep) coco_verdict *of_other =
        verify(f, &other, &other.evidence.session);
    f->firmware.image[0] ^= 1;
    assert_true(coco_verdict_valid(of_other));
    assert_null(strstr(coco_verdict_claims(of_other), coco_measurement_value(ahead, 0)));
}

static void
what_is_swapped_is_refused_by_its_check(void **state)
{
    struct fixture *f = *state;
    _cleanup_launched_ struct launched l = launch(f);
    _cleanup_launched_ struct launched other = launch(f);

    assert_failing(f, &l, &l.evidence.session, "");
    /* An answer of before, for a session of now. */
    assert_failing(f, &l, &other.evidence.session, "report-data ");
    /* Another session's answer. */
    memcpy(l.evidence.mac, other.evidence.mac, sizeof(l.evidence.mac));
    assert_failing(f, &l, &l.evidence.session, "measurement ");
    /* What was launched is not what is said. */
    other.evidence.launch.digest[0] ^= 1;
    assert_failing(f, &other, &other.evidence.session, "measurement ");
}

/* Opens what the owner sealed, and shows it as the kernel does. */
static coco_status
inject(struct fixture *f, const struct launched *l, const struct coco_sev_packet *packet,
       struct fake_kernel *fake, struct coco_sev_secrets *secrets)
{
    _cleanup_secret_ struct coco_secret table = {0};

    coco_status status =
        coco_sev_packet_open(&l->of_firmware, l->evidence.mac, packet, &table, &f->err);
    if (status != COCO_OK)
        return status;
    assert_ok(coco_sev_secrets_parse(table.data, table.len, secrets, &f->err), f->err);
    assert_int_equal(secrets->n, 1);
    fake_kernel_init(fake);
    fake->files[0] = (struct fake_file){.path = "/sys/kernel/security/secrets/coco/" GUID,
                                        .data = secrets->list[0].data.data,
                                        .len = secrets->list[0].data.len};
    return COCO_OK;
}

static void
seal(struct fixture *f, const struct launched *l, struct coco_sev_packet *ret)
{
    _cleanup_secret_ struct coco_secret table = {0};
    struct coco_sev_secrets secrets = {.n = 0};
    uint8_t guid[COCO_GUID_SIZE];
    uint8_t iv[COCO_SEV_BLOCK_SIZE];

    assert_true(coco_guid_parse(GUID, guid));
    assert_ok(coco_random(iv, sizeof(iv), &f->err), f->err);
    assert_ok(coco_sev_secrets_add(&secrets, guid, SECRET, strlen(SECRET), &f->err), f->err);
    assert_ok(coco_sev_secrets_format(&secrets, &table, &f->err), f->err);
    assert_ok(coco_sev_packet_seal(&l->of_owner, l->evidence.mac, iv, &table, ret, &f->err),
              f->err);
    coco_sev_secrets_done(&secrets);
}

static void
a_secret_is_for_the_launch_that_was_verified(void **state)
{
    struct fixture *f = *state;
    _cleanup_launched_ struct launched l = launch(f);
    _cleanup_launched_ struct launched other = launch(f);
    struct coco_sev_packet packet = {.payload = {.limit = 4096}};
    struct coco_sev_secrets secrets = {.n = 0};
    struct fake_kernel fake;
    _cleanup_secret_ struct coco_secret got = {0};

    seal(f, &l, &packet);
    assert_fails(inject(f, &other, &packet, &fake, &secrets), f->err, COCO_ERR_VERIFY, "");
    assert_ok(inject(f, &l, &packet, &fake, &secrets), f->err);
    assert_ok(coco_efi_secret_read(&fake.table, GUID, &got, &f->err), f->err);
    assert_int_equal(got.len, strlen(SECRET));
    assert_memory_equal(got.data, SECRET, got.len);
    coco_sev_secrets_done(&secrets);
    coco_buf_done(&packet.payload);
}

/* What LAUNCH_START takes of an owner's: the keys of its session. */
static void
start(struct fixture *f, const coco_sev_owner *owner, struct coco_sev_keys *keys)
{
    coco_bytes *cert = NULL;
    coco_bytes *blob = NULL;
    struct coco_sev_cert parsed;
    struct coco_sev_session session;
    _cleanup_secret_ struct coco_secret z = {0};
    _cleanup_pkey_ EVP_PKEY *godh = NULL;

    assert_ok(coco_sev_owner_get_certificate(owner, &cert, &f->err), f->err);
    assert_ok(coco_sev_owner_get_session(owner, &blob, &f->err), f->err);
    assert_ok(coco_sev_cert_parse(coco_bytes_data(cert), coco_bytes_size(cert), &parsed, &f->err),
              f->err);
    assert_ok(coco_sev_cert_key(&parsed, &godh, &f->err), f->err);
    assert_ok(
        coco_sev_session_parse(coco_bytes_data(blob), coco_bytes_size(blob), &session, &f->err),
        f->err);
    assert_ok(coco_ecdh(f->platform.pdh_key, godh, &z, &f->err), f->err);
    assert_ok(coco_sev_session_unwrap(&z, &session, COCO_SEV_NO_DEBUG, keys, &f->err), f->err);
    coco_bytes_free(cert);
    coco_bytes_free(blob);
}

/* LAUNCH_SECRET, and what the guest's kernel then shows below root. */
static void
show(struct fixture *f, const struct coco_sev_keys *keys, const uint8_t mac[COCO_SEV_MAC_SIZE],
     const coco_bytes *bytes, const char *root)
{
    static const char *const parts[] = {"sys", "kernel", "security", "secrets", "coco"};
    struct coco_sev_packet packet = {.payload = {.limit = 4096}};
    _cleanup_sev_secrets_ struct coco_sev_secrets secrets = {.n = 0};
    _cleanup_secret_ struct coco_secret table = {0};
    char path[256];

    memcpy(packet.header, coco_bytes_data(bytes), sizeof(packet.header));
    assert_ok(coco_buf_append(&packet.payload, coco_bytes_data(bytes) + sizeof(packet.header),
                              coco_bytes_size(bytes) - sizeof(packet.header), &f->err),
              f->err);
    assert_ok(coco_sev_packet_open(keys, mac, &packet, &table, &f->err), f->err);
    assert_ok(coco_sev_secrets_parse(table.data, table.len, &secrets, &f->err), f->err);
    coco_buf_done(&packet.payload);
    (void)snprintf(path, sizeof(path), "%s", root);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        (void)snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s", parts[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    for (size_t i = 0; i < secrets.n; i++) {
        char file[400];
        char guid[COCO_GUID_LEN + 1];

        coco_guid_format(secrets.list[i].guid, guid);
        (void)snprintf(file, sizeof(file), "%s/%s", path, guid);
        assert_ok(coco_file_write(file, secrets.list[i].data.data, secrets.list[i].data.len, 0400,
                                  &f->err),
                  f->err);
    }
}

/* From the measurement that was computed ahead to the resource that a guest's KBC gets. */
static void
what_an_owner_prepares_the_guests_kbc_reads(void **state)
{
    struct fixture *f = *state;
    _cleanup_launched_ struct launched l = launch(f);
    _cleanup_sev_keys_ struct coco_sev_keys keys = {0};
    _cleanup_buf_ struct coco_buf chain = {.limit = 64 << 10};
    const coco_sev_firmware firmware = {sizeof(firmware), 1, 55, 24};
    struct coco_sev_launch measured = l.evidence.launch;
    coco_sev_owner *owner = NULL;
    coco_bytes *packet = NULL;
    coco_bytes *secret = NULL;
    coco_kbc *kbc = NULL;
    coco_ctx *ctx = NULL;
    uint8_t measurement[COCO_SEV_MEASUREMENT_SIZE];
    char root[64];

    make_temp_dir(root, sizeof(root));
    assert_ok(coco_sev_chain_format(&l.evidence.chain, &chain, &f->err), f->err);
    assert_ok(
        coco_sev_owner_new(f->verifier, chain.data, chain.len, COCO_SEV_NO_DEBUG, &owner, &f->err),
        f->err);
    start(f, owner, &keys);
    measured.policy = COCO_SEV_NO_DEBUG;
    assert_ok(coco_sev_launch_measure(&measured, &keys.tik, measurement, &f->err), f->err);
    memcpy(measurement + COCO_SEV_MAC_SIZE, measured.mnonce, COCO_SEV_MNONCE_SIZE);
    assert_ok(coco_sev_owner_check(owner, measurement, sizeof(measurement), measured.digest,
                                   sizeof(measured.digest), &firmware, &f->err),
              f->err);
    assert_ok(coco_sev_owner_add_secret(owner, "kbs:///default/key/1", (const uint8_t *)SECRET,
                                        strlen(SECRET), &f->err),
              f->err);
    assert_ok(coco_sev_owner_get_packet(owner, &packet, &f->err), f->err);
    show(f, &keys, measurement, packet, root);

    assert_int_equal(setenv(COCO_TEE_ROOT_VARIABLE, root, 1), 0);
    assert_ok(coco_ctx_new(&ctx, &f->err), f->err);
    assert_ok(coco_kbc_new("offline_sev_kbc::", &kbc, &f->err), f->err);
    assert_ok(coco_kbc_get_resource(kbc, ctx, "kbs:///default/key/1", &secret, &f->err), f->err);
    assert_int_equal(coco_bytes_size(secret), strlen(SECRET));
    assert_memory_equal(coco_bytes_data(secret), SECRET, strlen(SECRET));
    assert_int_equal(unsetenv(COCO_TEE_ROOT_VARIABLE), 0);
    coco_bytes_free(secret);
    coco_bytes_free(packet);
    coco_kbc_free(kbc);
    coco_ctx_free(ctx);
    coco_sev_owner_free(owner);
    remove_temp_dir(root);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_launch_measures_as_computed_ahead),
        TEST(what_is_swapped_is_refused_by_its_check),
        TEST(a_secret_is_for_the_launch_that_was_verified),
        TEST(what_an_owner_prepares_the_guests_kbc_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
