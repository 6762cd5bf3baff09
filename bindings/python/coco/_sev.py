"""The owner's part in a launch on AMD SEV and SEV-ES.

SPDX-License-Identifier: Apache-2.0
"""

import enum

from . import native
from ._context import Handle


class SevPolicy(enum.IntFlag):
    """Bits of a policy; bits 16 to 31 are the oldest firmware that will do."""

    NO_DEBUG = native.COCO_SEV_NO_DEBUG
    NO_KEY_SHARING = native.COCO_SEV_NO_KEY_SHARING
    ENCRYPTED_STATE = native.COCO_SEV_ENCRYPTED_STATE  #: SEV-ES
    NO_SEND = native.COCO_SEV_NO_SEND
    DOMAIN = native.COCO_SEV_DOMAIN
    SEV_ONLY = native.COCO_SEV_SEV_ONLY


class SevOwner(Handle):
    """The owner of one guest, in one launch of it.

        owner = coco.SevOwner(coco.Verifier(), chain, coco.SevPolicy.NO_DEBUG)
        owner.certificate, owner.session            for who launches the guest
        owner.check(measurement, digest, api_major=1, api_minor=55, build_id=24)
        owner.add_secret("kbs:///default/key/1", key)
        owner.packet()                              for the firmware to inject

    verifier  whose roots of AMD count, and which collateral
    chain     the platform's certificates, as `sevctl export --full` writes them
    policy    of the guest
    """

    def __init__(self, verifier, chain, policy):
        super().__init__(native.sev_owner_new(verifier._c, chain, int(policy)))

    @classmethod
    def load(cls, state):
        """Goes on with a launch that was saved."""
        owner = cls.__new__(cls)
        Handle.__init__(owner, native.sev_owner_load(state))
        return owner

    def save(self):
        """What the owner knows, a str that is secret: for load()."""
        return native.sev_owner_save(self._c).decode()

    @property
    def certificate(self):
        """The owner's certificate (GODH): QEMU's dh-cert-file, before base64."""
        return native.sev_owner_get_certificate(self._c)

    @property
    def session(self):
        """QEMU's session-file, before base64."""
        return native.sev_owner_get_session(self._c)

    @property
    def key(self):
        """The owner's private key (PEM): for Verifier.set_private_key("sev", ...)."""
        return native.sev_owner_get_key(self._c)

    def add_secret(self, name, data):
        """Adds a secret by the name `kbs:///...`, which offline_sev_kbc has it by, or a GUID."""
        native.sev_owner_add_secret(self._c, name, data)

    def check(self, measurement, digest, *, api_major, api_minor, build_id):
        """Checks that what was launched has that digest, of 32 bytes.

        measurement  what the firmware answers, 48 bytes
        """
        firmware = native.sev_firmware(api_major=api_major, api_minor=api_minor, build_id=build_id)
        native.sev_owner_check(self._c, measurement, digest, firmware)

    def packet(self):
        """All secrets, for the launch that was checked: a header of 52 bytes, and what is behind it."""
        return native.sev_owner_get_packet(self._c)

    def evidence(self):
        """Evidence of the launch that was checked, a str, as Verifier.verify("sev", ...) reads it."""
        return native.sev_owner_get_evidence(self._c).decode()
