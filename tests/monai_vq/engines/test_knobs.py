import copy

import pytest
import torch
from monai.bundle import ConfigParser

from monai_vq.engines import check_knobs
from monai_vq.engines.knobs import KNOBS, calling_parser, check_value
from monai_vq.engines.priors.knobs import PRIOR_KNOBS
from monai_vq.engines.reconstruct.knobs import RECONSTRUCT_KNOBS
from monai_vq.errors import InputError

_CODEBOOK = ("num_embeddings", "embedding_dim", "commitment_cost", "estimator")
_PROJECTED = (*_CODEBOOK, "projection_cost", "num_gains", "gain_bits")
READ = {  # what of OF_LATENTS a bundle has
    **{"vq": _CODEBOOK, "vq_ema": _CODEBOOK, "cifar10_report": _CODEBOOK},
    **{"projected": _PROJECTED, "oasis": _PROJECTED, "adni": _PROJECTED, "cifar10": _PROJECTED},
    "projected_report": (*_CODEBOOK, "projection_cost"),
    "frequency": (*_CODEBOOK, "num_frequent", "warmup_epochs"),
    "hybrid": (*_CODEBOOK, "num_frequent", "warmup_epochs", "projection_cost", "gain_bits"),
    "none": ("embedding_dim",),
    "vae": ("latent_size", "kl_weight"),
}
ELSEWHERE = PRIOR_KNOBS.keys() | RECONSTRUCT_KNOBS.keys()
OF_LATENTS = {name for names in READ.values() for name in names}


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("resume", "false", False),
        ("resume", "True", True),
        ("deterministic", True, True),
        ("spacing", "None", None),
        ("gain_bits", "none", None),
        ("gain_bits", 4, 4),
        ("projection_cost", 1, 1.0),
        ("spacing", (2, 2), [2, 2]),
        ("max_minutes", "none", None),
        ("max_minutes", 1, 1.0),
        ("learning_rate", 1e-3, 1e-3),
        ("dataset_dir", "none", "none"),  # a folder may be called so
        ("device", "cuda", "cuda"),
        ("device", torch.device("cpu"), torch.device("cpu")),
        ("max_epochs", "@train#trainer#max_epochs", "@train#trainer#max_epochs"),
        ("max_minutes", "$2 * 30", "$2 * 30"),
    ],
)
def test_a_value_is_brought_to_its_type(name, given, value):
    checked = check_value(name, given)
    assert checked == value
    assert type(checked) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("resume", "yes", "expected bool"),
        ("resume", 1, "expected bool"),
        ("max_epochs", 2.0, "expected int"),
        ("max_epochs", True, "expected int"),
        ("max_epochs", "none", "expected int"),
        ("learning_rate", "fast", "expected float"),
        ("learning_rate", False, "expected float"),
        ("spacing", 2.0, "expected list or None"),
        ("image_size", "none", "expected list"),
        ("output_dir", 2024, "expected str"),
        ("gain_bits", 4.0, "expected int or None"),
        ("num_gains", "none", "expected int"),
        ("num_frequent", 0.8, "expected int"),
        ("estimator", 1, "expected str"),
    ],
)
def test_a_value_of_another_type_is_refused(name, given, expected):
    with pytest.raises(InputError, match=f"--{name} .*{expected}"):
        check_value(name, given)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"batch_size": 0}, "--batch_size 0 must be at least 1"),
        ({"max_epochs": -3}, "--max_epochs -3"),
        ({"learning_rate": float("inf")}, "--learning_rate inf must be positive"),
        ({"learning_rate": float("nan")}, "--learning_rate nan must be positive"),
        ({"max_minutes": 0}, "--max_minutes 0.0 must be positive"),
        ({"num_workers": -1}, "--num_workers -1 must be 0 or more"),
        ({"num_gains": 0}, "--num_gains 0 must be at least 1"),
        ({"latent_size": 0}, "--latent_size 0 must be at least 1"),
        ({"gain_bits": 0}, "--gain_bits 0 must be at least 1"),
        ({"gain_bits": 9}, "--gain_bits 9 must be at most 8; none leaves"),
        ({"num_frequent": -1}, "--num_frequent -1 must be 0 or more"),
        ({"warmup_epochs": -1}, "--warmup_epochs -1 must be 0 or more"),
        ({"commitment_cost": -0.5}, "--commitment_cost -0.5 must be 0 or more"),
        ({"projection_cost": float("inf")}, "--projection_cost inf"),
        ({"kl_weight": float("nan")}, "--kl_weight nan must be 0 or more"),
        ({"num_frequent": 9, "num_embeddings": 8}, "--num_frequent 9 must be at most --num_embeddings, 8"),
        ({"num_gains": 3, "embedding_dim": 64}, "--num_gains 3 must divide --embedding_dim, 64"),
        ({"precision": "float16"}, "'float16': expected one of fp32, bf16, fp16"),
        ({"image_size": [128]}, r"--image_size \[128\]: expected two positive numbers"),
        ({"image_size": [128.0, 96.0]}, "--image_size"),
        ({"spacing": [2.0, 0.0]}, r"--spacing \[2.0, 0.0\]"),
    ],
)
def test_a_value_out_of_range_is_refused(setting, message):
    with pytest.raises(InputError, match=message):
        check_knobs(setting | {"initialize": [f"$print(@{name})" for name in setting]})


def test_the_ends_of_a_range_belong_to_it():
    ends = {"num_frequent": 8, "num_embeddings": 8, "num_gains": 64, "embedding_dim": 64, "gain_bits": 8}
    ends |= {"warmup_epochs": 0, "commitment_cost": 0, "projection_cost": 0, "kl_weight": 0, "num_workers": 0}
    config = ends | {"initialize": [f"$print(@{name})" for name in ends]}
    check_knobs(config)
    assert {name: config[name] for name in ends} == ends


@pytest.mark.parametrize("bundle", READ)
def test_a_bundle_has_the_settings_that_its_latent_reads_and_no_unknown_one(bundle):
    parser = ConfigParser()
    parser.read_config(f"bundles/{bundle}.json")
    parser.resolve_macro_and_relative_ids()
    before = copy.deepcopy(parser.config)
    check_knobs(parser.config)
    assert parser.config == before
    assert KNOBS.keys() & before.keys() == (KNOBS.keys() - OF_LATENTS - ELSEWHERE) | set(READ[bundle])


@pytest.mark.parametrize(("quantizer", "others"), [("Vector", ""), ("Projected", ", published"), ("Identity", None)])
def test_an_estimator_is_one_that_the_bundles_quantizer_knows(quantizer, others):
    network = {"quantizer": {"_target_": f"monai_vq.quantizers.{quantizer}Quantizer", "estimator": "@estimator"}}
    config = {"network_def": network, "run": ["@network_def"]}
    check_knobs(config | {"estimator": "rotation"})
    check_knobs(config | {"estimator": "$'rotation'"})
    if others is None:
        check_knobs(config | {"estimator": "gumbel"})  # for the quantizer itself to refuse
    else:
        with pytest.raises(InputError, match=f"'gumbel': expected one of straight_through, rotation{others}\\.$"):
            check_knobs(config | {"estimator": "gumbel"})


def test_a_known_setting_that_nothing_in_the_config_reads_is_refused():
    config = {"batch_size": 4, "num_embeddings": 8, "run": ["$print(@batch_size)"]}
    with pytest.raises(InputError, match=r"--num_embeddings 8: nothing in this config reads it; .* @num_embeddings"):
        check_knobs(config)
    check_knobs({"num_embeddings": 8, "run": ["$print(@num_embeddings)"]})


def test_the_model_zoos_spelling_of_the_epochs_leaves_ours_unread_and_is_no_error():
    check_knobs({"max_epochs": 100, "train": {"trainer": {"max_epochs": 5}}})
    with pytest.raises(InputError, match="--max_epochs 100"):
        check_knobs({"max_epochs": 100, "train": {"trainer": {}}})


def test_a_config_may_have_a_header():
    config = {"_desc_": "what it is for"}
    check_knobs(config)
    assert config == {"_desc_": "what it is for"}


def test_an_expression_is_left_for_what_it_evaluates_to():
    config = {"precision": "$engines.default_precision(@device)", "device": "cpu", "run": ["@precision"]}
    check_knobs(config)
    assert config["precision"].startswith("$")


@pytest.mark.parametrize(
    ("name", "near"),
    [("max_epoch", "max_epochs"), ("batchsize", "batch_size"), ("zzz", "expected one of"), ("optimiser", "optimizer")],
)
def test_a_setting_that_nothing_reads_is_refused_naming_the_nearest(name, near):
    trainer = {"optimizer": "@optimizer", "max_epochs": "@max_epochs"}
    config = {"max_epochs": 1, "optimizer": {}, "train": {"trainer": trainer}, name: 3}
    with pytest.raises(InputError, match=f"unknown setting --{name} 3: .*{near}"):
        check_knobs(config)


def test_an_id_that_something_refers_to_is_known():
    config = {"gamma": 0.5, "train": {"handlers": [{"factor": "$@gamma * 2"}, "%extra#handler"]}, "extra": {}}
    before = copy.deepcopy(config)
    check_knobs(config)
    assert config == before
    del config["train"]["handlers"][0]
    with pytest.raises(InputError, match="unknown setting --gamma"):
        check_knobs(config)


def test_the_parser_that_evaluates_an_expression_is_found():
    parser = ConfigParser({"imports": ["$import monai_vq.engines.knobs as knobs"], "who": "$knobs.calling_parser()"})
    assert parser.get_parsed_content("who") is parser
    with pytest.raises(RuntimeError, match="check_knobs"):
        calling_parser()
