import hashlib

import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom import PhantomPatient
from data_prep.phantom.layouts.oasis1 import write_oasis1

PATIENTS = [PhantomPatient.draw(0, index) for index in range(3)]
SESSION = "disc1/OAS1_0001_MR1"
T88 = f"{SESSION}/PROCESSED/MPRAGE/T88_111/OAS1_0001_MR1_mpr_n4_anon_111_t88"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("oasis1")
    write_oasis1(path, PATIENTS, 8)
    return path


# [stem, shape at 8 mm, dtype]
IMAGES = [
    [f"{T88}_masked_gfc", (22, 26, 22, 1), ">i2"],
    [f"{T88}_gfc", (22, 26, 22, 1), ">i2"],
    [f"{SESSION}/PROCESSED/MPRAGE/SUBJ_111/OAS1_0001_MR1_mpr_n4_anon_sbj_111", (32, 32, 20, 1), ">i2"],
    [f"{SESSION}/RAW/OAS1_0001_MR1_mpr-4_anon", (32, 32, 16, 1), ">i2"],
    [f"{SESSION}/FSL_SEG/OAS1_0001_MR1_mpr_n4_anon_111_t88_masked_gfc_fseg", (22, 26, 22, 1), "|u1"],
]


@pytest.mark.parametrize(("stem", "shape", "dtype"), IMAGES)
def test_the_images_are_big_endian_analyze_in_four_dimensions(root, stem, shape, dtype):
    image = nib.load(root / f"{stem}.img")
    assert (root / f"{stem}.hdr").read_bytes()[:4] == bytes.fromhex("0000015c")
    assert (root / f"{stem}.hdr").stat().st_size == 348
    assert (type(image).__name__, image.shape, image.get_data_dtype().str) == ("Spm2AnalyzeImage", shape, dtype)
    assert nib.aff2axcodes(image.affine) == ("L", "A", "S")  # what nibabel assumes, true or not


def test_names_count_the_acquisitions_and_rescans_are_mr2(root):
    masked = sorted(path.name for path in root.rglob("[!.]*masked_gfc.img"))
    assert [name.partition("_anon")[0] for name in masked] == [
        "OAS1_0001_MR1_mpr_n4",
        "OAS1_0001_MR2_mpr_n4",
        "OAS1_0002_MR1_mpr_n3",
        "OAS1_0003_MR1_mpr_n4",
    ]
    assert len(list(root.rglob("OAS1_0002_MR1_mpr-?_anon.img"))) == 3
    assert sorted(path.name for path in root.glob("disc*")) == ["disc1", "disc2"]


def test_acquisitions_of_a_session_differ_as_two_scans_of_one_head(root):
    first, second = (
        nib.load(root / f"{SESSION}/RAW/OAS1_0001_MR1_mpr-{run}_anon.img").get_fdata().ravel() for run in (1, 2)
    )
    assert not np.array_equal(first, second)
    assert np.corrcoef(first, second)[0, 1] > 0.999


def test_strays_lie_beside_the_images(root):
    names = {path.name for path in (root / T88).parent.iterdir()}
    assert {f"{(root / T88).name}_masked_gfc_tra_90.gif", f"._{(root / T88).name}_masked_gfc.img", "t4_files"} <= names
    assert (
        (root / f"{SESSION}/OAS1_0001_MR1.txt").read_text().startswith("SESSION ID:   OAS1_0001_MR1\n\nAGE:          ")
    )


def test_only_the_images_asked_for_are_written(tmp_path):
    write_oasis1(tmp_path, PATIENTS[1:2], 8, images=("masked_t88",))
    assert [path.name for path in tmp_path.rglob("[!.]*.img")] == ["OAS1_0002_MR1_mpr_n3_anon_111_t88_masked_gfc.img"]


def test_equal_calls_write_equal_bytes(root, tmp_path):
    def digest(folder):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    write_oasis1(tmp_path, PATIENTS, 8)
    assert digest(tmp_path) == digest(root)
