"""Trustee's KBS asked by coco, and coco-kbs asked by Trustee's client: the real programs.

COCO_UPSTREAM_KBS is its `kbs`, built with the verifier of samples (--no-default-features --features
coco-as-builtin-no-verifier will do), COCO_UPSTREAM_CLIENT its `kbs-client`, built with the sample attester.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import daemon  # noqa: E402
from layout import Layout  # noqa: E402

KBS = os.environ.get("COCO_UPSTREAM_KBS", "")
CLIENT = os.environ.get("COCO_UPSTREAM_CLIENT", "")
SECRET = bytes(range(200))
AFFIRMING = b"""package policy
import rego.v1
default allow := false
allow if {
    count(input.submods) > 0
    every _, submod in input.submods { submod["ear.status"] == "affirming" }
}
"""
TIMEOUT_S = 60

if not KBS and not CLIENT:
    pytest.skip("COCO_UPSTREAM_KBS and COCO_UPSTREAM_CLIENT name no program", allow_module_level=True)


@pytest.fixture
def admin(tmp_path):
    """An owner's key pair, Ed25519."""
    private, public = tmp_path / "admin.key", tmp_path / "admin.pub"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
    return private, public


def run(program, *args, code=0, **variables):
    done = subprocess.run(
        [program, *map(str, args)], env=daemon.environment() | variables, capture_output=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
    return done.stdout


# ---- their server ----


def upstream_config(folder, public, port):
    return f"""
[http_server]
insecure_http = true
sockets = ["127.0.0.1:{port}"]
[attestation_token]
insecure_header_jwk = true
[attestation_service]
type = "coco_as_builtin"
[attestation_service.attestation_token_broker]
duration_min = 5
[attestation_service.rvps_config]
type = "BuiltIn"
[storage_backend]
storage_type = "LocalFs"
[storage_backend.backends.local_fs]
dir_path = "{folder}/storage"
[[plugins]]
name = "resource"
storage_backend_type = "kvstorage"
{daemon.admin_config(f"file://{public}")}
"""


def is_there(url):
    try:
        urllib.request.urlopen(url, timeout=1).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@pytest.fixture
def upstream(tmp_path, admin):
    if not KBS:
        pytest.skip("COCO_UPSTREAM_KBS names no program")
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    (tmp_path / "kbs.toml").write_text(upstream_config(tmp_path, admin[1], port))
    with (tmp_path / "kbs.log").open("wb") as log:
        server = subprocess.Popen([KBS, "--config-file", tmp_path / "kbs.toml"], stdout=log, stderr=log, cwd=tmp_path)
    end = time.monotonic() + TIMEOUT_S
    while not is_there(f"http://127.0.0.1:{port}/"):
        assert server.poll() is None and time.monotonic() < end, (tmp_path / "kbs.log").read_text()
    yield f"http://127.0.0.1:{port}"
    server.kill()
    server.wait()


@pytest.fixture
def ask(upstream, admin):
    """ask(args…) runs coco as a guest, ask(args…, owner=True) as the owner."""

    def start(*args, owner=False, code=0):
        who = ["--kbs-admin-key", admin[0]] if owner else ["--tee", "sample"]
        return run(os.environ["COCO"], *args, "--kbs", upstream, *who, code=code)

    return start


def test_a_guest_of_ours_gets_what_their_policy_lets_it_have(ask, tmp_path):
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "policy").write_bytes(AFFIRMING)
    (tmp_path / "values").write_text(json.dumps(daemon.REFERENCES))
    ask("resource", "put", "kbs:///default/key/one", tmp_path / "secret", owner=True)
    ask("policy", "set", tmp_path / "policy", owner=True)
    ask("resource", "get", "kbs:///default/key/one", code=3)
    ask("rv", "put", tmp_path / "values", owner=True)
    assert ask("resource", "get", "kbs:///default/key/one") == SECRET
    assert ask("resource", "get", "kbs:///default/key/one?who=me") == SECRET
    ask("resource", "rm", "kbs:///default/key/one", owner=True)
    ask("resource", "get", "kbs:///default/key/one", code=6)


def test_a_token_of_theirs_says_what_ours_does(ask):
    header, claims, _ = ask("attest").decode().strip().split(".")
    read = lambda part: json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))  # noqa: E731
    assert read(header)["alg"] == "ES256"
    assert read(claims)["submods"]["cpu0"]["ear.status"] in ("contraindicated", "warning", "affirming", "none")


def test_an_image_is_opened_by_a_key_that_they_keep(ask, tmp_path):
    files = {"etc/file": b"content\n" * 1000}
    plain, sealed = Layout(tmp_path / "plain"), Layout(tmp_path / "sealed")
    plain.add_image("app", [files])
    (tmp_path / "policy").write_bytes(b"package policy\nallow := true\n")
    ask("policy", "set", tmp_path / "policy", owner=True)
    ask("image", "encrypt", "--kbs-path", "default/key/image", plain.ref("app"), sealed.ref("app"), owner=True)
    ask("image", "pull", "--insecure-policy", "accept-anything", sealed.ref("app"), tmp_path / "bundle")
    assert (tmp_path / "bundle/rootfs/etc/file").read_bytes() == files["etc/file"]


# ---- their client ----


@pytest.fixture
def ours(tmp_path, admin):
    if not CLIENT:
        pytest.skip("COCO_UPSTREAM_CLIENT names no program")
    config = "[attestation_service]\nallow_sample = true\n" + daemon.admin_config(f"file://{admin[1]}")
    server = daemon.Daemon(tmp_path, config)
    (tmp_path / "token").write_text(daemon.admin_token(admin[0]))
    yield server
    server.stop()


@pytest.fixture
def tell(ours, tmp_path):
    """tell(args…) runs kbs-client as the owner."""

    def start(*args, code=0):
        return run(CLIENT, "--url", ours.url, "config", "--admin-token-file", tmp_path / "token", *args, code=code)

    return start


def test_a_guest_of_theirs_gets_what_our_policy_lets_it_have(ours, tell, tmp_path):
    def get(path, *args, code=0):
        told = run(CLIENT, "--url", ours.url, "get-resource", "--path", path, *args, code=code, RUST_LOG="off")
        return base64.b64decode(told.split()[-1]) if code == 0 else told

    (tmp_path / "secret").write_bytes(SECRET)
    tell("set-resource", "--path", "default/key/one", "--resource-file", tmp_path / "secret")
    tell("set-resource-policy", "--affirming")
    get("default/key/one", code=1)
    for name, values in daemon.REFERENCES.items():
        single = [] if isinstance(values, list) else ["--as-integer", "--as-single-value"]
        tell("set-sample-reference-value", *single, name, values[0] if isinstance(values, list) else values)
    assert get("default/key/one") == SECRET
    tell("set-resource-policy", "--deny-all")
    get("default/key/one", code=1)
    tell("set-resource-policy", "--allow-all")
    assert get("default/key/one") == SECRET
    tell("delete-resource", "--path", "default/key/one")
    get("default/key/one", code=1)


# As its client reads them: PKCS#1 and PKCS#8.
MAKERS = {"rsa": ["genrsa", "-traditional"], "ec": ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_token_of_ours_is_a_passport(ours, tell, tmp_path, kind):
    key, token = tmp_path / "tee.key", tmp_path / "passport"
    subprocess.run(["openssl", *MAKERS[kind], "-out", key], check=True, capture_output=True)
    (tmp_path / "secret").write_bytes(SECRET)
    tell("set-resource", "--path", "default/key/one", "--resource-file", tmp_path / "secret")
    tell("set-resource-policy", "--allow-all")
    told = run(CLIENT, "--url", ours.url, "attest", "--tee-key-file", key, RUST_LOG="off")
    token.write_bytes(told.split()[-1])
    got = run(CLIENT, "--url", ours.url, "get-resource", "--path", "default/key/one", "--tee-key-file", key,
              "--attestation-token", token, RUST_LOG="off")  # fmt: skip
    assert base64.b64decode(got.split()[-1]) == SECRET
