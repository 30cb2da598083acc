"""The commands of the model card, each a program of its own, from a folder that is not the repository."""

from importlib.util import find_spec

import pandas as pd
import pytest
import torch

pytestmark = pytest.mark.slow


def needs(*packages: str) -> pytest.MarkDecorator:
    missing = [package for package in packages if find_spec(package) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@needs("jsonschema")
def test_verify_metadata(monai_bundle, zoo_bundle, schema_file, tmp_path):
    said = monai_bundle(
        tmp_path,
        *("verify_metadata", "--meta_file", zoo_bundle / "configs/metadata.json", "--filepath", schema_file),
    )
    assert "metadata is verified with no error." in said


def test_verify_net_in_out(monai_bundle, zoo_bundle):
    said = monai_bundle("/", "verify_net_in_out", "network_def", *meta_and_config(zoo_bundle), "--device", "cpu")
    assert "data shape of network is verified with no error." in said


def test_ckpt_export(monai_bundle, zoo_bundle, tmp_path):
    exported = tmp_path / "with spaces" / "again.ts"
    exported.parent.mkdir()
    checkpoint = ("--filepath", exported, "--ckpt_file", zoo_bundle / "models/model.pt")
    monai_bundle("/", "ckpt_export", "network_def", *checkpoint, *meta_and_config(zoo_bundle))
    x = torch.rand(2, 1, 32, 32)
    assert torch.equal(torch.jit.load(exported)(x), torch.jit.load(zoo_bundle / "models/model.ts")(x))


@needs("onnx", "onnxscript", "onnxruntime")
def test_onnx_export(monai_bundle, zoo_bundle, tmp_path):
    from onnxruntime import InferenceSession

    checkpoint = ("--filepath", tmp_path / "model.onnx", "--ckpt_file", zoo_bundle / "models/model.pt")
    monai_bundle(tmp_path, "onnx_export", "network_def", *checkpoint, *meta_and_config(zoo_bundle))
    session = InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    x = torch.rand(1, 1, 32, 32)
    (x_hat,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    expected = torch.jit.load(zoo_bundle / "models/model.ts")(x)
    torch.testing.assert_close(torch.from_numpy(x_hat), expected, atol=1e-4, rtol=0)


def test_run_inference_from_the_root_of_the_disk(monai_bundle, zoo_bundle, tiny_dataset, tiny_stage1, tmp_path):
    config = zoo_bundle / "configs/inference.json"
    folders = ("--dataset_dir", tiny_dataset, "--output_dir", tmp_path / "out put")
    said = monai_bundle("/", "run", "--config_file", config, *folders, "--device", "cpu")
    assert "written to" in said
    scored = pd.read_csv(tmp_path / "out put/scores_patients.csv")["ssim"].mean()
    report = pd.read_csv(tiny_stage1 / "report/ssim_splits.csv").set_index("split")
    assert scored == pytest.approx(report.loc["test", "ssim"], abs=1e-5)


def test_run_training_with_a_relative_path(monai_bundle, zoo_bundle, tiny_dataset, tmp_path):
    settings = ("--dataset_dir", tiny_dataset, "--output_dir", tmp_path / "run", "--max_epochs", "1", "--device", "cpu")
    said = monai_bundle(zoo_bundle.parent, "run", "--config_file", f"{zoo_bundle.name}/configs/train.json", *settings)
    assert "report:" in said
    assert len(pd.read_csv(tmp_path / "run/metrics.csv")) == 1


@pytest.mark.skipif(torch.cuda.device_count() == 1, reason="two processes need two GPUs, or none")
def test_run_training_in_two_processes(monai_bundle, zoo_bundle, tiny_dataset, tmp_path):
    configs = f"['{zoo_bundle}/configs/train.json','{zoo_bundle}/configs/multi_gpu_train.json']"
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nnodes=1", "--nproc_per_node=2")
    settings = ("--dataset_dir", tiny_dataset, "--output_dir", tmp_path / "run", "--max_epochs", "2")
    said = monai_bundle(tmp_path, "run", "--config_file", configs, *settings, program=(*torchrun, "-m", "monai.bundle"))
    assert said.count("report:") == 1
    assert pd.read_csv(tmp_path / "run/metrics.csv")["iteration"].tolist() == [2, 4]  # half the steps of one process


def meta_and_config(bundle) -> tuple:
    return ("--meta_file", bundle / "configs/metadata.json", "--config_file", bundle / "configs/inference.json")
