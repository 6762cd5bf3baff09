"""Pulls that share a store: each layer is fetched and unpacked once, whoever pulls it.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os

import pytest

from conftest import leftovers
from layout import Layout

ANYTHING = ("--insecure-policy", "accept-anything")
BASE = {f"base/{n}": os.urandom(100_000) for n in range(20)}


@pytest.fixture(name="images")
def fixture_images(tmp_path):
    """Two images on one base."""
    layout = Layout(tmp_path / "images")
    layout.add_image("one", [BASE, {"one": b"1"}])
    layout.add_image("two", [BASE, {"two": b"2", "base/0": b"replaced"}])
    return layout


@pytest.fixture(name="pull")
def fixture_pull(coco, tmp_path):
    def pull(ref, name, *options, code=0):
        return coco.json(
            "image", "pull", "--store", tmp_path / "store", *ANYTHING, *options, ref, tmp_path / name, code=code
        )

    return pull


def test_a_shared_layer_is_read_once(images, pull, coco, tmp_path):
    first = pull(images.ref("one"), "a")
    second = pull(images.ref("two"), "b")
    third = pull(images.ref("one"), "c")
    assert first["bytes_read"] > 2_000_000
    assert second["bytes_read"] < 10_000
    assert third["bytes_read"] < 10_000
    assert (tmp_path / "b/rootfs/base/1").read_bytes() == BASE["base/1"]
    assert (tmp_path / "b/rootfs/base/0").read_bytes() == b"replaced"
    assert (tmp_path / "c/rootfs/base/0").read_bytes() == BASE["base/0"]
    assert (tmp_path / "c/config.json").exists()

    store = ("--store", tmp_path / "store")
    listed = coco.json("image", "ls", *store)
    assert {image["digest"] for image in listed["images"]} == {images.digest("one"), images.digest("two")}
    assert len(listed["trees"]) == 3
    assert coco.json("image", "verify-store", *store) == {"bad": [], "trees": 3}
    coco.json("image", "rm", *store, images.digest("one"))
    assert int(coco.json("image", "prune", *store)["bytes_freed"]) == 1
    assert len(coco.json("image", "ls", *store)["trees"]) == 2


def test_a_plan_knows_what_is_there(images, pull, coco, registry, tmp_path):
    """Of a real registry's gzip layers the size on disk is known to the byte, padding and all."""
    coco.run("image", "push", "--plain-http", images.ref("two"), f"{registry.host}/acme/two:1", code=0)
    remote = ("--plain-http", f"{registry.host}/acme/two:1")
    before = coco.json("image", "plan", *remote)
    sizes = [layer["size"] for layer in images.manifest("two")["layers"]]
    assert [layer["here"] for layer in before["layers"]] == [False, False]
    assert before["fetch"] == sum(sizes)
    assert before["content_unknown"] == 0
    assert before["content"] > 2_000_000
    assert before["limits"] is None
    assert "max_bytes" in coco.json("image", "plan", *remote, "--max-bytes", "1000")["limits"]

    pull(images.ref("one"), "a")
    after = coco.json("image", "plan", "--store", tmp_path / "store", *remote)
    assert [layer["here"] for layer in after["layers"]] == [True, False]
    assert after["fetch"] == sizes[1]
    text = coco.run("image", "plan", "--store", tmp_path / "store", *remote, code=0).stdout.decode()
    assert "in the store" in text and "to fetch" in text


def test_what_has_gone_bad_is_found(images, pull, coco, tmp_path):
    pull(images.ref("one"), "a")
    for file in (tmp_path / "store/trees").glob("*/rootfs/base/7"):
        before = os.stat(file)
        with open(file, "r+b") as stream:
            first = stream.read(1)[0]
            stream.seek(0)
            stream.write(bytes([first ^ 1]))
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        break
    done = coco.run("image", "verify-store", "--store", tmp_path / "store")
    assert done.returncode == 4
    assert b"not as they were unpacked" in done.stderr


def test_a_layer_whose_record_is_broken_is_told_how_to_mend(images, pull, coco, tmp_path):
    pull(images.ref("one"), "a")
    for record in (tmp_path / "store/trees").glob("*/tree.json"):
        record.write_bytes(b"")
    failed = pull(images.ref("one"), "b", code=1)
    assert "forget the images that have it, and prune the store" in failed["message"]
    store = ("--store", tmp_path / "store")
    coco.json("image", "rm", *store, images.digest("one"))
    coco.json("image", "prune", *store)
    pull(images.ref("one"), "b")
    assert (tmp_path / "b/rootfs/one").read_bytes() == b"1"


def test_without_a_store_there_is_nothing_to_list(coco):
    for command in (["ls"], ["prune"], ["rm", "x"], ["unmount", "x"], ["verify-store"]):
        done = coco.run("image", *command)
        assert done.returncode == 2
        assert b"--store" in done.stderr


def test_two_pulls_at_once_are_one_download(images, coco, tmp_path):
    """Each layer is read by one of them, the other waits for it; both bundles are whole."""
    processes = [
        coco.start(
            "image", "pull", "--json", "--store", tmp_path / "store", *ANYTHING, images.ref("one"), tmp_path / name
        )
        for name in "abcd"
    ]
    read = []
    for process in processes:
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        read.append(json.loads(out.splitlines()[-1])["bytes_read"])
    small = 10_000
    assert sum(n > small for n in read) == 1, read
    for name in "abcd":
        assert (tmp_path / name / "rootfs/base/7").read_bytes() == BASE["base/7"]
        assert (tmp_path / name / "rootfs/one").read_bytes() == b"1"
    assert all(name.startswith("sha256-") for name in leftovers(tmp_path / "store/trees"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_an_overlay_takes_no_room(images, pull, coco, tmp_path):
    store = ("--store", tmp_path / "store")
    pull(images.ref("one"), "a")
    done = coco.run("image", "pull", "--json", *store, "--overlay", *ANYTHING, images.ref("one"), tmp_path / "b")
    if done.returncode == 7:
        pytest.skip("no overlay can be mounted here: " + done.stderr.decode())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["bytes_written"] == 0
    assert (tmp_path / "b/rootfs/base/7").read_bytes() == BASE["base/7"]
    (tmp_path / "b/rootfs/base/7").write_bytes(b"mine")
    assert coco.json("image", "verify-store", *store)["bad"] == []
    coco.json("image", "unmount", *store, tmp_path / "b")
    assert not (tmp_path / "b").exists()
    assert coco.run("image", "unmount", *store, tmp_path / "a").returncode == 6
