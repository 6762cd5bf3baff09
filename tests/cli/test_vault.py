"""Secrets in an OpenBao, and keys that stay there: its own server, asked by coco.

SPDX-License-Identifier: Apache-2.0
"""

import json
import shutil

import pytest

from conftest import wait_until
from daemon import REFERENCES, admin_config, admin_token, make_certificate
from openbao import Proxy, Server

SECRET = "known to the vault alone"
URI = "kbs:///default/key/1"
ENTRY = "default/key/1"
READ = 'path "secret/data/default/*" { capabilities = ["read"] }'

if not shutil.which("bao"):
    pytest.skip("needs bao", allow_module_level=True)


@pytest.fixture(scope="module")
def bao(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bao")
    server = Server(folder, *make_certificate(folder))
    server.begin()
    server.put("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    server.put("sys/mounts/kv", {"type": "kv", "options": {"version": "1"}})
    server.put("sys/mounts/transit", {"type": "transit"})
    for name, kind in {"approle": "approle", "cert": "cert", "jwt": "jwt", "kbs": "jwt"}.items():
        server.put(f"sys/auth/{name}", {"type": kind})
    server.put("sys/policies/acl/read", {"policy": READ})
    server.put(f"secret/data/{ENTRY}", {"data": {"data": SECRET}})
    server.put(f"kv/{ENTRY}", {"data": SECRET})
    yield server
    server.stop()


class Guest:
    """Who asks, by a token in a file or whatever the settings say instead."""

    def __init__(self, coco, bao, folder):
        self.coco, self.bao, self.file = coco, bao, folder / "token"
        self.file.write_text(bao.root)

    def params(self, settings="", login=None):
        query = (f"token-file={self.file}" if login is None else login) + settings
        return f"vault_kbc::{self.bao.url}" + (f"?{query}" if query else "")

    def options(self, *args):
        return ["--kbs", self.params(*args), "--kbs-ca", self.bao.ca]

    def get(self, uri=URI, settings="", login=None, code=0, retries=0):
        """What it gets, or, if the code is another, why not."""
        done = self.coco.run("resource", "get", "--retries", str(retries), *self.options(settings, login), uri, code=code)
        return done.stdout if code == 0 else done.stderr.decode()


@pytest.fixture
def guest(coco, bao, tmp_path):
    return Guest(coco, bao, tmp_path)


# ---- KV ----


def test_secrets_come_from_kv_of_both_versions(guest):
    assert guest.get() == SECRET.encode()
    assert guest.get(settings="&kv=1&mount=kv") == SECRET.encode()


def test_the_newest_version_counts_until_it_is_deleted(guest, bao):
    for version in ("one", "two"):
        bao.put("secret/data/a/b/c", {"data": {"data": version}})
        assert guest.get("kbs:///a/b/c") == version.encode()
    bao.delete("secret/data/a/b/c")
    assert "was deleted" in guest.get("kbs:///a/b/c", code=6)
    bao.put("secret/undelete/a/b/c", {"versions": [2]})
    assert guest.get("kbs:///a/b/c") == b"two"
    bao.put("secret/destroy/a/b/c", {"versions": [2]})
    assert "was destroyed" in guest.get("kbs:///a/b/c", code=6)
    bao.delete("secret/metadata/a/b/c")
    assert "has nothing there" in guest.get("kbs:///a/b/c", code=6)


def test_it_is_said_what_is_not_there(guest):
    assert "has nothing there" in guest.get("kbs:///a/b/none", code=6)
    assert "no handler for route" in guest.get(settings="&mount=none", code=6)
    assert "Invalid path for a versioned K/V secrets engine" in guest.get(settings="&kv=1", code=6)
    assert "has nothing there" in guest.get(settings="&mount=kv", code=6)


KINDS = {
    "bytes": (list(range(256)), bytes(range(256))),
    "text": ("é<>&\u2028\U0001f600\n", "é<>&\u2028\U0001f600\n".encode()),
    "empty": ("", b""),
    "odd-._": ("name", b"name"),
    "large": ("x" * (1 << 20), b"x" * (1 << 20)),
    "large-bytes": ([200] * (250 << 10), b"\xc8" * (250 << 10)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mount,settings", {"secret/data": "", "kv": "&kv=1&mount=kv"}.items())
def test_secrets_are_bytes_or_text(guest, bao, kind, mount, settings):
    kept, want = KINDS[kind]
    bao.put(f"{mount}/k/i/{kind}", {"data": {"data": kept}} if mount != "kv" else {"data": kept})
    assert guest.get(f"kbs:///k/i/{kind}", settings) == want


def test_anything_else_is_no_secret(guest, bao):
    for value, why in (({"a": 1}, "neither text nor bytes"), (7, "neither text nor bytes"), ([256], "no array of bytes")):
        bao.put("secret/data/k/i/other", {"data": {"data": value}})
        assert why in guest.get("kbs:///k/i/other", code=1)
    bao.put("secret/data/k/i/other", {"data": {"Data": SECRET}})
    assert "no value 'data'" in guest.get("kbs:///k/i/other", code=6)
    assert guest.get("kbs:///k/i/other", settings="&field=Data") == SECRET.encode()
    bao.put("secret/data/k/i/other", {"data": {"data": [200] * (1 << 18)}})
    guest.get("kbs:///k/i/other", code=8)


def test_namespaces_are_told_apart(guest, bao):
    for space in ("team", "team/one"):
        parent, _, name = space.rpartition("/")
        bao.put(f"sys/namespaces/{name}", X_Vault_Namespace=parent)
        bao.put("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}, X_Vault_Namespace=space)
        bao.put(f"secret/data/{ENTRY}", {"data": {"data": space}}, X_Vault_Namespace=space)
        assert guest.get(settings=f"&namespace={space}") == space.encode()
    assert guest.get() == SECRET.encode()
    assert "namespace not found" in guest.get(settings="&namespace=none", code=6)


# ---- who asks ----


def test_policies_deny_in_one_line(guest, bao):
    guest.file.write_text(bao.token(READ) + "\n")
    assert guest.get() == SECRET.encode()
    assert "the Vault says: 1 error occurred: * permission denied (403)" in guest.get("kbs:///other/key/1", code=3)
    assert guest.get(settings="&kv=1&mount=kv", code=3)


def test_a_token_that_is_over_is_denied(guest, bao):
    token = bao.token(READ)
    guest.file.write_text(token)
    assert guest.get() == SECRET.encode()
    bao.put("auth/token/revoke", {"token": token})
    assert "permission denied" in guest.get(code=3)
    guest.file.write_text(bao.token(READ, num_uses=1))
    assert guest.get() == SECRET.encode()
    assert "permission denied" in guest.get(code=3)
    guest.file.write_text(bao.token(READ, type="batch", ttl="1h"))
    assert guest.get() == SECRET.encode()
    guest.file.write_text(bao.token(READ, ttl="1s"))
    bao.wait_until(lambda: bao.get(f"secret/data/{ENTRY}", token=guest.file.read_text()).status == 403)
    assert "permission denied" in guest.get(code=3)


@pytest.fixture
def role(bao, tmp_path):
    """role(settings…) makes one of AppRole: the login by it, and the file with its secret ID."""

    def make(**settings):
        name = f"role-{tmp_path.name}"
        bao.put(f"auth/approle/role/{name}", {"token_policies": ["read"]} | settings)
        file = tmp_path / "secret-id"
        if settings.get("bind_secret_id", True):
            file.write_text(bao.put(f"auth/approle/role/{name}/secret-id")["data"]["secret_id"])
        role_id = bao.get(f"auth/approle/role/{name}/role-id").json["data"]["role_id"]
        return f"role-id={role_id}&secret-id-file={file}", file

    return make


def test_a_role_logs_in(guest, role):
    login, file = role()
    assert guest.get(login=login) == SECRET.encode()
    assert "permission denied" in guest.get("kbs:///other/key/1", login=login, code=3)
    assert "permission denied" in guest.get(login=login, settings="&approle=none", code=3)
    file.write_text("6a174c20-f6de-a53c-74d2-6018fcceff64")
    assert "login: the Vault says: invalid role or secret ID" in guest.get(login=login, code=3)
    file.unlink()
    assert "secret-id" in guest.get(login=login, code=6)


def test_a_secret_id_is_used_up(guest, role):
    login, _ = role(secret_id_num_uses=1)
    assert guest.get(login=login) == SECRET.encode()
    assert "invalid" in guest.get(login=login, code=3)


def test_a_role_without_secret_ids_is_one(guest, bao, role):
    login, _ = role(bind_secret_id=False, token_bound_cidrs=["127.0.0.1/32"])
    assert guest.get(login=login.split("&")[0]) == SECRET.encode()


@pytest.fixture
def jwt(bao, keys, tmp_path):
    """jwt(role) puts a JWT of whom the method believes into a file; the login by it."""
    private, public = keys("ed25519", "issuer")
    bao.put("auth/jwt/config", {"jwt_validation_pubkeys": [public.read_text()]})
    bao.put("auth/jwt/role/guest", {"role_type": "jwt", "user_claim": "role", "bound_claims": {"role": "guest"},
                                    "not_before_leeway": 600, "token_policies": ["read"]})  # fmt: skip

    def make(role="guest"):
        (tmp_path / "jwt").write_text(admin_token(private, role) + "\n")
        return f"jwt-file={tmp_path}/jwt&role=guest"

    return make


def test_a_jwt_logs_in(guest, jwt, tmp_path):
    login = jwt()
    assert guest.get(login=login) == SECRET.encode()
    assert "login: the Vault says: role" in guest.get(login=login.replace("=guest", "=none"), code=3)
    jwt("stranger")
    assert "login: the Vault says: error validating claims" in guest.get(login=login, code=3)
    (tmp_path / "jwt").write_text("e30.e30.e30")
    assert "login: the Vault says: error validating token" in guest.get(login=login, code=3)


KBS = """
[attestation_service]
allow_sample = true
[attestation_service.attestation_token_broker]
audiences = ["https://vault.example"]
"""


def test_who_has_attested_to_our_kbs_logs_in(guest, bao, serve, keys, tmp_path):
    """By the token that it gives, whose claims a role of the Vault judges, and whose keys it fetches from the KBS."""
    private, public = keys("ed25519")
    config, ear, values = tmp_path / "kbs.toml", tmp_path / "ear", tmp_path / "values"
    config.write_text(KBS + admin_config(public))
    values.write_text(json.dumps(REFERENCES))
    broker = serve("--config", config, "--listen", "127.0.0.1:0")
    bao.put("auth/kbs/config", {"jwks_url": f"{broker.url}/.well-known/jwks.json"})
    bao.put("auth/kbs/role/guest", {"role_type": "jwt", "user_claim": "sub", "token_policies": ["read"],
                                    "bound_audiences": ["https://vault.example"],
                                    "bound_claims": {"/submods/cpu0/ear.status": "affirming"}})  # fmt: skip

    def get(*options, code):
        token = guest.coco.run("attest", "--kbs", broker.url, "--tee", "sample", *options, code=0).stdout
        ear.write_bytes(token)
        return guest.get(login=f"jwt-file={ear}&jwt=kbs&role=guest", code=code)

    for_it = ["--audience", "https://vault.example"]
    assert "login: the Vault says: error validating claims" in get(*for_it, code=3)
    guest.coco.run("rv", "put", "--kbs", broker.url, "--kbs-admin-key", private, values, code=0)
    assert get(*for_it, code=0) == SECRET.encode()
    assert "login: the Vault says: error validating token" in get(code=3)


def test_a_certificate_logs_in(guest, bao, tmp_path):
    cert, key = make_certificate(tmp_path)
    bao.put("auth/cert/certs/guest", {"certificate": cert.read_text(), "token_policies": ["read"]})
    login = f"cert-file={cert}&key-file={key}"
    assert guest.get(login=login) == SECRET.encode()
    assert guest.get(login=login + "&role=guest") == SECRET.encode()
    assert "login: the Vault says: invalid certificate" in guest.get(login=login + "&role=none", code=3)
    guest.get(login=f"cert-file={cert}&key-file=/none", code=6)
    (tmp_path / "other").mkdir()
    other, other_key = make_certificate(tmp_path / "other")
    guest.get(login=f"cert-file={cert}&key-file={other_key}", code=2)
    assert "login: the Vault says: invalid certificate" in guest.get(login=f"cert-file={other}&key-file={other_key}", code=3)


@pytest.fixture
def proxy(bao, guest, tmp_path):
    proxy = Proxy(tmp_path, bao, guest.file)
    yield proxy
    proxy.stop()


def test_a_proxy_on_the_guest_is_asked(guest, bao, proxy, tmp_path):
    own = tmp_path / "own"
    own.write_text(bao.token(READ))
    ask = lambda uri, code: guest.coco.run("resource", "get", "--retries", "0", "--kbs",  # noqa: E731
                                           f"vault_kbc::{proxy.url}?token-file={own}", uri, code=code).stdout  # fmt: skip
    assert ask(URI, 0) == SECRET.encode()
    ask("kbs:///other/key/1", 3)


def test_a_proxy_need_not_be_told_who_we_are(guest, bao, proxy):
    done = guest.coco.run("resource", "get", "--kbs", f"vault_kbc::{proxy.url}", URI, code=0)
    assert done.stdout == SECRET.encode()
    assert "asked as nobody: the Vault says: permission denied" in guest.get(login="", code=3)


# ---- keys ----


@pytest.fixture
def seal(guest, keys):
    """seal(key) seals SECRET under the key of Transit with that name."""

    def run(key, code=0, settings=""):
        signer = keys("ec", "vault")[0]
        done = guest.coco.run("secret", "seal", "--kid", "k", "--sign-key", signer, "--wrap-key", key, "--tls-ca",
                              guest.bao.ca, "--provider", f"vault={guest.params(settings)}", stdin=SECRET.encode(), code=code)  # fmt: skip
        return done.stdout if code == 0 else done.stderr.decode()

    return run


@pytest.fixture
def unseal(guest, keys):
    def run(sealed, code=0, settings=""):
        signer = keys("ec", "vault")[1]
        done = guest.coco.run("secret", "unseal", "--owner-key", signer, "--tls-ca", guest.bao.ca, "--retries", "0",
                              "--provider", f"vault={guest.params(settings)}", stdin=sealed, code=code)  # fmt: skip
        return done.stdout if code == 0 else done.stderr.decode()

    return run


CIPHERS = ("aes128-gcm96", "aes256-gcm96", "chacha20-poly1305", "xchacha20-poly1305", "rsa-2048")


@pytest.mark.parametrize("kind", CIPHERS)
def test_a_key_of_transit_opens_what_it_sealed(bao, seal, unseal, kind):
    for name in (f"{kind}", f"{kind}-other"):
        bao.put(f"transit/keys/{name}", {"type": kind})
    sealed = seal(kind)
    assert SECRET.encode() not in sealed
    assert unseal(sealed) == SECRET.encode()
    bao.put(f"transit/keys/{kind}/config", {"deletion_allowed": True})
    bao.delete(f"transit/keys/{kind}")
    assert "encryption key not found" in unseal(sealed, code=6)
    bao.put(f"transit/keys/{kind}", {"type": kind})
    assert "vault" in unseal(sealed, code=4)


def test_keys_rotate_until_old_ones_are_refused(bao, seal, unseal):
    bao.put("transit/keys/turning")
    old = seal("turning")
    bao.put("transit/keys/turning/rotate")
    new = seal("turning")
    assert unseal(old) == unseal(new) == SECRET.encode()
    bao.put("transit/keys/turning/config", {"min_decryption_version": 2})
    assert "disallowed by policy (too old)" in unseal(old, code=3)
    assert unseal(new) == SECRET.encode()


def test_keys_for_something_else_are_told(bao, seal):
    bao.put("transit/keys/signing", {"type": "ed25519"})
    assert "not supported for key type ed25519" in seal("signing", code=2)
    bao.put("transit/keys/derived", {"derived": True})
    assert "missing 'context' for key derivation" in seal("derived", code=7)


def test_a_key_is_made_by_no_mistake_of_whoever_may_not_create_it(guest, bao, seal):
    policy = 'path "transit/encrypt/*" { capabilities = ["update"] }'
    bao.put("transit/keys/there")
    guest.file.write_text(bao.token(policy))
    assert seal("there").startswith(b"sealed.")
    assert "permission denied" in seal("misspelt", code=3)
    guest.file.write_text(bao.root)
    bao.put("transit/config/keys", {"disable_upsert": True})
    assert seal("misspelt", code=6)
    assert bao.get("transit/keys/misspelt").status == 404


def test_who_seals_need_not_unseal(guest, bao, seal, unseal):
    bao.put("transit/keys/kek")
    guest.file.write_text(bao.token('path "transit/encrypt/kek" { capabilities = ["update"] }'))
    sealed = seal("kek")
    assert "permission denied" in unseal(sealed, code=3)
    guest.file.write_text(bao.token('path "transit/decrypt/kek" { capabilities = ["update"] }'))
    assert unseal(sealed) == SECRET.encode()


# ---- a server that is watched, has no time, or no key ----


def test_a_secret_that_changes_is_noticed(guest, bao, tmp_path):
    bao.put("secret/data/w/a/tch", {"data": {"data": "one"}})
    file = tmp_path / "secret"
    watch = guest.coco.start("resource", "watch", *guest.options(), "--interval", "1", "--remove", "-o", file, "kbs:///w/a/tch")
    try:
        for version in ("one", "two"):
            bao.put("secret/data/w/a/tch", {"data": {"data": version}})
            assert wait_until(lambda: file.exists() and file.read_text() == version, 30)
        bao.delete("secret/data/w/a/tch")
        assert watch.wait(30) == 6 and not file.exists()
        assert b"was deleted" in watch.stderr.read()
    finally:
        watch.kill()


def test_quotas_are_waited_for(guest, bao):
    def limit(interval):
        bao.put("sys/quotas/rate-limit/kv", {"path": "kv/", "rate": 1, "interval": interval})
        bao.wait_until(lambda: bao.get(f"kv/{ENTRY}").status == 429)

    # It does not say when, unless it is told to, and of so many waits at random not all are short.
    limit("2s")
    assert guest.get(settings="&kv=1&mount=kv", retries=9) == SECRET.encode()
    limit("600s")
    assert "rate limit quota exceeded" in guest.get(settings="&kv=1&mount=kv", code=5)
    bao.delete("sys/quotas/rate-limit/kv")


def test_a_sealed_server_says_so(guest, bao):
    bao.put("sys/seal")
    assert "Vault is sealed" in guest.get(code=5)
    bao.unseal()
    assert guest.get() == SECRET.encode()


def raft(folder, name):
    (folder / name).mkdir()
    return {"raft": {"path": str(folder / name), "node_id": name}}


@pytest.fixture
def pair(tmp_path):
    """Two servers of one cluster: who leads, and who stands by."""
    cert, key = make_certificate(tmp_path)
    servers = []
    try:
        for name in ("leader", "standby"):
            servers.append(Server(tmp_path, cert, key, name, storage=raft(tmp_path, f"{name}-data")))
        leader, standby = servers
        leader.begin()
        standby.put("sys/storage/raft/join", {"leader_api_addr": leader.url, "leader_ca_cert": cert.read_text()})
        standby.key, standby.root = leader.key, leader.root
        standby.wait_until(lambda: standby.ask("POST", "sys/unseal", {"key": leader.key}).status == 200)
        standby.wait_until(lambda: standby.get("sys/health?standbyok=true").status == 200)
        yield leader, standby
    finally:
        for server in servers:
            server.stop()


def test_a_standby_answers_until_nobody_leads(coco, pair, tmp_path):
    leader, standby = pair
    leader.put("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    leader.wait_until(lambda: leader.ask("POST", f"secret/data/{ENTRY}", {"data": {"data": SECRET}}).status == 200)
    guest = Guest(coco, standby, tmp_path)
    leader.put("sys/auth/approle", {"type": "approle"})
    leader.put("sys/policies/acl/read", {"policy": READ})
    leader.put("auth/approle/role/guest", {"token_policies": ["read"], "bind_secret_id": False,
                                             "token_bound_cidrs": ["127.0.0.1/32"]})  # fmt: skip
    login = "role-id=" + leader.get("auth/approle/role/guest/role-id").json["data"]["role_id"]
    standby.wait_until(lambda: standby.get(f"secret/data/{ENTRY}").status == 200)
    assert guest.get() == SECRET.encode()
    assert guest.get(login=login) == SECRET.encode()
    leader.stop()
    assert "stands by, and cannot reach who leads (307)" in guest.get(login=login, code=5)
