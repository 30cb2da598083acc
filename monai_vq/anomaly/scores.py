"""How well a map tells lesion from healthy pixels: AUROC, average precision and Dice, of millions of pixels at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from monai_vq.errors import InputError

__all__ = ["DetectionScores", "average_precision", "best_dice", "detection_scores", "dice", "pixel_auroc"]


@dataclass(frozen=True)
class DetectionScores:
    """Scores of the pixels of one patient, or of many.

    Attributes:
        auroc: area under the receiver operating characteristic; 0.5 by chance.
        average_precision: area under precision against recall, as steps; the share of lesion pixels by chance.
        dice: of the pixels at or above the threshold that was given; NaN without one.
        best_dice: of the best threshold, which nobody knows who does not know the lesions: a bound.
    """

    auroc: float
    average_precision: float
    dice: float
    best_dice: float


def detection_scores(
    values: NDArray[np.floating], is_lesion: NDArray[np.bool_], threshold: float = float("nan")
) -> DetectionScores:
    """Scores a map against the lesions.

    Args:
        values: higher where more abnormal, of foreground pixels, [N].
        is_lesion: [N].
        threshold: from which on a pixel is called lesion, chosen elsewhere.

    Raises:
        InputError: if the pixels are all lesion or all healthy, or a value is no number.
    """
    at_threshold = float("nan") if np.isnan(threshold) else dice(values >= threshold, is_lesion)
    return DetectionScores(
        pixel_auroc(values, is_lesion),
        average_precision(values, is_lesion),
        at_threshold,
        best_dice(values, is_lesion)[0],
    )


def pixel_auroc(values: NDArray[np.floating], is_lesion: NDArray[np.bool_]) -> float:
    """Probability that a lesion pixel has the higher value of a pair, a half for ties (Mann and Whitney 1947).

    Raises:
        InputError: if the pixels are all lesion or all healthy, or a value is no number.
    """
    _check(values, is_lesion)
    number, healthy = int(is_lesion.sum()), int((~is_lesion).sum())
    ranks = rankdata(values)[is_lesion].sum()
    return float((ranks - number * (number + 1) / 2) / (number * healthy))


def average_precision(values: NDArray[np.floating], is_lesion: NDArray[np.bool_]) -> float:
    """Mean over lesion pixels of the precision at the threshold that just includes them.

    Raises:
        InputError: if the pixels are all lesion or all healthy, or a value is no number.
    """
    _check(values, is_lesion)
    found, called, _ = _at_thresholds(values, is_lesion)
    gained = np.diff(found, prepend=0)
    return float((gained * found / called).sum() / found[-1])


def dice(called: NDArray[np.bool_], is_lesion: NDArray[np.bool_]) -> float:
    """Overlap 2|A ∩ B| / (|A| + |B|) of two masks (Dice 1945); 1 where both are empty."""
    total = int(called.sum()) + int(is_lesion.sum())
    return 2 * int((called & is_lesion).sum()) / total if total else 1.0


def best_dice(values: NDArray[np.floating], is_lesion: NDArray[np.bool_]) -> tuple[float, float]:
    """Returns the largest Dice of any threshold, and that threshold: pixels at or above it are lesion.

    Raises:
        InputError: if the pixels are all lesion or all healthy, or a value is no number.
    """
    _check(values, is_lesion)
    found, called, thresholds = _at_thresholds(values, is_lesion)
    scores = 2 * found / (called + found[-1])
    best = int(scores.argmax())
    return float(scores[best]), float(thresholds[best])


def _at_thresholds(
    values: NDArray[np.floating], is_lesion: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.floating]]:
    """Lesion pixels found, pixels called, and the threshold, for each different value from the highest down."""
    order = np.argsort(-values, kind="stable")
    ordered = values[order]
    last_of_ties = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    found = np.cumsum(is_lesion[order], dtype=np.int64)
    return found[last_of_ties], last_of_ties.astype(np.int64) + 1, ordered[last_of_ties]


def _check(values: NDArray[np.floating], is_lesion: NDArray[np.bool_]) -> None:
    number = int(is_lesion.sum())
    if number in (0, is_lesion.size):
        raise InputError(
            f"{number} of {is_lesion.size} pixels are lesion: a score needs lesion and healthy pixels; "
            "score a scan in which lesions were planted."
        )
    if not np.isfinite(values).all():
        raise InputError(
            f"{int((~np.isfinite(values)).sum())} of {values.size} values of the map are no numbers; "
            "score the foreground of a finished map."
        )
