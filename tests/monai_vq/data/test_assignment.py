import random
from collections import Counter

import pytest

from monai_vq.data import Cohort, make_splits
from monai_vq.errors import InputError

COHORT = Cohort("bids", "the folder's name")
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
    splits = make_splits(cohort, COHORT, fractions=FRACTIONS)
    random.Random(0).shuffle(cohort)
    again = make_splits(cohort, COHORT, fractions=FRACTIONS)
    assert again == splits
    assert again.sha256 == splits.sha256


def test_seed_changes_the_members_and_never_the_sizes(cohort):
    first, second = (make_splits(cohort, COHORT, fractions=FRACTIONS, seed=seed) for seed in (0, 1))
    assert first.splits != second.splits
    assert [len(members) for members in first.splits.values()] == [28, 6, 6]
    assert [len(members) for members in second.splits.values()] == [28, 6, 6]


def test_every_patient_is_in_one_split_with_all_sessions(cohort):
    splits = make_splits(cohort, COHORT, fractions=FRACTIONS)
    members = Counter(patient for split in splits.splits.values() for patient in split)
    assert members == Counter({record.patient_id for record in cohort})
    assert sum(row["n_scans"] for row in splits.table.values()) == len(cohort)
    assert sum(row["n_slices"] for row in splits.table.values()) == 3 * len(cohort)


def test_the_split_holds_the_scans_of_every_patient_with_their_hashes(make_record):
    records = [make_record(f"sub-{patient}", f"sub-{patient}_{run}") for patient in "CAB" for run in (2, 1)]
    splits = make_splits(records, COHORT, fractions=FRACTIONS)
    names = {patient: [f"{patient}_1", f"{patient}_2"] for patient in ("sub-A", "sub-B", "sub-C")}
    assert [(patient, list(scans)) for patient, scans in splits.scans.items()] == list(names.items())  # sorted
    assert splits.scans["sub-B"] == {"sub-B_1": "file sub-B_1", "sub-B_2": "file sub-B_2"}


def test_strata_keep_the_fractions(cohort):
    splits = make_splits(cohort, COHORT, fractions=FRACTIONS, stratify=["diagnosis"])
    for diagnosis, size in {"CN": 20, "AD": 14, "unknown": 5}.items():
        for name, fraction in zip(splits.splits, FRACTIONS, strict=True):
            assert abs(splits.table[name]["diagnosis"].get(diagnosis, 0) - fraction * size) <= 1.5


def test_rare_strata_are_merged_and_named(cohort):
    splits = make_splits(cohort, COHORT, fractions=FRACTIONS)
    assert splits.stratified_by == ["diagnosis", "sex"]
    assert splits.merged_strata == {"FTD, M": "*, *", "unknown, M": "*, *"}


def test_a_missing_diagnosis_is_no_healthy_one(cohort):
    table = make_splits(cohort, COHORT, fractions=FRACTIONS).table
    assert sum(row["diagnosis"].get("unknown", 0) for row in table.values()) == 5
    assert sum(row["diagnosis"].get("CN", 0) for row in table.values()) == 20


def test_diagnosis_is_that_of_the_first_session_that_has_one(make_record):
    visits = [("ses-01", ""), ("ses-02", "CN"), ("ses-03", "AD")]
    records = [make_record("sub-A", f"sub-A_{s}", session_id=s, diagnosis=d, sex="") for s, d in visits]
    assert make_splits(records, COHORT, fractions=(1, 0, 0)).table["train"]["diagnosis"] == {"CN": 1}


@pytest.mark.parametrize("fractions", [FRACTIONS, (0.98, 0.01, 0.01), (0.5, 0.5, 0), (0.34, 0.33, 0.33)])
def test_no_wanted_split_is_empty_and_sizes_are_near(make_record, fractions):
    for n_patients in range(3, 31):
        records = [make_record(f"sub-{index}", sex="FM"[index % 2]) for index in range(n_patients)]
        sizes = [len(members) for members in make_splits(records, COHORT, fractions=fractions).splits.values()]
        assert sum(sizes) == n_patients
        for size, fraction in zip(sizes, fractions, strict=True):
            assert (size > 0) == (fraction > 0)
            assert abs(size - fraction * n_patients) < 2


def test_columns_without_values_are_not_stratified_by(make_record):
    records = [make_record(f"sub-{index}", diagnosis="", sex="FM"[index % 2], age=None) for index in range(9)]
    assert make_splits(records, COHORT, fractions=FRACTIONS).stratified_by == ["sex"]
    with pytest.raises(InputError, match=r"'diagnosis' .*has no values.*offers: sex"):
        make_splits(records, COHORT, fractions=FRACTIONS, stratify=["diagnosis"])
    with pytest.raises(InputError, match=r"'scanner' .*is unknown.*offers: sex, site, field_strength"):
        make_splits(records, COHORT, fractions=FRACTIONS, stratify=["scanner"])


def test_table_describes_patients_not_scans(make_record):
    ages = {"sub-A": 60.0, "sub-B": 70.0}
    records = [make_record(p, f"{p}_run-{run}", age=age) for p, age in ages.items() for run in (1, 2, 3)]
    row = make_splits(records, COHORT, fractions=(1, 0, 0)).table["train"]
    assert (row["n_patients"], row["n_scans"], row["age_mean"], row["age_sd"]) == (2, 6, 65.0, 7.0711)
    assert row["sex"] == {"F": 2}


def test_fewer_patients_than_splits(make_record):
    with pytest.raises(InputError, match=r"2 patient\(s\) for 3 splits; add patients, .* train, val, test$"):
        make_splits([make_record("sub-A"), make_record("sub-B")], COHORT, fractions=FRACTIONS)


BAD_FRACTIONS = [(0.7, 0.2, 0.2), (1.2, -0.1, -0.1), (0.5, 0.5), (0, 0.5, 0.5), (float("nan"), 0, 1)]


@pytest.mark.parametrize("fractions", BAD_FRACTIONS)
def test_fractions_that_are_no_shares(make_record, fractions):
    with pytest.raises(InputError, match="fraction"):
        make_splits([make_record(f"sub-{index}") for index in range(9)], COHORT, fractions=fractions)


def test_copies_across_splits_are_refused(make_record):
    records = [make_record(f"sub-{index}", sha256="the same file") for index in range(9)]
    with pytest.raises(InputError, match="different splits and have the same content"):
        make_splits(records, COHORT, fractions=FRACTIONS)


def test_ages_are_stratified_by_decade_and_only_when_asked_for(cohort):
    by_age = make_splits(cohort, COHORT, fractions=(0.5, 0.25, 0.25), stratify=["age"])
    ages = {record.patient_id: record.age for record in cohort}
    assert by_age.stratified_by == ["age"]
    for decade in (60, 70, 80, 90):
        counts = [sum(decade <= ages[member] < decade + 10 for member in members) for members in by_age.splits.values()]
        assert counts[0] == 5
        assert sorted(counts[1:]) == [2, 3]


def test_a_shipped_split_is_kept_and_described(cohort):
    names = ("train", "val", "test")
    shipped = {record.patient_id: names[int(record.patient_id[-2:]) % 3] for record in cohort}
    splits = make_splits(cohort, Cohort("png_slices", "case", shipped=shipped), fractions=FRACTIONS)
    assert {member: name for name, members in splits.splits.items() for member in members} == shipped
    assert (splits.algorithm, splits.stratified_by) == ("shipped-with-the-source", [])
    nothing_to_test = {patient: "train" if name == "test" else name for patient, name in shipped.items()}
    with pytest.raises(InputError, match="ships nothing usable for test"):
        make_splits(cohort, Cohort("png_slices", "case", shipped=nothing_to_test), fractions=FRACTIONS)


def test_the_split_says_where_its_ids_come_from(cohort):
    splits = make_splits(cohort, Cohort("ad_nc", "the number before _", "scan", "first", 7), fractions=FRACTIONS)
    assert (splits.source, splits.id_rule, splits.unit) == ("ad_nc", "the number before _", "scan")
    assert (splits.sessions, splits.exclusions) == ("first", 7)
