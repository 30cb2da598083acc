import math

import pytest
import torch
from scipy.stats import norm

from monai_vq.priors import LatentAlphabet
from monai_vq.priors.code_gaussians import MIN_COUNT, CodeGaussians, log_normal_mass

K = 4


def fitted(levels: list[float] | None = None, per_code: int = 200) -> tuple[LatentAlphabet, CodeGaussians]:
    """Gaussians of three codes around 0, 1 and 2; the last code was never seen."""
    alphabet = LatentAlphabet(K, num_gains=1, gain_bits=2)
    alphabet.gains.levels.copy_(torch.tensor([levels or [-0.5, 0.5, 1.5, 2.5]]))
    gaussians = CodeGaussians(alphabet)
    codes = torch.arange(3).repeat_interleave(per_code)
    noise = torch.randn(len(codes), generator=torch.Generator().manual_seed(0))
    gaussians.fit(codes, (codes + 0.7 * noise)[:, None])
    return alphabet, gaussians


def test_a_code_has_the_mean_and_variance_of_its_values():
    gaussians = CodeGaussians(LatentAlphabet(2, vector_size=3))
    values = 5 + torch.randn(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for batch in values.split(7):
        gaussians.fit(torch.zeros(len(batch), dtype=torch.int64), batch)
    mean, scale = gaussians.parameters_of_codes()
    torch.testing.assert_close(mean[0], values.mean(dim=0))
    torch.testing.assert_close(scale[0], values.std(dim=0, correction=0))


def test_codes_seen_too_rarely_share_the_gaussian_of_all_values():
    gaussians = CodeGaussians(LatentAlphabet(3, vector_size=1))
    often, rarely = torch.linspace(-1, 1, 100), torch.full((MIN_COUNT - 1,), 9.0)
    gaussians.fit(torch.zeros(100, dtype=torch.int64), often[:, None])
    gaussians.fit(torch.ones(MIN_COUNT - 1, dtype=torch.int64), rarely[:, None])
    mean, scale = gaussians.parameters_of_codes()
    every = torch.cat([often, rarely]).double()
    for code in (1, 2):
        torch.testing.assert_close(mean[code, 0], every.mean())
        torch.testing.assert_close(scale[code, 0], every.std(correction=0))
    gaussians.fit(torch.ones(1, dtype=torch.int64), torch.full((1, 1), 9.0))
    assert gaussians.parameters_of_codes()[0][1, 0] == 9.0


def test_a_code_whose_values_are_equal_keeps_a_tenth_of_the_deviation_of_all():
    gaussians = CodeGaussians(LatentAlphabet(2, vector_size=1))
    gaussians.fit(torch.tensor([0] * 50 + [1] * 50), torch.tensor([0.0] * 50 + [2.0] * 50)[:, None])
    torch.testing.assert_close(gaussians.parameters_of_codes()[1], torch.full((2, 1), 0.1, dtype=torch.float64))


def test_levels_have_the_mass_of_their_cells():
    alphabet, gaussians = fitted()
    mean, scale = gaussians.parameters_of_codes()
    masses = gaussians.level_logits(alphabet.gains).exp()
    edges = [-math.inf, 0.0, 1.0, 2.0, math.inf]
    for code in range(K):
        cdf = torch.tensor(norm.cdf(edges, mean[code].item(), scale[code].item()))
        torch.testing.assert_close(masses[code, 0], cdf.diff())


@pytest.mark.parametrize("levels", [[-1.0, 0.5, 0.5, 2.5], [0.5] * 4, [-1.0, 2.0, 2.0, 2.0]], ids=str)
def test_of_equal_levels_the_first_has_the_cell_and_all_sum_to_one(levels):
    alphabet, gaussians = fitted(levels)
    masses = gaussians.level_logits(alphabet.gains).exp()[:, 0]
    torch.testing.assert_close(masses.sum(dim=-1), torch.ones(K, dtype=torch.float64))
    taken = set(alphabet.gains.encode(alphabet.gains.levels[None]).flatten().tolist())
    assert {j for j in range(4) if bool((masses[:, j] > 0).all())} == taken
    assert {j for j in range(4) if bool((masses[:, j] == 0).all())} == set(range(4)) - taken


@pytest.mark.parametrize(
    ("below", "above"), [(-1.0, 2.0), (8.0, 9.0), (-9.0, -8.0), (30.0, math.inf), (-math.inf, 0.3)]
)
def test_mass_of_an_interval_has_its_digits_in_the_tails_too(below, above):
    got = log_normal_mass(*(torch.tensor(end, dtype=torch.float64) for end in (below, above)))
    flip = below > 0
    low, high = (-above, -below) if flip else (below, above)
    expected = norm.logcdf(high) + math.log1p(-math.exp(norm.logcdf(low) - norm.logcdf(high)))
    assert got.item() == pytest.approx(expected, rel=1e-12)


def test_intervals_split_at_any_place_add_up():
    ends = torch.tensor([-math.inf, -7.0, -0.3, 0.0, 1e-9, 0.4, 6.0, 12.0, math.inf], dtype=torch.float64)
    parts = log_normal_mass(ends[:-1], ends[1:])
    assert parts.isfinite().all()
    assert parts.exp().sum().item() == pytest.approx(1, abs=1e-14)


def test_density_is_the_normal_distributions():
    gaussians = CodeGaussians(LatentAlphabet(2, vector_size=3))
    values = 3 * torch.randn(60, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    gaussians.fit(torch.arange(2).repeat(30), values)
    mean, scale = gaussians.parameters_of_codes()
    codes, vectors = torch.tensor([[0, 1, 1]]), values[None, :3]
    expected = -norm.logpdf(vectors, mean[codes], scale[codes]).sum(axis=-1) / math.log(2)
    torch.testing.assert_close(gaussians.density_bits(codes, vectors), torch.tensor(expected))


def test_without_training_values_it_says_so():
    with pytest.raises(ValueError, match="call fit"):
        CodeGaussians(LatentAlphabet(2, vector_size=1)).parameters_of_codes()
