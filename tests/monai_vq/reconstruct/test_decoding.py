from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_vq.data.storage import Disk
from monai_vq.errors import InputError
from monai_vq.networks import VAE
from monai_vq.reconstruct.decoding import decode_latent
from monai_vq.reconstruct.latent_reading import read_latent
from monai_vq.reconstruct.scan_files import ScanFiles

LATENTS = ["vector", "projected", "projected, 4 bits", "frequency", "hybrid, 4 bits", "identity"]


@pytest.fixture
def decode(tmp_path):
    """Decodes a latent file with a network and writes the volume elsewhere."""

    def run(path, network):
        stored = read_latent(path, network)
        files = ScanFiles(tmp_path / "decoded", stored.scan_id)
        files.folder.mkdir()
        recon = decode_latent(network, stored.latent)
        files.write_recon(recon, stored.latent.placement, stored.source)
        return files.recon

    return run


@pytest.mark.parametrize("latent", LATENTS)
@pytest.mark.parametrize("axes", ["RAS", "PSR"])
def test_the_file_alone_becomes_the_same_volume_to_the_byte(
    tmp_path, write_head, through_model, make_network, decode, latent, axes
):
    path = write_head(tmp_path / "head.nii.gz", axes=axes)
    _, files = through_model(path, make_network(latent), spacing=(6.0, 7.0) if axes == "RAS" else None)
    assert decode(files.codes, make_network(latent)).read_bytes() == files.recon.read_bytes()


def test_a_vae_is_decoded_from_its_gaussians(tmp_path, write_head, through_model, decode):
    torch.manual_seed(0)
    network = VAE((32, 32), 1, latent_size=4, channels=(4, 4)).eval()
    _, files = through_model(write_head(tmp_path / "head.nii.gz"), network)
    assert read_latent(files.codes, network).latent.side.shape[1:] == (8, 1, 1)
    assert decode(files.codes, network).read_bytes() == files.recon.read_bytes()


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image, nib.Nifti1Pair])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_header_comes_back_to_the_byte(
    tmp_path, write_head, through_model, identity_network, decode, kind, order
):
    image = nib.load(write_head(tmp_path / "head.nii.gz", axes="ASL"))
    turned = nib.affines.from_matvec(nib.eulerangles.euler2mat(0.1, 0.2, 0.3), [1 / 3, 0, 0]) @ image.affine
    source = kind(np.asarray(image.dataobj)[..., None], turned, kind.header_class(endianness=order))
    source.set_sform(turned, 2)
    source.set_qform(image.affine, 1)
    ending = "img" if kind is nib.Nifti1Pair else "nii"
    nib.save(source, tmp_path / f"source.{ending}")
    _, files = through_model(tmp_path / f"source.{ending}", plane="coronal")
    assert nib.load(files.recon).header["qform_code"] == 1
    assert decode(files.codes, identity_network).read_bytes() == files.recon.read_bytes()


def test_a_volume_on_disk_is_the_one_in_memory(tmp_path, write_head, through_model, identity_network):
    _, files = through_model(write_head(tmp_path / "head.nii.gz", axes="PSR"))
    latent = read_latent(files.codes, identity_network).latent
    mapped = decode_latent(identity_network, latent, storage=Disk(tmp_path))
    assert isinstance(mapped.base, np.ndarray | np.memmap)
    np.testing.assert_array_equal(mapped, nib.load(files.recon).dataobj)


@pytest.mark.parametrize("damage", ["size", "value"])
def test_images_that_are_none_are_refused(tmp_path, write_head, through_model, make_network, damage):
    network = make_network("projected")
    _, files = through_model(write_head(tmp_path / "head.nii.gz"), network)
    latent = read_latent(files.codes, network).latent
    if damage == "size":
        latent = replace(latent, codes=latent.codes[:, 1:], side=latent.side[:, :, 1:])
    else:
        latent = replace(latent, side=latent.side * float("inf"))
    with pytest.raises(InputError, match=r"its images are \[3, 1, \d+, 32\], expected \[3, 1, 32, 32\] and finite"):
        decode_latent(network, latent)
