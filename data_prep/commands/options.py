"""The options that several commands share."""

import argparse
from pathlib import Path

from data_prep.prepare import DEFAULT_FRACTIONS
from data_prep.sessions import SESSIONS
from monai_vq.data import PLANE_AXES
from monai_vq.data.assignment import DEFAULT_STRATA, STRATA_COLUMNS
from monai_vq.data.slicing import DEFAULT_SLICE_RANGE, DEFAULT_WINDOW, STRIPPED_SLICE_RANGE, WINDOW_UNITS
from monai_vq.data.splits import SPLIT_NAMES

__all__ = ["add_output_arguments", "add_pseudonym_arguments", "add_split_arguments", "add_volume_arguments"]


def add_volume_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what is cut from a volume."""
    add = parser.add_argument
    heads, brains = (
        "; ".join(f"{plane} {low:g} {high:g}" for plane, (low, high) in ranges.items())
        for ranges in (DEFAULT_SLICE_RANGE, STRIPPED_SLICE_RANGE)
    )
    add("--plane", default="axial", help=f"{', '.join(PLANE_AXES)} (default: axial)")
    add(
        "--slice_range",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="fractions of the foreground's extent across slices "
        f"(default, for whole heads with neck: {heads}; for sources without skull: {brains})",
    )
    add(
        "--window",
        type=float,
        nargs=2,
        default=DEFAULT_WINDOW,
        metavar=("LOW", "HIGH"),
        help="what becomes 0 and 1, in --window_unit (default: %(default)s)",
    )
    add(
        "--window_unit",
        default=WINDOW_UNITS[0],
        help=f"{WINDOW_UNITS[0]} of each volume's foreground, or {WINDOW_UNITS[1]}, fixed (default: %(default)s)",
    )


def add_split_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds how patients are divided."""
    add = parser.add_argument
    add(
        "--fractions",
        type=float,
        nargs=3,
        default=DEFAULT_FRACTIONS,
        metavar=tuple(name.upper() for name in SPLIT_NAMES),
        help="shares of the patients (default: %(default)s)",
    )
    add(
        "--stratify",
        nargs="*",
        metavar="COLUMN",
        help=f"any of {', '.join(STRATA_COLUMNS)} "
        f"(default: those of {', '.join(DEFAULT_STRATA)} that the tables have; none: --stratify alone)",
    )
    add("--seed", type=int, default=0, help="of the split (default: %(default)s)")


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what every source takes besides: sessions, processes, pseudonyms, and what to do with an earlier run."""
    add = parser.add_argument
    add("--num_slices", type=int, metavar="N", help="at most N slices a scan, evenly spaced (default: all)")
    add("--sessions", default=SESSIONS[0], help=f"{' or '.join(SESSIONS)} of each patient (default: %(default)s)")
    add("--workers", type=int, default=1, metavar="N", help="processes (default: %(default)s)")
    add("--scheduler", metavar="ADDRESS", help="of a running dask scheduler, in place of processes")
    add("--checksums", type=Path, metavar="FILE", help="md5sum's or sha256sum's list: refuse files that differ from it")
    add("--strict", action="store_true", help="stop at the first scan that cannot be used")
    add("--force", action="store_true", help="replace a dataset that was prepared with other settings")
    add("--dry_run", action="store_true", help="list what would be taken and left, and why, and write nothing")


def add_pseudonym_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds pseudonyms, for a source that does not always write them."""
    add = parser.add_argument
    add("--pseudonymize", action="store_true", help="write pseudonyms for ids and paths; needs --key_file")
    add("--key_file", type=Path, help="keeps the key of the pseudonyms; never in the prepared dataset")
