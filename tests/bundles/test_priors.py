"""Bundles that train priors, from a stage-1 run to the table of bits."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from monai.bundle import ConfigWorkflow
from monai.bundle import run as run_monai_bundle
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from monai_vq.data import file_sha256, read_splits

MODELS = ("prior", "gaussian by position", "gaussian", "order 0", "uniform")
SETTINGS = {"max_epochs": 4, "deterministic": "true", "conditions": "slice_position"}


@pytest.fixture(scope="module", params=["transformer", "pixelcnn"])
def finished(request, run_prior, tiny_prior, tiny_stage1, tmp_path_factory) -> Path:
    if request.param == "transformer":
        return tiny_prior
    return run_prior("pixelcnn", tiny_stage1, tmp_path_factory.mktemp("priors") / "pixelcnn")


@pytest.fixture(scope="module")
def four_epochs(run_prior, tiny_stage1, tmp_path_factory) -> Path:
    return run_prior("transformer", tiny_stage1, tmp_path_factory.mktemp("priors") / "four", **SETTINGS)


def read_last(run_dir):
    return torch.load(run_dir / "checkpoints/last.pt", weights_only=True)


def test_a_run_leaves_its_record_its_latents_and_its_checkpoints(finished, tiny_stage1, tiny_dataset):
    config = json.loads((finished / "config.json").read_text())
    assert (config["dataset_dir"], config["gain_bits"]) == (str(tiny_dataset), 4)  # what the defaults came to
    assert (finished / "environment.json").is_file()
    for name in ("best", "last"):
        record = torch.load(finished / f"checkpoints/{name}.pt", weights_only=True)["record"]
        assert record["split_sha256"] == read_splits(tiny_dataset).sha256
        assert record["stage1_sha256"] == file_sha256(tiny_stage1 / "checkpoints/best.pt")
    slices = {split: len(np.load(finished / f"latents/{split}.npz")["codes"]) for split in ("train", "val", "test")}
    assert slices == {"train": 16, "val": 4, "test": 4}
    assert [path.name for path in (finished / "grids").iterdir()] == ["epoch_0002.png"]
    assert not list(finished.rglob("*.part"))


def test_it_learns_from_the_first_step_on_and_validates_by_the_interval(finished):
    history = pd.read_csv(finished / "metrics.csv")
    assert history["epoch"].tolist() == [1, 2]
    assert history["train_loss"].is_monotonic_decreasing
    assert history["val_bits_per_code"].iloc[-1] < 3  # log2 K
    assert history["val_density_per_vector"].isna().all()


def test_bits_are_counted_beside_those_of_models_without_neighbours(finished):
    splits = pd.read_csv(finished / "report/prior_splits.csv").set_index(["split", "model"])
    assert splits.index.tolist() == [(split, model) for split in ("train", "val", "test") for model in MODELS]
    assert splits.xs("uniform", level="model")["bits_per_code"].tolist() == pytest.approx([3] * 3)
    assert splits.xs("uniform", level="model")["bits_per_gain"].tolist() == pytest.approx([4] * 3)
    codes = splits["bits_per_code"].unstack("model")
    assert codes["gaussian"].to_numpy() == pytest.approx(codes["order 0"].to_numpy(), rel=1e-5)
    best = torch.load(finished / "checkpoints/best.pt", weights_only=True)["best_metric"]
    assert splits.loc[("val", "prior"), "bits_per_pixel"] == pytest.approx(-best, rel=1e-5)
    assert len(pd.read_csv(finished / "report/prior_bits.csv")) == len(MODELS) * 6  # patients


def test_tensorboard_has_every_steps_bits_and_the_validations(finished):
    events = EventAccumulator(str(finished / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("bits_per_code") if event.step > 2][-1] == 8
    assert [event.step for event in events.Scalars("log2_likelihood")] == [1, 2]
    (grid,) = events.Images("samples")
    assert (grid.height, grid.width) == ((2 * 32, 2 * 32) if finished.name == "transformer" else (3 * 32, 3 * 32))


def test_a_resumed_run_equals_one_that_was_never_killed_to_the_bit(
    run_prior, kill_after, tiny_stage1, four_epochs, tmp_path
):
    with kill_after(2):
        run_prior("transformer", tiny_stage1, tmp_path / "run", **SETTINGS)
    assert read_last(tmp_path / "run")["epoch"] == 2
    cached = (tmp_path / "run/latents/train.npz").stat().st_mtime_ns
    run_prior("transformer", tiny_stage1, tmp_path / "run", resume="true", **SETTINGS)
    assert (tmp_path / "run/latents/train.npz").stat().st_mtime_ns == cached
    whole, resumed = read_last(four_epochs), read_last(tmp_path / "run")
    for name, value in whole["network"].items():
        assert torch.equal(value, resumed["network"][name]), name
    histories = [pd.read_csv(run / "metrics.csv").drop(columns="minutes") for run in (four_epochs, tmp_path / "run")]
    pd.testing.assert_frame_equal(*histories)
    tables = [(run / "report/prior_bits.csv").read_bytes() for run in (four_epochs, tmp_path / "run")]
    assert tables[0] == tables[1]


def test_the_written_config_runs_again_from_another_folder_to_the_same_bit(four_epochs, tmp_path, monkeypatch):
    config = json.loads((four_epochs / "config.json").read_text()) | {"output_dir": str(tmp_path / "again")}
    (tmp_path / "config.json").write_text(json.dumps(config))
    monkeypatch.chdir(tmp_path)
    run_monai_bundle(config_file=str(tmp_path / "config.json"), logging_file=False)
    first, second = (read_last(run)["network"] for run in (four_epochs, tmp_path / "again"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_stops_where_validation_no_longer_improves(run_prior, tiny_stage1, tmp_path):
    settings = {"learning_rate": 1e-12, "val_interval": 2, "patience": 2, "max_epochs": 50}  # nothing improves
    run = run_prior("transformer", tiny_stage1, tmp_path / "run", **settings)
    best = read_last(run)["best_metric_epoch"]
    assert pd.read_csv(run / "metrics.csv")["epoch"].max() == best + 4
    assert (run / "report/prior_splits.csv").is_file()


@pytest.mark.parametrize("bundle", ["transformer", "pixelcnn"])
def test_every_property_of_the_model_zoo_is_there(bundle, tiny_stage1, tmp_path):
    workflow = ConfigWorkflow(f"bundles/{bundle}.json", logging_file=False, workflow_type="train")
    settings = {"stage1_dir": str(tiny_stage1), "output_dir": str(tmp_path / "run"), "device": "cpu"}
    for name, value in settings.items():
        workflow.parser[name] = value
    workflow.initialize()
    assert workflow.check_properties() == []
    assert workflow.max_epochs == 100
    assert len(workflow.train_dataset_data) == 16


@pytest.mark.slow
@pytest.mark.parametrize("stage1", ["vq_ema", "hybrid", "frequency"])
def test_every_latent_has_a_prior(run_bundle, run_prior, tmp_path, stage1):
    settings = {} if stage1 == "vq_ema" else {"warmup_epochs": 0}
    folder = run_bundle(stage1, tmp_path / "stage1", **settings)
    run = run_prior("transformer", folder, tmp_path / "run")
    split = pd.read_csv(run / "report/prior_splits.csv").set_index(["split", "model"]).loc[("train", "prior")]
    assert split.notna()[["bits_per_code", "bits_per_pixel"]].all()
    assert split.notna()["bits_per_gain"] == (stage1 == "hybrid")
    assert split.notna()["density_per_vector"] == (stage1 == "frequency")
    shutil.rmtree(run)
