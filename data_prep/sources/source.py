"""The contract of a source: one line in the registry, its own options, and the function that finds its scans."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.sources.scan import Found
from data_prep.sources.scan_ids import check_scan_ids
from monai_vq.data import foreground

__all__ = ["Source"]


def _no_arguments(parser: argparse._ActionsContainer) -> None:
    """For a source that has only the common options."""


@dataclass(frozen=True)
class Source:
    """One kind of download.

    Attributes:
        summary: the line of `python -m data_prep --help`.
        finder: `finder(source: Path, **own options) -> Found`; raises `InputError` if the folder is not of this kind.
        add_arguments: adds the source's own options to the command line.
        options: their names, the keywords of `finder`.
        volumes: whether it has volumes, which `--plane`, `--slice_range` and `--window` cut.
        example: the options of its own that an example of the help needs.
        foreground: the algorithm that masks its slices, recorded with the dataset.
    """

    summary: str
    finder: Callable[..., Found]
    add_arguments: Callable[[argparse._ActionsContainer], None] = _no_arguments
    options: tuple[str, ...] = ()
    volumes: bool = True
    example: str = ""
    foreground: str = foreground.ALGORITHM

    def find(self, source: Path, **own: Any) -> Found:
        """Lists the scans, whose ids are fit to be file names.

        Raises:
            InputError: the folder is not of this kind, an option is invalid, or ids are no names of their own.
        """
        found = self.finder(source, **own)
        check_scan_ids(found.scans)
        return found
