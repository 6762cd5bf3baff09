"""Make OCI layouts of layers.

SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import gzip
import hashlib
import io
import json
import pathlib
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


@dataclasses.dataclass
class Blob:
    """A layer as it is sent: what it holds, the bytes, what they are called."""

    tar: bytes
    data: bytes
    media_type: str = GZIP


def packed(tar):
    return Blob(tar, gzip.compress(tar, 1, mtime=0))


def write_layout(path, layers, tag="t", config=None, wrong=None, types=(MANIFEST, CONFIG)):
    """Writes an image of Blobs, or of tars that it compresses. wrong changes the config before it is hashed."""
    blobs = pathlib.Path(path) / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(data, media_type):
        digest = sha256(data)
        (blobs / digest[7:]).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    layers = [layer if isinstance(layer, Blob) else packed(layer) for layer in layers]
    image = {
        "architecture": "amd64",
        "os": "linux",
        "config": config or {},
        "rootfs": {"type": "layers", "diff_ids": [sha256(layer.tar) for layer in layers]},
    }
    if wrong:
        wrong(image)
    manifest = {
        "schemaVersion": 2,
        "mediaType": types[0],
        "config": blob(json.dumps(image).encode(), types[1]),
        "layers": [blob(layer.data, layer.media_type) for layer in layers],
    }
    entry = blob(json.dumps(manifest).encode(), types[0])
    entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
    (pathlib.Path(path) / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (pathlib.Path(path) / "index.json").write_text(
        json.dumps({"schemaVersion": 2, "manifests": [entry]})
    )
    return entry["digest"]
