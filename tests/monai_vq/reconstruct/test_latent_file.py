import nibabel as nib
import numpy as np
import pytest
import torch

from monai_vq.reconstruct.latent_file import device_of
from monai_vq.reconstruct.latent_reading import read_latent


@pytest.mark.parametrize("latent", ["projected, 4 bits", "hybrid, 4 bits"])
def test_rounded_gains_are_stored_as_their_indices(tmp_path, write_head, through_model, make_network, latent):
    _, files = through_model(write_head(tmp_path / "head.nii.gz"), make_network(latent))
    with np.load(files.codes) as file:
        assert "side" not in file
        assert (file["gain_indices"].dtype, file["codes"].dtype) == (np.uint8, np.uint8)
        assert file["gain_indices"].max() < file["gain_levels"].shape[1] == 16


@pytest.mark.parametrize("latent", ["vector", "hybrid, 4 bits", "frequency"])
def test_what_is_written_is_read(tmp_path, write_head, through_model, make_network, latent):
    network = make_network(latent)
    done, files = through_model(write_head(tmp_path / "head.nii.gz", axes="PSR"), network, spacing=(6.0, 7.0))
    stored = read_latent(files.codes, make_network(latent), "0" * 64)
    ours, theirs = stored.latent, done.latent
    assert torch.equal(ours.codes, theirs.codes)
    assert torch.equal(ours.side, theirs.side)
    np.testing.assert_array_equal(ours.placement.affine, done.affine)
    assert (ours.placement.shape, ours.placement.plane) == (done.shape, "axial")
    assert ours.placement.slice_indices == theirs.placement.slice_indices
    for name in ("window", "fit", "batch_size", "precision"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert (stored.scan_id, stored.checkpoint_sha256, stored.device) == ("head", "0" * 64, "cpu")


def test_only_nifti_has_a_geometry_to_be_kept(tmp_path, write_head, through_model, identity_network):
    image = nib.load(write_head(tmp_path / "head.nii.gz"))
    _, files = through_model(tmp_path / "head.nii.gz")
    assert read_latent(files.codes, identity_network).source.get_data_shape() == image.shape
    nib.AnalyzeImage(np.asarray(image.dataobj).astype(np.int16), np.diag([8.0, 8, 8, 1])).to_filename(
        tmp_path / "old.img"
    )
    _, files = through_model(tmp_path / "old.img", assume_axes="RAS")
    assert read_latent(files.codes, identity_network).source is None


def test_a_network_without_numbers_is_on_the_cpu(identity_network):
    assert device_of(identity_network) == torch.device("cpu")
