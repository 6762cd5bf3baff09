#!/usr/bin/env python3
"""Check that each .map names exactly the COCO_API functions of its headers.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import re
import sys

TOP = pathlib.Path(sys.argv[1])
# Headers of the server library; all others belong to libcoco.
SERVER = {"kbs.h", "kbs_plugin.h"}


def declared(headers):
    names = set()
    for header in headers:
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        for declaration in re.findall(r"\bCOCO_API\b([^;{]*);", text):
            names |= set(re.findall(r"\b(coco_\w+)\s*\(", declaration)[:1])
    return names


def mapped(path):
    return set(re.findall(r"^\s+(coco_\w+);", path.read_text(), re.M)) if path.exists() else set()


def compare(map_path, headers):
    want, got = declared(headers), mapped(map_path)
    bad = [f"{name}: declared, but not in {map_path.name}" for name in sorted(want - got)]
    bad += [f"{name}: in {map_path.name}, but not declared" for name in sorted(got - want)]
    return bad


headers = sorted((TOP / "include/coco").rglob("*.h"))
problems = compare(TOP / "lib/libcoco.map", [h for h in headers if h.name not in SERVER])
problems += compare(TOP / "lib/libcoco-kbs.map", [h for h in headers if h.name in SERVER])
print("\n".join(problems) or "symbols: ok")
sys.exit(bool(problems))
