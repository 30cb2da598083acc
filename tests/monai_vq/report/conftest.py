import numpy as np
import pandas as pd
import pytest

from monai_vq.metrics.latent_format import LatentFormat
from monai_vq.report.content import PEOPLE_COLUMNS
from monai_vq.report.scores import RunScores

PATIENTS = {"train": 12, "val": 3, "test": 4}
SLICES = 5


def make_slices(quality: float, rate: float, seed: int = 0) -> pd.DataFrame:
    """Slice scores around an SSIM of `quality`, in shuffled order; a patient has two sessions of SLICES slices."""
    rng = np.random.default_rng(seed)
    rows = []
    for split, number in PATIENTS.items():
        for patient in (f"sub-{split}{i:02d}" for i in range(number)):
            level = quality + 0.02 * rng.normal()
            for session in ("ses-01", "ses-02"):
                for index in range(SLICES):
                    ssim = level + 0.01 * rng.normal()
                    mse = 0.02 * (1 - ssim)
                    ids = (split, patient, session, f"{patient}_{session}", index)
                    rows.append((*ids, ssim, ssim - 0.05, -10 * np.log10(mse), mse, 5 * mse, rate))
    columns = ["split", "patient_id", "session_id", "scan_id", "slice_index"]
    columns += ["ssim", "ssim_foreground", "psnr", "mse", "mae", "bits_per_pixel"]
    return pd.DataFrame(rows, columns=columns).sample(frac=1, random_state=seed).reset_index(drop=True)


@pytest.fixture
def slices() -> pd.DataFrame:
    return make_slices(0.9, 0.8125)


@pytest.fixture
def scores(slices) -> RunScores:
    counts = {split: np.arange(16) * factor for split, factor in (("train", 90), ("val", 3), ("test", 4))}
    baselines = {"mean training image": make_slices(0.4, np.nan, 1), "blurred input": make_slices(0.6, np.nan, 2)}
    return RunScores(slices, LatentFormat((32, 32), (128, 128), 16, 1, 9), counts, baselines)


@pytest.fixture
def people(scores) -> pd.DataFrame:
    """Of each patient something is known; all are of one source."""
    scans = scores.model.drop_duplicates("scan_id").sort_values("scan_id")
    number = scans["patient_id"].str[-2:].astype(int)
    return scans[["patient_id", "session_id", "scan_id"]].assign(
        diagnosis=np.where(number % 2, "CN", ""), sex=np.where(number % 3, "F", "M"), age=60.0 + 2 * number,
        site=np.where(number % 2, "Royal-Hospital", "St-Elsewhere"), source="oasis2",
    )[PEOPLE_COLUMNS]  # fmt: skip


@pytest.fixture
def without_charts(monkeypatch) -> None:
    """For tests of what a page says: the chart of the patients takes most of its time."""
    monkeypatch.setattr("monai_vq.report.page.draw_patients", lambda *_: "data:image/svg+xml;base64,")
