"""The words of a path that may name a person, and how they are taken out of a sentence that stays readable."""

import re
from collections.abc import Callable, Mapping
from pathlib import PurePath

__all__ = ["hide_words", "path_words"]

_SHORTEST = 3  # characters; a shorter part of a path, such as "MR", is in half of all words
_COMMON = (  # folders are called so everywhere, and reasons and remedies need the words
    "anat anatomical brain brains data dataset dicom dicoms file files folder folders head heads image images img "
    "label labels mask masks mprage mri mris name names nifti nii original patient patients processed raw scan scans "
    "series session sessions slice slices source study subject subjects t1w t2w test the train training val "
    "validation visit visits volume volumes voxel voxels"
)
_HARMLESS = frozenset(_COMMON.split())


def path_words(path: PurePath) -> set[str]:
    """Every form in which a sentence may spell a part of a path.

    That is: the part, its stem, the label after a hyphen, and these without marks. Of the pieces between marks only
    those with a digit, as no sentence of ours takes a name apart; common words stay.

    >>> sorted(path_words(PurePath("anat/sub-Doe_07_T1w.nii.gz")))
    ['Doe07T1w', 'Doe_07_T1w', 'sub-Doe_07_T1w', 'sub-Doe_07_T1w.nii.gz', 'subDoe07T1w']
    """
    return {word for part in path.parts for word in _spellings(part) if _is_telling(word)}


def _spellings(part: str) -> set[str]:
    stem = part.split(".")[0]
    label = stem.partition("-")[2]
    plain = {re.sub(r"[^A-Za-z0-9]", "", text) for text in (stem, label)}
    pieces = {piece for piece in re.split(r"[-_\s]", stem) if any(character.isdigit() for character in piece)}
    return {part, stem, label} | plain | pieces


def _is_telling(word: str) -> bool:
    return len(word) >= _SHORTEST and word.lower() not in _HARMLESS


def hide_words(words: Mapping[str, str]) -> Callable[[str], str]:
    """A function that replaces words of a text, the longest first; parts of longer words stay.

    Args:
        words: and what takes their place.
    """
    if not words:
        return str
    ordered = sorted(words, key=len, reverse=True)
    pattern = re.compile("|".join(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])" for word in ordered))
    return lambda text: pattern.sub(lambda match: words[match[0]], text)
