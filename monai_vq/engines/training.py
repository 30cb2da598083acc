"""Training from the beginning, or from where an earlier session stopped."""

from __future__ import annotations

import logging
from typing import Any

import torch
from monai.engines import SupervisedTrainer

from monai_vq.errors import InputError
from monai_vq.handlers import RunCheckpoints
from monai_vq.losses import reconstruction_loss

logger = logging.getLogger(__name__)


def train(trainer: SupervisedTrainer, checkpoints: RunCheckpoints, resume: bool) -> None:
    """Runs a trainer, after its last checkpoint if asked for; a run that is complete already is left as it is.

    Raises:
        InputError: if there is nothing to resume, the checkpoint belongs to another network, or the training split has
            no slices.
    """
    if not trainer.state.epoch_length:
        raise InputError("the training split has no slices; check the dataset with `python -m data_prep verify`.")
    if resume:
        checkpoints.resume(trainer, torch.device(trainer.state.device))
        logger.info(f"resumed after epoch {trainer.state.epoch}")
    if trainer.state.epoch >= trainer.state.max_epochs:
        logger.info(f"all {trainer.state.max_epochs} epochs are trained; a larger --max_epochs goes on.")
        return
    trainer.run()


def step_losses(output: dict[str, Any]) -> dict[str, float]:
    """Returns a training step's losses by name, for TensorBoard; ``output`` is the trainer's."""
    loss, reconstruction = output["loss"].item(), reconstruction_loss(output).item()
    return {"loss": loss, "reconstruction": reconstruction, "quantization": loss - reconstruction}
