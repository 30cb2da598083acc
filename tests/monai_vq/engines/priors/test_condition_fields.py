import logging
import shutil
from dataclasses import replace

import pytest
import torch

from monai_vq.data import read_manifest, write_manifest
from monai_vq.data.condition_rows import condition_rows
from monai_vq.engines.priors.condition_fields import embed_conditions, encode_known, learn_fields
from monai_vq.errors import InputError
from monai_vq.priors import Categorical, ConditionFields, Continuous


@pytest.fixture
def dataset(tiny_dataset, tmp_path):
    """The tiny dataset with ages 60, 61, … and every other patient AD."""
    root = shutil.copytree(tiny_dataset, tmp_path / "data")
    records = read_manifest(root)
    known = [replace(r, age=60.0 + i, diagnosis=("AD", "CN")[i % 2]) for i, r in enumerate(records)]
    write_manifest(root / "manifest.csv", known)
    return root


def test_classes_and_moments_are_those_of_the_training_patients_slices(dataset):
    diagnosis, age = learn_fields(str(dataset), ["diagnosis", "age"]).fields
    assert diagnosis == Categorical("diagnosis", ("AD", "CN"))
    ages = [row["age"] for row in condition_rows(dataset, "train")]
    assert age.mean == pytest.approx(sum(ages) / len(ages))


def test_conditions_that_the_manifest_lacks_are_refused(dataset):
    with pytest.raises(InputError, match="'dignosis' is no column of the manifest; it has: diagnosis, age"):
        learn_fields(str(dataset), ["dignosis"])
    with pytest.raises(InputError, match="site"):  # a column without any value
        learn_fields(str(dataset), ["site"])
    assert learn_fields("no dataset is read for none", []) == ConditionFields()


def test_a_class_that_no_training_patient_has_is_unknown_and_said(caplog):
    fields = ConditionFields((Categorical("diagnosis", ("AD", "CN")), Continuous("age", 70.0, 2.0)))
    rows = [{"diagnosis": "AD", "age": 72.0}, {"diagnosis": "FTD", "age": None}]
    with caplog.at_level(logging.WARNING, "monai_vq"):
        encoded = encode_known(fields, rows)
    assert encoded[0].tolist() == [0, 1]
    assert encoded[1].isnan().all()
    assert "no training patient has diagnosis FTD" in caplog.text
    assert rows[1]["diagnosis"] == "FTD"


def test_a_prior_without_conditions_has_no_embedding():
    assert embed_conditions(ConditionFields(), 8, 0.1) is None
    fields = ConditionFields((Continuous("age", 70.0, 2.0),))
    assert embed_conditions(fields, 8, 0.1)(torch.zeros(3, 1), 3).shape == (3, 8)
