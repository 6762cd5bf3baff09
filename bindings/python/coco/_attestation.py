"""Evidence: who collects it and who verifies it.

SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import json

from . import native
from ._context import Handle, call


def tees():
    """Names of the TEEs this build can attest, in order of detection."""
    return [native.tee_name(i) for i in range(native.tee_count())]


def tee_detected(tee):
    """Whether `tee` is what this machine is, judged by its devices."""
    return native.tee_detected(tee)


def software_tee_launch(directory, launch, init_data=None):
    """Boots a software TEE: makes the directory hold what the TEE "software" attests.

    `launch` is what boots, any bytes; `init_data` what the host passed along.
    """
    native.software_tee_launch(directory, launch, init_data)


def software_tee_root(directory):
    """Root key of the software TEE in `directory` as PEM, for Verifier.trust_key()."""
    return native.software_tee_root(directory)


class Attester(Handle):
    """Collects evidence of one TEE: of the one that is named, or of the one detected."""

    def __init__(self, tee=None):
        super().__init__(native.attester_new(tee))

    @classmethod
    def software(cls, directory):
        """The attester of the software TEE that was launched in `directory`."""
        self = cls.__new__(cls)
        Handle.__init__(self, native.attester_new_software(directory))
        return self

    @property
    def tee(self):
        """Name of the TEE, such as "sample"."""
        return native.attester_tee(self._c)

    def collect(self, report_data, *, context=None):
        """Evidence, JSON text, that holds the 1 to 64 bytes of `report_data`."""
        return call(context, native.attester_collect, self._c, report_data).decode()

    @property
    def register_alg(self):
        """Algorithm of the registers that can be extended, such as "sha384"; None without them."""
        return native.attester_register_alg(self._c)

    def extend(self, pcr, digest):
        """Extends the register that plays the part of PCR `pcr`: a measurement at run time."""
        native.attester_extend(self._c, pcr, digest)

    def read_register(self, pcr):
        """What the register that plays the part of PCR `pcr` holds."""
        return native.attester_read_register(self._c, pcr)

    def measure(self, domain, operation, content, *, pcr=17):
        """Measures an event: extends a register and appends it to the log that evidence has."""
        native.attester_measure(self._c, pcr, domain, operation, content)

    def bind_init_data(self, digest):
        """Makes sure that the machine was started with init data of `digest`."""
        native.attester_bind_init_data(self._c, digest)

    def _give(self):
        """The C object, which whoever asks owns from now on."""
        c, self._handle = self._c, None
        return c


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing a verdict rests on."""

    name: str
    ok: bool
    want: str
    got: str
    allowed: bool  # not to hold
    hint: str  # what to do where it does not


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What evidence came to. Believe `claims` only if it is `valid`; bool() says the same."""

    valid: bool
    claims: dict
    checks: tuple

    def __bool__(self):
        return self.valid

    @classmethod
    def _of(cls, c):
        checks = (
            Check(
                native.verdict_check_name(c, i),
                native.verdict_check_ok(c, i),
                native.verdict_check_want(c, i),
                native.verdict_check_got(c, i),
                native.verdict_check_allowed(c, i),
                native.verdict_check_hint(c, i),
            )
            for i in range(native.verdict_check_count(c))
        )
        return cls(native.verdict_valid(c), json.loads(native.verdict_claims(c)), tuple(checks))


def verifier_tees():
    """Names of the TEEs whose evidence can be verified."""
    return _names(native.verifier_tee)


def allowances():
    """Names of the checks that Verifier.allow() takes."""
    return _names(native.verifier_allowance)


def _names(get):
    names = []
    while (name := get(len(names))) is not None:
        names.append(name)
    return names


class Verifier(Handle):
    """Trust anchors and rules. A new one trusts the makers of hardware, and no software."""

    def __init__(self):
        super().__init__(native.verifier_new())
        self._contexts = ()

    def allow_sample(self):
        """Accepts evidence of the TEE "sample", which anybody can make. For tests."""
        native.verifier_allow_sample(self._c)

    def allow(self, check):
        """Lets evidence be valid that fails `check`, one of allowances()."""
        native.verifier_allow(self._c, check)

    def trust_key(self, tee, key):
        """Accepts evidence of `tee` ("software", "tpm", "cca") that rests on `key`, PEM; for "cca"
        also a store of trust anchors as Trustee keeps them, JSON."""
        native.verifier_trust_key(self._c, tee, key)

    def set_private_key(self, tee, key):
        """Gives the verifier the private key of who asks for evidence of `tee` ("sev", "se")."""
        native.verifier_set_private_key(self._c, tee, key)

    def trust_root(self, maker, fingerprint):
        """Accepts certificates of `maker` whose root has that SHA-256, "sha256:" and hex."""
        native.verifier_trust_root(self._c, maker, fingerprint)

    def set_time(self, now):
        """Verifies as if it were `now`, seconds since 1970; 0 for the machine's clock."""
        native.verifier_set_time(self._c, now)

    def set_collateral(self, collateral):
        """Takes certificates and the like from `collateral`, which is used up."""
        native.verifier_set_collateral(self._c, collateral._give())
        self._contexts = collateral._contexts

    def verify(self, tee, evidence, report_data, init_data=None):
        """The Verdict on `evidence` of `tee`.

        It must be bound to `report_data` and, where that is given, to init data that has
        the digest `init_data`.
        """
        binding = native.binding_new()
        native.binding_set_report_data(binding, report_data)
        if init_data is not None:
            native.binding_set_init_data(binding, init_data)
        return Verdict._of(native.verify(self._c, tee, evidence, binding))
