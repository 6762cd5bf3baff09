"""What a launch will measure, before it boots.

SPDX-License-Identifier: Apache-2.0
"""

import enum
import typing

from . import native
from ._context import Handle


class Vmm(enum.IntEnum):
    """What runs guests."""

    QEMU = native.COCO_VMM_QEMU
    EC2 = native.COCO_VMM_EC2
    GCE = native.COCO_VMM_GCE


class TdxOrder(enum.IntEnum):
    """In which order a VMM adds pages to a TD and extends MRTD with them."""

    BY_PAGE = native.COCO_TDX_BY_PAGE
    BY_SECTION = native.COCO_TDX_BY_SECTION


class Measured(typing.NamedTuple):
    """A reference value of a launch."""

    name: str  #: as Trustee's policies ask for it
    claim: str | None  #: of a verdict, with dots into objects; None for a digest of an event
    value: str | None  #: hex; None if it cannot be known
    note: str  #: what it takes for granted, or why it cannot be known
    single: bool  #: whether policies compare it itself, not a list that it is in


class Launch(Handle):
    """A guest that is to be launched, of the bytes of its files.

        launch = coco.Launch(firmware=ovmf, kernel=bzimage, initrd=initrd, cmdline="quiet")
        launch.measure("snp", vcpus=4, cpu_signature=coco.cpu_signature("EPYC-Milan"))
    """

    def __init__(self, *, firmware=None, kernel=None, initrd=None, cmdline=None):
        super().__init__(native.launch_new())
        if firmware is not None:
            native.launch_set_firmware(self._c, firmware)
        if kernel is not None:
            native.launch_set_kernel(self._c, kernel)
        if initrd is not None:
            native.launch_set_initrd(self._c, initrd)
        if cmdline is not None:
            native.launch_set_cmdline(self._c, cmdline)

    def measure(self, tee, **options):
        """What will be measured of it, a list of Measured.

        Takes the members of the C struct coco_measure_options as keywords.
        """
        found = native.measure(self._c, tee, native.measure_options(**options))
        values = []
        while (name := native.measurement_name(found, len(values))) is not None:
            i = len(values)
            values.append(
                Measured(
                    name,
                    native.measurement_claim(found, i),
                    native.measurement_value(found, i),
                    native.measurement_note(found, i),
                    native.measurement_single(found, i),
                )
            )
        return values


def _names(get):
    names = []
    while (name := get(len(names))) is not None:
        names.append(name)
    return names


def measure_tees():
    """The TEEs whose measurements can be computed."""
    return _names(native.measure_tee)


def cpu_types():
    """The CPU types of QEMU that cpu_signature() knows."""
    return _names(native.cpu_type)


def cpu_signature(type):
    """What CPUID 1 has in eax of a CPU: "EPYC-Milan", or family, model and stepping: "25-1-1"."""
    signature = native.cpu_signature_of(type)
    if signature == 0:
        raise ValueError(f"{type!r} is no CPU that is known here")
    return signature
