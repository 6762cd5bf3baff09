"""Whatever is wrong with an encrypted layer: decrypting it fails with one text for what it was, and nothing is there.

How near a guess at a key or a MAC was, or which step of unwrapping said no, must not show (T16, T19).

SPDX-License-Identifier: Apache-2.0
"""

import base64
import json
import os

import pytest

import test_interop
from conftest import leftovers
from layout import Layout
from test_image import ANYTHING, assert_unpacked
from test_interop import gpg  # noqa: F401, a fixture

ENC = "org.opencontainers.image.enc."
NO_KEY = "no key at hand opens the layer"
NO_LAYER = "layer authentication failed"
SCHEMES = ["jwe-rsa", "jwe-p256", "jwe-several", "pkcs7", "pgp", "pkcs11"]


def keys_of(name, top, gpg):
    scheme, _, variant = name.partition("-")
    top.mkdir()
    if variant:
        return test_interop.several(top) if variant == "several" else test_interop.jwe(top, variant)
    return test_interop.pgp(gpg) if scheme == "pgp" else getattr(test_interop, scheme)(top)


def encrypt(coco, source, target, keys):
    to = [word for recipient in keys.recipients for word in ("--recipient", recipient)]
    coco.run("image", "encrypt", *keys.ours, *to, source.ref("app"), target.ref("app"), code=0, **keys.env)


def pull(coco, layout, keys, bundle):
    given = [word for key in keys.openers for word in ("--key", key)]
    return coco.run("image", "pull", "--json", *ANYTHING, *given, layout.ref("app"), bundle, **keys.env)


@pytest.fixture(params=SCHEMES)
def sealed(request, coco, layout, gpg, tmp_path):  # noqa: F811
    """An encrypted image, its keys, others of the same kind, and the same image encrypted once more."""
    test_interop.needs_feature(coco, request.param)
    keys = keys_of(request.param, tmp_path / "keys", gpg)
    again, made = Layout(tmp_path / "again"), Layout(tmp_path / "sealed")
    encrypt(coco, layout, made, keys)
    encrypt(coco, layout, again, keys)
    return made, keys, again


def change(layout, edit):
    manifest = layout.manifest("app")
    edit(manifest["layers"][0])
    layout.set_manifest("app", manifest)


def blob_name(layer):
    [name] = [name for name in layer["annotations"] if name.startswith(ENC + "keys.")]
    return name


def letter(text, at):
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]


def spoil_blob(layer, at):
    """Changes what is wrapped, and no more of its form: at is where, from the end."""
    name = blob_name(layer)
    data = base64.b64decode(layer["annotations"][name])
    if name.endswith("jwe"):
        tree = json.loads(data)
        tree["ciphertext"] = letter(tree["ciphertext"], -at)
        data = json.dumps(tree).encode()
    elif name.endswith("pkcs11"):
        tree = json.loads(data)
        for recipient in tree["recipients"]:
            recipient["blob"] = letter(recipient["blob"], -at - 2)
        data = json.dumps(tree).encode()
    else:
        data = data[:-at] + bytes([data[-at] ^ 1]) + data[-at:][1:]
    layer["annotations"][name] = base64.b64encode(data).decode()


def spoil_hmac(layer, at):
    name = ENC + "pubopts"
    options = json.loads(base64.b64decode(layer["annotations"][name]))
    options["hmac"] = letter(options["hmac"], at)
    layer["annotations"][name] = base64.b64encode(json.dumps(options).encode()).decode()


def spoil_chunks(layer, at):
    name = ENC + "libcoco.chunks"
    layer["annotations"][name] = letter(layer["annotations"][name], at)


def spoil_content(layout, at):
    manifest = layout.manifest("app")
    data = bytearray(layout.blob(manifest["layers"][0]["digest"]).read_bytes())
    data[at] ^= 1
    manifest["layers"][0]["digest"] = layout.put(bytes(data))
    layout.set_manifest("app", manifest)


def assert_text(coco, layout, keys, tmp_path, text):
    before = leftovers(tmp_path)
    done = pull(coco, layout, keys, tmp_path / "bundle")
    error = json.loads(done.stderr.splitlines()[-1])
    assert done.returncode == 4 and error["id"] == "not-trusted"
    assert error["message"].endswith(text), error
    assert leftovers(tmp_path) == before
    return error["message"]


def test_a_wrapped_key_that_was_changed_has_one_text(coco, sealed, tmp_path):
    layout, keys, _ = sealed
    manifest = layout.manifest("app")
    said = set()
    for at in 4, 9, 20:
        change(layout, lambda layer, at=at: spoil_blob(layer, at))
        said.add(assert_text(coco, layout, keys, tmp_path, NO_KEY))
        layout.set_manifest("app", manifest)
    assert len(said) == 1


def test_a_mac_or_a_layer_that_was_changed_has_one_text(coco, sealed, tmp_path):
    layout, keys, again = sealed
    manifest, said = layout.manifest("app"), set()
    for at in 0, 20, 40:
        change(layout, lambda layer, at=at: spoil_hmac(layer, at))
        said.add(assert_text(coco, layout, keys, tmp_path, NO_LAYER))
        layout.set_manifest("app", manifest)
    for at in -4, -23:
        change(layout, lambda layer, at=at: spoil_chunks(layer, at % len(layer["annotations"][ENC + "libcoco.chunks"])))
        said.add(assert_text(coco, layout, keys, tmp_path, NO_LAYER))
        layout.set_manifest("app", manifest)
    for at in 0, 50, -1:
        spoil_content(layout, at)
        said.add(assert_text(coco, layout, keys, tmp_path, NO_LAYER))
        layout.set_manifest("app", manifest)
    # The key of the same layer that was encrypted another time.
    other = again.manifest("app")["layers"][0]["annotations"]
    change(layout, lambda layer: layer["annotations"].update({blob_name(layer): other[blob_name({"annotations": other})]}))
    said.add(assert_text(coco, layout, keys, tmp_path, NO_LAYER))
    assert len(said) == 1


def test_what_is_as_it_was_opens(coco, sealed, tmp_path):
    layout, keys, _ = sealed
    assert pull(coco, layout, keys, tmp_path / "bundle").returncode == 0
    assert_unpacked(tmp_path / "bundle")


def test_a_brokers_packet_that_was_changed_has_the_same_text(coco, layout, broker, owner, tmp_path):
    ours = Layout(tmp_path / "ours")
    coco.run("image", "encrypt", *owner, "--kbs-path", "acme/key/1", layout.ref("app"), ours.ref("app"), code=0)
    coco.run("resource", "put", *owner, "acme/key/2", stdin=os.urandom(32), code=0)
    coco.run("resource", "put", *owner, "acme/key/3", stdin=b"no key", code=0)
    manifest, said = ours.manifest("app"), set()

    def spoil(member, edit):
        def in_packet(layer):
            name = blob_name(layer)
            packet = json.loads(base64.b64decode(layer["annotations"][name]))
            packet[member] = edit(packet[member])
            layer["annotations"][name] = base64.b64encode(json.dumps(packet).encode()).decode()

        change(ours, in_packet)
        before = leftovers(tmp_path)
        done = coco.run("image", "pull", "--json", *ANYTHING, "--kbs", broker.url, "--tee", "sample", ours.ref("app"),
                        tmp_path / "bundle")
        ours.set_manifest("app", manifest)
        assert done.returncode == 4 and leftovers(tmp_path) == before
        return json.loads(done.stderr.splitlines()[-1])["message"]

    for at in 0, 30, 100:
        said.add(spoil("wrapped_data", lambda text, at=at: letter(text, at)))
    said.add(spoil("iv", lambda text: letter(text, 5)))
    said.add(spoil("kid", lambda _: "kbs:///acme/key/2"))
    assert len(said) == 1 and said.pop().endswith(NO_KEY)
    # Which resource is none that could be a key, the guest may know: it got it.
    assert "acme" not in spoil("kid", lambda _: "kbs:///acme/key/3")
