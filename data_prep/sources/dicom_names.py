"""What patients, studies and files are called outside of their DICOM headers."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from data_prep.pseudonyms import Pseudonyms

__all__ = ["DicomNames", "default_key_file"]

_HASH_DIGITS = 6


def default_key_file(source: Path) -> Path:
    """The key file of a source for which none is given: beside the private files, never among what is prepared."""
    source = source.resolve()
    return source.with_name(f"{source.name}.pseudonyms.json") if source.name else source / "pseudonyms.json"


class DicomNames:
    """Pseudonyms, or, where they are kept, the names themselves.

    Args:
        source: root of the files.
        pseudonyms: None to keep ids and relative paths.
    """

    def __init__(self, source: Path, pseudonyms: Pseudonyms | None):
        self._source = source
        self._pseudonyms = pseudonyms

    def patient(self, original_id: str) -> str:
        """The patient's id in the dataset: letters, digits, `_`, `+` and `-`."""
        if self._pseudonyms is not None:
            return self._pseudonyms.patient(original_id)
        plain = re.sub(r"[^A-Za-z0-9_+-]+", "-", original_id).lstrip("_+-") or "patient"
        if plain == original_id:
            return plain
        digits = hashlib.sha256(original_id.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
        return f"{plain}-{digits}"  # "A 1" and "A-1" are two people

    def place(self, paths: Iterable[Path], kind: str) -> str:
        """What stands for some files wherever one would write their path: the first of them names them all."""
        relative = min(paths).relative_to(self._source).as_posix()
        return relative if self._pseudonyms is None else self._pseudonyms.source(relative, kind)
