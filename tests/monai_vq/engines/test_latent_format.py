import numpy as np
import pytest
import torch

from monai_vq.engines.latent_format import latent_format
from monai_vq.networks import VAE
from monai_vq.quantizers import (
    Codebook,
    FrequencyQuantizer,
    HybridQuantizer,
    IdentityQuantizer,
    ProjectedQuantizer,
    VectorQuantizer,
    WidthProjectedQuantizer,
)

IMAGE = torch.rand(1, 32, 40, generator=torch.Generator().manual_seed(0))
# [quantizer of D = 8 and K = 8, side scalars a position, bits of each]
QUANTIZERS = {
    "vector": (lambda: VectorQuantizer(Codebook(8, 8)), 0, 32),
    "identity": (lambda: IdentityQuantizer(8), 8, 32),
    "projected": (lambda: ProjectedQuantizer(Codebook(8, 8)), 1, 32),
    "four rounded gains": (lambda: ProjectedQuantizer(Codebook(8, 8, num_groups=4), gain_bits=3), 4, 3),
    "along width": (lambda: WidthProjectedQuantizer(Codebook(8, 8)), 8 / 10, 32),
    "frequency": (lambda: FrequencyQuantizer(Codebook(8, 8), num_frequent=7, warmup_epochs=0), 8, 32),
    "hybrid": (lambda: HybridQuantizer(Codebook(8, 8), num_frequent=7, warmup_epochs=0, gain_bits=4), 1, 4),
}


@pytest.mark.parametrize("name", QUANTIZERS)
def test_what_a_latent_is_made_of_adds_up_to_its_bits(make_network, name):
    quantizer, scalars, bits = QUANTIZERS[name]
    network = make_network()
    network.quantizer = quantizer()
    with torch.no_grad():
        codes, side = network.eval().encode_latent(IMAGE[None])
    counts = np.bincount(codes.flatten(), minlength=network.num_embeddings)
    latent = latent_format(network, IMAGE, {"test": counts})
    assert (latent.latent_shape, latent.image_size) == ((8, 10), (32, 40))
    assert (latent.side_scalars, latent.scalar_bits) == (pytest.approx(scalars), bits)
    a_position = np.log2(latent.num_embeddings) + latent.continuous.get("test", 1) * latent.side_scalars * bits
    assert network.latent_bits(codes, side).item() == pytest.approx(8 * 10 * a_position)
    assert not latent.is_bound


@pytest.mark.parametrize("name", ["frequency", "hybrid"])
def test_the_continuous_share_is_of_the_positions_of_each_split(make_network, name):
    network = make_network()
    network.quantizer = QUANTIZERS[name][0]()
    network.quantizer.frequent.learn(torch.tensor([[0, 1, 2, 3, 4, 5, 6]]))  # code 7 is the rare one
    counts = {"train": np.arange(8), "test": np.full(8, 3)}
    assert latent_format(network.eval(), IMAGE, counts).continuous == {"train": 7 / 28, "test": 1 / 8}


def test_a_vae_has_no_codes_and_its_rate_is_a_bound():
    latent = latent_format(VAE((32, 32), 1, latent_size=4, channels=(4, 4)).eval(), IMAGE[:, :, :32], {})
    assert latent.is_bound
    assert latent.num_embeddings == 1
