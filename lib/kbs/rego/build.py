#!/usr/bin/env python3
"""Build the policy engine: build.py CARGO Cargo.toml OUT.a TARGET_DIR

SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import shutil
import subprocess
import sys

cargo, manifest, out, target = sys.argv[1:]
environment = dict(os.environ, CARGO_TARGET_DIR=os.path.abspath(target))
# What a C build sets for C compilers is not for Rust.
environment.pop("RUSTFLAGS", None)
subprocess.run(
    [cargo, "build", "--release", "--locked", "--offline", "--quiet", "--manifest-path", manifest],
    env=environment,
    check=True,
)
shutil.copyfile(pathlib.Path(target) / "release" / "libcoco_rego.a", out)
