"""Certificates made for one test.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess

from conftest import needs


def openssl(*args, stdin=None):
    subprocess.run([needs("openssl"), *map(str, args)], input=stdin, check=True, capture_output=True)


class CA:
    """A CA in top, of that name."""

    def __init__(self, top, name):
        self.top, self.name = top / name, name
        self.top.mkdir()
        self.cert, self.key = self.top / "ca.crt", self.top / "ca.pem"
        openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
            "-keyout", self.key, "-out", self.cert,
        )

    def sign(self, name, extension):
        """Certificate and key of that name."""
        cert, key, request = (self.top / f"{name}.{end}" for end in ("cert", "key", "csr"))
        openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", key, "-out", request,
        )
        (self.top / "extensions").write_text(extension)
        openssl(
            "x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-days", "2",
            "-extfile", self.top / "extensions", "-out", cert,
        )
        return cert, key
