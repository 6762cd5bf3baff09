"""coco-kbs as its page (doc/coco-kbs.md) has it: its command line, its ends, what it says.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import re
import resource
import signal
import socket
import ssl
import subprocess

import pytest

from conftest import free_port, needs, wait_until
from daemon import PROGRAM, TIMEOUT_S, Daemon, admin_config, admin_token, at_a_free_port, environment, make_certificate


def run(*args, **variables):
    return subprocess.run(
        [PROGRAM, *args], env=environment() | variables, stdin=subprocess.DEVNULL,
        capture_output=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip


def refuses(folder, config, why):
    """A configuration that makes it end with 1, for a reason that it gives in one line."""
    (folder / "kbs.toml").write_bytes(config if isinstance(config, bytes) else config.encode())
    done = run("--config", folder / "kbs.toml")
    lines = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout, len(lines)) == (1, b"", 1), done
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ error ", lines[0])
    assert why in lines[0]
    as_json = run("--log", "json", "--config", folder / "kbs.toml")
    assert as_json.returncode == 1
    said = json.loads(as_json.stderr)
    assert said["level"] == "error" and why in said["message"]


@pytest.mark.parametrize(
    "args",
    [
        ["--bogus"],
        ["-x"],
        ["--config"],
        ["--config="],
        ["--log"],
        ["--log", "xml", "--config", "/dev/null"],
        ["--log=", "--config", "/dev/null"],
        ["--config", "/dev/null", "word"],
        ["--version=1"],
        ["--help=1"],
        [],
        [""],
    ],
    ids=lambda args: " ".join(args) or "nothing",
)
def test_2_is_a_wrong_command_line(args):
    done = run(*args)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"usage: coco-kbs " in done.stderr


def test_an_empty_name_of_the_configuration_is_none():
    done = run(KBS_CONFIG_FILE="")
    assert done.returncode == 2
    assert b"which configuration?" in done.stderr


@pytest.mark.parametrize("args", [["--help"], ["-h"], ["--help", "--config", "/nowhere"]])
def test_0_help_is_on_stdout(args):
    done = run(*args)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"usage: coco-kbs ")
    for option in (b"--config", b"--log", b"--version", b"KBS_CONFIG_FILE"):
        assert option in done.stdout


def test_0_version_is_on_stdout():
    done = run("--version")
    assert (done.returncode, done.stderr) == (0, b"")
    assert re.fullmatch(rb"coco-kbs \d+\.\d+\.\d+\S*\n", done.stdout)


@pytest.mark.parametrize(
    "config,why",
    [
        ("[http_server]\nsocket = []\n", "'socket', did you mean 'sockets'?"),
        ("[http_server]\nprivate_keys = ''\n", "'private_keys', did you mean 'private_key'?"),
        ("[http_sever]\n", "'http_sever', did you mean 'http_server'?"),
        ("[admin]\nauthorisation_mode = 'DenyAll'\n", "'authorisation_mode', did you mean 'authorization_mode'?"),
        ("[nonsense]\n", "nonsense"),
        ("sockets = ['127.0.0.1:0']\n", "sockets"),
        ("[http_server]\nsockets = ['127.0.0.1']\n", "'127.0.0.1' is not ADDRESS:PORT"),
        ("[http_server]\nsockets = ['example.org:80']\n", "'example.org:80' is not ADDRESS:PORT"),
        ("[http_server]\nmax_connections = 0\n", "max_connections: is not a number from 1 to 65536"),
        ("[http_server]\nworker_count = 4\n", "worker_count: is not supported"),
        ("[admin]\nauthorization_mode = 'InsecureAllowAll'\n", "InsecureAllowAll is not supported"),
        ("[http_server\n", "line 1"),
        ("a = 1\na = 2\n", "line 2"),
        (b"\xff\n", "invalid UTF-8"),
        (b"a = 1\0\n", "kbs.toml: "),
        (b"#" * ((1 << 20) + 1), "kbs.toml: File too large"),
    ],
    ids=str,
)
def test_1_is_a_configuration_that_is_not_understood(tmp_path, config, why):
    refuses(tmp_path, config, why)


@pytest.mark.parametrize("path,why", [("nowhere", "No such file"), (".", "Is a directory")])
def test_1_is_a_configuration_that_cannot_be_read(tmp_path, path, why):
    done = run("--config", tmp_path / path)
    assert done.returncode == 1
    assert why in done.stderr.decode()


def test_1_is_a_port_in_use(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refuses(
            tmp_path,
            f'[http_server]\nsockets = ["127.0.0.1:0", "127.0.0.1:{port}"]\n',
            f"cannot listen at 127.0.0.1:{port}: Address already in use",
        )


def test_1_is_plain_http_that_others_could_reach(tmp_path):
    for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:80"):
        refuses(tmp_path, f'[http_server]\nsockets = ["{address}"]\n', f"{address} would serve plain HTTP to others")


def test_others_are_served_over_tls(tmp_path):
    cert, key = make_certificate(tmp_path)
    config = f'[http_server]\nsockets = ["0.0.0.0:0"]\ncertificate = "{cert}"\nprivate_key = "file://{key}"\n'
    daemon = Daemon(tmp_path, config)
    daemon.url = daemon.url.replace("0.0.0.0", "127.0.0.1")
    assert daemon.url.startswith("https://")
    assert daemon.ask("GET", "/resource", ca=cert)[0] == 401
    with pytest.raises(ssl.SSLCertVerificationError):
        daemon.ask("GET", "/resource")
    assert daemon.stop() == 0


def test_1_is_a_key_of_tls_that_is_none(tmp_path):
    (tmp_path / "other").mkdir()
    cert, key = make_certificate(tmp_path)
    _, other = make_certificate(tmp_path / "other")
    (tmp_path / "garbage").write_text("garbage")
    (tmp_path / "folder").mkdir()
    for path, why in (
        (tmp_path / "nowhere", "no file"),
        (tmp_path / "folder", "Is a directory"),
        (tmp_path / "garbage", "private_key"),
        (cert, "private_key"),
        (other, "private_key is not the certificate's"),
    ):
        refuses(tmp_path, f'[http_server]\ncertificate = "{cert}"\nprivate_key = "{path}"\n', why)
    refuses(tmp_path, f'[http_server]\nprivate_key = "{key}"\n', "private_key and certificate go together")


def test_1_is_a_database_that_others_may_read(tmp_path):
    (tmp_path / "kbs.db").write_bytes(b"")
    (tmp_path / "kbs.db").chmod(0o644)
    config = (
        '[storage_backend]\nstorage_type = "Sqlite"\n[storage_backend.backends.sqlite]\n'
        f'path = "{tmp_path}/kbs.db"\n'
    )
    refuses(tmp_path, config, "may be read by others (mode 0644): chmod 600 it")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("form", ["text", "json"])
def test_0_is_the_end_that_a_signal_makes(tmp_path, number, form):
    """It says where it serves once it does, and that it ends."""
    daemon = Daemon(tmp_path, "", "--log", form)
    connection = daemon.connect()
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b""
    # The connection, which is still open and idle, does not hold it up.
    assert daemon.stop(number) == 0
    assert connection.sock.recv(1) == b""
    lines = daemon.log.decode().splitlines()
    if form == "json":
        lines = [json.loads(line) for line in lines]
        assert all(set(line) == {"time", "level", "message"} for line in lines)
        lines = [f"{line['time']} {line['level']} {line['message']}" for line in lines]
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(rf"{time} info serving at http://127\.0\.0\.1:\d+", lines[0])
    assert re.fullmatch(rf"{time} info ending", lines[-1])
    assert daemon.output == b""


def is_refused(daemon):
    try:
        daemon.connect().connect()
    except ConnectionRefusedError:
        return True
    return False


def test_a_request_under_way_is_answered_before_the_end(tmp_path, keys):
    private, public = keys("ed25519")
    daemon = Daemon(tmp_path, admin_config(public))
    connection = daemon.connect()
    connection.putrequest("POST", "/kbs/v0/resource/a/b/c")
    connection.putheader("Authorization", f"Bearer {admin_token(private)}")
    connection.putheader("Content-Length", "6")
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    # Its head has arrived, for the answer is there.
    assert connection.sock.recv(64) == b"HTTP/1.1 100 Continue\r\n\r\n"
    daemon.process.send_signal(signal.SIGTERM)
    # Others are told so, and may ask elsewhere.
    assert wait_until(lambda: is_refused(daemon))
    connection.send(b"secret")
    reply = connection.getresponse()
    assert reply.status == 200
    assert daemon.wait() == 0
    assert b"resource a/b/c stored" in daemon.log


@pytest.mark.parametrize("expect", ["Expect:", "Expect: 100-continue"], ids=["at once", "when told"])
def test_a_body_may_come_in_chunks(tmp_path, keys, expect):
    """As curl and others send what they read from a pipe."""
    private, public = keys("ed25519")
    daemon = Daemon(tmp_path, "[http_server]\npayload_request_size = 1\n" + admin_config(public))
    token = admin_token(private)

    def send(secret, path="a/b/c", **how):
        done = subprocess.run(
            [needs("curl"), "-sS", "-X", "POST", "-T", "-", "-H", f"Authorization: Bearer {token}", "-H", expect,
             "-w", "%{http_code}", "-o", "/dev/null", f"{daemon.url}/kbs/v0/resource/{path}"],
            input=secret, capture_output=True, check=False, timeout=TIMEOUT_S, **how,
        )  # fmt: skip
        return done.stdout

    assert send(bytes(1 << 20)) == b"200"
    assert send(bytes((1 << 20) + 1), "too/much/1") == b"413"
    # Piece by piece, on a connection that goes on.
    connection = daemon.connect()
    for pieces in ([b"in", b"", b" many ", b"pieces"], [b"x"] * 1000):
        connection.request(
            "POST", "/kbs/v0/resource/a/b/d", iter(pieces), {"Authorization": f"Bearer {token}"}
        )
        reply = connection.getresponse()
        assert (reply.status, reply.read()) == (200, b"")
    status, said = daemon.ask("GET", "/resource", token)
    assert status == 200 and b"a/b/c" in said and b"a/b/d" in said and b"too/much" not in said
    assert daemon.stop() == 0


def test_the_variable_names_the_configuration_and_the_option_goes_first(tmp_path):
    port = free_port()
    (tmp_path / "variable.toml").write_text(f'[http_server]\nsockets = ["127.0.0.1:{port}"]\n')
    (tmp_path / "option.toml").write_text(at_a_free_port(""))
    for args, want in (([], str(port)), (["-c", "/nowhere"], None), (["--config-file", tmp_path / "option.toml"], "")):
        process = subprocess.Popen(
            [PROGRAM, *args], env=environment() | {"KBS_CONFIG_FILE": str(tmp_path / "variable.toml")},
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        line = process.stderr.readline().decode()
        if want is not None:
            assert line.strip().endswith(want) and "serving at" in line
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == (0 if want is not None else 1)


def seconds_of_work(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def test_without_descriptors_it_waits_in_peace(tmp_path):
    """More peers than it has descriptors for: no spinning, no flood of lines, and later it serves again."""
    daemon = Daemon(
        tmp_path, "[http_server]\nhead_timeout = 1\n",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32)),
    )  # fmt: skip
    before = seconds_of_work(daemon.pid)
    peers = [daemon.connect() for _ in range(60)]
    for peer in peers:
        peer.connect()
    # The first to be taken say nothing, and are closed when their second is over; then come the next.
    for peer in peers:
        assert peer.sock.recv(1) == b""
    assert seconds_of_work(daemon.pid) - before < 1
    assert daemon.ask("GET", "/resource")[0] == 401
    assert daemon.stop() == 0
    lines = daemon.log.decode().splitlines()
    assert any("cannot take connections: Too many open files" in line for line in lines)
    assert all(re.match(r"\S+Z (info|warn) ", line) for line in lines)
    assert len(lines) < 60


def test_idle_it_holds_no_library_that_only_others_need(tmp_path):
    """libcurl and libpq, which bring thirty more, are loaded when something is asked of them."""
    daemon = Daemon(tmp_path, "[http_server]\nsockets = [\"127.0.0.1:0\"]\n")
    with open(f"/proc/{daemon.pid}/maps", encoding="ascii") as maps:
        mapped = maps.read()
    assert "libcrypto.so" in mapped
    for name in ("libcurl", "libpq", "libldap", "libkrb5", "libgnutls", "libcoco"):
        assert name not in mapped, name
    assert daemon.stop() == 0


def test_a_log_of_a_key_that_is_gone_is_not_gone_on_with(tmp_path):
    config = at_a_free_port("") + f'[audit]\npath = "{tmp_path}/log"\n'
    daemon = Daemon(tmp_path, config)
    assert daemon.stop() == 0
    before = (tmp_path / "log").read_bytes()
    done = subprocess.run(
        [PROGRAM, "--config", tmp_path / "kbs.toml"], env=environment(), capture_output=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 1 and b"without a database each start has another key" in done.stderr
    assert (tmp_path / "log").read_bytes() == before
