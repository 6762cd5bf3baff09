"""Recorded vectors, which are not part of the repository.

SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import shutil

import pytest

BESIDE = pathlib.Path(__file__).resolve().parents[2].parent / "shared/fixtures"


def recorded(folder):
    """Where they are; without them a test is skipped."""
    top = pathlib.Path(os.environ.get("COCO_FIXTURES") or BESIDE) / folder
    if not top.is_dir():
        pytest.skip(f"recorded vectors are not there, {folder}: COCO_FIXTURES")
    return top


def recorded_image(tmp_path, name):
    """A copy of one of containers/image's own tests, as dir: has it, and where its keys are."""
    top = recorded("signature/cimage")
    folder = tmp_path / name
    shutil.copytree(top / name, folder)
    (folder / "version").write_text("Directory Transport Version: 1.1\n")
    return folder, top
