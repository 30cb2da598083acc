import json

import pytest
from monai.bundle import run as run_monai_bundle


@pytest.fixture
def anomaly(tiny_prior):
    """Runs bundles/anomaly.json as its command line would."""

    def run(**settings):
        given = {"run_dir": str(tiny_prior), "device": "cpu", "num_restorations": 1}
        run_monai_bundle(config_file="bundles/anomaly.json", logging_file=False, **(given | settings))

    return run


def test_maps_go_beside_the_prior_with_a_record_of_what_was_asked(anomaly, tiny_prior, tiny_dataset):
    anomaly(split="test", seed=3, plant_lesions="false")
    folder = tiny_prior / "anomaly"
    config = json.loads((folder / "config.json").read_text())
    assert (config["dataset_dir"], config["output_dir"]) == (str(tiny_dataset), str(folder))
    assert config["prior_dataset_dir"] == str(tiny_dataset)
    assert (config["split"], config["seed"]) == ("test", 3)
    assert {path.name for path in folder.iterdir()} == {
        "anomaly.csv",
        "config.json",
        "environment.json",
        "index.html",
        "maps",
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"splti": "test"}, "did you mean --split"),
        ({"split": "tset"}, "--split 'tset': expected one of train, val, test"),
        ({"split": "val", "plant_lesions": True}, "evaluate with --split test"),
        ({"dataset_dir": "nowhere/at/all"}, "nowhere/at/all"),
        ({"prior_dataset_dir": "nowhere/at/all"}, "if that was moved, give --prior_dataset_dir"),
        ({"run_dir": "nowhere/at/all"}, "train a prior first"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(anomaly, tmp_path, settings, message):
    with pytest.raises(SystemExit, match=message):
        anomaly(output_dir=str(tmp_path / "maps"), **settings)
    assert not (tmp_path / "maps").exists()
