"""Pulls that are killed at any moment, and pulls that meet: all of the image is there, or nothing.

The bytes after which pulls are killed are chosen at random; COCO_KILL_SEED and COCO_KILLS choose others, and more.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import gzip
import io
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import threading
from concurrent.futures import Future

import pytest

from conftest import PROGRAM, TIMEOUT_S, Coco, leftovers
from layout import CONFIG, LAYER, MANIFEST, Layout, sha256
from tree import tree

SEED = int(os.environ.get("COCO_KILL_SEED", "20240229"))
MOMENTS = int(os.environ.get("COCO_KILLS", "42"))
STAGING = re.compile(r"\.bundle\.coco-[0-9a-f]{16}")


def lower(content):
    """Files of all kinds in some directories."""
    for d in range(10):
        yield f"d{d}", tarfile.DIRTYPE, {"mode": 0o700 + d, "mtime": 1500000000 + d}
        for n in range(30):
            data = content.randbytes(content.randrange(4000))
            yield f"d{d}/{n}", tarfile.REGTYPE, {"data": data, "mode": 0o600 + n % 8}
        yield f"d{d}/hard", tarfile.LNKTYPE, {"linkname": f"d{d}/1"}
        yield f"d{d}/soft", tarfile.SYMTYPE, {"linkname": "../d1/2"}
    yield "pipe", tarfile.FIFOTYPE, {}


def upper(content):
    """Files replaced, hidden and added."""
    for d in range(0, 10, 2):
        yield f"d{d}/.wh.3", tarfile.REGTYPE, {}
        yield f"d{d}/4", tarfile.REGTYPE, {"data": content.randbytes(2000)}
    yield "d9/.wh..wh..opq", tarfile.REGTYPE, {}
    yield "d9/new", tarfile.REGTYPE, {"data": b"new"}
    yield ".wh.d7", tarfile.REGTYPE, {}


def tar_of(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind, fields in entries:
            info = tarfile.TarInfo(name)
            info.type, info.mtime = kind, 1500000000
            data = fields.pop("data", b"")
            info.size = len(data)
            for field, value in fields.items():
                setattr(info, field, value)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def add_image(layout, tag):
    content = random.Random(1)
    big = [("big", tarfile.REGTYPE, {"data": content.randbytes(1_500_000)})]
    tars = [tar_of(lower(content)), tar_of(big), tar_of(upper(content))]
    config = {"os": "linux", "architecture": "amd64", "config": {"Cmd": ["/bin/true"]},
              "rootfs": {"type": "layers", "diff_ids": [sha256(tar) for tar in tars]}}
    packed = [gzip.compress(tar, mtime=0) for tar in tars]

    def described(data, media_type):
        return {"mediaType": media_type, "digest": layout.put(data), "size": len(data)}

    layout.set_manifest(tag, {
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": described(json.dumps(config).encode(), CONFIG),
        "layers": [described(data, LAYER) for data in packed],
    })


class Way:
    """A way to a registry, at .host, that counts the bytes that come from there.

    With a limit, so many pass, and no more before the process that .victim becomes is dead.
    """

    def __init__(self, to):
        self.to = to
        self.lock = threading.Lock()
        self.count, self.limit, self.victim, self.meeting = 0, None, None, None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def begin(self, limit=None, meeting=None):
        """From zero. With a meeting, nothing passes before all have met."""
        self.count, self.limit, self.victim, self.meeting = 0, limit, Future(), meeting

    def pass_on(self, data, client):
        with self.lock:
            if self.meeting:
                self.meeting.wait(TIMEOUT_S)
                self.meeting = None
            end = self.limit is not None and self.count + len(data) >= self.limit
            data = data[: self.limit - self.count] if end else data
            self.count += len(data)
            client.sendall(data)
            if end:
                victim = self.victim.result(TIMEOUT_S)
                victim.kill()
                victim.wait()

    @staticmethod
    def copy(source, target, write):
        try:
            while data := source.recv(16384):
                write(data, target)
        except OSError:
            pass
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def carry(self, client):
        name, port = self.to.split(":")
        with client, socket.create_connection((name, int(port))) as server:
            forth = threading.Thread(target=self.copy, args=(client, server, lambda data, to: to.sendall(data)))
            forth.start()
            self.copy(server, client, self.pass_on)
            forth.join()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.carry, args=(self.listener.accept()[0],), daemon=True).start()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture(name="new_way")
def fixture_new_way(registry):
    made = []

    def start():
        made.append(Way(registry.host))
        return made[-1]

    yield start
    for way in made:
        way.stop()


def content_of(bundle):
    """All of it but when it was pulled, which the bundle's directory and its configuration tell."""
    assert leftovers(bundle) == ["config.json", "rootfs"]
    return (bundle / "config.json").read_text(), tree(bundle / "rootfs")


class Image:
    """The image in the registry, as it is and encrypted, and what a pull nobody disturbed makes of it."""

    def __init__(self, coco, registry, keys, folder):
        private, public = keys("ec")
        layout = Layout(folder / "layout")
        add_image(layout, "app")
        self.coco = coco
        to = f"docker://{registry.host}/kill/app"
        coco.run("image", "push", "--plain-http", layout.ref("app"), f"{to}:plain", code=0)
        coco.run("image", "encrypt", "--plain-http", "--recipient", f"jwe:{public}", layout.ref("app"),
                 f"{to}:encrypted", code=0)  # fmt: skip
        self.options = ["--plain-http", "--insecure-policy", "accept-anything", "--key", private]
        self.whole = self.pull(registry.host, "plain", folder / "reference")

    def command(self, host, tag, bundle, *more):
        return ["image", "pull", *self.options, *more, f"{host}/kill/app:{tag}", bundle]

    def pull(self, host, tag, bundle, *more):
        self.coco.run(*self.command(host, tag, bundle, *more), code=0)
        return content_of(bundle)


@pytest.fixture(name="image", scope="module")
def fixture_image(registry, keys, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kill")
    return Image(Coco(folder), registry, keys, folder)


@pytest.fixture(name="place")
def fixture_place():
    """The name of a bundle, alone in a directory; in memory, for each pull waits for the disk at its end."""
    with tempfile.TemporaryDirectory(prefix="coco-kill-", dir="/dev/shm") as folder:
        yield pathlib.Path(folder) / "bundle"


def assert_all_or_nothing(image, place):
    """After a kill: whatever has the bundle's name is complete, and the rest has a name of its own."""
    for name in leftovers(place.parent):
        assert name == place.name or STAGING.fullmatch(name), name
    if place.exists():
        assert content_of(place) == image.whole


def assert_the_next_pull_succeeds(image, host, tag, place):
    if place.exists():
        shutil.rmtree(place)
    assert image.pull(host, tag, place) == image.whole
    assert leftovers(place.parent) == [place.name]
    shutil.rmtree(place)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_pull_is_killed_at_any_byte(image, registry, new_way, place):
    way = new_way()
    whole = {}
    for tag in "plain", "encrypted":
        way.begin()
        assert image.pull(way.host, tag, place) == image.whole
        shutil.rmtree(place)
        whole[tag] = way.count
    print(f"COCO_KILL_SEED={SEED}")
    chance = random.Random(SEED)
    for number in range(MOMENTS):
        tag = ("plain", "encrypted")[number % 2]
        limit = chance.randrange(1, whole[tag])
        print(f"{tag}: after {limit} of {whole[tag]} bytes")
        way.begin(limit)
        process = image.coco.start(*image.command(way.host, tag, place))
        way.victim.set_result(process)
        process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == -signal.SIGKILL
        assert_all_or_nothing(image, place)
        assert_the_next_pull_succeeds(image, registry.host, tag, place)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("moment", [
    "mkdirat:1", "flock:1", "mkdirat:5", "mknodat:1", "linkat:3", "unlinkat:2", "utimensat:200", "syncfs:1",
    "renameat:1", "fsync:1", "exit_group:1",
])
def test_a_pull_is_killed_at_a_call_of_the_system(image, registry, place, moment):
    """Of which the last are those that put the bundle in its place."""
    call, when = moment.split(":")
    inject = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={when}"]
    done = subprocess.run(
        [*inject, PROGRAM, *image.command(registry.host, "plain", place)],
        env=image.coco.environment(), capture_output=True, timeout=TIMEOUT_S, check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert place.exists() == (call in ("fsync", "exit_group"))
    assert_all_or_nothing(image, place)
    assert_the_next_pull_succeeds(image, registry.host, "plain", place)


class Store:
    """A store beside the bundle that pulls with it make."""

    def __init__(self, image, place):
        self.image, self.place = image, place
        self.path = place.parent / "store"
        self.option = ("--store", self.path)

    def assert_is_sound(self):
        """Whatever trees and bundles it knows are whole."""
        assert self.image.coco.json("image", "verify-store", *self.option)["bad"] == []
        listed = self.image.coco.json("image", "ls", *self.option)
        assert [name for name, entries in listed.items() for entry in entries if entry.get("broken")] == []

    def assert_the_next_pull_succeeds(self, host, tag):
        if self.place.exists():
            assert content_of(self.place) == self.image.whole
            shutil.rmtree(self.place)
        assert self.image.pull(host, tag, self.place, *self.option) == self.image.whole
        self.assert_is_sound()
        assert leftovers(self.place.parent) == [self.place.name, "store"]
        assert len(leftovers(self.path / "trees")) == 3
        for folder in "trees", "images", "bundles":
            assert all(re.fullmatch(r"sha256-[0-9a-f]{64}(\.json)?", name) for name in leftovers(self.path / folder))
        assert len(leftovers(self.path / "images")) == 1

    def remove(self):
        for path in self.place, self.path:
            shutil.rmtree(path, ignore_errors=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_pull_with_a_store_is_killed_at_any_byte(image, registry, new_way, place):
    way = new_way()
    store = Store(image, place)
    way.begin()
    image.pull(way.host, "plain", place, *store.option)
    whole = way.count
    print(f"COCO_KILL_SEED={SEED}")
    chance = random.Random(SEED)
    for number in range(MOMENTS // 2):
        store.remove()
        tag = ("plain", "encrypted")[number % 2]
        limit = chance.randrange(1, whole)
        print(f"{tag}: after {limit} of {whole} bytes")
        way.begin(limit)
        process = image.coco.start(*image.command(way.host, tag, place, *store.option))
        way.victim.set_result(process)
        process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == -signal.SIGKILL
        if store.path.exists():
            store.assert_is_sound()
        store.assert_the_next_pull_succeeds(registry.host, tag)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("moment", [
    "mkdirat:1", "mkdirat:3", "mkdirat:6", "mkdirat:8", "flock:1", "flock:2", "flock:3", "flock:4", "linkat:2",
    "linkat:100", "unlinkat:1", "syncfs:1", "fsync:1", "fsync:2", "fsync:9", "fsync:10", "exit_group:1",
    *(f"renameat:{number}" for number in range(1, 10)),
])
def test_a_pull_with_a_store_is_killed_at_a_call_of_the_system(image, registry, place, moment):
    store = Store(image, place)
    call, when = moment.split(":")
    inject = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={when}"]
    done = subprocess.run(
        [*inject, PROGRAM, *image.command(registry.host, "plain", place, *store.option)],
        env=image.coco.environment(), capture_output=True, timeout=TIMEOUT_S, check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    if (store.path / "store.json").exists():
        store.assert_is_sound()
    store.assert_the_next_pull_succeeds(registry.host, "plain")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("number", [2, 4])
def test_of_pulls_to_the_same_place_one_wins(image, new_way, place, there, number):
    """All of them have begun before any has the first byte."""
    ways = [new_way() for _ in range(number)]
    for turn in range(3):
        if there:
            place.mkdir()
        meeting = threading.Barrier(number)
        processes = []
        for way in ways:
            way.begin(meeting=meeting)
            processes.append(image.coco.start(*image.command(way.host, "plain", place)))
        said = [process.communicate(timeout=TIMEOUT_S)[1].decode() for process in processes]
        codes = [process.returncode for process in processes]
        assert sorted(codes) == [0] + [2] * (number - 1), (turn, codes, said)
        for code, text in zip(codes, said):
            assert code == 0 or "'bundle' is there by now" in text, text
        assert content_of(place) == image.whole
        assert leftovers(place.parent) == [place.name]
        shutil.rmtree(place)
