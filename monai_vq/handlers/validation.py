"""When a trainer validates."""

from __future__ import annotations

from ignite.engine import Engine, Events
from monai.handlers import ValidationHandler


class Validation(ValidationHandler):
    """MONAI's ValidationHandler that also validates the last epoch, and the one that the time limit cuts short.

    Args:
        interval: epochs from one validation to the next.
        validator: the evaluator.
    """

    def attach(self, engine: Engine) -> None:
        """Follows a trainer."""
        super().attach(engine)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._validate_last)
        engine.add_event_handler(Events.TERMINATE, self._validate_cut)

    def _validate_last(self, engine: Engine) -> None:
        if engine.state.epoch == engine.state.max_epochs and engine.state.epoch % self.interval:
            self(engine)

    def _validate_cut(self, engine: Engine) -> None:
        if self.validator.state.epoch != engine.state.epoch:
            self(engine)
