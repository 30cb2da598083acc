"""Training from the beginning, or from where an earlier session stopped."""

from __future__ import annotations

import logging
from typing import Any

from monai.engines import SupervisedTrainer

from monai_vq.engines.checks import or_exit
from monai_vq.handlers import RunCheckpoints, TrainingBudget
from monai_vq.losses import reconstruction_loss

logger = logging.getLogger(__name__)


def train(trainer: SupervisedTrainer, checkpoints: RunCheckpoints, budget: TrainingBudget, resume: bool) -> None:
    """Runs a trainer, after its last checkpoint if asked for; a run that is complete already is left as it is.

    Raises:
        InputError: if there is nothing to resume, or the checkpoint belongs to another network.
        SystemExit: with one line, if the loss stops being finite.
    """
    if resume:
        checkpoints.resume(trainer)
        logger.info(f"resumed after epoch {trainer.state.epoch}")
    if trainer.state.epoch >= trainer.state.max_epochs:
        logger.info(f"all {trainer.state.max_epochs} epochs are trained; a larger --max_epochs goes on.")
    elif budget.is_spent:
        logger.info(f"all {budget.max_minutes} minutes are spent; a larger --max_minutes goes on.")
    else:
        or_exit(trainer.run)


def step_losses(output: dict[str, Any]) -> dict[str, float]:
    """Returns a training step's losses by name, for TensorBoard; ``output`` is the trainer's."""
    loss, reconstruction = output["loss"].item(), reconstruction_loss(output).item()
    return {"loss": loss, "reconstruction": reconstruction, "quantization": loss - reconstruction}
