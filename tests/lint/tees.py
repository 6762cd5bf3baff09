#!/usr/bin/env python3
"""Check that doc/tees.md says of each TEE what the code's tables say.

What the tests say of it, tools/tees.py compares after they ran; here, that it names
tests that there are, and that the page says what they would if they held.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import re
import sys

TOP = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(TOP / "tools"))
sys.dont_write_bytecode = True
import tees  # noqa: E402


def in_code(layer):
    """TEEs of the drivers of a layer that are in its table."""
    table = (TOP / f"lib/{layer}/{layer}.c").read_text()
    names = set(re.findall(rf"&(coco_\w+_{layer})\b", table.split("drivers[] = {")[1].split("};")[0]))
    found = {}
    for path in (TOP / f"lib/{layer}").glob("*.c"):
        text = path.read_text()
        for name, tee in re.findall(rf'coco_{layer}_driver (coco_\w+) = \{{\s*\.tee = ("[\w-]+"|\w+)', text):
            tee = tee if tee[0] == '"' else re.search(rf'#define {tee} ("[\w-]+")', text)[1]
            found[name] = tee.strip('"')
    unknown = names - found.keys()
    if unknown:
        sys.exit(f"tees: {layer}: no driver {', '.join(sorted(unknown))}")
    return {found[name] for name in names}


def is_there(named):
    layer, name = named.split(":")[0].split("/")
    return any((TOP / f"tests/{layer}/test_{name}{suffix}").is_file() for suffix in (".c", ".py"))


def problems():
    if list(tees.TEES) != sorted(tees.TEES):
        yield "tools/tees.py: the TEEs are not in order"
    for tee, (_, *columns) in tees.TEES.items():
        for test in sorted({test for tests in columns for test in tests}):
            if not is_there(test):
                yield f"tools/tees.py: {tee}: no test {test}"
    for column, layer in enumerate(("attester", "verifier"), 1):
        code = in_code(layer)
        said = {tee for tee, row in tees.TEES.items() if row[column]}
        yield from (f"tools/tees.py: {tee}: {layer}: it is in one of code and table" for tee in sorted(code ^ said))
    want = [[f"`{tee}`", *("yes" if tests else "no" for tests in row[1:]), row[0]] for tee, row in tees.TEES.items()]
    got = tees.read_rows(tees.DOC.read_text())
    yield from (f"doc/tees.md: {' '.join(row)}: missing, or another" for row in want if row not in got)
    if len(got) != len(want):
        yield f"doc/tees.md: {len(got)} rows, not {len(want)}"


def results_of(result="OK", text="ok 1 - tdx: one\nok 2 - snp: two\n"):
    """A log in which every test that is named gave that."""
    names = {test.split(":")[0] for _, *columns in tees.TEES.values() for tests in columns for test in tests}
    return {name: (result, text) for name in names}


def problems_of_the_tool():
    """What it makes of logs that hold, lack a test, have one that failed, and one that was skipped."""
    rows, wrong = tees.make_rows(results_of())
    if wrong or not all(tees.agrees(row, row) for row in rows) or "skipped" in str(rows):
        yield "of a log that holds"
    for logs, problem in (
        ({"verifier/tpm": None}, "verifier/tpm did not run"),
        ({"verifier/tpm": ("FAIL", "not ok 1 - x\n")}, "verifier/tpm gave FAIL"),
        ({"roundtrip/softtee": ("OK", "ok 1 - tdx: one\n")}, "roundtrip/softtee has no case that begins with 'snp: '"),
    ):
        log = {name: value for name, value in (results_of() | logs).items() if value}
        if problem not in tees.make_rows(log)[1]:
            yield problem
    log = results_of() | {"roundtrip/tpm": ("OK", "ok 1 # SKIP\n"), "cli/tee": ("OK", "== 3 passed, 1 skipped in 0.1s ==\n")}
    rows, wrong = tees.make_rows(log)
    if wrong or [row[0] for row in rows if row[3] == "skipped"] != ["`snp`", "`tdx`", "`tpm`"]:
        yield "of tests that were skipped"


found = list(problems()) + [f"tools/tees.py: is wrong: {problem}" for problem in problems_of_the_tool()]
print("\n".join(found) or "tees: ok")
sys.exit(bool(found))
