"""Images pulled here and unpacked by others are the same tree, but for what is listed, and why.

COCO names the program. umoci unpacks layer over layer, as is done here; containerd's snapshotter "native"
unpacks each layer over a copy of those below, and "overlayfs" unpacks each alone and lets the kernel join them.

SPDX-License-Identifier: Apache-2.0
"""

import collections
import contextlib
import dataclasses
import fnmatch
import os
import shutil
import subprocess
import time

import pytest

from images import IMAGES, tars_of
from judges import Containerd, Refused, Snapshotter, Umoci, missing
from layout import write_layout
from tree import facts, tree

COCO = os.environ.get("COCO", "coco")
CONTAINERD = "native overlayfs"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@dataclasses.dataclass(frozen=True)
class Differs:
    """What some judges see in another way: facts of paths, or paths that are "extra" there or "missing".

    Each judge has to see each of the paths (patterns, in which * matches slashes, too) so, or the entry is
    outdated. theirs is what they say; NOW is the time of the test, on directories.
    """

    judges: str
    paths: str
    facts: str
    why: str
    theirs: str = ""

    def covers(self, judge, path, fact, theirs):
        return judge in self.judges.split() and fact in self.facts.split() and self.theirs in ("", theirs) \
            and any(fnmatch.fnmatchcase(path, pattern) for pattern in self.paths.split())


@dataclasses.dataclass(frozen=True)
class Refuses:
    """Judges that do not unpack the image, and what they say."""

    judges: str
    says: str
    why: str


NOW = "mtime=now"

# What may be in any image; each has to be in one.
COMMON = [
    Differs(CONTAINERD, ".", "mtime mode owner", "an entry for the root itself is ignored (archive/tar.go)"),
    Differs(CONTAINERD, "*", "mtime", "directories get their time with their entry, and what later layers put "
            "into them or copying changes it again", NOW),
    Differs("umoci", "*", "mtime", "directories that no layer names get the time of day; here they have none, so "
            "that two pulls are alike", NOW),
]

LATE = "the time of day is left on directories that a late whiteout takes something out of"
ALONE = "a layer is unpacked without those below, so a link there is hidden by a directory of its name"
OWN = "a whiteout after a file of its own layer is taken for it; it is to hide lower layers alone (layer.md)"
LOWER = "the target is in a lower layer, which a layer does not see"
HEADER = "a hard link's own mode and owner become those of its file; GNU tar and umoci leave them, too"
EPOCH = "times before 1970 become 1970 (archive/time.go, boundTime)"
SPARSE = "GNU's sparse files are not known"
COUNT = "links of lower layers are counted that are hidden or replaced above"
GLOBAL = "global extended headers are not known"
KERNEL = "meaning for the kernel that is not for an image to give (T3)"
INHERITED = "what is made in a directory gets its default list, which the layer does not say; umoci agrees"
EMPTY = "an empty value deletes a record (pax), so there is no such attribute; umoci agrees"

DIFFERENCES = {
    "replaced": [Differs("overlayfs", "usr/lib/two", "nlink", COUNT)],
    "through links": [
        Differs("overlayfs", "bin lib up", "kind target", ALONE),
        Differs("overlayfs", "bin/hard bin/more lib/three up/deep", "extra", ALONE),
        Differs("overlayfs", "usr/bin/hard usr/bin/more usr/lib/three var/lib/deep", "missing", ALONE)],
    "links that lead out": [
        Differs("overlayfs", "b dot l up", "kind target", ALONE),
        Differs("overlayfs", "b/f dot/f l/f up/g", "extra", ALONE),
        Differs("overlayfs", "abs abs/olute abs/olute/f f g tmp-of-the-image tmp-of-the-image/f", "missing", ALONE)],
    "hard links": [Differs(CONTAINERD, "d/g d/h f i", "mode owner", HEADER)],
    "hard links to lower layers": [Refuses("overlayfs", "no such file or directory", LOWER)],
    "hard links through links": [
        Differs("overlayfs", "bin lib up", "kind target", ALONE),
        Differs("overlayfs", "bin/own lib/own up/own", "extra", ALONE),
        Differs("overlayfs", "usr/bin/own usr/lib/own var/lib/own", "missing", ALONE)],
    "hard links replaced and hidden": [Differs("overlayfs", "a d", "nlink", COUNT)],
    "merged usr": [
        Differs("overlayfs", "bin lib", "kind target", ALONE),
        Differs("overlayfs", "bin/busybox lib/new lib/sub lib/sub/f usr/bin/sh usr/lib/old", "extra", ALONE),
        Differs("overlayfs", "usr/bin/busybox usr/lib/new usr/lib/sub usr/lib/sub/f", "missing", ALONE)],
    "a directory becomes a link": [
        Differs("overlayfs", "d", "kind target", ALONE),
        Differs("overlayfs", "d/h", "extra", ALONE),
        Differs("overlayfs", "e/h", "missing", ALONE)],
    "a link becomes another": [
        Differs("overlayfs", "d", "kind target", ALONE),
        Differs("overlayfs", "d/2", "extra", ALONE),
        Differs("overlayfs", "e/1 f/2", "missing", ALONE)],
    "every type over every other in a layer": [
        Differs(CONTAINERD, "dir-fifo", "mtime", "directories get their times at the end of a layer, by their "
                "names, whatever has these by then", "")],
    "whiteouts": [Differs("overlayfs", "usr/lib/one", "nlink", COUNT)],
    "whiteouts through links": [
        Differs("overlayfs", "bin lib", "kind target", ALONE),
        Differs("overlayfs", "bin/tool lib/one usr/bin/tool usr/lib/one", "extra", ALONE),
        Differs("overlayfs", "usr/lib/two", "nlink twins", ALONE)],
    "whiteout first": [
        Differs("overlayfs", "opt/a opt/a/* opt/dangling opt/z", "extra",
                "the whiteout is a device, in the place of which the directory comes: what it hid is there again")],
    "whiteout last": [
        Differs("umoci", "opt", "mtime", LATE, NOW),
        Refuses("native", "UtimesNanoAt", OWN),
        Refuses("overlayfs", "failed to convert whiteout file", OWN)],
    "a whiteout and its file": [
        Differs("native", "b", "missing", OWN),
        Refuses("overlayfs", "failed to convert whiteout file", OWN)],
    "opaque last": [Differs("umoci", "opt/a", "mtime", LATE, NOW)],
    "an opaque root": [
        Differs("overlayfs", "bin etc etc/* lib opt opt/* up usr usr/* var var/*", "extra",
                "the root of a layer cannot be opaque in the kernel")],
    "attributes": [
        Differs("native", "dir", "user.gone", "an attribute of a lower layer's directory stays"),
        Differs(CONTAINERD, "note", "user.empty", EMPTY)],
    "attributes of the kernel": [
        Differs("umoci", "trusted", "trusted.a", KERNEL)],
    "access control lists and what is made there": [
        Differs(CONTAINERD, "d/f d/g d/s", "system.posix_acl_access", INHERITED),
        Differs(CONTAINERD, "d/s", "system.posix_acl_default", INHERITED)],
    "times": [Differs(CONTAINERD, "d l past", "mtime", EPOCH, "mtime=0")],
    "times of nanoseconds": [Differs(CONTAINERD, "g p", "mtime", EPOCH, "mtime=0")],
    "global headers": [Refuses("umoci", "unknown typeflag", GLOBAL)],
    "global headers with values": [
        Refuses("umoci", "unknown typeflag", GLOBAL),
        Differs(CONTAINERD, "f g", "owner", GLOBAL),
        Differs(CONTAINERD, "f", "mtime", GLOBAL)],
    "pax over the header": [Differs(CONTAINERD, "f h", "owner", HEADER)],
    "sparse of old": [
        Refuses("umoci", "unknown typeflag", SPARSE), Refuses(CONTAINERD, "unhandled tar header", SPARSE)],
    "tar format=gnu sparse": [
        Refuses("umoci", "unknown typeflag", SPARSE), Refuses(CONTAINERD, "unhandled tar header", SPARSE)],
    "zstd": [Refuses("umoci", "not correct mediatype", "this version knows gzip alone")],
    "Docker's types": [Refuses("umoci", "does not point to ispec", "it knows OCI's types alone")],
}


@pytest.fixture(scope="session")
def judges():
    with contextlib.ExitStack() as stack:
        found = []
        if shutil.which("umoci"):
            found.append(Umoci())
        if not missing():
            daemon = stack.enter_context(Containerd())
            found += [Snapshotter(daemon, name) for name in CONTAINERD.split()]
        yield found


def test_judges_are_there():
    if not shutil.which("umoci"):
        pytest.skip("umoci is not installed, and does not judge")
    if missing():
        pytest.skip("containerd does not judge: " + missing())


def seen(root, since=None):
    """All facts of a tree, with those names of a file that are in it; times of directories since then are now."""
    def tell(path):
        try:
            st = os.lstat(path)
        except FileNotFoundError:
            return {"kind": "nothing"}  # a whiteout of overlayfs's where there is nothing below
        found = facts(path)
        if found["kind"] != "dir":
            found["twins"] = st.st_dev, st.st_ino
        elif since and st.st_mtime >= since:
            found["mtime"] = NOW
        return found

    found = tree(root, tell)
    names = collections.defaultdict(list)
    for path, one in found.items():
        if "twins" in one:
            names[one["twins"]].append(path)
    for one in found.values():
        twins = names[one.pop("twins", None)]
        if len(twins) > 1:
            one["twins"] = " ".join(sorted(twins))
    return found


def differences(ours, theirs):
    """(path, fact, what they say) for all in which two trees differ."""
    for path in sorted(ours.keys() | theirs.keys()):
        if path not in theirs:
            yield path, "missing", ""
        elif path not in ours:
            yield path, "extra", " ".join(theirs[path].values())
        else:
            for fact in sorted(ours[path].keys() | theirs[path].keys()):
                if ours[path].get(fact) != theirs[path].get(fact):
                    yield path, fact, theirs[path].get(fact, "")


def pull(folder):
    subprocess.run(
        [COCO, "image", "pull", "--insecure-policy", "accept-anything", f"oci:{folder}/image:t", folder / "ours"],
        check=True, capture_output=True,
    )
    return seen(folder / "ours/rootfs")


def judge(judges, folder):
    """What each judge says: the differences to ours, or why it refuses."""
    ours = pull(folder)
    said = {}
    for one in judges:
        since = time.time() - 1  # the kernel's clock of files is a coarse one
        try:
            with one.unpack(folder / "image", folder) as root:
                said[one.name] = list(differences(ours, seen(root, since)))
        except Refused as refused:
            said[one.name] = refused
    return said


def unlisted(said, listed):
    """What the judges said that is not in the table; notes what of COMMON was needed."""
    for name, what in said.items():
        if isinstance(what, Refused):
            if not any(isinstance(entry, Refuses) and name in entry.judges.split() and entry.says in str(what)
                       for entry in listed):
                yield name, str(what)
            continue
        for difference in what:
            needed = [entry for entry in listed + COMMON
                      if isinstance(entry, Differs) and entry.covers(name, *difference)]
            NEEDED.update(needed)
            if not needed:
                yield name, *difference


def outdated(said, listed):
    """What is in the table, and was not said."""
    for entry in listed:
        for name in said.keys() & entry.judges.split():
            what = said[name]
            if isinstance(entry, Refuses) or isinstance(what, Refused):
                if not (isinstance(entry, Refuses) and isinstance(what, Refused)):
                    yield name, entry
                continue
            for pattern in entry.paths.split():
                one = dataclasses.replace(entry, paths=pattern)
                for fact in entry.facts.split():
                    if not any(dataclasses.replace(one, facts=fact).covers(name, *said) for said in what):
                        yield name, pattern, fact, entry


NEEDED = set()
JUDGED = set()


@pytest.mark.parametrize("name", IMAGES)
def test_trees_are_alike(name, judges, tmp_path):
    image = IMAGES[name]
    write_layout(tmp_path / "image", tars_of(image), types=image.types)
    said = judge(judges, tmp_path)
    listed = DIFFERENCES.get(name, [])
    assert list(unlisted(said, listed)) == []
    assert list(outdated(said, listed)) == []
    if len(judges) == 3:
        JUDGED.add(name)


def test_the_table_is_of_these_images():
    assert DIFFERENCES.keys() <= IMAGES.keys()
    assert len(IMAGES) >= 30
    if JUDGED == IMAGES.keys():
        assert NEEDED >= set(COMMON)
