"""Every layer of the corpus becomes the tree it must, or is refused; nothing outside is touched.

UNPACK_LAYER names the program that unpacks layers into a directory.

SPDX-License-Identifier: Apache-2.0
"""

import os
import subprocess

import pytest

from corpus import CASES, Refused
from rawtar import END, entry, header
from tree import MTIME, tree

UNPACK = os.environ.get("UNPACK_LAYER", "unpack-layer")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture(name="outer")
def fixture_outer(tmp_path):
    """A directory with something to harm next to the root."""
    outer = tmp_path / "outer"
    for name in "root", "d", "etc":
        (outer / name).mkdir(parents=True, mode=0o755)
    for name in "victim", "d/victim", "etc/victim", "d/f":
        (outer / name).write_text("unharmed")
    os.link(outer / "victim", outer / "twin")
    os.symlink("victim", outer / "l")
    os.utime(outer / "root", (MTIME, MTIME))
    return outer


def unpack(root, layers, folder):
    files = []
    for number, layer in enumerate(layers):
        suffix, data = layer if isinstance(layer, tuple) else ("", layer)
        files.append(folder / f"{number}.tar{suffix}")
        files[-1].write_bytes(data)
    return subprocess.run(
        [UNPACK, root, *files], capture_output=True, check=False, timeout=300, umask=0o027
    )


def outside(outer):
    return {path: line for path, line in tree(outer).items() if path.split("/")[0] != "root"}


def test_names_of_cases_are_unique():
    assert len({name for name, _, _ in CASES}) == len(CASES)


@pytest.mark.parametrize("layers, expected", [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_layers(layers, expected, outer, tmp_path):
    before = outside(outer)
    done = unpack(outer / "root", layers, tmp_path)
    assert outside(outer) == before
    assert done.stderr == b""
    message = done.stdout.decode()
    if isinstance(expected, Refused):
        assert done.returncode == 1
        assert message.startswith(expected.status + ": ")
        assert expected.says in message
        assert message.strip().isprintable()
    else:
        assert (done.returncode, message) == (0, "")
        assert tree(outer / "root") == {".": "dir", **expected}


def test_a_hundred_thousand_files(outer, tmp_path):
    tar = b"".join(entry(f"{n // 1000}/{n}", b"x") for n in range(100000)) + END
    done = unpack(outer / "root", [tar], tmp_path)
    assert (done.returncode, done.stdout) == (0, b"")
    for number in range(100):
        found = os.listdir(outer / f"root/{number}")
        assert sorted(found) == sorted(str(n) for n in range(number * 1000, number * 1000 + 1000))
    assert {line for line in tree(outer / "root/99").values()} == {"dir mtime=0", "file 'x'"}


def test_a_hundred_thousand_links(outer, tmp_path):
    """Hard links to one file, as many as a file system may have, and links to nowhere."""
    hard = b"".join(header(f"h{n}", type=b"1", link=b"f") for n in range(60000))
    soft = b"".join(header(f"d/s{n}", type=b"2", link=b"../h%d" % n) for n in range(60000))
    done = unpack(outer / "root", [entry("f", b"x") + hard + soft + END], tmp_path)
    assert (done.returncode, done.stdout) == (0, b"")
    assert os.stat(outer / "root/f").st_nlink == 60001
    assert len(os.listdir(outer / "root/d")) == 60000
