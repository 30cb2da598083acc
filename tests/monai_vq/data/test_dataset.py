import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_vq.data import PLANE_AXES, check_fit, read_manifest, read_splits, slice_items, to_plane, write_splits
from monai_vq.data.dataset import resampled_size
from monai_vq.errors import InputError
from monai_vq.transforms import LoadSliced, ResampleSliced
from monai_vq.transforms.fit_image import fit_image

SPLITS = ("train", "val", "test")


def test_one_item_a_slice_of_the_splits_patients_in_manifest_order(dataset_dir):
    patients = read_splits(dataset_dir).splits
    for split in SPLITS:
        items = slice_items(dataset_dir, split)
        assert [(i["patient_id"], i["slice_index"]) for i in items] == [
            (record.patient_id, index)
            for record in read_manifest(dataset_dir)
            if record.patient_id in patients[split]
            for index in record.slice_indices
        ]
    everyone = [item["patient_id"] for split in SPLITS for item in slice_items(dataset_dir, split)]
    assert len(everyone) == 15
    assert set(everyone) == {record.patient_id for record in read_manifest(dataset_dir)}


def test_an_item_says_what_the_slice_is_and_where_it_lies(dataset_dir):
    record = read_manifest(dataset_dir)[0]
    split = read_splits(dataset_dir).patient_split(record.patient_id)
    item = next(i for i in slice_items(dataset_dir, split) if i["scan_id"] == record.scan_id and i["index"] == 2)
    assert item == {
        "image": str(record.slices_path(dataset_dir)),
        "mask": str(record.mask_path(dataset_dir)),
        "index": 2,
        "patient_id": record.patient_id,
        "session_id": "",
        "scan_id": record.scan_id,
        "slice_index": 12,
        "slice_spacing": (8.0, 7.9375),
    }
    stored = np.load(record.slices_path(dataset_dir))[2]
    np.testing.assert_allclose(LoadSliced()(item)["image"][0], stored / 65535.0, rtol=1e-6)


def test_where_an_image_is_the_unit_each_has_an_id_of_its_own(dataset_dir):
    before = slice_items(dataset_dir, "train")
    for unit in ("scan", "image"):
        write_splits(dataset_dir / "splits.json", replace(read_splits(dataset_dir), unit=unit))
        items = slice_items(dataset_dir, "train")
        own = {"patient_id": "{scan_id}_{slice_index}"} if unit == "image" else {}
        assert items == [item | {key: text.format(**item) for key, text in own.items()} for item in before]
    assert len({item["patient_id"] for item in items}) == 9


@pytest.mark.parametrize("shape", [(5, 28, 30), (5, 28, 30, 3)])
def test_a_stack_has_the_size_of_its_images(make_record, shape):
    stack = make_box_record(make_record, (0, 28, 0, 30), shape, axes="", spacing=(), plane="")
    check_fit([stack], (28, 30), None)
    check_fit([stack], (32, 32), None)
    with pytest.raises(InputError, match=r"needs \[28, 30\] pixels"):
        check_fit([stack], (28, 29), None)


def make_box_record(make_record, box, shape=(40, 30, 5), axes="PLS", **changes):
    return make_record("sub-P01", shape=shape, axes=axes, foreground_box=tuple(box), **changes)


@pytest.mark.parametrize("plane", PLANE_AXES)
@pytest.mark.parametrize("axes", ["RAS", "PSR", "LIA", "SLP"])
def test_a_full_foreground_needs_the_whole_slice_in_every_plane(make_record, plane, axes):
    shape = (24, 28, 20)
    affine = nib.orientations.inv_ornt_aff(nib.orientations.axcodes2ornt(axes), shape)
    rows, columns = to_plane(np.empty(shape), np.linalg.inv(affine), plane).shape[1:]
    box = (0, rows, 0, columns)
    record = make_box_record(make_record, box, shape, axes, plane=plane)
    check_fit([record], (rows, columns), None)
    for smaller in ((rows - 1, columns), (rows, columns - 1)):
        with pytest.raises(InputError, match=rf"needs \[{rows}, {columns}\] pixels"):
            check_fit([record], smaller, None)


def loses_foreground(record, image_size, spacing) -> bool:
    """Whether the real transforms cut foreground off."""
    r0, r1, c0, c1 = record.foreground_box
    mask = torch.zeros(1, 40, 30)
    mask[:, r0:r1, c0:c1] = 1
    item = {"image": mask, "mask": mask, "slice_spacing": record.slice_spacing}
    resampled = ResampleSliced(spacing)(item)["mask"]
    return bool(fit_image(resampled, image_size).sum() < resampled.sum())


@pytest.mark.parametrize("spacing", [None, (1.3, 0.9), (2.0, 0.7)])
def test_what_fits_loses_no_foreground_and_what_does_not_would(make_record, spacing):
    rng, refused = np.random.default_rng(0), 0
    slack = 1 if spacing is None else 3  # whole pixels around the box, and the side of the crop's centre
    for _ in range(200):
        starts, lengths = rng.integers(0, (33, 23)), rng.integers(4, 8, 2)  # no box thin enough to fall between pixels
        box = np.stack([starts, starts + lengths], axis=1).flatten().tolist()
        record = make_box_record(make_record, box, slice_spacing=(1.0, 1.0))
        image_size = rng.integers(slack + 1, 45, 2).tolist()
        try:
            check_fit([record], image_size, spacing)
        except InputError:
            refused += 1
            assert loses_foreground(record, [size - slack for size in image_size], spacing)
        else:
            assert not loses_foreground(record, image_size, spacing)
    assert 20 < refused < 180


def test_rounding_refuses_no_slice_that_fits_whole(make_record):
    record = make_box_record(make_record, (0, 220, 0, 30), (220, 30, 5), slice_spacing=(1.1, 1.1))
    assert 220 * 1.1 > 242  # in floating point
    check_fit([record], (242, 33), (1.0, 1.0))


def test_sizes_are_those_of_the_transform():
    item = {"image": torch.rand(1, 41, 30), "mask": torch.ones(1, 41, 30), "slice_spacing": (1.0, 1.0)}
    for spacing in ((1.3, 0.9), (2.0, 0.7), (100.0, 100.0)):
        expected = resampled_size((41, 30), (1.0, 1.0), spacing)
        assert ResampleSliced(spacing)(item)["image"].shape[1:] == expected


def test_the_error_names_the_scan_and_a_size_that_fits(make_record):
    small = make_record("sub-P01", shape=(40, 30, 5), axes="PLS", foreground_box=(15, 25, 10, 20))
    large = make_record("sub-P02", shape=(40, 30, 5), axes="PLS", foreground_box=(2, 20, 10, 20))
    with pytest.raises(InputError, match=r"\[20, 12\].*sub-P02.*\[36, 10\] pixels.*--image_size \[48, 16\]") as error:
        check_fit([small, large, small], [20, 12], None)
    remedy = json.loads(str(error.value).partition("--image_size ")[2].partition("]")[0] + "]")
    check_fit([small, large], remedy, None)


def test_slices_that_do_not_fit_are_refused_where_the_items_are_listed(dataset_dir):
    slice_items(dataset_dir, "train", (24, 20))
    with pytest.raises(InputError, match="would crop foreground"):
        slice_items(dataset_dir, "train", (8, 8))
    assert slice_items(dataset_dir, "train", (12, 12), spacing=(16.0, 16.0))


def test_an_unknown_split_and_a_missing_dataset_are_refused(dataset_dir, tmp_path):
    with pytest.raises(InputError, match="'dev'"):
        slice_items(dataset_dir, "dev")
    with pytest.raises(InputError, match="python -m data_prep"):
        slice_items(tmp_path / "nothing", "train")
