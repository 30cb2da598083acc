"""How far a step's loss jumps over what is usual."""

from __future__ import annotations

from collections import deque
from statistics import median

import torch
from ignite.engine import Engine, Events
from torch import Tensor

from monai_vq.losses import reconstruction_loss

WINDOW = 200  # steps of the running median


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
        # Read once an epoch: StopAtNonFinite and TensorBoard have each step wait for the GPU, this need not as well.
        self._losses.append(reconstruction_loss(engine.state.output))

    def _summarize(self, engine: Engine) -> None:
        worst = 0.0
        for loss in torch.stack(self._losses).tolist() if self._losses else []:
            if self._recent:
                worst = max(worst, loss / max(median(self._recent), 1e-12))
            self._recent.append(loss)
        self._losses.clear()
        engine.state.metrics["spike_ratio"] = worst
