import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from monai.bundle import run as run_monai_bundle

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices, save_dicom
from monai_vq.handlers import budget

FOLDER = Path(__file__).parents[2] / "bundles"
DEFAULTS = {path.stem: json.loads(path.read_text()).get("dataset_dir") for path in sorted(FOLDER.glob("*.json"))}
VARIANTS = [name for name, dataset_dir in DEFAULTS.items() if dataset_dir == "data/phantom"]


@pytest.fixture(scope="session")
def read_history() -> Callable[[Path], pd.DataFrame]:
    """Reads metrics.csv without the column that no two runs share."""
    return lambda run_dir: pd.read_csv(run_dir / "metrics.csv").drop(columns="minutes")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second passes each time the budget looks at the clock: twice a step, where max_minutes counts."""
    seconds = iter(range(10**6))
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: float(next(seconds))))


@pytest.fixture(scope="session", params=VARIANTS)
def finished_run(request, run_bundle: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two epochs of each variant."""
    return run_bundle(request.param, tmp_path_factory.mktemp("runs") / request.param)


@pytest.fixture(scope="session")
def four_epochs(run_bundle: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four deterministic epochs of the projected variant."""
    return run_bundle("projected", tmp_path_factory.mktemp("runs") / "four", max_epochs=4, deterministic="true")


@pytest.fixture
def reconstruct(tiny_stage1: Path, tmp_path: Path) -> Callable[..., Path]:
    """Runs bundles/reconstruct.json as its command line would, and returns the folder that it wrote."""

    def run(**settings: Any) -> Path:
        output_dir = tmp_path / "out"
        given = {"run_dir": str(tiny_stage1), "output_dir": str(output_dir), "device": "cpu"}
        given |= {name: str(value) if name == "input" else value for name, value in settings.items()}
        run_monai_bundle(config_file=str(FOLDER / "reconstruct.json"), logging_file=False, **given)
        return output_dir

    return run


@pytest.fixture
def dicom_folder(tmp_path: Path, tiny_dataset: Path) -> Path:
    """A scan like those of training, as a scanner exports it, of a person whom nothing but DICOM may name."""
    return write_series(tmp_path / "pacs", tiny_dataset, "P1", "DOE^JANE")


@pytest.fixture
def two_series(dicom_folder: Path, tiny_dataset: Path) -> Path:
    """The same and a second person's."""
    return write_series(dicom_folder, tiny_dataset, "P2", "DOE^JOHN")


def write_series(folder: Path, tiny_dataset: Path, patient: str, name: str) -> Path:
    image = nib.load(tiny_dataset.parent / f"bids/sub-{patient}/anat/sub-{patient}_T1w.nii.gz")
    series = DicomSeries(patient_id=patient, patient_name=name)
    for number, dataset in enumerate(make_slices(np.asarray(image.dataobj).astype(np.int16), image.affine, series)):
        save_dicom(dataset, folder / f"{name}/I{number:03d}")
    return folder
