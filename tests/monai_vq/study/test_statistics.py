import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon

from monai_vq.metrics import patient_interval
from monai_vq.study.statistics import compare


def table(mse: dict[int, list[float]], ssim: dict[int, list[float]] | None = None) -> pd.DataFrame:
    """A row a seed and patient."""
    rows = [
        {"seed": seed, "patient_id": f"P{i}", "mse": value, "ssim": (ssim or {}).get(seed, [0.5] * 99)[i]}
        for seed, values in mse.items()
        for i, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def test_the_ratio_is_the_geometric_mean_over_patients_of_what_the_seeds_have_on_average():
    reference = table({0: [4.0, 8.0], 1: [4.0, 2.0]})
    variant = table({0: [1.0, 8.0], 1: [2.0, 1.0]})
    comparison = compare(variant, reference)  # log2 ratios: seed 0: 2, 0; seed 1: 1, 1; patients: 1.5, 0.5
    assert comparison.mse_ratio == pytest.approx(2.0)
    assert (comparison.paired_seeds, comparison.paired_patients) == (2, 2)
    low, high = patient_interval(np.log([2**1.5, 2**0.5]))
    assert (comparison.mse_ratio_low, comparison.mse_ratio_high) == pytest.approx((np.exp(low), np.exp(high)))


def test_interval_and_p_are_over_patients_and_not_over_patients_times_seeds():
    rng = np.random.default_rng(0)
    mse = rng.uniform(0.01, 0.02, 20)
    one = compare(table({0: mse.tolist()}), table({0: (mse * rng.uniform(0.9, 1.3, 20)).tolist()}))
    rng = np.random.default_rng(0)
    mse = rng.uniform(0.01, 0.02, 20)
    theirs = (mse * rng.uniform(0.9, 1.3, 20)).tolist()
    copies = compare(table(dict.fromkeys(range(5), mse.tolist())), table(dict.fromkeys(range(5), theirs)))
    assert copies.p == pytest.approx(one.p)
    assert (copies.mse_ratio_low, copies.mse_ratio_high) == pytest.approx((one.mse_ratio_low, one.mse_ratio_high))
    assert one.p == pytest.approx(wilcoxon(np.log(np.array(theirs) / mse)).pvalue)
    assert one.mse_ratio_low < one.mse_ratio < one.mse_ratio_high


def test_swapping_the_two_inverts_the_ratio():
    rng = np.random.default_rng(1)
    first, second = (table({s: rng.uniform(1, 2, 12).tolist() for s in range(3)}) for _ in range(2))
    there, back = compare(first, second), compare(second, first)
    assert there.mse_ratio == pytest.approx(1 / back.mse_ratio)
    assert there.p == pytest.approx(back.p)
    assert there.ssim_difference == pytest.approx(-back.ssim_difference)


def test_ssim_is_higher_in_every_seed_only_if_in_each():
    mse = {0: [1.0, 1.0], 1: [1.0, 1.0]}
    reference = table(mse, {0: [0.5, 0.5], 1: [0.5, 0.5]})
    always, once = table(mse, {0: [0.9, 0.4], 1: [0.6, 0.5]}), table(mse, {0: [0.9, 0.9], 1: [0.5, 0.5]})
    assert compare(always, reference).higher_ssim_in_every_seed
    assert not compare(once, reference).higher_ssim_in_every_seed
    assert compare(once, reference).ssim_difference == pytest.approx(0.2)


def test_only_what_both_have_is_compared():
    reference = table({0: [2.0, 2.0, 2.0], 1: [9.0, 9.0, 9.0]})
    comparison = compare(table({0: [1.0, 1.0], 2: [7.0, 7.0]}), reference)
    assert (comparison.paired_seeds, comparison.paired_patients) == (1, 2)
    assert comparison.mse_ratio == pytest.approx(2.0)
    assert compare(table({5: [1.0]}), reference) is None


def test_a_variant_beside_itself_is_no_different():
    one = table({0: [1.0, 2.0, 3.0]})
    comparison = compare(one, one)
    assert (comparison.mse_ratio, comparison.p, comparison.ssim_difference) == (1.0, 1.0, 0.0)
    assert not comparison.higher_ssim_in_every_seed


def test_a_perfect_reconstruction_has_a_finite_ratio():
    assert np.isfinite(compare(table({0: [0.0, 1.0]}), table({0: [1.0, 1.0]})).mse_ratio)
