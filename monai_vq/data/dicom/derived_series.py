"""Writes what was made of a volume as a series of its own, beside the one it was read from."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage, generate_uid

from monai_vq.data.dicom.consistency import check_series
from monai_vq.data.dicom.copies import drop_copies
from monai_vq.data.dicom.derivation import Derivation
from monai_vq.data.dicom.derived_elements import READ_TAGS
from monai_vq.data.dicom.derived_file import write_image
from monai_vq.data.dicom.derived_folder import IMAGE_NAME, whole_folder
from monai_vq.data.dicom.derived_image import derive_classic, derive_enhanced
from monai_vq.data.dicom.geometry import SliceGrid, find_grid
from monai_vq.data.dicom.headers import DicomHeader, read_header
from monai_vq.data.dicom.kinds import MR_CLASSES
from monai_vq.data.dicom.silence import silenced_pydicom
from monai_vq.data.dicom.stored_scale import choose_scale
from monai_vq.data.dicom.stream import explained_damage, parse_file
from monai_vq.data.nifti import VolumeError
from monai_vq.data.storage import MAX_VOLUME_BYTES
from monai_vq.errors import InputError

__all__ = ["write_derived_series"]

MAX_DESCRIPTION = 64  # characters of SeriesDescription
NUMBER_OFFSET = 1000  # of SeriesNumber, so that derived series follow the originals


def write_derived_series(
    source: Sequence[Path],
    array: NDArray[np.float32],
    folder: Path,
    description: str,
    *,
    compression_ratio: float | None = None,
    seed: int | None = None,
) -> list[Path]:
    """Writes new voxels for the slices of a series, as another series of the same study and frame of reference.

    Each file of the source is answered by one, with the same geometry, uncompressed, of 16 bits, in the source's own
    steps of intensity where these fit (`choose_scale`), so that `read_series` gives the array back to half a step. Only
    allowed elements are taken over (`derived_elements`); MONOCHROME1 becomes MONOCHROME2, as `read_series` turns it.
    Padding values are not kept, as every pixel was made anew.

    Args:
        source: all files of the series, in any order.
        array: intensities [column, row, slice], as `Volume.array` of the series.
        folder: to write to; of an earlier derived series there, nothing is left.
        description: of the series, 1 to 64 printable ASCII characters without backslash, and nothing private.
        compression_ratio: bits of the source's pixels over those of the latent. Without it the images say that they
            were compressed with loss, but not how much, which the standard wants them to.
        seed: gives the same UIDs for the same source, array and description; None gives new ones each time.

    Returns:
        Paths `IM00001.dcm, ...` in the order of slices. All of them are there, or none.

    Raises:
        VolumeError: the source is not one volume (see `check_series` and `find_grid`), or is no MR image.
        InputError: the array is not of the volume's shape or not finite, the description or the ratio is not allowed,
            or the folder holds something else. No message quotes a header.
    """
    headers, _ = drop_copies([read_header(path) for path in source])
    _check_source(headers, array.nbytes)
    grid = find_grid([frame for header in headers for frame in header.frames])
    _check_array(array, headers, grid)
    _check_texts(description, compression_ratio)
    derivation, new_uid = _describe(headers, array, description, compression_ratio, seed)
    places = _places(headers, grid)
    with whole_folder(folder) as part:
        for number, (header, slices) in enumerate(places, start=1):
            dataset = _derive(header, derivation, new_uid("image", number), slices)
            frames = (derivation.scale.encode(array[:, :, index]).T for index in slices)
            write_image(part / IMAGE_NAME.format(number), dataset, frames)
    return [folder / IMAGE_NAME.format(number) for number in range(1, len(places) + 1)]


def _check_source(headers: Sequence[DicomHeader], size: int) -> None:
    if not headers:
        raise VolumeError("no file, expected those of one series", "give all files of the series")
    check_series(headers, max(MAX_VOLUME_BYTES, size))  # a volume that was read once may be larger than memory
    if headers[0].sop_class not in MR_CLASSES:
        raise VolumeError("not an MR image, so it is unknown what a derived one must say", "write NIfTI instead")


def _check_array(array: NDArray[np.floating], headers: Sequence[DicomHeader], grid: SliceGrid) -> None:
    form = headers[0].format
    expected = (form.columns, form.rows, len(grid.order))
    if array.shape != expected:
        raise InputError(
            f"voxels of shape {list(array.shape)} for a series of {list(expected)} columns, rows and slices; "
            "give the files that the volume was read from, and its array as it was read."
        )
    if not all(np.isfinite(voxels).all() for voxels in _slices(array)):
        raise InputError("voxels are NaN or infinite, which DICOM cannot store; replace them first.")


def _check_texts(description: str, compression_ratio: float | None) -> None:
    is_plain = description.isascii() and description.isprintable() and "\\" not in description
    if not (is_plain and description.strip() and len(description) <= MAX_DESCRIPTION):
        raise InputError(
            f"description of {len(description)} characters {description[:MAX_DESCRIPTION]!r}; expected 1 to "
            f"{MAX_DESCRIPTION} printable ASCII characters without backslash."
        )
    if compression_ratio is not None and not 0 < compression_ratio < float("inf"):
        raise InputError(f"compression ratio {compression_ratio}; expected a positive number, or None if unknown.")


def _describe(
    headers: Sequence[DicomHeader],
    array: NDArray[np.floating],
    description: str,
    compression_ratio: float | None,
    seed: int | None,
) -> tuple[Derivation, Callable[..., str]]:
    first, frames = headers[0], [frame for header in headers for frame in header.frames]
    voxels = _hash(array) if seed is not None else ""

    def new_uid(*what: object) -> str:
        if seed is None:
            return generate_uid()
        sources = (seed, first.series, frames[0].echo_time, voxels, description, *what)
        return generate_uid(entropy_srcs=[str(text) for text in sources])

    derivation = Derivation(
        series=new_uid("series"),
        frame_of_reference=new_uid("frame of reference"),
        organization=new_uid("dimensions"),
        number=NUMBER_OFFSET + (first.info.series_number or 0),
        description=description,
        created=datetime.now(),
        scale=choose_scale(array, frames, bool(first.format.signed)),
        is_inverted=first.format.photometric == "MONOCHROME1",
        compression_ratio=compression_ratio,
    )
    return derivation, new_uid


def _hash(array: NDArray[np.floating]) -> str:
    digest = hashlib.sha256()
    for voxels in _slices(array):
        digest.update(np.ascontiguousarray(voxels).data)
    return digest.hexdigest()


def _slices(array: NDArray[np.floating]) -> Iterator[NDArray[np.floating]]:
    """One slice after another, as a volume may be larger than memory."""
    return (array[:, :, index] for index in range(array.shape[2]))


def _places(headers: Sequence[DicomHeader], grid: SliceGrid) -> list[tuple[DicomHeader, list[int]]]:
    """Files in the order of their first slices, each with the slices that its frames are."""
    place = {frame: index for index, frame in enumerate(grid.order)}
    places, n_seen = [], 0
    for header in headers:
        places.append((header, [place[n_seen + number] for number in range(len(header.frames))]))
        n_seen += len(header.frames)
    return sorted(places, key=lambda of_file: of_file[1])


def _derive(header: DicomHeader, derivation: Derivation, instance: str, slices: Sequence[int]) -> Dataset:
    reference = (str(header.sop_class), header.sop_instance)
    size = (header.format.rows or 0, header.format.columns or 0)
    with silenced_pydicom(), explained_damage():
        source = parse_file(header.path, READ_TAGS).dataset
        if header.sop_class == MRImageStorage:
            return derive_classic(source, reference, instance, size, derivation)
        return derive_enhanced(source, reference, instance, size, derivation, slices)
