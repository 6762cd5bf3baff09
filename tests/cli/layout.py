"""OCI layouts that a test writes, reads and spoils.

SPDX-License-Identifier: Apache-2.0
"""

import gzip
import hashlib
import io
import json
import pathlib
import tarfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
REF = "org.opencontainers.image.ref.name"


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mtime = 1_600_000_000
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


class Layout:
    """One layout on disk."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.blobs = self.path / "blobs/sha256"
        if not self.blobs.exists():
            self.blobs.mkdir(parents=True)
            (self.path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
            (self.path / "index.json").write_text('{"schemaVersion":2,"manifests":[]}')

    def ref(self, tag):
        return f"oci:{self.path}:{tag}"

    def blob(self, digest):
        return self.blobs / digest.split(":")[1]

    def put(self, data):
        self.blob(sha256(data)).write_bytes(data)
        return sha256(data)

    def add_image(self, tag, layers, arch="amd64"):
        """Adds an image of layers, {name: content} each; its manifest's digest."""
        tars = [tar(files) for files in layers]
        config = {
            "architecture": arch,
            "os": "linux",
            "config": {"Cmd": ["/bin/true"]},
            "rootfs": {"type": "layers", "diff_ids": [sha256(data) for data in tars]},
        }
        data = json.dumps(config).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": self.put(data), "size": len(data)},
            "layers": [],
        }
        for content in tars:
            packed = gzip.compress(content, mtime=0)
            manifest["layers"].append(
                {"mediaType": LAYER, "digest": self.put(packed), "size": len(packed)}
            )
        return self.set_manifest(tag, manifest)

    def index(self):
        return json.loads((self.path / "index.json").read_text())

    def entry(self, tag):
        return next(e for e in self.index()["manifests"] if e.get("annotations", {}).get(REF) == tag)

    def digest(self, tag):
        return self.entry(tag)["digest"]

    def manifest(self, tag):
        return json.loads(self.blob(self.digest(tag)).read_bytes())

    def config(self, tag):
        return json.loads(self.blob(self.manifest(tag)["config"]["digest"]).read_bytes())

    def set_manifest(self, tag, manifest):
        """Makes tag mean manifest, with digests that fit, as whoever owns the store can."""
        data = json.dumps(manifest).encode()
        index = self.index()
        index["manifests"] = [
            e for e in index["manifests"] if e.get("annotations", {}).get(REF) != tag
        ]
        index["manifests"].append(
            {
                "mediaType": manifest["mediaType"],
                "digest": self.put(data),
                "size": len(data),
                "annotations": {REF: tag},
            }
        )
        (self.path / "index.json").write_text(json.dumps(index))
        return sha256(data)

    def set_config(self, tag, config):
        data = json.dumps(config).encode()
        manifest = self.manifest(tag)
        manifest["config"] |= {"digest": self.put(data), "size": len(data)}
        return self.set_manifest(tag, manifest)


def flip(path, at=None):
    """Flips a bit of a file; in its middle if nobody says where."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 1
    path.write_bytes(data)
