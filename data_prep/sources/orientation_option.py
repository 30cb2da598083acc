"""`--assume_orientation`: what a user knows of the axes of volumes whose headers have lost them."""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from monai_vq.data import Volume, read_volume
from monai_vq.data.orientation import check_axes

__all__ = ["add_orientation_argument", "make_reader"]


def add_orientation_argument(parser: argparse._ActionsContainer) -> None:
    """Adds the option."""
    parser.add_argument(
        "--assume_orientation",
        metavar="AXES",
        help="axes as stored, such as PSR, for volumes whose header has lost them; all others keep their own "
        "(default: such volumes are rejected)",
    )


def make_reader(assume_axes: str | None) -> Callable[[tuple[Path, ...]], Volume]:
    """The function that reads a scan of one NIfTI file with the option's value.

    Raises:
        InputError: the value is no code of axes.
    """
    if assume_axes is not None:
        check_axes(assume_axes)
    return partial(_read, assume_axes=assume_axes)


def _read(files: tuple[Path, ...], assume_axes: str | None) -> Volume:
    return read_volume(files[0], assume_axes=assume_axes)
