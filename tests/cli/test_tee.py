"""Commands inside a TEE of software: evidence as of hardware, by FUSE, and verified.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import hashlib
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import urllib.error
import urllib.request
import uuid

import pytest

from conftest import Coco, needs, wait_until
from daemon import admin_config, admin_token

PATH = os.environ["PATH"] + ":" + os.environ.get("COCO_TEE_DIR", "")
BOUND = ["--report-data", "00" * 31 + "ff"]  # a TPM signs no more
TEES = ("tdx", "snp", "tpm")
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


@pytest.fixture(scope="session")
def fuse(tmp_path_factory):
    """Skips where nothing can be mounted, and says why."""
    probe = Coco(tmp_path_factory.mktemp("fuse"))
    done = probe.run("tee", "run", "--as", "tdx", "--state", probe.home / "state", "--", "true", PATH=PATH)
    if done.returncode == 7:
        pytest.skip(f"needs FUSE: {done.stderr.decode().splitlines()[-1]}")


@pytest.fixture(params=TEES)
def tee(fuse, request):
    if request.param == "tpm":
        needs("swtpm")
    return request.param


class Machine:
    """Files that boot, and the state of who made the machine."""

    def __init__(self, coco, tee, top):
        self.coco, self.tee, self.top = coco, tee, top
        self.parts = {"firmware": firmware_image(), "kernel": program_image(), "initrd": b"initrd",
                      "init-data": INIT_DATA, "cmdline": b"quiet"}  # fmt: skip

    def run(self, *command, code=0, **variables):
        options = ["--as", self.tee, "--state", self.top / "state"]
        for name, content in self.parts.items():
            (self.top / name).write_bytes(content)
            options += [f"--{name}", content.decode() if name == "cmdline" else self.top / name]
        return self.coco.run("tee", "run", *options, "--", *command, code=code, PATH=PATH, **variables)

    def evidence(self, bound=BOUND):
        return self.run(os.environ["COCO"], "evidence", "get", *bound).stdout

    def trust(self):
        if self.tee == "tpm":
            return ["--trust-key", f"tpm={self.top}/state/keys/tpm.pem"]
        maker = MAKERS[self.tee]
        root = (self.top / "state/roots" / maker).read_text().strip()
        return ["--trust-root", f"{maker}={root}", "--collateral", self.top / "state/collateral"]

    def verify(self, evidence, *options, bound=BOUND, code=0):
        return self.coco.run("evidence", "verify", "--tee", self.tee, *bound, *options, stdin=evidence, code=code)


@pytest.fixture
def machine(coco, tee, tmp_path):
    return Machine(coco, tee, tmp_path)


def claims(machine, evidence):
    return json.loads(machine.verify(evidence, *machine.trust(), "--json", code=0).stdout)["claims"]


def failing(machine, evidence, *options, bound=BOUND):
    """The names of the checks that do not hold."""
    done = machine.verify(evidence, *machine.trust(), "--json", *options, bound=bound, code=4)
    return [check["name"] for check in json.loads(done.stdout)["checks"] if not check["ok"]]


def changes(before, after):
    """Names of the claims that differ; of TDX those of the quote."""
    if "quote" in before:
        before, after = before["quote"]["body"], after["quote"]["body"]
    return {name for name, value in before.items() if after[name] != value}


def test_evidence_verifies_for_who_trusts_its_maker(machine):
    evidence = machine.evidence()
    machine.verify(evidence, *machine.trust())
    machine.verify(evidence, *machine.trust(), "--init-data", machine.top / "init-data")
    untrusted = json.loads(machine.verify(evidence, "--json", code=4).stdout)["checks"]
    root = "ak-trusted" if machine.tee == "tpm" else "root"
    assert root in {check["name"] for check in untrusted if not check["ok"]}


def test_what_was_swapped_is_named(machine):
    evidence = machine.evidence()
    other = ["--report-data", BOUND[1][:-2] + "fe"]
    assert failing(machine, evidence, bound=other) == ["report-data"]
    (machine.top / "other").write_bytes(INIT_DATA.replace(b"one", b"two"))
    assert failing(machine, evidence, "--init-data", machine.top / "other") == ["init-data"]
    both = failing(machine, evidence, "--init-data", machine.top / "other", bound=other)
    assert sorted(both) == ["init-data", "report-data"]


def flip(data, at):
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def test_one_bit_of_what_was_launched_is_in_the_claims(machine):
    """And in none but the one that is for it."""
    names = {
        "tdx": {"firmware": {"mr_td"}, "kernel": {"rtmr_1"}, "initrd": {"rtmr_2"}, "cmdline": {"rtmr_2"},
                "init-data": {"mr_config_id"}},
        "snp": dict.fromkeys(("firmware", "kernel", "initrd", "cmdline"), {"measurement"}) | {"init-data": {"init_data"}},
        "tpm": {"firmware": set(), "kernel": {"pcr04"}, "initrd": {"pcr09"}, "cmdline": {"pcr09"},
                "init-data": {"pcr08", "init_data"}},
    }  # fmt: skip
    before = claims(machine, machine.evidence())
    for part, want in names[machine.tee].items():
        kept = machine.parts[part]
        machine.parts[part] = flip(kept, {"firmware": 2048, "init-data": -3}.get(part, -1))
        after = claims(machine, machine.evidence())
        machine.parts[part] = kept
        assert changes(before, after) == want, part


def test_what_is_computed_ahead_is_what_it_attests(machine):
    """From the files that boot to reference values, and to the one that another kernel does not have."""
    values = ["--reference-values", machine.top / "values"]
    evidence = machine.evidence()
    files = [word for part in ("firmware", "kernel", "initrd") for word in (f"--{part}", machine.top / part)]
    cpu = ["--cpu", "EPYC-Genoa"] if machine.tee == "snp" else []
    done = machine.coco.run("measure", "--json", "--tee", machine.tee, *files, "--cmdline", "quiet", *cpu, code=0)
    machine.coco.run("rv", "add", machine.top / "values", "--from", "-", stdin=done.stdout, code=0)
    compared = json.loads(machine.verify(evidence, *machine.trust(), *values, "--json").stdout)["references"]
    known = {"tdx": {"mr_td", "rtmr_1", "rtmr_2"}, "snp": {"snp_launch_measurement"}, "tpm": {"tpm_pcr04", "tpm_pcr09"}}
    assert {value["name"] for value in compared} >= known[machine.tee] and all(value["ok"] for value in compared)

    machine.parts["kernel"] = flip(machine.parts["kernel"], -1)
    done = machine.verify(machine.evidence(), *machine.trust(), *values, "--json", code=4)
    other = {value["name"] for value in json.loads(done.stdout)["references"] if not value["ok"]}
    assert other & known[machine.tee] == {{"tdx": "rtmr_1", "snp": "snp_launch_measurement", "tpm": "tpm_pcr04"}[machine.tee]}


@pytest.mark.parametrize("tee", MAKERS, indirect=True)
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
    assert not pathlib.Path(root.decode()).exists() and tpms_of(root.decode()) == []
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


def tpms_of(root):
    """Processes that have their state below it."""
    found = []
    for process in pathlib.Path("/proc").iterdir():
        try:
            if f"dir={root}/tpm".encode() in (process / "cmdline").read_bytes().split(b"\0"):
                found.append(process.name)
        except OSError:
            continue
    return found


def test_a_machine_that_is_killed_takes_its_command_and_its_files_with_it(machine):
    line = [os.environ["COCO"], "tee", "run", "--as", machine.tee, "--state", machine.top / "state", "--",
            "sh", "-c", 'echo "$$ $COCO_TEE_ROOT"; exec sleep 1000']  # fmt: skip
    with subprocess.Popen(line, env=machine.coco.environment(PATH=PATH), stdout=subprocess.PIPE) as process:
        pid, root = process.stdout.readline().decode().split()
        pids = [pid, *tpms_of(root)]
        assert os.path.ismount(f"{root}/sys") and len(pids) == 1 + (machine.tee == "tpm")
        process.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not pathlib.Path(root).exists())
    assert wait_until(lambda: all(gone(pid) for pid in pids))


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


REGISTER = "$COCO_TEE_ROOT/sys/devices/virtual/misc/tdx_guest/measurements/rtmr3:sha384"
LOG = "$COCO_TEE_ROOT/run/attestation-agent/eventlog"


@pytest.fixture
def td(fuse, coco, tmp_path):
    return Machine(coco, "tdx", tmp_path)


def measure_and_attest(td, digest, log=b""):
    """As an agent measures: a register extended by a write, a log beside it."""
    (td.top / "digest").write_bytes(digest)
    (td.top / "log").write_bytes(log)
    write = f'cat {td.top}/digest > "{REGISTER}" && cat {td.top}/log > "{LOG}"'
    attest = f'exec {os.environ["COCO"]} evidence get {" ".join(BOUND)}'
    return td.run("sh", "-c", f"{write} && {attest}").stdout


def test_what_is_measured_as_it_runs_is_in_the_claims(td):
    text = b"example.com Started app"
    data = struct.pack("<II", 0x4141454C, len(text)) + text
    digest = hashlib.sha384(data).digest()
    log = struct.pack("<IIIH", 4, 6, 1, 12) + digest + struct.pack("<I", len(data)) + data
    before = claims(td, td.evidence())
    after = claims(td, measure_and_attest(td, digest, log))
    assert changes(before, after) == {"rtmr_3"}
    assert after["quote"]["body"]["rtmr_3"] == hashlib.sha384(bytes(48) + digest).hexdigest()
    assert len(after["uefi_event_logs"]) == len(before["uefi_event_logs"]) + 1
    assert "Started" in json.dumps(after["uefi_event_logs"][-1])


def test_a_register_that_no_log_explains_is_refused(td):
    evidence = measure_and_attest(td, bytes(48))
    assert failing(td, evidence) == ["event-log"]
    assert b"RTMR3" in td.verify(evidence, *td.trust(), code=4).stdout


POLICY = """package policy
import rego.v1
default executables := 33
trust_claims := {"instance-identity": 0, "configuration": 2, "executables": executables, "file-system": 0,
    "hardware": 2, "runtime-opaque": 0, "storage-opaque": 0, "sourced-data": 0}
executables := 3 if {
    input.tdx.quote.body.mr_td in query_reference_value("mr_td")
    input.tdx.quote.body.rtmr_1 in query_reference_value("rtmr_1")
    input.tdx.quote.body.rtmr_2 in query_reference_value("rtmr_2")
}
executables := 3 if input.snp.measurement in query_reference_value("snp_launch_measurement")
executables := 3 if input.tpm.pcr04 in query_reference_value("tpm_pcr04")
extensions := []
"""


def tell(url, token, path, **message):
    """Status of the owner's request."""
    request = urllib.request.Request(f"{url}/kbs/v0/{path}", json.dumps(message).encode(),
                                     {"Authorization": f"Bearer {token}"})  # fmt: skip
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def expect(machine, url, token):
    """Has a broker expect the machine as it is, and give to no other."""
    found = claims(machine, machine.evidence())
    body = found["quote"]["body"] if machine.tee == "tdx" else {}
    values = {"snp_launch_measurement": [found.get("measurement", "")], "tpm_pcr04": [found.get("pcr04", "")]}
    values |= {name: [body.get(name, "")] for name in ("mr_td", "rtmr_1", "rtmr_2")}
    payload = base64.b64encode(json.dumps(values).encode()).decode()
    assert tell(url, token, "reference-value", version="0.1.0", type="sample", payload=payload) == 200
    policy = base64.urlsafe_b64encode(POLICY.encode()).rstrip(b"=").decode()
    if tell(url, token, "attestation-policy", type="rego", policy_id="default_cpu", policy=policy) != 200:
        pytest.skip("needs a broker with the policy engine")


def test_a_broker_gives_a_secret_to_the_machine_that_it_expects(machine, serve, keys):
    private, public = keys("ed25519")
    machine.evidence()  # makes its maker's keys
    if machine.tee == "tpm":
        trust = f'tpm_keys = ["{machine.top}/state/keys/tpm.pem"]\n'
    else:
        _, root, _, collateral = machine.trust()
        trust = f'trusted_roots = ["{root}"]\ncollateral = ["{collateral}"]\n'
    (machine.top / "kbs.toml").write_text("[attestation_service]\n" + trust + admin_config(public))
    broker = serve("--config", machine.top / "kbs.toml", "--listen", "127.0.0.1:0")
    expect(machine, broker.url, admin_token(private))
    owner = ["--kbs", broker.url, "--kbs-admin-key", private]
    machine.coco.run("resource", "put", *owner, "a/key/1", stdin=b"the secret", code=0)
    get = [os.environ["COCO"], "resource", "get", "--kbs", broker.url, "kbs:///a/key/1"]
    assert machine.run(*get).stdout == b"the secret"

    machine.parts["kernel"] = flip(machine.parts["kernel"], -1)
    assert b"the secret" not in machine.run(*get, code=3).stdout
    machine.parts["kernel"] = flip(machine.parts["kernel"], -1)
    stranger = Machine(machine.coco, machine.tee, machine.top / "stranger")
    stranger.top.mkdir()
    assert b"the secret" not in stranger.run(*get, code=3).stdout
    assert machine.run(*get).stdout == b"the secret"


def test_what_is_missing_is_said(coco, tmp_path):
    state = ["--state", tmp_path / "state"]
    coco.run("tee", "run", "--as", "tdx", *state, code=2, PATH=PATH)
    coco.run("tee", "run", "--as", "sgx", *state, "--", "true", code=2, PATH=PATH)
    coco.run("tee", "run", "--as", "tdx", "--", "true", code=2, PATH=PATH)
    gone = coco.run("tee", "run", "--as", "tdx", *state, "--", "true", code=7, PATH="/nonexistent")
    assert b"coco-tee is not there" in gone.stderr
    missing = coco.run("tee", "run", "--as", "tdx", *state, "--kernel", tmp_path / "no", "--", "true", code=6, PATH=PATH)
    assert b"no file" in missing.stderr


def test_without_swtpm_a_sentence_and_a_code(coco, tmp_path):
    line = ["tee", "run", "--as", "tpm", "--state", tmp_path / "state", "--", "true"]
    done = coco.run(*line, code=7, PATH=os.environ["COCO_TEE_DIR"])
    assert done.stderr == b"coco-tee: the program swtpm is not there\n"


def test_without_fuse_a_sentence_and_a_code(coco, tmp_path):
    """In a mount namespace whose /dev has no fuse."""
    inside = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /dev && exec "$0" "$@"', os.environ["COCO"]]
    probe = subprocess.run([*inside[:3], "-c", "mount -t tmpfs none /dev"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("needs to mount")
    done = subprocess.run([*inside, "tee", "run", "--as", "tdx", "--state", tmp_path / "state", "--", "true"],
                          env=coco.environment(PATH=PATH), capture_output=True, check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (7, b"coco-tee: this system has no /dev/fuse\n")


def test_a_machine_that_is_started_without_stdio_is_all_there(coco, machine, tmp_path):
    """What it opens first would be in the place of what its keeper lets go, who would then end it."""
    seen = tmp_path / "seen"
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", shutil.which("coco-tee", path=PATH), "--as", machine.tee, "--state", tmp_path / "state", "--",
         "sh", "-c", f"ls $COCO_TEE_ROOT/sys > {seen}"], check=False, timeout=60)
    assert done.returncode == 0
    assert "kernel" in seen.read_text().split()
