#!/usr/bin/env python3
"""Memory of a pull, and where its bytes go, whatever the layer holds.

    bench/memory.py --build BUILD [--layer noise-64,sparse-20480] [--form gzip,zstd,encrypted]

Pulls an image of one layer from docker-registry and prints the peak of resident memory and the
bytes written, which are to be those of the files and no others: a blob that was written somewhere
on its way would show. Layers are:

    noise-N   a file of N MiB that compresses to a half
    zeros-N   a file of N MiB of zeros, which compresses to a thousandth
    sparse-N  a file of N MiB with 10,000 pieces of data of 2 KiB, a GNU sparse file
    files-N   N files of up to 200 bytes

Fails where more memory is needed than the form may take, 24 MiB and for zstd with its windows
32 MiB, or a twentieth more is written than the content.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import os
import shutil
import sys

import images
import pull


RSS_MAX = {"gzip": 24 * images.MIB, "encrypted": 24 * images.MIB, "zstd": 32 * images.MIB}
RUNS, RUN = 10000, 2048

# Kind of layer: how its tar is written, and the bytes of its files that are data
KINDS = {
    "noise": (lambda out, n: images.write_noise(out, n * images.MIB), lambda n: n * images.MIB),
    "zeros": (lambda out, n: images.write_zeros(out, n * images.MIB), lambda n: n * images.MIB),
    "sparse": (lambda out, n: images.write_sparse(out, n * images.MIB, RUNS, RUN), lambda n: RUNS * RUN),
    "files": (images.write_many, lambda n: sum(i % 200 for i in range(n))),
}


def one(bench, registry, layer, form):
    kind, _, number = layer.partition("-")
    write, content = KINDS[kind]
    plain = "gzip" if form == "encrypted" else form
    layout = images.build_one(bench.cache / f"{layer}-{plain}", lambda out: write(out, int(number)), plain)
    ref = f"{registry.host}/bench/{layer}-{form}:t"
    target = ["--plain-http", f"oci:{layout}:t", f"docker://{ref}"]
    recipient = ["--recipient", f"jwe:{bench.key}.pub"] if form == "encrypted" else []
    verb = "encrypt" if form == "encrypted" else "push"
    pull.run([bench.coco, "image", verb, *recipient, *target])
    cost = bench.measure(bench.pull(ref, form), registry)
    blob = sum(path.stat().st_size for path in images.layers_of(layout))
    return cost, blob, cost["written"] / content(int(number))


def main():
    parser = argparse.ArgumentParser(description="measure the memory of pulls")
    parser.add_argument("--build", required=True, help="build directory")
    parser.add_argument("--layer", default="noise-64,noise-1024,zeros-2048,sparse-20480,files-100000")
    parser.add_argument("--form", default="gzip,zstd,encrypted")
    parser.add_argument("--scratch", help="where images are unpacked")
    parser.add_argument("--spare-disk", action="store_true", help="unpack into /dev/shm where it has room")
    args = parser.parse_args()
    if args.spare_disk and os.path.isdir("/dev/shm") and shutil.disk_usage("/dev/shm").free > 2048 * images.MIB:
        args.scratch = "/dev/shm"
    bench = pull.Bench(args)
    bad = False
    print(f"{'layer':>13} {'form':>10} {'blob MB':>9} {'wall s':>8} {'CPU s':>8} {'RSS MiB':>8} {'written/content':>16}")
    try:
        with images.Registry(bench.scratch / "registry") as registry:
            for layer in args.layer.split(","):
                for form in args.form.split(","):
                    if layer.startswith("zeros") and form == "zstd":
                        continue  # makes more than 1100 of one byte, which no pull allows
                    cost, blob, ratio = one(bench, registry, layer, form)
                    bad |= cost["rss"] > RSS_MAX[form] or ratio > 1.05
                    print(
                        f"{layer:>13} {form:>10} {blob / 1e6:9.1f} {cost['wall']:8.2f} {cost['cpu']:8.2f}"
                        f" {cost['rss'] / images.MIB:8.1f} {ratio:16.3f}",
                        flush=True,
                    )
    finally:
        shutil.rmtree(bench.scratch, ignore_errors=True)
    return bad


if __name__ == "__main__":
    sys.exit(main())
