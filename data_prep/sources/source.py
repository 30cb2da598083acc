"""The contract of a source: one line in the registry, its own options, and the function that finds its scans."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from data_prep.sources.scan import Found
from monai_vq.data import foreground

__all__ = ["Source"]


def _no_arguments(parser: argparse._ActionsContainer) -> None:
    """For a source that has only the common options."""


@dataclass(frozen=True)
class Source:
    """One kind of download.

    Attributes:
        summary: the line of `python -m data_prep --help`.
        find: `find(source: Path, **own options) -> Found`; raises `InputError` where the folder is not of this kind.
        add_arguments: adds the source's own options to the command line.
        options: their names, the keywords of `find`.
        volumes: whether it has volumes, which `--plane`, `--slice_range` and `--window` cut.
        example: the options of its own that an example of the help needs.
        foreground: the algorithm that masks its slices, recorded with the dataset.
    """

    summary: str
    find: Callable[..., Found]
    add_arguments: Callable[[argparse._ActionsContainer], None] = _no_arguments
    options: tuple[str, ...] = ()
    volumes: bool = True
    example: str = ""
    foreground: str = foreground.ALGORITHM
