"""The three score tables: a row a slice, a patient (mean of its slices), a split (mean of its patients)."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from monai_vq.atomic import atomic_path
from monai_vq.errors import InputError
from monai_vq.metrics.bootstrap import patient_interval
from monai_vq.metrics.codebook_usage import perplexity, usage
from monai_vq.metrics.latent_format import LatentFormat
from monai_vq.metrics.rate import code_entropy_bits
from monai_vq.metrics.slice_scores import PSNR_CAP

SPLITS = ("train", "val", "test")
ID_COLUMNS = ["split", "patient_id", "session_id", "scan_id", "slice_index"]
SCORES = ["ssim", "ssim_foreground", "psnr", "mse", "mae"]
MEANS = [*SCORES, "bits_per_pixel"]  # over slices, then over patients
LIMITS = {  # least and largest value of each score, of images in [0, 1]
    "ssim": (-1.0, 1.0),
    "ssim_foreground": (-1.0, 1.0),
    "psnr": (0.0, PSNR_CAP),
    "mse": (0.0, 1.0),
    "mae": (0.0, 1.0),
    "bits_per_pixel": (0.0, np.inf),
}
SLICE_COLUMNS = [*ID_COLUMNS, *MEANS]


def slice_table(slices: pd.DataFrame) -> pd.DataFrame:
    """Slice scores with the columns and the order of the file: train, val, test, then by patient, scan and slice.

    Raises:
        InputError: a column is missing, a split has another name, or a patient is in two splits.
    """
    missing = [name for name in SLICE_COLUMNS if name not in slices]
    if missing:
        raise InputError(f"The slice scores lack the columns {missing}; they need {SLICE_COLUMNS}.")
    unknown = sorted(set(slices["split"]) - set(SPLITS))
    if unknown:
        raise InputError(f"Unknown splits {unknown} in the slice scores; expected {list(SPLITS)}.")
    splits_of_patient = slices.groupby("patient_id")["split"].nunique()
    shared = splits_of_patient.index[splits_of_patient > 1].tolist()
    if shared:
        raise InputError(f"Patients in more than one split: {shared}. Prepare the dataset again; its split leaks.")
    return _in_split_order(slices[SLICE_COLUMNS], ID_COLUMNS[1:])


def patient_table(slice_rows: pd.DataFrame) -> pd.DataFrame:
    """Mean of each score over a patient's slices, with `n_slices` last; a score without a value (NaN) is left out."""
    groups = slice_rows.groupby(["split", "patient_id"], as_index=False, sort=False)
    means = groups[MEANS].mean()
    return _in_split_order(means.assign(n_slices=groups.size()["size"]), ["patient_id"])


def split_table(
    patient_rows: pd.DataFrame,
    slice_rows: pd.DataFrame,
    *,
    latent: LatentFormat | None = None,
    code_counts: Mapping[str, np.ndarray] | None = None,
) -> pd.DataFrame:
    """Mean of each score over a split's patients, with its bootstrap interval over patients.

    Args:
        patient_rows: from `patient_table`.
        slice_rows: from `slice_table`, for the numbers of slices.
        latent: what the latents are made of; None (a baseline) leaves the rate by entropy empty.
        code_counts: for each split, how often each code occurs, [K]; splits without codes have no usage.

    Returns:
        A row a split in the order train, val, test: `split`, the mean scores, `bits_per_pixel`, `n_patients`,
        `n_slices`, `bits_per_pixel_entropy`, `codebook_usage`, `codebook_perplexity`, then `<score>_low` and
        `<score>_high` for each score and for `bits_per_pixel`. `bits_per_pixel_entropy` counts codes under the training
        split's histogram (`code_entropy_bits`).
    """
    rows = []
    for split in [name for name in SPLITS if (patient_rows["split"] == name).any()]:
        patients = patient_rows[patient_rows["split"] == split]
        means = {name: patients[name].mean() for name in MEANS}
        rows.append(
            {
                "split": split,
                **means,
                "n_patients": len(patients),
                "n_slices": int((slice_rows["split"] == split).sum()),
                "bits_per_pixel_entropy": _entropy_rate(split, means["bits_per_pixel"], latent, code_counts or {}),
                **_code_use(split, code_counts or {}),
                **_intervals(patients),
            }
        )
    return pd.DataFrame(rows)


def write_tables(
    report_dir: str | os.PathLike[str], slice_rows: pd.DataFrame, patient_rows: pd.DataFrame, split_rows: pd.DataFrame
) -> list[Path]:
    """Writes ssim_slices.csv, ssim_patients.csv and ssim_splits.csv, each whole or not at all.

    Returns:
        The three paths. Floats have nine significant digits; an empty cell stands for "no value".
    """
    tables = {"slices": slice_rows, "patients": patient_rows, "splits": split_rows}
    return [write_table(report_dir, level, table) for level, table in tables.items()]


def write_table(report_dir: str | os.PathLike[str], level: str, table: pd.DataFrame) -> Path:
    """Writes ssim_<level>.csv, whole or not at all, with nine significant digits; returns its path."""
    path = Path(report_dir) / f"ssim_{level}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, table.to_csv(index=False, float_format="%.9g", lineterminator="\n"))
    return path


def write_whole(path: Path, text: str) -> None:
    """Writes a text file under a temporary name, then renames it, so that a killed run leaves no half file."""
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def _intervals(patients: pd.DataFrame) -> dict[str, float]:
    bounds = {name: patient_interval(patients[name].to_numpy(dtype=float), limits=LIMITS[name]) for name in MEANS}
    return {f"{name}_{side}": bounds[name][i] for name in MEANS for i, side in enumerate(["low", "high"])}


def _entropy_rate(split: str, rate: float, latent: LatentFormat | None, counts: Mapping[str, np.ndarray]) -> float:
    if latent is None or split not in counts or "train" not in counts:
        return float("nan")
    return rate + latent.entropy_rate_change(code_entropy_bits(counts["train"], counts[split]))


def _code_use(split: str, counts: Mapping[str, np.ndarray]) -> dict[str, float]:
    scores = {"codebook_usage": usage, "codebook_perplexity": perplexity}
    return {name: score(counts[split]) if split in counts else float("nan") for name, score in scores.items()}


def _in_split_order(table: pd.DataFrame, then_by: list[str]) -> pd.DataFrame:
    order = table["split"].map(SPLITS.index)
    return table.assign(_order=order).sort_values(["_order", *then_by]).drop(columns="_order").reset_index(drop=True)
