"""The page of a reconstruction: one HTML file that needs nothing but itself and the volumes beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from monai_vq.metrics.bootstrap import patient_interval
from monai_vq.pages import page_environment
from monai_vq.reconstruct.input_scan import SkippedFile
from monai_vq.reconstruct.strips import ERROR_LIMIT, MAX_SCANS, ScanPictures, draw_strip
from monai_vq.report.settings import metric_settings, settings_sections
from monai_vq.report.tables import write_whole

__all__ = ["PageContent", "write_page"]

MAX_ROWS = 500  # of the table of scans; scans.csv and ssim_scans.csv have all
_SCORES = {"ssim": ".3f", "ssim_foreground": ".3f", "psnr": ".1f", "bits_per_pixel": ".3g"}
_SEEN = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class PageContent:
    """What the page shows.

    Attributes:
        scans: a row a scan: the columns of `ssim_scans.csv` and `scans.csv`.
        patients: of `ScoredSlices`.
        pictures: of the worst scans.
        denoising: means of methods, of `DenoisingTables.summary`; None without noise.
        skipped: what was not reconstructed.
        cautions: sentences for the top.
        own_scores: the model's own scores by split: `split, n_patients, ssim, ssim_foreground, psnr, bits_per_pixel`;
            None where its report is not there.
        settings: provenance.
        title: heading.
    """

    scans: pd.DataFrame
    patients: pd.DataFrame
    pictures: Sequence[ScanPictures]
    denoising: pd.DataFrame | None = None
    skipped: Sequence[SkippedFile] = ()
    cautions: Sequence[str] = ()
    own_scores: pd.DataFrame | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    title: str = "Reconstructed scans"


def write_page(path: Path, content: PageContent) -> Path:
    """Writes the page, whole or not at all; returns its path. Equal content gives an equal file."""
    text = (
        page_environment(Path(__file__).parent)
        .get_template("reconstruction_page.html")
        .render(
            title=content.title,
            cautions=content.cautions,
            summary=_summary(content.patients, len(content.scans)),
            rows=[_scan_row(row) for row in content.scans.head(MAX_ROWS).to_dict("records")],
            n_more=max(0, len(content.scans) - MAX_ROWS),
            own_rows=[] if content.own_scores is None else [_own_row(row) for row in _records(content.own_scores)],
            denoising=[] if content.denoising is None else [_denoising_row(row) for row in _records(content.denoising)],
            strips=[(scan.scan_id, draw_strip(scan, content.denoising is not None)) for scan in content.pictures],
            max_scans=MAX_SCANS,
            error_limit=f"{ERROR_LIMIT:.0%}",
            skipped=content.skipped,
            metrics=metric_settings(),
            sections=settings_sections(content.settings),
        )
    )
    write_whole(path, text)
    return path


def _records(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return table.to_dict("records")


def _summary(patients: pd.DataFrame, n_scans: int) -> dict[str, Any]:
    """The line of the result: means over patients, with an interval where there are at least two."""
    ssim = patients["ssim"].to_numpy(dtype=float)
    low, high = patient_interval(ssim) if len(ssim) > 1 else (float("nan"), float("nan"))
    return {
        "n_scans": n_scans,
        "n_patients": len(patients),
        "ssim": f"{ssim.mean():.3f}",
        "interval": "" if pd.isna(low) else f" [{low:.3f}, {high:.3f}]",
        "ssim_foreground": _number(patients["ssim_foreground"].mean(), ".3f"),
        "bits_per_pixel": _number(patients["bits_per_pixel"].mean(), ".3g"),
    }


def _scan_row(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "scan": row["scan_id"],
        "whose": " ".join(filter(None, (row["patient_id"], row["session_id"]))),
        "seen": _SEEN.get(row["split"], "new"),
        "size": f"{row['shape']} of {row['spacing'] or '?'} mm",
        "slices": row["n_slices"],
        "scores": [_number(row[name], spec) for name, spec in _SCORES.items()],
        "error": f"{row['mean_absolute_error']:.3g}",
        "cautions": row["cautions"],
        "recon": row["recon"],
        "error_file": row["error"],
    }


def _own_row(row: Mapping[Any, Any]) -> dict[str, Any]:
    scores = [_number(row[name], spec) for name, spec in _SCORES.items()]
    return {"split": _SEEN.get(row["split"], row["split"]), "n_patients": row["n_patients"], "scores": scores}


def _denoising_row(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "split": row["split"],
        "method": row["method"],
        "sigma": _number(row["sigma"], ".2g"),
        "scores": [_number(row[name], spec) for name, spec in list(_SCORES.items())[:3]],
        "gain": "" if row["method"] != "reconstruction" else _gain(row),
    }


def _gain(row: Mapping[Any, Any]) -> str:
    low, high = row["ssim_gain_low"], row["ssim_gain_high"]
    return f"{row['ssim_gain']:+.3f}" + ("" if pd.isna(low) else f" [{low:+.3f}, {high:+.3f}]")


def _number(value: float, spec: str) -> str:
    return "–" if pd.isna(value) else format(value, spec)
