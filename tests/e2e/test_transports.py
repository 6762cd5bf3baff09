"""Images on this machine, in every form that skopeo knows: from there to here and back.

COCO names the program; skopeo and umoci judge what it reads and writes.

SPDX-License-Identifier: Apache-2.0
"""

import gzip
import io
import json
import os
import shutil
import subprocess
import tarfile

import pytest

from layout import Layer, sha256, write_layout
from tree import tree

COCO = os.environ.get("COCO", "coco")
ANYTHING = ("--insecure-policy", "accept-anything")
# Places in a directory, by transport: what skopeo may be given, and so may we.
PLACES = {
    "oci": "oci:{}/oci:app",
    "dir": "dir:{}/dir",
    "oci-archive": "oci-archive:{}/archive.tar:app",
    "untagged oci-archive": "oci-archive:{}/archive.tar",
    "docker-archive": "docker-archive:{}/docker.tar:localhost:5000/some/app:1",
    "untagged docker-archive": "docker-archive:{}/docker.tar",
}
KEEPING = ["dir", "oci-archive"]  # manifests as they are

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away"),
    pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed"),
]
every_transport = pytest.mark.parametrize("transport", [t for t in PLACES if t != "oci"])


def run(*args, code=0):
    done = subprocess.run(list(map(str, args)), capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def skopeo(*args):
    return run("skopeo", "--insecure-policy", *args)


def coco(*args, code=0):
    return run(COCO, "image", *args, code=code)


def layers():
    lower = Layer()
    lower.dir("./").dir("etc").add("etc/passwd", data=b"root:x:0:0::/:/bin/sh\n")
    lower.add("etc/gone", data=b"g").add("su", data=b"u", mode=0o4755, uid=7).link("hard", "su")
    lower.add("big", data=bytes(range(256)) * 2000)
    upper = Layer()
    upper.dir("etc").add("etc/.wh.gone").symlink("link", "etc/passwd").add("n" * 150, data=b"n")
    return [lower.bytes(), upper.bytes()]


@pytest.fixture(name="image")
def fixture_image(tmp_path):
    """The layout that all copies come from: .digest of the image, .tree of what is in it."""

    class Image:
        ref = f"oci:{tmp_path}/image:app"
        digest = write_layout(tmp_path / "image", layers(), "app", {"Cmd": ["/su"]})
        tree = unpack(f"oci:{tmp_path}/image:app", tmp_path / "expected")

    return Image


def unpack(ref, bundle, *options):
    coco("pull", *ANYTHING, *options, ref, bundle)
    return tree(bundle / "rootfs")


def place(transport, folder):
    folder.mkdir(exist_ok=True)
    return PLACES[transport].format(folder)


def umoci(layout, bundle):
    """The tree as umoci unpacks it."""
    if not shutil.which("umoci"):
        pytest.skip("umoci is not installed")
    run("umoci", "unpack", "--image", layout, bundle)
    return tree(bundle / "rootfs")


@every_transport
def test_what_skopeo_wrote_is_pulled(transport, image, tmp_path):
    ref = place(transport, tmp_path / "theirs")
    skopeo("copy", "-q", image.ref, ref)
    assert unpack(ref, tmp_path / "bundle") == image.tree
    skopeo("copy", "-q", ref, f"oci:{tmp_path}/back:app")
    assert umoci(f"{tmp_path}/back:app", tmp_path / "umoci") == image.tree


@every_transport
def test_what_was_pushed_is_what_skopeo_reads(transport, image, tmp_path):
    ref = place(transport, tmp_path / "ours")
    coco("push", image.ref, ref)
    skopeo("copy", "-q", ref, f"oci:{tmp_path}/back:app")
    assert umoci(f"{tmp_path}/back:app", tmp_path / "umoci") == image.tree


@every_transport
def test_what_was_pushed_comes_back(transport, image, tmp_path):
    ref = place(transport, tmp_path / "ours")
    coco("push", image.ref, ref)
    coco("push", ref, f"oci:{tmp_path}/back:app")
    assert unpack(f"oci:{tmp_path}/back:app", tmp_path / "bundle") == image.tree
    assert unpack(ref, tmp_path / "straight") == image.tree


@pytest.mark.parametrize("transport", KEEPING)
def test_a_digest_survives_both_ways(transport, image, tmp_path):
    """Where a manifest is kept as it is, a reference may be pinned."""
    ours, theirs = place(transport, tmp_path / "ours"), place(transport, tmp_path / "theirs")
    assert coco("push", image.ref, ours).strip() == image.digest
    skopeo("copy", "-q", image.ref, theirs)
    for ref in ours, theirs:
        assert json.loads(coco("inspect", ref))["digest"] == image.digest
        assert json.loads(skopeo("inspect", ref))["Digest"] == image.digest
    coco("pull", f"{ours}@{image.digest}", tmp_path / "bundle")
    refused = coco("pull", ours, tmp_path / "unpinned", code=3)
    assert "must be asked for by its digest" in refused
    wrong = image.digest[:-1] + ("1" if image.digest[-1] == "0" else "0")
    assert wrong in coco("pull", f"{ours}@{wrong}", tmp_path / "wrong",
                         code=4 if transport == "dir" else 6)  # fmt: skip
    assert not (tmp_path / "wrong").exists()


@every_transport
def test_inspect_tells_of_the_layers(transport, image, tmp_path):
    ref = place(transport, tmp_path / "theirs")
    skopeo("copy", "-q", image.ref, ref)
    told = json.loads(coco("inspect", ref))
    assert told["platform"] == {"os": "linux", "architecture": "amd64"}
    assert told["config"]["Cmd"] == ["/su"]
    assert [layer["encrypted"] for layer in told["layers"]] == [False, False]


@pytest.mark.parametrize("transport", PLACES)
def test_a_plan_knows_what_the_layers_hold(transport, image, tmp_path):
    ref = place(transport, tmp_path / "theirs")
    skopeo("copy", "-q", image.ref, ref)
    told = json.loads(run(COCO, "image", "plan", "--json", ref))
    assert told["content_unknown"] == 0
    assert told["content"] >= 256 * 2000


@pytest.mark.parametrize("transport", KEEPING)
def test_an_encrypted_image_is_opened_by_skopeo_and_here(transport, image, tmp_path):
    key, public = tmp_path / "key.pem", tmp_path / "key.pub"
    run("openssl", "genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
    run("openssl", "pkey", "-in", key, "-pubout", "-out", public)
    ref = place(transport, tmp_path / "ours")
    coco("encrypt", "--recipient", f"jwe:{public}", image.ref, ref)
    assert all(layer["encrypted"] for layer in json.loads(coco("inspect", ref))["layers"])
    coco("pull", *ANYTHING, ref, tmp_path / "closed", code=6)
    assert unpack(ref, tmp_path / "bundle", "--key", key) == image.tree
    skopeo("copy", "-q", "--decryption-key", key, ref, f"oci:{tmp_path}/open:app")
    assert unpack(f"oci:{tmp_path}/open:app", tmp_path / "open-bundle") == image.tree


def test_a_directory_is_replaced_by_another_image(image, tmp_path):
    """skopeo over ours and ours over skopeo's: what belonged to the old image is gone."""
    other = Layer().add("other", data=b"o").bytes()
    write_layout(tmp_path / "second", [other], "app")
    ref = place("dir", tmp_path / "d")
    names = []
    for source in f"oci:{tmp_path}/second:app", image.ref:
        skopeo("copy", "-q", source, ref)
        coco("push", image.ref, ref)
        assert unpack(ref, tmp_path / f"bundle{len(names)}") == image.tree
        names.append(sorted(os.listdir(tmp_path / "d/dir")))
    assert names[0] == names[1]
    coco("push", f"oci:{tmp_path}/second:app", ref)
    skopeo("copy", "-q", image.ref, ref)
    assert unpack(ref, tmp_path / "theirs") == image.tree


def test_every_platform_of_an_image_in_a_directory_can_be_pulled(image, tmp_path):
    """skopeo copy --all leaves the index as manifest.json, and the manifests beside it."""
    manifest = json.loads((tmp_path / "image/index.json").read_text())["manifests"][0]
    entry = {key: manifest[key] for key in ("mediaType", "digest", "size")}
    entry["platform"] = {"os": "linux", "architecture": "amd64"}
    index = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                        "manifests": [entry]})  # fmt: skip
    digest = run("sh", "-c", 'printf %s "$0" | sha256sum', index).split()[0]
    (tmp_path / f"image/blobs/sha256/{digest}").write_text(index)
    top = {"mediaType": "application/vnd.oci.image.index.v1+json", "size": len(index),
           "digest": f"sha256:{digest}",
           "annotations": {"org.opencontainers.image.ref.name": "all"}}  # fmt: skip
    (tmp_path / "image/index.json").write_text(
        json.dumps({"schemaVersion": 2, "manifests": [manifest, top]})
    )
    ref = place("dir", tmp_path / "theirs")
    skopeo("copy", "-q", "--all", f"oci:{tmp_path}/image:all", ref)
    assert unpack(ref, tmp_path / "bundle", "--platform", "linux/amd64") == image.tree
    assert json.loads(coco("inspect", "--platform", "linux/amd64", ref))["digest"] == image.digest


@pytest.mark.parametrize("transport, name", [("dir", "dir"), ("oci-archive", "archive.tar")])
def test_the_policy_goes_by_the_path(transport, name, image, tmp_path):
    ref = place(transport, tmp_path / "d")
    coco("push", image.ref, ref)
    accept, reject = [{"type": "insecureAcceptAnything"}], [{"type": "reject"}]
    policy = tmp_path / "policy.json"
    real = os.path.realpath(tmp_path)
    for scopes, code in [({real: accept}, 0), ({f"{real}/d/{name}": reject, real: accept}, 3),
                         ({f"{real}/d/{name[:-1]}": accept}, 3), ({"": accept}, 0)]:  # fmt: skip
        policy.write_text(json.dumps({"default": reject, "transports": {transport: scopes}}))
        shutil.rmtree(tmp_path / "bundle", ignore_errors=True)
        coco("pull", "--policy", policy, ref, tmp_path / "bundle", code=code)
        assert (tmp_path / "bundle").exists() == (code == 0)


def test_tar_and_coco_agree_on_an_archive(image, tmp_path):
    """What is written can be unpacked by tar, and what tar packed can be read."""
    ours = tmp_path / "ours.tar"
    coco("push", image.ref, f"oci-archive:{ours}:app")
    (tmp_path / "layout").mkdir()
    run("tar", "-xf", ours, "-C", tmp_path / "layout")
    assert unpack(f"oci:{tmp_path}/layout:app", tmp_path / "unpacked") == image.tree
    for form in "gnu", "pax", "ustar", "v7":
        run("tar", f"--format={form}", "-cf", tmp_path / f"{form}.tar", "-C", tmp_path / "image", ".")
        assert unpack(f"oci-archive:{tmp_path}/{form}.tar:app", tmp_path / form) == image.tree


def test_an_archive_is_written_whole_or_not_at_all(image, tmp_path):
    """And the same image makes the same archive."""
    ours = tmp_path / "place/ours.tar"
    ours.parent.mkdir()
    ours.write_text("something else")
    error = coco("push", f"oci:{tmp_path}/image:none", f"oci-archive:{ours}", code=6)
    assert "no image of tag none" in error
    blob = max((tmp_path / "image/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    content = blob.read_bytes()
    blob.write_bytes(content[:-1] + b"?")
    coco("push", image.ref, f"oci-archive:{ours}", code=4)
    assert ours.read_text() == "something else"
    assert os.listdir(ours.parent) == ["ours.tar"]
    blob.write_bytes(content)
    coco("push", image.ref, f"oci-archive:{ours}")
    first = ours.read_bytes()
    coco("push", image.ref, f"oci-archive:{ours}")
    assert ours.read_bytes() == first
    assert os.listdir(ours.parent) == ["ours.tar"]


@pytest.mark.parametrize("cut", [1, 511, 512, 2000, "half", -1024, -1])
def test_a_truncated_archive_is_told(cut, image, tmp_path):
    whole, part = tmp_path / "whole.tar", tmp_path / "part.tar"
    coco("push", image.ref, f"oci-archive:{whole}:app")
    size = whole.stat().st_size
    content = whole.read_bytes()
    part.write_bytes(content[: size // 2 if cut == "half" else cut])
    done = subprocess.run([COCO, "image", "pull", *ANYTHING, f"oci-archive:{part}:app",
                           tmp_path / "bundle"], capture_output=True, text=True, check=False)  # fmt: skip
    if cut == -1024:  # the blocks that end an archive are missing, and nothing else
        assert done.returncode == 0
    else:
        assert done.returncode in (1, 2), done.stderr
        assert "archive" in done.stderr
        assert not (tmp_path / "bundle").exists()


def test_a_compressed_archive_is_not_unpacked_in_secret(image, tmp_path):
    coco("push", image.ref, f"oci-archive:{tmp_path}/a.tar")
    run("gzip", tmp_path / "a.tar")
    assert "decompress it first" in coco("inspect", f"oci-archive:{tmp_path}/a.tar.gz", code=7)


def docker_save(path, images, compress=bytes):
    """An archive as docker save wrote them: a folder a layer, and links to layers that are there."""
    with tarfile.open(path, "w") as archive:

        def add(name, data=b"", **fields):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in fields.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
            return name

        manifest, seen = [], {}
        for number, (tags, tars) in enumerate(images):
            config = {"os": "linux", "architecture": "amd64", "config": {},
                      "rootfs": {"type": "layers", "diff_ids": [sha256(tar) for tar in tars]}}  # fmt: skip
            names = []
            for place, tar in enumerate(tars):
                name = f"{number}{place}/layer.tar"
                if tar in seen:
                    link = f"../{seen[tar]}"
                    names.append(add(name, type=tarfile.SYMTYPE, linkname=link))
                else:
                    names.append(add(name, compress(tar)))
                    seen[tar] = name
            name = add(f"{number}.json", json.dumps(config).encode())
            manifest.append({"Config": name, "RepoTags": tags, "Layers": names})
        add("manifest.json", json.dumps(manifest).encode())


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_one_of_many_images_is_chosen_as_skopeo_does(compress, image, tmp_path):
    lower, upper = layers()
    other = Layer().add("other", data=b"o").bytes()
    saved = tmp_path / "saved.tar"
    docker_save(saved, [(["app:1", "host.test/app:2"], [lower, upper]), (None, [lower, other])],
                compress)  # fmt: skip
    refused = coco("pull", *ANYTHING, f"docker-archive:{saved}", tmp_path / "none", code=2)
    assert "there are 2 images in it" in refused
    for number, tail in enumerate([":app:1", ":docker.io/library/app:1", ":host.test/app:2", ":@0"]):
        ref = f"docker-archive:{saved}{tail}"
        assert unpack(ref, tmp_path / f"ours{number}") == image.tree
        skopeo("copy", "-q", ref, f"oci:{tmp_path}/theirs:{number}")
    assert umoci(f"{tmp_path}/theirs:0", tmp_path / "umoci") == image.tree
    second = unpack(f"docker-archive:{saved}:@1", tmp_path / "second")
    assert "other" in second and "link" not in second
    for tail in ":app:2", ":@2":
        coco("inspect", f"docker-archive:{saved}{tail}", code=6)


def test_a_digest_of_a_docker_archive_is_that_of_what_is_in_it(image, tmp_path):
    lower, upper = layers()
    docker_save(tmp_path / "one.tar", [(None, [lower, upper])])
    docker_save(tmp_path / "two.tar", [(["app:1"], [lower, lower, upper])])
    ref = f"docker-archive:{tmp_path}/one.tar"
    digest = json.loads(coco("inspect", ref))["digest"]
    coco("pull", f"{ref}@{digest}", tmp_path / "bundle")
    assert tree(tmp_path / "bundle/rootfs") == image.tree
    other = f"docker-archive:{tmp_path}/two.tar@{digest}"
    assert digest in coco("pull", other, tmp_path / "other", code=4)
    assert coco("push", ref, f"dir:{tmp_path}/dir").strip() == digest
    assert json.loads(skopeo("inspect", f"dir:{tmp_path}/dir"))["Digest"] == digest


def test_a_layer_that_is_not_its_diff_id_is_refused(tmp_path):
    docker_save(tmp_path / "one.tar", [(None, layers())])
    content = (tmp_path / "one.tar").read_bytes()
    assert b"root:x:0" in content
    (tmp_path / "one.tar").write_bytes(content.replace(b"root:x:0", b"root::0:"))
    ref = f"docker-archive:{tmp_path}/one.tar"
    coco("pull", *ANYTHING, ref, tmp_path / "bundle", code=4)
    coco("push", ref, f"oci:{tmp_path}/copy:app", code=4)
    assert not (tmp_path / "bundle").exists()


def test_a_docker_archive_holds_no_encrypted_layers_and_stays_as_it_is(image, tmp_path):
    key = tmp_path / "key.pem"
    run("openssl", "genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
    run("openssl", "pkey", "-in", key, "-pubout", "-out", tmp_path / "key.pub")
    recipient = ("--recipient", f"jwe:{tmp_path}/key.pub")
    (tmp_path / "place").mkdir()
    ref = f"docker-archive:{tmp_path}/place/a.tar"
    coco("encrypt", *recipient, image.ref, f"dir:{tmp_path}/secret")
    for args in (("encrypt", *recipient, image.ref), ("push", f"dir:{tmp_path}/secret")):
        assert "cannot hold encrypted layers" in coco(*args, ref, code=2)
        assert not os.listdir(tmp_path / "place")
    coco("push", image.ref, ref)
    content = (tmp_path / "place/a.tar").read_bytes()
    assert "nothing is added" in coco("push", image.ref, f"{ref}:other", code=2)
    assert (tmp_path / "place/a.tar").read_bytes() == content
    opened = f"docker-archive:{tmp_path}/open.tar:app:1"
    coco("decrypt", "--key", key, f"dir:{tmp_path}/secret", opened)
    assert unpack(opened, tmp_path / "opened") == image.tree
    coco("encrypt", *recipient, ref, f"oci:{tmp_path}/again:app")
    assert unpack(f"oci:{tmp_path}/again:app", tmp_path / "bundle", "--key", key) == image.tree


def test_the_policy_of_docker_archives_has_no_paths(image, tmp_path):
    ref = place("docker-archive", tmp_path / "d")
    coco("push", image.ref, ref)
    accept, reject = [{"type": "insecureAcceptAnything"}], [{"type": "reject"}]
    policy = tmp_path / "policy.json"
    for scopes, code in [({"": accept}, 0), ({}, 3), ({os.path.realpath(tmp_path): accept}, 1)]:
        policy.write_text(json.dumps({"default": reject, "transports": {"docker-archive": scopes}}))
        shutil.rmtree(tmp_path / "bundle", ignore_errors=True)
        coco("pull", "--policy", policy, ref, tmp_path / "bundle", code=code)
