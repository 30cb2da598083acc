from dataclasses import replace

import pytest

from data_prep.qc.counts import count_columns, count_rows
from monai_vq.data import Cohort, make_splits


@pytest.fixture
def make(make_record):
    """The split of six scans, whose unit is given."""

    def make(unit: str, **changes):
        records = [make_record(number, **changes) for number in range(6)]
        return make_splits(records, Cohort("x", "y", unit), fractions=(0.5, 0.25, 0.25), stratify=[])

    return make


def test_sizes_have_the_words_of_the_unit(make):
    assert list(count_columns(make("patient")).values()) == ["patients", "scans", "slices"]
    assert list(count_columns(make("scan")).values()) == ["scans", "slices"]
    assert list(count_columns(make("image")).values()) == ["stacks", "images"]
    assert list(count_columns(make("image", slice_indices=(0,))).values()) == ["images"]


def test_groups_of_several_scans_are_counted_where_patients_are_unknown(make):
    splits = make("scan")
    splits.table["train"]["n_scans"] += 1
    assert list(count_columns(splits).values()) == ["groups", "scans", "slices"]


def test_rows_are_the_table_of_the_split(make):
    splits = make("patient")
    rows = {row["split"]: row for row in count_rows(splits)}
    for name, counts in splits.table.items():
        assert rows[name]["sizes"] == [counts["n_patients"], counts["n_scans"], counts["n_slices"]]
        assert rows[name]["age"].startswith(f"{counts['age_mean']:.1f}")
        assert rows[name]["sex"] == f"F: {counts['n_patients']}"


def test_unknown_ages_are_blank(make):
    assert [row["age"] for row in count_rows(make("patient", age=None))] == ["", "", ""]


def test_differences_from_train_are_columns_only_where_they_were_computed(make):
    splits = make("patient")
    table = {name: {key: value for key, value in row.items() if key != "smd"} for name, row in splits.table.items()}
    assert all(row["differences"] == {} for row in count_rows(replace(splits, table=table)))
    table["val"]["smd"] = {"age": -0.254, "sex": None}
    differences = {row["split"]: row["differences"] for row in count_rows(replace(splits, table=table))}
    assert differences["val"] == {"age": "-0.25", "sex": ""}
    assert differences["train"] == {"age": "", "sex": ""}
