"""Collateral: what verifying needs beside the evidence.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os

from . import native
from ._context import Context, Handle


class Collateral(Handle):
    """A source of certificates, lists of revoked ones and the like: files beneath `directory`.

        coco.Verifier().set_collateral(coco.Collateral("/var/lib/coco/collateral"))
        coco.Collateral.http(cache="/var/cache/coco")
        coco.Collateral.bundle(open("collateral.bundle", "rb").read(), key=open("owner.pub", "rb").read())

    Several threads may use one at once.
    """

    def __init__(self, directory):
        super().__init__(native.collateral_new_dir(directory))
        self._contexts = ()

    @classmethod
    def _of(cls, c, contexts=()):
        self = cls.__new__(cls)
        Handle.__init__(self, c)
        self._contexts = contexts  # must outlive it
        return self

    @classmethod
    def open(cls, source, *, key=None, early=False, context=None):
        """What `source` names: "makers", an address of a PCCS, "intel=" or "amd=" and an
        address, a directory, a bundle that the owner of the public `key` (PEM) signed, or a
        file or directory of Trustee's.
        """
        context = Context() if context is None else context
        c = native.collateral_open(context._c, os.fsdecode(source), key, early)
        return cls._of(c, (context,))

    @classmethod
    def bundle(cls, bundle, key):
        """The content of a file that export() made, signed by the owner of the public `key`, PEM."""
        return cls._of(native.collateral_new_bundle(bundle, key))

    @classmethod
    def trustee(cls, path, early=False):
        """Where Trustee keeps it: a file {"collaterals": ...}, or a directory like its kds-store.

        Of two answers of Intel's, `early` takes that which came earlier.
        """
        return cls._of(native.collateral_new_trustee(os.fsdecode(path), early))

    @classmethod
    def memory(cls, items=None):
        """Holds what add() gives it, and first of all `items`, bytes by name."""
        self = cls._of(native.collateral_new_memory())
        for name, data in (items or {}).items():
            self.add(name, data)
        return self

    @classmethod
    def http(
        cls,
        intel=None,
        amd=None,
        *,
        cache=None,
        tls_ca=None,
        proxy=None,
        no_proxy=None,
        early=False,
        context=None,
    ):
        """The services of the makers, or whoever stands for them at these addresses.

        intel, amd  an address; "" to ask nobody, None for the maker's own
        cache       directory that keeps what comes
        tls_ca      CAs to trust instead of the system's, PEM
        proxy       URL of a proxy, "" for none; the environment's if it and no_proxy are None
        no_proxy    hosts to reach directly, with commas between
        early       ask for answers that already demand what was published last
        context     log and cancellation of its requests
        """
        context = Context() if context is None else context
        self = cls._of(native.collateral_new_http(context._c, intel, amd), (context,))
        if cache is not None:
            native.collateral_set_cache(self._c, cache)
        if tls_ca is not None:
            native.collateral_set_tls_ca(self._c, tls_ca)
        if proxy is not None or no_proxy is not None:
            native.collateral_set_proxy(self._c, proxy, no_proxy)
        native.collateral_set_early(self._c, early)
        return self

    @classmethod
    def recorder(cls, inner):
        """Gets all from `inner`, which is used up, and remembers it for list() and export()."""
        return cls._of(native.collateral_new_recorder(inner._give()), inner._contexts)

    @classmethod
    def either(cls, first, second):
        """Asks `second` for what `first` does not have; both are used up."""
        contexts = first._contexts + second._contexts
        return cls._of(native.collateral_new_either(first._give(), second._give()), contexts)

    def share(self):
        """Another object for the same source, which may be used up by itself."""
        return self._of(native.collateral_share(self._c), self._contexts)

    def add(self, name, data, fetched=0):
        """Adds what is called `name` to a source of memory(), got at `fetched`, seconds since 1970."""
        native.collateral_add(self._c, name, data, fetched)

    def get(self, name):
        """The bytes of what is called `name`."""
        return native.collateral_get(self._c, name)

    def list(self):
        """What it has, a list of dicts: name, size, fetched, expires, and problem if there is one."""
        return json.loads(native.collateral_list(self._c))

    def export(self, key):
        """All that list() tells as a bundle, signed by the private `key`, PEM."""
        return native.collateral_export(self._c, key)

    def write(self, directory):
        """Writes all that list() tells to files beneath `directory`."""
        native.collateral_write_dir(self._c, directory)

    def _give(self):
        """The C object, which whoever asks owns from now on."""
        c, self._handle = self._c, None
        return c
