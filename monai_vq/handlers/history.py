"""``metrics.csv``: one row an epoch, for the report's curves and for spreadsheets."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from ignite.engine import Engine, Events
from torch import Tensor

from monai_vq.atomic import atomic_path
from monai_vq.handlers.budget import TrainingBudget
from monai_vq.losses import reconstruction_loss

VALIDATION_SCORES = ("ssim", "ssim_foreground", "psnr", "mse", "mae", "quantization", "usage", "perplexity")
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

    def __init__(self, path: str | Path, evaluator: Engine, budget: TrainingBudget) -> None:
        self.path, self.evaluator, self.budget = Path(path), evaluator, budget
        self._losses: list[Tensor] = []
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
        self._losses.append(torch.stack([output["loss"].detach(), reconstruction_loss(output)]))

    def write(self, engine: Engine) -> None:
        """Adds the epoch's row and writes the table anew, under a temporary name first."""
        if not self._losses:
            return
        self._rows.append(self._row(engine))
        self._losses.clear()
        with atomic_path(self.path) as part:
            pd.DataFrame(self._rows).to_csv(part, index=False)

    def _row(self, engine: Engine) -> dict[str, float]:
        loss, reconstruction = torch.stack(self._losses).float().mean(dim=0).tolist()
        row = {
            "epoch": engine.state.epoch,
            "iteration": engine.state.iteration,
            "minutes": round(self.budget.seconds / 60, 3),
            "learning_rate": self.budget.optimizer.param_groups[0]["lr"],
            "train_loss": loss,
            "train_reconstruction": reconstruction,
            "train_quantization": loss - reconstruction,
        }
        row |= {f"train_{name}": engine.state.metrics.get(name, float("nan")) for name in TRAINER_METRICS}
        validated = self.evaluator.state.epoch == engine.state.epoch
        scores = self.evaluator.state.metrics if validated else {}
        return row | {f"val_{name}": scores.get(name, float("nan")) for name in VALIDATION_SCORES}
