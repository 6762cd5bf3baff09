"""`coco try`: the main job shown, the tampering refused, nothing left behind.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import pathlib
import signal
import subprocess

import pytest

from conftest import PROGRAM, leftovers, needs, wait_until


@pytest.fixture(autouse=True)
def programs():
    for program in ("docker-registry", "busybox"):
        needs(program)


def children():
    """Processes that some `coco try` started: their command line names its directory."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        if b"/coco-try-" in line:
            found.append(line)
    return found


def assert_nothing_left(coco):
    assert leftovers(coco.tmp) == []
    mine = [line for line in children() if str(coco.tmp).encode() in line]
    assert mine == []


def test_it_shows_the_main_job_in_one_screen(coco):
    text = coco.run("try", code=0).stdout.decode()
    lines = text.splitlines()
    assert len(lines) < 24
    # Why a machine cannot run containers may take more room than a step.
    assert max(len(line) for line in lines if "skipped" not in line) < 160
    for step in ("start a key broker", "start a registry", "make an image", "encrypt it",
                 "give the key", "attest, obtain the key", "pull, decrypt, verify, unpack"):  # fmt: skip
        assert step in text
    assert text.count(" ms ") == 9
    assert "Hello from an image" in text or "skipped: " in text
    assert_nothing_left(coco)


def test_the_container_runs_where_root_has_crun(coco):
    needs("crun")
    if os.geteuid() != 0:
        pytest.skip("not root")
    events = [json.loads(line) for line in coco.run("try", "--json", code=0).stdout.splitlines()]
    assert events[-2]["what"] == "run it"
    if events[-2]["detail"].startswith("skipped: this machine cannot"):
        pytest.skip(events[-2]["detail"])
    assert events[-2]["detail"].startswith("Hello from an image")


def test_json_is_one_event_a_line(coco):
    done = coco.run("try", "--json", code=0)
    assert done.stderr == b""
    events = [json.loads(line) for line in done.stdout.splitlines()]
    steps = [event for event in events if event["event"] == "step"]
    assert len(steps) == 9
    for step in steps:
        assert set(step) == {"event", "who", "what", "ms", "bytes", "detail"}
    assert events[-1]["event"] == "done"
    assert_nothing_left(coco)


@pytest.mark.parametrize(
    "what,kind", [("measurement", "denied"), ("layer", "not-trusted"), ("key", "not-trusted"), ("policy", "denied")]
)
def test_tampering_is_refused_and_explained(coco, what, kind):
    text = coco.run("try", "--tamper", what, code=0).stdout.decode()
    assert f"refused: {kind}" in text
    assert "refused, as it must be" in text
    assert "Hello from an image" not in text
    if kind == "denied":
        assert "What the owner reads" in text
        assert "decision" in text
    if what == "measurement":
        assert "launch_digest  expected" in text
    assert_nothing_left(coco)

    done = coco.run("try", "--tamper", what, "--json", code=0)
    refused = next(e for e in map(json.loads, done.stdout.splitlines()) if e["event"] == "refused")
    assert refused["tamper"] == what
    assert refused["id"] == kind
    assert refused["message"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("steps", [0, 2, 3, 5])
def test_an_interrupt_leaves_nothing_behind(coco, number, steps):
    process = coco.start("try", "--json")
    if steps:
        while steps:
            line = process.stdout.readline()
            assert line
            steps -= json.loads(line)["event"] == "step"
    else:
        assert wait_until(lambda: leftovers(coco.tmp) != [])
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert process.returncode in (130, 0), errors
    if process.returncode == 130:
        assert json.loads(errors)["id"] == "canceled"
    assert_nothing_left(coco)


def test_the_registry_dies_with_a_killed_parent(coco):
    process = coco.start("try", "--json")
    steps = 0
    while steps < 3:
        steps += json.loads(process.stdout.readline())["event"] == "step"
    process.kill()
    process.communicate()
    mine = str(coco.tmp).encode()
    assert wait_until(lambda: not [line for line in children() if mine in line])


def test_a_closed_stdout_leaves_nothing_behind(coco):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [PROGRAM, "try"], stdout=write, stderr=subprocess.PIPE, env=coco.environment(), check=False
    )
    os.close(write)
    assert done.returncode == 1
    assert_nothing_left(coco)


def test_what_is_missing_is_said_with_the_remedy(coco, tmp_path):
    """A PATH without the programs is not enough: the usual directories are looked into, too."""
    done = coco.run("doctor", "--json")
    checks = [json.loads(line) for line in done.stdout.splitlines()]
    assert {check["check"] for check in checks} >= {"TEE", "registry", "busybox", "crun", "clock"}
    for check in checks:
        assert check["ok"] or check["remedy"]
    assert done.returncode == (0 if all(check["ok"] for check in checks) else 7)


def test_the_temporary_directory_may_be_anywhere(coco, tmp_path):
    odd = tmp_path / "a dir, with: 'quotes\" {and} more"
    odd.mkdir()
    coco.run("try", code=0, TMPDIR=str(odd))
    assert leftovers(odd) == []
    coco.run("try", code=6, TMPDIR=str(tmp_path / "nowhere"))
