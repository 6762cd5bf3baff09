#!/usr/bin/env python3
"""Install into an empty directory and use what is there, as a program outside the tree does.

A generated program names every public function, so that each must be exported
by the shared library and be in the static one. Python imports the package.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

MAIN = """\
%(includes)s
#include <stdio.h>

typedef void any(void);
static any *volatile all[] = {
%(functions)s
};

int
main(void)
{
    size_t n = 0;

    while (n < sizeof(all) / sizeof(all[0]) && all[n])
        n++;
    return printf("%%s %%zu\\n", coco_version(), n) < 0;
}
"""
# Of a library that a program, such as one with plug-ins, loads and gives up again.
STAYS = """\
import _ctypes, sys
_ctypes.dlclose(_ctypes.dlopen(sys.argv[1], 0))
sys.exit(sys.argv[1] not in open("/proc/self/maps").read())
"""
# Headers of libraries other than libcoco.
SERVER = {"kbs.h", "kbs_plugin.h"}


def run(*command, **env):
    done = subprocess.run(
        command, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Installed:
    """The tree that `meson install` made."""

    def __init__(self, meson, build, top):
        run(*meson, "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", top)
        pcs = sorted(pathlib.Path(top).rglob("libcoco.pc"))
        if len(pcs) != 1:
            sys.exit(f"libcoco.pc is installed {len(pcs)} times")
        self.pc = pcs[0].parent
        self.lib = self.pc.parent
        prefix = re.search(r"^prefix=(.*)", pcs[0].read_text(), re.M)[1]
        self.prefix = f"{top}{prefix}"
        self.include = pathlib.Path(self.prefix) / "include/coco"

    def flags(self, *args):
        """What pkg-config says, for the place where the tree really is."""
        return run(
            "pkg-config", f"--define-variable=prefix={self.prefix}", *args, PKG_CONFIG_PATH=str(self.pc)
        ).split()

    def static_flags(self, packages):
        """For our archives, and the shared libraries of what they need: few systems have all static."""
        flags = self.flags("--cflags", *packages)
        # Debian's static libcurl alone needs ten packages more, so --static goes one level deep.
        for package in packages:
            needs = self.flags("--print-requires-private", package)
            others = [name for name in needs if re.match(r"[a-z]", name) and name not in packages]
            text = (self.pc / f"{package}.pc").read_text()
            private = re.search(r"^Libs\.private: (.*)", text, re.M)
            flags += [f"-L{self.lib}", f"-l:{package}.a", *self.flags("--libs", *others)]
            flags += [f for f in private[1].split() if not f.startswith("-L")] if private else []
        return flags


def functions(header):
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
    for declaration in re.findall(r"\bCOCO_API\b([^;{]*);", text):
        yield re.search(r"\b(coco_\w+)\s*\(", declaration)[1]


def link(installed, packages, headers, static, out):
    names = [name for header in headers for name in functions(header)]
    source = out.with_suffix(".c")
    source.write_text(MAIN % {
        "includes": "\n".join(f"#include <coco/{h.name}>" for h in headers),
        "functions": "\n".join(f"    (any *){name}," for name in names),
    })
    flags = installed.static_flags(packages) if static else installed.flags("--cflags", "--libs", *packages)
    run("cc", "-Wall", "-Wextra", "-Werror", "-std=c11", "-o", out, source, *flags)
    needed = "libcoco" in run("readelf", "-d", out)
    if needed == static:
        sys.exit(f"{out.name}: {'needs' if needed else 'does not need'} the shared library")
    said = run(out, LD_LIBRARY_PATH=str(installed.lib)).split()
    if said[1] != str(len(names)):
        sys.exit(f"{out.name}: {said[1]} of {len(names)} functions")
    version = installed.flags("--modversion", "libcoco")[0]
    if said[0] != version:
        sys.exit(f"{out.name}: version {said[0]}, but pkg-config says {version}")
    print(f"{out.name}: linked {said[1]} functions of {' and '.join(packages)}")


def stays(installed, name):
    """A thread that looks up a name may outlive its call: its code must not go."""
    path = (installed.lib / f"lib{name}.so").resolve()
    run(sys.executable, "-c", STAYS, path, LD_LIBRARY_PATH=str(installed.lib))
    print(f"{name}: stays where it was loaded")


def keeps_to_itself(installed, name):
    """It calls its own functions, whichever other copy of it is in the process."""
    relocations = run("readelf", "-rW", installed.lib / f"lib{name}.so")
    names = sorted(set(re.findall(r"\bcoco_\w+", relocations)))
    if names:
        sys.exit(f"{name}: {', '.join(names)}: may be of another copy")
    print(f"{name}: calls its own functions")


def use_python(installed, python, top):
    package = next(pathlib.Path(top).rglob("coco/__init__.py"), None)
    if package is None:
        sys.exit("the Python package is not installed")
    said = run(
        python, "-c", "import coco; print(coco.__file__, coco.version())",
        LD_LIBRARY_PATH=str(installed.lib), PYTHONPATH=str(package.parent.parent),
        PYTHONDONTWRITEBYTECODE="1",
    ).split()
    if said[0] != str(package):
        sys.exit(f"imported {said[0]}, not {package}")
    print(f"python: imported {said[1]}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--meson", nargs="+", required=True)
    parser.add_argument("--python")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coco-install-") as top:
        installed = Installed(options.meson, options.build, f"{top}/root")
        headers = [h for h in sorted(installed.include.glob("*.h")) if any(functions(h))]
        guest = [h for h in headers if h.name not in SERVER]
        for static in (False, True):
            kind = "static" if static else "shared"
            link(installed, ["libcoco"], guest, static, pathlib.Path(top, f"guest-{kind}"))
            server = pathlib.Path(top, f"server-{kind}")
            link(installed, ["libcoco-kbs", "libcoco"], headers, static, server)
        for name in ("coco", "coco-kbs"):
            stays(installed, name)
            keeps_to_itself(installed, name)
        # Where a KBS looks for it; it says what it is.
        engine = next(pathlib.Path(f"{top}/root").rglob("libexec/coco-policy"), None)
        if engine and subprocess.run([engine], capture_output=True, check=False).returncode != 2:
            sys.exit("coco-policy does not start")
        print(f"coco-policy: {'installed' if engine else 'not built'}")
        if options.python:
            use_python(installed, options.python, f"{top}/root")


main()
