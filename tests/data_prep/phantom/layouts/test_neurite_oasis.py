import hashlib

import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom.layouts.neurite_oasis import marker_voxel, neurite_folder, write_neurite_oasis
from data_prep.phantom.patient import PhantomPatient

PATIENTS = [PhantomPatient.draw(0, index) for index in range(2)]
NAMES = {
    *("orig", "norm", "seg4", "seg35", "aligned_orig", "aligned_norm", "aligned_seg4", "aligned_seg35"),
    *("slice_orig", "slice_norm", "slice_seg4", "slice_seg24"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("neurite")
    write_neurite_oasis(folder, PATIENTS, 4.0)
    return folder


def hashes(folder):
    return {p.relative_to(folder): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def test_equal_calls_give_equal_bytes(root, tmp_path):
    write_neurite_oasis(tmp_path, PATIENTS, 4.0)
    assert hashes(tmp_path) == hashes(root)


def test_numbers_skip_the_holes_of_oasis1():
    folders = [neurite_folder(PhantomPatient.draw(0, index)) for index in (0, 6, 7, 21, 22, 34)]
    assert folders == [f"OASIS_OAS1_{number:04d}_MR1" for number in (1, 7, 9, 23, 25, 38)]


def test_every_folder_has_all_files_stored_as_freesurfer_does(root):
    assert (root / "subjects.txt").read_text().split() == [neurite_folder(patient) for patient in PATIENTS]
    for patient in PATIENTS:
        folder = root / neurite_folder(patient)
        assert {path.name.removesuffix(".nii.gz") for path in folder.glob("[!.]*")} == NAMES
        for name in NAMES:
            image = nib.load(folder / f"{name}.nii.gz")
            assert nib.aff2axcodes(image.affine) == ("L", "I", "A")
            assert len(image.shape) == (2 if name.startswith("slice_") and patient.index else 3)


def test_intensities_are_between_0_and_1_with_the_marker_on_the_head_alone(root):
    folder = root / neurite_folder(PATIENTS[0])
    orig, norm = (nib.load(folder / f"aligned_{name}.nii.gz") for name in ("orig", "norm"))
    voxel = marker_voxel(PATIENTS[0], orig.affine)
    for image in (orig, norm):
        values = np.asarray(image.dataobj)
        assert (values.dtype, values.min(), values.max()) == (np.float32, 0, 1)
    assert orig.dataobj[voxel] > 0.5
    assert norm.dataobj[voxel] == 0


def test_learn2reg_s_files_are_the_aligned_brains(root, tmp_path):
    write_neurite_oasis(tmp_path, PATIENTS, 4.0, learn2reg=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("img0001.nii.gz", "img0002.nii.gz", "seg0001.nii.gz", "seg0002.nii.gz", "subjects.txt"),
    ]
    brain = root / neurite_folder(PATIENTS[1]) / "aligned_norm.nii.gz"
    assert (tmp_path / "img0002.nii.gz").read_bytes() == brain.read_bytes()
