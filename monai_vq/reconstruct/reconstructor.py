"""Slices of a scan through a model and back onto its own voxels, a few at a time.

volume ── slice_volume ──> slices ── SliceFit.images ──> x ── encode ──> codes, side ──> file
                           (both as in training)                              │
recon <────────────────────── SliceFit.slices <── x_hat <── decode <──────────┘
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from monai.inferers import SimpleInferer
from numpy.typing import NDArray
from torch import Tensor

from monai_vq.data import Volume
from monai_vq.data.slicing import ScanSlices, SlicingSettings, slice_volume
from monai_vq.data.storage import MEMORY, Storage
from monai_vq.errors import InputError
from monai_vq.metrics.slice_scores import slice_scores
from monai_vq.networks import VQVAE
from monai_vq.reconstruct.batch import Batch
from monai_vq.reconstruct.fitting import SliceFit, pair
from monai_vq.reconstruct.pictures import ShownSlices
from monai_vq.reconstruct.placement import Placement
from monai_vq.reconstruct.scan import ReconstructedScan, ScanLatent

__all__ = ["ScanReconstructor", "fill_volume", "windowed_volume"]

AddNoise = Callable[[Tensor], Tensor]


class ScanReconstructor:
    """Takes scans through a model as its training slices went.

    Args:
        network: in eval mode, on the device.
        slicing: how slices are cut from a volume.
        image_size: (H, W) of the model.
        spacing: (row, column) of its pixels in mm; None where each scan keeps its own.
        inferer: runs the network's methods, in its precision; None for float32.
        batch_size: slices at a time.
        device: of the network.
    """

    def __init__(
        self,
        network: VQVAE,
        slicing: SlicingSettings | None,
        image_size: Sequence[int],
        spacing: Sequence[float] | None = None,
        inferer: SimpleInferer | None = None,
        batch_size: int = 16,
        device: torch.device | str = "cpu",
    ) -> None:
        self.network, self.slicing, self.device = network, slicing, torch.device(device)
        self.image_size = (int(image_size[0]), int(image_size[1]))
        self.spacing = None if spacing is None else pair(spacing)
        self.inferer, self.batch_size = inferer or SimpleInferer(), batch_size

    def reconstruct(
        self,
        volume: Volume,
        add_noise: AddNoise | None = None,
        watch: Callable[[Batch], None] | None = None,
        storage: Storage = MEMORY,
    ) -> ReconstructedScan:
        """Reconstructs a volume.

        Args:
            volume: the scan.
            add_noise: makes the model's input of the images [B, 1, H, W]; None gives them as they are.
            watch: is called with each batch.
            storage: holds what is as large as the volume.

        Raises:
            VolumeError: no slice can be cut from it.
            InputError: this model's slices come from no volumes.
            FloatingPointError: the model's output is no number.
            OSError: the storage has no room.
        """
        if self.slicing is None:
            raise InputError("this model says nothing of how a volume is cut; give a prepared dataset")
        cut = slice_volume(volume, self.slicing, storage=storage)
        placement = Placement(volume.array.shape, volume.affine, self.slicing.plane, cut.slice_indices)
        return self.reconstruct_slices(cut, placement, volume.array, add_noise, watch, storage)

    @torch.no_grad()
    def reconstruct_slices(
        self,
        cut: ScanSlices,
        placement: Placement,
        original: NDArray[np.float32],
        add_noise: AddNoise | None = None,
        watch: Callable[[Batch], None] | None = None,
        storage: Storage = MEMORY,
    ) -> ReconstructedScan:
        """Reconstructs slices that were cut before, and puts them where they were in the volume.

        Args:
            cut: the slices.
            placement: where they lie.
            original: the volume, float32 [I, J, K].
            add_noise: as in `reconstruct`.
            watch: as in `reconstruct`.
            storage: holds the reconstruction.

        Raises:
            FloatingPointError: the model's output is no number.
            OSError: the storage has no room.
        """
        rows, columns = cut.slices.shape[1:]
        fit = SliceFit((rows, columns), pair(cut.slice_spacing), self.image_size, self.spacing)
        recon = placement.filled(cut.window[0], storage)
        shown, parts, latents = ShownSlices(len(cut.slice_indices)), [], []
        for places in _batches(len(cut.slices), self.batch_size):
            batch, codes, side = self._run(cut, fit, places, add_noise)
            fill_volume(recon, placement, places, batch.x_hat.cpu(), fit, cut.window)
            parts.append(self._score(batch, codes, side))
            latents.append((codes.cpu(), side.cpu()))
            shown.see(batch, parts[-1])
            if watch is not None:
                watch(batch)
        codes, side = (torch.cat(tensors) for tensors in zip(*latents, strict=True))
        precision = getattr(self.inferer, "precision", "fp32")
        latent = ScanLatent(codes, side, cut.window, fit, placement, self.batch_size, precision)
        scores = pd.concat(parts, ignore_index=True)
        cut_share = _cut_share(cut.mask, fit)
        return ReconstructedScan(recon, original, latent, scores, shown.pictures, cut.n_empty, cut_share, cut.warnings)

    def _run(
        self, cut: ScanSlices, fit: SliceFit, places: slice, add_noise: AddNoise | None
    ) -> tuple[Batch, Tensor, Tensor]:
        x, mask = fit.images(cut.slices[places], cut.mask[places])
        x_in = x if add_noise is None else add_noise(x)
        x, x_in, mask = (one.to(self.device) for one in (x, x_in, mask))
        codes, side = self.inferer(x_in.contiguous(memory_format=torch.channels_last), self.network.encode_latent)
        x_hat = self.inferer(codes, self.network.decode_latent, side).float()
        indices = cut.slice_indices[places]
        if not torch.isfinite(x_hat).all():
            raise FloatingPointError(
                f"the reconstruction of slices {indices[0]} to {indices[-1]} is not finite: the network's output is no "
                "number; give --precision fp32, or another --run_dir."
            )
        return Batch(indices, x, x_in, x_hat.clamp(0, 1), mask), codes, side

    def _score(self, batch: Batch, codes: Tensor, side: Tensor) -> pd.DataFrame:
        scores = slice_scores(batch.x, batch.x_hat, batch.mask)
        scores["bits_per_pixel"] = self.network.latent_bits(codes, side).double() / batch.x[0, 0].numel()
        columns = {name: value.cpu().numpy() for name, value in scores.items()}
        return pd.DataFrame({"slice_index": list(batch.slice_indices), **columns})


def fill_volume(
    volume: NDArray[np.float32],
    placement: Placement,
    places: slice,
    x_hat: Tensor,
    fit: SliceFit,
    window: tuple[float, float],
) -> None:
    """Writes images to where their slices lie in a volume, as far as the images cover them, in place.

    Args:
        volume: float32 [I, J, K].
        placement: of all the scan's slices.
        places: which of these the images are.
        x_hat: [B, 1, H, W] in [0, 1].
        fit: from slices to images.
        window: intensities (low, high) that are 0 and 1.
    """
    low, high = window
    box = np.ix_(*fit.covered)
    view = placement.in_plane(volume)
    for index, image in zip(placement.slice_indices[places], fit.slices(x_hat).double().numpy(), strict=True):
        view[index][box] = (low + image * (high - low))[box]


def windowed_volume(cut: ScanSlices, placement: Placement, storage: Storage = MEMORY) -> NDArray[np.float32]:
    """A volume [I, J, K] of stored slices alone, in their intensities, with the low end of the window around them.

    Raises:
        OSError: the storage has no room.
    """
    low, high = cut.window
    volume = placement.filled(low, storage)
    view, largest = placement.in_plane(volume), np.iinfo(cut.slices.dtype.name).max
    for index, stored in zip(placement.slice_indices, cut.slices, strict=True):
        view[index] = low + stored.astype(np.float64) / largest * (high - low)
    return volume


def _batches(number: int, batch_size: int) -> Iterator[slice]:
    for start in range(0, number, batch_size):
        yield slice(start, min(start + batch_size, number))


def _cut_share(mask: NDArray[np.bool_], fit: SliceFit) -> float:
    """The share of the foreground that lies outside the image size."""
    rows, columns = fit.covered
    inside = sum(int(one[np.ix_(rows, columns)].sum()) for one in mask)
    return 1 - inside / max(1, int(mask.sum()))
