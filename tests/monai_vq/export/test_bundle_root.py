import json
from pathlib import Path

import pytest
from monai.bundle import ConfigParser, ConfigWorkflow

from monai_vq.export import bundle_root

CONFIG = {"imports": ["$import monai_vq.export as export"], "bundle_root": "$export.bundle_root()"}


def write(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "train.json").write_text(json.dumps(CONFIG))
    return folder / "train.json"


def root_of(config_file: str, **override: str) -> str:
    workflow = ConfigWorkflow(config_file, logging_file=False, **override)
    workflow.initialize()
    return workflow.bundle_root


@pytest.mark.parametrize("folder", ["/", "."])
def test_a_bundle_knows_its_place_from_every_folder(tmp_path, monkeypatch, folder):
    path = write(tmp_path / "my zoo" / "configs")
    monkeypatch.chdir(folder)
    assert root_of(str(path)) == str(tmp_path / "my zoo")


def test_a_relative_path_and_a_config_outside_a_folder_of_that_name(tmp_path, monkeypatch):
    write(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    assert root_of("run/train.json") == str(tmp_path / "run")


def test_the_command_line_comes_first(tmp_path):
    assert root_of(str(write(tmp_path / "configs")), bundle_root="/elsewhere") == "/elsewhere"


def test_without_a_workflow_it_is_the_current_folder():
    assert bundle_root() == "."
    assert ConfigParser(CONFIG).get_parsed_content("bundle_root") == "."
