"""Attestation tokens: relied on, or refused."""

import base64
import json
import subprocess
import time

import coco
import pytest

CLAIMS = {"iss": "https://kbs.example", "submods": {"cpu0": {"ear.status": "affirming"}}}


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class Issuer:
    """Signs by a key on Ed25519 that openssl has."""

    def __init__(self, folder):
        self.folder = folder
        self.key = folder / "key.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", self.key], check=True)
        der = subprocess.run(
            ["openssl", "pkey", "-in", self.key, "-pubout", "-outform", "DER"], check=True, capture_output=True
        ).stdout
        jwk = {"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": encode(der[-32:]).decode()}
        self.keys = json.dumps({"keys": [jwk]}).encode()

    def token(self, **more):
        claims = CLAIMS | {"exp": int(time.time()) + 300} | more
        signed = encode(b'{"alg":"EdDSA","kid":"a"}') + b"." + encode(json.dumps(claims).encode())
        (self.folder / "signed").write_bytes(signed)
        signature = subprocess.run(
            ["openssl", "pkeyutl", "-sign", "-inkey", self.key, "-rawin", "-in", self.folder / "signed"],
            check=True, capture_output=True,
        ).stdout  # fmt: skip
        return (signed + b"." + encode(signature)).decode()


@pytest.fixture
def issuer(tmp_path):
    return Issuer(tmp_path)


def test_who_trusts_the_issuer_has_the_claims(issuer):
    verifier = coco.TokenVerifier(keys=issuer.keys)
    assert verifier.verify(issuer.token())["submods"] == CLAIMS["submods"]
    assert verifier.verify(issuer.token().encode())["iss"] == CLAIMS["iss"]
    assert coco.TokenVerifier(keys=issuer.keys, issuer="https://kbs.example").verify(issuer.token())


def test_what_is_not_for_us_is_refused(issuer):
    token = issuer.token(aud="https://bank.example")
    assert coco.TokenVerifier(keys=issuer.keys, audience="https://bank.example").verify(token)
    for more in ({}, {"audience": "https://other.example"}, {"issuer": "https://other.example"}):
        with pytest.raises(coco.VerifyError):
            coco.TokenVerifier(keys=issuer.keys, **more).verify(token)


def test_guests_are_judged(issuer):
    token = issuer.token(submods={"cpu0": {"ear.status": "warning"}})
    with pytest.raises(coco.DeniedError, match="cpu0 is warning"):
        coco.TokenVerifier(keys=issuer.keys).verify(token)
    assert coco.TokenVerifier(keys=issuer.keys, accept="warning").verify(token)


def test_time_passes(issuer):
    token = issuer.token(exp=1800000000)
    assert coco.TokenVerifier(keys=issuer.keys, time=1799999999).verify(token)
    with pytest.raises(coco.VerifyError, match="expired"):
        coco.TokenVerifier(keys=issuer.keys, time=1800000061).verify(token)


def test_nobody_is_trusted_unasked(issuer):
    with pytest.raises(coco.InvalidError, match="nobody"):
        coco.TokenVerifier().verify(issuer.token())
    for wrong in ({"keys": b"{}"}, {"roots": b"x"}, {"tls_ca": b"x"}):
        with pytest.raises(coco.ProtocolError):
            coco.TokenVerifier(**wrong)
    for wrong in ({"issuer": ""}, {"audience": ""}, {"accept": "good"}):
        with pytest.raises(coco.InvalidError):
            coco.TokenVerifier(**wrong)
