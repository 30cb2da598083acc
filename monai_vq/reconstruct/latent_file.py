"""``*_codes.npz``: a scan's latent, which with its run's network alone becomes the same reconstruction again.

| array | what it is |
|---|---|
| `codes` | [S, h, w], unsigned, of the smallest type that holds K |
| `side` | float32 [S, G, h, w], what the codes do not say; where gains are rounded, these two in its place: |
| `gain_indices`, `gain_levels` | uint8 [S, G, h, w] into the levels, and these, float32 [G, 2^bits] |
| `slice_indices`, `plane`, `shape`, `affine` | where the slices lie in the volume: see `Placement` |
| `own_size`, `slice_spacing`, `image_size`, `spacing` | how slices became images: see `SliceFit`; no spacing: empty |
| `window` | intensities that are 0 and 1; voxels that no slice covers have the low one |
| `batch_size`, `precision` | of the forward pass: others may change the last bit |
| `checkpoint_sha256`, `scan_id` | whose codes these are: another codebook reads them as something else |
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.inferers import SimpleInferer
from numpy.typing import NDArray
from torch import Tensor

from monai_vq.atomic import atomic_path
from monai_vq.errors import InputError
from monai_vq.networks import VQVAE
from monai_vq.quantizers import HybridQuantizer
from monai_vq.reconstruct.fitting import SliceFit, pair
from monai_vq.reconstruct.placement import Placement
from monai_vq.reconstruct.reconstructor import fill_volume
from monai_vq.reconstruct.scan import ScanLatent

__all__ = ["StoredLatent", "decode_latent", "read_latent", "write_latent"]


@dataclass(frozen=True)
class StoredLatent:
    """A latent as it was read from a file.

    Attributes:
        latent: codes, side, and the way back.
        checkpoint_sha256: of the checkpoint that made it.
        scan_id: of the scan.
    """

    latent: ScanLatent
    checkpoint_sha256: str
    scan_id: str


def write_latent(path: Path, latent: ScanLatent, network: VQVAE, checkpoint_sha256: str, scan_id: str) -> None:
    """Writes a latent, whole or not at all.

    Args:
        path: ends in ``.npz``.
        latent: of a scan.
        network: that made it; says how its gains are rounded.
        checkpoint_sha256: of its checkpoint.
        scan_id: of the scan.
    """
    fit, placement = latent.fit, latent.placement
    arrays: dict[str, Any] = {
        "codes": latent.codes.numpy().astype(np.min_scalar_type(network.num_embeddings - 1)),
        **_side_arrays(latent.side, network),
        "slice_indices": np.array(placement.slice_indices),
        "plane": np.array(placement.plane),
        "shape": np.array(placement.shape),
        "affine": placement.affine,
        "own_size": np.array(fit.own_size),
        "slice_spacing": np.array(fit.slice_spacing),
        "image_size": np.array(fit.image_size),
        "spacing": np.array(fit.spacing or ()),
        "window": np.array(latent.window),
        "batch_size": np.array(latent.batch_size),
        "precision": np.array(latent.precision),
        "checkpoint_sha256": np.array(checkpoint_sha256),
        "scan_id": np.array(scan_id),
    }
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)


def read_latent(path: Path, network: VQVAE) -> StoredLatent:
    """Reads what `write_latent` wrote.

    Args:
        path: of the file; nothing in it is executed.
        network: that made it; of a hybrid latent it says which gains are 1 by its codes.

    Raises:
        InputError: the file is missing, damaged, or none of this kind.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        codes = torch.from_numpy(arrays["codes"].astype(np.int64))
        latent = ScanLatent(
            codes=codes,
            side=_read_side(arrays, codes, network),
            window=pair(arrays["window"].tolist()),
            fit=_read_fit(arrays),
            placement=_read_placement(arrays),
            batch_size=int(arrays["batch_size"]),
            precision=str(arrays["precision"]),
        )
        return StoredLatent(latent, str(arrays["checkpoint_sha256"]), str(arrays["scan_id"]))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else type(error).__name__
        raise InputError(
            f"{path} cannot be read as a scan's latent ({reason}); give a *_codes.npz of bundles/reconstruct.json"
        ) from error


@torch.no_grad()
def decode_latent(network: VQVAE, latent: ScanLatent, inferer: SimpleInferer | None = None) -> NDArray[np.float32]:
    """Decodes a latent into the volume that `ScanReconstructor` made of the scan.

    Args:
        network: in eval mode.
        latent: of a scan.
        inferer: of the precision that the latent names; None for float32.

    Returns:
        The reconstruction, float32 [I, J, K]; equal to the bit on the same kind of machine.
    """
    device, run = next(iter(network.state_dict().values()), torch.empty(0)).device, inferer or SimpleInferer()
    recon = np.full(latent.placement.shape, latent.window[0], np.float32)
    for start in range(0, len(latent.codes), latent.batch_size):
        places = slice(start, start + latent.batch_size)
        codes, side = latent.codes[places].to(device), latent.side[places].to(device)
        x_hat = run(codes, network.decode_latent, side).float().clamp(0, 1).cpu()
        fill_volume(recon, latent.placement, places, x_hat, latent.fit, latent.window)
    return recon


def _side_arrays(side: Tensor, network: VQVAE) -> dict[str, NDArray[Any]]:
    gains = getattr(network.quantizer, "gains", None)
    if gains is None:
        return {"side": side.numpy()}
    indices = gains.encode(side.to(gains.levels.device)).cpu()
    return {"gain_indices": indices.numpy().astype(np.uint8), "gain_levels": gains.levels.cpu().numpy()}


def _read_side(arrays: Mapping[str, NDArray[Any]], codes: Tensor, network: VQVAE) -> Tensor:
    if "side" in arrays:
        return torch.from_numpy(arrays["side"])
    levels, indices = arrays["gain_levels"], arrays["gain_indices"]
    side = torch.from_numpy(levels[np.arange(len(levels))[:, None, None], indices])
    if isinstance(network.quantizer, HybridQuantizer):  # a frequent code has no gain, and is drawn at length 1
        device = next(network.parameters()).device
        side = side.masked_fill(~network.quantizer.continuous(codes.to(device)).cpu().unsqueeze(1), 1.0)
    return side


def _read_fit(arrays: Mapping[str, NDArray[Any]]) -> SliceFit:
    rows, columns = (int(size) for size in arrays["own_size"])
    height, width = (int(size) for size in arrays["image_size"])
    spacing = pair(arrays["spacing"].tolist()) if arrays["spacing"].size else None
    return SliceFit((rows, columns), pair(arrays["slice_spacing"].tolist()), (height, width), spacing)


def _read_placement(arrays: Mapping[str, NDArray[Any]]) -> Placement:
    return Placement(
        shape=tuple(int(size) for size in arrays["shape"]),
        affine=arrays["affine"],
        plane=str(arrays["plane"]),
        slice_indices=tuple(int(index) for index in arrays["slice_indices"]),
    )
