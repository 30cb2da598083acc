"""`python -m data_prep SOURCE ...`: prepares a download for training; other commands work on what was prepared."""

import argparse
import sys
from collections.abc import Sequence
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
    options = parser.parse_args(arguments)
    try:
        return COMMANDS[options.command].run(options)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on where this one stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
