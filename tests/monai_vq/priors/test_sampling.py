import math

import pytest
import torch

from monai_vq.priors import Kept
from monai_vq.priors.sampling import SymbolChoice

KINDS = ("vector", "projected", "two_gains", "hybrid", "frequency")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", ["vector", "projected", "two_gains", "hybrid"])
def test_samples_follow_the_likelihood(make_prior, kind):
    """Each latent of two positions is drawn as often as log_prob says, within five standard errors."""
    prior, n = make_prior(kind, (1, 2), conditions=True), 20_000
    condition = torch.tensor([[1.0, 0.4]]).expand(n, -1)
    codes, side = prior.sample((n, 1, 2), condition, generator=seeded())
    flat = torch.cat([codes.flatten(1), side.flatten(1)], dim=1)
    latents, counts = flat.unique(dim=0, return_counts=True)
    G = side.shape[1]
    unique_codes, unique_side = (
        latents[:, :2].long().view(len(latents), 1, 2),
        latents[:, 2:].view(len(latents), G, 1, 2),
    )
    expected = prior.log_prob(unique_codes, unique_side, condition[: len(latents)]).exp2()
    error = (expected * (1 - expected) / n).sqrt()
    assert len(latents) > 5
    assert ((counts / n - expected).abs() < 5 * error + 1e-4).all()
    assert expected.sum() > 0.99  # nothing likely was never drawn


@pytest.mark.parametrize("kind", KINDS)
def test_cached_states_equal_uncached_at_every_step(make_prior, kind):
    prior = make_prior(kind, (3, 4), conditions=True)
    condition = torch.tensor([[0.0, 0.4], [math.nan, -1.0]])
    codes, side = prior.sample((2, 3, 4), condition, generator=seeded())
    indices = prior.alphabet.encode(codes, side)
    whole = prior.hidden(codes, indices, side, condition).flatten(1, 2)
    embedded = prior.embedding(codes, indices, side).flatten(1, 2)
    stepper = prior.backbone.start(2, 3, 4, prior.embed_condition(condition, 2))
    for t in range(12):
        hidden = stepper.next(embedded[:, t - 1] if t else None)
        assert torch.allclose(prior.to_logits(hidden), prior.to_logits(whole[:, t]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_top_k_1_takes_the_likeliest_symbol_of_the_full_forward_pass(make_prior, kind):
    prior = make_prior(kind, (2, 3))
    codes, side = prior.sample((2, 2, 3), top_k=1, generator=seeded())
    assert torch.equal(prior.logits(codes, side).argmax(dim=-1), codes)
    assert torch.equal(codes[0], codes[1])
    assert torch.equal(side[0], side[1])


def test_samples_are_reproducible_by_the_generator_alone(make_prior):
    prior = make_prior("projected", (3, 3))
    first, again, other = (prior.sample((8, 3, 3), generator=seeded(s)) for s in (1, 1, 2))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize("kind", KINDS)
def test_kept_positions_stay_and_the_rest_follows_from_them(make_prior, kind):
    prior = make_prior(kind, (2, 3))
    codes, side = prior.sample((6, 2, 3), generator=seeded(1))
    mask = torch.rand(6, 2, 3, generator=seeded(2)) < 0.5
    new_codes, new_side = prior.sample((6, 2, 3), generator=seeded(3), keep=Kept(mask, codes, side))
    assert torch.equal(new_codes[mask], codes[mask])
    assert torch.equal(new_side.movedim(1, -1)[mask], side.movedim(1, -1)[mask])
    assert not torch.equal(new_codes, codes)
    everything = prior.sample((6, 2, 3), generator=seeded(3), keep=Kept(torch.ones_like(mask), codes, side))
    assert torch.equal(everything[0], codes)
    assert torch.equal(everything[1], side)


def test_guidance_moves_from_unconditional_over_conditional_to_more(make_prior):
    prior = make_prior("projected", (2, 3), conditions=True)
    condition = torch.tensor([[1.0, 2.0]]).expand(64, -1)
    shape = (64, 2, 3)
    as_learned = prior.sample(shape, condition, generator=seeded())
    assert torch.equal(prior.sample(shape, condition, generator=seeded(), guidance=1.0)[0], as_learned[0])
    unconditional = prior.sample(shape, generator=seeded())
    assert torch.equal(prior.sample(shape, condition, generator=seeded(), guidance=0.0)[0], unconditional[0])
    advantages = []
    for guidance in (0.0, 1.0, 3.0):
        codes, side = prior.sample(shape, condition, generator=seeded(), guidance=guidance)
        advantages.append((prior.log_prob(codes, side, condition) - prior.log_prob(codes, side)).mean().item())
    assert advantages[0] < advantages[1] < advantages[2]


def test_training_mode_comes_back_and_sampling_is_without_dropout(make_prior):
    prior = make_prior("vector", (2, 2), conditions=True).train()
    prior.backbone.dropout.p = 0.9
    drawn = prior.sample((4, 2, 2), generator=seeded())
    assert prior.training
    assert prior.backbone.dropout.training
    assert torch.equal(drawn[0], prior.eval().sample((4, 2, 2), generator=seeded())[0])


@pytest.mark.parametrize("kind", KINDS)
def test_autocast_around_it_changes_no_sample(make_prior, kind):
    prior = make_prior(kind, (3, 3))
    with torch.autocast("cpu", torch.bfloat16):
        inside = prior.sample((4, 3, 3), generator=seeded())
    outside = prior.sample((4, 3, 3), generator=seeded())
    assert torch.equal(inside[0], outside[0])
    assert torch.equal(inside[1], outside[1])


def test_filters_against_their_definitions():
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0], [0.0, 3.0, 3.0, -9.0]])
    plain = SymbolChoice().probabilities(logits)
    assert torch.allclose(plain, logits.softmax(-1))
    assert torch.allclose(SymbolChoice(temperature=0.5).probabilities(logits), (2 * logits).softmax(-1))
    top = SymbolChoice(top_k=2).probabilities(logits)
    assert torch.equal(top > 0, torch.tensor([[True, True, False, False], [False, True, True, False]]))
    assert torch.allclose(top[0, 0] / top[0, 1], plain[0, 0] / plain[0, 1])
    ties = SymbolChoice(top_k=1).probabilities(torch.zeros(3, 4))
    assert torch.equal((ties > 0).sum(dim=-1), torch.ones(3, dtype=torch.int64))
    assert (SymbolChoice(top_p=1.0).probabilities(torch.zeros(1, 65_536)) > 0).all()
    nucleus = SymbolChoice(top_p=0.7).probabilities(logits)  # 0.64 + 0.24 of the first row
    assert torch.equal(nucleus > 0, torch.tensor([[True, True, False, False], [False, True, True, False]]))
    assert torch.allclose(nucleus.sum(-1), torch.ones(2))
    assert torch.equal(SymbolChoice(top_p=0.01).probabilities(logits)[0], torch.tensor([1.0, 0.0, 0.0, 0.0]))


@pytest.mark.parametrize(
    ("option", "value"),
    [("temperature", 0.0), ("temperature", math.nan), ("top_k", 0), ("top_p", 0.0), ("top_p", 1.5), ("guidance", 2.0)],
)
def test_impossible_options_are_refused(make_prior, option, value):
    with pytest.raises(ValueError, match=f"{option} {value}"):
        make_prior("vector", (1, 2)).sample((1, 1, 2), **{option: value})
