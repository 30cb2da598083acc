"""Pictures of what a prior draws, while it learns."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from ignite.engine import Engine, Events
from PIL import Image
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from monai_vq.atomic import atomic_path
from monai_vq.networks import VQVAE
from monai_vq.priors import Prior


class SampleGrid:
    """Draws a few latents every few validations and at the end, and writes their images as PNG and for TensorBoard.

    The draws begin with the same random numbers each time, so that grids of different epochs compare; the trainer's
    own random numbers stay as they are. Attach it behind the validation.

    Args:
        prior: in training.
        network: of stage 1, in eval mode, on the prior's device.
        evaluator: whose validations count.
        folder: of the pictures, ``epoch_0010.png`` and so on.
        grid_size: (h, w) of a latent.
        interval: validations from one grid to the next.
        val_interval: epochs from one validation to the next.
        condition: of the images, [N, C]; None for a prior without conditions.
        num_images: images of a grid, where there are no conditions.
        summary_writer: of TensorBoard; None for PNG alone.
        seed: of the draws.
    """

    def __init__(
        self,
        prior: Prior,
        network: VQVAE,
        evaluator: Engine,
        folder: str | Path,
        grid_size: tuple[int, int],
        interval: int,
        val_interval: int,
        condition: Tensor | None = None,
        num_images: int = 8,
        summary_writer: SummaryWriter | None = None,
        seed: int = 0,
    ) -> None:
        self.prior, self.network, self.evaluator, self.summary_writer = prior, network, evaluator, summary_writer
        self.folder, self.grid_size, self.epochs = Path(folder), grid_size, interval * val_interval
        self.condition, self.seed = condition, seed
        self.num_images = num_images if condition is None else len(condition)
        self._drawn_at = 0

    def attach(self, engine: Engine) -> None:
        """Follows a trainer."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._draw_if_due)
        engine.add_event_handler(Events.TERMINATE, self._draw_at_end)

    def _draw_if_due(self, engine: Engine) -> None:
        epoch = engine.state.epoch
        if epoch % self.epochs == 0 or epoch == engine.state.max_epochs:
            self(engine)

    def _draw_at_end(self, engine: Engine) -> None:
        if self._drawn_at != engine.state.epoch:
            self(engine)

    @torch.no_grad()
    def __call__(self, engine: Engine) -> None:
        """Draws and writes a grid."""
        self._drawn_at = engine.state.epoch
        device = self.prior.to_logits.weight.device
        condition = None if self.condition is None else self.condition.to(device)
        generator = torch.Generator(device).manual_seed(self.seed)
        codes, side = self.prior.sample((self.num_images, *self.grid_size), condition, generator=generator)
        grid = image_grid(self.network.decode_latent(codes, side))
        write_png(self.folder / f"epoch_{engine.state.epoch:04d}.png", grid)
        if self.summary_writer is not None:
            self.summary_writer.add_image("samples", grid, engine.state.epoch)


def image_grid(images: Tensor, columns: int | None = None) -> Tensor:
    """Lays out images [N, C, H, W] row by row as one, [C, rows·H, columns·W] in [0, 1]; by default about square."""
    images = images.detach().float().clamp(0, 1).cpu()
    columns = columns or math.ceil(math.sqrt(len(images)))
    rows = -(-len(images) // columns)
    blank = images.new_zeros(rows * columns - len(images), *images.shape[1:])
    return torch.cat([images, blank]).unflatten(0, (rows, columns)).permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)


def write_png(path: Path, image: Tensor) -> None:
    """Writes an image [C, H, W] in [0, 1], grey or in colour, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = (image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    with atomic_path(path) as part:
        Image.fromarray(np.squeeze(pixels, axis=2) if pixels.shape[2] == 1 else pixels).save(part, format="PNG")
