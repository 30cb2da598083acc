import json
import shutil

import pytest
import torch

from monai_vq.data.preparation import PROVENANCE_NAME, Preparation, read_preparation
from monai_vq.data.slicing import SlicingSettings
from monai_vq.errors import InputError


def test_a_dataset_says_how_its_slices_were_made(tiny_dataset):
    preparation = read_preparation(tiny_dataset)
    assert preparation.slicing == SlicingSettings("axial", (0.3, 0.7), 4, (0.5, 99.5), "percentile")
    assert (preparation.source, preparation.row_mm, preparation.column_mm) == ("bids", (8.0, 8.0), (8.0, 8.0))


def test_a_checkpoint_keeps_it(tiny_dataset, tmp_path):
    preparation = read_preparation(tiny_dataset)
    torch.save(preparation.to_record(), tmp_path / "record.pt")
    assert Preparation.from_record(torch.load(tmp_path / "record.pt", weights_only=True)) == preparation


@pytest.mark.parametrize("content", [None, "{", "[]", '{"settings": {"plane": "axial"}}'])
def test_without_provenance_it_is_not_known(tiny_dataset, tmp_path, content):
    shutil.copytree(tiny_dataset, tmp_path / "copy")
    path = tmp_path / "copy" / PROVENANCE_NAME
    path.unlink() if content is None else path.write_text(content)
    assert read_preparation(tmp_path / "copy") is None


def test_new_scans_are_cut_whole_and_at_another_range_if_wanted(tiny_dataset):
    preparation = read_preparation(tiny_dataset)
    assert preparation.with_range(None) == SlicingSettings("axial", (0.3, 0.7), None, (0.5, 99.5), "percentile")
    assert preparation.with_range([0, 1]).slice_range == (0.0, 1.0)


@pytest.mark.parametrize("wanted", [[0.5], [0.7, 0.2], [0, 2], ["a", 1], [None, 1]])
def test_impossible_ranges_are_refused(tiny_dataset, wanted):
    with pytest.raises(InputError, match="slice range"):
        read_preparation(tiny_dataset).with_range(wanted)


def test_a_damaged_record_is_refused(tiny_dataset):
    record = read_preparation(tiny_dataset).to_record()
    assert json.loads(json.dumps(record)) == record
    del record["source"]
    with pytest.raises(InputError, match="cannot be read"):
        Preparation.from_record(record)


def test_pictures_say_nothing_of_volumes(tiny_dataset):
    record = read_preparation(tiny_dataset).to_record() | {"slicing": None, "source": "png_slices"}
    with pytest.raises(InputError, match="learned from pictures"):
        Preparation.from_record(record).with_range(None)
