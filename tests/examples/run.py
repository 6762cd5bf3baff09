#!/usr/bin/env python3
"""Run the three examples of one language against a key broker and an encrypted image.

    run.py LANGUAGE SOURCE BUILD-DIRECTORY

The owner's side runs in this process: an embedded KBS that trusts one software
TEE, which the examples run in, and an OCI layout that umoci made and libcoco
encrypted for that KBS.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import tempfile

import coco
import coco.kbs

SKIP = 77
BUSYBOX = "/bin/busybox"
KERNEL = b"the kernel that the examples boot"
SECRET = b"a secret with a NUL \0 and no newline at its end"
NAMES = ("attest", "secret", "pull")
# What callbacks take is shown in the language of the library, and in the shortest one.
PLUGINS = ("plugin", "kbs_plugin")
PLUGIN = ("c", "python")


def run(*command, **kwargs):
    return subprocess.run(command, capture_output=True, check=False, timeout=300, **kwargs)


def must(*command, **kwargs):
    done = run(*command, **kwargs)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr.decode()}")
    return done.stdout


# --- how each language makes its programs: {name: command} ---------------------


def in_c(source, build, top):
    return {name: [build / "examples" / f"example-{name}"] for name in (*NAMES, *PLUGINS)}


def in_python(source, build, top):
    return {name: [sys.executable, source / "examples/python" / f"{name}.py"] for name in (*NAMES, *PLUGINS)}


def in_go(source, build, top):
    must("go", "build", "-o", f"{top}/", "./...", cwd=source / "examples/go")
    return {name: [top / name] for name in NAMES}


def in_rust(source, build, top):
    target = build / "examples/rust"
    must(
        "cargo", "build", "--quiet", "--offline", "--locked", "--target-dir", target,
        cwd=source / "examples/rust",
    )
    return {name: [target / "debug" / name] for name in NAMES}


LANGUAGES = {"c": in_c, "python": in_python, "go": in_go, "rust": in_rust}


# --- the owner's side -----------------------------------------------------------


def launch(top):
    """Boots the software TEE; the configuration of a KBS that trusts it."""
    machine = top / "machine"
    machine.mkdir(mode=0o700)
    coco.software_tee_launch(machine, KERNEL)
    os.environ["COCO_SOFTWARE_TEE"] = str(machine)
    root = coco.software_tee_root(machine).decode()
    return f'[http_server]\nsockets = ["127.0.0.1:0"]\n[attestation_service]\nsoftware_roots = ["""\n{root}"""]\n'


def make_image(top):
    """An OCI layout of one layer with /bin/busybox."""
    layout, bundle = top / "layout", top / "plain"
    must("umoci", "init", "--layout", layout)
    must("umoci", "new", "--image", f"{layout}:app")
    must("umoci", "unpack", "--rootless", "--image", f"{layout}:app", bundle)
    (bundle / "rootfs/bin").mkdir()
    shutil.copy(BUSYBOX, bundle / "rootfs/bin/busybox")
    must("umoci", "repack", "--image", f"{layout}:app", bundle)
    return f"oci:{layout}:app"


def encrypt(plain, kbs, top):
    """The image, encrypted with a key that only `kbs` has; a reference by digest."""
    key = secrets.token_bytes(32)
    kbs.put("default/image_key/1", key)
    with coco.ImageClient() as client:
        client.add_kbs_recipient("kbs:///default/image_key/1", key)
        image = client.encrypt(plain, f"oci:{top}/encrypted:app")
    return f"oci:{top}/encrypted@{image.digest}", image.digest


# --- what the examples must do ----------------------------------------------------


def expect(condition, what, done):
    if not condition:
        sys.exit(f"{what}: exit {done.returncode}\n{done.stdout!r}\n{done.stderr.decode()}")
    print("ok -", what)


def check(commands, kbs, top):
    kbc = f"cc_kbc::{kbs.url}"

    done = run(*commands["attest"], kbc)
    token = done.stdout.strip().split(b".")
    expect(done.returncode == 0 and len(token) == 3 and all(token), "attest prints a JWT", done)

    kbs.put("default/key/1", SECRET)
    done = run(*commands["secret"], kbc, "kbs:///default/key/1")
    expect(done.returncode == 0 and done.stdout == SECRET, "secret writes the secret", done)
    done = run(*commands["secret"], kbc, "kbs:///no/such/thing")
    expect(done.returncode != 0 and done.stderr and not done.stdout, "secret says why not", done)

    reference, digest = encrypt(make_image(top), kbs, top)
    bundle = top / "bundle"
    done = run(*commands["pull"], kbc, reference, bundle)
    expect(done.returncode == 0 and done.stdout.decode().strip() == digest, "pull prints the digest", done)
    same = pathlib.Path(BUSYBOX).read_bytes() == (bundle / "rootfs/bin/busybox").read_bytes()
    expect(same and (bundle / "config.json").exists(), "the bundle is complete", done)
    kbs.delete("default/image_key/1")
    done = run(*commands["pull"], kbc, reference, top / "other")
    left = (top / "other").exists() and any((top / "other").iterdir())
    expect(done.returncode != 0 and done.stderr and not left, "without its key nothing is left", done)


def check_plugin(command, top):
    (top / "secrets/default/key").mkdir(parents=True)
    (top / "secrets/default/key/1").write_bytes(SECRET)
    done = run(*command, top / "secrets", "kbs:///default/key/1")
    expect(done.returncode == 0 and done.stdout == SECRET, "plugin writes the secret", done)
    done = run(*command, top / "secrets", "kbs:///default/key/2")
    expect(done.returncode != 0 and b"directory_kbc" in done.stderr and not done.stdout, "plugin says why not", done)


def check_kbs_plugin(command, config, top):
    (top / "kbs.toml").write_text(config)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*command, top / "kbs.toml"], **pipes) as server:
        url = server.stdout.readline().decode().strip()
        try:
            with coco.Kbc(f"cc_kbc::{url}") as kbc:
                claims = json.loads(kbc.get("kbs+whoami:///claims"))
                try:
                    kbc.get("kbs+whoami:///secrets")
                    sys.exit("kbs_plugin: says more than it should")
                except coco.NotFoundError as error:
                    assert "there are claims, and nothing else" in str(error), error
        finally:
            out, errors = server.communicate()
    done = subprocess.CompletedProcess(command, server.returncode, out, errors)
    cpu = claims["submods"]["cpu0"]["ear.veraison.annotated-evidence"]
    expect(done.returncode == 0 and "software" in cpu, "kbs_plugin tells a guest what is known of it", done)


def main(language, source, build):
    for tool in (BUSYBOX, "umoci"):
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            return SKIP
    with tempfile.TemporaryDirectory(prefix="coco-examples-") as name:
        top = pathlib.Path(name)
        programs = top / "programs"
        programs.mkdir()
        commands = LANGUAGES[language](pathlib.Path(source), pathlib.Path(build), programs)
        config = launch(top)
        with coco.kbs.Kbs(config) as kbs:
            kbs.set_reference_value("launch_digest", [hashlib.sha384(KERNEL).hexdigest()])
            check(commands, kbs, top)
        if language in PLUGIN:
            check_plugin(commands["plugin"], top)
            check_kbs_plugin(commands["kbs_plugin"], config, top)
    return 0


sys.exit(main(*sys.argv[1:]))
