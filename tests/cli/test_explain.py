"""coco explain: an owner finds why a guest was refused.

SPDX-License-Identifier: Apache-2.0
"""

import http.server
import json
import re
import threading

import pytest

CONFIG = """
[http_server]
sockets = ["127.0.0.1:0"]
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


@pytest.fixture
def strict(serve, keys, tmp_path):
    """A broker with the policies that it is shipped with, and its owner's options."""
    private, public = keys("ed25519")
    (tmp_path / "kbs.toml").write_text(CONFIG % public)
    broker = serve("--config", tmp_path / "kbs.toml", "--listen", "127.0.0.1:0")
    return broker, ["--kbs", broker.url, "--kbs-admin-key", private]


def refusal(done):
    """The id that a guest was told, and nothing of the reason."""
    assert done.returncode == 3
    assert b"launch_digest" not in done.stderr
    return re.search(rb"\b[0-9a-f]{32}\b", done.stderr)[0].decode()


def test_a_denied_resource_is_explained_by_its_claims(coco, strict, tmp_path):
    broker, owner = strict
    coco.run("resource", "put", *owner, "a/key/1", stdin=b"the secret itself", code=0)
    coco.run("rv", "add", tmp_path / "rv", "launch_digest=abcdX", "launch_digest=zzz", code=0)
    coco.run("rv", "put", *owner, tmp_path / "rv", code=0)
    ask = ["resource", "get", "--kbs", broker.url, "--tee", "sample", "kbs:///a/key/1"]
    decision = refusal(coco.run(*ask))

    trace = coco.json("explain", *owner, decision)
    assert (trace["decision"], trace["what"], trace["resource"]) == ("denied", "resource", "a/key/1")
    assert trace["id"] == decision and trace["rule"] == "data.policy.allow"
    (differs,) = [v for v in trace["reference_values"] if not v["ok"]]
    assert differs["name"] == "launch_digest" and differs["nearest"] == "abcdX"
    assert trace["claims"]["cpu0"]

    text = coco.run("explain", *owner, decision, code=0).stdout.decode()
    assert "decision: denied\n" in text and "resource: a/key/1\n" in text
    assert re.search(r'launch_digest\n +wanted: +\["abcdX","zzz"\]\n +got: .*\n +nearest: abcdX\n', text)
    assert "the secret itself" not in text + json.dumps(trace)


def test_refused_evidence_is_explained_by_its_checks(coco, strict, tmp_path):
    broker, owner = strict
    tee = tmp_path / "tee"
    coco.run("tee", "launch", tee, code=0)
    decision = refusal(coco.run("attest", "--kbs", broker.url, COCO_SOFTWARE_TEE=str(tee)))

    trace = coco.json("explain", *owner, decision)
    assert (trace["what"], trace["tee"], trace["rule"]) == ("attest", "software", "evidence")
    failing = {check["name"]: check for check in trace["checks"] if not check["ok"]}
    assert failing and all(check["hint"] for check in failing.values())
    text = coco.run("explain", *owner, decision, code=0).stdout.decode()
    for name, check in failing.items():
        assert f"  {name}\n    wanted:  " in text and f"    to do:   {check['hint']}\n" in text
    for check in trace["checks"]:
        assert check["name"] in failing or f"  {check['name']}\n" not in text


def test_only_the_owner_is_told(coco, strict, keys):
    broker, owner = strict
    coco.run("explain", "--kbs", broker.url, "0" * 32, code=3)
    stranger = ["--kbs", broker.url, "--kbs-admin-key", keys("ed25519", "other")[0]]
    coco.run("explain", *stranger, "0" * 32, code=3)
    coco.run("explain", *owner, "0" * 32, code=6)
    coco.run("explain", *owner, "../resource", code=2)
    coco.run("explain", *owner, code=2)


def test_what_a_guest_wrote_moves_no_cursor(coco, keys):
    """A broker, or a guest through it, that writes to the owner's terminal."""

    class Hostile(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            evil = "a\x1b[2J\x07\x7f\u009b2Jé\n\u200b日本😀\u202e\U000e0041"
            body = {"decision": evil, "checks": [{"name": evil, "ok": False, "expected": [evil], "got": {evil: 1}}, 7, None]}
            data = json.dumps(body, ensure_ascii=False).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Hostile) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        owner = ["--kbs", f"http://127.0.0.1:{server.server_port}", "--kbs-admin-key", keys("ed25519")[0]]
        text = coco.run("explain", *owner, "0a", code=0).stdout.decode()
        server.shutdown()
    assert "decision: a\\x1b[2J\\x07\\x7f\\xc2\\x9b2Jé\\x0a\\xe2\\x80\\x8b日本😀\\xe2\\x80\\xae\\xf3\\xa0\\x81\\x81\n" in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e\U000e0041]", text)
