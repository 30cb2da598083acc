"""Words that are known to be private: the ids behind the pseudonyms, and what the user names."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from data_prep.private.findings import Match
from data_prep.private.pieces import Piece
from monai_vq.errors import InputError

__all__ = ["KnownWords"]

_TERM = ("private term", "take it out of this file, or out of the source and prepare again")
_ID = ("original id", "prepare again with the key file, so that its pseudonym is written")
_KEY = "the key of the pseudonyms"
_SHORTEST_TERM = 3  # characters; shorter ones are in every file
_SHORTEST_ID = 4  # characters; shorter ones are private only where an id is expected
_SHORTEST_STEM = 6  # characters of a file name that is looked for without its folders
_ID_COLUMNS = {"patient_id", "session_id", "scan_id", "patient", "session", "scan", "source"}
_TOKEN = re.compile(r"[^\W_]+")
_ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "utf-32-le")


class KnownWords:
    """Terms, found anywhere and in any encoding; and ids, found as whole words of texts.

    Args:
        terms: anything of at least 3 characters; letters match in either case within texts.
        ids: original ids and paths.

    Raises:
        InputError: a term is shorter.
    """

    def __init__(self, terms: Sequence[str] = (), ids: Sequence[str] = ()):
        short = [term for term in terms if len(term.strip()) < _SHORTEST_TERM]
        if short:
            raise InputError(
                f"a term of {len(short[0])} character(s) would be found everywhere; give at least {_SHORTEST_TERM}"
            )
        self._terms = {term: re.compile(re.escape(term), re.IGNORECASE) for term in terms}
        self._encoded = {term: _encode(term) for term in terms}
        self._short_ids = {word for word in ids if len(word) < _SHORTEST_ID}
        self._ids: dict[str, list[str]] = defaultdict(list)  # by their first token
        for word in sorted({word.casefold() for word in ids if len(word) >= _SHORTEST_ID}):
            if token := _TOKEN.search(word):
                self._ids[token[0]].append(word[token.start() :])

    @classmethod
    def gather(cls, key_file: Path | None, terms: Sequence[str]) -> "KnownWords":
        """Takes the user's terms and what a key file knows.

        Args:
            key_file: JSON with `key` (hexadecimal), `patients` and `sources`, each from the original to its pseudonym.
            terms: see the class.

        Raises:
            InputError: the file cannot be read, or a term is too short.
        """
        if key_file is None:
            return cls(terms)
        try:
            body = json.loads(Path(key_file).read_text(encoding="utf-8"))
            key, ids = str(body["key"]), [*_originals(body["patients"]), *_originals(body.get("sources", {}))]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            problem = f"{key_file} is no key file of pseudonyms ({type(error).__name__})"
            raise InputError(f"{problem}; give the one that --pseudonymize wrote") from error
        stems = [PurePosixPath(word).name.split(".")[0] for word in ids]
        return cls([*terms, key], [*ids, *(stem for stem in stems if _is_telling(stem))])

    def find_in_piece(self, piece: Piece) -> Iterator[Match]:
        """Yields the terms and ids in a piece of text."""
        for term, pattern in self._terms.items():
            if pattern.search(piece.text):
                yield Match(_TERM[0], term, _TERM[1])
        if piece.key in _ID_COLUMNS and piece.text in self._short_ids:
            yield Match(_ID[0], piece.text, _ID[1])
        if self._ids:
            yield from self._find_ids(piece.text.casefold())

    def _find_ids(self, text: str) -> Iterator[Match]:
        for token in _TOKEN.finditer(text):
            for word in self._ids.get(token[0], ()):
                end = token.start() + len(word)
                if text.startswith(word, token.start()) and not text[end : end + 1].isalnum():
                    yield Match(_ID[0], text[token.start() : end], _ID[1])

    def find_in_bytes(self, data: bytes) -> Iterator[tuple[Match, int]]:
        """Yields the terms in any bytes, with the place of the first occurrence; letters must match in case."""
        for term, encodings in self._encoded.items():
            found = [data.find(encoded) for encoded in encodings]
            if places := [place for place in found if place >= 0]:
                yield Match(_TERM[0], term, _TERM[1]), min(places)


def _originals(pseudonyms: Mapping[str, str]) -> list[str]:
    replaced = set(pseudonyms.values())
    return [word for word in pseudonyms if word not in replaced]


def _is_telling(stem: str) -> bool:
    """Whether a file name without folder and suffix is more than `T1` or `brain`."""
    return len(stem) >= _SHORTEST_STEM and any(character.isdigit() for character in stem)


def _encode(term: str) -> set[bytes]:
    return {term.encode(encoding) for encoding in _ENCODINGS if encoding != "latin-1" or max(map(ord, term)) < 256}
