"""The bundles of one dataset each, on the tiny dataset in its place."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from monai.bundle import ConfigWorkflow
from monai.bundle import run as run_monai_bundle

FOLDER = Path(__file__).parents[2] / "bundles"
DATASETS = {
    "oasis": ("oasis1", "data/oasis1"),
    "adni": ("adni", "data/adni"),
    "cifar10": ("cifar10", "data/cifar10"),
    "cifar10_report": ("cifar10", "data/cifar10"),
    "projected_report": ("cifar10", "data/cifar10"),
}
every_dataset = pytest.mark.parametrize("bundle", DATASETS)


@pytest.fixture
def settings(tiny_dataset, tmp_path) -> dict:
    """What the tiny dataset needs; the network keeps its size."""
    folders = {"dataset_dir": str(tiny_dataset), "output_dir": str(tmp_path / "run")}
    return folders | {"image_size": [32, 32], "spacing": "none", "in_channels": 1, "device": "cpu", "precision": "fp32"}


@every_dataset
def test_every_property_of_the_model_zoo_is_there(bundle, settings):
    workflow = ConfigWorkflow(f"bundles/{bundle}.json", logging_file=False, workflow_type="train")
    defaults = json.loads((FOLDER / f"{bundle}.json").read_text())
    for name, value in settings.items():
        workflow.parser[name] = value
    workflow.initialize()
    assert workflow.check_properties() == []
    assert workflow.max_epochs == defaults["max_epochs"]
    assert len(workflow.train_dataset_data) == 16


@every_dataset
def test_the_network_takes_the_datasets_own_images(bundle):
    workflow = ConfigWorkflow(f"bundles/{bundle}.json", logging_file=False, workflow_type="train")
    size, channels = workflow.parser["image_size"], workflow.parser["in_channels"]
    network = workflow.parser.get_parsed_content("network_def").train()
    x = torch.rand(2, channels, *size)
    reconstruction = network(x)
    assert reconstruction.x_hat.shape == x.shape
    assert reconstruction.codes.shape == (2, size[0] // 4, size[1] // 4)  # f = 4
    (reconstruction.x_hat.square().mean() + reconstruction.loss).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in network.parameters())


@pytest.mark.slow
@every_dataset
def test_an_epoch_and_its_report(bundle, settings):
    run_monai_bundle(config_file=f"bundles/{bundle}.json", logging_file=False, max_epochs=1, batch_size=4, **settings)
    run = Path(settings["output_dir"])
    assert pd.read_csv(run / "metrics.csv")["iteration"].tolist() == [4]
    assert pd.read_csv(run / "report/ssim_splits.csv")["ssim"].between(-1, 1).all()


@every_dataset
def test_the_default_dataset_is_the_headers(bundle):
    source, folder = DATASETS[bundle]
    config = json.loads((FOLDER / f"{bundle}.json").read_text())
    assert config["dataset_dir"] == folder
    assert f"python -m data_prep {source} --source DOWNLOAD --output_dir {folder}" in config["_desc_"]


@every_dataset
def test_a_dataset_that_is_missing_is_a_line_that_says_how_to_prepare_it(bundle, tmp_path, monkeypatch):
    (tmp_path / "bundles").symlink_to(FOLDER)
    monkeypatch.chdir(tmp_path)  # where its default dataset is not
    with pytest.raises(SystemExit) as stopped:
        run_monai_bundle(config_file=f"bundles/{bundle}.json", logging_file=False, device="cpu", precision="fp32")
    assert stopped.value.code.startswith(f"error: no prepared dataset at {DATASETS[bundle][1]}; ")
    assert f"python -m data_prep SOURCE --source DIR --output_dir {DATASETS[bundle][1]}" in stopped.value.code
    assert [path.name for path in tmp_path.iterdir()] == ["bundles"]  # neither the phantom cohort nor a run


def test_the_published_settings_are_the_published_ones():
    cifar10, projected = (json.loads((FOLDER / f"{name}_report.json").read_text()) for name in ("cifar10", "projected"))
    published = {"num_embeddings": 512, "embedding_dim": 64, "learning_rate": 5e-4, "max_epochs": 40, "batch_size": 16}
    assert {name: cifar10[name] for name in published} == published
    published = {"num_embeddings": 512, "embedding_dim": 256, "learning_rate": 2e-4, "max_epochs": 100}
    published |= {"batch_size": 128, "commitment_cost": 1.0, "projection_cost": 1.0, "estimator": "published"}
    assert {name: projected[name] for name in published} == published
    for config, update in ((cifar10, "ema"), (projected, "gradient")):
        codebook = config["network_def"]["quantizer"]["codebook"]
        assert (codebook["update"], codebook["choice"]) == (update, "nearest")
        assert config["optimizer"]["_target_"] == "torch.optim.Adam"
