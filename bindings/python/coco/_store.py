"""Stores: layers of images, unpacked once.

SPDX-License-Identifier: Apache-2.0
"""

import json

from . import native
from ._context import Handle, call


class Store(Handle):
    """A directory of unpacked layers and what is known of the images they are of.

        ImageClient(store=coco.Store("/var/lib/coco")).pull("ghcr.io/acme/app@sha256:…", "bundle")

    Layers that images have in common are fetched and unpacked once. Several processes may use
    one at once.
    """

    def __init__(self, directory):
        super().__init__(native.store_open(directory))

    def list(self, *, context=None):
        """What is in it, as a dict: images, bundles and trees."""
        return json.loads(call(context, native.store_list, self._c))

    def forget(self, image, *, context=None):
        """Forgets an image, by its digest or a reference as it was pulled by."""
        call(context, native.store_forget, self._c, image)

    def collect(self, *, context=None):
        """Removes the layers that no image and no bundle has; the bytes of content that went."""
        return call(context, native.store_collect, self._c)

    def verify(self, *, context=None):
        """Looks whether all files are as they were unpacked: a dict with what is bad."""
        return json.loads(call(context, native.store_verify, self._c))

    def release(self, directory, *, context=None):
        """Unmounts and removes a bundle that was pulled with `flags=coco.IMAGE_OVERLAY`."""
        call(context, native.store_release, self._c, directory)
