"""Registries behind proxies: tinyproxy and microsocks carry, docker-registry answers.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess

import pytest

from certificates import CA
from conftest import answers, free_port, needs, wait_until

PASSWORD = "s3cret-of-the-proxy"


class Proxy:
    """A proxy at .port; .log() is what it says of whom it connects."""

    def __init__(self, top, args, port):
        self.port, self.path = port, top / "proxy.log"
        with open(self.path, "wb") as log:
            self.process = subprocess.Popen(args, stdout=log, stderr=log)
        assert wait_until(lambda: answers(port))

    def log(self):
        return self.path.read_text()

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def tinyproxy(tmp_path):
    """One that wants a password and carries to TLS alone."""
    port = free_port()
    config = tmp_path / "tinyproxy.conf"
    config.write_text(
        f"Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nLogLevel Connect\n"
        f"BasicAuth me {PASSWORD}\n"
    )
    made = Proxy(tmp_path, [needs("tinyproxy"), "-d", "-c", config], port)
    yield made
    made.stop()


@pytest.fixture
def socks(tmp_path):
    port = free_port()
    made = Proxy(tmp_path, [needs("microsocks"), "-i", "127.0.0.1", "-p", str(port)], port)
    yield made
    made.stop()


@pytest.fixture
def secure(new_registry, tmp_path):
    """A registry on TLS; .options trust its CA."""
    ca = CA(tmp_path, "servers")
    cert, key = ca.sign("registry", "subjectAltName=IP:127.0.0.1")
    made = new_registry("secure", tls={"certificate": str(cert), "key": str(key)})
    made.options = ["--tls-ca", ca.cert]
    return made


def push(coco, layout, registry, *options, code=0, **variables):
    done = coco.run(
        "image", "push", *registry.options, "--log", "debug", *options, layout.ref("app"),
        f"{registry.host}/app:1", code=code, **variables,
    )
    assert PASSWORD.encode() not in done.stdout + done.stderr
    return done


def test_an_image_goes_through_a_tunnel(coco, layout, secure, tinyproxy, tmp_path):
    proxy = f"http://me:{PASSWORD}@127.0.0.1:{tinyproxy.port}"
    push(coco, layout, secure, "--proxy", proxy)
    assert f"CONNECT {secure.host}" in tinyproxy.log()
    coco.run(
        "image", "pull", *secure.options, f"{secure.host}/app@{layout.digest('app')}", tmp_path / "bundle",
        code=0, COCO_PROXY=proxy,
    )
    assert (tmp_path / "bundle/rootfs/etc/motd").read_bytes() == b"hello\n"


def test_the_environment_counts_unless_told_otherwise(coco, layout, secure, tinyproxy):
    nowhere = f"http://me:{PASSWORD}@127.0.0.1:{free_port()}"
    proxy = f"http://me:{PASSWORD}@127.0.0.1:{tinyproxy.port}"
    push(coco, layout, secure, HTTPS_PROXY=proxy)
    seen = tinyproxy.log().count("CONNECT")
    assert seen > 0
    push(coco, layout, secure, "--retries", "0", HTTPS_PROXY=nowhere, code=5)
    push(coco, layout, secure, "--proxy", proxy, HTTPS_PROXY=nowhere)
    assert tinyproxy.log().count("CONNECT") > seen
    seen = tinyproxy.log().count("CONNECT")
    push(coco, layout, secure, HTTPS_PROXY=nowhere, NO_PROXY="127.0.0.1")
    push(coco, layout, secure, "--no-proxy", "127.0.0.0/8", HTTPS_PROXY=nowhere)
    push(coco, layout, secure, "--no-proxy", "*", HTTPS_PROXY=nowhere)
    assert tinyproxy.log().count("CONNECT") == seen


def test_a_proxy_that_refuses_is_told_without_its_password(coco, layout, secure, tinyproxy):
    done = push(coco, layout, secure, "--proxy", f"http://you:{PASSWORD}@127.0.0.1:{tinyproxy.port}", code=3)
    assert b"the proxy answers 40" in done.stderr
    done = push(coco, layout, secure, "--proxy", f"http://me:{PASSWORD}@h/path", code=2)
    assert b"a proxy is not of the form" in done.stderr
    done = push(coco, layout, secure, HTTPS_PROXY=f"http://me:{PASSWORD}@h h", code=2)
    assert b"$HTTPS_PROXY: a proxy is not of the form" in done.stderr


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_socks_carries_as_well(coco, layout, secure, socks, scheme):
    push(coco, layout, secure, "--proxy", f"{scheme}://127.0.0.1:{socks.port}")
    assert f"connected to {secure.host}" in socks.log()
