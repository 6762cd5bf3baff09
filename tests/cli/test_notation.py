"""Signatures of Notation, made by its own module, as a requirement of a policy.

SPDX-License-Identifier: Apache-2.0
"""

import pytest

from signing import checks, policy, signing  # noqa: F401
from test_keyless import world  # noqa: F401
from test_signatures import image, verify  # noqa: F401

ALL_HOLD = [(name, True) for name in ("form", "signature", "certificate", "identity", "expiry", "image")]
ACME = "x509.subject: C=DE, ST=BE, O=Acme"
KINDS = ["rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521"]


def notation(world, *identities, ca="root.pem"):
    return {
        "type": "notationSigned",
        "caPath": f"{world}/{ca}",
        "trustedIdentities": list(identities) or [ACME],
    }


@pytest.mark.parametrize("form", ["jws", "cose"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_notation_signs_is_accepted(coco, signing, policy, image, world, tmp_path, form, kind):
    path = policy(notation(world))
    assert "there is no signature" in verify(coco, path, image, code=3)["reason"]
    signing("notation-sign", world, image, f"format={form}", f"kind={kind}")
    found = verify(coco, path, image)
    assert found["accepted"] and checks(found) == ALL_HOLD
    coco.run("image", "pull", "--plain-http", "--policy", path, image, tmp_path / "bundle", code=0)


def test_identities_are_parts_of_a_subject(coco, signing, policy, image, world):
    signing("notation-sign", world, image)
    for fine in ("*", ACME, f"{ACME}, CN=signer", "x509.subject:O=Acme,S=BE,C=DE"):
        assert verify(coco, policy(notation(world, fine)), image)["accepted"], fine
    assert verify(coco, policy(notation(world, f"{ACME}x", ACME)), image)["accepted"]
    for wrong, why in (
        (f"{ACME}x", "none of the trusted identities"),
        (f"{ACME}, CN=sign", "none of the trusted identities"),
        (f"{ACME}, OU=any", "none of the trusted identities"),
        ("x509.subject: O=Acme", "needs C, ST and O"),
        ("x509.subject: C=DE, ST=BE, O=Acme, nonsense", "not a list"),
        ("CN=signer", "neither"),
    ):
        refused = verify(coco, policy(notation(world, wrong)), image, code=3)
        assert why in refused["reason"] and checks(refused)[-1] == ("identity", False), (wrong, refused["reason"])


@pytest.mark.parametrize("form", ["jws", "cose"])
@pytest.mark.parametrize(
    ("how", "check", "why"),
    [
        ("ca=other", "certificate", "certificate '"),
        ("organization=Evil", "identity", "none of the trusted identities"),
        ("of=other", "image", "another image"),
        ("begin=-2h", "certificate", "expired"),
        ("begin=2h", "certificate", "not yet valid"),
        ("expiry=-10s", "expiry", "has expired"),
        ("crit=com.example.extra", "form", "not understood"),
        ("scheme=notary.x509.signingAuthority", "form", ""),
        ("flip=1", None, ""),
    ],
)
def test_what_was_tampered_with_is_refused(coco, signing, policy, image, world, tmp_path, form, how, check, why):
    args = ["begin=-1m"] if how.startswith("expiry") else []
    signing("notation-sign", world, image, f"format={form}", how, *args)
    path = policy(notation(world))
    refused = verify(coco, path, image, code=3)
    assert why in refused["reason"], refused["reason"]
    if check:
        assert checks(refused)[-1] == (check, False)
    coco.run("image", "pull", "--plain-http", "--policy", path, image, tmp_path / "bundle", code=3)
    assert not (tmp_path / "bundle").exists()


def test_signatures_of_one_kind_are_none_of_another(coco, signing, policy, image, world):
    signing("notation-sign", world, image)
    keyed = {"type": "sigstoreSigned", "keyPath": f"{world}/rekor.pub"}
    assert "there is no signature" in verify(coco, policy(keyed), image, code=3)["reason"]
