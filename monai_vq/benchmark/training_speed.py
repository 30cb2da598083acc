"""Images a second of training: our default network against MONAI's VQVAE of the same sizes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from monai.networks import nets
from monai.networks.nets.vqvae import Decoder, Encoder
from torch import Tensor, nn

from monai_vq.engines import AutocastInferer, place
from monai_vq.losses import VQVAELoss
from monai_vq.networks import VQVAE
from monai_vq.quantizers import Codebook, ProjectedQuantizer

CHANNELS, LAYERS, K, D = (32, 64), 1, 512, 64  # of the bundles
DOWN, UP = ((2, 4, 1, 1),) * 2, ((2, 4, 1, 1, 0),) * 2
WARM_UP_STEPS = 3


@dataclass(frozen=True)
class Speed:
    """Images a second of training, one number a round; the rounds of the peers alternate.

    Attributes:
        ours: of the projected VQVAE.
        peer: of MONAI's VQVAE.
    """

    ours: list[float]
    peer: list[float]

    @property
    def ratio(self) -> float:
        """Median over the rounds of ours over peer; a slow moment of the machine hits both of a round."""
        return statistics.median(a / b for a, b in zip(self.ours, self.peer, strict=True))


def time_training(image_size: int, batch_size: int, precision: str, device: str, rounds: int, steps: int) -> Speed:
    """Times training steps (forward, loss, backward, Adam) of both networks in alternating rounds.

    Args:
        image_size: rows and columns of the images.
        batch_size: images a step.
        precision: of ours; the peer trains in fp32, as MONAI's tutorials do on CPU.
        device: ``cpu`` or ``cuda``.
        rounds: of ``steps`` steps each.
        steps: timed in one go.
    """
    torch.manual_seed(0)
    x = torch.rand(batch_size, 1, image_size, image_size, device=device)
    ours, peer = _our_step(x, precision), _peer_step(x)
    for step in (ours, peer):
        _time(step, WARM_UP_STEPS, device)
    speeds = [(_time(ours, steps, device), _time(peer, steps, device)) for _ in range(rounds)]
    return Speed(*([batch_size / seconds for seconds in column] for column in zip(*speeds, strict=True)))


def make_ours() -> VQVAE:
    """Returns the network of ``bundles/projected.json``."""
    encoder = Encoder(2, 1, D, CHANNELS, LAYERS, CHANNELS, DOWN, 0.0, "RELU")
    decoder = Decoder(2, D, 1, CHANNELS, LAYERS, CHANNELS, UP, 0.0, "RELU", None)
    return VQVAE(encoder, ProjectedQuantizer(Codebook(K, D, choice="direction")), decoder)


def make_peer() -> nets.VQVAE:
    """Returns MONAI's VQVAE with an encoder, a decoder and a codebook of the same sizes."""
    return nets.VQVAE(2, 1, 1, CHANNELS, LAYERS, CHANNELS, DOWN, UP, num_embeddings=K, embedding_dim=D)


def _our_step(x: Tensor, precision: str) -> Callable[[], None]:
    network = place(make_ours(), x.device)
    x = x.contiguous(memory_format=torch.channels_last)
    inferer, loss = AutocastInferer(precision), VQVAELoss()
    return _step(network, lambda: loss(inferer(x, network), x))


def _peer_step(x: Tensor) -> Callable[[], None]:
    network = make_peer().to(x.device)

    def loss() -> Tensor:
        x_hat, quantization = network(x)
        return nn.functional.mse_loss(x_hat, x) + quantization

    return _step(network, loss)


def _step(network: nn.Module, loss: Callable[[], Tensor]) -> Callable[[], None]:
    network.train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    return step


def _time(step: Callable[[], None], steps: int, device: str) -> float:
    """Returns seconds a step."""
    _wait(device)
    start = time.perf_counter()
    for _ in range(steps):
        step()
    _wait(device)
    return (time.perf_counter() - start) / steps


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()
