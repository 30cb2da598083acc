import math

import numpy as np
import pytest

from monai_vq.metrics import bootstrap
from monai_vq.metrics.bootstrap import patient_interval


@pytest.fixture
def scores():
    return np.random.default_rng(0).normal(0.9, 0.02, size=30)


def test_contains_the_mean_and_is_as_wide_as_theory_says(scores):
    low, high = patient_interval(scores)
    assert low < scores.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * scores.std(ddof=1) / math.sqrt(30), rel=0.15)


def test_covers_the_true_mean_about_as_often_as_it_claims():
    rng = np.random.default_rng(1)
    intervals = [patient_interval(rng.normal(size=40), n_resamples=499) for _ in range(200)]
    assert 0.89 < np.mean([low <= 0 <= high for low, high in intervals]) < 0.99


def test_same_seed_same_interval_and_a_wider_level_is_wider(scores):
    assert patient_interval(scores, seed=3) == patient_interval(scores, seed=3)
    narrow, wide = patient_interval(scores, level=0.8), patient_interval(scores, level=0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_is_asymmetric_for_skewed_scores():
    scores = np.random.default_rng(2).lognormal(sigma=1.0, size=30)
    low, high = patient_interval(scores)
    assert high - scores.mean() > 1.2 * (scores.mean() - low)


def test_patients_without_a_score_are_left_out(scores):
    assert patient_interval([*scores, np.nan]) == patient_interval(scores)


@pytest.mark.parametrize("values", [[], [0.9], [0.9, np.nan]])
def test_fewer_than_two_patients_have_no_interval(values):
    assert all(math.isnan(bound) for bound in patient_interval(values))


def test_equal_patients_give_the_value_itself():
    assert patient_interval([0.5] * 7) == (0.5, 0.5)


def test_two_patients_give_finite_bounds_between_them():
    low, high = patient_interval([0.8, 0.9])
    assert 0.8 <= low <= high <= 0.9


def test_of_very_many_the_normal_interval_is_the_bootstraps(monkeypatch):
    scores = np.random.default_rng(3).gamma(0.3, size=bootstrap.MANY_PATIENTS + 1)
    normal = patient_interval(scores)
    spread = 1.959964 * scores.std(ddof=1) / math.sqrt(scores.size)
    assert normal == pytest.approx((scores.mean() - spread, scores.mean() + spread))
    monkeypatch.setattr(bootstrap, "MANY_PATIENTS", scores.size)
    assert patient_interval(scores, n_resamples=2999) == pytest.approx(normal, abs=0.06 * 2 * spread)
