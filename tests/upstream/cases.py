"""Cases that policies decide: evidence and reference values that fit, and all that one change makes of them.

SPDX-License-Identifier: Apache-2.0
"""

import copy
import itertools

GONE = object()

SNP = {
    "measurement": "m", "reported_tcb_bootloader": 3, "reported_tcb_microcode": 4,
    "reported_tcb_snp": 5, "reported_tcb_tee": 0, "platform_smt_enabled": True,
    "platform_tsme_enabled": False, "policy_abi_major": 1, "policy_abi_minor": 55,
    "policy_single_socket": False, "policy_smt_allowed": True, "policy_debug_allowed": False,
    "policy_migrate_ma": False,
}
TDX = {
    "quote": {
        "header": {"tee_type": "81000000", "vendor_id": "939a7233f79c4ca9940a0db3957f0607"},
        "body": {"mr_td": "t", "rtmr_1": "r1", "rtmr_2": "r2", "xfam": "e7", "mr_seam": "s"},
    },
    "tcb_status": "UpToDate", "collateral_expiration_status": "0",
    "td_attributes": {"debug": False},
    "uefi_event_logs": [
        {"type_name": "EV_SEPARATOR", "digests": [{"digest": "z"}]},
        {"type_name": "EV_EFI_BOOT_SERVICES_APPLICATION", "digests": [{"digest": "k"}],
         "details": {"device_paths": ["File(kernel)"]}},
        {"type_name": "EV_EVENT_TAG", "digests": [{"digest": "p"}],
         "details": {"string": "LOADED_IMAGE::LoadOptions"}},
    ],
}
SAMPLE = {"svn": "1", "launch_digest": "abcde", "platform_version": {"major": 1, "minor": 4},
          "debug": False}
CHAIN = {"x-nvidia-cert-ocsp-status": "good", "x-nvidia-cert-status": "valid"}
GPU = {
    "secboot": True, "dbgstat": "disabled", "measres": "success",
    "x-nvidia-gpu-attestation-report-cert-chain": CHAIN,
    "x-nvidia-gpu-attestation-report-cert-chain-fwid-match": True,
    "x-nvidia-gpu-attestation-report-parsed": True,
    "x-nvidia-gpu-attestation-report-signature-verified": True,
    "x-nvidia-gpu-arch-check": True, "x-nvidia-gpu-vbios-version": "96.00",
    "x-nvidia-gpu-driver-version": "570", "x-nvidia-gpu-vbios-rim-cert-chain": CHAIN,
} | {
    f"x-nvidia-gpu-{part}-rim-{claim}": True
    for part in ("driver", "vbios")
    for claim in ("fetched", "measurements-available", "schema-validated", "signature-verified",
                  "version-match")
}
SWITCH = {
    "secboot": True, "dbgstat": "disabled", "measres": "success",
    "x-nvidia-switch-attestation-report-cert-chain": CHAIN,
    "x-nvidia-switch-attestation-report-cert-chain-fwid-match": True,
    "x-nvidia-switch-attestation-report-parsed": True,
    "x-nvidia-switch-attestation-report-signature-verified": True,
    "x-nvidia-switch-arch-check": True, "x-nvidia-switch-bios-version": "1",
    "x-nvidia-switch-bios-rim-cert-chain": CHAIN,
} | {
    f"x-nvidia-switch-bios-rim-{claim}": True
    for claim in ("fetched", "measurements-available", "schema-validated", "signature-verified",
                  "version-match")
}
CONTAINERS = {
    "init_data_claims": {"agent_policy_claims": {"containers": [
        {"OCI": {"Annotations": {"io.kubernetes.cri.image-name": "a@sha256:b"},
                 "Process": {"User": {"UID": 65534}}}},
        {"OCI": {"Annotations": {}, "Process": {"User": {"UID": 0}}}},
    ]}},
}

TD_VALUES = {"rtmr_1": ["r1"], "rtmr_2": ["r2"], "mr_td": ["t"], "xfam": ["e7"], "tdvfkernel": "k",
             "tdvfkernelparams": "p"}
# Evidence that is what it should be, and the reference values that say so.
GOOD = {
    "sample": ({"sample": SAMPLE},
               {"launch_digest": ["x", "abcde"], "svn": ["1"], "major_version": 1,
                "minimum_minor_version": 4}),
    "snp": ({"snp": SNP},
            {"snp_launch_measurement": ["m"], "snp_bootloader": [3], "snp_microcode": [4],
             "snp_snp_svn": [5], "snp_tee_svn": [0], "snp_smt_enabled": True,
             "snp_tsme_enabled": False, "snp_guest_abi_major": 1, "snp_guest_abi_minor": 55,
             "snp_single_socket": False, "snp_smt_allowed": True}),
    "tdx": ({"tdx": TDX}, TD_VALUES),
    "az-snp-vtpm": ({"az-snp-vtpm": SNP | {"tpm": {"pcr11": "u"}}},
                    {"measurement": ["m"], "snp_pcr11": ["u"], "tcb_bootloader": [3],
                     "tcb_microcode": [4], "tcb_snp": [5], "tcb_tee": [0], "smt_enabled": [True],
                     "tsme_enabled": [False], "abi_major": [1], "abi_minor": [55],
                     "single_socket": [False], "smt_allowed": [True]}),
    "az-tdx-vtpm": ({"az-tdx-vtpm": TDX | {"tpm": {"pcr11": "u"}}}, TD_VALUES | {"tdx_pcr11": ["u"]}),
    "tpm": ({"tpm": {"ak_public": "ak", "pcr04": "4", "pcr09": "9", "pcr11": "11"}},
            {"trusted_aks": ["ak"], "tpm_pcr11": ["11"]}),
    "se": ({"se": {"version": "256", "image_phkh": "a", "attestation_phkh": "a", "tag": "t"}}, {}),
    "cca": ({"cca": {"realm": {"cca-realm-initial-measurement": "m"}}},
            {"cca.realm.cca-realm-initial-measurement": ["m"]}),
    "sgx": ({"sgx": {"body": {"mr_enclave": "m", "mr_signer": "s"}}}, {}),
    "software": ({"software": {"launch_digest": "abcde", "debug": False}},
                 {"launch_digest": ["abcde"]}),
    "device": ({"sampledevice": {"svn": "2"}}, {"device_svn": ["2"]}),
    "gpu": ({"nvidia": GPU}, {"allowed_vbios_versions": ["96.00"], "allowed_driver_versions": ["570"]}),
    "switch": ({"nvidia": SWITCH}, {"allowed_switch_bios_versions": ["1"]}),
    "containers": ({"sample": SAMPLE} | CONTAINERS, {"launch_digest": ["abcde"]}),
    "flat": ({"sgx.body.mr_enclave": "8f173e4613ff05c52aaf04162d234edae8c9977eae47eb2299ae16a553011c68",
              "sgx.body.mr_signer": "83d719e77deaca1470f6baf62a4d774303c899db69020f9c70ee1dfc08c7ce9e",
              "se.version": 256, "se.user_data": "00", "se.tag": "773780962a7350165054673b6c54235d"}, {}),
}


def leaves(value, path=()):
    """The paths of all that has nothing below it."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not below:
        yield path
    for key, item in list(below):
        yield from leaves(item, (*path, key))


def changed(document, path, value):
    """A copy with another value at the path, or without it."""
    made = copy.deepcopy(document)
    at = made
    for key in path[:-1]:
        at = at[key]
    if value is GONE:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return made


def others(value):
    """What may be in the place of a value: nothing, another one, and one of another type."""
    yield from (GONE, None, {}, [value])
    if isinstance(value, bool):
        yield from (not value, str(value).lower())
    elif isinstance(value, int):
        yield from (value + 1, -1, value + 0.5, 1 << 63, str(value))
    elif isinstance(value, str):
        yield from (value + "0", "", True, 0)
    elif isinstance(value, list):
        yield from ([], value[0], [*value, "more"], [str(value[0]) + "0"], True)


def get(document, path):
    for key in path:
        document = document[key]
    return document


def evidence():
    """(evidence, reference values) for attestation policies."""
    yield {}, {}
    for name, (claims, references) in GOOD.items():
        yield claims, references
        yield claims, {}
        for path in leaves(claims):
            for other in others(get(claims, path)):
                yield changed(claims, path, other), references
        for id_ in references:
            for other in others(references[id_]):
                yield claims, changed(references, (id_,), other)
        for second in GOOD:
            if second > name:
                yield claims | GOOD[second][0], references | GOOD[second][1]


STATUSES = ("none", "affirming", "warning", "contraindicated", "Affirming", 2, None, GONE)
CLAIMS = (
    {"sample": {"productId": "Alice", "svn": 1}}, {"sample": {"productId": "Bob", "svn": 2}},
    {"sample": {"productId": "n", "svn": 3}}, {"sample": {}}, {"sample": None}, {"sample": False},
    {"snp": {"measurement": "m"}}, {"tdx": {}}, {"init_data": "aabb", "snp": {}},
    {"init_data": "AABB", "snp": {}}, {},
)
REQUESTS = (
    ("resource", ["my_repo", "Alice", "key"], {}), ("resource", ["my_repo", "Bob", "key"], {}),
    ("resource", ["myrepo", "secret", "secret1"], {}), ("resource", ["myrepo", "secret", "secret2"], {}),
    ("resource", ["myrepo", "secret", "secret3"], {}), ("resource", ["one", "two", "three"], {"a": "b"}),
    ("external", ["echo-test"], {}), ("external", ["resource", "a", "b"], {}), ("Resource", ["a"], {}),
    ("another-plugin", ["my_repo", "Alice", "key"], {}), ("", [], {}),
)


def submod(status, claims):
    made = {"ear.veraison.annotated-evidence": claims}
    return made if status is GONE else {"ear.status": status} | made


def tokens():
    """The claims of tokens: one device, two, none, and what is no token of ours."""
    for status, claims in itertools.product(STATUSES, CLAIMS):
        yield {"submods": {"cpu0": submod(status, claims)}}
    for first, second in itertools.product(STATUSES, STATUSES):
        yield {"submods": {"cpu0": submod(first, CLAIMS[0]), "gpu0": submod(second, {"nvidia": {}})}}
    yield from ({}, {"submods": {}}, {"submods": None}, {"submods": []}, {"submods": {"cpu0": None}},
                {"submods": {"cpu0": "affirming"}}, {"submods": [submod("affirming", CLAIMS[0])]},
                {"submods": {"gpu0": submod("affirming", {})}}, {"tcb-status": {"sample.svn": "1"}},
                {f"se.{name}": "xxx" for name in ("attestation_phkh", "image_phkh", "tag", "user_data")}
                | {"se.version": 256})


def requests():
    """(claims, data) for resource policies."""
    for claims, (plugin, path, query) in itertools.product(tokens(), REQUESTS):
        yield claims, {"plugin": plugin, "resource-path": path, "query": query}
