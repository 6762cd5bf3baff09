"""Collateral: where it is taken from, how it is signed, and that it is asked for once."""

import http.server
import subprocess
import threading
import time

import coco
import pytest

NAME = "amd/Rome/ask_ark.cert"  # of a form that has no dates


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    private = tmp_path_factory.mktemp("keys") / "owner.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    public = subprocess.run(["openssl", "pkey", "-in", private, "-pubout"], check=True, capture_output=True).stdout
    return private.read_bytes(), public


@pytest.fixture
def server():
    """Says 404 to all, and counts."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *args):
            pass

    asked = []
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.asked = asked
    listener.url = f"http://127.0.0.1:{listener.server_port}"
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    yield listener
    listener.shutdown()
    listener.server_close()


def test_files_have_the_names(tmp_path):
    with pytest.raises(coco.NotFoundError):
        coco.Collateral(tmp_path / "none")
    memory = coco.Collateral.memory({NAME: b"some"})
    memory.add("intel/root-ca.crl", b"no list", fetched=1790000000)
    memory.write(tmp_path)
    files = coco.Collateral(tmp_path)
    assert files.get(NAME) == b"some"
    first, second = files.list()
    assert first["name"] == NAME and first["size"] == 4 and abs(first["fetched"] - time.time()) < 60
    assert second["fetched"] == 1790000000 and "not a list" in second["problem"]
    with pytest.raises(coco.NotSupportedError):
        files.add(NAME, b"x")


def test_a_bundle_is_its_owners(keys, tmp_path):
    private, public = keys
    bundle = coco.Collateral.memory({NAME: b"some"}).export(private)
    assert coco.Collateral.bundle(bundle, public).get(NAME) == b"some"
    (tmp_path / "b").write_bytes(bundle)
    assert coco.Collateral.open(tmp_path / "b", key=public).get(NAME) == b"some"
    with pytest.raises(coco.InvalidError, match="key of its owner"):
        coco.Collateral.open(tmp_path / "b")
    with pytest.raises(coco.VerifyError):
        coco.Collateral.bundle(bundle[:-1] + b"X", public)


def test_a_recorder_tells_what_was_asked_for(keys):
    recorder = coco.Collateral.recorder(coco.Collateral.memory({NAME: b"some", "a.cert": b"other"}))
    again = recorder.share()
    assert recorder.list() == []
    assert recorder.get(NAME) == b"some"
    recorder.close()
    assert [item["name"] for item in again.list()] == [NAME]


def test_what_is_given_away_is_closed():
    inner = coco.Collateral.memory()
    either = coco.Collateral.either(inner, coco.Collateral.memory({NAME: b"some"}))
    assert either.get(NAME) == b"some"
    with pytest.raises(ValueError):
        inner.list()
    verifier = coco.Verifier()
    verifier.set_collateral(either)
    with pytest.raises(ValueError):
        either.get(NAME)


def test_trustees_file_is_read(tmp_path):
    path = tmp_path / "collaterals.json"
    path.write_text('{"collaterals":{"certificates":{},"rootcacrl":"0102"}}')
    assert coco.Collateral.trustee(path).get("intel/root-ca.crl") == b"\1\2"


def test_services_are_asked_once_for_what_they_have_not(server, tmp_path):
    source = coco.Collateral.http(intel="", amd=server.url, cache=tmp_path / "cache", proxy="", early=True)
    for _ in range(2):
        with pytest.raises(coco.NotFoundError):
            source.get("amd/Milan/vcek.crl")
    assert server.asked == ["/vcek/v1/Milan/crl"]
    with pytest.raises(coco.NotFoundError, match="nobody is to be asked"):
        source.get("intel/root-ca.crl")
    with pytest.raises(coco.ProtocolError):
        coco.Collateral.http(tls_ca=b"no certificate")
    assert (tmp_path / "cache").is_dir()


def test_canceling_ends_requests(server):
    context = coco.Context()
    source = coco.Collateral.http(intel="", amd=server.url, proxy="", context=context)
    context.cancel()
    with pytest.raises(coco.CanceledError):
        source.get("amd/Milan/vcek.crl")
