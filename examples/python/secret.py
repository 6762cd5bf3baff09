#!/usr/bin/env python3
"""Get a secret from a key broker and write it to stdout: secret.py KBC kbs:///default/key/1"""

import sys

import coco

sys.stdout.buffer.write(coco.Kbc(sys.argv[1]).get(sys.argv[2]))
