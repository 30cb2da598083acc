import math

import numpy as np
import pytest
from scipy import stats

from monai_vq.metrics import bootstrap
from monai_vq.metrics.bootstrap import patient_interval


@pytest.fixture
def scores():
    return np.random.default_rng(0).normal(0.9, 0.02, size=30)


def test_contains_the_mean_and_is_as_wide_as_theory_says(scores):
    low, high = patient_interval(scores)
    assert low < scores.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * scores.std(ddof=1) / math.sqrt(30), rel=0.15)


# [patients, how a cohort is drawn, true mean]
COHORTS = [
    (4, lambda rng, n: rng.normal(size=n), 0),
    (7, lambda rng, n: rng.normal(size=n), 0),
    (7, lambda rng, n: rng.beta(18, 2, size=n), 0.9),
    (7, lambda rng, n: 1 - rng.gamma(2, size=n), -1),
    (30, lambda rng, n: rng.beta(18, 2, size=n), 0.9),
    (30, lambda rng, n: 1 - rng.gamma(2, size=n), -1),
]


@pytest.mark.parametrize(("number", "draw", "mean"), COHORTS)
def test_covers_the_true_mean_as_often_as_it_claims(number, draw, mean):
    cohorts, rng = 400, np.random.default_rng(number)
    intervals = [patient_interval(draw(rng, number), n_resamples=499) for _ in range(cohorts)]
    coverage = np.mean([low <= mean <= high for low, high in intervals])
    chance = 3 * math.sqrt(0.95 * 0.05 / cohorts)  # three standard errors: 3.3 points
    assert 0.93 - chance < coverage < 0.97 + chance


def test_is_never_more_than_twice_as_wide_as_students():
    scores = np.array([0.9, 0.9, 0.9, 0.9, 0.5])  # most resamples repeat one score
    low, high = patient_interval(scores)
    error = scores.std(ddof=1) / math.sqrt(5)
    assert scores.mean() - low == pytest.approx(2 * 2.776445 * error)
    assert high - scores.mean() <= 2 * 2.776445 * error


def test_stays_within_the_scores_limits():
    scores = [0.99, 0.999, 0.7, 0.98, 0.97]
    low, high = patient_interval(scores)
    assert high > 1
    assert patient_interval(scores, limits=(-1, 1)) == (low, 1)


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


@pytest.mark.parametrize("number", [2, 3, bootstrap.MANY_PATIENTS + 1])
def test_of_very_few_and_very_many_it_is_students(number):
    scores = np.random.default_rng(3).gamma(2, size=number)
    expected = stats.t.interval(0.95, number - 1, loc=scores.mean(), scale=stats.sem(scores))
    assert patient_interval(scores) == pytest.approx(expected)


def test_of_many_the_two_kinds_of_interval_agree(monkeypatch):
    scores = np.random.default_rng(3).gamma(2, size=bootstrap.MANY_PATIENTS + 1)
    student = patient_interval(scores)
    monkeypatch.setattr(bootstrap, "MANY_PATIENTS", scores.size)
    assert patient_interval(scores) == pytest.approx(student, abs=0.06 * (student[1] - student[0]))


def test_batches_of_resamples_change_nothing_but_the_draw(scores, monkeypatch):
    whole = patient_interval(scores)
    monkeypatch.setattr(bootstrap, "_BATCH", 3000)
    assert patient_interval(scores) == pytest.approx(whole, abs=1e-9)  # one generator, drawn from in order


def test_agrees_with_resampling_one_cohort_at_a_time():
    scores = np.random.default_rng(5).beta(18, 2, size=12)
    rng, ratios = np.random.default_rng(0), []
    for _ in range(999):
        drawn = scores[rng.integers(12, size=12)]
        ratios.append((drawn.mean() - scores.mean()) / stats.sem(drawn))
    low, high = np.quantile(ratios, [0.025, 0.975])
    expected = (scores.mean() - high * stats.sem(scores), scores.mean() - low * stats.sem(scores))
    assert patient_interval(scores, n_resamples=999) == pytest.approx(expected, abs=1e-9)
