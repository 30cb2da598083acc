import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from data_prep.prepare import prepare_source
from monai_vq.data import read_splits, slice_items
from monai_vq.engines import PriorData, latent_tensors, load_run, read_stage1
from monai_vq.engines.latents.extraction import extract_latents, slice_loader
from monai_vq.engines.priors import data as prior_data


@pytest.fixture(scope="module")
def stage1(tiny_stage1):
    return read_stage1(tiny_stage1)


@pytest.fixture
def make_data(stage1, tiny_dataset, tmp_path):
    """The latents of the tiny dataset, cached in one folder."""

    def make(**settings):
        settings = {"gain_bits": 3, "batch_size": 4} | settings
        return PriorData(stage1, str(tiny_dataset), tmp_path / "latents", **settings)

    return make


@pytest.fixture
def extracted(monkeypatch):
    """The splits that stage 1 is run on."""
    splits, real = [], prior_data.slice_loader
    monkeypatch.setattr(
        prior_data,
        "slice_loader",
        lambda stage1, dataset_dir, split, *more: (splits.append(split), real(stage1, dataset_dir, split, *more))[1],
    )
    return splits


def test_levels_come_from_the_training_patients_and_items_are_their_slices(make_data, stage1, tiny_dataset):
    data = make_data()
    codes, side = extract_latents(stage1, slice_loader(stage1, str(tiny_dataset), "train", 4), "cpu")
    levels = data.alphabet.gains.levels
    assert levels.shape == (1, 8)
    assert side.min() <= levels.min() < levels.max() <= side.max()
    items = data.items("train")
    assert [item["slice_index"] for item in items] == [i["slice_index"] for i in slice_items(tiny_dataset, "train")]
    for item, code, gains in zip(map(latent_tensors, items), codes, side, strict=True):
        assert torch.equal(item["codes"], code)
        nearest = (gains[0, ..., None] - levels[0]).abs().min(dim=-1).values
        rounded = data.alphabet.decode(code[None], item["stored_side"][None])[0, 0]
        assert torch.allclose((rounded - gains[0]).abs(), nearest, atol=1e-6)


def test_latents_are_extracted_once_and_read_again(make_data, extracted):
    first = make_data()
    codes = first.latents("val").codes
    assert extracted == ["train", "val", "val"]  # the last for what rounding costs
    first.latents("val")
    again = make_data()
    assert np.array_equal(again.latents("val").codes, codes)
    assert torch.equal(again.alphabet.gains.levels, first.alphabet.gains.levels)
    assert len(extracted) == 3


def test_test_patients_are_left_alone_until_they_are_asked_for(make_data, extracted):
    data = make_data()
    data.items("train"), data.items("val"), data.record()
    assert "test" not in extracted
    assert len(data.items("test")) == 4


def test_a_cache_of_another_number_of_bits_or_checkpoint_is_made_again(make_data, extracted, stage1, monkeypatch):
    assert make_data().alphabet.num_levels == 8
    assert make_data(gain_bits=2).alphabet.num_levels == 4
    extracted.clear()
    changed = make_data(gain_bits=2)
    monkeypatch.setattr(changed, "stage1", stage1.__class__(**vars(stage1) | {"checkpoint_sha256": "another"}))
    changed.latents("train")
    assert extracted[0] == "train"


def test_a_cache_of_slices_in_another_window_is_made_again(make_data, extracted, stage1, tiny_dataset, tmp_path):
    make_data().latents("train")
    extracted.clear()
    again, source = tmp_path / "again", tiny_dataset.parent / "bids"
    settings = {"slice_range": (0.3, 0.7), "num_slices": 4, "progress": False}
    prepare_source("bids", source, again, window=(5.0, 80.0), **settings)
    assert read_splits(again).sha256 == read_splits(tiny_dataset).sha256
    PriorData(stage1, str(again), tmp_path / "latents", gain_bits=3, batch_size=4).latents("train")
    assert extracted[0] == "train"


def test_a_file_that_was_lost_is_made_again_in_the_same_levels(make_data, tmp_path):
    levels = make_data().alphabet.gains.levels
    codes = make_data().latents("train").codes
    (tmp_path / "latents/train.npz").unlink()
    again = make_data()
    assert np.array_equal(again.latents("train").codes, codes)
    assert torch.equal(again.alphabet.gains.levels, levels)


def test_what_rounding_costs_is_measured_on_validation_patients(make_data, tmp_path):
    make_data(gain_bits=1).latents("train")
    table = pd.read_csv(tmp_path / "latents/gain_rounding.csv").set_index("gains")
    assert table.index.tolist() == ["as they are", "rounded"]
    assert table[["ssim", "psnr", "mse"]].notna().all(axis=None)


def test_the_record_makes_the_prior_again(make_data):
    record = make_data(conditions=["slice_position"]).record()
    assert record["alphabet"] == {"num_embeddings": 8, "num_gains": 1, "gain_bits": 3, "vector_size": 0}
    assert record["grid_size"] == [8, 8]
    assert [field["name"] for field in record["fields"]] == ["slice_position"]
    assert {"split_sha256", "stage1_sha256", "unit"} <= record.keys()


def test_shown_conditions_are_spread_over_the_split(make_data):
    assert make_data().shown_conditions("val") is None
    data = make_data(conditions=["slice_position"])
    shown, all_of_them = (
        data.shown_conditions("val", 2),
        torch.stack([torch.from_numpy(item["condition"]) for item in data.items("val")]),
    )
    assert torch.equal(shown, all_of_them[[0, -1]])


def test_stage_1_is_left_as_it_was(make_data, stage1, tiny_stage1):
    make_data().latents("val")
    saved, now = load_run(tiny_stage1).state_dict(), stage1.network.state_dict()
    assert all(torch.equal(saved[name], now[name]) for name in saved)


@pytest.mark.parametrize(("bundle", "channels"), [("hybrid", 1), ("frequency", 8), ("vq_ema", 0)])
@pytest.mark.slow
def test_every_latent_is_stored_and_read_again(run_bundle, tiny_dataset, tmp_path, bundle, channels):
    stage1 = read_stage1(
        run_bundle(bundle, tmp_path / "run", warmup_epochs=0)
        if bundle != "vq_ema"
        else run_bundle(bundle, tmp_path / "run")
    )
    data = PriorData(stage1, str(tiny_dataset), tmp_path / "latents", gain_bits=2 if bundle == "hybrid" else None)
    assert data.latents("val").side.shape == (4, channels, 8, 8)
    assert data.alphabet.has_side.sum() == {"hybrid": 4, "frequency": 4, "vq_ema": 0}[bundle]
    shutil.rmtree(tmp_path / "run")
