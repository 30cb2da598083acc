"""What keeps training stable, and tells where it was not."""

from __future__ import annotations

from collections import deque
from statistics import median

import torch
from ignite.engine import Engine, Events
from monai.engines import IterationEvents
from torch import Tensor, nn

from monai_vq.losses import reconstruction_loss

WINDOW = 200  # steps of the running median


class GradientClip:
    """Scales the gradient down to a largest norm before the optimiser's step.

    Args:
        network: whose parameters' gradients are clipped, together.
        max_norm: largest Euclidean norm.
    """

    def __init__(self, network: nn.Module, max_norm: float) -> None:
        self.network, self.max_norm = network, max_norm

    def attach(self, engine: Engine) -> None:
        """Follows a MONAI trainer."""
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Clips; with fp16 the loss scale is taken out of the gradients first."""
        if engine.scaler is not None:
            engine.scaler.unscale_(engine.optimizer)
        nn.utils.clip_grad_norm_(self.network.parameters(), self.max_norm)


class StopAtNonFinite:
    """Stops a run before a loss that is not finite reaches the weights, naming the slices of that batch."""

    def attach(self, engine: Engine) -> None:
        """Follows a MONAI trainer."""
        engine.add_event_handler(IterationEvents.LOSS_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Checks the step's loss.

        Raises:
            FloatingPointError: if it is NaN or infinite; the last checkpoint is from before.
        """
        loss = engine.state.output["loss"]
        if not torch.isfinite(loss):
            batch = engine.state.batch
            slices = [f"{scan}:{int(i)}" for scan, i in zip(batch["scan_id"], batch["slice_index"], strict=True)]
            raise FloatingPointError(
                f"loss {loss.item()} at iteration {engine.state.iteration} on slices {', '.join(slices)}; the last "
                "checkpoint is from before it: resume with a lower --learning_rate or --precision fp32."
            )


class SpikeRatio:
    """Logs each epoch's largest reconstruction loss of a step over the running median, as metric ``spike_ratio``.

    The median is over the steps before, 200 at most; a resumed run starts it anew.
    """

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._losses: list[Tensor] = []

    def attach(self, engine: Engine) -> None:
        """Follows a trainer."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._summarize)
        engine.add_event_handler(Events.TERMINATE, self._summarize)

    def _collect(self, engine: Engine) -> None:
        self._losses.append(reconstruction_loss(engine.state.output))  # no .item(): it would wait for the GPU

    def _summarize(self, engine: Engine) -> None:
        worst = 0.0
        for loss in torch.stack(self._losses).tolist() if self._losses else []:
            if self._recent:
                worst = max(worst, loss / max(median(self._recent), 1e-12))
            self._recent.append(loss)
        self._losses.clear()
        engine.state.metrics["spike_ratio"] = worst
