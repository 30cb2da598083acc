"""One image a visit: ADNI ships a visit's scan in several states of processing, and often a second scan beside it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from data_prep.rejections import Rejection
from data_prep.sources.adni_names import LEVELS
from data_prep.sources.adni_tree import Image
from monai_vq.errors import InputError

__all__ = ["advise", "check_preference", "choose_images"]

_Rank = tuple[bool, bool, bool, int, int, str]


def check_preference(preference: Sequence[str]) -> None:
    """Checks the order of preprocessing levels.

    Raises:
        InputError: a level is unknown, occurs twice, or there is none.
    """
    unknown = [level for level in preference if level not in LEVELS]
    if unknown or not preference or len(set(preference)) < len(preference):
        problem = f"the preference {' '.join(preference) or '(nothing)'}"
        raise InputError(f"{problem}: expected some of {' '.join(LEVELS)}, each once, the best first")


def choose_images(images: Iterable[Image], preference: Sequence[str]) -> tuple[list[Image], list[Rejection]]:
    """Takes one image of each patient and day.

    In this order: a first scan before a repeat, a full before an accelerated one, with the scanner's distortion
    correction before without, the preferred level of preprocessing, and of several of one level the last made. So a
    repeat is taken only where it is all there is.

    Args:
        images: of all patients.
        preference: levels of preprocessing, the best first; others are left.

    Returns:
        The images taken, by patient and day, and those left.
    """
    visits: defaultdict[tuple[str, date], list[Image]] = defaultdict(list)
    left = []
    for image in images:
        if image.series.level in preference:
            visits[image.patient_id, image.acquired].append(image)
        else:
            reason = f"its preprocessing, {image.series.level}, is not among --preference"
            left.append(Rejection(image.source, reason, "nothing is to do, or name the level there"))
    taken = []
    for _, members in sorted(visits.items()):
        first, *others = sorted(members, key=lambda image: _rank(image, preference))
        taken.append(first)
        left += [Rejection(image.source, _explain(image, first, preference), "nothing is to do") for image in others]
    return taken, left


def advise(images: Iterable[Image], taken: Iterable[Image], preference: Sequence[str]) -> dict[str, str]:
    """What a user can do where the image taken of a visit is damaged and the visit has others.

    Args:
        images: of all patients.
        taken: see `choose_images`.
        preference: levels of preprocessing, the best first.

    Returns:
        A sentence by the source of the image taken.
    """
    visits: defaultdict[tuple[str, date], list[Image]] = defaultdict(list)
    for image in images:
        if image.series.level in preference:
            visits[image.patient_id, image.acquired].append(image)
    advice = {}
    for image in taken:
        others = [other for other in visits[image.patient_id, image.acquired] if other is not image]
        if others:
            other = min(others, key=lambda one: _rank(one, preference))
            advice[image.source] = _describe_other(other, image)
    return advice


def _describe_other(other: Image, taken: Image) -> str:
    level = other.series.level
    every = f", or give --preference {level} to take that preprocessing of every visit"
    return (
        f"of the visit {other.source} ({level}) is there too: move the damaged image out of the source to take that "
        f"in its place{every if level != taken.series.level else ''}"
    )


def _rank(image: Image, preference: Sequence[str]) -> _Rank:
    series = image.series
    made = int(image.label[1:])  # ADNI counts images in the order in which they were made
    level = preference.index(series.level)
    return series.repeat, series.accelerated, series.uncorrected, level, -made, image.source


def _explain(image: Image, taken: Image, preference: Sequence[str]) -> str:
    """Why an image ranks behind another."""
    reasons = (
        "a repeated scan",
        "an accelerated scan",
        "a scan without distortion correction",
        f"a scan with the preprocessing {image.series.level}",
        "an older version of the scan",
        "a copy",
    )
    ranks = zip(_rank(image, preference), _rank(taken, preference), reasons, strict=True)
    reason = next(reason for own, best, reason in ranks if own != best)
    return f"{reason}; of this visit {taken.source} is taken"
