"""Two models' scores of the same patients: the difference, its interval, and a test corrected for how many are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import wilcoxon

from monai_vq.metrics.bootstrap import patient_interval

__all__ = ["PairedDifference", "holm", "least_p", "paired_difference", "signed_rank_p"]


@dataclass(frozen=True)
class PairedDifference:
    """How one model's scores lie beside another's, over patients that both scored.

    Attributes:
        patients: pairs without a missing score.
        mean: of the differences.
        low: lower end of its 95% bootstrap interval over patients; NaN for fewer than two.
        high: upper end.
        p: Wilcoxon's signed-rank test, two-sided; NaN without a pair.
        higher: patients whose score is higher.
        lower: patients whose score is lower; the rest are equal.
    """

    patients: int
    mean: float
    low: float
    high: float
    p: float
    higher: int
    lower: int


def paired_difference(scores: ArrayLike, reference: ArrayLike) -> PairedDifference:
    """Compares scores [n] with a reference's [n], patient by patient; a pair with a NaN is left out.

    Example:
        >>> paired_difference([0.8, 0.9, 0.7], [0.7, 0.7, 0.7]).higher
        2
    """
    differences = np.asarray(scores, dtype=np.float64) - np.asarray(reference, dtype=np.float64)
    differences = differences[~np.isnan(differences)]
    low, high = patient_interval(differences)
    return PairedDifference(
        patients=differences.size,
        mean=float(differences.mean()) if differences.size else float("nan"),
        low=low,
        high=high,
        p=signed_rank_p(differences) if differences.size else float("nan"),
        higher=int((differences > 0).sum()),
        lower=int((differences < 0).sum()),
    )


def signed_rank_p(differences: np.ndarray) -> float:
    """Returns the two-sided p of Wilcoxon's signed-rank test that differences are symmetric about 0; all 0 gives 1.

    Exact for up to 50 differences of different sizes, and by permutations for up to 13 with equal sizes or zeros; the
    normal approximation beyond.
    """
    return float(wilcoxon(differences).pvalue) if np.any(differences) else 1.0


def least_p(patients: int, comparisons: int) -> float:
    """Returns the smallest p that a signed-rank test can have, corrected for the number of comparisons.

    Args:
        patients: n; the test has 2^n equally likely signs, of which two are the most extreme.
        comparisons: how many are made.

    Example:
        >>> least_p(patients=7, comparisons=4)
        0.0625
    """
    return min(1.0, 2.0 ** (1 - patients) * max(comparisons, 1))


def holm(p: Sequence[float]) -> list[float]:
    """Returns p values corrected for their number (Holm 1979), in the same order; NaN stays and does not count.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=np.float64)
    corrected = values.copy()
    tested = np.flatnonzero(~np.isnan(values))
    largest = 0.0
    for rank, index in enumerate(tested[np.argsort(values[tested], kind="stable")]):
        largest = max(largest, min(1.0, (tested.size - rank) * values[index]))
        corrected[index] = largest
    return corrected.tolist()
