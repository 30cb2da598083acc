import random
from collections import Counter

import pytest

from monai_vq.data import make_splits
from monai_vq.errors import InputError

FRACTIONS = (0.7, 0.15, 0.15)


@pytest.fixture
def cohort(make_record):
    """40 patients: 20 CN, 14 AD, 5 without a diagnosis, 1 FTD; women and men in turn; every third with two sessions."""
    diagnoses = ["CN"] * 20 + ["AD"] * 14 + [""] * 5 + ["FTD"]
    return [
        make_record(
            f"sub-P{index:02d}",
            f"sub-P{index:02d}_ses-{session}",
            session_id=f"ses-{session}",
            diagnosis=diagnosis,
            sex="FM"[index % 2],
            age=60.0 + index,
        )
        for index, diagnosis in enumerate(diagnoses)
        for session in range(1 + (index % 3 == 0))
    ]


def test_split_is_the_same_in_whatever_order_the_scans_come(cohort):
    splits = make_splits(cohort, fractions=FRACTIONS)
    random.Random(0).shuffle(cohort)
    again = make_splits(cohort, fractions=FRACTIONS)
    assert again == splits
    assert again.sha256 == splits.sha256


def test_seed_changes_the_members_and_never_the_sizes(cohort):
    first, second = (make_splits(cohort, fractions=FRACTIONS, seed=seed) for seed in (0, 1))
    assert first.splits != second.splits
    assert [len(members) for members in first.splits.values()] == [28, 6, 6]
    assert [len(members) for members in second.splits.values()] == [28, 6, 6]


def test_every_patient_is_in_one_split_with_all_sessions(cohort):
    splits = make_splits(cohort, fractions=FRACTIONS)
    members = Counter(patient for split in splits.splits.values() for patient in split)
    assert members == Counter({record.patient_id for record in cohort})
    assert sum(row["n_scans"] for row in splits.table.values()) == len(cohort)
    assert sum(row["n_slices"] for row in splits.table.values()) == 3 * len(cohort)


def test_strata_keep_the_fractions(cohort):
    splits = make_splits(cohort, fractions=FRACTIONS, stratify=["diagnosis"])
    for diagnosis, size in {"CN": 20, "AD": 14, "unknown": 5}.items():
        for name, fraction in zip(splits.splits, FRACTIONS, strict=True):
            assert abs(splits.table[name]["diagnosis"].get(diagnosis, 0) - fraction * size) <= 1.5


def test_rare_strata_are_merged_and_named(cohort):
    splits = make_splits(cohort, fractions=FRACTIONS)
    assert splits.stratified_by == ["diagnosis", "sex"]
    assert splits.merged_strata == {"FTD, M": "*, *", "unknown, M": "*, *"}


def test_a_missing_diagnosis_is_no_healthy_one(cohort):
    table = make_splits(cohort, fractions=FRACTIONS).table
    assert sum(row["diagnosis"].get("unknown", 0) for row in table.values()) == 5
    assert sum(row["diagnosis"].get("CN", 0) for row in table.values()) == 20


def test_diagnosis_is_that_of_the_first_session_that_has_one(make_record):
    visits = [("ses-01", ""), ("ses-02", "CN"), ("ses-03", "AD")]
    records = [make_record("sub-A", f"sub-A_{s}", session_id=s, diagnosis=d, sex="") for s, d in visits]
    assert make_splits(records, fractions=(1, 0, 0)).table["train"]["diagnosis"] == {"CN": 1}


@pytest.mark.parametrize("fractions", [FRACTIONS, (0.98, 0.01, 0.01), (0.5, 0.5, 0), (0.34, 0.33, 0.33)])
def test_no_wanted_split_is_empty_and_sizes_are_near(make_record, fractions):
    for n_patients in range(3, 31):
        records = [make_record(f"sub-{index}", sex="FM"[index % 2]) for index in range(n_patients)]
        sizes = [len(members) for members in make_splits(records, fractions=fractions).splits.values()]
        assert sum(sizes) == n_patients
        for size, fraction in zip(sizes, fractions, strict=True):
            assert (size > 0) == (fraction > 0)
            assert abs(size - fraction * n_patients) < 2


def test_columns_without_values_are_not_stratified_by(make_record):
    records = [make_record(f"sub-{index}", diagnosis="", sex="FM"[index % 2]) for index in range(9)]
    assert make_splits(records, fractions=FRACTIONS).stratified_by == ["sex"]
    with pytest.raises(InputError, match=r"'diagnosis' .*has no values.*offers: sex"):
        make_splits(records, fractions=FRACTIONS, stratify=["diagnosis"])
    with pytest.raises(InputError, match=r"'site' .*is unknown"):
        make_splits(records, fractions=FRACTIONS, stratify=["site"])


def test_table_describes_patients_not_scans(make_record):
    ages = {"sub-A": 60.0, "sub-B": 70.0}
    records = [make_record(p, f"{p}_run-{run}", age=age) for p, age in ages.items() for run in (1, 2, 3)]
    row = make_splits(records, fractions=(1, 0, 0)).table["train"]
    assert (row["n_patients"], row["n_scans"], row["age_mean"], row["age_sd"]) == (2, 6, 65.0, 7.0711)
    assert row["sex"] == {"F": 2}


def test_fewer_patients_than_splits(make_record):
    with pytest.raises(InputError, match=r"2 patient\(s\) for 3 splits; add patients, .* train, val, test$"):
        make_splits([make_record("sub-A"), make_record("sub-B")], fractions=FRACTIONS)


BAD_FRACTIONS = [(0.7, 0.2, 0.2), (1.2, -0.1, -0.1), (0.5, 0.5), (0, 0.5, 0.5), (float("nan"), 0, 1)]


@pytest.mark.parametrize("fractions", BAD_FRACTIONS)
def test_fractions_that_are_no_shares(make_record, fractions):
    with pytest.raises(InputError, match="fraction"):
        make_splits([make_record(f"sub-{index}") for index in range(9)], fractions=fractions)


def test_copies_across_splits_are_refused(make_record):
    records = [make_record(f"sub-{index}", sha256="the same file") for index in range(9)]
    with pytest.raises(InputError, match="different splits and have the same content"):
        make_splits(records, fractions=FRACTIONS)
