"""DICOM as a hospital exports it: patients' names in the paths, sagittal T1 series, localizers, an index."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from pydicom.dataset import Dataset
from pydicom.uid import MediaStorageDirectoryStorage

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices, save_dicom
from data_prep.phantom.patient import PhantomPatient, phantom_scan

__all__ = ["write_dicom"]

_SAGITTAL = ("P", "I", "R")  # directions of columns, rows and slices of a head scanned sagittally
_AXES = {"sagittal": _SAGITTAL, "coronal": ("L", "I", "P"), "axial": ("L", "P", "S")}
_FIRST_YEAR = 2010


def write_dicom(root: Path, patients: Sequence[PhantomPatient], voxel_size: float) -> None:
    """Writes `<name>/<date>/<series>/I0000000`: a localizer in three planes and a sagittal MPRAGE for each session.

    As in real exports, neither the files' names nor InstanceNumber follow the slices' positions everywhere, names of
    the patients are in folders and headers, and a DICOMDIR and a text file lie beside the images.

    Args:
        root: an empty folder.
        patients: whom to scan, at each of their sessions.
        voxel_size: edge of a voxel, mm.
    """
    for patient in patients:
        for session in patient.session_ages:
            _write_study(root, patient, session, voxel_size)
    _write_index(root)
    (root / "README.TXT").write_text("Exported by the simulated PACS of data_prep.phantom\n", encoding="utf-8")


def _write_study(root: Path, patient: PhantomPatient, session: str, voxel_size: float) -> None:
    image, _ = phantom_scan(patient, session, voxel_size)
    series = _describe(patient, session)
    folder = root / series.patient_name.replace("^", "_") / series.date
    localizer = replace(series, number=1, description="localizer", image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"))
    views = [dataset for axes in _AXES.values() for dataset in _middle_slice(image, axes, localizer)]
    for number, dataset in enumerate(views):
        dataset.SOPInstanceUID = series.uid("localizer", number)
        save_dicom(dataset, folder / "0001_localizer" / f"I{number:07d}")
    slices = _slices(image, _SAGITTAL, series)
    if patient.index % 2:
        for number, dataset in enumerate(reversed(slices), start=1):
            dataset.InstanceNumber = number
    for dataset, number in zip(slices, _file_numbers(len(slices)), strict=True):
        save_dicom(dataset, folder / "0002_t1_mprage_sag" / f"I{number:07d}")


def _describe(patient: PhantomPatient, session: str) -> DicomSeries:
    age = patient.session_ages[session]
    years_later = round(age - patient.age)
    label = patient.patient_id.removeprefix("sub-")
    return DicomSeries(
        patient_id=label,
        patient_name=f"PHANTOM^{label}",
        birth_date=f"{_FIRST_YEAR - int(patient.age)}0101",
        sex=patient.sex,
        age=f"{int(age):03d}Y",
        date=f"{_FIRST_YEAR + years_later}0315",
    )


def _slices(image: nib.Nifti1Image, axes: Sequence[str], series: DicomSeries) -> list[Dataset]:
    return _to_datasets(_turn(image, axes), series)


def _middle_slice(image: nib.Nifti1Image, axes: Sequence[str], series: DicomSeries) -> list[Dataset]:
    turned = _turn(image, axes)
    middle = turned.shape[2] // 2
    return _to_datasets(turned.slicer[:, :, middle : middle + 1], series)


def _turn(image: nib.Nifti1Image, axes: Sequence[str]) -> nib.Nifti1Image:
    return image.as_reoriented(ornt_transform(io_orientation(image.affine), axcodes2ornt(tuple(axes))))


def _to_datasets(image: nib.Nifti1Image, series: DicomSeries) -> list[Dataset]:
    return make_slices(np.asarray(image.dataobj, dtype=np.int16), image.affine, series)


def _file_numbers(count: int) -> list[int]:
    """Names in an order of their own: every second slice first, as interleaved acquisitions are stored."""
    return [*range(0, count, 2), *range(1, count, 2)]


def _write_index(root: Path) -> None:
    index = Dataset()
    index.FileSetID = "PHANTOM"
    index.DirectoryRecordSequence = []
    save_dicom(index, root / "DICOMDIR", kind=MediaStorageDirectoryStorage, instance=DicomSeries().uid("DICOMDIR"))
