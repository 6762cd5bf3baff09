#!/usr/bin/env python3
"""Pull an image whose keys a key broker has into an OCI bundle: pull.py KBC REFERENCE DIRECTORY"""

import sys

import coco

with coco.Kbc(sys.argv[1]) as kbc, coco.ImageClient(kbc=kbc) as client:
    print(client.pull(sys.argv[2], sys.argv[3]).digest)
