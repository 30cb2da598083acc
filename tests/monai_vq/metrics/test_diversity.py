import numpy as np
import pytest
import torch
from monai.metrics import MultiScaleSSIMMetric

from monai_vq.errors import InputError
from monai_vq.metrics.diversity import MAX_PAIRS, choose_pairs, diversity, ms_ssim_weights


def test_is_monais_ms_ssim_over_all_pairs():
    images = torch.rand(4, 1, 48, 40, generator=torch.Generator().manual_seed(0)) * 0.2 + 0.4
    metric = MultiScaleSSIMMetric(spatial_dims=2, weights=ms_ssim_weights((48, 40)), reduction="none")
    expected = [metric(images[i : i + 1], images[j : j + 1]).item() for i in range(4) for j in range(i + 1, 4)]
    result = diversity(images)
    assert result.ms_ssim == pytest.approx(np.mean(expected), abs=1e-5)
    assert result.sd == pytest.approx(np.std(expected), abs=1e-5)
    assert (result.num_pairs, result.num_scales) == (6, 2)


def test_fewer_modes_are_less_diverse(heldout_slices):
    images, patients = heldout_slices
    real = diversity(images, patients=patients)
    collapsed = diversity(images[:2].repeat(12, 1, 1, 1))
    assert diversity(images[:1].repeat(5, 1, 1, 1)).ms_ssim == pytest.approx(1, abs=1e-4)
    assert real.ms_ssim < collapsed.ms_ssim < 1


def test_slices_at_matching_positions_are_more_alike(heldout_slices):
    images, patients = heldout_slices
    positions = np.tile(np.linspace(0, 1, 8), 6)
    matched = diversity(images, patients=patients, positions=positions)
    assert matched.ms_ssim > diversity(images, patients=patients).ms_ssim
    assert matched.num_pairs == 8 * 15


def test_pairs_are_of_different_patients_near_in_position_and_each_once():
    patients, positions = np.array(["A", "A", "B", "C"]), [0.5, 0.52, 0.54, 0.9]
    assert choose_pairs(4, patients=patients, positions=positions).tolist() == [[0, 2], [1, 2]]
    assert len(choose_pairs(4)) == 6
    many = choose_pairs(5000, seed=1)
    assert many.shape == (MAX_PAIRS, 2)
    assert len({tuple(pair) for pair in many}) == MAX_PAIRS
    assert (many[:, 0] < many[:, 1]).all()
    assert not np.array_equal(many, choose_pairs(5000, seed=2))


def test_no_pair_has_no_score():
    result = diversity(torch.rand(3, 1, 16, 16), patients=np.array(["A", "A", "A"]))
    assert np.isnan(result.ms_ssim)
    assert result.num_pairs == 0


@pytest.mark.parametrize(("side", "scales"), [(11, 1), (21, 1), (22, 2), (32, 2), (44, 3), (99, 4), (176, 5), (256, 5)])
def test_as_many_scales_as_monai_computes(side, scales):
    weights = ms_ssim_weights((side, 300))
    assert len(weights) == scales
    assert sum(weights) == pytest.approx(1)
    metric = MultiScaleSSIMMetric(spatial_dims=2, weights=weights)
    x = torch.rand(1, 1, side, side)
    assert metric(x, x).item() == pytest.approx(1, abs=1e-4)


def test_images_smaller_than_the_window_are_refused():
    with pytest.raises(InputError, match="at least 11 x 11 pixels, got 10 x 40"):
        diversity(torch.rand(3, 1, 10, 40))
