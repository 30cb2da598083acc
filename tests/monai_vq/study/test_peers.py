import copy
import sys

import pytest
import torch
from monai.networks import nets
from torch import Tensor
from vector_quantize_pytorch import VectorQuantize

from monai_vq.errors import InputError
from monai_vq.study.peers import MonaiQuantizer, PytorchVectorQuantizer

K, D = 16, 8
SIZES = {"channels": [8], "num_res_layers": 1, "num_res_channels": [8]}
PEERS = [MonaiQuantizer, PytorchVectorQuantizer]


def monai_network() -> nets.VQVAE:
    down, up = [(2, 4, 1, 1)], [(2, 4, 1, 1, 0)]
    return nets.VQVAE(
        2, 1, 1, downsample_parameters=down, upsample_parameters=up, num_embeddings=K, embedding_dim=D, **SIZES
    )


def batches(number: int = 4) -> list[Tensor]:
    torch.manual_seed(1)
    return [torch.randn(3, D, 4, 5, requires_grad=True) for _ in range(number)]


def assert_equal_states(first, second) -> None:
    first, second = first.state_dict(), second.state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def gradient_of(z_q: Tensor, loss: Tensor, z_e: Tensor) -> Tensor:
    return torch.autograd.grad(z_q.square().sum() + loss.sum(), z_e, retain_graph=True)[0]


@pytest.mark.parametrize("train", [True, False])
def test_monais_quantizer_is_the_one_of_its_network(train):
    network, ours = monai_network().train(train), MonaiQuantizer(K, D).train(train)
    ours.peer.load_state_dict(network.quantizer.quantizer.state_dict())
    assert ours.peer.decay == network.quantizer.quantizer.decay
    for z_e in batches():
        codes_before_learning = copy.deepcopy(network.quantizer).quantize(z_e)
        z_q, loss = network.quantize(z_e)
        quantized = ours(z_e)
        assert torch.equal(quantized.z_q, z_q)
        assert torch.equal(quantized.loss, loss)
        assert torch.equal(quantized.codes, codes_before_learning)
        assert torch.equal(gradient_of(quantized.z_q, quantized.loss, z_e), gradient_of(z_q, loss, z_e))
        assert_equal_states(ours.peer, network.quantizer.quantizer)


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("own", [{}, {"kmeans_init": True, "threshold_ema_dead_code": 2, "decay": 0.99}])
def test_vector_quantize_pytorch_is_called_with_its_defaults(train, own):
    torch.manual_seed(0)
    peer = VectorQuantize(D, K, accept_image_fmap=True, **own).train(train)
    ours = PytorchVectorQuantizer(K, D, **own).train(train)
    ours.peer.load_state_dict(peer.state_dict())
    for seed, z_e in enumerate(batches()):
        torch.manual_seed(seed)
        z_q, codes, loss = peer(z_e)
        torch.manual_seed(seed)
        quantized = ours(z_e)
        assert torch.equal(quantized.z_q, z_q)
        assert torch.equal(quantized.codes, codes)
        assert torch.equal(quantized.loss, loss.sum())
        if train:
            assert torch.equal(gradient_of(quantized.z_q, quantized.loss, z_e), gradient_of(z_q, loss, z_e))
        assert_equal_states(ours.peer, peer)


@pytest.mark.parametrize("kind", PEERS)
def test_the_contract(kind):
    quantizer = kind(K, D)
    before = copy.deepcopy(quantizer.state_dict())
    (z_e,) = batches(1)
    assigned = quantizer.assign(z_e)
    assert quantizer.peer.training
    assert all(torch.equal(before[name], value) for name, value in quantizer.state_dict().items())
    assert assigned.side.shape == (3, 0, 4, 5)
    assert assigned.loss.shape == ()
    assert torch.equal(quantizer.side_bits(assigned.codes), torch.zeros(3, 4, 5))
    torch.testing.assert_close(quantizer.embed(assigned.codes, assigned.side), assigned.z_q, rtol=1e-5, atol=1e-5)
    codes = quantizer(z_e).codes  # learns
    assert (codes.dtype, codes.shape) == (torch.int64, (3, 4, 5))
    assert any(not torch.equal(before[name], value) for name, value in quantizer.state_dict().items())


def test_a_missing_package_is_an_error_with_a_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "vector_quantize_pytorch", None)
    with pytest.raises(InputError, match="install it with `pip install vector-quantize-pytorch`, or leave the variant"):
        PytorchVectorQuantizer(K, D)
