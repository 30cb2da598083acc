import pytest

from data_prep.sources.adni_names import (
    LEVELS,
    Series,
    find_name_problem,
    image_number,
    is_patient,
    parse_acquisition_date,
    parse_series,
    resembles_patient,
)

# [folder of a series, what its name says]
SERIES = [
    ["MPR__GradWarp__B1_Correction__N3__Scaled", Series("scaled")],
    ["MPR__GradWarp__B1_Correction__N3__Scaled_2", Series("scaled")],
    ["MPR____N3__Scaled", Series("scaled")],
    ["MPR-R__GradWarp__N3__Scaled", Series("scaled", repeat=True)],
    ["MT1__GradWarp__N3m", Series("n3m")],
    ["MPR__GradWarp__B1_Correction__N3", Series("n3")],
    ["MPR__GradWarp__B1_Correction", Series("b1")],
    ["MPR__GradWarp", Series("gradwarp")],
    ["MP-RAGE", Series("original")],
    ["SAG_IR-SPGR", Series("original")],
    ["MP-RAGE_REPEAT", Series("original", repeat=True)],
    ["MPRAGE_2", Series("original", repeat=True)],
    ["MPRAGE_SENSE2", Series("original", accelerated=True)],
    ["MPRAGE_GRAPPA_2", Series("original", accelerated=True)],
    ["MPRAGE_GRAPPA2_repeat", Series("original", repeat=True, accelerated=True)],
    ["Accelerated_SAG_IR-FSPGR", Series("original", accelerated=True)],
    ["IR-FSPGR_w_acceleration", Series("original", accelerated=True)],
    ["Accelerated_Sagittal_MPRAGE_ND", Series("original", accelerated=True, uncorrected=True)],
    ["3-plane_localizer", None],
    ["ADNI_Brain_PET__Raw", None],
    ["Axial_DTI", None],
    ["Double_TSE", None],
    ["Sagittal_3D_FLAIR", None],
    ["Hippocampal_Mask", None],
    ["HHP_6_DOF_AC-PC_registered_MPRAGE", None],
    ["Spatially_Normalized__Masked_and_N3_corrected_T1_image", None],
]


@pytest.mark.parametrize(("name", "series"), SERIES)
def test_series(name, series):
    assert parse_series(name) == series


def test_every_level_has_a_name_that_gives_it():
    assert {series.level for _, series in SERIES if series} == set(LEVELS)


@pytest.mark.parametrize(
    ("name", "valid", "similar"),
    [
        ("002_S_0295", True, False),
        ("941_S_10013", True, False),
        ("002_S_295", False, True),
        ("2_S_0295", False, True),
        ("002_s_0295", False, True),
        ("002_S_0295_old", False, True),
        ("٠٠٢_S_0295", False, False),  # Arabic digits are digits to Python
        ("ADNI", False, False),
    ],
)
def test_patients_have_four_or_five_digits(name, valid, similar):
    assert (is_patient(name), resembles_patient(name)) == (valid, similar)


def test_days():
    assert parse_acquisition_date("2006-11-02_08_16_44.0") == "2006-11-02"
    assert parse_acquisition_date("2006-11-02") is None


FILE = "ADNI_002_S_0295_MR_MPR__GradWarp__B1_Correction__N3__Scaled_Br_20070219173850420_S21856_I40966.nii"
SLICE = "ADNI_941_S_10013_MR_MPRAGE_br_raw_20121112110714262_110_S174193_I346110.dcm"


@pytest.mark.parametrize(
    ("name", "folder", "number"),
    [
        (FILE, "I40966", 40966),
        (FILE, "S21856", 40966),
        (f"{FILE}.gz", "S21856", 40966),
        (SLICE, "S174193", 346110),
        ("converted.nii.gz", "I40966", 40966),
        ("converted.nii.gz", "S21856", None),
    ],
)
def test_image_numbers_come_from_both_eras_folders(name, folder, number):
    assert image_number(name, folder) == number


def test_files_that_contradict_their_folders():
    assert find_name_problem(FILE, "I40966", "002_S_0295") is None
    assert find_name_problem("converted.nii.gz", "I1", "002_S_0295") is None
    reason, _ = find_name_problem(FILE, "I40966", "002_S_0296")
    assert reason == "the name says 002_S_0295, its folder 002_S_0296"
    reason, _ = find_name_problem(FILE, "I40967", "002_S_0295")
    assert reason == "the name says image I40966, its folder I40967"
