"""Exceptions: one class for each status."""

import pathlib
import re

import coco
import pytest
from coco import errors, native


def statuses():
    return sorted(name for name in dir(native) if name.startswith("COCO_ERR_"))


def test_there_are_statuses():
    assert len(statuses()) == 11


@pytest.mark.parametrize("name", statuses())
def test_every_status_has_its_class(name):
    status = getattr(native, name)
    found = getattr(errors, name)
    assert issubclass(found, coco.Error) and found.status == status
    assert coco.status_name(status) == name
    assert getattr(coco, found.__name__) is found
    assert [e for e in vars(errors).values() if getattr(e, "status", None) == status] == [found, found]


def test_an_error_is_a_kind_of_pythons_own_too():
    with pytest.raises(ValueError) as caught:
        coco.ImageRef("a b")
    assert type(caught.value) is coco.InvalidError
    assert str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.errno == 0


def test_errno_comes_along():
    with pytest.raises(OSError) as caught:
        coco.software_tee_launch(pathlib.Path("/proc/self/no/such/place"), b"x")
    assert isinstance(caught.value, coco.Error)
    assert caught.value.errno != 0 and re.search("[a-z]", str(caught.value))
