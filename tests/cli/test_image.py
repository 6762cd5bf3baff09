"""Images: pulled, encrypted, pushed, with skopeo and a real registry as judges.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import contextlib
import gzip
import json
import os
import pathlib
import pty
import random
import re
import subprocess

import pytest

from conftest import FILES, PROGRAM, leftovers, needs
from layout import Layout

ANYTHING = ["--insecure-policy", "accept-anything"]


def skopeo(*args):
    done = subprocess.run(
        [needs("skopeo"), "copy", "--insecure-policy", *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def assert_unpacked(bundle):
    for name, content in FILES.items():
        assert (bundle / "rootfs" / name).read_bytes() == content
    assert (bundle / "rootfs/etc/second").read_bytes() == b"layer\n"
    assert json.loads((bundle / "config.json").read_text())["process"]["args"] == ["/bin/true"]


def is_encrypted(layout, tag):
    return [layer["mediaType"].endswith("+encrypted") for layer in layout.manifest(tag)["layers"]]


def test_pull_of_a_layout_makes_a_bundle(coco, layout, tmp_path):
    done = coco.run("image", "pull", *ANYTHING, layout.ref("app"), tmp_path / "bundle", code=0)
    assert done.stdout.decode().strip() == layout.digest("app")
    assert_unpacked(tmp_path / "bundle")
    assert leftovers(tmp_path / "bundle") == ["config.json", "rootfs"]


def test_pull_with_json_ends_with_what_was_pulled(coco, layout, tmp_path):
    done = coco.run(
        "image", "pull", "--json", *ANYTHING, layout.ref("app"), tmp_path / "bundle", code=0
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.stderr == b""
    assert {event["event"] for event in events[:-1]} <= {"progress"}
    for event in events[:-1]:
        assert set(event) == {"event", "what", "phase", "done", "total", "files"}
    result = events[-1]
    assert set(result) == {"event", "digest", "layers", "bytes_read", "bytes_written", "ids_ignored"}
    assert result["event"] == "done"
    assert result["digest"] == layout.digest("app")
    assert result["layers"] == 2
    assert not result["ids_ignored"]
    assert result["bytes_written"] >= sum(map(len, FILES.values()))


def screen_of(text):
    """What is on a terminal of 80 columns after text was written to it."""
    lines, line = [], ""
    for part in re.split(r"(\r\n|\r|\x1b\[K|\n)", text):
        if part in ("\n", "\r\n"):
            lines.append(line)
            line = ""
        elif part in ("\r", "\x1b[K"):
            line = ""
        else:
            assert len(part) <= 80, part
            line += part
    return [*lines, line]


def add_uncompressed(layout):
    """The image once more with layers as they are: their digests are diff_ids, and the first is a ChainID."""
    manifest = layout.manifest("app")
    for layer in manifest["layers"]:
        data = gzip.decompress(layout.blob(layer["digest"]).read_bytes())
        layer |= {"mediaType": layer["mediaType"].removesuffix("+gzip"), "digest": layout.put(data), "size": len(data)}
    layout.set_manifest("plain", manifest)


@pytest.mark.parametrize("tag", ["app", "plain"])
@pytest.mark.parametrize("store", [False, True])
def test_each_blob_has_a_bar_on_a_terminal(coco, layout, tmp_path, tag, store):
    """Which stays, full and with the number of its files; nothing else does."""
    add_uncompressed(layout)
    more = ["--store", tmp_path / "store"] if store else []
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "image", "pull", *ANYTHING, *more, layout.ref(tag), tmp_path / "bundle"],
        env=coco.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError):  # at its end
        while data := os.read(ours, 65536):
            said += data
    os.close(ours)
    assert process.communicate()[0].decode().strip() == layout.digest(tag)
    assert process.returncode == 0
    manifest = layout.manifest(tag)
    *bars, summary, empty = screen_of(said.decode())
    assert empty == "" and summary.startswith("coco: pulled 2 layers")
    assert len(bars) == 3
    for blob, bar in zip([manifest["config"], *manifest["layers"]], bars):
        assert bar.startswith(blob["digest"][:19] + " [####################] ")
        assert bar.endswith(" files") == (blob != manifest["config"])


def test_pull_into_an_empty_directory_is_fine_and_into_another_is_not(coco, layout, tmp_path):
    (tmp_path / "empty").mkdir()
    coco.run("image", "pull", *ANYTHING, layout.ref("app"), tmp_path / "empty", code=0)
    assert_unpacked(tmp_path / "empty")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("mine")
    assert coco.run("image", "pull", *ANYTHING, layout.ref("app"), tmp_path / "full").returncode != 0
    assert leftovers(tmp_path / "full") == ["file"]


def test_nothing_inherits_the_access_control_list_of_the_hosts_directory(coco, layout, tmp_path):
    everybody = bytes.fromhex("02000000" "01000700ffffffff" "04000700ffffffff" "20000700ffffffff")
    os.setxattr(tmp_path, "system.posix_acl_default", everybody)
    coco.run("image", "pull", *ANYTHING, layout.ref("app"), tmp_path / "bundle", code=0)
    for path in (tmp_path / "bundle/rootfs").rglob("*"):
        assert not [x for x in os.listxattr(path, follow_symlinks=False) if "acl" in x], path
    assert os.listxattr(tmp_path / "bundle/rootfs") == []


def test_a_tag_needs_a_policy_and_a_digest_does_not(coco, layout, registry, tmp_path):
    target = f"docker://{registry.host}/policy/app:1"
    digest = coco.run(
        "image", "push", "--plain-http", layout.ref("app"), target, code=0
    ).stdout.decode().strip()

    error = coco.json("image", "pull", "--plain-http", target, tmp_path / "a", code=3)
    assert error["id"] == "denied"
    assert "--insecure-policy accept-anything" in error["message"]
    assert not (tmp_path / "a").exists()
    coco.run("image", "pull", "--plain-http", *ANYTHING, target, tmp_path / "b", code=0)
    by_digest = f"{registry.host}/policy/app@{digest}"
    coco.run("image", "pull", "--plain-http", by_digest, tmp_path / "c", code=0)
    assert_unpacked(tmp_path / "c")


@pytest.fixture
def big(tmp_path):
    """A layout with one file that no compression makes smaller: .content."""
    made = Layout(tmp_path / "big")
    made.content = random.Random(1).randbytes(2_000_000)
    made.add_image("app", [{"big": made.content}])
    return made


def pull_over(link, coco, options, digest, bundle):
    """Pulls over a link that cuts each connection: not at all with one try, and else whole."""
    pull = ["image", "pull", *options, f"{link.host}/link/app@{digest}"]
    assert coco.run(*pull, bundle, "--retries", "0").returncode == 5
    assert not bundle.exists()
    before = link.connections
    coco.run(*pull, bundle, code=0)
    assert link.connections - before >= 2_000_000 // link.room
    return (bundle / "rootfs/big").read_bytes()


def test_a_bad_link_takes_longer_and_no_more(coco, registry, big, bad_link, tmp_path):
    """A real registry's layer arrives in pieces, of which each goes on where the last one ended."""
    coco.run("image", "push", "--plain-http", big.ref("app"), f"{registry.host}/link/app:1", code=0)
    got = pull_over(bad_link, coco, ["--plain-http"], big.digest("app"), tmp_path / "bundle")
    assert got == big.content


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_push_over_a_bad_link_takes_longer_and_no_more(coco, registry, big, bad_link, keys, tmp_path, encrypted):
    """A real registry gets the layer whole once a connection lasts; what is encrypted can be opened."""
    private, public = keys("ec")
    how = ["image", "encrypt", "--recipient", f"jwe:{public}"] if encrypted else ["image", "push"]
    target = f"{bad_link.host}/link/up{encrypted:d}:1".lower()
    bad_link.narrow, bad_link.room = 2, 1 << 40
    done = coco.run(*how, "--plain-http", "--retries", "0", big.ref("app"), target)
    assert done.returncode == 5
    bad_link.narrow = bad_link.connections + 3
    coco.run(*how, "--plain-http", big.ref("app"), target, code=0)
    assert bad_link.connections >= bad_link.narrow
    coco.run(
        "image", "pull", "--plain-http", "--insecure-policy", "accept-anything", "--key", private,
        target.replace(bad_link.host, registry.host), tmp_path / "bundle", code=0,
    )
    assert (tmp_path / "bundle/rootfs/big").read_bytes() == big.content


def test_http_2_is_spoken_where_the_registry_can(coco, big, tls_registry, bad_link, tmp_path):
    """A layer pushed over it, and pulled in pieces."""
    options = ["--tls-ca", tls_registry.ca]
    coco.run("image", "push", *options, big.ref("app"), f"{tls_registry.host}/link/app:1", code=0)
    bad_link.to = tls_registry.host
    got = pull_over(bad_link, coco, options, big.digest("app"), tmp_path / "bundle")
    assert got == big.content
    log = (tls_registry.top / "log").read_text()
    for method in ("POST", "PATCH", "PUT", "GET"):
        assert re.search(rf'"{method} /v2/link/app/\S+ HTTP/2\.0" 20', log), method
    assert "HTTP/1.1" not in log


def test_a_policy_decides(coco, layout, tmp_path):
    policies = {
        "reject": ('{"default":[{"type":"reject"}]}', 3),
        "accept": ('{"default":[{"type":"insecureAcceptAnything"}]}', 0),
        "unknown": ('{"default":[{"type":"somethingNew"}]}', 1),
        "none": ("{}", 1),
    }
    for name, (text, code) in policies.items():
        path = tmp_path / f"{name}.json"
        path.write_text(text)
        bundle = tmp_path / f"bundle-{name}"
        coco.run("image", "pull", "--policy", path, layout.ref("app"), bundle, code=code)
        coco.run("image", "pull", layout.ref("app"), tmp_path / f"env-{name}", COCO_POLICY=str(path), code=code)
        assert bundle.exists() == (code == 0)


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_what_skopeo_encrypts_is_pulled_and_decrypted(coco, layout, registry, keys, tmp_path, kind):
    private, public = keys(kind)
    reference = f"{registry.host}/skopeo/{kind}:1"
    skopeo(
        "--dest-tls-verify=false", f"--encryption-key=jwe:{public}", layout.ref("app"),
        f"docker://{reference}",
    )  # fmt: skip
    bundle = tmp_path / "bundle"
    options = ["--plain-http", *ANYTHING, "--key", private]
    coco.run("image", "pull", *options, reference, bundle, code=0)
    assert_unpacked(bundle)

    other = keys(kind, "other")[0]
    options[-1] = other
    assert coco.run("image", "pull", *options, reference, tmp_path / "none").returncode in (3, 4, 6)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_what_is_encrypted_here_is_decrypted_by_skopeo(coco, layout, keys, tmp_path, kind):
    private, public = keys(kind)
    encrypted = Layout(tmp_path / "encrypted")
    coco.run(
        "image", "encrypt", "--recipient", f"jwe:{public}", layout.ref("app"), encrypted.ref("app"),
        code=0,
    )  # fmt: skip
    assert is_encrypted(encrypted, "app") == [True, True]
    skopeo(f"--decryption-key={private}", encrypted.ref("app"), f"oci:{tmp_path}/opened:app")
    opened = Layout(tmp_path / "opened")
    before, after = layout.manifest("app"), opened.manifest("app")
    assert [layer["digest"] for layer in before["layers"]] == [
        layer["digest"] for layer in after["layers"]
    ]


@pytest.mark.parametrize(("kind", "alg"), [("rsa", "RSA-OAEP"), ("ec", "ECDH-ES+A256KW")])
def test_keys_are_wrapped_as_guests_know_it(coco, layout, keys, tmp_path, kind, alg):
    """ocicrypt of Rust has one algorithm for each kind of key, and no other."""
    encrypted = Layout(tmp_path / "encrypted")
    coco.run("image", "encrypt", "--recipient", f"jwe:{keys(kind)[1]}", layout.ref("app"), encrypted.ref("app"), code=0)
    for layer in encrypted.manifest("app")["layers"]:
        jwe = json.loads(base64.b64decode(layer["annotations"]["org.opencontainers.image.enc.keys.jwe"]))
        head = json.loads(base64.urlsafe_b64decode(jwe["protected"] + "=="))
        assert (head["alg"], head["enc"]) == (alg, "A256GCM")


def test_two_recipients_open_with_either_key(coco, layout, keys, tmp_path):
    encrypted = Layout(tmp_path / "encrypted")
    coco.run(
        "image", "encrypt", "--recipient", f"jwe:{keys('rsa')[1]}", "--recipient",
        f"jwe:{keys('ec')[1]}", layout.ref("app"), encrypted.ref("app"), code=0,
    )  # fmt: skip
    for kind in ("rsa", "ec"):
        bundle = tmp_path / kind
        coco.run("image", "pull", *ANYTHING, "--key", keys(kind)[0], encrypted.ref("app"), bundle, code=0)
        assert_unpacked(bundle)


@pytest.fixture
def certificate(tmp_path):
    """A private key and a certificate of it."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-subj", "/CN=a",
         "-days", "2"],
        check=True, capture_output=True,
    )
    return key, cert


def test_what_skopeo_encrypts_by_pkcs7_is_pulled_and_the_other_way_around(coco, layout, certificate, tmp_path):
    key, cert = certificate
    theirs, ours = Layout(tmp_path / "theirs"), Layout(tmp_path / "ours")
    skopeo(f"--encryption-key=pkcs7:{cert}", layout.ref("app"), theirs.ref("app"))
    coco.run("image", "pull", *ANYTHING, "--key", cert, "--key", key, theirs.ref("app"), tmp_path / "bundle", code=0)
    assert_unpacked(tmp_path / "bundle")

    coco.run("image", "encrypt", "--recipient", f"pkcs7:{cert}", layout.ref("app"), ours.ref("app"), code=0)
    assert is_encrypted(ours, "app") == [True, True]
    for image in theirs, ours:
        shown = json.loads(coco.run("image", "inspect", "--json", image.ref("app"), code=0).stdout)
        assert [layer["recipients"] for layer in shown["layers"]] == [[{"scheme": "pkcs7"}]] * 2
    skopeo(f"--decryption-key={key}", f"--decryption-key={cert}", ours.ref("app"), f"oci:{tmp_path}/opened:app")
    opened = Layout(tmp_path / "opened")
    assert is_encrypted(opened, "app") == [False, False]
    assert [layer["digest"] for layer in opened.manifest("app")["layers"]] == [
        layer["digest"] for layer in layout.manifest("app")["layers"]]


@pytest.mark.parametrize("key_first", [True, False])
def test_a_key_and_its_certificate_may_be_in_one_file(coco, layout, certificate, tmp_path, key_first):
    key, cert = certificate
    both, ours = tmp_path / "both.pem", Layout(tmp_path / "ours")
    parts = [path.read_text() for path in (certificate if key_first else reversed(certificate))]
    both.write_text("".join(parts))
    public = tmp_path / "public.pem"
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True)
    for recipient in f"jwe:{public}", f"pkcs7:{cert}":
        coco.run("image", "encrypt", "--recipient", recipient, layout.ref("app"), ours.ref("app"), code=0)
        bundle = tmp_path / recipient.split(":")[0]
        coco.run("image", "pull", *ANYTHING, "--key", both, ours.ref("app"), bundle, code=0)
        assert_unpacked(bundle)
    both.write_text("".join(parts) + parts[0])
    assert coco.run("image", "pull", *ANYTHING, "--key", both, ours.ref("app"), tmp_path / "none").returncode != 0


def test_a_key_provider_wraps_and_unwraps(coco, layout, tmp_path):
    peer = pathlib.Path(__file__).parent.parent / "ocicrypt/provider_peer.py"
    config = tmp_path / "providers.json"
    config.write_text(json.dumps({"key-providers": {
        "acme": {"cmd": {"path": "/usr/bin/python3", "args": [str(peer), "cmd"]}},
        "none": {"cmd": {"path": "/nowhere"}},
    }}))
    ours = Layout(tmp_path / "ours")
    encrypt = ["image", "encrypt", layout.ref("app"), ours.ref("app")]
    pull = ["image", "pull", *ANYTHING, ours.ref("app"), tmp_path / "bundle"]
    given = ["--key-providers", config]
    assert b"no key provider acme is configured" in coco.run(*encrypt, "--recipient", "provider:acme").stderr
    assert b"/nowhere" in coco.run(*encrypt, *given, "--recipient", "provider:none").stderr
    assert b"provider:NAME" in coco.run(*encrypt, *given, "--recipient", "provider:").stderr
    coco.run(*encrypt, *given, "--recipient", "provider:acme:a=b::c=d", code=0)
    shown = json.loads(coco.run("image", "inspect", "--json", ours.ref("app"), code=0).stdout)
    assert [layer["recipients"] for layer in shown["layers"]] == [[{"scheme": "provider.acme"}]] * 2
    for wrong in [], ["--key", "provider:none"], ["--key", "provider:acme"], ["--key", "provider:acme:x"]:
        assert coco.run(*pull, *given, *wrong).returncode != 0
        assert not (tmp_path / "bundle").exists()
    coco.run(*pull, "--key", "provider:acme:a=b::c=d", code=0, OCICRYPT_KEYPROVIDER_CONFIG=str(config))
    assert_unpacked(tmp_path / "bundle")


@pytest.mark.parametrize("content", [None, "none of ocicrypt's"])
def test_a_configuration_of_key_providers_in_the_environment_counts_where_one_is_named(coco, layout, tmp_path, content):
    config = tmp_path / "providers.json"
    if content:
        config.write_text(content)
    pull = ["image", "pull", *ANYTHING, layout.ref("app"), tmp_path / "bundle"]
    for given in ["--key-providers", config], ["--key", "provider:acme"]:
        refused = coco.run(*pull, *given, OCICRYPT_KEYPROVIDER_CONFIG=str(config))
        assert refused.returncode != 0 and b"providers.json" in refused.stderr
        assert not (tmp_path / "bundle").exists()
    coco.run(*pull, code=0, OCICRYPT_KEYPROVIDER_CONFIG=str(config))
    assert_unpacked(tmp_path / "bundle")


def test_what_skopeo_compresses_and_encrypts_at_once_is_pulled(coco, layout, keys, tmp_path):
    """The digest that it states for such a layer is that of its content, not of what it encrypts."""
    private, public = keys("rsa")
    archive, theirs, plain = tmp_path / "app.tar", Layout(tmp_path / "theirs"), Layout(tmp_path / "plain")
    skopeo(layout.ref("app"), f"docker-archive:{archive}:app:1")
    skopeo(f"--encryption-key=jwe:{public}", f"docker-archive:{archive}", theirs.ref("app"))
    assert [layer["mediaType"].split(".")[-1] for layer in theirs.manifest("app")["layers"]] == ["tar+gzip+encrypted"] * 2
    coco.run("image", "pull", *ANYTHING, "--key", private, theirs.ref("app"), tmp_path / "bundle", code=0)
    assert_unpacked(tmp_path / "bundle")
    coco.run("image", "decrypt", "--key", private, theirs.ref("app"), plain.ref("app"), code=0)
    coco.run("image", "pull", *ANYTHING, plain.ref("app"), tmp_path / "again", code=0)
    assert_unpacked(tmp_path / "again")


def test_rekeyed_and_decrypted(coco, layout, keys, tmp_path):
    """Recipients come and go, the layers stay; what is decrypted is what it was, as skopeo sees it."""
    ours, shared, plain = (Layout(tmp_path / name) for name in ("ours", "shared", "plain"))
    rsa, ec = keys("rsa"), keys("ec")
    coco.run("image", "encrypt", "--recipient", f"jwe:{rsa[1]}", layout.ref("app"), ours.ref("app"), code=0)
    rekey = ["image", "rekey", ours.ref("app"), shared.ref("app")]
    assert b"needs --recipient" in coco.run(*rekey, "--key", rsa[0]).stderr
    other = ["image", "rekey", ours.ref("app"), f"oci:{tmp_path}/none:app"]
    assert b"no key" in coco.run(*other, "--key", ec[0], "--recipient", f"jwe:{ec[1]}").stderr
    assert not (tmp_path / "none").exists()
    done = coco.run(*rekey, "--json", "--key", rsa[0], "--recipient", f"jwe:{ec[1]}", "--keep-recipients", code=0)
    assert json.loads(done.stdout.splitlines()[-1])["digest"] == shared.digest("app")
    assert [x["digest"] for x in shared.manifest("app")["layers"]] == [x["digest"] for x in ours.manifest("app")["layers"]]
    for n, (private, _) in enumerate((rsa, ec)):
        skopeo(f"--decryption-key={private}", shared.ref("app"), f"oci:{tmp_path}/opened{n}:app")
    coco.run("image", "rekey", "--key", rsa[0], "--recipient", f"jwe:{ec[1]}", shared.ref("app"), shared.ref("app"), code=0)
    decrypt = ["image", "decrypt", shared.ref("app"), plain.ref("app")]
    assert coco.run(*decrypt, "--key", rsa[0]).returncode != 0
    coco.run(*decrypt, "--key", ec[0], code=0)
    assert plain.digest("app") != shared.digest("app")
    assert is_encrypted(plain, "app") == [False, False]
    assert plain.manifest("app")["layers"] == layout.manifest("app")["layers"]


def test_a_certificate_alone_opens_nothing(coco, layout, certificate, keys, tmp_path):
    key, cert = certificate
    ours = Layout(tmp_path / "ours")
    coco.run("image", "encrypt", "--recipient", f"pkcs7:{cert}", layout.ref("app"), ours.ref("app"), code=0)
    pull = ["image", "pull", *ANYTHING, ours.ref("app"), tmp_path / "bundle"]
    for given in ["--key", cert], ["--key", cert, "--key", keys("rsa")[0]], ["--key", key]:
        done = coco.run(*pull, *given)
        assert done.returncode != 0
        assert b"no key" in done.stderr
        assert not (tmp_path / "bundle").exists()
    for kind in "pkcs7", "pgp7:x", "PKCS7:x", "":
        done = coco.run("image", "encrypt", "--recipient", kind, layout.ref("app"), ours.ref("x"))
        assert b"--recipient is" in done.stderr
    for name in keys("rsa")[1], keys("rsa")[0]:
        done = coco.run("image", "encrypt", "--recipient", f"pkcs7:{name}", layout.ref("app"), ours.ref("x"))
        assert b"certificate" in done.stderr


def test_encrypted_with_a_brokers_key_and_pulled_with_it(coco, layout, registry, broker, owner, tmp_path):
    reference = f"{registry.host}/kbs/app:1"
    digest = coco.json(
        "image", "encrypt", *owner, "--kbs-path", "acme/key/app", "--plain-http", layout.ref("app"),
        f"docker://{reference}",
    )["digest"]  # fmt: skip
    assert coco.json("resource", "ls", *owner) == ["acme/key/app"]

    guest = ["--plain-http", "--kbs", broker.url, "--tee", "sample"]
    by_digest = f"{registry.host}/kbs/app@{digest}"
    coco.run("image", "pull", *guest, by_digest, tmp_path / "bundle", code=0)
    assert_unpacked(tmp_path / "bundle")

    coco.run("resource", "rm", *owner, "acme/key/app", code=0)
    assert coco.run("image", "pull", *guest, by_digest, tmp_path / "none").returncode != 0
    assert not (tmp_path / "none").exists()


def test_a_brokers_key_that_nobody_names_has_a_name_of_its_own(coco, layout, broker, owner, tmp_path):
    ours = Layout(tmp_path / "ours")
    done = coco.run("image", "encrypt", *owner, "--json", layout.ref("app"), ours.ref("app"), code=0)
    [uri] = [event["uri"] for event in map(json.loads, done.stdout.splitlines()) if event["event"] == "key"]
    assert re.fullmatch(r"kbs:///default/image-kek/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", uri)
    assert coco.json("resource", "ls", *owner) == [uri[len("kbs:///"):]]
    shown = json.loads(coco.run("image", "inspect", "--json", ours.ref("app"), code=0).stdout)
    assert [[r["kid"] for r in layer["recipients"]] for layer in shown["layers"]] == [[uri]] * 2
    said = coco.run("image", "encrypt", *owner, layout.ref("app"), f"oci:{tmp_path}/again:app", code=0).stderr
    assert b"coco: its key is kbs:///default/image-kek/" in said and uri.encode() not in said


def test_a_brokers_key_has_a_policy_of_its_own(coco, layout, broker, owner, tmp_path):
    """Nobody gets it, though the broker is for development and gives all else to who attests."""
    ours, others = Layout(tmp_path / "ours"), Layout(tmp_path / "others")
    (tmp_path / "nobody.rego").write_text("package policy\ndefault allow = false\n")
    to = [*owner, "--kbs-path", "acme/key/closed", "--kbs-policy", tmp_path / "nobody.rego"]
    coco.run("image", "encrypt", *to, layout.ref("app"), ours.ref("app"), code=0)
    coco.run("image", "encrypt", *owner, "--kbs-path", "acme/key/open", layout.ref("app"), others.ref("app"), code=0)
    guest = ["image", "pull", *ANYTHING, "--kbs", broker.url, "--tee", "sample"]
    assert coco.run(*guest, ours.ref("app"), tmp_path / "none").returncode != 0
    coco.run(*guest, others.ref("app"), tmp_path / "bundle", code=0)
    (tmp_path / "nobody.rego").write_text("nonsense")
    assert coco.run("image", "encrypt", *to[:-4], "--kbs-path", "acme/key/none", *to[-2:], layout.ref("app"),
                    f"oci:{tmp_path}/none:app").returncode != 0
    assert "acme/key/none" not in coco.json("resource", "ls", *owner) and not (tmp_path / "none").exists()


@pytest.mark.parametrize("given, encrypted", [
    ([], [True, True]), (["0"], [True, False]), (["-1"], [False, True]), (["1", "-2"], [True, True]), (["1", "1"], [False, True])])
def test_only_the_layers_that_are_named_are_encrypted(coco, layout, keys, tmp_path, given, encrypted):
    ours = Layout(tmp_path / "ours")
    named = [word for n in given for word in ("--layer", n)]
    coco.run("image", "encrypt", "--recipient", f"jwe:{keys('ec')[1]}", *named, layout.ref("app"), ours.ref("app"), code=0)
    assert is_encrypted(ours, "app") == encrypted
    for before, after, changed in zip(layout.manifest("app")["layers"], ours.manifest("app")["layers"], encrypted):
        assert (before["digest"] != after["digest"]) == changed
    skopeo(f"--decryption-key={keys('ec')[0]}", ours.ref("app"), f"oci:{tmp_path}/opened:app")
    coco.run("image", "pull", *ANYTHING, "--key", keys("ec")[0], ours.ref("app"), tmp_path / "bundle", code=0)
    assert_unpacked(tmp_path / "bundle")
    # The rest, later: what is encrypted already stays as it is.
    left = [word for n, done in enumerate(encrypted) if not done for word in ("--layer", str(n))]
    if left:
        coco.run("image", "encrypt", "--recipient", f"jwe:{keys('rsa')[1]}", *left, ours.ref("app"), ours.ref("app"), code=0)
        assert is_encrypted(ours, "app") == [True, True]


def test_layers_that_are_not_there_are_not_encrypted(coco, layout, keys, tmp_path):
    for layer in "2", "-3", "999":
        refused = coco.run("image", "encrypt", "--recipient", f"jwe:{keys('ec')[1]}", "--layer", layer, layout.ref("app"),
                           f"oci:{tmp_path}/ours:app")
        assert f"there is no layer {layer} among 2".encode() in refused.stderr
    assert not (tmp_path / "ours").exists()


@pytest.fixture
def many(tmp_path):
    """A layout whose image "many" is of two platforms, with an attestation besides."""
    layout = Layout(tmp_path / "many")
    entries = []
    for arch in "amd64", "arm64":
        digest = layout.add_image(arch, [FILES, {"etc/second": b"layer\n"}], arch)
        entries.append({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest,
                        "size": len(layout.blob(digest).read_bytes()), "platform": {"os": "linux", "architecture": arch},
                        "annotations": {"who": arch}})
    # An image that states no platform is one all the same; an artifact is none.
    unstated = {key: entries[0][key] for key in ("mediaType", "digest", "size")} | {"annotations": {"who": "any"}}
    artifact = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                           "config": {"mediaType": "application/vnd.acme.thing+json", "digest": layout.put(b"{}"), "size": 2},
                           "layers": []}).encode()
    thing = unstated | {"digest": layout.put(artifact), "size": len(artifact)}
    attested = entries[0] | {"platform": {"os": "unknown", "architecture": "unknown"},
                             "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    index = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                        "manifests": [*entries, attested, unstated, thing], "annotations": {"a": "b"}}).encode()
    top = layout.index()
    top["manifests"] = [{"mediaType": "application/vnd.oci.image.index.v1+json", "digest": layout.put(index),
                         "size": len(index), "annotations": {"org.opencontainers.image.ref.name": "many"}}]
    (layout.path / "index.json").write_text(json.dumps(top))
    return layout


@pytest.mark.parametrize("where", ["layout", "registry"])
def test_the_images_of_all_platforms_are_encrypted_rekeyed_and_decrypted(coco, many, registry, keys, tmp_path, where):
    def at(name):
        return f"oci:{tmp_path}/{name}:many" if where == "layout" else f"docker://{registry.host}/all/{name}:many"

    def pull(name, arch, *given):
        bundle = tmp_path / f"{name}-{arch}"
        coco.run("image", "pull", *ANYTHING, "--plain-http", "--platform", f"linux/{arch}", *given, at(name), bundle, code=0)
        assert_unpacked(bundle)

    def inspect(name, arch):
        shown = coco.run("image", "inspect", "--json", "--plain-http", "--platform", f"linux/{arch}", at(name), code=0)
        return [layer["encrypted"] for layer in json.loads(shown.stdout)["layers"]]

    ec, rsa = keys("ec"), keys("rsa")
    talk = ["--plain-http", "--all", "--json"]
    done = coco.json("image", "encrypt", *talk, "--recipient", f"jwe:{ec[1]}", many.ref("many"), at("sealed"))
    assert done["layers"] == 6
    for arch in "amd64", "arm64":
        assert inspect("sealed", arch) == [True, True]
        pull("sealed", arch, "--key", ec[0])
    coco.run("image", "rekey", *talk, "--key", ec[0], "--recipient", f"jwe:{rsa[1]}", at("sealed"), at("rekeyed"), code=0)
    coco.run("image", "decrypt", *talk, "--key", rsa[0], at("rekeyed"), at("plain"), code=0)
    for arch in "amd64", "arm64":
        assert inspect("plain", arch) == [False, False]
        pull("plain", arch)
    skopeo("--all", "--src-tls-verify=false", f"--decryption-key={ec[0]}", at("sealed"), f"oci:{tmp_path}/theirs:many")
    if where == "layout":
        sealed = Layout(tmp_path / "sealed")
        index = json.loads(sealed.blob(sealed.index()["manifests"][0]["digest"]).read_bytes())
        assert index["mediaType"] == "application/vnd.oci.image.index.v1+json" and index["annotations"] == {"a": "b"}
        assert [entry["annotations"] for entry in index["manifests"]] == [{"who": "amd64"}, {"who": "arm64"}, {"who": "any"}]


def test_an_index_is_not_put_where_there_is_no_place_for_one(coco, many, keys, tmp_path):
    encrypt = ["image", "encrypt", "--all", "--recipient", f"jwe:{keys('ec')[1]}", many.ref("many")]
    for target in f"dir:{tmp_path}/dir", f"oci-archive:{tmp_path}/archive:many":
        assert b"cannot hold the images of all platforms" in coco.run(*encrypt, target).stderr
    one = ["image", "encrypt", "--all", "--recipient", f"jwe:{keys('ec')[1]}"]
    digest = coco.json("image", "push", "--platform", "linux/arm64", many.ref("many"), f"oci:{tmp_path}/one:app")["digest"]
    assert digest in coco.run("image", "inspect", "--json", "--platform", "linux/arm64", f"oci:{tmp_path}/one:app").stdout.decode()
    coco.run(*one, f"oci:{tmp_path}/one:app", f"oci:{tmp_path}/sealed:app", code=0)
    assert is_encrypted(Layout(tmp_path / "sealed"), "app") == [True, True]


def test_what_was_encrypted_is_read_again(coco, layout, registry, keys, tmp_path):
    """From where it was put, here a registry, by its digest."""
    to = ["--plain-http", "--recipient", f"jwe:{keys('ec')[1]}", "--key", keys("ec")[0]]
    coco.run("image", "encrypt", *to, layout.ref("app"), f"{registry.host}/proved:1", code=0)
    coco.run("image", "encrypt", *to, "--no-proof", layout.ref("app"), f"{registry.host}/unproved:1", code=0)


def test_layers_have_a_list_of_chunks_unless_nobody_wants_one(coco, layout, keys, tmp_path):
    with_list, without = Layout(tmp_path / "with"), Layout(tmp_path / "without")
    to = ["--recipient", f"jwe:{keys('ec')[1]}", "--key", keys("ec")[0]]
    coco.run("image", "encrypt", *to, layout.ref("app"), with_list.ref("app"), code=0)
    coco.run("image", "encrypt", *to, "--no-chunks", layout.ref("app"), without.ref("app"), code=0)
    shown = coco.json("image", "inspect", with_list.ref("app"))
    assert [layer["chunks"] for layer in shown["layers"]] == [{"size": 1 << 20, "count": 1}] * 2
    assert not any("chunks" in layer for layer in coco.json("image", "inspect", without.ref("app"))["layers"])
    # Other recipients, the same layers.
    again = Layout(tmp_path / "again")
    coco.run("image", "rekey", "--key", keys("ec")[0], "--recipient", f"jwe:{keys('rsa')[1]}", with_list.ref("app"), again.ref("app"),
             code=0)
    name = "org.opencontainers.image.enc.libcoco.chunks"
    lists = [[layer["annotations"][name] for layer in image.manifest("app")["layers"]] for image in (with_list, again)]
    assert lists[0] == lists[1]
    for image, key in (with_list, "ec"), (without, "ec"), (again, "rsa"):
        opened = Layout(tmp_path / f"opened-{image.path.name}")
        coco.run("image", "decrypt", "--key", keys(key)[0], image.ref("app"), opened.ref("app"), code=0)
        assert [layer["digest"] for layer in opened.manifest("app")["layers"]] == [
            layer["digest"] for layer in layout.manifest("app")["layers"]]
        assert not any(name in layer.get("annotations", {}) for layer in opened.manifest("app")["layers"])


def test_an_encrypted_image_needs_a_key(coco, layout, keys, tmp_path):
    encrypted = Layout(tmp_path / "encrypted")
    coco.run(
        "image", "encrypt", "--recipient", f"jwe:{keys('rsa')[1]}", layout.ref("app"),
        encrypted.ref("app"), code=0,
    )  # fmt: skip
    pull = ["image", "pull", *ANYTHING, encrypted.ref("app"), tmp_path / "bundle"]
    assert b"no key was given" in coco.run(*pull, code=6).stderr
    other = ["--key", keys("ec")[0]]
    assert b"no key at hand" in coco.run(*pull, *other, code=4).stderr
    assert not (tmp_path / "bundle").exists()


def test_a_key_that_cannot_be_stored_encrypts_nothing(coco, layout, broker, tmp_path):
    encrypted = tmp_path / "encrypted"
    options = ["--kbs", broker.url, "--kbs-path", "acme/key/app"]
    coco.run("image", "encrypt", *options, layout.ref("app"), f"oci:{encrypted}:app", code=3)
    assert not encrypted.exists()


def test_push_copies_and_inspect_describes(coco, layout, registry, keys, tmp_path):
    reference = f"docker://{registry.host}/push/app:1"
    encrypted = Layout(tmp_path / "encrypted")
    coco.run("image", "push", "--plain-http", layout.ref("app"), reference, code=0)
    coco.run("image", "push", "--plain-http", reference, f"oci:{tmp_path}/back:app", code=0)
    assert Layout(tmp_path / "back").digest("app") == layout.digest("app")

    seen = coco.json("image", "inspect", "--plain-http", reference)
    assert seen["digest"] == layout.digest("app")
    assert [layer["digest"] for layer in seen["layers"]] == [
        layer["digest"] for layer in layout.manifest("app")["layers"]
    ]
    assert not any(layer["encrypted"] for layer in seen["layers"])

    coco.run(
        "image", "encrypt", "--recipient", f"jwe:{keys('rsa')[1]}", layout.ref("app"),
        encrypted.ref("app"), code=0,
    )  # fmt: skip
    assert all(
        layer["encrypted"] for layer in coco.json("image", "inspect", encrypted.ref("app"))["layers"]
    )


def test_the_platform_is_chosen(coco, tmp_path):
    both = Layout(tmp_path / "both")
    entries = []
    for arch in ("amd64", "arm64"):
        digest = both.add_image(arch, [{"arch": arch.encode()}], arch)
        size = both.blob(digest).stat().st_size
        entries.append(
            {
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": digest,
                "size": size,
                "platform": {"os": "linux", "architecture": arch},
            }
        )
    both.set_manifest(
        "app",
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": entries,
        },
    )
    for arch in ("amd64", "arm64"):
        bundle = tmp_path / arch
        coco.run("image", "pull", *ANYTHING, "--platform", f"linux/{arch}", both.ref("app"), bundle, code=0)
        assert (bundle / "rootfs/arch").read_text() == arch
    coco.run(
        "image", "pull", *ANYTHING, "--platform", "linux/s390x", both.ref("app"), tmp_path / "c", code=6
    )


def test_no_secret_is_shown_or_logged(coco, layout, broker, owner, keys, tmp_path):
    """A canary for a key, through every flow that touches it, at the most talkative."""
    canary = b"canary-7e1b1f2d-not-to-be-seen-!"
    assert len(canary) == 32
    path = "canary/key/1"
    talk = ["--log", "debug"]
    shown = [coco.run("resource", "put", *owner, *talk, path, stdin=canary, code=0)]
    guest = ["--kbs", broker.url, "--tee", "sample", *talk]
    got = coco.run("resource", "get", *guest, "-o", tmp_path / "out", f"kbs:///{path}", code=0)
    assert (tmp_path / "out").read_bytes() == canary
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600
    shown.append(got)
    encrypted = Layout(tmp_path / "encrypted")
    shown.append(
        coco.run(
            "image", "encrypt", *owner, *talk, "--kbs-path", path, layout.ref("app"),
            encrypted.ref("app"), code=0,
        )  # fmt: skip
    )
    secret = coco.run("resource", "get", *guest, f"kbs:///{path}", code=0).stdout
    assert len(secret) == 32 and secret != canary
    shown.append(coco.run("image", "pull", *guest, *ANYTHING, encrypted.ref("app"), tmp_path / "b", code=0))
    private = keys("ed25519")[0].read_text().splitlines()[1].encode()
    for done in shown:
        for word in (canary, canary.hex().encode(), secret, secret.hex().encode(), private):
            assert word not in done.stdout
            assert word not in done.stderr
    for file in pathlib.Path(encrypted.path).rglob("*"):
        assert file.is_dir() or secret not in file.read_bytes()
