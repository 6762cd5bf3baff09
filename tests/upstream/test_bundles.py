"""Bundles of Sigstore's conformance suite, each of which must be accepted or refused as its name says.

COCO_CONFORMANCE is a checkout of sigstore/sigstore-conformance, COCO_SIGSTORE_ROOT the trusted root of the
public instance, as "cosign trusted-root create" or TUF give it.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import pathlib
import subprocess

import pytest

SUITE = pathlib.Path(os.environ.get("COCO_CONFORMANCE", "/none")) / "test/assets/bundle-verify"
ROOT = os.environ.get("COCO_SIGSTORE_ROOT", "")
WORKFLOW = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/"
IDENTITY = WORKFLOW + "extremely-dangerous-oidc-beacon.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"
CASES = sorted(path.parent for path in SUITE.glob("*/bundle.sigstore.json"))

if not CASES or not ROOT:
    pytest.skip("needs COCO_CONFORMANCE and COCO_SIGSTORE_ROOT", allow_module_level=True)


def text_of(path, otherwise):
    return path.read_text().strip() if path.exists() else otherwise


def requirement(case):
    """What the suite's README says that a directory may hold."""
    root = case / "trusted_root.json"
    trust = {"type": "sigstoreSigned", "trustedRootPath": str(root) if root.exists() else ROOT}
    if (case / "key.pub").exists():
        return trust | {"keyPath": str(case / "key.pub")}
    who = {"oidcIssuer": text_of(case / "issuer", ISSUER), "subjectURI": text_of(case / "identity", IDENTITY)}
    return trust | {"fulcio": who}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bundles_come_to_what_they_should(case):
    artifact = case / "artifact"
    if not artifact.exists():
        artifact = SUITE / "a.txt"
    done = subprocess.run(
        [os.environ["BUNDLE"], case / "bundle.sigstore.json", artifact, json.dumps(requirement(case))],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    assert (done.returncode == 1) == case.name.endswith("_fail"), done.stdout.decode()
