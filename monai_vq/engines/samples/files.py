"""Drawn images on disk: as arrays, as NIfTI, and as a picture, with a table that says what each is."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from torch import Tensor

from monai_vq.atomic import atomic_path
from monai_vq.data import PLANE_AXES, read_manifest, read_splits, records_of_split
from monai_vq.data.orientation import axes_affine
from monai_vq.errors import InputError
from monai_vq.handlers.sample_grid import image_grid, write_png

SLICE_MM = 1.0  # thickness that a single slice is written with; a sample has none


def write_images(output_dir: Path, images: Tensor, output_format: str, affine: np.ndarray | None) -> list[str]:
    """Writes images [N, C, H, W] in [0, 1] and ``samples.png``; returns the name of the file that each is in.

    Args:
        output_dir: folder.
        images: float32.
        output_format: ``npy``, one array ``samples.npy``; or ``nifti``, grey images, ``sample_0000.nii.gz`` and so on.
        affine: of one slice [1, H, W], for NIfTI.
    """
    write_png(output_dir / "samples.png", image_grid(images))
    if output_format == "npy":
        with atomic_path(output_dir / "samples.npy") as part, part.open("wb") as file:
            np.save(file, images.numpy())
        return ["samples.npy"] * len(images)
    names = [f"sample_{index:04d}.nii.gz" for index in range(len(images))]
    for name, image in zip(names, images, strict=True):
        with atomic_path(output_dir / name) as part:
            part.write_bytes(_nifti_bytes(nib.Nifti1Image(image.numpy(), affine)))
    return names


def _nifti_bytes(image: nib.Nifti1Image) -> bytes:
    """A gzip stream without the time of its making, so that equal samples are equal files."""
    return gzip.compress(image.to_bytes(), mtime=0)


def slice_affine(dataset_dir: str, image_size: list[int], spacing: list[float] | None) -> np.ndarray:
    """Returns the voxel-to-world matrix [4, 4] of a slice [1, H, W] as the training patients' slices lie.

    Its directions are those of their plane, axial where the source does not say; its pixels have the spacing of
    training, or the median of the scans' own; its centre is the world's origin.

    Raises:
        InputError: if the dataset is missing or damaged.
    """
    records = records_of_split(read_splits(dataset_dir), read_manifest(dataset_dir), "train")
    plane = next((record.plane for record in records if record.plane), "axial")
    rows, columns = spacing or np.median([record.slice_spacing for record in records], axis=0).tolist()
    return axes_affine((1, *image_size), (SLICE_MM, rows, columns), "".join(PLANE_AXES[plane]))


def check_format(output_format: str, in_channels: int) -> None:
    """Refuses colour images as NIfTI.

    Raises:
        InputError: naming the format that takes them.
    """
    if output_format == "nifti" and in_channels != 1:
        raise InputError(f"--output_format nifti: these images have {in_channels} channels; use --output_format npy.")


def write_samples_table(output_dir: Path, table: pd.DataFrame) -> None:
    """Writes ``samples.csv``, a row a sample, whole or not at all."""
    with atomic_path(output_dir / "samples.csv") as part:
        table.to_csv(part, index=False)


def write_latent(output_dir: Path, codes: Tensor, side: Tensor) -> None:
    """Writes ``latents.npz``: codes [N, h, w] and side [N, G, h, w], from which the images are decoded again."""
    with atomic_path(output_dir / "latents.npz") as part, part.open("wb") as file:
        np.savez(file, codes=codes.numpy(), side=side.numpy())
