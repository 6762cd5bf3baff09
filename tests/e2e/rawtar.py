"""Tar archives block by block, right and wrong in every field.

    archive = entry("a", b"data") + pax(path="b") + entry("c", mode=b"junk") + END

SPDX-License-Identifier: Apache-2.0
"""

BLOCK = 512
END = bytes(2 * BLOCK)

# where a field begins and how long it is
FIELDS = {
    "name": (0, 100), "mode": (100, 8), "uid": (108, 8), "gid": (116, 8), "size": (124, 12),
    "mtime": (136, 12), "chksum": (148, 8), "type": (156, 1), "link": (157, 100),
    "magic": (257, 8), "major": (329, 8), "minor": (337, 8), "prefix": (345, 155),
    # of GNU's sparse files
    "runs": (386, 96), "more": (482, 1), "realsize": (483, 12),
}
DEFAULTS = {
    "mode": b"0000644", "uid": b"0000000", "gid": b"0000000", "mtime": b"%011o" % 1500000000,
    "type": b"0", "magic": b"ustar\00000",
}
GNU = b"ustar  \0"


def octal(number, digits=11):
    return b"%0*o" % (digits, number)


def base256(number, size=12):
    """A number as GNU writes what octal digits have no room for."""
    raw = bytearray(number.to_bytes(size, "big", signed=True))
    raw[0] |= 0x80
    return bytes(raw)


def header(name, length=0, signed=False, **fields):
    """One block, of length bytes of data. Fields are bytes and stand there as they are; the checksum is right
    unless given."""
    name = name if isinstance(name, bytes) else name.encode()
    block = bytearray(BLOCK)
    if fields.get("type") == b"5":
        fields = {"mode": b"0000755", **fields}
    for field, value in {"name": name, "size": octal(length), **DEFAULTS, **fields}.items():
        at, room = FIELDS[field]
        if field != "chksum":
            assert len(value) <= room, field
            block[at:at + len(value)] = value
    block[148:156] = b" " * 8
    total = sum(block) - (256 * sum(byte > 127 for byte in block) if signed else 0)
    block[148:156] = fields.get("chksum", b"%06o\0 " % total)
    return bytes(block)


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def entry(name, data=b"", **fields):
    """A header and its data, whose size is told as it is unless the field says something else."""
    return header(name, len(data), **fields) + padded(data)


def record(key, value):
    """`<length> <key>=<value>\\n`, the length counting itself."""
    rest = b" %s=%s\n" % (key.encode(), value if isinstance(value, bytes) else str(value).encode())
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) > length:
        length += 1
    return b"%d" % length + rest


def pax(text=b"", type=b"x", **records):
    """An extended header: text as it is, or records; `__` in a key stands for a dot."""
    text += b"".join(record(key.replace("__", "."), value) for key, value in records.items())
    return entry("pax", text, type=type)


def run(offset, length):
    """A run of a sparse file in GNU's header."""
    return octal(offset).ljust(12, b"\0") + octal(length).ljust(12, b"\0")
