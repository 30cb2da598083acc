import shutil

import pytest
import torch

from monai_vq.data.preparation import read_preparation
from monai_vq.engines.reconstruct.model import ReconstructionModel, open_model
from monai_vq.errors import InputError


def test_a_run_knows_how_its_slices_were_cut(tiny_stage1, tiny_dataset):
    model = ReconstructionModel.read(tiny_stage1)
    assert model.preparation("nowhere/at/all") == read_preparation(tiny_dataset)


def test_its_own_scores_are_those_of_its_report(tiny_stage1, tmp_path):
    splits, lowest = ReconstructionModel.read(tiny_stage1).own_scores
    assert splits["split"].tolist() == ["train", "val", "test"]
    assert lowest <= splits["ssim_foreground"].min()
    shutil.copytree(tiny_stage1, tmp_path / "run")
    shutil.rmtree(tmp_path / "run/report")
    assert ReconstructionModel.read(tmp_path / "run").own_scores is None


def test_an_older_run_asks_only_the_dataset_that_it_learned_from(tiny_stage1, tiny_dataset, tmp_path):
    run, other = tmp_path / "run", tmp_path / "other"
    shutil.copytree(tiny_stage1, run)
    checkpoint = torch.load(run / "checkpoints/best.pt", weights_only=True)
    del checkpoint["record"]["preparation"]
    torch.save(checkpoint, run / "checkpoints/best.pt")
    model = ReconstructionModel.read(run)
    assert model.preparation(str(tiny_dataset)) == read_preparation(tiny_dataset)
    checkpoint["record"]["split_sha256"] = "0" * 64
    torch.save(checkpoint, run / "checkpoints/best.pt")
    for dataset in (tiny_dataset, other):
        with pytest.raises(InputError, match="give that as --dataset_dir"):
            ReconstructionModel.read(run).preparation(str(dataset))


def test_what_is_no_run_ends_the_program_in_a_line(tmp_path):
    with pytest.raises(SystemExit, match="no run in"):
        open_model(tmp_path, "cpu")
