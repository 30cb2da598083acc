import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from data_prep.prepare import prepare_source
from monai_vq.data import read_manifest, read_splits, write_manifest
from monai_vq.data.manifest import MANIFEST_NAME
from monai_vq.engines.anomaly.checks import SeenPatients, check_anomaly, seen_patients
from monai_vq.engines.priors.load import PriorRun, load_prior


@pytest.fixture(scope="module")
def prior_run(tiny_prior) -> PriorRun:
    return load_prior(tiny_prior)


def prepare(source: Path, output_dir: Path, seed: int) -> Path:
    prepare_source("bids", source, output_dir, slice_range=(0.3, 0.7), num_slices=4, seed=seed, progress=False)
    return output_dir


@pytest.fixture(scope="module")
def divided_anew(tiny_dataset, tmp_path_factory) -> Path:
    """The patients of the tiny dataset, of whom a training patient of the prior is now the test patient."""
    train = read_splits(tiny_dataset).splits["train"]
    for seed in range(1, 20):
        folder = prepare(tiny_dataset.parent / "bids", tmp_path_factory.mktemp("again") / "prepared", seed)
        if set(read_splits(folder).splits["test"]) <= set(train):
            return folder
    raise AssertionError("no seed puts a training patient into the test split")


@pytest.fixture(scope="module")
def renamed(tiny_dataset, tmp_path_factory) -> Path:
    """The same volumes under other names, so that none of its ids is known."""
    root = tmp_path_factory.mktemp("renamed")
    for path in sorted((tiny_dataset.parent / "bids").rglob("*.nii*")):
        name = path.name.replace("sub-P", "sub-Q")
        (root / "bids" / name.split("_")[0] / "anat").mkdir(parents=True)
        shutil.copy(path, root / "bids" / name.split("_")[0] / "anat" / name)
    return prepare(root / "bids", root / "prepared", 0)


@pytest.mark.parametrize(
    ("settings", "channels", "message"),
    [
        (("tset", False), 1, "--split 'tset': expected one of train, val, test"),
        (("val", True), 1, "--split val: the methods are tuned on lesions in validation patients"),
        (("test", False), 3, "anomaly maps are of grey images; those of"),
    ],
)
def test_what_cannot_be_mapped_is_refused_in_one_line(prior_run, tiny_dataset, settings, channels, message):
    with pytest.raises(SystemExit, match=message):
        check_anomaly(replace(prior_run, in_channels=channels), str(tiny_dataset), *settings)


def test_lesions_in_training_patients_of_another_division_are_refused_by_name(prior_run, divided_anew):
    (patient,) = read_splits(divided_anew).splits["test"]
    with pytest.raises(SystemExit, match=f"training or validation patients of the prior \\(1 of 1: {patient}\\)"):
        check_anomaly(prior_run, str(divided_anew), "test", plant_lesions=True)
    check_anomaly(prior_run, str(divided_anew), "test", plant_lesions=False)  # the page cautions instead


def test_patients_are_known_by_content_under_any_name(prior_run, tiny_dataset, renamed):
    own = read_splits(tiny_dataset).splits
    seen = [name.replace("sub-P", "sub-Q") for name in own["train"] + own["val"]]
    for split, patients in read_splits(renamed).splits.items():
        found = seen_patients(str(tiny_dataset), str(renamed), split)
        assert found.patients == [patient for patient in patients if patient in seen]
        assert found.number == len(patients)


def test_volumes_and_slices_tell_content_each_alone(tiny_dataset, renamed, tmp_path):
    shutil.copytree(renamed, tmp_path / "other")
    records = [replace(record, sha256="0" * 64) for record in read_manifest(renamed)]
    write_manifest(tmp_path / "other" / MANIFEST_NAME, records)
    assert seen_patients(str(tiny_dataset), str(tmp_path / "other"), "train").patients
    write_manifest(tmp_path / "other" / MANIFEST_NAME, [replace(one, slices_sha256="1" * 64) for one in records])
    assert not seen_patients(str(tiny_dataset), str(tmp_path / "other"), "train").patients


def test_of_the_priors_own_division_nothing_is_refused(prior_run, tiny_dataset, tmp_path, caplog):
    shutil.copytree(tiny_dataset, tmp_path / "copy")
    for split in ("train", "test"):
        check_anomaly(prior_run, str(tmp_path / "copy"), split, plant_lesions=True)
    assert not caplog.records  # nor warned of


def test_a_moved_dataset_is_given_and_must_be_the_same(prior_run, tiny_dataset, divided_anew, tmp_path):
    moved = replace(prior_run, dataset_dir=str(tmp_path / "gone"))
    with pytest.raises(SystemExit, match="if that was moved, give --prior_dataset_dir"):
        check_anomaly(moved, str(tiny_dataset), "test", False)
    check_anomaly(moved, str(tiny_dataset), "test", True, prior_dataset_dir=str(tiny_dataset))
    with pytest.raises(SystemExit, match="learned from another split"):
        check_anomaly(moved, str(tiny_dataset), "test", False, prior_dataset_dir=str(divided_anew))


def test_a_message_names_the_first_patients():
    assert str(SeenPatients([f"p{n}" for n in range(7)], 9)) == "7 of 9: p0, p1, p2, p3, p4 and 2 more"
