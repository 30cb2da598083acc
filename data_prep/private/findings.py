"""What was found, told without telling it again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Finding", "Match", "describe", "mask"]

_SHOWN = 10  # of one kind in one file: a column of dates is one mistake
_HINT = 2  # characters that remain of a private text, by which its owner knows it again
_SHORT = 6  # characters; of shorter texts two would be much


class Match(NamedTuple):
    """A private text.

    Attributes:
        kind: what it is.
        text: as it stands in the file; never to be shown whole.
        remedy: what the user can do.
    """

    kind: str
    text: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """A match and its place; nothing in it is private any more.

    Attributes:
        file: path relative to the folder.
        place: where in the file.
        kind: what was found.
        masked: how it begins.
        remedy: what the user can do.
    """

    file: str
    place: str
    kind: str
    masked: str
    remedy: str


def mask(text: str) -> str:
    """Shows how a text begins and how long it is.

    >>> mask("Doe^Jane"), mask("Jane")
    ('Do…(8 characters)', '…(4 characters)')
    """
    return f"{text[:_HINT] if len(text) >= _SHORT else ''}…({len(text)} characters)"


def describe(findings: Iterable[Finding]) -> Iterator[str]:
    """Yields one line a finding: file, place, kind, remedy; the same text in one file once, with its first place."""
    places: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        places.setdefault((finding.file, finding.kind, finding.masked), []).append(finding)
    shown: dict[tuple[str, str], int] = {}
    for (file, kind, masked), same in places.items():
        shown[file, kind] = shown.get((file, kind), 0) + 1
        if shown[file, kind] <= _SHOWN:
            others = f" and {len(same) - 1} more" if len(same) > 1 else ""
            yield f"{file}: {same[0].place}{others}: {' '.join(filter(None, (kind, masked)))}; {same[0].remedy}"
    for (file, kind), count in shown.items():
        if count > _SHOWN:
            yield f"{file}: {count - _SHOWN} further texts: {kind}; as above"
