#!/usr/bin/env python3
"""Make the table of doc/tees.md from what the tests gave, or compare it.

    tools/tees.py TESTLOG...            compare
    tools/tees.py --write TESTLOG...    make it

TESTLOG is build/meson-logs/testlog.json after `meson test -C build`. A cell is "yes"
where every test that is named for it below ran and held, "no" where none is named. A
test that failed, or is in no log, is an error; where one was skipped, for there was no
swtpm, FUSE or recorded evidence, nobody can tell, and the page's word is left.

SPDX-License-Identifier: Apache-2.0
"""

import json
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
DOC = TOP / "doc/tees.md"
BEGIN, END = "<!-- tools/tees.py -->\n", "<!-- end -->\n"
LINE_OF_TAP = re.compile(r"^(ok|not ok)\b(?: \d+)?(?: - )?([^#\n]*)(#\s*skip\b.*)?$", re.M | re.I)
SUM_OF_PYTEST = re.compile(r"^=*\s*(?=.*\bskipped\b).* in [\d.]+s", re.M)

COLUMNS = ("attests", "verifies", "both together", "recorded evidence")
# A test's name, with ":" and what the names of its cases begin with.
ROUND = "roundtrip/softtee:"
TEES = {
    "az-snp-vtpm": (
        "HCL report and a quote of the vTPM",
        ["attester/azure"], ["verifier/azure_snp"], ["roundtrip/azure"], ["verifier/azure_snp"],
    ),
    "az-tdx-vtpm": (
        "the same, over TDX",
        ["attester/azure"], ["verifier/azure_tdx"], ["roundtrip/azure"], ["verifier/azure_tdx"],
    ),
    "cca": ("configfs-tsm", ["attester/cca"], ["verifier/cca"], ["roundtrip/cca"], ["verifier/cca", "tee/cca"]),
    "csv": (
        "`/dev/csv-guest`",
        ["attester/csv"], ["verifier/csv"], ["roundtrip/csv"], ["verifier/csv", "tee/csv_cert", "tee/csv_page"],
    ),
    "nitro": ("`/dev/nsm`", ["attester/nitro"], ["verifier/nitro"], [], []),
    "sample": (
        "nothing: anybody can make it",
        ["attester/sample"], ["verifier/sample"], [], ["attester/sample", "verifier/sample"],
    ),
    "sampledevice": ("the same, beside a TEE", ["attester/sample"], ["verifier/sample"], [], []),
    "se": (
        "`/dev/uv`, answering the broker's request",
        ["attester/se"], ["verifier/se"], ["roundtrip/se"], ["tee/se", "tee/se_request", "verifier/se_host_key"],
    ),
    "sev": (
        "attested before it runs; `offline_sev_kbc` reads what was put in, `online_sev_kbc` asks simple-kbs",
        [], ["verifier/sev"], ["roundtrip/sev"], ["verifier/sev", "tee/sev_launch", "tee/sev_secret"],
    ),
    "sgx": (
        "files of Gramine, the device of Occlum",
        ["attester/sgx"], ["verifier/sgx"], [], ["verifier/dcap"],
    ),
    "snp": (
        "configfs-tsm, or `/dev/sev-guest`",
        ["attester/snp"], ["verifier/snp"], [ROUND + "snp: ", "cli/tee"], ["verifier/snp"],
    ),
    "software": (
        "a directory, for development",
        ["attester/software"], ["verifier/software"], ["cli/evidence"], [],
    ),
    "tdx": (
        "configfs-tsm; registers from Linux 6.16 on, before it of `/dev/tdx_guest`",
        ["attester/tdx"], ["verifier/tdx"], [ROUND + "tdx: ", "cli/tee"], ["verifier/dcap"],
    ),
    "tpm": (
        "a TPM 2.0",
        ["attester/tpm"], ["verifier/tpm"], ["roundtrip/tpm", "cli/tee"], ["verifier/tpm"],
    ),
}  # fmt: skip


def read_logs(paths):
    """{name: (result, what it wrote)}"""
    found = {}
    for path in paths:
        for line in open(path, encoding="utf-8"):
            test = json.loads(line)
            name = test["name"].split(" / ")[-1]
            found[name] = (test["result"], test.get("stdout") or "")
    return found


def outcome(named, results):
    """"yes", "skipped", or what is wrong, of one test."""
    name, _, prefix = named.partition(":")
    if name not in results:
        return f"{name} did not run"
    result, text = results[name]
    if result not in ("OK", "SKIP"):
        return f"{name} gave {result}"
    cases = [case for case in LINE_OF_TAP.findall(text) if case[2] or case[1].startswith(prefix)]
    if prefix and not any(not skipped for _, _, skipped in cases):
        return f"{name} has no case that begins with '{prefix}'"
    if result == "SKIP" or any(skipped for _, _, skipped in cases) or SUM_OF_PYTEST.search(text):
        return "skipped"
    return "yes"


def cell(tests, column, results, problems):
    found = {outcome(test, results) for test in tests}
    # Skipped in a test of a verifier is what needs recorded evidence.
    if column in ("attests", "verifies"):
        found = {"yes" if one == "skipped" else one for one in found}
    problems += sorted(found - {"yes", "skipped"})
    return "no" if not tests else "yes" if found == {"yes"} else "skipped"


def make_rows(results):
    problems, rows = [], []
    for tee, (where, *tests) in TEES.items():
        cells = [cell(names, column, results, problems) for column, names in zip(COLUMNS, tests)]
        rows.append([f"`{tee}`", *cells, where])
    return rows, sorted(set(problems))


def format_table(rows):
    lines = [["TEE", *COLUMNS, "by"], *rows]
    text = ["| " + " | ".join(line) + " |\n" for line in lines]
    return text[0] + "|---" * len(lines[0]) + "|\n" + "".join(text[1:])


def read_rows(text):
    table = text.split(BEGIN)[1].split(END)[0]
    return [[word.strip() for word in line.strip("|\n").split("|")] for line in table.splitlines()[2:]]


def agrees(want, got):
    return len(want) == len(got) and all("skipped" in (a, b) or a == b for a, b in zip(want, got))


def main(args):
    write = args[:1] == ["--write"]
    rows, problems = make_rows(read_logs(args[1:] if write else args))
    text = DOC.read_text()
    if problems:
        sys.exit("\n".join(f"tees: {problem}" for problem in problems))
    if write:
        before, rest = text.split(BEGIN)
        DOC.write_text(before + BEGIN + format_table(rows) + END + rest.split(END)[1])
        return
    there = read_rows(text)
    wrong = [want[0] for want, got in zip(rows, there) if not agrees(want, got)]
    if len(rows) != len(there) or wrong:
        sys.exit(f"tees: doc/tees.md is not what the tests gave: {', '.join(wrong) or 'other rows'}")
    print("tees: doc/tees.md is what the tests gave")


if __name__ == "__main__":
    main(sys.argv[1:])
