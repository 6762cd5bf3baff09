#!/usr/bin/env python3
"""Compile files as a build directory would, with further flags and no output.

    tools/compile_each.py BUILD_DIR FLAG... -- FILE...

SPDX-License-Identifier: Apache-2.0
"""

import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys


def commands(build, wanted):
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if path in wanted:
            yield entry["directory"], shlex.split(entry["command"])


def compile_one(directory, command, flags):
    words = iter(command)
    kept = []
    for word in words:
        if word in ("-o", "-MF", "-MQ"):
            next(words)
        elif word not in ("-MD", "-c"):
            kept.append(word)
    done = subprocess.run(
        [*kept, *flags], cwd=directory, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


def main(build, *rest):
    split = rest.index("--")
    flags, files = rest[:split], rest[split + 1 :]
    wanted = {pathlib.Path(name).resolve() for name in files}
    status = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(compile_one, *job, flags) for job in commands(pathlib.Path(build), wanted)]
        for job in jobs:
            code, text = job.result()
            if code or text:
                print(text, end="", file=sys.stderr)
                status = 1
    return status


sys.exit(main(*sys.argv[1:]))
