"""Volumes as DICOM: classic MR images, one a slice, with all that the standard demands of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage, generate_uid
from pydicom.valuerep import format_number_as_ds

__all__ = ["DicomSeries", "make_slices", "plane_elements", "save_dicom"]

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class DicomSeries:
    """Who was scanned, when, and as what; texts as DICOM writes them.

    Attributes:
        patient_id: also decides all UIDs, with the date and the number.
        patient_name: as in `PHANTOM^P001`.
        birth_date: as in `19450101`.
        sex: `F` or `M`.
        age: as in `074Y`.
        date: of the study, as in `20200315`.
        number: of the series in the study.
        description: of the series.
        image_type: `ORIGINAL` or `DERIVED`, `PRIMARY` or `SECONDARY`, and more.
        echo_time: ms.
    """

    patient_id: str = "P001"
    patient_name: str = "PHANTOM^P001"
    birth_date: str = "19450101"
    sex: str = "F"
    age: str = "074Y"
    date: str = "20200315"
    number: int = 2
    description: str = "t1_mprage_sag"
    image_type: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "M", "ND")
    echo_time: float = 2.98

    def uid(self, *what: object) -> str:
        """A UID that is the same for equal arguments."""
        return generate_uid(entropy_srcs=[str(part) for part in (self.patient_id, self.date, *what)])


def make_slices(voxels: NDArray[np.integer], affine: NDArray[np.float64], series: DicomSeries) -> list[Dataset]:
    """Makes an image of each slice.

    Args:
        voxels: int16 or uint16, [column, row, slice].
        affine: voxel to world (right, anterior, superior) in mm, [4, 4].
        series: who and what.

    Returns:
        Datasets in the order of slices, to be saved with `save_dicom`.
    """
    return [_make_slice(voxels, affine, series, index) for index in range(voxels.shape[2])]


def save_dicom(
    dataset: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian, kind: str = "", instance: str = ""
) -> None:
    """Writes a dataset, the pixels of which are already encoded as the transfer syntax wants them.

    Args:
        dataset: what to write.
        path: of the file.
        syntax: UID of the transfer syntax.
        kind: UID of the kind of object; by default the dataset's own.
        instance: UID of this object; by default the dataset's own.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(kind or dataset.SOPClassUID)
    meta.MediaStorageSOPInstanceUID = UID(instance or dataset.SOPInstanceUID)
    meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta = meta
    path.parent.mkdir(parents=True, exist_ok=True)
    dcmwrite(path, dataset, enforce_file_format=True)


def plane_elements(affine: NDArray[np.float64], index: int) -> dict[str, Any]:
    """Elements that say where a slice lies, by keyword."""
    lps = _RAS_TO_LPS @ affine
    sizes = np.linalg.norm(lps[:3, :3], axis=0)
    position = lps @ (0, 0, index, 1)
    return {
        "ImagePositionPatient": _decimals(position[:3]),
        "ImageOrientationPatient": _decimals([*(lps[:3, 0] / sizes[0]), *(lps[:3, 1] / sizes[1])]),
        "PixelSpacing": _decimals([sizes[1], sizes[0]]),
        "SliceThickness": _decimals([sizes[2]])[0],
    }


def _decimals(values: Sequence[float] | NDArray[np.float64]) -> list[str]:
    return [format_number_as_ds(float(value) + 0.0) for value in values]  # + 0.0: no negative zero


def _make_slice(voxels: NDArray[np.integer], affine: NDArray[np.float64], series: DicomSeries, index: int) -> Dataset:
    dataset = Dataset()
    pixels = np.ascontiguousarray(voxels[:, :, index].T)
    elements = {
        **_identity_elements(series, index),
        **_scanner_elements(series),
        **plane_elements(affine, index),
        "InstanceNumber": index + 1,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
    }
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.add_new("PixelData", "OW", pixels.astype(pixels.dtype.newbyteorder("<")).tobytes())
    return dataset


def _identity_elements(series: DicomSeries, index: int) -> dict[str, Any]:
    return {
        "SpecificCharacterSet": "ISO_IR 100",
        "ImageType": list(series.image_type),
        "SOPClassUID": MRImageStorage,
        "SOPInstanceUID": series.uid(series.number, "image", index),
        "StudyDate": series.date,
        "SeriesDate": series.date,
        "AcquisitionDate": series.date,
        "ContentDate": series.date,
        "StudyTime": "101500",
        "ContentTime": "102000",
        "AccessionNumber": "",
        "Modality": "MR",
        "Manufacturer": "simulated by data_prep.phantom",
        "ReferringPhysicianName": "",
        "SeriesDescription": series.description,
        "PatientName": series.patient_name,
        "PatientID": series.patient_id,
        "PatientBirthDate": series.birth_date,
        "PatientSex": series.sex,
        "PatientAge": series.age,
        "StudyInstanceUID": series.uid("study"),
        "SeriesInstanceUID": series.uid("series", series.number),
        "StudyID": "1",
        "SeriesNumber": series.number,
        "FrameOfReferenceUID": series.uid("frame of reference"),
        "PositionReferenceIndicator": "",
    }


def _scanner_elements(series: DicomSeries) -> dict[str, Any]:
    return {
        "ScanningSequence": ["GR", "IR"],
        "SequenceVariant": ["SP", "MP"],
        "ScanOptions": "",
        "MRAcquisitionType": "3D",
        "RepetitionTime": "2300",
        "EchoTime": format_number_as_ds(series.echo_time),
        "InversionTime": "900",
        "EchoTrainLength": 1,
        "MagneticFieldStrength": "3",
        "FlipAngle": "9",
        "ProtocolName": series.description,
        "PatientPosition": "HFS",
    }
