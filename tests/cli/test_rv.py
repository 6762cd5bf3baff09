"""Reference values: measured, kept, signed, compared, and what evidence is let in by them.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import re
import subprocess

import pytest

import daemon as kbs
from test_measure import initrd, kernel  # noqa: F401: fixtures

A, B = "aa" * 48, "bb" * 48


@pytest.fixture
def owner(tmp_path):
    """Paths of a private and a public key."""
    private, public = tmp_path / "owner.pem", tmp_path / "owner.pub"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    return private, public


@pytest.fixture
def values(coco, tmp_path):
    """A file of two values."""
    path = tmp_path / "values.json"
    coco.run("rv", "add", path, f"mr_td={A}", 'xfam:="e7"', "--expires", "2033-01-01T00:00:00Z", code=0)
    return path


def entries(path):
    return {e["name"]: e for e in json.loads(path.read_text())}


def test_a_file_has_what_trustee_keeps(coco, values):
    assert json.loads(values.read_text()) == [
        {"version": "0.1.0", "name": "mr_td", "expiration": "2033-01-01T00:00:00Z", "value": [A]},
        {"version": "0.1.0", "name": "xfam", "expiration": "2033-01-01T00:00:00Z", "value": "e7"},
    ]
    shown = coco.run("rv", "show", values, code=0).stdout.decode()
    assert f'mr_td  until 2033-01-01T00:00:00Z\n    ["{A}"]\n' in shown


def test_values_are_added_replaced_and_removed(coco, values):
    coco.run("rv", "add", values, f"mr_td={B}", "n:=7", code=0)
    assert entries(values)["mr_td"]["value"] == [A, B]
    assert entries(values)["mr_td"]["expiration"] == "2033-01-01T00:00:00Z"
    assert entries(values)["n"]["value"] == 7
    before = values.read_bytes()
    refused = coco.run("rv", "add", values, "new=x", 'xfam:="e8"', code=2)
    assert "replace it" in refused.stderr.decode() and values.read_bytes() == before
    coco.run("rv", "add", values, 'xfam:="e8"', "--replace", "--expires", "2034-01-01T00:00:00Z", code=0)
    assert (entries(values)["xfam"]["value"], entries(values)["xfam"]["expiration"]) == ("e8", "2034-01-01T00:00:00Z")
    coco.run("rv", "rm", values, "xfam", "n", code=0)
    assert list(entries(values)) == ["mr_td"]
    coco.run("rv", "rm", values, "xfam", code=6)


def test_files_are_added_in_all_forms(coco, values, tmp_path):
    for form in "json", "values", "rvps", "corim":
        coco.run("rv", "show", values, "--form", form, "-o", tmp_path / form, code=0)
        coco.run("rv", "add", tmp_path / f"{form}.new", "--from", tmp_path / form, code=0)
        got = {name: e["value"] for name, e in entries(tmp_path / f"{form}.new").items()}
        assert got == {"mr_td": [A], "xfam": "e7"}
        expiration = entries(tmp_path / f"{form}.new")["xfam"]["expiration"]
        assert (expiration == "2033-01-01T00:00:00Z") == (form != "values")


def test_two_who_add_at_once_both_do(coco, tmp_path):
    path = tmp_path / "many"
    program = os.environ["COCO"]
    running = [subprocess.Popen([program, "rv", "add", path, f"v{i}=x"], env=coco.environment()) for i in range(8)]
    assert [p.wait(60) for p in running] == [0] * 8
    assert sorted(entries(path)) == [f"v{i}" for i in range(8)]


def test_what_the_owner_signed_is_verified(coco, values, owner, tmp_path):
    private, public = owner
    sealed = tmp_path / "sealed"
    coco.run("rv", "sign", values, "--sign-key", private, "--signer", "Ann", "-o", sealed, code=0)
    told = json.loads(coco.run("rv", "verify", sealed, "--owner-key", public, "--json", code=0).stdout)
    assert told["signer"] == "Ann"
    assert {v["name"]: v["value"] for v in told["values"]} == {"mr_td": [A], "xfam": "e7"}
    verify = ["rv", "verify", sealed, "--owner-key"]
    assert "signed by Ann" in coco.run(*verify, public, code=0).stdout.decode()
    # It has ended, another's key, a bit, no key, no signature.
    ended = coco.run(*verify, public, "--at", "2033-01-01T00:00:01Z", code=4).stderr.decode()
    assert "'mr_td' ended at 2033-01-01T00:00:00Z" in ended
    stranger = tmp_path / "stranger.pub"
    key = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519"], check=True, capture_output=True).stdout
    subprocess.run(["openssl", "pkey", "-pubout", "-out", stranger], input=key, check=True)
    coco.run(*verify, stranger, code=4)
    content = bytearray(sealed.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "changed").write_bytes(content)
    assert coco.run("rv", "verify", tmp_path / "changed", "--owner-key", public).returncode in (1, 4)
    coco.run("rv", "verify", sealed, code=2)
    assert "--owner-key" in coco.run("rv", "show", sealed, code=2).stderr.decode()
    assert "nobody signed it" in coco.run("rv", "verify", values, "--owner-key", public, code=4).stderr.decode()
    coco.run("rv", "add", sealed, "x=1", "--owner-key", public, code=2)
    # Whoever names a key is not given what somebody put in the place of what it signed.
    assert "nobody signed it" in coco.run("rv", "show", values, "--owner-key", public, code=4).stderr.decode()
    coco.run("rv", "show", values, "--form", "corim", "-o", tmp_path / "corim", code=0)
    for command in ["show", "verify"]:
        refused = coco.run("rv", command, tmp_path / "corim", "--owner-key", public, code=4).stderr.decode()
        assert "nobody signed it" in refused
    add = ["rv", "add", tmp_path / "more", "--owner-key", public, "--from"]
    assert "nobody signed it" in coco.run(*add, values, code=4).stderr.decode()
    assert not (tmp_path / "more").exists()
    coco.run(*add, sealed, code=0)
    # What has ended is not signed.
    coco.run("rv", "add", values, "old=x", "--expires", "2020-01-01T00:00:00Z", code=0)
    assert "'old' ended" in coco.run("rv", "sign", values, "--sign-key", private, "--signer", "Ann", code=4).stderr.decode()


def test_files_are_compared(coco, values, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(values.read_bytes())
    assert coco.run("rv", "diff", values, other, code=0).stdout == b""
    coco.run("rv", "add", other, f"mr_td={B}", "n:=7", code=0)
    coco.run("rv", "rm", other, "xfam", code=0)
    told = json.loads(coco.run("rv", "diff", values, other, "--json", code=1).stdout)
    assert told["changes"] == [
        {"name": "mr_td", "change": "changed", "before": [A], "after": [A, B]},
        {"name": "n", "change": "added"},
        {"name": "xfam", "change": "removed"},
    ]
    assert "removed   xfam" in coco.run("rv", "diff", values, other, code=1).stdout.decode()


def test_values_for_others_prove_nothing(coco, values):
    verdict = json.dumps({"tee": "cca", "valid": True, "claims": {"x": 1}}).encode()
    assert "no reference value is for" in coco.run("rv", "diff", values, "-", stdin=verdict, code=4).stderr.decode()
    verdict = json.dumps({"tee": "tdx", "valid": False, "claims": {"quote": {"body": {"mr_td": A}}}}).encode()
    assert "prove nothing" in coco.run("rv", "diff", values, "-", stdin=verdict, code=4).stderr.decode()


WRONG = [
    (["add", "F"], 2, "needs NAME=TEXT"),
    (["add", "F", "name"], 2, "is not NAME=TEXT"),
    (["add", "F", "=x"], 2, "1 to 1023 bytes"),
    (["add", "F", ":=1"], 2, "1 to 1023 bytes"),
    (["add", "F", "a:=nojson"], 1, "reference value"),
    (["add", "F", "a:=null"], 2, "null is no value"),
    (["add", "F", "a=x", "--expires", "soon"], 2, "--expires is a time"),
    (["add", "F", "--from", "nosuch"], 6, "nosuch"),
    (["add", "nosuch/F", "a=x"], 6, "nosuch"),
    (["show", "nosuch"], 6, "nosuch"),
    (["show", "BAD"], 1, "reference values"),
    (["add", "BAD", "a=x"], 1, "reference values"),
    (["diff", "BAD", "BAD"], 1, "reference values"),
    (["rm", "nosuch", "a"], 6, "nosuch"),
    (["sign", "F"], 2, "needs --sign-key FILE and --signer NAME"),
    (["sign", "F", "--sign-key", "BAD", "--signer", "x"], 1, ""),
    (["verify", "F"], 2, "needs --owner-key"),
    (["show", "F", "--form", "xml"], 2, "--form can be"),
]  # fmt: skip


@pytest.mark.parametrize("args, code, says", WRONG)
def test_what_makes_no_sense_is_refused(coco, values, tmp_path, args, code, says):
    (tmp_path / "bad").write_text('[{"name": "a"}]')
    before = values.read_bytes()
    names = {"F": values, "BAD": tmp_path / "bad"}
    done = coco.run("rv", *[names.get(a, a) for a in args], code=code)
    assert says in done.stderr.decode()
    assert values.read_bytes() == before
    assert (tmp_path / "bad").read_text() == '[{"name": "a"}]'


def test_names_do_not_move_the_cursor(coco, tmp_path):
    (tmp_path / "f").write_text(json.dumps({"a\u009b31m\u202e": "\u009b31m\x7f\u2066"}))
    shown = coco.run("rv", "show", tmp_path / "f", code=0).stdout
    assert b"\x9b" not in shown and b"\x7f" not in shown
    assert b"\\xe2\\x80\\xae" in shown and b"\\xe2\\x81\\xa6" in shown


# --- from measuring to being let in ----------------------------------------


BOUND = ["--report-data", "00" * 63 + "ff"]


def kept(coco, tmp_path, owner, *measure):
    """The file of what `measure` tells, signed by the owner and verified again."""
    private, public = owner
    measured = coco.run("measure", *measure, "--json", code=0).stdout
    coco.run("rv", "add", tmp_path / "rv", "--from", "-", stdin=measured, code=0)
    coco.run("rv", "sign", tmp_path / "rv", "--sign-key", private, "--signer", "Ann", "-o", tmp_path / "signed", code=0)
    coco.run("rv", "verify", tmp_path / "signed", "--owner-key", public, "--form", "json", "-o", tmp_path / "kept", code=0)
    return tmp_path / "kept"


@pytest.mark.parametrize("tee, maker, cpu", [("tdx", "intel", []), ("snp", "amd/Genoa", ["--cpu", "EPYC-Genoa"])])
def test_a_machine_has_what_was_measured_ahead(coco, tmp_path, owner, kernel, initrd, tee, maker, cpu):  # noqa: F811
    from test_tee import PATH, firmware_image

    if not os.path.exists("/dev/fuse"):
        pytest.skip("needs /dev/fuse")
    firmware = tmp_path / "firmware"
    firmware.write_bytes(firmware_image())
    parts = ["--firmware", firmware, "--kernel", kernel, "--initrd", initrd]
    path = kept(coco, tmp_path, owner, "--tee", tee, *parts, "--cmdline", "quiet", *cpu)

    def verdict(cmdline):
        run = ["tee", "run", "--as", tee, "--state", tmp_path / "state", *parts, "--cmdline", cmdline]
        got = coco.run(*run, "--", os.environ["COCO"], "evidence", "get", *BOUND, PATH=PATH)
        if got.returncode == 7:
            pytest.skip("this build has no FUSE")
        root = (tmp_path / "state/roots" / maker).read_text().strip()
        return coco.run("evidence", "verify", "--tee", tee, *BOUND, "--json", "--trust-root", f"{maker}={root}",
                        "--collateral", tmp_path / "state/collateral", stdin=got.stdout).stdout  # fmt: skip

    told = json.loads(coco.run("rv", "diff", path, "-", "--json", stdin=verdict("quiet")).stdout)
    states = {s["name"]: s["state"] for s in told["states"]}
    measured = set(entries(path))
    assert measured == ({"mr_td", "rtmr_1", "rtmr_2", "tdvfkernel", "tdvfkernelparams"} if tee == "tdx"
                        else {"snp_launch_measurement"})  # fmt: skip
    assert {name: states[name] for name in measured} == dict.fromkeys(measured, "same")
    # Values that the policy asks for besides are named, and none that was measured.
    assert not measured & {name for name, state in states.items() if state == "no-value"}
    other = json.loads(coco.run("rv", "diff", path, "-", "--json", stdin=verdict("quiet x"), code=4).stdout)
    differ = {s["name"] for s in other["states"] if s["state"] == "differs"}
    assert differ == ({"rtmr_2", "tdvfkernelparams"} if tee == "tdx" else {"snp_launch_measurement"})


def test_a_broker_lets_in_what_was_measured_ahead(coco, tmp_path, owner):
    """The values go to a broker as Trustee's RVPS takes them; another kernel gets nothing."""
    for name in "one", "two":
        (tmp_path / name).write_bytes(name.encode())
    tee = tmp_path / "tee"
    coco.run("tee", "launch", tee, tmp_path / "one", code=0)
    path = kept(coco, tmp_path, owner, "--tee", "software", "--kernel", tmp_path / "one")
    private, public = owner
    roots = tmp_path / "root.pub"
    subprocess.run(["openssl", "pkey", "-in", tee / "root.pem", "-pubout", "-out", roots], check=True)
    config = kbs.admin_config(public) + f"""
[http_server]
sockets = ["127.0.0.1:0"]
insecure_http = true
[attestation_service]
software_roots = ["{roots}"]
"""
    server = kbs.Daemon(tmp_path, config)
    try:
        token = kbs.admin_token(private)
        coco.run("rv", "put", path, "--kbs", server.url, "--kbs-admin-key", private, code=0)
        assert server.ask("POST", "/resource/a/b/c", token, b"secret")[0] == 200
        get = ["resource", "get", "kbs:///a/b/c", "--kbs", server.url]
        env = {"COCO_SOFTWARE_TEE": str(tee)}
        assert coco.run(*get, code=0, **env).stdout == b"secret"
        evidence = coco.run("evidence", "get", *BOUND, code=0, **env).stdout
        verify = ["evidence", "verify", *BOUND, "--reference-values", path]
        assert "launch_digest    ok" in coco.run(*verify, stdin=evidence, code=0, **env).stdout.decode()
        ended = coco.run(*verify, "--at", "2060-01-01T00:00:00Z", stdin=evidence, code=4, **env)
        assert "'launch_digest' ended" in ended.stderr.decode()
        # Values for others prove nothing of this one.
        coco.run("rv", "add", tmp_path / "others", f"mr_td={A}", code=0)
        verify[-1] = tmp_path / "others"
        assert "no reference value is for" in coco.run(*verify, stdin=evidence, code=4, **env).stderr.decode()
        verify[-1] = path
        coco.run("tee", "launch", tee, tmp_path / "two", code=0)
        coco.run(*get, code=3, **env)
        evidence = coco.run("evidence", "get", *BOUND, code=0, **env).stdout
        assert "nearest" in coco.run(*verify, stdin=evidence, code=4, **env).stdout.decode()
    finally:
        server.stop()


def test_a_broker_may_demand_the_owners_signature(coco, tmp_path, owner, values):
    """With reference_keys who may administer the broker cannot say what is good."""
    private, public = owner
    admin, admin_public = tmp_path / "admin.pem", tmp_path / "admin.pub"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", admin], check=True)
    subprocess.run(["openssl", "pkey", "-in", admin, "-pubout", "-out", admin_public], check=True)
    config = kbs.admin_config(admin_public) + f"""
[http_server]
sockets = ["127.0.0.1:0"]
insecure_http = true
[attestation_service]
reference_keys = ["{public}"]
"""

    server = kbs.Daemon(tmp_path, config)
    try:
        token = kbs.admin_token(admin)
        put = ["--kbs", server.url, "--kbs-admin-key", admin]
        refused = coco.run("rv", "put", values, *put)
        assert refused.returncode != 0 and "nobody signed" in refused.stderr.decode()
        for key in admin, private:
            assert server.ask("GET", "/reference-value/mr_td", token)[0] != 200
            sealed = tmp_path / f"{key.name}.signed"
            coco.run("rv", "sign", values, "--sign-key", key, "--signer", "Ann", "-o", sealed, code=0)
            assert (coco.run("rv", "put", sealed, *put).returncode == 0) == (key == private)
        status, said = server.ask("GET", "/reference-value/mr_td", token)
        assert (status, json.loads(said)) == (200, [A])
    finally:
        server.stop()


def test_a_broker_tells_since_when_and_until_when(coco, broker, keys, values, tmp_path):
    owner = ["--kbs", broker.url, "--kbs-admin-key", keys("ed25519")[0]]
    assert coco.run("rv", "ls", *owner, code=0).stdout == b""
    coco.run("rv", "put", values, *owner, code=0)
    (tmp_path / "forever").write_text('{"n": 7}')
    coco.run("rv", "put", tmp_path / "forever", *owner, code=0)
    listed = json.loads(coco.run("rv", "ls", *owner, "--json", code=0).stdout)
    assert [(v["name"], v["value"], v.get("expires")) for v in listed] == [
        ("mr_td", [A], 1988150400), ("n", 7, None), ("xfam", "e7", 1988150400),
    ]  # fmt: skip
    text = coco.run("rv", "ls", *owner, code=0).stdout.decode()
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.search(rf'^mr_td  since {time}  until 2033-01-01T00:00:00Z\n    \["{A}"\]$', text, re.M)
    assert re.search(rf"^n  since {time}\n    7$", text, re.M)
    coco.run("rv", "add", tmp_path / "old", "old=x", "--expires", "2020-01-01T00:00:00Z", code=0)
    assert "'old' ended" in coco.run("rv", "put", tmp_path / "old", *owner, code=4).stderr.decode()
