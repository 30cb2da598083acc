"""One latent file after another through the decoder of the run that made them."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import torch

from monai_vq.engines.precision import AutocastInferer
from monai_vq.engines.trained_model import TrainedModel
from monai_vq.errors import InputError
from monai_vq.reconstruct.decoding import decode_latent
from monai_vq.reconstruct.latent_file import StoredLatent
from monai_vq.reconstruct.latent_reading import read_latent
from monai_vq.reconstruct.scan_files import ScanFiles
from monai_vq.reconstruct.storage_choice import storage_for

__all__ = ["ScanDecoder"]

logger = logging.getLogger(__name__)


class ScanDecoder:
    """Writes the reconstructions that ``*_codes.npz`` files stand for.

    Args:
        model: that made the latents.
        output_dir: folder for ``<scan_id>_recon.nii.gz``.
        device: of the model.
    """

    def __init__(self, model: TrainedModel, output_dir: Path, device: torch.device | str = "cpu") -> None:
        self.model, self.output_dir, self.device = model, output_dir, torch.device(device)

    def decode(self, path: Path) -> Path:
        """Writes a scan's reconstruction: the very bytes that ``bundles/reconstruct.json`` wrote, on such a machine.

        Args:
            path: of a latent.

        Returns:
            Path of the volume.

        Raises:
            InputError: the file is damaged, of something else or of another checkpoint, the device cannot decode it, or
                its volume is there already.
            OSError: the volume cannot be written.
        """
        stored = read_latent(path, self.model.network, self.model.checkpoint_sha256)
        files = ScanFiles(self.output_dir, stored.scan_id)
        self._check(stored, files.recon, path)
        latent = stored.latent
        try:
            inferer = AutocastInferer(latent.precision)
            storage = storage_for(math.prod(latent.placement.shape), self.output_dir)
            recon = decode_latent(self.model.network, latent, inferer, storage)
        except (InputError, RuntimeError) as error:  # as of torch, where memory is short
            raise InputError(f"{path} cannot be decoded: {str(error).partition(chr(10))[0]}") from error
        self.output_dir.mkdir(parents=True, exist_ok=True)
        files.write_recon(recon, latent.placement, stored.source)
        return files.recon

    def _check(self, stored: StoredLatent, target: Path, path: Path) -> None:
        latent = stored.latent
        if target.exists():
            raise InputError(f"{target} is there already; remove it, or give another --output_dir.")
        if list(latent.fit.image_size) != list(self.model.image_size):
            raise InputError(
                f"{path} has images of {list(latent.fit.image_size)} pixels, {self.model.run_dir} of "
                f"{list(self.model.image_size)}; give the --run_dir that made it."
            )
        if latent.precision == "fp16" and self.device.type != "cuda":
            raise InputError(f"{path} was made in fp16, which this device cannot do; give --device cuda.")
        if stored.device != self.device.type:
            logger.warning(f"{path} was made on {stored.device}, not {self.device.type}: the last bits may differ.")
