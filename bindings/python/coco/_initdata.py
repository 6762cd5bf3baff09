"""Init data: configuration that a host passes to a confidential machine at its start.

SPDX-License-Identifier: Apache-2.0
"""

from . import native
from ._context import Handle


class InitData(Handle):
    """One document.

        doc = coco.InitData.build({"aa.toml": text}, algorithm="sha384")
        doc.field("tdx")     # what MRCONFIGID holds of a TD that was started with it

    Made by parse() or build(). `files` are its texts by name.
    """

    @classmethod
    def parse(cls, text):
        """Reads TOML, or what Kata's annotation cc_init_data holds."""
        return cls(native.initdata_parse(text))

    @classmethod
    def build(cls, files, *, algorithm="sha384"):
        """Makes a document of a dict of texts by name."""
        self = cls(native.initdata_new(algorithm))
        for name, content in files.items():
            native.initdata_add(self._c, name, content)
        return self

    @property
    def text(self):
        """The document, TOML; its digest is over just this."""
        return native.initdata_text(self._c)

    @property
    def algorithm(self):
        return native.initdata_algorithm(self._c)

    @property
    def files(self):
        texts = {}
        while (name := native.initdata_name(self._c, len(texts))) is not None:
            texts[name] = native.initdata_content(self._c, len(texts))
        return texts

    @property
    def digest(self):
        """The digest, bytes."""
        return native.initdata_digest(self._c)

    @property
    def annotation(self):
        """What Kata's annotation io.katacontainers.config.hypervisor.cc_init_data holds."""
        return native.initdata_annotation(self._c).decode()

    def field(self, tee):
        """What evidence of a machine that was started with it holds."""
        return native.initdata_field(self._c, tee)

    def check(self, tee, field):
        """Raises VerifyError unless `field`, of evidence that holds, is that of the document."""
        native.initdata_check(self._c, tee, field)


def initdata_tees():
    """Where TEEs keep the digest of init data, by their names."""
    places = {}
    while (tee := native.initdata_tee(len(places))) is not None:
        places[tee] = native.initdata_place(tee)
    return places
