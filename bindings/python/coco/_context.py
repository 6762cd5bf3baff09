"""Contexts, and how a call that blocks is made.

SPDX-License-Identifier: Apache-2.0
"""

import enum
import threading
import typing
import weakref

from . import native


class LogLevel(enum.IntEnum):
    """How much a log line matters."""

    DEBUG = native.COCO_LOG_DEBUG
    INFO = native.COCO_LOG_INFO
    WARN = native.COCO_LOG_WARN


class Phase(enum.IntEnum):
    """What is being done to a thing; a layer is unpacked while it is fetched."""

    FETCH = native.COCO_PHASE_FETCH
    UNPACK = native.COCO_PHASE_UNPACK
    WAIT = native.COCO_PHASE_WAIT
    COPY = native.COCO_PHASE_COPY
    VERIFY = native.COCO_PHASE_VERIFY
    SYNC = native.COCO_PHASE_SYNC

    def __str__(self):
        return native.phase_name(self)


class Progress(typing.NamedTuple):
    """How far one thing, such as the blob of a digest, is in one of its phases."""

    what: str
    phase: Phase
    done: int  #: bytes
    total: int  #: bytes it will be, 0 while unknown; `done` once the phase is over
    files: int  #: 0 in phases that count none


class Handle:
    """Something C has made, freed by close(), at the end of a with block, or when nobody uses it."""

    def __init__(self, c):
        self._handle = c

    @property
    def _c(self):
        if self._handle is None:
            raise ValueError(f"{type(self).__name__} is closed")
        return self._handle

    def close(self):
        """Frees it; fine to call again."""
        self._handle = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Context:
    """Progress, log and cancellation of the calls it is given to.

    progress() is called with a Progress, while an image is pulled once a second at
    least; an exception in it cancels the call and comes out of it. log(level, message) gets the lines of at least
    `level`. Both run on the thread of the call, which for calls from the main
    thread is another one.

    With a traceparent (W3C Trace Context) requests to key brokers are part of that trace.

    A context that was canceled stays so: make a new one for what comes after.
    """

    def __init__(self, progress=None, log=None, level=LogLevel.INFO, traceparent=None):
        for sink in (progress, log):
            if sink is not None and not callable(sink):
                raise TypeError(f"{sink!r} is not callable")
        self._c = native.ctx_new()
        if traceparent is not None:
            native.ctx_set_traceparent(self._c, traceparent)
        self._progress = progress
        self._log = log
        self._failure = None
        # C holds no more than a weak reference: a sink that knows its context is no leak.
        this = weakref.ref(self)
        if progress is not None:
            native.ctx_set_progress(self._c, lambda *args: this()._report(*args))
        if log is not None:
            native.ctx_set_log(self._c, level, lambda n, line: this()._log(LogLevel(n), line))

    def cancel(self):
        """Makes every call that uses this context fail soon. Any thread may do it."""
        native.ctx_cancel(self._c)

    @property
    def canceled(self):
        """Whether it was canceled."""
        return native.ctx_canceled(self._c)

    def _report(self, what, phase, *counts):
        try:
            self._progress(Progress(what, Phase(phase), *counts))
        except BaseException as failure:  # noqa: B902: it is raised again by the call
            self._failure = failure
            self.cancel()

    def _raise_failure(self):
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure


class _Worker:
    """Runs one call beside the main thread, which alone hears of Ctrl-C."""

    def __init__(self, function, args):
        self._call = function, args
        self._gate = threading.Lock()
        self._given_up = False
        self._running = False
        self._done = threading.Event()
        self._result = self._error = None

    def _work(self):
        with self._gate:
            if self._given_up:
                return
            self._running = True
        function, args = self._call
        try:
            self._result = function(*args)
        except BaseException as error:  # noqa: B902: it is raised again by run()
            self._error = error
        del self._call, function, args
        self._done.set()

    def _give_up(self):
        """Waits for a call that is canceled, for it still uses its arguments."""
        with self._gate:
            self._given_up = True
        while self._running and not self._done.is_set():
            try:
                self._done.wait()
            except KeyboardInterrupt:
                pass

    def run(self, cancel):
        """What the call came to. Whatever a signal handler raises cancels it."""
        try:
            threading.Thread(target=self._work, name="coco", daemon=True).start()
            self._done.wait()
        except BaseException:
            cancel()
            self._give_up()
            raise
        error, self._error = self._error, None
        if error is not None:
            try:
                raise error
            finally:
                del error
        return self._result


def call(context, function, this, *args):
    """Calls function(this, <context>, *args), which may block; Ctrl-C cancels it."""
    if context is None:
        context = Context()
    args = (this, context._c, *args)
    try:
        if threading.current_thread() is threading.main_thread():
            return _Worker(function, args).run(context.cancel)
        return function(*args)
    finally:
        context._raise_failure()
