import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monai_vq.study.__main__ import main
from monai_vq.study.plan import Run
from monai_vq.study.results import FinishedRun
from monai_vq.study.variants import VARIANTS

REPOSITORY = Path(__file__).parents[3]
TINY = {  # settings under which a run trains in a second
    "image_size": "[32, 32]",
    "num_embeddings": "8",
    "embedding_dim": "8",
    "batch_size": "4",
    "device": "cpu",
    "precision": "fp32",
    "network_def#encoder#channels": "[8, 8]",
    "network_def#encoder#num_res_channels": "[8, 8]",
    "network_def#decoder#channels": "[8, 8]",
    "network_def#decoder#num_res_channels": "[8, 8]",
}


@pytest.fixture(scope="session")
def run_study(tiny_dataset: Path) -> Callable[..., int]:
    """Runs the command with tiny networks for one epoch and one seed, and returns its exit status."""

    def run(output_dir: Path, *words: str) -> int:
        command = ["--dataset_dir", str(tiny_dataset), "--output_dir", str(output_dir), "--seeds", "1"]
        command += ["--max_epochs", "1", *(part for name, value in TINY.items() for part in (f"--{name}", value))]
        return main([*command, "--bundles", str(REPOSITORY / "bundles"), *words])

    return run


@pytest.fixture(scope="session")
def study_dir(run_study: Callable[..., int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of two variants."""
    output_dir = tmp_path_factory.mktemp("study") / "out"
    assert run_study(output_dir, "--variants", "vq_ema", "projected", "--jobs", "2") == 0
    return output_dir


@pytest.fixture
def copy_study(study_dir: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, to be changed."""
    return shutil.copytree(study_dir, tmp_path / "out")


@pytest.fixture
def make_run(tiny_dataset: Path, tmp_path: Path) -> Callable[..., Run]:
    """Plans a run by hand."""

    def make(variant: str, seed: int = 0, **point: Any) -> Run:
        bundle = REPOSITORY / f"bundles/{VARIANTS[variant].bundle}.json"
        K = json.loads(bundle.read_text()).get("num_embeddings", 0)
        settings = point | VARIANTS[variant].settings_at(K)
        return Run(VARIANTS[variant], seed, point, bundle, settings, tiny_dataset, tmp_path)

    return make


@pytest.fixture
def make_finished(make_run: Callable[..., Run]) -> Callable[..., FinishedRun]:
    """Invents the results of a run: the MSE of each test patient, and all other scores from it."""

    def make(variant: str, mse: list[float], seed: int = 0, epochs: int = 3, **point: Any) -> FinishedRun:
        patients = pd.DataFrame({"split": "test", "patient_id": [f"P{i}" for i in range(len(mse))], "mse": mse})
        patients = patients.assign(ssim=1 - 10 * patients["mse"])
        mean = patients[["mse", "ssim"]].mean()
        other = {"ssim_foreground": 0.5, "psnr": -10 * np.log10(mean["mse"]), "mae": 0.1}
        rates = {
            "bits_per_pixel": 0.5,
            "bits_per_pixel_entropy": 0.4,
            "codebook_usage": 1.0,
            "codebook_perplexity": 6.0,
        }
        splits = pd.DataFrame(
            [{"split": "test", "n_patients": len(mse), "n_slices": len(mse), **mean, **other, **rates}]
        )
        history = pd.DataFrame(
            {
                "epoch": range(1, epochs + 1),
                "iteration": [10 * epoch for epoch in range(1, epochs + 1)],
                "minutes": [0.5 * epoch for epoch in range(1, epochs + 1)],
                "train_spike_ratio": [9.0, 1.5, 2.5][:epochs],
                "train_reconstruction": mean["mse"],
                "train_quantization": 0.0 if variant == "none" else 0.01,
                "val_mse": mean["mse"] * 1.1,
            }
        )
        return FinishedRun(make_run(variant, seed, **point), splits, patients, history, 1000, 512)

    return make
