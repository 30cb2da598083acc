import json
import shutil

import pytest
import torch

from monai_vq.engines import load_run
from monai_vq.errors import InputError
from monai_vq.export import read_finished_run


def test_weights_are_those_of_the_best_checkpoint_in_the_plain_layout(finished, tiny_stage1):
    best = torch.load(tiny_stage1 / "checkpoints/best.pt", weights_only=True)["network"]
    assert finished.weights.keys() == best.keys() == load_run(tiny_stage1).state_dict().keys()
    for name, value in finished.weights.items():
        assert torch.equal(value, best[name])
        assert value.is_contiguous()


def test_scores_and_preparation_are_of_the_run(finished):
    assert finished.scores["split"].tolist() == ["train", "val", "test"]
    assert set(finished.baselines["split"]) == {"train", "val", "test"}
    assert finished.preparation["source"] == "bids"
    assert finished.image_size == [32, 32]


def test_what_the_checkpoint_says_of_the_preparation_comes_first(tiny_stage1, tmp_path):
    run = shutil.copytree(tiny_stage1, tmp_path / "run")
    checkpoint = torch.load(run / "checkpoints/best.pt", weights_only=True)
    checkpoint["record"]["preparation"] = {"source": "oasis1"}
    torch.save(checkpoint, run / "checkpoints/best.pt")
    assert read_finished_run(run).preparation == {"source": "oasis1"}


def test_an_older_run_asks_its_dataset_unless_that_has_another_split(tiny_stage1, tmp_path, finished):
    run = shutil.copytree(tiny_stage1, tmp_path / "run")
    checkpoint = torch.load(run / "checkpoints/best.pt", weights_only=True)
    checkpoint["record"].pop("preparation", None)
    torch.save(checkpoint, run / "checkpoints/best.pt")
    assert read_finished_run(run).preparation == finished.preparation
    checkpoint["record"]["split_sha256"] = "another"
    torch.save(checkpoint, run / "checkpoints/best.pt")
    assert read_finished_run(run).preparation == {}


def test_a_dataset_that_is_gone_leaves_the_preparation_unknown(tiny_stage1, tmp_path):
    run = shutil.copytree(tiny_stage1, tmp_path / "run")
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"dataset_dir": str(tmp_path / "gone")}))
    checkpoint = torch.load(run / "checkpoints/best.pt", weights_only=True)
    checkpoint["record"].pop("preparation", None)
    torch.save(checkpoint, run / "checkpoints/best.pt")
    assert read_finished_run(run).preparation == {}


def test_a_prior_is_refused_by_name(tiny_prior):
    with pytest.raises(InputError, match=r"transformer is the run of a prior.*Priors are not exported yet"):
        read_finished_run(tiny_prior)


def test_a_run_without_scores_is_refused(tiny_stage1, tmp_path):
    run = shutil.copytree(tiny_stage1, tmp_path / "run")
    (run / "report/ssim_splits.csv").unlink()
    with pytest.raises(InputError, match=r"no report/ssim_splits.csv.*--resume true"):
        read_finished_run(run)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="no run in"):
        read_finished_run(tmp_path)


# [file of a run, what is left of it]
DAMAGED = [("config.json", ""), ("config.json", "[1]"), ("environment.json", "{"), ("report/ssim_splits.csv", "")]


@pytest.mark.parametrize(("name", "text"), DAMAGED)
def test_a_file_that_was_cut_off_is_named(tiny_stage1, tmp_path, name, text):
    run = shutil.copytree(tiny_stage1, tmp_path / "run")
    (run / name).write_text(text)
    with pytest.raises(InputError, match=f"{name} is damaged"):
        read_finished_run(run)
