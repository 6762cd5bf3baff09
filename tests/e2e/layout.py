"""Make OCI layouts of layers, and describe trees so that they can be compared.

SPDX-License-Identifier: Apache-2.0
"""

import gzip
import hashlib
import io
import json
import os
import pathlib
import stat
import tarfile

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Layer:
    """The tar of one layer in the making; every method adds an entry."""

    def __init__(self, format=tarfile.PAX_FORMAT):
        self.format = format
        self.body = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.body, mode="w", format=format)

    def add(self, name, type=tarfile.REGTYPE, data=b"", **fields):
        info = tarfile.TarInfo(name)
        info.type = type
        info.mode = 0o755 if type == tarfile.DIRTYPE else 0o644
        info.mtime = 1500000000
        info.size = len(data)
        for key, value in fields.items():
            setattr(info, key, value)
        self.tar.addfile(info, io.BytesIO(data))
        return self

    def dir(self, name, **fields):
        return self.add(name, tarfile.DIRTYPE, **fields)

    def symlink(self, name, target, **fields):
        return self.add(name, tarfile.SYMTYPE, linkname=target, **fields)

    def link(self, name, target, **fields):
        return self.add(name, tarfile.LNKTYPE, linkname=target, **fields)

    def bytes(self):
        self.tar.close()
        return self.body.getvalue()


def write_layout(path, layers, tag="t", config=None, wrong=None):
    """Writes the tars as gzip layers of one image. wrong changes the config before it is hashed."""
    blobs = pathlib.Path(path) / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(data, media_type):
        digest = sha256(data)
        (blobs / digest[7:]).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    described = [blob(gzip.compress(tar, 1), GZIP) for tar in layers]
    image = {
        "architecture": "amd64",
        "os": "linux",
        "config": config or {},
        "rootfs": {"type": "layers", "diff_ids": [sha256(tar) for tar in layers]},
    }
    if wrong:
        wrong(image)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blob(json.dumps(image).encode(), CONFIG),
        "layers": described,
    }
    entry = blob(json.dumps(manifest).encode(), MANIFEST)
    entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
    (pathlib.Path(path) / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (pathlib.Path(path) / "index.json").write_text(
        json.dumps({"schemaVersion": 2, "manifests": [entry]})
    )
    return entry["digest"]


def describe(root, implied=()):
    """What lstat() and kin tell of every path beneath root; times of implied ones are left out."""
    inodes = {}
    tree = {}
    root = os.fsencode(root)
    for folder, dirs, files in os.walk(root):
        for name in [b"."] * (folder == root) + dirs + files:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            rel = os.path.relpath(path, root)
            one = {
                "mode": oct(st.st_mode),
                "owner": (st.st_uid, st.st_gid),
                "xattrs": {
                    key: os.getxattr(path, key, follow_symlinks=False)
                    for key in os.listxattr(path, follow_symlinks=False)
                },
            }
            if os.fsdecode(rel) not in implied:
                one["mtime"] = st.st_mtime_ns
            if stat.S_ISREG(st.st_mode):
                one["content"] = sha256(pathlib.Path(os.fsdecode(path)).read_bytes())
            if stat.S_ISLNK(st.st_mode):
                one["target"] = os.readlink(path)
            if stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
                one["device"] = st.st_rdev
            if not stat.S_ISDIR(st.st_mode):
                inodes.setdefault(st.st_ino, set()).add(rel)
            tree[rel] = one
    for names in inodes.values():
        for name in names:
            tree[name]["links"] = names
    return tree
