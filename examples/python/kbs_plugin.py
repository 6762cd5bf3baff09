#!/usr/bin/env python3
"""A key broker service with a plug-in of one's own: kbs_plugin.py FILE, a configuration

It serves until its input ends. An attested guest asks what the KBS knows of it:
coco resource get kbs+whoami:///claims
"""

import json
import pathlib
import sys

import coco
import coco.kbs

POLICY = """package policy
import rego.v1
default allow := false
allow if data.plugin == "whoami"
"""


class WhoAmI:
    name = "whoami"

    # Without access(), guests may GET: who gets here has attested, and the policy has let it in.
    def handle(self, request):
        if request.path != "claims":
            raise coco.NotFoundError("there are claims, and nothing else")
        return json.dumps(request.claims).encode()  # encrypted to the guest's key


kbs = coco.kbs.Kbs(pathlib.Path(sys.argv[1]).read_text())
kbs.add_plugin(WhoAmI())
kbs.set_resource_policy(POLICY)
with kbs:
    print(kbs.url, flush=True)
    sys.stdin.read()
