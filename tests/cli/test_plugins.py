"""Plug-ins of coco-kbs: the real client, and OpenSSL and Python's cryptography as judges.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import datetime
import json
import shutil
import subprocess

import pytest

from daemon import PROGRAM, TIMEOUT_S, Daemon, admin_config, admin_token, environment

POLICY = """package policy
import rego.v1
default allow := false
allow if {
	data.plugin == "ca"
	data.method == "POST"
	every _, submod in input.submods { submod["ear.status"] == "affirming" }
}
"""
GUEST = ("--tee", "sample")


def openssl(*args, **how):
    return subprocess.run(["openssl", *args], capture_output=True, check=True, **how).stdout


def make_ca(folder):
    """Paths of a CA's chain, a root and what is below it, and of the key of the lower one."""
    names = {name: folder / name for name in ("root.key", "root.pem", "ca.key", "ca.csr", "ca.pem", "chain.pem")}
    for name in ("root.key", "ca.key"):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", names[name])
    openssl("req", "-x509", "-key", names["root.key"], "-subj", "/CN=Root", "-days", "2", "-out", names["root.pem"],
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
    openssl("req", "-new", "-key", names["ca.key"], "-subj", "/CN=Below", "-out", names["ca.csr"])
    extensions = folder / "extensions"
    extensions.write_text(
        "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    openssl("x509", "-req", "-in", names["ca.csr"], "-CA", names["root.pem"], "-CAkey", names["root.key"],
            "-CAcreateserial", "-days", "1", "-extfile", extensions, "-out", names["ca.pem"])  # fmt: skip
    names["chain.pem"].write_bytes(names["ca.pem"].read_bytes() + names["root.pem"].read_bytes())
    return names


def make_csr(folder, name="guest"):
    key, csr = folder / f"{name}.key", folder / f"{name}.csr"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    # What it asks for besides is not its to ask for.
    openssl("req", "-new", "-key", key, "-subj", "/CN=root", "-out", csr, "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "subjectAltName=DNS:kbs.example,URI:spiffe://example.org/admin")  # fmt: skip
    return key, csr


@pytest.fixture
def ca(tmp_path):
    return make_ca(tmp_path)


@pytest.fixture
def daemon(tmp_path, keys, ca):
    private, public = keys("ed25519")
    audit = tmp_path / "audit"
    daemon = Daemon(
        tmp_path,
        "[attestation_service]\nallow_sample = true\n"
        f'[audit]\npath = "{audit}"\n'
        f'[[plugins]]\nname = "ca"\ncertificate = "{ca["chain.pem"]}"\nprivate_key = "{ca["ca.key"]}"\n'
        'trust_domain = "example.org"\npath = "/tee/{/submods/cpu0/ear.status}/{tee-key}"\nduration_min = 30\n'
        + admin_config(public),
    )
    daemon.token = admin_token(private)
    daemon.owner = ["--kbs", daemon.url, "--kbs-admin-key", private]
    daemon.audit = audit
    yield daemon
    if daemon.process.poll() is None:
        daemon.stop()


def set_policy(coco, daemon, folder):
    (folder / "policy.rego").write_text(POLICY)
    done = coco.run("policy", "set", *daemon.owner, folder / "policy.rego")
    if b"policy engine" in done.stderr:
        pytest.skip("this build has no policy engine")
    assert done.returncode == 0, done.stderr


def test_nobody_gets_a_certificate_before_a_policy_says_so(coco, daemon, tmp_path):
    daemon.trust_sample(daemon.token)
    _, csr = make_csr(tmp_path)
    ask = ["resource", "get", "--kbs", daemon.url, *GUEST, "kbs+ca:///certificate", "--post", csr]
    assert coco.json(*ask, code=3)["id"] == "denied"
    assert daemon.ask("POST", "/ca/certificate", None, csr.read_bytes())[0] == 401
    assert daemon.ask("POST", "/ca/certificate", daemon.token, csr.read_bytes())[0] == 401


def test_certificates_are_what_others_take(coco, daemon, ca, tmp_path):
    x509 = pytest.importorskip("cryptography.x509")
    set_policy(coco, daemon, tmp_path)
    key, csr = make_csr(tmp_path)
    out, root = tmp_path / "cert.pem", tmp_path / "bundle.pem"
    ask = ["resource", "get", "--kbs", daemon.url, *GUEST, "kbs+ca:///certificate", "--post", csr, "-o", out]
    # Without reference values the evidence is good for nothing.
    assert coco.json(*ask, code=3)["id"] == "denied"
    daemon.trust_sample(daemon.token)
    coco.run(*ask, code=0)
    status, bundle = daemon.ask("GET", "/ca/bundle")
    assert status == 200 and bundle == ca["root.pem"].read_bytes()
    root.write_bytes(bundle)
    for purpose in ("sslclient", "sslserver"):
        said = openssl("verify", "-x509_strict", "-CAfile", root, "-untrusted", out, "-purpose", purpose, out)
        assert said.endswith(b": OK\n")
    blocks = out.read_bytes().split(b"-----BEGIN ")[1:]
    certs = [x509.load_pem_x509_certificate(b"-----BEGIN " + block) for block in blocks]
    assert [cert.subject.rfc4514_string() for cert in certs] == ["", "CN=Below"]
    leaf = certs[0]
    uris = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert uris.critical and len(list(uris.value)) == 1
    uri = uris.value.get_values_for_type(x509.UniformResourceIdentifier)[0]
    assert uri.startswith("spiffe://example.org/tee/affirming/")
    basic = leaf.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical and not basic.value.ca
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical and usage.value.digital_signature and not usage.value.key_cert_sign
    eku = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {oid._name for oid in eku} == {"serverAuth", "clientAuth"}
    lifetime = leaf.not_valid_after - leaf.not_valid_before
    assert datetime.timedelta(minutes=30) <= lifetime <= datetime.timedelta(minutes=32)
    assert openssl("x509", "-in", out, "-noout", "-pubkey") == openssl("pkey", "-in", key, "-pubout")
    assert_bound(leaf, uri)
    assert_on_record(daemon, leaf, uri)


def assert_bound(leaf, uri):
    """The extension has the thumbprint that is in the name."""
    bound = next(e.value.value for e in leaf.extensions if e.oid.dotted_string == "2.23.133.5.4.5")
    thumbprint = base64.urlsafe_b64decode(uri.rsplit("/", 1)[1] + "=")
    assert len(thumbprint) == 32 and bound.count(thumbprint) == 1
    # As others read DER: a SEQUENCE of two, with two digests of 32 bytes.
    parsed = openssl("asn1parse", "-inform", "DER", input=bound).decode()
    assert parsed.count("OBJECT            :sha256") == 2 and parsed.count("OCTET STRING") == 2


def assert_on_record(daemon, leaf, uri):
    daemon.stop()
    entries = [json.loads(line) for line in daemon.audit.read_text().splitlines()]
    issued = [entry for entry in entries if entry["event"] == "plugin" and entry["status"] == 200]
    assert [entry["note"] for entry in issued] == [f"serial {leaf.serial_number:032x} of {uri}"]
    assert issued[0]["who"] == uri.rsplit("/", 1)[1]


def test_hostile_requests_get_no_certificate(coco, daemon, tmp_path):
    set_policy(coco, daemon, tmp_path)
    daemon.trust_sample(daemon.token)
    key, csr = make_csr(tmp_path)
    der = openssl("req", "-in", csr, "-outform", "DER")
    cases = {
        "nothing": b"",
        "noise": bytes(range(256)),
        "another signature": der[:-1] + bytes([der[-1] ^ 1]),
        "cut": der[:-5],
        "more behind it": der + b"\0",
        "a key": key.read_bytes(),
        "large": b"\x30" * 40000,
    }
    for name, body in cases.items():
        said = coco.json(
            "resource", "get", "--kbs", daemon.url, *GUEST, "kbs+ca:///certificate", "--post", "-", stdin=body,
            code=None,
        )  # fmt: skip
        assert said["id"] == ("limit" if name == "large" else "malformed"), (name, said)
    # It goes on.
    coco.run("resource", "get", "--kbs", daemon.url, *GUEST, "kbs+ca:///certificate", "--post", csr, code=0)


def test_no_secret_of_the_ca_is_said(coco, daemon, ca, tmp_path):
    set_policy(coco, daemon, tmp_path)
    daemon.trust_sample(daemon.token)
    _, csr = make_csr(tmp_path)
    coco.run("resource", "get", "--kbs", daemon.url, *GUEST, "kbs+ca:///certificate", "--post", csr, code=0)
    daemon.stop()
    needle = ca["ca.key"].read_bytes().splitlines()[1][:32]
    for place in (daemon.log, daemon.audit.read_bytes(), daemon.output):
        assert needle not in place


def test_a_name_that_nobody_has_is_refused(tmp_path):
    (tmp_path / "kbs.toml").write_text('[[plugins]]\nname = "cas"\n')
    done = subprocess.run([PROGRAM, "-c", tmp_path / "kbs.toml"], env=environment(), capture_output=True, timeout=TIMEOUT_S)
    assert done.returncode == 1 and b"did you mean 'ca'?" in done.stderr


@pytest.fixture
def hsm(coco, tmp_path, monkeypatch):
    """The configuration of a plug-in whose token of SoftHSM has a key pair, made elsewhere."""
    if not shutil.which("softhsm2-util"):
        pytest.skip("softhsm2-util is not installed")
    if not coco.json("version")["features"]["pkcs11"]:
        pytest.skip("this build has no PKCS#11")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(f"directories.tokendir = {tmp_path}/tokens\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm.conf"))
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", tmp_path / "pair.pem")
    for args in (
        ["--init-token", "--free", "--label", "coco", "--so-pin", "0815", "--pin", "4711"],
        ["--import", tmp_path / "pair.pem", "--token", "coco", "--label", "kek", "--id", "01", "--pin", "4711"],
    ):
        subprocess.run(["softhsm2-util", *args], check=True, capture_output=True)
    return (
        '[[plugins]]\nname = "pkcs11"\nmodule = "/usr/lib/softhsm/libsofthsm2.so"\npin = "4711"\n'
        'lookup_label = "kek"\nrsa_mechanism = "RsaPkcsTest"\n'
    )


def test_secrets_stay_in_the_token(coco, hsm, keys, tmp_path):
    private, public = keys("ed25519")
    config = "[attestation_service]\nallow_sample = true\n" + hsm + admin_config(public)
    token = admin_token(private)
    daemon = Daemon(tmp_path, config)
    daemon.owner = ["--kbs", daemon.url, "--kbs-admin-key", private]
    get = ["resource", "get", "--kbs", daemon.url, *GUEST, "kbs+pkcs11:///resource/default/key/1"]
    secret = b"a secret with a NUL \0 in hardware"
    assert daemon.ask("POST", "/pkcs11/resource/default/key/1", token, secret)[0] == 200
    assert coco.json(*get, code=3)["id"] == "denied"
    (tmp_path / "allow.rego").write_text(POLICY.replace('"ca"', '"pkcs11"').replace('"POST"', '"GET"'))
    done = coco.run("policy", "set", *daemon.owner, tmp_path / "allow.rego")
    if b"policy engine" in done.stderr:
        pytest.skip("this build has no policy engine")
    daemon.trust_sample(token)
    assert coco.run(*get, code=0).stdout == secret
    daemon.stop()
    assert b"in hardware" not in daemon.log and b"4711" not in daemon.log

    # It outlives the KBS, and what OpenSSL decrypts with the key is what an owner had wrapped.
    daemon = Daemon(tmp_path, config)
    get[3] = daemon.url
    daemon.trust_sample(token)
    coco.run("policy", "set", "--kbs", daemon.url, "--kbs-admin-key", private, tmp_path / "allow.rego", code=0)
    assert coco.run(*get, code=0).stdout == secret
    status, wrapped = daemon.ask("POST", "/pkcs11/wrap-key", token, b"a key")
    assert status == 200
    (tmp_path / "wrapped").write_bytes(wrapped)
    assert b"a key" == openssl("pkeyutl", "-decrypt", "-inkey", tmp_path / "pair.pem", "-in", tmp_path / "wrapped",
                               "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha1")  # fmt: skip
    assert daemon.ask("DELETE", "/pkcs11/resource/default/key/1", token)[0] == 200
    assert coco.json(*get, code=6)["id"] == "not-found"
    daemon.stop()
