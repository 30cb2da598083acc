import itertools
import math

import pytest
import torch

from monai_vq.metrics import code_entropy_bits
from monai_vq.priors import GaussianPrior, Kept, LatentAlphabet

K = 3


def make_alphabet(kind: str) -> LatentAlphabet:
    alphabet = {
        "vector": lambda: LatentAlphabet(K),
        "projected": lambda: LatentAlphabet(K, num_gains=1, gain_bits=1),
        "two_gains": lambda: LatentAlphabet(K, num_gains=2, gain_bits=1),
        "hybrid": lambda: LatentAlphabet(K, num_gains=1, gain_bits=1),
        "frequency": lambda: LatentAlphabet(K, vector_size=4),
    }[kind]()
    if kind in ("hybrid", "frequency"):
        alphabet.has_side[0] = False
    if alphabet.gains is not None:
        alphabet.gains.levels.copy_(torch.tensor([-0.5, 1.25]))
    return alphabet


def latents(alphabet: LatentAlphabet, number: int, h: int, w: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes of which the first are the likelier, with side that depends on them."""
    generator = torch.Generator().manual_seed(seed)
    codes = torch.multinomial(torch.tensor([0.6, 0.3, 0.1]), number * h * w, True, generator=generator).view(-1, h, w)
    side = torch.randn(number, alphabet.side_channels, h, w, generator=generator) + codes[:, None]
    return codes, alphabet.round(codes, side * alphabet.has_side[codes].unsqueeze(1))


def fitted(kind: str, grid_size: tuple[int, int] | None = None, shape=(40, 2, 3)) -> GaussianPrior:
    prior = GaussianPrior(make_alphabet(kind), grid_size)
    prior.fit(*latents(prior.alphabet, *shape))
    return prior


def every_latent(alphabet: LatentAlphabet, h: int, w: int) -> tuple[torch.Tensor, torch.Tensor]:
    """All codes with all levels of the gains that they carry."""
    G = alphabet.num_gains
    symbols = [
        (code, levels)
        for code in range(K)
        for levels in itertools.product(range(2 if alphabet.has_side[code] else 1), repeat=G)
    ]
    latents = list(itertools.product(symbols, repeat=h * w))
    codes = torch.tensor([[code for code, _ in latent] for latent in latents]).view(-1, h, w)
    indices = torch.tensor([[levels for _, levels in latent] for latent in latents], dtype=torch.int64)
    return codes, alphabet.decode(codes, indices.view(len(codes), h, w, G).movedim(-1, 1))


@pytest.mark.parametrize("kind", ["vector", "projected", "two_gains", "hybrid"])
@pytest.mark.parametrize("grid_size", [None, (1, 3)])
def test_the_probabilities_of_all_latents_sum_to_one(kind, grid_size):
    prior = fitted(kind, grid_size, shape=(40, 1, 3))
    total = prior.log_prob(*every_latent(prior.alphabet, 1, 3)).double().exp2().sum()
    assert total.item() == pytest.approx(1, abs=1e-5)


def test_mean_bits_of_codes_are_the_order_zero_entropy_of_the_metrics():
    prior = fitted("projected")
    codes, side = latents(prior.alphabet, 10, 2, 3, seed=1)
    train_codes, _ = latents(prior.alphabet, 40, 2, 3)
    counts = [torch.bincount(c.flatten(), minlength=K).numpy() for c in (train_codes, codes)]
    assert prior.bits(codes, side).codes.mean().item() == pytest.approx(code_entropy_bits(*counts), rel=1e-6)


def test_frequencies_at_each_position_are_pulled_to_those_of_all():
    prior = GaussianPrior(LatentAlphabet(2), grid_size=(1, 2))
    none = torch.zeros(1, 0, 1, 2)
    prior.fit(torch.tensor([[[0, 1]]]).expand(6, 1, 2), none.expand(6, 0, 1, 2))
    prior.fit(torch.tensor([[[0, 0]]]).expand(2, 1, 2), none.expand(2, 0, 1, 2))
    overall = (10 + 1) / (16 + 2)
    expected = torch.tensor([(8 + 2 * overall) / 10, (2 + 2 * overall) / 10])
    torch.testing.assert_close(prior.bits(torch.zeros(1, 1, 2, dtype=torch.int64), none).codes[0, 0], -expected.log2())


@pytest.mark.parametrize("kind", ["vector", "two_gains", "hybrid", "frequency"])
def test_batches_teach_what_all_at_once_does(kind):
    whole, by_batches = fitted(kind, (2, 3)), GaussianPrior(make_alphabet(kind), (2, 3))
    codes, side = latents(whole.alphabet, 40, 2, 3)
    for part in torch.randperm(40, generator=torch.Generator().manual_seed(0)).split(7):
        by_batches.fit(codes[part], side[part])
    for one, other in zip(whole.bits(codes, side), by_batches.bits(codes, side), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("kind", ["vector", "projected", "hybrid"])
def test_samples_follow_the_probabilities(kind):
    prior = fitted(kind)
    codes, side = prior.sample((20_000, 1, 1), generator=torch.Generator().manual_seed(0))
    symbols, symbol_side = every_latent(prior.alphabet, 1, 1)
    probabilities = prior.log_prob(symbols, symbol_side).exp2()
    for code, at, probability in zip(symbols.flatten(), symbol_side.flatten(1), probabilities, strict=True):
        share = ((codes.flatten() == code) & (side.flatten(1) == at).all(dim=1)).float().mean()
        assert share.item() == pytest.approx(probability.item(), abs=4 * math.sqrt(0.25 / 20_000))


def test_samples_follow_the_position():
    prior = GaussianPrior(LatentAlphabet(2), grid_size=(1, 2))
    prior.fit(torch.tensor([[[0, 1]]]).expand(500, 1, 2), torch.zeros(500, 0, 1, 2))
    codes, _ = prior.sample((500, 1, 2), generator=torch.Generator().manual_seed(0))
    assert (codes == torch.tensor([0, 1])).float().mean(dim=0).min() > 0.98


def test_sampled_vectors_have_their_codes_mean_and_scale():
    prior = fitted("frequency", shape=(400, 3, 3))
    codes, side = prior.sample((2_000, 3, 3), generator=torch.Generator().manual_seed(0))
    assert (side.movedim(1, -1)[codes == 0] == 0).all()
    mean, scale = prior.gaussians.parameters_of_codes()
    for code in (1, 2):
        drawn = side.movedim(1, -1)[codes == code].double()
        torch.testing.assert_close(drawn.mean(dim=0), mean[code], atol=0.1, rtol=0)
        torch.testing.assert_close(drawn.std(dim=0), scale[code], atol=0.1, rtol=0)


def test_top_k_one_takes_the_likeliest():
    prior = fitted("projected")
    codes, side = prior.sample((4, 2, 3), top_k=1)
    symbols, symbol_side = every_latent(prior.alphabet, 1, 1)
    gains = prior.bits(symbols, symbol_side).gains.flatten()
    likeliest = min((i for i in range(len(symbols)) if symbols[i] == 0), key=gains.__getitem__)
    assert (codes == 0).all()
    assert (side == symbol_side[likeliest].item()).all()


@pytest.mark.parametrize("kind", ["projected", "hybrid", "frequency"])
def test_kept_positions_stay_and_the_generator_makes_the_draw_reproducible(kind):
    prior = fitted(kind)
    keep = Kept(torch.arange(6).view(1, 2, 3).expand(5, 2, 3) % 2 == 0, *latents(prior.alphabet, 5, 2, 3, seed=2))
    draws = [prior.sample((5, 2, 3), generator=torch.Generator().manual_seed(1), keep=keep) for _ in range(2)]
    assert all(torch.equal(a, b) for a, b in zip(*draws, strict=True))
    codes, side = draws[0]
    assert torch.equal(codes[keep.mask], keep.codes[keep.mask])
    assert torch.equal(side.movedim(1, -1)[keep.mask], keep.side.movedim(1, -1)[keep.mask])
    assert (codes != keep.codes)[~keep.mask].any()


def test_a_frequency_latents_vectors_are_no_part_of_its_bits():
    prior = fitted("frequency")
    codes, side = latents(prior.alphabet, 4, 2, 3, seed=1)
    bits = prior.bits(codes, side)
    assert ((bits.density != 0) == prior.alphabet.has_side[codes]).all()
    torch.testing.assert_close(prior.log_prob(codes, side), -bits.codes.flatten(1).sum(dim=1))


def test_a_state_dict_holds_all_that_was_learned():
    prior, other = fitted("hybrid", (2, 3)), GaussianPrior(make_alphabet("hybrid"), (2, 3))
    other.load_state_dict(prior.state_dict())
    codes, side = latents(prior.alphabet, 4, 2, 3, seed=1)
    assert torch.equal(prior.log_prob(codes, side), other.log_prob(codes, side))


def test_untrained_codes_are_uniform():
    bits = GaussianPrior(LatentAlphabet(8)).bits(torch.arange(8).view(1, 2, 4), torch.zeros(1, 0, 2, 4))
    assert (bits.codes == 3).all()


@pytest.mark.parametrize("take", ["fit", "bits", "sample"])
def test_another_grid_is_refused_by_name(take):
    prior = fitted("vector", (2, 3))
    with pytest.raises(ValueError, match=r"3 x 2.*2 x 3"):
        prior.sample((1, 3, 2)) if take == "sample" else getattr(prior, take)(*latents(prior.alphabet, 1, 3, 2))


def test_another_alphabets_latents_are_refused():
    with pytest.raises(ValueError, match="side has shape"):
        fitted("vector").bits(*latents(make_alphabet("projected"), 1, 2, 3))
