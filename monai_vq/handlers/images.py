"""Pictures of reconstructions for TensorBoard."""

from __future__ import annotations

import torch
from ignite.engine import Engine, Events
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

ERROR_GAIN = 4.0  # the error's row is brightened so that a good reconstruction's error can be seen


class ReconstructionGrid:
    """Writes a grid of an evaluator's first batch: input, reconstruction and absolute error times 4, one row each.

    Args:
        summary_writer: of TensorBoard.
        num_images: columns of the grid, taken evenly over the batch.
    """

    def __init__(self, summary_writer: SummaryWriter, num_images: int = 8) -> None:
        self.summary_writer, self.num_images = summary_writer, num_images

    def attach(self, engine: Engine) -> None:
        """Follows a MONAI evaluator."""
        engine.add_event_handler(Events.ITERATION_COMPLETED(event_filter=self._is_first), self)

    def _is_first(self, engine: Engine, event: int) -> bool:
        return (engine.state.iteration - 1) % engine.state.epoch_length == 0

    def __call__(self, engine: Engine) -> None:
        """Writes the grid at the trainer's epoch."""
        output = engine.state.output
        x, x_hat = output["image"].float(), output["pred"].x_hat.float()
        chosen = torch.linspace(0, len(x) - 1, min(self.num_images, len(x))).long()
        self.summary_writer.add_image(
            "input, reconstruction, 4 x error", reconstruction_grid(x[chosen], x_hat[chosen]), engine.state.epoch
        )


def reconstruction_grid(x: Tensor, x_hat: Tensor) -> Tensor:
    """Lays out images and reconstructions [N, C, H, W] as one image [C, 3·H, N·W] in [0, 1]."""
    x_hat = x_hat.clamp(0, 1)
    rows = (x, x_hat, ((x - x_hat).abs() * ERROR_GAIN).clamp(max=1))
    return torch.cat([torch.cat(list(row), dim=-1) for row in rows], dim=-2).cpu()
