#!/usr/bin/env python3
"""Sum up what meson's test logs say: reasons of skips, then one closing line.

A test of CMocka, pytest or Go holds many; each of them counts.

SPDX-License-Identifier: Apache-2.0
"""

import json
import re
import sys
import textwrap

LINES_OF_FAILURE = 40
KINDS = {"passed": 0, "failed": 1, "skipped": 2}
SKIPPED_BY_PYTEST = re.compile(r"^SKIPPED \[\d+\] (\S+?:\d+): (.*)$", re.M)
SUM_OF_PYTEST = re.compile(r"^=+ (.*?) in [\d.]+s.* =+$", re.M)
SUM_OF_PLAIN = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)
LINE_OF_TAP = re.compile(r"^(ok|not ok)\b([^#\n]*)(?:#\s*(skip)\b\s*(.*))?$", re.M | re.I)
LINE_OF_GO = re.compile(r"^\s*--- (PASS|FAIL|SKIP): (\S+)", re.M)


def count_pytest(text):
    found = SUM_OF_PYTEST.search(text)
    if not found:
        return None
    counts = [0, 0, 0]
    for number, kind in re.findall(r"(\d+) (\w+)", found[1]):
        counts[KINDS.get({"error": "failed", "errors": "failed"}.get(kind, kind), 0)] += int(number)
    return counts, [f"{where}: {why}" for where, why in SKIPPED_BY_PYTEST.findall(text)]


def count_plain(text):
    found = SUM_OF_PLAIN.search(text)
    return ([int(n or 0) for n in found.groups()], []) if found else None


def count_tap(text):
    lines = LINE_OF_TAP.findall(text)
    if not lines:
        return None
    skips = [f"{name.strip(' -')}: {why}" for _, name, skip, why in lines if skip]
    failed = sum(1 for ok, _, skip, _ in lines if ok.lower() != "ok" and not skip)
    return [len(lines) - failed - len(skips), failed, len(skips)], skips


def count_go(text):
    lines = LINE_OF_GO.findall(text)
    if not lines:
        return None
    results = [result for result, _ in lines]
    skips = [f"{name}: see its log" for result, name in lines if result == "SKIP"]
    return [results.count("PASS"), results.count("FAIL"), len(skips)], skips


def count(test):
    text = test.get("stdout") or ""
    result = test["result"]
    for counter in (count_pytest, count_go, count_tap, count_plain):
        counted = counter(text)
        if counted:
            break
    else:
        counted = ([int(result in ("OK", "EXPECTEDFAIL")), 0, int(result == "SKIP")], [])
        if result == "SKIP":
            counted[1].append(text.strip().splitlines()[-1] if text.strip() else "no reason given")
    # A crash or a time-out after the last line that was counted is a failure all the same.
    if result not in ("OK", "SKIP", "EXPECTEDFAIL") and counted[0][1] == 0:
        counted[0][1] = 1
    return counted


def end_of(test):
    """What a failed test said last: a log that is cut in its middle still tells why."""
    said = (test.get("stdout") or "") + (test.get("stderr") or "")
    return "\n".join(said.splitlines()[-LINES_OF_FAILURE:])


def main(paths):
    total = [0, 0, 0]
    for path in paths:
        for line in open(path, encoding="utf-8"):
            test = json.loads(line)
            counts, skips = count(test)
            total = [a + b for a, b in zip(total, counts)]
            for skip in skips:
                print(f"skipped: {test['name']}: {skip}")
            if counts[1]:
                print(f"failed: {test['name']}: {counts[1]} ({path})")
                print(textwrap.indent(end_of(test), "    "))
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


sys.exit(main(sys.argv[1:]))
