"""Gradients of a bounded norm."""

from __future__ import annotations

from ignite.engine import Engine
from monai.engines import IterationEvents
from torch import nn


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
