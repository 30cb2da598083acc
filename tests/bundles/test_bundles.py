import json
import os
import subprocess
import sys

import pandas as pd
import pytest
import torch
from monai.bundle import ConfigWorkflow
from monai.bundle import run as run_monai_bundle
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from monai_vq.data import read_splits

K_BITS, D = 3, 8  # of the tiny bundles
BITS = {  # a position's always, and where the code is rare
    **{"vq": (K_BITS, 0), "vq_ema": (K_BITS, 0), "projected": (K_BITS + 32, 0), "none": (D * 32, 0)},
    **{"frequency": (K_BITS, D * 32), "hybrid": (K_BITS, 32)},
}


def test_a_run_leaves_its_record_and_its_checkpoints(finished_run, tiny_dataset):
    record = json.loads((finished_run / "environment.json").read_text())
    assert record["torch"] == torch.__version__
    assert "%" not in json.dumps(json.loads((finished_run / "config.json").read_text()).get("train"))
    for name in ("best", "last"):
        checkpoint = torch.load(finished_run / f"checkpoints/{name}.pt", weights_only=True)
        assert (checkpoint["epoch"], checkpoint["best_metric_epoch"]) == (2, 2)
        assert checkpoint["record"]["split_sha256"] == read_splits(tiny_dataset).sha256
    assert not list(finished_run.rglob("*.tmp"))
    assert not list(finished_run.rglob("*.part"))


def test_the_precision_of_a_run_is_written_with_it(run_bundle, tmp_path):
    run = run_bundle("none", tmp_path / "run", max_epochs=1, precision="$'bf16' if @seed == 0 else 'fp32'")
    config = json.loads((run / "config.json").read_text())
    assert config["precision"] == "bf16"
    assert "_desc_" not in config


def test_a_run_writes_curves_and_images_for_tensorboard(finished_run):
    events = EventAccumulator(str(finished_run / "tensorboard"))
    events.Reload()
    history = pd.read_csv(finished_run / "metrics.csv")
    assert [event.step for event in events.Scalars("reconstruction")] == list(range(1, 9))
    assert events.Scalars("ssim")[-1].value == pytest.approx(history["val_ssim"].iloc[-1], abs=1e-6)
    (grid,) = events.Images(events.Tags()["images"][0])
    assert (grid.height, grid.width) == (3 * 32, 4 * 32)


def test_the_history_has_a_row_an_epoch_and_validates_by_the_interval(finished_run):
    history = pd.read_csv(finished_run / "metrics.csv")
    assert history["epoch"].tolist() == [1, 2]
    assert history["iteration"].tolist() == [4, 8]
    assert history["val_ssim"].isna().tolist() == [True, False]
    has_codes = finished_run.name not in ("none", "vae")
    assert history["train_usage"].notna().tolist() == [has_codes, has_codes]
    for name in ("val_usage", "val_perplexity"):
        assert history[name].notna().tolist() == [False, has_codes]


def test_the_report_scores_every_slice_of_every_split_with_the_best_checkpoint(finished_run):
    report = finished_run / "report"
    slices, splits = pd.read_csv(report / "ssim_slices.csv"), pd.read_csv(report / "ssim_splits.csv")
    assert slices["split"].value_counts().to_dict() == {"train": 16, "val": 4, "test": 4}
    assert len(pd.read_csv(report / "ssim_patients.csv")) == 6
    page = (report / "index.html").read_text()
    assert "mean training image" in page
    assert "blurred input" in page
    best = torch.load(finished_run / "checkpoints/best.pt", weights_only=True)
    assert splits.set_index("split")["ssim"]["val"] == pytest.approx(best["best_metric"], abs=1e-5)


def test_bits_a_pixel_are_counted_from_the_latent(finished_run):
    slices = pd.read_csv(finished_run / "report/ssim_slices.csv")
    if finished_run.name == "vae":
        assert (slices["bits_per_pixel"] > 0).all()
        assert slices["bits_per_pixel"].nunique() > 1  # each image's own KL divergence
        return
    always, sometimes = BITS[finished_run.name]
    more = slices["bits_per_pixel"] * 32 * 32 - 8 * 8 * always
    rare = more / sometimes if sometimes else more
    assert rare.to_numpy() == pytest.approx(rare.round().to_numpy(), abs=1e-4)  # a whole number of positions
    assert rare.between(0, 64 if sometimes else 0).all()
    splits = pd.read_csv(finished_run / "report/ssim_splits.csv").set_index("split")["bits_per_pixel"]
    patients = slices.groupby(["split", "patient_id"])["bits_per_pixel"].mean().groupby("split").mean()
    assert splits.to_dict() == pytest.approx(patients.to_dict())


def test_a_latent_that_warms_up_is_told_of_the_epochs(finished_run):
    history = pd.read_csv(finished_run / "metrics.csv")
    warms_up = finished_run.name in ("frequency", "hybrid")
    assert history["train_continuous"].notna().tolist() == [warms_up, warms_up]
    if warms_up:
        assert history["train_continuous"][0] == 0  # warmup_epochs 1
        last = torch.load(finished_run / "checkpoints/last.pt", weights_only=True)["network"]
        assert last["quantizer.frequent.epoch"] == 1  # complete before the second


def test_gains_are_logged_where_there_are_gains(finished_run):
    events = EventAccumulator(str(finished_run / "tensorboard"), size_guidance={"histograms": 0})
    events.Reload()
    steps = [event.step for name in events.Tags()["histograms"] for event in events.Histograms(name)]
    assert steps == {"projected": [1, 2], "hybrid": [2]}.get(finished_run.name, [])  # none while all are frequent


def test_every_property_of_the_model_zoo_is_there(finished_run, tiny_dataset, tmp_path):
    workflow = ConfigWorkflow(f"bundles/{finished_run.name}.json", logging_file=False, workflow_type="train")
    settings = {"dataset_dir": str(tiny_dataset), "output_dir": str(tmp_path / "run"), "image_size": [32, 32]}
    for name, value in settings.items():
        workflow.parser[name] = value
    workflow.initialize()
    assert workflow.check_properties() == []
    assert (workflow.max_epochs, workflow.val_interval) == (100, 2)
    assert len(workflow.train_dataset_data) == 16
    assert workflow.evaluator.state.epoch == 0


@pytest.mark.slow
def test_the_command_line_ends_with_the_table_and_the_page(tiny_dataset, tmp_path):
    settings = {"dataset_dir": tiny_dataset, "output_dir": tmp_path / "run", "max_epochs": 1, "num_embeddings": 8}
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", "bundles/projected.json"]
    command += [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    command += ["--image_size", "[32,32]", "--device", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    table, page = done.stdout.split("\n\n")[-2:]
    assert [line.split()[0] for line in table.splitlines()[2:]] == ["train", "val", "test"]
    assert page.strip() == f"report: {tmp_path / 'run/report/index.html'}"
    assert len(pd.read_csv(tmp_path / "run/metrics.csv")) == 1


def test_the_written_config_runs_again_from_another_folder_to_the_same_bit(four_epochs, tmp_path, monkeypatch):
    config = json.loads((four_epochs / "config.json").read_text()) | {"output_dir": str(tmp_path / "again")}
    (tmp_path / "config.json").write_text(json.dumps(config))
    monkeypatch.chdir(tmp_path)
    run_monai_bundle(config_file=str(tmp_path / "config.json"), logging_file=False)
    first, second = (
        torch.load(run / "checkpoints/last.pt", weights_only=True)["network"]
        for run in (four_epochs, tmp_path / "again")
    )
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    slices = [(run / "report/ssim_slices.csv").read_bytes() for run in (four_epochs, tmp_path / "again")]
    assert slices[0] == slices[1]


def test_a_second_run_keeps_the_first_under_a_dated_name(run_bundle, tmp_path):
    run = run_bundle("vq_ema", tmp_path / "run", max_epochs=1)
    first = (run / "checkpoints/last.pt").read_bytes()
    run_bundle("vq_ema", run, max_epochs=1, seed=1)
    (kept,) = tmp_path.glob("run_????-??-??_??-??-??")
    assert (kept / "checkpoints/last.pt").read_bytes() == first
    assert (kept / "report/index.html").is_file()
    assert (run / "report/index.html").is_file()
