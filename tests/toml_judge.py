#!/usr/bin/env python3
"""Compare the TOML reader with Python's, and with a corpus of toml-test if there is one.

    toml_judge.py DECODER [CORPUS]

DECODER is tests/toml2json. CORPUS is what `toml-test copy -toml 1.0 CORPUS` makes:
valid/**.toml with .json beside, invalid/**.toml.

SPDX-License-Identifier: Apache-2.0
"""

import datetime
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tomllib

SEED = 20260101
MUTATIONS = 4000

# Own writing; each is also cut, spliced and mutated. One a line break of three.
DOCUMENTS = r'''
# a comment
title = "TOML"
[owner]
name = 'Tom'
dob = 1979-05-27T07:32:00-08:00


a = 1
b.c = 2
b."d e" = 3
'f.g' = 4
"" = 5
[x.y.z]
k = 1
[x]
k = 2
x-1_2 = 3


i = [0, +1, -1, 1_000, 0xDEAD_beef, 0o755, 0b1101, 9223372036854775807, -9223372036854775808]
f = [1.0, -0.5, 3.14e10, 1e6, -2E-2, 6.626e-34, 224_617.445_991_228, inf, +inf, -inf, nan, +nan]
b = [true, false]


d1 = 1979-05-27T07:32:00Z
d2 = 1979-05-27 07:32:00.999999-07:00
d3 = 1979-05-27T07:32:00
d4 = 1979-05-27
d5 = 07:32:00.5
d6 = 2000-02-29


s1 = "basic \b\t\n\f\r\"\\ \u00e9 \U0001F600"
s2 = 'literal \n'
s3 = """
multi
line \
     joined "" quotes"""""
s4 = \'\'\'
literal \ ''
lines\'\'\'\'\'
s5 = """"quoted\""""""


[[fruit]]
name = "apple"
[fruit.physical]
color = "red"
[[fruit.variety]]
name = "red delicious"
[[fruit.variety]]
name = "granny smith"
[[fruit]]
name = "banana"
[[fruit.variety]]
name = "plantain"


p = { x = 1, y = { z = "a", w.v = 2 }, "q r" = [ { a = 1 }, { } ] }
arr = [ # comment
  [1, 2],

  ["a", 'b', ],
  {c.d = 1},
]
[fruit]
apple.color = "red"
apple.taste.sweet = true
[fruit.apple.texture]
smooth = true


version = "0.1.0"
algorithm = "sha384"
[data]
"aa.toml" = \'\'\'
[token_configs]
[token_configs.kbs]
url = 'http://127.0.0.1:8080'
\'\'\'
"policy.rego" = """
package agent_policy
default AllowRequestsFailingPolicy := true
"""
'''.replace(r"\'", "'").strip("\n").split("\n\n\n")

SNIPPETS = [
    "[", "]", "[[", "]]", "{", "}", "=", ".", ",", "#", '"', "'", '"""', "'''", "\\", "\n", "\r\n", "\r", "\t",
    " ", "a", "_", "0", "1", "-", "+", ":", "T", "Z", "e", "0x", "inf", "nan", "true", "\\u0041", "\\U0001F600",
    "[a]\n", "[[a]]\n", "[a.b]\n", "[[a.b]]\n", "a = 1\n", "a.b = 2\n", "a.b.c = 3\n", "a = {}\n", "a = []\n",
    "a = [{}]\n", "b = {c = 1}\n", "1979-05-27", "07:32:00", "é", "\x7f", "\x01", "[fruit]\n", "x.k = 1\n",
]


def decode(decoder, documents):
    """What the decoder says to each: (True, value) or (False, reason)."""
    frames = b"".join(b"%d\n%s" % (len(text), text) for text in documents)
    run = subprocess.run([decoder], input=frames, capture_output=True, check=False)
    lines = run.stdout.decode().split("\n")
    if run.returncode != 0 or len(lines) != len(documents) + 1:
        sys.exit(f"{decoder} gave up after {len(lines) - 1} documents:\n{run.stderr.decode()}")
    return [(False, line[1:]) if line.startswith("!") else (True, json.loads(line)) for line in lines[:-1]]


def date_text(text):
    """Dates and times in one form: T and Z, fractions to the microsecond without zeros at the end."""
    text = text.strip().upper().replace(" ", "T").replace("+00:00", "Z").replace("-00:00", "Z")
    for mark in ("Z", "+", "-"):
        at = text.find(mark, 10)
        if at > 0:
            return date_text_local(text[:at]) + text[at:]
    return date_text_local(text)


def date_text_local(text):
    if "." not in text:
        return text
    whole, fraction = text.split(".")
    fraction = fraction[:6].rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def same_float(got, want):
    if isinstance(got, str):
        return {"inf": math.inf, "-inf": -math.inf}.get(got) == want or (got == "nan" and math.isnan(want))
    return not isinstance(got, bool) and float(got) == want


def same_as_python(got, want):
    """Whether got, JSON of the decoder, is what tomllib made of it."""
    if isinstance(want, dict):
        return isinstance(got, dict) and got.keys() == want.keys() and all(
            same_as_python(got[key], want[key]) for key in want)
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(map(same_as_python, got, want))
    if isinstance(want, bool) or isinstance(got, bool):
        return got is want
    if isinstance(want, (datetime.date, datetime.time)):
        return isinstance(got, str) and date_text(got) == date_text(want.isoformat())
    if isinstance(want, float):
        return same_float(got, want)
    return type(got) is type(want) and got == want


def same_as_tagged(got, want):
    """Whether got is the same as a .json of toml-test says, where every leaf has a type."""
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(map(same_as_tagged, got, want))
    if want.keys() != {"type", "value"} or isinstance(want["type"], dict):
        return isinstance(got, dict) and got.keys() == want.keys() and all(
            same_as_tagged(got[key], want[key]) for key in want)
    kind, value = want["type"], want["value"]
    if kind == "string":
        return got == value
    if kind == "integer":
        return type(got) is int and got == int(value)
    if kind == "float":
        return same_float(got, float(value))
    if kind == "bool":
        return got is (value == "true")
    return isinstance(got, str) and date_text(got) == date_text(value)


def ours_differs_on_purpose(text, value):
    """Where the two may disagree, each with its reason."""
    return (
        "\\u0000" in text or "\\U00000000" in text  # no string here can hold a NUL
        or ":60" in text  # a leap second, which Python's datetime cannot hold
        or "0000-" in text  # the year 0, likewise
        or "-24:" in text or "+24:" in text or "\x00" in text
        or has_big_integer(value)  # TOML: at least 64 bits; more is an error here
    )


def has_big_integer(value):
    if isinstance(value, dict):
        return any(map(has_big_integer, value.values()))
    if isinstance(value, list):
        return any(map(has_big_integer, value))
    return type(value) is int and not -(2**63) <= value < 2**63


def mutate(rng, text):
    for _ in range(rng.randint(1, 3)):
        at = rng.randint(0, len(text))
        kind = rng.randint(0, 3)
        if kind == 0:
            text = text[:at] + rng.choice(SNIPPETS) + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + rng.randint(1, 3):]
        elif kind == 2:
            text = text[:at] + text[at + 1:at + 2] + text[at:]
        else:
            other = rng.choice(DOCUMENTS)
            cut = rng.randint(0, len(other))
            text = text[:at] + other[cut:cut + rng.randint(1, 30)] + text[at:]
    return text


def judge_python(decoder):
    rng = random.Random(SEED)
    texts = list(DOCUMENTS)
    texts += ["".join(rng.choices(SNIPPETS, k=rng.randint(1, 6))) for _ in range(MUTATIONS)]
    texts += [mutate(rng, rng.choice(DOCUMENTS)) for _ in range(MUTATIONS)]
    bad = []
    accepted = 0
    for text, (fine, got) in zip(texts, decode(decoder, [text.encode() for text in texts])):
        try:
            want, reason = tomllib.loads(text), None
        except (ValueError, RecursionError) as error:
            want, reason = None, error
        accepted += fine
        if fine == (reason is None) and (not fine or same_as_python(got, want)):
            continue
        if not ours_differs_on_purpose(text, want):
            bad.append(f"{text!r}\n    libcoco: {got}\n    tomllib: {want if reason is None else reason}")
    if accepted < len(texts) // 20:
        bad.append(f"only {accepted} of {len(texts)} documents are TOML: the comparison says little")
    print(f"tomllib: {len(texts)} documents, {accepted} accepted, {len(bad)} judged otherwise")
    return bad


def judge_corpus(decoder, corpus):
    files = sorted(corpus.glob("*/**/*.toml"))
    bad = []
    passed = {"valid": 0, "invalid": 0, "otherwise on purpose": 0}
    for path, (fine, got) in zip(files, decode(decoder, [path.read_bytes() for path in files])):
        kind = path.relative_to(corpus).parts[0]
        if kind == "valid":
            right = fine and same_as_tagged(got, json.loads(path.with_suffix(".json").read_text()))
        else:
            right = not fine
        if not right and ours_differs_on_purpose(path.read_text(errors="replace"), None):
            kind, right = "otherwise on purpose", True
        passed[kind] += right
        if not right:
            bad.append(f"{path.relative_to(corpus)}: {got}")
    print(f"toml-test: {passed}, {len(bad)} judged otherwise")
    return bad


decoder = sys.argv[1]
problems = judge_python(decoder)
corpus = sys.argv[2] if len(sys.argv) > 2 else os.environ.get("TOML_TEST_CORPUS")
if corpus:
    problems += judge_corpus(decoder, pathlib.Path(corpus))
print("\n".join(problems[:20]))
sys.exit(bool(problems))
