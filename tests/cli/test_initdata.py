"""Init data: documents built, shown, and held against measurements and evidence.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import gzip
import hashlib
import json
import tomllib

import pytest


@pytest.fixture
def files(tmp_path):
    (tmp_path / "aa.toml").write_text('[token_configs]\nurl = "https://kbs"\n')
    (tmp_path / "p").write_text("package agent_policy\n# it's a \x1b[31mtrap\u202e größe\n")
    return [str(tmp_path / "aa.toml"), f"policy.rego={tmp_path / 'p'}"]


def test_a_document_is_built_of_files(coco, files, tmp_path):
    text = coco.run("initdata", "build", *files, code=0).stdout
    document = tomllib.loads(text.decode())
    assert (document["version"], document["algorithm"]) == ("0.1.0", "sha384")
    assert list(document["data"]) == ["aa.toml", "policy.rego"]
    assert document["data"]["policy.rego"] == (tmp_path / "p").read_text()

    # The same with JSON, which tells what evidence will hold.
    told = json.loads(coco.run("initdata", "build", "--json", *files, code=0).stdout)
    digest = hashlib.sha384(text).hexdigest()
    assert told["document"].encode() == text
    assert told["data"] == document["data"]
    assert told["digest"] == told["tees"]["tdx"] == digest
    assert told["tees"]["snp"] == digest[:64]
    assert told["tees"]["sgx"] == digest + 32 * "0"
    cut = bytes.fromhex(digest)[:32]
    assert told["tees"]["tpm"] == hashlib.sha256(bytes(32) + cut).hexdigest()
    assert gzip.decompress(base64.b64decode(told["annotation"])) == text


def test_a_document_goes_to_a_file(coco, files, tmp_path):
    done = coco.run("initdata", "build", "--algorithm", "sha256", "-o", tmp_path / "doc", *files, code=0)
    assert done.stdout == b""
    text = (tmp_path / "doc").read_bytes()
    told = json.loads(coco.run("initdata", "show", "--json", tmp_path / "doc", code=0).stdout)
    digest = hashlib.sha256(text).digest()
    assert told["digest"] == digest.hex()
    assert told["tees"]["az-snp-vtpm"] == hashlib.sha256(bytes(32) + digest).hexdigest()
    # And from the annotation, which is the same document.
    again = coco.run("initdata", "show", "--json", stdin=told["annotation"].encode(), code=0).stdout
    assert json.loads(again) == told


def test_a_document_is_shown_without_obeying_it(coco, files):
    text = coco.run("initdata", "build", *files, code=0).stdout
    shown = coco.run("initdata", "show", stdin=text, code=0).stdout.decode()
    assert "MRCONFIGID\n    " + hashlib.sha384(text).hexdigest() in shown
    assert 'url = "https://kbs"' in shown
    assert "\x1b" not in shown and "\\x1b[31mtrap\\xe2\\x80\\xae größe" in shown


def test_what_is_no_document_is_refused(coco, files, tmp_path):
    coco.run("initdata", "show", stdin=b"[data]\n", code=1)
    coco.run("initdata", "show", stdin=b"version = '0.1.0'\0", code=1)
    coco.run("initdata", "show", tmp_path / "nosuch", code=6)
    coco.run("initdata", "build", files[0], files[0], code=2)
    coco.run("initdata", "build", f"={tmp_path / 'p'}", code=2)
    coco.run("initdata", "build", "--algorithm", "md5", files[0], code=2)


def test_a_document_is_held_against_a_measurement(coco, files, tmp_path):
    doc = tmp_path / "doc"
    told = json.loads(coco.run("initdata", "build", "--json", "-o", doc, *files, code=0).stdout)
    assert "document" not in told
    tdx = told["tees"]["tdx"]
    verify = ["initdata", "verify", doc, "--tee", "tdx"]
    coco.run(*verify, "--measurement", tdx, code=0)
    assert json.loads(coco.run(*verify, "--measurement", tdx, "--json", code=0).stdout)["valid"]
    wrong = coco.run(*verify, "--measurement", "00" + tdx[2:], code=4).stderr.decode()
    assert "MRCONFIGID" in wrong and tdx in wrong
    coco.run(*verify, "--measurement", tdx[2:], code=4)
    coco.run("initdata", "verify", doc, "--tee", "csv", "--measurement", tdx, code=7)
    coco.run("initdata", "verify", doc, "--measurement", tdx, code=2)
    coco.run(*verify, code=2)
    coco.run(*verify, "--measurement", "xy", code=2)
    coco.run(*verify, "--measurement", tdx, "--evidence", doc, code=2)


def test_a_document_is_held_against_evidence(coco, files, tmp_path):
    doc, other, evidence = tmp_path / "doc", tmp_path / "other", tmp_path / "evidence"
    coco.run("initdata", "build", "-o", doc, *files, code=0)
    coco.run("initdata", "build", "-o", other, files[0], code=0)
    env = {"COCO_SOFTWARE_TEE": str(tmp_path / "tee")}
    coco.run("tee", "launch", tmp_path / "tee", "--init-data", doc, code=0)
    evidence.write_bytes(coco.run("evidence", "get", "--report-data", "00", code=0, **env).stdout)
    verify = ["--tee", "software", "--evidence", evidence]
    coco.run("initdata", "verify", doc, *verify, code=0, **env)
    wrong = coco.run("initdata", "verify", other, *verify, code=4, **env).stderr.decode()
    assert "init data" in wrong
    # Nobody trusts it without its root.
    untrusted = coco.run("initdata", "verify", doc, *verify, code=4).stderr.decode()
    assert "does not hold" in untrusted
