"""Reads a scan's latent from a file that may be damaged, another model's, or made to do harm."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from monai_vq.data import PLANE_AXES
from monai_vq.data.scan_names import name_scans
from monai_vq.data.storage import Disk
from monai_vq.errors import InputError
from monai_vq.networks import VQVAE
from monai_vq.quantizers import HybridQuantizer
from monai_vq.reconstruct.available_memory import available_memory
from monai_vq.reconstruct.checked_arrays import DAMAGE, CheckedArrays
from monai_vq.reconstruct.fitting import SliceFit, pair
from monai_vq.reconstruct.latent_file import StoredLatent, device_of
from monai_vq.reconstruct.placement import Placement
from monai_vq.reconstruct.scan import ScanLatent
from monai_vq.reconstruct.source_geometry import GEOMETRY_TYPES, unpack_geometry

__all__ = ["read_latent"]

MAX_SIDE = 8192  # pixels of a slice's or an image's side; scanners of today have 1,024
MAX_AXIS = 32767  # voxels along an axis of NIfTI-1
MAX_BATCH = 4096  # slices that are decoded at a time; a run that was given more has run out of memory
LARGEST = float(np.finfo(np.float32).max)  # intensity: the volume is in single precision
_MEMORY = 8 << 30  # bytes for a latent where nobody says what is free
_COPIES = 4  # of a latent while it is read: codes of 8 bits become int64


def read_latent(path: Path, network: VQVAE, checkpoint_sha256: str | None = None) -> StoredLatent:
    """Reads what `write_latent` wrote.

    Every array is checked against the others and the network before memory is taken for it.

    Args:
        path: of the file; nothing in it is executed.
        network: that made it.
        checkpoint_sha256: of the network's checkpoint; None not to compare it.

    Raises:
        InputError: the file is missing, damaged, none of this kind, or of another checkpoint.
    """
    try:
        with CheckedArrays(path) as arrays:
            theirs = _text(arrays, "checkpoint_sha256")
            if checkpoint_sha256 in (None, theirs):
                return _read(arrays, network, theirs)
    except DAMAGE as error:
        raise InputError(
            f"{path} cannot be read as a scan's latent ({_reason(error)}); give a *_codes.npz of "
            "bundles/reconstruct.json, as it was written."
        ) from error
    raise InputError(
        f"{path} was made by another checkpoint (sha256 {theirs}) than is given here ({checkpoint_sha256}), to which "
        "its codes mean something else; give the --run_dir that made it."
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"it lacks {error.args[0]!r}"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error).partition("\n")[0] or type(error).__name__


def _read(arrays: CheckedArrays, network: VQVAE, checkpoint_sha256: str) -> StoredLatent:
    scan_id, placement, fit = _text(arrays, "scan_id"), _read_placement(arrays), _read_fit(arrays)
    if [scan_id] != name_scans([scan_id]):  # it becomes a file's name
        raise ValueError(f"its scan_id is {scan_id[:40]!r}")
    _check_size(placement, fit)
    codes = _read_codes(arrays, network, len(placement.slice_indices), fit)
    low, high = pair(arrays.read("window", np.float64, [2]).tolist())
    batch_size = int(arrays.read("batch_size", np.int64, []))
    if not (-LARGEST <= low < high <= LARGEST and 1 <= batch_size <= MAX_BATCH):
        raise ValueError(f"its window is [{low:g}, {high:g}], its batch_size {batch_size}")
    latent = ScanLatent(
        codes=codes,
        side=_read_side(arrays, codes, network),
        window=(low, high),
        fit=fit,
        placement=placement,
        batch_size=batch_size,
        precision=_text(arrays, "precision"),
    )
    return StoredLatent(latent, checkpoint_sha256, scan_id, _read_source(arrays, placement), _text(arrays, "device"))


def _text(arrays: CheckedArrays, name: str) -> str:
    return str(arrays.read(name, np.str_, []))


def _read_placement(arrays: CheckedArrays) -> Placement:
    shape, indices = (arrays.read(name, np.int64, [n]).tolist() for name, n in (("shape", 3), ("slice_indices", -1)))
    affine, plane = arrays.read("affine", np.float64, [4, 4]), _text(arrays, "plane")
    if not all(1 <= size <= MAX_AXIS for size in shape) or 4 * math.prod(shape) > Disk.max_bytes:
        raise ValueError(f"its volume is of {shape} voxels")
    if not (np.isfinite(affine).all() and abs(np.linalg.det(affine)) > 0 and plane in ("", *PLANE_AXES)):
        raise ValueError("its slices lie nowhere")
    placement = Placement(tuple(shape), affine, plane, tuple(indices))
    number = placement.plane_shape[0]
    if not indices or sorted(set(indices)) != indices or not 0 <= indices[0] <= indices[-1] < number:
        raise ValueError(f"its slices are not {len(indices)} of {number}, one behind another")
    return placement


def _read_fit(arrays: CheckedArrays) -> SliceFit:
    rows, columns = arrays.read("own_size", np.int64, [2]).tolist()
    height, width = arrays.read("image_size", np.int64, [2]).tolist()
    slice_spacing = arrays.read("slice_spacing", np.float64, [2])
    spacing = arrays.read("spacing", np.float64, [-1])
    if spacing.size not in (0, 2) or not all(0 < mm < math.inf for mm in (*slice_spacing, *spacing)):
        raise ValueError("its pixels have no size")
    if not all(1 <= size <= MAX_SIDE for size in (rows, columns, height, width)):
        raise ValueError(f"its slices are of {rows} x {columns} pixels, its images of {height} x {width}")
    model = pair(spacing.tolist()) if spacing.size else None
    return SliceFit((rows, columns), pair(slice_spacing.tolist()), (height, width), model)


def _check_size(placement: Placement, fit: SliceFit) -> None:
    _, rows, columns = placement.plane_shape
    if (rows, columns) != fit.own_size:
        raise ValueError(f"its slices are of {rows} x {columns} pixels in the volume, by themselves {fit.own_size}")
    if fit.spacing is not None:
        factors = (own / model for own, model in zip(fit.slice_spacing, fit.spacing, strict=True))
        if any(size * factor > MAX_SIDE for size, factor in zip(fit.own_size, factors, strict=True)):
            raise ValueError(f"its pixels of {fit.slice_spacing} mm are resampled to {fit.spacing} mm")


def _read_codes(arrays: CheckedArrays, network: VQVAE, n_slices: int, fit: SliceFit) -> Tensor:
    """Codes, int64 [S, h, w]; h and w are at most those of the image."""
    h, w = arrays.shape("codes")[1:]
    if not (1 <= h <= fit.image_size[0] and 1 <= w <= fit.image_size[1]):
        raise ValueError(f"its codes are {h} x {w} for images of {fit.image_size}")
    kind = np.min_scalar_type(network.num_embeddings - 1)
    codes = arrays.read("codes", kind, [n_slices, h, w], _room())
    if codes.max() >= network.num_embeddings:
        raise ValueError(f"it has code {codes.max()}, expected less than {network.num_embeddings}")
    return torch.from_numpy(codes.astype(np.int64))


def _read_side(arrays: CheckedArrays, codes: Tensor, network: VQVAE) -> Tensor:
    """What the codes do not say, float32 [S, G, h, w]."""
    shape = [len(codes), network.side_channels, *codes.shape[1:]]
    gains = getattr(network.quantizer, "gains", None)
    if gains is None:
        return torch.from_numpy(arrays.read("side", np.float32, shape, _room()))
    levels = arrays.read("gain_levels", np.float32, gains.levels.shape)
    indices = arrays.read("gain_indices", np.uint8, shape, _room())
    if indices.max(initial=0) >= levels.shape[1]:
        raise ValueError(f"it has gain {indices.max()}, expected less than {levels.shape[1]}")
    side = torch.from_numpy(levels[np.arange(len(levels))[:, None, None], indices])
    if isinstance(network.quantizer, HybridQuantizer):  # a frequent code has no gain, and is drawn at length 1
        frequent = ~network.quantizer.continuous(codes.to(device_of(network))).cpu()
        side = side.masked_fill(frequent.unsqueeze(1), 1.0)
    return side


def _read_source(arrays: CheckedArrays, placement: Placement) -> object | None:
    if "geometry" not in arrays:
        return None
    for kind in GEOMETRY_TYPES:
        if arrays.dtype("geometry") == kind:
            shape = arrays.read("data_shape", np.int64, [-1]).tolist()
            if tuple(shape[:3]) != placement.shape or not 3 <= len(shape) <= 7 or set(shape[3:]) - {1}:
                raise ValueError(f"its volume is of {placement.shape} voxels, its source of {shape}")
            return unpack_geometry(arrays.read("geometry", kind, []), shape)
    raise ValueError("its geometry is of another form")


def _room() -> int:
    """Bytes that an array of a latent may have."""
    free = available_memory()
    return (_MEMORY if free is None else free) // _COPIES
