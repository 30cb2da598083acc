"""What is written of one scan: its reconstruction, the error, the latent, and the record that all of it is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_vq.networks import VQVAE
from monai_vq.reconstruct.latent_file import write_latent
from monai_vq.reconstruct.placement import Placement
from monai_vq.reconstruct.scan import ReconstructedScan
from monai_vq.reconstruct.volume_file import MADE_HERE, make_header, planes, write_volume

__all__ = ["RECORD_ENDING", "ScanFiles"]

RECORD_ENDING = "_record.npz"
_RECON = f"{MADE_HERE}; window's low value where no slice was"
_ERROR = f"{MADE_HERE} less scan; 0 where no slice was"


@dataclass(frozen=True)
class ScanFiles:
    """The files of one scan.

    Attributes:
        folder: of all scans.
        scan_id: start of their names.
    """

    folder: Path
    scan_id: str

    @property
    def recon(self) -> Path:
        """The reconstruction."""
        return self.folder / f"{self.scan_id}_recon.nii.gz"

    @property
    def error(self) -> Path:
        """Reconstruction less scan."""
        return self.folder / f"{self.scan_id}_error.nii.gz"

    @property
    def codes(self) -> Path:
        """The latent."""
        return self.folder / f"{self.scan_id}_codes.npz"

    @property
    def record(self) -> Path:
        """What the tables and the page say of the scan: the last file that is written of it."""
        return self.folder / f"{self.scan_id}{RECORD_ENDING}"

    def write(self, scan: ReconstructedScan, source: Any | None, network: VQVAE, checkpoint_sha256: str) -> None:
        """Writes volumes and latent, each whole or not at all; a record of earlier ones goes first.

        Args:
            scan: reconstructed.
            source: its NIfTI header, whose geometry is taken over to the bit; None for other formats.
            network: that made it.
            checkpoint_sha256: of the network's checkpoint.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.record.unlink(missing_ok=True)
        write_latent(self.codes, scan.latent, network, checkpoint_sha256, self.scan_id, source)
        self.write_recon(scan.recon, scan.latent.placement, source)
        write_volume(self.error, make_header(scan.shape, scan.affine, source, _ERROR), scan.error_slabs())

    def write_recon(self, recon: NDArray[np.float32], placement: Placement, source: Any | None) -> None:
        """Writes the reconstruction, whole or not at all; equal ones are equal to the byte.

        Args:
            recon: the volume, [I, J, K].
            placement: of the scan.
            source: its NIfTI header, or what `read_latent` kept of that; None for other formats.
        """
        write_volume(self.recon, make_header(placement.shape, placement.affine, source, _RECON), planes(recon))
