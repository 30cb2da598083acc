import numpy as np
import pytest
from scipy import stats

from monai_vq.metrics.bootstrap import patient_interval
from monai_vq.metrics.paired import holm, least_p, paired_difference, signed_rank_p


def test_differences_are_those_of_each_patient_with_interval_and_test():
    rng = np.random.default_rng(0)
    reference = rng.uniform(0.5, 0.9, 20)
    scores = reference + rng.normal(0.01, 0.02, 20)
    result = paired_difference(scores, reference)
    assert result.mean == pytest.approx(scores.mean() - reference.mean())
    assert (result.low, result.high) == patient_interval(scores - reference)
    assert result.p == pytest.approx(stats.wilcoxon(scores, reference, method="exact").pvalue)
    assert result.higher + result.lower == result.patients == 20
    assert result.higher == (scores > reference).sum()


def test_pairing_sees_a_difference_that_is_small_beside_the_spread_of_patients():
    reference = np.linspace(0.3, 0.9, 12)
    scores = reference + np.linspace(0.001, 0.002, 12)
    assert paired_difference(scores, reference).p == pytest.approx(2 / 2**12)
    assert stats.mannwhitneyu(scores, reference).pvalue > 0.5


def test_swapping_the_two_changes_the_sign_alone():
    rng = np.random.default_rng(1)
    first, second = rng.random((2, 9))
    there, back = paired_difference(first, second), paired_difference(second, first)
    assert (there.mean, there.p, there.higher) == (-back.mean, back.p, back.lower)


def test_pairs_with_a_missing_score_are_left_out_and_equal_ones_are_neither_higher_nor_lower():
    result = paired_difference([0.5, np.nan, 0.7, 0.4], [0.5, 0.6, np.nan, 0.6])
    assert (result.patients, result.higher, result.lower) == (2, 0, 1)
    assert result.mean == pytest.approx(-0.1)


def test_a_model_beside_itself_is_no_different_and_nothing_is_no_result():
    same = paired_difference([0.5, 0.6, 0.7], [0.5, 0.6, 0.7])
    assert (same.mean, same.low, same.high, same.p) == (0.0, 0.0, 0.0, 1.0)
    empty = paired_difference([np.nan], [0.5])
    assert empty.patients == 0
    assert np.isnan([empty.mean, empty.low, empty.high, empty.p]).all()


def test_signed_rank_by_hand():
    assert signed_rank_p(np.array([1.0, 2.0, 3.0, 4.0, 5.0])) == pytest.approx(2 / 2**5)  # all of 2^5 signs, both ends


# [p, corrected]: Holm 1979; the first is the example of R's p.adjust by hand
HOLM = [
    ([0.01, 0.02, 0.03, 0.04], [0.04, 0.06, 0.06, 0.06]),
    ([0.04, 0.01, 0.03], [0.06, 0.03, 0.06]),
    ([0.5, 0.9], [1.0, 1.0]),
    ([float("nan"), 0.02, 0.03], [float("nan"), 0.04, 0.04]),
    ([], []),
]


@pytest.mark.parametrize(("p", "expected"), HOLM)
def test_holm(p, expected):
    assert holm(p) == pytest.approx(expected, nan_ok=True)


def test_least_p_is_that_of_differences_with_one_sign():
    """Of numbers as tables hold them too: numpy refuses 2 to the power of a negative integer of its own."""
    for patients in (3, 7, np.int64(7), np.int64(1)):
        differences = np.arange(1.0, patients + 1)
        assert least_p(patients, 1) == pytest.approx(signed_rank_p(differences))
        assert least_p(patients, 4) == pytest.approx(min(1.0, 4 * signed_rank_p(differences)))
