"""A neurite-oasis download of phantom patients, volumes and slices, with Learn2Reg's numbers if asked for."""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from numpy.typing import NDArray

from data_prep.phantom.canvas import Tissue
from data_prep.phantom.patient import PhantomPatient, marker_position, phantom_scan

__all__ = ["marker_voxel", "neurite_folder", "write_neurite_oasis"]

_AXES = "LIA"
_HOLES = (8, 24, 36)  # numbers that OASIS-1 does not have
_SEG4 = {Tissue.GREY: 1, Tissue.WHITE: 3, Tissue.CSF: 4, Tissue.VENTRICLE: 4}
_SEG4_LABELS = """\
0 Unknown 0 0 0 0
1 Cortex 205 62 78 0
2 Subcortical-Gray-Matter 230 148 34 0
3 White-Matter 245 245 245 0
4 CSF 60 60 60 0
"""


def neurite_folder(patient: PhantomPatient) -> str:
    """The patient's folder; numbers run on over the holes of OASIS-1."""
    numbers = [number for number in range(1, patient.index + 2 + len(_HOLES)) if number not in _HOLES]
    return f"OASIS_OAS1_{numbers[patient.index]:04d}_MR1"


def marker_voxel(patient: PhantomPatient, affine: NDArray[np.floating]) -> tuple[int, int, int]:
    """Indices of the voxel in which the marker's centre lies."""
    i, j, k = np.rint(np.linalg.inv(affine) @ (*marker_position(patient), 1))[:3].astype(int)
    return int(i), int(j), int(k)


def write_neurite_oasis(
    root: Path, patients: Sequence[PhantomPatient], voxel_size: float, learn2reg: bool = False
) -> None:
    """Writes the download.

    The slices are those of the marker, as far as the head reaches; every second is stored as flat 2-D, the others as
    3-D with one slice. Brain and head come in the aligned and the native space, which are one here.

    Args:
        root: an empty folder.
        patients: whom to scan, at their first session; neurite-oasis has one each.
        voxel_size: edge of a voxel, mm.
        learn2reg: write the aligned brains alone, as `img0001.nii.gz` with `seg0001.nii.gz`.
    """
    folders = [neurite_folder(patient) for patient in patients]
    (root / "subjects.txt").write_text("\n".join([*folders, ""]), encoding="utf-8")
    if not learn2reg:
        (root / "seg4_labels.txt").write_text(_SEG4_LABELS, encoding="utf-8")
    for position, patient in enumerate(patients, start=1):
        images = _draw(patient, voxel_size)
        if learn2reg:
            _write(root / f"img{position:04d}.nii.gz", images["aligned_norm"])
            _write(root / f"seg{position:04d}.nii.gz", images["aligned_seg35"])
            continue
        folder = root / neurite_folder(patient)
        folder.mkdir()
        (folder / "._norm.nii.gz").write_bytes(b"\0\5\x16\7Mac OS X")
        for name, image in (images | _cut(patient, images)).items():
            _write(folder / f"{name}.nii.gz", image)


def _draw(patient: PhantomPatient, voxel_size: float) -> dict[str, nib.Nifti1Image]:
    scan, truth = (_store(image) for image in phantom_scan(patient, "ses-01", voxel_size))
    tissue, affine = np.asarray(truth.dataobj), scan.affine
    head = np.asarray(scan.dataobj, dtype=np.float32)
    head /= head.max()
    brain = np.where(np.isin(tissue, list(_SEG4)), head, np.float32(0))
    seg4 = np.select([tissue == kind for kind in _SEG4], list(_SEG4.values()), 0).astype(np.uint8)
    arrays: dict[str, NDArray[Any]] = {"orig": head, "norm": brain / brain.max(), "seg4": seg4, "seg35": seg4 * 8}
    images = {name: nib.Nifti1Image(array, affine) for name, array in arrays.items()}
    return images | {f"aligned_{name}": image for name, image in images.items()}


def _store(image: nib.Nifti1Image) -> nib.Nifti1Image:
    """The image with its voxels in the order of FreeSurfer."""
    return image.as_reoriented(ornt_transform(io_orientation(image.affine), axcodes2ornt(_AXES)))


def _cut(patient: PhantomPatient, images: dict[str, nib.Nifti1Image]) -> dict[str, nib.Nifti1Image]:
    """The coronal slice through the marker, of image and labels."""
    affine = images["orig"].affine
    _, _, k = marker_voxel(patient, affine)
    flat = (slice(None), slice(None), k) if patient.index % 2 else (slice(None), slice(None), slice(k, k + 1))
    sources = {"norm": "norm", "orig": "orig", "seg4": "seg4", "seg24": "seg35"}
    return {
        f"slice_{name}": nib.Nifti1Image(np.asarray(images[source].dataobj)[flat], affine)
        for name, source in sources.items()
    }


def _write(path: Path, image: nib.Nifti1Image) -> None:
    path.write_bytes(gzip.compress(image.to_bytes(), compresslevel=3, mtime=0))
