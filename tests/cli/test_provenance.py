"""Provenance as a gate: statements of in-toto about an image, as cosign attaches them.

SPDX-License-Identifier: Apache-2.0
"""

import json

import pytest

from signing import checks, policy, signing  # noqa: F401
from test_keyless import WHO, world  # noqa: F401
from test_signatures import image, verify  # noqa: F401

V1 = "https://slsa.dev/provenance/v1"
V02 = "https://slsa.dev/provenance/v0.2"
BUILDER = "https://builder.test/workflow@v1"
SOURCE = "git+https://git.test/acme/app"
PREDICATES = {
    V1: [
        {"runDetails": {"builder": {"id": BUILDER}}, "buildDefinition": {"externalParameters": {"source": inner}}}
        for inner in (SOURCE, {"uri": f"{SOURCE}@refs/heads/main"})
    ]
    + [
        {
            "runDetails": {"builder": {"id": BUILDER}},
            "buildDefinition": {"externalParameters": inner},
        }
        for inner in ({"workflow": {"repository": SOURCE}}, {"configSource": {"uri": f"{SOURCE}#refs/tags/v1"}})
    ],
    V02: [
        {"builder": {"id": BUILDER}, "invocation": {"configSource": {"uri": f"{SOURCE}{revision}"}}}
        for revision in ("@refs/tags/v1", "#refs/tags/v1")
    ],
}
CASES = [(kind, predicate) for kind, list_ in PREDICATES.items() for predicate in list_]


def attested(world, kind=V1, **more):
    trust = {"fulcio": WHO, "trustedRootPath": f"{world}/trusted_root.json"}
    return {"type": "inTotoAttested", "predicateType": kind, "builderId": BUILDER, "sourceURI": SOURCE} | trust | more


def args_of(kind, predicate):
    return f"type={kind}", f"predicate={json.dumps(predicate)}"


@pytest.mark.parametrize("command", ["attest", "bundle-sign"])
@pytest.mark.parametrize(("kind", "predicate"), CASES)
def test_provenance_is_a_gate(coco, signing, policy, image, world, command, kind, predicate):
    path = policy(attested(world, kind))
    assert "there is no signature" in verify(coco, path, image, code=3)["reason"]
    signing(command, world, image, *args_of(kind, predicate))
    found = verify(coco, path, image)
    assert found["accepted"]
    assert [name for name, ok in checks(found)][-3:] == ["statement", "image", "provenance"]
    # What is said of an image is no signature of it.
    signed = {"type": "sigstoreSigned", "fulcio": WHO, "trustedRootPath": f"{world}/trusted_root.json"}
    assert "no signature" in verify(coco, policy(signed), image, code=3)["reason"]


def test_a_key_may_say_it(coco, signing, policy, image, world):
    kind, predicate = CASES[0]
    signing("attest", world, image, "key=signer", "without=log", *args_of(kind, predicate))
    required = {"type": "inTotoAttested", "predicateType": V1, "builderId": BUILDER, "keyPath": f"{world}/signer.pub"}
    assert verify(coco, policy(required), image)["accepted"]
    other = required | {"keyPath": f"{world}/rekor.pub"}
    assert verify(coco, policy(other), image, code=3)["reason"].endswith("it is not made by the key")


@pytest.mark.parametrize("command", ["attest", "bundle-sign"])
@pytest.mark.parametrize(
    ("change", "more", "how", "check", "why"),
    [
        (lambda p: p["runDetails"]["builder"].update(id="https://evil.test"), {}, [], "provenance", "https://evil.test"),
        (lambda p: p["runDetails"]["builder"].update(id=BUILDER + "2"), {}, [], "provenance", "builderId"),
        (lambda p: p["runDetails"].clear(), {}, [], "provenance", "says no builderId"),
        (lambda p: p["buildDefinition"]["externalParameters"].update(source=SOURCE + "-evil"), {}, [], "provenance", "sourceURI"),
        (lambda p: p["buildDefinition"].clear(), {}, [], "provenance", "says no sourceURI"),
        (lambda p: None, {}, ["of=other"], "image", "another image"),
        (lambda p: None, {"fulcio": WHO | {"subjectEmail": "x@y"}}, [], "certificate", "not for 'x@y'"),
        (lambda p: None, {"predicateType": V02}, [], "statement", "not '" + V02),
        (lambda p: None, {}, ["without=log"], "log", "no entry"),
        (lambda p: None, {}, ["log=other"], "log", "does not fit"),
        (lambda p: None, {}, ["entry=other"], "log", "another content"),
    ],
)
def test_other_provenance_is_refused(
    coco, signing, policy, image, world, tmp_path, command, change, more, how, check, why
):
    predicate = json.loads(json.dumps(CASES[0][1]))
    change(predicate)
    signing(command, world, image, *args_of(V1, predicate), *how)
    path = policy(attested(world, **more))
    refused = verify(coco, path, image, code=3)
    assert why in refused["reason"] and checks(refused)[-1] == (check, False), refused["reason"]
    coco.run("image", "pull", "--plain-http", "--policy", path, image, tmp_path / "bundle", code=3)
    assert not (tmp_path / "bundle").exists()


def test_what_is_too_large_takes_nothing_along(coco, signing, policy, image, world):
    """Lists of packages are attested, too, and have many MiB."""
    kind, predicate = CASES[0]
    for size in ("fill=3000000", "fill=5000000", "fill=3000000"):
        signing("attest", world, image, "type=https://spdx.dev/Document", size)
    path = policy(attested(world))
    refused = verify(coco, path, image, code=3)["scopes"][0]["requirements"][0]["signatures"]
    assert [one["accepted"] for one in refused] == 3 * [False]
    assert any("are allowed" in one["reason"] or "of more than" in one["reason"] for one in refused)
    signing("attest", world, image, *args_of(kind, predicate))
    found = verify(coco, path, image)
    assert found["accepted"] and len(found["scopes"][0]["requirements"][0]["signatures"]) == 4
