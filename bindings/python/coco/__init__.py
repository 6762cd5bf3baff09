"""Confidential containers: attest, get secrets, pull encrypted images.

    coco.Kbc("cc_kbc::https://kbs.example:8080").get("kbs:///default/key/1")
    coco.ImageClient(kbc=kbc).pull("ghcr.io/acme/app@sha256:…", "bundle")

Calls block, without holding the interpreter; Ctrl-C cancels them, and so does
Context.cancel(). What fails raises one of coco.errors. An object may be used by
one thread at a time. The key broker service itself is in coco.kbs.

SPDX-License-Identifier: Apache-2.0
"""

from . import errors, native
from ._attestation import (
    Attester,
    Check,
    Verdict,
    Verifier,
    allowances,
    software_tee_launch,
    software_tee_root,
    tee_detected,
    tees,
    verifier_tees,
)
from ._collateral import Collateral
from ._context import Context, LogLevel, Phase, Progress
from ._image import Image, ImageClient, ImageRef
from ._initdata import InitData, initdata_tees
from ._kbc import Admin, Kbc, PluginKbc, TeeKey, admin_token
from ._measure import Launch, Measured, TdxOrder, Vmm, cpu_signature, cpu_types, measure_tees
from ._references import References
from ._sealed import Sealer, Unsealer, sealed_inspect
from ._sev import SevOwner, SevPolicy
from ._store import Store
from ._token import TokenVerifier
from .errors import *  # noqa: F403

IMAGE_IGNORE_CHOWN = native.COCO_IMAGE_IGNORE_CHOWN
IMAGE_KEEP_RECIPIENTS = native.COCO_IMAGE_KEEP_RECIPIENTS
IMAGE_UNPROVED = native.COCO_IMAGE_UNPROVED
IMAGE_UNCHUNKED = native.COCO_IMAGE_UNCHUNKED
IMAGE_ALL_PLATFORMS = native.COCO_IMAGE_ALL_PLATFORMS
IMAGE_OVERLAY = native.COCO_IMAGE_OVERLAY
MEASURE_SEV_ES = native.COCO_MEASURE_SEV_ES


def version():
    """Version of libcoco at run time, such as "0.1.0"."""
    return native.version()


def supports(feature):
    """Whether this build of libcoco has an optional feature, such as "isal"."""
    return native.supports(feature)


def status_name(status):
    """Name of a status of an error, such as "COCO_ERR_VERIFY"."""
    return native.status_name(status)


__all__ = [
    "IMAGE_IGNORE_CHOWN",
    "IMAGE_KEEP_RECIPIENTS",
    "IMAGE_ALL_PLATFORMS",
    "IMAGE_UNPROVED",
    "IMAGE_UNCHUNKED",
    "IMAGE_OVERLAY",
    "MEASURE_SEV_ES",
    "Admin",
    "Attester",
    "Check",
    "Collateral",
    "Context",
    "Image",
    "ImageClient",
    "ImageRef",
    "InitData",
    "Kbc",
    "Launch",
    "LogLevel",
    "Measured",
    "Phase",
    "PluginKbc",
    "Progress",
    "References",
    "Sealer",
    "SevOwner",
    "SevPolicy",
    "Store",
    "TdxOrder",
    "TeeKey",
    "TokenVerifier",
    "Unsealer",
    "Verdict",
    "Verifier",
    "Vmm",
    "admin_token",
    "allowances",
    "cpu_signature",
    "cpu_types",
    "errors",
    "initdata_tees",
    "measure_tees",
    "sealed_inspect",
    "software_tee_launch",
    "software_tee_root",
    "status_name",
    "supports",
    "tee_detected",
    "tees",
    "verifier_tees",
    "version",
    *errors.__all__,
]
