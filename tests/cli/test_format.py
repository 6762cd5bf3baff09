"""The vectors of doc/encrypted-image-format.md: recomputed by another library, and opened by the program.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import hashlib
import hmac
import json
import pathlib
import re

import pytest

ciphers = pytest.importorskip("cryptography.hazmat.primitives.ciphers")
from cryptography.hazmat.primitives import hashes  # noqa: E402
from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: E402
from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: E402

from layout import LAYER, Layout  # noqa: E402

DOC = (pathlib.Path(__file__).parents[2] / "doc/encrypted-image-format.md").read_text()
VECTORS = dict(re.findall(r"^\| ([\w -]+) \| `(.*)` \|$", DOC[DOC.index("## 7. Vectors"):], flags=re.M))
PEM = re.search(r"^-----BEGIN.*?-----END PRIVATE KEY-----$", DOC, flags=re.M | re.S)[0] + "\n"
ENC = "org.opencontainers.image.enc."


def binary(name):
    return bytes.fromhex(VECTORS[name])


def test_the_page_has_them_all():
    assert set(VECTORS) == {"plaintext", "key", "nonce", "ciphertext", "mac", "public options", "private options", "chunks",
                            "key-encryption key", "packet 1", "packet 2", "jwe"}


def test_another_library_computes_the_same():
    key = binary("key")
    cipher = ciphers.Cipher(ciphers.algorithms.AES(key), ciphers.modes.CTR(binary("nonce"))).encryptor()
    assert cipher.update(binary("plaintext")) == binary("ciphertext")
    mac = hmac.new(key, binary("ciphertext"), hashlib.sha256).digest()
    assert mac == binary("mac")
    assert json.loads(VECTORS["public options"]) == {
        "cipher": "AES_256_CTR_HMAC_SHA256", "hmac": base64.b64encode(mac).decode(), "cipheroptions": {}}
    assert json.loads(VECTORS["private options"]) == {
        "symkey": base64.b64encode(key).decode(), "digest": "sha256:" + hashlib.sha256(binary("plaintext")).hexdigest(),
        "cipheroptions": {"nonce": base64.b64encode(binary("nonce")).decode()}}
    for name in "packet 1", "packet 2":
        packet = json.loads(VECTORS[name])
        opened = AESGCM(binary("key-encryption key")).decrypt(
            base64.b64decode(packet["iv"]), base64.b64decode(packet["wrapped_data"]), None)
        assert opened.decode() == VECTORS["private options"]


def test_another_library_computes_the_same_chunks():
    key = HKDF(hashes.SHA256(), 32, None, b"libcoco encrypted layer chunks v1").derive(binary("key"))
    tag = AESGCM(key).encrypt(bytes(12), b"", binary("ciphertext") + b"\1")
    assert VECTORS["chunks"] == "AES-256-GMAC:131072:" + base64.b64encode(tag).decode()


@pytest.fixture
def image(tmp_path):
    """image(scheme, blob): a layout whose only layer is the vector's, which is no tar, but that is not looked at."""

    def make(scheme, blob, **more):
        layout = Layout(tmp_path / scheme.replace(".", "-"))
        layout.add_image("app", [{"a": b"b"}])
        manifest = layout.manifest("app")
        config = layout.config("app")
        config["rootfs"]["diff_ids"] = ["sha256:" + hashlib.sha256(binary("plaintext")).hexdigest()]
        sealed = layout.put(binary("ciphertext"))
        manifest["layers"] = [{
            "mediaType": LAYER + "+encrypted", "digest": sealed, "size": len(binary("ciphertext")),
            "annotations": {ENC + "pubopts": base64.b64encode(VECTORS["public options"].encode()).decode(),
                            ENC + "keys." + scheme: blob} | {ENC + f"libcoco.{name}": more[name] for name in more}}]
        layout.set_manifest("app", manifest)
        layout.set_config("app", config)
        return layout

    return make


def assert_opened(opened):
    [layer] = opened.manifest("app")["layers"]
    assert layer["mediaType"] == LAYER and "annotations" not in layer
    assert opened.blob(layer["digest"]).read_bytes() == binary("plaintext")


def test_the_jwe_opens(coco, image, tmp_path):
    (tmp_path / "key.pem").write_text(PEM)
    opened = Layout(tmp_path / "opened")
    coco.run("image", "decrypt", "--key", tmp_path / "key.pem", image("jwe", VECTORS["jwe"]).ref("app"), opened.ref("app"),
             code=0)
    assert_opened(opened)


def test_the_chunks_are_compared(coco, image, tmp_path):
    (tmp_path / "key.pem").write_text(PEM)
    opened, right = Layout(tmp_path / "opened"), VECTORS["chunks"]
    words = ["image", "decrypt", "--key", tmp_path / "key.pem"]
    for chunks, why in ((right.replace("qK", "qL"), b"layer authentication failed"),
                        (right.replace("131072", "1048576").replace("qK", "qL"), b"layer authentication failed"),
                        (right.replace("131072", "131073"), b"chunks of the layer"),
                        (right.replace("GMAC", "CMAC"), b"chunks of the layer")):
        done = coco.run(*words, image("jwe", VECTORS["jwe"], chunks=chunks).ref("app"), f"oci:{tmp_path}/refused:app")
        assert done.returncode != 0 and why in done.stderr
        refused = Layout(tmp_path / "refused")
        assert refused.index()["manifests"] == []
        assert not any(blob.read_bytes() == binary("plaintext") for blob in refused.blobs.iterdir())
    coco.run(*words, image("jwe", VECTORS["jwe"], chunks=right).ref("app"), opened.ref("app"), code=0)
    assert_opened(opened)


@pytest.mark.parametrize("version", ["packet 1", "packet 2"])
def test_packets_of_both_versions_open(coco, image, broker, owner, tmp_path, version):
    coco.run("resource", "put", *owner, "acme/key/1", stdin=binary("key-encryption key"), code=0)
    blob = base64.b64encode(VECTORS[version].encode()).decode()
    opened = Layout(tmp_path / "opened")
    coco.run("image", "decrypt", "--kbs", broker.url, "--tee", "sample", image("provider.attestation-agent", blob).ref("app"),
             opened.ref("app"), code=0)
    assert_opened(opened)


def test_packets_without_a_tag_are_refused(coco, image, broker, tmp_path):
    for wrap_type in "A256CTR", "aes_256_ctr":
        packet = json.loads(VECTORS["packet 1"]) | {"wrap_type": wrap_type}
        blob = base64.b64encode(json.dumps(packet).encode()).decode()
        done = coco.run("image", "decrypt", "--kbs", broker.url, "--tee", "sample",
                        image("provider.attestation-agent", blob).ref("app"), f"oci:{tmp_path}/opened:app")
        assert done.returncode != 0 and b"wrap_type is not A256GCM" in done.stderr
        assert not (tmp_path / "opened").exists()
