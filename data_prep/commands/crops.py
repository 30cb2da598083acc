"""`python -m data_prep crops`: natural images for which nothing has to be downloaded."""

import argparse
from pathlib import Path

from data_prep.commands.command import Command
from data_prep.crops import DEFAULT_SIZE, write_crops

__all__ = ["CROPS"]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--output_dir", type=Path, required=True, help="folder of the crops, which image_folder then prepares")
    add("--size", type=int, default=DEFAULT_SIZE, metavar="PIXELS", help="side of a crop (default: %(default)s)")
    add("--seed", type=int, default=0, help="draws which photographs are held out (default: %(default)s)")


def _run(options: argparse.Namespace) -> int:
    summary = write_crops(options.output_dir, options.size, options.seed)
    for split, counts in summary.counts.items():
        print(f"{split:6}{sum(counts.values()):5} crops of {', '.join(f'{name} ({n})' for name, n in counts.items())}")
    print(f"left out for showing one colour: {summary.n_constant}")
    root = summary.output_dir
    print("prepare them by")
    print(f"python -m data_prep image_folder --source {root} --output_dir {root}_prepared --size {options.size}")
    return 0


CROPS = Command("crops of scikit-image's colour pictures", "--output_dir downloads/crops", _add_arguments, _run)
