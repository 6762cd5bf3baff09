#!/usr/bin/env python3
"""Check the rules of the house that a pattern can see.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(sys.argv[1])

# (pattern, where, why)
BANS = [
    (r"\b(?:v?sprintf|strcpy|strcat|strncpy|strncat|gets|strtok)\s*\(", "lib cli daemons", "unbounded or unterminated"),
    (r"\b(?:atoi|atol|atoll|atof)\s*\(", "lib cli daemons", "cannot tell an error"),
    (r"\b(?:exit|_exit|abort)\s*\(", "lib", "a library does not end its program"),
    (r"\bfprintf\s*\(\s*std(?:err|out)|\b(?:printf|puts|perror)\s*\(", "lib", "a library does not print"),
    (r"\bcJSON_Parse\w*\s*\(", "lib", "use coco_json_parse()"),
    (r"\bcJSON_(?:Get|Has)ObjectItem\s*\(", "lib", "matches names of another case"),
    (r"\bvaluedouble\b|\bvalueint\b", "lib", "not exact: use coco_json_u64()"),
    (r"\bcJSON_Print\w*\s*\(", "lib", "use coco_json_write()"),
    (r"\bcJSON_(?:Create|Add|Set|Get)Number\w*\s*\(", "lib", "not exact: use coco_json_add_u64()"),
    (r"\bcJSON_Compare\s*\(", "lib", "does not compare the text of numbers"),
    (r"\bcJSON_Delete\w*\s*\(", "lib", "does not wipe: use coco_json_free()"),
    (r"\brand\s*\(\s*\)|\brandom\s*\(\s*\)", "lib", "use coco_random()"),
    (r"\bsystem\s*\(|\bpopen\s*\(", "lib cli daemons", "no shell"),
    (r"\b(?:sleep|usleep|nanosleep)\s*\(", "lib cli daemons tests", "wait for the event instead"),
    (r"^\s*//|\S\s+//\s", "lib cli daemons tests include", "comments are /* */"),
    (r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b", "lib cli daemons tests include bindings", "finish it or file it"),
]
# The one file that may use what is banned elsewhere.
EXCEPT = {"lib/base/json_build.c": {"does not wipe: use coco_json_free()"}}

FOLDERS = ["include", "lib", "cli", "daemons", "tests", "bindings", "examples", "fuzz", "bench"]
SPDX = "SPDX-License-Identifier: Apache-2.0"


def sources():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=TOP, capture_output=True, text=True, check=False,
    ).stdout.split("\n")
    names = listed if any(listed) else [str(p.relative_to(TOP)) for p in TOP.rglob("*.[ch]")]
    return sorted({n for n in names if n.endswith((".c", ".h")) and n.split("/")[0] in FOLDERS})


def without_comments_and_strings(line):
    line = re.sub(r'"(?:\\.|[^"\\])*"', '""', line)
    return re.sub(r"/\*.*?\*/", "", line)


def check(name):
    path = TOP / name
    if not path.is_file():
        return
    text = path.read_text()
    top = name.split("/")[0]
    if SPDX not in text[:800]:
        yield f"{name}:1: no '{SPDX}'"
    purpose = re.match(r"/\*\n \* (\S+) - ", text)
    if not purpose or not name.endswith(purpose[1]):
        yield f"{name}:1: does not start with '<path> - <purpose>'"
    in_comment = False
    for number, line in enumerate(text.splitlines(), 1):
        code = without_comments_and_strings(line)
        if in_comment:
            in_comment = "*/" not in code
            continue
        in_comment = "/*" in code
        for pattern, where, why in BANS:
            if top in where.split() and why not in EXCEPT.get(name, ()) and re.search(pattern, code):
                yield f"{name}:{number}: {why}: {line.strip()}"


problems = [problem for name in sources() for problem in check(name)]
print("\n".join(problems) or "style: ok")
sys.exit(bool(problems))
