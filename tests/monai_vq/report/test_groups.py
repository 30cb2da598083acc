import numpy as np
import pandas as pd
import pytest

from monai_vq.metrics.bootstrap import patient_interval
from monai_vq.report.content import PEOPLE_COLUMNS, nobody
from monai_vq.report.groups import (
    ATTRIBUTES,
    age_band,
    constant_attributes,
    group_table,
    in_order,
    label_scans,
    write_groups,
)
from monai_vq.report.tables import patient_table, slice_table


@pytest.fixture
def rows(slices):
    return slice_table(slices)


def make_people(slice_rows, **known):
    """A row a scan; `known` gives columns as functions of the patient's id and the session's."""
    scans = slice_rows.drop_duplicates("scan_id")
    people = scans[["patient_id", "session_id", "scan_id"]].assign(
        diagnosis="", sex="", age=np.nan, site="", source="oasis2"
    )
    for column, value in known.items():
        people[column] = [value(p, s) for p, s in zip(scans["patient_id"], scans["session_id"], strict=True)]
    return people[PEOPLE_COLUMNS]


def by_number(patient, session):
    return "AD" if int(patient[-2:]) % 2 else "CN"


AGES = [(0, "0–9"), (9.99, "0–9"), (60, "60–69"), (69.9, "60–69"), (89.9, "80–89"), (90, "90+"), (104, "90+")]


@pytest.mark.parametrize(("age", "band"), [*AGES, (np.nan, "unknown"), (np.inf, "unknown"), (-1, "unknown")])
def test_ages_are_decades_and_above_89_they_are_one(age, band):
    assert age_band(age) == band


def test_a_groups_score_is_over_its_patients_with_their_interval(rows):
    table = group_table(rows, make_people(rows, diagnosis=by_number))
    patients = patient_table(rows)
    own = patients[(patients["split"] == "train") & patients["patient_id"].str[-1].isin(list("13579"))]
    row = table.query("attribute == 'diagnosis' and split == 'train' and group == 'AD'").iloc[0]
    assert row["n_patients"] == len(own) == 6
    for name in ("ssim", "ssim_foreground", "mse"):
        assert row[name] == pytest.approx(own[name].mean())
    assert (row["ssim_low"], row["ssim_high"]) == pytest.approx(patient_interval(own["ssim"], limits=(-1, 1)))


def test_groups_of_a_split_hold_all_its_patients_and_test_comes_first(rows):
    table = group_table(rows, make_people(rows, diagnosis=by_number))
    diagnosis = table[table["attribute"] == "diagnosis"]
    assert diagnosis.groupby("split")["n_patients"].sum().to_dict() == {"train": 12, "val": 3, "test": 4}
    assert diagnosis["split"].drop_duplicates().tolist() == ["test", "val", "train"]


def test_unknown_is_a_group_of_its_own_and_the_last(rows):
    people = make_people(rows, diagnosis=lambda patient, _: "" if patient.endswith("0") else "zz")
    table = group_table(rows, people).query("attribute == 'diagnosis' and split == 'train'")
    assert table["group"].tolist() == ["zz", "unknown"]
    assert table["n_patients"].tolist() == [10, 2]


def test_scans_that_are_not_in_the_dataset_are_unknown(rows):
    people = make_people(rows, sex=lambda *_: "F")
    table = group_table(rows, people[~people["patient_id"].str.startswith("sub-test")])
    assert table.query("attribute == 'sex' and split == 'test'")["group"].tolist() == ["unknown"]


def test_a_patient_whose_diagnosis_changes_is_in_both_groups_with_the_slices_of_each(rows):
    people = make_people(rows, diagnosis=lambda _, session: "CN" if session == "ses-01" else "MCI")
    table = group_table(rows, people).query("attribute == 'diagnosis' and split == 'test'").set_index("group")
    assert table["n_patients"].to_dict() == {"CN": 4, "MCI": 4}
    first = rows[(rows["split"] == "test") & (rows["session_id"] == "ses-01")]
    assert table["ssim"]["CN"] == pytest.approx(first.groupby("patient_id")["ssim"].mean().mean())


def test_sessions_are_counted_within_the_patient_in_natural_order():
    people = pd.DataFrame(
        [("a", session, f"a{session}", "", "", np.nan, "", "") for session in ("d10", "d9", "d900", "d9")]
        + [("b", "d50", "b1", "", "", np.nan, "", ""), ("c", "", "c1", "", "", np.nan, "", "")],
        columns=PEOPLE_COLUMNS,
    )
    assert label_scans(people)["session"].tolist() == [
        "session 2", "session 1", "session 3", "session 1", "session 1", "unknown"
    ]  # fmt: skip


def test_attributes_that_do_not_differ_have_no_table(rows):
    people = make_people(rows, diagnosis=by_number)
    assert constant_attributes(rows, people) == {
        "sex": "unknown", "age": "unknown", "source": "oasis2", "site": "unknown"
    }  # fmt: skip
    assert group_table(rows, people)["attribute"].unique().tolist() == ["diagnosis", "session"]
    assert group_table(rows, nobody()).empty
    assert set(constant_attributes(rows, nobody()).values()) == {"unknown"}
    assert list(constant_attributes(rows, nobody())) == list(ATTRIBUTES)


def test_names_sort_by_number_and_unknown_last():
    assert in_order(["unknown", "S10", "S2", "90+", "60–69"]) == ["60–69", "90+", "S2", "S10", "unknown"]


def test_the_table_is_written(tmp_path, rows):
    people = make_people(rows, diagnosis=by_number)
    path = write_groups(tmp_path, rows, people)
    assert path.name == "ssim_groups.csv"
    pd.testing.assert_frame_equal(pd.read_csv(path), group_table(rows, people), check_dtype=False, rtol=1e-8)
