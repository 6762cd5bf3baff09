"""The owner's part in a launch on SEV: the firmware is the test."""

import base64
import json
import os
import pathlib
import struct
import sys

import coco
import pytest

ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
pytest.importorskip("grpc")

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "tests" / "kbc"))
import simple_kbs as sev  # noqa: E402  what it knows of AMD's formats

POLICY = coco.SevPolicy.NO_DEBUG
DIGEST = bytes(range(32))
FIRMWARE = {"api_major": 1, "api_minor": 55, "build_id": 24}


@pytest.fixture
def launch():
    """A launch that was saved: its state, and the keys that the firmware has then."""
    platform = sev.Launch(int(POLICY), bytes(20) + certificate_of(own := ec.generate_private_key(ec.SECP384R1())) * 4)
    # Launch is an owner: of its certificate the platform is made, and of the platform's the owner.
    state = {
        "owner_key": own.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        "certificate_chain": base64.b64encode(platform.cert * 4).decode(),
        "session": base64.b64encode(platform.session).decode(),
        "policy": int(POLICY),
    }
    return json.dumps(state), platform


def certificate_of(key):
    numbers = key.public_key().public_numbers()
    return numbers.x.to_bytes(72, "little") + numbers.y.to_bytes(72, "little") + bytes(2084 - 144)


def measured(platform, digest=DIGEST):
    nonce = os.urandom(16)
    return sev.mac(platform.tik, b"\4", bytes(FIRMWARE.values()), struct.pack("<I", POLICY), digest, nonce) + nonce


def test_a_launch_that_was_saved_gets_its_secrets(launch):
    state, platform = launch
    owner = coco.SevOwner.load(state)
    assert json.loads(owner.save()) == json.loads(state)
    assert owner.session == platform.session and len(owner.certificate) == 2084
    assert b"PRIVATE KEY" in owner.key
    owner.add_secret("kbs:///default/key/1", b"secret")
    measurement = measured(platform)
    owner.check(measurement, DIGEST, **FIRMWARE)
    packet = owner.packet()
    table = sev.ctr(platform.tek, packet[4:20], packet[52:])
    assert table[40:].startswith(b'{"default/key/1":"c2VjcmV0"}')
    size = struct.pack("<I", len(packet) - 52)
    assert packet[20:52] == sev.mac(
        platform.tik, b"\1", packet[:20], size, size, packet[52:], measurement[:32]
    )
    assert json.loads(owner.evidence())["measurement"] == base64.b64encode(measurement).decode()


def test_another_launch_is_refused(launch):
    state, platform = launch
    owner = coco.SevOwner.load(state)
    owner.add_secret("e6f5a162-d67f-4750-a67c-5d065f2a9910", b"secret")
    with pytest.raises(coco.InvalidError, match="no launch"):
        owner.packet()
    with pytest.raises(coco.VerifyError, match="another guest"):
        owner.check(measured(platform, bytes(32)), DIGEST, **FIRMWARE)
    with pytest.raises(coco.VerifyError, match="another guest"):
        owner.check(measured(platform), DIGEST, **dict(FIRMWARE, build_id=25))
    with pytest.raises(coco.InvalidError):
        owner.check(b"short", DIGEST, **FIRMWARE)
    with pytest.raises(coco.InvalidError, match="neither"):
        owner.add_secret("name", b"")


def test_what_is_no_platform_or_no_state_is_refused():
    with pytest.raises(coco.ProtocolError):
        coco.SevOwner(coco.Verifier(), b"certificates", POLICY)
    with pytest.raises(coco.ProtocolError):
        coco.SevOwner.load("{}")
