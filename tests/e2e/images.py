"""Images over everything that layers hold, which somebody has to unpack.

The corpus is of what is odd in one layer, and says what becomes of it; here is what others can unpack, too.

SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import gzip
import itertools
import os
import random
import shutil
import struct
import subprocess
import tarfile
import tempfile

from layout import CONFIG, GZIP, MANIFEST, Blob, Layer, packed
from rawtar import END, GNU, base256, entry, header, octal, padded, pax, record, run

# cap_net_raw+ep, as `struct vfs_ns_cap_data` of revision 2 has it on disk
NET_RAW = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0).decode("latin-1")
DOCKER = "application/vnd.docker."


@dataclasses.dataclass
class Image:
    """Layers from the lowest up, each a Layer, a tar or a Blob; and the types of manifest and config."""

    name: str
    layers: list
    types: tuple = (MANIFEST, CONFIG)


def xattr(**values):
    return {"pax_headers": {"SCHILY.xattr." + k.replace("__", "."): v for k, v in values.items()}}


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


def basics():
    yield Image("one layer", [base()])
    yield Image("no layers", [])
    yield Image("empty layers", [END, base(), END, b""])
    yield Image("nothing but empty layers", [END, b""])
    yield Image("replaced", [
        base(),
        Layer().add("usr/bin/tool", data=b"new").add("opt/a", data=b"a file now")
        .dir("usr/lib/one", mode=0o700).symlink("etc/passwd", "shadow"),
    ])
    yield Image("twice in a layer", [
        Layer().dir("./").add("f", data=b"1").add("f", data=b"22").dir("f").dir("f", mode=0o700)
        .add("g", data=b"1" * 5000).add("g", data=b"2", mode=0o600)])
    yield Image("metadata alone", [
        base(), Layer().dir("./", mode=0o711, uid=5).dir("opt", mode=0o1777, gid=6, mtime=1450000000.5)])
    yield Image("metadata after the files", [
        Layer().add("d/e/f", data=b"1").add("d/g", data=b"2").dir("d/e", mode=0o750, mtime=1450000000)
        .dir("d", mode=0o700, mtime=1460000000).dir("./", mtime=1470000000)])
    yield Image("implied parents", [
        Layer().add("a/b/c/file", data=b"1", uid=5).dir("a/b", mode=0o711, mtime=1450000000)])
    yield Image("50 layers", [
        Layer().dir("./").dir(f"d{n % 7}").add(f"d{n % 7}/f{n % 11}", data=b"%d" % n)
        .add(f"only-{n}", data=b"%d" % n, mode=0o600 + n % 8)
        .add(f".wh.only-{n - 10}").add(f"d{n % 7}/.wh.f{(n + 3) % 11}")
        for n in range(50)])
    lower = Layer().dir("./").dir("d").add("d/f", data=b"1").add("d/g", data=b"2").bytes()
    hide = Layer().dir("d").add("d/.wh.f").bytes()
    yield Image("the same layers again", [lower, hide, lower, lower, hide, hide, lower])
    many = random.Random(1)
    layer = Layer().dir("./")
    for d in range(20):
        layer.dir(f"d{d}", mtime=1400000000 + d)
        for n in range(100):
            layer.add(f"d{d}/{n}", data=many.randbytes(many.randrange(3000)), mode=many.randrange(0o10000),
                      uid=many.randrange(1 << 31), mtime=1400000000 + many.random())
    yield Image("two thousand files", [layer])


def links():
    yield Image("through links", [
        base(),
        Layer().add("bin/more", data=b"m").add("lib/three", data=b"3").add("up/deep", data=b"d")
        .link("bin/hard", "bin/more"),
    ])
    yield Image("links that lead out", [
        Layer().dir("./").symlink("l", "../../../../tmp-of-the-image").symlink("a", "/../..")
        .symlink("b", "/abs/olute").symlink("loop", "loop").symlink("dot", ".").symlink("up", ".."),
        Layer().add("l/f", data=b"1").add("b/f", data=b"2").add("dot/f", data=b"3").add("up/g", data=b"4")])
    yield Image("hard links", [
        Layer().dir("./").dir("d").add("f", data=b"x", mode=0o4711, uid=3)
        .link("d/g", "f").link("d/h", "d/g").link("i", "./d/h", mode=0o777, uid=9)
        .add("other", data=b"x").link("twin", "/other").symlink("l", "f").link("m", "l")])
    yield Image("hard links to lower layers", [
        base(), Layer().link("opt/first", "usr/lib/one").link("opt/second", "opt/first"),
        Layer().link("etc/third", "opt/z")])
    yield Image("hard links through links", [
        base(), Layer().add("lib/own", data=b"o").link("bin/own", "lib/own").link("up/own", "bin/own")])
    yield Image("hard links replaced and hidden", [
        Layer().dir("./").add("a", data=b"1").link("b", "a").link("c", "a").link("d", "a"),
        Layer().add("b", data=b"2").add(".wh.c")])
    yield Image("hard links replaced in their layer", [
        Layer().dir("./").add("a", data=b"1").link("b", "a").link("c", "a").add("a", data=b"2").link("c", "a")])
    yield Image("hard links to special files", [
        Layer().dir("./").add("n", tarfile.CHRTYPE, devmajor=1, devminor=3).link("m", "n")
        .add("p", tarfile.FIFOTYPE).link("q", "p")])
    yield Image("merged usr", [
        Layer().dir("./").dir("lib").add("lib/old", data=b"1").dir("bin").add("bin/sh", data=b"2"),
        Layer().dir("usr").dir("usr/lib").dir("usr/bin").add("usr/lib/old", data=b"1").add("usr/bin/sh", data=b"2")
        .add(".wh.lib").add(".wh.bin").symlink("lib", "usr/lib").symlink("bin", "usr/bin"),
        Layer().add("lib/new", data=b"3").dir("lib/sub", mode=0o711).add("lib/sub/f", data=b"4"),
        Layer().add("lib/.wh.old").add("bin/.wh..wh..opq").add("bin/busybox", data=b"5")])
    yield Image("a directory becomes a link", [
        Layer().dir("./").dir("d").add("d/f", data=b"1").dir("e").add("e/g", data=b"2"),
        Layer().symlink("d", "e"), Layer().add("d/h", data=b"3")])
    yield Image("a link becomes a directory", [
        Layer().dir("./").dir("e").add("e/g", data=b"2").symlink("d", "e"),
        Layer().dir("d", mode=0o700).add("d/h", data=b"3")])
    yield Image("a link becomes another", [
        Layer().dir("./").dir("e").dir("f").symlink("d", "e"), Layer().add("d/1", data=b"1"),
        Layer().symlink("d", "/f"), Layer().add("d/2", data=b"2")])


def types():
    """Each type in the place of each other."""
    made = {
        "file": lambda layer, name: layer.add(name, data=b"1", mode=0o600, uid=1),
        "dir": lambda layer, name: layer.dir(name, mode=0o700).add(name + "/in", data=b"2"),
        "link": lambda layer, name: layer.symlink(name, "f", gid=2),
        "hard": lambda layer, name: layer.link(name, "f"),
        "fifo": lambda layer, name: layer.add(name, tarfile.FIFOTYPE, mtime=1450000000),
        "char": lambda layer, name: layer.add(name, tarfile.CHRTYPE, devmajor=1, devminor=3),
        "block": lambda layer, name: layer.add(name, tarfile.BLKTYPE, devmajor=8, devminor=0x12345),
    }
    below, above, both = (Layer().dir("./").add("f", data=b"f") for _ in range(3))
    for first, second in itertools.product(made, made):
        for layer, kind in (below, first), (above, second), (both, first), (both, second):
            made[kind](layer, f"{first}-{second}")
    yield Image("every type over every other", [below, above])
    yield Image("every type over every other in a layer", [both])


def whiteouts():
    yield Image("whiteouts", [
        base(),
        Layer().add("opt/.wh.z").add("opt/a/.wh.b").add("usr/lib/.wh.two").add("var/.wh.nothing")
        .add("opt/.wh.dangling"),
    ])
    yield Image("whiteouts through links", [base(), Layer().add("bin/.wh.tool").add("lib/.wh.one")])
    yield Image("whiteout first", [base(), Layer().add(".wh.opt").dir("opt").add("opt/new", data=b"n")])
    yield Image("whiteout last", [base(), Layer().dir("opt").add("opt/new", data=b"n").add(".wh.opt")])
    yield Image("a whiteout and its file", [
        Layer().dir("./").add("a", data=b"1").add("b", data=b"2"),
        Layer().add(".wh.a").add("a", data=b"3").add("b", data=b"4").add(".wh.b")])
    yield Image("opaque first", [
        base(), Layer().dir("opt").add("opt/.wh..wh..opq").dir("opt/a").add("opt/a/new", data=b"n")])
    yield Image("opaque last", [
        base(), Layer().dir("opt").dir("opt/a").add("opt/a/new", data=b"n").add("opt/.wh..wh..opq")])
    yield Image("opaque in between", [
        base(), Layer().dir("opt").add("opt/1", data=b"1").add("opt/.wh..wh..opq").add("opt/2", data=b"2")])
    yield Image("opaque in the lowest layer", [
        Layer().dir("./").dir("d").add("d/.wh..wh..opq").add("d/f", data=b"1")])
    yield Image("opaque twice", [
        base(), Layer().dir("opt").add("opt/.wh..wh..opq").add("opt/1", data=b"1"),
        Layer().dir("opt").add("opt/.wh..wh..opq").add("opt/2", data=b"2")])
    yield Image("hidden and there again", [
        base(), Layer().add(".wh.opt"), Layer().dir("opt", mode=0o700).add("opt/z", data=b"new"),
        Layer().add("opt/.wh.z"), Layer().add("opt/z", data=b"newer"), Layer().add(".wh.opt").add(".wh.usr"),
        Layer().dir("usr").add("usr/only", data=b"u")])
    yield Image("an opaque root", [base(), Layer().dir("./").add(".wh..wh..opq").add("only", data=b"o")])


def metadata():
    yield Image("attributes", [
        Layer().dir("./").add("ping", data=b"p", mode=0o755, uid=1, **xattr(security__capability=NET_RAW))
        .add("note", data=b"n", **xattr(user__note="hello", user__empty=""))
        .add("su", data=b"s", mode=0o4755, **xattr(security__capability=NET_RAW, user__a="1"))
        .dir("dir", **xattr(user__gone="soon")),
        Layer().dir("dir", **xattr(user__kept="yes")),
    ])
    yield Image("attributes of bytes", [
        entry("./", type=b"5") + pax(SCHILY__xattr__user__a=b"\1\n=\xff") + entry("f", b"x") + END])
    yield Image("attributes of the kernel", [
        entry("./", type=b"5") + pax(SCHILY__xattr__trusted__a="1") + entry("trusted", b"x") + END])
    access, default = ({"SCHILY__xattr__system__posix_acl_" + kind: bytes.fromhex(
        "02000000" "01000600ffffffff" "0200070001000000" "04000400ffffffff" "10000700ffffffff"
        "20000400ffffffff")} for kind in ("access", "default"))
    yield Image("access control lists", [
        entry("./", type=b"5") + pax(**access) + entry("f", b"x", mode=b"0000674")
        + pax(**access) + entry("p", type=b"6", mode=b"0000674")
        + pax(**access, **default) + entry("d/", type=b"5", mode=b"0000674") + END])
    yield Image("access control lists and what is made there", [
        entry("./", type=b"5") + pax(**default) + entry("d/", type=b"5") + entry("d/f", b"x") + entry("d/s/", type=b"5")
        + END, entry("d/g", b"x") + END])
    yield Image("special", [
        Layer().dir("./").add("fifo", tarfile.FIFOTYPE, mode=0o600)
        .add("null", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666, uid=3)
        .add("sda", tarfile.BLKTYPE, devmajor=8, devminor=0x12345, mode=0o660)])
    yield Image("modes", [
        Layer().dir("./").dir("tmp", mode=0o1777).dir("staff", mode=0o2775, gid=50)
        .add("staff/f", data=b"1").dir("staff/d").add("suid", data=b"1", mode=0o4755, uid=1)
        .add("sgid", data=b"1", mode=0o2755, gid=1).add("all", data=b"1", mode=0o7777)
        .add("none", data=b"1", mode=0).dir("nodir", mode=0).add("nodir/f", data=b"1"),
        Layer().add("staff/later", data=b"1").add("nodir/later", data=b"1")])
    yield Image("owners", [
        Layer().dir("./").add("65536", uid=65536, gid=65537).add("2097152", uid=2097152, gid=2097153)
        .add("last", uid=2**32 - 2, gid=2**32 - 2).dir("d", uid=100000).symlink("l", "d", uid=3000000),
        entry("gnu", b"x", uid=base256(3000000, 8), gid=base256(2**31, 8), magic=GNU) + END])
    yield Image("times", [
        Layer().dir("./").add("past", mtime=-1.25).add("early", mtime=0).add("late", mtime=2**33 + 0.125)
        .dir("d", mtime=-86400).symlink("l", "d", mtime=-5)])
    yield Image("times of nanoseconds", [
        entry("./", type=b"5") + pax(mtime="1500000000.123456789") + entry("f", b"x")
        + pax(mtime="1500000000.000000001") + entry("d/", type=b"5")
        + pax(mtime="1500000000.999999999", atime="1400000000.5", ctime="1") + entry("l", type=b"2", link=b"f")
        + pax(mtime="-1.000000001") + entry("g", b"x") + entry("p", type=b"6", mtime=base256(-86400)) + END])


def formats():
    long = "/".join(["y" * 100] * 3)
    for name, of in {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}.items():
        yield Image(f"a {name} archive", [
            Layer(of).dir("./").dir("p" * 80).add("p" * 80 + "/" + "q" * 80, data=b"1")
            .add("f", data=b"f" * 1025, uid=2**18 - 1, mode=0o751).symlink("l", "t" * 99)
            .link("h", "f", uid=2**18 - 1, mode=0o751)])
    yield Image("long names and links", [
        Layer().dir("./").add("x" * 255, data=b"long").add("d/" + "/".join(["y" * 100] * 20), data=b"deep")
        .symlink("far", "z" * 1000).link("hard", "d/" + "/".join(["y" * 100] * 20))])
    yield Image("long names and links of GNU", [
        Layer(tarfile.GNU_FORMAT).dir("./").dir("y" * 100).dir("/".join(["y" * 100] * 2)).add(long, data=b"1")
        .symlink("far", "z" * 300).link("hard", long).link("x" * 120, long)])
    yield Image("odd names", [
        Layer().dir("./").add("sp ace\nnew\tline", data=b"s").add("umlaut-\xfc", data=b"u")
        .add("back\\slash", data=b"b").add("...", data=b"d").add("-rf", data=b"r").add("*", data=b"g")
        .add("a", data=b"1").add("A", data=b"2")])
    yield Image("names not UTF-8", [
        entry("./", type=b"5") + entry(b"latin-\xfc", b"x") + entry(b"\xff\xfe/", type=b"5")
        + entry(b"\xff\xfe/\x80", b"y") + entry(b"l\xff", type=b"2", link=b"\xff\xfe/\x80")
        + entry(b"h\xff", type=b"1", link=b"latin-\xfc") + END])
    yield Image("slashes and dots to spare", [
        entry("./", type=b"5") + entry("/a/", type=b"5") + entry("/a/b", b"1") + entry("./a//c", b"2")
        + entry("a/./d", b"3") + entry("./h", type=b"1", link=b"/a//b") + END])
    yield Image("an archive of old", [
        entry("./", type=b"5", magic=b"") + entry("d/", magic=b"", mode=b"0000755", type=b"\0")
        + entry("d/f", b"x", magic=b"", type=b"\0") + entry("h", type=b"1", link=b"d/f", magic=b"") + END])
    yield Image("global headers", [
        pax(type=b"g", comment="0123456789" * 4) + entry("./", type=b"5") + entry("f", b"x")
        + pax(type=b"g", comment="again") + entry("g", b"y") + END])
    yield Image("global headers with values", [
        entry("./", type=b"5") + pax(type=b"g", mtime=5, uid=7) + entry("f", b"x") + pax(mtime=9)
        + entry("g", b"y") + END])
    yield Image("pax over the header", [
        entry("./", type=b"5") + pax(path="f", size=5, uid=1, gid=2) + header("-", 0, uid=b"7") + padded(b"hello")
        + pax(linkpath="f") + entry("l", type=b"2", link=b"-") + pax(linkpath="f")
        + entry("h", type=b"1", link=b"-") + pax(VENDOR__thing="x") + entry("g", b"y") + END])
    yield Image("a deep tree", [
        Layer().dir("./").add("/".join("d" * 250) + "/f", data=b"x"),
        Layer().dir("/".join("d" * 120), mode=0o711).add("/".join("d" * 200) + "/g", data=b"y"),
        Layer().add("/".join("d" * 150) + "/.wh.d")])
    yield Image("padding and end", [
        entry("./", type=b"5") + header("f", 1) + b"x" * 512 + entry("g", b"y") + bytes(20 * 512)])


def sparse():
    size, ends = 300000, b"helloend"
    pairs = record("GNU.sparse.size", size) + record("GNU.sparse.numblocks", 2)
    for offset, length in (0, 5), (size - 3, 3):
        pairs += record("GNU.sparse.offset", offset) + record("GNU.sparse.numbytes", length)
    body = padded(b"2\n0\n5\n%d\n3\n" % (size - 3)) + ends
    root = entry("./", type=b"5")
    yield Image("sparse of old", [
        root + header("f", 8, type=b"S", magic=GNU, runs=run(0, 5) + run(size - 3, 3), realsize=octal(size))
        + padded(ends) + entry("g", b"y") + END])
    yield Image("sparse 0.0", [root + pax(pairs) + entry("f", ends) + entry("g", b"y") + END])
    yield Image("sparse 0.1", [
        root + pax(GNU__sparse__size=size, GNU__sparse__numblocks=2, GNU__sparse__map=f"0,5,{size - 3},3",
                   GNU__sparse__name="f") + entry("-", ends) + entry("g", b"y") + END])
    yield Image("sparse 1.0", [
        root + pax(GNU__sparse__major=1, GNU__sparse__minor=0, GNU__sparse__name="f",
                   GNU__sparse__realsize=size) + entry("GNUSparseFile.0/f", body) + entry("g", b"y") + END])


def tree_of_machine(folder):
    """Something of everything that GNU tar can see in a file system."""
    top = os.path.join(folder, "top")
    os.makedirs(f"{top}/d/e")
    with open(f"{top}/sparse", "wb") as file:
        file.truncate(900000)
        for offset in range(100000, 900000, 200000):
            file.seek(offset)
            file.write(b"s" * 5000)
    for name, mode in {"f": 0o644, "d/g": 0o4755, "d/e/" + "n" * 150: 0o600}.items():
        with open(f"{top}/{name}", "wb") as file:
            file.write(name.encode() * 100)
        os.chown(f"{top}/{name}", 1000, 100)
        os.chmod(f"{top}/{name}", mode)
    os.link(f"{top}/f", f"{top}/d/e/hard")
    os.symlink("../f", f"{top}/d/l")
    os.symlink("t" * 200, f"{top}/far")
    os.mkfifo(f"{top}/fifo")
    os.mknod(f"{top}/null", 0o20666, os.makedev(1, 3))
    os.setxattr(f"{top}/f", "user.note", b"hello")
    for path, dirs, files in os.walk(top):
        for name in dirs + files:
            os.utime(f"{path}/{name}", ns=(5, 1450000000_123456789), follow_symlinks=False)
    os.utime(top, ns=(5, 1450000000_000000001))
    return top


def gnu_tar():
    """Archives that GNU tar wrote."""
    for options in "--format=ustar", "--format=gnu", "--format=gnu --sparse", \
            "--format=posix --xattrs", "--format=posix --sparse", "--format=posix --sparse --sparse-version=0.0", \
            "--format=posix --sparse --sparse-version=0.1":
        with tempfile.TemporaryDirectory() as folder:
            top = tree_of_machine(folder)
            if options == "--format=ustar":
                os.unlink(f"{top}/far")
                os.rename(f"{top}/d/e/{'n' * 150}", f"{top}/d/e/n")
            tar = subprocess.run(
                ["tar", "--create", "--directory", top, *options.split(), "."], capture_output=True, check=True
            ).stdout
        yield Image("tar " + options.replace("--", ""), [tar])


def blobs():
    tar = base().bytes()
    more = Layer().add("opt/.wh.z").add("opt/more", data=b"m" * 5000).bytes()
    plain = GZIP.removesuffix("+gzip")
    pieces = b"".join(gzip.compress(tar[at:at + 9999]) for at in range(0, len(tar), 9999))
    yield Image("gzip in members", [Blob(tar, pieces), more])
    yield Image("gzip with a name and a comment", [
        Blob(tar, b"\x1f\x8b\x08\x18" + bytes(6) + b"name\0comment\0" + gzip.compress(tar)[10:])])
    yield Image("not compressed", [Blob(tar, tar, plain), more])
    if shutil.which("zstd"):
        zstd = subprocess.run(["zstd", "-q", "-c"], input=tar, capture_output=True, check=True).stdout
        yield Image("zstd", [Blob(tar, zstd, plain + "+zstd"), more])
    docker = DOCKER + "image.rootfs.diff.tar.gzip"
    types = DOCKER + "distribution.manifest.v2+json", DOCKER + "container.image.v1+json"
    yield Image("Docker's types", [
        dataclasses.replace(packed(layer), media_type=docker) for layer in (tar, more)], types)


def tars_of(image):
    return [layer.bytes() if isinstance(layer, Layer) else layer for layer in image.layers]


FAMILIES = (basics, links, types, whiteouts, metadata, formats, sparse, gnu_tar, blobs)
IMAGES = {image.name: image for family in FAMILIES for image in family()}
