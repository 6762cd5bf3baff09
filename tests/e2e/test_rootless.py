"""Images pulled by somebody who may not give files away, and in user namespaces.

COCO names the program.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import tarfile
import tempfile

import pytest

from images import NET_RAW, xattr
from layout import Layer, write_layout
from tree import tree

COCO = os.environ.get("COCO", "coco")
NOBODY = 65534
FIRST = 100000  # of the ids of the user namespace

PROGRAM = {}

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def image():
    layer = Layer()
    layer.dir("./").dir("etc", mode=0o555).dir("tmp", mode=0o1777)
    layer.add("etc/shadow", data=b"s", gid=42, mode=0o640)
    layer.add("etc/readonly", data=b"r", mode=0o444, **xattr(user__a="1"))
    layer.add("su", data=b"u", mode=0o4755).add("wall", data=b"w", mode=0o2755, gid=5)
    layer.add("ping", data=b"p", mode=0o755, **xattr(security__capability=NET_RAW))
    layer.add("null", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666)
    layer.add("pipe", tarfile.FIFOTYPE).symlink("link", "su").link("hard", "su")
    layer.add("home", data=b"h", uid=1000, gid=1000).add("far", data=b"f", uid=5000, gid=5000)
    return layer.bytes()


@pytest.fixture(name="home")
def fixture_home():
    """A directory that everybody can reach, for a layout and a bundle."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        home = pathlib.Path(name)
        home.chmod(0o777)
        write_layout(home / "image", [image()])
        yield home


@pytest.fixture(name="program", scope="module", autouse=True)
def fixture_program():
    """COCO and its libraries where everybody may run them: root's home, for one, is closed."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        os.chmod(name, 0o755)
        libraries = os.environ.get("LD_LIBRARY_PATH", "")
        for directory in filter(None, libraries.split(":")):
            for library in pathlib.Path(directory).glob("libcoco*.so*"):
                if library.is_file():
                    shutil.copy(library, name)
        PROGRAM["path"] = shutil.copy(shutil.which(COCO), f"{name}/coco")
        PROGRAM["env"] = {**os.environ, "LD_LIBRARY_PATH": f"{name}:{libraries}"}
        yield


def arguments(home, *options):
    return [PROGRAM["path"], "image", "pull", f"oci:{home}/image:t", home / "bundle", "--json",
            "--insecure-policy", "accept-anything", *options]


def pull(home, *options, uid=NOBODY):
    return subprocess.run(arguments(home, *options), user=uid, group=uid, extra_groups=[],
                          env=PROGRAM["env"], capture_output=True, text=True, check=False)


def done(result):
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_without_privileges_the_option_is_named(home):
    refused = pull(home)
    assert refused.returncode == 7
    assert "the owner 0:0 without privileges" in refused.stderr
    assert "--ignore-chown" in refused.stderr
    assert os.listdir(home) == ["image"]


def test_with_the_option_files_are_the_callers(home):
    # links count for nothing: a hard link has the owner of its file
    assert done(pull(home, "--ignore-chown"))["ids_ignored"] == 13
    found = tree(home / "bundle/rootfs")
    assert all(f"owner={NOBODY}:{NOBODY}" in line for line in found.values())
    assert {path: line.replace(f" owner={NOBODY}:{NOBODY}", "") for path, line in found.items()} == {
        ".": "dir", "etc": "dir", "tmp": "dir mode=1777", "etc/shadow": "file 's' mode=640",
        "etc/readonly": "file 'r' mode=444 user.a='1'", "su": "file 'u' mode=755 nlink=2",
        "hard": "file 'u' mode=755 nlink=2", "wall": "file 'w' mode=755", "ping": "file 'p' mode=755",
        "null": "file '' mode=666", "pipe": "fifo", "link": "link su", "home": "file 'h'",
        "far": "file 'f'",
    }


def test_root_ignores_nothing(home):
    assert done(pull(home, "--ignore-chown", uid=0))["ids_ignored"] == 0
    assert tree(home / "bundle/rootfs")["far"] == "file 'f' owner=5000:5000"
    assert tree(home / "bundle/rootfs")["null"] == "char 1:3 mode=666"


def in_namespace(home, *options):
    """Pulls as root of a user namespace that has 1001 ids."""
    waiting = ["unshare", "--user", "sh", "-c", 'echo there; read go; exec "$@"', "sh"]
    with subprocess.Popen(
        [*waiting, *arguments(home, *options)], user=FIRST, group=FIRST, extra_groups=[],
        env=PROGRAM["env"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as child:
        if child.stdout.readline() != "there\n":
            pytest.skip("there are no user namespaces: " + child.stderr.read())
        for name in "uid_map", "gid_map":
            pathlib.Path(f"/proc/{child.pid}/{name}").write_text(f"0 {FIRST} 1001\n")
        out, err = child.communicate("go\n", timeout=60)
    return subprocess.CompletedProcess(child.args, child.returncode, out, err)


def test_a_user_namespace_without_the_id_names_the_option(home):
    refused = in_namespace(home)
    assert refused.returncode == 7, refused.stderr
    assert "--ignore-chown" in refused.stderr
    assert os.listdir(home) == ["image"]


def test_in_a_user_namespace_owners_are_its_own(home):
    """Only one id is outside of it, and only one file is a device."""
    assert done(in_namespace(home, "--ignore-chown"))["ids_ignored"] == 2
    found = tree(home / "bundle/rootfs")
    assert found["home"] == f"file 'h' owner={FIRST + 1000}:{FIRST + 1000}"
    assert found["wall"] == f"file 'w' mode=2755 owner={FIRST}:{FIRST + 5}"
    assert found["su"] == f"file 'u' mode=4755 owner={FIRST}:{FIRST} nlink=2"
    assert found["far"] == f"file 'f' owner={FIRST}:{FIRST}"
    assert found["null"] == f"file '' mode=666 owner={FIRST}:{FIRST}"
    # The kernel notes whose capability it is, revision 3 of the structure.
    capability = os.getxattr(home / "bundle/rootfs/ping", "security.capability")
    assert capability == struct.pack("<IIIIII", 0x03000001, 1 << 13, 0, 0, 0, FIRST)


@pytest.mark.skipif(not shutil.which("umoci"), reason="umoci is not installed")
def test_the_tree_equals_that_of_umoci(home):
    """But for set-id bits of files that are somebody else's then, which umoci leaves, for its notes
    on owners, user.rootlesscontainers, for attributes of read-only files, which it loses, and for
    directories that their owner could not write to."""
    done(pull(home, "--ignore-chown"))
    subprocess.run(
        ["umoci", "unpack", "--rootless", "--image", f"{home}/image:t", home / "theirs"],
        user=NOBODY, group=NOBODY, extra_groups=[], check=True, capture_output=True,
        env={**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home)},
    )

    def alike(root):
        return {
            path: " ".join(word for word in line.split(" ") if "rootlesscontainers" not in word)
            .replace("mode=4755", "mode=755").replace("mode=2755", "mode=755")
            for path, line in tree(root).items()
        }

    theirs = alike(home / "theirs/rootfs")
    assert theirs.pop("etc") == f"dir mode=555 owner={NOBODY}:{NOBODY}"
    ours = alike(home / "bundle/rootfs")
    assert theirs["etc/readonly"] + " user.a='1'" == ours.pop("etc/readonly")
    del theirs["etc/readonly"]
    assert ours.pop("etc") == f"dir owner={NOBODY}:{NOBODY}"
    assert ours == theirs
