#!/usr/bin/env python3
"""Check that doc/threats.md is true of the tree, and the tree of it.

Every number that a comment cites is there; files and tests that it names exist;
every open surface names what stands against it and a test.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(sys.argv[1])
DOC = TOP / "doc/threats.md"
LAST = 47
SOURCES = (".c", ".h", ".i", ".py", ".go", ".rs", ".md", ".rego")


def chapters(text):
    """{heading: text} of the second level."""
    parts = re.split(r"^## (.+)$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def defines(text, test):
    return re.search(rf"^(?:def |func )?{test}\(", text, flags=re.M) is not None


def check_tests(name, paragraph):
    """`file` (`test`, `test`), … ; the names in brackets may be missing for a whole program."""
    problems = []
    for file, tests in re.findall(r"`([\w./-]+/[\w./-]+)`(?:\s+\(([^)]*)\))?", paragraph):
        path = TOP / file
        if not path.is_file():
            problems.append(f"{name}: no file {file}")
            continue
        text = path.read_text()
        problems += [
            f"{name}: no test {test} in {file}"
            for test in re.findall(r"`(\w+)`", tests)
            if not defines(text, test)
        ]
    return problems


def check_surface(name, body):
    paragraphs = re.split(r"^- ", body, flags=re.M)[1:]
    tests = [p for p in paragraphs if p.startswith("Tests: ")]
    problems = []
    if len(tests) != 1 or not re.search(r"`(?:tests|bindings)/", tests[0]):
        problems.append(f"{name}: is open and has no test")
    if len(paragraphs) == len(tests):
        problems.append(f"{name}: nothing stands against it")
    for paragraph in paragraphs:
        problems += check_tests(name, paragraph)
    return problems


def cited():
    """(file, number) of all that the tree cites."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=TOP, capture_output=True, text=True, check=False,
    ).stdout.split("\n")
    names = listed if any(listed) else [str(p.relative_to(TOP)) for p in TOP.rglob("*")]
    for name in names:
        path = TOP / name
        if not name.endswith(SOURCES) or path == DOC or not path.is_file():
            continue
        for comment in re.findall(r"\(T\d[^)]*\)|\bT\d+(?:(?:,| and| to) T\d+)*(?: in doc/threats|[:,])",
                                  path.read_text(errors="replace")):
            yield from ((name, number) for number in re.findall(r"\bT(\d+)\b", comment))


def main():
    text = DOC.read_text()
    found = chapters(text)
    opened = re.split(r"^### T(\d+): .+$", found["Surfaces that are open"], flags=re.M)
    opened = dict(zip(map(int, opened[1::2]), opened[2::2]))
    waiting = {int(n) for n in re.findall(r"^\| T(\d+) \|", found["Surfaces that are not open yet"], flags=re.M)}

    problems = [f"T{n} is both open and not" for n in sorted(opened.keys() & waiting)]
    problems += [f"T{n} is missing" for n in range(1, LAST + 1) if n not in opened and n not in waiting]
    if list(opened) != sorted(opened):
        problems.append("the open surfaces are not in the order of their numbers")
    for number, body in opened.items():
        problems += check_surface(f"T{number}", body)
    for name, number in cited():
        if int(number) not in opened:
            problems.append(f"{name}: cites T{number}, which is no open surface")
    print("\n".join(problems) or "threats: ok")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
