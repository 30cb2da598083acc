import hashlib
import struct

import nibabel as nib
import numpy as np
import pytest

from monai_vq.data import VolumeError, to_plane
from monai_vq.data.analyze import read_analyze
from monai_vq.errors import InputError

VOXELS = np.random.default_rng(0).integers(0, 200, (7, 8, 9)).astype(np.int16)
ZOOMS = (1.0, 1.25, 2.0)
PIXDIM = range(80, 92)  # bytes of the three voxel sizes


@pytest.fixture
def save(tmp_path):
    """Writes a pair with nibabel and returns its two paths."""

    def write(voxels=VOXELS, order=">", zooms=ZOOMS):
        header = nib.AnalyzeHeader(endianness=order)
        header.set_data_dtype(voxels.dtype)
        header.set_data_shape(voxels.shape)
        header.set_zooms((*zooms, 1)[: voxels.ndim])
        nib.AnalyzeImage(voxels, None, header).to_filename(tmp_path / "scan.img")
        return tmp_path / "scan.hdr", tmp_path / "scan.img"

    return write


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_voxels_and_affine_are_those_of_nibabel(save, order, dtype):
    files = save(VOXELS.astype(dtype), order)
    volume, reference = read_analyze(files), nib.load(files[1])
    np.testing.assert_array_equal(volume.array, reference.get_fdata())
    np.testing.assert_allclose(volume.affine, reference.affine)
    assert (volume.array.dtype, volume.axes, volume.spacing) == (np.float32, "LAS", ZOOMS)


def test_a_fourth_dimension_of_one_is_dropped(save):
    assert read_analyze(save(VOXELS[..., None])).array.shape == (7, 8, 9)


def test_the_hash_is_of_both_files(save):
    files = save()
    lines = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}\n" for path in files)
    assert read_analyze(files).sha256 == hashlib.sha256(lines.encode()).hexdigest()
    files[0].write_bytes(files[0].read_bytes()[:-1] + b"!")
    assert read_analyze(files).sha256 != hashlib.sha256(lines.encode()).hexdigest()


# [axes, slice, row and column at which voxel (5, 6, 1) of 7 x 8 x 9 must appear: rows run backwards, columns leftwards]
LANDMARKS = [
    ["LAS", 1, 8 - 1 - 6, 5],
    ["ASL", 6, 7 - 1 - 5, 1],
    ["RPI", 9 - 1 - 1, 6, 7 - 1 - 5],
]


@pytest.mark.parametrize(("axes", "slice_", "row", "column"), LANDMARKS)
def test_a_landmark_appears_where_the_true_axes_put_it(save, axes, slice_, row, column):
    voxels = VOXELS.copy()
    voxels[5, 6, 1] = 5000
    volume = read_analyze(save(voxels), axes=axes)
    axial = to_plane(volume.array, volume.affine, "axial")
    assert np.argwhere(axial == 5000).tolist() == [[slice_, row, column]]


def test_the_matrix_of_raw_oasis_1_is_that_of_the_published_correction(save):
    """Winkler's `fslorient -setsform 0 0 -1.25 0 1 0 0 0 0 1 0 0 0 0 0 1`, but for the origin, stored nowhere."""
    volume = read_analyze(save(zooms=(1, 1, 1.25)), axes="ASL")
    np.testing.assert_array_equal(volume.affine[:3, :3], [[0, 0, -1.25], [1, 0, 0], [0, 1, 0]])
    np.testing.assert_allclose(volume.affine @ [3, 3.5, 4, 1], [0, 0, 0, 1])


def test_impossible_axes_are_an_input_error(save):
    with pytest.raises(InputError, match="LAR"):
        read_analyze(save(), axes="LAR")


def broken(dtype, value):
    voxels = VOXELS.astype(dtype)
    voxels[2, 3, 4] = value
    return voxels


# [voxels, what the message says]
BAD = [
    [broken(np.float32, np.nan), "1 of 504 voxels are NaN or infinite"],
    [broken(np.float32, np.inf), "1 of 504 voxels are NaN or infinite"],
    [broken(np.float64, 1e300), "1 of 504 voxels are NaN or infinite"],
    [np.full((7, 8, 9), 12, np.int16), "every voxel has the value 12"],
    [VOXELS.astype(np.complex64), "expected real numbers"],
]


@pytest.mark.parametrize(("voxels", "message"), BAD)
def test_voxels_of_which_no_picture_can_be_made_are_refused(save, voxels, message):
    files = save(voxels)
    with pytest.raises(VolumeError, match=message):
        read_analyze(files)


@pytest.mark.parametrize("magic", [b"ni1\0", b"n+1\0"])
def test_a_nifti_header_is_refused(save, magic):
    files = save()
    files[0].write_bytes(files[0].read_bytes()[:-4] + magic)
    with pytest.raises(VolumeError, match=r"header is of NIfTI.*source nifti"):
        read_analyze(files)


def test_a_voxel_size_of_zero_is_refused_where_nibabel_takes_one(save):
    files = save()
    content = bytearray(files[0].read_bytes())
    struct.pack_into(">f", content, PIXDIM[4], 0.0)
    files[0].write_bytes(content)
    assert nib.load(files[1]).header.get_zooms() == (1.0, 1.0, 2.0)
    with pytest.raises(VolumeError, match=r"voxel size \[1\.0, 0\.0, 2\.0\].*pixdim"):
        read_analyze(files)


def test_every_cut_is_refused(save):
    files = save()
    for path in files:
        content = path.read_bytes()
        for length in np.random.default_rng(0).choice(len(content), 100, replace=False):
            path.write_bytes(content[:length])
            with pytest.raises(VolumeError):
                read_analyze(files)
        path.write_bytes(content)
    assert read_analyze(files).array.shape == (7, 8, 9)


def test_a_changed_byte_of_the_header_is_refused_or_harmless_but_for_the_voxel_size(save):
    files = save()
    content, reference, silent = files[0].read_bytes(), read_analyze(files), set()
    rng = np.random.default_rng(0)
    flips = [(position, 1 << bit) for position in (*range(4), *range(40, 112)) for bit in range(8)]  # sizes and types
    for position, mask in [*flips, *zip(rng.integers(0, 348, 200), rng.integers(1, 256, 200), strict=True)]:
        changed = bytearray(content)
        changed[position] ^= int(mask)
        files[0].write_bytes(changed)
        try:
            volume = read_analyze(files)
        except VolumeError:
            continue
        if not (np.array_equal(volume.array, reference.array) and np.allclose(volume.affine, reference.affine)):
            silent.add(int(position))
    assert silent <= set(PIXDIM)


def test_a_changed_byte_among_the_voxels_goes_unseen_as_the_format_has_no_checksum(save):
    files = save()
    content = bytearray(files[1].read_bytes())
    struct.pack_into(">h", content, 100, 4321)
    files[1].write_bytes(content)
    assert np.count_nonzero(read_analyze(files).array != VOXELS) == 1
