import json
from pathlib import Path

import pytest

from monai_vq.errors import InputError
from monai_vq.study.settings import check_read, has_setting, parse_grid, parse_settings

CONFIG = {"batch_size": 16, "learning_rate": 0.001, "network_def": {"encoder": {"channels": [8]}}}


def test_settings_are_read_in_their_types():
    words = ["--image_size", "[64, 48]", "--learning_rate", "1", "--gain_bits=none", "--estimator=rotation"]
    words += ["--deterministic", "true", "--network_def#encoder#channels", "[8, 16]", "--precision", "fp32"]
    assert parse_settings(words) == {
        "image_size": [64, 48],
        "learning_rate": 1.0,
        "gain_bits": None,
        "estimator": "rotation",
        "deterministic": True,
        "network_def#encoder#channels": [8, 16],
        "precision": "fp32",
    }


def test_a_negative_number_is_a_value():
    assert parse_settings(["--network_def#a", "-1"]) == {"network_def#a": -1}


def test_a_grid_is_read_in_the_knobs_types():
    words = ["batch_size=16,64,256", "projection_cost=0,.1,1", "gain_bits=none,4", "image_size=[32, 32],(64,48)"]
    assert parse_grid(words) == {
        "batch_size": [16, 64, 256],
        "projection_cost": [0.0, 0.1, 1.0],
        "gain_bits": [None, 4],
        "image_size": [[32, 32], [64, 48]],
    }


# [parser, words, message]
BAD = [
    (parse_settings, ["batch_size", "4"], "'batch_size' is no setting; expected --KNOB VALUE"),
    (parse_settings, ["--batch_size"], "--batch_size has no value"),
    (parse_settings, ["--batch_size", "--seed", "1"], "--batch_size has no value"),
    (parse_settings, ["--batch_size", "many"], "--batch_size 'many' is a str; expected int"),
    (parse_settings, ["--seed", "1"], "seed is the study's own; leave it out"),
    (parse_settings, ["--max_minutes", "1"], "max_minutes is the study's own"),
    (parse_grid, ["batch_size"], "--grid 'batch_size': expected knob=value,value"),
    (parse_grid, ["batch_size=4,4"], "a value is there twice"),
    (parse_grid, ["batch_size=4,x"], "--batch_size 'x' is a str; expected int"),
    (parse_grid, ["output_dir=a,b"], "output_dir is the study's own"),
]


@pytest.mark.parametrize(("parse", "words", "message"), BAD)
def test_bad_words_are_errors_with_a_remedy(parse, words, message):
    with pytest.raises(InputError, match=message):
        parse(words)


def test_a_path_counts_where_the_bundle_has_all_of_it():
    assert has_setting(CONFIG, "batch_size")
    assert has_setting(CONFIG, "network_def#encoder#channels")
    assert not has_setting(CONFIG, "network_def#quantizer#choice")
    assert not has_setting(CONFIG, "batch_size#first")


def test_a_setting_that_some_bundles_lack_is_theirs_that_have_it():
    check_read(["kl_weight"], [CONFIG, {"kl_weight": 1.0}])
    with pytest.raises(InputError, match=r"setting batchsize: none of the chosen variants has it; did you mean batch_"):
        check_read(["batchsize"], [CONFIG])


def test_the_studys_own_knobs_are_in_every_bundle():
    for path in Path("bundles").glob("*.json"):
        config = json.loads(path.read_text())
        if "network_def" in config:
            assert {"dataset_dir", "output_dir", "seed", "resume", "max_minutes", "max_epochs"} <= config.keys()
