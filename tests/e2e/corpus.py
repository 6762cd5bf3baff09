"""Layers, odd and hostile, and what each must become: a tree to the last bit, or a refusal.

Each family yields (name, layers, expected): the layers are tar archives, from the lowest up, or
(suffix, bytes) for compressed ones; expected is what tree.tree() says afterwards without ".", unless
there is something to say of that, or Refused.

SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import gzip
import itertools
import shutil
import struct
import subprocess

from layout import Layer
from rawtar import BLOCK, END, GNU, base256, entry, header, octal, padded, pax, record, run
from tree import text_of

# Data structures of the kernel: capability cap_net_raw+ep in a file system, and ACL user:1:rwx
NET_RAW = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
ACL = bytes.fromhex("02000000" "01000600ffffffff" "0200070001000000" "04000400ffffffff"
                    "10000700ffffffff" "20000400ffffffff")


@dataclasses.dataclass
class Refused:
    """Ends with this status and says this."""

    status: str
    says: str


def proto(says):
    return Refused("COCO_ERR_PROTO", says)


def limit(says):
    return Refused("COCO_ERR_LIMIT", says)


def notsup(says):
    return Refused("COCO_ERR_NOTSUP", says)


def implied(*names):
    """Directories that no layer speaks of."""
    return {name: "dir mtime=0" for name in names}


def xattr(**values):
    headers = {"SCHILY.xattr." + key.replace("__", "."): value for key, value in values.items()}
    return {"pax_headers": {
        key: value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
        for key, value in headers.items()
    }}


def names():
    yield "a parent reference", [entry("../victim", b"!") + END], proto("'..' in a name")
    yield "a parent reference within", [entry("a/../../victim", b"!") + END], proto("'..'")
    yield "a parent reference that stays inside", [entry("a/../b", b"!") + END], proto("'..'")
    yield "a directory above", [entry("../", type=b"5", mode=b"0000777") + END], proto("'..'")
    yield "a parent reference by pax", [pax(path="a/../../x") + entry("a") + END], proto("'..'")
    yield "an absolute name", [entry("/a/b", b"x") + END], {**implied("a"), "a/b": "file 'x'"}
    yield "an absolute directory", [
        entry("/tmp/", type=b"5", mode=b"0001777") + END], {"tmp": "dir mode=1777"}
    yield "slashes to spare", [entry("a//b///c", b"x") + END], {
        **implied("a", "a/b"), "a/b/c": "file 'x'"}
    yield "dots to spare", [entry("./a/./b", b"x") + END], {**implied("a"), "a/b": "file 'x'"}
    yield "names of dots", [entry("...", b"x") + entry("..a/..b.", b"y") + END], {
        "...": "file 'x'", **implied("..a"), "..a/..b.": "file 'y'"}
    yield "backslashes", [entry("..\\..\\victim", b"x") + END], {"..\\..\\victim": "file 'x'"}
    yield "no name", [entry("", b"x") + END], proto("without a name")
    yield "the root as a file", [entry("/", b"x") + END], proto("ends in a slash")
    yield "the root as a link", [entry("./", type=b"2", link=b"..") + END], proto("root that is not")
    yield "the root's own metadata", [
        entry("./", type=b"5", mode=b"0000700", uid=b"0000003") + END], {".": "dir mode=700 owner=3:0"}
    yield "a file with a slash", [entry("a/", b"x") + END], proto("ends in a slash")
    yield "a name of 255 bytes", [pax(path="n" * 255) + entry("-", b"x") + END], {
        "n" * 255: "file 'x'"}
    yield "a name of 256 bytes", [pax(path="n" * 256) + entry("-") + END], limit("too long")
    yield "a path of 4096 bytes", [pax(path="/".join(["n" * 255] * 16)) + entry("-") + END], {
        **implied(*("/".join(["n" * 255] * n) for n in range(1, 16))),
        "/".join(["n" * 255] * 16): "file ''"}
    yield "a path of 4097 bytes", [pax(path="/".join(["n" * 255] * 16) + "/n") + entry("-") + END], \
        limit("more than 4095 bytes")
    deep = "/".join("d" * 255)
    yield "256 deep", [pax(path=deep + "/f") + entry("-", b"x") + END], {
        **implied(*("/".join("d" * n) for n in range(1, 256))), deep + "/f": "file 'x'"}
    yield "257 deep", [pax(path=deep + "/d/f") + entry("-") + END], limit("more than 256 components")
    half = "/".join("d" * 200)
    yield "deep through a link", [
        pax(path=half + "/f") + entry("-") + entry("l", type=b"2", link=b"d")
        + pax(path="/".join(["l"] + ["d"] * 199 + ["e"] * 55) + "/f") + entry("-")
        + entry("m", type=b"2", link=b"d/" * 40 + b"d")
        + pax(path="m/" + "/".join(["d"] * 159 + ["e"] * 57) + "/f") + entry("-") + END
    ], limit("more than 256 directories")
    yield "not UTF-8", [entry(b"latin-\xfc", b"x") + END], {"latin-\udcfc": "file 'x'"}
    yield "not UTF-8 by pax", [pax(path=b"\xff\xfe") + entry("-", b"x") + END], {
        "\udcff\udcfe": "file 'x'"}
    yield "control characters", [entry("a\n\tb\x1b[31m", b"x") + END], {"a\n\tb\x1b[31m": "file 'x'"}
    yield "control characters in an error", [entry("\x1b[31m/../a") + END], proto("'\\x1b[31m/../a'")
    yield "case alone", [entry("a", b"1") + entry("A", b"2") + END], {"a": "file '1'", "A": "file '2'"}
    yield "a NUL by pax", [pax(path="a\0b") + entry("-") + END], proto("'path' with a NUL")
    yield "a name behind its end", [entry(b"a\0b") + END], proto("bytes after its end")
    yield "a link behind its end", [entry("a", type=b"2", link=b"b\0c") + END], proto("bytes after")
    yield "a prefix", [entry("b", b"x", prefix=b"a/c") + END], {**implied("a", "a/c"), "a/c/b": "file 'x'"}
    yield "a prefix that leads above", [entry("b", b"x", prefix=b"..") + END], proto("'..'")


def links():
    victim = entry("l/victim", b"!")

    def link(name, target, **fields):
        return entry(name, type=b"2", link=target.encode(), **fields)

    def hard(name, target, **fields):
        return entry(name, type=b"1", link=target.encode(), **fields)

    yield "through a link to /", [link("l", "/etc") + victim + END], {
        "l": "link /etc", **implied("etc"), "etc/victim": "file '!'"}
    yield "through a link upwards", [link("l", "../..") + victim + END], {
        "l": "link ../..", "victim": "file '!'"}
    yield "through a link below", [link("l", "..") + END, victim + END], {
        "l": "link ..", "victim": "file '!'"}
    yield "through a chain of links", [
        link("a", "..") + link("b", "a/../l") + link("l", "/d") + entry("b/victim", b"!") + END], {
        "a": "link ..", "b": "link a/../l", "l": "link /d", **implied("d"), "d/victim": "file '!'"}
    yield "through /proc", [link("l", "/proc/self/cwd") + victim + END], {
        "l": "link /proc/self/cwd", **implied("proc", "proc/self", "proc/self/cwd"),
        "proc/self/cwd/victim": "file '!'"}
    yield "through a link to nothing", [link("l", "gone/away") + victim + END], {
        "l": "link gone/away", **implied("gone", "gone/away"), "gone/away/victim": "file '!'"}
    yield "through a loop", [link("l", "m") + link("m", "l") + victim + END], proto("more than 40 links")
    yield "through a link to itself", [link("l", "l") + victim + END], proto("more than 40 links")
    yield "through a file", [entry("l", b"x") + victim + END], proto("on the way is a file")
    yield "through a link to a file", [entry("f", b"x") + link("l", "f") + victim + END], \
        proto("on the way is a file")
    yield "through a FIFO", [entry("l", type=b"6") + victim + END], proto("on the way is a file")
    yield "through a device", [
        entry("l", type=b"3", major=b"0000001", minor=b"0000003") + victim + END], \
        proto("on the way is a file")
    yield "a file over a link", [link("l", "../victim") + entry("l", b"x") + END], {"l": "file 'x'"}
    yield "a directory becomes a link, then gets a file", [
        entry("d/f", b"1") + link("d", "e") + entry("d/g", b"2") + END], {
        "d": "link e", **implied("e"), "e/g": "file '2'"}
    yield "a directory of a lower layer becomes a link", [
        entry("d/f", b"1") + END, link("d", "/e") + entry("d/g", b"2") + END], {
        "d": "link /e", **implied("e"), "e/g": "file '2'"}
    yield "a link of a lower layer becomes a directory", [
        entry("e/f", b"1") + link("d", "e") + END,
        entry("d/", type=b"5") + entry("d/g", b"2") + END], {
        **implied("e"), "e/f": "file '1'", "d": "dir", "d/g": "file '2'"}
    yield "a link swapped between its files", [
        link("l", "a") + entry("l/x", b"1") + link("l", "b") + entry("l/x", b"2") + END], {
        "l": "link b", **implied("a", "b"), "a/x": "file '1'", "b/x": "file '2'"}
    yield "a link's metadata", [
        link("l", "../victim", mode=b"0000000", uid=b"0000005", gid=b"0000006", mtime=base256(-5)) + END
    ], {"l": "link ../victim owner=5:6 mtime=-5"}
    yield "a link of 4095 bytes", [pax(linkpath="t" * 4095) + link("l", "-") + END], {
        "l": "link " + "t" * 4095}
    yield "a link of 4096 bytes", [pax(linkpath="t" * 4096) + link("l", "-") + END], limit("4095 bytes")
    yield "a link to nowhere", [entry("l", type=b"2") + END], proto("without a target")
    yield "a link with data", [entry("l", b"x", type=b"2", link=b"f") + END], proto("data where")
    yield "a link not UTF-8", [entry("l", type=b"2", link=b"\xff") + END], {"l": "link \udcff"}

    f = entry("f", b"x")
    yield "a hard link", [f + hard("h", "f") + END], {
        "f": "file 'x' nlink=2", "h": "file 'x' nlink=2"}
    yield "a hard link outwards", [f + hard("h", "../victim") + END], proto("'..'")
    yield "a hard link to an absolute name", [f + hard("h", "/f") + END], {
        "f": "file 'x' nlink=2", "h": "file 'x' nlink=2"}
    yield "a hard link to a file outside", [hard("h", "/etc/passwd") + END], proto("what is not there")
    yield "a hard link through a link outwards", [link("l", "..") + hard("h", "l/victim") + END], \
        proto("what is not there")
    yield "a hard link through a link", [link("l", "/d") + entry("d/f", b"x") + hard("h", "l/f") + END], {
        "l": "link /d", **implied("d"), "d/f": "file 'x' nlink=2", "h": "file 'x' nlink=2"}
    yield "a hard link to a lower layer", [f + END, hard("h", "f") + END], {
        "f": "file 'x' nlink=2", "h": "file 'x' nlink=2"}
    yield "a hard link to a link", [link("l", "../victim") + hard("h", "l", mode=b"0000777") + END], {
        "l": "link ../victim nlink=2", "h": "link ../victim nlink=2"}
    yield "a hard link to a device", [
        entry("n", type=b"3", major=b"0000001", minor=b"0000003") + hard("h", "n") + END], {
        "n": "char 1:3 nlink=2", "h": "char 1:3 nlink=2"}
    yield "a hard link to what comes later", [hard("h", "f") + f + END], proto("what is not there")
    yield "a hard link to what was hidden", [f + END, entry(".wh.f") + hard("h", "f") + END], \
        proto("what is not there")
    yield "a hard link to a directory", [entry("d/", type=b"5") + hard("h", "d") + END], \
        proto("to a directory")
    yield "a hard link to the root", [hard("h", "/") + END], proto("to the root")
    yield "a hard link to itself", [f + hard("f", "./f") + END], proto("to itself")
    yield "a hard link to itself through a link", [
        link("l", "d") + entry("d/f", b"x") + hard("d/f", "l/f") + END], proto("in the place of its target")
    yield "a hard link to nowhere", [hard("h", "") + END], proto("without a target")
    yield "a hard link with data", [f + entry("h", b"y", type=b"1", link=b"f") + END], proto("data where")
    yield "a hard link says nothing of its file", [
        f + hard("h", "f", mode=b"0006777", uid=b"0000007", mtime=octal(5)) + END], {
        "f": "file 'x' nlink=2", "h": "file 'x' nlink=2"}
    yield "a chain of hard links", [f + hard("g", "f") + hard("h", "g") + hard("i", "h") + END], {
        name: "file 'x' nlink=4" for name in "fghi"}
    yield "one of two hard links replaced", [f + hard("h", "f") + END, entry("h", b"y") + END], {
        "f": "file 'x'", "h": "file 'y'"}
    yield "one of two hard links replaced in their layer", [f + hard("h", "f") + entry("f", b"y") + END], {
        "f": "file 'y'", "h": "file 'x'"}
    yield "one of two hard links hidden", [f + hard("h", "f") + END, entry(".wh.f") + END], {
        "h": "file 'x'"}


def types():
    """Each type in the place of each other, in one layer and in two."""
    made = {
        "file": (entry("x", b"1"), {"x": "file '1'"}),
        "directory": (entry("x/", type=b"5") + entry("x/in", b"2"), {"x": "dir", "x/in": "file '2'"}),
        "link": (entry("x", type=b"2", link=b"../victim"), {"x": "link ../victim"}),
        "hard link": (entry("x", type=b"1", link=b"f"), {"x": "file 'f' nlink=2"}),
        "FIFO": (entry("x", type=b"6"), {"x": "fifo"}),
        "device": (entry("x", type=b"3", major=b"0000001", minor=b"0000003"), {"x": "char 1:3"}),
    }
    f = entry("f", b"f")
    for (old, (first, _)), (new, (second, want)) in itertools.product(made.items(), made.items()):
        want = {"f": "file 'f' nlink=2" if new == "hard link" else "file 'f'", **want}
        yield f"a {old}, then a {new}", [f + first + second + END], want
        yield f"a {old} below, then a {new}", [f + first + END, second + END], want
    yield "a directory twice", [
        entry("d/", type=b"5", mode=b"0000700", uid=b"0000001") + entry("d/f", b"1")
        + entry("d/", type=b"5", mode=b"0000750", gid=b"0000002", mtime=octal(7)) + END], {
        "d": "dir mode=750 owner=0:2 mtime=7", "d/f": "file '1'"}
    yield "a file twice", [entry("f", b"1" * 50000, mode=b"0004755") + entry("f", b"2") + END], {
        "f": "file '2'"}
    yield "a directory over a lower one", [
        Layer().dir("d", mode=0o700, uid=9, **xattr(user__a="1")).add("d/f", data=b"1").bytes(),
        entry("d/", type=b"5") + END], {"d": "dir", "d/f": "file '1'"}
    yield "a number of 1 to 9", [  # "contiguous" is a file, what nobody knows is nothing
        entry("f", b"x", type=b"7") + END], {"f": "file 'x'"}
    for flag in b"8", b"A", b"D", b"M", b"N", b"V", b"X", b"\xff":
        yield f"type {flag}", [entry("f", type=flag) + END], notsup(f"type 0x{flag[0]:02x}")


def whiteouts():
    lower = entry("d/", type=b"5") + entry("d/a", b"1") + entry("d/b", b"2") + entry("d/e/", type=b"5") \
        + entry("d/e/c", b"3") + END
    gone = {"d": "dir", "d/b": "file '2'", "d/e": "dir", "d/e/c": "file '3'"}
    all_of_it = {**gone, "d/a": "file '1'"}
    opaque = entry("d/.wh..wh..opq")

    yield "a whiteout of nothing", [entry(".wh.") + END], proto("whiteout of nothing")
    yield "a whiteout of a dot", [entry(".wh..") + END], proto("whiteout of nothing")
    yield "a whiteout of two dots", [entry("d/.wh...") + END], proto("whiteout of nothing")
    yield "a whiteout of three dots", [entry("...", b"x") + END, entry(".wh....") + END], {}
    yield "a whiteout of a whiteout", [entry(".wh..wh.x") + END], proto("whiteout of nothing")
    yield "the names of AUFS", [entry(".wh..wh.plnk/", type=b"5") + END], proto("whiteout of nothing")
    yield "beneath a whiteout", [entry(".wh.d/f") + END], proto("beneath a whiteout")
    yield "a hard link beneath a whiteout", [entry("h", type=b"1", link=b".wh.f") + END], \
        proto("what is not there")
    yield "a whiteout with content", [lower, entry("d/.wh.a", b"x") + END], proto("whiteout of nothing")
    yield "a whiteout", [lower, entry("d/.wh.a") + END], gone
    yield "a whiteout of a tree", [lower, entry(".wh.d") + END], {}
    yield "a whiteout of what is not there", [lower, entry("d/.wh.z") + END], all_of_it
    yield "a whiteout where no directory is", [lower, entry("z/.wh.a") + END], all_of_it
    yield "a whiteout in a file", [lower, entry("d/a/.wh.z") + END], proto("on the way is a file")
    yield "a whiteout that is a directory", [lower, entry("d/.wh.a/", type=b"5") + END], gone
    yield "a whiteout that is a link", [
        lower, entry("d/.wh.a", type=b"2", link=b"../../victim") + END], gone
    yield "a whiteout twice", [lower, entry("d/.wh.a") * 2 + END], gone
    yield "a whiteout in two layers", [lower, entry("d/.wh.a") + END, entry("d/.wh.a") + END], gone
    yield "a whiteout before its file", [lower, entry("d/.wh.a") + entry("d/a", b"new") + END], {
        **gone, "d/a": "file 'new'"}
    yield "a whiteout after its file", [lower, entry("d/a", b"new") + entry("d/.wh.a") + END], {
        **gone, "d/a": "file 'new'"}
    yield "a whiteout of its own layer alone", [entry("f", b"x") + entry(".wh.f") + END], {"f": "file 'x'"}
    yield "a whiteout before its directory", [
        lower, entry(".wh.d") + entry("d/", type=b"5", mode=b"0000700") + entry("d/n", b"n") + END], {
        "d": "dir mode=700", "d/n": "file 'n'"}
    yield "a whiteout after its directory", [
        lower, entry("d/", type=b"5", mode=b"0000700") + entry("d/n", b"n") + entry(".wh.d") + END], {
        "d": "dir mode=700", "d/n": "file 'n'"}
    yield "a whiteout of a link", [
        lower[:-len(END)] + entry("l", type=b"2", link=b"d") + END, entry(".wh.l") + END], all_of_it
    yield "a whiteout through a link", [
        lower[:-len(END)] + entry("l", type=b"2", link=b"/d") + END, entry("l/.wh.a") + END], {
        **gone, "l": "link /d"}
    yield "a whiteout through a link outwards", [
        entry("l", type=b"2", link=b"..") + END, entry("l/.wh.victim") + END], {"l": "link .."}
    yield "an opaque directory through a link outwards", [
        entry("l", type=b"2", link=b"..") + entry("f", b"x") + END, entry("l/.wh..wh..opq") + END], {}
    yield "an opaque directory", [lower, opaque + END], {"d": "dir"}
    yield "an opaque directory before its files", [
        lower, opaque + entry("d/b", b"new") + entry("d/n/", type=b"5") + END], {
        "d": "dir", "d/b": "file 'new'", "d/n": "dir"}
    yield "an opaque directory after its files", [
        lower, entry("d/b", b"new") + entry("d/n/", type=b"5") + opaque + END], {
        "d": "dir", "d/b": "file 'new'", "d/n": "dir"}
    yield "an opaque directory between its files", [
        lower, entry("d/b", b"new") + opaque + entry("d/n/", type=b"5") + opaque + END], {
        "d": "dir", "d/b": "file 'new'", "d/n": "dir"}
    yield "an opaque directory and its own directories", [
        lower, entry("d/e/", type=b"5", mode=b"0000711") + entry("d/e/n", b"n") + opaque + END], {
        "d": "dir", "d/e": "dir mode=711", "d/e/n": "file 'n'"}
    yield "an opaque root", [lower, entry("n", b"n") + entry(".wh..wh..opq") + END], {"n": "file 'n'"}
    yield "an opaque directory that is not there", [lower, entry("z/.wh..wh..opq") + END], all_of_it
    yield "an opaque directory in the lowest layer", [
        entry("d/", type=b"5") + opaque + entry("d/a", b"1") + END], {"d": "dir", "d/a": "file '1'"}
    yield "hidden, then there again", [lower, entry(".wh.d") + END, entry("d/z", b"z") + END], {
        **implied("d"), "d/z": "file 'z'"}
    yield "hidden first, and one file in it", [lower, entry(".wh.d") + entry("d/n", b"n") + END], {
        **implied("d"), "d/n": "file 'n'"}
    yield "one file in it, then hidden", [lower, entry("d/n", b"n") + entry(".wh.d") + END], {
        **implied("d"), "d/n": "file 'n'"}
    yield "opaque above, and one file deep in it", [lower, opaque + entry("d/e/n", b"n") + END], {
        "d": "dir", **implied("d/e"), "d/e/n": "file 'n'"}
    yield "one file deep in it, then opaque above", [lower, entry("d/e/n", b"n") + opaque + END], {
        "d": "dir", **implied("d/e"), "d/e/n": "file 'n'"}
    yield "overlayfs's whiteout", [entry("w", type=b"3") + END], proto("device 0:0")
    yield "overlayfs's opaque directory", [
        lower, Layer().dir("d", **xattr(trusted__overlay__opaque="y", user__overlay__opaque="y"))
        .bytes()], all_of_it


def archives():
    f = entry("f", b"x" * 700)
    two = f + entry("g", b"y")
    both = {"f": "file " + text_of(b"x" * 700), "g": "file 'y'"}
    for size in sorted({1, 100, 511, 513, 1023, *range(BLOCK, len(two), BLOCK), len(two) - 1}):
        want = {"f": both["f"]} if size == len(f) else proto("ends within an entry")
        yield f"cut after {size} bytes", [two[:size]], want
    yield "cut before its end", [two], both
    yield "one block of its end", [two + bytes(BLOCK)], both
    yield "cut in its end", [two + bytes(BLOCK + 7)], proto("ends within an entry")
    yield "cut in an extended header", [pax(path="a" * 600)[:BLOCK + 100]], proto("ends within an entry")
    yield "cut after an extended header", [pax(path="a")], proto("ends within an entry")
    yield "nothing at all", [b""], {}
    yield "an end and nothing else", [END], {}
    yield "a long end", [two + bytes(20 * BLOCK + (1 << 20))], both
    yield "an end without an end", [
        two + bytes((16 << 20) + 2 * BLOCK)], limit("zero bytes after the archive")
    yield "a zero block in the middle", [
        f + bytes(BLOCK) + entry("g", b"y") + END], proto("bytes after the end")
    yield "an archive behind the archive", [f + END + two + END], proto("bytes after the end")
    yield "something behind the archive", [
        two + END + b"!" + bytes(BLOCK - 1)], proto("bytes after the end")
    yield "something in the padding", [header("f", 1) + b"x" * BLOCK + END], {"f": "file 'x'"}
    yield "a wrong checksum", [entry("f", chksum=b"0000017\0") + END], proto("wrong checksum")
    yield "a signed checksum", [entry(b"\xfc\xfd", b"x", signed=True) + END], {"\udcfc\udcfd": "file 'x'"}
    yield "no magic", [entry("f", b"x", magic=b"") + END], {"f": "file 'x'"}
    yield "a directory of old", [
        entry("d/", magic=b"", mode=b"0000700") + entry("d/f", b"x", magic=b"") + END], {
        "d": "dir mode=700", "d/f": "file 'x'"}
    yield "an unknown magic", [entry("f", magic=b"ustar\x0001") + END], proto("not a format of tar")
    yield "text", [b"#!/bin/sh\n" * 52], proto("checksum")

    gz = gzip.compress
    yield "gzip", [(".gz", gz(two + END))], both
    yield "gzip in many members", [
        (".gz", b"".join(gz((two + END)[at:at + 99]) for at in range(0, len(two + END), 99)))], both
    yield "gzip with an empty member", [(".gz", gz(two) + gz(b"") + gz(END))], both
    yield "gzip that is cut", [(".gz", gz(two + END)[:-9])], proto("stream is cut")
    yield "gzip with a cut checksum", [(".gz", gz(two + END)[:-1])], proto("stream is cut")
    yield "gzip with a wrong checksum", [(".gz", gz(two + END)[:-8] + bytes(8))], proto("gzip")
    yield "gzip with a cut second member", [(".gz", gz(two) + gz(END)[:15])], proto("stream is cut")
    yield "gzip and something behind it", [(".gz", gz(two + END) + b"rubbish" * 9)], proto("gzip")
    yield "gzip and zeros behind it", [(".gz", gz(two + END) + bytes(512))], proto("gzip")
    yield "gzip of gzip", [(".gz", gz(gz(padded(two + END))))], proto("ends within an entry")
    yield "no gzip", [(".gz", two + END)], proto("gzip")
    yield "gzip of nothing", [(".gz", b"")], proto("stream is cut")


def zstandard():
    if not shutil.which("zstd"):
        return

    def zst(data):
        return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout

    tar = entry("f", b"x" * 700) + entry("g", b"y") + END
    both = {"f": "file " + text_of(b"x" * 700), "g": "file 'y'"}
    skipped = bytes.fromhex("502a4d18") + struct.pack("<I", 9) + b"rubbish!!"
    yield "zstd", [(".zst", zst(tar))], both
    yield "zstd in many frames", [
        (".zst", b"".join(zst(tar[at:at + 99]) for at in range(0, len(tar), 99)))], both
    yield "zstd with frames to skip", [(".zst", skipped + zst(tar) + skipped)], both
    yield "zstd that is cut", [(".zst", zst(tar)[:-1])], proto("stream is cut")
    yield "zstd with a cut second frame", [(".zst", zst(tar) + zst(END)[:7])], proto("stream is cut")
    yield "zstd and something behind it", [(".zst", zst(tar) + b"rubbish" * 9)], proto("zstd")
    yield "zstd with a wrong checksum", [(".zst", zst(tar)[:-4] + bytes(4))], proto("zstd")
    yield "no zstd", [(".zst", tar)], proto("zstd")
    yield "zstd of nothing", [(".zst", b"")], proto("stream is cut")


def numbers():
    def size(field, data=b"x"):
        return [header("f", size=field) + padded(data) + END]

    yield "a size of -1", size(base256(-1)), proto("size is out of range")
    yield "the least size", size(base256(-2**63)), proto("size is out of range")
    yield "a size of -1 in octal", size(b"-0000000001"), proto("size is not a number")
    yield "a size of 2^63", size(base256(2**63)), proto("size does not fit")
    yield "a size of 2^63-1", size(base256(2**63 - 1)), limit("more bytes of files than allowed")
    yield "the largest octal size", size(b"7" * 12), proto("ends within an entry")
    yield "a size in base 256", size(base256(1)), {"f": "file 'x'"}
    yield "a size in hexadecimal", size(b"0x1"), proto("size is not a number")
    yield "a size with spaces", size(b"         1 \0"), {"f": "file 'x'"}
    yield "no size", [header("f", size=b"") + END], {"f": "file ''"}
    yield "a size larger than the data", [header("f", 9999) + END], proto("ends within an entry")
    yield "a size smaller than the data", [header("f", 1) + b"x" * 1024 + END], proto("checksum")
    yield "a directory with a size", [
        entry("d/", b"x", type=b"5") + END], proto("data where there can be none")
    yield "a device with a size", [entry("n", b"x", type=b"3", minor=b"1") + END], proto("data where")
    yield "owners in base 256", [
        entry("f", b"x", uid=base256(4294967294, 8), gid=base256(3000000, 8)) + END], {
        "f": "file 'x' owner=4294967294:3000000"}
    yield "an owner of -1", [entry("f", uid=base256(-1, 8)) + END], proto("uid is out of range")
    yield "an owner of 2^32-1", [entry("f", uid=base256(2**32 - 1, 8)) + END], proto("uid is out of range")
    yield "an owner of 2^32", [entry("f", gid=base256(2**32, 8)) + END], proto("gid is out of range")
    yield "an owner of -1 by pax", [pax(uid=-1) + entry("f") + END], proto("not a decimal number")
    yield "an owner of 2^32-1 by pax", [pax(gid=2**32 - 1) + entry("f") + END], proto("gid is out of range")
    yield "an owner by pax", [pax(uid=70000, gid=4294967294) + entry("f", uid=b"1") + END], {
        "f": "file '' owner=70000:4294967294"}
    yield "a negative time", [entry("f", mtime=base256(-86400)) + END], {"f": "file '' mtime=-86400"}
    yield "a negative fraction", [pax(mtime="-1.25") + entry("f") + END], {"f": "file '' mtime=-1.25"}
    yield "nanoseconds", [pax(mtime="1500000000.123456789") + entry("f") + END], {
        "f": "file '' mtime=1500000000.123456789"}
    yield "less than nanoseconds", [pax(mtime="1.0000000019999") + entry("f") + END], {
        "f": "file '' mtime=1.000000001"}
    yield "a time that does not fit", [pax(mtime="9" * 30) + entry("f") + END], proto("time does not fit")
    yield "no time", [pax(mtime="yesterday") + entry("f") + END], proto("not a time")
    yield "a directory's time before its children", [
        entry("d/", type=b"5", mtime=octal(5)) + entry("d/f", b"x") + entry("d/g", b"y") + END], {
        "d": "dir mtime=5", "d/f": "file 'x'", "d/g": "file 'y'"}
    yield "a directory's time after its children", [
        entry("d/f", b"x") + entry("d/", type=b"5", mtime=octal(5)) + entry("e", b"y") + END], {
        "d": "dir mtime=5", "d/f": "file 'x'", "e": "file 'y'"}
    yield "a directory's time and a later layer", [
        entry("d/", type=b"5", mtime=octal(5)) + entry("d/f", b"x") + END,
        entry("d/g", b"y") + END, entry("d/.wh.f") + END], {"d": "dir mtime=5", "d/g": "file 'y'"}
    yield "a directory's time and what goes on in it", [
        entry("d/", type=b"5", mtime=octal(5)) + entry("d/f", b"x") + entry("d/f", type=b"6")
        + entry("d/f/", type=b"5") + entry("d/f", b"y") + entry("d/h", type=b"1", link=b"d/f")
        + entry("h", type=b"1", link=b"d/f") + END], {
        "d": "dir mtime=5", "d/f": "file 'y' nlink=3", "d/h": "file 'y' nlink=3", "h": "file 'y' nlink=3"}
    yield "a mode with the type in it", [entry("f", mode=b"0100755") + END], {"f": "file '' mode=755"}
    yield "a mode that does not fit", [entry("f", mode=b"7777777") + END], proto("mode is out of range")
    yield "no permissions", [entry("f", b"x", mode=b"0000000") + entry("d/", type=b"5", mode=b"0") + END], {
        "f": "file 'x' mode=0", "d": "dir mode=0"}
    yield "set-id and sticky", [
        entry("u", b"x", mode=b"0004755", uid=b"1") + entry("g", b"x", mode=b"0002755", gid=b"1")
        + entry("s/", type=b"5", mode=b"0001777") + END], {
        "u": "file 'x' mode=4755 owner=1:0", "g": "file 'x' mode=2755 owner=0:1", "s": "dir mode=1777"}
    yield "what is made in a set-gid directory", [
        entry("s/", type=b"5", mode=b"0002775", gid=b"0000062") + entry("s/f", b"x")
        + entry("s/l", type=b"2", link=b"f") + entry("s/n/g", b"y") + entry("s/d/", type=b"5") + END], {
        "s": "dir mode=2775 owner=0:50", "s/f": "file 'x'", "s/l": "link f", **implied("s/n"),
        "s/n/g": "file 'y'", "s/d": "dir"}
    yield "devices", [
        entry("c", type=b"3", major=b"0000005", minor=b"0000001", mode=b"0000622", gid=b"0000005")
        + entry("b", type=b"4", major=octal(0xfff, 7), minor=octal(0xfffff, 7)) + entry("p", type=b"6")
        + END], {"c": "char 5:1 mode=622 owner=0:5", "b": f"block {0xfff}:{0xfffff}", "p": "fifo"}
    yield "a device number that does not fit", [
        entry("c", type=b"3", major=octal(0x1000, 7), minor=b"1") + END], proto("device number")
    yield "a negative device number", [entry("c", type=b"3", major=base256(-1, 8)) + END], proto("major")
    yield "a file with a device number", [entry("f", b"x", major=b"junk", minor=b"junk") + END], {
        "f": "file 'x'"}


def extensions():
    g = entry("g", b"y")

    def gnu(type, text):
        return entry("././@LongLink", text, type=type, magic=GNU)

    yield "GNU's long name", [gnu(b"L", b"d/" + b"n" * 200 + b"\0") + entry("-", b"x", magic=GNU) + END], {
        **implied("d"), "d/" + "n" * 200: "file 'x'"}
    yield "GNU's long name without a NUL", [gnu(b"L", b"n" * 120) + entry("-", b"x", magic=GNU) + END], {
        "n" * 120: "file 'x'"}
    yield "GNU's long link", [gnu(b"K", b"t" * 200 + b"\0") + entry("l", type=b"2", magic=GNU) + END], {
        "l": "link " + "t" * 200}
    yield "GNU's long name and link", [
        gnu(b"K", b"t" * 200) + gnu(b"L", b"n" * 120) + entry("-", type=b"2", magic=GNU) + g + END], {
        "n" * 120: "link " + "t" * 200, "g": "file 'y'"}
    yield "two long names", [gnu(b"L", b"a") * 2 + entry("-") + END], proto("two long names")
    yield "a long name that is empty", [gnu(b"L", b"") + entry("-") + END], proto("empty")
    yield "a long name with a NUL", [gnu(b"L", b"a\0b\0") + entry("-") + END], proto("with a NUL")
    yield "a long name too long", [gnu(b"L", b"a/" * 2049) + entry("-") + END], limit("extended header")
    yield "a long name that leads above", [gnu(b"L", b"../victim\0") + entry("-") + END], proto("'..'")
    yield "a name by GNU and by pax", [gnu(b"L", b"a") + pax(path="b") + entry("-") + END], proto("at once")

    yield "a size by pax", [pax(size=5) + header("f", 0) + padded(b"hello") + g + END], {
        "f": "file 'hello'", "g": "file 'y'"}
    yield "a smaller size by pax", [pax(size=5) + header("f", 2000) + padded(b"hello") + g + END], {
        "f": "file 'hello'", "g": "file 'y'"}
    yield "a size of 0 by pax", [pax(size=0) + entry("f", b"x") + END], proto("checksum")
    yield "a size by pax that hides an entry", [
        pax(size=5 + BLOCK) + header("f", 5) + padded(b"hello") + entry("hidden") + g + END], {
        "f": "file " + text_of(padded(b"hello")[:5] + bytes(507) + entry("hidden")[:5]), "g": "file 'y'"}
    yield "a negative size by pax", [pax(size=-5) + entry("f") + END], proto("not a decimal number")
    yield "a size of 2^63 by pax", [pax(size=2**63) + entry("f") + END], proto("does not fit")
    yield "a size by pax for a link", [
        pax(size=5) + entry("l", type=b"2", link=b"f") + END], proto("data where")
    yield "a global time", [pax(type=b"g", mtime=5) + entry("f") + pax(mtime=7) + g + entry("h") + END], {
        "f": "file '' mtime=5", "g": "file 'y' mtime=7", "h": "file '' mtime=5"}
    yield "global owners", [pax(type=b"g", uid=5, gid=6) + entry("f", uid=b"1") + g + END], {
        "f": "file '' owner=5:6", "g": "file 'y' owner=5:6"}
    yield "a global header over another", [
        pax(type=b"g", uid=5, mtime=5) + pax(type=b"g", uid=6) + entry("f") + END], {
        "f": "file '' owner=6:0 mtime=5"}
    yield "a global value taken back", [
        pax(type=b"g", uid=5) + entry("f") + pax(type=b"g", uid="") + g + END], {
        "f": "file '' owner=5:0", "g": "file 'y'"}
    yield "a global comment", [pax(type=b"g", comment="0" * 40) + g + END], {"g": "file 'y'"}
    yield "a global path", [pax(type=b"g", path="victim") + g + END], proto("'path' for all entries")
    yield "a global size", [pax(type=b"g", size=5) + g + END], proto("'size' for all entries")
    yield "a global attribute", [
        pax(type=b"g", SCHILY__xattr__user__a="1") + g + END], proto("for all entries")
    yield "a global header in between", [pax(path="a") + pax(type=b"g", uid=5) + g + END], proto("between")
    yield "a global header at the end", [g + pax(type=b"g", uid=5) + END], {"g": "file 'y'"}
    yield "two extended headers", [pax(path="a") * 2 + g + END], proto("two extended headers")
    yield "an extended header at the end", [g + pax(path="a") + END], proto("without its entry")
    yield "an extended header that is empty", [pax() + g + END], {"g": "file 'y'"}
    yield "an extended header too long", [pax(comment="c" * (1 << 20)) + g + END], limit("extended header")
    yield "an unknown record", [pax(VENDOR__thing="x") + g + END], {"g": "file 'y'"}
    yield "an empty record", [pax(path="") + g + END], {"g": "file 'y'"}
    yield "a record twice", [pax(record("path", "a") + record("path", "b")) + g + END], proto("twice")
    for what, text in {
        "that is longer than it is": b"99 path=a\n", "that is shorter than it is": b"8 path=a\n",
        "of no length": b"0 path=a\n", "of a length with zeros": b"010 path=a\n",
        "without a length": b" path=a\n", "without a key": b"5 =a\n", "without a value": b"7 path\n",
        "without an end": b"10 path=ab", "of the greatest length": b"18446744073709551626 path=a\n",
        "of a negative length": b"-9 path=a\n",
    }.items():
        yield "a record " + what, [pax(text) + g + END], proto("extended header")
    yield "bytes for text", [pax(hdrcharset="BINARY", path=b"\xff") + g + END], {"\udcff": "file 'y'"}
    yield "another character set", [pax(hdrcharset="ISO-IR 8859 1 1998") + g + END], notsup("character set")


def access_control_lists():
    access, default = ({"SCHILY__xattr__system__posix_acl_" + kind: ACL} for kind in ("access", "default"))
    said = {"access": f"system.posix_acl_access={text_of(ACL)}", "default": f"system.posix_acl_default={text_of(ACL)}"}
    both = {**access, **default}
    # The bits of the group are the mask.
    masked = ACL.replace(b"\x10\0\7", b"\x10\0\0")
    inner = pax(**default) + entry("d/", type=b"5")
    yield "an access control list", [pax(**access) + entry("f", b"x", mode=b"0000674") + END], {
        "f": f"file 'x' mode=674 {said['access']}"}
    yield "a list and a mode that says less", [pax(**access) + entry("f", b"x", mode=b"0000604") + END], {
        "f": f"file 'x' mode=604 system.posix_acl_access={text_of(masked)}"}
    yield "a list of a directory", [pax(**both) + entry("d/", type=b"5", mode=b"0000674") + END], {
        "d": f"dir mode=674 {said['access']} {said['default']}"}
    yield "lists of a FIFO and a link", [
        pax(**access) + entry("p", type=b"6", mode=b"0000674") + pax(**access) + entry("l", type=b"2", link=b"f")
        + END], {"p": f"fifo mode=674 {said['access']}", "l": "link f"}
    made = {"d": f"dir {said['default']}", "d/f": "file 'x'", "d/s": "dir", "d/s/f": "file 'x'", "d/p": "fifo",
            "d/l": "link f"}
    files = (entry("d/f", b"x") + entry("d/s/", type=b"5") + entry("d/s/f", b"x") + entry("d/p", type=b"6")
             + entry("d/l", type=b"2", link=b"f"))
    yield "a list that nothing inherits", [inner + files + END], made
    yield "a list that no later layer inherits", [inner + END, files + END], made
    yield "a list that nothing inherits that is made on the way", [
        inner + entry("d/i/f", b"x") + END], {
        "d": f"dir {said['default']}", **implied("d/i"), "d/i/f": "file 'x'"}
    yield "a list of the root", [
        pax(**default) + entry("./", type=b"5") + entry("f", b"x") + END], {
            ".": f"dir {said['default']}", "f": "file 'x'"}
    yield "a list that a later layer takes away", [
        pax(**both) + entry("d/", type=b"5", mode=b"0000775") + END, entry("d/", type=b"5") + END], {"d": "dir"}
    yield "a default list of a file", [pax(**default) + entry("f", b"x") + END], proto("default access control list")
    for what, value in {"too short": ACL[:3], "cut": ACL[:-1],
                        "without an owner": ACL[:4] + ACL[12:], "of an unknown kind": ACL[:4] + b"\3" + ACL[5:],
                        "out of order": ACL[:4] + ACL[12:20] + ACL[4:12] + ACL[20:]}.items():
        yield f"a list {what}", [pax(SCHILY__xattr__system__posix_acl_access=value) + entry("f", b"x") + END], \
            proto("access control list that cannot be")
    yield "a list of another version", [
        pax(SCHILY__xattr__system__posix_acl_access=b"\1" + ACL[1:]) + entry("f", b"x") + END], \
        notsup("access control list that the file system does not take")


def attributes():
    def one(**values):
        return [pax(**{"SCHILY__xattr__" + key: value for key, value in values.items()})
                + entry("f", b"x", uid=b"0000017") + END]

    cap = f"file 'x' owner=15:0 security.capability={repr(NET_RAW)[1:]}"
    plain = {"f": "file 'x' owner=15:0"}
    yield "an attribute", one(user__a="1"), {"f": plain["f"] + " user.a='1'"}
    yield "an attribute of bytes", one(user__a=b"\0\n=\xff"), {"f": plain["f"] + " user.a='\\x00\\n=\\xff'"}
    yield "an empty attribute", one(user__a=""), plain
    yield "a capability", one(security__capability=NET_RAW), {"f": cap}
    yield "a capability and set-uid", [
        pax(SCHILY__xattr__security__capability=NET_RAW) + entry("f", b"x", uid=b"17", mode=b"0004755")
        + END], {"f": cap.replace("owner", "mode=4755 owner")}
    yield "a capability in two layers", [
        *one(security__capability=NET_RAW), *one(user__a="1")], {"f": plain["f"] + " user.a='1'"}
    yield "a capability that is none", one(security__capability=b"!"), Refused("COCO_ERR_IO", "attribute")
    for name in ("security.selinux", "security.ima", "security.evm", "trusted.a", "trusted.overlay.opaque",
                 "user.overlay.opaque", "user.", "system.nfs4_acl", "unknown", "security.", "USER.a"):
        yield f"the attribute {name}", one(**{name.replace(".", "__"): ACL}), plain
    yield "an ACL of words", [
        pax(SCHILY__acl__access="user::rw-,user:1:rwx,group::r--,mask::rwx,other::r--") + entry("f", b"x")
        + END], {"f": "file 'x'"}
    yield "attributes of a link", [
        pax(SCHILY__xattr__user__a="1") + entry("l", type=b"2", link=b"f") + END], {"l": "link f"}
    yield "attributes of a directory", [
        pax(SCHILY__xattr__user__a="1", SCHILY__xattr__security__capability=NET_RAW)
        + entry("d/", type=b"5") + END], {
        "d": f"dir security.capability={repr(NET_RAW)[1:]} user.a='1'"}
    yield "attributes of a device", [
        pax(SCHILY__xattr__user__a="1") + entry("p", type=b"6") + END], {"p": "fifo"}
    yield "an attribute without a name", one(**{"": "1"}), proto("without a name")
    yield "an attribute twice", [
        pax(record("SCHILY.xattr.user.a", "1") * 2) + entry("f", b"x") + END], proto("twice")
    yield "64 attributes", one(**{f"user__{n:02}": "1" for n in range(64)}), {
        "f": plain["f"] + "".join(f" user.{n:02}='1'" for n in range(64))}
    yield "65 attributes", one(**{f"user__{n}": "1" for n in range(65)}), limit("more than 64")
    yield "an attribute of 70,000 bytes", one(user__a="1" * 70000), Refused("COCO_ERR_IO", "attribute")
    yield "an attribute with a long name", one(**{"user__" + "a" * 300: "1"}), \
        Refused("COCO_ERR_IO", "attribute")


def sparse():
    size = 20 << 30

    def old(real, *runs, data=b"", **fields):
        return header("f", len(data), type=b"S", magic=GNU, runs=b"".join(run(*one) for one in runs),
                      realsize=base256(real), **fields) + padded(data)

    def new(map_text, real, data):
        body = padded(map_text) + data
        return pax(GNU__sparse__major=1, GNU__sparse__minor=0, GNU__sparse__name="f",
                   GNU__sparse__realsize=real) + entry("GNUSparseFile.0/f", body) + END

    yield "20 GiB of nothing", [old(size) + END], {"f": f"file {size}"}
    yield "20 GiB with two ends", [old(size, (0, 5), (size - 3, 3), data=b"helloend") + END], {
        "f": f"file {size} 0='hello' {size - 3}='end'"}
    yield "20 GiB by pax", [new(b"2\n0\n5\n%d\n3\n" % (size - 3), size, b"helloend")], {
        "f": f"file {size} 0='hello' {size - 3}='end'"}
    yield "20 GiB with a name and a map", [
        pax(GNU__sparse__size=size, GNU__sparse__numblocks=1, GNU__sparse__map=f"{size - 3},3",
            GNU__sparse__name="f") + entry("-", b"end") + END], {"f": f"file {size} {size - 3}='end'"}
    yield "20 GiB by pairs", [
        pax(record("GNU.sparse.size", size) + record("GNU.sparse.numblocks", 1)
            + record("GNU.sparse.offset", size - 3) + record("GNU.sparse.numbytes", 3))
        + entry("f", b"end") + END], {"f": f"file {size} {size - 3}='end'"}
    yield "more than all files may have", [old(65 << 30) + END], limit("more bytes of files")
    yield "2^63-1 bytes of nothing", [old(2**63 - 1) + END], limit("more bytes of files")
    yield "a negative size of a sparse file", [old(-1) + END], proto("real size is out of range")
    yield "more runs than fit", [
        old(9000, *((n * 1000, 1) for n in range(4)), data=b"abcdefg", more=b"\1")[:BLOCK]
        + b"".join(run(n * 1000, 1) for n in range(4, 7)) + bytes(BLOCK - 72) + padded(b"abcdefg")
        + END], {"f": "file " + text_of(
            b"".join(bytes([letter]) + bytes(999) for letter in b"abcdefg") + bytes(2000))}
    yield "runs that overlap", [old(100, (0, 5), (4, 3), data=b"helloend") + END], proto("overlap")
    yield "runs backwards", [old(100, (50, 5), (4, 3), data=b"helloend") + END], proto("overlap")
    yield "a run behind the end", [old(10, (8, 5), data=b"hello") + END], proto("behind the end")
    yield "a run too large", [old(100, (0, 9), data=b"hello") + END], proto("not what is stored")
    yield "runs without data", [old(100, (0, 5)) + END], proto("not what is stored")
    yield "a run that does not fit", [new(b"1\n9223372036854775807\n5\n", 100, b"hello")], proto("sparse")
    yield "a map too long", [new(b"65537\n", 100, b"")], limit("more than 65536 runs")
    yield "a map that is none", [new(b"one\n", 100, b"")], proto("sparse map that is none")
    yield "a map without an end", [new(b"2\n0\n5\n", 100, b"")], proto("sparse map")
    yield "a sparse directory", [
        pax(GNU__sparse__size=5, GNU__sparse__numblocks=0, GNU__sparse__map="") + entry("d/", type=b"5") + END], \
        proto("sparse file that is none")
    yield "star's own", [pax(SCHILY__realsize=5) + entry("f") + END], notsup("star")


FAMILIES = (names, links, types, whiteouts, archives, zstandard, numbers, extensions, access_control_lists,
            attributes, sparse)
CASES = [
    (f"{family.__name__}: {name}", layers, expected)
    for family in FAMILIES for name, layers, expected in family()
]
