import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from monai_vq.errors import InputError
from monai_vq.metrics.ssim import WINDOW, ssim, ssim_map


def smooth(shape, seed):
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.avg_pool2d(noise, 3, stride=1, padding=1).clamp(0, 1)


def pair(kind, shape):
    x = smooth(shape, 0)
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(shape, generator=generator)
    return {
        "noise": (x, x + 0.1 * noise),
        "unrelated": (x, smooth(shape, 2)),
        "inverted": (x, 1 - x),
        "flat": (torch.full(shape, 0.9), torch.full(shape, 0.7)),
        "black": (torch.zeros(shape), 0.01 * noise.abs()),
        "bright": (torch.full(shape, 0.95), 0.95 + 0.01 * noise),
    }[kind]


def reference(x_hat, x):
    """scikit-image's scalars [B] and maps [B, H, W], channels averaged."""
    results = [
        structural_similarity(
            b.double().numpy(),
            a.double().clamp(0, 1).numpy(),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1,
            channel_axis=0,
            full=True,
        )
        for a, b in zip(x_hat, x, strict=True)
    ]
    return np.array([score for score, _ in results]), np.stack([full.mean(0) for _, full in results])


@pytest.mark.parametrize("kind", ["noise", "unrelated", "inverted", "flat", "black", "bright"])
@pytest.mark.parametrize("shape", [(2, 1, 32, 32), (3, 3, 17, 40), (1, 1, 64, 23), (2, 3, WINDOW, WINDOW)])
def test_equals_scikit_image(kind, shape):
    x, x_hat = pair(kind, shape)
    scores, maps = reference(x_hat, x)
    np.testing.assert_allclose(ssim(x_hat, x), scores, atol=1e-9)
    np.testing.assert_allclose(ssim_map(x_hat, x), maps, atol=1e-9)


def test_equal_images_score_one_and_images_of_a_batch_do_not_mix():
    x, x_hat = pair("noise", (4, 1, 20, 20))
    assert torch.allclose(ssim(x, x), torch.ones(4, dtype=torch.float64))
    assert torch.equal(ssim(x_hat, x)[2:3], ssim(x_hat[2:3], x[2:3]))


def test_clips_the_reconstruction_only():
    x, x_hat = pair("noise", (1, 1, 20, 20))
    assert torch.equal(ssim(x_hat * 3, x), ssim((x_hat * 3).clamp(0, 1), x))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_computes_in_float64_under_autocast_too(dtype):
    x, x_hat = (image.to(dtype) for image in pair("noise", (2, 1, 24, 24)))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = ssim(x_hat, x)
    np.testing.assert_allclose(scores, reference(x_hat, x)[0], atol=1e-9)


@pytest.mark.parametrize(
    ("x_hat", "x", "message"),
    [
        (torch.zeros(1, 1, 10, 64), torch.zeros(1, 1, 10, 64), "at least 11 x 11"),
        (torch.zeros(1, 1, 16, 16), torch.zeros(1, 3, 16, 16), "one shape"),
        (torch.zeros(16, 16), torch.zeros(16, 16), "one shape"),
        (torch.zeros(1, 1, 16, 16), torch.full((1, 1, 16, 16), 255.0), "Scale the images"),
        (torch.zeros(1, 1, 16, 16), torch.full((1, 1, 16, 16), torch.nan), "Scale the images"),
    ],
)
def test_refuses_what_has_no_ssim(x_hat, x, message):
    with pytest.raises(InputError, match=message):
        ssim_map(x_hat, x)
