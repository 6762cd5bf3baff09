#!/usr/bin/env python3
"""Check that every #include "layer/x.h" points to a layer that may be used.

What a layer may use stands in its own meson.build, in `uses`; lib/meson.build
orders the layers, and a layer may use only those before it.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import re
import sys

LIB = pathlib.Path(sys.argv[1]) / "lib"


def words(text):
    return re.findall(r"'(\w+)'", text)


def declared_layers():
    text = (LIB / "meson.build").read_text()
    ordered = words(re.search(r"^layers = \[(.*?)\]", text, re.S | re.M)[1])
    server = re.search(r"^server_layers = \[(.*?)\]", text, re.S | re.M)
    return ordered + (words(server[1]) if server else [])


def check():
    bad = []
    seen = []
    for layer in declared_layers():
        build = (LIB / layer / "meson.build").read_text()
        uses = set(words(re.search(r"^uses = \[(.*?)\]", build, re.S | re.M)[1]))
        for used in sorted(uses - set(seen)):
            bad.append(f"lib/{layer}/meson.build: uses {used}, which does not come before it")
        for path in sorted((LIB / layer).rglob("*.[ch]")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                found = re.match(r'\s*#\s*include\s+"(\w+)/', line)
                if found and found[1] != layer and found[1] not in uses:
                    bad.append(f"{path}:{number}: {layer}/ may not include {found[1]}/")
        seen.append(layer)
    unknown = {p.parent.name for p in LIB.glob("*/meson.build")} - set(seen)
    bad += [f"lib/{name}: not in the list of layers" for name in sorted(unknown)]
    return bad


problems = check()
print("\n".join(problems) or "layers: ok")
sys.exit(bool(problems))
