"""What encrypting and decrypting an image cost, beside what the cipher and the MAC alone do.

    crypt.py --build BUILD [--scratch FOLDER] [MIB]

`openssl speed` says what AES-256-CTR and HMAC-SHA256 of as many bytes take on one core: that is the yardstick. First come the
library's cipher and its MAC from memory to memory, with the digest of the encrypted blob beside them on the other core. Then
a layout with one layer of random bytes is encrypted and decrypted into other layouts, on one core and on two, and the most
memory that the command ever had is told with each: it computes one digest more, that of the source, and one that decrypting
compares. By default all lies in memory, for a disk is slower than all of it.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests/cli"))

from layout import Layout  # noqa: E402

MIB = 1 << 20
ROUNDS = 3
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("COCO_")}


def speed(*what):
    """MiB a second of openssl speed, at 16 KiB a piece."""
    done = subprocess.run(["openssl", "speed", "-elapsed", "-seconds", "1", "-bytes", "16384", *what],
                          capture_output=True, text=True, check=True)
    return float(re.findall(r"([\d.]+)k$", done.stdout, flags=re.M)[-1]) * 1000 / MIB


def tell(mib_s, yardstick, **what):
    print(json.dumps({**what, "mib_s": round(mib_s), "of_openssl": round(mib_s / yardstick, 2)}), flush=True)


def cipher(build, yardstick):
    done = subprocess.run([build / "bench/cipher", "256"], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        what, mib_s = line.split()
        tell(float(mib_s), yardstick, what=f"{what}, the layer alone", cores=2)


def make(layout, size):
    layout.add_image("app", [{"a": b"b"}])
    manifest, config = layout.manifest("app"), layout.config("app")
    digest = hashlib.sha256()
    blob = layout.path / "layer"
    with open(blob, "wb") as out:
        for _ in range(size // MIB):
            piece = os.urandom(MIB)
            digest.update(piece)
            out.write(piece)
    digest = f"sha256:{digest.hexdigest()}"
    blob.rename(layout.blob(digest))
    manifest["layers"] = [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": size}]
    config["rootfs"]["diff_ids"] = [digest]
    layout.set_manifest("app", manifest)
    layout.set_config("app", config)


def run(cores, *args):
    """Seconds that the command takes on so many cores, and the KiB that it had at most."""
    start = time.monotonic()
    with subprocess.Popen(["taskset", "-c", cores, *map(str, args)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env=ENVIRONMENT) as child:
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, args
    return time.monotonic() - start, used.ru_maxrss


def measure(cores, result, *args):
    """The least time of some rounds, and the most memory. What one round wrote is gone before the next."""
    runs = []
    for _ in range(ROUNDS):
        shutil.rmtree(result, ignore_errors=True)
        runs.append(run(cores, *args))
    return min(seconds for seconds, _ in runs), max(kib for _, kib in runs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--scratch", type=pathlib.Path, default="/dev/shm")
    parser.add_argument("mib", type=int, nargs="?", default=512)
    options = parser.parse_args()
    coco = options.build / "cli/coco"
    aes, hmac, digest = speed("-evp", "aes-256-ctr"), speed("-hmac", "sha256"), speed("-evp", "sha256")
    yardstick = 1 / (1 / aes + 1 / hmac)
    print(f"openssl: AES-256-CTR {aes:.0f}, HMAC-SHA256 {hmac:.0f}, SHA-256 {digest:.0f}, both of the first {yardstick:.0f} MiB/s")
    cipher(options.build, yardstick)
    with tempfile.TemporaryDirectory(dir=options.scratch) as name:
        top = pathlib.Path(name)
        plain = Layout(top / "plain")
        make(plain, options.mib * MIB)
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", top / "key"],
                       check=True, capture_output=True)
        subprocess.run(["openssl", "pkey", "-in", top / "key", "-pubout", "-out", top / "pub"], check=True)
        encrypt = [coco, "image", "encrypt", "--recipient", f"jwe:{top}/pub", plain.ref("app")]
        sealed, opened = f"oci:{top}/sealed:app", f"oci:{top}/opened:app"
        for cores in "0", "0,1":
            for what, result, command in (
                ("encrypt, unproved", "sealed", [*encrypt, "--no-proof", sealed]),
                ("encrypt", "sealed", [*encrypt, sealed]),
                ("decrypt", "opened", [coco, "image", "decrypt", "--key", top / "key", sealed, opened]),
            ):
                seconds, kib = measure(cores, top / result, *command)
                tell(options.mib / seconds, yardstick, what=what, cores=len(cores.split(",")), peak_mib=round(kib / 1024, 1))


main()
