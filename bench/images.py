"""Images made of this machine's own files, and a registry that serves them.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import io
import json
import os
import pathlib
import random
import shutil
import socket
import stat
import subprocess
import tarfile
import time

MIB = 1 << 20
COMPRESS = {"gzip": ["gzip", "-6", "-n", "-c"], "zstd": ["zstd", "-q", "-3", "-c"]}
LAYER = "application/vnd.oci.image.layer.v1.tar+"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def files_of(*tops):
    """Regular files and links beneath the directories, in the order of their names."""
    for top in tops:
        for folder, dirs, files in os.walk(top):
            dirs.sort()
            for name in sorted(files):
                path = os.path.join(folder, name)
                info = os.lstat(path)
                if stat.S_ISREG(info.st_mode) or stat.S_ISLNK(info.st_mode):
                    yield path, info


def tiny():
    """One program."""
    return [[shutil.which("busybox") or "/bin/busybox"]]


def medium():
    """About 46,000 small files in 5 layers, about 300 MB; fewer where the machine has fewer."""
    found, size = [], 0
    for path, info in files_of("/usr/share", "/usr/include", "/usr/lib", "/usr/local", "/root/.cargo", "/opt"):
        if info.st_size > 64 << 10:
            continue
        found.append(path)
        size += info.st_size
        if len(found) >= 46000 or size > 300 * MIB:
            break
    share = -(-len(found) // 5)
    return [found[i : i + share] for i in range(0, len(found), share)]


def large():
    """Few big files in 2 layers, about 1.2 GB; as many as the machine has."""
    found = {}
    for path, info in files_of("/usr/lib", "/usr/bin", "/usr/local", "/root", "/opt"):
        if stat.S_ISREG(info.st_mode) and info.st_size >= MIB and info.st_nlink == 1:
            found[path] = info.st_size
    chosen, size = [], 0
    for path in sorted(found, key=lambda p: (-found[p], p)):
        if size + found[path] <= 1200 * MIB:
            chosen.append(path)
            size += found[path]
    return [chosen[::2], chosen[1::2]]


def write_tar(out, paths):
    """A tar of the files and of the directories above them, the same each time."""
    made = set()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in paths:
            for parent in reversed(pathlib.PurePath(path).parents):
                if str(parent) != "/" and parent not in made:
                    made.add(parent)
                    info = tarfile.TarInfo(str(parent)[1:])
                    info.type, info.mode, info.mtime = tarfile.DIRTYPE, 0o755, 1700000000
                    tar.addfile(info)
            info = tar.gettarinfo(path, path[1:])
            if info.islnk():
                info.type, info.size = tarfile.REGTYPE, os.lstat(path).st_size
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            info.mtime = int(info.mtime)
            if info.isreg():
                with open(path, "rb") as file:
                    tar.addfile(info, file)
            else:
                tar.addfile(info)


def write_noise(out, size):
    """A tar of one file that compresses little: noise of a text's entropy."""
    random.seed(1)
    words = [random.randbytes(random.randrange(3, 12)) for _ in range(4096)]
    block = b"".join(random.choices(words, k=1 << 20))
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("data")
        info.size = size
        tar.addfile(info, Repeated(block, size))


def write_sparse(out, size, runs, length):
    """A tar of one file of size bytes that has data in so many places alone, in GNU's format 1.0."""
    random.seed(2)
    step = size // runs
    text = f"{runs}\n" + "".join(f"{n * step}\n{length}\n" for n in range(runs))
    text = text.encode()
    text += bytes(-len(text) % tarfile.BLOCKSIZE)
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("GNUSparseFile.0/data")
        info.size = len(text) + runs * length
        info.pax_headers = {
            "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "data",
            "GNU.sparse.realsize": str(size),
        }
        tar.addfile(info)
        out.write(text)
        for _ in range(runs):
            out.write(random.randbytes(length))
        out.write(bytes(-info.size % tarfile.BLOCKSIZE))


def write_many(out, number):
    """A tar of so many files of some bytes, a hundred in a directory."""
    random.seed(3)
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for n in range(number):
            info = tarfile.TarInfo(f"data/{n // 100}/file-{n}")
            info.size = n % 200
            tar.addfile(info, io.BytesIO(random.randbytes(info.size)))


def write_zeros(out, size):
    """A tar of one file of zeros, which is what compresses best."""
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        info = tarfile.TarInfo("data")
        info.size = size
        tar.addfile(info, open("/dev/zero", "rb"))


class Repeated(io.RawIOBase):
    """The block again and again, each time begun elsewhere."""

    def __init__(self, block, size):
        self.block, self.left, self.turn = block, size, 0

    def read(self, size=-1):
        size = min(self.left, size if size >= 0 else self.left)
        self.left -= size
        out = bytearray()
        while len(out) < size:
            self.turn = (self.turn + 7919) % len(self.block)
            out += self.block[self.turn :] + self.block[: self.turn]
        return bytes(out[:size])


def file_digest(path):
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest() if hasattr(
            hashlib, "file_digest"
        ) else "sha256:" + subprocess.check_output(["sha256sum", path], text=True).split()[0]


class Layout:
    """An OCI layout in the making, of one image `t`."""

    def __init__(self, path, form):
        self.path, self.form = pathlib.Path(path), form
        self.blobs = self.path / "blobs/sha256"
        self.blobs.mkdir(parents=True)
        self.layers, self.diff_ids, self.content = [], [], 0

    def take(self, path, media_type):
        digest, size = file_digest(path), os.path.getsize(path)
        os.rename(path, self.blobs / digest[7:])
        return {"mediaType": media_type, "digest": digest, "size": size}

    def put(self, value, media_type):
        path = self.path / "new"
        path.write_text(json.dumps(value))
        return self.take(path, media_type)

    def add_layer(self, write):
        tar, blob = self.path / "tar", self.path / "blob"
        with open(tar, "wb") as out:
            write(out)
        self.diff_ids.append(file_digest(tar))
        self.content += os.path.getsize(tar)
        with open(tar, "rb") as source, open(blob, "wb") as out:
            subprocess.run(COMPRESS[self.form], stdin=source, stdout=out, check=True)
        tar.unlink()
        self.layers.append(self.take(blob, LAYER + self.form))

    def finish(self):
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
        config = {
            "architecture": machine,
            "os": "linux",
            "config": {"Cmd": ["/bin/sh"]},
            "rootfs": {"type": "layers", "diff_ids": self.diff_ids},
        }
        entry = self.put(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": self.put(config, CONFIG),
                "layers": self.layers,
            },
            MANIFEST,
        )
        entry["annotations"] = {"org.opencontainers.image.ref.name": "t"}
        (self.path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        (self.path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))


def build(path, writers, form):
    """The layout at path, made if it is not there; each writer writes the tar of a layer."""
    if not (path / "index.json").exists():
        shutil.rmtree(path, ignore_errors=True)
        layout = Layout(path, form)
        for write in writers:
            layout.add_layer(write)
        layout.finish()
    return path


def build_machine(path, kind, form):
    return build(path, [lambda out, p=paths: write_tar(out, p) for paths in kind()], form)


def build_one(path, write, form):
    """Of one layer, which write(out) writes."""
    return build(path, [write], form)


def layers_of(layout):
    """The files of an image's layers."""
    blobs = layout / "blobs/sha256"
    index = json.loads((layout / "index.json").read_text())
    manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_text())
    return [blobs / layer["digest"][7:] for layer in manifest["layers"]]


class Registry:
    """docker-registry on a free port, over a directory."""

    def __init__(self, top):
        self.top = pathlib.Path(top)
        self.top.mkdir(parents=True, exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.host = f"127.0.0.1:{server.getsockname()[1]}"
        config = {
            "version": 0.1,
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(self.top / "data")}},
            "http": {"addr": self.host},
        }
        (self.top / "config.yml").write_text(json.dumps(config))
        with open(self.top / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", self.top / "config.yml"], stdout=log, stderr=log
            )
        while not self.answers():
            if self.process.poll() is not None:
                raise RuntimeError((self.top / "log").read_text())

    def answers(self):
        host, port = self.host.split(":")
        try:
            socket.create_connection((host, int(port)), 1).close()
            return True
        except OSError:
            time.sleep(0.01)
            return False

    def cpu(self):
        """Seconds it has worked so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
