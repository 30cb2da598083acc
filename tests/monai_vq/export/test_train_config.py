import json
from pathlib import Path

import pytest
from monai.bundle import ConfigWorkflow

from monai_vq.engines import check_knobs
from monai_vq.errors import InputError
from monai_vq.export.inference_config import inference_config
from monai_vq.export.train_config import DATASET_DIR, refuse_personal_paths, train_config
from monai_vq.export.train_config import PERSONAL as PERSONAL_PATH


def test_nothing_of_the_machine_is_left_and_every_setting_is_read(finished):
    config = train_config(finished.config)
    text = json.dumps(config)
    assert finished.config["dataset_dir"] not in text
    assert finished.config["output_dir"] not in text
    assert "%" not in text
    assert "default_dataset" not in text
    check_knobs(config)  # raises for a setting that nothing reads
    assert set(finished.config) - set(config) <= {"save_execute_config"}


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


# [a path of one machine, a path or expression that is good anywhere]
PERSONAL = [
    *("/data/scans", "//server/share/scans", r"\\server\share\scans", "~/scans", "~ada/scans", "../scans", "a/../.."),
    *(r"..\scans", r"C:\Users\ada\scans", "D:/scans", "file:scans", "file:///scans", "smb://server/x", "s3://ada/x"),
    *("$HOME/scans", "${SCRATCH}/scans", "%USERPROFILE%\\scans", "scans/home/ada", r"scans\Users\ada"),
    *("$open('/home/ada/x')", "$open('/data/x')", '$open("~/x")', "$open(r'\\\\server\\x')", "$@output_dir + '/../x'"),
    *("$os.environ['DATA'] + '/x'", "$Path.home() / 'x'", "$@bundle_root + '//server/share'"),
]
GOOD_ANYWHERE = [
    *("$@bundle_root + '/dataset'", "$@bundle_root+'/dataset'", "@train::dataset", "%train#dataset", "$import torch"),
    *("$torch.device('cuda' if torch.cuda.is_available() else 'cpu')", "$2.0 if @x == 'data/phantom' else None"),
    *("$lambda output: None", "data/phantom", "runs/projected", "train_loss...", "$@steps // 2", "bf16", "$~@mask"),
]


@pytest.mark.parametrize("value", PERSONAL)
def test_a_path_of_the_machine_is_refused_with_its_setting(value):
    with pytest.raises(InputError, match=r"setting optimizer#params#1 of the run is"):
        refuse_personal_paths({"optimizer": {"params": ["@network", value]}})


@pytest.mark.parametrize("value", GOOD_ANYWHERE)
def test_what_is_good_anywhere_is_no_path_of_the_machine(value):
    assert PERSONAL_PATH.search(value) is None


def strings_of(node):
    if isinstance(node, str):
        return [node]
    if not isinstance(node, (dict, list)):
        return []
    return [text for one in (node.values() if isinstance(node, dict) else node) for text in strings_of(one)]


FOLDER = Path(__file__).parents[3] / "bundles"
BUNDLES = [path for path in sorted(FOLDER.glob("*.json")) if '"train": {' in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.stem)
def test_no_bundle_that_trains_names_a_path_of_a_machine(path):
    config = json.loads(path.read_text(encoding="utf-8"))
    texts = [text for name, value in config.items() if name != "_desc_" for text in strings_of(value)]
    assert not [text for text in texts if PERSONAL_PATH.search(text)]


def test_paths_within_the_bundle_are_handed_on(finished):
    """Of the settings that name a place of the run's machine, the exported configs name one in the bundle."""
    for make in (train_config, inference_config):
        config = make(finished.config | {"dataset_dir": "/home/ada/scans", "output_dir": r"\\server\runs"})
        assert config["dataset_dir"] == DATASET_DIR
        assert "ada" not in json.dumps(config)
        assert "server" not in json.dumps(config)
