"""Key broker clients that are written in Python."""

import gc
import sys
import threading
import urllib.error

import pytest

import coco


class Vault:
    name = "vault_kbc"

    def __init__(self, **secrets):
        self.secrets = secrets
        self.asked = []

    def get(self, path):
        self.asked.append((path, threading.get_ident()))
        found = self.secrets[path.rpartition("/")[2]]
        if isinstance(found, Exception):
            raise found
        return found


class Attesting(Vault):
    def attest(self):
        return b"a.b.c"


def test_a_plugin_gives_what_it_has():
    vault = Vault(a=b"secret \0", b=bytearray(b"array"), c=memoryview(b"view"), d=b"")
    kbc = coco.PluginKbc(vault)
    assert kbc.get("kbs:///default/key/a") == b"secret \0"
    assert kbc.get("kbs:///default/key/b") == b"array"
    assert kbc.get("kbs:///default/key/c") == b"view"
    assert kbc.get("kbs:///default/key/d") == b""
    assert [path for path, _ in vault.asked] == [f"default/key/{tag}" for tag in "abcd"]


@pytest.mark.parametrize("raised, caught", [
    (KeyError("a"), coco.NotFoundError),
    (LookupError("no such thing"), coco.NotFoundError),
    (PermissionError("no"), coco.DeniedError),
    (coco.VerifyError("wrong"), coco.VerifyError),
    (coco.NetworkError("gone"), coco.NetworkError),
    (ValueError("strange"), coco.SystemIOError),
    (OSError(5, "broken"), coco.SystemIOError),
    (urllib.error.HTTPError("http://a.test", 404, "not here", {}, None), coco.SystemIOError),
])
def test_what_it_raises_is_what_the_call_raises(raised, caught):
    with pytest.raises(caught, match="vault_kbc") as e:
        coco.PluginKbc(Vault(a=raised)).get("kbs:///default/key/a")
    assert str(raised) in str(e.value)


def test_what_is_no_bytes_is_an_error():
    for answer in (None, "text", 7):
        with pytest.raises(coco.SystemIOError, match="bytes-like"):
            coco.PluginKbc(Vault(a=answer)).get("kbs:///default/key/a")


def test_it_attests_if_it_can():
    assert coco.PluginKbc(Attesting()).attest() == "a.b.c"
    with pytest.raises(coco.NotSupportedError, match="vault_kbc"):
        coco.PluginKbc(Vault()).attest()


def test_what_is_no_plugin_is_refused():
    for plugin in (None, 7, object()):
        with pytest.raises(AttributeError):
            coco.PluginKbc(plugin)
    for name in ("", "Vault", "a::b", "a" * 33):
        vault = Vault()
        vault.name = name
        with pytest.raises(coco.InvalidError):
            coco.PluginKbc(vault)
    vault.name = 7
    with pytest.raises(TypeError):
        coco.PluginKbc(vault)


def test_it_lives_as_long_as_its_client():
    vault = Vault(a=b"x")
    before = sys.getrefcount(vault)
    kbc = coco.PluginKbc(vault)
    assert sys.getrefcount(vault) == before + 1
    kbc.get("kbs:///default/key/a")
    del kbc
    gc.collect()
    assert sys.getrefcount(vault) == before
    for _ in range(3):
        with pytest.raises(coco.InvalidError):
            vault.name = "NO"
            coco.PluginKbc(vault)
    gc.collect()
    assert sys.getrefcount(vault) == before


def test_threads_may_ask_at_once():
    vault = Vault(a=b"secret")
    kbc = coco.PluginKbc(vault)
    got = []

    def ask():
        for _ in range(50):
            got.append(kbc.get("kbs:///default/key/a"))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [b"secret"] * 200
    assert threading.get_ident() not in {ident for _, ident in vault.asked}


def test_the_machine_may_say_which_broker(monkeypatch):
    monkeypatch.setenv("AA_KBC_PARAMS", "sample_kbc::")
    assert coco.Kbc().get("kbs:///default/key/1")
    monkeypatch.setenv("AA_KBC_PARAMS", "no_such_kbc::")
    with pytest.raises(coco.NotSupportedError):
        coco.Kbc()


def test_a_resource_is_watched():
    vault = Vault(a=b"one")
    seen = []

    def told(data):
        seen.append(data)
        vault.secrets["a"] = b"two"
        return len(seen) < 2

    coco.PluginKbc(vault).watch("kbs:///default/key/a", told, seconds=1)
    assert seen == [b"one", b"two"]


def test_a_watcher_is_told_of_what_is_taken_back():
    vault = Vault(a=b"one")
    seen = []

    def told(data):
        seen.append(data)
        vault.secrets.clear()

    kbc = coco.PluginKbc(vault)
    assert kbc.get_leased("kbs:///default/key/a") == (b"one", None)
    with pytest.raises(coco.NotFoundError):
        kbc.watch("kbs:///default/key/a", told, seconds=1)
    assert seen == [b"one", None]


def test_what_a_watcher_raises_comes_out():
    def told(data):
        raise KeyError(data)

    with pytest.raises(KeyError, match="one"):
        coco.PluginKbc(Vault(a=b"one")).watch("kbs:///default/key/a", told)
    with pytest.raises(TypeError):
        coco.native.kbc_watch(coco.PluginKbc(Vault(a=b"one"))._c, "kbs:///default/key/a", 1, 7, None)


def test_a_watch_can_be_canceled():
    context = coco.Context()
    with pytest.raises(coco.CanceledError):
        coco.PluginKbc(Vault(a=b"one")).watch("kbs:///default/key/a", lambda data: context.cancel(), context=context)
