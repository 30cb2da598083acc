from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from torch import nn

from monai_vq.data.slicing import SlicingSettings, slice_volume
from monai_vq.data.storage import MEMORY
from monai_vq.networks import VQVAE
from monai_vq.quantizers import (
    Codebook,
    FrequencyQuantizer,
    HybridQuantizer,
    IdentityQuantizer,
    ProjectedQuantizer,
    VectorQuantizer,
)
from monai_vq.reconstruct.input_scan import InputScan
from monai_vq.reconstruct.inputs import find_inputs
from monai_vq.reconstruct.placement import Placement
from monai_vq.reconstruct.reconstructor import ScanReconstructor
from monai_vq.reconstruct.scan import ReconstructedScan
from monai_vq.reconstruct.scan_files import ScanFiles

D, K = 8, 16


@pytest.fixture
def identity_network() -> VQVAE:
    """A plain autoencoder that returns its input."""
    return VQVAE(nn.Identity(), IdentityQuantizer(embedding_dim=1), nn.Identity()).eval()


@pytest.fixture
def make_network() -> Callable[[str], VQVAE]:
    """Makes a small network of a latent; random, but the same each time."""

    def make(latent: str) -> VQVAE:
        torch.manual_seed(0)
        codebook = Codebook(K, D, choice="direction" if latent.startswith("projected") else "nearest")
        quantizers = {
            "vector": lambda: VectorQuantizer(codebook),
            "projected": lambda: ProjectedQuantizer(codebook),
            "projected, 4 bits": lambda: ProjectedQuantizer(codebook, gain_bits=4),
            "frequency": lambda: FrequencyQuantizer(codebook, num_frequent=6, warmup_epochs=0),
            "hybrid, 4 bits": lambda: HybridQuantizer(codebook, num_frequent=6, warmup_epochs=0, gain_bits=4),
            "identity": lambda: IdentityQuantizer(embedding_dim=D),
        }
        encoder, decoder = nn.Conv2d(1, D, 4, 4), nn.ConvTranspose2d(D, 1, 4, 4)
        network = VQVAE(encoder, quantizers[latent](), decoder)
        network.train()(torch.rand(4, 1, 32, 32))  # draws codewords and levels from data
        network.quantizer.set_epoch(1)
        return network.eval()

    return make


@pytest.fixture
def through_model(tmp_path: Path, identity_network: VQVAE) -> Callable[..., tuple[ReconstructedScan, ScanFiles]]:
    """Finds the one scan of a path, takes it through a network, by default the identity, and writes its files."""

    def run(
        path: Path, network: VQVAE | None = None, slice_range=(0.25, 0.75), plane="axial", image_size=(32, 32), **own
    ):
        spacing, batch_size = own.pop("spacing", None), own.pop("batch_size", 3)
        (scan,) = find_inputs(path, **own).scans
        assert isinstance(scan, InputScan)
        volume, slicing = scan.read(scan.files, MEMORY), SlicingSettings(plane, slice_range)
        network = network or identity_network
        done = ScanReconstructor(network, slicing, image_size, spacing, batch_size=batch_size).reconstruct(volume)
        files = ScanFiles(tmp_path / "written", scan.scan_id)
        files.write(done, scan.header(scan.files), network, "0" * 64)
        return done, files

    return run


@pytest.fixture
def check_geometry() -> Callable[..., None]:
    """Checks that what an identity made of a scan is the scan: clipped to the window, where a slice is."""

    def check(done: ReconstructedScan, files: ScanFiles, plane: str = "axial", step: float = 0.5) -> None:
        low, high = done.latent.window
        place: Placement = done.latent.placement
        inside = np.zeros(done.shape, bool)
        place.in_plane(inside)[list(place.slice_indices)] = True
        recon, error = (np.asarray(nib.load(path).dataobj) for path in (files.recon, files.error))
        expected = np.where(inside, np.clip(done.original, low, high), low)
        assert 0 < inside.mean() < 1
        assert np.abs(recon - expected).max() <= step * (high - low) / 65535 + 1e-6 * high
        np.testing.assert_array_equal(recon[~inside], np.float32(low))
        np.testing.assert_array_equal(error, np.where(inside, recon - done.original, 0))

    return check


@pytest.fixture
def cut_head(write_head, tmp_path: Path):
    """A head, read and cut into axial slices."""
    from monai_vq.data import read_volume

    volume = read_volume(write_head(tmp_path / "cut/head.nii.gz"))
    return volume, slice_volume(volume, SlicingSettings("axial", (0.25, 0.75)))
