"""Reference values, as files that are kept, signed and compared.

SPDX-License-Identifier: Apache-2.0
"""

import json
import time
import typing

from . import native
from ._context import Handle


class Reference(typing.NamedTuple):
    """What a claim must be."""

    name: str
    value: object  #: as json.loads() gives it: mostly a list of what is accepted
    expires: int  #: seconds since 1970; 0 where nobody said


class References(Handle):
    """A set of reference values, each by its own name.

        values = coco.References()
        values.add("mr_td", [digest])
        sealed = values.sign(key, signer="Ann")
        coco.References.open(sealed, public_key).check()

    It has a length and gives its values one after the other.
    """

    def __init__(self):
        super().__init__(native.references_new())

    @classmethod
    def _of(cls, c):
        self = cls.__new__(cls)
        Handle.__init__(self, c)
        return self

    @classmethod
    def parse(cls, data):
        """Reads values that nobody signed, bytes of any form that C knows."""
        return cls._of(native.references_parse(data))

    @classmethod
    def open(cls, data, key):
        """Reads values from a manifest that the owner of the public key, PEM, signed."""
        return cls._of(native.references_open(data, key))

    def add(self, name, value, *, expires=0, replace=False):
        """Adds to the list that is called name, or else a value that is not there yet.

        expires is in seconds since 1970; 0 keeps what there is, or is in a year.
        """
        native.references_add(self._c, name, json.dumps(value), int(expires), bool(replace))

    def remove(self, name):
        """Removes what is under name; raises NotFoundError if there is nothing."""
        native.references_remove(self._c, name)

    def __iter__(self):
        i = 0
        while (name := native.references_name(self._c, i)) is not None:
            value = json.loads(native.references_value(self._c, i))
            yield Reference(name, value, native.references_expires(self._c, i))
            i += 1

    def __len__(self):
        return sum(1 for _ in self)

    @property
    def signer(self):
        """Who signed them, as he calls himself; None unless open() made this."""
        return native.references_signer(self._c)

    def check(self, now=None):
        """Raises VerifyError, with its name, if a value is not good now."""
        native.references_check(self._c, int(time.time() if now is None else now))

    def format(self, form="json"):
        """The bytes of a file: "json", "values", "rvps" or "corim"."""
        return native.references_format(self._c, form)

    def sign(self, key, *, signer):
        """The bytes of a manifest signed by the private key, PEM."""
        return native.references_sign(self._c, key, signer)

    def diff(self, other):
        """How other differs, a list of dicts, empty if it does not."""
        return json.loads(native.references_diff(self._c, other._c))

    def compare(self, tee, claims):
        """How they and the claims of a verdict, a dict, differ: a list of dicts."""
        return json.loads(native.references_compare(self._c, tee, json.dumps(claims)))
