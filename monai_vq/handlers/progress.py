"""Progress on the terminal."""

from __future__ import annotations

import sys

from ignite.engine import Engine, Events
from ignite.handlers import ProgressBar

from monai_vq.losses import reconstruction_loss


class TrainingProgress(ProgressBar):
    """A bar an epoch with the step's reconstruction loss, and a line after each validation.

    Where the output is no terminal, the bar is refreshed rarely, so that a cluster's log stays short.

    Args:
        evaluator: whose metrics the line tells.
    """

    def __init__(self, evaluator: Engine) -> None:
        super().__init__(persist=False, mininterval=0.5 if sys.stderr.isatty() else 30.0)
        self.evaluator = evaluator

    def attach(self, engine: Engine) -> None:  # type: ignore[override]
        """Follows a trainer; attach it behind the validation."""
        super().attach(engine, output_transform=lambda output: {"mse": float(reconstruction_loss(output))})
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._tell)
        engine.add_event_handler(Events.TERMINATE, self._tell)

    def _tell(self, engine: Engine) -> None:
        if self.evaluator.state.epoch == engine.state.epoch:
            scores = self.evaluator.state.metrics
            self.log_message(
                f"epoch {engine.state.epoch}: validation SSIM {scores['ssim']:.4f}, MSE {scores['mse']:.5f}, "
                f"PSNR {scores['psnr']:.2f} dB"
            )
