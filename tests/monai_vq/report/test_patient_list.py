import json

import numpy as np
import pandas as pd
import pytest

from monai_vq.pages import encode
from monai_vq.report.content import PEOPLE_COLUMNS, nobody
from monai_vq.report.patient_list import patient_list
from monai_vq.report.tables import patient_table, slice_table


@pytest.fixture
def rows(slices):
    return slice_table(slices)


def as_frame(data):
    return pd.DataFrame(data["rows"], columns=[column["title"] for column in data["columns"]])


def test_every_patient_has_a_row_with_scores_to_a_digit_more_than_is_shown(rows):
    patients = patient_table(rows)
    frame = as_frame(patient_list(patients, rows, nobody(), "patient"))
    assert frame[["split", "patient"]].to_numpy().tolist() == patients[["split", "patient_id"]].to_numpy().tolist()
    assert frame["slices"].tolist() == patients["n_slices"].tolist()
    assert frame["SSIM"].to_numpy() == pytest.approx(patients["ssim"].to_numpy(), abs=0.5e-5)
    assert frame["MSE"].to_numpy() == pytest.approx(patients["mse"].to_numpy(), rel=0.5e-3)


def test_the_splits_can_be_chosen_and_attributes_that_do_not_differ_have_no_column(rows):
    columns = patient_list(patient_table(rows), rows, nobody(), "image")["columns"]
    assert [column["title"] for column in columns][:3] == ["split", "image", "slices"]
    assert columns[0]["filter"] == ["train", "val", "test"]
    assert all(column["filter"] is None for column in columns[1:])


def test_a_patient_with_several_values_is_found_under_each(rows):
    scans = rows.drop_duplicates("scan_id")
    diagnosis = np.where(scans["session_id"] == "ses-01", "CN", np.where(scans["split"] == "test", "", "AD"))
    people = scans[["patient_id", "session_id", "scan_id"]].assign(
        diagnosis=diagnosis, sex="F", age=np.nan, site="", source=""
    )
    data = patient_list(patient_table(rows), rows, people[PEOPLE_COLUMNS], "patient")
    frame = as_frame(data)
    assert frame.groupby("split")["diagnosis"].unique().str.join(",").to_dict() == {
        "train": "AD; CN", "val": "AD; CN", "test": "CN; unknown"
    }  # fmt: skip
    filters = {column["title"]: column["filter"] for column in data["columns"]}
    assert filters["diagnosis"] == ["AD", "CN", "unknown"]
    pictures = as_frame(patient_list(patient_table(rows), rows, people[PEOPLE_COLUMNS], "image"))
    assert pictures["class"].tolist() == frame["diagnosis"].tolist()
    assert not {"sex", "age"} & set(filters)  # all are F, and no age is known


def test_scores_without_a_value_are_null_and_the_text_ends_no_script(rows):
    rows.loc[rows["patient_id"] == "sub-test00", "ssim_foreground"] = np.nan
    data = patient_list(patient_table(rows), rows, nobody(), "patient")
    assert as_frame(data)["foreground SSIM"].isna().sum() == 1
    text = encode(data | {"attack": "</script>"})
    assert "NaN" not in text
    assert "<" not in text
    assert json.loads(text)["attack"] == "</script>"
