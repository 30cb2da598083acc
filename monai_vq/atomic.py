"""Files that are whole or not there: written under a temporary name, then renamed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["PART", "atomic_path"]

PART = ".part"  # suffix of what is being written


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a temporary name beside `path` to write to, which takes the final name only when all went well."""
    part = path.with_name(f".{path.name}{PART}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
