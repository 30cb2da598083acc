"""Writes a derived image: its elements, and then its pixels frame by frame, as there may be more than memory holds."""

import io
import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

from monai_vq.data.dicom.silence import silenced_pydicom
from monai_vq.data.dicom.stream import explained_damage
from monai_vq.errors import InputError

__all__ = ["write_image"]

MAX_PIXEL_BYTES = (1 << 32) - 2  # an element's length has 32 bits; all of them set stand for another thing
_PIXEL_DATA = (0x7FE0, 0x0010)


def write_image(path: Path, dataset: Dataset, frames: Iterable[NDArray[np.integer]]) -> None:
    """Writes an uncompressed image of 16 bits, in explicit little endian.

    Args:
        path: of the file.
        dataset: all elements but the pixels; it says rows, columns and frames.
        frames: stored numbers, as many as the dataset says, [rows, columns] each, little endian.

    Raises:
        InputError: the pixels are more than an element can hold.
        VolumeError: a value that was copied from a source cannot be written.
        OSError: the disk is full.
    """
    size = 2 * dataset.Rows * dataset.Columns * int(dataset.get("NumberOfFrames") or 1)
    if size > MAX_PIXEL_BYTES:
        raise InputError(f"{size} bytes of pixels in one file, DICOM has at most {MAX_PIXEL_BYTES}; write NIfTI only.")
    head = _encode(dataset)
    with path.open("wb") as file:
        file.write(head)
        file.write(struct.pack("<HH2sHI", *_PIXEL_DATA, b"OW", 0, size))  # the last element of all
        for frame in frames:
            file.write(np.ascontiguousarray(frame).data)


def _encode(dataset: Dataset) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    file = io.BytesIO()
    with silenced_pydicom(), explained_damage():  # of values that were copied from the source
        dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()
