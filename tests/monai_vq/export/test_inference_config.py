import json

import pytest
from monai.bundle import ConfigParser

from monai_vq.engines import check_knobs
from monai_vq.export.inference_config import inference_config


@pytest.fixture
def config(finished) -> dict:
    return inference_config(finished.config)


def test_the_zoos_keys_are_there_and_every_setting_is_read(config):
    required = {"bundle_root", "device", "network_def", "inferer", "output_dir", "dataset_dir", "dataset", "evaluator"}
    assert required <= config.keys()
    assert "data" in config["dataset"]
    check_knobs(config)


def test_nothing_of_the_machine_and_no_other_file_is_named(config, finished):
    text = json.dumps(config)
    assert finished.config["dataset_dir"] not in text
    assert finished.config["output_dir"] not in text
    assert "%" not in text


def test_references_lead_somewhere(config):
    parser = ConfigParser(config | {"bundle_root": ".", "dataset_dir": "."})
    parser.parse()
    for name in ("network_def", "preprocessing", "inferer", "key_metric"):
        assert parser.get_parsed_content(name) is not None
