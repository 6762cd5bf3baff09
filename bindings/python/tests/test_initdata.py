"""Init data: documents are built, read, packed and checked."""

import hashlib

import coco
import pytest

FILES = {"aa.toml": "[token_configs]\n", "policy.rego": "package agent_policy\n"}


@pytest.fixture
def doc():
    return coco.InitData.build(FILES, algorithm="sha256")


def test_a_document_is_read_as_it_was_built(doc):
    again = coco.InitData.parse(doc.text)
    assert (again.algorithm, again.files, again.text) == ("sha256", FILES, doc.text)
    assert again.digest == hashlib.sha256(doc.text.encode()).digest()
    assert coco.InitData.parse(doc.annotation).text == doc.text


def test_each_tee_has_its_field(doc):
    digest = hashlib.sha256(doc.text.encode()).digest()
    assert coco.initdata_tees()["tdx"] == "MRCONFIGID"
    assert doc.field("tdx") == digest + bytes(16)
    assert doc.field("snp") == digest
    assert doc.field("tpm") == hashlib.sha256(bytes(32) + digest).digest()
    doc.check("tdx", doc.field("tdx"))
    with pytest.raises(coco.VerifyError, match="MRCONFIGID"):
        doc.check("tdx", bytes(48))
    with pytest.raises(coco.NotSupportedError):
        doc.field("csv")


def test_what_is_no_document_is_refused():
    with pytest.raises(coco.ProtocolError):
        coco.InitData.parse("[data]")
    with pytest.raises(coco.NotSupportedError):
        coco.InitData.build({}, algorithm="md5")
    with pytest.raises(coco.InvalidError):
        coco.InitData.build({"a": "", "A": ""})
