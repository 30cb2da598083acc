import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from monai_vq.errors import InputError
from monai_vq.metrics.slice_scores import PSNR_CAP, slice_scores
from monai_vq.metrics.ssim import ssim, ssim_map


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(3, 1, 20, 24, generator=generator)
    mask = torch.zeros(3, 1, 20, 24, dtype=torch.bool)
    mask[:, :, 4:15, 6:20] = True
    return x, x + 0.2 * torch.randn(x.shape, generator=generator), mask


def test_scores_agree_with_numpy_and_scikit_image(batch):
    x, x_hat, mask = batch
    scores = slice_scores(x, x_hat, mask)
    error = x_hat.double().clamp(0, 1).numpy() - x.double().numpy()
    np.testing.assert_allclose(scores["mse"], (error**2).mean(axis=(1, 2, 3)))
    np.testing.assert_allclose(scores["mae"], np.abs(error).mean(axis=(1, 2, 3)))
    expected = [
        peak_signal_noise_ratio(a.double().numpy(), b.double().clamp(0, 1).numpy(), data_range=1)
        for a, b in zip(x, x_hat, strict=True)
    ]
    np.testing.assert_allclose(scores["psnr"], expected)
    assert torch.equal(scores["ssim"], ssim(x_hat, x))


def test_foreground_is_the_mean_of_the_full_map_over_the_mask(batch):
    x, x_hat, mask = batch
    scores = slice_scores(x, x_hat, mask)
    expected = torch.stack([values[m] for values, m in zip(ssim_map(x_hat, x), mask[:, 0], strict=True)]).mean(dim=1)
    torch.testing.assert_close(scores["ssim_foreground"], expected)


def test_a_black_border_flatters_the_whole_image_but_not_the_foreground(batch):
    x, x_hat, mask = batch
    x, x_hat, mask = (torch.nn.functional.pad(image, (12, 12, 12, 12)) for image in (x * mask, x_hat * mask, mask))
    framed = slice_scores(x, x_hat, mask)
    assert (framed["ssim"] > framed["ssim_foreground"]).all()


def test_an_empty_mask_gives_nan_for_that_slice_alone(batch):
    x, x_hat, mask = batch
    mask[1] = False
    assert slice_scores(x, x_hat, mask)["ssim_foreground"].isnan().tolist() == [False, True, False]


def test_equal_images_reach_the_stated_cap(batch):
    x, _, mask = batch
    scores = slice_scores(x, x, mask)
    assert scores["psnr"].tolist() == [PSNR_CAP] * 3
    assert scores["mse"].tolist() == [0.0] * 3


@pytest.mark.parametrize("mask", [torch.ones(3, 1, 20, 24), torch.ones(3, 20, 24, dtype=torch.bool)])
def test_refuses_a_mask_that_is_no_boolean_image(batch, mask):
    x, x_hat, _ = batch
    with pytest.raises(InputError, match="boolean of shape"):
        slice_scores(x, x_hat, mask)
