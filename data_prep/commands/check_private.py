"""`python -m data_prep check_private`: does a prepared dataset or a run hold what could name a person?"""

import argparse
from pathlib import Path

from data_prep.commands.command import Command
from data_prep.private.check import check_private

__all__ = ["CHECK_PRIVATE"]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="a prepared dataset or a run, every file of which is searched")
    add("--key_file", type=Path, help="of the pseudonyms: no id that it knows may be found")
    add("--terms", nargs="*", default=[], metavar="TEXT", help="further names or ids that may not be found")


def _run(options: argparse.Namespace) -> int:
    findings = check_private(options.folder, key_file=options.key_file, terms=options.terms)
    for finding in findings:
        print(f"found: {finding}")
    print(f"{options.folder}: {f'{len(findings)} finding(s)' if findings else 'nothing private was found'}")
    return 1 if findings else 0


CHECK_PRIVATE = Command("search outputs for names, ids, dates and paths", "data/my_study", _add_arguments, _run)
