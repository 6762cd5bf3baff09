"""Signatures of Notation, made by its own module, as a requirement of a policy.

SPDX-License-Identifier: Apache-2.0
"""

import json

import pytest

from signing import checks, policy, signing  # noqa: F401
from test_keyless import world  # noqa: F401
from test_signatures import image, verify  # noqa: F401

CHECKS = ("form", "signature", "certificate", "identity", "timestamp", "expiry", "image")
ALL_HOLD = [(name, True) for name in CHECKS]
ACME = "x509.subject: C=DE, ST=BE, O=Acme"
KINDS = ["rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521"]


def notation(world, *identities, **more):
    """A requirement with a trust store of type ca, unless it has another."""
    stores = {} if "signingAuthorityPath" in more else {"caPath": f"{world}/root.pem"}
    return {"type": "notationSigned", "trustedIdentities": list(identities) or [ACME]} | stores | more


def stamped(world, **more):
    return notation(world, timestampAuthorityPath=f"{world}/tsa.pem", **more)


def level(name, verify=None, **override):
    said = {"level": name, "override": override} | ({"verifyTimestamp": verify} if verify else {})
    return {"signatureVerification": said}


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
        ("begin=-2h", "timestamp", "expired"),
        ("begin=2h", "timestamp", "not yet valid"),
        ("expiry=-10s", "expiry", "has expired"),
        ("crit=com.example.extra", "form", "not understood"),
        ("scheme=notary.x509.signingAuthority", "certificate", "nobody is trusted for its signing scheme"),
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


@pytest.mark.parametrize("form", ["jws", "cose"])
def test_a_time_stamp_outlives_the_certificate(coco, signing, policy, image, world, tmp_path, form):
    """It was valid for ten minutes, two hours ago, when it was stamped."""
    signing("notation-sign", world, image, f"format={form}", "begin=-2h", "with=stamp", "stamped=-115m")
    path = policy(stamped(world))
    found = verify(coco, path, image)
    assert found["accepted"] and checks(found) == ALL_HOLD
    coco.run("image", "pull", "--plain-http", "--policy", path, image, tmp_path / "bundle", code=0)
    assert verify(coco, policy(stamped(world, **level("strict", "afterCertExpiry", revocation="skip"))), image)["accepted"]
    refused = verify(coco, policy(notation(world)), image, code=3)
    assert "expired" in refused["reason"] and checks(refused)[-1] == ("timestamp", False)


STAMPS = [
    ("begin=-2h with=stamp stamped=-1m", "expired"),
    ("begin=-2h with=stamp stamped=-3h", "not yet valid"),
    ("begin=-2h with=stamp stamped=-115m stamp=other", "timestamp does not hold"),
    ("begin=-2h with=stamp stamped=-115m stamp=replayed", "message imprint mismatch"),
    # What it says may be off by more than what is left of the certificate.
    ("begin=-2h with=stamp stamped=-111m accuracy=90s", "expired"),
    ("begin=-2h with=stamp stamped=-119m accuracy=90s", "not yet valid"),
    ("begin=-2h with=stamp stamped=-1200h", "timestamp does not hold"),
    ("with=none", "there is no time stamp with it"),
    ("with=stamp stamp=other", "timestamp does not hold"),
    ("with=stamp stamped=1h", "expired"),
]


@pytest.mark.parametrize("form", ["jws", "cose"])
@pytest.mark.parametrize(("how", "why"), STAMPS)
def test_time_stamps_of_others_and_of_other_times_save_nothing(coco, signing, policy, image, world, form, how, why):
    signing("notation-sign", world, image, f"format={form}", *how.split())
    refused = verify(coco, policy(stamped(world)), image, code=3)
    assert why in refused["reason"] and checks(refused)[-1] == ("timestamp", False), refused["reason"]


@pytest.mark.parametrize("form", ["jws", "cose"])
def test_stamps_count_after_expiry_where_the_policy_says_so(coco, signing, policy, image, world, form):
    later = level("strict", "afterCertExpiry", revocation="skip")
    signing("notation-sign", world, image, f"format={form}")
    assert verify(coco, policy(stamped(world, **later)), image)["accepted"]
    signing("notation-sign", world, image, f"format={form}", "with=stamp", "stamp=other")
    assert verify(coco, policy(stamped(world, **later)), image)["accepted"]


@pytest.mark.parametrize("form", ["jws", "cose"])
def test_signing_authorities_have_a_store_of_their_own(coco, signing, policy, image, world, form):
    """The time that one says counts, so that its certificate may have expired since."""
    signing("notation-sign", world, image, f"format={form}", "scheme=notary.x509.signingAuthority", "begin=-2h")
    found = verify(coco, policy(notation(world, signingAuthorityPath=f"{world}/root.pem")), image)
    assert found["accepted"] and checks(found) == ALL_HOLD
    both = notation(world, signingAuthorityPath=f"{world}/root.pem", caPath=f"{world}/stamproot.pem")
    assert verify(coco, policy(both), image)["accepted"]
    swapped = notation(world, signingAuthorityPath=f"{world}/stamproot.pem", caPath=f"{world}/root.pem")
    refused = verify(coco, policy(swapped), image, code=3)
    assert checks(refused)[-1] == ("certificate", False)


@pytest.mark.parametrize("form", ["jws", "cose"])
@pytest.mark.parametrize(("how", "why"), [("ca=other", "certificate"), ("organization=Evil", "trusted identities")])
def test_other_authorities_are_refused(coco, signing, policy, image, world, form, how, why):
    signing("notation-sign", world, image, f"format={form}", "scheme=notary.x509.signingAuthority", how)
    refused = verify(coco, policy(notation(world, signingAuthorityPath=f"{world}/root.pem")), image, code=3)
    assert why in refused["reason"], refused["reason"]


def test_levels_say_what_is_enforced(coco, signing, policy, image, world):
    """As notation's trust policies have them, but that nobody is asked whether certificates were revoked."""
    signing("notation-sign", world, image, "begin=-2h", "expiry=-1h")
    enforced = level("permissive", authenticTimestamp="enforce")
    for fine in (level("permissive"), level("audit"), level("strict", revocation="skip", expiry="log", authenticTimestamp="log")):
        found = verify(coco, policy(notation(world, **fine)), image)
        assert found["accepted"] and checks(found) == ALL_HOLD
        told = json.dumps(found)
        assert "not enforced: the signature has expired" in told and "not enforced: " in told
    for wrong, check in ((enforced, "timestamp"), (level("permissive", expiry="enforce"), "expiry"), ({}, "timestamp")):
        refused = verify(coco, policy(notation(world, **wrong)), image, code=3)
        assert checks(refused)[-1] == (check, False)
    stranger = f"{ACME}, OU=any"
    assert verify(coco, policy(notation(world, stranger, **level("audit"))), image)["accepted"]
    refused = verify(coco, policy(notation(world, stranger, **level("permissive"))), image, code=3)
    assert checks(refused)[-1] == ("identity", False)


@pytest.mark.parametrize(
    ("demand", "why"),
    [
        (level("strict"), "whether certificates were revoked, which is not done"),
        (level("permissive", revocation="enforce"), "whether certificates were revoked, which is not done"),
        (level("skip"), "insecureAcceptAnything"),
        (level("lax"), "no level 'lax'"),
        (level("strict", revocation="skip", integrity="log"), "no 'integrity'"),
    ],
)
def test_demands_that_are_not_kept_are_refused(coco, signing, policy, image, world, tmp_path, demand, why):
    """When the policy is read: nobody relies on what is never checked."""
    signing("notation-sign", world, image)
    path = policy(notation(world, **demand))
    done = coco.run("image", "verify", "--plain-http", "--policy", path, f"docker://{image}")
    assert done.returncode != 0 and why in done.stderr.decode()
    done = coco.run("image", "pull", "--plain-http", "--policy", path, image, tmp_path / "bundle")
    assert done.returncode != 0 and not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("form", ["jws", "cose"])
def test_times_may_be_of_any_zone(coco, signing, policy, image, world, form):
    signing("notation-sign", world, image, f"format={form}", "zone=there", "expiry=1h")
    assert verify(coco, policy(notation(world)), image)["accepted"]


def test_signatures_of_one_kind_are_none_of_another(coco, signing, policy, image, world):
    signing("notation-sign", world, image)
    keyed = {"type": "sigstoreSigned", "keyPath": f"{world}/rekor.pub"}
    assert "there is no signature" in verify(coco, policy(keyed), image, code=3)["reason"]
