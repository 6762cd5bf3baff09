/*
 * tests/attester/swtpm.h - a TPM in a process of its own, for one test
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_ATTESTER_SWTPM_H
#define COCO_TESTS_ATTESTER_SWTPM_H

#include "attester/tpm_device.h"
#include "tests/support.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

struct swtpm {
    char dir[64];
    char tcti[128];
    pid_t pid; /* 0: it does not run */
};

static inline void
swtpm_exec(const struct swtpm *tpm)
{
    char state[128];
    char server[128];
    char control[128];
    char pid[128];
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(null, STDERR_FILENO);
    (void)snprintf(state, sizeof(state), "dir=%s", tpm->dir);
    (void)snprintf(server, sizeof(server), "type=unixio,path=%s/sock", tpm->dir);
    (void)snprintf(control, sizeof(control), "type=unixio,path=%s/sock.ctrl", tpm->dir);
    (void)snprintf(pid, sizeof(pid), "file=%s/pid", tpm->dir);
    (void)execlp("swtpm", "swtpm", "socket", "--daemon", "--tpm2", "--tpmstate", state, "--server",
                 server, "--ctrl", control, "--pid", pid, "--flags", "not-need-init,startup-clear",
                 (char *)NULL);
    _exit(errno == ENOENT ? 127 : 126);
}

static inline pid_t
swtpm_read_pid(const struct swtpm *tpm)
{
    char path[128];
    char text[32] = "";

    (void)snprintf(path, sizeof(path), "%s/pid", tpm->dir);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof(text), f));
    (void)fclose(f);
    return (pid_t)strtol(text, NULL, 10);
}

/* Starts it, and makes it the TPM of this machine; skips the test where there is no swtpm. */
static inline void
swtpm_start(struct swtpm *tpm)
{
    int status = 0;

    *tpm = (struct swtpm){0};
    make_temp_dir(tpm->dir, sizeof(tpm->dir));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        swtpm_exec(tpm);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        remove_temp_dir(tpm->dir);
        tpm->dir[0] = '\0';
        print_message("# skipped: there is no swtpm\n");
        skip();
    }
    /* It goes into the background when its sockets are there. */
    assert_int_equal(status, 0);
    tpm->pid = swtpm_read_pid(tpm);
    (void)snprintf(tpm->tcti, sizeof(tpm->tcti), "swtpm:path=%s/sock", tpm->dir);
    assert_int_equal(setenv("COCO_TPM_TCTI", tpm->tcti, 1), 0);
    assert_int_equal(setenv("TSS2_LOG", "all+NONE", 1), 0);
}

/* It is not our child: nothing but a descriptor of it tells when it has ended. */
static inline void
swtpm_kill(struct swtpm *tpm)
{
    struct pollfd ended = {.fd = (int)syscall(SYS_pidfd_open, tpm->pid, 0), .events = POLLIN};

    assert_true(ended.fd >= 0);
    assert_int_equal(kill(tpm->pid, SIGTERM), 0);
    assert_int_equal(poll(&ended, 1, 10000), 1);
    assert_int_equal(close(ended.fd), 0);
    tpm->pid = 0;
}

static inline void
swtpm_stop(struct swtpm *tpm)
{
    (void)unsetenv("COCO_TPM_TCTI");
    if (tpm->dir[0] == '\0')
        return;
    if (tpm->pid != 0)
        swtpm_kill(tpm);
    remove_temp_dir(tpm->dir);
    tpm->dir[0] = '\0';
}

/* An attestation key as upstream's are, RSA with 2048 bits, at a persistent handle. */
static inline void
swtpm_make_key(const struct swtpm *tpm, uint32_t handle)
{
    static const TPM2B_SENSITIVE_CREATE sensitive = {0};
    static const TPM2B_DATA outside = {0};
    static const TPML_PCR_SELECTION creation = {0};
    static const TPM2B_PUBLIC area = {
        .publicArea =
            {
                .type = TPM2_ALG_RSA,
                .nameAlg = TPM2_ALG_SHA256,
                .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT
                                    | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH
                                    | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT,
                .parameters.rsaDetail =
                    {
                        .symmetric.algorithm = TPM2_ALG_NULL,
                        .scheme = {.scheme = TPM2_ALG_RSASSA,
                                   .details.rsassa.hashAlg = TPM2_ALG_SHA256},
                        .keyBits = 2048,
                    },
            },
    };
    TSS2_TCTI_CONTEXT *tcti = NULL;
    ESYS_CONTEXT *esys = NULL;
    ESYS_TR key = ESYS_TR_NONE;
    ESYS_TR kept = ESYS_TR_NONE;

    assert_int_equal(Tss2_TctiLdr_Initialize(tpm->tcti, &tcti), TSS2_RC_SUCCESS);
    assert_int_equal(Esys_Initialize(&esys, tcti, NULL), TSS2_RC_SUCCESS);
    assert_int_equal(Esys_CreatePrimary(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                        ESYS_TR_NONE, &sensitive, &area, &outside, &creation, &key,
                                        NULL, NULL, NULL, NULL),
                     TSS2_RC_SUCCESS);
    assert_int_equal(Esys_EvictControl(esys, ESYS_TR_RH_OWNER, key, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                       ESYS_TR_NONE, handle, &kept),
                     TSS2_RC_SUCCESS);
    assert_int_equal(Esys_FlushContext(esys, key), TSS2_RC_SUCCESS);
    assert_int_equal(Esys_TR_Close(esys, &kept), TSS2_RC_SUCCESS);
    Esys_Finalize(&esys);
    Tss2_TctiLdr_Finalize(&tcti);
}

#endif
