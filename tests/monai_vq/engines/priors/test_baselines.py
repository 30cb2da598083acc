import math

import pytest
import torch

from monai_vq.engines.priors.baselines import OrderZero, Uniform
from monai_vq.metrics import code_entropy_bits
from monai_vq.priors import LatentAlphabet


@pytest.fixture
def alphabet():
    """Two gains of four levels beside the codes 0 to 3 of 6."""
    alphabet = LatentAlphabet(6, num_gains=2, gain_bits=2)
    alphabet.has_side[4:] = False
    return alphabet


def draw(alphabet, number, seed):
    generator = torch.Generator().manual_seed(seed)
    codes = (torch.rand(number, 4, 5, generator=generator).square() * 6).long()
    return codes, alphabet.round(codes, torch.randn(number, 2, 4, 5, generator=generator))


def fitted(alphabet, codes, side):
    """Counted in two parts, as a large dataset is."""
    order_zero = OrderZero(alphabet)
    order_zero.fit(codes[:1], side[:1])
    order_zero.fit(codes[1:], side[1:])
    return order_zero


def test_codes_cost_the_cross_entropy_with_the_training_counts(alphabet):
    (codes, side), (new, new_side) = draw(alphabet, 9, 0), draw(alphabet, 5, 1)
    bits = fitted(alphabet, codes, side).bits(new, new_side)
    counts = [torch.bincount(part.flatten(), minlength=6).numpy() for part in (codes, new)]
    assert bits.codes.mean().item() == pytest.approx(code_entropy_bits(*counts), rel=1e-6)


def test_gains_cost_by_the_levels_of_their_group_where_a_code_carries_them(alphabet):
    codes, side = draw(alphabet, 9, 0)
    bits = fitted(alphabet, codes, side).bits(codes, side)
    carried, indices = alphabet.has_side[codes], alphabet.encode(codes, side)
    for g in range(2):
        counts = torch.bincount(indices[:, g][carried], minlength=4) + 1
        expected = -(counts / counts.sum()).log2()[indices[:, g]] * carried
        assert torch.allclose(bits.gains[:, g], expected, atol=1e-5)


def test_probabilities_of_a_position_sum_to_one_and_unseen_symbols_have_one(alphabet):
    codes, side = draw(alphabet, 1, 0)
    order_zero = fitted(alphabet, codes.clamp(max=2), side)
    every_code = torch.arange(6).view(6, 1, 1)
    probabilities = (-order_zero.bits(every_code, torch.ones(6, 2, 1, 1)).codes).exp2()
    assert (probabilities > 0).all()
    assert probabilities.sum().item() == pytest.approx(1, abs=1e-6)
    levels = alphabet.gains.levels.T[:, :, None, None]  # each level once, under a code that carries it
    gains = order_zero.bits(torch.zeros(4, 1, 1, dtype=torch.int64), levels).gains[:, :, 0, 0]
    assert (-gains).exp2().sum(dim=0).tolist() == pytest.approx([1, 1], abs=1e-6)


def test_uniform_is_what_a_file_takes(alphabet):
    codes, side = draw(alphabet, 3, 0)
    bits = Uniform(alphabet).bits(codes, side)
    carried = alphabet.has_side[codes].sum().item()
    assert bits.total.sum().item() == pytest.approx(codes.numel() * math.log2(6) + carried * 2 * 2, rel=1e-6)
    alone = Uniform(LatentAlphabet(6)).bits(codes, torch.zeros(3, 0, 4, 5))
    assert alone.total.sum().item() == pytest.approx(codes.numel() * math.log2(6), rel=1e-6)
