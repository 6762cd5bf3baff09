"""coco-cache between guests and a real registry, with skopeo as another client.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

from conftest import needs, wait_until
from layout import Layout, flip

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

    def __init__(self, folder, upstreams, more_upstreams=(), **more):
        self.folder = pathlib.Path(folder)
        self.blobs = self.folder / "blobs"
        self.config = self.folder / "cache.json"
        self.config.write_text(json.dumps({
            "listen": ["127.0.0.1:0"], "directory": str(self.blobs),
            "upstreams": {
                name: {"registry": where, "plain_http": True} for name, where in upstreams.items()
            } | dict(more_upstreams),
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


def test_bodies_are_refused(start_cache, way):
    cache = start_cache({NAME: way.host})
    head = "GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    for more, status in (
        ("Content-Length: 1\r\n\r\nx", 413),
        ("Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 413),
        ("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200),
        ("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", 400),
    ):
        with socket.create_connection(cache.host.split(":"), timeout=TIMEOUT_S) as connection:
            connection.sendall((head + more).encode())
            said = connection.makefile("rb").read()
        assert said.startswith(f"HTTP/1.1 {status} ".encode()), (more, said)


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


@pytest.mark.parametrize("family", ["unix", "tcp"])
def test_a_guest_names_the_cache_of_its_host(coco, start_cache, registry, way, big, tmp_path, family):
    listen = f"unix:{tmp_path}/socket" if family == "unix" else "127.0.0.1:0"
    cache = start_cache({registry.host: way.host}, listen=[listen, "127.0.0.1:0"])
    address = listen if family == "unix" else cache.host
    args = ["--plain-http", "--insecure-policy", "accept-anything", "--cache", address]
    for i in range(3):
        coco.run("image", "pull", *args, f"{registry.host}/big:1", tmp_path / f"guest{i}", code=0)
        assert (tmp_path / f"guest{i}/rootfs/a").read_bytes() == noise(6 << 20, "a")
    size = sum(layer["size"] for layer in manifest_of(big)["layers"])
    assert size <= way.received <= 1.05 * size
    # What the tag is, the registry was asked each time, and not through the cache.
    assert not any(b"/manifests/1 " in request for request in way.requests)
    plan = coco.run("image", "plan", "--json", "--plain-http", "--cache", address, f"{registry.host}/big:1", code=0)
    assert json.loads(plan.stdout)["fetch"] >= size
    assert way.received <= 1.05 * size
    cache.stop()
    coco.run("image", "pull", *args, f"{registry.host}/big:1", tmp_path / "without", code=0)
    assert (tmp_path / "without/rootfs/a").read_bytes() == noise(6 << 20, "a")


def test_an_address_that_is_none_is_told(coco, tmp_path):
    for address in ("cache.example:5050", "vsock:any:1", "unix:relative"):
        done = coco.run("image", "pull", "--cache", address, "h/a@sha256:" + 64 * "0", tmp_path / "x", code=2)
        assert address in done.stderr.decode()


def test_who_comes_while_it_is_fetched_joins(coco, start_cache, registry, way, big, tmp_path):
    cache = start_cache({NAME: way.host})
    layer = manifest_of(big)["layers"][0]
    path = f"/v2/{NAME}/big/blobs/{layer['digest']}"
    way.slow = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(GUESTS) as pool:
        first = pool.submit(cache.ask, path)
        assert wait_until(lambda: cache.counter("misses_total") == 1)
        others = [pool.submit(cache.ask, path) for _ in range(5)]
        part = pool.submit(cache.ask, path, Range="bytes=1000000-1999999")
        assert wait_until(lambda: cache.counter("joins_total") == 6)
        way.slow.set()
        whole = big.blob(layer["digest"]).read_bytes()
        assert all(one.result()[2] == whole for one in (first, *others))
        status, headers, said = part.result()
    assert (status, said) == (206, whole[1_000_000:2_000_000])
    assert headers["Content-Range"] == f"bytes 1000000-1999999/{len(whole)}"
    assert cache.counter("upstream_bytes_total") == len(whole)


def test_memory_does_not_grow_with_blobs_or_clients(coco, start_cache, registry, way, tmp_path):
    made = Layout(tmp_path / "huge")
    made.digest = made.add_image("app", [{"a": noise(64 << 20, "huge")}])
    push(coco, made, registry.host, "huge")
    cache = start_cache({NAME: way.host})
    path = f"/v2/{NAME}/huge/blobs/{manifest_of(made)['layers'][0]['digest']}"

    def swallow():
        connection = http.client.HTTPConnection(cache.host, timeout=TIMEOUT_S)
        connection.request("GET", path)
        reply = connection.getresponse()
        digest = hashlib.sha256()
        while data := reply.read(1 << 20):
            digest.update(data)
        connection.close()
        return digest.hexdigest()

    with concurrent.futures.ThreadPoolExecutor(GUESTS) as pool:
        done = {one.result() for one in [pool.submit(swallow) for _ in range(GUESTS)]}
    assert done == {path.rsplit(":", 1)[1]}
    peak = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{cache.process.pid}/status").read_text())
    assert int(peak[1]) < 32 << 10 or "ASAN_OPTIONS" in os.environ
    assert cache.counter("misses_total") == 1


# ---- a cache that is not what it should be ----


@pytest.mark.parametrize("what", ["config", "small layer", "large layer", "manifest"])
def test_a_block_that_was_poisoned_is_got_from_the_registry(
    coco, start_cache, registry, way, big, tmp_path, what
):
    """The cache does not look, the guest does."""
    cache = start_cache({NAME: way.host}, verify=False)
    conf = mirror_conf(tmp_path, registry.host, f"{cache.host}/{NAME}")
    ref = f"{registry.host}/big@{big.digest}"
    pull(coco, conf, ref, tmp_path / "first")
    manifest = manifest_of(big)
    if what == "manifest":
        (path,) = cache.files("manifest")
        flip(path, -10)
    else:
        # The second layer is small enough to be looked at before it is unpacked, the first is not.
        large, small = manifest["layers"]
        assert small["size"] < 4 << 20 < large["size"]
        blob = {"config": manifest["config"], "small layer": small, "large layer": large}[what]
        (path,) = cache.blobs.glob(f"*/blob-sha256-{blob['digest'][7:]}")
        flip(path)
    spoiled = path.read_bytes()
    pull(coco, conf, ref, tmp_path / "second")
    assert (tmp_path / "second/rootfs/b").read_bytes() == noise(3 << 20, "b")
    assert path.read_bytes() == spoiled  # it was asked, and not believed


def test_a_cache_that_looks_heals_itself(coco, start_cache, registry, way, big, tmp_path):
    cache = start_cache({NAME: way.host})
    layer = manifest_of(big)["layers"][0]
    path = f"/v2/{NAME}/big/blobs/{layer['digest']}"
    whole = big.blob(layer["digest"]).read_bytes()
    assert cache.ask(path)[2] == whole
    (file,) = cache.files()
    flip(file)
    with pytest.raises(http.client.IncompleteRead):
        cache.ask(path)
    assert cache.counter("bad_entries_total") == 1 and not cache.files()
    assert cache.ask(path)[2] == whole
    assert [one.read_bytes() for one in cache.files()] == [whole]


def test_a_disk_that_is_smaller_than_the_budget_is_cleared(coco, start_cache, registry, way, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", disk], capture_output=True, check=False).returncode:
        pytest.skip("cannot mount")
    try:
        made = Layout(tmp_path / "parts")
        made.digest = made.add_image("app", [{"a": noise(3 << 20, f"part{i}")} for i in range(6)] + [{"b": noise(9 << 20, "b")}])
        push(coco, made, registry.host, "parts")
        cache = start_cache({NAME: way.host}, directory=str(disk / "blobs"))
        *small, large = [f"/v2/{NAME}/parts/blobs/{layer['digest']}" for layer in manifest_of(made)["layers"]]
        for path in small * 2:
            status, _, said = cache.ask(path)
            assert status == 200 and "sha256:" + hashlib.sha256(said).hexdigest() == path.rsplit("/", 1)[1]
        assert cache.counter("evictions_total") > 0
        # What cannot be is said before it begins, and costs nothing that is there.
        before = cache.counter("evictions_total")
        assert cache.ask(large)[0] == 503
        assert cache.counter("evictions_total") == before
        assert cache.stop() == 0
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_block_that_is_missing_is_fetched_again(coco, start_cache, registry, way, big, tmp_path):
    cache = start_cache({NAME: way.host})
    conf = mirror_conf(tmp_path, registry.host, f"{cache.host}/{NAME}")
    ref = f"{registry.host}/big@{big.digest}"
    pull(coco, conf, ref, tmp_path / "first")
    before = cache.files()
    before[0].unlink()
    way.requests.clear()
    pull(coco, conf, ref, tmp_path / "second")
    assert cache.files() == before
    assert sum(request.startswith(b"GET") for request in way.requests) == 1


def test_without_the_cache_the_registry_is_asked(coco, start_cache, registry, way, big, tmp_path):
    cache = start_cache({NAME: way.host})
    conf = mirror_conf(tmp_path, registry.host, f"{cache.host}/{NAME}")
    assert cache.stop() == 0
    pull(coco, conf, f"{registry.host}/big:1", tmp_path / "bundle")
    assert (tmp_path / "bundle/rootfs/c").read_bytes() == b"small\n"


def test_a_cache_that_is_killed_leaves_nothing_half(coco, start_cache, registry, way, big, tmp_path):
    cache = start_cache({NAME: way.host})
    conf = mirror_conf(tmp_path, registry.host, f"{cache.host}/{NAME}")
    way.slow = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        guest = pool.submit(pull, coco, conf, f"{registry.host}/big:1", tmp_path / "bundle")
        # A manifest, a config and a layer: that one cannot end meanwhile.
        assert wait_until(lambda: cache.counter("misses_total") >= 3)
        cache.stop(signal.SIGKILL)
        way.slow.set()
        guest.result()  # the pull lives
    assert (tmp_path / "bundle/rootfs/a").read_bytes() == noise(6 << 20, "a")
    assert list(cache.blobs.glob("tmp/*"))
    assert all(
        hashlib.sha256(one.read_bytes()).hexdigest() == one.name.rsplit("-", 1)[1]
        for one in cache.files()
    )
    again = start_cache({NAME: way.host})
    assert not list(again.blobs.glob("tmp/*"))
    conf = mirror_conf(tmp_path, registry.host, f"{again.host}/{NAME}")
    pull(coco, conf, f"{registry.host}/big:1", tmp_path / "again")
    assert again.counter("fetch_failures_total") == 0


def test_the_directory_stays_within_its_budget(coco, start_cache, registry, way, tmp_path):
    cache = start_cache({NAME: way.host}, max_bytes=4 << 20)
    for i in range(6):
        made = Layout(tmp_path / f"layout{i}")
        made.digest = made.add_image("app", [{"a": noise(1 << 20, f"{i}")}])
        push(coco, made, registry.host, f"some{i}")
        layer = manifest_of(made)["layers"][0]["digest"]
        assert cache.ask(f"/v2/{NAME}/some{i}/blobs/{layer}")[0] == 200
        assert wait_until(lambda: not list(cache.blobs.glob("tmp/*")))
        assert sum(one.stat().st_size for one in cache.files()) <= 4 << 20
    assert cache.counter("evictions_total") >= 2


def test_two_caches_may_share_a_directory(coco, start_cache, registry, way, big, tmp_path):
    one = start_cache({NAME: way.host}, directory=str(tmp_path / "shared"))
    two = start_cache({NAME: way.host}, "two", directory=str(tmp_path / "shared"))
    layers = [layer["digest"] for layer in manifest_of(big)["layers"]]
    with concurrent.futures.ThreadPoolExecutor(GUESTS) as pool:
        asked = [
            pool.submit(cache.ask, f"/v2/{NAME}/big/blobs/{digest}")
            for digest in layers for cache in (one, two) for _ in range(3)
        ]  # fmt: skip
        for i, done in enumerate(asked):
            assert done.result()[2] == big.blob(layers[i // 6]).read_bytes()
    assert wait_until(lambda: not list((tmp_path / "shared/tmp").iterdir()))
    assert len(list((tmp_path / "shared/public").iterdir())) == len(layers)
    one.stop(signal.SIGKILL)
    before = way.received
    assert two.ask(f"/v2/{NAME}/big/blobs/{layers[0]}")[0] == 200
    assert way.received == before


# ---- private images ----

USER = "alice:secret-of-alice"


def basic(credential):
    return "Basic " + base64.b64encode(credential.encode()).decode()


@pytest.fixture
def private(coco, new_registry, tmp_path):
    """A registry that only USER may read, with an image; (host, layout, auth.json)."""
    user, password = USER.split(":")
    (tmp_path / "htpasswd").write_bytes(
        subprocess.run(
            [needs("htpasswd"), "-nbB", user, password], check=True, capture_output=True
        ).stdout
    )
    locked = new_registry(
        "locked", auth={"htpasswd": {"realm": "here", "path": str(tmp_path / "htpasswd")}}
    )
    made = Layout(tmp_path / "private")
    made.digest = made.add_image("app", [{"a": noise(1 << 20, "private")}])
    auth = tmp_path / "auth.json"
    auth.write_text(json.dumps({"auths": {locked.host: {"auth": basic(USER).split()[1]}}}))
    coco.run(
        "image", "push", "--plain-http", "--authfile", auth, made.ref("app"), f"{locked.host}/app:1",
        code=0,
    )  # fmt: skip
    return locked.host, made, auth


def test_a_private_image_is_for_whom_the_registry_lets(start_cache, private):
    host, made, _ = private
    cache = start_cache({NAME: host})
    layer = manifest_of(made)["layers"][0]["digest"]
    blob, manifest = f"/v2/{NAME}/app/blobs/{layer}", f"/v2/{NAME}/app/manifests/"
    others = ({}, {"Authorization": basic("alice:wrong")}, {"Authorization": "Bearer x"})
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    mine = {"Authorization": basic(USER)} | accept
    for _ in range(2):  # before it is there, and after
        for path in (blob, manifest + "1", manifest + made.digest):
            for headers in others:
                for method in ("GET", "HEAD"):
                    status, fields, said = cache.ask(path, method, **headers)
                    assert status == 401, (path, headers)
                    assert fields["WWW-Authenticate"].startswith("Basic realm=")
                    assert len(said) < 200
            assert cache.ask(path, **mine)[0] == 200
        assert cache.ask(blob, **mine)[2] == made.blob(layer).read_bytes()
    assert wait_until(lambda: not list(cache.blobs.glob("tmp/*")))
    assert {path.parent.name for path in cache.files() + cache.files("manifest")} == {f"private.{NAME}"}
    assert b"secret-of-alice" not in cache.log and basic(USER).encode() not in cache.log


def test_an_operator_may_lend_a_credential(coco, start_cache, private, registry, tmp_path):
    host, made, auth = private
    cache = start_cache({}, more_upstreams={
        NAME: {"registry": host, "plain_http": True, "auth_file": str(auth)},
        "other.test": {"registry": host, "plain_http": True},
    })  # fmt: skip
    layer = manifest_of(made)["layers"][0]["digest"]
    assert cache.ask(f"/v2/other.test/app/blobs/{layer}")[0] == 401
    assert cache.ask(f"/v2/{NAME}/app/blobs/{layer}")[2] == made.blob(layer).read_bytes()
    assert wait_until(lambda: not list(cache.blobs.glob("tmp/*")))
    assert [path.parent.name for path in cache.files()] == [f"shared.{NAME}"]
    # That is no word about who names the registry otherwise.
    assert cache.ask(f"/v2/other.test/app/blobs/{layer}")[0] == 401
    conf = mirror_conf(tmp_path, host, f"{cache.host}/{NAME}")
    pull(coco, conf, f"{host}/app:1", tmp_path / "bundle")


# ---- other clients ----


def test_skopeo_pulls_through_it(start_cache, registry, way, big, tmp_path):
    cache = start_cache({NAME: way.host})
    conf = tmp_path / ".config/containers"
    conf.mkdir(parents=True)
    mirror_conf(conf, registry.host, f"{cache.host}/{NAME}")
    for i in range(2):
        subprocess.run(
            [needs("skopeo"), "--insecure-policy", "copy", "--src-tls-verify=false",
             f"docker://{registry.host}/big:1", f"dir:{tmp_path / f'copy{i}'}"],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            check=True, capture_output=True, timeout=TIMEOUT_S,
        )  # fmt: skip
        for layer in manifest_of(big)["layers"]:
            copied = tmp_path / f"copy{i}" / layer["digest"].split(":")[1]
            assert copied.read_bytes() == big.blob(layer["digest"]).read_bytes()
    blobs = [digest for digest in way.requests if digest.startswith(b"GET") and b"/blobs/" in digest]
    assert len(blobs) == len(set(blobs)) == 3  # a config and two layers, once


def test_skopeo_gets_private_images_from_the_registry(start_cache, private, tmp_path):
    """It shows no credential to a mirror whose /v2/ asks for none."""
    host, made, auth = private
    cache = start_cache({NAME: host})
    conf = tmp_path / ".config/containers"
    conf.mkdir(parents=True)
    mirror_conf(conf, host, f"{cache.host}/{NAME}")
    auths = json.loads(auth.read_text())["auths"]
    auth.write_text(json.dumps({"auths": auths | {f"{cache.host}/{NAME}": auths[host]}}))
    subprocess.run(
        [needs("skopeo"), "--insecure-policy", "copy", "--src-tls-verify=false", "--authfile", auth,
         f"docker://{host}/app:1", f"dir:{tmp_path / 'copy'}"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        check=True, capture_output=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    layer = manifest_of(made)["layers"][0]["digest"]
    assert (tmp_path / "copy" / layer.split(":")[1]).read_bytes() == made.blob(layer).read_bytes()
    assert cache.counter("refusals_total") > 0 and not cache.files()


@pytest.fixture
def containerd(tmp_path):
    """The address of a containerd that keeps everything below tmp_path."""
    program = needs("containerd")
    if os.geteuid() != 0:
        pytest.skip("needs root")
    (tmp_path / "containerd.toml").write_text(
        'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'root = "{tmp_path}/containerd/root"\nstate = "{tmp_path}/containerd/state"\n'
        f'[grpc]\naddress = "{tmp_path}/c.sock"\n'
    )
    with open(tmp_path / "containerd.log", "wb") as log:
        process = subprocess.Popen(
            [program, "--config", tmp_path / "containerd.toml"], stdout=log, stderr=log
        )
    address = tmp_path / "c.sock"
    ready = wait_until(lambda: address.exists() or process.poll() is not None, 30)
    if not ready or process.poll() is not None:
        process.kill()
        pytest.skip("containerd does not start here")
    yield address
    process.terminate()
    process.wait(TIMEOUT_S)
    shutil.rmtree(tmp_path / "containerd", ignore_errors=True)


def test_containerd_pulls_through_it(start_cache, registry, way, big, containerd, tmp_path):
    cache = start_cache({registry.host: way.host})
    hosts = tmp_path / "certs.d" / registry.host
    hosts.mkdir(parents=True)
    (hosts / "hosts.toml").write_text(
        f'server = "http://127.0.0.1:1"\n[host."{cache.url}"]\ncapabilities = ["pull", "resolve"]\n'
    )
    subprocess.run(
        [needs("ctr"), "--address", containerd, "content", "fetch", "--hosts-dir", tmp_path / "certs.d",
         f"{registry.host}/big:1"],
        check=True, capture_output=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    # The registry is named in the query alone.
    blobs = tmp_path / "containerd/root/io.containerd.content.v1.content/blobs/sha256"
    for layer in manifest_of(big)["layers"]:
        assert (blobs / layer["digest"].split(":")[1]).read_bytes() == big.blob(layer["digest"]).read_bytes()
    assert cache.counter("misses_total") == 4


# ---- a program ----


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        ([], 2, "which configuration?"),
        (["--what"], 2, "what is that?"),
        (["--log", "xml", "-c", "x"], 2, "text or json"),
        (["-c", "/no/such"], 1, "/no/such"),
        (["-c", "x", "--listen", "y"], 2, "either"),
        (["--directory", "/tmp"], 1, "listen"),
        (["--directory", "/tmp", "--listen", "127.0.0.1:0"], 1, "upstreams"),
        (["--max-bytes", "much"], 2, "a number"),
    ],
)
def test_it_says_what_is_wrong(args, code, says):
    done = subprocess.run(
        [PROGRAM, *args], env={"PATH": os.environ["PATH"]}, capture_output=True, timeout=TIMEOUT_S,
        check=False,
    )  # fmt: skip
    assert done.returncode == code and says in done.stderr.decode(), done.stderr


def test_options_are_enough_and_systemd_is_told(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(TIMEOUT_S)
        process = subprocess.Popen(
            [PROGRAM, "--directory", tmp_path / "blobs", "--upstream", "docker.io", "--listen",
             f"unix:{tmp_path}/socket"],
            env={"PATH": os.environ["PATH"], "NOTIFY_SOCKET": str(tmp_path / "notify")},
            stderr=subprocess.PIPE,
        )  # fmt: skip
        assert notified.recv(100) == b"READY=1"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "socket"))
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
        process.terminate()
        said = process.communicate(timeout=TIMEOUT_S)[1].decode()
    assert process.returncode == 0
    assert f"info serving at unix:{tmp_path}/socket" in said and "info ending" in said
    assert not (tmp_path / "socket").exists()
