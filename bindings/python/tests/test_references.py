"""Reference values are kept, signed and compared."""

import json
import subprocess

import coco
import pytest

HEX = "ab" * 48


@pytest.fixture
def values():
    values = coco.References()
    values.add("mr_td", [HEX], expires=2000000000)
    values.add("xfam", "e700060000000000", expires=1900000000)
    return values


def openssl(*args, stdin=None):
    return subprocess.run(["openssl", *args], input=stdin, capture_output=True, check=True).stdout


def test_values_are_kept_in_a_file(values):
    values.add("mr_td", ["cd" * 48])
    assert len(values) == 2
    assert [v.name for v in values] == ["mr_td", "xfam"]
    again = coco.References.parse(values.format())
    assert list(again) == list(values) and again.signer is None
    assert next(iter(again)).value == [HEX, "cd" * 48]
    assert json.loads(values.format("values"))["xfam"] == "e700060000000000"
    values.remove("xfam")
    assert values.diff(again) == [{"name": "xfam", "change": "added"}]
    with pytest.raises(coco.NotFoundError):
        values.remove("xfam")
    with pytest.raises(coco.InvalidError, match="replace it"):
        again.add("xfam", "00")
    again.add("xfam", "00", replace=True)
    with pytest.raises(coco.ProtocolError):
        coco.References.parse(b"[{}]")


def test_values_are_signed(values):
    key = openssl("genpkey", "-algorithm", "ed25519")
    public = openssl("pkey", "-pubout", stdin=key)
    sealed = values.sign(key, signer="Ann")
    opened = coco.References.open(sealed, public)
    assert opened.signer == "Ann"
    assert {v.name: v.value for v in opened} == {v.name: v.value for v in values}
    opened.check(1900000000)
    with pytest.raises(coco.VerifyError, match="ended"):
        opened.check(1900000001)
    with pytest.raises(coco.VerifyError):
        coco.References.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), public)


def test_values_are_compared_with_claims(values):
    claims = {"quote": {"body": {"mr_td": HEX, "xfam": "00"}}}
    states = {c["name"]: c["state"] for c in values.compare("tdx", claims)}
    assert states == {"mr_td": "same", "xfam": "differs"}
