"""Texts as pieces: the cells of a table, the values of a JSON file, the lines of a text, the words in other bytes."""

import codecs
import csv
import html
import io
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote

from data_prep.private.content import Content
from data_prep.private.unpack import is_text

__all__ = ["Piece", "find_pieces"]

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_WORDS = re.compile(rb"[\x20-\x7e\t]{5,}|(?:[\x20-\x7e]\x00){5,}")  # in one byte a character, or in two
_STAMP = re.compile(r"\[?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?Z?\]?")  # when a line was logged
_PLAIN_KEY = re.compile(r"[A-Za-z_]\w{0,40}")
_LONG_BASE64 = re.compile(r"[A-Za-z0-9+/]{1000,}")  # searched as what it decodes to
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True)
class Piece:
    """A short text.

    Attributes:
        place: where it stands, such as `row 3, column age`.
        text: without the escapes of its format.
        key: name of the column or field whose value it is; empty where there is none.
        by_chance: whether it stood among bytes that are no text, where chance writes short words too.
    """

    place: str
    text: str
    key: str = ""
    by_chance: bool = False


def find_pieces(content: Content) -> Iterator[Piece]:
    """Yields the pieces of a content that is no array; the names of columns and fields are pieces too."""
    text = _decode(content.data)
    if text is None:
        yield from _find_words(content)
        return
    suffix = PurePath(content.name).suffix.lower()
    try:
        if suffix == ".json":
            yield from _place(content, list(_walk(json.loads(text, object_pairs_hook=_Pairs), "", "")))
            return
        if suffix in _DELIMITERS:
            yield from _place(content, list(_find_cells(text, _DELIMITERS[suffix])))
            return
    except (ValueError, RecursionError, csv.Error):
        pass  # the suffix is wrong: its lines are searched
    yield from _place(content, _find_lines(text, is_log=suffix == ".log"))


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its keys, the repeated ones too, which a dict would drop."""


def _decode(data: bytes) -> str | None:
    """The text of the bytes; None where they are none."""
    encodings = ["utf-16"] if data.startswith(_UTF16_MARKS) else ["utf-8-sig", "latin-1"] if is_text(data) else []
    for encoding in encodings:
        with suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return None


def _place(content: Content, pieces: Iterable[Piece]) -> Iterator[Piece]:
    for piece in pieces:
        yield Piece(", ".join(filter(None, (content.place, piece.place))), piece.text, piece.key)


def _find_words(content: Content) -> Iterator[Piece]:
    for match in _WORDS.finditer(content.data):
        place = content.place or f"byte {match.start()}"
        yield Piece(place, match[0].replace(b"\0", b"").decode("ascii"), by_chance=True)


def _walk(value: Any, place: str, key: str) -> Iterator[Piece]:
    if isinstance(value, _Pairs):
        for name, inner in value:
            path = f"{place}.{name}" if place else name
            shown = path if _PLAIN_KEY.fullmatch(name) else f"{place}.…"  # a key may be a patient
            yield Piece(shown, name)
            yield from _walk(inner, shown, name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _walk(inner, f"{place}[{index}]", key)
    elif value is not None and not isinstance(value, bool):
        yield Piece(place, str(value), key)


def _find_cells(text: str, delimiter: str) -> Iterator[Piece]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = next(reader, [])
    yield from (Piece("header", name) for name in header)
    for number, row in enumerate(reader, start=1):
        for index, cell in enumerate(row):
            column = header[index] if index < len(header) else ""
            yield Piece(f"row {number}, column {column or index + 1}", cell, column)


def _find_lines(text: str, is_log: bool) -> Iterator[Piece]:
    for number, line in enumerate(_LONG_BASE64.sub("…", text).splitlines(), start=1):
        line = _STAMP.sub("", line, count=1) if is_log and _STAMP.match(line) else line
        for variant in dict.fromkeys((line, _unescape(line))):
            yield Piece(f"line {number}", variant)


def _unescape(line: str) -> str:
    """What a browser or a JSON reader would make of a line."""
    line = html.unescape(line) if "&" in line else line
    line = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), line) if "\\u" in line else line
    return unquote(line) if "%" in line else line
