import json
import shutil

import pytest
import torch

from monai_vq.data import read_splits
from monai_vq.data.preparation import read_preparation
from monai_vq.engines.reconstruct.model import open_model, read_model
from monai_vq.errors import InputError


def test_a_run_knows_what_its_network_sees_and_how_slices_were_cut(tiny_stage1, tiny_dataset):
    model = read_model(tiny_stage1)
    assert (model.image_size, model.spacing, model.in_channels) == ([32, 32], None, 1)
    assert model.split_sha256 == read_splits(tiny_dataset).sha256
    assert model.preparation("nowhere/at/all") == read_preparation(tiny_dataset)
    assert not model.network.training


def test_its_own_scores_are_those_of_its_report(tiny_stage1, tmp_path):
    splits, lowest = read_model(tiny_stage1).own_scores
    assert splits["split"].tolist() == ["train", "val", "test"]
    assert lowest <= splits["ssim_foreground"].min()
    shutil.copytree(tiny_stage1, tmp_path / "run")
    shutil.rmtree(tmp_path / "run/report")
    assert read_model(tmp_path / "run").own_scores is None


def test_an_older_run_asks_only_the_dataset_that_it_learned_from(tiny_stage1, tiny_dataset, tmp_path):
    run, other = tmp_path / "run", tmp_path / "other"
    shutil.copytree(tiny_stage1, run)
    checkpoint = torch.load(run / "checkpoints/best.pt", weights_only=True)
    del checkpoint["record"]["preparation"]
    torch.save(checkpoint, run / "checkpoints/best.pt")
    model = read_model(run)
    assert model.preparation(str(tiny_dataset)) == read_preparation(tiny_dataset)
    checkpoint["record"]["split_sha256"] = "0" * 64
    torch.save(checkpoint, run / "checkpoints/best.pt")
    for dataset in (tiny_dataset, other):
        with pytest.raises(InputError, match="give that as --dataset_dir"):
            read_model(run).preparation(str(dataset))


def test_what_is_no_run_of_images_is_refused(tiny_stage1, tmp_path):
    with pytest.raises(SystemExit, match="no run in"):
        open_model(tmp_path, "cpu")
    shutil.copytree(tiny_stage1, tmp_path / "run")
    config = json.loads((tmp_path / "run/config.json").read_text())
    del config["spacing"]
    (tmp_path / "run/config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="has no spacing"):
        read_model(tmp_path / "run")
