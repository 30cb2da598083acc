"""Progress on the terminal."""

from __future__ import annotations

import sys

from ignite.engine import Engine, Events
from ignite.handlers import ProgressBar

from monai_vq.losses import reconstruction_loss


class TrainingProgress:
    """A bar an epoch with the step's reconstruction loss, and a line after each epoch, of the validation where one was.

    Where the output is no terminal there are the lines alone, so that a cluster's log stays short.

    Args:
        evaluator: whose metrics the line tells.
    """

    def __init__(self, evaluator: Engine) -> None:
        self.evaluator = evaluator

    def attach(self, engine: Engine) -> None:
        """Follows a trainer; attach it behind the validation."""
        if sys.stderr.isatty():
            ProgressBar(mininterval=0.5).attach(engine, output_transform=_shown)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._tell)
        engine.add_event_handler(Events.TERMINATE, self._tell_validation)

    def _tell(self, engine: Engine) -> None:
        if not self._tell_validation(engine):
            mse = _shown(engine.state.output)["mse"]
            print(f"{_place(engine)}: training MSE {mse:.5f} at the last step", flush=True)

    def _tell_validation(self, engine: Engine) -> bool:
        """Tells the scores of this epoch's validation; returns whether there was one."""
        if self.evaluator.state.epoch != engine.state.epoch:
            return False
        scores = self.evaluator.state.metrics
        print(
            f"{_place(engine)}: validation SSIM {scores['ssim']:.4f}, MSE {scores['mse']:.5f}, "
            f"PSNR {scores['psnr']:.2f} dB",
            flush=True,
        )
        return True


def _place(engine: Engine) -> str:
    return f"epoch {engine.state.epoch}, step {engine.state.iteration}"


def _shown(output: dict) -> dict[str, float]:
    return {"mse": reconstruction_loss(output).item()}
