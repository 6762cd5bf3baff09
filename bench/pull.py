#!/usr/bin/env python3
"""How long a pull takes, and what it costs, beside others and beside the machine's limit.

    bench/pull.py --build BUILD [--size tiny,medium,large] [--form gzip,zstd,encrypted] [--rounds 3]

Images are made of this machine's own files and served by docker-registry on loopback. In each
round every puller pulls once, one after the other; the median counts. Only ratios of one run mean
something: wall time and CPU seconds of `coco image pull` over those of each other one, and over
the limit, which is the larger of the slowest stage alone and the CPU of all stages, the registry's
included, divided by the cores.

buildah takes part where it is installed. COCO_BENCH_PULLERS names more pullers, one a line:
`NAME=COMMAND` with {ref} and {dir} in it, and {key}, a file or, where there is none, nothing.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import images

KINDS = {"tiny": images.tiny, "medium": images.medium, "large": images.large}
PEERS = {"gzip": "skopeo + umoci", "zstd": None, "encrypted": "skopeo + umoci"}


def run(command):
    """Runs a command that says something only if it fails."""
    done = subprocess.run(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"bench: {command}: exit {done.returncode}\n{done.stdout.decode(errors='replace')}")


class Bench:
    def __init__(self, args):
        self.args = args
        self.build = pathlib.Path(args.build).resolve()
        self.coco = self.build / "cli/coco"
        self.cache = self.build / "bench/images"
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=args.scratch))
        self.number = 0
        self.key = self.scratch / "key.pem"
        run(["openssl", "genrsa", "-out", self.key, "2048"])
        run(["openssl", "rsa", "-in", self.key, "-pubout", "-out", f"{self.key}.pub"])

    def measure(self, command, registry=None):
        """What the command costs; with a registry, also what it costs there."""
        out = self.scratch / "measured"
        before = registry.cpu() if registry else 0
        run([self.build / "bench/measure", out, *command])
        result = json.loads(out.read_text())
        result["cpu"] = result["user"] + result["system"]
        result["registry"] = registry.cpu() - before if registry else 0
        return result

    def new(self):
        """A directory that is not there yet; the one before is gone."""
        shutil.rmtree(self.scratch / "out", ignore_errors=True)
        self.number += 1
        (self.scratch / "out").mkdir()
        return self.scratch / "out" / str(self.number)

    # Pullers ---------------------------------------------------------------------------------

    def pull(self, ref, form):
        options = ["--key", self.key] if form == "encrypted" else []
        return [
            self.coco, "image", "pull", "--plain-http", *options,
            "--insecure-policy", "accept-anything", ref, self.new(),
        ]

    def skopeo_umoci(self, ref, form):
        key = f"--decryption-key {self.key}" if form == "encrypted" else ""
        out = self.new()
        return [
            "sh", "-c",
            f"skopeo copy -q --insecure-policy --src-tls-verify=false {key} docker://{ref} oci:{out}.oci:t"
            f" && umoci unpack --image {out}.oci:t {out}",
        ]

    def buildah(self, ref, form):
        """Into a store of its own: layers once each, mounted over one another."""
        key = f"--decryption-key {self.key}" if form == "encrypted" else ""
        out = self.new()
        buildah = f"buildah --root {out}/root --runroot {out}/run --storage-driver overlay"
        return [
            "sh", "-c",
            f"{buildah} pull -q --tls-verify=false {key} docker://{ref} >{out}.log"
            f" && name=$({buildah} from --pull-never {ref}) && {buildah} mount $name >>{out}.log"
            f" && {buildah} umount $name >>{out}.log",
        ]

    def others(self):
        for line in os.environ.get("COCO_BENCH_PULLERS", "").splitlines():
            name, _, command = line.partition("=")
            if command.strip():
                yield name.strip(), lambda ref, form, c=command: [
                    "sh", "-c",
                    c.format(ref=ref, dir=self.new(), key=self.key if form == "encrypted" else ""),
                ]

    def pullers(self, form):
        found = {"coco": self.pull}
        # Debian's umoci does not know zstd.
        if PEERS[form] and shutil.which("skopeo") and shutil.which("umoci"):
            found[PEERS[form]] = self.skopeo_umoci
        if shutil.which("buildah") and os.geteuid() == 0:
            found["buildah"] = self.buildah
        found.update(self.others())
        return found

    # Images ----------------------------------------------------------------------------------

    def image(self, size, form):
        """The layout of what is to be pulled; encrypted ones are made of gzip ones."""
        plain = "gzip" if form == "encrypted" else form
        layout = images.build_machine(self.cache / f"{size}-{plain}", KINDS[size], plain)
        if form != "encrypted":
            return layout
        secret = self.scratch / f"{size}-encrypted"
        if not secret.exists():
            run([self.coco, "image", "encrypt", "--recipient", f"jwe:{self.key}.pub",
                 f"oci:{layout}:t", f"oci:{secret}:t"])
        return secret

    def limits(self, size, form):
        """Each stage alone, over the plain form of the same image."""
        plain = "gzip" if form == "encrypted" else form
        layout = images.build_machine(self.cache / f"{size}-{plain}", KINDS[size], plain)
        blobs = images.layers_of(layout)
        tars = []
        for number, blob in enumerate(blobs):
            tars.append(self.scratch / f"tar{number}")
            with open(blob, "rb") as source, open(tars[-1], "wb") as out:
                subprocess.run([plain, "-dcq"], stdin=source, stdout=out, check=True)
        stage = self.build / "bench/stage"
        root = self.new()
        root.mkdir()
        unpack = " && ".join(f"tar -xf {tar} -C {root} --overwrite" for tar in tars)
        found = {
            "sha256 of blobs": self.measure([stage, "sha256", *blobs]),
            "inflate": self.measure([stage, plain, *blobs]),
            "sha256 of tars": self.measure([stage, "sha256", *tars]),
            "tar x": self.measure(["sh", "-c", unpack]),
        }
        if form == "encrypted":
            found["cipher"] = self.measure([stage, "cipher", *blobs])
        for tar in tars:
            tar.unlink()
        return found

    # Results ---------------------------------------------------------------------------------

    def rounds(self, registry, ref, form):
        pullers = self.pullers(form)
        runs = {name: [] for name in pullers}
        for _ in range(self.args.rounds):
            for name, puller in pullers.items():
                runs[name].append(self.measure(puller(ref, form), registry))
        keys = ("wall", "cpu", "user", "system", "rss", "written", "registry")
        return {
            name: {key: statistics.median(run[key] for run in all_) for key in keys}
            for name, all_ in runs.items()
        }

    def one(self, registry, size, form):
        layout = self.image(size, form)
        ref = f"{registry.host}/bench/{size}-{form}:t"
        run(["skopeo", "copy", "-q", "--insecure-policy", "--dest-tls-verify=false",
             f"oci:{layout}:t", f"docker://{ref}"])
        limits = self.limits(size, form)
        found = self.rounds(registry, ref, form)
        return {"size": size, "form": form, "pullers": found, "limits": limits,
                "limit": limit_of(limits, found["coco"]["registry"])}


def limit_of(limits, registry):
    """The wall time that no pull of these stages can beat."""
    slowest = max(stage["wall"] for stage in limits.values())
    cpu = sum(stage["cpu"] for stage in limits.values()) + registry
    return max(slowest, cpu / len(os.sched_getaffinity(0)))


def show(result):
    print(f"\n{result['size']}, {result['form']}")
    mine = result["pullers"]["coco"]
    print(f"  {'':24} {'wall s':>8} {'CPU s':>8} {'RSS MiB':>8} {'written MB':>11} {'wall ratio':>11} {'CPU ratio':>10}")
    for name, cost in result["pullers"].items():
        print(
            f"  {name:24} {cost['wall']:8.2f} {cost['cpu']:8.2f} {cost['rss'] / images.MIB:8.1f}"
            f" {cost['written'] / 1e6:11.1f} {mine['wall'] / cost['wall']:11.2f} {mine['cpu'] / cost['cpu']:10.2f}"
        )
    for name, cost in result["limits"].items():
        print(f"  {name + ' alone':24} {cost['wall']:8.2f} {cost['cpu']:8.2f}")
    print(f"  {'registry':24} {'':8} {mine['registry']:8.2f}")
    print(f"  {'limit':24} {result['limit']:8.2f} {'':39} {mine['wall'] / result['limit']:8.2f}")


def main():
    parser = argparse.ArgumentParser(description="time pulls beside others")
    parser.add_argument("--build", required=True, help="build directory")
    parser.add_argument("--size", default="tiny,medium,large")
    parser.add_argument("--form", default="gzip,zstd,encrypted")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scratch", help="where images are unpacked (default: the temporary directory)")
    parser.add_argument("--json", action="store_true", help="one JSON line per image instead of tables")
    args = parser.parse_args()
    bench = Bench(args)
    try:
        with images.Registry(bench.scratch / "registry") as registry:
            for size in args.size.split(","):
                for form in args.form.split(","):
                    result = bench.one(registry, size, form)
                    print(json.dumps(result)) if args.json else show(result)
                    sys.stdout.flush()
    finally:
        shutil.rmtree(bench.scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
