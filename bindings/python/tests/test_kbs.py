"""The embedded key broker service, and guests of it in the same process."""

import base64
import gc
import hashlib
import json
import subprocess
import sys
import threading
import urllib.request

import coco
import pytest

kbs = pytest.importorskip("coco.kbs", reason="this build has no server")
KERNEL = b"kernel"
ANY_PORT = '[http_server]\nsockets = ["127.0.0.1:0"]\n'


@pytest.fixture
def machine(tmp_path):
    """A software TEE and the configuration of a KBS that trusts it."""
    coco.software_tee_launch(tmp_path, KERNEL)
    root = coco.software_tee_root(tmp_path).decode()
    return tmp_path, f'{ANY_PORT}[attestation_service]\nsoftware_roots = ["""\n{root}"""]\n'


def guest(server, directory):
    return coco.Kbc("cc_kbc::" + server.url, attester=coco.Attester.software(directory))


def test_the_owner_keeps_resources():
    with kbs.Kbs(ANY_PORT) as server:
        server.put("default/key/2", b"two")
        server.put("default/key/1", bytearray(b"o\0ne"))
        assert server.list() == ["default/key/1", "default/key/2"]
        assert server.get("default/key/1") == b"o\0ne"
        server.delete("default/key/1")
        with pytest.raises(coco.NotFoundError):
            server.get("default/key/1")
        assert [v.get("size", "deleted") for v in server.versions("default/key/1")] == ["deleted", 4]
        assert server.restore("default/key/1") == 3
        assert server.get("default/key/1") == b"o\0ne"
        server.purge("default/key/1")
        with pytest.raises(coco.NotFoundError):
            server.restore("default/key/1")
        with pytest.raises(coco.InvalidError):
            server.put("no resource", b"")


def test_a_with_block_serves():
    with kbs.Kbs(ANY_PORT) as server:
        url = server.url
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(url + "/healthz") as reply:
            assert reply.status == 200
    with pytest.raises(OSError):
        urllib.request.urlopen(url + "/healthz")
    with pytest.raises(ValueError, match="Kbs is closed"):
        server.start()


def test_it_starts_again_after_a_stop():
    server = kbs.Kbs(ANY_PORT)
    assert server.url is None
    for _ in range(3):
        server.start()
        assert server.url
        server.stop()
        server.stop()
        assert server.url is None


def test_a_bad_configuration_is_refused():
    for config in ("no such key = 1", "no_such_key = 1", "="):
        with pytest.raises(coco.ProtocolError):
            kbs.Kbs(config)


def test_a_guest_gets_what_its_evidence_is_good_for(machine):
    directory, config = machine
    with kbs.Kbs(config) as server:
        server.put("default/key/1", b"secret")
        with pytest.raises(coco.DeniedError):
            guest(server, directory).get("kbs:///default/key/1")
        server.set_reference_value("launch_digest", [hashlib.sha384(KERNEL).hexdigest()])
        assert guest(server, directory).get("kbs:///default/key/1") == b"secret"
        assert guest(server, directory).attest().count(".") == 2
        with pytest.raises(coco.NotFoundError):
            guest(server, directory).get("kbs:///default/key/2")


def test_a_passport_serves_instead_of_evidence(machine):
    directory, config = machine
    with kbs.Kbs(config) as server:
        server.put("default/key/1", b"secret")
        server.set_reference_value("launch_digest", [hashlib.sha384(KERNEL).hexdigest()])
        passport = guest(server, directory).passport()
        assert json.loads(passport).keys() == {"token", "tee_keypair"}
        shown = coco.Kbc("cc_kbc::" + server.url, passport=passport, proxy="", retries=0)
        assert shown.get("kbs:///default/key/1") == b"secret"
        with pytest.raises(coco.ProtocolError):
            coco.Kbc("cc_kbc::" + server.url, passport=b"{}")
        with pytest.raises(coco.InvalidError):
            coco.Kbc("cc_kbc::" + server.url, proxy="ftp://proxy")


def test_a_secret_may_be_for_some_time_alone(machine):
    directory, config = machine
    with kbs.Kbs(config + "[lease]\nseconds = 600\nmax_seconds = 60\n") as server:
        server.put("default/key/1", b"secret")
        server.set_reference_value("launch_digest", [hashlib.sha384(KERNEL).hexdigest()])
        assert guest(server, directory).get_leased("kbs:///default/key/1") == (b"secret", 60)


def test_a_token_may_be_for_somebody_else(machine):
    directory, config = machine
    bank = "https://bank.example"
    config += f'[attestation_service.attestation_token_broker]\naudiences = ["{bank}"]\n'
    with kbs.Kbs(config) as server:
        payload = guest(server, directory).attest_for(bank).split(".")[1]
        assert json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["aud"] == bank
        with pytest.raises(coco.DeniedError):
            guest(server, directory).attest_for("https://other.example")
        with pytest.raises(coco.InvalidError):
            guest(server, directory).attest_for("")


def test_evidence_of_a_device_goes_along(machine):
    directory, config = machine
    with kbs.Kbs(config + "allow_sample = true\n") as server:
        device = coco.Attester("sampledevice")
        kbc = coco.Kbc("cc_kbc::" + server.url, attester=coco.Attester.software(directory), devices=[device])
        payload = kbc.attest().split(".")[1]
        submods = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["submods"]
        assert submods.keys() == {"cpu0", "gpu0"}
        assert submods["gpu0"]["ear.veraison.annotated-evidence"]["sampledevice"]["svn"] == "2"


def test_many_guests_at_once(machine):
    directory, config = machine
    failures = []

    def work(server):
        try:
            for _ in range(5):
                assert guest(server, directory).get("kbs:///default/key/1") == b"secret"
        except BaseException as failure:
            failures.append(failure)

    with kbs.Kbs(config) as server:
        server.put("default/key/1", b"secret")
        server.set_reference_value("launch_digest", [hashlib.sha384(KERNEL).hexdigest()])
        threads = [threading.Thread(target=work, args=(server,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures


def test_the_log_comes_from_threads_of_the_server(machine):
    directory, config = machine
    lines = []
    context = coco.Context(log=lambda level, line: lines.append((level, line)), level=coco.LogLevel.DEBUG)
    with kbs.Kbs(config, context=context) as server:
        del context
        gc.collect()
        server.put("default/key/1", b"secret")
        with pytest.raises(coco.DeniedError):
            guest(server, directory).get("kbs:///default/key/1")
    assert lines and all(isinstance(level, coco.LogLevel) and line for level, line in lines)
    assert not any("secret" == line for _, line in lines)


def test_a_policy_that_does_not_parse_is_refused():
    with kbs.Kbs(ANY_PORT) as server:
        try:
            server.set_resource_policy("package policy\nimport rego.v1\ndefault allow := false\n")
        except coco.NotSupportedError:
            pytest.skip("this build has no policy engine")
        with pytest.raises(coco.ProtocolError):
            server.set_resource_policy("no rego")


def test_a_decision_nobody_made_is_not_explained():
    with kbs.Kbs(ANY_PORT) as server, pytest.raises(coco.NotFoundError):
        server.explain("no such id")


ALLOW = """package policy
import rego.v1
default allow := false
allow if data.plugin in {"echo", "ca"}
"""


class Echo:
    """A plug-in that says what it was asked."""

    name = "echo"

    def __init__(self):
        self.config = None
        self.asked = []

    def configure(self, config):
        self.config = config
        if "bad" in config:
            raise ValueError("there is something bad")

    def access(self, request):
        assert request.body == b"" and request.claims is None and request.role is None
        return {
            "guest": kbs.Access.GUEST,
            "fail": kbs.Access.GUEST,
            "owner": kbs.Access.OWNER,
            "public": kbs.Access.PUBLIC,
            "raise": "no access",
        }.get(request.path.split("/")[0], kbs.Access.NONE)

    def handle(self, request):
        self.asked.append(request)
        if request.path == "fail/denied":
            raise PermissionError("not you")
        if request.path == "fail/lookup":
            raise KeyError("nothing")
        if request.path == "fail/own":
            raise coco.InvalidError("ask otherwise")
        if request.path == "fail/strange":
            return "no bytes"
        if request.path == "public":
            return kbs.Reply(b"hello", type="text/plain", note="said hello")
        return b"echo of " + request.body


def serve_plugin(plugin, config):
    server = kbs.Kbs(config)
    server.add_plugin(plugin)
    try:
        server.set_resource_policy(ALLOW)
    except coco.NotSupportedError:
        pytest.skip("this build has no policy engine")
    return server


def test_a_plugin_answers_guests(machine):
    directory, config = machine
    plugin = Echo()
    with serve_plugin(plugin, config + '[[plugins]]\nname = "echo"\nword = "x"\n') as server:
        assert plugin.config == {"word": "x"}
        kbc = guest(server, directory)
        assert kbc.ask("kbs+echo:///guest/a?x=1&y=%20z", b"quest\0ion") == b"echo of quest\0ion"
        assert plugin.asked[-1][:4] == ("POST", "guest/a", {"x": "1", "y": " z"}, b"quest\0ion")
        assert "cpu0" in plugin.asked[-1].claims["submods"] and plugin.asked[-1].role is None
        assert kbc.get("kbs+echo:///guest") == b"echo of "
        assert plugin.asked[-1].method == "GET"
        assert kbc.get("kbs+echo:///public") == b"hello"
        with urllib.request.urlopen(server.url + "/kbs/v0/echo/public") as reply:
            assert reply.headers["Content-Type"] == "text/plain" and reply.read() == b"hello"
        server.set_resource_policy("package policy\nimport rego.v1\ndefault allow := false\n")
        with pytest.raises(coco.DeniedError):
            kbc.get("kbs+echo:///guest")


def test_what_a_plugin_raises_is_what_a_guest_is_told(machine):
    directory, config = machine
    with serve_plugin(Echo(), config) as server:
        kbc = coco.Kbc("cc_kbc::" + server.url, attester=coco.Attester.software(directory), retries=0)
        for path, error in {
            "fail/denied": coco.DeniedError,
            "fail/lookup": coco.NotFoundError,
            "fail/own": coco.ProtocolError,
            "fail/strange": coco.NetworkError,
            "none": coco.NotFoundError,
            "owner": coco.DeniedError,
        }.items():
            with pytest.raises(error):
                kbc.get("kbs+echo:///" + path)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_plugin_that_cannot_say_who_may_lets_nobody_in(machine):
    directory, config = machine
    with serve_plugin(Echo(), config) as server, pytest.raises(coco.NotFoundError):
        guest(server, directory).get("kbs+echo:///raise")


def test_plugins_that_do_not_fit_are_refused():
    server = kbs.Kbs(ANY_PORT + '[[plugins]]\nname = "echo"\nbad = 1\n')
    with pytest.raises(coco.ProtocolError, match="echo"):
        server.start()
    with pytest.raises(OSError, match="something bad"):
        server.add_plugin(Echo())
    for name in ("", "Echo", "resource", "a/b"):
        plugin = Echo()
        plugin.name = name
        with pytest.raises(coco.InvalidError):
            server.add_plugin(plugin)
    with pytest.raises(AttributeError):
        server.add_plugin(object())
    with kbs.Kbs(ANY_PORT) as serving, pytest.raises(coco.InvalidError, match="serving"):
        serving.add_plugin(Echo())


def test_a_plugin_goes_with_its_kbs():
    gone = []

    class Plugin(Echo):
        def __del__(self):
            gone.append(self.name)

    server = kbs.Kbs(ANY_PORT)
    server.add_plugin(Plugin())
    with server:
        pass
    gc.collect()
    assert gone == ["echo"]


def test_a_database_is_sealed(tmp_path):
    key, database = tmp_path / "key", tmp_path / "kbs.db"
    key.write_bytes(b"k" * 32)
    key.chmod(0o600)
    plain = (
        ANY_PORT + '[storage_backend]\nstorage_type = "Sqlite"\n'
        f'[storage_backend.backends.sqlite]\npath = "{database}"\n'
    )
    sealed = plain + f'[storage_backend.seal]\nkey_file = "{key}"\n'
    with kbs.Kbs(plain) as server:
        server.put("a/b/c", b"x")
    kbs.reseal(sealed)
    with kbs.Kbs(sealed) as server:
        assert server.get("a/b/c") == b"x"
    with pytest.raises(coco.DeniedError):
        kbs.Kbs(plain)
    kbs.reseal(plain, key)
    with kbs.Kbs(plain) as server:
        assert server.get("a/b/c") == b"x"


def test_a_backup_is_restored(tmp_path):
    (tmp_path / "key").write_bytes(b"0123456789abcdef" * 2)
    (tmp_path / "key").chmod(0o600)

    def config(name, sealed=True):
        seal = f'[storage_backend.seal]\nkey_file = "{tmp_path}/key"\n' if sealed else ""
        path = f'[storage_backend.backends.sqlite]\npath = "{tmp_path}/{name}"\n'
        return ANY_PORT + '[storage_backend]\nstorage_type = "Sqlite"\n' + path + seal

    with kbs.Kbs(config("one")) as server:
        server.put("a/b/c", b"x")
        made = kbs.backup(config("one"), tmp_path / "backup")
    assert made["sealed"] and made["rows"] > 1
    assert kbs.restore(config("two"), tmp_path / "backup", digest=made["digest"]) == made
    with kbs.Kbs(config("two")) as server:
        assert server.get("a/b/c") == b"x"
    with pytest.raises(coco.DeniedError):
        kbs.restore(config("two"), tmp_path / "backup")
    with pytest.raises(coco.VerifyError):
        kbs.restore(config("two"), tmp_path / "backup", digest="00" * 32, force=True)
    kbs.restore(config("two"), tmp_path / "backup", force=True)
    with kbs.Kbs(config("plain", False)):
        pass
    with pytest.raises(coco.DeniedError):
        kbs.backup(config("plain", False), tmp_path / "other")
    assert not kbs.backup(config("plain", False), tmp_path / "other", plain=True)["sealed"]


def test_a_key_is_wrapped_by_a_token_alone(tmp_path):
    sealed = (
        f'[storage_backend]\nstorage_type = "Sqlite"\nbackends = {{sqlite = {{path = "{tmp_path}/kbs.db"}}}}\n'
        f'[storage_backend.seal]\nkey_file = "{tmp_path}/key"\n'
    )
    with pytest.raises(coco.InvalidError):
        kbs.wrap_key(sealed)
    sealed += 'pkcs11 = "pkcs11:token=t?module-path=/nowhere.so"\npkcs11_key = "kek"\n'
    for key in (None, b"k" * 32):
        with pytest.raises((coco.NotFoundError, coco.NotSupportedError)):
            kbs.wrap_key(sealed, key)


def test_the_interpreter_ends_while_it_serves():
    script = f"import coco.kbs; s = coco.kbs.Kbs({ANY_PORT!r}); s.start(); print(s.url)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=20, check=True)
    assert done.stdout.startswith(b"http://")


def test_an_owner_administers_over_http():
    private = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ED25519"], capture_output=True, check=True
    ).stdout
    public = subprocess.run(
        ["openssl", "pkey", "-pubout"], input=private, capture_output=True, check=True
    ).stdout.decode()
    config = (
        ANY_PORT + '[admin]\nauthorization_mode = "AuthenticatedAuthorization"\n'
        "[[admin.authentication.bearer_jwt.identity_providers]]\n"
        f'public_key = """\n{public}"""\n'
        "[[admin.authorization.regex_acl.acls]]\n"
        'role = "admin"\nallowed_endpoints = "^/kbs/v0/.+$"\n'
    )
    with kbs.Kbs(config) as server:
        stranger = coco.admin_token(private, role="nobody", life=60)
        claims = json.loads(base64.urlsafe_b64decode(stranger.split(".")[1] + "=="))
        assert claims["role"] == "nobody" and claims["exp"] - claims["iat"] == 60
        assert coco.admin_token(private).count(".") == 2
        with pytest.raises(coco.InvalidError):
            coco.admin_token(private, life=86401)
        with coco.Admin(server.url, key=private) as admin:
            admin.put("default/key/1", b"secret")
            assert server.get("default/key/1") == b"secret"
            assert admin.list() == ["default/key/1"]
            admin.set_resource_policy("package policy\nimport rego.v1\ndefault allow := false\n")
            admin.set_path_policy("a/b", "package policy\nallow := true\n")
            assert admin.list_resource_policies() == ["resource-policy", "resource-policy/a/b"]
            admin.set_path_policy("a/b", None)
            with pytest.raises(coco.NotFoundError):
                admin.set_path_policy("a/b", None)
            admin.set_attestation_policy("default_gpu", "package policy\ntrust_claims := {}\n")
            server.set_path_policy("a", "package policy\nallow := true\n")
            assert server.list_resource_policies() == ["resource-policy", "resource-policy/a"]
            server.set_path_policy("a", None)
            server.set_attestation_policy("default_gpu", "package policy\ntrust_claims := {}\n")
            values = coco.References()
            values.add("a", ["b"])
            admin.put_references(values.format("rvps"))
            rotation = admin.rotate_keys()
            assert len(rotation["kid"]) == 43 and admin.rotate_keys() == rotation
            (reference,) = admin.list_references()
            assert (reference["name"], reference["value"]) == ("a", ["b"])
            assert reference["expires"] - reference["time"] > 364 * 86400
            with pytest.raises(coco.Error):
                admin.put_references('{"version": "0.1.0", "type": "swid", "payload": ""}')
            with pytest.raises(coco.NotFoundError):
                admin.explain("0" * 32)
            with pytest.raises(coco.InvalidError):
                admin.explain("no id")
            admin.delete("default/key/1")
            assert server.list() == []
            assert [v["version"] for v in admin.versions("default/key/1")] == [2, 1]
            assert admin.restore("default/key/1") == 3
            assert admin.restore("default/key/1", 1) == 4
            assert server.get("default/key/1") == b"secret"
            admin.purge("default/key/1")
            with pytest.raises(coco.NotFoundError):
                admin.versions("default/key/1")
        with coco.Admin(server.url) as nobody, pytest.raises(coco.DeniedError):
            nobody.put("default/key/1", b"secret")


def test_servers_do_not_leak(growth):
    def once():
        with kbs.Kbs(ANY_PORT) as server:
            server.put("default/key/1", b"x" * 1000)

    assert growth(once, 50) < 2048


def test_the_audit_log_is_verified(machine, tmp_path):
    directory, config = machine
    log = tmp_path / "audit"
    with kbs.Kbs(config + f'[audit]\npath = "{log}"\n') as server:
        server.put("default/key/1", b"secret")
        token = guest(server, directory).attest()
        assert kbs.audit_verify(log)["entries"] == 3  # a checkpoint, what was put, the guest
    header = token.split(".")[0]
    key = json.dumps(json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["jwk"])
    report = kbs.audit_verify(log, key.encode())
    assert report["last"] == report["signed_to"] == report["entries"] == 4
    assert report["checkpoints"] == 2 and len(report["head"]) == 64
    text = log.read_text()
    log.write_text(text.replace("default/key/1", "default/key/2"))
    with pytest.raises(coco.VerifyError, match="line 3"):
        kbs.audit_verify(log)
    with pytest.raises(coco.NotFoundError):
        kbs.audit_verify(tmp_path / "other")
