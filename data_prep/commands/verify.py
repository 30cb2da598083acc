"""`python -m data_prep verify`: is a prepared dataset still what was written?"""

import argparse
from pathlib import Path

from data_prep.commands.command import Command
from monai_vq.data import verify_dataset

__all__ = ["VERIFY"]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset_dir", type=Path, metavar="DATASET_DIR", help="a prepared dataset")


def _run(options: argparse.Namespace) -> int:
    problems = verify_dataset(options.dataset_dir)
    for problem in problems:
        print(f"problem: {problem}")
    print(f"{options.dataset_dir}: {f'{len(problems)} problem(s)' if problems else 'good'}")
    return 1 if problems else 0


VERIFY = Command("re-check hashes, shapes and split of a prepared dataset", "data/my_study", _add_arguments, _run)
