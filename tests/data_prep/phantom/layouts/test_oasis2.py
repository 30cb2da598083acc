import hashlib

import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom import PhantomPatient
from data_prep.phantom.layouts.oasis2 import write_oasis2
from data_prep.phantom.layouts.oasis_grid import RAW_GRID
from data_prep.sources.tables import read_table

PATIENTS = [PhantomPatient.draw(0, index) for index in range(4)]
TABLE = "oasis_longitudinal_demographics-8d83e569fa2e2d30.xlsx"
RAW = "OAS2_RAW_PART1/OAS2_0001_MR1/RAW"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("oasis2")
    write_oasis2(path, PATIENTS, 8)
    return path


def test_the_images_are_nifti_pairs_on_the_sagittal_grid(root):
    image = nib.load(root / RAW / "mpr-1.nifti.img")
    assert (type(image).__name__, image.shape, image.get_data_dtype().str) == ("Nifti1Pair", (32, 32, 16, 1), ">i2")
    np.testing.assert_allclose(image.affine, RAW_GRID.place(8)[1], atol=1e-4)
    assert nib.aff2axcodes(image.affine) == ("A", "S", "L")
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 1)


def test_headers_can_be_without_orientation(tmp_path):
    write_oasis2(tmp_path, PATIENTS[1:2], 8, oriented=False)
    header = nib.load(next(tmp_path.rglob("mpr-1.nifti.img"))).header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (0, 0)


def test_visits_of_a_patient_lie_in_both_parts(root):
    folders = sorted(path.relative_to(root).as_posix() for path in root.glob("*/OAS2_0001_MR?"))
    assert folders == ["OAS2_RAW_PART1/OAS2_0001_MR1", "OAS2_RAW_PART2/OAS2_0001_MR2"]


def test_one_visit_holds_a_stray_copy(root):
    (stray,) = root.rglob("3906-3.nift.img")
    assert stray.read_bytes() == (root / RAW / "mpr-1.nifti.img").read_bytes()


def test_a_convert_has_visits_of_both_kinds(root):
    rows = {row["MRI ID"]: row for row in read_table(root / TABLE, ["MRI ID", "Group", "CDR"])}
    assert [(rows[f"OAS2_0004_MR{n}"]["Group"], rows[f"OAS2_0004_MR{n}"]["CDR"]) for n in (1, 2)] == [
        ("Converted", "0"),
        ("Converted", "0.5"),
    ]
    assert rows["OAS2_0003_MR1"]["SES"] == ""


def test_equal_calls_write_equal_bytes(root, tmp_path):
    def digest(folder):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    write_oasis2(tmp_path, PATIENTS, 8)
    assert digest(tmp_path) == digest(root)
