"""What stands behind the evaluator of a handed-on model's `configs/inference.json`: scores and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ignite.engine import Engine, Events

from monai_vq.atomic import atomic_path
from monai_vq.metrics.patient_scores import PatientScores

SLICES, PATIENTS = "scores_slices.csv", "scores_patients.csv"


class ReconstructorScores(PatientScores):
    """`PatientScores` of a network that gives x_hat alone: no latent, hence no rate and no quantizer's loss."""

    def iteration_completed(self, engine: Engine) -> None:
        """Scores the batch that a MONAI evaluator has just reconstructed."""
        output = engine.state.output
        self.update((engine.state.batch, output["image"], output["pred"], {}))


class ReconstructionFiles:
    """Writes each reconstruction, and at the end the scores of each slice and patient.

    A reconstruction is ``<scan_id>/slice_<index>.npy``, float32 [C, H, W] clipped to [0, 1], in the model's image size.

    Args:
        output_dir: folder, made if absent.
        scores: the metric of the same evaluator.
    """

    def __init__(self, output_dir: str | Path, scores: PatientScores) -> None:
        self.output_dir, self.scores = Path(output_dir), scores

    def attach(self, engine: Engine) -> None:
        """Follows an evaluator."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._write_batch)
        engine.add_event_handler(Events.COMPLETED, self._write_scores)

    def _write_batch(self, engine: Engine) -> None:
        batch, x_hat = engine.state.batch, engine.state.output["pred"].float().clamp(0, 1).cpu().numpy()
        for scan, index, image in zip(batch["scan_id"], batch["slice_index"], x_hat, strict=True):
            folder = self.output_dir / scan
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_path(folder / f"slice_{int(index):03d}.npy") as part, part.open("wb") as file:
                np.save(file, image)

    def _write_scores(self, engine: Engine) -> None:
        rows = self.scores.rows
        people = rows.drop(columns=["session_id", "scan_id", "slice_index"]).groupby("patient_id").mean()
        for name, table in ((SLICES, rows.set_index("patient_id")), (PATIENTS, people)):
            with atomic_path(self.output_dir / name) as part:
                table.to_csv(part, float_format="%.9g", lineterminator="\n")
        means = self.scores.patient_means()
        each_its_own = len(rows) == len(people)  # as pictures of things are
        whose = f"{len(rows)} images" if each_its_own else f"{len(rows)} slices of {len(people)} patients"
        print(
            f"{whose}: SSIM {means['ssim']:.4f}, foreground "
            f"{means['ssim_foreground']:.4f}, PSNR {means['psnr']:.2f} dB; written to {self.output_dir}"
        )
