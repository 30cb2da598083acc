"""Progress of a prior's training on the terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping

from ignite.engine import Engine, Events
from ignite.handlers import ProgressBar


class PriorProgress:
    """A bar an epoch with the step's bits a position, and a line after each validation.

    Where the output is no terminal there are the lines alone, so that a cluster's log stays short.

    Args:
        evaluator: whose metrics the line tells.
    """

    def __init__(self, evaluator: Engine) -> None:
        self.evaluator = evaluator
        self._told = 0

    def attach(self, engine: Engine) -> None:
        """Follows a trainer; attach it behind the validation."""
        if sys.stderr.isatty():
            ProgressBar(mininterval=0.5).attach(engine, output_transform=_shown)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._tell)
        engine.add_event_handler(Events.TERMINATE, self._tell)

    def _tell(self, engine: Engine) -> None:
        epoch = engine.state.epoch
        if self.evaluator.state.epoch == epoch != self._told:
            self._told = epoch
            print(f"epoch {epoch}, step {engine.state.iteration}: {_line(self.evaluator.state.metrics)}", flush=True)


def _line(scores: Mapping[str, float]) -> str:
    parts = [f"validation {scores['bits_per_code']:.3f} bits/code"]
    if not math.isnan(scores["bits_per_gain"]):
        parts.append(f"{scores['bits_per_gain']:.3f} bits/gain")
    parts.append(f"{scores['bits_per_pixel']:.4f} bits/pixel")
    if not math.isnan(scores["density_per_vector"]):
        parts.append(f"vectors' -log2 density {scores['density_per_vector']:.1f}")
    return ", ".join(parts)


def _shown(output: dict) -> dict[str, float]:
    return {"bits": output["loss"].item()}
