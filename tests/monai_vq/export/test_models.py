import zipfile
from pathlib import Path

import monai
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

import monai_vq
from monai_vq.export.models import large_files, write_onnx
from monai_vq.export.reconstructor import as_reconstructor

PLACES = [str(Path(package.__file__).parents[1]) for package in (monai_vq, monai, torch)]


def test_the_state_dict_and_torchscript_give_the_same_images_to_the_bit(exported):
    folder, _ = exported
    parser = ConfigParser()
    parser.read_config(str(folder / "configs/inference.json"))
    network = parser.get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(folder / "models/model.pt", weights_only=True))
    x = torch.rand(3, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(torch.jit.load(folder / "models/model.ts")(x), network(x))


def test_torchscript_names_no_folder_of_this_machine(exported):
    with zipfile.ZipFile(exported[0] / "models/model.ts") as file:
        content = b"".join(file.read(name) for name in file.namelist())
    assert b"inference.json" in b"".join(name.encode() for name in file.namelist())
    assert not [place for place in PLACES if place.encode() in content]


@pytest.mark.slow
def test_onnx_names_no_folder_of_this_machine_and_gives_the_same_images(finished, tmp_path):
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    write_onnx(tmp_path / "model.onnx", finished)
    content = (tmp_path / "model.onnx").read_bytes()
    assert not [place for place in PLACES if place.encode() in content]
    x = torch.rand(3, 1, 32, 32)
    (x_hat,) = runtime.InferenceSession(tmp_path / "model.onnx").run(None, {"image": x.numpy()})
    with torch.no_grad():
        expected = as_reconstructor(finished.network).eval()(x).numpy()
    assert np.abs(x_hat - expected).max() < 1e-4


def test_files_above_the_limit_are_found(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models/small").write_bytes(bytes(10))
    (tmp_path / "models/large").write_bytes(bytes(11))
    assert large_files(tmp_path, limit=10) == [tmp_path / "models/large"]
