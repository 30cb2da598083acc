import json
import shutil
from dataclasses import replace

import pytest
import torch

from monai_vq.data import file_sha256, read_splits
from monai_vq.engines.trained_model import TrainedModel
from monai_vq.errors import InputError


@pytest.fixture
def copy(tiny_stage1, tmp_path):
    return shutil.copytree(tiny_stage1, tmp_path / "run")


def test_a_run_knows_what_its_network_sees_and_which_bytes_it_is(tiny_stage1, tiny_dataset):
    model = TrainedModel.read(tiny_stage1)
    assert (model.image_size, model.spacing, model.in_channels) == ([32, 32], None, 1)
    assert (model.dataset_dir, model.precision) == (str(tiny_dataset), "fp32")
    assert model.split_sha256 == read_splits(tiny_dataset).sha256
    assert model.checkpoint_sha256 == file_sha256(tiny_stage1 / "checkpoints/best.pt")
    assert not model.network.training
    stored = torch.load(tiny_stage1 / "checkpoints/best.pt", weights_only=True)["network"]
    assert all(torch.equal(value, stored[name]) for name, value in model.network.state_dict().items())


@pytest.mark.parametrize(
    ("precision", "device", "expected"),
    [("fp16", "cpu", "fp32"), ("fp16", "cuda:1", "fp16"), ("bf16", "cpu", "bf16"), ("fp32", "cuda", "fp32")],
)
def test_a_device_does_the_precision_that_it_can(tiny_stage1, precision, device, expected):
    model = replace(TrainedModel.read(tiny_stage1), precision=precision)
    assert model.precision_on(device) == model.precision_on(torch.device(device)) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is damaged, it is no JSON"),
        ("[]", "is damaged, it holds no settings"),
        ("{}", "has no dataset_dir, image_size, spacing, in_channels: it is no run of a VQ-VAE"),
    ],
)
def test_a_config_of_something_else_is_refused(copy, content, message):
    (copy / "config.json").write_text(content)
    with pytest.raises(InputError, match=message):
        TrainedModel.read(copy)


def test_what_is_missing_is_named(copy, tmp_path):
    with pytest.raises(InputError, match=r"no run in .*nowhere"):
        TrainedModel.read(tmp_path / "nowhere")
    config = json.loads((copy / "config.json").read_text())
    del config["spacing"]
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="has no spacing"):
        TrainedModel.read(copy)
