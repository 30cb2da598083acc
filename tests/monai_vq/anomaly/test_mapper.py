import numpy as np
import pytest
import torch

from monai_vq.anomaly.evaluation import METHODS
from monai_vq.anomaly.mapper import Mapper, encode
from monai_vq.anomaly.normal import NormalMap
from monai_vq.anomaly.restoration import Restorer

POSITIONS = np.linspace(0, 1, 5)


@pytest.fixture
def restorer(network, prior) -> Restorer:
    return Restorer(prior, network, number=1, batch_size=2)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(5, 1, 16, 24, generator=torch.Generator().manual_seed(3))


def test_a_scan_is_encoded_in_parts_as_it_would_be_at_once(restorer, images):
    latents = encode(restorer, images, None)
    codes, side = restorer.network.encode_latent(images)
    assert torch.equal(latents.codes, codes)
    torch.testing.assert_close(latents.side, side)
    torch.testing.assert_close(latents.x_hat, restorer.network.decode_latent(codes, side).clamp(0, 1))
    torch.testing.assert_close(latents.bits.sum(dim=(1, 2)), -restorer.prior.log_prob(codes, side))


def test_every_method_has_a_map_of_the_image_size(restorer, images):
    latents = encode(restorer, images, None)
    bits = latents.bits.numpy() - np.random.default_rng(0).random(latents.bits.shape)
    mapper = Mapper(restorer, NormalMap(bits, POSITIONS), NormalMap(images[:, 0].numpy(), POSITIONS), 0.0)
    foreground = np.ones((5, 16, 24), bool)
    generator = torch.Generator().manual_seed(0)
    maps = mapper.maps(latents, foreground, POSITIONS, None, generator)
    assert tuple(maps) == METHODS
    for values in maps.values():
        assert values.shape == (5, 16, 24)
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    error = (images - latents.x_hat).abs()[:, 0].numpy()
    np.testing.assert_allclose(maps["reconstruction error"], error, rtol=1e-6)
    assert maps["restoration"].max() > 0


def test_above_the_threshold_is_restored_and_no_more(restorer, images):
    latents = encode(restorer, images, None)
    normal = NormalMap(latents.bits.numpy(), POSITIONS)
    brightness = NormalMap(images[:, 0].numpy(), POSITIONS)
    foreground = np.ones((5, 16, 24), bool)
    never = Mapper(restorer, normal, brightness, np.inf).maps(latents, foreground, POSITIONS, None)
    assert never["restoration"].max() == 0
