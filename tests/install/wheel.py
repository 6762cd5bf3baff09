#!/usr/bin/env python3
"""Build a wheel as `pip install .` does, and use it in an environment of its own.

Skipped where pip cannot get the build backend.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import subprocess
import sys
import tempfile
import venv

SKIP = 77
USE = """
import coco, coco.native, importlib.metadata, sys
assert coco.__file__.startswith(sys.prefix), coco.__file__
assert coco.version() == importlib.metadata.version("libcoco"), coco.version()
with coco.Attester("sample") as attester:
    assert attester.collect(b"wheel")
print("wheel:", coco.version())
"""


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


def must(*command):
    done = run(*command)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def main(source):
    with tempfile.TemporaryDirectory(prefix="coco-wheel-") as top:
        venv.create(f"{top}/venv", with_pip=True)
        python = f"{top}/venv/bin/python"
        backend = run(python, "-m", "pip", "download", "--no-deps", "-q", "-d", top, "meson-python >= 0.13")
        if backend.returncode != 0:
            print("skipped: pip cannot get meson-python here")
            return SKIP
        must(
            python, "-m", "pip", "wheel", "-q", "--no-deps", "-w", f"{top}/wheel",
            f"--config-settings=build-dir={top}/build", source,
        )
        [wheel] = pathlib.Path(top, "wheel").glob("*.whl")
        must(python, "-m", "pip", "install", "-q", "--no-deps", wheel)
        for module in pathlib.Path(top, "venv").rglob("coco/_native*.so"):
            if "libcoco" in must("readelf", "-d", module):
                sys.exit(f"{module.name} needs libcoco from outside the wheel")
        print(must(python, "-c", USE), end="")
        return 0


sys.exit(main(sys.argv[1]))
