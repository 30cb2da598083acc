import re

import pytest

from data_prep.sources.nifti_ids import RegexIds, TableIds, refuse_alike, suggest_regex
from monai_vq.data import VolumeError
from monai_vq.data.hashing import file_sha256
from monai_vq.errors import InputError

# [regular expression, path, patient, session]
MATCHES = [
    [r"(?P<patient>P\d+)", "site/P01/t1.nii", "P01", ""],
    [r"([a-z]+)/", "site/P01/t1.nii", "site", ""],
    [r"(\d+)_(\d)", "12_3.nii", "12", ""],
    [r"(?P<session>v\d)_(?P<patient>P\d+)", "v2_P01.nii", "P01", "v2"],
    [r"(?P<patient>P\d+)(_(?P<session>v\d))?", "P01.nii", "P01", ""],
]


@pytest.mark.parametrize(("pattern", "path", "patient", "session"), MATCHES)
def test_the_named_or_first_group_is_the_patient(pattern, path, patient, session):
    identity = RegexIds(pattern).identify(path)
    assert (identity.patient_id, identity.session_id) == (patient, session)


@pytest.mark.parametrize("path", ["x.nii", "patient_/t1.nii"])
def test_no_or_an_empty_match_is_no_patient(path):
    with pytest.raises(VolumeError, match="finds no patient"):
        RegexIds(r"patient_(\d*)").identify(path)


# [regular expression, message]
BAD = [
    ["P01(", "is no regular expression: "],
    ["P[0-9]+", "has no group for the patient"],
    [r"(?P<session>v\d)", "has no group for the patient"],
]


@pytest.mark.parametrize(("pattern", "message"), BAD)
def test_expressions_without_a_patient_are_refused(pattern, message):
    with pytest.raises(InputError, match=message):
        RegexIds(pattern)


@pytest.fixture
def save(tmp_path):
    """Writes a table and reads it as one of the images in the same folder."""

    def write(text, name="who.csv"):
        path = tmp_path / name
        path.write_text(text)
        return TableIds.read(path, tmp_path)

    return write


def test_files_are_found_however_the_table_writes_their_paths(save, tmp_path):
    rows = ["a/1.nii,P1", r"a\2.nii,P2", "./a/3.nii,P3", f"{tmp_path.resolve()}/a/4.nii,P4"]
    ids = save("\n".join(["file,patient_id", *rows]))
    assert [ids.identify(f"a/{number}.nii").patient_id for number in range(1, 5)] == ["P1", "P2", "P3", "P4"]
    assert ids.sha256 == file_sha256(tmp_path / "who.csv")
    assert str(tmp_path) not in repr(ids)


def test_optional_columns_describe_the_person(save):
    ids = save(
        "file\tpatient_id\tsession_id\tdiagnosis\tage\tsex\tsite\n"
        "1.nii\tP1\tv1\tAD\t70.5\tfemale\tA\n2.nii\tP2\tn/a\tn/a\tadult\t\t\n",
        "who.tsv",
    )
    first, second = ids.identify("1.nii"), ids.identify("2.nii")
    assert (first.session_id, first.person.diagnosis, first.person.age, first.person.sex) == ("v1", "AD", 70.5, "F")
    assert first.person.site == "A"
    assert (second.session_id, second.person.diagnosis, second.person.age, second.person.sex) == ("", "", None, "")
    assert list(ids.describe_gaps({"1.nii"})) == [
        "1 row(s) of who.tsv have no file here, first 2.nii",
        "1 age(s) are not years between 0 and 130 and count as unknown, first 'adult'",
    ]


def test_files_without_a_row_or_an_id_are_no_patient_s(save):
    ids = save("file,patient_id,age\n1.nii,,70\n")
    with pytest.raises(VolumeError, match=r"patient_id in who\.csv is empty; fill it in"):
        ids.identify("1.nii")
    with pytest.raises(VolumeError, match=r"not in who\.csv; add a row"):
        ids.identify("2.nii")


def test_tables_that_are_ambiguous_or_lack_columns_are_refused(save):
    with pytest.raises(InputError, match=r"who\.csv has the file 1\.nii twice"):
        save("file,patient_id\n1.nii,P1\n./1.nii,P2\n")
    with pytest.raises(InputError, match="lacks the columns patient_id"):
        save("file,subject\n1.nii,P1\n")


ALIKE = [("Sub 01", "sub_1"), ("P1", "p001"), ("Doe_Jane", "doe-jane"), ("DoeJane", "Doe Jane"), ("Ｐ１", "P1")]
ALIKE += [("Zoe\u0308", "Zoë"), ("1-02", "01_2"), ("P_0", "P00"), (" P1", "P1.")]
APART = [("P1-11", "P11-1"), ("P1", "P10"), ("P01A", "P01B"), ("1-1", "11"), ("P-1", "Q-1"), ("P10", "P100")]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_ids_that_may_be_one_patient_s_are_refused_by_name(one, other):
    refuse_alike([one, one])
    with pytest.raises(InputError) as refusal:
        refuse_alike([other, one])
    assert {repr(one), repr(other)} == set(re.findall(r"'[^']+'", str(refusal.value)))
    assert "--patient_table" in str(refusal.value)


@pytest.mark.parametrize(("one", "other"), APART)
def test_ids_that_differ_in_more_are_two_patients(one, other):
    refuse_alike([one, other])


# [paths, the patients that the suggestion finds, or None]
SUGGESTIONS = [
    [["sub-A1/anat/sub-A1_T1w.nii", "sub-A2/anat/sub-A2_T1w.nii"], ["sub-A1", "sub-A2"]],
    [["train/002_S_0295_x.nii", "test/941_S_10013_x.nii"], ["002_S_0295", "941_S_10013"]],
    [["OASIS_OAS1_0001_MR1/norm.nii", "OASIS_OAS1_0002_MR1/norm.nii"], ["OAS1_0001", "OAS1_0002"]],
    [["IXI002-Guys-0828-T1.nii.gz", "IXI012-HH-1211-T1.nii.gz"], ["IXI002", "IXI012"]],
    [["P01/scan1.nii", "P01/scan2.nii", "P02/scan1.nii"], ["P01", "P01", "P02"]],
    [["P01_t1.nii.gz", "P02_t1.nii.gz"], ["P01", "P02"]],
    [["1234.nii.gz", "1235.nii.gz"], ["1234", "1235"]],
    [["train/a.nii", "test/b.nii"], None],
    [["t1.nii", "t2.nii", "head.nii"], None],
    [["P01/t1.nii"], None],  # one value may as well be the study
]


@pytest.mark.parametrize(("paths", "patients"), SUGGESTIONS)
def test_only_an_evident_expression_is_suggested(paths, patients):
    pattern = suggest_regex(paths)
    assert (pattern and [RegexIds(pattern).identify(path).patient_id for path in paths]) == patients
