"""What registries are told, with skopeo's and docker's own programs as judges.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile

import pytest

from conftest import needs

USER, PASSWORD = "alice", "correct-horse-battery"


def auths(host, user=USER, password=PASSWORD):
    return {"auths": {host: {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}}}


@pytest.fixture
def locked(new_registry, tmp_path):
    """A registry that wants to see USER and PASSWORD."""
    (tmp_path / "htpasswd").write_bytes(
        subprocess.run(
            [needs("htpasswd"), "-nbB", USER, PASSWORD], check=True, capture_output=True
        ).stdout
    )
    return new_registry(
        "locked", auth={"htpasswd": {"realm": "here", "path": str(tmp_path / "htpasswd")}}
    )


def push(coco, layout, registry, *options, code=0, **variables):
    return coco.run(
        "image", "push", "--plain-http", *options, layout.ref("app"), f"{registry.host}/app:1",
        code=code, **variables,
    )


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def test_without_credentials_nothing_is_sent(coco, layout, locked):
    assert b"401" in push(coco, layout, locked, code=3).stderr


def test_what_skopeo_logs_in_with_is_used(coco, layout, locked, tmp_path):
    subprocess.run(
        [needs("skopeo"), "login", "--tls-verify=false", "--authfile", tmp_path / "auth.json",
         "-u", USER, "-p", PASSWORD, locked.host],
        check=True, capture_output=True,
    )
    push(coco, layout, locked, "--authfile", tmp_path / "auth.json")
    push(coco, layout, locked, REGISTRY_AUTH_FILE=str(tmp_path / "auth.json"))


def test_credentials_are_where_podman_and_docker_keep_them(coco, layout, locked, tmp_path):
    good, bad = auths(locked.host), auths(locked.host, password="wrong")
    docker = write(coco.home / ".docker/config.json", good)
    push(coco, layout, locked)
    podman = write(coco.home / ".config/containers/auth.json", bad)
    push(coco, layout, locked, code=3)
    write(podman, good)
    write(docker, bad)
    push(coco, layout, locked)
    # An empty entry is none, and the next file is looked into.
    write(podman, {"auths": {locked.host: {}}})
    write(docker, good)
    push(coco, layout, locked)

    runtime = tmp_path / "run"
    write(runtime / "containers/auth.json", bad)
    push(coco, layout, locked, code=3, XDG_RUNTIME_DIR=str(runtime))
    write(tmp_path / "elsewhere/config.json", bad)
    push(coco, layout, locked, code=3, DOCKER_CONFIG=str(tmp_path / "elsewhere"))


def test_a_named_file_is_the_only_one(coco, layout, locked, tmp_path):
    write(coco.home / ".docker/config.json", auths(locked.host))
    write(tmp_path / "other.json", {})
    push(coco, layout, locked, "--authfile", tmp_path / "other.json", code=3)
    push(coco, layout, locked, "--authfile", tmp_path / "missing.json", code=6)


@pytest.fixture
def store():
    """Variables of a password store that docker-credential-pass finds; a short path, for gpg's sockets."""
    needs("docker-credential-pass"), needs("pass"), needs("gpg")
    top = tempfile.mkdtemp(prefix="coco-", dir="/tmp")
    variables = {"GNUPGHOME": top, "PASSWORD_STORE_DIR": f"{top}/store"}
    env = os.environ | variables
    for command in (
        ["gpg", "--batch", "--passphrase", "", "--quick-generate-key", "store", "future-default", "default", "never"],
        ["pass", "init", "store"],
    ):
        subprocess.run(command, env=env, check=True, capture_output=True)
    yield variables
    subprocess.run(["gpgconf", "--kill", "all"], env=env, check=False)
    shutil.rmtree(top, ignore_errors=True)


def keep(store, server, user, secret):
    subprocess.run(
        ["docker-credential-pass", "store"],
        input=json.dumps({"ServerURL": server, "Username": user, "Secret": secret}).encode(),
        env=os.environ | store, check=True, capture_output=True,
    )


@pytest.mark.parametrize("kind", ["credHelpers", "credsStore"])
def test_dockers_helper_is_asked(coco, layout, locked, store, tmp_path, kind):
    config = write(
        tmp_path / "config.json",
        {"auths": {locked.host: {}}, kind: {locked.host: "pass"} if kind == "credHelpers" else "pass"},
    )
    # It has nothing yet, and that is no error but the registry's.
    assert b"401" in push(coco, layout, locked, "--authfile", config, code=3, **store).stderr
    keep(store, locked.host, USER, PASSWORD)
    done = push(coco, layout, locked, "--authfile", config, **store)
    assert PASSWORD.encode() not in done.stdout + done.stderr


def test_a_helper_that_is_missing_or_fails_is_told(coco, layout, locked, tmp_path):
    config = write(tmp_path / "config.json", {"credHelpers": {locked.host: "mine"}})
    done = push(coco, layout, locked, "--authfile", config, code=6)
    assert b"no docker-credential-mine in /" in done.stderr

    helper = tmp_path / "bin/docker-credential-mine"
    helper.parent.mkdir()
    helper.write_text("#!/bin/sh\necho 'the vault is \033[31mclosed' >&2\nexit 3\n")
    helper.chmod(0o755)
    # What is not absolute in $PATH is not looked into.
    path = f"{os.environ['PATH']}:bin"
    assert b"no docker-credential-mine" in push(
        coco, layout, locked, "--authfile", config, code=6, PATH=path
    ).stderr
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    done = push(coco, layout, locked, "--authfile", config, code=1, PATH=path)
    assert rb"ends with 3: the vault is \x1b[31mclosed" in done.stderr


def conf(path, text):
    path.write_text(text)
    return path


def test_mirrors_are_asked_before_the_location(coco, layout, new_registry, tmp_path):
    far, near = new_registry("far"), new_registry("near")
    push(coco, layout, far)
    file = conf(
        tmp_path / "registries.conf",
        f"""
        [[registry]]
        prefix = "images.test"
        location = "{far.host}"
        insecure = true
        [[registry.mirror]]
        location = "{near.host}"
        insecure = true
        """,
    )

    def inspect(code=0):
        return coco.json("image", "inspect", "--registries-conf", file, "images.test/app:1", code=code)

    assert inspect()["digest"] == layout.digest("app")
    push(coco, layout, near)
    far.stop()
    assert inspect()["digest"] == layout.digest("app")
    near.stop()
    error = inspect(code=5)["message"]
    assert near.host in error and far.host in error


@pytest.mark.parametrize("what", ["config", "layer"])
def test_a_mirror_with_wrong_bytes_is_left(coco, layout, new_registry, tmp_path, what):
    far, near = new_registry("far"), new_registry("near")
    push(coco, layout, far)
    push(coco, layout, near)
    manifest = layout.manifest("app")
    blob = near.blob((manifest["config"] if what == "config" else manifest["layers"][0])["digest"])
    blob.write_bytes(bytes([blob.read_bytes()[0] ^ 1]) + blob.read_bytes()[1:])
    file = conf(
        tmp_path / "registries.conf",
        f"""
        [[registry]]
        location = "{far.host}"
        [[registry.mirror]]
        location = "{near.host}"
        """,
    )
    # The policy is about the name that was asked for.
    policy = write(
        tmp_path / "policy.json",
        {"default": [{"type": "reject"}],
         "transports": {"docker": {far.host: [{"type": "insecureAcceptAnything"}]}}},
    )
    coco.run(
        "image", "pull", "--plain-http", "--policy", policy, "--registries-conf", file,
        f"{far.host}/app:1", tmp_path / "bundle", code=0,
    )
    assert (tmp_path / "bundle/rootfs/etc/motd").read_bytes() == b"hello\n"
    # Nor does a mirror that the policy trusts help another name.
    error = coco.json(
        "image", "pull", "--plain-http", "--policy", policy, "--registries-conf",
        conf(tmp_path / "other.conf", f'[[registry]]\nprefix = "images.test"\nlocation = "{far.host}"\n'),
        "images.test/app:1", tmp_path / "other", code=3,
    )
    assert error["id"] == "denied"


def test_blocked_and_ambiguous_names_are_refused(coco, tmp_path):
    file = conf(
        tmp_path / "registries.conf",
        """
        unqualified-search-registries = ["docker.io", "quay.test"]
        [[registry]]
        prefix = "*.bad.test"
        blocked = true
        """,
    )
    args = ["image", "inspect", "--registries-conf", file]
    assert "blocks '*.bad.test'" in coco.json(*args, "a.bad.test/app:1", code=3)["message"]
    assert "spell its registry out" in coco.json(*args, "busybox", code=2)["message"]
    conf(file, "[[registry]]\nprefix = 'a.test'\nmirrors = []\n")
    assert "mirror" in coco.json(*args, "a.test/app:1", code=1)["message"]


def test_credentials_come_from_a_broker_when_they_are_needed(coco, layout, locked, registry, broker, owner, tmp_path):
    uri = "kbs:///default/credential/test"
    guest = ["--kbs", broker.url, "--tee", "sample", "--authfile", uri]
    config = write(tmp_path / "auth.json", auths(locked.host))
    push(coco, layout, locked, "--authfile", config)
    name = f"{locked.host}/app@{layout.digest('app')}"

    def pull(to, code=0):
        done = coco.run("image", "pull", "--plain-http", "--log", "debug", *guest, name, tmp_path / to, code=code)
        assert PASSWORD.encode() not in done.stdout + done.stderr
        return done.stderr

    assert b"kbs:///default/credential/test: " in pull("early", 6)
    coco.run("resource", "put", *owner, uri, stdin=b'{"auths":1}', code=0)
    assert b"auth.json" in pull("early", 1)
    coco.run("resource", "put", *owner, uri, config, code=0)
    pull("bundle")
    assert (tmp_path / "bundle/rootfs/etc/motd").read_bytes() == b"hello\n"
    assert coco.json("image", "inspect", "--plain-http", *guest, name)["digest"] == layout.digest("app")
    push(coco, layout, locked, *guest)

    # Nobody is asked for what a public registry does not want to see.
    broker.stop()
    push(coco, layout, registry)
    coco.run("image", "inspect", "--plain-http", *guest, f"{registry.host}/app:1", code=0)
    assert b"--kbs" in push(coco, layout, registry, "--authfile", uri, code=2).stderr
