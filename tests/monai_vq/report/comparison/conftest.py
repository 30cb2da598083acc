from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monai_vq.metrics.latent_format import LatentFormat
from monai_vq.report.comparison.runs import ComparedRun, Comparison
from monai_vq.report.content import PEOPLE_COLUMNS, ReportContent
from monai_vq.report.pictures import PatientPicture
from monai_vq.report.scores import RunScores
from monai_vq.report.stored import write_content

PATIENTS = {"train": 8, "val": 3, "test": 6}
SLICES = 3
HASH = "0123456789abcdef" * 4


def make_slices(quality: float, rate: float, seed: int) -> pd.DataFrame:
    """Slices of patients who are as easy or hard for every run, in shuffled order."""
    easy, noise = np.random.default_rng(0), np.random.default_rng(seed)
    rows = []
    for split, number in PATIENTS.items():
        for patient in (f"sub-{split}{i:02d}" for i in range(number)):
            level = quality + 0.05 * easy.normal() + 0.005 * noise.normal()
            for index in range(SLICES):
                ssim = level + 0.01 * noise.normal()
                mse = 0.02 * (1 - ssim)
                ids = (split, patient, "ses-01", f"{patient}_ses-01", index)
                rows.append((*ids, ssim, ssim - 0.05, -10 * np.log10(mse), mse, 5 * mse, rate))
    columns = ["split", "patient_id", "session_id", "scan_id", "slice_index"]
    columns += ["ssim", "ssim_foreground", "psnr", "mse", "mae", "bits_per_pixel"]
    return pd.DataFrame(rows, columns=columns).sample(frac=1, random_state=seed, ignore_index=True)


def make_history(epochs: int) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    return pd.DataFrame({"epoch": epoch, "iteration": 10 * epoch, "minutes": epoch / 60, "val_ssim": 0.9 - 0.2 / epoch})


@pytest.fixture
def make_content() -> Callable[..., ReportContent]:
    """Makes the content of a run's report from its SSIM, its rate and what else is given."""

    def make(
        quality: float = 0.8, rate: float = 0.5, seed: int = 1, epochs: int = 4, knobs: Any = None, **changes: Any
    ) -> ReportContent:
        baselines = {"mean training image": make_slices(0.4, np.nan, 91), "blurred input": make_slices(0.6, np.nan, 92)}
        people = [
            (patient, "ses-01", f"{patient}_ses-01", "CN", "F", 61.0, "Mercy hospital", "oasis1")
            for patient in make_slices(0.5, 0.5, 0)["patient_id"].unique()
        ]
        settings = {
            "trained": f"{epochs} epochs",
            "split_sha256": HASH,
            "settings": {"image_size": [32, 24], "spacing": None, "seed": seed, **(knobs or {})},
            "environment": {"monai_vq": "0.1.0"},
        }
        scores = RunScores(make_slices(quality, rate, seed), LatentFormat((8, 6), (32, 24), 16, 0, 0), {}, baselines)
        content = {"scores": scores, "people": pd.DataFrame(people, columns=PEOPLE_COLUMNS), "settings": settings}
        return ReportContent(**content | {"history": make_history(epochs)} | changes)

    return make


@pytest.fixture
def compare(make_content) -> Callable[..., Comparison]:
    """Compares contents, by name, with the first."""

    def compare(**contents: ReportContent) -> Comparison:
        runs = [ComparedRun(name, f"run {i}", content) for i, (name, content) in enumerate(contents.items(), start=1)]
        return Comparison(runs, runs[0])

    return compare


@pytest.fixture
def comparison(make_content, compare) -> Comparison:
    """Three runs: a reference, a better one, and a worse one of twice the rate."""
    return compare(
        first=make_content(0.80), better=make_content(0.85, seed=2), worse=make_content(0.78, rate=1.0, seed=3)
    )


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[[str, ReportContent], Path]:
    """Writes the stored content of a run, and returns the run's folder."""

    def write(name: str, content: ReportContent) -> Path:
        write_content(tmp_path / name / "report", content)
        return tmp_path / name

    return write


@pytest.fixture
def make_pictures() -> Callable[..., list[PatientPicture]]:
    """Makes pictures of slices, by rank the patient and the slice's index; one slice has one input."""

    def make(places: Sequence[tuple[str, str, int]], error: float = 0.1) -> list[PatientPicture]:
        pictures = []
        for rank, patient, index in places:
            x = np.random.default_rng([index, *patient.encode()]).random((32, 24)) * 0.8
            pictures.append(PatientPicture(rank, "test", patient, f"{patient}_ses-01", index, 0.8, x, x + error))
        return pictures

    return make
