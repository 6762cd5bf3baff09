"""A keyring of GnuPG in a directory of its own.

SPDX-License-Identifier: Apache-2.0
"""

import os
import subprocess

from conftest import needs


class Gpg:
    """GnuPG whose keys are of RSA, which all who read ocicrypt's images know."""

    def __init__(self, home):
        self.home = home
        home.mkdir(mode=0o700)
        self.env = os.environ | {"GNUPGHOME": str(home)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=self.env, check=True)

    def run(self, *args, password=""):
        return subprocess.run(
            [needs("gpg"), "--batch", "--yes", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--trust-model",
             "always", "--passphrase", password, *args],
            env=self.env, check=True, capture_output=True,
        ).stdout

    def add(self, name, password=""):
        """A key of NAME <NAME@example.org>, with one to encrypt to; files NAME.pub and NAME.sec, and the fingerprint."""
        self.run("--quick-gen-key", f"{name} <{name}@example.org>", "rsa2048", "default", "never", password=password)
        listed = self.run("--list-keys", "--with-colons", f"{name}@example.org").decode()
        fingerprint = next(line for line in listed.splitlines() if line.startswith("fpr:")).split(":")[9]
        self.run("--quick-add-key", fingerprint, "rsa2048", "encr", "never", password=password)
        (self.home / f"{name}.pub").write_bytes(self.run("--export", fingerprint))
        (self.home / f"{name}.sec").write_bytes(self.run("--export-secret-keys", fingerprint, password=password))
        return fingerprint
