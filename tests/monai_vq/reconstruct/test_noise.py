import pytest
import torch
from scipy import stats

from monai_vq.errors import InputError
from monai_vq.reconstruct.noise import Noise, scan_generator

N = 400  # pixels a side of a flat image


def add_to_flat(text, value, seed=0):
    x = torch.full((1, 1, N, N), value)
    return Noise.parse(text).add(x, torch.Generator().manual_seed(seed)).flatten().double()


@pytest.mark.parametrize(("value", "sigma"), [(0.0, 0.05), (0.05, 0.05), (0.1, 0.03), (0.5, 0.1), (0.4, 0.02)])
def test_rician_noise_has_the_distribution_of_scipy(value, sigma):
    noisy = add_to_flat(f"rician:{sigma}", value)
    rice = stats.rice(value / sigma, scale=sigma)
    error = rice.std() / N  # of the mean of N² pixels
    assert noisy.mean().item() == pytest.approx(rice.mean(), abs=4 * error)
    assert noisy.std().item() == pytest.approx(rice.std(), rel=0.01)
    assert noisy.square().mean().item() == pytest.approx(value**2 + 2 * sigma**2, rel=0.01)  # E m² = x² + 2 sigma²
    assert stats.kstest(noisy.numpy()[::7], rice.cdf).pvalue > 1e-3


def test_gaussian_noise_keeps_the_mean_where_rician_lifts_the_dark():
    gaussian = add_to_flat("gaussian:0.1", 0.5)
    assert stats.kstest(gaussian.numpy()[::7], stats.norm(0.5, 0.1).cdf).pvalue > 1e-3
    assert add_to_flat("rician:0.05", 0.0).mean().item() == pytest.approx(0.05 * (torch.pi / 2) ** 0.5, rel=0.01)


def test_result_stays_within_the_window_and_keeps_the_type():
    x = torch.rand(3, 2, 9, 7, generator=torch.Generator().manual_seed(0)).double()
    for text in ("rician:1", "gaussian:1"):
        noisy = Noise.parse(text).add(x, torch.Generator().manual_seed(0))
        assert noisy.dtype == x.dtype
        assert noisy.shape == x.shape
        assert noisy.min() >= 0
        assert noisy.max() == 1  # some of it is beyond, and clipped


@pytest.mark.parametrize("shape", [(6, 1, 5, 3), (6, 2, 16, 12)])  # sizes which torch draws in two different ways
def test_noise_of_a_slice_does_not_depend_on_the_batch_size(shape):
    x, noise = torch.full(shape, 0.5), Noise("rician", 0.1)
    generator = torch.Generator().manual_seed(3)
    parts = torch.cat([noise.add(part, generator) for part in x.split((1, 3, 2))])
    assert torch.equal(parts, noise.add(x, torch.Generator().manual_seed(3)))


def test_noise_of_a_scan_depends_on_its_id_and_the_seed_alone():
    x, noise = torch.full((2, 1, 8, 8), 0.5), Noise("rician", 0.1)
    first = noise.add(x, scan_generator("sub-1_ses-1", seed=0))
    noise.add(x, scan_generator("another", seed=0))
    assert torch.equal(first, noise.add(x, scan_generator("sub-1_ses-1", seed=0)))
    assert not torch.equal(first, noise.add(x, scan_generator("sub-2_ses-1", seed=0)))
    assert not torch.equal(first, noise.add(x, scan_generator("sub-1_ses-1", seed=1)))


@pytest.mark.parametrize("text", ["rician:0.05", "gaussian:0.1", "rician:1", "gaussian:1e-05"])
def test_text_of_an_option_comes_back(text):
    assert str(Noise.parse(text)) == text
    assert Noise.parse(text.upper()) == Noise.parse(text)


@pytest.mark.parametrize(
    "text", ["", "rician", "rician:", "rice:0.1", "0.1", "rician:0", "rician:-1", "rician:1.1", "rician:nan", "a:b:c"]
)
def test_refuses_other_options_with_the_form_that_is_expected(text):
    with pytest.raises(InputError, match=r"expected KIND:SIGMA, such as rician:0\.05"):
        Noise.parse(text)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(3, 4, 4), "expected .B, C, H, W."),
        (torch.zeros(0, 1, 4, 4), "expected .B, C, H, W."),
        (torch.full((1, 1, 2, 2), 255.0), "range 255 to 255"),
        (torch.full((1, 1, 2, 2), float("nan")), "range nan"),
    ],
)
def test_refuses_what_is_no_batch_of_scaled_images(x, message):
    with pytest.raises(InputError, match=message):
        Noise("rician", 0.1).add(x, torch.Generator())
