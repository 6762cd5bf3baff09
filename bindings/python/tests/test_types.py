"""Arguments and results: what is taken, what is refused, what comes out."""

import array
import hashlib
import pathlib

import coco
import pytest
from coco import native


def attester():
    return native.attester_new("sample")


def test_version_is_that_of_the_build():
    assert coco.version().count(".") == 2
    assert coco.supports("no such feature") is False


def test_names_of_tees_are_text():
    assert "sample" in coco.tees()
    assert native.tee_name(len(coco.tees())) is None
    assert coco.tee_detected("sample") is False


@pytest.mark.parametrize("value", [None, b"kbs", 1, object()])
def test_text_must_be_str(value):
    with pytest.raises(TypeError, match="feature must be str"):
        coco.supports(value)


@pytest.mark.parametrize("value, error", [("a\0b", ValueError), ("\0", ValueError), ("\ud800", UnicodeError)])
def test_text_without_nul_and_surrogates(value, error):
    with pytest.raises(error):
        coco.supports(value)


def test_none_is_taken_where_the_header_says_so():
    native.image_client_set_kbc(native.image_client_new(), None)
    with pytest.raises(coco.NotSupportedError):
        native.attester_new("no such TEE")
    try:
        native.attester_new(None)
    except coco.NotSupportedError:
        pass  # this machine has no TEE: None got through


@pytest.mark.parametrize(
    "call",
    [
        lambda: native.attester_tee(None),
        lambda: native.kbc_attest(None, native.ctx_new()),
        lambda: native.kbc_get_resource(native.kbc_new("sample_kbc::"), None, "kbs:///a/b/c"),
        lambda: native.kbc_set_attester(native.kbc_new("sample_kbc::"), None),
        lambda: native.software_tee_launch("/nowhere", None, None),
        lambda: native.verify(native.verifier_new(), "sample", None, native.binding_new()),
    ],
)
def test_none_is_refused_elsewhere(call):
    with pytest.raises(TypeError):
        call()


def test_an_object_of_another_type_is_refused():
    with pytest.raises(TypeError, match="attester must be"):
        native.attester_tee(native.ctx_new())


@pytest.mark.parametrize(
    "data",
    [b"abc", bytearray(b"abc"), memoryview(b"abc"), memoryview(b"xabcx")[1:4], array.array("B", b"abc")],
)
def test_bytes_are_anything_with_a_buffer(data):
    ctx = native.ctx_new()
    want = native.attester_collect(attester(), ctx, b"abc")
    assert native.attester_collect(attester(), ctx, data) == want
    assert isinstance(want, bytes)


@pytest.mark.parametrize("data", ["abc", None, 3, [1, 2], memoryview(b"abcdef")[::2]])
def test_what_has_no_plain_buffer_is_refused(data):
    with pytest.raises((TypeError, BufferError)):
        native.attester_collect(attester(), native.ctx_new(), data)


def test_an_empty_buffer_reaches_c_as_one():
    for empty in (b"", bytearray(), array.array("B")):
        with pytest.raises(coco.InvalidError):
            native.attester_collect(attester(), native.ctx_new(), empty)


def test_a_buffer_is_held_only_during_the_call():
    data = bytearray(b"abc")
    native.attester_collect(attester(), native.ctx_new(), data)
    data.extend(b"def")  # BufferError if it were still exported


def test_paths_are_paths(tmp_path):
    coco.software_tee_launch(tmp_path, b"kernel")
    by_str = coco.software_tee_root(str(tmp_path))
    assert coco.software_tee_root(pathlib.Path(tmp_path)) == by_str
    assert by_str.startswith(b"-----BEGIN PUBLIC KEY-----")
    with pytest.raises(ValueError):
        coco.software_tee_root("a\0b")


def test_options_take_keywords_and_refuse_what_they_do_not_know():
    options = native.image_options(max_layers=3)
    assert (options.max_layers, options.max_bytes) == (3, 0)
    with pytest.raises(TypeError, match="max_layer"):
        native.image_options(max_layer=3)
    with pytest.raises(AttributeError):
        options.max_layer = 3
    for bad in (-1, 2**32, "3", 1.5):
        with pytest.raises((TypeError, OverflowError)):
            native.image_options(max_layers=bad)
    assert not hasattr(options, "size")


def test_a_reference_is_taken_apart():
    ref = coco.ImageRef("ghcr.io/acme/app:1")
    assert (ref.transport, ref.registry, ref.repository) == ("docker", "ghcr.io", "acme/app")
    assert (ref.tag, ref.digest, str(ref)) == ("1", None, "ghcr.io/acme/app:1")
    assert ref == coco.ImageRef("docker://ghcr.io/acme/app:1")
    assert coco.ImageRef("oci:/some/where:x").registry is None


def test_a_closed_object_says_so():
    with coco.Verifier() as verifier:
        pass
    verifier.close()
    with pytest.raises(ValueError, match="Verifier is closed"):
        verifier.allow_sample()


def test_a_verdict_tells_its_checks():
    with coco.Verifier() as verifier, coco.Attester("sample") as sample:
        evidence = sample.collect(b"bound")
        assert not verifier.verify("sample", evidence, b"bound")
        verifier.allow_sample()
        verdict = verifier.verify("sample", evidence, b"bound")
        assert verdict and verdict.checks and all(check.ok for check in verdict.checks)
        other = verifier.verify("sample", evidence, b"other")
        assert not other and any(not check.ok and check.want for check in other.checks)
        assert isinstance(verdict.claims, dict)


def test_docstrings_come_from_the_headers():
    assert "kbs:///<repository>/<type>/<tag>" in native.kbc_get_resource.__doc__
    assert "Compression of a layer" in native.image_options.max_ratio.__doc__


def test_registers_are_of_tees_that_have_some():
    sample = coco.Attester("sample")
    assert sample.register_alg is None
    for call in (lambda: sample.extend(8, b"x" * 48), lambda: sample.read_register(8), lambda: sample.bind_init_data(b"x"), lambda: sample.measure("domain", "operation", "content")):
        with pytest.raises(coco.NotSupportedError):
            call()
    with pytest.raises(OverflowError):
        sample.extend(-1, b"x" * 48)


def test_what_is_measured_is_claimed(tmp_path, monkeypatch):
    (tmp_path / "root/run").mkdir(parents=True)
    (tmp_path / "tee").mkdir()
    monkeypatch.setenv("COCO_TEE_ROOT", str(tmp_path / "root"))
    coco.software_tee_launch(tmp_path / "tee", b"kernel")
    machine = coco.Attester.software(tmp_path / "tee")
    machine.measure("example.com", "Start", '{"image":"a"}')
    verifier = coco.Verifier()
    verifier.trust_key("software", coco.software_tee_root(tmp_path / "tee"))
    verdict = verifier.verify("software", machine.collect(b"nonce"), b"nonce")
    assert verdict and "event-log" in [check.name for check in verdict.checks]
    (event,) = verdict.claims["uefi_event_logs"]
    assert event["details"]["data"] == {"domain": "example.com", "operation": "Start", "content": {"image": "a"}}
    assert verdict.claims["register"] == machine.read_register(17).hex()


def test_init_data_is_compared_with_what_was_measured(tmp_path):
    coco.software_tee_launch(tmp_path, b"kernel", b"init")
    machine = coco.Attester.software(tmp_path)
    machine.bind_init_data(hashlib.sha384(b"init").digest())
    with pytest.raises(coco.VerifyError, match="other init data"):
        machine.bind_init_data(hashlib.sha384(b"unit").digest())
