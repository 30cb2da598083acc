import json

import numpy as np
import pandas as pd
import pytest

from monai_vq.engines.provenance import largest_spike, run_settings

HISTORY = pd.DataFrame({"epoch": [1, 2], "iteration": [6, 12], "minutes": [0.1, 0.2]})


@pytest.fixture
def settings_of(tmp_path):
    """What is said of a run with this config."""

    def settings_of(config, history=HISTORY):
        (tmp_path / "config.json").write_text(json.dumps(config))
        (tmp_path / "environment.json").write_text(json.dumps({"torch": "9.9.9"}))
        checkpoint = {"best_metric_epoch": 1, "record": {"split_sha256": "abcdef"}}
        return run_settings(tmp_path, checkpoint, history, "cpu, precision fp32")

    return settings_of


def test_says_the_epochs_that_counted_and_how_it_was_scored(settings_of):
    settings = settings_of({"max_epochs": 100, "train": {"trainer": {"max_epochs": 7}}})
    assert settings["settings"]["max_epochs"] == 7
    assert settings["trained"] == "2 epochs, 12 steps, 0.2 minutes"
    assert settings["scored on"] == "cpu, precision fp32"
    assert settings["split_sha256"] == "abcdef"
    assert settings["environment"] == {"torch": "9.9.9"}


def test_shows_knobs_and_no_more_of_a_path_than_its_end(settings_of):
    config = {"seed": 5, "image_size": [32, 32], "run": ["$1"], "dataset_dir": "/home/a.person/oasis"}
    assert settings_of(config)["settings"] == {
        "seed": 5, "image_size": [32, 32], "dataset_dir": "oasis", "output_dir": ""
    }  # fmt: skip


def test_the_largest_spike_is_of_the_epochs_after_the_first():
    history = pd.DataFrame({"epoch": [1, 2, 3, 4], "train_spike_ratio": [40.0, 1.2, 2.46, np.nan]})
    assert largest_spike(history).startswith("2.46 times the running median of the reconstruction loss, in epoch 3")


@pytest.mark.parametrize("history", [HISTORY, HISTORY.head(1).assign(train_spike_ratio=9.0)])
def test_without_a_later_epoch_no_spike_is_claimed(history):
    assert largest_spike(history).startswith("not known")
