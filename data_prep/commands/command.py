"""One command: its line of the help, its options and what it does."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Command", "public_command"]


@dataclass(frozen=True)
class Command:
    """One line of `python -m data_prep --help`.

    Attributes:
        summary: the line.
        example: a complete call, after `python -m data_prep NAME`.
        add_arguments: adds its options.
        run: does it, and returns the exit status.
    """

    summary: str
    example: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def public_command(options: argparse.Namespace, hidden: bool = False) -> str:
    """The command line with folders cut to their last name: the rest of a path may name people or sites.

    Args:
        options: as parsed.
        hidden: leave paths and patterns out altogether, as they may hold what pseudonyms stand for.
    """
    words = ["python -m data_prep", options.command]
    for name, value in vars(options).items():
        if name in ("command", "scheduler", "key_file") or value is None or value is False:
            continue
        if hidden and (isinstance(value, Path) or name.endswith("_regex")):
            continue
        values = value if isinstance(value, list | tuple) else [] if value is True else [value]
        words += [f"--{name}", *(one.resolve().name if isinstance(one, Path) else str(one) for one in values)]
    return " ".join(words)
