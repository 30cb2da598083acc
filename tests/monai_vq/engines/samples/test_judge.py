import pandas as pd
import pytest
import torch

from monai_vq.data import read_splits, slice_items
from monai_vq.engines import load_prior
from monai_vq.engines.samples import judge as sample_judge
from monai_vq.engines.samples.judge import judge_samples, real_slices
from monai_vq.transforms import FitImageSized, LoadSliced


@pytest.fixture(scope="module")
def prior_run(tiny_prior):
    return load_prior(tiny_prior)


def test_real_slices_are_those_of_the_split_with_their_words(prior_run, tiny_dataset):
    found = real_slices(prior_run, str(tiny_dataset), "val")
    items = slice_items(tiny_dataset, "val")
    assert found.rows["slice_index"].tolist() == [item["slice_index"] for item in items]
    assert found.rows["slice_position"].tolist()[0] == 0
    expected = FitImageSized([32, 32])(LoadSliced()(dict(items[2])))["image"]
    assert torch.equal(found.images[2], expected)


def test_of_a_large_split_every_few_slices_are_taken(prior_run, tiny_dataset, monkeypatch):
    monkeypatch.setattr(sample_judge, "MAX_REAL", 8)
    assert len(real_slices(prior_run, str(tiny_dataset), "train")) == 8


def test_training_slices_as_samples_are_found_out(prior_run, tiny_dataset, tmp_path):
    train = real_slices(prior_run, str(tiny_dataset), "train")
    scores = judge_samples(prior_run, train.images[:6], pd.DataFrame(index=range(6)), str(tiny_dataset), tmp_path, 0)
    assert scores.neighbours["similarity"].min() > 0.999
    patients = set(scores.neighbours["nearest_patient_id"])
    assert patients <= set(read_splits(tiny_dataset).splits["train"])
    assert (tmp_path / "report/index.html").is_file()
