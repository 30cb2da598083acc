import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from monai_vq.data.preparation import Preparation, read_preparation
from monai_vq.engines import data_origin
from monai_vq.engines.run_folder import environment, keep_earlier_run, write_record
from monai_vq.errors import InputError


@pytest.fixture
def earlier_run(tmp_path) -> Path:
    """A run of 1970."""
    write_record(tmp_path / "run", {"seed": 5})
    os.utime(tmp_path / "run/config.json", (0, 0))
    return tmp_path / "run"


def test_an_earlier_run_is_kept_whole(earlier_run, tmp_path):
    keep_earlier_run(earlier_run)
    (kept,) = tmp_path.iterdir()
    assert kept.name.startswith("run_19")
    assert json.loads((kept / "config.json").read_text()) == {"seed": 5}


def test_neither_an_absent_nor_an_empty_folder_is_a_run(tmp_path):
    keep_earlier_run(tmp_path / "run")
    (tmp_path / "run").mkdir()
    keep_earlier_run(tmp_path / "run")
    assert list(tmp_path.iterdir()) == [tmp_path / "run"]


@pytest.mark.parametrize("name", ["config.json", "environment.json"])
def test_half_of_a_record_is_no_run(earlier_run, name):
    (earlier_run / name).unlink()
    with pytest.raises(InputError, match="exists and is no run"):
        keep_earlier_run(earlier_run)
    assert earlier_run.is_dir()


@pytest.mark.parametrize("below", [".", "report"])
def test_the_run_one_is_in_is_not_moved_away_from_under_ones_feet(earlier_run, monkeypatch, below):
    (earlier_run / "report").mkdir()
    monkeypatch.chdir(earlier_run / below)
    with pytest.raises(InputError, match=r"--output_dir .*run is a run, and you are in it"):
        keep_earlier_run(Path(os.path.relpath(earlier_run)))
    assert earlier_run.is_dir()


def test_a_run_with_dots_in_its_path_is_kept_beside_itself(earlier_run, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    keep_earlier_run(Path("../run/checkpoints/.."))
    assert [path.name[:6] for path in sorted(tmp_path.iterdir())] == ["here", "run_19"]


def test_the_record_is_json_whatever_is_in_the_config(tmp_path):
    write_record(tmp_path / "a/run", {"device": torch.device("cpu"), "seed": 1})
    assert json.loads((tmp_path / "a/run/config.json").read_text()) == {"device": "cpu", "seed": 1}
    assert sorted(path.name for path in (tmp_path / "a/run").iterdir()) == ["config.json", "environment.json"]


def test_the_environment_names_versions_but_neither_user_nor_machine():
    record = environment()
    assert record["torch"] == torch.__version__
    assert record["monai_vq"]
    text = json.dumps(record)
    assert os.uname().nodename not in text.split('"')
    assert str(Path.home()) not in text


def test_a_checkpoint_says_from_which_split_it_learned(tiny_dataset):
    recorded = json.loads((tiny_dataset / "splits.json").read_text())["sha256"]
    assert data_origin(str(tiny_dataset))["split_sha256"] == recorded


def test_a_checkpoint_says_how_its_slices_were_prepared_where_the_dataset_does(tiny_dataset, tmp_path):
    recorded = data_origin(str(tiny_dataset))["preparation"]
    assert Preparation.from_record(recorded) == read_preparation(tiny_dataset)
    shutil.copytree(tiny_dataset, tmp_path / "copy")
    (tmp_path / "copy/provenance.json").unlink()
    assert "preparation" not in data_origin(str(tmp_path / "copy"))
