"""Sealed secrets: sealed by an owner, unsealed by a guest.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import json
import os
import signal
import subprocess

import pytest

from conftest import needs
from daemon import Daemon

SECRET = b"known to owner and guest alone"
URI = "kbs:///db/password/1"
KID = "kbs:///keys/sealing/owner"
BROKER = """
[admin]
authorization_mode = "AuthenticatedAuthorization"
[[admin.authentication.bearer_jwt.identity_providers]]
public_key_uri = "%s"
[[admin.authorization.regex_acl.acls]]
role = "admin"
allowed_endpoints = "^/kbs/.*$"
"""


@pytest.fixture
def signer(keys):
    return keys("ec", "sealing")


@pytest.fixture
def guest(coco, broker, owner, signer):
    """Options of a guest whose broker has the secret, and the key that signs."""
    coco.run("resource", "put", *owner, "db/password/1", stdin=SECRET, code=0)
    coco.run("resource", "put", *owner, "keys/sealing/owner", signer[1], code=0)
    return ["--kbs", broker.url, "--tee", "sample"]


@pytest.fixture
def sealed(coco, signer):
    return coco.run("secret", "seal", URI, "--kid", KID, "--sign-key", signer[0], code=0).stdout


def test_what_is_sealed_is_unsealed(coco, guest, sealed, tmp_path):
    assert sealed.startswith(b"sealed.") and SECRET not in sealed
    (tmp_path / "sealed").write_bytes(sealed)
    assert coco.run("secret", "unseal", *guest, tmp_path / "sealed", code=0).stdout == SECRET
    coco.run("secret", "unseal", *guest, "-o", tmp_path / "secret", stdin=sealed, code=0)
    assert (tmp_path / "secret").read_bytes() == SECRET
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_it_is_told_what_is_in_it(coco, signer, sealed, tmp_path):
    (tmp_path / "sealed").write_bytes(sealed)
    told = coco.json("secret", "inspect", tmp_path / "sealed")
    assert told["kid"] == KID and told["name"] == URI and told["type"] == "vault"
    text = coco.run("secret", "inspect", stdin=sealed, code=0).stdout.decode()
    assert f"signed    ES256 by {KID} (not verified)" in text
    text = coco.json("secret", "seal", "x", "--kid", "k", "--sign-key", signer[0], "--provider", "aws",
                     "--provider-settings", '{"region": "r"}', "--annotations", '{"v": 1}')["sealed"]
    (tmp_path / "sealed").write_text(text)
    told = coco.json("secret", "inspect", tmp_path / "sealed")
    assert told["provider_settings"] == {"region": "r"} and told["annotations"] == {"v": 1}


def test_what_does_not_hold_is_refused(coco, guest, sealed, keys, tmp_path):
    other = keys("ec", "another")
    forged = coco.run("secret", "seal", URI, "--kid", KID, "--sign-key", other[0], code=0).stdout
    coco.run("secret", "unseal", *guest, stdin=forged, code=4)
    coco.run("secret", "unseal", *guest, "--owner-key", other[1], stdin=sealed, code=4)
    assert coco.run("secret", "unseal", *guest, "--owner-key", other[1], stdin=forged, code=0).stdout == SECRET
    coco.run("secret", "unseal", *guest, "--key-prefix", "kbs:///db/", stdin=sealed, code=3)
    coco.run("secret", "unseal", stdin=sealed, code=6)
    coco.run("secret", "unseal", *guest, stdin=b"sealed.x.y.z", code=1)
    coco.run("secret", "unseal", *guest, stdin=sealed[:-9] + b"\0" + sealed[-8:], code=1)


def test_what_nobody_signed_must_be_allowed(coco, guest):
    payload = {"version": "0.1.0", "type": "vault", "name": URI, "provider": "kbs"}
    text = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=")
    text = b"sealed.fakejwsheader." + text + b".fakesignature\n"
    assert coco.json("secret", "unseal", *guest, stdin=text, code=3)["id"] == "denied"
    assert coco.run("secret", "unseal", *guest, "--allow-unsigned", stdin=text, code=0).stdout == SECRET
    assert b"signed    by nobody" in coco.run("secret", "inspect", stdin=text, code=0).stdout


def test_an_envelope_needs_who_wraps(coco, signer):
    seal = ["secret", "seal", "--kid", "k", "--sign-key", signer[0], "--wrap-key", "kek"]
    coco.run(*seal, stdin=SECRET, code=2)
    coco.run(*seal, "--provider", "hsm", stdin=SECRET, code=2)
    done = coco.run(*seal, "--provider", "hsm=sample_kbc::", stdin=SECRET, code=7)
    assert b"sample_kbc has no keys" in done.stderr
    coco.run("secret", "seal", "--kid", "k", "--sign-key", signer[0], code=2)


def test_a_key_made_by_openssl_is_one(coco, signer):
    """The command that the manual tells of."""
    text = subprocess.run(["openssl", "pkey", "-in", signer[0], "-noout", "-text"], check=True,
                          capture_output=True, text=True).stdout  # fmt: skip
    assert "prime256v1" in text


@pytest.fixture
def token(coco, tmp_path, monkeypatch):
    """A KBC of SoftHSM, whose token has the AES key "kek"."""
    needs("softhsm2-util")
    if not coco.json("version")["features"]["pkcs11"]:
        pytest.skip("this build has no PKCS#11")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(f"directories.tokendir = {tmp_path}/tokens\n")
    (tmp_path / "pin").write_text("4711\n")
    (tmp_path / "aes").write_bytes(b"0123456789abcdef" * 2)
    env = {"SOFTHSM2_CONF": str(tmp_path / "softhsm.conf")}
    for args in (
        ["--init-token", "--free", "--label", "coco", "--so-pin", "0815", "--pin", "4711"],
        ["--import", tmp_path / "aes", "--aes", "--token", "coco", "--label", "kek", "--id", "01", "--pin", "4711"],
    ):
        subprocess.run(["softhsm2-util", *args], env=env, check=True, capture_output=True)
    module = "/usr/lib/softhsm/libsofthsm2.so"
    return f"hsm=pkcs11_kbc::pkcs11:token=coco?module-path={module}&pin-source=file:{tmp_path}/pin", env


def test_a_database_is_opened_by_the_token_alone(coco, serve, keys, token, tmp_path):
    """What was sealed with a key in a file goes on with the same key, in no file any more."""
    provider, env = token
    private, public = keys("ed25519")
    config, key = tmp_path / "kbs.toml", tmp_path / "key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    plain = (
        BROKER % public
        + f'[storage_backend]\nstorage_type = "Sqlite"\nbackends = {{sqlite = {{path = "{tmp_path}/kbs.db"}}}}\n'
        + f'[storage_backend.seal]\nkey_file = "{key}"\n'
    )
    config.write_text(plain)
    broker = serve("--config", config, "--listen", "127.0.0.1:0")
    coco.run("resource", "put", "--kbs", broker.url, "--kbs-admin-key", private, "a/key/1", stdin=SECRET, code=0)
    broker.stop()
    coco.run("kbs", "wrap-key", "--config", config, "-o", key, code=2)  # no token
    config.write_text(plain + f'pkcs11 = "{provider.partition("::")[2]}"\npkcs11_key = "kek"\n')
    coco.run("kbs", "wrap-key", "--config", config, code=2)
    coco.run("kbs", "wrap-key", "--config", config, key, "-o", tmp_path / "wrapped", code=0, **env)
    (tmp_path / "wrapped").rename(key)
    broker = serve("--config", config, "--listen", "127.0.0.1:0", **env)
    owner = ["--kbs", broker.url, "--kbs-admin-key", private]
    assert coco.json("resource", "ls", *owner) == ["a/key/1"]
    coco.run("resource", "put", *owner, "a/key/2", stdin=SECRET, code=0)
    broker.stop()
    config.write_text(plain)
    coco.run("kbs", "serve", "--config", config, code=1)


LISTEN = '[http_server]\nsockets = ["127.0.0.1:0"]\ninsecure_http = true\n'


@pytest.fixture
def tpm(tmp_path):
    """A TPM in a process of its own, as tpm2-tss names it."""
    needs("swtpm")
    state = tmp_path / "tpm"
    state.mkdir()
    subprocess.run(
        ["swtpm", "socket", "--daemon", "--tpm2", "--tpmstate", f"dir={state}", "--server",
         f"type=unixio,path={state}/sock", "--ctrl", f"type=unixio,path={state}/sock.ctrl",
         "--pid", f"file={state}/pid", "--flags", "not-need-init,startup-clear"],
        check=True, capture_output=True,
    )  # fmt: skip
    yield f"swtpm:path={state}/sock"
    os.kill(int((state / "pid").read_text()), signal.SIGTERM)


def test_a_database_is_opened_by_the_tpm_alone(coco, serve, keys, tpm, tmp_path):
    """Its daemon's key is in no file and no configuration."""
    private, public = keys("ed25519")
    config, key = tmp_path / "kbs.toml", tmp_path / "key"

    def configure(seal):
        config.write_text(
            BROKER % public
            + f'[storage_backend]\nstorage_type = "Sqlite"\nbackends = {{sqlite = {{path = "{tmp_path}/kbs.db"}}}}\n'
            + f'[storage_backend.seal]\nkey_file = "{key}"\n{seal}'
        )

    configure(f'tpm = "{tpm}"\ntpm_pcrs = "7,x"\n')
    coco.run("kbs", "wrap-key", "--config", config, "-o", key, code=1)
    configure(f'tpm = "{tpm}"\ntpm_pcrs = "7,11"\n')
    done = coco.run("kbs", "wrap-key", "--config", config, "-o", key)
    if b"build has no TPM" in done.stderr:
        pytest.skip("this build has no TPM")
    assert done.returncode == 0, done.stderr
    daemon = Daemon(tmp_path, LISTEN + config.read_text())
    owner = ["--kbs", daemon.url, "--kbs-admin-key", private]
    coco.run("resource", "put", *owner, "a/key/1", stdin=SECRET, code=0)
    daemon.stop()
    assert SECRET not in (tmp_path / "kbs.db").read_bytes()
    broker = serve("--config", config, "--listen", "127.0.0.1:0")
    assert coco.json("resource", "ls", "--kbs", broker.url, "--kbs-admin-key", private) == ["a/key/1"]
    broker.stop()
    configure("")
    coco.run("kbs", "serve", "--config", config, code=8)


def test_an_envelope_is_opened_by_the_token_alone(coco, signer, token, tmp_path):
    provider, env = token
    seal = ["secret", "seal", "--kid", "owner", "--sign-key", signer[0], "--provider", provider]
    sealed = coco.run(*seal, "--wrap-key", "kek", stdin=SECRET, code=0, **env).stdout
    assert SECRET not in sealed
    told = coco.run("secret", "inspect", stdin=sealed, code=0).stdout.decode()
    assert "provider  hsm" in told and "key_id    kek" in told and f"bytes     {len(SECRET)}" in told
    unseal = ["secret", "unseal", "--owner-key", signer[1]]
    assert coco.run(*unseal, "--provider", provider, stdin=sealed, code=0, **env).stdout == SECRET
    coco.run(*unseal, stdin=sealed, code=7)
    coco.run(*seal, "--wrap-key", "other", stdin=SECRET, code=6, **env)
    (tmp_path / "pin").write_text("1234\n")
    coco.run(*unseal, "--provider", provider, stdin=sealed, code=3, **env)
