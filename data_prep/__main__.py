"""`python -m data_prep SOURCE ...`: prepares a download for training; other commands work on what was prepared."""

import argparse
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from functools import partial

from data_prep.commands import COMMANDS
from monai_vq.errors import InputError

__all__ = ["main"]

_SHOWN = ("bids", "oasis1", "adni", "dicom", "nifti", "phantom", "split", "verify", "check_private")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; a user's mistake is one line on stderr and exit status 2."""
    examples = [f"  python -m data_prep {name} {COMMANDS[name].example}" for name in _SHOWN if name in COMMANDS]
    parser = argparse.ArgumentParser(
        prog="python -m data_prep",
        description=__doc__,
        epilog="\n".join(["examples:", *examples]),
        formatter_class=partial(
            argparse.RawDescriptionHelpFormatter, width=150, max_help_position=30
        ),  # one line a command, wherever
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="SOURCE")
    for name, command in COMMANDS.items():
        command.add_arguments(subparsers.add_parser(name, help=command.summary, description=command.summary))
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        _refuse_unknown(unknown[0], options.command, subparsers.choices[options.command])
    try:
        return COMMANDS[options.command].run(options)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on where this one stopped", file=sys.stderr)
        return 130


def _refuse_unknown(word: str, command: str, parser: argparse.ArgumentParser) -> None:
    """Ends the program with the option that was probably meant."""
    near = get_close_matches(
        word.partition("=")[0], parser.format_usage().replace("[", " ").replace("]", " ").split(), 1
    )
    meant = f"; did you mean {near[0]}?" if near else ""
    parser.error(f"unknown option {word}{meant} (see python -m data_prep {command} --help)")


if __name__ == "__main__":
    sys.exit(main())
