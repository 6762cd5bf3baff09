"""What the end-to-end tests share: the program, keys, images, a registry, a broker.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from layout import Layout

PROGRAM = os.environ.get("COCO", "coco")
PASSED_ON = ("ASAN_OPTIONS", "COCO_POLICY_ENGINE", "UBSAN_OPTIONS", "LSAN_OPTIONS", "MALLOC_PERTURB_", "LD_LIBRARY_PATH")
TIMEOUT_S = 60

# Whoever runs this by nohup(1) ignores it, and so would all programs that are started here.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_sessionfinish(session, exitstatus):
    """A file that needs what is not there is skipped as a whole; meson knows that by 77."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = 77


def wait_until(condition, seconds=10):
    """Waits until condition() is true, in small waits on nothing."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def needs(program):
    path = shutil.which(program)
    if not path:
        pytest.skip(f"needs {program}")
    return path


class Coco:
    """The program, in a directory and an environment of its own."""

    def __init__(self, home):
        self.home = pathlib.Path(home)
        self.tmp = self.home / "tmp"
        self.tmp.mkdir()

    def environment(self, **variables):
        env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        env |= {"PATH": os.environ["PATH"], "HOME": str(self.home), "TMPDIR": str(self.tmp)}
        return env | variables

    def run(self, *args, code=None, stdin=b"", fds=(), **variables):
        """Runs it, with these files open; code is the exit code it must have, None for any."""
        done = subprocess.run(
            [PROGRAM, *map(str, args)],
            env=self.environment(**variables),
            input=stdin,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
            cwd=self.home,
            pass_fds=fds,
        )
        if code is not None:
            assert done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
        return done

    def start(self, *args, stdin=subprocess.DEVNULL, **variables):
        return subprocess.Popen(
            [PROGRAM, *map(str, args)],
            env=self.environment(**variables),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.home,
        )

    def json(self, *args, code=0, **variables):
        """The object of stdout's last line, or of an error's on stderr."""
        done = self.run(*args, "--json", code=code, **variables)
        return json.loads((done.stdout if code == 0 else done.stderr).splitlines()[-1])


@pytest.fixture
def coco(tmp_path):
    return Coco(tmp_path)


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """keys("rsa") or keys("ec"): private and public key of that kind, PEM."""
    top = tmp_path_factory.mktemp("keys")
    options = {
        "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        "ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "ed25519": ["-algorithm", "ed25519"],
    }

    def make(kind, name="key"):
        private, public = top / f"{kind}-{name}.pem", top / f"{kind}-{name}.pub"
        if not public.exists():
            subprocess.run(
                ["openssl", "genpkey", *options[kind], "-out", private], check=True, capture_output=True
            )
            subprocess.run(
                ["openssl", "pkey", "-in", private, "-pubout", "-out", public],
                check=True,
                capture_output=True,
            )
        return private, public

    return make


FILES = {"etc/motd": b"hello\n", "bin/big": bytes(range(256)) * 4096}


@pytest.fixture
def layout(tmp_path):
    """An OCI layout with the image "app" of two layers, not encrypted."""
    made = Layout(tmp_path / "plain")
    made.add_image("app", [FILES, {"etc/second": b"layer\n"}])
    return made


class Registry:
    """A real registry that keeps its blobs below top, until stop(); more is put into its configuration."""

    def __init__(self, top, tls=None, **more):
        self.top = pathlib.Path(top)
        self.top.mkdir(exist_ok=True)
        self.host = f"127.0.0.1:{free_port()}"
        config = {
            "version": 0.1,
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(self.top / "data")}},
            "http": {"addr": self.host} | ({"tls": tls} if tls else {}),
        }
        (self.top / "config.yml").write_text(json.dumps(config | more))
        with open(self.top / "log", "wb") as log:
            self.process = subprocess.Popen(
                [needs("docker-registry"), "serve", self.top / "config.yml"], stdout=log, stderr=log
            )
        assert wait_until(lambda: answers(int(self.host.split(":")[1])))

    def blob(self, digest):
        """The file of a blob."""
        hexes = digest.split(":")[1]
        return self.top / f"data/docker/registry/v2/blobs/sha256/{hexes[:2]}/{hexes}/data"

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    """A registry for everybody; .host is its name, .blob(digest) the file of a blob."""
    made = Registry(tmp_path_factory.mktemp("registry"))
    yield made
    made.stop()


@pytest.fixture
def new_registry(tmp_path):
    """new_registry(name, …) starts another one."""
    made = []

    def start(name, **more):
        made.append(Registry(tmp_path / name, **more))
        return made[-1]

    yield start
    for one in made:
        one.stop()


@pytest.fixture
def tls_registry(new_registry, tmp_path):
    """A registry that speaks TLS with the certificate .ca, which also calls it localhost."""
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-days", "2", "-out", certificate, "-keyout", key],
        check=True,
        capture_output=True,
    )  # fmt: skip
    made = new_registry("tls", tls={"certificate": str(certificate), "key": str(key)})
    made.ca = certificate
    return made


class Broker:
    """`coco kbs serve`, until stop()."""

    def __init__(self, coco, *args, **variables):
        self.process = coco.start("kbs", "serve", *args, **variables)
        self.url = self.process.stdout.readline().decode().strip()
        if not self.url:
            pytest.fail(self.process.communicate()[1].decode())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=TIMEOUT_S)
        return self.process.returncode


@pytest.fixture
def serve(coco):
    """serve(args…) starts a broker."""
    brokers = []

    def start(*args, **variables):
        brokers.append(Broker(coco, *args, **variables))
        return brokers[-1]

    yield start
    for broker in brokers:
        if broker.process.returncode is None:
            broker.stop()


@pytest.fixture
def broker(serve, keys):
    """A development broker that the Ed25519 key administers."""
    return serve("--dev", "--listen", "127.0.0.1:0", "--admin-key", keys("ed25519")[1])


@pytest.fixture
def owner(broker, keys):
    """Options of whoever administers broker."""
    return ["--kbs", broker.url, "--kbs-admin-key", keys("ed25519")[0]]


@pytest.fixture
def silent_server():
    """A server at .port that says nothing; .asked is set at the first byte it is sent."""

    class Server:
        asked = threading.Event()
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        peers = []

        @classmethod
        def serve(cls):
            try:
                while True:
                    cls.peers.append(cls.listener.accept()[0])
                    cls.peers[-1].recv(1)
                    cls.asked.set()
            except OSError:
                pass

    threading.Thread(target=Server.serve, daemon=True).start()
    yield Server
    Server.listener.shutdown(socket.SHUT_RDWR)
    Server.listener.close()
    for peer in Server.peers:
        peer.close()


@pytest.fixture
def bad_link(registry):
    """A way to the registry .to, at .host, on which no connection brings more than .room bytes.

    The first .narrow ones take no more than .room_up bytes there, either.
    """

    class Link:
        to = registry.host
        room = room_up = 200_000
        narrow = 0
        connections = 0
        listener = socket.create_server(("127.0.0.1", 0))
        host = f"127.0.0.1:{listener.getsockname()[1]}"

        @staticmethod
        def send_on(source, target, left):
            try:
                while left > 0 and (data := source.recv(min(left, 65536))):
                    target.sendall(data)
                    left -= len(data)
                if left == 0:
                    source.shutdown(socket.SHUT_RDWR)
                    target.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

        @classmethod
        def carry(cls, client, room_up):
            name, port = cls.to.split(":")
            with client, socket.create_connection((name, int(port))) as server:
                threading.Thread(target=cls.send_on, args=(client, server, room_up), daemon=True).start()
                left = cls.room
                while left > 0 and (data := server.recv(min(left, 65536))):
                    client.sendall(data)
                    left -= len(data)
                for end in (client, server):
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)

        @classmethod
        def serve(cls):
            try:
                while True:
                    client = cls.listener.accept()[0]
                    room_up = cls.room_up if cls.connections < cls.narrow else 1 << 40
                    cls.connections += 1
                    threading.Thread(target=cls.carry, args=(client, room_up), daemon=True).start()
            except OSError:
                pass

    threading.Thread(target=Link.serve, daemon=True).start()
    yield Link
    Link.listener.shutdown(socket.SHUT_RDWR)
    Link.listener.close()


def leftovers(folder):
    """What lies in a directory, by name; hidden files, too."""
    return sorted(path.name for path in pathlib.Path(folder).iterdir())
