import zipfile

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_vq.errors import InputError
from monai_vq.networks import VAE
from monai_vq.reconstruct.latent_file import decode_latent, read_latent

LATENTS = ["vector", "projected", "projected, 4 bits", "frequency", "hybrid, 4 bits", "identity"]


@pytest.mark.parametrize("latent", LATENTS)
@pytest.mark.parametrize("axes", ["RAS", "PSR"])
def test_the_file_alone_decodes_to_the_same_volume(tmp_path, write_head, through_model, make_network, latent, axes):
    network = make_network(latent)
    path = write_head(tmp_path / "head.nii.gz", axes=axes)
    done, files = through_model(path, network, spacing=(6.0, 7.0) if axes == "RAS" else None)
    stored = read_latent(files.codes, make_network(latent))
    np.testing.assert_array_equal(decode_latent(network, stored.latent), np.asarray(nib.load(files.recon).dataobj))
    np.testing.assert_array_equal(stored.latent.placement.affine, done.affine)
    assert torch.equal(stored.latent.side, done.latent.side)
    assert (stored.scan_id, stored.checkpoint_sha256) == ("head", "0" * 64)


def test_a_vae_is_stored_as_its_gaussians(tmp_path, write_head, through_model):
    torch.manual_seed(0)
    network = VAE((32, 32), 1, latent_size=4, channels=(4, 4)).eval()
    _, files = through_model(write_head(tmp_path / "head.nii.gz"), network)
    stored = read_latent(files.codes, network)
    np.testing.assert_array_equal(decode_latent(network, stored.latent), np.asarray(nib.load(files.recon).dataobj))
    assert stored.latent.side.shape[1:] == (8, 1, 1)


@pytest.mark.parametrize("latent", ["projected, 4 bits", "hybrid, 4 bits"])
def test_rounded_gains_are_stored_as_their_indices(tmp_path, write_head, through_model, make_network, latent):
    _, files = through_model(write_head(tmp_path / "head.nii.gz"), make_network(latent))
    with np.load(files.codes) as file:
        assert "side" not in file
        assert (file["gain_indices"].dtype, file["codes"].dtype) == (np.uint8, np.uint8)
        assert file["gain_indices"].max() < file["gain_levels"].shape[1] == 16


@pytest.mark.parametrize("damage", ["missing", "cut", "another", "flipped"])
def test_a_file_of_another_kind_is_refused(tmp_path, write_head, through_model, identity_network, damage):
    _, files = through_model(write_head(tmp_path / "head.nii.gz"))
    path = files.codes
    if damage == "missing":
        path = tmp_path / "none.npz"
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:200])
    elif damage == "flipped":
        with zipfile.ZipFile(path) as file:
            start = file.getinfo("codes.npy").header_offset
        content = bytearray(path.read_bytes())
        name, extra = (int.from_bytes(content[start + place : start + place + 2], "little") for place in (26, 28))
        content[start + 30 + name + extra] = 0b111  # of the deflated stream: a block of a type that there is not
        path.write_bytes(content)
    else:
        np.savez(path, codes=np.zeros((1, 2, 2), np.uint8))
    with pytest.raises(InputError, match="cannot be read as a scan's latent"):
        read_latent(path, identity_network)
