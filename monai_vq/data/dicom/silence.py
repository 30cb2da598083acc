"""Keeps what pydicom says to itself: its warnings and logs quote values and file names, which may be a patient's."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom.config import disable_value_validation

__all__ = ["silenced_pydicom"]


@contextmanager
def silenced_pydicom() -> Iterator[None]:
    """Mutes pydicom's warnings and logs; what is wrong with a value is found by the checks of this package."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings(), disable_value_validation():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
