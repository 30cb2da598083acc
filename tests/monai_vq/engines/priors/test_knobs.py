import copy

import pytest
from monai.bundle import ConfigParser

from monai_vq.engines import check_knobs
from monai_vq.engines.knobs import check_value
from monai_vq.engines.priors.knobs import PRIOR_KNOBS
from monai_vq.errors import InputError

TRAINING = {"stage1_dir", "conditions", "condition_dropout", "prior_dim", "num_layers", "patience", "sample_interval"}
READ = {
    "transformer": TRAINING | {"num_heads", "prior_dropout"},
    "pixelcnn": TRAINING,
    "sample": {"run_dir", "stage1_dir", "num_samples", "condition", "temperature", "top_k", "top_p", "guidance"}
    | {"output_format", "judge"},
    "anomaly": {"run_dir", "stage1_dir", "prior_dataset_dir", "split", "plant_lesions", "num_restorations"},
}


@pytest.mark.parametrize("bundle", READ)
def test_a_bundle_has_its_settings_and_no_unknown_one(bundle):
    parser = ConfigParser()
    parser.read_config(f"bundles/{bundle}.json")
    parser.resolve_macro_and_relative_ids()
    before = copy.deepcopy(parser.config)
    check_knobs(parser.config)
    assert parser.config == before
    assert PRIOR_KNOBS.keys() & before.keys() == READ[bundle]


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("conditions", "diagnosis", ["diagnosis"]),
        ("conditions", "diagnosis, age", ["diagnosis", "age"]),
        ("conditions", "[diagnosis, age]", ["diagnosis", "age"]),
        ("conditions", ("diagnosis", "age"), ["diagnosis", "age"]),
        ("conditions", "none", []),
        ("conditions", None, []),
        ("condition", "none", None),
        ("condition", {"age": 70}, {"age": 70}),
        ("patience", "none", None),
        ("top_p", 1, 1.0),
    ],
)
def test_a_value_is_brought_to_its_type(name, given, value):
    assert check_value(name, given) == value


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"condition": "AD"}, "--condition 'AD' is a str; expected dict or None"),
        ({"condition": {"age": float("nan")}}, "--condition age: nan is neither a number nor a word"),
        ({"condition": {"age": [70, {}]}}, "--condition age: {} is neither"),
        ({"conditions": [1]}, r"--conditions \[1\]: expected columns"),
        ({"conditions": ["age", "age"]}, "each column may be named once"),
        ({"condition_dropout": 1}, "--condition_dropout 1.0 must be at least 0 and below 1"),
        ({"prior_dropout": -0.1}, "--prior_dropout -0.1"),
        ({"top_p": 0}, "--top_p 0.0 must lie above 0"),
        ({"top_k": 0}, "--top_k 0 must be at least 1"),
        ({"temperature": 0}, "--temperature 0.0 must be positive"),
        ({"guidance": -1}, "--guidance -1.0 must be 0 or more"),
        ({"stage1_dir": None}, "--stage1_dir none: a prior stands on a finished run"),
        ({"patience": 0}, "--patience 0 must be at least 1"),
        ({"prior_dim": 16, "num_heads": 3}, "--num_heads 3 must divide --prior_dim, 16"),
        ({"output_format": "png"}, "--output_format 'png': expected one of npy, nifti"),
    ],
)
def test_a_value_that_no_prior_can_have_is_refused(setting, message):
    with pytest.raises(InputError, match=message):
        check_knobs(setting | {"initialize": [f"$print(@{name})" for name in setting]})
