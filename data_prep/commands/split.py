"""`python -m data_prep split`: another split of a prepared dataset, without reading any volume again."""

import argparse
from pathlib import Path

from data_prep.commands.command import Command
from data_prep.commands.options import add_split_arguments
from data_prep.commands.summary import print_split
from data_prep.resplit import resplit

__all__ = ["SPLIT"]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset_dir", type=Path, metavar="DATASET_DIR", help="a prepared dataset")
    add_split_arguments(parser)
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace the split; models trained on the old one can no longer be scored here",
    )


def _run(options: argparse.Namespace) -> int:
    splits = resplit(
        options.dataset_dir,
        fractions=tuple(options.fractions),
        stratify=options.stratify,
        seed=options.seed,
        force=options.force,
    )
    print_split(splits)
    return 0


SPLIT = Command("divide a prepared dataset anew", "data/my_study --seed 1 --force", _add_arguments, _run)
