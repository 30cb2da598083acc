import itertools
import math

import pytest
import torch

from monai_vq.priors import CausalTransformer, LatentAlphabet, Prior

KINDS = ("vector", "projected", "two_gains", "hybrid", "frequency")


def every_latent(prior: Prior, h: int, w: int) -> tuple[torch.Tensor, torch.Tensor]:
    """All latents of a grid, each once: a code without a gain has one side only."""
    alphabet = prior.alphabet
    symbols = []  # (code, gain indices) that one position can be
    for code in range(alphabet.num_embeddings):
        carried = alphabet.num_gains and bool(alphabet.has_side[code])
        gains = (
            itertools.product(range(alphabet.num_levels), repeat=alphabet.num_gains)
            if carried
            else [(0,) * alphabet.num_gains]
        )
        symbols += [(code, *gain) for gain in gains]
    table = torch.tensor(list(itertools.product(symbols, repeat=h * w))).view(-1, h, w, 1 + alphabet.num_gains)
    codes, indices = table[..., 0], table[..., 1:].movedim(-1, 1)
    return codes, alphabet.decode(codes, indices)


def test_levels_that_are_equal_are_one_symbol(make_prior):
    prior = make_prior("projected", (1, 2))
    gains = prior.alphabet.gains
    gains.levels.copy_(torch.full((1, 2), 0.5))
    codes = torch.tensor(list(itertools.product(range(3), repeat=2))).view(-1, 1, 2)
    log_prob = prior.log_prob(codes, torch.full((9, 1, 1, 2), 0.5))
    assert log_prob.exp2().sum().item() == pytest.approx(1.0, abs=1e-5)
    drawn, side = prior.sample((50, 1, 2), generator=torch.Generator().manual_seed(0))
    assert prior.log_prob(drawn, side).isfinite().all()


@pytest.mark.parametrize("kind", ["vector", "projected", "two_gains", "hybrid"])
@pytest.mark.parametrize("grid", [(1, 3), (3, 1), (2, 2)])
def test_probabilities_of_all_latents_sum_to_one(make_prior, kind, grid):
    K = 2 if kind == "two_gains" else 3
    prior = make_prior(kind, grid, K)
    codes, side = every_latent(prior, *grid)
    log_prob = prior.log_prob(codes, side).double()
    assert log_prob.std() > 0.5  # else a uniform prior would pass
    assert torch.logsumexp(log_prob * math.log(2), dim=0).exp().item() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("kind", ["vector", "projected", "two_gains", "hybrid"])
def test_every_condition_sums_to_one_by_itself(make_prior, kind):
    prior = make_prior(kind, (1, 2), conditions=True)
    codes, side = every_latent(prior, 1, 2)
    for condition in ([0.0, 1.0], [1.0, -2.0], [math.nan, math.nan]):
        log_prob = prior.log_prob(codes, side, torch.tensor([condition]).expand(len(codes), -1))
        assert log_prob.exp2().sum().item() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_untrained_prior_is_uniform(kind, make_prior):
    alphabet = make_prior(kind, (2, 3)).alphabet
    prior = Prior(alphabet, CausalTransformer(8, 2, 2, (2, 3))).eval()
    codes = torch.randint(0, 3, (5, 2, 3))
    side = alphabet.round(codes, torch.randn(5, alphabet.side_channels, 2, 3))
    bits = prior.bits(codes, side)
    assert torch.allclose(bits.codes, torch.tensor(math.log2(3)).expand(5, 2, 3))
    carried = alphabet.has_side[codes].unsqueeze(1).expand_as(bits.gains)
    assert torch.allclose(bits.gains, carried.float())  # one bit a gain, none where there is none


def test_a_symbol_is_predicted_from_the_past_alone(make_prior):
    """Changing any symbol of a position leaves the bits of all symbols before it as they are."""
    prior = make_prior("two_gains", (3, 4), conditions=True)
    codes, indices = torch.randint(0, 3, (1, 3, 4)), torch.randint(0, 2, (1, 2, 3, 4))
    condition = torch.tensor([[1.0, 0.3]])
    before = prior.bits(codes, prior.alphabet.decode(codes, indices), condition)
    for t in range(12):
        changed, past = indices.clone(), torch.arange(12) < t
        changed[0, 1].view(-1)[t] ^= 1
        after = prior.bits(codes, prior.alphabet.decode(codes, changed), condition)
        assert torch.equal(after.codes.flatten()[: t + 1], before.codes.flatten()[: t + 1])
        assert torch.equal(after.gains[0, 0].flatten()[: t + 1], before.gains[0, 0].flatten()[: t + 1])
        assert torch.equal(after.gains[0, 1].flatten()[past], before.gains[0, 1].flatten()[past])
        assert not torch.equal(after.gains[0, 1].flatten()[t], before.gains[0, 1].flatten()[t])
        if t < 11:
            assert not torch.equal(after.codes.flatten()[t + 1], before.codes.flatten()[t + 1])


def test_bits_add_up_and_density_stays_apart(make_prior):
    prior = make_prior("frequency", (2, 3))
    codes = torch.tensor([[[0, 1, 2], [0, 0, 1]]])
    side = torch.randn(1, 4, 2, 3) * prior.alphabet.has_side[codes].unsqueeze(1)
    bits = prior.bits(codes, side)
    assert prior.log_prob(codes, side).item() == pytest.approx(-bits.codes.sum().item(), rel=1e-6)
    assert torch.equal(bits.density != 0, prior.alphabet.has_side[codes])
    hidden = prior.hidden(codes, prior.alphabet.encode(codes, side), side)
    mean, log_scale = prior.vector_head(hidden, codes)
    gaussian = torch.distributions.Normal(mean, log_scale.exp()).log_prob(side.movedim(1, -1)).sum(-1) / -math.log(2)
    assert torch.allclose(bits.density[0, 0, 1:], gaussian[0, 0, 1:], atol=1e-4)


def test_gains_count_as_their_nearest_level(make_prior):
    prior = make_prior("projected", (2, 2))
    codes = torch.randint(0, 3, (1, 2, 2))
    near = torch.tensor([[-0.9, 0.3], [0.4, 9.0]]).view(1, 1, 2, 2)
    levels = torch.tensor([[-0.5, -0.5], [1.25, 1.25]]).view(1, 1, 2, 2)
    assert torch.equal(prior.log_prob(codes, near), prior.log_prob(codes, levels))


def test_condition_changes_the_likelihood_and_unknown_is_none(make_prior):
    prior = make_prior("projected", (2, 2), conditions=True)
    codes, side = torch.randint(0, 3, (2, 2, 2)), torch.ones(2, 1, 2, 2)
    given = prior.log_prob(codes, side, torch.tensor([[0.0, 0.5], [1.0, 0.5]]))
    unknown = prior.log_prob(codes, side, torch.full((2, 2), torch.nan))
    assert (given - unknown).abs().min() > 1e-3
    assert torch.equal(unknown, prior.log_prob(codes, side))


def test_likelihood_is_float32_under_autocast(make_prior):
    prior = make_prior("projected", (3, 3))
    codes, side = torch.randint(0, 3, (2, 3, 3)), torch.ones(2, 1, 3, 3)
    with torch.autocast("cpu", torch.bfloat16):
        bits = prior.bits(codes, side)
    assert bits.codes.dtype == bits.gains.dtype == torch.float32
    assert torch.allclose(bits.total, prior.bits(codes, side).total, rtol=0.05)


def test_state_dict_holds_all_that_a_sample_needs(make_prior):
    trained = make_prior("hybrid", (2, 3), conditions=True)
    conditions = make_prior("hybrid", (2, 3), conditions=True).conditions
    loaded = Prior(LatentAlphabet(3, 1, gain_bits=1), CausalTransformer(8, 2, 2, (2, 3)), conditions)
    loaded.load_state_dict(trained.state_dict())
    drawn = [prior.eval().sample((4, 2, 3), generator=torch.Generator().manual_seed(1)) for prior in (trained, loaded)]
    assert torch.equal(drawn[0][0], drawn[1][0])
    assert torch.equal(drawn[0][1], drawn[1][1])
    assert drawn[0][1].unique().tolist() == [-0.5, 1.0, 1.25]


@pytest.mark.parametrize(
    ("codes", "side", "condition", "message"),
    [
        (torch.full((1, 2, 2), 3), torch.ones(1, 1, 2, 2), None, "3 codes"),
        (torch.zeros(1, 2, 2, dtype=torch.int64), torch.ones(1, 2, 2, 2), None, "expected"),
        (torch.zeros(1, 2, 3, dtype=torch.int64), torch.ones(1, 1, 2, 3), None, "2 x 3; this prior was made for 2 x 2"),
        (torch.zeros(1, 2, 2, dtype=torch.int64), torch.ones(1, 1, 2, 2), torch.zeros(1, 3), "without conditions"),
    ],
)
def test_latents_of_another_stage_1_are_refused(make_prior, codes, side, condition, message):
    with pytest.raises(ValueError, match=message):
        make_prior("projected", (2, 2)).log_prob(codes, side, condition)


def test_start_at_frequencies_is_the_order_zero_model(make_prior):
    alphabet = make_prior("hybrid", (2, 3)).alphabet
    prior = Prior(alphabet, CausalTransformer(8, 2, 2, (2, 3))).eval()
    codes = torch.multinomial(torch.tensor([0.7, 0.2, 0.1]), 600, replacement=True).view(100, 2, 3)
    indices = (torch.rand(100, 1, 2, 3) < 0.8).long() * alphabet.has_side[codes].unsqueeze(1)
    prior.start_at_frequencies(codes, indices)
    bits = prior.bits(codes, alphabet.decode(codes, indices))
    share = (torch.bincount(codes.flatten()) + 1) / 603
    assert torch.allclose(bits.codes, -share.log2()[codes])
    carried = alphabet.has_side[codes].unsqueeze(1)
    ones = (indices[carried].sum() + 1) / (carried.sum() + 2)
    assert torch.allclose(bits.gains[carried], torch.where(indices[carried] == 1, -ones.log2(), -(1 - ones).log2()))


def test_start_at_frequencies_of_a_latent_with_vectors(make_prior):
    prior = make_prior("frequency", (2, 3))
    codes = torch.tensor([[[0, 0, 0], [0, 1, 2]]])
    prior.start_at_frequencies(codes, prior.alphabet.encode(codes, torch.zeros(1, 4, 2, 3)))
    assert prior.to_logits.bias.softmax(dim=0).tolist() == pytest.approx([5 / 9, 2 / 9, 2 / 9])
