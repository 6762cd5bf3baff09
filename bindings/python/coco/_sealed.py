"""Sealed secrets: secrets that may travel with what needs them.

SPDX-License-Identifier: Apache-2.0
"""

import json

from . import native
from ._context import Handle, call


class Sealer(Handle):
    """Somebody who seals secrets.

        text = coco.Sealer("kbs:///default/keys/owner", key).seal_name("kbs", "kbs:///default/db/1")

    kid          where who unseals finds the public half of `key`: `kbs:///...`, or any other name
    key          private key on P-256 that signs: JWK, PEM or DER
    provider     (name, Kbc) of who encrypts the keys of envelopes
    settings     provider_settings of what is sealed, a dict
    annotations  the same
    """

    def __init__(self, kid, key, *, provider=None, settings=None, annotations=None):
        super().__init__(native.sealer_new(kid, key))
        if provider is not None:
            name, kbc = provider
            native.sealer_set_provider(self._c, name, kbc._c)
        if settings is not None:
            native.sealer_set_settings(self._c, json.dumps(settings))
        if annotations is not None:
            native.sealer_set_annotations(self._c, json.dumps(annotations))

    def seal_name(self, provider, name):
        """A vault secret: the name of one that `provider` has."""
        return native.sealer_seal_name(self._c, provider, name).decode()

    def seal(self, key_id, data, *, context=None):
        """An envelope of `data`, whose key the provider's key `key_id` encrypts."""
        return call(context, native.sealer_seal_data, self._c, key_id, data).decode()


class Unsealer(Handle):
    """Somebody who unseals them.

        coco.Unsealer(kbs=kbc).unseal(text)

    kbs             a Kbc: the provider "kbs", which also has the keys that are called `kbs:///...`
    providers       others: Kbc by name
    keys            public keys that sign, by the names that sealed secrets have of them
    owner_keys      public keys; if there are any, all must be signed by one of them or of `keys`
    key_prefix      `kbs:///<repository>/[<type>/]`: what kbs is asked for as a key
    allow_unsigned  take what nobody signed, too
    """

    def __init__(self, *, kbs=None, providers=None, keys=None, owner_keys=(), key_prefix=None,
                 allow_unsigned=False):
        super().__init__(native.unsealer_new())
        if kbs is not None:
            native.unsealer_set_provider(self._c, "kbs", kbs._c)
        for name, kbc in (providers or {}).items():
            native.unsealer_set_provider(self._c, name, kbc._c)
        for kid, key in (keys or {}).items():
            native.unsealer_trust_key(self._c, kid, key)
        for key in owner_keys:
            native.unsealer_trust_key(self._c, None, key)
        if key_prefix is not None:
            native.unsealer_set_key_prefix(self._c, key_prefix)
        native.unsealer_set_allow_unsigned(self._c, allow_unsigned)

    def unseal(self, text, *, context=None):
        """The secret: bytes, which Python cannot wipe."""
        return call(context, native.unsealer_unseal, self._c, text)


def sealed_inspect(text):
    """What is in a sealed secret, as a dict; nothing of it is verified."""
    return json.loads(native.sealed_inspect(text))
