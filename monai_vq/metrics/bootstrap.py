"""Intervals for a mean over patients, the independent units: slices of one patient are not independent."""

import warnings

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

LEVEL = 0.95
N_RESAMPLES = 9999
# Below this a nominal 95 % interval is clearly too short. Simulated coverage over normal, left-skewed and gamma scores:
# 84 to 87 % with 7 patients and 92 to 93 % with 30, BCa at or up to a point above the percentile interval.
FEW_PATIENTS = 10
# Above, the mean is as good as normally distributed: at 2,000 strongly skewed scores (gamma, shape 0.3)
# both ends agree with BCa to 4 % of the width, while the jackknife of 45,000 images takes a minute a score.
MANY_PATIENTS = 2000


def patient_interval(
    values: ArrayLike, *, level: float = LEVEL, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """Bias-corrected and accelerated bootstrap interval (Efron 1987) of the mean over patients.

    Of more than `MANY_PATIENTS`, as where each image is one, it is the normal interval, mean ± z · sd / √n.

    Args:
        values: one score a patient; NaN (a patient without that score) is left out.
        level: nominal coverage, in (0, 1).
        n_resamples: number of resampled cohorts.
        seed: of the resampling, so that equal scores give equal intervals.

    Returns:
        (low, high): NaN for fewer than two patients, the value itself twice where all patients are equal.
    """
    scores = np.asarray(values, dtype=np.float64)
    scores = scores[~np.isnan(scores)]
    if scores.size < 2:
        return float("nan"), float("nan")
    if np.ptp(scores) == 0:
        return float(scores[0]), float(scores[0])
    if scores.size > MANY_PATIENTS:
        low, high = stats.norm.interval(level, loc=scores.mean(), scale=stats.sem(scores))
        return float(low), float(high)
    low, high = _interval(scores, "BCa", level, n_resamples, seed)
    if np.isnan(low) or np.isnan(high):  # BCa divides by the jackknife's spread, which can underflow
        low, high = _interval(scores, "percentile", level, n_resamples, seed)
    return low, high


def _interval(scores: np.ndarray, method: str, level: float, n_resamples: int, seed: int) -> tuple[float, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)  # the caller handles the NaN it announces
        interval = stats.bootstrap(
            (scores,),
            np.mean,
            n_resamples=n_resamples,
            batch=max(1, 10_000_000 // scores.size),  # at most 80 MB of resampled scores at a time
            confidence_level=level,
            method=method,
            random_state=np.random.default_rng(seed),
        ).confidence_interval
    return float(interval.low), float(interval.high)
