"""coco token verify: a third party relies on what a broker says of a guest.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import json
import subprocess
import time

import pytest

from conftest import free_port
from daemon import Daemon, admin_config, admin_token, make_certificate

BANK = "https://bank.example"


@pytest.fixture
def broker(keys, tmp_path):
    """A KBS that is an issuer: .url is its name, .ca what TLS knows it by, .token(…) its owner's."""
    private, public = keys("ed25519")
    ca, key = make_certificate(tmp_path)
    port = free_port()
    url = f"https://127.0.0.1:{port}"
    made = Daemon(
        tmp_path,
        f'[http_server]\nsockets = ["127.0.0.1:{port}"]\ncertificate = "{ca}"\nprivate_key = "{key}"\n'
        "[attestation_service]\nallow_sample = true\n"
        f'[attestation_service.attestation_token_broker]\nissuer_name = "{url}"\naudiences = ["{BANK}"]\n'
        + admin_config(public),
    )
    assert made.url == url
    made.ca = ca
    made.owner = admin_token(private)
    yield made
    made.stop()


def keys_of(broker):
    connection = broker.connect(broker.ca)
    connection.request("GET", "/.well-known/jwks.json")
    return connection.getresponse().read()


def test_a_third_party_relies_on_the_token_of_a_broker(coco, broker, tmp_path):
    guest = ["--kbs", broker.url, "--kbs-ca", broker.ca, "--tee", "sample", "--audience", BANK]
    asking = ["--issuer", broker.url, "--tls-ca", broker.ca]
    token = tmp_path / "token"
    token.write_bytes(coco.run("attest", *guest, code=0).stdout)
    # Nobody has said yet what the guest should be.
    refused = coco.json("token", "verify", token, *asking, "--audience", BANK, code=3)
    assert refused["id"] == "denied" and "cpu0 is" in refused["message"]
    claims = coco.json("token", "verify", token, *asking, "--audience", BANK, "--accept", "none")
    assert claims["iss"] == broker.url and claims["aud"] == BANK and "cpu0" in claims["submods"]

    broker.trust_sample(broker.owner, broker.ca)
    token.write_bytes(coco.run("attest", *guest, code=0).stdout)
    said = coco.run("token", "verify", *asking, "--audience", BANK, stdin=token.read_bytes(), code=0).stdout.decode()
    until = time.strftime("%Y-%m-%dT%H:", time.gmtime(time.time() + 300))
    assert said.splitlines()[:2] == [f"issuer    {broker.url}", f"audience  {BANK}"]
    assert said.splitlines()[2].startswith(f"until     {until}") and said.splitlines()[3:] == ["cpu0 is affirming"]
    (tmp_path / "keys").write_bytes(keys_of(broker))
    known = ["--jwks", tmp_path / "keys"]
    coco.run("token", "verify", token, *known, "--audience", BANK, code=0)
    coco.run("token", "verify", token, *known, "--audience", BANK, "--issuer", broker.url, code=0)
    for wrong in (
        [*known],
        [*known, "--audience", "https://other.example"],
        [*known, "--audience", BANK, "--issuer", "https://other.example"],
        [*known, "--audience", BANK, "--at", "2100-01-01T00:00:00Z"],
        ["--ca", broker.ca, "--audience", BANK],
    ):
        coco.run("token", "verify", token, *wrong, code=4)
    # The other kind is for the broker, and for whoever else takes it.
    token.write_bytes(coco.run("attest", *guest[:-2], code=0).stdout)
    coco.run("token", "verify", token, *known, code=0)
    coco.run("token", "verify", token, *known, "--audience", BANK, code=4)


def test_keys_of_another_issuer_are_not_good(coco, broker, tmp_path):
    broker.trust_sample(broker.owner, broker.ca)
    token = coco.run("attest", "--kbs", broker.url, "--kbs-ca", broker.ca, "--tee", "sample", code=0).stdout
    others = json.loads(keys_of(broker))
    others["keys"][0]["x"] = base64.urlsafe_b64encode(bytes(32)).rstrip(b"=").decode()
    (tmp_path / "keys").write_text(json.dumps(others))
    coco.run("token", "verify", "--jwks", tmp_path / "keys", stdin=token, code=1)  # no point of the curve
    others["keys"][0] |= json.loads(keys_of(broker))["keys"][0] | {"kid": "other"}
    (tmp_path / "keys").write_text(json.dumps(others))
    refused = coco.run("token", "verify", "--jwks", tmp_path / "keys", stdin=token, code=4)
    assert b"is not trusted" in refused.stderr
    # An issuer whose certificate nobody knows, and one that is not there.
    coco.run("token", "verify", "--issuer", broker.url, stdin=token, code=4)
    coco.run("token", "verify", "--issuer", f"https://127.0.0.1:{free_port()}", stdin=token, code=5)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def test_claims_are_shown_as_they_were_signed(coco, keys, tmp_path):
    """Numbers with all their digits, and one line of them."""
    private, public = keys("ed25519")
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", public, "-outform", "DER"], check=True, capture_output=True
    ).stdout
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(der[-32:]).decode()}
    (tmp_path / "keys").write_text(json.dumps({"keys": [jwk]}))
    claims = (
        f'{{"exp": {int(time.time()) + 300}, "svn": 18446744073709551615, "one": 9007199254740993,\r\n'
        '"submods": {"cpu0": {"ear.status": "affirming"}}}'
    )
    signed = b64(b'{"alg":"EdDSA"}') + b"." + b64(claims.encode())
    (tmp_path / "signed").write_bytes(signed)
    signature = subprocess.run(
        ["openssl", "pkeyutl", "-sign", "-inkey", private, "-rawin", "-in", tmp_path / "signed"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    said = coco.run("token", "verify", "--jwks", tmp_path / "keys", "--json",
                    stdin=signed + b"." + b64(signature), code=0).stdout  # fmt: skip
    assert said.count(b"\n") == 1 and said.endswith(b"\n")
    assert json.loads(said) == json.loads(claims)


def test_wrong_command_lines_are_told(coco, tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    for args, code, words in (
        ([], 2, b"whose tokens are good?"),
        (["--issuer", "kbs"], 2, b"nobody's tokens are trusted"),
        (["--issuer", ""], 2, b"issuer"),
        (["--issuer", "https://me:hunter2@kbs.example"], 2, b"issuer is no address"),
        (["--issuer", "https://kbs.example", "--audience", ""], 2, b"audience"),
        (["--issuer", "https://kbs.example", "--accept", "good"], 2, b"--accept can be"),
        (["--issuer", "https://kbs.example", "--at", "noon"], 2, b"--at"),
        (["--jwks", tmp_path / "empty"], 1, b"empty"),
        (["--jwks", tmp_path / "none"], 6, b"none"),
        (["--ca", tmp_path / "empty"], 1, b"empty"),
        (["--issuer", "https://kbs.example", "--tls-ca", tmp_path / "empty"], 1, b"empty"),
    ):
        done = coco.run("token", "verify", *args, stdin=b"e30.e30.AAAA", code=code)
        assert words in done.stderr, done.stderr
    for text in (b"", b"x", b"a.b.c", b"e30.e30.AAAA.AAAA", b"\xff" * 100, b"a\0b"):
        coco.run("token", "verify", "--issuer", "https://kbs.example", stdin=text, code=1)
