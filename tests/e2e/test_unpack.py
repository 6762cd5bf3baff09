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
    return subprocess.run([*prefix, UNPACK, root, *files], capture_output=True, text=True, check=False)


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
