"""Images signed by cosign's modules and by coco, each verified by the other.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import hashlib
import json
import os
import pathlib
import subprocess
import urllib.request

import pytest

from certificates import CA
from conftest import needs
from signing import checks, policy, signing, sigstore  # noqa: F401

KINDS = {
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "p521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "ed25519": ["-algorithm", "ed25519"],
}
ALL_HOLD = [(name, True) for name in ("form", "signature", "payload", "image", "identity")]


@pytest.fixture
def key(tmp_path):
    """key(kind, name) makes a pair of PEM files."""

    def make(kind="p256", name="signer"):
        private, public = tmp_path / f"{name}.pem", tmp_path / f"{name}.pub"
        run = {"check": True, "capture_output": True}
        subprocess.run(["openssl", "genpkey", *KINDS[kind], "-out", private], **run)
        subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], **run)
        return private, public

    return make


@pytest.fixture
def image(coco, layout, registry, request):
    """An image of this test's own in the registry, by its tag."""
    name = "".join(c if c.isalnum() else "-" for c in request.node.name.lower()).strip("-")
    while "--" in name:
        name = name.replace("--", "-")
    ref = f"{registry.host}/signed/{name}:1"
    coco.run("image", "push", "--plain-http", layout.ref("app"), f"docker://{ref}", code=0)
    return ref


def verify(coco, path, ref, *more, code=0, **variables):
    done = coco.run(
        "image", "verify", "--plain-http", "--policy", path, f"docker://{ref}", "--json", *more, code=code, **variables
    )
    return json.loads(done.stdout)


def sign(coco, private, ref):
    return coco.json("image", "sign", "--plain-http", "--sign-key", private, f"docker://{ref}")


@pytest.mark.parametrize("kind", KINDS)
def test_what_cosign_signs_is_accepted(coco, signing, policy, image, key, tmp_path, kind):
    private, public = key(kind)
    path = policy(sigstore(keyPath=str(public)))
    refused = verify(coco, path, image, code=3)
    assert "there is no signature" in refused["reason"] and not refused["accepted"]
    coco.run("image", "pull", "--plain-http", "--policy", path, image, tmp_path / "none", code=3)
    assert not (tmp_path / "none").exists()

    signing("cosign-sign", private, image)
    accepted = verify(coco, path, image)
    assert accepted["accepted"] and checks(accepted) == ALL_HOLD
    coco.run("image", "pull", "--plain-http", "--policy", path, image, tmp_path / "bundle", code=0)
    assert (tmp_path / "bundle/rootfs/etc/motd").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_what_coco_signs_cosign_accepts(coco, signing, policy, image, key, kind):
    private, public = key(kind)
    _, other = key(name="other")
    signed = sign(coco, private, image)
    assert signed["already"] is False and signed["signature"].endswith(".sig")
    assert signing("cosign-verify", public, image).strip() == "1"
    signing("cosign-verify", other, image, code=1)
    assert verify(coco, policy(sigstore(keyPath=str(public))), image)["accepted"]


@pytest.fixture
def token(coco, tmp_path):
    """token(kind) gives the URI of such a key in a token of its own, its public half and what SoftHSM needs."""
    module = pathlib.Path("/usr/lib/softhsm/libsofthsm2.so")
    if not module.exists():
        pytest.skip("no SoftHSM")
    if not coco.json("version")["features"]["pkcs11"]:
        pytest.skip("this build has no PKCS#11")

    def make(key, kind):
        private, public = key(kind, name="token")
        (tmp_path / "tokens").mkdir()
        (tmp_path / "softhsm.conf").write_text(f"directories.tokendir = {tmp_path}/tokens\nlog.level = ERROR\n")
        (tmp_path / "pin").write_text("4711\n")
        (tmp_path / "wrong").write_text("0815\n")
        env = {"SOFTHSM2_CONF": str(tmp_path / "softhsm.conf")}
        for args in (
            ["--init-token", "--free", "--label", "coco", "--so-pin", "0815", "--pin", "4711"],
            ["--import", private, "--token", "coco", "--label", "signer", "--id", "01", "--pin", "4711"],
        ):
            subprocess.run([needs("softhsm2-util"), *args], env=os.environ | env, check=True, capture_output=True)
        private.unlink()
        return f"pkcs11:token=coco;object=signer?module-path={module}", public, env

    return make


@pytest.mark.parametrize("kind", ["p256", "rsa"])
def test_what_a_token_signs_cosign_accepts(coco, signing, policy, image, key, token, tmp_path, kind):
    uri, public, env = token(key, kind)
    pin = f"&pin-source=file:{tmp_path}/pin"
    args = ["image", "sign", "--plain-http", f"docker://{image}", "--json", "--sign-key"]
    for wrong, code in (
        (uri + "&pin-value=4711", 2),
        (uri + f"&pin-source={tmp_path}/wrong", 3),
        (uri.replace("object=signer", "object=other") + pin, 6),
        (uri.replace("token=coco", "token=other") + pin, 6),
    ):
        done = coco.run(*args, wrong, code=code, **env)
        assert b"4711" not in done.stdout + done.stderr
    (tmp_path / "key.yaml").write_text(f"pkcs11:\n  uri: {uri}{pin}\n")
    assert json.loads(coco.run(*args, uri + pin, code=0, **env).stdout)["already"] is False
    assert json.loads(coco.run(*args, tmp_path / "key.yaml", code=0, **env).stdout)["already"] is True
    assert signing("cosign-verify", public, image).strip() == "1"
    assert verify(coco, policy(sigstore(keyPath=str(public))), image)["accepted"]


def test_a_key_may_be_under_a_password(coco, signing, image, key, tmp_path):
    private, public = key()
    locked = tmp_path / "locked.pem"
    (tmp_path / "password").write_text("correct horse\n")
    subprocess.run(
        ["openssl", "pkey", "-in", private, "-aes256", "-passout", f"file:{tmp_path}/password", "-out", locked],
        check=True, capture_output=True,
    )  # fmt: skip
    args = ["image", "sign", "--plain-http", f"docker://{image}", "--sign-key"]
    coco.run(*args, locked, code=7)
    coco.run(*args, f"{locked}:pass=wrong", code=3)
    coco.run(*args, f"{locked}:file={tmp_path}/password", code=0)
    assert signing("cosign-verify", public, image).strip() == "1"


@pytest.mark.parametrize("kind", [None, "rsa", "ed25519"])
def test_keys_that_cosign_made_sign(coco, signing, policy, image, key, tmp_path, kind):
    """As they are, under a password; and under none, which is an empty one."""
    if not coco.json("version")["features"]["sodium"]:
        pytest.skip("this build has no libsodium")
    mine = [key(kind)[0]] if kind else []
    (tmp_path / "password").write_text("correct horse\n")
    signing("cosign-key", tmp_path / "locked", "correct horse", *mine)
    signing("cosign-key", tmp_path / "open", "", *mine)
    args = ["image", "sign", "--plain-http", f"docker://{image}", "--sign-key"]
    locked = tmp_path / "locked.key"
    coco.run(*args, locked, code=7)
    done = coco.run(*args, f"{locked}:pass=wrong horse", code=3, COSIGN_PASSWORD="wrong")
    assert b"wrong" not in done.stdout + done.stderr
    coco.run(*args, f"{locked}:file={tmp_path}/password", code=0)
    coco.run(*args, locked, code=0, COSIGN_PASSWORD="correct horse")
    coco.run(*args, tmp_path / "open.key", code=0, COSIGN_PASSWORD="")
    assert signing("cosign-verify", tmp_path / "locked.pub", image).strip() == "1"
    assert verify(coco, policy(sigstore(keyPath=str(tmp_path / "open.pub"))), image)["accepted"]


def test_signatures_stand_beside_each_other(coco, signing, policy, image, key):
    """Of cosign's and of coco's; one that is there is not made again."""
    first, second, third = (key(name=name) for name in ("first", "second", "third"))
    signing("cosign-sign", first[0], image)
    assert sign(coco, second[0], image)["already"] is False
    assert sign(coco, second[0], image)["already"] is True
    for private, public in (first, second):
        assert signing("cosign-verify", public, image).strip() == "1"
        assert verify(coco, policy(sigstore(keyPath=str(public))), image)["accepted"]
    one = policy(sigstore(keyPaths=[str(third[1]), str(second[1])]))
    assert verify(coco, one, image)["accepted"]
    both = policy(sigstore(keyPath=str(first[1])), sigstore(keyPath=str(second[1])))
    assert verify(coco, both, image)["accepted"]
    missing = policy(sigstore(keyPath=str(first[1])), sigstore(keyPath=str(third[1])))
    refused = verify(coco, missing, image, code=3)
    assert [one["accepted"] for one in refused["scopes"][0]["requirements"]] == [True, False]


def test_keys_are_given_in_every_form(coco, signing, policy, image, key, owner, broker):
    private, public = key()
    _, other = key(name="other")
    signing("cosign-sign", private, image)
    text = public.read_bytes()
    encoded = base64.b64encode(text).decode()
    wrong = base64.b64encode(other.read_bytes()).decode()
    coco.run("resource", "put", *owner, "default/cosign/pub", public, code=0)
    kbs = ["--kbs", broker.url, "--tee", "sample"]
    for members, more in [
        ({"keyData": encoded}, []),
        ({"keyData": text.decode()}, []),
        ({"keyDatas": [wrong, encoded]}, []),
        ({"keyPath": f"file://{public}"}, []),
        ({"keyPath": "kbs:///default/cosign/pub"}, kbs),
        ({"keyPaths": [str(other), "kbs:///default/cosign/pub"]}, kbs),
    ]:
        assert verify(coco, policy(sigstore(**members)), image, *more)["accepted"], members
    for members, more, why in [
        ({"keyData": wrong}, [], "it is not made by the key"),
        ({"keyDatas": [wrong, wrong]}, [], "none of the 2 keys"),
        ({"keyPath": "kbs:///default/cosign/pub"}, [], "no key broker"),
        ({"keyPath": "kbs:///default/cosign/none"}, kbs, "default/cosign/none"),
        ({"keyPath": "/nowhere"}, [], "/nowhere"),
        ({"keyData": "Zm9v"}, [], "keyData"),
    ]:
        refused = verify(coco, policy(sigstore(**members)), image, *more, code=3)
        assert why in refused["reason"], (members, refused["reason"])


def test_the_name_must_be_the_signed_one(coco, signing, policy, image, key, registry):
    """Without a signedIdentity, too: image-rs looks at no name at all then."""
    private, public = key()
    signing("cosign-sign", private, image)
    repository = image.rsplit(":", 1)[0]
    moved = f"{registry.host}/elsewhere/app:1"
    coco.run("image", "push", "--plain-http", f"docker://{image}", f"docker://{moved}", code=0)
    tags = coco.json("image", "inspect", "--plain-http", f"docker://{image}")["digest"].replace(":", "-")
    for ref in (f"{repository}:{tags}.sig",):
        subprocess.run(
            ["skopeo", "copy", "--insecure-policy", "--src-tls-verify=false", "--dest-tls-verify=false",
             f"docker://{ref}", f"docker://{registry.host}/elsewhere/app:{tags}.sig"],
            check=True, capture_output=True,
        )  # fmt: skip

    def judged(ref, code, **identity):
        members = {"signedIdentity": identity} if identity else {}
        return verify(coco, policy(sigstore(keyPath=str(public), **members)), ref, code=code)

    digest = coco.json("image", "inspect", "--plain-http", f"docker://{image}")["digest"]
    assert judged(image, 0)["accepted"]
    assert judged(f"{repository}@{digest}", 0, type="matchRepoDigestOrExact")["accepted"]
    assert judged(image, 0, type="matchRepository")["accepted"]
    assert judged(moved, 0, type="exactRepository", dockerRepository=repository)["accepted"]
    remap = {"type": "remapIdentity", "prefix": f"{registry.host}/elsewhere/app", "signedPrefix": repository}
    assert judged(f"{registry.host}/elsewhere/app@{digest}", 0, **remap)["accepted"]
    for ref, identity in [
        (moved, {}),
        (moved, {"type": "matchRepository"}),
        (image, {"type": "matchExact"}),
        (image, {"type": "matchRepoDigestOrExact"}),
        (image, {"type": "exactReference", "dockerReference": f"{repository}:1"}),
        (image, {"type": "exactRepository", "dockerRepository": f"{registry.host}/elsewhere/app"}),
        (moved, remap | {"prefix": f"{registry.host}/else"}),
    ]:
        refused = judged(ref, 3, **identity)
        assert checks(refused)[-1] == ("identity", False), (ref, identity)


def test_a_signature_of_another_image_is_none(coco, layout, signing, policy, image, key, registry):
    """Replayed under the tag of this one."""
    private, public = key()
    layout.add_image("other", [{"etc/other": b"other\n"}])
    repository = image.rsplit(":", 1)[0]
    coco.run("image", "push", "--plain-http", layout.ref("other"), f"docker://{repository}:2", code=0)
    signing("cosign-sign", private, f"{repository}:2")
    tags = [
        coco.json("image", "inspect", "--plain-http", f"docker://{repository}:{n}")["digest"].replace(":", "-")
        for n in (1, 2)
    ]
    subprocess.run(
        ["skopeo", "copy", "--insecure-policy", "--src-tls-verify=false", "--dest-tls-verify=false",
         f"docker://{repository}:{tags[1]}.sig", f"docker://{repository}:{tags[0]}.sig"],
        check=True, capture_output=True,
    )  # fmt: skip
    refused = verify(coco, policy(sigstore(keyPath=str(public))), image, code=3)
    assert checks(refused)[-1] == ("image", False) and "another image" in refused["reason"]


def test_without_a_policy_it_is_the_digest(coco, image):
    done = coco.run("image", "verify", "--plain-http", f"docker://{image}", code=3)
    assert b"--policy FILE" in done.stderr
    digest = coco.json("image", "inspect", "--plain-http", f"docker://{image}")["digest"]
    repository = image.rsplit(":", 1)[0]
    done = coco.run("image", "verify", "--plain-http", f"docker://{repository}@{digest}", code=0)
    assert done.stdout.startswith(b"accepted")


def test_people_are_told_what_was_checked(coco, signing, policy, image, key):
    private, _ = key()
    _, other = key(name="other")
    signing("cosign-sign", private, image)
    path = policy(sigstore(keyPath=str(other)))
    done = coco.run("image", "verify", "--plain-http", "--policy", path, f"docker://{image}", code=3)
    for line in (b"refused", b"not ok sigstoreSigned", b"not ok signature: it is not made by the key"):
        assert line in done.stdout, done.stdout


def test_sign_says_what_is_wrong(coco, layout, image, key, tmp_path):
    private, public = key()
    sign_args = ["image", "sign", "--plain-http"]
    coco.run(*sign_args, f"docker://{image}", code=2)
    coco.run(*sign_args, "--sign-key", public, f"docker://{image}", code=1)
    coco.run(*sign_args, "--sign-key", tmp_path / "none", f"docker://{image}", code=6)
    coco.run(*sign_args, "--sign-key", private, layout.ref("app"), code=7)
    coco.run(*sign_args, "--sign-key", private, f"docker://{image}9", code=6)


def test_an_image_may_be_signed_each_night(coco, policy, image, key, registry):
    """cosign adds a signature each time."""
    private, public = key()
    where = sign(coco, private, image)["signature"]
    host, name = where.rsplit(":", 1)[0].split("/", 1)
    url = f"http://{host}/v2/{name}/manifests/{where.rsplit(':', 1)[1]}"
    kind = "application/vnd.oci.image.manifest.v1+json"
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": kind})) as got:
        manifest = json.load(got)
    mine = manifest["layers"][0]
    others = [mine | {"annotations": {"dev.cosignproject.cosign/signature": "AAAA"}}] * 300
    path = policy(sigstore(keyPath=str(public)))
    for layers, code in ((others + [mine], 0), (others, 3)):
        text = json.dumps(manifest | {"layers": layers}).encode()
        request = urllib.request.Request(url, method="PUT", data=text, headers={"Content-Type": kind})
        urllib.request.urlopen(request).close()
        found = verify(coco, path, image, code=code)
        assert len(found["scopes"][0]["requirements"][0]["signatures"]) == len(layers)
    assert sign(coco, private, image)["already"] is False
    assert verify(coco, path, image)["accepted"]


def put_signature(ref, digest, payload, annotations):
    """Attaches one as cosign has it; digest is the image's."""
    host, name = ref.rsplit(":", 1)[0].split("/", 1)

    def send(method, url, data, kind):
        url = url if url.startswith("http") else f"http://{host}/v2/{name}/{url}"
        request = urllib.request.Request(url, method=method, data=data, headers={"Content-Type": kind})
        with urllib.request.urlopen(request) as got:
            return got.headers.get("Location")

    def blob(data, kind, **more):
        named = f"sha256:{hashlib.sha256(data).hexdigest()}"
        where = send("POST", "blobs/uploads/", b"", "text/plain")
        send("PUT", f"{where}{'&' if '?' in where else '?'}digest={named}", data, "application/octet-stream")
        return {"mediaType": kind, "digest": named, "size": len(data)} | more

    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": blob(b"{}", "application/vnd.oci.image.config.v1+json"),
        "layers": [blob(payload, "application/vnd.dev.cosign.simplesigning.v1+json", annotations=annotations)],
    }
    send("PUT", f"manifests/{digest.replace(':', '-')}.sig", json.dumps(manifest).encode(), kind)


AUTHORITY = "basicConstraints=critical,CA:TRUE\n"
LEAF = "extendedKeyUsage=codeSigning\nsubjectAltName=email:a@e.test,DNS:*.e.test,DNS:x*.f.test,IP:192.0.2.1\n"


@pytest.mark.parametrize(
    ("uses", "subject", "why"),
    [
        ("", {"subjectEmail": "a@e.test"}, None),
        ("extendedKeyUsage=codeSigning\n", {"subjectEmail": "a@e.test"}, None),
        ("extendedKeyUsage=serverAuth,anyExtendedKeyUsage\n", {"subjectEmail": "a@e.test"}, None),
        ("extendedKeyUsage=serverAuth,clientAuth\n", {"subjectEmail": "a@e.test"}, "not for signing code"),
        ("", {"subjectHostname": "b.e.test"}, None),
        ("", {"subjectHostname": "192.0.2.1"}, None),
        ("", {"subjectHostname": ".e.test"}, "not for '.e.test'"),
        ("", {"subjectHostname": "xy.f.test"}, "not for 'xy.f.test'"),
        ("", {"subjectHostname": "192.0.2.2"}, "not for '192.0.2.2'"),
    ],
)
@pytest.mark.parametrize("given", ["by the signer", "in the policy"])
def test_a_pki_says_who_signs_code(coco, policy, image, tmp_path, uses, subject, why, given):
    """As for podman: the authority of somebody's servers is not that of their images."""
    top = CA(tmp_path, "top")
    cert, key = top.sign("between", AUTHORITY + uses)
    between = CA(tmp_path, "between")
    between.cert, between.key = cert, key
    leaf, signer = between.sign("leaf", LEAF)
    digest = coco.json("image", "inspect", "--plain-http", f"docker://{image}")["digest"]
    critical = {"identity": {"docker-reference": image.rsplit(":", 1)[0]}, "image": {"docker-manifest-digest": digest},
                "type": "cosign container image signature"}  # fmt: skip
    payload = json.dumps({"critical": critical, "optional": None}).encode()
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", signer], input=payload, check=True, capture_output=True
    )
    annotations = {
        "dev.cosignproject.cosign/signature": base64.b64encode(done.stdout).decode(),
        "dev.sigstore.cosign/certificate": leaf.read_text(),
    }
    pki = {"caRootsPath": str(top.cert)} | subject
    if given == "by the signer":
        annotations["dev.sigstore.cosign/chain"] = cert.read_text() + top.cert.read_text()
    else:
        pki["caIntermediatesPath"] = str(cert)
    put_signature(image, digest, payload, annotations)
    found = verify(coco, policy(sigstore(pki=pki)), image, code=3 if why else 0)
    assert why is None or why in found["reason"], found["reason"]
