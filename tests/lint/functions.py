#!/usr/bin/env python3
"""Check that functions are short and take few arguments.

Leans on the layout clang-format makes: a function's name starts a line, its body
is between a '{' and a '}' that are lines of their own. Its length is from its
name to that '}'.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import re
import sys

TOP = pathlib.Path(sys.argv[1])
FOLDERS = ["lib", "cli", "daemons", "examples"]

LINES_MAX = 70
LINES_P90 = 45
PARAMETERS_MAX = 7

# Allowed, with the reason.
MANY_PARAMETERS = {
    "coco_aead_open": "key, nonce, associated data, ciphertext and tag are RFC 5116's",
    "coco_aead_seal": "likewise",
}


def without_comments_and_strings(text):
    """The same lines, without what could hold brackets and commas that are none."""
    def blank(found):
        return "\n" * found[0].count("\n") + ("0" if found[0][0] in "\"'" else "")
    return re.sub(r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)


def count_parameters(signature):
    """How many stand between the brackets behind the function's name."""
    start = signature.index("(")
    depth = 0
    count = 1
    for at in range(start, len(signature)):
        depth += {"(": 1, ")": -1}.get(signature[at], 0)
        count += signature[at] == "," and depth == 1
        if depth == 0:
            inside = signature[start + 1:at].strip()
            return 0 if inside in ("", "void") else count
    return count


def functions(path):
    """Yields (line, name, lines, parameters) of every function that path defines."""
    lines = without_comments_and_strings(path.read_text()).splitlines()
    start = None
    body = False
    for number, line in enumerate(lines, 1):
        if not body and re.match(r"[A-Za-z_]\w*\(", line):
            start = number
        if start and line == "{":
            body = True
        elif body and line == "}":
            signature = " ".join(lines[start - 1:number]).split("{")[0]
            yield start, signature.split("(")[0], number - start + 1, count_parameters(signature)
            start, body = None, False
        elif not body and line.rstrip().endswith(";"):
            start = None  # a declaration


def check():
    bad = []
    lengths = []
    for folder in FOLDERS:
        for path in sorted((TOP / folder).rglob("*.[ch]")):
            for line, name, length, parameters in functions(path):
                where = f"{path.relative_to(TOP)}:{line}: {name}()"
                lengths.append(length)
                if length > LINES_MAX:
                    bad.append(f"{where} has {length} lines, more than {LINES_MAX}")
                if parameters > PARAMETERS_MAX and name not in MANY_PARAMETERS:
                    bad.append(f"{where} has {parameters} parameters, more than {PARAMETERS_MAX}")
    lengths.sort()
    p90 = lengths[len(lengths) * 9 // 10] if lengths else 0
    if p90 > LINES_P90:
        bad.append(f"a tenth of all functions has more than {LINES_P90} lines")
    return bad, f"{len(lengths)} functions, p90 {p90}, longest {lengths[-1] if lengths else 0} lines"


problems, summary = check()
print("\n".join(problems) or "functions: ok")
print(summary)
sys.exit(bool(problems))
