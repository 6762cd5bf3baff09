"""coco-keyprovider, asked by ocicrypt's own module and by gRPC's: as a command, over gRPC and ttrpc.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess

import pytest

from conftest import answers, free_port, needs, wait_until
from layout import Layout
from test_image import ANYTHING, assert_unpacked, is_encrypted
from test_interop import Module

PROGRAM = os.environ.get("COCO_KEYPROVIDER", "coco-keyprovider")
KEYS = "org.opencontainers.image.enc.keys.provider.attestation-agent"
KEK = bytes(range(32))


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    return Module(tmp_path_factory.mktemp("module"))


@pytest.fixture
def provider(tmp_path):
    """provider(options…) starts one; its configuration for ocicrypt, at gRPC, is the file that it gives."""
    with contextlib.ExitStack() as stack:

        def start(*options):
            port = free_port()
            process = stack.enter_context(subprocess.Popen(
                [PROGRAM, "--socket", f"127.0.0.1:{port}", *map(str, options)], stderr=subprocess.PIPE))
            stack.callback(process.terminate)
            assert wait_until(lambda: answers(port))
            return configure(tmp_path / f"{port}.json", {"grpc": f"127.0.0.1:{port}"})

        yield start


def configure(path, how):
    path.write_text(json.dumps({"key-providers": {"attestation-agent": how}}))
    return path


def packets(layout):
    layers = layout.manifest("app")["layers"]
    return [json.loads(base64.b64decode(layer["annotations"][KEYS])) for layer in layers]


def encrypt(module, layout, target, config, parameters):
    module.encrypt(layout, target, ["provider:attestation-agent" + parameters],
                   os.environ | {"OCICRYPT_KEYPROVIDER_CONFIG": str(config)})


def test_a_key_of_a_file_over_grpc_opens_in_a_guest(coco, layout, module, provider, broker, owner, tmp_path):
    theirs = Layout(tmp_path / "theirs")
    (tmp_path / "kek").write_bytes(KEK)
    encrypt(module, layout, theirs, provider(), f":keypath={tmp_path}/kek::keyid=kbs:///acme/key/1::algorithm=A256GCM")
    assert is_encrypted(theirs, "app") == [True, True]
    assert [packet["kid"] for packet in packets(theirs)] == ["kbs:///acme/key/1"] * 2
    coco.run("resource", "put", *owner, "acme/key/1", tmp_path / "kek", code=0)
    guest = ["--kbs", broker.url, "--tee", "sample"]
    coco.run("image", "pull", *ANYTHING, *guest, theirs.ref("app"), tmp_path / "bundle", code=0)
    assert_unpacked(tmp_path / "bundle")


def test_a_key_that_is_made_goes_to_the_kbs_first(coco, layout, module, provider, broker, owner, keys, tmp_path):
    theirs = Layout(tmp_path / "theirs")
    config = provider("--kbs", broker.url, "--auth-private-key", keys("ed25519")[0])
    encrypt(module, layout, theirs, config, "")
    kids = [packet["kid"] for packet in packets(theirs)]
    assert all(kid.startswith("kbs:///default/image-kek/") for kid in kids) and len(set(kids)) == 2
    assert coco.json("resource", "ls", *owner) == sorted(kid[len("kbs:///"):] for kid in kids)
    coco.run("image", "pull", *ANYTHING, "--kbs", broker.url, "--tee", "sample", theirs.ref("app"), tmp_path / "bundle", code=0)
    assert_unpacked(tmp_path / "bundle")


def test_nothing_is_encrypted_by_a_key_that_is_nowhere(layout, module, provider, broker, keys, tmp_path):
    for config, why in (
        (provider(), "would be nowhere"),
        (provider("--kbs", broker.url), "putting the key into the KBS"),
        (provider("--kbs", f"http://127.0.0.1:{free_port()}", "-a", keys("ed25519")[0]), "putting the key into the KBS"),
    ):
        done = subprocess.run(
            [module.peer, "encrypt", layout.path, tmp_path / "none", "provider:attestation-agent:keyid=/acme/key/1"],
            env=os.environ | {"OCICRYPT_KEYPROVIDER_CONFIG": str(config)}, capture_output=True, text=True, check=False)
        assert done.returncode == 1 and why in done.stderr


def test_as_a_command(coco, layout, module, tmp_path):
    theirs = Layout(tmp_path / "theirs")
    config = configure(tmp_path / "config.json", {"cmd": {"path": str(pathlib.Path(needs(PROGRAM)).resolve()), "args": []}})
    (tmp_path / "kek").write_bytes(KEK)
    encrypt(module, layout, theirs, config, f":keypath={tmp_path}/kek::keyid=/acme/key/1")
    assert [packet["kid"] for packet in packets(theirs)] == ["kbs:///acme/key/1"] * 2
    for wrong in "", ":sample=maybe", ":keypath=kek", ":keypath=/nowhere", ":algorithm=A256CTR", ":x=y":
        with pytest.raises(AssertionError):
            encrypt(module, layout, Layout(tmp_path / "none"), config, wrong)
    said = subprocess.run([PROGRAM], input=b"{}", capture_output=True, check=False)
    assert said.returncode == 1 and said.stdout == b"" and b"request to a key provider" in said.stderr


def test_in_the_background(layout, module, tmp_path):
    """Its files have names that everybody knows, so /run is another one here."""
    port, theirs = free_port(), Layout(tmp_path / "theirs")
    own_run = ["unshare", *([] if os.getuid() == 0 else ["--map-root-user"]), "--mount", "sh", "-c",
               'mount -t tmpfs tmpfs /run && exec "$@"', "sh", PROGRAM]
    again = [*own_run, "--daemon", "--socket", f"127.0.0.1:{port}"]
    done = subprocess.run([*again, "--log", "json"], capture_output=True, timeout=60, check=False)
    if b"unshare failed" in done.stderr:
        pytest.skip("no mount namespace of one's own")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    # Its sockets were there before the command ended, and so others cannot be.
    assert b"in use" in subprocess.run(again, capture_output=True, timeout=60, check=False).stderr
    [pid] = [path.parent.name for path in pathlib.Path("/proc").glob("[0-9]*/cmdline")
             if f"127.0.0.1:{port}" in read(path).split("\0")]
    state = pathlib.Path(f"/proc/{pid}/root/run/confidential-containers")
    try:
        assert wait_until(lambda: (state / "coco_keyprovider.pid").exists())
        assert (state / "coco_keyprovider.pid").read_text() == f"{pid}\n"
        assert (state / "coco_keyprovider.out").read_bytes() == b""
        assert os.getsid(int(pid)) == int(pid)
        (tmp_path / "kek").write_bytes(KEK)
        encrypt(module, layout, theirs, configure(tmp_path / "config.json", {"grpc": f"127.0.0.1:{port}"}),
                f":keypath={tmp_path}/kek::keyid=kbs:///acme/key/1")
        assert is_encrypted(theirs, "app") == [True, True]
        log = open(state / "coco_keyprovider.err", encoding="utf-8")  # noqa: SIM115, it is gone with the process
    finally:
        os.kill(int(pid), signal.SIGTERM)
    assert wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists())
    with log:
        assert [json.loads(line)["message"] for line in log][-1] == "ending"


@pytest.mark.parametrize("name", ["out", "err", "pid"])
def test_what_cannot_run_in_the_background_says_so(tmp_path, name):
    """Whoever started it would go on without it, or could not end it."""
    port = free_port()
    done = subprocess.run(
        ["unshare", *([] if os.getuid() == 0 else ["--map-root-user"]), "--mount", "sh", "-c",
         'mount -t tmpfs tmpfs /run && mkdir -p "$1" && shift && "$@"; echo $?', "sh",
         f"/run/confidential-containers/coco_keyprovider.{name}", PROGRAM, "--daemon", "--socket", f"127.0.0.1:{port}"],
        capture_output=True, text=True, timeout=60, check=False)
    if "unshare failed" in done.stderr:
        pytest.skip("no mount namespace of one's own")
    assert done.stdout.split()[0] == "1" and f"coco_keyprovider.{name}" in done.stderr
    assert wait_until(lambda: not answers(port))


def test_without_a_standard_error_no_client_gets_the_log():
    """The first descriptors that it opens would be the lowest: a client's connection would be its stderr."""
    port, clients = free_port(), []

    def connects():
        with contextlib.suppress(OSError):
            clients.append(socket.create_connection(("127.0.0.1", port), 10))
        return clients

    with subprocess.Popen(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", PROGRAM, "--socket", f"127.0.0.1:{port}"]) as process:
        assert wait_until(connects)
        with clients[0] as client:
            said = client.recv(1000)
            process.terminate()
            while more := client.recv(1000):
                said += more
    assert process.returncode == 0
    assert b"ending" not in said and said[3:5] == b"\4\0", said


def read(path):
    try:
        return path.read_text()
    except OSError:  # a process that ended
        return ""


def test_over_ttrpc_and_a_unix_socket(coco, layout, tmp_path):
    ours = Layout(tmp_path / "ours")
    sockets = {"ttrpc": tmp_path / "ttrpc.sock", "grpc": tmp_path / "grpc.sock"}
    with subprocess.Popen([PROGRAM, "--socket", f"unix:{sockets['grpc']}", "--ttrpc", f"unix://{sockets['ttrpc']}"]) as process:
        assert wait_until(lambda: all(path.exists() for path in sockets.values()))
        for kind, path in sockets.items():
            config = configure(tmp_path / "config.json", {kind: f"unix://{path}"})
            coco.run("image", "encrypt", "--key-providers", config, "--recipient", "provider:attestation-agent:sample=true",
                     layout.ref("app"), ours.ref("app"), code=0)
            assert [packet["kid"] for packet in packets(ours)] == ["kbs:///default/test-key/1"] * 2
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    # What is left of it is in nobody's way.
    with subprocess.Popen([PROGRAM, "--socket", f"unix:{sockets['grpc']}"], stderr=subprocess.PIPE) as process:
        assert b"serving" in process.stderr.readline()
        process.terminate()
        assert process.wait() == 0


GRPC = """
import grpc, sys
channel = grpc.insecure_channel(sys.argv[1])
ask = channel.unary_unary("/keyprovider.KeyProviderService/" + sys.argv[2])
try:
    print(ask(bytes.fromhex(sys.argv[3]), timeout=20).hex())
except grpc.RpcError as error:
    print(error.code().name, error.details())
"""


def test_grpc_is_told_what_is_wrong(provider):
    address = json.loads(provider().read_text())["key-providers"]["attestation-agent"]["grpc"]

    def ask(method, data):
        message = b"\x0a" + bytes([len(data) & 0x7F | 0x80, len(data) >> 7]) + data
        return subprocess.run(["python3", "-c", GRPC, address, method, message.hex()], capture_output=True, text=True,
                              check=True).stdout

    unwrap = b'{"op":"keyunwrap","keyunwrapparams":{"dc":{"Parameters":{}},"annotation":"AAAA"}}'.ljust(128)
    assert ask("UnWrapKey", unwrap).startswith("UNIMPLEMENTED")
    assert ask("WrapKey", b"nonsense".ljust(128)).startswith("INVALID_ARGUMENT")
    assert ask("Nonsense", b"".ljust(128)).startswith("UNIMPLEMENTED")


@pytest.mark.parametrize("args, why", [
    (["--nonsense"], "what is that?"), (["x"], "too many words"), (["-a", "/k"], "needs --kbs"), (["-d"], "needs an address"),
    (["--log", "xml"], "text or json"),
])
def test_what_is_no_option_is_told(args, why):
    done = subprocess.run([PROGRAM, *args], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and why in done.stderr and done.stdout == ""


def test_what_cannot_be_listened_at_is_told(tmp_path):
    for address in "nonsense", "example.org:1", f"unix:{tmp_path}/none/socket", "unix:" + "x" * 200:
        done = subprocess.run([PROGRAM, "--socket", address], capture_output=True, text=True, check=False)
        assert done.returncode == 1 and done.stderr
