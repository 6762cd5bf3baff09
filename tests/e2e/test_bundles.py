"""Bundles that crun and runc run: what an image's configuration says is what its process sees.

COCO names the program.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from layout import Layer, write_layout

COCO = os.environ.get("COCO", "coco")
BUSYBOX = shutil.which("busybox")
CGROUPS = pathlib.Path("/sys/fs/cgroup")
TIMEOUT_S = 60

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root runs containers here"),
    pytest.mark.skipif(not BUSYBOX, reason="busybox-static is not installed"),
]

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
app:x:1000:1001:An App:/home/app:/bin/sh
7:x:1007:1008:of an odd name:/:/bin/sh
"""
GROUP = """\
root:x:0:root
app:x:1001:
staff:x:50:app,other
adm:x:4:other,app
extra:x:3000000:root,app
none:x:99:other
"""
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def base():
    layer = Layer().dir("./").dir("bin").dir("etc").dir("home").dir("home/app", uid=1000, gid=1001)
    layer.add("bin/busybox", data=pathlib.Path(BUSYBOX).read_bytes(), mode=0o755)
    for name in "sh", "id", "env", "pwd", "cat", "printf", "touch", "stat", "ls", "kill", "test":
        layer.symlink(f"bin/{name}", "busybox")
    layer.dir("data").add("data/hidden", data=b"below the volume")
    return layer.add("etc/passwd", data=PASSWD.encode()).add("etc/group", data=GROUP.encode())


def without(*names):
    layer = Layer()
    for name in names:
        layer.add(name.replace("etc/", "etc/.wh."))
    return layer


def moved():
    """As an image has it whose /etc is kept elsewhere: by links, a relative and an absolute one."""
    layer = without("etc/passwd", "etc/group").dir("usr").dir("usr/etc")
    layer.add("usr/etc/passwd", data=PASSWD.encode()).add("usr/etc/group", data=GROUP.encode())
    return layer.symlink("etc/passwd", "../usr/etc/passwd").symlink("etc/group", "/usr/etc/group")


class Runtime:
    """crun or runc, with its state in a directory of its own."""

    def __init__(self, name, top):
        self.name = name
        self.command = [name, "--root", str(top / "state")]
        if name == "crun":
            # It gives up where version 2 of cgroups is beside version 1, even if it is to leave them alone.
            self.command.insert(1, "--cgroup-manager=disabled")
            if (CGROUPS / "unified").is_dir():
                hide = f'mount --bind {CGROUPS}/unified {CGROUPS} && exec "$@"'
                self.command = ["unshare", "--mount", "sh", "-c", hide, "sh", *self.command]

    def call(self, *args, **options):
        return subprocess.run(
            [*self.command, *map(str, args)], capture_output=True, text=True, check=False, timeout=TIMEOUT_S, **options
        )

    def run(self, bundle, container):
        return self.call("run", "--bundle", bundle, container, stdin=subprocess.DEVNULL)

    def why_not(self, top):
        """Why it does not even run the bundle that it makes itself."""
        (top / "rootfs/bin").mkdir(parents=True)
        shutil.copy(BUSYBOX, top / "rootfs/bin/busybox")
        done = self.call("spec", cwd=top)
        if done.returncode:
            return done.stderr
        config = json.loads((top / "config.json").read_text())
        config["process"] |= {"terminal": False, "args": ["/bin/busybox", "true"]}
        (top / "config.json").write_text(json.dumps(config))
        done = self.run(top, f"{top.parent.name}-probe")
        return done.stderr if done.returncode else None


@pytest.fixture(scope="module", params=["crun", "runc"])
def runtime(request):
    if not shutil.which(request.param):
        pytest.skip(f"{request.param} is not installed")
    with tempfile.TemporaryDirectory(prefix="coco-run-", dir="/tmp") as name:
        made = Runtime(request.param, pathlib.Path(name))
        why_not = made.why_not(pathlib.Path(name) / "probe")
        if why_not:
            pytest.skip(f"{request.param} cannot run containers on this machine: {why_not}")
        yield made


def pull(folder, config, layers=()):
    """The bundle of an image of busybox with more layers and that config."""
    write_layout(folder / "image", [layer.bytes() for layer in (base(), *layers)], config=config)
    subprocess.run(
        [COCO, "image", "pull", "--insecure-policy", "accept-anything", f"oci:{folder}/image:t", folder / "bundle"],
        check=True, capture_output=True,
    )
    return folder / "bundle"


def shell(script, **config):
    return {"Entrypoint": ["/bin/sh", "-c", script], **config}


def ids_of(status):
    """Of /proc/PID/status."""
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return tuple([int(word) for word in lines[name].split()] for name in ("Uid", "Gid", "Groups"))


WITHOUT = without("etc/passwd", "etc/group")
ROOTS = {0, 3000000}
APPS = {50, 4, 3000000}
USERS = {
    # User: (layers, uid, gid, further groups)
    "": ((), 0, 0, ROOTS),
    "root": ((), 0, 0, ROOTS),
    "0": ((), 0, 0, ROOTS),
    "app": ((), 1000, 1001, APPS),
    "1000": ((), 1000, 1001, APPS),
    "1000:": ((), 1000, 1001, APPS),
    "app:staff": ((), 1000, 50, set()),
    "app:99": ((), 1000, 99, set()),
    ":staff": ((), 0, 50, set()),
    "4242": ((), 4242, 0, set()),
    "4242:4343": ((), 4242, 4343, set()),
    "7": ((), 7, 0, set()),  # and not the user of that name
    "app through links": ((moved(),), 1000, 1001, APPS),
    "1000:1001 without files": ((WITHOUT,), 1000, 1001, set()),
    " without files": ((WITHOUT,), 0, 0, set()),
}


@pytest.mark.parametrize("user", USERS)
def test_the_user_and_its_groups(runtime, tmp_path, user):
    layers, uid, gid, groups = USERS[user]
    bundle = pull(tmp_path, shell("cat /proc/self/status", User=user.split(" ")[0]), layers)
    done = runtime.run(bundle, tmp_path.name)
    assert done.returncode == 0, done.stderr
    uids, gids, others = ids_of(done.stdout)
    assert set(uids) == {uid}
    assert set(gids) == {gid}
    assert set(others) - {gid} == groups - {gid}


@pytest.mark.skipif(not shutil.which("umoci"), reason="umoci is not installed")
# It follows absolute links out of the image.
@pytest.mark.parametrize("user", [user for user in USERS if "links" not in user])
def test_umoci_finds_the_same_user(tmp_path, user):
    bundle = pull(tmp_path, {"User": user.split(" ")[0]}, USERS[user][0])
    subprocess.run(
        ["umoci", "unpack", "--image", f"{tmp_path}/image:t", tmp_path / "theirs"], check=True, capture_output=True
    )
    ours, theirs = (
        json.loads((path / "config.json").read_text())["process"]["user"] for path in (bundle, tmp_path / "theirs")
    )
    assert ours == theirs


def test_the_environment(runtime, tmp_path):
    env = ["A=1", "EMPTY=", "SPACE=a b  c", "EQUALS=a=b=c", "UTF8=gr\u00fc\u00df", "QUOTE='\"$(id)`", "A=2"]
    bundle = pull(tmp_path, {"Entrypoint": ["/bin/env"], "Env": env})
    done = runtime.run(bundle, tmp_path.name)
    assert done.returncode == 0, done.stderr
    seen = set(done.stdout.splitlines())
    assert {*env[1:6], PATH} <= seen
    assert seen & {"A=1", "A=2"}
    own = {line for line in seen if not line.startswith(("HOME=", "TERM="))}
    assert own <= {*env, PATH}, "nothing of the host's"


def test_a_path_of_the_image(runtime, tmp_path):
    layer = Layer().dir("opt").symlink("opt/mine", "/bin/busybox").symlink("opt/sh", "/bin/busybox")
    bundle = pull(tmp_path, {"Cmd": ["sh", "-c", "echo $PATH"], "Env": ["PATH=/opt"]}, [layer])
    done = runtime.run(bundle, tmp_path.name)
    assert (done.returncode, done.stdout) == (0, "/opt\n"), done.stderr


@pytest.mark.parametrize("config, printed", [
    ({"Entrypoint": ["/bin/printf", "<%s>"], "Cmd": ["a b", "", "c\nd", "$x", "\u00fc"]}, "<a b><><c\nd><$x><\u00fc>"),
    ({"Cmd": ["/bin/printf", "<%s>", "only"]}, "<only>"),
    ({"Entrypoint": ["/bin/printf", "<%s>", "alone"]}, "<alone>"),
    ({"Entrypoint": ["printf", "%s", "found in PATH"]}, "found in PATH"),
], ids=["both", "Cmd", "Entrypoint", "PATH"])
def test_the_command(runtime, tmp_path, config, printed):
    done = runtime.run(pull(tmp_path, config), tmp_path.name)
    assert (done.returncode, done.stdout) == (0, printed), done.stderr


@pytest.mark.parametrize("folder, cwd", [
    ("", "/"), ("/home/app", "/home/app"), ("/home//app/.", "/home/app"), ("etc", "/etc"),
    ("/not/there", "/not/there"), ("/to", "/home/app"),
])
def test_the_working_directory(runtime, tmp_path, folder, cwd):
    layer = Layer().symlink("to", "home/app")
    bundle = pull(tmp_path, {"Cmd": ["/bin/sh", "-c", "/bin/pwd -P"], "WorkingDir": folder}, [layer])
    done = runtime.run(bundle, tmp_path.name)
    assert (done.returncode, done.stdout) == (0, cwd + "\n"), done.stderr


def test_volumes_are_memory_and_all_else_is_read_only(runtime, tmp_path):
    script = "touch /data/x /new/x && ls /data && touch /etc/x; touch /x; stat -f -c %T /data /new /dev/shm"
    bundle = pull(tmp_path, shell(script, Volumes={"/data": {}, "/new": {}}))
    done = runtime.run(bundle, tmp_path.name)
    assert done.stdout == "x\n" + 3 * "tmpfs\n", done.stderr
    assert done.stderr.count("Read-only file system") == 2
    assert (bundle / "rootfs/data/hidden").read_bytes() == b"below the volume"
    assert sorted(os.listdir(bundle / "rootfs/data")) == ["hidden"]


def test_the_exit_code_is_the_processs(runtime, tmp_path):
    assert runtime.run(pull(tmp_path, shell("exit 42")), tmp_path.name).returncode == 42


def test_labels_and_the_stop_signal(runtime, tmp_path):
    """As a caller uses them: who stops a container looks the signal up in its state."""
    labels = {"org.example.label": "a \u00fc", "org.example.empty": ""}
    script = "trap 'echo stopped; exit 7' USR1; echo ready; while :; do read line; done"
    bundle = pull(tmp_path, shell(script, Labels=labels, StopSignal="SIGUSR1"))
    name = tmp_path.name
    with contextlib.ExitStack() as stack:
        stack.callback(runtime.call, "delete", "--force", name)
        child = stack.enter_context(subprocess.Popen(
            [*runtime.command, "run", "--bundle", bundle, name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ))
        stack.callback(child.kill)
        assert child.stdout.readline() == "ready\n"
        state = json.loads(runtime.call("state", name).stdout)
        assert state["status"] == "running"
        assert labels.items() <= state["annotations"].items()
        signal = state["annotations"]["org.opencontainers.image.stopSignal"]
        assert signal == "SIGUSR1"
        stopped = runtime.call("kill", name, signal)
        assert stopped.returncode == 0, stopped.stderr
        out, err = child.communicate(timeout=TIMEOUT_S)
    assert (child.returncode, out) == (7, "stopped\n"), err
