"""Downloads whose files come with checksums: a changed byte is found in formats, too, that would not tell."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from data_prep.sources import Found, Scan
from monai_vq.data import VolumeError
from monai_vq.errors import InputError

__all__ = ["check_against", "read_checksums"]

_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}  # by the digits of a digest
_LINE = re.compile(r"(?P<digest>[0-9A-Fa-f]{32,128}) [ *](?P<path>.+)")
_BSD_LINE = re.compile(r"(?:MD5|SHA1|SHA256|SHA512) \((?P<path>.+)\) = (?P<digest>[0-9A-Fa-f]{32,128})")
_CHUNK = 2**20
_PAIR = 2  # files of one image: header and voxels; more are a stack that headers put together


def read_checksums(path: Path) -> dict[str, str]:
    """Reads a list as `md5sum`, `sha1sum`, `sha256sum` or `sha512sum` write it, with `--tag` or without.

    Returns:
        The hexadecimal digest in lower case, by path as it is written there.

    Raises:
        InputError: the list is missing or empty, or a line is none of a list.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--checksums {path} cannot be read ({type(error).__name__}); give md5sum's list") from error
    digests = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line) or _BSD_LINE.fullmatch(line)
        if match is None or len(match["digest"]) not in _ALGORITHMS:
            raise InputError(
                f"line {number} of --checksums {path} is not a checksum and a path; "
                "make the list by `find . -type f -exec sha256sum {} +`"
            )
        digests[match["path"]] = match["digest"].lower()
    if not digests:
        raise InputError(f"--checksums {path} lists no file; make it by `find . -type f -exec sha256sum {{}} +`")
    return digests


def check_against(found: Found, checksums: Path, source: Path) -> Found:
    """Has every file of a source compared with its checksum before it is read.

    Args:
        found: of the source.
        checksums: the list; its paths are relative to its own folder or to the source, or absolute.
        source: root of the unpacked download.

    Raises:
        InputError: as `read_checksums` does, or the list names no file of the source.
    """
    digests = read_checksums(checksums)
    bases = {checksums.parent.resolve(), source.resolve()}
    expected = {(base / path).resolve(): digest for base in bases for path, digest in digests.items()}
    if found.scans and not any(path.resolve() in expected for scan in found.scans for path in scan.files):
        raise InputError(
            f"--checksums {checksums} lists none of the files of {source}, first {next(iter(digests))!r}; "
            "its paths must be relative to its own folder or to --source"
        )
    damaged = _damaged_folders(found.scans, expected)
    found.scans = [_checked(scan, expected, damaged) for scan in found.scans]
    return found


def _damaged_folders(scans: Sequence[Scan], expected: Mapping[Path, str]) -> set[Path]:
    """Folders of stacks of files in which a listed file that belongs to no scan differs: it may be lost to a stack.

    A DICOM file whose series number has changed is no longer among those of its series, and is never read with them.
    """
    taken = {path.resolve() for scan in scans for path in (*scan.files, *scan.labels)}
    folders = {path.resolve().parent for scan in scans if len(scan.files) > _PAIR for path in scan.files}
    others = [path for path in expected if path.parent in folders and path not in taken and path.is_file()]
    return {path.parent for path in others if _hash(path, _ALGORITHMS[len(expected[path])]) != expected[path]}


def _checked(scan: Scan, expected: Mapping[Path, str], damaged: Set[Path]) -> Scan:
    select = partial(_select, expected=expected)
    lost = len(scan.files) > _PAIR and any(path.resolve().parent in damaged for path in scan.files)
    return replace(
        scan,
        read=_Checked(scan.read, select(scan.files), lost),
        read_labels=_Checked(scan.read_labels, select(scan.labels)),
    )


def _select(files: Iterable[Path], expected: Mapping[Path, str]) -> tuple[str, ...]:
    return tuple(expected.get(path.resolve(), "") for path in files)


@dataclass(frozen=True)
class _Checked:
    """Reads files whose digests are those expected; an empty one is of a file that is not listed."""

    read: Callable[[tuple[Path, ...]], Any]
    digests: tuple[str, ...]
    may_lack_one: bool = False

    def __call__(self, files: tuple[Path, ...]) -> Any:
        for number, (path, expected) in enumerate(zip(files, self.digests, strict=True), start=1):
            which = f"file {number} of {len(files)}" if len(files) > 1 else "the file"
            if not expected:
                raise VolumeError(f"{which} is not in the list of --checksums", "make the list of the whole download")
            algorithm = _ALGORITHMS[len(expected)]
            if (digest := _hash(path, algorithm)) != expected:
                raise VolumeError(
                    f"{algorithm} of {which} is {digest[:12]}…, not {expected[:12]}… as listed", "download it again"
                )
        if self.may_lack_one:
            raise VolumeError(
                "a file of its folder differs from the list and belongs to no scan; it may be missing here",
                "download the folder again",
            )
        return self.read(files)


def _hash(path: Path, algorithm: str) -> str:
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()
