"""Every way to wrap a layer's key, there and here and back: skopeo, buildah, and the module they are made of.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization

from conftest import needs
from gpg import Gpg
from layout import Layout
from test_image import ANYTHING, assert_unpacked, is_encrypted

MODULE = pathlib.Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "4711-0815"
PROVIDER = pathlib.Path(__file__).parent.parent / "ocicrypt/provider_peer.py"


def must(args, **kwargs):
    done = subprocess.run(list(map(str, args)), capture_output=True, text=True, check=False, **kwargs)
    assert done.returncode == 0, (args, done.stdout, done.stderr)
    return done.stdout


# ---- counterparts: encrypt and decrypt the image "app" of one layout into another


class Skopeo:
    schemes = {"jwe", "pkcs7", "pgp"}

    def __init__(self, _):
        needs("skopeo")

    def encrypt(self, source, target, recipients, env):
        must(["skopeo", "copy", "--insecure-policy", *(f"--encryption-key={r}" for r in recipients), source.ref("app"),
              target.ref("app")], env=env)

    def decrypt(self, source, target, keys, env):
        must(["skopeo", "copy", "--insecure-policy", *(f"--decryption-key={k}" for k in keys), source.ref("app"),
              target.ref("app")], env=env)


class Buildah:
    schemes = {"jwe", "pkcs7", "pgp"}

    def __init__(self, top):
        needs("buildah")
        self.top = top
        (top / "policy.json").write_text('{"default":[{"type":"insecureAcceptAnything"}]}')

    def run(self, env, *args):
        return must(["buildah", "--root", self.top / "root", "--runroot", self.top / "run", "--storage-driver", "vfs", *args],
                    env=env)

    def copy(self, source, target, pull, push, env):
        policy = ["--signature-policy", self.top / "policy.json"]
        image = self.run(env, "pull", "--quiet", *policy, *pull, source.ref("app")).strip()
        self.run(env, "push", "--quiet", "--format", "oci", *policy, *push, image, target.ref("app"))
        self.run(env, "rmi", "--force", image)

    def encrypt(self, source, target, recipients, env):
        push = [word for r in recipients for word in ("--encryption-key", r)]
        self.copy(source, target, [], push, env)

    def decrypt(self, source, target, keys, env):
        pull = [word for k in keys for word in ("--decryption-key", k)]
        self.copy(source, target, pull, [], env)


def build(top, package):
    """A program of tests/interop, or no test."""
    done = subprocess.run(
        [needs("go"), "build", "-o", top / "peer", package], cwd=pathlib.Path(__file__).parent.parent / "interop",
        env=os.environ | {"GOPROXY": "off", "GOFLAGS": "-mod=readonly"}, capture_output=True, text=True, check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"the modules of tests/interop are not here: {done.stderr[:200]}")
    return top / "peer"


class Module:
    """github.com/containers/ocicrypt by itself, which knows what Debian's tools do not."""

    schemes = {"jwe", "pkcs7", "pgp", "pkcs11", "provider"}

    def __init__(self, top):
        self.peer = build(top, ".")

    def encrypt(self, source, target, recipients, env):
        must([self.peer, "encrypt", source.path, target.path, *recipients], env=env)

    def decrypt(self, source, target, keys, env):
        must([self.peer, "decrypt", source.path, target.path, *keys], env=env)


class Imgcrypt:
    """containerd's imgcrypt, by itself: it changes the images of a content store, which a copy of the layout is here."""

    schemes = {"jwe", "pkcs7", "pgp", "provider"}

    def __init__(self, top):
        self.peer = build(top, "./imgcrypt")

    def change(self, what, source, target, who, env):
        shutil.copytree(source.path, target.path, dirs_exist_ok=True)
        must([self.peer, what, target.path, *who], env=env)

    def encrypt(self, source, target, recipients, env):
        self.change("encrypt", source, target, recipients, env)

    def decrypt(self, source, target, keys, env):
        self.change("decrypt", source, target, keys, env)


# ---- keys: whom it is for, what opens it, and what both sides' environment says


class Keys:
    def __init__(self, recipients, openers, ours=(), env=None):
        self.recipients, self.openers, self.ours, self.env = recipients, openers, list(ours), env or {}


def jwe(top, kind):
    options = {"rsa": ["RSA", "rsa_keygen_bits:3072"], "p256": ["EC", "ec_paramgen_curve:P-256"],
               "p384": ["EC", "ec_paramgen_curve:P-384"], "p521": ["EC", "ec_paramgen_curve:P-521"]}[kind]
    must(["openssl", "genpkey", "-algorithm", options[0], "-pkeyopt", options[1], "-out", top / f"{kind}.pem"])
    must(["openssl", "pkey", "-in", top / f"{kind}.pem", "-pubout", "-out", top / f"{kind}.pub"])
    return Keys([f"jwe:{top}/{kind}.pub"], [f"{top}/{kind}.pem"])


def several(top):
    all_of = [jwe(top, kind) for kind in ("rsa", "p256")]
    return Keys([all_of[0].recipients[0], all_of[1].recipients[0]], all_of[1].openers)


def pkcs7(top):
    must(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", top / "key.pem", "-out", top / "cert.pem",
          "-subj", "/CN=a", "-days", "2"])
    return Keys([f"pkcs7:{top}/cert.pem"], [f"{top}/key.pem", f"{top}/cert.pem"])


@pytest.fixture(scope="module")
def gpg(tmp_path_factory):
    with Gpg(tmp_path_factory.mktemp("gpg") / "home") as home:
        home.add("ann")
        home.add("ben")
        yield home


def pgp(gpg):
    return Keys(["pgp:ann@example.org", "pgp:ben"], [f"{gpg.home}/ben.sec"],
                ["--keyring", gpg.home / "ann.pub", "--keyring", gpg.home / "ben.pub"], {"GNUPGHOME": str(gpg.home)})


def pkcs11(top):
    """A pair of keys in a token: to wrap to its public half as a file, and by the token itself."""
    if not MODULE.exists():
        pytest.skip("no SoftHSM")
    (top / "tokens").mkdir()
    (top / "softhsm.conf").write_text(f"directories.tokendir = {top}/tokens\nlog.level = ERROR\n")
    env = {"SOFTHSM2_CONF": str(top / "softhsm.conf"), "OCICRYPT_OAEP_HASHALG": "sha1"}
    both = os.environ | env
    must(["softhsm2-util", "--init-token", "--free", "--label", "coco", "--pin", PIN, "--so-pin", PIN], env=both)
    must(["openssl", "genrsa", "-out", top / "pair.pem", "2048"])
    must(["openssl", "pkcs8", "-topk8", "-nocrypt", "-in", top / "pair.pem", "-out", top / "pair.p8"])
    must(["openssl", "pkey", "-in", top / "pair.pem", "-pubout", "-out", top / "pair.pub"])
    must(["softhsm2-util", "--import", top / "pair.p8", "--token", "coco", "--label", "pair", "--id", "a1b2", "--pin", PIN],
         env=both)
    (top / "key.yaml").write_text(
        f"pkcs11:\n  uri: pkcs11:token=coco;object=pair;id=%a1%b2?module-path={MODULE}&pin-value={PIN}\n"
        f"module:\n  env:\n    SOFTHSM2_CONF: {top}/softhsm.conf\n")
    (top / "ocicrypt.conf").write_text(
        f"pkcs11:\n  module-directories:\n  - {MODULE.parent}/\n  allowed-module-paths:\n  - {MODULE}\n")
    return Keys([f"pkcs11:{top}/pair.pub", f"pkcs11:{top}/key.yaml"], [f"{top}/key.yaml"],
                env={"OCICRYPT_OAEP_HASHALG": "sha1", "OCICRYPT_CONFIG": str(top / "ocicrypt.conf")})


def provider(top):
    (top / "providers.json").write_text(json.dumps(
        {"key-providers": {"acme": {"cmd": {"path": "/usr/bin/python3", "args": [str(PROVIDER), "cmd"]}}}}))
    return Keys(["provider:acme:a=b"], ["provider:acme:a=b"],
                env={"OCICRYPT_KEYPROVIDER_CONFIG": str(top / "providers.json")})


SCHEMES = ["jwe-rsa", "jwe-p256", "jwe-p384", "jwe-p521", "jwe-several", "pkcs7", "pgp", "pkcs11", "provider"]
PAIRS = [(other, scheme) for other in (Skopeo, Buildah, Module, Imgcrypt) for scheme in SCHEMES
         if scheme.split("-")[0] in other.schemes]


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """Each counterpart, made when it is first asked for."""
    made = {}

    def get(kind):
        if kind not in made:
            made[kind] = kind(tmp_path_factory.mktemp(kind.__name__))
        return made[kind]

    return get


def needs_feature(coco, scheme):
    name = {"pgp": "openpgp", "pkcs11": "pkcs11"}.get(scheme)
    if name and not coco.json("version")["features"][name]:
        pytest.skip(f"this build has no {name}")


@pytest.fixture(params=PAIRS, ids=[f"{other.__name__.lower()}-{scheme}" for other, scheme in PAIRS])
def pair(request, coco, others, tmp_path, gpg):
    """A counterpart, and keys of one of its schemes."""
    kind, name = request.param
    scheme, _, variant = name.partition("-")
    needs_feature(coco, scheme)
    if variant:
        keys = several(tmp_path) if variant == "several" else jwe(tmp_path, variant)
    else:
        keys = pgp(gpg) if scheme == "pgp" else {"pkcs7": pkcs7, "pkcs11": pkcs11, "provider": provider}[scheme](tmp_path)
    return others(kind), keys


def pull(coco, layout, keys, bundle, **kwargs):
    given = [word for key in keys.openers for word in ("--key", key)]
    return coco.run("image", "pull", *ANYTHING, *given, layout.ref("app"), bundle, **kwargs, **keys.env)


def test_encrypted_there_and_opened_here(coco, layout, pair, tmp_path):
    other, keys = pair
    theirs = Layout(tmp_path / "theirs")
    other.encrypt(layout, theirs, keys.recipients, os.environ | keys.env)
    assert is_encrypted(theirs, "app") == [True, True]
    pull(coco, theirs, keys, tmp_path / "bundle", code=0)
    assert_unpacked(tmp_path / "bundle")


def test_encrypted_here_and_opened_there(coco, layout, pair, tmp_path):
    other, keys = pair
    ours, opened = Layout(tmp_path / "ours"), Layout(tmp_path / "opened")
    to = [word for recipient in keys.recipients for word in ("--recipient", recipient)]
    coco.run("image", "encrypt", *keys.ours, *to, layout.ref("app"), ours.ref("app"), code=0, **keys.env)
    assert is_encrypted(ours, "app") == [True, True]
    other.decrypt(ours, opened, keys.openers, os.environ | keys.env)
    assert is_encrypted(opened, "app") == [False, False]
    coco.run("image", "pull", *ANYTHING, opened.ref("app"), tmp_path / "bundle", code=0)
    assert_unpacked(tmp_path / "bundle")


@pytest.mark.parametrize("alg", ["ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW", "RSA-OAEP", "RSA-OAEP-256"])
def test_a_jwk_chooses_how_keys_are_wrapped_to_it(coco, layout, others, tmp_path, alg):
    keys, theirs = jwe(tmp_path, "rsa" if alg[0] == "R" else "p256"), Layout(tmp_path / "theirs")
    public = serialization.load_pem_public_key(pathlib.Path(keys.recipients[0][4:]).read_bytes()).public_numbers()
    members = {"kty": "EC", "crv": "P-256"} if alg[0] == "E" else {"kty": "RSA"}
    for name in ("x", "y") if alg[0] == "E" else ("n", "e"):
        value = getattr(public, name)
        data = value.to_bytes(32 if alg[0] == "E" else (value.bit_length() + 7) // 8, "big")
        members[name] = base64.urlsafe_b64encode(data).decode().rstrip("=")
    (tmp_path / "key.jwk").write_text(json.dumps(members | {"alg": alg}))
    others(Module).encrypt(layout, theirs, [f"jwe:{tmp_path}/key.jwk"], os.environ)
    blob = theirs.manifest("app")["layers"][0]["annotations"]["org.opencontainers.image.enc.keys.jwe"]
    header = json.loads(base64.b64decode(blob))["protected"]
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["alg"] == alg
    pull(coco, theirs, keys, tmp_path / "bundle", code=0)
    assert_unpacked(tmp_path / "bundle")
