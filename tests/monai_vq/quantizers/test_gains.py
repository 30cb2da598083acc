import itertools
import math

import pytest
import torch

from monai_vq.quantizers import GainQuantizer
from monai_vq.quantizers.gains import gain, scale


def trained(bits: int, draw, steps: int = 300, num_gains: int = 1) -> GainQuantizer:
    quantizer = GainQuantizer(num_gains, bits, decay=0.9)
    for _ in range(steps):
        gains = draw()
        quantizer.initialize_from(gains)
        quantizer.learn(gains, torch.ones_like(gains))
    return quantizer


@pytest.mark.parametrize("num_gains", [1, 2, 6])
def test_gain_and_scale_stand_for_each_group_of_channels(num_gains):
    z, e = torch.randn(2, 6, 3, 4), torch.randn(2, 6, 3, 4)
    g = gain(z, e, num_gains)
    parts = zip(z.chunk(num_gains, dim=1), e.chunk(num_gains, dim=1), scale(e, g).chunk(num_gains, dim=1), strict=True)
    for which, (z_part, e_part, P_part) in enumerate(parts):
        expected = (z_part * e_part).sum(1) / (e_part * e_part).sum(1)
        torch.testing.assert_close(g[:, which], expected)
        torch.testing.assert_close(P_part, expected[:, None] * e_part)


def test_gain_and_scale_have_true_gradients():
    z, e = (torch.randn(2, 6, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(lambda z, e: gain(z, e, 3), (z, e))
    assert torch.autograd.gradcheck(lambda z, e: scale(e, gain(z, e, 3)), (z, e))


def test_a_gain_becomes_its_nearest_level():
    quantizer = trained(3, lambda: torch.randn(4, 2, 20), num_gains=2)
    gains = 3 * torch.randn(5, 2, 7, 3)
    indices = quantizer.encode(gains)
    for g in range(2):
        distance = (gains[:, g, ..., None] - quantizer.levels[g]).abs()
        assert torch.equal(indices[:, g], distance.argmin(dim=-1))
    assert torch.equal(quantizer(gains), quantizer.decode(indices))
    assert set(quantizer(gains)[:, 1].unique().tolist()) <= set(quantizer.levels[1].tolist())


# Max 1960, table I: the levels of least squared error for a standard normal gain, and that error.
@pytest.mark.parametrize(
    ("bits", "levels", "error"),
    [(1, [0.7980], 0.3634), (2, [0.4528, 1.510], 0.1175), (3, [0.2451, 0.7560, 1.344, 2.152], 0.03454)],
)
def test_levels_of_normal_gains_are_those_of_max(bits, levels, error):
    torch.manual_seed(2)
    quantizer = trained(bits, lambda: torch.randn(1, 1, 4000), steps=400)
    expected = torch.tensor([-level for level in reversed(levels)] + levels)
    torch.testing.assert_close(quantizer.levels[0], expected, atol=0.05, rtol=0)
    gains = torch.randn(1, 1, 100_000)
    assert (quantizer(gains) - gains).square().mean().item() == pytest.approx(error, rel=0.03)


def test_levels_start_at_quantiles_of_the_first_batch_once():
    quantizer, gains = GainQuantizer(2, 2), torch.randn(3, 2, 400)
    quantizer.initialize_from(gains)
    for g in range(2):
        expected = torch.quantile(gains[:, g].flatten(), torch.tensor([0.125, 0.375, 0.625, 0.875]))
        torch.testing.assert_close(quantizer.levels[g], expected, atol=0.02, rtol=0)
    before = quantizer.levels.clone()
    quantizer.initialize_from(10 + gains)
    assert torch.equal(quantizer.levels, before)


def test_levels_follow_gains_that_grow_and_stay_sorted():
    quantizer, size = GainQuantizer(1, 4, decay=0.9), 1.0
    for _ in range(1000):
        size *= 1.003
        gains = size * torch.randn(1, 1, 500)
        quantizer.initialize_from(gains)
        quantizer.learn(gains, torch.ones_like(gains))
    assert (quantizer.levels.diff() >= 0).all()
    gains = size * torch.randn(1, 1, 10_000)
    assert (quantizer(gains) - gains).square().mean() / size**2 < 0.011  # 0.0095 is the least (Max 1960)


def test_gains_that_do_not_count_move_nothing():
    quantizer = trained(2, lambda: torch.randn(1, 1, 100))
    twin = GainQuantizer(1, 2, decay=0.9)
    twin.load_state_dict(quantizer.state_dict())
    gains, where = torch.randn(1, 1, 100), torch.rand(1, 1, 100) < 0.5
    quantizer.learn(gains, where.float())
    twin.learn(torch.where(where, gains, 1e3), where.float())
    assert torch.equal(quantizer.levels, twin.levels)


@pytest.mark.parametrize("bits", [0, 9, -1])
def test_refuses_bits_out_of_range(bits):
    with pytest.raises(ValueError, match="from 1 to 8"):
        GainQuantizer(1, bits)


def test_one_bit_more_lowers_the_error_of_uniform_gains_fourfold():
    errors = []
    for bits in (2, 3, 4):
        quantizer, gains = trained(bits, lambda: torch.rand(1, 1, 2000)), torch.rand(1, 1, 50_000)
        errors.append((quantizer(gains) - gains).square().mean().item())
    assert [math.log2(a / b) for a, b in itertools.pairwise(errors)] == pytest.approx([2, 2], abs=0.3)


def test_a_gain_that_never_counts_stays_finite_beside_one_that_does():
    quantizer, gains = GainQuantizer(2, 3), torch.randn(2, 2, 50)
    weight = torch.tensor([1.0, 0.0]).view(1, 2, 1).expand_as(gains)
    for _ in range(5):
        quantizer.initialize_from(gains)
        quantizer.learn(gains, weight)
    assert all(torch.isfinite(value).all() for value in quantizer.state_dict().values())
    assert quantizer(gains).isfinite().all()
