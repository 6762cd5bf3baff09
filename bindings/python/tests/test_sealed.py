"""Sealed secrets: sealed, inspected, unsealed or refused."""

import pathlib
import subprocess

import coco
import pytest

SECRET = b"what only the guest may know"
URI = "kbs:///default/key/1"
KID = "kbs:///default/keys/owner"


class Hsm:
    """Wraps keys by turning their bits."""

    name = "hsm_kbc"

    def __init__(self, public):
        self.resources = {"default/key/1": SECRET, "default/keys/owner": public}

    def get(self, path):
        return self.resources[path]

    def wrap_key(self, id, key):
        if id != "kek":
            raise LookupError(id)
        return bytes(b ^ 0xFF for b in key)

    unwrap_key = wrap_key


@pytest.fixture
def keys(tmp_path):
    private = tmp_path / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-out", private], check=True, capture_output=True)  # fmt: skip
    public = subprocess.run(["openssl", "pkey", "-in", private, "-pubout"], check=True, capture_output=True)
    return pathlib.Path(private).read_bytes(), public.stdout


@pytest.fixture
def kbc(keys):
    return coco.PluginKbc(Hsm(keys[1]))


def test_a_name_is_sealed_and_unsealed(keys, kbc):
    text = coco.Sealer(KID, keys[0]).seal_name("kbs", URI)
    assert text.startswith("sealed.")
    assert coco.Unsealer(kbs=kbc).unseal(text) == SECRET
    assert coco.Unsealer(kbs=kbc, keys={KID: keys[1]}, key_prefix="kbs:///x/").unseal(text) == SECRET
    with pytest.raises(coco.DeniedError, match="not under"):
        coco.Unsealer(kbs=kbc, key_prefix="kbs:///x/").unseal(text)
    with pytest.raises(coco.NotSupportedError, match="kbs"):
        coco.Unsealer(owner_keys=[keys[1]]).unseal(text)
    with pytest.raises(coco.VerifyError):
        coco.Unsealer(kbs=kbc).unseal(text[:-8] + "AAAAAAAA")


def test_an_envelope_is_sealed_and_unsealed(keys, kbc):
    sealer = coco.Sealer("owner", keys[0], provider=("hsm", kbc), settings={"slot": 1}, annotations={"a": "b"})
    text = sealer.seal("kek", SECRET)
    told = coco.sealed_inspect(text)
    assert told["signed"] and told["kid"] == "owner" and told["bytes"] == len(SECRET)
    assert told["provider_settings"] == {"slot": 1} and told["annotations"] == {"a": "b"}
    unsealer = coco.Unsealer(providers={"hsm": kbc}, owner_keys=[keys[1]])
    assert unsealer.unseal(text) == SECRET
    with pytest.raises(coco.NotFoundError):
        sealer.seal("other", SECRET)


def test_what_nobody_signed_must_be_allowed(kbc):
    text = ("sealed.fakejwsheader.eyJ2ZXJzaW9uIjoiMC4xLjAiLCJ0eXBlIjoidmF1bHQiLCJuYW1lIjoia2JzOi8vL2Rl"
            "ZmF1bHQva2V5LzEiLCJwcm92aWRlciI6ImticyJ9.fakesignature")  # fmt: skip
    with pytest.raises(coco.DeniedError, match="nobody signed"):
        coco.Unsealer(kbs=kbc).unseal(text)
    assert coco.Unsealer(kbs=kbc, allow_unsigned=True).unseal(text) == SECRET
    assert coco.sealed_inspect(text)["signed"] is False


def test_a_client_wraps_keys(kbc):
    wrapped = kbc.wrap_key("kek", b"0123")
    assert wrapped != b"0123" and kbc.unwrap_key("kek", wrapped) == b"0123"
    with pytest.raises(coco.NotSupportedError):
        coco.Kbc("sample_kbc::").wrap_key("kek", b"0123")
