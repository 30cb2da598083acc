import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch

from monai_vq.engines import PriorData, latent_tensors, load_prior, open_prior, read_stage1
from monai_vq.errors import InputError


@pytest.fixture
def copy(tiny_prior, tmp_path) -> Path:
    return shutil.copytree(tiny_prior, tmp_path / "run")


def edit(run_dir, **items):
    config = json.loads((run_dir / "config.json").read_text())
    (run_dir / "config.json").write_text(json.dumps(config | items))


def test_it_has_what_samples_and_scores_need(tiny_prior, tiny_stage1, tiny_dataset):
    run = load_prior(tiny_prior)
    assert not run.prior.training
    assert not run.network.training
    assert (run.stage1_dir, run.dataset_dir) == (tiny_stage1, str(tiny_dataset))
    assert (run.image_size, run.spacing, run.in_channels, run.grid_size) == ([32, 32], None, 1, (8, 8))
    assert run.fields.names == ("slice_position",)
    codes, side = run.prior.sample((2, 8, 8), generator=torch.Generator().manual_seed(0))
    assert run.network.decode_latent(codes, side).shape == (2, 1, 32, 32)


def test_its_bits_are_those_that_the_run_reported(tiny_prior, tiny_stage1, tiny_dataset, tmp_path):
    run = load_prior(tiny_prior)
    data = PriorData(read_stage1(tiny_stage1), str(tiny_dataset), tmp_path / "latents", ["slice_position"], gain_bits=4)
    bits = []
    for item in map(latent_tensors, data.items("val")):
        codes = item["codes"][None]
        side = run.prior.alphabet.decode(codes, item["stored_side"][None])
        bits.append(-run.prior.log_prob(codes, side, item["condition"][None]).item() / 32**2)
    splits = pd.read_csv(tiny_prior / "report/prior_splits.csv").set_index(["split", "model"])
    reported = splits.loc[("val", "prior"), "bits_per_pixel"]
    assert sum(bits) / len(bits) == pytest.approx(reported, rel=1e-5)  # one patient


def test_no_other_code_of_the_config_is_executed(copy, tmp_path):
    witness = tmp_path / "executed"
    code = f"$__import__('pathlib').Path({str(witness)!r}).touch()"
    edit(copy, imports=[code], initialize=[code], alphabet=code, fields=code, latents=code, run=[code])
    load_prior(copy)
    assert not witness.exists()


def test_a_stage_1_that_was_moved_is_given(copy, tiny_stage1, tmp_path):
    moved = shutil.copytree(tiny_stage1, tmp_path / "moved")
    edit(copy, stage1_dir=str(tmp_path / "gone"))
    with pytest.raises(InputError, match=r"--stage1_dir .*gone: no run there"):
        load_prior(copy)
    assert load_prior(copy, stage1_dir=moved).stage1_dir == moved


def test_a_stage_1_that_was_trained_again_is_refused(copy, tiny_stage1, tmp_path):
    other = shutil.copytree(tiny_stage1, tmp_path / "other")
    checkpoint = torch.load(other / "checkpoints/best.pt", weights_only=True)
    checkpoint["epoch"] += 1
    torch.save(checkpoint, other / "checkpoints/best.pt")
    with pytest.raises(InputError, match=r"stands on another stage 1 \(.*…\) than .*other is now .*train the prior"):
        load_prior(copy, stage1_dir=other)


def test_what_is_no_priors_run_is_an_error_with_a_remedy(copy, tiny_stage1, tmp_path):
    with pytest.raises(InputError, match=r"no run in .*nowhere: .*train a prior first"):
        load_prior(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"is no run of a prior: its config.json has no stage1_dir"):
        load_prior(tiny_stage1)
    shutil.copy(tiny_stage1 / "checkpoints/best.pt", copy / "checkpoints/best.pt")
    with pytest.raises(InputError, match="is no prior's checkpoint: its record has no alphabet, fields, grid_size"):
        load_prior(copy)
    (copy / "checkpoints/best.pt").unlink()
    with pytest.raises(SystemExit, match=r"error: no checkpoint at .*train the run first"):
        open_prior(copy)


def test_a_checkpoint_of_another_size_is_an_error(copy):
    edit(copy, prior_dim=32)
    with pytest.raises(InputError, match="belongs to another network"):
        load_prior(copy)
