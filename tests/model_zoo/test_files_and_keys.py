"""The Model Zoo's checks of files, versions and keys (its CONTRIBUTING and ci/verify_bundle.py), offline."""

import json
from importlib.metadata import version

import pytest
from monai.bundle import ConfigWorkflow

PERSONAL = ("/home/", "/Users/", "/root/")


@pytest.fixture(scope="module")
def read(zoo_bundle):
    return lambda name: json.loads((zoo_bundle / f"configs/{name}.json").read_text())


@pytest.mark.parametrize("path", ["LICENSE", "configs/metadata.json", "configs/inference.json", "models/model.pt"])
def test_required_and_preferred_files_are_there(zoo_bundle, path):
    assert (zoo_bundle / path).stat().st_size > 0


def test_the_data_has_its_licence(zoo_bundle):
    assert "CC BY-SA" in (zoo_bundle / "docs/data_license.txt").read_text()


def test_the_version_is_in_the_changelog_and_packages_can_be_pinned(read):
    metadata = read("metadata")
    assert metadata["version"] in metadata["changelog"]
    for package, pinned in metadata["required_packages_version"].items():
        assert version(package) == pinned


@pytest.mark.parametrize("name", ["train", "inference", "multi_gpu_train", "metadata"])
def test_configs_are_json_of_four_spaces_without_other_files_or_persons(zoo_bundle, name):
    text = (zoo_bundle / f"configs/{name}.json").read_text()
    assert text == json.dumps(json.loads(text), indent=4) + "\n"
    assert '"%' not in text
    assert not any(folder in text for folder in PERSONAL)


@pytest.mark.parametrize(("name", "kind"), [("inference", "infer"), ("train", "train")])
def test_monais_check_of_properties_finds_nothing_missing(zoo_bundle, tiny_dataset, tmp_path, name, kind):
    workflow = ConfigWorkflow(
        str(zoo_bundle / f"configs/{name}.json"),
        workflow_type=kind,
        logging_file=False,
        dataset_dir=str(tiny_dataset),
        output_dir=str(tmp_path / "run"),
        device="cpu",
    )
    workflow.initialize()
    assert workflow.check_properties() == []
    assert workflow.bundle_root == str(zoo_bundle)


def test_files_are_small_enough_for_the_zoo(zoo_bundle):
    assert all(path.stat().st_size < 25 * 2**20 for path in zoo_bundle.rglob("*") if path.is_file())
