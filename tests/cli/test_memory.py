"""What is left of secrets in the memory and the log of the programs that hold them (T36).

SPDX-License-Identifier: Apache-2.0
"""

import base64
import os
import re
import secrets
import subprocess

import pytest

from conftest import PROGRAM, wait_until
from daemon import PROGRAM as DAEMON
from daemon import Daemon, admin_config, admin_token, at_a_free_port, environment, make_certificate

PIECE = 1 << 20
SIZES = [48, 3000, 300_000]  # in a page of the store, near a page, in many

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="reads the memory of a process that hides it")


class Secret:
    """Bytes in which every 16 hold a mark of their own, so that no fragment goes unseen."""

    def __init__(self, size):
        self.mark = secrets.token_bytes(12)
        self.bytes = b"".join(self.mark + n.to_bytes(4, "big") for n in range(size // 16 + 1))[:size]


def mapped(pid):
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        for line in maps:
            span, modes, _, _, _, *name = line.split()
            if modes.startswith("rw") and name != ["[vvar]"]:
                yield [int(end, 16) for end in span.split("-")]


def holds(pid, *needles):
    """Which needles are in the writable memory of a process."""
    found = set()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for begin, end in mapped(pid):
            rest = b""
            for at in range(begin, end, PIECE):
                memory.seek(at)
                try:
                    piece = rest + memory.read(min(PIECE, end - at))
                except OSError:
                    break
                found |= {needle for needle in needles if needle in piece}
                rest = piece[-64:]
    return found


def instrumented(pid):
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        return "libasan" in maps.read()


@pytest.fixture(params=["http", "https"])
def daemon(request, tmp_path, keys):
    """A broker that believes the sample, with .ca and .token and .options of its clients."""
    private, public = keys("ed25519")
    config, ca = "[http_server]\n", None
    if request.param == "https":
        ca, key = make_certificate(tmp_path)
        config += f'certificate = "{ca}"\nprivate_key = "{key}"\n'
    config += "[attestation_service]\nallow_sample = true\n" + admin_config(public)
    started = Daemon(tmp_path, config, "--log", "json")
    started.ca = ca
    started.token = admin_token(private)
    started.options = ["--kbs", started.url] + (["--kbs-ca", ca] if ca else [])
    started.owner = [*started.options, "--kbs-admin-key", private]
    started.guest = [*started.options, "--tee", "sample"]
    started.trust_sample(started.token, ca)
    if instrumented(started.pid):
        started.stop()
        pytest.skip("a sanitizer keeps what is freed")
    yield started
    if started.process.returncode is None:
        started.stop()


@needs_root
@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_left_of_a_secret_that_was_given_and_deleted(coco, daemon, size):
    secret = Secret(size)
    coco.run("resource", "put", *daemon.owner, "a/key/1", stdin=secret.bytes, code=0)
    assert coco.run("resource", "get", *daemon.guest, "kbs:///a/key/1", code=0).stdout == secret.bytes
    assert coco.run("resource", "get", *daemon.guest, "kbs:///a/key/1", code=0).stdout == secret.bytes
    assert holds(daemon.pid, secret.mark) == set(), "it is given, and kept sealed"
    # Replaced and deleted, the two ways a secret ends.
    coco.run("resource", "put", *daemon.owner, "a/key/1", stdin=b"another", code=0)
    coco.run("resource", "rm", *daemon.owner, "a/key/1", code=0)
    assert holds(daemon.pid, secret.mark) == set()


@needs_root
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ending", ["completed", "given up", "refused"])
def test_nothing_is_left_of_a_secret_on_its_way(daemon, size, ending):
    """What has arrived of an upload is in memory, which shows that this test can see; then not."""
    secret = Secret(size)
    token = daemon.token if ending != "refused" else daemon.token[:-8] + "AAAAAAAA"
    connection = daemon.connect(daemon.ca)
    connection.putrequest("POST", "/kbs/v0/resource/a/key/2")
    connection.putheader("Authorization", f"Bearer {token}")
    connection.putheader("Content-Length", str(size))
    connection.endheaders(secret.bytes[:-1])
    assert wait_until(lambda: holds(daemon.pid, secret.mark))
    if ending == "given up":
        connection.close()
        assert wait_until(lambda: not holds(daemon.pid, secret.mark))
    else:
        connection.send(secret.bytes[-1:])
        assert connection.getresponse().status == (200 if ending == "completed" else 401)
    # The connection may live on; what went over it does not.
    assert holds(daemon.pid, secret.mark, token.encode()) == set()
    connection.close()


@needs_root
def test_the_owners_token_and_the_configuration_are_not_kept(coco, daemon):
    coco.run("resource", "ls", *daemon.owner, code=0)
    assert daemon.ask("GET", "/resource", daemon.token, ca=daemon.ca)[0] == 200
    assert holds(daemon.pid, daemon.token.encode(), b"authorization_mode = ") == set()


def test_the_log_holds_no_secret_and_no_token(coco, daemon):
    secret = Secret(48)
    token = coco.run("attest", *daemon.guest, code=0).stdout.decode().strip()
    coco.run("resource", "put", *daemon.owner, "a/key/1", stdin=secret.bytes, code=0)
    coco.run("resource", "get", *daemon.guest, "kbs:///a/key/1", code=0)
    # What fails is told in more words.
    daemon.ask("POST", "/resource/a/../1", daemon.token, secret.bytes, daemon.ca)
    daemon.ask("POST", "/resource/a/key/1", daemon.token[:-1], secret.bytes, daemon.ca)
    daemon.ask("POST", "/reference-value", daemon.token, secret.bytes, daemon.ca)
    daemon.ask("POST", "/resource-policy", daemon.token, secret.bytes, daemon.ca)
    daemon.ask("POST", "/attest", token, secret.bytes, daemon.ca)
    daemon.ask("GET", "/resource/a/key/1", token[:-4], None, daemon.ca)
    assert daemon.stop() == 0
    log = daemon.log.decode()
    assert "a/key/1 stored" in log and "a/key/1 given" in log and ": 401" in log
    raw = secret.mark
    for needle in (daemon.token, token, token.split(".")[2], daemon.token.split(".")[2], raw.hex(),
                   base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()):  # fmt: skip
        assert needle not in log
    assert raw not in daemon.log


NOBODY = 65534
COMMANDS = {
    "coco-kbs": [DAEMON, "--config", "/dev/stdin"],
    "coco kbs serve": [PROGRAM, "kbs", "serve", "--listen", "127.0.0.1:0"],
    "coco resource put": [PROGRAM, "resource", "put", "--kbs", "http://127.0.0.1:1", "a/b/c"],
    "sleeps": ["/bin/sh", "-c", "read line"],
}


def opens_memory(pid, **user):
    """Whether another process of that user may open the memory of pid."""
    code = f"open('/proc/{pid}/mem', 'rb')"
    return subprocess.run(["python3", "-c", code], capture_output=True, check=False, **user).returncode == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_programs_with_secrets_leave_no_core_and_let_nobody_look(tmp_path, name):
    """Not even another process of their user; one that does not care shows that it could."""
    (tmp_path / "config").write_text(at_a_free_port(""))
    read, write = os.pipe()
    with open(tmp_path / "config", "rb") as config:
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        try:
            process = subprocess.Popen(
                COMMANDS[name], env=environment() | {"HOME": "/"}, cwd="/", **user,
                stdin=config if name == "coco-kbs" else read, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
        except PermissionError:
            pytest.skip("another user may not run the program where it lies")
    careless = name == "sleeps"
    proc = f"/proc/{process.pid}"
    try:
        if name == "coco-kbs":
            assert b"serving at" in process.stderr.readline()
        elif name == "coco kbs serve":
            assert process.stdout.readline()
        elif not careless:
            # Its second thread is the one that waits for signals.
            assert wait_until(lambda: len(os.listdir(f"{proc}/task")) > 1)
        if not instrumented(process.pid):
            assert opens_memory(process.pid, **user) == careless
            assert (os.stat(f"{proc}/environ").st_uid == 0) == (not careless)
        with open(f"{proc}/limits", encoding="ascii") as limits:
            assert careless or re.search(r"^Max core file size +0 +0 ", limits.read(), re.MULTILINE)
    finally:
        process.kill()
        process.communicate()
        os.close(read)
        os.close(write)
