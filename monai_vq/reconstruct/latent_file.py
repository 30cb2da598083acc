"""``*_codes.npz``: a scan's latent, which with its run's network alone becomes the same reconstruction again.

| array | what it is |
|---|---|
| `codes` | [S, h, w], unsigned, of the smallest type that holds K |
| `side` | float32 [S, G, h, w], what the codes do not say; where gains are rounded, these two in its place: |
| `gain_indices`, `gain_levels` | uint8 [S, G, h, w] into the levels, and these, float32 [G, 2^bits] |
| `slice_indices`, `plane`, `shape`, `affine` | where the slices lie in the volume: see `Placement` |
| `own_size`, `slice_spacing`, `image_size`, `spacing` | how slices became images: see `SliceFit`; no spacing: empty |
| `window` | intensities that are 0 and 1; voxels that no slice covers have the low one |
| `geometry`, `data_shape` | of the source's NIfTI header, see `pack_geometry`; of other formats there is none |
| `batch_size`, `precision`, `device` | of the forward pass: others may change the last bit |
| `checkpoint_sha256`, `scan_id` | whose codes these are: another codebook reads them as something else |
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_vq.atomic import atomic_path
from monai_vq.networks import VQVAE
from monai_vq.reconstruct.scan import ScanLatent
from monai_vq.reconstruct.source_geometry import pack_geometry

__all__ = ["StoredLatent", "device_of", "write_latent"]


@dataclass(frozen=True)
class StoredLatent:
    """A latent as it was read from a file.

    Attributes:
        latent: codes, side, and the way back.
        checkpoint_sha256: of the checkpoint that made it.
        scan_id: of the scan.
        source: stands for the scan's NIfTI header, for `make_header`; None for other formats.
        device: type of the device that made it, such as `cpu`.
    """

    latent: ScanLatent
    checkpoint_sha256: str
    scan_id: str
    source: Any | None
    device: str


def write_latent(
    path: Path, latent: ScanLatent, network: VQVAE, checkpoint_sha256: str, scan_id: str, source: Any | None = None
) -> None:
    """Writes a latent, whole or not at all.

    Args:
        path: ends in ``.npz``.
        latent: of a scan.
        network: that made it; says how its gains are rounded.
        checkpoint_sha256: of its checkpoint.
        scan_id: of the scan.
        source: the scan's NIfTI header; None for other formats.
    """
    fit, placement = latent.fit, latent.placement
    arrays: dict[str, Any] = {
        "codes": latent.codes.numpy().astype(np.min_scalar_type(network.num_embeddings - 1)),
        **_side_arrays(latent.side, network),
        "slice_indices": np.array(placement.slice_indices, np.int64),
        "plane": np.array(placement.plane),
        "shape": np.array(placement.shape, np.int64),
        "affine": np.array(placement.affine, np.float64),
        "own_size": np.array(fit.own_size, np.int64),
        "slice_spacing": np.array(fit.slice_spacing, np.float64),
        "image_size": np.array(fit.image_size, np.int64),
        "spacing": np.array(fit.spacing or (), np.float64),
        "window": np.array(latent.window, np.float64),
        "batch_size": np.array(latent.batch_size, np.int64),
        "precision": np.array(latent.precision),
        "device": np.array(device_of(network).type),
        "checkpoint_sha256": np.array(checkpoint_sha256),
        "scan_id": np.array(scan_id),
    }
    if source is not None:
        arrays |= {"geometry": pack_geometry(source), "data_shape": np.array(source.get_data_shape(), np.int64)}
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)


def device_of(network: VQVAE) -> torch.device:
    """Returns where a network is; one without numbers is on the CPU."""
    return next(iter(network.state_dict().values()), torch.empty(0)).device


def _side_arrays(side: Tensor, network: VQVAE) -> dict[str, NDArray[Any]]:
    gains = getattr(network.quantizer, "gains", None)
    if gains is None:
        return {"side": side.numpy()}
    indices = gains.encode(side.to(gains.levels.device)).cpu()
    return {"gain_indices": indices.numpy().astype(np.uint8), "gain_levels": gains.levels.cpu().numpy()}
