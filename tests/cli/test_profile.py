"""What a pull does to the machine, by the calls of the system that it makes.

doc/architecture.md, "What a pull touches", says the same in words.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import PROGRAM, TIMEOUT_S
from layout import Layout

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")

LIBRARY = re.compile(r".*\.so(\.[0-9.]+)?")
# What the loader of programs, the resolver of names and OpenSSL look for, wherever programs run.
SYSTEM = re.compile("|".join((
    r"/etc/ld\.so\.(cache|preload)", r"/proc/self/exe", r"/proc/self/maps", r"/dev/(null|urandom)",
    r"/usr/lib/ssl/openssl\.cnf", r"/etc/ssl/openssl\.cnf", r"/etc/gnutls/config", r"/proc/sys/crypto/fips_enabled",
    r"/etc/(nsswitch\.conf|host\.conf|resolv\.conf|hosts|gai\.conf|localtime)", r"/run/nscd/socket|/var/run/nscd/socket",
    r"/sys/devices/system/cpu.*",
)))

READING = {"open", "openat", "openat2", "access", "faccessat", "faccessat2", "stat", "lstat", "newfstatat", "statx",
           "readlink", "readlinkat", "getxattr", "lgetxattr", "statfs", "inotify_add_watch"}
CHANGING = {"creat", "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2", "link",
            "linkat", "symlink", "symlinkat", "mknod", "mknodat", "chmod", "fchmodat", "fchmodat2", "chown", "lchown",
            "fchownat", "utimensat", "utime", "utimes", "futimesat", "truncate", "setxattr", "lsetxattr",
            "removexattr", "lremovexattr"}
NEVER = {"execve", "execveat", "mount", "umount2", "pivot_root", "chroot", "ptrace", "bpf", "kexec_load", "reboot",
         "setuid", "setgid", "setresuid", "setresgid", "setgroups", "capset", "init_module", "finit_module"}
# strace -y: an argument is a number with the path it stands for, or a path alone
CALL = re.compile(r"^\d+ +(\w+)\((.*)$")
FILE = re.compile(r'(?:(AT_FDCWD|\d+)<([^>]*)>|(AT_FDCWD))?(?:, )?"((?:[^"\\]|\\.)*)"')
WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")


@dataclasses.dataclass
class Profile:
    """What strace saw: paths read or asked for, paths changed, addresses, and calls that are never made."""

    read: set
    changed: set
    wrote: set
    connected: set
    never: list


def path_of(folder, name, cwd):
    return os.path.normpath(os.path.join(folder or cwd, name))


def profile(log, cwd):
    found = Profile(set(), set(), set(), set(), [])
    for line in log.read_text(errors="replace").splitlines()[1:]:  # the first is how it began
        call = CALL.match(line)
        if not call:
            continue
        name, rest = call.groups()
        if name in NEVER:
            found.never.append(line)
        paths = {path_of(one[1], one[3], cwd) for one in FILE.findall(rest) if one[3]}
        if name in CHANGING or (name.startswith("open") and WRITING.search(rest)):
            found.changed |= paths
        elif name in READING:
            found.read |= paths
        elif name in ("write", "pwrite64", "writev", "pwritev", "sendfile", "copy_file_range", "ftruncate", "fallocate",
                      "fchmod", "fchown", "fsetxattr", "fremovexattr"):  # fmt: skip
            found.wrote |= set(re.findall(r"^\d+<([^>]*)>", rest))
        elif name == "connect":
            found.connected.add(rest)
    return found


class Traced:
    """coco under strace."""

    def __init__(self, coco, folder):
        self.coco, self.log = coco, folder / "strace"

    def run(self, *args, **variables):
        done = subprocess.run(
            ["strace", "-f", "-y", "-s", "4096", "-o", self.log, PROGRAM, *map(str, args)],
            env=self.coco.environment(**variables), capture_output=True, timeout=TIMEOUT_S, check=False,
            cwd=self.coco.home,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return profile(self.log, str(self.coco.home))


@pytest.fixture(name="traced")
def fixture_traced(coco, tmp_path):
    if any(word in subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=False).stdout
           for word in ("libasan", "libtsan", "libubsan")):
        pytest.skip("a sanitizer has files of its own")
    return Traced(coco, tmp_path)


@pytest.fixture(name="place")
def fixture_place(tmp_path):
    (tmp_path / "place").mkdir()
    return tmp_path / "place/bundle"


def assert_only_the_bundle_is_written(seen, place):
    """Beside streams and pipes: nothing but what is staged, and the bundle's name for it."""
    staged = re.compile(rf"{re.escape(str(place.parent))}/\.bundle\.coco-[0-9a-f]{{16}}(/.*)?")
    for path in seen.changed:
        assert staged.fullmatch(path) or path == str(place), path
    assert any(path.endswith("/config.json") for path in seen.changed)
    for path in seen.wrote:
        if path.startswith("/"):
            assert staged.fullmatch(path) or path == str(place), path
    assert seen.never == []


def read_by_itself(seen, place):
    """Paths that were looked for, but for the system's, the program's and the bundle's own."""
    own = (f"{pathlib.Path(PROGRAM).resolve().parent.parent}/", str(place.parent))
    return {
        re.sub(r"/certs\.d/.*", "/certs.d", path) for path in seen.read
        if not LIBRARY.fullmatch(path) and not SYSTEM.fullmatch(path) and not path.startswith(own)
    }


def searched(home, uid):
    """Where credentials and certificates are looked for when no option names a file."""
    return {
        f"/run/containers/{uid}/auth.json", f"{home}/.config/containers/auth.json", f"{home}/.docker/config.json",
        f"{home}/.config/containers/certs.d", "/etc/containers/certs.d", "/etc/docker/certs.d",
    }


def test_a_pull_over_plain_http(traced, coco, layout, registry, place):
    reference = f"{registry.host}/profile/app:1"
    coco.run("image", "push", "--plain-http", layout.ref("app"), f"docker://{reference}", code=0)
    seen = traced.run("image", "pull", "--plain-http", "--insecure-policy", "accept-anything", reference, place)
    assert_only_the_bundle_is_written(seen, place)
    assert read_by_itself(seen, place) == searched(coco.home, os.getuid())
    port = registry.host.split(":")[1]
    assert len(seen.connected) >= 1
    assert all(f"htons({port})" in one for one in seen.connected), seen.connected


def test_a_pull_with_everything(traced, coco, layout, tls_registry, keys, place, tmp_path):
    """By name over TLS, encrypted, with a policy and credentials: each file that an option names is read, no other."""
    private, public = keys("ec")
    reference = f"localhost:{tls_registry.host.split(':')[1]}/profile/app:1"
    options = ["--tls-ca", tls_registry.ca]
    coco.run("image", "encrypt", *options, "--recipient", f"jwe:{public}", layout.ref("app"), f"docker://{reference}",
             code=0)  # fmt: skip
    policy, auth = tmp_path / "policy.json", tmp_path / "auth.json"
    policy.write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
    auth.write_text(json.dumps({"auths": {reference.split("/")[0]: {"auth": base64.b64encode(b"u:p").decode()}}}))
    options += ["--policy", policy, "--authfile", auth, "--key", private]
    seen = traced.run("image", "pull", *options, reference, place)
    assert_only_the_bundle_is_written(seen, place)
    named = {str(path) for path in (tls_registry.ca, policy, auth, private)}
    assert named <= read_by_itself(seen, place)
    trees = {path for path in searched(coco.home, os.getuid()) if path.endswith("certs.d")}
    assert read_by_itself(seen, place) - named == trees


def test_a_pull_of_a_layout(traced, layout, place):
    """Reads the layout, and talks to nobody."""
    seen = traced.run("image", "pull", "--insecure-policy", "accept-anything", layout.ref("app"), place)
    assert_only_the_bundle_is_written(seen, place)
    assert seen.connected == set()
    assert {path for path in read_by_itself(seen, place) if not path.startswith(str(layout.path))} <= searched(
        traced.coco.home, os.getuid()
    ) | {str(path) for path in layout.path.parents}
