#!/usr/bin/env python3
"""Check that lib/<layer>/x.c has a tests/<layer>/test_x.c, and the other way round.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import sys

TOP = pathlib.Path(sys.argv[1])

# Nothing of its own to test: exercised by the tests of every other file.
UNTESTED = {
    "base/sink": "two lines over base/buf",
    "base/version": "a table that the e2e tests print",
    "crypto/openpgp_none": "nothing but refusals, in builds without RNP",
    "httpd/connection": "goes through httpd/server",
    "httpd/peer": "the inside of httpd/reading and httpd/sending",
    "image/images": "the inside of image/encrypt, image/decrypt and image/rekey",
    "image/transfer": "the inside of image/push, image/encrypt, image/decrypt and image/rekey",
    "kbs/schema": "the SQL of kbs/store",
    "kbs/store_list": "the inside of kbs/store",
    "kbs/table": "the inside of kbs/store",
    "net/hop": "the inside of net/http",
    "signature/sigstore": "the inside of signature/cosign and signature/provenance",
    "softtee/fs": "goes through tests/cli/test_tee.py",
}


def names(folder, prefix):
    top = TOP / folder
    return {
        f"{path.parent.relative_to(top)}/{path.stem.removeprefix(prefix)}"
        for path in top.glob(f"*/{prefix}*.c")
    }


code = names("lib", "")
tests = names("tests", "test_")
layers = {name.split("/")[0] for name in code}
problems = [f"lib/{name}.c has no test" for name in sorted(code - tests - UNTESTED.keys())]
problems += [
    f"tests/{name}.c tests no file of lib/"
    for name in sorted(tests - code)
    if name.split("/")[0] in layers
]
problems += [f"{name}: has a test, drop it from UNTESTED" for name in sorted(UNTESTED.keys() & tests)]
print("\n".join(problems) or "mirror: ok")
sys.exit(bool(problems))
