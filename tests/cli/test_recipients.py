"""Whom images are encrypted to, and what opens them, as ocicrypt's tools write it.

SPDX-License-Identifier: Apache-2.0
"""

import json
import subprocess

import pytest

from conftest import needs
from gpg import Gpg
from layout import Layout
from test_image import ANYTHING, assert_unpacked, is_encrypted

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def gpg(tmp_path_factory):
    with Gpg(tmp_path_factory.mktemp("gpg") / "home") as home:
        home.add("ann")
        home.add("ben")
        home.add("eve", PASSWORD)
        yield home


def skopeo(gpg, *args):
    done = subprocess.run(
        [needs("skopeo"), "copy", "--insecure-policy", *map(str, args)],
        capture_output=True, text=True, check=False, env=gpg.env,
    )
    assert done.returncode == 0, done.stderr


def schemes(coco, layout):
    shown = json.loads(coco.run("image", "inspect", "--json", layout.ref("app"), code=0).stdout)
    return [[recipient["scheme"] for recipient in layer["recipients"]] for layer in shown["layers"]]


def pull(coco, layout, bundle, *args, **kwargs):
    return coco.run("image", "pull", *ANYTHING, *args, layout.ref("app"), bundle, **kwargs)


def test_openpgp_as_skopeo_has_it_both_ways(coco, layout, gpg, tmp_path):
    theirs, ours = Layout(tmp_path / "theirs"), Layout(tmp_path / "ours")
    skopeo(gpg, "--encryption-key=pgp:ann@example.org", "--encryption-key=pgp:ben", layout.ref("app"), theirs.ref("app"))
    pull(coco, theirs, tmp_path / "a", "--key", gpg.home / "ann.sec", code=0)
    assert_unpacked(tmp_path / "a")

    coco.run("image", "encrypt", "--keyring", gpg.home / "ann.pub", "--keyring", gpg.home / "ben.pub", "--recipient",
             "pgp:ann", "--recipient", "pgp:ben@example.org", layout.ref("app"), ours.ref("app"), code=0)
    assert is_encrypted(ours, "app") == [True, True]
    assert schemes(coco, ours) == schemes(coco, theirs) == [["pgp"]] * 2
    for name in "ann", "ben":
        opened = Layout(tmp_path / f"opened-{name}")
        skopeo(gpg, f"--decryption-key={gpg.home}/{name}.sec", ours.ref("app"), opened.ref("app"))
        assert [layer["digest"] for layer in opened.manifest("app")["layers"]] == [
            layer["digest"] for layer in layout.manifest("app")["layers"]]


def test_openpgp_keys_may_be_under_a_password(coco, layout, gpg, tmp_path):
    ours = Layout(tmp_path / "ours")
    coco.run("image", "encrypt", "--keyring", gpg.home / "eve.pub", "--recipient", "pgp:eve", layout.ref("app"),
             ours.ref("app"), code=0)
    assert b"no key at hand opens the layer" in pull(coco, ours, tmp_path / "a", "--key", gpg.home / "eve.sec").stderr
    refused = pull(coco, ours, tmp_path / "a", "--key", f"{gpg.home}/eve.sec:pass=wrong").stderr
    assert b"no key at hand opens the layer" in refused
    assert not (tmp_path / "a").exists()
    pull(coco, ours, tmp_path / "a", "--key", f"{gpg.home}/eve.sec:pass={PASSWORD}", code=0)
    assert_unpacked(tmp_path / "a")


def test_who_is_no_recipient_by_openpgp_is_told_before_anything_is_sent(coco, layout, gpg, tmp_path):
    ours = Layout(tmp_path / "ours")
    encrypt = ["image", "encrypt", layout.ref("app"), f"oci:{tmp_path}/none:app", "--recipient"]
    assert b"no keys of OpenPGP, nor one of ann" in coco.run(*encrypt, "pgp:ann").stderr
    assert b"no key of OpenPGP is joe" in coco.run(*encrypt, "pgp:joe", "--keyring", gpg.home / "ann.pub").stderr
    assert b"no keys of OpenPGP" in coco.run(*encrypt, "pgp:ann", "--keyring", "/dev/null").stderr
    assert not (tmp_path / "none").exists() and not ours.index()["manifests"]


@pytest.mark.parametrize("form", ["pkcs8", "traditional"])
def test_private_keys_may_be_under_a_password(coco, layout, keys, tmp_path, form):
    private, public = keys("rsa")
    locked, ours = tmp_path / "locked.pem", Layout(tmp_path / "ours")
    how = ["rsa", "-traditional", "-aes256"] if form == "traditional" else ["pkcs8", "-topk8"]
    subprocess.run(
        ["openssl", *how, "-in", private, "-out", locked, "-passout", f"pass:{PASSWORD}"], check=True, capture_output=True)
    coco.run("image", "encrypt", "--recipient", f"jwe:{public}", layout.ref("app"), ours.ref("app"), code=0)
    assert b"private key is encrypted" in pull(coco, ours, tmp_path / "none", "--key", locked).stderr
    assert b"password that is not at hand" in pull(coco, ours, tmp_path / "none", "--key", f"{locked}:pass=no").stderr
    (tmp_path / "line").write_text(PASSWORD + "\n")
    (tmp_path / "bare").write_text(PASSWORD)
    with open(tmp_path / "line", "rb") as open_file:
        ways = [f"pass={PASSWORD}", f"file={tmp_path}/line", f"file={tmp_path}/bare", f"fd={open_file.fileno()}"]
        for n, way in enumerate(ways):
            pull(coco, ours, tmp_path / f"bundle{n}", "--key", f"{locked}:{way}", code=0, fds=[open_file.fileno()])
            assert_unpacked(tmp_path / f"bundle{n}")
    (tmp_path / "long").write_text("x" * 300)
    for wrong in "file=/nowhere", f"file={tmp_path}/long", "fd=99", "fd=x", "fd=", "file=" + "x" * 5000:
        assert pull(coco, ours, tmp_path / "none", "--key", f"{locked}:{wrong}").returncode != 0
    assert not (tmp_path / "none").exists()
