# The attestation policy until the owner sets another (kbs-protocol C.3).
#
# input is what the verifier proved: {"<tee>": {claims}, "report_data", ...}. The
# rules give the trustworthiness vector of the token, in the values of AR4SI:
# 2 and 3 affirm, 33 and above contraindicate. Whatever no rule affirms stays
# unrecognized, so a TEE without reference values is never good enough. Each rule
# asks first whether the evidence is of its TEE: of the others no more is evaluated.
package policy

import rego.v1

# 33: executables that are not recognized.
default executables := 33

# 97: hardware that should be recognized and is not.
default hardware := 97

# 36: configuration that the verifier cannot see.
default configuration := 36

trust_claims := {
	"instance-identity": 0,
	"configuration": configuration,
	"executables": executables,
	"file-system": 0,
	"hardware": hardware,
	"runtime-opaque": 0,
	"storage-opaque": 0,
	"sourced-data": 0,
}

##### sample: anybody can make it, and the verifier lets it in only when told to

executables := 3 if {
	input.sample
	input.sample.launch_digest in query_reference_value("launch_digest")
}

hardware := 2 if {
	input.sample
	input.sample.svn in query_reference_value("svn")
	input.sample.platform_version.major == query_reference_value("major_version")
	input.sample.platform_version.minor >= query_reference_value("minimum_minor_version")
}

configuration := 2 if {
	input.sample
	input.sample.debug == false
}

##### software: the verifier checked its root, its signature and its binding

executables := 3 if {
	input.software
	input.software.launch_digest in query_reference_value("launch_digest")
}

hardware := 2 if {
	input.software
}

configuration := 2 if {
	input.software
	input.software.debug == false
}

##### snp: the verifier checked chain, signature and binding; the owner says what may run, and on which firmware

executables := 3 if {
	input.snp
	input.snp.measurement in query_reference_value("snp_launch_measurement")
}

hardware := 2 if {
	input.snp
	input.snp.reported_tcb_bootloader in query_reference_value("snp_bootloader")
	input.snp.reported_tcb_microcode in query_reference_value("snp_microcode")
	input.snp.reported_tcb_snp in query_reference_value("snp_snp_svn")
	input.snp.reported_tcb_tee in query_reference_value("snp_tee_svn")
}

# 2: known and approved; 3: nothing in it that is known to be weak.
configuration := 2 if {
	input.snp
	snp_closed
	input.snp.platform_smt_enabled == query_reference_value("snp_smt_enabled")
	input.snp.platform_tsme_enabled == query_reference_value("snp_tsme_enabled")
	input.snp.policy_abi_major == query_reference_value("snp_guest_abi_major")
	input.snp.policy_abi_minor == query_reference_value("snp_guest_abi_minor")
	input.snp.policy_single_socket == query_reference_value("snp_single_socket")
	input.snp.policy_smt_allowed == query_reference_value("snp_smt_allowed")
} else := 3 if {
	snp_closed
}

snp_closed if {
	input.snp.policy_debug_allowed == false
	input.snp.policy_migrate_ma == false
}

##### tdx: a kernel that the firmware loads itself is named in the event log; another boots through a loader

executables := 3 if {
	tdx_booted
	tdx_kernel_known
	tdx_options_known
} else := 4 if {
	tdx_booted
}

tdx_booted if {
	input.tdx
	input.tdx.quote.body.rtmr_1 in query_reference_value("rtmr_1")
	input.tdx.quote.body.rtmr_2 in query_reference_value("rtmr_2")
}

tdx_kernel_known if {
	some event in input.tdx.uefi_event_logs
	event.type_name == "EV_EFI_BOOT_SERVICES_APPLICATION"
	"File(kernel)" in event.details.device_paths
	some digest in event.digests
	digest.digest == query_reference_value("tdvfkernel")
}

tdx_options_known if {
	some event in input.tdx.uefi_event_logs
	event.type_name == "EV_EVENT_TAG"
	event.details.string == "LOADED_IMAGE::LoadOptions"
	some digest in event.digests
	digest.digest == query_reference_value("tdvfkernelparams")
}

hardware := 2 if {
	input.tdx
	intel_td(input.tdx)
	input.tdx.collateral_expiration_status == "0"
}

configuration := 2 if {
	input.tdx
	input.tdx.td_attributes.debug == false
	input.tdx.quote.body.xfam in query_reference_value("xfam")
}

# Signed by Intel's quoting enclave for TDX, with the firmware that is expected, on an up-to-date platform.
intel_td(td) if {
	td.quote.header.tee_type == "81000000"
	td.quote.header.vendor_id == "939a7233f79c4ca9940a0db3957f0607"
	td.quote.body.mr_td in query_reference_value("mr_td")
	td.tcb_status == "UpToDate"
}

##### az-snp-vtpm: PCR 11 is the unified kernel image's

executables := 3 if {
	input["az-snp-vtpm"]
	input["az-snp-vtpm"].measurement in query_reference_value("measurement")
	input["az-snp-vtpm"].tpm.pcr11 in query_reference_value("snp_pcr11")
}

hardware := 2 if {
	input["az-snp-vtpm"]
	input["az-snp-vtpm"].reported_tcb_bootloader in query_reference_value("tcb_bootloader")
	input["az-snp-vtpm"].reported_tcb_microcode in query_reference_value("tcb_microcode")
	input["az-snp-vtpm"].reported_tcb_snp in query_reference_value("tcb_snp")
	input["az-snp-vtpm"].reported_tcb_tee in query_reference_value("tcb_tee")
}

configuration := 2 if {
	input["az-snp-vtpm"]
	input["az-snp-vtpm"].policy_debug_allowed == false
	input["az-snp-vtpm"].platform_smt_enabled in query_reference_value("smt_enabled")
	input["az-snp-vtpm"].platform_tsme_enabled in query_reference_value("tsme_enabled")
	input["az-snp-vtpm"].policy_abi_major in query_reference_value("abi_major")
	input["az-snp-vtpm"].policy_abi_minor in query_reference_value("abi_minor")
	input["az-snp-vtpm"].policy_single_socket in query_reference_value("single_socket")
	input["az-snp-vtpm"].policy_smt_allowed in query_reference_value("smt_allowed")
}

##### az-tdx-vtpm

executables := 3 if {
	input["az-tdx-vtpm"]
	input["az-tdx-vtpm"].tpm.pcr11 in query_reference_value("tdx_pcr11")
}

hardware := 2 if {
	input["az-tdx-vtpm"]
	intel_td(input["az-tdx-vtpm"])
}

configuration := 2 if {
	input["az-tdx-vtpm"]
	input["az-tdx-vtpm"].td_attributes.debug == false
	input["az-tdx-vtpm"].quote.body.xfam in query_reference_value("xfam")
}

##### tpm: a key that the owner knows, and what systemd-stub or the kernel's own stub measured

hardware := 2 if {
	input.tpm
	input.tpm.ak_public in query_reference_value("trusted_aks")
}

executables := 3 if {
	input.tpm
	input.tpm.ak_public in query_reference_value("trusted_aks")
	tpm_booted
}

tpm_booted if {
	input.tpm.pcr11 in query_reference_value("tpm_pcr11")
}

tpm_booted if {
	input.tpm.pcr04 in query_reference_value("tpm_pcr04")
	input.tpm.pcr09 in query_reference_value("tpm_pcr09")
}

# A TPM says nothing of what else the machine may do.
configuration := 0 if {
	input.tpm
}

extensions := [{
	"name": "ear.trustee.identifiers",
	"key": -18,
	"value": {"validated": {}},
}]
