#!/usr/bin/env python3
"""Attest this machine to a key broker and print its token: attest.py KBC"""

import sys

import coco

print(coco.Kbc(sys.argv[1]).attest())
