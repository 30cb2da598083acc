import gzip

import nibabel as nib
import numpy as np
import pytest

from data_prep.sources.neurite_slice import read_slice
from monai_vq.data import VolumeError
from monai_vq.data.hashing import files_sha256

AFFINE = np.array([[-1.0, 0, 0, 80], [0, 0, 1, -112], [0, -1, 0, 96], [0, 0, 0, 1]])
RNG = np.random.default_rng(0)
COLUMN, ROW = np.indices((160, 192))
BRAIN = np.hypot((COLUMN - 80) / 50, (ROW - 90) / 70) < 1
PIXELS = np.where(BRAIN, RNG.uniform(0.3, 0.9, (160, 192)), 0).astype(np.float32)
PIXELS[110:120, 40:50] = 1  # at the patient's left (i runs from right to left), above the middle


@pytest.fixture
def save(tmp_path):
    """Writes an array as a NIfTI file and returns its path."""

    def write(array=PIXELS, name="slice_norm.nii.gz", endianness="<"):
        header = nib.Nifti1Header(endianness=endianness)
        image = nib.Nifti1Image(array.astype(array.dtype.newbyteorder(endianness)), AFFINE, header)
        path = tmp_path / name
        content = image.to_bytes()
        path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
        return path

    return write


@pytest.mark.parametrize("endianness", ["<", ">"])
@pytest.mark.parametrize("name", ["slice_norm.nii.gz", "slice_norm.nii"])
@pytest.mark.parametrize("depth", [(), (1,), (1, 1)])
def test_flat_and_one_slice_thick_are_the_same(save, name, depth, endianness):
    path = save(PIXELS.reshape(*PIXELS.shape, *depth), name, endianness)
    stack = read_slice((path,))
    np.testing.assert_array_equal(stack.slices, np.rint(PIXELS.T * 65535).astype(np.uint16)[None])
    assert stack.slices[0, 45, 115] == 65535  # row from the top, column from the patient's right
    assert (stack.slices.shape, stack.slices.dtype) == ((1, 192, 160), np.uint16)
    assert (stack.slice_spacing, stack.plane, stack.labels) == ((1.0, 1.0), "coronal", None)
    assert stack.sha256 == files_sha256((path,))


def test_foreground_is_the_brain(save):
    mask = read_slice((save(),)).mask[0]
    brain = BRAIN.T
    assert mask.shape == brain.shape
    assert (mask & brain).sum() > 0.98 * brain.sum()
    assert (mask & ~brain).sum() < 0.1 * brain.sum()


def test_labels_are_turned_with_the_slice_and_hashed_with_it(save):
    labels = (PIXELS > 0.5).astype(np.int32) * 4
    files = save(), save(labels, "slice_seg4.nii.gz")
    stack = read_slice(files)
    np.testing.assert_array_equal(stack.labels, labels.T[None])
    assert (stack.labels.dtype, stack.sha256) == (np.uint8, files_sha256(files))


@pytest.mark.parametrize("labels", [PIXELS, PIXELS.T > 0, np.full(PIXELS.shape, 256.0), np.full(PIXELS.shape, -1.0)])
def test_labels_that_are_none_are_refused(save, labels):
    with pytest.raises(VolumeError, match="labels"):
        read_slice((save(), save(labels.astype(np.float32), "slice_seg4.nii.gz")))


def edited(value):
    changed = PIXELS.copy()
    changed[0, 0] = value
    return changed


# [array, message]
BAD = [
    [edited(np.nan), "1 of 30720 voxels are NaN"],
    [edited(1.1), r"intensities from 0 to 1\.1, expected 0 to 1"],
    [edited(-0.1), r"intensities from -0\.1 to 1"],
    [(PIXELS * 255).astype(np.uint8), "intensities from 0 to 255"],
    [np.zeros_like(PIXELS), "every voxel has the value 0"],
    [np.stack([PIXELS, PIXELS], -1), r"shape \(160, 192, 2\), expected one flat slice; give another --image"],
]


@pytest.mark.parametrize(("array", "message"), BAD)
def test_what_is_no_slice_between_0_and_1_is_refused(save, array, message):
    with pytest.raises(VolumeError, match=message):
        read_slice((save(array),))


def test_a_little_overshoot_of_interpolation_is_clipped(save):
    assert read_slice((save(edited(1.0005)),)).slices[0, 0, 0] == 65535


def test_a_bomb_is_not_inflated(save):
    path = save()
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + bytes(64 << 20)))
    with pytest.raises(VolumeError, match="expected one flat slice"):
        read_slice((path,))


def test_no_flipped_byte_of_the_gzip_stream_changes_a_pixel_unnoticed(save):
    path = save()
    whole, good = path.read_bytes(), read_slice((path,))
    refused = 0
    for position in np.random.default_rng(1).integers(0, len(whole), 100):
        content = bytearray(whole)
        content[position] ^= 1 << int(position % 8)
        path.write_bytes(content)
        try:
            stack = read_slice((path,))
        except VolumeError:
            refused += 1
        else:
            np.testing.assert_array_equal(stack.slices, good.slices)
    assert refused >= 95


@pytest.mark.parametrize("content", [b"", b"<html>Please log in</html>", gzip.compress(b"short")])
def test_other_content_is_refused(tmp_path, content):
    (tmp_path / "slice_norm.nii.gz").write_bytes(content)
    with pytest.raises(VolumeError):
        read_slice((tmp_path / "slice_norm.nii.gz",))
