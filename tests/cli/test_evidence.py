"""Evidence verified, recorded and replayed, and the collateral that it takes.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import http.server
import json
import re
import subprocess
import threading

import pytest

from vectors import recorded

BOUND = ["--report-data", "00ff"]


@pytest.fixture
def tee(coco, tmp_path):
    """A software TEE that booted a file: its directory and evidence of it."""
    (tmp_path / "kernel").write_bytes(b"kernel")
    coco.run("tee", "launch", tmp_path / "tee", tmp_path / "kernel", code=0)
    env = {"COCO_SOFTWARE_TEE": str(tmp_path / "tee")}
    return env, coco.run("evidence", "get", *BOUND, code=0, **env).stdout


@pytest.fixture
def certificates(tmp_path):
    """A directory with a certificate that is valid for a day, and one of Hygon's, without dates."""
    top = tmp_path / "files"
    (top / "amd/Milan/vcek").mkdir(parents=True)
    (top / "hygon").mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", tmp_path / "ca.pem", "-subj", "/CN=CA", "-days", "1",
         "-out", top / "amd/Milan/vcek/chain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    (top / "hygon/hrk.cert").write_bytes(b"its own form")
    return top


def test_every_check_says_what_it_wanted(coco, tee):
    env, evidence = tee
    text = coco.run("evidence", "verify", *BOUND, stdin=evidence, code=0, **env).stdout.decode()
    assert text.count("wanted: ") == text.count("got:    ") >= 4
    assert "not ok" not in text
    other = coco.run("evidence", "verify", "--report-data", "00fe", stdin=evidence, code=4, **env)
    text = other.stdout.decode()
    assert "wanted: 00fe" in text and "got:    00ff" in text and "to do:  the evidence was made for another" in text


def test_nothing_holds_that_is_bound_to_nothing(coco, tee):
    env, evidence = tee
    done = coco.run("evidence", "verify", stdin=evidence, code=4, **env)
    assert b"--report-data says what it must be bound to" in done.stderr
    coco.run("evidence", "show", stdin=evidence, code=0, **env)


def test_trust_is_named(coco, tee, tmp_path, keys):
    env, evidence = tee
    verify = ["evidence", "verify", *BOUND]
    coco.run(*verify, stdin=evidence, code=4)
    stranger = keys("ec", "stranger")[1]
    coco.run(*verify, "--trust-key", f"software={stranger}", stdin=evidence, code=4)
    (tmp_path / "evidence").write_bytes(evidence)
    done = coco.run(*verify, "--json", tmp_path / "evidence", code=0, **env)
    verdict = json.loads(done.stdout)
    assert verdict["valid"] and verdict["tee"] == "software"
    assert all(check["ok"] for check in verdict["checks"])


def test_init_data_is_a_digest_or_a_document(coco, tmp_path):
    document = b'version = "0.1.0"\nalgorithm = "sha384"\n[data]\n"a" = "b"\n'
    (tmp_path / "init.toml").write_bytes(document)
    coco.run("tee", "launch", tmp_path / "tee", code=0)
    env = {"COCO_SOFTWARE_TEE": str(tmp_path / "tee")}
    evidence = coco.run("evidence", "get", *BOUND, code=0, **env).stdout
    verify = ["evidence", "verify", *BOUND, "--json"]
    done = coco.run(*verify, "--init-data", tmp_path / "init.toml", stdin=evidence, code=4, **env)
    failing = [check for check in json.loads(done.stdout)["checks"] if not check["ok"]]
    assert [check["name"] for check in failing] == ["init-data"]
    digest = subprocess.run(["sha384sum", tmp_path / "init.toml"], check=True, capture_output=True).stdout[:96]
    assert failing[0]["want"] == digest.decode()
    (tmp_path / "bad.toml").write_bytes(b"[data]\n")
    coco.run(*verify, "--init-data", tmp_path / "bad.toml", stdin=evidence, code=1, **env)


def test_the_nearest_reference_value_is_told(coco, tee, tmp_path):
    env, evidence = tee
    verify = ["evidence", "verify", *BOUND, "--json", "--reference-values", tmp_path / "values"]
    shown = json.loads(coco.run("evidence", "show", "--json", stdin=evidence, code=0, **env).stdout)
    digest = shown["claims"]["launch_digest"]
    near = ("1" if digest[0] == "0" else "0") + digest[1:]
    far = "f" * len(digest)
    (tmp_path / "values").write_text(json.dumps({"launch_digest": [far, digest]}))
    coco.run(*verify, stdin=evidence, code=0, **env)
    (tmp_path / "values").write_text(json.dumps({"launch_digest": [far, near], "no.such": "x"}))
    done = coco.run(*verify, stdin=evidence, code=4, **env)
    assert json.loads(done.stdout)["references"] == [
        {"name": "launch_digest", "ok": False, "got": digest, "nearest": near},
        {"name": "no.such", "ok": False, "got": None},
    ]
    for nothing in "[]", "{}":
        (tmp_path / "values").write_text(nothing)
        done = coco.run(*verify, stdin=evidence, code=1, **env)
        assert "holds no reference value" in done.stderr.decode()


WRONG = [
    (["--allow", "nonsense"], 2),
    (["--allow", "signature"], 2),
    (["--trust-root", "amd/Milan"], 2),
    (["--trust-root", "acme=sha256:" + "0" * 64], 2),
    (["--trust-key", "software"], 2),
    (["--trust-key", "snp=/dev/null"], 7),
    (["--at", "yesterday"], 2),
    (["--at", "2026-02-30T00:00:00Z"], 2),
    (["--init-data", "xyz"], 2),
    (["--collateral", "/no/such"], 6),
    (["--collateral", "/dev/stdin"], 1),
    (["--collateral", "https://"], 2),
    (["--tee", "nonsense"], 7),
]


@pytest.mark.parametrize("args, code", WRONG)
def test_options_that_say_nothing_are_refused(coco, tee, args, code):
    env, evidence = tee
    coco.run("evidence", "verify", *BOUND, *args, stdin=evidence, code=code, **env)


def test_a_record_comes_to_the_same(coco, tee, tmp_path, certificates):
    env, evidence = tee
    record = tmp_path / "record"
    args = ["evidence", "record", *BOUND, "--at", "1790000000", "--collateral", certificates, "-o", record]
    coco.run(*args, stdin=evidence, code=0, **env)
    kept = json.loads(record.read_text())
    assert kept["evidence"].encode() == evidence and kept["time"] == 1790000000
    assert kept["verdict"]["valid"] and kept["collateral"] == []
    coco.run("evidence", "replay", record, code=0, **env)

    # Whoever replays it says whom to trust.
    done = coco.run("evidence", "replay", record, code=4)
    assert b"this is not what it came to" in done.stderr
    changed = json.loads(kept["evidence"])
    report = bytearray(base64.b64decode(changed["report"]))
    report[-1] ^= 1
    changed["report"] = base64.b64encode(report).decode()
    record.write_text(json.dumps(kept | {"evidence": json.dumps(changed)}))
    coco.run("evidence", "replay", record, code=4, **env)
    # What is told of it is part of the record, too.
    claims = kept["verdict"]["claims"] | {"launch_digest": "00" * 48}
    record.write_text(json.dumps(kept | {"verdict": kept["verdict"] | {"claims": claims}}))
    assert b": its claims" in coco.run("evidence", "replay", record, code=4, **env).stderr
    record.write_text(json.dumps(kept | {"report_data": "00fe"}))
    coco.run("evidence", "replay", record, code=4, **env)


def test_collateral_of_a_record_is_read_back(coco, tee, tmp_path):
    env, evidence = tee
    record = tmp_path / "record"
    coco.run("evidence", "record", *BOUND, "-o", record, stdin=evidence, code=0, **env)
    kept = json.loads(record.read_text())
    good = {"name": "hygon/hrk.cert", "fetched": 5, "data": "eA=="}
    record.write_text(json.dumps(kept | {"collateral": [good]}))
    coco.run("evidence", "replay", record, code=0, **env)
    for bad, code in [
        ({**good, "name": "../x"}, 2),
        ({**good, "data": "x"}, 1),
        ({**good, "data": "####"}, 1),
        ({"name": "a"}, 1),
        (1, 1),
        ({**good, "fetched": 1e300}, 0),  # no time, and none that a number of seconds holds
        ({**good, "fetched": -1e300}, 0),
    ]:
        record.write_text(json.dumps(kept | {"collateral": [bad]}))
        coco.run("evidence", "replay", record, code=code, **env)
    for member, value, code in [
        ("format", "other", 1),
        ("version", 2, 7),
        ("time", 0, 1),
        ("tee", None, 1),
        ("evidence", 1, 1),
        ("report_data", "x", 1),
        ("collateral", {}, 1),
    ]:
        record.write_text(json.dumps(kept | {member: value}))
        coco.run("evidence", "replay", record, code=code, **env)
    record.write_text("[]")
    coco.run("evidence", "replay", record, code=1, **env)


def test_collateral_goes_through_a_bundle(coco, tmp_path, certificates, keys):
    private, public = keys("ed25519", "owner")
    bundle = tmp_path / "collateral.bundle"
    coco.run("collateral", "export", "--collateral", certificates, "--sign-key", private, "-o", bundle, code=0)
    key = ["--collateral-key", public]
    listed = json.loads(coco.run("collateral", "show", bundle, *key, "--json", code=0).stdout)
    assert [item["name"] for item in listed] == ["amd/Milan/vcek/chain.pem", "hygon/hrk.cert"]
    assert listed[0]["expires"] > listed[0]["fetched"] and listed[1]["expires"] is None
    text = coco.run("collateral", "show", bundle, *key, code=0).stdout.decode()
    assert " minutes ago" in text
    assert re.search(r"expires \S+Z, in 2[34] hours", text)
    coco.run("collateral", "import", bundle, tmp_path / "imported", *key, code=0)
    for item in listed:
        assert (tmp_path / "imported" / item["name"]).read_bytes() == (certificates / item["name"]).read_bytes()
    # Not without its owner's key, and not changed.
    coco.run("collateral", "show", bundle, code=2)
    coco.run("collateral", "show", bundle, "--collateral-key", keys("ed25519", "other")[1], code=4)
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"X")
    coco.run("collateral", "import", bundle, tmp_path / "changed", *key, code=4)
    assert not (tmp_path / "changed").exists()


def test_what_is_of_no_use_is_an_error(coco, certificates):
    done = coco.run("collateral", "show", certificates, "--at", "2040-01-01T00:00:00Z", code=4)
    assert b"EXPIRED" in done.stdout and b"amd/Milan/vcek/chain.pem" in done.stderr
    (certificates / "amd/Milan/vcek.crl").write_bytes(b"no list")
    done = coco.run("collateral", "show", certificates, code=4)
    assert b"BAD: not a list" in done.stdout


def test_export_holds_what_evidence_took(coco, tee, tmp_path, certificates, keys):
    env, evidence = tee
    (tmp_path / "evidence").write_bytes(evidence)
    private, public = keys("ec", "owner")
    args = ["collateral", "export", "--collateral", certificates, "--sign-key", private]
    bundle = coco.run(*args, tmp_path / "evidence", code=0, **env).stdout
    (tmp_path / "b").write_bytes(bundle)
    # Software evidence takes none.
    assert coco.run("collateral", "show", tmp_path / "b", "--collateral-key", public, "--json", code=0).stdout == b"[]\n"
    coco.run("collateral", "export", "--collateral", certificates, code=2)
    coco.run("collateral", "export", "--sign-key", private, code=2)


def test_services_are_asked_and_kept(coco, tmp_path, certificates, keys):
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    private, public = keys("ed25519", "owner")
    args = ["collateral", "export", "--sign-key", private, "--collateral-cache", certificates]
    args += ["--collateral", f"amd=http://127.0.0.1:{server.server_port}", "--proxy", "http://127.0.0.1:1", "--no-proxy", "*"]
    # What is good is not asked for; what nobody serves any more is not there.
    (certificates / "hygon/hrk.cert").unlink()
    (tmp_path / "b").write_bytes(coco.run(*args, code=0).stdout)
    assert asked == []
    coco.run("collateral", "show", tmp_path / "b", "--collateral-key", public, code=0)
    server.shutdown()
    server.server_close()


@pytest.fixture
def snp():
    """Recorded evidence of a Genoa machine, without its certificate, and what AMD's service says of it."""
    top = recorded("snp")
    evidence = json.loads((top / "as_e2e_evidence.json").read_text())
    report = evidence["attestation_report"]
    tcb = report["reported_tcb"]
    levels = "&".join(f"{k}SPL={tcb[v]:02}" for k, v in
                      (("bl", "bootloader"), ("tee", "tee"), ("snp", "snp"), ("ucode", "microcode")))  # fmt: skip
    chain = (top / "genoa_ask_ark_asvk.pem").read_text().split("-----END CERTIFICATE-----\n")[:2]
    answers = {
        f"/vcek/v1/Genoa/{bytes(report['chip_id']).hex()}?{levels}": (top / "as_e2e_vcek.der").read_bytes(),
        "/vcek/v1/Genoa/cert_chain": "".join(part + "-----END CERTIFICATE-----\n" for part in chain).encode(),
    }
    bound = ["--report-data", bytes(report["report_data"]).hex(), "--tee", "snp"]
    return bound, json.dumps(evidence | {"cert_chain": None}).encode(), answers


@pytest.fixture
def kds(snp):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = snp[2].get(self.path)
            if body is None:
                return self.send_error(404)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    asked = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"amd=http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_hardware_is_verified_with_what_its_maker_says(coco, snp, kds, tmp_path, keys):
    bound, evidence, answers = snp
    source, asked = kds
    # No list of revoked certificates was recorded: without one evidence does not hold.
    args = ["evidence", "verify", *bound, "--collateral", source, "--collateral-cache", tmp_path / "cache"]
    done = coco.run(*args, stdin=evidence, code=4, no_proxy="*")
    assert b"revocation-list  not ok" in done.stdout
    coco.run(*args, "--allow", "revocation-list", stdin=evidence, code=0, no_proxy="*")
    # One request each; what is not there was asked for by either run.
    assert sorted(asked) == sorted([*answers, "/vcek/v1/Genoa/crl", "/vcek/v1/Genoa/crl"])

    # What that took goes to a site without a network, and holds there as of now and as of then.
    private, public = keys("ed25519", "owner")
    (tmp_path / "evidence").write_bytes(evidence)
    export = ["collateral", "export", "--sign-key", private, "--collateral", tmp_path / "cache", "--tee", "snp"]
    bundle = tmp_path / "collateral.bundle"
    coco.run(*export, tmp_path / "evidence", "-o", bundle, code=0)
    offline = [*bound, "--collateral", bundle, "--collateral-key", public, "--allow", "revocation-list"]
    coco.run("evidence", "verify", *offline, stdin=evidence, code=0)
    record = tmp_path / "record"
    coco.run("evidence", "record", *offline, "-o", record, stdin=evidence, code=0)
    assert len(json.loads(record.read_text())["collateral"]) == 2
    coco.run("evidence", "replay", record, "--allow", "revocation-list", code=0)
    assert b"with more allowed" in coco.run("evidence", "replay", record, code=4).stderr
    coco.run("evidence", "verify", *bound, stdin=evidence, code=4)


def test_without_a_tee_what_fails_is_told(coco, snp, tmp_path):
    bound, evidence, _ = snp
    chain = tmp_path / "collateral/amd/Genoa/vcek/chain.pem"
    chain.mkdir(parents=True)
    args = ["evidence", "verify", *bound[:2], "--collateral", tmp_path / "collateral"]
    leaf = json.loads((recorded("snp") / "as_e2e_evidence.json").read_text())["cert_chain"]
    evidence = json.dumps(json.loads(evidence) | {"cert_chain": leaf}).encode()
    # A source that cannot be read says nothing of what the evidence is.
    assert b"chain.pem: is not a file" in coco.run(*args, stdin=evidence, code=1).stderr
    assert b"--tee tells why" in coco.run(*args, stdin=b"{}", code=1).stderr
    raw = (recorded("snp") / "as_e2e_report.bin").read_bytes()
    assert b"evidence is JSON" in coco.run(*args, stdin=raw, code=1).stderr
