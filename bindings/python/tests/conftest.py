"""What the tests of the Python package share."""

import gc
import resource
import socket
import threading

import pytest


@pytest.fixture
def silent_server():
    """URL of a server that takes connections and says nothing; `.asked` is set at the first byte."""

    class Server:
        def __init__(self):
            self.asked = threading.Event()
            self._listener = socket.create_server(("127.0.0.1", 0))
            self._peers = []
            self.url = "http://127.0.0.1:%d" % self._listener.getsockname()[1]
            threading.Thread(target=self._serve, daemon=True).start()

        def _serve(self):
            try:
                while True:
                    peer, _ = self._listener.accept()
                    self._peers.append(peer)
                    peer.recv(1)
                    self.asked.set()
            except OSError:
                pass

        def close(self):
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            for peer in self._peers:
                peer.close()

    server = Server()
    yield server
    server.close()


@pytest.fixture
def growth():
    """growth(call, times): by how many KiB the process grew over that many calls."""

    def used():
        gc.collect()
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize() // 1024

    def measure(call, times):
        for _ in range(times // 10 + 1):
            call()
        before = used()
        for _ in range(times):
            call()
        return used() - before

    return measure
