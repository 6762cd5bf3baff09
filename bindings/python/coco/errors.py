"""One exception for each way a call can fail.

Catch what you can act on, or Error for all of them. Many are kinds of Python's
own as well: a DeniedError is a PermissionError.

SPDX-License-Identifier: Apache-2.0
"""

from . import native


class Error(Exception):
    """A call into libcoco failed."""

    status = None

    def __init__(self, message, errno=0):
        super().__init__(message)
        self.errno = errno


class NoMemoryError(Error, MemoryError):
    """Out of memory."""

    status = native.COCO_ERR_NOMEM


class InvalidError(Error, ValueError):
    """The caller broke the contract of the call."""

    status = native.COCO_ERR_INVALID


class NotFoundError(Error, LookupError):
    """No such image, resource, key or file."""

    status = native.COCO_ERR_NOTFOUND


class NotSupportedError(Error):
    """Known but not supported by this build or machine."""

    status = native.COCO_ERR_NOTSUP


class SystemIOError(Error, OSError):
    """The system failed; see errno."""

    status = native.COCO_ERR_IO


class NetworkError(Error, ConnectionError):
    """The peer could not be reached, or TLS failed."""

    status = native.COCO_ERR_NET


class ProtocolError(Error, ValueError):
    """Input from outside is malformed."""

    status = native.COCO_ERR_PROTO


class LimitError(Error):
    """Input from outside is larger than allowed."""

    status = native.COCO_ERR_LIMIT


class VerifyError(Error):
    """A digest, signature or measurement differs."""

    status = native.COCO_ERR_VERIFY


class DeniedError(Error, PermissionError):
    """A policy or the peer said no."""

    status = native.COCO_ERR_DENIED


class CanceledError(Error):
    """The context was canceled."""

    status = native.COCO_ERR_CANCELED


# C raises them by the name of the status.
COCO_ERR_NOMEM = NoMemoryError
COCO_ERR_INVALID = InvalidError
COCO_ERR_NOTFOUND = NotFoundError
COCO_ERR_NOTSUP = NotSupportedError
COCO_ERR_IO = SystemIOError
COCO_ERR_NET = NetworkError
COCO_ERR_PROTO = ProtocolError
COCO_ERR_LIMIT = LimitError
COCO_ERR_VERIFY = VerifyError
COCO_ERR_DENIED = DeniedError
COCO_ERR_CANCELED = CanceledError

__all__ = [name for name, value in list(globals().items()) if name.endswith("Error") and isinstance(value, type)]
