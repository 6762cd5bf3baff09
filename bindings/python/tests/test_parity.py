"""The built modules have every function that the headers declare, in Python's way."""

import inspect
import pathlib
import re

import pytest
from coco import native

HEADERS = pathlib.Path(__file__).parents[3] / "include/coco"
# These are exceptions, bytes and the end of objects.
NOT_FUNCTIONS = {"bytes_data", "bytes_size", "error_errno", "error_message", "error_status"}
# What a plugin answers is what its methods return.
NOT_FUNCTIONS |= {"kbc_answer_fail", "kbc_answer_give"}
NOT_FUNCTIONS |= {"kbs_reply_fail", "kbs_reply_give", "kbs_reply_give_public", "kbs_reply_note"}


def declared(server):
    for header in sorted(HEADERS.rglob("*.h")):
        if (header.name in ("kbs.h", "kbs_plugin.h")) != server:
            continue
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        for declaration in re.findall(r"\bCOCO_API\b([^;{]*);", text):
            name = re.search(r"\bcoco_(\w+)\s*\(", declaration)[1]
            if name not in NOT_FUNCTIONS and not name.endswith("_free"):
                yield name, declaration


def check(module, name, declaration):
    function = getattr(module, name)
    assert function.__doc__
    parameters = set(inspect.signature(function).parameters)
    # A length that Python would have to give is a typemap that is missing.
    assert not parameters & {"len", "init_len", "err", "ret", "user", "destroy"}, parameters
    assert len(parameters) <= declaration.count(",") + 1


@pytest.mark.parametrize("name, declaration", declared(server=False))
def test_libcoco(name, declaration):
    check(native, name, declaration)


@pytest.mark.parametrize("name, declaration", declared(server=True))
def test_libcoco_kbs(name, declaration):
    check(pytest.importorskip("coco.native_kbs"), name, declaration)
