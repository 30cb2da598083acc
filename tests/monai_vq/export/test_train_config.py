import json

import pytest
from monai.bundle import ConfigWorkflow

from monai_vq.engines import check_knobs
from monai_vq.errors import InputError
from monai_vq.export.train_config import refuse_personal_paths, train_config


def test_nothing_of_the_machine_is_left_and_every_setting_is_read(finished):
    config = train_config(finished.config)
    text = json.dumps(config)
    assert finished.config["dataset_dir"] not in text
    assert finished.config["output_dir"] not in text
    assert "%" not in text
    assert "default_dataset" not in text
    check_knobs(config)


def test_it_trains_as_the_run_did(finished):
    config = train_config(finished.config)
    for name in ("image_size", "batch_size", "learning_rate", "max_epochs", "seed", "precision", "network_def", "loss"):
        assert config[name] == finished.config[name]
    assert config["resume"] is False


def test_minutes_that_depended_on_the_dataset_are_what_they_came_to(finished):
    expression = "$2.0 if @dataset_dir == 'data/phantom' else None"
    of_phantom = finished.config | {"max_minutes": expression, "dataset_dir": "data/phantom"}
    assert train_config(of_phantom)["max_minutes"] == 2.0
    assert train_config(finished.config | {"max_minutes": expression})["max_minutes"] is None


def test_the_zoos_properties_are_there(exported):
    workflow = ConfigWorkflow(str(exported[0] / "configs/train.json"), logging_file=False, workflow_type="train")
    workflow.parser.parse(reset=True)
    for name, description in workflow.properties.items():
        if description["required"] and not name.startswith("trainer"):
            assert description["id"].replace("#", "::") in workflow.parser, name


@pytest.mark.parametrize("value", ["/data/scans", "~/scans", "C:\\scans", "file:///scans", "$open('/home/ada/x')"])
def test_a_path_of_the_machine_is_refused_with_its_setting(value):
    with pytest.raises(InputError, match=r"setting optimizer#params#1 of the run is"):
        refuse_personal_paths({"optimizer": {"params": ["@network", value]}})


def test_paths_within_the_bundle_are_not():
    refuse_personal_paths({"dataset_dir": "$@bundle_root + '/dataset'", "spacing": [1.0, 2.0]})
