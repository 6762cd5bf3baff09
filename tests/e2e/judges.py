"""Others that unpack images, to compare with: umoci, and containerd with two of its snapshotters.

Each has unpack(layout, folder), a context manager that gives the root of the tree, or raises Refused.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import tarfile
import tempfile
import time

from layout import sha256

START_S = 30

# Nothing of it is to lie elsewhere: the optional plugins make directories of the machine's. And it is not to collect
# garbage, which a view of a snapshot is that no container uses.
CONFIG = """\
version = 2
root = "{top}/root"
state = "{top}/state"
disabled_plugins = [
    "io.containerd.grpc.v1.cri", "io.containerd.internal.v1.restart",
    "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]
[grpc]
address = "{top}/sock"
[plugins."io.containerd.internal.v1.opt"]
path = "{top}/opt"
[plugins."io.containerd.gc.v1.scheduler"]
startup_delay = "24h"
mutation_threshold = 1000000000
deletion_threshold = 0
"""


def missing():
    """What containerd lacks here, or nothing."""
    for program in "containerd", "ctr", "mount", "umount":
        if not shutil.which(program):
            return f"{program} is not installed"
    with tempfile.TemporaryDirectory() as folder:
        try:
            call("mount", "--bind", folder, folder)
        except Refused as refused:
            return f"this machine cannot mount: {refused}"
        call("umount", folder)
    return ""


class Refused(Exception):
    """The judge does not unpack the image, and says why."""


def call(*args, **options):
    done = subprocess.run(list(map(str, args)), capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise Refused(done.stdout + done.stderr)
    return done.stdout


class Umoci:
    name = "umoci"

    @contextlib.contextmanager
    def unpack(self, layout, folder):
        call("umoci", "unpack", "--image", f"{layout}:t", folder / "umoci")
        yield folder / "umoci/rootfs"


def scratch():
    """In memory, where that can hold attributes: the daemon waits for the disk all the time."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        try:
            os.setxattr(file.name, "user.a", b"1")
        except OSError:
            return "/tmp"
    return "/dev/shm"


class Containerd:
    """The daemon, with everything it writes in a directory of its own, until stop()."""

    def __init__(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="containerd-", dir=scratch()))
        (self.top / "config.toml").write_text(CONFIG.format(top=self.top))
        (self.top / "tmp").mkdir()
        self.log = self.top / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["containerd", "--config", self.top / "config.toml"], stdout=log, stderr=log,
                env={**os.environ, "TMPDIR": str(self.top / "tmp")},
            )
        self.wait()

    def wait(self):
        """Until it answers."""
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(Refused):
                self.ctr("version")
                return
        said = self.log.read_text()
        self.stop()
        raise RuntimeError("containerd does not start: " + said)

    def ctr(self, *args):
        return call("ctr", "--address", self.top / "sock", *args)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        with open("/proc/self/mounts", encoding="ascii") as mounts:
            left = [line.split()[1] for line in mounts if str(self.top) in line]
        for path in reversed(left):
            call("umount", path)
        shutil.rmtree(self.top)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def chain_id(layout):
    """What a snapshot of all layers of a layout's only image is called (image-spec config.md, "ChainID")."""
    def load(digest):
        return json.loads((layout / "blobs/sha256" / digest.split(":")[1]).read_bytes())

    index = json.loads((layout / "index.json").read_text())
    config = load(load(index["manifests"][0]["digest"])["config"]["digest"])
    chain = ""
    for diff_id in config["rootfs"]["diff_ids"]:
        chain = sha256(f"{chain} {diff_id}".encode()) if chain else diff_id
    return chain


class Snapshotter:
    """containerd as a judge; each image has a namespace of its own."""

    def __init__(self, daemon, name):
        self.daemon = daemon
        self.name = name
        self.used = 0

    @contextlib.contextmanager
    def unpack(self, layout, folder):
        archive, root = folder / f"{self.name}.tar", folder / self.name
        with tarfile.open(archive, "w") as tar:
            tar.add(layout, arcname=".")
        root.mkdir()
        self.used += 1
        own = "--namespace", f"{self.name}-{self.used}"
        self.daemon.ctr(*own, "images", "import", "--snapshotter", self.name, "--base-name", "image", archive)
        # `ctr images mount` knows only the default snapshotter, whatever it is told.
        view = "snapshots", "--snapshotter", self.name, "view", "--target", root, "view", chain_id(layout)
        # The names of many layers are more than mount() takes, unless they are short.
        top = self.daemon.top / f"root/io.containerd.snapshotter.v1.{self.name}/snapshots"
        mount = shlex.split(self.daemon.ctr(*own, *view))
        call(*(argument.replace(f"{top}/", "") for argument in mount), cwd=top)
        try:
            yield root
        finally:
            call("umount", root)
