"""The end of a run whose loss is no number."""

from __future__ import annotations

import torch
from ignite.engine import Engine
from monai.engines import IterationEvents


class StopAtNonFinite:
    """Stops a run before a loss that is not finite reaches the weights, naming the slices of that batch.

    It stops and does not skip the step, because the forward pass may have put the batch into a codebook that learns by
    moving averages already: what is in memory is lost, the last checkpoint is not.
    """

    def attach(self, engine: Engine) -> None:
        """Follows a MONAI trainer."""
        engine.add_event_handler(IterationEvents.LOSS_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Checks the step's loss.

        Raises:
            FloatingPointError: if it is NaN or infinite.
        """
        loss = engine.state.output["loss"]
        if not torch.isfinite(loss):
            batch = engine.state.batch
            slices = [f"{scan}:{int(i)}" for scan, i in zip(batch["scan_id"], batch["slice_index"], strict=True)]
            if engine.state.iteration > engine.state.epoch_length:
                remedy = "the last checkpoint is from before it: resume (--resume true)"
            else:
                remedy = "no epoch was complete, so there is no checkpoint: start again"
            raise FloatingPointError(
                f"loss {loss.item()} at iteration {engine.state.iteration} on slices {', '.join(slices)}; "
                f"{remedy} with a lower --learning_rate or --precision fp32."
            )
