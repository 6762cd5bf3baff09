"""A PostgreSQL server of Debian's, with a cluster of its own, on a socket in its directory.

SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import pytest

ACCOUNT = "postgres"  # it refuses to run as root


class Postgres:
    def __init__(self):
        programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        if not programs:
            pytest.skip("needs PostgreSQL")
        self.programs = programs[-1]
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="coco-postgres-"))
        self.account = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam(ACCOUNT)
            os.chown(self.dir, account.pw_uid, account.pw_gid)
            self.account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self.run("initdb", "-D", self.dir / "data", "-U", ACCOUNT, "-A", "trust", "-N", "--locale=C.UTF-8")
        # -F: what a crash of the machine would do is not tested.
        self.run("pg_ctl", "-D", self.dir / "data", "-w", "-s", "-l", self.dir / "log",
                 "-o", f"-F -k {self.dir} -c listen_addresses=''", "start")  # fmt: skip

    def run(self, program, *args):
        subprocess.run(
            [self.programs / program, *args], check=True, cwd=self.dir,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.account,
        )  # fmt: skip

    def config(self):
        """The section of a KBS that keeps its values here."""
        return (
            'storage_type = "Postgres"\n[storage_backend.backends.postgres]\n'
            f'host = "{self.dir}"\ndb = "postgres"\nusername = "{ACCOUNT}"\n'
        )

    def stop(self):
        self.run("pg_ctl", "-D", self.dir / "data", "-w", "-s", "-m", "immediate", "stop")
        shutil.rmtree(self.dir)
