"""What is kept of every reconstructed scan, and what is written of them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import pandas as pd

from monai_vq.engines.reconstruct.loading import LoadedScan
from monai_vq.reconstruct.denoising import DenoisingScores
from monai_vq.reconstruct.finished_scan import FinishedScan
from monai_vq.reconstruct.page import PageContent
from monai_vq.reconstruct.scan import ReconstructedScan
from monai_vq.reconstruct.scan_files import ScanFiles
from monai_vq.reconstruct.strips import ScanPictures, ShownScans
from monai_vq.reconstruct.tables import ScoredSlices, write_csv

__all__ = ["Outcome", "scan_row"]


@dataclass
class Outcome:
    """Scores and pictures of the scans so far; no volumes.

    Attributes:
        denoising: scores beside those of filters; None without noise.
        slices: a table a scan.
        rows: what each scan is and where its files are.
        shown: pictures of the worst.
        unknown_patients: scans of which nothing says whose they are.
    """

    denoising: DenoisingScores | None = None
    slices: list[pd.DataFrame] = field(default_factory=list)
    rows: list[dict[str, object]] = field(default_factory=list)
    shown: ShownScans = field(default_factory=ShownScans)
    unknown_patients: int = 0

    def add(self, scan: FinishedScan) -> None:
        """Keeps a scan's scores, pictures and row of `scans.csv`."""
        ids = scan.ids
        self.slices.append(scan.scores.assign(**ids))
        self.rows.append(dict(scan.row))
        self.unknown_patients += not scan.known
        ssim = float(scan.scores["ssim_foreground"].mean())
        self.shown.see(ScanPictures(ids["scan_id"], ssim, scan.pictures))
        if self.denoising is not None and scan.trials is not None:
            repeated: dict[str, Sequence[object]] = {name: [value] * len(scan.scores) for name, value in ids.items()}
            self.denoising.add(repeated | {"slice_index": scan.scores["slice_index"].tolist()}, scan.trials)

    def write(self, folder: Path) -> PageContent:
        """Writes the tables; returns what the page shows of them.

        Returns:
            Content that still lacks cautions, what was skipped, the model's own scores, settings and title.
        """
        scored, scans = ScoredSlices.of_slices(self.slices), pd.DataFrame(self.rows)
        scored.write(folder)
        write_csv(folder / "scans.csv", scans)
        tables = None if self.denoising is None else self.denoising.tables()
        if tables is not None:
            tables.write(folder)
        shown = scored.scans.merge(scans.drop(columns=["patient_id", "session_id", "split"]), on="scan_id")
        return PageContent(
            scans=shown,
            patients=scored.patients,
            pictures=self.shown.scans,
            denoising=None if tables is None else tables.summary,
        )


def scan_row(
    loaded: LoadedScan, done: ReconstructedScan, split: str, files: ScanFiles, dicom: str, cautions: Sequence[str]
) -> dict[str, object]:
    """A scan's row of `scans.csv`: what it is, what was covered, where its files are, and what is odd about it."""
    scan, placement = loaded.scan, done.latent.placement
    geometry: Mapping[str, Any] = vars(scan.record) if scan.record is not None else _geometry(done)
    return {
        "scan_id": scan.scan_id,
        "patient_id": scan.patient_id,
        "session_id": scan.session_id,
        "split": split,
        "place": scan.place,
        "kind": scan.kind,
        "sha256": loaded.sha256,
        "shape": "x".join(map(str, placement.shape)),
        "spacing": "x".join(f"{mm:g}" for mm in geometry["spacing"]),
        "axes": geometry["axes"],
        "plane": placement.plane,
        "window_low": done.latent.window[0],
        "window_high": done.latent.window[1],
        "slice_indices": " ".join(map(str, loaded.cut.slice_indices)),
        "n_empty": done.n_empty,
        "cut_share": done.cut_share,
        "mean_absolute_error": done.mean_absolute_error,
        "recon": f"{files.folder.name}/{files.recon.name}",
        "error": f"{files.folder.name}/{files.error.name}",
        "codes": f"{files.folder.name}/{files.codes.name}",
        "dicom": dicom,
        "cautions": "; ".join(cautions),
    }


def _geometry(done: ReconstructedScan) -> dict[str, Any]:
    sizes = nib.affines.voxel_sizes(done.affine)
    return {"spacing": [round(float(size), 6) for size in sizes], "axes": "".join(nib.aff2axcodes(done.affine))}
