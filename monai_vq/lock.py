"""A lock on a folder, which ends with the process that holds it, however that ends."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monai_vq.errors import InputError

if sys.platform != "win32":
    import fcntl

__all__ = ["LOCK", "check_unlocked", "locked"]

LOCK = ".lock"
logger = logging.getLogger(__name__)


@contextmanager
def locked(folder: Path, other: str) -> Iterator[int | None]:
    """Keeps a second program, and the processes of one that was killed outright, from writing to a folder at once.

    Args:
        folder: that exists.
        other: what may hold the lock, for the message.

    Yields:
        The lock's file descriptor, which processes can inherit; None on Windows, which has no such lock.

    Raises:
        InputError: another holds the lock.
        OSError: the folder cannot be written to.
    """
    if sys.platform == "win32":
        yield None
        return
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"{other} writes to {folder}; wait for its end, or choose another --output_dir."
            ) from error
        except OSError as error:  # as of Lustre, where it is mounted without locks
            logger.warning(f"{folder} cannot be locked ({error.strerror}): let no second program write to it.")
        yield file.fileno()


def check_unlocked(folder: Path, other: str) -> None:
    """Refuses a folder that another program writes to; makes nothing.

    Raises:
        InputError: another holds the lock.
    """
    if (folder / LOCK).is_file():
        try:
            with locked(folder, other):
                return
        except OSError:  # which writing to it will explain
            return
