import hashlib
import struct

import nibabel as nib
import numpy as np
import pytest

from monai_vq.data import VolumeError, read_volume
from monai_vq.data.volume import check_affine, check_intensities
from monai_vq.errors import InputError

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


def flip_a_byte_of_the_origin(image):
    content = bytearray(struct.pack("<f", AFFINE[1, 3]))
    content[3] ^= 0x31
    image.set_sform(AFFINE, 1)
    image.set_qform(None, 0)
    (image.header["srow_y"][3],) = struct.unpack("<f", content)
    image._affine = image.header.get_best_affine()


def say_metres(image):
    image.set_sform(AFFINE * 1e-3, 1)
    image.set_qform(None, 0)
    image.header.set_zooms((0.0015, 0.001, 0.002))


def turn_the_qform(image):
    image.set_sform(AFFINE, 1)
    image.set_qform(np.diag([1.5, 1.0, 2.0, 1.0]), 1)  # the same voxel size, other axes


def mirror_the_qform(image):
    image.set_sform(AFFINE, 1)
    image.set_qform(np.diag([-1.0, 1, 1, 1]) @ AFFINE, 1)


def scale_the_affine(image):
    image.set_sform(AFFINE @ np.diag([1.1, 1, 1, 1]), 4)
    image.header.set_zooms((1.5, 1.0, 2.0))


# [arguments of save, what the message says]
BAD = [
    [{"voxels": voxel(np.nan)}, r"1 of 504 voxels are NaN or infinite; "],
    [{"voxels": voxel(np.inf)}, r"1 of 504 voxels are NaN or infinite; "],
    [{"voxels": np.full((7, 8, 9), 12, np.int16)}, r"every voxel has the value 12; "],
    [
        {"edit": lose_the_affine},
        r"\[1\.0, 1\.0, 1\.0\] mm contradicts the header's \[1\.2, 0\.94, 0\.94\] mm.*--assume_orientation .*sform",
    ],
    [
        {"edit": forget_the_orientation},
        r"no orientation \(sform_code and qform_code are 0\); give --assume_orientation",
    ],
    [{"edit": scale_the_affine}, r"\[1\.65, 1\.0, 2\.0\] mm contradicts the header's \[1\.5, 1\.0, 2\.0\] mm; convert"],
    [{"edit": turn_the_qform}, r"sform and qform contradict one another: axes PSR and RAS"],
    [{"edit": mirror_the_qform}, r"sform and qform contradict one another: axes PSR and PSL"],
    [{"edit": flatten_the_affine}, r"affine is singular"],
    [{"edit": flip_a_byte_of_the_origin}, r"the first voxel lies at .*e\+.* mm, expected within 10000 mm of 0"],
    [{"edit": say_metres}, r"singular|voxel size .* expected 0\.05 to 30"],
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_a_volume_that_would_silently_spoil_a_dataset_is_refused(save, arguments, message):
    path = save(**arguments)
    with pytest.raises(VolumeError, match=message):
        read_volume(path)


@pytest.mark.parametrize("lose", [lose_the_affine, forget_the_orientation])
def test_assumed_axes_stand_in_for_an_orientation_that_was_lost(save, lose):
    volume = read_volume(save(edit=lose), assume_axes="PSR")
    assert volume.axes == "PSR"
    assert volume.spacing == ((1.2, 0.94, 0.94) if lose is lose_the_affine else (1.5, 1.0, 2.0))
    centre = volume.affine @ [3, 3.5, 4, 1]
    np.testing.assert_allclose(centre, [0, 0, 0, 1], atol=1e-6)
    np.testing.assert_array_equal(volume.array, VOXELS)


def test_assumed_axes_change_nothing_where_the_header_knows(save):
    np.testing.assert_array_equal(read_volume(save(), assume_axes="RAS").affine, read_volume(save()).affine)


@pytest.mark.parametrize("edit", [scale_the_affine, turn_the_qform, flatten_the_affine, say_metres])
def test_assumed_axes_do_not_excuse_other_faults(save, edit):
    path = save(edit=edit)
    with pytest.raises(VolumeError):
        read_volume(path, assume_axes="PSR")


@pytest.mark.parametrize("axes", ["PSX", "PAS", "PS", "psr", ""])
def test_impossible_axes_are_refused_where_they_would_be_used(save, axes):
    path = save(edit=forget_the_orientation)
    with pytest.raises(InputError, match=f"axes '{axes}': expected three capital letters"):
        read_volume(path, assume_axes=axes)


def test_forms_that_differ_a_little_and_matrices_with_shear_are_kept(save):
    def register(image):
        shear = np.eye(4)
        shear[0, 1] = 0.01  # a registration to a template turns and shears
        image.set_qform(AFFINE, 1)
        image.set_sform(shear @ AFFINE, 4)

    volume = read_volume(save(edit=register))
    assert volume.axes == "PSR"
    assert volume.affine[0, 0] == pytest.approx(-0.015)


def test_checks_name_the_fault_of_bare_arrays():
    check_affine(AFFINE)
    check_intensities(VOXELS)
    with pytest.raises(VolumeError, match="singular or not finite"):
        check_affine(AFFINE * [1, 1, np.nan, 1])
    with pytest.raises(VolumeError, match=r"voxel size .*40\.0.*expected 0\.05 to 30\.0 mm"):
        check_affine(np.diag([40.0, 1, 1, 1]))
    with pytest.raises(VolumeError, match="1 of 504 voxels"):
        check_intensities(voxel(np.nan))


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        read_volume(tmp_path / "none.nii.gz")
