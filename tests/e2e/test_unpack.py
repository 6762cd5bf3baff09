"""Hostile layers touch nothing outside, and take no more time than others.

UNPACK_LAYER names the program that unpacks layers into a directory.

SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import re
import shutil
import subprocess
import tarfile

import pytest

from images import IMAGES, tars_of, xattr
from layout import Layer

UNPACK = os.environ.get("UNPACK_LAYER", "unpack-layer")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")

def run(root, tars, folder, prefix=()):
    files = []
    for number, tar in enumerate(tars):
        files.append(folder / f"{number}.tar")
        files[-1].write_bytes(tar)
    # Where there is a leak checker, it cannot work beneath strace.
    leaks = os.environ.get("ASAN_OPTIONS", "") + (":detect_leaks=0" if prefix else "")
    return subprocess.run(
        [*prefix, UNPACK, root, *files],
        env={**os.environ, "ASAN_OPTIONS": leaks},
        capture_output=True,
        text=True,
        check=False,
    )


def hostile(outer):
    """(name, layers): refused or contained, but never seen outside of the root."""
    yield "dot dot", [Layer().add("../victim", data=b"!")]
    yield "dot dot within", [Layer().dir("a").add("a/../../victim", data=b"!")]
    yield "link to victim", [Layer().symlink("l", "../victim").add("l", data=b"!")]
    yield "absolute link", [Layer().symlink("l", str(outer)).add("l/victim", data=b"!")]
    yield "link in a lower layer", [Layer().symlink("l", ".."), Layer().add("l/victim", data=b"!")]
    yield "chain of links", [
        Layer().symlink("a", "..").symlink("b", "a/..").add("b/victim", data=b"!").dir("b/new"),
    ]
    yield "hard link out", [Layer().link("h", "../victim").add("h", data=b"!")]
    yield "hard link through a link", [Layer().symlink("l", "..").link("h", "l/victim").add("h", data=b"!")]
    yield "metadata through a link", [Layer().symlink("l", "../victim", mode=0o777, uid=99, gid=99)]
    yield "hard link to a link", [Layer().symlink("l", "../victim").link("h", "l", mode=0o777, uid=99)]
    yield "directory over a link", [Layer().symlink("d", "..").dir("d", mode=0o777, uid=99)]
    yield "whiteout through a link", [Layer().symlink("l", ".."), Layer().add("l/.wh.victim")]
    yield "opaque through a link", [Layer().symlink("l", ".."), Layer().add("l/.wh..wh..opq")]
    yield "whiteout of dot dot", [Layer().add(".wh...")]
    yield "whiteout of nothing", [Layer().add(".wh.")]
    yield "replaced tree with links", [
        Layer().dir("d").symlink("d/out", "../..").add("d/x"), Layer().add("d", data=b"!"),
    ]
    yield "proc", [Layer().symlink("p", "/proc/self/cwd").add("p/victim", data=b"!")]
    yield "overlay whiteout", [Layer().add("w", tarfile.CHRTYPE, devmajor=0, devminor=0)]
    yield "overlay attributes", [Layer().dir("d", **xattr(trusted__overlay__opaque="y"))]
    yield "nul in a name", [Layer().add("a", pax_headers={"path": "a\0b"})]
    yield "a fifo in the way", [Layer().add("f", tarfile.FIFOTYPE), Layer().add("f", data=b"!")]
    yield "a device in the way", [
        Layer().add("f", tarfile.CHRTYPE, devmajor=1, devminor=3), Layer().add("f", data=b"!"),
    ]
    yield "root is a link", [Layer().symlink("./", "..").add("victim", data=b"!")]


def snapshot(top, root):
    """All around the root."""
    return {
        path: (os.lstat(path).st_mode, os.lstat(path).st_uid, os.lstat(path).st_mtime_ns,
               os.lstat(path).st_nlink, path.read_bytes() if path.is_file() else None)
        for path in (top, *top.rglob("*"))
        if root not in (path, *path.parents)
    }


@pytest.mark.parametrize("name", [name for name, _ in hostile("/")])
def test_nothing_outside_changes(name, tmp_path):
    outer = tmp_path / "outer"
    root = outer / "root"
    root.mkdir(parents=True)
    (outer / "victim").write_text("unharmed")
    before = snapshot(outer, root)
    done = run(root, [layer.bytes() for layer in dict(hostile(outer))[name]], tmp_path)
    assert done.returncode in (0, 1), done.stderr
    assert snapshot(outer, root) == before
    for folder, dirs, files in os.walk(root):
        for path in (os.path.join(folder, entry) for entry in dirs + files):
            assert not os.path.basename(path).startswith(".wh.")
            assert not any(x.startswith("trusted.") for x in os.listxattr(path, follow_symlinks=False))


# `call(..., DIRFD, "path"`, the last such pair of a call; fstat() and kin have "" or none.
CALL = re.compile(r'^\d+ +(\w+)\(.*?(AT_FDCWD|\d+), "((?:[^"\\]|\\.)*)"')


@strace
@pytest.mark.parametrize("name", [
    "whiteouts", "whiteouts through links", "hard links to lower layers", "through links", "special", "attributes",
])
def test_every_path_is_one_name_in_an_open_directory(name, tmp_path):
    """openat2() may take several names at once, for it is told to stay beneath the root."""
    root = tmp_path / "root"
    root.mkdir()
    log = tmp_path / "log"
    done = run(root, tars_of(IMAGES[name]), tmp_path,
               ["strace", "-f", "-o", log, "-e", "trace=%file,mkdirat,linkat,symlinkat,fchmodat"])
    assert done.returncode == 0, done.stdout

    lines = log.read_text(errors="replace").splitlines()
    first = next(n for n, line in enumerate(lines) if "/0.tar" in line and "openat" in line)
    calls = [
        CALL.match(line) for line in lines[first:]
        if CALL.match(line) and ".tar" not in line and "openssl" not in line  # its configuration
    ]
    assert len(calls) > 10
    for call in calls:
        if call[1] == "openat2":
            assert "RESOLVE_BENEATH" in call.string and "RESOLVE_NO_SYMLINKS" in call.string
        else:
            assert call[2] != "AT_FDCWD", call.string
            assert "/" not in call[3], call.string


def test_time_is_linear_in_hostile_layers(tmp_path):
    """Opaque whiteouts without end on a large directory, deep paths by turns."""
    layer = Layer(tarfile.USTAR_FORMAT)
    deep = "/".join("d" * 100)
    for number in range(20000):
        layer.add(f"many/{number}").add("many/.wh..wh..opq")
        if number % 4 == 0:
            layer.add(f"{deep}/{number % 2}/x")
    root = tmp_path / "root"
    root.mkdir()
    before = os.times()
    done = run(root, [layer.bytes()], tmp_path)
    after = os.times()
    assert done.returncode == 0, done.stdout
    assert len(os.listdir(root / "many")) == 20000
    assert after.children_user + after.children_system < 20 + before.children_user + before.children_system
