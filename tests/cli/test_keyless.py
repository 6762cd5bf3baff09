"""Signatures by certificates that last for minutes: Fulcio, Rekor and time stamps, without a network.

Who certifies, logs and stamps is tests/signing/world.go; what it makes Sigstore's own module verifies, too.

SPDX-License-Identifier: Apache-2.0
"""

import json

import pytest

from signing import checks, policy, signing, sigstore  # noqa: F401
from test_signatures import image, verify  # noqa: F401
from vectors import recorded_image

CERTIFIED = [(name, True) for name in ("form", "signature", "log", "certificate", "payload", "image", "identity")]
WHO = {"oidcIssuer": "https://issuer.test", "subjectEmail": "dev@example.test"}


@pytest.fixture
def world(signing, tmp_path):
    signing("world", tmp_path / "world")
    return tmp_path / "world"


def fulcio(world, **more):
    """A requirement as containers/image knows it, of the certificate, and the log."""
    return sigstore(fulcio={"caPath": f"{world}/ca.pem"} | WHO | more, rekorPublicKeyPath=f"{world}/rekor.pub")


def rooted(world, who=None, **more):
    """A requirement with a trusted root."""
    return sigstore(fulcio=who or WHO, trustedRootPath=f"{world}/trusted_root.json", **more)


def test_what_cosign_2_certifies_is_accepted(coco, signing, policy, image, world):
    signing("keyless-sign", world, image)
    found = verify(coco, policy(fulcio(world)), image)
    assert found["accepted"] and checks(found) == CERTIFIED
    assert verify(coco, policy(fulcio(world, ctfePublicKeyPath=f"{world}/ctfe.pub")), image)["accepted"]
    assert verify(coco, policy(rooted(world)), image)["accepted"]


def test_what_cosign_3_certifies_is_accepted(coco, signing, policy, image, world):
    """As a referrer, in a registry that lists them by a tag."""
    signing("bundle-sign", world, image, "check=sigstore")
    found = verify(coco, policy(rooted(world)), image)
    assert found["accepted"]
    assert [name for name, ok in checks(found) if ok] == [
        "form", "signature", "log", "timestamp", "certificate", "payload", "image", "identity",
    ]  # fmt: skip
    assert verify(coco, policy(fulcio(world)), image)["accepted"]
    named = rooted(world, signedIdentity={"type": "matchRepository"})
    assert "a digest alone" in verify(coco, policy(named), image, code=3)["reason"]


def test_a_signature_of_the_manifests_bytes_is_accepted(coco, signing, policy, image, world):
    """As sigstore-go verifies it by the digest; it says no name, and is no statement."""
    signing("message-sign", world, image, "check=sigstore")
    found = verify(coco, policy(rooted(world)), image)
    assert found["accepted"]
    assert ("payload", True) in checks(found) and ("image", True) in checks(found)
    named = rooted(world, signedIdentity={"type": "matchRepository"})
    assert "a digest alone" in verify(coco, policy(named), image, code=3)["reason"]
    stated = rooted(world) | {"type": "inTotoAttested", "predicateType": "https://slsa.dev/provenance/v1"}
    assert "it is a signature, no statement" in verify(coco, policy(stated), image, code=3)["reason"]
    signing("message-sign", world, image, "key=signer", "check=sigstore")
    by_key = sigstore(keyPath=f"{world}/signer.pub", rekorPublicKeyPath=f"{world}/rekor.pub")
    assert verify(coco, policy(by_key), image)["accepted"]


@pytest.mark.parametrize("command", ["keyless-sign", "bundle-sign", "message-sign"])
def test_time_stamps_stand_for_a_log(coco, signing, policy, image, world, command):
    signing(command, world, image, "with=stamp", "without=log")
    stamped = sigstore(fulcio={"caPath": f"{world}/ca.pem"} | WHO, timestampAuthorityPath=f"{world}/tsa.pem")
    found = verify(coco, policy(stamped), image)
    assert found["accepted"] and ("timestamp", True) in checks(found)
    refused = verify(coco, policy(rooted(world)), image, code=3)
    assert "no entry of a log" in refused["reason"]


def test_the_tree_proves_that_it_is_logged(coco, signing, policy, image, world):
    """What only the tree proves has no time that anybody signed, unless it is stamped."""
    signing("bundle-sign", world, image, "without=promise", "with=stamp", "check=sigstore")
    assert verify(coco, policy(rooted(world)), image)["accepted"]


@pytest.mark.parametrize("command", ["bundle-sign", "message-sign"])
@pytest.mark.parametrize("log", ["ed25519", "ecdsa"])
@pytest.mark.parametrize("more", ["note=none", "note=witness", "note=twice", "proof=whole"])
def test_rekor_2_is_a_log_too(coco, signing, policy, image, world, command, log, more):
    """Whoever else signs its checkpoints."""
    signing(command, world, image, f"rekor={log}", "with=stamp", more, "check=sigstore")
    found = verify(coco, policy(rooted(world)), image)
    assert found["accepted"] and ("log", True) in checks(found) and ("timestamp", True) in checks(found)


def test_a_key_in_rekor_2_needs_no_time(coco, signing, policy, image, world):
    signing("bundle-sign", world, image, "rekor=ed25519", "key=signer", "check=sigstore")
    by_key = sigstore(keyPath=f"{world}/signer.pub", trustedRootPath=f"{world}/trusted_root.json")
    assert verify(coco, policy(by_key), image)["accepted"]


def test_a_log_of_rekor_2_needs_a_trusted_root(coco, signing, policy, image, world):
    """Its checkpoints are told by the log's name, which a key alone does not say."""
    signing("bundle-sign", world, image, "rekor=ecdsa", "key=signer")
    by_key = sigstore(keyPath=f"{world}/signer.pub", rekorPublicKeyPath=f"{world}/rekor2ec.pub")
    assert "only a trusted root says the log's name" in verify(coco, policy(by_key), image, code=3)["reason"]


def test_several_logs_may_have_it(coco, signing, policy, image, world):
    """Those that nobody here knows are passed over, and of the others each must hold."""
    signing("bundle-sign", world, image, "rekor=ed25519,1", "check=sigstore")
    assert verify(coco, policy(rooted(world)), image)["accepted"]
    assert verify(coco, policy(fulcio(world)), image)["accepted"]
    other = fulcio(world) | {"rekorPublicKeyPath": f"{world}/ctfe.pub"}
    assert "log that is not known" in verify(coco, policy(other), image, code=3)["reason"]


def test_a_key_may_be_logged_too(coco, signing, policy, image, world):
    by_key = sigstore(keyPath=f"{world}/signer.pub", rekorPublicKeyPath=f"{world}/rekor.pub")
    signing("keyless-sign", world, image, "key=signer", "without=log")
    assert "no entry of a log" in verify(coco, policy(by_key), image, code=3)["reason"]
    signing("keyless-sign", world, image, "key=signer")
    assert verify(coco, policy(by_key), image)["accepted"]
    signing("bundle-sign", world, image, "key=other")
    other = sigstore(keyPath=f"{world}/other.pub", rekorPublicKeyPath=f"{world}/rekor.pub")
    assert verify(coco, policy(other), image)["accepted"]


def test_the_trusted_root_may_come_from_the_broker(coco, signing, policy, image, world, owner, broker):
    signing("bundle-sign", world, image)
    coco.run("resource", "put", *owner, "default/sigstore/root", world / "trusted_root.json", code=0)
    required = sigstore(fulcio=WHO, trustedRootPath="kbs:///default/sigstore/root")
    guest = ["--kbs", broker.url, "--tee", "sample"]
    assert verify(coco, policy(required), image, *guest)["accepted"]
    assert "no key broker" in verify(coco, policy(required), image, code=3)["reason"]


def test_workflows_are_named_by_their_uri(coco, signing, policy, image, world):
    workflow = "https://github.test/acme/app/.github/workflows/release.yml@refs/tags/v1"
    signing("bundle-sign", world, image, f"subject={workflow}")
    who = {"oidcIssuer": "https://issuer.test"}
    assert verify(coco, policy(rooted(world, who | {"subjectURI": workflow})), image)["accepted"]
    for wrong in ({"subjectURI": workflow[:-1]}, {"subjectEmail": workflow}):
        refused = verify(coco, policy(rooted(world, who | wrong)), image, code=3)
        assert checks(refused)[-1] == ("certificate", False)


TAMPERED = [
    ("subject=evil@example.test", "certificate", "not for 'dev@example.test'"),
    ("subject=dev@example.test.evil.test", "certificate", "not for 'dev@example.test'"),
    ("issuer=https://issuer.test.evil.test", "certificate", "issuer 'https://issuer.test.evil.test'"),
    ("ca=other", "certificate", "certificate"),
    ("usage=none", "certificate", "not for signing code"),
    ("sct=other", "certificate", "promise of a log"),
    ("sct=none", "certificate", "no log of certificates"),
    ("begin=-2h", "certificate", "expired"),
    ("begin=2h", "certificate", "not yet valid"),
    ("logged=-2h", "certificate", "not yet valid"),
    ("logged=-90000h", "log", "not in use"),
    ("log=other", "log", "signature does not fit"),
    ("entry=other", "log", "another content"),
    ("without=log", "log", "no entry of a log"),
]
OF_BUNDLES = [
    ("proof=bad", "log", "not in the tree"),
    ("of=other", "image", "another image"),
    ("type=https://slsa.dev/provenance/v1", None, "no signature"),
    ("without=promise", "certificate", "nothing proves when it was used"),
    ("without=proof check=refused", "form", "without an inclusion proof"),
    ("without=promise,proof check=refused", "form", "without an inclusion proof"),
    ("note=hint check=refused", "log", "not signed by the log"),
    ("with=stamp stamp=other", "timestamp", "timestamp does not hold"),
    ("with=stamp stamped=-2h", "certificate", "not yet valid"),
]
OF_REKOR_2 = [
    ("with=none", "certificate", "nothing proves when it was used"),
    ("log=other", "log", "not signed by the log"),
    ("origin=other", "log", "not signed by the log"),
    ("note=origin", "log", "of the log 'other.rekor.test'"),
    ("note=hint", "log", "not signed by the log"),
    ("note=unsigned", "log", "not signed by the log"),
    ("proof=bad", "log", "not in the tree"),
    ("proof=short", "log", "too short"),
    ("proof=long", "log", "too long"),
    ("without=proof", "form", "without an inclusion proof"),
    ("with=stamp,promise", "log", ""),
    ("index=other", "log", "of another entry"),
    ("of=other", "image", "another image"),
    ("with=stamp stamp=other", "timestamp", "timestamp does not hold"),
    ("with=stamp stamped=-2h", "certificate", "not yet valid"),
    ("with=stamp stamped=2h", "certificate", "expired"),
]
OF_MESSAGES = [
    ("proof=bad", "log", "not in the tree"),
    ("of=other check=refused", "image", "another image"),
    ("said=other check=refused", "signature", "does not fit"),
    ("of=other said=other check=refused", "signature", "does not fit"),
    ("algorithm=SHA2_512", "form", "digest"),
    ("algorithm=SHA1 check=refused", "form", ""),
    ("algorithm=SHA3_256", "form", "SHA3_256"),
]


@pytest.mark.parametrize(
    ("command", "how", "check", "why"),
    [("keyless-sign", *case) for case in TAMPERED]
    + [("bundle-sign", *case) for case in TAMPERED + OF_BUNDLES]
    + [("message-sign", *case) for case in TAMPERED + OF_MESSAGES],
)
def test_what_was_tampered_with_is_refused(coco, signing, policy, image, world, tmp_path, command, how, check, why):
    signing(command, world, image, *how.split())
    path = policy(rooted(world))
    refused = verify(coco, path, image, code=3)
    assert why in refused["reason"], refused["reason"]
    if check:
        assert checks(refused)[-1] == (check, False)
    coco.run("image", "pull", "--plain-http", "--policy", path, image, tmp_path / "bundle", code=3)
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("command", ["bundle-sign", "message-sign"])
@pytest.mark.parametrize("log", ["ed25519", "ecdsa"])
@pytest.mark.parametrize(("how", "check", "why"), OF_REKOR_2)
def test_of_rekor_2_what_was_tampered_with_is_refused(
    coco, signing, policy, image, world, tmp_path, command, log, how, check, why
):
    """By Sigstore's own module as well."""
    stamp = [] if "with=" in how else ["with=stamp"]
    signing(command, world, image, f"rekor={log}", *stamp, *how.split(), "check=refused")
    path = policy(rooted(world))
    refused = verify(coco, path, image, code=3)
    assert why in refused["reason"], refused["reason"]
    assert checks(refused)[-1] == (check, False)
    coco.run("image", "pull", "--plain-http", "--policy", path, image, tmp_path / "bundle", code=3)
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("command", ["bundle-sign", "message-sign"])
@pytest.mark.parametrize("log", ["ed25519", "ecdsa"])
def test_rekor_2_must_have_logged_this(coco, signing, policy, image, world, command, log):
    """What sigstore-go leaves out: it compares the signature alone."""
    signing(command, world, image, f"rekor={log}", "with=stamp", "entry=other", "check=sigstore")
    refused = verify(coco, policy(rooted(world)), image, code=3)
    assert "another content" in refused["reason"] and checks(refused)[-1] == ("log", False)


def test_another_world_is_not_trusted(coco, signing, policy, image, world, tmp_path):
    signing("world", tmp_path / "other")
    signing("bundle-sign", tmp_path / "other", image)
    signing("keyless-sign", tmp_path / "other", image)
    refused = verify(coco, policy(rooted(world)), image, code=3)
    assert "log that is not known" in refused["reason"]


@pytest.mark.parametrize(
    ("name", "members", "repository", "why"),
    [
        ("valid", {"keyPath": "cosign.pub"}, "192.168.64.2:5000/cosign-signed-single-sample", None),
        ("valid-2", {"keyPath": "cosign.pub"}, "192.168.64.2:5000/cosign-signed-single-sample", None),
        ("valid-with-tag", {"keyPath": "cosign.pub"}, "192.168.64.2:5000/skopeo-signed", None),
        ("mixed", {"keyPath": "cosign.pub"}, "192.168.64.2:5000/cosign-signed-single-sample", None),
        ("modified-manifest", {"keyPath": "cosign.pub"}, "192.168.64.2:5000/cosign-signed-single-sample", "image"),
        ("other-attachment", {"keyPath": "cosign.pub"}, "192.168.64.2:5000/x", "there is no signature"),
        ("valid", {"keyPath": "cosign2.pub"}, "192.168.64.2:5000/cosign-signed-single-sample", "signature"),
        ("key-rekor-valid", {"keyPath": "cosign2.pub", "rekorPublicKeyPath": "rekor.pub"},
         "192.168.64.2:5000/cosign-signed/key-1", None),
        ("key-rekor-valid", {"keyPath": "cosign2.pub", "rekorPublicKeyPath": "cosign.pub"},
         "192.168.64.2:5000/cosign-signed/key-1", "log that is not known"),
        ("valid", {"keyPath": "cosign.pub", "rekorPublicKeyPath": "rekor.pub"},
         "192.168.64.2:5000/cosign-signed-single-sample", "no entry of a log"),
        ("fulcio-rekor-valid", {"fulcio": {"caPath": "fulcio_v1.crt.pem", "subjectEmail": "mitr@redhat.com",
         "oidcIssuer": "https://github.com/login/oauth"}, "rekorPublicKeyPath": "rekor.pub"},
         "192.168.64.2:5000/cosign-signed/fulcio-rekor-1", None),
        ("fulcio-rekor-valid", {"fulcio": {"caPath": "fulcio_v1.crt.pem", "subjectEmail": "mitr@redhat.co",
         "oidcIssuer": "https://github.com/login/oauth"}, "rekorPublicKeyPath": "rekor.pub"},
         "192.168.64.2:5000/cosign-signed/fulcio-rekor-1", "not for 'mitr@redhat.co'"),
    ],
)  # fmt: skip
def test_recorded_signatures(coco, tmp_path, name, members, repository, why):
    """Those of containers/image's own tests, one of them by the public Fulcio and Rekor."""
    folder, top = recorded_image(tmp_path, f"dir-img-cosign-{name}")

    def absolute(value):
        if isinstance(value, dict):
            return {key: str(top / item) if key.endswith("Path") else item for key, item in value.items()}
        return str(top / value)

    required = sigstore(
        **{key: absolute(value) for key, value in members.items()},
        signedIdentity={"type": "exactRepository", "dockerRepository": repository},
    )
    (tmp_path / "policy.json").write_text(json.dumps({"default": [required]}))
    done = coco.run(
        "image", "verify", "--policy", tmp_path / "policy.json", f"dir:{folder}", "--json", code=3 if why else 0
    )
    assert why is None or why in json.loads(done.stdout)["reason"]


def test_a_recorded_signature_by_a_pki(coco, tmp_path):
    """Of containers/image's own tests; its root is the last certificate of its own chain."""
    folder, _ = recorded_image(tmp_path, "dir-img-cosign-pki-valid")
    signature = json.loads((folder / "signature-1").read_bytes().split(b"\n", 1)[1])
    end = "-----END CERTIFICATE-----\n"
    chain = [part + end for part in signature["annotations"]["dev.sigstore.cosign/chain"].split(end) if part.strip()]
    (tmp_path / "root.pem").write_text(chain[-1])
    (tmp_path / "between.pem").write_text(chain[0])

    def judged(code, **pki):
        required = sigstore(
            pki={"caRootsPath": f"{tmp_path}/root.pem"} | pki,
            signedIdentity={"type": "exactRepository", "dockerRepository": "localhost:5000/test"},
        )
        (tmp_path / "policy.json").write_text(json.dumps({"default": [required]}))
        done = coco.run("image", "verify", "--policy", tmp_path / "policy.json", f"dir:{folder}", "--json", code=code)
        return json.loads(done.stdout)

    who = {"subjectEmail": "qiwan@redhat.com", "subjectHostname": "myhost.example.com"}
    assert judged(0, **who)["accepted"]
    assert judged(0, **who, caIntermediatesPath=f"{tmp_path}/between.pem")["accepted"]
    for wrong in ({"subjectEmail": "qiwan@redhat.co"}, {"subjectHostname": "example.com"}):
        assert "not for" in judged(3, **(who | wrong))["reason"]
