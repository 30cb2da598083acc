import pandas as pd
import pytest
import torch

from monai_vq.data import read_splits, slice_items
from monai_vq.engines import load_prior
from monai_vq.engines.samples import judge as sample_judge
from monai_vq.engines.samples.judge import judge_samples, stream_slices, take_evenly
from monai_vq.transforms import FitImageSized, LoadSliced


@pytest.fixture(scope="module")
def prior_run(tiny_prior):
    return load_prior(tiny_prior)


def test_real_slices_are_those_of_the_split_with_their_words(prior_run, tiny_dataset):
    found = take_evenly(stream_slices(prior_run, str(tiny_dataset), "val"))
    items = slice_items(tiny_dataset, "val")
    assert found.rows["slice_index"].tolist() == [item["slice_index"] for item in items]
    assert found.rows["slice_position"].tolist()[0] == 0
    expected = FitImageSized([32, 32])(LoadSliced()(dict(items[2])))["image"]
    assert torch.equal(found.images[2], expected)


def test_a_copy_of_a_slice_beyond_those_in_memory_is_found(prior_run, tiny_dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(sample_judge, "MAX_REAL", 8)
    every = stream_slices(prior_run, str(tiny_dataset), "train")
    kept = take_evenly(every).rows[["scan_id", "slice_index"]].apply(tuple, axis=1).tolist()
    assert len(kept) == 8 < len(every)
    names = every.rows[["scan_id", "slice_index"]].apply(tuple, axis=1).tolist()
    left_out = [place for place, name in enumerate(names) if name not in kept][:4]
    copies = every.load(left_out)
    scores = judge_samples(prior_run, copies, pd.DataFrame(index=range(4)), str(tiny_dataset), tmp_path, 0)
    assert scores.nearest.tolist() == left_out
    assert scores.neighbours["similarity"].min() > 0.999
    assert f"among {len(every)} training slices" in (tmp_path / "report/index.html").read_text(encoding="utf-8")


def test_training_slices_as_samples_are_found_out(prior_run, tiny_dataset, tmp_path):
    train = take_evenly(stream_slices(prior_run, str(tiny_dataset), "train"))
    scores = judge_samples(prior_run, train.images[:6], pd.DataFrame(index=range(6)), str(tiny_dataset), tmp_path, 0)
    assert scores.neighbours["similarity"].min() > 0.999
    patients = set(scores.neighbours["nearest_patient_id"])
    assert patients <= set(read_splits(tiny_dataset).splits["train"])
    assert (tmp_path / "report/index.html").is_file()
