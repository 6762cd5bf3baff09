"""Certificates in directories, with a real registry that wants to see one and skopeo as judge.

SPDX-License-Identifier: Apache-2.0
"""

import shutil
import subprocess

import pytest

from certificates import CA
from conftest import needs


@pytest.fixture
def servers(tmp_path):
    return CA(tmp_path, "servers")


@pytest.fixture
def clients(tmp_path):
    return CA(tmp_path, "clients")


@pytest.fixture
def guarded(new_registry, servers, clients):
    """A registry that lets in who has a certificate of clients."""
    cert, key = servers.sign("registry", "subjectAltName=IP:127.0.0.1")
    return new_registry(
        "guarded", tls={"certificate": str(cert), "key": str(key), "clientcas": [str(clients.cert)]}
    )


def fill(directory, servers, clients, kind="clientAuth"):
    """What containers-certs.d(5) wants to have in the directory."""
    directory.mkdir(parents=True)
    shutil.copy(servers.cert, directory / "ca.crt")
    cert, key = clients.sign("me", f"extendedKeyUsage={kind}")
    shutil.copy(cert, directory / "me.cert")
    shutil.copy(key, directory / "me.key")
    return directory


def push(coco, layout, registry, *options, code=0):
    return coco.run("image", "push", *options, layout.ref("app"), f"{registry.host}/app:1", code=code)


def test_who_shows_nothing_is_not_let_in(coco, layout, guarded, servers, tmp_path):
    assert b"certificate" in push(coco, layout, guarded, code=4).stderr
    only = tmp_path / "only"
    only.mkdir()
    shutil.copy(servers.cert, only / "ca.crt")
    done = push(coco, layout, guarded, "--retries", "0", "--cert-dir", only, code=None)
    # Its alert may be lost when it hangs up.
    assert done.returncode in (3, 5), done.stderr
    assert b"client certificate" in done.stderr


def test_cert_dir_works_as_skopeos_does(coco, layout, guarded, servers, clients, tmp_path):
    directory = fill(tmp_path / "certs", servers, clients)
    subprocess.run(
        [needs("skopeo"), "--insecure-policy", "copy", "--dest-cert-dir", directory, layout.ref("app"),
         f"docker://{guarded.host}/app:skopeo"],
        check=True, capture_output=True,
    )
    push(coco, layout, guarded, "--cert-dir", directory)
    for tag in ("1", "skopeo"):
        seen = coco.json("image", "inspect", "--cert-dir", directory, f"{guarded.host}/app:{tag}")
        assert seen["digest"] == layout.digest("app")
    coco.run(
        "image", "pull", "--cert-dir", directory, f"{guarded.host}/app@{layout.digest('app')}",
        tmp_path / "bundle", code=0,
    )
    assert (tmp_path / "bundle/rootfs/etc/motd").read_bytes() == b"hello\n"


def test_certs_d_is_found_at_home(coco, layout, guarded, servers, clients):
    tree = coco.home / ".config/containers/certs.d"
    fill(tree / guarded.host, servers, clients)
    push(coco, layout, guarded)
    # Of another port it is not that registry's.
    (tree / guarded.host).rename(tree / "127.0.0.1")
    push(coco, layout, guarded, code=4)


def test_half_a_pair_is_an_error_as_for_skopeo(coco, layout, guarded, servers, clients, tmp_path):
    directory = fill(tmp_path / "certs", servers, clients)
    (directory / "me.key").rename(tmp_path / "me.key")
    done = push(coco, layout, guarded, "--cert-dir", directory, code=2)
    assert b"'me.cert': there is no 'me.key' with it" in done.stderr
    judge = subprocess.run(
        [needs("skopeo"), "inspect", "--cert-dir", directory, f"docker://{guarded.host}/app:1"],
        check=False, capture_output=True,
    )
    assert judge.returncode != 0 and b"me.key" in judge.stderr
