"""Layers unpacked here and by umoci make the same tree; hostile ones touch nothing outside.

UNPACK_LAYER names the program that unpacks layers into a directory.

SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import re
import shutil
import struct
import subprocess
import tarfile

import pytest

from layout import Layer, describe, write_layout

UNPACK = os.environ.get("UNPACK_LAYER", "unpack-layer")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
umoci = pytest.mark.skipif(not shutil.which("umoci"), reason="umoci is not installed")
strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")

# cap_net_raw+ep, as `struct vfs_ns_cap_data` of revision 2 has it on disk
NET_RAW = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0).decode("latin-1")


def xattr(**values):
    return {"pax_headers": {"SCHILY.xattr." + k.replace("__", "."): v for k, v in values.items()}}


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


def base():
    layer = Layer()
    layer.dir("./", mode=0o755, mtime=1400000000)
    for name in "etc", "usr", "usr/bin", "usr/lib", "var", "var/lib", "opt", "opt/a", "opt/a/b":
        layer.dir(name, mtime=1400000000.25)
    layer.symlink("bin", "usr/bin").symlink("lib", "/usr/lib").symlink("up", "../../../var/lib")
    layer.add("etc/passwd", data=b"root:x:0:0::/root:/bin/sh\n", uid=0, gid=42, mode=0o640)
    layer.add("usr/bin/tool", data=b"#!/bin/sh\n", mode=0o4755, uid=12, gid=34, mtime=1400000000.5)
    layer.add("usr/lib/one", data=b"1" * 70000).link("usr/lib/two", "usr/lib/one")
    layer.add("opt/a/x", data=b"x").add("opt/a/b/y", data=b"y").add("opt/z", data=b"z")
    layer.symlink("opt/dangling", "nowhere/at/all", uid=7, gid=8, mtime=1300000000)
    return layer


def friendly():
    """(name, layers, paths whose times are left out)

    umoci gives no time to directories that no layer names, and leaves the present
    one on directories that a late whiteout takes something out of.
    """
    yield "one layer", [base()], ()
    yield "replaced", [
        base(),
        Layer().add("usr/bin/tool", data=b"new").add("opt/a", data=b"a file now")
        .dir("usr/lib/one", mode=0o700).symlink("etc/passwd", "shadow"),
    ], ()
    yield "through links", [
        base(),
        Layer().add("bin/more", data=b"m").add("lib/three", data=b"3").add("up/deep", data=b"d")
        .link("bin/hard", "lib/one").link("etc/lower", "opt/z"),
    ], ()
    yield "whiteouts", [
        base(),
        Layer().add("opt/.wh.z").add("opt/a/.wh.b").add("usr/lib/.wh.two").add("bin/.wh.tool")
        .add("var/.wh.nothing").add("opt/.wh.dangling"),
    ], ()
    yield "whiteout first", [base(), Layer().add(".wh.opt").dir("opt").add("opt/new", data=b"n")], ()
    yield "whiteout last", [base(), Layer().dir("opt").add("opt/new", data=b"n").add(".wh.opt")], {"opt"}
    yield "opaque first", [
        base(), Layer().dir("opt").add("opt/.wh..wh..opq").dir("opt/a").add("opt/a/new", data=b"n"),
    ], ()
    yield "opaque last", [
        base(), Layer().dir("opt").dir("opt/a").add("opt/a/new", data=b"n").add("opt/.wh..wh..opq"),
    ], {"opt/a"}
    yield "implied parents", [
        Layer().add("a/b/c/file", data=b"1", uid=5).dir("a/b", mode=0o711, mtime=1450000000)
    ], {".", "a", "a/b/c"}
    yield "attributes", [
        Layer().add("ping", data=b"p", mode=0o755, uid=1, **xattr(security__capability=NET_RAW))
        .add("note", data=b"n", **xattr(user__note="hello", user__empty=""))
        .dir("dir", **xattr(user__gone="soon")),
        Layer().dir("dir", **xattr(user__kept="yes")),
    ], {"."}
    yield "special", [
        Layer().add("fifo", tarfile.FIFOTYPE, mode=0o600)
        .add("null", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666, uid=3)
        .add("sda", tarfile.BLKTYPE, devmajor=8, devminor=0x12345, mode=0o660)
        .dir("tmp", mode=0o1777).dir("staff", mode=0o2775, gid=50),
    ], {"."}
    yield "names", [
        Layer().add("x" * 255, data=b"long").add("d/" + "/".join(["y" * 100] * 20), data=b"deep")
        .add("sp ace\nnew\tline", data=b"s").add("umlaut-ü", data=b"u")
        .symlink("far", "z" * 1000),
    ], {"."} | {"d" + ("/" + "/".join(["y" * 100] * n) if n else "") for n in range(20)}
    yield "gnu names", [
        Layer(tarfile.GNU_FORMAT).add("d/" + "y" * 200, data=b"1").symlink("far", "z" * 300)
        .add("big-id", uid=3000000, gid=4000000).add("latin-\udcff", data=b"1"),
    ], {".", "d"}
    yield "ustar prefix", [
        Layer(tarfile.USTAR_FORMAT).dir("p" * 80).add("p" * 80 + "/" + "q" * 80, data=b"1"),
    ], {"."}
    yield "old times", [
        Layer().add("past", mtime=-1.25).add("early", mtime=0).add("late", mtime=2**33 + 0.125)
    ], {"."}
    yield "absolute", [Layer().dir("/a").add("/a/b", data=b"1").link("/a/c", "/a/b")], {"."}
    yield "twice", [Layer().add("f", data=b"1").add("f", data=b"22").dir("f").dir("f", mode=0o700)], {"."}


FRIENDLY = list(friendly())


@umoci
@pytest.mark.parametrize("layers, implied", [c[1:] for c in FRIENDLY], ids=[c[0] for c in FRIENDLY])
def test_tree_equals_umocis(layers, implied, tmp_path):
    tars = [layer.bytes() for layer in layers]
    write_layout(tmp_path / "image", tars)
    subprocess.run(
        ["umoci", "unpack", "--image", f"{tmp_path}/image:t", tmp_path / "theirs"],
        check=True, capture_output=True,
    )
    ours = tmp_path / "ours"
    ours.mkdir()
    ours.chmod(0o755)
    done = run(ours, tars, tmp_path)
    assert done.returncode == 0, done.stdout
    assert describe(ours, implied) == describe(tmp_path / "theirs" / "rootfs", implied)


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
@pytest.mark.parametrize("name", ["whiteouts", "through links", "special", "attributes"])
def test_every_path_is_one_name_in_an_open_directory(name, tmp_path):
    """openat2() may take several names at once, for it is told to stay beneath the root."""
    root = tmp_path / "root"
    root.mkdir()
    log = tmp_path / "log"
    layers = dict(case[:2] for case in FRIENDLY)[name]
    done = run(root, [layer.bytes() for layer in layers], tmp_path,
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
