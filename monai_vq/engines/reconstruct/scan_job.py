"""What is done with one scan once it is read: through the model, its files, and last of all its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_vq.data.dicom import write_derived_series
from monai_vq.data.preparation import Preparation
from monai_vq.engines.reconstruct.loading import LoadedScan
from monai_vq.engines.reconstruct.model import ReconstructionModel
from monai_vq.engines.reconstruct.outcome import scan_row
from monai_vq.reconstruct.batch import Batch
from monai_vq.reconstruct.cautions import scan_cautions
from monai_vq.reconstruct.denoising import DenoisingScores
from monai_vq.reconstruct.dicom_inputs import compression_ratio
from monai_vq.reconstruct.finished_scan import FinishedScan, measure_files, write_finished
from monai_vq.reconstruct.noise import RICIAN, Noise, scan_generator
from monai_vq.reconstruct.reconstructor import ScanReconstructor
from monai_vq.reconstruct.scan import ReconstructedScan
from monai_vq.reconstruct.scan_files import ScanFiles
from monai_vq.reconstruct.training_scans import TrainingScans

__all__ = ["DICOM", "SCANS", "ScanJob", "lowest_ssim", "new_scores"]

SCANS, DICOM = "scans", "dicom"  # folders of what is written


@dataclass(frozen=True)
class ScanJob:
    """Takes scans through a model, one after another.

    Attributes:
        model: whose latents are written.
        reconstructor: the same model, with all that brings slices to it.
        training: the scans that it has seen.
        preparation: of its training slices; None where that is not known.
        output_dir: folder for ``scans/`` and ``dicom/``.
        settings: all that a result depends on but the scan itself, for the records.
        noise: added to what the model is given; None for none.
        seed: of the noise, and of the UIDs of DICOM.
        dicom_out: answers DICOM series as DICOM series, too.
    """

    model: ReconstructionModel
    reconstructor: ScanReconstructor
    training: TrainingScans
    preparation: Preparation | None
    output_dir: Path
    settings: Mapping[str, Any]
    noise: Noise | None
    seed: int
    dicom_out: bool

    def run(self, loaded: LoadedScan, source_sha256: str) -> FinishedScan:
        """Reconstructs a scan, and writes its files and its record.

        Args:
            loaded: the scan.
            source_sha256: of all that it was read from.

        Raises:
            FloatingPointError: the model's output is no number.
            OSError: a file cannot be written.
        """
        scan, trials = loaded.scan, list[NDArray[np.float64]]()
        done = self.reconstructor.reconstruct_slices(
            loaded.cut,
            loaded.placement,
            loaded.original,
            self._add_noise(scan.scan_id),
            self._watch(trials),
            loaded.storage,
        )
        files = ScanFiles(self.output_dir / SCANS, scan.scan_id)
        files.write(done, loaded.header, self.model.network, self.model.checkpoint_sha256)
        dicom = self._write_dicom(loaded, done) if self.dicom_out and scan.kind == "DICOM" else []
        finished = FinishedScan(
            settings=self.settings,
            source_sha256=source_sha256,
            files=measure_files(self.output_dir, [files.recon, files.error, files.codes, *dicom]),
            row=self._row(loaded, done, files, f"{DICOM}/{scan.scan_id}" if dicom else ""),
            known=scan.known,
            scores=done.scores,
            pictures=done.pictures,
            trials=np.concatenate(trials, axis=1) if trials else None,
        )
        write_finished(files.record, finished)
        return finished

    def _add_noise(self, scan_id: str) -> partial | None:
        if self.noise is None:
            return None
        return partial(self.noise.add, generator=scan_generator(scan_id, self.seed))

    def _watch(self, trials: list[NDArray[np.float64]]) -> partial | None:
        scores = new_scores(self.noise)
        return None if scores is None else partial(_try_filters, scores, trials)

    def _row(self, loaded: LoadedScan, done: ReconstructedScan, files: ScanFiles, dicom: str) -> dict[str, object]:
        split = self.training.split_of(loaded.sha256, loaded.scan.patient_id)
        lowest = lowest_ssim(self.model, self.noise)
        cautions = scan_cautions(done, split, self.preparation, lowest, self.model.spacing)
        return scan_row(loaded, done, split, files, dicom, cautions)

    def _write_dicom(self, loaded: LoadedScan, done: ReconstructedScan) -> list[Path]:
        """Answers a DICOM series with one of the same grid; returns its files."""
        folder = self.output_dir / DICOM / loaded.scan.scan_id
        description = f"Reconstruction by monai_vq, checkpoint {self.model.checkpoint_sha256[:12]}"
        files = loaded.scan.files
        ratio = compression_ratio(files, done)
        return write_derived_series(files, done.recon, folder, description, compression_ratio=ratio, seed=self.seed)


def new_scores(noise: Noise | None) -> DenoisingScores | None:
    """What scores a reconstruction beside that which takes noise away for nothing; None without noise."""
    if noise is None:
        return None
    return DenoisingScores(rician_sigma=noise.sigma if noise.kind == RICIAN else 0.0)


def lowest_ssim(model: ReconstructionModel, noise: Noise | None) -> float | None:
    """Foreground SSIM of the worst patient in a model's own report; with noise it says nothing of these scans."""
    return None if noise is not None or model.own_scores is None else model.own_scores[1]


def _try_filters(scores: DenoisingScores, trials: list[NDArray[np.float64]], batch: Batch) -> None:
    trials.append(scores.score(batch.x, batch.x_in, batch.x_hat, batch.mask))
