"""SHA-256 of what a scan is read from."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

__all__ = ["file_sha256", "files_sha256"]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_sha256(paths: Sequence[Path]) -> str:
    """SHA-256 of one file's bytes; of several, that of their hashes, a line each, in the order given."""
    hashes = [_hash_once(path, path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256("".join(f"{one}\n" for one in hashes).encode()).hexdigest()


@lru_cache(maxsize=256)
def _hash_once(path: Path, size: int, modified: int) -> str:
    """Keeps the hash of an archive from which many scans are read; a file that was written again is read again."""
    return file_sha256(path)
