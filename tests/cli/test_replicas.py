"""Key brokers that are killed at any moment: nothing that was acknowledged is lost, nobody notices.

Clients reach the brokers through a balancer that gives each connection to any that is alive, so that one
handshake may meet several of them. COCO_KILLS and COCO_KILL_SEED make the test longer, and another one.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import json
import os
import platform
import random
import re
import socket
import threading
import time
import urllib.parse

import pytest

from conftest import TIMEOUT_S
from daemon import Daemon, admin_config, admin_token
from postgres import Postgres

SEED = int(os.environ.get("COCO_KILL_SEED", "20240229"))
KILLS = int(os.environ.get("COCO_KILLS", "8"))
CLIENTS = 8

POLICY = """package policy
import rego.v1
default allow := false
allow if data["resource-path"][0] != "secret"
"""


class Balancer:
    """A port; whoever connects to it gets a broker that is alive, and waits until one is."""

    def __init__(self, chance):
        self.chance = chance
        self.alive = {}
        self.changed = threading.Condition()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def choose(self):
        """A connection to a broker."""
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.alive, TIMEOUT_S)
                name, port = self.chance.choice(sorted(self.alive.items()))
            try:
                return socket.create_connection(("127.0.0.1", port))
            except OSError:
                with self.changed:  # it was just killed
                    if self.alive.get(name) == port:
                        del self.alive[name]

    def serve(self, client):
        broker = self.choose()
        back = threading.Thread(target=self.copy, args=(broker, client), daemon=True)
        back.start()
        self.copy(client, broker)
        back.join()
        client.close()
        broker.close()

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def add(self, name, url):
        with self.changed:
            self.alive[name] = urllib.parse.urlsplit(url).port
            self.changed.notify_all()

    def remove(self, name):
        with self.changed:
            self.alive.pop(name, None)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Client(threading.Thread):
    """Puts and gets a resource of its own, and asks for one that nobody may have, until told to end."""

    def __init__(self, world, number):
        super().__init__()
        self.world = world
        self.name = f"client{number}"
        self.done = 0
        self.failed = None

    def step(self, n):
        guest = ["--kbs", self.world.balancer.url, "--tee", "sample", "--retries", "1"]
        owner = ["--kbs", self.world.balancer.url, "--kbs-admin-key", self.world.private, "--retries", "1"]
        run = self.world.coco.run
        secret = f"{self.name} {n}".encode()
        run("resource", "put", *owner, f"{self.name}/key/1", stdin=secret, code=0)
        got = run("resource", "get", *guest, f"kbs:///{self.name}/key/1", code=0).stdout
        assert got == secret, (got, secret)
        run("resource", "get", *guest, "kbs:///secret/key/1", code=3)

    def run(self):
        while not self.world.end.is_set():
            try:
                self.step(self.done)
            except AssertionError as error:
                self.failed = error
                break
            self.done += 1
            self.world.steps.release()


class World:
    def __init__(self, coco, keys, folder, storage, replicas):
        self.coco = coco
        self.folder = folder
        self.private, public = keys("ed25519")
        self.chance = random.Random(SEED)
        self.balancer = Balancer(random.Random(SEED + 1))
        self.end = threading.Event()
        self.steps = threading.Semaphore(0)
        self.daemons = {}
        key = folder / "seal.key"
        key.write_bytes(bytes(range(32)))
        key.chmod(0o600)
        self.config = (
            "[attestation_service]\nallow_sample = true\n"
            + admin_config(public)
            + f'[storage_backend]\nseal = {{key_file = "{key}"}}\n'
            + storage
        )
        for n in range(replicas):
            self.start(f"broker{n}")

    def start(self, name):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        daemon = Daemon(folder, self.config)
        self.daemons[name] = daemon
        self.balancer.add(name, daemon.url)

    def kill(self, name):
        daemon = self.daemons.pop(name)
        daemon.process.kill()
        daemon.process.wait()
        self.balancer.remove(name)

    def set_up(self):
        token = admin_token(self.private)
        daemon = next(iter(self.daemons.values()))
        daemon.trust_sample(token)
        body = json.dumps({"policy": base64.urlsafe_b64encode(POLICY.encode()).decode()})
        status, said = daemon.ask("POST", "/resource-policy", token, body)
        assert status == 200, said
        assert daemon.ask("POST", "/resource/secret/key/1", token, b"nobody's")[0] == 200

    def stop(self):
        self.balancer.stop()
        for name in list(self.daemons):
            self.kill(name)


@pytest.fixture(params=["postgres", "sqlite"])
def world(request, coco, keys, tmp_path):
    if request.param == "postgres":
        server = Postgres()
        made = World(coco, keys, tmp_path, server.config(), 2)
    else:
        server = None
        storage = f'storage_type = "Sqlite"\n[storage_backend.backends.sqlite]\npath = "{tmp_path}/kbs.db"\n'
        made = World(coco, keys, tmp_path, storage, 1)
    yield made
    made.stop()
    if server:
        server.stop()


FAKETIME = f"/usr/lib/{platform.machine()}-linux-gnu/faketime/libfaketimeMT.so.1"


def test_replicas_rotate_their_keys_together(coco, keys, tmp_path):
    """Two processes with one database, and a clock that they are told: no guest notices."""
    if not os.path.exists(FAKETIME) or "ASAN_OPTIONS" in os.environ:
        pytest.skip("needs libfaketime, and no sanitizer, which has to come first")
    private, public = keys("ed25519")
    ahead = tmp_path / "ahead"
    config = (
        "[attestation_service]\nallow_sample = true\n" + admin_config(public)
        + f'[storage_backend]\nstorage_type = "Sqlite"\n[storage_backend.backends.sqlite]\npath = "{tmp_path}/kbs.db"\n'
    )  # fmt: skip

    def set_ahead(seconds):
        (tmp_path / "new").write_text(f"+{seconds}s\n")
        (tmp_path / "new").replace(ahead)

    def kids(daemon):
        connection = daemon.connect()
        connection.request("GET", "/.well-known/jwks.json")
        said = json.load(connection.getresponse())
        connection.close()
        return [key["kid"] for key in said["keys"]]

    def attest(daemon):
        return coco.run("attest", "--kbs", daemon.url, "--tee", "sample", code=0).stdout.decode().strip()

    def kid_of(token):
        return json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]

    def takes(daemon, token):
        # 403 is what the policy says of whoever the token is good for.
        return daemon.ask("GET", "/resource/a/key/1", token)[0] == 403

    set_ahead(0)
    clock = {
        "LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(ahead), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    daemons = []
    try:
        for name in "one", "two":
            (tmp_path / name).mkdir()
            daemons.append(Daemon(tmp_path / name, config, variables=clock))
        one, two = daemons
        (first,) = kids(one)
        before = attest(one)
        assert kid_of(before) == first and takes(two, before)

        owner = ["--kbs", one.url, "--kbs-admin-key", private]
        rotation = coco.json("kbs", "rotate-keys", *owner)
        next_kid = rotation["kid"]
        assert next_kid != first and 50 <= rotation["from"] - time.time() <= 60
        assert re.fullmatch(rf"{next_kid}  from \d{{4}}-.*Z\n", coco.run("kbs", "rotate-keys", *owner, code=0).stdout.decode())
        # The other looks for it after some seconds: known before it is used.
        set_ahead(10)
        assert sorted(kids(two)) == sorted(kids(one)) == sorted([first, next_kid])
        assert kid_of(attest(two)) == kid_of(attest(one)) == first

        set_ahead(70)
        after = [attest(one), attest(two)]
        assert [kid_of(token) for token in after] == [next_kid] * 2
        assert all(takes(daemon, token) for daemon in daemons for token in [before, *after])
        # What the first has signed is over, and so is the first.
        set_ahead(600)
        assert not takes(one, before) and not takes(two, before)
        assert kids(one) == kids(two) == [next_kid]
    finally:
        for daemon in daemons:
            daemon.stop()


def test_a_broker_that_is_killed_loses_nothing_that_it_acknowledged(world):
    world.set_up()
    clients = [Client(world, n) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    for _ in range(KILLS):
        # A moment is a number of steps of the clients, and whatever they do by then. Each makes one at
        # least, so that no command is hit twice: it retries once.
        before = [client.done for client in clients]
        more = world.chance.randrange(2 * CLIENTS)
        while more > 0 or any(client.done == n for client, n in zip(clients, before)):
            if any(client.failed for client in clients):
                break
            assert world.steps.acquire(timeout=TIMEOUT_S)
            more -= 1
        name = world.chance.choice(sorted(world.daemons))
        world.kill(name)
        world.start(name)
    world.end.set()
    for client in clients:
        client.join(TIMEOUT_S)
    assert not [client.failed for client in clients if client.failed]
    assert all(client.done > 0 for client in clients)
    # What was acknowledged last is there after all of them were killed.
    for name in list(world.daemons):
        world.kill(name)
        world.start(name)
    guest = ["--kbs", world.balancer.url, "--tee", "sample"]
    for client in clients:
        got = world.coco.run("resource", "get", *guest, f"kbs:///{client.name}/key/1", code=0).stdout
        assert got == f"{client.name} {client.done - 1}".encode()
