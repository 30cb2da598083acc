"""Scores of every slice of an epoch, and their means over patients, as an Ignite metric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from ignite.engine import Engine
from ignite.exceptions import NotComputableError
from ignite.metrics import Metric
from torch import Tensor

from monai_vq.metrics.slice_scores import slice_scores

IDS = ("patient_id", "session_id", "scan_id", "slice_index")


class PatientScores(Metric):
    """Scores each slice of an evaluator's epoch; computes the mean over patients of the patients' mean SSIM.

    The means over patients of all scores go to ``engine.state.metrics`` (``ssim``, ``ssim_foreground``, ``psnr``,
    ``mse``, ``mae``, and ``quantization``, the quantizer's loss). Slices of one patient are not independent, so a
    patient with many slices weighs no more.

    Args:
        baseline: scores ``baseline(x)`` [B, C, H, W] in the place of the model's reconstruction; its means are then not
            published beside the model's.
        latent_bits: bits [B] of latents (codes, side), as ``VQVAE.latent_bits``; then ``bits_per_pixel`` is a score
            of each slice as well.

    Attributes:
        rows: the epoch's slices as a table: ``patient_id, session_id, scan_id, slice_index`` and the scores; as
            ``quantization`` each slice has its batch's mean.
    """

    def __init__(
        self,
        baseline: Callable[[Tensor], Tensor] | None = None,
        latent_bits: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> None:
        self.baseline, self.latent_bits = baseline, latent_bits
        self.rows = pd.DataFrame()
        super().__init__()

    def reset(self) -> None:
        """Starts an epoch; ``rows`` keeps the last one until the next ``compute``."""
        self._parts: list[pd.DataFrame] = []

    def iteration_completed(self, engine: Engine) -> None:
        """Scores the batch that a MONAI evaluator has just reconstructed."""
        output = engine.state.output
        x, pred = output["image"], output["pred"]
        if self.baseline is None:
            self.update((engine.state.batch, x, pred.x_hat, self._latent_scores(x, pred)))
        else:
            self.update((engine.state.batch, x, self.baseline(x), {}))

    def _latent_scores(self, x: Tensor, pred: Any) -> dict[str, Tensor]:
        scores = {"quantization": pred.loss.detach().float().expand(len(x))}
        if self.latent_bits is not None:
            scores["bits_per_pixel"] = self.latent_bits(pred.codes, pred.side).double() / x[0, 0].numel()
        return scores

    def update(self, output: tuple[dict[str, Any], Tensor, Tensor, dict[str, Tensor]]) -> None:
        """Scores a batch: its items with ids and mask, images x [B, C, H, W], reconstructions x_hat, further scores."""
        batch, x, x_hat, further = output
        scores = slice_scores(x, x_hat.float(), batch["mask"].to(x.device) > 0) | further
        ids = {key: np.asarray(batch[key]) for key in IDS}
        self._parts.append(pd.DataFrame(ids | {name: value.cpu().numpy() for name, value in scores.items()}))

    def compute(self) -> float:
        """Returns the mean SSIM over patients.

        Raises:
            NotComputableError: if no slice was scored.
            FloatingPointError: if a slice's SSIM is not finite: the mean would be NaN, and NaN may become "best".
        """
        if not self._parts:
            raise NotComputableError("PatientScores has seen no slices in this epoch.")
        self.rows = pd.concat(self._parts, ignore_index=True)
        bad = self.rows[~np.isfinite(self.rows["ssim"])]
        if len(bad):
            raise FloatingPointError(
                f"SSIM is not finite on {len(bad)} of {len(self.rows)} slices, first slice "
                f"{bad['slice_index'].iloc[0]} of scan {bad['scan_id'].iloc[0]}: the network's output is no number; "
                "train with a lower --learning_rate or --precision fp32."
            )
        return self.patient_means()["ssim"]

    def completed(self, engine: Engine, name: str) -> None:
        """Publishes the mean SSIM under ``name`` and all means under their own names."""
        super().completed(engine, name)
        if self.baseline is None:
            engine.state.metrics.update(self.patient_means())

    def patient_means(self) -> dict[str, float]:
        """Returns the mean over patients of each score's mean over the patient's slices."""
        scores = self.rows.drop(columns=["session_id", "scan_id", "slice_index"])
        return {str(name): float(v) for name, v in scores.groupby("patient_id").mean().mean().items()}
