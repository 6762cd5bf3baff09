"""Calls that block: threads, cancellation, Ctrl-C, callbacks."""

import os
import signal
import subprocess
import sys
import threading
import time

import coco
import pytest

SOON = 5  # seconds: far less than any timeout of the library


def ask(server, **kwargs):
    return coco.Kbc("cc_kbc::" + server.url, attester=coco.Attester("sample")).get("kbs:///a/b/c", **kwargs)


def test_other_threads_run_while_one_waits(silent_server):
    context = coco.Context()
    caught = []

    def wait():
        try:
            ask(silent_server, context=context)
        except coco.CanceledError as error:
            caught.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    assert silent_server.asked.wait(SOON)  # this thread runs, though that one is in C
    context.cancel()
    thread.join(SOON)
    assert caught and context.canceled


def test_cancel_wakes_a_call_of_the_main_thread(silent_server):
    context = coco.Context()
    threading.Thread(target=lambda: silent_server.asked.wait(SOON) and context.cancel()).start()
    began = time.monotonic()
    with pytest.raises(coco.CanceledError):
        ask(silent_server, context=context)
    assert time.monotonic() - began < SOON


def test_ctrl_c_cancels_a_call(silent_server):
    def interrupt():
        silent_server.asked.wait(SOON)
        os.kill(os.getpid(), signal.SIGINT)

    context = coco.Context()
    threading.Thread(target=interrupt).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ask(silent_server, context=context)
    assert time.monotonic() - began < SOON
    assert context.canceled


def test_what_a_signal_handler_raises_cancels_a_call(silent_server):
    def handler(number, frame):
        raise TimeoutError("enough")

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(TimeoutError, match="enough"):
            ask(silent_server)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_canceled_context_stays_canceled(silent_server):
    context = coco.Context()
    context.cancel()
    with pytest.raises(coco.CanceledError):
        ask(silent_server, context=context)


def test_threads_may_work_side_by_side():
    failures = []

    def work():
        try:
            for _ in range(100):
                with coco.Attester("sample") as sample, coco.Verifier() as verifier:
                    verifier.allow_sample()
                    assert verifier.verify("sample", sample.collect(b"x"), b"x")
                with pytest.raises(coco.InvalidError):
                    coco.ImageRef("a b")
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_the_interpreter_ends_while_a_thread_waits(silent_server):
    script = (
        "import coco, threading\n"
        "def wait(): coco.Kbc('cc_kbc::%s', attester=coco.Attester('sample')).get('kbs:///a/b/c')\n"
        "threading.Thread(target=wait, daemon=True).start()\n"
        "print(input())\n" % silent_server.url
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert silent_server.asked.wait(SOON)
    out, _ = child.communicate(b"done\n", timeout=SOON)
    assert out == b"done\n" and child.returncode == 0


def test_a_sink_must_be_callable():
    for kwargs in ({"progress": 3}, {"log": "x"}):
        with pytest.raises(TypeError, match="not callable"):
            coco.Context(**kwargs)


def test_a_traceparent_is_checked():
    coco.Context(traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    with pytest.raises(coco.InvalidError, match="traceparent"):
        coco.Context(traceparent="00-0-0-0")
