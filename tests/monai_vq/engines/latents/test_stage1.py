import json
import shutil
from dataclasses import replace

import pytest
import torch

from monai_vq.data import file_sha256, read_splits, write_splits
from monai_vq.engines import check_split, on_device, open_stage1, read_stage1, trained_model
from monai_vq.engines.load_run import make_network
from monai_vq.errors import InputError


@pytest.fixture
def copy(tiny_stage1, tmp_path):
    return shutil.copytree(tiny_stage1, tmp_path / "run")


def edit(run_dir, **items):
    config = json.loads((run_dir / "config.json").read_text())
    (run_dir / "config.json").write_text(json.dumps(config | items))


def test_a_run_tells_its_images_its_latents_and_its_hashes(tiny_stage1, tiny_dataset):
    stage1 = read_stage1(tiny_stage1)
    assert (stage1.image_size, stage1.spacing, stage1.in_channels) == ([32, 32], None, 1)
    assert stage1.grid_size == (8, 8)
    assert stage1.gain_bits is None
    assert stage1.dataset_dir == str(tiny_dataset)
    assert stage1.split_sha256 == read_splits(tiny_dataset).sha256
    assert stage1.checkpoint_sha256 == file_sha256(tiny_stage1 / "checkpoints/best.pt")
    assert not stage1.network.training


def test_its_network_asks_for_no_gradient(tiny_stage1):
    network = on_device(read_stage1(tiny_stage1), "cpu")
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_grid_need_not_be_square(copy):
    edit(copy, image_size=[32, 64])
    assert read_stage1(copy).grid_size == (8, 16)


def test_what_is_no_run_of_a_vqvae_is_an_error_with_a_remedy(copy, tmp_path):
    with pytest.raises(InputError, match=r"--stage1_dir .*nowhere: no run there; train one first"):
        read_stage1(tmp_path / "nowhere")
    (copy / "checkpoints/best.pt").unlink()
    with pytest.raises(InputError, match=r"no checkpoint at .*; train the run first"):
        read_stage1(copy)
    (copy / "config.json").write_text("{}")
    with pytest.raises(InputError, match="has no dataset_dir, image_size, spacing, in_channels: it is no run of a VQ"):
        read_stage1(copy)
    with pytest.raises(SystemExit, match=r"error: .*it is no run of a VQ"):
        open_stage1(copy)


@pytest.mark.parametrize(
    ("quantizer", "name"),
    [
        ({"_target_": "monai_vq.quantizers.IdentityQuantizer", "embedding_dim": 8}, "IdentityQuantizer"),
        (
            {
                "_target_": "monai_vq.quantizers.WidthProjectedQuantizer",
                "codebook": {"_target_": "monai_vq.quantizers.Codebook", "num_embeddings": 8, "embedding_dim": 8},
            },
            "WidthProjectedQuantizer",
        ),
    ],
)
def test_a_latent_without_a_code_a_position_is_refused(copy, monkeypatch, quantizer, name):
    config = json.loads((copy / "config.json").read_text())
    edit(copy, network_def=config["network_def"] | {"quantizer": quantizer})
    monkeypatch.setattr(
        trained_model, "load_best", lambda run_dir, _: (make_network(run_dir), {"record": {}})
    )  # its weights are not what is refused
    with pytest.raises(InputError, match=f"its latent is a {name}'s, .*train one of the bundles vq, vq_ema, projected"):
        read_stage1(copy)


def test_a_dataset_of_another_split_is_refused(tiny_stage1, tiny_dataset, tmp_path):
    stage1 = read_stage1(tiny_stage1)
    check_split(stage1, str(tiny_dataset))
    other = shutil.copytree(tiny_dataset, tmp_path / "data")
    write_splits(other / "splits.json", replace(read_splits(other), seed=99))
    with pytest.raises(SystemExit) as stopped:
        check_split(stage1, str(other))
    message = str(stopped.value)
    for part in (stage1.split_sha256[:12], read_splits(other).sha256[:12], str(tiny_dataset), "--dataset_dir"):
        assert part in message
    with pytest.raises(SystemExit, match="python -m data_prep"):
        check_split(stage1, str(tmp_path / "nowhere"))


def test_reading_a_run_leaves_torchs_random_numbers_to_their_owner(tiny_stage1):
    torch.manual_seed(3)
    first = read_stage1(tiny_stage1).network.state_dict()
    second = read_stage1(tiny_stage1).network.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
