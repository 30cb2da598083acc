"""Which patients and slices a report shows, by a rule and not by hand."""

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pandas as pd

DRAWN = "drawn"  # rank of a patient who was chosen whatever the model makes of them
NUM_DRAWN = 2


@dataclass(frozen=True)
class SliceChoice:
    """A slice to be shown, and its SSIM."""

    scan_id: str
    slice_index: int
    ssim: float


@dataclass(frozen=True)
class PatientPicture:
    """One shown slice with its reconstruction.

    Attributes:
        rank: "best", "median", "worst" or "only" patient of its split, or `DRAWN`.
        split, patient_id, scan_id, slice_index: which slice it is.
        ssim: SSIM of this slice.
        x: the image, [H, W] or [H, W, 3], in [0, 1].
        x_hat: its reconstruction, same shape.
    """

    rank: str
    split: str
    patient_id: str
    scan_id: str
    slice_index: int
    ssim: float
    x: np.ndarray
    x_hat: np.ndarray

    @property
    def error(self) -> np.ndarray:
        """Absolute error of the clipped reconstruction, [H, W], averaged over channels."""
        error: np.ndarray = np.abs(np.clip(self.x_hat, 0, 1) - self.x)
        return error if error.ndim == 2 else error.mean(axis=-1)


def choose_patients(patient_rows: pd.DataFrame, split: str) -> dict[str, str]:
    """The patients of a split with the highest, the median (lower of two) and the lowest mean SSIM, each once.

    Returns:
        Different patient ids by rank: `best`, `median` and `worst`; of two patients `best` and `worst`, of one `only`;
        empty where the split has no patient with a score. Equal scores are ordered by patient id.
    """
    patients = patient_rows[patient_rows["split"] == split].dropna(subset="ssim").sort_values(["ssim", "patient_id"])
    if patients.empty:
        return {}
    ids = patients["patient_id"].tolist()
    if len(ids) == 1:
        return {"only": ids[0]}
    median = {"median": ids[(len(ids) - 1) // 2]} if len(ids) > 2 else {}
    return {"best": ids[-1], **median, "worst": ids[0]}


def choose_slice(slice_rows: pd.DataFrame, patient_id: str) -> SliceChoice:
    """The slice with the patient's median SSIM (lower of two), so that it represents the patient's score."""
    slices = slice_rows[slice_rows["patient_id"] == patient_id].dropna(subset="ssim")
    ordered = slices.sort_values(["ssim", "scan_id", "slice_index"])
    chosen = ordered.iloc[(len(ordered) - 1) // 2]
    return SliceChoice(str(chosen["scan_id"]), int(chosen["slice_index"]), float(chosen["ssim"]))


def draw_patients_by_id(slice_rows: pd.DataFrame, split: str, number: int = NUM_DRAWN) -> list[str]:
    """Some patients of a split, by the SHA-256 of their ids: the same in every run, as good as drawn at random.

    The best, the median and the worst patient are others in each run, so two runs need not show one slice in common.
    """
    patients = slice_rows.loc[slice_rows["split"] == split, "patient_id"].unique()
    return sorted(patients, key=_hash)[:number]


def middle_slice(slice_rows: pd.DataFrame, patient_id: str) -> SliceChoice:
    """The middle slice (lower of two) of one of a patient's scans, which is chosen as patients are drawn."""
    slices = slice_rows[slice_rows["patient_id"] == patient_id]
    scan = slices[slices["scan_id"] == min(slices["scan_id"], key=_hash)].sort_values("slice_index")
    chosen = scan.iloc[(len(scan) - 1) // 2]
    return SliceChoice(str(chosen["scan_id"]), int(chosen["slice_index"]), float(chosen["ssim"]))


def _hash(name: str) -> str:
    return sha256(str(name).encode()).hexdigest()
