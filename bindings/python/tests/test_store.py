"""A store: layers are unpacked once, listed, verified, forgotten and collected."""

import coco
import pytest
from test_images import ANYTHING, CONTENT, Layout


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "layout")


@pytest.fixture
def store(tmp_path):
    return coco.Store(tmp_path / "store")


def test_what_is_no_store_is_left_alone(tmp_path):
    (tmp_path / "file").write_text("somebody's")
    with pytest.raises(coco.InvalidError, match="no store"):
        coco.Store(tmp_path)


def test_layers_are_unpacked_once(layout, store, tmp_path):
    client = coco.ImageClient(policy=ANYTHING, store=store)
    first = client.pull(str(layout), tmp_path / "a", flags=coco.IMAGE_IGNORE_CHOWN)
    plan = client.plan(str(layout))
    assert [layer["here"] for layer in plan["layers"]] == [True]
    assert (plan["fetch"], plan["content"], plan["limits"]) == (0, len(CONTENT), None)
    second = client.pull(str(layout), tmp_path / "b", flags=coco.IMAGE_IGNORE_CHOWN)
    assert (tmp_path / "b/rootfs/hello").read_bytes() == CONTENT
    assert second.bytes_read < first.bytes_read
    assert second.bytes_written == len(CONTENT)
    (image,) = store.list()["images"]
    assert image["digest"] == layout.digest
    assert image["references"] == [str(layout)]
    assert store.verify() == {"bad": [], "trees": 1}
    with pytest.raises(coco.NotFoundError):
        store.forget("nosuch")
    store.forget(str(layout))
    assert store.collect() == len(CONTENT)
    assert store.list() == {"images": [], "bundles": [], "trees": []}
    with pytest.raises(coco.NotFoundError):
        store.release(tmp_path / "b")


def test_a_changed_file_is_found(layout, store, tmp_path):
    client = coco.ImageClient(policy=ANYTHING, store=store)
    client.pull(str(layout), tmp_path / "a", flags=coco.IMAGE_IGNORE_CHOWN)
    (file,) = (tmp_path / "store/trees").glob("*/rootfs/hello")
    file.write_bytes(b"H" + CONTENT[1:])
    (bad,) = store.verify()["bad"]
    assert bad["images"] == [layout.digest]


def test_an_overlay_needs_a_store(layout, tmp_path):
    with pytest.raises(coco.InvalidError, match="store"):
        coco.ImageClient(policy=ANYTHING).pull(
            str(layout), tmp_path / "a", flags=coco.IMAGE_IGNORE_CHOWN | coco.IMAGE_OVERLAY
        )
