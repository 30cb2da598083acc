import json
import shutil
from dataclasses import replace

import pytest
import torch

from monai_vq.data import read_splits, write_splits

CONDITIONS = {"conditions": ["slice_position"]}


@pytest.fixture
def refusal(run_prior, tiny_stage1):
    """The one line with which a prior's run ends that must not start."""

    def refuse(output_dir, stage1_dir=tiny_stage1, **settings):
        with pytest.raises(SystemExit) as stopped:
            run_prior("transformer", stage1_dir, output_dir, **settings)
        message = stopped.value.code
        assert isinstance(message, str)
        assert message.startswith("error: ")
        assert "\n" not in message
        return message

    return refuse


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"num_layer": 3}, ["--num_layer", "did you mean --num_layers"]),
        ({"image_size": [64, 64]}, ["--image_size [64, 64]", "nothing in this config reads it"]),
        ({"num_heads": 3}, ["--num_heads 3 must divide --prior_dim, 16"]),
        ({"conditions": "[diagnosi]"}, ["condition 'diagnosi' is no column of the manifest", "diagnosis"]),
        ({"conditions": ["age"]}, ["age", "no known value"]),
        ({"gain_bits": 9}, ["--gain_bits 9 must be at most 8"]),
        ({"gain_bits": "none"}, ["--gain_bits none", "are not rounded", "give 1 to 8"]),
        ({"patience": 0}, ["--patience 0"]),
        ({"device": "gpu"}, ["--device 'gpu'"]),
        ({"dataset_dir": "nowhere/at/all"}, ["nowhere/at/all", "python -m data_prep SOURCE"]),
        ({"resume": "true"}, ["last.pt", "without --resume"]),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_anything_is_written(refusal, tmp_path, settings, parts):
    message = refusal(tmp_path / "run", **settings)
    assert [part for part in parts if part not in message] == []
    assert not (tmp_path / "run").exists()


def test_a_stage_1_that_is_missing_or_has_no_codes_is_refused(refusal, run_bundle, tmp_path):
    assert "no run there; train one first" in refusal(tmp_path / "run", tmp_path / "nowhere")
    none = run_bundle("none", tmp_path / "none", max_epochs=1)
    assert "its latent is a IdentityQuantizer's" in refusal(tmp_path / "run", none)
    assert not (tmp_path / "run").exists()


def test_a_dataset_of_another_split_is_refused(refusal, tiny_dataset, tmp_path):
    other = shutil.copytree(tiny_dataset, tmp_path / "data")
    splits = read_splits(other)
    test, (first, *train) = splits.splits["test"], splits.splits["train"]
    moved = {"train": sorted(train + test), "val": splits.splits["val"], "test": [first]}
    write_splits(other / "splits.json", replace(splits, splits=moved))
    message = refusal(tmp_path / "run", dataset_dir=str(other))
    assert "learned from another split" in message
    assert not (tmp_path / "run").exists()


def test_bits_that_stage_1_does_not_have_are_refused(refusal, run_bundle, tmp_path):
    rounded = run_bundle("projected", tmp_path / "rounded", max_epochs=1, gain_bits=2)
    assert "rounds its gains to 2 bits; leave it out" in refusal(tmp_path / "run", rounded, gain_bits=3)
    plain = run_bundle("vq_ema", tmp_path / "plain", max_epochs=1)
    assert "have no gains; leave it out" in refusal(tmp_path / "run", plain, gain_bits=3)


def damaged(stage1_dir, folder, **settings):
    """A copy of a stage-1 run with another checkpoint, or another setting."""
    other = shutil.copytree(stage1_dir, folder)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | settings))
    if not settings:
        checkpoint = torch.load(other / "checkpoints/best.pt", weights_only=True)
        torch.save(checkpoint | {"epoch": 77}, other / "checkpoints/best.pt")
    return other


def test_a_run_of_other_latents_conditions_or_layers_is_not_resumed(
    refusal, run_bundle, tiny_prior, tiny_stage1, tmp_path
):
    run = shutil.copytree(tiny_prior, tmp_path / "run")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    more_codes = run_bundle("projected", tmp_path / "more", max_epochs=1, num_embeddings=16)
    again = damaged(tiny_stage1, tmp_path / "again")
    wider = damaged(tiny_stage1, tmp_path / "wider", image_size=[32, 64])
    resume = {"resume": "true"} | CONDITIONS
    assert "another codes (K) (8) than is given here (16)" in refusal(run, more_codes, **resume)
    assert "another grid ([8, 8]) than is given here ([8, 16])" in refusal(run, wider, **resume)
    assert "another stage-1 checkpoint (" in refusal(run, again, **resume)
    assert "another gain_bits (4) than is given here (2)" in refusal(run, gain_bits=2, **resume)
    assert "another conditions (slice_position) than is given here (none)" in refusal(run, resume="true")
    assert "belongs to another network" in refusal(run, prior_dim=32, **resume)
    assert "is no prior's checkpoint" in refusal(tiny_stage1, **resume)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
