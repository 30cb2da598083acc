import dataclasses
import math
import shutil

import pytest
from monai.data import DataLoader, Dataset

from monai_vq.data import read_manifest, slice_items
from monai_vq.data.manifest import MANIFEST_NAME, write_manifest
from monai_vq.engines.people import read_people
from monai_vq.report.content import PEOPLE_COLUMNS


@pytest.fixture
def known_dataset(tmp_path, tiny_dataset):
    """The tiny dataset, whose source has come to know two of its patients."""
    folder = shutil.copytree(tiny_dataset, tmp_path / "known")
    first, second, *others = read_manifest(folder)
    first = dataclasses.replace(first, diagnosis="MCI", sex="F", age=71.5, site="S1", session_id="ses-02")
    second = dataclasses.replace(second, diagnosis="0", age=0.0)
    write_manifest(folder / MANIFEST_NAME, [first, second, *others])
    return folder


def loaders_of(folder, *splits):
    return {split: DataLoader(Dataset(slice_items(folder, split))) for split in splits}


def test_has_a_row_for_every_scored_scan_with_what_the_manifest_knows(known_dataset):
    people = read_people(loaders_of(known_dataset, "train", "val", "test"))
    assert people.columns.tolist() == PEOPLE_COLUMNS
    assert people["scan_id"].tolist() == [record.scan_id for record in read_manifest(known_dataset)]
    first, second, third = people.head(3).to_dict("records")
    assert [first[name] for name in PEOPLE_COLUMNS[1:]] == ["ses-02", first["scan_id"], "MCI", "F", 71.5, "S1", "bids"]
    assert (second["diagnosis"], second["age"]) == ("0", 0.0)
    assert (third["diagnosis"], third["sex"]) == ("", "")
    assert math.isnan(third["age"])


def test_leaves_out_scans_of_other_splits(known_dataset):
    people = read_people(loaders_of(known_dataset, "test"))
    assert set(people["scan_id"]) == {item["scan_id"] for item in slice_items(known_dataset, "test")}
    assert len(people) == 1


def test_without_slices_there_is_nobody():
    people = read_people({"test": DataLoader(Dataset([]), batch_sampler=None, sampler=[])})
    assert people.columns.tolist() == PEOPLE_COLUMNS
    assert people.empty
