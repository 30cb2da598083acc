import pytest
import torch
from torch import nn

from monai_vq.networks import (
    VQVAE,
    BatchNormDecoder,
    BatchNormEncoder,
    OordDecoder,
    OordEncoder,
    Reconstructor,
    check_image_size,
    downsampling_factor,
)
from monai_vq.networks.published import ResidualBlock
from monai_vq.quantizers import IdentityQuantizer

PAIRS = {"oord": (OordEncoder, OordDecoder), "batch_norm": (BatchNormEncoder, BatchNormDecoder)}
every_pair = pytest.mark.parametrize("pair", PAIRS)


def make_network(pair: str, kind: type[VQVAE] = VQVAE) -> VQVAE:
    torch.manual_seed(0)
    encoder, decoder = PAIRS[pair]
    return kind(encoder(1, 16), IdentityQuantizer(16), decoder(16, 1)).eval()


def conv(inputs: int, outputs: int, kernel: int, bias: bool = True) -> int:
    return inputs * outputs * kernel**2 + bias * outputs


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_cifar_10_reports_networks_have_the_published_parameters():
    block = conv(128, 32, 3, bias=False) + conv(32, 128, 1, bias=False)
    assert block == 40_960
    down = conv(3, 64, 4) + conv(64, 128, 4) + conv(128, 128, 3)
    assert (down, conv(128, 64, 1)) == (3_136 + 131_200 + 147_584, 8_256)
    assert count(OordEncoder(3, 64)) == down + 2 * block + conv(128, 64, 1) == 372_096
    up = conv(128, 64, 4) + conv(64, 3, 4)
    assert (conv(64, 128, 3), up) == (73_856, 131_136 + 3_075)
    assert count(OordDecoder(64, 3)) == conv(64, 128, 3) + 2 * block + up == 289_987


def test_the_projected_reports_networks_have_the_published_parameters():
    norm = 2 * 256
    block = conv(256, 256, 3) + norm + conv(256, 256, 1) + norm
    assert block == 590_080 + 512 + 65_792 + 512
    down = conv(3, 256, 4) + norm + conv(256, 256, 4)
    assert down == 12_544 + 512 + 1_048_832
    assert count(BatchNormEncoder(3, 256)) == down + 2 * block == 2_375_680
    up = conv(256, 256, 4) + norm + conv(256, 3, 4)
    assert up == 1_048_832 + 512 + 12_291
    assert count(BatchNormDecoder(256, 3)) == 2 * block + up == 2_375_427


@every_pair
def test_a_quarter_of_the_side_and_back(pair):
    network, x = make_network(pair), torch.rand(2, 1, 12, 20)
    assert network.encode(x).shape == (2, 16, 3, 5)
    assert network(x).x_hat.shape == x.shape
    assert downsampling_factor(network, 1) == 4
    check_image_size(network, (12, 20), 1)


@every_pair
def test_the_skip_carries_x_itself_and_not_its_positive_part(pair):
    block = next(module for module in make_network(pair).modules() if isinstance(module, ResidualBlock))
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(2, next(block.parameters()).shape[1], 4, 4)
    assert (x < 0).any()
    assert torch.equal(block(x.clone()), x)
    block.layers[0].inplace = True  # as published
    assert torch.equal(block(x.clone()), x.relu())


def test_images_come_in_and_go_out_between_0_and_1():
    network = make_network("batch_norm")
    network.encoder.layers[0].bias.data.zero_()
    grey = torch.full((1, 1, 8, 8), 0.5)  # the middle, 0 in [-1, 1]
    assert torch.equal(network.encoder.layers[0](2 * grey - 1), torch.zeros(1, 16, 4, 4))
    torch.testing.assert_close(network.encode(grey), network.encoder.layers(torch.zeros_like(grey)))
    extremes = network.decode(1e3 * torch.randn(4, 16, 3, 3))
    assert extremes.min() >= 0
    assert extremes.max() <= 1
    z_q = torch.randn(2, 16, 3, 3)
    published = torch.tanh(network.decoder.layers(z_q))
    torch.testing.assert_close(2 * network.decode(z_q) - 1, published)
    x, x_hat = torch.rand(2, 1, 12, 12), network.decode(z_q)
    here = (x_hat - x).square().mean()
    torch.testing.assert_close(4 * here, (published - (2 * x - 1)).square().mean())


def test_batch_normalised_convolutions_start_as_published():
    for layer in make_network("batch_norm").modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            fan = sum(layer.weight.shape[:2]) * layer.weight[0, 0].numel()  # in + out
            bound = (6 / fan) ** 0.5
            assert 0.9 * bound < layer.weight.abs().max() <= bound
            assert torch.equal(layer.bias, torch.zeros_like(layer.bias))


@every_pair
def test_every_weight_gets_a_gradient_and_the_input_is_left_alone(pair):
    network, x = make_network(pair).train(), torch.rand(2, 1, 8, 8)
    before = x.clone()
    (network(x).x_hat - x).square().mean().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in network.parameters())
    assert all(parameter.grad.any() for name, parameter in network.named_parameters() if "weight" in name)
    assert torch.equal(x, before)


@every_pair
def test_a_state_dict_makes_the_same_network_again(pair):
    network, x = make_network(pair), torch.rand(2, 1, 8, 8)
    encoder, decoder = PAIRS[pair]
    other = VQVAE(encoder(1, 16), IdentityQuantizer(16), decoder(16, 1)).eval()
    assert not torch.equal(other(x).x_hat, network(x).x_hat)
    other.load_state_dict(network.state_dict())
    assert torch.equal(other(x).x_hat, network(x).x_hat)


@every_pair
@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
def test_scripts_and_exports(pair):
    network, x = make_network(pair, kind=Reconstructor), torch.rand(2, 1, 8, 8)
    assert torch.equal(torch.jit.script(network)(x), network(x))
    torch.testing.assert_close(torch.export.export(network, (x,)).module()(x), network(x))
