"""An owner's part in a launch on SEV: the firmware is the test.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import json
import os
import pathlib
import stat
import struct
import sys

import pytest

from vectors import recorded

ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
pytest.importorskip("grpc")

SOURCE = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "kbc"))
import simple_kbs as sev  # noqa: E402  what it knows of AMD's formats

DIGEST = bytes(range(32))
FIRMWARE = ["--api", "1.55", "--build", "24", "--digest", DIGEST.hex()]


@pytest.fixture
def chain(tmp_path):
    """A real platform's certificates, whose private keys are in its chip."""
    top = recorded("sev")
    path = tmp_path / "chain"
    path.write_bytes(b"".join((top / f"rome_{n}.cert").read_bytes() for n in ("pdh", "pek", "oca", "cek", "ask", "ark")))
    return path


class Firmware:
    """What the platform's does: the same keys come of the owner's private half."""

    def __init__(self, directory):
        state = json.loads((directory / "launch.json").read_bytes())
        own = serialization.load_pem_private_key(state["owner_key"].encode(), None)
        z = own.exchange(ec.ECDH(), sev.public_key(base64.b64decode(state["certificate_chain"])))
        session = base64.b64decode((directory / "session.b64").read_bytes())
        master = sev.kdf(z, b"sev-master-secret", session[:16])
        keys = sev.ctr(sev.kdf(master, b"sev-kek"), session[48:64], session[16:48])
        self.tek, self.tik, self.policy = keys[:16], keys[16:], struct.pack("<I", state["policy"])

    def measure(self, digest=DIGEST):
        nonce = os.urandom(16)
        mac = sev.mac(self.tik, b"\4", bytes([1, 55, 24]), self.policy, digest, nonce)
        return base64.b64encode(mac + nonce).decode()

    def inject(self, directory, measurement):
        header, sealed = (
            base64.b64decode((directory / f"packet-{n}.b64").read_bytes()) for n in ("header", "secret")
        )
        size = struct.pack("<I", len(sealed))
        mac = sev.mac(self.tik, b"\1", header[:20], size, size, sealed, base64.b64decode(measurement)[:32])
        assert mac == header[20:]
        return sev.ctr(self.tek, header[4:20], sealed)


def test_a_guest_that_was_meant_gets_its_secrets(coco, chain, tmp_path):
    launch = tmp_path / "launch"
    assert coco.json("sev", "prepare", chain, launch, "--sev-policy", "0x5") == {"dir": str(launch)}
    assert stat.S_IMODE((launch / "launch.json").stat().st_mode) == 0o600
    assert len(base64.b64decode((launch / "godh.b64").read_bytes())) == 2084
    firmware = Firmware(launch)
    measurement = firmware.measure()
    (tmp_path / "key").write_bytes(b"key")
    (tmp_path / "raw").write_bytes(b"as it is")
    secrets = ["--secret", f"kbs:///default/key/1={tmp_path / 'key'}",
               "--secret", f"736869e5-84f0-4973-92ec-06879ce3da0b={tmp_path / 'raw'}"]
    coco.run("sev", "inject", launch, measurement, *FIRMWARE, *secrets, code=0)
    table = firmware.inject(launch, measurement)
    assert table[40:48] == b"as it is"
    assert table[68:].rstrip(b"\0") == b'{"default/key/1":"a2V5"}'


def test_another_guest_gets_nothing(coco, chain, tmp_path):
    launch = tmp_path / "launch"
    coco.run("sev", "prepare", chain, launch, code=0)
    (tmp_path / "key").write_bytes(b"key")
    secret = ["--secret", f"kbs:///default/key/1={tmp_path / 'key'}"]
    firmware = Firmware(launch)
    coco.run("sev", "inject", launch, firmware.measure(bytes(32)), *FIRMWARE, *secret, code=4)
    assert not list(launch.glob("packet*"))
    for wrong in (["--api", "1"], ["--api", "1.55.1"], ["--build", "256"], ["--digest", "00"]):
        at = FIRMWARE.index(wrong[0])
        coco.run("sev", "inject", launch, firmware.measure(), *FIRMWARE[:at], *wrong, *FIRMWARE[at + 2:],
                 *secret, code=2)
    coco.run("sev", "inject", launch, "short", *FIRMWARE, *secret, code=2)
    coco.run("sev", "inject", launch, firmware.measure(), *FIRMWARE, code=2)
    coco.run("sev", "inject", launch, firmware.measure(), *FIRMWARE, "--secret", "x=/dev/null", code=2)


def test_who_is_no_platform_of_amds_gets_no_session(coco, chain, tmp_path):
    content = bytearray(chain.read_bytes())
    content[25] ^= 1
    chain.write_bytes(content)
    coco.run("sev", "prepare", chain, tmp_path / "launch", code=4)
    chain.write_bytes(b"certificates")
    coco.run("sev", "prepare", chain, tmp_path / "launch", code=1)
    assert not (tmp_path / "launch").exists()


def test_a_guest_that_can_be_debugged_is_asked_for_by_name(coco, chain, tmp_path):
    prepare = ["sev", "prepare", chain, tmp_path / "launch", "--sev-policy", "0"]
    assert b"debug" in coco.run(*prepare, code=4).stderr
    coco.run(*prepare, "--allow", "debug", code=0)
