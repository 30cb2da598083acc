import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch

SETTINGS = {"max_epochs": 4, "deterministic": "true"}


def read_last(run_dir: Path) -> dict:
    return torch.load(run_dir / "checkpoints/last.pt", weights_only=True)


def assert_equal(first, second, path=""):
    assert type(first) is type(second), path
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second), path
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), path
        for key in first:
            assert_equal(first[key], second[key], f"{path}/{key}")
    elif isinstance(first, list):
        assert len(first) == len(second), path
        for index, pair in enumerate(zip(first, second, strict=True)):
            assert_equal(*pair, f"{path}/{index}")
    else:
        assert first == second, path


@pytest.fixture
def killed_run(run_bundle, kill_after, tmp_path) -> Path:
    """A run of four epochs that was killed after two."""
    with kill_after(2):
        run_bundle("projected", tmp_path / "run", **SETTINGS)
    assert read_last(tmp_path / "run")["epoch"] == 2
    return tmp_path / "run"


def test_a_resumed_run_equals_one_that_was_never_killed_to_the_bit(killed_run, run_bundle, four_epochs, read_history):
    run_bundle("projected", killed_run, resume="true", **SETTINGS)
    whole, resumed = read_last(four_epochs), read_last(killed_run)
    for checkpoint in (whole, resumed):
        checkpoint.pop("budget")  # the seconds
    assert {"network", "optimizer", "random", "epoch", "best_metric"} <= whole.keys()
    assert any("codebook" in name for name in whole["network"])
    assert_equal(whole, resumed)
    histories = [read_history(run).drop(columns="train_spike_ratio") for run in (four_epochs, killed_run)]
    pd.testing.assert_frame_equal(*histories)  # but for the running median, which starts anew
    reports = [(run / "report/ssim_slices.csv").read_bytes() for run in (four_epochs, killed_run)]
    assert reports[0] == reports[1]


@pytest.mark.slow
@pytest.mark.parametrize(("bundle", "settings"), [("hybrid", {"gain_bits": 2}), ("vae", {})])
def test_tables_levels_and_noise_go_on_where_they_were(run_bundle, kill_after, tmp_path, bundle, settings):
    settings = SETTINGS | settings
    whole = read_last(run_bundle(bundle, tmp_path / "whole", **settings))
    with kill_after(2):
        run_bundle(bundle, tmp_path / "killed", **settings)
    resumed = read_last(run_bundle(bundle, tmp_path / "killed", resume="true", **settings))
    assert_equal(whole["network"], resumed["network"])
    assert_equal(whole["optimizer"], resumed["optimizer"])


def test_a_complete_run_is_not_trained_again_but_reported(run_bundle, four_epochs, tmp_path):
    run = shutil.copytree(four_epochs, tmp_path / "run")
    shutil.rmtree(run / "report")
    before = (run / "checkpoints/last.pt").read_bytes()
    run_bundle("projected", run, resume="true", **SETTINGS)
    assert (run / "checkpoints/last.pt").read_bytes() == before
    assert (run / "report/ssim_slices.csv").read_bytes() == (four_epochs / "report/ssim_slices.csv").read_bytes()


def test_more_epochs_go_on_from_a_complete_run(run_bundle, four_epochs, tmp_path, read_history):
    run = shutil.copytree(four_epochs, tmp_path / "run")
    run_bundle("projected", run, resume="true", deterministic="true", max_epochs=5)
    assert read_history(run)["epoch"].tolist() == [1, 2, 3, 4, 5]
    pd.testing.assert_frame_equal(read_history(run).head(4), read_history(four_epochs))


def test_a_run_that_time_cut_short_goes_on_when_it_gets_more(run_bundle, tmp_path, clock):
    settings = {"max_epochs": 4, "val_interval": 4}
    run = run_bundle("projected", tmp_path / "run", max_minutes=0.25, **settings)
    cut, minutes = pd.read_csv(run / "metrics.csv"), pd.read_csv(run / "metrics.csv")["minutes"].iloc[-1]
    assert cut["iteration"].iloc[-1] % 4 > 0
    saved = (run / "checkpoints/last.pt").read_bytes()
    run_bundle("projected", run, resume="true", max_minutes=0.25, **settings)  # nothing is left of it
    assert (run / "checkpoints/last.pt").read_bytes() == saved
    run_bundle("projected", run, resume="true", max_minutes=100, **settings)
    history = pd.read_csv(run / "metrics.csv")
    assert history["iteration"].tolist() == [4, 8, 12, 16]
    assert history["minutes"].is_monotonic_increasing
    assert history["minutes"].iloc[-1] > minutes


def test_a_kill_while_saving_leaves_the_checkpoint_before(run_bundle, tmp_path, monkeypatch):
    real = torch.save

    def half(checkpoint, path):
        if checkpoint["epoch"] == 2:
            Path(path).write_bytes(b"half")
            raise KeyboardInterrupt
        real(checkpoint, path)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", half)
        with pytest.raises(KeyboardInterrupt):
            run_bundle("projected", tmp_path / "run", **SETTINGS)
    assert read_last(tmp_path / "run")["epoch"] == 1


def test_another_image_size_is_refused_and_the_record_stays(killed_run, run_bundle):
    before = (killed_run / "config.json").read_bytes()
    with pytest.raises(SystemExit, match=r"was trained at image_size \[32, 32\], not \[48, 32\]"):
        run_bundle("projected", killed_run, resume="true", image_size=[48, 32], **SETTINGS)
    assert (killed_run / "config.json").read_bytes() == before
