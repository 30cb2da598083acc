import json
from copy import deepcopy
from pathlib import Path

import pytest
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.bundle.utils import DEFAULT_MLFLOW_SETTINGS

from monai_vq.engines import check_knobs, tracking
from monai_vq.errors import InputError

OTHER = {"_target_": "Other", "output_transform": "mine"}


@pytest.fixture
def _installed(monkeypatch):
    monkeypatch.setattr(tracking, "find_spec", lambda name: True)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def tracked(**settings) -> dict:
    """A config as MONAI leaves it."""
    parts = {part: {"handlers": [{"_target_": "MLFlowHandler", "output_transform": "$list"}]} for part in PARTS}
    added = {"tracking_uri": "$x", "experiment_name": "e", "run_name": None, "is_not_rank0": False}
    return {**parts, **added, "run": ["$train"], **settings}


PARTS = ("train", "validate")
ROOT = Path(__file__).parents[3]
BUNDLES = [path for path in sorted((ROOT / "bundles").glob("*.json")) if '"_desc_"' in path.read_text(encoding="utf-8")]


@pytest.fixture
def finished_config(tiny_stage1) -> dict:
    return json.loads((tiny_stage1 / "config.json").read_text())


@pytest.mark.usefixtures("_installed")
def test_only_mlflows_handlers_are_changed():
    config = tracked()
    config["train"]["handlers"][:0] = ["@budget", dict(OTHER)]
    tracking.adapt_tracking(config)
    assert config["train"]["handlers"][:2] == ["@budget", OTHER]
    trainer, validator = config["train"]["handlers"][2], config["validate"]["handlers"][0]
    assert trainer["output_transform"] == "$engines.step_losses"
    assert [one["_target_"] for one in (trainer, validator)] == [tracking.HANDLER] * 2
    assert [one["joins"] for one in (trainer, validator)] == ["@resume", True]


@pytest.mark.usefixtures("_installed")
def test_a_config_that_is_not_tracked_stays_as_it_is():
    config = {"train": {"handlers": [dict(OTHER)]}, "run": ["$train"]}
    before = deepcopy(config)
    tracking.check_trackable(config)
    tracking.adapt_tracking(config)
    assert config == before


@pytest.mark.usefixtures("_installed")
def test_a_prior_is_logged_by_its_bits():
    config = tracked(stage1_dir="runs/projected")
    tracking.adapt_tracking(config)
    assert config["train"]["handlers"][0]["output_transform"] == "$engines.step_bits"


@pytest.mark.usefixtures("_installed")
def test_the_run_has_its_folders_name_and_ends_with_the_report(tmp_path):
    config = tracked(run=["$train", "$report"])
    tracking.adapt_tracking(config)
    assert config["run_name"] == "$engines.tracking.run_name(@output_dir)"
    assert config["run"] == ["$train", "$report", tracking.LOG_REPORT]
    assert tracking.run_name(f"{tmp_path}/first/") == "first"
    named = tracked(run_name="mine")
    tracking.adapt_tracking(named)
    assert named["run_name"] == "mine"


@pytest.fixture
def read_bundle(monkeypatch):
    """Reads a bundle of ours as MONAI does for ``--tracking mlflow``."""
    monkeypatch.chdir(ROOT)  # which bundles name each other from

    def read(path):
        parser = ConfigParser(ConfigParser.load_config_file(str(path)))
        ConfigWorkflow.patch_bundle_tracking(parser, DEFAULT_MLFLOW_SETTINGS)
        parser.parse()
        return parser.config

    return read


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.stem)
def test_every_bundle_is_tracked_or_says_why_not(read_bundle, path):
    config = read_bundle(path)
    if "train" not in config:
        with pytest.raises(InputError, match="trains nothing, so there is nothing to track; leave --tracking out"):
            tracking.check_trackable(config)
        return
    tracking.check_trackable(config)
    check_knobs(config)
    tracking.adapt_tracking(config)
    for part in PARTS:
        targets = [one["_target_"] for one in config[part]["handlers"] if isinstance(one, dict)]
        assert targets.count(tracking.HANDLER) == 1
        assert "MLFlowHandler" not in targets
    assert config["run"][-1] == tracking.LOG_REPORT


@pytest.mark.usefixtures("_installed")
def test_a_store_that_is_not_there_is_refused_before_training(monkeypatch):
    asked = []
    monkeypatch.setattr(tracking, "check_store", lambda *store: asked.append(store))
    tracking.adapt_tracking(tracked(tracking_uri="http://one"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://two")
    tracking.adapt_tracking(tracked(tracking_uri="http://one"))
    assert asked == [("http://one", "e"), ("http://two", "e")]


def test_parameters_are_the_plain_settings_without_paths():
    config = {
        **{"dataset_dir": "/data/ada/ixi", "learning_rate": 0.0015, "image_size": [128, 96], "gain_bits": None},
        **{"device": "$torch.device('cpu')", "network_def": {}, "run": ["$train"], "_meta_": {}, "max_epochs": 3},
    }
    assert tracking.parameters(config) == {
        "dataset_dir": "ixi",
        "learning_rate": "0.0015",
        "image_size": "[128, 96]",
        "gain_bits": "None",
    }


def test_tracking_without_its_packages_says_what_to_install(monkeypatch):
    monkeypatch.setattr(tracking, "find_spec", lambda name: None if name == "alembic" else True)
    with pytest.raises(InputError, match=r"alembic is not installed; .*monai_vq\[tracking\]"):
        tracking.adapt_tracking(tracked())


@pytest.mark.usefixtures("_installed")
def test_a_tracked_run_is_handed_on_untracked(finished_config):
    config = deepcopy(finished_config)
    ConfigWorkflow.patch_bundle_tracking(parser := ConfigParser(config), DEFAULT_MLFLOW_SETTINGS)
    tracked_config = {name: value for name, value in parser.config.items() if name != "_meta_"}
    assert tracking.without_tracking(tracked_config) == finished_config
    tracking.adapt_tracking(tracked_config)
    assert tracking.HANDLER in json.dumps(tracked_config)
    assert tracking.without_tracking(tracked_config) == finished_config


@pytest.mark.usefixtures("_installed")
def test_a_second_run_of_a_process_has_its_own_parameters():
    shared = {
        "_target_": "MLFlowHandler",
        "output_transform": "$list",
    }  # MONAI appends one and the same to every config
    logged = []
    for dataset_dir in ("data/first", "data/second"):
        config = tracked(dataset_dir=dataset_dir, tracking_uri="sqlite:///x.db") | {"train": {"handlers": [shared]}}
        tracking.adapt_tracking(config)
        logged.append(config["train"]["handlers"][0]["experiment_param"]["dataset_dir"])
    assert logged == ["first", "second"]
    assert shared == {"_target_": "MLFlowHandler", "output_transform": "$list"}
