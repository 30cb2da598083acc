"""How long a run trains, and the learning rate that follows from it."""

from __future__ import annotations

import math
import time
from typing import Any

from ignite.engine import Engine, Events
from torch.optim import Optimizer

from monai_vq.errors import InputError

WARM_UP_STEPS = 100  # Adam's second moments are worthless before; the codebook starts from the first batch
FINAL_FRACTION = 0.01  # of the learning rate, at the end of the cosine


class TrainingBudget:
    """Ends training after max_epochs or max_minutes, whichever comes first, and anneals the learning rate to that end.

    The learning rate warms up linearly, then follows half a cosine over the *progress* of the run: the larger of
    epochs done / max_epochs and minutes spent / max_minutes. Minutes count over resumed sessions together (Ignite's
    ``TimeLimit`` starts anew), and validation counts too. The epoch that the time cuts short is validated and saved
    like any other.

    Args:
        optimizer: its learning rate when the run starts is the peak.
        max_minutes: None for epochs alone.

    Raises:
        InputError: if max_minutes is not positive.
    """

    def __init__(self, optimizer: Optimizer, max_minutes: float | None = None) -> None:
        if max_minutes is not None and max_minutes <= 0:
            raise InputError(f"max_minutes {max_minutes} must be positive, or None to train for max_epochs.")
        self.optimizer, self.max_minutes = optimizer, max_minutes
        self.peaks = [group["lr"] for group in optimizer.param_groups]
        self.seconds_before = 0.0
        self._started = time.monotonic()

    def attach(self, engine: Engine) -> None:
        """Follows a trainer."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_STARTED, self._set_learning_rate)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._end)

    def state_dict(self) -> dict[str, Any]:
        """Returns the seconds spent so far."""
        return {"seconds": self.seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from the seconds of an earlier session; the peaks stay those of this run's settings."""
        self.seconds_before = float(state["seconds"])

    @property
    def seconds(self) -> float:
        """Seconds spent on training, earlier sessions included."""
        return self.seconds_before + time.monotonic() - self._started

    @property
    def is_spent(self) -> bool:
        """Whether max_minutes are over; never, where epochs alone count."""
        return self.max_minutes is not None and self.seconds >= 60 * self.max_minutes

    def progress(self, engine: Engine) -> float:
        """Fraction of the run that is done, in [0, 1]."""
        steps = engine.state.max_epochs * engine.state.epoch_length
        by_steps = (engine.state.iteration - 1) / steps
        by_time = 0.0 if self.max_minutes is None else self.seconds / (60 * self.max_minutes)
        return min(1.0, max(by_steps, by_time))

    def _start(self) -> None:
        self._started = time.monotonic()

    def _set_learning_rate(self, engine: Engine) -> None:
        cosine = 0.5 * (1 + math.cos(math.pi * self.progress(engine)))
        factor = min(1.0, engine.state.iteration / WARM_UP_STEPS) * (FINAL_FRACTION + (1 - FINAL_FRACTION) * cosine)
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * factor

    def _end(self, engine: Engine) -> None:
        if self.is_spent:
            engine.logger.info(f"max_minutes {self.max_minutes} reached in epoch {engine.state.epoch}.")
            engine.terminate()
