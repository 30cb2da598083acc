"""``metrics.csv``: one row an epoch, for the report's curves and for spreadsheets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import torch
from ignite.engine import Engine, Events
from torch import Tensor

from monai_vq.atomic import atomic_path
from monai_vq.handlers.budget import TrainingBudget
from monai_vq.losses import reconstruction_loss

TRAINER_METRICS = ("usage", "perplexity", "continuous", "gain_mean", "gain_sd", "spike_ratio")


class History:
    """Writes ``epoch, iteration, minutes, learning_rate``, mean training losses, codebook use and validation scores.

    A cell is empty where there is no such value: an epoch without validation, a model without codes or of which no
    position stays continuous.

    Attach it behind the validation and the metrics whose values it writes.

    Args:
        path: of the table; rows of epochs before a resumed one are kept.
        evaluator: whose metrics are the validation scores.
        budget: whose clock gives the minutes.
    """

    VALIDATION_SCORES: ClassVar[Sequence[str]] = (
        "ssim",
        "ssim_foreground",
        "psnr",
        "mse",
        "mae",
        "quantization",
        "usage",
        "perplexity",
    )

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
        self._steps.append(torch.stack(self._of_step(engine.state.output)))

    def write(self, engine: Engine) -> None:
        """Adds the epoch's row and writes the table anew, under a temporary name first."""
        if not self._steps:
            return
        self._rows.append(self._row(engine))
        self._steps.clear()
        with atomic_path(self.path) as part:
            pd.DataFrame(self._rows).to_csv(part, index=False)

    def _row(self, engine: Engine) -> dict[str, float]:
        row = {
            "epoch": engine.state.epoch,
            "iteration": engine.state.iteration,
            "minutes": round(self.budget.seconds / 60, 3),
            "learning_rate": self.budget.optimizer.param_groups[0]["lr"],
        }
        row |= self._of_training(engine, *torch.stack(self._steps).float().mean(dim=0).tolist())
        validated = self.evaluator.state.epoch == engine.state.epoch
        scores = self.evaluator.state.metrics if validated else {}
        return row | {f"val_{name}": scores.get(name, float("nan")) for name in self.VALIDATION_SCORES}

    def _of_step(self, output: dict[str, Any]) -> list[Tensor]:
        """What is averaged over the steps of an epoch, of a trainer's output; scalars without gradient."""
        return [output["loss"].detach(), reconstruction_loss(output)]

    def _of_training(self, engine: Engine, loss: float, reconstruction: float) -> dict[str, float]:
        """The columns of training, of these averages."""
        losses = {"loss": loss, "reconstruction": reconstruction, "quantization": loss - reconstruction}
        metrics = {name: engine.state.metrics.get(name, float("nan")) for name in TRAINER_METRICS}
        return {f"train_{name}": value for name, value in (losses | metrics).items()}
