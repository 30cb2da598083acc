import math

import pytest
import torch
from monai.inferers import VQVAETransformerInferer
from monai.networks.blocks.selfattention import SABlock
from monai.networks.nets import DecoderOnlyTransformer
from monai.networks.nets.vqvae import Decoder, Encoder
from monai.utils.ordering import Ordering

from monai_vq.errors import InputError
from monai_vq.networks import VQVAE
from monai_vq.priors import from_monai
from monai_vq.quantizers import Codebook, VectorQuantizer

K, GRID = 12, (4, 3)


def transformer(**options: object) -> DecoderOnlyTransformer:
    torch.manual_seed(3)
    made = DecoderOnlyTransformer(K + 1, 12, 16, 2, 4, **options).eval()
    with torch.no_grad():
        made.to_logits.bias.normal_()
        made.to_logits.bias[K] = float("-inf")  # the begin token is never drawn
    return made


def ordering(kind: str) -> Ordering:
    return Ordering(kind, spatial_dims=2, dimensions=(1, *GRID))


def stage_1() -> VQVAE:
    torch.manual_seed(0)
    sizes = {"channels": (8, 8), "num_res_layers": 1, "num_res_channels": (8, 8), "dropout": 0.0, "act": "RELU"}
    encoder = Encoder(2, 1, 4, downsample_parameters=((2, 4, 1, 1),) * 2, **sizes)
    decoder = Decoder(2, 4, 1, upsample_parameters=((2, 4, 1, 1, 0),) * 2, output_act=None, **sizes)
    return VQVAE(encoder, VectorQuantizer(Codebook(K, 4)), decoder).eval()


@pytest.mark.parametrize("kind", ["raster_scan", "s_curve"])
@pytest.mark.parametrize("combined", [False, True])
def test_logits_are_monais(kind, combined):
    theirs = transformer(use_combined_linear=combined)
    codes = torch.randint(0, K, (3, *GRID))
    sequence = torch.as_tensor(ordering(kind).get_sequence_ordering().copy())
    tokens = torch.cat([torch.full((3, 1), K), codes.flatten(1)[:, sequence]], dim=1)[:, :-1]
    expected = theirs(tokens)[..., :K]
    ours = from_monai(theirs, GRID, ordering(kind)).logits(codes, torch.zeros(3, 0, *GRID)).flatten(1, 2)[:, sequence]
    assert torch.allclose(ours, expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["raster_scan", "s_curve"])
def test_likelihood_and_greedy_samples_are_those_of_monais_inferer(kind):
    """Our stage 1 with G = 0 serves MONAI's inferer as it is, and both walk through the same latents."""
    network, theirs, order = stage_1(), transformer(), ordering(kind)
    prior, inferer = from_monai(theirs, GRID, order), VQVAETransformerInferer()
    images = torch.rand(2, 1, 16, 12)
    codes, side = network.encode_latent(images)
    nats = inferer.get_likelihood(images, network, theirs, order)
    assert torch.allclose(-prior.bits(codes, side).codes * math.log(2), nats, atol=1e-4)
    begin = torch.full((2, 1), K)
    expected = inferer.sample(GRID, begin, network, theirs, order, top_k=1, verbose=False)
    drawn = prior.sample((2, *GRID), top_k=1)
    assert torch.allclose(network.decode_latent(*drawn), expected, atol=1e-5)


def test_what_cannot_be_taken_over_is_refused():
    with pytest.raises(InputError, match="cross-attention"):
        from_monai(transformer(with_cross_attention=True), GRID)
    with pytest.raises(InputError, match="max_seq_len 12 is shorter than the grid 4 x 4 = 16"):
        from_monai(transformer(), (4, 4))


def test_the_mask_that_monai_keeps_is_left_behind():
    theirs = transformer()
    assert isinstance(theirs.blocks[0].attn, SABlock)
    assert "blocks.0.attn.causal_mask" in theirs.state_dict()
    assert not any("mask" in name for name in from_monai(theirs, GRID).state_dict())
