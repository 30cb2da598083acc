import numpy as np
import pytest
import torch
from monai.metrics import DiceMetric, compute_roc_auc

from monai_vq.anomaly.scores import average_precision, best_dice, detection_scores, dice, pixel_auroc
from monai_vq.errors import InputError


@pytest.fixture(params=[3, 1000])
def pixels(request) -> tuple[np.ndarray, np.ndarray]:
    """Values of few levels (many ties) or of many, higher in lesions on the whole."""
    rng = np.random.default_rng(0)
    is_lesion = rng.random(500) < 0.1
    return np.round(rng.normal(size=500) + is_lesion, 1) if request.param == 3 else rng.random(500), is_lesion


def test_auroc_is_monais(pixels):
    values, is_lesion = pixels
    expected = compute_roc_auc(torch.from_numpy(values), torch.from_numpy(is_lesion).long())
    assert pixel_auroc(values, is_lesion) == pytest.approx(expected, abs=1e-12)


def test_dice_is_monais(pixels):
    values, is_lesion = pixels
    called = values > 0.5
    metric = DiceMetric(include_background=True)(
        *(torch.from_numpy(m)[None, None, :, None] for m in (called, is_lesion))
    )
    assert dice(called, is_lesion) == pytest.approx(metric.item(), abs=1e-6)


def test_average_precision_is_the_mean_precision_at_each_lesion_pixel(pixels):
    values, is_lesion = pixels
    precisions = [is_lesion[values >= value].mean() for value in values[is_lesion]]
    assert average_precision(values, is_lesion) == pytest.approx(np.mean(precisions), abs=1e-12)


def test_best_dice_is_that_of_its_threshold_and_no_other_is_better(pixels):
    values, is_lesion = pixels
    best, threshold = best_dice(values, is_lesion)
    assert dice(values >= threshold, is_lesion) == pytest.approx(best, abs=1e-12)
    assert best == pytest.approx(max(dice(values >= value, is_lesion) for value in values), abs=1e-12)


def test_a_perfect_a_useless_and_a_reversed_map():
    is_lesion = np.arange(1000) >= 900
    perfect = detection_scores(is_lesion.astype(float), is_lesion, 0.5)
    assert (perfect.auroc, perfect.average_precision, perfect.dice, perfect.best_dice) == (1, 1, 1, 1)
    useless = detection_scores(np.zeros(1000), is_lesion)
    assert (useless.auroc, useless.average_precision) == (0.5, 0.1)
    assert np.isnan(useless.dice)
    assert pixel_auroc(-is_lesion.astype(float), is_lesion) == 0


def test_only_the_order_of_values_counts(pixels):
    values, is_lesion = pixels
    one, other = detection_scores(values, is_lesion, 0.7), detection_scores(np.exp(values), is_lesion, np.exp(0.7))
    assert one == other


def test_nothing_called_in_nothing_is_right():
    nothing = np.zeros(4, bool)
    assert dice(nothing, nothing) == 1


@pytest.mark.parametrize("is_lesion", [np.zeros(9, bool), np.ones(9, bool)])
def test_one_sort_of_pixels_is_refused(is_lesion):
    with pytest.raises(InputError, match="needs lesion and healthy pixels"):
        detection_scores(np.arange(9.0), is_lesion)


def test_a_map_of_no_numbers_is_refused():
    with pytest.raises(InputError, match="1 of 3 values"):
        pixel_auroc(np.array([0.0, np.nan, 1.0]), np.array([True, False, True]))
