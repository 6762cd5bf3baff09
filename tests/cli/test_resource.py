"""Resources, tokens and evidence: the owner's and the guest's side of a broker.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import hashlib
import http.server
import json
import os
import re
import signal
import stat
import threading

import pytest

from conftest import TIMEOUT_S


def claims_of(token):
    header, payload, _ = token.split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["alg"] == "ES256"
    return json.loads(base64.urlsafe_b64decode(payload + "=="))


def test_put_ls_get_and_rm(coco, broker, owner, tmp_path):
    guest = ["--kbs", broker.url, "--tee", "sample"]
    secret = bytes(range(256))
    (tmp_path / "file").write_bytes(secret)
    assert coco.json("resource", "ls", *owner) == []
    coco.run("resource", "put", *owner, "b/key/2", tmp_path / "file", code=0)
    put = coco.run("resource", "put", *owner, "kbs:///a/key/1", stdin=b"from stdin", code=0)
    # Upstream's client prints what it has just stored.
    for said in (b"from stdin", base64.b64encode(b"from stdin").rstrip(b"=")):
        assert said not in put.stdout + put.stderr
    assert coco.run("resource", "ls", *owner, code=0).stdout == b"a/key/1\nb/key/2\n"
    assert coco.json("resource", "ls", *owner) == ["a/key/1", "b/key/2"]

    assert coco.run("resource", "get", *guest, "kbs:///b/key/2", code=0).stdout == secret
    assert coco.run("resource", "get", *guest, "kbs:///a/key/1", code=0).stdout == b"from stdin"
    coco.run("resource", "rm", *owner, "a/key/1", code=0)
    coco.run("resource", "rm", *owner, "a/key/1", code=6)
    assert coco.json("resource", "get", *guest, "kbs:///a/key/1", code=6)["id"] == "not-found"
    assert coco.json("resource", "ls", *owner) == ["b/key/2"]


def test_what_a_broker_may_hold_a_guest_gets(coco, keys, serve, tmp_path):
    """Longer than other answers of a broker may be."""
    private, public = keys("ed25519")
    (tmp_path / "kbs.toml").write_text((CONFIG % public).replace("[http_server]", "[http_server]\npayload_request_size = 8"))
    broker = serve("--config", tmp_path / "kbs.toml", "--listen", "127.0.0.1:0")
    owner = ["--kbs", broker.url, "--kbs-admin-key", private]
    (tmp_path / "allow.rego").write_text("package policy\nallow := true\n")
    coco.run("policy", "set", *owner, tmp_path / "allow.rego", code=0)
    secret = hashlib.shake_256(b"secret").digest(7 << 20)
    coco.run("resource", "put", *owner, "a/long/1", stdin=secret, code=0)
    guest = ["--kbs", broker.url, "--tee", "sample"]
    assert coco.run("resource", "get", *guest, "kbs:///a/long/1", code=0).stdout == secret
    coco.run("resource", "put", *owner, "a/long/2", stdin=bytes((8 << 20) + 1), code=8)


def test_what_a_broker_says_is_not_what_is_shown(coco):
    """Text that turns other text about is escaped, text of people is not ("Trojan Source")."""
    said = "größe 日本 \u202e\u2066deined\u2069 \u200b\ufeff\u2028\u0085end"
    shown = (
        "größe 日本 \\xe2\\x80\\xae\\xe2\\x81\\xa6deined\\xe2\\x81\\xa9 "
        "\\xe2\\x80\\x8b\\xef\\xbb\\xbf\\xe2\\x80\\xa8\\xc2\\x85end"
    )

    class Broker(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            reply = json.dumps({"type": "https://example/errors/AttestationError", "detail": said}).encode()
            self.send_response(403)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broker) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        get = ["resource", "get", "--kbs", f"http://127.0.0.1:{server.server_port}", "--tee", "sample", "kbs:///a/b/c"]
        lines = coco.run(*get, code=3).stderr.decode()
        error = coco.json(*get, code=3)
        server.shutdown()
    assert shown in lines and said not in lines
    assert shown in error["message"]


def test_versions_are_listed_restored_and_purged(coco, broker, owner):
    guest = ["--kbs", broker.url, "--tee", "sample"]
    for text in (b"one", b"second"):
        coco.run("resource", "put", *owner, "a/key/1", stdin=text, code=0)
    coco.run("resource", "rm", *owner, "a/key/1", code=0)
    versions = coco.json("resource", "versions", *owner, "a/key/1")
    assert [v["version"] for v in versions] == [3, 2, 1]
    assert versions[0]["deleted"] and versions[1]["size"] == 6
    lines = coco.run("resource", "versions", *owner, "a/key/1", code=0).stdout.decode().splitlines()
    assert lines[0].startswith("3  2") and lines[0].endswith("Z  deleted")
    assert lines[2].startswith("1  2") and lines[2].endswith("Z  3 bytes")

    assert coco.run("resource", "restore", *owner, "a/key/1", code=0).stdout == b"4\n"
    assert coco.run("resource", "get", *guest, "kbs:///a/key/1", code=0).stdout == b"second"
    assert coco.json("resource", "restore", *owner, "a/key/1", "--to-version", "1") == {"version": 5}
    assert coco.run("resource", "get", *guest, "kbs:///a/key/1", code=0).stdout == b"one"
    coco.run("resource", "restore", *owner, "a/key/1", "--to-version", "9", code=6)
    coco.run("resource", "restore", *owner, "a/key/1", "--to-version", "0", code=2)

    coco.run("resource", "rm", "--purge", *owner, "a/key/1", code=0)
    coco.run("resource", "versions", *owner, "a/key/1", code=6)
    coco.run("resource", "rm", "--purge", *owner, "a/key/1", code=6)


def test_policies_are_set_listed_and_removed(coco, broker, owner, tmp_path):
    guest = ["--kbs", broker.url, "--tee", "sample"]
    allow, deny = tmp_path / "allow.rego", tmp_path / "deny.rego"
    allow.write_text("package policy\nallow := true\n")
    deny.write_text("package policy\nallow := false\n")
    for name in ("a/key/1", "b/key/1"):
        coco.run("resource", "put", *owner, name, stdin=b"x", code=0)
    coco.run("policy", "set", *owner, deny, code=0)
    coco.run("policy", "set", *owner, "--path", "a/key", code=0, stdin=allow.read_bytes())
    assert coco.json("policy", "ls", *owner) == ["resource-policy", "resource-policy/a/key"]
    assert b"resource-policy/a/key\n" in coco.run("policy", "ls", *owner, code=0).stdout
    coco.run("resource", "get", *guest, "kbs:///a/key/1", code=0)
    refused = coco.run("resource", "get", *guest, "kbs:///b/key/1", code=3).stderr.decode()
    trace = coco.json("explain", *owner, re.search(r"id ([0-9a-f-]+)", refused)[1])
    assert trace["policy"] == "resource-policy"
    coco.run("policy", "rm", *owner, "a/key", code=0)
    coco.run("policy", "rm", *owner, "a/key", code=6)
    coco.run("resource", "get", *guest, "kbs:///a/key/1", code=3)

    coco.run("policy", "set", *owner, "--path", "a/../b", allow, code=2)
    coco.run("policy", "set", *owner, "--path", "a", "--attestation", "default_cpu", allow, code=2)
    coco.run("policy", "set", *owner, "--attestation", "default_cpu", code=0,
             stdin=b"package policy\ntrust_claims := {}\n")  # fmt: skip
    coco.run("policy", "set", *owner, stdin=b"no rego", code=1)
    wrong = coco.run("policy", "set", *owner, stdin=b"package policy\nallow = {", code=1).stderr
    assert b"--> policy.rego:2:10 2 | allow = { error: expecting expression" in wrong
    coco.run("policy", "ls", "--kbs", broker.url, code=3)


def test_policies_see_the_query(coco, broker, owner):
    guest = ["--kbs", broker.url, "--tee", "sample"]
    coco.run("resource", "put", *owner, "a/key/1", stdin=b"x", code=0)
    coco.run("policy", "set", *owner, code=0, stdin=b'package policy\nallow if data.query.pod == "b 1"\n')
    assert coco.run("resource", "get", *guest, "kbs:///a/key/1?pod=b%201", code=0).stdout == b"x"
    coco.run("resource", "get", *guest, "kbs:///a/key/1?pod=c", code=3)
    coco.run("resource", "get", *guest, "kbs:///a/key/1", code=3)


def test_only_the_owner_administers(coco, broker, owner, keys):
    stranger = ["--kbs", broker.url, "--kbs-admin-key", keys("ed25519", "other")[0]]
    nobody = ["--kbs", broker.url]
    for who in (stranger, nobody):
        coco.run("resource", "put", *who, "a/key/1", stdin=b"x", code=3)
        coco.run("resource", "ls", *who, code=3)
        coco.run("resource", "rm", *who, "a/key/1", code=3)
    assert coco.json("resource", "ls", *owner) == []


def test_options_come_from_the_environment(coco, broker, keys):
    env = {
        "COCO_KBS": broker.url,
        "COCO_TEE": "sample",
        "COCO_KBS_ADMIN_KEY": str(keys("ed25519")[0]),
    }
    coco.run("resource", "put", "a/key/1", stdin=b"x", code=0, **env)
    assert coco.run("resource", "get", "kbs:///a/key/1", code=0, **env).stdout == b"x"
    # The command line goes first.
    coco.run("resource", "get", "kbs:///a/key/1", "--retries", "0", "--kbs", "http://127.0.0.1:1", code=5, **env)


def test_attest_prints_the_token(coco, broker):
    guest = ["--kbs", broker.url, "--tee", "sample"]
    token = coco.run("attest", *guest, code=0).stdout.decode().strip()
    assert "submods" in claims_of(token)
    assert "submods" in claims_of(coco.json("attest", *guest)["token"])


def test_a_token_is_for_whom_it_was_asked(coco, serve, keys, tmp_path):
    (tmp_path / "kbs.toml").write_text(
        CONFIG % keys("ed25519")[1]
        + '[attestation_service.attestation_token_broker]\naudiences = ["https://bank.example"]\n'
    )
    broker = serve("--config", tmp_path / "kbs.toml", "--listen", "127.0.0.1:0")
    guest = ["--kbs", broker.url, "--tee", "sample"]
    token = coco.run("attest", *guest, "--audience", "https://bank.example", code=0).stdout.decode().strip()
    assert claims_of(token)["aud"] == "https://bank.example"
    refused = coco.run("attest", *guest, "--audience", "https://other.example", code=3)
    assert b"no tokens for" in refused.stderr
    coco.run("attest", *guest, "--audience", "a b", code=2)
    coco.run("attest", *guest, "--audience", "a", "--passport-out", tmp_path / "passport", code=2)
    assert "aud" not in claims_of(coco.run("attest", *guest, code=0).stdout.decode().strip())


def test_a_passport_is_good_for_who_has_it(coco, broker, owner, tmp_path):
    """The token of one guest, with its key, serves another that cannot attest."""
    passport = tmp_path / "passport"
    coco.run("resource", "put", *owner, "a/key/1", stdin=b"secret", code=0)
    token = coco.run(
        "attest", "--kbs", broker.url, "--tee", "sample", "--passport-out", passport, code=0
    ).stdout
    assert passport.stat().st_mode & 0o777 == 0o600
    held = json.loads(passport.read_text())
    assert held["token"].encode() == token.strip()
    assert held["tee_keypair"].startswith("-----BEGIN PRIVATE KEY-----")

    show = ["resource", "get", "kbs:///a/key/1", "--kbs", broker.url, "--passport", passport]
    assert coco.run(*show, code=0).stdout == b"secret"
    held["token"] = held["token"][:-8] + "AAAAAAAA"
    passport.write_text(json.dumps(held))
    coco.run(*show, code=3)
    passport.write_text("{}")
    coco.run(*show, code=1)


def test_the_audit_log_of_a_broker_is_verified(coco, serve, keys, tmp_path):
    log, config = tmp_path / "audit", tmp_path / "kbs.toml"
    private, public = keys("ed25519")
    config.write_text(CONFIG % public + f'[audit]\npath = "{log}"\n')
    broker = serve("--config", config, "--listen", "127.0.0.1:0")
    owner = ["--kbs", broker.url, "--kbs-admin-key", private]
    coco.run("resource", "put", *owner, "a/key/1", stdin=b"secret of the log", code=0)
    token = coco.run("attest", "--kbs", broker.url, "--tee", "sample", code=0).stdout.decode()
    coco.run("resource", "get", "kbs:///a/key/1", "--kbs", broker.url, "--tee", "sample", code=3)

    verify = ["kbs", "audit", "verify", log]
    assert coco.json(*verify)["entries"] == 6  # a checkpoint, put and what came of it, attest, attest, denied
    header = token.split(".")[0]
    jwk = json.loads(base64.urlsafe_b64decode(header + "=="))["jwk"]
    (tmp_path / "kbs.jwk").write_text(json.dumps(jwk))
    signed = coco.json(*verify, "--owner-key", tmp_path / "kbs.jwk")
    assert signed["checkpoints"] == 1 and signed["signed_to"] == 1
    assert b"entries: 6" in coco.run(*verify, code=0).stdout
    assert b"secret of the log" not in log.read_bytes()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600

    text = log.read_text()
    (tmp_path / "changed").write_text(text.replace('"status":403', '"status":200'))
    # The last line is covered by no other: what is behind the last checkpoint is not signed yet.
    coco.run(*verify[:-1], tmp_path / "changed", code=0)
    (tmp_path / "changed").write_text(text.replace('"event":"put-resource"', '"event":"get-resource"'))
    done = coco.run(*verify[:-1], tmp_path / "changed", code=4)
    assert b"line 3" in done.stderr
    coco.run("kbs", "audit", "forge", log, code=2)
    coco.run(*verify[:-1], tmp_path / "nothing", code=6)


def test_a_broker_is_reached_through_a_proxy(coco, broker, owner, tmp_path):
    """Here the broker stands for a proxy, which would take any host."""
    away = ["--kbs", "http://kbs.invalid", "--retries", "0"]
    listed = coco.run("resource", "ls", *owner[2:], *away, "--proxy", broker.url)
    assert listed.returncode != 5
    assert coco.run("resource", "ls", *owner[2:], *away, "--proxy", broker.url, "--no-proxy", "kbs.invalid").returncode == 5


def test_a_software_tee_is_attested_and_measured(coco, serve, keys, tmp_path):
    tee = tmp_path / "tee"
    (tmp_path / "kernel").write_bytes(b"one kernel")
    coco.run("tee", "launch", tee, tmp_path / "kernel", code=0)
    env = {"COCO_SOFTWARE_TEE": str(tee)}
    broker = serve("--dev", "--listen", "127.0.0.1:0", "--admin-key", keys("ed25519")[1], **env)

    def digest():
        token = coco.run("attest", "--kbs", broker.url, code=0, **env).stdout.decode()
        evidence = claims_of(token)["submods"]["cpu0"]["ear.veraison.annotated-evidence"]
        return evidence["software"]["launch_digest"]

    first = digest()
    (tmp_path / "kernel").write_bytes(b"two kernel")
    coco.run("tee", "launch", tee, tmp_path / "kernel", code=0)
    assert digest() != first

    other = tmp_path / "other"
    coco.run("tee", "launch", other, tmp_path / "kernel", code=0)
    coco.run("attest", "--kbs", broker.url, code=3, COCO_SOFTWARE_TEE=str(other))


def test_evidence_is_the_wire_json_and_is_shown(coco, tmp_path):
    coco.run("tee", "launch", tmp_path / "tee", code=0)
    env = {"COCO_SOFTWARE_TEE": str(tmp_path / "tee")}
    evidence = coco.run("evidence", "get", "--report-data", "00ff", code=0, **env).stdout
    assert "report" in json.loads(evidence)

    def show(*args, code=0, stdin=evidence, **variables):
        done = coco.run("evidence", "show", "--json", *args, stdin=stdin, code=code, **variables)
        return json.loads(done.stdout) if done.stdout else None

    shown = show("--report-data", "00ff", **env)
    assert shown["tee"] == "software"
    assert shown["valid"] is True
    assert {check["name"] for check in shown["checks"]} >= {"signature", "report-data"}
    assert show("--report-data", "00fe", code=4, **env)["valid"] is False
    assert show()["valid"] is False, "a root that nobody trusts"
    assert show("--report-data", "00ff", code=4)["valid"] is False
    show(code=1, stdin=b"{}")
    show(code=1, stdin=b"no json")
    show(code=1, stdin=evidence + b"\0")
    text = coco.run("evidence", "show", stdin=evidence, code=0, **env).stdout.decode()
    assert "launch_digest" in text


def test_the_sample_is_never_detected_and_only_believed_by_name(coco):
    coco.run("evidence", "get", "--report-data", "00", code=7)
    evidence = coco.run("evidence", "get", "--report-data", "00", "--tee", "sample", code=0).stdout
    ask = ["evidence", "show", "--report-data", "00"]
    coco.run(*ask, stdin=evidence, code=4)
    coco.run(*ask, "--tee", "sample", stdin=evidence, code=0)


CONFIG = """
[http_server]
sockets = ["127.0.0.1:1"] # not this one: ]
insecure_http = true
[attestation_service]
allow_sample = true
[admin]
authorization_mode = "AuthenticatedAuthorization"
[[admin.authentication.bearer_jwt.identity_providers]]
public_key_uri = "%s"
[[admin.authorization.regex_acl.acls]]
role = "admin"
allowed_endpoints = "^/kbs/.*$"
"""


def test_serve_reads_a_configuration_and_listens_elsewhere(coco, serve, keys, tmp_path):
    private, public = keys("ed25519")
    (tmp_path / "kbs.toml").write_text(CONFIG % public)
    broker = serve("--config", tmp_path / "kbs.toml", "--listen", "127.0.0.1:0")
    owner = ["--kbs", broker.url, "--kbs-admin-key", private]
    coco.run("resource", "put", *owner, "a/key/1", stdin=b"x", code=0)
    # The policy of a broker that is not for development: a sample is not good enough.
    error = coco.json("resource", "get", "--kbs", broker.url, "--tee", "sample", "kbs:///a/key/1", code=3)
    assert error["id"] == "denied"
    assert broker.stop() == 130


@pytest.mark.parametrize(
    "text,code",
    [
        ("", 0),
        ("[http_server]\n", 0),
        ('[http_server]\nsockets = [\n"127.0.0.1:1", # ]\n]\n', 0),
        ("[http_server]\nsockets = ['127.0.0.1:1']\npayload_request_size = 1\n", 0),
        ("[storage_backend]\nstorage_type = 'Memory'\n", 0),
        ("[http_serve]\n", 1),
        ("[http_server]\nsocket = []\n", 1),
        ("nonsense", 1),
        ("\0", 1),
    ],
)
def test_listen_fits_into_any_configuration(coco, tmp_path, text, code):
    (tmp_path / "kbs.toml").write_text(text)
    process = coco.start("kbs", "serve", "--config", tmp_path / "kbs.toml", "--listen", "127.0.0.1:0")
    url = process.stdout.readline().decode()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=TIMEOUT_S)
    assert url.startswith("http://127.0.0.1:") == (code == 0), errors
    assert process.returncode == (code or 130)


def test_serve_refuses_plain_http_for_all_the_world(coco):
    coco.run("kbs", "serve", "--listen", "0.0.0.0:0", code=2)
    coco.run("kbs", "serve", "--config", "nowhere.toml", code=6)
    coco.run("kbs", "serve", "--config", "/dev/null", "--dev", code=2)


def test_serve_says_where_as_json(coco):
    process = coco.start("kbs", "serve", "--json", "--listen", "127.0.0.1:0")
    event = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=TIMEOUT_S)
    assert event["event"] == "serving"
    assert event["url"].startswith("http://127.0.0.1:")


def test_other_key_broker_clients_are_named_whole(coco):
    known = coco.run("resource", "get", "--kbs", "sample_kbc::", "kbs:///any/key/1")
    assert known.returncode in (0, 6)
    coco.run("resource", "get", "--kbs", "nothing_kbc::", "kbs:///any/key/1", code=7)
    coco.run("attest", "--kbs", "sample_kbc::", code=7)


def test_tenants_share_a_broker_and_nothing_else(coco, serve, keys, tmp_path):
    owners = {name: keys("ed25519", name) for name in ("acme", "other")}
    tenants = ""
    for name, (_, public) in owners.items():
        file = tmp_path / f"{name}.toml"
        admin = CONFIG[CONFIG.index("[attestation_service]") :] % public
        file.write_text(admin)
        tenants += f'[[tenants]]\nname = "{name}"\nconfig_file = "{file}"\nmax_resources = 1\n'
    config = tmp_path / "kbs.toml"
    config.write_text(CONFIG % keys("ed25519")[1] + tenants)
    broker = serve("--config", config, "--listen", "127.0.0.1:0")

    def owner(name):
        return ["--kbs", f"{broker.url}/tenants/{name}", "--kbs-admin-key", owners[name][0]]

    coco.run("resource", "put", *owner("acme"), "a/key/1", stdin=b"of acme", code=0)
    full = coco.run("resource", "put", *owner("acme"), "a/key/2", stdin=b"x", code=8).stderr
    assert b"more than 1 resources" in full
    assert coco.json("resource", "ls", *owner("other")) == []
    coco.run("policy", "set", *owner("acme"), stdin=b"package policy\nallow := true\n", code=0)
    guest = ["resource", "get", "kbs:///a/key/1", "--tee", "sample", "--kbs"]
    assert coco.run(*guest, f"{broker.url}/tenants/acme", code=0).stdout == b"of acme"
    coco.run(*guest, f"{broker.url}/tenants/other", code=3)
    coco.run(*guest, broker.url, code=3)
    coco.run("resource", "ls", "--kbs", f"{broker.url}/tenants/other", "--kbs-admin-key", owners["acme"][0], code=3)

    # What one of them thinks of ends its evaluation: not the broker, and not the others.
    coco.run("policy", "set", *owner("other"), stdin=b"package policy\nallow := true\n", code=0)
    coco.run("resource", "put", *owner("other"), "a/key/1", stdin=b"of other", code=0)
    bomb = b"package policy\nimport rego.v1\nallow if count(numbers.range(1, object.get(input, \"exp\", 1) * 1000000)) > 9\n"
    coco.run("policy", "set", *owner("acme"), stdin=bomb, code=0)
    coco.run(*guest, f"{broker.url}/tenants/acme", code=3)
    assert coco.run(*guest, f"{broker.url}/tenants/other", code=0).stdout == b"of other"


def test_a_database_is_sealed_and_gets_another_key(coco, serve, keys, tmp_path):
    private, public = keys("ed25519")
    config, database = tmp_path / "kbs.toml", tmp_path / "kbs.db"
    first, second = tmp_path / "first", tmp_path / "second"
    for key in (first, second):
        key.write_bytes(os.urandom(32))
        key.chmod(0o600)

    def configure(key):
        seal = f'[storage_backend.seal]\nkey_file = "{key}"\n' if key else ""
        config.write_text(
            CONFIG % public
            + f'[storage_backend]\nstorage_type = "Sqlite"\n{seal}'
            + f'[storage_backend.backends.sqlite]\npath = "{database}"\n'
        )

    def assert_serves():
        broker = serve("--config", config, "--listen", "127.0.0.1:0")
        owner = ["--kbs", broker.url, "--kbs-admin-key", private]
        names = coco.json("resource", "ls", *owner)
        coco.run("resource", "put", *owner, "a/key/1", stdin=b"canary of the file", code=0)
        broker.stop()
        return names

    configure(None)
    assert assert_serves() == []
    assert b"canary of the file" in database.read_bytes()
    configure(first)
    assert b"coco kbs reseal" in coco.run("kbs", "serve", "--config", config, code=3).stderr
    coco.run("kbs", "reseal", "--config", config, code=0)
    assert b"canary of the file" not in database.read_bytes()
    assert assert_serves() == ["a/key/1"]
    configure(second)
    coco.run("kbs", "serve", "--config", config, code=4)
    coco.run("kbs", "reseal", "--config", config, code=3)
    coco.run("kbs", "reseal", "--config", config, "--old-key", second, code=4)
    coco.run("kbs", "reseal", "--config", config, "--old-key", first, code=0)
    assert assert_serves() == ["a/key/1"]
    coco.run("kbs", "reseal", code=2)
    coco.run("kbs", "reseal", "--config", tmp_path / "none", code=6)
    config.write_text("")
    coco.run("kbs", "reseal", "--config", config, code=2)


def test_a_file_follows_the_resource_that_is_watched(coco, broker, owner, tmp_path):
    """Replaced as a whole, and told of; a refusal ends it, and so does an interrupt."""
    watch = ["resource", "watch", "--kbs", broker.url, "--tee", "sample", "--interval", "1", "--json",
             "-o", tmp_path / "secret", "kbs:///a/key/1"]  # fmt: skip
    coco.run(*watch, code=6)
    coco.run("resource", "put", *owner, "a/key/1", stdin=b"first", code=0)
    process = coco.start(*watch)
    assert json.loads(process.stdout.readline()) == {
        "event": "first", "uri": "kbs:///a/key/1", "file": str(tmp_path / "secret"), "bytes": 5,
    }  # fmt: skip
    assert (tmp_path / "secret").read_bytes() == b"first"
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    with open(tmp_path / "secret", "rb") as before:
        coco.run("resource", "put", *owner, "a/key/1", stdin=b"rotated", code=0)
        assert json.loads(process.stdout.readline())["event"] == "changed"
        assert before.read() == b"first"
    assert (tmp_path / "secret").read_bytes() == b"rotated"
    process.send_signal(signal.SIGTERM)
    assert process.wait(TIMEOUT_S) == 130
    process.communicate()
    assert [path.name for path in tmp_path.glob("secret*")] == ["secret"]

    for more, stays in ([], True), (["--remove"], False):
        process = coco.start(*watch, *more)
        assert json.loads(process.stdout.readline())["bytes"] == 7
        coco.run("resource", "rm", *owner, "a/key/1", code=0)
        assert process.wait(TIMEOUT_S) == 6
        process.communicate()
        assert (tmp_path / "secret").exists() == stays
        coco.run("resource", "restore", *owner, "a/key/1", code=0)

    # One that was killed leaves its file to the next one.
    process = coco.start(*watch, "--remove")
    assert json.loads(process.stdout.readline())["bytes"] == 7
    process.kill()
    process.wait(TIMEOUT_S)
    process.communicate()
    coco.run("resource", "rm", *owner, "a/key/1", code=0)
    coco.run(*watch, code=6)
    assert (tmp_path / "secret").exists()
    coco.run(*watch, "--remove", code=6)
    assert not (tmp_path / "secret").exists()
    assert b"cannot remove" not in coco.run(*watch, "--remove", code=6).stderr


def test_a_lease_that_is_over_takes_the_file_away(coco, serve, keys, tmp_path):
    private, public = keys("ed25519")
    (tmp_path / "kbs.toml").write_text(CONFIG % public + "[lease]\nseconds = 2\n")
    broker = serve("--config", tmp_path / "kbs.toml", "--listen", "127.0.0.1:0")
    owner = ["--kbs", broker.url, "--kbs-admin-key", private]
    coco.run("resource", "put", *owner, "a/key/1", stdin=b"secret", code=0)
    coco.run("policy", "set", *owner, stdin=b"package policy\nallow := true\n", code=0)
    process = coco.start("resource", "watch", "--kbs", broker.url, "--tee", "sample", "--retries", "0", "--json",
                         "--remove", "-o", tmp_path / "secret", "kbs:///a/key/1")  # fmt: skip
    assert json.loads(process.stdout.readline())["event"] == "first"
    broker.stop()
    assert process.wait(TIMEOUT_S) == 5
    assert b"the lease is over" in process.communicate()[1]
    assert not (tmp_path / "secret").exists()
