"""The folder of a derived series: whole or not there, and nothing of an earlier one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monai_vq.atomic import PART
from monai_vq.errors import InputError

__all__ = ["IMAGE_NAME", "whole_folder"]

IMAGE_NAME = "IM{:05d}.dcm"
_IMAGES = "IM*.dcm"


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yields a hidden folder beside `folder` to write to, which takes its place only when all went well.

    Args:
        folder: new, or that of an earlier derived series.

    Raises:
        InputError: the folder holds something else, or is a file.
    """
    others = [path.name for path in folder.iterdir() if not path.match(_IMAGES)] if folder.is_dir() else []
    if others or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{folder} holds something else than a derived series; give a new folder.")
    part = folder.with_name(f".{folder.name}{PART}")
    shutil.rmtree(part, ignore_errors=True)  # left by a run that was killed
    part.mkdir(parents=True)
    try:
        yield part
        shutil.rmtree(folder, ignore_errors=True)  # a folder gives way in one step only where it is empty
        part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
