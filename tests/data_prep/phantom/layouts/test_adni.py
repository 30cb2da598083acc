import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom import PhantomPatient, phantom_scan
from data_prep.phantom.layouts.adni import (
    ORIGINAL,
    SCALED,
    acquisition_day,
    adni_patient_id,
    image_number,
    write_adni,
)
from monai_vq.data.dicom import read_series

PATIENTS = [PhantomPatient.draw(seed=0, index=index) for index in (0, 3)]


def read_tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def download(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("loni")
    write_adni(root, PATIENTS, 8.0)
    return root


def test_equal_calls_give_equal_bytes(download, tmp_path):
    write_adni(tmp_path, PATIENTS, 8.0)
    assert read_tree(tmp_path) == read_tree(download)


def test_names_of_both_eras(download):
    names = [name for name in read_tree(download) if name.endswith(".nii") and SCALED in name and "._" not in name]
    assert sorted(names)[0] == (
        f"ADNI/002_S_0295/{SCALED}/2006-11-02_08_16_44.0/I40000/"
        f"ADNI_002_S_0295_MR_{SCALED}_Br_20070219173850420_S20000_I40000.nii"
    )
    assert any(f"941_S_10003/{SCALED}/2006-11-05_08_16_44.0/S20030/" in name for name in names)


def test_a_stored_volume_is_the_phantom_s_scan(download):
    (path,) = (download / "ADNI" / adni_patient_id(PATIENTS[1])).glob(f"{SCALED}/2008*/*/ADNI*.nii")
    stored, (image, _) = nib.load(path), phantom_scan(PATIENTS[1], "ses-02", 8.0)
    np.testing.assert_array_equal(np.asarray(stored.dataobj), np.asarray(image.dataobj))
    np.testing.assert_allclose(stored.affine, image.affine, atol=1e-4)
    assert nib.aff2axcodes(stored.affine) == ("L", "I", "A")
    assert path.name.endswith(f"_I{image_number(PATIENTS[1], 'ses-02')}.nii")
    assert acquisition_day(PATIENTS[1], "ses-02").isoformat() in path.as_posix()


def test_slices_are_the_phantom_s_scan_too(tmp_path):
    patient = PhantomPatient.draw(seed=0, index=1)
    write_adni(tmp_path, [patient], 8.0)
    volume = read_series(tuple(tmp_path.glob(f"ADNI/*/{ORIGINAL}/*/S20013/*.dcm")))
    read = nib.as_closest_canonical(nib.Nifti1Image(volume.array, volume.affine))
    image = nib.as_closest_canonical(phantom_scan(patient, "ses-01", 8.0)[0])
    np.testing.assert_array_equal(np.asarray(read.dataobj), np.asarray(image.dataobj))
    np.testing.assert_allclose(read.affine, image.affine, atol=1e-3)


def test_adnimerge_has_its_traps(download):
    with (download / "ADNIMERGE_20Oct2024.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    mine = [row for row in rows if row["RID"] == "295"]
    assert {row["AGE"] for row in mine} == {str(PATIENTS[0].age)}
    assert {row["VISCODE"]: row["DX"] for row in mine} == {"bl": "CN", "m06": "", "m24": "MCI"}
    assert {row["RID"] for row in rows} == {"295", "10003", "9999"}


def test_a_lost_affine_is_the_identity_with_other_zooms(tmp_path):
    write_adni(tmp_path, PATIENTS[:1], 8.0, degenerate=True)
    (path,) = (tmp_path / "ADNI").glob(f"*/{SCALED}/2006*/*/ADNI*.nii")
    image = nib.load(path)
    np.testing.assert_array_equal(image.affine, np.eye(4))
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (2, 0)
    assert image.header.get_zooms() == pytest.approx((9.6, 7.52, 7.52))
