"""Signatures that refer to their image, of cosign's modules and of coco, each verified by the other.

In a registry that lists what refers to an image, and in one that does not.

SPDX-License-Identifier: Apache-2.0
"""

import json
import tarfile
import urllib.request

import pytest

from signing import checks, lister, policy, signing, sigstore  # noqa: F401
from test_signatures import KINDS, key, verify  # noqa: F401

ACCEPT = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"
FORMS = ["referrer", "bundle"]
TYPES = {
    "referrer": "application/vnd.dev.cosign.artifact.sig.v1+json",
    "bundle": "application/vnd.dev.sigstore.bundle.v0.3+json",
}


@pytest.fixture(params=["with a list", "without"])
def place(request, coco, layout):
    """An image in a registry of either kind."""
    with_list = request.param == "with a list"
    host = request.getfixturevalue("lister") if with_list else request.getfixturevalue("registry").host
    name = "".join(c if c.isalnum() else "-" for c in request.node.name.lower()).strip("-")
    while "--" in name:
        name = name.replace("--", "-")
    ref = f"{host}/referred/{name}:1"
    coco.run("image", "push", "--plain-http", layout.ref("app"), f"docker://{ref}", code=0)
    return ref


def sign(coco, private, ref, form, **more):
    return coco.json(
        "image", "sign", "--plain-http", "--sign-key", private, "--signature-form", form, f"docker://{ref}", **more
    )


def get(ref, what):
    """A manifest beside an image."""
    host, name = ref.split("/", 1)
    repository = name.rsplit(":", 1)[0]
    url = f"http://{host}/v2/{repository}/manifests/{what}"
    request = urllib.request.Request(url, headers={"Accept": ACCEPT})
    with urllib.request.urlopen(request) as got:
        return json.load(got)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_coco_signs_cosign_accepts(coco, signing, policy, place, key, form, kind):
    private, public = key(kind)
    _, other = key(name="other")
    signing("cosign-verify", public, place, form, code=1)
    signed = sign(coco, private, place, form)
    assert signed["already"] is False and "@sha256:" in signed["signature"]
    assert sign(coco, private, place, form) == signed | {"already": True}
    assert signing("cosign-verify", public, place, form).strip() == "1"
    signing("cosign-verify", other, place, form, code=1)
    manifest = get(place, signed["signature"].split("@")[1])
    assert manifest["artifactType"] == TYPES[form] and manifest["subject"]["digest"] == signed["digest"]
    found = verify(coco, policy(sigstore(keyPath=str(public))), place)
    assert found["accepted"] and all(ok for _, ok in checks(found))
    refused = verify(coco, policy(sigstore(keyPath=str(other))), place, code=3)
    assert "not made by the key" in refused["reason"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_cosign_signs_coco_accepts(coco, signing, policy, place, key, form, kind):
    private, public = key(kind)
    signing("cosign-refer", private, place, form)
    found = verify(coco, policy(sigstore(keyPath=str(public))), place)
    assert found["accepted"] and all(ok for _, ok in checks(found))
    # What is there by the same key is not made again, whoever made it.
    assert sign(coco, private, place, form)["already"] is True


def test_signatures_of_all_forms_stand_beside_each_other(coco, signing, policy, place, key):
    keys = {form: key(name=form) for form in ("tag", *FORMS, "theirs")}
    for form in ("bundle", "referrer", "tag"):
        assert sign(coco, keys[form][0], place, form)["already"] is False
    signing("cosign-refer", keys["theirs"][0], place, "bundle")
    assert sign(coco, keys["bundle"][0], place, "bundle")["already"] is True
    requirements = [sigstore(keyPath=str(public)) for _, public in keys.values()]
    assert verify(coco, policy(*requirements), place)["accepted"]
    for form in FORMS:
        signing("cosign-verify", keys[form][1], place, form)
    signing("cosign-verify", keys["theirs"][1], place, "bundle")


def test_a_bundle_names_no_image(coco, policy, place, key):
    private, public = key()
    sign(coco, private, place, "bundle")
    identity = {"type": "matchRepository"}
    refused = verify(coco, policy(sigstore(keyPath=str(public), signedIdentity=identity)), place, code=3)
    assert checks(refused)[-1] == ("identity", False)


def test_the_tag_lists_what_it_did(coco, signing, registry, layout, key):
    """What others have put into the list stays."""
    ref = f"{registry.host}/referred/listed:1"
    coco.run("image", "push", "--plain-http", layout.ref("app"), f"docker://{ref}", code=0)
    first, second = key(name="first"), key(name="second")
    signing("cosign-refer", first[0], ref, "bundle")
    signed = sign(coco, second[0], ref, "bundle")
    index = get(ref, signed["digest"].replace(":", "-"))
    assert len(index["manifests"]) == 2
    ours = index["manifests"][1]
    assert ours["digest"] == signed["signature"].split("@")[1] and ours["artifactType"] == TYPES["bundle"]
    assert ours["annotations"]["dev.sigstore.bundle.predicateType"] == "https://sigstore.dev/cosign/sign/v1"


def test_forms_are_words(coco, place, key, tmp_path):
    private, _ = key()
    coco.run("image", "sign", "--signature-form", "oci", "--sign-key", private, f"docker://{place}", code=2)


@pytest.mark.parametrize("tag", [True, False])
def test_layouts_have_bundles_beside_their_images(coco, signing, policy, layout, key, tmp_path, tag):
    """Of coco's what ORAS finds, and the other way round."""
    private, public = key()
    _, other = key(name="other")
    ref = layout.ref("app") if tag else f"oci:{layout.path}"
    path = tmp_path / "policy.json"

    def verified(code, *public):
        required = [sigstore(keyPath=str(one)) for one in public]
        path.write_text(json.dumps({"default": required}))
        return json.loads(coco.run("image", "verify", "--policy", path, ref, "--json", code=code).stdout)

    assert "there is no signature" in verified(3, public)["reason"]
    args = ["image", "sign", "--sign-key", private, ref, "--signature-form"]
    coco.run(*args, "referrer", code=7)
    signed = coco.json(*args, "bundle")
    assert signed["already"] is False and signed["signature"].startswith(f"oci:{layout.path}@sha256:")
    assert coco.json(*args, "bundle") == signed | {"already": True}
    found = verified(0, public)
    assert found["accepted"] and all(ok for _, ok in checks(found))
    assert "not made by the key" in verified(3, other)["reason"]
    assert "dsseEnvelope" in signing("layout-list", layout.path, "app", TYPES["bundle"])
    # One that ORAS attaches, and leaves ours.
    bundle = tmp_path / "bundle.json"
    bundle.write_text(signing("layout-list", layout.path, "app", TYPES["bundle"]).strip())
    index = layout.index()
    manifest = layout.blob(signed["signature"].split("@")[1])
    layout.blob(json.loads(manifest.read_bytes())["layers"][0]["digest"]).unlink()
    manifest.unlink()
    index["manifests"] = index["manifests"][:1]
    (layout.path / "index.json").write_text(json.dumps(index))
    assert "there is no signature" in verified(3, public)["reason"]
    signing("layout-refer", layout.path, "app", TYPES["bundle"], bundle)
    assert verified(0, public)["accepted"]
    # The image is what it was.
    assert coco.json("image", "inspect", layout.ref("app"))["digest"] == signed["digest"]


def test_archives_are_verified_as_layouts_are(coco, policy, layout, key, tmp_path):
    private, public = key()
    coco.run("image", "sign", "--sign-key", private, "--signature-form", "bundle", layout.ref("app"), code=0)
    archive = tmp_path / "app.tar"
    with tarfile.open(archive, "w") as out:
        for file in sorted(layout.path.rglob("*")):
            out.add(file, file.relative_to(layout.path), recursive=False)
    (tmp_path / "policy.json").write_text(json.dumps({"default": [sigstore(keyPath=str(public))]}))
    ref = f"oci-archive:{archive}:app"
    done = coco.run("image", "verify", "--policy", tmp_path / "policy.json", ref, "--json", code=0)
    assert json.loads(done.stdout)["accepted"]


def test_what_is_gone_takes_nothing_along(coco, policy, layout, key, new_registry, tmp_path):
    """A list that nobody but its writers keeps still has what was removed."""
    storage = {"filesystem": {"rootdirectory": str(tmp_path / "gone/data")}, "delete": {"enabled": True}}
    ref = f"{new_registry('gone', storage=storage).host}/referred/gone:1"
    coco.run("image", "push", "--plain-http", layout.ref("app"), f"docker://{ref}", code=0)
    (first, first_public), (second, second_public) = key(name="first"), key(name="second")
    digest = sign(coco, first, ref, "bundle")["signature"].split("@")[1]
    assert sign(coco, second, ref, "bundle")["already"] is False
    host, name = ref.rsplit(":", 1)[0].split("/", 1)
    request = urllib.request.Request(f"http://{host}/v2/{name}/manifests/{digest}", method="DELETE")
    urllib.request.urlopen(request).close()
    assert verify(coco, policy(sigstore(keyPath=str(second_public))), ref)["accepted"]
    refused = verify(coco, policy(sigstore(keyPath=str(first_public))), ref, code=3)
    assert digest in refused["reason"] and "404" in refused["reason"]
    assert sign(coco, second, ref, "bundle")["already"] is True
    # A new one is listed without what is gone, which the registry would not take.
    assert sign(coco, first, ref, "bundle")["already"] is False
    for public in (first_public, second_public):
        assert verify(coco, policy(sigstore(keyPath=str(public))), ref)["accepted"]
