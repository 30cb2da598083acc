"""What DICOM headers say of a patient, cut down to what a dataset may hold: age, sex, field strength."""

import re
from collections.abc import Sequence

from data_prep.person import MAX_AGE, Person
from data_prep.private.caps import cap_age
from monai_vq.data.dicom import DicomHeader

__all__ = ["parse_dicom_age", "person_of"]

_AGE = re.compile(r"(\d{3})([DWMY])")
_DAYS = {"D": 1.0, "W": 7.0, "M": 365.25 / 12, "Y": 365.25}
_NO_AGE = "000Y"  # what scanners write where no birth date was given; of a newborn, days are
_SEXES = ("F", "M", "O")
_MAX_TESLA = 20.0  # beyond, the scanner wrote gauss
_GAUSS = 1e-4  # tesla


def person_of(headers: Sequence[DicomHeader]) -> Person:
    """Age at the study (capped at 89 years), sex and field strength; anything that is not of their form is unknown.

    Name, birth date and institution are never read, and free text never becomes a value.
    """
    info = headers[0].info
    age = parse_dicom_age(info.age)
    return Person(
        age=cap_age(None if age is None else round(age, 2)),
        sex=info.sex.upper() if info.sex.upper() in _SEXES else "",
        field_strength=_format_field(info.field_strength),
    )


def parse_dicom_age(text: str) -> float | None:
    """Years of an age string; None where it is empty, none, or `000Y`.

    >>> parse_dicom_age("074Y"), parse_dicom_age("018M"), parse_dicom_age("74"), parse_dicom_age("000Y")
    (74.0, 1.5, None, None)
    """
    match = _AGE.fullmatch(text)
    if match is None or text == _NO_AGE:
        return None
    age = int(match[1]) * _DAYS[match[2]] / _DAYS["Y"]
    return age if age <= MAX_AGE else None


def _format_field(tesla: float | None) -> str:
    if tesla is None or tesla <= 0:
        return ""
    tesla = tesla * _GAUSS if tesla > _MAX_TESLA else tesla
    return f"{tesla:g}" if tesla <= _MAX_TESLA else ""
