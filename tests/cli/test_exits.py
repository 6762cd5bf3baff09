"""Every exit code, as documented, with its JSON.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import signal
import subprocess

import pytest

from conftest import PROGRAM, leftovers, wait_until
from layout import flip

ANYTHING = ["--insecure-policy", "accept-anything"]


def fails(coco, code, kind, *args, **variables):
    """The command fails with code, says so, and the same with --json."""
    plain = coco.run(*args, code=code, **variables)
    assert plain.stderr.decode().splitlines()[0].startswith(f"coco: {' '.join(args[:2])} : ")
    error = coco.json(*args, code=code, **variables)
    assert set(error) == {"id", "status", "what", "message", "exit_code"}
    assert error["id"] == kind
    assert error["exit_code"] == code
    assert error["message"]
    return error["message"]


def test_1_is_anything_else(coco, layout, tmp_path):
    (tmp_path / "policy.json").write_text("{")
    policy = ["--policy", tmp_path / "policy.json"]
    fails(coco, 1, "malformed", "image", "pull", *policy, layout.ref("app"), tmp_path / "b")
    (tmp_path / "file").write_text("")
    fails(coco, 1, "io", "image", "pull", "--key", tmp_path, layout.ref("app"), tmp_path / "b")


def test_3_is_denied(coco, layout, tmp_path):
    fails(coco, 3, "denied", "image", "pull", layout.ref("app"), tmp_path / "b")


def test_4_is_not_trusted(coco, layout, tmp_path):
    flip(layout.blob(layout.manifest("app")["layers"][0]["digest"]))
    fails(coco, 4, "not-trusted", "image", "pull", *ANYTHING, layout.ref("app"), tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_5_is_the_network(coco, tmp_path):
    pull = ["image", "pull", "--plain-http", *ANYTHING, "--retries", "0"]
    fails(coco, 5, "network", *pull, "127.0.0.1:1/a", tmp_path / "b")
    fails(coco, 5, "network", "resource", "ls", "--retries", "0", "--kbs", "http://127.0.0.1:1")
    fails(coco, 5, "network", "resource", "get", "kbs:///a/b/c", "--retries", "0", "--kbs", "http://127.0.0.1:1",
          "--tee", "sample")  # fmt: skip


def test_6_is_not_found(coco, layout, registry, tmp_path):
    for ref in (
        layout.ref("nothing"),
        f"oci:{tmp_path}/nowhere:app",
        f"{registry.host}/nowhere/app:1",
    ):
        fails(coco, 6, "not-found", "image", "pull", "--plain-http", *ANYTHING, ref, tmp_path / "b")
    fails(coco, 6, "not-found", "image", "pull", "--key", "nowhere.pem", layout.ref("app"), tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_7_is_not_supported(coco, layout):
    fails(coco, 7, "not-supported", "evidence", "get", "--report-data", "00", "--tee", "nosuch")
    fails(coco, 7, "not-supported", "evidence", "get", "--report-data", "00")
    fails(coco, 7, "not-supported", "image", "encrypt", "--recipient", "x:y", layout.ref("app"), "oci:b")


@pytest.mark.parametrize("option", ["--max-bytes", "--max-content"])
def test_8_is_a_limit(coco, layout, tmp_path, option):
    options = [*ANYTHING, option, "100"]
    fails(coco, 8, "limit", "image", "pull", *options, layout.ref("app"), tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_8_is_a_ratio_that_is_too_high(coco, layout, tmp_path):
    layout.add_image("zeros", [{"zeros": bytes(4 << 20)}])
    pull = ["image", "pull", *ANYTHING, layout.ref("zeros"), tmp_path / "b"]
    assert "more than 100 to 1" in fails(coco, 8, "limit", *pull, "--max-ratio", "100")
    assert not (tmp_path / "b").exists()
    fails(coco, 2, "usage", *pull, "--max-ratio", "0")
    coco.run(*pull, "--max-ratio", "2000", code=0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_130_is_interrupted(coco, silent_server, tmp_path, number):
    """A pull that waits for a server ends at once and leaves nothing."""
    process = coco.start(
        "image", "pull", "--json", "--plain-http", *ANYTHING, f"127.0.0.1:{silent_server.port}/a",
        tmp_path / "b",
    )  # fmt: skip
    assert silent_server.asked.wait(10)
    process.send_signal(number)
    _, errors = process.communicate(timeout=5)
    assert process.returncode == 130
    assert json.loads(errors)["id"] == "canceled"
    assert not (tmp_path / "b").exists()
    assert leftovers(coco.tmp) == []


def test_130_also_while_a_named_pipe_has_no_writer(coco, layout, tmp_path):
    os.mkfifo(tmp_path / "key")
    process = coco.start("image", "decrypt", "--key", tmp_path / "key", layout.ref("app"), f"oci:{tmp_path}/b")
    assert wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/task")) > 1)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=5)
    assert process.returncode == 130


def test_a_policy_may_come_through_a_named_pipe(coco, layout, tmp_path):
    os.mkfifo(tmp_path / "policy.json")
    pull = ["image", "pull", "--policy", tmp_path / "policy.json", layout.ref("app"), tmp_path / "b"]
    process = coco.start(*pull)
    (tmp_path / "policy.json").write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
    process.communicate(timeout=10)
    assert process.returncode == 0


def test_130_also_while_stdin_is_waited_for(coco):
    read, write = os.pipe()
    process = coco.start("resource", "put", "--kbs", "http://127.0.0.1:1", "a/b/c", stdin=read)
    # Its second thread is the one that waits for signals.
    assert wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/task")) > 1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=5)
    os.close(read)
    os.close(write)
    assert process.returncode == 130


def test_without_a_standard_output_nothing_else_is_written_to(layout):
    """What is opened first would have its number: a file, or a socket."""
    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", PROGRAM, "image", "inspect", layout.ref("app")],
                          stderr=subprocess.PIPE, text=True, check=False, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 1 and "stdout: Bad file descriptor" in done.stderr
