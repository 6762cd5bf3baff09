"""What a launch measures, computed ahead, is what the guest's evidence has.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import hashlib
import json
import struct

import pytest


@pytest.fixture
def kernel(tmp_path):
    """The smallest program of UEFI: headers, and no section."""
    pe = bytearray(512)
    pe[:2], pe[64:68] = b"MZ", b"PE\0\0"
    struct.pack_into("<I", pe, 0x3C, 64)
    struct.pack_into("<H", pe, 84, 240)
    struct.pack_into("<H", pe, 88, 0x20B)
    struct.pack_into("<I", pe, 88 + 60, 512)
    struct.pack_into("<I", pe, 88 + 108, 16)
    (tmp_path / "kernel").write_bytes(pe)
    return tmp_path / "kernel"


@pytest.fixture
def initrd(tmp_path):
    (tmp_path / "initrd").write_bytes(b"initrd")
    return tmp_path / "initrd"


def replay(hash_name, parts, size):
    register = bytes(size)
    for part in parts:
        register = hashlib.new(hash_name, register + hashlib.new(hash_name, part).digest()).digest()
    return register.hex()


def options(text):
    return text.encode("utf-16-le") + b"\0\0"


def test_a_kernel_is_measured_as_firmware_and_linux_do(coco, kernel, initrd):
    run = ["measure", "--kernel", kernel, "--initrd", initrd, "--cmdline", "quiet -- x", "--json"]
    told = json.loads(coco.run(*run, "--tee", "tpm", code=0).stdout)
    values = {v["name"]: v for v in told["values"]}
    assert told["tee"] == "tpm"
    assert values["tpm_pcr09"]["claim"] == "pcr09"
    assert values["tpm_pcr09"]["value"] == replay("sha256", [options("initrd=initrd quiet -- x"), b"initrd"], 32)
    assert values["tpm_pcr00"]["value"] is None and "variables" in values["tpm_pcr00"]["note"]

    told = json.loads(coco.run(*run, "--tee", "tdx", "--edk2", "202505", code=0).stdout)
    values = {v["name"]: v for v in told["values"]}
    old = options("quiet -- x initrd=initrd")
    assert values["rtmr_2"]["value"] == replay("sha384", [old, b"initrd"], 48)
    assert values["tdvfkernelparams"]["value"] == hashlib.sha384(old).hexdigest()
    assert values["tdvfkernelparams"]["single"] and values["mr_td"]["value"] is None


def test_people_are_told_what_is_not_known_and_why(coco, kernel):
    shown = coco.run("measure", "--tee", "tdx", "--kernel", kernel, code=0).stdout.decode()
    assert "not known\n    it depends on the firmware's variables" in shown
    assert "Linux 6.9 or later" in shown


def test_values_are_written_for_others(coco, kernel, tmp_path):
    run = ["measure", "--tee", "tpm", "--kernel", kernel]
    values = json.loads(coco.run(*run, "--form", "values", code=0).stdout)
    assert set(values) == {"tpm_pcr04", "tpm_pcr09"}
    assert all(len(v) == 1 and len(v[0]) == 64 for v in values.values())
    assert coco.run(*run, "--form", "rvps", "-o", tmp_path / "message", code=0).stdout == b""
    message = json.loads((tmp_path / "message").read_text())
    assert (message["version"], message["type"]) == ("0.1.0", "sample")
    assert json.loads(base64.b64decode(message["payload"])) == values


def test_evidence_has_what_was_measured(coco, tmp_path):
    (tmp_path / "a").write_bytes(b"one kernel")
    (tmp_path / "b").write_bytes(b"another")
    env = {"COCO_SOFTWARE_TEE": str(tmp_path / "tee")}
    values = tmp_path / "values"
    coco.run("measure", "--tee", "software", "--kernel", tmp_path / "a", "--form", "values", "-o", values, code=0)
    for booted, code in ("a", 0), ("b", 4):
        coco.run("tee", "launch", tmp_path / "tee", tmp_path / booted, code=0)
        evidence = coco.run("evidence", "get", "--report-data", "00", code=0, **env).stdout
        verify = ["evidence", "verify", "--report-data", "00", "--reference-values", values]
        coco.run(*verify, stdin=evidence, code=code, **env)


WRONG = [
    ([], 2, "needs --tee"),
    (["--tee", "tpm"], 2, "needs the kernel"),
    (["--tee", "snp", "--kernel", "K"], 2, "needs the firmware"),
    (["--tee", "az-snp-vtpm", "--kernel", "K"], 7, "cannot be computed"),
    (["--tee", "tdx", "--kernel", "nosuch"], 6, "nosuch"),
    (["--tee", "tpm", "--kernel", "/dev/null"], 1, "program of UEFI"),
    (["--tee", "tdx", "--firmware", "K"], 1, "not of whole pages"),
    (["--tee", "tdx", "--kernel", "K", "--cpu", "Skylake"], 2, "--cpu is a type"),
    (["--tee", "tdx", "--kernel", "K", "--cpu", "EPYC-Milan"], 2, "of other TEEs"),
    (["--tee", "tdx", "--kernel", "K", "--vmm", "ec2"], 7, "only what QEMU does"),
    (["--tee", "tdx", "--kernel", "K", "--vcpus", "0"], 2, "--vcpus is no number"),
    (["--tee", "tdx", "--kernel", "K", "--vcpus", "4097"], 2, "--vcpus is no number"),
    (["--tee", "tdx", "--kernel", "K", "--edk2", "2024"], 2, "--edk2 is no number"),
    (["--tee", "tdx", "--kernel", "K", "--edk2", "202413"], 2, "no release of edk2"),
    (["--tee", "tdx", "--kernel", "K", "--guest-features", "0x"], 2, "--guest-features is no number"),
    (["--tee", "tdx", "--kernel", "K", "--cmdline", "caf\u00e9"], 7, "not ASCII"),
    (["--tee", "tdx", "--initrd", "K", "--firmware", "K"], 1, "not of whole pages"),
    (["--tee", "tdx", "--kernel", "K", "--form", "xml"], 2, "--form can be"),
]  # fmt: skip


@pytest.mark.parametrize("args, code, says", WRONG)
def test_what_makes_no_sense_is_refused(coco, kernel, args, code, says):
    done = coco.run("measure", *[kernel if a == "K" else a for a in args], code=code)
    assert says in done.stderr.decode()
