"""Images: pull and decrypt, encrypt and push.

SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import json

from . import native
from ._context import Handle, call


class ImageRef:
    """A parsed image reference, such as `ghcr.io/acme/app:1` or `oci:PATH:TAG`."""

    def __init__(self, text):
        self._c = native.image_ref_parse(text)

    @property
    def transport(self):
        """ "docker", "oci", "dir", "oci-archive" or "docker-archive"."""
        return native.image_ref_transport(self._c)

    @property
    def registry(self):
        """Host and optional port, or None for all but "docker"."""
        return native.image_ref_registry(self._c)

    @property
    def repository(self):
        """Repository without the registry, or the path."""
        return native.image_ref_repository(self._c)

    @property
    def tag(self):
        """Tag, or None."""
        return native.image_ref_tag(self._c)

    @property
    def digest(self):
        """Digest as `sha256:<hex>`, or None."""
        return native.image_ref_digest(self._c)

    def __str__(self):
        return native.image_ref_text(self._c)

    def __repr__(self):
        return f"ImageRef({str(self)!r})"

    def __eq__(self, other):
        return str(self) == str(other) if isinstance(other, ImageRef) else NotImplemented

    def __hash__(self):
        return hash(str(self))


def _parsed(ref):
    return (ref if isinstance(ref, ImageRef) else ImageRef(ref))._c


def _json(value):
    """JSON as bytes; what is bytes already is left as it is."""
    return json.dumps(value).encode() if isinstance(value, dict) else value


@dataclasses.dataclass(frozen=True)
class Image:
    """What a pull or push came to."""

    digest: str
    layers: int
    bytes_read: int
    bytes_written: int
    ids_ignored: int

    @classmethod
    def _of(cls, c):
        return cls(
            native.image_digest(c),
            native.image_layer_count(c),
            native.image_bytes_read(c),
            native.image_bytes_written(c),
            native.image_ids_ignored(c),
        )


class ImageClient(Handle):
    """How images are reached and opened.

        ImageClient(keys=[pem]).pull("ghcr.io/acme/app@sha256:…", "bundle")

    keys        private keys that open encrypted layers
    kbc         a Kbc, for layers encrypted for a key broker
    policy      containers policy.json, bytes or dict; without one only digests are pulled
    auth        containers auth.json, bytes or dict
    auth_resource  `kbs:///repository/type/tag`: an auth.json that kbc gets when it is needed
    helpers     directories (`:` between) whose credential helpers may be run; else none is
    registries  containers registries.conf, bytes: mirrors, and where images are got from
    tls_ca      CAs to trust instead of the system's, PEM
    certs_dir   directory of every registry's *.crt (CAs) and *.cert with *.key (client)
    certs_trees directories with such directories, one for each host[:port]
    proxy       `http://[user:password@]host[:port]`, "" for none; else as the environment says
    no_proxy    hosts (`,` between) that are reached directly
    cache       `unix:/PATH`, `vsock:CID:PORT` or `IP:PORT` of a cache that is asked before registries
    platform    `os/architecture[/variant]`; the default is this machine
    plain_http  speak HTTP without TLS
    require_encryption  pull only images all of whose layers are encrypted
    store       a Store, whose layers are used and which gets those that it lacks
    kek_prefix  `kbs:///repository/` or `kbs:///repository/type/`: what kbc may be asked for

    Calls take the limits of the C struct coco_image_options as keywords.
    """

    def __init__(self, *, keys=(), kbc=None, policy=None, auth=None, auth_resource=None,
                 helpers=None, registries=None, tls_ca=None, certs_dir=None, certs_trees=(), proxy=None,
                 no_proxy=None, cache=None, platform=None, plain_http=False, require_encryption=False,
                 kek_prefix=None, store=None):
        super().__init__(native.image_client_new())
        native.image_client_set_plain_http(self._c, bool(plain_http))
        native.image_client_set_require_encryption(self._c, bool(require_encryption))
        native.image_client_set_kbc(self._c, kbc._c if kbc is not None else None)
        native.image_client_set_store(self._c, store._c if store is not None else None)
        for key in keys:
            self.add_key(key)
        for tree in certs_trees:
            self.add_certs_tree(tree)
        if proxy is not None or no_proxy is not None:
            native.image_client_set_proxy(self._c, proxy, no_proxy)
        for value, use in (
            (policy, native.image_client_set_policy),
            (auth, native.image_client_set_auth),
            (auth_resource, native.image_client_set_auth_resource),
            (helpers, native.image_client_set_helpers),
            (registries, native.image_client_set_registries),
            (tls_ca, native.image_client_set_tls_ca),
            (certs_dir, native.image_client_set_certs_dir),
            (cache, native.image_client_set_cache),
            (platform, native.image_client_set_platform),
            (kek_prefix, native.image_client_set_kek_prefix),
        ):
            if value is not None:
                use(self._c, _json(value))

    def add_auth(self, auth):
        """Adds another auth.json, bytes or dict, for what the ones before it lack."""
        native.image_client_add_auth(self._c, _json(auth))

    def add_certs_tree(self, directory):
        """Adds a tree of certificates such as /etc/containers/certs.d."""
        native.image_client_add_certs_tree(self._c, directory)

    def add_lookaside(self, yaml):
        """Adds a file of a registries.d, YAML, which says where signatures are kept."""
        native.image_client_add_lookaside(self._c, yaml)

    def add_key(self, key):
        """Adds a private key, PEM, DER or JWK, that opens layers encrypted to its public half."""
        native.image_client_add_key(self._c, key)

    def add_recipient(self, key):
        """Adds a recipient for encrypt(): the holder of the private half of `key`."""
        native.image_client_add_recipient(self._c, key)

    def add_certificate(self, cert):
        """Adds the certificate, PEM or DER, of a key that opens layers encrypted by PKCS #7."""
        native.image_client_add_certificate(self._c, cert)

    def add_certificate_recipient(self, cert):
        """Adds a recipient for encrypt(), by PKCS #7: the holder of the key of `cert`."""
        native.image_client_add_certificate_recipient(self._c, cert)

    def add_password(self, password):
        """Adds a password, bytes, that keys under one are tried with: OpenPGP's, and those added later."""
        native.image_client_add_password(self._c, password)

    def add_pgp_keys(self, keys):
        """Adds keys of OpenPGP, binary or armored: recipients', and secret ones that open layers."""
        native.image_client_add_pgp_keys(self._c, keys)

    def add_pgp_recipient(self, who):
        """Adds a recipient for encrypt(), by OpenPGP: the name, address or fingerprint of a key."""
        native.image_client_add_pgp_recipient(self._c, who)

    def set_pkcs11_modules(self, config):
        """Sets which modules of PKCS#11 may be loaded: a configuration of ocicrypt's, bytes."""
        native.image_client_set_pkcs11_modules(self._c, _json(config))

    def set_pkcs11_hash(self, name):
        """Sets the hash of RSA-OAEP for recipients by PKCS#11: "sha1" or "sha256", the default."""
        native.image_client_set_pkcs11_hash(self._c, name)

    def add_pkcs11_key(self, yaml):
        """Adds a private key in a token of PKCS#11: a key file of ocicrypt's, bytes."""
        native.image_client_add_pkcs11_key(self._c, yaml)

    def add_pkcs11_recipient(self, key):
        """Adds a recipient for encrypt(), by PKCS#11: an RSA public key, or a key file."""
        native.image_client_add_pkcs11_recipient(self._c, key)

    def add_encrypted_layer(self, layer):
        """Lets encrypt() encrypt this layer, 0 for the bottom or -1 for the top, and not all of them."""
        native.image_client_add_encrypted_layer(self._c, layer)

    def set_key_providers(self, config):
        """Sets which key providers there are: a configuration of ocicrypt's, bytes or dict."""
        native.image_client_set_key_providers(self._c, _json(config))

    def add_provider_key(self, name, parameter=None):
        """Lets the key provider `name` open layers encrypted for it."""
        native.image_client_add_provider_key(self._c, name, parameter)

    def add_provider_recipient(self, name, parameter=None):
        """Adds a recipient for encrypt(): the key provider `name`, which is told `parameter`."""
        native.image_client_add_provider_recipient(self._c, name, parameter)

    def add_kbs_recipient(self, uri, key):
        """Adds a recipient for encrypt(): whoever gets `key`, 32 bytes, as `uri` from a broker."""
        native.image_client_add_kbs_recipient(self._c, uri, key)

    def pull(self, ref, directory, *, context=None, **limits):
        """Pulls an image and unpacks it: `directory`, new or empty, becomes an OCI bundle.

        Who has not the privileges for all it holds says `flags=coco.IMAGE_IGNORE_CHOWN`.
        With a store, `flags=coco.IMAGE_OVERLAY` mounts rootfs over its files.
        """
        options = native.image_options(**limits)
        return Image._of(
            call(context, native.image_pull, self._c, _parsed(ref), directory, options)
        )

    def push(self, source, target, *, context=None, **limits):
        """Copies the image `source` to `target` as it is."""
        options = native.image_options(**limits)
        return Image._of(
            call(context, native.image_push, self._c, _parsed(source), _parsed(target), options)
        )

    def encrypt(self, source, target, *, context=None, **limits):
        """Copies the image `source` to `target`, every layer encrypted for the recipients."""
        options = native.image_options(**limits)
        return Image._of(
            call(context, native.image_encrypt, self._c, _parsed(source), _parsed(target), options)
        )

    def decrypt(self, source, target, *, context=None, **limits):
        """Copies the image `source` to `target`, every layer decrypted."""
        options = native.image_options(**limits)
        return Image._of(
            call(context, native.image_decrypt, self._c, _parsed(source), _parsed(target), options)
        )

    def rekey(self, source, target, *, context=None, **limits):
        """Copies the encrypted image `source` to `target` for the recipients, its layers as they are.

        With `flags=coco.IMAGE_KEEP_RECIPIENTS` those who can open `source` can open it, too.
        """
        options = native.image_options(**limits)
        return Image._of(
            call(context, native.image_rekey, self._c, _parsed(source), _parsed(target), options)
        )

    def plan(self, ref, *, context=None, **limits):
        """Tells, as a dict, what a pull would take: bytes to fetch, disk and memory."""
        options = native.image_options(**limits)
        return json.loads(call(context, native.image_plan, self._c, _parsed(ref), options))

    def judge(self, ref, *, context=None, **limits):
        """Tells, as a dict, whether the policy accepts an image, and what was checked."""
        options = native.image_options(**limits)
        return json.loads(call(context, native.image_judge, self._c, _parsed(ref), options))

    def set_signature_form(self, form):
        """Sets what sign() makes: a "tag", as it does otherwise, or a "referrer" or "bundle", which refer to the image."""
        native.image_client_set_signature_form(self._c, form)

    def sign(self, ref, key, *, context=None):
        """Signs an image in a registry as cosign does.

        key is a private key, PEM, DER or JWK, or which one of a token of PKCS#11 it is: a URI, or a key file.
        """
        return json.loads(call(context, native.image_sign, self._c, _parsed(ref), key))

    def sign_pgp(self, ref, who=None, *, context=None):
        """Signs an image in a registry by a secret key of add_pgp_keys(), as skopeo does, in a lookaside.

        Where that is says add_lookaside(). who is a fingerprint, an e-mail address or a name; None is for the only key.
        """
        return json.loads(call(context, native.image_sign_pgp, self._c, _parsed(ref), who))

    def inspect(self, ref, *, context=None, **limits):
        """Describes an image, as a dict, without pulling its layers."""
        options = native.image_options(**limits)
        return json.loads(call(context, native.image_inspect, self._c, _parsed(ref), options))
