import hashlib
import struct

import nibabel as nib
import numpy as np
import pytest

from monai_vq.data import VolumeError, to_plane
from monai_vq.data.nifti_pair import read_nifti_pair
from monai_vq.errors import InputError

VOXELS = np.random.default_rng(0).integers(0, 200, (7, 8, 9)).astype(np.int16)
AFFINE = np.array([[0, 0, -1.25, 5], [1.0, 0, 0, -3.5], [0, 1.0, 0, -4], [0, 0, 0, 1]])  # ASL, 1 x 1 x 1.25 mm
PIXDIM, SCALING, QUATERNION, MATRIX = 76, 112, 256, 280  # byte offsets in the header


@pytest.fixture
def save(tmp_path):
    """Writes a pair with nibabel, edits its header's bytes, and returns its two paths."""

    def write(voxels=VOXELS, order=">", codes=(1, 1), edits=()):
        header = nib.nifti1.Nifti1PairHeader(endianness=order)
        header.set_data_dtype(voxels.dtype)
        image = nib.Nifti1Pair(voxels, AFFINE, header)
        image.set_sform(AFFINE, codes[0])
        image.set_qform(AFFINE, codes[1])
        image.to_filename(tmp_path / "mpr-1.nifti.img")
        files = tmp_path / "mpr-1.nifti.hdr", tmp_path / "mpr-1.nifti.img"
        content = bytearray(files[0].read_bytes())
        for offset, form, *values in edits:
            struct.pack_into(f"{order}{form}", content, offset, *values)
        files[0].write_bytes(content)
        return files

    return write


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("codes", [(1, 1), (2, 0), (0, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32])
def test_voxels_and_affine_are_those_of_nibabel(save, order, codes, dtype):
    files = save(VOXELS.astype(dtype), order, codes)
    volume, reference = read_nifti_pair(files), nib.load(files[1])
    np.testing.assert_array_equal(volume.array, reference.get_fdata())
    np.testing.assert_allclose(volume.affine, reference.affine)
    assert (volume.array.dtype, volume.axes, volume.spacing) == (np.float32, "ASL", (1.0, 1.0, 1.25))
    assert reference.get_data_dtype() == np.dtype(dtype).newbyteorder(order)


def test_a_landmark_appears_where_the_affine_puts_it(save):
    voxels = VOXELS.copy()
    voxels[5, 6, 1] = 5000
    volume = read_nifti_pair(save(voxels))
    axial = to_plane(volume.array, volume.affine, "axial")
    assert np.argwhere(axial == 5000).tolist() == [[6, 7 - 1 - 5, 1]]


def test_the_scaling_is_applied_as_by_nibabel(save):
    files = save(edits=[(SCALING, "2f", 2.5, -7)])
    np.testing.assert_allclose(read_nifti_pair(files).array, nib.load(files[1]).get_fdata())
    np.testing.assert_array_equal(read_nifti_pair(files).array, 2.5 * VOXELS - 7)


@pytest.mark.parametrize("slope", [0.0, float("nan")])
def test_no_scaling_is_applied_where_the_slope_says_so(save, slope):
    np.testing.assert_array_equal(read_nifti_pair(save(edits=[(SCALING, "2f", slope, 9)])).array, VOXELS)


def test_a_fourth_dimension_of_one_is_dropped(save):
    np.testing.assert_array_equal(read_nifti_pair(save(VOXELS[..., None])).array, VOXELS)


def test_the_hash_is_of_both_files(save):
    files = save()
    lines = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}\n" for path in files)
    assert read_nifti_pair(files).sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_a_header_without_orientation_is_read_along_the_assumed_axes(save):
    files = save(codes=(0, 0))
    with pytest.raises(VolumeError, match="no orientation"):
        read_nifti_pair(files)
    volume = read_nifti_pair(files, assume_axes="ASL")
    np.testing.assert_allclose(volume.affine[:3, :3], AFFINE[:3, :3])
    np.testing.assert_allclose(volume.affine @ [3, 3.5, 4, 1], [0, 0, 0, 1])


def test_a_matrix_that_was_lost_is_replaced_by_the_assumed_axes(save):
    identity = (MATRIX, "12f", *np.eye(4)[:3].ravel())
    files = save(codes=(2, 0), edits=[identity])
    with pytest.raises(VolumeError, match="contradicts the header's"):
        read_nifti_pair(files)
    assert read_nifti_pair(files, assume_axes="ASL").axes == "ASL"


def test_assumed_axes_do_not_replace_stated_ones(save):
    np.testing.assert_allclose(read_nifti_pair(save(), assume_axes="RAS").affine, AFFINE)
    with pytest.raises(InputError, match="RAR"):
        read_nifti_pair(save(), assume_axes="RAR")


# [edits of the header, what the message says]
BAD = [
    [[(344, "4s", b"n+1\0")], "of a single NIfTI file"],
    [[(344, "4s", bytes(4))], "does not end in b'ni1"],
    [[(252, "h", 77)], r"sform_code and qform_code are \(1, 77\)"],
    [[(QUATERNION, "3f", 1, 1, 1)], "qform|orientation"],
    [[(MATRIX, "f", float("nan"))], "singular or not finite"],
    [[(MATRIX, "12f", *[0] * 12)], "singular or not finite"],
    [[(PIXDIM + 4, "f", 0)], "voxel size .* expected 0.05 to 30"],
    [[(PIXDIM + 4, "f", -1)], "voxel size .* expected 0.05 to 30"],
    [[(SCALING, "2f", 1, float("inf"))], "scaling is invalid"],
    [[(SCALING, "f", 1e38)], "NaN or infinite"],
    [[(SCALING, "f", -1)], "scaling is negative"],
    [[(SCALING, "2f", 1, 1e9)], "too coarse"],
]


@pytest.mark.parametrize(("edits", "message"), BAD)
@pytest.mark.parametrize("assume_axes", [None, "ASL"])
def test_bad_headers_are_refused_by_what_is_wrong_with_them(save, edits, message, assume_axes):
    files = save(edits=edits)
    with pytest.raises(VolumeError, match=message):
        read_nifti_pair(files, assume_axes=assume_axes)


def test_an_invalid_rotation_is_refused_where_nothing_else_gives_the_axes(save):
    files = save(codes=(0, 1), edits=[(QUATERNION, "3f", 1, 1, 1)])
    with pytest.raises(VolumeError, match="orientation is invalid"):
        read_nifti_pair(files)


def test_constant_and_broken_voxels_are_refused(save):
    for voxels, message in (
        (np.full((7, 8, 9), 3, np.int16), "every voxel has the value 3"),
        (np.where(VOXELS.max() == VOXELS, np.nan, VOXELS).astype(np.float32), "NaN or infinite"),
    ):
        files = save(voxels)
        with pytest.raises(VolumeError, match=message):
            read_nifti_pair(files)


def test_every_cut_is_refused(save):
    files = save()
    for path in files:
        content = path.read_bytes()
        needed = 348 if path.suffix == ".hdr" else len(content)  # after the header comes the flag of its extensions
        for length in np.random.default_rng(0).choice(needed, 100, replace=False):
            path.write_bytes(content[:length])
            with pytest.raises(VolumeError):
                read_nifti_pair(files)
        path.write_bytes(content)
    assert read_nifti_pair(files).array.shape == (7, 8, 9)


def test_a_changed_byte_of_the_header_is_refused_or_harmless_but_for_scaling_and_matrix(save):
    files = save()
    content, silent = files[0].read_bytes(), set()
    rng = np.random.default_rng(0)
    used = (*range(4), *range(40, 56), *range(70, 120), 123, *range(252, 328), *range(344, 348))
    flips = [(position, 1 << bit) for position in used for bit in range(0, 8, 2)]
    for position, mask in [*flips, *zip(rng.integers(0, 348, 200), rng.integers(1, 256, 200), strict=True)]:
        changed = bytearray(content)
        changed[position] ^= int(mask)
        files[0].write_bytes(changed)
        try:
            volume = read_nifti_pair(files)
        except VolumeError:
            continue
        if not (np.array_equal(volume.array, VOXELS) and np.allclose(volume.affine, AFFINE)):
            silent.add(int(position))
    assert silent <= {*range(SCALING, SCALING + 8), *range(MATRIX, MATRIX + 48)}
