"""Key brokers: the guest's side and the owner's.

SPDX-License-Identifier: Apache-2.0
"""

import enum
import json

from . import native
from ._context import Handle, call


class TeeKey(enum.IntEnum):
    """Key pair that the broker encrypts secrets to."""

    DEFAULT = native.COCO_TEE_KEY_DEFAULT
    P256 = native.COCO_TEE_KEY_P256
    P521 = native.COCO_TEE_KEY_P521
    RSA = native.COCO_TEE_KEY_RSA


class Kbc(Handle):
    """A key broker client, named `<kbc>::<uri>`.

        Kbc("cc_kbc::https://kbs.example:8080").get("kbs:///default/key/1")

    params     None for what this machine was told: $AA_KBC_PARAMS or the kernel's command line
    attester   collects the evidence, and is used up; without one, the TEE is detected
    devices    collect evidence that goes along, one of a kind each, and are used up
    tls_ca     CAs to trust instead of the system's, PEM
    proxy      `http://[user:password@]host[:port]`, "" for none; else as the environment says
    no_proxy   hosts (`,` between) that are reached directly
    retries    how often a request is made again where that may help
    tee_key    kind of the key pair, a TeeKey
    init_data  text of the initdata document that the evidence is bound to
    passport   is shown instead of attesting: what passport() returned, or upstream's agent
    """

    def __init__(self, params=None, *, attester=None, devices=(), tls_ca=None, proxy=None, no_proxy=None,
                 retries=None, tee_key=None, init_data=None, passport=None):
        super().__init__(native.kbc_new(params))
        if attester is not None:
            native.kbc_set_attester(self._c, attester._give())
        for device in devices:
            native.kbc_add_device(self._c, device._give())
        if tls_ca is not None:
            native.kbc_set_tls_ca(self._c, tls_ca)
        if proxy is not None or no_proxy is not None:
            native.kbc_set_proxy(self._c, proxy, no_proxy)
        if retries is not None:
            native.kbc_set_retries(self._c, retries)
        if passport is not None:
            native.kbc_set_passport(self._c, passport)
        if tee_key is not None:
            native.kbc_set_tee_key(self._c, tee_key)
        if init_data is not None:
            native.kbc_set_init_data(self._c, init_data)

    def get(self, uri, *, context=None):
        """The resource `kbs:///<repository>/<type>/<tag>`: bytes, which Python cannot wipe.

        Or what a plug-in of the broker has, `kbs+<plugin>:///<path>[?<query>]`.
        """
        return call(context, native.kbc_get_resource, self._c, uri)

    def get_leased(self, uri, *, context=None):
        """The resource and the seconds it may be used, from the begin of the call; None for no limit."""
        return call(context, native.kbc_get_leased, self._c, uri)

    def ask(self, uri, data, *, context=None):
        """What a plug-in of the broker, `kbs+<plugin>:///<path>`, replies to `data`; get() GETs."""
        return call(context, native.kbc_ask_plugin, self._c, uri, data)

    def attest(self, *, context=None):
        """Attests, and returns the broker's token about this machine, a JWT."""
        return call(context, native.kbc_attest, self._c).decode()

    def watch(self, uri, fn, *, seconds=0, context=None):
        """Calls fn(bytes) with the resource, and again whenever it is another.

        Looks every `seconds`, 60 for 0, up to a quarter more or less, and before a lease is over.
        Blocks until fn returns False, which ends it, or the context is canceled; what fn raises comes
        out of it. fn(None) says that what was given may not be used any more, and the watch ends with
        the reason.
        """
        raised = []

        def told(data):
            try:
                return fn(data) is not False
            except BaseException as error:  # C cannot be unwound
                raised.append(error)
                return False

        call(context, native.kbc_watch, self._c, uri, seconds, told)
        if raised:
            raise raised[0]

    def wrap_key(self, id, key, *, context=None):
        """`key` encrypted by the key `id`, which stays where it is: for envelopes of sealed secrets."""
        return call(context, native.kbc_wrap_key, self._c, id, key)

    def unwrap_key(self, id, wrapped, *, context=None):
        """What wrap_key() was given."""
        return call(context, native.kbc_unwrap_key, self._c, id, wrapped)

    def attest_for(self, audience, *, context=None):
        """A token about this machine that is for `audience` alone."""
        return call(context, native.kbc_attest_for, self._c, audience).decode()

    def passport(self, *, context=None):
        """A valid token with its private key, JSON; attests only if there is none."""
        return call(context, native.kbc_get_passport, self._c)


class PluginKbc(Kbc):
    """A key broker client made of any object that has secrets.

        class Vault:
            name = "vault_kbc"

            def get(self, path):  # "<repository>/<type>/<tag>"
                return secrets[path]

        PluginKbc(Vault()).get("kbs:///default/key/1")

    What get() raises the call raises in the words of this package: LookupError is a
    NotFoundError, PermissionError a DeniedError, errors of this package are themselves, and
    all else is a SystemIOError with its text. attest(),
    if there is one, returns a token; wrap_key(id, key) and unwrap_key(id, wrapped), if there are
    any, return bytes. Several threads may call them at once.
    """

    def __init__(self, plugin):
        Handle.__init__(self, native.kbc_new_plugin(plugin))


def admin_token(key, *, role=None, life=0):
    """A token as requests carry it, a JWT: for another program, or the broker's admin page.

    key   private key that signs it, PEM
    role  what the broker's lists of who may do what call its bearer; `admin` if not given
    life  seconds that it is good; 0 is ten minutes
    """
    return native.admin_token(key, role, life).decode()


class Admin(Handle):
    """A key broker service at `url`, seen by its owner.

    key     private key that signs the requests, PEM; without one they go out unsigned
    tls_ca  CAs to trust instead of the system's, PEM
    proxy, no_proxy, retries  as of Kbc
    """

    def __init__(self, url, *, key=None, tls_ca=None, proxy=None, no_proxy=None, retries=None):
        super().__init__(native.admin_new(url))
        if key is not None:
            native.admin_set_key(self._c, key)
        if tls_ca is not None:
            native.admin_set_tls_ca(self._c, tls_ca)
        if proxy is not None or no_proxy is not None:
            native.admin_set_proxy(self._c, proxy, no_proxy)
        if retries is not None:
            native.admin_set_retries(self._c, retries)

    def put(self, path, data, *, context=None):
        """Stores `data` as resource `<repository>/<type>/<tag>`."""
        call(context, native.admin_put_resource, self._c, path, data)

    def delete(self, path, *, context=None):
        """Deletes a resource."""
        call(context, native.admin_delete_resource, self._c, path)

    def purge(self, path, *, context=None):
        """Deletes a resource with all its versions, for good."""
        call(context, native.admin_purge_resource, self._c, path)

    def restore(self, path, version=0, *, context=None):
        """Puts a version of a resource again; 0 is what was deleted, or replaced, last.

        Gives the number that it has now.
        """
        return call(context, native.admin_restore_resource, self._c, path, version)

    def versions(self, path, *, context=None):
        """Versions of a resource, the newest first: dicts of `version`, `time` (seconds since
        1970) and `size`, or `deleted`."""
        return json.loads(call(context, native.admin_resource_versions, self._c, path))

    def list(self, *, context=None):
        """Names of all resources, sorted."""
        return json.loads(call(context, native.admin_list_resources, self._c))

    def set_resource_policy(self, rego, *, context=None):
        """Sets the resource policy to `rego`, the text of a module of package `policy`."""
        call(context, native.admin_set_resource_policy, self._c, rego)

    def set_path_policy(self, path, rego, *, context=None):
        """Sets the policy of the resources at `path`, or removes it (None); the most specific decides."""
        call(context, native.admin_set_path_policy, self._c, path, rego)

    def list_resource_policies(self, *, context=None):
        """Ids of the policies that decide about resources."""
        return json.loads(call(context, native.admin_list_resource_policies, self._c))

    def set_attestation_policy(self, id, rego, *, context=None):
        """Sets attestation policy `id`, such as "default_cpu"."""
        call(context, native.admin_set_attestation_policy, self._c, id, rego)

    def put_references(self, message, *, context=None):
        """Registers reference values: References.format("rvps"), or another message for RVPS."""
        text = message.decode() if isinstance(message, bytes) else message
        call(context, native.admin_put_references, self._c, text)

    def rotate_keys(self, *, context=None):
        """Makes the next keys for tokens and sessions: a dict of `kid` and `from`, when they are used."""
        return json.loads(call(context, native.admin_rotate_keys, self._c))

    def list_references(self, *, context=None):
        """Reference values, sorted: dicts of `name`, `value`, `time` and, if it ends, `expires`, both
        in seconds since 1970."""
        return json.loads(call(context, native.admin_list_references, self._c))

    def explain(self, decision, *, context=None):
        """Why a guest was refused, by the id that it was told: a dict."""
        return json.loads(call(context, native.admin_explain, self._c, decision))
