import shutil
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_vq.data import read_manifest, write_manifest
from monai_vq.engines.samples.files import check_format, slice_affine, write_images, write_latent
from monai_vq.errors import InputError


def test_an_array_or_a_file_an_image(tmp_path):
    images = torch.rand(3, 1, 6, 4)
    assert write_images(tmp_path, images, "npy", None) == ["samples.npy"] * 3
    assert np.array_equal(np.load(tmp_path / "samples.npy"), images.numpy())
    names = write_images(tmp_path, images, "nifti", np.diag([1.0, 2, 3, 1]))
    for name, image in zip(names, images, strict=True):
        read = nib.load(tmp_path / name)
        assert read.get_data_dtype() == np.float32
        np.testing.assert_array_equal(read.get_fdata(dtype=np.float32), image.numpy())
    assert (tmp_path / "samples.png").is_file()


def test_equal_samples_are_equal_files(tmp_path):
    images = torch.rand(1, 1, 6, 4)
    contents = []
    for _ in range(2):
        write_images(tmp_path, images, "nifti", np.eye(4))
        contents.append((tmp_path / "sample_0000.nii.gz").read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize(("plane", "axes"), [("axial", "SPL"), ("coronal", "AIL"), ("sagittal", "RIP"), ("", "SPL")])
def test_a_slice_lies_in_the_plane_of_the_training_slices(tiny_dataset, tmp_path, plane, axes):
    dataset_dir = shutil.copytree(tiny_dataset, tmp_path / "data")
    records = [replace(r, plane=plane, slice_spacing=(2.0, 3.0)) for r in read_manifest(dataset_dir)]
    write_manifest(dataset_dir / "manifest.csv", records)
    affine = slice_affine(str(dataset_dir), [10, 20], None)
    assert "".join(nib.aff2axcodes(affine)) == axes
    assert nib.affines.voxel_sizes(affine).tolist() == [1, 2, 3]
    assert nib.affines.voxel_sizes(slice_affine(str(dataset_dir), [10, 20], [5.0, 6.0])).tolist() == [1, 5, 6]


def test_colour_is_no_nifti():
    check_format("npy", 3)
    check_format("nifti", 1)
    with pytest.raises(InputError, match="3 channels; use --output_format npy"):
        check_format("nifti", 3)


def test_a_latent_is_read_as_it_was(tmp_path):
    codes, side = torch.randint(0, 9, (2, 3, 4)), torch.randn(2, 1, 3, 4)
    write_latent(tmp_path, codes, side)
    read = np.load(tmp_path / "latents.npz")
    assert np.array_equal(read["codes"], codes.numpy())
    assert np.array_equal(read["side"], side.numpy())
