#!/usr/bin/env python3
"""Memory of a pull, and where its bytes go, whatever the size of the layer.

    bench/memory.py --build BUILD [--mib 64,1024] [--form gzip,zstd,encrypted] [--max-rss MIB]

Pulls an image of one layer of each size from docker-registry and prints the peak of resident
memory and the bytes written, which are to be those of the files and no others: a blob that was
written somewhere on its way would show. Fails where --max-rss or a twentieth more than the
content is passed.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import shutil
import sys

import images
import pull


def one(bench, registry, mib, form):
    plain = "gzip" if form == "encrypted" else form
    layout = images.build_noise(bench.cache / f"noise-{mib}-{plain}", mib * images.MIB, plain)
    ref = f"{registry.host}/bench/noise-{mib}-{form}:t"
    target = ["--plain-http", f"oci:{layout}:t", f"docker://{ref}"]
    recipient = ["--recipient", f"jwe:{bench.key}.pub"] if form == "encrypted" else []
    verb = "encrypt" if form == "encrypted" else "push"
    pull.run([bench.coco, "image", verb, *recipient, *target])
    cost = bench.measure(bench.pull(ref, form), registry)
    blob = sum(path.stat().st_size for path in images.layers_of(layout))
    return cost, blob


def main():
    parser = argparse.ArgumentParser(description="measure the memory of pulls")
    parser.add_argument("--build", required=True, help="build directory")
    parser.add_argument("--mib", default="64,1024")
    parser.add_argument("--form", default="gzip,zstd,encrypted")
    parser.add_argument("--max-rss", type=float, default=40, help="MiB")
    parser.add_argument("--scratch", help="where images are unpacked")
    args = parser.parse_args()
    bench = pull.Bench(args)
    bad = False
    print(f"{'MiB':>6} {'form':>10} {'blob MB':>9} {'wall s':>8} {'CPU s':>8} {'RSS MiB':>8} {'written/content':>16}")
    try:
        with images.Registry(bench.scratch / "registry") as registry:
            for mib in map(int, args.mib.split(",")):
                for form in args.form.split(","):
                    cost, blob = one(bench, registry, mib, form)
                    ratio = cost["written"] / (mib * images.MIB)
                    bad |= cost["rss"] > args.max_rss * images.MIB or ratio > 1.05
                    print(
                        f"{mib:6} {form:>10} {blob / 1e6:9.1f} {cost['wall']:8.2f} {cost['cpu']:8.2f}"
                        f" {cost['rss'] / images.MIB:8.1f} {ratio:16.3f}",
                        flush=True,
                    )
    finally:
        shutil.rmtree(bench.scratch, ignore_errors=True)
    return bad


if __name__ == "__main__":
    sys.exit(main())
