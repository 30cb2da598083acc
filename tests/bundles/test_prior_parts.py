"""Bundles of priors repeat what MONAI needs literally; these tests keep the repetitions one."""

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "bundles"
TRAINING = ("transformer", "pixelcnn")
JOBS = ("sample", "anomaly")  # on a trained prior
FILES = {name: json.loads((FOLDER / f"{name}.json").read_text()) for name in (*TRAINING, *JOBS)}
STAGE1 = json.loads((FOLDER / "projected.json").read_text())
COMMON = json.loads((FOLDER / "common.json").read_text())
PARTS = json.loads((FOLDER / "common_priors.json").read_text())
README = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
OWN = ("_desc_", "learning_rate", "output_dir", "network_def", "prior_dim", "num_layers", "num_heads", "prior_dropout")


def test_both_priors_are_trained_alike():
    first, second = ({name: value for name, value in FILES[bundle].items() if name not in OWN} for bundle in TRAINING)
    assert first == second
    networks = [FILES[bundle]["network_def"] for bundle in TRAINING]
    assert [network["backbone"]["grid_size"] for network in networks] == ["@grid_size"] * 2
    first, second = (network | {"backbone": None} for network in networks)
    assert first == second


@pytest.mark.parametrize("bundle", FILES)
def test_settings_of_the_machine_have_the_same_defaults_as_in_stage_1(bundle):
    config = FILES[bundle]
    names = {"bundle_root", "device", "seed", "save_execute_config"}
    names |= {"precision", "num_workers", "deterministic", "resume", "val_interval"} if bundle in TRAINING else set()
    assert {name: config[name] for name in names} == {name: STAGE1[name] for name in names}


def test_what_the_engines_share_with_stage_1_is_the_same_part():
    names = ("optimizer", "inferer", "summary_writer", "budget", "run")
    config = FILES["transformer"]
    assert {name: config[name] for name in names} == {name: STAGE1[name] for name in names}


def test_every_part_that_is_named_is_there_and_used():
    text = [part for config in FILES.values() for part in json.dumps(config).split('"')]
    assert {part.split("#")[1] for part in text if part.startswith("%bundles/common_priors.json#")} == PARTS.keys()


@pytest.mark.parametrize("bundle", FILES)
def test_the_header_gives_the_command_the_time_and_the_score(bundle):
    header = FILES[bundle]["_desc_"]
    assert f"python -m monai.bundle run --config_file bundles/{bundle}.json" in header
    assert "Time: " in header
    assert "Score: see README." in header or "Score: not measured yet." in header
    assert f"{bundle}.json" in README


@pytest.mark.parametrize("bundle", FILES)
def test_every_setting_is_read_by_the_bundle(bundle):
    config = FILES[bundle]
    text = json.dumps([config, PARTS, COMMON])
    plain = {name for name, value in config.items() if not isinstance(value, dict) and str(value)[:1] != "%"}
    steps = {"imports", "initialize", "run"}  # MONAI's own
    assert {name for name in plain - steps if f"@{name}" not in text} == {
        "_desc_",
        "bundle_root",
        "save_execute_config",
    }
