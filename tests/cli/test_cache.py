"""coco-cache between guests and a real registry, with skopeo as another client.

SPDX-License-Identifier: Apache-2.0
"""

import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import urllib.parse

import pytest

from conftest import needs, wait_until
from layout import Layout

PROGRAM = os.environ.get("COCO_CACHE", "coco-cache")
PASSED_ON = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "MALLOC_PERTURB_", "LD_LIBRARY_PATH")
TIMEOUT_S = 60
GUESTS = 10
NAME = "registry.test"  # of the registry, in the cache


def noise(size, seed):
    """Bytes that do not compress."""
    return hashlib.shake_256(seed.encode()).digest(size)


class Cache:
    """coco-cache, until stop()."""

    def __init__(self, folder, upstreams, **more):
        self.folder = pathlib.Path(folder)
        self.blobs = self.folder / "blobs"
        self.config = self.folder / "cache.json"
        self.config.write_text(json.dumps({
            "listen": ["127.0.0.1:0"], "directory": str(self.blobs),
            "upstreams": {
                name: {"registry": where, "plain_http": True} for name, where in upstreams.items()
            },
        } | more))  # fmt: skip
        env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self.process = subprocess.Popen(
            [PROGRAM, "--config", self.config, "--json"],
            env=env | {"PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.log = self.process.stderr.readline()
        assert b"serving at" in self.log, self.log
        self.url = re.search(r"serving at ([^\s\"]+)", json.loads(self.log)["message"])[1]
        self.host = urllib.parse.urlsplit(self.url).netloc
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stderr:
            self.log += line

    def ask(self, path, method="GET", **headers):
        """Status, headers and body of one request."""
        connection = http.client.HTTPConnection(self.host, timeout=TIMEOUT_S)
        connection.request(method, path, headers=headers)
        reply = connection.getresponse()
        body = reply.read()
        connection.close()
        return reply.status, reply.headers, body

    def counter(self, name):
        status, _, said = self.ask("/metrics")
        assert status == 200
        return int(re.search(rf"^coco_cache_{name} (\d+)$", said.decode(), re.M)[1])

    def files(self, kind="blob"):
        return sorted(path for path in self.blobs.glob(f"*/{kind}-*"))

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(TIMEOUT_S)


@pytest.fixture
def start_cache(tmp_path):
    """start_cache(upstreams, …) starts one."""
    made = []

    def start(upstreams, name="cache", **more):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        made.append(Cache(folder, upstreams, **more))
        return made[-1]

    yield start
    for one in made:
        assert one.stop() in (0, -signal.SIGKILL), one.log.decode()


@pytest.fixture
def way(registry):
    """A way to the registry at .host that counts what comes from it: .received."""

    class Way:
        received = 0
        requests = []
        lock = threading.Lock()
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        slow = None  # an event: the bytes of blobs wait for it

        @classmethod
        def send_on(cls, source, target):
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    cls.requests += re.findall(rb"^((?:GET|HEAD) \S+)", data, re.M)
                    target.sendall(data)

        @classmethod
        def carry(cls, client):
            name, port = registry.host.split(":")
            with client, socket.create_connection((name, int(port))) as server:
                threading.Thread(target=cls.send_on, args=(client, server), daemon=True).start()
                with contextlib.suppress(OSError):
                    while data := server.recv(65536):
                        with cls.lock:
                            cls.received += len(data)
                        if cls.slow and len(data) > 16384:
                            cls.slow.wait(TIMEOUT_S)
                        client.sendall(data)
                for end in (client, server):
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)

        @classmethod
        def serve(cls):
            with contextlib.suppress(OSError):
                while True:
                    client = cls.listener.accept()[0]
                    threading.Thread(target=cls.carry, args=(client,), daemon=True).start()

    threading.Thread(target=Way.serve, daemon=True).start()
    yield Way
    Way.listener.shutdown(socket.SHUT_RDWR)
    Way.listener.close()


def push(coco, layout, host, name):
    coco.run("image", "push", "--plain-http", layout.ref("app"), f"{host}/{name}:1", code=0)


def image_bytes(layout):
    return sum(path.stat().st_size for path in layout.blobs.iterdir())


@pytest.fixture
def big(coco, tmp_path, registry):
    """An image of some MiB that is in the registry as big:1; a layout."""
    made = Layout(tmp_path / "big")
    made.digest = made.add_image(
        "app", [{"a": noise(6 << 20, "a")}, {"b": noise(3 << 20, "b"), "c": b"small\n"}]
    )
    push(coco, made, registry.host, "big")
    return made


def mirror_conf(tmp_path, registry, mirror, name="registries.conf"):
    """A registries.conf that has mirror asked before the registry."""
    path = tmp_path / name
    path.write_text(
        f'[[registry]]\nprefix = "{registry}"\nlocation = "{registry}"\ninsecure = true\n'
        f'[[registry.mirror]]\nlocation = "{mirror}"\ninsecure = true\n'
    )
    return path


def pull(coco, conf, ref, to, code=0):
    return coco.run(
        "image", "pull", "--insecure-policy", "accept-anything", "--retries", "1",
        "--registries-conf", conf, ref, to, code=code,
    )  # fmt: skip


def manifest_of(layout):
    return json.loads(layout.blob(layout.digest).read_bytes())


# ---- what is not given ----


def test_only_registries_that_are_named_are_asked(start_cache, way, silent_server):
    cache = start_cache({NAME: way.host})
    for path in (
        "/v2/big/manifests/1",
        "/v2/big/manifests/1?ns=docker.io",
        f"/v2/big/manifests/1?ns=127.0.0.1:{silent_server.port}",
        f"/v2/127.0.0.1:{silent_server.port}/big/manifests/1",
        f"/v2/127.0.0.1%3A{silent_server.port}/big/manifests/1",
        f"/v2/big/manifests/1?ns={NAME}@evil",
    ):
        status, _, said = cache.ask(path)
        assert status == 403, (path, status)
        assert json.loads(said)["errors"][0]["code"] == "DENIED"
    assert not silent_server.asked.is_set() and not way.requests


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v2/registry.test/big/blobs/uploads/", 405),
        ("DELETE", "/v2/registry.test/big/manifests/1", 405),
        ("GET", "/v2/registry.test/big/tags/list", 404),
        ("GET", "/v2/_catalog", 404),
        ("GET", "/", 404),
        ("GET", "/v2/registry.test/big/blobs/latest", 400),
        ("GET", "/v2/registry.test/big/blobs/sha256:00", 400),
        ("GET", "/v2/registry.test/../x/blobs/sha256:" + 64 * "0", 400),
        ("GET", "/v2/registry.test/BIG/manifests/1", 400),
        ("GET", "/v2/registry.test/big/manifests/..", 400),
        ("GET", "/v2/registry.test/big/blobs/sha256:" + 64 * "0", 404),
        ("GET", "/v2/registry.test/nothing/manifests/1", 404),
        ("HEAD", "/v2/registry.test/nothing/manifests/1", 404),
    ],
)
def test_what_is_not_there_is_refused(start_cache, way, method, path, status):
    cache = start_cache({NAME: way.host})
    assert cache.ask(path, method)[0] == status
    assert not cache.files() and not cache.files("manifest")


# ---- what is given, and where from ----


def test_many_guests_cost_the_registry_one_image(coco, start_cache, registry, way, big, tmp_path):
    cache = start_cache({NAME: way.host})
    conf = mirror_conf(tmp_path, registry.host, f"{cache.host}/{NAME}")
    with concurrent.futures.ThreadPoolExecutor(GUESTS) as pool:
        done = [
            pool.submit(pull, coco, conf, f"{registry.host}/big:1", tmp_path / f"guest{i}")
            for i in range(GUESTS)
        ]
        for one in done:
            one.result()
    for i in range(GUESTS):
        assert (tmp_path / f"guest{i}/rootfs/a").read_bytes() == noise(6 << 20, "a")
    size = image_bytes(big)
    assert size <= cache.counter("upstream_bytes_total") <= 1.05 * size
    assert size <= way.received <= 1.05 * size
    assert cache.counter("served_bytes_total") >= 0.99 * GUESTS * (size - 1000)
    # And later ones nothing but the question what the tag is.
    before = way.received
    pull(coco, conf, f"{registry.host}/big:1", tmp_path / "later")
    assert way.received - before < 2000
