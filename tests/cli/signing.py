"""Sigstore's own modules, as a program of the tests, and policies.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import pathlib
import subprocess

import pytest

from conftest import needs

SOURCE = pathlib.Path(__file__).resolve().parents[1] / "signing"
# Nothing is fetched by a test: tools/setup --test does that.
OFFLINE = {"GOPROXY": "off", "GOFLAGS": "-mod=readonly -buildvcs=false"}


class Signing:
    """The program; a command of it fails with what it says, unless code says that it must."""

    def __init__(self, program):
        self.program = program

    def __call__(self, command, *args, code=0):
        done = subprocess.run(
            [self.program, command, *map(str, args)], capture_output=True, timeout=60, check=False
        )
        assert done.returncode == code, (command, args, done.stderr)
        return done.stdout.decode()


@pytest.fixture
def lister(signing):
    """The name of a registry that lists what refers to an image."""
    with subprocess.Popen([signing.program, "registry"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process.stdout.readline().decode().strip()
        process.stdin.close()


@pytest.fixture(scope="session")
def signing(tmp_path_factory):
    program = tmp_path_factory.mktemp("signing") / "signing"
    done = subprocess.run(
        [needs("go"), "build", "-p", "2", "-o", program, "."],
        cwd=SOURCE,
        env=os.environ | OFFLINE,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"needs the Go modules of tests/signing: {done.stderr.decode()[-300:]}")
    return Signing(program)


@pytest.fixture
def policy(tmp_path):
    """policy(requirement, …) writes a policy of those for all that is in registries, and gives its path."""

    def write(*requirements, name="policy.json"):
        path = tmp_path / name
        scopes = {"docker": {"": list(requirements)}}
        path.write_text(json.dumps({"default": [{"type": "reject"}], "transports": scopes}))
        return path

    return write


def sigstore(**members):
    return {"type": "sigstoreSigned"} | members


def checks(verdict):
    """What was found of the last signature: name and whether it holds, of each check."""
    signature = verdict["scopes"][0]["requirements"][0]["signatures"][-1]
    return [(check["check"], check["ok"]) for check in signature["checks"]]
