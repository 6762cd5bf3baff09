"""Who may administer coco-kbs, as identity providers say it with tokens and keys of PyJWT's.

SPDX-License-Identifier: Apache-2.0
"""

import http.server
import json
import ssl
import subprocess
import threading
import time

import pytest

from certificates import CA
from conftest import needs
from daemon import TIMEOUT_S, Daemon, admin_config, make_certificate

jwt = pytest.importorskip("jwt")

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: E402  (PyJWT needs it)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm  # noqa: E402

KEYS = {
    "RS256": (lambda: rsa.generate_private_key(65537, 2048), RSAAlgorithm),
    "ES256": (lambda: ec.generate_private_key(ec.SECP256R1()), None),
    "ES384": (lambda: ec.generate_private_key(ec.SECP384R1()), None),
    "EdDSA": (ed25519.Ed25519PrivateKey.generate, OKPAlgorithm),
}


def coordinates(key, name, size):
    """A JWK of an EC key, which PyJWT before 2.7 does not write."""
    numbers = key.public_key().public_numbers()

    def encode(value):
        return jwt.utils.base64url_encode(value.to_bytes(size, "big")).decode()

    return {"kty": "EC", "crv": name, "x": encode(numbers.x), "y": encode(numbers.y)}


class Provider:
    """An identity provider at https://127.0.0.1."""

    def __init__(self, folder):
        self.keys = {}
        self.asked = []
        self.published = []
        cert, key = CA(folder, "idp").sign("server", "subjectAltName=IP:127.0.0.1")
        self.ca = folder / "idp" / "ca.crt"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.issuer = f"https://127.0.0.1:{self.server.server_port}/realms/kbs"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def handler(self):
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider.asked.append(self.path)
                body = provider.answer(self.path)
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *args):
                pass

        return Handler

    def answer(self, path):
        if path == "/realms/kbs/.well-known/openid-configuration":
            return {"issuer": self.issuer, "jwks_uri": self.issuer + "/certs"}
        if path == "/realms/kbs/certs":
            return {"keys": self.published}
        return None

    def add(self, kid, alg):
        make, writer = KEYS[alg]
        key = make()
        if writer:
            jwk = json.loads(writer.to_jwk(key.public_key()))
        else:
            jwk = coordinates(key, "P-256" if alg == "ES256" else "P-384", 32 if alg == "ES256" else 48)
        self.keys[kid] = (alg, key)
        self.published.append(jwk | {"kid": kid, "use": "sig", "alg": alg})

    def token(self, kid, **claims):
        alg, key = self.keys[kid]
        said = {"iss": self.issuer, "aud": ["kbs", "other"], "role": "admin", "exp": int(time.time()) + 60} | claims
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(said, key, algorithm=alg, headers={"kid": kid})

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def provider(tmp_path):
    made = Provider(tmp_path)
    yield made
    made.stop()


def config(provider, keys):
    return f"""
[admin]
authorization_mode = "AuthenticatedAuthorization"
[[admin.authentication.bearer_jwt.identity_providers]]
issuer = "{provider.issuer}"
audience = "kbs"
ca = "{provider.ca}"
{keys}
[[admin.authorization.regex_acl.acls]]
role = "admin"
allowed_endpoints = "^/kbs/v0/.+$"
"""


@pytest.fixture
def start(tmp_path):
    """Starts a KBS that is stopped at the end."""
    daemons = []

    def begin(text):
        daemons.append(Daemon(tmp_path, text))
        return daemons[-1]

    yield begin
    for daemon in daemons:
        assert daemon.stop() == 0


def ask(daemon, token):
    """The status; keys on their way are waited for by asking again, as the reply says."""
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        status, body = daemon.ask("GET", "/resource", token)
        if status != 503:
            return status
        assert b"try again" in body
    raise AssertionError("the keys never came")


@pytest.mark.parametrize("keys", ["", 'jwk_set_uri = "{}/certs"', 'jwk_set_uri = "{}"'], ids=["issuer", "set", "either"])
def test_a_provider_is_believed(provider, start, keys):
    for number, alg in enumerate(KEYS):
        provider.add(f"k{number}", alg)
    daemon = start(config(provider, keys.format(provider.issuer)))
    for number in range(len(KEYS)):
        assert ask(daemon, provider.token(f"k{number}")) == 200
    assert ask(daemon, provider.token("k0", role="nobody")) == 403
    for wrong in ({"exp": None}, {"exp": 1}, {"iss": "https://other.example"}, {"aud": "other"}, {"role": None}):
        assert ask(daemon, provider.token("k0", **wrong)) == 401
    alg, key = provider.keys["k0"]
    assert ask(daemon, jwt.encode({"role": "admin"}, "secret" * 8, algorithm="HS256", headers={"kid": "k0"})) == 401
    other = jwt.encode({"iss": provider.issuer, "aud": "kbs", "role": "admin", "exp": int(time.time()) + 60},
                       key, algorithm="PS256", headers={"kid": "k0"})  # fmt: skip
    assert ask(daemon, other) == 401


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_file_of_keys_is_asked_from_nobody(tmp_path, provider, start, scheme):
    provider.add("file", "RS256")
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": provider.published}))
    daemon = start(config(provider, f'jwk_set_uri = "{scheme}{path}"'))
    assert daemon.ask("GET", "/resource", provider.token("file"))[0] == 200
    assert provider.asked == []


def test_a_certificate_is_believed(tmp_path, start):
    owners = CA(tmp_path, "owners")
    cert, key = owners.sign("alice", "subjectAltName=URI:spiffe://example/ops\nextendedKeyUsage=clientAuth")
    server_cert, server_key = owners.sign("server", "subjectAltName=IP:127.0.0.1")
    other = CA(tmp_path, "others").sign("alice", "subjectAltName=URI:spiffe://example/ops")
    daemon = start(f"""
[http_server]
certificate = "{server_cert}"
private_key = "{server_key}"
[admin]
authorization_mode = "AuthenticatedAuthorization"
[admin.authentication.client_certificate]
ca = "{owners.cert}"
[[admin.authentication.client_certificate.roles]]
role = "admin"
san = "URI:spiffe://example/ops"
[[admin.authorization.regex_acl.acls]]
role = "admin"
allowed_endpoints = "^/kbs/v0/resource$"
""")

    def ask_with(pair, path="/kbs/v0/resource"):
        args = ["--cert", pair[0], "--key", pair[1]] if pair else []
        done = subprocess.run(
            [needs("curl"), "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", owners.cert, *args, daemon.url + path],
            capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
        )  # fmt: skip
        return int(done.stdout)

    assert ask_with((cert, key)) == 200
    assert ask_with((cert, key), "/kbs/v0/resource-policy") == 403
    assert ask_with((server_cert, server_key)) in (0, 401)
    assert ask_with(other) == 0
    assert ask_with(None) == 401
    assert ask_with(None, "/healthz") == 200


def test_a_self_signed_certificate_of_a_ca_is_trusted_by_who_has_it(tmp_path, coco, keys, start):
    """As openssl req -x509 makes them, with CA:TRUE, which upstream's client refuses for a server."""
    cert, key = make_certificate(tmp_path)
    private, public = keys("ed25519")
    tls = f'[http_server]\ncertificate = "{cert}"\nprivate_key = "{key}"\n'
    daemon = start(tls + admin_config(public))
    owner = ["--kbs", daemon.url, "--kbs-admin-key", private]
    assert coco.json("resource", "ls", *owner, "--kbs-ca", cert) == []
    coco.run("resource", "ls", *owner, code=4)
