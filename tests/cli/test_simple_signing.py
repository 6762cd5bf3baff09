"""Simple signing: skopeo and gpg sign, coco verifies; in lookasides, registries that keep signatures, directories.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import http.server
import json
import os
import pathlib
import subprocess
import threading
import urllib.request

import pytest

from conftest import needs
from signing import checks, policy  # noqa: F401
from test_signatures import image, verify  # noqa: F401
from vectors import recorded_image

ALL_HOLD = [(name, True) for name in ("signature", "payload", "image", "identity")]


@pytest.fixture(scope="session")
def gpg(tmp_path_factory):
    """gpg(args…) in a home of its own, with the keys signer@ and other@example.test."""
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    program = needs("gpg")

    def run(*args, stdin=None):
        return subprocess.run(
            [program, "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", *args],
            check=True, capture_output=True, input=stdin,
        ).stdout  # fmt: skip

    run.home = home
    for who in ("signer", "other"):
        run("--quick-generate-key", f"{who}@example.test", "rsa2048", "sign", "never")
        (home / f"{who}.asc").write_bytes(run("--armor", "--export", f"{who}@example.test"))
        (home / f"{who}.gpg").write_bytes(run("--export", f"{who}@example.test"))
    yield run
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)


def signed_by(gpg, who="signer", **members):
    members = members or {"keyPath": f"{gpg.home}/{who}.gpg"}
    return {"type": "signedBy", "keyType": "GPGKeys"} | members


@pytest.fixture
def store(tmp_path):
    """store(url) writes a registries.d with that lookaside, and gives its options."""

    def write(url, keyword="lookaside", scope=None, **more):
        folder = tmp_path / "registries.d"
        folder.mkdir(exist_ok=True)
        place = {keyword: str(url)} | more
        lines = "".join(f"    {name}: {value}\n" for name, value in place.items())
        head = f"docker:\n  {scope}:\n" if scope else "default-docker:\n"
        (folder / "one.yaml").write_text(head + (lines if scope else lines.replace("    ", "  ")))
        return ["--registries-d", folder]

    return write


def skopeo_sign(gpg, image, folder, who="signer@example.test", **more):
    """Copies the image onto itself, signed, as people do; its signatures go to folder."""
    config = folder.parent / f"{folder.name}.registries.d"
    config.mkdir(exist_ok=True)
    # Debian's skopeo knows the older keyword only.
    (config / "default.yaml").write_text(f"default-docker:\n  sigstore-staging: file://{folder}\n")
    subprocess.run(
        [needs("skopeo"), "--insecure-policy", "--registries.d", config, "copy", "--src-tls-verify=false",
         "--dest-tls-verify=false", "--sign-by", who, f"docker://{image}", f"docker://{more.get('to', image)}"],
        check=True, capture_output=True, env=os.environ | {"GNUPGHOME": str(gpg.home)},
    )  # fmt: skip


@pytest.fixture
def signed(gpg, image, tmp_path):
    """The directory of the lookaside in which the image's signature is."""
    folder = tmp_path / "lookaside"
    folder.mkdir()
    skopeo_sign(gpg, image, folder)
    return folder


def signature_in(folder):
    return next(folder.rglob("signature-1"))


def test_what_skopeo_signs_is_accepted(coco, gpg, policy, image, signed, store, tmp_path):
    options = store(f"file://{signed}")
    found = verify(coco, policy(signed_by(gpg)), image, *options)
    assert found["accepted"] and checks(found) == ALL_HOLD
    path = policy(signed_by(gpg))
    coco.run("image", "pull", "--plain-http", "--policy", path, *options, image, tmp_path / "bundle", code=0)
    other = policy(signed_by(gpg, "other"))
    coco.run("image", "pull", "--plain-http", "--policy", other, *options, image, tmp_path / "none", code=3)
    assert not (tmp_path / "none").exists()


def test_keys_are_given_in_every_form(coco, gpg, policy, image, signed, store):
    options = store(f"file://{signed}/", keyword="sigstore")
    armored = (gpg.home / "signer.asc").read_bytes()
    for members in (
        {"keyPath": f"{gpg.home}/signer.asc"},
        {"keyPaths": [f"{gpg.home}/other.gpg", f"{gpg.home}/signer.gpg"]},
        {"keyData": base64.b64encode((gpg.home / "signer.gpg").read_bytes()).decode()},
        {"keyData": base64.b64encode(armored).decode()},
        {"keyData": armored.decode()},
    ):
        assert verify(coco, policy(signed_by(gpg, **members)), image, *options)["accepted"], members
    for members, why in (
        ({"keyPath": "/nowhere"}, "keyPath: '/nowhere'"),
        ({"keyData": "Zm9v"}, "keyData"),
        ({"keyPaths": [f"{gpg.home}/other.gpg"]}, "signature"),
    ):
        refused = verify(coco, policy(signed_by(gpg, **members)), image, *options, code=3)
        assert why in refused["reason"], refused["reason"]


def test_the_most_specific_scope_counts(coco, gpg, policy, image, signed, store, registry, tmp_path):
    path = policy(signed_by(gpg))
    for scope in (registry.host, f"{registry.host}/signed", image.rsplit(":", 1)[0]):
        assert verify(coco, path, image, *store(f"file://{signed}", scope=f'"{scope}"'))["accepted"], scope
    refused = verify(coco, path, image, *store(f"file://{signed}", scope="elsewhere.test"), code=3)
    assert "there is no signature" in refused["reason"]
    (tmp_path / "registries.d/two.yaml").write_text("docker:\n  elsewhere.test:\n    lookaside: file:///x\n")
    done = coco.run(
        "image", "verify", "--plain-http", "--policy", path, "--registries-d", tmp_path / "registries.d", image, code=1
    )
    assert b"said twice" in done.stderr


def test_a_lookaside_may_be_on_the_web(coco, gpg, policy, image, signed, store):
    class Files(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(signed))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options = store(f"http://127.0.0.1:{server.server_port}")
        assert verify(coco, policy(signed_by(gpg)), image, *options)["accepted"]
        server.shutdown()


@pytest.fixture
def keeper(registry, signed):
    """A way to the registry, which says that it keeps signatures, and has one; .host is its name."""

    class Keeper(http.server.BaseHTTPRequestHandler):
        asked = []

        def do_GET(self):
            type(self).asked.append(self.path)
            if self.path.startswith("/extensions/"):
                content = base64.b64encode(signature_in(signed).read_bytes()).decode()
                body = json.dumps({"signatures": [
                    {"schemaVersion": 2, "name": "a@b", "type": "atomic", "content": content},
                    {"schemaVersion": 3, "name": "a@c", "type": "other", "content": "?"},
                ]}).encode()  # fmt: skip
                return self.answer(200, {}, body)
            request = urllib.request.Request(f"http://{registry.host}{self.path}", headers=dict(self.headers.items()))
            try:
                with urllib.request.urlopen(request) as got:
                    return self.answer(got.status, got.headers, got.read())
            except urllib.error.HTTPError as error:
                return self.answer(error.code, error.headers, error.read())

        def answer(self, status, headers, body):
            self.send_response(status)
            for name in ("Content-Type", "Docker-Content-Digest"):
                if headers.get(name):
                    self.send_header(name, headers[name])
            self.send_header("X-Registry-Supports-Signatures", "1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keeper) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Keeper.host = f"127.0.0.1:{server.server_port}"
        yield Keeper
        server.shutdown()


def test_registries_may_keep_signatures(coco, gpg, policy, image, keeper, registry):
    there = image.replace(registry.host, keeper.host)
    repository = image.rsplit(":", 1)[0]
    identity = {"type": "exactReference", "dockerReference": image}
    found = verify(coco, policy(signed_by(gpg) | {"signedIdentity": identity}), there)
    assert found["accepted"] and checks(found) == ALL_HOLD
    digest = found["digest"]
    assert keeper.asked.count(f"/extensions/v2/{repository.split('/', 1)[1]}/signatures/{digest}") == 1
    assert not verify(coco, policy(signed_by(gpg)), there, code=3)["accepted"]


def test_the_name_must_be_the_signed_one(coco, gpg, policy, image, signed, store):
    options = store(f"file://{signed}")
    repository = image.rsplit(":", 1)[0]
    digest = coco.json("image", "inspect", "--plain-http", f"docker://{image}")["digest"]
    coco.run("image", "push", "--plain-http", f"docker://{image}", f"docker://{repository}:other", code=0)
    path = policy(signed_by(gpg))
    assert verify(coco, path, f"{repository}@{digest}", *options)["accepted"]
    refused = verify(coco, path, f"{repository}:other", *options, code=3)
    assert checks(refused)[-1] == ("identity", False)


def payload(reference, digest, kind="atomic container signature", **more):
    critical = {"type": kind, "image": {"docker-manifest-digest": digest}, "identity": {"docker-reference": reference}}
    return json.dumps({"critical": critical | more, "optional": {"creator": "test", "timestamp": 1}}).encode()


def sign(gpg, text, *args):
    return gpg("--local-user", "signer@example.test", *args, "--sign", stdin=text)


def test_what_was_tampered_with_is_refused(coco, gpg, policy, image, signed, store):
    options = store(f"file://{signed}")
    digest = coco.json("image", "inspect", "--plain-http", f"docker://{image}")["digest"]
    file = signature_in(signed)
    good = file.read_bytes()
    path = policy(signed_by(gpg))
    fine = sign(gpg, payload(image, digest))
    plain = sign(gpg, payload(image, digest), "--compress-algo", "none")
    other = "sha256:" + 64 * "0"
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 1
    for data, why in [
        (fine, None),
        (plain, None),
        (b"\0simple-signing\n" + fine, None),
        (sign(gpg, payload(image, other)), "image: it is of another image"),
        (sign(gpg, payload(image + "x", digest)), "identity"),
        (sign(gpg, payload(image, digest, kind="cosign container image signature")), "payload"),
        (sign(gpg, payload(image, digest, expires=1)), "payload"),
        (sign(gpg, payload(image, digest) + b"x"), "payload"),
        (sign(gpg, b"This is not JSON"), "payload"),
        (bytes(flipped), "signature"),
        (good[:-1], "signature"),
        (plain + b"x", "signature"),
        (plain + plain, "signature"),
        (sign(gpg, payload(image, digest), "--digest-algo", "SHA1"), "signature"),
        (gpg("--local-user", "other@example.test", "--sign", stdin=payload(image, digest)), "signature"),
        (gpg("--store", stdin=payload(image, digest)), "signature"),
        (sign(gpg, payload(image, digest), "--local-user", "other@example.test"), "signature"),
    ]:
        file.write_bytes(data)
        done = coco.run(
            "image", "verify", "--plain-http", "--policy", path, *options, f"docker://{image}", "--json",
        )  # fmt: skip
        assert done.returncode == (3 if why else 0), (why, data[:40], done.stdout)
        assert why is None or why in json.loads(done.stdout)["reason"], (why, done.stdout)
    # What is no signature at all is an error of the place, and one that is missing ends them.
    file.write_bytes(b"junk")
    refused = verify(coco, path, image, *options, code=3)
    assert "neither OpenPGP" in refused["reason"]
    file.unlink()
    assert "there is no signature" in verify(coco, path, image, *options, code=3)["reason"]


def test_attachments_count_where_it_is_said(coco, gpg, policy, image, signed, store, tmp_path):
    """As for podman: with a registries.d, those of cosign need use-sigstore-attachments."""
    key = tmp_path / "cosign.pem"
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key],
        check=True, capture_output=True,
    )  # fmt: skip
    public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout"], check=True, capture_output=True).stdout
    coco.run("image", "sign", "--plain-http", "--sign-key", key, f"docker://{image}", code=0)
    required = {"type": "sigstoreSigned", "keyData": base64.b64encode(public).decode()}
    assert verify(coco, policy(required), image)["accepted"]
    url = f"file://{signed}"
    for said in ({}, {"use-sigstore-attachments": "false"}):
        refused = verify(coco, policy(required), image, *store(url, **said), code=3)
        assert "there is no signature" in refused["reason"]
    options = store(url, **{"use-sigstore-attachments": "true"})
    assert verify(coco, policy(required, signed_by(gpg)), image, *options)["accepted"]


def test_what_a_scope_does_not_say_a_wider_one_does(coco, gpg, policy, image, signed, registry, tmp_path):
    """As for skopeo, whatever its manual says."""
    folder = tmp_path / "registries.d"
    folder.mkdir()
    path = policy(signed_by(gpg))
    for scope, more in [(registry.host, ""), (f"{registry.host}/signed", "    sigstore-staging: file:///elsewhere\n")]:
        (folder / "one.yaml").write_text(
            f'default-docker:\n  sigstore: file://{signed}\n'
            f'docker:\n  "{scope}":\n    use-sigstore-attachments: false\n{more}'
        )  # fmt: skip
        assert verify(coco, path, image, "--registries-d", folder)["accepted"], scope
        subprocess.run(
            [needs("skopeo"), "--policy", path, "--registries.d", folder, "copy", "--src-tls-verify=false",
             f"docker://{image}", f"dir:{tmp_path}/got"],
            check=True, capture_output=True,
        )  # fmt: skip


@pytest.fixture
def owner_signs(coco, gpg, image, tmp_path):
    """owner_signs(args…) signs the image by gpg's keys, into the lookaside that it gives."""
    folder = tmp_path / "ours"
    config = tmp_path / "staging.d"
    config.mkdir()
    (config / "default.yaml").write_text(
        f"default-docker:\n  sigstore: https://nowhere.invalid/\n  sigstore-staging: file://{folder}\n"
    )

    def sign(*args, ref=image, who="signer", code=0, password="", **variables):
        keys = tmp_path / f"{who}.sec"
        keys.write_bytes(gpg("--export-secret-keys", f"{who}@example.test"))
        done = coco.run(
            "image", "sign", "--plain-http", "--registries-d", config, "--sign-key", f"{keys}{password}", "--json", *args,
            f"docker://{ref}", code=code, **variables,
        )  # fmt: skip
        return json.loads((done.stdout if code == 0 else done.stderr).splitlines()[-1])

    sign.folder = folder
    return sign


def skopeo_gets(image, path, folder, target, *more):
    """Whether skopeo copies the image under that policy."""
    config = folder.parent / "reading.d"
    config.mkdir(exist_ok=True)
    (config / "default.yaml").write_text(f"default-docker:\n  sigstore: file://{folder}\n")
    done = subprocess.run(
        [needs("skopeo"), "--policy", path, "--registries.d", config, "copy", "--src-tls-verify=false", *more,
         f"docker://{image}", f"dir:{target}"],
        check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0 or b"Source image rejected" in done.stderr, done.stderr
    return done.returncode == 0


def test_what_coco_signs_skopeo_accepts(coco, gpg, policy, image, owner_signs, store, tmp_path):
    theirs = policy(signed_by(gpg))
    assert not skopeo_gets(image, theirs, owner_signs.folder, tmp_path / "none")
    signed = owner_signs()
    assert signed["already"] is False and signed["signature"].endswith("/signature-1")
    assert pathlib.Path(signed["signature"].removeprefix("file://")).is_file()
    assert owner_signs() == signed | {"already": True}
    assert skopeo_gets(image, theirs, owner_signs.folder, tmp_path / "got")
    other = policy(signed_by(gpg, "other"), name="other.json")
    assert not skopeo_gets(image, other, owner_signs.folder, tmp_path / "none")
    # Both keys, behind each other.
    assert owner_signs(who="other")["signature"].endswith("/signature-2")
    both = policy(signed_by(gpg), signed_by(gpg, "other"), name="both.json")
    assert skopeo_gets(image, both, owner_signs.folder, tmp_path / "again")
    found = verify(coco, both, image, *store(f"file://{owner_signs.folder}"))
    assert found["accepted"] and checks(found) == ALL_HOLD
    # And gpg itself, which is who made the keys.
    message = signature_in(owner_signs.folder).read_bytes()
    text = json.loads(gpg("--decrypt", "--trust-model", "always", stdin=message))
    assert text["critical"]["identity"]["docker-reference"] == image


def test_coco_and_skopeo_sign_beside_each_other(coco, gpg, policy, image, owner_signs, tmp_path):
    owner_signs.folder.mkdir()
    skopeo_sign(gpg, image, owner_signs.folder, who="other@example.test")
    assert owner_signs()["signature"].endswith("/signature-2")
    both = policy(signed_by(gpg), signed_by(gpg, "other"))
    assert skopeo_gets(image, both, owner_signs.folder, tmp_path / "got")


def test_of_an_index_each_image_is_signed(coco, gpg, policy, layout, registry, owner_signs, store, tmp_path):
    """skopeo looks for signatures of the image that it chooses, coco for those of the index as well."""
    entries = []
    for arch in ("amd64", "arm64"):
        digest = layout.add_image(arch, [{f"etc/{arch}": b"x\n"}], arch)
        entries.append({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest,
                        "size": len(layout.blob(digest).read_bytes()), "platform": {"os": "linux", "architecture": arch}})
    layout.set_manifest("many", {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                                 "manifests": entries})
    ref = f"{registry.host}/signed/many:1"
    subprocess.run(
        [needs("skopeo"), "--insecure-policy", "copy", "--all", "--dest-tls-verify=false", layout.ref("many"),
         f"docker://{ref}"],
        check=True, capture_output=True,
    )  # fmt: skip
    signed = owner_signs(ref=ref)
    assert len(list(owner_signs.folder.rglob("signature-1"))) == 3
    assert signed["digest"].split(":")[1] in signed["signature"]
    path = policy(signed_by(gpg))
    for more in (["--override-arch=amd64"], ["--override-arch=arm64"], ["--all"]):
        assert skopeo_gets(ref, path, owner_signs.folder, tmp_path / more[0], *more), more
    for arch in ("amd64", "arm64"):
        options = store(f"file://{owner_signs.folder}")
        assert verify(coco, path, ref, "--platform", f"linux/{arch}", *options)["accepted"]


def test_signing_by_openpgp_says_what_is_wrong(coco, gpg, image, layout, owner_signs, tmp_path):
    assert "no secret key" in owner_signs("--sign-by", "nobody@example.test", code=6)["message"]
    owner_signs("--sign-by", "signer@example.test")
    public = gpg.home / "signer.asc"
    args = ["image", "sign", "--plain-http", f"docker://{image}", "--sign-key"]
    coco.run(*args, public, "--registries-d", tmp_path / "staging.d", code=6)
    done = coco.run(*args, tmp_path / "signer.sec", code=2)
    assert b"lookaside-staging" in done.stderr
    (tmp_path / "staging.d/default.yaml").write_text("default-docker:\n  lookaside: https://a.test/s\n")
    assert "file:///" in owner_signs(code=7)["message"]
    key = tmp_path / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
    coco.run(*args, key, "--sign-by", "signer@example.test", code=2)


RECORDED = [
    ("dir-img-valid", "public-key.gpg", None),
    ("dir-img-valid-2", "public-key-1.gpg", None),
    ("dir-img-mixed", "public-key.gpg", None),
    ("dir-img-valid", "public-key-2.gpg", "signature"),
    ("dir-img-modified-manifest", "public-key.gpg", "image"),
    ("dir-img-unsigned", "public-key.gpg", "there is no signature"),
]


@pytest.mark.parametrize(("name", "key", "why"), RECORDED)
def test_recorded_signatures(coco, tmp_path, name, key, why):
    """Those of containers/image's own tests."""
    folder, top = recorded_image(tmp_path, name)
    identity = {"type": "exactRepository", "dockerRepository": "testing/manifest"}
    required = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": str(top / key), "signedIdentity": identity}
    (tmp_path / "policy.json").write_text(json.dumps({"default": [required]}))
    done = coco.run(
        "image", "verify", "--policy", tmp_path / "policy.json", f"dir:{folder}", "--json", code=3 if why else 0
    )
    assert why is None or why in json.loads(done.stdout)["reason"]
