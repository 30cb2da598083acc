import pytest
import torch

from monai_vq.errors import InputError
from monai_vq.priors import LatentAlphabet
from monai_vq.quantizers import (
    Codebook,
    FrequencyQuantizer,
    HybridQuantizer,
    IdentityQuantizer,
    ProjectedQuantizer,
    VectorQuantizer,
    WidthProjectedQuantizer,
)

MAX_1960 = {1: 0.3634, 2: 0.1175, 3: 0.03454, 4: 0.009497}  # least error of 2^b levels for a unit Gaussian, table I


def latents(quantizer, n=4):
    torch.manual_seed(0)
    quantizer.train()
    for _ in range(3):
        quantizer(torch.randn(n, 4, 5, 3))
    quantized = quantizer.eval()(torch.randn(n, 4, 5, 3))
    return quantized.codes, quantized.side


QUANTIZERS = {
    "vector": lambda: VectorQuantizer(Codebook(8, 4)),
    "projected": lambda: ProjectedQuantizer(Codebook(8, 4, choice="direction"), gain_bits=3),
    "two_gains": lambda: ProjectedQuantizer(Codebook(8, 4, choice="direction", num_groups=2), gain_bits=2),
    "hybrid": lambda: HybridQuantizer(Codebook(8, 4), num_frequent=5, warmup_epochs=0, gain_bits=3),
    "frequency": lambda: FrequencyQuantizer(Codebook(8, 4), num_frequent=5, warmup_epochs=0),
}


@pytest.mark.parametrize("name", QUANTIZERS)
def test_stage_1_latents_pass_through_to_the_bit(name):
    """What stage 1 rounds is written in its own symbols: decoding from them is decoding what it made."""
    quantizer = QUANTIZERS[name]()
    codes, side = latents(quantizer)
    alphabet = LatentAlphabet.of(quantizer)
    alphabet.check(codes, side)
    assert torch.equal(alphabet.round(codes, side), side)
    if not alphabet.vector_size:
        indices = alphabet.encode(codes, side)
        assert torch.equal(alphabet.encode(codes, alphabet.decode(codes, indices)), indices)
        assert torch.equal(quantizer.embed(codes, alphabet.decode(codes, indices)), quantizer.embed(codes, side))
    assert alphabet.side_channels == quantizer.side_channels
    assert torch.equal(alphabet.has_side[codes].float() * alphabet.side_channels, quantizer.side_scalars(codes))


@pytest.mark.parametrize("name", ["projected", "two_gains", "hybrid"])
def test_indices_are_those_of_the_gain_quantizer(name):
    alphabet = LatentAlphabet.of(QUANTIZERS[name]())
    G, levels = alphabet.num_gains, alphabet.gains.levels
    middles = ((levels[:, 1:] + levels[:, :-1]) / 2)[:, :4]
    side = torch.cat([torch.randn(3, G, 5, 4), levels[:, :4].expand(5, -1, -1)[None].movedim(1, 2)])
    side = torch.cat([side, middles[:, :1].expand(G, 20).reshape(1, G, 5, 4)])  # on the edge between two
    codes = torch.full((5, 5, 4), int(alphabet.has_side.nonzero()[0]))
    assert torch.equal(alphabet.encode(codes, side), alphabet.gains.encode(side))


@pytest.mark.parametrize("bits", MAX_1960)
def test_fitted_levels_are_those_of_least_error(bits):
    torch.manual_seed(0)
    gains = 3.0 + 2.0 * torch.randn(40, 1, 50, 50)
    alphabet = LatentAlphabet(2, num_gains=1, gain_bits=bits)
    codes = torch.zeros(40, 50, 50, dtype=torch.int64)
    alphabet.fit_levels(codes, gains)
    error = (alphabet.round(codes, gains) - gains).square().mean() / 4.0
    assert error == pytest.approx(MAX_1960[bits], rel=0.03)


def test_levels_are_fitted_to_gains_that_are_stored():
    """A hybrid holds the gain at 1 where the code is frequent: no level is spent on it."""
    quantizer = HybridQuantizer(Codebook(8, 4), num_frequent=5, warmup_epochs=0)
    codes, side = latents(quantizer)
    alphabet = LatentAlphabet.of(quantizer, gain_bits=2, latents=(codes, side))
    stored = side[alphabet.has_side[codes].unsqueeze(1)]
    assert alphabet.gains.levels.min() >= stored.min()
    assert alphabet.gains.levels.max() <= stored.max()
    assert torch.equal(alphabet.round(codes, side)[~alphabet.has_side[codes].unsqueeze(1)].unique(), torch.ones(1))


def test_several_gains_have_their_own_levels():
    quantizer = ProjectedQuantizer(Codebook(8, 4, choice="direction", num_groups=2))
    codes, side = latents(quantizer)
    side = side * torch.tensor([1.0, 50.0]).view(1, 2, 1, 1)
    alphabet = LatentAlphabet.of(quantizer, gain_bits=3, latents=(codes, side))
    assert alphabet.gains.levels[1].abs().max() > 10 * alphabet.gains.levels[0].abs().max()
    error = (alphabet.round(codes, side) - side).square().mean(dim=(0, 2, 3)) / side.var(dim=(0, 2, 3))
    assert (error < 0.06).all()


@pytest.mark.parametrize(
    ("quantizer", "options", "message"),
    [
        (IdentityQuantizer(4), {}, "needs a code a position"),
        (WidthProjectedQuantizer(Codebook(8, 4)), {}, "belong to no position"),
        (
            ProjectedQuantizer(Codebook(8, 4), gain_bits=3),
            {"gain_bits": 4},
            "--gain_bits 4: stage 1 rounds its gains to 3",
        ),
        (ProjectedQuantizer(Codebook(8, 4)), {}, "give gain_bits"),
        (ProjectedQuantizer(Codebook(8, 4)), {"gain_bits": 4}, "latents of its training images"),
    ],
)
def test_what_no_prior_can_model_is_refused(quantizer, options, message):
    with pytest.raises(InputError, match=message):
        LatentAlphabet.of(quantizer, **options)


def test_impossible_alphabets_are_refused():
    with pytest.raises(ValueError, match="num_gains 1 with gain_bits None"):
        LatentAlphabet(4, num_gains=1)
    with pytest.raises(ValueError, match="not both"):
        LatentAlphabet(4, num_gains=1, gain_bits=2, vector_size=3)
    with pytest.raises(InputError, match="no gain to fit"):
        LatentAlphabet(4).fit_levels(torch.zeros(1, 2, 2, dtype=torch.int64), torch.zeros(1, 0, 2, 2))
