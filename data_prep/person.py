"""What the tables of a download know of a patient at one session."""

from dataclasses import dataclass, replace

__all__ = ["MAX_AGE", "MISSING", "Person", "parse_age", "parse_cell", "parse_sex"]

MISSING = {"", "n/a", "na", "nan", "none", "null", "-4"}  # -4 is ADNI's own code for a value that was not taken
MAX_AGE = 130  # years; beyond are codes such as 999, and days
_SEXES = {"m": "M", "male": "M", "f": "F", "female": "F"}


@dataclass(frozen=True)
class Person:
    """What a table knows of a patient at a session; unknown is empty or None.

    Attributes:
        diagnosis: as the table has it, such as `CN`; never guessed from an empty cell.
        age: years at the session.
        sex: `M`, `F`, or as the table has it.
        site: where the scan was made, a code of the study.
        field_strength: of the scanner, tesla, as in `1.5`.
    """

    diagnosis: str = ""
    age: float | None = None
    sex: str = ""
    site: str = ""
    field_strength: str = ""

    def updated(self, newer: "Person") -> "Person":
        """The values of `newer` where it has any."""
        known = {name: value for name, value in vars(newer).items() if value not in ("", None)}
        return replace(self, **known)


def parse_cell(cell: str | None) -> str:
    """The text of a table's cell; empty where the table says that nothing is known.

    >>> parse_cell(" CN "), parse_cell("n/a"), parse_cell(None)
    ('CN', '', '')
    """
    text = (cell or "").strip()
    return "" if text.lower() in MISSING else text


def parse_age(cell: str | None) -> float | None:
    """Years; None where the cell is empty or no age, as nothing but the tables of counts depends on it.

    >>> parse_age("74"), parse_age("89+"), parse_age("27010"), parse_age("n/a")
    (74.0, 89.0, None, None)
    """
    try:
        age = float(parse_cell(cell).removesuffix("+"))  # "89+" was BIDS' own way to cap ages
    except ValueError:
        return None
    return age if 0 <= age <= MAX_AGE else None


def parse_sex(cell: str | None) -> str:
    """`M` or `F` for the usual spellings, any other text as it is.

    >>> parse_sex("Female"), parse_sex("m"), parse_sex("other"), parse_sex("")
    ('F', 'M', 'other', '')
    """
    text = parse_cell(cell)
    return _SEXES.get(text.lower(), text)
