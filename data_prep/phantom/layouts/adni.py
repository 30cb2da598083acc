"""Phantom patients as LONI would ship them: the tree, ADNIMERGE and the collection's CSV."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices, save_dicom
from data_prep.phantom.patient import PhantomPatient, phantom_scan

__all__ = ["ORIGINAL", "SCALED", "acquisition_day", "adni_patient_id", "image_number", "write_adni"]

ORIGINAL = "MPRAGE"
SCALED = "MPR__GradWarp__B1_Correction__N3__Scaled"
SERIES = {  # name: (offset of the image number, intensities relative to the first)
    SCALED: (0, 1.0),
    "MPR__GradWarp__B1_Correction__N3": (1, 0.98),
    "MPR-R__GradWarp__B1_Correction__N3__Scaled": (2, 0.95),
    ORIGINAL: (3, 1.0),
}
_SITES = (2, 11, 23, 941)
_FIRST_DAY = date(2006, 11, 2)
_BASELINE_LEAD = timedelta(days=9)  # the exam is before the scan
_DIAGNOSES = {"CN": "CN", "AD": "Dementia"}  # ours: ADNIMERGE's
_ZOOMS = (1.2, 0.94, 0.94)  # of a header whose affine was lost
_ADNIMERGE = "RID,PTID,VISCODE,SITE,EXAMDATE,DX_bl,AGE,PTGENDER,PTEDUCAT,CDRSB,MMSE,FLDSTRENG,DX,Month"
_COLLECTION = "Image Data ID,Subject,Group,Sex,Age,Visit,Modality,Description,Type,Acq Date,Format,Downloaded"


@dataclass(frozen=True)
class _Visit:
    patient: PhantomPatient
    session: str

    @property
    def day(self) -> date:
        return acquisition_day(self.patient, self.session)

    @property
    def code(self) -> str:
        return "bl" if self.session == "ses-01" else "m24"

    @property
    def series(self) -> list[str]:
        """The later visits have one series, the first patient's first visit a repeated scan."""
        if self.patient.index % 4 == 1:
            return [ORIGINAL]
        if self.session != "ses-01":
            return [SCALED]
        return list(SERIES)[: 3 if self.patient.index == 0 else 2]


def adni_patient_id(patient: PhantomPatient) -> str:
    """PTID of a phantom patient; every fourth has the five digits of ADNI-4."""
    return f"{_SITES[patient.index % 4]:03d}_S_{_roster_id(patient):04d}"


def acquisition_day(patient: PhantomPatient, session: str) -> date:
    """The day of a session's scan."""
    years = 2 * list(patient.session_ages).index(session)
    return _FIRST_DAY.replace(year=_FIRST_DAY.year + years) + timedelta(days=patient.index)


def image_number(patient: PhantomPatient, session: str, series: str = SCALED) -> int:
    """ADNI's number of a session's image."""
    return 40000 + 10 * patient.index + 4 * list(patient.session_ages).index(session) + SERIES[series][0]


def write_adni(root: Path, patients: Sequence[PhantomPatient], voxel_size: float, *, degenerate: bool = False) -> None:
    """Writes an ADNI download.

    The traps of the real one are in it: two states of processing of each first scan, a repeated scan of the first
    patient, every fourth patient as DICOM with one file a slice, visits two years apart, patients whose last folder
    is that of a series (`S...`, older downloads), five digits in a PTID, series that are no T1, `._` files; in
    ADNIMERGE the age at baseline in every row, an unpadded RID, a visit without a diagnosis, and a person without a
    scan.

    Args:
        root: an empty folder.
        patients: whom to write.
        voxel_size: edge of the isotropic voxel, mm.
        degenerate: give the first patient's first scan the identity as affine, as many of ADNI's have.
    """
    visits = [_Visit(patient, session) for patient in patients for session in patient.session_ages]
    for visit in visits:
        image, _ = phantom_scan(visit.patient, visit.session, voxel_size)
        for series in visit.series:
            folder = _image_folder(root, visit, series)
            if series == ORIGINAL:
                _write_slices(folder, visit, image)
            else:
                _write_image(folder, visit, series, image)
    if degenerate:
        first = _Visit(patients[0], "ses-01")
        _lose_affine(_image_folder(root, first, SCALED) / _image_name(first, SCALED, "nii"))
    for patient in patients:
        _write_siblings(root / "ADNI" / adni_patient_id(patient))
    _write_csv(root / "ADNIMERGE_20Oct2024.csv", _ADNIMERGE.split(","), _adnimerge_rows(patients))
    _write_csv(root / "phantom_11_02_2024.csv", _COLLECTION.split(","), _collection_rows(visits))


def _roster_id(patient: PhantomPatient) -> int:
    return (10000 if patient.index % 4 == 3 else 295) + patient.index


def _image_folder(root: Path, visit: _Visit, series: str) -> Path:
    number, patient_id = image_number(visit.patient, visit.session, series), adni_patient_id(visit.patient)
    minute = 25 if series.startswith("MPR-R") else 16  # the repeat is made right after
    old = visit.patient.index % 2 == 1
    image = f"S{_series_number(number)}" if old else f"I{number}"
    return root / "ADNI" / patient_id / series / f"{visit.day}_08_{minute}_44.0" / image


def _image_name(visit: _Visit, series: str, ending: str, made: str = "Br_20070219173850420") -> str:
    number = image_number(visit.patient, visit.session, series)
    patient_id = adni_patient_id(visit.patient)
    return f"ADNI_{patient_id}_MR_{series}_{made}_S{_series_number(number)}_I{number}.{ending}"


def _series_number(number: int) -> int:
    return number - 20000


def _write_image(folder: Path, visit: _Visit, series: str, image: nib.Nifti1Image) -> None:
    """Stores a scan, in float32 as ADNI's processed images are, a little darker in each series."""
    path = folder / _image_name(visit, series, "nii")
    folder.mkdir(parents=True)
    voxels = np.asarray(image.dataobj, dtype=np.float32) * np.float32(SERIES[series][1])
    stored = nib.Nifti1Image(voxels, image.affine)
    stored.set_sform(image.affine, code="scanner")
    stored.set_qform(image.affine, code="scanner")
    stored.header.set_xyzt_units("mm")
    path.write_bytes(stored.to_bytes())
    path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16\x07")  # macOS leaves such files on other disks


def _write_slices(folder: Path, visit: _Visit, image: nib.Nifti1Image) -> None:
    """Stores a scan as the scanner made it: sagittal slices, whose file names do not sort by their number."""
    sagittal = image.as_reoriented(ornt_transform(io_orientation(image.affine), axcodes2ornt(("P", "I", "R"))))
    patient_id = adni_patient_id(visit.patient)
    series = DicomSeries(
        patient_id=patient_id, patient_name=patient_id, date=f"{visit.day:%Y%m%d}", description=ORIGINAL
    )
    slices = make_slices(np.asarray(sagittal.dataobj, dtype=np.int16), sagittal.affine, series)
    for number, dataset in enumerate(slices, start=1):
        save_dicom(dataset, folder / _image_name(visit, ORIGINAL, "dcm", f"br_raw_20121112110714262_{number}"))


def _lose_affine(path: Path) -> None:
    image = nib.Nifti1Image.from_bytes(path.read_bytes())
    image.set_sform(np.eye(4), code=2)
    image.set_qform(None, code=0)
    image.header.set_zooms(np.multiply(_ZOOMS, image.header.get_zooms()))
    path.write_bytes(image.to_bytes())


def _write_siblings(patient_dir: Path) -> None:
    """Series that are no T1-weighted heads; their content is of no matter."""
    for series in ("3-plane_localizer", "ADNI_Brain_PET__Raw", "Axial_DTI", "Double_TSE"):
        folder = patient_dir / series / "2006-11-02_08_10_00.0/I90001"
        folder.mkdir(parents=True)
        (folder / f"ADNI_{patient_dir.name}_{series}_S9001_I90001.dcm").write_bytes(b"another contrast")


def _adnimerge_rows(patients: Iterable[PhantomPatient]) -> Iterable[Mapping[str, object]]:
    """A row a visit, and a person who was never scanned."""
    for patient in patients:
        baseline = acquisition_day(patient, "ses-01") - _BASELINE_LEAD
        person = {
            "RID": _roster_id(patient),
            "PTID": adni_patient_id(patient),
            "SITE": _SITES[patient.index % 4],
            "DX_bl": patient.diagnosis,
            "AGE": patient.age,
            "PTGENDER": {"F": "Female", "M": "Male"}[patient.sex],
        }
        diagnosis = _DIAGNOSES[patient.diagnosis]
        yield person | {"VISCODE": "m06", "EXAMDATE": baseline + timedelta(days=183), "Month": 6}  # DX is blank
        yield person | {
            "VISCODE": "bl",
            "EXAMDATE": baseline,
            "DX": diagnosis,
            "FLDSTRENG": "1.5 Tesla MRI",
            "Month": 0,
        }
        if "ses-02" in patient.session_ages:
            later = "MCI" if diagnosis == "CN" else diagnosis
            day = acquisition_day(patient, "ses-02") - _BASELINE_LEAD
            yield person | {"VISCODE": "m24", "EXAMDATE": day, "DX": later, "FLDSTRENG": "3 Tesla MRI", "Month": 24}
    yield {"RID": 9999, "PTID": "002_S_9999", "VISCODE": "bl", "EXAMDATE": "2006-01-01", "AGE": 71.5, "DX": "CN"}


def _collection_rows(visits: Iterable[_Visit]) -> Iterable[Mapping[str, object]]:
    """A row an image; the group is that of the enrolment, the age that of the visit in whole years."""
    for visit in visits:
        for series in visit.series:
            yield {
                "Image Data ID": f"I{image_number(visit.patient, visit.session, series)}",
                "Subject": adni_patient_id(visit.patient),
                "Group": visit.patient.diagnosis,
                "Sex": visit.patient.sex,
                "Age": round(visit.patient.session_ages[visit.session]),
                "Visit": visit.code,
                "Modality": "MRI",
                "Description": series.replace("__", "; ").replace("_", " "),
                "Type": "Original" if series == ORIGINAL else "Processed",
                "Acq Date": f"{visit.day:%m/%d/%Y}",
                "Format": "DCM" if series == ORIGINAL else "NiFTI",
                "Downloaded": "11/02/2024",
            }


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
