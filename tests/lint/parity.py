#!/usr/bin/env python3
"""Check that Python and Go have every public function and every status.

Python's native module is made from the headers; what the package does not use
of it is what a Python programmer does not have. Go calls C by name.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import re
import sys

TOP = pathlib.Path(sys.argv[1])
INCLUDE = TOP / "include/coco"
PYTHON = TOP / "bindings/python"
GO = TOP / "bindings/go"

# What a language has in another shape.
PYTHON_HAS = {"coco_error_status": "the exception's attribute `status`"}


def strip(text):
    """C without comments and the text of strings."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
    return re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)


def read(paths):
    return "\n".join(path.read_text() for path in paths)


def declared(header):
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
    for declaration in re.findall(r"\bCOCO_API\b([^;{]*);", text):
        yield re.search(r"\b(coco_\w+)\s*\(", declaration)[1]


def statuses():
    body = re.search(r"typedef enum coco_status \{(.*?)\}", (INCLUDE / "error.h").read_text(), re.S)[1]
    return re.findall(r"\b(COCO_ERR_\w+) = (-\d+)", body)


def python_lacks(header, functions):
    interface = read(sorted(PYTHON.glob("*.i")))
    package = read(sorted((PYTHON / "coco").glob("*.py")))
    calls = strip(re.sub(r"^%ignore[^\n]*", "", interface, flags=re.M))
    if f"%include <coco/{header.name}>" not in interface:
        yield f"Python: coco/{header.name} is not included"
    owned = set(re.findall(r"^%coco_object\((\w+)\)", interface, re.M))
    for name in functions:
        ends_an_object = name.endswith("_free") and name.removesuffix("_free") in owned
        used = re.search(rf"\bnative(?:_kbs)?\.{name.removeprefix('coco_')}\b", package)
        if name in PYTHON_HAS:
            continue
        if not used and not ends_an_object and not re.search(rf"\b{name}\s*\(", calls):
            yield f"Python: no {name}"


def go_lacks(functions):
    sources = [path for path in sorted(GO.rglob("*.go")) if not path.name.endswith("_test.go")]
    calls = read(sources)
    glue = strip(read(sorted(GO.rglob("*.[ch]"))))
    for name in functions:
        if not re.search(rf"\bC\.{name}\b", calls) and not re.search(rf"\b{name}\s*\(", glue):
            yield f"Go: no {name}"


def status_names():
    errors = (PYTHON / "coco/errors.py").read_text()
    go = read(sorted(GO.glob("*.go")))
    text = (TOP / "lib/base/error.c").read_text()
    values = [value for _, value in statuses()]
    if len(set(values)) != len(values):
        yield "coco_status: a value stands twice"
    for name, _ in statuses():
        if not re.search(rf"^{name} = \w+Error$", errors, re.M):
            yield f"Python: no exception for {name}"
        if not re.search(rf"^\s+status = native\.{name}$", errors, re.M):
            yield f"Python: no exception has status {name}"
        if not re.search(rf"^\s+Err\w+\s+Status = C\.{name}\b", go, re.M):
            yield f"Go: no name for {name}"
        if not re.search(rf'case {name}:\s+return "{name}";', text):
            yield f"coco_status_name(): does not spell {name} as the header does"


def problems():
    for header in sorted(INCLUDE.rglob("*.h")):
        functions = list(declared(header))
        if functions:
            yield from python_lacks(header, functions)
            yield from go_lacks(functions)
    yield from status_names()


found = list(problems())
print("\n".join(found) or "parity: ok")
sys.exit(bool(found))
