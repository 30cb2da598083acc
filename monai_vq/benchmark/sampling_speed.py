"""Seconds of sampling with a cache against a full forward pass a position, with the same weights."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from monai.inferers import VQVAETransformerInferer
from monai.networks.nets import DecoderOnlyTransformer
from monai.utils.ordering import Ordering
from torch import Tensor, nn

from monai_vq.priors import GatedPixelCNN, LatentAlphabet, Prior, from_monai

K, DIM, LAYERS, HEADS = 256, 192, 6, 6  # of the transformer
PIXELCNN_DIM, PIXELCNN_LAYERS = 64, 15


@dataclass(frozen=True)
class SamplingSpeed:
    """Seconds of drawing one batch of latents.

    Attributes:
        ours: with a cache, before and after the peer.
        peer: with a forward pass over everything so far at each position.
        timed: positions that the peer was timed at; of fewer than all, ``peer`` is their mean times all.
        positions: h · w.
    """

    ours: list[float]
    peer: float
    timed: int
    positions: int

    @property
    def ratio(self) -> float:
        """The peer's seconds over the mean of ours."""
        return self.peer / statistics.mean(self.ours)


class CodesAlone(nn.Module):
    """What MONAI's inferer asks of stage 1, without encoder and decoder: codes are the images.

    Args:
        num_embeddings: K, which is also the token that begins a sequence.
    """

    def __init__(self, num_embeddings: int) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings

    def index_quantize(self, codes: Tensor) -> Tensor:
        """Returns the codes."""
        return codes

    def decode_samples(self, codes: Tensor) -> Tensor:
        """Returns the codes."""
        return codes


def time_transformer(grid: tuple[int, int], batch_size: int, steps: int | None, device: str) -> SamplingSpeed:
    """Times ``VQVAETransformerInferer.sample`` against the cached sampler of the same transformer.

    Args:
        grid: (h, w) of the codes.
        batch_size: latents drawn at once.
        steps: positions, evenly over the grid, that MONAI is timed at; None for a whole sample.
        device: ``cpu`` or ``cuda``.
    """
    torch.manual_seed(0)
    transformer = make_transformer(grid).to(device).eval()
    prior, inferer, stage1 = from_monai(transformer, grid), VQVAETransformerInferer(), CodesAlone(K)

    def draw(begun: Tensor, shape: tuple[int, int]) -> Tensor:
        ordering = Ordering("raster_scan", 2, (1, *shape))
        return inferer.sample(shape, begun, stage1, transformer, ordering, verbose=False)

    def whole() -> None:
        draw(torch.full((batch_size, 1), K, device=device), grid)

    def one(t: int) -> None:
        """Draws the position behind t others: MONAI's own loop, entered once."""
        draw(torch.randint(K, (batch_size, t + 1), device=device), (1, 1))

    return _time_both(lambda: prior.sample((batch_size, *grid)), whole, one, grid, steps, device)


def time_pixelcnn(grid: tuple[int, int], batch_size: int, steps: int | None, device: str) -> SamplingSpeed:
    """Times full forward passes, one a position, against the PixelCNN's cached activations; as `time_transformer`."""
    torch.manual_seed(0)
    prior = make_pixelcnn().to(device).eval()
    codes, side = prior.sample((batch_size, 1, 1))
    codes, side = codes.repeat(1, *grid), side.repeat(1, 1, *grid)

    @torch.no_grad()
    def one(t: int) -> None:
        logits = prior.logits(codes, side).flatten(1, 2)[:, t]
        codes.view(batch_size, -1)[:, t] = torch.multinomial(logits.softmax(dim=-1), 1)[:, 0]

    def whole() -> None:
        for t in range(grid[0] * grid[1]):
            one(t)

    return _time_both(lambda: prior.sample((batch_size, *grid)), whole, one, grid, steps, device)


def make_transformer(grid: tuple[int, int]) -> DecoderOnlyTransformer:
    """Returns MONAI's transformer with random weights."""
    return DecoderOnlyTransformer(K + 1, grid[0] * grid[1], DIM, LAYERS, HEADS)


def make_pixelcnn() -> Prior:
    """Returns a PixelCNN prior over codes, untrained."""
    return Prior(LatentAlphabet(K), GatedPixelCNN(PIXELCNN_DIM, PIXELCNN_LAYERS))


def _time_both(
    ours: Callable[[], object],
    whole: Callable[[], None],
    one: Callable[[int], None],
    grid: tuple[int, int],
    steps: int | None,
    device: str,
) -> SamplingSpeed:
    """Times ours, the peer, and ours again: a slow moment of the machine is seen."""
    positions = grid[0] * grid[1]
    one(0)
    before = _time(ours, device)
    if steps is None or steps >= positions:
        timed, peer = positions, _time(whole, device)
    else:
        places = torch.linspace(0, positions - 1, steps).long().tolist()
        timed, peer = steps, statistics.mean(_time(partial(one, t), device) for t in places) * positions
    return SamplingSpeed([before, _time(ours, device)], peer, timed, positions)


def _time(work: Callable[[], object], device: str) -> float:
    _wait(device)
    start = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()
