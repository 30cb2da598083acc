import json
from dataclasses import replace

import pytest

from monai_vq.engines import load_prior
from monai_vq.engines.samples.conditions import check_conditions, given_conditions
from monai_vq.errors import InputError
from monai_vq.priors import ConditionFields, Continuous


@pytest.fixture(scope="module")
def prior_run(tiny_prior):
    return load_prior(tiny_prior)


@pytest.fixture
def without_dropout(prior_run, tiny_prior, tmp_path):
    """The prior as if it had been trained without dropping conditions."""
    config = json.loads((tiny_prior / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"condition_dropout": 0.0}))
    return replace(prior_run, run_dir=tmp_path)


def test_of_a_list_each_sample_takes_the_next_value():
    rows = given_conditions({"age": [60, 70, 80], "sex": "F", "diagnosis": ("AD", "CN")}, 4)
    assert [row["age"] for row in rows] == [60, 70, 80, 60]
    assert [row["diagnosis"] for row in rows] == ["AD", "CN", "AD", "CN"]
    assert {row["sex"] for row in rows} == {"F"}
    assert given_conditions(None, 2) == [{}, {}]


def test_an_empty_list_is_refused_and_none_is_unknown(prior_run):
    with pytest.raises(InputError, match=r"'slice_position': \[\].*leave slice_position out"):
        check_conditions(prior_run, {"slice_position": []}, None, 3)
    check_conditions(prior_run, {"slice_position": None}, None, 3)


def test_unknown_conditions_and_guidance_need_a_prior_that_learnt_them(prior_run, without_dropout):
    check_conditions(prior_run, None, 2.0, 3)
    check_conditions(without_dropout, {"slice_position": 0.5}, None, 3)
    with pytest.raises(InputError, match=r"--guidance 2.0: .*condition_dropout 0"):
        check_conditions(without_dropout, {"slice_position": 0.5}, 2.0, 3)
    for condition in (None, {"slice_position": None}, {"slice_position": [0.5, "unknown"]}):
        with pytest.raises(InputError, match=r"--condition lacks slice_position: .*train with --condition_dropout 0.1"):
            check_conditions(without_dropout, condition, None, 3)


@pytest.mark.parametrize("value", [60, -0.1, [0.5, 1.2]])
def test_a_slice_number_is_no_position(prior_run, value):
    with pytest.raises(InputError, match="0 is the first slice with foreground, 1 the last"):
        check_conditions(prior_run, {"slice_position": value}, None, 3)


def test_both_ends_are_positions(prior_run, caplog):
    check_conditions(prior_run, {"slice_position": [0, 1.0]}, None, 3)
    assert not caplog.records


def test_values_far_from_training_are_warned_of(prior_run, caplog):
    aged = replace(prior_run, fields=ConditionFields((Continuous("age", 60.0, 10.0),)))
    check_conditions(aged, {"age": [30, 99]}, None, 3)
    assert not caplog.records
    check_conditions(aged, {"age": 101}, None, 3)
    assert "age 101 is 4.1 standard deviations from the training mean, 60" in caplog.text
