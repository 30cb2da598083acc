"""``metrics.csv`` of a prior: one row an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ignite.engine import Engine
from torch import Tensor

from monai_vq.handlers.history import History
from monai_vq.metrics.prior_bits import BITS


class PriorHistory(History):
    """Writes ``epoch, iteration, minutes, learning_rate``, training and validation bits.

    ``train_loss`` is the mean over positions of the bits of code and gains, with those of a vector's density;
    ``train_bits_per_code`` its first part. Validation bits are means over patients, empty where an epoch was not
    validated. Attach it behind the validation.

    Args:
        path: of the table; rows of epochs before a resumed one are kept.
        evaluator: whose metrics are the validation's.
        budget: whose clock gives the minutes.
    """

    VALIDATION_SCORES: ClassVar[Sequence[str]] = BITS

    def _of_step(self, output: dict[str, Any]) -> list[Tensor]:
        return [output["loss"].detach(), output["pred"].codes.detach().mean()]

    def _of_training(self, engine: Engine, loss: float, bits_per_code: float) -> dict[str, float]:
        return {"train_loss": loss, "train_bits_per_code": bits_per_code}
