"""Searches what was written for anything that could name a person, a place or a machine."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from data_prep.private.content import Content
from data_prep.private.findings import Finding, Match, describe, mask
from data_prep.private.known_words import KnownWords
from data_prep.private.pieces import Piece, find_pieces
from data_prep.private.rules import find_by_rules
from data_prep.private.unpack import unpack
from monai_vq.errors import InputError

__all__ = ["check_private"]

_DATED_FILES = ("provenance.json", "environment.json")  # they say when *we* ran, in the field `date`


def check_private(folder: Path | str, *, key_file: Path | None = None, terms: Sequence[str] = ()) -> list[str]:
    """Searches every file of a prepared dataset or a run, whatever its format, and the names of the files.

    Found are absolute paths, names as DICOM writes them (`Doe^Jane`), dates, UIDs, e-mail addresses, header fields that
    identify, ages over 89, the originals of a key file's pseudonyms, and the terms given; in plain text, tables, JSON,
    pages with their embedded images, NumPy headers, PNG and JPEG metadata, TensorBoard files, checkpoints, gzip, zip,
    UTF-16 and base64. Not found are names that follow no pattern and are not given, and writing that is burned into
    pixels.

    Args:
        folder: every file under it is read.
        key_file: of the pseudonyms; its ids may not be found.
        terms: further words that may not be found, at least 3 characters each.

    Returns:
        One line a finding: file, place, kind, remedy. No line shows a private text whole.

    Raises:
        InputError: there is no such folder, the key file cannot be read, or a term is too short.
        OSError: a file cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"no folder {folder}; give a prepared dataset or a run")
    known = KnownWords.gather(key_file, terms)
    own_key = None if key_file is None else Path(key_file).resolve()
    findings: list[Finding] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.resolve() == own_key:
            findings.append(_describe_key_file(_redact(path.relative_to(folder).as_posix(), known)))
        else:
            findings.extend(_search_file(path, path.relative_to(folder).as_posix(), known))
    return list(describe(findings))


def _search_file(path: Path, name: str, known: KnownWords) -> Iterator[Finding]:
    shown = _redact(name, known)
    for match in _search_piece(Piece("", name), known):
        yield _finding(shown, "name of the file", match, known)
    whole = Content("", path.read_bytes(), path.name)
    if _is_key_file(whole):
        yield _describe_key_file(shown)
    for content in unpack(whole):
        if content.problem:
            yield Finding(shown, content.place, "not searched", "", content.problem)
        for place, match in _search_content(content, known):
            if not (path.name in _DATED_FILES and (place, match.kind) == ("date", "date")):
                yield _finding(shown, place, match, known)
    for match, position in known.find_in_bytes(whole.data):
        yield _finding(shown, f"byte {position}", match, known)


def _search_content(content: Content, known: KnownWords) -> Iterator[tuple[str, Match]]:
    for match, position in known.find_in_bytes(content.data):
        yield content.place or f"byte {position}", match
    if not content.is_array:
        for piece in find_pieces(content):
            for match in _search_piece(piece, known):
                yield piece.place, match


def _search_piece(piece: Piece, known: KnownWords) -> Iterator[Match]:
    yield from find_by_rules(piece)
    yield from known.find_in_piece(piece)


def _finding(file: str, place: str, match: Match, known: KnownWords) -> Finding:
    return Finding(file, _redact(place, known), match.kind, mask(match.text), match.remedy)


def _redact(text: str, known: KnownWords) -> str:
    """A name or place without what is private in it, as a column may be called like a patient."""
    for match in list(_search_piece(Piece("", text), known)):
        position = text.casefold().find(match.text.casefold())
        if position >= 0:
            text = text[:position] + mask(match.text) + text[position + len(match.text) :]
    return text


def _is_key_file(content: Content) -> bool:
    if not content.name.endswith(".json"):
        return False
    try:
        body = json.loads(content.data)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and {"key", "patients"} <= body.keys()


def _describe_key_file(name: str) -> Finding:
    return Finding(name, "the whole file", "key of the pseudonyms", "", "move it out of the folder")
