"""Backups of a broker that serves, restored elsewhere: whole or not at all, and never readable.

SPDX-License-Identifier: Apache-2.0
"""

import json
import random
import signal
import subprocess
import threading

import pytest

from conftest import leftovers, wait_until
from daemon import Daemon, admin_config, admin_token
from postgres import Postgres

CANARY = b"canary-77be1290cd"
KILLS = 12


class Place:
    """A directory with the configuration of a broker of its own."""

    def __init__(self, folder, name, public, key, storage=None):
        self.folder = folder / name
        self.folder.mkdir()
        self.audit = self.folder / "audit"
        storage = storage or (
            f'storage_type = "Sqlite"\n[storage_backend.backends.sqlite]\npath = "{self.folder}/kbs.db"\n'
        )
        self.text = (
            "[attestation_service]\nallow_sample = true\n" + admin_config(public)
            + f'[audit]\npath = "{self.audit}"\n[storage_backend]\nseal = {{key_file = "{key}"}}\n' + storage
        )  # fmt: skip
        self.config = self.folder / "kbs.toml"
        self.config.write_text(self.text)

    def start(self):
        return Daemon(self.folder, self.text)


@pytest.fixture
def place(tmp_path, keys):
    key = tmp_path / "seal.key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)

    def make(name, storage=None):
        return Place(tmp_path, name, keys("ed25519")[1], key, storage)

    return make


def names_and_keys(coco, daemon, owner):
    connection = daemon.connect()
    connection.request("GET", "/.well-known/jwks.json")
    keys = json.load(connection.getresponse())
    connection.close()
    listed = coco.run("resource", "ls", "--kbs", daemon.url, *owner, code=0).stdout.decode().split()
    return listed, keys


def test_a_broker_serves_on_while_it_is_backed_up_and_goes_on_elsewhere(coco, keys, place, tmp_path):
    """From SQLite to PostgreSQL and back; who has the public key can still verify the audit log."""
    private = keys("ed25519")[0]
    owner = ["--kbs-admin-key", private]
    token = admin_token(private)
    first, last = place("first"), place("last")
    postgres = Postgres()
    daemon = first.start()
    try:
        end = threading.Event()
        stored = []

        def write():
            while not end.is_set():
                path = f"/resource/many/secrets/{len(stored)}"
                assert daemon.ask("POST", path, token, CANARY + b"%d" % len(stored))[0] == 200
                stored.append(path)

        daemon.trust_sample(token)
        writer = threading.Thread(target=write)
        writer.start()
        assert wait_until(lambda: len(stored) >= 50, 30)
        before = len(stored)
        made = coco.json("kbs", "backup", "--config", first.config, tmp_path / "backup")
        after = len(stored) + 1
        end.set()
        writer.join()
        assert made["sealed"] and CANARY not in (tmp_path / "backup").read_bytes()
        _, jwks = names_and_keys(coco, daemon, owner)
        guest = coco.run("attest", "--kbs", daemon.url, "--tee", "sample", code=0).stdout.decode()
        assert daemon.stop() == 0

        middle = place("middle", postgres.config())
        coco.run("kbs", "restore", "--config", middle.config, tmp_path / "backup", "--expect", made["digest"], code=0)
        again = coco.json("kbs", "backup", "--config", middle.config, tmp_path / "again")
        coco.run("kbs", "restore", "--config", last.config, tmp_path / "again", code=0)

        # The log that the first has written goes on.
        last.audit.write_bytes(first.audit.read_bytes())
        daemon = last.start()
        listed, same = names_and_keys(coco, daemon, owner)
        assert same == jwks
        there = sorted(int(name.rsplit("/", 1)[1]) for name in listed)
        assert there == list(range(len(there))) and before <= len(there) <= after
        # A token of the first is one of the last: its key was restored.
        assert daemon.ask("GET", "/resource/many/secrets/0", guest.strip())[0] == 200
        got = coco.run("resource", "versions", "many/secrets/7", "--kbs", daemon.url, *owner, code=0)
        assert got.stdout.startswith(b"1  ")
        assert daemon.stop() == 0
        (tmp_path / "kbs.jwk").write_text(json.dumps(jwks["keys"][0]))
        verified = coco.json("kbs", "audit", "verify", last.audit, "--owner-key", tmp_path / "kbs.jwk")
        earlier = coco.json("kbs", "audit", "verify", first.audit, "--owner-key", tmp_path / "kbs.jwk")
        entries = [json.loads(line) for line in last.audit.read_text().splitlines()]
        assert [e["event"] for e in entries if again["digest"] in e.get("note", "")] == ["restore"]
        assert verified["entries"] > earlier["entries"] and verified["signed_to"] == verified["last"]
    finally:
        daemon.process.kill()
        daemon.process.wait()
        postgres.stop()


def test_what_was_changed_is_refused(coco, keys, place, tmp_path):
    one, two = place("one"), place("two")
    daemon = one.start()
    token = admin_token(keys("ed25519")[0])
    assert daemon.ask("POST", "/resource/a/b/c", token, CANARY)[0] == 200
    daemon.stop()
    text = coco.run("kbs", "backup", "--config", one.config, tmp_path / "backup", code=0).stdout.decode()
    assert "sealed" in text and "SHA-256 " in text
    restore = ["kbs", "restore", "--config", two.config]
    content = bytearray((tmp_path / "backup").read_bytes())
    # Of both the table and its index: to SQLite nothing is wrong with it.
    changed = content.replace(b"a/b/c", b"a/b/d")
    (tmp_path / "changed").write_bytes(changed)
    assert "was changed" in coco.run(*restore, tmp_path / "changed", code=4).stderr.decode()
    (tmp_path / "changed").write_bytes(changed.replace(b"a/b/d", b"a/b/c", 1))
    coco.run(*restore, tmp_path / "changed", code=1)
    (tmp_path / "short").write_bytes((tmp_path / "backup").read_bytes()[:-4096])
    coco.run(*restore, tmp_path / "short", code=1)
    coco.run(*restore, tmp_path / "backup", "--expect", "00" * 32, code=4)
    coco.run(*restore, tmp_path / "backup", "--expect", "zz", code=2)
    coco.run(*restore, tmp_path / "backup", code=0)
    assert "not empty" in coco.run(*restore, tmp_path / "backup", code=3).stderr.decode()
    coco.run(*restore, tmp_path / "backup", "--force", code=0)
    assert "there already" in coco.run("kbs", "backup", "--config", one.config, tmp_path / "backup", code=2).stderr.decode()
    assert "there already" in coco.run("kbs", "backup", "--config", one.config, one.folder / "kbs.db", code=2).stderr.decode()


def test_what_is_not_sealed_is_refused_unless_it_is_said(coco, tmp_path):
    config = tmp_path / "kbs.toml"
    config.write_text(
        f'[storage_backend]\nstorage_type = "Sqlite"\n[storage_backend.backends.sqlite]\npath = "{tmp_path}/kbs.db"\n'
    )
    refused = coco.run("kbs", "backup", "--config", config, tmp_path / "backup", code=3)
    assert b"--plain" in refused.stderr and not (tmp_path / "backup").exists()
    assert not coco.json("kbs", "backup", "--config", config, tmp_path / "backup", "--plain")["sealed"]


def test_killed_at_any_moment_nothing_is_half(coco, keys, place, tmp_path):
    one = place("one")
    daemon = one.start()
    token = admin_token(keys("ed25519")[0])
    secret = CANARY + bytes(1 << 20)
    for n in range(24):
        assert daemon.ask("POST", f"/resource/large/secret/{n}", token, secret)[0] == 200
    daemon.stop()
    full = tmp_path / "full"
    whole = coco.json("kbs", "backup", "--config", one.config, full)
    chance = random.Random(7)
    killed = {"backup": 0, "restore": 0}
    for n in range(KILLS):
        out = tmp_path / f"out{n}"
        for what, args in ("backup", [one.config, out]), ("restore", [place(f"to{n}").config, full]):
            process = coco.start("kbs", what, "--config", *args)
            try:
                process.wait(chance.uniform(0, 0.25))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            process.communicate()
            killed[what] += process.returncode == -signal.SIGKILL
        # A backup that is there is whole; what was restored is all or nothing.
        check = place(f"check{n}")
        if out.exists():
            assert coco.json("kbs", "restore", "--config", check.config, out)["rows"] == whole["rows"]
        restored = tmp_path / f"to{n}" / "kbs.toml"
        done = coco.run("kbs", "restore", "--config", restored, full)
        assert done.returncode in (0, 3), done.stderr
        again = coco.json("kbs", "backup", "--config", restored, tmp_path / f"again{n}")
        assert again["rows"] == whole["rows"]
    assert killed["backup"] and killed["restore"]
    visible = [name for name in leftovers(tmp_path) if name.startswith("out")]
    assert all((tmp_path / name).stat().st_size == full.stat().st_size for name in visible)
