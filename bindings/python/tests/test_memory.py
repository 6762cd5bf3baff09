"""What is given is freed once, in whatever order Python lets go of it."""

import gc
import sys
import weakref

import coco
import pytest
from coco import native

ROUNDS = 5000
# Far less than one object a round, more than an allocator wavers.
BOUND_KIB = 512


def raises(call):
    try:
        call()
    except coco.Error:
        return
    raise AssertionError("no error")


@pytest.mark.parametrize(
    "call",
    [
        lambda: coco.ImageRef("ghcr.io/acme/app:1"),
        lambda: raises(lambda: coco.ImageRef("a b")),
        lambda: coco.Context(progress=print, log=print),
        lambda: native.attester_collect(native.attester_new("sample"), native.ctx_new(), b"x" * 64),
        lambda: raises(lambda: native.attester_collect(native.attester_new("sample"), native.ctx_new(), b"")),
        lambda: coco.Kbc("sample_kbc::"),
        lambda: native.image_options(max_layers=1),
        lambda: coco.ImageClient(kbc=coco.Kbc("sample_kbc::")),
    ],
    ids=["object", "error", "callbacks", "bytes", "bytes-error", "kbc", "options", "borrowed"],
)
def test_calls_do_not_leak(call, growth):
    assert growth(call, ROUNDS) < BOUND_KIB


def test_calls_that_wait_do_not_leak(growth):
    sample = coco.Attester("sample")
    assert growth(lambda: sample.collect(b"x"), 1000) < BOUND_KIB


def test_a_callback_is_dropped_when_replaced_and_when_the_context_goes():
    def sink(*args):
        pass

    before = sys.getrefcount(sink)
    ctx = native.ctx_new()
    native.ctx_set_progress(ctx, sink)
    native.ctx_set_log(ctx, native.COCO_LOG_DEBUG, sink)
    assert sys.getrefcount(sink) == before + 2
    native.ctx_set_progress(ctx, None)
    assert sys.getrefcount(sink) == before + 1
    native.ctx_set_progress(ctx, sink)
    del ctx
    assert sys.getrefcount(sink) == before


def test_a_sink_that_knows_its_context_is_no_leak():
    context = coco.Context(progress=lambda *args: context.cancel())
    gone = weakref.ref(context)
    del context
    gc.collect()
    assert gone() is None


def test_a_borrowed_kbc_lives_as_long_as_its_client():
    kbc = coco.Kbc("sample_kbc::")
    client = coco.ImageClient(kbc=kbc)
    handle = weakref.ref(kbc._c)
    kbc.close()
    del kbc
    gc.collect()
    assert handle() is not None
    client.close()
    gc.collect()
    assert handle() is None


def test_a_given_attester_is_used_up():
    kbc, given = native.kbc_new("cc_kbc::http://127.0.0.1:1"), native.attester_new("sample")
    native.kbc_set_attester(kbc, given)
    with pytest.raises(ValueError, match="given away"):
        native.attester_tee(given)
    with pytest.raises(ValueError, match="given away"):
        native.kbc_set_attester(kbc, given)
    del given
    gc.collect()


def test_a_given_attester_is_closed():
    sample = coco.Attester("sample")
    coco.Kbc("cc_kbc::http://127.0.0.1:1", attester=sample)
    with pytest.raises(ValueError, match="closed"):
        sample.collect(b"x")


def test_freeing_by_hand_leaves_an_empty_object():
    ctx = native.ctx_new()
    type(ctx).__swig_destroy__(ctx)
    with pytest.raises(ValueError):
        native.ctx_cancel(ctx)
    del ctx
    gc.collect()


def test_objects_in_a_cycle_are_freed():
    class Node:
        pass

    node = Node()
    node.me, node.client, node.kbc = node, coco.ImageClient(), coco.Kbc("sample_kbc::")
    gone = weakref.ref(node.client)
    del node
    gc.collect()
    assert gone() is None


def test_a_device_is_one_of_a_kind_and_closed():
    first, second = coco.Attester("sampledevice"), coco.Attester("sampledevice")
    with pytest.raises(coco.InvalidError, match="already"):
        coco.Kbc("cc_kbc::http://127.0.0.1:1", devices=[first, second])
    for device in first, second:
        with pytest.raises(ValueError, match="closed"):
            device.collect(b"x")
