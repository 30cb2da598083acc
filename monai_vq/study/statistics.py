"""Two variants compared over the same patients and seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from monai_vq.metrics import patient_interval
from monai_vq.metrics.paired import signed_rank_p

SMALLEST_MSE = 1e-12  # of a patient; a perfect reconstruction has no logarithm


@dataclass(frozen=True)
class Comparison:
    """A variant beside a reference.

    Attributes:
        paired_seeds: seeds that both have.
        paired_patients: patients that both have.
        mse_ratio: geometric mean over patients of reference MSE / MSE: above 1, the variant's error is smaller.
        mse_ratio_low: lower end of its 95 % bootstrap interval over patients.
        mse_ratio_high: upper end.
        p: Wilcoxon's signed-rank test, two-sided, of the patients' log ratios.
        ssim_difference: mean over patients of SSIM − reference SSIM.
        ssim_difference_low: lower end of its 95 % bootstrap interval over patients.
        ssim_difference_high: upper end.
        higher_ssim_in_every_seed: whether the mean SSIM over patients is higher in each seed that both have.
    """

    paired_seeds: int
    paired_patients: int
    mse_ratio: float
    mse_ratio_low: float
    mse_ratio_high: float
    p: float
    ssim_difference: float
    ssim_difference_low: float
    ssim_difference_high: float
    higher_ssim_in_every_seed: bool


def compare(variant: pd.DataFrame, reference: pd.DataFrame) -> Comparison | None:
    """Compares the patients' scores of two variants, paired by patient and seed.

    A patient's log ratio and difference are averaged over seeds first: patients are the independent units, and the
    seeds of one patient are not further patients.

    Args:
        variant: a row a patient and seed: ``seed, patient_id, ssim, mse``.
        reference: the same of the reference.

    Returns:
        None where no patient was scored with the same seed in both.
    """
    pairs = variant.merge(reference, on=["seed", "patient_id"], suffixes=("", "_reference"))
    if pairs.empty:
        return None
    mse, reference_mse = pairs["mse"].clip(lower=SMALLEST_MSE), pairs["mse_reference"].clip(lower=SMALLEST_MSE)
    pairs = pairs.assign(log_ratio=np.log(reference_mse / mse), difference=pairs["ssim"] - pairs["ssim_reference"])
    patients = pairs.groupby("patient_id")[["log_ratio", "difference"]].mean()
    log_ratio, difference = patients["log_ratio"].to_numpy(), patients["difference"].to_numpy()
    ratio_low, ratio_high = np.exp(patient_interval(log_ratio))
    low, high = patient_interval(difference)
    return Comparison(
        paired_seeds=pairs["seed"].nunique(),
        paired_patients=len(patients),
        mse_ratio=float(np.exp(log_ratio.mean())),
        mse_ratio_low=float(ratio_low),
        mse_ratio_high=float(ratio_high),
        p=signed_rank_p(log_ratio),
        ssim_difference=float(difference.mean()),
        ssim_difference_low=low,
        ssim_difference_high=high,
        higher_ssim_in_every_seed=bool((pairs.groupby("seed")["difference"].mean() > 0).all()),
    )
