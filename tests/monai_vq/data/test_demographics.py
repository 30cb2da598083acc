import math

import numpy as np
import pytest

from monai_vq.data.demographics import describe_differences, describe_split, first_values

AGES = {"A": 60.0, "B": 70.0, "C": 80.0, "D": 62.0, "E": 75.0, "F": None}
SEXES = dict(zip("ABCDEF", "FFMFMM", strict=True))
PATIENTS = {name: {"age": AGES[name], "sex": SEXES[name], "diagnosis": "CN" if name < "D" else ""} for name in AGES}


def test_age_difference_is_in_units_of_the_pooled_deviation():
    train, test = ["A", "B", "C"], ["D", "E", "F"]
    difference = describe_differences(test, train, PATIENTS)["age"]
    means, variances = zip(*((np.mean(ages), np.var(ages)) for ages in ([62, 75], [60, 70, 80])), strict=True)
    assert difference == pytest.approx((means[0] - means[1]) / math.sqrt(sum(variances) / 2), abs=1e-4)


def test_share_difference_is_that_of_a_binomial():
    difference = describe_differences(["D", "E", "F"], ["A", "B", "C"], PATIENTS)["sex"]
    expected = (1 / 3 - 2 / 3) / math.sqrt((2 / 9 + 2 / 9) / 2)
    assert abs(difference) == pytest.approx(abs(expected), abs=1e-4)


def test_no_difference_from_itself_and_none_where_it_has_no_scale():
    assert describe_differences(["A", "B"], ["A", "B"], PATIENTS) == {"age": 0, "diagnosis": 0, "sex": 0}
    assert describe_differences(["F"], ["A", "B"], PATIENTS)["age"] is None
    assert describe_differences(["D", "E"], ["A", "B"], PATIENTS)["diagnosis"] is None  # all against none
    assert describe_differences([], ["A"], PATIENTS) == {"age": None, "diagnosis": None, "sex": None}


def test_counts_are_of_patients_and_a_blank_is_unknown(make_record):
    records = [
        make_record("sub-A", "sub-A_1", session_id="ses-01", diagnosis="", age=None),
        make_record("sub-A", "sub-A_2", session_id="ses-02", diagnosis="AD", age=71.0),
        make_record("sub-B", diagnosis=""),
    ]
    patients = first_values(records)
    assert (patients["sub-A"]["diagnosis"], patients["sub-A"]["age"]) == ("AD", 71.0)
    row = describe_split(["sub-A", "sub-B"], records, patients)
    assert (row["n_patients"], row["n_scans"], row["n_slices"]) == (2, 3, 9)
    assert row["diagnosis"] == {"AD": 1, "unknown": 1}
