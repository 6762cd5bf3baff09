"""Trustee's policies decide here as Open Policy Agent says that they decide.

Run by hand, with a checkout of github.com/confidential-containers/trustee:

    COCO_UPSTREAM=DIR meson test -C build --suite upstream

The judge is built with Go's own tools from its module proxy.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import pathlib
import subprocess

import cases
import pytest
import rego

UPSTREAM = os.environ.get("COCO_UPSTREAM")
if not UPSTREAM:
    pytest.skip("COCO_UPSTREAM names no checkout of Trustee", allow_module_level=True)

HERE = pathlib.Path(__file__).parent
CPU = "attestation-service/src/ear_token/ear_default_policy_cpu.rego"
GPU = "attestation-service/src/ear_token/ear_default_policy_gpu.rego"
AFFIRMING = "kbs/sample_policies/affirming.rego"
DEFAULT = "kbs/sample_policies/default.rego"
VECTOR = ("instance-identity", "configuration", "executables", "file-system", "hardware",
          "runtime-opaque", "storage-opaque", "sourced-data")
TIERS = ("none", "affirming", "warning", "contraindicated")
TEES = {name for claims, _ in cases.GOOD.values() for name in claims}
# What upstream calls good and the default policy here does not: doc/coco-kbs.md, Policies.
STRICTER = {"tpm", "se", "az-snp-vtpm", "az-tdx-vtpm", "nvidia"}


def tier(value):
    """draft-ietf-rats-ar4si, section 2.3.2."""
    ranges = ((-1, 1), (-32, 31), (-96, 95), (-128, 127))
    return next(number for number, (least, most) in enumerate(ranges) if least <= value <= most)


def submod(answer):
    """The submod that a token has after such an answer to an attestation policy, or None for none."""
    if "error" in answer:
        return None
    rules = answer.get("rules", {})
    claims = rules.get("trust_claims", {})
    if not all(name in VECTOR and isinstance(value, int) and -128 <= value <= 127
               for name, value in claims.items()):
        return None
    vector = {name: claims.get(name, 0) for name in VECTOR}
    made = {"ear.status": TIERS[max(map(tier, vector.values()))],
            "ear.trustworthiness-vector": vector, "ear.appraisal-policy-id": "default"}
    return made | {extension["name"]: extension["value"] for extension in rules.get("extensions", [])}


def answers(command, questions):
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run(command, input=lines.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(questions)
    return found


def decide(questions):
    return answers([os.environ["DECIDE"]], questions)


@pytest.fixture(scope="session")
def judge(tmp_path_factory):
    made = tmp_path_factory.mktemp("judge") / "judge"
    subprocess.run(["go", "build", "-o", made, "."], cwd=HERE / "judge", check=True)
    return lambda questions: answers([made], questions)


@pytest.fixture(scope="session")
def policies(tmp_path_factory):
    """{name: (path, text)}"""
    folder = tmp_path_factory.mktemp("policies")
    found = {}
    for number, (name, text) in enumerate(rego.policies(UPSTREAM).items()):
        path = folder / f"{number}.rego"
        path.write_text(text, encoding="utf-8")
        found[name] = (str(path), text)
    return found


EVIDENCE = list(cases.evidence())
REQUESTS = list(cases.requests())


def appraisals(path, class_="cpu"):
    return [{"policy": path, "class": class_, "evidence": evidence, "references": references}
            for evidence, references in EVIDENCE]


def asked(path, rules):
    return [{"policy": path, "rules": rules, "input": evidence, "references": references}
            for evidence, references in EVIDENCE]


def without_error(answer):
    return None if "error" in answer else answer


def test_all_policies_are_found(policies):
    """Those that are files, and at least one in each place that has one in a text."""
    for name in (CPU, GPU, AFFIRMING, DEFAULT, "kbs/sample_policies/allow_all.rego",
                 "kbs/sample_policies/deny_all.rego"):
        assert name in policies
    for name in ("integration-tests/tests/get_resource.rs", "kbs/test/Makefile",
                 "deployment/helm-chart/e2e/test.sh", "deps/verifier/src/se/README.md"):
        assert any(found.startswith(name + "#") for found in policies), name


def test_evidence_is_appraised_alike(policies, judge, record_property):
    """Each attestation policy: the same vector, status and extensions, or no token at all."""
    compared = tokens = 0
    for name, (path, text) in policies.items():
        if rego.is_of_resources(text):
            continue
        ours = [without_error(answer) for answer in decide(appraisals(path))]
        theirs = [submod(answer) for answer in judge(asked(path, ["trust_claims", "extensions"]))]
        for (evidence, references), got, want in zip(EVIDENCE, ours, theirs):
            assert got == want, (name, evidence, references)
        compared += len(ours)
        tokens += sum(got is not None for got in ours)
        record_property(name, len({json.dumps(got, sort_keys=True) for got in ours}))
    print(f"{compared} appraisals alike, {tokens} with a token")
    assert tokens > compared // 2


def test_resources_are_given_alike(policies, judge):
    """Each resource policy: what it allows is given, and nothing else."""
    compared = given = 0
    for name, (path, text) in policies.items():
        if not rego.is_of_resources(text):
            continue
        ours = decide([{"policy": path, "claims": claims, "data": data} for claims, data in REQUESTS])
        theirs = judge([{"policy": path, "rules": ["allow"], "input": claims, "data": data}
                        for claims, data in REQUESTS])
        for (claims, data), got, answer in zip(REQUESTS, ours, theirs):
            want = answer.get("rules", {}).get("allow") is True
            assert (got.get("allow") is True) == want, (name, claims, data, got, answer)
        compared += len(ours)
        given += sum(got.get("allow") is True for got in ours)
    print(f"{compared} requests alike, {given} allowed")
    assert 0 < given < compared


@pytest.mark.parametrize(("class_", "name"), [("cpu", CPU), ("gpu", GPU)])
def test_the_default_is_never_kinder(policies, judge, class_, name):
    """Reference values that make evidence good here do so there, and less is said to be good."""
    stricter = {}
    ours = decide(appraisals(None, class_))
    theirs = judge(asked(policies[name][0], ["trust_claims", "extensions"]))
    for (evidence, references), answer, judged in zip(EVIDENCE, ours, theirs):
        got, want = without_error(answer), submod(judged)
        # No verifier makes evidence of two TEEs, and upstream's policy contradicts itself there. The
        # one here knows TEEs of software, and lets them in when it is told to.
        if len(TEES & set(evidence)) > 1 or {"software", "sampledevice"} & set(evidence):
            continue
        assert got and want, (evidence, references)
        mine, other = TIERS.index(got["ear.status"]), TIERS.index(want["ear.status"])
        assert mine >= other, (evidence, references)
        if mine > other:
            assert STRICTER & set(evidence), (evidence, references)
            for tee in STRICTER & set(evidence):
                stricter[tee] = stricter.get(tee, 0) + 1
    print(f"{class_}: stricter in {stricter} of {len(ours)}")


def test_the_default_gives_what_the_sample_for_affirming_gives(policies, judge):
    """And nothing of plugins, and nothing to a device that has no status."""
    ours = decide([{"claims": claims, "data": data} for claims, data in REQUESTS])
    affirming, default = (
        judge([{"policy": policies[name][0], "rules": ["allow"], "input": claims, "data": data}
               for claims, data in REQUESTS])
        for name in (AFFIRMING, DEFAULT)
    )
    counts = {"here": 0, "affirming": 0, "default": 0}
    for (claims, data), got, sample, lax in zip(REQUESTS, ours, affirming, default):
        allowed = got.get("allow") is True
        counts["here"] += allowed
        counts["affirming"] += sample.get("rules", {}).get("allow") is True
        counts["default"] += lax.get("rules", {}).get("allow") is True
        if allowed:
            assert sample["rules"]["allow"] is True and data["plugin"] == "resource"
        elif sample.get("rules", {}).get("allow") is True and data["plugin"] == "resource":
            devices = claims["submods"]
            assert any(not isinstance(device, dict) or device.get("ear.status") != "affirming"
                       for device in (devices.values() if isinstance(devices, dict) else devices))
    print(f"of {len(REQUESTS)} allowed: {counts}")
