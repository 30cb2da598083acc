"""`python -m data_prep check_private`: does a prepared dataset or a run hold what could name a person?"""

import argparse
import json
from pathlib import Path

from data_prep.commands.command import Command
from data_prep.output import PROVENANCE_NAME
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
    result = f"{len(findings)} finding(s)" if findings else "no date, UID, person name, address or path"
    print(f"{options.folder}: {result}")
    if not options.terms:
        print("names without a pattern are searched for only if given by --terms")
    if not findings and _has_ids(options.folder):
        print(
            "patient ids are those of the source: pass them on only if its terms allow, or prepare with --pseudonymize"
        )
    return 1 if findings else 0


def _has_ids(folder: Path) -> bool:
    """Whether a prepared dataset was written without pseudonyms."""
    path = folder / PROVENANCE_NAME
    return path.is_file() and not json.loads(path.read_text(encoding="utf-8"))["settings"].get("pseudonymized", False)


CHECK_PRIVATE = Command(
    "search outputs for dates, UIDs, person names, addresses, paths and given terms",
    "data/my_study",
    _add_arguments,
    _run,
)
