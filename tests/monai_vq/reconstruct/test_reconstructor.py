from itertools import product

import nibabel as nib
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from skimage.metrics import structural_similarity

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices, save_dicom
from monai_vq.data.dicom import read_series
from monai_vq.data.slicing import SlicingSettings
from monai_vq.errors import InputError
from monai_vq.networks import VQVAE
from monai_vq.reconstruct.inputs import find_inputs
from monai_vq.reconstruct.reconstructor import ScanReconstructor

FLIPS = ["".join(letters) for letters in product("RL", "AP", "SI")]
PERMUTATIONS = ["ARS", "SRA", "PSR", "ASL", "IPR"]


@pytest.mark.parametrize("axes", [*FLIPS, *PERMUTATIONS])
def test_an_identity_gives_nifti_back_whatever_its_axes(tmp_path, write_head, through_model, check_geometry, axes):
    path = write_head(tmp_path / "head.nii.gz", axes=axes)
    done, files = through_model(path)
    check_geometry(done, files)
    for written in (files.recon, files.error):
        np.testing.assert_array_equal(nib.load(written).affine, nib.load(path).affine)
        assert "".join(nib.aff2axcodes(nib.load(written).affine)) == axes


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("form", ["sform", "qform", "NIfTI-2", "pair"])
def test_an_oblique_scan_keeps_its_affine_to_the_bit(tmp_path, write_head, through_model, check_geometry, plane, form):
    straight = nib.load(write_head(tmp_path / "straight/head.nii.gz", axes="PSR"))
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", [7, -11, 19], degrees=True).as_matrix() @ straight.affine[:3, :3]
    affine[:3, 3] = (-71.3, 55.7, -33.1)
    kind = {"NIfTI-2": nib.Nifti2Image, "pair": nib.Nifti1Pair}.get(form, nib.Nifti1Image)
    image = kind(np.asarray(straight.dataobj), affine)
    if form == "qform":
        image.set_qform(affine, 1)
        image.set_sform(None, 0)
    path = tmp_path / ("oblique.img" if form == "pair" else "oblique.nii")
    image.to_filename(path)
    done, files = through_model(path, plane=plane)
    check_geometry(done, files, plane)
    np.testing.assert_array_equal(nib.load(files.recon).affine, nib.load(path).affine)
    assert type(nib.load(files.recon)) is (nib.Nifti2Image if form == "NIfTI-2" else nib.Nifti1Image)


@pytest.mark.parametrize("axes", ["LAS", "ASL"])
def test_an_identity_gives_analyze_back(tmp_path, write_head, through_model, check_geometry, axes):
    array = np.asarray(nib.load(write_head(tmp_path / "true/head.nii.gz", axes=axes)).dataobj)
    image = nib.AnalyzeImage(array.astype(np.int16), np.diag([8.0, 8, 8, 1]))
    image.to_filename(tmp_path / "head.img")
    done, files = through_model(tmp_path / "head.hdr", assume_axes=axes)
    check_geometry(done, files)
    np.testing.assert_array_equal(nib.load(files.recon).affine, done.affine.astype(np.float32))
    assert nib.load(files.recon).shape == array.shape


@pytest.mark.parametrize("directions", ["PIR", "LIP", "LPS"])
def test_an_identity_gives_dicom_back(tmp_path, write_head, through_model, check_geometry, directions):
    image = nib.load(write_head(tmp_path / "true/head.nii.gz", axes=directions))
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("xyz", [3, 5, -4], degrees=True).as_matrix()
    slices = make_slices(np.asarray(image.dataobj).astype(np.int16), turn @ image.affine, DicomSeries())
    for number, dataset in enumerate(slices):
        save_dicom(dataset, tmp_path / f"series/I{len(slices) - number:03d}")
    done, files = through_model(tmp_path / "series")
    check_geometry(done, files)
    (scan,) = find_inputs(tmp_path / "series").scans
    source = read_series(scan.files)
    np.testing.assert_array_equal(done.affine, source.affine)
    np.testing.assert_array_equal(done.original, source.array)
    np.testing.assert_array_equal(nib.load(files.recon).affine, source.affine.astype(np.float32))


@pytest.mark.parametrize("spacing", [(6.0, 6.0), (8.0, 5.0), (11.0, 11.0)])
def test_another_pixel_size_keeps_the_grid_and_costs_only_detail(tmp_path, write_head, through_model, spacing):
    path = write_head(tmp_path / "head.nii.gz", axes="PSR")
    done, files = through_model(path, spacing=spacing, image_size=(64, 64))
    np.testing.assert_array_equal(nib.load(files.recon).affine, nib.load(path).affine)
    low, high = done.latent.window
    inside = np.zeros(done.shape, bool)
    done.latent.placement.in_plane(inside)[list(done.latent.placement.slice_indices)] = True
    window = np.clip(done.original, low, high)[inside]
    assert np.corrcoef(done.recon[inside], window)[0, 1] > 0.93  # a shift of one voxel gives less than 0.9
    assert abs(done.recon[inside].mean() - window.mean()) < 0.02 * (high - low)


def test_what_the_image_size_cuts_off_is_not_claimed(tmp_path, write_head, through_model):
    done, files = through_model(write_head(tmp_path / "head.nii.gz"), image_size=(16, 12))
    rows, columns = done.latent.fit.covered
    assert (rows.sum(), columns.sum()) == (16, 12)
    assert 0 < done.cut_share < 1
    low = np.float32(done.latent.window[0])
    slices = done.latent.placement.in_plane(np.asarray(nib.load(files.recon).dataobj))
    errors = done.latent.placement.in_plane(np.asarray(nib.load(files.error).dataobj))
    assert (slices[:, ~rows] == low).all()
    assert (slices[:, :, ~columns] == low).all()
    assert not errors[:, ~rows].any()
    assert not errors[:, :, ~columns].any()
    assert errors.any()


def test_the_window_is_that_of_the_whole_head(tmp_path, write_head, through_model):
    path = write_head(tmp_path / "head.nii.gz")
    done, _ = through_model(path, slice_range=(0.25, 0.5))
    everything, _ = through_model(path, slice_range=(0.0, 1.0))
    assert done.latent.window == everything.latent.window
    assert set(done.latent.placement.slice_indices) < set(everything.latent.placement.slice_indices)


def test_batches_change_nothing(tmp_path, write_head, through_model, make_network):
    path, network = write_head(tmp_path / "head.nii.gz"), make_network("projected")
    one, many = (through_model(path, network, batch_size=size)[0] for size in (1, 64))
    np.testing.assert_allclose(one.recon, many.recon, rtol=1e-4, atol=1e-3)
    assert torch.equal(one.latent.codes, many.latent.codes)
    np.testing.assert_allclose(one.scores["ssim"], many.scores["ssim"], atol=1e-6)


def test_scores_are_those_of_scikit_image_on_the_slices(tmp_path, write_head, through_model, make_network):
    done, _ = through_model(write_head(tmp_path / "head.nii.gz"), make_network("vector"), image_size=(28, 24))
    low, high = done.latent.window
    x, x_hat = (
        (np.clip(done.latent.placement.in_plane(volume), low, high) - low) / (high - low)
        for volume in (done.original, done.recon)
    )
    for row in done.scores.to_dict("records"):
        index = int(row["slice_index"])
        expected = structural_similarity(
            x[index], x_hat[index], gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1.0
        )
        assert row["ssim"] == pytest.approx(expected, abs=1e-4)
        assert row["mae"] == pytest.approx(np.abs(x[index] - x_hat[index]).mean(), abs=1e-4)
        assert row["bits_per_pixel"] == pytest.approx(4 * 7 * 6 / (28 * 24))


def test_noise_reaches_the_model_alone(cut_head, identity_network):
    volume, _ = cut_head
    model = ScanReconstructor(identity_network, SlicingSettings("axial", (0.25, 0.75)), (32, 32))
    seen = []
    done = model.reconstruct(volume, lambda x: (x + 0.1).clamp(0, 1), seen.append)
    assert all(torch.allclose(batch.x_hat, (batch.x + 0.1).clamp(0, 1)) for batch in seen)
    assert done.scores["mae"].min() > 0.05
    np.testing.assert_array_equal(done.original, volume.array)
    assert sum(len(batch.slice_indices) for batch in seen) == len(done.scores)


def test_the_middle_and_the_worst_slice_are_shown(cut_head, make_network):
    volume, _ = cut_head
    model = ScanReconstructor(make_network("vector"), SlicingSettings("axial", (0.25, 0.75)), (32, 32), batch_size=2)
    done = model.reconstruct(volume)
    by_rank = {picture.rank: picture for picture in done.pictures}
    indices = done.latent.placement.slice_indices
    assert by_rank["middle"].slice_index == indices[len(indices) // 2]
    worst = done.scores.loc[done.scores["ssim_foreground"].idxmin()]
    assert by_rank["worst"].slice_index == worst["slice_index"]
    assert by_rank["worst"].ssim == worst["ssim_foreground"]


def test_a_network_that_fails_is_named(cut_head, identity_network, monkeypatch):
    volume, _ = cut_head
    monkeypatch.setattr(VQVAE, "decode_latent", lambda self, codes, side: side * torch.nan)
    with pytest.raises(FloatingPointError, match="give --precision fp32"):
        ScanReconstructor(identity_network, SlicingSettings(), (32, 32)).reconstruct(volume)


def test_a_model_of_pictures_cuts_no_volume(cut_head, identity_network):
    with pytest.raises(InputError, match="give a prepared dataset"):
        ScanReconstructor(identity_network, None, (32, 32)).reconstruct(cut_head[0])
