#!/usr/bin/env python3
"""Build the policy engine, for what is shipped and for owners: build.py CARGO Cargo.toml OUT.a OWNERS.a TARGET_DIR

SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import shutil
import subprocess
import sys

cargo, manifest, out, owners, target = sys.argv[1:]
environment = dict(os.environ, CARGO_TARGET_DIR=os.path.abspath(target))
# What a C build sets for C compilers is not for Rust.
environment.pop("RUSTFLAGS", None)
for features, to in ([], out), (["--features", "owners"], owners):
    subprocess.run(
        [cargo, "build", "--release", "--locked", "--offline", "--quiet", "--manifest-path", manifest, *features],
        env=environment,
        check=True,
    )
    shutil.copyfile(pathlib.Path(target) / "release" / "libcoco_rego.a", to)
