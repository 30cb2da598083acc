"""What is written of one scan: its reconstruction, the error, and the latent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_vq.networks import VQVAE
from monai_vq.reconstruct.latent_file import write_latent
from monai_vq.reconstruct.scan import ReconstructedScan
from monai_vq.reconstruct.volume_file import make_header, write_volume

__all__ = ["ScanFiles"]

_RECON = "monai_vq reconstruction; window's low value where no slice was"
_ERROR = "monai_vq reconstruction less scan; 0 where no slice was"


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

    def write(self, scan: ReconstructedScan, source: Any | None, network: VQVAE, checkpoint_sha256: str) -> None:
        """Writes the three, each whole or not at all.

        Args:
            scan: reconstructed.
            source: its NIfTI header, whose geometry is taken over to the bit; None for other formats.
            network: that made it.
            checkpoint_sha256: of the network's checkpoint.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        write_latent(self.codes, scan.latent, network, checkpoint_sha256, self.scan_id)
        planes = (scan.recon[..., index] for index in range(scan.shape[2]))
        write_volume(self.recon, make_header(scan.shape, scan.affine, source, _RECON), planes)
        write_volume(self.error, make_header(scan.shape, scan.affine, source, _ERROR), scan.error_slabs())
