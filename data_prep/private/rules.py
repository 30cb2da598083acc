"""What gives a person, a place or a machine away, whoever's it is: patterns of text and names of header fields."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from data_prep.private.caps import MAX_PUBLIC_AGE
from data_prep.private.findings import Match
from data_prep.private.pieces import Piece

__all__ = ["find_by_rules"]


@dataclass(frozen=True)
class Rule:
    """A pattern that is private wherever it stands.

    Attributes:
        kind: what it is, for the user.
        remedy: what the user can do.
        hints: one of these is part of every match; a quick way to see that there is none.
        pattern: the match, or its group `private`. Every repetition is bounded and starts at the beginning of a word,
            so that a line of megabytes takes no longer than its length.
        by_chance: whether random bytes may look like it, so that it is looked for in texts alone.
    """

    kind: str
    remedy: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    by_chance: bool = False


_PATH = ("absolute path", "give folders relative to the working directory, and take the path out of this file")
_PERSON = ("name of a person", "take the field out of the source, prepare again, and delete this file")
_DATE = ("date", "keep intervals or ages in place of dates, and delete this file")
_UID = ("DICOM UID", "take it out: the archive of the hospital finds the patient by it")
_MAIL = ("e-mail address", "take it out of this file")
_AGE = ("age over 89", "cap it at 89, as `python -m data_prep` does")
_FIELD = ("identifying header field", "keep only what is needed, such as spacing and axes")

_ROOTS = "home|Users|root|mnt|media|data|scratch|srv|work|tmp|var|opt|usr|etc|export|net|nfs|private|Volumes"
_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_TIME = r"(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d(?:\d{1,6}|\.\d{1,6})?)?"
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_EQUALS = r"[\"']?\s{0,8}[:=]\s{0,8}[\"']?"
_LETTER = r"[^\W\d_]"
_STANDARD_UIDS = r"1\.2\.840\.10008\."  # of transfer syntaxes and the like, the same in every hospital

_FIELDS = (  # PS3.15 Table E.1-1 and BIDS sidecars, spelt as DICOM keywords
    *("PatientName", "PatientID", "PatientBirthDate", "PatientBirthTime", "PatientAddress", "PatientComments"),
    *("PatientTelephoneNumbers", "PatientMotherBirthName", "OtherPatientIDs", "OtherPatientNames", "IssuerOfPatientID"),
    *("MedicalRecordLocator", "EthnicGroup", "Occupation", "InstitutionName", "InstitutionAddress"),
    *("InstitutionalDepartmentName", "ReferringPhysicianName", "PerformingPhysicianName", "PhysiciansOfRecord"),
    *("RequestingPhysician", "OperatorsName", "StationName", "DeviceSerialNumber", "AccessionNumber", "StudyID"),
    *("StudyDate", "SeriesDate", "AcquisitionDate", "AcquisitionDateTime", "ContentDate", "StudyInstanceUID"),
    *("SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"),
)
_PLAIN_FIELDS = (  # NIfTI, Analyze and tables
    *("descrip", "auxfile", "dbname", "institution", "hospital", "birthdate", "dateofbirth", "dob", "examdate"),
    *("scandate", "acqdate", "acqtime", "firstname", "lastname", "surname", "familyname", "ssn", "phone"),
)
_FIELD_KEYS = {*(field.lower() for field in _FIELDS), *_PLAIN_FIELDS} - {"patientid"}  # our own columns: patient_id
_FIELD_NAMES = "|".join(_FIELDS)

_RULES = tuple(
    Rule(*kind, hints, re.compile(pattern), *options)
    for kind, hints, pattern, *options in (
        (_PATH, ("/",), rf"(?<![\w.~/\\:)<#%@+-])/(?:{_ROOTS})/[^\s\"'<>|*?,;]{{1,4096}}"),
        (_PATH, ("/",), r"(?<![\w.~/\\:)<#%@+-])(?!/9j/)(?:/[\w.+@-]{2,64}){3,32}"),  # /9j/ begins a JPEG in base64
        (_PATH, ("file:",), r"file:/{1,3}[^\s\"'<>]{1,4096}"),
        (_PATH, (":\\", ":/"), r"(?<![A-Za-z0-9])[A-Za-z]:(?:\\{1,2}|/(?!/))[\w .-]{2,64}[^\s\"'<>|*?,;]{0,4096}"),
        (_PATH, ("\\\\",), r"(?<![\\\w])\\{2,4}[A-Za-z0-9][\w.-]{1,64}\\{1,2}[\w$.-]{2,64}[^\s\"'<>|*?,;]{0,4096}"),
        (
            _PERSON,
            ("^",),
            rf"(?<!{_LETTER}){_LETTER}{{2,40}}(?:[ '.-]{_LETTER}{{1,40}}){{0,3}}\^{_LETTER}{{1,40}}",
            True,
        ),
        (_PERSON, ("^",), r"(?<![A-Za-z])(?:[A-Z][a-z]{2,40}\^[A-Z][a-z]{1,40}|[A-Z]{3,40}\^[A-Z]{2,40})"),
        (_DATE, ("19", "20"), rf"(?<![0-9A-Za-z.]){_YEAR}{_MONTH}{_DAY}(?:{_TIME})?(?![0-9A-Za-z]|\.\d)"),
        (_DATE, ("19", "20"), rf"(?<!\d){_YEAR}([-/.]){_MONTH}\1{_DAY}(?!\d)"),
        (_DATE, ("19", "20"), rf"(?<![\d.]){_DAY}([-/.]){_MONTH}\1{_YEAR}(?![\d.])"),
        (_DATE, ("/19", "/20"), rf"(?<![\d/.])(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])/{_YEAR}(?!\d)"),
        (_DATE, ("19", "20"), rf"(?<!\w)\d{{1,2}}[- .](?:{_MONTHS})[a-z]{{0,6}}[- .,]{{1,2}}{_YEAR}(?!\d)"),
        (_UID, ("1.2.",), rf"(?<![\w.])(?!{_STANDARD_UIDS})1\.2\.\d{{2,3}}(?:\.\d{{1,40}}){{2,20}}"),
        (_UID, ("1.3.",), r"(?<![\w.])1\.3\.(?:6\.1|12\.2|46)(?:\.\d{1,40}){2,20}"),
        (_UID, ("2.25.",), r"(?<![\w.])2\.25\.\d{8,40}"),
        (_MAIL, ("@",), r"(?<![\w.+-])[\w.+-]{2,64}@[\w-]{2,63}(?:\.[\w-]{1,63}){0,4}\.[A-Za-z]{2,10}(?!\w)"),
        (_AGE, (" year",), r"(?<![\w.])(?:9\d|1[0-2]\d)(?:\.\d{1,6})? years?\b"),
        (_AGE, ("Y",), r"(?<!\w)(?:09\d|1[0-2]\d)Y(?!\w)"),  # an age as DICOM writes it
        (_FIELD, (":", "="), rf"\b(?:{_FIELD_NAMES})\b{_EQUALS}(?P<private>[^\s\"',;{{}}\[\]]{{1,4096}})"),
    )
)


def find_by_rules(piece: Piece) -> Iterator[Match]:
    """Yields all in a piece of text that is private by its form, by the name of its field, or as an age."""
    yield from dict.fromkeys(_find_patterns(piece))  # two patterns may find the same
    key = re.sub(r"[\W_]", "", piece.key).lower()
    if piece.text.strip() and (key in _FIELD_KEYS or piece.key == "PatientID"):
        yield Match(_FIELD[0], piece.text, _FIELD[1])
    if key == "age" and _to_number(piece.text) > MAX_PUBLIC_AGE:
        yield Match(_AGE[0], piece.text, _AGE[1])


def _find_patterns(piece: Piece) -> Iterator[Match]:
    for rule in _RULES:
        if (piece.by_chance and rule.by_chance) or not any(hint in piece.text for hint in rule.hints):
            continue
        for match in rule.pattern.finditer(piece.text):
            text = match["private"] if "private" in rule.pattern.groupindex else match[0]
            yield Match(rule.kind, text, rule.remedy)


def _to_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
