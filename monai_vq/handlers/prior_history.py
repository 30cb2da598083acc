"""``metrics.csv`` of a prior: one row an epoch."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from ignite.engine import Engine, Events
from torch import Tensor

from monai_vq.atomic import atomic_path
from monai_vq.handlers.budget import TrainingBudget
from monai_vq.metrics.prior_bits import BITS


class PriorHistory:
    """Writes ``epoch, iteration, minutes, learning_rate``, training and validation bits.

    ``train_loss`` is the mean over positions of the bits of code and gains, with those of a vector's density;
    ``train_bits_per_code`` its first part. Validation bits are means over patients, empty where an epoch was not
    validated. Attach it behind the validation.

    Args:
        path: of the table; rows of epochs before a resumed one are kept.
        evaluator: whose metrics are the validation's.
        budget: whose clock gives the minutes.
    """

    def __init__(self, path: str | Path, evaluator: Engine, budget: TrainingBudget) -> None:
        self.path, self.evaluator, self.budget = Path(path), evaluator, budget
        self._steps: list[Tensor] = []
        self._rows: list[dict[str, float]] = []

    def attach(self, engine: Engine) -> None:
        """Follows a trainer."""
        engine.add_event_handler(Events.STARTED, self._keep_earlier_rows)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.write)
        engine.add_event_handler(Events.TERMINATE, self.write)

    def _keep_earlier_rows(self, engine: Engine) -> None:
        self._rows = []
        if engine.state.iteration > 0 and self.path.is_file():
            table = pd.read_csv(self.path)
            self._rows = table[table["iteration"] <= engine.state.iteration].to_dict("records")

    def _collect(self, engine: Engine) -> None:
        output = engine.state.output
        self._steps.append(torch.stack([output["loss"].detach(), output["pred"].codes.detach().mean()]))

    def write(self, engine: Engine) -> None:
        """Adds the epoch's row and writes the table anew, under a temporary name first."""
        if not self._steps:
            return
        self._rows.append(self._row(engine))
        self._steps.clear()
        with atomic_path(self.path) as part:
            pd.DataFrame(self._rows).to_csv(part, index=False)

    def _row(self, engine: Engine) -> dict[str, float]:
        loss, bits_per_code = torch.stack(self._steps).float().mean(dim=0).tolist()
        validated = self.evaluator.state.epoch == engine.state.epoch
        scores = self.evaluator.state.metrics if validated else {}
        return {
            "epoch": engine.state.epoch,
            "iteration": engine.state.iteration,
            "minutes": round(self.budget.seconds / 60, 3),
            "learning_rate": self.budget.optimizer.param_groups[0]["lr"],
            "train_loss": loss,
            "train_bits_per_code": bits_per_code,
        } | {f"val_{name}": scores.get(name, float("nan")) for name in BITS}
