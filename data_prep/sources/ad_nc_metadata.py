"""`meta_data_with_label.json` of AD_NC: the one place that says whose scan an image number is."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_vq.errors import InputError

__all__ = ["METADATA_NAME", "Entry", "read_metadata"]

METADATA_NAME = "meta_data_with_label.json"
MAX_METADATA_BYTES = 64 << 20  # the published one has 2,189 entries
_LABELS = {"0": "NC", "1": "MCI", "2": "AD"}
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_PATIENT = re.compile(r"(?<!\d)\d{3}_S_\d{4,5}(?!\d)", re.ASCII)


@dataclass(frozen=True)
class Entry:
    """What the file says of one scan.

    Attributes:
        patient_id: PTID, such as `002_S_0295`; empty where its path names none or several.
        diagnosis: `NC`, `MCI`, `AD`, or empty where the label is another.
    """

    patient_id: str
    diagnosis: str


def read_metadata(path: Path) -> dict[int, Entry]:
    """Reads the entries by image number.

    Raises:
        InputError: the file is missing, too large, no JSON, or no table of entries by image number.
    """
    if not path.is_file():
        raise InputError(f"no file {path}; give {METADATA_NAME} of the download")
    if path.stat().st_size > MAX_METADATA_BYTES:
        raise InputError(f"{path.name} has {path.stat().st_size} bytes, expected at most {MAX_METADATA_BYTES}")
    try:
        body = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is no JSON ({error}); download it again") from error
    if not isinstance(body, dict) or not all(_is_entry(key, value) for key, value in body.items()):
        raise InputError(
            f"{path.name} is not of the expected form {{image number: {{label, raw, ...}}}}; download it again"
        )
    return {int(key): _read_entry(value) for key, value in body.items()}


def _is_entry(key: str, value: Any) -> bool:
    return bool(_NUMBER.fullmatch(key)) and isinstance(value, dict)


def _read_entry(value: dict[str, Any]) -> Entry:
    patients = set(_PATIENT.findall(str(value.get("raw", ""))))  # in folder and name, which must agree
    diagnosis = _LABELS.get(str(value.get("label", "")), "")
    return Entry(patients.pop() if len(patients) == 1 else "", diagnosis)
