"""A scan's latent becomes its volume again."""

from __future__ import annotations

import numpy as np
import torch
from monai.inferers import SimpleInferer
from numpy.typing import NDArray

from monai_vq.data.storage import MEMORY, Storage
from monai_vq.errors import InputError
from monai_vq.networks import VQVAE
from monai_vq.reconstruct.latent_file import device_of
from monai_vq.reconstruct.reconstructor import fill_volume
from monai_vq.reconstruct.scan import ScanLatent

__all__ = ["decode_latent"]


@torch.no_grad()
def decode_latent(
    network: VQVAE, latent: ScanLatent, inferer: SimpleInferer | None = None, storage: Storage = MEMORY
) -> NDArray[np.float32]:
    """Decodes a latent into the volume that `ScanReconstructor` made of the scan.

    Args:
        network: in eval mode.
        latent: of a scan.
        inferer: of the precision that the latent names; None for float32.
        storage: holds the volume.

    Returns:
        The reconstruction, float32 [I, J, K]; equal to the bit on the same kind of machine.

    Raises:
        InputError: the network makes no such images of it.
        OSError: the storage has no room.
    """
    device, run = device_of(network), inferer or SimpleInferer()
    recon = latent.placement.filled(latent.window[0], storage)
    for start in range(0, len(latent.codes), latent.batch_size):
        places = slice(start, start + latent.batch_size)
        codes, side = latent.codes[places].to(device), latent.side[places].to(device)
        x_hat = run(codes, network.decode_latent, side).float()
        expected = (len(codes), 1, *latent.fit.image_size)
        if x_hat.shape != expected or not torch.isfinite(x_hat).all():
            raise InputError(
                f"its images are {list(x_hat.shape)}, expected {list(expected)} and finite; the latent is damaged, or "
                "of another model."
            )
        fill_volume(recon, latent.placement, places, x_hat.clamp(0, 1).cpu(), latent.fit, latent.window)
    return recon
