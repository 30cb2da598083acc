import hashlib
import struct

import nibabel as nib
import numpy as np
import pytest

from monai_vq.data import VolumeError, read_volume

AFFINE = np.array([[0, 0, 2.0, -90], [-1.5, 0, 0, 100], [0, 1.0, 0, -70], [0, 0, 0, 1]])  # PSR, 1.5 x 1 x 2 mm
VOXELS = np.random.default_rng(0).normal(300, 100, (7, 8, 9)).astype(np.float32)


@pytest.fixture
def save(tmp_path):
    """Writes a volume as a file and returns its path."""

    def write(voxels=VOXELS, affine=AFFINE, name="scan.nii.gz", edit=lambda image: None):
        image = nib.Nifti1Image(voxels, affine)
        edit(image)
        nib.save(image, tmp_path / name)
        return tmp_path / name

    return write


def test_a_good_volume_keeps_values_axes_and_hash(save):
    path = save()
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.array, VOXELS)
    np.testing.assert_allclose(volume.affine, AFFINE)
    assert (volume.array.dtype, volume.axes, volume.spacing) == (np.float32, "PSR", (1.5, 1.0, 2.0))
    assert volume.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_intensity_scaling_of_the_header_is_applied(tmp_path):
    stored = np.arange(504, dtype=np.int16).reshape(7, 8, 9)
    content = bytearray(nib.Nifti1Image(stored, AFFINE).to_bytes())
    struct.pack_into("<2f", content, 112, 2.5, 7.0)  # scl_slope and scl_inter, which nibabel would set by itself
    path = tmp_path / "scan.nii"
    path.write_bytes(content)
    np.testing.assert_array_equal(read_volume(path).array, 2.5 * stored + 7)


def test_a_fourth_dimension_of_one_is_dropped(save):
    np.testing.assert_array_equal(read_volume(save(VOXELS[..., None])).array, VOXELS)


def test_voxel_hash_knows_copies_that_were_renamed_unzipped_or_turned(save):
    reference = read_volume(save()).voxel_sha256()
    plain = save(name="other.nii")
    turned = nib.as_closest_canonical(nib.load(save()))
    nib.save(turned, plain.with_name("turned.nii.gz"))
    changed = VOXELS.copy()
    changed[1, 2, 3] += 1
    assert read_volume(plain).voxel_sha256() == reference
    assert read_volume(plain.with_name("turned.nii.gz")).voxel_sha256() == reference
    assert read_volume(save(changed, name="changed.nii.gz")).voxel_sha256() != reference


def voxel(value):
    changed = VOXELS.copy()
    changed[2, 3, 4] = value
    return changed


def lose_the_affine(image):
    image.set_sform(np.eye(4), 2)
    image.set_qform(None, 0)
    image.header.set_zooms((1.2, 0.94, 0.94))


def forget_the_orientation(image):
    image.set_sform(None, 0)
    image.set_qform(None, 0)


def flatten_the_affine(image):
    image.set_sform(np.diag([1.5, 1.0, 0.0, 1.0]), 1)
    image.header.set_zooms((1.5, 1.0, 1.0))


def say_metres(image):
    image.set_sform(AFFINE * 1e-3, 1)
    image.set_qform(None, 0)
    image.header.set_zooms((0.0015, 0.001, 0.002))


# [arguments of save, what the message says]
BAD = [
    [{"voxels": voxel(np.nan)}, r"1 of 504 voxels are NaN or infinite; "],
    [{"voxels": voxel(np.inf)}, r"1 of 504 voxels are NaN or infinite; "],
    [{"voxels": np.full((7, 8, 9), 12, np.int16)}, r"every voxel has the value 12; "],
    [{"edit": lose_the_affine}, r"\[1\.0, 1\.0, 1\.0\] mm contradicts the header's \[1\.2, 0\.94, 0\.94\] mm.*sform"],
    [{"edit": forget_the_orientation}, r"no orientation \(sform_code and qform_code are 0\)"],
    [{"edit": flatten_the_affine}, r"affine is singular"],
    [{"edit": say_metres}, r"singular|voxel size .* expected 0\.05 to 30"],
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_a_volume_that_would_silently_spoil_a_dataset_is_refused(save, arguments, message):
    path = save(**arguments)
    with pytest.raises(VolumeError, match=message):
        read_volume(path)


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        read_volume(tmp_path / "none.nii.gz")
