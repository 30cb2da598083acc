"""The end of a run that validation no longer rewards."""

from __future__ import annotations

from ignite.engine import Engine, Events


class EarlyStop:
    """Ends training after a number of validations without a better one.

    MONAI's ``EarlyStopHandler`` counts in memory, so that a resumed run starts to count anew. This one counts from the
    epoch of the best validation, which is in the checkpoint. Attach it behind the validation.

    Args:
        evaluator: whose best metric's epoch counts.
        interval: epochs from one validation to the next.
        patience: validations without a better one; None never stops.
    """

    def __init__(self, evaluator: Engine, interval: int, patience: int | None) -> None:
        self.evaluator, self.interval, self.patience = evaluator, interval, patience

    def attach(self, engine: Engine) -> None:
        """Follows a trainer; one that was stopped and is resumed stops at once."""
        engine.add_event_handler(Events.STARTED, self)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Stops the trainer where its patience is over."""
        best = self.evaluator.state.best_metric_epoch
        if self.patience is None or best < 0:
            return
        waited = (engine.state.epoch - best) // self.interval
        if waited >= self.patience:
            engine.logger.info(f"no better validation since epoch {best}: stopped after {waited} more.")
            engine.terminate()
