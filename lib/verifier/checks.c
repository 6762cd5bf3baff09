/*
 * verifier/checks.c - all that may be checked of evidence
 *
 * One table, so that what a check is called, whether it may be let through, and
 * what to do about it are said once: coco_verifier_allow() knows no other names,
 * and neither does doc/tees.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/checks.h"

#include <string.h>

static const struct coco_check_kind kinds[] = {
    /* Any TEE. */
    {"report-data", false,
     "the evidence was made for another nonce or key: attest again, and look for who relays"},
    {"init-data", false, "start the guest with the init data that was sent along"},
    {"debug", true, "start the guest without debugging: its host can read its memory"},
    {"signature", false, "the evidence was changed on its way, or was never that of a chip"},
    {"migration-agent", true, "start the guest so that nothing may move it to another machine"},
    {"event-log", false,
     "the log is not what the machine measured: look for who writes to it, or send none"},

    /* Certificates and lists of revoked ones. */
    {"root", false, "trust its root if you know whose it is (trust_root)"},
    {"certificates", false, "send the chain that belongs to the evidence"},
    {"certificate-dates", true, "look at the clock; renew what has expired"},
    {"revocation-list", true, "fetch a list of revoked certificates that is up to date"},
    {"revoked", false, "the maker has revoked the key: replace the machine, or its firmware"},

    /* AMD SEV-SNP, and what carries its reports */
    {"report-version", true, "update the firmware of the host's security processor"},
    {"product", false, "send the certificate of the chip that made the report"},
    {"reported-tcb", false, "send the certificate for the firmware that the host has now"},
    {"chip-id", false, "send the certificate of the chip that made the report"},
    {"masked-chip-id", true, "let the host say which chip it is (MaskChipId)"},
    {"vmpl", true, "collect evidence at VMPL 0"},
    /* Arm CCA */
    {"platform-key", false,
     "trust the attestation key of the platform (CPAK), if you know whose it is"},
    {"lifecycle", false, "the platform is not secured: replace it, or have its maker finish it"},
    {"realm-key", false, "realm and platform are of two machines: look for who put them together"},
    {"realm-signature", false, "the claims of the realm were changed on their way"},

    /* IBM Secure Execution */
    {"request", false, "answer a request of this verifier, with the key that it has now"},

    /* AMD SEV and SEV-ES, and IBM Secure Execution */
    {"session", false, "launch the guest with a session that its owner made for this platform"},
    {"measurement", false, "look at what was launched: firmware, kernel, CPUs or policy differ"},
    /* TPM, alone or of an Azure VM */
    {"ak-trusted", true,
     "trust the TPM's key if you know whose it is (trust_key), or judge ak_public by a policy"},
    {"tpm-signature", false, "the quote was changed on its way, or is of another TPM"},
    {"pcr-selection", false, "quote the 24 PCRs of SHA-256 and no others"},
    {"pcr-digest", false, "PCRs changed between quote and reading: attest again"},
    {"runtime-data", false, "the HCL's report is not the one that the hardware vouches for"},
    {"user-data", false, "the HCL's report was made for another nonce: attest again"},

    /* Intel SGX and TDX */
    {"pck-certificate", false, "send the certificates of the machine's provisioning key (PCK)"},
    {"qe-report-signature", false,
     "the quote was changed, or the machine's key did not certify it"},
    {"qe-report-data", false, "the quote was made with a key that no quoting enclave has"},
    {"quote-signature", false, "the quote was changed on its way, or was never one of a machine"},
    {"collateral-root", false, "trust its root if you know whose it is (trust_root)"},
    {"collateral-certificates", false, "fetch the TCB info and QE identity with their chains"},
    {"collateral-dates", true, "look at the clock; fetch TCB info and QE identity anew"},
    {"tcb-info", false, "fetch Intel's TCB info of this model of machine"},
    {"qe-identity", false, "fetch Intel's identity of the quoting enclave; use the one of Intel"},
    {"tdx-module", false, "load a TDX module that Intel signed"},
    {"tcb-level", false, "update the firmware of the machine: what it has is not supported"},
    {"tcb-out-of-date", true, "update firmware, TDX module and microcode of the machine"},
    {"tcb-configuration-needed", true, "set up the machine as its advisories say (BIOS, SMT)"},
    {"tcb-sw-hardening-needed", true, "build what runs inside as the advisories say"},
    {"tcb-relaunch-advised", true, "start the TD again: the machine has been updated since"},
    {"tcb-revoked", false, "update the firmware of the machine: what it has is broken"},
    {"seam-debug", false, "load a TDX module that is not for debugging"},

    /* sample, software */
    {"sample-allowed", false, "run on hardware, or allow \"sample\" where nothing is at stake"},
    {"trusted-root", false, "trust the root of the software TEE where nothing is at stake"},
    {"endorsement", false, "the key is not one of the software TEE's root"},
};

_Static_assert(sizeof(kinds) / sizeof(kinds[0]) <= COCO_CHECK_KINDS_MAX, "more kinds of checks");

size_t
coco_check_kinds(void)
{
    return sizeof(kinds) / sizeof(kinds[0]);
}

const struct coco_check_kind *
coco_check_kind(size_t index)
{
    return index < coco_check_kinds() ? &kinds[index] : NULL;
}

bool
coco_check_kind_find(const char *name, size_t *ret)
{
    for (size_t i = 0; i < coco_check_kinds(); i++)
        if (strcmp(kinds[i].name, name) == 0) {
            *ret = i;
            return true;
        }
    return false;
}
