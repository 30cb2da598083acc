import json

import pandas as pd


def test_both_spellings_of_the_epochs_are_the_same_run(run_bundle, read_history, tmp_path):
    short = run_bundle("projected", tmp_path / "short", max_epochs=5)
    # the Model Zoo's spelling; --max_epochs stays what the bundle says, 100
    settings = {"max_epochs": 100, "train#trainer#max_epochs": 5}
    long = run_bundle("projected", tmp_path / "long", **settings)
    history = read_history(short)
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5]
    assert history["learning_rate"].nunique() == 5
    assert history["val_ssim"].notna().tolist() == [False, True, False, True, True]  # the last epoch, too
    pd.testing.assert_frame_equal(history, read_history(long))


def test_equal_seeds_are_equal_to_the_bit_and_others_are_not(run_bundle, four_epochs, tmp_path):
    settings = {"max_epochs": 4, "deterministic": "true"}
    again = run_bundle("projected", tmp_path / "again", **settings)
    other = run_bundle("projected", tmp_path / "other", seed=1, **settings)
    scores = [(run / "report/ssim_slices.csv").read_bytes() for run in (four_epochs, again, other)]
    assert scores[0] == scores[1] != scores[2]


def test_what_the_command_line_makes_of_a_value_is_brought_to_its_type(run_bundle, tmp_path):
    settings = {"resume": "false", "deterministic": "true", "spacing": "none", "max_minutes": 1, "image_size": (32, 32)}
    run = run_bundle("none", tmp_path / "run", max_epochs=1, **settings)
    config = json.loads((run / "config.json").read_text())
    typed = {"resume": False, "deterministic": True, "spacing": None, "max_minutes": 1.0, "image_size": [32, 32]}
    assert {name: config[name] for name in typed} == typed
    assert isinstance(config["max_minutes"], float)


def test_spacing_resamples_what_is_trained_on(run_bundle, tmp_path):
    run = run_bundle("none", tmp_path / "run", max_epochs=1, spacing=[16.0, 16.0], image_size=[16, 16])
    assert len(pd.read_csv(run / "report/ssim_slices.csv")) == 24


def test_time_ends_a_run_in_an_epoch_which_is_validated_and_saved(run_bundle, tmp_path, clock):
    run = run_bundle("projected", tmp_path / "run", max_epochs=50, val_interval=50, max_minutes=0.25)
    history = pd.read_csv(run / "metrics.csv")
    last = history.iloc[-1]
    assert last["iteration"] % 4 > 0
    assert last["epoch"] == len(history) == last["iteration"] // 4 + 1
    assert history["val_ssim"].notna().tolist() == [False] * (len(history) - 1) + [True]
    assert history[["train_usage", "train_spike_ratio"]].notna().all(axis=None)
    assert (run / "checkpoints/best.pt").is_file()
    assert (run / "report/index.html").is_file()


def test_processes_that_load_data_bring_the_same_slices(run_bundle, read_history, tmp_path):
    alone = run_bundle("none", tmp_path / "alone", max_epochs=1)  # draws no random number after its start
    helped = run_bundle("none", tmp_path / "helped", max_epochs=1, num_workers=2)
    pd.testing.assert_frame_equal(read_history(alone), read_history(helped))
