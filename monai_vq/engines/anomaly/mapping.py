"""A scan with its maps, with lesions planted or as it is."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import torch

from monai_vq.anomaly.evaluation import ScanMaps
from monai_vq.anomaly.lesions import LesionSet, Planted, plant_lesions
from monai_vq.anomaly.mapper import Mapper, encode
from monai_vq.engines.anomaly.scan_stacks import ScanStack


@dataclass(frozen=True)
class MappedScan:
    """A scan with its maps.

    Attributes:
        stack: as it was read.
        planted: with the lesions, none where none were wanted.
        maps: by method, and what scores need.
        bits_per_pixel: of the slices, on average.
    """

    stack: ScanStack
    planted: Planted
    maps: ScanMaps
    bits_per_pixel: float


def plant(stack: ScanStack, lesion_set: LesionSet | None, seed: int) -> Planted:
    """Plants the lesions of a set, or none.

    Raises:
        InputError: if a lesion finds no site.
    """
    images = stack.images[:, 0].numpy()
    if lesion_set is None:
        return Planted(images, np.zeros(images.shape, np.uint8))
    place = (stack.positions_mm, stack.spacing)
    return plant_lesions(images, stack.foreground, *place, lesion_set, stack.record.scan_id, seed)  # type: ignore[arg-type]


def map_scan(mapper: Mapper, stack: ScanStack, planted: Planted, seed: int) -> MappedScan:
    """Maps a scan by every method; its draws depend on the seed and its name alone."""
    record, restorer = stack.record, mapper.restorer
    latents = encode(restorer, torch.from_numpy(planted.images)[:, None], stack.condition)
    generator = torch.Generator(restorer.prior.alphabet.has_side.device)
    generator.manual_seed(zlib.crc32(f"{seed} {record.scan_id}".encode()))
    maps = mapper.maps(latents, stack.foreground, stack.slice_positions, stack.condition, generator)
    ids = (record.patient_id, record.session_id, record.scan_id)
    scan_maps = ScanMaps(*ids, stack.foreground, planted.labels, planted.lesions, maps)
    return MappedScan(stack, planted, scan_maps, float(latents.bits.sum() / planted.images.size))
