"""coco-kbs, started as an operator starts it, and an owner who speaks HTTP to it by hand.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import threading
import time
import urllib.parse

TIMEOUT_S = 30
PROGRAM = os.environ.get("COCO_KBS", "coco-kbs")
PASSED_ON = ("ASAN_OPTIONS", "COCO_POLICY_ENGINE", "SOFTHSM2_CONF", "UBSAN_OPTIONS", "LSAN_OPTIONS", "MALLOC_PERTURB_", "LD_LIBRARY_PATH")

# What the sample attester says of itself.
REFERENCES = {
    "launch_digest": ["abcde"],
    "svn": ["1"],
    "major_version": 1,
    "minimum_minor_version": 1,
}


def environment():
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {"PATH": os.environ["PATH"]}


def admin_config(public_key):
    return f"""
[admin]
authorization_mode = "AuthenticatedAuthorization"
[[admin.authentication.bearer_jwt.identity_providers]]
public_key_uri = "{public_key}"
[[admin.authorization.regex_acl.acls]]
role = "admin"
allowed_endpoints = "^/kbs/v0/.+$"
"""


def admin_token(private_key, role="admin"):
    """A JWT of the Ed25519 key, made without libcoco."""

    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    claims = {"role": role, "exp": int(time.time()) + 300}
    signed = encode(b'{"alg":"EdDSA"}') + b"." + encode(json.dumps(claims).encode())
    message = private_key.with_suffix(f".{os.getpid()}.jwt")
    message.write_bytes(signed)
    signature = subprocess.run(
        ["openssl", "pkeyutl", "-sign", "-inkey", private_key, "-rawin", "-in", message],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    message.unlink()
    return (signed + b"." + encode(signature)).decode()


def make_certificate(folder):
    """Paths of a certificate for 127.0.0.1 and of its key."""
    cert, key = folder / "tls.crt", folder / "tls.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


def at_a_free_port(config):
    """The configuration, with sockets if it names none."""
    if "sockets" in config:
        return config
    section = "[http_server]\n"
    if section not in config:
        config += section
    return config.replace(section, section + 'sockets = ["127.0.0.1:0"]\n')


class Daemon:
    """coco-kbs with a configuration, until stop(); .log is what it said."""

    def __init__(self, folder, config, *args, **how):
        self.config = folder / "kbs.toml"
        self.config.write_text(at_a_free_port(config))
        self.process = subprocess.Popen(
            [PROGRAM, "--config", self.config, *args],
            env=environment() | how.pop("variables", {}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            **how,
        )  # fmt: skip
        self.pid = self.process.pid
        self.log = b""
        while b"serving at " not in self.log:
            line = self.process.stderr.readline()
            assert line, f"it ended: {self.log.decode()}"
            self.log += line
        self.url = re.search(rb"serving at (http[^\s\"]+)", self.log)[1].decode()
        # What it goes on to say must go somewhere, or it would wait for us.
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.log += line

    def connect(self, ca=None):
        address = urllib.parse.urlsplit(self.url)
        if address.scheme == "http":
            return http.client.HTTPConnection(address.hostname, address.port, timeout=TIMEOUT_S)
        trust = ssl.create_default_context(cafile=ca)
        return http.client.HTTPSConnection(address.hostname, address.port, timeout=TIMEOUT_S, context=trust)

    def ask(self, method, path, token=None, body=None, ca=None):
        """Status and body of one request."""
        connection = self.connect(ca)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, "/kbs/v0" + path, body, headers)
        reply = connection.getresponse()
        said = reply.read()
        connection.close()
        return reply.status, said

    def trust_sample(self, token, ca=None):
        """Registers the reference values of the sample attester."""
        payload = base64.b64encode(json.dumps(REFERENCES).encode()).decode()
        message = json.dumps({"version": "0.1.0", "type": "sample", "payload": payload})
        status, said = self.ask("POST", "/reference-value", token, message, ca)
        assert status == 200, said

    def stop(self, number=signal.SIGTERM):
        """The exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        """The exit code, when it has ended."""
        code = self.process.wait(timeout=TIMEOUT_S)
        self.reader.join()
        self.output = self.process.stdout.read()
        return code
