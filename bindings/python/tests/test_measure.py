"""What a launch measures is computed from its files."""

import hashlib

import coco
import pytest


def test_a_software_tee_measures_its_file():
    values = coco.Launch(kernel=b"kernel").measure("software")
    digest = hashlib.sha384(b"kernel").hexdigest()
    assert [(v.name, v.claim, v.value, v.single) for v in values] == [
        ("launch_digest", "launch_digest", digest, False)
    ]
    assert values[0].note


def test_what_cannot_be_known_has_no_value():
    # The smallest program of UEFI: headers, and no section.
    pe = bytearray(512)
    pe[:2], pe[0x3C], pe[64:68] = b"MZ", 64, b"PE\0\0"
    pe[84], pe[88:90], pe[88 + 61] = 240, b"\x0b\x02", 2
    pe[88 + 108] = 16
    launch = coco.Launch(kernel=pe, initrd=b"initrd", cmdline="quiet")
    values = {v.name: v for v in launch.measure("tdx", vcpus=4, edk2=202411)}
    assert values["rtmr_0"].value is None and "variables" in values["rtmr_0"].note
    assert len(values["rtmr_1"].value) == 96
    assert values["tdvfkernel"].single and values["tdvfkernel"].claim is None
    options = "quiet initrd=initrd\0".encode("utf-16-le")
    assert values["tdvfkernelparams"].value == hashlib.sha384(options).hexdigest()
    newest = {v.name: v.value for v in launch.measure("tpm")}
    digests = ["initrd=initrd quiet\0".encode("utf-16-le"), b"initrd"]
    pcr = bytes(32)
    for part in digests:
        pcr = hashlib.sha256(pcr + hashlib.sha256(part).digest()).digest()
    assert newest["tpm_pcr09"] == pcr.hex() and newest["tpm_pcr07"] is None


def test_launches_that_make_no_sense_are_refused():
    with pytest.raises(coco.InvalidError, match="needs the firmware"):
        coco.Launch(kernel=b"k").measure("snp")
    with pytest.raises(coco.ProtocolError):
        coco.Launch(firmware=bytes(4095))
    with pytest.raises(coco.NotSupportedError):
        coco.Launch(kernel=b"k").measure("se")
    with pytest.raises(coco.NotSupportedError):
        coco.Launch(kernel=b"k").measure("tdx", vmm=coco.Vmm.EC2)
    with pytest.raises(TypeError):
        coco.Launch(kernel=b"k").measure("tdx", nosuch=1)
    with pytest.raises(coco.InvalidError):
        coco.Launch(kernel=b"k").measure("sev", flags=coco.MEASURE_SEV_ES, edk2=1)


def test_cpus_have_signatures():
    assert coco.cpu_signature("EPYC-Milan") == coco.cpu_signature("25-1-1") == 0xA00F11
    assert all(coco.cpu_signature(name) for name in coco.cpu_types())
    assert "snp" in coco.measure_tees()
    with pytest.raises(ValueError):
        coco.cpu_signature("Skylake")
