import errno
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from monai_vq.data import VolumeError
from monai_vq.data.slicing import SlicingSettings
from monai_vq.engines.reconstruct.loading import describe_failure, load_scan
from monai_vq.errors import InputError
from monai_vq.reconstruct.inputs import find_inputs
from monai_vq.reconstruct.prepared import find_prepared
from monai_vq.reconstruct.volume_file import MADE_HERE, make_header, planes, write_volume


def test_a_volume_and_its_prepared_slices_are_one_scan(tiny_dataset, tmp_path):
    prepared = find_prepared(tiny_dataset).scans[0]
    (volume,) = find_inputs(tiny_dataset.parent / "bids" / prepared.place).scans
    ours = load_scan(volume, SlicingSettings("axial", (0.3, 0.7), 4), tiny_dataset, tmp_path)
    theirs = load_scan(prepared, None, tiny_dataset, tmp_path)
    np.testing.assert_array_equal(ours.cut.slices, theirs.cut.slices)
    np.testing.assert_array_equal(ours.cut.mask, theirs.cut.mask)
    assert (ours.cut.slice_indices, ours.cut.window) == (theirs.cut.slice_indices, theirs.cut.window)
    assert ours.sha256 == theirs.sha256
    assert ours.header is not None
    assert theirs.header is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (VolumeError("it is flat", "bend it"), "it is flat"),
        (PermissionError(13, "Permission denied", "/data/JANE_DOE.nii"), "it cannot be opened (Permission denied)"),
        (OSError(28, "No space left on device", "/data/JANE_DOE"), "the disk of --output_dir became full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk of --output_dir became full"),
        (MemoryError(), "it does not fit into memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "it does not fit into memory"),
        (InputError("an odd setting"), "an odd setting"),
    ],
)
def test_a_failure_is_told_without_names_of_files(tiny_dataset, error, reason):
    scan = replace(find_prepared(tiny_dataset).scans[0], place="series-1")
    told = describe_failure(scan, error)
    assert (told.place, told.reason) == ("series-1", reason)
    assert told.remedy
    assert "DOE" not in str(told)


def test_a_localizer_is_no_volume(tmp_path):
    voxels = np.random.default_rng(0).integers(0, 99, (60, 60, 1), np.int16)
    nib.save(nib.Nifti1Image(voxels, np.diag([4.0, 4, 5, 1])), tmp_path / "localizer.nii.gz")
    (scan,) = find_inputs(tmp_path).scans
    with pytest.raises(VolumeError, match="60 x 60 x 1 voxels, expected at least 8 along each axis"):
        load_scan(scan, SlicingSettings(), tmp_path, tmp_path / "out")


def test_what_was_made_here_is_no_scan(tmp_path, write_head):
    image = nib.load(write_head(tmp_path / "head.nii.gz"))
    header = make_header(image.shape, image.affine, image.header, f"{MADE_HERE} of a test")
    (tmp_path / "in").mkdir()
    write_volume(tmp_path / "in/head_recon.nii.gz", header, planes(image.get_fdata(dtype=np.float32)))
    (scan,) = find_inputs(tmp_path / "in").scans
    with pytest.raises(VolumeError, match="it is a reconstruction, or the error of one; give the scans themselves"):
        load_scan(scan, SlicingSettings(), tmp_path / "in", tmp_path / "out")
