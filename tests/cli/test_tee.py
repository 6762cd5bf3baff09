"""Commands inside a TEE of software: evidence as of hardware, by FUSE, and verified.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import json
import os
import pathlib
import signal
import struct
import subprocess
import uuid

import pytest

from conftest import wait_until

PATH = os.environ["PATH"] + ":" + os.environ.get("COCO_TEE_DIR", "")
BOUND = ["--report-data", "00" * 63 + "ff"]
MAKERS = {"tdx": "intel", "snp": "amd/Genoa"}
INIT_DATA = b'version = "0.1.0"\nalgorithm = "sha384"\n[data]\n"aa.toml" = "one"\n'


def guid(text):
    return uuid.UUID(text).bytes_le


def firmware_image():
    """A page that says how SEV-SNP and TDX launch with it, as OVMF does, by a table of GUIDs at its end."""
    sev = [(0x800000, 0x9000, 1), (0x80D000, 0x1000, 2), (0x80E000, 0x1000, 3), (0x810000, 0x1000, 0x10)]
    descriptor = b"ASEV" + struct.pack("<III", 16 + 12 * len(sev), 1, len(sev))
    descriptor += b"".join(struct.pack("<III", *section) for section in sev)
    tdx = b"TDVF" + struct.pack("<III", 16 + 32, 1, 1) + struct.pack("<IIQQII", 0, 4096, 0xFFFFF000, 4096, 0, 1)
    entries = b""
    for value, name in ((4096, "dc886566-984a-4798-a75e-5585a7bf67cc"), (3840, "e47a6535-984a-4798-865e-4685a7bf8ec2"),
                        (0x810C00, "7255371f-3a3b-4b04-927b-1da6efa8d454"),
                        (0x80B004, "00f771de-1a7e-4fcb-890e-68c77e2fb44e")):  # fmt: skip
        entries += struct.pack("<IH", value, 22) + guid(name)
    table = entries + struct.pack("<H", len(entries) + 18) + guid("96b582de-1fb2-45f7-baea-a366c55a082d")
    return (descriptor.ljust(256, b"\0") + tdx).ljust(4096 - 32 - len(table), b"\0") + table + bytes(32)


def program_image():
    """A program of UEFI: headers, and one section."""
    optional = bytearray(240)
    struct.pack_into("<H", optional, 0, 0x20B)
    struct.pack_into("<I", optional, 60, 512)
    struct.pack_into("<I", optional, 108, 16)
    section = bytes(16) + struct.pack("<II", 512, 512) + bytes(16)
    headers = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 64)
    headers += b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, len(optional), 0) + optional + section
    return headers.ljust(512, b"\0") + b"a kernel".ljust(512, b"\0")


@pytest.fixture(params=MAKERS)
def tee(request):
    if not os.path.exists("/dev/fuse"):
        pytest.skip("needs /dev/fuse")
    return request.param


class Machine:
    """Files that boot, and the state of who made the machine."""

    def __init__(self, coco, tee, top):
        self.coco, self.tee, self.top = coco, tee, top
        self.parts = {"firmware": firmware_image(), "kernel": program_image(), "initrd": b"initrd",
                      "init-data": INIT_DATA}  # fmt: skip
        self.cmdline = "quiet"

    def run(self, *command, code=0, **variables):
        options = ["--as", self.tee, "--state", self.top / "state", "--cmdline", self.cmdline]
        for name, content in self.parts.items():
            (self.top / name).write_bytes(content)
            options += [f"--{name}", self.top / name]
        return self.coco.run("tee", "run", *options, "--", *command, code=code, PATH=PATH, **variables)

    def evidence(self, bound=BOUND):
        return self.run(os.environ["COCO"], "evidence", "get", *bound).stdout

    def trust(self):
        maker = MAKERS[self.tee]
        root = (self.top / "state/roots" / maker).read_text().strip()
        return ["--trust-root", f"{maker}={root}", "--collateral", self.top / "state/collateral"]

    def verify(self, evidence, *options, bound=BOUND, code=0):
        return self.coco.run("evidence", "verify", "--tee", self.tee, *bound, *options, stdin=evidence, code=code)


@pytest.fixture
def machine(coco, tee, tmp_path):
    return Machine(coco, tee, tmp_path)


def claims(machine, evidence):
    done = machine.coco.run("evidence", "verify", "--json", "--tee", machine.tee, *BOUND, *machine.trust(),
                            stdin=evidence, code=0)  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])["claims"]


def test_evidence_verifies_for_who_trusts_its_maker(machine):
    evidence = machine.evidence()
    machine.verify(evidence, *machine.trust())
    digest = hashlib.sha384(INIT_DATA).hexdigest()
    machine.verify(evidence, *machine.trust(), "--init-data", digest)
    other = hashlib.sha384(INIT_DATA + b" ").hexdigest()
    machine.verify(evidence, *machine.trust(), "--init-data", other, code=4)
    machine.verify(evidence, code=4)
    machine.verify(evidence, *machine.trust(), bound=["--report-data", "00"], code=4)


def test_one_bit_of_what_was_launched_is_in_the_claims(machine):
    before = claims(machine, machine.evidence())
    for part in ("firmware", "kernel", "initrd", "init-data"):
        kept = machine.parts[part]
        at = {"firmware": 2048, "init-data": -3}.get(part, -1)
        changed = bytearray(kept)
        changed[at] ^= 1
        machine.parts[part] = bytes(changed)
        after = claims(machine, machine.evidence())
        machine.parts[part] = kept
        if machine.tee == "snp":
            name = "init_data" if part == "init-data" else "measurement"
            assert {key for key in before if after[key] != before[key]} - {"report_id"} == {name}, part
        else:
            name = {"firmware": "mr_td", "kernel": "rtmr_1", "initrd": "rtmr_2", "init-data": "mr_config_id"}[part]
            changed = {key for key, value in after["quote"]["body"].items() if value != before["quote"]["body"][key]}
            assert changed == {name}, part


def test_the_command_is_where_the_kernels_files_are(machine):
    script = 'cd "$COCO_TEE_ROOT" && ls sys/kernel/config/tsm/report && mkdir sys/kernel/config/tsm/report/x && ' \
             'cd sys/kernel/config/tsm/report/x && cat provider generation && ! cat outblob 2>/dev/null && ' \
             'head -c 64 /dev/zero > inblob && cat generation && ! rm provider 2>/dev/null && ' \
             'cat outblob | head -c 1 | wc -c && cd .. && rmdir x && echo gone'  # fmt: skip
    done = machine.run("sh", "-c", script)
    provider = {"tdx": "tdx_guest", "snp": "sev_guest"}[machine.tee]
    assert done.stdout.decode().split() == [provider, "0", "1", "1", "gone"]


def test_it_is_detected_and_leaves_nothing_behind(machine):
    done = machine.run("sh", "-c", f'echo "$COCO_TEE_ROOT"; exec {os.environ["COCO"]} evidence get {" ".join(BOUND)}')
    root, evidence = done.stdout.split(b"\n", 1)
    assert not pathlib.Path(root.decode()).exists()
    machine.verify(evidence, *machine.trust())
    machine.run("sh", "-c", "exit 5", code=5)
    machine.run("sh", "-c", "kill -TERM $$", code=128 + 15)
    machine.run("no-such-command", code=127)


def gone(pid):
    """Ended, if perhaps not waited for by whoever has it now."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_a_machine_that_is_killed_takes_its_command_and_its_files_with_it(machine):
    line = [os.environ["COCO"], "tee", "run", "--as", machine.tee, "--state", machine.top / "state", "--",
            "sh", "-c", 'echo "$$ $COCO_TEE_ROOT"; exec sleep 1000']  # fmt: skip
    with subprocess.Popen(line, env=machine.coco.environment(PATH=PATH), stdout=subprocess.PIPE) as process:
        pid, root = process.stdout.readline().decode().split()
        assert os.path.ismount(f"{root}/sys")
        process.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not pathlib.Path(root).exists())
    assert wait_until(lambda: gone(pid))


def test_who_stays_behind_does_not_keep_it(machine):
    done = machine.run("sh", "-c", 'cd "$COCO_TEE_ROOT/sys" && echo "$PWD" && (sleep 1000 > /dev/null 2>&1 & echo $!)')
    path, pid = done.stdout.decode().split()
    os.kill(int(pid), signal.SIGKILL)
    assert not pathlib.Path(path).exists()


def test_a_state_stays_the_same_machine(machine):
    first = machine.evidence()
    machine.evidence()
    machine.verify(first, *machine.trust())
    other = Machine(machine.coco, machine.tee, machine.top / "other")
    other.top.mkdir()
    other.evidence()
    machine.verify(first, *other.trust(), code=4)


def test_registers_are_extended_and_a_log_must_say_so(coco, tmp_path):
    if not os.path.exists("/dev/fuse"):
        pytest.skip("needs /dev/fuse")
    machine = Machine(coco, "tdx", tmp_path)
    register = "$COCO_TEE_ROOT/sys/devices/virtual/misc/tdx_guest/measurements/rtmr3:sha384"
    done = machine.run("sh", "-c", f'head -c 48 /dev/zero > "{register}"; '
                       f'exec {os.environ["COCO"]} evidence get {" ".join(BOUND)}')  # fmt: skip
    refused = machine.verify(done.stdout, *machine.trust(), code=4)
    assert b"event-log" in refused.stdout and b"RTMR3" in refused.stdout


def test_what_is_missing_is_said(coco, tmp_path):
    state = ["--state", tmp_path / "state"]
    coco.run("tee", "run", "--as", "tdx", *state, code=2, PATH=PATH)
    coco.run("tee", "run", "--as", "sgx", *state, "--", "true", code=2, PATH=PATH)
    coco.run("tee", "run", "--as", "tdx", "--", "true", code=2, PATH=PATH)
    gone = coco.run("tee", "run", "--as", "tdx", *state, "--", "true", code=7, PATH="/nonexistent")
    assert b"coco-tee is not there" in gone.stderr
    missing = coco.run("tee", "run", "--as", "tdx", *state, "--kernel", tmp_path / "no", "--", "true", code=6, PATH=PATH)
    assert b"no file" in missing.stderr


def test_without_fuse_a_sentence_and_a_code(coco, tmp_path):
    """In a mount namespace whose /dev has no fuse."""
    inside = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /dev && exec "$0" "$@"', os.environ["COCO"]]
    probe = subprocess.run([*inside[:3], "-c", "mount -t tmpfs none /dev"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("needs to mount")
    done = subprocess.run([*inside, "tee", "run", "--as", "tdx", "--state", tmp_path / "state", "--", "true"],
                          env=coco.environment(PATH=PATH), capture_output=True, check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (7, b"coco-tee: this system has no /dev/fuse\n")
