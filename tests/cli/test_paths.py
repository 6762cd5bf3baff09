"""Names of resources, good and bad, as they come over the wire (T40).

Each is asked for by a guest that has attested and may have everything, stored and
deleted by the owner, so that only the name can be what is refused.

SPDX-License-Identifier: Apache-2.0
"""

import json
import socket
import urllib.parse

import pytest

from daemon import TIMEOUT_S, Daemon, admin_config, admin_token

PREFIX = b"/kbs/v0/resource/"
LONG = b"x" * 255

GOOD = [
    b"a/b/c",
    b"A/b/c",  # another one
    b"a/B/c",
    b"a/b/C",
    b"0/1/2",
    b"a-b/c_d/e.f",
    b"a/b/c.",
    b"a/b/c..",
    b"a/b/c..d",
    b"a/b/-",
    b"-/--/_",
    b"_/_/_",
    b"a/b/c-.-",
    b"default/key/1",
    b"con/nul/aux",
    b"etc/passwd/shadow",
    LONG + b"/" + LONG + b"/" + LONG,
]

# Not a name: 404, nothing is decoded, cut, joined or resolved.
BAD = [
    b"a",
    b"a/",
    b"a/b",
    b"a/b/",
    b"a/b/c/",
    b"a/b/c//",
    b"a/b/c/d",
    b"/a/b/c",
    b"a//c",
    b"a//b/c",
    b"/",
    b"//",
    b"///",
    b"./b/c",
    b"a/./c",
    b"a/b/.",
    b"../b/c",
    b"a/../c",
    b"a/b/..",
    b"a/b/c/..",
    b"a/b/c/../d",
    b"../../../etc/passwd",
    b"a/b/.hidden",
    b".a/b/c",
    b"a/.../c",
    b"%2e%2e/b/c",
    b"a/%2e%2e/c",
    b"a/b/%2e%2e",
    b"a/%2E./c",
    b"%252e%252e/b/c",
    b"..%2fb/c/d",
    b"a%2fb%2fc",
    b"a%2Fb/c",
    b"a/b/c%2f",
    b"a%5cb/b/c",
    b"a\\b/b/c",
    b"..\\b/b/c",
    b"a/b/c%00",
    b"a/b/c%00.txt",
    b"a/b%00/c",
    b"a/b/c%0d%0aX:%20y",
    b"a/b/%c3%a9",
    b"a/b/%e2%80%ae",
    b"%ef%bc%8e%ef%bc%8e/b/c",
    b"a/b/%c0%ae",
    b"%61/b/c",
    b"a/b/%63",
    b"a/b/%",
    b"a/b/%z",
    b"a/b/c+d",
    b"a/b/c;d",
    b"a/b/c:d",
    b"a/b/c@d",
    b"a/b/c~",
    b"~/b/c",
    b"a/b/$c",
    b"a/b/*",
    b"a/b/'c'",
    b'a/b/"c"',
    b"a/b/c%20",
    b"a/b/c,d",
    b"a/b/c=d",
    b"a/b/(c)",
    b"a/b/{c}",
    b"a/b/|c",
    b"a/b/<c>",
    b"a&b/b/c",
    b"kbs:///a/b/c",
    LONG + b"x/b/c",
    b"a/" + LONG + b"x/c",
    b"a/b/" + LONG + b"x",
    b"a/b/c" + b"/x" * 500,
]

# Not a request: 400, and the connection is closed.
MALFORMED = [
    b"a/b/c#d",
    b"a/b/c\x00",
    b"a/b\x00/c",
    b"a/b/c d",
    b"a/b/ c",
    b"a/b/c\t",
    b"a/b/\r",
    b"a/b/\n",
    b"a/b/\xc3\xa9",
    b"a/b/\xff",
    b"a/b/\x7f",
    b"a/b/\x1b[2J",
]

# Whole targets that look like the one above.
ELSEWHERE = [
    (b"/kbs/v0//resource/a/b/c", 404),
    (b"//kbs/v0/resource/a/b/c", 404),
    (b"/kbs/v0/./resource/a/b/c", 404),
    (b"/kbs/v0/x/../resource/a/b/c", 404),
    (b"/kbs/v1/resource/a/b/c", 404),
    (b"/KBS/v0/resource/a/b/c", 404),
    (b"/kbs/v0/Resource/a/b/c", 404),
    (b"/kbs/v0/resource%2fa/b/c", 404),
    (b"/kbs/v0/resource\\a/b/c", 404),
    (b"/%6bbs/v0/resource/a/b/c", 404),
    (b"http://127.0.0.1/kbs/v0/resource/a/b/c", 400),
    (b"kbs/v0/resource/a/b/c", 400),
    (b"*", 400),
    (b"", 400),
]


@pytest.fixture(scope="module")
def kbs(tmp_path_factory, keys):
    folder = tmp_path_factory.mktemp("kbs")
    private, public = keys("ed25519")
    daemon = Daemon(folder, "[attestation_service]\nallow_sample = true\n" + admin_config(public))
    daemon.token = admin_token(private)
    daemon.trust_sample(daemon.token)
    yield daemon
    assert daemon.stop() == 0


@pytest.fixture
def ask(kbs, coco):
    """ask(method, target) gives the status; nothing between this and the wire touches the target."""
    guest = coco.run("attest", "--kbs", kbs.url, "--tee", "sample", code=0).stdout.strip()
    address = urllib.parse.urlsplit(kbs.url)

    def status(method, target):
        token = guest if method == b"GET" else kbs.token.encode()
        body = b"secret" if method in (b"POST", b"PUT") else b""
        with socket.create_connection((address.hostname, address.port), TIMEOUT_S) as connection:
            connection.sendall(
                method + b" " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
                + token + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )  # fmt: skip
            said = b""
            try:
                while more := connection.recv(65536):
                    said += more
            except ConnectionResetError:  # it closes while there is more to read
                return 0
        assert said.startswith(b"HTTP/1.1 ")
        return int(said.split()[1])

    return status


def names(kbs):
    status, said = kbs.ask("GET", "/resource", kbs.token)
    assert status == 200
    return json.loads(said)


def test_the_table_is_as_long_as_it_should_be():
    table = [*GOOD, *BAD, *MALFORMED, *(target for target, _ in ELSEWHERE)]
    assert len(table) == len(set(table)) >= 100


@pytest.mark.parametrize("name", GOOD, ids=lambda name: name.decode()[:20])
def test_a_good_name_is_one_resource(kbs, ask, name):
    target = PREFIX + name
    assert ask(b"GET", target) == 404
    assert ask(b"DELETE", target) == 404
    assert ask(b"PUT", target) == 405
    assert names(kbs) == []
    assert ask(b"POST", target) == 200
    assert names(kbs) == [name.decode()]
    # Not under another case, nor longer.
    if name.swapcase() != name:
        assert ask(b"GET", PREFIX + name.swapcase()) == 404
    assert ask(b"GET", target + b"x") == 404
    assert ask(b"GET", target) == 200
    assert ask(b"GET", target + b"?a=../b&c=%2f") == 200
    assert ask(b"DELETE", target) == 200
    assert names(kbs) == []


@pytest.mark.parametrize("method,want", [(b"GET", 404), (b"POST", 404), (b"DELETE", 404), (b"PUT", 405)])
def test_a_bad_name_is_no_resource(kbs, ask, method, want):
    # What a reader that decodes or resolves would find.
    for real in (b"a/b/c", b"b/c/d", b"etc/passwd/x"):
        assert ask(b"POST", PREFIX + real) == 200
    before = names(kbs)
    got = {name: ask(method, PREFIX + name) for name in BAD}
    assert {name: status for name, status in got.items() if status != want} == {}
    assert names(kbs) == before
    for real in before:
        assert ask(b"DELETE", PREFIX + real.encode()) == 200


@pytest.mark.parametrize("method", [b"GET", b"POST", b"PUT", b"DELETE"])
def test_what_no_target_may_hold_is_no_request(kbs, ask, method):
    got = {name: ask(method, PREFIX + name) for name in MALFORMED}
    assert {name: status for name, status in got.items() if status != 400} == {}
    assert names(kbs) == []


@pytest.mark.parametrize("method", [b"GET", b"POST", b"PUT", b"DELETE"])
def test_what_looks_like_the_path_is_another(kbs, ask, method):
    got = {target: (ask(method, target), want) for target, want in ELSEWHERE}
    assert {target: pair for target, pair in got.items() if pair[0] != pair[1]} == {}
    assert names(kbs) == []


@pytest.mark.parametrize("method", [b"GET", b"POST", b"DELETE"])
def test_a_name_of_many_kilobytes_is_not_read_to_its_end(kbs, ask, method):
    assert ask(method, PREFIX + b"a/b/" + b"x" * (128 << 10)) in (431, 0)
    assert names(kbs) == []
