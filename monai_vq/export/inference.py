"""What `configs/inference.json` of a handed-on model runs on: checks before, scores and files behind its evaluator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from ignite.engine import Engine, Events

from monai_vq.atomic import atomic_path
from monai_vq.data import read_manifest, slice_items
from monai_vq.data.splits import SPLIT_NAMES
from monai_vq.engines.checks import check_channels, or_exit
from monai_vq.engines.precision import check_device
from monai_vq.errors import InputError
from monai_vq.metrics.patient_scores import PatientScores

SLICES, PATIENTS = "scores_slices.csv", "scores_patients.csv"


def check_inference(
    dataset_dir: str,
    split: str,
    image_size: Sequence[int],
    in_channels: int,
    spacing: Sequence[float] | None,
    device: torch.device | str,
    precision: str,
) -> None:
    """Checks the split that is to be reconstructed and where, before anything is written.

    Raises:
        SystemExit: with one line, for what the user can mend.
    """

    def check() -> None:
        check_device(device, precision)
        if split not in SPLIT_NAMES:
            raise InputError(f"--split {split!r}: expected one of {', '.join(SPLIT_NAMES)}.")
        check_channels(dataset_dir, read_manifest(dataset_dir), in_channels)
        if not slice_items(dataset_dir, split, image_size, spacing):
            raise InputError(f"the {split} split of {dataset_dir} has no slices; choose another --split.")

    or_exit(check)


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
        print(
            f"{len(rows)} slices of {len(people)} patients: SSIM {means['ssim']:.4f}, foreground "
            f"{means['ssim_foreground']:.4f}, PSNR {means['psnr']:.2f} dB; written to {self.output_dir}"
        )
