"""What encrypting and decrypting an image cost, beside what the cipher and the MAC alone do.

    crypt.py --build BUILD [MIB]

A layout with one layer of random bytes is encrypted and decrypted into other layouts, on one core and on two. `openssl
speed` says what AES-256-CTR and HMAC-SHA256 of as many bytes take on one core: that is the yardstick.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests/cli"))

from layout import Layout, sha256  # noqa: E402

MIB = 1 << 20
ROUNDS = 3
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("COCO_")}


def speed(*what):
    """MiB a second of openssl speed, at 16 KiB a piece."""
    done = subprocess.run(["openssl", "speed", "-elapsed", "-seconds", "1", "-bytes", "16384", *what],
                          capture_output=True, text=True, check=True)
    return float(re.findall(r"([\d.]+)k$", done.stdout, flags=re.M)[-1]) * 1000 / MIB


def make(layout, size):
    data = os.urandom(size)
    layout.add_image("app", [{"a": b"b"}])
    manifest, config = layout.manifest("app"), layout.config("app")
    digest = layout.put(data)
    manifest["layers"] = [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": size}]
    config["rootfs"]["diff_ids"] = [digest]
    assert digest == sha256(data)
    layout.set_manifest("app", manifest)
    layout.set_config("app", config)


def measure(cores, *args):
    """Seconds that the command takes on so many cores, the least of some rounds."""
    taken = []
    for _ in range(ROUNDS):
        start = time.monotonic()
        subprocess.run(["taskset", "-c", cores, *map(str, args)], check=True, capture_output=True, env=ENVIRONMENT)
        taken.append(time.monotonic() - start)
    return min(taken)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("mib", type=int, nargs="?", default=512)
    options = parser.parse_args()
    coco = options.build / "cli/coco"
    aes, hmac, digest = speed("-evp", "aes-256-ctr"), speed("-hmac", "sha256"), speed("-evp", "sha256")
    yardstick = 1 / (1 / aes + 1 / hmac)
    print(f"openssl: AES-256-CTR {aes:.0f}, HMAC-SHA256 {hmac:.0f}, SHA-256 {digest:.0f}, both of the first {yardstick:.0f} MiB/s")
    # In memory: a disk is slower than all of it.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        top = pathlib.Path(name)
        plain = Layout(top / "plain")
        make(plain, options.mib * MIB)
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", top / "key"],
                       check=True, capture_output=True)
        subprocess.run(["openssl", "pkey", "-in", top / "key", "-pubout", "-out", top / "pub"], check=True)
        encrypt = [coco, "image", "encrypt", "--recipient", f"jwe:{top}/pub", plain.ref("app")]
        for cores in "0", "0,1":
            n = len(cores.split(","))
            sealed, opened = f"oci:{top}/sealed{n}:app", f"oci:{top}/opened{n}:app"
            for what, command in (
                ("encrypt, unproved", [*encrypt, "--no-proof", sealed]),
                ("encrypt", [*encrypt, sealed]),
                ("decrypt", [coco, "image", "decrypt", "--key", top / "key", sealed, opened]),
            ):
                rate = options.mib / measure(cores, *command)
                print(json.dumps({"what": what, "cores": n, "mib_s": round(rate), "of_openssl": round(rate / yardstick, 2)}))


main()
