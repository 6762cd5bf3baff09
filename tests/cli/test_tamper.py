"""Tampering, thing by thing: refused for the right reason, with nothing left behind.

Whoever owns a registry or a layout can make all digests fit again; where that is
so, the test does it, too, so that the check behind the digest is the one at work.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import contextlib
import http.server
import json
import threading
import urllib.error
import urllib.request

import pytest

from conftest import leftovers
from layout import Layout, flip, sha256

ANYTHING = ["--insecure-policy", "accept-anything"]
PUBOPTS = "org.opencontainers.image.enc.pubopts"
JWE = "org.opencontainers.image.enc.keys.jwe"


@pytest.fixture
def encrypted(coco, layout, keys, tmp_path):
    """A layout with "app", encrypted for the RSA key."""
    made = Layout(tmp_path / "encrypted")
    recipient = ["--recipient", f"jwe:{keys('rsa')[1]}"]
    coco.run("image", "encrypt", *recipient, layout.ref("app"), made.ref("app"), code=0)
    return made


def first(layout):
    return layout.manifest("app")["layers"][0]


def change_layer(layout, **members):
    manifest = layout.manifest("app")
    manifest["layers"][0] |= members
    layout.set_manifest("app", manifest)


def change_annotation(layout, name, change):
    """Changes what the base64 of an annotation of the first layer holds."""
    manifest = layout.manifest("app")
    annotations = manifest["layers"][0]["annotations"]
    annotations[name] = base64.b64encode(change(base64.b64decode(annotations[name]))).decode()
    layout.set_manifest("app", manifest)


def in_json(text, change):
    tree = json.loads(text)
    change(tree)
    return json.dumps(tree).encode()


def flip_text(text, at=10):
    """Changes one letter of base64."""
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def layer_bit(layout):
    flip(layout.blob(first(layout)["digest"]))


def layer_bit_with_its_digest(layout):
    data = bytearray(layout.blob(first(layout)["digest"]).read_bytes())
    data[len(data) // 2] ^= 1
    change_layer(layout, digest=layout.put(bytes(data)))


def layer_cut_short(layout):
    path = layout.blob(first(layout)["digest"])
    path.write_bytes(path.read_bytes()[:-1])


def layer_of_another_image(layout):
    layers = layout.manifest("app")["layers"]
    change_layer(layout, digest=layers[1]["digest"], size=layers[1]["size"])


def layer_that_claims_to_be_plain(layout):
    change_layer(layout, mediaType=first(layout)["mediaType"].removesuffix("+encrypted"))


def size_one_less(layout):
    change_layer(layout, size=first(layout)["size"] - 1)


def size_one_more(layout):
    change_layer(layout, size=first(layout)["size"] + 1)


def hmac(layout):
    def change(tree):
        tree["hmac"] = flip_text(tree["hmac"])

    change_annotation(layout, PUBOPTS, lambda text: in_json(text, change))


def no_hmac(layout):
    change_annotation(layout, PUBOPTS, lambda text: in_json(text, lambda tree: tree.pop("hmac")))


def diff_id(layout):
    config = layout.config("app")
    config["rootfs"]["diff_ids"][0] = sha256(b"something else")
    layout.set_config("app", config)


def diff_ids_swapped(layout):
    config = layout.config("app")
    config["rootfs"]["diff_ids"].reverse()
    layout.set_config("app", config)


def diff_id_missing(layout):
    config = layout.config("app")
    config["rootfs"]["diff_ids"].pop()
    layout.set_config("app", config)


def config_bit(layout):
    flip(layout.blob(layout.manifest("app")["config"]["digest"]))


def manifest_bit(layout):
    flip(layout.blob(layout.digest("app")))


def jwe_ciphertext(layout):
    def change(tree):
        tree["ciphertext"] = flip_text(tree["ciphertext"])

    change_annotation(layout, JWE, lambda text: in_json(text, change))


def jwe_tag(layout):
    def change(tree):
        tree["tag"] = flip_text(tree["tag"], 3)

    change_annotation(layout, JWE, lambda text: in_json(text, change))


def jwe_wrapped_key(layout):
    def change(tree):
        holder = tree["recipients"][0] if "recipients" in tree else tree
        holder["encrypted_key"] = flip_text(holder["encrypted_key"])

    change_annotation(layout, JWE, lambda text: in_json(text, change))


def jwe_no_json(layout):
    change_annotation(layout, JWE, lambda text: b"nonsense")


# What is changed, and how pulling it must end. 4: it is noticed that something differs. 1: it is
# malformed before that can be asked.
TABLE = [
    (layer_bit, {4}),
    (layer_bit_with_its_digest, {4}),
    (layer_cut_short, {4}),
    (layer_of_another_image, {4}),
    (layer_that_claims_to_be_plain, {1, 4}),
    (size_one_less, {4}),
    (size_one_more, {4}),
    (hmac, {4}),
    (no_hmac, {1, 4}),
    (diff_id, {4}),
    (diff_ids_swapped, {4}),
    (diff_id_missing, {1, 4}),
    (config_bit, {4}),
    (manifest_bit, {4}),
    (jwe_ciphertext, {4}),
    (jwe_tag, {4}),
    (jwe_wrapped_key, {4}),
    (jwe_no_json, {1}),
]


@pytest.mark.parametrize("spoil,codes", TABLE, ids=[spoil.__name__ for spoil, _ in TABLE])
def test_a_layout_that_was_tampered_with_is_refused(coco, encrypted, keys, tmp_path, spoil, codes):
    before = leftovers(tmp_path)
    pull = ["image", "pull", *ANYTHING, "--key", keys("rsa")[0], encrypted.ref("app")]
    spoil(encrypted)
    done = coco.run(*pull, tmp_path / "bundle", "--json")
    assert done.returncode in codes, done.stderr
    error = json.loads(done.stderr)
    assert error["id"] == ("not-trusted" if done.returncode == 4 else "malformed")
    assert error["message"]
    assert leftovers(tmp_path) == before
    assert leftovers(coco.tmp) == []


def test_what_is_not_spoiled_is_pulled(coco, encrypted, keys, tmp_path):
    """The table proves nothing unless the pull works without tampering."""
    options = [*ANYTHING, "--key", keys("rsa")[0]]
    coco.run("image", "pull", *options, encrypted.ref("app"), tmp_path / "bundle", code=0)


def test_a_registry_that_was_tampered_with_is_refused(coco, layout, registry, keys, tmp_path):
    reference = f"{registry.host}/tamper/app:1"
    recipient = ["--recipient", f"jwe:{keys('rsa')[1]}"]
    digest = coco.json(
        "image", "encrypt", "--plain-http", *recipient, layout.ref("app"), f"docker://{reference}"
    )["digest"]
    layers = coco.json("image", "inspect", "--plain-http", reference)["layers"]
    pull = ["image", "pull", "--plain-http", *ANYTHING, "--key", keys("rsa")[0]]
    by_digest = f"{registry.host}/tamper/app@{digest}"
    before = leftovers(tmp_path)

    flip(registry.blob(layers[1]["digest"]))
    for ref in (reference, by_digest):
        coco.json(*pull, ref, tmp_path / "bundle", code=4)
    flip(registry.blob(layers[1]["digest"]))
    flip(registry.blob(digest), at=-2)
    # docker-registry notices it by itself and answers 500.
    coco.run(*pull, by_digest, tmp_path / "bundle", code=5)
    flip(registry.blob(digest), at=-2)
    assert leftovers(tmp_path) == before
    coco.run(*pull, by_digest, tmp_path / "bundle", code=0)


@contextlib.contextmanager
def man_in_the_middle(target, change):
    """A proxy of a broker; change(path, body) gives the body that the guest sees instead."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self):
            length = int(self.headers.get("Content-Length", 0))
            request = urllib.request.Request(
                target + self.path, data=self.rfile.read(length) if length else None, method=self.command
            )
            for name in ("Cookie", "Content-Type", "Authorization", "Accept"):
                if self.headers.get(name):
                    request.add_header(name, self.headers[name])
            try:
                reply = urllib.request.urlopen(request)
            except urllib.error.HTTPError as error:
                reply = error
            body = change(self.path, reply.read())
            self.send_response(reply.status)
            for name in ("Set-Cookie", "Content-Type"):
                if reply.headers.get(name):
                    self.send_header(name, reply.headers[name])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = forward

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def another_nonce(path, body):
    if not path.endswith("/auth"):
        return body
    return in_json(body, lambda tree: tree.update(nonce=flip_text(tree["nonce"], 2)))


def another_token(path, body):
    if not path.endswith("/attest"):
        return body
    return in_json(body, lambda tree: tree.update(token=flip_text(tree["token"], -20)))


def another_secret(path, body):
    if "/resource/" not in path:
        return body
    return in_json(body, lambda tree: tree.update(ciphertext=flip_text(tree["ciphertext"], 3)))


@pytest.mark.parametrize(
    "change,codes",
    [(another_nonce, {3, 4}), (another_secret, {4})],
    ids=["nonce", "secret"],
)
def test_a_man_in_the_middle_gets_no_secret_through(coco, broker, owner, change, codes):
    coco.run("resource", "put", *owner, "a/key/1", stdin=b"secret", code=0)
    get = ["resource", "get", "--tee", "sample", "kbs:///a/key/1", "--kbs"]
    with man_in_the_middle(broker.url, lambda path, body: body) as url:
        assert coco.run(*get, url, code=0).stdout == b"secret"
    with man_in_the_middle(broker.url, change) as url:
        done = coco.run(*get, url)
    assert done.returncode in codes, done.stderr
    assert done.stdout == b""


def test_a_spoiled_token_opens_nothing(coco, broker, owner):
    """The broker asks for its own signature, wherever the token was changed."""
    coco.run("resource", "put", *owner, "a/key/1", stdin=b"secret", code=0)
    token = coco.run("attest", "--kbs", broker.url, "--tee", "sample", code=0).stdout.decode().strip()
    url = f"{broker.url}/kbs/v0/resource/a/key/1"

    def status(bearer):
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {bearer}"})
        try:
            return urllib.request.urlopen(request).status
        except urllib.error.HTTPError as error:
            return error.code

    header, payload, signature = token.split(".")
    assert status(token) == 200
    for spoiled in (
        f"{header}.{flip_text(payload, 30)}.{signature}",
        f"{header}.{payload}.{flip_text(signature)}",
        f"{header}.{payload}.",
        f"{flip_text(header, 5)}.{payload}.{signature}",
        "",
    ):
        assert status(spoiled) in (400, 401, 403)


def test_policies_refuse(coco, layout, serve, keys, tmp_path):
    """A signature policy that rejects, and a broker whose policy gives a sample nothing."""
    (tmp_path / "policy.json").write_text('{"default":[{"type":"reject"}]}')
    pull = ["image", "pull", "--policy", tmp_path / "policy.json"]
    assert coco.json(*pull, layout.ref("app"), tmp_path / "b", code=3)["id"] == "denied"
    assert not (tmp_path / "b").exists()

    broker = serve("--listen", "127.0.0.1:0", "--admin-key", keys("ed25519")[1])
    get = ["resource", "get", "--kbs", broker.url, "--tee", "sample", "kbs:///a/key/1"]
    assert coco.json(*get, code=3)["id"] == "denied"


def layer_in_plain(layout, plain, which):
    """What a registry does that has the image from before: it gives a layer as it was."""
    manifest = layout.manifest("app")
    entry = plain.manifest("app")["layers"][which]
    layout.put(plain.blob(entry["digest"]).read_bytes())
    manifest["layers"][which] = entry
    layout.set_manifest("app", manifest)


@pytest.mark.parametrize("which", [0, 1])
def test_one_plain_layer_among_encrypted_ones_is_refused(coco, layout, encrypted, keys, tmp_path, which):
    key = ["--key", keys("rsa")[0]]
    pull = ["image", "pull", *ANYTHING, *key, "--require-encryption"]
    coco.run(*pull, encrypted.ref("app"), tmp_path / "good", code=0)
    layer_in_plain(encrypted, layout, which)
    # Its content is the same, and who demands nothing takes it.
    coco.run("image", "pull", *ANYTHING, *key, encrypted.ref("app"), tmp_path / "lax", code=0)
    error = coco.json(*pull, encrypted.ref("app"), tmp_path / "bad", code=4)
    assert f"layer {which}: it is not encrypted, and has to be" in error["message"]
    assert leftovers(tmp_path / "good") == leftovers(tmp_path / "lax")
    assert not (tmp_path / "bad").exists()


def test_encryption_can_be_demanded_of_a_plain_image(coco, layout, tmp_path):
    pull = ["image", "pull", *ANYTHING, "--require-encryption"]
    assert coco.json(*pull, layout.ref("app"), tmp_path / "b", code=4)["id"] == "not-trusted"
    assert not (tmp_path / "b").exists()
