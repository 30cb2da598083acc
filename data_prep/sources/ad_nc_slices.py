"""The slices of one scan of AD_NC, from JPEG files to a stack with its foreground."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.sources.ad_nc_folders import parse_slice_name
from monai_vq.data import SliceStack, VolumeError, files_sha256
from monai_vq.data.foreground_slices import slices_mask
from monai_vq.data.nifti import MAX_VOLUME_BYTES
from monai_vq.data.pictures import read_picture

__all__ = ["read_slices"]


def read_slices(files: tuple[Path, ...]) -> SliceStack:
    """Reads the slices of a scan; those without foreground are left out.

    The files do not say in which plane they were cut, nor the size of a pixel.

    Args:
        files: `<image>_<slice>.jpeg`, in the order of the slices' numbers.

    Returns:
        Slices uint8 [S, H, W], with their numbers.

    Raises:
        VolumeError: a file is damaged, of another form or in colour, the sizes differ, or no slice has foreground.
        OSError: a file cannot be opened.
    """
    slices = np.stack(_read_pictures(files))
    mask = slices_mask(slices)
    shown = np.flatnonzero(mask.any(axis=(1, 2)))
    if not shown.size:
        raise VolumeError(f"none of {len(files)} slices shows a brain, all are black", "leave the scan out")
    numbers = [_slice_number(path) for path in files]
    return SliceStack(
        slices=slices[shown],
        mask=mask[shown],
        slice_indices=tuple(numbers[index] for index in shown),
        sha256=files_sha256(files),
    )


def _read_pictures(files: tuple[Path, ...]) -> list[NDArray[np.uint8]]:
    pictures: list[NDArray[np.uint8]] = []
    for path in files:
        picture = _to_grey(read_picture(path.read_bytes(), path.name), path.name)
        first = pictures[0] if pictures else picture
        if picture.shape != first.shape:
            reason = f"{path.name} has {_describe_size(picture)} pixels, {files[0].name} {_describe_size(first)}"
            raise VolumeError(f"{reason}; expected slices of one size", "export the slices of the scan again")
        if picture.size * len(files) > MAX_VOLUME_BYTES:
            reason = f"{len(files)} slices of {_describe_size(picture)} pixels, expected at most {MAX_VOLUME_BYTES}"
            raise VolumeError(f"{reason} bytes", "scale them down")
        pictures.append(picture)
    return pictures


def _to_grey(picture: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    if picture.ndim == 2:
        return picture
    if (picture == picture[..., :1]).all():
        return np.ascontiguousarray(picture[..., 0])
    raise VolumeError(f"{name} is in colour, expected grey", "export the slices without a colour map")


def _slice_number(path: Path) -> int:
    numbers = parse_slice_name(path.name)
    if numbers is None:
        raise VolumeError(f"{path.name} is not of the form <image>_<slice>.jpeg", "give the file its name back")
    return numbers[1]


def _describe_size(picture: NDArray[np.uint8]) -> str:
    rows, columns = picture.shape
    return f"{columns} x {rows}"
