"""The command line itself: usage, help, the manual, errors as text and as JSON.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import pathlib
import re
import subprocess

import pytest

from conftest import PROGRAM, wait_until

SOURCE = pathlib.Path(__file__).resolve().parents[2]
COMMANDS = [
    "attest", "collateral export", "collateral import", "collateral show", "doctor", "evidence get",
    "evidence record", "evidence replay", "evidence show", "evidence verify", "explain", "image decrypt", "image encrypt", "image inspect",
    "image ls", "image plan", "image prune", "image pull", "image push", "image rekey", "image rm", "image sign", "image unmount",
    "image verify", "image verify-store", "initdata build", "initdata show", "initdata verify", "kbs audit", "kbs backup", "kbs reseal", "kbs restore", "kbs rotate-keys", "kbs serve", "kbs token", "kbs wrap-key",
    "manual", "measure",
    "policy ls", "policy rm", "policy set",
    "resource get", "resource ls", "resource put", "resource restore",
    "resource rm", "resource versions", "resource watch",
    "rv add", "rv diff", "rv ls", "rv put", "rv rm", "rv show", "rv sign", "rv verify",
    "secret inspect", "secret seal", "secret unseal", "sev inject", "sev prepare",
    "tee launch", "tee run", "token verify", "try", "version",
]  # fmt: skip

WRONG = [
    ([], "which command?"),
    (["image"], "which command of image?"),
    (["nonsense"], "unknown command nonsense"),
    (["image", "nonsense"], "unknown command image nonsense"),
    (["im"], "unknown command im"),
    (["image", "pull"], "needs REF DIR"),
    (["image", "pull", "a"], "needs REF DIR"),
    (["image", "pull", "a", "b", "c"], "unexpected c"),
    (["image", "pull", "a", "b", "--bogus"], "unknown option --bogus"),
    (["image", "pull", "a", "b", "-x"], "unknown option -x"),
    (["image", "pull", "a", "b", "--recipient", "jwe:x"], "unknown option --recipient"),
    (["image", "pull", "a", "b", "--platform"], "--platform needs OS/ARCH[/VARIANT]"),
    (["image", "pull", "a", "b", "--platform="], "--platform is empty"),
    (["image", "pull", "a", "b", "--plain-http=1"], "--plain-http takes no value"),
    (["image", "pull", "a", "b", "--plain-htt"], "unknown option --plain-htt"),
    (["image", "pull", "a", "b", "--tee", "x", "--tee", "x"], "--tee is given twice"),
    (["image", "pull", "a", "b", "--insecure-policy", "yes"], "--insecure-policy can be"),
    (["image", "pull", "a", "b", "--insecure-policy", "accept"], "--insecure-policy can be"),
    (["image", "pull", "a", "b", "--max-bytes", "-1"], "--max-bytes is no number"),
    (["image", "pull", "a", "b", "--max-bytes", "1k"], "--max-bytes is no number"),
    (["image", "pull", "a", "b", "--max-bytes", "99999999999999999999"], "--max-bytes is no number"),
    (["image", "pull", "a", "b", "--retries", "-1"], "--retries is no number"),
    (["image", "pull", "a", "b", "--retries", "1001"], "--retries is no number"),
    (["image", "push", "a", "b", "--retries", "many"], "--retries is no number"),
    (["image", "pull", "a", "b", "--stall-timeout", "0"], "--stall-timeout is no number"),
    (["image", "pull", "a", "b", "--stall-timeout", "1.5"], "--stall-timeout is no number"),
    (["image", "encrypt", "a", "b", "--recipient", "jwe:x", "--stall-timeout", "86401"], ""),
    (["image", "pull", "UPPER/case", "b"], ""),
    (["image", "pull", "a:b:c", "b"], ""),
    (["image", "encrypt", "oci:a", "oci:b"], "needs --recipient"),
    (["image", "encrypt", "oci:a", "oci:b", "--recipient", "jwe:x", "--layer", "top"], "--layer is no number"),
    (["image", "encrypt", "oci:a", "oci:b", "--recipient", "jwe:x", "--layer", "-"], "--layer is no number"),
    (["image", "encrypt", "oci:a", "oci:b", "--recipient", "jwe:x", "--layer", "1000"], "--layer is no number"),
    (["image", "encrypt", "oci:a", "oci:b", "--kbs-path", "a/b/c"], "--kbs-path needs --kbs"),
    (["image", "pull", "oci:a", "b", "--kek-prefix", "kbs:///a/b/c"], "'kbs:///a/b/c' is not kbs:///, kbs:///<repo"),
    (["image", "pull", "oci:a", "b", "--require-encryption=1"], "--require-encryption takes no value"),
    (["resource", "get", "kbs:///a/b/c"], "needs --kbs"),
    (["resource", "watch", "kbs:///a/b/c", "-o", "x"], "needs --kbs"),
    (["resource", "watch", "kbs:///a/b/c", "--kbs", "http://x"], "needs --output FILE"),
    (["resource", "watch", "kbs:///a/b/c", "--kbs", "http://x", "-o", "x", "--interval", "0"], "--interval is no number"),
    (["resource", "get", "nonsense", "--kbs", "http://127.0.0.1:1", "--tee", "sample"], ""),
    (["resource", "ls", "--kbs", "ftp://x"], ""),
    (["attest"], "needs --kbs"),
    (["evidence", "get"], "needs --report-data"),
    (["evidence", "get", "--report-data", "0"], "--report-data is 1 to 64 bytes"),
    (["evidence", "get", "--report-data", "zz"], "--report-data is 1 to 64 bytes"),
    (["evidence", "get", "--report-data", "00" * 65], "--report-data is 1 to 64 bytes"),
    (["kbs", "backup", "x"], "--config is missing"),
    (["kbs", "restore", "x"], "--config is missing"),
    (["kbs", "token"], "needs --kbs-admin-key"),
    (["kbs", "token", "--kbs-admin-key", "x", "--life", "86401"], "--life is no number"),
    (["kbs", "token", "--kbs-admin-key", "x", "--life", "0"], "--life is no number"),
    (["manual", "html"], "FORMAT is"),
    (["secret", "seal", "kbs:///a/b/c"], "needs --kid NAME and --sign-key FILE"),
    (["secret", "seal", "kbs:///a/b/c", "--kid", "k"], "needs --kid NAME and --sign-key FILE"),
    (["secret", "unseal", "x", "--provider", "hsm"], "--provider needs NAME=KBC"),
    (["secret", "unseal", "x", "--key-prefix", "kbs:///a"], "kbs:///a"),
    (["try", "--tamper", "everything"], "--tamper can be"),
    (["--", "--help"], "unknown command --help"),
]  # fmt: skip


@pytest.mark.parametrize("args,why", WRONG, ids=[" ".join(args) or "nothing" for args, _ in WRONG])
def test_a_wrong_command_line_is_exit_2(coco, args, why):
    done = coco.run(*args, code=2)
    assert done.stdout == b""
    first = done.stderr.decode().splitlines()[0]
    assert re.match(r"coco: [a-z ]+ : ", first)
    assert why in first


@pytest.mark.parametrize("args,why", WRONG, ids=[" ".join(args) or "nothing" for args, _ in WRONG])
def test_it_is_one_object_with_json(coco, args, why):
    done = coco.run("--json", *args, code=2)
    assert done.stdout == b""
    error = json.loads(done.stderr)
    assert set(error) == {"id", "status", "what", "message", "exit_code"}
    assert error["id"] in ("usage", "invalid")
    assert error["status"] == "COCO_ERR_INVALID"
    assert error["exit_code"] == 2
    assert why in error["message"]


def test_more_options_than_there_is_room_for_are_refused(coco):
    coco.run("image", "pull", "a", "b", *["--key=x"] * 100, code=2)


def test_an_option_may_stand_anywhere_and_after_an_equals_sign(coco, tmp_path):
    report = "--report-data=0011"
    for args in (
        ["evidence", "get", report, "--tee", "sample"],
        ["evidence", report, "get", "--tee=sample"],
        ["--json", "evidence", "get", "--tee=sample", report],
    ):
        done = coco.run(*args)
        assert done.returncode in (0, 2), args
    assert json.loads(coco.run("evidence", "get", report, "--tee=sample", code=0).stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(coco, command):
    words = command.split()
    text = coco.run(*words, "--help", code=0).stdout.decode()
    assert text.startswith(f"Usage: coco {command} ")
    assert text == coco.run(*words, "-h", code=0).stdout.decode()
    assert text == coco.run("help", *words, code=0).stdout.decode()
    assert max(map(len, text.splitlines())) <= 100


def test_the_help_lists_every_command_and_exit_code(coco):
    text = coco.run("--help", code=0).stdout.decode()
    assert re.findall(r"^  ([a-z]+(?: [a-z-]+)?)  ", text, re.M) == COMMANDS
    assert [int(n) for n in re.findall(r"^  (\d+) ", text, re.M)] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 130]


def test_the_page_in_doc_is_the_tables(coco):
    text = coco.run("manual", "markdown", code=0).stdout.decode()
    assert text == (SOURCE / "doc/coco.md").read_text(), "run: coco manual markdown >doc/coco.md"


def test_the_manual_page_is_good_troff(coco):
    text = coco.run("manual", "man", code=0).stdout.decode()
    for command in COMMANDS:
        assert f'"coco {command}' in text
    assert not [line for line in text.splitlines() if line.startswith("'")]


def complete(coco, *words):
    script = coco.run("manual", "bash", code=0).stdout.decode()
    quoted = " ".join(f"'{word}'" for word in words)
    script += (
        f"COMP_WORDS=({quoted}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
        f"_coco coco '{words[-1]}' '{words[-2]}'\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_bash_completes_commands_options_and_words(coco):
    assert {"image", "kbs", "try", "version"} <= complete(coco, "coco", "")
    assert complete(coco, "coco", "ve") == {"version"}
    assert complete(coco, "coco", "image", "") == {
        "decrypt", "encrypt", "inspect", "ls", "plan", "prune", "pull", "push", "rekey", "rm", "sign", "unmount",
        "verify", "verify-store",
    }
    assert {"--key", "--kbs", "--json"} <= complete(coco, "coco", "image", "pull", "--")
    assert "--recipient" not in complete(coco, "coco", "image", "pull", "--")
    assert complete(coco, "coco", "try", "--tamper", "me") == {"measurement"}


def test_the_version_is_one_object_with_json(coco):
    version = coco.json("version")
    assert re.fullmatch(r"\d+\.\d+\.\d+", version["version"])
    assert {"software", "sample"} <= set(version["tees"])
    assert coco.run("--version", code=0).stdout == coco.run("version", code=0).stdout


def test_a_full_disk_under_stdout_is_an_error(coco):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [PROGRAM, "version"], stdout=full, stderr=subprocess.PIPE, env=coco.environment(), check=False
        )
    assert done.returncode == 1
    assert b"stdout" in done.stderr


def test_no_memory_image_can_be_made_of_it(coco, silent_server):
    """No core file, and no reading of /proc/PID/mem by the user's other processes."""
    process = coco.start("attest", "--kbs", f"http://127.0.0.1:{silent_server.port}", "--tee", "sample")
    try:
        status = pathlib.Path(f"/proc/{process.pid}/limits")
        def limited():
            line = next(l for l in status.read_text().splitlines() if "core file" in l)
            return line.split()[4:6] == ["0", "0"]

        assert wait_until(limited)
        if os.getuid() != 0:
            with pytest.raises(PermissionError):
                open(f"/proc/{process.pid}/mem", "rb")
        else:
            assert os.stat(f"/proc/{process.pid}/mem").st_uid == 0
    finally:
        process.kill()
        process.communicate()
