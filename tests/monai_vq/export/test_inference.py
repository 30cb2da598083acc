import numpy as np
import pandas as pd
import pytest
import torch
from monai.engines import SupervisedEvaluator

from monai_vq.engines import prepare_batch
from monai_vq.export import ReconstructionFiles, ReconstructorScores, as_reconstructor


@pytest.fixture
def evaluated(finished, tiny_dataset, tmp_path):
    """The test split through the tiny run's network, and the folder that was written."""
    from monai.data import DataLoader, Dataset
    from monai.transforms import Compose

    from monai_vq.data import slice_items
    from monai_vq.transforms import FitImageSized, LoadSliced

    dataset = Dataset(slice_items(tiny_dataset, "test"), Compose([LoadSliced(), FitImageSized((32, 32))]))
    scores = ReconstructorScores()
    SupervisedEvaluator(
        device="cpu",
        val_data_loader=DataLoader(dataset, batch_size=3),
        network=as_reconstructor(finished.network),
        prepare_batch=prepare_batch,
        key_val_metric={"ssim": scores},
        val_handlers=[ReconstructionFiles(tmp_path, scores)],
        decollate=False,
    ).run()
    return dataset, tmp_path


def test_each_slice_has_its_reconstruction_and_its_scores(evaluated, finished):
    dataset, folder = evaluated
    scores = pd.read_csv(folder / "scores_slices.csv")
    assert len(scores) == len(dataset)
    for item, row in zip(dataset, scores.itertuples(), strict=True):
        stored = np.load(folder / item["scan_id"] / f"slice_{item['slice_index']:03d}.npy")
        with torch.no_grad():
            x_hat = finished.network(item["image"][None]).x_hat.clamp(0, 1)[0]
        np.testing.assert_allclose(stored, x_hat.numpy(), atol=1e-5)
        assert row.mse == pytest.approx(float((x_hat - item["image"]).square().mean()), rel=1e-4)


def test_scores_are_those_of_the_runs_report(evaluated, finished):
    _, folder = evaluated
    test = finished.scores.set_index("split").loc["test"]
    patients = pd.read_csv(folder / "scores_patients.csv")
    assert len(patients) == test["n_patients"]
    assert patients["ssim"].mean() == pytest.approx(test["ssim"], abs=1e-5)
