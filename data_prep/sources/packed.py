"""Bytes out of gzip and tar files: in memory, under a cap, and read to the end so that the checksum counts."""

import gzip
import tarfile
import zlib
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

from monai_vq.data import VolumeError, files_sha256

__all__ = ["MAX_UNPACKED_BYTES", "read_gzip", "read_tar_members", "shared_sha256"]

MAX_UNPACKED_BYTES = 1 << 30  # CIFAR-10 has 186 MB, MNIST 47
_PIECE = 1 << 20
_DOWNLOAD_AGAIN = "download the file again"
_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError)


class _Capped:
    """A stream that refuses to give more than the cap: 1 MB of gzip can hold 1 GB of zeros."""

    def __init__(self, stream: gzip.GzipFile, name: str) -> None:
        self.stream, self.name, self.left = stream, name, MAX_UNPACKED_BYTES

    def read(self, size: int) -> bytes:
        piece = self.stream.read(size)
        self.left -= len(piece)
        if self.left < 0:
            raise VolumeError(f"{self.name} unpacks to more than {MAX_UNPACKED_BYTES} bytes", _DOWNLOAD_AGAIN)
        return piece


def read_gzip(path: Path) -> bytes:
    """The content of a gzip file.

    Raises:
        VolumeError: it is damaged, cut off, or unpacks to more than the cap.
        OSError: it cannot be opened.
    """
    try:
        with gzip.open(path) as stream:
            capped = _Capped(stream, path.name)
            return b"".join(iter(lambda: capped.read(_PIECE), b""))
    except _DAMAGE as error:
        raise VolumeError(f"{path.name} is damaged or cut off", _DOWNLOAD_AGAIN) from error


def read_tar_members(path: Path, names: Collection[str]) -> dict[str, bytes]:
    """Files of a `.tar.gz`, by their name in it. Nothing is written, so no name in it can lead out of a folder.

    Args:
        path: the archive.
        names: of the members that are wanted; all others are passed over.

    Returns:
        Those of the names that are there.

    Raises:
        VolumeError: it is damaged, cut off, or unpacks to more than the cap; a wanted name is no plain file, or is
            there twice.
        OSError: it cannot be opened.
    """
    members: dict[str, bytes] = {}
    try:
        with gzip.open(path) as stream:
            capped = _Capped(stream, path.name)
            with tarfile.open(fileobj=capped, mode="r|") as archive:  # type: ignore[call-overload]  # it only reads
                for member in archive:
                    name = member.name.removeprefix("./")
                    if name in names:
                        members[name] = _read_member(archive, member, twice=name in members)
            while capped.read(_PIECE):  # the checksum lies behind the last member
                pass
    except _DAMAGE as error:
        raise VolumeError(f"{path.name} is damaged or cut off", _DOWNLOAD_AGAIN) from error
    return members


def _read_member(archive: tarfile.TarFile, member: tarfile.TarInfo, twice: bool) -> bytes:
    file = archive.extractfile(member) if member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) else None
    if file is None or twice:
        problem = "there twice" if twice else "no plain file"
        raise VolumeError(f"the member {member.name} is {problem}", _DOWNLOAD_AGAIN)
    return file.read()


def shared_sha256(files: tuple[Path, ...]) -> str:
    """The hash of files that many stacks are read from, computed once a process (see `files_sha256`)."""
    return _hash(files, tuple(path.stat().st_mtime_ns for path in files))


@lru_cache(maxsize=8)
def _hash(files: tuple[Path, ...], modified: tuple[int, ...]) -> str:
    """Hashes; `modified` (ns) makes files that were replaced be read again."""
    return files_sha256(files)
