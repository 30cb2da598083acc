import gzip

import nibabel as nib
import numpy as np
import pytest

from monai_vq.data import storage
from monai_vq.reconstruct.volume_file import make_header, planes, write_volume

ARRAY = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)
AFFINE = np.array([[0, 0, 2.1, -3.3], [1.3, 0.1, 0, 4], [0, 1, 0.2, 5], [0, 0, 0, 1]])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("shape", [(5, 6, 7), (5, 6, 7, 1)])
def test_nibabel_reads_what_was_written(tmp_path, order, shape):
    source = nib.Nifti1Image(ARRAY.reshape(shape), AFFINE)
    header = source.header.as_byteswapped(order)
    write_volume(tmp_path / "v.nii.gz", make_header(ARRAY.shape, header.get_best_affine(), header, "x"), planes(ARRAY))
    written = nib.load(tmp_path / "v.nii.gz")
    assert written.shape == shape
    np.testing.assert_array_equal(written.affine, header.get_best_affine())
    np.testing.assert_array_equal(np.asarray(written.dataobj).reshape(5, 6, 7), ARRAY)


def test_only_geometry_is_taken_over(tmp_path):
    source = nib.Nifti1Image(ARRAY, AFFINE)
    source.header["descrip"], source.header["db_name"] = b"Jane Doe", b"DOE"
    source.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"Jane Doe"))
    header = make_header(ARRAY.shape, source.affine, source.header, "reconstruction")
    write_volume(tmp_path / "v.nii.gz", header, planes(ARRAY))
    content = gzip.decompress((tmp_path / "v.nii.gz").read_bytes())
    assert b"Doe" not in content
    assert b"DOE" not in content


def test_without_a_source_both_forms_say_the_affine(tmp_path):
    rigid = np.diag([2.0, 3.0, 4.0, 1.0])
    write_volume(tmp_path / "v.nii.gz", make_header(ARRAY.shape, rigid, None, "x"), planes(ARRAY))
    header = nib.load(tmp_path / "v.nii.gz").header
    np.testing.assert_array_equal(header.get_sform(), rigid)
    np.testing.assert_allclose(header.get_qform(), rigid)


def test_equal_volumes_are_equal_files_and_a_failure_leaves_none(tmp_path):
    for name in ("a", "b"):
        write_volume(tmp_path / f"{name}.nii.gz", make_header(ARRAY.shape, AFFINE, None, "x"), planes(ARRAY))
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()

    def fail():
        yield ARRAY[..., 0]
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        write_volume(tmp_path / "c.nii.gz", make_header(ARRAY.shape, AFFINE, None, "x"), fail())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nii.gz", "b.nii.gz"]


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_planes_are_those_of_the_last_axis_whatever_the_order_in_memory(axes, monkeypatch):
    monkeypatch.setattr(storage, "BLOCK_BYTES", 200)  # two planes and a half
    volume = np.random.default_rng(0).normal(size=(4, 4, 5)).astype(np.float32).transpose(axes)
    np.testing.assert_array_equal(np.stack(list(planes(volume)), axis=-1), volume)
