"""Trees on disk as text, one line a path, so that a test can say what it expects.

    {".": "dir", "bin/tool": "file 'x' mode=4755 owner=1:2", "lib": "link usr/lib"}

Left out is only what it would be anyway: mode 0644 of files and 0755 of directories, owner 0:0,
the time 1500000000, one link, no extended attributes.

SPDX-License-Identifier: Apache-2.0
"""

import decimal
import hashlib
import os
import stat

MTIME = 1500000000
SHORT = 40
LARGE = 1 << 20
KINDS = {
    stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "char", stat.S_IFBLK: "block", stat.S_IFSOCK: "socket",
}
MODES = {"file": 0o644, "dir": 0o755, "link": 0o777, "fifo": 0o644, "char": 0o644, "block": 0o644}


def text_of(data):
    """Short content itself, in quotes, else its size and digest."""
    if len(data) <= SHORT:
        return repr(data)[1:]
    return f"{len(data)}:{hashlib.sha256(data).hexdigest()[:16]}"


def large_text(file, size):
    """Size, and what a file holds besides zeros: `offset='data'`."""
    parts = [str(size)]
    end = 0
    while True:
        try:
            start = os.lseek(file, end, os.SEEK_DATA)
        except OSError:  # nothing but a hole follows
            return " ".join(parts)
        end = os.lseek(file, start, os.SEEK_HOLE)
        data = os.pread(file, end - start, start)
        front = len(data) - len(data.lstrip(b"\0"))
        parts.append(f"{start + front}={text_of(data.strip(bytes(1)))}")


def content_of(path, st):
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        if st.st_size > LARGE:
            return large_text(file, st.st_size)
        return text_of(os.read(file, LARGE))
    finally:
        os.close(file)


def seconds(nanoseconds):
    return str(decimal.Decimal(nanoseconds) / 10**9)


def facts(path):
    """What there is to say of one path, by what it is about."""
    st = os.lstat(path)
    kind = KINDS[stat.S_IFMT(st.st_mode)]
    found = {"kind": kind}
    if kind == "file":
        found["content"] = content_of(path, st)
    if kind == "link":
        found["target"] = os.fsdecode(os.readlink(path))
    if kind in ("char", "block"):
        found["device"] = f"{os.major(st.st_rdev)}:{os.minor(st.st_rdev)}"
    if stat.S_IMODE(st.st_mode) != MODES[kind]:
        found["mode"] = f"mode={stat.S_IMODE(st.st_mode):o}"
    if (st.st_uid, st.st_gid) != (0, 0):
        found["owner"] = f"owner={st.st_uid}:{st.st_gid}"
    if st.st_mtime_ns != MTIME * 10**9:
        found["mtime"] = "mtime=" + seconds(st.st_mtime_ns)
    if kind != "dir" and st.st_nlink != 1:
        found["nlink"] = f"nlink={st.st_nlink}"
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        found[name] = f"{name}={text_of(os.getxattr(path, name, follow_symlinks=False))}"
    return found


def line(path):
    return " ".join(facts(path).values())


def tree(root, tell=line):
    """The whole tree: path beneath root -> what there is to tell of it."""
    found = {}
    for folder, dirs, files, fd in os.fwalk(os.fsencode(root), follow_symlinks=False):
        beneath = os.path.relpath(folder, os.fsencode(root))
        for name in [b"."] * (beneath == b".") + dirs + files:
            path = os.fsdecode(os.path.normpath(os.path.join(beneath, name)))
            # paths may be too long to be opened at once
            found[path] = tell(b"/proc/self/fd/%d/%s" % (fd, name))
    return found
