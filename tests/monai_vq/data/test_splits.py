import dataclasses
import json

import pytest

from monai_vq.data import (
    Cohort,
    make_splits,
    prove_disjoint,
    read_manifest,
    read_splits,
    records_of_split,
    write_splits,
)
from monai_vq.errors import InputError


def test_round_trip_keeps_the_split_and_its_hash(dataset_dir):
    splits = read_splits(dataset_dir)
    write_splits(dataset_dir / "again.json", splits)
    assert (dataset_dir / "again.json").read_bytes() == (dataset_dir / "splits.json").read_bytes()
    assert json.loads((dataset_dir / "splits.json").read_text())["sha256"] == splits.sha256
    assert splits == make_splits(
        read_manifest(dataset_dir), Cohort("bids", "the folder's name"), fractions=(0.6, 0.2, 0.2)
    )


@pytest.mark.parametrize("field", ["seed", "splits", "scans", "fractions", "stratified_by", "exclusions"])
def test_hash_covers_the_body(dataset_dir, field):
    splits = read_splits(dataset_dir)
    changed = {"seed": 1, "splits": {}, "scans": {}, "fractions": {}, "stratified_by": [], "exclusions": 4}[field]
    assert dataclasses.replace(splits, **{field: changed}).sha256 != splits.sha256


def test_an_edited_file_is_refused(dataset_dir):
    path = dataset_dir / "splits.json"
    body = json.loads(path.read_text())
    body["splits"]["train"].append(body["splits"]["test"].pop())
    path.write_text(json.dumps(body))
    with pytest.raises(InputError, match="was changed after it was written"):
        read_splits(dataset_dir)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sha256": "x", "unit": "scan"}'])
def test_a_file_of_another_kind_is_refused(dataset_dir, text):
    (dataset_dir / "splits.json").write_text(text)
    with pytest.raises(InputError, match="cannot be read"):
        read_splits(dataset_dir)


def test_a_missing_file_names_the_remedy(tmp_path):
    with pytest.raises(InputError, match=r"no splits\.json in .*; prepare it"):
        read_splits(tmp_path)


def test_a_leaking_file_is_refused_even_with_a_true_hash(dataset_dir):
    splits = read_splits(dataset_dir)
    leak = splits.splits["test"][0]
    splits.splits["train"].append(leak)
    write_splits(dataset_dir / "splits.json", splits)
    with pytest.raises(InputError, match=f"train and test share the patients {leak}"):
        read_splits(dataset_dir)


def test_proof_lists_every_shared_patient_and_each_pair(make_record):
    with pytest.raises(InputError, match="val and test share the patients sub-B, sub-C"):
        prove_disjoint({"train": ["sub-A"], "val": ["sub-C", "sub-B"], "test": ["sub-B", "sub-C"]}, ())
    records = [make_record("sub-A"), make_record("sub-B"), make_record("sub-C")]
    proof = prove_disjoint({"train": ["sub-A"], "val": ["sub-B"], "test": ["sub-C"]}, records)
    assert proof == {"train&val": 0, "train&test": 0, "val&test": 0, "duplicate_content_across_splits": 0}


@pytest.mark.parametrize("column", ["sha256", "slices_sha256"])
def test_proof_finds_equal_content_under_two_names_only_across_splits(make_record, column):
    twins = [make_record("sub-A", **{column: "same"}), make_record("sub-B", **{column: "same"})]
    with pytest.raises(InputError, match="sub-A and sub-B are in different splits and have the same content"):
        prove_disjoint({"train": ["sub-A"], "val": ["sub-B"], "test": []}, twins)
    assert prove_disjoint({"train": ["sub-A", "sub-B"], "val": [], "test": []}, twins)["train&val"] == 0


def test_patient_and_records_find_their_split(dataset_dir):
    splits, records = read_splits(dataset_dir), read_manifest(dataset_dir)
    for name, members in splits.splits.items():
        assert [record.patient_id for record in records_of_split(splits, records, name)] == members
        assert {splits.patient_split(member) for member in members} == {name}
    with pytest.raises(InputError, match="'sub-X' is in no split"):
        splits.patient_split("sub-X")
    with pytest.raises(InputError, match="unknown split 'dev'; expected one of train, val, test"):
        records_of_split(splits, records, "dev")
