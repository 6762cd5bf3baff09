"""What the system does not give ends a pull with its reason, and leaves nothing behind.

SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import resource
import shutil
import subprocess

import pytest

from conftest import PROGRAM, TIMEOUT_S, leftovers
from layout import Layout

ANYTHING = ("--insecure-policy", "accept-anything")
BIG = {f"big/{n}": os.urandom(1 << 20) for n in range(8)}


@pytest.fixture
def big(tmp_path):
    made = Layout(tmp_path / "big")
    made.add_image("app", [BIG])
    return made


def pull(coco, ref, target, prefix=(), **limits):
    def limit():
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, "RLIMIT_" + name), (value, value))

    return subprocess.run(
        [*prefix, PROGRAM, "image", "pull", "--json", *ANYTHING, ref, target],
        env=coco.environment(), capture_output=True, timeout=TIMEOUT_S, check=False, preexec_fn=limit,
    )


def assert_second_try_works(coco, ref, target):
    assert pull(coco, ref, target).returncode == 0
    assert (target / "rootfs/big/7").read_bytes() == BIG["big/7"]


def test_a_file_larger_than_allowed(coco, big, tmp_path):
    """RLIMIT_FSIZE: a signal that would kill, unless nobody is hit by it."""
    (tmp_path / "out").mkdir()
    done = pull(coco, big.ref("app"), tmp_path / "out/bundle", FSIZE=100000)
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert b"File too large" in done.stderr
    assert leftovers(tmp_path / "out") == []
    assert_second_try_works(coco, big.ref("app"), tmp_path / "out/bundle")


@pytest.mark.parametrize("files", range(3, 24))
def test_too_few_descriptors(coco, big, tmp_path, files):
    (tmp_path / "out").mkdir()
    done = pull(coco, big.ref("app"), tmp_path / "out/bundle", NOFILE=files)
    if done.returncode == 0:
        return
    # With next to none not even the program's own libraries are found.
    assert done.returncode in (1, 5, 127), (done.returncode, done.stderr)
    assert b"Too many open files" in done.stderr or files < 8, done.stderr
    assert leftovers(tmp_path / "out") == []
    assert_second_try_works(coco, big.ref("app"), tmp_path / "out/bundle")


def test_a_full_disk(coco, big, tmp_path):
    unshare = shutil.which("unshare")
    if os.getuid() != 0 or not unshare or subprocess.run(
        [unshare, "-m", "true"], capture_output=True, check=False
    ).returncode:
        pytest.skip("only root may mount a small file system")
    out = tmp_path / "small"
    out.mkdir()
    script = (
        f'mount -t tmpfs -o size=4m none {out} && "$@"; code=$?;'
        f' ls -A {out} >{tmp_path}/left; exit $code'
    )
    prefix = (unshare, "-m", "sh", "-c", script, "sh")
    done = pull(coco, big.ref("app"), out / "bundle", prefix)
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert b"No space left on device" in done.stderr
    assert pathlib.Path(tmp_path / "left").read_text() == ""
    assert_second_try_works(coco, big.ref("app"), out / "bundle")
