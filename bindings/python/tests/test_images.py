"""Images: an OCI layout, made here, is pulled, copied, encrypted and decrypted."""

import gzip
import hashlib
import io
import json
import os
import pathlib
import subprocess
import tarfile

import coco
import pytest

CONTENT = b"hello from a layer\n"
ANYTHING = {"default": [{"type": "insecureAcceptAnything"}]}


class Layout:
    """An OCI layout with one image `app` of one layer with one file."""

    def __init__(self, path):
        self.path = path
        (path / "blobs/sha256").mkdir(parents=True)
        (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        text = io.BytesIO()
        with tarfile.open(fileobj=text, mode="w") as tar:
            member = tarfile.TarInfo("hello")
            member.size = len(CONTENT)
            tar.addfile(member, io.BytesIO(CONTENT))
        layer = text.getvalue()
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["/hello"]},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
        }
        oci = "application/vnd.oci.image."
        manifest = {
            "schemaVersion": 2,
            "mediaType": oci + "manifest.v1+json",
            "config": self.blob(oci + "config.v1+json", json.dumps(config).encode()),
            "layers": [self.blob(oci + "layer.v1.tar+gzip", gzip.compress(layer, mtime=0))],
        }
        entry = self.blob(manifest["mediaType"], json.dumps(manifest).encode())
        self.digest = entry["digest"]
        entry["annotations"] = {"org.opencontainers.image.ref.name": "app"}
        (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))

    def blob(self, media_type, data):
        name = hashlib.sha256(data).hexdigest()
        (self.path / "blobs/sha256" / name).write_bytes(data)
        return {"mediaType": media_type, "digest": "sha256:" + name, "size": len(data)}

    def __str__(self):
        return f"oci:{self.path}:app"


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "layout")


@pytest.fixture
def key_pair():
    private = subprocess.run(
        ["openssl", "genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        capture_output=True, check=True,
    ).stdout
    public = subprocess.run(
        ["openssl", "pkey", "-pubout"], input=private, capture_output=True, check=True
    ).stdout
    return private, public


def client(**kwargs):
    return coco.ImageClient(policy=ANYTHING, platform="linux/amd64", **kwargs)


def test_pull_unpacks_a_bundle(layout, tmp_path):
    image = client().pull(str(layout), tmp_path / "bundle")
    assert (image.digest, image.layers) == (layout.digest, 1)
    assert image.bytes_written >= len(CONTENT) and image.bytes_read > 0
    assert (tmp_path / "bundle/rootfs/hello").read_bytes() == CONTENT
    assert json.loads((tmp_path / "bundle/config.json").read_text())["process"]["args"] == ["/hello"]


def test_a_bundle_may_have_any_name(layout, tmp_path):
    seen = []
    progress = coco.Context(progress=lambda progress: seen.append(progress.what))
    client().pull(str(layout), os.fsencode(tmp_path) + b"/\xff", context=progress)
    assert os.fsdecode(b"\xff") in seen


def test_without_a_policy_only_a_digest_is_pulled(layout, tmp_path):
    with coco.ImageClient(platform="linux/amd64") as plain:
        with pytest.raises(coco.DeniedError):
            plain.pull(str(layout), tmp_path / "refused")
        plain.pull(f"oci:{layout.path}@{layout.digest}", tmp_path / "bundle")
    assert not (tmp_path / "refused/rootfs").exists()


def test_policies_are_judged_and_explained(layout, key_pair):
    assert client().judge(str(layout))["accepted"] is True
    signed = {"default": [{"type": "sigstoreSigned", "keyPath": "/nowhere"}]}
    with coco.ImageClient(policy=json.dumps(signed).encode(), platform="linux/amd64") as strict:
        verdict = strict.judge(str(layout))
        assert verdict["accepted"] is False and "/nowhere" in verdict["reason"]
        strict.add_lookaside(b"docker:\n")
        with pytest.raises(coco.ProtocolError):
            strict.add_lookaside(b"x: y\n")
        with pytest.raises(coco.NotSupportedError):
            strict.sign(str(layout), key_pair[0])
        with pytest.raises(coco.ProtocolError):
            strict.sign(str(layout), b"no key")
        with pytest.raises(coco.NotFoundError):
            strict.sign_pgp(str(layout), "owner@example.org")


def test_images_of_layouts_are_signed_by_bundles(layout, key_pair):
    with client() as owner:
        with pytest.raises(coco.InvalidError):
            owner.set_signature_form("label")
        owner.set_signature_form("bundle")
        signed = owner.sign(str(layout), key_pair[0])
        assert signed["digest"] == layout.digest and signed["already"] is False
        assert owner.sign(str(layout), key_pair[0]) == signed | {"already": True}


def test_inspect_describes(layout):
    told = client().inspect(coco.ImageRef(str(layout)))
    assert told["digest"] == layout.digest
    assert [layer["encrypted"] for layer in told["layers"]] == [False]


def test_push_copies(layout, tmp_path):
    assert client().push(str(layout), f"oci:{tmp_path}/copy:app").digest == layout.digest


def test_what_is_encrypted_needs_its_key(layout, key_pair, tmp_path):
    private, public = key_pair
    with coco.ImageClient() as owner:
        with pytest.raises(coco.InvalidError):
            owner.encrypt(str(layout), f"oci:{tmp_path}/none:app")
        owner.add_recipient(public)
        image = owner.encrypt(str(layout), f"oci:{tmp_path}/secret:app")
    assert image.digest != layout.digest
    with pytest.raises(coco.Error):
        client().pull(f"oci:{tmp_path}/secret:app", tmp_path / "refused")
    assert not (tmp_path / "refused/rootfs").exists()
    strict = client(keys=[private], require_encryption=True, kek_prefix="kbs:///acme/key/")
    strict.pull(f"oci:{tmp_path}/secret:app", tmp_path / "bundle")
    assert (tmp_path / "bundle/rootfs/hello").read_bytes() == CONTENT
    with pytest.raises(coco.VerifyError, match="not encrypted"):
        strict.pull(str(layout), tmp_path / "plain")
    assert not (tmp_path / "plain").exists()


def test_what_is_encrypted_to_a_certificate_needs_it_and_its_key(layout, tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key", "-out",
         tmp_path / "cert", "-subj", "/CN=a", "-days", "2"],
        check=True, capture_output=True,
    )
    key, cert = (tmp_path / "key").read_bytes(), (tmp_path / "cert").read_bytes()
    with coco.ImageClient() as owner:
        with pytest.raises(coco.ProtocolError):
            owner.add_certificate_recipient(key)
        owner.add_certificate_recipient(cert)
        owner.encrypt(str(layout), f"oci:{tmp_path}/secret:app")
    guest = client(keys=[key])
    with pytest.raises(coco.VerifyError):
        guest.pull(f"oci:{tmp_path}/secret:app", tmp_path / "refused")
    guest.add_certificate(cert)
    guest.pull(f"oci:{tmp_path}/secret:app", tmp_path / "bundle")
    guest.decrypt(f"oci:{tmp_path}/secret:app", f"oci:{tmp_path}/plain:app")
    assert guest.inspect(f"oci:{tmp_path}/plain:app")["layers"] == guest.inspect(str(layout))["layers"]
    guest.add_certificate_recipient(cert)
    again = guest.rekey(f"oci:{tmp_path}/secret:app", f"oci:{tmp_path}/secret:app", flags=coco.IMAGE_KEEP_RECIPIENTS)
    [layer] = guest.inspect(f"oci:{tmp_path}/secret:app")["layers"]
    assert layer["recipients"] == [{"scheme": "pkcs7"}] * 2
    assert again.digest != layout.digest
    assert (tmp_path / "bundle/rootfs/hello").read_bytes() == CONTENT


def test_what_is_encrypted_by_openpgp_needs_its_key_and_password(layout, tmp_path):
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "secret"]

    def run(*args):
        return subprocess.run([*gpg, *args], check=True, capture_output=True).stdout

    run("--quick-gen-key", "ann@example.org", "future-default", "default", "never")
    public, secret = run("--export"), run("--export-secret-keys")
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=True)
    with coco.ImageClient() as owner:
        with pytest.raises(coco.NotFoundError):
            owner.add_pgp_recipient("ann@example.org")
        owner.add_pgp_keys(public)
        owner.add_pgp_recipient("ann@example.org")
        owner.encrypt(str(layout), f"oci:{tmp_path}/secret:app")
    guest = client()
    guest.add_pgp_keys(secret)
    with pytest.raises(coco.VerifyError):
        guest.pull(f"oci:{tmp_path}/secret:app", tmp_path / "refused")
    guest.add_password(b"secret")
    guest.pull(f"oci:{tmp_path}/secret:app", tmp_path / "bundle")
    assert (tmp_path / "bundle/rootfs/hello").read_bytes() == CONTENT


SOFTHSM = pathlib.Path("/usr/lib/softhsm/libsofthsm2.so")


@pytest.fixture
def token(tmp_path):
    """A pair of keys in a token: the key file of ocicrypt that names it."""
    if not SOFTHSM.exists():
        pytest.skip("no SoftHSM")
    top = tmp_path / "token"
    (top / "tokens").mkdir(parents=True)
    (top / "softhsm.conf").write_text(f"directories.tokendir = {top}/tokens\nlog.level = ERROR\n")

    def run(*args):
        return subprocess.run([*map(str, args)], env=os.environ | {"SOFTHSM2_CONF": f"{top}/softhsm.conf"}, check=True,
                              capture_output=True)

    run("softhsm2-util", "--init-token", "--free", "--label", "coco", "--pin", "1234", "--so-pin", "1234")
    run("openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-out", top / "pair.pem")
    run("softhsm2-util", "--import", top / "pair.pem", "--token", "coco", "--label", "pair", "--id", "a1", "--pin", "1234")
    return (f"pkcs11:\n  uri: pkcs11:token=coco;object=pair?module-path={SOFTHSM}&pin-value=1234\n"
            f"module:\n  env:\n    SOFTHSM2_CONF: {top}/softhsm.conf\n").encode()


def test_what_is_encrypted_to_a_token_needs_it(layout, token, tmp_path):
    modules = {"pkcs11": {"module-directories": [f"{SOFTHSM.parent}/"], "allowed-module-paths": [str(SOFTHSM)]}}
    with coco.ImageClient() as owner:
        owner.set_pkcs11_modules(modules)
        owner.set_pkcs11_hash("sha1")
        owner.add_pkcs11_recipient(token)
        owner.encrypt(str(layout), f"oci:{tmp_path}/secret:app")
    guest = client()
    with pytest.raises(coco.Error):
        guest.pull(f"oci:{tmp_path}/secret:app", tmp_path / "refused")
    guest.set_pkcs11_modules(modules)
    guest.add_pkcs11_key(token)
    [layer] = guest.inspect(f"oci:{tmp_path}/secret:app")["layers"]
    assert layer["recipients"] == [{"scheme": "pkcs11"}]
    guest.pull(f"oci:{tmp_path}/secret:app", tmp_path / "bundle")
    assert (tmp_path / "bundle/rootfs/hello").read_bytes() == CONTENT


def test_layers_that_are_named_are_encrypted(layout, key_pair, tmp_path):
    for layer, why in ((-1, None), (0, None), (1, "no layer 1"), (-2, "no layer -2")):
        with coco.ImageClient() as owner:
            owner.add_recipient(key_pair[1])
            owner.add_encrypted_layer(layer)
            if why:
                with pytest.raises(coco.InvalidError, match=why):
                    owner.encrypt(str(layout), f"oci:{tmp_path}/none:app")
            else:
                owner.encrypt(str(layout), f"oci:{tmp_path}/secret{layer}:app", flags=coco.IMAGE_UNCHUNKED)
                [told] = owner.inspect(f"oci:{tmp_path}/secret{layer}:app")["layers"]
                assert told["encrypted"] and "chunks" not in told


def test_limits_are_keywords(layout, tmp_path):
    with pytest.raises(coco.LimitError):
        client().pull(str(layout), tmp_path / "bundle", max_bytes=10)
    with pytest.raises(TypeError, match="max_byte"):
        client().pull(str(layout), tmp_path / "bundle", max_byte=10)


def test_progress_is_reported(layout, tmp_path):
    reports = []
    context = coco.Context(progress=reports.append)
    client().pull(str(layout), tmp_path / "bundle", context=context)
    assert {report.phase for report in reports} == {coco.Phase.FETCH, coco.Phase.UNPACK, coco.Phase.SYNC}
    unpacked = [report for report in reports if report.phase == coco.Phase.UNPACK][-1]
    assert unpacked.what.startswith("sha256:") and unpacked.files > 0
    assert unpacked.done == unpacked.total > 0
    assert {str(report.phase) for report in reports} == {"fetch", "unpack", "sync"}


def test_an_exception_of_the_progress_sink_comes_out_of_the_call(layout, tmp_path):
    def refuse(progress):
        raise LookupError("enough")

    context = coco.Context(progress=refuse)
    with pytest.raises(LookupError, match="enough"):
        client().pull(str(layout), tmp_path / "bundle", context=context)
    assert context.canceled and not (tmp_path / "bundle/rootfs").exists()


def test_what_is_no_policy_is_refused():
    with pytest.raises(coco.ProtocolError):
        coco.ImageClient(policy=b"{")
    with pytest.raises(coco.InvalidError):
        coco.ImageClient(platform="linux")
    with pytest.raises(coco.InvalidError):
        coco.ImageClient(kek_prefix="kbs:///acme")


def test_certificates_are_in_directories(tmp_path):
    coco.ImageClient(certs_dir=tmp_path, certs_trees=[tmp_path, str(tmp_path)])
    (tmp_path / "a.key").write_bytes(b"")
    with pytest.raises(coco.InvalidError, match="a.cert"):
        coco.ImageClient(certs_dir=tmp_path)
    with pytest.raises(coco.LimitError):
        coco.ImageClient(certs_trees=[tmp_path] * 9)


def test_a_proxy_is_checked_at_once():
    coco.ImageClient(proxy="http://me:pw@h:3128", no_proxy="localhost,.test")
    coco.ImageClient(proxy="")
    coco.ImageClient(no_proxy="*")
    with pytest.raises(coco.InvalidError) as error:
        coco.ImageClient(proxy="http://me:s3cret@h/path")
    assert "s3cret" not in str(error.value)


def test_a_cache_has_an_address():
    for address in ("unix:/run/cache.sock", "vsock:2:5050", "127.0.0.1:5050", "[::1]:5050"):
        coco.ImageClient(cache=address)
    for address in ("", "cache", "cache.example:5050", "vsock:any:5050", "0.0.0.0:5050", "127.0.0.1:0"):
        with pytest.raises(coco.InvalidError):
            coco.ImageClient(cache=address)


def test_credentials_of_a_broker_are_named_by_uri():
    coco.ImageClient(auth_resource="kbs:///default/credential/test")
    for uri in ("auth.json", "kbs:///default/credential", "file:///etc/auth.json"):
        with pytest.raises(coco.InvalidError):
            coco.ImageClient(auth_resource=uri)


def test_what_is_not_there_is_not_found(tmp_path):
    with pytest.raises(coco.NotFoundError):
        client().pull(f"oci:{tmp_path}/nothing:app", tmp_path / "bundle")
