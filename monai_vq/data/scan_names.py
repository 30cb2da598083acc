"""Names that sort and save well, made of whatever a study calls its patients, visits and files."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

__all__ = ["name_scans"]

_UNSAFE = re.compile(r"[^A-Za-z0-9_+-]+")  # scan ids become file names
_LONGEST = 150  # characters: a file system allows 255 bytes, of which endings and numbers take some


def name_scans(labels: Sequence[str]) -> list[str]:
    """Unique plain names for scans, given one label each; the second of a label gets the number 2.

    Names that differ in case alone count as one, as they do to disks of macOS and Windows. Of a label that is too long
    for a file's name, a hash of it and its end are left.

    >>> name_scans(["P1", "P1", "Zoë/1", "P1_2", "P1"])
    ['P1', 'P1_3', 'Zoe-1', 'P1_2', 'P1_4']
    """
    ascii_labels = [unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode() for label in labels]
    bases = [_shorten(_UNSAFE.sub("-", label).lstrip("_+-").rstrip("-") or "scan") for label in ascii_labels]
    reserved, used = {base.lower() for base in bases}, dict[str, str]()
    for base in bases:
        name, number = base, 1
        while (key := name.lower()) in used or (number > 1 and key in reserved):
            number += 1
            name = f"{base}_{number}"
        used[key] = name
    return list(used.values())


def _shorten(name: str) -> str:
    digest = hashlib.sha256(name.encode("ascii")).hexdigest()[:8]
    return name if len(name) <= _LONGEST else f"{digest}-{name[len(digest) + 1 - _LONGEST :].lstrip('_+-')}"
